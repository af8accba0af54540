//! Functions of arrays, and those that print a value.

use super::super::evaluate::Interpreter;
use super::super::value::{Array, Key, Value};
use super::{Arguments, Found};

pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Found {
    if let Some(value) = printed(interpreter, name, arguments)? {
        return Ok(Some(value));
    }
    if matches!(
        name,
        b"array_push"
            | b"array_pop"
            | b"array_shift"
            | b"array_unshift"
            | b"sort"
            | b"rsort"
            | b"ksort"
            | b"asort"
    ) {
        let Value::Array(mut array) = arguments.get(0).clone() else {
            return Ok(Some(Value::Null));
        };
        let mut result = Value::Bool(true);
        match name {
            b"array_push" => {
                arguments.values.iter().skip(1).for_each(|value| array.push(value.clone()));
            }
            b"array_pop" => result = array.items.pop().map_or(Value::Null, |(_, value)| value),
            b"array_shift" if !array.items.is_empty() => {
                result = array.items.remove(0).1;
                array = Array::list(array.values().cloned().collect::<Vec<_>>());
            }
            b"array_unshift" => {
                let all = arguments.values.iter().skip(1).chain(array.values()).cloned();
                array = Array::list(all.collect::<Vec<_>>());
            }
            b"ksort" => array.items.sort_by_key(|(key, _)| key.value().text()),
            b"asort" => array.items.sort_by(|(_, a), (_, b)| a.order(b)),
            _ => {
                let mut values: Vec<Value> = array.values().cloned().collect();
                values.sort_by(Value::order);
                if name == b"rsort" {
                    values.reverse();
                }
                array = Array::list(values);
            }
        }
        arguments.assign(interpreter, 0, Value::Array(array))?;
        return Ok(Some(result));
    }
    Ok(made(interpreter, name, arguments))
}

