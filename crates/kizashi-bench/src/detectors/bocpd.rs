//! Bayesian online change point detection (Adams and MacKay, 2007) with Gamma-Poisson segments, by the hour: the distribution of the
//! time since the last change, up to 168 hours, and one longer run that fades. The score is the odds of a recent change upward.

use crate::matrix::Scores;
use crate::model::Model;
use crate::traffic::{BINS_AN_HOUR, Traffic};

/// Chance of a change each hour.
const HAZARD: f64 = 1.0 / 720.0;
/// Run lengths kept apart, in hours.
const LONGEST: usize = 168;
/// A change so many hours ago or less is recent.
const RECENT: usize = 72;
/// A rate so many times that of the longest run is a rise.
const UP: f64 = 1.3;
/// What an hour leaves of the longest run's past.
const FADE: f64 = 0.995;
/// The least odds counted on either side.
const LEAST: f64 = 1e-300;

/// log10 of the odds of a recent change upward, each hour.
#[must_use]
pub fn bocpd(traffic: &Traffic, model: &Model) -> Scores {
    let exposures = model.hourly_exposures();
    Scores::by_port(traffic, BINS_AN_HOUR, |port| {
        let first = model.prior(0);
        let mut runs = Runs { all: vec![RunLength::new(first.shape, first.rate, 0.0)] };
        let hours = model.hourly(port).into_iter().zip(&exposures).enumerate();
        hours
            .map(|(hour, (count, exposure))| {
                let bin = hour * BINS_AN_HOUR;
                let (phi, prior) = (model.dispersion(port, bin), model.prior(bin));
                runs.step(count / phi, exposure / phi, (prior.shape, prior.rate));
                runs.score()
            })
            .collect()
    })
}

/// One hypothesis: the time since the last change.
#[derive(Clone, Copy)]
struct RunLength {
    alpha: f64,
    beta: f64,
    /// log Γ(α) and log β, which the next step needs.
    ln_gamma: f64,
    ln_beta: f64,
    log_weight: f64,
}

impl RunLength {
    fn new(alpha: f64, beta: f64, log_weight: f64) -> Self {
        Self { alpha, beta, ln_gamma: libm::lgamma(alpha), ln_beta: beta.ln(), log_weight }
    }

    /// The run an hour longer, its weight times the chance of what came.
    fn grown(self, x: f64, s: f64, ln_s: f64, ln_factorial: f64) -> Self {
        let (alpha, beta) = (self.alpha + x, self.beta + s);
        let ln_gamma = if x > 0.0 { libm::lgamma(alpha) } else { self.ln_gamma };
        let ln_beta = beta.ln();
        let chance = ln_gamma - self.ln_gamma - ln_factorial
            + self.alpha * (self.ln_beta - ln_beta)
            + x * (ln_s - ln_beta);
        Self { alpha, beta, ln_gamma, ln_beta, log_weight: self.log_weight + chance }
    }
}

struct Runs {
    /// By length; the last, when there are all, is that of any longer run.
    all: Vec<RunLength>,
}

impl Runs {
    fn step(&mut self, x: f64, s: f64, (shape, rate): (f64, f64)) {
        let is_full = self.all.len() == LONGEST + 1;
        let (ln_s, ln_factorial) = (s.ln(), if x > 0.0 { libm::lgamma(x + 1.0) } else { 0.0 });
        let oldest = self.all.last().copied();
        for run in &mut self.all {
            *run = run.grown(x, s, ln_s, ln_factorial);
        }
        let largest = self.all.iter().map(|run| run.log_weight).fold(f64::MIN, f64::max);
        let sum: f64 = self.all.iter().map(|run| (run.log_weight - largest).exp()).sum();
        let total = largest + sum.ln();
        let stays = (1.0 - HAZARD).ln() - total;
        for run in &mut self.all {
            run.log_weight += stays;
        }
        if is_full
            && let (Some(tail), Some(before), Some(oldest)) =
                (self.all.pop(), self.all.last().copied(), oldest)
        {
            let larger = tail.log_weight.max(before.log_weight);
            let joined = (tail.log_weight - larger).exp() + (before.log_weight - larger).exp();
            let (alpha, beta) = (oldest.alpha * FADE + x, oldest.beta * FADE + s);
            self.all.pop();
            self.all.push(RunLength::new(alpha, beta, larger + joined.ln()));
        }
        self.all.insert(0, RunLength::new(shape, rate, HAZARD.ln()));
    }

    fn score(&self) -> f64 {
        let Some((longest, others)) = self.all.split_last() else { return 0.0 };
        let base = UP * longest.alpha / longest.beta;
        let (mut risen, mut rest) = (LEAST, LEAST);
        for (length, run) in others.iter().enumerate().skip(1) {
            let weight = run.log_weight.exp();
            if length <= RECENT && run.alpha / run.beta > base {
                risen += weight;
            } else {
                rest += weight;
            }
        }
        rest += longest.log_weight.exp();
        (risen.ln() - rest.ln()) / std::f64::consts::LN_10
    }
}
