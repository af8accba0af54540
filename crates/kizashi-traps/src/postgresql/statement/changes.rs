//! Rows that are written, changed and deleted, and tables that are made.

use kizashi_event::{Detail, PayloadOrigin};

use super::{Answer, PgError, Scene};
use crate::capture::Capture;
use crate::postgresql::store::own_type;
use crate::redis::is_ransom;
use crate::sql::tokens::{Token, closing, pieces, span};
use crate::sql::{Column, Relation, Value};

/// Rows that one statement may write, and columns of a table.
const ROWS: usize = 256;
const COLUMNS: usize = 64;

/// A table's name at these tokens, without its schema, and how many they are.
pub(super) fn target(words: &[Token]) -> Option<(Vec<u8>, usize)> {
    let first = folded(words.first()?)?;
    if words.get(1).is_some_and(|token| token.is_sign(b'.')) {
        return Some((folded(words.get(2)?)?, 3));
    }
    Some((first, 1))
}

/// A name as it is kept: small letters where it was not quoted.
pub(super) fn folded(token: &Token) -> Option<Vec<u8>> {
    match &token.kind {
        crate::sql::tokens::Kind::Word(small, _) => Some(small.clone()),
        _ => token.name().map(<[u8]>::to_vec),
    }
}

/// `words` without these at their beginning.
pub(super) fn past<'a>(mut words: &'a [Token], skipped: &[&str]) -> &'a [Token] {
    while let Some((_, rest)) =
        words.split_first().filter(|(first, _)| skipped.iter().any(|word| first.is(word)))
    {
        words = rest;
    }
    words
}

fn end_of(text: &[u8]) -> PgError {
    PgError::syntax(text, text.len())
}

pub(super) fn full() -> PgError {
    PgError::new("53100", "could not extend file \"base/16384/16391\": No space left on device")
}

impl Scene<'_> {
    pub(super) fn relation(&self, name: &[u8]) -> Option<Relation> {
        let tables = self.copy.tables.tables(self.account.database.as_bytes())?;
        tables.iter().find(|table| table.name.as_bytes() == name).cloned()
    }

    /// Lets `act` change the tables of this database.
    pub(super) fn change(&mut self, act: impl FnOnce(&mut Vec<Relation>)) {
        self.copy.tables.change(self.account.database.as_bytes(), act);
    }

    /// Puts rows into a table; each has a value for each of these columns.
    pub(super) fn store(
        &mut self,
        table: &Relation,
        columns: &[usize],
        given: Vec<Vec<Value>>,
    ) -> Result<usize, PgError> {
        let count = given.len();
        let mut rows = Vec::new();
        for values in given {
            let text = values.iter().map(Value::bytes).collect::<Vec<_>>().join(&b' ');
            if is_ransom(&text) {
                self.class("ransom note");
                let payload = Capture::of(&text).finish(PayloadOrigin::Sent);
                self.out.tell(Detail::Payload(Box::new(payload)));
            }
            if !self.copy.tables.admits(values.iter().map(|value| value.bytes().len()).sum()) {
                return Err(full());
            }
            let mut row = vec![Value::Null; table.columns.len()];
            for (place, value) in columns.iter().zip(values) {
                row[*place] = value;
            }
            let first = table.columns.first();
            if first.is_some_and(|column| column.extra == "auto_increment") && row[0] == Value::Null
            {
                row[0] = Value::Integer((table.rows.len() + rows.len() + 1) as i128);
            }
            rows.push(row);
        }
        self.change(|tables| {
            if let Some(found) = tables.iter_mut().find(|found| found.name == table.name) {
                found.rows.extend(rows);
            }
        });
        Ok(count)
    }
}

/// Columns named in brackets at the beginning of `words`, or all; and how many words they are.
pub(super) fn named_columns(
    table: &Relation,
    words: &[Token],
) -> Result<(Vec<usize>, usize), PgError> {
    let end = words.first().filter(|token| token.is_sign(b'(')).and_then(|_| closing(words, 0));
    let Some(end) = end else { return Ok(((0..table.columns.len()).collect(), 0)) };
    let mut columns = Vec::new();
    for token in &words[1..end] {
        let Some(name) = folded(token) else { continue };
        let Some(place) = table.columns.iter().position(|column| column.name.as_bytes() == name)
        else {
            let text = [b"column \"", &name[..], b"\" of relation \"{}\" does not exist"].concat();
            let error =
                PgError::about("42703", &String::from_utf8_lossy(&text), table.name.as_bytes());
            return Err(error.at("parse_target.c", "1075", "checkInsertTargets"));
        };
        columns.push(place);
    }
    Ok((columns, end + 1))
}

