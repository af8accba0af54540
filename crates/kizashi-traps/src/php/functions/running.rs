//! Functions that run something: commands on the machine, text as PHP, other functions.

use super::super::evaluate::{Handle, Interpreter, Stop, Variables};
use super::super::parser::Parser;
use super::super::syntax::{Function, Statement};
use super::super::value::{Array, Value};
use super::{Arguments, Found, call_named, call_value};

pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Found {
    if let Some(value) = commands(interpreter, name, arguments)? {
        return Ok(Some(value));
    }
    Ok(Some(match name {
        b"assert" => match arguments.get(0) {
            Value::Text(text) => {
                let text = [text, &b";"[..]].concat();
                interpreter.evaluate(&text, true)?;
                Value::Bool(true)
            }
            _ => Value::Bool(true),
        },
        b"call_user_func" => {
            let values = arguments.values.iter().skip(1).cloned().collect();
            call_value(interpreter, arguments.get(0), values)?
        }
        b"call_user_func_array" => {
            let Value::Array(array) = arguments.get(1) else { return Ok(Some(Value::Null)) };
            let values = array.values().cloned().collect();
            call_value(interpreter, arguments.get(0), values)?
        }
        b"create_function" => create(interpreter, &arguments.text(0), &arguments.text(1))?,
        b"func_get_args" => interpreter.slot(b"\0arguments").clone(),
        b"register_shutdown_function" => {
            let values = arguments.values.iter().skip(1).cloned().collect();
            call_value(interpreter, arguments.get(0), values)?
        }
        b"array_map"
        | b"array_filter"
        | b"array_walk"
        | b"usort"
        | b"uasort"
        | b"array_reduce"
        | b"preg_replace_callback" => each(interpreter, name, arguments)?,
        b"function_exists" | b"is_callable" => {
            const MISSING: [&[u8]; 4] = [b"pcntl_exec", b"dl", b"mysql_connect", b"imap_open"];
            let name = arguments.text(0).to_ascii_lowercase();
            Value::Bool(!name.is_empty() && !MISSING.contains(&name.as_slice()))
        }
        _ => return Ok(None),
    }))
}

fn commands(interpreter: &mut Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Found {
    let command = arguments.text(0);
    Ok(Some(match name {
        b"system" | b"passthru" => {
            let output = interpreter.command(command)?;
            interpreter.print(&output)?;
            arguments.assign(interpreter, 1, Value::Integer(0))?;
            if name == b"passthru" { Value::Null } else { Value::Text(last_line(&output)) }
        }
        b"shell_exec" => match interpreter.command(command)? {
            output if output.is_empty() => Value::Null,
            output => Value::Text(output),
        },
        b"exec" => {
            let output = interpreter.command(command)?;
            let lines = output
                .split(|byte| *byte == b'\n')
                .map(|line| Value::Text(line.trim_ascii_end().to_vec()));
            let mut lines: Vec<Value> = lines.collect();
            if lines.last().is_some_and(|line| line.text().is_empty()) {
                lines.pop();
            }
            arguments.assign(interpreter, 1, Value::Array(Array::list(lines)))?;
            arguments.assign(interpreter, 2, Value::Integer(0))?;
            Value::Text(last_line(&output))
        }
        b"popen" => {
            let content = interpreter.command(command)?;
            open(interpreter, content)
        }
        b"proc_open" => {
            let content = interpreter.command(command)?;
            let pipes: Vec<Value> =
                [Vec::new(), content, Vec::new()].map(|content| open(interpreter, content)).into();
            arguments.assign(interpreter, 2, Value::Array(Array::list(pipes)))?;
            Value::Integer(1)
        }
        b"pcntl_exec" => Value::Bool(false),
        b"proc_close" | b"pclose" => Value::Integer(0),
        _ => return Ok(None),
    }))
}

fn open(interpreter: &mut Interpreter<'_>, content: Vec<u8>) -> Value {
    if interpreter.handles.len() >= 30 {
        return Value::Bool(false);
    }
    interpreter.handles.push(Handle { path: Vec::new(), content, at: 0, writes: false });
    super::files::handle(interpreter.handles.len() - 1)
}

fn last_line(output: &[u8]) -> Vec<u8> {
    let trimmed = output.trim_ascii_end();
    trimmed.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_vec()
}

/// `create_function('$a,$b', 'return …;')`.
fn create(
    interpreter: &mut Interpreter<'_>,
    parameters: &[u8],
    body: &[u8],
) -> Result<Value, Stop> {
    let text = [&b"function lambda("[..], parameters, b"){", body, b"}"].concat();
    let Ok(block) = Parser::parse(&text, true) else { return Ok(Value::Bool(false)) };
    let Some(Statement::Function(made)) = block.first() else { return Ok(Value::Bool(false)) };
    let function = Function {
        name: Vec::new(),
        parameters: made.parameters.iter().map(|(name, _)| (name.clone(), None)).collect(),
        uses: Vec::new(),
        short: false,
        body: std::sync::Arc::clone(&made.body),
    };
    if interpreter.closures.len() >= 50 {
        return Err(Stop::Exhausted);
    }
    interpreter.closures.push((std::sync::Arc::new(function), Variables::new()));
    Ok(Value::Closure(interpreter.closures.len() - 1))
}

/// Functions that call another for each member.
fn each(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Result<Value, Stop> {
    let (callee, array) = match name {
        b"array_map" => (arguments.get(0), arguments.get(1)),
        _ => (arguments.get(1), arguments.get(0)),
    };
    let Value::Array(array) = array else {
        return if name == b"preg_replace_callback" {
            let values = vec![Value::Array(Array::list([Value::Text(arguments.text(2))]))];
            call_value(interpreter, arguments.get(1), values)
        } else {
            Ok(Value::Null)
        };
    };
    let mut result = Array::default();
    let mut carried = arguments.get(2).clone();
    for (key, value) in array.items.clone() {
        let given = match name {
            b"array_walk" => vec![value.clone(), key.value()],
            // `usort($parameters, $function)` is how a shell hides a call.
            b"usort" | b"uasort" => vec![value.clone(), Value::Null],
            b"array_reduce" => vec![carried.clone(), value.clone()],
            _ => vec![value.clone()],
        };
        let made = match callee {
            Value::Null => Value::Bool(value.truth()),
            Value::Text(name) => call_named(interpreter, &name.to_ascii_lowercase(), given)?,
            callee => call_value(interpreter, callee, given)?,
        };
        match name {
            b"array_map" => result.set(key, made),
            b"array_reduce" => carried = made,
            _ if made.truth() => result.set(key, value),
            _ => {}
        }
    }
    Ok(if name == b"array_reduce" { carried } else { Value::Array(result) })
}
