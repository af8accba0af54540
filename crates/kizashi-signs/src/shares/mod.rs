//! Detection in shares: what is known of single keys lies with any number of holders, and one merge asks them.
//!
//! Keys are assigned to partitions by a hash of their text, the same on every machine ([`partition_of`]); how many partitions there
//! are is fixed when a fleet begins (one machine has one). A [`Part`] is the state of one partition's keys: who has
//! been counted where in the last 24 hours, and the past of each series. [`crate::Merge`] is everything else: which keys are
//! watched, what series share, which alarms are one story. In each bin the merge asks parts in steps; each step asks every part
//! that has to do with it and waits for all. A part's answer depends on what it was asked before and on its rows of the bin,
//! and on nothing else (no clock, no order of arrival), and the merge reads answers in an order that knows no partitions:
//! by row of the bin and by first sight of a series. So the signs are the same for any number of partitions, whoever holds
//! which ([`Detector`]), and whether or not a holder died in between and another went on from its snapshot, told again what the lost
//! one was told since ([`Journal`]). One machine goes the same way with one part in its own process.
//!
//! What couples keys beyond the detector's own argument (see [`kizashi_detect::gamma_poisson::Merge`]) is bounded memory, and it too
//! is kept in one place: which keys have a place and the sketch of those that have none (`key_series.rs`), and the bound on
//! visits remembered. Where that bound is near, the merge asks first how many are new and then says to each row how many may be
//! remembered, as one machine would in the order of rows.
//!
//! Still with the merge, for they are small or for the eye: ports' silences, ChangeFinder's scores, the last two days' events.

mod detector;
mod local;
mod orders;
mod part;
mod rows;

use kizashi_detect::gamma_poisson::{self, Deal};
use kizashi_event::Key;
use serde::{Deserialize, Serialize};

pub use detector::{Detector, DetectorError, Journal, Tell};
pub use kizashi_detect::gamma_poisson::Partition;
pub(crate) use local::{Local, Resting};
pub use orders::{LAYOUT, Order, Outcome};
pub use part::Part;
pub use rows::{BinPart, BinRows, KeySources, PartRows, PortSources};
pub(crate) use rows::{KeyRow, PortRow, Rows};

use crate::key_series::hash_of;
use crate::visits::Visits;

/// What a [`crate::Merge`] has a part do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask(pub(crate) Asked);

/// What a part answers to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer(pub(crate) Answered);

/// What a [`crate::Merge`] wants to know of a part, in which nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look(pub(crate) Looked);

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found(pub(crate) Seen);

/// Where parts can be looked into.
pub trait Readable {
    /// What these parts know, in the order of the looks.
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found>;
}

/// Where the parts are: in this process, or with detectors elsewhere.
pub trait Shares: Readable {
    /// Has each of these parts answer; the answers in the order of the asks. Asks of one part are answered in their order. Who carries
    /// them elsewhere waits for all, and replaces who is gone: detection cannot go on with half an answer.
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer>;
}

/// One of the two watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Which {
    Ports,
    Keys,
}

/// Visits to be counted: those of a row of the bin, under the number of their series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visit {
    pub(crate) row: u32,
    pub(crate) series: u32,
    /// A source that came in an earlier bin, when the key was not watched, and is remembered first.
    pub(crate) first: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Asked {
    Watch(Which, gamma_poisson::Ask),
    /// How many of these visits are new, `first` among them; what is a day old is forgotten.
    New {
        which: Which,
        bin: i64,
        visits: Vec<Visit>,
    },
    /// Counts visits, and remembers so many of each at most; all, where nothing is said.
    Count {
        which: Which,
        bin: i64,
        visits: Vec<Visit>,
        rooms: Option<Vec<u64>>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answered {
    Watch(gamma_poisson::Answer),
    New(Vec<u64>),
    Count { fresh: Vec<u32>, remembered: u64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Looked {
    Watch(Which, gamma_poisson::Look),
    /// The sources counted of a series from a bin on.
    SourcesOf {
        which: Which,
        series: u32,
        since: i64,
    },
    /// Whether half of these were counted at one and the same port from a bin on.
    HalfAtOnePort {
        sources: Vec<u32>,
        since: i64,
    },
    /// The sources of rows of the running bin.
    SourcesIn(Which, Vec<u32>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Seen {
    Watch(gamma_poisson::Found),
    Sources(Vec<u32>),
    Is(bool),
    Lists(Lists),
}

/// Many lists of numbers in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lists {
    ends: Vec<u32>,
    numbers: Vec<u32>,
}

impl Lists {
    pub(crate) fn push(&mut self, numbers: &[u32]) {
        self.numbers.extend(numbers);
        self.ends.push(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &[u32]> {
        let mut from = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            self.numbers.get(std::mem::replace(&mut from, end)..end).unwrap_or(&[])
        })
    }
}

/// The partition of a key, of so many.
#[must_use]
pub fn partition_of(key: &Key, partitions: Partition) -> Partition {
    if partitions <= 1 {
        return 0;
    }
    let mixed = crate::tail::mix(hash_of(key));
    Partition::try_from(mixed % u64::from(partitions)).unwrap_or(0)
}

/// One watch of all parts, as the detector knows it.
pub(crate) struct Of<'a, S>(pub(crate) &'a mut S, pub(crate) Which);
/// The same, to be looked at.
pub(crate) struct In<'a, S>(pub(crate) &'a S, pub(crate) Which);

fn look<S: Readable>(
    shares: &S,
    which: Which,
    looks: Vec<(Partition, gamma_poisson::Look)>,
) -> Vec<gamma_poisson::Found> {
    let wrap = |(partition, look)| (partition, Look(Looked::Watch(which, look)));
    let found = shares.look(looks.into_iter().map(wrap).collect());
    found
        .into_iter()
        .map_while(|found| if let Seen::Watch(found) = found.0 { Some(found) } else { None })
        .collect()
}

impl<S: Readable> gamma_poisson::Held for In<'_, S> {
    fn look(&self, looks: Vec<(Partition, gamma_poisson::Look)>) -> Vec<gamma_poisson::Found> {
        look(self.0, self.1, looks)
    }
}

impl<S: Shares> gamma_poisson::Held for Of<'_, S> {
    fn look(&self, looks: Vec<(Partition, gamma_poisson::Look)>) -> Vec<gamma_poisson::Found> {
        look(&*self.0, self.1, looks)
    }
}

impl<S: Shares> gamma_poisson::Holders for Of<'_, S> {
    fn ask(&mut self, asks: Vec<(Partition, gamma_poisson::Ask)>) -> Vec<gamma_poisson::Answer> {
        let which = self.1;
        let wrap = |(partition, ask)| (partition, Ask(Asked::Watch(which, ask)));
        let answers = self.0.ask(asks.into_iter().map(wrap).collect());
        answers
            .into_iter()
            .map_while(|answer| match answer.0 {
                Answered::Watch(answer) => Some(answer),
                _ => None,
            })
            .collect()
    }
}

