//! Functions that write bytes another way: base64, hexadecimal, compression, sums. Shells hide behind layers of them.

use std::io::Read as _;

use flate2::Compression;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::super::evaluate::Interpreter;
use super::super::value::{LONGEST, Value};
use super::{Arguments, Found};
use crate::http::{base64, decode_base64};

#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
pub(super) fn call(_: &mut Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Found {
    let text = arguments.text(0);
    let hex = |bytes: &[u8]| {
        Value::of(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    Ok(Some(match name {
        b"base64_encode" => Value::Text(base64(&text)),
        b"base64_decode" => {
            let kept: Vec<u8> = text
                .into_iter()
                .filter(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))
                .collect();
            let kept: Vec<u8> = kept
                .iter()
                .map(|b| match b {
                    b'-' => b'+',
                    b'_' => b'/',
                    b => *b,
                })
                .collect();
            let whole = kept.len() - usize::from(kept.len() % 4 == 1);
            let mut padded = kept[..whole].to_vec();
            padded.resize(whole.next_multiple_of(4), b'=');
            Value::Text(decode_base64(&padded).unwrap_or_default())
        }
        b"bin2hex" => hex(&text),
        b"hex2bin" => decode_hex(&text),
        b"pack" if text.eq_ignore_ascii_case(b"h*") => decode_hex(&arguments.text(1)),
        b"md5" => hex(&Md5::digest(&text)),
        b"sha1" => hex(&Sha1::digest(&text)),
        b"crc32" => {
            let mut sum = flate2::Crc::new();
            sum.update(&text);
            Value::Integer(sum.sum().into())
        }
        b"hash" => match text.to_ascii_lowercase().as_slice() {
            b"md5" => hex(&Md5::digest(arguments.text(1))),
            b"sha1" => hex(&Sha1::digest(arguments.text(1))),
            b"sha256" => hex(&Sha256::digest(arguments.text(1))),
            b"sha512" => hex(&Sha512::digest(arguments.text(1))),
            _ => Value::Bool(false),
        },
        b"chr" => Value::Text(vec![(arguments.get(0).integer() & 255) as u8]),
        b"ord" => Value::Integer(text.first().map_or(0, |byte| i64::from(*byte))),
        b"str_rot13" => Value::Text(
            text.iter()
                .map(|byte| match byte {
                    b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
                    b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
                    other => *other,
                })
                .collect(),
        ),
        b"urlencode" | b"rawurlencode" => Value::Text(
            text.iter()
                .flat_map(|byte| match byte {
                    b'-' | b'_' | b'.' => vec![*byte],
                    byte if byte.is_ascii_alphanumeric() => vec![*byte],
                    b' ' if name == b"urlencode" => vec![b'+'],
                    byte => format!("%{byte:02X}").into_bytes(),
                })
                .collect(),
        ),
        b"urldecode" | b"rawurldecode" => {
            Value::Text(crate::http::decode(&text, name == b"urldecode"))
        }
        b"gzinflate" => unpacked(flate2::read::DeflateDecoder::new(&text[..])),
        b"gzuncompress" => unpacked(flate2::read::ZlibDecoder::new(&text[..])),
        b"gzdecode" => unpacked(flate2::read::GzDecoder::new(&text[..])),
        b"gzdeflate" => {
            packed(flate2::read::DeflateEncoder::new(&text[..], Compression::default()))
        }
        b"gzcompress" => packed(flate2::read::ZlibEncoder::new(&text[..], Compression::default())),
        b"gzencode" => packed(flate2::read::GzEncoder::new(&text[..], Compression::default())),
        b"json_encode" => Value::Text(json(arguments.get(0))),
        b"serialize" => Value::Text(json(arguments.get(0))),
        _ => return Ok(None),
    }))
}

fn decode_hex(text: &[u8]) -> Value {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes =
        text.chunks_exact(2).map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8));
    bytes.collect::<Option<Vec<u8>>>().map_or(Value::Bool(false), Value::Text)
}

fn unpacked(reader: impl std::io::Read) -> Value {
    let mut text = Vec::new();
    match reader.take(LONGEST as u64).read_to_end(&mut text) {
        Ok(_) => Value::Text(text),
        Err(_) => Value::Bool(false),
    }
}

fn packed(mut reader: impl std::io::Read) -> Value {
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Value::Text(bytes),
        Err(_) => Value::Bool(false),
    }
}

fn json(value: &Value) -> Vec<u8> {
    match value {
        Value::Null | Value::Closure(_) => b"null".to_vec(),
        Value::Bool(truth) => truth.to_string().into_bytes(),
        Value::Integer(_) | Value::Real(_) => value.text(),
        Value::Text(text) => serde_json::to_vec(&String::from_utf8_lossy(text)).unwrap_or_default(),
        Value::Array(array) => {
            let is_list = array
                .items
                .iter()
                .enumerate()
                .all(|(place, (key, _))| *key == super::Key::Integer(place as i64));
            let parts: Vec<Vec<u8>> = array
                .items
                .iter()
                .map(|(key, value)| {
                    if is_list {
                        json(value)
                    } else {
                        [json(&Value::Text(key.value().text())), json(value)].join(&b':')
                    }
                })
                .collect();
            let inner = parts.join(&b',');
            if is_list {
                [&b"["[..], &inner, b"]"].concat()
            } else {
                [&b"{"[..], &inner, b"}"].concat()
            }
        }
    }
}
