//! Statements that make, fill, change and drop: what a visitor does to his copy.

use kizashi_event::{Detail, HostileText, PayloadOrigin};

use super::{Answer, Scene, no_database, unknown_database};
use crate::capture::Capture;
use crate::mysql::tokens::{Kind, Token, closing, pieces, span};
use crate::redis::is_ransom;
use crate::sql::{Column, Relation, Value};

/// Rows that one statement may write.
const ROWS: usize = 256;
const COLUMNS: usize = 64;
const DATABASES: usize = 24;

/// A table's database and name at these tokens, and how many they are.
fn target(scene: &Scene<'_>, words: &[Token]) -> Option<(Vec<u8>, Vec<u8>, usize)> {
    let first = words.first()?.name()?;
    if words.get(1).is_some_and(|token| token.is_sign(b'.')) {
        return Some((first.to_vec(), words.get(2)?.name()?.to_vec(), 3));
    }
    Some((scene.account.database.clone().into_bytes(), first.to_vec(), 1))
}

fn no_table(database: &[u8], name: &[u8]) -> Answer {
    if database.is_empty() {
        return no_database();
    }
    Answer::Error(1146, [b"Table '", database, b".", name, b"' doesn't exist"].concat())
}

fn syntax(scene: &Scene<'_>, text: &[u8]) -> Answer {
    match scene.select(text).0 {
        Ok(_) => Answer::Done(0),
        Err(error) => error.into(),
    }
}

fn full(name: &[u8]) -> Answer {
    Answer::Error(1114, [b"The table '", name, b"' is full"].concat())
}

fn relation(scene: &Scene<'_>, database: &[u8], name: &[u8]) -> Option<Relation> {
    let found = scene.copy.tables(database)?.iter().find(|table| table.name.as_bytes() == name);
    found.cloned()
}

/// `words` without these at their beginning.
fn past<'a>(mut words: &'a [Token], skipped: &[&str]) -> &'a [Token] {
    while let Some((_, rest)) =
        words.split_first().filter(|(first, _)| skipped.iter().any(|word| first.is(word)))
    {
        words = rest;
    }
    words
}

/// A demand for money is a note of its own; so is a long value a payload.
fn look(scene: &mut Scene<'_>, row: &[Value]) {
    let text = row.iter().map(Value::bytes).collect::<Vec<_>>().join(&b' ');
    if is_ransom(&text) {
        scene.class("ransom note");
        scene.out.tell(Detail::Payload(Box::new(Capture::of(&text).finish(PayloadOrigin::Sent))));
    }
}

pub(super) fn insert(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let rest = past(&words[1..], &["low_priority", "delayed", "high_priority", "ignore", "into"]);
    let Some((database, name, length)) = target(scene, rest) else { return syntax(scene, text) };
    let Some(table) = relation(scene, &database, &name) else { return no_table(&database, &name) };
    let mut rest = &rest[length..];
    let all = |table: &Relation| (0..table.columns.len()).collect::<Vec<_>>();
    let mut columns = all(&table);
    if rest.first().is_some_and(|token| token.is_sign(b'('))
        && let Some(end) = closing(rest, 0)
    {
        columns.clear();
        for token in rest[1..end].iter().filter_map(Token::name) {
            let same = |column: &Column| column.name.as_bytes().eq_ignore_ascii_case(token);
            let Some(place) = table.columns.iter().position(same) else {
                return Answer::Error(
                    1054,
                    [b"Unknown column '", token, b"' in 'field list'"].concat(),
                );
            };
            columns.push(place);
        }
        rest = &rest[end + 1..];
    }
    let mut given = Vec::new();
    if rest.first().is_some_and(|token| token.is("values") || token.is("value")) {
        for piece in pieces(&rest[1..]).into_iter().take(ROWS) {
            let Some(end) = closing(piece, 0) else { return syntax(scene, text) };
            match scene.values(span(text, &piece[1..end])) {
                Ok(values) => given.push(values),
                Err(error) => return error.into(),
            }
        }
    } else if rest.first().is_some_and(|token| token.is("select")) {
        match scene.select(&text[rest[0].start..]).0 {
            Ok(rows) => given.extend(rows.rows.into_iter().take(ROWS)),
            Err(error) => return error.into(),
        }
    } else {
        return syntax(scene, text);
    }
    store(scene, &database, &table, &columns, given)
}

