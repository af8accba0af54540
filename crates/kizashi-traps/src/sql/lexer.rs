//! A query's bytes to words. Comments are what injections live of, so all four kinds are as MariaDB has them: `-- ` with a space after
//! it, `#`, `/* */`, and `/*! */`, whose content is part of the query where the version in it is not above the server's.

use super::error::SqlError;
use super::foreign::Dialect;
use super::tokens::dollar_quoted;

/// Words of one query; a request line has no room for more.
const WORDS: usize = 8_000;

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A keyword or name; `quoted` where it stood in backquotes.
    Name {
        text: Vec<u8>,
        quoted: bool,
    },
    Integer(i128),
    Decimal(f64, u8),
    Real(f64),
    Text(Vec<u8>),
    Hex(Vec<u8>),
    /// `@name` and `@@name`.
    UserVariable(Vec<u8>),
    SystemVariable(Vec<u8>),
    /// An operator or bracket.
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 32] = [
    "<=>", ":=", "<=", ">=", "<>", "!=", "<<", ">>", "||", "&&", "->", "=", "<", ">", "+", "-",
    "*", "/", "%", "^", "&", "|", "~", "!", "(", ")", ",", ".", ";", "?", "{", "}",
];

/// PostgreSQL's, which go before those.
const POSTGRES_SIGNS: [&str; 9] = ["!~~", "!~*", "!~", "~~", "~*", "::", "[", "]", "->>"];

