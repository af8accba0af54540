//! What a rule answers: its text with the values named in it put in. `@{name}` is a value; no other text is touched, since pages
//! are full of braces, dollars and percent signs.

use kizashi_event::Timestamp;

use super::subject::Subject;
use crate::Identity;
use crate::draw::Draw;
use crate::http::date::http_date;

/// The longest value of a visitor's that is shown to him again.
const ECHOED: usize = 200;

/// Where values come from.
pub(super) struct Values<'a> {
    pub(super) identity: &'a Identity,
    /// The web server's `Server` header.
    pub(super) server: &'a str,
    /// Host and port as the visitor named them.
    pub(super) host: &'a str,
    pub(super) rule: &'a str,
    pub(super) now: Timestamp,
    pub(super) subject: &'a Subject<'a>,
}

/// Whether every value named in a text is one that there is.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("@{") {
        let Some((name, left)) = after.split_once('}') else {
            return Err("a value @{… has no closing }".to_owned());
        };
        let (word, argument) = name.split_once(' ').unwrap_or((name, ""));
        let known = match word {
            "server" | "host" | "hostname" | "date" | "time" | "epoch" | "uuid" | "output" => {
                argument.is_empty()
            }
            "hex" | "secret" | "nonce" => {
                argument.parse::<usize>().is_ok_and(|length| (1..=128).contains(&length))
            }
            "parameter" => !argument.is_empty(),
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
            "parameter" => escape(&self.subject.parameter(argument).unwrap_or_default()),
            _ => Vec::new(),
        }
    }

    const fn draw<'b>(&'b self, label: &'b str) -> Draw<'b> {
        Draw::new(self.identity.seed(), label)
    }
}

fn letters(draw: Draw<'_>, alphabet: &[u8], length: usize) -> Vec<u8> {
    (0..length as u64).filter_map(|place| draw.one_of(place, alphabet)).collect()
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
