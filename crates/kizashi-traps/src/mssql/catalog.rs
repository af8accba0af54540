//! What the server is and what it has: version, options, databases, accounts, as its views show them.

use std::sync::Arc;

use crate::Identity;
use crate::machine::WindowsFacts;
use crate::sql::{Column, Relation, Value};
use crate::windows::WindowsRelease;

/// One release of the product.
pub(super) struct Release {
    /// Major, minor and build.
    pub(super) version: (u8, u8, u16),
    /// `12.0.6024.0`.
    pub(super) number: &'static str,
    /// `SP3`, as ProductLevel.
    pub(super) level: &'static str,
    banner: &'static str,
}

const V2014: Release = Release {
    version: (12, 0, 6_024),
    number: "12.0.6024.0",
    level: "SP3",
    banner: "Microsoft SQL Server 2014 (SP3) (KB4022619) - 12.0.6024.0 (X64) \n\tSep  7 2018 01:37:51 \n\tCopyright (c) Microsoft Corporation\n\tStandard Edition (64-bit) on Windows NT 6.1 <X64> (Build 7601: Service Pack 1) (Hypervisor)\n",
};
const V2017: Release = Release {
    version: (14, 0, 1_000),
    number: "14.0.1000.169",
    level: "RTM",
    banner: "Microsoft SQL Server 2017 (RTM) - 14.0.1000.169 (X64) \n\tAug 22 2017 17:04:49 \n\tCopyright (C) 2017 Microsoft Corporation\n\tStandard Edition (64-bit) on Windows Server 2012 R2 Standard 6.3 <X64> (Build 9600: ) (Hypervisor)\n",
};
const V2019: Release = Release {
    version: (15, 0, 2_000),
    number: "15.0.2000.5",
    level: "RTM",
    banner: "Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64) \n\tSep 24 2019 13:48:23 \n\tCopyright (C) 2019 Microsoft Corporation\n\tStandard Edition (64-bit) on Windows Server 2016 Standard 10.0 <X64> (Build 14393: ) (Hypervisor)\n",
};

impl Release {
    /// That which stands on this installation's Windows.
    pub(super) fn of(identity: &Identity) -> &'static Self {
        match identity.windows().release {
            WindowsRelease::Server2008R2 => &V2014,
            WindowsRelease::Server2012R2 => &V2017,
            WindowsRelease::Server2016 => &V2019,
        }
    }

    /// As PRELOGIN and LOGINACK tell it.
    pub(super) fn bytes(&self) -> [u8; 4] {
        let (major, minor, build) = self.version;
        let [high, low] = build.to_be_bytes();
        [major, minor, high, low]
    }

    pub(super) const fn banner(&self) -> &'static str {
        self.banner
    }
}

/// An option of `sp_configure`: name, least, most, and as it is after setup; whether it is shown among the advanced only.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) value: i64,
    pub(super) advanced: bool,
}

const fn switch(name: &'static str, value: i64, advanced: bool) -> Setting {
    Setting { name, least: 0, most: 1, value, advanced }
}

/// Those that are listed.
pub(super) const SETTINGS: [Setting; 17] = [
    switch("Ad Hoc Distributed Queries", 0, true),
    switch("Agent XPs", 1, true),
    switch("allow updates", 0, false),
    switch("backup compression default", 0, false),
    switch("clr enabled", 0, false),
    switch("clr strict security", 1, true),
    switch("contained database authentication", 0, false),
    switch("cross db ownership chaining", 0, false),
    switch("Database Mail XPs", 0, true),
    Setting {
        name: "max server memory (MB)",
        least: 128,
        most: 2_147_483_647,
        value: 2_147_483_647,
        advanced: true,
    },
    Setting {
        name: "max text repl size (B)",
        least: -1,
        most: 2_147_483_647,
        value: 65_536,
        advanced: false,
    },
    switch("nested triggers", 1, false),
    switch("Ole Automation Procedures", 0, true),
    switch("remote access", 1, false),
    Setting {
        name: "remote login timeout (s)",
        least: 0,
        most: 2_147_483_647,
        value: 10,
        advanced: false,
    },
    switch("show advanced options", 0, false),
    switch("xp_cmdshell", 0, true),
];

/// The option that a name, or its unambiguous beginning, means.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    let name = name.to_lowercase();
    let exact = SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(&name));
    exact.or_else(|| {
        let mut fitting =
            SETTINGS.iter().filter(|setting| setting.name.to_lowercase().starts_with(&name));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    })
}

/// The databases, in the order of their numbers.
pub(super) fn databases(identity: &Identity) -> Vec<String> {
    let own = identity.application().account().database.clone();
    ["master", "tempdb", "model", "msdb"].map(str::to_owned).into_iter().chain([own]).collect()
}

