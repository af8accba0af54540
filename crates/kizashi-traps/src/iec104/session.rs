//! One visit of a controlling station: frames, and the units inside those that are numbered.

use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::hexadecimal::hexadecimal;
use crate::{Identity, Output, Session, Visit};

/// Types of units (IEC 60870-5-101, 7.2.1).
const SINGLE_POINT: u8 = 1;
const DOUBLE_POINT: u8 = 3;
const MEASURED: u8 = 13;
const INTERROGATION: u8 = 100;
const COUNTERS: u8 = 101;
const READ: u8 = 102;
const END_OF_INITIALISATION: u8 = 70;

/// Causes of transmission.
const REQUESTED: u8 = 5;
const ACTIVATION: u8 = 6;
const CONFIRMED: u8 = 7;
const DEACTIVATION: u8 = 8;
const TERMINATED: u8 = 10;
const INTERROGATED: u8 = 20;
const UNKNOWN_TYPE: u8 = 44;
const UNKNOWN_CAUSE: u8 = 45;
const UNKNOWN_STATION: u8 = 46;
const UNKNOWN_ADDRESS: u8 = 47;
/// The mark of a negative confirmation.
const NEGATIVE: u8 = 0x40;

/// Every station.
const GLOBAL: u16 = 0xffff;

/// Where each kind of points and of commands begins.
const SINGLES: u32 = 1_001;
const DOUBLES: u32 = 2_001;
const MEASURES: u32 = 3_001;
const COMMANDS: u32 = 5_001;

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "iec104 station");
    let count = |place, least, span| u32::try_from(least + draw.below(place, span)).unwrap_or(8);
    Framed::begin(Station {
        identity: Arc::clone(identity),
        address: u16::try_from(1 + draw.below(0, 40)).unwrap_or(1),
        counts: [count(1, 12, 12), count(2, 4, 8), count(3, 8, 12)],
        transfers: false,
        initialised: false,
        sent: 0,
        received: 0,
    })
}

struct Station {
    identity: Arc<Identity>,
    address: u16,
    /// Single points, double points, measured values.
    counts: [u32; 3],
    transfers: bool,
    initialised: bool,
    sent: u16,
    received: u16,
}

/// A unit's head and what follows it.
struct Unit<'a> {
    kind: u8,
    qualifier: u8,
    cause: u8,
    originator: u8,
    station: u16,
    content: &'a [u8],
}

impl<'a> Unit<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (kind, qualifier) = (reader.byte()?, reader.byte()?);
        let (cause, originator) = (reader.byte()?, reader.byte()?);
        let station = reader.le16()?;
        Some(Self { kind, qualifier, cause, originator, station, content: reader.0 })
    }

    fn object(&self) -> Option<u32> {
        let bytes = self.content.get(..3)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]))
    }
}

