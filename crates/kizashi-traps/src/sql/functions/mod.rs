//! MariaDB's own functions, as far as injections and applications call them. Those that decide which of their arguments are looked at come
//! first; the others get values. What is not here "does not exist", in the server's words.

mod aggregate;
mod number;
mod text;
mod time;
mod xml;

pub(super) use aggregate::aggregate;

use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::error::SqlError;
use super::evaluate::{Engine, Scope};
use super::syntax::Call;
use super::value::{LONGEST, Value};
use crate::hexadecimal::hexadecimal;
use crate::machine::Regex;

/// The longest that a query sleeps in all, in microseconds: longer than scanners ask for, shorter than a web server waits.
const SLEEP: u64 = 20_000_000;

/// What a function gives, or that this file does not know it.
type Found = Option<Result<Value, SqlError>>;

/// A function of one row.
pub(super) fn call(
    engine: &mut Engine<'_>,
    call: &Call,
    scope: &Scope<'_>,
) -> Result<Value, SqlError> {
    if let Some(found) = choosing(engine, call, scope) {
        return found;
    }
    let mut values = Vec::with_capacity(call.arguments.len());
    for argument in &call.arguments {
        values.push(engine.value(argument, scope)?);
    }
    let name = call.name.as_slice();
    engine.step(cost(name, &values))?;
    let foreign = engine.server.foreign.as_ref();
    if let Some(found) = foreign.and_then(|foreign| foreign.function(name, &values)) {
        return found;
    }
    let shared = foreign.is_none() || SHARED.contains(&name);
    let found = (shared.then_some(()).and_then(|()| server(engine, call, &values)))
        .or_else(|| if shared { own(engine, name, &values) } else { None });
    match found {
        Some(Ok(value)) if value.size() > LONGEST => Ok(Value::Null),
        Some(found) => {
            let value = found?;
            engine.step(value.size() / 256)?;
            Ok(value)
        }
        None => Err(SqlError::no_function(engine.server.database_name(), name)),
    }
}

/// Steps that it takes to look at these values, beside those for the result. Where one is looked for in another, or compared with many,
/// that is more than once through.
fn cost(name: &[u8], values: &[Value]) -> usize {
    let bytes: usize = values.iter().map(Value::size).sum();
    let size = |at: usize| values.get(at).map_or(0, Value::size);
    let more = match name {
        b"replace" | b"substring_index" | b"instr" | b"locate" | b"position" | b"split_part"
        | b"strpos" => size(0).saturating_mul(size(1)) / 8_192 + bytes / 64,
        b"field" | b"greatest" | b"least" => {
            let most = values.iter().map(Value::size).max().unwrap_or(0);
            most.min(bytes / 2).saturating_mul(values.len()) / 256
        }
        b"md5" | b"sha1" | b"sha" | b"sha2" | b"password" => bytes / 64,
        _ => 0,
    };
    values.len() / 4 + bytes / 256 + more
}

/// Functions of MariaDB's that PostgreSQL has too, and that do the same there.
const SHARED: [&[u8]; 29] = [
    b"abs",
    b"ascii",
    b"ceil",
    b"ceiling",
    b"concat",
    b"concat_ws",
    b"exp",
    b"floor",
    b"greatest",
    b"least",
    b"left",
    b"ln",
    b"log",
    b"lpad",
    b"ltrim",
    b"md5",
    b"mod",
    b"now",
    b"nullif",
    b"power",
    b"repeat",
    b"replace",
    b"reverse",
    b"right",
    b"round",
    b"rpad",
    b"rtrim",
    b"sqrt",
    b"trim",
];

fn own(engine: &mut Engine<'_>, name: &[u8], values: &[Value]) -> Found {
    text::call(name, values)
        .or_else(|| number::call(name, values))
        .or_else(|| time::call(engine, name, values))
        .or_else(|| hashes(name, values))
        .or_else(|| xml::call(name, values))
}

/// Functions that do not look at all their arguments.
fn choosing(engine: &mut Engine<'_>, call: &Call, scope: &Scope<'_>) -> Found {
    let arguments = &call.arguments;
    Some(match (call.name.as_slice(), arguments.len()) {
        (b"if", 3) if engine.server.foreign.is_none() => match engine.value(&arguments[0], scope) {
            Ok(value) => {
                let chosen =
                    if value.truth() == Some(true) { &arguments[1] } else { &arguments[2] };
                engine.value(chosen, scope)
            }
            error => error,
        },
        (b"ifnull" | b"nvl", 2) | (b"coalesce", 1..) => {
            for argument in arguments {
                match engine.value(argument, scope) {
                    Ok(Value::Null) => {}
                    decided => return Some(decided),
                }
            }
            Ok(Value::Null)
        }
        (b"pg_sleep", 1) if engine.server.foreign.is_some() => {
            engine.value(&arguments[0], scope).map(|seconds| {
                let micros = (seconds.number().max(0.0) * 1e6).min(SLEEP as f64) as u64;
                engine.slept = engine.slept.saturating_add(micros).min(SLEEP);
                Value::text("")
            })
        }
        (b"benchmark", 2) if engine.server.foreign.is_none() => benchmark(engine, call, scope),
        _ => return None,
    })
}

