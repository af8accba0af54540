//! What PostgreSQL's grammar has that MariaDB's has not (`gram.y`): `::` casts, `||`, `~`, ARRAY, ANY, OPERATOR(), functions as tables.

use super::super::error::SqlError;
use super::super::lexer::Kind;
use super::super::syntax::{Expression, Operator, Type};
use super::super::value::Value;
use super::Parser;

/// How many casts and subscripts may follow one value.
const POSTFIXES: usize = 16;

/// Words after which no alias stands unquoted.
pub(super) const NO_ALIAS: [&str; 8] =
    ["offset", "fetch", "except", "intersect", "window", "returning", "operator", "ilike"];

impl Parser<'_> {
    /// What follows a value.
    pub(super) fn postfix(&mut self, mut value: Expression) -> Result<Expression, SqlError> {
        for _ in 0..POSTFIXES {
            if self.takes_sign("::") {
                let to = self.type_name()?;
                self.height += 1;
                value = Expression::Cast(Box::new(value), to);
            } else if self.takes_sign("[") {
                let place = self.expression()?;
                self.needs_sign("]")?;
                self.height += 1;
                value = self.call(b"array_element".to_vec(), vec![value, place]);
            } else if self.is_word("at") && self.is_word_at(1, "time") {
                self.at += 3;
                self.expression()?;
            } else {
                return Ok(value);
            }
        }
        self.broken()
    }

    /// A type: `text`, `double precision`, `pg_catalog.int4`, `varchar(20)[]`.
    pub(super) fn type_name(&mut self) -> Result<Type, SqlError> {
        let mut name = self.any_name()?;
        if self.takes_sign(".") {
            name = self.any_name()?;
        }
        let rest: &[&str] = match name.as_slice() {
            b"double" => &["precision"],
            b"character" | b"bit" => &["varying"],
            b"timestamp" | b"time" => &["with", "without", "time", "zone"],
            _ => &[],
        };
        rest.iter().for_each(|word| {
            self.takes_word(word);
        });
        if self.takes_sign("(") {
            self.count()?;
            if self.takes_sign(",") {
                self.count()?;
            }
            self.needs_sign(")")?;
        }
        let mut array = false;
        while self.takes_sign("[") {
            array = true;
            if !self.is_sign("]") {
                self.count()?;
            }
            self.needs_sign("]")?;
        }
        if array {
            return Ok(Type::Text);
        }
        Ok(match name.as_slice() {
            b"int" | b"integer" | b"int4" | b"oid" => Type::Checked("integer"),
            b"bigint" | b"int8" => Type::Checked("bigint"),
            b"smallint" | b"int2" => Type::Checked("smallint"),
            b"numeric" | b"decimal" => Type::Checked("numeric"),
            b"double" | b"float8" | b"float" => Type::Checked("double precision"),
            b"real" | b"float4" => Type::Checked("real"),
            b"bool" | b"boolean" => Type::Boolean,
            b"bytea" => Type::Binary,
            _ => Type::Text,
        })
    }

    fn any_name(&mut self) -> Result<Vec<u8>, SqlError> {
        let Kind::Name { text, .. } = self.kind() else { return self.broken() };
        let text = text.clone();
        self.at += 1;
        Ok(text)
    }

    /// The matching operator that stands here, in any of its spellings: how many words it has and what it does.
    fn matching(&self) -> Option<(usize, &'static str)> {
        let sign = |at: usize| match self.kind_after(at) {
            Kind::Sign(sign @ ("~" | "~*" | "!~" | "!~*" | "~~" | "!~~" | "=" | "<>")) => {
                Some(*sign)
            }
            _ => None,
        };
        if let Some(sign) = sign(0).filter(|sign| sign.contains('~')) {
            return Some((1, sign));
        }
        let spelt = self.is_word("operator") && matches!(self.kind_after(1), Kind::Sign("("));
        let qualified = matches!(self.kind_after(3), Kind::Sign("."));
        let at = if qualified { 4 } else { 2 };
        sign(at).filter(|_| spelt).map(|sign| (at + 2, sign))
    }

    pub(super) fn is_foreign_predicate(&self) -> bool {
        self.matching().is_some()
            || self.is_word("ilike")
            || self.is_word("not") && self.is_word_at(1, "ilike")
    }

    /// `~`, ILIKE and their like after a value.
    pub(super) fn foreign_predicate(
        &mut self,
        value: Box<Expression>,
        tightness: u8,
    ) -> Result<Expression, SqlError> {
        if let Some((words, sign)) = self.matching() {
            self.at += words;
            let pattern = Box::new(self.binding(tightness)?);
            let not = sign.starts_with('!') || sign == "<>";
            return Ok(match sign {
                "~~" | "!~~" => Expression::Like { value, pattern, escape: b'\\', not },
                "=" => Expression::Binary(Operator::Equal, value, pattern),
                "<>" => Expression::Binary(Operator::Unequal, value, pattern),
                _ => Expression::Regexp { value, pattern, not },
            });
        }
        let not = self.takes_word("not");
        if !self.takes_word("ilike") {
            return self.broken();
        }
        let pattern = self.binding(tightness)?;
        let folded = |value| Box::new(Expression::Cast(value, Type::Text));
        self.height += 1;
        Ok(Expression::Like {
            value: folded(value),
            pattern: folded(Box::new(pattern)),
            escape: b'\\',
            not,
        })
    }

    /// `= ANY (…)` and `<> ALL (…)`, after the operator.
    pub(super) fn quantified(
        &mut self,
        operator: Operator,
        value: Expression,
    ) -> Result<Expression, SqlError> {
        let all = self.is_word("all");
        self.at += 1;
        self.needs_sign("(")?;
        let not = match (operator, all) {
            (Operator::Equal, false) => false,
            (Operator::Unequal, true) => true,
            _ => return self.broken(),
        };
        let value = Box::new(value);
        let found = if self.is_word("select") {
            Expression::InQuery { value, inner: self.inner()?, not }
        } else {
            let list = match self.expression()? {
                Expression::Call(call) if call.name == b"array" => call.arguments,
                Expression::Value(Value::Bytes(text)) => {
                    let inside = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}"));
                    let Some(inside) = inside else { return self.broken() };
                    let each = inside.split(|byte| *byte == b',');
                    each.map(|one| Expression::Value(Value::Bytes(one.to_vec()))).collect()
                }
                other => vec![other],
            };
            Expression::In { value, list, not }
        };
        self.needs_sign(")")?;
        Ok(found)
    }

    /// `ARRAY[…]` and `ARRAY(SELECT …)`.
    pub(super) fn array(&mut self) -> Result<Expression, SqlError> {
        self.at += 1;
        if self.takes_sign("(") {
            let inner = self.inner()?;
            self.needs_sign(")")?;
            return Ok(Expression::Gathered(inner));
        }
        self.needs_sign("[")?;
        let list = if self.is_sign("]") { Vec::new() } else { self.list()? };
        self.needs_sign("]")?;
        Ok(self.call(b"array".to_vec(), list))
    }

    /// The name of a column that nobody named.
    pub(super) fn column_name(value: &Expression) -> Vec<u8> {
        match value {
            Expression::Column { name, .. } => name.clone(),
            Expression::Call(call) => call.name.clone(),
            Expression::Cast(value, to) => match Self::column_name(value) {
                unnamed if unnamed == b"?column?" => match to {
                    Type::Boolean => b"bool".to_vec(),
                    Type::Checked("integer") => b"int4".to_vec(),
                    Type::Checked("bigint") => b"int8".to_vec(),
                    Type::Checked(kind) => kind.as_bytes().to_vec(),
                    Type::Binary => b"bytea".to_vec(),
                    _ => b"text".to_vec(),
                },
                name => name,
            },
            Expression::Case { .. } => b"case".to_vec(),
            Expression::Exists(_) => b"exists".to_vec(),
            Expression::Gathered(_) => b"array".to_vec(),
            Expression::Inner(inner) => match inner.query.first.items.first() {
                Some(super::super::syntax::Item::Value { name, .. }) => name.clone(),
                _ => b"?column?".to_vec(),
            },
            _ => b"?column?".to_vec(),
        }
    }
}
