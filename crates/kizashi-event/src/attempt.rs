//! What a capture sees of visitors without speaking to them: one attempt to reach a port, and what an attempt is part of.

use serde::{Deserialize, Serialize};

use crate::{HostileText, Port};

/// What became of the attempt to open a TCP connection, as far as was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing came back.
    Unanswered,
    /// It was refused: nothing listens there, or a rule says so.
    Refused,
    /// It was answered, and the visitor left it at that, as half-open scans do.
    HalfOpen,
    /// The connection was opened.
    Completed,
}

impl Outcome {
    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::HalfOpen => "half-open",
            Self::Completed => "completed",
        }
    }
}

/// One attempt to reach a port. Sent again it is the same attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What became of it; `None` where the transport opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How often it was sent again before its outcome was known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats: u32,
    /// How the first segment looks, in p0f's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<HostileText>,
    /// How many routers seem to lie between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<u8>,
    /// What it shows of the visitor, with the kind in front: `os:linux-5`, `scanner:zmap`, `tcp:…`
    /// (earlier versions told `ja4t:…` in its place, which is read as any other).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<HostileText>,
    /// The largest packet that the visitor's link seems to take, by the segment size that he offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// Minutes since the visitor's system began, where its kind does not hide that and two segments agree on its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_minutes: Option<u32>,
    /// A trap answered it and tells the session itself: it adds to the counts of its fingerprints and to no other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trapped: bool,
}

impl Attempt {
    /// What links have this largest packet; `None` where it says nothing.
    #[must_use]
    pub fn link(&self) -> Option<&'static str> {
        Some(match self.mtu? {
            65_495.. | 16_384 | 16_436 => "loopback",
            8_900..=9_216 => "jumbo Ethernet",
            1_500 => "Ethernet",
            1_492 => "PPPoE",
            1_480 => "IP in IP",
            1_476 => "GRE",
            1_460 | 1_454 => "DSL",
            1_440 | 1_420 | 1_412 => "WireGuard",
            1_300..=1_410 => "VPN",
            1_280 => "least of IPv6",
            576 => "least of IPv4",
            _ => return None,
        })
    }
}

/// What kind of answer came to what we never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackscatterKind {
    /// The other side of a connection that somebody began in our name.
    SynAck,
    /// A refusal.
    Rst,
    /// An ICMP error, or the answer to an echo.
    Icmp,
}

impl BackscatterKind {
    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynAck => "syn-ack",
            Self::Rst => "rst",
            Self::Icmp => "icmp",
        }
    }
}

/// Answers of one machine to what we never sent it: somebody attacks it with our address as the sender's. The event's source is
/// that machine and its port is the one that is attacked; the time is the first answer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backscatter {
    /// What kind of answers.
    pub kind: BackscatterKind,
    /// How many.
    pub packets: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The order in which a scan took its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScanOrder {
    /// From low to high.
    Ascending,
    /// From high to low.
    Descending,
    /// Mixed.
    Mixed,
}

impl ScanOrder {
    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
            Self::Mixed => "mixed",
        }
    }
}

/// How a scan chose its ports, as far as they show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScanPattern {
    /// One after the other, a range from end to end.
    Sequential,
    /// A range, or all ports, in an order that follows nothing.
    Random,
    /// Ports that were picked.
    List,
    /// A few ports, again and again on one of our addresses after the other.
    Sweep,
}

impl ScanPattern {
    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequential => "one after the other",
            Self::Random => "at random",
            Self::List => "by a list",
            Self::Sweep => "sweeping addresses",
        }
    }
}

/// Many attempts of one source, which are told one by one too: this says what they have in common and counts nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Different ports.
    pub ports: u32,
    /// Different addresses of ours, as far as they were told apart.
    pub destinations: u32,
    /// Attempts.
    pub attempts: u64,
    /// From the first to the last, in milliseconds.
    pub duration_ms: u64,
    /// In which order.
    pub order: ScanOrder,
    /// How it chose them; scans of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<ScanPattern>,
    /// Lowest and highest port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<(u16, u16)>,
    /// The first ports, in the order in which they came.
    pub first_ports: Vec<Port>,
}

impl Scan {
    /// Ports that [`Self::first_ports`] holds at most.
    pub const MOST_FIRST_PORTS: usize = 32;
}
