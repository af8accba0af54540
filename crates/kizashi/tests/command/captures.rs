//! `kizashi import` of captures.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, eventually, json_lines, kizashi, run, sentence, text};

/// A capture that a real tool made.
fn capture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kizashi-wire/tests/captures").join(name)
}

fn events(folder: &Folder) -> Option<u64> {
    let status: Value = serde_json::from_slice(&run(folder, &["status", "--json"]).stdout).ok()?;
    status["events"].as_u64()
}

fn count(rows: &[Value], key: &str, what: &str) -> Option<u64> {
    rows.iter().find(|row| row["key"] == key).and_then(|row| row[what].as_u64())
}

#[test]
fn a_scan_becomes_attempts_per_port_and_a_second_time_adds_nothing() {
    let folder = Folder::new();
    let file = capture("nmap-ss.pcap");
    let file = file.to_str().unwrap();
    let told = text(&folder, &["import", "--local", "198.18.0.1", file]);
    assert!(told.contains("0 unanswered, 199 refused, 1 half-open, 0 completed"), "{told}");
    assert!(told.contains("201 events, 201 of them new"), "{told}");
    assert!(told.contains("our side: 198.18.0.1"), "{told}");
    assert_eq!(events(&folder), Some(200), "the summary of the scan counts nothing");
    let ports = json_lines(&folder, &["top", "ports", "--json", "--limit", "500"]);
    assert_eq!(ports.len(), 200);
    assert!(ports.iter().all(|port| port["events"] == 1 && port["sources"] == 1), "{ports:?}");
    let marks = json_lines(&folder, &["top", "fingerprints", "--json"]);
    assert_eq!(count(&marks, "scanner:nmap", "events"), Some(200));
    assert_eq!(count(&marks, "ja4t:1024_2_1460_00", "events"), Some(200));
    let again = text(&folder, &["import", "--local", "198.18.0.1", file]);
    assert!(again.contains(" 0 of them new"), "{again}");
    assert_eq!(events(&folder), Some(200));
}

#[test]
fn our_side_is_found_and_what_visitors_said_is_kept_by_its_protocol() {
    let folder = Folder::new();
    let told = text(&folder, &["import", capture("curl.pcap").to_str().unwrap()]);
    assert!(told.contains("198.18.0.1, 2001:db8::1 (found; --local tells it)"), "{told}");
    let services = json_lines(&folder, &["top", "services", "--json"]);
    assert_eq!(count(&services, "http", "events"), Some(2));
    let marks = json_lines(&folder, &["top", "fingerprints", "--json"]);
    assert_eq!(count(&marks, "os:linux-5", "sessions"), Some(2));
    assert_eq!(json_lines(&folder, &["payload", "list", "--json"]).len(), 2);
}

#[test]
fn captures_and_logs_are_told_apart_in_a_folder_and_on_standard_input() {
    let folder = Folder::new();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::copy(capture("masscan.pcap"), logs.join("a.pcap")).unwrap();
    let cowrie = r#"{"eventid":"cowrie.session.connect","session":"a","src_ip":"198.18.0.3","src_port":4000,"dst_ip":"192.0.2.1","dst_port":2222,"protocol":"ssh","sensor":"s","timestamp":"2026-03-01T00:00:00.000000Z"}"#;
    std::fs::write(logs.join("b.json"), cowrie).unwrap();
    let told = text(&folder, &["import", "logs"]);
    assert!(told.contains("a.pcap  pcap  ") && told.contains("b.json  cowrie  1 events"), "{told}");
    let marks = json_lines(&folder, &["top", "fingerprints", "--json"]);
    assert_eq!(count(&marks, "scanner:masscan", "events"), Some(100));
    let other = Folder::new();
    let mut child = kizashi(&other)
        .args(["import", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(capture("zmap.pcap")).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["file"], "-");
    assert_eq!(lines[0]["frames"], lines[1]["captures"]["frames"]);
    assert!(lines[1]["captures"]["tcp"]["syn_segments"].as_u64() >= Some(1), "{lines:?}");
}

#[test]
fn a_capture_that_was_cut_or_lies_goes_in_as_far_as_it_is_whole() {
    let folder = Folder::new();
    let whole = std::fs::read(capture("hping.pcap")).unwrap();
    folder.write("cut.pcap", &whole[..whole.len() - 7]);
    let told = text(&folder, &["import", "cut.pcap"]);
    assert!(told.contains("it was cut: the last"), "{told}");
    folder.write("lying.pcap", &[&whole[..], &[0xff; 64]].concat());
    let refusal = sentence(&folder, &["import", "lying.pcap"]);
    assert!(
        refusal.contains("broken after packet") && refusal.contains("what came before is in"),
        "{refusal}"
    );
    let refusal = sentence(&folder, &["import", "--format", "pcap", "nothing.pcap"]);
    assert!(refusal.contains("nothing.pcap"), "{refusal}");
    folder.write("letter.pcap", b"Dear Sir, no capture at all");
    let refusal = sentence(&folder, &["import", "--format", "pcap", "letter.pcap"]);
    assert!(refusal.contains("it is no capture"), "{refusal}");
    let wrong = run(&folder, &["import", "--local", "nowhere", "cut.pcap"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_growing_and_rotated_capture_is_followed() {
    let folder = Folder::new();
    let bytes = std::fs::read(capture("masscan.pcap")).unwrap();
    let half = bytes.len() / 2;
    let path = folder.write("live.pcap", &bytes[..half]);
    let mut child = kizashi(&folder)
        .args(["import", "--follow", "--local", "198.18.0.1", "live.pcap"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait = Duration::from_secs(30);
    eventually("the first half", wait, || events(&folder).filter(|events| *events >= 20));
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&bytes[half..]).unwrap();
    drop(file);
    eventually("the second half", wait, || events(&folder).filter(|events| *events >= 100));
    std::fs::rename(&path, folder.path().join("live.pcap.1")).unwrap();
    std::fs::write(&path, std::fs::read(capture("hping.pcap")).unwrap()).unwrap();
    eventually("the next file", wait, || events(&folder).filter(|events| *events >= 110));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}
