//! What is known of rates before anything has come: what Kizashi ships with (`data/prior.json`), or what another machine learned
//! and `kizashi prior export` wrote. A file for people: rates in sources a day, and how many days of watching each is worth.
//!
//! **What is taken over, and why no more.** Of each kind of key the distribution of rates and how much they scatter: the detector
//! flattens the one and lets go of it after a day. How lively each hour of the day is. Of each port how many sources came a day; however long the other machine
//! watched, it is worth at most [`MOST_DAYS_OF_ANOTHER`] and [`MOST_SOURCES_OF_ANOTHER`], for two machines see different rates. What Kizashi ships with is worth far less: see `data/README.md`.

mod merged;

use std::collections::BTreeMap;

use kizashi_detect::gamma_poisson::{BINS_A_DAY, Prior, Scatter};
use kizashi_event::{KeyKind, Port, Timestamp};
use serde::{Deserialize, Serialize};

/// The first field of a file; another text is not read.
const FORMAT: &str = "kizashi prior 1";
/// Bytes of a file at most.
pub const LONGEST_KNOWLEDGE: usize = 1 << 20;
/// Ports in a file at most: of more, those with the most sources are written.
const MOST_PORTS: usize = 4_096;
/// Characters of the remark in a file at most.
const LONGEST_ABOUT: usize = 1_000;
/// Days of watching that the rate of a port on another machine is worth at most.
const MOST_DAYS_OF_ANOTHER: f64 = 1.0;
/// Sources that it is worth at most: half or twice the rate is then nothing unusual.
const MOST_SOURCES_OF_ANOTHER: f64 = 2.0;
/// Days after which what is known of a port from before is worth half: as counts age.
const HALF_LIFE_DAYS: f64 = 5.0;
/// Bins from which the distribution of a kind is worth being carried, and below which it is but a beginning.
const LEAST_LEARNED: f64 = 1.0;
/// Sources from which a port is told of: fewer are little more than what is shipped.
const LEAST_SOURCES: f64 = 2.0;
const HOURS: usize = 24;
/// The shipped file.
const SHIPPED: &str = include_str!("../data/prior.json");

/// Why a file was refused, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// It is no such file.
    #[error("this is no file that `kizashi prior export` wrote ({0})")]
    Form(String),
    /// It is of another version.
    #[error(
        "this prior is of another version of Kizashi; export it again with the version that reads it"
    )]
    Version,
    /// It is too large.
    #[error(
        "a prior has at most {} bytes and {} ports, and this one has more",
        LONGEST_KNOWLEDGE,
        MOST_PORTS
    )]
    TooLarge,
    /// A number is out of range.
    #[error("{what} must be {least} to {most}, and {value} is not")]
    Range {
        /// Which number, of what.
        what: String,
        /// The least allowed.
        least: String,
        /// The most allowed.
        most: String,
        /// What was found.
        value: String,
    },
    /// A port or kind that there is not.
    #[error("there is no {0}")]
    Unknown(String),
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    about: String,
    kinds: BTreeMap<String, KindRow>,
    /// How lively each hour of the day (UTC) is, 1 on average, where it was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<[f64; HOURS]>,
    ports: BTreeMap<String, PortRow>,
}

/// How the rates of a kind's keys are distributed: Gamma(`shape`, `shape` / mean).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindRow {
    /// The mean rate.
    sources_a_day: f64,
    /// Small: a few keys have most. What is known of a key then is worth `shape` sources.
    shape: f64,
    /// Variance over mean of ten minutes' counts, where it was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phi: Option<f64>,
    /// The relative variance of rates over time, where it was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volatility: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortRow {
    sources_a_day: f64,
    /// Days of watching that this is worth.
    days: f64,
}

/// What is known before anything has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Knowledge {
    about: String,
    kinds: BTreeMap<KeyKind, KindRow>,
    hours: Option<[f64; HOURS]>,
    ports: BTreeMap<Port, PortRow>,
}

