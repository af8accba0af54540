//! ChangeFinder for several series, from a warm start, and its ranks: against independent references and every finite input.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::fs;
use std::path::Path;

use kizashi_detect::changefinder::{
    ChangeFinder, Loss, Rank, Score, Settings, SettingsError, Start, VectorChangeFinder,
};
use proptest::prelude::*;

fn close(found: Option<f64>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-7 * expected.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

fn all(score: Score) -> [Option<f64>; 3] {
    [score.outlier, score.smoothed, score.change]
}

#[test]
fn several_series_equal_the_dense_reference_to_1e7() {
    for (dimension, order, discount) in [(2, 1, 0.05), (3, 2, 0.02), (4, 3, 0.05)] {
        let name = format!("tests/vectors/vector_d{dimension}_k{order}.csv");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&name)).unwrap();
        let settings =
            Settings { discount, order, smooth: 5, smooth2: Some(3), ..Settings::default() };
        let mut finder = VectorChangeFinder::new(settings, dimension).unwrap();
        let mut changes = 0;
        for (row, line) in text.lines().enumerate() {
            let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
            let x: Vec<f64> = cells[..dimension].iter().map(|x| x.unwrap()).collect();
            let score = all(finder.step(&x));
            for (found, expected) in score.into_iter().zip(&cells[dimension..]) {
                assert!(close(found, *expected), "{name} row {row}: {found:?} for {expected:?}");
            }
            changes += usize::from(score[2].is_some());
        }
        assert!(changes > 200, "{name} has only {changes} change scores");
    }
}

fn series() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..100.0_f64, 20..150)
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => Just(0.0),
        1 => Just(7.0),
        1 => Just(1e300),
        1 => Just(-1e300),
        1 => Just(f64::MAX),
        1 => Just(5e-324),
        3 => -1e6..1e6,
        1 => any::<f64>()
    ]
    .prop_filter("finite", |x| x.is_finite())
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![Just(Loss::Logarithmic), Just(Loss::Quadratic), Just(Loss::Hellinger)]
}

