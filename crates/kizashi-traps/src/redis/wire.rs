//! Requests as a server of Redis cuts them out of a connection (RESP, `networking.c` of 5.0 to 7.0): arrays of bulk strings, and inline
//! lines with quotes. What is longer than a request may be is hashed and let go, so that a pushed program is told by its hash.

use kizashi_event::{Payload, PayloadOrigin};

use crate::capture::Capture;

/// Bytes of one request that are held, with [`WORD`] for each word.
pub(super) const REQUEST: usize = 128 * 1024;
/// What a word costs beside its bytes.
pub(super) const WORD: usize = 32;
/// The longest line: `PROTO_INLINE_MAX_SIZE`.
const LINE: usize = 64 * 1024;
/// Words of a request at most, and bytes of one, as `proto-max-bulk-len` has it.
const WORDS: i64 = 1024 * 1024;
const BULK: i64 = 512 * 1024 * 1024;
/// The same before a password was given (6.2 and later).
const WORDS_UNKNOWN: i64 = 10;
const BULK_UNKNOWN: i64 = 16_384;

/// One command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) words: Vec<Vec<u8>>,
    /// The content that was too long to be held.
    pub(super) left_out: Option<Box<Payload>>,
}

/// What comes next out of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    More,
    Request(Request),
    /// The protocol is broken; the reason, as it is answered.
    Broken(String),
    /// A web browser was made to speak to it.
    CrossProtocol,
}

/// Reads one connection.
#[derive(Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with, and how far the search for an end of line has come.
    done: usize,
    searched: usize,
    words: Vec<Vec<u8>>,
    held: usize,
    /// Words that are still to come.
    missing: i64,
    /// Bytes that are still to come of the word at hand.
    bulk: Option<usize>,
    word: Vec<u8>,
    /// What does not fit is fed to this.
    left_out: Option<Capture>,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.len()
            + self.held
            + self.word.len()
            + self.left_out.as_ref().map_or(0, |capture| capture.content().len())
    }

    /// Whether something was begun and not finished, and it.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut rest = self.buffer.split_off(self.done.min(self.buffer.len()));
        if rest.is_empty() {
            rest = std::mem::take(&mut self.word);
        }
        rest
    }

    fn advance(&mut self, count: usize) {
        self.done += count;
        self.searched = self.done;
        if self.done == self.buffer.len() || self.done > 16 * 1024 {
            self.buffer.drain(..self.done);
            (self.done, self.searched) = (0, 0);
        }
    }

    /// The next line up to `end`, without it; nothing while it is not whole. Where it is too long, an error.
    fn line(&mut self, end: u8) -> Result<Option<Vec<u8>>, ()> {
        let found = self.buffer[self.searched..].iter().position(|byte| *byte == end);
        let Some(place) = found.map(|place| place + self.searched) else {
            self.searched = self.buffer.len();
            return if self.buffer.len() - self.done > LINE { Err(()) } else { Ok(None) };
        };
        if place - self.done > LINE {
            return Err(());
        }
        // Of an array's lines the byte after the CR is stepped over, whatever it is.
        if end == b'\r' && place + 1 >= self.buffer.len() {
            self.searched = place;
            return Ok(None);
        }
        let line = self.buffer[self.done..place].to_vec();
        self.advance(line.len() + if end == b'\r' { 2 } else { 1 });
        Ok(Some(line))
    }

    /// The next request; `known` once the visitor needs no password any more.
    pub(super) fn next(&mut self, known: bool) -> Incoming {
        loop {
            if self.missing == 0 && self.bulk.is_none() {
                match self.buffer.get(self.done) {
                    None => return Incoming::More,
                    Some(b'*') => match self.begin(known) {
                        Ok(true) => {}
                        Ok(false) => return Incoming::More,
                        Err(reason) => return Incoming::Broken(reason),
                    },
                    Some(_) => match self.inline() {
                        Some(incoming) => return incoming,
                        None => continue,
                    },
                }
                continue;
            }
            if self.bulk.is_none() {
                match self.begin_word(known) {
                    Ok(true) => {}
                    Ok(false) => return Incoming::More,
                    Err(reason) => return Incoming::Broken(reason),
                }
            }
            if !self.fill_word() {
                return Incoming::More;
            }
            if self.missing == 0 {
                return Incoming::Request(self.take());
            }
        }
    }

    fn take(&mut self) -> Request {
        self.held = 0;
        let left_out =
            self.left_out.take().map(|capture| Box::new(capture.finish(PayloadOrigin::Sent)));
        Request { words: std::mem::take(&mut self.words), left_out }
    }

    /// An inline line; nothing where it is empty and the next may be read.
    fn inline(&mut self) -> Option<Incoming> {
        let mut line = match self.line(b'\n') {
            Err(()) => return Some(Incoming::Broken("too big inline request".to_owned())),
            Ok(None) => return Some(Incoming::More),
            Ok(Some(line)) => line,
        };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let Some(words) = split_words(&line) else {
            return Some(Incoming::Broken("unbalanced quotes in request".to_owned()));
        };
        let first = words.first()?.to_ascii_lowercase();
        if first == b"post" || first == b"host:" {
            self.words = words;
            return Some(Incoming::CrossProtocol);
        }
        Some(Incoming::Request(Request { words, left_out: None }))
    }

    /// What was read before the connection was found to be a browser's.
    pub(super) fn cross_words(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.words)
    }

    /// The line that begins an array; false while it is not whole.
    fn begin(&mut self, known: bool) -> Result<bool, String> {
        let Some(line) = self.line(b'\r').map_err(|()| "too big mbulk count string".to_owned())?
        else {
            return Ok(false);
        };
        match integer(&line[1..]) {
            None => Err("invalid multibulk length".to_owned()),
            Some(count) if count > WORDS => Err("invalid multibulk length".to_owned()),
            Some(count) if count > WORDS_UNKNOWN && !known => {
                Err("unauthenticated multibulk length".to_owned())
            }
            Some(count) => {
                self.missing = count.max(0);
                Ok(true)
            }
        }
    }

    /// The line that begins a word; false while it is not whole.
    fn begin_word(&mut self, known: bool) -> Result<bool, String> {
        let Some(line) = self.line(b'\r').map_err(|()| "too big bulk count string".to_owned())?
        else {
            return Ok(false);
        };
        if line.first() != Some(&b'$') {
            let found = line.first().copied().unwrap_or(b'\r');
            return Err(format!("expected '$', got '{}'", char::from(found)));
        }
        match integer(&line[1..]) {
            Some(length) if length > BULK_UNKNOWN && !known => {
                Err("unauthenticated bulk length".to_owned())
            }
            Some(length @ 0..=BULK) => {
                let length = usize::try_from(length).unwrap_or(0);
                self.bulk = Some(length + 2);
                if self.left_out.is_none() && self.held + length + WORD > REQUEST {
                    self.left_out = Some(Capture::default());
                }
                Ok(true)
            }
            _ => Err("invalid bulk length".to_owned()),
        }
    }

    /// Takes what is there of the word at hand; whether it is whole.
    fn fill_word(&mut self) -> bool {
        let Some(left) = self.bulk else { return true };
        let count = left.min(self.buffer.len() - self.done);
        let content = count.min(left.saturating_sub(2));
        let piece = &self.buffer[self.done..self.done + content];
        match &mut self.left_out {
            Some(capture) => capture.feed(piece),
            None => self.word.extend_from_slice(piece),
        }
        self.advance(count);
        if count < left {
            self.bulk = Some(left - count);
            return false;
        }
        self.bulk = None;
        self.missing -= 1;
        let word = std::mem::take(&mut self.word);
        if self.left_out.is_none() || self.words.is_empty() {
            self.held += word.len() + WORD;
            self.words.push(word);
        }
        true
    }
}

