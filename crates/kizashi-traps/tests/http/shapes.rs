//! Requests in shapes that servers disagree about, and the rest of what lies outside a clean request. Names of those that smugglers use
//! come from Kettle 2019 and 2021 (PortSwigger) and RFC 9112, 11.2.

/// A request and what it is.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// It is to be told as `request-smuggling`.
    pub(crate) smuggles: bool,
}

fn shape(name: &'static str, smuggles: bool, bytes: &[u8]) -> Shape {
    Shape { name, bytes: bytes.to_vec(), smuggles }
}

pub(crate) fn shapes() -> Vec<Shape> {
    let mut all: Vec<Shape> = [smuggling(), lengths(), heads()].into_iter().flatten().collect();
    all.extend(long());
    all
}

#[rustfmt::skip]
fn smuggling() -> Vec<Shape> {
    vec![
        shape("cl.te", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
        shape("te.cl", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST"),
        shape("te.te", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n"),
        shape("te twice", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        shape("xchunked", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        shape("te space colon", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        shape("te tab value", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x09chunked\r\n\r\n0\r\n\r\n"),
        shape("te vt value", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        shape("te ff value", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0cchunked\r\n\r\n0\r\n\r\n"),
        shape("te list", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        shape("te list2", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
        shape("te gzip,chunked", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        shape("te identity", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
        shape("te empty", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"),
        shape("te fold", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        shape("te quoted", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        shape("te under", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n"),
        shape("te nul", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n"),
        shape("te cr", true, b"POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        shape("te lf", true, b"POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        shape("te 1.0", true, b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        shape("te trailing sp", false, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n0\r\n\r\n"),
        shape("te upper", false, b"POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n"),
        shape("sp te", true, b"POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]
}

#[rustfmt::skip]
fn lengths() -> Vec<Shape> {
    vec![
        shape("cl twice", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        shape("cl twice same", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        shape("cl list", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello"),
        shape("cl plus", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"),
        shape("cl neg", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello"),
        shape("cl hex", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello"),
        shape("cl zero lead", false, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello"),
        shape("cl empty", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
        shape("cl sp", false, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 \r\n\r\nhello"),
        shape("cl sp mid", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello"),
        shape("cl big", false, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nhello"),
        shape("cl space colon", true, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello"),
        shape("chunk ext", false, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"),
        shape("chunk 0x", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"),
        shape("chunk lf", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n"),
        shape("chunk space", false, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"),
        shape("chunk minus", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
        shape("chunk over", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nhello\r\n0\r\n\r\n"),
        shape("chunk no crlf", true, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n"),
    ]
}

#[rustfmt::skip]
fn heads() -> Vec<Shape> {
    vec![
        shape("get body", false, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
        shape("host twice", false, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        shape("host space", false, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        shape("abs form", false, b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("abs form path", false, b"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("abs ftp", false, b"GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("asterisk", false, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("asterisk get", false, b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("0.9", false, b"GET /\r\n"),
        shape("0.9 lf", false, b"GET /\n"),
        shape("tab line", false, b"GET\x09/\x09HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("two spaces", false, b"GET  /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("bare lf", false, b"GET / HTTP/1.1\nHost: a\n\n"),
        shape("obs fold", false, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
        shape("nul header", false, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n"),
        shape("nul name", false, b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n"),
        shape("nul target", false, b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("bad utf8", false, b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\r\n\r\n"),
        shape("bad utf8 name", false, b"GET / HTTP/1.1\r\nHost: a\r\nX\xff: a\r\n\r\n"),
        shape("colon only", false, b"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n"),
        shape("no colon", false, b"GET / HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n"),
        shape("space before colon", false, b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n"),
        shape("http/1.2", false, b"GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        shape("http/2.0", false, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        shape("http/11", false, b"GET / HTTP/11\r\nHost: a\r\n\r\n"),
        shape("frag", false, b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("expect bad", false, b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"),
        shape("cr mid", false, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
        shape("vt target", false, b"GET /\x0b HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("del target", false, b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"),
        shape("quote target", false, b"GET /\"<>^`{|} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]
}

/// Past the bounds of both servers.
fn long() -> Vec<Shape> {
    let get = |target: &str, fields: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
    };
    let fields: String = (0..100).map(|number| format!("X{number}: a\r\n")).collect();
    let field = |length: usize| format!("X: {}\r\n", "a".repeat(length));
    [
        ("101 fields", get("/", &fields)),
        ("a target of 8191", get(&format!("/{}", "a".repeat(8191)), "")),
        ("a field of 9000", get("/", &field(9000))),
        ("ten fields of 4000", get("/", &field(4000).repeat(10))),
    ]
    .into_iter()
    .map(|(name, bytes)| Shape { name, bytes, smuggles: false })
    .collect()
}
