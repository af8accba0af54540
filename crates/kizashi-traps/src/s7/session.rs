//! One visit: a connection, then jobs and requests of the system's services, each answered at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::szl::{self, Names};
use super::wire::{JOB, Message, Transport, USERDATA, confirmed, frame};
use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::hexadecimal::hexadecimal;
use crate::{Identity, Output, Session, Visit};

/// Bytes of a PDU, the head included.
const PDU: usize = 240;
/// Where the CPU stands.
const SLOT: u8 = 2;
/// Items of a job.
const MOST_ITEMS: usize = 20;
/// Bytes of a visitor's that are kept.
const MOST_WRITTEN: usize = 512;

const NO_OBJECT: u8 = 0x0a;
const NO_ADDRESS: u8 = 0x05;
const DONE: u8 = 0xff;

/// The CPU's user, for the policy: a password is all that there is.
const OWNER: &[u8] = b"admin";

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Framed::begin(Cpu {
        names: Names::draw(identity),
        identity: Arc::clone(identity),
        visit,
        running: true,
        written: BTreeMap::new(),
        rest: Vec::new(),
        sequence: 0,
    })
}

struct Cpu {
    identity: Arc<Identity>,
    visit: Visit,
    names: Names,
    running: bool,
    /// What was written, by area, block and byte.
    written: BTreeMap<(u8, u16, u32), u8>,
    /// What is left of a list.
    rest: Vec<u8>,
    sequence: u8,
}

/// Which bytes or bits an item means.
#[derive(Clone, Copy)]
struct Place {
    bit: bool,
    length: usize,
    block: u16,
    area: u8,
    address: u32,
}

impl Place {
    /// An item in the form "any", of 12 bytes.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let item = reader.take(12)?;
        let [0x12, 0x0a, 0x10, kind, ..] = *item else { return None };
        let number = |at: usize| u16::from_be_bytes([item[at], item[at + 1]]);
        // Bit, byte, character; words; double words and reals; counters and timers.
        let size = match kind {
            1..=3 => 1,
            4 | 5 | 0x1c | 0x1d => 2,
            6..=8 => 4,
            _ => return None,
        };
        let address = u32::from_be_bytes([0, item[9], item[10], item[11]]);
        let length = usize::from(number(4)) * size;
        Some(Self { bit: kind == 1, length, block: number(6), area: item[8], address })
    }

    fn first(self) -> u32 {
        self.address / 8
    }

    /// Why it cannot be had.
    fn missing(self) -> Option<u8> {
        let bytes = match self.area {
            // Inputs, outputs, flags.
            0x81..=0x83 => 2_048,
            0x84 if (1..=8).contains(&self.block) => 1_024,
            0x1c | 0x1d => 512,
            _ => return Some(NO_OBJECT),
        };
        let end = usize::try_from(self.first()).unwrap_or(usize::MAX).saturating_add(self.length);
        (end > bytes || self.length == 0).then_some(NO_ADDRESS)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.area {
            0x81 => write!(formatter, "I")?,
            0x82 => write!(formatter, "Q")?,
            0x83 => write!(formatter, "M")?,
            0x84 => write!(formatter, "DB{}.", self.block)?,
            other => write!(formatter, "area {other:#04x} ")?,
        }
        write!(formatter, "{}.{} ({} bytes)", self.first(), self.address % 8, self.length)
    }
}

impl Cpu {
    fn byte(&self, place: Place, offset: usize) -> u8 {
        let at = place.first().saturating_add(u32::try_from(offset).unwrap_or(0));
        let key = (place.area, place.block, at);
        if let Some(byte) = self.written.get(&key) {
            return *byte;
        }
        // Few bytes of a program's memory are in use.
        let draw = Draw::new(self.identity.seed(), "s7 memory");
        let number =
            draw.number(u64::from(place.area) << 40 | u64::from(place.block) << 24 | u64::from(at));
        if number.is_multiple_of(4) { (number >> 8) as u8 } else { 0 }
    }

