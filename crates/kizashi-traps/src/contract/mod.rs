//! What every trap must keep, whatever it speaks. A trap's tests are two lines: [`replay_all`] runs its golden transcripts whole, byte
//! by byte and at random cuts; [`holds`] looks for harm: every dialogue cut off or left silent at every byte, random bytes, bounds.

mod example;
mod play;
pub(crate) mod reference;
mod render;
mod transcript;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use kizashi_event::{Port, Transport};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::Trap;
use play::{Cut, Play, Told as _};
use transcript::{Step, Transcript};

/// No trap is believed with fewer.
const TRANSCRIPTS_MIN: usize = 3;

fn folder(trap: &Trap) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // What `cargo xtask new-trap` copies; held to the contract like any other, so that a new trap begins whole.
    if trap.name == example::TRAP.name {
        return sources.join("contract/example");
    }
    sources.join(trap.name)
}

fn transcripts(trap: &Trap) -> Vec<Transcript> {
    let listing = std::fs::read_dir(folder(trap).join("transcripts")).expect("the transcripts");
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(paths.len() >= TRANSCRIPTS_MIN, "`{}` has {} transcripts", trap.name, paths.len());
    paths.iter().map(|path| Transcript::read(path)).collect()
}

/// Replays every transcript of the trap. With `KIZASHI_BLESS=1` in the environment the answers and events in the files are
/// written anew instead; read the difference before keeping it.
pub(crate) fn replay_all(trap: &Trap) {
    let bless = std::env::var_os("KIZASHI_BLESS").is_some();
    for transcript in transcripts(trap) {
        let whole = Play::run(trap, &transcript, &mut Cut::Whole);
        if bless {
            transcript.write(&whole);
            continue;
        }
        transcript.compare(&whole, "whole");
        transcript.compare(&Play::run(trap, &transcript, &mut Cut::Bytes), "byte by byte");
        for seed in 1..=30 {
            let name = format!("cut at random, seed {seed}");
            transcript.compare(&Play::run(trap, &transcript, &mut Cut::Random(seed)), &name);
        }
    }
}

/// Holds a transcript's visitor to what a client does that is written in Rust, for protocols whose bytes nobody writes by hand. With
/// `KIZASHI_BLESS=1` the transcript begins anew with these pieces; [`replay_all`] then writes what is answered.
pub(crate) fn scripted(trap: &Trap, name: &str, title: &str, pieces: &[Vec<u8>]) {
    scripted_as(trap, name, title, "", pieces);
}

/// The same on the installation of this seed, where something of it is drawn that the dialogue is about.
pub(crate) fn scripted_of(trap: &Trap, name: &str, title: &str, seed: u8, pieces: &[Vec<u8>]) {
    scripted_as(trap, name, title, &format!("seed: {seed}\n"), pieces);
}

/// The same on another installation: `settings` are lines such as `seed: 12`.
pub(crate) fn scripted_as(
    trap: &Trap,
    name: &str,
    title: &str,
    settings: &str,
    pieces: &[Vec<u8>],
) {
    let path = folder(trap).join("transcripts").join(name);
    // A silent line between pieces keeps them apart.
    let lines: Vec<String> =
        pieces.iter().map(|piece| format!("C> {}\n", render::escape(piece))).collect();
    if std::env::var_os("KIZASHI_BLESS").is_some() {
        let port = trap.ports.unprivileged[0];
        let text = format!("# {title}\n{settings}port: {port}\n{}C|\n", lines.join("S> \n"));
        return std::fs::write(path, text).unwrap();
    }
    let kept = std::fs::read_to_string(path).expect("a transcript");
    let kept: String = kept.split_inclusive('\n').filter(|line| line.starts_with("C> ")).collect();
    assert_eq!(kept, lines.concat(), "{name}: write it anew with KIZASHI_BLESS=1");
}