fn store(
    scene: &mut Scene<'_>,
    database: &[u8],
    table: &Relation,
    columns: &[usize],
    given: Vec<Vec<Value>>,
) -> Answer {
    let count = given.len();
    let mut rows = Vec::new();
    for (number, values) in given.into_iter().enumerate() {
        if values.len() != columns.len() {
            let message = format!("Column count doesn't match value count at row {}", number + 1);
            return Answer::error(1136, message);
        }
        look(scene, &values);
        let bytes = values.iter().map(|value| value.bytes().len()).sum();
        if !scene.copy.admits(bytes) {
            return full(table.name.as_bytes());
        }
        let mut row = vec![Value::Null; table.columns.len()];
        for (place, value) in columns.iter().zip(values) {
            row[*place] = value;
        }
        if table.columns[0].extra == "auto_increment" && row[0] == Value::Null {
            row[0] = Value::Integer((table.rows.len() + rows.len() + 1) as i128);
        }
        rows.push(row);
    }
    scene.copy.change(database, |tables| {
        if let Some(found) = tables.iter_mut().find(|found| found.name == table.name) {
            found.rows.extend(rows);
        }
    });
    Answer::Done(count as u64)
}

/// Changes the rows that a WHERE finds: each is looked for as a whole.
pub(super) fn update(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let rest = past(&words[1..], &["low_priority", "ignore"]);
    let Some((database, name, length)) = target(scene, rest) else { return syntax(scene, text) };
    let Some(table) = relation(scene, &database, &name) else { return no_table(&database, &name) };
    let Some(set) = rest.get(length).filter(|token| token.is("set")) else {
        return syntax(scene, text);
    };
    let end =
        rest.iter().position(|token| token.is("where") || token.is("limit")).unwrap_or(rest.len());
    let (mut places, mut expressions) = (Vec::new(), Vec::new());
    for piece in pieces(&rest[(length + 1).min(end)..end]) {
        let Some((column, value)) = piece.split_first() else { return syntax(scene, text) };
        let name = column.name().unwrap_or_default();
        let same = |column: &Column| column.name.as_bytes().eq_ignore_ascii_case(name);
        let Some(place) = table.columns.iter().position(same) else {
            return Answer::Error(1054, [b"Unknown column '", name, b"' in 'field list'"].concat());
        };
        let Some((_, value)) = value.split_first().filter(|(sign, _)| sign.is_sign(b'=')) else {
            return syntax(scene, &text[set.start..]);
        };
        places.push(place);
        expressions.push(span(text, value));
    }
    let condition = rest.get(end).map_or(&b""[..], |token| &text[token.start..]);
    let from = span(text, &rest[..length]);
    let query =
        [b"SELECT *, ", &expressions.join(&b", "[..])[..], b" FROM ", from, b" ", condition]
            .concat();
    let found = match scene.select(&query).0 {
        Ok(found) => found.rows,
        Err(error) => return error.into(),
    };
    let width = table.columns.len();
    let bytes = found.iter().flat_map(|row| &row[width..]).map(|value| value.bytes().len()).sum();
    if !scene.copy.admits(bytes) {
        return full(&name);
    }
    found.iter().for_each(|row| look(scene, &row[width..]));
    let affected = found.len() as u64;
    scene.copy.change(&database, |tables| {
        let Some(table) = tables.iter_mut().find(|table| table.name.as_bytes() == name) else {
            return;
        };
        for row in &found {
            if let Some(old) = table.rows.iter_mut().find(|old| old[..] == row[..width]) {
                places
                    .iter()
                    .zip(&row[width..])
                    .for_each(|(place, value)| old[*place] = value.clone());
            }
        }
    });
    Answer::Done(affected)
}

