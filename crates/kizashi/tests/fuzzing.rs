//! The fuzzer's entries on stable: every seed is replayed, then changes of seeds are tried for a set time. With `KIZASHI_CORPUS` in
//! the environment the seeds are written to `fuzz/corpus` too, for cargo-fuzz; with `KIZASHI_FUZZ_SECONDS` changes are tried for so long.

#![cfg(test)]

#[path = "../../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a library for cargo-fuzz, a module here")]
mod entries;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entries::{ENTRIES, Entry};
use kizashi_event::stream::{event_payload, put_event};
use kizashi_event::{Detail, Event, EventId, FrameKind, Port, RecordingPart, Service, Timestamp};
use kizashi_fleet::record::{Place, Status, content_record, heartbeat_record};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// How long changes of one entry's seeds are tried: two seconds, where nothing else is asked for.
fn time() -> Duration {
    let asked = std::env::var("KIZASHI_FUZZ_SECONDS").ok();
    Duration::from_secs(asked.and_then(|seconds| seconds.parse().ok()).unwrap_or(2))
}

/// Bytes of an input at most: parsers' own bounds have their own tests.
const LONGEST: usize = 16 << 10;
/// The time of made-up events.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The trap's name and the visitor's bytes of every golden transcript.
fn dialogues() -> Vec<(&'static str, Vec<u8>)> {
    let mut dialogues = Vec::new();
    for trap in kizashi_traps::registry() {
        let folder = root().join("crates/kizashi-traps/src").join(trap.name).join("transcripts");
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let bytes = text.lines().filter_map(|line| line.strip_prefix("C> ")).flat_map(unescape);
            dialogues.push((trap.name, bytes.collect()));
        }
    }
    assert!(dialogues.len() > 20, "{}", dialogues.len());
    dialogues
}

/// The escapes of the transcripts that change bytes; a repetition stays as it is written, for a seed need not be long.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match (byte, if byte == b'\\' { rest.next() } else { None }) {
            (_, Some(b'r')) => b'\r',
            (_, Some(b'n')) => b'\n',
            (_, Some(b't')) => b'\t',
            (_, Some(b'0')) => 0,
            (_, Some(b'x')) => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            (_, Some(other)) => other,
            (plain, None) => plain,
        });
    }
    bytes
}

fn frame_payloads() -> Vec<Vec<u8>> {
    let text =
        r#"{"login":{"username":"root","password":"xc3511","method":"password","accepted":false}}"#;
    let details = [Detail::Connect].into_iter().chain(serde_json::from_str(text).ok());
    let event = |detail| Event {
        time: Timestamp::from_seconds(1_800_000_000),
        id: EventId(1),
        sensor: "here".into(),
        session: None,
        source: [198, 18, 0, 1].into(),
        source_port: 4_000,
        destination: None,
        port: Port::tcp(22),
        service: Service::known("ssh"),
        detail,
    };
    details.filter_map(|detail| event_payload(event(detail))).collect()
}

/// Whole records of a fleet's sensor, and the bodies that such records hold.
fn fleet_bodies() -> Vec<Vec<u8>> {
    let place = Place { epoch: 1, number: 1 };
    let payload = frame_payloads().remove(0);
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let inline = [&length[..], &[0], &payload].concat();
    let elsewhere = [&length[..], &[1], &[7; 32], &payload].concat();
    let status = serde_json::to_vec(&Status::default()).unwrap();
    let content = content_record(place, &[0; 32], b"content");
    vec![inline, elsewhere, status, content, heartbeat_record(1, &Status::default())]
}

fn recorded_part() -> Vec<u8> {
    let mut part = RecordingPart::begin(NOW);
    part.add(NOW, FrameKind::Size, b"80x24");
    part.add(NOW, FrameKind::Output, &b"login: \x1b[2J".repeat(20));
    part.add(NOW.plus(Timestamp::SECOND), FrameKind::Input, b"root\r");
    part.finish()
}

/// The smaller ones of the captures that real tools made.
fn captures() -> Vec<Vec<u8>> {
    let folder = root().join("crates/kizashi-wire/tests/captures");
    let files = std::fs::read_dir(folder).unwrap();
    let captures: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    captures.into_iter().filter(|capture| capture.len() < LONGEST).collect()
}

