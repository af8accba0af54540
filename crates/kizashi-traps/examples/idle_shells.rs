//! How much memory idle shells take: 10,000 Telnet sessions that have logged in and wait, without their sockets.
//! `cargo run --release -p kizashi-traps --example idle_shells`
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::{Port, Timestamp};
use kizashi_traps::{Identity, LoginSettings, Output, Session, TelnetFace, Visit, trap_named};

const SHELLS: usize = 10_000;

fn resident_kb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn main() {
    let Some(trap) = trap_named("telnet") else { return };
    // Sessions are kept to the end, so that no face is given the memory of the one before.
    let mut kept = Vec::new();
    for face in TelnetFace::ALL {
        let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
        let identity = Arc::new(Identity::draw([1; 32]).with_telnet_face(face).with_logins(logins));
        let now = Timestamp::from_seconds(1_795_582_440);
        let before = resident_kb();
        let mut sessions: Vec<(Box<dyn Session>, Output)> = Vec::new();
        for number in 0..SHELLS {
            let source = IpAddr::from(std::net::Ipv4Addr::from_bits(
                0xc612_0000 + u32::try_from(number).unwrap_or(0),
            ));
            let visit = Visit { source, destination: None, port: Port::tcp(23), encrypted: false };
            let mut session = (trap.begin)(&identity, visit);
            let mut out = Output::new(trap.service.clone());
            session.open(now, &mut out);
            for piece in [&b"root\r\n"[..], b"vizxv\r\n", b"uname -a\r\n"] {
                session.receive(piece, now, &mut out);
                while out.wants_turn() {
                    session.receive(b"", now, &mut out);
                }
            }
            let _ = (out.take_reply(), out.take_seen());
            sessions.push((session, out));
        }
        let took = resident_kb() - before;
        println!(
            "{}: {} idle shells took {:.1} MB, {} bytes each",
            face.name(),
            sessions.len(),
            took as f64 / 1024.0,
            took * 1024 / sessions.len() as u64
        );
        kept.push(sessions);
    }
}
