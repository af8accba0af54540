//! One connection: a greeting, and then packets, which are kept.

use std::sync::Arc;

use kizashi_event::Timestamp;

use crate::capture::Capture;
use crate::datagram::note;
use crate::framed::{self, Frame, Framed, Messages, Next};
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

/// The mark of each packet; its kind, and its length, little-endian, follow.
const MARK: [u8; 2] = [0x17, 0x24];
const HEAD: usize = 5;

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    Framed::begin(Waiting(identity.randomness()))
}

struct Waiting(Randomness);

impl Messages for Waiting {
    const LONGEST: usize = 16 * 1024;

    fn open(&mut self, _now: Timestamp, out: &mut Output) {
        // Kind 10, 32 bytes: a number of its own, then what nmap's expression holds to be TeamViewer's.
        let number: [u8; 4] = self.0.bytes();
        let constant = [0x68, 0x42, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x11, 0x80];
        out.reply(&[&MARK[..], &[0x0a, 0x20, 0], &number, &constant, &[0; 14]].concat());
    }

    fn frame(&self, held: &[u8]) -> Frame {
        if !MARK.starts_with(&held[..held.len().min(2)]) {
            return Frame::Foreign;
        }
        match held.get(..HEAD) {
            Some(head) => Frame::Whole(HEAD + usize::from(u16::from_le_bytes([head[3], head[4]]))),
            None => Frame::More,
        }
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let kind = message.get(2).copied().unwrap_or(0);
        note(out, "teamviewer packet", format!("{kind} {}", message.len() - HEAD));
        framed::keep(Capture::of(message), out);
        Next::Go
    }
}
