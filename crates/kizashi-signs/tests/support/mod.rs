//! Bins with ports and keys of all sorts, made up and real, and a team of detectors of which any may be lost at any moment.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test says what went wrong by failing"
)]

pub(crate) mod whole_fleet;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use kizashi_detect::gamma_poisson::Partition;
use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::shares::{
    Answer, Ask, BinPart, BinRows, Detector, Found, Journal, Look, Readable, Shares, Tell,
};
use kizashi_signs::{Campaigns, Closed, Knowledge, Merge, Settings};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

pub(crate) const BIN: i64 = 600 * Timestamp::SECOND;

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

pub(crate) fn start(bin: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().plus(bin * BIN)
}

/// Gathers what came in one bin.
#[derive(Default)]
pub(crate) struct Gathering {
    ports: BTreeMap<Port, Vec<u32>>,
    keys: BTreeMap<(KeyKind, String), Vec<u32>>,
}

impl Gathering {
    pub(crate) fn come(&mut self, port: Port, source: u32) {
        self.ports.entry(port).or_default().push(source);
        self.bring(KeyKind::Total, "", source);
        self.bring(KeyKind::Network, &format!("AS{}", source % 23), source);
    }

    pub(crate) fn bring(&mut self, kind: KeyKind, text: &str, source: u32) {
        self.keys.entry((kind, text.to_owned())).or_default().push(source);
    }

    pub(crate) fn closed(self, start: Timestamp) -> ClosedBin {
        let sorted = |mut sources: Vec<u32>| {
            let events = 3 * sources.len() as u64;
            sources.sort_unstable();
            sources.dedup();
            (events, sources)
        };
        let port = |(port, sources)| {
            let (events, sources) = sorted(sources);
            PortBin { port, events, sources }
        };
        let key = |((kind, text), sources): ((KeyKind, String), Vec<u32>)| {
            let (events, sources) = sorted(sources);
            let head = if kind == KeyKind::Payload { b"\x7fELF\x01".to_vec() } else { Vec::new() };
            KeyBin { key: Key::new(kind, &text), events, sources, head }
        };
        ClosedBin {
            start,
            ports: self.ports.into_iter().map(port).collect(),
            keys: self.keys.into_iter().map(key).collect(),
        }
    }
}

/// Quiet and busy ports, waves that bring words of known and unknown campaigns, made-up passwords, a port that falls silent and
/// an outage of the sensor.
pub(crate) fn made_up(seed: u64, bins: i64) -> Vec<ClosedBin> {
    let mut random = Random(seed);
    let mut source = 1_000;
    (0..bins)
        .filter_map(|bin| {
            let mut gathering = Gathering::default();
            for place in 0..40_u16 {
                let wave = (bin / 40) % 40 == i64::from(place) && bin % 40 < 15;
                let usual = 0.01 * 1.15_f64.powi(i32::from(place));
                let silent = place == 35 && bin > bins / 2;
                let rate = if silent { 0.0 } else { usual + if wave { 2.0 } else { 0.0 } };
                for _ in 0..random.poisson(rate) {
                    source += 1;
                    gathering.come(Port::tcp(20 + place), source);
                    gathering.bring(KeyKind::Service, ["ssh", "http"][place as usize % 2], source);
                    if wave {
                        gathering.bring(KeyKind::Password, &format!("word {}", place % 6), source);
                        gathering.bring(KeyKind::Payload, &format!("{:064x}", place % 5), source);
                        let lines = [">/tmp/.ptmx && cd /tmp/", "./frobnicate --join"];
                        let line = lines[place as usize % 2];
                        gathering.bring(KeyKind::CommandFamily, line, source);
                    }
                }
            }
            for _ in 0..30 {
                source += 1;
                let word = format!("made up {}", random.below(900));
                gathering.bring(KeyKind::Password, &word, source);
            }
            let is_cut = (bins / 3..bins / 3 + 40).contains(&bin) || bin % 97 == 11;
            (!is_cut).then(|| gathering.closed(start(bin)))
        })
        .collect()
}

/// Detectors that hold the parts of a merge. One is lost now and then, in the middle of anything; what it held goes on from
/// snapshots with others, and is told again what was told since.
pub(crate) struct Team {
    campaigns: Arc<Campaigns>,
    detectors: Vec<Detector>,
    with: Vec<usize>,
    saved: Vec<Vec<u8>>,
    journal: Journal,
    fate: RefCell<Random>,
    /// One ask in so many is met by a loss; none at 0.
    pub(crate) lost_in: usize,
    pub(crate) losses: usize,
}

