//! Packets out of the kernel's ring (TPACKET_V3, Linux 3.2; `Documentation/networking/packet_mmap.rst`): blocks of many packets each,
//! one after the other. What stands in a block is the kernel's, but nothing is believed of an offset: whatever does not fit ends the
//! block.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use kizashi_event::Timestamp;

use super::system::{self, Shape, SharedRing};
use crate::dissect::{Frame, LinkType};

/// 8 MB: at 200,000 first segments a second what comes in a quarter of a second, in which this process need not run.
const SHAPE: Shape = Shape { blocks: 128, block: 64 * 1024, retire_after: 20 };

/// Places in `tpacket_block_desc` and `tpacket3_hdr`, all in the machine's byte order.
mod place {
    pub(super) const PACKETS: usize = 12;
    pub(super) const FIRST: usize = 16;
    pub(super) const NEXT: usize = 0;
    pub(super) const SECONDS: usize = 4;
    pub(super) const NANOSECONDS: usize = 8;
    pub(super) const CAPTURED: usize = 12;
    pub(super) const ORIGINAL: usize = 16;
    /// `tp_mac`: where the packet begins; without a link's header that is the network's.
    pub(super) const START: usize = 24;
}

/// A socket with its ring.
pub(super) struct Ring {
    socket: OwnedFd,
    shared: SharedRing,
    next: u32,
    passed: u64,
    dropped: u64,
}

impl Ring {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        let shared = SharedRing::new(socket.as_fd(), SHAPE)?;
        Ok(Self { socket, shared, next: 0, passed: 0, dropped: 0 })
    }

    pub(super) const fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Gives every packet of one block, if one is ready; whether it was.
    pub(super) fn read_block(&mut self, take: &mut dyn FnMut(&Frame<'_>)) -> bool {
        let Some(block) = self.shared.block(self.next) else { return false };
        each_packet(block, take);
        self.shared.give_back(self.next);
        self.next = (self.next + 1) % SHAPE.blocks;
        true
    }

    /// Packets that passed the filter, and those of them that the kernel had no room for, by its own figures.
    pub(super) fn statistics(&mut self) -> io::Result<(u64, u64)> {
        let (passed, dropped) = system::statistics(self.socket.as_fd())?;
        self.passed += u64::from(passed);
        self.dropped += u64::from(dropped);
        Ok((self.passed, self.dropped))
    }
}

fn each_packet(block: &[u8], take: &mut dyn FnMut(&Frame<'_>)) {
    let (Some(packets), Some(first)) = (word(block, place::PACKETS), word(block, place::FIRST))
    else {
        return;
    };
    let mut at = first as usize;
    for _ in 0..packets {
        let Some(header) = block.get(at..) else { return };
        let Some((frame, next)) = packet(header) else { return };
        take(&frame);
        if next == 0 {
            return;
        }
        at += next;
    }
}

/// A packet and how far the next one is from it.
fn packet(header: &[u8]) -> Option<(Frame<'_>, usize)> {
    let number = |place| word(header, place).map(|number| number as usize);
    let (seconds, nanoseconds) = (word(header, place::SECONDS)?, word(header, place::NANOSECONDS)?);
    let micros = i64::from(seconds) * Timestamp::SECOND + i64::from(nanoseconds / 1_000);
    let start = header.get(place::START..place::START + 2)?.try_into().ok()?;
    let start = usize::from(u16::from_ne_bytes(start));
    let bytes = header.get(start..start.checked_add(number(place::CAPTURED)?)?)?;
    let frame = Frame {
        time: Timestamp::from_micros(micros),
        link: LinkType::RAW,
        bytes,
        original_length: word(header, place::ORIGINAL)?,
    };
    Some((frame, number(place::NEXT)?))
}

fn word(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..place + 4)?.try_into().map(u32::from_ne_bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_block_that_no_kernel_wrote_does_no_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            packets in 0_u32..9,
            first in 0_u32..80,
            next in 0_u32..90,
        ) {
            let mut block = bytes;
            let mut put = |place: usize, value: u32| {
                if let Some(word) = block.get_mut(place..place + 4) {
                    word.copy_from_slice(&value.to_ne_bytes());
                }
            };
            put(place::PACKETS, packets);
            put(place::FIRST, first);
            put(first as usize + place::NEXT, next);
            let mut taken = 0;
            each_packet(&block, &mut |frame| {
                taken += 1;
                assert!(frame.bytes.len() <= block.len());
            });
            prop_assert!(taken <= packets);
        }
    }
}
