//! What the page can set: the promise, how long things are kept, which traps are on. And whom signs are told to, with a test of that, which the outbox carries to the process that may connect out.

use std::ops::RangeInclusive;

use kizashi_notify::{Outbox, TestReport, TestState};
use kizashi_web::{
    ChannelResult, ChannelTest, Channels, OwnSettings, ReadError, RetentionChange,
    RetentionSettings, Setting, SettingsChange,
};
use serde::Serialize;

use super::{StoreObservatory, unreadable};
use crate::failure::Failure;
use crate::kept_for;
use crate::promise::{KEPT, Kept, LEAST, MOST};

/// Microseconds after which a test that nobody took up is called so: the process that tells is not there.
const UNANSWERED: i64 = 30 * kizashi_event::Timestamp::SECOND;
/// Microseconds between two tests: receivers hold it against whoever knocks more often.
const APART: i64 = 10 * kizashi_event::Timestamp::SECOND;

/// Whom signs are told to.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) outbox: Outbox,
    /// The channels that are enabled.
    pub(crate) channels: Vec<String>,
}

impl StoreObservatory {
    pub(super) fn read_settings(&self) -> Result<OwnSettings, ReadError> {
        let (promise, kept) = self.with_reader(|reader| {
            Ok((Kept::of(reader)?.and_then(Kept::number), kept_for::Kept::of(reader)?))
        })?;
        let in_file = self.settings.false_alarms_per_week;
        Ok(OwnSettings {
            false_alarms_per_week: Setting {
                value: promise.unwrap_or(in_file),
                in_file,
                on_page: promise.is_some(),
                least: LEAST,
                most: MOST,
            },
            retention: Some(self.retention(kept)),
            traps: self.switches.read(),
            file: self.own.file.clone(),
        })
    }

    fn retention(&self, kept: kept_for::Kept) -> RetentionSettings {
        let file = self.own.retention;
        RetentionSettings {
            raw_days: whole(kept.raw_days, u64::from(file.raw_days), kept_for::RAW_DAYS),
            most_megabytes: whole(kept.most_megabytes, file.most_bytes >> 20, kept_for::MEGABYTES),
            payload_megabytes: whole(
                kept.payload_megabytes,
                file.most_payload_bytes >> 20,
                kept_for::PAYLOAD_MEGABYTES,
            ),
        }
    }

    /// Looks at every part of a change before it makes any.
    pub(super) fn change_settings(
        &self,
        change: &SettingsChange,
    ) -> Result<OwnSettings, ReadError> {
        let promise = promised(change)?;
        let kept = match &change.retention {
            Some(change) => Some(self.kept_after(change)?),
            None => None,
        };
        let chosen = match &change.traps {
            Some(change) => Some(self.switches.check(change)?),
            None => None,
        };
        if let Some(kept) = promise {
            self.keep(KEPT, &kept)?;
            let number = kept.false_alarms_per_week.unwrap_or(self.settings.false_alarms_per_week);
            self.board.wish(number);
            tracing::info!(
                "from the next ten minutes on {number} false alarms a week are accepted"
            );
        }
        if let Some(kept) = kept {
            self.keep(kept_for::KEPT, &kept)?;
            let retention = kept.over(self.own.retention);
            let set = self.inlet.set_retention(retention);
            set.map_err(|error| unreadable(&Failure::from(error)))?;
            tracing::info!(
                "single events are kept {} days from now on, {} MB in all, of them {} MB of captured content",
                retention.raw_days,
                retention.most_bytes >> 20,
                retention.most_payload_bytes >> 20
            );
        }
        if let Some(chosen) = chosen {
            self.switches.wish(&chosen)?;
        }
        self.read_settings()
    }

