//! An HTTP client by how it writes requests, in a form of Kizashi's own: `1.1:huae:5d0c1f7a90b2`. Version; a letter for each field that
//! belongs to the software, in the order sent; and a hash of these fields' names as they are written, with the values that programs
//! and not people choose. Fields that belong to the single request (cookies, length, referrer, authorisation) are left out, so that a
//! client keeps its print whatever it asks for. docs/fingerprints.md tells the form and why it is not JA4H (FoxIO License 1.1).

use sha2::{Digest, Sha256};

use super::hexadecimal;
use crate::Request;

/// Header fields looked at, and so letters at most: what a server takes at most.
const FIELDS: usize = 100;

/// Fields that depend on what is asked for, of whom and when, and those of HTTP/2's own.
const OF_THE_REQUEST: &[&str] = &[
    "authorization",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "origin",
    "range",
    "referer",
];

/// A letter for each field that clients commonly send; `x` is any other.
const LETTERS: &[(&str, char)] = &[
    ("host", 'h'),
    ("user-agent", 'u'),
    ("accept", 'a'),
    ("accept-language", 'l'),
    ("accept-encoding", 'e'),
    ("accept-charset", 'r'),
    ("connection", 'c'),
    ("cache-control", 'k'),
    ("pragma", 'p'),
    ("upgrade-insecure-requests", 'i'),
    ("dnt", 'd'),
    ("te", 't'),
];

/// Fields whose value is the program's own.
const WITH_VALUE: &[&str] = &["accept", "accept-encoding", "connection", "te"];

/// The print, without its kind in front.
#[must_use]
pub fn http_print(request: &Request) -> String {
    let mut letters = String::new();
    let mut hasher = Sha256::new();
    for (name, value) in &request.headers {
        let (name, value) = (name.raw(), value.raw());
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let is_left_out = name.is_empty() || name.starts_with(':');
        if is_left_out || OF_THE_REQUEST.iter().any(|known| is(known)) {
            continue;
        }
        if letters.len() >= FIELDS {
            break;
        }
        letters.push(letter(name));
        hasher.update(name.as_bytes());
        if WITH_VALUE.iter().any(|known| is(known)) {
            hasher.update(b"=");
            hasher.update(value.as_bytes());
        }
        hasher.update(b"\n");
    }
    let version = version(request.version.raw());
    if letters.is_empty() {
        return format!("{version}:-:-");
    }
    let digest = hasher.finalize();
    format!("{version}:{letters}:{}", hexadecimal(digest.get(..6).unwrap_or_default()))
}

/// `1.1` of `HTTP/1.1`; a request without a version is one of HTTP/0.9, and what is no version is `?`.
fn version(text: &str) -> &str {
    match text.strip_prefix("HTTP/") {
        Some(number @ ("0.9" | "1.0" | "1.1" | "2" | "3")) => number,
        Some("2.0") => "2",
        Some("3.0") => "3",
        None if text.is_empty() => "0.9",
        _ => "?",
    }
}

fn letter(name: &str) -> char {
    let known = LETTERS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    match known {
        Some((_, letter)) => *letter,
        // What browsers say of themselves and of why they ask.
        None if name.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("sec-")) => 's',
        None => 'x',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(method: &str, version: &str, headers: &[(&str, &str)]) -> String {
        let headers =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let (method, version) = (method.into(), version.into());
        http_print(&Request { method, version, headers, ..Request::default() })
    }

    const CURL: [(&str, &str); 3] =
        [("Host", "192.0.2.1"), ("User-Agent", "curl/7.88.1"), ("Accept", "*/*")];

    #[test]
    fn a_client_keeps_its_print_whatever_it_asks_for() {
        let plain = of("GET", "HTTP/1.1", &CURL);
        assert!(plain.starts_with("1.1:hua:") && plain.len() == 20, "{plain}");
        let mut posting = CURL.to_vec();
        posting[0].1 = "elsewhere.example";
        posting.extend([
            ("Cookie", "a=1"),
            ("Referer", "http://x/"),
            ("Content-Length", "3"),
            ("Content-Type", "text/plain"),
            ("Authorization", "Basic eA=="),
        ]);
        assert_eq!(of("POST", "HTTP/1.1", &posting), plain);
    }

    #[test]
    fn order_case_version_and_the_programs_own_values_tell_clients_apart() {
        let plain = of("GET", "HTTP/1.1", &CURL);
        let swapped = [CURL[1], CURL[0], CURL[2]];
        let small = [("host", "192.0.2.1"), CURL[1], CURL[2]];
        let other = [CURL[0], CURL[1], ("Accept", "text/html")];
        for headers in [swapped, small, other] {
            assert_ne!(of("GET", "HTTP/1.1", &headers), plain, "{headers:?}");
        }
        assert_ne!(of("GET", "HTTP/1.0", &CURL), plain);
        assert!(of("GET", "HTTP/1.1", &swapped).starts_with("1.1:uha:"));
    }

    #[test]
    fn http2_counts_no_pseudo_fields_and_no_fields_have_no_hash() {
        let apart =
            of("GET", "HTTP/2.0", &[(":authority", "a"), ("accept", "*/*"), ("cookie", "b")]);
        assert_eq!(apart, of("GET", "HTTP/2", &[("accept", "*/*")]));
        assert!(apart.starts_with("2:a:"), "{apart}");
        assert_eq!(of("GET", "", &[]), "0.9:-:-");
        assert_eq!(of("GET", "HTTP/1.1:x", &[]), "?:-:-");
    }

    proptest! {
        #[test]
        fn any_request_has_a_print_of_bounded_length(
            method: String, version: String, headers: Vec<(String, String)>,
        ) {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let print = of(&method, &version, &headers);
            prop_assert_eq!(print.split(':').count(), 3);
            prop_assert!(print.len() <= 3 + 1 + FIELDS + 1 + 12);
        }
    }
}
