//! The expression between `[[` and `]]`.

use super::super::ast::{Test, Word, literal};
use super::{Fault, Parsed, Parser};

/// Tests joined by one operator.
const CHAIN: u32 = 48;

const BINARY: [&[u8]; 15] = [
    b"==", b"=", b"!=", b"=~", b"<", b">", b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge", b"-nt",
    b"-ot", b"-ef",
];

impl Parser<'_> {
    pub(super) fn test_command(&mut self) -> Parsed<Test> {
        let test = self.either()?;
        self.newlines();
        if !self.starts_with(b"]]") {
            return Err(self.unexpected());
        }
        self.at += 2;
        Ok(test)
    }

    fn either(&mut self) -> Parsed<Test> {
        let mut left = self.both()?;
        for _ in 0..CHAIN {
            self.newlines();
            if !self.starts_with(b"||") {
                return Ok(left);
            }
            self.at += 2;
            left = Test::Or(Box::new(left), Box::new(self.both()?));
        }
        Err(Fault::TooDeep)
    }

    fn both(&mut self) -> Parsed<Test> {
        let mut left = self.negated()?;
        for _ in 0..CHAIN {
            self.newlines();
            if !self.starts_with(b"&&") {
                return Ok(left);
            }
            self.at += 2;
            left = Test::And(Box::new(left), Box::new(self.negated()?));
        }
        Err(Fault::TooDeep)
    }

    fn negated(&mut self) -> Parsed<Test> {
        self.deeper(|parser| {
            parser.newlines();
            if parser.reserved() == Some(b"!") {
                parser.at += 1;
                return Ok(Test::Not(Box::new(parser.negated()?)));
            }
            if parser.peek() == Some(b'(') {
                parser.at += 1;
                let inner = parser.either()?;
                parser.newlines();
                parser.require_byte(b')')?;
                return Ok(inner);
            }
            parser.comparison()
        })
    }

    fn comparison(&mut self) -> Parsed<Test> {
        let left = self.test_word()?;
        let operator = literal(&left)
            .filter(|text| text.len() == 2 && text[0] == b'-' && text[1].is_ascii_alphabetic());
        self.newlines();
        if let Some(operator) = operator
            && !self.starts_with(b"]]")
            && !self.starts_with(b"&&")
            && !self.starts_with(b"||")
        {
            return Ok(Test::Unary(operator[1], self.test_word()?));
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| b" \t\n\"'$".contains(byte)).unwrap_or(rest.len());
        let found = rest.get(..length).unwrap_or_default().to_vec();
        if !BINARY.contains(&&found[..]) {
            return Ok(Test::Unary(b'n', left));
        }
        self.at += length;
        self.blanks();
        let right = if found == b"=~" { self.regular_expression()? } else { self.test_word()? };
        Ok(Test::Binary(left, found, right))
    }

    fn test_word(&mut self) -> Parsed<Word> {
        self.newlines();
        if self.peek().is_none() {
            return Err(Fault::Incomplete(None));
        }
        if self.starts_with(b"]]") {
            return Err(self.unexpected());
        }
        let word = self.word()?;
        if word.is_empty() { Err(self.unexpected()) } else { Ok(word) }
    }

    /// A regular expression's brackets and bars are no operators of the shell's.
    fn regular_expression(&mut self) -> Parsed<Word> {
        let mut depth = 0_u32;
        let mut word = Vec::new();
        loop {
            match self.peek() {
                Some(b'(') => depth += 1,
                Some(b')') if depth > 0 => depth -= 1,
                Some(b'|') if depth > 0 || self.ahead(1) != Some(b'|') => {}
                None | Some(b' ' | b'\t' | b'\n' | b')' | b'&' | b'|') => return Ok(word),
                _ => {
                    let before = self.at;
                    word.extend(self.word()?);
                    if self.at == before {
                        return Err(self.unexpected());
                    }
                    continue;
                }
            }
            word.push(super::super::ast::Part::Text(self.peek().into_iter().collect()));
            self.at += 1;
        }
    }
}
