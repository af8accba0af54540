//! `kizashi export`: what is stored in the form that other tools read.

use kizashi_store::Reader;

use crate::cli;
use crate::export::cowrie;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Writes the export to standard output, one JSON object a line.
pub(crate) fn run(call: &cli::Export, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    match call.format {
        cli::ExportFormat::Cowrie => reader.raw_events(call.span.span(), |event| {
            cowrie::line(&event).map_or(Ok(()), |line| terminal.json(&line))
        }),
    }
}
