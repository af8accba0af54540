//! Input that no sensor should give: clocks that step, counts at the end of their range, years of nothing. Never a panic, never a number
//! that is none, never a sign of less than three sources, and what is saved goes on bit for bit.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::{Detection, Settings, Sign, SignKind};
use kizashi_store::{ClosedBin, KeyBin, PortBin};
use proptest::prelude::*;

const BIN: i64 = 600 * Timestamp::SECOND;
const YEAR: i64 = 366 * Timestamp::DAY;

/// How far the clock steps from one bin to the next: mostly on by some bins, now and then back, a year, or to the end of time.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![
        40 => (1_i64..4).prop_map(|bins| bins * BIN),
        4 => (1_i64..600).prop_map(|bins| bins * BIN),
        2 => (-3_i64..1).prop_map(|bins| bins * BIN + 7),
        1 => Just(YEAR),
        1 => Just(-YEAR),
        1 => prop_oneof![Just(30 * YEAR), Just(-30 * YEAR)],
    ]
}

fn rows() -> impl Strategy<Value = Vec<(u16, u64, Vec<u32>)>> {
    let events = prop_oneof![8 => 0_u64..50, 1 => Just(u64::MAX)];
    let sources = prop_oneof![
        6 => prop::collection::vec(any::<u32>(), 0..4),
        1 => prop::collection::vec(any::<u32>(), 20..60),
        1 => Just(vec![7; 40]),
    ];
    prop::collection::vec((0_u16..5, events, sources), 0..5)
}

fn bin(start: Timestamp, rows: &[(u16, u64, Vec<u32>)]) -> ClosedBin {
    let port = |(port, events, sources): &(u16, u64, Vec<u32>)| PortBin {
        port: Port::tcp(*port),
        events: *events,
        sources: sources.clone(),
    };
    let key = |(port, events, sources): &(u16, u64, Vec<u32>)| KeyBin {
        key: Key::new(KeyKind::Password, &format!("p{port}")),
        events: *events,
        sources: sources.clone(),
        head: Vec::new(),
    };
    ClosedBin {
        start,
        ports: rows.iter().map(port).collect(),
        keys: rows.iter().map(key).collect(),
    }
}

fn assert_sound(sign: &Sign) -> Result<(), TestCaseError> {
    let Sign { days, ratio, ratio_low, ratio_high, expected_sources, before, after, .. } = sign;
    for number in [days, ratio, ratio_low, ratio_high, expected_sources, before, after] {
        prop_assert!(number.is_finite() && *number >= 0.0, "{sign:?}");
    }
    prop_assert!(*days <= 10_000.0 && *ratio <= 1e6 && ratio_low <= ratio, "{sign:?}");
    prop_assert!(sign.kind != SignKind::Rise || sign.sources >= 3, "{sign:?}");
    prop_assert!(!sign.is_silence() || sign.sources == 0, "{sign:?}");
    prop_assert!(!sign.summary().is_empty() && !sign.facts().is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_clock_and_no_count_breaks_detection(
        steps in prop::collection::vec((step(), rows()), 50..400),
        at in 0_usize..400,
    ) {
        let settings = Settings { false_alarms_per_week: 100.0, ..Settings::default() };
        let mut detection = Detection::new(settings).unwrap();
        let mut now = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
        for (number, (step, rows)) in steps.iter().enumerate() {
            now = now.plus(*step);
            let closed = detection.close(&bin(now, rows));
            for sign in closed.raised.iter().chain(&closed.changed) {
                assert_sound(sign)?;
            }
            for sign in closed.raised.iter().filter(|sign| sign.open && sign.kind != SignKind::SensorWide) {
                prop_assert!(detection.explain(&sign.id).is_some(), "{sign:?}");
            }
            if number == at {
                let saved = detection.snapshot().unwrap();
                let restored = Detection::restore(settings, kizashi_signs::Campaigns::builtin(), &saved).unwrap();
                prop_assert_eq!(&restored, &detection);
                prop_assert_eq!(restored.snapshot().unwrap(), saved);
                detection = restored;
            }
        }
        for port in 0..5 {
            prop_assert!(detection.days_now(Port::tcp(port)).is_none_or(f64::is_finite));
        }
    }
}

#[test]
fn a_year_of_empty_bins_given_one_by_one_is_one_silence_and_no_rise_after() {
    let mut detection = Detection::new(Settings::default()).unwrap();
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    let mut raised = Vec::new();
    for number in 0..60_000_u32 {
        let is_quiet = (1_000..56_000).contains(&number);
        let rows = if is_quiet { vec![] } else { vec![(1, 2, vec![2 * number, 2 * number + 1])] };
        let closed = detection.close(&bin(start.plus(i64::from(number) * BIN), &rows));
        raised.extend(closed.raised);
    }
    let kinds: Vec<SignKind> = raised.iter().map(|sign| sign.kind).collect();
    assert_eq!(kinds, [SignKind::SensorSilent], "{raised:?}");
}
