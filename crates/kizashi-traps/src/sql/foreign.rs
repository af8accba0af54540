//! What another product than MariaDB brings to the engine: its own tables and functions, and the types of its columns, which its clients
//! want to know. The engine's grammar for it is `parser/postgres.rs`.

use std::borrow::Cow;

use super::error::SqlError;
use super::evaluate::{ColumnName, same_name};
use super::syntax::{Expression, Operator, Sign, Type};
use super::value::Value;

/// Whose grammar a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    MariaDb,
    PostgreSql,
}

/// Rows with names and types of their columns; a type that nobody told is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) columns: Vec<(Vec<u8>, Cow<'static, str>)>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// Errors of PostgreSQL that the engine itself finds; the trap knows their codes.
pub(crate) const INVALID_TEXT: u16 = 60_001;
pub(crate) const DIVISION_BY_ZERO: u16 = 60_002;

/// A server that is not MariaDB.
pub(crate) trait Foreign {
    /// A function of one row; `None` where the engine's own of that name is meant, if there is one.
    fn function(&self, name: &[u8], values: &[Value]) -> Option<Result<Value, SqlError>>;
    /// A function that gives rows.
    fn rows(&self, name: &[u8], values: &[Value]) -> Option<Result<Found, SqlError>>;
    /// A table by its schema, where one was named, and name.
    fn table(&self, schema: Option<&[u8]>, name: &[u8]) -> Result<Found, SqlError>;
    /// The type of what a function gives.
    fn kind(&self, function: &[u8]) -> &'static str;
}

/// The type of an expression, as far as it is written in it.
pub(super) fn kind_of(
    expression: &Expression,
    columns: &[ColumnName],
    foreign: &dyn Foreign,
) -> Cow<'static, str> {
    use Operator as O;
    Cow::Borrowed(match expression {
        Expression::Column { table, name } => {
            let found = columns.iter().find(|column| {
                same_name(&column.name, name)
                    && table.as_ref().is_none_or(|table| same_name(&column.table, table))
            });
            return found.map(|column| column.kind.clone()).unwrap_or_default();
        }
        Expression::Is { .. }
        | Expression::Like { .. }
        | Expression::Regexp { .. }
        | Expression::Between { .. }
        | Expression::In { .. }
        | Expression::InQuery { .. }
        | Expression::Exists(_)
        | Expression::Signed(Sign::Not, _)
        | Expression::Cast(_, Type::Boolean)
        | Expression::Binary(
            O::Or
            | O::Xor
            | O::And
            | O::Equal
            | O::NullSafe
            | O::Unequal
            | O::Less
            | O::LessEqual
            | O::Greater
            | O::GreaterEqual,
            ..,
        ) => "boolean",
        Expression::Cast(_, Type::Checked(kind)) => kind,
        Expression::Cast(_, Type::Binary) => "bytea",
        Expression::Cast(_, Type::Text) | Expression::Binary(O::Concat, ..) => "text",
        Expression::Call(call) if call.name == b"count" => "bigint",
        Expression::Call(call) => foreign.kind(&call.name),
        Expression::Case { whens, other, .. } => {
            let first = whens.first().map(|(_, then)| then).or(other.as_deref());
            return first.map(|first| kind_of(first, columns, foreign)).unwrap_or_default();
        }
        _ => "",
    })
}

/// A text as a number or a truth, refused in PostgreSQL's words where it is none.
pub(super) fn checked(value: &Value, kind: &'static str) -> Result<Value, SqlError> {
    let (Value::Text(text) | Value::Bytes(text)) = value else {
        return Ok(match (value, kind) {
            (Value::Null, _) => Value::Null,
            (number, "integer" | "bigint" | "smallint") => Value::Integer(number.integer()),
            (number, "double precision" | "real") => Value::Real(number.number()),
            (number, _) => number.clone(),
        });
    };
    let plain = String::from_utf8_lossy(text).trim().to_owned();
    let read = match kind {
        "integer" | "bigint" | "smallint" => {
            plain.parse::<i64>().ok().map(|n| Value::Integer(n.into()))
        }
        "double precision" | "real" => plain.parse::<f64>().ok().map(Value::Real),
        _ => plain.parse::<f64>().ok().filter(|n| n.is_finite()).map(|number| {
            let digits = plain.split_once('.').map_or(0, |(_, digits)| digits.len());
            match plain.parse::<i64>() {
                Ok(whole) => Value::Integer(whole.into()),
                Err(_) => Value::Decimal(number, u8::try_from(digits).unwrap_or(16).min(16)),
            }
        }),
    };
    read.ok_or_else(|| {
        let start = format!("invalid input syntax for type {kind}: \"");
        SqlError::new(INVALID_TEXT, [start.as_bytes(), text, b"\""].concat())
    })
}

/// A truth as PostgreSQL reads it.
pub(super) fn truth(value: &Value) -> Result<Value, SqlError> {
    let (Value::Text(text) | Value::Bytes(text)) = value else {
        return Ok(value.truth().map_or(Value::Null, Value::of));
    };
    match text.trim_ascii().to_ascii_lowercase().as_slice() {
        b"t" | b"true" | b"y" | b"yes" | b"on" | b"1" => Ok(Value::of(true)),
        b"f" | b"false" | b"n" | b"no" | b"off" | b"0" => Ok(Value::of(false)),
        _ => {
            let start = b"invalid input syntax for type boolean: \"";
            Err(SqlError::new(INVALID_TEXT, [&start[..], text, b"\""].concat()))
        }
    }
}
