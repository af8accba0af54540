//! What waits, what was delivered and what never will be: files in a folder, each written whole beside its place and then moved there, so
//! that whatever ends the process leaves either the old one or the new one.
//!
//! | folder | what | who writes |
//! |---|---|---|
//! | `signs/` | a [`Notice`] a sign, as it is now | the core |
//! | `seen/` | an empty file for each sign that somebody has seen | the owner's command |
//! | `waiting/` | messages that are to be delivered | the courier |
//! | `reports/`, `sightings/` | reports, and who came to the traps, that are to become messages | the core |
//! | `sent/`, `failed/` | what became of the last of them | the courier |
//! | `tests/` | a test of the channels that was asked for, and what became of it | the core, the courier |
//! | `state.json` | what each channel was told | the courier |
//!
//! A message is put into `waiting/` before it counts as told, and under its own key, so that planning it twice after a crash makes it once.
//! It leaves that folder after the receiver has taken it. A crash in between sends it again, under the same key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kizashi_event::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::planner::Told;
use crate::sightings::Sightings;
use crate::{Document, Message, Notice, Why};

/// Bytes of a file at most; a report as a page is the longest.
const LONGEST: u64 = 4 << 20;
/// Files of a folder looked at.
const MOST_FILES: usize = 4_096;
/// Messages that may wait; beyond that the oldest is given up.
const MOST_WAITING: usize = 1_000;
/// Delivered and failed messages that are remembered, each.
const MOST_REMEMBERED: usize = 200;
/// Characters of a name.
const LONGEST_NAME: usize = 128;

/// The folder.
#[derive(Clone, Debug)]
pub struct Outbox {
    folder: PathBuf,
}

/// A message with how its delivery stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) message: Message,
    /// Tries so far.
    pub(crate) attempts: u32,
    /// When the next one is due.
    pub(crate) due: Timestamp,
    /// Why the last one failed.
    pub(crate) error: Option<String>,
}

/// A message in a list for the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its key.
    pub id: String,
    /// The channel's name.
    pub channel: String,
    /// `waiting`, `sent` or `failed`.
    #[serde(default)]
    pub state: String,
    /// Why it is sent.
    pub why: Why,
    /// The signs that it tells of.
    pub signs: Vec<String>,
    /// When it was planned.
    pub made: String,
    /// When it was delivered or given up, or will be tried next.
    pub at: String,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: Option<String>,
}

/// A report that is to be sent, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportToSend {
    /// What tells it from others: `week-2026-11-23`.
    pub key: String,
    /// The channels.
    pub channels: Vec<String>,
    /// In English.
    pub en: Document,
    /// In Japanese.
    pub ja: Document,
}

/// What of an [`Outbox`] is remembered beside its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) channels: BTreeMap<String, Told>,
}

/// What becomes of a message in the end; each is a folder.
const ENDS: [&str; 2] = ["failed", "sent"];

impl Outbox {
    /// The name of the folder within the data folder.
    pub const FOLDER: &str = "kizashi-outbox";

