//! Putting files in their place in the store, one at a time: whatever is in the folder and not noted as put with its present length and
//! time. A store that is away is asked again, ever later; it holds up nothing else.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use kizashi_event::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Place;
use object_store::{ObjectStoreExt as _, PutPayload, RetryConfig};
use serde::{Deserialize, Serialize};

use super::Bucket;
use super::connector::Connector;
use crate::Outbox;
use crate::outbox;
use crate::send::HttpClient;

/// Bytes of a file at most: it is held whole in this process, which has 96 MB. History ends a file before (`history/mod.rs`).
const LONGEST_FILE: u64 = 32 * 1024 * 1024;
/// How long one file may take.
const PUT_WITHIN: Duration = Duration::from_secs(600);
/// The pause after a failure; each further one doubles it.
const FIRST_PAUSE: i64 = 30 * Timestamp::SECOND;
/// The longest pause.
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// Days of which it is noted file by file; history is written anew for a week.
const DAYS_NOTED: usize = 9;
/// Where it is noted what was put, within the outbox.
const NOTED_IN: &str = "archive";
const NOTED_AS: &str = "put.json";

/// A file as it was when it was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Looks {
    bytes: u64,
    /// When it was written, in microseconds.
    written: u64,
}

/// What was put, and what came of the last attempt, as `kizashi status` and the page show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Noted {
    /// Files of days before this one were put, whatever they look like now: history is written anew for a week.
    before: String,
    files: BTreeMap<String, Looks>,
    error: Option<String>,
}

/// Carries files to a store.
pub(crate) struct Carrying {
    folder: PathBuf,
    prefix: Place,
    store: AmazonS3,
    outbox: Outbox,
    pause: i64,
    due: Timestamp,
}

impl Carrying {
    /// For the files in `folder`.
    ///
    /// # Errors
    /// In a sentence, when the bucket's settings are wrong.
    pub(crate) fn new(
        bucket: &Bucket,
        folder: PathBuf,
        client: HttpClient,
        outbox: Outbox,
    ) -> Result<Self, String> {
        let mut builder = AmazonS3Builder::new()
            .with_http_connector(Connector(client))
            // Who repeats is the turn below, which lets everything else go on meanwhile.
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_access_key_id(bucket.access_key_id.text())
            .with_secret_access_key(bucket.secret_access_key.text());
        if let Some(endpoint) = &bucket.endpoint {
            builder =
                builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http:"));
        }
        let store = builder.build().map_err(|error| format!("[history.bucket]: {error}"))?;
        let prefix = Place::parse(&bucket.prefix)
            .map_err(|error| format!("prefix under [history.bucket]: {error}"))?;
        let due = Timestamp::from_seconds(0);
        Ok(Self { folder, prefix, store, outbox, pause: FIRST_PAUSE, due })
    }

    /// Puts what is to be put, until there is nothing left or one fails.
    pub(crate) async fn turn(&mut self, now: Timestamp) {
        if now < self.due {
            return;
        }
        let mut noted = self.noted();
        let result = self.put_all(&mut noted).await;
        match &result {
            Ok(0) if noted.error.is_none() => return,
            Ok(files) => {
                tracing::info!("history: {files} files were put into the store");
                self.pause = FIRST_PAUSE;
            }
            Err(error) => {
                if noted.error.as_ref() != Some(error) {
                    tracing::warn!("history cannot be put into the store: {error}");
                }
                self.due = now.plus(self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        noted.error = result.err();
        if let Err(error) = self.outbox.write(NOTED_IN, NOTED_AS, &noted) {
            tracing::error!("what was put into the store cannot be noted: {error}");
        }
    }

    fn noted(&self) -> Noted {
        outbox::read(&self.outbox.folder().join(NOTED_IN).join(NOTED_AS)).unwrap_or_default()
    }

    async fn put_all(&self, noted: &mut Noted) -> Result<u64, String> {
        let files = files_in(&self.folder).map_err(|error| error.to_string())?;
        noted.files.retain(|place, _| files.contains_key(place));
        let mut put = 0;
        for (place, looks) in &files {
            if *place < noted.before || noted.files.get(place) == Some(looks) {
                continue;
            }
            let late =
                |_| Err(format!("it took longer than {} minutes", PUT_WITHIN.as_secs() / 60));
            tokio::time::timeout(PUT_WITHIN, self.put(place)).await.unwrap_or_else(late)?;
            noted.files.insert(place.clone(), *looks);
            put += 1;
            // Each, for the next may be the one at which the machine dies.
            self.outbox.write(NOTED_IN, NOTED_AS, noted).map_err(|error| error.to_string())?;
        }
        if let Some(day) = days_of(&files).iter().rev().nth(DAYS_NOTED) {
            noted.before = (*day).to_owned();
            noted.files.retain(|place, _| place.as_str() >= *day);
        }
        Ok(put)
    }

    async fn put(&self, place: &str) -> Result<(), String> {
        let path = self.folder.join(place);
        let content = tokio::task::spawn_blocking(move || std::fs::read(path))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("{place} cannot be read: {error}"))?;
        let parts = self.prefix.parts().map(|part| part.as_ref().to_owned());
        let whole: Vec<String> = parts.chain(place.split('/').map(str::to_owned)).collect();
        let there = Place::parse(whole.join("/")).map_err(|error| error.to_string())?;
        self.store
            .put(&there, PutPayload::from(content))
            .await
            .map(drop)
            .map_err(|error| in_words(&error))
    }
}

/// What a store said, for people: the library's own words begin with what was asked, at length.
fn in_words(error: &object_store::Error) -> String {
    use object_store::Error;
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "the store refuses this key for this bucket".to_owned()
        }
        Error::NotFound { .. } => "the store has no such bucket".to_owned(),
        Error::Generic { source, .. } => {
            let mut deepest: &dyn std::error::Error = &**source;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            crate::channel::reason(&deepest.to_string())
        }
        other => crate::channel::reason(&other.to_string()),
    }
}

/// The days that there are files of, the earliest first: `day=2026-11-29`.
fn days_of(files: &BTreeMap<String, Looks>) -> Vec<&str> {
    let mut days: Vec<&str> = files.keys().filter_map(|place| place.split('/').next()).collect();
    days.dedup();
    days
}

/// The whole files of history by their place in the folder: `day=…/kind=…/hour.parquet`, and nothing else.
fn files_in(folder: &Path) -> io::Result<BTreeMap<String, Looks>> {
    let mut found = BTreeMap::new();
    for (day, folder) in entries(folder, "day=")? {
        for (kind, folder) in entries(&folder, "kind=")? {
            for (file, path) in entries(&folder, "")? {
                let about = std::fs::symlink_metadata(&path)?;
                if !file.ends_with(".parquet") || !about.is_file() || about.len() > LONGEST_FILE {
                    continue;
                }
                let written = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                let written = u64::try_from(written.as_micros()).unwrap_or(u64::MAX);
                let looks = Looks { bytes: about.len(), written };
                found.insert(format!("{day}/{kind}/{file}"), looks);
            }
        }
    }
    Ok(found)
}

/// What lies in a folder under names that begin so; nothing where the folder is not there yet.
fn entries(folder: &Path, begin: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let read = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let mut found = Vec::new();
    for entry in read {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().filter(|name| name.starts_with(begin)) {
            found.push((name.to_owned(), entry.path()));
        }
    }
    Ok(found)
}
