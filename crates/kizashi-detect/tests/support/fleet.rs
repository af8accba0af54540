//! The promise of a fleet as a whole: sensors, groups and all together watch the same ports, of traffic in which nothing begins, and
//! all that any of them tells is held against the one promise. And what scopes are for: a wave that brings each sensor a source now
//! and then, and how often which scope tells of it.
//!
//! Newcomers come to one sensor or to several, as scanners do; a source that comes to several counts once where these are watched
//! together, so that scopes see much the same and their false alarms come together.
#![allow(
    dead_code,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of alarms and bins are small"
)]

use std::fmt::Write as _;

use kizashi_detect::gamma_poisson::{Breadth, SeriesId, Settings, Watch};

use super::nulls::{Random, interval};

/// The promise of every fleet, in false alarms a week.
const A_WEEK: f64 = 1.0;
/// Sensors of one fleet, and of one group.
const SENSORS: usize = 10;
const GROUP: usize = 5;
/// Ports.
const SERIES: usize = 20;
/// Days of a fleet, and the bins of the first three.
const DAYS: usize = 14;
const EARLY: usize = 432;
const BINS: usize = DAYS * 144;
/// When the wave begins, how long it lasts and for how long afterwards it may be told, in bins.
const ONSET: usize = 10 * 144;
const WAVE: usize = 36;
const TOLD_WITHIN: usize = 144;

/// How newcomers spread over sensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Null {
    pub(crate) name: &'static str,
    /// Newcomers a bin and port over the whole fleet: from the first to the second, evenly by logarithm.
    pub(crate) rates: (f64, f64),
    /// The share of them that comes to every sensor; the others come to one.
    pub(crate) everywhere: f64,
    /// By how much rates swing over the day, and whether a sensor is cut off for hours about every third day.
    pub(crate) swing: f64,
    pub(crate) outages: bool,
    pub(crate) fleets: usize,
}

const fn null(name: &'static str, low: f64, high: f64, everywhere: f64, fleets: usize) -> Null {
    Null { name, rates: (low, high), everywhere, swing: 0.0, outages: false, fleets }
}

pub(crate) const NULLS: [Null; 6] = [
    null("each newcomer at one sensor, 0.1 to 10", 0.1, 10.0, 0.0, 60),
    null("half of them at every sensor, 0.1 to 10", 0.1, 10.0, 0.5, 60),
    null("all at every sensor, 0.01 to 1", 0.01, 1.0, 1.0, 60),
    null("a tenth everywhere, quiet, 0.01 to 1", 0.01, 1.0, 0.1, 60),
    Null { swing: 0.5, ..null("half everywhere, daily 50 %, 0.1 to 10", 0.1, 10.0, 0.5, 60) },
    Null {
        outages: true,
        ..null("half everywhere, sensors cut off, 0.1 to 10", 0.1, 10.0, 0.5, 60)
    },
];

/// What one fleet told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    pub(crate) early: u32,
    pub(crate) later: u32,
    /// Of all these, by the widest first.
    by_breadth: [u32; 3],
    /// Which breadths told of the wave.
    pub(crate) wave: [bool; 3],
}

/// One set of watches: its breadth, the sensors it hears, and who it is.
struct Scope {
    breadth: usize,
    sensors: std::ops::Range<usize>,
    watch: Watch,
}

fn scopes() -> Option<Vec<Scope>> {
    let settings = Settings { false_alarms_per_week: A_WEEK };
    let scope = |breadth: usize, sensors: std::ops::Range<usize>| {
        let watches = SENSORS.div_ceil(sensors.len());
        let of = Breadth::ALL.get(breadth)?;
        let mut watch = Watch::new(of.promise(settings), None).ok()?;
        watch.promise_over(u32::try_from(watches).ok()?);
        Some(Scope { breadth, sensors, watch })
    };
    let all = std::iter::once(scope(0, 0..SENSORS));
    let groups = (0..SENSORS / GROUP).map(|at| scope(1, at * GROUP..(at + 1) * GROUP));
    let sensors = (0..SENSORS).map(|at| scope(2, at..at + 1));
    all.chain(groups).chain(sensors).collect()
}

/// One fleet's newcomers.
struct Newcomers {
    random: Random,
    null: Null,
    rates: Vec<f64>,
    cut_until: [usize; SENSORS],
}

impl Newcomers {
    fn new(null: Null, seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let (low, high) = (null.rates.0.ln(), null.rates.1.ln());
        let rates = (0..SERIES).map(|_| (low + (high - low) * random.uniform()).exp()).collect();
        Self { random, null, rates, cut_until: [0; SENSORS] }
    }

    /// Of each port's newcomers in a bin, which sensors they came to, as bits.
    fn bin(&mut self, bin: usize, wave: f64) -> Vec<Vec<u16>> {
        let Self { random, null, rates, cut_until } = self;
        let mut open = 0_u16;
        for (sensor, until) in cut_until.iter_mut().enumerate() {
            if null.outages && random.uniform() < 1.0 / (3.0 * 144.0) {
                *until = bin + 6 + (random.uniform() * 66.0) as usize;
            }
            open |= u16::from(bin >= *until) << sensor;
        }
        let day = 1.0 + null.swing * (std::f64::consts::TAU * bin as f64 / 144.0).cos();
        let mut come = |rate: f64, everywhere: f64| -> Vec<u16> {
            let who = |random: &mut Random| {
                if random.uniform() < everywhere {
                    (1 << SENSORS) - 1
                } else {
                    1 << ((random.uniform() * SENSORS as f64) as usize).min(SENSORS - 1)
                }
            };
            let count = random.poisson(rate);
            (0..count).map(|_| who(random) & open).filter(|at| *at != 0).collect()
        };
        let mut ports: Vec<Vec<u16>> =
            rates.iter().map(|rate| come(rate * day, null.everywhere)).collect();
        if wave > 0.0
            && let Some(port) = ports.first_mut()
        {
            port.extend(come(wave, 0.0));
        }
        ports
    }
}

