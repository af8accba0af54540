//! The MariaDB or MySQL that is pretended: one database of an application, `information_schema` over it, and an account that may read both. What an
//! account without SUPER gets to see is what it gets to see here: `mysql` is there and refused.

use std::borrow::Cow;
use std::sync::Arc;

use kizashi_event::Timestamp;

use super::error::SqlError;
use super::evaluate::same_name;
use super::foreign::{Dialect, Foreign};
use super::release::MysqlRelease;
use super::value::Value;

/// A column: name, type as `SHOW COLUMNS` prints it, key and extra.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) key: &'static str,
    pub(crate) extra: &'static str,
    pub(crate) nullable: bool,
}

/// A table of the application's.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// What reads files of the machine's for LOAD_FILE.
pub(crate) type Files = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

/// One server, as one query sees it.
pub(crate) struct Server {
    /// `10.11.11-MariaDB-0+deb12u1`.
    pub(crate) version: String,
    pub(crate) comment: &'static str,
    pub(crate) release: MysqlRelease,
    pub(crate) host: String,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) relations: Arc<[Relation]>,
    /// Where the account's client is: `localhost`.
    pub(crate) client: String,
    /// Databases beside the current one that the account may read; where `mysql` is none of them it is refused.
    pub(crate) others: Vec<(String, Arc<[Relation]>)>,
    pub(crate) connection: u32,
    pub(crate) now: Timestamp,
    /// Where RAND without a seed begins.
    pub(crate) chance: u32,
    pub(crate) files: Files,
    /// The server is another product.
    pub(crate) foreign: Option<Box<dyn Foreign>>,
}

type Found = (Vec<Vec<u8>>, Vec<Vec<Value>>);

impl Server {
    pub(super) fn database_name(&self) -> &[u8] {
        self.database.as_bytes()
    }

    /// The databases with tables, the current one first.
    fn databases(&self) -> impl Iterator<Item = (&str, &[Relation])> {
        let current =
            (!self.database.is_empty()).then(|| (self.database.as_str(), &*self.relations));
        current
            .into_iter()
            .chain(self.others.iter().map(|(name, tables)| (name.as_str(), &**tables)))
    }

    /// The version as executable comments have it: 101111.
    pub(super) fn number(&self) -> u32 {
        let plain = self.version.split('-').next().unwrap_or_default();
        let mut parts = plain.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        next() * 10_000 + next() * 100 + next()
    }

    pub(super) fn read_file(&self, path: &[u8]) -> Option<Vec<u8>> {
        if path.first() != Some(&b'/') || path.contains(&0) {
            return None;
        }
        (self.files)(path)
    }

    /// INTO OUTFILE: the account may, and MariaDB's own account may not write where a web server reads.
    pub(super) fn refuse_file(&self, path: &[u8]) -> SqlError {
        if self.read_file(path).is_some() {
            return SqlError::new(1086, [b"File '", path, b"' already exists"].concat());
        }
        let (start, reason) =
            (b"Can't create/write to file '", self.release.system_error(13, "Permission denied"));
        SqlError::new(1, [&start[..], path, b"' (", reason.as_bytes(), b")"].concat())
    }

    pub(super) fn variable(&self, name: &[u8]) -> Result<Value, SqlError> {
        super::variables::variable(self, name)
    }

    pub(super) fn dialect(&self) -> Dialect {
        if self.foreign.is_some() { Dialect::PostgreSql } else { Dialect::MariaDb }
    }

    /// Names and rows of a table.
    pub(super) fn table(&self, database: Option<&[u8]>, name: &[u8]) -> Result<Found, SqlError> {
        let database = database.unwrap_or(self.database_name());
        if same_name(database, b"information_schema") {
            let view = name.to_ascii_uppercase();
            return self.view(&view).ok_or_else(|| {
                SqlError::new(1109, [b"Unknown table '", name, b"' in information_schema"].concat())
            });
        }
        if database.is_empty() {
            return Err(SqlError::new(1046, "No database selected"));
        }
        let found = self.databases().find(|(there, _)| there.as_bytes() == database);
        let closed = [&b"mysql"[..], b"sys", b"performance_schema"].contains(&database);
        if closed && found.is_none() {
            return Err(self.refuse_table(database, name));
        }
        // Names of tables are told apart by case on Linux.
        let mut tables = found.into_iter().flat_map(|(_, tables)| tables);
        match tables.find(|table| table.name.as_bytes() == name) {
            Some(table) => {
                let names =
                    table.columns.iter().map(|column| column.name.as_bytes().to_vec()).collect();
                Ok((names, table.rows.clone()))
            }
            None => Err(SqlError::no_table(database, name)),
        }
    }

    fn refuse_table(&self, database: &[u8], name: &[u8]) -> SqlError {
        let start = format!("SELECT command denied to user {} for table ", self.grantee());
        let named = if self.release.is_mariadb() {
            [b"`", database, b"`.`", name, b"`"].concat()
        } else {
            [b"'", name, b"'"].concat()
        };
        SqlError::new(1142, [start.as_bytes(), &named].concat())
    }

