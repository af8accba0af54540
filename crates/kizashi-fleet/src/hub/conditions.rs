//! How the sensors of a fleet fare, as the hub sees it: who lives, how much comes, how late, what was lost and refused. Also how far time
//! may be closed: as far as the sensors that live have told everything, and not later than a bound, for one that is away must not stop the rest.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kizashi_event::Timestamp;
use serde::{Deserialize, Serialize};

use crate::accounts::MOST_SENSORS;
use crate::record::Status;

/// Microseconds of silence after which a sensor is told as silent: thirty heartbeats.
pub const SILENT_AFTER: i64 = 300 * Timestamp::SECOND;
/// Microseconds by which the closing of time waits for sensors that have more to tell.
pub const WAITS: i64 = 900 * Timestamp::SECOND;
/// Microseconds after which a sensor that is not heard is forgotten.
const FORGOTTEN_AFTER: i64 = 30 * Timestamp::DAY;
/// Characters of a refusal that is kept.
const LONGEST_REFUSAL: usize = 200;

/// How one sensor fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// The group of sensors that it belongs to, as the hub's owner says; empty where he says nothing.
    pub group: String,
    /// When anything came from it last, by the hub's clock, in microseconds since 1970.
    pub heard: i64,
    /// Whether it is told as silent.
    pub silent: bool,
    /// What it says itself.
    pub status: Status,
    /// Events that came since it was first heard.
    pub events: u64,
    /// Events in the last whole minute.
    pub events_per_minute: u64,
    /// Milliseconds from the latest message's coming to the servers to its coming here.
    pub lag_ms: i64,
    /// Milliseconds by which its clock is behind the servers' (negative: ahead).
    pub clock_ms: i64,
    /// Records that came more than once and counted once.
    pub again: u64,
    /// Records that were sent and never came.
    pub missed: u64,
    /// Events whose content was told of and is not there.
    pub without_content: u64,
    /// Records that were not believed.
    pub refused: u64,
    /// Why the last of them was not.
    pub refusal: Option<String>,
    /// Up to when it has told everything, by the servers' clock, in microseconds since 1970.
    #[serde(skip)]
    told_until: i64,
    /// Whether a trap of it misbehaved and nobody was told yet.
    #[serde(skip)]
    misbehaved: bool,
    /// The running minute and what came in it.
    #[serde(skip)]
    minute: (i64, u64),
}

impl Condition {
    /// Since when nothing was heard of it, where it is told as silent.
    #[must_use]
    pub fn silent_since(&self) -> Option<Timestamp> {
        self.silent.then_some(Timestamp::from_micros(self.heard))
    }

    /// The same without what changes with each heartbeat.
    pub(super) fn lasting(&self) -> Self {
        Self {
            heard: 0,
            events: 0,
            events_per_minute: 0,
            lag_ms: 0,
            clock_ms: 0,
            status: Status { waiting_bytes: 0, waiting_records: 0, ..self.status.clone() },
            told_until: 0,
            misbehaved: false,
            minute: (0, 0),
            ..self.clone()
        }
    }

    /// Events in the last whole minute before `now`.
    fn rate(&self, now: Timestamp) -> u64 {
        match minute_of(now) - self.minute.0 {
            0 => self.events_per_minute,
            1 => self.minute.1,
            _ => 0,
        }
    }
}

fn minute_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(60 * Timestamp::SECOND)
}

/// All of them.
#[derive(Debug)]
pub struct Conditions {
    all: Mutex<BTreeMap<String, Condition>>,
    /// The group of each sensor that has one.
    groups: BTreeMap<String, String>,
    /// When the hub started: nobody was heard while it was not there.
    started: Timestamp,
}

/// What one record changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    pub(crate) events: u64,
    pub(crate) without_content: u64,
    /// When the servers had it.
    pub(crate) published: Timestamp,
    /// Microseconds by which the sensor's clock is behind.
    pub(crate) behind: i64,
    /// The time of its newest event, corrected.
    pub(crate) newest: Option<Timestamp>,
}

