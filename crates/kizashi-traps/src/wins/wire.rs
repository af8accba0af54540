//! Messages of WINS' replication (MS-WINSRA 2.2): a length, then a head of four words; all big-endian.

/// Bytes of a message taken, without its length; one that asks for or brings records has fewer.
pub(super) const LONGEST: usize = 16 * 1024;
const LENGTH: usize = 4;
const HEAD: usize = 16;
/// Of every message: the bits that name its opcode are zero.
const OPCODE: u32 = 0x7800;

pub(super) const START: u32 = 0;
pub(super) const START_ANSWER: u32 = 1;
pub(super) const STOP: u32 = 2;
pub(super) const REPLICATION: u32 = 3;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Whose association it is: ours, where we gave it out.
    pub(super) association: u32,
    pub(super) kind: u32,
    pub(super) body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    More,
    Message(Message),
    /// No length that is one: the bytes held.
    Foreign(Vec<u8>),
}

/// Puts messages together.
#[derive(Debug, Default)]
pub(super) struct Messages {
    held: Vec<u8>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_be_bytes(*four))
}

impl Messages {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Read {
        if self.held.len() < LENGTH {
            return Read::More;
        }
        let length = usize::try_from(word(&self.held, 0)).unwrap_or(usize::MAX);
        if !(HEAD - LENGTH..=LONGEST).contains(&length) {
            return Read::Foreign(self.rest());
        }
        if self.held.len() < LENGTH + length {
            return Read::More;
        }
        let rest = self.held.split_off(LENGTH + length);
        let whole = std::mem::replace(&mut self.held, rest);
        Read::Message(Message {
            association: word(&whole, 8),
            kind: word(&whole, 12),
            body: whole.get(HEAD..).unwrap_or_default().to_vec(),
        })
    }

    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(super) const fn held(&self) -> usize {
        self.held.len()
    }
}

/// Writes a message.
pub(super) fn message(association: u32, kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEAD - LENGTH + body.len()).unwrap_or(0);
    let head = [length, OPCODE, association, kind].map(u32::to_be_bytes).concat();
    [&head, body].concat()
}

/// See [`crate::fuzz::wins_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut messages = Messages::default();
    messages.push(bytes);
    while let Read::Message(message) = messages.next() {
        assert!(message.body.len() <= LONGEST);
    }
}