impl Team {
    pub(crate) fn new(partitions: Partition, detectors: usize, seed: u64) -> Self {
        let mut team = Self {
            campaigns: Campaigns::builtin(),
            detectors: vec![Detector::default(); detectors],
            with: (0..usize::from(partitions)).map(|at| at % detectors).collect(),
            saved: vec![Vec::new(); usize::from(partitions)],
            journal: Journal::default(),
            fate: RefCell::new(Random(seed)),
            lost_in: 0,
            losses: 0,
        };
        for partition in 0..partitions {
            let with = team.with[usize::from(partition)];
            team.detectors[with].begin(partition);
            team.save(partition);
        }
        team
    }

    /// Keeps a part as it is now.
    pub(crate) fn save(&mut self, partition: Partition) {
        let detector = &self.detectors[self.with[usize::from(partition)]];
        self.saved[usize::from(partition)] = detector.snapshot(partition).unwrap();
        self.journal.cut(partition, detector.told(partition).unwrap());
    }

    /// A detector is gone with all that it held; others go on.
    pub(crate) fn lose(&mut self, gone: usize) {
        self.losses += 1;
        self.detectors[gone] = Detector::default();
        for partition in 0..self.with.len() {
            if self.with[partition] != gone {
                continue;
            }
            let to = self.fate.borrow_mut().below(self.detectors.len());
            self.with[partition] = to;
            let (number, detector) = (partition as Partition, &mut self.detectors[to]);
            detector.restore(number, &self.saved[partition]).unwrap();
            let told = detector.told(number).unwrap();
            for tell in self.journal.since(number, told).unwrap() {
                detector.replay(number, tell).unwrap();
            }
        }
    }

    fn maybe_lose(&mut self) {
        let is_lost = self.lost_in > 0 && self.fate.borrow_mut().below(self.lost_in) == 0;
        if is_lost {
            let gone = self.fate.borrow_mut().below(self.detectors.len());
            self.lose(gone);
        }
    }

    /// Closes a bin over all detectors.
    pub(crate) fn close(&mut self, merge: &mut Merge, bin: &ClosedBin) -> Closed {
        let parts = BinPart::divided(bin, merge.partitions());
        let mut rows: Vec<_> = Vec::new();
        for (partition, part) in (0..).zip(parts) {
            self.maybe_lose();
            let part = Arc::new(part);
            self.journal.note(partition, Tell::Bin(Arc::clone(&part)));
            let detector = &mut self.detectors[self.with[usize::from(partition)]];
            rows.push(detector.hold(partition, part, &self.campaigns).unwrap());
        }
        // In whichever order they come.
        let first = self.fate.borrow_mut().below(rows.len());
        rows.rotate_left(first);
        merge.close(self, &BinRows::united(rows))
    }
}

impl Readable for Team {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        let find = |(partition, look): (Partition, Look)| {
            let bytes = postcard::to_allocvec(&look).unwrap();
            let detector = &self.detectors[self.with[usize::from(partition)]];
            let found = detector.look(partition, &postcard::from_bytes(&bytes).unwrap()).unwrap();
            postcard::from_bytes(&postcard::to_allocvec(&found).unwrap()).unwrap()
        };
        looks.into_iter().map(find).collect()
    }
}

impl Shares for Team {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (partition, ask) in asks {
            self.maybe_lose();
            // As it goes over a wire, to the last bit.
            let ask: Ask = postcard::from_bytes(&postcard::to_allocvec(&ask).unwrap()).unwrap();
            self.journal.note(partition, Tell::Ask(ask.clone()));
            let detector = &mut self.detectors[self.with[usize::from(partition)]];
            let answer = detector.answer(partition, ask).unwrap();
            answers.push(postcard::from_bytes(&postcard::to_allocvec(&answer).unwrap()).unwrap());
        }
        answers
    }
}

/// What a bin told, byte by byte.
pub(crate) fn told(closed: &Closed) -> String {
    let signs = closed.raised.iter().chain(&closed.changed);
    let lines: Vec<String> = signs.map(|sign| serde_json::to_string(sign).unwrap()).collect();
    format!("{} raised\n{}", closed.raised.len(), lines.join("\n"))
}

pub(crate) fn merge(settings: Settings, partitions: Partition) -> Merge {
    Merge::new(settings, &Knowledge::shipped(), partitions).unwrap()
}
