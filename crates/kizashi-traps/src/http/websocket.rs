//! WebSocket (RFC 6455) where a rule opens one: Jenkins' CLI, Docker's attach, Kubernetes' exec, model gateways. Messages are unmasked,
//! joined, hashed whole and kept to a bound; pings and closing are answered. Nothing is held of a frame but its head, so that the length that a
//! frame announces costs nothing.

use kizashi_event::{Detail, HostileText, PayloadOrigin, Request, Timestamp};
use sha1::{Digest as _, Sha1};

use super::grammar::{is_token, values};
use super::rules::RuleAnswer;
use crate::capture::Capture;
use crate::{Output, Session};

/// The longest message that is read on; one that says it is longer is refused with 1009.
const LONGEST: u64 = 16 * 1024 * 1024;
/// The longest control frame (5.5).
const CONTROL: usize = 125;

/// The fields with which a WebSocket begins, where the request is one for it (4.2.1). Of the protocols offered the first is taken.
pub(super) fn accept(request: &Request) -> Option<Vec<(String, String)>> {
    let headers = &request.headers;
    let has = |name: &str, token: &str| {
        values(headers, name)
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    };
    let asks = request.method.raw() == "GET"
        && request.version.raw() == "HTTP/1.1"
        && has("upgrade", "websocket")
        && has("connection", "upgrade")
        && has("sec-websocket-version", "13");
    let key = values(headers, "sec-websocket-key").next().map(str::trim);
    let key = key.filter(|key| asks && key.len() == 24)?;
    let mut hasher = Sha1::new();
    hasher.update(key.as_bytes());
    hasher.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = super::rules::base64(&hasher.finalize());
    let mut fields = vec![
        ("Upgrade".to_owned(), "websocket".to_owned()),
        ("Sec-WebSocket-Accept".to_owned(), String::from_utf8_lossy(&accept).into_owned()),
    ];
    let offered = values(headers, "sec-websocket-protocol").flat_map(|value| value.split(','));
    let protocol = offered
        .map(str::trim)
        .find(|word| !word.is_empty() && word.len() <= 64 && word.bytes().all(is_token));
    fields.extend(protocol.map(|word| ("Sec-WebSocket-Protocol".to_owned(), word.to_owned())));
    Some(fields)
}

/// What the library behind most of these products (gorilla/websocket) says to a request that asks for none.
pub(crate) fn refusal() -> RuleAnswer {
    RuleAnswer {
        status: 400,
        kind: "text/plain; charset=utf-8".to_owned(),
        fields: vec![
            ("Sec-Websocket-Version".to_owned(), "13".to_owned()),
            ("X-Content-Type-Options".to_owned(), "nosniff".to_owned()),
        ],
        body: b"Bad Request\n".to_vec(),
    }
}

/// What a frame's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    last: bool,
    opcode: u8,
    left: u64,
    mask: [u8; 4],
    /// Where in the mask the next byte stands.
    turn: usize,
}

/// Why a connection is closed (7.4.1).
const NORMAL: u16 = 1000;
const PROTOCOL: u16 = 1002;
const TOO_BIG: u16 = 1009;

/// What bytes amount to.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    More,
    /// A whole message is in the capture; whether it is text.
    Message(bool),
    Ping(Vec<u8>),
    Close(Vec<u8>),
    Fault(u16),
}

/// Bytes to messages.
#[derive(Default)]
struct Reader {
    head: Vec<u8>,
    frame: Option<Head>,
    /// The message so far, and whether it is text; `None` between messages.
    message: Option<(bool, Capture)>,
    control: Vec<u8>,
}

impl Reader {
    /// Takes bytes from the front of `bytes` up to the next thing to do.
    fn read(&mut self, bytes: &mut &[u8]) -> Heard {
        loop {
            let Some(frame) = &mut self.frame else {
                let Some((byte, rest)) = bytes.split_first() else { return Heard::More };
                self.head.push(*byte);
                *bytes = rest;
                match head(&self.head) {
                    Ok(None) => continue,
                    Ok(Some(head)) => {
                        self.head.clear();
                        if let Some(code) = self.begin(head) {
                            return Heard::Fault(code);
                        }
                    }
                    Err(code) => return Heard::Fault(code),
                }
                continue;
            };
            let count = bytes.len().min(usize::try_from(frame.left).unwrap_or(usize::MAX));
            if count == 0 && frame.left > 0 {
                return Heard::More;
            }
            let (taken, rest) = bytes.split_at(count);
            *bytes = rest;
            let unmasked: Vec<u8> = taken
                .iter()
                .enumerate()
                .map(|(place, byte)| byte ^ frame.mask[(frame.turn + place) % 4])
                .collect();
            frame.turn = (frame.turn + count) % 4;
            frame.left -= count as u64;
            let frame = *frame;
            match &mut self.message {
                Some((_, capture)) if frame.opcode < 8 => capture.feed(&unmasked),
                _ => self.control.extend_from_slice(&unmasked),
            }
            if frame.left == 0 {
                self.frame = None;
                match self.finish(frame) {
                    Heard::More => {}
                    heard => return heard,
                }
            }
        }
    }

