//! Silence: told once, soon, and only when it is beyond chance and beyond habit; on every null no more often than promised.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a test says what went wrong by failing"
)]

#[path = "support/nulls.rs"]
mod nulls;
#[path = "support/silence_nulls.rs"]
mod silence_nulls;

use kizashi_detect::silence::{LONGEST_SILENCE, MOST_SERIES, Settings, SettingsError, Silences};
use nulls::{Random, interval};
use proptest::prelude::*;
use silence_nulls::{NULLS, PORTS, SENSOR, run};

fn ports() -> Silences {
    Silences::new(PORTS).unwrap()
}

/// Ticks in which series 0 is active by chance and series 1 always: who fell silent, and when.
fn told(silences: &mut Silences, random: &mut Random, ticks: u32, chance: f64) -> Vec<(u32, u32)> {
    let mut told = Vec::new();
    for tick in 0..ticks {
        let active: &[u32] = if random.uniform() < chance { &[0, 1] } else { &[1] };
        told.extend(silences.tick(active).silent.iter().map(|silence| (tick, silence.series)));
    }
    told
}

#[test]
fn a_port_that_stops_is_told_once_and_its_return_too() {
    let (mut silences, mut random) = (ports(), Random(1));
    assert!(told(&mut silences, &mut random, 6 * 144, 0.5).is_empty());
    let stopped = told(&mut silences, &mut random, 3 * 144, 0.0);
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    assert!((4..144).contains(&stopped[0].0) && stopped[0].1 == 0, "{stopped:?}");
    let back = silences.tick(&[0, 1]);
    assert_eq!((back.back, back.silent), (vec![0], vec![]));
    // What stopped once for days is not news again the next day.
    assert!(told(&mut silences, &mut random, 30, 0.5).is_empty());
    assert!(told(&mut silences, &mut random, 144, 0.0).is_empty());
}

