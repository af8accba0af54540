//! Which answer a request gets from a fresh installation of the server, and how that server writes it: the order of its header
//! fields is what scanners recognise it by.

use std::borrow::Cow;

use kizashi_event::{Request, Timestamp};

use super::body::BodyReader;
use super::date::http_date;
use super::grammar::{Application, Fault, Framing, Grammar, Version, is_host, values};
use super::path::normalise;
use super::persona::{Note, Persona, status_of};
use super::rules::RuleAnswer;
use super::wire::Head;

/// An answer before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) content: Content,
    close: bool,
    allow: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A file from the first of these bytes to the second.
    Page(File, usize, usize),
    NotModified(File),
    Error(Note),
    Empty {
        typed: bool,
    },
    /// What a rule says; the fields around it stay the server's.
    Rule(RuleAnswer),
}

/// A file as it lies on the server's disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) kind: &'static str,
    pub(super) bytes: &'static [u8],
}

/// How the request was put, as far as the writing of the answer depends on it.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(super) version: Version,
    pub(super) head_only: bool,
    /// The visitor asked in so many words to keep the connection.
    pub(super) keep_alive_named: bool,
    /// He named a protocol to go on with.
    pub(super) upgrade_named: bool,
    /// The connection can be kept.
    pub(super) keep: bool,
    /// Requests answered before on this connection.
    pub(super) served: u32,
    pub(super) place: Place,
}

/// Host and port as the visitor named them.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    /// The address that Debian gives a machine's own name, where the visitor named none.
    fn unknown(port: u16) -> Self {
        Self { host: "127.0.1.1".to_owned(), port }
    }

    pub(super) fn of(request: &Request, target: &[u8], port: u16) -> Self {
        let named = values(&request.headers, ":authority")
            .chain(values(&request.headers, "host"))
            .find(|host| !host.is_empty());
        let Some(host) = authority(request, target).or(named) else {
            return Self::unknown(port);
        };
        let (name, number) = match host.rsplit_once(':') {
            Some((name, number)) if !name.ends_with(':') => (name, number.parse().ok()),
            _ => (host, None),
        };
        Self { host: name.to_ascii_lowercase(), port: number.unwrap_or(port) }
    }
}

impl Manner {
    /// For what was refused before it was understood.
    pub(super) fn unknown(port: u16, served: u32) -> Self {
        Self {
            version: Version::ONE_ONE,
            head_only: false,
            keep_alive_named: false,
            upgrade_named: false,
            keep: false,
            served,
            place: Place::unknown(port),
        }
    }

    pub(super) fn of(head: &Head, persona: &Persona, port: u16, served: u32) -> Self {
        let headers = &head.request.headers;
        let named = |token: &str| {
            values(headers, "connection")
                .flat_map(|value| value.split(','))
                .any(|word| word.trim().eq_ignore_ascii_case(token))
        };
        let trusting = [Application::Go, Application::Uvicorn].map(Grammar::Application);
        // uvicorn knows nothing of keeping a connection before HTTP/1.1.
        let keep_alive_named = named("keep-alive")
            && (head.version >= Version::ONE_ONE || persona.grammar != trusting[1]);
        let wished =
            if head.version >= Version::ONE_ONE { !named("close") } else { keep_alive_named };
        let smuggled = head.framing == Framing::Chunked
            && !trusting.contains(&persona.grammar)
            && (head.version < Version::ONE_ONE
                || values(headers, "content-length").next().is_some());
        let keep =
            wished && !smuggled && head.version > Version::OLD && served + 1 < persona.requests_max;
        let head_only = head.request.method.raw() == "HEAD";
        Self {
            version: head.version,
            head_only,
            keep_alive_named,
            upgrade_named: values(headers, "upgrade").any(|value| !value.is_empty()),
            keep,
            served,
            place: Place::of(&head.request, &head.target, port),
        }
    }
}

