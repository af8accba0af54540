//! Words to statements, by recursive descent with PHP's precedence. What cannot be read is told as one fault: whoever asked then finds a
//! command by its form instead.

mod expression;

use std::sync::Arc;

use super::Unread;
use super::lexer::{Lexer, Word};
use super::syntax::{Block, Expression, Function, Statement};

/// How deep statements and expressions stand in one another.
const DEPTH: usize = 60;

/// Names and what they are where nothing is given.
type Parameters = Vec<(Vec<u8>, Option<Expression>)>;

pub(super) struct Parser {
    words: Vec<Word>,
    at: usize,
    depth: usize,
}

impl Parser {
    /// A file, or the text given to `eval` (`inside`).
    pub(super) fn parse(text: &[u8], inside: bool) -> Result<Block, Unread> {
        Self::parse_within(text, inside, 0)
    }

    fn parse_within(text: &[u8], inside: bool, depth: usize) -> Result<Block, Unread> {
        let mut parser = Self { words: Lexer::words(text, inside)?, at: 0, depth };
        let mut statements = Vec::new();
        while *parser.word() != Word::End {
            parser.statement_into(&mut statements)?;
        }
        Ok(Arc::new(statements))
    }

    fn word(&self) -> &Word {
        self.words.get(self.at).unwrap_or(&Word::End)
    }

    fn word_after(&self, ahead: usize) -> &Word {
        self.words.get(self.at + ahead).unwrap_or(&Word::End)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.word(), Word::Sign(found) if *found == sign)
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn needs_sign(&mut self, sign: &str) -> Result<(), Unread> {
        if self.takes_sign(sign) { Ok(()) } else { Err(Unread) }
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.word(), Word::Name(found) if found.eq_ignore_ascii_case(name.as_bytes()))
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Result<Vec<u8>, Unread> {
        let Word::Name(name) = self.word() else { return Err(Unread) };
        let name = name.clone();
        self.at += 1;
        Ok(name)
    }

    fn deeper(&mut self) -> Result<(), Unread> {
        self.depth += 1;
        if self.depth > DEPTH { Err(Unread) } else { Ok(()) }
    }

    /// A statement's end; a closing tag is one too, and so is the end of the text.
    fn end(&mut self) -> Result<(), Unread> {
        if self.takes_sign(";")
            || matches!(self.word(), Word::End | Word::Page(_) | Word::Echo)
            || self.is_sign("}")
        {
            Ok(())
        } else {
            Err(Unread)
        }
    }

    fn statement_into(&mut self, statements: &mut Vec<Statement>) -> Result<(), Unread> {
        self.deeper()?;
        if let Some(statement) = self.statement()? {
            statements.push(statement);
        }
        self.depth -= 1;
        Ok(())
    }

    fn statement(&mut self) -> Result<Option<Statement>, Unread> {
        match self.word().clone() {
            Word::Page(text) => {
                self.at += 1;
                return Ok(Some(Statement::Echo(vec![Expression::Value(super::Value::Text(
                    text,
                ))])));
            }
            Word::Echo => {
                self.at += 1;
                return self.echo().map(Some);
            }
            Word::Sign("{") => return self.block().map(Statement::Block).map(Some),
            Word::Sign(";") => {
                self.at += 1;
                return Ok(None);
            }
            Word::Name(name) => {
                if let Some(statement) = self.keyword(&name.to_ascii_lowercase())? {
                    return Ok(statement);
                }
            }
            _ => {}
        }
        let expression = self.expression()?;
        self.end()?;
        Ok(Some(Statement::Expression(expression)))
    }

