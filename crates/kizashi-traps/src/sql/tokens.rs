//! A statement's words, as far as it must be told apart from others: the engine (`crate::sql`) reads expressions, this finds their ends.

use super::Dialect;

/// Most tokens that are looked at.
const MOST: usize = 8_192;

/// One, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare word in small letters, and as it was written.
    Word(Vec<u8>, Vec<u8>),
    /// A name in back quotes, PostgreSQL's in double ones.
    Name(Vec<u8>),
    /// A text in quotes, or between dollars.
    Text(Vec<u8>),
    Sign(u8),
}

impl Token {
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(small, _) if small == word.as_bytes())
    }

    pub(crate) fn is_sign(&self, sign: u8) -> bool {
        self.kind == Kind::Sign(sign)
    }

    /// What it names, if it can name something.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Word(_, name) | Kind::Name(name) => Some(name),
            Kind::Text(_) | Kind::Sign(_) => None,
        }
    }
}

/// Splits a text; comments are left out.
pub(crate) fn tokens(dialect: Dialect, text: &[u8]) -> Vec<Token> {
    let postgres = dialect == Dialect::PostgreSql;
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() && found.len() < MOST {
        let start = at;
        let rest = &text[at..];
        let word =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"_$@".contains(byte) || !byte.is_ascii();
        let kind = match rest[0] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'#' if !postgres => {
                at += line_end(rest);
                continue;
            }
            b'-' if rest.starts_with(b"--")
                && (postgres || rest.get(2).is_none_or(u8::is_ascii_whitespace)) =>
            {
                at += line_end(rest);
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                let end = rest.windows(2).skip(2).position(|pair| pair == b"*/");
                at += end.map_or(rest.len(), |end| end + 4);
                continue;
            }
            b'e' | b'E' if postgres && rest.get(1) == Some(&b'\'') => {
                let (content, length) = quoted(&rest[1..], b'\'', true);
                at += 1 + length;
                Kind::Text(content)
            }
            b'$' if postgres && let Some((content, length)) = dollar_quoted(rest) => {
                at += length;
                Kind::Text(content.to_vec())
            }
            quote @ (b'\'' | b'"' | b'`') => {
                let (content, length) = quoted(rest, quote, !postgres && quote != b'`');
                at += length;
                let names = if postgres { b'"' } else { b'`' };
                if quote == names { Kind::Name(content) } else { Kind::Text(content) }
            }
            byte if word(&byte) => {
                let length = rest.iter().position(|byte| !word(byte)).unwrap_or(rest.len());
                at += length;
                Kind::Word(rest[..length].to_ascii_lowercase(), rest[..length].to_vec())
            }
            sign => {
                at += 1;
                Kind::Sign(sign)
            }
        };
        found.push(Token { kind, start, end: at });
    }
    found
}

fn line_end(text: &[u8]) -> usize {
    text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| end + 1)
}

/// `$$content$$` and `$tag$content$tag$`, and how long it is in all.
pub(super) fn dollar_quoted(text: &[u8]) -> Option<(&[u8], usize)> {
    const LONGEST_TAG: usize = 64;
    let end = text.iter().skip(1).take(LONGEST_TAG).position(|byte| *byte == b'$')? + 2;
    let (mark, rest) = text.split_at(end);
    let tag = &mark[1..end - 1];
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    if !tag.iter().all(plain) || tag.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let length = rest.windows(mark.len()).position(|window| window == mark)?;
    Some((&rest[..length], length + 2 * mark.len()))
}

/// The content of what begins with a quote, and how long it is with its quotes.
fn quoted(text: &[u8], quote: u8, escapes: bool) -> (Vec<u8>, usize) {
    let mut content = Vec::new();
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        let next = text.get(at + 1).copied();
        match (byte, next) {
            (b'\\', Some(next)) if escapes => {
                content.push(match next {
                    b'0' => 0,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'Z' => 26,
                    other => other,
                });
                at += 2;
            }
            (byte, Some(next)) if byte == quote && next == quote => {
                content.push(quote);
                at += 2;
            }
            (byte, _) if byte == quote => return (content, at + 1),
            _ => {
                content.push(byte);
                at += 1;
            }
        }
    }
    (content, text.len())
}

/// The statements of a text, where several may come at once.
pub(crate) fn statements(dialect: Dialect, text: &[u8]) -> Vec<&[u8]> {
    const STATEMENTS: usize = 64;
    let mut found = Vec::new();
    let mut start = 0;
    for token in tokens(dialect, text) {
        if token.is_sign(b';') {
            found.push(&text[start..token.start]);
            start = token.end;
            if found.len() == STATEMENTS {
                return found;
            }
        }
    }
    let rest = &text[start..];
    if found.is_empty() || !tokens(dialect, rest).is_empty() {
        found.push(rest);
    }
    found
}

/// Where the parenthesis at this token is closed.
pub(crate) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_sign(b'(') {
            depth += 1;
        } else if token.is_sign(b')') {
            // One that nothing opened: what is between would end before it begins.
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Pieces between commas outside parentheses, as ranges of tokens.
pub(crate) fn pieces(tokens: &[Token]) -> Vec<&[Token]> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign(b'(') => depth += 1,
            Kind::Sign(b')') => depth = depth.saturating_sub(1),
            Kind::Sign(b',') if depth == 0 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&tokens[start..]);
    found
}

/// The text that tokens stand for.
pub(crate) fn span<'a>(text: &'a [u8], tokens: &[Token]) -> &'a [u8] {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => &text[first.start..last.end],
        _ => b"",
    }
}
