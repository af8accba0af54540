//! What the prototype detectors share: exposure by the hour of the day, discounted baselines, an empirical Bayes prior and the
//! dispersion, each from what was past at the time (`prepare` of `run_prototypes.py`).

use crate::traffic::{BINS_A_DAY, BINS_AN_HOUR, Traffic};

/// Half-life of the baselines, in bins.
const HALF_LIFE: f64 = 720.0;
/// Bins for which a prior is kept.
const PRIOR_FOR: usize = 36;
/// The prior before anything is known.
const FIRST_PRIOR: Prior = Prior { shape: 0.3, rate: 3.0 };
/// Shapes tried.
const SHAPES: [f64; 5] = [0.1, 0.2, 0.3, 0.5, 0.8];

/// Gamma(shape, rate) over the rates of all ports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// a0.
    pub shape: f64,
    /// b0, in bins.
    pub rate: f64,
}

/// The model of one run.
#[derive(Clone, Debug)]
pub struct Model {
    /// f: exposure of each bin.
    pub exposures: Vec<f64>,
    /// E: discounted exposure before each bin.
    pub baseline: Vec<f64>,
    /// A: discounted counts before each bin, by port.
    pub totals: Vec<Vec<f64>>,
    /// Each port's counts.
    pub counts: Vec<Vec<f64>>,
    priors: Vec<Prior>,
    /// φ by port and hour.
    dispersions: Vec<Vec<f64>>,
}

impl Model {
    /// Learns all of a run.
    #[must_use]
    pub fn new(traffic: &Traffic) -> Self {
        let counts: Vec<Vec<f64>> =
            (0..traffic.ports).map(|port| traffic.series(port, 1)).collect();
        let exposures = exposures(&counts, traffic.bins());
        let fade = 0.5_f64.powf(1.0 / HALF_LIFE);
        let discounted = |series: &[f64]| {
            let mut total = 0.0;
            let mut totals = vec![0.0];
            totals.extend(series.iter().map(|x| {
                total = fade * total + x;
                total
            }));
            totals
        };
        let baseline = discounted(&exposures);
        let totals: Vec<Vec<f64>> = counts.iter().map(|series| discounted(series)).collect();
        let priors = priors(&totals, &baseline);
        let mut model =
            Self { exposures, baseline, totals, counts, priors, dispersions: Vec::new() };
        model.learn_dispersions();
        model
    }

    /// The prior at bin `bin`.
    #[must_use]
    pub fn prior(&self, bin: usize) -> Prior {
        let last = self.priors.len().saturating_sub(1);
        self.priors.get((bin / PRIOR_FOR).min(last)).copied().unwrap_or(FIRST_PRIOR)
    }

    /// φ of a port at bin `bin`.
    #[must_use]
    pub fn dispersion(&self, port: usize, bin: usize) -> f64 {
        self.dispersions[port][bin / BINS_AN_HOUR]
    }

    /// Each hour's exposure.
    #[must_use]
    pub fn hourly_exposures(&self) -> Vec<f64> {
        self.exposures.chunks_exact(BINS_AN_HOUR).map(|hour| hour.iter().sum()).collect()
    }

    /// A port's counts by the hour.
    #[must_use]
    pub fn hourly(&self, port: usize) -> Vec<f64> {
        self.counts[port].chunks_exact(BINS_AN_HOUR).map(|hour| hour.iter().sum()).collect()
    }

    /// An hourly quasi-Poisson scale: discounted Pearson chi-square a port, shrunk to that of all ports together.
    fn learn_dispersions(&mut self) {
        let ports = self.counts.len();
        let hourly: Vec<Vec<f64>> = (0..ports).map(|port| self.hourly(port)).collect();
        let fade = 0.5_f64.powf(1.0 / 120.0);
        let (mut sums, mut weights) = (vec![0.0; ports], vec![0.0; ports]);
        let (mut all, mut weight_of_all) = (0.0, 0.0);
        self.dispersions = vec![vec![1.0]; ports];
        for (hour, exposure) in self.hourly_exposures().into_iter().enumerate() {
            let start = hour * BINS_AN_HOUR;
            let prior = self.prior(start);
            all *= fade;
            weight_of_all *= fade;
            for port in 0..ports {
                let rate = prior.rate + self.baseline[start];
                let mean = (prior.shape + self.totals[port][start]) / rate * exposure;
                let variance = mean * (1.0 + exposure / rate);
                let weight = mean.min(1.0);
                let chi_square = ((hourly[port][hour] - mean).powi(2) / variance).min(50.0);
                sums[port] = fade * sums[port] + weight * chi_square;
                weights[port] = fade * weights[port] + weight;
                all += weight * chi_square;
                weight_of_all += weight;
            }
            let pooled = 24.0 * (all + 50.0) / (weight_of_all + 50.0);
            for port in 0..ports {
                self.dispersions[port]
                    .push(((sums[port] + pooled) / (weights[port] + 24.0)).max(1.0));
            }
        }
    }
}

