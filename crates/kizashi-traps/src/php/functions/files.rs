//! Functions of files: those of the machine behind the logins, those of a form, and streams that are no files.

use super::super::evaluate::{Handle, Interpreter, Stop};
use super::super::value::{Array, Value};
use super::super::{FileFacts, Given, Wish};
use super::{Arguments, Found};

/// Numbers of open files begin here.
const HANDLES: i64 = 7_000_000;
/// Files open at once.
const OPEN: usize = 30;

/// Where PHP put a file of the form's.
pub(super) fn temporary(place: usize) -> Vec<u8> {
    format!("/tmp/phpU{place}kT2w").into_bytes()
}

pub(super) fn handle(place: usize) -> Value {
    Value::Integer(HANDLES + place as i64)
}

pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    name: &[u8],
    arguments: &Arguments<'_>,
) -> Found {
    if let Some(value) = changing(interpreter, name, arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = open(interpreter, name, arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = asking(interpreter, name, arguments)? {
        return Ok(Some(value));
    }
    Ok(names(interpreter, name, arguments))
}

/// The bytes of a file, of the request's body or of a form's file; an address is never fetched: to the script there is no network.
pub(in super::super) fn read(
    interpreter: &mut Interpreter<'_>,
    path: &[u8],
) -> Result<Option<Vec<u8>>, Stop> {
    if path.eq_ignore_ascii_case(b"php://input") {
        return Ok(Some(interpreter.request.body.clone()));
    }
    if let Some(data) = path.strip_prefix(b"data:") {
        let comma = data.iter().position(|byte| *byte == b',').unwrap_or(data.len());
        let content = data.get(comma + 1..).unwrap_or_default();
        return Ok(match data[..comma].ends_with(b";base64") {
            true => crate::http::decode_base64(content),
            false => Some(crate::http::decode(content, false)),
        });
    }
    if crate::http::find(path, b"://").is_some() && !path.starts_with(b"file://") {
        return Ok(None);
    }
    let uploads = &interpreter.request.uploads;
    if let Some(place) = (0..uploads.len()).find(|place| temporary(*place) == path) {
        return Ok(uploads.get(place).map(|upload| upload.content.clone()));
    }
    let path = absolute(interpreter, path.strip_prefix(b"file://").unwrap_or(path));
    match interpreter.ask(&Wish::Read(path))? {
        Given::Bytes(bytes) => Ok(bytes),
        _ => Ok(None),
    }
}

fn absolute(interpreter: &Interpreter<'_>, path: &[u8]) -> Vec<u8> {
    let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
    if path.first() == Some(&b'/') {
        return path.to_vec();
    }
    [&interpreter.folder, &b"/"[..], path].concat()
}

fn done(interpreter: &mut Interpreter<'_>, wish: &Wish) -> Result<Value, Stop> {
    Ok(match interpreter.ask(wish)? {
        Given::Done(done) => Value::Bool(done),
        _ => Value::Bool(false),
    })
}

fn write(
    interpreter: &mut Interpreter<'_>,
    path: &[u8],
    content: Vec<u8>,
    append: bool,
) -> Result<Value, Stop> {
    let length = content.len() as i64;
    let path = absolute(interpreter, path);
    let written = done(interpreter, &Wish::Write { path, content, append })?;
    Ok(if written.truth() { Value::Integer(length) } else { Value::Bool(false) })
}

fn changing(interpreter: &mut Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Found {
    let path = |interpreter: &Interpreter<'_>, place| absolute(interpreter, &arguments.text(place));
    Ok(Some(match name {
        b"file_put_contents" => {
            let content = match arguments.get(1) {
                Value::Array(array) => array.values().flat_map(Value::text).collect(),
                other => other.text(),
            };
            let append = arguments.integer(2).is_some_and(|flags| flags & 8 != 0);
            write(interpreter, &arguments.text(0), content, append)?
        }
        b"move_uploaded_file" | b"copy" => match read(interpreter, &arguments.text(0))? {
            Some(content) => {
                let written = write(interpreter, &arguments.text(1), content, false)?;
                Value::Bool(written != Value::Bool(false))
            }
            None => Value::Bool(false),
        },
        b"is_uploaded_file" => {
            let path = arguments.text(0);
            Value::Bool(
                (0..interpreter.request.uploads.len()).any(|place| temporary(place) == path),
            )
        }
        b"unlink" | b"rmdir" => {
            let path = path(interpreter, 0);
            done(interpreter, &Wish::Remove(path))?
        }
        b"rename" => {
            let (from, to) = (path(interpreter, 0), path(interpreter, 1));
            done(interpreter, &Wish::Rename(from, to))?
        }
        b"mkdir" => {
            let path = path(interpreter, 0);
            done(interpreter, &Wish::MakeFolder(path))?
        }
        b"chmod" => {
            let path = path(interpreter, 0);
            let mode = u16::try_from(arguments.integer(1).unwrap_or(0) & 0o7777).unwrap_or(0);
            done(interpreter, &Wish::Mode(path, mode))?
        }
        b"touch" | b"chown" | b"chgrp" | b"symlink" => {
            let path = path(interpreter, 0);
            if name == b"touch" && facts(interpreter, path.clone())?.is_none() {
                done(interpreter, &Wish::Write { path, content: Vec::new(), append: true })?
            } else {
                Value::Bool(name == b"touch")
            }
        }
        b"chdir" => {
            let path = path(interpreter, 0);
            let found = facts(interpreter, path.clone())?.is_some_and(|facts| facts.is_folder);
            if found {
                interpreter.folder = path;
            }
            Value::Bool(found)
        }
        b"tempnam" => Value::of("/tmp/phpR4nT1f"),
        _ => return Ok(None),
    }))
}

fn facts(interpreter: &mut Interpreter<'_>, path: Vec<u8>) -> Result<Option<FileFacts>, Stop> {
    match interpreter.ask(&Wish::Stat(path))? {
        Given::Facts(facts) => Ok(facts),
        _ => Ok(None),
    }
}

#[expect(clippy::too_many_lines, reason = "one flat table of names and what each does")]
fn open(interpreter: &mut Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Found {
    if name == b"fopen" || name == b"opendir" {
        let path = arguments.text(0);
        let mode = arguments.text(1);
        let writes = name == b"fopen" && mode.iter().any(|byte| b"wacx+".contains(byte));
        if interpreter.handles.len() >= OPEN {
            return Ok(Some(Value::Bool(false)));
        }
        let content = if name == b"opendir" {
            list(interpreter, &path)?.map(|names| names.join(&b'\n'))
        } else if writes {
            let append = mode.first() == Some(&b'a');
            if write(interpreter, &path, Vec::new(), append)? == Value::Bool(false) {
                return Ok(Some(Value::Bool(false)));
            }
            Some(Vec::new())
        } else {
            read(interpreter, &path)?
        };
        let Some(content) = content else { return Ok(Some(Value::Bool(false))) };
        interpreter.handles.push(Handle { path, content, at: 0, writes });
        return Ok(Some(handle(interpreter.handles.len() - 1)));
    }
    const OF_HANDLES: [&[u8]; 12] = [
        b"fwrite",
        b"fputs",
        b"fclose",
        b"fread",
        b"fgets",
        b"fgetc",
        b"feof",
        b"stream_get_contents",
        b"fpassthru",
        b"readdir",
        b"closedir",
        b"fflush",
    ];
    if !OF_HANDLES.contains(&name) {
        return Ok(None);
    }
    let place = usize::try_from(arguments.get(0).integer() - HANDLES).unwrap_or(usize::MAX);
    let Some(found) = interpreter.handles.get_mut(place) else {
        return Ok(Some(Value::Bool(name == b"feof")));
    };
    let rest = found.content.get(found.at..).unwrap_or_default();
    let length = match name {
        b"fwrite" | b"fputs" => {
            let (path, writes) = (found.path.clone(), found.writes);
            return if writes {
                write(interpreter, &path, arguments.text(1), true).map(Some)
            } else {
                Ok(Some(Value::Bool(false)))
            };
        }
        b"feof" => return Ok(Some(Value::Bool(rest.is_empty()))),
        b"fclose" | b"closedir" | b"fflush" => return Ok(Some(Value::Bool(true))),
        b"fgetc" => 1,
        b"fread" => usize::try_from(arguments.integer(1).unwrap_or(0)).unwrap_or(0),
        b"fgets" | b"readdir" => {
            rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1)
        }
        _ => rest.len(),
    };
    let piece = rest[..length.min(rest.len())].to_vec();
    let ended = rest.is_empty();
    found.at += piece.len();
    Ok(Some(match name {
        b"fpassthru" => {
            interpreter.print(&piece)?;
            Value::Integer(piece.len() as i64)
        }
        b"fgets" | b"readdir" | b"fgetc" if ended => Value::Bool(false),
        b"readdir" => Value::Text(piece.trim_ascii_end().to_vec()),
        _ => Value::Text(piece),
    }))
}

fn list(interpreter: &mut Interpreter<'_>, path: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Stop> {
    let path = absolute(interpreter, path);
    match interpreter.ask(&Wish::List(path))? {
        Given::Names(Some(names)) => {
            let dots = [b".".to_vec(), b"..".to_vec()];
            Ok(Some(dots.into_iter().chain(names.into_iter().take(500)).collect()))
        }
        _ => Ok(None),
    }
}

fn asking(interpreter: &mut Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Found {
    let path = arguments.text(0);
    Ok(Some(match name {
        b"file_get_contents" => match read(interpreter, &path)? {
            Some(bytes) => Value::Text(bytes),
            None => Value::Bool(false),
        },
        b"readfile" | b"highlight_file" | b"show_source" => match read(interpreter, &path)? {
            Some(bytes) => {
                interpreter.print(&bytes)?;
                Value::Integer(bytes.len() as i64)
            }
            None => Value::Bool(false),
        },
        b"file" => match read(interpreter, &path)? {
            Some(bytes) => Value::Array(Array::list(
                bytes.split_inclusive(|byte| *byte == b'\n').map(|line| Value::Text(line.to_vec())),
            )),
            None => Value::Bool(false),
        },
        b"scandir" => match list(interpreter, &path)? {
            Some(names) => Value::Array(Array::list(names.into_iter().map(Value::Text))),
            None => Value::Bool(false),
        },
        b"glob" => {
            let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            let folder = path[..end].to_vec();
            let names = list(interpreter, if folder.is_empty() { b"." } else { &folder })?
                .unwrap_or_default();
            let names = names.into_iter().filter(|name| !name.starts_with(b"."));
            Value::Array(Array::list(names.map(|name| Value::Text([&folder[..], &name].concat()))))
        }
        b"file_exists" | b"is_file" | b"is_dir" | b"is_readable" | b"is_writable"
        | b"is_writeable" | b"filesize" | b"filemtime" | b"filectime" | b"fileatime"
        | b"fileperms" | b"fileowner" | b"filegroup" | b"is_link" | b"is_executable" => {
            let path = absolute(interpreter, &path);
            let found = facts(interpreter, path)?;
            stat(name, found)
        }
        _ => return Ok(None),
    }))
}

fn stat(name: &[u8], found: Option<FileFacts>) -> Value {
    let Some(found) = found else { return Value::Bool(false) };
    let owned = found.owner == 33;
    match name {
        b"is_file" => Value::Bool(!found.is_folder),
        b"is_dir" => Value::Bool(found.is_folder),
        b"is_writable" | b"is_writeable" => Value::Bool(owned || found.mode & 2 != 0),
        b"is_readable" => Value::Bool(owned || found.mode & 4 != 0),
        b"is_executable" => Value::Bool(found.mode & 1 != 0),
        b"is_link" => Value::Bool(false),
        b"filesize" => Value::Integer(i64::try_from(found.size).unwrap_or(0)),
        b"fileperms" => Value::Integer(found.mode.into()),
        b"fileowner" | b"filegroup" => Value::Integer(found.owner.into()),
        b"file_exists" => Value::Bool(true),
        _ => Value::Integer(found.modified),
    }
}

fn names(interpreter: &Interpreter<'_>, name: &[u8], arguments: &Arguments<'_>) -> Option<Value> {
    let path = arguments.text(0);
    let trimmed: &[u8] = path.strip_suffix(b"/").unwrap_or(&path);
    let slash = trimmed.iter().rposition(|byte| *byte == b'/');
    Some(match name {
        b"getcwd" => Value::Text(interpreter.folder.clone()),
        b"dirname" => Value::Text(match slash {
            None => b".".to_vec(),
            Some(0) => b"/".to_vec(),
            Some(at) => trimmed[..at].to_vec(),
        }),
        b"basename" => Value::Text(trimmed[slash.map_or(0, |at| at + 1)..].to_vec()),
        b"realpath" => Value::Text(absolute(interpreter, &path)),
        b"sys_get_temp_dir" => Value::of("/tmp"),
        b"pathinfo" => {
            let name = &trimmed[slash.map_or(0, |at| at + 1)..];
            let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
            let mut array = Array::default();
            for (key, value) in [
                ("dirname", trimmed[..slash.unwrap_or(0)].to_vec()),
                ("basename", name.to_vec()),
                ("extension", name.get(dot + 1..).unwrap_or_default().to_vec()),
                ("filename", name[..dot].to_vec()),
            ] {
                array.set(super::Key::Text(key.into()), Value::Text(value));
            }
            if arguments.integer(1) == Some(4) {
                return Some(Value::Text(name.get(dot + 1..).unwrap_or_default().to_vec()));
            }
            Value::Array(array)
        }
        _ => return None,
    })
}
