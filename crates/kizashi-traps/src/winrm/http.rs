//! As much of HTTP/1.1 as clients of WinRM speak, answered as HTTP.SYS answers, the driver of Windows that all of its web services stand on: which
//! fault it names in which words is its own (MS-KB 820729, and the texts of `http.sys` 6.1 to 10.0).

use kizashi_event::{HostileText, Request as Told, Timestamp};

use crate::http::http_date;

/// Bytes of a head (`MaxRequestBytes`) and of a body: an envelope of [`super::soap::LONGEST_ENVELOPE`] sealed and in its parts.
const HEAD: usize = 16 * 1024;
const BODY: usize = super::soap::LONGEST_ENVELOPE + 1_024;
/// Fields of a head.
const FIELDS: usize = 64;

/// Why HTTP.SYS refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Verb,
    Url,
    Host,
    Header,
    HeadTooLong,
    Version,
    /// Neither a length nor chunks.
    NoLength,
    BodyTooLong,
    /// A coding that it has not.
    Coding,
    /// A path that nobody registered.
    Missing,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    More,
    Request(Box<Request>),
    /// The service is asked for something by nobody: it says so before it reads what.
    Unproved(Box<Request>),
    Refused(Refusal),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    version: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// As it is told where it asks for something else than the service.
    pub(super) fn told(&self, status: u16) -> Told {
        let text = HostileText::from;
        let headers = self.headers.iter();
        let mut told = Told {
            method: text(self.method.as_str()),
            target: text(self.target.as_str()),
            version: text(self.version.as_str()),
            headers: headers
                .map(|(name, value)| (text(name.as_str()), text(value.as_str())))
                .collect(),
            status: Some(status),
            ..Told::default()
        };
        told.print = Some(kizashi_event::http_print(&told).into());
        told
    }

    /// Whether it is for the service, and not for the driver.
    pub(super) fn is_for_service(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default().trim_end_matches('/');
        path.eq_ignore_ascii_case("/wsman")
    }

    fn says_nothing_of_himself(&self) -> bool {
        self.is_for_service()
            && self.method == "POST"
            && self.header("authorization").is_none()
            && self.header("wsmanidentify").is_none()
    }

    /// Whether the connection ends after the answer.
    pub(super) fn closes(&self) -> bool {
        let asked = self.header("connection").unwrap_or_default();
        asked.eq_ignore_ascii_case("close")
            || (self.version == "HTTP/1.0" && !asked.eq_ignore_ascii_case("keep-alive"))
    }
}

/// Puts requests together.
#[derive(Default)]
pub(super) struct Reader {
    held: Vec<u8>,
    /// How far was searched for the end of a head.
    searched: usize,
    /// A head whose body of this length is not whole.
    head: Option<(Box<Request>, usize)>,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next of it; `known` where it is known who sends it.
    pub(super) fn next(&mut self, known: bool) -> Incoming {
        if self.head.is_none() {
            match self.head() {
                Ok(Some((request, _))) if !known && request.says_nothing_of_himself() => {
                    return Incoming::Unproved(request);
                }
                Ok(Some(head)) => self.head = Some(head),
                Ok(None) => return Incoming::More,
                Err(refusal) => return Incoming::Refused(refusal),
            }
        }
        match self.head.take() {
            Some((mut request, length)) if self.held.len() >= length => {
                request.body = self.held.drain(..length).collect();
                Incoming::Request(request)
            }
            waiting => {
                self.head = waiting;
                Incoming::More
            }
        }
    }

    fn head(&mut self) -> Result<Option<(Box<Request>, usize)>, Refusal> {
        let Some(first) = self.held.first() else { return Ok(None) };
        if !is_token(*first) {
            return Err(Refusal::Verb);
        }
        let from = self.searched.saturating_sub(3);
        let found = self.held.get(from..).unwrap_or_default();
        let Some(end) = found.windows(4).position(|four| four == b"\r\n\r\n") else {
            self.searched = self.held.len();
            return if self.held.len() > HEAD { Err(Refusal::HeadTooLong) } else { Ok(None) };
        };
        let end = from + end;
        if end > HEAD {
            return Err(Refusal::HeadTooLong);
        }
        let request = read_head(&String::from_utf8_lossy(&self.held[..end]))?;
        let length = body_length(&request)?;
        self.held.drain(..end + 4);
        self.searched = 0;
        Ok(Some((Box::new(request), length)))
    }

    /// What no request has taken.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.searched = 0;
        std::mem::take(&mut self.held)
    }

    /// The request whose body has not come whole.
    pub(super) fn half(&mut self) -> Option<Box<Request>> {
        self.head.take().map(|(request, _)| request)
    }

    pub(super) fn memory(&self) -> usize {
        let fields = |(head, _): &(Box<Request>, usize)| {
            let length = |(name, value): &(String, String)| name.len() + value.len();
            head.target.len() + head.headers.iter().map(length).sum::<usize>()
        };
        self.held.len() + self.head.as_ref().map_or(0, fields)
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+')
        || matches!(byte, b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

fn read_head(head: &str) -> Result<Request, Refusal> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Url);
    };
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(Refusal::Verb);
    }
    if !target.starts_with(['/', '*', 'h', 'H']) {
        return Err(Refusal::Url);
    }
    if !matches!(version, "HTTP/1.0" | "HTTP/1.1") {
        return Err(Refusal::Version);
    }
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Refusal::Header)?;
        if name.is_empty() || !name.bytes().all(is_token) || headers.len() >= FIELDS {
            return Err(Refusal::Header);
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version: version.to_owned(),
        headers,
        body: Vec::new(),
    };
    if version == "HTTP/1.1" && request.header("host").is_none() {
        return Err(Refusal::Host);
    }
    Ok(request)
}

