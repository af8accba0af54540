//! Awk's grammar, by precedence.

use super::lexer::{Token, tokens};

/// Brackets and statements inside one another.
const DEPTH: u32 = 40;
/// Operators of one statement.
const CHAIN: u32 = 200;

/// A program: what runs before, for each line, and after.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) begin: Vec<Statement>,
    pub(super) rules: Vec<Rule>,
    pub(super) end: Vec<Statement>,
    pub(super) has_end: bool,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) first: Option<Expression>,
    pub(super) last: Option<Expression>,
    /// `None` prints the line.
    pub(super) action: Option<Vec<Statement>>,
}

#[derive(Debug)]
pub(super) enum Statement {
    Value(Expression),
    /// What is printed, and into which file.
    Print(Vec<Expression>, Option<(bool, Expression)>),
    Format(Vec<Expression>, Option<(bool, Expression)>),
    If(Expression, Vec<Self>, Vec<Self>),
    While(Expression, Vec<Self>),
    Do(Vec<Self>, Expression),
    For(Option<Box<Self>>, Option<Expression>, Option<Box<Self>>, Vec<Self>),
    Each(Vec<u8>, Vec<u8>, Vec<Self>),
    Delete(Vec<u8>, Option<Vec<Expression>>),
    Block(Vec<Self>),
    Next,
    Exit(Option<Expression>),
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    Number(f64),
    Text(Vec<u8>),
    Regex(Vec<u8>),
    Place(Place),
    Assign(&'static str, Place, Box<Self>),
    /// Whether before, by how much.
    Step(bool, f64, Place),
    Binary(&'static str, Box<Self>, Box<Self>),
    Unary(&'static str, Box<Self>),
    Match(bool, Box<Self>, Box<Self>),
    In(Vec<Self>, Vec<u8>),
    Choice(Box<Self>, Box<Self>, Box<Self>),
    Call(Vec<u8>, Vec<Self>),
}

/// What can be assigned.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Variable(Vec<u8>),
    Member(Vec<u8>, Vec<Expression>),
    Field(Box<Expression>),
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    /// Inside `print`, where `>` writes a file.
    printing: bool,
    /// Operators in a row, which nest to the left.
    chain: u32,
}

type Parsed<T> = Result<T, String>;

pub(super) fn parse(text: &[u8]) -> Parsed<Program> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, printing: false, chain: 0 };
    let mut program = Program::default();
    loop {
        while reader.sign(";") || reader.newline() {}
        match reader.peek() {
            Token::End => return Ok(program),
            Token::Word("BEGIN") => {
                reader.at += 1;
                program.begin.extend(reader.block()?);
            }
            Token::Word("END") => {
                reader.at += 1;
                program.has_end = true;
                program.end.extend(reader.block()?);
            }
            _ => {
                let rule = reader.rule()?;
                program.rules.push(rule);
            }
        }
    }
}

