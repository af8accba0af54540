//! Reads inputs from their first byte to their last, one after the other, and tells how far it is.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use kizashi_event::{Event, escape_for_people};

use crate::csv::ColumnMapping;
use crate::error::IntakeError;
use crate::format::Format;
use crate::inputs::Input;
use crate::reading::{Parsers, Reading};
use crate::report::{FileReport, Report};

/// How to read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format; `None` finds it for each file by its first lines.
    pub format: Option<Format>,
    /// The sensor's name where the log names none.
    pub sensor: Arc<str>,
    /// Which column of a table holds what, where the names do not tell.
    pub columns: ColumnMapping,
    /// The longest line in bytes; a longer one is counted as broken and never held. 1 MiB by default.
    pub line_max_bytes: usize,
    /// How many broken lines are shown for each file. 20 by default.
    pub broken_shown: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            sensor: Arc::from("imported"),
            columns: ColumnMapping::default(),
            line_max_bytes: 1_048_576,
            broken_shown: 20,
        }
    }
}

/// How far an import is. Given about every 256 KiB of text and at the end of each file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file being read, safe to show.
    pub file: &'a str,
    /// How many files were read before it.
    pub files_done: usize,
    /// How many files there are.
    pub files: usize,
    /// Bytes read of all files, as stored (packed or not).
    pub bytes: u64,
    /// Bytes of all files, as stored; `None` where one has no size (a pipe, standard input).
    pub bytes_total: Option<u64>,
    /// Lines read of all files.
    pub lines: u64,
    /// Events made of them.
    pub events: u64,
}

/// Reads all inputs, one after the other, and gives each event to `sink`, which ends the import by breaking.
///
/// Nothing in a file ends the import: broken lines are counted, and a file that cannot be read at all, or not to its end, has a
/// [`FileReport::fault`]; see [`Report::errors`]. Sessions go on from file to file of one format, as in rotated logs.
pub fn import(
    inputs: &[Input],
    options: &Options,
    progress: &mut dyn FnMut(&Progress<'_>),
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Report {
    let sizes = inputs.iter().map(|input| match input {
        Input::File { size, .. } => *size,
        Input::Standard => None,
    });
    let bytes_total = sizes.sum();
    let mut parsers = Parsers::default();
    let mut report = Report::default();
    let mut bytes_before = 0;
    for (files_done, input) in inputs.iter().enumerate() {
        let name = input.shown();
        let before = report.total;
        let mut bytes = bytes_before;
        let mut advance = |packed: u64, file: &FileReport| {
            bytes = bytes_before + packed;
            progress(&Progress {
                file: &name,
                files_done,
                files: inputs.len(),
                bytes,
                bytes_total,
                lines: before.lines + file.counts.lines,
                events: before.events + file.counts.events,
            });
        };
        let mut reading = Reading::new(&name, input.is_named(), options, &mut parsers);
        let read = match input {
            Input::Standard => reading.read(io::stdin().lock(), &mut advance, sink),
            Input::File { path, .. } => File::open(path)
                .map_err(|error| IntakeError::open(path, &error))
                .and_then(|file| reading.read(file, &mut advance, sink)),
        };
        report.add(reading.into_report(read));
        bytes_before = bytes;
        if report.stopped {
            break;
        }
    }
    report
}

/// Reads one stream, packed or not, as [`import`] reads a file; `name` stands in the report.
pub fn import_reader(
    name: &str,
    reader: impl Read,
    options: &Options,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> FileReport {
    let mut parsers = Parsers::default();
    let name = escape_for_people(name);
    let mut reading = Reading::new(&name, true, options, &mut parsers);
    let read = reading.read(reader, &mut |_, _| {}, sink);
    reading.into_report(read)
}
