//! A hub's pipeline over three sensors in two groups: what one sensor sees is told once and as its own, what is weak at each is told over all,
//! and neither a restart nor a run anew changes any of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kizashi_event::{Event, Port, Service, Timestamp};
use kizashi_signs::{Campaigns, Knowledge, Scope, SeenAt, Settings, Sign, SignKind};

use super::tests::{Folder, START, event};
use super::{LATENESS, Pipeline};
use crate::explain::{Explainer, Wanted};
use crate::fleet::{FleetSettings, WatchedKeys};

const DAY: i64 = 144;
const SENSORS: [&str; 3] = ["osaka", "paris", "tokyo"];
const SERVICES: [&str; 4] = ["ssh", "telnet", "http", "smb"];
/// New sources to each port of each sensor in ten minutes.
const USUAL: f64 = 1.5;

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

/// More sources than usual to telnet, from some ten minutes on.
#[derive(Clone, Copy)]
struct Wave {
    from: i64,
    until: i64,
    /// In ten minutes at each sensor.
    more: [f64; 3],
}

/// What ten minutes bring.
fn bin(random: &mut Random, number: &mut u32, bin: i64, wave: Option<Wave>) -> Vec<Event> {
    let mut events = Vec::new();
    for (at, sensor) in SENSORS.iter().enumerate() {
        for (port, service) in SERVICES.iter().enumerate() {
            let is_on = |wave: &Wave| port == 1 && (wave.from..wave.until).contains(&bin);
            let more = wave.filter(is_on).map_or(0.0, |wave| wave.more[at]);
            for _ in 0..random.poisson(USUAL + more) {
                *number += 1;
                let second = i64::from(*number % 599);
                let time = (bin * 600 + second) * Timestamp::SECOND;
                let made = event(time, *number, port, u64::from(*number));
                events.push(Event {
                    sensor: (*sensor).into(),
                    service: Service::known(service),
                    ..made
                });
            }
        }
    }
    events
}

fn groups() -> FleetSettings {
    let group = |name: &str, sensors: &[&str]| {
        (name.to_owned(), sensors.iter().map(|sensor| (*sensor).to_owned()).collect())
    };
    let groups = BTreeMap::from([group("asia", &["osaka", "tokyo"]), group("europe", &["paris"])]);
    FleetSettings { groups, ..FleetSettings::default() }
}

fn open(folder: &Folder, fleet: &FleetSettings) -> Pipeline {
    let store = kizashi_store::Settings {
        clock: Arc::new(|| Timestamp::from_micros(START + 30 * Timestamp::DAY)),
        by_sensor: fleet.keys.of_store(),
        ..kizashi_store::Settings::default()
    };
    let detection = (Settings::default(), fleet);
    Pipeline::open_for_fleet(&folder.0, store, detection, Campaigns::builtin()).unwrap()
}

fn stored(pipeline: &Pipeline) -> BTreeMap<String, Sign> {
    let signs = pipeline.store().reader().unwrap().signs(1_000).unwrap();
    let read = |json: &str| serde_json::from_str::<Sign>(json).unwrap();
    signs.iter().map(|sign| (sign.id.clone(), read(&sign.json))).collect()
}

/// A pipeline after so many bins, started anew after these, and what it said that it raised.
fn run(
    folder: &Folder,
    (bins, seed): (i64, u64),
    wave: Option<Wave>,
    restarts: &[i64],
) -> (Pipeline, Vec<Sign>) {
    let (mut random, mut number, mut raised) = (Random(seed), 0, Vec::new());
    let mut pipeline = open(folder, &groups());
    for at in 0..bins {
        let events = bin(&mut random, &mut number, at, wave);
        pipeline.store().write(events).unwrap();
        let end = START + (at + 1) * 600 * Timestamp::SECOND + LATENESS;
        raised.extend(pipeline.advance(Timestamp::from_micros(end)).unwrap());
        if restarts.contains(&at) {
            pipeline.finish().unwrap();
            pipeline = open(folder, &groups());
        }
    }
    (pipeline, raised)
}

const AT_TOKYO: Wave = Wave { from: 3 * DAY, until: 3 * DAY + 36, more: [0.0, 0.0, 4.0] };
const EVERYWHERE: Wave = Wave { from: 3 * DAY, until: 3 * DAY + 72, more: [2.0, 2.0, 2.0] };

