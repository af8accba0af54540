//! One request as HTTP/2 brings it: fields with the pseudo-fields among them, and content. Whether it is one (RFC 9113, 8.2 and 8.3) is judged as
//! the server judges; how it is recorded does not depend on that.

use kizashi_event::{HostileText, Payload, PayloadOrigin, Request};

use super::dialect::Dialect;
use crate::capture::Capture;
use crate::http::grammar::{is_host, is_token};
use crate::http::is_lossy;

/// A field: name and value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// What the server does about a request by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Sound,
    /// Answered with an error page of this status.
    Page(u16),
    /// The stream is reset.
    Reset,
}

/// A request on its way in.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) fields: Vec<Field>,
    pub(super) form: Form,
    /// The fingerprint of the connection.
    pub(super) fingerprint: String,
    body: Capture,
}

impl Message {
    pub(super) fn new(fields: Vec<Field>, form: Form, fingerprint: String) -> Self {
        Self { fields, form, fingerprint, body: Capture::default() }
    }

    /// Takes content, of which `room` bytes may be kept; gives how many were.
    pub(super) fn feed(&mut self, bytes: &[u8], room: usize) -> usize {
        let before = self.body.content().len();
        self.body.feed_within(bytes, room);
        self.body.content().len() - before
    }

    pub(super) fn content(&self) -> &[u8] {
        self.body.content()
    }

    /// Bytes held for it.
    pub(super) fn memory(&self) -> usize {
        fields_memory(&self.fields) + self.body.content().len()
    }

    /// Whether the length that it announced is not the one it has.
    pub(super) fn belies_its_length(&self) -> bool {
        self.values(b"content-length").any(|value| {
            std::str::from_utf8(value).ok().and_then(|text| text.parse().ok())
                != Some(self.body.size())
        })
    }

    fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        values(&self.fields, name)
    }

    /// Method, target and whether it is `HEAD`.
    pub(super) fn target(&self) -> Vec<u8> {
        self.values(b":path").next().unwrap_or_default().to_vec()
    }

    /// As it is recorded, with the field's bytes where text cannot hold them, and the body.
    pub(super) fn record(self) -> (Request, Option<Vec<u8>>, Option<Payload>) {
        let text =
            |name: &[u8]| HostileText::from_bytes(self.values(name).next().unwrap_or_default());
        let mut request = Request {
            method: text(b":method"),
            target: text(b":path"),
            version: "HTTP/2.0".into(),
            malformed: self.form != Form::Sound,
            http2: Some(self.fingerprint.as_str().into()),
            ..Request::default()
        };
        let mut raw = Vec::new();
        let mut lossy = false;
        for (name, value) in &self.fields {
            lossy |= is_lossy(name, name.len()) || is_lossy(value, value.len());
            raw.extend([name, &b": "[..], value, b"\r\n"].concat());
            // Those two are what the request's own method and target say.
            if !matches!(name.as_slice(), b":method" | b":path") {
                let field = (HostileText::from_bytes(name), HostileText::from_bytes(value));
                request.headers.push(field);
            }
        }
        let body = (self.body.size() > 0).then(|| self.body.finish(PayloadOrigin::Sent));
        (request, lossy.then_some(raw), body)
    }
}

pub(super) fn fields_memory(fields: &[Field]) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len() + size_of::<Field>()).sum()
}

/// The first value of this name, and whether there is another.
fn one<'a>(fields: &'a [Field], name: &[u8]) -> (&'a [u8], bool) {
    let mut found = values(fields, name);
    (found.next().unwrap_or_default(), found.next().is_some())
}

fn values<'a>(fields: &'a [Field], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_slice())
}

/// What the server does about fields of this form.
pub(super) fn judge(dialect: Dialect, fields: &[Field]) -> Form {
    let odd = |(name, value): &Field| {
        let upper = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, 0 | b'\r' | b'\n');
        name.iter().any(upper) || value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'))
    };
    if fields.iter().any(odd) {
        return Form::Reset;
    }
    let ((method, m), (path, p), (scheme, s), (authority, a)) = (
        one(fields, b":method"),
        one(fields, b":path"),
        one(fields, b":scheme"),
        one(fields, b":authority"),
    );
    let known = |name: &[u8]| matches!(name, b":method" | b":path" | b":scheme" | b":authority");
    let unknown = fields.iter().any(|(name, _)| name.starts_with(b":") && !known(name));
    let doubled = m || p || s || a || unknown;
    let host = if authority.is_empty() { one(fields, b"host").0 } else { authority };
    match dialect {
        Dialect::Nginx => {
            let missing = [method, path, scheme, host].iter().any(|part| part.is_empty());
            let method_ok = method != b"CONNECT"
                && method.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
            let path_ok =
                path.starts_with(b"/") && path.iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
            let host_ok = std::str::from_utf8(host).is_ok_and(is_host);
            if doubled || missing || !method_ok || !path_ok || !host_ok {
                return Form::Page(400);
            }
            Form::Sound
        }
        Dialect::Nghttp2 => {
            let connect = method == b"CONNECT";
            let missing = if connect {
                authority.is_empty() || !path.is_empty() || !scheme.is_empty()
            } else {
                [method, path, scheme, host].iter().any(|part| part.is_empty())
            };
            let late = fields
                .iter()
                .skip_while(|(name, _)| name.starts_with(b":"))
                .any(|(name, _)| name.starts_with(b":"));
            let hop = fields.iter().any(|(name, value)| match name.as_slice() {
                b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding"
                | b"upgrade" => true,
                b"te" => !value.eq_ignore_ascii_case(b"trailers"),
                name => name.iter().any(|byte| *byte != b':' && !is_token(*byte)),
            });
            let web = matches!(scheme, b"http" | b"https");
            let star = method == b"OPTIONS" && path == b"*";
            if doubled
                || missing
                || late
                || hop
                || (web && !connect && !star && !path.starts_with(b"/"))
            {
                return Form::Reset;
            }
            if connect || !web { Form::Page(400) } else { Form::Sound }
        }
    }
}
