//! What an expression comes to in a row, in steps that are counted: a query may take so many and no more, whatever it says. A step stands for
//! half a microsecond's work or less in a release build: an expression, four values or 256 bytes that are copied or compared, 64 places
//! at which a pattern is tried. Whatever makes more of a value than it got, or looks at it more than once, counts that. SLEEP and BENCHMARK do
//! not wait: they add to what the answer will wait.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::SqlError;
use super::foreign::{self, DIVISION_BY_ZERO};
use super::functions;
use super::server::Server;
use super::syntax::{AGGREGATES, Call, Expression, Inner, Operator, Sign, Test, Type};
use super::value::{LONGEST, Value, comparing, weight_of_all};

pub(super) use super::value::same_name;

/// Steps of one query, some thirty milliseconds; a statement with several queries has them for all.
pub(crate) const STEPS: u32 = 60_000;

/// The name of a column and the table that it is of.
#[derive(Clone, Debug)]
pub(super) struct ColumnName {
    pub(super) table: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// Its type, where the server is not MariaDB.
    pub(super) kind: Cow<'static, str>,
}

/// The row that an expression is about, inside those of the SELECTs around it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) columns: &'s [ColumnName],
    pub(super) row: &'s [Value],
    /// The rows of its group, where rows were grouped.
    pub(super) group: Option<&'s [Vec<Value>]>,
    /// Values by the names that the SELECT gives them.
    pub(super) aliases: &'s [(Vec<u8>, Value)],
    pub(super) parent: Option<&'s Scope<'s>>,
    pub(super) level: usize,
}

/// One query being evaluated.
pub(super) struct Engine<'a> {
    pub(super) server: &'a Server,
    pub(super) left: u32,
    /// Microseconds that the query would have slept.
    pub(super) slept: u64,
    /// Results of SELECTs in brackets that depend on no row around them.
    known: HashMap<usize, Vec<Vec<Value>>>,
    /// The outermost row that was looked at since it was last set.
    reached: usize,
    /// The state of each RAND with a seed.
    pub(super) random: HashMap<usize, (u32, u32)>,
    pub(super) variables: HashMap<Vec<u8>, Value>,
    /// The clause that a column's absence is told in.
    pub(super) clause: &'static str,
}

impl<'a> Engine<'a> {
    pub(super) fn new(server: &'a Server, steps: u32) -> Self {
        Self {
            server,
            left: steps,
            slept: 0,
            known: HashMap::new(),
            reached: usize::MAX,
            random: HashMap::new(),
            variables: HashMap::new(),
            clause: "field list",
        }
    }

