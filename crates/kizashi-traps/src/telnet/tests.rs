use crate::contract;

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&super::TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&super::TRAP);
}

/// A client that tells its window (RFC 1073): before the login, and when it has changed.
#[test]
fn the_window_that_a_client_tells_is_the_terminals() {
    use std::sync::Arc;

    use kizashi_event::{Port, Timestamp};

    use crate::{Identity, LoginSettings, Output, TelnetFace, Visit};

    let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
    let identity =
        Arc::new(Identity::draw([1; 32]).with_telnet_face(TelnetFace::Linux).with_logins(logins));
    let visit = Visit {
        source: [192, 0, 2, 7].into(),
        destination: None,
        port: Port::tcp(23),
        encrypted: false,
    };
    let mut session = (super::TRAP.begin)(&identity, visit);
    let mut out = Output::new(super::TRAP.service);
    let now = Timestamp::from_seconds(1_795_582_440);
    session.open(now, &mut out);
    let mut shown = Vec::new();
    for bytes in [
        &b"\xff\xfa\x18\x00VT220\xff\xf0\xff\xfa\x1f\x00\x84\x00\x2b\xff\xf0"[..],
        b"root\r\n",
        b"root\r\n",
        b"stty size; echo $COLUMNS $TERM\r\n",
        b"\xff\xfa\x1f\x00\x64\x00\x1e\xff\xf0",
        b"stty size; echo $COLUMNS\r\n",
    ] {
        session.receive(bytes, now, &mut out);
        while out.wants_turn() {
            session.receive(&[], now, &mut out);
        }
        shown.extend(out.take_reply());
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(shown.contains("\r\n\x1b[?2004l\r43 132\r\n132 vt220\r\n"), "{shown}");
    assert!(shown.contains("\r\n\x1b[?2004l\r30 100\r\n100\r\n"), "{shown}");
}
