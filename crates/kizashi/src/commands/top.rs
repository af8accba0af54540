//! `kizashi top`: what came most.

use std::path::Path;
use std::sync::Arc;

use kizashi_event::{Key, KeyKind};
use kizashi_store::{Places, Ranked, Reader};
use serde::Serialize;

use crate::cli::{self, Ranking};
use crate::config::Config;
use crate::failure::Failure;
use crate::observatory::label_in;
use crate::screen::{Cell, Column, Table};
use crate::terminal::Terminal;

/// A row as the contract has it.
#[derive(Serialize)]
struct Row<'a> {
    kind: &'static str,
    key: &'a str,
    label: String,
    events: u64,
    sessions: u64,
    sources: u64,
    first: String,
    last: String,
}

impl<'a> Row<'a> {
    fn of(kind: Ranking, ranked: &'a Ranked, places: &Places) -> Self {
        Self {
            kind: kind.name(),
            key: &ranked.key.text,
            label: label_in(&ranked.key, places),
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
    let (span, limit) = (listing.span.span(), listing.limit);
    let ranking = match call.kind {
        Ranking::Keys(kind) => reader.top(kind, span, limit)?,
        Ranking::Systems => reader.top_fingerprints("os", span, limit)?,
        Ranking::Tools => reader.top_fingerprints("scanner", span, limit)?,
    };
    let places = places_of(&ranking, &listing.data.data)?;
    if listing.json {
        return ranking
            .iter()
            .try_for_each(|ranked| terminal.json(&Row::of(call.kind, ranked, &places)));
    }
    let mut columns = vec![Column::long_text(call.kind.name())];
    let known_as = match call.kind {
        Ranking::Keys(KeyKind::Port) => Some("use"),
        Ranking::Keys(KeyKind::Country) => Some("name"),
        Ranking::Keys(kind @ (KeyKind::Network | KeyKind::Source))
            if ranking.iter().any(|ranked| is_named(&ranked.key, &places)) =>
        {
            Some(if kind == KeyKind::Source { "scanner" } else { "name" })
        }
        _ => None,
    };
    columns.extend(known_as.map(Column::long_text));
    columns.extend(["events", "sessions", "sources"].map(Column::number));
    columns.extend(["first", "last"].map(Column::text));
    let mut table = Table::new(&columns);
    for ranked in &ranking {
        let mut cells = vec![shown(&ranked.key)];
        if known_as.is_some() {
            let named = ranked.key.kind != KeyKind::Source || is_named(&ranked.key, &places);
            let label = if named { label_in(&ranked.key, &places) } else { String::new() };
            cells.push(Cell::text(&label));
        }
        cells.extend([ranked.events, ranked.sessions, ranked.sources].map(Cell::number));
        cells.extend([ranked.first, ranked.last].map(|time| Cell::text(&terminal.minute(time))));
        table.row(cells);
    }
    terminal.table(&table, "nothing of that kind is stored")
}

/// The owner's tables where a ranking holds visitors, or networks that have names, else none: they take a moment to read.
fn places_of(ranking: &[Ranked], data: &Path) -> Result<Arc<Places>, Failure> {
    let has_names =
        |ranked: &Ranked| ranked.key.kind == KeyKind::Network && !ranked.key.text.contains('/');
    let has_names = |ranked: &Ranked| ranked.key.kind == KeyKind::Source || has_names(ranked);
    if ranking.iter().any(has_names) {
        Config { data: data.to_path_buf(), ..Config::load(None)? }.places()
    } else {
        Ok(Arc::default())
    }
}

fn is_named(key: &Key, places: &Places) -> bool {
    match key.kind {
        KeyKind::Source => key.text.parse().is_ok_and(|address| places.scanner(address).is_some()),
        _ => places.network_name(&key.text).is_some(),
    }
}

fn shown(key: &Key) -> Cell {
    if key.text.is_empty() { Cell::text("(none)") } else { Cell::hostile(&key.text) }
}