impl Knowledge {
    /// What Kizashi ships with.
    ///
    /// A file that did not fit would be nothing known; a test reads it.
    #[must_use]
    pub fn shipped() -> Self {
        Self::from_json(SHIPPED).unwrap_or_default()
    }

    /// Reads a file; every number in it is checked.
    ///
    /// # Errors
    /// When it is no such file, of another version, too large, or says what cannot be.
    pub fn from_json(text: &str) -> Result<Self, KnowledgeError> {
        if text.len() > LONGEST_KNOWLEDGE {
            return Err(KnowledgeError::TooLarge);
        }
        let form = |error: serde_json::Error| {
            KnowledgeError::Form(kizashi_event::escape_for_people(&error.to_string()))
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(form)?;
        let format = value.get("format").and_then(serde_json::Value::as_str);
        if format.is_some_and(|format| format != FORMAT && format.starts_with("kizashi prior ")) {
            return Err(KnowledgeError::Version);
        }
        let file: File = serde_json::from_value(value).map_err(form)?;
        if file.format != FORMAT {
            return Err(KnowledgeError::Form("its format is not named".to_owned()));
        }
        if file.ports.len() > MOST_PORTS || file.about.chars().count() > LONGEST_ABOUT {
            return Err(KnowledgeError::TooLarge);
        }
        for hour in file.hours.iter().flatten() {
            in_range("how lively an hour is", *hour, 0.25, 4.0)?;
        }
        let mut knowledge = Self { about: file.about, hours: file.hours, ..Self::default() };
        for (name, row) in file.kinds {
            let unknown = || KnowledgeError::Unknown(format!("kind of key {}", shown(&name)));
            let kind =
                KeyKind::from_name(&name).filter(|kind| is_known(*kind)).ok_or_else(unknown)?;
            row.check(&name)?;
            knowledge.kinds.insert(kind, row);
        }
        for (name, row) in file.ports {
            let unknown = || KnowledgeError::Unknown(format!("port {}", shown(&name)));
            let port = Port::parse(&name).ok_or_else(unknown)?;
            row.check(&name)?;
            knowledge.ports.insert(port, row);
        }
        Ok(knowledge)
    }

    /// Writes a file that [`Self::from_json`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = File {
            format: FORMAT.to_owned(),
            about: self.about.clone(),
            kinds: self.kinds.iter().map(|(kind, row)| (kind.name().to_owned(), *row)).collect(),
            hours: self.hours,
            ports: self.ports.iter().map(|(port, row)| (port.to_string(), *row)).collect(),
        };
        // Names and numbers alone: there is nothing that could not be written.
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The same with a remark on where it comes from.
    #[must_use]
    pub fn with_remark(self, about: &str) -> Self {
        Self { about: about.chars().take(LONGEST_ABOUT).collect(), ..self }
    }

    /// Kinds of keys of which something is known.
    #[must_use]
    pub fn kinds(&self) -> usize {
        self.kinds.len()
    }

