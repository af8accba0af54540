//! Other people's warnings: feeds that the owner names, read from an address or a file, taken apart strictly and within bounds, and matched to
//! signs by CVE and by product. What fits becomes a sentence that puts both in time: "CISA KEV told of … two days before this sign began".
//!
//! The process that tells signs fetches and reads them (strangers' bytes, in a process that has nothing); what it made of them lies in the
//! outbox as JSON, from which the core reads it.

mod fetching;
mod matching;
mod parse;

use std::collections::BTreeMap;
use std::path::Path;

use kizashi_event::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use fetching::Fetching;
pub use matching::{Warning, matching};
pub use parse::{FeedError, parse};

use crate::channel::web_address;
use crate::{Outbox, Secret, outbox};

/// Sources at most.
const MOST_SOURCES: usize = 16;
/// Items kept of one source; of more the latest.
pub(crate) const MOST_ITEMS: usize = 4_000;

/// `[feeds]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Feeds {
    /// Addresses that begin with `https://`, or files, by name.
    pub sources: BTreeMap<String, String>,
    /// How often they are read.
    pub hours: u32,
}

impl Default for Feeds {
    fn default() -> Self {
        Self { sources: BTreeMap::new(), hours: 6 }
    }
}

impl Feeds {
    /// Refuses what cannot be read.
    ///
    /// # Errors
    /// In a sentence.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=168).contains(&self.hours) {
            return Err("hours under [feeds] must be 1 to 168".to_owned());
        }
        if self.sources.len() > MOST_SOURCES {
            return Err(format!("[feeds] has at most {MOST_SOURCES} sources"));
        }
        for (name, source) in &self.sources {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 32 || !name.chars().all(is_name) {
                return Err(format!(
                    "a source of [feeds] is named by 1 to 32 letters, digits, - or _, and {name:?} is not"
                ));
            }
            if is_web(source) {
                web_address(&Secret::from(source.as_str()))
                    .map_err(|error| format!("{name} under [feeds]: {error}"))?;
            } else if !Path::new(source).is_absolute() {
                return Err(format!(
                    "{name} under [feeds] must be an address that begins with https://, or a file from the root on"
                ));
            }
        }
        Ok(())
    }

    /// The folders of the sources that are files, which their reader must be let into.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.sources
            .values()
            .filter(|source| !is_web(source))
            .filter_map(|source| Path::new(source).parent())
    }
}

fn is_web(source: &str) -> bool {
    source.contains("://")
}

/// One warning of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its title.
    pub title: String,
    /// The first of its text.
    pub summary: String,
    /// When it was published, as far as it says.
    pub published: Option<Timestamp>,
    /// The vulnerabilities that it names: `CVE-2021-44228`.
    pub cves: Vec<String>,
}

/// What was made of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Feed {
    /// The source's name.
    pub name: String,
    /// When it was read last.
    pub read: Option<Timestamp>,
    /// Why the last reading failed; the items are those of the one before.
    pub error: Option<String>,
    /// The items, the latest first.
    pub items: Vec<Item>,
}

impl Outbox {
    /// What was made of each source.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn feeds(&self) -> std::io::Result<Vec<Feed>> {
        self.read_all("feeds")
    }

    pub(crate) fn keep_feed(&self, feed: &Feed) -> std::io::Result<()> {
        self.write("feeds", &format!("{}.json", feed.name), feed)
    }

    pub(crate) fn feed(&self, name: &str) -> Feed {
        let kept = outbox::read(&self.folder().join("feeds").join(format!("{name}.json")));
        kept.unwrap_or_else(|_| Feed { name: name.to_owned(), ..Feed::default() })
    }
}
