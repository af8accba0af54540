//! A sign: what a person is told. Its JSON fields are part of Kizashi's contract.

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_store::{Evidence, StoredSign};
use serde::{Deserialize, Serialize};

use crate::{Recognition, Scope, SeenAt};

/// Characters of a key in a sign's id.
const LONGEST_IN_ID: usize = 40;
/// Characters of a key in a sentence.
const LONGEST_SHOWN: usize = 120;
/// Sensors named in a sentence.
const MOST_PLACES: usize = 3;

/// What a person calls a key of this kind.
const fn key_label(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Total => "everything",
        KeyKind::Port => "port",
        KeyKind::Service => "service",
        KeyKind::Source => "visitor",
        KeyKind::User => "user name tried",
        KeyKind::Password => "password tried",
        KeyKind::Pair => "user name and password tried",
        KeyKind::Command => "command given",
        KeyKind::CommandFamily => "commands of one form",
        KeyKind::Path => "page asked for",
        KeyKind::PathFamily => "pages of one form asked for",
        KeyKind::Payload => "content sent",
        KeyKind::Client => "software",
        KeyKind::Fingerprint => "fingerprint of software",
        KeyKind::Network => "network of visitors",
        KeyKind::Country => "country of visitors",
        KeyKind::PayloadCluster => "content of one form sent",
        KeyKind::Signature => "request of a known attack or search",
        KeyKind::RequestClass => "requests of one kind",
        KeyKind::Backscatter => "attacked elsewhere with forged senders",
        KeyKind::Scanner => "visits of a known scanner",
    }
}

/// What a person calls this key: of a country its name too.
pub(crate) fn label_of_key(key: &Key) -> String {
    let label = key_label(key.kind);
    match kizashi_store::country_name(&key.text).filter(|_| key.kind == KeyKind::Country) {
        Some(name) => format!("{label}: {name}"),
        None => label.to_owned(),
    }
}

/// What kind of change a sign tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignKind {
    /// More distinct sources come to one port than its past explains.
    Rise,
    /// Many ports rise in the same bin: more likely the sensor's own doing (back from an outage, a new address).
    SensorWide,
    /// Nothing comes any more to ports that somebody came to every day.
    PortSilent,
    /// Nothing comes any more at all.
    SensorSilent,
    /// A trap's process did what no trap does: whoever spoke to it broke into it. Raised by the house, not by detection.
    Misbehaviour,
    /// The hub of a fleet hears nothing of a sensor any more. Raised by the hub, not by detection.
    SensorAway,
}

/// How much a sign asks of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look when there is time.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// Worth getting up for.
    Critical,
}

impl Severity {
    /// `low`, `medium`, `high` or `critical`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One line of an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What is told: `new sources a day`.
    pub name: &'static str,
    /// Its value, for a person.
    pub value: String,
}

/// A sign that is over and was the same campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Its id.
    pub id: String,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub since: Timestamp,
    /// Distinct sources that it had.
    pub sources: u64,
}

