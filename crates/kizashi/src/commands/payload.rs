//! `kizashi payload`: what visitors left, listed by hash, and the only way to its content: a zip under the field's password.

use std::path::PathBuf;

use kizashi_event::PayloadHash;
use kizashi_store::{Reader, StoredPayload};
use serde::Serialize;

use crate::cli;
use crate::failure::Failure;
use crate::new_file;
use crate::sample_zip::{PASSWORD, pack};
use crate::screen::{Cell, Column, Table};
use crate::terminal::Terminal;

/// Bytes of the beginning that the table shows.
const SHOWN: usize = 12;

/// A row as machines get it.
#[derive(Serialize)]
struct Row {
    sha256: String,
    size: u64,
    head_hex: String,
    content: &'static str,
    events: u64,
    first: Option<String>,
    last: Option<String>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const fn content(payload: &StoredPayload) -> &'static str {
    if payload.has_content { "kept" } else { "let go" }
}

/// Prints what is known of captured payloads, the latest kept first.
pub(crate) fn list(call: &cli::PayloadList, terminal: &mut Terminal) -> Result<(), Failure> {
    let payloads = Reader::open(&call.data.data)?.payloads(call.limit)?;
    if call.json {
        return payloads.iter().try_for_each(|payload| {
            terminal.json(&Row {
                sha256: payload.sha256.to_string(),
                size: payload.size,
                head_hex: hex(&payload.head),
                content: content(payload),
                events: payload.events,
                first: payload.first.map(|time| time.rfc3339()),
                last: payload.last.map(|time| time.rfc3339()),
            })
        });
    }
    let mut table = Table::new(&[
        Column::text("sha256"),
        Column::text("begins (hex)"),
        Column::text("content"),
        Column::number("bytes"),
        Column::number("events"),
        Column::text("last"),
    ]);
    for payload in &payloads {
        table.row([
            Cell::text(&payload.sha256.to_string()),
            Cell::text(&hex(payload.head.get(..SHOWN).unwrap_or(&payload.head))),
            Cell::text(content(payload)),
            Cell::number(payload.size),
            Cell::number(payload.events),
            Cell::text(&payload.last.map(|time| terminal.minute(time)).unwrap_or_default()),
        ]);
    }
    terminal.table(&table, "no payload was captured yet")
}

/// Writes one payload into a zip of its own, readable by the caller alone; nothing that exists is written over.
pub(crate) fn export(call: &cli::PayloadExport, terminal: &mut Terminal) -> Result<(), Failure> {
    let hash = PayloadHash::parse(&call.sha256).ok_or_else(|| {
        Failure::Asked(
            "a payload is named by its SHA-256, 64 hexadecimal digits; `kizashi payload list` prints them".to_owned(),
        )
    })?;
    let content = match Reader::open(&call.data.data)?.payload_content(hash)? {
        Some(Some(content)) => content,
        Some(None) => {
            return Err(Failure::Asked(format!(
                "the content of {hash} is not kept: it was let go to stay within the quota (raise payload_megabytes under [retention] to keep more), or came when there was no room to take it"
            )));
        }
        None => {
            return Err(Failure::Asked(format!(
                "no payload {hash} was captured here; `kizashi payload list` prints those that were"
            )));
        }
    };
    let zip = pack(&hash.to_string(), &content, &hash.0)?;
    let path = call.output.clone().unwrap_or_else(|| PathBuf::from(format!("{hash}.zip")));
    new_file::write(&path, &zip, "choose another with --output")?;
    terminal.line(&format!(
        "{}: {} bytes of what an attacker sent, password \"{PASSWORD}\"; open it only where it can do no harm",
        crate::screen::harmless(&path.display().to_string()),
        content.len()
    ))
}
