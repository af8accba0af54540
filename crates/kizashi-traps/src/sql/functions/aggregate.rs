//! Functions of a group of rows.

use std::collections::HashSet;

use super::super::error::SqlError;
use super::super::evaluate::{Engine, Scope, bits};
use super::super::syntax::Call;
use super::super::value::{LONGEST, Value};
use super::text::json_text;

/// `group_concat_max_len` of MariaDB.
const CONCATENATED: usize = 1024 * 1024;

pub(in super::super) fn aggregate(
    engine: &mut Engine<'_>,
    call: &Call,
    rows: &[Vec<Value>],
    scope: &Scope<'_>,
) -> Result<Value, SqlError> {
    if call.star {
        return Ok(Value::Integer(rows.len() as i128));
    }
    let values = arguments(engine, call, rows, scope)?;
    let first = || values.iter().filter_map(|row| row.first());
    let numbers = || first().map(Value::number);
    Ok(match call.name.as_slice() {
        b"count" => {
            let counted = values.iter().filter(|row| !row.iter().any(Value::is_null)).count();
            Value::Integer(counted as i128)
        }
        b"group_concat" => concatenated(call, &values),
        b"json_arrayagg" => {
            let parts: Vec<Vec<u8>> = first().map(json_text).collect();
            if parts.is_empty() {
                return Ok(Value::Null);
            }
            let text = [&b"["[..], &parts.join(&b","[..]), b"]"].concat();
            if text.len() > LONGEST { Value::Null } else { Value::Text(text) }
        }
        b"bit_or" => Value::Integer(first().fold(0, |all, value| all | bits(value)).into()),
        b"bit_xor" => Value::Integer(first().fold(0, |all, value| all ^ bits(value)).into()),
        b"bit_and" => Value::Integer(first().fold(u64::MAX, |all, value| all & bits(value)).into()),
        _ if values.is_empty() => Value::Null,
        b"sum" => match first().all(|value| matches!(value, Value::Integer(_))) {
            true => Value::Integer(first().fold(0, |all, value| all + value.integer())),
            false => Value::Real(numbers().sum()),
        },
        b"avg" => Value::Decimal(numbers().sum::<f64>() / values.len() as f64, 4),
        b"min" | b"max" => {
            let mut best = &values[0][0];
            for value in first() {
                let order = value.order(best);
                if (call.name == b"min" && order.is_lt()) || (call.name == b"max" && order.is_gt())
                {
                    best = value;
                }
            }
            best.clone()
        }
        _ => {
            let mean = numbers().sum::<f64>() / values.len() as f64;
            let variance = numbers().map(|n| (n - mean).powi(2)).sum::<f64>() / values.len() as f64;
            Value::Real(if call.name == b"variance" { variance } else { variance.sqrt() })
        }
    })
}

/// The arguments in each row, without rows of NULL where the function leaves them out.
fn arguments(
    engine: &mut Engine<'_>,
    call: &Call,
    rows: &[Vec<Value>],
    scope: &Scope<'_>,
) -> Result<Vec<Vec<Value>>, SqlError> {
    let keeps_null = matches!(call.name.as_slice(), b"json_arrayagg" | b"json_objectagg");
    let (mut found, mut seen, mut size) = (Vec::new(), HashSet::new(), 0);
    for row in rows {
        engine.step(1)?;
        let scope = Scope { row, group: None, aliases: &[], ..*scope };
        let mut values = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            values.push(engine.value(argument, &scope)?);
        }
        if values.is_empty() {
            return Err(SqlError::parameters(&call.name));
        }
        let null = values.iter().any(Value::is_null);
        if (null && !keeps_null) || (call.distinct && !seen.insert(key(&values))) {
            continue;
        }
        let mut order = Vec::new();
        for by in &call.order {
            order.push(engine.value(&by.by, &scope)?);
        }
        let bytes = values.iter().chain(&order).map(Value::size).sum::<usize>();
        // Looked at for what is distinct, the best, or the order.
        engine.step(bytes / if order.is_empty() { 256 } else { 64 })?;
        size += bytes;
        if size > CONCATENATED {
            return Err(SqlError::interrupted());
        }
        found.push((values, order));
    }
    if !call.order.is_empty() {
        found.sort_by(|(_, one), (_, other)| {
            let pairs = one.iter().zip(other).zip(&call.order);
            pairs.fold(std::cmp::Ordering::Equal, |all, ((a, b), by)| {
                let order = a.order(b);
                all.then(if by.descending { order.reverse() } else { order })
            })
        });
    }
    Ok(found.into_iter().map(|(values, _)| values).collect())
}

fn key(values: &[Value]) -> Vec<u8> {
    values.iter().flat_map(|value| [value.key(), vec![0xff]].concat()).collect()
}

fn concatenated(call: &Call, values: &[Vec<Value>]) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    let parts: Vec<Vec<u8>> =
        values.iter().map(|row| row.iter().flat_map(Value::bytes).collect()).collect();
    let mut text = parts.join(call.separator.as_deref().unwrap_or(b","));
    text.truncate(LONGEST);
    Value::Text(text)
}
