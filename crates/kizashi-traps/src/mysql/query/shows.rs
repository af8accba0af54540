//! SHOW and DESCRIBE, mostly as queries of `information_schema`, as the server itself does them.

use super::{Answer, Scene, no_database, use_database};
use crate::mysql::tokens::{Kind, Token};
use crate::sql::{Column, MysqlRelease, Rows, Value, is_switch};

/// Variables that are listed.
const VARIABLES: [&str; 52] = [
    "authentication_policy",
    "auto_increment_increment",
    "autocommit",
    "automatic_sp_privileges",
    "basedir",
    "character_set_client",
    "character_set_connection",
    "character_set_database",
    "character_set_filesystem",
    "character_set_results",
    "character_set_server",
    "collation_connection",
    "collation_database",
    "collation_server",
    "datadir",
    "default_authentication_plugin",
    "div_precision_increment",
    "general_log",
    "general_log_file",
    "group_concat_max_len",
    "have_openssl",
    "have_ssl",
    "have_symlink",
    "hostname",
    "innodb_version",
    "license",
    "local_infile",
    "log_bin",
    "lower_case_table_names",
    "max_allowed_packet",
    "max_connections",
    "performance_schema",
    "pid_file",
    "plugin_dir",
    "port",
    "secure_file_priv",
    "server_id",
    "slow_query_log",
    "socket",
    "sql_mode",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "system_time_zone",
    "time_zone",
    "tls_version",
    "tx_isolation",
    "version",
    "version_comment",
    "version_compile_machine",
    "version_compile_os",
    "wait_timeout",
];

fn quoted(text: &[u8]) -> Vec<u8> {
    let inner = text
        .iter()
        .flat_map(|byte| if b"'\\".contains(byte) { vec![b'\\', *byte] } else { vec![*byte] });
    [&b"'"[..], &inner.collect::<Vec<u8>>(), b"'"].concat()
}

/// The text after LIKE.
fn pattern(words: &[Token]) -> Option<Vec<u8>> {
    words.windows(2).find_map(|pair| match &pair[1].kind {
        Kind::Text(text) if pair[0].is("like") => Some(text.clone()),
        _ => None,
    })
}

/// The name after the last FROM or IN.
fn named(words: &[Token]) -> Option<&[u8]> {
    let found = words.windows(2).rev().find(|pair| pair[0].is("from") || pair[0].is("in"))?;
    found[1].name()
}

fn answer(scene: &Scene<'_>, query: &[u8]) -> Answer {
    match scene.select(query).0 {
        Ok(rows) => Answer::Rows(rows),
        Err(error) => error.into(),
    }
}

fn table(names: &str, rows: Vec<Vec<Value>>) -> Answer {
    let names = names.split(' ').map(|name| name.replace('-', " ").into_bytes()).collect();
    Answer::Rows(Rows { names, rows, ..Rows::default() })
}

