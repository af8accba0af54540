use std::sync::Arc;

use kizashi_event::{Detail, PayloadOrigin, Port, Timestamp};

use super::TRAP;
use super::channel::{Channels, ROOM};
use super::listing;
use crate::machine::FileStat;
use crate::{Identity, LoginSettings, Output, Session, Visit, contract, ftpdata};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

#[test]
fn every_transcript_holds_however_the_bytes_are_cut() {
    contract::replay_all(&TRAP);
}

#[test]
fn the_trap_keeps_the_contract() {
    contract::holds(&TRAP);
}

/// Lines of the real server's.
#[test]
fn listings_are_written_as_vsftpd_writes_them() {
    let file = FileStat {
        mode: 0o100_644,
        size: 6,
        owner: (1001, 1001),
        modified: 1_795_582_440 - 60,
        links: 1,
    };
    let line = String::from_utf8(listing::line(b"a.txt", &file, NOW)).unwrap();
    assert_eq!(line, "-rw-r--r--    1 1001     1001            6 Nov 25 04:53 a.txt\r\n");
    let folder =
        FileStat { mode: 0o040_755, size: 4096, owner: (0, 0), modified: 1_744_934_400, links: 4 };
    let line = String::from_utf8(listing::line(b"..", &folder, NOW)).unwrap();
    assert_eq!(line, "drwxr-xr-x    4 0        0            4096 Apr 18  2025 ..\r\n");
    assert_eq!(listing::stamp(NOW.seconds()), "20261125045400");
}

/// A visit of one source to an installation, over both traps.
struct Visitor {
    identity: Arc<Identity>,
    control: Box<dyn Session>,
    out: Output,
    data: Option<(Box<dyn Session>, Output)>,
    received: Vec<u8>,
}

fn visit(number: u16) -> Visit {
    let source = [192, 0, 2, 7].into();
    let destination = Some([192, 0, 2, 1].into());
    Visit { source, destination, port: Port::tcp(number), encrypted: false }
}

impl Visitor {
    fn new(seed: u8) -> Self {
        let logins = LoginSettings { tries: 1..=1, ..LoginSettings::default() };
        let identity = Arc::new(Identity::draw([seed; 32]).with_logins(logins));
        identity.channels().offer(50_000);
        let mut control = (TRAP.begin)(&identity, visit(21));
        let mut out = Output::new(TRAP.service);
        control.open(NOW, &mut out);
        let _ = out.take_reply();
        Self { identity, control, out, data: None, received: Vec::new() }
    }

    /// Says a line; all that is answered while both connections are looked at in turn.
    fn say(&mut self, line: &str) -> String {
        self.control.receive(format!("{line}\r\n").as_bytes(), NOW, &mut self.out);
        let mut answer = Vec::new();
        for _ in 0..2_000 {
            answer.extend(self.out.take_reply());
            if let Some((data, out)) = &mut self.data {
                data.receive(&[], NOW, out);
                self.received.extend(out.take_reply());
            }
            if !self.out.wants_turn() {
                break;
            }
            self.control.receive(&[], NOW, &mut self.out);
        }
        answer.extend(self.out.take_reply());
        String::from_utf8(answer).unwrap()
    }

    /// Asks for a port and connects to it.
    fn open_data(&mut self) {
        assert_eq!(self.say("EPSV"), "229 Entering Extended Passive Mode (|||50000|)\r\n");
        let mut data = (ftpdata::TRAP.begin)(&self.identity, visit(50_000));
        let mut out = Output::new(ftpdata::TRAP.service);
        data.open(NOW, &mut out);
        self.data = Some((data, out));
        self.received.clear();
    }

    /// Sends over the data connection and closes it.
    fn bring(&mut self, bytes: &[u8]) {
        let (mut data, mut out) = self.data.take().unwrap();
        data.receive(bytes, NOW, &mut out);
        data.end(NOW, &mut out);
    }

    fn log_in(&mut self) {
        self.say("USER test");
        assert_eq!(self.say("PASS test"), "230 Login successful.\r\n");
    }
}

fn payloads(out: &mut Output) -> Vec<(String, Vec<u8>)> {
    let seen = out.take_seen().into_iter().filter_map(|seen| match seen.detail {
        Detail::Payload(payload) if payload.origin == PayloadOrigin::Upload => {
            Some((payload.name?.raw().to_owned(), payload.content))
        }
        _ => None,
    });
    seen.collect()
}