/// What the merge knows of the visits that parts remember: how many, so that their bound is one over all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    by_bin: std::collections::VecDeque<(i64, u64)>,
    total: u64,
    /// The bin in which any were last counted.
    last: Option<i64>,
}

impl Remembered {
    /// How many of these visits are new, of rows with so many sources each; at most `most` are remembered.
    pub(crate) fn count<S: Shares>(
        &mut self,
        shares: &mut S,
        (which, bin): (Which, i64),
        visits: &[(Partition, Visit, u64)],
        most: usize,
    ) -> Vec<u32> {
        if visits.is_empty() {
            return Vec::new();
        }
        self.forget_before(Visits::first_kept(bin));
        self.last = Some(bin);
        let sources: u64 = visits
            .iter()
            .map(|(_, visit, sources)| sources + u64::from(visit.first.is_some()))
            .sum();
        let left = (most as u64).saturating_sub(self.total);
        let rooms = (sources > left).then(|| rooms(shares, (which, bin), visits, left));
        let mut deal = Deal::default();
        for (at, (partition, visit, _)) in visits.iter().enumerate() {
            let room = rooms.as_ref().map_or(0, |rooms| rooms.get(at).copied().unwrap_or(0));
            deal.give(*partition, (*visit, room));
        }
        let (hands, order) = deal.hands();
        let partitions: Vec<Partition> = hands.iter().map(|(partition, _)| *partition).collect();
        let ask = |(partition, hand): (Partition, Vec<(Visit, u64)>)| {
            let (visits, dealt): (Vec<Visit>, Vec<u64>) = hand.into_iter().unzip();
            let rooms = rooms.is_some().then_some(dealt);
            (partition, Ask(Asked::Count { which, bin, visits, rooms }))
        };
        let mut more = 0;
        let fresh = shares.ask(hands.into_iter().map(ask).collect()).into_iter().map(|answer| {
            let Answered::Count { fresh, remembered } = answer.0 else { return Vec::new() };
            more += remembered;
            fresh
        });
        let fresh = order.gather(partitions.into_iter().zip(fresh).collect());
        self.total += more;
        match self.by_bin.back_mut() {
            Some((last, remembered)) if *last == bin => *remembered += more,
            _ => self.by_bin.push_back((bin, more)),
        }
        fresh
    }

    /// Visits remembered.
    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.total as usize
    }

    /// The first bin of which anything is still remembered.
    pub(crate) fn first_kept(&self) -> i64 {
        self.last.map_or(i64::MIN, Visits::first_kept)
    }

    fn forget_before(&mut self, first_kept: i64) {
        while let Some((_, remembered)) =
            self.by_bin.front().copied().filter(|(bin, _)| *bin < first_kept)
        {
            self.total = self.total.saturating_sub(remembered);
            self.by_bin.pop_front();
        }
    }
}

/// How many of each row may be remembered where not all can be: the first rows' visits go first.
fn rooms<S: Shares>(
    shares: &mut S,
    (which, bin): (Which, i64),
    visits: &[(Partition, Visit, u64)],
    mut left: u64,
) -> Vec<u64> {
    let mut deal = Deal::default();
    visits.iter().for_each(|(partition, visit, _)| deal.give(*partition, *visit));
    let (hands, order) = deal.hands();
    let partitions: Vec<Partition> = hands.iter().map(|(partition, _)| *partition).collect();
    let ask = |(partition, visits)| (partition, Ask(Asked::New { which, bin, visits }));
    let new = shares
        .ask(hands.into_iter().map(ask).collect())
        .into_iter()
        .map(|answer| if let Answered::New(new) = answer.0 { new } else { Vec::new() });
    let new = order.gather(partitions.into_iter().zip(new).collect());
    let room = |new: u64| {
        let room = left;
        left -= new.min(left);
        room
    };
    new.into_iter().map(room).collect()
}