impl Conditions {
    /// Of a hub that starts now.
    #[must_use]
    pub fn new(started: Timestamp) -> Self {
        Self { all: Mutex::default(), groups: BTreeMap::new(), started }
    }

    /// The same with sensors in groups: by each sensor's name its group's.
    #[must_use]
    pub fn grouped(self, groups: BTreeMap<String, String>) -> Self {
        Self { groups, ..self }
    }

    fn group_of(&self, name: &str) -> String {
        self.groups.get(name).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Condition>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &str, now: Timestamp, change: impl FnOnce(&mut Condition)) {
        let mut all = self.lock();
        // Names are those that the servers let in; this bounds even what a broken configuration lets in.
        if all.len() >= MOST_SENSORS && !all.contains_key(name) {
            return;
        }
        let condition = all.entry(name.to_owned()).or_insert_with(|| Condition {
            name: name.to_owned(),
            group: self.group_of(name),
            ..Condition::default()
        });
        condition.heard = condition.heard.max(now.micros());
        if std::mem::take(&mut condition.silent) {
            tracing::info!("fleet: sensor {name} is heard again");
        }
        change(condition);
    }

    pub(crate) fn came(&self, name: &str, now: Timestamp, came: Came) {
        self.change(name, now, |condition| {
            let minute = minute_of(now);
            if condition.minute.0 != minute {
                condition.events_per_minute =
                    if condition.minute.0 + 1 == minute { condition.minute.1 } else { 0 };
                condition.minute = (minute, 0);
            }
            condition.minute.1 += came.events;
            condition.events += came.events;
            condition.without_content += came.without_content;
            condition.lag_ms = now.since(came.published) / 1_000;
            condition.clock_ms = came.behind / 1_000;
            if let Some(newest) = came.newest {
                condition.told_until = condition.told_until.max(newest.micros());
            }
        });
    }

    pub(crate) fn heartbeat(
        &self,
        name: &str,
        now: Timestamp,
        (published, behind): (Timestamp, i64),
        status: Status,
    ) {
        self.change(name, now, |condition| {
            // Where nobody comes these are all that says how far away it is.
            condition.lag_ms = now.since(published) / 1_000;
            condition.clock_ms = behind / 1_000;
            if crate::is_worth_a_line(condition.status.dropped_events, status.dropped_events) {
                tracing::warn!(
                    "fleet: sensor {name} let {} events go: its spool or its disk was full",
                    status.dropped_events
                );
            }
            // A sensor that was started anew counts from 0 again.
            condition.misbehaved |= status.misbehaved > condition.status.misbehaved;
            if status.waiting_records == 0 {
                condition.told_until = condition.told_until.max(published.micros());
            }
            condition.status = status;
        });
    }

    pub(crate) fn again(&self, name: &str, now: Timestamp) {
        self.change(name, now, |condition| condition.again += 1);
    }

    pub(crate) fn missed(&self, name: &str, now: Timestamp, records: u64) {
        self.change(name, now, |condition| {
            condition.missed = condition.missed.saturating_add(records);
        });
    }

    /// Takes note of a refusal; whether it is worth a line: the first, and each that doubles their number.
    pub(crate) fn refused(&self, name: &str, now: Timestamp, why: &str) -> bool {
        let mut tells = false;
        self.change(name, now, |condition| {
            condition.refused += 1;
            condition.refusal = Some(why.chars().take(LONGEST_REFUSAL).collect());
            tells = condition.refused.is_power_of_two();
        });
        tells
    }

    /// How every sensor fares, in the order of names.
    #[must_use]
    pub fn all(&self) -> Vec<Condition> {
        self.lock().values().cloned().collect()
    }

