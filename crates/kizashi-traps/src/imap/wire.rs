//! Commands: words, quoted strings and literals (RFC 3501, 4.3 and 9).

/// The length that a line announces at its end, and whether it is waited for: `{7}` or `{7+}`.
pub(super) fn literal(line: &[u8]) -> Option<(usize, bool)> {
    let inside = line.strip_suffix(b"}")?;
    let at = inside.iter().rposition(|byte| *byte == b'{')?;
    let number = std::str::from_utf8(&inside[at + 1..]).ok()?;
    let (number, waits) = match number.strip_suffix('+') {
        Some(number) => (number, false),
        None => (number, true),
    };
    Some((number.parse().ok()?, waits))
}

/// Bytes as a quoted string.
pub(super) fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

/// The words of a text: atoms, strings without their quotes, and what stands in parentheses or brackets as one word. At most 32.
pub(super) fn words(text: &[u8]) -> Vec<Vec<u8>> {
    const MOST: usize = 32;
    let mut words: Vec<Vec<u8>> = Vec::new();
    let (mut word, mut depth, mut begun) = (Vec::new(), 0_usize, false);
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' if depth == 0 => {
                begun = true;
                while let Some(byte) = rest.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => word.extend(rest.next()),
                        other => word.push(other),
                    }
                }
            }
            b' ' if depth == 0 => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
                if words.len() >= MOST {
                    return words;
                }
            }
            other => {
                match other {
                    b'(' | b'[' => depth += 1,
                    b')' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                begun = true;
                word.push(other);
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// The numbers of a set such as `1,3:5` or `2:*`, of those up to `last`.
pub(super) fn set(text: &str, last: u32) -> Vec<u32> {
    let number = |text: &str| if text == "*" { Some(last) } else { text.parse::<u32>().ok() };
    let mut numbers = Vec::new();
    for part in text.split(',').take(64) {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let (Some(from), Some(to)) = (number(from), number(to)) else { continue };
        let (from, to) = (from.min(to).max(1), from.max(to).min(last));
        numbers.extend((from..=to).filter(|number| !numbers.contains(number)).collect::<Vec<_>>());
    }
    numbers
}
