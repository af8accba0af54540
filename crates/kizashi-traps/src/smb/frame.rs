//! Messages on the wire: a type, a length and a body, as NetBIOS' session service has them (RFC 1002, 4.3) and TCP 445 after it (MS-SMB2 2.1).

/// Bytes of a message taken: a write of 64 KiB with its head. EternalBlue's grooms announce 65,527.
pub(super) const LONGEST: usize = 0x1_0000 + 1_024;
const HEAD: usize = 4;

/// What there is of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    More,
    Message(Vec<u8>),
    /// A session is asked for by name (port 139).
    SessionRequest,
    KeepAlive,
    /// No such type, or too long: the bytes held.
    Foreign(Vec<u8>),
}

/// Puts messages together.
#[derive(Debug, Default)]
pub(super) struct Frames {
    held: Vec<u8>,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Read {
        let Some(kind) = self.held.first() else { return Read::More };
        if !matches!(kind, 0 | 0x81 | 0x85) {
            return Read::Foreign(self.rest());
        }
        let Some(head) = self.held.first_chunk::<HEAD>() else { return Read::More };
        let length = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
        let kind = head[0];
        if length > LONGEST {
            return Read::Foreign(self.rest());
        }
        if self.held.len() < HEAD + length {
            return Read::More;
        }
        let rest = self.held.split_off(HEAD + length);
        let mut message = std::mem::replace(&mut self.held, rest);
        match kind {
            0x81 => Read::SessionRequest,
            0x85 => Read::KeepAlive,
            _ => {
                message.drain(..HEAD);
                Read::Message(message)
            }
        }
    }

    /// What is held of a message that is not whole.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}

/// A message with its head.
pub(super) fn message(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&[0], &length[1..], body].concat()
}
