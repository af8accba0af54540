//! The system catalogue as far as clients and attackers ask it: what psql's `\l`, `\dt`, `\d`, `\du` read, what scripts read of roles and
//! settings, `information_schema`. All of it follows from the visitor's databases, so that nothing contradicts anything.

use std::borrow::Cow;
use std::sync::Arc;

use super::error::UNDEFINED_TABLE;
use super::functions;
use super::release::Release;
use crate::sql::{Dialect, Foreign, Found, Relation, SqlError, Value, tokens};

/// Where objects of a database are counted from, and how far apart tables and their parts are.
const FIRST: u32 = 16_385;
const APART: u32 = 8;

/// Roles that may do everything: the server's own, and the application's, to which a careless owner gave it.
const OWNERS: usize = 2;

/// What reads files or folders of the machine's, by a path.
type Reads<T> = Box<dyn Fn(&[u8]) -> Option<T>>;

/// What one query sees of the server.
pub(super) struct Catalog {
    pub(super) release: Release,
    pub(super) host: String,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) client: String,
    pub(super) here: String,
    pub(super) process: u32,
    /// When the server was started; asked for only where a query wants it.
    pub(super) started: Box<dyn Fn() -> i64>,
    pub(super) now: i64,
    pub(super) databases: Vec<String>,
    pub(super) relations: Arc<[Relation]>,
    /// Names of roles and what `pg_shadow` has of them.
    pub(super) roles: Vec<(String, String)>,
    /// Numbers and contents of large objects.
    pub(super) objects: Vec<(u32, Vec<u8>)>,
    /// Functions of libraries: name and library.
    pub(super) functions: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) files: Reads<Vec<u8>>,
    pub(super) folders: Reads<Vec<Vec<u8>>>,
}

fn text(text: impl AsRef<[u8]>) -> Value {
    Value::text(text.as_ref())
}

fn number(number: u32) -> Value {
    Value::Integer(number.into())
}

const fn truth(truth: bool) -> Value {
    Value::Integer(truth as i128)
}

/// Columns written as `name:type`, text where no type stands.
fn columns(names: &str) -> Vec<(Vec<u8>, Cow<'static, str>)> {
    let each = names.split_whitespace().map(|word| {
        let (name, kind) = word.split_once(':').unwrap_or((word, "text"));
        let kind = match kind {
            "b" => "boolean",
            "o" => "oid",
            "i" => "integer",
            _ => "text",
        };
        (name.as_bytes().to_vec(), Cow::Borrowed(kind))
    });
    each.collect()
}

/// Tables of the catalogue in which nothing stands, with the columns that clients name.
const EMPTY: [(&str, &str); 24] = [
    ("pg_attrdef", "oid:o adrelid:o adnum:i adbin"),
    ("pg_auth_members", "roleid:o member:o grantor:o admin_option:b"),
    ("pg_collation", "oid:o collname collnamespace:o"),
    (
        "pg_constraint",
        "oid:o conname connamespace:o contype condeferrable:b condeferred:b convalidated:b conrelid:o conindid:o confrelid:o conparentid:o conkey",
    ),
    (
        "pg_index",
        "indexrelid:o indrelid:o indisunique:b indisprimary:b indisclustered:b indisvalid:b indisreplident:b indkey",
    ),
    ("pg_policy", "oid:o polname polrelid:o polcmd polpermissive:b polroles polqual polwithcheck"),
    ("pg_statistic_ext", "oid:o stxrelid:o stxname stxnamespace:o stxkind stxstattarget:i"),
    ("pg_publication", "oid:o pubname puballtables:b"),
    ("pg_publication_rel", "oid:o prpubid:o prrelid:o prqual prattrs"),
    ("pg_publication_namespace", "oid:o pnpubid:o pnnspid:o"),
    ("pg_inherits", "inhrelid:o inhparent:o inhseqno:i inhdetachpending:b"),
    ("pg_trigger", "oid:o tgrelid:o tgname tgenabled tgisinternal:b"),
    ("pg_rewrite", "oid:o rulename ev_class:o ev_type"),
    ("pg_description", "objoid:o classoid:o objsubid:i description"),
    ("pg_shdescription", "objoid:o classoid:o description"),
    ("pg_views", "schemaname viewname viewowner definition"),
    ("pg_matviews", "schemaname matviewname matviewowner definition"),
    ("pg_indexes", "schemaname tablename indexname tablespace indexdef"),
    ("pg_sequences", "schemaname sequencename sequenceowner last_value"),
    ("pg_foreign_server", "oid:o srvname srvowner:o"),
    ("pg_foreign_table", "ftrelid:o ftserver:o"),
    ("pg_event_trigger", "oid:o evtname evtevent evtowner:o"),
    ("pg_stat_replication", "pid:i usename client_addr state"),
    ("pg_prepared_xacts", "transaction gid prepared owner database"),
];

