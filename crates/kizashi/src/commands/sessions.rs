//! `kizashi sessions`: those worth seeing again, the latest first, or those in which a line holds a text.

use kizashi_store::{Reader, StoredSession};
use serde::Serialize;

use crate::cli;
use crate::failure::Failure;
use crate::screen::{Cell, Column, Table};
use crate::terminal::Terminal;

#[derive(Serialize)]
struct Row {
    session: String,
    first: String,
    last: String,
    source: String,
    port: String,
    service: String,
    logins: u64,
    commands: u64,
    files: u64,
    recorded: bool,
}

impl Row {
    fn of(session: &StoredSession) -> Self {
        Self {
            session: session.id.to_string(),
            first: session.first.rfc3339(),
            last: session.last.rfc3339(),
            source: session.source.to_string(),
            port: session.port.to_string(),
            service: session.service.to_string(),
            logins: session.logins,
            commands: session.commands,
            files: session.files,
            recorded: session.recordings > 0,
        }
    }
}

/// Prints the list.
pub(crate) fn run(call: &cli::Sessions, terminal: &mut Terminal) -> Result<(), Failure> {
    let listing = &call.listing;
    let reader = Reader::open(&listing.data.data)?;
    let sessions = reader.sessions(call.command.as_deref(), listing.span.span(), listing.limit)?;
    if listing.json {
        return sessions.iter().try_for_each(|session| terminal.json(&Row::of(session)));
    }
    let mut columns = ["session", "began", "source", "port", "service"].map(Column::text).to_vec();
    columns.extend(["commands", "files"].map(Column::number));
    columns.push(Column::text("recorded"));
    let mut table = Table::new(&columns);
    for session in &sessions {
        let row = Row::of(session);
        let mut cells = vec![Cell::text(&row.session), Cell::text(&terminal.minute(session.first))];
        cells.extend([&row.source, &row.port, &row.service].map(|text| Cell::text(text)));
        cells.extend([row.commands, row.files].map(Cell::number));
        cells.push(Cell::text(if row.recorded { "yes" } else { "" }));
        table.row(cells);
    }
    terminal.table(&table, "no session of that kind is kept")
}
