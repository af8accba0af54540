//! What events are counted by. A key is a kind and a text: `port tcp/445`, `user root`. Series, rankings and signs all
//! speak of keys.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Port;

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// Everything: one key.
    Total,
    /// Transport and port, `tcp/445`.
    Port,
    /// Application protocol.
    Service,
    /// Address of the visitor.
    Source,
    /// User name tried.
    User,
    /// Password tried.
    Password,
    /// Line given to a shell.
    Command,
    /// Target of an HTTP request.
    Path,
    /// Content, by SHA-256.
    Payload,
    /// What the visitor's software says of itself.
    Client,
    /// User name and password tried together, with a `/` between.
    Pair,
    /// What a shell line has in common with its variants (see [`crate::family_of`]).
    CommandFamily,
    /// The same of the target of an HTTP request.
    PathFamily,
    /// Fingerprint of the visitor's software with its kind in front: `hassh:…`, `ja4:…`.
    Fingerprint,
    /// The visitor's network: `198.51.0.0/16`, `2001:db8::/32` (see [`crate::network_of`]), or `AS64496` where the store has a table of
    /// autonomous systems.
    Network,
    /// Content that is much alike ([`crate::likeness`]), by the SHA-256 of the first of them; only the store can tell it.
    PayloadCluster,
    /// The visitor's country, by its two letters: `DE`; only the store can tell it.
    Country,
    /// What a request was recognised as, by a CVE's or a product's name, or as which kind of reflected flood.
    Signature,
    /// What a request is after: `traversal`, or `unknown`.
    RequestClass,
    /// The port of a machine elsewhere that answers what we never sent it, `tcp/443`: it is attacked with forged senders.
    Backscatter,
    /// Whose scanner a visitor is, where the store has him on a list of known ones: `Censys`. Detection does not watch it.
    Scanner,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::Total,
        Self::Port,
        Self::Service,
        Self::Source,
        Self::User,
        Self::Password,
        Self::Command,
        Self::Path,
        Self::Payload,
        Self::Client,
        Self::Pair,
        Self::CommandFamily,
        Self::PathFamily,
        Self::Fingerprint,
        Self::Network,
        Self::PayloadCluster,
        Self::Country,
        Self::Signature,
        Self::RequestClass,
        Self::Backscatter,
        Self::Scanner,
    ];

    /// The word for one: `port`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Port => "port",
            Self::Service => "service",
            Self::Source => "source",
            Self::User => "user",
            Self::Password => "password",
            Self::Command => "command",
            Self::Path => "path",
            Self::Payload => "payload",
            Self::Client => "client",
            Self::Pair => "pair",
            Self::CommandFamily => "command-family",
            Self::PathFamily => "path-family",
            Self::Fingerprint => "fingerprint",
            Self::Network => "network",
            Self::PayloadCluster => "payload-cluster",
            Self::Country => "country",
            Self::Signature => "signature",
            Self::RequestClass => "request-class",
            Self::Backscatter => "backscatter",
            Self::Scanner => "scanner",
        }
    }

    /// The word for many, as `kizashi top` takes it: `ports`.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Port => "ports",
            Self::Service => "services",
            Self::Source => "sources",
            Self::User => "users",
            Self::Password => "passwords",
            Self::Command => "commands",
            Self::Path => "paths",
            Self::Payload => "payloads",
            Self::Client => "clients",
            Self::Pair => "pairs",
            Self::CommandFamily => "command-families",
            Self::PathFamily => "path-families",
            Self::Fingerprint => "fingerprints",
            Self::Network => "networks",
            Self::PayloadCluster => "payload-clusters",
            Self::Country => "countries",
            Self::Signature => "signatures",
            Self::RequestClass => "request-classes",
            Self::Backscatter => "backscatter",
            Self::Scanner => "scanners",
        }
    }

    /// The kind of this word, singular or plural.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name || kind.plural() == name)
    }
}

/// One thing that is counted. `text` of the kinds from `User` on is chosen by attackers: show it escaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// What kind of thing.
    pub kind: KeyKind,
    /// Which one.
    pub text: Arc<str>,
}

/// The text named no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a key: write tcp/445, total, or a kind and a name such as user:root or country/DE (kinds: {})",
    kinds()
)]
pub struct ParseKeyError;

fn kinds() -> String {
    KeyKind::ALL.map(KeyKind::name).join(", ")
}

impl Key {
    /// The key that counts everything.
    #[must_use]
    pub fn total() -> Self {
        Self::new(KeyKind::Total, "")
    }

    /// A key of any kind.
    #[must_use]
    pub fn new(kind: KeyKind, text: &str) -> Self {
        Self { kind, text: Arc::from(text) }
    }

    /// The key of a port.
    #[must_use]
    pub fn port(port: Port) -> Self {
        Self::new(KeyKind::Port, &port.to_string())
    }

    /// Reads the form that `Display` writes, undoing the escapes of hostile kinds: for keys that Kizashi itself wrote.
    ///
    /// # Errors
    /// When the text names no key.
    pub fn from_shown(shown: &str) -> Result<Self, ParseKeyError> {
        let key: Self = shown.parse()?;
        Ok(match key.kind {
            KeyKind::Port | KeyKind::Total => key,
            kind => Self::new(kind, &crate::text::unescape(&key.text)),
        })
    }

    /// The port, when this is a port's key.
    #[must_use]
    pub fn as_port(&self) -> Option<Port> {
        if self.kind == KeyKind::Port { Port::parse(&self.text) } else { None }
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        if let Some(port) = Port::parse(text) {
            return Ok(Self::port(port));
        }
        if text == KeyKind::Total.name() {
            return Ok(Self::total());
        }
        let (kind, name) = text.split_once([':', '/']).ok_or(ParseKeyError)?;
        match KeyKind::from_name(kind).ok_or(ParseKeyError)? {
            KeyKind::Country => Ok(Self::new(KeyKind::Country, &name.to_ascii_uppercase())),
            kind => Ok(Self::new(kind, name)),
        }
    }
}

impl fmt::Display for Key {
    /// The form that [`Key::from_str`] reads; of hostile kinds it is escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            KeyKind::Port => formatter.write_str(&self.text),
            KeyKind::Total => formatter.write_str(KeyKind::Total.name()),
            kind => write!(formatter, "{}:{}", kind.name(), crate::escape_for_people(&self.text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["tcp/445", "udp/53", "total", "user:root", "path:/.env?a:b"] {
            assert_eq!(text.parse::<Key>().map(|key| key.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("users:root".parse::<Key>(), Ok(Key::new(KeyKind::User, "root")));
        assert_eq!("country/de".parse::<Key>(), Ok(Key::new(KeyKind::Country, "DE")));
        assert!("tcp/99999".parse::<Key>().is_err() && "root".parse::<Key>().is_err());
    }

    #[test]
    fn a_key_that_was_shown_is_known_again() {
        for text in ["root", "\u{1b}[2J\\x1b\n\u{202e}", "a\\", "\\u{zz}", "兆\u{9b}"] {
            let key = Key::new(KeyKind::Password, text);
            assert_eq!(Key::from_shown(&key.to_string()), Ok(key));
        }
    }

    #[test]
    fn a_hostile_key_is_shown_harmless() {
        assert_eq!(Key::new(KeyKind::User, "\u{1b}[2J").to_string(), "user:\\x1b[2J");
    }
}
