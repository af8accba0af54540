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
        ("kizashi-fleet", &["kizashi-event"]),
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
