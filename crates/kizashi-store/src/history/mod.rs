//! History in files that outlive the store: one Parquet file an hour and kind of event, in folders as Hive names them
//! (`day=2026-11-29/kind=login/14.parquet`), which DuckDB, ClickHouse, Spark and pandas read as one table (docs/history.md). A file is a
//! function of the events of its hour: written beside its name, then put in its place, so that a reader sees all of it or none.

mod columns;
mod hours;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kizashi_event::{Event, Timestamp};

pub use columns::{COLUMNS, Column};
pub use hours::{Hours, WRITTEN};

use crate::columnar::{Cells, ColumnarError, ColumnarWriter};
use crate::{Reader, Span, StoreError};

/// Bytes of rows that are held of one kind before they go to its file as a row group. There are fifteen kinds.
const GROUP_BYTES: usize = 2 * 1024 * 1024;
/// Rows of a file at most: past that an hour has a further one, so that no reader needs much memory for it.
const FILE_ROWS: usize = 1_000_000;
/// The same for bytes before they are packed, so that who carries a file can hold it whole.
const FILE_BYTES: usize = 24 * 1024 * 1024;
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// History could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder could not be made.
    #[error(
        "{path} cannot be written ({reason}); make room, give it to this user, or choose another folder"
    )]
    NotWritable {
        /// What was to be written.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file could not be filled.
    #[error(transparent)]
    Columnar(#[from] ColumnarError),
}

impl HistoryError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::NotWritable { path, reason: error.to_string() }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events in all files.
    pub events: u64,
    /// The files, by their place within the folder.
    pub files: Vec<PathBuf>,
}

/// Writes every event of `span` that is kept into `folder`, which is made where it is not. Files of the same hours are replaced.
///
/// # Errors
/// When the store cannot be read or the folder not be written.
pub fn write_span(reader: &Reader, span: Span, folder: &Path) -> Result<Written, HistoryError> {
    let mut writer = HistoryWriter::new(folder);
    reader.raw_events(span, |event| writer.add(&event))?;
    writer.finish()
}

/// Files of history in the making. Events come in order of time.
#[derive(Debug)]
pub struct HistoryWriter {
    folder: PathBuf,
    hour: Option<Timestamp>,
    open: Vec<OpenKind>,
    written: Written,
}

impl HistoryWriter {
    /// A writer into `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            hour: None,
            open: Vec::new(),
            written: Written::default(),
        }
    }

    /// Adds an event; one of a later hour ends the files of the one before.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn add(&mut self, event: &Event) -> Result<(), HistoryError> {
        let hour = event.time.floor_to(Timestamp::HOUR);
        if self.hour != Some(hour) {
            self.end_hour()?;
            self.hour = Some(hour);
        }
        let kind = event.detail.action();
        let at = match self.open.iter().position(|open| open.kind == kind) {
            Some(at) => at,
            None => {
                self.open.push(OpenKind::new(kind));
                self.open.len() - 1
            }
        };
        let open = &mut self.open[at];
        open.add(event);
        self.written.events += 1;
        if open.bytes >= GROUP_BYTES {
            open.write_group(&self.folder, hour)?;
        }
        if open.rows >= FILE_ROWS || open.of_file >= FILE_BYTES {
            self.written.files.extend(open.end(&self.folder, hour)?);
        }
        Ok(())
    }

    /// Ends all files.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self) -> Result<Written, HistoryError> {
        self.end_hour()?;
        Ok(std::mem::take(&mut self.written))
    }

    fn end_hour(&mut self) -> Result<(), HistoryError> {
        if let Some(hour) = self.hour {
            for mut open in std::mem::take(&mut self.open) {
                self.written.files.extend(open.end(&self.folder, hour)?);
            }
        }
        Ok(())
    }
}

impl Drop for HistoryWriter {
    fn drop(&mut self) {
        for file in self.open.iter().filter_map(|open| open.file.as_ref()) {
            // Whatever stopped the writer was told; a file that is left over is written anew the next time.
            let _ = std::fs::remove_file(&file.beside);
        }
    }
}

/// The events of one kind in the running hour.
#[derive(Debug)]
struct OpenKind {
    kind: &'static str,
    columns: Vec<Cells>,
    bytes: usize,
    of_file: usize,
    rows: usize,
    part: usize,
    file: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    place: PathBuf,
    beside: PathBuf,
    writer: ColumnarWriter<BufWriter<File>>,
}

impl OpenKind {
    fn new(kind: &'static str) -> Self {
        Self { kind, columns: no_cells(), bytes: 0, of_file: 0, rows: 0, part: 0, file: None }
    }

    fn add(&mut self, event: &Event) {
        let cells = COLUMNS.iter().zip(&mut self.columns);
        let size: usize = cells.map(|(column, cells)| column.add(event, cells)).sum();
        self.bytes += size;
        self.of_file += size;
        self.rows += 1;
    }

    fn write_group(&mut self, folder: &Path, hour: Timestamp) -> Result<(), HistoryError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open_file(folder, &place(self.kind, hour, self.part))?),
        };
        file.writer.add(&self.columns)?;
        self.columns = no_cells();
        self.bytes = 0;
        Ok(())
    }

    /// Ends the file, where there is anything in it, and gives its place.
    fn end(&mut self, folder: &Path, hour: Timestamp) -> Result<Option<PathBuf>, HistoryError> {
        if self.bytes > 0 {
            self.write_group(folder, hour)?;
        }
        let Some(file) = self.file.take() else { return Ok(None) };
        let whole = folder.join(&file.place);
        let written = file.writer.finish()?;
        let written =
            written.into_inner().map_err(|error| HistoryError::at(&whole)(error.into_error()))?;
        written.sync_all().map_err(HistoryError::at(&whole))?;
        std::fs::rename(&file.beside, &whole).map_err(HistoryError::at(&whole))?;
        self.rows = 0;
        self.of_file = 0;
        self.part += 1;
        Ok(Some(file.place))
    }
}

fn no_cells() -> Vec<Cells> {
    COLUMNS.iter().map(|column| Cells::none(column.cells)).collect()
}

/// Where the file of a kind's hour lies within the folder.
fn place(kind: &str, hour: Timestamp, part: usize) -> PathBuf {
    let text = hour.rfc3339();
    let (day, number) = (text.get(..10).unwrap_or("0000-00-00"), text.get(11..13).unwrap_or("00"));
    let name =
        if part == 0 { format!("{number}.parquet") } else { format!("{number}-{part:03}.parquet") };
    PathBuf::from(format!("day={day}")).join(format!("kind={kind}")).join(name)
}

fn make_folder(folder: &Path) -> Result<(), HistoryError> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(HistoryError::at(folder))
}

fn open_file(folder: &Path, place: &Path) -> Result<OpenFile, HistoryError> {
    let whole = folder.join(place);
    let within = whole.parent().unwrap_or(folder);
    make_folder(within)?;
    // A name that no reader's pattern takes for a whole file.
    let beside = whole.with_extension("unfinished");
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(FILE_MODE)
        .open(&beside)
        .map_err(HistoryError::at(&beside))?;
    let columns = COLUMNS.iter().map(|column| (column.name, column.cells));
    let writer = ColumnarWriter::new(BufWriter::new(file), columns)?;
    Ok(OpenFile { place: place.to_path_buf(), beside, writer })
}
