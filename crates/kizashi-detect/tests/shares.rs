//! Series divided over any number of holders, of which any may be lost at any moment and replaced by one that goes on from a
//! snapshot, tell what one holder of all tells, bit for bit.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test says what went wrong by failing"
)]

#[path = "support/nulls.rs"]
mod nulls;

use kizashi_detect::gamma_poisson::{
    Answer, Ask, Found, Held, Holders, Holding, Kind, KindId, Look, Merge, Partition, Report,
    SeriesId, Settings, Watch,
};
use nulls::Random;
use proptest::prelude::*;

/// Holders of one partition each, of which each keeps a snapshot, and what it was asked since.
struct Fragile {
    holdings: Vec<Holding>,
    saved: Vec<String>,
    since: Vec<Vec<Ask>>,
}

impl Fragile {
    fn new(partitions: usize) -> Self {
        let saved = serde_json::to_string(&Holding::default()).unwrap();
        Self {
            holdings: vec![Holding::default(); partitions],
            saved: vec![saved; partitions],
            since: vec![Vec::new(); partitions],
        }
    }

    fn save(&mut self, partition: usize) {
        self.saved[partition] = serde_json::to_string(&self.holdings[partition]).unwrap();
        self.since[partition].clear();
    }

    /// It is gone; another one begins with the snapshot and is asked again.
    fn lose(&mut self, partition: usize) {
        let mut other: Holding = serde_json::from_str(&self.saved[partition]).unwrap();
        for ask in &self.since[partition] {
            other.answer(ask.clone());
        }
        self.holdings[partition] = other;
    }
}

impl Holders for Fragile {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        for (partition, ask) in &asks {
            self.since[usize::from(*partition)].push(ask.clone());
        }
        self.holdings.ask(asks)
    }
}

impl Held for Fragile {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        self.holdings.look(looks)
    }
}

const SERIES: u32 = 120;

