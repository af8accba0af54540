//! Databases, and what each visitor changed in them: a copy for his address (64 bits of IPv6) over his connections, until a day after his last
//! statement. What nobody changed is shared by all copies. Bounded: what a copy adds, and copies in all.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kizashi_event::{Timestamp, one_source};

use super::password;
use crate::Identity;
use crate::login::Memory;
use crate::sql::{Column, Relation, Value};

/// Bytes that a visitor may add to his copy, all tables together.
const ADDED: usize = 96 * 1024;
/// What a row, a table or a name costs beside its text.
const COST: usize = 64;
/// Copies in each of two generations.
const COPIES: usize = 32;
/// How long a copy is kept after the last statement, in seconds.
const KEPT: i64 = 24 * 3_600;

/// Databases by name.
pub(super) type Databases = Vec<(String, Arc<[Relation]>)>;

/// One visitor's server.
#[derive(Default)]
pub(super) struct OwnCopy {
    made: bool,
    touched: i64,
    pub(super) databases: Databases,
    /// Files that he had written.
    pub(super) files: BTreeSet<Vec<u8>>,
    added: usize,
}

impl OwnCopy {
    /// Whether so many bytes more may be kept; they are then counted.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        let admitted = self.added + bytes + COST <= ADDED;
        self.added += if admitted { bytes + COST } else { 0 };
        admitted
    }

    pub(super) fn tables(&self, database: &[u8]) -> Option<&Arc<[Relation]>> {
        let found = self.databases.iter().find(|(name, _)| name.as_bytes() == database);
        found.map(|(_, tables)| tables)
    }

    /// Lets `act` change a database's tables.
    pub(super) fn change<T>(
        &mut self,
        database: &[u8],
        act: impl FnOnce(&mut Vec<Relation>) -> T,
    ) -> Option<T> {
        let found = self.databases.iter_mut().find(|(name, _)| name.as_bytes() == database);
        let (_, tables) = found?;
        let mut changed = tables.to_vec();
        let said = act(&mut changed);
        *tables = changed.into();
        Some(said)
    }

    /// Functions of shared libraries: the rows of `mysql.func`.
    pub(super) fn function(&self, name: &[u8]) -> Option<&[Value]> {
        let table = self.tables(b"mysql")?.iter().find(|table| table.name == "func")?;
        let same = |row: &&Vec<Value>| {
            row.first().is_some_and(|first| first.bytes().eq_ignore_ascii_case(name))
        };
        table.rows.iter().find(same).map(Vec::as_slice)
    }
}

/// All copies.
pub(crate) struct Installed {
    copies: Mutex<Memory<IpAddr, OwnCopy>>,
}

impl Default for Installed {
    fn default() -> Self {
        Self { copies: Mutex::new(Memory::new(COPIES)) }
    }
}

impl Installed {
    /// Lets `act` see and change this visitor's copy.
    pub(super) fn with<T>(
        &self,
        identity: &Identity,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut OwnCopy) -> T,
    ) -> T {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = copies.of(one_source(source));
        if !copy.made || now.seconds().saturating_sub(copy.touched) > KEPT {
            *copy = OwnCopy { made: true, databases: databases(identity), ..OwnCopy::default() };
        }
        copy.touched = now.seconds();
        act(copy)
    }
}

/// A table: names and types of its columns.
pub(super) fn table(
    name: &str,
    columns: &[(&'static str, &'static str)],
    rows: Vec<Vec<Value>>,
) -> Relation {
    let column = |(name, kind): &(&'static str, &'static str)| Column {
        name: (*name).into(),
        kind: (*kind).into(),
        key: "",
        extra: "",
        nullable: false,
    };
    Relation { name: name.to_owned(), columns: columns.iter().map(column).collect(), rows }
}

/// The application's database, and the server's own.
fn databases(identity: &Identity) -> Databases {
    let application = identity.application();
    let account = application.account();
    let text = |text: &str| Value::text(text);
    let user = |host: &str, user: &str, hash: &str, plugin: &str, all: &str| {
        vec![
            text(host),
            text(user),
            text(hash),
            text(all),
            text(all),
            text(all),
            text(plugin),
            text(hash),
        ]
    };
    let native = "mysql_native_password";
    let root = password::stored(identity.host_name().as_bytes());
    let own = password::stored(account.password.as_bytes());
    let users = vec![
        user("localhost", "mariadb.sys", "", native, "N"),
        user("localhost", "root", "invalid", native, "Y"),
        user("localhost", "mysql", "invalid", native, "Y"),
        user("%", "root", &root, native, "Y"),
        user("%", &account.name, &own, native, "Y"),
    ];
    let privileges = "enum('N','Y')";
    let users = table(
        "user",
        &[
            ("Host", "char(60)"),
            ("User", "char(80)"),
            ("Password", "longtext"),
            ("Select_priv", privileges),
            ("File_priv", privileges),
            ("Super_priv", privileges),
            ("plugin", "longtext"),
            ("authentication_string", "longtext"),
        ],
        users,
    );
    let functions = [
        ("name", "char(64)"),
        ("ret", "tinyint(1)"),
        ("dl", "char(128)"),
        ("type", "enum('function','aggregate')"),
    ];
    let plugins = [("name", "varchar(64)"), ("dl", "varchar(128)")];
    let system =
        vec![table("func", &functions, Vec::new()), table("plugin", &plugins, Vec::new()), users];
    let none = || Arc::from(Vec::new());
    vec![
        (account.database.clone(), Arc::clone(account.relations)),
        ("mysql".to_owned(), system.into()),
        ("performance_schema".to_owned(), none()),
    ]
}
