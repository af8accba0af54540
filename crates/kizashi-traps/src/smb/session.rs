//! One visit: messages in, each to the version that it is of. What is no message is kept, for that is where exploits are.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::encryption;
use super::frame::{Frames, Read, message};
use super::server::Server;
use super::v1::Version1;
use super::v2::{self, Version2};
use crate::capture::Capture;
use crate::{Identity, Output, Session, Visit};

/// The number that a session by name is refused with (port 139): an unspecified error.
const REFUSED: [u8; 5] = [0x83, 0, 0, 1, 0x8f];
/// How often a pipe in which nothing was is looked at.
const LOOKS: Duration = Duration::from_millis(100);
const ACCEPTED: [u8; 4] = [0x82, 0, 0, 0];

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(Visitor {
        frames: Frames::default(),
        server: Server::new(identity, visit),
        version1: Version1::default(),
        version2: Version2::default(),
        named: !matches!(visit.port.number, 139 | 1139),
        foreign: None,
    })
}

struct Visitor {
    frames: Frames,
    server: Server,
    version1: Version1,
    version2: Version2,
    /// A session was asked for by name, where that must come first.
    named: bool,
    /// What is no message.
    foreign: Option<Capture>,
}

impl Visitor {
    fn refuse(&mut self, bytes: &[u8], out: &mut Output) {
        self.foreign.get_or_insert_default().feed(bytes);
        out.close();
    }

    fn message(&mut self, body: &[u8], out: &mut Output) {
        if !self.named {
            out.reply(&REFUSED);
            return self.refuse(body, out);
        }
        let answered = match body.first_chunk::<4>() {
            Some(head) if *head == super::v1::SIGNATURE => {
                self.version1.receive(body, &mut self.server, &mut self.version2, out)
            }
            Some(head) if *head == v2::SIGNATURE => {
                self.version2.receive(body, &mut self.server, out)
            }
            // Compressed before that was agreed on: CVE-2020-0796.
            Some(head) if *head == v2::COMPRESSED => {
                self.server.note("smb exploit", "CVE-2020-0796", out);
                None
            }
            Some(head) if *head == v2::ENCRYPTED => {
                self.version2.receive_encrypted(body, &mut self.server, out)
            }
            _ => None,
        };
        match answered {
            Some(reply) if reply.is_empty() => {}
            Some(reply) => out.reply(&message(&reply)),
            None => self.refuse(body, out),
        }
    }

    /// Messages, until replies wait.
    fn go_on(&mut self, out: &mut Output) {
        loop {
            if out.is_closing() {
                let rest = self.frames.rest();
                if !rest.is_empty() {
                    self.foreign.get_or_insert_default().feed(&rest);
                }
                return;
            }
            if out.is_full() {
                return out.take_turns();
            }
            match self.frames.next() {
                Read::More => return,
                Read::Message(body) => self.message(&body, out),
                Read::SessionRequest => {
                    self.named = true;
                    out.reply(&ACCEPTED);
                }
                Read::KeepAlive => {}
                Read::Foreign(bytes) => self.refuse(&bytes, out),
            }
        }
    }
}

impl Session for Visitor {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        self.server.now = now;
        if out.is_closing()
            && let Some(foreign) = &mut self.foreign
        {
            return foreign.feed(bytes);
        }
        self.frames.push(bytes);
        self.go_on(out);
        if self.version2.waits() && !out.is_closing() && !out.is_full() {
            for reply in self.version2.deferred(&mut self.server, out) {
                out.reply(&message(&reply));
            }
            if self.version2.waits() {
                out.take_turns_listening(LOOKS);
            }
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        self.server.now = now;
        // What waited while replies did is looked at for what it tells.
        while !out.is_closing() {
            match self.frames.next() {
                Read::More => break,
                Read::Message(body) => self.message(&body, out),
                Read::SessionRequest => self.named = true,
                Read::KeepAlive => {}
                Read::Foreign(bytes) => self.refuse(&bytes, out),
            }
        }
        self.version1.end(out);
        self.server.end(out);
        let rest = self.frames.rest();
        // A message of version 2 that is announced with 65,527 bytes and never finished: EternalBlue's payload.
        let groom = rest.starts_with(b"\0\0\xff\xf7\xfeSMB");
        if !rest.is_empty() {
            self.foreign.get_or_insert_default().feed(&rest);
        }
        let Some(foreign) = self.foreign.take().filter(|foreign| foreign.size() > 0) else {
            return;
        };
        let mut payload = foreign.finish(PayloadOrigin::Sent);
        if groom {
            payload.name = Some(HostileText::from("MS17-010 groom"));
        }
        out.tell(Detail::Payload(Box::new(payload)));
    }

    fn memory(&self) -> usize {
        let foreign = self.foreign.as_ref().map_or(0, |foreign| foreign.content().len());
        self.frames.held() + self.server.memory() + self.version1.memory() + foreign
    }
}

/// The bytes as messages of a visitor who was let in, by both versions; see [`crate::fuzz::smb_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    use std::net::{IpAddr, Ipv4Addr};

    use kizashi_event::Port;

    use crate::rpc::Rights;

    let identity = Arc::new(Identity::draw([7; 32]));
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let visit = Visit { source, destination: None, port: Port::tcp(445), encrypted: false };
    let mut server = Server::new(&identity, visit);
    let mut out = Output::new(super::SERVICE);
    if let Some(session) = server.begin_session(1).and_then(|id| server.session(id)) {
        (session.ready, session.rights) = (true, Rights::Administrator);
    }
    for share in ["IPC$", "C$"] {
        let _ = server.attach(1, share, &mut out);
    }
    let (mut version1, mut version2) = (Version1::default(), Version2::agreed());
    encryption::fuzz(bytes);
    // A command and its body for each piece; the head is one that fits.
    let length = usize::from(bytes.first().copied().unwrap_or(0)).max(4);
    for piece in bytes.get(1..).unwrap_or_default().chunks(length) {
        let command = piece[0];
        let mut old = b"\xffSMB".to_vec();
        old.extend([command, 0, 0, 0, 0, 0x18, 1, 0xc8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        old.extend([1 + command % 2, 0, 0, 0, 1, 0, 0, 0]);
        old.extend(&piece[1..]);
        let _ = version1.receive(&old, &mut server, &mut version2, &mut out);
        let mut new = b"\xfeSMB\x40\0\0\0\0\0\0\0".to_vec();
        new.extend([command % 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        new.extend([0; 12]);
        new.extend([1 + command % 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        new.resize(64, 0);
        new.extend(&piece[1..]);
        let _ = version2.receive(&new, &mut server, &mut out);
        let _ = (out.take_reply(), out.take_seen());
    }
    version1.end(&mut out);
    server.end(&mut out);
}