    fn job(&mut self, message: &Message<'_>, out: &mut Output) {
        let reply = match message.parameters.first() {
            Some(0xf0) => {
                let wanted = message
                    .parameters
                    .get(6..8)
                    .map_or(PDU, |bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
                let size = u16::try_from(wanted.clamp(64, PDU)).unwrap_or(240).to_be_bytes();
                message.acknowledged(0, &[0xf0, 0, 0, 1, 0, 1, size[0], size[1]], &[])
            }
            Some(4) => self.read(message, out),
            Some(5) => self.write(message, out),
            Some(function @ (0x28 | 0x29)) => {
                self.control(*function, message.parameters, out);
                message.acknowledged(0, &[*function], &[])
            }
            function => {
                tell_request(message, out);
                let function = function.copied().unwrap_or(0);
                // "The object was not found", for what loads blocks; else "not implemented".
                let error = if (0x1a..=0x1f).contains(&function) { 0xd209 } else { 0x8104 };
                message.acknowledged(error, &[function], &[])
            }
        };
        out.reply(&reply);
    }

    fn read(&self, message: &Message<'_>, out: &mut Output) -> Vec<u8> {
        let mut reader = Reader(message.parameters.get(2..).unwrap_or_default());
        let count = message.parameters.get(1).map_or(0, |count| usize::from(*count));
        let mut data = Vec::new();
        let mut told = Vec::new();
        for _ in 0..count.min(MOST_ITEMS) {
            let Some(place) = Place::read(&mut reader) else {
                data.extend([NO_OBJECT, 0, 0, 0]);
                continue;
            };
            told.push(place.to_string());
            data.resize(data.len().next_multiple_of(2), 0);
            let room = PDU.saturating_sub(18 + data.len());
            match place.missing().or((place.length > room).then_some(NO_ADDRESS)) {
                Some(fault) => data.extend([fault, 0, 0, 0]),
                None => data.extend(self.item(place)),
            }
        }
        note(out, "s7 read", told.join(", "));
        message.acknowledged(0, &[4, u8::try_from(count.min(MOST_ITEMS)).unwrap_or(0)], &data)
    }

    fn item(&self, place: Place) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..place.length).map(|offset| self.byte(place, offset)).collect();
        if place.bit {
            // A bit is sent as a byte, and its length in bits.
            bytes.truncate(1);
            bytes.iter_mut().for_each(|byte| *byte = *byte >> (place.address % 8) & 1);
            return [&[DONE, 3, 0, 1][..], &bytes].concat();
        }
        let bits = u16::try_from(8 * bytes.len()).unwrap_or(0).to_be_bytes();
        [&[DONE, 4][..], &bits, &bytes].concat()
    }

    fn write(&mut self, message: &Message<'_>, out: &mut Output) -> Vec<u8> {
        let mut places = Reader(message.parameters.get(2..).unwrap_or_default());
        let mut values = Reader(message.data);
        let count =
            message.parameters.get(1).map_or(0, |count| usize::from(*count)).min(MOST_ITEMS);
        let (mut codes, mut told) = (Vec::new(), String::new());
        for _ in 0..count {
            let place = Place::read(&mut places);
            let value = value(&mut values);
            let (Some(place), Some(value)) = (place, value) else {
                codes.push(NO_OBJECT);
                continue;
            };
            let _ = write!(told, "{place} = {} ", hexadecimal(value));
            codes.push(place.missing().unwrap_or(DONE));
            if place.missing().is_none() {
                self.store(place, value);
            }
        }
        note(out, "s7 write", told.trim_end());
        message.acknowledged(0, &[5, u8::try_from(count).unwrap_or(0)], &codes)
    }

    fn store(&mut self, place: Place, value: &[u8]) {
        for (offset, byte) in value.iter().take(place.length).enumerate() {
            let at = place.first().saturating_add(u32::try_from(offset).unwrap_or(0));
            let key = (place.area, place.block, at);
            let byte = if place.bit {
                let mask = 1 << (place.address % 8);
                let before = self.byte(place, offset);
                if *byte == 0 { before & !mask } else { before | mask }
            } else {
                *byte
            };
            if self.written.len() < MOST_WRITTEN || self.written.contains_key(&key) {
                self.written.insert(key, byte);
            }
        }
    }

    /// Start (28) and stop (29) name a service of the program's; so does copying RAM to ROM.
    fn control(&mut self, function: u8, parameters: &[u8], out: &mut Output) {
        let service = [&b"P_PROGRAM"[..], b"_MODU", b"_GARB", b"_INSE"]
            .into_iter()
            .find(|service| parameters.windows(service.len()).any(|window| window == *service));
        let program = service == Some(b"P_PROGRAM");
        let verb = match function {
            0x29 => "stop",
            _ if program => "start",
            _ => "service",
        };
        if function == 0x29 || program {
            self.running = function == 0x28;
        }
        let service = String::from_utf8_lossy(service.unwrap_or_default());
        note(out, "s7 control", format!("{verb} {service} {}", hexadecimal(parameters)));
    }

    fn services(&mut self, message: &Message<'_>, now: Timestamp, out: &mut Output) {
        let [0, 1, 0x12, _, _, group, function, sequence, ..] = *message.parameters else {
            return tell_request(message, out);
        };
        let (error, data, more) = match (group & 0x0f, function) {
            (4, 1) => self.list(message, sequence, out),
            (5, 1) => (self.password(message.data, out), vec![0x0a, 0, 0, 0], false),
            (5, 2) => (0, vec![0x0a, 0, 0, 0], false),
            (7, 1) => (0, clock(now), false),
            _ => {
                tell_request(message, out);
                (if group & 0x0f == 7 { 0 } else { 0x8104 }, vec![0x0a, 0, 0, 0], false)
            }
        };
        let [high, low] = u16::to_be_bytes(error);
        let sequence = if more || sequence != 0 { self.sequence } else { sequence };
        let head = [
            0,
            1,
            0x12,
            8,
            0x12,
            0x80 | group & 0x0f,
            function,
            sequence,
            0,
            u8::from(more),
            high,
            low,
        ];
        out.reply(&message.told(&head, &data));
    }

    /// A list of the system's state, or the next piece of one: error, data, and whether there is more.
    fn list(
        &mut self,
        message: &Message<'_>,
        sequence: u8,
        out: &mut Output,
    ) -> (u16, Vec<u8>, bool) {
        if sequence == 0 || self.rest.is_empty() {
            let mut reader = Reader(message.data.get(4..).unwrap_or_default());
            let (Some(number), Some(index)) = (reader.be16(), reader.be16()) else {
                tell_request(message, out);
                return (0xd401, vec![0x0a, 0, 0, 0], false);
            };
            note(out, "s7 list", format!("{number:04x} {index:04x}"));
            let Some(list) = szl::list(number, index, &self.names, self.running) else {
                return (0xd401, vec![0x0a, 0, 0, 0], false);
            };
            self.rest = list.bytes(number, index);
            self.sequence = self.sequence.wrapping_add(1).max(1);
        }
        // Head, parameters and the data's own head go off the PDU.
        let piece: Vec<u8> = self.rest.drain(..self.rest.len().min(PDU - 26)).collect();
        let length = u16::try_from(piece.len()).unwrap_or(0).to_be_bytes();
        (0, [&[DONE, 9][..], &length, &piece].concat(), !self.rest.is_empty())
    }

    /// Each byte is mixed with 55 and the one before the one before it.
    fn password(&self, data: &[u8], out: &mut Output) -> u16 {
        let sent = data.get(4..12).unwrap_or_default();
        let plain: Vec<u8> = (0..sent.len())
            .map(|at| sent[at] ^ 0x55 ^ if at < 2 { 0 } else { sent[at - 2] })
            .collect();
        let password = plain.trim_ascii_end();
        let accepted = self.identity.logins().admits(self.visit.source, OWNER, password);
        out.tell(Detail::Login {
            username: None,
            password: Some(HostileText::from_bytes(password)),
            public_key: None,
            accepted,
        });
        if accepted { 0 } else { 0xd602 }
    }
}