/// Exposure by the hour of the day, from all ports together, learned anew each day.
#[allow(clippy::cast_precision_loss, reason = "days and bins")]
fn exposures(counts: &[Vec<f64>], bins: usize) -> Vec<f64> {
    let mut totals = vec![0.0; bins];
    for series in counts {
        let most = 3.0 * (series.iter().sum::<f64>() / bins as f64).max(1.0);
        for (total, count) in totals.iter_mut().zip(series) {
            *total += count.min(most);
        }
    }
    let mut exposures = vec![1.0; bins];
    let mut days: Vec<Vec<f64>> = Vec::new();
    for (day, of_day) in totals.chunks(BINS_A_DAY).enumerate() {
        if day >= 2 {
            let profile = profile(&days);
            for (exposure, bin) in
                exposures.iter_mut().skip(day * BINS_A_DAY).take(of_day.len()).zip(0..)
            {
                let bin: usize = bin;
                *exposure = profile[bin / BINS_AN_HOUR];
            }
        }
        let hours: Vec<f64> = of_day.chunks(BINS_AN_HOUR).map(|hour| hour.iter().sum()).collect();
        let sum = hours.iter().sum::<f64>().max(1.0);
        days.push(hours.iter().map(|hour| hour / sum * 24.0).collect());
    }
    exposures
}

/// The share of each hour of the day, its median over the days, smoothed, and the more trusted the more days there are.
#[allow(clippy::cast_precision_loss, reason = "days")]
fn profile(days: &[Vec<f64>]) -> Vec<f64> {
    let median = |hour: usize| {
        let mut shares: Vec<f64> = days.iter().map(|day| day[hour]).collect();
        shares.sort_unstable_by(f64::total_cmp);
        let half = shares.len() / 2;
        if shares.len() % 2 == 1 {
            shares[half]
        } else {
            f64::midpoint(shares[half - 1], shares[half])
        }
    };
    let medians: Vec<f64> = (0..24).map(median).collect();
    let trust = days.len() as f64 / (days.len() as f64 + 3.0);
    let smooth =
        |hour: usize| (medians[(hour + 23) % 24] + medians[hour] + medians[(hour + 1) % 24]) / 3.0;
    let profile: Vec<f64> = (0..24).map(|hour| 1.0 + (smooth(hour) - 1.0) * trust).collect();
    let mean = profile.iter().sum::<f64>() / 24.0;
    profile.iter().map(|share| share / mean).collect()
}

/// The prior of each 6 hours: a negative binomial likelihood over the ports, the shape from a small grid, the mean matched.
#[allow(clippy::cast_precision_loss, reason = "ports")]
fn priors(totals: &[Vec<f64>], baseline: &[f64]) -> Vec<Prior> {
    let at = |bin: usize| {
        if bin < PRIOR_FOR {
            return FIRST_PRIOR;
        }
        let exposure = baseline[bin];
        let ports = totals.len() as f64;
        let mean =
            (totals.iter().map(|series| series[bin]).sum::<f64>() / (exposure * ports)).max(1e-6);
        let mut best = (f64::NEG_INFINITY, FIRST_PRIOR);
        for shape in SHAPES {
            let rate = shape / mean;
            let none = shape * (rate / (rate + exposure)).ln() - libm::lgamma(shape);
            let each = (exposure / (rate + exposure)).ln();
            let port =
                |series: &Vec<f64>| libm::lgamma(shape + series[bin]) + none + series[bin] * each;
            let likelihood: f64 = totals.iter().map(port).sum();
            if likelihood > best.0 {
                best = (likelihood, Prior { shape, rate });
            }
        }
        best.1
    };
    (0..baseline.len()).step_by(PRIOR_FOR).map(at).collect()
}