pub(super) fn show(scene: &mut Scene<'_>, text: &[u8], words: &[Token]) -> Answer {
    let mut rest = &words[1..];
    let full = rest.first().is_some_and(|token| token.is("full"));
    while rest.first().is_some_and(|token| {
        ["full", "global", "session", "extended"].iter().any(|word| token.is(word))
    }) {
        rest = &rest[1..];
    }
    let Some(Kind::Word(kind, _)) = rest.first().map(|token| &token.kind) else {
        return answer(scene, text);
    };
    let like = pattern(words);
    match kind.as_slice() {
        b"databases" | b"schemas" => {
            let filter = like.map(|like| [b" WHERE SCHEMA_NAME LIKE ", &quoted(&like)[..]].concat());
            let start = b"SELECT SCHEMA_NAME AS `Database` FROM information_schema.SCHEMATA";
            answer(scene, &[start, &filter.unwrap_or_default()[..], b" ORDER BY 1"].concat())
        }
        b"tables" => tables(scene, named(words), like.as_deref(), full),
        b"columns" | b"fields" => columns(scene, words, &rest[1..]),
        b"variables" => variables(scene, words, like.as_deref()),
        b"status" => {
            let rows = [("Threads_connected", "3"), ("Uptime", "81345")];
            let wanted = |name: &str| like.as_ref().is_none_or(|like| like.eq_ignore_ascii_case(name.as_bytes()));
            let rows = rows.iter().filter(|(name, _)| wanted(name));
            table("Variable_name Value", rows.map(|(name, value)| vec![Value::text(*name), Value::text(*value)]).collect())
        }
        b"grants" => {
            let (user, client) = (&scene.account.user, "%");
            let name = format!("Grants-for-{user}@{client}");
            let grant = format!("GRANT ALL PRIVILEGES ON *.* TO `{user}`@`{client}` WITH GRANT OPTION");
            table(&name, vec![vec![Value::text(grant)]])
        }
        b"processlist" => answer(scene, b"SELECT ID AS Id, USER AS User, HOST AS Host, DB AS db, COMMAND AS Command, TIME AS Time, STATE AS State, INFO AS Info FROM information_schema.PROCESSLIST"),
        b"engines" => answer(scene, b"SELECT ENGINE AS Engine, SUPPORT AS Support, COMMENT AS Comment FROM information_schema.ENGINES"),
        b"plugins" => answer(scene, b"SELECT PLUGIN_NAME AS Name, PLUGIN_STATUS AS Status, PLUGIN_TYPE AS Type FROM information_schema.PLUGINS"),
        b"warnings" | b"errors" => table("Level Code Message", Vec::new()),
        b"master" | b"slave" | b"replica" | b"binary" => Answer::Rows(Rows { names: vec![b"File".to_vec()], ..Rows::default() }),
        b"index" | b"indexes" | b"keys" => table("Table Non_unique Key_name Seq_in_index Column_name", Vec::new()),
        b"function" | b"procedure" | b"triggers" | b"events" => table("Db Name Type Definer", Vec::new()),
        b"create" => create(scene, &rest[1..]),
        _ => answer(scene, text),
    }
}

fn tables(
    scene: &mut Scene<'_>,
    database: Option<&[u8]>,
    like: Option<&[u8]>,
    full: bool,
) -> Answer {
    let database = database.unwrap_or(scene.account.database.as_bytes()).to_vec();
    if database.is_empty() {
        return no_database();
    }
    let before = scene.account.database.clone();
    let there = use_database(scene, Some(&database));
    scene.account.database = before;
    if matches!(there, Answer::Error(..)) {
        return there;
    }
    let name = [b"`Tables_in_", &database[..], b"`"].concat();
    let kind = if full { &b", TABLE_TYPE AS Table_type"[..] } else { b"" };
    let filter =
        like.map(|like| [b" AND TABLE_NAME LIKE ", &quoted(like)[..]].concat()).unwrap_or_default();
    let start = b"SELECT TABLE_NAME AS ";
    let middle = b" FROM information_schema.TABLES WHERE TABLE_SCHEMA = ";
    answer(
        scene,
        &[start, &name[..], kind, middle, &quoted(&database), &filter, b" ORDER BY 1"].concat(),
    )
}

fn columns(scene: &Scene<'_>, words: &[Token], rest: &[Token]) -> Answer {
    let Some(name) = rest.get(1).and_then(Token::name) else { return no_database() };
    // SHOW COLUMNS FROM table FROM database, or FROM database.table.
    let dotted = rest.get(2).filter(|token| token.is_sign(b'.')).and_then(|_| rest.get(3)?.name());
    let (database, name) = match dotted {
        Some(table) => (name, table),
        None if rest.len() > 2 => (named(words).unwrap_or_default(), name),
        None => (scene.account.database.as_bytes(), name),
    };
    of_table(scene, database, name)
}

pub(super) fn describe(scene: &Scene<'_>, words: &[Token]) -> Answer {
    let Some(name) = words.get(1).and_then(Token::name) else { return no_database() };
    match words.get(2).filter(|token| token.is_sign(b'.')).and_then(|_| words.get(3)?.name()) {
        Some(table) => of_table(scene, name, table),
        None => of_table(scene, scene.account.database.as_bytes(), name),
    }
}

fn of_table(scene: &Scene<'_>, database: &[u8], name: &[u8]) -> Answer {
    let tables = scene.copy.tables(database);
    let found = tables.and_then(|tables| tables.iter().find(|table| table.name.as_bytes() == name));
    let Some(found) = found else {
        return Answer::Error(
            1146,
            [b"Table '", database, b".", name, b"' doesn't exist"].concat(),
        );
    };
    let row = |column: &Column| {
        let null = if column.nullable { "YES" } else { "NO" };
        let default = if column.nullable { Value::Null } else { Value::text("") };
        let kind = scene.identity.mysql_release().shown_type(&column.kind);
        let texts = [column.name.as_ref(), kind, null, column.key];
        let mut row: Vec<Value> = texts.iter().map(|text| Value::text(*text)).collect();
        row.extend([default, Value::text(column.extra)]);
        row
    };
    table("Field Type Null Key Default Extra", found.columns.iter().map(row).collect())
}

