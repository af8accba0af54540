//! What a visitor did, one variant a kind. Fields hold what the field's tools record; whatever has no field of its own is
//! kept as [`Detail::Note`], so that no log loses a line.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Attempt, Backscatter, HostileText, KeyKind, Scan, family_of};

/// Events that one [`Detail::Counted`] may stand for: more than any house sees in the second that it covers.
pub const MOST_COUNTED: u64 = 1_000_000;

/// The name of a [`Detail::Note`] whose value says which kind of reflected flood was tried. It is counted as a signature.
pub const AMPLIFICATION: &str = "amplification";

/// SHA-256 of a payload.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadHash(pub [u8; 32]);

impl PayloadHash {
    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for PayloadHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for PayloadHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for PayloadHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text)
                .ok_or_else(|| serde::de::Error::custom("a SHA-256 has 64 hexadecimal digits"))
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}

/// How a payload reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadOrigin {
    /// Bytes that the visitor sent as the protocol's own first or only message.
    Sent,
    /// A file put there by the visitor (SFTP, SCP, FTP, form upload).
    Upload,
    /// A file that the visitor told the trap to fetch. Kizashi itself never fetches; other honeypots do.
    Download,
    /// A file written by shell redirection, here-document or `echo`.
    Redirect,
}

/// Content that a visitor sent or caused to be written: known by its hash, kept once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// SHA-256 of the whole content as far as it was received.
    pub sha256: PayloadHash,
    /// Bytes received, also of those past the bound that are not in `content`; `None` where a foreign log does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The bytes themselves up to the trap's bound; empty where a foreign log has only the hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<u8>,
    /// How it reached us.
    pub origin: PayloadOrigin,
    /// The file's name as the visitor gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<HostileText>,
    /// Where the visitor wanted it fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<HostileText>,
    /// The trap had no room to pass `content` on: of what was received its length and hash alone are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// An HTTP request, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method as sent; any token, or none where nothing could be read.
    pub method: HostileText,
    /// The request target as sent: path and query, or absolute form.
    pub target: HostileText,
    /// `HTTP/1.1`, or what stood in its place.
    pub version: HostileText,
    /// Header names and values in the order sent, case kept.
    pub headers: Vec<(HostileText, HostileText)>,
    /// The status with which the trap answered, where one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the bytes broke the grammar of RFC 9112.
    pub malformed: bool,
    /// What kind of attack it is: `traversal`, `credential-form`; `ordinary`, or `unknown` where no rule knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<HostileText>,
    /// The CVE or product, where a rule knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<HostileText>,
    /// How the client writes requests ([`crate::http_print`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<HostileText>,
    /// JA4H as earlier versions told it: read, so that old stores go on meaning what they meant, and made no more (docs/fingerprints.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja4h: Option<HostileText>,
    /// How the client began the HTTP/2 connection that brought it, in Akamai's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2: Option<HostileText>,
}

impl Detail {
    /// Whether what is told takes a connection that was opened both ways, so that the address of who did it is his own: neither a lone
    /// segment nor a datagram shows that.
    #[must_use]
    pub fn proves_a_connection(&self) -> bool {
        match self {
            Self::Packet | Self::Scan(_) | Self::Backscatter(_) | Self::Counted { .. } => false,
            Self::Attempt(attempt) => attempt.outcome == Some(crate::Outcome::Completed),
            _ => true,
        }
    }
}