pub(super) fn insert(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    match try_insert(scene, text, words) {
        Ok(count) => Answer::Done(format!("INSERT 0 {count}")),
        Err(error) => error.into(),
    }
}

fn try_insert(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Result<usize, PgError> {
    let rest = past(&words[1..], &["into"]);
    let (name, length) = target(rest).ok_or_else(|| end_of(text))?;
    if name == b"pg_largeobject" {
        return super::objects::insert_pages(scene, text, &rest[length..]);
    }
    let table = scene.relation(&name).ok_or_else(|| PgError::no_table(&name))?;
    let (columns, named) = named_columns(&table, &rest[length..])?;
    let rest = &rest[length + named..];
    let mut given = Vec::new();
    match rest.first() {
        Some(first) if first.is("values") => {
            let end = rest
                .iter()
                .position(|token| token.is("returning") || token.is("on"))
                .unwrap_or(rest.len());
            for piece in pieces(&rest[1..end]).into_iter().take(ROWS) {
                let close = closing(piece, 0).ok_or_else(|| end_of(text))?;
                given.push(scene.values(span(text, &piece[1..close]))?);
            }
        }
        Some(first) if first.is("select") => {
            given.extend(scene.select(&text[first.start..]).0?.rows.into_iter().take(ROWS));
        }
        Some(first) => return Err(PgError::syntax(text, first.start)),
        None => return Err(end_of(text)),
    }
    if given.iter().any(|values| values.len() > columns.len()) {
        return Err(PgError::new("42601", "INSERT has more expressions than target columns").at(
            "analyze.c",
            "1017",
            "transformInsertRow",
        ));
    }
    for values in &mut given {
        values.resize(columns.len(), Value::Null);
    }
    scene.store(&table, &columns, given)
}

/// Changes the rows that a WHERE finds: each is looked for as a whole.
pub(super) fn update(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    match try_update(scene, text, words) {
        Ok(count) => Answer::Done(format!("UPDATE {count}")),
        Err(error) => error.into(),
    }
}

fn try_update(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Result<usize, PgError> {
    let rest = past(&words[1..], &["only"]);
    let (name, length) = target(rest).ok_or_else(|| end_of(text))?;
    if name == b"pg_largeobject" {
        return super::objects::update_pages(scene, text, &rest[length..]);
    }
    let table = scene.relation(&name).ok_or_else(|| PgError::no_table(&name))?;
    if !rest.get(length).is_some_and(|token| token.is("set")) {
        return Err(rest
            .get(length)
            .map_or_else(|| end_of(text), |token| PgError::syntax(text, token.start)));
    }
    let stop = |token: &Token| token.is("where") || token.is("returning");
    let end = rest.iter().position(stop).unwrap_or(rest.len());
    let (mut places, mut expressions) = (Vec::new(), Vec::new());
    for piece in pieces(&rest[(length + 1).min(end)..end]) {
        let Some((column, value)) = piece.split_first() else { return Err(end_of(text)) };
        let wanted = folded(column).unwrap_or_default();
        let Some(place) = table.columns.iter().position(|column| column.name.as_bytes() == wanted)
        else {
            return Err(PgError::about("42703", "column \"{}\" does not exist", &wanted));
        };
        let Some((_, value)) = value.split_first().filter(|(sign, _)| sign.is_sign(b'=')) else {
            return Err(PgError::syntax(text, column.end));
        };
        places.push(place);
        expressions.push(span(text, value));
    }
    let condition = rest
        .get(end)
        .filter(|token| token.is("where"))
        .map_or(&b""[..], |token| &text[token.start..]);
    let from = span(text, &rest[..length]);
    let query =
        [b"SELECT *, ", &expressions.join(&b", "[..])[..], b" FROM ", from, b" ", condition]
            .concat();
    let found = scene.select(&query).0?.rows;
    let width = table.columns.len();
    let bytes = found.iter().flat_map(|row| &row[width..]).map(|value| value.bytes().len()).sum();
    if !scene.copy.tables.admits(bytes) {
        return Err(full());
    }
    let count = found.len();
    scene.change(|tables| {
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
    Ok(count)
}

pub(super) fn delete(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let rest = past(&words[1..], &["from", "only"]);
    let Some((name, length)) = target(rest) else { return end_of(text).into() };
    if scene.relation(&name).is_none() {
        return PgError::no_table(&name).into();
    }
    let condition = rest
        .get(length)
        .filter(|token| !token.is("returning"))
        .map_or(&b""[..], |token| &text[token.start..]);
    let from = span(text, &rest[..length]);
    let gone = match scene.select(&[b"SELECT * FROM ", from, b" ", condition].concat()).0 {
        Ok(found) => found.rows,
        Err(error) => return error.into(),
    };
    scene.class("deletion");
    scene.change(|tables| {
        if let Some(table) = tables.iter_mut().find(|table| table.name.as_bytes() == name) {
            table.rows.retain(|row| !gone.contains(row));
        }
    });
    Answer::Done(format!("DELETE {}", gone.len()))
}

pub(super) fn truncate(scene: &mut Scene<'_>, words: &[Token]) -> Answer {
    for piece in pieces(past(&words[1..], &["table", "only"])) {
        let Some((name, _)) = target(piece) else { continue };
        if scene.relation(&name).is_none() {
            return PgError::no_table(&name).into();
        }
        scene.class("deletion");
        scene.change(|tables| {
            tables
                .iter_mut()
                .filter(|table| table.name.as_bytes() == name)
                .for_each(|table| table.rows.clear());
        });
    }
    Answer::done("TRUNCATE TABLE")
}

pub(super) fn create_table(
    scene: &mut Scene<'_>,
    text: &[u8],
    words: &[Token],
    unless: bool,
) -> Answer {
    const KEYS: [&str; 8] =
        ["primary", "unique", "constraint", "foreign", "check", "exclude", "like", "index"];
    let Some((name, length)) = target(words) else { return end_of(text).into() };
    if scene.relation(&name).is_some() {
        let error = PgError::about("42P07", "relation \"{}\" already exists", &name);
        let error = error.at("heap.c", "1164", "heap_create_with_catalog");
        return if unless { Answer::done("CREATE TABLE") } else { error.into() };
    }
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    if let Some(query) = words[length..]
        .iter()
        .find(|token| token.is("select"))
        .filter(|_| words.get(length).is_some_and(|token| token.is("as")))
    {
        match scene.select(&text[query.start..]).0 {
            Ok(found) => {
                columns.extend(found.names.iter().map(|name| column(name, "text", false, true)));
                rows = found.rows;
                rows.truncate(ROWS);
            }
            Err(error) => return error.into(),
        }
    } else {
        let Some(end) = closing(words, length) else { return end_of(text).into() };
        for piece in pieces(&words[length + 1..end]).into_iter().take(COLUMNS) {
            let Some((first, rest)) = piece.split_first() else { continue };
            let Some(name) = folded(first).filter(|_| !KEYS.iter().any(|key| first.is(key))) else {
                continue;
            };
            let typed = match rest.get(1) {
                Some(token) if token.is_sign(b'(') => closing(rest, 1).unwrap_or(0),
                Some(token) if token.is("varying") || token.is("precision") => 1,
                _ => 0,
            };
            let kind = rest
                .get(..=typed)
                .map_or(&b"text"[..], |words| span(text, words))
                .to_ascii_lowercase();
            let kind = String::from_utf8_lossy(&kind).into_owned();
            let counts = kind.contains("serial") || rest.iter().any(|token| token.is("identity"));
            let nullable =
                !counts && !rest.windows(2).any(|pair| pair[0].is("not") && pair[1].is("null"));
            columns.push(column(&name, &own_type(&kind), counts, nullable));
        }
    }
    let bytes = rows.iter().flatten().map(|value| value.bytes().len()).sum::<usize>();
    if !scene.copy.tables.admits(span(text, words).len() + bytes) {
        return full().into();
    }
    let count = rows.len();
    let selected = !rows.is_empty();
    let name = String::from_utf8_lossy(&name).into_owned();
    scene.change(|tables| tables.push(Relation { name, columns, rows }));
    if selected { Answer::Done(format!("SELECT {count}")) } else { Answer::done("CREATE TABLE") }
}

fn column(name: &[u8], kind: &str, counts: bool, nullable: bool) -> Column {
    Column {
        name: String::from_utf8_lossy(name).into_owned().into(),
        kind: kind.to_owned().into(),
        key: "",
        extra: if counts { "auto_increment" } else { "" },
        nullable,
    }
}