fn body_length(request: &Request) -> Result<usize, Refusal> {
    if request.header("transfer-encoding").is_some() {
        return Err(Refusal::Coding);
    }
    match request.header("content-length") {
        None if matches!(request.method.as_str(), "POST" | "PUT") => Err(Refusal::NoLength),
        None => Ok(0),
        Some(length) => match length.parse::<u64>() {
            Err(_) => Err(Refusal::Header),
            Ok(length) => usize::try_from(length)
                .ok()
                .filter(|length| *length <= BODY)
                .ok_or(Refusal::BodyTooLong),
        },
    }
}

/// An answer: its fields, then what HTTP.SYS adds.
pub(super) fn answer(
    status: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    closes: bool,
    now: Timestamp,
) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let connection = if closes { "Connection: close\r\n" } else { "" };
    text.push_str(&format!(
        "Date: {}\r\n{connection}Content-Length: {}\r\n\r\n",
        http_date(now),
        body.len()
    ));
    [text.as_bytes(), body].concat()
}

impl Refusal {
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::NoLength => 411,
            Self::BodyTooLong => 413,
            Self::Coding => 501,
            Self::Version => 505,
            Self::Missing => 404,
            _ => 400,
        }
    }

    /// Reason, title and sentence.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Verb => {
                ("Bad Request", "Bad Request - Invalid Verb", "The request verb is invalid.")
            }
            Self::Url => {
                ("Bad Request", "Bad Request - Invalid URL", "The request URL is invalid.")
            }
            Self::Host => (
                "Bad Request",
                "Bad Request - Invalid Hostname",
                "The request hostname is invalid.",
            ),
            Self::Header => (
                "Bad Request",
                "Bad Request - Invalid Header",
                "The request has an invalid header name.",
            ),
            Self::HeadTooLong => (
                "Bad Request",
                "Bad Request - Request Too Long",
                "The size of the request headers is too long.",
            ),
            Self::Version => (
                "HTTP Version Not Supported",
                "HTTP Version Not Supported",
                "HTTP version is not supported.",
            ),
            Self::NoLength => (
                "Length Required",
                "Length Required",
                "The request must be chunked or have a content length.",
            ),
            Self::BodyTooLong => (
                "Request Entity Too Large",
                "Request Entity Too Large",
                "The size of the request is too long.",
            ),
            Self::Coding => (
                "Not Implemented",
                "Not Implemented",
                "The request transfer encoding type is not supported.",
            ),
            Self::Missing => ("Not Found", "Not Found", "The requested resource is not found."),
        }
    }

    /// The driver's own page, after which it closes.
    pub(super) fn page(self, now: Timestamp) -> Vec<u8> {
        let (reason, title, sentence) = self.words();
        let status = self.status();
        let body = format!(
            "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n<HTML><HEAD><TITLE>{reason}</TITLE>\r\n<META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n<BODY><h2>{title}</h2>\r\n<hr><p>HTTP Error {status}. {sentence}</p>\r\n</BODY></HTML>\r\n"
        );
        let headers = [("Content-Type", "text/html; charset=us-ascii"), super::session::SERVER];
        answer(&format!("{status} {reason}"), &headers, body.as_bytes(), true, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Incoming {
        let mut reader = Reader::default();
        bytes.iter().for_each(|byte| reader.push(&[*byte]));
        reader.next(true)
    }

    #[test]
    fn what_the_driver_refuses_is_refused_for_its_own_reason() {
        for (bytes, refusal) in [
            (&b"\x16\x03\x01"[..], Refusal::Verb),
            (b"GET /\r\n\r\n", Refusal::Url),
            (b"GET wsman HTTP/1.1\r\n\r\n", Refusal::Url),
            (b"GET / HTTP/1.1\r\n\r\n", Refusal::Host),
            (b"GET / HTTP/2.0\r\n\r\n", Refusal::Version),
            (b"GET / HTTP/1.1\r\nHost a\r\n\r\n", Refusal::Header),
            (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::NoLength),
            (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", Refusal::Header),
            (
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n",
                Refusal::BodyTooLong,
            ),
            (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::Coding),
        ] {
            assert_eq!(read(bytes), Incoming::Refused(refusal), "{}", bytes.escape_ascii());
        }
        assert_eq!(read(&[b'a'; HEAD + 1]), Incoming::Refused(Refusal::HeadTooLong));
    }

    #[test]
    fn the_page_for_what_is_not_there_has_the_length_that_scanners_know() {
        let page = Refusal::Missing.page(Timestamp::from_seconds(0));
        let text = String::from_utf8(page).unwrap();
        assert!(text.contains("Content-Length: 315\r\n\r\n"), "{text}");
    }
}
