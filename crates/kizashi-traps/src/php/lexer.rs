//! A script's bytes to words: text outside `<?php … ?>` is a word of its own, and texts with variables in them are taken apart here.

use super::Unread;

/// Words of a script.
const WORDS: usize = 40_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// What stands outside of the script.
    Page(Vec<u8>),
    Variable(Vec<u8>),
    Name(Vec<u8>),
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Template(Vec<Part>),
    /// Between backquotes.
    Command(Vec<Part>),
    /// `(int)` and its like.
    Cast(&'static str),
    Sign(&'static str),
    /// `<?=`.
    Echo,
    End,
}

/// A piece of a text in double quotes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(Vec<u8>),
    /// An expression's own text.
    Code(Vec<u8>),
}

const SIGNS: [&str; 59] = [
    "<<=", ">>=", "**=", "...", "<=>", "===", "!==", "??=", "?->", "++", "--", "->", "=>", "::",
    "==", "!=", "<>", "<=", ">=", "&&", "||", "??", "<<", ">>", "+=", "-=", "*=", "/=", ".=", "%=",
    "&=", "|=", "^=", "**", "+", "-", "*", "/", "%", "=", "<", ">", "!", ".", "(", ")", "[", "]",
    "{", "}", ",", ";", "?", ":", "&", "|", "^", "~", "@",
];

const CASTS: [(&str, &str); 9] = [
    ("int", "int"),
    ("integer", "int"),
    ("string", "string"),
    ("binary", "string"),
    ("bool", "bool"),
    ("boolean", "bool"),
    ("float", "float"),
    ("double", "float"),
    ("array", "array"),
];

pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// The words of a script: a file's begin outside of PHP, what is given to `eval` inside.
    pub(super) fn words(text: &'a [u8], inside: bool) -> Result<Vec<Word>, Unread> {
        let mut lexer = Self { text, at: 0 };
        let mut words = Vec::new();
        if !inside {
            lexer.page(&mut words);
        }
        loop {
            if words.len() > WORDS {
                return Err(Unread);
            }
            lexer.skip();
            if lexer.rest().starts_with(b"?>") {
                lexer.at += 2;
                let newline = if lexer.rest().starts_with(b"\r\n") {
                    2
                } else {
                    usize::from(lexer.rest().starts_with(b"\n"))
                };
                lexer.at += newline;
                words.push(Word::Sign(";"));
                lexer.page(&mut words);
                continue;
            }
            if lexer.rest().is_empty() {
                words.push(Word::End);
                return Ok(words);
            }
            words.push(lexer.word()?);
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// Up to the next opening tag.
    fn page(&mut self, words: &mut Vec<Word>) {
        let rest = self.rest();
        let open = rest.windows(2).position(|pair| pair == b"<?").unwrap_or(rest.len());
        if open > 0 {
            words.push(Word::Page(rest[..open].to_vec()));
        }
        self.at += open;
        let rest = self.rest();
        if rest.starts_with(b"<?=") {
            self.at += 3;
            words.push(Word::Echo);
        } else if rest.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case(b"<?php")) {
            self.at += 5;
        } else if !rest.is_empty() {
            self.at += 2;
        }
    }

    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            match rest {
                [b' ' | 9..=13, ..] => self.at += 1,
                [b'#', b'[', ..] => return,
                [b'#', ..] | [b'/', b'/', ..] => {
                    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    let tag = rest.windows(2).position(|pair| pair == b"?>").unwrap_or(rest.len());
                    self.at += end.min(tag);
                    if tag < end {
                        return;
                    }
                }
                [b'/', b'*', ..] => {
                    let end = rest[2..].windows(2).position(|pair| pair == b"*/");
                    self.at += end.map_or(rest.len(), |end| end + 4);
                }
                _ => return,
            }
        }
    }

    fn word(&mut self) -> Result<Word, Unread> {
        let Some(byte) = self.peek(0) else { return Ok(Word::End) };
        match byte {
            b'$' if self.peek(1).is_some_and(is_start) => {
                self.at += 1;
                Ok(Word::Variable(self.name()))
            }
            b'$' => {
                self.at += 1;
                Ok(Word::Sign("$"))
            }
            b'\'' => self.plain().map(Word::Text),
            b'"' => self.template(b'"').map(whole),
            b'`' => self.template(b'`').map(Word::Command),
            b'0'..=b'9' => self.number(),
            b'<' if self.rest().starts_with(b"<<<") => self.heredoc(),
            b'(' => {
                if let Some((length, kind)) = self.cast() {
                    self.at += length;
                    return Ok(Word::Cast(kind));
                }
                self.at += 1;
                Ok(Word::Sign("("))
            }
            b'\\' => {
                self.at += 1;
                self.word()
            }
            byte if is_start(byte) => {
                let mut name = self.name();
                while self.peek(0) == Some(b'\\') && self.peek(1).is_some_and(is_start) {
                    self.at += 1;
                    name = self.name();
                }
                Ok(Word::Name(name))
            }
            _ => {
                let rest = self.rest();
                let sign =
                    SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes())).ok_or(Unread)?;
                self.at += sign.len();
                Ok(Word::Sign(sign))
            }
        }
    }

    fn name(&mut self) -> Vec<u8> {
        let rest = self.rest();
        let end = rest.iter().position(|byte| !is_name(*byte)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_vec()
    }

    fn cast(&self) -> Option<(usize, &'static str)> {
        let rest = &self.rest()[1..];
        let end = rest.iter().take(12).position(|byte| *byte == b')')?;
        let name = std::str::from_utf8(&rest[..end]).ok()?.trim().to_ascii_lowercase();
        CASTS.iter().find(|(cast, _)| *cast == name).map(|(_, kind)| (end + 2, *kind))
    }

    fn number(&mut self) -> Result<Word, Unread> {
        let text: Vec<u8> = self
            .rest()
            .iter()
            .take(40)
            .take_while(|byte| is_name(**byte) || **byte == b'.')
            .copied()
            .collect();
        let hex = |prefix: usize, base: u32| {
            let digits: String =
                text[prefix..].iter().map(|byte| char::from(*byte)).filter(|c| *c != '_').collect();
            let digits = digits.split('.').next().unwrap_or_default().to_owned();
            (digits.len() + prefix, i64::from_str_radix(&digits, base))
        };
        let lower = text.get(..2).unwrap_or_default().to_ascii_lowercase();
        let (length, number) = match lower.as_slice() {
            b"0x" => hex(2, 16),
            b"0b" => hex(2, 2),
            [b'0', b'0'..=b'7'] if !text.contains(&b'.') => hex(1, 8),
            _ => {
                let mut end = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let point = text.get(end) == Some(&b'.')
                    && text.get(end + 1).is_some_and(u8::is_ascii_digit);
                if point {
                    end +=
                        1 + text[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                }
                let digits = std::str::from_utf8(&text[..end]).map_err(|_| Unread)?;
                self.at += end;
                return Ok(match digits.parse() {
                    Ok(number) => Word::Integer(number),
                    Err(_) => Word::Real(digits.parse().map_err(|_| Unread)?),
                });
            }
        };
        self.at += length;
        number.map(Word::Integer).map_err(|_| Unread)
    }

    fn plain(&mut self) -> Result<Vec<u8>, Unread> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let byte = self.peek(0).ok_or(Unread)?;
            self.at += 1;
            match byte {
                b'\'' => return Ok(text),
                b'\\' if matches!(self.peek(0), Some(b'\'' | b'\\')) => {
                    text.extend(self.peek(0));
                    self.at += 1;
                }
                other => text.push(other),
            }
        }
    }

    fn template(&mut self, quote: u8) -> Result<Vec<Part>, Unread> {
        let rest = &self.rest()[1..];
        let mut end = 0;
        loop {
            match rest.get(end).ok_or(Unread)? {
                b'\\' => end += 2,
                byte if *byte == quote => break,
                _ => end += 1,
            }
        }
        self.at += end + 2;
        Ok(parts(&rest[..end], quote))
    }

    fn heredoc(&mut self) -> Result<Word, Unread> {
        let rest = &self.rest()[3..];
        let line = rest.iter().position(|byte| *byte == b'\n').ok_or(Unread)?;
        let label = rest[..line].trim_ascii();
        let plain = label.starts_with(b"'");
        let label: Vec<u8> = label.iter().copied().filter(|byte| is_name(*byte)).collect();
        if label.is_empty() {
            return Err(Unread);
        }
        let body = &rest[line + 1..];
        let mut start = 0;
        loop {
            let line = body.get(start..).ok_or(Unread)?;
            let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if line[indent..].starts_with(&label)
                && !line.get(indent + label.len()).is_some_and(|byte| is_name(*byte))
            {
                let text = body[..start.saturating_sub(1)].to_vec();
                self.at += 3 + (rest.len() - body.len()) + start + indent + label.len();
                return Ok(if plain { Word::Text(text) } else { whole(parts(&text, 0)) });
            }
            start += line.iter().position(|byte| *byte == b'\n').ok_or(Unread)? + 1;
        }
    }
}

