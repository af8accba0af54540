//! Plays a visitor's bytes to a session as the house would, and checks after every call what a session owes the house.

use std::sync::Arc;

use kizashi_event::{Port, Timestamp, Transport};

use super::transcript::{Step, Transcript};
use crate::trap::PIECE;
use crate::{DatagramReply, Identity, Limits, Output, Seen, Session, Trap, Visit};

/// How a visitor's bytes are cut on their way.
pub(super) enum Cut {
    Whole,
    Bytes,
    Random(u64),
}

impl Cut {
    fn next(&mut self) -> usize {
        match self {
            Self::Whole => PIECE,
            Self::Bytes => 1,
            Self::Random(state) => {
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let length =
                    [1, 2, 3, 7, 40, 400, PIECE][usize::try_from(*state >> 33).unwrap() % 7];
                length.min(PIECE)
            }
        }
    }
}

/// What came of one step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) reply: Vec<u8>,
    pub(super) seen: Vec<Seen>,
    pub(super) closed: bool,
}

/// A session being played to.
pub(super) struct Play {
    session: Box<dyn Session>,
    out: Output,
    limits: Limits,
    datagrams: bool,
    /// Datagrams are never to be answered.
    mute: bool,
    ended: bool,
    told: usize,
    outcomes: Vec<Outcome>,
}

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

impl Play {
    pub(super) fn begin(trap: &Trap, identity: Identity, port: Port) -> Self {
        let identity = Arc::new(identity);
        let source = "192.0.2.7".parse().unwrap();
        let visit = Visit { source, destination: "192.0.2.1".parse().ok(), port, encrypted: false };
        let mut play = Self {
            session: (trap.begin)(&identity, visit),
            out: Output::new(trap.service.clone()),
            limits: trap.limits,
            datagrams: port.transport == Transport::Udp,
            mute: port.transport == Transport::Udp && trap.datagrams == DatagramReply::Never,
            ended: false,
            told: 0,
            outcomes: vec![Outcome::default()],
        };
        play.session.open(NOW, &mut play.out);
        play.settle();
        play
    }

    /// Plays a whole transcript; one outcome for the greeting, then one a step.
    pub(super) fn run(trap: &Trap, transcript: &Transcript, cut: &mut Cut) -> Vec<Outcome> {
        let mut play = Self::begin(trap, transcript.identity(), transcript.port());
        for step in transcript.steps() {
            play.outcomes.push(Outcome::default());
            match step {
                Step::Visitor(bytes) => play.give(bytes, cut),
                other => play.step(other),
            }
        }
        play.outcomes
    }

    pub(super) fn give(&mut self, bytes: &[u8], cut: &mut Cut) {
        if self.datagrams {
            self.session.receive(bytes, NOW, &mut self.out);
            let before = self.outcomes.last().map_or(0, |outcome| outcome.reply.len());
            self.settle();
            let reply = self.outcomes.last().map_or(0, |outcome| outcome.reply.len()) - before;
            assert!(reply <= bytes.len(), "{reply} bytes for {}", bytes.len());
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(cut.next().min(rest.len()));
            self.session.receive(piece, NOW, &mut self.out);
            self.settle();
            rest = left;
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Visitor(bytes) => return self.give(bytes, &mut Cut::Whole),
            Step::Idle => self.session.idle(NOW, &mut self.out),
            Step::End => {}
        }
        if !self.ended {
            self.ended = true;
            self.settle();
            self.session.end(NOW, &mut self.out);
        }
        self.settle();
    }

    /// The whole of it: bytes answered, and all that was told.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<Seen>) {
        let mut all = (Vec::new(), Vec::new());
        for outcome in self.outcomes {
            all.0.extend(outcome.reply);
            all.1.extend(outcome.seen);
        }
        all
    }

    fn settle(&mut self) {
        for turn in 0.. {
            assert!(turn < 10_000, "a session that takes turns for ever");
            let outcome = self.outcomes.last_mut().unwrap();
            let reply = self.out.take_reply();
            assert!(reply.len() <= self.limits.reply, "{} bytes of reply at once", reply.len());
            assert!(!self.mute || reply.is_empty(), "a reply to a datagram");
            outcome.reply.extend(reply);
            let seen = self.out.take_seen();
            self.told += seen.len();
            assert!(
                self.datagrams || self.told <= self.limits.details as usize,
                "{} details",
                self.told
            );
            outcome.seen.extend(seen);
            outcome.closed = self.out.is_closing();
            let memory = self.session.memory();
            assert!(memory <= self.limits.memory, "{memory} bytes held");
            if !self.out.wants_turn() {
                return;
            }
            self.session.receive(&[], NOW, &mut self.out);
        }
    }
}

/// All that was told in these outcomes.
pub(super) trait Told {
    fn seen(&self) -> Vec<&Seen>;
}

impl Told for Vec<Outcome> {
    fn seen(&self) -> Vec<&Seen> {
        self.iter().flat_map(|outcome| &outcome.seen).collect()
    }
}
