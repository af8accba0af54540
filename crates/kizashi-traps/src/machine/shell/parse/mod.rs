//! From bytes to the tree, by recursive descent straight over the bytes: in the shell's grammar what a byte means depends on where it
//! stands, so a lexer of its own would have to be told by the parser anyway. Input is read a logical line at a time, as shells do: what
//! stands before a syntax error has run. Nesting is bounded, so no input can exhaust the stack; the tree is bounded by the input.

mod compound;
mod condition;
mod here;
mod parameter;
mod redirection;
mod simple;
mod word;

use super::ast::{Item, Join, List, Pipeline};

/// How deep constructs may be nested.
const DEPTH: u32 = 48;

/// Why there is no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends within a construct; `Some` names the quote that is open.
    Incomplete(Option<u8>),
    /// This token stands where it must not.
    Unexpected(Vec<u8>),
    /// Nested deeper than is followed.
    TooDeep,
    /// `${…}` that means nothing.
    BadSubstitution(Vec<u8>),
}

/// Reads one script.
pub(crate) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// The line that is being read, from 1.
    pub(crate) line: u32,
    depth: u32,
    /// Whether bash's additions are read.
    bash: bool,
    /// Where the line ends that has here-documents, and where the text goes on after them.
    here: Option<(usize, usize)>,
    /// More text may follow, so a here-document without its end is incomplete.
    open_ended: bool,
}

