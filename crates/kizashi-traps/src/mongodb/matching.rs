//! Filters and changes: which documents a query means (`$gt`, `$in`, `$or`, `$regex` and their like), their order, and what an update makes of one.

use std::cmp::Ordering;

use super::bson::{Document, Value, field};
use crate::machine::Regex;

/// How deep operators stand in one another.
const DEPTH: usize = 12;
/// Bytes of a text that an expression is held against.
const SEARCHED: usize = 4_096;

/// The value at a path such as `a.b`.
pub(super) fn at_path<'a>(document: &'a Document, path: &[u8]) -> Option<&'a Value> {
    let mut parts = path.split(|byte| *byte == b'.');
    let first = parts.next()?;
    let find = |document: &'a Document, name: &[u8]| {
        document.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    };
    let mut value = find(document, first)?;
    for part in parts {
        value = match value {
            Value::Document(inner) => find(inner, part)?,
            Value::Array(members) => {
                members.get(std::str::from_utf8(part).ok()?.parse::<usize>().ok()?)?
            }
            _ => return None,
        };
    }
    Some(value)
}

/// Where a value stands among others of another type.
const fn rank(value: &Value) -> u8 {
    match value {
        Value::MinKey => 0,
        Value::Null => 1,
        Value::Double(_) | Value::Int(_) | Value::Long(_) | Value::Decimal(_) => 2,
        Value::Text(_) => 3,
        Value::Document(_) => 4,
        Value::Array(_) => 5,
        Value::Binary(..) => 6,
        Value::ObjectId(_) => 7,
        Value::Bool(_) => 8,
        Value::Date(_) => 9,
        Value::Timestamp(_) => 10,
        Value::Regex(..) | Value::Code(_) => 11,
        Value::MaxKey => 12,
    }
}

pub(super) fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        (Value::ObjectId(one), Value::ObjectId(other)) => one.cmp(other),
        (Value::Date(one), Value::Date(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => match (one.number(), other.number()) {
            (Some(one), Some(other)) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
            _ => rank(one).cmp(&rank(other)),
        },
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.number(), other.number()) {
        (Some(one), Some(other)) => (one - other).abs() < f64::EPSILON,
        _ => one == other,
    }
}

pub(super) fn matches(document: &Document, filter: &Document) -> bool {
    fits(document, filter, DEPTH)
}

fn fits(document: &Document, filter: &Document, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    filter.iter().all(|(name, wanted)| {
        let each = || wanted.as_array().unwrap_or_default().iter().filter_map(Value::as_document);
        match name.as_slice() {
            b"$and" => each().all(|part| fits(document, part, depth)),
            b"$or" => each().any(|part| fits(document, part, depth)),
            b"$nor" => !each().any(|part| fits(document, part, depth)),
            // Code is never run: it is told, and taken as true.
            b"$where" | b"$expr" | b"$comment" => true,
            path => holds(at_path(document, path), wanted, depth),
        }
    })
}

/// Whether a value, or any member of it, is what is wanted.
fn holds(found: Option<&Value>, wanted: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match wanted {
        Value::Document(operators)
            if operators.first().is_some_and(|(name, _)| name.first() == Some(&b'$')) =>
        {
            operators.iter().all(|(name, value)| operator(found, name, value, operators, depth))
        }
        Value::Regex(pattern, options) => found.is_some_and(|found| like(found, pattern, options)),
        Value::Null => found.is_none_or(|found| *found == Value::Null),
        wanted => found.is_some_and(|found| {
            same(found, wanted)
                || found
                    .as_array()
                    .is_some_and(|members| members.iter().any(|member| same(member, wanted)))
        }),
    }
}

