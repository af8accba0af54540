//! `$name` and `${…}`.

use super::super::ast::{Operation, Parameter, Part, Word};
use super::super::name_length;
use super::{Fault, Parsed, Parser};

const SPECIAL: &[u8] = b"@*#?-$!";

impl Parser<'_> {
    /// `$name`, `$1`, `$?`; `None` where the dollar is just a dollar.
    pub(super) fn plain_parameter(&mut self) -> Option<Parameter> {
        let rest = self.text.get(self.at + 1..)?;
        let first = *rest.first()?;
        let length =
            if first.is_ascii_digit() || SPECIAL.contains(&first) { 1 } else { name_length(rest) };
        if length == 0 {
            return None;
        }
        self.at += 1 + length;
        Some(Parameter {
            name: rest.get(..length)?.to_vec(),
            index: None,
            indirect: false,
            operation: Operation::Plain,
        })
    }

    /// From the dollar of `${` to behind its `}`.
    pub(super) fn braced(&mut self, quoted: bool) -> Parsed<Parameter> {
        let start = self.at;
        self.at += 2;
        let length =
            self.peek() == Some(b'#') && self.ahead(1) != Some(b'}') && !self.hash_is_name();
        let indirect = self.bash && self.peek() == Some(b'!') && self.ahead(1) != Some(b'}');
        self.at += usize::from(length || indirect);
        let name = self.parameter_name();
        let index = if self.bash && self.peek() == Some(b'[') { Some(self.index()?) } else { None };
        if name.is_empty() {
            return Err(self.bad_substitution(start));
        }
        let operation = if length {
            Operation::Length
        } else if self.peek() == Some(b'}') {
            if indirect && index.is_some() { Operation::Keys } else { Operation::Plain }
        } else {
            self.operation(start, quoted)?
        };
        if self.peek().is_none() {
            return Err(Fault::Incomplete(Some(b'}')));
        }
        if self.peek() != Some(b'}') {
            return Err(self.bad_substitution(start));
        }
        self.at += 1;
        let indirect = indirect && !matches!(operation, Operation::Keys);
        Ok(Parameter { name, index, indirect, operation })
    }

    /// `${#-default}` and `${##prefix}` speak of the parameter `#`.
    fn hash_is_name(&self) -> bool {
        matches!(self.ahead(1), Some(b'-' | b'=' | b'+' | b'%' | b':'))
            && self.ahead(2) != Some(b'}')
    }

    fn parameter_name(&mut self) -> Vec<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = match rest.first() {
            Some(first) if first.is_ascii_digit() => {
                rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
            }
            Some(first) if SPECIAL.contains(first) => 1,
            _ => name_length(rest),
        };
        self.at += length;
        rest.get(..length).unwrap_or_default().to_vec()
    }

    fn index(&mut self) -> Parsed<Word> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let end =
            rest.iter().position(|byte| *byte == b']').ok_or(Fault::Incomplete(Some(b'}')))?;
        let inner = rest.get(..end).unwrap_or_default();
        self.at += end + 2;
        if matches!(inner, b"@" | b"*") {
            return Ok(vec![Part::Text(inner.to_vec())]);
        }
        self.within(inner)?.document()
    }

    fn operation(&mut self, start: usize, quoted: bool) -> Parsed<Operation> {
        let colon = self.peek() == Some(b':');
        self.at += usize::from(colon);
        match self.peek() {
            Some(kind @ (b'-' | b'=' | b'?' | b'+')) => {
                self.at += 1;
                Ok(Operation::Fallback { kind, colon, word: self.operand(b"}", quoted)? })
            }
            _ if colon => {
                let offset = self.operand(b":}", quoted)?;
                let mut length = None;
                if self.peek() == Some(b':') {
                    self.at += 1;
                    length = Some(self.operand(b"}", quoted)?);
                }
                Ok(Operation::Slice { offset, length })
            }
            Some(kind @ (b'#' | b'%')) => {
                self.at += 1;
                let longest = self.peek() == Some(kind);
                self.at += usize::from(longest);
                Ok(Operation::Remove {
                    suffix: kind == b'%',
                    longest,
                    pattern: self.operand(b"}", false)?,
                })
            }
            Some(b'/') => self.replacement(),
            Some(kind @ (b'^' | b',')) => {
                self.at += 1;
                let all = self.peek() == Some(kind);
                self.at += usize::from(all);
                Ok(Operation::Case { upper: kind == b'^', all })
            }
            Some(b'@') if self.ahead(2) == Some(b'}') => {
                self.at += 2;
                Ok(Operation::Transform(
                    self.ahead(0)
                        .map_or(b'Q', |_| self.text.get(self.at - 1).copied().unwrap_or(b'Q')),
                ))
            }
            None => Err(Fault::Incomplete(Some(b'}'))),
            Some(_) => Err(self.bad_substitution(start)),
        }
    }

    fn replacement(&mut self) -> Parsed<Operation> {
        self.at += 1;
        let all = self.peek() == Some(b'/');
        let anchor = self.peek().filter(|byte| matches!(byte, b'#' | b'%')).unwrap_or(0);
        self.at += usize::from(all || anchor != 0);
        let pattern = self.operand(b"/}", false)?;
        let mut with = Vec::new();
        if self.peek() == Some(b'/') {
            self.at += 1;
            with = self.operand(b"}", false)?;
        }
        Ok(Operation::Replace { all, anchor, pattern, with })
    }

    fn bad_substitution(&self, start: usize) -> Fault {
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'}').map_or(rest.len(), |end| end + 1);
        Fault::BadSubstitution(rest.get(..end.min(80)).unwrap_or_default().to_vec())
    }
}