impl Manner {
    /// Over HTTP/2, where nothing but the method and the place matters.
    pub(crate) fn of_http2(request: &Request, target: &[u8], port: u16) -> Self {
        Self {
            version: Version::ONE_ONE,
            head_only: request.method.raw() == "HEAD",
            keep_alive_named: false,
            upgrade_named: false,
            keep: true,
            served: 0,
            place: Place::of(request, target, port),
        }
    }
}

impl Answer {
    /// The page for a request that is refused by its form.
    pub(crate) const fn refusal(status: u16) -> Self {
        Self::error(status, Note::Plain, true)
    }

    pub(super) const fn error(status: u16, note: Note, close: bool) -> Self {
        Self { status, content: Content::Error(note), close, allow: None }
    }

    pub(super) const fn fault(fault: Fault, grammar: Grammar) -> Self {
        Self::error(status_of(fault, grammar), Note::Fault(fault), true)
    }

    /// The connection goes on in another protocol, with these fields to say so.
    pub(super) fn switching(fields: Vec<(String, String)>, more: Vec<(String, String)>) -> Self {
        let fields = [more, fields].concat();
        let answer = RuleAnswer { status: 101, kind: String::new(), fields, body: Vec::new() };
        Self { status: 101, content: Content::Rule(answer), close: false, allow: None }
    }

    /// The answer to a request whose body broke its framing: nginx's pages ask for no body and are answered first.
    pub(super) fn broken(head: &Head, body: &BodyReader, persona: &Persona) -> Self {
        match persona.grammar {
            // Their pages ask for no body either, and it is passed over afterwards.
            Grammar::Nginx
            | Grammar::Application(Application::Tomcat | Application::Jetty | Application::Go) => {
                Self { close: true, ..Self::to(&head.request, &head.target, persona) }
            }
            Grammar::Apache if body.is_boundless() => {
                Self::fault(Fault::BodyTooLarge, persona.grammar)
            }
            Grammar::Apache | Grammar::Netty | Grammar::Application(_) => {
                Self::fault(Fault::BadRequest, persona.grammar)
            }
        }
    }

    /// The answer of a rule.
    pub(crate) fn of_rule(answer: RuleAnswer) -> Self {
        let close = answer.is_stream();
        Self { status: answer.status, content: Content::Rule(answer), close, allow: None }
    }

    /// Whether the connection is the application's own from here on.
    pub(super) fn is_stream(&self) -> bool {
        matches!(&self.content, Content::Rule(rule) if rule.is_stream())
    }

    /// Whether the connection ends with it.
    pub(super) const fn closes(&self, manner: &Manner) -> bool {
        self.close || !manner.keep
    }

    /// What the server would say to this request.
    pub(super) fn to(request: &Request, target: &[u8], persona: &Persona) -> Self {
        match persona.grammar {
            _ if persona.style.is_some() => super::styled::to(request, target, persona, &[]),
            Grammar::Nginx | Grammar::Netty | Grammar::Application(_) => {
                Self::of_nginx(request, target, persona)
            }
            Grammar::Apache => Self::of_apache(request, target, persona),
        }
    }

    fn of_nginx(request: &Request, target: &[u8], persona: &Persona) -> Self {
        let method = request.method.raw();
        if method == "TRACE" {
            return Self::error(405, Note::Plain, true);
        }
        let Some(path) = normalise(persona.grammar, target) else {
            return Self::fault(Fault::BadRequest, persona.grammar);
        };
        match (is_page(&path, persona), method) {
            (false, _) => Self::error(404, Note::Plain, false),
            (true, "GET" | "HEAD") => Self::file(request, persona, persona.file()),
            (true, _) => Self::error(405, Note::Plain, false),
        }
    }

