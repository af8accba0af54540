//! One visit: requests to the controller, answered from drawn values and from what the visitor himself wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::datagram::{Reader, note};
use crate::draw::Draw;
use crate::framed::{Frame, Framed, Messages, Next};
use crate::hexadecimal::hexadecimal;
use crate::{Identity, Output, Session, Visit};

/// Transaction, protocol, length, unit.
const HEAD: usize = 7;
/// Registers (`%MW`) and coils (`%M`) of the controller.
const REGISTERS: u16 = 8_000;
const COILS: u16 = 1_024;
/// Values of a visitor's that are kept.
const MOST_WRITTEN: usize = 256;
/// Registers that move.
const MOVING: u16 = 16;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;

const MODELS: [&str; 3] = ["TM221CE16R", "TM221CE24R", "TM221CE40R"];
const REVISIONS: [&str; 4] = ["V1.5.1.0", "V1.6.0.1", "V1.6.2.0", "V1.10.2.2"];

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    let draw = Draw::new(identity.seed(), "modbus device");
    let objects = [
        "Schneider Electric",
        draw.one_of(0, &MODELS).unwrap_or(MODELS[0]),
        draw.one_of(1, &REVISIONS).unwrap_or(REVISIONS[0]),
    ];
    let written = BTreeMap::new();
    Framed::begin(Controller { identity: Arc::clone(identity), objects, written })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Coils,
    Registers,
}

impl Table {
    const fn size(self) -> u16 {
        match self {
            Self::Coils => COILS,
            Self::Registers => REGISTERS,
        }
    }
}

struct Controller {
    identity: Arc<Identity>,
    /// What the device says of itself: objects 0 to 2 of its identification.
    objects: [&'static str; 3],
    written: BTreeMap<(Table, u16), u16>,
}

/// An answer without its function, or an exception.
type Answer = Result<Vec<u8>, u8>;

impl Controller {
    fn value(&self, table: Table, address: u16, now: Timestamp) -> u16 {
        if let Some(value) = self.written.get(&(table, address)) {
            return *value;
        }
        let draw = Draw::new(self.identity.seed(), "modbus values");
        let place = u64::from(address);
        if table == Table::Coils {
            return u16::try_from(draw.below(place, 5) / 4).unwrap_or(0);
        }
        let still = draw.below(1 << 20 | place, 1_000);
        // A saw of a minute or more; most of what a program does not use is zero.
        let moves = u64::try_from(now.seconds()).unwrap_or(0) % (60 + 7 * place);
        let value = match place {
            place if place < u64::from(MOVING) => still + moves,
            place if place < 100 => still,
            _ => 0,
        };
        u16::try_from(value).unwrap_or(0)
    }

    fn write(&mut self, table: Table, address: u16, value: u16) {
        if self.written.len() < MOST_WRITTEN || self.written.contains_key(&(table, address)) {
            self.written.insert((table, address), value);
        }
    }

    fn read(&self, function: u8, body: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        let (table, name, most) = match function {
            1 => (Table::Coils, "coils", 2_000),
            2 => (Table::Coils, "inputs", 2_000),
            3 => (Table::Registers, "holding registers", 125),
            _ => (Table::Registers, "input registers", 125),
        };
        let (address, count) = span(&mut Reader(body), table, most)?;
        note(out, "modbus read", format!("{count} {name} from {address}"));
        Ok(self.values(table, address, count, now))
    }

    /// Values with the count of their bytes before them.
    fn values(&self, table: Table, address: u16, count: u16, now: Timestamp) -> Vec<u8> {
        let values = (address..address + count).map(|address| self.value(table, address, now));
        let bytes: Vec<u8> = match table {
            Table::Registers => values.flat_map(u16::to_be_bytes).collect(),
            Table::Coils => {
                let values: Vec<u16> = values.collect();
                let byte = |bits: &[u16]| {
                    let set = bits.iter().enumerate().filter(|(_, value)| **value != 0);
                    set.fold(0, |byte, (bit, _)| byte | 1 << bit)
                };
                values.chunks(8).map(byte).collect()
            }
        };
        [&[u8::try_from(bytes.len()).unwrap_or(0)][..], &bytes].concat()
    }

    /// Coil or register, one.
    fn write_one(&mut self, function: u8, body: &[u8], out: &mut Output) -> Answer {
        let mut reader = Reader(body);
        let address = reader.be16().ok_or(ILLEGAL_VALUE)?;
        let value = reader.be16().ok_or(ILLEGAL_VALUE)?;
        let (table, name) = match function {
            5 => (Table::Coils, "coil"),
            _ => (Table::Registers, "register"),
        };
        if address >= table.size() {
            return Err(ILLEGAL_ADDRESS);
        }
        if table == Table::Coils && !matches!(value, 0 | 0xff00) {
            return Err(ILLEGAL_VALUE);
        }
        note(out, "modbus write", format!("{name} {address} = {value}"));
        self.write(table, address, if table == Table::Coils { value >> 15 } else { value });
        Ok(body.get(..4).unwrap_or_default().to_vec())
    }