/// Looks for what no trap may do.
pub(crate) fn holds(trap: &Trap) {
    is_described(trap);
    tells_what_it_says_it_tells(trap);
    survives_every_cut(trap);
    survives_random_bytes(trap);
}

fn is_described(trap: &Trap) {
    for file in ["doc.md", "mod.rs", "session.rs", "tests.rs"] {
        assert!(folder(trap).join(file).is_file(), "`{}` lacks {file}", trap.name);
    }
    for part in
        ["## Who comes", "## What it answers", "## What it records", "## What it never does"]
    {
        assert!(trap.doc.contains(part), "doc.md of `{}` lacks `{part}`", trap.name);
    }
    let limits = trap.limits;
    // What has a machine behind its login holds the visitor's files as well.
    assert!(limits.memory <= 320 * 1024 && limits.duration.as_secs() <= 3600, "{limits:?}");
    assert!(limits.idle.as_secs() <= 120 && limits.received <= 64 << 20, "{limits:?}");
    assert!(!trap.ports.unprivileged.is_empty());
    let ports = trap.ports.privileged.iter().chain(trap.ports.unprivileged);
    assert!(ports.into_iter().all(|port| trap.transports.contains(&port.transport)));
    assert!(trap.ports.unprivileged.iter().all(|port| port.number >= 1024));
}

/// The actions declared are exactly those that the transcripts show.
fn tells_what_it_says_it_tells(trap: &Trap) {
    let mut shown = BTreeSet::new();
    for transcript in transcripts(trap) {
        let play = Play::run(trap, &transcript, &mut Cut::Whole);
        let seen = play.seen();
        assert!(!transcript.is_silent() || seen.is_empty());
        shown.extend(seen.iter().map(|seen| seen.detail.action()));
    }
    let declared: BTreeSet<&str> = trap.actions.iter().copied().collect();
    assert_eq!(shown, declared, "actions of `{}`", trap.name);
    for action in declared {
        assert!(
            trap.doc.contains(&format!("`{action}`")),
            "doc.md of `{}` lacks {action}",
            trap.name
        );
    }
}

/// Bytes at whose every place a dialogue is ended in both ways; further on the ways take turns.
const BOTH_WAYS: usize = 256;

/// Each dialogue ends at each of its bytes, by closing and by silence.
fn survives_every_cut(trap: &Trap) {
    for transcript in transcripts(trap) {
        let bytes = transcript.visitor_bytes();
        let stride = (bytes.len() / 1500).max(1);
        for end in (0..=bytes.len()).step_by(stride) {
            let ways = [Step::End, Step::Idle];
            let both = end <= BOTH_WAYS || end == bytes.len();
            for (_, last) in ways.iter().enumerate().filter(|(way, _)| both || end % 2 == *way) {
                let mut play = Play::begin(trap, transcript.identity(), transcript.port());
                play.give(&bytes[..end], &mut Cut::Whole);
                play.step(last);
                play.finish();
            }
        }
    }
}

/// What a stranger may send: bytes, and beginnings of what some protocol means something by.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        "[A-Z]{3,8} /[ -~]{0,40} HTTP/1\\.[01]\r\n".prop_map(String::into_bytes),
        "[A-Za-z-]{1,20}: [ -~]{0,60}\r\n".prop_map(String::into_bytes),
        "(Transfer-Encoding: chunked|Content-Length: [0-9]{1,7}|Host: a|Expect: 100-continue)\r\n"
            .prop_map(String::into_bytes),
        "(root|admin|enable|sh|xc3511)\r\n".prop_map(String::into_bytes),
        prop::collection::vec(prop_oneof![Just(255_u8), 240_u8..=255, 0_u8..40], 0..60),
        "(cd|echo -ne '\\\\x7f'>|/bin/busybox|cat|;|&&|\\|\\|) [a-z/]{0,9}(\n|;)"
            .prop_map(String::into_bytes),
        "SSH-2.0-[A-Za-z]{1,9}\r\n".prop_map(String::into_bytes),
        (0_u8..255, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(number, rest)| {
            // A packet before there are keys: length, padding, payload.
            let mut payload = vec![number];
            payload.extend(rest);
            let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
            let length = u32::try_from(1 + payload.len() + padding).unwrap_or(0);
            let head = [&length.to_be_bytes()[..], &[padding as u8]].concat();
            [head, payload, vec![0; padding]].concat()
        }),
        Just(b"\r\n".to_vec()),
        Just(vec![b'a'; 9000]),
    ]
}

