//! One visit: a handshake, and then what the client wants next.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::wire::{frame, number, packet, text, with_text};
use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::{Identity, Output, Session, Visit};

const VERSIONS: [(&str, u32); 3] = [("1.20.4", 765), ("1.20.1", 763), ("1.19.4", 762)];
const MESSAGES: [&str; 4] =
    ["A Minecraft Server", "survival with friends", "SMP - whitelist only", "Vanilla SMP"];
/// Bytes of an address that are told.
const LONGEST_ADDRESS: usize = 255;

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "minecraft");
    Framed::begin(Server {
        version: draw.one_of(0, &VERSIONS).unwrap_or(VERSIONS[0]),
        message: draw.one_of(1, &MESSAGES).unwrap_or(MESSAGES[0]),
        most: draw.one_of(2, &[20, 20, 10, 8]).unwrap_or(20),
        state: State::Handshake,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Status,
    Login,
}

struct Server {
    version: (&'static str, u32),
    message: &'static str,
    most: u32,
    state: State,
}

impl Server {
    fn older_ping(&self) -> Vec<u8> {
        let (version, protocol) = self.version;
        // The protocol number stands for "newer than this ping" since 1.7.
        let shown = if protocol > 127 { 127 } else { protocol };
        let text = format!("\u{a7}1\0{shown}\0{version}\0{}\0{}\0{}", self.message, 0, self.most);
        let units: Vec<u16> = text.encode_utf16().collect();
        let length = u16::try_from(units.len()).unwrap_or(0).to_be_bytes();
        [&[0xff][..], &length, &units.into_iter().flat_map(u16::to_be_bytes).collect::<Vec<_>>()]
            .concat()
    }

    fn status(&self) -> Vec<u8> {
        let (version, protocol) = self.version;
        let (message, most) = (self.message, self.most);
        let text = format!(
            r#"{{"version":{{"name":"{version}","protocol":{protocol}}},"description":{{"text":"{message}"}},"players":{{"max":{most},"online":0}},"enforcesSecureChat":false}}"#
        );
        with_text(0, &text)
    }

    fn handshake(&mut self, reader: &mut Reader<'_>, out: &mut Output) -> Option<()> {
        let protocol = number(reader)?;
        let address = text(reader)?;
        let port = reader.be16()?;
        let next = number(reader)?;
        let address = address.get(..LONGEST_ADDRESS).unwrap_or(address);
        let shown = String::from_utf8_lossy(address);
        note(out, "minecraft handshake", format!("protocol {protocol} to {shown} {port}"));
        self.state = match next {
            1 => State::Status,
            // 3 is a client that another server has sent here.
            2 | 3 => State::Login,
            _ => return None,
        };
        Some(())
    }

    fn login(reader: &mut Reader<'_>, out: &mut Output) -> Option<()> {
        let name = text(reader)?;
        out.tell(Detail::Login {
            username: Some(HostileText::from_bytes(name)),
            password: None,
            public_key: None,
            accepted: false,
        });
        out.reply(&with_text(0, r#"{"translate":"multiplayer.disconnect.not_whitelisted"}"#));
        None
    }

    /// `None` where the conversation is over.
    fn packet(&mut self, body: &[u8], out: &mut Output) -> Option<()> {
        let mut reader = Reader(body);
        let _ = number(&mut reader)?;
        let kind = number(&mut reader)?;
        match (self.state, kind) {
            (State::Handshake, 0) => self.handshake(&mut reader, out),
            (State::Status, 0) => {
                out.reply(&self.status());
                Some(())
            }
            (State::Status, 1) => {
                out.reply(&packet(1, reader.take(8)?));
                None
            }
            (State::Login, 0) => Self::login(&mut reader, out),
            _ => None,
        }
    }
}

impl Messages for Server {
    const LONGEST: usize = 512;

    fn frame(&self, held: &[u8]) -> Frame {
        frame(held)
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        if message == [0xfe, 1] {
            out.reply(&self.older_ping());
            out.close();
        } else if self.packet(message, out).is_none() {
            out.close();
        }
        Next::Go
    }
}
