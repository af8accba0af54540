//! A request as rules look at it: path, parameters, headers and body, as sent, decoded once and decoded twice, because exploits hide
//! behind an escape of an escape and each server undoes another number of them.

use kizashi_event::{Detail, HostileText, Request};

use super::pattern::find;

/// Parameters looked at.
const PARAMETERS: usize = 200;
/// Bytes of a body that rules look at: exploits say what they are at its beginning, and each rule looks at all of them.
const BODY: usize = 16 * 1024;

/// One text in its forms, lower case, without those that are equal.
#[derive(Debug)]
pub(crate) struct Forms(Vec<Vec<u8>>);

impl Forms {
    fn of(text: &[u8], plus: bool) -> Self {
        let mut forms = vec![text.to_ascii_lowercase()];
        let mut decoded = text.to_vec();
        for _ in 0..2 {
            let next = decode(&decoded, plus);
            if next == decoded {
                break;
            }
            forms.push(next.to_ascii_lowercase());
            decoded = next;
        }
        Self(forms)
    }

    pub(super) fn any(&self, fits: impl Fn(&[u8]) -> bool) -> bool {
        self.0.iter().any(|form| fits(form))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

/// A parameter or a header field, lower case.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Vec<u8>,
    /// The value as it is and, where it has escapes, decoded once more.
    pub(super) forms: Vec<Vec<u8>>,
}

impl Field {
    fn of(name: &[u8], value: &[u8], plus: bool) -> Self {
        let mut forms = vec![value.to_ascii_lowercase()];
        if value.contains(&b'%') {
            forms.push(decode(value, plus).to_ascii_lowercase());
        }
        Self { name: name.to_ascii_lowercase(), forms }
    }
}

/// A request, taken apart once, before many rules look at it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(in crate::http) method: &'a str,
    pub(super) request: &'a Request,
    headers: &'a [(HostileText, HostileText)],
    pub(super) header_fields: Vec<Field>,
    pub(super) parameter_fields: Vec<Field>,
    /// The target without its query, doubled slashes made one.
    pub(super) path: Forms,
    pub(super) target: Forms,
    pub(super) body: Forms,
    pub(super) raw_target: &'a [u8],
    pub(super) raw_body: &'a [u8],
    /// Names and values, decoded once, of the query and of a body of a form.
    pub(super) parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(request: &'a Request, target: &'a [u8], body: &'a [u8]) -> Self {
        let body = &body[..body.len().min(BODY)];
        let (path, query) = split_query(target);
        let mut parameters = read_parameters(query);
        let form = !body.is_empty()
            && body.len() <= 16 * 1024
            && !matches!(body[0], b'{' | b'<' | b'[')
            && body.contains(&b'=');
        if form {
            parameters.extend(read_parameters(body));
        }
        parameters.truncate(PARAMETERS);
        Self {
            method: request.method.raw(),
            request,
            headers: &request.headers,
            header_fields: request
                .headers
                .iter()
                .map(|(name, value)| {
                    Field::of(name.raw().as_bytes(), value.raw().as_bytes(), false)
                })
                .collect(),
            parameter_fields: parameters
                .iter()
                .map(|(name, value)| Field::of(name, value, true))
                .collect(),
            path: Forms::of(&single_slashes(path), false),
            target: Forms::of(target, true),
            body: Forms::of(body, form),
            raw_target: target,
            raw_body: body,
            parameters,
        }
    }

    /// Every text that a pattern of a rule is compared with, or one that holds it: parameters are pieces of the target and the body.
    pub(super) fn each_text(&self, mut look: impl FnMut(&[u8])) {
        let wholes = [&self.path, &self.target, &self.body];
        wholes.into_iter().flat_map(Forms::iter).for_each(&mut look);
        for field in &self.header_fields {
            look(&field.name);
            field.forms.iter().for_each(|form| look(form));
        }
    }

