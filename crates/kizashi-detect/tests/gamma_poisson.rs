//! The e-detector against its plain definition, its promise, and every input that could break it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test says what went wrong by failing"
)]

#[path = "support/nulls.rs"]
mod nulls;
mod support;

use kizashi_detect::gamma_poisson::{
    Alarm, KindId, LARGEST_RATIO, MOST_DAYS, Prior, Report, SeriesId, Settings, SettingsError,
    Watch,
};
use proptest::prelude::*;
use support::{Bin, Plain, Random};

fn watch(false_alarms_per_week: f64) -> Watch {
    Watch::new(Settings { false_alarms_per_week }, None).unwrap()
}

/// The counts of a bin as the watch takes them; a heard bin without counts says so by its zeros.
fn entries(counts: &[u32]) -> Vec<(SeriesId, u32)> {
    (0_u32..).map(SeriesId).zip(counts.iter().copied()).collect()
}

/// Bins of Poisson counts at these rates.
fn poisson_bins<'a>(
    random: &'a mut Random,
    rates: &'a [f64],
) -> impl Iterator<Item = Vec<(SeriesId, u32)>> + 'a {
    std::iter::repeat_with(move || {
        let counts: Vec<u32> = rates.iter().map(|rate| random.poisson(*rate)).collect();
        entries(&counts)
    })
}

