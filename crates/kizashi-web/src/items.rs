//! One thing that is counted, whatever it is, with all that is known of it (`/api/v1/key`), rankings by the page (`/api/v1/ranking`)
//! and captured content by what can be said of it without opening it (`/api/v1/captured`).

use std::sync::Arc;

use axum::extract::State;
use kizashi_event::{KeyKind, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answers::maybe_moment;
use crate::error::{ApiError, Json};
use crate::query::{MOST_ROWS, Read, parameters};
use crate::server::App;
use crate::{FeedItem, SessionRow, TopRow};

/// The last place of a ranking that is given.
const MOST_PLACES: usize = 5_000;
/// Captured contents in a list at most.
const MOST_CAPTURED: usize = 500;

/// All that is known of one key.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ItemPage {
    /// The key, in the form that the API takes.
    pub key: String,
    /// Its kind.
    #[schema(value_type = String)]
    pub kind: KeyKind,
    /// Its text, raw.
    pub text: String,
    /// What people know it as, escaped where attackers chose it.
    pub label: String,
    /// Its totals; nothing where it never came.
    pub totals: Option<TopRow>,
    /// Of a visitor where he is.
    pub place: Option<Place>,
    /// Of captured content what can be said of it.
    pub captured: Option<Captured>,
    /// Public lists that it stands on, such as `mirai`.
    pub lists: Vec<String>,
    /// Visitors who lately came with it, the latest first.
    pub sources: Vec<TopRow>,
    /// What else the latest events with it did, by kind, most frequent first.
    pub beside: Vec<Beside>,
    /// The latest events with it.
    pub events: Vec<FeedItem>,
    /// Sessions of these that are worth seeing again.
    pub sessions: Vec<SessionRow>,
    /// Signs that it is part of, in the JSON form of the contract.
    #[schema(value_type = Vec<Object>)]
    pub signs: Vec<Value>,
}

/// Where a visitor is, as far as tables know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// The country's two letters.
    pub country: Option<String>,
    /// Its name.
    pub country_name: Option<String>,
    /// The network, in the form of a key's text.
    pub network: String,
    /// Who runs the network, where known.
    pub network_name: Option<String>,
    /// Whose scanner it is known as.
    pub scanner: Option<String>,
}

/// Keys of one kind that came beside another, with how many of the latest events carried them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Beside {
    /// The kind.
    #[schema(value_type = String)]
    pub kind: KeyKind,
    /// Raw texts with counts.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub rows: Vec<(String, u64)>,
}

/// What can be said of captured content without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Captured {
    /// Its SHA-256.
    pub sha256: String,
    /// Bytes received.
    pub size: u64,
    /// What its first bytes look like: `ELF, 32-bit, MIPS`.
    pub looks_like: String,
    /// Its first bytes in hexadecimal, at most 64.
    pub head: String,
    /// Whether the content is kept.
    pub kept: bool,
    /// Events that carried it.
    pub events: u64,
    /// When it first came.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub first: Option<Timestamp>,
    /// When it last came.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub last: Option<Timestamp>,
}

/// What content is by its first bytes. Words for people who know; nothing is opened.
#[must_use]
pub fn looks_like(head: &[u8]) -> &'static str {
    const BEGINNINGS: [(&[u8], &str); 14] = [
        (b"\x7fELF", "ELF program"),
        (b"MZ", "Windows program (PE)"),
        (b"\xca\xfe\xba\xbe", "Java class or Mach-O"),
        (b"\xcf\xfa\xed\xfe", "Mach-O program"),
        (b"dex\n", "Android program (DEX)"),
        (b"#!", "script"),
        (b"<?php", "PHP"),
        (b"\x1f\x8b", "gzip"),
        (b"PK\x03\x04", "zip, or what is built on it (JAR, APK, Office)"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh", "bzip2"),
        (b"7z\xbc\xaf", "7-Zip"),
        (b"%PDF", "PDF"),
        (b"\x89PNG", "PNG"),
    ];
    if head.starts_with(b"\x7fELF") {
        return elf(head);
    }
    if let Some((_, name)) = BEGINNINGS.iter().find(|(bytes, _)| head.starts_with(bytes)) {
        return name;
    }
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n') || *byte >= 0x80;
    if head.is_empty() {
        "nothing"
    } else if head.iter().all(is_text) {
        "text"
    } else {
        "bytes"
    }
}

/// `e_machine` of the ELF header (System V ABI, gABI 4.1), by the byte order that the header names.
fn elf(head: &[u8]) -> &'static str {
    let Some(&[low, high]) = head.get(18..20) else { return "ELF program" };
    let machine = match head.get(5) {
        Some(2) => u16::from_be_bytes([low, high]),
        _ => u16::from_le_bytes([low, high]),
    };
    match (machine, head.get(5)) {
        (3, _) => "ELF program for x86",
        (62, _) => "ELF program for x86-64",
        (40, _) => "ELF program for ARM",
        (183, _) => "ELF program for ARM64",
        (8, Some(2)) => "ELF program for MIPS",
        (8, _) => "ELF program for MIPS (little-endian)",
        (20, _) => "ELF program for PowerPC",
        (42, _) => "ELF program for SuperH",
        (4, _) => "ELF program for m68k",
        (2, _) => "ELF program for SPARC",
        (243, _) => "ELF program for RISC-V",
        (93, _) => "ELF program for ARC",
        _ => "ELF program",
    }
}

/// A row of a captured content.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct CapturedList {
    captured: Vec<Captured>,
}

