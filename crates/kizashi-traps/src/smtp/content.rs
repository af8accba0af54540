//! The content of a message between `DATA` and the line with a dot (RFC 5321, 4.5.2), hashed whole and kept up to the bound of [`Capture`].
//! Line ends are kept as they came; like Postfix before 3.9, a line feed alone ends a line too.

use kizashi_event::{Payload, PayloadOrigin};

use crate::capture::Capture;

/// Bytes of a line that are looked at together; longer ones go on in pieces.
const PIECE: usize = 2048;

#[derive(Debug, Default)]
pub(super) struct Content {
    line: Vec<u8>,
    /// What is in `line` goes on with a line whose beginning was fed already.
    within: bool,
    capture: Capture,
}

impl Content {
    /// Takes a byte of a message that ends by a dot; whether it has ended.
    pub(super) fn feed(&mut self, byte: u8) -> bool {
        self.line.push(byte);
        let ends = byte == b'\n';
        if !ends && self.line.len() < PIECE {
            return false;
        }
        let over = !self.within && matches!(self.line.as_slice(), b".\r\n" | b".\n");
        if !over {
            self.flush();
            self.within = !ends;
        }
        self.line.clear();
        over
    }

    /// Takes bytes of a message whose length is told.
    pub(super) fn feed_chunk(&mut self, bytes: &[u8]) {
        self.capture.feed(bytes);
    }

    fn flush(&mut self) {
        let dotted = !self.within && self.line.first() == Some(&b'.');
        self.capture.feed(&self.line[usize::from(dotted)..]);
    }

    /// Bytes taken so far.
    pub(super) const fn size(&self) -> u64 {
        self.capture.size()
    }

    pub(super) fn held(&self) -> usize {
        self.line.len() + self.capture.content().len()
    }

    /// The message, whole or as far as it came; `None` where it is empty.
    pub(super) fn finish(mut self) -> Option<Payload> {
        self.flush();
        (self.capture.size() > 0).then(|| self.capture.finish(PayloadOrigin::Sent))
    }
}
