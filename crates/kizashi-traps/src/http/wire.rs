//! Bytes to request heads, line by line, bounded (RFC 9112). Which lines are refused is the [`Grammar`]'s, since nginx and
//! Apache httpd differ in what they forgive and scanners tell them apart by it. Nothing here answers or records.
//!
//! Bounds: a line of 8 KiB, a head of 32 KiB. The outcome depends on the bytes alone, never on how they were cut.

use kizashi_event::{HostileText, Request};

use super::grammar::{Fault, FirstLine, Framing, Grammar, Version};

/// The longest line, as in both servers' defaults.
pub(super) const LINE_MAX: usize = 8190;
/// The longest head: nginx's `large_client_header_buffers 4 8k`.
pub(super) const HEAD_MAX: usize = 32 * 1024;

/// A request up to its blank line.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// As it will be recorded; `status` still open.
    pub(crate) request: Request,
    /// The raw target.
    pub(crate) target: Vec<u8>,
    /// The version asked for.
    pub(crate) version: Version,
    /// How the body is cut out of what follows.
    pub(super) framing: Framing,
    /// The bytes as sent, where the fields of `request` do not hold them whole.
    pub(super) raw: Option<Vec<u8>>,
}

/// What the bytes so far amount to.
#[derive(Debug)]
pub(super) enum Progress {
    /// No head yet.
    More,
    /// A head, its bytes taken from the buffer.
    Head(Box<Head>),
    /// The server would refuse; the bytes stay in the buffer.
    Refused(Fault),
}

/// Collects bytes and cuts heads out of them.
#[derive(Debug)]
pub(super) struct HeadReader {
    grammar: Grammar,
    buffer: Vec<u8>,
    /// Where the line being read begins, and up to where it was searched for its end.
    line: usize,
    searched: usize,
    first: Option<FirstLine>,
    headers: Vec<(HostileText, HostileText)>,
    /// A field was cut or held bytes that are no text.
    lossy: bool,
    /// A line was accepted that RFC 9112 has not.
    loose: bool,
}