#[test]
fn a_wave_at_one_sensor_is_told_once_as_its_own_over_restarts_and_in_a_run_anew() {
    let (folder, restarted) = (Folder::new(), Folder::new());
    let bins = AT_TOKYO.until;
    let (mut pipeline, raised) = run(&folder, (bins, 1), Some(AT_TOKYO), &[]);
    let told = stored(&pipeline);
    let of_wave: Vec<&Sign> = told.values().filter(|sign| sign.key == "tcp/23").collect();
    assert_eq!((told.len(), of_wave.len()), (1, 1), "{told:?}");
    assert_eq!(of_wave[0].scope, Some(Scope::Sensor("tokyo".to_owned())));
    assert!(of_wave[0].id.ends_with("-at-tokyo-tcp-23"), "{}", of_wave[0].id);
    assert!(of_wave[0].summary().starts_with("Seen at sensor tokyo: "), "{of_wave:?}");
    assert_eq!((of_wave[0].kind, of_wave[0].port()), (SignKind::Rise, Some(Port::tcp(23))));
    assert_eq!(raised.iter().map(|sign| &sign.id).collect::<Vec<_>>(), [&of_wave[0].id]);
    // Before the wave, while it is seen by some watches and told of one, and later.
    let restarts = [DAY, AT_TOKYO.from + 2, AT_TOKYO.from + 7, AT_TOKYO.from + 20];
    let (other, raised_again) = run(&restarted, (bins, 1), Some(AT_TOKYO), &restarts);
    assert_eq!(stored(&other), told);
    assert_eq!(raised_again, raised);
    pipeline.begin_with(Knowledge::shipped()).unwrap();
    assert_eq!(stored(&pipeline), told);
}

#[test]
fn a_source_or_two_more_at_each_sensor_are_told_over_all_once() {
    let folder = Folder::new();
    let (pipeline, _) = run(&folder, (EVERYWHERE.until, 2), Some(EVERYWHERE), &[]);
    let told = stored(&pipeline);
    let told: Vec<&Sign> = told.values().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].key.as_str(), &told[0].scope), ("tcp/23", &None));
    // With the sign is kept where: all three sensors, and both groups.
    let SeenAt { sensors, groups } = told[0].seen_at.clone().unwrap();
    assert_eq!((sensors.count, sensors.of, groups.count, groups.of), (3, 3, 2, 2));
    let names: BTreeSet<&str> = sensors.named.iter().map(|place| place.name.as_str()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), SENSORS);
    let summary = told[0].summary();
    assert!(summary.starts_with("Seen at 3 of 3 sensors: "), "{summary}");
}

#[test]
fn what_visitors_did_is_told_of_the_sensor_that_a_sign_is_of_and_its_numbers_are_explained() {
    let folder = Folder::new();
    let (pipeline, _) = run(&folder, (AT_TOKYO.until, 1), Some(AT_TOKYO), &[]);
    let reader = pipeline.store().reader().unwrap();
    let at = |name: &str| -> BTreeSet<String> {
        let events = reader.recent(100_000).unwrap();
        let of = events.iter().filter(|event| &*event.sensor == name);
        of.map(|event| event.source.to_string()).collect()
    };
    let stored = reader.signs(1_000).unwrap();
    let (sign, evidence) = Sign::of_stored(&stored[0]).unwrap();
    assert_eq!(sign.scope, Some(Scope::Sensor("tokyo".to_owned())));
    let (of_tokyo, of_paris) = (at("tokyo"), at("paris"));
    assert!(of_tokyo.is_disjoint(&of_paris) && !evidence.sources.is_empty());
    assert!(evidence.sources.iter().all(|(source, _)| of_tokyo.contains(source)), "{evidence:?}");
    let key = kizashi_event::Key::port(Port::tcp(23));
    let span = kizashi_store::Span { since: Some(sign.since), until: Some(sign.until) };
    let of_all = reader.evidence(Some(&key), span).unwrap();
    assert!(evidence.events_read < of_all.events_read, "{evidence:?}");
    // What `kizashi replay --explain` gathers.
    let mut joins = super::Joins::from_the_start(&reader).unwrap();
    joins.at_hub();
    let plan = super::Plan {
        settings: Settings::default(),
        fleet: groups(),
        knowledge: Knowledge::shipped(),
        campaigns: Campaigns::builtin(),
    };
    let mut watches = super::Watches::anew(&plan, joins).unwrap();
    watches.look(&reader).unwrap();
    let mut explainer = Explainer::new(Wanted::Sign(sign.id.clone()));
    let note = |bin: kizashi_store::ClosedBin| {
        let closed = watches.close(&reader, &bin).unwrap();
        explainer.note(&closed, &watches);
    };
    reader.closed_bins(None, note).unwrap();
    let explained = explainer.finish(&watches, std::slice::from_ref(&sign));
    let numbers = explained[0].explanation.as_ref().unwrap();
    let counted = numbers.counts.iter().map(|(_, sources)| u64::from(*sources)).sum::<u64>();
    assert!((numbers.key.as_str(), numbers.at) == ("tcp/23", sign.detected) && counted > 0);
    let since = (sign.since.micros() - START) / (600 * Timestamp::SECOND);
    let of_wave = numbers.counts.iter().filter(|(bin, _)| *bin >= since as u64);
    let of_wave = of_wave.map(|(_, sources)| u64::from(*sources)).sum::<u64>();
    assert_eq!(of_wave, sign.sources, "tokyo's own counts are explained, not everybody's");
}

