//! A batch, statement by statement.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Payload, Timestamp};

use super::answer::{Answer, Fault};
use super::catalog::{self, Setting};
use super::language::{Kind, Token, statements, tokens};
use super::objects::{Job, Object};
use crate::machine::{WindowsMachine, WindowsSaid};
use crate::sql::{Column, Relation, Rows, Value};
use crate::{Identity, Output};

/// Statements of one batch, those of batches within it included, and how deep these stand.
const STATEMENTS: u32 = 400;
const DEPTH: u32 = 8;
/// Variables of one connection, tables and their bytes.
const MOST_VARIABLES: usize = 64;
const MOST_TABLES: usize = 8;
const TABLE_BYTES: usize = 24 * 1024;
/// Bytes of one variable.
const LONGEST_VALUE: usize = 16 * 1024;
/// The longest pause of WAITFOR that is kept.
const LONGEST_PAUSE: u64 = 30;

/// What a connection is to its batches.
#[derive(Default)]
pub(super) struct State {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) application: String,
    pub(super) database: String,
    pub(super) tables: Vec<Relation>,
    pub(super) objects: Vec<Object>,
    pub(super) jobs: Vec<Job>,
    /// Procedures that the visitor made out of an assembly.
    pub(super) external: Vec<String>,
    variables: Vec<(String, Value)>,
}

impl State {
    pub(super) fn memory(&self) -> usize {
        let tables: usize = self.tables.iter().map(size).sum();
        let variables: usize =
            self.variables.iter().map(|(name, value)| name.len() + value.bytes().len()).sum();
        let objects: usize = self.objects.iter().map(Object::memory).sum();
        let jobs: usize = self.jobs.iter().map(Job::memory).sum();
        tables + variables + objects + jobs
    }
}

fn size(table: &Relation) -> usize {
    table.rows.iter().flatten().map(|value| value.bytes().len() + 16).sum()
}

/// All that a batch may see and change.
pub(super) struct Scene<'a> {
    pub(super) identity: &'a Arc<Identity>,
    pub(super) machine: &'a mut WindowsMachine,
    pub(super) state: &'a mut State,
    pub(super) out: &'a mut Output,
    pub(super) answer: Answer,
    pub(super) literals: &'a [Payload],
    pub(super) now: Timestamp,
    pub(super) pause: Duration,
    pub(super) steps: u32,
    /// Steps of the engine's that are left for all queries of a batch.
    pub(super) engine: u32,
    pub(super) depth: u32,
}

impl<'a> Scene<'a> {
    pub(super) const fn budget() -> u32 {
        STATEMENTS
    }

    pub(super) fn note(&mut self, name: &str, value: &str) {
        self.out.tell(Detail::Note { name: name.into(), value: HostileText::from(value) });
    }

    /// What kind of attack a statement is.
    pub(super) fn class(&mut self, class: &str) {
        self.note("mssql class", class);
    }

    /// Runs a line of cmd.exe.
    pub(super) fn run(&mut self, line: &str) -> WindowsSaid {
        let mut said = self.machine.run(line, self.now);
        said.details.drain(..).for_each(|detail| self.out.tell(detail));
        said
    }

    pub(super) fn setting(&self, setting: &Setting) -> i64 {
        self.machine.setting(setting.name, self.now).unwrap_or(setting.value)
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        catalog::setting(name).is_some_and(|setting| self.setting(setting) != 0)
    }

    pub(super) fn variable(&self, name: &str) -> Value {
        let found = self.state.variables.iter().find(|(known, _)| known == name);
        found.map_or(Value::Null, |(_, value)| value.clone())
    }

