//! Death at any moment. A child of this test process writes and is killed without warning, again and again, in one folder.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kizashi_event::{Detail, KeyKind, Timestamp};
use kizashi_store::{Reader, Span, Store, StoreError};

use crate::support::{Folder, event, live, midnight};

const FOLDER: &str = "KIZASHI_TEST_WRITER_FOLDER";
const FIRST: &str = "KIZASHI_TEST_WRITER_FIRST";
/// Sources that take turns.
const SOURCES: u64 = 97;

/// Not a test by itself: the process that is killed. It writes events numbered upwards and prints how many it has given.
#[test]
fn writer_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut number: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let store =
        Store::open(std::path::Path::new(&folder), kizashi_store::Settings::default()).unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        let events = (number..number + 100).map(|n| {
            let time = midnight().plus(n as i64 * Timestamp::SECOND / 10);
            event(n, time, (n % SOURCES) as u32, 22, Detail::Connect)
        });
        store.write(events.collect()).unwrap();
        number += 100;
        println!("given {number}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn killed_at_any_moment_it_loses_at_most_a_second_and_needs_no_repair() {
    let folder = Folder::new();
    let (mut stored, mut kills) = (0, 0);
    let (mut judged, mut in_time) = (0, 0);
    for round in 0..20_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "durability::writer_that_is_killed",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(FOLDER, folder.path())
            .env(FIRST, stored.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let life = Duration::from_millis(350 + (round * 137) % 1_400);
        let began = Instant::now();
        let mut given: Vec<(Instant, u64)> = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some((_, number)) = line.split_once("given ") else { continue };
            given.push((Instant::now(), number.parse().unwrap()));
            if began.elapsed() >= life {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        let killed = Instant::now();
        let old_enough =
            |(when, _): &&(Instant, u64)| killed.duration_since(*when) > Duration::from_secs(1);
        let must_be_there = given.iter().rev().find(old_enough).map(|(_, number)| *number);
        let reader = Reader::open(folder.path()).unwrap();
        let overview = reader.overview().unwrap();
        // A second is what the store takes of itself; a machine that is busy with other things may keep its thread waiting now and then.
        if let Some(must_be_there) = must_be_there {
            judged += 1;
            in_time += u64::from(overview.events >= must_be_there);
        }
        assert!(overview.events >= stored, "nothing that was stored is lost");
        stored = overview.events;
        assert_eq!(overview.events_raw, stored, "events and counts agree");
        let ranking = reader.top(KeyKind::Source, Span::default(), 1_000).unwrap();
        assert_eq!(ranking.iter().map(|row| row.events).sum::<u64>(), stored, "rollups agree");
        assert_eq!(ranking.len() as u64, SOURCES.min(stored));
    }
    assert_eq!(kills, 20);
    assert!(judged > 0, "no writer lived for over a second");
    assert!(
        in_time * 2 > judged,
        "of {judged} killings only {in_time} took nothing that was older than a second"
    );
    assert!(stored > 1_000, "only {stored} events were stored in all rounds");
}

#[test]
fn a_second_writer_is_refused_while_the_first_is_open() {
    let folder = Folder::new();
    let first = live(&folder, midnight());
    let second = Store::open(folder.path(), kizashi_store::Settings::default());
    assert!(matches!(second.err(), Some(StoreError::InUse(_))));
    drop(first);
    assert!(Store::open(folder.path(), kizashi_store::Settings::default()).is_ok());
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_what_to_do() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = Store::open(&file.join("data"), kizashi_store::Settings::default()).err().unwrap();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("--data"));
    let error = Reader::open(folder.path()).err().unwrap();
    assert!(matches!(error, StoreError::Missing(_)));
}