type Parsed<T> = Result<T, Fault>;

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a [u8], bash: bool) -> Self {
        Self { text, at: 0, line: 1, depth: 0, bash, here: None, open_ended: false }
    }

    /// The same for a terminal, where the next line may complete a construct.
    pub(crate) fn of_terminal(text: &'a [u8], bash: bool) -> Self {
        Self { open_ended: true, ..Self::new(text, bash) }
    }

    /// A parser of a piece of this text's, one level deeper.
    fn within<'b>(&self, text: &'b [u8]) -> Parsed<Parser<'b>> {
        if self.depth >= DEPTH {
            return Err(Fault::TooDeep);
        }
        Ok(Parser { depth: self.depth + 1, line: self.line, ..Parser::new(text, self.bash) })
    }

    /// The next complete line's commands; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Parsed<Option<List>> {
        self.newlines();
        if self.peek().is_none() {
            return Ok(None);
        }
        let mut list = List::default();
        loop {
            self.blanks();
            match self.peek() {
                None => break,
                Some(b'\n') => {
                    self.bump();
                    break;
                }
                _ => {}
            }
            list.items.push(self.item()?);
            self.blanks();
            if !matches!(self.peek(), None | Some(b'\n' | b';' | b'&')) && !self.after_separator() {
                return Err(self.unexpected());
            }
        }
        Ok(Some(list))
    }

    /// Whether the byte before was `;` or `&`.
    fn after_separator(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default().trim_ascii_end();
        matches!(before.last(), Some(b';' | b'&'))
    }

    /// Everything up to a closing word or bracket that the caller looks at.
    fn list(&mut self, ends: &[&[u8]]) -> Parsed<List> {
        self.deeper(|parser| {
            let mut list = List::default();
            loop {
                parser.newlines();
                match parser.peek() {
                    None => break,
                    Some(b')') => break,
                    Some(b';')
                        if parser.ahead(1) == Some(b';') || parser.ahead(1) == Some(b'&') =>
                    {
                        break;
                    }
                    _ => {}
                }
                if parser.reserved().is_some_and(|word| ends.contains(&word)) {
                    break;
                }
                list.items.push(parser.item()?);
                parser.blanks();
                let goes_on = matches!(parser.peek(), None | Some(b'\n' | b')'))
                    || parser.starts_with(b";;")
                    || parser.after_separator();
                if !goes_on {
                    return Err(parser.unexpected());
                }
            }
            Ok(list)
        })
    }

    /// A list that must not be empty.
    fn body(&mut self, ends: &[&[u8]]) -> Parsed<List> {
        let list = self.list(ends)?;
        if list.items.is_empty() { Err(self.unexpected()) } else { Ok(list) }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// An and-or chain with its separator, newlines left alone.
    fn item(&mut self) -> Parsed<Item> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let join = if self.starts_with(b"&&") {
                Join::And
            } else if self.starts_with(b"||") {
                Join::Or
            } else {
                break;
            };
            self.at += 2;
            self.newlines();
            rest.push((join, self.pipeline()?));
        }
        let mut background = false;
        match self.peek() {
            Some(b'&') => {
                background = true;
                self.bump();
            }
            Some(b';') if self.ahead(1) != Some(b';') && self.ahead(1) != Some(b'&') => self.bump(),
            _ => {}
        }
        Ok(Item { first, rest, background })
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut pipeline =
            Pipeline { negated: false, timed: false, portable: false, stages: Vec::new() };
        loop {
            self.blanks();
            match self.reserved() {
                Some(b"!") => pipeline.negated = !pipeline.negated,
                Some(b"time") if self.bash => pipeline.timed = true,
                _ => break,
            }
            self.word_text();
            self.blanks();
            if pipeline.timed && self.starts_with(b"-p ") {
                pipeline.portable = true;
                self.at += 2;
            }
        }
        loop {
            self.blanks();
            pipeline.stages.push(self.command()?);
            self.blanks();
            if self.peek() != Some(b'|') || self.ahead(1) == Some(b'|') {
                return Ok(pipeline);
            }
            self.bump();
            if self.bash && self.peek() == Some(b'&') {
                self.bump();
                self.merge_errors(&mut pipeline);
            }
            self.newlines();
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn ahead(&self, distance: usize) -> Option<u8> {
        self.text.get(self.at + distance).copied()
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    /// Past one byte, and past the here-documents that stand behind its line.
    fn bump(&mut self) {
        if self.peek() == Some(b'\n') {
            self.line += 1;
            if let Some((end, after)) = self.here.take_if(|(end, _)| *end == self.at) {
                let skipped = self.text.get(end + 1..after).unwrap_or_default();
                self.line += u32::try_from(skipped.iter().filter(|byte| **byte == b'\n').count())
                    .unwrap_or(0);
                self.at = after;
                return;
            }
        }
        self.at += 1;
    }

    /// Past spaces, continued lines and a comment.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.ahead(1) == Some(b'\n') => {
                    self.at += 1;
                    self.bump();
                }
                Some(b'#') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn newlines(&mut self) {
        self.blanks();
        while self.peek() == Some(b'\n') {
            self.bump();
            self.blanks();
        }
    }

    /// The reserved word or bracket here, not taken.
    fn reserved(&self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..)?;
        let length = rest
            .iter()
            .position(|byte| b" \t\r\n;&|<>()\"'\\$`#".contains(byte))
            .unwrap_or(rest.len());
        let word = rest.get(..length)?;
        let known: &[&[u8]] = &[
            b"!",
            b"{",
            b"}",
            b"if",
            b"then",
            b"elif",
            b"else",
            b"fi",
            b"while",
            b"until",
            b"for",
            b"do",
            b"done",
            b"case",
            b"in",
            b"esac",
            b"coproc",
            b"function",
            b"[[",
            b"]]",
            b"time",
            b"select",
        ];
        let ends = rest.get(length).is_none_or(|byte| !b"\"'\\$`".contains(byte));
        (ends && known.contains(&word)).then_some(word)
    }

    /// Past the text of a reserved word.
    fn word_text(&mut self) {
        while self.peek().is_some_and(|byte| !b" \t\r\n;&|<>()".contains(&byte)) {
            self.at += 1;
        }
    }

    /// Past this reserved word, which must stand here.
    fn require(&mut self, word: &[u8]) -> Parsed<()> {
        self.newlines();
        if self.reserved() == Some(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn require_byte(&mut self, byte: u8) -> Parsed<()> {
        self.blanks();
        if self.peek() == Some(byte) {
            self.bump();
            return Ok(());
        }
        Err(self.unexpected())
    }

    /// The fault of the token here.
    fn unexpected(&self) -> Fault {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(first) = rest.first() else { return Fault::Incomplete(None) };
        let doubled =
            matches!(first, b';' | b'&' | b'|' | b'<' | b'>') && rest.get(1) == Some(first);
        let length = match first {
            b'\n' => return Fault::Unexpected(b"newline".to_vec()),
            _ if doubled => 2,
            b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => 1,
            _ => rest.iter().position(|byte| b" \t\n;&|<>()".contains(byte)).unwrap_or(rest.len()),
        };
        Fault::Unexpected(rest.get(..length.min(60)).unwrap_or_default().to_vec())
    }
}

#[cfg(test)]
mod tests;
