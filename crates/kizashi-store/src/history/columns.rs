//! The columns of a history file: one list, which writes the files, names their types and is held against docs/history.md. Every kind of
//! event has all of them, so that files of different kinds are one table; a cell is empty where the kind has no such thing.

use kizashi_event::{Detail, Event, HostileText, Payload, Request};

use crate::columnar::{CellType, Cells};

/// What stands in one cell.
pub(super) enum Cell {
    Text(String),
    Integer(i64),
    Truth(bool),
    Time(i64),
}

/// A column.
#[derive(Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What its cells are.
    pub cells: CellType,
    /// What it holds, in one sentence.
    pub about: &'static str,
    read: fn(&Event) -> Option<Cell>,
}

impl std::fmt::Debug for Column {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Column").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Column {
    /// Adds the event's cell, and gives the bytes that it takes.
    pub(super) fn add(&self, event: &Event, cells: &mut Cells) -> usize {
        let cell = (self.read)(event);
        let size = match &cell {
            Some(Cell::Text(text)) => text.len() + size_of::<Option<String>>(),
            _ => size_of::<Option<i64>>(),
        };
        match (cells, cell) {
            (Cells::Text(column), Some(Cell::Text(text))) => column.push(Some(text)),
            (Cells::Integer(column), Some(Cell::Integer(number))) => column.push(Some(number)),
            (Cells::Time(column), Some(Cell::Time(micros))) => column.push(Some(micros)),
            (Cells::Truth(column), Some(Cell::Truth(truth))) => column.push(Some(truth)),
            (Cells::Text(column), _) => column.push(None),
            (Cells::Integer(column) | Cells::Time(column), _) => column.push(None),
            (Cells::Truth(column), _) => column.push(None),
            (Cells::Real(column), _) => column.push(None),
        }
        size
    }
}

const fn column(
    name: &'static str,
    cells: CellType,
    about: &'static str,
    read: fn(&Event) -> Option<Cell>,
) -> Column {
    Column { name, cells, about, read }
}

