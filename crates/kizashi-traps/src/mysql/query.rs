//! Statements: SELECT is the engine's (`crate::sql`); what defines, changes and shows is done here, on the visitor's copy.

mod changes;
mod files;
mod shows;

pub(super) use files::literal;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::answer::Answer;
use super::store::OwnCopy;
use super::tokens::{Kind, Token, closing, span, tokens};
use crate::machine::{Machine, Persona, Visitor};
use crate::sql::{self, Rows, Server, SqlError, Value};
use crate::{Identity, Output, Visit};

/// Bytes of a file of the machine's that LOAD_FILE gives.
const LOADED: usize = 16 * 1024;

/// What a connection is to its statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) database: String,
    pub(super) connection: u32,
}

/// All that a statement may see and change.
pub(super) struct Scene<'a> {
    pub(super) identity: &'a Arc<Identity>,
    pub(super) visit: Visit,
    pub(super) copy: &'a mut OwnCopy,
    pub(super) account: &'a mut Account,
    pub(super) now: Timestamp,
    pub(super) out: &'a mut Output,
    /// Steps of the engine's that are left for all its queries.
    pub(super) steps: Cell<u32>,
}

/// What comes of a statement.
pub(super) enum Next {
    Answer(Answer, Duration),
    /// A function of a visitor's library runs a line on the machine; the column's name, and whether it gives the output.
    Run {
        column: Vec<u8>,
        line: Vec<u8>,
        output: bool,
    },
}

impl From<Answer> for Next {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer, Duration::ZERO)
    }
}

impl From<SqlError> for Answer {
    fn from(error: SqlError) -> Self {
        Self::Error(error.number, error.message)
    }
}

/// The account of the machine under which the server runs.
pub(super) fn machine(identity: &Arc<Identity>, visit: Visit, now: Timestamp) -> Machine {
    let visitor = Visitor {
        user: b"mysql".to_vec(),
        source: visit.source,
        destination: visit.destination,
        service: identity.mysql_release().product().1,
    };
    Machine::new(identity, Persona::Server, visitor, now)
}

impl Scene<'_> {
    fn class(&mut self, class: &str) {
        let (name, value) = (HostileText::from("mysql class"), HostileText::from(class));
        self.out.tell(Detail::Note { name, value });
    }

    fn server(&self) -> Server {
        let release = self.identity.mysql_release();
        let (version, comment) = release.version(self.identity.web_server());
        let current = self.account.database.as_bytes();
        let (identity, visit, now) = (Arc::clone(self.identity), self.visit, self.now);
        let others = self.copy.databases.iter().filter(|(name, _)| name.as_bytes() != current);
        Server {
            version: version.to_owned(),
            comment,
            release,
            host: self.identity.host_name(),
            user: self.account.user.clone(),
            database: self.account.database.clone(),
            relations: self.copy.tables(current).map_or_else(|| Arc::from(Vec::new()), Arc::clone),
            client: self.visit.source.to_string(),
            others: others.cloned().collect(),
            connection: self.account.connection,
            now: self.now,
            chance: (self.now.micros().cast_unsigned() & 0xffff_ffff) as u32,
            files: Box::new(move |path| {
                machine(&identity, visit, now).files().read(path, 0, LOADED).ok()
            }),
            foreign: None,
        }
    }

    /// Rows of a SELECT, and how long it sleeps.
    fn select(&self, text: &[u8]) -> (Result<Rows, SqlError>, Duration) {
        let outcome = sql::query_within(&self.server(), text, self.steps.get());
        self.steps.set(outcome.left);
        (outcome.rows, outcome.slept)
    }

    /// Values of expressions.
    fn values(&self, expressions: &[u8]) -> Result<Vec<Value>, SqlError> {
        let (rows, _) = self.select(&[b"SELECT ", expressions].concat());
        Ok(rows?.rows.into_iter().next().unwrap_or_default())
    }
}

fn no_database() -> Answer {
    Answer::error(1046, "No database selected")
}

