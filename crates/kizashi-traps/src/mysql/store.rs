//! Databases, and what each visitor changed in them: a copy for his address (64 bits of IPv6) over his connections, until a day after his last
//! statement. What nobody changed is shared by all copies. Bounded: what a copy adds, and copies in all.

use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::Timestamp;

use super::password;
use crate::Identity;
use crate::copies::Copies;
use crate::sql::{Column, Databases, Relation, Tables, Value};

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