    /// A field of the head.
    pub(in crate::http) fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(header, _)| header.raw().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.raw().as_bytes())
    }

    /// The beginning of the body: 16 KiB.
    pub(in crate::http) const fn sent(&self) -> &[u8] {
        self.raw_body
    }

    /// The target's bytes.
    pub(super) const fn target_as_sent(&self) -> &[u8] {
        self.raw_target
    }

    /// Whether one of these patterns is the form of the path.
    pub(in crate::http) fn has_path(&self, patterns: &[super::Pattern]) -> bool {
        self.path.any(|path| patterns.iter().any(|pattern| pattern.fits(path)))
    }

    /// Whether there are parameters of all these names and values.
    pub(in crate::http) fn has_parameters(
        &self,
        pairs: &[(super::Pattern, super::Pattern)],
    ) -> bool {
        super::are_among(pairs, &self.parameter_fields)
    }

    /// Whether the body holds all of these.
    pub(in crate::http) fn has_in_body(&self, patterns: &[super::Pattern]) -> bool {
        patterns.iter().all(|pattern| self.body.any(|body| pattern.fits(body)))
    }

    /// Whether a cookie of this name came.
    pub(in crate::http) fn has_cookie(&self, name: &str) -> bool {
        self.cookie(name).is_some()
    }

    /// The value of a cookie of this name.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.header("cookie").map(String::from_utf8_lossy)?;
        cookies.split(';').find_map(|pair| {
            let (found, value) = pair.trim().split_once('=').unwrap_or((pair.trim(), ""));
            (found == name).then(|| value.to_owned())
        })
    }

    /// The first parameter that has a name.
    pub(in crate::http) fn first_parameter(&self) -> Option<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let named = self.parameters.iter().find(|(name, _)| !name.is_empty())?;
        Some((text(&named.0), text(&named.1)))
    }

    /// The request as it was read.
    pub(in crate::http) const fn request(&self) -> &Request {
        self.request
    }

    /// A parameter's value, or that of a string of this name in a body of JSON.
    pub(in crate::http) fn parameter(&self, name: &str) -> Option<Vec<u8>> {
        let found =
            self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| value.clone()).or_else(|| self.json_string(name))
    }

    /// The refused login that a form brings whose user name and password are called so.
    pub(in crate::http) fn login(&self, (user, password): &(String, String)) -> Option<Detail> {
        let read = |name: &str| self.parameter(name).map(|text| HostileText::from_bytes(&text));
        let (username, password) = (read(user), read(password));
        (username.is_some() || password.is_some()).then_some(Detail::Login {
            username,
            password,
            public_key: None,
            accepted: false,
        })
    }

    fn json_string(&self, name: &str) -> Option<Vec<u8>> {
        let key = format!("\"{name}\"");
        let rest = &self.raw_body[find(self.raw_body, key.as_bytes())? + key.len()..];
        let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let mut value = Vec::new();
        let mut bytes = rest.strip_prefix(b"\"")?.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => return Some(value),
                b'\\' => value.push(match bytes.next()? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    other => *other,
                }),
                other => value.push(*other),
            }
        }
        None
    }

    /// What `from` of a rule names: `path`, `query`, `body`, `parameter NAME`, `header NAME`; decoded once, as sent for body and header.
    pub(super) fn part(&self, from: &str) -> Option<Vec<u8>> {
        let (path, query) = split_query(self.raw_target);
        match from.split_once(' ') {
            None => match from {
                "path" => Some(decode(path, false)),
                "query" => Some(decode(query, true)),
                "body" => Some(self.raw_body.to_vec()),
                _ => None,
            },
            Some(("parameter", "*")) => {
                self.parameters.iter().map(|(_, value)| value).find(|v| !v.is_empty()).cloned()
            }
            Some(("parameter", name)) => self.parameter(name),
            Some(("header", name)) => self.header(name).map(<[u8]>::to_vec),
            Some(_) => None,
        }
    }
}

fn split_query(target: &[u8]) -> (&[u8], &[u8]) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}

fn single_slashes(path: &[u8]) -> Vec<u8> {
    let mut single = Vec::with_capacity(path.len());
    for byte in path {
        if *byte != b'/' || single.last() != Some(&b'/') {
            single.push(*byte);
        }
    }
    single
}

fn read_parameters(text: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let parts = text.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts
        .take(PARAMETERS)
        .map(|part| {
            let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let value = part.get(equals + 1..).unwrap_or_default();
            (decode(&part[..equals], true), decode(value, true))
        })
        .collect()
}

/// Undoes `%xx`, and `+` where it stands for a space. What is no escape stays.
pub(crate) fn decode(text: &[u8], plus: bool) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) if plus => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
        at += 1;
    }
    decoded
}
