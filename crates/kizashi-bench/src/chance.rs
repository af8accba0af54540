//! Draws from one seeded generator (PCG, O'Neill 2014): a seed decides everything. Never for secrets.

use rand_distr::{Distribution, Poisson, StandardNormal, StandardUniform};
use rand_pcg::Pcg64Mcg;

/// A seeded source of chance.
#[derive(Clone, Debug)]
pub struct Chance(Pcg64Mcg);

impl Chance {
    /// The same seed gives the same draws, neighbouring seeds unrelated ones.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let high = scrambled(seed);
        Self(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(scrambled(high))))
    }

    /// From 0 (inclusive) to 1 (exclusive).
    pub fn unit(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    /// Uniform between the bounds.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Between the bounds, uniform in the logarithm; both must be positive.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        self.uniform(low.ln(), high.ln()).exp()
    }

    /// A whole number of these, uniform; the first when there is none.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        let span = high.saturating_sub(low);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "spans are small, and a fraction is cut on purpose"
        )]
        let offset = (self.unit() * span as f64) as usize;
        low + offset
    }

    /// From the normal distribution with this mean and deviation.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let standard: f64 = StandardNormal.sample(&mut self.0);
        mean + deviation * standard
    }

    /// From the Poisson distribution of this mean; 0 when the mean is not positive.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, and the draw is whole"
        )]
        Poisson::new(mean).map_or(0, |poisson| poisson.sample(&mut self.0) as u32)
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014).
const fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
