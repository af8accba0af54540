//! What the owner said of signs, kept in the store as one small blob beside them: it is no part of a sign, which detection writes anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kizashi_store::Reader;
use kizashi_web::{Mark, MarkChange, ReadError};

use super::{StoreObservatory, unreadable};
use crate::failure::Failure;

/// The name of the blob: JSON, marks by the ids of their signs.
const MARKS: &str = "marks of signs";
/// Marks that are kept; for a new one the one that was changed the longest ago goes.
const MOST_MARKS: usize = 1_000;

/// The marks, read when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<Option<BTreeMap<String, Mark>>>);

/// The marks that a store keeps; none where they cannot be read.
pub(crate) fn marks_in(reader: &Reader) -> BTreeMap<String, Mark> {
    let bytes = reader.blob(MARKS).ok().flatten();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

impl StoreObservatory {
    /// What was said of a sign, where anything was.
    pub(super) fn mark_of(&self, id: &str) -> Option<Mark> {
        let mut kept = self.own.marks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            *kept = self.read_marks().ok();
        }
        kept.as_ref()?.get(id).cloned()
    }

    fn read_marks(&self) -> Result<BTreeMap<String, Mark>, ReadError> {
        self.with_reader(|reader| Ok(marks_in(reader)))
    }

    pub(super) fn change_mark(
        &self,
        id: &str,
        change: &MarkChange,
    ) -> Result<Option<Mark>, ReadError> {
        let now = (self.clock)();
        change.check(now).map_err(ReadError::Unanswerable)?;
        if self.with_reader(|reader| Ok(reader.sign(id)?))?.is_none() {
            return Ok(None);
        }
        let mut kept = self.own.marks.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut marks = match kept.take() {
            Some(marks) => marks,
            None => self.read_marks()?,
        };
        let mark = marks.get(id).cloned().unwrap_or_default().changed_by(change, now);
        if mark.is_empty() {
            marks.remove(id);
        } else {
            marks.insert(id.to_owned(), mark.clone());
        }
        while marks.len() > MOST_MARKS {
            let oldest = marks.iter().min_by(|a, b| a.1.changed.cmp(&b.1.changed));
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            marks.remove(&oldest);
        }
        // What could not be kept is not shown as if it were: the next who asks reads what is kept.
        let json = serde_json::to_vec(&marks)
            .map_err(|error| ReadError::Failed(format!("the mark cannot be written: {error}")))?;
        let saved = self.inlet.save(Vec::new(), vec![(MARKS.to_owned(), json)]);
        saved.map_err(|error| unreadable(&Failure::from(error)))?;
        *kept = Some(marks);
        Ok(Some(mark))
    }
}
