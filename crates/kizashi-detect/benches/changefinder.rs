//! ChangeFinder's speed, and in the same run that of the Python package `changefinder` 0.03 from PyPI, where it is installed.
//!
//! ```text
//! python3 -m venv /tmp/peer && /tmp/peer/bin/pip install changefinder==0.03 numpy scipy statsmodels
//! PYTHON=/tmp/peer/bin/python3 cargo bench -p kizashi-detect --bench changefinder
//! ```
#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement is printed")]

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use kizashi_detect::changefinder::{ChangeFinder, Settings, SettingsError};

/// Values scored in one round, of which the best counts.
const VALUES: u32 = 1_000_000;
/// As long as the peer's three rounds take, so that a busy moment of the machine hits both alike.
const ROUNDS: u32 = 25;

/// The peer over the same kind of series, three rounds, the best counts; prints updates a second.
const PEER: &str = r"
import sys, time, warnings
import numpy
if not hasattr(numpy, 'asscalar'): numpy.asscalar = lambda a: a.item()
import changefinder
warnings.simplefilter('ignore')
numpy.seterr(all='ignore')
order, best = int(sys.argv[1]), 0.0
series = [float(v) for v in numpy.random.RandomState(1).poisson(20, 20000)]
for _ in range(3):
    finder = changefinder.ChangeFinder(r=0.02, order=order, smooth=7)
    start = time.perf_counter()
    for value in series:
        finder.update(value)
    best = max(best, len(series) / (time.perf_counter() - start))
print(best)
";

fn main() -> Result<(), SettingsError> {
    let series = series();
    println!(
        "ChangeFinder, r = 0.02, T = 7, logarithmic loss; updates a second, best of {ROUNDS} rounds"
    );
    for order in [1, 2, 4] {
        let ours = ours(order, &series)?;
        match peer(order) {
            Ok(peer) => println!(
                "k = {order}: {:6.2} million   PyPI changefinder 0.03: {peer:7.0}   ratio {:5.0}",
                ours / 1e6,
                ours / peer
            ),
            Err(why) => println!("k = {order}: {:6.2} million   {why}", ours / 1e6),
        }
    }
    Ok(())
}

/// Counts with a drift, a rhythm and noise, the same every time.
fn series() -> Vec<f64> {
    let mut state = 1_u64;
    (0..VALUES)
        .map(|t| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 40) as f64 / (1_u64 << 24) as f64;
            let rhythm = (f64::from(t) / 144.0).sin();
            (20.0 + 5.0 * rhythm + 15.0 * noise).floor()
        })
        .collect()
}

fn ours(order: usize, series: &[f64]) -> Result<f64, SettingsError> {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let mut finder = ChangeFinder::new(Settings { order, ..Settings::default() })?;
        let start = Instant::now();
        for &x in series {
            black_box(finder.step(black_box(x)));
        }
        best = best.max(f64::from(VALUES) / start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn peer(order: usize) -> Result<f64, String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let install = format!(
        "(no peer: {python} has no package changefinder; install it with `pip install changefinder==0.03 numpy scipy \
         statsmodels`, or name another interpreter in PYTHON)"
    );
    let output = Command::new(&python).args(["-c", PEER, &order.to_string()]).output();
    let output =
        output.ok().filter(|output| output.status.success()).ok_or_else(|| install.clone())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| install)
}
