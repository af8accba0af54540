//! What is told to a channel, and when: a function of the signs there are, of what was told already and of the clock, so that it can be
//! tested over made-up nights. Nothing is forgotten: what may not be told now is gathered and told later, together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ZonedDateTime;
use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use serde::{Deserialize, Serialize};

use crate::settings::Policy;
use crate::{Message, Notice, Why};

/// A sign that was raised so shortly before the channel was first there is told too.
const BEFORE: i64 = 10 * 60 * Timestamp::SECOND;
/// A sign has grown when it has so many times the sources that were told.
const GROWN: u64 = 3;
/// And so many more of them.
const GROWN_BY: u64 = 10;
/// The shortest time between two messages about one sign.
const APART: i64 = Timestamp::HOUR;
/// How often a sign is told again that nobody has seen.
const MOST_AGAIN: u32 = 3;
/// Stages of one sign at most, however it grows.
const MOST_STAGES: u64 = 12;
/// Signs that may be gathered for one channel; the gravest stay.
const MOST_GATHERED: usize = 500;

/// What one channel was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    /// When the channel was first there; signs before are not told.
    pub(crate) began: Option<Timestamp>,
    /// By sign.
    pub(crate) signs: BTreeMap<String, Last>,
    /// Signs that wait.
    pub(crate) gathered: BTreeSet<String>,
    /// When the last digest was, or would have been.
    pub(crate) digest: Option<Timestamp>,
    /// Messages of the last hour.
    pub(crate) recent: Vec<Timestamp>,
}

/// What was told last of one sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) at: Timestamp,
    pub(crate) stage: u64,
    pub(crate) again: u32,
    pub(crate) sources: u64,
    pub(crate) severity: Severity,
    /// Whether its owner has seen it since; sources and severity are those that he saw then.
    #[serde(default)]
    pub(crate) seen: bool,
}

/// What everybody looks at.
pub(crate) struct Situation<'a> {
    pub(crate) signs: &'a BTreeMap<String, Notice>,
    /// Signs that the owner's command marked as seen; the page's marks are in the notices.
    pub(crate) seen: &'a BTreeSet<String>,
    pub(crate) now: &'a ZonedDateTime,
}

impl Situation<'_> {
    fn moment(&self) -> Timestamp {
        Timestamp::from_micros(self.now.timestamp().as_microsecond())
    }

    fn is_seen(&self, notice: &Notice) -> bool {
        notice.seen || self.seen.contains(&notice.sign.id)
    }
}

/// Plans messages to a channel, and remembers them as told.
pub(crate) fn plan(
    name: &str,
    policy: &Policy,
    told: &mut Told,
    situation: &Situation<'_>,
) -> Vec<Message> {
    let now = situation.moment();
    told.begin(policy, situation);
    told.forget(situation, now);
    let is_quiet = policy.quiet.is_some_and(|quiet| quiet.hold(situation.now.time()));
    let mut planned = Vec::new();
    let mut by_time: Vec<&Notice> = situation.signs.values().collect();
    by_time.sort_by_key(|notice| notice.sign.detected);
    for notice in by_time {
        let sign = &notice.sign;
        if told.is_before(notice) {
            continue;
        }
        // Before the floor: what he saw below it and then gets graver has to be told.
        told.look_whether_seen(notice, situation.is_seen(notice), now);
        let is_new = !told.signs.contains_key(&sign.id) && !told.gathered.contains(&sign.id);
        if sign.severity < policy.at_least || notice.is_muted(now) {
            continue;
        }
        let wakes = sign.severity >= policy.wakes;
        let may = |told: &Told| (!is_quiet || wakes) && told.recent.len() < policy.most_per_hour;
        if is_new {
            if sign.severity >= policy.at_once && may(told) {
                planned.push(told.tell(name, Why::Sign, &[notice], now));
            } else {
                told.gather(notice, situation);
            }
            continue;
        }
        if let Some(why) = told.has_more_to_say(notice, policy, now)
            && may(told)
        {
            planned.push(told.tell(name, why, &[notice], now));
        }
    }
    if !is_quiet && told.recent.len() < policy.most_per_hour {
        planned.extend(told.gathered_due(name, policy, situation, now));
    }
    planned
}

impl Told {
    fn begin(&mut self, policy: &Policy, situation: &Situation<'_>) {
        let now = situation.moment();
        self.began.get_or_insert(now);
        if self.digest.is_none() {
            // The first digest is the next time that the clock shows its hour.
            let today = situation.now.with().time(policy.digest_at).build();
            let passed = today.is_ok_and(|today| today <= *situation.now);
            self.digest = Some(if passed { now } else { now.plus(-Timestamp::DAY) });
        }
    }

    /// Lets go of what is over: hours that have passed, signs that are no more.
    fn forget(&mut self, situation: &Situation<'_>, now: Timestamp) {
        self.recent.retain(|at| now.since(*at) < Timestamp::HOUR);
        self.gathered.retain(|id| situation.signs.contains_key(id));
        self.signs.retain(|id, _| situation.signs.contains_key(id));
    }