#[test]
fn who_comes_by_day_only_is_not_told_at_night_but_after_a_day_without() {
    let mut silences = ports();
    let mut told = Vec::new();
    for tick in 0..30 * 144 {
        let by_day = (48..120).contains(&(tick % 144));
        let active: &[u32] = if by_day && tick < 28 * 144 { &[0, 1] } else { &[1] };
        told.extend(silences.tick(active).silent.iter().map(|silence| (tick, silence.series)));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!((28 * 144..29 * 144).contains(&told[0].0), "{told:?}");
}

#[test]
fn the_end_of_a_wave_of_days_on_a_rare_port_is_no_silence() {
    let (mut silences, mut random) = (ports(), Random(3));
    for (days, chance) in [(8, 0.05), (3, 0.9), (8, 0.05)] {
        assert!(told(&mut silences, &mut random, days * 144, chance).is_empty(), "{chance}");
    }
}

#[test]
fn little_history_and_rare_visits_tell_nothing() {
    let (mut silences, mut random) = (ports(), Random(4));
    told(&mut silences, &mut random, 2 * 144, 0.9);
    assert!(told(&mut silences, &mut random, 20 * 144, 0.0).is_empty(), "two days of history");
    let mut rare = ports();
    told(&mut rare, &mut random, 20 * 144, 0.02);
    assert!(told(&mut rare, &mut random, 20 * 144, 0.0).is_empty(), "three visits a day");
}

#[test]
fn a_silent_sensor_is_told_within_hours_once_and_then_time_may_be_leapt_over() {
    let mut sensor = Silences::new(SENSOR).unwrap();
    for _ in 0..2 * 144 {
        assert!(sensor.tick(&[0]).silent.is_empty());
    }
    assert!(!sensor.is_settled());
    let told: Vec<u32> = (1..=2 * 144).filter(|_| !sensor.tick(&[]).silent.is_empty()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!((3..=12).contains(&told[0]), "{told:?}");
    assert!(sensor.is_settled());
    sensor.leap(366 * 144);
    assert_eq!(sensor.tick(&[0]).back, [0]);
}

#[test]
fn the_evidence_is_what_the_formula_says() {
    let mut sensor = Silences::new(SENSOR).unwrap();
    for tick in 0..3 * 144_u32 {
        // Half of the ticks; in the first quarter of the second day a third.
        let every = if (144..180).contains(&tick) { 3 } else { 2 };
        sensor.tick(if tick % every == 0 { &[0] } else { &[] });
    }
    for _ in 0..37 {
        sensor.tick(&[]);
    }
    // The last tick of the third day was silent already.
    let silence = sensor.silence(0);
    assert_eq!(silence, None, "it was told before");
    let mut sensor = Silences::new(Settings { ticks_a_false_alarm: 1e12, ..SENSOR }).unwrap();
    for tick in 0..3 * 144_u32 {
        let every = if (144..180).contains(&tick) { 3 } else { 2 };
        sensor.tick(if tick % every == 0 { &[0] } else { &[] });
    }
    for _ in 0..37 {
        sensor.tick(&[]);
    }
    let silence = sensor.silence(0).unwrap();
    // One tick of the last quarter, 36 of the first at its worst, one of the second; rates as they were when it began, on the third
    // day, of two days.
    let (third, half) = (-(1.0_f64 - 12.0 / 36.0).ln(), -(0.5_f64).ln());
    let expected = half + 36.0 * third + half;
    assert_eq!((silence.ticks, silence.longest_before, silence.watched), (38, 2, 1));
    assert!((silence.expected - expected).abs() < 1e-5, "{silence:?} {expected}");
    assert!((silence.experience - 24.0).abs() < 1e-12);
    let chance = (1.0 + silence.expected / 24.0).powi(-24);
    assert!((silence.log_chance - chance.ln()).abs() < 1e-9);
    assert!((silence.ticks_by_chance(1.0) * chance - 1.0).abs() < 1e-9);
    assert!((silence.log_threshold - 1e12_f64.ln()).abs() < 1e-9);
}

#[test]
fn what_nobody_listened_to_says_nothing() {
    let (mut listened, mut deaf) = (ports(), ports());
    for silences in [&mut listened, &mut deaf] {
        (0..6 * 144).for_each(|_| drop(silences.tick(&[0, 1])));
    }
    deaf.pass(144);
    assert!(deaf.silence(0).is_none() && deaf.tick(&[0, 1]).silent.is_empty());
    assert!((0..144).any(|_| !listened.tick(&[1]).silent.is_empty()));
}

#[test]
fn a_sensor_that_was_cut_off_for_a_day_is_told_again_when_it_is_cut_off_the_next() {
    let mut sensor = Silences::new(SENSOR).unwrap();
    let mut told = 0;
    for tick in 0..8 * 144_u32 {
        let is_cut = (500..644).contains(&tick) || (800..944).contains(&tick);
        told += sensor.tick(if is_cut { &[] } else { &[0] }).silent.len();
    }
    assert_eq!(told, 2);
}

#[test]
fn no_null_breaks_the_promise() {
    for null in NULLS {
        for settings in [PORTS, SENSOR] {
            let outcome = run(null, settings, 0, 6);
            let (low, high) = interval(outcome.told);
            println!(
                "{:40} {} of {:.1}, {low:.2} to {high:.2}",
                null.name, outcome.told, outcome.promised
            );
            assert!(low <= outcome.promised, "{}: {outcome:?}", null.name);
        }
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    for wrong in [
        Settings { ticks_a_false_alarm: 0.5, ..PORTS },
        Settings { ticks_a_false_alarm: f64::NAN, ..PORTS },
        Settings { least_days: 0, ..PORTS },
        Settings { least_days: 8, ..PORTS },
        Settings { least_active: 0, ..PORTS },
        Settings { least_active: 145, ..PORTS },
        Settings { experience: 0.0, ..PORTS },
        Settings { experience: f64::NAN, ..PORTS },
        Settings { ticks_a_false_alarm: 1e13, ..PORTS },
    ] {
        assert_eq!(Silences::new(wrong), Err(SettingsError), "{wrong:?}");
    }
}

/// Runs of ticks: who is active in each of so many.
fn runs() -> impl Strategy<Value = Vec<(Vec<u32>, u32)>> {
    let series = prop_oneof![12 => 0_u32..6, 1 => Just(MOST_SERIES as u32), 1 => Just(u32::MAX)];
    let length = prop_oneof![6 => 1_u32..200, 1 => 400_u32..700];
    prop::collection::vec((prop::collection::vec(series, 0..6), length), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_number_is_finite_and_what_is_saved_goes_on_bit_for_bit(
        runs in runs(),
        at in 0_usize..20,
        experience in prop_oneof![Just(1e-3), Just(6.0), Just(100.0)],
    ) {
        let settings =
            Settings { ticks_a_false_alarm: 1.0, least_days: 1, least_active: 1, experience, hold: 0 };
        let mut silences = Silences::new(settings).unwrap();
        let mut restored = silences.clone();
        for (number, (active, ticks)) in runs.iter().enumerate() {
            if number == at {
                restored = serde_json::from_str(&serde_json::to_string(&silences).unwrap()).unwrap();
                prop_assert_eq!(&restored, &silences);
            }
            for _ in 0..*ticks {
                let ticked = silences.tick(active);
                prop_assert_eq!(&ticked, &restored.tick(active));
                for silence in &ticked.silent {
                    prop_assert!(silence.log_chance.is_finite() && silence.log_threshold.is_finite());
                    prop_assert!(silence.expected >= 0.0 && silence.ticks >= 3);
                }
            }
        }
    }

    #[test]
    fn a_leap_over_nothing_is_its_ticks(before in 1_u32..900, after in 1_u32..6_000) {
        let mut leapt = Silences::new(SENSOR).unwrap();
        for tick in 0..before {
            leapt.tick(if tick % 3 == 0 { &[0] } else { &[] });
        }
        while !leapt.is_settled() {
            leapt.tick(&[]);
        }
        let mut ticked = leapt.clone();
        leapt.leap(after);
        for _ in 0..after {
            prop_assert!(ticked.tick(&[]).silent.is_empty());
        }
        prop_assert_eq!(&leapt, &ticked);
        prop_assert_eq!(leapt.tick(&[0]), ticked.tick(&[0]));
    }
}

#[test]
fn the_longest_silence_and_the_end_of_numbers_are_borne() {
    let mut silences = ports();
    for _ in 0..8 * 144 {
        silences.tick(&[0]);
    }
    for _ in 0..=LONGEST_SILENCE {
        silences.tick(&[]);
    }
    assert!(silences.is_settled());
    silences.leap(u32::MAX);
    silences.leap(u32::MAX);
    assert_eq!(silences.tick(&[0]).back, [0]);
    for _ in 0..1_000 {
        silences.tick(&[0]);
    }
}
