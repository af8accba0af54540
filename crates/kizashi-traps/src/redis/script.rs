//! Words of Lua: names, texts, numbers and signs. What is none of these is a sign of its own, since only the beginning of a script may
//! be what is read.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(Vec<u8>),
    Number(f64),
    Sign(&'static str),
}

/// The words of a script; an error where a text does not end.
pub(super) fn tokens(mut rest: &[u8]) -> Result<Vec<Token>, ()> {
    const SIGNS: [&str; 18] = [
        "==", "~=", "<=", ">=", "..", "(", ")", "{", "}", "[", "]", ",", ";", "=", "<", ">", ".",
        "+",
    ];
    let mut found = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some(first) = rest.first() else { return Ok(found) };
        if rest.starts_with(b"--") {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            rest = &rest[end..];
        } else if first.is_ascii_alphabetic() || *first == b'_' {
            let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            found.push(Token::Name(String::from_utf8_lossy(name).into_owned()));
            rest = after;
        } else if first.is_ascii_digit() {
            let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
            let (digits, after) = rest.split_at(end.unwrap_or(rest.len()));
            let digits = std::str::from_utf8(digits).map_err(|_| ())?;
            found.push(Token::Number(digits.parse().map_err(|_| ())?));
            rest = after;
        } else if matches!(first, b'"' | b'\'') {
            let (text, after) = quoted(rest)?;
            found.push(Token::Text(text));
            rest = after;
        } else if let Some(long) = rest.strip_prefix(b"[[") {
            let end = long.windows(2).position(|pair| pair == b"]]").ok_or(())?;
            found.push(Token::Text(long[..end].to_vec()));
            rest = &long[end + 2..];
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes()));
            let sign = sign.copied().or_else(|| (*first == b'-').then_some("-"));
            // What is behind the part that is read may be anything.
            let sign = sign.unwrap_or("?");
            found.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
}

fn quoted(text: &[u8]) -> Result<(Vec<u8>, &[u8]), ()> {
    let (quote, mut rest) = text.split_first().ok_or(())?;
    let mut found = Vec::new();
    loop {
        let (byte, after) = rest.split_first().ok_or(())?;
        rest = after;
        match byte {
            byte if byte == quote => return Ok((found, rest)),
            b'\\' => {
                let (escaped, after) = rest.split_first().ok_or(())?;
                rest = after;
                found.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    other => *other,
                });
            }
            byte => found.push(*byte),
        }
    }
}
