//! EXTRACTVALUE and UPDATEXML: what matters is the error to a path that is none, since it shows what stands in it, 32 characters of it.

use super::super::error::SqlError;
use super::super::value::Value;
use super::Found;

pub(super) fn call(name: &[u8], values: &[Value]) -> Found {
    let path = match (name, values) {
        (b"extractvalue", [_, path]) | (b"updatexml", [_, path, _]) => path,
        (b"extractvalue" | b"updatexml", _) => return Some(Err(SqlError::parameters(name))),
        _ => return None,
    };
    if path.is_null() {
        return Some(Ok(Value::Null));
    }
    let path = path.bytes();
    Some(match broken(&path) {
        Some(at) => Err(SqlError::xpath(&path[at..])),
        None if name == b"updatexml" => Ok(values[0].clone()),
        None => Ok(Value::text("")),
    })
}

/// Where a path stops being one.
fn broken(path: &[u8]) -> Option<usize> {
    let start = path.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let mut at = start;
    let mut step = true;
    while let Some(byte) = path.get(at) {
        match byte {
            b'/' if path
                .get(at + 1)
                .is_some_and(|next| is_name(*next) || b"/*@.".contains(next)) =>
            {
                step = true;
            }
            b'*' | b'@' if step => {}
            b'[' | b']' | b'(' | b')' | b'=' | b'\'' | b'"' | b' ' | b'|' | b',' if at > start => {}
            byte if is_name(*byte) => step = false,
            _ => return Some(at),
        }
        at += 1;
    }
    None
}