proptest! {
    #[test]
    fn one_series_as_a_vector_scores_as_it_does_alone(
        series in series(), order in 1_usize..5, discount in 0.01..0.3,
    ) {
        let settings = Settings { discount, order, smooth: 3, ..Settings::default() };
        let mut alone = ChangeFinder::new(settings).unwrap();
        let mut vector = VectorChangeFinder::new(settings, 1).unwrap();
        for x in series {
            let (alone, vector) = (all(alone.step(x)), all(vector.step(&[x])));
            for (alone, vector) in alone.into_iter().zip(vector) {
                prop_assert!(close(vector, alone), "{vector:?} for {alone:?}");
            }
        }
    }

    #[test]
    fn several_series_have_finite_scores_for_every_finite_input(
        dimension in 1_usize..17,
        order in 1_usize..9,
        discount in 0.001..0.999,
        values in prop::collection::vec(finite(), 16..400),
        alike in any::<bool>(),
    ) {
        let settings = Settings { discount, order, smooth: 2, ..Settings::default() };
        let mut finder = VectorChangeFinder::new(settings, dimension).unwrap();
        for x in values.chunks(if alike { 1 } else { dimension }) {
            let x: Vec<f64> = x.iter().copied().cycle().take(dimension).collect();
            let score = finder.step(&x);
            prop_assert!(all(score).into_iter().flatten().all(f64::is_finite), "{x:?}: {score:?}");
        }
        let saved: VectorChangeFinder =
            serde_json::from_str(&serde_json::to_string(&finder).unwrap()).unwrap();
        prop_assert_eq!(saved, finder);
    }

    #[test]
    fn a_warm_start_has_a_finite_score_for_every_finite_input_from_the_first_on(
        series in prop::collection::vec(finite(), 1..200),
        order in 1_usize..7,
        discount in 0.001..0.999,
        smooth in 1_usize..10,
        loss in loss(),
    ) {
        let settings =
            Settings { discount, order, smooth, loss, start: Start::Warm, ..Settings::default() };
        let mut finder = ChangeFinder::new(settings).unwrap();
        for x in series {
            let score = finder.step(x);
            prop_assert!(all(score).into_iter().all(|score| score.is_some_and(f64::is_finite)));
        }
    }

    #[test]
    fn a_rank_is_a_share_and_its_memory_is_bounded(
        scores in prop::collection::vec(finite(), 1..600),
    ) {
        let mut rank = Rank::new();
        prop_assert_eq!(rank.of(0.0), None);
        for score in scores {
            let found = rank.step(score);
            prop_assert!(found.is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
        prop_assert!(serde_json::to_value(&rank).unwrap()["kept"].as_array().unwrap().len() <= 64);
    }
}

#[test]
fn a_rank_is_near_the_exact_one_and_nearest_at_the_top() {
    let mut state = 1_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let past: Vec<f64> = (0..20_000).map(|_| -next().ln()).collect();
    let mut rank = Rank::new();
    for score in &past {
        rank.step(*score);
    }
    for (score, most) in [(0.7, 0.03), (2.3, 0.01), (4.6, 0.003), (6.9, 0.001)] {
        let exact = past.iter().filter(|past| **past < score).count() as f64 / 20_000.0;
        let found = rank.of(score).unwrap();
        assert!((found - exact).abs() < most, "{score}: {found} for {exact}");
    }
    assert_eq!((rank.of(-1.0), rank.of(1e9)), (Some(0.0), Some(1.0)));
}

#[test]
fn equal_scores_stand_in_the_middle_and_what_is_not_finite_has_no_rank() {
    let mut rank = Rank::new();
    for _ in 0..1_000 {
        rank.step(3.0);
    }
    assert_eq!(rank.step(3.0), Some(0.5));
    assert_eq!((rank.step(f64::NAN), rank.step(f64::INFINITY)), (None, None));
    assert_eq!(rank.of(3.5), Some(1.0));
}

#[test]
fn a_quiet_port_that_wakes_on_its_second_day_stands_out_from_a_warm_start() {
    let counts: Vec<f64> =
        (0..48).map(|hour| if hour < 36 { f64::from(hour % 3) } else { 25.0 }).collect();
    let settings = Settings { smooth: 2, order: 1, start: Start::Warm, ..Settings::default() };
    let mut finder = ChangeFinder::new(settings).unwrap();
    let scores: Vec<f64> = counts.iter().map(|x| finder.step(*x).change.unwrap()).collect();
    let highest = (0..48).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
    assert!((36..39).contains(&highest), "{highest}: {scores:?}");
}

#[test]
fn a_dimension_out_of_range_and_a_warm_vector_are_refused() {
    let new = |settings, dimension| VectorChangeFinder::new(settings, dimension).err();
    let settings = Settings::default();
    assert_eq!(new(settings, 0), Some(SettingsError::Vector { dimension: 0, order: 2 }));
    assert_eq!(new(settings, 17), Some(SettingsError::Vector { dimension: 17, order: 2 }));
    let long = Settings { order: 9, ..settings };
    assert_eq!(new(long, 2), Some(SettingsError::Vector { dimension: 2, order: 9 }));
    let warm = Settings { start: Start::Warm, ..settings };
    assert_eq!(new(warm, 2), Some(SettingsError::WarmVector));
}

#[test]
fn a_missing_value_of_one_series_leaves_no_trace_in_any() {
    let mut with_gaps = VectorChangeFinder::new(Settings::default(), 2).unwrap();
    let mut without = with_gaps.clone();
    for t in 0..60 {
        let x = [f64::from(t % 7), f64::from(t % 5)];
        assert_eq!(with_gaps.step(&[f64::NAN, 1.0]), Score::default());
        assert_eq!(with_gaps.step(&[1.0]), Score::default());
        assert_eq!(with_gaps.step(&x), without.step(&x));
    }
}
