//! Content on its way in: hashed whole, kept up to a bound.

use kizashi_event::{Payload, PayloadHash, PayloadOrigin};
use sha2::{Digest, Sha256};

/// Hashes all it is fed and keeps the first [`Capture::KEPT`] bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture {
    hasher: Sha256,
    size: u64,
    content: Vec<u8>,
}

impl Capture {
    /// Bytes of content kept.
    pub(crate) const KEPT: usize = 64 * 1024;

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut capture = Self::default();
        capture.feed(bytes);
        capture
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.feed_within(bytes, Self::KEPT);
    }

    /// The same where at most `room` more bytes may be kept.
    pub(crate) fn feed_within(&mut self, bytes: &[u8], room: usize) {
        // Content is a beginning: once a byte was left out, none is kept.
        let whole = self.size == self.content.len() as u64;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        if whole {
            let room = room.min(Self::KEPT - self.content.len());
            self.content.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Bytes fed so far.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// What is kept so far.
    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    pub(crate) fn finish(self, origin: PayloadOrigin) -> Payload {
        Payload {
            sha256: PayloadHash(self.hasher.finalize().into()),
            size: Some(self.size),
            content: self.content,
            origin,
            name: None,
            url: None,
            left_out: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_bound_the_hash_and_the_size_go_on_and_the_content_stops() {
        let mut capture = Capture::default();
        for _ in 0..10_000 {
            capture.feed(&[7; 100]);
        }
        let payload = capture.finish(PayloadOrigin::Sent);
        assert_eq!((payload.size, payload.content.len()), (Some(1_000_000), Capture::KEPT));
        let whole = Capture::of(&vec![7; 1_000_000]).finish(PayloadOrigin::Sent);
        assert_eq!(payload.sha256, whole.sha256);
    }
}
