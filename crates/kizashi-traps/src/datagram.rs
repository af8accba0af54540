//! What the traps on datagrams have in common. Each datagram is looked at for a reflected flood ([`Watch`]), then by the protocol, which
//! reads it and answers with what fits: the house lets no reply leave that is longer than its request, so a protocol says less, or
//! says in its own words that there is too much to say, or nothing.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use crate::amplification::Watch;
use crate::capture::Capture;
use crate::{Identity, Output, Session, Visit};

/// Bytes of a reply at most: with the headers of IPv6 and UDP below the 1,280 that every path carries whole (RFC 8200, 5).
pub(crate) const MOST_REPLY: usize = 1_200;

/// How long a reply to this datagram may be.
pub(crate) fn room(datagram: &[u8]) -> usize {
    datagram.len().min(MOST_REPLY)
}

/// A protocol of which each datagram is a message.
pub(crate) trait Protocol: Send {
    /// Reads one datagram; what it tells goes into `out`.
    fn datagram(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) -> Answer;

    /// Nothing more will come.
    fn end(&mut self, _out: &mut Output) {}

    /// Bytes of the visitor's that are held.
    fn memory(&self) -> usize {
        0
    }
}

/// What came of a datagram.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// What to send; it is sent only where it is no longer than the datagram.
    pub(crate) reply: Option<Vec<u8>>,
    /// Everything in it was told: its bytes are not kept besides.
    pub(crate) told: bool,
}

impl Answer {
    /// Nothing is answered, and the bytes are kept.
    pub(crate) fn unread() -> Self {
        Self::default()
    }

    pub(crate) fn silent() -> Self {
        Self { reply: None, told: true }
    }

    pub(crate) fn with(reply: Vec<u8>) -> Self {
        Self { reply: Some(reply), told: true }
    }

    /// The same, and the bytes are kept.
    pub(crate) fn keeping(mut self) -> Self {
        self.told = false;
        self
    }
}

/// A session of a protocol on datagrams.
pub(crate) struct Datagrams<P> {
    watch: Watch,
    protocol: P,
}

impl<P: Protocol + 'static> Datagrams<P> {
    pub(crate) fn begin(identity: &Arc<Identity>, visit: Visit, protocol: P) -> Box<dyn Session> {
        Box::new(Self { watch: Watch::new(identity, visit), protocol })
    }
}

impl<P: Protocol> Session for Datagrams<P> {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        let answer = self.protocol.datagram(bytes, now, out);
        let repeated = self.watch.sees(bytes, now, out);
        if !answer.told && !repeated && !bytes.is_empty() {
            let payload = Capture::of(bytes).finish(PayloadOrigin::Sent);
            out.tell(Detail::Payload(Box::new(payload)));
        }
        if let Some(reply) = answer.reply.filter(|reply| reply.len() <= room(bytes)) {
            out.reply(&reply);
        }
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        self.protocol.end(out);
        self.watch.end(out);
    }

    fn memory(&self) -> usize {
        self.protocol.memory()
    }
}

/// Tells something under a name.
pub(crate) fn note(out: &mut Output, name: &str, value: impl Into<HostileText>) {
    out.tell(Detail::Note { name: name.into(), value: value.into() });
}

/// Reads along bytes; everything is `None` past their end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(crate) fn be16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn be32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn le16(&mut self) -> Option<u16> {
        self.be16().map(u16::swap_bytes)
    }

    pub(crate) fn le32(&mut self) -> Option<u32> {
        self.be32().map(u32::swap_bytes)
    }
}