    /// The outbox of a data folder; nothing is made yet.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join(Self::FOLDER) }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes its folders, closed to others.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn make(&self) -> io::Result<()> {
        let folders = [
            "signs",
            "seen",
            "waiting",
            "sent",
            "failed",
            "feeds",
            "reports",
            "sightings",
            "archive",
            crate::trial::FOLDER,
        ];
        for name in folders {
            DirBuilder::new().recursive(true).mode(0o700).create(self.folder.join(name))?;
        }
        Ok(())
    }

    /// Marks a sign as seen.
    ///
    /// # Errors
    /// When there is no such sign to be told, or it cannot be written.
    pub fn mark_seen(&self, sign: &str) -> io::Result<()> {
        if !is_name(sign) || !self.folder.join("signs").join(format!("{sign}.json")).exists() {
            return Err(ErrorKind::NotFound.into());
        }
        let path = self.folder.join("seen").join(sign);
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map(drop)
    }

    /// What waits, failed and was delivered, the latest first. A message that is moved just now is told as what it became.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        let waiting = self.waiting()?;
        let mut all = Vec::new();
        for state in ENDS {
            all.extend(self.remembered(state)?);
        }
        let over: BTreeSet<String> = all.iter().map(|listed: &Listed| listed.id.clone()).collect();
        let still = waiting.into_iter().filter(|waiting| !over.contains(&waiting.message.id));
        all.extend(still.map(|waiting| waiting.listed("waiting", None)));
        all.sort_by(|a, b| b.made.cmp(&a.made));
        Ok(all)
    }

    /// What is told of each sign.
    pub(crate) fn signs(&self) -> io::Result<BTreeMap<String, Notice>> {
        let notices: Vec<Notice> = self.read_all("signs")?;
        Ok(notices.into_iter().map(|notice| (notice.sign.id.clone(), notice)).collect())
    }

    pub(crate) fn seen(&self) -> io::Result<BTreeSet<String>> {
        self.names("seen").map(|names| names.into_iter().collect())
    }

    pub(crate) fn waiting(&self) -> io::Result<Vec<Waiting>> {
        let mut all: Vec<Waiting> = self.read_all("waiting")?;
        all.sort_by(|a, b| (a.message.made, &a.message.id).cmp(&(b.message.made, &b.message.id)));
        Ok(all)
    }

    /// Puts a message where it waits, unless it was there before.
    pub(crate) fn add(&self, message: Message) -> io::Result<()> {
        let name = format!("{}.json", message.id);
        if self.folder.join("waiting").join(name).exists() || self.is_over(&message.id) {
            return Ok(());
        }
        let due = message.made;
        self.keep(&Waiting { message, attempts: 0, due, error: None })?;
        let all = self.waiting()?;
        if all.len() > MOST_WAITING
            && let Some(oldest) = all.into_iter().next()
        {
            let at = oldest.message.made;
            self.finish(&oldest, "failed", at, Some("too much waited; it was the oldest"))?;
        }
        Ok(())
    }

    pub(crate) fn keep(&self, waiting: &Waiting) -> io::Result<()> {
        self.write("waiting", &format!("{}.json", waiting.message.id), waiting)
    }

    /// Moves a message to those that are over.
    pub(crate) fn finish(
        &self,
        waiting: &Waiting,
        state: &str,
        at: Timestamp,
        error: Option<&str>,
    ) -> io::Result<()> {
        let mut listed = waiting.listed(state, Some(at));
        listed.error = error.map(str::to_owned);
        let name = format!("{}.json", waiting.message.id);
        self.write(state, &name, &listed)?;
        self.wait_no_more(&waiting.message.id)?;
        let remembered = self.remembered(state)?;
        for old in remembered.iter().skip(MOST_REMEMBERED) {
            let _ = fs::remove_file(self.folder.join(state).join(format!("{}.json", old.id)));
        }
        Ok(())
    }

    /// Whether a message was delivered or given up.
    pub(crate) fn is_over(&self, id: &str) -> bool {
        ENDS.iter().any(|state| self.folder.join(state).join(format!("{id}.json")).exists())
    }

    /// Takes a message from those that wait.
    pub(crate) fn wait_no_more(&self, id: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join("waiting").join(format!("{id}.json")))
    }

    /// Puts a report where the courier finds it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_report(&self, report: &ReportToSend) -> io::Result<()> {
        self.make()?;
        self.write("reports", &format!("{}.json", report.key), report)
    }

    /// Reports that are to be sent, each with its file.
    pub(crate) fn reports(&self) -> io::Result<Vec<ReportToSend>> {
        self.read_all("reports")
    }

    /// Takes a report away that became messages.
    pub(crate) fn report_is_planned(&self, key: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join("reports").join(format!("{key}.json")))
    }

    /// Puts sightings where the courier finds them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn add_sightings(&self, sightings: &Sightings) -> io::Result<()> {
        self.make()?;
        self.write("sightings", &format!("{}.json", sightings.key), sightings)
    }

    /// Sightings that are to be sent.
    pub(crate) fn sightings(&self) -> io::Result<Vec<Sightings>> {
        self.read_all("sightings")
    }

    /// Takes sightings away that became messages.
    pub(crate) fn sightings_are_planned(&self, key: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join("sightings").join(format!("{key}.json")))
    }

    fn remembered(&self, state: &str) -> io::Result<Vec<Listed>> {
        let mut all: Vec<Listed> = self.read_all(state)?;
        all.sort_by(|a, b| b.at.cmp(&a.at));
        for listed in &mut all {
            state.clone_into(&mut listed.state);
        }
        Ok(all)
    }

    /// What was told; nothing where there is no file, or none that can be read.
    pub(crate) fn state(&self) -> State {
        match read(&self.folder.join("state.json")) {
            Ok(state) => state,
            Err(error) if error.kind() == ErrorKind::NotFound => State::default(),
            Err(error) => {
                tracing::error!(
                    "what was told cannot be read ({error}); it begins anew, and old signs are not told again"
                );
                State::default()
            }
        }
    }

    pub(crate) fn keep_state(&self, state: &State) -> io::Result<()> {
        self.write(".", "state.json", state)
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join(folder))?.take(MOST_FILES) {
            names.extend(entry?.file_name().into_string().ok().filter(|name| is_name(name)));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads every file of a folder; what cannot be read is said and left.
    pub(crate) fn read_all<T: DeserializeOwned>(&self, folder: &str) -> io::Result<Vec<T>> {
        let mut all = Vec::new();
        for name in self.names(folder)?.iter().filter(|name| name.ends_with(".json")) {
            match read(&self.folder.join(folder).join(name)) {
                Ok(value) => all.push(value),
                // Another process may have taken it away just now.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!("{folder}/{name} in the outbox cannot be read: {error}");
                }
            }
        }
        Ok(all)
    }

    pub(crate) fn write(&self, folder: &str, name: &str, value: &impl Serialize) -> io::Result<()> {
        let folder = self.folder.join(folder);
        let (path, beside) = (folder.join(name), folder.join(format!(".{name}.new")));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        // The move itself is durable once the folder is.
        File::open(&folder)?.sync_all()
    }
}

