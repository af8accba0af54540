//! Expressions, by the precedence that MariaDB documents ("Operator Precedence"). The height of every tree is bounded while it is made, since
//! whoever walks it does so recursively.

use super::super::error::SqlError;
use super::super::lexer::Kind;
use super::super::syntax::{Call, Expression, Operator, Order, Sign, Test, Type};
use super::super::value::Value;
use super::Parser;

/// How high a tree may be.
const HEIGHT: usize = 120;

/// What may stand after NOT.
const PREDICATES: [&str; 5] = ["like", "in", "between", "regexp", "rlike"];

/// Reserved words that are functions all the same.
const FUNCTIONS: [&[u8]; 8] =
    [b"left", b"right", b"mod", b"insert", b"if", b"values", b"convert", b"replace"];

/// How tightly operators bind.
const NOT: u8 = 4;
const COMPARISON: u8 = 6;
const UNARY: u8 = 20;

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression, SqlError> {
        self.binding(0)
    }

    /// An expression whose operators bind at least so tightly.
    pub(super) fn binding(&mut self, least: u8) -> Result<Expression, SqlError> {
        self.deeper()?;
        let around = std::mem::take(&mut self.height);
        let mut left = self.prefix()?;
        if self.postgres {
            left = self.postfix(left)?;
        }
        let mut height = self.height + 1;
        loop {
            self.height = 0;
            if let Some((operator, tightness)) = self.operator(least) {
                self.at += 1;
                let quantifier = ["any", "some", "all"].iter().any(|word| self.is_word(word));
                if self.postgres && quantifier && matches!(self.kind_after(1), Kind::Sign("(")) {
                    left = self.quantified(operator, left)?;
                    height += 1;
                    continue;
                }
                let right = self.binding(tightness + 1)?;
                left = Expression::Binary(operator, Box::new(left), Box::new(right));
            } else if least <= COMPARISON && self.is_predicate() {
                left = self.predicate(left)?;
            } else {
                break;
            }
            height = 1 + height.max(self.height);
            if height > HEIGHT {
                return Err(SqlError::too_deep());
            }
        }
        self.height = around.max(height);
        self.depth -= 1;
        Ok(left)
    }

    /// The operator that comes next and how tightly it binds.
    fn operator(&self, least: u8) -> Option<(Operator, u8)> {
        let (operator, tightness) = match self.kind() {
            Kind::Sign(sign) => match *sign {
                "||" if self.postgres => (Operator::Concat, 9),
                "/" if self.postgres => (Operator::Quotient, 12),
                "||" => (Operator::Or, 1),
                "&&" => (Operator::And, 3),
                "=" => (Operator::Equal, COMPARISON),
                "<=>" => (Operator::NullSafe, COMPARISON),
                "!=" | "<>" => (Operator::Unequal, COMPARISON),
                "<" => (Operator::Less, COMPARISON),
                "<=" => (Operator::LessEqual, COMPARISON),
                ">" => (Operator::Greater, COMPARISON),
                ">=" => (Operator::GreaterEqual, COMPARISON),
                "|" => (Operator::BitOr, 8),
                "&" => (Operator::BitAnd, 9),
                "<<" => (Operator::Left, 10),
                ">>" => (Operator::Right, 10),
                "+" => (Operator::Add, 11),
                "-" => (Operator::Subtract, 11),
                "*" => (Operator::Multiply, 12),
                "/" => (Operator::Divide, 12),
                "%" => (Operator::Modulo, 12),
                "^" => (Operator::BitXor, 13),
                _ => return None,
            },
            Kind::Name { text, quoted: false } => match text.to_ascii_lowercase().as_slice() {
                b"or" => (Operator::Or, 1),
                b"xor" | b"div" | b"mod" if self.postgres => return None,
                b"xor" => (Operator::Xor, 2),
                b"and" => (Operator::And, 3),
                b"div" => (Operator::Whole, 12),
                b"mod" => (Operator::Modulo, 12),
                _ => return None,
            },
            _ => return None,
        };
        (tightness >= least).then_some((operator, tightness))
    }

    fn is_negated(&self) -> bool {
        self.is_word("not") && PREDICATES.iter().any(|word| self.is_word_at(1, word))
    }

    fn is_predicate(&self) -> bool {
        self.postgres && self.is_foreign_predicate()
            || self.is_negated()
            || ["is", "collate", "sounds"].iter().chain(&PREDICATES).any(|word| self.is_word(word))
    }

    /// IS, LIKE, IN, BETWEEN, REGEXP after a value.
    #[expect(clippy::too_many_lines, reason = "one flat sequence of the grammar")]
    fn predicate(&mut self, value: Expression) -> Result<Expression, SqlError> {
        let value = Box::new(value);
        if self.postgres && self.is_foreign_predicate() {
            return self.foreign_predicate(value, COMPARISON + 2);
        }
        if self.takes_word("is") {
            let not = self.takes_word("not");
            let test = if self.takes_word("null") || self.takes_word("unknown") {
                Test::Null
            } else if self.takes_word("true") {
                Test::True
            } else if self.takes_word("false") {
                Test::False
            } else {
                return self.broken();
            };
            return Ok(Expression::Is { value, test, not });
        }
        if self.takes_word("collate") {
            self.any_word()?;
            if self.takes_sign(".") {
                self.any_word()?;
            }
            return Ok(*value);
        }
        let not = self.is_negated();
        self.at += usize::from(not);
        if self.takes_word("like") {
            let pattern = Box::new(self.binding(COMPARISON + 2)?);
            let mut escape = b'\\';
            if self.takes_word("escape") {
                let Kind::Text(text) = self.kind() else { return self.broken() };
                escape = text.first().copied().unwrap_or(0);
                self.at += 1;
            }
            return Ok(Expression::Like { value, pattern, escape, not });
        }
        if self.takes_word("regexp") || self.takes_word("rlike") {
            let pattern = Box::new(self.binding(COMPARISON + 2)?);
            return Ok(Expression::Regexp { value, pattern, not });
        }
        if self.takes_word("between") {
            let low = Box::new(self.binding(COMPARISON + 2)?);
            self.needs_word("and")?;
            let high = Box::new(self.binding(COMPARISON + 2)?);
            return Ok(Expression::Between { value, low, high, not });
        }
        if self.takes_word("in") {
            self.needs_sign("(")?;
            let found = if self.is_word("select") {
                Expression::InQuery { value, inner: self.inner()?, not }
            } else {
                Expression::In { value, list: self.list()?, not }
            };
            self.needs_sign(")")?;
            return Ok(found);
        }
        if self.takes_word("sounds") {
            self.needs_word("like")?;
            let other = self.binding(COMPARISON + 2)?;
            return Ok(Expression::Binary(Operator::Equal, value, Box::new(other)));
        }
        self.broken()
    }

    pub(super) fn list(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut list = vec![self.expression()?];
        while self.takes_sign(",") {
            list.push(self.expression()?);
        }
        Ok(list)
    }

    fn prefix(&mut self) -> Result<Expression, SqlError> {
        let kind = self.kind().clone();
        let value = match kind {
            Kind::Integer(number) => Value::Integer(number),
            Kind::Decimal(number, digits) => Value::Decimal(number, digits),
            Kind::Real(number) => Value::Real(number),
            Kind::Hex(bytes) => Value::Bytes(bytes),
            Kind::Text(_) if self.postgres => Value::Bytes(self.one_text()),
            Kind::Text(_) => return Ok(Expression::Value(Value::Text(self.texts()))),
            Kind::SystemVariable(name) => {
                self.at += 1;
                return Ok(Expression::SystemVariable(name));
            }
            Kind::UserVariable(name) => {
                self.at += 1;
                if self.takes_sign(":=") {
                    return Ok(Expression::Assign(name, Box::new(self.expression()?)));
                }
                return Ok(Expression::UserVariable(name));
            }
            Kind::Sign(sign) => return self.signed(sign),
            Kind::Name { text, quoted } => return self.named(text, quoted),
            Kind::End => return self.broken(),
        };
        self.at += 1;
        Ok(Expression::Value(value))
    }

    /// Texts that stand beside one another are one.
    fn texts(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        while let Kind::Text(text) = self.kind() {
            whole.extend_from_slice(text);
            self.at += 1;
        }
        whole
    }

    fn one_text(&self) -> Vec<u8> {
        match self.kind() {
            Kind::Text(text) => text.clone(),
            _ => Vec::new(),
        }
    }

    fn signed(&mut self, sign: &str) -> Result<Expression, SqlError> {
        let sign = match sign {
            "(" => return self.bracketed(),
            "-" => Sign::Minus,
            "~" => Sign::Invert,
            "!" => Sign::Not,
            "+" => {
                self.at += 1;
                return self.binding(UNARY);
            }
            "{" => {
                // ODBC's `{x value}`.
                self.at += 1;
                self.name()?;
                let value = self.expression()?;
                self.needs_sign("}")?;
                return Ok(value);
            }
            _ => return self.broken(),
        };
        self.at += 1;
        Ok(Expression::Signed(sign, Box::new(self.binding(UNARY)?)))
    }

    fn bracketed(&mut self) -> Result<Expression, SqlError> {
        self.at += 1;
        if self.is_word("select") {
            let inner = self.inner()?;
            self.needs_sign(")")?;
            return Ok(Expression::Inner(inner));
        }
        let mut list = self.list()?;
        self.needs_sign(")")?;
        match list.pop() {
            Some(only) if list.is_empty() => Ok(only),
            Some(last) => {
                list.push(last);
                Ok(Expression::Row(list))
            }
            None => self.broken(),
        }
    }

    fn named(&mut self, text: Vec<u8>, quoted: bool) -> Result<Expression, SqlError> {
        let calls = matches!(self.kind_after(1), Kind::Sign("("));
        let lower = text.to_ascii_lowercase();
        if !quoted {
            match lower.as_slice() {
                b"null" | b"true" | b"false" => {
                    self.at += 1;
                    if self.postgres && lower != b"null" {
                        let truth = Expression::Value(Value::of(lower == b"true"));
                        return Ok(Expression::Cast(Box::new(truth), Type::Boolean));
                    }
                    return Ok(Expression::Value(match lower.as_slice() {
                        b"null" => Value::Null,
                        word => Value::of(word == b"true"),
                    }));
                }
                b"not" => {
                    self.at += 1;
                    return Ok(Expression::Signed(Sign::Not, Box::new(self.binding(NOT)?)));
                }
                b"session_user" | b"user" | b"current_role" | b"current_catalog"
                | b"current_schema"
                    if self.postgres && !calls =>
                {
                    self.at += 1;
                    return Ok(self.call(lower, Vec::new()));
                }
                b"binary" if !self.postgres => {
                    self.at += 1;
                    return Ok(Expression::Signed(Sign::Binary, Box::new(self.binding(UNARY)?)));
                }
                b"array" if self.postgres => return self.array(),
                b"case" => return self.case(),
                b"exists" if calls => {
                    self.at += 2;
                    let inner = self.inner()?;
                    self.needs_sign(")")?;
                    return Ok(Expression::Exists(inner));
                }
                b"current_user" | b"current_date" | b"current_time" | b"current_timestamp"
                | b"utc_timestamp" | b"localtime"
                    if !calls =>
                {
                    self.at += 1;
                    return Ok(self.call(lower, Vec::new()));
                }
                b"_utf8" | b"_utf8mb4" | b"_latin1" | b"_binary"
                    if matches!(self.kind_after(1), Kind::Text(_) | Kind::Hex(_)) =>
                {
                    self.at += 1;
                    return self.prefix();
                }
                _ if calls && (!self.is_reserved() || FUNCTIONS.contains(&lower.as_slice())) => {
                    return self.function(lower);
                }
                _ if self.is_reserved() => return self.broken(),
                _ => {}
            }
        }
        self.column(text)
    }

    fn column(&mut self, mut name: Vec<u8>) -> Result<Expression, SqlError> {
        self.at += 1;
        let mut table = None;
        for _ in 0..2 {
            if !self.takes_sign(".") {
                break;
            }
            let Kind::Name { text, .. } = self.kind() else { return self.broken() };
            table = Some(std::mem::replace(&mut name, text.clone()));
            self.at += 1;
            if self.postgres && self.is_sign("(") {
                self.at -= 1;
                return self.function(name);
            }
        }
        Ok(Expression::Column { table, name })
    }

    fn case(&mut self) -> Result<Expression, SqlError> {
        self.at += 1;
        let subject = match self.is_word("when") {
            true => None,
            false => Some(Box::new(self.expression()?)),
        };
        let mut whens = Vec::new();
        while self.takes_word("when") {
            let when = self.expression()?;
            self.needs_word("then")?;
            whens.push((when, self.expression()?));
        }
        let other = match self.takes_word("else") {
            true => Some(Box::new(self.expression()?)),
            false => None,
        };
        if whens.is_empty() {
            return self.broken();
        }
        self.needs_word("end")?;
        Ok(Expression::Case { subject, whens, other })
    }

    pub(super) fn call(&mut self, name: Vec<u8>, arguments: Vec<Expression>) -> Expression {
        Expression::Call(Box::new(Call {
            name,
            number: self.number(),
            arguments,
            distinct: false,
            star: false,
            order: Vec::new(),
            separator: None,
        }))
    }

    /// A call; those with words of their own between the brackets first.
    #[expect(clippy::too_many_lines, reason = "one flat sequence of the grammar")]
    fn function(&mut self, name: Vec<u8>) -> Result<Expression, SqlError> {
        self.at += 2;
        match name.as_slice() {
            b"cast" if self.postgres => {
                let value = self.expression()?;
                self.needs_word("as")?;
                let to = self.type_name()?;
                self.needs_sign(")")?;
                return Ok(Expression::Cast(Box::new(value), to));
            }
            b"cast" => return self.cast("as"),
            b"convert" => return self.cast(","),
            b"trim" => return self.trim(),
            b"extract" => return self.extract(),
            b"timestampadd" | b"timestampdiff" => {
                let unit = self.name()?;
                self.needs_sign(",")?;
                let mut arguments = vec![Expression::Value(Value::Text(unit))];
                arguments.extend(self.list()?);
                self.needs_sign(")")?;
                return Ok(self.call(name, arguments));
            }
            b"match" if !self.postgres => return self.full_text(),
            b"position" => {
                let what = self.binding(COMPARISON + 2)?;
                self.needs_word("in")?;
                let text = self.expression()?;
                self.needs_sign(")")?;
                return Ok(self.call(name, vec![what, text]));
            }
            _ => {}
        }
        let distinct = self.takes_word("distinct");
        let star = self.is_sign("*") && matches!(self.kind_after(1), Kind::Sign(")"));
        let (mut arguments, mut order, mut separator) = (Vec::new(), Vec::<Order>::new(), None);
        if star {
            self.at += 1;
        } else if !self.is_sign(")") {
            arguments.push(self.argument()?);
            loop {
                let separates =
                    self.takes_sign(",") || self.takes_word("from") || self.takes_word("for");
                if !separates {
                    break;
                }
                arguments.push(self.argument()?);
            }
            if self.is_word("order") {
                order = self.order()?;
            }
            if self.takes_word("separator") {
                let (Kind::Text(text) | Kind::Hex(text)) = self.kind() else {
                    return self.broken();
                };
                separator = Some(text.clone());
                self.at += 1;
            }
        }
        self.needs_sign(")")?;
        let number = self.number();
        let gathers = self.postgres && name == b"string_agg" && arguments.len() == 2;
        let name = if gathers { b"group_concat".to_vec() } else { name };
        if gathers && let Some(Expression::Value(between)) = arguments.pop() {
            separator = Some(between.bytes());
        }
        Ok(Expression::Call(Box::new(Call {
            name,
            number,
            arguments,
            distinct,
            star,
            order,
            separator,
        })))
    }

    /// An argument, where `INTERVAL 1 DAY` may stand.
    fn argument(&mut self) -> Result<Expression, SqlError> {
        if self.is_word("select") {
            return self.inner().map(Expression::Inner);
        }
        if !self.takes_word("interval") {
            return self.expression();
        }
        let count = self.expression()?;
        let unit = self.name()?;
        Ok(self.call(b"interval".to_vec(), vec![count, Expression::Value(Value::Text(unit))]))
    }

    fn cast(&mut self, mark: &str) -> Result<Expression, SqlError> {
        let value = self.argument()?;
        if mark == "," && self.takes_word("using") {
            self.name()?;
            self.needs_sign(")")?;
            return Ok(Expression::Cast(Box::new(value), Type::Text));
        }
        if mark == "," {
            self.needs_sign(",")?;
        } else {
            self.needs_word(mark)?;
        }
        let name = match self.kind() {
            Kind::Name { text, .. } => text.to_ascii_lowercase(),
            _ => return self.broken(),
        };
        self.at += 1;
        let mut digits = 0;
        if self.takes_sign("(") {
            self.count()?;
            if self.takes_sign(",") {
                digits = u8::try_from(self.count()?).unwrap_or(0).min(30);
            }
            self.needs_sign(")")?;
        }
        let to = match name.as_slice() {
            b"char" | b"nchar" | b"varchar" | b"json" => Type::Text,
            b"binary" => Type::Binary,
            b"signed" | b"int" | b"integer" => Type::Signed,
            b"unsigned" => Type::Unsigned,
            b"decimal" => Type::Decimal(digits),
            b"double" | b"float" => Type::Real,
            b"date" => Type::Date,
            b"datetime" => Type::DateTime,
            b"time" => Type::Time,
            _ => {
                self.at -= 1;
                return self.broken();
            }
        };
        let _ = self.takes_word("integer");
        if self.takes_word("character") {
            self.needs_word("set")?;
            self.name()?;
        } else if self.takes_word("charset") {
            self.name()?;
        }
        self.needs_sign(")")?;
        Ok(Expression::Cast(Box::new(value), to))
    }

    fn trim(&mut self) -> Result<Expression, SqlError> {
        let side = ["both", "leading", "trailing"].into_iter().find(|side| self.takes_word(side));
        let mut what = None;
        if !(side.is_some() && self.is_word("from")) {
            what = Some(self.expression()?);
        }
        let value = match self.takes_word("from") {
            true => self.expression()?,
            false => match what.take() {
                Some(value) => value,
                None => return self.broken(),
            },
        };
        self.needs_sign(")")?;
        let what = what.unwrap_or_else(|| Expression::Value(Value::text(" ")));
        let name = match side {
            Some("leading") => "ltrim",
            Some("trailing") => "rtrim",
            _ => "trim",
        };
        Ok(self.call(name.as_bytes().to_vec(), vec![value, what]))
    }

    fn extract(&mut self) -> Result<Expression, SqlError> {
        let unit = self.name()?.to_ascii_lowercase();
        self.needs_word("from")?;
        let value = self.expression()?;
        self.needs_sign(")")?;
        Ok(self.call(unit, vec![value]))
    }

    /// `MATCH (column) AGAINST (text)`: there is no index for it here, so it is a search for the text.
    fn full_text(&mut self) -> Result<Expression, SqlError> {
        let value = self.expression()?;
        self.needs_sign(")")?;
        self.needs_word("against")?;
        self.needs_sign("(")?;
        let text = self.binding(COMPARISON + 2)?;
        for word in ["in", "boolean", "natural", "language", "mode"] {
            self.takes_word(word);
        }
        self.needs_sign(")")?;
        let found = self.call(b"instr".to_vec(), vec![value, text]);
        Ok(found)
    }
}
