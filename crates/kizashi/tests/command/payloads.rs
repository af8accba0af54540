//! Captured content leaves by one door: a zip that real tools open with the field's password and with no other.

use std::process::{Command, Output};

use kizashi_event::{
    Detail, Event, EventId, Payload, PayloadHash, PayloadOrigin, Port, Service, Timestamp,
};
use kizashi_store::{Settings, Store};
use sha2::Digest as _;

use crate::support::{Folder, json_lines, sentence, text};

/// Harmless: a text that looks like what droppers begin with, and bytes of every value.
fn look_alike() -> Vec<u8> {
    let every = (0..=255_u8).cycle().take(5_000);
    b"#!/bin/sh\necho a harmless look-alike\n".iter().copied().chain(every).collect()
}

fn keep(folder: &Folder, content: &[u8]) -> String {
    let sha256 = PayloadHash(sha2::Sha256::digest(content).into());
    let payload = Payload {
        sha256,
        size: Some(content.len() as u64),
        content: content.to_vec(),
        origin: PayloadOrigin::Upload,
        name: None,
        url: None,
        left_out: false,
    };
    let event = Event {
        time: Timestamp::parse("2026-03-02T00:00:00Z").unwrap(),
        id: EventId(1),
        sensor: "here".into(),
        session: None,
        source: [198, 18, 0, 1].into(),
        source_port: 4_000,
        destination: None,
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail: Detail::Payload(Box::new(payload)),
    };
    let store = Store::open(&folder.path().join("data"), Settings::default()).unwrap();
    store.write(vec![event]).unwrap();
    store.flush().unwrap();
    sha256.to_string()
}

fn unzip(folder: &Folder, arguments: &[&str]) -> Output {
    Command::new("unzip").current_dir(folder.path()).args(arguments).output().expect("unzip")
}

#[test]
fn an_exported_payload_opens_with_the_fields_password_and_no_other() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let content = look_alike();
    let hash = keep(&folder, &content);
    let told =
        text(&folder, &["payload", "export", &hash, "--output", "out.zip", "--data", "data"]);
    assert!(told.contains("infected"), "{told}");
    let file = folder.path().join("out.zip");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let zip = std::fs::read(&file).unwrap();
    assert!(!zip.windows(9).any(|bytes| bytes == b"#!/bin/sh"));

    let right = unzip(&folder, &["-P", "infected", "-p", "out.zip"]);
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stderr));
    assert_eq!(right.stdout, content);
    let tested = unzip(&folder, &["-P", "infected", "-t", "out.zip"]);
    assert!(tested.status.success() && String::from_utf8_lossy(&tested.stdout).contains(&hash));
    for wrong in ["Infected", "infected ", "virus", "malware"] {
        let refused = unzip(&folder, &["-P", wrong, "-p", "out.zip"]);
        assert!(!refused.status.success() && refused.stdout != content, "{wrong}");
    }

    let before = std::fs::read(&file).unwrap();
    let refused =
        sentence(&folder, &["payload", "export", &hash, "--output", "out.zip", "--data", "data"]);
    assert!(refused.contains("--output"), "{refused}");
    assert_eq!(std::fs::read(&file).unwrap(), before, "nothing is written over");
}

#[test]
fn payloads_are_listed_by_hash_with_no_byte_of_theirs_raw() {
    let folder = Folder::new();
    let hash = keep(&folder, &look_alike());
    let rows = json_lines(&folder, &["payload", "list", "--json", "--data", "data"]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["sha256"], hash.as_str());
    assert_eq!((&rows[0]["content"], &rows[0]["events"]), (&"kept".into(), &1.into()));
    assert!(rows[0]["head_hex"].as_str().unwrap().starts_with("23212f62696e2f7368"));
    let table = text(&folder, &["payload", "list", "--data", "data"]);
    assert!(table.contains("kept") && !table.contains("/bin/sh"), "{table}");
    let unknown = "0".repeat(64);
    for name in ["short", &unknown] {
        let told = sentence(&folder, &["payload", "export", name, "--data", "data"]);
        assert!(told.contains("kizashi payload list"), "{told}");
    }
}
