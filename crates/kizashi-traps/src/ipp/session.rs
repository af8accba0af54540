//! One connection: HTTP as cupsd writes it around what the print server says. Which requests end the connection, and the order of fields, were
//! measured on CUPS 2.4.2.

use std::sync::Arc;

use kizashi_event::{Request, Timestamp};

use super::operations::{Came, Desk};
use super::pages::{error, page, reason, release};
use crate::http::body::{BodyProgress, BodyReader};
use crate::http::exchange::{Exchange, Incoming, tell};
use crate::http::grammar::{Grammar, Version, values};
use crate::http::http_date;
use crate::http::wire::Head;
use crate::{Identity, Output, Session};

/// Bytes of a host's name that come into an answer.
const LONGEST_HOST: usize = 255;

/// A visit to TCP 631.
pub(super) struct IppSession {
    exchange: Exchange,
    desk: Desk,
    release: (&'static str, &'static str),
    host_name: String,
}

/// What one request gets.
struct Reply {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

impl Reply {
    fn error(status: u16, release: &str) -> Self {
        let body = error(status, release).into_bytes();
        Self { status, kind: "text/html; charset=utf-8", body }
    }
}

impl IppSession {
    pub(super) fn new(identity: &Arc<Identity>) -> Self {
        Self {
            exchange: Exchange::new(Grammar::Netty),
            desk: Desk::new(identity),
            release: release(identity),
            host_name: identity.host_name(),
        }
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            match self.exchange.next(out) {
                Incoming::More => return,
                // What is no request it ends without a word.
                Incoming::Refused(fault) => {
                    out.close();
                    self.exchange.refuse(fault, 400);
                }
                Incoming::Request(parts, progress) => {
                    let (head, body) = *parts;
                    self.answer(head, body, progress, now, out);
                }
            }
        }
    }

    fn answer(
        &mut self,
        mut head: Head,
        body: BodyReader,
        progress: BodyProgress,
        now: Timestamp,
        out: &mut Output,
    ) {
        let method = head.request.method.raw().to_owned();
        if !["GET", "HEAD", "OPTIONS", "POST", "PUT"].contains(&method.as_str()) {
            out.close();
            self.exchange.close();
            return tell(head, body, out);
        }
        let reply = match values(&head.request.headers, "host").next() {
            _ if progress == BodyProgress::Broken => Reply::error(400, self.release.0),
            None => Reply::error(400, self.release.0),
            Some(host) => {
                let host = self.host(host);
                self.reply(&method, &head, &body, &host, now, out)
            }
        };
        let keeps = reply.status == 200 && wants_more(&head.request, head.version);
        let with_body = method != "HEAD";
        self.write(&reply, head.version, keeps, with_body, now, out);
        head.request.status = Some(reply.status);
        tell(head, body, out);
        if !keeps {
            out.close();
            self.exchange.close();
        }
    }

    fn reply(
        &mut self,
        method: &str,
        head: &Head,
        body: &BodyReader,
        host: &str,
        now: Timestamp,
        out: &mut Output,
    ) -> Reply {
        let release = self.release.0;
        let target = String::from_utf8_lossy(&head.target).into_owned();
        let path = target.split('?').next().unwrap_or_default();
        match method {
            "OPTIONS" => Reply { status: 200, kind: "", body: Vec::new() },
            "PUT" => Reply::error(403, release),
            "POST" => {
                let kind = values(&head.request.headers, "content-type").next().unwrap_or_default();
                if !kind.trim().to_ascii_lowercase().starts_with("application/ipp") {
                    let status = if path.starts_with("/admin") { 401 } else { 404 };
                    return Reply::error(status, release);
                }
                let (content, whole) = body.content_and_whole();
                match self.desk.carry_out(content, whole, host, now, out) {
                    Some(Came::Says(body)) => Reply { status: 200, kind: "application/ipp", body },
                    Some(Came::Unauthorised) => Reply::error(401, release),
                    None => Reply::error(400, release),
                }
            }
            _ if path.starts_with("/admin") => Reply::error(401, release),
            _ => match page(path, self.desk.queues(), release) {
                Some(page) => Reply { status: 200, kind: page.kind, body: page.text.into_bytes() },
                None => Reply::error(404, release),
            },
        }
    }

    /// Host and port as the visitor named them, where they can stand in an address.
    fn host(&self, said: &str) -> String {
        let said = said.trim();
        let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-_:[]".contains(letter);
        if said.is_empty() || said.len() > LONGEST_HOST || !said.chars().all(fits) {
            return self.host_name.clone();
        }
        said.to_owned()
    }

    fn write(
        &self,
        reply: &Reply,
        version: Version,
        keeps: bool,
        with_body: bool,
        now: Timestamp,
        out: &mut Output,
    ) {
        let is_old = version < Version::ONE_ONE;
        let (minor, status) = (if is_old { 0 } else { 1 }, reply.status);
        let mut lines = vec![format!("HTTP/1.{minor} {status} {}", reason(status))];
        if keeps {
            lines.push("Connection: Keep-Alive".to_owned());
        } else if !is_old {
            lines.push("Connection: close".to_owned());
        }
        lines.push("Content-Language: en".to_owned());
        // An error says no length where its page is not sent.
        if with_body || status == 200 {
            lines.push(format!("Content-Length: {}", reply.body.len()));
        }
        if !reply.kind.is_empty() {
            lines.push(format!("Content-Type: {}", reply.kind));
        }
        lines.push(format!("Date: {}", http_date(now)));
        if keeps {
            lines.push("Keep-Alive: timeout=10".to_owned());
        }
        if status == 401 {
            lines.push("WWW-Authenticate: Basic realm=\"CUPS\"".to_owned());
        }
        lines.push("Accept-Encoding: gzip, deflate, identity".to_owned());
        lines.push(format!("Server: {}", self.release.1));
        lines.push("X-Frame-Options: DENY".to_owned());
        lines.push("Content-Security-Policy: frame-ancestors 'none'".to_owned());
        out.reply(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes());
        if with_body {
            out.reply(&reply.body);
        }
    }
}

/// Whether the connection stays, as far as the client wants it.
fn wants_more(request: &Request, version: Version) -> bool {
    let named = |token: &str| {
        values(&request.headers, "connection")
            .any(|value| value.to_ascii_lowercase().contains(token))
    };
    if version >= Version::ONE_ONE { !named("close") } else { named("keep-alive") }
}

impl Session for IppSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.exchange.push(bytes);
        self.go_on(now, out);
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        self.exchange.end(out, |_, _, _| {});
    }

    fn memory(&self) -> usize {
        self.exchange.memory() + self.desk.memory()
    }
}