/// Watches one fleet; from [`ONSET`] on so many newcomers more come a bin to the first port, each to one sensor.
pub(crate) fn run(null: Null, seed: u64, wave: f64) -> Told {
    let (Some(mut scopes), mut newcomers) = (scopes(), Newcomers::new(null, seed)) else {
        return Told::default();
    };
    let mut told = Told::default();
    let bins = if wave > 0.0 { ONSET + WAVE + TOLD_WITHIN } else { BINS };
    for bin in 0..bins {
        let more = if (ONSET..ONSET + WAVE).contains(&bin) { wave } else { 0.0 };
        let ports = newcomers.bin(bin, more);
        for scope in &mut scopes {
            let of = scope.sensors.clone().fold(0_u16, |bits, sensor| bits | 1 << sensor);
            let count = |(port, newcomers): (u32, &Vec<u16>)| {
                let here = newcomers.iter().filter(|at| *at & of != 0).count();
                (SeriesId(port), u32::try_from(here).unwrap_or(u32::MAX))
            };
            let counts: Vec<(SeriesId, u32)> =
                (0..).zip(&ports).map(count).filter(|(_, count)| *count > 0).collect();
            let report = scope.watch.close_bin(&counts);
            let is_of_wave = bin >= ONSET && report.alarms.iter().any(|one| one.series.0 == 0);
            told.wave[scope.breadth] |= wave > 0.0 && is_of_wave;
            let alarms = report.alarms.len() + usize::from(report.sensor_wide.is_some());
            let alarms = u32::try_from(alarms).unwrap_or(u32::MAX);
            told.by_breadth[scope.breadth] += alarms;
            *if bin < EARLY { &mut told.early } else { &mut told.later } += alarms;
        }
    }
    told
}

/// The tables: fleets are numbered from `first` on, and one in `divisor` is watched.
pub(crate) fn table(first: u64, divisor: usize) -> String {
    let mut table = format!(
        "Fleets of {SENSORS} sensors in groups of {GROUP}, {SERIES} ports, {DAYS} days; {A_WEEK} false alarm a week promised over all \
         scopes together\n\n{:46} {:>6} {:^29} {:^29}  kept  all/groups/sensors\n",
        "newcomers a bin and port of the fleet", "fleets", "first 72 hours", "later"
    );
    for null in NULLS {
        let fleets = (null.fleets / divisor).max(1);
        let outcomes = each(fleets, |at| run(null, first + at as u64, 0.0));
        table.push_str(&row(null.name, &outcomes));
    }
    let _ = writeln!(
        table,
        "\nA wave of six hours, its newcomers at one sensor each, upon 0.3 to 3 of which half go everywhere: told of within a day\n\n\
         {:46} {:>6} {:>8} {:>8} {:>8}",
        "newcomers a bin over the fleet (at each sensor)", "fleets", "all", "a group", "a sensor"
    );
    for wave in [1.0, 2.0, 3.0, 5.0, 8.0] {
        let null = Null { rates: (0.3, 3.0), ..NULLS[1] };
        let fleets = (40 / divisor).max(1);
        let outcomes = each(fleets, |at| run(null, first + 1_000 + at as u64, wave));
        let share = |breadth: usize| {
            let told = outcomes.iter().filter(|told| told.wave[breadth]).count();
            format!("{:.0} %", 100.0 * told as f64 / fleets as f64)
        };
        let name = format!("{wave} ({:.1})", wave / SENSORS as f64);
        let _ =
            writeln!(table, "{name:46} {fleets:6} {:>8} {:>8} {:>8}", share(0), share(1), share(2));
    }
    table
}

fn row(name: &str, outcomes: &[Told]) -> String {
    let fleets = outcomes.len() as f64;
    let weeks = |bins: usize| fleets * bins as f64 / 1_008.0 * A_WEEK;
    let early: u32 = outcomes.iter().map(|told| told.early).sum();
    let later: u32 = outcomes.iter().map(|told| told.later).sum();
    let mut row = format!("{name:46} {:6}", outcomes.len());
    let mut kept = true;
    for (alarms, of) in [(early, weeks(EARLY)), (later, weeks(BINS - EARLY))] {
        let (low, high) = interval(alarms);
        let _ = write!(row, " {of:8.1} {alarms:5} ({:5.3}-{:5.3})", low / of, high / of);
        kept &= low <= of;
    }
    let of = |breadth: usize| outcomes.iter().map(|told| told.by_breadth[breadth]).sum::<u32>();
    let _ = writeln!(row, "  {:4}  {}/{}/{}", if kept { "yes" } else { "NO" }, of(0), of(1), of(2));
    row
}

/// Work over all processors, with results in the order of the items.
fn each<T: Send>(items: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = &work;
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let worker = |first: usize| {
            let own = (first..items).step_by(workers);
            scope.spawn(move || own.map(|item| (item, work(item))).collect::<Vec<_>>())
        };
        let working: Vec<_> = (0..workers).map(worker).collect();
        working.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    done.sort_unstable_by_key(|(item, _)| *item);
    done.into_iter().map(|(_, result)| result).collect()
}