impl Waiting {
    fn listed(&self, state: &str, at: Option<Timestamp>) -> Listed {
        Listed {
            id: self.message.id.clone(),
            channel: self.message.channel.clone(),
            state: state.to_owned(),
            why: self.message.why,
            signs: self.message.notices.iter().map(|notice| notice.sign.id.clone()).collect(),
            made: self.message.made.rfc3339(),
            at: at.unwrap_or(self.due).rfc3339(),
            attempts: self.attempts,
            error: self.error.clone(),
        }
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty()
        && text.len() <= LONGEST_NAME
        && !text.starts_with('.')
        && text.chars().all(allowed)
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than any of ours"));
    }
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

/// What the core keeps up to date for the courier: a notice for each sign of the last days.
#[derive(Debug)]
pub struct Bulletin {
    outbox: Outbox,
    /// What was written last, by sign.
    shown: BTreeMap<String, String>,
    is_first: bool,
}

impl Bulletin {
    /// The bulletin of an outbox, whose folders are made.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn new(outbox: Outbox) -> io::Result<Self> {
        outbox.make()?;
        Ok(Self { outbox, shown: BTreeMap::new(), is_first: true })
    }

    /// From now on these signs are told: each by its id and what it is made of (as text, so that a change is known), and how its notice
    /// is made where that changed.
    ///
    /// # Errors
    /// When a file cannot be written; the next call tries again.
    pub fn show(
        &mut self,
        signs: Vec<(String, String)>,
        mut notice: impl FnMut(&str) -> Option<Notice>,
    ) -> io::Result<()> {
        let wanted: BTreeSet<&str> = signs.iter().map(|(id, _)| id.as_str()).collect();
        if self.is_first {
            for name in self.outbox.names("signs")? {
                if !wanted.contains(name.trim_end_matches(".json")) {
                    fs::remove_file(self.outbox.folder.join("signs").join(name))?;
                }
            }
            self.is_first = false;
        }
        let gone: Vec<String> =
            self.shown.keys().filter(|id| !wanted.contains(id.as_str())).cloned().collect();
        for id in gone {
            self.shown.remove(&id);
            let _ = fs::remove_file(self.outbox.folder.join("signs").join(format!("{id}.json")));
            let _ = fs::remove_file(self.outbox.folder.join("seen").join(&id));
        }
        for (id, text) in signs {
            if self.shown.get(&id) == Some(&text) || !is_name(&id) {
                continue;
            }
            if let Some(notice) = notice(&id) {
                self.outbox.write("signs", &format!("{id}.json"), &notice)?;
            }
            self.shown.insert(id, text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kizashi_store::Evidence;

    use super::*;
    use crate::testing::sign;

    fn outbox(name: &str) -> Outbox {
        let data =
            std::env::temp_dir().join(format!("kizashi-outbox-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        let outbox = Outbox::of(&data);
        outbox.make().unwrap();
        outbox
    }

    fn message(channel: &str, port: u16) -> Message {
        let notice = Notice::of(&sign(&format!("tcp/{port}")), &Evidence::default());
        Message::new(channel, Why::Sign, 1, &[&notice], Timestamp::from_seconds(i64::from(port)))
    }

    #[test]
    fn a_message_that_is_added_twice_waits_once_and_one_that_was_sent_does_not_wait_again() {
        let outbox = outbox("twice");
        outbox.add(message("a", 1)).unwrap();
        outbox.add(message("a", 1)).unwrap();
        let waiting = outbox.waiting().unwrap();
        assert_eq!(waiting.len(), 1);
        outbox.finish(&waiting[0], "sent", Timestamp::from_seconds(9), None).unwrap();
        outbox.add(message("a", 1)).unwrap();
        assert!(outbox.waiting().unwrap().is_empty());
        let listed = outbox.list().unwrap();
        assert_eq!((listed.len(), listed[0].state.as_str()), (1, "sent"));
        fs::remove_dir_all(outbox.folder().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_message_that_is_in_two_folders_while_it_is_moved_is_listed_once_as_what_it_became() {
        let outbox = outbox("moved");
        for (port, state) in [(1, "sent"), (2, "failed")] {
            outbox.add(message("a", port)).unwrap();
            let waiting = outbox.waiting().unwrap().remove(0);
            outbox.finish(&waiting, state, Timestamp::from_seconds(9), None).unwrap();
            outbox.keep(&waiting).unwrap();
            assert!(outbox.is_over(&waiting.message.id));
            let listed = outbox.list().unwrap();
            let of_it: Vec<_> = listed.iter().filter(|one| one.id == waiting.message.id).collect();
            assert_eq!((of_it.len(), of_it[0].state.as_str()), (1, state));
            outbox.wait_no_more(&waiting.message.id).unwrap();
        }
        fs::remove_dir_all(outbox.folder().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_file_that_was_cut_short_stops_nothing_and_what_is_half_written_is_not_seen() {
        let outbox = outbox("torn");
        outbox.add(message("a", 1)).unwrap();
        fs::write(outbox.folder().join("waiting/torn.json"), "{\"message\":").unwrap();
        fs::write(outbox.folder().join("waiting/.half.json.new"), "{").unwrap();
        fs::write(outbox.folder().join("state.json"), "[").unwrap();
        assert_eq!(outbox.waiting().unwrap().len(), 1);
        assert_eq!(outbox.state(), State::default());
        fs::remove_dir_all(outbox.folder().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_bulletin_writes_what_changed_and_takes_away_what_is_gone() {
        let outbox = outbox("bulletin");
        fs::write(outbox.folder().join("signs/old.json"), "{}").unwrap();
        let mut bulletin = Bulletin::new(outbox.clone()).unwrap();
        let notice = Notice::of(&sign("tcp/22"), &Evidence::default());
        let id = notice.sign.id.clone();
        let mut made = 0;
        let mut show = |text: &str, bulletin: &mut Bulletin| {
            bulletin
                .show(vec![(id.clone(), text.to_owned())], |_| {
                    made += 1;
                    Some(notice.clone())
                })
                .unwrap();
        };
        show("1", &mut bulletin);
        show("1", &mut bulletin);
        show("2", &mut bulletin);
        assert_eq!(made, 2);
        assert_eq!(outbox.signs().unwrap().len(), 1, "the old one is gone");
        outbox.mark_seen(&id).unwrap();
        assert!(outbox.seen().unwrap().contains(&id));
        assert!(outbox.mark_seen("../state").is_err() && outbox.mark_seen("nothing").is_err());
        bulletin.show(Vec::new(), |_| None).unwrap();
        assert!(outbox.signs().unwrap().is_empty() && outbox.seen().unwrap().is_empty());
        fs::remove_dir_all(outbox.folder().parent().unwrap()).unwrap();
    }
}
