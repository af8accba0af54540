//! Traffic in which no attack begins, in every form that a promise on false alarms must survive, and what a watch tells of it.
#![allow(
    dead_code,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of alarms and bins are small"
)]

use kizashi_detect::gamma_poisson::{SeriesId, Settings, Watch};

/// The first 72 hours, in bins.
pub(crate) const EARLY: u32 = 432;
const DAY: f64 = 144.0;

/// What the rates do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Nothing.
    Stationary,
    /// Counts come in clumps: negative binomial with this variance over the mean.
    Clumped(f64),
    /// Every series swings by this share over the day, at the same hour or each at its own.
    Daily(f64, bool),
    /// At the end of the week every series has this share of its rate.
    Weekly(f64),
    /// The log rate is an Ornstein-Uhlenbeck process with this standard deviation and this time, in bins.
    Drift(f64, f64),
    /// The sensor is cut off for 1 to 12 hours about every third day.
    Outages,
    /// One source comes with any number of events: one count more, in one of 300 bins.
    Bursts,
    /// Daily swing, drift and clumps at once.
    All,
}

/// A null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Null {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// Sources a bin; from the first to the second, evenly by logarithm.
    pub(crate) rates: (f64, f64),
    pub(crate) machines: u32,
}

const fn null(name: &'static str, form: Form, low: f64, high: f64, machines: u32) -> Null {
    Null { name, form, rates: (low, high), machines }
}

/// Series of one machine.
pub(crate) const SERIES: u32 = 30;
/// Days that a machine is watched.
pub(crate) const DAYS: u32 = 14;

/// The suite.
pub(crate) const NULLS: &[Null] = &[
    null("stationary, 0.001 sources a bin", Form::Stationary, 0.001, 0.001, 160),
    null("stationary, 0.01", Form::Stationary, 0.01, 0.01, 160),
    null("stationary, 0.1", Form::Stationary, 0.1, 0.1, 120),
    null("stationary, 1", Form::Stationary, 1.0, 1.0, 80),
    null("stationary, 5", Form::Stationary, 5.0, 5.0, 80),
    null("stationary, 50", Form::Stationary, 50.0, 50.0, 80),
    null("stationary, 0.001 to 5, mixed", Form::Stationary, 0.001, 5.0, 120),
    null("negative binomial, phi 1.5, 0.05", Form::Clumped(1.5), 0.05, 0.05, 80),
    null("negative binomial, phi 3, 0.05", Form::Clumped(3.0), 0.05, 0.05, 80),
    null("negative binomial, phi 1.5, 1", Form::Clumped(1.5), 1.0, 1.0, 80),
    null("negative binomial, phi 3, 1", Form::Clumped(3.0), 1.0, 1.0, 80),
    null("negative binomial, phi 6, 1", Form::Clumped(6.0), 1.0, 1.0, 80),
    null("negative binomial, phi 3, 10", Form::Clumped(3.0), 10.0, 10.0, 80),
    null("daily 50 %, one phase, 0.1", Form::Daily(0.5, true), 0.1, 0.1, 80),
    null("daily 50 %, one phase, 1", Form::Daily(0.5, true), 1.0, 1.0, 80),
    null("daily 50 %, one phase, 10", Form::Daily(0.5, true), 10.0, 10.0, 80),
    null("daily 50 %, each its hour, 0.01 to 10", Form::Daily(0.5, false), 0.01, 10.0, 80),
    null("weekends at 70 %, 0.1", Form::Weekly(0.7), 0.1, 0.1, 80),
    null("weekends at 70 %, 10", Form::Weekly(0.7), 10.0, 10.0, 80),
    null("drift sd 0.2 in 2 days, 0.1", Form::Drift(0.2, 288.0), 0.1, 0.1, 80),
    null("drift sd 0.2 in 2 days, 10", Form::Drift(0.2, 288.0), 10.0, 10.0, 80),
    null("drift sd 0.35 in 6 h, 1", Form::Drift(0.35, 36.0), 1.0, 1.0, 640),
    null("outages, 0.05 to 5", Form::Outages, 0.05, 5.0, 80),
    null("single-source bursts, 0.001 to 1", Form::Bursts, 0.001, 1.0, 80),
    null("daily, drift and clumps, 0.01 to 5", Form::All, 0.01, 5.0, 80),
];

/// What was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) early: u32,
    pub(crate) later: u32,
    /// Of all these, shifts of the whole sensor.
    pub(crate) wide: u32,
    pub(crate) promised_early: f64,
    pub(crate) promised_later: f64,
}

impl Outcome {
    /// Alarms and what was promised, early and later.
    pub(crate) fn phases(&self) -> [(u32, f64); 2] {
        [(self.early, self.promised_early), (self.later, self.promised_later)]
    }
}

