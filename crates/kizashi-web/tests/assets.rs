//! The page's files: that nothing vendored was changed by hand, that all of them are served, that none can make markup or
//! code of text, and that the page escapes text exactly as the rest of Kizashi does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test, a broken assumption shall stop it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use kizashi_event::escape_for_people;
use sha2::{Digest, Sha256};

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

/// Every file below the assets, by its path from there.
fn files(below: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let name = path.strip_prefix(assets()).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn all_files() -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(&assets(), &mut found);
    found
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The rows of the table in VENDORED.md: file and hash.
fn vendored() -> BTreeMap<String, String> {
    let table = fs::read_to_string(assets().join("vendor/VENDORED.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        match cells.as_slice() {
            ["", file, _, hash, ""] if hash.len() == 64 => {
                Some(((*file).to_owned(), (*hash).to_owned()))
            }
            _ => None,
        }
    };
    table.lines().filter_map(row).collect()
}

#[test]
fn every_vendored_file_is_the_one_that_its_licence_page_names() {
    let named = vendored();
    assert!(named.len() >= 7, "the table in VENDORED.md is not read");
    let present: BTreeMap<String, String> = all_files()
        .iter()
        .filter_map(|(path, content)| {
            let file = path.strip_prefix("vendor/")?;
            let is_ours = file.ends_with(".d.ts") || file == "VENDORED.md";
            (!is_ours).then(|| (file.to_owned(), sha256(content)))
        })
        .collect();
    assert_eq!(present, named, "run `npm ci && npm run vendor` in browser-tests");
}

#[test]
fn every_file_of_the_page_is_embedded() {
    let list =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/assets.rs")).unwrap();
    let served: BTreeSet<String> = all_files()
        .into_keys()
        .filter(|path| {
            !path.ends_with(".d.ts") && !path.ends_with(".md") && !path.ends_with(".html")
        })
        .collect();
    for path in served {
        assert!(
            list.contains(&format!("\"/{path}\"")),
            "{path} is in assets/ but not in src/assets.rs"
        );
    }
}

#[test]
fn no_file_of_ours_can_make_markup_or_code_of_text() {
    const FORBIDDEN: [&str; 10] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "srcdoc",
        "javascript:",
        "http://",
        "https://",
    ];
    let mut read = 0;
    for (path, content) in all_files() {
        let is_page = [".js", ".html", ".css"].iter().any(|ending| path.ends_with(ending));
        if path.starts_with("vendor/") || !is_page {
            continue;
        }
        read += 1;
        let text = String::from_utf8(content).unwrap();
        for word in FORBIDDEN {
            assert!(!text.contains(word), "{path} contains {word}");
        }
        if path.ends_with(".html") {
            assert!(
                !text.contains("<style") && !text.contains(" style=") && !text.contains(" on"),
                "{path}"
            );
            assert_eq!(
                text.matches("<script").count(),
                text.matches("<script type=\"module\" src=").count()
            );
        }
    }
    assert!(read > 15, "the page's files are not read");
}

#[test]
fn the_page_escapes_exactly_what_the_rest_of_kizashi_escapes() {
    let script = fs::read_to_string(assets().join("escape.js")).unwrap();
    let table = script.split("const ACTING = [").nth(1).unwrap().split("];").next().unwrap();
    let numbers: Vec<u32> = table
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter_map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok())
        .collect();
    assert_eq!(numbers.len() % 2, 0);
    let runs: Vec<(u32, u32)> = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    assert!(runs.len() > 20, "the table in escape.js is not read");
    for character in '\0'..=char::MAX {
        let code = u32::from(character);
        let acts = runs.iter().any(|&(first, last)| (first..=last).contains(&code));
        let page = acts || character.is_control() || character == '\\';
        let rest = escape_for_people(&character.to_string()) != character.to_string();
        assert_eq!(page, rest, "U+{code:04X}");
    }
}
