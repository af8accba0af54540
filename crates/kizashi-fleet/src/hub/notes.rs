//! What of [`Conditions`] is written down, and when. Of a sensor that lives something changes with each of its heartbeats, and at a thousand
//! sensors all of it is half a megabyte: so all of it is written as often as somebody may look only while the sensors are few. Where they are
//! many it is written once a minute; what is worth more than its moment (that one fell silent, lost or was refused something, is of another version, came anew)
//! is written beside it as soon as before, and alone. Where nothing changed nothing is written.

use std::collections::BTreeMap;

use kizashi_event::Timestamp;

use super::conditions::{Condition, Conditions};

/// Microseconds between two looks.
const LOOKED: i64 = 10 * Timestamp::SECOND;
/// Microseconds between two times that all of many sensors is written.
const WHOLE_EVERY: i64 = 60 * Timestamp::SECOND;
/// Sensors that are few.
const FEW: usize = 200;

/// What was written down.
#[derive(Debug)]
pub struct Notes {
    looked: Timestamp,
    whole_at: Timestamp,
    whole: Option<BTreeMap<String, Condition>>,
    since: Vec<Condition>,
}

/// What is to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// How every sensor fares; nothing where that stands as it was written last.
    pub whole: Option<Vec<Condition>>,
    /// Those that fare otherwise since then, in what is worth more than its moment.
    pub since: Vec<Condition>,
}

impl Notes {
    /// Of a hub that starts now, which wrote nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { looked: now, whole_at: now, whole: None, since: Vec::new() }
    }

    /// What is due. To be called often.
    pub fn due(&mut self, now: Timestamp, conditions: &Conditions) -> Option<Noted> {
        if now.since(self.looked) < LOOKED {
            return None;
        }
        self.looked = now;
        let all = conditions.at(now);
        let is_first = self.whole.is_none();
        let whole = self.whole.get_or_insert_default();
        let is_due = all.len() <= FEW || now.since(self.whole_at) >= WHOLE_EVERY;
        let is_as_it_was =
            all.len() == whole.len() && all.iter().all(|it| whole.get(&it.name) == Some(it));
        if is_first || is_due && !is_as_it_was {
            self.whole_at = now;
            *whole = all.iter().map(|it| (it.name.clone(), it.clone())).collect();
            self.since.clear();
            return Some(Noted { whole: Some(all), since: Vec::new() });
        }
        let stands = |it: &Condition| {
            whole.get(&it.name).is_some_and(|before| before.lasting() == it.lasting())
        };
        let since: Vec<Condition> = all.into_iter().filter(|it| !stands(it)).collect();
        let is_new =
            since.iter().map(Condition::lasting).ne(self.since.iter().map(Condition::lasting));
        is_new.then(|| {
            self.since.clone_from(&since);
            Noted { whole: None, since }
        })
    }

    /// How every sensor fared, of what was written down.
    #[must_use]
    pub fn together(whole: Vec<Condition>, since: Vec<Condition>) -> Vec<Condition> {
        let all = whole.into_iter().chain(since).map(|it| (it.name.clone(), it));
        all.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Status;

    const START: Timestamp = Timestamp::from_seconds(1_780_000_000);

    fn after(seconds: i64) -> Timestamp {
        START.plus(seconds * Timestamp::SECOND)
    }

    /// Heartbeats of so many sensors.
    fn beat(conditions: &Conditions, sensors: usize, now: Timestamp) {
        for number in 0..sensors {
            let name = format!("s{number:05}");
            conditions.heartbeat(&name, now, (now, 0), Status::default());
        }
    }

    #[test]
    fn few_sensors_are_written_whole_each_time_that_somebody_may_look_and_not_where_nothing_changed()
     {
        let (conditions, mut notes) = (Conditions::new(START), Notes::new(START));
        beat(&conditions, 3, after(5));
        assert_eq!(notes.due(after(9), &conditions), None);
        let noted = notes.due(after(10), &conditions).unwrap();
        assert_eq!((noted.whole.map(|all| all.len()), noted.since), (Some(3), Vec::new()));
        assert_eq!(notes.due(after(20), &conditions), None, "nothing changed");
        beat(&conditions, 3, after(25));
        assert!(notes.due(after(30), &conditions).unwrap().whole.is_some());
    }

    #[test]
    fn of_many_what_lasts_is_written_alone_and_at_once_and_their_heartbeats_once_a_minute() {
        let (conditions, mut notes) = (Conditions::new(START), Notes::new(START));
        let (mut whole, mut since) = (0, 0);
        let mut kept = (Vec::new(), Vec::new());
        for second in (10..=360).step_by(10) {
            beat(&conditions, 1_000, after(second));
            if second == 200 {
                conditions.refused("s00007", after(second), "no");
            }
            let Some(noted) = notes.due(after(second), &conditions) else { continue };
            since += noted.since.len();
            if let Some(all) = noted.whole {
                whole += 1;
                kept.0 = all;
            }
            kept.1 = noted.since;
            if (200..240).contains(&second) {
                let read = Notes::together(kept.0.clone(), kept.1.clone());
                assert_eq!((read.len(), read[7].refused), (1_000, 1), "it is read at once");
            }
        }
        assert_eq!(whole, 6, "once a minute of six");
        assert_eq!(since, 1, "one that was refused something");
    }
}
