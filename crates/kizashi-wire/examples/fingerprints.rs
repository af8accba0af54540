//! What our passive fingerprints say of the captures that real tools made, as a table, with p0f beside it where it is there.
//!
//! `cargo run -p kizashi-wire --example fingerprints [-- FOLDER]`; without a folder the captures that the tests keep. Fresh ones are made by
//! `scripts/make-captures FOLDER`. A tool's mark is expected by the capture's name; the last line counts what was missed.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use kizashi_event::{Detail, Event};
use kizashi_wire::{Observer, Options, import};

/// What each capture's attempts should be known as.
const EXPECTED: [(&str, &str); 14] = [
    ("nmap-ss", "scanner:nmap"),
    ("nmap-st", "os:linux-5"),
    ("nmap-o", "scanner:nmap-os"),
    ("nmap-odd", "probe:"),
    ("nmap-6", "scanner:nmap"),
    ("masscan", "scanner:masscan"),
    ("zmap", "scanner:zmap"),
    ("hping", "scanner:hping"),
    ("mirai", "scanner:mirai"),
    ("unicornscan", "scanner:unicornscan"),
    ("curl", "os:linux-5"),
    ("ssh", "os:linux-5"),
    ("scapy", "tcp:"),
    ("nmap-su", ""),
];

fn events_of(file: &Path) -> Vec<Event> {
    // zmap sweeps a network in which the visitor has an address too.
    let swept = ["198.18.0.0/29", "198.18.0.8", "198.18.0.10/31", "198.18.0.12/30"];
    let plain = ["198.18.0.1", "2001:db8::1"];
    let local: &[&str] = if file.ends_with("zmap.pcap") { &swept } else { &plain };
    let local = local.iter().map(|text| text.parse().unwrap()).collect();
    let mut observer = Observer::new(&Options { sensor: Arc::from("measured"), local });
    let mut events = Vec::new();
    let mut sink = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    import(file, &mut observer, &mut |_| {}, &mut sink);
    observer.finish(&mut sink);
    events
}

/// How many different things p0f says of the visitors' systems.
fn p0f(file: &Path) -> Option<BTreeMap<String, u64>> {
    let output = Command::new("p0f").arg("-r").arg(file).output().ok()?;
    let mut said = BTreeMap::new();
    let mut is_first = false;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.starts_with(".-[ ") {
            is_first = line.ends_with("(syn) ]-");
        } else if let (true, Some(system)) = (is_first, line.strip_prefix("| os       = ")) {
            *said.entry(system.to_owned()).or_default() += 1;
        }
    }
    Some(said)
}

fn shown(counts: &BTreeMap<String, u64>) -> String {
    let mut ranked: Vec<_> = counts.iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let parts: Vec<String> =
        ranked.iter().take(3).map(|(text, count)| format!("{text} {count}")).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

fn main() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let folder = std::env::args().nth(1).map_or(kept, PathBuf::from);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    println!(
        "{:<12} {:>8} {:>8}  {:<44} {:<34} p0f",
        "capture", "attempts", "as meant", "known as", "link, distance, client"
    );
    let mut missed = 0;
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let Some((_, meant)) = EXPECTED.iter().find(|(known, _)| *known == name) else { continue };
        let (mut marks, mut ways) = (BTreeMap::new(), BTreeMap::new());
        let (mut attempts, mut right) = (0_u64, 0_u64);
        for event in events_of(&file) {
            match &event.detail {
                Detail::Attempt(attempt) if attempt.outcome.is_some() => {
                    attempts += 1;
                    let is_meant = |text: &str| text.starts_with(meant);
                    right += u64::from(attempt.fingerprints.iter().any(|one| is_meant(one.raw())));
                    for mark in
                        attempt.fingerprints.iter().filter(|mark| !mark.raw().starts_with("tcp:"))
                    {
                        *marks.entry(mark.raw().to_owned()).or_default() += 1;
                    }
                    let way = format!(
                        "{} at {}",
                        attempt.link().unwrap_or("?"),
                        attempt.distance.unwrap_or_default()
                    );
                    *ways.entry(way).or_default() += 1;
                }
                Detail::Client { fingerprint: Some(fingerprint), .. } => {
                    *ways.entry(fingerprint.raw().to_owned()).or_default() += 1;
                }
                _ => {}
            }
        }
        let of_p0f = p0f(&file).map_or_else(|| "not there".to_owned(), |said| shown(&said));
        println!(
            "{name:<12} {attempts:>8} {right:>8}  {:<44} {:<34} {of_p0f}",
            shown(&marks),
            shown(&ways)
        );
        if !meant.is_empty() {
            missed += attempts - right;
        }
    }
    println!("{missed} attempts were not known as what sent them");
}
