//! COPY: to and from a program, which runs on the machine behind the logins; to and from files of the server and the client.

use kizashi_event::{Detail, PayloadOrigin};

use super::changes::{named_columns, target};
use super::{Answer, Next, PgError, READ, Scene, Target, Then, machine};
use crate::capture::Capture;
use crate::sql::tokens::{Kind, Token, closing, span};
use crate::sql::{Relation, Value};

/// Rows that one COPY takes.
const ROWS: usize = 1_000;
const HINT_FROM: &str = "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.";
const HINT_TO: &str = "COPY TO instructs the PostgreSQL server process to write a file. You may want a client-side facility such as psql's \\copy.";

/// What is copied.
enum Source {
    Table(Relation, Vec<usize>),
    Query(Vec<u8>),
}

pub(super) fn copy(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Next {
    match try_copy(scene, text, words) {
        Ok(next) => next,
        Err(error) => error.into(),
    }
}

fn syntax(text: &[u8], words: &[Token]) -> PgError {
    PgError::syntax(text, words.first().map_or(text.len(), |token| token.start))
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the grammar")]
fn try_copy(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Result<Next, PgError> {
    let mut rest = &words[1..];
    let source = if rest.first().is_some_and(|token| token.is_sign(b'(')) {
        let end = closing(rest, 0).ok_or_else(|| syntax(text, &[]))?;
        let query = span(text, &rest[1..end]).to_vec();
        rest = &rest[end + 1..];
        Source::Query(query)
    } else {
        let (name, length) = target(rest).ok_or_else(|| syntax(text, rest))?;
        rest = &rest[length..];
        let end = if rest.first().is_some_and(|token| token.is_sign(b'(')) {
            closing(rest, 0)
        } else {
            None
        };
        let table = scene.relation(&name).ok_or_else(|| PgError::no_table(&name));
        // A program of a table that is not there is told all the same.
        if table.is_err() && rest.iter().any(|token| token.is("program")) {
            scene.class("program");
        }
        let table = table?;
        let (columns, _) = named_columns(&table, rest)?;
        rest = end.map_or(rest, |end| &rest[end + 1..]);
        Source::Table(table, columns)
    };
    let Some((direction, rest)) = rest.split_first() else { return Err(syntax(text, &[])) };
    let (from, to) = (direction.is("from"), direction.is("to"));
    let program = rest.first().is_some_and(|token| token.is("program"));
    let place = rest.get(usize::from(program));
    let delimiter = delimiter(rest);
    let path = match place.map(|token| &token.kind) {
        Some(Kind::Text(path)) => Some(path.clone()),
        Some(Kind::Word(word, _))
            if matches!(word.as_slice(), b"stdin" | b"stdout") && !program =>
        {
            None
        }
        _ => return Err(syntax(text, rest)),
    };
    match (from, to, source, path) {
        (true, _, Source::Table(table, columns), Some(line)) if program => {
            scene.class("program");
            let target = Target { table: table.name.into_bytes(), columns, delimiter };
            Ok(Next::Run { line, input: Vec::new(), then: Then::Fill(target) })
        }
        (true, _, Source::Table(table, columns), None) => {
            let count = columns.len();
            Ok(Next::CopyIn(Target { table: table.name.into_bytes(), columns, delimiter }, count))
        }
        (true, _, Source::Table(table, columns), Some(path)) => {
            let found =
                machine(scene.identity, scene.visit, scene.now).files().read(&path, 0, READ);
            let Ok(content) = found else {
                let text = "could not open file \"{}\" for reading: No such file or directory";
                let error =
                    PgError::about("58P01", text, &path).at("copyfrom.c", "1523", "BeginCopyFrom");
                return Err(PgError { hint: HINT_FROM, ..error });
            };
            let target = Target { table: table.name.into_bytes(), columns, delimiter };
            let count = fill(scene, &target, &content)?;
            Ok(Answer::Done(format!("COPY {count}")).into())
        }
        (_, true, source, path) => copy_out(scene, source, path, program),
        _ => Err(syntax(text, std::slice::from_ref(direction))),
    }
}

fn delimiter(words: &[Token]) -> u8 {
    let csv = words.iter().any(|token| token.is("csv"));
    let named = words.windows(2).find_map(|pair| match &pair[1].kind {
        Kind::Text(text) if pair[0].is("delimiter") || pair[0].is("delimiters") => {
            text.first().copied()
        }
        _ => None,
    });
    named.unwrap_or(if csv { b',' } else { b'\t' })
}

fn copy_out(
    scene: &mut Scene<'_>,
    source: Source,
    path: Option<Vec<u8>>,
    program: bool,
) -> Result<Next, PgError> {
    let rows = match source {
        Source::Query(query) => scene.select(&query).0?.rows,
        Source::Table(table, columns) => {
            let row = |row: &Vec<Value>| {
                columns.iter().map(|place| row[*place].clone()).collect::<Vec<_>>()
            };
            table.rows.iter().map(row).collect()
        }
    };
    let field = |value: &Value| match value {
        Value::Null => b"\\N".to_vec(),
        value => value.bytes(),
    };
    let line = |row: &Vec<Value>| {
        let fields: Vec<Vec<u8>> = row.iter().map(field).collect();
        [&fields.join(&b'\t')[..], b"\n"].concat()
    };
    let lines: Vec<u8> = rows.iter().flat_map(line).collect();
    let count = rows.len();
    let Some(path) = path else {
        let columns = rows.first().map_or(1, Vec::len);
        return Ok(Next::CopyOut { lines, columns, count });
    };
    if program {
        scene.class("program");
        return Ok(Next::Run { line: path, input: lines, then: Then::Count(count) });
    }
    super::objects::write(scene, &path, Capture::of(&lines), "file ").map_err(|error| {
        let text = "could not open file \"{}\" for writing: Permission denied";
        PgError {
            hint: HINT_TO,
            ..PgError::about(error.code, text, &path).at("copyto.c", "717", "BeginCopyTo")
        }
    })?;
    Ok(Answer::Done(format!("COPY {count}")).into())
}

/// Puts lines into a table; how many.
fn fill(scene: &mut Scene<'_>, target: &Target, content: &[u8]) -> Result<usize, PgError> {
    let table = scene.relation(&target.table).ok_or_else(|| PgError::no_table(&target.table))?;
    let mut rows = Vec::new();
    let lines = content.strip_suffix(b"\n").unwrap_or(content).split(|byte| *byte == b'\n');
    for line in lines.take(ROWS).filter(|_| !content.is_empty()) {
        if line == b"\\." {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let fields: Vec<&[u8]> = line.split(|byte| *byte == target.delimiter).collect();
        let detail = || {
            [
                b"COPY ",
                &target.table[..],
                format!(", line {}: \"", rows.len() + 1).as_bytes(),
                line,
                b"\"",
            ]
            .concat()
        };
        if fields.len() > target.columns.len() {
            let error = PgError::new("22P04", "extra data after last expected column");
            return Err(PgError {
                detail: detail(),
                ..error.at("copyfromparse.c", "906", "NextCopyFrom")
            });
        }
        if fields.len() < target.columns.len() {
            let missing =
                target.columns.get(fields.len()).and_then(|place| table.columns.get(*place));
            let name = missing.map_or("", |column| &column.name);
            let error = PgError::about("22P04", "missing data for column \"{}\"", name.as_bytes());
            return Err(PgError {
                detail: detail(),
                ..error.at("copyfromparse.c", "919", "NextCopyFrom")
            });
        }
        let value = |field: &&[u8]| {
            if *field == b"\\N" { Value::Null } else { Value::Text(field.to_vec()) }
        };
        rows.push(fields.iter().map(value).collect());
    }
    scene.store(&table, &target.columns, rows)
}

/// The client's rows have come, as far as they are held.
pub(in crate::postgresql) fn copied_in(
    scene: &mut Scene<'_>,
    target: &Target,
    content: Capture,
) -> Answer {
    let filled = fill(scene, target, content.content());
    if content.size() > 0 {
        scene.out.tell(Detail::Payload(Box::new(content.finish(PayloadOrigin::Sent))));
    }
    match filled {
        Ok(count) => Answer::Done(format!("COPY {count}")),
        Err(error) => error.into(),
    }
}

/// A program has ended: what the statement that ran it comes to.
pub(in crate::postgresql) fn program_ended(
    scene: &mut Scene<'_>,
    line: &[u8],
    then: &Then,
    printed: Vec<u8>,
    status: u8,
) -> Answer {
    match then {
        Then::Value { column, output } => {
            let value = if *output {
                Value::Text(printed)
            } else {
                Value::Integer(i128::from(status) << 8)
            };
            Answer::single(column, if *output { "text" } else { "integer" }, value)
        }
        Then::Nothing => Answer::done("DO"),
        _ if status != 0 => {
            let error = PgError::about("38000", "program \"{}\" failed", line);
            let detail = if status == 127 {
                "command not found".to_owned()
            } else {
                format!("child process exited with exit code {status}")
            };
            PgError {
                detail: detail.into_bytes(),
                ..error.at("copyfrom.c", "1622", "ClosePipeFromProgram")
            }
            .into()
        }
        Then::Count(count) => Answer::Done(format!("COPY {count}")),
        Then::Fill(target) => match fill(scene, target, &printed) {
            Ok(count) => Answer::Done(format!("COPY {count}")),
            Err(error) => error.into(),
        },
    }
}
