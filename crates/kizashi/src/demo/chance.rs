//! Draws from one seeded generator (PCG, O'Neill 2014): the only place of the demo where chance enters, so that a seed
//! decides everything. Never the operating system's randomness, never for secrets.

use rand_distr::{Distribution, Exp1, Gamma, Poisson, StandardNormal, StandardUniform};
use rand_pcg::Pcg64Mcg;

/// A seeded source of chance.
#[derive(Clone, Debug)]
pub(super) struct Chance(Pcg64Mcg);

impl Chance {
    /// A generator of its own for each pair: the same pair gives the same draws, neighbouring pairs unrelated ones.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        let high = scrambled(seed ^ scrambled(purpose));
        Self(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(scrambled(high))))
    }

    /// Any 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        StandardUniform.sample(&mut self.0)
    }

    /// From 0 (inclusive) to 1 (exclusive).
    pub(super) fn unit(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    /// Uniform between the bounds.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Between the bounds, uniform in the logarithm; both must be positive.
    pub(super) fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        self.uniform(low.ln(), high.ln()).exp()
    }

    /// A whole number below `bound`; 0 when the bound is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift (Lemire 2019) without the rejection step: the bias is below 2⁻⁴⁰ for every bound used here.
        let wide = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the items; `None` when there is none.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(usize::try_from(self.below(items.len() as u64)).unwrap_or(0))
    }

    /// From the standard normal distribution.
    pub(super) fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// From the exponential distribution with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    /// From the gamma distribution of this shape and mean; 0 when either is not positive.
    pub(super) fn gamma(&mut self, shape: f64, mean: f64) -> f64 {
        Gamma::new(shape, mean / shape).map_or(0.0, |gamma| gamma.sample(&mut self.0))
    }

    /// From the Poisson distribution of this mean; 0 when the mean is not positive.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        whole(Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(&mut self.0)))
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): a bijection, so different numbers stay different.
pub(super) const fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The whole part of a number, 0 for a negative one or none at all.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and a fraction is cut on purpose"
)]
pub(super) const fn whole(number: f64) -> u64 {
    number as u64
}

/// Microseconds as the nearest whole number below; saturates.
#[allow(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and a fraction is cut on purpose"
)]
pub(super) const fn micros(number: f64) -> i64 {
    number as i64
}

/// A count or a span as a number with a fraction.
#[allow(clippy::cast_precision_loss, reason = "spans and counts stay far below 2⁵²")]
pub(super) const fn real(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(draws: impl Fn(&mut Chance) -> f64) -> f64 {
        let mut chance = Chance::new(3, 7);
        (0..20_000).map(|_| draws(&mut chance)).sum::<f64>() / 20_000.0
    }

    #[test]
    fn each_distribution_has_the_mean_it_is_asked_for() {
        assert!((mean(Chance::unit) - 0.5).abs() < 0.01);
        assert!((mean(|chance| chance.gamma(0.35, 9.0)) - 9.0).abs() < 0.5);
        assert!(
            (mean(|chance| real(i64::try_from(chance.poisson(0.2)).unwrap())) - 0.2).abs() < 0.02
        );
        assert!((mean(Chance::exponential) - 1.0).abs() < 0.03);
        assert!(mean(Chance::normal).abs() < 0.03);
        assert!((mean(|chance| real(i64::try_from(chance.below(11)).unwrap())) - 5.0).abs() < 0.1);
    }

    #[test]
    fn senseless_parameters_give_zero_and_no_panic() {
        let mut chance = Chance::new(0, 0);
        assert_eq!(chance.poisson(f64::NAN) + chance.poisson(-1.0) + chance.poisson(0.0), 0);
        assert!(chance.gamma(0.35, 0.0).abs() < f64::EPSILON && chance.below(0) == 0);
        assert_eq!(chance.pick::<u8>(&[]), None);
    }
}
