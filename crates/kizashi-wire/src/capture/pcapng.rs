//! The next generation of capture files (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/>): blocks, each with its length
//! before and behind. Sections may differ in byte order, interfaces in link type and clock. Blocks without packets (names,
//! statistics, secrets, anybody's own) are passed over whatever their length.

use kizashi_event::{EventId, Timestamp};

use super::write::{APPLICATION, mark_of};
use super::{Broken, Found, LONGEST_RECORD, Order, Step};
use crate::dissect::LinkType;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_COMMENT: u16 = 1;
const OPTION_APPLICATION: u16 = 4;

/// Interfaces of a section at most.
const MOST_INTERFACES: usize = 4_096;

/// Whether a file begins like this one.
pub(super) fn is_pcapng(head: &[u8]) -> bool {
    head.starts_with(&SECTION.to_be_bytes())
}

/// The present section.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    order: Option<Order>,
    interfaces: Vec<Interface>,
    /// The time of the packet before: simple packets have none.
    last: Timestamp,
    /// Whether we wrote it ourselves, out of a store.
    is_ours: bool,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    /// Bytes kept of a packet; 0 is all.
    snapshot: u32,
    /// Ticks of its clock in a second.
    resolution: u64,
    /// Seconds added to every time.
    offset: i64,
}

impl Pcapng {
    /// The block at the beginning of these bytes.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<Step, Broken> {
        let Some(head) = bytes.first_chunk::<12>() else { return Ok(Step::More(12)) };
        if head[..4] == SECTION.to_be_bytes() {
            let order = match head[8..] {
                [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                _ => return Err(Broken::ByteOrder),
            };
            let length = block_length(order, head)?;
            if length < 28 {
                return Err(Broken::BlockLength);
            }
            if bytes.len() >= length.min(LONGEST_RECORD) {
                self.order = Some(order);
                self.interfaces.clear();
                let options = bytes.get(24..length.saturating_sub(4)).unwrap_or_default();
                self.is_ours = options_of(order, options)
                    .any(|(code, value)| code == OPTION_APPLICATION && value == APPLICATION);
            }
            return skip(bytes, length);
        }
        let order = self.order.ok_or(Broken::ByteOrder)?;
        let (kind, length) = (order.u32(head, 0).unwrap_or_default(), block_length(order, head)?);
        if !matches!(kind, INTERFACE | OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
            return skip(bytes, length);
        }
        if length > LONGEST_RECORD {
            return Err(Broken::RecordLength);
        }
        let Some(block) = bytes.get(..length) else { return Ok(Step::More(length)) };
        if order.u32(block, length - 4) != order.u32(block, 4) {
            return Err(Broken::BlockLength);
        }
        let body = &block[..length - 4];
        let packet = match kind {
            INTERFACE => {
                self.add_interface(order, body)?;
                None
            }
            ENHANCED_PACKET => self.packet(order, body, Packet::Enhanced),
            OLD_PACKET => self.packet(order, body, Packet::Old),
            _ => self.simple(order, body),
        };
        match packet {
            Some(found) => Ok(Step::Packet { taken: length, found }),
            None if kind == INTERFACE => Ok(Step::Skip(length)),
            None => Ok(Step::Lost(length)),
        }
    }

    fn add_interface(&mut self, order: Order, body: &[u8]) -> Result<(), Broken> {
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err(Broken::Interfaces);
        }
        let (Some(link), Some(snapshot)) = (order.u16(body, 8), order.u32(body, 12)) else {
            return Err(Broken::BlockLength);
        };
        let mut interface =
            Interface { link: LinkType(link), snapshot, resolution: 1_000_000, offset: 0 };
        for (code, value) in options_of(order, body.get(16..).unwrap_or_default()) {
            match (code, value) {
                (9, [resolution]) => interface.resolution = ticks(*resolution),
                (14, value) => {
                    interface.offset = order.u64(value, 0).map_or(0, u64::cast_signed);
                }
                _ => {}
            }
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn packet(&mut self, order: Order, body: &[u8], form: Packet) -> Option<Found> {
        let number = match form {
            Packet::Enhanced => usize::try_from(order.u32(body, 8)?).ok()?,
            Packet::Old => usize::from(order.u16(body, 8)?),
        };
        let interface = self.interfaces.get(number)?;
        let (high, low) = (order.u32(body, 12)?, order.u32(body, 16)?);
        let captured = usize::try_from(order.u32(body, 20)?).ok()?;
        let original = order.u32(body, 24)?;
        body.get(28..)?.get(..captured)?;
        let time = interface.time((u64::from(high) << 32) | u64::from(low));
        self.last = time;
        let link = interface.link;
        let mark = match self.is_ours {
            true => body.get(28 + captured.next_multiple_of(4)..).and_then(|rest| {
                options_of(order, rest)
                    .find_map(|(code, value)| mark_of(value).filter(|_| code == OPTION_COMMENT))
            }),
            false => None,
        };
        Some(Found { data: 28..28 + captured, time, link, original, mark })
    }

    fn simple(&self, order: Order, body: &[u8]) -> Option<Found> {
        let interface = self.interfaces.first()?;
        let original = order.u32(body, 8)?;
        let there = body.len().checked_sub(12)?;
        let kept =
            if interface.snapshot == 0 { original } else { original.min(interface.snapshot) };
        let captured = usize::try_from(kept).ok()?;
        if captured > there {
            return None;
        }
        let (link, mark) = (interface.link, None::<EventId>);
        Some(Found { data: 12..12 + captured, time: self.last, link, original, mark })
    }
}

/// The options of a block up to their end, or to the first that lies about its length.
fn options_of(order: Order, mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (code, length) = (order.u16(rest, 0)?, usize::from(order.u16(rest, 2)?));
        let value = rest.get(4..4 + length).filter(|_| code != 0)?;
        rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}

#[derive(Clone, Copy)]
enum Packet {
    Enhanced,
    Old,
}

impl Interface {
    fn time(&self, ticks: u64) -> Timestamp {
        let micros = u128::from(ticks) * 1_000_000 / u128::from(self.resolution.max(1));
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Timestamp::from_micros(micros.saturating_add(self.offset.saturating_mul(Timestamp::SECOND)))
    }
}

/// The option `if_tsresol`: a power of 10, or of 2 where the highest bit is set.
fn ticks(resolution: u8) -> u64 {
    let power = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}

fn block_length(order: Order, head: &[u8; 12]) -> Result<usize, Broken> {
    let length = order.u32(head, 4).and_then(|length| usize::try_from(length).ok());
    length.filter(|length| *length >= 12 && length % 4 == 0).ok_or(Broken::BlockLength)
}

/// Passes over a block; one that is longer than what is held is passed over in pieces, its second length unseen.
fn skip(bytes: &[u8], length: usize) -> Result<Step, Broken> {
    if length > LONGEST_RECORD {
        return Ok(Step::Skip(length));
    }
    match bytes.get(..length) {
        None => Ok(Step::More(length)),
        Some(block) if block[length - 4..] != block[4..8] => Err(Broken::BlockLength),
        Some(_) => Ok(Step::Skip(length)),
    }
}
