//! Statements: SELECT is the engine's (`crate::sql`) over the catalogue; what defines, changes, copies and stores is done here, on the
//! visitor's copy.

mod changes;
mod copying;
mod objects;
mod sessions;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

pub(super) use copying::{copied_in, program_ended};
pub(super) use objects::literal;

use super::answer::Answer;
use super::catalog::{Catalog, words as split};
use super::error::PgError;
use super::store::OwnCopy;
use super::{functions, release};
use crate::draw::Draw;
use crate::machine::{Machine, Persona, Visitor};
use crate::sql::tokens::{Kind, Token, closing, span};
use crate::sql::{self, Rows, Server, Value};
use crate::{Identity, Output, Visit};

/// Bytes of a file of the machine's that functions read.
const READ: usize = 48 * 1024;
/// Names of a folder that are listed.
const LISTED: usize = 1_000;

/// What a connection is to its statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) database: String,
    pub(super) process: u32,
    pub(super) transaction: Transaction,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transaction {
    #[default]
    Idle,
    Open,
    Failed,
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
    /// A line runs on the machine.
    Run {
        line: Vec<u8>,
        input: Vec<u8>,
        then: Then,
    },
    /// The client is to send rows of so many columns.
    CopyIn(Target, usize),
    /// Rows for the client: lines, columns, how many rows.
    CopyOut {
        lines: Vec<u8>,
        columns: usize,
        count: usize,
    },
}

/// Where copied rows go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) table: Vec<u8>,
    pub(super) columns: Vec<usize>,
    pub(super) delimiter: u8,
}

/// What becomes of what a program printed.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// COPY FROM PROGRAM.
    Fill(Target),
    /// COPY TO PROGRAM, of so many rows.
    Count(usize),
    /// A function of a library: its column, and whether it gives the output.
    Value { column: Vec<u8>, output: bool },
    /// A block of procedural code, in which nobody sees it.
    Nothing,
}

impl From<Answer> for Next {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer, Duration::ZERO)
    }
}

impl From<PgError> for Next {
    fn from(error: PgError) -> Self {
        Answer::from(error).into()
    }
}

/// The account of the machine under which the server runs.
pub(super) fn machine(identity: &Arc<Identity>, visit: Visit, now: Timestamp) -> Machine {
    let visitor = Visitor {
        user: b"postgres".to_vec(),
        source: visit.source,
        destination: visit.destination,
        service: "postgres",
    };
    Machine::new(identity, Persona::Server, visitor, now)
}

impl Scene<'_> {
    pub(super) fn class(&mut self, class: &str) {
        let (name, value) = (HostileText::from("postgresql class"), HostileText::from(class));
        self.out.tell(Detail::Note { name, value });
    }

    fn catalog(&self) -> Catalog {
        let (identity, visit, now) = (Arc::clone(self.identity), self.visit, self.now);
        let files =
            move |path: &[u8]| machine(&identity, visit, now).files().read(path, 0, READ).ok();
        let identity = Arc::clone(self.identity);
        let folders = move |path: &[u8]| {
            let listed = machine(&identity, visit, now).files().list(path).ok()?;
            Some(
                listed
                    .into_iter()
                    .map(|(name, _)| name)
                    .filter(|name| name != b"." && name != b"..")
                    .take(LISTED)
                    .collect(),
            )
        };
        let (identity, now) = (Arc::clone(self.identity), self.now);
        let started = move || identity.world(Persona::Server).boot(now) + 14;
        let current = self.account.database.as_bytes();
        let relations =
            self.copy.tables.tables(current).map_or_else(|| Arc::from(Vec::new()), Arc::clone);
        let database = |(name, _): &(String, _)| name.clone();
        Catalog {
            release: release::of(self.identity.operating_system()),
            host: self.identity.host_name(),
            user: self.account.user.clone(),
            database: self.account.database.clone(),
            client: self.visit.source.to_string(),
            here: self
                .visit
                .destination
                .map_or_else(|| "10.0.0.5".to_owned(), |here| here.to_string()),
            process: self.account.process,
            started: Box::new(started),
            now: self.now.seconds(),
            databases: self.copy.tables.databases.iter().map(database).collect(),
            relations,
            roles: self.roles(),
            objects: self
                .copy
                .objects
                .iter()
                .map(|(oid, object)| (*oid, object.content().to_vec()))
                .collect(),
            functions: self
                .copy
                .functions
                .iter()
                .map(|(name, function)| (name.clone(), function.library.clone()))
                .collect(),
            files: Box::new(files),
            folders: Box::new(folders),
        }
    }

    /// Roles, and what the server has of their passwords.
    fn roles(&self) -> Vec<(String, String)> {
        let application = self.identity.application();
        let names = ["postgres".to_owned(), application.account().name]
            .into_iter()
            .chain(self.copy.roles.iter().cloned());
        let hash = |name: &str| {
            let label = format!("postgresql password {name}");
            let draw = Draw::new(self.identity.seed(), &label);
            let bytes = |from: u64, count: u64| {
                (from..from + count)
                    .flat_map(|place| draw.number(place).to_be_bytes())
                    .collect::<Vec<u8>>()
            };
            let shown =
                |bytes: Vec<u8>| String::from_utf8_lossy(&crate::http::base64(&bytes)).into_owned();
            if release::method(self.identity) == release::Method::Md5 {
                return format!("md5{}", crate::hexadecimal::hexadecimal(&bytes(0, 2)));
            }
            format!(
                "SCRAM-SHA-256$4096:{}${}:{}",
                shown(bytes(0, 2)),
                shown(bytes(2, 4)),
                shown(bytes(6, 4))
            )
        };
        names
            .map(|name| {
                let hash = hash(&name);
                (name, hash)
            })
            .collect()
    }

    fn server(&self) -> Server {
        let catalog = self.catalog();
        Server {
            version: "15.0".to_owned(),
            comment: "",
            release: sql::MysqlRelease::MariaDb,
            host: catalog.host.clone(),
            user: catalog.user.clone(),
            database: catalog.database.clone(),
            relations: Arc::from(Vec::new()),
            client: catalog.client.clone(),
            others: Vec::new(),
            connection: self.account.process,
            now: self.now,
            chance: (self.now.micros().cast_unsigned() & 0xffff_ffff) as u32,
            files: Box::new(|_| None),
            foreign: Some(Box::new(catalog)),
        }
    }

    /// Rows of a SELECT, and how long it sleeps.
    fn select(&self, text: &[u8]) -> (Result<Rows, PgError>, Duration) {
        let outcome = sql::query_within(&self.server(), text, self.steps.get());
        self.steps.set(outcome.left);
        (outcome.rows.map_err(|error| PgError::of(&error, text)), outcome.slept)
    }

    /// Values of expressions.
    fn values(&self, expressions: &[u8]) -> Result<Vec<Value>, PgError> {
        let (rows, _) = self.select(&[b"SELECT ", expressions].concat());
        Ok(rows?.rows.into_iter().next().unwrap_or_default())
    }
}

