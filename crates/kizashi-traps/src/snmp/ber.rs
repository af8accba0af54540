//! BER as SNMP uses it (X.690; RFC 3417, 8): definite lengths, integers, object identifiers.

/// Arcs of an object identifier; RFC 2578, 3.5 allows 128.
const MOST_ARCS: usize = 128;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const TEXT: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const COUNTER: u8 = 0x41;
pub(super) const TICKS: u8 = 0x43;

/// Reads values one after the other; everything is `None` where the bytes end early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    /// The next value: its tag and content.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if *first >= 0x80 {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.is_empty() || digits.len() > 4 {
                return None;
            }
            length = digits.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((*tag, content))
    }

    /// The content of the next value, which has this tag.
    pub(super) fn of(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// The next value, an integer of at most eight bytes.
    pub(super) fn integer(&mut self) -> Option<i64> {
        integer(self.of(INTEGER)?)
    }
}

/// The number in the content of an integer.
pub(super) fn integer(content: &[u8]) -> Option<i64> {
    let first = *content.first()?;
    if content.len() > 8 {
        return None;
    }
    let sign = if first >= 0x80 { -1 } else { 0 };
    Some(content.iter().fold(sign, |sum, byte| (sum << 8) | i64::from(*byte)))
}

/// The arcs in the content of an object identifier.
pub(super) fn object(content: &[u8]) -> Option<Vec<u32>> {
    let (first, rest) = content.split_first()?;
    let mut arcs = vec![u32::from(first / 40).min(2)];
    arcs.push(u32::from(*first) - arcs[0] * 40);
    let mut arc: u32 = 0;
    for (place, byte) in rest.iter().enumerate() {
        arc = arc.checked_mul(128)? | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        } else if place + 1 == rest.len() {
            return None;
        }
        if arcs.len() > MOST_ARCS {
            return None;
        }
    }
    Some(arcs)
}

/// A value with this tag and content, its length in the shortest form.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => bytes.push(short),
        Ok(short) => bytes.extend([0x81, short]),
        Err(_) => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

/// An integer or another number, in as few bytes as it needs.
pub(super) fn number(tag: u8, number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let spare = |at: usize| {
        let (byte, next) = (bytes[at], bytes[at + 1]);
        (byte == 0 && next < 0x80) || (byte == 0xff && next >= 0x80)
    };
    let from = (0..7).find(|at| !spare(*at)).unwrap_or(7);
    value(tag, &bytes[from..])
}

/// An object identifier.
pub(super) fn identifier(arcs: &[u32]) -> Vec<u8> {
    let mut content = Vec::new();
    if let [first, second, ..] = arcs {
        content.push(u8::try_from(first * 40 + second).unwrap_or(0));
    }
    for arc in arcs.iter().skip(2) {
        let groups = (1..5).rev().filter(|group| arc >> (7 * group) != 0);
        for group in groups {
            content.push(0x80 | u8::try_from((arc >> (7 * group)) & 0x7f).unwrap_or(0));
        }
        content.push(u8::try_from(arc & 0x7f).unwrap_or(0));
    }
    value(OBJECT, &content)
}

#[test]
fn what_is_written_is_read_back() {
    for wanted in [0, 1, 127, 128, 255, 256, 65_535, -1, -128, -129, i64::from(u32::MAX)] {
        assert_eq!(Values(&number(INTEGER, wanted)).integer(), Some(wanted), "{wanted}");
    }
    let arcs = [1, 3, 6, 1, 4, 1, 8072, 3, 2, 10, u32::MAX, 0, 128];
    let bytes = identifier(&arcs);
    assert_eq!(object(Values(&bytes).of(OBJECT).unwrap()), Some(arcs.to_vec()));
    for length in [0, 127, 128, 255, 256, 2_000] {
        let bytes = value(TEXT, &vec![7; length]);
        assert_eq!(Values(&bytes).of(TEXT).map(<[u8]>::len), Some(length));
    }
}
