//! Whether a request is made to be cut differently by two servers behind one another (request smuggling: Linhart et al. 2005, Kettle 2019 and
//! 2021): two lengths, a coding beside a length, a coding or its name so misspelt that one server believes it and another does not.
//! What the pretended server does about it is its grammar's; this only names it.

use kizashi_event::Request;

/// Lines of a head that are looked at, where it was refused before it was taken apart.
const LINES: usize = 200;

/// Whether the fields are of that form. `raw` is the whole head where it was refused.
pub(super) fn is_smuggling(request: &Request, raw: &[u8]) -> bool {
    let fields = request.headers.iter();
    let mut found = Found { over_http2: request.version.raw() == "HTTP/2.0", ..Found::default() };
    fields.for_each(|(name, value)| found.look(name.raw().as_bytes(), value.raw().as_bytes()));
    let lines = raw.split(|byte| *byte == b'\n').skip(1);
    let blank = |line: &&[u8]| !line.strip_suffix(b"\r").unwrap_or(line).is_empty();
    // A bare newline among the fields hides those after it from one server of two.
    let (mut from_raw, mut bare) = (Found::default(), false);
    for line in lines.take_while(blank).take(LINES) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        bare |= !line.ends_with(b"\r");
        from_raw.look(&line[..colon], value.strip_suffix(b"\r").unwrap_or(value));
    }
    // A coding in a head that breaks the grammar elsewhere, as by a folded line.
    let loose = request.malformed && found.codings > 0;
    let old = matches!(request.version.raw(), "HTTP/1.0" | "HTTP/0.9");
    loose || (bare && from_raw.codings > 0) || found.is_odd(old) || from_raw.is_odd(old)
}

#[derive(Default)]
struct Found {
    over_http2: bool,
    lengths: u32,
    codings: u32,
    odd: bool,
}

impl Found {
    fn look(&mut self, name: &[u8], value: &[u8]) {
        let plain: Vec<u8> = name
            .iter()
            .filter(|byte| **byte > b' ' && **byte < 0x7f)
            .map(|byte| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() })
            .collect();
        // A line break inside a value, as HTTP/2 can carry one whole, or before such a field in HTTP/1.
        let broken = [name, value].concat();
        let inside = |word: &[u8]| broken.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
        self.odd |= broken.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
            && (self.over_http2 || inside(b"transfer-encoding") || inside(b"content-length"));
        let misspelt = plain.len() != name.len() || name.contains(&b'_');
        let text = value.strip_prefix(b" ").unwrap_or(value);
        match plain.as_slice() {
            b"transfer-encoding" => {
                self.codings += 1;
                let known = [&b"chunked"[..], b"gzip", b"deflate", b"compress"];
                let known = known.iter().any(|coding| text.eq_ignore_ascii_case(coding));
                self.odd |= misspelt || !known || self.over_http2;
            }
            b"content-length" => {
                self.lengths += 1;
                let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
                self.odd |= misspelt || !digits;
            }
            _ => {}
        }
    }

    const fn is_odd(&self, old: bool) -> bool {
        let both = self.lengths > 0 && self.codings > 0;
        self.odd || both || self.lengths > 1 || self.codings > 1 || (old && self.codings > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(lines: &[(&str, &str)]) -> bool {
        let headers = lines.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let request = Request { headers, version: "HTTP/1.1".into(), ..Request::default() };
        let text: String =
            lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let raw = format!("POST / HTTP/1.1\r\n{text}\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n");
        let refused = is_smuggling(&Request::default(), raw.as_bytes());
        let parsed = is_smuggling(&request, b"");
        assert_eq!(parsed, refused, "{lines:?}");
        parsed
    }

    #[test]
    fn every_published_shape_is_named() {
        for lines in [
            &[("Content-Length", "6"), ("Transfer-Encoding", "chunked")][..],
            &[("Content-Length", "6"), ("Content-Length", "5")],
            &[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "x")],
            &[("Transfer-Encoding", "xchunked")],
            &[("Transfer-Encoding ", "chunked")],
            &[("Transfer-Encoding", "\tchunked")],
            &[("Transfer_Encoding", "chunked")],
            &[("Transfer-Encoding", "chunked, identity")],
            &[(" Transfer-Encoding", "chunked")],
            &[("Content-Length", "+6")],
            &[("Content-Length", "6, 6")],
            &[("Content-Length\u{b}", "6")],
        ] {
            assert!(shape(lines), "{lines:?}");
        }
    }

    #[test]
    fn what_clients_send_every_day_is_none() {
        for lines in [
            &[("Content-Length", "6")][..],
            &[("Transfer-Encoding", "chunked"), ("Expect", "100-continue")],
            &[("X-Forwarded-For", "127.0.0.1"), ("Host", "a")],
            &[("Transfer-Encoding", "Chunked")],
        ] {
            assert!(!shape(lines), "{lines:?}");
        }
    }
}
