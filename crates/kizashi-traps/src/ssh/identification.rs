//! The line by which each side names itself (RFC 4253, section 4.2), read byte by byte with OpenSSH's own faults
//! (kex.c, `kex_exchange_identification`), which are told to the visitor at the very byte that makes them.

/// Bytes of a line that OpenSSH takes (ssh2.h, `SSH_MAX_BANNER_LEN`).
const LONGEST: usize = 8_192;

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It goes on.
    More,
    /// The client's line, without its end.
    Named(Vec<u8>),
    /// What is said before the connection ends, and what had come of the line.
    Refused(&'static str, Vec<u8>),
    /// A scanner by its own name: the connection ends without a word.
    Unwelcome(Vec<u8>),
}

/// A line on its way in.
#[derive(Default)]
pub(super) struct Identification {
    line: Vec<u8>,
    expects_end: bool,
}

const INVALID: &str = "Invalid SSH identification string.\r\n";
const OTHER_MAJOR: &str = "Protocol major versions differ.\r\n";

impl Identification {
    pub(super) fn feed(&mut self, byte: u8) -> Outcome {
        match byte {
            b'\r' => self.expects_end = true,
            b'\n' => return judge(std::mem::take(&mut self.line)),
            0 => return Outcome::Refused(INVALID, self.take()),
            _ if self.expects_end => return Outcome::Refused(INVALID, self.take()),
            other => {
                self.line.push(other);
                if self.line.len() > LONGEST {
                    return Outcome::Refused(INVALID, self.take());
                }
            }
        }
        Outcome::More
    }

    /// What came so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.line)
    }

    pub(super) const fn memory(&self) -> usize {
        self.line.len()
    }
}

fn judge(line: Vec<u8>) -> Outcome {
    if line.len() <= 4 || !line.starts_with(b"SSH-") {
        return Outcome::Refused(INVALID, line);
    }
    let Some((major, minor, software)) = version(&line[4..]) else {
        return Outcome::Refused(INVALID, line);
    };
    if !(major == 2 || (major == 1 && minor == 99)) {
        return Outcome::Refused(OTHER_MAJOR, line);
    }
    // compat.c, `SSH_BUG_PROBE` and `SSH_BUG_SCANNER`.
    if software.starts_with(b"Probe-") || software.starts_with(b"SSH_Version_Mapper") {
        return Outcome::Unwelcome(line);
    }
    Outcome::Named(line)
}

/// `%d.%d-%[^\n]` as C's sscanf reads it: white space and a sign before a number, and at least one byte of software.
fn version(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let (major, rest) = number(text)?;
    let (minor, rest) = number(rest.strip_prefix(b".")?)?;
    let software = rest.strip_prefix(b"-")?;
    (!software.is_empty()).then_some((major, minor, software))
}

fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 11).count();
    let text = &text[blanks..];
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = digits
        .get(..count)
        .filter(|digits| !digits.is_empty())?
        .iter()
        .fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some((if negative { -value } else { value }, &digits[count..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(bytes: &[u8]) -> (Outcome, usize) {
        let mut identification = Identification::default();
        for (place, byte) in bytes.iter().enumerate() {
            let outcome = identification.feed(*byte);
            if outcome != Outcome::More {
                return (outcome, place + 1);
            }
        }
        (Outcome::More, bytes.len())
    }

    #[test]
    fn lines_are_taken_and_refused_as_openssh_does() {
        let named = |line: &[u8]| Outcome::Named(line.to_vec());
        assert_eq!(fed(b"SSH-2.0-Go\r\n").0, named(b"SSH-2.0-Go"));
        assert_eq!(fed(b"SSH-2.0-Go\n").0, named(b"SSH-2.0-Go"));
        assert_eq!(fed(b"SSH-1.99-x y\r\r\n").0, named(b"SSH-1.99-x y"));
        assert_eq!(fed(b"SSH- +2.00-x\n").0, named(b"SSH- +2.00-x"));
        for (line, length) in [
            (&b"GET / HTTP/1.1\r\nHost"[..], 16),
            (b"\r\nSSH-2.0-x", 2),
            (b"SSH-2.0-\n", 9),
            (b"SSH-2.0\n", 8),
            (b"SSH-2.0-a\rb", 11),
            (b"SSH-2.0-a\0", 10),
        ] {
            let (outcome, taken) = fed(line);
            assert!(matches!(outcome, Outcome::Refused(INVALID, _)), "{outcome:?}");
            assert_eq!(taken, length);
        }
        for line in
            [&b"SSH-1337-OpenSSH_9.0\n"[..], b"SSH-1.5-x\n", b"SSH-3.0-x\n", b"SSH--2.0-x\n"]
        {
            assert!(matches!(fed(line).0, Outcome::Refused(..)));
        }
        assert!(matches!(fed(b"SSH-1.5-x\n").0, Outcome::Refused(OTHER_MAJOR, _)));
        assert!(matches!(fed(b"SSH-2.0-Probe-1\n").0, Outcome::Unwelcome(_)));
        assert_eq!(fed(&[b'S'; 9_000]).1, LONGEST + 1);
    }
}