/// Watches `machines` machines from number `first` on, each for [`DAYS`] days from its first hour on, at so many false alarms a week promised.
pub(crate) fn run(null: &Null, first: u32, machines: u32, a_week: f64) -> Outcome {
    let weeks = |bins: u32| f64::from(machines) * f64::from(bins) / 1_008.0 * a_week;
    let all = DAYS * DAY as u32;
    let mut outcome = Outcome {
        promised_early: weeks(EARLY),
        promised_later: weeks(all - EARLY),
        ..Outcome::default()
    };
    for machine in first..first + machines {
        let mut source = Source::new(null, 1 + u64::from(machine));
        let settings = Settings { false_alarms_per_week: a_week };
        let Ok(mut watch) = Watch::new(settings, None) else { return outcome };
        for bin in 0..all {
            let report = watch.close_bin(&source.bin(bin));
            let told = report.alarms.len() as u32 + u32::from(report.sensor_wide.is_some());
            outcome.wide += u32::from(report.sensor_wide.is_some());
            *if bin < EARLY { &mut outcome.early } else { &mut outcome.later } += told;
        }
    }
    outcome
}

/// One machine's traffic.
pub(crate) struct Source {
    random: Random,
    form: Form,
    series: Vec<One>,
    /// The bin until which the sensor is cut off.
    cut_until: u32,
    /// The day of the week of the first bin, and its hour as a share of the day.
    begins: f64,
}

struct One {
    rate: f64,
    swing: f64,
    phase: f64,
    drift: f64,
}

impl Source {
    pub(crate) fn new(null: &Null, seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let begins = random.uniform() * 7.0;
        let (low, high) = (null.rates.0.ln(), null.rates.1.ln());
        let series = (0..SERIES)
            .map(|_| One {
                rate: (low + (high - low) * random.uniform()).exp(),
                swing: if matches!(null.form, Form::All) { random.uniform() * 0.5 } else { 0.0 },
                phase: random.uniform(),
                drift: random.normal(),
            })
            .collect();
        Self { random, form: null.form, series, cut_until: 0, begins }
    }

    /// The counts of a bin; none while the sensor is cut off.
    pub(crate) fn bin(&mut self, bin: u32) -> Vec<(SeriesId, u32)> {
        let Self { random, form, series, .. } = self;
        if matches!(form, Form::Outages) && random.uniform() < 1.0 / (3.0 * DAY) {
            self.cut_until = bin + 6 + (random.uniform() * 66.0) as u32;
        }
        let time = self.begins + f64::from(bin) / DAY;
        let cut = bin < self.cut_until;
        let counts = series.iter_mut().map(|one| one.count(*form, time, random));
        let counts: Vec<u32> = counts.collect();
        let counts = (0..).map(SeriesId).zip(counts);
        counts.filter(|(_, count)| *count > 0 && !cut).collect()
    }
}

impl One {
    fn count(&mut self, form: Form, time: f64, random: &mut Random) -> u32 {
        let wave = |phase: f64| (std::f64::consts::TAU * (time - phase)).cos();
        let mean = match form {
            Form::Daily(swing, together) => {
                self.rate * (1.0 + swing * wave(if together { 0.6 } else { self.phase }))
            }
            Form::Weekly(share) if time % 7.0 >= 5.0 => self.rate * share,
            Form::Drift(deviation, bins) => self.rate * self.drifted(deviation, bins, random),
            Form::All => {
                let drift = self.drifted(0.2, 144.0, random);
                self.rate * drift * (1.0 + self.swing * wave(0.6))
            }
            _ => self.rate,
        };
        let clumps = match form {
            Form::Clumped(phi) => phi,
            Form::All => 1.3,
            _ => 1.0,
        };
        let mean =
            if clumps > 1.0 { random.gamma(mean / (clumps - 1.0)) * (clumps - 1.0) } else { mean };
        let burst = matches!(form, Form::Bursts) && random.uniform() < 1.0 / 300.0;
        random.poisson(mean) + u32::from(burst)
    }

    /// The next factor of the rate.
    fn drifted(&mut self, deviation: f64, bins: f64, random: &mut Random) -> f64 {
        let kept = (-1.0 / bins).exp();
        self.drift = kept * self.drift + (1.0 - kept * kept).sqrt() * random.normal();
        (deviation * self.drift - deviation * deviation / 2.0).exp()
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform on (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma(shape, 1): Marsaglia and Tsang, ACM TOMS 26(3), 2000.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Knuth's multiplication, over pieces of the mean that keep it exact.
    pub(crate) fn poisson(&mut self, mut mean: f64) -> u32 {
        let mut count = 0;
        while mean > 0.0 {
            let (limit, mut product) = ((-mean.min(30.0)).exp(), self.uniform());
            while product > limit {
                product *= self.uniform();
                count += 1;
            }
            mean -= 30.0;
        }
        count
    }
}

/// The exact central 95 % interval of a Poisson mean when `count` was seen (Garwood 1936), by bisection.
pub(crate) fn interval(count: u32) -> (f64, f64) {
    let at_most = |mean: f64, count: u32| {
        let (mut term, mut sum) = ((-mean).exp(), (-mean).exp());
        for k in 1..=count {
            term *= mean / f64::from(k);
            sum += term;
        }
        sum
    };
    let solve = |chance: f64, count: u32| {
        let (mut low, mut high) = (0.0, 3.0 * f64::from(count) + 20.0);
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if at_most(middle, count) > chance { low = middle } else { high = middle }
        }
        low
    };
    let low = if count == 0 { 0.0 } else { solve(0.975, count - 1) };
    (low, solve(0.025, count))
}