    /// Takes so many steps.
    pub(super) fn step(&mut self, count: usize) -> Result<(), SqlError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(SqlError::interrupted)?;
        Ok(())
    }

    pub(super) fn value(
        &mut self,
        expression: &Expression,
        scope: &Scope<'_>,
    ) -> Result<Value, SqlError> {
        self.step(1)?;
        match expression {
            Expression::Value(value) => {
                self.step(value.size() / 256)?;
                Ok(value.clone())
            }
            Expression::Column { table, name } => self.column(table.as_deref(), name, scope),
            Expression::SystemVariable(name) => self.server.variable(name),
            Expression::UserVariable(name) => {
                Ok(self.variables.get(name).cloned().unwrap_or(Value::Null))
            }
            Expression::Assign(name, value) => {
                let value = self.value(value, scope)?;
                if self.variables.len() < 32 && value.size() < 4_096 {
                    self.variables.insert(name.clone(), value.clone());
                }
                Ok(value)
            }
            Expression::Signed(sign, value) => self.signed(*sign, value, scope),
            Expression::Binary(operator, a, b) => self.binary(*operator, a, b, scope),
            Expression::Case { subject, whens, other } => {
                self.case(subject.as_deref(), whens, other.as_deref(), scope)
            }
            Expression::Cast(value, to) => {
                let value = self.value(value, scope)?;
                match to {
                    Type::Checked(kind) => foreign::checked(&value, kind),
                    Type::Boolean => foreign::truth(&value),
                    _ => Ok(cast(&value, *to)),
                }
            }
            Expression::Call(call) => self.call(call, scope),
            Expression::Exists(inner) => {
                let rows = self.rows_of(inner, scope)?;
                Ok(Value::of(!rows.is_empty()))
            }
            Expression::Inner(inner) => self.single(inner, scope),
            Expression::Gathered(inner) => {
                let rows = self.rows_of(inner, scope)?;
                let each: Vec<Vec<u8>> =
                    rows.iter().filter_map(|row| row.first()).map(Value::bytes).collect();
                Ok(Value::Text([b"{", &each.join(&b","[..])[..], b"}"].concat()))
            }
            Expression::Row(_) => Err(SqlError::columns(1)),
            predicate => self.predicate(predicate, scope),
        }
    }

    fn predicate(&mut self, expression: &Expression, scope: &Scope<'_>) -> Result<Value, SqlError> {
        let (found, not) = match expression {
            Expression::Is { value, test, not } => {
                let value = self.value(value, scope)?;
                let is = match test {
                    Test::Null => value.is_null(),
                    Test::True => value.truth() == Some(true),
                    Test::False => value.truth() == Some(false),
                };
                (Some(is), *not)
            }
            Expression::Like { value, pattern, escape, not } => {
                let (value, pattern) = (self.value(value, scope)?, self.value(pattern, scope)?);
                (self.like(&value, &pattern, *escape)?, *not)
            }
            Expression::Regexp { value, pattern, not } => {
                let (value, pattern) = (self.value(value, scope)?, self.value(pattern, scope)?);
                if value.is_null() || pattern.is_null() {
                    return Ok(Value::Null);
                }
                let matches = functions::regexp(self, &value.bytes(), &pattern.bytes())?;
                (Some(matches), *not)
            }
            Expression::Between { value, low, high, not } => {
                let value = self.value(value, scope)?;
                let (low, high) = (self.value(low, scope)?, self.value(high, scope)?);
                let within = value
                    .compare(&low)
                    .zip(value.compare(&high))
                    .map(|(low, high)| low.is_ge() && high.is_le());
                (within, *not)
            }
            Expression::In { value, list, not } => {
                let list: Vec<&Expression> = list.iter().collect();
                (self.is_in(value, &list, scope)?, *not)
            }
            Expression::InQuery { value, inner, not } => {
                let width = match &**value {
                    Expression::Row(list) => list.len(),
                    _ => 1,
                };
                let rows = self.rows_of(inner, scope)?;
                let value = self.row(value, scope)?;
                self.step(rows.iter().map(|row| 1 + comparing(row, &value)).sum())?;
                if rows.first().is_some_and(|row| row.len() != width) {
                    return Err(SqlError::columns(width));
                }
                let found = rows.iter().any(|row| equal(row, &value) == Some(true));
                (Some(found), *not)
            }
            _ => (None, false),
        };
        Ok(found.map_or(Value::Null, |found| Value::of(found != not)))
    }

    fn is_in(
        &mut self,
        value: &Expression,
        list: &[&Expression],
        scope: &Scope<'_>,
    ) -> Result<Option<bool>, SqlError> {
        let value = self.row(value, scope)?;
        let mut unknown = value.iter().any(Value::is_null);
        for member in list {
            let member = self.row(member, scope)?;
            if member.len() != value.len() {
                return Err(SqlError::columns(value.len()));
            }
            self.step(comparing(&value, &member))?;
            match equal(&value, &member) {
                Some(true) => return Ok(Some(true)),
                Some(false) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { None } else { Some(false) })
    }

    fn like(
        &mut self,
        value: &Value,
        pattern: &Value,
        escape: u8,
    ) -> Result<Option<bool>, SqlError> {
        if value.is_null() || pattern.is_null() {
            return Ok(None);
        }
        let exact = matches!(value, Value::Bytes(_)) || matches!(pattern, Value::Bytes(_));
        let (mut text, mut pattern) = (value.bytes(), pattern.bytes());
        if !exact {
            text.make_ascii_lowercase();
            pattern.make_ascii_lowercase();
        }
        self.step((text.len() + pattern.len()) / 256)?;
        const PLACES: usize = 64;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).saturating_mul(PLACES);
        let (is, tried) = like(&text, &pattern, escape, most);
        self.step(tried / PLACES)?;
        is.map(Some).ok_or_else(SqlError::interrupted)
    }

    /// A row's values: one of a plain expression, several of `(a, b)` or of a SELECT.
    fn row(&mut self, expression: &Expression, scope: &Scope<'_>) -> Result<Vec<Value>, SqlError> {
        match expression {
            Expression::Row(list) => list.iter().map(|value| self.value(value, scope)).collect(),
            Expression::Inner(inner) => {
                let rows = self.rows_of(inner, scope)?;
                if rows.len() > 1 {
                    return Err(SqlError::rows());
                }
                let width = self.width(inner);
                Ok(rows.into_iter().next().unwrap_or_else(|| vec![Value::Null; width]))
            }
            other => Ok(vec![self.value(other, scope)?]),
        }
    }

    fn width(&self, inner: &Inner) -> usize {
        inner.query.first.items.len().max(1)
    }

    fn single(&mut self, inner: &Inner, scope: &Scope<'_>) -> Result<Value, SqlError> {
        let rows = self.rows_of(inner, scope)?;
        match rows.first() {
            None => Ok(Value::Null),
            Some(row) if row.len() != 1 => Err(SqlError::columns(1)),
            Some(_) if rows.len() > 1 => Err(SqlError::rows()),
            Some(row) => Ok(row[0].clone()),
        }
    }

    /// The rows of a SELECT in brackets; evaluated once where it looks at no row around it.
    fn rows_of(&mut self, inner: &Inner, scope: &Scope<'_>) -> Result<Vec<Vec<Value>>, SqlError> {
        if let Some(rows) = self.known.get(&inner.number) {
            let weight = weight_of_all(rows);
            let rows = rows.clone();
            self.step(weight)?;
            return Ok(rows);
        }
        let before = std::mem::replace(&mut self.reached, usize::MAX);
        let clause = self.clause;
        let rows = self.rows(&inner.query, Some(scope))?.rows;
        self.clause = clause;
        let alone = self.reached > scope.level;
        self.reached = self.reached.min(before);
        if alone && self.known.len() < 64 && rows.len() < 500 {
            self.step(weight_of_all(&rows))?;
            self.known.insert(inner.number, rows.clone());
        }
        Ok(rows)
    }

    fn column(
        &mut self,
        table: Option<&[u8]>,
        name: &[u8],
        scope: &Scope<'_>,
    ) -> Result<Value, SqlError> {
        let mut around = Some(scope);
        while let Some(scope) = around {
            let found = scope.columns.iter().position(|column| {
                column.name.eq_ignore_ascii_case(name)
                    && table.is_none_or(|table| column.table.eq_ignore_ascii_case(table))
            });
            // Sixteen names that are looked at are a step.
            self.step(found.unwrap_or(scope.columns.len()) / 16)?;
            if let Some(at) = found {
                self.reached = self.reached.min(scope.level);
                let value = scope.row.get(at).cloned().unwrap_or(Value::Null);
                self.step(value.size() / 256)?;
                return Ok(value);
            }
            let alias = scope.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
            self.step(scope.aliases.len() / 16)?;
            if let Some((_, value)) = alias.filter(|_| table.is_none()) {
                self.step(value.size() / 256)?;
                self.reached = self.reached.min(scope.level);
                return Ok(value.clone());
            }
            around = scope.parent;
        }
        let shown = match table {
            Some(table) => [table, b".", name].concat(),
            None => name.to_vec(),
        };
        Err(SqlError::unknown_column(&shown, self.clause))
    }

    fn signed(
        &mut self,
        sign: Sign,
        value: &Expression,
        scope: &Scope<'_>,
    ) -> Result<Value, SqlError> {
        let value = self.value(value, scope)?;
        if value.is_null() {
            return Ok(Value::Null);
        }
        Ok(match (sign, value) {
            (Sign::Not, value) => value.truth().map_or(Value::Null, |truth| Value::of(!truth)),
            (Sign::Minus, Value::Integer(number)) => Value::Integer(-number),
            (Sign::Minus, Value::Decimal(number, digits)) => Value::Decimal(-number, digits),
            (Sign::Minus, value) => Value::Real(-value.number()),
            (Sign::Invert, value) => Value::Integer(i128::from(!bits(&value))),
            (Sign::Binary, value) => Value::Bytes(value.bytes()),
        })
    }

    fn case(
        &mut self,
        subject: Option<&Expression>,
        whens: &[(Expression, Expression)],
        other: Option<&Expression>,
        scope: &Scope<'_>,
    ) -> Result<Value, SqlError> {
        let subject = subject.map(|subject| self.value(subject, scope)).transpose()?;
        for (when, then) in whens {
            let when = self.value(when, scope)?;
            if let Some(subject) = &subject {
                self.step(subject.size().min(when.size()) / 256)?;
            }
            let holds = match &subject {
                Some(subject) => subject.compare(&when).is_some_and(std::cmp::Ordering::is_eq),
                None => when.truth() == Some(true),
            };
            if holds {
                return self.value(then, scope);
            }
        }
        other.map_or(Ok(Value::Null), |other| self.value(other, scope))
    }

    fn binary(
        &mut self,
        operator: Operator,
        a: &Expression,
        b: &Expression,
        scope: &Scope<'_>,
    ) -> Result<Value, SqlError> {
        match operator {
            Operator::And | Operator::Or => {
                // The second is not looked at where the first decides: that is what SLEEP behind AND lives of.
                let decides = operator == Operator::Or;
                let first = self.value(a, scope)?.truth();
                if first == Some(decides) {
                    return Ok(Value::of(decides));
                }
                let second = self.value(b, scope)?.truth();
                return Ok(match (first, second) {
                    (_, Some(second)) if second == decides => Value::of(decides),
                    (Some(_), Some(_)) => Value::of(!decides),
                    _ => Value::Null,
                });
            }
            _ => {}
        }
        if matches!(a, Expression::Row(_)) {
            let (a, b) = (self.row(a, scope)?, self.row(b, scope)?);
            if a.len() != b.len() {
                return Err(SqlError::columns(a.len()));
            }
            let order = a.iter().zip(&b).map(|(a, b)| a.compare(b));
            let order = order.reduce(|all, one| Some(all?.then(one?))).flatten();
            return Ok(order.map_or(Value::Null, |order| compared(operator, order)));
        }
        let (a, b) = (self.value(a, scope)?, self.value(b, scope)?);
        self.step((a.size() + b.size()) / 256)?;
        arithmetic(operator, &a, &b)
    }

    fn call(&mut self, call: &Call, scope: &Scope<'_>) -> Result<Value, SqlError> {
        if AGGREGATES.contains(&call.name.as_slice()) {
            return match scope.group {
                Some(rows) => functions::aggregate(self, call, rows, scope),
                None => Err(SqlError::group_function()),
            };
        }
        functions::call(self, call, scope)
    }
}