/// Series of all rates, some of which rise for a while, with silences, and now and then one that is replaced by another.
struct Traffic {
    random: Random,
    alive: Vec<u32>,
    next: u32,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        Self { random: Random(seed), alive: (0..SERIES).collect(), next: SERIES }
    }

    /// The series that another takes the place of in this bin.
    fn replaced(&mut self, bin: u32) -> Option<(u32, u32)> {
        if bin % 40 != 7 {
            return None;
        }
        let at = (self.random.uniform() * self.alive.len() as f64) as usize;
        self.next += 1;
        Some((std::mem::replace(&mut self.alive[at], self.next - 1), self.next - 1))
    }

    fn bin(&mut self, bin: u32) -> Vec<(SeriesId, u32)> {
        if (300..330).contains(&bin) || bin % 211 == 3 {
            return Vec::new();
        }
        let Self { random, alive, .. } = self;
        let count = |(n, id): (u32, &u32)| {
            let wave = if (bin / 60) % SERIES == n { 0.4 } else { 0.0 };
            let rate = 0.002 * 1.06_f64.powi(n.cast_signed()) + wave;
            (SeriesId(*id), random.poisson(rate))
        };
        let counts = (0..).zip(alive.iter()).map(count);
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

const KINDS: [Kind; 2] = [Kind { share: 0.6, prior: None }, Kind { share: 0.4, prior: None }];

fn kind_of(series: u32) -> KindId {
    KindId((series % 2) as u8)
}

fn alone(seed: u64, bins: u32) -> (Vec<Report>, Watch) {
    let settings = Settings { false_alarms_per_week: 20.0 };
    let mut watch = Watch::with_kinds(settings, &KINDS).unwrap();
    let mut traffic = Traffic::new(seed);
    let mut reports = Vec::new();
    for series in 0..SERIES {
        watch.introduce(SeriesId(series), kind_of(series), None);
    }
    for bin in 0..bins {
        if let Some((old, new)) = traffic.replaced(bin) {
            watch.replace(SeriesId(old), SeriesId(new), kind_of(new), None);
            watch.count_earlier(SeriesId(new), 3, 1);
        }
        reports.push(watch.close_bin(&traffic.bin(bin)));
    }
    (reports, watch)
}

/// The same over holders, with losses and snapshots as `fate` has it for each bin.
fn divided(
    seed: u64,
    bins: u32,
    holder_of: &dyn Fn(u32) -> Partition,
    mut holders: Fragile,
    fate: &mut dyn FnMut(u32, &mut Fragile),
) -> (Vec<Report>, Merge, Fragile) {
    let settings = Settings { false_alarms_per_week: 20.0 };
    let mut merge = Merge::with_kinds(settings, &KINDS).unwrap();
    let mut traffic = Traffic::new(seed);
    let mut reports = Vec::new();
    for series in 0..SERIES {
        let held = (SeriesId(series), holder_of(series));
        merge.introduce(held, kind_of(series), None);
    }
    for bin in 0..bins {
        fate(bin, &mut holders);
        if let Some((old, new)) = traffic.replaced(bin) {
            let held = (SeriesId(new), holder_of(new));
            merge.replace(SeriesId(old), held, kind_of(new), None);
            merge.count_earlier(SeriesId(new), 3, 1);
        }
        reports.push(merge.close_bin(&mut holders, &traffic.bin(bin)));
    }
    (reports, merge, holders)
}

/// A report to the last bit: `==` would take 0.0 for -0.0.
fn bits(reports: &[Report]) -> Vec<String> {
    reports.iter().map(|report| format!("{report:?}")).collect()
}

#[test]
fn one_two_and_five_holders_tell_the_same_though_one_is_lost_again_and_again() {
    let bins = 144 * 12;
    let (told, watch) = alone(3, bins);
    let told = bits(&told);
    assert!(told.iter().any(|report| report.contains("Alarm {")), "something rose");
    for holders in [1_u32, 2, 5] {
        let mut random = Random(u64::from(holders));
        let mut fate = |bin: u32, fragile: &mut Fragile| {
            if random.uniform() < 0.02 {
                fragile.lose((random.uniform() * f64::from(holders)) as usize);
            }
            if bin % 50 == 49 {
                (0..fragile.holdings.len()).for_each(|partition| fragile.save(partition));
            }
        };
        let holder_of = |series: u32| (series.wrapping_mul(2_654_435_761) % holders) as Partition;
        let fragile = Fragile::new(holders as usize);
        let (reports, merge, fragile) = divided(3, bins, &holder_of, fragile, &mut fate);
        assert_eq!(bits(&reports), told, "{holders} holders");
        for series in (0..SERIES + 40).map(SeriesId) {
            assert_eq!(merge.scores(&fragile, [series]), [watch.score(series)]);
            assert_eq!(merge.learned(&fragile, series), watch.learned(series));
            assert_eq!(merge.explain(&fragile, series, None), watch.explain(series, None));
        }
        assert_eq!(merge.rhythm(), watch.rhythm());
    }
}

#[test]
fn the_merge_itself_goes_on_from_a_snapshot() {
    let (told, _) = alone(4, 600);
    let settings = Settings { false_alarms_per_week: 20.0 };
    let mut merge = Merge::with_kinds(settings, &KINDS).unwrap();
    let mut holders = vec![Holding::default(); 3];
    let mut traffic = Traffic::new(4);
    for series in 0..SERIES {
        let held = (SeriesId(series), (series % 3) as Partition);
        merge.introduce(held, kind_of(series), None);
    }
    for bin in 0..600 {
        if bin % 97 == 50 {
            let saved = serde_json::to_string(&(&merge, &holders)).unwrap();
            (merge, holders) = serde_json::from_str(&saved).unwrap();
        }
        if let Some((old, new)) = traffic.replaced(bin) {
            let held = (SeriesId(new), (new % 3) as Partition);
            merge.replace(SeriesId(old), held, kind_of(new), None);
            merge.count_earlier(SeriesId(new), 3, 1);
        }
        let report = merge.close_bin(&mut holders, &traffic.bin(bin));
        assert_eq!(format!("{report:?}"), format!("{:?}", told[bin as usize]), "bin {bin}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_assignment_and_any_loss_tell_the_same(
        seed in 0_u64..1_000,
        of in prop::collection::vec(0_u16..7, 64),
        lost in prop::collection::vec((0_u32..500, 0_usize..7), 0..12),
        saved in prop::collection::vec((0_u32..500, 0_usize..7), 0..12),
    ) {
        let (told, _) = alone(seed, 500);
        let mut fate = |bin: u32, fragile: &mut Fragile| {
            saved.iter().filter(|(at, _)| *at == bin).for_each(|(_, one)| fragile.save(*one));
            lost.iter().filter(|(at, _)| *at == bin).for_each(|(_, one)| fragile.lose(*one));
        };
        let holder_of = |series: u32| of[series as usize % of.len()];
        let (reports, _, _) = divided(seed, 500, &holder_of, Fragile::new(7), &mut fate);
        prop_assert_eq!(bits(&reports), bits(&told));
    }
}