pub(super) fn delete(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let rest = past(&words[1..], &["low_priority", "quick", "ignore", "from", "table"]);
    let Some((database, name, length)) = target(scene, rest) else { return syntax(scene, text) };
    if relation(scene, &database, &name).is_none() {
        return no_table(&database, &name);
    }
    let condition = rest.get(length).map_or(&b""[..], |token| &text[token.start..]);
    let from = span(text, &rest[..length]);
    let gone = match scene.select(&[b"SELECT * FROM ", from, b" ", condition].concat()).0 {
        Ok(found) => found.rows,
        Err(error) => return error.into(),
    };
    scene.class("deletion");
    scene.copy.change(&database, |tables| {
        if let Some(table) = tables.iter_mut().find(|table| table.name.as_bytes() == name) {
            table.rows.retain(|row| !gone.contains(row));
        }
    });
    let truncates = words[0].is("truncate");
    Answer::Done(if truncates { 0 } else { gone.len() as u64 })
}

pub(super) fn create(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let rest = past(&words[1..], &["or", "replace", "temporary", "aggregate"]);
    let Some((kind, rest)) = rest.split_first() else { return syntax(scene, text) };
    let unless = rest.first().is_some_and(|token| token.is("if"));
    let rest = past(rest, &["if", "not", "exists"]);
    if kind.is("database") || kind.is("schema") {
        let Some(name) = rest.first().and_then(Token::name) else { return syntax(scene, text) };
        let there = scene.copy.tables(name).is_some();
        if there && !unless {
            let message = [b"Can't create database '", name, b"'; database exists"].concat();
            return Answer::Error(1007, message);
        }
        let name = String::from_utf8_lossy(name).into_owned();
        if !there && scene.copy.databases.len() < DATABASES && scene.copy.admits(name.len()) {
            scene.copy.databases.push((name, Vec::new().into()));
        }
        return Answer::Done(1);
    }
    if kind.is("table") {
        return create_table(scene, text, rest, unless);
    }
    if kind.is("function") {
        return create_function(scene, rest);
    }
    Answer::Done(0)
}

fn create_table(scene: &mut Scene<'_>, text: &[u8], words: &[Token], unless: bool) -> Answer {
    let Some((database, name, length)) = target(scene, words) else { return syntax(scene, text) };
    if scene.copy.tables(&database).is_none() {
        return if database.is_empty() { no_database() } else { unknown_database(&database) };
    }
    if relation(scene, &database, &name).is_some() {
        let exists = Answer::Error(1050, [b"Table '", &name[..], b"' already exists"].concat());
        return if unless { Answer::Done(0) } else { exists };
    }
    let Some(end) = closing(words, length) else { return syntax(scene, text) };
    let mut columns = Vec::new();
    const KEYS: [&str; 8] =
        ["primary", "key", "unique", "index", "constraint", "foreign", "fulltext", "check"];
    for piece in pieces(&words[length + 1..end]).into_iter().take(COLUMNS) {
        let Some((first, rest)) = piece.split_first() else { continue };
        let Some(name) = first.name().filter(|_| !KEYS.iter().any(|key| first.is(key))) else {
            continue;
        };
        let typed = match rest.get(1) {
            Some(token) if token.is_sign(b'(') => closing(rest, 1).unwrap_or(0),
            _ => 0,
        };
        let kind = rest.get(..=typed).map(|words| span(text, words)).unwrap_or(b"text");
        let counts = rest.iter().any(|token| token.is("auto_increment"));
        columns.push(Column {
            name: String::from_utf8_lossy(name).into_owned().into(),
            kind: String::from_utf8_lossy(kind).to_ascii_lowercase().into(),
            key: if rest.iter().any(|token| token.is("primary")) { "PRI" } else { "" },
            extra: if counts { "auto_increment" } else { "" },
            nullable: !rest.iter().any(|token| token.is("not")),
        });
    }
    if columns.is_empty() {
        return Answer::error(1113, "A table must have at least 1 column");
    }
    if !scene.copy.admits(span(text, words).len()) {
        return full(&name);
    }
    let name = String::from_utf8_lossy(&name).into_owned();
    scene
        .copy
        .change(&database, |tables| tables.push(Relation { name, columns, rows: Vec::new() }));
    Answer::Done(0)
}

