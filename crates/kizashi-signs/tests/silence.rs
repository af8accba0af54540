//! Signs that something stopped: told while nothing comes, in other words than a rise, the same live and in a replay.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test says what went wrong by failing"
)]

use std::collections::BTreeMap;

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::{Detection, Numbers, Settings, Severity, Sign, SignKind, advisory};
use kizashi_store::{ClosedBin, Evidence, KeyBin, PortBin};
use proptest::prelude::*;

const BIN: i64 = 600 * Timestamp::SECOND;
const DAY: i64 = 144;

fn start(bin: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().plus(bin * BIN)
}

/// A bin in which new visitors came to these ports.
fn bin(at: i64, ports: &[u16]) -> ClosedBin {
    let visitor = |n: usize| 1_000 + (at as u32) * 16 + n as u32;
    let row = |(n, port): (usize, &u16)| PortBin {
        port: Port::tcp(*port),
        events: 2,
        sources: vec![visitor(n)],
    };
    let sources: Vec<u32> = (0..ports.len()).map(visitor).collect();
    let total = KeyBin { key: Key::new(KeyKind::Total, ""), events: 2, sources, head: Vec::new() };
    let keys = if ports.is_empty() { Vec::new() } else { vec![total] };
    ClosedBin { start: start(at), ports: ports.iter().enumerate().map(row).collect(), keys }
}

fn detection() -> Detection {
    Detection::new(Settings::default()).unwrap()
}

/// Closes bins in which these ports were visited: 22 in each, 445 in each second one, 80 in each third one.
fn usual(detection: &mut Detection, bins: std::ops::Range<i64>, without: &[u16]) -> Vec<Sign> {
    let mut signs = Vec::new();
    for at in bins {
        let visited = [(22, 1), (445, 2), (80, 3)].into_iter().filter(|(_, every)| at % every == 0);
        let ports: Vec<u16> =
            visited.map(|(port, _)| port).filter(|port| !without.contains(port)).collect();
        signs.extend(detection.close(&bin(at, &ports)).into_signs());
    }
    signs
}

#[test]
fn a_sensor_that_stops_is_told_within_hours_by_the_clock_alone_and_over_when_somebody_comes() {
    let mut detection = detection();
    assert!(usual(&mut detection, 0..4 * DAY, &[]).is_empty());
    let mut raised = None;
    for hour in 1..=48 {
        let closed = detection.advance(start(4 * DAY).plus(hour * Timestamp::HOUR));
        raised = raised.or(closed.raised.first().cloned());
        assert!(closed.raised.len() <= 1 && closed.changed.is_empty());
    }
    let sign = raised.unwrap();
    assert_eq!((sign.kind, sign.key.as_str()), (SignKind::SensorSilent, "total"));
    assert_eq!((sign.severity, sign.since), (Severity::High, start(4 * DAY)));
    assert!(sign.detected.since(sign.since) <= 3 * Timestamp::HOUR, "{sign:?}");
    assert!(sign.id.ends_with("Z-total-silent") && sign.days >= 7.0, "{sign:?}");
    assert!(sign.expected_sources > 2.0 && sign.before > 50.0 && sign.ratio == 0.0, "{sign:?}");
    let text = advisory(&sign, &Evidence::default());
    assert!(
        text.what.starts_with("Nothing at all has come")
            && text.since.contains("2026-03-05 00:00 UTC"),
        "{text:?}"
    );
    assert!(text.what_to_do.contains("firewall") && text.what_to_do.contains("kizashi status"));
    assert!(matches!(detection.explain(&sign.id).unwrap().numbers, Numbers::Silence(_)));
    let closed = detection.close(&bin(6 * DAY + 1, &[22]));
    assert!(closed.raised.is_empty(), "{closed:?}");
    assert_eq!((closed.changed.len(), closed.changed[0].open), (1, false));
    assert_eq!(closed.changed[0].until, start(6 * DAY + 2));
    assert_eq!(detection.open_signs().count(), 0);
}

#[test]
fn a_port_that_stops_is_told_and_the_others_are_not() {
    let mut detection = detection();
    assert!(usual(&mut detection, 0..5 * DAY, &[]).is_empty());
    let signs = usual(&mut detection, 5 * DAY..8 * DAY, &[445]);
    assert_eq!(signs.len(), 1, "{signs:?}");
    let sign = &signs[0];
    assert_eq!((sign.kind, sign.key.as_str()), (SignKind::PortSilent, "tcp/445"));
    assert_eq!((sign.severity, sign.since), (Severity::Low, start(5 * DAY - 1)));
    assert!(sign.label.contains("SMB") && sign.summary().contains("other ports were visited"));
    assert!(serde_json::to_string(sign).unwrap().contains("\"kind\":\"port-silent\""));
    let numbers = detection.explain(&sign.id).unwrap();
    assert!(matches!(numbers.numbers, Numbers::Silence(silence) if silence.ticks > 6));
    assert!(numbers.usual > 0.1 && numbers.at == start(8 * DAY), "{numbers:?}");
    let back = usual(&mut detection, 8 * DAY..8 * DAY + 2, &[]);
    assert_eq!((back.len(), back[0].open), (1, false));
}

