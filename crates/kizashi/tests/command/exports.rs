//! `kizashi export --format pcap`: tshark opens it, its streams hold the bytes, and reading it again adds nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Folder, json_lines, kizashi, run, sentence, text};

fn capture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kizashi-wire/tests/captures").join(name)
}

/// A store that holds what a capture tells.
fn store_of(name: &str) -> Folder {
    let folder = Folder::new();
    let file = capture(name);
    text(
        &folder,
        &["import", "--local", "198.18.0.1", "--local", "2001:db8::1", file.to_str().unwrap()],
    );
    folder
}

fn tshark(file: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("tshark").arg("-n").arg("-r").arg(file).args(arguments).output();
    let Ok(output) = output else {
        println!("skipped: tshark is not there");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// What a store counts, in an order of its own.
fn counted(folder: &Folder) -> Vec<Value> {
    let mut rows: Vec<Value> = ["ports", "sources", "services", "payloads", "fingerprints"]
        .into_iter()
        .flat_map(|kind| json_lines(folder, &["top", kind, "--json", "--limit", "500"]))
        .collect();
    // Of equals the one that was told first stands first.
    rows.sort_by_key(ToString::to_string);
    rows
}

#[test]
fn conversations_are_written_with_their_bytes_and_read_again_as_the_same_events() {
    let folder = store_of("curl.pcap");
    let said = text(&folder, &["export", "--format", "pcap", "--output", "out.pcapng"]);
    assert!(said.contains("made anew of what is kept"), "{said}");
    let file = folder.path().join("out.pcapng");
    let bytes = std::fs::read(&file).unwrap();
    let comment = b"No packet here was seen on a wire";
    assert!(bytes.windows(comment.len()).any(|part| part == comment));
    if let Some(followed) = tshark(&file, &["-q", "-z", "follow,tcp,ascii,0"]) {
        assert!(
            followed.contains("GET / HTTP/1.1") && followed.contains("User-Agent: curl/"),
            "{followed}"
        );
    }
    if let Some(wrong) = tshark(
        &file,
        &[
            "-o",
            "tcp.check_checksum:TRUE",
            "-o",
            "ip.check_checksum:TRUE",
            "-Y",
            "tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.flags || _ws.malformed",
        ],
    ) {
        assert_eq!(wrong, "", "no wrong sum, no gap, nothing sent twice");
    }
    let again = text(&folder, &["import", "out.pcapng"]);
    assert!(again.contains(" 0 of them new"), "{again}");
    let other = Folder::new();
    std::fs::copy(&file, other.path().join("in.pcapng")).unwrap();
    text(&other, &["import", "in.pcapng"]);
    assert_eq!(counted(&other), counted(&folder));
}

#[test]
fn attempts_keep_outcome_system_and_scanner_on_the_way_out_and_in() {
    for name in ["nmap-ss.pcap", "masscan.pcap", "mirai.pcap", "nmap-su.pcap", "hping.pcap"] {
        let folder = store_of(name);
        text(&folder, &["export", "--format", "pcap", "--output", "out.pcapng"]);
        let again = text(&folder, &["import", "--local", "198.18.0.1", "out.pcapng"]);
        assert!(again.contains(" 0 of them new"), "{name}: {again}");
        let other = Folder::new();
        std::fs::copy(folder.path().join("out.pcapng"), other.path().join("in.pcapng")).unwrap();
        text(&other, &["import", "--local", "198.18.0.1", "in.pcapng"]);
        let (was, is) = (counted(&folder), counted(&other));
        assert_eq!(is, was, "{name}");
    }
}

#[test]
fn a_session_of_a_trap_is_a_connection_whose_comments_say_what_was_done() {
    let folder = Folder::new();
    let line = |event: &str, more: &str, second: u32| {
        format!(
            r#"{{"eventid":"cowrie.{event}","session":"5eed5eed5eed","src_ip":"198.18.0.3","src_port":4000,"dst_ip":"192.0.2.1","dst_port":2222,"protocol":"ssh","sensor":"s","timestamp":"2026-03-01T00:00:{second:02}.000000Z"{more}}}"#
        )
    };
    let log = [
        line("session.connect", "", 0),
        line("login.success", r#","username":"root","password":"xc3511""#, 1),
        line("command.input", r#","input":"uname -a \u001b[2J""#, 2),
        line("session.closed", r#","duration":"3.0""#, 3),
    ];
    folder.write("cowrie.json", log.join("\n").as_bytes());
    text(&folder, &["import", "cowrie.json"]);
    let session = json_lines(&folder, &["sessions", "--json"]);
    let id = session[0]["session"].as_str().unwrap();
    text(&folder, &["export", "--format", "pcap", "--session", id, "--output", "one.pcapng"]);
    let file = folder.path().join("one.pcapng");
    if let Some(comments) = tshark(&file, &["-T", "fields", "-e", "frame.comment"]) {
        assert!(comments.contains("login root / xc3511"), "{comments}");
        assert!(comments.contains(r"command uname -a \x1b[2J"), "{comments:?}");
    }
    if let Some(flags) =
        tshark(&file, &["-T", "fields", "-e", "tcp.flags.str", "-e", "frame.time_epoch"])
    {
        assert_eq!(flags.lines().count(), 3 + 2 + 3, "{flags}");
    }
    let again = text(&folder, &["import", "one.pcapng"]);
    assert!(again.contains(" 0 of them new"), "{again}");
    let refusal =
        sentence(&folder, &["export", "--format", "pcap", "--session", "0000000000000001"]);
    assert!(refusal.contains("no event is kept"), "{refusal}");
    let refusal = sentence(&folder, &["export", "--format", "pcap", "--session", "x"]);
    assert!(refusal.contains("16 hexadecimal digits"), "{refusal}");
    let refusal = sentence(&folder, &["export", "--format", "pcap", "--output", "one.pcapng"]);
    assert!(refusal.contains("it is there already"), "{refusal}");
}

#[test]
fn an_export_goes_through_a_pipe() {
    let folder = store_of("zmap.pcap");
    let output = kizashi(&folder)
        .args(["export", "--format", "pcap"])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(output.stdout.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
    let wrong = run(&folder, &["export", "--format", "pcap", "--session", "1", "--since", "1d"]);
    assert_eq!(wrong.status.code(), Some(2));
}