#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
fn made(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Option<Value> {
    let first = match arguments.get(0) {
        Value::Array(array) => array.clone(),
        _ => Array::default(),
    };
    Some(match name {
        b"count" | b"sizeof" => Value::Integer(first.items.len() as i64),
        b"in_array" | b"array_search" => {
            let Value::Array(array) = arguments.get(1) else { return Some(Value::Bool(false)) };
            let found = array.items.iter().find(|(_, value)| value.equals(arguments.get(0)));
            match found {
                Some((key, _)) if name == b"array_search" => key.value(),
                found => Value::Bool(found.is_some()),
            }
        }
        b"array_key_exists" | b"key_exists" => match arguments.get(1) {
            Value::Array(array) => Value::Bool(array.get(&Key::of(arguments.get(0))).is_some()),
            _ => Value::Bool(false),
        },
        b"array_keys" => Value::Array(Array::list(first.items.iter().map(|(key, _)| key.value()))),
        b"array_values" => Value::Array(Array::list(first.values().cloned().collect::<Vec<_>>())),
        b"array_flip" => {
            let mut flipped = Array::default();
            first.items.iter().for_each(|(key, value)| flipped.set(Key::of(value), key.value()));
            Value::Array(flipped)
        }
        b"array_merge" => {
            let mut all = first;
            for more in arguments.values.iter().skip(1) {
                let Value::Array(more) = more else { continue };
                for (key, value) in &more.items {
                    match key {
                        Key::Integer(_) => all.push(value.clone()),
                        Key::Text(_) => all.set(key.clone(), value.clone()),
                    }
                }
            }
            Value::Array(all)
        }
        b"array_reverse" => Value::Array(Array::list(first.values().rev_values())),
        b"array_slice" => {
            let length = first.items.len() as i64;
            let from = arguments.integer(1).unwrap_or(0);
            let start = if from < 0 { (length + from).max(0) } else { from.min(length) };
            let wanted = arguments.integer(2).unwrap_or(length);
            let end =
                if wanted < 0 { length + wanted } else { start.saturating_add(wanted).min(length) };
            let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
            let members = first.items.get(range).unwrap_or_default();
            Value::Array(Array::list(members.iter().map(|(_, value)| value.clone())))
        }
        b"array_sum" => {
            Value::Integer(first.values().map(Value::integer).fold(0, i64::saturating_add))
        }
        b"range" => {
            let (low, high) = (arguments.get(0).integer(), arguments.get(1).integer());
            Value::Array(Array::list((low..=high).take(1_000).map(Value::Integer)))
        }
        b"reset" | b"current" | b"end" => {
            let found = if name == b"end" { first.items.last() } else { first.items.first() };
            found.map_or(Value::Bool(false), |(_, value)| value.clone())
        }
        b"key" => first.items.first().map_or(Value::Null, |(key, _)| key.value()),
        b"min" | b"max" => {
            let values: Vec<Value> = if arguments.values.len() > 1 {
                arguments.values.clone()
            } else {
                first.values().cloned().collect()
            };
            let best = if name == b"min" {
                values.into_iter().min_by(Value::order)
            } else {
                values.into_iter().max_by(Value::order)
            };
            best.unwrap_or_default()
        }
        b"compact" => {
            let mut all = Array::default();
            for name in &arguments.values {
                let name = name.text();
                let value = interpreter.slot(&name).clone();
                all.set(Key::Text(name), value);
            }
            Value::Array(all)
        }
        b"extract" => {
            for (key, value) in &first.items {
                *interpreter.slot(&key.value().text()) = value.clone();
            }
            Value::Integer(first.items.len() as i64)
        }
        _ => return None,
    })
}

/// Values from the last to the first.
trait Backwards {
    fn rev_values(self) -> Vec<Value>;
}

impl<'a, I: Iterator<Item = &'a Value>> Backwards for I {
    fn rev_values(self) -> Vec<Value> {
        let mut values: Vec<Value> = self.cloned().collect();
        values.reverse();
        values
    }
}

fn printed(interpreter: &mut Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Found {
    let mut text = Vec::new();
    match name {
        b"print_r" => readable(arguments.get(0), 0, &mut text),
        b"var_dump" => arguments.values.iter().for_each(|value| dumped(value, 0, &mut text)),
        b"var_export" => exported(arguments.get(0), &mut text),
        _ => return Ok(None),
    }
    if arguments.get(1).truth() && name != b"var_dump" {
        return Ok(Some(Value::Text(text)));
    }
    interpreter.print(&text)?;
    Ok(Some(Value::Bool(true)))
}

fn readable(value: &Value, indent: usize, text: &mut Vec<u8>) {
    let Value::Array(array) = value else {
        text.extend(value.text());
        return;
    };
    let spaces = " ".repeat(indent);
    text.extend(format!("Array\n{spaces}(\n").into_bytes());
    for (key, value) in &array.items {
        let name = key.value().text();
        text.extend(format!("{spaces}    [").into_bytes());
        text.extend(name);
        text.extend(b"] => ");
        readable(value, indent + 8, text);
        text.push(b'\n');
    }
    text.extend(format!("{spaces})\n").into_bytes());
}

fn dumped(value: &Value, indent: usize, text: &mut Vec<u8>) {
    let spaces = " ".repeat(indent);
    let line = match value {
        Value::Null | Value::Closure(_) => "NULL".to_owned(),
        Value::Bool(truth) => format!("bool({truth})"),
        Value::Integer(number) => format!("int({number})"),
        Value::Real(number) => format!("float({number})"),
        Value::Text(found) => {
            text.extend(format!("{spaces}string({}) \"", found.len()).into_bytes());
            text.extend(found);
            text.extend(b"\"\n");
            return;
        }
        Value::Array(array) => {
            text.extend(format!("{spaces}array({}) {{\n", array.items.len()).into_bytes());
            for (key, value) in &array.items {
                let name = String::from_utf8_lossy(&key.value().text()).into_owned();
                let name = if matches!(key, Key::Text(_)) { format!("\"{name}\"") } else { name };
                text.extend(format!("{spaces}  [{name}]=>\n").into_bytes());
                dumped(value, indent + 2, text);
            }
            format!("}}\n{spaces}").trim_end().to_owned()
        }
    };
    text.extend(format!("{spaces}{line}\n").into_bytes());
}

fn exported(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Text(found) => {
            text.push(b'\'');
            text.extend(found);
            text.push(b'\'');
        }
        Value::Null => text.extend(b"NULL"),
        Value::Bool(truth) => text.extend(truth.to_string().into_bytes()),
        Value::Array(array) => {
            text.extend(b"array (\n");
            for (key, value) in &array.items {
                text.extend(b"  ");
                exported(&key.value(), text);
                text.extend(b" => ");
                exported(value, text);
                text.extend(b",\n");
            }
            text.push(b')');
        }
        other => text.extend(other.text()),
    }
}
