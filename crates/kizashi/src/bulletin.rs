//! What the core shows to the process that tells signs: the signs of the last days as notices in the outbox. It is made of the store again and
//! again, so that nothing is lost by whatever ends either process in between.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kizashi_event::Timestamp;
use kizashi_notify::{Background, Bulletin, Notice, Outbox};
use kizashi_signs::{Campaigns, Machine, Sign};
use kizashi_store::{Reader, StoredSign};
use kizashi_web::Mark;

use crate::failure::Failure;
use crate::observatory::marks_in;
use crate::outside;

/// Signs shown at most.
const MOST_SIGNS: usize = 200;
/// How long a sign is shown after it was raised.
const SHOWN_FOR: i64 = 8 * Timestamp::DAY;
/// Microseconds between two looks.
const LOOKS_EVERY: i64 = 2 * Timestamp::SECOND;

/// The signs of the last days, shown.
pub(crate) struct ShownSigns {
    bulletin: Bulletin,
    reader: Reader,
    data: PathBuf,
    campaigns: Arc<Campaigns>,
    machine: Option<Machine>,
    looked: Timestamp,
    failing: bool,
}

impl ShownSigns {
    /// Opens the outbox of a data folder. Signs are told by these campaigns and held against what this machine runs.
    pub(crate) fn open(
        data: &Path,
        reader: Reader,
        (campaigns, machine): (Arc<Campaigns>, Option<Machine>),
    ) -> Result<Self, Failure> {
        let bulletin = Bulletin::new(Outbox::of(data))?;
        Ok(Self {
            bulletin,
            reader,
            data: data.to_path_buf(),
            campaigns,
            machine,
            looked: Timestamp::from_seconds(0),
            failing: false,
        })
    }

    /// Shows what changed, where it is time. That it fails is said once and stops nothing.
    pub(crate) fn look(&mut self, now: Timestamp) {
        if now.since(self.looked) < LOOKS_EVERY {
            return;
        }
        self.looked = now;
        match self.show(now) {
            Ok(()) => self.failing = false,
            Err(failure) if !self.failing => {
                self.failing = true;
                tracing::error!("signs cannot be put into the outbox: {failure}");
            }
            Err(_) => {}
        }
    }

    fn show(&mut self, now: Timestamp) -> Result<(), Failure> {
        let stored: HashMap<String, StoredSign> = self
            .reader
            .signs(MOST_SIGNS)?
            .into_iter()
            .filter(|stored| now.since(stored.detected) < SHOWN_FOR)
            .map(|stored| (stored.id.clone(), stored))
            .collect();
        // Read where a notice is made anew, which is seldom.
        let feeds = LazyCell::new(|| outside::feeds(&self.data));
        let marks = marks_in(&self.reader);
        let of_this_state = |stored: &StoredSign| version(stored, marks.get(&stored.id));
        let versions =
            stored.values().map(|stored| (stored.id.clone(), of_this_state(stored))).collect();
        let background = Background { campaigns: &self.campaigns, machine: self.machine.as_ref() };
        let notice = |id: &str| {
            let (sign, evidence) = Sign::of_stored(stored.get(id)?)?;
            let notice = Notice::told(&sign, &evidence, &background);
            let mark = marks.get(id);
            let until = mark.and_then(|mark| mark.muted_until.as_deref());
            let notice = notice
                .muted_until(until.and_then(|until| Timestamp::parse(until).ok()))
                .seen(mark.is_some_and(|mark| mark.seen));
            Some(notice.with_warnings(&outside::of_sign(&sign, &feeds)))
        };
        Ok(self.bulletin.show(versions, notice)?)
    }
}

/// What tells one state of a sign from another.
fn version(stored: &StoredSign, mark: Option<&Mark>) -> String {
    let mut hasher = DefaultHasher::new();
    let said = mark.map(|mark| (mark.seen, mark.muted_until.as_deref()));
    (&stored.json, &stored.evidence, said.unwrap_or_default()).hash(&mut hasher);
    hasher.finish().to_string()
}