fn operator(
    found: Option<&Value>,
    name: &[u8],
    wanted: &Value,
    all: &Document,
    depth: usize,
) -> bool {
    let ordered = |accepts: fn(Ordering) -> bool| {
        found.is_some_and(|found| rank(found) == rank(wanted) && accepts(compare(found, wanted)))
    };
    let among = || wanted.as_array().unwrap_or_default().iter().any(|one| holds(found, one, depth));
    match name {
        b"$eq" => holds(found, wanted, depth),
        b"$ne" => !holds(found, wanted, depth),
        b"$gt" => ordered(Ordering::is_gt),
        b"$gte" => ordered(Ordering::is_ge),
        b"$lt" => ordered(Ordering::is_lt),
        b"$lte" => ordered(Ordering::is_le),
        b"$in" => among(),
        b"$nin" => !among(),
        b"$exists" => found.is_some() == wanted.truth(),
        b"$not" => !holds(found, wanted, depth),
        b"$size" => {
            found.and_then(Value::as_array).map(|members| members.len() as i64) == wanted.whole()
        }
        b"$regex" => {
            let options = field(all, "$options").and_then(Value::as_text).unwrap_or_default();
            match wanted {
                Value::Text(pattern) | Value::Regex(pattern, _) => {
                    found.is_some_and(|found| like(found, pattern, options))
                }
                _ => false,
            }
        }
        _ => true,
    }
}

fn like(found: &Value, pattern: &[u8], options: &[u8]) -> bool {
    let Some(text) = found.as_text() else { return false };
    let text = &text[..text.len().min(SEARCHED)];
    Regex::new(pattern, true, options.contains(&b'i')).is_ok_and(|regex| regex.is_match(text))
}

/// Puts documents into the order that `sort` wants.
pub(super) fn sort(documents: &mut [Document], by: &Document) {
    documents.sort_by(|one, other| {
        by.iter().fold(Ordering::Equal, |all, (path, direction)| {
            let (one, other) = (
                at_path(one, path).unwrap_or(&Value::Null),
                at_path(other, path).unwrap_or(&Value::Null),
            );
            let order = compare(one, other);
            all.then(if direction.whole() == Some(-1) { order.reverse() } else { order })
        })
    });
}

/// The fields that a projection leaves.
pub(super) fn project(document: &Document, projection: &Document) -> Document {
    let of = |name: &[u8]| {
        projection.iter().find(|(found, _)| found == name).map(|(_, value)| value.truth())
    };
    let includes = projection.iter().any(|(name, value)| name != b"_id" && value.truth());
    let keeps = |name: &[u8]| match of(name) {
        Some(wanted) => wanted,
        None => name == b"_id" || !includes,
    };
    document.iter().filter(|(name, _)| keeps(name)).cloned().collect()
}

/// What an update makes of a document.
pub(super) fn updated(document: &Document, change: &Document) -> Document {
    let operators = change.first().is_some_and(|(name, _)| name.first() == Some(&b'$'));
    if !operators {
        let id = document.iter().find(|(name, _)| name == b"_id").cloned();
        return id
            .into_iter()
            .chain(change.iter().filter(|(name, _)| name != b"_id").cloned())
            .collect();
    }
    let mut result = document.clone();
    for (operator, fields) in change {
        for (name, value) in fields.as_document().into_iter().flatten() {
            let place = result.iter().position(|(found, _)| found == name);
            match (operator.as_slice(), place) {
                (b"$unset", Some(place)) => {
                    result.remove(place);
                }
                (b"$inc", Some(place)) => {
                    let sum = result[place]
                        .1
                        .whole()
                        .unwrap_or(0)
                        .saturating_add(value.whole().unwrap_or(0));
                    result[place].1 = i32::try_from(sum).map_or(Value::Long(sum), Value::Int);
                }
                (b"$push", Some(place)) => {
                    if let Value::Array(members) = &mut result[place].1 {
                        members.push(value.clone());
                    }
                }
                (b"$push", None) => result.push((name.clone(), Value::Array(vec![value.clone()]))),
                (b"$set" | b"$setOnInsert", Some(place)) => result[place].1 = value.clone(),
                (b"$set" | b"$setOnInsert" | b"$inc", None) => {
                    result.push((name.clone(), value.clone()));
                }
                _ => {}
            }
        }
    }
    result
}