fn tell_request(message: &Message<'_>, out: &mut Output) {
    let [parameters, data] = [message.parameters, message.data].map(hexadecimal);
    note(out, "s7 request", format!("{} {parameters} {data}", message.kind));
}

/// The value of an item that is written, by the length before it: of bits for what is no octet string, filled up to even bytes.
fn value<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let _ = reader.byte()?;
    let kind = reader.byte()?;
    let length = usize::from(reader.be16()?);
    let bytes = if matches!(kind, 4 | 5) { length.div_ceil(8) } else { length };
    let value = reader.take(bytes)?;
    if bytes % 2 == 1 {
        let _ = reader.byte();
    }
    Some(value)
}

/// The CPU's clock in packed decimals.
fn clock(now: Timestamp) -> Vec<u8> {
    let text = now.rfc3339();
    let digits: Vec<u8> =
        text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let pairs = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]);
    // Century and year, month, day, hour, minute, second; milliseconds and the day of the week.
    let mut data = vec![DONE, 9, 0, 10, 0];
    data.extend(pairs.take(7));
    data.resize(14, 0);
    data
}

impl Messages for Cpu {
    const LONGEST: usize = 1_024;

    fn frame(&self, held: &[u8]) -> Frame {
        frame(held)
    }

    fn message(&mut self, packet: &[u8], now: Timestamp, out: &mut Output) -> Next {
        match Transport::of(packet) {
            Transport::Connect { reference, calling, called } => {
                let told = format!("from {} to {}", hexadecimal(calling), hexadecimal(called));
                note(out, "s7 connection", told);
                let slot = called.last().map_or(SLOT, |last| last & 0x1f);
                if matches!(slot, 0 | SLOT) {
                    out.reply(&confirmed(reference, 1, calling, called));
                } else {
                    out.close();
                }
            }
            Transport::Disconnect => out.close(),
            Transport::Data(bytes) => match Message::of(bytes) {
                Some(message) if message.kind == JOB => self.job(&message, out),
                Some(message) if message.kind == USERDATA => self.services(&message, now, out),
                _ => note(out, "s7 request", hexadecimal(bytes)),
            },
            Transport::Unknown => note(out, "s7 request", hexadecimal(packet)),
        }
        Next::Go
    }

    fn held(&self) -> usize {
        self.written.len() * size_of::<((u8, u16, u32), u8)>()
    }
}
