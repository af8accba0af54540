//! Reading the sources again and again: one at a time, from an address without following it elsewhere, or from a file. What fails leaves the
//! items of before, and says why.

use std::io::Read as _;
use std::time::Duration;

use kizashi_event::Timestamp;

use super::parse::LONGEST;
use super::{Feed, Feeds, is_web, parse};
use crate::Outbox;
use crate::channel::reason;
use crate::send::{HttpClient, Limits, Request};

/// What a source may take and say.
const OF_A_SOURCE: Limits = Limits {
    longest: LONGEST,
    connects_within: Duration::from_secs(20),
    silence: Duration::from_secs(30),
};
/// How long one reading may take.
const READS_WITHIN: Duration = Duration::from_secs(180);
/// The pause after a failure.
const AGAIN_AFTER: i64 = 30 * 60 * Timestamp::SECOND;

/// Reads sources when they are due.
pub(crate) struct Fetching {
    feeds: Feeds,
    outbox: Outbox,
    client: HttpClient,
}

impl Fetching {
    pub(crate) const fn new(feeds: Feeds, outbox: Outbox, client: HttpClient) -> Self {
        Self { feeds, outbox, client }
    }

    /// Reads what is due at `now`.
    pub(crate) async fn turn(&self, now: Timestamp) {
        for (name, source) in &self.feeds.sources {
            let mut feed = self.outbox.feed(name);
            let pause = if feed.error.is_some() {
                AGAIN_AFTER
            } else {
                i64::from(self.feeds.hours) * Timestamp::HOUR
            };
            // A clock that was set back reads again at once.
            if feed.read.is_some_and(|read| (0..pause).contains(&now.since(read))) {
                continue;
            }
            let reading = tokio::time::timeout(READS_WITHIN, self.read(source)).await;
            let made = reading.unwrap_or_else(|_| Err("it took too long".to_owned()));
            feed.read = Some(now);
            match made.and_then(|bytes| parse(&bytes).map_err(|error| error.to_string())) {
                Ok(items) => {
                    tracing::info!("feed {name}: {} items", items.len());
                    feed.items = items;
                    feed.error = None;
                }
                Err(error) => {
                    tracing::warn!("feed {name} could not be read: {}", reason(&error));
                    feed.error = Some(reason(&error));
                }
            }
            if let Err(error) = self.outbox.keep_feed(&feed) {
                tracing::error!("feed {name} cannot be kept: {error}");
            }
        }
        self.forget_others();
    }

    async fn read(&self, source: &str) -> Result<Vec<u8>, String> {
        if is_web(source) {
            let answer =
                self.client.exchange(&Request::get(source.to_owned()), OF_A_SOURCE).await?;
            return match answer.status {
                200 => Ok(answer.body),
                300..=399 => Err(format!(
                    "it answers {} and points elsewhere, which is not followed",
                    answer.status
                )),
                status => Err(format!("it answers {status}")),
            };
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(source).map_err(|error| error.to_string())?;
        file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// Takes away what was made of sources that are named no more.
    fn forget_others(&self) {
        for Feed { name, .. } in self.outbox.feeds().unwrap_or_default() {
            if !self.feeds.sources.contains_key(&name) {
                let _ = std::fs::remove_file(
                    self.outbox.folder().join("feeds").join(format!("{name}.json")),
                );
            }
        }
    }
}
