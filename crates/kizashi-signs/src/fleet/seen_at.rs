//! At which sensors and groups a sign of many sensors is seen, as it is kept with the sign.

use serde::{Deserialize, Serialize};

/// Where in a fleet a sign is seen: at the places that raised it themselves, and at those where more came to its key since it began than is usual
/// there (the lower end of the ratio's 95 % interval is above 1), as it was when most of them did. Only sensors and groups that have a watch of their own are looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenAt {
    /// Of the sensors that the sign is about.
    pub sensors: Seen,
    /// Of the groups that the sign is about: none where it is of one.
    pub groups: Seen,
}

/// Which of some places see a sign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// How many see it.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// The first 16 of those that see it, those with the most sources more than usual first.
    pub named: Vec<SeenPlace>,
}

/// A sensor or group that sees a sign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenPlace {
    /// Its name.
    pub name: String,
    /// Sources that came there since the sign began; a source counts once in 24 hours.
    pub sources: u64,
    /// Sources that the past there made one expect.
    pub expected: f64,
}

impl Seen {
    /// Places that are named at most.
    const MOST_NAMED: usize = 16;

    /// Of so many places these.
    pub(super) fn of(of: usize, mut places: Vec<SeenPlace>) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
        let excess = |place: &SeenPlace| place.sources as f64 - place.expected;
        places.sort_by(|one, other| {
            excess(other).total_cmp(&excess(one)).then_with(|| one.name.cmp(&other.name))
        });
        let count = places.len();
        places.truncate(Self::MOST_NAMED);
        Self { count, of, named: places }
    }

    /// The first names, at most so many, and whether there are more.
    #[must_use]
    pub fn names(&self, most: usize) -> (Vec<&str>, bool) {
        let names: Vec<&str> =
            self.named.iter().take(most).map(|place| place.name.as_str()).collect();
        let more = names.len() < self.count;
        (names, more)
    }
}

impl SeenAt {
    /// `7 of 10 sensors: fra-1, fra-2 …`; nothing where no sensor sees it by itself.
    #[must_use]
    pub fn shortly(&self, most: usize) -> Option<String> {
        let (names, more) = self.sensors.names(most);
        let Seen { count, of, .. } = self.sensors;
        let dots = if more { " …" } else { "" };
        (count > 0).then(|| format!("{count} of {of} sensors: {}{dots}", names.join(", ")))
    }
}