    /// A statement that begins with a word of the language; `None` where it is no such word.
    #[expect(clippy::too_many_lines, reason = "one flat match over the words of the language")]
    fn keyword(&mut self, name: &[u8]) -> Result<Option<Option<Statement>>, Unread> {
        let start = self.at;
        self.at += 1;
        let statement = match name {
            b"echo" => self.echo()?,
            b"if" => self.condition()?,
            b"while" => {
                let condition = self.bracketed()?;
                Statement::While { condition, body: self.body("endwhile")?, first: false }
            }
            b"do" => {
                let body = self.body("")?;
                if !self.takes_name("while") {
                    return Err(Unread);
                }
                let condition = self.bracketed()?;
                self.end()?;
                Statement::While { condition, body, first: true }
            }
            b"for" => self.counted()?,
            b"foreach" => self.each()?,
            b"switch" => self.switch()?,
            b"function" if matches!(self.word(), Word::Name(_)) || self.is_sign("&") => {
                Statement::Function(Arc::new(self.function(false)?))
            }
            b"return" => {
                let ends = self.is_sign(";") || matches!(self.word(), Word::End);
                let value = if ends { None } else { Some(self.expression()?) };
                self.end()?;
                Statement::Return(value)
            }
            b"break" | b"continue" => {
                if let Word::Integer(_) = self.word() {
                    self.at += 1;
                }
                self.end()?;
                if name == b"break" { Statement::Break } else { Statement::Continue }
            }
            b"unset" => {
                self.needs_sign("(")?;
                let list = self.list(")")?;
                self.end()?;
                Statement::Unset(list)
            }
            b"global" => {
                let mut names = Vec::new();
                while let Word::Variable(name) = self.word() {
                    names.push(name.clone());
                    self.at += 1;
                    self.takes_sign(",");
                }
                self.end()?;
                Statement::Global(names)
            }
            b"try" => return self.attempt().map(Some),
            b"class" | b"abstract" | b"final" | b"interface" | b"trait" => {
                self.pass_class()?;
                return Ok(Some(None));
            }
            b"namespace" | b"use" | b"declare" | b"const" => {
                while !self.is_sign(";") && !matches!(self.word(), Word::End) {
                    self.at += 1;
                }
                self.end()?;
                return Ok(Some(None));
            }
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        Ok(Some(Some(statement)))
    }

    fn echo(&mut self) -> Result<Statement, Unread> {
        let mut list = vec![self.expression()?];
        while self.takes_sign(",") {
            list.push(self.expression()?);
        }
        self.end()?;
        Ok(Statement::Echo(list))
    }

    fn block(&mut self) -> Result<Block, Unread> {
        self.needs_sign("{")?;
        let mut statements = Vec::new();
        while !self.takes_sign("}") {
            if *self.word() == Word::End {
                return Err(Unread);
            }
            self.statement_into(&mut statements)?;
        }
        Ok(Arc::new(statements))
    }

    /// One statement or a block, or what stands between `:` and the word given.
    fn body(&mut self, until: &str) -> Result<Block, Unread> {
        self.body_until(&[until]).inspect(|_| {
            if self.takes_name(until) {
                self.takes_sign(";");
            }
        })
    }

    fn body_until(&mut self, until: &[&str]) -> Result<Block, Unread> {
        if !until.contains(&"") && self.takes_sign(":") {
            let mut statements = Vec::new();
            while !until.iter().any(|word| self.is_name(word)) {
                if *self.word() == Word::End {
                    return Err(Unread);
                }
                self.statement_into(&mut statements)?;
            }
            return Ok(Arc::new(statements));
        }
        let mut statements = Vec::new();
        self.statement_into(&mut statements)?;
        Ok(Arc::new(statements))
    }

    fn bracketed(&mut self) -> Result<Expression, Unread> {
        self.needs_sign("(")?;
        let expression = self.expression()?;
        self.needs_sign(")")?;
        Ok(expression)
    }

    fn condition(&mut self) -> Result<Statement, Unread> {
        const ENDS: [&str; 3] = ["elseif", "else", "endif"];
        let mut branches = vec![(self.bracketed()?, self.body_until(&ENDS)?)];
        let mut otherwise = None;
        loop {
            if self.takes_name("elseif") {
                branches.push((self.bracketed()?, self.body_until(&ENDS)?));
            } else if self.is_name("else")
                && matches!(self.word_after(1), Word::Name(name) if name.eq_ignore_ascii_case(b"if"))
            {
                self.at += 2;
                branches.push((self.bracketed()?, self.body_until(&ENDS)?));
            } else if self.takes_name("else") {
                otherwise = Some(self.body_until(&["endif"])?);
            } else {
                if self.takes_name("endif") {
                    self.takes_sign(";");
                }
                return Ok(Statement::If(branches, otherwise));
            }
        }
    }

    fn counted(&mut self) -> Result<Statement, Unread> {
        self.needs_sign("(")?;
        let start = self.list(";")?;
        let condition = self.list(";")?;
        let step = self.list(")")?;
        Ok(Statement::For { start, condition, step, body: self.body("endfor")? })
    }

    fn each(&mut self) -> Result<Statement, Unread> {
        self.needs_sign("(")?;
        let of = self.expression()?;
        if !self.takes_name("as") {
            return Err(Unread);
        }
        self.takes_sign("&");
        let mut value = self.expression()?;
        let mut key = None;
        if self.takes_sign("=>") {
            self.takes_sign("&");
            key = Some(std::mem::replace(&mut value, self.expression()?));
        }
        self.needs_sign(")")?;
        Ok(Statement::Each { of, key, value, body: self.body("endforeach")? })
    }

    fn switch(&mut self) -> Result<Statement, Unread> {
        let of = self.bracketed()?;
        self.needs_sign("{")?;
        let mut cases = Vec::new();
        while !self.takes_sign("}") {
            let label = if self.takes_name("default") {
                None
            } else if self.takes_name("case") {
                Some(self.expression()?)
            } else {
                return Err(Unread);
            };
            if !self.takes_sign(":") {
                self.needs_sign(";")?;
            }
            let mut statements = Vec::new();
            while !(self.is_name("case") || self.is_name("default") || self.is_sign("}")) {
                if *self.word() == Word::End {
                    return Err(Unread);
                }
                self.statement_into(&mut statements)?;
            }
            cases.push((label, Arc::new(statements)));
        }
        Ok(Statement::Switch(of, cases))
    }

    /// `try`: nothing is thrown here, so its block runs and those that catch do not.
    fn attempt(&mut self) -> Result<Option<Statement>, Unread> {
        let mut blocks = vec![Statement::Block(self.block()?)];
        loop {
            if self.takes_name("catch") {
                self.needs_sign("(")?;
                while !self.takes_sign(")") {
                    if *self.word() == Word::End {
                        return Err(Unread);
                    }
                    self.at += 1;
                }
                self.block()?;
            } else if self.takes_name("finally") {
                blocks.push(Statement::Block(self.block()?));
            } else {
                return Ok(Some(Statement::Block(Arc::new(blocks))));
            }
        }
    }

    fn pass_class(&mut self) -> Result<(), Unread> {
        while !self.is_sign("{") {
            if *self.word() == Word::End {
                return Err(Unread);
            }
            self.at += 1;
        }
        let mut depth = 0_usize;
        loop {
            match self.word() {
                Word::Sign("{") => depth += 1,
                Word::Sign("}") => depth = depth.saturating_sub(1),
                Word::End => return Err(Unread),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A function from its name or its brackets on.
    fn function(&mut self, nameless: bool) -> Result<Function, Unread> {
        self.takes_sign("&");
        let name = if nameless { Vec::new() } else { self.name()?.to_ascii_lowercase() };
        self.needs_sign("(")?;
        let parameters = self.parameters()?;
        let mut uses = Vec::new();
        if self.takes_name("use") {
            self.needs_sign("(")?;
            while !self.takes_sign(")") {
                self.takes_sign("&");
                let Word::Variable(name) = self.word() else { return Err(Unread) };
                uses.push(name.clone());
                self.at += 1;
                self.takes_sign(",");
            }
        }
        self.pass_type();
        Ok(Function { name, parameters, uses, short: false, body: self.block()? })
    }

    fn pass_type(&mut self) {
        if self.takes_sign(":") {
            self.takes_sign("?");
            while matches!(self.word(), Word::Name(_)) || self.is_sign("|") {
                self.at += 1;
            }
        }
    }

    fn parameters(&mut self) -> Result<Parameters, Unread> {
        let mut parameters = Vec::new();
        while !self.takes_sign(")") {
            while matches!(self.word(), Word::Name(_) | Word::Sign("?" | "|" | "&" | "...")) {
                self.at += 1;
            }
            let Word::Variable(name) = self.word() else { return Err(Unread) };
            let name = name.clone();
            self.at += 1;
            let default = if self.takes_sign("=") { Some(self.expression()?) } else { None };
            parameters.push((name, default));
            if !self.takes_sign(",") {
                self.needs_sign(")")?;
                break;
            }
        }
        Ok(parameters)
    }

    /// Expressions up to a sign.
    fn list(&mut self, end: &str) -> Result<Vec<Expression>, Unread> {
        let mut list = Vec::new();
        while !self.takes_sign(end) {
            self.takes_sign("&");
            self.takes_sign("...");
            list.push(self.expression()?);
            if !self.takes_sign(",") {
                self.needs_sign(end)?;
                break;
            }
        }
        Ok(list)
    }
}
