//! One visit: encapsulated messages, each answered at once.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::hexadecimal::hexadecimal;
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

/// Bytes before a message's data (volume 2, 2-3.1).
const HEAD: usize = 24;

const NOTHING: u16 = 0x00;
const LIST_SERVICES: u16 = 0x04;
const LIST_IDENTITY: u16 = 0x63;
const LIST_INTERFACES: u16 = 0x64;
const REGISTER: u16 = 0x65;
const UNREGISTER: u16 = 0x66;
const SEND_REQUEST: u16 = 0x6f;
const SEND_UNIT: u16 = 0x70;

const UNSUPPORTED: u32 = 1;
const NO_SESSION: u32 = 0x64;
const WRONG_DATA: u32 = 3;

/// CIP's general statuses (volume 1, appendix B).
const SERVICE_NOT_SUPPORTED: u8 = 0x08;
const ATTRIBUTE_NOT_SUPPORTED: u8 = 0x14;

const REVISIONS: [u8; 4] = [4, 7, 15, 16];

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "enip device");
    let address = match visit.destination {
        Some(IpAddr::V4(address)) => address,
        _ => Ipv4Addr::new(192, 168, 1, 10),
    };
    Framed::begin(Controller {
        randomness: identity.randomness(),
        address,
        serial: 0x4000_0000 | u32::try_from(draw.below(0, 1 << 28)).unwrap_or(0),
        minor: draw.one_of(1, &REVISIONS).unwrap_or(15),
        session: None,
    })
}

struct Controller {
    randomness: Randomness,
    address: Ipv4Addr,
    serial: u32,
    minor: u8,
    session: Option<u32>,
}

impl Controller {
    fn name(&self) -> String {
        format!("1766-L32BXB B/{}.00", self.minor)
    }

    /// The Identity object's attributes 1 to 7: maker, kind, product, revision, status, serial number, name.
    fn attributes(&self) -> [Vec<u8>; 7] {
        let name = self.name();
        let length = u8::try_from(name.len()).unwrap_or(0);
        [
            // Rockwell Automation, a programmable controller, the MicroLogix 1400.
            1_u16.to_le_bytes().to_vec(),
            14_u16.to_le_bytes().to_vec(),
            90_u16.to_le_bytes().to_vec(),
            vec![2, self.minor],
            0x34_u16.to_le_bytes().to_vec(),
            self.serial.to_le_bytes().to_vec(),
            [&[length][..], name.as_bytes()].concat(),
        ]
    }

    fn identity_item(&self) -> Vec<u8> {
        // Version of the encapsulation, then a socket's address in network order, then the attributes and the state.
        let mut item = vec![1, 0, 0, 2, 0xaf, 0x12];
        item.extend(self.address.octets());
        item.extend([0; 8]);
        item.extend(self.attributes().concat());
        item.push(3);
        items(&[(0x0c, &item)])
    }

    fn cip(&self, request: &[u8], out: &mut Output) -> Vec<u8> {
        let mut reader = Reader(request);
        let service = reader.byte().unwrap_or(0);
        let words = reader.byte().map_or(0, usize::from);
        let path = reader.take(2 * words).unwrap_or_default();
        let told = [hexadecimal(&[service]), hexadecimal(path), hexadecimal(reader.0)];
        note(out, "cip request", told.join(" ").trim_end());
        let attributes = self.attributes();
        let of_identity = path.starts_with(&[0x20, 1, 0x24, 1]);
        let answer = match service {
            1 if of_identity => Ok(attributes.concat()),
            0x0e if of_identity => {
                let wanted = path.get(5).filter(|_| path.get(4) == Some(&0x30));
                let at = wanted.and_then(|wanted| usize::from(*wanted).checked_sub(1));
                at.and_then(|at| attributes.get(at).cloned()).ok_or(ATTRIBUTE_NOT_SUPPORTED)
            }
            _ => Err(SERVICE_NOT_SUPPORTED),
        };
        let (status, content) = match answer {
            Ok(content) => (0, content),
            Err(status) => (status, Vec::new()),
        };
        [&[service | 0x80, 0, status, 0][..], &content].concat()
    }

