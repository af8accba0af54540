//! What tests of the e-detector share: numbers that are the same on every machine, and the detector written as plainly as
//! its definition reads, over whole matrices and bin by bin, to hold the fast one against.
#![allow(dead_code, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform on [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Poisson by Knuth's multiplication: for means up to about 100.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

/// What one bin held: `None` for silence, else a count for each series.
pub(crate) type Bin = Option<Vec<u32>>;

const WINDOWS: [usize; 11] = [1, 2, 4, 8, 16, 36, 72, 144, 288, 576, 1_008];
const RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 32.0, 256.0];

/// What all series share from a bin on, with each series' φ.
struct Shared {
    at: usize,
    /// Those that are still known after it, of two days all and of the days before one each.
    kept: Vec<usize>,
    a0: f64,
    b0: f64,
    phi: Vec<f64>,
    v: Vec<f64>,
}

/// The reference: everything of every bin is kept.
pub(crate) struct Plain {
    bins: Vec<Bin>,
    series: usize,
    /// 1 where the sensor listened.
    exposed: Vec<f64>,
    /// The same as its hour of the day weighs.
    weighed: Vec<f64>,
    /// A after t bins, E as it would be if all hours were alike, and E.
    totals: Vec<Vec<f64>>,
    flat: Vec<f64>,
    baseline: Vec<f64>,
    shared: Vec<Shared>,
}

impl Plain {
    pub(crate) fn new(bins: &[Bin], series: usize) -> Self {
        let mut plain = Self {
            bins: bins.to_vec(),
            series,
            exposed: exposures(bins),
            weighed: Vec::new(),
            totals: vec![vec![0.0; series]],
            flat: vec![0.0],
            baseline: vec![0.0],
            shared: Vec::new(),
        };
        let gamma = 0.5_f64.powf(1.0 / 720.0);
        for t in 0..bins.len() {
            let total =
                (0..series).map(|i| gamma * plain.totals[t][i] + plain.count(t, i)).collect();
            plain.totals.push(total);
            plain.flat.push(gamma * plain.flat[t] + plain.exposed[t]);
        }
        plain.weigh();
        for t in 0..bins.len() {
            plain.baseline.push(gamma * plain.baseline[t] + plain.weighed[t]);
        }
        plain.share();
        plain
    }

    fn count(&self, t: usize, i: usize) -> f64 {
        self.bins[t].as_ref().map_or(0.0, |counts| f64::from(counts[i]))
    }

    /// log M of series `i` after `now` bins.
    pub(crate) fn log_m(&self, now: usize, i: usize) -> f64 {
        let mut terms = Vec::new();
        let known = &self.shared.iter().rev().find(|shared| shared.at < now).unwrap().kept;
        let (mut before, mut lively) = (now, false);
        for &w in &WINDOWS {
            let start = now.saturating_sub(w);
            // The longest begin with a quarter of a day.
            let start = if w > 288 { start / 36 * 36 } else { start };
            if start == 0 {
                break;
            }
            // An outage has no starts of its own.
            let between = start..std::mem::replace(&mut before, start);
            let starts: f64 = self.exposed[between].iter().sum();
            let starts = if w > 288 { starts / 20.0 } else { starts };
            let shared = known.iter().map(|at| &self.shared[*at]).rev();
            let shared = shared.into_iter().find(|shared| shared.at <= start).unwrap();
            let (phi, v) = (shared.phi[i], shared.v[i]);
            let mut alpha = shared.a0 + self.totals[start][i] / phi;
            let mut beta = shared.b0 + self.baseline[start] / phi;
            let mean = alpha / beta;
            let first_days = 0.15 * (2.0 - self.baseline[start] / 144.0).clamp(0.0, 1.0);
            alpha = 1.0 / (1.0 / alpha + 1.15 * v + first_days);
            beta = alpha / mean;
            let s: f64 = self.weighed[start..now].iter().sum();
            let counts: Vec<f64> = (start..now).map(|t| self.count(t, i)).collect();
            let active = counts.iter().filter(|count| **count > 0.0).count() as f64;
            let counts: f64 = counts.iter().sum();
            // What is so little above what was expected is not looked at.
            let (expected, variance) = (mean * s, mean * s * (1.0 + mean * s / alpha));
            if w <= 288 {
                lively = counts > 1.5 * expected;
            }
            if (w > 288 && !lively)
                || counts <= expected
                || (counts - expected).powi(2) <= 4.0 * variance
            {
                continue;
            }
            if starts == 0.0 {
                continue;
            }
            for rho in RATIOS {
                // The tilt of Poisson counts, and that of clumps with the same exponent.
                let poisson = rho * (beta + s) / (beta + rho * s);
                let q = (phi - 1.0) / phi;
                let clumps = if phi - 1.0 < 1e-9 {
                    poisson
                } else {
                    (1.0 - (1.0 - q) * (-(poisson - 1.0) * (phi - 1.0)).exp()) / q
                };
                let none = alpha * ((beta + s) / (beta + rho * s)).ln();
                let (of_bins, of_counts) = (active * poisson.ln(), counts * clumps.ln());
                let more = of_bins.max(of_counts);
                let both = more + (0.5 * ((of_bins - more).exp() + (of_counts - more).exp())).ln();
                terms.push(none + both + (starts / RATIOS.len() as f64).ln());
            }
        }
        if terms.is_empty() {
            return f64::MIN;
        }
        let largest = terms.iter().copied().fold(f64::MIN, f64::max);
        largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
    }