const SCHEMAS: [(&str, u32, u32); 4] = [
    ("pg_toast", 99, 10),
    ("pg_catalog", 11, 10),
    ("public", 2_200, 6_171),
    ("information_schema", 13_501, 10),
];

/// Types by number, with the names that the catalogue and `format_type` have for them.
pub(super) const TYPES: [(u32, &str, &str, i16); 16] = [
    (16, "bool", "boolean", 1),
    (17, "bytea", "bytea", -1),
    (18, "char", "\"char\"", 1),
    (19, "name", "name", 64),
    (20, "int8", "bigint", 8),
    (21, "int2", "smallint", 2),
    (23, "int4", "integer", 4),
    (25, "text", "text", -1),
    (26, "oid", "oid", 4),
    (701, "float8", "double precision", 8),
    (1_042, "bpchar", "character", -1),
    (1_043, "varchar", "character varying", -1),
    (1_082, "date", "date", 4),
    (1_114, "timestamp", "timestamp without time zone", 8),
    (1_184, "timestamptz", "timestamp with time zone", 8),
    (1_700, "numeric", "numeric", -1),
];

/// A type's number, size and what a length in brackets adds to it.
pub(super) fn type_of(kind: &str) -> (u32, i16, i32) {
    let (name, size) = kind.split_once('(').map_or((kind, -1), |(name, rest)| {
        (name, rest.trim_end_matches(')').parse::<i32>().map_or(-1, |size| size.saturating_add(4)))
    });
    let found = TYPES.iter().find(|(_, short, long, _)| *long == name || *short == name);
    found.map_or((25, -1, -1), |(oid, _, _, length)| (*oid, *length, size))
}

impl Catalog {
    pub(super) fn oid(place: usize) -> u32 {
        FIRST.saturating_add(u32::try_from(place).unwrap_or(0).saturating_mul(APART))
    }

    fn schemas() -> Found {
        let rows = SCHEMAS
            .iter()
            .map(|(name, oid, owner)| vec![number(*oid), text(name), number(*owner), Value::Null]);
        Found { columns: columns("oid:o nspname nspowner:o nspacl"), rows: rows.collect() }
    }

    fn databases(&self) -> Found {
        let rows = self.databases.iter().enumerate().map(|(place, name)| {
            let template = name == "template1";
            let oid = match name.as_str() {
                "postgres" => 5,
                "template1" => 1,
                _ => 16_384 + u32::try_from(place).unwrap_or(0),
            };
            let access =
                if template { text("{=c/postgres,postgres=CTc/postgres}") } else { Value::Null };
            vec![
                number(oid),
                text(name),
                number(10),
                number(6),
                text("c"),
                truth(template),
                truth(true),
                Value::Integer(-1),
                text("C.UTF-8"),
                text("C.UTF-8"),
                Value::Null,
                number(1_663),
                access,
            ]
        });
        let names = "oid:o datname datdba:o encoding:i datlocprovider datistemplate:b datallowconn:b datconnlimit:i datcollate datctype daticulocale dattablespace:o datacl";
        Found { columns: columns(names), rows: rows.collect() }
    }

    fn classes(&self) -> Found {
        let row = |oid: u32, name: &str, schema: u32, owner: u32, count: usize| {
            vec![
                number(oid),
                text(name),
                number(schema),
                number(0),
                number(owner),
                number(2),
                text("r"),
                Value::Integer(count as i128),
                truth(false),
                text("p"),
                number(0),
                truth(false),
                truth(false),
                truth(false),
                truth(false),
                truth(false),
                text("d"),
                number(0),
                number(0),
                number(0),
                Value::Null,
                Value::Null,
            ]
        };
        let own = self.relations.iter().enumerate().map(|(place, relation)| {
            row(Self::oid(place), &relation.name, 2_200, 10, relation.rows.len())
        });
        let system = ["pg_class", "pg_database", "pg_authid", "pg_proc", "pg_attribute", "pg_type"];
        let system = system.iter().zip(1_247..).map(|(name, oid)| row(oid, name, 11, 10, 400));
        let names = "oid:o relname relnamespace:o reltype:o relowner:o relam:o relkind reltuples:i relhasindex:b relpersistence relchecks:i relhasrules:b relhastriggers:b relrowsecurity:b relforcerowsecurity:b relispartition:b relreplident reltablespace:o reloftype:o reltoastrelid:o relacl relpartbound";
        Found { columns: columns(names), rows: own.chain(system).collect() }
    }