    /// Ports of which something is known.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.ports.len()
    }

    /// Notes what a kind's keys were learned to be like; what was never learned is left out.
    pub(crate) fn add_kind(&mut self, kind: KeyKind, prior: Prior, scatter: Option<Scatter>) {
        if prior.rate < LEAST_LEARNED {
            return;
        }
        let row = KindRow {
            sources_a_day: rounded(prior.shape / prior.rate * f64::from(BINS_A_DAY)),
            shape: prior.shape,
            phi: scatter.map(|scatter| rounded(scatter.phi)),
            volatility: scatter.map(|scatter| rounded(scatter.volatility)),
        };
        if row.check(kind.name()).is_ok() {
            self.kinds.insert(kind, row);
        }
    }

    /// Notes how lively each hour of the day was, told from the hour of the first bin on; a flat day was not learned.
    pub(crate) fn add_rhythm(&mut self, first: Timestamp, from_first: [f64; HOURS]) {
        let is_flat = from_first.iter().all(|weight| (weight - 1.0).abs() < 1e-3);
        if is_flat || from_first.iter().any(|weight| !(0.25..=4.0).contains(weight)) {
            return;
        }
        let mut hours = from_first.map(rounded);
        hours.rotate_right(hour_of_day(first));
        self.hours = Some(hours);
    }

    /// Notes what was learned of ports, those with the most sources at most.
    pub(crate) fn add_ports(&mut self, learned: impl Iterator<Item = (Port, Prior)>) {
        let mut learned: Vec<(Port, Prior)> =
            learned.filter(|(_, prior)| prior.shape >= LEAST_SOURCES && prior.rate > 0.0).collect();
        learned.sort_by(|(a, one), (b, other)| other.shape.total_cmp(&one.shape).then(a.cmp(b)));
        for (port, prior) in learned.into_iter().take(MOST_PORTS) {
            let days = rounded(prior.rate / f64::from(BINS_A_DAY));
            let row = PortRow { sources_a_day: rounded(prior.shape / days), days };
            if row.check("").is_ok() {
                self.ports.insert(port, row);
            }
        }
    }

    /// How the rates of a kind's keys are distributed.
    pub(crate) fn prior_of(&self, kind: KeyKind) -> Option<Prior> {
        let row = self.kinds.get(&kind)?;
        Some(Prior {
            shape: row.shape,
            rate: row.shape / row.sources_a_day * f64::from(BINS_A_DAY),
        })
    }

    /// How much the keys of a kind scatter.
    pub(crate) fn scatter_of(&self, kind: KeyKind) -> Option<Scatter> {
        let row = self.kinds.get(&kind)?;
        Some(Scatter { phi: row.phi?, volatility: row.volatility? })
    }

    /// What is known of single ports, for a run that begins.
    pub(crate) fn levels(&self) -> Levels {
        let level = |(port, row): (&Port, &PortRow)| {
            let days =
                row.days.min(MOST_DAYS_OF_ANOTHER).min(MOST_SOURCES_OF_ANOTHER / row.sources_a_day);
            (*port, (row.sources_a_day * days, days * f64::from(BINS_A_DAY)))
        };
        Levels { ports: self.ports.iter().map(level).collect(), hours: self.hours }
    }
}

impl KindRow {
    fn check(&self, name: &str) -> Result<(), KnowledgeError> {
        in_range(&format!("sources a day of {name}"), self.sources_a_day, 1e-4, 1e7)?;
        in_range(&format!("the shape of {name}"), self.shape, 1e-2, 1e2)?;
        in_range(&format!("phi of {name}"), self.phi.unwrap_or(1.0), 1.0, 1e3)?;
        in_range(&format!("the volatility of {name}"), self.volatility.unwrap_or(0.0), 0.0, 1e2)
    }
}

impl PortRow {
    fn check(&self, name: &str) -> Result<(), KnowledgeError> {
        in_range(&format!("sources a day of {name}"), self.sources_a_day, 1e-4, 1e7)?;
        in_range(&format!("days of {name}"), self.days, 1e-4, 1e2)
    }
}

/// Sources and bins known of single ports when a run began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Levels {
    ports: BTreeMap<Port, (f64, f64)>,
    hours: Option<[f64; HOURS]>,
}

/// The hour of the day, 0 to 23, in UTC.
fn hour_of_day(time: Timestamp) -> usize {
    usize::try_from(time.micros().div_euclid(Timestamp::HOUR).rem_euclid(24)).unwrap_or(0)
}

impl Levels {
    /// How lively each hour of the day is, from the hour of the first bin on.
    pub(crate) fn rhythm_from(&self, first: Timestamp) -> Option<[f64; HOURS]> {
        let mut hours = self.hours?;
        hours.rotate_left(hour_of_day(first));
        Some(hours)
    }

