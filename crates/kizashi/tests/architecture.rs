//! The invariants of ARCHITECTURE.md that a machine can check: which room knows which, what is absent, and how long things get.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Lines of a file at most; data tables and tests included.
const LONGEST_FILE: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn dependencies(name: &str) -> BTreeSet<String> {
    let text =
        std::fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

fn ours(name: &str) -> BTreeSet<String> {
    dependencies(name).into_iter().filter(|name| name.starts_with("kizashi-")).collect()
}

#[test]
fn data_flows_one_way_between_the_rooms() {
    let allowed: [(&str, &[&str]); 11] = [
        ("kizashi-event", &[]),
        ("kizashi-detect", &[]),
        ("kizashi-bench", &["kizashi-detect", "kizashi-traps"]),
        ("kizashi-traps", &["kizashi-event"]),
        ("kizashi-fleet", &["kizashi-event", "kizashi-signs"]),
        ("kizashi-intake", &["kizashi-event"]),
        ("kizashi-wire", &["kizashi-event"]),
        ("kizashi-store", &["kizashi-event"]),
        ("kizashi-signs", &["kizashi-event", "kizashi-store", "kizashi-detect"]),
        ("kizashi-notify", &["kizashi-event", "kizashi-store", "kizashi-signs"]),
        ("kizashi-web", &["kizashi-event", "kizashi-store", "kizashi-signs"]),
    ];
    for (name, allowed) in allowed {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let found = ours(name);
        assert!(found.is_subset(&allowed), "{name} may know {allowed:?} and knows {found:?}");
    }
}

#[test]
fn detection_is_mathematics_alone() {
    let allowed: BTreeSet<String> = ["serde", "thiserror"].map(str::to_owned).into();
    assert!(dependencies("kizashi-detect").is_subset(&allowed));
}

#[test]
fn traps_and_detection_never_name_a_file_a_process_or_a_connection_out() {
    let absent = [
        "std::fs",
        "std::process",
        "TcpStream::connect",
        "UdpSocket::bind",
        "File::open",
        "SystemTime::now",
    ];
    let mut read = 0;
    for room in ["kizashi-traps", "kizashi-detect", "kizashi-signs", "kizashi-event"] {
        for file in rust_files(&root().join("crates").join(room).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let code = code.join("\n");
            read += 1;
            let is_of_tests = file.file_name().is_some_and(|name| name == "tests.rs");
            if is_of_tests || file.components().any(|part| part.as_os_str() == "contract") {
                continue;
            }
            for word in absent {
                let in_tests = code
                    .find("#[cfg(test)]")
                    .is_some_and(|tests| code.find(word).is_some_and(|at| at > tests));
                assert!(!code.contains(word) || in_tests, "{} names {word}", file.display());
            }
        }
    }
    assert!(read > 30, "only {read} files were read");
}

/// The one module that shares memory with the kernel.
const UNSAFE: &str = "crates/kizashi-wire/src/live/system.rs";

#[test]
fn unsafe_code_is_in_one_module_and_small_there() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"deny\""), "whoever needs it must say so");
    let word = |line: &str| {
        line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
    };
    let mut read = 0;
    for file in rust_files(&root().join("crates")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        read += 1;
        // This file names what it looks for.
        if file.ends_with("tests/architecture.rs") {
            continue;
        }
        if file.ends_with(Path::new(UNSAFE)) {
            assert!(code.iter().filter(|line| word(line)).count() <= 8, "{UNSAFE} grows");
            continue;
        }
        let is_allowed = code.iter().any(|line| line.contains("allow(unsafe_code"));
        assert!(!is_allowed, "{} allows unsafe code", file.display());
        // Templates of other languages may have the word; Rust's own stands before these.
        let begins = |line: &&&str| {
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                .iter()
                .any(|it| line.contains(it))
        };
        let found = code.iter().find(begins);
        assert_eq!(found, None, "{} has unsafe code", file.display());
    }
    assert!(read > 300, "only {read} files were read");
    for crate_of_ours in std::fs::read_dir(root().join("crates")).unwrap().map(Result::unwrap) {
        let manifest = std::fs::read_to_string(crate_of_ours.path().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{:?}", crate_of_ours.path());
    }
}

#[test]
fn no_file_is_longer_than_anyone_reads() {
    let mut lengths: Vec<usize> = Vec::new();
    for file in rust_files(&root().join("crates")) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", file.display());
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let at = |share: usize| lengths[lengths.len() * share / 100];
    assert!(at(50) <= 200 && at(90) <= 450, "median {}, 90th percentile {}", at(50), at(90));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir()
            && path.file_name().is_none_or(|name| name != "node_modules" && name != "target")
        {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_rule_by_which_a_campaign_is_known_is_one_that_the_web_trap_has() {
    let texts = |folder: &str| -> Vec<toml::Table> {
        let files = std::fs::read_dir(root().join("crates").join(folder)).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.map(|text| toml::from_str(&text).unwrap()).collect()
    };
    let tables = |all: &[toml::Table], name: &str| -> Vec<toml::Value> {
        all.iter().filter_map(|table| table.get(name)?.as_array().cloned()).flatten().collect()
    };
    let rules = texts("kizashi-traps/data/web-rules");
    let named: BTreeSet<String> = tables(&rules, "rule")
        .iter()
        .filter_map(|rule| Some(rule.get("name")?.as_str()?.to_owned()))
        .collect();
    assert!(named.len() > 100, "{named:?}");
    let sites: String = ["web-rules", "sites"]
        .iter()
        .flat_map(|folder| files_under(&root().join("crates/kizashi-traps/data").join(folder)))
        .map(|path| std::fs::read_to_string(path).unwrap_or_default())
        .collect();
    let campaigns = texts("kizashi-signs/data/campaigns");
    let mut unknown = Vec::new();
    for campaign in tables(&campaigns, "campaign") {
        for mark in campaign["marks"].as_array().unwrap() {
            let texts: Vec<&str> = match mark.get("signature") {
                Some(toml::Value::String(text)) => vec![text],
                Some(toml::Value::Array(all)) => {
                    all.iter().filter_map(|text| text.as_str()).collect()
                }
                _ => continue,
            };
            // What traps of other protocols tell has its kind before it: `redis class: cron drop`.
            unknown.extend(
                texts
                    .into_iter()
                    .filter(|text| !text.contains(": ") && !named.contains(*text))
                    .filter(|text| !sites.contains(&format!("\"{text}\"")))
                    .map(|text| format!("{}: {text}", campaign["id"].as_str().unwrap())),
            );
        }
    }
    assert_eq!(unknown, Vec::<String>::new(), "no trap ever tells these");
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}
