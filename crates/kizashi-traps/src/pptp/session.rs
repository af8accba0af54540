//! One control connection: messages of fixed lengths.

use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

use crate::datagram::{Reader, note};
use crate::framed::{Frame, Framed, Messages, Next};
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

/// The mark of every message, and the kind of those that control.
const MAGIC: u32 = 0x1a2b_3c4d;
const CONTROL: u16 = 1;
/// The longest: the start and its reply.
const START: usize = 156;

pub(super) fn begin(identity: &Arc<Identity>, _visit: Visit) -> Box<dyn Session> {
    Framed::begin(Concentrator { randomness: identity.randomness(), call: 0 })
}

struct Concentrator {
    randomness: Randomness,
    call: u16,
}

/// A name in 64 bytes.
fn name(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    &bytes[..end]
}

fn padded(text: &str) -> [u8; 64] {
    let mut field = [0; 64];
    for (byte, letter) in field.iter_mut().zip(text.bytes()) {
        *byte = letter;
    }
    field
}

/// A message of this kind.
fn written(kind: u16, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = u16::try_from(body.len() + 12).unwrap_or(0).to_be_bytes();
    [&length[..], &[0, 1], &MAGIC.to_be_bytes(), &kind.to_be_bytes(), &[0, 0], &body].concat()
}

const fn word(kind: u16) -> &'static str {
    match kind {
        1 => "start",
        2 => "start reply",
        3 => "stop",
        5 => "echo",
        7 => "outgoing call",
        9 => "incoming call",
        12 => "clear call",
        15 => "set link info",
        _ => "unknown",
    }
}

impl Concentrator {
    fn start(message: &[u8], out: &mut Output) {
        let field = |at: usize| name(message.get(at..at + 64).unwrap_or_default());
        let client = [field(28), b" ", field(92)].concat();
        if !client.trim_ascii().is_empty() {
            let version = Some(HostileText::from_bytes(client.trim_ascii()));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        // Version 1.0, success; framing and bearer of either kind, one channel, firmware 1.
        let facts = [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        out.reply(&written(2, &[&facts, &padded("local"), &padded("linux")]));
    }
}

impl Messages for Concentrator {
    const LONGEST: usize = START + 64;

    fn frame(&self, held: &[u8]) -> Frame {
        let mut reader = Reader(held);
        let (Some(length), Some(kind), Some(magic)) = (reader.be16(), reader.be16(), reader.be32())
        else {
            return Frame::More;
        };
        if kind != CONTROL || magic != MAGIC || length < 12 {
            return Frame::Foreign;
        }
        Frame::Whole(usize::from(length))
    }

    fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
        let number = |at: usize| {
            message.get(at..at + 2).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let kind = number(8);
        note(out, "pptp request", word(kind));
        let expected = match kind {
            1 => START,
            5 | 12 => 16,
            7 => 168,
            _ => message.len(),
        };
        if message.len() != expected {
            out.close();
            return Next::Go;
        }
        match kind {
            1 => Self::start(message, out),
            3 => {
                out.reply(&written(4, &[&[1, 0, 0, 0]]));
                out.close();
            }
            5 => out.reply(&written(6, &[&message[12..16], &[1, 0, 0, 0]])),
            7 => {
                self.call = (self.randomness.number() as u16).max(1);
                // Connected at 100,000,000 bits a second, window 3.
                let speed = 100_000_000_u32.to_be_bytes();
                let own = self.call.to_be_bytes();
                out.reply(&written(
                    8,
                    &[&own, &message[12..14], &[1, 0, 0, 0], &speed, &[0, 3, 0, 0, 0, 0, 0, 0]],
                ));
            }
            12 => {
                out.reply(&written(
                    13,
                    &[&self.call.to_be_bytes(), &[4, 0, 0, 0, 0, 0], &[0; 128]],
                ));
            }
            15 => {}
            _ => out.close(),
        }
        Next::Go
    }
}
