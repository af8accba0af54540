//! What a form sends: names and values of a query or body, files of a `multipart/form-data` body (RFC 7578), cookies. Bounded by parts and by
//! the bytes that a body keeps.

use super::grammar::values;
use super::rules::{decode, find};
use crate::php::Upload;
use kizashi_event::Request;

/// Fields and files of one form.
const PARTS: usize = 200;

pub(super) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A request's parts, names and values decoded once.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) query: Pairs,
    pub(super) body: Pairs,
    pub(super) files: Vec<Upload>,
    pub(super) cookies: Pairs,
}

impl Form {
    pub(super) fn of(request: &Request, target: &[u8], body: &[u8]) -> Self {
        let query =
            target.iter().position(|byte| *byte == b'?').map_or(&b""[..], |at| &target[at + 1..]);
        let query = query.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut form = Self { query: pairs(query, b'&'), ..Self::default() };
        let kind = values(&request.headers, "content-type").next().unwrap_or_default();
        match boundary(kind) {
            Some(boundary) => form.multipart(body, &boundary),
            None if !matches!(body.first(), None | Some(b'{' | b'<' | b'[')) => {
                form.body = pairs(body, b'&');
            }
            None => {}
        }
        for line in values(&request.headers, "cookie") {
            form.cookies.extend(pairs(line.as_bytes(), b';'));
        }
        form.cookies.truncate(PARTS);
        form
    }

    /// A value of the query or body, the body's first.
    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        let found = self.body.iter().chain(&self.query).find(|(found, _)| found == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// The same of the query alone.
    pub(super) fn asked(&self, name: &str) -> Option<&[u8]> {
        let found = self.query.iter().rev().find(|(found, _)| found == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    fn multipart(&mut self, body: &[u8], boundary: &[u8]) {
        let mark = [b"--", boundary].concat();
        let mut rest = body;
        let Some(start) = find(rest, &mark) else { return };
        rest = &rest[start + mark.len()..];
        for _ in 0..PARTS {
            if rest.starts_with(b"--") || rest.is_empty() {
                return;
            }
            let end = find(rest, &mark).unwrap_or(rest.len());
            let part = &rest[..end];
            rest = rest.get(end + mark.len()..).unwrap_or_default();
            let part =
                part.strip_prefix(b"\r\n").or_else(|| part.strip_prefix(b"\n")).unwrap_or(part);
            let (head, content) = match (find(part, b"\r\n\r\n"), find(part, b"\n\n")) {
                (Some(at), _) => (&part[..at], &part[at + 4..]),
                (None, Some(at)) => (&part[..at], &part[at + 2..]),
                (None, None) => continue,
            };
            let content = content
                .strip_suffix(b"\r\n")
                .or_else(|| content.strip_suffix(b"\n"))
                .unwrap_or(content);
            let field = attribute(head, b"name").unwrap_or_default();
            match attribute(head, b"filename") {
                Some(name) if self.files.len() < 16 => {
                    // Browsers of old sent a whole path.
                    let name =
                        name.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
                    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                    let name = name[..name.len().min(200)].to_vec();
                    self.files.push(Upload { field, name, content: content.to_vec() });
                }
                Some(_) => {}
                None => self.body.push((field, content.to_vec())),
            }
        }
    }
}

/// `name=value` pairs between these separators.
fn pairs(text: &[u8], separator: u8) -> Pairs {
    let parts = text.split(|byte| *byte == separator).map(<[u8]>::trim_ascii_start);
    parts
        .filter(|part| !part.is_empty())
        .take(PARTS)
        .map(|part| {
            let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let value = part.get(equals + 1..).unwrap_or_default();
            (decode(&part[..equals], true), decode(value, true))
        })
        .collect()
}

fn boundary(kind: &str) -> Option<Vec<u8>> {
    let lower = kind.to_ascii_lowercase();
    if !lower.trim_start().starts_with("multipart/") {
        return None;
    }
    let at = lower.find("boundary=")? + "boundary=".len();
    let text = kind.get(at..)?.trim_start_matches('"');
    let end = text.find(['"', ';', ' ', ',']).unwrap_or(text.len());
    (end > 0 && end <= 200).then(|| text.as_bytes()[..end].to_vec())
}

/// `name="value"` in a part's head.
fn attribute(head: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let lower = head.to_ascii_lowercase();
    let mut at = 0;
    loop {
        at += find(&lower[at..], name)?;
        let before = at.checked_sub(1).map(|at| lower[at]);
        at += name.len();
        let rest = &head[at..];
        if !matches!(before, Some(b' ' | b';')) || rest.first() != Some(&b'=') {
            continue;
        }
        let rest = &rest[1..];
        return Some(match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted
                [..quoted.iter().position(|byte| *byte == b'"').unwrap_or(quoted.len())]
                .to_vec(),
            None => {
                let end = rest.iter().position(|byte| matches!(byte, b';' | b'\r' | b'\n' | b' '));
                rest[..end.unwrap_or(rest.len())].to_vec()
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_taken_apart_into_fields_and_files() {
        let headers = vec![
            ("Content-Type".into(), "multipart/form-data; boundary=xY".into()),
            ("Cookie".into(), "a=1; PHPSESSID=z".into()),
        ];
        let request = Request { headers, ..Request::default() };
        let body = b"--xY\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nv\r\n--xY\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../s.php\"\r\nContent-Type: image/png\r\n\r\n<?php\r\n1;\r\n--xY--\r\n";
        let form = Form::of(&request, b"/upload.php?q=a+b%2F", body);
        assert_eq!(form.query, [(b"q".to_vec(), b"a b/".to_vec())]);
        assert_eq!(form.value("t"), Some(&b"v"[..]));
        assert_eq!(
            (form.files[0].name.as_slice(), form.files[0].content.as_slice()),
            (&b"s.php"[..], &b"<?php\r\n1;"[..])
        );
        assert_eq!(form.cookies[1], (b"PHPSESSID".to_vec(), b"z".to_vec()));
    }
}
