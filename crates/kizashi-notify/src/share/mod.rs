//! Signs and their sources for other programs: one file a form. Everything here is a function of what was gathered; nothing is sent.
//!
//! A list that others block by can do harm, so a source is on it only if it made a connection (an address of a datagram or of a lone SYN may be
//! forged, and whoever forges them would choose whom others block), for a set time, and never if it is one of [`Allowed`].

mod allowed;
mod atom;
mod blocklists;
mod csv;
mod ecs;
mod json_feed;
mod misp;
mod otlp;
mod stix;
mod taxii;

use std::collections::BTreeMap;
use std::net::IpAddr;

use kizashi_event::{Key, KeyKind, Timestamp};
use kizashi_signs::{Campaigns, Scope, Sign, SignKind};
use kizashi_store::{Places, Reader, Span, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use allowed::Allowed;
pub(crate) use otlp::otlp;
pub use taxii::{TaxiiAnswer, taxii};

use crate::message::hex;
use crate::{Background, Notice};

/// Sources gathered at most.
const MOST_SOURCES: usize = 10_000;
/// Signs gathered at most.
const MOST_SIGNS: usize = 500;

/// `[share]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Share {
    /// Addresses and networks that are on no list, whatever they do; your own and those of current logins need not be named.
    pub allow: Vec<String>,
    /// Days that a source stays on the lists after its sign.
    pub days: u32,
    /// Whether known scanners are on the lists.
    pub scanners: bool,
}

impl Default for Share {
    fn default() -> Self {
        Self { allow: Vec::new(), days: 7, scanners: false }
    }
}

impl Share {
    /// Refuses what means nothing.
    ///
    /// # Errors
    /// In a sentence.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=365).contains(&self.days) {
            return Err("days under [share] must be 1 to 365".to_owned());
        }
        Allowed::of(&self.allow).map(drop).map_err(|error| format!("allow under [share]: {error}"))
    }
}

/// What is shared: made once, written in any form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared {
    /// The sensor's name.
    pub sensor: String,
    /// When it was gathered.
    pub now: Timestamp,
    /// Signs, the latest first.
    pub notices: Vec<Notice>,
    /// Sources, ordered by address.
    pub sources: Vec<Source>,
}

/// A source that a sign tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its address.
    pub address: IpAddr,
    /// Its events under those signs.
    pub events: u64,
    /// When the first of its signs began.
    pub since: Timestamp,
    /// Until when it is listed.
    pub until: Timestamp,
    /// The ids of its signs: at most eight.
    pub signs: Vec<String>,
}

/// A form to share in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An address a line.
    Blocklist,
    /// A table for `nft -f`.
    Nftables,
    /// Lines for `ipset restore`.
    Ipset,
    /// A log that a filter of fail2ban reads.
    Fail2ban,
    /// Decisions for `cscli decisions import`.
    Crowdsec,
    /// A table of signs for spreadsheets.
    Csv,
    /// STIX 2.1.
    Stix,
    /// A MISP event.
    Misp,
    /// A document of the Elastic Common Schema a line.
    Ecs,
    /// OTLP logs as JSON.
    Otlp,
    /// Atom.
    Atom,
    /// JSON Feed 1.1.
    JsonFeed,
}

impl Form {
    /// The kind of content (RFC 6838).
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Blocklist | Self::Nftables | Self::Ipset | Self::Fail2ban => {
                "text/plain; charset=utf-8"
            }
            Self::Crowdsec | Self::Misp | Self::Otlp => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Stix => "application/stix+json;version=2.1",
            Self::Ecs => "application/x-ndjson",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::JsonFeed => "application/feed+json",
        }
    }
}

impl Shared {
    /// Gathers the signs of the last days, named by these campaigns, and who made them. What this machine runs is nothing to share.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn gather(
        reader: &Reader,
        settings: &Share,
        places: &Places,
        allowed: &Allowed,
        campaigns: &Campaigns,
        (sensor, now): (&str, Timestamp),
    ) -> Result<Self, StoreError> {
        let background = Background { campaigns, machine: None };
        let listed_for = i64::from(settings.days) * Timestamp::DAY;
        let mut shared = Self { sensor: sensor.to_owned(), now, ..Self::default() };
        let mut sources: BTreeMap<IpAddr, Source> = BTreeMap::new();
        for stored in reader.signs(MOST_SIGNS)? {
            let Some((sign, evidence)) = Sign::of_stored(&stored) else { continue };
            let until = if sign.open { now } else { sign.until }.plus(listed_for);
            if until <= now {
                continue;
            }
            // A key that cannot be read, or is everything, would put everybody on the list.
            let key = Key::from_shown(&sign.key).ok().filter(|key| key.kind != KeyKind::Total);
            if let Some(key) = key.filter(|_| sign.kind == SignKind::Rise) {
                let span = Span { since: Some(sign.since), until: Some(sign.until.plus(1)) };
                let room = MOST_SOURCES.saturating_sub(sources.len());
                let made = match &sign.scope {
                    Some(Scope::Sensor(sensor)) => {
                        reader.proven_sources_at(sensor, (Some(&key), span), room)?
                    }
                    // Which sensors a group has is not known here: of its signs it is whoever came to any.
                    _ => reader.proven_sources(Some(&key), span, room)?,
                };
                for (address, events) in made {
                    let is_scanner = !settings.scanners && places.scanner(address).is_some();
                    if is_scanner || allowed.holds(address) {
                        continue;
                    }
                    let source = sources.entry(address).or_insert_with(|| Source {
                        address,
                        events: 0,
                        since: sign.since,
                        until,
                        signs: Vec::new(),
                    });
                    source.add(&sign, events, until);
                }
            }
            shared.notices.push(Notice::told(&sign, &evidence, &background));
        }
        shared.sources = sources.into_values().collect();
        Ok(shared)
    }

    /// The whole of it in a form.
    #[must_use]
    pub fn write(&self, form: Form) -> String {
        match form {
            Form::Blocklist => blocklists::plain(self),
            Form::Nftables => blocklists::nftables(self),
            Form::Ipset => blocklists::ipset(self),
            Form::Fail2ban => blocklists::fail2ban(self),
            Form::Crowdsec => blocklists::crowdsec(self),
            Form::Csv => csv::csv(self),
            Form::Stix => stix::bundle(self).to_string(),
            Form::Misp => misp::misp(self).to_string(),
            Form::Ecs => ecs::ecs(self),
            Form::Otlp => otlp(&self.notices, (&self.sensor, ""), self.now).to_string(),
            Form::Atom => atom::atom(self),
            Form::JsonFeed => json_feed::json_feed(self).to_string(),
        }
    }
}

impl Source {
    fn add(&mut self, sign: &Sign, events: u64, until: Timestamp) {
        const MOST: usize = 8;
        self.events = self.events.saturating_add(events);
        self.since = self.since.min(sign.since);
        self.until = self.until.max(until);
        if self.signs.len() < MOST {
            self.signs.push(sign.id.clone());
        }
    }

    /// Seconds that it is still listed.
    fn seconds(&self, now: Timestamp) -> i64 {
        (self.until.since(now) / Timestamp::SECOND).max(1)
    }
}

/// A UUID that is made of a name, and always the same (RFC 9562, 5.5, of SHA-256).
pub(crate) fn uuid(name: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(format!("kizashi\0{name}"))[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    let at = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", at(0..8), at(8..12), at(12..16), at(16..20), at(20..32))
}

/// The English story as one text.
fn text_of(notice: &Notice) -> String {
    let parts = notice.en.parts.iter().map(|part| format!("{}\n{}", part.heading, part.text));
    parts.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests;
