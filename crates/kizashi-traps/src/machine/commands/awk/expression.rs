//! Reads an `awk` expression: by precedence, from choice down to a variable.

use super::parser::Parser;
use super::syntax::{Expression, Fault, Operator, Source, Token};

impl Parser {
    pub(super) fn expression(&mut self) -> Result<Expression, Fault> {
        self.deeper()?;
        let found = self.choice();
        self.depth -= 1;
        found
    }

    fn choice(&mut self) -> Result<Expression, Fault> {
        let condition = self.or()?;
        if self.take_sign("?") {
            self.newlines();
            let yes = self.expression()?;
            self.newlines();
            self.expect(":")?;
            self.newlines();
            let no = self.expression()?;
            return Ok(Expression::Choose(Box::new(condition), Box::new(yes), Box::new(no)));
        }
        self.assignment(condition)
    }

    fn assignment(&mut self, target: Expression) -> Result<Expression, Fault> {
        if !is_target(&target) {
            return Ok(target);
        }
        let operator = match self.peek() {
            Token::Sign("=") => None,
            Token::Sign("+=") => Some(Operator::Add),
            Token::Sign("-=") => Some(Operator::Subtract),
            Token::Sign("*=") => Some(Operator::Multiply),
            Token::Sign("/=") => Some(Operator::Divide),
            Token::Sign("%=") => Some(Operator::Remainder),
            Token::Sign("^=" | "**=") => Some(Operator::Power),
            _ => return Ok(target),
        };
        self.next();
        self.newlines();
        let value = self.expression()?;
        Ok(Expression::Assign(Box::new(target), operator, Box::new(value)))
    }

