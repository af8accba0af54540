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

const WINDOWS: [usize; 9] = [1, 2, 4, 8, 16, 36, 72, 144, 288];
const RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 64.0];
const KAPPA: f64 = 30.0;

/// What all series share from a bin on, with each series' φ.
struct Shared {
    at: usize,
    a0: f64,
    b0: f64,
    phi: Vec<f64>,
}

/// The reference: everything of every bin is kept.
pub(crate) struct Plain {
    bins: Vec<Bin>,
    series: usize,
    /// f_t: 1 where the sensor listened.
    exposed: Vec<f64>,
    /// A and E after t bins.
    totals: Vec<Vec<f64>>,
    baseline: Vec<f64>,
    shared: Vec<Shared>,
}

impl Plain {
    pub(crate) fn new(bins: &[Bin], series: usize) -> Self {
        let mut plain = Self {
            bins: bins.to_vec(),
            series,
            exposed: exposures(bins),
            totals: vec![vec![0.0; series]],
            baseline: vec![0.0],
            shared: Vec::new(),
        };
        let gamma = 0.5_f64.powf(1.0 / 720.0);
        for t in 0..bins.len() {
            let total =
                (0..series).map(|i| gamma * plain.totals[t][i] + plain.count(t, i)).collect();
            plain.totals.push(total);
            plain.baseline.push(gamma * plain.baseline[t] + plain.exposed[t]);
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
        for (at, &w) in WINDOWS.iter().enumerate() {
            if w >= now {
                break;
            }
            let start = now - w;
            let shared = self.shared.iter().rev().find(|shared| shared.at <= start).unwrap();
            let phi = shared.phi[i];
            let mut alpha = shared.a0 + self.totals[start][i] / phi;
            let mut beta = shared.b0 + self.baseline[start] / phi;
            if alpha > KAPPA {
                beta *= KAPPA / alpha;
                alpha = KAPPA;
            }
            let s: f64 = self.exposed[start..now].iter().sum();
            let counts: f64 = (start..now).map(|t| self.count(t, i)).sum();
            let starts = w - if at == 0 { 0 } else { WINDOWS[at - 1] };
            for rho in RATIOS {
                let bayes = counts / phi * rho.ln()
                    + (alpha + counts / phi)
                        * ((beta + s / phi).ln() - (beta + rho * s / phi).ln());
                terms.push(bayes + (starts as f64 / RATIOS.len() as f64).ln());
            }
        }
        let largest = terms.iter().copied().fold(f64::MIN, f64::max);
        largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
    }

    /// Goes through the bins once for the dispersion by hours and the prior by 6 hours.
    fn share(&mut self) {
        let n = self.series;
        self.shared.push(Shared { at: 0, a0: 0.5, b0: 0.05, phi: vec![1.0; n] });
        let fade = 0.5_f64.powf(1.0 / 120.0);
        let (mut sum, mut weight) = (vec![0.0; n], vec![0.0; n]);
        let (mut pool_sum, mut pool_weight) = (0.0, 0.0);
        for t in 0..self.bins.len() {
            if t > 0 && t % 6 == 0 {
                pool_sum *= fade;
                pool_weight *= fade;
                for i in 0..n {
                    sum[i] *= fade;
                    weight[i] *= fade;
                    let Some((chi_square, w)) = self.residual(t - 6, i) else { continue };
                    sum[i] += w * chi_square;
                    weight[i] += w;
                    pool_sum += w * chi_square;
                    pool_weight += w;
                }
            }
            if self.bins[t].is_some() && t - self.shared.last().unwrap().at >= 36 {
                let pooled = (pool_sum + 50.0) / (pool_weight + 50.0);
                let phi = (0..n)
                    .map(|i| ((sum[i] + 24.0 * pooled) / (weight[i] + 24.0)).max(1.0))
                    .collect();
                let (a0, b0) = self.prior(t);
                self.shared.push(Shared { at: t, a0, b0, phi });
            }
        }
    }

    /// Pearson's chi-square of the hour from `start` on, and its weight.
    fn residual(&self, start: usize, i: usize) -> Option<(f64, f64)> {
        let hour = start..start + 6;
        let listened = hour.clone().any(|t| self.bins[t].is_some());
        let (total, baseline) = (self.totals[start][i], self.baseline[start]);
        if !listened || 6.0 * total <= 0.05 * baseline {
            return None;
        }
        let shared = self.shared.last().unwrap();
        let f: f64 = self.exposed[hour.clone()].iter().sum();
        let rate = shared.b0 + baseline;
        let m = (shared.a0 + total) / rate * f;
        let x: f64 = hour.map(|t| self.count(t, i)).sum();
        Some((((x - m).powi(2) / (m * (1.0 + f / rate))).min(50.0), m.min(1.0)))
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

/// f_t: silence is judged when it ends, by the product of its bins' predictive chances.
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
