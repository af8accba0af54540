//! Sessions of protocols whose bytes are messages, each with an end of its own: what is held and how much of it, when to stop because
//! replies wait, pauses, TLS that begins in the middle, and what becomes of bytes that are no message, once for all of them. A protocol is
//! then how long a message is and what is answered to it; it never meets half of one.

use std::time::Duration;

use kizashi_event::{Detail, PayloadOrigin, Timestamp};

use crate::capture::Capture;
use crate::tls::TlsSession;
use crate::{Limits, Output, Session};

/// What a session costs at most, for the traps that want nothing else: a message, a piece of the visitor's bytes behind it and what is kept.
pub(crate) const LIMITS: Limits = Limits {
    received: 1024 * 1024,
    duration: Duration::from_secs(600),
    idle: Duration::from_secs(60),
    memory: 160 * 1024,
    details: 1024,
    reply: 96 * 1024,
};

/// What the bytes held begin with. Bytes that come later never change what was said of those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Too few to say.
    More,
    /// A message of so many bytes, whether or not all of them are there.
    Whole(usize),
    /// No message of this protocol.
    Foreign,
}

/// How it goes on after a message.
#[allow(dead_code, reason = "each protocol goes on in its own way")]
pub(crate) enum Next {
    Go,
    /// The answer comes after this pause, by [`Messages::resume`].
    Pause(Duration),
    /// What comes next is TLS with a session inside.
    Tls(Box<TlsSession>),
}

/// A protocol made of messages.
pub(crate) trait Messages: Send {
    /// Bytes of a message; a longer one is none.
    const LONGEST: usize;

    /// The connection is made.
    fn open(&mut self, _now: Timestamp, _out: &mut Output) {}

    /// Where the message ends that these bytes, at least one, begin.
    fn frame(&self, held: &[u8]) -> Frame;

    /// Answers a message.
    fn message(&mut self, message: &[u8], now: Timestamp, out: &mut Output) -> Next;

    /// The pause that was asked for is over.
    fn resume(&mut self, _now: Timestamp, _out: &mut Output) -> Next {
        Next::Go
    }

    /// What came is no message; it is kept, whatever is answered.
    fn foreign(&mut self, out: &mut Output) {
        out.close();
    }

    /// The visitor was silent for too long.
    fn idle(&mut self, _out: &mut Output) {}

    /// The visitor has gone in the middle of this message.
    fn half(&mut self, rest: &[u8], out: &mut Output) {
        keep(Capture::of(rest), out);
    }

    /// Nothing more comes.
    fn end(&mut self, _out: &mut Output) {}

    /// Bytes of the visitor's that the protocol itself holds.
    fn held(&self) -> usize {
        0
    }
}

/// A visit in such a protocol.
pub(crate) struct Framed<P> {
    protocol: P,
    /// Bytes that no message has taken yet.
    held: Vec<u8>,
    paused: bool,
    /// What came after the conversation's end, or is no message.
    surplus: Option<Capture>,
    tls: Option<Box<TlsSession>>,
}

impl<P: Messages + 'static> Framed<P> {
    pub(crate) fn begin(protocol: P) -> Box<dyn Session> {
        Box::new(Self { protocol, held: Vec::new(), paused: false, surplus: None, tls: None })
    }
}

impl<P: Messages> Framed<P> {
    /// Takes messages until there is none, or one has to wait; `hurried` where nobody waits any more.
    fn work(&mut self, now: Timestamp, hurried: bool, out: &mut Output) {
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        while let Some(rest) = held.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(tls) = &mut self.tls {
                return tls.receive(rest, now, out);
            }
            if out.is_closing() {
                return self.surplus.get_or_insert_default().feed(rest);
            }
            if let Some(surplus) = &mut self.surplus {
                return surplus.feed(rest);
            }
            if self.paused {
                break;
            }
            if out.is_full() && !hurried {
                out.take_turns();
                break;
            }
            match self.protocol.frame(rest) {
                Frame::More if rest.len() <= P::LONGEST => break,
                Frame::Whole(length) if (1..=P::LONGEST).contains(&length) => {
                    let Some(message) = rest.get(..length) else { break };
                    let next = self.protocol.message(message, now, out);
                    at += length;
                    self.follow(next, now, hurried, out);
                }
                Frame::More | Frame::Whole(_) | Frame::Foreign => {
                    self.surplus = Some(Capture::default());
                    self.protocol.foreign(out);
                }
            }
        }
        self.held = held.get(at..).unwrap_or_default().to_vec();
    }

    fn follow(&mut self, next: Next, now: Timestamp, hurried: bool, out: &mut Output) {
        match next {
            Next::Go => {}
            // Nobody waits for the rest.
            Next::Pause(_) if hurried => drop(self.protocol.resume(now, out)),
            Next::Pause(pause) => {
                self.paused = true;
                out.take_turns_after(pause);
            }
            Next::Tls(mut tls) => {
                tls.open(now, out);
                self.tls = Some(tls);
            }
        }
    }
}

