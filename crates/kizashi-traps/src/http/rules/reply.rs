//! What a rule answers: its text with the values named in it put in. `@{name}` is a value; no other text is touched, since pages
//! are full of braces, dollars and percent signs.

use std::collections::BTreeSet;
use std::sync::Arc;

use kizashi_event::Timestamp;

use super::subject::Subject;
use crate::Identity;
use crate::draw::Draw;
use crate::http::date::http_date;
use crate::http::sites::Site;
use crate::machine::{Persona, World};

/// The longest value of a visitor's that is shown to him again.
const ECHOED: usize = 200;

/// Where values come from.
pub(super) struct Values<'a> {
    pub(super) identity: &'a Identity,
    /// The site whose listener it is.
    pub(super) site: Option<&'static Site>,
    /// The web server's `Server` header.
    pub(super) server: &'a str,
    /// Host and port as the visitor named them.
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// He speaks TLS.
    pub(super) encrypted: bool,
    pub(super) rule: &'a str,
    pub(super) now: Timestamp,
    pub(super) subject: &'a Subject<'a>,
    /// The name of the file that was kept.
    pub(super) uploaded: &'a [u8],
}

/// Whether every value named in a text is one that there is.
pub(in crate::http) fn check(text: &str, own: &BTreeSet<&str>) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("@{") {
        let Some((name, left)) = after.split_once('}') else {
            return Err("a value @{… has no closing }".to_owned());
        };
        let (word, argument) = name.split_once(' ').unwrap_or((name, ""));
        let known = match word {
            "server" | "host" | "hostname" | "date" | "time" | "epoch" | "uuid" | "output"
            | "authority" | "uploaded" => argument.is_empty(),
            "target" | "origin" => matches!(argument, "" | "url"),
            "set-up" | "boot" => matches!(argument, "" | "epoch" | "date" | "second"),
            "system" | "kernel" | "cpus" | "memory" | "elasticsearch" => argument.is_empty(),
            "trail" => !own.is_empty() && argument.is_empty(),
            "version" => argument.is_empty(),
            "value" => own.contains(argument),
            "hex" | "secret" | "nonce" => {
                argument.parse::<usize>().is_ok_and(|length| (1..=128).contains(&length))
            }
            "parameter" | "cookie-or-target" => !argument.is_empty(),
            _ => false,
        };
        if !known {
            return Err(format!("@{{{name}}} is no value; see docs/web-rules.md"));
        }
        rest = left;
    }
    Ok(())
}

/// The text with its values, in pieces between which the output belongs.
pub(super) fn fill(text: &str, values: &Values<'_>) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let mut rest = text;
    let mut place = 0;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((name, left)) = after.split_once('}') else { break };
        add(&mut pieces, before.as_bytes());
        if name == "output" {
            pieces.push(Vec::new());
        } else {
            add(&mut pieces, &values.of(name, place));
            place += 1;
        }
        rest = left;
    }
    add(&mut pieces, rest.as_bytes());
    pieces
}

fn add(pieces: &mut [Vec<u8>], bytes: &[u8]) {
    if let Some(last) = pieces.last_mut() {
        last.extend_from_slice(bytes);
    }
}

