//! Bytes after a head to a body: by length or in chunks (RFC 9112, 6 and 7). The content is hashed whole and kept to a bound;
//! a chunk line is bounded, so that a body of nothing but size lines ends.

use kizashi_event::{Payload, PayloadOrigin};

use super::grammar::Framing;
use crate::capture::Capture;

/// The longest chunk-size line, and all trailer lines together.
const LINE_MAX: usize = 4096;

/// What the bytes so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    More,
    Whole,
    Broken,
}

enum State {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    Done(BodyProgress),
}

/// Takes one body.
pub(crate) struct BodyReader {
    state: State,
    line: Vec<u8>,
    trailers: usize,
    capture: Capture,
    empty: bool,
    /// A bare newline ends no line.
    strict: bool,
    /// It announced a chunk that no number holds.
    boundless: bool,
}

impl BodyReader {
    pub(super) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None => State::Done(BodyProgress::Whole),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
        };
        Self {
            state,
            line: Vec::new(),
            trailers: 0,
            capture: Capture::default(),
            empty: true,
            strict: false,
            boundless: false,
        }
    }

    /// The same for a server that takes no bare newline.
    pub(super) fn strict(framing: Framing) -> Self {
        Self { strict: true, ..Self::new(framing) }
    }

    /// Whether it broke off at a chunk that no number holds.
    pub(super) const fn is_boundless(&self) -> bool {
        self.boundless
    }

    pub(super) fn memory(&self) -> usize {
        self.capture.content().len() + self.line.len()
    }

    /// Takes what belongs to the body from the start of `bytes`; gives how many bytes that were.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, BodyProgress) {
        let mut used = 0;
        loop {
            if let State::Done(progress) = self.state {
                return (used, progress);
            }
            let rest = &bytes[used..];
            if rest.is_empty() {
                return (used, BodyProgress::More);
            }
            used += match self.state {
                State::Length(left) | State::ChunkData(left) => self.take_content(rest, left),
                _ => self.take_line_byte(rest[0]),
            };
        }
    }

    fn take_content(&mut self, bytes: &[u8], left: u64) -> usize {
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.keep(&bytes[..count]);
        let left = left - count as u64;
        self.state = match self.state {
            State::Length(_) if left == 0 => State::Done(BodyProgress::Whole),
            State::Length(_) => State::Length(left),
            _ if left == 0 => State::ChunkEnd,
            _ => State::ChunkData(left),
        };
        count
    }

    /// What is kept so far.
    pub(super) fn content(&self) -> &[u8] {
        self.capture.content()
    }

    /// Content that broke the framing is kept all the same.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.capture.feed(bytes);
        self.empty &= bytes.is_empty();
    }

    fn take_line_byte(&mut self, byte: u8) -> usize {
        if byte != b'\n' {
            self.line.push(byte);
            if self.line.len() + self.trailers > LINE_MAX {
                self.give_up();
            }
            return 1;
        }
        let line = std::mem::take(&mut self.line);
        let bare = self.strict && !line.ends_with(b"\r") && !matches!(self.state, State::Trailer);
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        self.boundless = matches!(self.state, State::ChunkSize) && digits > 15;
        self.state = match self.state {
            _ if bare => State::Done(BodyProgress::Broken),
            State::ChunkEnd if text.is_empty() => State::ChunkSize,
            State::ChunkSize => match parse_chunk_size(text) {
                Some(0) => State::Trailer,
                Some(size) => State::ChunkData(size),
                None => State::Done(BodyProgress::Broken),
            },
            State::Trailer if text.is_empty() => State::Done(BodyProgress::Whole),
            State::Trailer => {
                self.trailers += line.len() + 1;
                State::Trailer
            }
            _ => State::Done(BodyProgress::Broken),
        };
        if matches!(self.state, State::Done(BodyProgress::Broken)) {
            self.line = line;
            self.line.push(b'\n');
            self.give_up();
        }
        1
    }

    fn give_up(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.keep(&line);
        self.state = State::Done(BodyProgress::Broken);
    }

    /// What is kept of the body so far, and whether that is all of it.
    pub(crate) fn content_and_whole(&self) -> (&[u8], bool) {
        let content = self.capture.content();
        (content, content.len() as u64 == self.capture.size())
    }

    /// The body, unless nothing came.
    pub(super) fn finish(self) -> Option<Payload> {
        (!self.empty).then(|| self.capture.finish(PayloadOrigin::Sent))
    }
}

/// Hexadecimal digits, then perhaps an extension.
fn parse_chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next()?;
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, byte| {
        char::from(*byte).to_digit(16).map(|digit| sum * 16 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_what_follows_is_left() {
        let mut body = BodyReader::new(Framing::Chunked);
        let bytes = b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nGET /";
        let (used, progress) = body.feed(bytes);
        assert_eq!((&bytes[used..], progress), (&b"GET /"[..], BodyProgress::Whole));
        assert_eq!(body.finish().unwrap().content, b"abc0123456789");
    }

    #[test]
    fn a_broken_chunk_size_is_kept_and_ends_the_body() {
        for bytes in
            [&b"zz\r\n"[..], b"-1\r\n", b"\r\n", b"fffffffffffffffff\r\n", b"3\r\nabcd\r\n"]
        {
            let mut body = BodyReader::new(Framing::Chunked);
            assert_eq!(body.feed(bytes).1, BodyProgress::Broken, "{bytes:?}");
            assert!(body.finish().is_some());
        }
    }

    #[test]
    fn endless_size_lines_and_trailers_end() {
        let mut body = BodyReader::new(Framing::Chunked);
        assert_eq!(body.feed(&[b'1'; 5000]).1, BodyProgress::Broken);
        let mut body = BodyReader::new(Framing::Chunked);
        let trailers = format!("0\r\n{}", "a: b\r\n".repeat(2000));
        assert_eq!(body.feed(trailers.as_bytes()).1, BodyProgress::Broken);
    }
}
