//! Databases, and what each visitor changed in them: a copy for his address (64 bits of IPv6) over his connections, until a day after his last
//! statement. What nobody changed is shared by all copies. Bounded: what a copy adds, copies in all, and passwords that are known again.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kizashi_event::Timestamp;

use super::password;
use crate::Identity;
use crate::copies::Copies;
use crate::draw::Draw;
use crate::sql::{Column, Databases, MysqlRelease, Relation, Tables, Value};

/// Passwords that `caching_sha2_password` knows again, of all users, and how long they and names may be.
const KNOWN: usize = 64;
const LONGEST_KNOWN: usize = 128;

/// One visitor's server.
pub(super) type OwnCopy = Tables;

impl Tables {
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
#[derive(Default)]
pub(crate) struct Installed {
    copies: Copies<OwnCopy>,
    /// Users who were let in, and by which password.
    known: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Installed {
    /// Passwords by which this user was let in before; the application is in all the time.
    pub(super) fn passwords(&self, identity: &Identity, user: &[u8]) -> Vec<Vec<u8>> {
        let application = identity.application();
        let account = application.account();
        let own = (account.name.as_bytes() == user).then(|| account.password.as_bytes().to_vec());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.iter().filter(|(name, _)| name == user);
        own.into_iter().chain(known.map(|(_, password)| password.clone())).collect()
    }

    /// Remembers by which; the oldest is forgotten.
    pub(super) fn remember(&self, user: &[u8], password: &[u8]) {
        let pair = (user.to_vec(), password.to_vec());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if user.len().max(password.len()) > LONGEST_KNOWN || known.contains(&pair) {
            return;
        }
        if known.len() >= KNOWN {
            known.remove(0);
        }
        known.push(pair);
    }

    /// Lets `act` see and change this visitor's copy.
    pub(super) fn with<T>(
        &self,
        identity: &Identity,
        source: IpAddr,
        now: Timestamp,
        act: impl FnOnce(&mut OwnCopy) -> T,
    ) -> T {
        self.copies.with(source, now, || Tables::of(databases(identity)), act)
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
    let users = if identity.mysql_release().is_mariadb() {
        mariadb_users(identity, &account.name, account.password)
    } else {
        mysql_users(identity, &account.name, account.password)
    };
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
    let mut all = vec![
        (account.database.clone(), Arc::clone(account.relations)),
        ("mysql".to_owned(), system.into()),
        ("performance_schema".to_owned(), none()),
    ];
    if !identity.mysql_release().is_mariadb() {
        all.push(("sys".to_owned(), none()));
    }
    all
}

const PRIVILEGES: &str = "enum('N','Y')";

fn mariadb_users(identity: &Identity, owner: &str, password: &str) -> Relation {
    let text = |text: &str| Value::text(text);
    let user = |host: &str, user: &str, hash: &str, all: &str| {
        let plugin = "mysql_native_password";
        [host, user, hash, all, all, all, plugin, hash].map(text).to_vec()
    };
    let root = password::stored(identity.host_name().as_bytes());
    let own = password::stored(password.as_bytes());
    table(
        "user",
        &[
            ("Host", "char(60)"),
            ("User", "char(80)"),
            ("Password", "longtext"),
            ("Select_priv", PRIVILEGES),
            ("File_priv", PRIVILEGES),
            ("Super_priv", PRIVILEGES),
            ("plugin", "longtext"),
            ("authentication_string", "longtext"),
        ],
        vec![
            user("localhost", "mariadb.sys", "", "N"),
            user("localhost", "root", "invalid", "Y"),
            user("localhost", "mysql", "invalid", "Y"),
            user("%", "root", &root, "Y"),
            user("%", owner, &own, "Y"),
        ],
    )
}

fn mysql_users(identity: &Identity, owner: &str, password: &str) -> Relation {
    let release = identity.mysql_release();
    let newer = release == MysqlRelease::V8_4;
    let plugin = if newer { "caching_sha2_password" } else { "mysql_native_password" };
    let hash = |label: &str, password: &[u8]| {
        if newer { drawn_hash(identity, label) } else { password::stored(password) }
    };
    let user = |host: &str, user: &str, hash: &str, all: &str| {
        [host, user, all, all, all, plugin, hash].map(Value::text).to_vec()
    };
    // Accounts of the server's own, whose password is none.
    let locked = if newer {
        "$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED"
    } else {
        "*THISISNOTAVALIDPASSWORDTHATCANBEUSEDHERE"
    };
    let mut rows = vec![
        user("%", "root", &hash("root", identity.host_name().as_bytes()), "Y"),
        user("%", owner, &hash("owner", password.as_bytes()), "Y"),
    ];
    let own: &[&str] = if newer {
        &["mysql.infoschema", "mysql.session", "mysql.sys"]
    } else {
        &["mysql.session", "mysql.sys"]
    };
    rows.extend(own.iter().map(|name| user("localhost", name, locked, "N")));
    table(
        "user",
        &[
            ("Host", if newer { "char(255)" } else { "char(60)" }),
            ("User", "char(32)"),
            ("Select_priv", PRIVILEGES),
            ("File_priv", PRIVILEGES),
            ("Super_priv", PRIVILEGES),
            ("plugin", "char(64)"),
            ("authentication_string", "text"),
        ],
        rows,
    )
}

/// A hash as `caching_sha2_password` stores it (hashcat's mode 7401), of no password: to compute one takes 5,000 rounds, and nobody can tell.
fn drawn_hash(identity: &Identity, label: &str) -> String {
    const LETTERS: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const LENGTH: u64 = 20 + 43;
    let label = format!("mysql hash of {label}");
    let draw = Draw::new(identity.seed(), &label);
    let letter = |at| char::from(draw.one_of(at, LETTERS).unwrap_or(b'.'));
    format!("$A$005${}", (0..LENGTH).map(letter).collect::<String>())
}