    /// What is left of what was known of a port after so many bins.
    pub(crate) fn after(&self, port: Port, bins: u64) -> Option<Prior> {
        let (sources, exposed) = *self.ports.get(&port)?;
        #[allow(clippy::cast_precision_loss, reason = "past 2^53 bins nothing is left")]
        let days = bins as f64 / f64::from(BINS_A_DAY);
        let left = (-days / HALF_LIFE_DAYS).exp2();
        // What is worth less than the detector takes at least is no knowledge.
        (left > 1e-3).then_some(Prior { shape: (sources * left).max(1e-9), rate: exposed * left })
    }
}

/// The kinds that have a distribution of their own: ports and what is watched beside them.
fn is_known(kind: KeyKind) -> bool {
    kind == KeyKind::Port || crate::key_series::kind_index(kind).is_some()
}

fn shown(name: &str) -> String {
    kizashi_event::escape_for_people(&name.chars().take(40).collect::<String>())
}

fn in_range(what: &str, value: f64, least: f64, most: f64) -> Result<(), KnowledgeError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(KnowledgeError::Range {
        what: shown(what),
        least: least.to_string(),
        most: most.to_string(),
        value: value.to_string(),
    })
}

/// To four digits: nobody knows more.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known() -> Knowledge {
        let mut knowledge = Knowledge::default().with_remark("a test");
        let scatter = Some(Scatter { phi: 1.25, volatility: 0.11 });
        knowledge.add_kind(KeyKind::Port, Prior { shape: 0.3, rate: 12.0 }, scatter);
        let learned = [
            (Port::tcp(23), Prior { shape: 720.0, rate: 720.0 }),
            (Port::udp(53), Prior { shape: 3.0, rate: 600.0 }),
            (Port::tcp(9), Prior { shape: 0.4, rate: 600.0 }),
        ];
        knowledge.add_ports(learned.into_iter());
        knowledge
    }

    #[test]
    fn what_is_shipped_can_be_read_and_is_almost_weightless() {
        let shipped = Knowledge::from_json(SHIPPED).unwrap();
        assert!(shipped.kinds.len() > 5 && shipped.ports.len() > 20);
        for kind in shipped.kinds.keys() {
            assert!(shipped.prior_of(*kind).unwrap().rate < LEAST_LEARNED, "{kind:?}");
            assert_eq!(shipped.scatter_of(*kind), None, "nobody knows it of a machine never seen");
        }
        for (port, (sources, _)) in &shipped.levels().ports {
            assert!(*sources <= 0.5, "{port} is claimed to be known too well");
        }
    }

    #[test]
    fn what_was_learned_survives_the_file_and_silence_is_not_in_it() {
        let knowledge = known();
        let read = Knowledge::from_json(&knowledge.to_json()).unwrap();
        assert_eq!(read, knowledge);
        assert_eq!((read.kinds(), read.ports()), (1, 2));
        let prior = read.prior_of(KeyKind::Port).unwrap();
        assert!((prior.shape - 0.3).abs() < 1e-9 && (prior.rate - 12.0).abs() < 1e-9);
        assert_eq!(read.scatter_of(KeyKind::Port), Some(Scatter { phi: 1.25, volatility: 0.11 }));
        assert!(
            knowledge.to_json().contains("\"sources_a_day\": 144.0"),
            "{}",
            knowledge.to_json()
        );
    }

    #[test]
    fn the_day_of_one_machine_is_turned_to_the_hour_at_which_another_begins() {
        let mut knowledge = known();
        let at = |hour: i64| Timestamp::from_micros((24 * 20_000 + hour) * Timestamp::HOUR);
        knowledge.add_rhythm(at(5), [1.0; 24]);
        assert_eq!(knowledge.levels().rhythm_from(at(0)), None);
        let mut from_five = [1.0; 24];
        (from_five[0], from_five[1]) = (2.0, 0.5);
        knowledge.add_rhythm(at(5), from_five);
        let levels = Knowledge::from_json(&knowledge.to_json()).unwrap().levels();
        let from_four = levels.rhythm_from(at(4)).unwrap();
        assert_eq!(from_four[..4], [1.0, 2.0, 0.5, 1.0]);
        assert_eq!(levels.rhythm_from(at(29)), Some(from_five));
    }

    #[test]
    fn a_port_of_another_machine_is_worth_two_sources_at_most_and_less_with_time() {
        let levels = known().levels();
        let now = levels.after(Port::tcp(23), 0).unwrap();
        assert!((now.rate - 2.0).abs() < 1e-9 && (now.shape - 2.0).abs() < 1e-9);
        let later = levels.after(Port::tcp(23), 720).unwrap();
        assert!((later.rate - 1.0).abs() < 1e-9 && (later.shape / later.rate - 1.0).abs() < 1e-9);
        assert_eq!(levels.after(Port::tcp(23), u64::MAX), None);
        assert_eq!(levels.after(Port::tcp(22), 0), None);
    }

    #[test]
    fn nonsense_is_refused_in_one_sentence() {
        let good = known().to_json();
        let refused = |text: &str| Knowledge::from_json(text).unwrap_err().to_string();
        let changed = |from: &str, to: &str| {
            assert!(good.contains(from), "{good}");
            refused(&good.replacen(from, to, 1))
        };
        for (sentence, part) in [
            (refused(""), "no file"),
            (refused("[1]"), "no file"),
            (refused("{\"\u{1b}[2J\": 1}"), "no file"),
            (changed("kizashi prior 1", "kizashi prior 2"), "another version"),
            (changed("kizashi prior 1", "recipe"), "format is not named"),
            (changed("tcp/23", "tcp/99999"), "no port tcp/99999"),
            (changed("\"port\"", "\"\\u001bcolour\""), "no kind of key \\x1bcolour"),
            (changed("\"port\"", "\"source\""), "no kind of key source"),
            (changed("144.0", "-1.0"), "sources a day of tcp/23 must be 0.0001 to 10000000"),
            (changed("144.0", "1e99"), "sources a day of tcp/23"),
            (changed("1.25", "0.5"), "phi of port must be 1 to 1000, and 0.5 is not"),
            (changed("\"shape\": 0.3", "\"shape\": 0"), "the shape of port"),
            (changed("\"ports\"", "\"hours\": [1.0], \"ports\""), "no file"),
            (changed("\"days\": 5.0", "\"days\": null"), "no file"),
            (changed("\"about\"", "\"more\""), "no file"),
        ] {
            assert!(sentence.contains(part), "{part}: {sentence}");
            assert!(!sentence.chars().any(char::is_control) && sentence.len() < 400, "{sentence}");
        }
        let mut many = known();
        many.ports = (0..=4_096)
            .map(|n| (Port::udp(n), PortRow { sources_a_day: 1.0, days: 1.0 }))
            .collect();
        assert_eq!(Knowledge::from_json(&many.to_json()), Err(KnowledgeError::TooLarge));
        assert_eq!(
            refused(&" ".repeat(LONGEST_KNOWLEDGE + 1)),
            KnowledgeError::TooLarge.to_string()
        );
    }

    proptest! {
        #[test]
        fn no_file_makes_a_prior_that_the_detector_refuses(
            sources in any::<f64>(), shape in any::<f64>(), days in any::<f64>(), bins in any::<u64>(),
        ) {
            let mut knowledge = Knowledge::default();
            knowledge.kinds.insert(KeyKind::User, KindRow { sources_a_day: sources, shape, phi: None, volatility: None });
            knowledge.ports.insert(Port::tcp(1), PortRow { sources_a_day: sources, days });
            if let Ok(knowledge) = Knowledge::from_json(&knowledge.to_json()) {
                let priors = [knowledge.prior_of(KeyKind::User), knowledge.levels().after(Port::tcp(1), bins)];
                for prior in priors.into_iter().flatten() {
                    prop_assert!((1e-9..=1e9).contains(&prior.shape) && (1e-9..=1e9).contains(&prior.rate), "{prior:?}");
                }
            }
        }

        #[test]
        fn no_text_panics(text in "(?s).{0,200}") {
            let _ = Knowledge::from_json(&text);
        }
    }
}
