//! Which hours of a folder are to be written. An hour is written when it is over, and again when more of it has come since (a log read
//! late, a sensor that was cut off); never because less is kept than was written, for history outlives the store.

use std::collections::BTreeMap;
use std::path::Path;

use kizashi_event::{Key, Timestamp};
use serde::{Deserialize, Serialize};

use super::{HistoryError, Written, make_folder, write_span};
use crate::{BinLength, Reader, Span};

/// The file in the folder that remembers what was written.
pub const WRITTEN: &str = "written.json";
/// Microseconds after its end at which an hour is first written: later than the store closes ten minutes.
const PATIENCE: i64 = 5 * 60 * Timestamp::SECOND;
/// Hours that are looked at again. What comes for an earlier one is in the store alone.
const LOOKED_AT: i64 = 7 * 24;

/// What the store had counted of each hour when the folder's files of it were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// By the hour's beginning, in microseconds.
    written: BTreeMap<i64, u64>,
}

impl Hours {
    /// What `folder` remembers: nothing where there is no memory or none that can be read, and then the latest hours are written anew.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        std::fs::read(folder.join(WRITTEN))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Writes the first hour before `now` that is to be written, if there is one; call again until there is none.
    ///
    /// # Errors
    /// When the store cannot be read or the folder not be written.
    pub fn write_next(
        &mut self,
        reader: &Reader,
        folder: &Path,
        now: Timestamp,
    ) -> Result<Option<Written>, HistoryError> {
        let end = now.plus(-PATIENCE).floor_to(Timestamp::HOUR);
        let begin = end.plus(-LOOKED_AT * Timestamp::HOUR);
        let total = Key::total();
        let span = Span { since: Some(begin), until: Some(end) };
        for hour in reader.series(&total, BinLength::Hour, span)? {
            let written = self.written.get(&hour.start.micros()).copied().unwrap_or(0);
            if hour.events <= written {
                continue;
            }
            let until = Some(hour.start.plus(Timestamp::HOUR));
            let written = write_span(reader, Span { since: Some(hour.start), until }, folder)?;
            self.written.insert(hour.start.micros(), hour.events);
            self.written = self.written.split_off(&begin.micros());
            self.remember(folder)?;
            return Ok(Some(written));
        }
        Ok(None)
    }

    fn remember(&self, folder: &Path) -> Result<(), HistoryError> {
        // An hour of which no event is kept any more has made no folder.
        make_folder(folder)?;
        let path = folder.join(WRITTEN);
        let beside = path.with_extension("unfinished");
        let text = serde_json::to_vec(self).unwrap_or_default();
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(HistoryError::at(&path))
    }
}
