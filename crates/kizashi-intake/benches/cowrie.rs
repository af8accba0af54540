//! How many lines of Cowrie's JSON log are read a second on one core: made-up lines, from memory, to a sink that drops events.
#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use kizashi_intake::{Options, import_reader};

const SESSIONS: u32 = 100_000;

fn main() {
    for (name, with_kex) in
        [("attempts without key exchange", false), ("attempts with key exchange", true)]
    {
        let log = log(with_kex);
        let mut best = f64::MAX;
        let mut lines = 0;
        for _ in 0..3 {
            let begin = Instant::now();
            let report =
                import_reader("bench", log.as_bytes(), &Options::default(), &mut |event| {
                    black_box(&event);
                    ControlFlow::Continue(())
                });
            best = best.min(begin.elapsed().as_secs_f64());
            lines = report.counts.lines;
            assert_eq!(report.counts.broken, 0);
            assert_eq!(report.counts.events, lines);
        }
        let (count, bytes) = (f64::from(u32::try_from(lines).unwrap_or(u32::MAX)), log.len());
        println!(
            "{name}: {:.0} lines/s, {:.0} MB/s, {} bytes a line",
            count / best,
            f64::from(u32::try_from(bytes / 1_000).unwrap_or(u32::MAX)) / 1_000.0 / best,
            u64::try_from(bytes).unwrap_or(u64::MAX) / lines,
        );
    }
}

/// A log of login tries, five lines each with the key exchange and four without.
fn log(with_kex: bool) -> String {
    let mut log = String::new();
    let lists = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,".repeat(20);
    for number in 0..SESSIONS / if with_kex { 5 } else { 1 } {
        let (second, port) = (number / 100, 1_024 + number % 60_000);
        let common = format!(
            "\"session\":\"{number:012x}\",\"protocol\":\"ssh\",\"src_ip\":\"198.51.{}.{}\",\"src_port\":{port},\"dst_ip\":\"192.0.2.1\",\"dst_port\":22",
            number % 200,
            number % 250,
        );
        let mut line = |name: &str, own: &str, message: &str| {
            log.push_str(&format!(
                "{{{common},{own}\"eventid\":\"cowrie.{name}\",\"sensor\":\"sensor-one\",\"uuid\":\"26943c4a-e838-11f1-ae3b-02fc00000001\",\"timestamp\":\"2026-11-24T{:02}:{:02}:{:02}.{:06}Z\",\"message\":\"{message}\"}}\n",
                second / 3_600 % 24, second / 60 % 60, second % 60, number % 100 * 10_000,
            ));
        };
        line(
            "session.connect",
            "",
            &format!("New connection: 198.51.100.1:{port} (192.0.2.1:22) [session: {number:012x}]"),
        );
        line("client.version", "\"version\":\"SSH-2.0-Go\",", "Remote SSH version: SSH-2.0-Go");
        if with_kex {
            let own = format!(
                "\"hassh\":\"c70169683f416ecb6afc5aed972ec23c\",\"hasshAlgorithms\":\"{lists}\",\"kexAlgs\":[\"a\",\"b\"],\"keyAlgs\":[\"{lists}\"],"
            );
            line(
                "client.kex",
                &own,
                "SSH client hassh fingerprint: c70169683f416ecb6afc5aed972ec23c",
            );
        }
        let own = format!("\"username\":\"root\",\"password\":\"p{}\",", number % 5_000);
        line("login.failed", &own, "login attempt [root/p] failed");
        line("session.closed", "\"duration_ms\":1019,", "Connection lost after 1019 milliseconds");
    }
    log
}