#[test]
fn an_account_lists_uploads_downloads_and_what_it_brought_is_told() {
    let mut visitor = Visitor::new(1);
    visitor.log_in();
    assert_eq!(visitor.say("CWD /tmp"), "250 Directory successfully changed.\r\n");
    visitor.open_data();
    // Sent before the line that asks for it, as fast clients do.
    visitor.bring(b"#!/bin/sh\nid\n");
    assert_eq!(visitor.say("STOR x.sh"), "150 Ok to send data.\r\n226 Transfer complete.\r\n");
    visitor.open_data();
    let answer = visitor.say("LIST");
    assert_eq!(answer, "150 Here comes the directory listing.\r\n226 Directory send OK.\r\n");
    let lines = String::from_utf8(visitor.received.clone()).unwrap();
    assert!(lines.contains("      13 Nov 25 04:54 x.sh\r\n"), "{lines}");
    visitor.open_data();
    let answer = visitor.say("RETR x.sh");
    assert!(
        answer.starts_with("150 Opening BINARY mode data connection for x.sh (13 bytes)."),
        "{answer}"
    );
    assert_eq!(visitor.received, b"#!/bin/sh\nid\n");
    visitor.control.end(NOW, &mut visitor.out);
    let told = payloads(&mut visitor.out);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0.ends_with("x.sh") && told[0].1 == b"#!/bin/sh\nid\n", "{told:?}");
}

#[test]
fn some_installations_let_anonymous_visitors_in_and_fewer_take_their_files() {
    let (mut let_in, mut took) = (0, 0);
    for seed in 0..60 {
        let mut visitor = Visitor::new(seed);
        visitor.say("USER anonymous");
        if visitor.say("PASS me@") != "230 Login successful.\r\n" {
            continue;
        }
        let_in += 1;
        assert_eq!(visitor.say("STOR /x"), "550 Permission denied.\r\n");
        assert_eq!(visitor.say("MKD /upload/x"), "550 Permission denied.\r\n");
        visitor.open_data();
        visitor.bring(b"MZ");
        match visitor.say("STOR /upload/x").as_str() {
            "150 Ok to send data.\r\n226 Transfer complete.\r\n" => {
                took += 1;
                assert_eq!(payloads(&mut visitor.out), [("x".to_owned(), b"MZ".to_vec())]);
                visitor.open_data();
                assert_eq!(visitor.say("RETR /upload/x"), "550 Failed to open file.\r\n");
            }
            refused => assert_eq!(refused, "553 Could not create file.\r\n"),
        }
    }
    assert!((28..=52).contains(&let_in) && (8..=32).contains(&took), "{let_in} {took}");
}

#[test]
fn a_transfer_whose_connection_never_comes_fails_as_it_would() {
    let mut visitor = Visitor::new(1);
    visitor.log_in();
    visitor.say("EPSV");
    assert_eq!(visitor.say("LIST"), "425 Failed to establish connection.\r\n");
}

#[test]
fn a_visitors_own_address_is_never_connected_to() {
    let mut visitor = Visitor::new(1);
    visitor.log_in();
    visitor.out.take_seen();
    let answer = visitor.say("PORT 192,0,2,7,200,200");
    assert_eq!(answer, "200 PORT command successful. Consider using PASV.\r\n");
    assert_eq!(visitor.say("LIST"), "425 Failed to establish connection.\r\n");
    assert_eq!(visitor.say("PORT 10,0,0,1,0,25"), "500 Illegal PORT command.\r\n");
    let told = visitor.out.take_seen().into_iter().filter_map(|seen| match seen.detail {
        Detail::Forward { host, port, .. } => Some((host.raw().to_owned(), port)),
        _ => None,
    });
    let expected = [("192.0.2.7".to_owned(), 51_400), ("10.0.0.1".to_owned(), 25)];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn connections_are_met_by_address_and_port_once_and_forgotten_with_their_session() {
    let channels = Channels::default();
    let [one, other] = [[192, 0, 2, 7], [192, 0, 2, 8]].map(std::net::IpAddr::from);
    assert!(channels.expect(one, 7).is_none(), "no port is offered");
    channels.offer(50_000);
    let (port, expected) = channels.expect(one, 7).unwrap();
    assert!(channels.expect(one, 8).is_none(), "the port is taken for this source");
    let (_, gone) = channels.expect(other, 7).unwrap();
    drop(gone);
    assert!(channels.meet(other, port).is_none());
    assert!(channels.meet(one, port).is_some_and(|met| Arc::ptr_eq(&met, &expected)));
    assert!(channels.meet(one, port).is_none());
    let taken = expected.receive(&vec![7; 2 * ROOM]) + expected.send(&vec![7; 2 * ROOM]);
    assert_eq!((taken, expected.held()), (2 * ROOM, 2 * ROOM));
}