    /// Coils or registers, several.
    fn write_many(&mut self, function: u8, body: &[u8], out: &mut Output) -> Answer {
        let mut reader = Reader(body);
        let (table, name, most) = match function {
            15 => (Table::Coils, "coils", 1_968),
            _ => (Table::Registers, "registers", 123),
        };
        let (address, count) = span(&mut reader, table, most)?;
        let bytes = usize::from(reader.byte().ok_or(ILLEGAL_VALUE)?);
        let wanted = match table {
            Table::Coils => usize::from(count).div_ceil(8),
            Table::Registers => 2 * usize::from(count),
        };
        let values = reader.take(bytes).filter(|_| bytes == wanted).ok_or(ILLEGAL_VALUE)?;
        let value = |place: u16| {
            let place = usize::from(place);
            match table {
                Table::Coils => u16::from(values[place / 8] >> (place % 8) & 1),
                Table::Registers => u16::from_be_bytes([values[2 * place], values[2 * place + 1]]),
            }
        };
        let mut told = format!("{name} from {address} =");
        for place in 0..count {
            self.write(table, address + place, value(place));
            let _ = write!(told, " {}", value(place));
        }
        note(out, "modbus write", told);
        Ok(body.get(..4).unwrap_or_default().to_vec())
    }

    /// A register's bits: kept where the first mask has them, set to the second's elsewhere.
    fn mask(&mut self, body: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        let mut reader = Reader(body);
        let mut next = || reader.be16().ok_or(ILLEGAL_VALUE);
        let (address, and, or) = (next()?, next()?, next()?);
        if address >= REGISTERS {
            return Err(ILLEGAL_ADDRESS);
        }
        note(out, "modbus write", format!("register {address} and {and:#06x} or {or:#06x}"));
        let value = self.value(Table::Registers, address, now);
        self.write(Table::Registers, address, value & and | or & !and);
        Ok(body.get(..6).unwrap_or_default().to_vec())
    }

    /// Writes registers, then reads others.
    fn exchange(&mut self, body: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        let mut reader = Reader(body);
        let (address, count) = span(&mut reader, Table::Registers, 125)?;
        self.write_many(16, reader.0, out)?;
        note(out, "modbus read", format!("{count} holding registers from {address}"));
        Ok(self.values(Table::Registers, address, count, now))
    }

    /// Basic identification, all of it or one object (clause 6.21).
    fn identification(&self, body: &[u8]) -> Answer {
        let [14, code, object] = *body else { return Err(ILLEGAL_VALUE) };
        let from = match code {
            // A stream begins anew where the object is unknown.
            1..=3 => {
                if usize::from(object) < self.objects.len() {
                    usize::from(object)
                } else {
                    0
                }
            }
            4 if usize::from(object) < self.objects.len() => usize::from(object),
            4 => return Err(ILLEGAL_ADDRESS),
            _ => return Err(ILLEGAL_VALUE),
        };
        let until = if code == 4 { from + 1 } else { self.objects.len() };
        let mut answer = vec![14, code, 0x81, 0, 0, u8::try_from(until - from).unwrap_or(0)];
        for (number, object) in self.objects.iter().enumerate().take(until).skip(from) {
            answer.extend([
                u8::try_from(number).unwrap_or(0),
                u8::try_from(object.len()).unwrap_or(0),
            ]);
            answer.extend(object.bytes());
        }
        Ok(answer)
    }

    fn answer(&mut self, function: u8, body: &[u8], now: Timestamp, out: &mut Output) -> Answer {
        match function {
            1..=4 => self.read(function, body, now, out),
            5 | 6 => self.write_one(function, body, out),
            15 | 16 => self.write_many(function, body, out),
            22 => self.mask(body, now, out),
            23 => self.exchange(body, now, out),
            _ => {
                let told = format!("function {function} {}", hexadecimal(body));
                note(out, "modbus request", told.trim_end());
                match function {
                    8 if body.starts_with(&[0, 0]) => Ok(body.to_vec()),
                    43 => self.identification(body),
                    _ => Err(ILLEGAL_FUNCTION),
                }
            }
        }
    }
}

/// A first address and a count that the table has.
fn span(reader: &mut Reader<'_>, table: Table, most: u16) -> Result<(u16, u16), u8> {
    let address = reader.be16().ok_or(ILLEGAL_VALUE)?;
    let count = reader.be16().ok_or(ILLEGAL_VALUE)?;
    if !(1..=most).contains(&count) {
        return Err(ILLEGAL_VALUE);
    }
    let end = address.checked_add(count).filter(|end| *end <= table.size());
    end.map(|_| (address, count)).ok_or(ILLEGAL_ADDRESS)
}

impl Messages for Controller {
    const LONGEST: usize = 260;

    fn frame(&self, held: &[u8]) -> Frame {
        let mut reader = Reader(held.get(2..).unwrap_or_default());
        let (Some(protocol), Some(length)) = (reader.be16(), reader.be16()) else {
            return Frame::More;
        };
        if protocol != 0 {
            return Frame::Foreign;
        }
        // No function has the number 0 or one with the mark of an exception: such a one is refused whatever the length.
        match held.get(HEAD) {
            Some(0 | 0x80..) => Frame::Whole(HEAD + 1),
            Some(_) if (2..=254).contains(&length) => Frame::Whole(HEAD - 1 + usize::from(length)),
            Some(_) => Frame::Foreign,
            None => Frame::More,
        }
    }

    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) -> Next {
        let (Some(head), Some((function, body))) =
            (message.get(..HEAD), message.get(HEAD..).and_then(|pdu| pdu.split_first()))
        else {
            return Next::Go;
        };
        let answer = match self.answer(*function, body, now, out) {
            Ok(answer) => [&[*function][..], &answer].concat(),
            Err(exception) => vec![function | 0x80, exception],
        };
        let length = u16::try_from(answer.len() + 1).unwrap_or(2);
        out.reply(&[&head[..4], &length.to_be_bytes(), &head[6..], &answer].concat());
        Next::Go
    }

    fn held(&self) -> usize {
        self.written.len() * size_of::<((Table, u16), u16)>()
    }
}
