//! A small SQL engine in MariaDB's manner, so that an injection into a page of the web trap gets what it would get: rows, errors, a longer
//! wait, nothing. It knows SELECT alone, over tables held in memory; it writes nothing and reads files of the pretended machine only.
//!
//! Bounds: words of a query ([`lexer`]), depth and height of its tree ([`parser`]), steps ([`evaluate::STEPS`]), rows of a table or join
//! ([`select`]), bytes of a value ([`value`]), time slept ([`functions`]). Whoever reaches one hears what MariaDB says of its own bounds.

mod error;
mod evaluate;
mod foreign;
mod functions;
mod lexer;
mod parser;
mod release;
mod select;
mod server;
mod syntax;
mod tables;
pub(crate) mod tokens;
mod value;
mod variables;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

pub(crate) use error::SqlError;
use evaluate::Engine;
pub(crate) use evaluate::STEPS;
pub(crate) use foreign::{DIVISION_BY_ZERO, Dialect, Foreign, Found, INVALID_TEXT};
use parser::Parser;
pub use release::MysqlRelease;
pub(crate) use server::{Column, Relation, Server};
pub(crate) use tables::{Databases, Tables};
pub(crate) use tokens::{statements, tokens};
pub(crate) use value::Value;
pub(crate) use variables::is_switch;

/// Bytes of a query.
const LONGEST: usize = 32 * 1024;

/// Rows by column name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) names: Vec<Vec<u8>>,
    /// Their types, where the server is not MariaDB and knows them.
    pub(crate) kinds: Vec<Cow<'static, str>>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// What a query came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Result<Rows, SqlError>,
    /// How long it would have slept.
    pub(crate) slept: Duration,
    /// Steps that are left of those it was given.
    pub(crate) left: u32,
}

/// Answers a query.
pub(crate) fn query(server: &Server, text: &[u8]) -> Outcome {
    query_within(server, text, STEPS)
}

/// The same in no more than so many steps.
pub(crate) fn query_within(server: &Server, text: &[u8], steps: u32) -> Outcome {
    let mut engine = Engine::new(server, steps);
    let text = &text[..text.len().min(LONGEST)];
    let found = Parser::parse(text, server.number(), server.dialect())
        .and_then(|query| engine.rows(&query, None));
    let rows = found.map(|table| {
        let (names, kinds) =
            table.columns.into_iter().map(|column| (column.name, column.kind)).unzip();
        Rows { names, kinds, rows: table.rows }
    });
    let rows = rows.map_err(|error| error.said_by(server.release));
    Outcome { rows, slept: Duration::from_micros(engine.slept), left: engine.left }
}

/// A server with two small tables, for tests and fuzzing.
fn example() -> Server {
    let column = |name: &'static str, kind: &'static str| Column {
        name: name.into(),
        kind: kind.into(),
        key: "",
        extra: "",
        nullable: true,
    };
    let people = [(1, "admin", "5f4d"), (2, "Maria", "aa11"), (3, "jan", "bb22")];
    Server {
        version: "10.11.11-MariaDB-0+deb12u1".to_owned(),
        comment: "Debian 12",
        release: MysqlRelease::MariaDb,
        host: "web1".to_owned(),
        user: "site".to_owned(),
        database: "news".to_owned(),
        relations: vec![
            Relation {
                name: "users".to_owned(),
                columns: vec![
                    column("id", "int(11)"),
                    column("name", "varchar(60)"),
                    column("password", "char(32)"),
                ],
                rows: people
                    .iter()
                    .map(|(id, name, hash)| {
                        vec![Value::Integer(*id), Value::text(*name), Value::text(*hash)]
                    })
                    .collect(),
            },
            Relation {
                name: "articles".to_owned(),
                columns: vec![column("id", "int(11)"), column("title", "varchar(200)")],
                rows: (1..=5)
                    .map(|id| vec![Value::Integer(id), Value::text(format!("Title {id}"))])
                    .collect(),
            },
        ]
        .into(),
        client: "localhost".to_owned(),
        others: Vec::new(),
        connection: 41,
        now: kizashi_event::Timestamp::from_seconds(1_795_582_440),
        chance: 7,
        files: Box::new(|path| (path == b"/etc/hostname").then(|| b"web1\n".to_vec())),
        foreign: None,
    }
}

/// See [`crate::fuzz::sql`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let server = example();
    let _ = query(&server, bytes);
    let pasted = [b"SELECT id, title FROM articles WHERE id = ", bytes].concat();
    let outcome = query(&server, &pasted);
    assert!(outcome.slept <= Duration::from_secs(20));
}
