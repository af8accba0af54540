//! The values that stand in logs, as text: moments, addresses, and pieces of Python. Each is read leniently where its meaning is
//! certain and refused where it is not.

use std::net::{IpAddr, Ipv4Addr};

use kizashi_event::{Timestamp, canonical_ip};

/// Reads a moment: what [`Timestamp::parse`] reads, or a count of seconds, milli-, micro- or nanoseconds since 1970 with or
/// without a fraction. The unit is told by the size: of 9 to 11 digits seconds (to the year 5138), to 14 milliseconds, to 17
/// microseconds, then nanoseconds; a shorter number is a year or a day, not a moment.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return read_epoch(text);
    }
    Timestamp::parse(text).ok()
}

fn read_epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (count, digits) = (whole.parse::<i64>().ok()?, whole.len());
    let micros = match digits {
        9..=11 => {
            let mut fraction: String = fraction.chars().take(6).collect();
            while fraction.len() < 6 {
                fraction.push('0');
            }
            count * Timestamp::SECOND + fraction.parse::<i64>().ok()?
        }
        12..=14 => count * 1_000,
        15..=17 => count,
        18..=19 => count / 1_000,
        _ => return None,
    };
    Some(Timestamp::from_micros(micros))
}

/// Reads an address as text.
pub(crate) fn read_address(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok().map(canonical_ip)
}

/// Reads an address as text or, as tables made for analysis have it, as the 32-bit number that an IPv4 address is.
pub(crate) fn read_address_or_integer(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<u32>().ok().map(|number| IpAddr::V4(Ipv4Addr::from(number)));
    }
    read_address(text)
}

/// The bytes that Python's `repr` of a string or of bytes stands for (`b'GET / \r\n'`); other text as it is.
pub(crate) fn python_bytes(text: &str) -> Vec<u8> {
    let body = text.strip_prefix('b').unwrap_or(text);
    let inner = ['\'', '"']
        .into_iter()
        .find_map(|quote| body.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    let Some(inner) = inner else { return text.as_bytes().to_vec() };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, used) = if first == b'\\' { unescape(after) } else { (first, 0) };
        bytes.push(byte);
        rest = &after[used..];
    }
    bytes
}

/// The byte that the escape after a backslash stands for, and how many bytes of it were used; a backslash alone is itself.
fn unescape(after: &[u8]) -> (u8, usize) {
    match after {
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [byte @ (b'\\' | b'\'' | b'"'), ..] => (*byte, 1),
        [b'x', high, low, ..] => {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
            match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high * 16 + low, 3),
                _ => (b'\\', 0),
            }
        }
        _ => (b'\\', 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_since_1970_are_read_in_the_unit_that_their_size_tells() {
        let moment = Timestamp::from_micros(1_525_628_645_866_769);
        for text in ["1525628645.866769", "1525628645866769", "1525628645866769000"] {
            assert_eq!(read_time(text), Some(moment), "{text}");
        }
        assert_eq!(read_time("1525628645"), Some(Timestamp::from_seconds(1_525_628_645)));
        assert_eq!(read_time("1525628645866"), Some(Timestamp::from_micros(1_525_628_645_866_000)));
        for text in ["2018", "20180506", "", ".", "1.2.3", "99999999999999999999"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }

    #[test]
    fn an_integer_is_an_ipv4_address_only_where_tables_have_it_so() {
        assert_eq!(read_address_or_integer("1032051418"), "61.131.218.218".parse().ok());
        assert_eq!(read_address_or_integer("4294967296"), None);
        assert_eq!(read_address("1032051418"), None);
        assert_eq!(read_address("::ffff:192.0.2.1"), "192.0.2.1".parse().ok());
    }

    #[test]
    fn pythons_way_of_writing_bytes_is_undone_and_nonsense_kept() {
        assert_eq!(python_bytes(r"b'GET / HTTP/1.1\r\n\x16\x03'"), b"GET / HTTP/1.1\r\n\x16\x03");
        assert_eq!(python_bytes(r#""it's""#), b"it's");
        assert_eq!(python_bytes(r"'\xg1\q\'"), br"\xg1\q\");
        assert_eq!(python_bytes("plain"), b"plain");
        assert_eq!(python_bytes("b'"), b"b'");
    }
}