fn benchmark(engine: &mut Engine<'_>, call: &Call, scope: &Scope<'_>) -> Result<Value, SqlError> {
    let count = engine.value(&call.arguments[0], scope)?;
    let before = engine.left;
    engine.value(&call.arguments[1], scope)?;
    // A step of a real server's takes some 0.1 microseconds.
    let steps = u64::from(before - engine.left);
    let count = u64::try_from(count.integer()).unwrap_or(0);
    let micros = count.saturating_mul(steps) / 10;
    engine.slept = engine.slept.saturating_add(micros).min(SLEEP);
    Ok(Value::Integer(0))
}

/// What the server says of itself, and what it waits for or reads.
fn server(engine: &mut Engine<'_>, call: &Call, values: &[Value]) -> Found {
    let server = engine.server;
    Some(Ok(match (call.name.as_slice(), values) {
        (b"version", []) => Value::text(server.version.as_str()),
        (b"database" | b"schema", []) if server.database_name().is_empty() => Value::Null,
        (b"database" | b"schema", []) => Value::text(server.database_name()),
        (b"user" | b"current_user" | b"session_user" | b"system_user", []) => {
            Value::text(format!("{}@{}", server.user, server.client))
        }
        (b"connection_id", []) => Value::Integer(server.connection.into()),
        (b"current_role" | b"last_insert_id" | b"row_count" | b"found_rows", []) => {
            if call.name == b"current_role" { Value::Null } else { Value::Integer(0) }
        }
        (b"charset", [_]) => Value::text("utf8mb3"),
        (b"collation", [_]) => Value::text("utf8mb3_general_ci"),
        (b"coercibility", [_]) => Value::Integer(3),
        (b"sleep", [seconds]) => {
            if seconds.is_null() || seconds.number() < 0.0 {
                return Some(Ok(Value::Integer(0)));
            }
            let micros = (seconds.number() * 1e6).min(SLEEP as f64) as u64;
            engine.slept = engine.slept.saturating_add(micros).min(SLEEP);
            Value::Integer(0)
        }
        (b"load_file", [path]) => server.read_file(&path.bytes()).map_or(Value::Null, Value::Bytes),
        (b"rand", []) => Value::Real(number::rand(engine, call.number, None)),
        (b"rand", [seed]) => Value::Real(number::rand(engine, call.number, Some(seed.integer()))),
        (b"get_lock" | b"release_lock" | b"is_free_lock", _) => Value::Integer(1),
        (b"name_const", [_, value]) => value.clone(),
        (b"gtid_subset" | b"gtid_subtract", _) => return None,
        _ => return None,
    }))
}

fn hashes(name: &[u8], values: &[Value]) -> Found {
    let hex = |bytes: &[u8]| Value::text(hexadecimal(bytes));
    if values.first().is_some_and(Value::is_null) {
        let known = matches!(name, b"md5" | b"sha1" | b"sha" | b"sha2" | b"password");
        return known.then_some(Ok(Value::Null));
    }
    Some(Ok(match (name, values) {
        (b"md5", [value]) => hex(&Md5::digest(value.bytes())),
        (b"sha1" | b"sha", [value]) => hex(&Sha1::digest(value.bytes())),
        (b"sha2", [value, bits]) => match bits.integer() {
            224 => hex(&Sha224::digest(value.bytes())),
            0 | 256 => hex(&Sha256::digest(value.bytes())),
            384 => hex(&Sha384::digest(value.bytes())),
            512 => hex(&Sha512::digest(value.bytes())),
            _ => Value::Null,
        },
        (b"password", [value]) => {
            let hash = Sha1::digest(Sha1::digest(value.bytes()));
            Value::text(format!("*{}", hexadecimal(&hash).to_uppercase()))
        }
        (b"md5" | b"sha1" | b"sha" | b"sha2" | b"password", _) => {
            return Some(Err(SqlError::parameters(name)));
        }
        _ => return None,
    }))
}

/// Whether a text holds what an expression means.
pub(super) fn regexp(
    engine: &mut Engine<'_>,
    text: &[u8],
    pattern: &[u8],
) -> Result<bool, SqlError> {
    engine.step(100 + text.len() / 16)?;
    if pattern.is_empty() {
        return Err(SqlError::new(1139, "Got error 'empty (sub)expression' from regexp"));
    }
    match Regex::new(pattern, true, true) {
        Ok(regex) => Ok(regex.is_match(&text[..text.len().min(4_096)])),
        Err(bad) => Err(SqlError::new(1139, format!("Got error '{}' from regexp", bad.0))),
    }
}
