//! Order and batches are the network's affair, not detection's: whatever comes within the lateness counts in its own ten minutes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use kizashi_event::{Detail, Event, EventId, Port, Service, Timestamp};
use kizashi_signs::{Campaigns, Knowledge, Settings, Sign};
use kizashi_store::{BySensor, Span, StoredSign};
use proptest::prelude::*;

use super::{LATENESS, Pipeline};
use crate::fleet::CONDITIONS;
use crate::promise;

/// Days of traffic in a case.
const DAYS: i64 = 2;
pub(super) const START: i64 = 1_772_323_200 * Timestamp::SECOND;

/// A folder of its own that goes with the test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kizashi-pipeline-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A visit, and how long after it the store gets to know.
#[derive(Clone, Debug)]
struct Visit {
    event: Event,
    late: i64,
}

/// Traffic to four ports with a wave on one of them in the end.
fn visits() -> impl Strategy<Value = Vec<Visit>> {
    let span = DAYS * Timestamp::DAY;
    let usual = (0..span, 0_u32..4_000, 0_usize..4);
    let wave = (span - 2 * Timestamp::HOUR..span, 10_000_u32..20_000, Just(1_usize));
    let all = (prop::collection::vec(usual, 300), prop::collection::vec(wave, 60));
    let lateness = prop::collection::vec(0..LATENESS, 360);
    (all, lateness).prop_map(|((usual, wave), lateness)| {
        let visits = usual.into_iter().chain(wave).zip(lateness).zip(1_u64..);
        visits
            .map(|(((at, source, port), late), id)| Visit {
                event: event(at, source, port, id),
                late,
            })
            .collect()
    })
}

pub(super) fn event(at: i64, source: u32, port: usize, id: u64) -> Event {
    Event {
        time: Timestamp::from_micros(START + at),
        id: EventId(id),
        sensor: "here".into(),
        session: None,
        source: std::net::Ipv4Addr::from(0xc612_0000 + source).into(),
        source_port: 4_000,
        destination: None,
        port: Port::tcp([22, 23, 80, 445][port]),
        service: Service::known("ssh"),
        detail: Detail::Connect,
    }
}

/// What a run left: its signs, its counts by port and hour, and how many events came too late.
type Outcome = (BTreeMap<String, Sign>, Vec<Vec<(u64, u64)>>, Vec<Sign>);

fn settings() -> Settings {
    // Chance tells something in most cases, so that something is compared.
    Settings { false_alarms_per_week: 50.0, ..Settings::default() }
}

/// Gives the visits to a pipeline in the order in which they arrive, in batches of these sizes; time goes on after each batch.
fn run(visits: &[Visit], sizes: &[usize], restarts: bool) -> Outcome {
    let folder = Folder::new();
    let store = || kizashi_store::Settings {
        clock: std::sync::Arc::new(|| Timestamp::from_micros(START + 30 * Timestamp::DAY)),
        ..kizashi_store::Settings::default()
    };
    let mut arriving: Vec<&Visit> = visits.iter().collect();
    arriving.sort_by_key(|visit| (visit.event.time.plus(visit.late), visit.event.id));
    let mut pipeline =
        Pipeline::open(&folder.0, store(), settings(), Campaigns::builtin()).unwrap();
    let (mut raised, mut rest, mut sizes) = (Vec::new(), &arriving[..], sizes.iter().cycle());
    while let Some(first) = rest.first() {
        let now = first.event.time.plus(first.late);
        raised.extend(pipeline.advance(now).unwrap());
        let size = (*sizes.next().unwrap()).min(rest.len());
        // What comes later than ten minutes are closed after is no part of this batch.
        let batch: Vec<Event> = rest
            .iter()
            .take(size)
            .filter(|visit| visit.event.time.plus(visit.late) < now.plus(LATENESS / 2))
            .map(|visit| visit.event.clone())
            .collect();
        rest = &rest[batch.len()..];
        pipeline.store().write(batch).unwrap();
        if restarts && rest.len() % 7 == 0 {
            pipeline.finish().unwrap();
            pipeline =
                Pipeline::open(&folder.0, store(), settings(), Campaigns::builtin()).unwrap();
        }
    }
    let end = Timestamp::from_micros(START + (DAYS + 1) * Timestamp::DAY);
    raised.extend(pipeline.advance(end).unwrap());
    let reader = pipeline.store().reader().unwrap();
    let signs = reader.signs(10_000).unwrap();
    let signs = signs.iter().map(|stored| serde_json::from_str(&stored.json).unwrap());
    let counts = [22, 23, 80, 445].map(|port| {
        let span = Span { since: Some(Timestamp::from_micros(START)), until: Some(end) };
        let key = kizashi_event::Key::port(Port::tcp(port));
        let points = reader.series(&key, kizashi_store::BinLength::TenMinutes, span).unwrap();
        points.iter().map(|point| (point.events, point.sources)).collect()
    });
    let signs: BTreeMap<String, Sign> = signs.map(|sign: Sign| (sign.id.clone(), sign)).collect();
    assert_eq!(reader.overview().unwrap().late, 0);
    (signs, counts.to_vec(), raised)
}

