//! Which alarms become one sign: a campaign that goes from port to port is one, two campaigns are two whatever they share by
//! chance, and one that comes back is known again. All over closed bins, so that it holds live and in a replay.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::collections::BTreeMap;

use kizashi_event::{Key, KeyKind, Port, Timestamp};
use kizashi_signs::{Campaigns, Certainty, Detection, Settings, Sign};
use kizashi_store::{ClosedBin, KeyBin, PortBin};

const BIN: i64 = 600 * Timestamp::SECOND;
const DAY: i64 = 144;

/// What a wave brings in each bin: to a port, from so many machines numbered from `first` on, with words under keys.
#[derive(Clone)]
struct Wave {
    port: u16,
    bins: std::ops::Range<i64>,
    first: u32,
    words: Vec<(KeyKind, &'static str)>,
}

const MIRAI: (KeyKind, &str) = (KeyKind::CommandFamily, ">/tmp/.ptmx && cd /tmp/");
const APPLET: (KeyKind, &str) = (KeyKind::CommandFamily, "/bin/busybox MIRAI");
const REDTAIL: (KeyKind, &str) = (KeyKind::CommandFamily, "sh setup.sh; ./redtail");
const STRANGE: (KeyKind, &str) = (KeyKind::CommandFamily, "./frobnicate --join");
const OTHER: (KeyKind, &str) = (KeyKind::CommandFamily, "./something --else");

fn wave(
    port: u16,
    bins: std::ops::Range<i64>,
    first: u32,
    words: &[(KeyKind, &'static str)],
) -> Wave {
    Wave { port, bins, first, words: words.to_vec() }
}

/// Six machines a bin, each once.
fn machines(wave: &Wave, bin: i64) -> Vec<u32> {
    let from = wave.first + u32::try_from(bin - wave.bins.start).unwrap() * 6;
    (from..from + 6).collect()
}

/// A quiet sensor with these waves; every sign as it was last told, in the order in which they were raised.
fn signs(bins: i64, waves: &[Wave]) -> Vec<Sign> {
    let mut detection = Detection::new(Settings::default()).unwrap();
    let (mut last, mut order): (BTreeMap<String, Sign>, Vec<String>) =
        (BTreeMap::new(), Vec::new());
    for bin in 0..bins {
        let mut ports: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
        let mut keys: BTreeMap<(KeyKind, &str), Vec<u32>> = BTreeMap::new();
        for port in [22, 23, 80, 445] {
            if (bin + i64::from(port)) % 5 == 0 {
                ports
                    .entry(port)
                    .or_default()
                    .push(u32::try_from(bin).unwrap() * 8 + u32::from(port % 8));
            }
        }
        for wave in waves.iter().filter(|wave| wave.bins.contains(&bin)) {
            ports.entry(wave.port).or_default().extend(machines(wave, bin));
            for word in &wave.words {
                keys.entry(*word).or_default().extend(machines(wave, bin));
            }
        }
        let sorted = |mut sources: Vec<u32>| {
            sources.sort_unstable();
            sources.dedup();
            sources
        };
        let closed = ClosedBin {
            start: Timestamp::parse("2026-03-01T00:00:00Z").unwrap().plus(bin * BIN),
            ports: ports
                .into_iter()
                .map(|(port, of)| PortBin {
                    port: Port::tcp(port),
                    events: of.len() as u64,
                    sources: sorted(of),
                })
                .collect(),
            keys: keys
                .into_iter()
                .map(|((kind, text), of)| KeyBin {
                    key: Key::new(kind, text),
                    events: of.len() as u64,
                    sources: sorted(of),
                    head: Vec::new(),
                })
                .collect(),
        };
        for sign in detection.close(&closed).into_signs() {
            if last.insert(sign.id.clone(), sign.clone()).is_none() {
                order.push(sign.id);
            }
        }
        if bin == 6 * DAY {
            // A restart in the middle of everything.
            let bytes = detection.snapshot().unwrap();
            detection =
                Detection::restore(Settings::default(), Campaigns::builtin(), &bytes).unwrap();
        }
    }
    order.into_iter().map(|id| last.remove(&id).unwrap()).collect()
}

fn told(signs: &[Sign]) -> Vec<(&str, Option<&str>)> {
    signs.iter().map(|sign| (sign.key.as_str(), sign.name.as_deref())).collect()
}

#[test]
fn a_campaign_that_goes_from_port_to_port_is_one_sign() {
    let all = signs(
        7 * DAY,
        &[wave(23, 800..830, 100_000, &[STRANGE]), wave(2323, 803..833, 100_000, &[STRANGE])],
    );
    assert_eq!(all.len(), 1, "{:?}", told(&all));
    assert_eq!((all[0].key.as_str(), all[0].name.clone()), ("tcp/23", None));
    assert!(all[0].also.contains(&"tcp/2323".to_owned()), "{:?}", all[0].also);
}

#[test]
fn the_same_campaign_from_other_machines_is_one_sign_under_its_name() {
    let words = [MIRAI, APPLET];
    let all = signs(
        7 * DAY,
        &[wave(23, 800..830, 100_000, &words), wave(2323, 806..836, 200_000, &words)],
    );
    assert_eq!(told(&all), [("tcp/23", Some("Mirai and its children"))]);
    assert!(all[0].also.contains(&"tcp/2323".to_owned()), "{:?}", all[0].also);
    assert_eq!(all[0].recognised.certainty, Certainty::Sure);
}

#[test]
fn two_campaigns_at_once_are_two_signs_known_or_not() {
    for (one, other) in [(STRANGE, OTHER), (MIRAI, REDTAIL), (STRANGE, REDTAIL)] {
        let all = signs(
            7 * DAY,
            &[wave(23, 800..830, 100_000, &[one]), wave(22, 801..831, 200_000, &[other])],
        );
        assert_eq!(all.len(), 2, "{:?}", told(&all));
        let keys: Vec<&str> = all.iter().map(|sign| sign.key.as_str()).collect();
        assert!(keys.contains(&"tcp/23") && keys.contains(&"tcp/22"), "{keys:?}");
    }
}

#[test]
fn a_second_campaign_that_shares_some_machines_is_not_hidden() {
    // A third of its machines are of both.
    let second = wave(22, 801..831, 100_004, &[OTHER]);
    let others = wave(22, 801..831, 400_000, &[OTHER]);
    let all = signs(
        7 * DAY,
        &[
            wave(23, 800..830, 100_000, &[STRANGE]),
            wave(22, 801..831, 300_000, &[OTHER]),
            others,
            second,
        ],
    );
    assert_eq!(all.len(), 2, "{:?}", told(&all));
}

#[test]
fn two_campaigns_known_by_name_are_two_signs_even_on_the_same_machines() {
    let all = signs(
        7 * DAY,
        &[wave(23, 800..830, 100_000, &[MIRAI, APPLET]), wave(22, 860..890, 100_000, &[REDTAIL])],
    );
    let names: Vec<&str> = all.iter().filter_map(|sign| sign.name.as_deref()).collect();
    // Of the first one it is told that its machines do both.
    assert!(names.len() == 2 && names[0].starts_with("Mirai and its children"), "{:?}", told(&all));
    assert_eq!(names[1], "RedTail");
}

#[test]
fn a_campaign_that_comes_back_is_known_again() {
    for word in [REDTAIL, STRANGE] {
        let all = signs(
            12 * DAY,
            &[wave(22, 800..820, 100_000, &[word]), wave(22, 1500..1530, 200_000, &[word])],
        );
        let rises: Vec<&Sign> = all.iter().collect();
        assert_eq!(rises.len(), 2, "{:?}", told(&all));
        assert_eq!(rises[0].returned, None);
        let returned = rises[1].returned.as_ref().unwrap();
        assert_eq!((&returned.id, returned.since), (&rises[0].id, rises[0].since));
        assert_eq!(returned.sources, rises[0].sources);
    }
    let all = signs(
        12 * DAY,
        &[wave(22, 800..820, 100_000, &[STRANGE]), wave(22, 1500..1530, 200_000, &[OTHER])],
    );
    assert!(
        all.iter().all(|sign| sign.returned.is_none()),
        "another one on the same port is no return"
    );
}
