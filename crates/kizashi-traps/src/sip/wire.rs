//! Messages (RFC 3261, 7): a line, headers by their long or compact names, a body whose length a stream must name and a datagram ends.

/// Bytes of line and headers.
pub(super) const LONGEST_HEAD: usize = 16 * 1024;
/// Bytes of a body that is waited for.
const LONGEST_BODY: usize = 64 * 1024;
const MOST_HEADERS: usize = 96;

/// Compact names (RFC 3261, 7.3.3).
const COMPACT: [(&str, &str); 6] = [
    ("v", "via"),
    ("f", "from"),
    ("t", "to"),
    ("i", "call-id"),
    ("m", "contact"),
    ("l", "content-length"),
];

/// What lies at the beginning of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framed {
    /// More must come.
    Part,
    /// A whole message of so many bytes.
    Message { length: usize },
    /// No message of this protocol.
    Other,
}

/// Looks for a whole message; in a datagram the body is what is there.
pub(super) fn frame(bytes: &[u8], datagram: bool) -> Framed {
    let end = crate::http::find(&bytes[..bytes.len().min(LONGEST_HEAD)], b"\r\n\r\n");
    let Some(end) = end else {
        if datagram && Message::read(bytes).is_some() {
            return Framed::Message { length: bytes.len() };
        }
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let over = line.len() < bytes.len() && !is_request_line(line);
        return if over || datagram || bytes.len() > LONGEST_HEAD {
            Framed::Other
        } else {
            Framed::Part
        };
    };
    let Some(message) = Message::read(&bytes[..end + 4]) else { return Framed::Other };
    let after = bytes.len() - end - 4;
    let length = message.header("content-length").and_then(|text| text.trim().parse().ok());
    let body: usize = length.unwrap_or(0);
    if datagram {
        return Framed::Message { length: bytes.len() };
    }
    match body {
        body if body > LONGEST_BODY => Framed::Other,
        body if body > after => Framed::Part,
        body => Framed::Message { length: end + 4 + body },
    }
}

fn is_request_line(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b" SIP/2.0")
}

/// A request.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    /// Names in lower case and long.
    headers: Vec<(String, &'a str)>,
}

impl<'a> Message<'a> {
    /// Reads the head; what is no UTF-8 is no message.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = std::str::from_utf8(&bytes[..head]).ok()?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let upper = method.bytes().all(|byte| byte.is_ascii_uppercase());
        if words.next() != Some("SIP/2.0") || method.is_empty() || !upper {
            return None;
        }
        let mut headers: Vec<(String, &str)> = Vec::new();
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            let long = COMPACT.iter().find(|(compact, _)| *compact == name);
            let name = long.map_or(name, |(_, long)| (*long).to_owned());
            if headers.len() < MOST_HEADERS {
                headers.push((name, value.trim()));
            }
        }
        Some(Self { method, target, headers })
    }

    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        self.headers.iter().filter(move |(header, _)| header == name).map(|(_, value)| *value)
    }
}

/// The user of an address: `sip:100@192.0.2.1;x=y` is `100`.
fn user(address: &str) -> Option<&str> {
    let inner = address.split_once('<').map_or(address, |(_, inner)| inner);
    let after = inner.split_once(':').filter(|(scheme, _)| {
        ["sip", "sips", "tel"].iter().any(|known| scheme.trim().eq_ignore_ascii_case(known))
    })?;
    let user = after.1.split(['@', ';', '>', '?']).next().unwrap_or_default();
    let named = after.1.contains('@') || after.0.trim().eq_ignore_ascii_case("tel");
    (named && !user.is_empty()).then_some(user)
}

/// The number that is to be called, where the user is one: digits, with the marks that people put between them.
pub(super) fn number(address: &str) -> Option<&str> {
    let user = user(address)?;
    let dialled = |c: char| c.is_ascii_digit() || "+*#-.()".contains(c);
    (user.chars().all(dialled) && user.contains(|c: char| c.is_ascii_digit())).then_some(user)
}

#[test]
fn users_and_numbers_are_found_in_addresses() {
    assert_eq!(user("\"sipvicious\" <sip:100@1.1.1.1>;tag=x"), Some("100"));
    assert_eq!(user("sip:192.0.2.1"), None);
    assert_eq!(number("sip:+972592277524@192.0.2.1;transport=udp"), Some("+972592277524"));
    assert_eq!(number("sip:admin@192.0.2.1"), None);
    assert_eq!(number("tel:900441904911054"), Some("900441904911054"));
}

#[test]
fn a_stream_is_cut_into_messages_by_the_lengths_that_they_name() {
    let message = b"INVITE sip:1@a SIP/2.0\r\nl: 3\r\n\r\nabcOPTIONS";
    assert_eq!(frame(message, false), Framed::Message { length: 35 });
    assert_eq!(frame(&message[..34], false), Framed::Part);
    assert_eq!(frame(b"GET / HTTP/1.1\r\nHost", false), Framed::Other);
    assert_eq!(frame(b"OPTIONS sip:nm SIP/2.0\r\nVia: x", false), Framed::Part);
    assert_eq!(frame(b"OPTIONS sip:nm SIP/2.0\r\nVia: x", true), Framed::Message { length: 30 });
    assert_eq!(frame(b"INVITE sip:1@a SIP/2.0\r\nl: 999999999\r\n\r\n", false), Framed::Other);
}
