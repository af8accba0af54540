//! FOCuS for Poisson counts with an unknown rate before the change (Ward, Dilillo, Eckley, Fearnhead, "Poisson-FOCuS", 2023;
//! Romano and others, JMLR 24, 2023): the likelihood ratio maximised over every start and every rate after it, by the hour. Its
//! pruning is left out, as in the prototype: starts are tried one by one, so that the statistic is the same.

use super::gpe::running_sum;
use crate::matrix::Scores;
use crate::model::Model;
use crate::traffic::{BINS_AN_HOUR, Traffic};

/// Hours that a start lies back at most.
const LONGEST: usize = 168;
/// How much of the prior stands for the rate before the change.
const PRIOR_WEIGHT: f64 = 0.2;

/// The largest log likelihood ratio over all starts, over φ, each hour.
#[must_use]
pub fn focus(traffic: &Traffic, model: &Model) -> Scores {
    let exposed = running_sum(&model.hourly_exposures());
    Scores::by_port(traffic, BINS_AN_HOUR, |port| {
        let counted = running_sum(&model.hourly(port));
        let befores: Vec<Before> =
            (0..counted.len()).map(|hour| Before::new(model, port, hour)).collect();
        (1..counted.len())
            .map(|now| {
                let starts = now.saturating_sub(LONGEST).max(1)..now;
                let ratio = |start: usize| {
                    befores[start]
                        .ratio(counted[now] - counted[start], exposed[now] - exposed[start])
                };
                starts.map(ratio).fold(0.0, f64::max)
            })
            .collect()
    })
}

/// What was known when a start began.
struct Before {
    counts: f64,
    exposure: f64,
    rate: f64,
    own: f64,
    phi: f64,
}

impl Before {
    fn new(model: &Model, port: usize, hour: usize) -> Self {
        let bin = hour * BINS_AN_HOUR;
        let prior = model.prior(bin);
        let counts = model.totals[port][bin] + PRIOR_WEIGHT * prior.shape;
        let exposure = model.baseline[bin] + PRIOR_WEIGHT * prior.rate;
        let rate = counts / exposure;
        Self { counts, exposure, rate, own: counts * rate.ln(), phi: model.dispersion(port, bin) }
    }

    /// The log likelihood ratio of `counts` in `exposure` since then, 0 where they are no rise.
    fn ratio(&self, counts: f64, exposure: f64) -> f64 {
        if counts <= 0.0 || counts / exposure <= self.rate {
            return 0.0;
        }
        let all = counts + self.counts;
        let gain =
            counts * (counts / exposure).ln() - all * (all / (exposure + self.exposure)).ln();
        (gain + self.own) / self.phi
    }
}
