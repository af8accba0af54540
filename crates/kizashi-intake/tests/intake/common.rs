//! What several tests need.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kizashi_event::Event;
use kizashi_intake::{FileReport, Options, Report, find_inputs, import, import_reader};

/// A file of the shared material, or a printed line and `None` where the material is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// Imports paths with the format found by itself.
pub(crate) fn import_paths(paths: &[&Path]) -> (Report, Vec<Event>) {
    let mut events = Vec::new();
    let inputs = find_inputs(paths).unwrap();
    let report = import(&inputs, &Options::default(), &mut |_| {}, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (report, events)
}

/// Reads bytes with the format found by itself.
pub(crate) fn import_bytes(bytes: &[u8]) -> (FileReport, Vec<Event>) {
    let mut events = Vec::new();
    let report = import_reader("test", bytes, &Options::default(), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (report, events)
}

/// What names each event in the store.
pub(crate) fn identities(events: &[Event]) -> Vec<(i64, u64)> {
    events.iter().map(|event| (event.time.micros(), event.id.0)).collect()
}

/// A line of Cowrie.
pub(crate) fn cowrie_line(number: u32) -> String {
    format!(
        r#"{{"eventid":"cowrie.login.failed","session":"{:012x}","protocol":"ssh","src_ip":"192.0.2.{}","src_port":4000,"dst_port":22,"username":"root","password":"p{number}","sensor":"s","timestamp":"2026-01-02T03:{:02}:{:02}.000000Z"}}"#,
        number / 5,
        number % 250,
        number / 60 % 60,
        number % 60,
    )
}