pub(super) fn unknown_database(name: &[u8]) -> Answer {
    Answer::Error(1049, [b"Unknown database '", name, b"'"].concat())
}

/// Names of the columns that a statement would give; nothing of what gives none.
pub(super) fn columns(scene: &mut Scene<'_>, text: &[u8]) -> Result<Vec<Vec<u8>>, SqlError> {
    let words = tokens(text);
    let begins = |word: &str| words.first().is_some_and(|first| first.is(word));
    if begins("select") && !words.iter().any(|token| token.is("into")) {
        let made = words
            .get(1)
            .and_then(Token::name)
            .is_some_and(|name| scene.copy.function(name).is_some());
        return if made { Ok(vec![b"?".to_vec()]) } else { Ok(scene.select(text).0?.names) };
    }
    if !begins("show") && !begins("describe") {
        return Ok(Vec::new());
    }
    match carry_out(scene, text) {
        Next::Answer(Answer::Rows(rows), _) => Ok(rows.names),
        _ => Ok(Vec::new()),
    }
}

/// Carries out a statement.
pub(super) fn carry_out(scene: &mut Scene<'_>, text: &[u8]) -> Next {
    let words = tokens(text);
    let Some(first) = words.first() else {
        let comment = text.contains(&b'/');
        return if comment { Answer::Done(0) } else { Answer::error(1065, "Query was empty") }
            .into();
    };
    let Kind::Word(name, _) = &first.kind else { return select(scene, text, &words) };
    match name.as_slice() {
        b"show" => shows::show(scene, text, &words).into(),
        b"describe" | b"desc" | b"explain" => shows::describe(scene, &words).into(),
        b"use" => use_database(scene, words.get(1).and_then(Token::name)).into(),
        b"insert" | b"replace" => changes::insert(scene, text, &words).into(),
        b"update" => changes::update(scene, text, &words).into(),
        b"delete" | b"truncate" => changes::delete(scene, text, &words).into(),
        b"create" => changes::create(scene, text, &words).into(),
        b"drop" => changes::drop(scene, &words).into(),
        b"load" => files::load(scene, &words).into(),
        b"set" | b"begin" | b"commit" | b"rollback" | b"start" | b"flush" | b"lock" | b"unlock"
        | b"grant" | b"revoke" | b"kill" | b"alter" | b"analyze" | b"optimize" | b"reset"
        | b"savepoint" | b"release" | b"rename" | b"do" => Answer::Done(0).into(),
        _ => select(scene, text, &words),
    }
}

pub(super) fn use_database(scene: &mut Scene<'_>, name: Option<&[u8]>) -> Answer {
    let Some(name) = name else { return no_database() };
    let there =
        scene.copy.tables(name).is_some() || name.eq_ignore_ascii_case(b"information_schema");
    if !there {
        return unknown_database(name);
    }
    scene.account.database = String::from_utf8_lossy(name).into_owned();
    Answer::Done(0)
}

fn select(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Next {
    if let Some(answer) = files::select_into(scene, text, words) {
        return answer;
    }
    if let Some(run) = call(scene, text, words) {
        return run;
    }
    match scene.select(text) {
        (Ok(rows), slept) => Next::Answer(Answer::Rows(rows), slept),
        (Err(error), slept) => Next::Answer(error.into(), slept),
    }
}

/// `SELECT sys_eval('id')`, where such a function was made.
fn call(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Option<Next> {
    let name = words.get(1)?.name()?;
    let function = scene.copy.function(name)?;
    let output = function.get(1).is_some_and(|kind| kind.bytes() == b"0");
    words.get(2).filter(|token| token.is_sign(b'('))?;
    let end = closing(words, 2)?;
    let column = span(text, &words[1..=end]).to_vec();
    let given = span(text, &words[3..end]);
    let line = match scene.values(given) {
        Ok(values) => values.first().map(Value::bytes).unwrap_or_default(),
        Err(error) => return Some(Answer::from(error).into()),
    };
    scene.class("function called");
    Some(Next::Run { column, line, output })
}
