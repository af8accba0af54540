//! What PHP says of itself and of its machine, and what it is told to do about the answer.

use super::super::evaluate::Interpreter;
use super::super::value::{Array, Key, Value};
use super::{Arguments, Found};

pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Found {
    if let Some(value) = buffers(interpreter, name)? {
        return Ok(Some(value));
    }
    if name == b"php_uname" {
        // What the machine itself would say, so that both agree.
        let flag = arguments.text(0).first().copied().unwrap_or(b'a');
        let flag = if b"asnrvm".contains(&flag) { char::from(flag) } else { 'a' };
        let text = interpreter.command(format!("uname -{flag}").into_bytes())?;
        return Ok(Some(Value::Text(text.trim_ascii_end().to_vec())));
    }
    if name == b"phpinfo" {
        let uname = interpreter.command(b"uname -a".to_vec())?;
        let page = format!(
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"DTD/xhtml1-transitional.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><head>\n<title>PHP {0} - phpinfo()</title></head>\n<body><div class=\"center\">\n<table>\n<tr class=\"h\"><td>\n<h1 class=\"p\">PHP Version {0}</h1>\n</td></tr>\n</table>\n<table>\n<tr><td class=\"e\">System </td><td class=\"v\">{1} </td></tr>\n<tr><td class=\"e\">Server API </td><td class=\"v\">FPM/FastCGI </td></tr>\n<tr><td class=\"e\">disable_functions</td><td class=\"v\"><i>no value</i></td><td class=\"v\"><i>no value</i></td></tr>\n<tr><td class=\"e\">$_SERVER['DOCUMENT_ROOT']</td><td class=\"v\">/var/www/html</td></tr>\n</table>\n</div></body></html>",
            interpreter.request.php,
            String::from_utf8_lossy(&uname).trim_end()
        );
        interpreter.print(page.as_bytes())?;
        return Ok(Some(Value::Bool(true)));
    }
    Ok(answers(interpreter, name, arguments).or_else(|| facts(interpreter, name, arguments)))
}

fn buffers(interpreter: &mut Interpreter<'_>, name: &[u8]) -> Found {
    Ok(Some(match name {
        b"ob_start" => {
            if interpreter.buffers.len() < 10 {
                interpreter.buffers.push(Vec::new());
            }
            Value::Bool(true)
        }
        b"ob_get_contents" => interpreter
            .buffers
            .last()
            .map_or(Value::Bool(false), |buffer| Value::Text(buffer.clone())),
        b"ob_get_clean" | b"ob_end_clean" => {
            interpreter.buffers.pop().map_or(Value::Bool(false), Value::Text)
        }
        b"ob_end_flush" | b"ob_get_flush" | b"ob_flush" => match interpreter.buffers.pop() {
            Some(buffer) => {
                interpreter.print(&buffer)?;
                Value::Text(buffer)
            }
            None => Value::Bool(false),
        },
        b"flush" | b"ob_implicit_flush" | b"ob_clean" => {
            if name == b"ob_clean"
                && let Some(buffer) = interpreter.buffers.last_mut()
            {
                buffer.clear();
            }
            Value::Null
        }
        _ => return Ok(None),
    }))
}

