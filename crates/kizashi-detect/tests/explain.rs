//! The numbers behind an alarm are those that raised it.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[path = "support/nulls.rs"]
mod nulls;

use kizashi_detect::gamma_poisson::{Explanation, SeriesId, Settings, Watch};
use nulls::Random;

/// Closes a bin of 12 series at this rate, but series 7 at its own.
fn close(watch: &mut Watch, random: &mut Random, rate: f64) -> Option<u64> {
    let of = |series: u32| if series == 7 { rate } else { 0.4 };
    let counts: Vec<(SeriesId, u32)> =
        (0..12).map(|series| (SeriesId(series), random.poisson(of(series)))).collect();
    let report = watch.close_bin(&counts);
    report.alarms.iter().find(|alarm| alarm.series == SeriesId(7)).map(|alarm| alarm.fresh_from)
}

fn log_sum(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}

/// Whether the parts make the whole.
fn assert_adds_up(numbers: &Explanation) {
    let by_window = log_sum(numbers.windows.iter().filter_map(|window| window.log_evidence));
    let by_ratio = log_sum(numbers.ratios.iter().filter_map(|(_, log)| *log));
    match numbers.log_m {
        Some(log_m) => {
            assert!((by_window - log_m).abs() < 1e-9, "{by_window} {log_m}");
            assert!((by_ratio - log_m).abs() < 1e-9, "{by_ratio} {log_m}");
        }
        None => assert!(numbers.windows.iter().all(|window| window.log_evidence.is_none())),
    }
    let starts: u64 = numbers.windows.iter().map(|window| window.starts).sum();
    assert_eq!(starts, u64::from(numbers.windows.last().unwrap().length));
    for window in &numbers.windows {
        assert_eq!(u64::from(window.length), numbers.bins - window.since_bin);
        assert!(window.active <= window.length && window.exposed > 0.0);
        assert!(window.log_evidence <= numbers.windows[numbers.strongest].log_evidence);
    }
}

#[test]
fn an_alarm_is_explained_by_what_was_enough_and_the_bin_before_was_not() {
    let (mut watch, mut random) = (Watch::new(Settings::default(), None).unwrap(), Random(5));
    for _ in 0..600 {
        assert_eq!(close(&mut watch, &mut random, 0.4), None);
    }
    let mut before = watch.explain(SeriesId(7), None).unwrap();
    let fresh_from = loop {
        assert_adds_up(&before);
        assert!(before.fresh_log_m < Some(before.threshold.log_m), "{before:?}");
        if let Some(fresh_from) = close(&mut watch, &mut random, 3.0) {
            break fresh_from;
        }
        before = watch.explain(SeriesId(7), None).unwrap();
    };
    let numbers = watch.explain(SeriesId(7), Some(fresh_from)).unwrap();
    assert_adds_up(&numbers);
    assert!(numbers.fresh_log_m >= Some(numbers.threshold.log_m), "{numbers:?}");
    let score = watch.score(SeriesId(7)).unwrap();
    assert!((score.log_m - numbers.log_m.unwrap()).abs() < 1e-9);
    assert_eq!(score.since_bin, numbers.windows[numbers.strongest].since_bin);
    assert_eq!(numbers.threshold.watched, 12);
    assert!((numbers.threshold.bins - 12.0 * 1_008.0).abs() < 1e-6);
    let spent = watch.explain(SeriesId(7), None).unwrap();
    assert!(spent.fresh_log_m < numbers.fresh_log_m, "the wave is told: {spent:?}");
    assert!((0.2..1.0).contains(&watch.rate(SeriesId(7)).unwrap()));
    assert!(watch.explain(SeriesId(99), None).is_none() && watch.rate(SeriesId(99)).is_none());
}

#[test]
fn the_counts_of_two_days_are_given_as_they_came() {
    let mut watch = Watch::new(Settings::default(), None).unwrap();
    for bin in 0..1_000_u32 {
        watch.close_bin(&[(SeriesId(1), bin % 3), (SeriesId(2), 1)]);
    }
    let recent = watch.recent(SeriesId(1));
    assert!(recent.iter().all(|(bin, count)| *bin >= 712 && u64::from(*count) == bin % 3));
    assert_eq!(recent.iter().filter(|(bin, _)| *bin >= 712).count(), 192);
    assert!(watch.recent(SeriesId(9)).is_empty());
    assert_eq!(watch.explain(SeriesId(1), None).unwrap().bins, 1_000);
}