    fn begin(&mut self, head: Head) -> Option<u16> {
        match (head.opcode, &self.message) {
            (0, None) | (1 | 2, Some(_)) => return Some(PROTOCOL),
            (1 | 2, None) => self.message = Some((head.opcode == 1, Capture::default())),
            _ => {}
        }
        let so_far = self.message.as_ref().map_or(0, |(_, capture)| capture.size());
        if head.opcode < 8 && so_far.saturating_add(head.left) > LONGEST {
            return Some(TOO_BIG);
        }
        self.frame = Some(head);
        None
    }

    fn finish(&mut self, frame: Head) -> Heard {
        match frame.opcode {
            8 => Heard::Close(std::mem::take(&mut self.control)),
            9 => Heard::Ping(std::mem::take(&mut self.control)),
            10 => {
                self.control.clear();
                Heard::More
            }
            _ if !frame.last => Heard::More,
            _ => Heard::Message(self.message.as_ref().is_some_and(|(text, _)| *text)),
        }
    }
}

/// A frame's head (5.2), once enough of it has come.
fn head(bytes: &[u8]) -> Result<Option<Head>, u16> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    let (opcode, short) = (first & 0x0f, second & 0x7f);
    let known = matches!(opcode, 0..=2 | 8..=10);
    let control = opcode >= 8;
    let whole = first & 0x80 != 0;
    let masked = second & 0x80 != 0;
    let fits = !control || (whole && usize::from(short) <= CONTROL);
    if first & 0x70 != 0 || !known || !masked || !fits {
        return Err(PROTOCOL);
    }
    let length = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((number, mask)) = rest.split_at_checked(length) else { return Ok(None) };
    let Some(mask) = mask.first_chunk() else { return Ok(None) };
    let long = number.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let left = if length == 0 { u64::from(short) } else { long };
    if left >> 63 != 0 {
        return Err(PROTOCOL);
    }
    Ok(Some(Head { last: whole, opcode, left, mask: *mask, turn: 0 }))
}

/// An unmasked frame, as a server sends it.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..=125 => frame.push(short as u8),
        middle @ 126..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A connection that has become a WebSocket.
pub(super) struct WebSocket {
    reader: Reader,
    /// What each message is answered; nothing where empty.
    reply: Vec<u8>,
    /// Bytes that wait for room.
    waiting: Vec<u8>,
    over: bool,
}

impl WebSocket {
    pub(super) fn new(reply: Vec<u8>) -> Self {
        Self { reader: Reader::default(), reply, waiting: Vec::new(), over: false }
    }

    fn close(&mut self, payload: &[u8], out: &mut Output) {
        out.reply(&frame(8, payload));
        out.close();
        self.over = true;
    }

    fn tell(&mut self, text: bool, out: &mut Output) {
        let Some((_, capture)) = self.reader.message.take() else { return };
        let mut payload = capture.finish(PayloadOrigin::Sent);
        let name = if text { "websocket text" } else { "websocket binary" };
        payload.name = Some(HostileText::from(name));
        out.tell(Detail::Payload(Box::new(payload)));
    }

    fn act(&mut self, heard: Heard, out: &mut Output) {
        match heard {
            Heard::More => {}
            Heard::Message(text) => {
                self.tell(text, out);
                if !self.reply.is_empty() {
                    out.reply(&frame(if text { 1 } else { 2 }, &self.reply));
                }
            }
            Heard::Ping(payload) => out.reply(&frame(10, &payload)),
            Heard::Close(payload) => {
                let code =
                    payload.get(..2).map_or_else(|| NORMAL.to_be_bytes().to_vec(), <[u8]>::to_vec);
                self.close(&code, out);
            }
            Heard::Fault(code) => self.close(&code.to_be_bytes(), out),
        }
    }
}

impl Session for WebSocket {
    fn receive(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) {
        let mut held = std::mem::take(&mut self.waiting);
        held.extend_from_slice(bytes);
        let mut rest = &held[..];
        while !self.over {
            if out.is_full() {
                out.take_turns();
                break;
            }
            let heard = self.reader.read(&mut rest);
            if heard == Heard::More {
                break;
            }
            self.act(heard, out);
        }
        self.waiting = if self.over { Vec::new() } else { rest.to_vec() };
    }