    fn attributes(&self) -> Found {
        let mut rows = Vec::new();
        for (place, relation) in self.relations.iter().enumerate() {
            for (column, at) in relation.columns.iter().zip(1_u32..) {
                let (kind, length, more) = type_of(&column.kind);
                rows.push(vec![
                    number(Self::oid(place)),
                    text(column.name.as_bytes()),
                    number(kind),
                    Value::Integer(length.into()),
                    number(at),
                    Value::Integer(more.into()),
                    truth(!column.nullable),
                    truth(false),
                    truth(false),
                    text(""),
                    text(""),
                    number(0),
                    Value::Null,
                ]);
            }
        }
        let names = "attrelid:o attname atttypid:o attlen:i attnum:i atttypmod:i attnotnull:b atthasdef:b attisdropped:b attidentity attgenerated attcollation:o attacl";
        Found { columns: columns(names), rows }
    }

    fn roles(&self, names: &str, with_hash: bool) -> Found {
        let rows = self.roles.iter().enumerate().map(|(place, (name, hash))| {
            let strong = place < OWNERS;
            let oid = if place == 0 { 10 } else { 16_384 + u32::try_from(place).unwrap_or(0) };
            let hash = if with_hash { text(hash) } else { text("********") };
            vec![
                text(name),
                truth(strong),
                truth(true),
                truth(strong),
                truth(strong),
                truth(true),
                truth(strong),
                Value::Integer(-1),
                hash,
                Value::Null,
                truth(strong),
                Value::Null,
                number(oid),
            ]
        });
        Found { columns: columns(names), rows: rows.collect() }
    }

    fn users(&self) -> Found {
        let rows = self.roles.iter().enumerate().map(|(place, (name, hash))| {
            let strong = place < OWNERS;
            let oid = if place == 0 { 10 } else { 16_384 + u32::try_from(place).unwrap_or(0) };
            vec![
                text(name),
                number(oid),
                truth(strong),
                truth(strong),
                truth(strong),
                truth(strong),
                text(hash),
                Value::Null,
                Value::Null,
            ]
        });
        let names = "usename usesysid:o usecreatedb:b usesuper:b userepl:b usebypassrls:b passwd valuntil useconfig";
        Found { columns: columns(names), rows: rows.collect() }
    }

    fn settings(&self) -> Found {
        let all = functions::settings(&self.release);
        let rows = all.into_iter().map(|(name, setting)| {
            vec![
                text(name),
                text(setting),
                Value::Null,
                text("Ungrouped"),
                text("configuration file"),
            ]
        });
        Found { columns: columns("name setting unit category source"), rows: rows.collect() }
    }

    fn activity(&self) -> Found {
        let since = functions::timestamp(self.now * 1_000_000);
        let row = vec![
            number(5),
            text(&self.database),
            number(self.process),
            number(10),
            text(&self.user),
            text("psql"),
            text(&self.client),
            Value::Null,
            text(&since),
            text(&since),
            text("active"),
            text("client backend"),
            text(""),
        ];
        let names = "datid:o datname pid:i usesysid:o usename application_name client_addr client_hostname backend_start query_start state backend_type query";
        Found { columns: columns(names), rows: vec![row] }
    }

