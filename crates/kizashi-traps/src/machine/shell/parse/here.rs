//! Here-documents: their text stands behind the line that names them, and is taken out when they are named.

use super::super::ast::{Action, Part};
use super::{Fault, Parsed, Parser};

impl Parser<'_> {
    pub(super) fn here_document(&mut self, strip: bool) -> Parsed<Action> {
        self.blanks();
        let (delimiter, quoted) = self.delimiter();
        if delimiter.is_empty() {
            return Err(self.unexpected());
        }
        let line_end = match self.here {
            Some((end, _)) => Some(end),
            None => self
                .text
                .get(self.at..)
                .and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
                .map(|end| self.at + end),
        };
        let Some(line_end) = line_end else { return self.unfinished_document() };
        let mut at = self.here.map_or(line_end + 1, |(_, after)| after);
        let mut body = Vec::new();
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            if rest.is_empty() {
                if self.open_ended {
                    return Err(Fault::Incomplete(None));
                }
                break;
            }
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let mut line = rest.get(..length).unwrap_or_default();
            at = (at + length + 1).min(self.text.len());
            if strip {
                let tabs = line.iter().take_while(|byte| **byte == b'\t').count();
                line = line.get(tabs..).unwrap_or_default();
            }
            if line.strip_suffix(b"\r").unwrap_or(line) == delimiter {
                break;
            }
            body.extend_from_slice(line);
            body.push(b'\n');
        }
        self.here = Some((line_end, at));
        let word = if quoted {
            vec![Part::Quoted(body)]
        } else {
            vec![Part::Double(self.within(&body)?.document()?)]
        };
        Ok(Action::Text { word, newline: false })
    }

    fn unfinished_document(&self) -> Parsed<Action> {
        if self.open_ended {
            return Err(Fault::Incomplete(None));
        }
        Ok(Action::Text { word: Vec::new(), newline: false })
    }

    /// The delimiter without its quotes, and whether it had any.
    fn delimiter(&mut self) -> (Vec<u8>, bool) {
        let (mut text, mut quoted) = (Vec::new(), false);
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => {
                    break;
                }
                b'\\' => {
                    quoted = true;
                    self.at += 1;
                    text.extend(self.peek());
                    self.at += 1;
                }
                b'\'' | b'"' => {
                    quoted = true;
                    self.at += 1;
                    while let Some(inner) =
                        self.peek().filter(|inner| *inner != byte && *inner != b'\n')
                    {
                        text.push(inner);
                        self.at += 1;
                    }
                    self.at += 1;
                }
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.text.len());
        (text, quoted)
    }
}