/// What every file holds, in this order. Columns are only ever added, at the end.
pub const COLUMNS: &[Column] = &[
    column("time", CellType::Time, "When, by the sensor's clock.", |event| {
        Some(Cell::Time(event.time.micros()))
    }),
    column(
        "id",
        CellType::Text,
        "16 hexadecimal digits; with `time` it names one event.",
        |event| Some(Cell::Text(format!("{:016x}", event.id.0))),
    ),
    column("sensor", CellType::Text, "The sensor that saw it.", |event| own(&event.sensor)),
    column(
        "session",
        CellType::Text,
        "The session, 16 hexadecimal digits; none for packets.",
        |event| event.session.map(|session| Cell::Text(session.to_string())),
    ),
    column("source", CellType::Text, "The visitor's address.", |event| {
        Some(Cell::Text(event.source.to_string()))
    }),
    column("source_port", CellType::Integer, "The visitor's port, where known.", |event| {
        (event.source_port != 0).then(|| Cell::Integer(event.source_port.into()))
    }),
    column("destination", CellType::Text, "The address that was visited, where known.", |event| {
        event.destination.map(|address| Cell::Text(address.to_string()))
    }),
    column("port", CellType::Integer, "The port that was visited.", |event| {
        Some(Cell::Integer(event.port.number.into()))
    }),
    column("transport", CellType::Text, "`tcp`, `udp` or `icmp`.", |event| {
        own(event.port.transport.name())
    }),
    column("service", CellType::Text, "The protocol spoken, as far as known.", |event| {
        own(event.service.name())
    }),
    column("action", CellType::Text, "What was done; the folder's `kind`.", |event| {
        own(event.detail.action())
    }),
    column("events", CellType::Integer, "How many events it counts as.", |event| {
        count(event.weight().events)
    }),
    column("sessions", CellType::Integer, "How many sessions it counts as.", |event| {
        count(event.weight().sessions)
    }),
    column("username", CellType::Text, "The name of a login.", |event| match &event.detail {
        Detail::Login { username, .. } => hostile(username.as_ref()),
        _ => None,
    }),
    column("password", CellType::Text, "The password of a login.", |event| match &event.detail {
        Detail::Login { password, .. } => hostile(password.as_ref()),
        _ => None,
    }),
    column("public_key", CellType::Text, "The fingerprint of the key of a login.", |event| {
        match &event.detail {
            Detail::Login { public_key, .. } => hostile(public_key.as_ref()),
            _ => None,
        }
    }),
    column("accepted", CellType::Truth, "Whether the trap let a login in.", |event| {
        match &event.detail {
            Detail::Login { accepted, .. } => Some(Cell::Truth(*accepted)),
            _ => None,
        }
    }),
    column("command", CellType::Text, "A line given to a shell.", |event| match &event.detail {
        Detail::Command { line, .. } => hostile(Some(line)),
        _ => None,
    }),
    column("method", CellType::Text, "The method of a request.", |event| {
        request(event).and_then(|request| hostile(Some(&request.method)))
    }),
    column("target", CellType::Text, "Path and query of a request.", |event| {
        request(event).and_then(|request| hostile(Some(&request.target)))
    }),
    column("status", CellType::Integer, "The status that a request was answered by.", |event| {
        request(event).and_then(|request| request.status).map(|status| Cell::Integer(status.into()))
    }),
    column("class", CellType::Text, "What kind of attack a request is.", |event| {
        request(event).and_then(|request| hostile(request.class.as_ref()))
    }),
    column("rule", CellType::Text, "The CVE or product that a request is meant for.", |event| {
        request(event).and_then(|request| hostile(request.rule.as_ref()))
    }),
    column("client", CellType::Text, "What the visitor's software calls itself.", |event| {
        match &event.detail {
            Detail::Client { version, .. } => hostile(version.as_ref()),
            Detail::Request { request, .. } => hostile(request.header("user-agent")),
            _ => None,
        }
    }),
    column(
        "fingerprint",
        CellType::Text,
        "How it speaks: `hassh:…`, `ja4:…`, `http:…`.",
        |event| match &event.detail {
            Detail::Client { fingerprint, .. } => hostile(fingerprint.as_ref()),
            Detail::Request { request, .. } => {
                request.print.as_ref().map(|print| Cell::Text(format!("http:{}", print.raw())))
            }
            _ => None,
        },
    ),
    column("payload", CellType::Text, "SHA-256 of what was sent or written.", |event| {
        event.detail.carried().map(|payload| Cell::Text(payload.sha256.to_string()))
    }),
    column("payload_size", CellType::Integer, "Its length in bytes.", |event| {
        event.detail.carried().and_then(|payload| payload.size).and_then(count)
    }),
    column("payload_name", CellType::Text, "The file's name as the visitor gave it.", |event| {
        payload(event).and_then(|payload| hostile(payload.name.as_ref()))
    }),
    column("payload_url", CellType::Text, "Where the visitor wanted it fetched from.", |event| {
        payload(event).and_then(|payload| hostile(payload.url.as_ref()))
    }),
    column("forward_host", CellType::Text, "Where the visitor wanted to go on to.", |event| {
        match &event.detail {
            Detail::Forward { host, .. } => hostile(Some(host)),
            _ => None,
        }
    }),
    column("forward_port", CellType::Integer, "The port there.", |event| match &event.detail {
        Detail::Forward { port, .. } => Some(Cell::Integer((*port).into())),
        _ => None,
    }),
    column("note", CellType::Text, "The name of what has no column of its own.", |event| {
        match &event.detail {
            Detail::Note { name, .. } => hostile(Some(name)),
            _ => None,
        }
    }),
    column("value", CellType::Text, "Its value.", |event| match &event.detail {
        Detail::Note { value, .. } => hostile(Some(value)),
        _ => None,
    }),
    column("duration_ms", CellType::Integer, "How long a session lasted.", |event| {
        match event.detail {
            Detail::Close { duration_ms, .. } => duration_ms.and_then(count),
            _ => None,
        }
    }),
    column(
        "received",
        CellType::Integer,
        "Bytes of the visitor in a session.",
        |event| match event.detail {
            Detail::Close { received, .. } => received.and_then(count),
            _ => None,
        },
    ),
    column(
        "more",
        CellType::Text,
        "What else is known of an attempt, scan, request, client or echo, as JSON.",
        more,
    ),
];

fn own(text: &str) -> Option<Cell> {
    Some(Cell::Text(text.to_owned()))
}

fn hostile(text: Option<&HostileText>) -> Option<Cell> {
    text.map(|text| Cell::Text(text.raw().to_owned()))
}

fn count(number: u64) -> Option<Cell> {
    i64::try_from(number).ok().map(Cell::Integer)
}

fn payload(event: &Event) -> Option<&Payload> {
    event.detail.payload()
}

fn request(event: &Event) -> Option<&Request> {
    match &event.detail {
        Detail::Request { request, .. } => Some(request),
        _ => None,
    }
}

/// The kinds whose parts are many and rarely asked for by themselves.
fn more(event: &Event) -> Option<Cell> {
    let json = match &event.detail {
        Detail::Attempt(attempt) => serde_json::to_string(attempt),
        Detail::Scan(scan) => serde_json::to_string(scan),
        Detail::Backscatter(backscatter) => serde_json::to_string(backscatter),
        Detail::Request { request, .. } => serde_json::to_string(&request.headers),
        Detail::Client { algorithms: Some(algorithms), .. } => {
            serde_json::to_string(algorithms.raw())
        }
        _ => return None,
    };
    json.ok().map(Cell::Text)
}
