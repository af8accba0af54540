//! Keys divided over any number of detectors, of which any is lost at any moment, give the signs that one machine gives, byte by byte.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use kizashi_event::{KeyKind, Port, Timestamp};
use kizashi_signs::shares::{Detector, DetectorError};
use kizashi_signs::{Campaigns, Detection, Merge, Settings};
use kizashi_store::ClosedBin;
use proptest::prelude::*;
use support::{BIN, Gathering, Random, Team, made_up, merge, told};

/// Partitions as a fleet has them.
const PARTITIONS: u16 = 64;

fn settings(memory_megabytes: u32) -> Settings {
    Settings { false_alarms_per_week: 20.0, memory_megabytes, ..Settings::default() }
}

fn alone(settings: Settings, bins: &[ClosedBin]) -> (Vec<String>, Detection) {
    let mut detection = Detection::new(settings).unwrap();
    (bins.iter().map(|bin| told(&detection.close(bin))).collect(), detection)
}

fn first_difference(one: &[String], other: &[String]) -> Option<(usize, String, String)> {
    let differ = one.iter().zip(other).position(|(one, other)| one != other)?;
    Some((differ, one[differ].clone(), other[differ].clone()))
}

/// The same bins through 1, 2 and 5 detectors, one of which is lost again and again.
fn is_the_same(settings: Settings, bins: &[ClosedBin], partitions: u16) -> usize {
    let (expected, detection) = alone(settings, bins);
    let raised = expected.iter().filter(|told| !told.starts_with("0 raised")).count();
    for detectors in [1, 2, 5] {
        let mut team = Team::new(partitions, detectors, detectors as u64);
        // Of the several hundred asks that a bin takes.
        team.lost_in = 120 * usize::from(partitions);
        let mut merge = merge(settings, partitions);
        let mut got = Vec::new();
        for (at, bin) in bins.iter().enumerate() {
            got.push(told(&team.close(&mut merge, bin)));
            if at % 36 == 35 {
                (0..partitions).for_each(|partition| team.save(partition));
            }
        }
        assert_eq!(first_difference(&got, &expected), None, "{detectors} detectors");
        assert!(team.losses > 3, "{} losses", team.losses);
        let learned = merge.knowledge(&team).to_json();
        assert_eq!(learned, detection.knowledge().to_json(), "{detectors} detectors");
        for sign in detection.open_signs() {
            let (one, other) = (detection.explain(&sign.id), merge.explain(&team, &sign.id));
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "{}", sign.id);
        }
        assert_eq!(merge.standing(&team), detection.standing());
    }
    raised
}

#[test]
fn one_two_and_five_detectors_tell_the_signs_of_one_machine_byte_by_byte_though_some_are_lost() {
    let raised = is_the_same(settings(64), &made_up(1, 450), PARTITIONS);
    assert!(raised > 2, "{raised} bins raised signs");
}

#[test]
fn so_they_do_where_keys_fight_for_places_and_parts_are_few() {
    let raised = is_the_same(settings(1), &made_up(2, 350), 7);
    assert!(raised > 5, "{raised} bins raised signs");
}

/// Nine honeypots at Amazon in 2013, their first days, ports and countries of visitors by the first half of the address.
fn aws(days: i64) -> Option<Vec<ClosedBin>> {
    let name = "../../../shared/data/aws-honeypots-2013-03-to-06.csv.gz";
    let file = std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).ok()?;
    let mut bins: std::collections::BTreeMap<i64, Gathering> = std::collections::BTreeMap::new();
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut first = None;
    for line in BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().skip(1) {
        let line = line.unwrap();
        let cells: Vec<&str> = line.split(',').collect();
        let &[time, _, source, protocol, _, _, port] = cells.as_slice() else { continue };
        let (Ok(port), Ok(source)) = (port.parse::<u16>(), source.parse::<u32>()) else { continue };
        let time = Timestamp::parse(&format!("{}Z", time.replace(' ', "T"))).unwrap();
        let start = time.floor_to(BIN).micros();
        if start - *first.get_or_insert(start) > days * Timestamp::DAY {
            break;
        }
        let next = u32::try_from(numbers.len()).unwrap();
        let number = *numbers.entry(source).or_insert(next);
        let port = if protocol == "UDP" { Port::udp(port) } else { Port::tcp(port) };
        let gathering = bins.entry(start).or_default();
        gathering.come(port, number);
        gathering.bring(KeyKind::Country, &format!("{:02}", (source >> 24) % 90), number);
    }
    let closed =
        |(start, gathering): (i64, Gathering)| gathering.closed(Timestamp::from_micros(start));
    Some(bins.into_iter().map(closed).collect())
}

