//! How an answer is written by a server that is neither nginx nor Apache httpd ([`Style`]), and what that server says itself.

use kizashi_event::{Request, Timestamp};

use super::answer::{Answer, Content, Manner};
use super::date::http_date;
use super::grammar::Application::{Go, Jetty, Other, Tomcat, Uvicorn};
use super::grammar::{Fault, Grammar, Version};
use super::path::{decode, has_whole_escapes, normalise};
use super::persona::{Note, Persona};
use super::rules::{RuleAnswer, escape_text};
use super::server::{self, Connecting, Own, Refused, Style};
use super::sites::{Router, SiteRequest};

/// What the server says where its application has no page. `methods` are those by which there is one here.
pub(super) fn to(request: &Request, target: &[u8], persona: &Persona, methods: &[&str]) -> Answer {
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let method = request.method.raw();
    let error = |status, closes| {
        let note = Note::Asked(escape_text(method.as_bytes()), escape_text(path));
        Answer::error(status, note, closes)
    };
    let router = persona.site.and_then(|site| site.router);
    match (persona.grammar, method) {
        (Grammar::Application(Tomcat | Jetty | Go), _) if refuses_path(persona.grammar, path) => {
            Answer::fault(Fault::BadRequest, persona.grammar)
        }
        (Grammar::Application(Tomcat), "TRACE" | "PUT" | "DELETE") => error(405, false),
        (Grammar::Application(Tomcat), "OPTIONS") if path == b"*" => {
            empty(200, "Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
        }
        (Grammar::Application(Tomcat), "OPTIONS") => {
            empty(200, "Allow", "OPTIONS, GET, HEAD, POST")
        }
        (Grammar::Application(Tomcat), method) if !is_known(method) => error(501, true),
        (Grammar::Application(Jetty), "OPTIONS") => empty(200, "Allow", "GET,HEAD,POST,OPTIONS"),
        (Grammar::Application(Jetty), "TRACE") => empty(403, "", ""),
        (Grammar::Application(Jetty), "PUT" | "DELETE") => empty(405, "", ""),
        (Grammar::Application(Jetty), method) if !is_known(method) => empty(501, "", ""),
        // Its place among the fields is that of the handler which said it.
        (Grammar::Application(Go), "OPTIONS") if path == b"*" => empty(200, "Content-Length", ""),
        (Grammar::Application(Go), _) => match router {
            Some(router) => {
                routed(router, method, path, methods).unwrap_or_else(|| error(404, false))
            }
            None if matches!(method, "TRACE" | "CONNECT") => error(405, false),
            None => error(404, false),
        },
        (Grammar::Application(Uvicorn), _) if !methods.is_empty() => {
            let allow = [("allow".to_owned(), methods.join(", "))].to_vec();
            let body = b"{\"detail\":\"Method Not Allowed\"}".to_vec();
            let kind = "application/json".to_owned();
            Answer::of_rule(RuleAnswer { status: 405, kind, fields: allow, body })
        }
        (Grammar::Application(Other) | Grammar::Nginx | Grammar::Netty, "TRACE" | "CONNECT") => {
            error(405, false)
        }
        _ => error(404, false),
    }
}

/// Whether the server itself has a word on this request, whatever its application says of a page that is not there.
pub(super) fn claims(grammar: Grammar, router: Option<Router>, request: &SiteRequest<'_>) -> bool {
    let path = request.target.split(|byte| *byte == b'?').next().unwrap_or_default();
    match grammar {
        Grammar::Application(Tomcat | Jetty) => refuses_path(grammar, path),
        Grammar::Application(Go) => {
            (request.method == "OPTIONS" && path == b"*")
                || refuses_path(grammar, path)
                || (router.is_some() && cleaned(path).is_some())
        }
        _ => false,
    }
}

/// What routers of Go's do before a handler is asked.
fn routed(router: Router, method: &str, path: &[u8], methods: &[&str]) -> Option<Answer> {
    let location = cleaned(path).map(|path| escape_text(&path));
    match (router, location) {
        (Router::Gorilla, Some(path)) => Some(empty(301, "Location", &path)),
        (Router::Httprouter, Some(path)) => Some(Answer::of_rule(RuleAnswer {
            status: 301,
            kind: "text/html; charset=utf-8".to_owned(),
            body: format!("<a href=\"{path}\">Moved Permanently</a>.\n\n").into_bytes(),
            fields: [("Location".to_owned(), path)].to_vec(),
        })),
        (Router::Gorilla, None) => None,
        (Router::Httprouter, None) if methods.is_empty() => None,
        (Router::Httprouter, None) => {
            let mut methods = [methods, &["OPTIONS"]].concat();
            methods.sort_unstable();
            let allow = methods.join(", ");
            if method == "OPTIONS" {
                return Some(empty(200, "Allow", &allow));
            }
            let fields = [("Allow", allow.as_str()), ("X-Content-Type-Options", "nosniff")];
            Some(Answer::of_rule(RuleAnswer {
                status: 405,
                kind: "text/plain; charset=utf-8".to_owned(),
                fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
                body: b"Method Not Allowed\n".to_vec(),
            }))
        }
    }
}

/// Where a path leads once it is clean (Go's `path.Clean`), if it is not.
fn cleaned(path: &[u8]) -> Option<Vec<u8>> {
    let decoded = decode(path);
    if !decoded.starts_with(b"/") {
        return None;
    }
    let mut clean: Vec<&[u8]> = Vec::new();
    for piece in decoded.split(|byte| *byte == b'/') {
        match piece {
            b"" | b"." => {}
            b".." => drop(clean.pop()),
            piece => clean.push(piece),
        }
    }
    let mut path = [b"/", clean.join(&b'/').as_slice()].concat();
    if decoded.ends_with(b"/") && path.len() > 1 {
        path.push(b'/');
    }
    (path != decoded).then_some(path)
}

/// Paths that no page can have: broken escapes, NUL, above the root, and for Tomcat a slash that is escaped. Parameters of a segment
/// (`/..;/`) are none of its name.
fn refuses_path(grammar: Grammar, path: &[u8]) -> bool {
    if grammar == Grammar::Application(Go) {
        // `net/url` wants whole escapes and resolves nothing.
        return !has_whole_escapes(path);
    }
    let lower = path.to_ascii_lowercase();
    let holds = |what: &[u8]| lower.windows(what.len()).any(|window| window == what);
    let tomcat = grammar == Grammar::Application(Tomcat);
    if holds(b"%00") || (tomcat && (holds(b"%2f") || holds(b"%5c"))) {
        return true;
    }
    let plain: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .map(|piece| piece.split(|byte| *byte == b';').next().unwrap_or_default())
        .collect();
    normalise(grammar, &plain.join(&b'/')).is_none()
}

fn empty(status: u16, name: &str, value: &str) -> Answer {
    let mut fields = match name {
        "" => Vec::new(),
        name => [(name.to_owned(), value.to_owned())].to_vec(),
    };
    if name == "Location" || name == "Content-Length" {
        // Said before the application, which alone knows its name (Go).
        fields.push(("-Server".to_owned(), String::new()));
    }
    Answer::of_rule(RuleAnswer { status, kind: String::new(), fields, body: Vec::new() })
}

fn is_known(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
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
    let is_websocket = rule.fields.iter().any(|(name, _)| name == "Sec-WebSocket-Accept");
    let reason = match rule.status {
        101 if is_websocket => "Switching Protocols",
        101 => "UPGRADED",
        status => style.reason(status),
    };
    let mut lines = vec![format!("HTTP/1.1 {} {reason}", rule.status)];
    lines.extend((!rule.kind.is_empty()).then(|| format!("Content-Type: {}", rule.kind)));
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
    let tomcat = persona.grammar == Grammar::Application(Tomcat);
    let mut reason = None;
    let (kind, fields, body): (&str, Vec<(String, String)>, &[u8]) = match &answer.content {
        Content::Page(file, first, end) => {
            (file.kind, file_fields(style, persona, file.bytes.len()), &file.bytes[*first..*end])
        }
        Content::NotModified(file) => ("", file_fields(style, persona, file.bytes.len()), b""),
        Content::Rule(rule) => (&rule.kind, rule.fields.clone(), &rule.body),
        Content::Empty { .. } => ("", Vec::new(), b""),
        Content::Error(note) => {
            let refused = match note {
                Note::Fault(fault) => Refused { fault: Some(*fault), ..Refused::default() },
                Note::Asked(method, path) => Refused { fault: None, method, path },
                Note::Plain | Note::Method(_) | Note::Expectation(_) => Refused::default(),
            };
            reason = refused.fault.and_then(|fault| server::reason_of(style, fault));
            let product = persona.product();
            let (kind, fields, text) = server::error(style, answer.status, refused, &product);
            page = text;
            let mut fields = fields;
            if tomcat && manner.head_only {
                // The report is written to nobody, and its length is never known.
                fields.push(("-Content-Length".to_owned(), String::new()));
                fields.push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
            }
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
        reason,
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