    /// Weighs each bin by what the hours of the days before showed.
    fn weigh(&mut self) {
        let fade = 0.5_f64.powf(1.0 / 5.0);
        // Of each hour of the day: counts, those expected, and days.
        let mut hours = [[0.0; 3]; 24];
        let mut weights = [1.0; 24];
        for t in 0..self.bins.len() {
            if t >= 6 && t % 6 == 0 {
                let hour = t - 6..t;
                let past: f64 = self.exposed[..t - 6].iter().sum();
                let place = (t / 6 - 1) % 24;
                if past >= 144.0 && hour.clone().any(|u| self.bins[u].is_some()) {
                    let exposed: f64 = self.exposed[hour.clone()].iter().sum();
                    let (mut counts, mut expected) = (0.0, 0.0);
                    for i in (0..self.series)
                        .filter(|i| 6.0 * self.totals[t - 6][*i] > 0.05 * self.flat[t - 6])
                    {
                        let of_series = self.totals[t - 6][i] / self.flat[t - 6] * exposed;
                        let n: f64 = hour.clone().map(|u| self.count(u, i)).sum();
                        counts += n.min(2.0 * of_series + 3.0);
                        expected += of_series;
                    }
                    if expected > 0.0 {
                        for (sum, value) in hours[place].iter_mut().zip([counts, expected, 1.0]) {
                            *sum = *sum * fade + value;
                        }
                    }
                    if place == 23 {
                        weights = weights_of(&hours).unwrap_or(weights);
                    }
                }
            }
            self.weighed.push(self.exposed[t] * weights[t / 6 % 24]);
        }
    }

    /// Goes through the bins once for φ and v by hours and the prior by 6 hours (by hours on the first half day).
    fn share(&mut self) {
        let n = self.series;
        self.shared.push(Shared {
            at: 0,
            kept: vec![0],
            a0: 0.5,
            b0: 0.05,
            phi: vec![3.0; n],
            v: vec![0.1; n],
        });
        let fade = 0.5_f64.powf(1.0 / 120.0);
        // Sums and weights of φ − 1 and of v: of each series, and at the end of all.
        let mut sums = vec![[0.0; 4]; n + 1];
        for t in 0..self.bins.len() {
            if t > 0 && t % 6 == 0 {
                sums.iter_mut().flatten().for_each(|sum| *sum *= fade);
                for i in 0..n {
                    let Some(residual) = self.residual(t - 6, i) else { continue };
                    for (at, value) in residual.into_iter().enumerate() {
                        sums[i][at] += value;
                        sums[n][at] += value;
                    }
                }
            }
            let last = self.shared.last().unwrap().at;
            if self.bins[t].is_some() && t - last >= if last < 72 { 6 } else { 36 } {
                let mean = |sums: [f64; 4], phi: f64, v: f64, weight: f64| {
                    let [excess, excess_weight, volatility, volatility_weight] = sums;
                    let phi = (excess + (phi - 1.0) * weight) / (excess_weight + weight);
                    let v = (volatility + v * weight) / (volatility_weight + weight);
                    (1.0 + phi.max(0.0), v.max(0.03))
                };
                let (phi, v) = mean(sums[n], 3.0, 0.1, 20.0);
                let (phi, v) = sums[..n].iter().map(|sums| mean(*sums, phi, v, 24.0)).unzip();
                let (a0, b0) = self.prior(t);
                let kept = self.kept(t);
                self.shared.push(Shared { at: t, kept, a0, b0, phi, v });
            }
        }
    }

    /// Which are known after what is shared from bin `t` on, which comes next: before the last two days the first of each day.
    fn kept(&self, t: usize) -> Vec<usize> {
        let mut kept = self.shared.last().unwrap().kept.clone();
        kept.push(self.shared.len());
        let at = |one: usize| self.shared.get(one).map_or(t, |shared| shared.at);
        let oldest = t.saturating_sub(1_008) / 36 * 36;
        while kept.len() > 1 && at(kept[1]) <= oldest {
            kept.remove(0);
        }
        let mut place = 1;
        while place + 1 < kept.len() && at(kept[place + 1]) <= t.saturating_sub(288) {
            if at(kept[place]) / 144 == at(kept[place - 1]) / 144 {
                kept.remove(place);
            } else {
                place += 1;
            }
        }
        kept
    }

