//! Listings: their JSON, their words, and that nothing an attacker sent acts on the terminal.

use crate::support::{Folder, json_lines, run, sentence, text};

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}gpj.exe<script>alert(1)</script>";

fn hostile_log() -> String {
    let escaped = serde_json::to_string(HOSTILE).unwrap();
    let line = |event: &str, fields: &str| {
        format!(
            "{{\"eventid\":\"cowrie.{event}\",\"session\":\"0123456789ab\",\"src_ip\":\"198.18.0.1\",\"src_port\":4000,\"dst_ip\":\"192.0.2.1\",\"dst_port\":22,\"protocol\":\"ssh\",\"sensor\":\"s\",\"timestamp\":\"2026-03-01T00:00:00.000000Z\"{fields}}}\n"
        )
    };
    [
        line("session.connect", ""),
        line("client.version", &format!(",\"version\":{escaped}")),
        line("login.success", &format!(",\"username\":{escaped},\"password\":{escaped}")),
        line("command.input", &format!(",\"input\":{escaped}")),
    ]
    .concat()
}

#[test]
fn nothing_an_attacker_sent_acts_on_the_terminal() {
    let folder = Folder::new();
    folder.write("cowrie.json", hostile_log().as_bytes());
    text(&folder, &["import", "cowrie.json"]);
    let hostile_key = format!("user:{HOSTILE}");
    for arguments in [
        vec!["top", "users"],
        vec!["top", "passwords"],
        vec!["top", "commands"],
        vec!["top", "clients"],
        vec!["series", &hostile_key, "--bin", "1h"],
        vec!["sign", HOSTILE],
        vec!["import", HOSTILE],
        vec!["import", "--format", HOSTILE, "cowrie.json"],
    ] {
        let output = run(&folder, &arguments);
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(!shown.is_empty());
        for character in ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}'] {
            assert!(!shown.contains(character), "{arguments:?}: {shown:?}");
        }
    }
    let users = text(&folder, &["top", "users"]);
    assert!(users.contains("\\x1b[2J") && users.contains("\\u{202e}"), "{users}");
    assert_eq!(
        json_lines(&folder, &["top", "users", "--json"])[0]["key"],
        HOSTILE,
        "machines get it raw"
    );
}

#[test]
fn listings_have_the_fields_of_the_contract() {
    let folder = Folder::new();
    folder.write("cowrie.json", hostile_log().as_bytes());
    text(&folder, &["import", "cowrie.json"]);
    let fields = |arguments: &[&str]| -> Vec<String> {
        let row = json_lines(&folder, arguments).remove(0);
        row.as_object().unwrap().keys().cloned().collect()
    };
    let mut top = fields(&["top", "ports", "--json"]);
    top.sort();
    assert_eq!(top, ["events", "first", "key", "kind", "label", "last", "sessions", "sources"]);
    let mut series = fields(&["series", "tcp/22", "--bin", "12h", "--json"]);
    series.sort();
    assert_eq!(series, ["changefinder", "days", "events", "outlier", "rank", "sources", "start"]);
    let csv = text(&folder, &["series", "tcp/22", "--csv"]);
    assert!(
        csv.starts_with("start,events,sources,outlier,changefinder,rank,days\n2026-03-01T00:00:00"),
        "{csv}"
    );
    let none = text(&folder, &["signs"]);
    assert!(none.contains("no signs"), "{none}");
}

#[test]
fn wrong_use_is_exit_code_2_and_a_missing_store_is_1() {
    let folder = Folder::new();
    for arguments in [
        &["top", "nonsense"][..],
        &["series", "tcp/99999"],
        &["series", "total", "--bin", "7m"],
        &["signs", "--since", "yesterday"],
        &["nonsense"],
    ] {
        assert_eq!(run(&folder, arguments).status.code(), Some(2), "{arguments:?}");
    }
    let missing = sentence(&folder, &["signs"]);
    assert!(missing.contains("kizashi-data"), "{missing}");
}