/// Traffic with all that the definition distinguishes: quiet and busy series, bursts, overdispersion, silences and an outage.
fn eventful_bins(seed: u64, series: usize, bins: usize) -> Vec<Bin> {
    let mut random = Random(seed);
    let rates: Vec<f64> = (0..series).map(|_| (random.uniform() * 9.0 - 6.0).exp()).collect();
    let mut lively = 1.0;
    (0..bins)
        .map(|t| {
            if t % 37 == 0 {
                lively = (random.uniform() * 2.0 - 1.0).exp();
            }
            let outage = (bins / 2..bins / 2 + 50).contains(&t);
            if outage || random.uniform() < 0.02 {
                return None;
            }
            let burst = if random.uniform() < 0.01 { 30.0 } else { 1.0 };
            Some(
                rates
                    .iter()
                    .map(|rate| random.poisson((rate * lively * burst).min(90.0)))
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn equals_the_plain_definition_to_1e9_at_every_bin() {
    let mut compared = 0;
    for (seed, series, bins) in [(1, 12, 1_500), (2, 4, 900), (3, 40, 700)] {
        let traffic = eventful_bins(seed, series, bins);
        let plain = Plain::new(&traffic, series);
        let mut watch = watch(1.0);
        for (t, bin) in traffic.iter().enumerate() {
            let Some(counts) = bin else {
                watch.skip(1);
                continue;
            };
            let report = watch.close_bin(&entries(counts));
            let asked = if t % 4 == 0 { 0..series as u32 } else { 0..0 };
            let all = watch.scores(asked.clone().map(SeriesId));
            let silent = all
                .into_iter()
                .zip(0_u32..)
                .filter_map(|(evidence, id)| Some((SeriesId(id), evidence?)));
            for (id, evidence) in report.evaluated.into_iter().chain(silent) {
                let expected = plain.log_m(t + 1, id.0 as usize);
                let close = (evidence.log_m - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                assert!(
                    close,
                    "seed {seed} bin {t} series {}: {} for {expected}",
                    id.0, evidence.log_m
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 20_000, "only {compared} were compared");
}

#[test]
fn silence_that_still_goes_on_is_scored_as_it_would_be_judged_now() {
    let mut traffic = eventful_bins(9, 6, 600);
    for silence in [1_usize, 20, 300] {
        let (mut watch, heard) = (watch(1.0), traffic.len());
        for bin in &traffic {
            match bin {
                Some(counts) => drop(watch.close_bin(&entries(counts))),
                None => watch.skip(1),
            }
        }
        traffic.extend(std::iter::repeat_n(None, silence));
        watch.skip(silence as u64);
        let plain = Plain::new(&traffic, 6);
        for (id, evidence) in (0..6).zip(watch.scores((0..6).map(SeriesId))) {
            let expected = plain.log_m(traffic.len(), id);
            assert!(
                (evidence.unwrap().log_m - expected).abs() < 1e-9,
                "silence {silence} series {id}"
            );
        }
        traffic.truncate(heard);
    }
}

#[test]
fn stationary_series_alarm_no_more_often_than_promised() {
    let (weeks, series) = (12, 10);
    for (seed, rate, promised) in [
        (11, 0.02, 20.0),
        (12, 0.2, 20.0),
        (13, 1.0, 20.0),
        (14, 5.0, 20.0),
        (15, 20.0, 20.0),
        (16, 0.3, 1.0),
    ] {
        let mut random = Random(seed);
        let mut watch = watch(promised);
        let rates = vec![rate; series];
        let reports =
            poisson_bins(&mut random, &rates).take(weeks * 1_008).map(|bin| watch.close_bin(&bin));
        let alarms: usize = reports
            .map(|report| report.alarms.len() + usize::from(report.sensor_wide.is_some()))
            .sum();
        println!("rate {rate}: {alarms} alarms in {weeks} weeks, {promised} a week promised");
        assert!(alarms as f64 <= promised * weeks as f64, "rate {rate}: {alarms}");
    }
}

#[test]
fn the_first_day_keeps_the_promise_too() {
    let (runs, days) = (60, 1.0);
    for (seed, rate) in [(21, 0.05), (22, 0.5), (23, 5.0)] {
        let mut random = Random(seed);
        let mut alarms = 0;
        for _ in 0..runs {
            let mut watch = watch(7.0);
            let rates = vec![rate; 5];
            for bin in poisson_bins(&mut random, &rates).take(144) {
                let report = watch.close_bin(&bin);
                alarms += report.alarms.len() + usize::from(report.sensor_wide.is_some());
            }
        }
        println!("rate {rate}: {alarms} alarms in {runs} first days, 1 a day promised");
        assert!(f64::from(runs) * days >= alarms as f64, "rate {rate}: {alarms}");
    }
}

#[test]
fn no_null_breaks_the_promise() {
    // The long form, with every null and ten times as many machines, is the example `nulls`.
    for null in nulls::NULLS.iter().step_by(3) {
        let outcome = nulls::run(null, 0, 2, 1.0);
        for (alarms, promised) in outcome.phases() {
            let (low, _) = nulls::interval(alarms);
            assert!(low <= promised, "{}: {alarms} of {promised}", null.name);
        }
    }
}

#[test]
fn a_step_of_five_times_is_found_within_hours() {
    for (rate, hours) in [(0.1, 12), (0.5, 3), (3.0, 1)] {
        let mut late = Vec::new();
        for seed in 0..10 {
            let mut random = Random(100 + seed);
            let mut watch = watch(1.0);
            let mut rates = vec![rate; 30];
            for bin in poisson_bins(&mut random, &rates).take(1_000) {
                watch.close_bin(&bin);
            }
            rates[7] *= 5.0;
            let found = poisson_bins(&mut random, &rates).take(144).position(|bin| {
                watch.close_bin(&bin).alarms.iter().any(|alarm| alarm.series == SeriesId(7))
            });
            late.push(found.map_or(144, |bin| bin + 1));
        }
        late.sort_unstable();
        println!("rate {rate}: found after {late:?} bins");
        assert!(late[5] <= hours * 6, "rate {rate}: half of them only after {late:?} bins");
    }
}

#[test]
fn an_alarm_tells_the_ratio_the_start_and_the_sources() {
    let mut random = Random(31);
    let mut watch = watch(1.0);
    let mut rates = vec![1.0; 20];
    for bin in poisson_bins(&mut random, &rates).take(1_440) {
        watch.close_bin(&bin);
    }
    rates[3] = 8.0;
    let alarm: Alarm = poisson_bins(&mut random, &rates)
        .take(36)
        .find_map(|bin| {
            watch.close_bin(&bin).alarms.into_iter().find(|alarm| alarm.series == SeriesId(3))
        })
        .unwrap();
    assert!(alarm.ratio_low < 8.0 && alarm.ratio_high > 8.0 && alarm.ratio_low > 2.0, "{alarm:?}");
    assert!((1_436..=1_446).contains(&alarm.since_bin), "{alarm:?}");
    assert!(alarm.days >= 7.0 && alarm.days <= MOST_DAYS, "{alarm:?}");
    assert!(alarm.sources as f64 > 2.0 * alarm.expected, "{alarm:?}");
    assert_eq!(alarm.baseline.ratio(alarm.sources, alarm.exposed).ratio, alarm.ratio);
}

#[test]
fn silence_never_alarms() {
    let mut random = Random(41);
    let mut watch = watch(10_000.0);
    let rates = vec![2.0; 10];
    for bin in poisson_bins(&mut random, &rates).take(500) {
        watch.close_bin(&bin);
    }
    for _ in 0..2_000 {
        assert_eq!(watch.close_bin(&entries(&[0; 10])), Report::default());
    }
    for _ in 0..2_000 {
        assert_eq!(watch.close_bin(&[]), Report::default());
    }
}

#[test]
fn two_sources_never_alarm_and_the_third_may() {
    let mut watch = watch(10_000.0);
    for _ in 0..1_000 {
        watch.close_bin(&[(SeriesId(1), 1), (SeriesId(2), 1)]);
    }
    assert_eq!(watch.close_bin(&[(SeriesId(9), 1)]).alarms, []);
    assert_eq!(watch.close_bin(&[(SeriesId(9), 1)]).alarms, []);
    let alarms = watch.close_bin(&[(SeriesId(9), 1)]).alarms;
    assert_eq!(alarms.iter().map(|alarm| alarm.series).collect::<Vec<_>>(), [SeriesId(9)]);
}

#[test]
fn an_alarm_is_held_for_a_day_however_long_the_wave() {
    let mut watch = watch(1.0);
    let mut alarms = Vec::new();
    for bin in 0..1_300_u32 {
        let wave = bin >= 1_000 && bin % 7 != 0;
        let report = watch.close_bin(&[(SeriesId(1), if wave { 9 } else { 1 }), (SeriesId(2), 1)]);
        alarms.extend(report.alarms.iter().map(|_| bin));
    }
    assert!(
        !alarms.is_empty() && alarms.windows(2).all(|pair| pair[1] - pair[0] >= 144),
        "{alarms:?}"
    );
}

#[test]
fn many_series_that_rise_in_one_bin_are_one_shift_of_the_sensor() {
    let mut watch = watch(1.0);
    for _ in 0..1_000 {
        watch.close_bin(&entries(&[1; 100]));
    }
    let report = watch.close_bin(&entries(&[60; 100]));
    let shift = report.sensor_wide.unwrap();
    assert_eq!((report.alarms.len(), shift.series.len(), shift.bin), (0, 100, 1_000));
    assert_eq!(shift.sources, 6_000);
    assert!((shift.expected - 100.0).abs() < 5.0 && shift.ratio > 50.0 && shift.days > 7.0);
    let few = watch.close_bin(&entries(&[60; 100]));
    assert_eq!((few.alarms.len(), few.sensor_wide), (0, None), "all are held");
}

#[test]
fn four_of_a_hundred_series_alarm_each_for_itself() {
    let mut watch = watch(1.0);
    for _ in 0..1_000 {
        watch.close_bin(&entries(&[1; 100]));
    }
    let mut counts = [1; 100];
    counts[..4].fill(60);
    let report = watch.close_bin(&entries(&counts));
    assert_eq!((report.alarms.len(), report.sensor_wide), (4, None));
}

#[test]
fn an_outage_teaches_no_lower_rate_and_its_end_is_no_rise() {
    const MACHINES: u32 = 80;
    const DAYS_AFTER: u32 = 2;
    // The bins of an outage are no starts of a wave: where they were counted, this was broken.
    let promised = f64::from(MACHINES * DAYS_AFTER) / 7.0;
    let mut alarms = 0;
    for seed in 0..u64::from(MACHINES) {
        let mut random = Random(seed);
        let mut watch = watch(1.0);
        let rates = vec![0.5; 20];
        for bin in poisson_bins(&mut random, &rates).take(1_500) {
            watch.close_bin(&bin);
        }
        let before = watch.rate(SeriesId(0)).unwrap();
        watch.skip(5 * 144);
        for bin in poisson_bins(&mut random, &rates).take(DAYS_AFTER as usize * 144) {
            let report = watch.close_bin(&bin);
            alarms += report.alarms.len() + usize::from(report.sensor_wide.is_some());
        }
        let after = watch.rate(SeriesId(0)).unwrap();
        assert!((after / before - 1.0).abs() < 0.35, "seed {seed}: {before} became {after}");
    }
    assert!((alarms as f64) < promised / 2.0, "{alarms} alarms, {promised} promised");
}

#[test]
fn a_sweep_over_all_ports_makes_no_later_silence_an_outage() {
    let mut watch = watch(1.0);
    for bin in 0..600 {
        if bin % 6 == 0 { drop(watch.close_bin(&[(SeriesId(22), 1)])) } else { watch.skip(1) }
    }
    let sweep: Vec<(SeriesId, u32)> = (0..65_536).map(|id| (SeriesId(id), 1)).collect();
    watch.close_bin(&sweep);
    assert_eq!(
        watch.watched(),
        1,
        "what one source touched once cannot alarm and asks for no share of the promise"
    );
    let before = watch.exposed();
    watch.skip(12);
    assert!((watch.exposed() - before - 12.0).abs() < 1e-9);
}

/// Bins of ten series whose nights, the first eight hours, are as lively as this, and whose days are as lively as ever.
fn days_and_nights(random: &mut Random, night: f64, days: u32) -> Vec<Vec<(SeriesId, u32)>> {
    let share = |bin: u32| if bin % 144 < 48 { night } else { 1.0 };
    (0..days * 144).map(|bin| poisson_bins(random, &[share(bin); 10]).next().unwrap()).collect()
}

#[test]
fn the_rhythm_of_the_day_is_learned_and_carried_and_a_night_is_judged_by_nights() {
    let mut random = Random(67);
    let mut knowing = watch(1.0);
    for bin in days_and_nights(&mut random, 0.2, 12) {
        knowing.close_bin(&bin);
    }
    let rhythm = knowing.rhythm();
    assert!(rhythm[3] < 0.6 && rhythm[15] > 1.2, "{rhythm:?}");

    let night = days_and_nights(&mut random, 0.2, 1);
    for bin in &night[..12] {
        knowing.close_bin(bin);
    }
    let windows = knowing.explain(SeriesId(0), None).unwrap().windows;
    let tonight = windows.iter().find(|window| window.length == 8).unwrap();
    assert!(tonight.expected / 8.0 < 0.8, "{tonight:?}");

    let mut carried = watch(1.0);
    carried.expect_rhythm(rhythm);
    assert_eq!(carried.rhythm(), rhythm);
    carried.close_bin(&night[0]);
    carried.expect_rhythm([1.0; 24]);
    assert_eq!(carried.rhythm(), rhythm, "what is asked after the first bin changes nothing");
}

#[test]
fn a_carried_prior_sees_the_first_wave_sooner_than_a_cold_start() {
    let mut random = Random(61);
    let rates = vec![0.2; 40];
    let mut cold = watch(1.0);
    for bin in poisson_bins(&mut random, &rates).take(2_000) {
        cold.close_bin(&bin);
    }
    let (prior, scatter) = (cold.prior(), cold.scatter_of(KindId(0)).unwrap());
    let learned: Vec<_> = (0..40).map(|id| cold.learned(SeriesId(id))).collect();
    let mut delays = [Vec::new(), Vec::new()];
    for seed in 0..10 {
        for (at, prior) in [None, Some(prior)].into_iter().enumerate() {
            let mut random = Random(600 + seed);
            let mut watch = Watch::new(Settings::default(), prior).unwrap();
            if prior.is_some() {
                watch.expect_scatter(KindId(0), scatter);
                for (id, learned) in (0..).zip(&learned) {
                    watch.introduce(SeriesId(id), KindId(0), *learned);
                }
            }
            let mut rates = rates.clone();
            for bin in poisson_bins(&mut random, &rates).take(6) {
                watch.close_bin(&bin);
            }
            rates[5] = 1.2;
            let found = poisson_bins(&mut random, &rates).take(288).position(|bin| {
                watch.close_bin(&bin).alarms.iter().any(|alarm| alarm.series == SeriesId(5))
            });
            delays[at].push(found.unwrap_or(288));
        }
    }
    println!("cold {:?}, carried {:?}", delays[0], delays[1]);
    assert!(delays[1].iter().sum::<usize>() < delays[0].iter().sum::<usize>(), "{delays:?}");
}

#[test]
fn settings_out_of_range_are_refused_with_the_value() {
    for wrong in [0.0, -1.0, f64::INFINITY, 1e9] {
        let settings = Settings { false_alarms_per_week: wrong };
        assert_eq!(Watch::new(settings, None).err(), Some(SettingsError::FalseAlarms(wrong)));
    }
    assert!(Watch::new(Settings { false_alarms_per_week: f64::NAN }, None).is_err());
    let (shape, rate) = (0.0, f64::INFINITY);
    let prior = Some(Prior { shape, rate });
    assert_eq!(
        Watch::new(Settings::default(), prior).err(),
        Some(SettingsError::Prior { shape, rate })
    );
}

fn assert_finite(report: &Report) -> Result<(), TestCaseError> {
    for (_, evidence) in &report.evaluated {
        prop_assert!(evidence.log_m.is_finite() && evidence.expected.is_finite(), "{evidence:?}");
        prop_assert!((0.0..=MOST_DAYS).contains(&evidence.days), "{evidence:?}");
    }
    for alarm in &report.alarms {
        let Alarm { ratio, ratio_low, ratio_high, .. } = *alarm;
        prop_assert!(
            0.0 <= ratio_low
                && ratio_low <= ratio
                && ratio <= ratio_high
                && ratio_high <= LARGEST_RATIO
        );
        prop_assert!(alarm.sources >= 3 && alarm.days > 0.0 && alarm.expected > 0.0, "{alarm:?}");
    }
    if let Some(shift) = &report.sensor_wide {
        prop_assert!(
            shift.ratio.is_finite() && shift.expected.is_finite() && shift.series.len() >= 5
        );
    }
    Ok(())
}

#[derive(Clone, Debug)]
enum Step {
    Bin(Vec<(u32, u32)>),
    Empty(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![4 => 0_u32..4, 1 => Just(u32::MAX), 1 => any::<u32>()];
    let series = prop_oneof![8 => 0_u32..8, 1 => any::<u32>()];
    prop_oneof![
        8 => prop::collection::vec((series, count), 0..12).prop_map(Step::Bin),
        1 => (0_u64..500).prop_map(Step::Empty),
        1 => prop_oneof![Just(52_560_u64), Just(u64::from(u32::MAX)), Just(u64::MAX)].prop_map(Step::Empty),
    ]
}

fn take(watch: &mut Watch, step: &Step) -> Report {
    match step {
        Step::Empty(bins) => {
            watch.skip(*bins);
            Report::default()
        }
        Step::Bin(counts) => {
            let counts: Vec<_> = counts.iter().map(|(id, count)| (SeriesId(*id), *count)).collect();
            watch.close_bin(&counts)
        }
    }
}

proptest! {
    #[test]
    fn every_number_is_finite_for_every_input(
        steps in prop::collection::vec(step(), 1..120),
        repeat in 1_usize..8,
        promise in prop_oneof![Just(1e-4), Just(1.0), Just(1e4)],
    ) {
        let mut watch = watch(promise);
        for _ in 0..repeat {
            for step in &steps {
                assert_finite(&take(&mut watch, step))?;
            }
        }
        for evidence in watch.scores((0..8).map(SeriesId)).into_iter().flatten() {
            prop_assert!(evidence.log_m.is_finite() && (0.0..=MOST_DAYS).contains(&evidence.days));
        }
    }

    #[test]
    fn a_state_saved_and_restored_goes_on_bit_for_bit(
        steps in prop::collection::vec(step(), 1..200),
        at in 0.0..1.0_f64,
    ) {
        #[allow(clippy::cast_sign_loss)]
        let at = (steps.len() as f64 * at) as usize;
        let mut watch = watch(100.0);
        for step in &steps[..at] {
            take(&mut watch, step);
        }
        let mut restored: Watch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
        prop_assert_eq!(&restored, &watch);
        for step in &steps[at..] {
            prop_assert_eq!(take(&mut watch, step), take(&mut restored, step));
        }
        prop_assert_eq!(restored, watch);
    }

    #[test]
    fn empty_bins_are_the_same_told_one_by_one_at_once_or_as_bins(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (mut at_once, mut split) = (watch(100.0), watch(100.0));
        for step in steps {
            if let Step::Empty(bins @ 2..) = step {
                split.skip(bins / 2);
                split.close_bin(&[]);
                split.skip(bins - bins / 2 - 1);
                at_once.skip(bins);
            } else {
                prop_assert_eq!(take(&mut at_once, &step), take(&mut split, &step));
            }
        }
        prop_assert_eq!(at_once, split);
    }
}

#[test]
fn all_ports_at_once_at_the_largest_count_and_a_year_of_nothing_stay_finite() {
    let mut watch = watch(1.0);
    let flood: Vec<(SeriesId, u32)> = (0..65_536).map(|id| (SeriesId(id), u32::MAX)).collect();
    for _ in 0..3 {
        assert_finite(&watch.close_bin(&flood)).unwrap();
        watch.skip(366 * 144);
        assert!(watch.score(SeriesId(7)).unwrap().log_m.is_finite());
    }
    assert_eq!(watch.bins(), 3 * (366 * 144 + 1));
    for _ in 0..100_000 {
        watch.skip(366 * 144);
    }
    assert_finite(&watch.close_bin(&[(SeriesId(1), 2)])).unwrap();
}

#[test]
fn of_a_quiet_series_that_is_thrice_as_lively_for_a_week_the_longest_windows_say_most() {
    let mut longest_say_most = 0;
    for seed in 80..90 {
        let mut random = Random(seed);
        let mut watch = watch(1.0);
        let steady = vec![0.014; 50];
        for bin in poisson_bins(&mut random, &steady).take(20 * 144) {
            watch.close_bin(&bin);
        }
        let mut creeping = steady;
        creeping[0] *= 3.0;
        for bin in poisson_bins(&mut random, &creeping).take(7 * 144) {
            watch.close_bin(&bin);
        }
        let now = watch.explain(SeriesId(0), None).unwrap();
        let week = now.windows.last().unwrap();
        assert!((1_008..1_044).contains(&week.length) && week.counts >= 7, "{week:?}");
        longest_say_most += usize::from(now.windows[now.strongest].length > 288);
    }
    assert!(longest_say_most >= 6, "{longest_say_most} of 10");
}