    /// The same with the rates as they are now: of one that tells nothing any more there is none.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Vec<Condition> {
        let mut all = self.all();
        for condition in &mut all {
            condition.events_per_minute = condition.rate(now);
        }
        all
    }

    /// What was known before a restart: who is a sensor, so that one that never comes again is told as silent too.
    pub fn remember(&self, before: Vec<Condition>) {
        let mut all = self.lock();
        let is_known =
            |it: &Condition| self.started.since(Timestamp::from_micros(it.heard)) < FORGOTTEN_AFTER;
        for condition in before.into_iter().filter(is_known).take(MOST_SENSORS) {
            let group = self.group_of(&condition.name);
            all.entry(condition.name.clone()).or_insert(Condition { group, ..condition });
        }
    }

    /// Sensors that fell silent since this was last asked, with when they were heard last.
    pub fn fell_silent(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let mut fell = Vec::new();
        for condition in self.lock().values_mut() {
            let heard = Timestamp::from_micros(condition.heard);
            if !condition.silent && now.since(heard.max(self.started)) >= SILENT_AFTER {
                condition.silent = true;
                fell.push((condition.name.clone(), heard));
            }
        }
        fell
    }

    /// Sensors of which a trap misbehaved since this was last asked.
    pub fn misbehaved(&self) -> Vec<String> {
        let mut all = self.lock();
        let new = all
            .values_mut()
            .filter_map(|it| std::mem::take(&mut it.misbehaved).then(|| it.name.clone()));
        new.collect()
    }

    /// Up to when time may be closed: all that the sensors have told which were heard within [`WAITS`]. A hub that was away waits as long for
    /// what came meanwhile.
    #[must_use]
    pub fn told_until(&self, now: Timestamp) -> Timestamp {
        let all = self.lock();
        let is_awaited = |it: &&Condition| {
            let heard = Timestamp::from_micros(it.heard).max(self.started);
            now.since(heard) < WAITS
        };
        let told = all.values().filter(is_awaited).map(|it| it.told_until).min();
        let told = told.map_or(now, |told| Timestamp::from_micros(told).min(now));
        if now.since(self.started) < WAITS { told } else { told.max(now.plus(-WAITS)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_780_000_000);

    /// A hub that has been there for long.
    const START: Timestamp = Timestamp::from_seconds(1_770_000_000);

    fn after(seconds: i64) -> Timestamp {
        NOW.plus(seconds * Timestamp::SECOND)
    }

    #[test]
    fn a_sensor_that_falls_silent_is_told_once_and_again_after_it_was_heard() {
        let conditions = Conditions::new(START);
        conditions.heartbeat("a", NOW, (NOW, 0), Status::default());
        conditions.heartbeat("b", after(200), (after(200), 0), Status::default());
        assert_eq!(conditions.fell_silent(after(299)), []);
        assert_eq!(conditions.fell_silent(after(301)), [("a".to_owned(), NOW)]);
        assert_eq!(conditions.fell_silent(after(302)), []);
        conditions.heartbeat("a", after(310), (after(310), 0), Status::default());
        assert_eq!(conditions.fell_silent(after(320)), []);
        assert_eq!(conditions.fell_silent(after(900)).len(), 2);
    }

    #[test]
    fn time_closes_as_far_as_all_have_told_and_waits_for_none_longer_than_its_bound() {
        let conditions = Conditions::new(START);
        assert_eq!(conditions.told_until(NOW), NOW);
        conditions.heartbeat("a", NOW, (NOW, 0), Status::default());
        let behind = Status { waiting_records: 9, ..Status::default() };
        conditions.heartbeat("b", NOW, (NOW, 0), behind);
        assert_eq!(conditions.told_until(NOW), NOW.plus(-WAITS), "b may have older things to tell");
        let came = Came { events: 5, newest: Some(after(-30)), published: NOW, ..Came::default() };
        conditions.came("b", NOW, came);
        assert_eq!(conditions.told_until(NOW), after(-30));
        conditions.heartbeat("b", NOW, (NOW, 0), Status::default());
        assert_eq!(conditions.told_until(NOW), NOW);
        assert_eq!(conditions.told_until(after(800)), NOW, "they may be cut off");
        assert_eq!(conditions.told_until(after(900)), after(900), "who is away is not waited for");
        conditions.heartbeat("b", after(901), (after(901), 0), Status::default());
        assert_eq!(conditions.told_until(after(901)), after(901));
    }

    #[test]
    fn a_hub_that_was_away_waits_for_what_came_meanwhile_and_tells_nobody_as_silent_for_it() {
        let before = Conditions::new(START);
        before.heartbeat("a", NOW, (NOW, 0), Status::default());
        // As the store keeps it.
        let known = serde_json::to_string(&before.all()).unwrap();
        let known: Vec<Condition> = serde_json::from_str(&known).unwrap();
        let conditions = Conditions::new(after(86_400));
        conditions.remember(known.clone());
        assert_eq!(conditions.fell_silent(after(86_400 + 299)), []);
        assert!(conditions.told_until(after(86_401)) < NOW, "nothing was told yet");
        let came = Came { events: 1, newest: Some(after(3_600)), ..Came::default() };
        conditions.came("a", after(86_410), came);
        assert_eq!(
            conditions.told_until(after(86_410)),
            after(3_600),
            "the backlog closes in order"
        );
        let later = after(86_400 + 301);
        let conditions = Conditions::new(after(86_400));
        conditions.remember(known.clone());
        assert_eq!(conditions.fell_silent(later), [("a".to_owned(), NOW)]);
        let much_later = Conditions::new(after(31 * 86_400));
        much_later.remember(known);
        assert_eq!(much_later.all(), []);
    }

    #[test]
    fn a_trap_that_misbehaved_is_told_once_each_time() {
        let conditions = Conditions::new(START);
        let with = |misbehaved| {
            let status = Status { misbehaved, ..Status::default() };
            conditions.heartbeat("a", NOW, (NOW, 0), status);
            conditions.misbehaved().len()
        };
        assert_eq!([0, 1, 1, 2, 0, 1].map(with), [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn refusals_are_counted_all_and_told_ever_more_rarely() {
        let conditions = Conditions::new(START);
        let told = (0..1_000).filter(|_| conditions.refused("a", NOW, "no")).count();
        assert_eq!((told, conditions.all()[0].refused), (10, 1_000));
    }

    #[test]
    fn the_rate_is_that_of_the_last_whole_minute() {
        let conditions = Conditions::new(START);
        let start = NOW.floor_to(60 * Timestamp::SECOND);
        let came = Came { events: 7, ..Came::default() };
        for seconds in [0, 20, 59, 61] {
            conditions.came("a", start.plus(seconds * Timestamp::SECOND), came);
        }
        assert_eq!(conditions.all()[0].events_per_minute, 21);
        let rate =
            |seconds| conditions.at(start.plus(seconds * Timestamp::SECOND))[0].events_per_minute;
        assert_eq!([61, 119, 120, 179, 180, 900].map(rate), [21, 21, 7, 7, 0, 0]);
        conditions.came("a", start.plus(300 * Timestamp::SECOND), came);
        assert_eq!(conditions.all()[0].events_per_minute, 0);
    }

    #[test]
    fn one_to_whom_nobody_comes_is_known_by_what_it_says_of_itself_and_by_the_group_it_is_in() {
        let groups = BTreeMap::from([("a".to_owned(), "asia".to_owned())]);
        let conditions = Conditions::new(START).grouped(groups);
        let status = Status { version: "1.2.3".to_owned(), waiting_bytes: 9, ..Status::default() };
        conditions.heartbeat("a", after(2), (NOW, -7_000_000), status);
        conditions.refused("b", NOW, "no");
        let [a, b] = &conditions.all()[..] else { panic!("two were heard") };
        assert_eq!((a.lag_ms, a.clock_ms, a.status.waiting_bytes), (2_000, -7_000, 9));
        assert_eq!((&*a.group, &*b.group), ("asia", ""));
        conditions.fell_silent(after(600));
        assert_eq!(conditions.all()[0].silent_since(), Some(after(2)));
        // Where its owner says otherwise the hub's next start knows.
        let next = Conditions::new(after(700)).grouped(BTreeMap::new());
        next.remember(conditions.all());
        assert_eq!((&*next.all()[0].group, next.all()[0].silent), ("", true));
    }
}
