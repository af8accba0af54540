//! Where in a fleet a sign is seen, as an advisory says it: whose watch raised it, and which sensors and groups see it.

use super::build::{Told, safe};
use crate::{Scope, Seen};

/// Names told at most.
const MOST_NAMED: usize = 8;

impl Told<'_> {
    /// Where it is seen; nothing by one machine.
    pub(super) fn places(&self) -> Vec<String> {
        self.raised_at().into_iter().chain(self.seen_at()).collect()
    }

    /// The sensor or group that raised it; nothing where that is all of them together.
    fn raised_at(&self) -> Option<String> {
        match self.sign.scope.as_ref()? {
            Scope::All => None,
            Scope::Group(group) => Some(self.speaker.say("seen_in_group", &[("group", group)])),
            Scope::Sensor(sensor) => {
                Some(self.speaker.say("seen_at_sensor", &[("sensor", sensor)]))
            }
        }
    }

    /// Which of its sensors and groups see it.
    fn seen_at(&self) -> Vec<String> {
        let Some(seen) = &self.sign.seen_at else { return Vec::new() };
        if seen.sensors.count == 0 {
            return vec![self.speaker.plain("seen_together")];
        }
        let say = |sentence: &str, places: &Seen| {
            let (n, of) = (places.count.to_string(), places.of.to_string());
            self.speaker.say(sentence, &[("n", &n), ("of", &of), ("names", &names(places))])
        };
        let groups = (seen.groups.count > 0).then(|| say("seen_groups", &seen.groups));
        [say("seen_sensors", &seen.sensors)].into_iter().chain(groups).collect()
    }
}

/// The first names, and whether there are more.
fn names(places: &Seen) -> String {
    let (names, more) = places.names(MOST_NAMED);
    let names: Vec<String> = names.into_iter().map(safe).collect();
    let dots = if more { " …" } else { "" };
    format!("{}{dots}", names.join(", "))
}