impl Values<'_> {
    /// The value of this name at this place of the text; those drawn from the seed stay the same over all answers.
    fn of(&self, name: &str, place: u64) -> Vec<u8> {
        let (word, argument) = name.split_once(' ').unwrap_or((name, ""));
        let length = argument.parse::<usize>().unwrap_or(0);
        let label = format!("web rule {} {place}", self.rule);
        let fresh = format!("web rule {} {place} {}", self.rule, self.now.micros());
        match word {
            "server" => self.server.as_bytes().to_vec(),
            "host" => escape(self.host.as_bytes()),
            "hostname" => self.identity.host_name().into_bytes(),
            "authority" => escape(self.authority().as_bytes()),
            "origin" if argument == "url" => {
                percent_encode(origin(self.host, self.port, self.encrypted).as_bytes())
            }
            "origin" => escape(origin(self.host, self.port, self.encrypted).as_bytes()),
            "target" if argument == "url" => percent_encode(self.subject.target_as_sent()),
            "target" => escape(self.subject.target_as_sent()),
            "cookie-or-target" => match self.subject.cookie(argument) {
                Some(cookie) => escape(cookie.as_bytes()),
                None => escape(self.subject.target_as_sent()),
            },
            "set-up" => moment(self.identity.set_up(), argument),
            "boot" => moment(Timestamp::from_seconds(self.server().boot(self.now)), argument),
            "system" => self.server().system.pretty.into(),
            "kernel" => self.server().system.kernel.into(),
            "cpus" => self.server().hardware.processors.to_string().into_bytes(),
            "memory" => (self.server().hardware.memory_kb * 1024).to_string().into_bytes(),
            "elasticsearch" => self.identity.elasticsearch_release().number().into(),
            "version" => self.site.map_or("", |site| site.version(self.identity)).into(),
            "value" => self.site.map_or_else(Vec::new, |site| self.site_value(site, argument)),
            "date" => http_date(self.now).into_bytes(),
            "time" => self.now.rfc3339().into_bytes(),
            "epoch" => self.now.seconds().to_string().into_bytes(),
            "hex" => self
                .identity
                .drawn(&label, || letters(self.draw(&label), b"0123456789abcdef", length)),
            "nonce" => letters(self.draw(&fresh), b"0123456789abcdef", length),
            "secret" => self.identity.drawn(&label, || {
                let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
                letters(self.draw(&label), alphabet, length)
            }),
            "uuid" => {
                let digits = self
                    .identity
                    .drawn(&label, || letters(self.draw(&label), b"0123456789abcdef", 30));
                let digits = String::from_utf8_lossy(&digits);
                let (a, b, c, d, e) =
                    (&digits[..8], &digits[8..12], &digits[12..15], &digits[15..18], &digits[18..]);
                format!("{a}-{b}-4{c}-a{d}-{e}").into_bytes()
            }
            "uploaded" => escape(self.uploaded),
            "parameter" => escape(&self.subject.parameter(argument).unwrap_or_default()),
            _ => Vec::new(),
        }
    }

    /// A value of the site's own: the same text wherever it is named, with the values that it names itself.
    fn site_value(&self, site: &'static Site, name: &str) -> Vec<u8> {
        if self.rule.starts_with('=') {
            return Vec::new();
        }
        let label = format!("={} {name}", site.name);
        let inner = Values { rule: &label, ..*self };
        fill(site.value(name, self.identity), &inner).concat()
    }

    /// The machine behind the logins, with which whatever a page says of its machine agrees.
    fn server(&self) -> Arc<World> {
        self.identity.world(Persona::Server)
    }

    /// Host and, where it is not 80, port.
    fn authority(&self) -> String {
        origin(self.host, self.port, self.encrypted)
            .split_once("://")
            .map_or_else(String::new, |(_, rest)| rest.to_owned())
    }

    const fn draw<'b>(&'b self, label: &'b str) -> Draw<'b> {
        Draw::new(self.identity.seed(), label)
    }
}

fn moment(moment: Timestamp, form: &str) -> Vec<u8> {
    match form {
        "epoch" => moment.seconds().to_string().into_bytes(),
        "date" => http_date(moment).into_bytes(),
        "second" => {
            let text = moment.rfc3339();
            format!("{}Z", text.get(..19).unwrap_or(&text)).into_bytes()
        }
        _ => moment.rfc3339().into_bytes(),
    }
}

fn letters(draw: Draw<'_>, alphabet: &[u8], length: usize) -> Vec<u8> {
    (0..length as u64).filter_map(|place| draw.one_of(place, alphabet)).collect()
}

/// Scheme, host and, where it is not the scheme's own, port.
pub(super) fn origin(host: &str, port: u16, encrypted: bool) -> String {
    let (scheme, usual) = if encrypted { ("https", 443) } else { ("http", 80) };
    if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}

/// As browsers and servers write what a parameter holds.
fn percent_encode(text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for byte in text.iter().take(ECHOED) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(*byte);
            }
            other => encoded.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
    encoded
}

/// As pages escape what visitors typed.
fn escape(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in text.iter().take(ECHOED) {
        match byte {
            b'<' => escaped.extend_from_slice(b"&lt;"),
            b'>' => escaped.extend_from_slice(b"&gt;"),
            b'&' => escaped.extend_from_slice(b"&amp;"),
            b'"' => escaped.extend_from_slice(b"&quot;"),
            b'\'' => escaped.extend_from_slice(b"&#039;"),
            0..=31 | 127 => escaped.push(b' '),
            other => escaped.push(*other),
        }
    }
    escaped
}

/// The same as text.
pub(in crate::http) fn escape_text(text: &[u8]) -> String {
    String::from_utf8_lossy(&escape(text)).into_owned()
}