fn variables(scene: &Scene<'_>, words: &[Token], like: Option<&[u8]>) -> Answer {
    // WHERE Variable_name = 'x' and its kind: the names among its texts.
    let texts: Vec<&[u8]> = words
        .iter()
        .filter_map(|token| match &token.kind {
            Kind::Text(text) => Some(text.as_slice()),
            _ => None,
        })
        .collect();
    let mut rows = Vec::new();
    for name in VARIABLES {
        let wanted = match like {
            Some(like) => {
                let query = [&quoted(name.as_bytes())[..], b" LIKE ", &quoted(like)].concat();
                scene.values(&query).is_ok_and(|values| values.first() == Some(&Value::Integer(1)))
            }
            None => {
                texts.is_empty()
                    || texts.iter().any(|text| text.eq_ignore_ascii_case(name.as_bytes()))
            }
        };
        let value = if wanted { scene.values(format!("@@{name}").as_bytes()).ok() } else { None };
        let Some(value) = value.and_then(|values| values.into_iter().next()) else { continue };
        let shown = match value {
            Value::Null => Vec::new(),
            Value::Integer(number) if is_switch(name) => {
                if number == 0 {
                    b"OFF".to_vec()
                } else {
                    b"ON".to_vec()
                }
            }
            value => value.bytes(),
        };
        rows.push(vec![Value::text(name), Value::Text(shown)]);
    }
    table("Variable_name Value", rows)
}

fn create(scene: &Scene<'_>, rest: &[Token]) -> Answer {
    let release = scene.identity.mysql_release();
    let name = rest.get(1).and_then(Token::name).unwrap_or_default();
    if rest.first().is_some_and(|token| token.is("database") || token.is("schema")) {
        let (set, collation) = release.collation();
        let rest = match release {
            MysqlRelease::MariaDb => format!("{set} COLLATE {collation} */"),
            MysqlRelease::V5_7 => format!("{set} */"),
            MysqlRelease::V8_4 => {
                format!("{set} COLLATE {collation} */ /*!80016 DEFAULT ENCRYPTION='N' */")
            }
        };
        let end = [b"` /*!40100 DEFAULT CHARACTER SET ", rest.as_bytes()].concat();
        let text = [b"CREATE DATABASE `", name, &end[..]].concat();
        return table("Database Create-Database", vec![vec![Value::text(name), Value::Text(text)]]);
    }
    let dotted = rest.get(2).filter(|token| token.is_sign(b'.')).and_then(|_| rest.get(3)?.name());
    let (database, name) =
        dotted.map_or((scene.account.database.as_bytes(), name), |table| (name, table));
    let tables = scene.copy.tables(database);
    let Some(found) =
        tables.and_then(|tables| tables.iter().find(|table| table.name.as_bytes() == name))
    else {
        return Answer::Error(
            1146,
            [b"Table '", database, b".", name, b"' doesn't exist"].concat(),
        );
    };
    let line = |column: &Column| {
        let null = if column.nullable { " DEFAULT NULL" } else { " NOT NULL" };
        let extra = if column.extra.is_empty() {
            String::new()
        } else {
            format!(" {}", column.extra.to_uppercase())
        };
        format!("  `{}` {}{null}{extra}", column.name, release.shown_type(&column.kind))
    };
    let mut lines: Vec<String> = found.columns.iter().map(line).collect();
    lines.extend(
        found
            .columns
            .iter()
            .filter(|column| column.key == "PRI")
            .map(|column| format!("  PRIMARY KEY (`{}`)", column.name)),
    );
    let (set, collation) = release.collation();
    let collated =
        if release == MysqlRelease::V5_7 { String::new() } else { format!(" COLLATE={collation}") };
    let text = format!(
        "CREATE TABLE `{}` (\n{}\n) ENGINE=InnoDB DEFAULT CHARSET={set}{collated}",
        found.name,
        lines.join(",\n")
    );
    table("Table Create-Table", vec![vec![Value::text(name), Value::text(text)]])
}
