//! What attackers bring into a server: large objects, which become files, and functions of libraries, which run commands. Nothing is written
//! or loaded; files are payloads under their path.

use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin};

use super::changes::{create_table, folded, past, target};
use super::{Answer, Next, PgError, Scene, Then, machine};
use crate::capture::Capture;
use crate::postgresql::catalog::words as split;
use crate::postgresql::functions::from_hex;
use crate::postgresql::store::{FUNCTIONS, Function, OBJECTS};
use crate::sql::Value;
use crate::sql::tokens::{Kind, Token, closing, span};

/// Folders into which the server's account may write.
const WRITABLE: [&[u8]; 4] = [b"/var/lib/postgresql/", b"/tmp/", b"/var/tmp/", b"/dev/shm/"];
/// Digits of a hexadecimal literal that is kept as a payload.
const LONG_LITERAL: usize = 512;
const DATABASES: usize = 24;
/// Bytes of a page of a large object (`LOBLKSIZE`).
const PAGE: usize = 2_048;

/// Functions that change something.
const CALLS: [&[u8]; 11] = [
    b"lo_create",
    b"lo_creat",
    b"lo_from_bytea",
    b"lo_put",
    b"lo_import",
    b"lo_export",
    b"lo_unlink",
    b"lo_open",
    b"lo_close",
    b"lowrite",
    b"pg_file_write",
];

/// Where in the words of a SELECT a call stands that changes something or runs on the machine.
fn place_of_call(scene: &Scene<'_>, words: &[Token]) -> Option<usize> {
    let first = words.first().filter(|first| first.is("select"))?;
    debug_assert!(first.is("select"));
    let from = words.get(1).is_some_and(|token| token.is_sign(b'*'))
        && words.get(2).is_some_and(|token| token.is("from"));
    let at = if from { 3 } else { 1 };
    let at = if words.get(at + 1).is_some_and(|token| token.is_sign(b'.')) { at + 2 } else { at };
    let name = folded(words.get(at)?)?;
    words.get(at + 1).filter(|token| token.is_sign(b'('))?;
    let known = CALLS.contains(&name.as_slice()) || scene.copy.functions.contains_key(&name);
    known.then_some(at)
}

pub(super) fn is_call(scene: &Scene<'_>, words: &[Token]) -> bool {
    place_of_call(scene, words).is_some()
}

