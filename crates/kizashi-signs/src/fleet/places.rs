//! At which sensors and groups a sign of many sensors is seen. It is worked out of what their own watches counted since it began, against what is
//! usual at each, bin by bin, so that it is the same live, in a replay and after a restart. A sign of one sensor says no more than that, until
//! another watch tells what it sees as that sign.

use std::collections::BTreeMap;

use kizashi_event::{Key, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Fleet, FleetClosed, OverAll, Scope, Seen, SeenAt, SeenPlace};
use crate::{Comparison, Detection, Sign, SignKind};

/// A sign that is told and goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Story {
    told_by: Scope,
    /// The key that rises; nothing of a silence, or of a shift of the whole sensor.
    key: Option<String>,
    since: Timestamp,
    places: BTreeMap<Scope, Comparison>,
    seen: Option<SeenAt>,
}

/// What one place counted.
struct Counted {
    place: SeenPlace,
    /// Whether that is more than usual there.
    is_more: bool,
}

impl Story {
    fn of(sign: &Sign) -> Self {
        Self {
            told_by: sign.scope.clone().unwrap_or(Scope::All),
            key: (sign.kind == SignKind::Rise).then(|| sign.key.clone()),
            since: sign.since,
            places: BTreeMap::new(),
            seen: None,
        }
    }

    /// Counts what a bin brought to its key at one place, and says what came there by now.
    fn count(
        &mut self,
        (scope, watch): (&Scope, &Detection),
        key: &Key,
        end: Timestamp,
    ) -> Option<Counted> {
        match self.places.get_mut(scope) {
            Some(place) => watch.compare_on(key, (place, end)),
            None => {
                self.places.insert(scope.clone(), watch.compare(key, self.since)?);
            }
        }
        let place = self.places.get(scope)?;
        let (expected, is_more) = watch.compared(key, place)?;
        let (name, sources) = (scope.name().to_owned(), place.sources);
        Some(Counted { place: SeenPlace { name, sources, expected }, is_more })
    }
}

impl Fleet {
    /// Says of what is told where it is seen, and tells again what is seen elsewhere by now.
    pub(super) fn place(&mut self, end: Timestamp, over_all: &OverAll, closed: &mut FleetClosed) {
        for sign in &closed.told.raised {
            self.stories.insert(sign.id.clone(), Story::of(sign));
        }
        let mut stories = std::mem::take(&mut self.stories);
        let watches = &self.watches;
        stories
            .retain(|_, story| story.told_by == Scope::All || watches.contains_key(&story.told_by));
        for (id, story) in &mut stories {
            let Some(seen) = self.seen_at(id, story, end) else { continue };
            // A wave that is over is soon no more than usual: it is told where it was when most saw it.
            let is_most = story.seen.as_ref().is_none_or(|most| is_as_wide(&seen, most));
            if is_most && story.seen.as_ref() != Some(&seen) {
                story.seen = Some(seen);
                let told = &closed.told;
                if !told.raised.iter().chain(&told.changed).any(|sign| sign.id == *id) {
                    let sign = self.open_sign(&story.told_by, id, &over_all.open);
                    closed.told.changed.extend(sign);
                }
            }
        }
        let told = &mut closed.told;
        for sign in told.raised.iter_mut().chain(&mut told.changed) {
            let known = if sign.open {
                stories.get(&sign.id).and_then(|story| story.seen.clone())
            } else {
                stories.remove(&sign.id).and_then(|story| story.seen)
            };
            sign.seen_at = known;
        }
        self.stories = stories;
    }

    /// Where a story is seen now; nothing of one that is one sensor's, or of which no watch knows anything.
    fn seen_at(&self, id: &str, story: &mut Story, end: Timestamp) -> Option<SeenAt> {
        let within = self.within.iter().filter(|(_, first)| *first == id);
        let raised = within.map(|((scope, own), _)| (scope.clone(), own.as_str()));
        let raised: BTreeMap<Scope, &str> = raised.chain([(story.told_by.clone(), id)]).collect();
        // All comes before groups, and these before sensors.
        let (widest, _) = raised.first_key_value()?;
        let key = story.key.as_ref().and_then(|key| Key::from_shown(key).ok());
        let (mut sensors, mut groups, mut of) = (Vec::new(), Vec::new(), (0, 0));
        for (scope, watch) in &self.watches {
            // Counted from the start on, wherever it may turn out to be.
            let counted = key.as_ref().and_then(|key| story.count((scope, watch), key, end));
            if !self.is_within(scope, widest) {
                continue;
            }
            let seen = match (counted, raised.get(scope)) {
                (Some(counted), raised) => {
                    (raised.is_some() || counted.is_more).then_some(counted.place)
                }
                (None, Some(own)) => self.open_sign(scope, own, &[]).map(|sign| SeenPlace {
                    name: scope.name().to_owned(),
                    sources: sign.sources,
                    expected: sign.expected_sources,
                }),
                (None, None) => None,
            };
            match scope {
                Scope::Sensor(_) => {
                    of.0 += 1;
                    sensors.extend(seen);
                }
                Scope::Group(_) => {
                    of.1 += 1;
                    groups.extend(seen);
                }
                Scope::All => {}
            }
        }
        let is_own = |place: &SeenPlace| matches!(&story.told_by, Scope::Sensor(sensor) if *sensor == place.name);
        // Of its own sign a sensor need not be named.
        let is_elsewhere = sensors.is_empty() || !sensors.iter().all(is_own);
        let is_known = !story.places.is_empty() || !sensors.is_empty();
        let seen = SeenAt { sensors: Seen::of(of.0, sensors), groups: Seen::of(of.1, groups) };
        (is_known && is_elsewhere && of.0 > 1).then_some(seen)
    }

    /// Whether a sensor or group is part of what a sign of many is about.
    fn is_within(&self, scope: &Scope, whole: &Scope) -> bool {
        match (scope, whole) {
            (Scope::Sensor(_), Scope::Group(_)) => self.share_sensors(scope, whole),
            (_, Scope::All) => *scope != Scope::All,
            _ => false,
        }
    }
}

/// Whether something is seen by as many as it was before.
fn is_as_wide(now: &SeenAt, before: &SeenAt) -> bool {
    let counts = |seen: &SeenAt| (seen.sensors.count, seen.groups.count);
    counts(now) >= counts(before)
}