/// Alarms made one story for a person. Times are UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    /// Made of the time of detection and the key, so that the same data give the same id again.
    pub id: String,
    /// What kind of change.
    pub kind: SignKind,
    /// What rises, in the form of [`Key`]: `tcp/445`, or `total`.
    pub key: String,
    /// What people know it as: `SMB file sharing`.
    pub label: String,
    /// When the change began, as far as can be told: the start of the bin.
    #[serde(with = "rfc3339")]
    pub since: Timestamp,
    /// When it was raised: the end of the bin that told.
    #[serde(with = "rfc3339")]
    pub detected: Timestamp,
    /// By chance at most once in so many days on this machine: the most reached so far, at most 10,000.
    pub days: f64,
    /// Rate of new sources since the start over the rate before.
    pub ratio: f64,
    /// Lower end of its 95 % interval.
    pub ratio_low: f64,
    /// Upper end of its 95 % interval.
    pub ratio_high: f64,
    /// Events since the start.
    pub events: u64,
    /// Distinct sources since the start; a source counts once in 24 hours a port.
    pub sources: u64,
    /// Sources that the past made one expect in that time.
    pub expected_sources: f64,
    /// How much it asks of a person.
    pub severity: Severity,
    /// The campaign, where it is recognised.
    pub name: Option<String>,
    /// What its visitors are recognised as, and by which marks.
    #[serde(default)]
    pub recognised: Recognition,
    /// The sign that is over and was the same campaign, where it was here before.
    #[serde(default)]
    pub returned: Option<Returned>,
    /// Whether it still goes on.
    pub open: bool,
    /// The moment up to which `events` and `sources` are counted.
    #[serde(with = "rfc3339")]
    pub until: Timestamp,
    /// Sources a day before the start.
    pub before: f64,
    /// Sources a day since.
    pub after: f64,
    /// Ports that rose together, of a sensor-wide sign, or that fell silent together: the first 64.
    pub ports: Vec<String>,
    /// Other keys that rose with largely the same new sources, in the form of [`Key`]: at most 16.
    #[serde(default)]
    pub also: Vec<String>,
    /// How many rose or fell silent: 1, or of a sensor-wide sign all of them.
    pub rising: usize,
    /// At a fleet's hub the group or sensor at which it is seen, where that is not all of them together.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// At a fleet's hub, of a sign of many sensors: which of them see it, and which groups.
    #[serde(default)]
    pub seen_at: Option<SeenAt>,
}

impl Sign {
    /// What the ids of [`SignKind::Misbehaviour`] end with.
    pub const MISBEHAVED: &str = "-trap-misbehaved";

    /// What the ids of [`SignKind::SensorAway`] end with.
    pub const AWAY: &str = "-away";