/// A number as Redis reads one: no sign but a minus, no zeros before it, no spaces.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let padded = digits[0..digits.len().min(1)] == *b"0" && (digits.len() > 1 || text.len() > 1);
    if !plain || padded {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Words of an inline line (`sdssplitargs`): `"…"` with escapes, `'…'` without; `None` where a quote is not closed.
pub(super) fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let [first, after @ ..] = rest {
            rest = match first {
                byte if byte.is_ascii_whitespace() => break,
                b'"' | b'\'' => quoted(*first, after, &mut word)?,
                byte => {
                    word.push(*byte);
                    after
                }
            };
        }
        words.push(word);
    }
}

/// The inside of quotes up to their end, behind which a space or nothing must stand; what is behind it.
fn quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let [first, after @ ..] = rest else { return None };
        rest = after;
        match (first, rest) {
            (b'\\', [b'x', high, low, after @ ..])
                if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
                word.push(u8::try_from(digit(high) * 16 + digit(low)).unwrap_or(0));
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) if quote == b'"' => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest = after;
            }
            (b'\\', [b'\'', after @ ..]) if quote == b'\'' => {
                word.push(b'\'');
                rest = after;
            }
            (byte, _) if *byte == quote => {
                let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
                return ends.then_some(rest);
            }
            (byte, _) => word.push(*byte),
        }
    }
}

/// Words as one line that can be read and typed again.
pub(super) fn as_line(words: &[Vec<u8>]) -> Vec<u8> {
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        if line.len() > kizashi_event::HostileText::MAX_BYTES {
            break;
        }
        let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\".contains(byte);
        if !word.is_empty() && word.iter().all(plain) {
            line.extend_from_slice(word);
            continue;
        }
        line.push(b'"');
        for byte in word.iter().take(kizashi_event::HostileText::MAX_BYTES) {
            match byte {
                b'"' | b'\\' => line.extend([b'\\', *byte]),
                b'\n' => line.extend(b"\\n"),
                b'\r' => line.extend(b"\\r"),
                b'\t' => line.extend(b"\\t"),
                b' '..=b'~' | 128.. => line.push(*byte),
                _ => line.extend(format!("\\x{byte:02x}").into_bytes()),
            }
        }
        line.push(b'"');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<String>> {
        let words = split_words(text.as_bytes())?;
        Some(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    #[test]
    fn inline_words_are_quoted_as_in_redis() {
        assert_eq!(words("set a \"b \\n\\x41\" 'c\\'d'").unwrap(), ["set", "a", "b \nA", "c'd"]);
        assert_eq!(words("\"a\"b"), None);
        assert_eq!(words("\"a"), None);
        assert_eq!(words("  ").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_too_long_is_known_by_its_hash() {
        let mut reader = Reader::default();
        reader.push(b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$300000\r\n");
        for _ in 0..300 {
            assert_eq!(reader.next(true), Incoming::More);
            assert!(reader.memory() < 160 * 1024, "{}", reader.memory());
            reader.push(&[7; 1000]);
        }
        reader.push(b"\r\nping\r\n");
        let Incoming::Request(request) = reader.next(true) else { panic!() };
        let payload = request.left_out.unwrap();
        assert_eq!((payload.size, payload.content.len()), (Some(300_000), Capture::KEPT));
        assert_eq!(request.words, [b"set".to_vec(), b"a".to_vec()]);
        assert!(matches!(reader.next(true), Incoming::Request(_)));
    }
}
