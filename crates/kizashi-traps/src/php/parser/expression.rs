//! Expressions. Operators of one level become one chain, however long, so that a tree is no higher than the parser was deep.

use std::sync::Arc;

use super::super::Unread;
use super::super::lexer::{Part, Word};
use super::super::syntax::{Expression, Function, Operator, Statement};
use super::super::value::Value;
use super::Parser;

/// Indices and calls behind one value.
const POSTFIXES: usize = 40;

/// How tightly a sign in front binds: closer than any operator but `**`.
const PREFIX: u8 = 20;

impl Parser {
    pub(super) fn expression(&mut self) -> Result<Expression, Unread> {
        self.deeper()?;
        // `and`, `or`, `xor` bind less than assignment.
        let mut left = self.assigned()?;
        let mut chain = Vec::new();
        loop {
            let operator = if self.takes_name("or") {
                Operator::Or
            } else if self.takes_name("and") {
                Operator::And
            } else if self.takes_name("xor") {
                Operator::Xor
            } else {
                break;
            };
            chain.push((operator, self.assigned()?));
        }
        if !chain.is_empty() {
            left = Expression::Chain(Box::new(left), chain);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn assigned(&mut self) -> Result<Expression, Unread> {
        self.deeper()?;
        let mut left = self.binding(0)?;
        if self.takes_sign("?") {
            let yes = if self.is_sign(":") { None } else { Some(Box::new(self.assigned()?)) };
            self.needs_sign(":")?;
            let no = Box::new(self.assigned()?);
            left = Expression::Choose(Box::new(left), yes, no);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn assignment(&mut self) -> Option<Option<Operator>> {
        let Word::Sign(sign) = self.word() else { return None };
        let operator = match *sign {
            "=" => None,
            "+=" => Some(Operator::Add),
            "-=" => Some(Operator::Subtract),
            "*=" => Some(Operator::Multiply),
            "/=" => Some(Operator::Divide),
            ".=" => Some(Operator::Concatenate),
            "%=" => Some(Operator::Modulo),
            "^=" => Some(Operator::BitXor),
            "|=" => Some(Operator::BitOr),
            "&=" => Some(Operator::BitAnd),
            "<<=" => Some(Operator::Left),
            ">>=" => Some(Operator::Right),
            "**=" => Some(Operator::Power),
            "??=" => Some(Operator::Otherwise),
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    /// An expression whose operators bind at least so tightly.
    fn binding(&mut self, least: u8) -> Result<Expression, Unread> {
        self.deeper()?;
        let mut left = self.prefix()?;
        let mut level = u8::MAX;
        while let Some((operator, tightness)) = self.operator().filter(|(_, tight)| *tight >= least)
        {
            self.at += 1;
            // `??` and `**` are right-associative.
            let right = matches!(operator, Operator::Otherwise | Operator::Power);
            let value = self.binding(tightness + u8::from(!right))?;
            match &mut left {
                Expression::Chain(_, chain) if level == tightness => chain.push((operator, value)),
                _ => {
                    let first = std::mem::replace(&mut left, Expression::Property);
                    left = Expression::Chain(Box::new(first), vec![(operator, value)]);
                    level = tightness;
                }
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        let Word::Sign(sign) = self.word() else { return None };
        Some(match *sign {
            "??" => (Operator::Otherwise, 1),
            "||" => (Operator::Or, 2),
            "&&" => (Operator::And, 3),
            "|" => (Operator::BitOr, 4),
            "^" => (Operator::BitXor, 5),
            "&" => (Operator::BitAnd, 6),
            "==" => (Operator::Equal, 7),
            "!=" | "<>" => (Operator::Unequal, 7),
            "===" => (Operator::Same, 7),
            "!==" => (Operator::Different, 7),
            "<=>" => (Operator::Order, 7),
            "<" => (Operator::Less, 8),
            "<=" => (Operator::LessEqual, 8),
            ">" => (Operator::Greater, 8),
            ">=" => (Operator::GreaterEqual, 8),
            "<<" => (Operator::Left, 10),
            ">>" => (Operator::Right, 10),
            "." => (Operator::Concatenate, 11),
            "+" => (Operator::Add, 11),
            "-" => (Operator::Subtract, 11),
            "*" => (Operator::Multiply, 13),
            "/" => (Operator::Divide, 13),
            "%" => (Operator::Modulo, 13),
            "**" => (Operator::Power, 21),
            _ => return None,
        })
    }

    fn prefix(&mut self) -> Result<Expression, Unread> {
        let word = self.word().clone();
        if let Word::Cast(kind) = word {
            self.at += 1;
            return Ok(Expression::Cast(kind, Box::new(self.binding(PREFIX)?)));
        }
        if let Word::Sign(sign) = word
            && matches!(sign, "!" | "-" | "+" | "~" | "@" | "&" | "++" | "--")
        {
            self.at += 1;
            let inner = Box::new(self.binding(PREFIX)?);
            return Ok(match sign {
                "!" => Expression::Not(inner),
                "-" => Expression::Minus(inner),
                "~" => Expression::Invert(inner),
                "++" => Expression::Change(inner, 1, false),
                "--" => Expression::Change(inner, -1, false),
                _ => *inner,
            });
        }
        let value = self.primary()?;
        let value = self.postfix(value)?;
        if let Some(operator) = self.assignment() {
            self.takes_sign("&");
            let right = Box::new(self.assigned()?);
            return Ok(Expression::Assign(Box::new(value), operator, right));
        }
        Ok(value)
    }

    fn postfix(&mut self, mut value: Expression) -> Result<Expression, Unread> {
        for _ in 0..POSTFIXES {
            let Word::Sign(sign) = self.word() else { return Ok(value) };
            match *sign {
                "[" | "{" => {
                    let close = if *sign == "[" { "]" } else { "}" };
                    let is_value = matches!(
                        value,
                        Expression::Variable(_) | Expression::Index(..) | Expression::Named(_)
                    );
                    if close == "}" && !is_value {
                        return Ok(value);
                    }
                    self.at += 1;
                    if self.takes_sign(close) {
                        value = Expression::Index(Box::new(value), None);
                        continue;
                    }
                    let key = Box::new(self.expression()?);
                    self.needs_sign(close)?;
                    value = Expression::Index(Box::new(value), Some(key));
                }
                "(" => {
                    self.at += 1;
                    value = Expression::Call(Box::new(value), self.list(")")?);
                }
                "->" | "?->" | "::" => {
                    self.at += 1;
                    value = self.member()?;
                }
                "++" | "--" => {
                    let by = if *sign == "++" { 1 } else { -1 };
                    self.at += 1;
                    value = Expression::Change(Box::new(value), by, true);
                }
                _ => return Ok(value),
            }
        }
        Err(Unread)
    }

    fn member(&mut self) -> Result<Expression, Unread> {
        let name = match self.word().clone() {
            Word::Name(name) | Word::Variable(name) => {
                self.at += 1;
                name
            }
            Word::Sign("{") => {
                self.at += 1;
                self.expression()?;
                self.needs_sign("}")?;
                Vec::new()
            }
            _ => return Err(Unread),
        };
        if self.takes_sign("(") {
            return Ok(Expression::Method(name.to_ascii_lowercase(), self.list(")")?));
        }
        Ok(Expression::Property)
    }

    fn template(&mut self, parts: Vec<Part>) -> Result<Expression, Unread> {
        let mut list = Vec::new();
        for part in parts {
            list.push(match part {
                Part::Text(text) => Expression::Value(Value::Text(text)),
                Part::Code(code) => {
                    let block = Self::parse_within(&[&code[..], b";"].concat(), true, self.depth)?;
                    let mut statements = Arc::try_unwrap(block).map_err(|_| Unread)?;
                    match (statements.pop(), statements.is_empty()) {
                        (Some(Statement::Expression(expression)), true) => expression,
                        _ => return Err(Unread),
                    }
                }
            });
        }
        Ok(Expression::Template(list))
    }

    fn primary(&mut self) -> Result<Expression, Unread> {
        let word = self.word().clone();
        self.at += 1;
        Ok(match word {
            Word::Integer(number) => Expression::Value(Value::Integer(number)),
            Word::Real(number) => Expression::Value(Value::Real(number)),
            Word::Text(text) => Expression::Value(Value::Text(text)),
            Word::Template(parts) => self.template(parts)?,
            Word::Command(parts) => Expression::Command(Box::new(self.template(parts)?)),
            Word::Variable(name) => Expression::Variable(name),
            Word::Sign("$") => {
                let inner = if self.takes_sign("{") {
                    let inner = self.expression()?;
                    self.needs_sign("}")?;
                    inner
                } else {
                    self.deeper()?;
                    let inner = self.primary()?;
                    self.depth -= 1;
                    inner
                };
                Expression::Named(Box::new(inner))
            }
            Word::Sign("(") => {
                let inner = self.expression()?;
                self.needs_sign(")")?;
                inner
            }
            Word::Sign("[") => self.array("]")?,
            Word::Name(name) => self.named(&name)?,
            _ => return Err(Unread),
        })
    }

    fn array(&mut self, end: &str) -> Result<Expression, Unread> {
        let mut items = Vec::new();
        while !self.takes_sign(end) {
            if self.takes_sign(",") {
                items.push((None, Expression::Property));
                continue;
            }
            self.takes_sign("&");
            self.takes_sign("...");
            let mut value = self.expression()?;
            let mut key = None;
            if self.takes_sign("=>") {
                self.takes_sign("&");
                key = Some(std::mem::replace(&mut value, self.expression()?));
            }
            items.push((key, value));
            if !self.takes_sign(",") {
                self.needs_sign(end)?;
                break;
            }
        }
        Ok(Expression::Array(items))
    }

    fn named(&mut self, name: &[u8]) -> Result<Expression, Unread> {
        let lower = name.to_ascii_lowercase();
        Ok(match lower.as_slice() {
            b"array" | b"list" if self.takes_sign("(") => self.array(")")?,
            b"isset" => {
                self.needs_sign("(")?;
                Expression::Isset(self.list(")")?)
            }
            b"empty" => Expression::Empty(Box::new(self.bracketed()?)),
            b"print" => Expression::Print(Box::new(self.assigned()?)),
            b"exit" | b"die" => {
                let mut value = None;
                if self.takes_sign("(") && !self.takes_sign(")") {
                    value = Some(Box::new(self.expression()?));
                    self.needs_sign(")")?;
                }
                Expression::Exit(value)
            }
            b"eval" => Expression::Eval(Box::new(self.bracketed()?)),
            b"include" | b"include_once" | b"require" | b"require_once" => {
                Expression::Include(Box::new(self.assigned()?))
            }
            b"function" => Expression::Closure(Arc::new(self.function(true)?)),
            b"static" if self.takes_name("function") => {
                Expression::Closure(Arc::new(self.function(true)?))
            }
            b"fn" if self.is_sign("(") => {
                self.at += 1;
                let parameters = self.parameters()?;
                self.pass_type();
                self.needs_sign("=>")?;
                let body = Arc::new(vec![Statement::Return(Some(self.assigned()?))]);
                let function =
                    Function { name: Vec::new(), parameters, uses: Vec::new(), short: true, body };
                Expression::Closure(Arc::new(function))
            }
            b"new" | b"clone" | b"throw" | b"yield" => {
                let value = self.binding(PREFIX)?;
                match value {
                    Expression::Call(_, arguments) => {
                        Expression::Method(b"__construct".to_vec(), arguments)
                    }
                    _ => Expression::Property,
                }
            }
            _ => Expression::Constant(name.to_vec()),
        })
    }
}