impl Request {
    /// The value of the first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&HostileText> {
        self.headers
            .iter()
            .find(|(header, _)| header.raw().eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The keys that a request gives.
    fn each_key(&self, count: &mut impl FnMut(KeyKind, &str)) {
        count(KeyKind::Path, self.target.raw());
        count(KeyKind::PathFamily, &family_of(self.target.raw()));
        if let Some(rule) = &self.rule {
            count(KeyKind::Signature, rule.raw());
        }
        if let Some(class) = &self.class {
            count(KeyKind::RequestClass, class.raw());
        }
        if let Some(print) = &self.print {
            count(KeyKind::Fingerprint, &format!("http:{}", print.raw()));
        }
        if let Some(ja4h) = &self.ja4h {
            // The client; the other two parts are what one server once gave him.
            let client: Vec<&str> = ja4h.raw().splitn(3, '_').take(2).collect();
            count(KeyKind::Fingerprint, &format!("ja4h:{}", client.join("_")));
        }
        if let Some(http2) = &self.http2 {
            count(KeyKind::Fingerprint, &format!("http2:{}", http2.raw()));
        }
        if let Some(agent) = self.header("user-agent").filter(|text| !text.raw().is_empty()) {
            count(KeyKind::Client, agent.raw());
        }
    }
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// A packet or connection attempt, seen without a session.
    Packet,
    /// An attempt to reach a port, as a capture saw it.
    Attempt(Box<Attempt>),
    /// What many attempts of one source have in common; counts nothing by itself.
    Scan(Box<Scan>),
    /// Answers to what we never sent: an attack on somebody else. They are counted by [`KeyKind::Backscatter`] alone.
    Backscatter(Backscatter),
    /// A session begins.
    Connect,
    /// A session ends.
    Close {
        /// How long it lasted, in milliseconds, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// Bytes received from the visitor, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        received: Option<u64>,
    },
    /// What the visitor's software says of itself.
    Client {
        /// Banner, product or user agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<HostileText>,
        /// A fingerprint with its kind in front: `hassh:…`, `ja4:…`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<HostileText>,
        /// The lists of algorithms that the fingerprint is made of, where it is one of SSH ([`crate::SshOffer`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        algorithms: Option<HostileText>,
    },
    /// A login try.
    Login {
        /// The user name; `None` where the protocol has none (VNC).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<HostileText>,
        /// The password; `None` where none was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<HostileText>,
        /// The fingerprint of the public key offered, where one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public_key: Option<HostileText>,
        /// Whether the trap let the visitor in.
        accepted: bool,
    },
    /// A line given to a shell or an interpreter.
    Command {
        /// The line.
        line: HostileText,
        /// Whether the trap knew the command, where it tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        known: Option<bool>,
    },
    /// An HTTP request.
    Request {
        /// The request without its body.
        request: Box<Request>,
        /// The body, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Box<Payload>>,
    },
    /// Content captured.
    Payload(Box<Payload>),
    /// A part of what a terminal session looked like ([`crate::frames`]); its content is kept as a payload's is, but is none.
    Recording {
        /// Its place among the session's parts, from 0.
        part: u32,
        /// The part itself.
        content: Box<Payload>,
    },
    /// The visitor asked the trap to connect onward. Never done.
    Forward {
        /// The host asked for.
        host: HostileText,
        /// The port asked for.
        port: u16,
        /// The first bytes that should have gone there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<HostileText>,
    },
    /// This visitor did more than is told one by one: so many events stand behind this one. They count, what they said is not kept.
    Counted {
        /// Events that were not told; at least 1, at most [`MOST_COUNTED`].
        events: u64,
        /// Those of them that opened a session.
        sessions: u64,
    },
    /// Anything else worth keeping, under a name.
    Note {
        /// What it is, such as `terminal size` or `cowrie.telnet.option`.
        name: HostileText,
        /// Its value.
        value: HostileText,
    },
}

/// Whether a note of this name says what kind of attack was tried, in a trap's own few words: a reflected flood, what a database
/// was asked to do (`redis class: cron drop`), a hole of Windows (`smb exploit: MS17-010`). Such are counted as rules' names are.
fn is_class(name: &str) -> bool {
    matches!(name, AMPLIFICATION | "doublepulsar")
        || [" class", " exploit"].iter().any(|end| name.ends_with(end))
}

impl Detail {
    /// The name of the kind, for ECS `event.action` and for people.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Packet => "packet",
            Self::Attempt(_) => "attempt",
            Self::Scan(_) => "scan",
            Self::Backscatter(_) => "backscatter",
            Self::Connect => "connect",
            Self::Close { .. } => "close",
            Self::Client { .. } => "client",
            Self::Login { .. } => "login",
            Self::Command { .. } => "command",
            Self::Request { .. } => "request",
            Self::Payload(_) => "payload",
            Self::Recording { .. } => "recording",
            Self::Forward { .. } => "forward",
            Self::Counted { .. } => "counted",
            Self::Note { .. } => "note",
        }
    }

    /// Calls `count` with each key that this detail alone gives: what the visitor tried, said and sent.
    pub fn each_key(&self, mut count: impl FnMut(KeyKind, &str)) {
        match self {
            Self::Login { username, password, .. } => {
                if let Some(username) = username {
                    count(KeyKind::User, username.raw());
                }
                if let Some(password) = password {
                    count(KeyKind::Password, password.raw());
                }
                if let (Some(username), Some(password)) = (username, password) {
                    count(KeyKind::Pair, &format!("{}/{}", username.raw(), password.raw()));
                }
            }
            Self::Command { line, .. } => {
                count(KeyKind::Command, line.raw());
                count(KeyKind::CommandFamily, &family_of(line.raw()));
            }
            Self::Request { request, .. } => request.each_key(&mut count),
            Self::Client { version, fingerprint, .. } => {
                if let Some(version) = version {
                    count(KeyKind::Client, version.raw());
                }
                if let Some(fingerprint) = fingerprint {
                    count(KeyKind::Fingerprint, fingerprint.raw());
                }
            }
            Self::Note { name, value } if is_class(name.raw()) => {
                count(KeyKind::Signature, &format!("{}: {}", name.raw(), value.raw()));
            }
            Self::Attempt(attempt) => {
                for fingerprint in &attempt.fingerprints {
                    count(KeyKind::Fingerprint, fingerprint.raw());
                }
            }
            _ => {}
        }
        if let Some(payload) = self.payload() {
            count(KeyKind::Payload, &payload.sha256.to_string());
        }
    }

    /// The content carried, for taking it out: a payload's or a recording's.
    pub fn payload_mut(&mut self) -> Option<&mut Payload> {
        match self {
            Self::Payload(payload) => Some(payload),
            Self::Recording { content, .. } => Some(content),
            Self::Request { body, .. } => body.as_deref_mut(),
            _ => None,
        }
    }

    /// Leaves out the content carried, so that what is told of it is its length and hash; whether there was any.
    pub fn leave_content_out(&mut self) -> bool {
        let Some(payload) = self.payload_mut().filter(|payload| !payload.content.is_empty()) else {
            return false;
        };
        payload.content = Vec::new();
        payload.left_out = true;
        true
    }

    /// The same, for looking at it: a payload's content or a recording's.
    #[must_use]
    pub fn carried(&self) -> Option<&Payload> {
        match self {
            Self::Recording { content, .. } => Some(content),
            _ => self.payload(),
        }
    }

    /// The payload carried, be it alone or as a request's body.
    #[must_use]
    pub fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Payload(payload) => Some(payload),
            Self::Request { body, .. } => body.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_an_earlier_version_stored_still_counts_by_its_ja4h() {
        let stored = r#"{"request":{"request":{"method":"GET","target":"/","version":"HTTP/1.1","headers":[],"malformed":false,"ja4h":"ge11nn030000_aaaaaaaaaaaa_000000000000_000000000000"}}}"#;
        let detail: Detail = serde_json::from_str(stored).unwrap();
        let mut prints = Vec::new();
        detail.each_key(|kind, text| {
            if kind == KeyKind::Fingerprint {
                prints.push(text.to_owned());
            }
        });
        assert_eq!(prints, ["ja4h:ge11nn030000_aaaaaaaaaaaa"]);
    }

    #[test]
    fn a_hash_survives_text_and_json_and_a_wrong_one_is_refused() {
        let text = "69c24d6b4b4fa5f4b740669c8b97302f73bb6ac424e2b793b8bb41469d7717cd";
        let hash = PayloadHash::parse(text).unwrap();
        assert_eq!(hash.to_string(), text);
        assert_eq!(
            serde_json::from_str::<PayloadHash>(&serde_json::to_string(&hash).unwrap()).unwrap(),
            hash
        );
        assert_eq!(PayloadHash::parse(&text[1..]), None);
        assert_eq!(PayloadHash::parse(&text.replace('6', "g")), None);
    }
}
