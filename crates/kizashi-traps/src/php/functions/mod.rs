//! PHP's own functions, as far as shells and probes call them. What is not here gives NULL and prints nothing: an uploaded script that
//! fails silently is what a server with `display_errors` off shows.

mod arrays;
mod encoding;
mod files;
mod running;
mod system;
mod text;

use std::sync::Arc;

pub(super) use files::read;

use super::Request;
use super::evaluate::{Interpreter, Stop, Variables};
use super::syntax::Expression;
use super::value::{Array, Key, Value};

/// What a function gives; `None` where a file of functions has none of that name.
type Found = Result<Option<Value>, Stop>;

/// A call's arguments: the values, and the expressions for those that are written to.
struct Arguments<'a> {
    values: Vec<Value>,
    expressions: &'a [Expression],
}

impl Arguments<'_> {
    fn get(&self, place: usize) -> &Value {
        const NULL: &Value = &Value::Null;
        self.values.get(place).unwrap_or(NULL)
    }

    fn text(&self, place: usize) -> Vec<u8> {
        self.get(place).text()
    }

    fn integer(&self, place: usize) -> Option<i64> {
        self.values.get(place).filter(|value| **value != Value::Null).map(Value::integer)
    }

    /// Writes to the variable that stands at this place.
    fn assign(
        &self,
        interpreter: &mut Interpreter<'_>,
        place: usize,
        value: Value,
    ) -> Result<(), Stop> {
        match self.expressions.get(place) {
            Some(expression) => interpreter.assign(expression, value),
            None => Ok(()),
        }
    }
}

/// A function by its name, in lower case.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    expressions: &[Expression],
) -> Result<Value, Stop> {
    let mut values = Vec::with_capacity(expressions.len());
    for expression in expressions {
        values.push(interpreter.value(expression)?);
    }
    dispatch(interpreter, name, &Arguments { values, expressions })
}

/// The same with values at hand.
fn call_named(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    values: Vec<Value>,
) -> Result<Value, Stop> {
    dispatch(interpreter, name, &Arguments { values, expressions: &[] })
}

/// A function's name, a closure, or something else that cannot be called.
pub(super) fn call_value(
    interpreter: &mut Interpreter<'_>,
    callee: &Value,
    values: Vec<Value>,
) -> Result<Value, Stop> {
    interpreter.step(1)?;
    match callee {
        Value::Closure(number) => match interpreter.closures.get(*number) {
            Some((function, captured)) => {
                let (function, captured) = (Arc::clone(function), captured.clone());
                interpreter.invoke(&function, captured, &values)
            }
            None => Ok(Value::Null),
        },
        Value::Text(name) => {
            let name = name.to_ascii_lowercase();
            call_named(interpreter, &name, values)
        }
        _ => Ok(Value::Null),
    }
}

