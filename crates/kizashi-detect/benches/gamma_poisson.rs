//! The e-detector's speed: series-bins a second, which is series with a count times bins, everything included.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement is printed")]

use std::hint::black_box;
use std::time::Instant;

use kizashi_detect::gamma_poisson::{SeriesId, Settings, SettingsError, Watch};

const ROUNDS: u32 = 3;

fn main() -> Result<(), SettingsError> {
    println!("Gamma-Poisson e-detector, best of {ROUNDS} rounds");
    for (name, series, share, bins) in [
        ("1,400 series, one in 20 has a count", 1_400, 20, 6_000),
        ("1,400 series, all have a count", 1_400, 1, 1_000),
        ("65,536 series, one in 100 has a count", 65_536, 100, 1_000),
        ("65,536 series, all have a count", 65_536, 1, 40),
    ] {
        let mut best = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            let (counted, seconds) = run(series, share, bins)?;
            best = (best.0.max(counted as f64 / seconds), best.1.max(f64::from(bins) / seconds));
        }
        println!("{name:40} {:5.2} million series-bins/s, {:9.0} bins/s", best.0 / 1e6, best.1);
    }
    let mut watch = Watch::new(Settings::default(), None)?;
    watch.close_bin(&[(SeriesId(1), 1)]);
    let start = Instant::now();
    for _ in 0..1_000 {
        watch.skip(52_560);
        black_box(watch.close_bin(&[(SeriesId(1), 1)]));
    }
    println!("a year of empty bins: {:.1} microseconds", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Series-bins with a count, and the seconds they took.
fn run(series: u32, share: u32, bins: u32) -> Result<(usize, f64), SettingsError> {
    let mut state = 7_u64;
    let mut random = move |below: u32| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(below)).unwrap_or(0)
    };
    let traffic: Vec<Vec<(SeriesId, u32)>> = (0..bins)
        .map(|_| {
            let active = (0..series).filter(|_| random(share) == 0).collect::<Vec<_>>();
            active.into_iter().map(|id| (SeriesId(id), 1 + random(3))).collect()
        })
        .collect();
    let mut watch = Watch::new(Settings::default(), None)?;
    let start = Instant::now();
    for bin in &traffic {
        black_box(watch.close_bin(bin));
    }
    Ok((traffic.iter().map(Vec::len).sum(), start.elapsed().as_secs_f64()))
}
