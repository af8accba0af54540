//! One connection by RFC 9113, without a socket: bytes in, whole requests out, answers back in frames as the visitor's windows allow. What it
//! holds is bounded by constants here, whatever the visitor opens, announces or never ends; what it answers depends on the bytes alone,
//! never on how they were cut.

mod receiving;
mod sending;

use std::collections::{BTreeMap, VecDeque};

use kizashi_event::Detail;

use super::dialect::Dialect;
use super::fingerprint::Fingerprint;
use super::frame::{self, Broken, ErrorCode, Frame, FrameReader};
use super::guard::{Flood, Guard};
use super::hpack::{Decoder, Encoder};
use super::message::{Form, Message};
use crate::Output;
use crate::capture::Capture;

/// What every visitor begins with (3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of fields, and of content, held for all streams together.
const HEADS: usize = 64 * 1024;
const BODIES: usize = 64 * 1024;
/// While so many bytes of answers wait for windows, the next request waits as well.
const PENDING: usize = 64 * 1024;
/// The largest window (6.9.1).
const WINDOW: i64 = 0x7fff_ffff;
/// Requests that nginx answers on one connection (`keepalive_requests`).
const REQUESTS: u32 = 1_000;

/// What the bytes so far amount to.
pub(super) enum Incoming {
    /// Nothing to do yet.
    More,
    /// So much waits to leave that no more should be read.
    Full,
    /// A whole request on this stream, to be answered by [`Connection::respond`].
    Request(u32, Message),
    /// One that gets no answer.
    Unanswered(Message),
}

#[derive(Debug)]
struct Stream {
    /// The request, until it is answered.
    message: Option<Message>,
    /// The visitor has said all.
    whole: bool,
    /// What he may be sent, and what he may send.
    window: i64,
    credit: i64,
    reply: Vec<u8>,
    sent: usize,
}

/// A block of fields that has not ended.
#[derive(Debug)]
struct Collecting {
    stream: u32,
    block: Vec<u8>,
    ends: bool,
    continuations: u32,
}

pub(super) struct Connection {
    dialect: Dialect,
    preface: usize,
    frames: FrameReader,
    decoder: Decoder,
    encoder: Encoder,
    guard: Guard,
    fingerprint: Fingerprint,
    streams: BTreeMap<u32, Stream>,
    /// The highest stream that the visitor has opened.
    last: u32,
    collecting: Option<Collecting>,
    ready: VecDeque<u32>,
    unanswered: VecDeque<Message>,
    sending: VecDeque<u32>,
    window: i64,
    initial_window: i64,
    requests: u32,
    /// Content held for all streams.
    kept: usize,
    settled: bool,
    /// No new stream is taken; the connection ends once all are answered.
    leaving: bool,
    /// It has ended; what still comes is kept.
    over: Option<Capture>,
}