fn dispatch(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Result<Value, Stop> {
    let sizes: usize = arguments.values.iter().map(Value::size).sum();
    interpreter.step(1 + sizes / 64)?;
    if let Some(function) = interpreter.functions.get(name) {
        let function = Arc::clone(function);
        return interpreter.invoke(&function, Variables::new(), &arguments.values);
    }
    for file in [running::call, text::call, encoding::call, arrays::call, files::call, system::call]
    {
        if let Some(value) = file(interpreter, name, arguments)? {
            interpreter.step(value.size() / 64)?;
            interpreter.fits(value.size() / 2)?;
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

/// A method of an object that is none: what its name says is done all the same, where it runs something.
pub(super) fn method(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    values: &[Value],
) -> Result<Value, Stop> {
    match name {
        b"exec" | b"shellexecute" | b"run" if !values.is_empty() => {
            Ok(Value::Text(interpreter.command(values[0].text())?))
        }
        _ => Ok(Value::Null),
    }
}

/// A word that stands for a value; one that nobody defined stands for itself, as in PHP 5 and 7.
pub(super) fn constant(interpreter: &Interpreter<'_>, name: &[u8]) -> Value {
    if let Some(value) = interpreter.constants.get(name) {
        return value.clone();
    }
    let text = |text: &str| Value::of(text);
    match name.to_ascii_uppercase().as_slice() {
        b"TRUE" => Value::Bool(true),
        b"FALSE" => Value::Bool(false),
        b"NULL" => Value::Null,
        b"PHP_EOL" => text("\n"),
        b"PHP_OS" | b"PHP_OS_FAMILY" => text("Linux"),
        b"PHP_VERSION" => text(interpreter.request.php),
        b"PHP_SAPI" => text("fpm-fcgi"),
        b"DIRECTORY_SEPARATOR" => text("/"),
        b"PATH_SEPARATOR" => text(":"),
        b"__FILE__" => Value::Text(interpreter.request.script.clone()),
        b"__DIR__" => Value::Text(interpreter.folder.clone()),
        b"__LINE__" | b"LOCK_EX" => Value::Integer(2),
        b"FILE_APPEND" => Value::Integer(8),
        b"PHP_INT_MAX" => Value::Integer(i64::MAX),
        b"PHP_INT_SIZE" => Value::Integer(8),
        b"E_ALL" => Value::Integer(32_767),
        b"ENT_QUOTES" => Value::Integer(3),
        b"M_PI" => Value::Real(std::f64::consts::PI),
        b"STR_PAD_LEFT" | b"E_ERROR" | b"COUNT_RECURSIVE" => {
            Value::Integer(i64::from(name != b"STR_PAD_LEFT"))
        }
        _ => Value::Text(name.to_vec()),
    }
}

/// `$_GET` and its like.
#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
pub(super) fn superglobals(request: &Request) -> Variables {
    let mut all = Variables::new();
    let array = |pairs: &[(Vec<u8>, Vec<u8>)]| {
        let mut array = Array::default();
        for (name, value) in pairs {
            put(&mut array, name, Value::Text(value.clone()));
        }
        array
    };
    let (query, form, cookies) =
        (array(&request.query), array(&request.form), array(&request.cookies));
    let mut both = query.clone();
    form.items.iter().for_each(|(key, value)| both.set(key.clone(), value.clone()));
    let mut server = Array::default();
    let mut set =
        |name: &str, value: Vec<u8>| server.set(Key::Text(name.into()), Value::Text(value));
    let path = request.target.split(|byte| *byte == b'?').next().unwrap_or_default().to_vec();
    let query_text = request.target.get(path.len() + 1..).unwrap_or_default().to_vec();
    set("REQUEST_METHOD", request.method.clone().into_bytes());
    set("REQUEST_URI", request.target.clone());
    set("QUERY_STRING", query_text);
    set("SCRIPT_NAME", path.clone());
    set("PHP_SELF", path);
    set("SCRIPT_FILENAME", request.script.clone());
    set("DOCUMENT_ROOT", b"/var/www/html".to_vec());
    set("SERVER_SOFTWARE", request.server.clone().into_bytes());
    set("SERVER_NAME", request.host.clone().into_bytes());
    set("HTTP_HOST", request.host.clone().into_bytes());
    set("REMOTE_ADDR", request.source.clone().into_bytes());
    set("SERVER_PROTOCOL", b"HTTP/1.1".to_vec());
    for (name, value) in request.headers.iter().take(60) {
        let name: String = name
            .iter()
            .map(|byte| char::from(*byte).to_ascii_uppercase())
            .map(|c| if c == '-' { '_' } else { c })
            .collect();
        set(&format!("HTTP_{name}"), value.clone());
    }
    let mut uploads = Array::default();
    for (place, upload) in request.uploads.iter().enumerate() {
        let facts = [
            ("name", Value::Text(upload.name.clone())),
            ("type", Value::of("application/octet-stream")),
            ("tmp_name", Value::Text(files::temporary(place))),
            ("error", Value::Integer(0)),
            ("size", Value::Integer(upload.content.len() as i64)),
        ];
        let mut file = Array::default();
        facts.into_iter().for_each(|(name, value)| file.set(Key::Text(name.into()), value));
        uploads.set(Key::text(&upload.field), Value::Array(file));
    }
    for (name, value) in [
        ("_GET", query),
        ("_POST", form),
        ("_REQUEST", both),
        ("_COOKIE", cookies),
        ("_SERVER", server),
        ("_FILES", uploads),
        ("_SESSION", Array::default()),
        ("_ENV", Array::default()),
    ] {
        all.insert(name.into(), Value::Array(value));
    }
    all
}

/// Puts a parameter where PHP puts it: `a[b][]` becomes arrays in one another.
fn put(array: &mut Array, name: &[u8], value: Value) {
    let open = name.iter().position(|byte| *byte == b'[').filter(|open| *open > 0);
    let Some(open) = open.filter(|_| name.ends_with(b"]")) else {
        let plain = |byte: &u8| if matches!(byte, b'.' | b' ') { b'_' } else { *byte };
        let name: Vec<u8> = name.iter().map(plain).collect();
        array.set(Key::text(&name), value);
        return;
    };
    let inner = &name[open + 1..name.len() - 1];
    let mut path: Vec<&[u8]> = vec![&name[..open]];
    let mut rest = inner;
    while let Some(at) = crate::http::find(rest, b"][").filter(|_| path.len() < 8) {
        path.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    path.push(rest);
    let mut value = Some(value);
    let mut here = array;
    for (place, part) in path.iter().enumerate() {
        let last = place + 1 == path.len();
        let next =
            if last { value.take().unwrap_or_default() } else { Value::Array(Array::default()) };
        let key = Key::text(part);
        match (part.is_empty(), here.get(&key)) {
            (true, _) => here.push(next),
            (false, Some(Value::Array(_))) if !last => {}
            (false, _) => here.set(key.clone(), next),
        }
        let slot = if part.is_empty() {
            here.items.last_mut().map(|(_, value)| value)
        } else {
            here.slot(&key)
        };
        match slot {
            Some(Value::Array(inner)) if !last => here = inner,
            _ => return,
        }
    }
}
