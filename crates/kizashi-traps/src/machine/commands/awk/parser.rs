//! Reads an `awk` program into its rules and functions.

use super::super::regex::Regex;
use super::lexer;
use super::syntax::{
    Expression, Fault, Function, Pattern, Program, Rule, Slot, Statement, Target, Token,
};

/// Constructs inside one another.
const DEPTH: u32 = 60;
/// Variables and functions of a program.
const NAMES: usize = 500;

/// Variables that mean something, at their places.
pub(super) const SPECIAL: [&str; 16] = [
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH",
    "CONVFMT", "OFMT", "ENVIRON", "ARGC", "ARGV",
];

pub(super) fn parse(text: &[u8]) -> Result<Program, Fault> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?,
        at: 0,
        depth: 0,
        program: Program {
            globals: SPECIAL.iter().map(|name| (*name).to_owned()).collect(),
            ..Program::default()
        },
        locals: Vec::new(),
        called: Vec::new(),
        plain_greater: true,
        in_allowed: true,
    };
    parser.program_text()?;
    let names: Vec<&String> =
        parser.program.functions.iter().map(|function| &function.name).collect();
    if let Some((name, line)) = parser
        .called
        .iter()
        .enumerate()
        .find(|(place, (name, _))| names.get(*place) != Some(&name))
        .map(|(_, called)| called)
    {
        return Err(Fault { line: *line, text: format!("function {name} never defined") });
    }
    Ok(parser.program)
}

