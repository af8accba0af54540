//! Backslash escapes, as each of their readers has them: `$'…'`, `echo -e` of bash, of dash, of BusyBox, and `printf`.

/// Who reads the escapes, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `echo -e` of bash, BusyBox and coreutils: octal needs a 0 in front in bash and coreutils.
    Echo,
    /// BusyBox and dash: `\1` to `\377` are octal as well.
    EchoOctal,
    /// The format of `printf`: octal of up to three digits.
    Printf,
}

/// The bytes of `$'…'`.
pub(crate) fn ansi_c(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&kind, after)) = rest.split_first() else {
            bytes.push(b'\\');
            break;
        };
        match kind {
            b'\'' | b'"' | b'?' => {
                bytes.push(kind);
                rest = after;
            }
            b'0'..=b'7' => rest = digits(rest, 8, 3, &mut bytes),
            b'c' => {
                bytes.extend(after.first().map(|control| control & 31));
                rest = after.get(1..).unwrap_or_default();
            }
            _ => rest = common(rest, &mut bytes),
        }
    }
    bytes
}

/// Escapes made bytes; whether `\c` ended the output.
pub(crate) fn unescape(text: &[u8], dialect: Dialect) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.first() {
            None => bytes.push(b'\\'),
            Some(b'c') => return (bytes, true),
            Some(b'0') if dialect != Dialect::Printf => {
                rest = digits(rest.get(1..).unwrap_or_default(), 8, 3, &mut bytes);
            }
            Some(b'0'..=b'7') if dialect != Dialect::Echo => rest = digits(rest, 8, 3, &mut bytes),
            Some(b'"') if dialect == Dialect::Printf => {
                bytes.push(b'"');
                rest = rest.get(1..).unwrap_or_default();
            }
            Some(_) => rest = common(rest, &mut bytes),
        }
    }
    (bytes, false)
}

/// What all have in common; `text` begins behind the backslash.
fn common<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let Some((&kind, after)) = text.split_first() else { return text };
    match kind {
        b'n' => bytes.push(b'\n'),
        b't' => bytes.push(b'\t'),
        b'r' => bytes.push(b'\r'),
        b'a' => bytes.push(7),
        b'b' => bytes.push(8),
        b'e' | b'E' => bytes.push(27),
        b'f' => bytes.push(12),
        b'v' => bytes.push(11),
        b'\\' => bytes.push(b'\\'),
        b'x' if after.first().is_some_and(u8::is_ascii_hexdigit) => {
            return digits(after, 16, 2, bytes);
        }
        b'u' if after.first().is_some_and(u8::is_ascii_hexdigit) => {
            return unicode(after, 4, bytes);
        }
        b'U' if after.first().is_some_and(u8::is_ascii_hexdigit) => {
            return unicode(after, 8, bytes);
        }
        other => bytes.extend([b'\\', other]),
    }
    after
}

fn value(text: &[u8], radix: u32, most: usize) -> (u32, &[u8]) {
    let length =
        text.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let (digits, rest) = text.split_at(length);
    let sum = digits.iter().filter_map(|byte| char::from(*byte).to_digit(radix));
    (sum.fold(0_u32, |value, digit| value.wrapping_mul(radix).wrapping_add(digit)), rest)
}

fn digits<'a>(text: &'a [u8], radix: u32, most: usize, bytes: &mut Vec<u8>) -> &'a [u8] {
    let (number, rest) = value(text, radix, most);
    bytes.push((number & 255) as u8);
    rest
}

fn unicode<'a>(text: &'a [u8], most: usize, bytes: &mut Vec<u8>) -> &'a [u8] {
    let (number, rest) = value(text, 16, most);
    let mut buffer = [0; 4];
    bytes.extend_from_slice(
        char::from_u32(number).unwrap_or('?').encode_utf8(&mut buffer).as_bytes(),
    );
    rest
}

/// The text as bash would quote it in `export -p`, `set` and traces.
pub(crate) fn quote(text: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(byte);
    if !text.is_empty() && text.iter().all(plain) {
        return text.to_vec();
    }
    quote_always(text)
}

/// In single quotes, whatever it is.
pub(crate) fn quote_always(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in text {
        if *byte == b'\'' {
            quoted.extend_from_slice(b"'\\''");
        } else {
            quoted.push(*byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_has_its_own_octal() {
        assert_eq!(unescape(b"\\0101\\x41\\n", Dialect::Echo).0, b"AA\n");
        assert_eq!(unescape(b"\\101", Dialect::Echo).0, b"\\101");
        assert_eq!(unescape(b"\\101", Dialect::EchoOctal).0, b"A");
        assert_eq!(unescape(b"\\101\\x4g", Dialect::Printf).0, b"A\x04g");
        assert_eq!(unescape(b"a\\cb", Dialect::Echo), (b"a".to_vec(), true));
        assert_eq!(unescape(b"\\xg\\q", Dialect::Echo).0, b"\\xg\\q");
        assert_eq!(ansi_c(b"\\x41\\'\\u00e9\\cA\\101"), b"A'\xc3\xa9\x01A");
    }
}