    fn of_apache(request: &Request, target: &[u8], persona: &Persona) -> Self {
        const ALLOW: &str = "POST,OPTIONS,HEAD,GET";
        let method = request.method.raw();
        let expected = values(&request.headers, "expect").next().unwrap_or("100-continue");
        if !expected.eq_ignore_ascii_case("100-continue") {
            let shown = expected.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            return Self::error(417, Note::Expectation(shown), true);
        }
        let note = Note::Method(method.replace('&', "&amp;"));
        if !APACHE_METHODS.contains(&method) {
            return Self { allow: Some(ALLOW), ..Self::error(501, note, true) };
        }
        if method == "TRACE" || method == "CONNECT" {
            let allow = if method == "TRACE" { "" } else { ALLOW };
            return Self { allow: Some(allow), ..Self::error(405, note, false) };
        }
        if target == b"*" {
            return Self {
                status: 200,
                content: Content::Empty { typed: false },
                close: false,
                allow: None,
            };
        }
        let Some(path) = normalise(persona.grammar, target) else {
            return Self::fault(Fault::BadRequest, persona.grammar);
        };
        let hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with(".ht"));
        if hidden || path == "/icons/" || path == "/server-status" {
            return Self::error(403, Note::Plain, false);
        }
        let exists = is_page(&path, persona);
        match method {
            "OPTIONS" => Self {
                status: 200,
                content: Content::Empty { typed: exists },
                close: false,
                allow: Some(ALLOW),
            },
            "GET" | "HEAD" | "POST" if exists => Self::file(request, persona, persona.file()),
            "GET" | "HEAD" | "POST" => Self::error(404, Note::Plain, false),
            _ => Self { allow: Some(ALLOW), ..Self::error(405, note, false) },
        }
    }

    /// A file, or a part of it, or that it has not changed (RFC 9110, 13 and 14).
    pub(super) fn file(request: &Request, persona: &Persona, file: File) -> Self {
        let headers = &request.headers;
        let whole = file.bytes.len();
        let answer = |status, content| Self { status, content, close: false, allow: None };
        let unchanged = match values(headers, "if-none-match").next() {
            Some(tags) => tags
                .split(',')
                .any(|tag| matches!(tag.trim(), "*") || tag.trim() == persona.etag(whole)),
            None => values(headers, "if-modified-since")
                .next()
                .is_some_and(|date| date == http_date(persona.modified)),
        };
        if unchanged && request.method.raw() != "POST" {
            return answer(304, Content::NotModified(file));
        }
        match values(headers, "range").next().and_then(|range| parse_range(range, whole)) {
            Some(Some((first, end))) => answer(206, Content::Page(file, first, end)),
            Some(None) => Self::error(416, Note::Plain, false),
            None => answer(200, Content::Page(file, 0, whole)),
        }
    }

    /// The bytes of the answer.
    pub(super) fn write(&self, persona: &Persona, manner: &Manner, now: Timestamp) -> Vec<u8> {
        if let Some(style) = persona.style {
            return super::styled::write(self, style, persona, manner, now);
        }
        let (kind, body) = self.content(persona, manner);
        let mut bytes = Vec::with_capacity(body.len() + 512);
        if manner.version > Version::OLD {
            let mut lines =
                vec![format!("HTTP/1.1 {} {}", self.status, persona.reason(self.status))];
            self.fields(&mut lines, persona, manner, now, (kind, body.len()));
            bytes.extend_from_slice(lines.join("\r\n").as_bytes());
            bytes.extend_from_slice(b"\r\n\r\n");
        }
        if !manner.head_only {
            bytes.extend_from_slice(&body);
        }
        bytes
    }

    /// The same for HTTP/2: fields beginning with the status, and the body. httpd names date and server last there.
    pub(crate) fn fields_and_body(
        &self,
        persona: &Persona,
        manner: &Manner,
        now: Timestamp,
    ) -> (Vec<(String, String)>, Vec<u8>) {
        let (lines, body) = match persona.style {
            Some(style) => super::styled::lines_and_body(self, style, persona, manner, now),
            None => {
                let (kind, body) = self.content(persona, manner);
                let mut lines = Vec::new();
                self.fields(&mut lines, persona, manner, now, (kind, body.len()));
                if persona.grammar == Grammar::Apache {
                    lines.rotate_left(2);
                }
                (lines, body.into_owned())
            }
        };
        let pair = |line: &String| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        let status = (":status".to_owned(), self.status.to_string());
        let of_connection = |(name, _): &(String, String)| {
            matches!(name.as_str(), "connection" | "keep-alive" | "upgrade")
        };
        let fields = lines.iter().filter_map(pair).filter(|field| !of_connection(field));
        let fields = std::iter::once(status).chain(fields).collect();
        (fields, if manner.head_only { Vec::new() } else { body })
    }

    fn content<'a>(&'a self, persona: &'a Persona, manner: &Manner) -> (&'a str, Cow<'a, [u8]>) {
        match &self.content {
            Content::Page(file, first, end) => (file.kind, file.bytes[*first..*end].into()),
            Content::Rule(answer) => (&answer.kind, answer.body.as_slice().into()),
            Content::NotModified(_) => ("", (&[][..]).into()),
            Content::Empty { typed } => (if *typed { "text/html" } else { "" }, (&[][..]).into()),
            Content::Error(note) => {
                let place = (manner.place.host.as_str(), manner.place.port);
                let page = persona.error_page(self.status, note, place);
                let nginx = persona.grammar == Grammar::Nginx;
                let kind = if nginx { "text/html" } else { "text/html; charset=iso-8859-1" };
                (kind, page.into_bytes().into())
            }
        }
    }

    fn fields(
        &self,
        lines: &mut Vec<String>,
        persona: &Persona,
        manner: &Manner,
        now: Timestamp,
        content: (&str, usize),
    ) {
        match persona.grammar {
            Grammar::Nginx | Grammar::Netty | Grammar::Application(_) => {
                self.nginx_fields(lines, persona, manner, now, content);
            }
            Grammar::Apache => self.apache_fields(lines, persona, manner, now, content),
        }
    }

    fn nginx_fields(
        &self,
        lines: &mut Vec<String>,
        persona: &Persona,
        manner: &Manner,
        now: Timestamp,
        (kind, length): (&str, usize),
    ) {
        let of_page = self.of_file();
        lines.push(format!("Server: {}", persona.server));
        lines.push(format!("Date: {}", http_date(now)));
        if self.status == 101 {
            lines.push("Connection: upgrade".to_owned());
        } else if self.status != 304 {
            lines.push(format!("Content-Type: {kind}"));
            lines.push(format!("Content-Length: {length}"));
        }
        if of_page.is_some() {
            lines.push(format!("Last-Modified: {}", http_date(persona.modified)));
        }
        if self.status != 101 {
            let connection = if self.closes(manner) { "close" } else { "keep-alive" };
            lines.push(format!("Connection: {connection}"));
        }
        if let Content::Rule(answer) = &self.content {
            // As nginx passes on what the application behind it says.
            lines.extend(answer.fields.iter().map(|(name, value)| format!("{name}: {value}")));
            return;
        }
        if let Some(file) = of_page {
            lines.push(format!("ETag: {}", persona.etag(file.bytes.len())));
        }
        match self.content_range(persona) {
            Some(range) => lines.push(range),
            None if self.status == 200 => lines.push("Accept-Ranges: bytes".to_owned()),
            None => {}
        }
    }

    fn apache_fields(
        &self,
        lines: &mut Vec<String>,
        persona: &Persona,
        manner: &Manner,
        now: Timestamp,
        (kind, length): (&str, usize),
    ) {
        lines.push(format!("Date: {}", http_date(now)));
        lines.push(format!("Server: {}", persona.server));
        // What the first answer of a connection offers, errors aside (`core_upgrade_handler`).
        let announces = persona.h2c
            && manner.served == 0
            && !manner.upgrade_named
            && !matches!(self.content, Content::Error(_));
        if announces {
            lines.push("Upgrade: h2,h2c".to_owned());
            let more = match (self.closes(manner), manner.keep_alive_named) {
                (true, _) => ", close",
                (false, true) => ", Keep-Alive",
                (false, false) => "",
            };
            lines.push(format!("Connection: Upgrade{more}"));
        }
        if let Content::Rule(answer) = &self.content {
            lines.extend(answer.fields.iter().map(|(name, value)| format!("{name}: {value}")));
        }
        if let Some(file) = self.of_file() {
            lines.push(format!("Last-Modified: {}", http_date(persona.modified)));
            lines.push(format!("ETag: {}", persona.etag(file.bytes.len())));
            lines.push("Accept-Ranges: bytes".to_owned());
        }
        if let Some(allow) = self.allow {
            lines.push(format!("Allow: {allow}"));
        }
        let unsaid = manner.head_only && matches!(self.content, Content::Error(_));
        if self.status == 101 {
            lines.push("Connection: Upgrade".to_owned());
            return;
        }
        if self.status != 304 && !unsaid {
            lines.push(format!("Content-Length: {length}"));
        }
        if matches!(&self.content, Content::Page(file, ..) if is_compressed(file.kind)) {
            lines.push("Vary: Accept-Encoding".to_owned());
        }
        lines.extend(self.content_range(persona));
        if self.closes(manner) {
            if !announces {
                lines.push("Connection: close".to_owned());
            }
        } else if manner.keep_alive_named {
            let left = persona.requests_max.saturating_sub(manner.served);
            lines.push(format!("Keep-Alive: timeout=5, max={left}"));
            if !announces {
                lines.push("Connection: Keep-Alive".to_owned());
            }
        }
        if !kind.is_empty() {
            lines.push(format!("Content-Type: {kind}"));
        }
    }

    const fn of_file(&self) -> Option<File> {
        match self.content {
            Content::Page(file, ..) | Content::NotModified(file) => Some(file),
            _ => None,
        }
    }

    fn content_range(&self, persona: &Persona) -> Option<String> {
        let whole = persona.page.len();
        match (self.status, &self.content) {
            (206, Content::Page(file, first, end)) => {
                let whole = file.bytes.len();
                Some(format!("Content-Range: bytes {first}-{}/{whole}", end.saturating_sub(1)))
            }
            (416, _) if persona.grammar == Grammar::Nginx => {
                Some(format!("Content-Range: bytes */{whole}"))
            }
            _ => None,
        }
    }
}