fn survives_random_bytes(trap: &Trap) {
    let input = (prop::collection::vec(pieces(), 0..30), any::<u64>());
    let drawn: RefCell<HashMap<_, crate::Identity>> = RefCell::default();
    let mut runner =
        TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&input, |(pieces, seed)| {
        let bytes = pieces.concat();
        // Which product it is differs from case to case.
        let choice = usize::try_from(seed % 1_000).unwrap_or(0);
        let server = crate::WebServer::ALL[choice % crate::WebServer::ALL.len()];
        let face = crate::TelnetFace::ALL[choice % crate::TelnetFace::ALL.len()];
        for transport in trap.transports {
            let port = Port { transport: *transport, number: 4000 };
            let draw =
                || crate::Identity::draw([7; 32]).with_web_server(server).with_telnet_face(face);
            let mut drawn = drawn.borrow_mut();
            let base = drawn.entry((server, choice % crate::TelnetFace::ALL.len()));
            let base = base.or_insert_with(draw);
            let identity = || base.afresh();
            let run = |cut: &mut Cut| {
                let mut play = Play::begin(trap, identity(), port);
                play.give(&bytes, cut);
                play.step(&Step::End);
                play.finish()
            };
            let whole = run(&mut Cut::Whole);
            if port.transport == Transport::Tcp {
                prop_assert_eq!(&whole, &run(&mut Cut::Random(seed)));
            }
        }
        crate::fuzz::session(trap, &bytes);
        match trap.name {
            "http" => crate::fuzz::http_wire(&bytes),
            "any" => crate::fuzz::recognise(&bytes),
            "example" => example::fuzz(&bytes),
            _ => {}
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("`{}`: {failure}", trap.name);
    }
}

#[test]
fn every_trap_has_its_name_its_folder_and_its_own_ports() {
    let mut names = BTreeSet::new();
    let (mut privileged, mut unprivileged): (Vec<Port>, Vec<Port>) = (Vec::new(), Vec::new());
    for trap in crate::registry() {
        assert!(names.insert(trap.name), "two traps are called {}", trap.name);
        assert_eq!(crate::trap_named(trap.name).map(|found| found.name), Some(trap.name));
        is_described(trap);
        privileged.extend(trap.ports.privileged);
        unprivileged.extend(trap.ports.unprivileged);
    }
    for ports in [privileged, unprivileged] {
        let distinct: BTreeSet<u32> = ports.iter().map(|port| port.code()).collect();
        assert_eq!(distinct.len(), ports.len(), "two traps want one port");
    }
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    for folder in
        folders.map(|entry| entry.unwrap().path()).filter(|path| path.join("doc.md").is_file())
    {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(names.contains(name), "the folder {name} has no line in the registry");
    }
}

/// Checked over the sources, because a type cannot say it: no room of this crate opens files, runs programs, connects or asks
/// the system for the time.
#[test]
fn the_crate_opens_no_file_runs_nothing_connects_nowhere_and_has_no_clock() {
    const FORBIDDEN: [&str; 8] = [
        "std::fs",
        "tokio::fs",
        "File::open",
        "std::process",
        "TcpStream::connect",
        ".connect(",
        "SystemTime",
        "std::env",
    ];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.extend((!path.ends_with("contract")).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let found = FORBIDDEN.iter().find(|word| text.contains(**word));
                assert_eq!(found, None, "{}", path.display());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}