    /// Types, methods, languages, extensions.
    #[expect(clippy::too_many_lines, reason = "the tables themselves")]
    fn constants(&self, name: &[u8]) -> Option<Found> {
        let (names, rows): (&str, Vec<Vec<Value>>) = match name {
            b"pg_am" => (
                "oid:o amname amtype",
                vec![
                    vec![number(2), text("heap"), text("t")],
                    vec![number(403), text("btree"), text("i")],
                ],
            ),
            b"pg_type" => {
                let row = |(oid, name, _, length): &(u32, &str, &str, i16)| {
                    vec![
                        number(*oid),
                        text(name),
                        number(11),
                        number(10),
                        Value::Integer((*length).into()),
                        text("b"),
                        text("p"),
                        number(0),
                        number(0),
                        number(0),
                        number(0),
                    ]
                };
                (
                    "oid:o typname typnamespace:o typowner:o typlen:i typtype typcategory typrelid:o typelem:o typcollation:o typarray:o",
                    TYPES.iter().map(row).collect(),
                )
            }
            b"pg_language" => {
                let row = |(oid, name, trusted): (u32, &str, bool)| {
                    vec![number(oid), text(name), number(10), truth(true), truth(trusted)]
                };
                let all = [
                    (12, "internal", false),
                    (13, "c", false),
                    (14, "sql", true),
                    (13_542, "plpgsql", true),
                ];
                (
                    "oid:o lanname lanowner:o lanispl:b lanpltrusted:b",
                    all.into_iter().map(row).collect(),
                )
            }
            b"pg_extension" => (
                "oid:o extname extowner:o extnamespace:o extrelocatable:b extversion",
                vec![vec![
                    number(13_541),
                    text("plpgsql"),
                    number(10),
                    number(11),
                    truth(false),
                    text("1.0"),
                ]],
            ),
            b"pg_available_extensions" => {
                let all =
                    ["adminpack", "dblink", "file_fdw", "pgcrypto", "plpgsql", "postgres_fdw"];
                let row = |name: &&str| {
                    vec![
                        text(name),
                        text("1.0"),
                        if *name == "plpgsql" { text("1.0") } else { Value::Null },
                        text(""),
                    ]
                };
                ("name default_version installed_version comment", all.iter().map(row).collect())
            }
            b"pg_tablespace" => {
                let row = |(oid, name): (u32, &str)| {
                    vec![number(oid), text(name), number(10), Value::Null, Value::Null]
                };
                (
                    "oid:o spcname spcowner:o spcacl spcoptions",
                    vec![row((1_663, "pg_default")), row((1_664, "pg_global"))],
                )
            }
            b"pg_proc" => {
                let row = |((name, library), oid): (&(Vec<u8>, Vec<u8>), u32)| {
                    vec![
                        number(oid),
                        text(name),
                        number(2_200),
                        number(10),
                        number(13),
                        text("f"),
                        text(name),
                        text(library),
                        truth(false),
                    ]
                };
                (
                    "oid:o proname pronamespace:o proowner:o prolang:o prokind prosrc probin prosecdef:b",
                    self.functions.iter().zip(16_900..).map(row).collect(),
                )
            }
            b"pg_largeobject" => {
                let page = |(oid, content): &(u32, Vec<u8>)| {
                    let pages = content.chunks(2_048).zip(0..);
                    pages
                        .map(|(page, at)| {
                            vec![number(*oid), number(at), Value::Bytes(page.to_vec())]
                        })
                        .collect::<Vec<_>>()
                };
                ("loid:o pageno:i data:bytea", self.objects.iter().flat_map(page).collect())
            }
            b"pg_largeobject_metadata" => {
                let row = |(oid, _): &(u32, Vec<u8>)| vec![number(*oid), number(10), Value::Null];
                ("oid:o lomowner:o lomacl", self.objects.iter().map(row).collect())
            }
            _ => return None,
        };
        let mut columns = columns(names);
        if name == b"pg_largeobject" {
            columns[2].1 = Cow::Borrowed("bytea");
        }
        Some(Found { columns, rows })
    }

