//! What is asked of every product and of its site: what tools ask to learn which server it is, and where servers differ in what they refuse.

/// A request.
pub(crate) type Probe = (String, Vec<u8>);

#[rustfmt::skip]
const SERVER: [(&str, &str); 46] = [
    ("root", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("missing", "GET /no/such/page HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("missing, closing", "GET /no/such/page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    ("missing, HEAD", "HEAD /no/such/page HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("missing, POST", "POST /no/such/page HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b"),
    ("missing, PUT", "PUT /no/such/page HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b"),
    ("missing, DELETE", "DELETE /no/such/page HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("root, POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    ("root, DELETE", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("root, OPTIONS", "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("lower method", "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("1.0", "GET /no/such/page HTTP/1.0\r\n\r\n"),
    ("1.0 kept", "GET /no/such/page HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    ("0.9", "GET /no/such/page\r\n\r\n"),
    ("1.2", "GET /no/such/page HTTP/1.2\r\nHost: a\r\n\r\n"),
    ("2.0", "GET /no/such/page HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("no protocol", "GET / FOO\r\nHost: a\r\n\r\n"),
    ("no request", "hello\r\n\r\n"),
    ("no host", "GET /no/such/page HTTP/1.1\r\n\r\n"),
    ("two hosts", "GET /no/such/page HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("a host that is none", "GET /no/such/page HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("an empty host", "GET /no/such/page HTTP/1.1\r\nHost:\r\n\r\n"),
    ("absolute", "GET http://b/no/such/page HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no slash", "GET no/such/page HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("escaped nothing", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("escaped slash", "GET /no%2fsuch HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("above the root", "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("above the root, escaped", "GET /no/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("dots", "GET /no/./such/../page HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("two slashes", "GET //no//such HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("signs", "GET /no?\"<>^`{|} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bare newlines", "GET /no/such/page HTTP/1.1\nHost: a\n\n"),
    ("folded", "GET /no/such/page HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
    ("no colon", "GET /no/such/page HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n"),
    ("space before colon", "GET /no/such/page HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n"),
    ("no value but NUL", "GET /no/such/page HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"),
    ("length of no number", "POST /no/such/page HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"),
    ("two lengths", "POST /no/such/page HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("length and chunks", "POST /no/such/page HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("unknown coding", "POST /no/such/page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n"),
    ("a broken chunk", "POST /no/such/page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n"),
];

/// Requests about the server.
pub(crate) fn server() -> Vec<Probe> {
    let plain = SERVER.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let long = |name: &str, target: usize, field: usize, count: usize| {
        let fields = format!("X: {}\r\n", "a".repeat(field)).repeat(count);
        let text = format!("GET /{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", "a".repeat(target));
        (name.to_owned(), text.into_bytes())
    };
    plain
        .chain([
            long("a target of 7000", 7_000, 0, 0),
            long("a target of 20000", 20_000, 0, 0),
            long("a field of 20000", 1, 20_000, 1),
            long("150 fields", 1, 1, 150),
        ])
        .collect()
}

/// A page of a site.
pub(crate) fn get(target: &str) -> Probe {
    page("GET", target, "", "")
}

pub(crate) fn page(method: &str, target: &str, fields: &str, body: &str) -> Probe {
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    let name = format!("{method} {target}{}", if fields.is_empty() { "" } else { " with fields" });
    let host = "Host: a\r\nConnection: close\r\n";
    (name, format!("{method} {target} HTTP/1.1\r\n{host}{fields}{length}\r\n{body}").into_bytes())
}
