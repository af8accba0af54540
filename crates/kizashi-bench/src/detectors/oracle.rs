//! An oracle: the sum of the prototype e-detector, but with the true rate of each bin and port in place of what the past says. No
//! detector that looks at one port's counts can find much more at the same false alarms, so that its row is where the table ends.

use super::gpe::{RATIOS, STEP, WINDOWS, log_sum, running_sum};
use crate::matrix::Scores;
use crate::traffic::Traffic;

/// Bins to both sides of one whose mean is taken for its level: three and a half days.
const AROUND: usize = 504;
/// Sources that are taken to come in a week in which none did.
const SILENCE: f64 = 0.05;

/// What real traffic amounts to around each bin and port without the campaigns laid over it (bins × ports): the mean of three and
/// a half days to both sides, of which no detector can know the second while it runs.
#[must_use]
pub fn level_around(quiet: &Traffic) -> Vec<f64> {
    let (ports, bins) = (quiet.ports, quiet.bins());
    let mut levels = vec![0.0; bins * ports];
    for port in 0..ports {
        let sums = running_sum(&quiet.series(port, 1));
        for bin in 0..bins {
            let (from, to) = (bin.saturating_sub(AROUND), (bin + AROUND + 1).min(bins));
            #[allow(clippy::cast_precision_loss, reason = "thousands of bins")]
            let mean = (sums[to] - sums[from] + SILENCE) / (to - from) as f64;
            levels[bin * ports + port] = mean;
        }
    }
    levels
}

/// log10 of the Shiryaev-Roberts sum of likelihood ratios against the true rates, every half hour; `expected` is bins × ports.
#[must_use]
pub fn oracle(traffic: &Traffic, expected: &[f64]) -> Scores {
    let ports = traffic.ports;
    let of_port = |port: usize| {
        let rates: Vec<f64> = expected.iter().skip(port).step_by(ports.max(1)).copied().collect();
        running_sum(&rates)
    };
    let by_port: Vec<Vec<f64>> = (0..ports).map(of_port).collect();
    #[allow(clippy::cast_precision_loss, reason = "seven")]
    let ratios = (RATIOS.len() as f64).ln();
    Scores::by_port(traffic, STEP, |port| {
        let (counted, rates) = (running_sum(&traffic.series(port, 1)), &by_port[port]);
        let at = |evaluation: usize| {
            let now = evaluation * STEP;
            let mut before = 0;
            let windows = WINDOWS.into_iter().take_while(|length| *length <= now).map(|length| {
                let (counts, mean) =
                    (counted[now] - counted[now - length], rates[now] - rates[now - length]);
                let starts = length - std::mem::replace(&mut before, length);
                let ratio = |ratio: &f64| counts * ratio.ln() - (ratio - 1.0) * mean;
                #[allow(clippy::cast_precision_loss, reason = "at most 288")]
                let starts = (starts as f64).ln();
                log_sum(RATIOS.iter().map(ratio)) - ratios + starts
            });
            log_sum(windows) / std::f64::consts::LN_10
        };
        (1..=traffic.bins() / STEP).map(at).collect()
    })
}