/// Types of which Debian's `deflate.conf` would send a smaller form.
fn is_compressed(kind: &str) -> bool {
    kind.starts_with("text/") || kind == "application/javascript"
}

/// Methods that httpd knows; any other it calls not implemented.
const APACHE_METHODS: [&str; 26] = [
    "GET",
    "HEAD",
    "POST",
    "OPTIONS",
    "PUT",
    "DELETE",
    "TRACE",
    "CONNECT",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "VERSION-CONTROL",
    "CHECKOUT",
    "UNCHECKOUT",
    "CHECKIN",
    "UPDATE",
    "LABEL",
    "REPORT",
    "MKWORKSPACE",
    "MKACTIVITY",
    "MERGE",
];

/// Host and port inside the target, which go before those of the Host header (RFC 9112, 3.2.2).
fn authority<'a>(request: &Request, target: &'a [u8]) -> Option<&'a str> {
    let target = std::str::from_utf8(target).ok()?;
    let authority = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.split(['/', '?', '#']).next()?,
        _ if request.method.raw() == "CONNECT" => target,
        _ => return None,
    };
    Some(authority).filter(|authority| is_host(authority))
}

fn is_page(path: &str, persona: &Persona) -> bool {
    if persona.site.is_some() {
        return false;
    }
    path == "/" || path.strip_prefix('/') == Some(persona.page_name)
}

/// One range of a page: `None` where there is no single range to serve, `Some(None)` where it lies outside.
fn parse_range(text: &str, whole: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| {
        if text.is_empty() { Some(None) } else { text.parse::<usize>().ok().map(Some) }
    };
    match (number(first)?, number(last)?) {
        (Some(first), _) if first >= whole => Some(None),
        (Some(first), Some(last)) if last < first => None,
        (Some(first), last) => {
            Some(Some((first, last.map_or(whole, |last| whole.min(last.saturating_add(1))))))
        }
        (None, Some(0)) => Some(None),
        (None, Some(suffix)) => Some(Some((whole.saturating_sub(suffix), whole))),
        (None, None) => None,
    }
}
