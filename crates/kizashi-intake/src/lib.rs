//! Other people's logs, read as Kizashi events: Cowrie, Dionaea, elasticpot, OpenCanary, Heralding, and tables (CSV).
//!
//! Bytes flow one way: [`find_inputs`] names the files, a file is opened and unpacked (`source`), cut into bounded lines
//! (`lines`), its format found (`format`), each line read by that format's parser (`cowrie`, `csv`, …; `reading` leads it), and
//! each event given to the caller's sink. [`import`] does so for files at rest, [`follow`] for one that grows.
//!
//! A line that cannot be read is counted and kept for showing with its file and number; it never ends the work. What a line
//! becomes depends on that line, on the identical lines shortly before it in its file, and on nothing else that names an event,
//! so the same file read twice gives the same ids and the store keeps each once (see `identity`).
//!
//! Never here: a clock, randomness, a network, a write to any file, threads. Memory is bounded whatever the input.

mod cowrie;
mod csv;
mod dionaea;
mod elasticpot;
mod error;
mod follow;
mod format;
mod heralding;
mod identity;
mod import;
mod inputs;
mod json;
mod line;
mod lines;
mod opencanary;
mod reading;
mod recent;
mod report;
mod source;
mod values;

pub use csv::{Column, ColumnMapping, ColumnMappingError};
pub use error::IntakeError;
pub use follow::{FollowStatus, follow, poll_every};
pub use format::{Format, Refusal, detect};
pub use import::{Options, Progress, import, import_reader};
pub use inputs::{Input, find_inputs};
pub use report::{BrokenLine, Counts, FileReport, Report};
