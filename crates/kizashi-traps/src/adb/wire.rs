//! Messages: 24 bytes of head (command, two arguments, length, sum, the command's complement), then data. What breaks this ends the connection,
//! as adbd ends it.

use crate::capture::Capture;

pub(super) const CONNECT: u32 = u32::from_le_bytes(*b"CNXN");
pub(super) const AUTHENTICATE: u32 = u32::from_le_bytes(*b"AUTH");
pub(super) const OPEN: u32 = u32::from_le_bytes(*b"OPEN");
pub(super) const READY: u32 = u32::from_le_bytes(*b"OKAY");
pub(super) const WRITE: u32 = u32::from_le_bytes(*b"WRTE");
pub(super) const CLOSE: u32 = u32::from_le_bytes(*b"CLSE");

/// Bytes of data that are taken in one message: what Android 7 takes, of older boxes more than the 4,096 that are agreed on, for clients that
/// do not listen.
pub(super) const LONGEST: usize = 256 * 1024;
const HEAD: usize = 24;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) command: u32,
    pub(super) first: u32,
    pub(super) second: u32,
    pub(super) data: Vec<u8>,
}

pub(super) enum Incoming {
    More,
    Message(Message),
    Broken,
}

#[derive(Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn begins_with(&self, bytes: &[u8]) -> bool {
        self.buffer.starts_with(bytes)
    }

    pub(super) fn next(&mut self) -> Incoming {
        let Some(head) = self.buffer.get(..HEAD) else { return Incoming::More };
        let word = |at: usize| {
            head[4 * at..4 * at + 4].first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
        };
        let (command, length) = (word(0), usize::try_from(word(3)).unwrap_or(usize::MAX));
        if word(5) != !command || length > LONGEST {
            return Incoming::Broken;
        }
        let (first, second) = (word(1), word(2));
        if self.buffer.len() < HEAD + length {
            return Incoming::More;
        }
        let rest = self.buffer.split_off(HEAD + length);
        let whole = std::mem::replace(&mut self.buffer, rest);
        Incoming::Message(Message { command, first, second, data: whole[HEAD..].to_vec() })
    }

    /// What is no whole message.
    pub(super) fn drain_into(&mut self, capture: &mut Capture) {
        capture.feed(&std::mem::take(&mut self.buffer));
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len()
    }
}

/// A message's bytes.
pub(super) fn message(command: u32, first: u32, second: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(0);
    let sum = data.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    let head = [command, first, second, length, sum, !command].map(u32::to_le_bytes);
    [&head.concat()[..], data].concat()
}