    pub(super) fn assign(&mut self, name: &str, value: Value) {
        let value = match value {
            Value::Text(mut text) => {
                text.truncate(LONGEST_VALUE);
                Value::Text(text)
            }
            Value::Bytes(mut bytes) => {
                bytes.truncate(LONGEST_VALUE);
                Value::Bytes(bytes)
            }
            other => other,
        };
        let held: usize = self.state.variables.iter().map(|(_, value)| value.bytes().len()).sum();
        let room = self.state.variables.len() < MOST_VARIABLES && held < 2 * LONGEST_VALUE;
        match self.state.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None if room => {
                self.state.variables.push((name.chars().take(128).collect(), value));
            }
            None => {}
        }
    }

    /// Carries out a text.
    pub(super) fn batch(&mut self, text: &str) {
        if self.depth >= DEPTH {
            return self.answer.error(&Fault::new(217, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32)."));
        }
        self.depth += 1;
        let words = tokens(text);
        self.statements(&words);
        self.depth -= 1;
    }

    fn statements(&mut self, words: &[Token]) {
        let mut skipping: Option<usize> = None;
        let mut held = true;
        for (at, statement) in statements(words).into_iter().enumerate() {
            let Some(first) = statement.first() else { continue };
            // What a condition that does not hold would have done: a statement, or a block.
            if let Some(depth) = skipping {
                skipping = match depth {
                    _ if first.is("begin") => Some(depth + 1),
                    0 => None,
                    1 if first.is("end") => None,
                    _ if first.is("end") => Some(depth - 1),
                    _ => Some(depth),
                };
                continue;
            }
            if self.steps == 0 {
                return;
            }
            self.steps -= 1;
            if first.is("if") || first.is("while") {
                held = self.holds(&statement[1..]);
                if !held {
                    skipping = Some(0);
                }
                continue;
            }
            if first.is("else") {
                if held {
                    skipping = Some(0);
                }
                continue;
            }
            match self.statement(statement, at == 0) {
                Ok(()) => {}
                Err(fault) => {
                    let ends = fault.class == 15;
                    self.answer.error(&fault);
                    self.answer.done(None);
                    if ends {
                        return;
                    }
                }
            }
        }
    }

    fn holds(&mut self, condition: &[Token]) -> bool {
        let word = |word: &str| Token { kind: Kind::Word(word.to_owned()) };
        let mut words = vec![word("case"), word("when")];
        words.extend(condition.iter().cloned());
        words.extend([
            word("then"),
            Token { kind: Kind::Number("1".to_owned()) },
            word("else"),
            Token { kind: Kind::Number("0".to_owned()) },
            word("end"),
        ]);
        matches!(self.value(&words), Ok(Value::Integer(1)))
    }

    fn statement(&mut self, words: &[Token], is_first: bool) -> Result<(), Fault> {
        let Some(first) = words.first() else { return Ok(()) };
        let Kind::Word(verb) = &first.kind else {
            if is_first && matches!(first.kind, Kind::Name(_)) {
                return self.procedure(words);
            }
            return Err(Fault {
                class: 15,
                ..Fault::new(102, format!("Incorrect syntax near '{}'.", first.text()))
            });
        };
        match verb.to_lowercase().as_str() {
            "select" => self.selected(words),
            "exec" | "execute" => self.execute(&words[1..]),
            "declare" => self.declare(&words[1..]),
            "set" => self.set(&words[1..]),
            "use" => self.use_database(&words.get(1).map(Token::text).unwrap_or_default()),
            "print" => {
                let value = self.value(&words[1..])?;
                self.answer.info(0, String::from_utf8_lossy(&value.bytes()).into_owned());
                Ok(())
            }
            "insert" => self.insert(words),
            "create" => self.create(words),
            "drop" => self.drop_object(words),
            "update" | "delete" | "merge" => {
                self.class("data changed");
                self.answer.done(Some(0));
                Ok(())
            }
            "bulk" => self.bulk(words),
            "backup" | "restore" => self.backup(words),
            "waitfor" => {
                let text = words.get(2).map(Token::text).unwrap_or_default();
                let parts = text.split(':').map(|part| part.parse::<f64>().unwrap_or(0.0));
                let seconds = parts.fold(0.0, |sum, part| sum * 60.0 + part);
                let whole = Duration::from_secs_f64(seconds.clamp(0.0, 3_600.0));
                self.pause = (self.pause + whole).min(Duration::from_secs(LONGEST_PAUSE));
                self.answer.done(None);
                Ok(())
            }
            "go" | "begin" | "end" | "return" => Ok(()),
            "reconfigure" | "alter" | "shutdown" | "grant" | "revoke" | "deny" | "truncate"
            | "kill" | "dbcc" | "commit" | "rollback" | "raiserror" => {
                if ["alter", "grant"].contains(&verb.to_lowercase().as_str()) {
                    self.class("server changed");
                }
                self.answer.done(None);
                Ok(())
            }
            _ if is_first => self.procedure(words),
            _ => Err(Fault {
                class: 15,
                ..Fault::new(102, format!("Incorrect syntax near '{verb}'."))
            }),
        }
    }

    fn selected(&mut self, words: &[Token]) -> Result<(), Fault> {
        // SELECT @name = expression, …
        if let (Some(Kind::Variable(_)), Some(Kind::Sign('='))) =
            (words.get(1).map(|word| &word.kind), words.get(2).map(|word| &word.kind))
        {
            let from = words.iter().position(|word| word.is("from"));
            let end = from.unwrap_or(words.len());
            for part in parts(&words[1..end]) {
                let (Some(Kind::Variable(name)), true) =
                    (part.first().map(|word| &word.kind), part.len() > 2)
                else {
                    continue;
                };
                let rest = from.map_or(&[][..], |from| &words[from..]);
                let value = self.value(&[&part[2..], rest].concat())?;
                self.assign(name, value);
            }
            self.answer.done(Some(1));
            return Ok(());
        }
        let rows = self.select(words)?;
        self.answer.rows(&rows);
        Ok(())
    }

    fn declare(&mut self, words: &[Token]) -> Result<(), Fault> {
        for part in parts(words) {
            let Some(Kind::Variable(name)) = part.first().map(|word| &word.kind) else { continue };
            if part.get(1).is_some_and(|word| word.is("table")) {
                let columns = part.get(3..part.len().saturating_sub(1)).unwrap_or_default();
                self.new_table(name, columns);
                continue;
            }
            let value = match part.iter().position(|word| word.is_sign('=')) {
                Some(at) => self.value(&part[at + 1..])?,
                None => Value::Null,
            };
            self.assign(name, value);
        }
        Ok(())
    }

    fn set(&mut self, words: &[Token]) -> Result<(), Fault> {
        if let (Some(Kind::Variable(name)), Some(Kind::Sign('='))) =
            (words.first().map(|word| &word.kind), words.get(1).map(|word| &word.kind))
        {
            let value = self.value(&words[2..])?;
            self.assign(name, value);
        }
        self.answer.done(None);
        Ok(())
    }

    fn use_database(&mut self, name: &str) -> Result<(), Fault> {
        let all = catalog::databases(self.identity);
        let Some(found) = all.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            return Err(Fault::new(
                911,
                format!(
                    "Database '{name}' does not exist. Make sure that the name is entered correctly."
                ),
            ));
        };
        let old = std::mem::replace(&mut self.state.database, found.clone());
        self.answer.change(1, &found, &old);
        self.answer.info(5_701, format!("Changed database context to '{found}'."));
        self.answer.done(None);
        Ok(())
    }

    /// EXEC of a text, or of a procedure.
    fn execute(&mut self, words: &[Token]) -> Result<(), Fault> {
        let words = match words {
            // EXEC @status = procedure …
            [Token { kind: Kind::Variable(_) }, equals, rest @ ..] if equals.is_sign('=') => rest,
            other => other,
        };
        if words.first().is_some_and(|word| word.is_sign('(')) {
            let end = super::words::closing(words, 0);
            let value = self.value(words.get(1..end).unwrap_or_default())?;
            let text = String::from_utf8_lossy(&value.bytes()).into_owned();
            self.out.tell(Detail::Command { line: HostileText::from(text.as_str()), known: None });
            self.batch(&text);
            return Ok(());
        }
        self.procedure(words)
    }

    fn insert(&mut self, words: &[Token]) -> Result<(), Fault> {
        let skip = 1 + usize::from(words.get(1).is_some_and(|word| word.is("into")));
        let (names, length) = super::words::dotted(words, skip);
        let name = names.last().map(|name| name.to_lowercase()).unwrap_or_default();
        let source = words.iter().enumerate().skip(skip + length).find(|(_, word)| {
            ["exec", "execute", "select", "values"].iter().any(|verb| word.is(verb))
        });
        let Some((at, verb)) = source else {
            self.answer.done(Some(1));
            return Ok(());
        };
        let rows = if verb.is("select") {
            self.select(&words[at..])?.rows
        } else if verb.is("values") {
            let mut rows = Vec::new();
            let mut open = at + 1;
            while words.get(open).is_some_and(|word| word.is_sign('(')) && rows.len() < 64 {
                let end = super::words::closing(words, open);
                let values = parts(words.get(open + 1..end).unwrap_or_default());
                rows.push(
                    values
                        .into_iter()
                        .map(|part| self.value(part))
                        .collect::<Result<Vec<_>, _>>()?,
                );
                open =
                    end + 1 + usize::from(words.get(end + 1).is_some_and(|word| word.is_sign(',')));
            }
            rows
        } else {
            self.captured(&words[at + 1..])?
        };
        let count = rows.len() as u64;
        let held: usize = self.state.tables.iter().map(size).sum();
        match self.state.tables.iter_mut().find(|table| table.name == name) {
            Some(table) => {
                let wide = table.columns.len();
                let mut room = TABLE_BYTES.saturating_sub(held);
                for mut row in rows {
                    let bytes: usize = row.iter().map(|value| value.bytes().len() + 16).sum();
                    if bytes > room {
                        break;
                    }
                    room -= bytes;
                    row.resize(wide, Value::Null);
                    table.rows.push(row);
                }
            }
            None => self.class("data changed"),
        }
        self.answer.done(Some(count));
        Ok(())
    }

    fn create(&mut self, words: &[Token]) -> Result<(), Fault> {
        let what = words.get(1).map(|word| word.text().to_lowercase()).unwrap_or_default();
        match what.as_str() {
            "table" => {
                let (names, length) = super::words::dotted(words, 2);
                let open = 2 + length;
                let end = super::words::closing(words, open);
                let columns = words.get(open + 1..end).unwrap_or_default().to_vec();
                let name = names.last().map(|name| name.to_lowercase()).unwrap_or_default();
                if self.state.tables.iter().any(|table| table.name == name) {
                    return Err(Fault::new(
                        2_714,
                        format!("There is already an object named '{name}' in the database."),
                    ));
                }
                self.new_table(&name, &columns);
            }
            "assembly" => {
                self.class("assembly");
                let brought = self.literals.iter().map(|payload| payload.sha256.to_string()).next();
                let text = format!(
                    "{} {}",
                    words.get(2).map(Token::text).unwrap_or_default(),
                    brought.unwrap_or_default()
                );
                self.note("mssql assembly", text.trim_end());
            }
            "procedure" | "proc" | "function" => {
                let (names, _) = super::words::dotted(words, 2);
                let external =
                    words.windows(2).any(|pair| pair[0].is("external") && pair[1].is("name"));
                if external && self.state.external.len() < MOST_TABLES {
                    self.class("procedure of an assembly");
                    self.state
                        .external
                        .push(names.last().map(|name| name.to_lowercase()).unwrap_or_default());
                }
            }
            "login" | "user" => self.class("login made"),
            _ => self.class("server changed"),
        }
        self.answer.done(None);
        Ok(())
    }

    fn new_table(&mut self, name: &str, columns: &[Token]) {
        if self.state.tables.len() >= MOST_TABLES {
            return;
        }
        let column = |part: &[Token]| Column {
            name: part.first().map(|word| word.text().to_lowercase()).unwrap_or_default().into(),
            kind: "nvarchar".into(),
            key: "",
            extra: "",
            nullable: true,
        };
        let columns = parts(columns).into_iter().take(32).map(column).collect();
        self.state.tables.push(Relation {
            name: name.chars().take(128).collect(),
            columns,
            rows: Vec::new(),
        });
    }

    fn drop_object(&mut self, words: &[Token]) -> Result<(), Fault> {
        let what = words.get(1).map(|word| word.text().to_lowercase()).unwrap_or_default();
        let name = words.last().map(|word| word.text().to_lowercase()).unwrap_or_default();
        let before = self.state.tables.len();
        self.state.tables.retain(|table| table.name != name);
        if what == "database" || what == "table" && before == self.state.tables.len() {
            self.class("data deleted");
        }
        self.answer.done(None);
        Ok(())
    }

    fn bulk(&mut self, words: &[Token]) -> Result<(), Fault> {
        let path = words.iter().find_map(|word| match &word.kind {
            Kind::Text(path) => Some(path.clone()),
            _ => None,
        });
        // INSERT BULK of a client's library brings its rows in messages of their own.
        let Some(path) = path else {
            self.answer.done(None);
            return Ok(());
        };
        self.class("file read");
        let content =
            self.machine.read(&path, self.now).ok_or_else(|| super::query::no_file(&path))?;
        let lines = String::from_utf8_lossy(&content).lines().count() as u64;
        let (names, _) = super::words::dotted(words, 2);
        let name = names.last().map(|name| name.to_lowercase()).unwrap_or_default();
        if let Some(table) = self.state.tables.iter_mut().find(|table| table.name == name) {
            let text = String::from_utf8_lossy(&content).into_owned();
            let wide = table.columns.len().max(1);
            for line in text.lines().take(64) {
                let mut row = vec![Value::text(line)];
                row.resize(wide, Value::Null);
                table.rows.push(row);
            }
        }
        self.answer.done(Some(lines));
        Ok(())
    }

    /// BACKUP … TO DISK, by which pages are written into a web server's folder.
    fn backup(&mut self, words: &[Token]) -> Result<(), Fault> {
        let path = words.iter().find_map(|word| match &word.kind {
            Kind::Text(path) => Some(path.clone()),
            _ => None,
        });
        self.class("backup");
        if let Some(path) = path {
            self.note("mssql backup", &path);
        }
        let database = words.get(2).map(Token::text).unwrap_or_default();
        self.answer.info(
            4_035,
            format!("Processed 344 pages for database '{database}', file '{database}' on file 1."),
        );
        self.answer.info(
            3_014,
            "BACKUP DATABASE successfully processed 344 pages in 0.031 seconds (86.693 MB/sec).",
        );
        self.answer.done(None);
        Ok(())
    }

    /// Rows that a procedure gives, for a table.
    fn captured(&mut self, words: &[Token]) -> Result<Vec<Vec<Value>>, Fault> {
        let (name, parameters) = self.called(words)?;
        Ok(self.procedure_rows(&name, &parameters)?.map_or_else(Vec::new, |rows: Rows| rows.rows))
    }
}

/// Words between commas outside brackets.
pub(super) fn parts(words: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let split = words.split(move |word| {
        match word.kind {
            Kind::Sign('(') => depth += 1,
            Kind::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.is_sign(',')
    });
    split.filter(|part| !part.is_empty()).collect()
}
