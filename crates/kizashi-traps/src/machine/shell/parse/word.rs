//! Words and what is in them: quotes, expansions, substitutions.

use std::sync::Arc;

use super::super::ast::{Part, Word};
use super::{Fault, Parsed, Parser};

/// Text that is collected before it becomes a part.
#[derive(Default)]
struct Pieces {
    parts: Word,
    text: Vec<u8>,
}

impl Pieces {
    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    fn push(&mut self, part: Part) {
        self.end_text();
        self.parts.push(part);
    }

    fn finish(mut self) -> Word {
        self.end_text();
        self.parts
    }
}

impl Parser<'_> {
    /// The word that stands here; empty where none does.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        self.word_until(b"")
    }

    /// What is assigned: a word, maybe nothing.
    pub(super) fn assigned_word(&mut self) -> Parsed<Word> {
        self.word_until(b"")
    }

    /// A word that one of these bytes ends too.
    fn word_until(&mut self, ends: &[u8]) -> Parsed<Word> {
        let mut pieces = Pieces::default();
        if self.peek() == Some(b'~') {
            self.tilde(&mut pieces);
        }
        while let Some(byte) = self.peek() {
            if ends.contains(&byte) {
                break;
            }
            match byte {
                b'<' | b'>'
                    if self.bash
                        && self.ahead(1) == Some(b'(')
                        && pieces.parts.is_empty()
                        && pieces.text.is_empty() =>
                {
                    self.at += 1;
                    let list = self.command_substitution()?;
                    pieces.push(Part::Process(list));
                }
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
                    if ends.is_empty() =>
                {
                    break;
                }
                b'\\' => self.backslash(&mut pieces),
                b'\'' => {
                    let text = self.single_quoted()?;
                    pieces.push(Part::Quoted(text));
                }
                b'"' => {
                    self.at += 1;
                    let parts = self.double_quoted()?;
                    pieces.push(Part::Double(parts));
                }
                b'$' => self.dollar(&mut pieces, false)?,
                b'`' => {
                    let list = self.backquoted()?;
                    pieces.push(Part::Command(list));
                }
                _ => {
                    pieces.text.push(byte);
                    self.bump();
                }
            }
        }
        Ok(pieces.finish())
    }

    fn tilde(&mut self, pieces: &mut Pieces) {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-+".contains(byte))
            .count();
        if rest.get(length).is_none_or(|byte| b"/ \t\r\n;&|<>():".contains(byte)) {
            pieces.push(Part::Tilde(rest.get(..length).unwrap_or_default().to_vec()));
            self.at += 1 + length;
        }
    }

    fn backslash(&mut self, pieces: &mut Pieces) {
        self.at += 1;
        match self.peek() {
            None => pieces.text.push(b'\\'),
            Some(b'\n') => self.bump(),
            Some(byte) => {
                pieces.push(Part::Quoted(vec![byte]));
                self.at += 1;
            }
        }
    }

    fn single_quoted(&mut self) -> Parsed<Vec<u8>> {
        self.at += 1;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\'') else {
            return Err(Fault::Incomplete(Some(b'\'')));
        };
        let text = rest.get(..length).unwrap_or_default();
        self.line += u32::try_from(text.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
        self.at += length + 1;
        Ok(text.to_vec())
    }

    /// What stands between double quotes, the first of which is past.
    fn double_quoted(&mut self) -> Parsed<Word> {
        self.deeper(|parser| {
            let mut pieces = Pieces::default();
            loop {
                match parser.peek() {
                    None => return Err(Fault::Incomplete(Some(b'"'))),
                    Some(b'"') => {
                        parser.at += 1;
                        return Ok(pieces.finish());
                    }
                    Some(_) => parser.quoted_piece(&mut pieces, b"$`\"\\")?,
                }
            }
        })
    }

    /// All the text, as if between double quotes in which a double quote means nothing.
    pub(super) fn document(&mut self) -> Parsed<Word> {
        let mut pieces = Pieces::default();
        while self.peek().is_some() {
            self.quoted_piece(&mut pieces, b"$`\\")?;
        }
        Ok(pieces.finish())
    }

    fn quoted_piece(&mut self, pieces: &mut Pieces, escapable: &[u8]) -> Parsed<()> {
        match self.peek() {
            Some(b'\\') => match self.ahead(1) {
                Some(b'\n') => {
                    self.at += 1;
                    self.bump();
                }
                Some(next) if escapable.contains(&next) => {
                    pieces.text.push(next);
                    self.at += 2;
                }
                _ => {
                    pieces.text.push(b'\\');
                    self.at += 1;
                }
            },
            Some(b'$') => self.dollar(pieces, true)?,
            Some(b'`') => {
                let list = self.backquoted()?;
                pieces.push(Part::Command(list));
            }
            Some(byte) => {
                pieces.text.push(byte);
                self.bump();
            }
            None => {}
        }
        Ok(())
    }

    fn dollar(&mut self, pieces: &mut Pieces, quoted: bool) -> Parsed<()> {
        match self.ahead(1) {
            Some(b'(') if self.ahead(2) == Some(b'(') => {
                let start = self.at;
                self.at += 3;
                match self.arithmetic_text() {
                    Ok(word) => pieces.push(Part::Arithmetic(word)),
                    Err(Fault::Unexpected(_)) => {
                        self.at = start + 1;
                        let list = self.command_substitution()?;
                        pieces.push(Part::Command(list));
                    }
                    Err(fault) => return Err(fault),
                }
            }
            Some(b'(') => {
                self.at += 1;
                let list = self.command_substitution()?;
                pieces.push(Part::Command(list));
            }
            Some(b'{') => {
                let parameter = self.braced(quoted)?;
                pieces.push(Part::Parameter(Box::new(parameter)));
            }
            Some(b'\'') if !quoted && self.bash => {
                self.at += 1;
                let text = self.escaped_quoted()?;
                pieces.push(Part::Quoted(text));
            }
            Some(b'"') if !quoted && self.bash => self.at += 1,
            Some(b'[') if self.bash => self.old_arithmetic(pieces)?,
            _ => match self.plain_parameter() {
                Some(parameter) => pieces.push(Part::Parameter(Box::new(parameter))),
                None => {
                    pieces.text.push(b'$');
                    self.at += 1;
                }
            },
        }
        Ok(())
    }

    /// `$[expression]`.
    fn old_arithmetic(&mut self, pieces: &mut Pieces) -> Parsed<()> {
        let rest = self.text.get(self.at + 2..).unwrap_or_default();
        let end =
            rest.iter().position(|byte| *byte == b']').ok_or(Fault::Incomplete(Some(b']')))?;
        let word = self.within(rest.get(..end).unwrap_or_default())?.document()?;
        self.at += end + 3;
        pieces.push(Part::Arithmetic(word));
        Ok(())
    }

    /// From behind `((` to behind `))`.
    pub(super) fn arithmetic_text(&mut self) -> Parsed<Word> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut depth = 0_u32;
        let mut place = 0;
        loop {
            match rest.get(place) {
                None => return Err(Fault::Incomplete(Some(b')'))),
                Some(b'(') => depth += 1,
                Some(b')') if depth > 0 => depth -= 1,
                Some(b')') if rest.get(place + 1) == Some(&b')') => break,
                Some(b')') => return Err(Fault::Unexpected(b")".to_vec())),
                _ => {}
            }
            place += 1;
        }
        let inner = rest.get(..place).unwrap_or_default();
        let inner: Vec<u8> = inner.iter().copied().filter(|byte| *byte != b'"').collect();
        let word = self.within(&inner)?.document()?;
        self.at += place + 2;
        Ok(word)
    }

    /// From `(` to behind `)`.
    fn command_substitution(&mut self) -> Parsed<Arc<super::super::ast::List>> {
        self.at += 1;
        let list = self.list(&[])?;
        self.newlines();
        if self.peek() != Some(b')') {
            return Err(if self.peek().is_none() {
                Fault::Incomplete(Some(b')'))
            } else {
                self.unexpected()
            });
        }
        self.at += 1;
        Ok(Arc::new(list))
    }

    fn backquoted(&mut self) -> Parsed<Arc<super::super::ast::List>> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.peek() {
                None => return Err(Fault::Incomplete(Some(b'`'))),
                Some(b'`') => break,
                Some(b'\\') => {
                    match self.ahead(1) {
                        Some(next @ (b'$' | b'`' | b'\\')) => text.push(next),
                        Some(next) => text.extend([b'\\', next]),
                        None => {}
                    }
                    self.at += 2;
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        let mut inner = self.within(&text)?;
        let list = inner.list(&[])?;
        if inner.peek().is_some() {
            return Err(inner.unexpected());
        }
        Ok(Arc::new(list))
    }

    /// From the quote of `$'…'` to behind its end.
    fn escaped_quoted(&mut self) -> Parsed<Vec<u8>> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(Fault::Incomplete(Some(b'\''))),
                Some(b'\'') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        self.at += 1;
        Ok(super::super::escape::ansi_c(text))
    }

    /// The words inside `${…}` after an operator, up to one of these bytes.
    pub(super) fn operand(&mut self, ends: &[u8], quoted: bool) -> Parsed<Word> {
        self.deeper(|parser| {
            if !quoted {
                return parser.word_until(ends);
            }
            let mut pieces = Pieces::default();
            loop {
                match parser.peek() {
                    None => return Err(Fault::Incomplete(Some(b'}'))),
                    Some(byte) if ends.contains(&byte) => return Ok(pieces.finish()),
                    Some(b'"') => {
                        parser.at += 1;
                        let inner = parser.double_quoted()?;
                        pieces.push(Part::Double(inner));
                    }
                    Some(b'\'') if ends.contains(&b'/') || ends.len() > 1 => {
                        let text = parser.single_quoted()?;
                        pieces.push(Part::Quoted(text));
                    }
                    Some(b'\\') if parser.ahead(1).is_some_and(|next| ends.contains(&next)) => {
                        pieces.text.extend(parser.ahead(1));
                        parser.at += 2;
                    }
                    Some(_) => parser.quoted_piece(&mut pieces, b"$`\"\\")?,
                }
            }
        })
    }
}
