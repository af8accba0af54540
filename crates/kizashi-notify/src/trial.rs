//! A test of the channels that the owner asked for in the dashboard. The core, which connects nowhere, writes a wish into the outbox
//! (`tests/asked.json`); the courier sends a test to each channel at once and past what waits, and writes what each receiver said
//! (`tests/told.json`) as it comes. One wish and one answer are kept: asking again replaces them.

use std::io;
use std::sync::Arc;

use kizashi_event::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::channel::Verdict;
use crate::courier::carry;
use crate::outbox::read;
use crate::{Courier, Message, Outbox, Sent};

/// The folder of both files.
pub(crate) const FOLDER: &str = "tests";
const ASKED: &str = "asked.json";
const TOLD: &str = "told.json";
/// A wish that nobody took up for so long is not taken up any more: nobody looks at the page now.
const FRESH: i64 = 120 * Timestamp::SECOND;
/// Characters of what a receiver said that are kept.
const LONGEST_WHY: usize = 400;

/// That the channels shall be tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestWish {
    /// What tells it from others.
    pub id: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// The wish's.
    pub id: String,
    /// Each channel, in the order of the configuration.
    pub results: Vec<TestResult>,
}

/// What one channel's receiver said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The channel's name.
    pub channel: String,
    /// How far it is.
    pub state: TestState,
    /// Why it failed, in the receiver's or the system's words; at most 400 characters.
    pub why: Option<String>,
}

/// How far the test of one channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestState {
    /// The receiver has not answered yet.
    Waiting,
    /// It took the test.
    Sent,
    /// It did not.
    Failed,
}

impl TestReport {
    fn is_over(&self) -> bool {
        self.results.iter().all(|result| result.state != TestState::Waiting)
    }
}

impl Outbox {
    /// Asks for a test of all channels and gives the wish.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn ask_for_test(&self, at: Timestamp) -> io::Result<TestWish> {
        self.make()?;
        let wish = TestWish { id: at.micros().to_string(), at };
        self.write(FOLDER, ASKED, &wish)?;
        Ok(wish)
    }

    /// The last wish; nothing where there is none.
    #[must_use]
    pub fn test_wish(&self) -> Option<TestWish> {
        read(&self.folder().join(FOLDER).join(ASKED)).ok()
    }

    /// What became of the last one that was taken up; nothing where there is none.
    #[must_use]
    pub fn test_report(&self) -> Option<TestReport> {
        read(&self.folder().join(FOLDER).join(TOLD)).ok()
    }
}

/// The test that is under way, or the last one.
#[derive(Default)]
pub(crate) struct Trial {
    report: TestReport,
    asked: JoinSet<(String, Sent)>,
}

impl Trial {
    /// Goes on from what stands in the outbox: a test that was cut short is made anew if somebody still waits for it.
    pub(crate) fn of(outbox: &Outbox) -> Self {
        let report = outbox.test_report().filter(TestReport::is_over).unwrap_or_default();
        Self { report, asked: JoinSet::new() }
    }

    /// Sends what was asked for since the last look.
    pub(crate) fn look(&mut self, courier: &Courier) -> io::Result<()> {
        let now = courier.now();
        let new = |wish: &TestWish| wish.id != self.report.id && now.since(wish.at) <= FRESH;
        let Some(wish) = courier.outbox().test_wish().filter(new) else { return Ok(()) };
        self.asked = JoinSet::new();
        let mut results = Vec::new();
        for ready in courier.channels() {
            let (ready, client, sensor) =
                (Arc::clone(ready), courier.client().clone(), courier.sensor().to_owned());
            let channel = ready.name.clone();
            results.push(TestResult { channel, state: TestState::Waiting, why: None });
            self.asked.spawn(async move {
                let message = Message::test(&ready.name, now);
                let sent = match carry(&client, &ready, &message, &sensor, now).await {
                    Verdict::Delivered => Sent::Delivered,
                    Verdict::Later { why, .. } | Verdict::Refused(why) => Sent::Failed(why),
                };
                (ready.name.clone(), sent)
            });
        }
        self.report = TestReport { id: wish.id, results };
        courier.outbox().write(FOLDER, TOLD, &self.report)
    }

    /// The next answer; `None` where none is waited for.
    pub(crate) async fn next(&mut self) -> Option<(String, Sent)> {
        self.asked.join_next().await?.ok()
    }

    /// Writes an answer down.
    pub(crate) fn note(&mut self, outbox: &Outbox, channel: &str, sent: &Sent) -> io::Result<()> {
        for result in self.report.results.iter_mut().filter(|result| result.channel == channel) {
            (result.state, result.why) = match sent {
                Sent::Delivered => (TestState::Sent, None),
                Sent::Failed(why) => {
                    (TestState::Failed, Some(why.chars().take(LONGEST_WHY).collect()))
                }
            };
        }
        outbox.write(FOLDER, TOLD, &self.report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receiver_said_is_kept_by_its_channel_and_a_test_cut_short_is_no_answer() {
        let data = std::env::temp_dir().join(format!("kizashi-trial-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        let outbox = Outbox::of(&data);
        let wish = outbox.ask_for_test(Timestamp::from_seconds(1_000)).unwrap();
        assert_eq!(outbox.test_wish(), Some(wish.clone()));
        let waiting = |channel: &str| TestResult {
            channel: channel.to_owned(),
            state: TestState::Waiting,
            why: None,
        };
        let results = vec![waiting("a"), waiting("b")];
        let mut trial =
            Trial { report: TestReport { id: wish.id.clone(), results }, asked: JoinSet::new() };
        trial.note(&outbox, "b", &Sent::Failed("長".repeat(900))).unwrap();
        let half = outbox.test_report().unwrap();
        assert_eq!(half.results[0], waiting("a"));
        assert_eq!(half.results[1].state, TestState::Failed);
        assert_eq!(half.results[1].why.as_ref().unwrap().chars().count(), LONGEST_WHY);
        assert_eq!(Trial::of(&outbox).report, TestReport::default());
        trial.note(&outbox, "a", &Sent::Delivered).unwrap();
        assert_eq!(Trial::of(&outbox).report.id, wish.id);
        std::fs::remove_dir_all(&data).unwrap();
    }
}