    fn is_before(&self, notice: &Notice) -> bool {
        self.began.is_some_and(|began| notice.sign.detected < began.plus(-BEFORE))
    }

    /// What the owner has seen is told to him neither for the first time nor again, until it gets graver than he saw it.
    fn look_whether_seen(&mut self, notice: &Notice, is_seen: bool, now: Timestamp) {
        let sign = &notice.sign;
        let before = self.signs.get(&sign.id).copied();
        if is_seen == before.is_some_and(|last| last.seen) {
            return;
        }
        let (sources, severity) = (sign.sources, sign.severity);
        let next = match before {
            Some(last) if is_seen => Last { sources, severity, seen: true, ..last },
            Some(last) => Last { seen: false, ..last },
            None => Last { at: now, stage: 0, again: 0, sources, severity, seen: true },
        };
        self.gathered.remove(&sign.id);
        self.signs.insert(sign.id.clone(), next);
    }

    fn gather(&mut self, notice: &Notice, situation: &Situation<'_>) {
        self.gathered.insert(notice.sign.id.clone());
        if self.gathered.len() > MOST_GATHERED {
            let mildest = self
                .gathered
                .iter()
                .min_by_key(|id| situation.signs.get(*id).map(|notice| notice.sign.severity))
                .cloned();
            if let Some(id) = mildest {
                tracing::warn!(
                    "more than {MOST_GATHERED} signs wait for one channel; one is left out"
                );
                self.gathered.remove(&id);
            }
        }
    }

    fn has_more_to_say(&self, notice: &Notice, policy: &Policy, now: Timestamp) -> Option<Why> {
        let (sign, last) = (&notice.sign, self.signs.get(&notice.sign.id)?);
        if now.since(last.at) < APART || last.stage >= MOST_STAGES {
            return None;
        }
        let grew = !last.seen
            && sign.sources >= last.sources.saturating_mul(GROWN)
            && sign.sources >= last.sources + GROWN_BY;
        if grew || sign.severity > last.severity {
            return Some(Why::Grown);
        }
        let pause = i64::from(policy.again?) * Timestamp::HOUR;
        let is_due = sign.severity >= policy.again_from
            && sign.open
            && last.again < MOST_AGAIN
            && now.since(last.at) >= pause
            && !last.seen;
        is_due.then_some(Why::Unseen)
    }

    /// What was gathered and may go now: the grave at once, the rest at the digest's hour.
    fn gathered_due(
        &mut self,
        name: &str,
        policy: &Policy,
        situation: &Situation<'_>,
        now: Timestamp,
    ) -> Option<Message> {
        let is_hour = self.digest_is_due(policy, situation);
        if is_hour {
            self.digest = Some(now);
        }
        let mut due: Vec<&Notice> = self
            .gathered
            .iter()
            .filter_map(|id| situation.signs.get(id))
            .filter(|notice| is_hour || notice.sign.severity >= policy.at_once)
            .filter(|notice| !notice.is_muted(now))
            .collect();
        due.sort_by_key(|notice| (std::cmp::Reverse(notice.sign.severity), notice.sign.detected));
        match due.as_slice() {
            [] => None,
            [one] => Some(self.tell(name, Why::Sign, &[one], now)),
            _ => Some(self.tell(name, Why::Digest, &due, now)),
        }
    }

    fn digest_is_due(&self, policy: &Policy, situation: &Situation<'_>) -> bool {
        let zone = situation.now.time_zone();
        let last = self.digest.and_then(|at| jiff::Timestamp::from_microsecond(at.micros()).ok());
        let Some(last) = last.map(|last| last.to_zoned_datetime(zone.clone())) else { return true };
        // The hour is due once it has passed since the last one, be it of yesterday where the machine was off.
        let of = |day: &ZonedDateTime| day.with().time(policy.digest_at).build().ok();
        let today = of(situation.now);
        let yesterday = situation.now.yesterday().ok().and_then(|day| of(&day));
        [today, yesterday].into_iter().flatten().any(|hour| hour <= *situation.now && last < hour)
    }

    fn tell(&mut self, name: &str, why: Why, notices: &[&Notice], now: Timestamp) -> Message {
        let mut stage = 0;
        for notice in notices {
            let sign = &notice.sign;
            let before = self.signs.get(&sign.id).copied();
            let next = Last {
                at: now,
                stage: before.map_or(1, |last| last.stage + 1),
                again: before.map_or(0, |last| last.again) + u32::from(why == Why::Unseen),
                sources: sign.sources,
                severity: sign.severity,
                seen: before.is_some_and(|last| last.seen),
            };
            stage = stage.max(next.stage);
            self.gathered.remove(&sign.id);
            self.signs.insert(sign.id.clone(), next);
        }
        self.recent.push(now);
        Message::new(name, why, stage, notices, now)
    }
}

#[cfg(test)]
mod tests;
