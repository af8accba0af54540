//! What may be asked of a running detection: how things stand now. Nothing here changes it.

use std::collections::BTreeSet;

use kizashi_detect::gamma_poisson::{Evidence, KindId, SeriesId};
use kizashi_event::{KeyKind, Port, Timestamp};

use super::Merge;
use crate::key_series::KEYS_FROM;
use crate::open_sign::OpenSign;
use crate::shares::{In, Readable, Which};
use crate::{Knowledge, PortScore, PortStanding, Sign, Standing};

/// Evidence below this many days is not shown: chance brings as much many times a day.
const LEAST_SHOWN: f64 = 0.02;

/// A sign that goes on, and who its visitors are, by their numbers in the store: the first 512.
#[derive(Clone, Debug, PartialEq)]
pub struct Ongoing {
    /// The sign.
    pub sign: Sign,
    /// None of a silence, nor of a shift of the whole sensor.
    pub visitors: BTreeSet<u32>,
}

impl Merge {
    /// The end of the last closed bin: bins before it have been seen.
    #[must_use]
    pub const fn through(&self) -> Option<Timestamp> {
        self.next
    }

    /// Ports seen so far.
    #[must_use]
    pub fn series_watched(&self) -> usize {
        self.series.len()
    }

    /// What this machine has learned of usual rates, for another one to begin with.
    #[must_use]
    pub fn knowledge(&self, shares: &impl Readable) -> Knowledge {
        let mut knowledge = Knowledge::default();
        let ports = KindId::default();
        knowledge.add_kind(KeyKind::Port, self.watch.prior_of(ports), self.watch.scatter_of(ports));
        self.keys.tell(&mut knowledge);
        knowledge.add_rhythm(self.origin, self.watch.rhythm());
        let learned = (0..).map_while(|series| Some((series, self.series.port(series)?)));
        let holders = In(shares, Which::Ports);
        let learned = learned.filter_map(|(series, port)| {
            Some((port, self.watch.learned(&holders, SeriesId(series))?))
        });
        knowledge.add_ports(learned);
        let until = self.next.map(Timestamp::rfc3339).unwrap_or_default();
        knowledge.with_remark(&format!("Learned by one machine until {until}."))
    }

    /// Keys of other kinds that are watched.
    #[must_use]
    pub const fn keys_watched(&self) -> usize {
        self.keys.keys.len()
    }

    /// The signs that still go on.
    pub fn open_signs(&self) -> impl Iterator<Item = &Sign> {
        self.open.iter().map(|open| &open.sign)
    }

    /// The same with their first 512 visitors, by whom others know whether a sign of theirs is one story with it.
    #[must_use]
    pub fn ongoing(&self) -> Vec<Ongoing> {
        let of = |open: &OpenSign| Ongoing {
            sign: open.sign.clone(),
            visitors: open.dossier.who().clone(),
        };
        self.open.iter().map(of).collect()
    }

    /// ChangeFinder's last scores of a port.
    #[must_use]
    pub fn port_score(&self, port: Port) -> Option<&PortScore> {
        self.scores.of(self.series.find(port)?)
    }

    /// How sure it is now that a port rises: by chance at most once in so many days.
    #[must_use]
    pub fn days_now(&self, shares: &impl Readable, port: Port) -> Option<f64> {
        self.evidence_now(shares, self.series.find(port)?).map(|evidence| evidence.days)
    }

    /// How every port stands now that ChangeFinder scores or a sign is open on: at most some 8,000. It is a copy, made in
    /// milliseconds: once a closed bin is enough.
    #[must_use]
    pub fn standing(&self, shares: &impl Readable) -> Standing {
        let mut series: Vec<u32> = self.scores.scored().map(|(series, _)| series).collect();
        series.extend(self.open.iter().filter_map(OpenSign::one_series));
        series.sort_unstable();
        series.dedup();
        let evidence = {
            let ids = series.iter().map(|series| SeriesId(*series));
            self.watch.scores(&In(shares, Which::Ports), ids)
        };
        let stand = |(series, evidence): (u32, Option<Evidence>)| {
            let score = self.scores.of(series);
            let days = evidence.map(|evidence| evidence.days).filter(|days| *days >= LEAST_SHOWN);
            let standing = PortStanding {
                half_daily: score.and_then(|score| score.half_daily),
                rank: score.and_then(|score| score.rank),
                hourly: score.and_then(|score| score.hourly),
                spark: score.map(|score| score.spark.iter().copied().collect()).unwrap_or_default(),
                days,
            };
            Some((self.series.port(series)?, standing))
        };
        Standing {
            through: self.next,
            ports: series.into_iter().zip(evidence).filter_map(stand).collect(),
        }
    }

    pub(super) fn evidence_now(&self, shares: &impl Readable, series: u32) -> Option<Evidence> {
        if series >= KEYS_FROM {
            return self.keys.score(shares, series);
        }
        let holders = In(shares, Which::Ports);
        self.watch.scores(&holders, [SeriesId(series)]).pop().flatten()
    }
}