impl Station {
    fn confirm(&mut self, unit: &Unit<'_>, cause: u8, out: &mut Output) {
        let station = if unit.station == GLOBAL && cause & 0x3f < UNKNOWN_TYPE {
            self.address
        } else {
            unit.station
        };
        self.send(unit, unit.kind, unit.qualifier, cause, station, unit.content, out);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a unit")]
    fn send(
        &mut self,
        to: &Unit<'_>,
        kind: u8,
        qualifier: u8,
        cause: u8,
        station: u16,
        content: &[u8],
        out: &mut Output,
    ) {
        let length = u8::try_from(content.len() + 10).unwrap_or(u8::MAX);
        let mut frame = vec![0x68, length];
        frame.extend((self.sent << 1).to_le_bytes());
        frame.extend((self.received << 1).to_le_bytes());
        frame.extend([kind, qualifier, cause, to.originator]);
        frame.extend(station.to_le_bytes());
        frame.extend(content);
        self.sent = self.sent.wrapping_add(1) & 0x7fff;
        out.reply(&frame);
    }

    /// A point's value with its quality, by kind.
    fn value(&self, kind: u8, number: u32, now: Timestamp) -> Vec<u8> {
        let draw = Draw::new(self.identity.seed(), "iec104 points");
        let place = u64::from(kind) << 32 | u64::from(number);
        match kind {
            SINGLE_POINT => vec![u8::try_from(draw.below(place, 8) / 7).unwrap_or(0)],
            // Off or on.
            DOUBLE_POINT => vec![if draw.below(place, 4) == 0 { 1 } else { 2 }],
            _ => {
                let still = draw.below(place, 4_000);
                let moves =
                    u64::try_from(now.seconds()).unwrap_or(0) % (50 + 13 * u64::from(number));
                let tenths = u16::try_from(still + moves).unwrap_or(0);
                [&(f32::from(tenths) / 10.0).to_le_bytes()[..], &[0]].concat()
            }
        }
    }

    fn kinds(&self) -> [(u8, u32, u32); 3] {
        let [singles, doubles, measures] = self.counts;
        [
            (SINGLE_POINT, SINGLES, singles),
            (DOUBLE_POINT, DOUBLES, doubles),
            (MEASURED, MEASURES, measures),
        ]
    }

    fn interrogate(&mut self, unit: &Unit<'_>, now: Timestamp, out: &mut Output) {
        self.confirm(unit, CONFIRMED, out);
        if unit.kind == INTERROGATION {
            for (kind, first, count) in self.kinds() {
                // One address, then values in a row.
                let mut content = first.to_le_bytes()[..3].to_vec();
                (0..count).for_each(|number| content.extend(self.value(kind, number, now)));
                let qualifier = 0x80 | u8::try_from(count).unwrap_or(1);
                self.send(unit, kind, qualifier, INTERROGATED, self.address, &content, out);
            }
        }
        self.confirm(unit, TERMINATED, out);
    }

    fn read(&mut self, unit: &Unit<'_>, now: Timestamp, out: &mut Output) {
        let object = unit.object().unwrap_or(0);
        let found = self.kinds().into_iter().find_map(|(kind, first, count)| {
            let number = object.checked_sub(first).filter(|number| *number < count)?;
            Some((kind, self.value(kind, number, now)))
        });
        match found {
            Some((kind, value)) => {
                let content = [&object.to_le_bytes()[..3], &value].concat();
                self.send(unit, kind, 1, REQUESTED, self.address, &content, out);
            }
            None => self.confirm(unit, UNKNOWN_ADDRESS | NEGATIVE, out),
        }
    }

    fn command(&mut self, unit: &Unit<'_>, out: &mut Output) {
        let known = unit.object().is_some_and(|object| (COMMANDS..COMMANDS + 32).contains(&object));
        match unit.cause & 0x3f {
            ACTIVATION | DEACTIVATION if !known => {
                self.confirm(unit, UNKNOWN_ADDRESS | NEGATIVE, out);
            }
            ACTIVATION => {
                self.confirm(unit, CONFIRMED, out);
                // What is selected only is not over yet.
                if unit.content.get(3).is_none_or(|value| value & 0x80 == 0) {
                    self.confirm(unit, TERMINATED, out);
                }
            }
            DEACTIVATION => self.confirm(unit, 9, out),
            _ => self.confirm(unit, UNKNOWN_CAUSE | NEGATIVE, out),
        }
    }

    fn unit(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let Some(unit) = Unit::read(bytes) else {
            note(out, "iec104 request", hexadecimal(bytes));
            return out.close();
        };
        let commands = matches!(unit.kind, 45..=51 | 58..=64);
        let object = unit.object().map_or_else(|| "none".to_owned(), |object| object.to_string());
        let rest = hexadecimal(unit.content.get(3..).unwrap_or_default());
        let told = format!(
            "type {} cause {} station {} address {object} {rest}",
            unit.kind,
            unit.cause & 0x3f,
            unit.station
        );
        note(out, if commands { "iec104 command" } else { "iec104 request" }, told.trim_end());
        if unit.station != self.address && unit.station != GLOBAL {
            return self.confirm(&unit, UNKNOWN_STATION | NEGATIVE, out);
        }
        match unit.kind {
            INTERROGATION | COUNTERS => self.interrogate(&unit, now, out),
            READ => self.read(&unit, now, out),
            103..=105 | 107 => self.confirm(&unit, CONFIRMED, out),
            _ if commands => self.command(&unit, out),
            _ => self.confirm(&unit, UNKNOWN_TYPE | NEGATIVE, out),
        }
    }

    /// Frames without a number: a request has one bit, its confirmation the next.
    fn control(&mut self, control: u8, out: &mut Output) {
        let (word, answer) = match control {
            0x07 => ("STARTDT", Some(0x0b)),
            0x13 => ("STOPDT", Some(0x23)),
            0x43 => ("TESTFR", Some(0x83)),
            _ => ("unknown", None),
        };
        note(out, "iec104 control", word);
        let Some(answer) = answer else { return };
        out.reply(&[0x68, 4, answer, 0, 0, 0]);
        self.transfers = match control {
            0x07 => true,
            0x13 => false,
            _ => self.transfers,
        };
        if self.transfers && !self.initialised {
            self.initialised = true;
            let own = Unit {
                kind: END_OF_INITIALISATION,
                qualifier: 1,
                cause: 4,
                originator: 0,
                station: self.address,
                content: &[0; 4],
            };
            self.send(&own, own.kind, 1, 4, self.address, own.content, out);
        }
    }
}

impl Messages for Station {
    const LONGEST: usize = 255;

    fn frame(&self, held: &[u8]) -> Frame {
        match *held {
            [0x68] => Frame::More,
            [0x68, length @ 4..=253, ..] => Frame::Whole(2 + usize::from(length)),
            _ => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) -> Next {
        let Some((control, unit)) = message.get(2..).and_then(|rest| rest.split_at_checked(4))
        else {
            return Next::Go;
        };
        match control[0] & 3 {
            3 => self.control(control[0], out),
            // What was received is acknowledged with the next that is sent.
            1 => {}
            _ if self.transfers => {
                self.received = self.received.wrapping_add(1) & 0x7fff;
                self.unit(unit, now, out);
            }
            // Data before STARTDT ends the connection.
            _ => {
                note(out, "iec104 request", hexadecimal(message));
                out.close();
            }
        }
        Next::Go
    }
}
