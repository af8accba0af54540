//! Each ported detector against what its Python prototype says of the same counts (made by `scripts/prototype_vectors.py`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what went wrong by failing"
)]

use std::fs;
use std::path::Path;

use kizashi_bench::detectors::{
    Tuning, WarmTuning, bocpd, changefinder, focus, gpe, robust_z, warm_changefinder,
};
use kizashi_bench::matrix::Scores;
use kizashi_bench::model::Model;
use kizashi_bench::traffic::Traffic;
use kizashi_detect::changefinder::{Settings, Start};

fn lines(name: &str) -> Vec<Vec<f64>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn counts() -> Traffic {
    let rows = lines("counts.csv");
    let ports = rows[0].len();
    let counts = rows.concat().into_iter().map(|count| count as u16).collect();
    Traffic { ports, counts, campaigns: Vec::new(), rates: Vec::new() }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "row numbers")]
fn assert_equal(scores: &Scores, name: &str) {
    let expected = lines(name);
    assert!(expected.len() > 15, "{name} has only {} rows", expected.len());
    for line in expected {
        let row = line[0] as usize;
        for (port, expected) in line[1..].iter().enumerate() {
            let found = scores.values[port * scores.rows + row];
            let close = (found - expected).abs() <= 1e-6 * expected.abs().max(1.0);
            assert!(close, "{name} row {row} port {port}: {found} for {expected}");
        }
    }
}

#[test]
fn every_port_equals_its_prototype_to_1e6() {
    let traffic = counts();
    let model = Model::new(&traffic);
    assert_equal(&changefinder(&traffic, Tuning::TALK), "changefinder.csv");
    let one_sided = Tuning {
        bins: 36,
        discount: 0.02,
        order: 2,
        smooth: 5,
        smooth2: 3,
        floor: 0.1,
        one_sided: true,
    };
    assert_equal(&changefinder(&traffic, one_sided), "changefinder_one_sided.csv");
    assert_equal(&robust_z(&traffic), "robust_z.csv");
    assert_equal(&focus(&traffic, &model), "focus.csv");
    assert_equal(&bocpd(&traffic, &model), "bocpd.csv");
    assert_equal(&gpe(&traffic, &model, None), "gpe.csv");
}

#[test]
fn the_warm_start_that_kizashi_has_equals_the_prototype_to_1e6() {
    let settings = Settings {
        discount: 0.02,
        order: 2,
        smooth: 5,
        smooth2: Some(3),
        start: Start::Warm,
        ..Settings::default()
    };
    let scores = warm_changefinder(&counts(), WarmTuning { bins: 6, settings });
    assert_equal(&scores, "changefinder_warm.csv");
}

#[test]
fn the_real_background_is_whole_days_of_distinct_sources_on_the_talks_ports_and_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(kizashi_bench::background::FILE);
    let Ok(background) = kizashi_bench::background::read(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let traffic = &background.traffic;
    assert_eq!(traffic.bins() % 144, 0);
    assert!(traffic.ports > 1_400 && traffic.bins() >= 93 * 144);
    let telnet = background.names.iter().position(|name| name == "23/tcp").unwrap();
    let sources: f64 = traffic.series(telnet, 1).iter().sum();
    assert!((2_500.0..3_567.0).contains(&sources), "{sources}");
    let case = background.with_campaigns(31, 1);
    assert_eq!((case.cold.bins(), case.before), (31 * 144, 31 * 144));
    assert!(case.cold.campaigns.len() > 5);
    let untouched = &traffic.counts[case.before * traffic.ports..][..case.cold.counts.len()];
    let added: u32 = case.cold.campaigns.iter().map(|campaign| campaign.sources).sum();
    let more: u32 = case
        .cold
        .counts
        .iter()
        .zip(untouched)
        .map(|(with, without)| u32::from(with - without))
        .sum();
    assert!(more >= added && added > 0, "campaigns of fewer than three sources are no campaigns");
}