/// Carries such a call out.
pub(super) fn call(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Option<Next> {
    let at = place_of_call(scene, words)?;
    let name = folded(words.get(at)?)?;
    let end = closing(words, at + 1)?;
    let given = span(text, &words[at + 2..end]);
    let values = if given.is_empty() { Ok(Vec::new()) } else { scene.values(given) };
    let values = match values {
        Ok(values) => values,
        Err(error) => return Some(error.into()),
    };
    if let Some(function) = scene.copy.functions.get(&name).cloned() {
        scene.class("function called");
        let line = values.first().map(Value::bytes).unwrap_or_default();
        let then = Then::Value { column: name, output: function.gives_text };
        return Some(Next::Run { line, input: Vec::new(), then });
    }
    Some(match object(scene, &name, &values) {
        Ok(value) => {
            let kind = if value == Value::text("") { "text" } else { "integer" };
            Next::Answer(Answer::single(&name, kind, value), Duration::ZERO)
        }
        Err(error) => error.into(),
    })
}

fn number(value: Option<&Value>) -> u32 {
    value.and_then(|value| u32::try_from(value.integer()).ok()).unwrap_or(0)
}

fn no_object(oid: u32) -> PgError {
    PgError::new("42704", format!("large object {oid} does not exist")).at(
        "inv_api.c",
        "285",
        "inv_open",
    )
}

/// A value of `bytea`: `\x7f45…` where it came as text.
fn bytea(value: Option<&Value>) -> Vec<u8> {
    let bytes = value.map(Value::bytes).unwrap_or_default();
    bytes.strip_prefix(b"\\x").and_then(from_hex).unwrap_or(bytes)
}

fn object(scene: &mut Scene<'_>, name: &[u8], values: &[Value]) -> Result<Value, PgError> {
    let oid = number(values.first());
    match name {
        b"lo_create" | b"lo_creat" | b"lo_from_bytea" => {
            let oid = if oid == 0 || name == b"lo_creat" { scene.copy.number() } else { oid };
            let content = if name == b"lo_from_bytea" { bytea(values.get(1)) } else { Vec::new() };
            put(scene, oid, &content, true)?;
            Ok(Value::Integer(oid.into()))
        }
        b"lo_put" => {
            put(scene, oid, &bytea(values.get(2)), false)?;
            Ok(Value::text(""))
        }
        b"lowrite" => {
            let (last, content) =
                (scene.copy.objects.keys().next_back().copied(), bytea(values.get(1)));
            put(scene, last.unwrap_or(oid), &content, false)?;
            Ok(Value::Integer(content.len() as i128))
        }
        b"lo_open" if !scene.copy.objects.contains_key(&oid) => Err(no_object(oid)),
        b"lo_open" | b"lo_close" => Ok(Value::Integer(0)),
        b"lo_unlink" => {
            scene.copy.objects.remove(&oid).map(|_| Value::Integer(1)).ok_or_else(|| no_object(oid))
        }
        b"lo_import" => {
            let path = values.first().map(Value::bytes).unwrap_or_default();
            let found = machine(scene.identity, scene.visit, scene.now).files().read(
                &path,
                0,
                Capture::KEPT,
            );
            let Ok(content) = found else {
                let text = "could not open server file \"{}\": No such file or directory";
                return Err(PgError::about("58P01", text, &path).at(
                    "be-fsstubs.c",
                    "422",
                    "lo_import_internal",
                ));
            };
            let oid = if values.len() > 1 { number(values.get(1)) } else { scene.copy.number() };
            put(scene, oid, &content, true)?;
            Ok(Value::Integer(oid.into()))
        }
        b"lo_export" => {
            let path = values.get(1).map(Value::bytes).unwrap_or_default();
            let content = scene.copy.objects.get(&oid).cloned().ok_or_else(|| no_object(oid))?;
            write(scene, &path, content, "server file ")?;
            Ok(Value::Integer(1))
        }
        _ => {
            let (path, content) =
                (values.first().map(Value::bytes).unwrap_or_default(), bytea(values.get(1)));
            write(scene, &path, Capture::of(&content), "file ")?;
            Ok(Value::Integer(content.len() as i128))
        }
    }
}

/// Adds to a large object, or begins it.
fn put(scene: &mut Scene<'_>, oid: u32, content: &[u8], fresh: bool) -> Result<(), PgError> {
    let room = scene.copy.object_room();
    let there = scene.copy.objects.contains_key(&oid);
    if fresh && there {
        let message =
            "duplicate key value violates unique constraint \"pg_largeobject_metadata_oid_index\"";
        let error = PgError::new("23505", message);
        return Err(PgError {
            detail: format!("Key (oid)=({oid}) already exists.").into_bytes(),
            ..error
        });
    }
    if !fresh && !there {
        return Err(no_object(oid));
    }
    if !there && scene.copy.objects.len() >= OBJECTS {
        return Err(super::changes::full());
    }
    scene.copy.objects.entry(oid).or_default().feed_within(content, room);
    Ok(())
}

/// A file as the server would write it: told as a payload, and remembered by its path.
pub(super) fn write(
    scene: &mut Scene<'_>,
    path: &[u8],
    content: Capture,
    what: &str,
) -> Result<(), PgError> {
    scene.class("file written");
    let mut payload = content.finish(PayloadOrigin::Sent);
    payload.name = Some(HostileText::from_bytes(path));
    scene.out.tell(Detail::Payload(Box::new(payload)));
    let relative = path.first() != Some(&b'/');
    if !relative && !WRITABLE.iter().any(|folder| path.starts_with(folder)) {
        let text = format!("could not create {what}\"{{}}\": Permission denied");
        return Err(PgError::about("42501", &text, path));
    }
    if scene.copy.tables.admits(path.len()) {
        scene.copy.tables.files.insert(path.to_vec());
    }
    Ok(())
}

/// INSERT INTO pg_largeobject: a page of an object.
pub(super) fn insert_pages(
    scene: &mut Scene<'_>,
    text: &[u8],
    words: &[Token],
) -> Result<usize, PgError> {
    let Some(at) = words.iter().position(|token| token.is("values")) else {
        return Err(PgError::syntax(text, text.len()));
    };
    let Some(end) = closing(words, at + 1) else { return Err(PgError::syntax(text, text.len())) };
    let values = scene.values(span(text, &words[at + 2..end]))?;
    let oid = number(values.first());
    if !scene.copy.objects.contains_key(&oid) {
        put(scene, oid, b"", true)?;
    }
    put(scene, oid, &bytea(values.get(2)), false)?;
    Ok(1)
}

/// UPDATE pg_largeobject SET data = … WHERE loid = … AND pageno = …
pub(super) fn update_pages(
    scene: &mut Scene<'_>,
    text: &[u8],
    words: &[Token],
) -> Result<usize, PgError> {
    let equal =
        |name: &str| words.windows(2).position(|pair| pair[0].is(name) && pair[1].is_sign(b'='));
    let (Some(data), Some(loid)) = (equal("data"), equal("loid")) else { return Ok(0) };
    let end = words.iter().position(|token| token.is("where")).unwrap_or(words.len());
    let content = scene.values(span(text, words.get(data + 2..end).unwrap_or_default()))?;
    let stop =
        words[loid..].iter().position(|token| token.is("and")).map_or(words.len(), |at| loid + at);
    let oid =
        number(scene.values(span(text, words.get(loid + 2..stop).unwrap_or_default()))?.first());
    let Some(old) = scene.copy.objects.get(&oid) else { return Ok(0) };
    let first = old.content().len() <= PAGE;
    if first {
        scene.copy.objects.remove(&oid);
        put(scene, oid, &bytea(content.first()), true)?;
    } else {
        put(scene, oid, &bytea(content.first()), false)?;
    }
    Ok(1)
}

pub(super) fn create(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Next {
    let rest = past(
        &words[1..],
        &[
            "or",
            "replace",
            "temporary",
            "temp",
            "unlogged",
            "global",
            "local",
            "trusted",
            "procedural",
            "unique",
        ],
    );
    let Some((kind, rest)) = rest.split_first() else {
        return PgError::syntax(text, text.len()).into();
    };
    let unless = rest.first().is_some_and(|token| token.is("if"));
    let rest = past(rest, &["if", "not", "exists"]);
    let Kind::Word(kind, _) = &kind.kind else { return PgError::syntax(text, kind.start).into() };
    match kind.as_slice() {
        b"table" => create_table(scene, text, rest, unless).into(),
        b"database" => create_database(scene, rest).into(),
        b"function" | b"procedure" => create_function(scene, text, rest).into(),
        b"role" | b"user" => create_role(scene, rest).into(),
        b"extension" | b"language" => create_extension(scene, rest, kind == b"language").into(),
        b"schema" => Answer::done("CREATE SCHEMA").into(),
        b"view" => Answer::done("CREATE VIEW").into(),
        b"index" => Answer::done("CREATE INDEX").into(),
        b"sequence" => Answer::done("CREATE SEQUENCE").into(),
        b"trigger" => Answer::done("CREATE TRIGGER").into(),
        b"type" => Answer::done("CREATE TYPE").into(),
        b"server" => Answer::done("CREATE SERVER").into(),
        _ => PgError::syntax(text, words.get(1).map_or(0, |token| token.start)).into(),
    }
}

fn create_database(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    let Some(name) = words.first().and_then(folded) else { return Answer::Empty };
    if scene.copy.tables.tables(&name).is_some() {
        return PgError::about("42P04", "database \"{}\" already exists", &name)
            .at("dbcommands.c", "1242", "createdb")
            .into();
    }
    let databases = scene.copy.tables.databases.len();
    if databases < DATABASES && scene.copy.tables.admits(name.len()) {
        let name = String::from_utf8_lossy(&name).into_owned();
        scene.copy.tables.databases.push((name, Vec::new().into()));
    }
    Answer::done("CREATE DATABASE")
}

fn create_role(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    const ROLES: usize = 16;
    let Some(name) = words.first().and_then(folded) else { return Answer::Empty };
    let name = String::from_utf8_lossy(&name).into_owned();
    scene.class("role created");
    if scene.roles().iter().any(|(known, _)| *known == name) {
        return PgError::about("42710", "role \"{}\" already exists", name.as_bytes())
            .at("user.c", "308", "CreateRole")
            .into();
    }
    if scene.copy.roles.len() < ROLES && scene.copy.tables.admits(name.len()) {
        scene.copy.roles.push(name);
    }
    Answer::done("CREATE ROLE")
}

fn create_extension(scene: &Scene<'_>, words: &[Token], language: bool) -> Answer {
    let Some(name) = words.first().and_then(folded) else { return Answer::Empty };
    if ["dblink", "adminpack", "pgcrypto", "file_fdw", "plpgsql"]
        .iter()
        .any(|known| known.as_bytes() == name)
    {
        return Answer::done("CREATE EXTENSION");
    }
    let major = crate::postgresql::release::of(scene.identity.operating_system()).major();
    let shown = String::from_utf8_lossy(&name);
    let detail = format!(
        "Could not open extension control file \"/usr/share/postgresql/{major}/extension/{shown}.control\": No such file or directory."
    );
    let error = PgError::about("0A000", "extension \"{}\" is not available", &name);
    let place = if language { "CreateProceduralLanguage" } else { "parse_extension_control_file" };
    let error = PgError {
        detail: detail.into_bytes(),
        hint: "The extension must first be installed on the system where PostgreSQL is running.",
        ..error
    };
    error.at("extension.c", "669", place).into()
}

/// A function of a library, if the visitor had that written; one in SQL or PL/pgSQL is taken as said.
fn create_function(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let Some((name, _)) = target(words) else { return PgError::syntax(text, text.len()).into() };
    let in_c = words.windows(2).any(|pair| {
        pair[0].is("language")
            && (pair[1].is("c")
                || matches!(&pair[1].kind, Kind::Text(text) if text.eq_ignore_ascii_case(b"c")))
    });
    if !in_c {
        return Answer::done("CREATE FUNCTION");
    }
    let library = words.windows(2).find_map(|pair| match &pair[1].kind {
        Kind::Text(library) if pair[0].is("as") => Some(library.clone()),
        _ => None,
    });
    let library = library.unwrap_or_default();
    scene.class("function created");
    let value = HostileText::from_bytes(&[&name[..], b" of ", &library].concat());
    scene.out.tell(Detail::Note { name: "postgresql function".into(), value });
    if let Err(error) = loads(scene, &library) {
        return error.into();
    }
    let gives_text = words.windows(2).any(|pair| {
        pair[0].is("returns")
            && (pair[1].is("text") || pair[1].is("cstring") || pair[1].is("varchar"))
    });
    if scene.copy.functions.len() < FUNCTIONS
        && scene.copy.tables.admits(name.len() + library.len())
    {
        scene.copy.functions.insert(name, Function { library, gives_text });
    }
    Answer::done("CREATE FUNCTION")
}

fn loads(scene: &Scene<'_>, library: &[u8]) -> Result<(), PgError> {
    let with_ending = [library, b".so"].concat();
    let written = &scene.copy.tables.files;
    if written.contains(library) || written.contains(&with_ending) {
        return Ok(());
    }
    let libc = [&b"libc.so.6"[..], b"/lib/x86_64-linux-gnu/libc.so.6", b"/lib/libc.so.6"]
        .iter()
        .any(|known| library.ends_with(known));
    if libc {
        let text = "incompatible library \"{}\": missing magic block";
        let error = PgError::about("XX000", text, library);
        return Err(PgError {
            hint: "Extension libraries are required to use the PG_MODULE_MAGIC macro.",
            ..error
        });
    }
    let text = "could not access file \"{}\": No such file or directory";
    Err(PgError::about("58P01", text, library).at("dfmgr.c", "208", "internal_load_library"))
}

pub(super) fn load(scene: &mut Scene<'_>, words: &[Token]) -> Next {
    let Some(Kind::Text(library)) = words.get(1).map(|token| &token.kind) else {
        return Answer::Empty.into();
    };
    scene.class("library loaded");
    match loads(scene, library) {
        Ok(()) => Answer::done("LOAD").into(),
        Err(error) => error.into(),
    }
}

#[expect(clippy::too_many_lines, reason = "one flat list")]
pub(super) fn drop(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Next {
    let Some((kind, rest)) = words[1..].split_first() else {
        return PgError::syntax(text, text.len()).into();
    };
    let unless = rest.first().is_some_and(|token| token.is("if"));
    let rest = past(rest, &["if", "exists"]);
    let Some((name, _)) = target(rest) else { return PgError::syntax(text, text.len()).into() };
    let Kind::Word(kind, _) = &kind.kind else { return PgError::syntax(text, kind.start).into() };
    let missing =
        |what: &str, place: (&'static str, &'static str, &'static str), tag: &str| -> Next {
            if unless {
                return Answer::done(tag).into();
            }
            let code = if what == "database" {
                "3D000"
            } else if what == "table" {
                "42P01"
            } else {
                "42883"
            };
            PgError::about(code, &format!("{what} \"{{}}\" does not exist"), &name)
                .at(place.0, place.1, place.2)
                .into()
        };
    match kind.as_slice() {
        b"table" => {
            for piece in crate::sql::tokens::pieces(rest) {
                let Some((name, _)) = target(piece) else { continue };
                if scene.relation(&name).is_none() {
                    return missing(
                        "table",
                        ("tablecmds.c", "1304", "DropErrorMsgNonExistent"),
                        "DROP TABLE",
                    );
                }
                scene.class("deletion");
                scene.change(|tables| tables.retain(|table| table.name.as_bytes() != name));
            }
            Answer::done("DROP TABLE").into()
        }
        b"database" => {
            if scene.copy.tables.tables(&name).is_none() {
                return missing("database", ("dbcommands.c", "1549", "dropdb"), "DROP DATABASE");
            }
            if scene.account.database.as_bytes() == name {
                return PgError::new("55006", "cannot drop the currently open database")
                    .at("dbcommands.c", "1583", "dropdb")
                    .into();
            }
            scene.class("deletion");
            scene.copy.tables.databases.retain(|(there, _)| there.as_bytes() != name);
            Answer::done("DROP DATABASE").into()
        }
        b"function" | b"procedure" => {
            let gone = scene.copy.functions.remove(&name).is_some();
            if gone {
                Answer::done("DROP FUNCTION").into()
            } else {
                missing("function", ("", "", ""), "DROP FUNCTION")
            }
        }
        b"schema" => Answer::done("DROP SCHEMA").into(),
        b"role" | b"user" => {
            scene.copy.roles.retain(|role| role.as_bytes() != name);
            Answer::done("DROP ROLE").into()
        }
        b"extension" => Answer::done("DROP EXTENSION").into(),
        b"view" => Answer::done("DROP VIEW").into(),
        _ => PgError::syntax(text, words[1].start).into(),
    }
}

/// DO: what a block copies to or from a program runs; the rest of it is taken as said.
pub(super) fn block(scene: &mut Scene<'_>, words: &[Token]) -> Next {
    let body = words.iter().find_map(|token| match &token.kind {
        Kind::Text(body) => Some(body.clone()),
        _ => None,
    });
    let Some(body) = body else { return PgError::new("42601", "no inline code specified").into() };
    scene.class("block");
    // Often the statement is itself a text in the block, which EXECUTE carries out.
    let line = program_in(&body).or_else(|| {
        split(&body).into_iter().find_map(|token| match token.kind {
            Kind::Text(inner) => program_in(&inner),
            _ => None,
        })
    });
    match line {
        Some(line) => {
            scene.class("program");
            Next::Run { line, input: Vec::new(), then: Then::Nothing }
        }
        None => Answer::done("DO").into(),
    }
}

fn program_in(text: &[u8]) -> Option<Vec<u8>> {
    split(text).windows(2).find_map(|pair| match &pair[1].kind {
        Kind::Text(line) if pair[0].is("program") => Some(line.clone()),
        _ => None,
    })
}

/// The bytes of a long literal in a statement, `'\x7f45…'` or `decode('7f45…', 'hex')`: mostly a library.
pub(in crate::postgresql) fn literal(text: &[u8]) -> Option<Vec<u8>> {
    split(text).into_iter().find_map(|token| match token.kind {
        Kind::Text(digits) if digits.len() >= LONG_LITERAL => {
            let plain = digits.strip_prefix(b"\\x").unwrap_or(&digits);
            from_hex(plain).or_else(|| crate::http::decode_base64(plain))
        }
        _ => None,
    })
}