/// The frames of a capture in the form that the entry takes: link, length in units of eight, bytes.
fn frames_of(capture: &[u8]) -> Vec<u8> {
    let mut reader = kizashi_wire::CaptureReader::new(capture);
    let mut seed = Vec::new();
    while let Ok(kizashi_wire::Next::Frame(frame)) = reader.next_frame() {
        let units = frame.bytes.len().div_ceil(8).min(255);
        let mut bytes = frame.bytes.to_vec();
        bytes.resize(units * 8, 0);
        seed.push(0);
        seed.push(u8::try_from(units).unwrap());
        seed.extend(bytes);
    }
    seed
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = match target {
        "trap_session" => dialogues()
            .into_iter()
            .map(|(name, bytes)| [name.as_bytes(), b"\n", &bytes].concat())
            .collect(),
        "http_wire" | "ssh_wire" | "telnet_wire" | "recognise" | "datagrams" | "likeness"
        | "client_hello" | "http2_wire" | "websocket" => {
            dialogues().into_iter().map(|(_, bytes)| bytes).collect()
        }
        "framed" => {
            let chosen = |(name, bytes): (&'static str, Vec<u8>)| {
                let framed = kizashi_traps::fuzz::FRAMED;
                let place = framed.iter().position(|framed| *framed == name)?;
                Some([&[u8::try_from(place).unwrap()][..], &bytes].concat())
            };
            dialogues().into_iter().filter_map(chosen).collect()
        }
        "web_rules" => dialogues()
            .into_iter()
            .map(|(_, bytes)| bytes)
            .chain(std::iter::once(
                include_bytes!("../../kizashi-traps/data/web-rules/wordpress.toml").to_vec(),
            ))
            .collect(),
        "capture" => captures(),
        "wire_frame" => captures().iter().map(|capture| frames_of(capture)).collect(),
        "frame_payload" => frame_payloads(),
        "recording" => vec![recorded_part()],
        "fleet_record" => fleet_bodies(),
        "fleet_share" => kizashi_fleet::detectors::fuzz_seeds(),
        "frames" => {
            let framed = |payload: Vec<u8>| {
                let mut frame = Vec::new();
                put_event(1, &payload, &mut frame);
                frame
            };
            frame_payloads().into_iter().map(framed).collect()
        }
        _ if target.ends_with("_wire") => dialogues().into_iter().map(|(_, bytes)| bytes).collect(),
        _ => Vec::new(),
    };
    if let Ok(folder) = std::fs::read_dir(root().join("fuzz/seeds").join(target)) {
        seeds.extend(folder.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(!seeds.is_empty(), "{target} has no seeds");
    if std::env::var_os("KIZASHI_CORPUS").is_some() {
        let folder = root().join("fuzz/corpus").join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
    }
    seeds
}

/// A place in the input, what is done there, and with what.
type Change = (prop::sample::Index, u8, Vec<u8>);

fn change(bytes: &mut Vec<u8>, (at, kind, with): &Change) {
    let at = at.index(bytes.len() + 1);
    let end = (at + with.len()).min(bytes.len());
    match kind % 6 {
        0 => drop(bytes.splice(at..end, with.iter().copied())),
        1 => drop(bytes.splice(at..at, with.iter().copied())),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => bytes.extend_from_within(at..),
        _ => bytes[at..end].iter_mut().zip(with).for_each(|(byte, with)| *byte ^= 1 << (with % 8)),
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let with = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..6),
        prop::sample::select(vec![
            b"\0".to_vec(),
            b"\r\n\r\n".to_vec(),
            b"\xff\xff\xff\xff".to_vec(),
            b"\x80\0\0\0".to_vec(),
            b"-1".to_vec(),
            b"99999999999999999999".to_vec(),
            b"\"".to_vec(),
            b"{[".to_vec(),
            b"%00".to_vec(),
            b"../".to_vec(),
            "\u{202e}兆".as_bytes().to_vec(),
            b"=".to_vec(),
        ]),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), with), 1..8)
}

fn try_out(target: &str) {
    let entry: Entry = ENTRIES.iter().find(|(name, _)| *name == target).unwrap().1;
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| entry(seed));
    let input =
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>(), changes());
    let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
    let (began, mut tried) = (Instant::now(), 0_u64);
    let time = time();
    while began.elapsed() < time {
        // One runner is good for its number of cases once: from the second time on it tries nothing.
        let mut runner = TestRunner::new(config.clone());
        let outcome = runner.run(&input, |(first, second, both, changes)| {
            let mut bytes = first.get(&seeds).clone();
            if both {
                bytes.extend(second.get(&seeds));
            }
            changes.iter().for_each(|one| change(&mut bytes, one));
            bytes.truncate(LONGEST);
            let shown = bytes.escape_ascii().to_string();
            std::panic::catch_unwind(|| entry(&bytes)).map_err(|_| {
                TestCaseError::fail(format!("put this into fuzz/seeds/{target}: {shown}"))
            })
        });
        if let Err(failure) = outcome {
            panic!("{target}: {failure}");
        }
        tried += u64::from(config.cases);
    }
    println!("{target}: {} seeds, {tried} changes of them", seeds.len());
}

macro_rules! entries {
    ($($target:ident)*) => {
        const TRIED: &[&str] = &[$(stringify!($target)),*];
        $(#[test]
        fn $target() {
            try_out(stringify!($target));
        })*
    };
}

entries!(trap_session http_wire http2_wire websocket web_rules site_program sql php ssh_wire telnet_wire redis elasticsearch memcached mssql mongodb mysql postgresql radmin_wire rdp_wire smtp_wire framed ntlm_token adb vnc rpc_calls smb_wire winrm_wire wins_wire recognise datagrams machine windows_machine file_facts frames frame_payload fleet_record fleet_share recording likeness client_hello intake wire_frame capture name_answers web_request mail_server feed owner_text places detect);

#[test]
fn every_entry_is_tried_here_and_has_a_target_for_cargo_fuzz() {
    let entries: BTreeSet<&str> = ENTRIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(entries, TRIED.iter().copied().collect());
    let manifest: toml::Table =
        toml::from_str(&std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap()).unwrap();
    let targets = manifest["bin"].as_array().unwrap().iter();
    let targets: BTreeSet<&str> = targets.map(|target| target["name"].as_str().unwrap()).collect();
    assert_eq!(entries, targets);
    for name in entries {
        assert!(root().join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name}");
    }
}
