//! What is particular to each receiver: the form of a message, and what its answers mean. A channel is a file with three things: the
//! settings that it takes, how it is made of them, and its [`Channel`]. Nothing here opens a connection.

mod abuseipdb;
mod discord;
mod dshield;
mod hpfeeds;
mod line;
mod mail;
mod matrix;
mod ntfy;
mod otlp;
mod pushover;
mod slack;
mod syslog;
mod teams;
mod telegram;
mod webhook;

use std::net::IpAddr;
use std::time::Duration;

use hyper::Uri;
use kizashi_event::{Timestamp, escape_for_people};

use crate::notice::cut;
use crate::send::{Answer, Lines, Mail, Publication, Request};
use crate::{ChannelSettings, Letter, Message, Secret};

/// Characters of a receiver's words that are kept.
const LONGEST_REASON: usize = 200;
/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A request over HTTP.
    Http(Request),
    /// A mail by way of a server.
    Mail(Box<Mail>),
    /// Publications at a broker.
    Publication(Publication),
    /// A line to a log server.
    Lines(Lines),
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is there.
    Delivered,
    /// It may be later.
    Later {
        /// Why not now.
        why: String,
        /// When to try, where the receiver says so.
        after: Option<Duration>,
    },
    /// It will never be.
    Refused(String),
}

impl Verdict {
    /// It may be later.
    #[must_use]
    pub fn later(why: &str) -> Self {
        Self::Later { why: reason(why), after: None }
    }
}

/// What a channel is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Signs, as its policy says, and reports of periods.
    Signs,
    /// Who came to the traps, every few hours, and nothing else.
    Sightings,
}

/// A receiver's way of taking messages.
pub trait Channel: Send + Sync {
    /// What it is told of.
    fn takes(&self) -> Takes {
        Takes::Signs
    }

    /// What is to be sent for a message.
    fn delivery(&self, message: &Message, letter: &Letter, now: Timestamp) -> Delivery;

    /// What an answer over HTTP means. A page of somebody in between says 200 too, so where a receiver has words of its own they
    /// are looked for.
    fn judge(&self, answer: &Answer) -> Verdict {
        by_status(answer)
    }
}

/// A kind of channel.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The settings beside those that every kind has.
    pub(crate) settings: &'static [&'static str],
    pub(crate) make: fn(&ChannelSettings) -> Result<Box<dyn Channel>, String>,
}

static KINDS: [Kind; 15] = [
    webhook::KIND,
    slack::KIND,
    discord::KIND,
    teams::KIND,
    telegram::KIND,
    line::KIND,
    ntfy::KIND,
    pushover::KIND,
    matrix::KIND,
    mail::KIND,
    syslog::KIND,
    otlp::KIND,
    hpfeeds::KIND,
    abuseipdb::KIND,
    dshield::KIND,
];

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Result<&'static Kind, String> {
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("kind must be one of {}, and {name:?} is none", names.join(", "))
    })
}

/// What a status means by itself (RFC 9110, 15).
pub(crate) fn by_status(answer: &Answer) -> Verdict {
    let said = || reason(&String::from_utf8_lossy(&answer.body));
    match answer.status {
        200..=299 => Verdict::Delivered,
        300..=399 => Verdict::Refused(format!(
            "it answers {} and points elsewhere, which is not followed; correct its address",
            answer.status
        )),
        408 | 425 | 429 | 500..=599 => Verdict::Later {
            why: format!("it answers {}: {}", answer.status, said()),
            after: answer.retry_after.map(|pause| pause.min(LONGEST_PAUSE)),
        },
        status => Verdict::Refused(format!("it answers {status}: {}", said())),
    }
}

/// The three characters that begin or end something in the markup of Slack and of Telegram.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The verdict of a status, where a success must also have these words in it.
pub(crate) fn by_words(answer: &Answer, words: &str) -> Verdict {
    let verdict = by_status(answer);
    let has = || answer.body.windows(words.len()).any(|window| window == words.as_bytes());
    if verdict == Verdict::Delivered && !has() {
        return Verdict::later(&format!(
            "it answers {}, but not in the receiver's own words; is somebody in between?",
            answer.status
        ));
    }
    verdict
}

/// A stranger's words, made harmless and short.
pub(crate) fn reason(text: &str) -> String {
    cut(&escape_for_people(&cut(text.trim(), LONGEST_REASON)), LONGEST_REASON)
}

/// An address that may be asked: over TLS, or in one's own network.
pub(crate) fn web_address(address: &Secret) -> Result<String, String> {
    if address.is_elsewhere() {
        return Ok(String::new());
    }
    let text = address.text();
    let wrong = || "url must be an address that begins with https://".to_owned();
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let host = uri.host().ok_or_else(wrong)?;
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    match uri.scheme_str() {
        _ if has_user => Err("url must hold no user; use token, or user and password".to_owned()),
        Some("https") => Ok(text.to_owned()),
        Some("http") if is_own_network(host) => Ok(text.to_owned()),
        Some("http") => Err(
            "url without TLS could be read by others on the way; use https:// (http:// is for addresses of your own network)"
                .to_owned(),
        ),
        _ => Err(wrong()),
    }
}

/// The same of an address that has a usual value, without a slash at its end.
pub(crate) fn base(given: Option<&Secret>, usual: &str) -> Result<String, String> {
    let address = given.map_or_else(|| Ok(usual.to_owned()), web_address)?;
    Ok(address.trim_end_matches('/').to_owned())
}

/// Whether a host is this machine or one of its own network.
pub(crate) fn is_own_network(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(four)) => four.is_loopback() || four.is_private() || four.is_link_local(),
        Ok(IpAddr::V6(six)) => {
            six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local()
        }
        Err(_) => {
            let endings = [".local", ".lan", ".internal", ".home.arpa"];
            !bare.contains('.') || endings.iter().any(|ending| bare.ends_with(ending))
        }
    }
}

/// A text as a part of an address (RFC 3986, 2.1).
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A form's body (application/x-www-form-urlencoded).
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// A request with a JSON body.
pub(crate) fn post_json(url: String, body: &serde_json::Value) -> Request {
    Request::post(url, "application/json", body.to_string())
}

#[cfg(test)]
mod tests;