impl Reader {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(found) if *found == word);
        self.at += usize::from(found);
        found
    }

    fn newline(&mut self) -> bool {
        let found = *self.peek() == Token::Newline;
        self.at += usize::from(found);
        found
    }

    fn newlines(&mut self) {
        while self.newline() {}
    }

    fn near(&self) -> String {
        match self.peek() {
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Word(word) => (*word).to_owned(),
            Token::Name(name) | Token::Call(name) => String::from_utf8_lossy(name).into_owned(),
            Token::Newline => "newline".to_owned(),
            Token::End => "end of file".to_owned(),
            _ => "constant".to_owned(),
        }
    }

    fn require(&mut self, sign: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.near()) }
    }

    /// One more operator; a program's longest chain is bounded, as its tree is walked by recursion.
    fn joined(
        &mut self,
        sign: &'static str,
        left: Expression,
        right: Expression,
    ) -> Parsed<Expression> {
        self.chain += 1;
        if self.chain > CHAIN {
            return Err("expression too long".to_owned());
        }
        Ok(Expression::Binary(sign, Box::new(left), Box::new(right)))
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("too deep".to_owned());
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let mut rule = Rule { first: None, last: None, action: None };
        if !matches!(self.peek(), Token::Sign("{")) {
            rule.first = Some(self.expression()?);
            if self.sign(",") {
                self.newlines();
                rule.last = Some(self.expression()?);
            }
        }
        if matches!(self.peek(), Token::Sign("{")) {
            rule.action = Some(self.block()?);
        }
        Ok(rule)
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.newlines();
        self.require("{")?;
        let mut statements = Vec::new();
        loop {
            while self.sign(";") || self.newline() {}
            if self.sign("}") {
                return Ok(statements);
            }
            statements.push(self.statement()?);
        }
    }

    /// One statement, or a block, as a loop's body.
    fn body(&mut self) -> Parsed<Vec<Statement>> {
        self.newlines();
        if self.sign(";") {
            return Ok(Vec::new());
        }
        if matches!(self.peek(), Token::Sign("{")) {
            return self.deeper(Self::block);
        }
        Ok(vec![self.statement()?])
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.deeper(|reader| {
            reader.chain = 0;
            let statement = match reader.peek().clone() {
                Token::Sign("{") => Statement::Block(reader.block()?),
                Token::Word(word) => reader.keyword(word)?,
                _ => reader.simple()?,
            };
            let ends = reader.sign(";")
                || reader.newline()
                || matches!(reader.peek(), Token::Sign("}") | Token::End);
            let block = matches!(
                statement,
                Statement::Block(_)
                    | Statement::If(..)
                    | Statement::While(..)
                    | Statement::For(..)
                    | Statement::Each(..)
            );
            if ends || block { Ok(statement) } else { Err(reader.near()) }
        })
    }

    fn simple(&mut self) -> Parsed<Statement> {
        if self.word("delete") {
            let Token::Name(name) = self.next() else { return Err(self.near()) };
            let index = if self.sign("[") { Some(self.list("]")?) } else { None };
            return Ok(Statement::Delete(name, index));
        }
        Ok(Statement::Value(self.expression()?))
    }

    fn keyword(&mut self, word: &'static str) -> Parsed<Statement> {
        match word {
            "delete" | "in" => return self.simple(),
            _ => self.at += 1,
        }
        let value_follows =
            !matches!(self.peek(), Token::Sign(";" | "}") | Token::Newline | Token::End);
        Ok(match word {
            "print" | "printf" => self.print(word == "printf")?,
            "if" => self.conditional()?,
            "while" => {
                self.require("(")?;
                let condition = self.expression()?;
                self.require(")")?;
                Statement::While(condition, self.body()?)
            }
            "do" => {
                let body = self.body()?;
                while self.sign(";") || self.newline() {}
                if !self.word("while") {
                    return Err(self.near());
                }
                self.require("(")?;
                let condition = self.expression()?;
                self.require(")")?;
                Statement::Do(body, condition)
            }
            "for" => self.for_loop()?,
            "next" => Statement::Next,
            "exit" | "return" => {
                Statement::Exit(if value_follows { Some(self.expression()?) } else { None })
            }
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            other => return Err(other.to_owned()),
        })
    }

    fn conditional(&mut self) -> Parsed<Statement> {
        self.require("(")?;
        let condition = self.expression()?;
        self.require(")")?;
        let then = self.body()?;
        let here = self.at;
        while self.sign(";") || self.newline() {}
        if self.word("else") {
            return Ok(Statement::If(condition, then, self.body()?));
        }
        self.at = here;
        Ok(Statement::If(condition, then, Vec::new()))
    }

    fn for_loop(&mut self) -> Parsed<Statement> {
        self.require("(")?;
        if let [Token::Name(name), Token::Word("in"), Token::Name(array), Token::Sign(")"), ..] =
            &self.tokens[self.at.min(self.tokens.len())..]
        {
            let (name, array) = (name.clone(), array.clone());
            self.at += 4;
            return Ok(Statement::Each(name, array, self.body()?));
        }
        let first = if matches!(self.peek(), Token::Sign(";")) {
            None
        } else {
            Some(Box::new(self.simple()?))
        };
        self.require(";")?;
        let condition =
            if matches!(self.peek(), Token::Sign(";")) { None } else { Some(self.expression()?) };
        self.require(";")?;
        let step = if matches!(self.peek(), Token::Sign(")")) {
            None
        } else {
            Some(Box::new(self.simple()?))
        };
        self.require(")")?;
        Ok(Statement::For(first, condition, step, self.body()?))
    }

    fn print(&mut self, formatted: bool) -> Parsed<Statement> {
        let mut values = Vec::new();
        self.printing = true;
        let start = self.at;
        if self.sign("(") {
            // `print (a, b) > "file"` and `print (a) b` begin alike.
            self.printing = false;
            let list = self.list(")");
            self.printing = true;
            match list {
                Ok(list)
                    if matches!(
                        self.peek(),
                        Token::Sign(";" | "}" | ">" | ">>" | "|") | Token::Newline | Token::End
                    ) =>
                {
                    values = list;
                }
                _ => {
                    self.at = start;
                    values = self.open_list()?;
                }
            }
        } else if !matches!(
            self.peek(),
            Token::Sign(";" | "}" | ">" | ">>" | "|") | Token::Newline | Token::End
        ) {
            values = self.open_list()?;
        }
        self.printing = false;
        let append = matches!(self.peek(), Token::Sign(">>"));
        let target = if self.sign(">") || self.sign(">>") {
            Some((append, self.concatenation_free()?))
        } else if self.sign("|") {
            // A pipe's command is not run; what would go there is shown.
            self.concatenation_free()?;
            None
        } else {
            None
        };
        Ok(if formatted {
            Statement::Format(values, target)
        } else {
            Statement::Print(values, target)
        })
    }

    fn concatenation_free(&mut self) -> Parsed<Expression> {
        self.unary()
    }

    fn open_list(&mut self) -> Parsed<Vec<Expression>> {
        let mut list = vec![self.expression()?];
        while self.sign(",") {
            self.newlines();
            list.push(self.expression()?);
        }
        Ok(list)
    }

    /// Expressions up to this bracket, which is taken.
    fn list(&mut self, close: &str) -> Parsed<Vec<Expression>> {
        if self.sign(close) {
            return Ok(Vec::new());
        }
        let list = self.open_list()?;
        self.require(close)?;
        Ok(list)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(|reader| {
            let left = reader.choice()?;
            for sign in ["=", "+=", "-=", "*=", "/=", "%=", "^=", "**="] {
                if matches!(reader.peek(), Token::Sign(found) if *found == sign) {
                    let Expression::Place(place) = left else { return Err(reader.near()) };
                    reader.at += 1;
                    let right = reader.expression()?;
                    return Ok(Expression::Assign(sign, place, Box::new(right)));
                }
            }
            Ok(left)
        })
    }

    fn choice(&mut self) -> Parsed<Expression> {
        let condition = self.either()?;
        if !self.sign("?") {
            return Ok(condition);
        }
        let first = self.expression()?;
        self.require(":")?;
        Ok(Expression::Choice(Box::new(condition), Box::new(first), Box::new(self.expression()?)))
    }

    fn either(&mut self) -> Parsed<Expression> {
        let mut left = self.both()?;
        while self.sign("||") {
            self.newlines();
            let right = self.both()?;
            left = self.joined("||", left, right)?;
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Expression> {
        let mut left = self.membership()?;
        while self.sign("&&") {
            self.newlines();
            let right = self.membership()?;
            left = self.joined("&&", left, right)?;
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expression> {
        let mut left = self.matching()?;
        while self.word("in") {
            let Token::Name(name) = self.next() else { return Err(self.near()) };
            self.chain += 1;
            if self.chain > CHAIN {
                return Err(self.near());
            }
            left = Expression::In(vec![left], name);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expression> {
        let mut left = self.comparison()?;
        loop {
            let negated = matches!(self.peek(), Token::Sign("!~"));
            if !self.sign("~") && !self.sign("!~") {
                return Ok(left);
            }
            self.chain += 1;
            if self.chain > CHAIN {
                return Err(self.near());
            }
            left = Expression::Match(negated, Box::new(left), Box::new(self.comparison()?));
        }
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.concatenation()?;
        for sign in ["<", "<=", "==", "!=", ">=", ">"] {
            if sign == ">" && self.printing {
                continue;
            }
            if self.sign(sign) {
                return Ok(Expression::Binary(
                    sign,
                    Box::new(left),
                    Box::new(self.concatenation()?),
                ));
            }
        }
        Ok(left)
    }

    fn concatenation(&mut self) -> Parsed<Expression> {
        let mut left = self.sum()?;
        while self.begins_value() {
            let right = self.sum()?;
            left = self.joined(" ", left, right)?;
        }
        Ok(left)
    }

    fn begins_value(&self) -> bool {
        matches!(
            self.peek(),
            Token::Number(_)
                | Token::Text(_)
                | Token::Regex(_)
                | Token::Name(_)
                | Token::Call(_)
                | Token::Sign("$" | "(" | "!" | "-" | "+" | "++" | "--")
        )
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign @ ("+" | "-")) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = self.joined(sign, left, right)?;
        }
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.unary()?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign @ ("*" | "/" | "%")) => *sign,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.unary()?;
            left = self.joined(sign, left, right)?;
        }
    }

    fn unary(&mut self) -> Parsed<Expression> {
        self.deeper(|reader| {
            for sign in ["!", "-", "+"] {
                if reader.sign(sign) {
                    return Ok(Expression::Unary(sign, Box::new(reader.unary()?)));
                }
            }
            reader.power()
        })
    }

    fn power(&mut self) -> Parsed<Expression> {
        let left = self.postfix()?;
        if self.sign("^") || self.sign("**") {
            return Ok(Expression::Binary("^", Box::new(left), Box::new(self.unary()?)));
        }
        Ok(left)
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        for (sign, step) in [("++", 1.0), ("--", -1.0)] {
            if self.sign(sign) {
                let Expression::Place(place) = self.primary()? else { return Err(self.near()) };
                return Ok(Expression::Step(true, step, place));
            }
        }
        let value = self.primary()?;
        if let Expression::Place(place) = &value {
            for (sign, step) in [("++", 1.0), ("--", -1.0)] {
                if self.sign(sign) {
                    return Ok(Expression::Step(false, step, place.clone()));
                }
            }
        }
        Ok(value)
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.next() {
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Text(text) => Ok(Expression::Text(text)),
            Token::Regex(text) => Ok(Expression::Regex(text)),
            Token::Sign("$") => {
                let inner = self.deeper(|reader| {
                    if matches!(reader.peek(), Token::Sign("++" | "--")) {
                        reader.postfix()
                    } else {
                        reader.primary()
                    }
                })?;
                Ok(Expression::Place(Place::Field(Box::new(inner))))
            }
            Token::Sign("(") => {
                let printing = std::mem::take(&mut self.printing);
                let mut list = self.list(")")?;
                self.printing = printing;
                if list.len() > 1 {
                    if !self.word("in") {
                        return Err(self.near());
                    }
                    let Token::Name(name) = self.next() else { return Err(self.near()) };
                    return Ok(Expression::In(list, name));
                }
                let inner = list.pop().ok_or_else(|| self.near())?;
                // In brackets it is no longer something to assign to.
                Ok(match inner {
                    Expression::Place(_) => Expression::Unary("(", Box::new(inner)),
                    inner => inner,
                })
            }
            Token::Call(name) => {
                let arguments = if self.sign("(") {
                    let printing = std::mem::take(&mut self.printing);
                    let list = self.list(")")?;
                    self.printing = printing;
                    list
                } else {
                    Vec::new()
                };
                Ok(Expression::Call(name, arguments))
            }
            Token::Name(name) => {
                if self.sign("[") {
                    return Ok(Expression::Place(Place::Member(name, self.list("]")?)));
                }
                Ok(Expression::Place(Place::Variable(name)))
            }
            _ => {
                self.at = self.at.saturating_sub(1);
                Err(self.near())
            }
        }
    }
}
