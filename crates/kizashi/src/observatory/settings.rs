//! What the page can set: the promise. And whom signs are told to, with a test of that, which the outbox carries to the process that may connect out.

use kizashi_notify::{Outbox, TestReport, TestState};
use kizashi_web::{
    ChannelResult, ChannelTest, Channels, OwnSettings, ReadError, Setting, SettingsChange,
};

use super::{StoreObservatory, unreadable};
use crate::failure::Failure;
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
        let page = self.with_reader(|reader| Ok(Kept::of(reader)?.and_then(Kept::number)))?;
        let in_file = self.settings.false_alarms_per_week;
        Ok(OwnSettings {
            false_alarms_per_week: Setting {
                value: page.unwrap_or(in_file),
                in_file,
                on_page: page.is_some(),
                least: LEAST,
                most: MOST,
            },
            file: self.own.file.clone(),
        })
    }

    pub(super) fn change_settings(
        &self,
        change: &SettingsChange,
    ) -> Result<OwnSettings, ReadError> {
        let number = match (change.false_alarms_per_week, change.as_in_file) {
            (Some(_), true) => {
                let why = "either a number or as_in_file, not both";
                return Err(ReadError::Unanswerable(why.to_owned()));
            }
            (Some(number), false) if (LEAST..=MOST).contains(&number) => Some(number),
            (Some(_), false) => {
                let why = format!("false_alarms_per_week is not a number from {LEAST} to {MOST}");
                return Err(ReadError::Unanswerable(why));
            }
            (None, true) => None,
            (None, false) => return self.read_settings(),
        };
        let kept = Kept { false_alarms_per_week: number };
        let json =
            serde_json::to_vec(&kept).map_err(|error| ReadError::Failed(error.to_string()))?;
        let saved = self.inlet.save(Vec::new(), vec![(KEPT.to_owned(), json)]);
        saved.map_err(|error| unreadable(&Failure::from(error)))?;
        self.board.wish(number.unwrap_or(self.settings.false_alarms_per_week));
        tracing::info!(
            "from the next ten minutes on {} false alarms a week are accepted",
            number.unwrap_or(self.settings.false_alarms_per_week)
        );
        self.read_settings()
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