/// Functions that shape the answer.
fn answers(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Option<Value> {
    match name {
        b"header" => {
            let line = String::from_utf8_lossy(&arguments.text(0)).into_owned();
            if let Some(status) = line.strip_prefix("HTTP/") {
                let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
                interpreter.said.status = status.filter(|status| (200..=599).contains(status));
            } else if let Some((field, value)) = line.split_once(':') {
                let clean = |text: &str| -> String {
                    text.trim()
                        .chars()
                        .filter(|c| c.is_ascii_graphic() || *c == ' ')
                        .take(400)
                        .collect()
                };
                if interpreter.said.fields.len() < 16 {
                    interpreter.said.fields.insert(clean(field), clean(value));
                }
            }
            Some(Value::Null)
        }
        b"http_response_code" => {
            let status = arguments.integer(0).and_then(|status| u16::try_from(status).ok());
            interpreter.said.status = status.filter(|status| (200..=599).contains(status));
            Some(Value::Integer(200))
        }
        b"define" => {
            let name = arguments.text(0);
            if interpreter.constants.len() < 200 {
                interpreter.constants.insert(name, arguments.get(1).clone());
            }
            Some(Value::Bool(true))
        }
        b"parse_str" => {
            let mut array = Array::default();
            for pair in arguments.text(0).split(|byte| *byte == b'&').take(200) {
                let mut halves = pair.splitn(2, |byte| *byte == b'=');
                let mut half = || crate::http::decode(halves.next().unwrap_or_default(), true);
                let (name, value) = (half(), half());
                super::put(&mut array, &name, Value::Text(value));
            }
            let _ = arguments.assign(interpreter, 1, Value::Array(array));
            Some(Value::Null)
        }
        _ => None,
    }
}

#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
fn facts(interpreter: &Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Option<Value> {
    let text = |text: &str| Value::of(text);
    let now = interpreter.request.now;
    let seconds = now.map_or(0, kizashi_event::Timestamp::seconds);
    Some(match name {
        b"phpversion" => text(interpreter.request.php),
        b"zend_version" => text("4.2.29"),
        b"php_sapi_name" => text("fpm-fcgi"),
        b"get_current_user" => text("www-data"),
        b"getmyuid" | b"getmygid" | b"posix_geteuid" | b"posix_getuid" | b"posix_getegid"
        | b"posix_getgid" => Value::Integer(33),
        b"getmypid" => Value::Integer(1_184),
        b"posix_getpwuid" | b"posix_getgrgid" => {
            let mut array = Array::default();
            for (key, value) in [
                ("name", text("www-data")),
                ("uid", Value::Integer(33)),
                ("gid", Value::Integer(33)),
                ("dir", text("/var/www")),
            ] {
                array.set(Key::Text(key.into()), value);
            }
            Value::Array(array)
        }
        b"gethostbyname" => arguments.get(0).clone(),
        b"disk_free_space" | b"diskfreespace" => Value::Real(31_138_512_896.0),
        b"disk_total_space" => Value::Real(42_147_483_648.0),
        b"memory_get_usage" | b"memory_get_peak_usage" => Value::Integer(421_904),
        b"time" => Value::Integer(seconds),
        b"microtime" | b"hrtime" => {
            Value::Real(now.map_or(0, kizashi_event::Timestamp::micros) as f64 / 1e6)
        }
        b"date" | b"gmdate" => {
            let stamp = kizashi_event::Timestamp::from_seconds(
                arguments.integer(1).unwrap_or(seconds).clamp(0, 4_000_000_000),
            )
            .rfc3339();
            Value::Text(date(&arguments.text(0), &stamp))
        }
        b"ini_get" | b"get_cfg_var" => match arguments.text(0).as_slice() {
            b"disable_functions" | b"open_basedir" | b"safe_mode" => text(""),
            b"upload_max_filesize" => text("2M"),
            b"memory_limit" => text("128M"),
            b"max_execution_time" => text("30"),
            _ => Value::Bool(false),
        },
        b"ini_set"
        | b"ini_restore"
        | b"session_start"
        | b"setcookie"
        | b"date_default_timezone_set"
        | b"ignore_user_abort"
        | b"set_time_limit"
        | b"mb_internal_encoding" => Value::Bool(true),
        b"error_reporting" => Value::Integer(22_527),
        b"extension_loaded" => {
            Value::Bool(!matches!(arguments.text(0).as_slice(), b"suhosin" | b"imagick"))
        }
        b"get_loaded_extensions" => Value::Array(Array::list(
            ["Core", "date", "curl", "mysqli", "openssl", "zlib"].map(text),
        )),
        b"getenv" => Value::Bool(false),
        b"defined" => Value::Bool(interpreter.constants.contains_key(&arguments.text(0))),
        b"constant" => super::constant(interpreter, &arguments.text(0)),
        b"gettype" => text(match arguments.get(0) {
            Value::Null => "NULL",
            Value::Bool(_) => "boolean",
            Value::Integer(_) => "integer",
            Value::Real(_) => "double",
            Value::Text(_) => "string",
            Value::Array(_) => "array",
            Value::Closure(_) => "object",
        }),
        b"curl_exec"
        | b"curl_init"
        | b"fsockopen"
        | b"mail"
        | b"mysqli_connect"
        | b"socket_create"
        | b"pfsockopen"
        | b"stream_socket_client" => Value::Bool(false),
        _ => return None,
    })
}

fn date(format: &[u8], stamp: &str) -> Vec<u8> {
    let part = |from: usize, to: usize| stamp.get(from..to).unwrap_or_default();
    let text: String = format
        .iter()
        .map(|letter| match letter {
            b'Y' => part(0, 4).to_owned(),
            b'y' => part(2, 4).to_owned(),
            b'm' | b'n' => part(5, 7).to_owned(),
            b'd' | b'j' => part(8, 10).to_owned(),
            b'H' | b'G' => part(11, 13).to_owned(),
            b'i' => part(14, 16).to_owned(),
            b's' => part(17, 19).to_owned(),
            other => char::from(*other).to_string(),
        })
        .collect();
    text.into_bytes()
}