/// Carries out a statement.
pub(super) fn carry_out(scene: &mut Scene<'_>, text: &[u8]) -> Next {
    let words = split(text);
    let Some(first) = words.first() else { return Answer::Empty.into() };
    let ends = ["rollback", "commit", "end", "abort"].iter().any(|word| first.is(word));
    if scene.account.transaction == Transaction::Failed && !ends {
        let message =
            "current transaction is aborted, commands ignored until end of transaction block";
        return PgError::new("25P02", message).at("postgres.c", "1081", "exec_simple_query").into();
    }
    let Kind::Word(name, _) = &first.kind else {
        return if first.is_sign(b'(') {
            select(scene, text, &words)
        } else {
            PgError::syntax(text, first.start).into()
        };
    };
    match name.as_slice() {
        b"select" | b"with" => select(scene, text, &words),
        b"values" => PgError::syntax(text, first.end).into(),
        b"table" => {
            let name = span(text, &words[1..]);
            select(
                scene,
                &[b"SELECT * FROM ", name].concat(),
                &split(&[b"SELECT * FROM ", name].concat()),
            )
        }
        b"insert" => changes::insert(scene, text, &words).into(),
        b"update" => changes::update(scene, text, &words).into(),
        b"delete" => changes::delete(scene, text, &words).into(),
        b"truncate" => changes::truncate(scene, &words).into(),
        b"create" => objects::create(scene, text, &words),
        b"drop" => objects::drop(scene, text, &words),
        b"copy" => copying::copy(scene, text, &words),
        b"do" => objects::block(scene, &words),
        _ => sessions::other(scene, text, &words),
    }
}

fn select(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Next {
    if let Some(next) = objects::call(scene, text, words) {
        return next;
    }
    let rewritten = rows_of_function(text, words);
    let text = rewritten.as_deref().unwrap_or(text);
    match scene.select(text) {
        (Ok(rows), slept) => Next::Answer(Answer::Rows(rows), slept),
        (Err(error), slept) => Next::Answer(error.into(), slept),
    }
}

/// `SELECT pg_ls_dir('.')` gives as many rows as `SELECT * FROM pg_ls_dir('.')`.
fn rows_of_function(text: &[u8], words: &[Token]) -> Option<Vec<u8>> {
    let qualified = words.get(2)?.is_sign(b'.');
    let at = if qualified { 3 } else { 1 };
    let name = words.get(at)?.name()?.to_ascii_lowercase();
    if !words[0].is("select")
        || !functions::ROWS.contains(&name.as_slice())
        || !words.get(at + 1)?.is_sign(b'(')
    {
        return None;
    }
    let end = closing(words, at + 1)?;
    if words[end + 1..].iter().any(|word| word.is("from") || word.is_sign(b',')) {
        return None;
    }
    let rest = words.get(end + 1).map_or(&b""[..], |word| &text[word.start..]);
    Some([b"SELECT * FROM ", span(text, &words[at..=end]), b" ", rest].concat())
}

/// The columns that a statement would give; nothing of what gives none, an error where it is wrong.
pub(super) fn columns(scene: &mut Scene<'_>, text: &[u8]) -> Result<Option<Rows>, PgError> {
    let words = split(text);
    let Some(first) = words.first() else { return Ok(None) };
    if first.is("show") {
        return match carry_out(scene, text) {
            Next::Answer(Answer::Rows(rows), _) => Ok(Some(rows)),
            _ => Ok(None),
        };
    }
    if !first.is("select") && !first.is_sign(b'(') {
        return Ok(None);
    }
    if objects::is_call(scene, &words) {
        let name = words.get(1).and_then(Token::name).unwrap_or(b"?column?").to_vec();
        return Ok(Some(Rows { names: vec![name], kinds: vec!["text".into()], rows: Vec::new() }));
    }
    let rewritten = rows_of_function(text, &words);
    scene.select(rewritten.as_deref().unwrap_or(text)).0.map(Some)
}
