//! Messages of Radmin 2: `01`, length and sum in four bytes each, and a body of at most [`LONGEST`] bytes here.

/// Bytes of a body taken; a client's longest before it is let in has 33.
pub(super) const LONGEST: usize = 1024;

const HEAD: usize = 9;

/// What a byte made whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Nothing yet.
    More,
    /// A message's body, at least a byte.
    Message(Vec<u8>),
    /// What was held is no message: another mark, no length or too long a one, or a wrong sum.
    Foreign(Vec<u8>),
}

/// Puts messages together.
#[derive(Debug, Default)]
pub(super) struct Reader {
    held: Vec<u8>,
}

impl Reader {
    pub(super) fn feed(&mut self, byte: u8) -> Read {
        self.held.push(byte);
        if self.held[0] != 1 {
            return Read::Foreign(self.rest());
        }
        let Some((head, body)) = self.held.split_first_chunk::<HEAD>() else { return Read::More };
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let Some(length) =
            usize::try_from(length).ok().filter(|length| (1..=LONGEST).contains(length))
        else {
            return Read::Foreign(self.rest());
        };
        if body.len() < length {
            return Read::More;
        }
        if [head[5], head[6], head[7], head[8]] != sum(body) {
            return Read::Foreign(self.rest());
        }
        let body = body.to_vec();
        self.held.clear();
        Read::Message(body)
    }

    /// What is held of a message that is not whole.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(super) const fn held(&self) -> usize {
        self.held.len()
    }
}

/// The sum of a body: of its little-endian words, filled up with zeros, written big-endian.
fn sum(body: &[u8]) -> [u8; 4] {
    let words = body.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    });
    words.fold(0_u32, u32::wrapping_add).to_be_bytes()
}

/// A message with this body.
pub(super) fn message(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[1][..], &length.to_be_bytes(), &sum(body), body].concat()
}
