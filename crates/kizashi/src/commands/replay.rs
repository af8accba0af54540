//! `kizashi replay`: detection over what is stored, as if live. Nothing is written; it may run beside `kizashi up`.

use std::collections::BTreeMap;

use kizashi_signs::{Closed, Detection, Sign};
use kizashi_store::Reader;

use super::signs;
use crate::cli;
use crate::config::Config;
use crate::failure::Failure;
use crate::pipeline::knowledge;
use crate::terminal::Terminal;

/// Prints the signs of a replay, each as it stood at the end, the latest first.
pub(crate) fn run(call: &cli::Listing, terminal: &mut Terminal) -> Result<(), Failure> {
    let settings = Config::load(None)?.detection();
    let reader = Reader::open(&call.data.data)?;
    let mut detection = Detection::with_knowledge(settings, &knowledge(&reader)?)?;
    let mut found: BTreeMap<String, Sign> = BTreeMap::new();
    let mut note = |closed: Closed| {
        found.extend(closed.into_signs().map(|sign| (sign.id.clone(), sign)));
    };
    reader.closed_bins(None, |bin| note(detection.close(&bin)))?;
    if let Some(through) = reader.closed_through()? {
        note(detection.advance(through));
    }
    let mut replayed: Vec<Sign> = found.into_values().collect();
    replayed.sort_by(|a, b| b.detected.cmp(&a.detected).then_with(|| a.id.cmp(&b.id)));
    replayed.retain(|sign| call.span.holds(sign.detected));
    replayed.truncate(call.limit);
    signs::print(&replayed, call.json, terminal)
}