    /// What the ids of signs that the house raises end with: detection that is run anew raises none of them again.
    pub const OF_THE_HOUSE: &'static [&'static str] = &[Self::MISBEHAVED, Self::AWAY];

    /// What the ids of signs of silence end with: a port may rise and have been silent in one day.
    pub const SILENT: &str = "-silent";

    /// A stored sign and what its visitors did; `None` where a later Kizashi wrote what this one cannot read.
    #[must_use]
    pub fn of_stored(stored: &StoredSign) -> Option<(Self, Evidence)> {
        let sign = serde_json::from_str(&stored.json).ok()?;
        let evidence = stored.evidence.as_deref().and_then(|json| serde_json::from_str(json).ok());
        Some((sign, evidence.unwrap_or_default()))
    }

    /// A sign on `key` detected at `detected`, whose numbers are still to be told.
    pub(crate) fn begun(kind: SignKind, key: &Key, detected: Timestamp) -> Self {
        Self {
            id: Self::id_of(detected, key),
            kind,
            key: key.to_string(),
            label: String::new(),
            since: detected,
            detected,
            days: 0.0,
            ratio: 1.0,
            ratio_low: 1.0,
            ratio_high: 1.0,
            events: 0,
            sources: 0,
            expected_sources: 0.0,
            severity: Severity::Low,
            name: None,
            recognised: Recognition::default(),
            returned: None,
            open: true,
            until: detected,
            before: 0.0,
            after: 0.0,
            ports: Vec::new(),
            also: Vec::new(),
            rising: 1,
            scope: None,
            seen_at: None,
        }
    }

    /// A trap's process did `what` (half a sentence of our own words: "it was killed for ...") and was replaced.
    #[must_use]
    pub fn misbehaviour(what: &str, at: Timestamp) -> Self {
        let mut sign = Self::begun(SignKind::Misbehaviour, &Key::total(), at);
        sign.id = format!(
            "{}{}",
            Self::id_of(at, &Key::total()).trim_end_matches("-total"),
            Self::MISBEHAVED
        );
        sign.label = format!("the trap misbehaved: {what}");
        sign.severity = Severity::Critical;
        sign.name = Some("trap misbehaved".to_owned());
        sign.open = false;
        sign
    }

    /// The hub of a fleet has heard nothing of `sensor` since `since`.
    #[must_use]
    pub fn sensor_away(sensor: &str, since: Timestamp, at: Timestamp) -> Self {
        let mut sign = Self::begun(SignKind::SensorAway, &Key::total(), at);
        let time = Self::id_of(at, &Key::total());
        sign.id = format!("{}-sensor-{sensor}{}", time.trim_end_matches("-total"), Self::AWAY);
        sign.label = format!("sensor {sensor}");
        sign.since = since;
        sign.severity = Severity::Medium;
        sign.name = Some("sensor away".to_owned());
        sign.open = false;
        sign
    }

    /// The id of a sign on `key` detected at `detected`: `20250218T1150Z-tcp-5900`.
    #[must_use]
    pub(crate) fn id_of(detected: Timestamp, key: &Key) -> String {
        let time = detected.rfc3339();
        let compact: String =
            time.chars().take(16).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
        let plain: String = key
            .to_string()
            .chars()
            .take(LONGEST_IN_ID)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        if matches!(key.kind, KeyKind::Port | KeyKind::Total | KeyKind::Service) {
            return format!("{compact}Z-{plain}");
        }
        // Texts of attackers may be long and differ only in what was left out: their hash tells them apart.
        format!("{compact}Z-{plain}-{:08x}", crate::key_series::hash_of(key) >> 32)
    }

    /// How much asks a rise that chance brings once in `days`, `ratio` times the usual.
    #[must_use]
    pub(crate) fn severity_of(days: f64, ratio_low: f64) -> Severity {
        if days >= 1_000.0 && ratio_low >= 3.0 {
            Severity::High
        } else if days >= 60.0 && ratio_low >= 1.5 {
            Severity::Medium
        } else {
            Severity::Low
        }
    }

    /// Whether it tells that something stopped.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        matches!(self.kind, SignKind::PortSilent | SignKind::SensorSilent)
    }

    /// The port that rises or fell silent; `None` of a sign of the whole sensor.
    #[must_use]
    pub fn port(&self) -> Option<Port> {
        self.key.parse::<Key>().ok()?.as_port()
    }

    /// Whether the key is somewhere to come to, and not something to come with.
    fn is_place(&self) -> bool {
        self.port().is_some() || self.key == "total" || self.key.starts_with("service:")
    }

    /// The word between visitors and the key.
    fn how_it_came(&self) -> &'static str {
        match self.key.parse::<Key>().map(|key| key.kind) {
            _ if self.is_place() => "to",
            Ok(KeyKind::Network | KeyKind::Country) => "from",
            _ => "with",
        }
    }

    /// The key for a sentence, cut where it is long; it was escaped when the sign was made.
    fn shown_key(&self) -> String {
        let mut shown: String = self.key.chars().take(LONGEST_SHOWN).collect();
        if shown.len() < self.key.len() {
            shown.push('…');
        }
        shown
    }

    /// The change in one sentence, and where it is seen, where that is one part of a fleet, or many sensors of which some see it.
    #[must_use]
    pub fn summary(&self) -> String {
        match self.place() {
            Some(place) => format!("Seen at {place}: {}", self.change()),
            None => self.change(),
        }
    }

    /// Where in a fleet it is seen: `sensor tokyo`, `the sensors of asia (2 of 3 sensors: osaka, tokyo)`, `7 of 10 sensors: fra-1, fra-2,
    /// fra-3 …`; nothing by one machine, or where no sensor sees by itself what all see together.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let scope = self.scope.as_ref().filter(|scope| **scope != Scope::All);
        let seen = self.seen_at.as_ref().and_then(|seen| seen.shortly(MOST_PLACES));
        match (scope, seen) {
            (Some(scope), Some(seen)) => Some(format!("{scope} ({seen})")),
            (Some(scope), None) => Some(scope.to_string()),
            (None, seen) => seen,
        }
    }

    fn change(&self) -> String {
        match self.kind {
            SignKind::Rise => format!(
                "{} new {} came {} {} ({}) where {} {} expected: {} times the usual. Chance alone brings this at most once \
                 in {} days.",
                self.sources,
                if self.sources == 1 { "source" } else { "sources" },
                self.how_it_came(),
                self.shown_key(),
                self.label,
                plain(self.expected_sources),
                if plain(self.expected_sources) == "1" { "was" } else { "were" },
                plain(self.ratio),
                plain(self.days)
            ),
            SignKind::SensorWide => format!(
                "{} ports rose in the same ten minutes. The cause is more likely this machine (an outage that ended, a new \
                 address) than so many attacks at once.",
                self.rising
            ),
            SignKind::PortSilent | SignKind::SensorSilent => crate::silence_text::summary(self),
            SignKind::SensorAway => format!(
                "Nothing has been heard of {} since {}: it is off, cut off, or was refused.",
                self.label,
                self.since.rfc3339()
            ),
            SignKind::Misbehaviour => {
                format!(
                    "{}. The process was ended and replaced; it had nothing to take and nowhere to go.",
                    self.label
                )
            }
        }
    }

    /// Why the sign was raised, number by number, for `--explain` and the terminal.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let fact = |name, value| Fact { name, value };
        let seen = self.place().map(|place| fact("seen at", place));
        if self.is_silence() {
            return crate::silence_text::facts(self).into_iter().chain(seen).collect();
        }
        let mut facts = vec![
            fact("counted", "sources that had not come to it for 24 hours".to_owned()),
            fact("since", minute(self.since)),
            fact("raised", minute(self.detected)),
            fact(
                "sources",
                format!("{} (expected {})", self.sources, plain(self.expected_sources)),
            ),
            fact(
                "sources a day",
                format!("{} before, {} since", plain(self.before), plain(self.after)),
            ),
            fact(
                "ratio",
                format!(
                    "{} (95 %: {} to {})",
                    plain(self.ratio),
                    plain(self.ratio_low),
                    plain(self.ratio_high)
                ),
            ),
            fact("by chance", format!("at most once in {} days", plain(self.days))),
            fact("events", self.events.to_string()),
        ];
        facts.extend(seen);
        facts
    }
}