#[test]
fn ports_that_stop_together_are_one_sign() {
    let mut detection = detection();
    assert!(usual(&mut detection, 0..5 * DAY, &[]).is_empty());
    let signs = usual(&mut detection, 5 * DAY..9 * DAY, &[445, 80]);
    let ids: std::collections::BTreeSet<&str> = signs.iter().map(|sign| sign.id.as_str()).collect();
    assert_eq!(ids.len(), 1, "{signs:?}");
    let sign = signs.last().unwrap();
    assert_eq!((sign.rising, sign.ports.as_slice()), (2, &["tcp/445".into(), "tcp/80".into()][..]));
    assert!(sign.summary().contains("and 1 other port since"), "{}", sign.summary());
    // One of them is back: the sign stays open for the other.
    assert!(usual(&mut detection, 9 * DAY..9 * DAY + 1, &[445]).is_empty());
    let back = usual(&mut detection, 9 * DAY + 1..9 * DAY + 3, &[]);
    assert!(back.len() == 1 && !back[0].open, "{back:?}");
}

#[test]
fn a_year_of_nothing_is_one_sign_that_becomes_usual_and_no_rise_at_its_end() {
    let mut detection = detection();
    usual(&mut detection, 0..4 * DAY, &[]);
    let closed = detection.advance(start(370 * DAY));
    assert_eq!(closed.raised.len(), 1, "{closed:?}");
    assert!(closed.changed.is_empty() && !closed.raised[0].open, "{closed:?}");
    let signs = usual(&mut detection, 370 * DAY..375 * DAY, &[]);
    assert!(signs.is_empty(), "{signs:?}");
}

#[test]
fn the_end_of_a_wave_that_was_told_is_no_silence() {
    let mut detection = detection();
    usual(&mut detection, 0..6 * DAY, &[]);
    let crowd: Vec<u32> = (1 << 20..(1 << 20) + 400).collect();
    let wave = PortBin { port: Port::tcp(445), events: 400, sources: crowd };
    let mut closed = bin(6 * DAY, &[22]);
    closed.ports.push(wave);
    let raised = detection.close(&closed).raised;
    assert!(raised.iter().any(|sign| sign.key == "tcp/445" && sign.kind == SignKind::Rise));
    let signs = usual(&mut detection, 6 * DAY + 1..12 * DAY, &[445]);
    assert!(signs.iter().all(|sign| sign.kind == SignKind::Rise), "{signs:?}");
}

/// Bins with silences of ports and of everything.
fn interrupted() -> impl Strategy<Value = Vec<ClosedBin>> {
    let part = (50_i64..400, prop_oneof![Just(0_u8), Just(1), Just(2), Just(4), Just(7)]);
    prop::collection::vec(part, 3..9).prop_map(|parts| {
        let mut all = Vec::new();
        for (bins, missing) in [(5 * DAY, 0)].into_iter().chain(parts) {
            for _ in 0..bins {
                let at = all.len() as i64;
                let ports: Vec<u16> = [(1_u8, 22_u16, 1_i64), (2, 445, 2), (4, 80, 3)]
                    .into_iter()
                    .filter(|(flag, _, every)| missing & flag == 0 && at % every == 0)
                    .map(|(_, port, _)| port)
                    .collect();
                all.push(bin(at, &ports));
            }
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn live_replay_and_restart_tell_the_same_silences(bins in interrupted(), at in 0.0..1.0_f64, leap in 1_usize..200) {
        #[allow(clippy::cast_sign_loss)]
        let cut = (bins.len() as f64 * at) as usize;
        let end = bins.last().unwrap().start.plus(BIN);
        let (mut live, mut replay, mut steps) = (detection(), detection(), detection());
        let (mut of_live, mut of_replay, mut of_steps) = (Vec::new(), Vec::new(), Vec::new());
        for (number, bin) in bins.iter().enumerate() {
            of_live.extend(live.close(bin).into_signs());
            of_live.extend(live.advance(bin.start.plus(BIN)).into_signs());
            if number == cut {
                live = Detection::restore(
                    Settings::default(),
                    kizashi_signs::Campaigns::builtin(),
                    &live.snapshot().unwrap(),
                )
                .unwrap();
            }
            if !bin.ports.is_empty() {
                of_steps.extend(steps.close(bin).into_signs());
            } else if number % leap == 0 {
                of_steps.extend(steps.advance(bin.start.plus(BIN)).into_signs());
            }
        }
        for bin in bins.iter().filter(|bin| !bin.ports.is_empty()) {
            of_replay.extend(replay.close(bin).into_signs());
        }
        of_replay.extend(replay.advance(end).into_signs());
        of_steps.extend(steps.advance(end).into_signs());
        let last = |signs: Vec<Sign>| -> BTreeMap<String, Sign> {
            signs.into_iter().map(|sign| (sign.id.clone(), sign)).collect()
        };
        let (of_live, of_replay, of_steps) = (last(of_live), last(of_replay), last(of_steps));
        prop_assert_eq!(&of_live, &of_replay);
        prop_assert_eq!(&of_live, &of_steps);
        prop_assert_eq!(live.snapshot().unwrap(), replay.snapshot().unwrap());
        prop_assert_eq!(live, steps);
    }
}
