//! Bytes and details as lines of a transcript, and lines back to bytes.

use std::fmt::Write as _;

use kizashi_event::{Detail, FrameKind, HostileText, Payload};

use crate::Seen;

/// Content longer than this is shown by its beginning; its hash stands for the rest.
const SHOWN: usize = 96;

/// Printable ASCII as it is, the rest as `\r`, `\n`, `\t`, `\\`, `\xNN`.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => write!(text, "\\x{other:02x}").unwrap(),
        }
    }
    text
}

/// The bytes of an escaped line. `\*COUNT*TEXT*` stands for a text repeated.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&kind, after) = rest.split_first().expect("something after a backslash");
        rest = after;
        match kind {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'0' => bytes.push(0),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).expect("two hexadecimal digits"));
                rest = &rest[2..];
            }
            b'*' => {
                let mut parts = rest.splitn(3, |byte| *byte == b'*');
                let count = std::str::from_utf8(parts.next().unwrap()).unwrap();
                let repeated = parts.next().expect("a text to repeat");
                bytes.extend(repeated.repeat(count.parse().expect("a count")));
                rest = parts.next().expect("a closing star");
            }
            other => panic!("\\{} in a transcript", char::from(other)),
        }
    }
    bytes
}

/// A detail as lines: the first begins with service and action.
pub(super) fn lines(seen: &Seen) -> Vec<String> {
    let head = format!("{} {}", seen.service, seen.detail.action());
    match &seen.detail {
        Detail::Request { request, body } => {
            let status = request.status.map_or_else(|| "unanswered".to_owned(), |s| s.to_string());
            let malformed = if request.malformed { " malformed" } else { "" };
            let words = [&request.method, &request.target, &request.version].map(quoted).join(" ");
            let mut lines = vec![format!("{head} {words} {status}{malformed}")];
            for (name, value) in &request.headers {
                lines.push(format!("  {}: {}", name.shown(), short(&value.shown())));
            }
            lines.extend(request.http2.as_ref().map(|text| format!("  http2 {}", text.shown())));
            lines.extend(body.as_deref().map(|body| format!("  body {}", payload(body))));
            let rule =
                request.rule.as_ref().map_or_else(String::new, |rule| format!(" {}", rule.shown()));
            lines.extend(
                request.class.as_ref().map(|class| format!("  class {}{rule}", class.shown())),
            );
            lines
        }
        Detail::Payload(content) => vec![format!("{head} {}", payload(content))],
        Detail::Client { version, fingerprint, algorithms } => {
            let lists = algorithms.as_ref().map(|lists| format!("  algorithms {}", quoted(lists)));
            let first = format!("{head} {} {}", optional(version), optional(fingerprint));
            std::iter::once(first).chain(lists).collect()
        }
        Detail::Login { username, password, public_key, accepted } => {
            let fields = [username, password, public_key].map(optional).join(" ");
            vec![format!("{head} {fields} accepted={accepted}")]
        }
        Detail::Command { line, known } => vec![format!("{head} {} {known:?}", quoted(line))],
        Detail::Forward { host, port, data } => {
            vec![format!("{head} {} {port} {}", quoted(host), optional(data))]
        }
        Detail::Recording { part, content } => {
            let mut lines = vec![format!("{head} part {part}")];
            let kinds = |kind| match kind {
                FrameKind::Output => "o",
                FrameKind::Input => "i",
                FrameKind::Size => "r",
            };
            lines.extend(kizashi_event::frames(&content.content).iter().map(|frame| {
                format!("    {} \"{}\"", kinds(frame.kind), short(&escape(&frame.bytes)))
            }));
            lines
        }
        Detail::Note { name, value } => vec![format!("{head} {} {}", quoted(name), quoted(value))],
        Detail::Packet
        | Detail::Attempt(_)
        | Detail::Scan(_)
        | Detail::Backscatter(_)
        | Detail::Connect
        | Detail::Close { .. }
        | Detail::Counted { .. } => {
            vec![head]
        }
    }
}

fn payload(payload: &Payload) -> String {
    let shown = escape(&payload.content[..payload.content.len().min(SHOWN)]);
    let more = if payload.content.len() > SHOWN { "…" } else { "" };
    let name = payload.name.as_ref().map_or_else(String::new, |name| format!(" {}", quoted(name)));
    let size = payload.size.unwrap_or(0);
    format!("{:?} {size} bytes{name} sha256 {} \"{shown}\"{more}", payload.origin, payload.sha256)
}

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(2 * SHOWN).collect();
    if shown.len() < text.len() {
        write!(shown, "… ({} bytes)", text.len()).unwrap();
    }
    shown
}

fn quoted(text: &HostileText) -> String {
    format!("\"{}\"", short(&text.shown()))
}

fn optional(text: &Option<HostileText>) -> String {
    text.as_ref().map_or_else(|| "-".to_owned(), quoted)
}

#[test]
fn what_is_escaped_is_read_back() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(unescape(&escape(&all)), all);
    assert_eq!(unescape("a\\*3*bc*d\\0"), b"abcbcbcd\0");
}
