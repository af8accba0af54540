//! How large a rise is: the ratio of two rates that are both only known as Gamma distributions.

use serde::{Deserialize, Serialize};

use super::LARGEST_RATIO;
use super::special::incomplete_beta;

/// Past this the new rate adds no doubt worth telling, and the continued fraction would be slow.
const MOST_SHAPE: f64 = 1e4;

/// What a series' past says of its rate: Gamma(α, β), in counts a bin, with dispersion φ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// α: what is known of the rate, in counts.
    pub alpha: f64,
    /// β, in bins of a usual hour.
    pub beta: f64,
    /// φ, at least 1.
    pub phi: f64,
}

/// How many times larger a rate is than a baseline; all at most [`LARGEST_RATIO`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Counts over those expected.
    pub ratio: f64,
    /// Lower end of the central 95 % credible interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

impl Baseline {
    /// Expected counts a bin.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.alpha / self.beta
    }

    /// The ratio of `counts` in `exposed` bins, each as its hour of the day weighs, to this baseline.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "one part in 2^53 is nothing here")]
    pub fn ratio(&self, counts: u64, exposed: f64) -> Ratio {
        let (counts, exposed) = (counts as f64, exposed.max(1e-3));
        let ratio = (counts / (self.rate() * exposed)).min(LARGEST_RATIO);
        // The new rate by itself, with Jeffreys' prior: Gamma(S/φ + 1/2, s/φ).
        let (mut shape, mut rate) = (counts / self.phi + 0.5, exposed / self.phi);
        if shape > MOST_SHAPE {
            rate *= MOST_SHAPE / shape;
            shape = MOST_SHAPE;
        }
        let quantile = |probability: f64| {
            let odds = log_odds(shape, self.alpha, probability);
            (odds.exp() * self.beta / rate).clamp(0.0, LARGEST_RATIO)
        };
        Ratio { ratio, low: quantile(0.025).min(ratio), high: quantile(0.975).max(ratio) }
    }
}

/// The logarithm of x / (1 − x) at which the Beta(a, b) distribution reaches `probability`, by bisection: of two Gamma
/// variables with shapes a and b and rate 1, the log of their ratio.
fn log_odds(a: f64, b: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (-700.0_f64, 700.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        let x = 1.0 / (1.0 + (-middle).exp());
        let complement = 1.0 / (1.0 + middle.exp());
        if incomplete_beta(a, b, x, complement) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(alpha: f64, beta: f64) -> Baseline {
        Baseline { alpha, beta, phi: 1.0 }
    }

    #[test]
    fn quantiles_are_those_of_the_f_distribution() {
        // F(10, 20): 2.774 at 97.5 %, 1 / F(20, 10; 0.975) = 1 / 3.419 at 2.5 % (standard tables).
        assert!((log_odds(5.0, 10.0, 0.975).exp() * 2.0 - 2.7737).abs() < 1e-3);
        assert!((log_odds(5.0, 10.0, 0.025).exp() * 2.0 - 1.0 / 3.4185).abs() < 1e-3);
    }

    #[test]
    fn a_ratio_lies_in_its_interval_and_little_history_makes_it_wide() {
        let Ratio { ratio, low, high } = baseline(30.0, 30.0).ratio(50, 10.0);
        assert!((ratio - 5.0).abs() < 1e-12 && low > 3.0 && high < 8.5);
        let Ratio { low, high, .. } = baseline(0.5, 0.5).ratio(50, 10.0);
        assert!(low < 1.5 && high > 1_000.0);
        let Ratio { ratio, low, high } = baseline(1e-9, 1e9).ratio(u64::MAX, 288.0);
        assert!(ratio <= LARGEST_RATIO && low <= ratio && ratio <= high && high <= LARGEST_RATIO);
    }
}