/// `GET /api/v1/key?key=`.
#[utoipa::path(get, path = "/api/v1/key", tag = "counts", summary = "All that is known of one thing that is counted",
    params(("key" = String, Query, description = "A port as it is, any other kind with its name in front", example = "user:root")),
    responses((status = 200, description = "Totals, visitors, events, sessions, signs; its series is at /api/v1/series", body = ItemPage, example = json!({
        "key": "user:root", "kind": "user", "text": "root", "label": "root", "totals": null, "place": null, "captured": null, "lists": [],
        "sources": [], "beside": [{"kind": "password", "rows": [["123456", 12]]}], "events": [], "sessions": [], "signs": []})),
        (status = 400, description = "There can be no such key")))]
pub(crate) async fn key(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<ItemPage>, ApiError> {
    let key = parameters(read)?.key()?;
    app.ask(move |observatory| observatory.item(&key)).await.map(Json)
}

/// `GET /api/v1/ranking?kind=&of=&since=&until=&offset=&limit=`.
#[utoipa::path(get, path = "/api/v1/ranking", tag = "counts", summary = "What came most, a page at a time",
    params(("kind" = Option<String>, Query, description = "As of /api/v1/top", example = "users"),
        ("of" = Option<String>, Query, description = "Of fingerprints which: os, scanner, ja4, hassh …; without paging"),
        ("since" = Option<String>, Query, description = "From this moment on (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Before this moment"),
        ("offset" = Option<u32>, Query, description = "Places left out at the beginning"),
        ("limit" = Option<u32>, Query, description = "Rows at most, 1 to 1,000")),
    responses((status = 200, description = "A page, and whether there are more", body = Object, example = json!({
        "rows": [{"kind": "user", "key": "root", "label": "root", "events": 812, "sessions": 0, "sources": 17,
            "first": "2026-11-01T00:00:00Z", "last": "2026-11-20T15:19:58Z"}], "more": false}))))]
pub(crate) async fn ranking(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<Value>, ApiError> {
    let asked = parameters(read)?;
    let (kind, span, limit) = (asked.kind()?, asked.span()?, asked.limit(50, MOST_ROWS)?);
    let (of, offset) = (asked.of()?, asked.offset(MOST_PLACES)?);
    let mut rows = app
        .ask(move |observatory| {
            observatory.ranking(kind, of.as_deref(), span, offset, limit.saturating_add(1))
        })
        .await?;
    let more = rows.len() > limit && offset.saturating_add(limit) < MOST_PLACES;
    rows.truncate(limit);
    Ok(Json(json!({ "rows": rows, "more": more })))
}

/// How much of a public list of names and passwords was tried here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct KnownList {
    /// Its name: `mirai`.
    pub name: String,
    /// Pairs on it.
    pub pairs: u64,
    /// Pairs of it that were tried.
    pub tried: u64,
    /// Events with them.
    pub events: u64,
    /// When one of them was last tried.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub last: Option<Timestamp>,
}

/// Lists.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form of an answer, for its description alone")]
pub(crate) struct Lists {
    lists: Vec<KnownList>,
}

/// `GET /api/v1/lists`.
#[utoipa::path(get, path = "/api/v1/lists", tag = "counts", summary = "Public lists of names and passwords, and how much of them was tried",
    responses((status = 200, description = "Lists", body = Lists, example = json!({"lists": [{
        "name": "mirai", "pairs": 60, "tried": 41, "events": 900, "last": null}]}))))]
pub(crate) async fn lists(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    let lists = app.ask(|observatory| observatory.lists()).await?;
    Ok(Json(json!({ "lists": lists })))
}

/// `GET /api/v1/captured?limit=`.
#[utoipa::path(get, path = "/api/v1/captured", tag = "visitors", summary = "Captured content, by what can be said of it without opening it",
    params(("limit" = Option<u32>, Query, description = "Rows at most, 1 to 500")),
    responses((status = 200, description = "A list, the latest kept first", body = CapturedList, example = json!({"captured": [{
        "sha256": "00ff", "size": 12_044, "looks_like": "ELF program for MIPS", "head": "7f454c46", "kept": true, "events": 3,
        "first": null, "last": null}]}))))]
pub(crate) async fn captured(
    State(app): State<Arc<App>>,
    read: Read,
) -> Result<Json<Value>, ApiError> {
    let limit = parameters(read)?.limit(50, MOST_CAPTURED)?;
    let captured = app.ask(move |observatory| observatory.captured(limit)).await?;
    Ok(Json(json!({ "captured": captured })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_called_what_its_first_bytes_say() {
        let elf = |order: u8, machine: [u8; 2]| {
            let mut head = vec![0x7f, b'E', b'L', b'F', 1, order];
            head.resize(18, 0);
            head.extend(machine);
            looks_like(&head)
        };
        assert_eq!(elf(1, [8, 0]), "ELF program for MIPS (little-endian)");
        assert_eq!(elf(2, [0, 8]), "ELF program for MIPS");
        assert_eq!(elf(1, [62, 0]), "ELF program for x86-64");
        assert_eq!(looks_like(b"\x7fELF"), "ELF program");
        assert_eq!(looks_like(b"#!/bin/sh\n"), "script");
        assert_eq!(looks_like(b"MZ\x90"), "Windows program (PE)");
        assert_eq!(looks_like("root パスワード\r\n".as_bytes()), "text");
        assert_eq!((looks_like(b"\0\x01"), looks_like(b"")), ("bytes", "nothing"));
    }
}