    #[expect(clippy::too_many_lines, reason = "the views themselves")]
    fn view(&self, name: &[u8]) -> Option<Found> {
        let text = |text: &str| Value::text(text);
        let number = |number: usize| Value::Integer(number as i128);
        let (set, collation) = self.release.collation();
        let (names, rows): (&str, Vec<Vec<Value>>) = match name {
            b"SCHEMATA" => (
                "CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH",
                std::iter::once("information_schema")
                    .chain(self.databases().map(|(name, _)| name))
                    .map(|name| {
                        vec![text("def"), text(name), text(set), text(collation), Value::Null]
                    })
                    .collect(),
            ),
            b"TABLES" => {
                let views =
                    self.release.views().split(' ').map(|view| {
                        ("information_schema", view, "SYSTEM VIEW", "MEMORY", Value::Null)
                    });
                let tables = self.databases().flat_map(|(database, tables)| {
                    tables.iter().map(move |table| (database, table))
                });
                let tables = tables.map(|(database, table)| {
                    (
                        database,
                        table.name.as_str(),
                        "BASE TABLE",
                        "InnoDB",
                        number(table.rows.len()),
                    )
                });
                let row = |(schema, name, kind, engine, rows): (&str, &str, &str, &str, Value)| {
                    vec![
                        text("def"),
                        text(schema),
                        text(name),
                        text(kind),
                        text(engine),
                        rows,
                        text(collation),
                        text(""),
                    ]
                };
                (
                    "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE TABLE_ROWS TABLE_COLLATION TABLE_COMMENT",
                    views.chain(tables).map(row).collect(),
                )
            }
            b"COLUMNS" => (
                "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION IS_NULLABLE DATA_TYPE COLUMN_TYPE COLUMN_KEY EXTRA COLUMN_COMMENT PRIVILEGES",
                self.columns(),
            ),
            b"USER_PRIVILEGES" => (
                "GRANTEE TABLE_CATALOG PRIVILEGE_TYPE IS_GRANTABLE",
                vec![vec![text(&self.grantee()), text("def"), text("FILE"), text("NO")]],
            ),
            b"SCHEMA_PRIVILEGES" => (
                "GRANTEE TABLE_CATALOG TABLE_SCHEMA PRIVILEGE_TYPE IS_GRANTABLE",
                ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "INDEX", "ALTER"]
                    .iter()
                    .map(|kind| {
                        vec![
                            text(&self.grantee()),
                            text("def"),
                            text(&self.database),
                            text(kind),
                            text("NO"),
                        ]
                    })
                    .collect(),
            ),
            b"PROCESSLIST" => (
                "ID USER HOST DB COMMAND TIME STATE INFO",
                vec![vec![
                    Value::Integer(self.connection.into()),
                    text(&self.user),
                    text(&self.client),
                    text(&self.database),
                    text("Query"),
                    Value::Integer(0),
                    text("Filling schema table"),
                    Value::Null,
                ]],
            ),
            b"PLUGINS" | b"ALL_PLUGINS" => (
                "PLUGIN_NAME PLUGIN_VERSION PLUGIN_STATUS PLUGIN_TYPE",
                self.release
                    .plugins()
                    .iter()
                    .map(|(name, kind)| vec![text(name), text("1.0"), text("ACTIVE"), text(kind)])
                    .collect(),
            ),
            b"ENGINES" => (
                "ENGINE SUPPORT COMMENT",
                self.release
                    .engines()
                    .iter()
                    .map(|name| {
                        let support = if *name == "InnoDB" { "DEFAULT" } else { "YES" };
                        vec![text(name), text(support), text("")]
                    })
                    .collect(),
            ),
            b"CHARACTER_SETS" => (
                "CHARACTER_SET_NAME DEFAULT_COLLATE_NAME DESCRIPTION MAXLEN",
                [
                    ("latin1", "latin1_swedish_ci", 1),
                    ("ascii", "ascii_general_ci", 1),
                    ("utf8mb3", "utf8mb3_general_ci", 3),
                    ("utf8mb4", "utf8mb4_general_ci", 4),
                    ("binary", "binary", 1),
                ]
                .iter()
                .map(|(name, collation, length)| {
                    vec![text(name), text(collation), text(""), Value::Integer(*length)]
                })
                .collect(),
            ),
            other => {
                let known = self.release.views().split(' ').any(|view| view.as_bytes() == other);
                if !known {
                    return None;
                }
                let values = matches!(
                    other,
                    b"GLOBAL_STATUS"
                        | b"SESSION_STATUS"
                        | b"GLOBAL_VARIABLES"
                        | b"SESSION_VARIABLES"
                );
                (
                    "VARIABLE_NAME VARIABLE_VALUE",
                    if values { vec![vec![text("UPTIME"), text("81345")]] } else { Vec::new() },
                )
            }
        };
        Some((names.split(' ').map(|name| name.as_bytes().to_vec()).collect(), rows))
    }

    fn grantee(&self) -> String {
        format!("'{}'@'{}'", self.user, self.client)
    }

    fn columns(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        let databases = self.databases();
        for (database, table) in
            databases.flat_map(|(name, tables)| tables.iter().map(move |table| (name, table)))
        {
            for (place, column) in table.columns.iter().enumerate() {
                let kind = column.kind.split(['(', ' ']).next().unwrap_or_default();
                rows.push(vec![
                    Value::text("def"),
                    Value::text(database),
                    Value::text(table.name.as_str()),
                    Value::text(column.name.as_bytes()),
                    Value::Integer(place as i128 + 1),
                    Value::text(if column.nullable { "YES" } else { "NO" }),
                    Value::text(kind),
                    Value::text(self.release.shown_type(&column.kind)),
                    Value::text(column.key),
                    Value::text(column.extra),
                    Value::text(""),
                    Value::text("select,insert,update,references"),
                ]);
            }
        }
        rows
    }
}
