//! How an answer is written by a server that is neither nginx nor Apache httpd ([`Style`]), and what that server says itself.

use kizashi_event::{Request, Timestamp};

use super::answer::{Answer, Content, Manner};
use super::date::http_date;
use super::grammar::Version;
use super::persona::{Note, Persona};
use super::rules::{RuleAnswer, escape};
use super::server::{self, Connecting, Own, Style};

/// What the server says where its application has no page.
pub(super) fn to(request: &Request, target: &[u8]) -> Answer {
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let note = Note::Target(String::from_utf8_lossy(&escape(path)).into_owned());
    match request.method.raw() {
        "TRACE" | "CONNECT" => Answer::error(405, note, false),
        _ => Answer::error(404, note, false),
    }
}

/// The bytes of the answer.
pub(super) fn write(
    answer: &Answer,
    style: &Style,
    persona: &Persona,
    manner: &Manner,
    now: Timestamp,
) -> Vec<u8> {
    let (lines, body) = match &answer.content {
        Content::Rule(rule) if rule.is_stream() => stream(rule, style, persona),
        _ => lines_and_body(answer, style, persona, manner, now),
    };
    let mut bytes = Vec::with_capacity(body.len() + 512);
    if manner.version > Version::OLD {
        bytes.extend_from_slice(lines.join("\r\n").as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
    }
    if !manner.head_only {
        bytes.extend_from_slice(&body);
    }
    bytes
}

/// The head before an application's own stream, which the server does not write: neither date nor length.
fn stream(rule: &RuleAnswer, style: &Style, persona: &Persona) -> (Vec<String>, Vec<u8>) {
    let reason = if rule.status == 101 { "UPGRADED" } else { style.reason(rule.status) };
    let mut lines =
        vec![format!("HTTP/1.1 {} {reason}", rule.status), format!("Content-Type: {}", rule.kind)];
    let said = rule.fields.iter().filter(|(name, _)| !name.starts_with('-'));
    let (of_stream, mut others): (Vec<_>, Vec<_>) = said
        .map(|(name, value)| format!("{name}: {value}"))
        .partition(|line| line.starts_with("Connection:") || line.starts_with("Upgrade:"));
    others.extend((!persona.server.is_empty()).then(|| format!("Server: {}", persona.server)));
    others.sort();
    lines.extend(of_stream);
    lines.extend(others);
    (lines, rule.body.clone())
}

/// The lines of the head, the first with the status, and the body.
pub(super) fn lines_and_body(
    answer: &Answer,
    style: &Style,
    persona: &Persona,
    manner: &Manner,
    now: Timestamp,
) -> (Vec<String>, Vec<u8>) {
    let page;
    let (kind, fields, body): (&str, Vec<(String, String)>, &[u8]) = match &answer.content {
        Content::Page(file, first, end) => {
            (file.kind, file_fields(style, persona, file.bytes.len()), &file.bytes[*first..*end])
        }
        Content::NotModified(file) => ("", file_fields(style, persona, file.bytes.len()), b""),
        Content::Rule(rule) => (&rule.kind, rule.fields.clone(), &rule.body),
        Content::Empty { .. } => ("", Vec::new(), b""),
        Content::Error(note) => {
            let (fault, path) = match note {
                Note::Fault(fault) => (Some(*fault), ""),
                Note::Target(target) | Note::Method(target) => (None, target.as_str()),
                Note::Plain | Note::Expectation(_) => (None, ""),
            };
            let product = persona.product();
            let (kind, fields, text) = server::error(style, answer.status, fault, path, &product);
            page = text;
            (kind, fields, page.as_bytes())
        }
    };
    let old = manner.version < Version::ONE_ONE;
    let connection = match (answer.closes(manner), manner.keep_alive_named) {
        // To a client of HTTP/1.0 that asked for nothing, its end needs no word.
        (true, false) if old && !style.says_close_always => Connecting::Unsaid,
        (true, _) => Connecting::Closes,
        (false, true) if old => Connecting::KeptAsAsked,
        (false, _) => Connecting::Kept,
    };
    let own = Own {
        server: &persona.server,
        date: http_date(now),
        kind,
        length: (!matches!(answer.status, 204 | 304)).then_some(body.len()),
        connection,
        is_old: old,
    };
    (style.head(answer.status, &fields, &own), body.to_vec())
}

/// What each server says of a file.
fn file_fields(style: &Style, persona: &Persona, length: usize) -> Vec<(String, String)> {
    let field = |name: &str, value: String| (name.to_owned(), value);
    let ranges = field("Accept-Ranges", "bytes".to_owned());
    let tag = field("ETag", persona.etag(length));
    let modified = field("Last-Modified", http_date(persona.modified));
    match style.name {
        "tomcat" => vec![ranges, tag, modified],
        "jetty" => vec![modified, ranges],
        "nginx" => vec![
            modified,
            field("ETag", format!("\"{:x}-{length:x}\"", persona.modified.seconds())),
            ranges,
        ],
        "uc-httpd" | "node" => Vec::new(),
        "iis" | "appliance" => vec![modified, ranges],
        _ => vec![modified],
    }
}