pub(super) struct Lexer<'a> {
    query: &'a [u8],
    at: usize,
    /// The server's version as `/*!` has it: 101100.
    version: u32,
    dialect: Dialect,
    /// Openings of `/*!` whose end is still to come.
    open: u32,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(query: &'a [u8], version: u32, dialect: Dialect) -> Self {
        Self { query, at: 0, version, dialect, open: 0 }
    }

    /// All words, the last of them [`Kind::End`].
    pub(super) fn words(mut self) -> Result<Vec<Word>, SqlError> {
        let mut words = Vec::new();
        loop {
            self.skip()?;
            let at = self.at;
            let kind = self.word()?;
            let end = kind == Kind::End;
            words.push(Word { kind, at });
            if end {
                return Ok(words);
            }
            if words.len() > WORDS {
                return Err(SqlError::too_deep());
            }
        }
    }

    fn is_postgres(&self) -> bool {
        self.dialect == Dialect::PostgreSql
    }

    /// What PostgreSQL spells otherwise.
    fn postgres_word(&mut self, byte: u8, before_quote: bool) -> Result<Option<Kind>, SqlError> {
        Ok(Some(match byte {
            b'\'' => Kind::Text(self.verbatim(b'\'')?),
            b'"' => Kind::Name { text: self.verbatim(b'"')?, quoted: true },
            b'e' | b'E' if before_quote => {
                self.at += 1;
                Kind::Text(self.text(b'\'')?)
            }
            b'$' => {
                let Some((text, length)) = dollar_quoted(&self.query[self.at..]) else {
                    return self.broken(self.at);
                };
                let text = text.to_vec();
                self.at += length;
                Kind::Text(text)
            }
            b'`' | b'@' | b'#' => return self.broken(self.at),
            _ if is_name(byte)
                && !byte.is_ascii_digit()
                && !(before_quote && b"xX".contains(&byte)) =>
            {
                Kind::Name { text: self.name().to_ascii_lowercase(), quoted: false }
            }
            _ => return Ok(None),
        }))
    }

    /// A quoted text in which nothing is escaped but the quote itself.
    fn verbatim(&mut self, quote: u8) -> Result<Vec<u8>, SqlError> {
        let start = self.at;
        let mut text = Vec::new();
        self.at += 1;
        loop {
            let Some(byte) = self.peek(0) else { return self.broken(start) };
            self.at += 1;
            if byte == quote {
                if self.peek(0) != Some(quote) {
                    return Ok(text);
                }
                self.at += 1;
            }
            text.push(byte);
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.query.get(self.at + ahead).copied()
    }

    fn broken<T>(&self, at: usize) -> Result<T, SqlError> {
        Err(SqlError::syntax(self.query, at))
    }

    /// Past spaces and comments.
    fn skip(&mut self) -> Result<(), SqlError> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b' ' | 9..=13), _) => self.at += 1,
                (Some(b'#'), _) if !self.is_postgres() => self.skip_line(),
                (Some(b'-'), Some(b'-')) if self.is_postgres() => self.skip_line(),
                (Some(b'-'), Some(b'-')) if self.peek(2).is_none_or(|byte| byte <= b' ') => {
                    self.skip_line();
                }
                (Some(b'/'), Some(b'*')) => self.skip_comment()?,
                (Some(b'*'), Some(b'/')) if self.open > 0 => {
                    self.open -= 1;
                    self.at += 2;
                }
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.query[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    fn skip_comment(&mut self) -> Result<(), SqlError> {
        let mark = match (self.peek(2), self.peek(3)) {
            _ if self.is_postgres() => 0,
            (Some(b'!'), _) => 3,
            (Some(b'M'), Some(b'!')) => 4,
            _ => 0,
        };
        if mark > 0 {
            let rest = &self.query[self.at + mark..];
            let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
            let digits = if digits < 5 { 0 } else { digits };
            let number =
                rest[..digits].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            // MariaDB leaves out what is marked for MySQL 5.7 and later, MySQL what is marked for MariaDB.
            let mariadb = self.version >= 100_000;
            let foreign = if mariadb { (50_700..100_000).contains(&number) } else { mark == 4 };
            if number <= self.version && !foreign {
                self.at += mark + digits;
                self.open += 1;
                return Ok(());
            }
        }
        let rest = &self.query[self.at + 2..];
        match rest.windows(2).position(|pair| pair == b"*/") {
            Some(end) => self.at += end + 4,
            None => return self.broken(self.at),
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Kind, SqlError> {
        let Some(byte) = self.peek(0) else { return Ok(Kind::End) };
        let after_quote = self.peek(1) == Some(b'\'');
        if self.is_postgres()
            && let Some(kind) = self.postgres_word(byte, after_quote)?
        {
            return Ok(kind);
        }
        match byte {
            b'\'' | b'"' => self.text(byte).map(Kind::Text),
            b'`' => Ok(Kind::Name { text: self.backquoted()?, quoted: true }),
            b'@' => self.variable(),
            b'x' | b'X' if after_quote => self.quoted_hex(),
            b'n' | b'N' if after_quote => {
                self.at += 1;
                self.text(b'\'').map(Kind::Text)
            }
            b'0'..=b'9' => Ok(self.number()),
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => Ok(self.number()),
            _ if is_name(byte) => Ok(Kind::Name { text: self.name(), quoted: false }),
            _ => self.sign(),
        }
    }

    fn sign(&mut self) -> Result<Kind, SqlError> {
        let rest = &self.query[self.at..];
        let own: &[&str] = if self.is_postgres() { &POSTGRES_SIGNS } else { &[] };
        match own.iter().chain(&SIGNS).find(|sign| rest.starts_with(sign.as_bytes())) {
            Some(sign) => {
                self.at += sign.len();
                Ok(Kind::Sign(sign))
            }
            None => self.broken(self.at),
        }
    }

    fn text(&mut self, quote: u8) -> Result<Vec<u8>, SqlError> {
        let start = self.at;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.peek(0) else { return self.broken(start) };
            self.at += 1;
            if byte == quote {
                if self.peek(0) != Some(quote) {
                    return Ok(text);
                }
                self.at += 1;
                text.push(quote);
            } else if byte == b'\\' {
                let Some(escaped) = self.peek(0) else { return self.broken(start) };
                self.at += 1;
                match escaped {
                    b'n' => text.push(b'\n'),
                    b't' => text.push(b'\t'),
                    b'r' => text.push(b'\r'),
                    b'0' => text.push(0),
                    b'b' => text.push(8),
                    b'Z' => text.push(26),
                    b'%' | b'_' => text.extend([b'\\', escaped]),
                    other => text.push(other),
                }
            } else {
                text.push(byte);
            }
        }
    }

    fn backquoted(&mut self) -> Result<Vec<u8>, SqlError> {
        let start = self.at;
        let rest = &self.query[start + 1..];
        let Some(end) = rest.iter().position(|byte| *byte == b'`') else {
            return self.broken(start);
        };
        self.at += end + 2;
        Ok(rest[..end].to_vec())
    }

    fn variable(&mut self) -> Result<Kind, SqlError> {
        let system = self.peek(1) == Some(b'@');
        self.at += 1 + usize::from(system);
        let mut name = match self.peek(0) {
            Some(b'`') => self.backquoted()?,
            _ => self.name(),
        };
        while self.peek(0) == Some(b'.') && self.peek(1).is_some_and(is_name) {
            self.at += 1;
            name.push(b'.');
            name.extend(self.name());
        }
        Ok(if system { Kind::SystemVariable(name) } else { Kind::UserVariable(name) })
    }

    fn name(&mut self) -> Vec<u8> {
        let rest = &self.query[self.at..];
        let end = rest.iter().position(|byte| !is_name(*byte)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_vec()
    }

    fn quoted_hex(&mut self) -> Result<Kind, SqlError> {
        let start = self.at;
        self.at += 1;
        let digits = self.text(b'\'')?;
        match from_hex(&digits).filter(|_| digits.len().is_multiple_of(2)) {
            Some(bytes) => Ok(Kind::Hex(bytes)),
            None => self.broken(start),
        }
    }

    fn number(&mut self) -> Kind {
        let rest = &self.query[self.at..];
        let run = rest.iter().position(|byte| !is_name(*byte)).unwrap_or(rest.len());
        if let Some(digits) = rest[..run].strip_prefix(b"0x").filter(|digits| !digits.is_empty())
            && let Some(bytes) = from_hex(digits)
        {
            self.at += run;
            return Kind::Hex(bytes);
        }
        let count = |from: usize| {
            rest.get(from..)
                .map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
        };
        let whole = count(0);
        let mut end = whole;
        let mut point = 0;
        if rest.get(end) == Some(&b'.') {
            point = count(end + 1);
            end += 1 + point;
        }
        let mut exponent = false;
        if let Some(b'e' | b'E') = rest.get(end) {
            let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let digits = count(end + 1 + sign);
            if digits > 0 {
                exponent = true;
                end += 1 + sign + digits;
            }
        }
        // `1abc` is a name.
        if end == whole && run > whole {
            return Kind::Name { text: self.name(), quoted: false };
        }
        let text = std::str::from_utf8(&rest[..end]).unwrap_or("0");
        self.at += end;
        let real = text.trim_end_matches('.').parse().unwrap_or(0.0);
        match text.parse() {
            _ if exponent => Kind::Real(real),
            Ok(number) if point == 0 && end == whole => Kind::Integer(number),
            _ => Kind::Decimal(real, u8::try_from(point).unwrap_or(30).min(30)),
        }
    }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Digits to bytes; an odd one stands alone in the first.
pub(super) fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (first, rest) = digits.split_at(digits.len() % 2);
    let mut bytes: Vec<u8> = first.iter().map(|byte| value(*byte)).collect::<Option<_>>()?;
    for pair in rest.chunks_exact(2) {
        bytes.push(value(pair[0])? * 16 + value(pair[1])?);
    }
    Some(bytes)
}