#[test]
fn quiet_days_of_three_sensors_tell_no_more_than_is_promised_of_all_watches_together() {
    let folder = Folder::new();
    let (pipeline, _) = run(&folder, (4 * DAY, 100), None, &[]);
    let told = stored(&pipeline);
    eprintln!("{} signs in four quiet days", told.len());
    // One a week is promised: four or more in four days of that are one in three hundred.
    assert!(told.len() < 4, "{told:?}");
}

#[test]
fn other_groups_learn_anew_and_the_bound_on_watches_leaves_sensors_to_their_groups() {
    let folder = Folder::new();
    let (pipeline, _) = run(&folder, (AT_TOKYO.until, 1), Some(AT_TOKYO), &[]);
    pipeline.finish().unwrap();
    let bounded = FleetSettings { watches: 0, ..groups() };
    let told = stored(&open(&folder, &bounded));
    let scopes: Vec<&Option<Scope>> = told.values().map(|sign| &sign.scope).collect();
    assert_eq!(scopes.len(), 1, "{told:?}");
    assert!(!matches!(scopes[0], Some(Scope::Sensor(_))), "{told:?}");
    let ungrouped = FleetSettings::default();
    let told = stored(&open(&folder, &ungrouped));
    let scopes: Vec<&Option<Scope>> = told.values().map(|sign| &sign.scope).collect();
    assert_eq!(scopes, [&Some(Scope::Sensor("tokyo".to_owned()))]);
}

/// The user names that visitors bring in ten minutes: `guest` is usual at all sensors but tokyo, and comes to it from the fourth day on.
fn with_names(events: Vec<Event>, bin: i64) -> Vec<Event> {
    let named = |event: Event| {
        let number = event.id.0;
        let at_tokyo = &*event.sensor == "tokyo";
        let user = match number % 3 {
            0 if !at_tokyo || bin >= 3 * DAY => "guest",
            1 => "admin",
            _ => "root",
        };
        let detail = kizashi_event::Detail::Login {
            username: Some(kizashi_event::HostileText::from(user)),
            password: None,
            public_key: None,
            accepted: false,
        };
        Event { detail, ..event }
    };
    events.into_iter().map(named).collect()
}

#[test]
fn a_user_name_that_rises_at_one_sensor_is_told_at_it_where_all_keys_are_watched_over_restarts_and_in_a_run_anew()
 {
    let fleet = FleetSettings { keys: WatchedKeys::All, ..groups() };
    let until = 3 * DAY + 36;
    let told = |restarts: &[i64]| {
        let (folder, mut random, mut number) = (Folder::new(), Random(5), 0);
        let mut pipeline = open(&folder, &fleet);
        for at in 0..until {
            let events = with_names(bin(&mut random, &mut number, at, None), at);
            pipeline.store().write(events).unwrap();
            let end = START + (at + 1) * 600 * Timestamp::SECOND + LATENESS;
            pipeline.advance(Timestamp::from_micros(end)).unwrap();
            if restarts.contains(&at) {
                pipeline.finish().unwrap();
                pipeline = open(&folder, &fleet);
            }
        }
        let signs = stored(&pipeline);
        pipeline.begin_with(Knowledge::shipped()).unwrap();
        assert_eq!(stored(&pipeline), signs);
        signs
    };
    let signs = told(&[]);
    let of_name: Vec<&Sign> = signs.values().filter(|sign| sign.key == "user:guest").collect();
    assert_eq!(of_name.len(), 1, "{signs:?}");
    assert_eq!(of_name[0].scope, Some(Scope::Sensor("tokyo".to_owned())), "{signs:?}");
    assert_eq!(told(&[DAY, 3 * DAY + 2, 3 * DAY + 9]), signs);
}
