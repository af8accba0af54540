//! Messages of protocol 3.0: a letter, a length, content; the first ones without a letter. What is longer than [`LONGEST`] is hashed and
//! dropped.

use kizashi_event::{Payload, PayloadOrigin};

use crate::capture::Capture;

/// Bytes of one message that are held.
pub(super) const LONGEST: usize = 96 * 1024;
/// `MAX_STARTUP_PACKET_LENGTH`.
const LONGEST_FIRST: usize = 10_000;

/// What came.
pub(super) enum Incoming {
    More,
    /// A message without a letter: its code and content.
    First(u32, Vec<u8>),
    Message(u8, Vec<u8>),
    TooLong(Box<Payload>),
    /// No length that a message could have.
    Broken,
}

/// Bytes on their way to messages.
#[derive(Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    /// From the first message with a letter on.
    pub(super) lettered: bool,
    /// A message that is too long: how much of it is to come, and what came.
    long: Option<(usize, Capture)>,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    pub(super) fn next(&mut self) -> Incoming {
        if self.long.is_some() {
            return self.swallow();
        }
        let head = if self.lettered { 1 } else { 0 };
        let Some(length) = self.buffer.get(head..head + 4).and_then(|four| four.first_chunk())
        else {
            return Incoming::More;
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !self.lettered {
            if !(8..=LONGEST_FIRST).contains(&length) {
                return Incoming::Broken;
            }
            let Some(content) = self.cut(length) else { return Incoming::More };
            let code = content.get(4..8).and_then(|four| four.first_chunk());
            let code = code.map_or(0, |four| u32::from_be_bytes(*four));
            return Incoming::First(code, content[8..].to_vec());
        }
        if !(4..=0x3fff_ffff).contains(&length) {
            return Incoming::Broken;
        }
        let letter = self.buffer[0];
        if length > LONGEST {
            self.buffer.drain(..5);
            self.long = Some((length - 4, Capture::default()));
            return self.swallow();
        }
        match self.cut(length + 1) {
            Some(content) => Incoming::Message(letter, content[5..].to_vec()),
            None => Incoming::More,
        }
    }

    /// So many bytes off the front.
    fn cut(&mut self, count: usize) -> Option<Vec<u8>> {
        if self.buffer.len() < count {
            return None;
        }
        let rest = self.buffer.split_off(count);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    fn swallow(&mut self) -> Incoming {
        let Some((mut left, mut capture)) = self.long.take() else {
            return Incoming::More;
        };
        let count = left.min(self.buffer.len());
        capture.feed(&self.buffer[..count]);
        self.buffer.drain(..count);
        left -= count;
        if left == 0 {
            return Incoming::TooLong(Box::new(capture.finish(PayloadOrigin::Sent)));
        }
        self.long = Some((left, capture));
        Incoming::More
    }

    /// What is no whole message.
    pub(super) fn drain_into(&mut self, capture: &mut Capture) {
        if let Some((_, long)) = self.long.take() {
            if capture.size() == 0 {
                *capture = long;
            } else {
                capture.feed(long.content());
            }
        }
        capture.feed(&std::mem::take(&mut self.buffer));
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len() + self.long.as_ref().map_or(0, |(_, capture)| capture.content().len())
    }
}

/// A message to the client.
pub(super) fn message(letter: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
    [&[letter], &length[..], content].concat()
}

/// A message's content as it is read; nothing where it ends too early.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    pub(super) fn short(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|two| u16::from_be_bytes(*two))
    }

    pub(super) fn long(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|four| u32::from_be_bytes(*four))
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let taken = self.take(end)?;
        self.take(1)?;
        Some(taken)
    }

    /// A value with its length before it; `Some(None)` where it is NULL.
    pub(super) fn value(&mut self) -> Option<Option<&'a [u8]>> {
        let length = self.long()?;
        if length == u32::MAX {
            return Some(None);
        }
        self.take(usize::try_from(length).ok()?).map(Some)
    }
}
