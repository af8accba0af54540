//! What the made-up traffic promises: order, uniqueness, the same for a seed, levels, campaigns that can be seen, no end, no
//! growth, no real address.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use kizashi_event::{Detail, Event, Port, Timestamp, Transport};

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_504_137_600);

fn settings(seed: u64) -> Settings {
    Settings { tail_ports: 30, ..Settings::month(seed, START) }
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_seed_others() {
    let first = |seed| -> Vec<Event> { Traffic::new(settings(seed)).take(20_000).collect() };
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
}

#[test]
fn events_come_in_the_order_of_time_and_none_twice() {
    let mut last = START;
    let mut seen = HashSet::new();
    let end = START.plus(31 * Timestamp::DAY);
    for event in Traffic::new(settings(3)) {
        assert!(event.time >= last && event.time < end);
        last = event.time;
        assert!(seen.insert((event.time, event.id)));
    }
    assert!(seen.len() > 150_000, "{}", seen.len());
    assert!(end.since(last) < Timestamp::DAY);
}

#[test]
fn every_session_opens_once_tells_its_events_in_order_and_closes_at_most_once() {
    let mut open = HashMap::new();
    let mut closed = HashSet::new();
    for event in Traffic::new(settings(4)).take(100_000) {
        assert_eq!(event.session.is_none(), event.port.transport == Transport::Udp);
        let Some(session) = event.session else { continue };
        match event.detail {
            Detail::Connect => assert_eq!(open.insert(session, (event.source, event.port)), None),
            _ => assert_eq!(open.get(&session), Some(&(event.source, event.port))),
        }
        assert!(!closed.contains(&session));
        if matches!(event.detail, Detail::Close { .. }) {
            closed.insert(session);
        }
    }
    assert!(closed.len() > 5_000 && closed.len() < open.len());
}

/// Over many seeds a port of the nine has 0.7 of the talk's total; a share of events falls to rounding, some visitors stay
/// past the end.
#[test]
fn the_nine_ports_have_the_talks_totals_times_the_factor_drawn() {
    let totals = HashMap::from([
        (2223, 114_195.0),
        (4899, 85_573.0),
        (5900, 58_393.0),
        (445, 55_430.0),
        (2222, 29_311.0),
        (80, 16_043.0),
        (1433, 4_890.0),
        (2323, 3_711.0),
        (25, 3_578.0),
    ]);
    let mut counts: HashMap<u16, f64> = HashMap::new();
    let seeds = 8;
    for seed in 0..seeds {
        let settings = Settings { tail_ports: 0, campaigns: 0, ..Settings::month(seed, START) };
        for event in Traffic::new(settings) {
            *counts.entry(event.port.number).or_default() +=
                1.0 / f64::from(u32::try_from(seeds).unwrap());
        }
    }
    let ratio = counts.iter().map(|(port, count)| count / totals[port]).sum::<f64>() / 9.0;
    assert_eq!(counts.len(), 9);
    assert!((0.7 * 0.85..0.7 * 1.15).contains(&ratio), "{ratio} {counts:?}");
}

/// Sources an hour on a port, before and after a moment.
fn sources_an_hour(events: &[Event], port: Port, from: Timestamp, to: Timestamp) -> f64 {
    let seen: HashSet<_> = events
        .iter()
        .filter(|event| event.port == port && event.time >= from && event.time < to)
        .map(|event| (event.source, event.time.floor_to(Timestamp::HOUR)))
        .collect();
    let hours = to.since(from) / Timestamp::HOUR;
    real(i64::try_from(seen.len()).unwrap()) / real(hours.max(1))
}

#[test]
fn campaigns_bring_the_sources_that_the_truth_says() {
    let mut traffic = Traffic::new(Settings { story: true, campaigns: 0, ..settings(5) });
    let events: Vec<Event> = traffic.by_ref().collect();
    let mut looked_at = 0;
    for campaign in traffic
        .campaigns()
        .iter()
        .filter(|campaign| campaign.onset < START.plus(30 * Timestamp::DAY))
    {
        let before = sources_an_hour(&events, campaign.port, START, campaign.onset);
        let full = campaign.onset.plus(campaign.end.since(campaign.onset) / 2);
        let after = sources_an_hour(&events, campaign.port, full, campaign.end);
        // A visitor who stays past the hour counts again, so sources an hour may exceed arrivals an hour.
        let added = (after - before) / campaign.delta;
        assert!(
            (0.7..1.8).contains(&added),
            "{} {}: {before} {after}",
            campaign.name,
            campaign.port
        );
        let expected = campaign.expected();
        let arrived = real(i64::try_from(campaign.arrived).unwrap());
        assert!(
            (arrived - expected).abs() < 5.0 * expected.sqrt() + 0.1 * expected,
            "{arrived} {expected}"
        );
        looked_at += 1;
    }
    assert_eq!(looked_at, 6);
}

#[test]
fn machines_of_one_wave_come_to_both_of_its_ports() {
    let traffic = Traffic::new(Settings { story: true, campaigns: 0, ..settings(6) });
    let mut visitors: HashMap<Port, HashSet<IpAddr>> = HashMap::new();
    for event in traffic.take_while(|event| event.time < START.plus(9 * Timestamp::DAY)) {
        visitors.entry(event.port).or_default().insert(event.source);
    }
    let both = visitors[&Port::tcp(23)].intersection(&visitors[&Port::tcp(2323)]).count();
    assert!(both > 200, "{both}");
}

#[test]
fn without_an_end_it_goes_on_with_new_campaigns_and_without_growing() {
    let mut traffic = Traffic::new(Settings { days: None, ..settings(7) });
    let planned = traffic.campaigns().len();
    let end = START.plus(100 * Timestamp::DAY);
    let mut days = HashSet::new();
    for event in traffic.by_ref().take_while(|event| event.time < end) {
        days.insert(event.time.floor_to(Timestamp::DAY));
    }
    let places = traffic.visits.len();
    assert_eq!(days.len(), 100);
    assert!(traffic.campaigns().len() >= planned * 3, "{planned} {}", traffic.campaigns().len());
    // Places are used again: there are never more than the visitors of the busiest moment.
    assert!(places < 1_000, "{places}");
    assert_eq!(traffic.agenda.len() + traffic.free.len(), traffic.visits.len());
}

#[test]
fn no_event_names_a_real_address() {
    for event in Traffic::new(Settings { story: true, ..settings(8) }) {
        assert!(visitors::is_made_up(event.source), "{}", event.source);
        assert_eq!(event.destination, Some(visitors::SENSOR_ADDRESS));
    }
}

#[test]
fn the_scale_multiplies_what_comes() {
    let count = |scale| {
        Traffic::new(Settings { days: Some(10), scale, campaigns: 0, ..settings(9) }).count()
    };
    let ratio = real(i64::try_from(count(4.0)).unwrap()) / real(i64::try_from(count(1.0)).unwrap());
    assert!((3.0..5.5).contains(&ratio), "{ratio}");
}

#[test]
fn settings_out_of_range_end_in_a_short_but_sound_run() {
    for scale in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
        let settings =
            Settings { days: Some(1), scale, tail_ports: 0, ..Settings::month(1, START) };
        assert!(Traffic::new(settings).take(1_000).count() <= 1_000);
    }
    assert_eq!(Traffic::new(Settings { days: Some(0), ..settings(1) }).count(), 0);
}

#[test]
fn the_demo_ends_its_month_now_and_a_campaign_starts_right_then() {
    let now = START.plus(7 * Timestamp::SECOND);
    let traffic = Traffic::new(Settings::demo(1, now));
    assert!(traffic.campaigns().iter().any(|campaign| campaign.onset == now.floor_to(BIN)));
    assert!(traffic.campaigns().len() >= 10 && traffic.ports().count() >= 129);
}

#[test]
fn what_is_said_is_hostile_as_in_life() {
    let texts: String = Traffic::new(settings(10))
        .take(200_000)
        .filter_map(|event| match event.detail {
            Detail::Client { version: Some(version), .. } => Some(version.raw().to_owned()),
            Detail::Login { username: Some(username), .. } => Some(username.raw().to_owned()),
            _ => None,
        })
        .collect();
    assert!(texts.contains("\u{1b}[2J\u{202e}") && texts.contains("<script>"));
}
