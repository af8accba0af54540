//! The classic capture file (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/>): a header of 24 bytes, then records. The
//! magic number tells byte order and whether fractions are micro- or nanoseconds; a variant of Linux 2.x has 8 bytes more a record.

use kizashi_event::Timestamp;

use super::{Broken, Found, LONGEST_RECORD, Order, Step};
use crate::dissect::LinkType;

/// What the file's header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    order: Order,
    is_nano: bool,
    record_header: usize,
    link: LinkType,
}

pub(super) const HEADER: usize = 24;

/// Byte order, nanoseconds, and bytes of a record's header by the magic number.
fn magic(head: [u8; 4]) -> Option<(Order, bool, usize)> {
    Some(match head {
        [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, false, 16),
        [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, false, 16),
        [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, true, 16),
        [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, true, 16),
        [0x34, 0xcd, 0xb2, 0xa1] => (Order::Little, false, 24),
        [0xa1, 0xb2, 0xcd, 0x34] => (Order::Big, false, 24),
        _ => return None,
    })
}

/// Whether a file begins like this one.
pub(super) fn is_pcap(head: &[u8]) -> bool {
    head.first_chunk::<4>().is_some_and(|head| magic(*head).is_some())
}

impl Pcap {
    pub(super) fn open(header: &[u8; HEADER]) -> Option<Self> {
        let (order, is_nano, record_header) = magic(*header.first_chunk::<4>()?)?;
        // The upper half holds the length of a frame's checksum, which no reader of ours needs.
        let link = u16::try_from(order.u32(header, 20)? & 0xffff).ok()?;
        Some(Self { order, is_nano, record_header, link: LinkType(link) })
    }

    /// The record at the beginning of these bytes.
    pub(super) fn step(&self, bytes: &[u8]) -> Result<Step, Broken> {
        let order = self.order;
        let fields =
            (order.u32(bytes, 0), order.u32(bytes, 4), order.u32(bytes, 8), order.u32(bytes, 12));
        let (Some(seconds), Some(fraction), Some(captured), Some(original)) = fields else {
            return Ok(Step::More(self.record_header));
        };
        let length = usize::try_from(captured).unwrap_or(usize::MAX);
        if length > LONGEST_RECORD {
            return Err(Broken::RecordLength);
        }
        let whole = self.record_header + length;
        if bytes.len() < whole {
            return Ok(Step::More(whole));
        }
        let micros = if self.is_nano { fraction / 1_000 } else { fraction };
        let time = i64::from(seconds) * Timestamp::SECOND + i64::from(micros);
        let time = Timestamp::from_micros(time);
        let data = self.record_header..whole;
        let found = Found { data, time, link: self.link, original, mark: None };
        Ok(Step::Packet { taken: whole, found })
    }
}
