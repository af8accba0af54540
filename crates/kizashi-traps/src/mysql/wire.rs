//! Packets of the client/server protocol (`sql/net_serv.cc`; MariaDB's "Client/Server Protocol" pages): three bytes of length, a number, content.
//! What is longer than [`LONGEST`] is hashed and dropped. [`Fields`] reads content whose lengths may lie.

use kizashi_event::{Payload, PayloadOrigin};

use crate::capture::Capture;

/// Bytes of one packet that are held.
pub(super) const LONGEST: usize = 96 * 1024;
const HEAD: usize = 4;

/// What came.
pub(super) enum Incoming {
    More,
    /// Its number and content.
    Packet(u8, Vec<u8>),
    TooLong(u8, Box<Payload>),
    /// Not the number that was expected: another protocol, mostly. It is left where it is.
    OutOfOrder,
}

/// Bytes on their way to packets.
#[derive(Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    /// The number that the next packet must have, where only one will do.
    pub(super) expected: Option<u8>,
    /// A packet that is too long: its number, what is to come, what came.
    long: Option<(u8, usize, Capture)>,
}

impl Reader {
    /// One whose first packet must have this number.
    pub(super) fn expecting(number: u8) -> Self {
        Self { expected: Some(number), ..Self::default() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Incoming {
        if self.long.is_none() {
            let Some(&[a, b, c, number]) = self.buffer.first_chunk::<HEAD>() else {
                return Incoming::More;
            };
            if self.expected.is_some_and(|expected| expected != number) {
                return Incoming::OutOfOrder;
            }
            let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
            if length <= LONGEST {
                if self.buffer.len() < HEAD + length {
                    return Incoming::More;
                }
                let rest = self.buffer.split_off(HEAD + length);
                let packet = std::mem::replace(&mut self.buffer, rest);
                return Incoming::Packet(number, packet[HEAD..].to_vec());
            }
            self.buffer.drain(..HEAD);
            self.long = Some((number, length, Capture::default()));
        }
        let Some((number, mut left, mut capture)) = self.long.take() else {
            return Incoming::More;
        };
        let count = left.min(self.buffer.len());
        capture.feed(&self.buffer[..count]);
        self.buffer.drain(..count);
        left -= count;
        if left == 0 {
            return Incoming::TooLong(number, Box::new(capture.finish(PayloadOrigin::Sent)));
        }
        self.long = Some((number, left, capture));
        Incoming::More
    }

    /// Gives away what no packet has taken, for what follows is none.
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// What is no whole packet.
    pub(super) fn rest(&mut self) -> Capture {
        let mut capture = self.long.take().map(|(_, _, capture)| capture).unwrap_or_default();
        capture.feed(&std::mem::take(&mut self.buffer));
        capture
    }

    /// Gives away what is there, after the end.
    pub(super) fn drain_into(&mut self, capture: &mut Capture) {
        let rest = self.rest();
        if capture.size() == 0 {
            *capture = rest;
        } else {
            capture.feed(rest.content());
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len() + self.long.as_ref().map_or(0, |(.., capture)| capture.content().len())
    }
}

/// Packets of one answer, numbered on from the question's.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) bytes: Vec<u8>,
    number: u8,
}

impl Packets {
    pub(super) const fn after(question: u8) -> Self {
        Self { bytes: Vec::new(), number: question.wrapping_add(1) }
    }

    /// Puts a packet there; contents are answers, which are far below the 16 MiB of one packet.
    pub(super) fn put(&mut self, content: &[u8]) {
        let length = u32::try_from(content.len()).unwrap_or(0).to_le_bytes();
        self.bytes.extend_from_slice(&length[..3]);
        self.bytes.push(self.number);
        self.bytes.extend_from_slice(content);
        self.number = self.number.wrapping_add(1);
    }
}

/// A number of one to nine bytes.
pub(super) fn length(number: u64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    match number {
        0..=250 => vec![bytes[0]],
        251..=0xffff => [&[0xfc], &bytes[..2]].concat(),
        0x1_0000..=0xff_ffff => [&[0xfd], &bytes[..3]].concat(),
        _ => [&[0xfe], &bytes[..]].concat(),
    }
}

/// Text with its length before it.
pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    [&length(bytes.len() as u64)[..], bytes].concat()
}

/// A packet's content as it is read; nothing where it ends too early.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(taken.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    pub(super) fn until_zero(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let taken = self.take(end)?;
        self.take(1)?;
        Some(taken)
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        self.take(length)
    }

    /// A number with its own length.
    pub(super) fn count(&mut self) -> Option<usize> {
        let number = match self.number(1)? {
            0xfc => self.number(2)?,
            0xfd => self.number(3)?,
            0xfe => self.number(8)?,
            short => short,
        };
        usize::try_from(number).ok()
    }
}