#[test]
fn real_traffic_gives_the_same_signs_over_any_number_of_detectors() {
    let Some(bins) = aws(5) else {
        eprintln_skipped();
        return;
    };
    let raised = is_the_same(settings(64), &bins, PARTITIONS);
    assert!(raised > 0, "{raised} bins raised signs");
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is told what was not")]
fn eprintln_skipped() {
    eprintln!("skipped: the real traffic of 2013 is not here");
}

#[test]
fn the_merge_goes_on_from_a_snapshot_with_parts_of_the_same_moment() {
    let bins = made_up(3, 400);
    let (expected, _) = alone(settings(64), &bins);
    let mut team = Team::new(PARTITIONS, 2, 7);
    let mut merge = merge(settings(64), PARTITIONS);
    for (at, (bin, expected)) in bins.iter().zip(&expected).enumerate() {
        if at % 61 == 30 {
            let bytes = merge.snapshot().unwrap();
            merge = Merge::restore(settings(64), Campaigns::builtin(), &bytes).unwrap();
            (0..PARTITIONS).for_each(|partition| team.save(partition));
            team.lose(at % 2);
        }
        assert_eq!(&told(&team.close(&mut merge, bin)), expected, "bin {at}");
    }
}

#[test]
fn a_detector_refuses_what_it_does_not_hold_and_snapshots_that_are_none() {
    let mut detector = Detector::default();
    detector.begin(3);
    assert_eq!(detector.partitions().collect::<Vec<_>>(), [3]);
    assert_eq!(detector.snapshot(4), Err(DetectorError::NotHeld(4)));
    let good = detector.snapshot(3).unwrap();
    assert_eq!(detector.restore(5, &good), Ok(()));
    for bytes in [&[][..], &[9, 9, 9], &good[..good.len() - 1]] {
        assert_eq!(detector.restore(3, bytes), Err(DetectorError::Snapshot(3)), "{bytes:?}");
    }
    let mut other = good.clone();
    other[0] = 77;
    assert_eq!(detector.restore(3, &other), Err(DetectorError::Snapshot(3)));
    detector.release(3);
    assert_eq!(detector.told(3), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_number_of_partitions_and_detectors_and_any_losses_tell_the_same(
        seed in 0_u64..1_000,
        partitions in 1_u16..90,
        detectors in 1_usize..7,
        lost_in in 200_usize..4_000,
        saved in prop::collection::vec((0_usize..150, 0_u16..90), 0..20),
    ) {
        let bins = made_up(seed, 150);
        let (expected, _) = alone(settings(1), &bins);
        let mut team = Team::new(partitions, detectors, seed);
        team.lost_in = lost_in;
        let mut merge = merge(settings(1), partitions);
        for (at, (bin, expected)) in bins.iter().zip(&expected).enumerate() {
            prop_assert_eq!(&told(&team.close(&mut merge, bin)), expected, "bin {}", at);
            for (_, partition) in saved.iter().filter(|(when, _)| *when == at) {
                if *partition < partitions {
                    team.save(*partition);
                }
            }
        }
    }

    #[test]
    fn no_bytes_panic_a_detector(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut detector = Detector::default();
        let _ = detector.restore(0, &bytes);
        let mut random = Random(bytes.len() as u64);
        let mut good = { let mut one = Detector::default(); one.begin(0); one.snapshot(0).unwrap() };
        let at = random.below(good.len());
        good[at] = bytes.first().copied().unwrap_or(0);
        let _ = detector.restore(0, &good);
    }
}
