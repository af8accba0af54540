//! `kizashi top`: what came most.

use kizashi_event::{Key, KeyKind};
use kizashi_store::{Ranked, Reader};
use serde::Serialize;

use crate::cli;
use crate::failure::Failure;
use crate::observatory::label_of;
use crate::screen::{Cell, Column, Table};
use crate::terminal::Terminal;

/// A row as the contract has it.
#[derive(Serialize)]
struct Row<'a> {
    kind: KeyKind,
    key: &'a str,
    label: String,
    events: u64,
    sessions: u64,
    sources: u64,
    first: String,
    last: String,
}

impl<'a> Row<'a> {
    fn of(ranked: &'a Ranked) -> Self {
        Self {
            kind: ranked.key.kind,
            key: &ranked.key.text,
            label: label_of(&ranked.key),
            events: ranked.events,
            sessions: ranked.sessions,
            sources: ranked.sources,
            first: ranked.first.rfc3339(),
            last: ranked.last.rfc3339(),
        }
    }
}

/// Prints a ranking.
pub(crate) fn run(call: &cli::Top, terminal: &mut Terminal) -> Result<(), Failure> {
    let listing = &call.listing;
    let reader = Reader::open(&listing.data.data)?;
    let ranking = reader.top(call.kind, listing.span.span(), listing.limit)?;
    if listing.json {
        return ranking.iter().try_for_each(|ranked| terminal.json(&Row::of(ranked)));
    }
    let is_port = call.kind == KeyKind::Port;
    let mut columns = vec![Column::long_text(call.kind.name())];
    if is_port {
        columns.push(Column::long_text("use"));
    }
    columns.extend(["events", "sessions", "sources"].map(Column::number));
    columns.extend(["first", "last"].map(Column::text));
    let mut table = Table::new(&columns);
    for ranked in &ranking {
        let mut cells = vec![shown(&ranked.key)];
        if is_port {
            cells.push(Cell::text(&label_of(&ranked.key)));
        }
        cells.extend([ranked.events, ranked.sessions, ranked.sources].map(Cell::number));
        cells.extend([ranked.first, ranked.last].map(|time| Cell::text(&terminal.minute(time))));
        table.row(cells);
    }
    terminal.table(&table, "nothing of that kind is stored")
}

fn shown(key: &Key) -> Cell {
    if key.text.is_empty() { Cell::text("(none)") } else { Cell::hostile(&key.text) }
}