/// A function of a shared library, if the visitor had that written; one of SQL is taken as said.
fn create_function(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    let Some(name) = words.first().and_then(Token::name).map(<[u8]>::to_vec) else {
        return no_database();
    };
    let library = words.windows(2).find_map(|pair| match &pair[1].kind {
        Kind::Text(library) if pair[0].is("soname") => Some(library.clone()),
        _ => None,
    });
    let Some(library) = library else { return Answer::Done(0) };
    scene.class("function created");
    let value = HostileText::from_bytes(&[&name[..], b" of ", &library].concat());
    scene.out.tell(Detail::Note { name: "mysql function".into(), value });
    if scene.copy.function(&name).is_some() {
        return Answer::Error(1125, [b"Function '", &name[..], b"' already exists"].concat());
    }
    let place = [b"/usr/lib/mysql/plugin/", &library[..]].concat();
    if !scene.copy.files.contains(&place) || !scene.copy.admits(name.len() + library.len()) {
        let start = b"Can't open shared library '";
        let middle = if scene.identity.mysql_release().is_mariadb() {
            b"' (errno: 0, ".to_vec()
        } else {
            [b"' (errno: 0 ", &place[..], b": "].concat()
        };
        let end = b"cannot open shared object file: No such file or directory)";
        return Answer::Error(1126, [&start[..], &library, &middle, end].concat());
    }
    let string = words.windows(2).any(|pair| pair[0].is("returns") && pair[1].is("string"));
    let kind = Value::Integer(if string { 0 } else { 2 });
    let row = vec![Value::Text(name), kind, Value::Text(library), Value::text("function")];
    scene.copy.change(b"mysql", |tables| {
        tables
            .iter_mut()
            .filter(|table| table.name == "func")
            .for_each(|table| table.rows.push(row.clone()));
    });
    Answer::Done(0)
}

pub(super) fn drop(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    let Some((kind, rest)) = words[1..].split_first() else { return no_database() };
    let unless = rest.first().is_some_and(|token| token.is("if"));
    let rest = past(rest, &["if", "exists"]);
    let Some((database, name, _)) = target(scene, rest) else { return Answer::Done(0) };
    if kind.is("database") || kind.is("schema") {
        return drop_database(scene, &name, unless);
    }
    if kind.is("table") {
        scene.class("deletion");
        let gone = scene.copy.change(&database, |tables| {
            let before = tables.len();
            tables.retain(|table| table.name.as_bytes() != name);
            before - tables.len()
        });
        let missing = [b"Unknown table '", &database[..], b".", &name, b"'"].concat();
        return if gone > Some(0) || unless {
            Answer::Done(0)
        } else {
            Answer::Error(1051, missing)
        };
    }
    if kind.is("function") {
        let there = scene.copy.function(&name).is_some();
        scene.copy.change(b"mysql", |tables| {
            for table in tables.iter_mut().filter(|table| table.name == "func") {
                table.rows.retain(|row| !row[0].bytes().eq_ignore_ascii_case(&name));
            }
        });
        let missing = [b"FUNCTION ", &database[..], b".", &name, b" does not exist"].concat();
        return if there || unless { Answer::Done(0) } else { Answer::Error(1305, missing) };
    }
    Answer::Done(0)
}

fn drop_database(scene: &mut Scene<'_>, name: &[u8], unless: bool) -> Answer {
    let Some(tables) = scene.copy.tables(name).map(|tables| tables.len()) else {
        let missing = [b"Can't drop database '", name, b"'; database doesn't exist"].concat();
        return if unless { Answer::Done(0) } else { Answer::Error(1008, missing) };
    };
    scene.class("deletion");
    scene.copy.databases.retain(|(there, _)| there.as_bytes() != name);
    if scene.account.database.as_bytes() == name {
        scene.account.database.clear();
    }
    Answer::Done(tables as u64)
}
