//! The little of DER (X.690) that a certificate is written in.

/// A tag, a length, and content.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut written = vec![tag];
    let length = content.len().to_be_bytes();
    let skipped = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(skipped..).unwrap_or_default();
    match length {
        [] => written.push(0),
        [short @ 0..=0x7f] => written.push(*short),
        long => {
            written.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            written.extend_from_slice(long);
        }
    }
    written.extend_from_slice(content);
    written
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

pub(super) fn set(content: &[u8]) -> Vec<u8> {
    value(0x31, content)
}

/// A number that is not negative, from its magnitude.
pub(super) fn number(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let digits = magnitude.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    value(2, &[sign, digits].concat())
}

/// A string of bits whose count is a multiple of eight.
pub(super) fn bits(content: &[u8]) -> Vec<u8> {
    value(3, &[&[0], content].concat())
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    value(4, content)
}

pub(super) fn object(encoded: &[u8]) -> Vec<u8> {
    value(6, encoded)
}

pub(super) fn utf8(text: &str) -> Vec<u8> {
    value(12, text.as_bytes())
}

pub(super) fn printable(text: &str) -> Vec<u8> {
    value(19, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_signs_are_written_as_short_as_they_can_be() {
        assert_eq!(number(&[0, 0, 1, 0, 1]), [2, 3, 1, 0, 1]);
        assert_eq!(number(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(number(&[]), [2, 1, 0]);
        assert_eq!(value(4, &[7; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(value(4, &[7; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(value(4, &[7; 0x102])[..4], [4, 0x82, 1, 2]);
    }
}
