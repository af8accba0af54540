//! What a process gives up before it does its work. The trap gives up everything but its sockets: files (landlock with an empty
//! set of rules), system calls (seccomp, an allow-list; anything else kills the process), capabilities, new privileges, core
//! dumps, memory past a bound. So does the process that sees packets, whose socket is made ready for it. The core keeps its folder and
//! loses the calls by which a program starts others; so does the process that tells signs, which alone may connect out.
//!
//! All of it works without root. Where the kernel lacks a protection the rest is applied all the same, and [`Protection`] says so.

mod files;
mod filter;
mod limits;
pub(crate) mod privileges;

use std::path::Path;

use serde::{Deserialize, Serialize};

/// One thing that is given up, and whether it really was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Protection {
    /// What it is: `system calls`.
    pub(crate) name: String,
    /// What it means, or why it is not so.
    pub(crate) what: String,
    /// Whether the kernel enforces it.
    pub(crate) enforced: bool,
}

impl Protection {
    fn of(name: &str, what: &str, result: Result<(), String>) -> Self {
        let (what, enforced) = match result {
            Ok(()) => (what.to_owned(), true),
            Err(reason) => (format!("{what}: {reason}"), false),
        };
        Self { name: name.to_owned(), what, enforced }
    }
}

/// What the trap needs beside an empty room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrapNeeds {
    /// File descriptors that it may have open.
    pub(crate) descriptors: u64,
    /// Bytes of memory of its own that it may have.
    pub(crate) memory: u64,
    /// Whether one of its traps answers datagrams.
    pub(crate) answers_datagrams: bool,
}

/// Shuts the trap's process in. To be called by its only thread, before a byte of a visitor is read.
pub(crate) fn confine_trap(needs: TrapNeeds) -> Vec<Protection> {
    let mut done = vec![
        Protection::of("core dumps", "no memory is written out", limits::no_dumps()),
        Protection::of("files written", "no file can grow", limits::no_files()),
        Protection::of("memory", "bounded", limits::memory(needs.memory)),
        Protection::of("descriptors", "bounded", limits::descriptors(needs.descriptors)),
        Protection::of("capabilities", "none, nor any to come", privileges::drop_capabilities()),
        Protection::of("new privileges", "none to be had", privileges::no_new_privileges()),
    ];
    done.extend(files::none());
    done.push(Protection::of(
        "system calls",
        "only those that serving takes; any other ends the process",
        filter::trap(needs.answers_datagrams),
    ));
    done
}

/// Memory of its own that the process that sees packets may have; the ring that it shares with the kernel is none of it.
const CAPTURE_MEMORY: u64 = 40 << 20;
/// Descriptors of that process: its socket, two channels, what the runtime's signal handlers take, and some on their way.
const CAPTURE_DESCRIPTORS: u64 = 32;

/// Shuts in the process that sees packets. To be called by its only thread, after the ring is made and before a packet is looked at.
pub(crate) fn confine_capture() -> Vec<Protection> {
    let named =
        |name: &str, what: &str, result| Protection::of(&format!("capture: {name}"), what, result);
    let mut done = vec![
        named("core dumps", "no memory is written out", limits::no_dumps()),
        named("files written", "no file can grow", limits::no_files()),
        named("memory", "bounded", limits::memory(CAPTURE_MEMORY)),
        named("descriptors", "bounded", limits::descriptors(CAPTURE_DESCRIPTORS)),
        named("capabilities", "none, nor any to come", privileges::drop_capabilities()),
        named("new privileges", "none to be had", privileges::no_new_privileges()),
    ];
    done.extend(files::none().into_iter().map(|protection| Protection {
        name: format!("capture: {}", protection.name),
        ..protection
    }));
    done.push(named(
        "system calls",
        "only those that reading takes; it can neither send a packet nor ask for others",
        filter::capture(),
    ));
    done
}

/// Shuts the core's process into its folder. To be called by its only thread.
pub(crate) fn confine_core(folder: &Path) -> Vec<Protection> {
    vec![
        Protection::of("core: core dumps", "no memory is written out", limits::no_dumps()),
        Protection::of(
            "core: capabilities",
            "none, nor any to come",
            privileges::drop_capabilities(),
        ),
        Protection::of("core: new privileges", "none to be had", privileges::no_new_privileges()),
        Protection::of("core: files", "nothing but its own folder", files::only(folder)),
        Protection::of("core: system calls", "none that starts a program", filter::core()),
    ]
}

/// Memory of its own that the process which tells signs may have.
const NOTIFY_MEMORY: u64 = 96 << 20;
/// Descriptors of that process: connections to receivers, files of the outbox, name servers.
const NOTIFY_DESCRIPTORS: u64 = 256;

/// Shuts in the process that tells signs: it may connect out, and reaches no file but its own folder, what names and
/// certificates take, and the folders of feeds that are files (`read`).
/// To be called by its only thread.
pub(crate) fn confine_notify<'a>(
    folder: &Path,
    read: impl Iterator<Item = &'a Path>,
) -> Vec<Protection> {
    let named =
        |name: &str, what: &str, result| Protection::of(&format!("notify: {name}"), what, result);
    vec![
        named("core dumps", "no memory is written out", limits::no_dumps()),
        named("memory", "bounded", limits::memory(NOTIFY_MEMORY)),
        named("descriptors", "bounded", limits::descriptors(NOTIFY_DESCRIPTORS)),
        named("capabilities", "none, nor any to come", privileges::drop_capabilities()),
        named("new privileges", "none to be had", privileges::no_new_privileges()),
        named(
            "files",
            "nothing but the outbox; no port to be waited at",
            files::outgoing(folder, read),
        ),
        named("system calls", "none that starts a program", filter::core()),
    ]
}

/// Descriptors of the core of a fleet's machine: the store, pages that are looked at, its connection.
const FLEET_DESCRIPTORS: u64 = 1_024;

/// Shuts in the core of a machine that belongs to a fleet: it reaches its folder, what looking a name up takes, and of other machines these TCP
/// ports alone (and that of name servers). To be called by its only thread.
pub(crate) fn confine_to_servers(folder: &Path, ports: &[u16]) -> Vec<Protection> {
    let named =
        |name: &str, what: &str, result| Protection::of(&format!("core: {name}"), what, result);
    let (files, network) = files::servers(folder, ports);
    vec![
        named("core dumps", "no memory is written out", limits::no_dumps()),
        named("descriptors", "bounded", limits::descriptors(FLEET_DESCRIPTORS)),
        named("capabilities", "none, nor any to come", privileges::drop_capabilities()),
        named("new privileges", "none to be had", privileges::no_new_privileges()),
        named("files", "nothing but its own folder", files),
        named("TCP", "no port but the fleet's servers' can be connected to", network),
        named("system calls", "none that starts a program", filter::core()),
    ]
}

/// The protections that are missing, in one sentence; `None` when there are none.
pub(crate) fn missing(protections: &[Protection]) -> Option<String> {
    let missing: Vec<String> = protections
        .iter()
        .filter(|protection| !protection.enforced)
        .map(|protection| format!("{} ({})", protection.name, protection.what))
        .collect();
    (!missing.is_empty()).then(|| missing.join("; "))
}
