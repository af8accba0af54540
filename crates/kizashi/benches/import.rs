//! Cowrie JSON from a file into the store, with counts, rollups and indexes, beside what a short Python script of the standard
//! library (`json`, `sqlite3`) takes to put four fields of the same lines into one table without any.
//!
//! `cargo bench --bench import [-- SESSIONS]`; 200,000 sessions are a million lines. Asserts nothing.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use kizashi_event::{Event, Timestamp};
use kizashi_intake::{Options, find_inputs};
use kizashi_store::{Mode, Settings, Store};

const PYTHON: &str = r#"
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[2])
db.execute("create table events (time text, source text, port integer, kind text)")
def rows():
    for line in open(sys.argv[1]):
        event = json.loads(line)
        yield event["timestamp"], event["src_ip"], event.get("dst_port"), event["eventid"]
db.executemany("insert into events values (?, ?, ?, ?)", rows())
db.commit()
"#;

fn main() {
    let wanted = std::env::args().filter_map(|word| word.parse::<u32>().ok()).next();
    let sessions = wanted.unwrap_or(200_000);
    let folder = std::env::temp_dir().join(format!("kizashi-bench-import-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let log = folder.join("cowrie.json");
    let text = cowrie_log(sessions);
    std::fs::write(&log, &text).unwrap();
    let lines = text.lines().count();
    println!("{lines} lines, {:.0} bytes a line", text.len() as f64 / lines as f64);
    drop(text);
    let rates: Vec<f64> =
        (0..3).map(|run| import(&log, &folder.join(format!("data{run}")))).collect();
    let median = {
        let mut rates = rates.clone();
        rates.sort_by(f64::total_cmp);
        rates[1]
    };
    println!("kizashi: {rates:.0?} events a second, median {median:.0}");
    match python(&log, &folder.join("python.db"), lines) {
        Some(rate) => println!(
            "python3 json + sqlite3, four fields, no counts: {rate:.0} lines a second; kizashi is {:.1} times as fast",
            median / rate
        ),
        None => println!("python3 is not there: nothing to compare with"),
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn import(log: &Path, data: &Path) -> f64 {
    let began = Instant::now();
    let settings = Settings { mode: Mode::Historic, ..Settings::default() };
    let store = Store::open(data, settings).unwrap();
    let inputs = find_inputs(&[log]).unwrap();
    let mut batch: Vec<Event> = Vec::with_capacity(4_096);
    let report = kizashi_intake::import(&inputs, &Options::default(), &mut |_| {}, &mut |event| {
        batch.push(event);
        if batch.len() == 4_096 {
            store.write(std::mem::take(&mut batch)).unwrap();
        }
        ControlFlow::Continue(())
    });
    store.write(batch).unwrap();
    store.flush().unwrap();
    report.total.events as f64 / began.elapsed().as_secs_f64()
}

fn python(log: &Path, database: &Path, lines: usize) -> Option<f64> {
    let began = Instant::now();
    let status =
        Command::new("python3").args(["-c", PYTHON]).arg(log).arg(database).status().ok()?;
    status.success().then(|| lines as f64 / began.elapsed().as_secs_f64())
}

/// Sessions as a brute-forcing botnet makes them: connect, version, key exchange, login, close.
fn cowrie_log(sessions: u32) -> String {
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    let mut log = String::new();
    for n in 0..sessions {
        let time = start.plus(i64::from(n) * 13 * Timestamp::SECOND);
        let source = format!("198.18.{}.{}", n * 7919 / 256 % 64, n * 7919 % 256);
        let common = format!(
            "\"session\":\"{n:012x}\",\"protocol\":\"ssh\",\"src_ip\":\"{source}\",\"src_port\":{},\"dst_ip\":\"192.0.2.1\",\"dst_port\":2222,\"sensor\":\"bench\",\"uuid\":\"26943c4a-e838-11f1-ae3b-02fc00000001\"",
            1024 + n % 60_000
        );
        let mut line = |at: i64, event: &str, fields: &str| {
            let time = time.plus(at * 1_000).rfc3339();
            writeln!(log, "{{{common},{fields}\"eventid\":\"cowrie.{event}\",\"timestamp\":\"{time}\",\"message\":\"{event} of {source} [session: {n:012x}]\"}}").unwrap();
        };
        line(0, "session.connect", "");
        line(40, "client.version", "\"version\":\"SSH-2.0-libssh_0.11.1\",");
        line(
            80,
            "client.kex",
            "\"hassh\":\"03a80b21afa810682a776a7d42e5e6fb\",\"hasshAlgorithms\":\"curve25519-sha256,ecdh-sha2-nistp256;aes256-ctr;hmac-sha2-256;none\",\"kexAlgs\":[\"curve25519-sha256\",\"ecdh-sha2-nistp256\"],\"keyAlgs\":[\"ssh-ed25519\"],\"encCS\":[\"aes256-ctr\"],\"macCS\":[\"hmac-sha2-256\"],\"compCS\":[\"none\"],\"langCS\":[\"\"],",
        );
        line(
            900,
            "login.failed",
            &format!(
                "\"username\":\"{}\",\"password\":\"{}{}\",",
                ["root", "admin", "user", "pi", "oracle"][n as usize % 5],
                ["123456", "password", "qwerty", "raspberry"][n as usize % 4],
                n % 500
            ),
        );
        line(1_000, "session.closed", "\"duration_ms\":1000,");
    }
    log
}
