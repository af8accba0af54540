//! What a session gives back: bytes to send, details seen, and its wishes. Every list in it is bounded by the caller taking
//! it empty after each call, and by [`Output::is_full`], at which a session stops and asks for another turn.

use std::time::Duration;

use kizashi_event::{Detail, Service};

/// A detail with the service as it was known when it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The protocol spoken, as far as known by then.
    pub service: Service,
    /// What was done.
    pub detail: Detail,
}

/// When a session wants to be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// After so long.
    pub pause: Duration,
    /// Whether what the visitor sends meanwhile is wanted at once.
    pub listens: bool,
}

/// Collects what a session answers and tells during one visit.
#[derive(Debug)]
pub struct Output {
    service: Service,
    reply: Vec<u8>,
    shown: Vec<u8>,
    seen: Vec<Seen>,
    closing: bool,
    turn: Option<Turn>,
    patience: Option<Duration>,
}

impl Output {
    /// From so many waiting reply bytes on, a session leaves the rest of its input for its next turn.
    pub const FULL: usize = 64 * 1024;

    /// Nothing said yet, in a session of this service.
    #[must_use]
    pub const fn new(service: Service) -> Self {
        Self {
            service,
            reply: Vec::new(),
            shown: Vec::new(),
            seen: Vec::new(),
            closing: false,
            turn: None,
            patience: None,
        }
    }

    /// Sends these bytes. Nothing is sent after [`Self::close`].
    pub fn reply(&mut self, bytes: &[u8]) {
        if !self.closing {
            self.reply.extend_from_slice(bytes);
        }
    }

    /// Sends a terminal's data, in whatever form the protocol sends it, and remembers what the terminal shows.
    pub(crate) fn show(&mut self, data: &[u8], wire: &[u8]) {
        if !self.closing {
            self.reply(wire);
            self.shown.extend_from_slice(data);
        }
    }

    /// Takes what was shown since this was last asked.
    pub(crate) fn take_shown(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.shown)
    }

    /// Tells what the visitor did.
    pub fn tell(&mut self, detail: Detail) {
        self.seen.push(Seen { service: self.service.clone(), detail });
    }

    /// From here on the session is known to speak this service.
    pub fn recognise(&mut self, service: Service) {
        self.service = service;
    }

    /// Ends the conversation: replies so far are sent and the sending side is closed; what the visitor still sends is read
    /// for a moment and given to the session, so that an exploit sent in one piece is kept whole.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// The session stops reading because replies wait; it is called again when they have left.
    pub fn take_turns(&mut self) {
        self.take_turns_after(Duration::ZERO);
    }

    /// The same after a pause, as a real program would sleep: what was replied leaves at once, what comes after it waits. The
    /// house reads nothing meanwhile, and pauses a minute at most.
    pub fn take_turns_after(&mut self, pause: Duration) {
        self.turn = Some(Turn { pause, listens: false });
    }

    /// The same for a session that goes on listening: it is called after the pause without bytes, or earlier with what came.
    pub fn take_turns_listening(&mut self, pause: Duration) {
        self.turn = Some(Turn { pause, listens: true });
    }

    /// How long the visitor may be silent from now on; never more than the trap's limit.
    pub fn patience(&mut self, patience: Duration) {
        self.patience = Some(patience);
    }

    /// Whether so much reply waits that a session should stop and [`Self::take_turns`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.reply.len() >= Self::FULL
    }

    /// The service as known now.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Whether the session wishes to close.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether the session wants to be called again; asking clears it.
    pub fn wants_turn(&mut self) -> bool {
        self.turn().is_some()
    }

    /// After which pause the session wants to be called again; asking clears it.
    pub fn turn(&mut self) -> Option<Turn> {
        self.turn.take()
    }

    /// The silence last asked for.
    #[must_use]
    pub const fn patience_asked(&self) -> Option<Duration> {
        self.patience
    }

    /// Bytes that wait to leave.
    #[must_use]
    pub(crate) const fn held(&self) -> usize {
        self.reply.len() + self.shown.len()
    }

    /// Takes the bytes to send.
    pub fn take_reply(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.reply)
    }

    /// What was told and not taken yet.
    pub(crate) fn told(&self) -> impl Iterator<Item = &Detail> {
        self.seen.iter().map(|seen| &seen.detail)
    }

    /// Takes what was told.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }
}