fn equal(a: &[Value], b: &[Value]) -> Option<bool> {
    let mut all = Some(true);
    for (a, b) in a.iter().zip(b) {
        match a.compare(b) {
            Some(order) if order.is_eq() => {}
            Some(_) => return Some(false),
            None => all = None,
        }
    }
    all
}

fn compared(operator: Operator, order: std::cmp::Ordering) -> Value {
    Value::of(match operator {
        Operator::Equal | Operator::NullSafe => order.is_eq(),
        Operator::Unequal => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// The 64 bits that an operator on bits sees.
pub(super) fn bits(value: &Value) -> u64 {
    let number = value.integer();
    u64::try_from(number)
        .unwrap_or_else(|_| i64::try_from(number).map_or(u64::MAX, i64::cast_unsigned))
}

fn arithmetic(operator: Operator, a: &Value, b: &Value) -> Result<Value, SqlError> {
    use Operator as O;
    match operator {
        O::Equal | O::Unequal | O::Less | O::LessEqual | O::Greater | O::GreaterEqual => {
            return Ok(a.compare(b).map_or(Value::Null, |order| compared(operator, order)));
        }
        O::NullSafe => {
            let both = a.is_null() && b.is_null();
            return Ok(Value::of(both || a.compare(b).is_some_and(std::cmp::Ordering::is_eq)));
        }
        O::Xor => {
            let truth = a.truth().zip(b.truth());
            return Ok(truth.map_or(Value::Null, |(a, b)| Value::of(a != b)));
        }
        _ if a.is_null() || b.is_null() => return Ok(Value::Null),
        O::Concat => {
            let joined = [a.bytes(), b.bytes()].concat();
            return Ok(if joined.len() > LONGEST { Value::Null } else { Value::Bytes(joined) });
        }
        O::Quotient => {
            if b.number() == 0.0 {
                return Err(SqlError::new(DIVISION_BY_ZERO, "division by zero"));
            }
            let whole = matches!((a, b), (Value::Integer(_), Value::Integer(_)));
            let operator = if whole { O::Whole } else { O::Divide };
            return calculate(operator, a, b);
        }
        O::BitOr => return Ok(Value::Integer(i128::from(bits(a) | bits(b)))),
        O::BitAnd => return Ok(Value::Integer(i128::from(bits(a) & bits(b)))),
        O::BitXor => return Ok(Value::Integer(i128::from(bits(a) ^ bits(b)))),
        O::Left | O::Right => {
            let by = u32::try_from(b.integer()).unwrap_or(64);
            let moved = match operator {
                O::Left => bits(a).checked_shl(by),
                _ => bits(a).checked_shr(by),
            };
            return Ok(Value::Integer(i128::from(moved.unwrap_or(0))));
        }
        _ => {}
    }
    calculate(operator, a, b)
}

fn calculate(operator: Operator, a: &Value, b: &Value) -> Result<Value, SqlError> {
    use Operator as O;
    let digits = |value: &Value| match value {
        Value::Integer(_) => Some(0),
        Value::Decimal(_, digits) => Some(*digits),
        _ => None,
    };
    if matches!(operator, O::Divide | O::Whole | O::Modulo) && b.number() == 0.0 {
        return Ok(Value::Null);
    }
    if let (Value::Integer(a), Value::Integer(b)) = (a, b) {
        let result = match operator {
            O::Add => a.checked_add(*b),
            O::Subtract => a.checked_sub(*b),
            O::Multiply => a.checked_mul(*b),
            O::Whole => a.checked_div(*b),
            O::Modulo => a.checked_rem(*b),
            _ => return Ok(Value::Decimal(*a as f64 / *b as f64, 4)),
        };
        let unsigned = [a, b].into_iter().any(|number| *number > i128::from(i64::MAX));
        let (low, high) = match unsigned {
            true => (0, i128::from(u64::MAX)),
            false => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        return match result.filter(|result| (low..=high).contains(result)) {
            Some(result) => Ok(Value::Integer(result)),
            None => {
                let kind = if unsigned { "BIGINT UNSIGNED" } else { "BIGINT" };
                let sign = match operator {
                    O::Add => '+',
                    O::Subtract => '-',
                    _ => '*',
                };
                Err(SqlError::range(kind, &format!("({a} {sign} {b})")))
            }
        };
    }
    let exact = digits(a).zip(digits(b));
    let (a, b) = (a.number(), b.number());
    let (result, digits) = match operator {
        O::Add => (a + b, exact.map(|(a, b)| a.max(b))),
        O::Subtract => (a - b, exact.map(|(a, b)| a.max(b))),
        O::Multiply => (a * b, exact.map(|(a, b)| a.saturating_add(b).min(30))),
        O::Divide => (a / b, exact.map(|(a, _)| a.saturating_add(4).min(30))),
        O::Whole => return Ok(Value::Integer((a / b).trunc() as i128)),
        _ => (a % b, exact.map(|(a, b)| a.max(b))),
    };
    if !result.is_finite() {
        return Err(SqlError::range("DOUBLE", &format!("({a} * {b})")));
    }
    Ok(digits.map_or(Value::Real(result), |digits| Value::Decimal(result, digits)))
}

fn cast(value: &Value, to: Type) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    match to {
        Type::Text | Type::Date | Type::DateTime | Type::Time => {
            let text = value.bytes();
            let end = match to {
                Type::Date => text.len().min(10),
                _ => text.len(),
            };
            Value::Text(text[..end].to_vec())
        }
        Type::Binary => Value::Bytes(value.bytes()),
        Type::Signed => {
            let number = value.integer();
            let number = number.clamp(i128::from(i64::MIN), i128::from(u64::MAX));
            let wrapped = u64::try_from(number).map_or(number, |n| i128::from(n.cast_signed()));
            Value::Integer(wrapped)
        }
        Type::Unsigned => Value::Integer(i128::from(bits(value))),
        Type::Decimal(digits) => Value::Decimal(value.number(), digits),
        Type::Real => Value::Real(value.number()),
        Type::Checked(_) | Type::Boolean => value.clone(),
    }
}

/// Whether a text is like a pattern of `%` and `_`, and at how many places it was tried; `None` after so many of them.
fn like(text: &[u8], pattern: &[u8], escape: u8, most: usize) -> (Option<bool>, usize) {
    let (mut at, mut place, mut tried) = (0, 0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        tried += 1;
        if tried > most {
            return (None, tried);
        }
        let fits = match pattern.get(place) {
            Some(b'%') => {
                retry = Some((place + 1, at));
                place += 1;
                continue;
            }
            None if at == text.len() => return (Some(true), tried),
            None => None,
            Some(b'_') => text.get(at).map(|_| 1),
            Some(byte) if *byte == escape && place + 1 < pattern.len() => {
                (text.get(at) == pattern.get(place + 1)).then_some(2)
            }
            Some(byte) => (text.get(at) == Some(byte)).then_some(1),
        };
        match (fits, &mut retry) {
            (Some(length), _) => {
                at += 1;
                place += length;
            }
            (None, Some((start, from))) if *from < text.len() => {
                *from += 1;
                (place, at) = (*start, *from);
            }
            _ => return (Some(false), tried),
        }
    }
}
