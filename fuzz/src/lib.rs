//! Every parser of hostile bytes under one name each: any input, no result, must not panic. cargo-fuzz calls these entries from
//! `fuzz_targets/`; the gate, which has no nightly, calls the same ones over the seeds and changes of them
//! (`crates/kizashi/tests/fuzzing.rs` takes this file in).

use std::ops::ControlFlow;

use kizashi_intake::{Format, Options};

/// A parser of hostile bytes.
pub type Entry = fn(&[u8]);

/// All of them; each has a file of its name in `fuzz_targets/`.
pub const ENTRIES: [(&str, Entry); 11] = [
    ("trap_session", trap_session),
    ("http_wire", kizashi_traps::fuzz::http_wire),
    ("recognise", kizashi_traps::fuzz::recognise),
    ("machine", kizashi_traps::fuzz::machine),
    ("file_facts", kizashi_traps::fuzz::file_facts),
    ("frames", kizashi_event::stream::fuzz),
    ("frame_payload", frame_payload),
    ("likeness", kizashi_event::likeness::fuzz),
    ("intake", intake),
    ("web_request", kizashi_web::fuzz::request),
    ("owner_text", owner_text),
];

/// A whole session of the trap that the first line names, or of one that the length chooses.
pub fn trap_session(bytes: &[u8]) {
    let traps = kizashi_traps::registry();
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (name, rest) = bytes.split_at(line);
    let named = traps.iter().find(|trap| trap.name.as_bytes() == name);
    match named {
        Some(trap) => kizashi_traps::fuzz::session(trap, &rest[1..]),
        None => kizashi_traps::fuzz::session(&traps[bytes.len() % traps.len()], bytes),
    }
}

/// An event's payload in a frame with a right sum: what a trap that was taken over could send.
pub fn frame_payload(bytes: &[u8]) {
    let mut frame = Vec::new();
    kizashi_event::stream::put_event(1, bytes, &mut frame);
    kizashi_event::stream::fuzz(&frame);
}

/// A log, in the format found and then in every format by force.
pub fn intake(bytes: &[u8]) {
    for format in std::iter::once(None).chain(Format::ALL.map(Some)) {
        let options = Options { format, ..Options::default() };
        let mut events = 0;
        let report = kizashi_intake::import_reader("fuzz", bytes, &options, &mut |_| {
            events += 1;
            ControlFlow::Continue(())
        });
        assert_eq!(report.counts.events, events);
    }
}

/// What an owner writes into the configuration or the command line.
pub fn owner_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    kizashi_traps::fuzz::port_list(text);
    let _ = text.parse::<kizashi_intake::ColumnMapping>();
    let _ = text.parse::<kizashi_event::Key>();
    let _ = kizashi_event::Timestamp::parse(text);
    let _ = kizashi_event::Port::parse(text);
    let _ = kizashi_event::PayloadHash::parse(text);
}