impl Connection {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            preface: 0,
            frames: FrameReader::new(dialect.frame()),
            decoder: Decoder::new(),
            encoder: Encoder::new(dialect.habit()),
            guard: Guard::new(dialect),
            fingerprint: Fingerprint::default(),
            streams: BTreeMap::new(),
            last: 0,
            collecting: None,
            ready: VecDeque::new(),
            unanswered: VecDeque::new(),
            sending: VecDeque::new(),
            window: 65_535,
            initial_window: 65_535,
            requests: 0,
            kept: 0,
            settled: false,
            leaving: false,
            over: None,
        }
    }

    /// What the server says first.
    pub(super) fn open(&self, out: &mut Output) {
        let pairs = self.dialect.settings().iter();
        let settings: Vec<u8> = pairs
            .flat_map(|(id, value)| {
                id.to_be_bytes().into_iter().chain(value.to_be_bytes()).collect::<Vec<u8>>()
            })
            .collect();
        out.reply(&frame::write(4, 0, 0, &settings));
        out.reply(&frame::write(8, 0, 0, &(WINDOW - 65_535).to_be_bytes()[4..]));
    }

    /// The connection was HTTP/1.1 until now and its last request has become stream 1 (RFC 7540, 3.2).
    pub(super) fn upgraded(&mut self, settings: Vec<(u16, u32)>) {
        let _ = self.apply(&settings);
        self.fingerprint = Fingerprint::upgraded(settings);
        self.last = 1;
        self.requests = 1;
        self.streams.insert(1, self.stream(None, true));
    }

    fn stream(&self, message: Option<Message>, whole: bool) -> Stream {
        let (window, credit) = (self.initial_window, self.dialect.window());
        Stream { message, whole, window, credit, reply: Vec::new(), sent: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        match &mut self.over {
            Some(capture) => capture.feed(bytes),
            None => self.frames.push(bytes),
        }
    }

    /// The next thing to do. To be called until it says [`Incoming::More`].
    pub(super) fn next(&mut self, out: &mut Output) -> Incoming {
        loop {
            self.flush(out);
            if self.over.is_some() {
                return self.unanswered.pop_front().map_or(Incoming::More, Incoming::Unanswered);
            }
            if out.is_full() {
                return Incoming::Full;
            }
            if let Some(message) = self.unanswered.pop_front() {
                return Incoming::Unanswered(message);
            }
            if self.pending() < PENDING
                && let Some(stream) = self.ready.pop_front()
            {
                if let Some(message) = self.take_message(stream) {
                    return Incoming::Request(stream, message);
                }
                continue;
            }
            if self.leaving && self.streams.is_empty() {
                self.end(Broken(ErrorCode::NONE, ""), out);
                continue;
            }
            if self.preface < PREFACE.len() {
                match self.frames.expect(&PREFACE[self.preface..]) {
                    Some(0) => return Incoming::More,
                    Some(count) => self.preface += count,
                    None => self.end(Broken(ErrorCode::PROTOCOL, ""), out),
                }
                continue;
            }
            match self.frames.next() {
                Ok(None) => return Incoming::More,
                Ok(Some(frame)) => {
                    if let Err(broken) = self.take(frame, out) {
                        self.end(broken, out);
                    }
                }
                Err(broken) => self.end(broken, out),
            }
        }
    }

    /// Ends the connection. What came and was not understood is kept.
    fn end(&mut self, broken: Broken, out: &mut Output) {
        let Broken(code, words) = broken;
        let silent = self.dialect == Dialect::Nginx && code == ErrorCode::NONE && !self.leaving;
        if !silent {
            self.go_away(code, words, out);
        }
        out.close();
        let mut messages: Vec<Message> =
            std::mem::take(&mut self.streams).into_values().filter_map(|s| s.message).collect();
        messages.iter_mut().for_each(|message| message.form = Form::Reset);
        self.unanswered.extend(messages);
        self.kept = 0;
        let rest = self.frames.take_rest();
        let mut over = self.collected();
        over.feed(&rest);
        self.over = Some(over);
    }

    /// A block that never ended.
    fn collected(&mut self) -> Capture {
        self.collecting.take().map_or_else(Capture::default, |found| Capture::of(&found.block))
    }

    fn go_away(&self, code: ErrorCode, words: &str, out: &mut Output) {
        let mut payload = [self.last.to_be_bytes(), code.0.to_be_bytes()].concat();
        if self.dialect == Dialect::Nghttp2 {
            payload.extend_from_slice(words.as_bytes());
        }
        out.reply(&frame::write(7, 0, 0, &payload));
    }

    /// The server has waited long enough.
    pub(super) fn idle(&mut self, out: &mut Output) {
        if self.over.is_none() {
            self.leaving = true;
            self.end(Broken(ErrorCode::NONE, ""), out);
        }
    }

    fn take(&mut self, frame: Frame, out: &mut Output) -> Result<(), Broken> {
        if !self.settled {
            if self.dialect == Dialect::Nghttp2 && !matches!(frame, Frame::Settings(Some(_))) {
                return Err(Broken(ErrorCode::PROTOCOL, "SETTINGS expected"));
            }
            self.settled = true;
        }
        if let Some(collecting) = &mut self.collecting {
            match &frame {
                Frame::Continuation { stream, .. } if *stream == collecting.stream => {
                    collecting.continuations += 1;
                }
                _ => {
                    let words = "unexpected non-CONTINUATION frame or stream_id is invalid";
                    return Err(Broken(ErrorCode::PROTOCOL, words));
                }
            }
        }
        self.fingerprint.look(&frame);
        let inside = self.collecting.as_ref().map_or(0, |collecting| collecting.continuations);
        self.guard.look(&frame, inside, |flood| tell(flood, out))?;
        self.act(frame, out)
    }

    fn act(&mut self, frame: Frame, out: &mut Output) -> Result<(), Broken> {
        match frame {
            Frame::DataBegins { stream, length, .. } => self.begin_data(stream, length, out),
            Frame::Data { stream, bytes, last, ends } => {
                self.take_data(stream, &bytes, last, ends, out);
                Ok(())
            }
            Frame::Headers { stream, block, whole, ends, priority } => {
                if priority.is_some_and(|priority| priority.on == stream) {
                    return Err(Broken(ErrorCode::PROTOCOL, "depend on itself"));
                }
                self.begin_headers(stream)?;
                let collecting = Collecting { stream, block, ends, continuations: 0 };
                self.take_block(collecting, whole, out)
            }
            Frame::Continuation { block, whole, .. } => {
                let Some(mut collecting) = self.collecting.take() else {
                    return Err(Broken(ErrorCode::PROTOCOL, "CONTINUATION: unexpected"));
                };
                collecting.block.extend_from_slice(&block);
                self.take_block(collecting, whole, out)
            }
            Frame::Priority { stream, priority } if priority.on == stream => {
                Err(Broken(ErrorCode::PROTOCOL, "depend on itself"))
            }
            Frame::Reset { stream } => self.take_reset(stream),
            Frame::Settings(Some(pairs)) => {
                self.apply(&pairs)?;
                out.reply(&frame::write(4, frame::ACK, 0, &[]));
                Ok(())
            }
            Frame::PushPromise => Err(Broken(ErrorCode::PROTOCOL, "PUSH_PROMISE: push disabled")),
            Frame::Ping { data, answer: false } => {
                out.reply(&frame::write(6, frame::ACK, 0, &data));
                Ok(())
            }
            Frame::GoAway => {
                self.leaving |= self.dialect == Dialect::Nghttp2;
                Ok(())
            }
            Frame::WindowUpdate { stream, increment } => self.widen(stream, increment, out),
            Frame::Priority { .. }
            | Frame::Settings(None)
            | Frame::Ping { .. }
            | Frame::Unknown => Ok(()),
        }
    }

    /// The visitor's settings (6.5.2).
    fn apply(&mut self, pairs: &[(u16, u32)]) -> Result<(), Broken> {
        for (id, value) in pairs {
            let value = *value;
            let wrong = |words| Err(Broken(ErrorCode::PROTOCOL, words));
            match id {
                1 => self.encoder.allow(usize::try_from(value).unwrap_or(usize::MAX)),
                2 if value > 1 => return wrong("SETTINGS: invalid SETTINGS_ENBLE_PUSH"),
                4 if i64::from(value) > WINDOW => {
                    let words = "SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE";
                    return Err(Broken(ErrorCode::FLOW_CONTROL, words));
                }
                4 => {
                    let change = i64::from(value) - self.initial_window;
                    self.initial_window = i64::from(value);
                    self.streams.values_mut().for_each(|stream| stream.window += change);
                    if self.streams.values().any(|stream| stream.window > WINDOW) {
                        return Err(Broken(ErrorCode::FLOW_CONTROL, ""));
                    }
                }
                5 if !(16_384..=16_777_215).contains(&value) => {
                    return wrong("SETTINGS: invalid SETTINGS_MAX_FRAME_SIZE");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Nothing more comes: the requests that were not whole, and the bytes that were no frames.
    pub(super) fn finish_all(&mut self) -> (Vec<Message>, Capture) {
        let rest = self.frames.take_rest();
        let mut over = self.over.take().unwrap_or_else(|| self.collected());
        over.feed(&rest);
        let open = std::mem::take(&mut self.streams).into_values().filter_map(|s| s.message);
        let mut messages: Vec<Message> = self.unanswered.drain(..).collect();
        messages.extend(open.map(|mut message| {
            message.form = Form::Reset;
            message
        }));
        (messages, over)
    }

    pub(super) fn memory(&self) -> usize {
        let streams: usize = self
            .streams
            .values()
            .map(|s| s.reply.len() - s.sent + s.message.as_ref().map_or(0, Message::memory))
            .sum();
        streams
            + self.frames.memory()
            + self.decoder.memory()
            + self.encoder.memory()
            + self.collecting.as_ref().map_or(0, |collecting| collecting.block.len())
            + self.over.as_ref().map_or(0, |over| over.content().len())
            + self.unanswered.iter().map(Message::memory).sum::<usize>()
    }
}

fn tell(flood: Flood, out: &mut Output) {
    out.tell(Detail::Note { name: "http2 flood".into(), value: flood.name().into() });
}