pub(super) struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    pub(super) depth: u32,
    program: Program,
    locals: Vec<String>,
    /// Functions by the place that they have or will have.
    called: Vec<(String, usize)>,
    /// Whether `>` compares; after `print` it opens a file.
    pub(super) plain_greater: bool,
    pub(super) in_allowed: bool,
}

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Keyword(found) if *found == keyword)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.fault(Some(sign))) }
    }

    pub(super) fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH { Err(self.fault(None)) } else { Ok(()) }
    }

    /// What is wrong here, as mawk says it.
    pub(super) fn fault(&self, missing: Option<&str>) -> Fault {
        let line = self.tokens.get(self.at).map_or(1, |(_, line)| *line);
        let near = match self.peek() {
            Token::End => {
                let text = match missing {
                    Some(sign @ ("}" | ")")) => format!("missing {sign} near end of file"),
                    _ => "syntax error at or near end of file".to_owned(),
                };
                return Fault { line: line + 1, text };
            }
            Token::Newline => "end of line".to_owned(),
            Token::Number(value) => value.to_string(),
            Token::Text(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
            Token::Regex(text) => format!("/{}/", String::from_utf8_lossy(text)),
            Token::Name(name) | Token::Called(name) => name.clone(),
            Token::Builtin(name) | Token::Keyword(name) => (*name).to_owned(),
            Token::Sign(sign) => (*sign).to_owned(),
        };
        Fault { line, text: format!("syntax error at or near {near}") }
    }

    pub(super) fn newlines(&mut self) {
        while matches!(self.peek(), Token::Newline) {
            self.at += 1;
        }
    }

    fn terminators(&mut self) {
        while matches!(self.peek(), Token::Newline) || self.is_sign(";") {
            self.at += 1;
        }
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn go_back(&mut self, place: usize) {
        self.at = place;
    }

    pub(super) fn slot(&mut self, name: &str) -> Result<Slot, Fault> {
        if let Some(place) = self.locals.iter().position(|local| local == name) {
            return Ok(Slot::Local(place));
        }
        if let Some(place) = self.program.globals.iter().position(|global| global == name) {
            return Ok(Slot::Global(place));
        }
        if self.program.globals.len() >= NAMES {
            return Err(self.fault(None));
        }
        self.program.globals.push(name.to_owned());
        Ok(Slot::Global(self.program.globals.len() - 1))
    }

    /// The place that a function has, or will have when it comes.
    pub(super) fn function(&mut self, name: &str) -> Result<usize, Fault> {
        if let Some(place) = self.called.iter().position(|(known, _)| known == name) {
            return Ok(place);
        }
        if self.called.len() >= NAMES {
            return Err(self.fault(None));
        }
        let line = self.tokens.get(self.at).map_or(1, |(_, line)| *line);
        self.called.push((name.to_owned(), line));
        Ok(self.called.len() - 1)
    }

    fn program_text(&mut self) -> Result<(), Fault> {
        let mut functions: Vec<Function> = Vec::new();
        self.terminators();
        while !matches!(self.peek(), Token::End) {
            if self.take_keyword("function") || self.take_keyword("func") {
                functions.push(self.function_text()?);
            } else {
                let rule = self.rule()?;
                self.program.rules.push(rule);
            }
            self.terminators();
        }
        // Functions at the places by which they were called.
        for function in &functions {
            self.function(&function.name)?;
        }
        functions.sort_by_key(|function| {
            self.called.iter().position(|(name, _)| *name == function.name)
        });
        self.program.functions = functions;
        Ok(())
    }

    fn function_text(&mut self) -> Result<Function, Fault> {
        let name = match self.next() {
            Token::Name(name) | Token::Called(name) => name,
            _ => {
                self.at -= 1;
                return Err(self.fault(None));
            }
        };
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.take_sign(")") {
            match self.next() {
                Token::Name(parameter) if parameters.len() < 50 => parameters.push(parameter),
                _ => {
                    self.at -= 1;
                    return Err(self.fault(Some(")")));
                }
            }
            self.take_sign(",");
            self.newlines();
        }
        self.newlines();
        self.locals.clone_from(&parameters);
        let body = self.block();
        self.locals.clear();
        Ok(Function { name, parameters, body: body? })
    }

    fn rule(&mut self) -> Result<Rule, Fault> {
        let pattern = if self.take_keyword("BEGIN") {
            Pattern::Begin
        } else if self.take_keyword("END") {
            Pattern::End
        } else if self.is_sign("{") {
            Pattern::Always
        } else {
            let first = self.expression()?;
            if self.take_sign(",") {
                self.newlines();
                let last = self.expression()?;
                self.program.ranges += 1;
                Pattern::Between(first, last, self.program.ranges - 1)
            } else {
                Pattern::When(first)
            }
        };
        let body = if self.is_sign("{") { Some(self.block()?) } else { None };
        if body.is_none() && matches!(pattern, Pattern::Begin | Pattern::End) {
            return Err(self.fault(None));
        }
        Ok(Rule { pattern, body })
    }

    fn block(&mut self) -> Result<Statement, Fault> {
        self.expect("{")?;
        self.deeper()?;
        let mut statements = Vec::new();
        self.terminators();
        while !self.is_sign("}") {
            if matches!(self.peek(), Token::End) {
                return Err(self.fault(Some("}")));
            }
            statements.push(self.statement()?);
            self.terminators();
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Statement::Block(statements))
    }

    fn statement(&mut self) -> Result<Statement, Fault> {
        self.deeper()?;
        let statement = self.statement_here();
        self.depth -= 1;
        statement
    }

    fn statement_here(&mut self) -> Result<Statement, Fault> {
        if self.is_sign("{") {
            return self.block();
        }
        if self.take_sign(";") {
            return Ok(Statement::Block(Vec::new()));
        }
        let Token::Keyword(keyword) = *self.peek() else {
            let simple = self.simple()?;
            self.end_of_statement()?;
            return Ok(simple);
        };
        match keyword {
            "if" => self.if_statement(),
            "while" => {
                self.at += 1;
                let condition = self.condition()?;
                if self.take_sign(";") {
                    return Ok(Statement::While(condition, Box::new(Statement::Block(Vec::new()))));
                }
                Ok(Statement::While(condition, Box::new(self.body()?)))
            }
            "do" => {
                self.at += 1;
                let body = self.body()?;
                self.terminators();
                if !self.take_keyword("while") {
                    return Err(self.fault(None));
                }
                let condition = self.condition()?;
                self.end_of_statement()?;
                Ok(Statement::Do(Box::new(body), condition))
            }
            "for" => self.for_statement(),
            _ => {
                let simple = self.simple()?;
                self.end_of_statement()?;
                Ok(simple)
            }
        }
    }

    fn end_of_statement(&self) -> Result<(), Fault> {
        let ends = matches!(self.peek(), Token::Newline | Token::End)
            || self.is_sign(";")
            || self.is_sign("}");
        if ends { Ok(()) } else { Err(self.fault(None)) }
    }

    fn condition(&mut self) -> Result<Expression, Fault> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn body(&mut self) -> Result<Statement, Fault> {
        self.newlines();
        self.statement()
    }

    fn if_statement(&mut self) -> Result<Statement, Fault> {
        self.at += 1;
        let condition = self.condition()?;
        let body = self.body()?;
        let place = self.at;
        self.terminators();
        if self.take_keyword("else") {
            let other = self.body()?;
            return Ok(Statement::If(condition, Box::new(body), Some(Box::new(other))));
        }
        self.at = place;
        Ok(Statement::If(condition, Box::new(body), None))
    }

    fn for_statement(&mut self) -> Result<Statement, Fault> {
        self.at += 1;
        self.expect("(")?;
        let ahead: Vec<Token> =
            self.tokens[self.at..].iter().take(4).map(|(token, _)| token.clone()).collect();
        if let [Token::Name(key), Token::Keyword("in"), Token::Name(array), Token::Sign(")")] =
            &ahead[..]
        {
            let (key, array) = (self.slot(key)?, self.slot(array)?);
            self.at += 4;
            return Ok(Statement::Each(key, array, Box::new(self.body()?)));
        }
        let first = if self.is_sign(";") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(";")?;
        self.newlines();
        let condition = if self.is_sign(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        self.newlines();
        let step = if self.is_sign(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        if self.take_sign(";") {
            return Ok(Statement::For(
                first,
                condition,
                step,
                Box::new(Statement::Block(Vec::new())),
            ));
        }
        Ok(Statement::For(first, condition, step, Box::new(self.body()?)))
    }

    /// A statement without others inside.
    fn simple(&mut self) -> Result<Statement, Fault> {
        let Token::Keyword(keyword) = *self.peek() else {
            return Ok(Statement::Simple(self.expression()?));
        };
        if matches!(keyword, "getline") {
            return Ok(Statement::Simple(self.expression()?));
        }
        self.at += 1;
        let value = |parser: &mut Self| {
            if parser.end_of_statement().is_ok() { Ok(None) } else { parser.expression().map(Some) }
        };
        Ok(match keyword {
            "print" | "printf" => self.print(keyword == "printf")?,
            "next" => Statement::Next,
            "nextfile" => Statement::NextFile,
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "exit" => Statement::Exit(value(self)?),
            "return" => Statement::Return(value(self)?),
            "delete" => {
                let Token::Name(name) = self.next() else {
                    self.at -= 1;
                    return Err(self.fault(None));
                };
                let slot = self.slot(&name)?;
                let keys = if self.take_sign("[") { Some(self.list("]")?) } else { None };
                Statement::Delete(slot, keys)
            }
            _ => {
                self.at -= 1;
                return Err(self.fault(None));
            }
        })
    }

    fn print(&mut self, formatted: bool) -> Result<Statement, Fault> {
        let place = self.at;
        let mut values = None;
        if self.take_sign("(") {
            let list = self.list(")")?;
            let ends = self.end_of_statement().is_ok()
                || [">", ">>", "|"].iter().any(|sign| self.is_sign(sign));
            if ends {
                values = Some(list);
            } else {
                self.at = place;
            }
        }
        let values = match values {
            Some(values) => values,
            None => self.printed()?,
        };
        let target = if self.take_sign(">") {
            Target::File(self.joined()?)
        } else if self.take_sign(">>") {
            Target::Append(self.joined()?)
        } else if self.take_sign("|") {
            Target::Command(self.joined()?)
        } else {
            Target::Output
        };
        if formatted && values.is_empty() {
            return Err(self.fault(None));
        }
        Ok(if formatted {
            Statement::Printf(values, target)
        } else {
            Statement::Print(values, target)
        })
    }

    fn printed(&mut self) -> Result<Vec<Expression>, Fault> {
        let mut values = Vec::new();
        let before = std::mem::replace(&mut self.plain_greater, false);
        let ends = |parser: &Self| {
            parser.end_of_statement().is_ok()
                || [">", ">>", "|"].iter().any(|sign| parser.is_sign(sign))
        };
        while !ends(self) {
            values.push(self.expression()?);
            if !self.take_sign(",") {
                break;
            }
            self.newlines();
        }
        self.plain_greater = before;
        Ok(values)
    }

    /// Expressions up to a closing sign, which is taken.
    pub(super) fn list(&mut self, close: &str) -> Result<Vec<Expression>, Fault> {
        let (greater, within) = (
            std::mem::replace(&mut self.plain_greater, true),
            std::mem::replace(&mut self.in_allowed, true),
        );
        let mut values = Vec::new();
        self.newlines();
        while !self.take_sign(close) {
            values.push(self.expression()?);
            self.newlines();
            if !self.is_sign(close) {
                if !self.is_sign(",") {
                    return Err(self.fault(Some(close)));
                }
                self.at += 1;
                self.newlines();
            }
        }
        (self.plain_greater, self.in_allowed) = (greater, within);
        Ok(values)
    }

    pub(super) fn regex(&self, text: &[u8]) -> Result<Expression, Fault> {
        let line = self.tokens.get(self.at).map_or(1, |(_, line)| *line);
        Regex::new(text, true, false).map(Expression::Regex).map_err(|_| Fault {
            line,
            text: format!("regular expression compile failed\n{}", String::from_utf8_lossy(text)),
        })
    }
}