    /// An unconnected request inside the list of items, answered in the same form.
    fn request(&self, data: &[u8], out: &mut Output) -> Result<Vec<u8>, u32> {
        let mut reader = Reader(data);
        let (Some(_interface), Some(_timeout), Some(count)) =
            (reader.le32(), reader.le16(), reader.le16())
        else {
            return Err(WRONG_DATA);
        };
        for _ in 0..count.min(8) {
            let (Some(kind), Some(length)) = (reader.le16(), reader.le16()) else { break };
            let content = reader.take(usize::from(length)).ok_or(WRONG_DATA)?;
            if kind == 0xb2 {
                let answer = self.cip(content, out);
                return Ok([&[0; 6][..], &items(&[(0, &[]), (0xb2, &answer)])].concat());
            }
        }
        Err(WRONG_DATA)
    }

    fn answer(
        &mut self,
        command: u16,
        handle: u32,
        data: &[u8],
        out: &mut Output,
    ) -> Result<Vec<u8>, u32> {
        match command {
            LIST_IDENTITY => Ok(self.identity_item()),
            LIST_SERVICES => {
                // Version 1, CIP over TCP and over UDP.
                let service = [&[1, 0, 0x20, 1][..], b"Communications\0\0"].concat();
                Ok(items(&[(0x100, &service)]))
            }
            LIST_INTERFACES => Ok(items(&[])),
            REGISTER if self.session.is_some() => Err(UNSUPPORTED),
            REGISTER if data != [1, 0, 0, 0] => Err(0x69),
            REGISTER => {
                self.session = Some(u32::from_be_bytes(self.randomness.bytes()) | 1);
                Ok(data.to_vec())
            }
            SEND_REQUEST | SEND_UNIT if self.session != Some(handle) => Err(NO_SESSION),
            SEND_REQUEST => self.request(data, out),
            _ => Err(UNSUPPORTED),
        }
    }
}

/// A list of items: kind, length and content of each.
fn items(items: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = u16::try_from(items.len()).unwrap_or(0).to_le_bytes().to_vec();
    for (kind, content) in items {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(u16::try_from(content.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(*content);
    }
    bytes
}

const fn word(command: u16) -> &'static str {
    match command {
        NOTHING => "nop",
        LIST_SERVICES => "list services",
        LIST_IDENTITY => "list identity",
        LIST_INTERFACES => "list interfaces",
        REGISTER => "register session",
        UNREGISTER => "unregister session",
        SEND_REQUEST => "send request",
        SEND_UNIT => "send unit data",
        _ => "unknown",
    }
}

impl Messages for Controller {
    const LONGEST: usize = 600;

    fn frame(&self, held: &[u8]) -> Frame {
        let mut reader = Reader(held);
        let (Some(command), Some(length)) = (reader.le16(), reader.le16()) else {
            return Frame::More;
        };
        // No command is higher than those of unit data and of indicating a status.
        if command > 0x73 { Frame::Foreign } else { Frame::Whole(HEAD + usize::from(length)) }
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let mut reader = Reader(message);
        let (Some(command), Some(_), Some(handle), Some(_status), Some(context)) =
            (reader.le16(), reader.le16(), reader.le32(), reader.le32(), reader.take(8))
        else {
            return Next::Go;
        };
        let data = message.get(HEAD..).unwrap_or_default();
        let told = match word(command) {
            "unknown" => format!("{command:#06x} {}", hexadecimal(data)),
            known => known.to_owned(),
        };
        note(out, "enip command", told.trim_end());
        match command {
            NOTHING => return Next::Go,
            UNREGISTER => {
                out.close();
                return Next::Go;
            }
            _ => {}
        }
        let (status, answer) = match self.answer(command, handle, data, out) {
            Ok(answer) => (0, answer),
            Err(status) => (status, Vec::new()),
        };
        let handle = if command == REGISTER { self.session.unwrap_or(0) } else { handle };
        let mut reply = command.to_le_bytes().to_vec();
        reply.extend(u16::try_from(answer.len()).unwrap_or(0).to_le_bytes());
        reply.extend([handle, status].map(u32::to_le_bytes).concat());
        reply.extend(context);
        reply.extend([0; 4]);
        reply.extend(answer);
        out.reply(&reply);
        Next::Go
    }
}
