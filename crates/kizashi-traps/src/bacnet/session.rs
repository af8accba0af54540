//! Requests of one visitor to the controller.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::wire::{
    CONTROL, READ_MULTIPLE, READ_PROPERTY, REINITIALIZE, Request, WRITE_PROPERTY, aborted,
    acknowledged, property, read, refused, value,
};
use crate::datagram::{Answer, Datagrams, Protocol, note, room};
use crate::draw::Draw;
use crate::{Identity, Output, Session, Visit};

/// Requests of one session that are told.
const TOLD: usize = 64;
/// The object type of a device (clause 21), in the upper ten bits of an object's identifier.
const DEVICE: u32 = 8 << 22;
/// "buffer-overflow": the answer is longer than the client can be sent.
const OVERFLOW: u8 = 1;

struct Controller {
    instance: u32,
    name: String,
    told: Vec<String>,
}

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "bacnet device");
    let instance = u32::try_from(1_000 + draw.below(0, 99_000)).unwrap_or(1_000);
    let plant = draw.one_of(1, &["AHU", "Chiller", "Boiler", "RTU", "HVAC"]).unwrap_or("AHU");
    let name = format!("{plant}-{:02}", 1 + draw.below(2, 20));
    Datagrams::begin(identity, visit, Controller { instance, name, told: Vec::new() })
}

impl Controller {
    fn property(&self, object: u32, number: u16) -> Option<Vec<u8>> {
        let own = DEVICE | self.instance;
        // The last instance stands for whichever device is asked (clause 12.11.1).
        if object != own && object != (DEVICE | 0x003f_ffff) {
            return None;
        }
        let text = |text: &str| {
            let length = u8::try_from(text.len() + 1).unwrap_or(0);
            let head = if length > 4 { vec![0x75, length] } else { vec![0x70 | length] };
            Some([&head[..], &[0], text.as_bytes()].concat())
        };
        match number {
            75 => Some([&[0xc4][..], &own.to_be_bytes()].concat()),
            77 => text(&self.name),
            121 => text("Tridium"),
            // Tridium's number.
            120 => Some(vec![0x21, 36]),
            70 => text("NiagaraAX Station"),
            44 => text("3.8.111"),
            12 => text("Tridium 3.8.111"),
            58 => text("unknown"),
            28 => text("Local BACnet Device object"),
            _ => None,
        }
    }

    fn confirmed(&self, id: u8, service: u8, content: &[u8], room: usize) -> Vec<u8> {
        match service {
            READ_PROPERTY => {
                let asked = property(content);
                let encoded = asked.and_then(|(object, number)| self.property(object, number));
                match (asked, encoded) {
                    (Some((_, number)), Some(encoded)) => {
                        let number = u8::try_from(number).unwrap_or(0);
                        let reply = value(id, DEVICE | self.instance, number, &encoded);
                        if reply.len() <= room { reply } else { aborted(id, OVERFLOW) }
                    }
                    // Object, unknown object; property, unknown property.
                    (Some((object, _)), None) if object >> 22 != 8 => refused(id, service, 1, 31),
                    _ => refused(id, service, 2, 32),
                }
            }
            READ_MULTIPLE => aborted(id, OVERFLOW),
            WRITE_PROPERTY | CONTROL | REINITIALIZE => acknowledged(id, service),
            // "unrecognized-service" (clause 20.1.8).
            _ => super::wire::frame(&[0x60, id, 9]),
        }
    }
}

impl Protocol for Controller {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        let Some(request) = read(bytes) else { return Answer::unread() };
        let line = match &request {
            Request::Confirmed { service, content, .. } => {
                let verb = match *service {
                    READ_PROPERTY => "read property",
                    READ_MULTIPLE => "read properties",
                    WRITE_PROPERTY => "write property",
                    CONTROL => "device communication control",
                    REINITIALIZE => "reinitialize device",
                    _ => "service",
                };
                match property(content) {
                    Some((object, number)) => {
                        let (kind, instance) = (object >> 22, object & 0x003f_ffff);
                        format!("{verb} {number} of {kind},{instance}")
                    }
                    None => format!("{verb} ({service})"),
                }
            }
            Request::Unconfirmed { service: 8 } => "who-is".to_owned(),
            Request::Unconfirmed { service } => format!("unconfirmed service {service}"),
            Request::Link { function } => format!("link function {function}"),
        };
        if self.told.len() < TOLD && !self.told.contains(&line) {
            note(out, "bacnet", line.as_str());
            self.told.push(line);
        }
        match request {
            Request::Confirmed { id, service, content } => {
                let reply = Answer::with(self.confirmed(id, service, content, room(bytes)));
                let harmless = matches!(service, READ_PROPERTY | READ_MULTIPLE);
                if harmless { reply } else { reply.keeping() }
            }
            _ => Answer::silent().keeping(),
        }
    }

    fn memory(&self) -> usize {
        self.told.iter().map(String::len).sum()
    }
}