/// A moment to the minute: `2025-02-18 11:50 UTC`.
#[must_use]
pub fn minute(time: Timestamp) -> String {
    let text = time.rfc3339();
    text.get(..16).map_or(text.clone(), |text| format!("{} UTC", text.replace('T', " ")))
}

/// A number for a sentence: no more digits than it deserves.
#[must_use]
pub fn plain(number: f64) -> String {
    let text = if number >= 9.95 { format!("{number:.0}") } else { format!("{number:.1}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Moments as RFC 3339 text.
mod rfc3339 {
    use kizashi_event::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        time.rfc3339().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_tells_when_and_where() {
        let detected = Timestamp::parse("2025-02-18T11:50:00Z").unwrap();
        assert_eq!(Sign::id_of(detected, &Key::port(Port::tcp(5900))), "20250218T1150Z-tcp-5900");
    }

    #[test]
    fn numbers_in_sentences_have_no_more_digits_than_they_deserve() {
        let texts = [0.0, 0.04, 1.0, 1.25, 9.96, 123.4].map(plain);
        assert_eq!(texts, ["0", "0", "1", "1.2", "10", "123"]);
    }

    #[test]
    fn only_what_is_both_sure_and_large_is_high() {
        assert_eq!(Sign::severity_of(10_000.0, 1.1), Severity::Low);
        assert_eq!(Sign::severity_of(100.0, 8.0), Severity::Medium);
        assert_eq!(Sign::severity_of(10_000.0, 8.0), Severity::High);
    }
}