    fn kept_after(&self, change: &RetentionChange) -> Result<kept_for::Kept, ReadError> {
        let numbers = [change.raw_days, change.most_megabytes, change.payload_megabytes];
        if change.as_in_file {
            return match numbers {
                [None, None, None] => Ok(kept_for::Kept::default()),
                _ => Err(ReadError::Unanswerable(
                    "retention takes either numbers or as_in_file, not both".to_owned(),
                )),
            };
        }
        let before = self.with_reader(kept_for::Kept::of)?;
        let kept = kept_for::Kept {
            raw_days: change.raw_days.or(before.raw_days),
            most_megabytes: change.most_megabytes.or(before.most_megabytes),
            payload_megabytes: change.payload_megabytes.or(before.payload_megabytes),
        };
        kept.check().map_err(ReadError::Unanswerable)?;
        Ok(kept)
    }

    fn keep(&self, name: &str, value: &impl Serialize) -> Result<(), ReadError> {
        let json =
            serde_json::to_vec(value).map_err(|error| ReadError::Failed(error.to_string()))?;
        let saved = self.inlet.save(Vec::new(), vec![(name.to_owned(), json)]);
        saved.map_err(|error| unreadable(&Failure::from(error)))
    }

    pub(super) fn read_channels(&self) -> Channels {
        let Some(told) = &self.own.told else { return Channels::default() };
        let test = told.outbox.test_wish().map(|wish| {
            let report = told.outbox.test_report().filter(|report| report.id == wish.id);
            let is_late = (self.clock)().since(wish.at) > UNANSWERED;
            ChannelTest { asked: wish.at.rfc3339(), results: results(told, report, is_late) }
        });
        Channels { channels: told.channels.clone(), test }
    }

    pub(super) fn ask_for_test(&self) -> Result<Channels, ReadError> {
        let refused = |why: &str| Err(ReadError::Unanswerable(why.to_owned()));
        let Some(told) = self.own.told.as_ref().filter(|told| !told.channels.is_empty()) else {
            return refused("no channel is set; docs/notify.md tells how one is");
        };
        let now = (self.clock)();
        if told.outbox.test_wish().is_some_and(|wish| now.since(wish.at).abs() < APART) {
            return refused("a test was asked for just now: wait ten seconds");
        }
        told.outbox.ask_for_test(now).map_err(|error| {
            ReadError::Failed(format!("the outbox cannot be written ({error}): is the disk full?"))
        })?;
        Ok(self.read_channels())
    }
}

/// What the page shall keep as the promise; nothing where it is not to change.
fn promised(change: &SettingsChange) -> Result<Option<Kept>, ReadError> {
    let refused = |why: String| Err(ReadError::Unanswerable(why));
    let false_alarms_per_week = match (change.false_alarms_per_week, change.as_in_file) {
        (Some(_), true) => return refused("either a number or as_in_file, not both".to_owned()),
        (Some(number), false) if (LEAST..=MOST).contains(&number) => Some(number),
        (Some(_), false) => {
            return refused(format!(
                "false_alarms_per_week is not a number from {LEAST} to {MOST}"
            ));
        }
        (None, true) => None,
        (None, false) => return Ok(None),
    };
    Ok(Some(Kept { false_alarms_per_week }))
}

/// A whole number that can be set.
fn whole(page: Option<u64>, in_file: u64, range: RangeInclusive<u64>) -> Setting {
    let (least, most) = range.into_inner();
    Setting {
        value: page.unwrap_or(in_file) as f64,
        in_file: in_file as f64,
        on_page: page.is_some(),
        least: least as f64,
        most: most as f64,
    }
}

fn results(told: &Told, report: Option<TestReport>, is_late: bool) -> Vec<ChannelResult> {
    if let Some(report) = report {
        let shown = |state: TestState| match state {
            TestState::Waiting => "waiting",
            TestState::Sent => "sent",
            TestState::Failed => "failed",
        };
        let of = |result: kizashi_notify::TestResult| ChannelResult {
            channel: result.channel,
            state: shown(result.state).to_owned(),
            why: result.why,
        };
        return report.results.into_iter().map(of).collect();
    }
    let state = if is_late { "unanswered" } else { "waiting" };
    let of = |channel: &String| ChannelResult {
        channel: channel.clone(),
        state: state.to_owned(),
        why: None,
    };
    told.channels.iter().map(of).collect()
}