    fn or(&mut self) -> Result<Expression, Fault> {
        let mut left = self.and()?;
        while self.take_sign("||") {
            self.newlines();
            let right = self.and()?;
            left = Expression::Or(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, Fault> {
        let mut left = self.membership()?;
        while self.take_sign("&&") {
            self.newlines();
            let right = self.membership()?;
            left = Expression::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Result<Expression, Fault> {
        let mut left = self.matching()?;
        while self.in_allowed && self.take_keyword("in") {
            let Token::Name(array) = self.next() else { return Err(self.fault(None)) };
            let slot = self.slot(&array)?;
            left = Expression::Holds(vec![left], slot);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<Expression, Fault> {
        let mut left = self.comparison()?;
        while self.is_sign("~") || self.is_sign("!~") {
            let negated = self.next() == Token::Sign("!~");
            let right = self.comparison()?;
            left = Expression::Matches { text: Box::new(left), regex: Box::new(right), negated };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, Fault> {
        let left = self.joined()?;
        let operator = match self.peek() {
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign("==") => Operator::Equal,
            Token::Sign("!=") => Operator::NotEqual,
            Token::Sign(">") if self.plain_greater => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            Token::Sign("|") => return self.piped(left),
            _ => return Ok(left),
        };
        self.next();
        let right = self.joined()?;
        let compared = Expression::Binary(operator, Box::new(left), Box::new(right));
        self.piped(compared)
    }

    /// `command | getline`.
    fn piped(&mut self, mut left: Expression) -> Result<Expression, Fault> {
        loop {
            let place = self.place();
            if !(self.take_sign("|") && self.take_keyword("getline")) {
                self.go_back(place);
                return Ok(left);
            }
            let target = self.getline_target()?;
            left = Expression::Getline(target, Source::Command(Box::new(left)));
        }
    }

    /// Texts side by side become one.
    pub(super) fn joined(&mut self) -> Result<Expression, Fault> {
        let mut left = self.sum()?;
        while self.joins() {
            let right = self.sum()?;
            left = Expression::Binary(Operator::Join, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn joins(&self) -> bool {
        match self.peek() {
            Token::Number(_)
            | Token::Text(_)
            | Token::Regex(_)
            | Token::Name(_)
            | Token::Called(_)
            | Token::Builtin(_) => true,
            Token::Sign(sign) => matches!(*sign, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
            _ => false,
        }
    }

    fn sum(&mut self) -> Result<Expression, Fault> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.next();
            let right = self.product()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self) -> Result<Expression, Fault> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                Token::Sign("%") => Operator::Remainder,
                _ => return Ok(left),
            };
            self.next();
            let right = self.unary()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Result<Expression, Fault> {
        self.deeper()?;
        let found = if self.take_sign("!") {
            Expression::Not(Box::new(self.unary()?))
        } else if self.take_sign("-") {
            Expression::Negate(Box::new(self.unary()?))
        } else if self.take_sign("+") {
            Expression::Numeric(Box::new(self.unary()?))
        } else {
            self.power()?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn power(&mut self) -> Result<Expression, Fault> {
        let left = self.step()?;
        if self.take_sign("^") || self.take_sign("**") {
            let right = self.unary()?;
            return Ok(Expression::Binary(Operator::Power, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn step(&mut self) -> Result<Expression, Fault> {
        for (sign, by) in [("++", 1.0), ("--", -1.0)] {
            if self.take_sign(sign) {
                let target = self.primary()?;
                return if is_target(&target) {
                    Ok(Expression::Step { target: Box::new(target), by, before: true })
                } else {
                    Err(self.fault(None))
                };
            }
        }
        let target = self.primary()?;
        for (sign, by) in [("++", 1.0), ("--", -1.0)] {
            if is_target(&target) && self.take_sign(sign) {
                return Ok(Expression::Step { target: Box::new(target), by, before: false });
            }
        }
        Ok(target)
    }

    fn primary(&mut self) -> Result<Expression, Fault> {
        match self.next() {
            Token::Number(value) => Ok(Expression::Number(value)),
            Token::Text(text) => Ok(Expression::Text(text)),
            Token::Regex(text) => self.regex(&text),
            Token::Sign("$") => {
                self.deeper()?;
                let number = if self.is_sign("++") || self.is_sign("--") || self.is_sign("-") {
                    self.unary()?
                } else {
                    self.primary()?
                };
                self.depth -= 1;
                Ok(Expression::Field(Box::new(number)))
            }
            Token::Sign("(") => self.group(),
            Token::Name(name) => {
                let slot = self.slot(&name)?;
                if self.take_sign("[") {
                    return Ok(Expression::Element(slot, self.list("]")?));
                }
                Ok(Expression::Variable(slot))
            }
            Token::Called(name) => {
                let place = self.function(&name)?;
                self.expect("(")?;
                Ok(Expression::Call(place, self.list(")")?))
            }
            Token::Builtin(name) => {
                if self.take_sign("(") {
                    return Ok(Expression::Builtin(name, self.list(")")?));
                }
                if name == "length" {
                    Ok(Expression::Builtin(name, Vec::new()))
                } else {
                    Err(self.fault(Some("(")))
                }
            }
            Token::Keyword("getline") => {
                let target = self.getline_target()?;
                if self.take_sign("<") {
                    let file = self.primary()?;
                    return Ok(Expression::Getline(target, Source::File(Box::new(file))));
                }
                Ok(Expression::Getline(target, Source::Main))
            }
            _ => {
                self.go_back(self.place() - 1);
                Err(self.fault(None))
            }
        }
    }

    fn getline_target(&mut self) -> Result<Option<Box<Expression>>, Fault> {
        if matches!(self.peek(), Token::Name(_)) || self.is_sign("$") {
            return Ok(Some(Box::new(self.primary()?)));
        }
        Ok(None)
    }

    fn group(&mut self) -> Result<Expression, Fault> {
        self.deeper()?;
        let mut inside = self.list(")")?;
        self.depth -= 1;
        if inside.len() != 1 {
            if self.take_keyword("in")
                && let Token::Name(array) = self.next()
            {
                let slot = self.slot(&array)?;
                return Ok(Expression::Holds(inside, slot));
            }
            return Err(self.fault(None));
        }
        inside.pop().map(|one| Expression::Group(Box::new(one))).ok_or_else(|| self.fault(None))
    }
}

const fn is_target(expression: &Expression) -> bool {
    matches!(expression, Expression::Variable(_) | Expression::Field(_) | Expression::Element(..))
}