/// A template without anything in it is a text.
fn whole(parts: Vec<Part>) -> Word {
    match parts.as_slice() {
        [] => Word::Text(Vec::new()),
        [Part::Text(text)] => Word::Text(text.clone()),
        _ => Word::Template(parts),
    }
}

/// Takes a text in double quotes apart.
fn parts(text: &[u8], quote: u8) -> Vec<Part> {
    let (mut parts, mut plain, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        let next = text.get(at + 1).copied();
        let code = match (byte, next) {
            (b'\\', Some(_)) => {
                at += 1 + escape(&text[at + 1..], quote, &mut plain);
                continue;
            }
            (b'{', Some(b'$')) => {
                balanced(&text[at..]).map(|end| (text[at + 1..at + end].to_vec(), end + 1))
            }
            (b'$', Some(b'{')) => balanced(&text[at + 1..])
                .map(|end| ([&b"$"[..], &text[at + 2..at + 1 + end]].concat(), end + 2)),
            (b'$', Some(next)) if is_start(next) => Some(simple(&text[at..])),
            _ => None,
        };
        match code {
            Some((code, length)) => {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Code(code));
                at += length;
            }
            None => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    parts
}

/// Where the bracket that the text begins with is closed.
fn balanced(text: &[u8]) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// `$name`, `$name[key]` or `$name->property`, and how long it is.
fn simple(text: &[u8]) -> (Vec<u8>, usize) {
    let name = 1 + text[1..].iter().take_while(|byte| is_name(**byte)).count();
    let rest = &text[name..];
    if rest.first() == Some(&b'[')
        && let Some(end) = rest.iter().position(|byte| *byte == b']')
    {
        let key = &rest[1..end];
        let bare =
            key.iter().all(|byte| is_name(*byte)) && !key.first().is_some_and(u8::is_ascii_digit);
        let key = if bare { [b"'", key, b"'"].concat() } else { key.to_vec() };
        return ([&text[..name], b"[", &key, b"]"].concat(), name + end + 1);
    }
    (text[..name].to_vec(), name)
}

/// Undoes the escape behind a backslash; how long it was.
fn escape(text: &[u8], quote: u8, plain: &mut Vec<u8>) -> usize {
    let digits = |from: usize, most: usize, base: u32| {
        text[from..].iter().take(most).take_while(|byte| char::from(**byte).is_digit(base)).count()
    };
    let number = |from: usize, count: usize, base: u32| {
        let digits = std::str::from_utf8(&text[from..from + count]).unwrap_or("0");
        u32::from_str_radix(digits, base).unwrap_or(0)
    };
    match text[0] {
        b'n' => plain.push(b'\n'),
        b't' => plain.push(b'\t'),
        b'r' => plain.push(b'\r'),
        b'v' => plain.push(11),
        b'e' => plain.push(27),
        b'f' => plain.push(12),
        b'\\' | b'$' => plain.push(text[0]),
        b'0'..=b'7' => {
            let count = digits(0, 3, 8);
            plain.push((number(0, count, 8) & 255) as u8);
            return count;
        }
        b'x' if digits(1, 2, 16) > 0 => {
            let count = digits(1, 2, 16);
            plain.push((number(1, count, 16) & 255) as u8);
            return 1 + count;
        }
        b'u' if text.get(1) == Some(&b'{') && digits(2, 6, 16) > 0 => {
            let count = digits(2, 6, 16);
            let letter = char::from_u32(number(2, count, 16)).unwrap_or('?');
            plain.extend(letter.to_string().into_bytes());
            return 3 + count;
        }
        byte if byte == quote => plain.push(byte),
        byte => plain.extend([b'\\', byte]),
    }
    1
}

const fn is_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

const fn is_name(byte: u8) -> bool {
    is_start(byte) || byte.is_ascii_digit()
}