    /// What the hour from `start` on adds to the sums of φ − 1 and v and to their weights.
    fn residual(&self, start: usize, i: usize) -> Option<[f64; 4]> {
        let hour = start..start + 6;
        let listened = hour.clone().any(|t| self.bins[t].is_some());
        let (total, baseline) = (self.totals[start][i], self.baseline[start]);
        if !listened || 6.0 * total <= 0.05 * self.flat[start] {
            return None;
        }
        let shared = self.shared.last().unwrap();
        let k: f64 = self.exposed[hour.clone()].iter().sum();
        let rate = shared.b0 + baseline;
        let weighed: f64 = self.weighed[hour.clone()].iter().sum();
        let m = (shared.a0 + total) / rate * weighed;
        let x: Vec<f64> = hour.map(|t| self.count(t, i)).collect();
        let n: f64 = x.iter().sum();
        let big = m.max(1.0);
        let weight = n * (k - 1.0) / k;
        let pairs = x.iter().map(|x| x * (x - 1.0)).sum::<f64>() - n * (n - 1.0) / k;
        let excess = if k < 2.0 {
            [0.0, 0.0]
        } else {
            [pairs.min(10.0 * weight) / big, weight.min(4.0 * big) / big]
        };
        let chance = shared.phi[i] * m * (1.0 + weighed / rate);
        let seen = 0.1 * m * m;
        let weight = (seen / (chance + seen)).powi(2);
        let relative = ((n - m).powi(2) - chance) / (m * m);
        Some([excess[0], excess[1], (weight * relative).min(4.0), weight])
    }

    fn prior(&self, t: usize) -> (f64, f64) {
        let exposure = self.baseline[t];
        let known = |i: &usize| (0..t).any(|u| self.count(u, *i) > 0.0);
        let totals: Vec<f64> = (0..self.series).filter(known).map(|i| self.totals[t][i]).collect();
        let mean = (totals.iter().sum::<f64>() / (totals.len() as f64 * exposure)).max(1e-6);
        let mut best = (f64::MIN, 0.0, 0.0);
        for shape in [0.1, 0.2, 0.3, 0.5, 0.8] {
            let rate = shape / mean;
            let likelihood: f64 = totals
                .iter()
                .map(|x| {
                    log_gamma(shape + x) - log_gamma(shape)
                        + shape * (rate / (rate + exposure)).ln()
                        + x * (exposure / (rate + exposure)).ln()
                })
                .sum();
            if likelihood > best.0 {
                best = (likelihood, shape, rate);
            }
        }
        (best.1, best.2)
    }
}

/// The weights of the hours, each seen with its neighbours and drawn towards 1, with mean 1.
fn weights_of(hours: &[[f64; 3]; 24]) -> Option<[f64; 24]> {
    let all = |at: usize| hours.iter().map(|hour| hour[at]).sum::<f64>();
    let level = all(0) / all(1);
    if all(0) <= 0.0 {
        return None;
    }
    let weights: [f64; 24] = std::array::from_fn(|place| {
        let near =
            |at: usize| [23, 0, 1].map(|by| hours[(place + by) % 24][at]).iter().sum::<f64>();
        let (counts, expected, days) = (near(0), near(1), near(2) / 3.0);
        if expected <= 0.0 {
            return 1.0;
        }
        let trust = days / (days + 3.0) * expected / (expected + 30.0);
        (1.0 + (counts / expected / level - 1.0) * trust).clamp(0.25, 4.0)
    });
    let mean = weights.iter().sum::<f64>() / 24.0;
    Some(weights.map(|weight| weight / mean))
}

/// Silence is judged when it ends, by the product of its bins' predictive chances.
fn exposures(bins: &[Bin]) -> Vec<f64> {
    let gamma = 0.5_f64.powf(1.0 / 720.0);
    let mut exposed = vec![1.0; bins.len()];
    let (mut heard, mut listened) = (0.0, 0.0);
    let mut t = 0;
    while t < bins.len() {
        let end = (t..bins.len()).find(|u| bins[*u].is_some()).unwrap_or(bins.len());
        let scale = if listened > 144.0 { 144.0 / listened } else { 1.0 };
        let silent = 0.5 + (listened - heard) * scale;
        let all = 1.0 + listened * scale;
        let chance: f64 = (0..end - t).map(|k| ((silent + k as f64) / (all + k as f64)).ln()).sum();
        if chance < 1e-9_f64.ln() {
            exposed[t..end].fill(0.0);
        }
        for u in t..(end + 1).min(bins.len()) {
            heard = gamma * heard + f64::from(u8::from(bins[u].is_some()));
            listened = gamma * listened + exposed[u];
        }
        t = end + 1;
    }
    exposed
}

/// log Γ by Lanczos' series (g = 7, n = 9).
fn log_gamma(x: f64) -> f64 {
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return log_gamma(x + 1.0) - x.ln();
    }
    let x = x - 1.0;
    let sum = C[0] + (1..9).map(|i| C[i] / (x + i as f64)).sum::<f64>();
    let t = x + 7.5;
    (2.0 * std::f64::consts::PI).sqrt().ln() + (x + 0.5) * t.ln() - t + sum.ln()
}
