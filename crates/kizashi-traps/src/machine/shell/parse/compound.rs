//! Commands with a grammar of their own: groups, conditions, loops, choices, functions.

use std::sync::Arc;

use super::super::ast::{Arm, Command, Compound, List, Word};
use super::{Fault, Parsed, Parser};

impl Parser<'_> {
    pub(super) fn command(&mut self) -> Parsed<Command> {
        self.deeper(|parser| {
            let compound = match parser.compound()? {
                Some(compound) => compound,
                None => return parser.function_or_simple(),
            };
            let mut redirections = Vec::new();
            loop {
                parser.blanks();
                match parser.redirection()? {
                    Some(found) => redirections.extend(found),
                    None => return Ok(Command::Compound(Box::new(compound), redirections)),
                }
            }
        })
    }

    fn compound(&mut self) -> Parsed<Option<Compound>> {
        if self.peek() == Some(b'(') {
            return if self.bash && self.ahead(1) == Some(b'(') {
                self.arithmetic_command()
            } else {
                self.subshell()
            };
        }
        let Some(word) = self.reserved() else { return Ok(None) };
        let known = matches!(
            word,
            b"{" | b"if"
                | b"while"
                | b"until"
                | b"for"
                | b"case"
                | b"[["
                | b"function"
                | b"select"
                | b"coproc"
        );
        if !known {
            return match word {
                b"time" | b"in" => Ok(None),
                b"]]" if !self.bash => Ok(None),
                _ => Err(self.unexpected()),
            };
        }
        if matches!(word, b"[[" | b"function" | b"select" | b"coproc")
            && (!self.bash || word == b"function")
        {
            return Ok(None);
        }
        self.at += word.len();
        Ok(Some(match word {
            b"{" => {
                let list = self.body(&[b"}"])?;
                self.require(b"}")?;
                Compound::Group(list)
            }
            b"if" => self.conditional()?,
            b"while" | b"until" => {
                let condition = self.body(&[b"do"])?;
                Compound::Loop { until: word == b"until", condition, body: self.do_group()? }
            }
            b"case" => self.case()?,
            b"[[" => Compound::Test(self.test_command()?),
            b"coproc" => self.coprocess()?,
            b"select" => match self.for_loop()? {
                Compound::For { name, words, body } => Compound::Select { name, words, body },
                other => other,
            },
            _ => self.for_loop()?,
        }))
    }

    fn subshell(&mut self) -> Parsed<Option<Compound>> {
        self.bump();
        let list = self.body(&[])?;
        self.require_byte(b')')?;
        Ok(Some(Compound::Subshell(list)))
    }

    /// `((expression))`; what is not closed twice is a subshell in a subshell.
    fn arithmetic_command(&mut self) -> Parsed<Option<Compound>> {
        let start = self.at;
        self.at += 2;
        match self.arithmetic_text() {
            Ok(word) => Ok(Some(Compound::Arithmetic(word))),
            Err(Fault::Unexpected(_)) => {
                self.at = start;
                self.subshell()
            }
            Err(fault) => Err(fault),
        }
    }

    fn do_group(&mut self) -> Parsed<List> {
        self.require(b"do")?;
        let body = self.body(&[b"done"])?;
        self.require(b"done")?;
        Ok(body)
    }

    fn conditional(&mut self) -> Parsed<Compound> {
        let mut branches = Vec::new();
        loop {
            let condition = self.body(&[b"then"])?;
            self.require(b"then")?;
            let body = self.body(&[b"elif", b"else", b"fi"])?;
            branches.push((condition, body));
            match self.reserved() {
                Some(b"elif") => self.at += 4,
                Some(b"else") => {
                    self.at += 4;
                    let otherwise = Some(self.body(&[b"fi"])?);
                    self.require(b"fi")?;
                    return Ok(Compound::If { branches, otherwise });
                }
                _ => {
                    self.require(b"fi")?;
                    return Ok(Compound::If { branches, otherwise: None });
                }
            }
        }
    }

    /// `coproc [name] command`: only a command with a grammar of its own may have a name.
    fn coprocess(&mut self) -> Parsed<Compound> {
        self.blanks();
        let start = self.at;
        let mut name = self.name();
        self.blanks();
        let named = !name.is_empty()
            && (self.peek() == Some(b'(')
                || matches!(
                    self.reserved(),
                    Some(b"{" | b"if" | b"while" | b"until" | b"for" | b"case" | b"[[" | b"select")
                ));
        if !named {
            self.at = start;
            name = b"COPROC".to_vec();
        }
        Ok(Compound::Coprocess { name, command: Arc::new(self.command()?) })
    }

    fn for_loop(&mut self) -> Parsed<Compound> {
        self.blanks();
        if self.bash && self.starts_with(b"((") {
            return self.counting_loop();
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected());
        }
        self.newlines();
        let mut words = None;
        if self.reserved() == Some(b"in") {
            self.at += 2;
            let mut list = Vec::new();
            loop {
                self.blanks();
                match self.peek() {
                    Some(b';' | b'\n') => break,
                    None => return Err(Fault::Incomplete(None)),
                    _ => {}
                }
                let word = self.word()?;
                if word.is_empty() {
                    return Err(self.unexpected());
                }
                list.push(word);
            }
            words = Some(list);
        }
        self.blanks();
        if self.peek() == Some(b';') {
            self.bump();
        }
        Ok(Compound::For { name, words, body: self.do_or_braces()? })
    }

    fn do_or_braces(&mut self) -> Parsed<List> {
        self.newlines();
        if self.bash && self.reserved() == Some(b"{") {
            self.at += 1;
            let body = self.body(&[b"}"])?;
            self.require(b"}")?;
            return Ok(body);
        }
        self.do_group()
    }

    fn counting_loop(&mut self) -> Parsed<Compound> {
        self.at += 2;
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest.windows(2).position(|pair| pair == b"))").ok_or(Fault::Incomplete(None))?;
        let text = rest.get(..end).unwrap_or_default();
        let mut fields = text.split(|byte| *byte == b';');
        let mut header: [Word; 3] = Default::default();
        for place in &mut header {
            let field = fields.next().ok_or_else(|| self.unexpected())?;
            *place = self.within(field)?.document()?;
        }
        self.at = start + end + 2;
        self.blanks();
        if self.peek() == Some(b';') {
            self.bump();
        }
        Ok(Compound::Count { header, body: self.do_or_braces()? })
    }

    fn case(&mut self) -> Parsed<Compound> {
        self.blanks();
        let word = self.word()?;
        self.require(b"in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.reserved() == Some(b"esac") {
                self.at += 4;
                return Ok(Compound::Case { word, arms });
            }
            arms.push(self.arm()?);
        }
    }

    fn arm(&mut self) -> Parsed<Arm> {
        if self.peek() == Some(b'(') {
            self.bump();
        }
        let mut patterns = Vec::new();
        loop {
            self.blanks();
            let pattern = self.word()?;
            if pattern.is_empty() {
                return Err(self.unexpected());
            }
            patterns.push(pattern);
            self.blanks();
            match self.peek() {
                Some(b'|') => self.bump(),
                _ => break,
            }
        }
        self.require_byte(b')')?;
        let body = self.list(&[b"esac"])?;
        let (mut falls_through, mut tries_on) = (false, false);
        if self.starts_with(b";;&") {
            tries_on = true;
            self.at += 3;
        } else if self.starts_with(b";;") {
            self.at += 2;
        } else if self.starts_with(b";&") {
            falls_through = true;
            self.at += 2;
        } else if self.reserved() != Some(b"esac") {
            return Err(self.unexpected());
        }
        Ok(Arm { patterns, body, falls_through, tries_on })
    }

    fn function_or_simple(&mut self) -> Parsed<Command> {
        let start = self.at;
        let keyword = self.reserved() == Some(b"function");
        if keyword {
            self.at += 8;
            self.blanks();
        }
        let name = self.function_name();
        self.blanks();
        let brackets = self.peek() == Some(b'(') && {
            let here = self.at;
            self.at += 1;
            self.blanks();
            let closed = self.peek() == Some(b')');
            self.at = if closed { self.at + 1 } else { here };
            closed
        };
        if name.is_empty() || !(brackets || keyword && self.bash) {
            self.at = start;
            return self.simple();
        }
        self.newlines();
        let body = self.command()?;
        Ok(Command::Function(name, Arc::new(body)))
    }

    fn function_name(&mut self) -> Vec<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| b" \t\r\n;&|<>()\"'\\$`=#*?[".contains(byte))
            .unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default().to_vec()
    }

    /// A variable's name, maybe empty.
    pub(super) fn name(&mut self) -> Vec<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = super::super::name_length(rest);
        self.at += length;
        rest.get(..length).unwrap_or_default().to_vec()
    }
}