#[test]
fn a_promise_that_is_wished_holds_from_the_next_ten_minutes_outlives_a_restart_and_runs_nothing_anew()
 {
    let folder = Folder::new();
    let store = || kizashi_store::Settings {
        clock: std::sync::Arc::new(|| Timestamp::from_micros(START + 30 * Timestamp::DAY)),
        ..kizashi_store::Settings::default()
    };
    let open = || Pipeline::open(&folder.0, store(), settings(), Campaigns::builtin()).unwrap();
    let mut pipeline = open();
    let visits =
        (0..200).map(|at| event(at * 20 * 60_000_000, at as u32 % 7, at as usize % 4, at as u64));
    pipeline.store().write(visits.collect()).unwrap();
    pipeline.advance(Timestamp::from_micros(START + 2 * Timestamp::DAY)).unwrap();
    assert!((pipeline.board().promise() - 50.0).abs() < 1e-9);
    // As the page does: the number is kept, then wished.
    let kept = promise::Kept { false_alarms_per_week: Some(0.5) };
    let blob = (promise::KEPT.to_owned(), serde_json::to_vec(&kept).unwrap());
    pipeline.store().save(Vec::new(), vec![blob]).unwrap();
    pipeline.board().wish(0.5);
    pipeline.advance(Timestamp::from_micros(START + 2 * Timestamp::DAY)).unwrap();
    assert!((pipeline.plan.settings.false_alarms_per_week - 0.5).abs() < 1e-9);
    let before = pipeline.watches.here().unwrap().clone();
    pipeline.finish().unwrap();
    let reopened = open();
    assert_eq!(*reopened.watches.here().unwrap(), before);
    assert!((reopened.board().promise() - 0.5).abs() < 1e-9);
    // Killed between keeping it and the next turn: the state is that of another promise, and is gone on with all the same.
    let kept = promise::Kept { false_alarms_per_week: None };
    let blob = (promise::KEPT.to_owned(), serde_json::to_vec(&kept).unwrap());
    reopened.store().save(Vec::new(), vec![blob]).unwrap();
    reopened.finish().unwrap();
    let again = open();
    assert!((again.board().promise() - 50.0).abs() < 1e-9, "back to the file's");
    let mut expected = before;
    expected.promise(50.0).unwrap();
    assert_eq!(*again.watches.here().unwrap(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn events_late_and_out_of_order_change_their_own_ten_minutes_and_no_sign(visits in visits()) {
        let on_time: Vec<Visit> =
            visits.iter().map(|visit| Visit { late: 0, ..visit.clone() }).collect();
        let (signs, counts, raised) = run(&on_time, &[400], false);
        prop_assert!(signs.values().any(|sign| sign.key == "tcp/23"), "the wave was not told");
        let (late_signs, late_counts, late_raised) = run(&visits, &[1, 3, 8], false);
        prop_assert_eq!(signs, late_signs);
        prop_assert_eq!(counts, late_counts);
        prop_assert_eq!(raised.len(), late_raised.len());
    }

    #[test]
    fn the_same_events_in_any_batches_and_over_restarts_give_the_same_signs(
        visits in visits(),
        sizes in prop::collection::vec(1_usize..60, 1..12),
    ) {
        let once = run(&visits, &[1], false);
        prop_assert_eq!(&run(&visits, &sizes, false).0, &once.0);
        let restarted = run(&visits, &sizes, true);
        prop_assert_eq!(&restarted.0, &once.0);
        prop_assert_eq!(restarted.1, once.1);
    }
}

#[test]
fn what_the_house_told_is_still_told_after_detection_ran_anew() {
    let folder = Folder::new();
    let store = kizashi_store::Settings::default();
    let mut pipeline = Pipeline::open(&folder.0, store, settings(), Campaigns::builtin()).unwrap();
    let at = Timestamp::from_micros(START);
    let house = [
        Sign::sensor_away("tokyo", at.plus(-400 * Timestamp::SECOND), at),
        Sign::misbehaviour("on sensor osaka", at),
    ];
    let mut signs: Vec<StoredSign> = house
        .iter()
        .map(|sign| StoredSign {
            id: sign.id.clone(),
            detected: sign.detected,
            json: serde_json::to_string(sign).unwrap(),
            evidence: None,
        })
        .collect();
    // What detection raised, it raises again where it is still so.
    signs.push(StoredSign { id: "20260301T0000Z-tcp-23".to_owned(), ..signs[0].clone() });
    pipeline.store().save(signs, Vec::new()).unwrap();
    pipeline.begin_with(Knowledge::shipped()).unwrap();
    let kept = pipeline.store().reader().unwrap().signs(10).unwrap();
    let mut kept: Vec<&str> = kept.iter().map(|it| it.id.as_str()).collect();
    kept.sort_unstable();
    let mut told: Vec<&str> = house.iter().map(|sign| sign.id.as_str()).collect();
    told.sort_unstable();
    assert_eq!(kept, told);
}

/// Ids of the signs that a store's live run told, and those of a run over it anew, where after three days a second sensor hears what the
/// first does; the program is started anew in between.
fn with_a_second_sensor(is_hub: bool) -> [Vec<String>; 2] {
    const BINS: i64 = 4 * 144;
    let folder = Folder::new();
    let open = || {
        let store = kizashi_store::Settings {
            clock: std::sync::Arc::new(|| Timestamp::from_micros(START + 30 * Timestamp::DAY)),
            by_sensor: if is_hub { BySensor::Ports } else { BySensor::Nothing },
            ..kizashi_store::Settings::default()
        };
        let pipeline =
            Pipeline::open(&folder.0, store, Settings::default(), Campaigns::builtin()).unwrap();
        if is_hub {
            let nobody = vec![(CONDITIONS.to_owned(), b"[]".to_vec())];
            pipeline.store().save(Vec::new(), nobody).unwrap();
        }
        pipeline
    };
    let mut pipeline = open();
    let (mut number, mut draw) = (0_u32, 1_u64);
    for bin in 0..BINS {
        let sensors = if bin < 3 * 144 { 1 } else { 2 };
        let mut events = Vec::new();
        for (sensor, port) in (0..sensors).flat_map(|sensor| (0..4).map(move |port| (sensor, port)))
        {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for _ in 0..(draw >> 33) % 5 {
                number += 1;
                let at =
                    bin * 600 * Timestamp::SECOND + i64::from(number % 599) * Timestamp::SECOND;
                let event = event(at, number, port, u64::from(number));
                events.push(Event { sensor: ["one", "two"][sensor].into(), ..event });
            }
        }
        pipeline.store().write(events).unwrap();
        let end = START + (bin + 1) * 600 * Timestamp::SECOND + LATENESS;
        pipeline.advance(Timestamp::from_micros(end)).unwrap();
        if [100, 3 * 144, 3 * 144 + 5].contains(&bin) {
            pipeline.finish().unwrap();
            pipeline = open();
        }
    }
    let told = |pipeline: &Pipeline| {
        let signs = pipeline.store().reader().unwrap().signs(1_000).unwrap();
        signs.into_iter().map(|sign| sign.id).collect::<Vec<_>>()
    };
    let live = told(&pipeline);
    pipeline.begin_with(Knowledge::shipped()).unwrap();
    let known = super::sensors_known(&pipeline.store().reader().unwrap()).unwrap();
    assert_eq!(known, is_hub.then_some(2), "for who exports what one of them has");
    [live, told(&pipeline)]
}

#[test]
fn a_hub_takes_a_second_sensor_for_no_wave_live_and_in_a_run_over_what_is_stored() {
    assert_eq!(with_a_second_sensor(true), [Vec::<String>::new(), Vec::new()]);
    let [live, anew] = with_a_second_sensor(false);
    assert!(
        !live.is_empty() && live == anew,
        "logs of two programs are no two machines: {live:?} {anew:?}"
    );
}