impl<P: Messages> Session for Framed<P> {
    fn open(&mut self, now: Timestamp, out: &mut Output) {
        self.protocol.open(now, out);
    }

    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(tls) = &mut self.tls {
            return tls.receive(bytes, now, out);
        }
        if std::mem::take(&mut self.paused) {
            let next = self.protocol.resume(now, out);
            self.follow(next, now, false, out);
        }
        self.held.extend_from_slice(bytes);
        self.work(now, false, out);
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        match &mut self.tls {
            Some(tls) => tls.idle(now, out),
            None => self.protocol.idle(out),
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if std::mem::take(&mut self.paused) {
            drop(self.protocol.resume(now, out));
        }
        self.work(now, true, out);
        if let Some(tls) = &mut self.tls {
            tls.end(now, out);
        }
        let rest = std::mem::take(&mut self.held);
        if !rest.is_empty() {
            self.protocol.half(&rest, out);
        }
        self.protocol.end(out);
        if let Some(surplus) = self.surplus.take() {
            keep(surplus, out);
        }
    }

    fn memory(&self) -> usize {
        let surplus = self.surplus.as_ref().map_or(0, |surplus| surplus.content().len());
        let tls = self.tls.as_ref().map_or(0, |tls| tls.memory());
        self.held.len() + surplus + tls + self.protocol.held()
    }
}

/// Tells content that came as the protocol's own bytes.
pub(crate) fn keep(content: Capture, out: &mut Output) {
    if content.size() > 0 {
        out.tell(Detail::Payload(Box::new(content.finish(PayloadOrigin::Sent))));
    }
}

/// A line as a message: it ends with a line feed.
pub(crate) fn line(held: &[u8]) -> Frame {
    let end = held.iter().position(|byte| *byte == b'\n');
    end.map_or(Frame::More, |end| Frame::Whole(end + 1))
}

/// A line without its end.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use kizashi_event::Service;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

    /// A length of one byte, then so many; `p` pauses, a length of 255 is foreign.
    #[derive(Default)]
    struct Echo(Vec<u8>);

    impl Messages for Echo {
        const LONGEST: usize = 100;

        fn frame(&self, held: &[u8]) -> Frame {
            match held[0] {
                255 => Frame::Foreign,
                length => Frame::Whole(1 + usize::from(length)),
            }
        }

        fn message(&mut self, message: &[u8], _now: Timestamp, out: &mut Output) -> Next {
            if message.get(1) == Some(&b'p') {
                self.0 = message.to_vec();
                return Next::Pause(Duration::from_secs(2));
            }
            out.reply(&message[1..]);
            Next::Go
        }

        fn resume(&mut self, _now: Timestamp, out: &mut Output) -> Next {
            out.reply(&self.0);
            Next::Go
        }
    }

    fn payloads(out: &mut Output) -> Vec<Vec<u8>> {
        let seen = out.take_seen();
        let content = seen.iter().filter_map(|seen| seen.detail.payload());
        content.map(|payload| payload.content.clone()).collect()
    }

    #[test]
    fn a_message_is_met_whole_and_half_of_one_is_told_at_the_end() {
        let (mut session, mut out) =
            (Framed::begin(Echo::default()), Output::new(Service::UNKNOWN));
        session.receive(b"\x02a", NOW, &mut out);
        assert!(out.take_reply().is_empty());
        session.receive(b"b\x01c\x05d", NOW, &mut out);
        assert_eq!((out.take_reply(), session.memory()), (b"abc".to_vec(), 2));
        session.end(NOW, &mut out);
        assert_eq!(payloads(&mut out), [b"\x05d"]);
    }

    #[test]
    fn what_is_too_long_or_foreign_ends_the_conversation_and_is_kept() {
        for bytes in [b"\x01a\xff rest", b"\x01a\xc8 rest"] {
            let (mut session, mut out) =
                (Framed::begin(Echo::default()), Output::new(Service::UNKNOWN));
            session.receive(bytes, NOW, &mut out);
            assert!(out.is_closing());
            session.receive(b" and more", NOW, &mut out);
            session.end(NOW, &mut out);
            assert_eq!(payloads(&mut out), [[&bytes[2..], b" and more"].concat()]);
        }
    }

    #[test]
    fn what_comes_during_a_pause_waits_for_the_answer_before_it() {
        let (mut session, mut out) =
            (Framed::begin(Echo::default()), Output::new(Service::UNKNOWN));
        session.receive(b"\x01p\x01a", NOW, &mut out);
        assert_eq!(out.turn().map(|turn| turn.pause), Some(Duration::from_secs(2)));
        assert!(out.take_reply().is_empty());
        session.receive(&[], NOW, &mut out);
        assert_eq!(out.take_reply(), b"\x01pa");
    }
}
