//! How a score stands in the past of its own series: "higher than 99.3 % of its past". A score in nats means nothing to a person, and
//! its level differs from series to series; its rank does not.
//!
//! The past is kept as at most 64 weighted values. When there is one too many, the two neighbours merge that matter least, which are
//! those in the middle: ranks are finest at both ends (after the t-digest of Dunning and Ertl, 2019).

use serde::{Deserialize, Serialize};

/// Weighted values kept: about 1 KB.
const MOST: usize = 64;
/// Values after which all weights are halved, so that the far past fades.
const FADE_AT: f64 = 1e6;

/// The past of one series of scores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// Values in order, with how many each stands for.
    kept: Vec<(f64, f64)>,
}

impl Rank {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept: Vec::new() }
    }

    /// The share of the past that lies below `score`, half of what equals it included: 0 to 1. `None` without a past, and for what is
    /// not finite. The score then becomes part of the past.
    pub fn step(&mut self, score: f64) -> Option<f64> {
        if !score.is_finite() {
            return None;
        }
        let rank = self.of(score);
        self.learn(score);
        rank
    }

    /// The share of the past below `score`, which is not learned.
    #[must_use]
    pub fn of(&self, score: f64) -> Option<f64> {
        let total: f64 = self.kept.iter().map(|(_, weight)| weight).sum();
        if self.kept.is_empty() || !score.is_finite() {
            return None;
        }
        let below = self.kept.iter().map(|(value, weight)| match value.total_cmp(&score) {
            std::cmp::Ordering::Less => *weight,
            std::cmp::Ordering::Equal => weight / 2.0,
            std::cmp::Ordering::Greater => 0.0,
        });
        Some(below.sum::<f64>() / total)
    }

    fn learn(&mut self, score: f64) {
        let place = self.kept.partition_point(|(value, _)| *value < score);
        match self.kept.get_mut(place) {
            Some((value, weight)) if *value == score => *weight += 1.0,
            _ => self.kept.insert(place, (score, 1.0)),
        }
        let total: f64 = self.kept.iter().map(|(_, weight)| weight).sum();
        if self.kept.len() > MOST {
            self.merge_least(total);
        }
        if total > FADE_AT {
            self.kept.iter_mut().for_each(|(_, weight)| *weight /= 2.0);
        }
    }

    /// Merges the neighbours whose common weight is smallest for where they are.
    fn merge_least(&mut self, total: f64) {
        let (mut before, mut best) = (0.0, (f64::INFINITY, 0));
        for (place, pair) in self.kept.windows(2).enumerate() {
            let both = pair[0].1 + pair[1].1;
            let middle = (before + both / 2.0) / total;
            let cost = both / (middle * (1.0 - middle)).max(f64::MIN_POSITIVE);
            if cost < best.0 {
                best = (cost, place);
            }
            before += pair[0].1;
        }
        let (value, weight) = self.kept.remove(best.1);
        if let Some((next, next_weight)) = self.kept.get_mut(best.1) {
            let both = weight + *next_weight;
            *next = value * (weight / both) + *next * (*next_weight / both);
            *next_weight = both;
        }
    }
}