    fn system(&self, name: &[u8]) -> Option<Found> {
        const ROLES: &str = "rolname rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b rolreplication:b rolconnlimit:i rolpassword rolvaliduntil rolbypassrls:b rolconfig oid:o";
        Some(match name {
            b"pg_database" => self.databases(),
            b"pg_namespace" => Self::schemas(),
            b"pg_class" => self.classes(),
            b"pg_attribute" => self.attributes(),
            b"pg_roles" => self.roles(ROLES, false),
            b"pg_authid" => self.roles(ROLES, true),
            b"pg_shadow" | b"pg_user" => self.users(),
            b"pg_settings" => self.settings(),
            b"pg_stat_activity" => self.activity(),
            b"pg_tables" => {
                let rows = self.relations.iter().map(|relation| {
                    vec![
                        text("public"),
                        text(&relation.name),
                        text("postgres"),
                        Value::Null,
                        truth(false),
                        truth(false),
                        truth(false),
                    ]
                });
                let names = "schemaname tablename tableowner tablespace hasindexes:b hasrules:b hastriggers:b";
                Found { columns: columns(names), rows: rows.collect() }
            }
            b"pg_stat_user_tables" => {
                let rows = self.relations.iter().enumerate().map(|(place, relation)| {
                    vec![
                        number(Self::oid(place)),
                        text("public"),
                        text(&relation.name),
                        Value::Integer(relation.rows.len() as i128),
                    ]
                });
                Found {
                    columns: columns("relid:o schemaname relname n_live_tup:i"),
                    rows: rows.collect(),
                }
            }
            other => {
                if let Some(found) = self.constants(other) {
                    return Some(found);
                }
                let (_, names) = EMPTY.iter().find(|(name, _)| name.as_bytes() == other)?;
                Found { columns: columns(names), rows: Vec::new() }
            }
        })
    }

    fn information(&self, name: &[u8]) -> Option<Found> {
        let (names, rows): (&str, Vec<Vec<Value>>) = match name {
            b"schemata" => (
                "catalog_name schema_name schema_owner",
                SCHEMAS
                    .iter()
                    .map(|(name, ..)| vec![text(&self.database), text(name), text("postgres")])
                    .collect(),
            ),
            b"tables" => (
                "table_catalog table_schema table_name table_type",
                self.relations
                    .iter()
                    .map(|relation| {
                        vec![
                            text(&self.database),
                            text("public"),
                            text(&relation.name),
                            text("BASE TABLE"),
                        ]
                    })
                    .collect(),
            ),
            b"columns" => {
                let each = self.relations.iter().flat_map(|relation| {
                    relation
                        .columns
                        .iter()
                        .zip(1_u32..)
                        .map(move |(column, at)| (relation, column, at))
                });
                let row = |(relation, column, at): (&Relation, &crate::sql::Column, u32)| {
                    let kind = column.kind.split('(').next().unwrap_or_default();
                    vec![
                        text(&self.database),
                        text("public"),
                        text(&relation.name),
                        text(column.name.as_bytes()),
                        number(at),
                        text(if column.nullable { "YES" } else { "NO" }),
                        text(kind),
                    ]
                };
                (
                    "table_catalog table_schema table_name column_name ordinal_position:i is_nullable data_type",
                    each.map(row).collect(),
                )
            }
            b"routines" => ("routine_catalog routine_schema routine_name", Vec::new()),
            _ => return None,
        };
        Some(Found { columns: columns(names), rows })
    }
}

impl Foreign for Catalog {
    fn function(&self, name: &[u8], values: &[Value]) -> Option<Result<Value, SqlError>> {
        functions::call(self, name, values)
    }

    fn rows(&self, name: &[u8], values: &[Value]) -> Option<Result<Found, SqlError>> {
        functions::rows(self, name, values)
    }

    fn table(&self, schema: Option<&[u8]>, name: &[u8]) -> Result<Found, SqlError> {
        let found = match schema {
            Some(b"information_schema") => self.information(name),
            Some(b"pg_catalog") => self.system(name),
            Some(b"public") | None => {
                let own = self.relations.iter().find(|relation| relation.name.as_bytes() == name);
                let own = own.map(|relation| Found {
                    columns: relation
                        .columns
                        .iter()
                        .map(|column| (column.name.as_bytes().to_vec(), column.kind.clone()))
                        .collect(),
                    rows: relation.rows.clone(),
                });
                own.or_else(|| if schema.is_none() { self.system(name) } else { None })
            }
            Some(_) => None,
        };
        found.ok_or_else(|| {
            let shown = match schema {
                Some(schema) => [schema, b".", name].concat(),
                None => name.to_vec(),
            };
            SqlError::foreign(UNDEFINED_TABLE, shown)
        })
    }

    fn kind(&self, function: &[u8]) -> &'static str {
        functions::kind(function)
    }
}

/// The words of a text in PostgreSQL's spelling.
pub(super) fn words(text: &[u8]) -> Vec<crate::sql::tokens::Token> {
    tokens(Dialect::PostgreSql, text)
}
