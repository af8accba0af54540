//! ChangeFinder against the reference vectors, and against every input that could break it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what went wrong by failing"
)]

use std::fs;
use std::path::{Path, PathBuf};

use kizashi_detect::changefinder::{ChangeFinder, Loss, Settings, SettingsError};
use proptest::prelude::*;

fn vectors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.display());
    None
}

fn column(line: &str, at: usize) -> Option<f64> {
    line.split(',').nth(at).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap())
}

fn close(found: Option<f64>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

#[test]
fn every_loss_and_setting_equals_the_reference_vectors_to_1e9() {
    let Some(folder) = vectors() else { return };
    let losses = [
        (Loss::Logarithmic, "log"),
        (Loss::Quadratic, "quadratic"),
        (Loss::Hellinger, "hellinger"),
    ];
    let mut compared = 0;
    for (discount, order, smooth) in [(0.02, 2, 7), (0.05, 1, 5), (0.1, 3, 5)] {
        for (loss, name) in losses {
            let prefix = format!("out_ref_predictive_{name}_r{discount}_k{order}_T{smooth}_");
            for entry in fs::read_dir(&folder).unwrap() {
                let file = entry.unwrap().file_name().into_string().unwrap();
                let Some(series) = file.strip_prefix(&prefix) else { continue };
                let input = fs::read_to_string(folder.join(format!("in_{series}"))).unwrap();
                let output = fs::read_to_string(folder.join(&file)).unwrap();
                let settings = Settings {
                    discount,
                    order,
                    smooth,
                    smooth2: None,
                    loss,
                    ..Settings::default()
                };
                let mut finder = ChangeFinder::new(settings).unwrap();
                for (input, output) in input.lines().zip(output.lines()).skip(1) {
                    let score = finder.step(column(input, 1).unwrap());
                    let found = [score.outlier, score.smoothed, score.change];
                    for (at, found) in found.into_iter().enumerate() {
                        let expected = column(output, at + 1);
                        assert!(
                            close(found, expected),
                            "{file}: {output}: column {at} is {found:?}"
                        );
                        compared += usize::from(expected.is_some());
                    }
                }
            }
        }
    }
    assert!(compared > 100_000, "only {compared} values were compared");
}

#[test]
fn settings_out_of_range_are_refused_with_the_value() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        ChangeFinder::new(settings).err()
    };
    assert_eq!(with(|s| s.discount = 0.0), Some(SettingsError::Discount(0.0)));
    assert!(with(|s| s.discount = f64::NAN).is_some());
    assert_eq!(with(|s| s.order = 0), Some(SettingsError::Order(0)));
    assert_eq!(with(|s| s.smooth = usize::MAX), Some(SettingsError::Smooth(usize::MAX)));
    assert_eq!(with(|s| s.smooth2 = Some(0)), Some(SettingsError::Smooth(0)));
}

#[test]
fn a_value_that_is_not_finite_is_missing_and_leaves_no_trace() {
    let mut with_gaps = ChangeFinder::new(Settings::default()).unwrap();
    let mut without = with_gaps.clone();
    for t in 0..100 {
        let x = f64::from(t % 7);
        for gap in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(with_gaps.step(gap).outlier, None);
        }
        assert_eq!(with_gaps.step(x), without.step(x));
    }
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(7.0),
        Just(1e300),
        Just(-1e300),
        Just(f64::MAX),
        Just(5e-324),
        -1e6..1e6,
        any::<f64>()
    ]
    .prop_filter("finite", |x| x.is_finite())
}

proptest! {
    #[test]
    fn scores_are_finite_for_every_finite_input(
        series in prop::collection::vec(finite(), 1..200),
        order in 1_usize..6,
        discount in 0.001..0.999,
        smooth in 1_usize..10,
        loss in prop_oneof![Just(Loss::Logarithmic), Just(Loss::Quadratic), Just(Loss::Hellinger)],
    ) {
        let mut finder = ChangeFinder::new(Settings { discount, order, smooth, smooth2: None, loss, ..Settings::default() }).unwrap();
        for x in series {
            let score = finder.step(x);
            prop_assert!([score.outlier, score.smoothed, score.change].into_iter().flatten().all(f64::is_finite));
        }
    }

    #[test]
    fn a_state_saved_and_restored_goes_on_bit_for_bit(
        series in prop::collection::vec(0.0..50.0_f64, 2..120),
        at in 0.0..1.0_f64,
    ) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = (series.len() as f64 * at) as usize;
        let mut finder = ChangeFinder::new(Settings::default()).unwrap();
        for x in &series[..at] {
            finder.step(*x);
        }
        let saved = serde_json::to_string(&finder).unwrap();
        let mut restored: ChangeFinder = serde_json::from_str(&saved).unwrap();
        for x in &series[at..] {
            prop_assert_eq!(finder.step(*x), restored.step(*x));
        }
    }
}