impl HeadReader {
    pub(super) const fn new(grammar: Grammar) -> Self {
        Self {
            grammar,
            buffer: Vec::new(),
            line: 0,
            searched: 0,
            first: None,
            headers: Vec::new(),
            lossy: false,
            loose: false,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing of a request has come.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether the first line has been read and the rest not.
    pub(super) const fn is_inside_head(&self) -> bool {
        self.first.is_some()
    }

    pub(super) fn memory(&self) -> usize {
        let fields =
            |(name, value): &(HostileText, HostileText)| name.raw().len() + value.raw().len();
        self.buffer.len() + self.headers.iter().map(fields).sum::<usize>()
    }

    /// The bytes not yet part of a head, for the body to take from.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Forgets the first `count` bytes of the rest.
    pub(super) fn consume(&mut self, count: usize) {
        self.buffer.drain(..count.min(self.buffer.len()));
        (self.line, self.searched) = (0, 0);
    }

    /// All bytes since the last head, and the request as far as it was understood.
    pub(super) fn give_up(&mut self) -> (Vec<u8>, Request) {
        let first = self.first.take().unwrap_or_default();
        let mut request = request_of(&first, std::mem::take(&mut self.headers));
        request.malformed = true;
        (self.line, self.searched) = (0, 0);
        (std::mem::take(&mut self.buffer), request)
    }

    /// Reads on. To be called until it says [`Progress::More`].
    pub(super) fn advance(&mut self) -> Progress {
        loop {
            let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(offset) = found else {
                self.searched = self.buffer.len();
                let fault = self.judge(self.line, self.searched);
                return fault.map_or(Progress::More, Progress::Refused);
            };
            let end = self.searched + offset;
            self.searched = end + 1;
            let begin = std::mem::replace(&mut self.line, end + 1);
            if let Some(fault) = self.judge(begin, end) {
                return Progress::Refused(fault);
            }
            let line = self.buffer[begin..end].to_vec();
            match self.take_line(&line) {
                Ok(None) => {}
                Ok(Some(head)) => return Progress::Head(head),
                Err(fault) => return Progress::Refused(fault),
            }
        }
    }

    /// What is wrong with a line before its end is seen; asked again at the end, so that cutting changes nothing.
    fn judge(&self, begin: usize, end: usize) -> Option<Fault> {
        let inside = self.first.is_some();
        if !inside && self.grammar.refuses_start(&self.buffer[begin..end]) {
            return Some(Fault::BadRequest);
        }
        self.grammar.bounds(end - begin, end, inside)
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<Box<Head>>, Fault> {
        let (line, bare) = line.strip_suffix(b"\r").map_or((line, true), |line| (line, false));
        let blank = line.is_empty();
        if self.first.is_none() && blank {
            // Blank lines before a request are skipped, and forgotten so that they never add up.
            self.consume(self.line);
            return Ok(None);
        }
        if bare && !self.grammar.forgives_bare_newline() {
            // The line is kept so that the record shows what was asked.
            self.first = self.first.take().or_else(|| self.grammar.first_line(line).ok());
            return Err(Fault::BadRequest);
        }
        self.loose |= bare;
        if self.first.is_none() {
            let first = self.grammar.first_line(line)?;
            self.lossy |= is_lossy(line, first.target.len());
            let old = first.version == Version::OLD;
            self.first = Some(first);
            return Ok(if old { Some(self.finish(Framing::None)) } else { None });
        }
        if blank {
            let (version, target) = match &self.first {
                Some(first) => (first.version, first.target.as_slice()),
                None => (Version::default(), &b""[..]),
            };
            self.grammar.host(version, &self.headers)?;
            self.grammar.authority(target, &self.headers)?;
            let framing = self.grammar.framing(version, &self.headers)?;
            return Ok(Some(self.finish(framing)));
        }
        self.take_header(line)?;
        Ok(None)
    }

    fn take_header(&mut self, line: &[u8]) -> Result<(), Fault> {
        if self.headers.len() >= self.grammar.headers_max() {
            return Err(Fault::TooManyHeaders);
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return self.fold(line);
        }
        let (name, value) = self.grammar.header(line)?;
        self.loose |= !line.contains(&b':');
        self.lossy |= is_lossy(name, name.len()) || is_lossy(value, value.len());
        self.headers.push((HostileText::from_bytes(name), HostileText::from_bytes(value)));
        Ok(())
    }

    /// A folded line (obsolete since RFC 7230) is joined to the value before it.
    fn fold(&mut self, line: &[u8]) -> Result<(), Fault> {
        if !self.grammar.forgives_folding() {
            return Err(Fault::Folding);
        }
        self.loose = true;
        let (_, value) = self.headers.last_mut().ok_or(Fault::BadRequest)?;
        let joined = format!("{} {}", value.raw(), String::from_utf8_lossy(line.trim_ascii()));
        let joined = joined.trim_start_matches([' ', '\t']).to_owned();
        self.lossy |= is_lossy(line, joined.len());
        *value = HostileText::from(joined);
        Ok(())
    }

    fn finish(&mut self, framing: Framing) -> Box<Head> {
        let first = self.first.take().unwrap_or_default();
        let mut request = request_of(&first, std::mem::take(&mut self.headers));
        let FirstLine { target, version, .. } = first;
        request.malformed = std::mem::take(&mut self.loose) || version == Version::OLD;
        let raw = std::mem::take(&mut self.lossy).then(|| self.buffer[..self.line].to_vec());
        self.consume(self.line);
        Box::new(Head { request, target, version, framing, raw })
    }
}

fn request_of(first: &FirstLine, headers: Vec<(HostileText, HostileText)>) -> Request {
    Request {
        method: HostileText::from_bytes(&first.method),
        target: HostileText::from_bytes(&first.target),
        version: HostileText::from_bytes(&first.protocol),
        headers,
        ..Request::default()
    }
}

/// Fills in method, target and version from bytes that are no request, so that even nonsense can be searched for.
pub(super) fn guess(request: &mut Request, raw: &[u8]) {
    let line = raw.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty());
    let mut words = line.unwrap_or_default().splitn(3, |byte| *byte == b' ');
    let mut word = || HostileText::from_bytes(words.next().unwrap_or_default());
    (request.method, request.target, request.version) = (word(), word(), word());
}

/// Whether [`HostileText`] cannot hold this field whole.
pub(crate) fn is_lossy(bytes: &[u8], length: usize) -> bool {
    length > HostileText::MAX_BYTES || std::str::from_utf8(bytes).is_err()
}