fn table(name: &str, columns: &[&'static str], rows: Vec<Vec<Value>>) -> Relation {
    let column = |name: &&'static str| Column {
        name: (*name).into(),
        kind: "nvarchar(128)".into(),
        key: "",
        extra: "",
        nullable: true,
    };
    Relation { name: name.to_owned(), columns: columns.iter().map(column).collect(), rows }
}

fn text(text: impl Into<String>) -> Value {
    Value::text(text.into())
}

fn number(number: impl Into<i128>) -> Value {
    Value::Integer(number.into())
}

/// What the views of `sys` are made of.
pub(super) struct Shown<'a> {
    pub(super) identity: &'a Identity,
    pub(super) facts: &'a WindowsFacts,
    pub(super) settings: &'a dyn Fn(&Setting) -> i64,
    /// The database that is in use and its tables.
    pub(super) tables: &'a [Relation],
    pub(super) database: &'a str,
}

/// Where the server keeps its files.
pub(super) fn data_folder(facts: &WindowsFacts) -> String {
    format!("C:\\Program Files\\Microsoft SQL Server\\{}\\MSSQL\\DATA", facts.sql_server_folder())
}

/// The views of `sys`, under their names and those of SQL Server 2000.
#[expect(clippy::too_many_lines, reason = "the views themselves")]
pub(super) fn views(shown: &Shown<'_>) -> Arc<[Relation]> {
    let databases: Vec<(i128, String)> = (1..).zip(self::databases(shown.identity)).collect();
    let created = "2003-04-08 09:13:36.390";
    let logins = [
        ("sa", "0x01"),
        ("##MS_PolicyTsqlExecutionLogin##", "0x0150"),
        ("NT AUTHORITY\\SYSTEM", "0x010100"),
        ("NT SERVICE\\MSSQLSERVER", "0x010600"),
    ];
    let folder = data_folder(shown.facts);
    let objects: Vec<(i128, &Relation)> =
        (245_575_913_i128..).step_by(32).zip(shown.tables).collect();
    // What `sys.tables` and `sys.objects` both list.
    let tables = || {
        let row = |(id, table): &(i128, &Relation)| {
            vec![text(table.name.as_str()), number(*id), number(1), text("U "), text("USER_TABLE")]
        };
        objects.iter().map(row).collect::<Vec<_>>()
    };
    let settings = (101_i128..).zip(&SETTINGS);
    let principals = |extra: &[Value]| {
        logins
            .iter()
            .zip(1_i128..)
            .map(|((name, sid), id)| {
                let kind = if name.contains('\\') { "U" } else { "S" };
                let mut row = vec![text(*name), number(id), text(*sid), text(kind), number(0)];
                row.extend_from_slice(extra);
                row
            })
            .collect::<Vec<_>>()
    };
    vec![
        table(
            "databases",
            &[
                "name",
                "database_id",
                "create_date",
                "compatibility_level",
                "state_desc",
                "recovery_model_desc",
                "is_trustworthy_on",
                "collation_name",
            ],
            databases
                .iter()
                .map(|(id, name)| {
                    vec![
                        text(name.as_str()),
                        number(*id),
                        text(created),
                        number(i128::from(Release::of(shown.identity).version.0) * 10),
                        text("ONLINE"),
                        text("SIMPLE"),
                        number(i128::from(name == "msdb")),
                        text("SQL_Latin1_General_CP1_CI_AS"),
                    ]
                })
                .collect(),
        ),
        table(
            "sysdatabases",
            &["name", "dbid", "sid", "crdate", "filename"],
            databases
                .iter()
                .map(|(id, name)| {
                    vec![
                        text(name.as_str()),
                        number(*id),
                        text("0x01"),
                        text(created),
                        text(format!("{folder}\\{name}.mdf")),
                    ]
                })
                .collect(),
        ),
        table("tables", &["name", "object_id", "schema_id", "type", "type_desc"], tables()),
        table("objects", &["name", "object_id", "schema_id", "type", "type_desc"], tables()),
        table(
            "sysobjects",
            &["name", "id", "xtype", "uid", "type"],
            objects
                .iter()
                .map(|(id, table)| {
                    vec![text(table.name.as_str()), number(*id), text("U "), number(1), text("U ")]
                })
                .chain(
                    [
                        ("xp_cmdshell", 1_i128),
                        ("xp_dirtree", 2),
                        ("xp_regread", 3),
                        ("sp_OACreate", 4),
                    ]
                    .map(|(name, id)| {
                        vec![text(name), number(-id), text("X "), number(4), text("X ")]
                    }),
                )
                .collect(),
        ),
        table(
            "columns",
            &["object_id", "name", "column_id", "system_type_id"],
            objects
                .iter()
                .flat_map(|(id, table)| {
                    table.columns.iter().zip(1_i128..).map(move |(column, place)| {
                        vec![number(*id), text(column.name.clone()), number(place), number(231)]
                    })
                })
                .collect(),
        ),
        table(
            "syscolumns",
            &["id", "name", "colid", "xtype"],
            objects
                .iter()
                .flat_map(|(id, table)| {
                    table.columns.iter().zip(1_i128..).map(move |(column, place)| {
                        vec![number(*id), text(column.name.clone()), number(place), number(231)]
                    })
                })
                .collect(),
        ),
        table(
            "configurations",
            &[
                "configuration_id",
                "name",
                "value",
                "minimum",
                "maximum",
                "value_in_use",
                "is_advanced",
            ],
            settings
                .map(|(id, setting)| {
                    let value = (shown.settings)(setting);
                    vec![
                        number(id),
                        text(setting.name),
                        number(value),
                        number(setting.least),
                        number(setting.most),
                        number(value),
                        number(i128::from(setting.advanced)),
                    ]
                })
                .collect(),
        ),
        table(
            "server_principals",
            &["name", "principal_id", "sid", "type", "is_disabled", "type_desc"],
            principals(&[text("SQL_LOGIN")]),
        ),
        table(
            "sql_logins",
            &["name", "principal_id", "sid", "type", "is_disabled", "type_desc"],
            principals(&[text("SQL_LOGIN")]).into_iter().take(2).collect(),
        ),
        table(
            "syslogins",
            &["name", "principal_id", "sid", "type", "denylogin", "sysadmin"],
            principals(&[number(1)]),
        ),
        table(
            "schemas",
            &["name", "schema_id"],
            vec![
                vec![text("dbo"), number(1)],
                vec![text("guest"), number(2)],
                vec![text("INFORMATION_SCHEMA"), number(3)],
                vec![text("sys"), number(4)],
            ],
        ),
        table(
            "assemblies",
            &["name", "assembly_id", "permission_set_desc"],
            vec![vec![text("Microsoft.SqlServer.Types"), number(1), text("UNSAFE_ACCESS")]],
        ),
        table(
            "servers",
            &["name", "server_id", "product", "provider", "is_linked"],
            vec![vec![
                text(shown.facts.host()),
                number(0),
                text("SQL Server"),
                text("SQLNCLI"),
                number(0),
            ]],
        ),
        table(
            "sysservers",
            &["srvname", "srvid", "srvproduct"],
            vec![vec![text(shown.facts.host()), number(0), text("SQL Server")]],
        ),
        table(
            "sysprocesses",
            &["spid", "hostname", "program_name", "loginame", "dbid", "status"],
            vec![vec![
                number(51),
                text(shown.facts.host()),
                text("SQLAgent - Generic Refresher"),
                text("NT SERVICE\\SQLSERVERAGENT"),
                number(4),
                text("sleeping"),
            ]],
        ),
        table(
            "dm_server_services",
            &["servicename", "startup_type_desc", "status_desc", "service_account"],
            vec![vec![
                text("SQL Server (MSSQLSERVER)"),
                text("Automatic"),
                text("Running"),
                text("LocalSystem"),
            ]],
        ),
    ]
    .into()
}

/// The standard's views of the database in use.
pub(super) fn standard_views(shown: &Shown<'_>) -> Arc<[Relation]> {
    let database = || text(shown.database);
    let tables = shown.tables.iter();
    let columns = tables.clone().flat_map(|table| {
        table.columns.iter().zip(1_i128..).map(move |(column, place)| {
            vec![
                database(),
                text("dbo"),
                text(table.name.as_str()),
                text(column.name.clone()),
                number(place),
                text("nvarchar"),
            ]
        })
    });
    vec![
        table(
            "tables",
            &["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE"],
            tables
                .map(|table| {
                    vec![database(), text("dbo"), text(table.name.as_str()), text("BASE TABLE")]
                })
                .collect(),
        ),
        table(
            "columns",
            &[
                "TABLE_CATALOG",
                "TABLE_SCHEMA",
                "TABLE_NAME",
                "COLUMN_NAME",
                "ORDINAL_POSITION",
                "DATA_TYPE",
            ],
            columns.collect(),
        ),
        table(
            "schemata",
            &["CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER"],
            vec![vec![database(), text("dbo"), text("dbo")]],
        ),
    ]
    .into()
}
