//! Lines of CUPS' old browsing, which cups-browsed up to 2.0.1 takes from anybody: `type state uri "location" "info" "model"`. It then asks
//! the printer at that address for its attributes, and what these say comes into a PPD (CVE-2024-47176 and its followers). Nothing is asked here.

use kizashi_event::{Detail, HostileText, Timestamp};

use super::wire::host_and_port;
use crate::Output;
use crate::datagram::{Answer, Protocol, note};

/// Bytes of a line that cups-browsed reads.
const LONGEST: usize = 2_047;

pub(super) struct Browse;

impl Protocol for Browse {
    fn datagram(&mut self, bytes: &[u8], _now: Timestamp, out: &mut Output) -> Answer {
        let line = &bytes[..bytes.len().min(LONGEST)];
        let Some(uri) = printer(line) else { return Answer::unread() };
        out.recognise(super::SERVICE);
        note(out, "cups browse", HostileText::from_bytes(line.trim_ascii_end()));
        if let Some((host, port)) = host_and_port(uri) {
            out.tell(Detail::Forward { host, port, data: None });
        }
        Answer::silent().keeping()
    }
}

/// The address of the printer that a line is about.
fn printer(line: &[u8]) -> Option<&[u8]> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_number = |word: &[u8]| word.len() <= 8 && word.iter().all(u8::is_ascii_hexdigit);
    let (kind, state) = (words.next()?, words.next()?);
    let uri = words.next()?;
    (is_number(kind) && is_number(state) && uri.windows(3).any(|three| three == b"://"))
        .then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_two_numbers_and_an_address() {
        assert_eq!(
            printer(b"0 3 http://192.0.2.9:12345/printers/x \"a\" \"b\""),
            Some(&b"http://192.0.2.9:12345/printers/x"[..])
        );
        for other in [&b"GET / HTTP/1.1\r\n"[..], b"", b"0 3", b"0 3 here", b"zz 3 ipp://a/"] {
            assert_eq!(printer(other), None, "{other:?}");
        }
    }
}
