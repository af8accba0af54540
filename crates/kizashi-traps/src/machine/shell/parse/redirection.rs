//! Redirections, and the here-documents that belong to them.

use super::super::ast::{Action, Command, Part, Pipeline, Redirection, Word};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// The redirection that stands here, if one does; `&>file` is two.
    pub(super) fn redirection(&mut self) -> Parsed<Option<Vec<Redirection>>> {
        let start = self.at;
        if self.bash && self.starts_with(b"&>") {
            self.at += 2;
            return self.both_outputs().map(Some);
        }
        let mut descriptor = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            descriptor =
                Some(descriptor.unwrap_or(0_u8).saturating_mul(10).saturating_add(digit - b'0'));
            self.at += 1;
        }
        let Some(arrow @ (b'<' | b'>')) = self.peek() else {
            self.at = start;
            return Ok(None);
        };
        if descriptor.is_none() && self.bash && self.ahead(1) == Some(b'(') {
            return Ok(None);
        }
        self.at += 1;
        let descriptor = descriptor.unwrap_or(u8::from(arrow == b'>'));
        let action = if arrow == b'>' { self.output()? } else { self.input()? };
        Ok(Some(vec![Redirection { descriptor, action }]))
    }

    fn both_outputs(&mut self) -> Parsed<Vec<Redirection>> {
        let append = self.peek() == Some(b'>');
        if append {
            self.at += 1;
        }
        let target = self.target()?;
        Ok(vec![Redirection {
            descriptor: 1,
            action: Action::Write { target, append, both: true },
        }])
    }

    fn output(&mut self) -> Parsed<Action> {
        let append = self.peek() == Some(b'>');
        match self.peek() {
            Some(b'>' | b'|') => self.at += 1,
            Some(b'&') => {
                self.at += 1;
                return self.copied();
            }
            _ => {}
        }
        Ok(Action::Write { target: self.target()?, append, both: false })
    }

    /// `>&2`, `>&-`; bash writes both outputs to `>&file`.
    fn copied(&mut self) -> Parsed<Action> {
        let target = self.target()?;
        let number = super::super::ast::literal(&target)
            .is_none_or(|text| text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'));
        if self.bash && !number {
            return Ok(Action::Write { target, append: false, both: true });
        }
        Ok(Action::Copy(target))
    }

    fn input(&mut self) -> Parsed<Action> {
        match (self.peek(), self.ahead(1), self.ahead(2)) {
            (Some(b'<'), Some(b'<'), _) if self.bash => {
                self.at += 2;
                Ok(Action::Text { word: self.target()?, newline: true })
            }
            (Some(b'<'), strip, _) => {
                self.at += 1 + usize::from(strip == Some(b'-'));
                self.here_document(strip == Some(b'-'))
            }
            (Some(b'&'), ..) => {
                self.at += 1;
                Ok(Action::Copy(self.target()?))
            }
            (Some(b'>'), ..) => {
                self.at += 1;
                Ok(Action::ReadWrite(self.target()?))
            }
            _ => Ok(Action::Read(self.target()?)),
        }
    }

    fn target(&mut self) -> Parsed<Word> {
        self.blanks();
        let word = self.word()?;
        if word.is_empty() { Err(self.unexpected()) } else { Ok(word) }
    }

    /// `|&`: the stage's errors go where its output goes.
    #[allow(clippy::unused_self)]
    pub(super) fn merge_errors(&self, pipeline: &mut Pipeline) {
        let merge =
            Redirection { descriptor: 2, action: Action::Copy(vec![Part::Text(b"1".to_vec())]) };
        match pipeline.stages.last_mut() {
            Some(Command::Simple(simple)) => simple.redirections.push(merge),
            Some(Command::Compound(_, redirections)) => redirections.push(merge),
            _ => {}
        }
    }
}