    fn end(&mut self, _now: Timestamp, out: &mut Output) {
        let text = self.reader.message.as_ref().is_some_and(|(text, _)| *text);
        self.tell(text, out);
    }

    fn memory(&self) -> usize {
        let message =
            self.reader.message.as_ref().map_or(0, |(_, capture)| capture.content().len());
        message + self.waiting.len() + self.reader.control.len() + self.reply.len()
    }
}

/// See [`crate::fuzz::websocket`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let mut session = WebSocket::new(b"ok".to_vec());
    let mut out = Output::new(super::SERVICE);
    let now = Timestamp::from_seconds(1_800_000_000);
    for piece in bytes.chunks(5) {
        session.receive(piece, now, &mut out);
        let _ = (out.take_reply(), out.take_seen());
        assert!(session.memory() <= Capture::KEPT + 1024);
    }
    session.end(now, &mut out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 250];
        let mut frame = frame(0, payload);
        frame[0] = first;
        frame[1] |= 0x80;
        frame.truncate(frame.len() - payload.len());
        frame.extend(mask);
        frame.extend(payload.iter().enumerate().map(|(place, byte)| byte ^ mask[place % 4]));
        frame
    }

    /// What is answered, the messages told by name, and whether it is over.
    type Talked = (Vec<u8>, Vec<(String, Vec<u8>)>, bool);

    fn talk(bytes: &[u8], cut: usize) -> Talked {
        let mut session = WebSocket::new(b"{}".to_vec());
        let mut out = Output::new(crate::http::SERVICE);
        let now = Timestamp::from_seconds(1_800_000_000);
        let (mut reply, mut told) = (Vec::new(), Vec::new());
        let mut take = |out: &mut Output| {
            reply.extend(out.take_reply());
            told.extend(out.take_seen().into_iter().filter_map(|seen| {
                let payload = seen.detail.payload()?.clone();
                Some((payload.name?.raw().to_owned(), payload.content))
            }));
        };
        for piece in bytes.chunks(cut) {
            session.receive(piece, now, &mut out);
            take(&mut out);
            while out.wants_turn() {
                session.receive(&[], now, &mut out);
                take(&mut out);
            }
        }
        session.end(now, &mut out);
        take(&mut out);
        (reply, told, out.is_closing())
    }

    /// RFC 6455, 1.3.
    #[test]
    fn the_handshake_of_the_standard_is_accepted_as_it_says() {
        let headers = [
            ("Host", "a"),
            ("Upgrade", "websocket"),
            ("Connection", "keep-alive, Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "v4.channel.k8s.io, chat"),
        ];
        let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
        let mut request = Request {
            method: "GET".into(),
            version: "HTTP/1.1".into(),
            headers,
            ..Request::default()
        };
        let fields = accept(&request).unwrap();
        assert_eq!(fields[1].1, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(fields[2].1, "v4.channel.k8s.io");
        request.headers.remove(4);
        assert_eq!(accept(&request), None);
    }

    #[test]
    fn fragments_are_joined_pings_answered_between_them_and_closing_is_returned() {
        let bytes = [
            masked(0x01, b"Hel"),
            masked(0x89, b"now"),
            masked(0x80, b"lo"),
            masked(0x82, &[7; 300]),
            masked(0x88, &[0x03, 0xe9, b'x']),
        ]
        .concat();
        let (reply, told, closed) = talk(&bytes, 1000);
        let expected = [frame(10, b"now"), frame(1, b"{}"), frame(2, b"{}"), frame(8, &[3, 0xe9])];
        assert_eq!(reply, expected.concat());
        assert_eq!(told[0], ("websocket text".to_owned(), b"Hello".to_vec()));
        assert_eq!(told[1], ("websocket binary".to_owned(), vec![7; 300]));
        assert!(closed);
    }

    #[test]
    fn what_no_client_may_send_is_closed_with_the_right_code() {
        let long = [&[0x82, 0xff][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
        for (bytes, code) in [
            (vec![0x81, 5], PROTOCOL),
            (masked(0xc1, b"x"), PROTOCOL),
            (masked(0x83, b"x"), PROTOCOL),
            (masked(0x80, b"x"), PROTOCOL),
            (masked(0x09, b"x"), PROTOCOL),
            (masked(0x89, &[0; 126]), PROTOCOL),
            (long, TOO_BIG),
        ] {
            assert_eq!(talk(&bytes, 100).0, frame(8, &code.to_be_bytes()), "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_their_bytes_are_cut(
            frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..9),
            cut in 1_usize..40,
        ) {
            let bytes: Vec<u8> =
                frames.iter().flat_map(|(first, payload)| masked(*first, payload)).collect();
            prop_assert_eq!(talk(&bytes, bytes.len().max(1)), talk(&bytes, cut));
        }
    }
}
