//! Simple commands: assignments, words, redirections, in any order that the grammar allows.

use super::super::ast::{Assignment, Command, Simple, Value, Word};
use super::super::name_length;
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn simple(&mut self) -> Parsed<Command> {
        let mut simple = Simple { line: self.line, ..Simple::default() };
        loop {
            self.blanks();
            if let Some(found) = self.redirection()? {
                simple.redirections.extend(found);
                continue;
            }
            match self.peek() {
                None | Some(b'\n' | b';' | b'&' | b'|' | b')') => break,
                Some(b'(') => return Err(self.unexpected()),
                _ => {}
            }
            if simple.words.is_empty() {
                if let Some(assignment) = self.assignment()? {
                    simple.assignments.push(assignment);
                    continue;
                }
            } else if self.declares(&simple)
                && let Some(word) = self.declared_array()?
            {
                simple.words.extend(word);
                continue;
            }
            let word = self.word()?;
            if word.is_empty() {
                return Err(self.unexpected());
            }
            simple.words.push(word);
        }
        if simple.words.is_empty()
            && simple.assignments.is_empty()
            && simple.redirections.is_empty()
        {
            return Err(self.unexpected());
        }
        Ok(Command::Simple(simple))
    }

    /// Whether the command takes `name=(…)` for an argument.
    fn declares(&self, simple: &Simple) -> bool {
        let first = simple.words.first().and_then(super::super::ast::literal);
        self.bash
            && first.is_some_and(|name| {
                matches!(&name[..], b"local" | b"declare" | b"typeset" | b"export" | b"readonly")
            })
    }

    /// `name=(a b)` as an argument of `declare`: one word for each member, marked by its first.
    fn declared_array(&mut self) -> Parsed<Option<Vec<Word>>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = name_length(rest);
        if length == 0 || !rest.get(length..).is_some_and(|rest| rest.starts_with(b"=(")) {
            return Ok(None);
        }
        let Some(assignment) = self.assignment()? else { return Ok(None) };
        let mut text = assignment.name;
        text.push(b'=');
        let mut joined: Word = vec![super::super::ast::Part::Quoted(text)];
        if let Value::Many(words) = assignment.value {
            for (place, word) in words.into_iter().enumerate() {
                if place > 0 {
                    joined
                        .push(super::super::ast::Part::Quoted(vec![super::super::arrays::BETWEEN]));
                }
                joined.extend(word);
            }
        }
        Ok(Some(vec![joined]))
    }

    fn assignment(&mut self) -> Parsed<Option<Assignment>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = name_length(rest);
        if length == 0 {
            return Ok(None);
        }
        let name = rest.get(..length).unwrap_or_default().to_vec();
        let start = self.at;
        self.at += length;
        let mut index = None;
        if self.bash && self.peek() == Some(b'[') {
            let inner = self.text.get(self.at + 1..).unwrap_or_default();
            let mut quote = None;
            let end = inner
                .iter()
                .take_while(|byte| {
                    match quote {
                        Some(open) if open == **byte => quote = None,
                        None if matches!(byte, b'"' | b'\'') => quote = Some(**byte),
                        _ => {}
                    }
                    quote.is_some() || !b" \t\n;".contains(byte)
                })
                .position(|byte| *byte == b']');
            let Some(end) = end else {
                self.at = start;
                return Ok(None);
            };
            index = Some(self.within(inner.get(..end).unwrap_or_default())?.document()?);
            self.at += end + 2;
        }
        let append = self.starts_with(b"+=");
        if !append && self.peek() != Some(b'=') {
            self.at = start;
            return Ok(None);
        }
        self.at += if append { 2 } else { 1 };
        let value = if self.bash && self.peek() == Some(b'(') {
            Value::Many(self.members()?)
        } else {
            Value::One(self.assigned_word()?)
        };
        Ok(Some(Assignment { name, index, append, value }))
    }

    fn members(&mut self) -> Parsed<Vec<Word>> {
        self.bump();
        let mut words = Vec::new();
        loop {
            self.newlines();
            if self.peek() == Some(b')') {
                self.bump();
                return Ok(words);
            }
            let word = self.word()?;
            if word.is_empty() {
                return Err(self.unexpected());
            }
            words.push(word);
        }
    }
}
