//! PostgreSQL's own functions, as far as clients and attackers call them; those that change something are `statement/objects.rs`'.

use std::borrow::Cow;

use super::catalog::{Catalog, TYPES};
use super::error::{INVALID_VALUE, NO_PRIVILEGE, UNDEFINED_FILE};
use super::release::Release;
use crate::http::{base64, decode_base64};
use crate::machine::calendar;
use crate::sql::{Found, SqlError, Value};

/// Bytes of one value.
const LONGEST: usize = 48 * 1024;
/// Rows that `generate_series` gives.
const SERIES: i128 = 1_000;

type Answer = Option<Result<Value, SqlError>>;

/// Functions that give rows.
pub(super) const ROWS: [&[u8]; 6] = [
    b"pg_ls_dir",
    b"generate_series",
    b"unnest",
    b"pg_ls_logdir",
    b"regexp_split_to_table",
    b"string_to_table",
];

/// A few settings as `pg_settings`, SHOW and `current_setting` know them.
pub(super) fn settings(release: &Release) -> Vec<(&'static str, String)> {
    let major = release.major();
    let (data, place) = (release.data_folder(), format!("/etc/postgresql/{major}/main"));
    let fixed = |(name, value): (&'static str, &str)| (name, value.to_owned());
    let scram = !matches!(major, "12" | "13");
    let mut all: Vec<_> = [
        ("application_name", "psql"),
        ("archive_command", "(disabled)"),
        ("archive_mode", "off"),
        ("block_size", "8192"),
        ("client_encoding", "UTF8"),
        ("data_checksums", "off"),
        ("DateStyle", "ISO, MDY"),
        ("dynamic_library_path", "$libdir"),
        ("fsync", "on"),
        ("is_superuser", "on"),
        ("lc_collate", "C.UTF-8"),
        ("listen_addresses", "*"),
        ("local_preload_libraries", ""),
        ("log_directory", "log"),
        ("log_statement", "none"),
        ("logging_collector", "off"),
        ("max_connections", "100"),
        ("password_encryption", if scram { "scram-sha-256" } else { "md5" }),
        ("port", "5432"),
        ("search_path", "\"$user\", public"),
        ("server_encoding", "UTF8"),
        ("session_preload_libraries", ""),
        ("shared_buffers", "16384"),
        ("shared_preload_libraries", ""),
        ("ssl", "on"),
        ("ssl_cert_file", "/etc/ssl/certs/ssl-cert-snakeoil.pem"),
        ("ssl_key_file", "/etc/ssl/private/ssl-cert-snakeoil.key"),
        ("ssl_passphrase_command", ""),
        ("standard_conforming_strings", "on"),
        ("statement_timeout", "0"),
        ("TimeZone", "Etc/UTC"),
        ("transaction_isolation", "read committed"),
        ("unix_socket_directories", "/var/run/postgresql"),
        ("wal_level", "replica"),
    ]
    .map(fixed)
    .into();
    all.push(("config_file", format!("{place}/postgresql.conf")));
    all.push(("hba_file", format!("{place}/pg_hba.conf")));
    all.push(("ident_file", format!("{place}/pg_ident.conf")));
    all.push(("data_directory", data));
    all.push(("external_pid_file", format!("/var/run/postgresql/{major}-main.pid")));
    all.push(("cluster_name", format!("{major}/main")));
    all.push(("server_version", release.shown()));
    all.push(("server_version_num", release.version_number.to_owned()));
    all.sort();
    all
}

pub(super) fn setting(release: &Release, name: &[u8]) -> Option<String> {
    let found = settings(release)
        .into_iter()
        .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    found.map(|(_, value)| if name == b"shared_buffers" { "128MB".to_owned() } else { value })
}

/// `2026-11-29 09:00:00.123456+00`.
pub(super) fn timestamp(micros: i64) -> String {
    let date = calendar(micros.div_euclid(1_000_000));
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00",
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        micros.rem_euclid(1_000_000)
    )
}

/// The type of what a function gives.
pub(super) fn kind(name: &[u8]) -> &'static str {
    match name {
        b"pg_table_is_visible"
        | b"pg_function_is_visible"
        | b"pg_is_in_recovery"
        | b"has_database_privilege"
        | b"has_table_privilege"
        | b"has_schema_privilege"
        | b"pg_has_role"
        | b"pg_reload_conf" => "boolean",
        b"decode" | b"pg_read_binary_file" | b"convert_to" | b"lo_get" => "bytea",
        b"length" | b"char_length" | b"strpos" | b"position" | b"ascii" | b"pg_backend_pid"
        | b"octet_length" => "integer",
        b"inet_server_port" | b"inet_client_port" => "integer",
        b"now" | b"pg_postmaster_start_time" | b"current_timestamp" | b"clock_timestamp" => {
            "timestamp with time zone"
        }
        b"pg_database_size" => "bigint",
        _ => "",
    }
}

pub(super) fn call(catalog: &Catalog, name: &[u8], values: &[Value]) -> Answer {
    about_server(catalog, name, values)
        .or_else(|| about_objects(catalog, name, values))
        .or_else(|| of_text(name, values))
}

fn file(catalog: &Catalog, path: &Value, doing: &str) -> Result<Vec<u8>, SqlError> {
    let path = path.bytes();
    let whole = if path.first() == Some(&b'/') {
        path.clone()
    } else {
        [catalog.release.data_folder().as_bytes(), b"/", &path].concat()
    };
    (catalog.files)(&whole).ok_or_else(|| {
        let start = format!("could not {doing} \"");
        let end: &[u8] = if doing.contains("stat") {
            b"\": No such file or directory"
        } else {
            b"\" for reading: No such file or directory"
        };
        SqlError::foreign(UNDEFINED_FILE, [start.as_bytes(), &path, end].concat())
    })
}

#[expect(clippy::too_many_lines, reason = "one flat list")]
fn about_server(catalog: &Catalog, name: &[u8], values: &[Value]) -> Answer {
    Some(Ok(match (name, values) {
        (b"version", []) => Value::text(catalog.release.version()),
        (b"current_user" | b"session_user" | b"user" | b"current_role" | b"getpgusername", []) => {
            Value::text(catalog.user.as_str())
        }
        (b"current_database" | b"current_catalog", []) => Value::text(catalog.database.as_str()),
        (b"current_schema", []) => Value::text("public"),
        (b"current_schemas", [_]) => Value::text("{pg_catalog,public}"),
        (b"current_query", []) => Value::text(""),
        (b"inet_server_addr", []) => Value::text(catalog.here.as_str()),
        (b"inet_client_addr", []) => Value::text(catalog.client.as_str()),
        (b"inet_server_port", []) => Value::Integer(5_432),
        (b"inet_client_port", []) => Value::Integer(i128::from(catalog.process) + 30_000),
        (b"pg_backend_pid", []) => Value::Integer(catalog.process.into()),
        (b"pg_postmaster_start_time" | b"pg_conf_load_time", []) => {
            Value::text(timestamp((catalog.started)() * 1_000_000))
        }
        (b"now" | b"current_timestamp" | b"clock_timestamp" | b"localtimestamp", []) => {
            Value::text(timestamp(catalog.now * 1_000_000))
        }
        (b"pg_is_in_recovery", []) => Value::Integer(0),
        (b"pg_reload_conf" | b"pg_rotate_logfile", []) => Value::Integer(1),
        (b"pg_current_logfile", []) => Value::Null,
        (b"txid_current", []) => Value::Integer(741),
        (b"current_setting", [wanted, ..]) => match setting(&catalog.release, &wanted.bytes()) {
            Some(value) => Value::text(value),
            None if values.len() > 1 => Value::Null,
            None => {
                let start = b"unrecognized configuration parameter \"";
                return Some(Err(SqlError::foreign(
                    super::error::UNDEFINED_OBJECT,
                    [&start[..], &wanted.bytes(), b"\""].concat(),
                )));
            }
        },
        (b"set_config", [_, value, ..]) => value.clone(),
        (
            b"pg_database_size"
            | b"pg_total_relation_size"
            | b"pg_relation_size"
            | b"pg_table_size",
            [_],
        ) => Value::Integer(7_815_983),
        (b"pg_size_pretty", [_]) => Value::text("7633 kB"),
        (b"pg_read_file" | b"pg_read_binary_file", [path, ..]) => {
            return Some(file(catalog, path, "open file").map(|content| {
                let (from, length) =
                    (values.get(1).map_or(0, Value::integer), values.get(2).map(Value::integer));
                let from = usize::try_from(from).unwrap_or(0).min(content.len());
                let length = length
                    .and_then(|length| usize::try_from(length).ok())
                    .unwrap_or(LONGEST)
                    .min(LONGEST);
                let end = from.saturating_add(length).min(content.len());
                Value::Bytes(content[from..end].to_vec())
            }));
        }
        (b"pg_stat_file", [path, ..]) => {
            return Some(
                file(catalog, path, "stat file")
                    .map(|content| Value::text(format!("({},,,,,f)", content.len()))),
            );
        }
        (b"lo_get", [wanted, ..]) => {
            let found =
                catalog.objects.iter().find(|(oid, _)| i128::from(*oid) == wanted.integer());
            return Some(found.map(|(_, content)| Value::Bytes(content.clone())).ok_or_else(
                || {
                    SqlError::foreign(
                        super::error::UNDEFINED_OBJECT,
                        format!("large object {} does not exist", wanted.integer()),
                    )
                },
            ));
        }
        (b"dblink_connect" | b"dblink" | b"dblink_send_query", [..]) => {
            return Some(Err(SqlError::foreign(NO_PRIVILEGE, "could not establish connection")));
        }
        _ => return None,
    }))
}

/// What psql asks of tables, roles and types.
#[expect(clippy::too_many_lines, reason = "one flat list")]
fn about_objects(catalog: &Catalog, name: &[u8], values: &[Value]) -> Answer {
    Some(Ok(match (name, values) {
        (b"pg_get_userbyid", [oid]) => {
            let place = oid.integer().saturating_sub(16_384);
            let found = usize::try_from(place).ok().and_then(|place| catalog.roles.get(place));
            match (oid.integer(), found) {
                (10, _) => Value::text("postgres"),
                (6_171, _) => Value::text("pg_database_owner"),
                (_, Some((name, _))) => Value::text(name.as_str()),
                _ => Value::text(format!("unknown (OID={})", oid.integer())),
            }
        }
        (b"pg_encoding_to_char", [_]) => Value::text("UTF8"),
        (
            b"pg_table_is_visible"
            | b"pg_function_is_visible"
            | b"pg_type_is_visible"
            | b"pg_relation_is_publishable",
            [_],
        ) => Value::Integer(1),
        (
            b"has_database_privilege"
            | b"has_table_privilege"
            | b"has_schema_privilege"
            | b"pg_has_role",
            [..],
        ) => Value::Integer(1),
        (b"array_to_string", [array, between, ..]) => {
            if *array == Value::Null {
                return Some(Ok(Value::Null));
            }
            let text = array.bytes();
            let inside =
                text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).unwrap_or(&text);
            Value::Bytes(
                inside.split(|byte| *byte == b',').collect::<Vec<_>>().join(&between.bytes()[..]),
            )
        }
        (b"array", all) => {
            let all: Vec<Vec<u8>> = all.iter().map(Value::bytes).collect();
            Value::Text([b"{", &all.join(&b","[..])[..], b"}"].concat())
        }
        (b"array_element", [array, place]) => {
            let text = array.bytes();
            let inside = text
                .strip_prefix(b"{")
                .and_then(|text| text.strip_suffix(b"}"))
                .unwrap_or_default();
            let place = usize::try_from(place.integer().saturating_sub(1)).unwrap_or(usize::MAX);
            inside
                .split(|byte| *byte == b',')
                .nth(place)
                .map_or(Value::Null, |one| Value::Bytes(one.to_vec()))
        }
        (b"format_type", [oid, more]) => {
            let found = TYPES.iter().find(|(known, ..)| i128::from(*known) == oid.integer());
            let long = found.map_or("???", |(_, _, long, _)| long);
            if more.integer() > 4 {
                Value::text(format!("{long}({})", more.integer().saturating_sub(4)))
            } else {
                Value::text(long)
            }
        }
        (
            b"pg_get_expr"
            | b"pg_get_indexdef"
            | b"pg_get_constraintdef"
            | b"obj_description"
            | b"col_description"
            | b"shobj_description"
            | b"array_upper",
            [..],
        ) => Value::Null,
        (b"pg_get_function_result" | b"pg_get_function_arguments", [_]) => Value::text("text"),
        (b"pg_typeof", [value]) => Value::text(match value {
            Value::Integer(_) => "integer",
            Value::Decimal(..) => "numeric",
            Value::Real(_) => "double precision",
            _ => "unknown",
        }),
        (b"to_regclass", [wanted]) => {
            let there =
                catalog.relations.iter().any(|relation| relation.name.as_bytes() == wanted.bytes());
            if there { wanted.clone() } else { Value::Null }
        }
        _ => return None,
    }))
}

#[expect(clippy::too_many_lines, reason = "one flat list")]
fn of_text(name: &[u8], values: &[Value]) -> Answer {
    if values.first() == Some(&Value::Null) {
        let known = matches!(
            name,
            b"lower"
                | b"upper"
                | b"length"
                | b"char_length"
                | b"substr"
                | b"substring"
                | b"encode"
                | b"decode"
                | b"chr"
                | b"strpos"
                | b"quote_literal"
        );
        return known.then_some(Ok(Value::Null));
    }
    Some(Ok(match (name, values) {
        (b"lower", [text]) => Value::Bytes(text.bytes().to_ascii_lowercase()),
        (b"upper", [text]) => Value::Bytes(text.bytes().to_ascii_uppercase()),
        (b"length" | b"char_length" | b"character_length", [text]) => {
            let text = text.bytes();
            Value::Integer(String::from_utf8_lossy(&text).chars().count() as i128)
        }
        (b"octet_length", [text]) => Value::Integer(text.bytes().len() as i128),
        (b"chr", [code]) => {
            let letter = u32::try_from(code.integer())
                .ok()
                .and_then(char::from_u32)
                .filter(|letter| *letter != '\0');
            Value::Bytes(letter.map(String::from).unwrap_or_default().into_bytes())
        }
        (b"substr" | b"substring", [text, from, rest @ ..]) => {
            let text = text.bytes();
            let text: Vec<char> = String::from_utf8_lossy(&text).chars().collect();
            let start = from.integer().saturating_sub(1);
            let end = rest.first().map_or(i128::MAX, |count| start.saturating_add(count.integer()));
            let within =
                |place: i128| usize::try_from(place.max(0)).unwrap_or(usize::MAX).min(text.len());
            let (start, end) = (within(start), within(end));
            Value::Bytes(text[start..end.max(start)].iter().collect::<String>().into_bytes())
        }
        (b"strpos" | b"position", [one, other]) => {
            let (text, part) = if name == b"strpos" {
                (one.bytes(), other.bytes())
            } else {
                (other.bytes(), one.bytes())
            };
            let found = if part.is_empty() {
                Some(0)
            } else {
                text.windows(part.len()).position(|window| window == part)
            };
            Value::Integer(found.map_or(0, |at| at as i128 + 1))
        }
        (b"split_part", [text, between, place]) => {
            let (text, between) = (text.bytes(), between.bytes());
            let text = String::from_utf8_lossy(&text);
            let between = String::from_utf8_lossy(&between);
            let place = usize::try_from(place.integer().saturating_sub(1)).unwrap_or(usize::MAX);
            let found = if between.is_empty() {
                Some(&*text).filter(|_| place == 0)
            } else {
                text.split(&*between).nth(place)
            };
            Value::Bytes(found.unwrap_or_default().as_bytes().to_vec())
        }
        (b"quote_literal", [text]) => {
            let text = text.bytes();
            Value::text(format!("'{}'", String::from_utf8_lossy(&text).replace('\'', "''")))
        }
        (b"quote_ident" | b"to_char" | b"convert_from" | b"convert_to" | b"to_hex", [text, ..]) => {
            text.clone()
        }
        (b"sha256", [text]) => {
            use sha2::Digest as _;
            Value::Bytes(sha2::Sha256::digest(text.bytes()).to_vec())
        }
        (b"random", []) => Value::Real(0.374_540_118_8),
        (b"encode", [content, form]) => {
            let content = &content.bytes()[..content.bytes().len().min(LONGEST / 2)];
            match form.bytes().to_ascii_lowercase().as_slice() {
                b"base64" => Value::Bytes(base64(content)),
                b"hex" => Value::text(crate::hexadecimal::hexadecimal(content)),
                b"escape" => Value::Bytes(content.to_vec()),
                other => return Some(Err(unknown_encoding(other))),
            }
        }
        (b"decode", [text, form]) => {
            let text: Vec<u8> =
                text.bytes().into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let read = match form.bytes().to_ascii_lowercase().as_slice() {
                b"base64" => decode_base64(&text)
                    .ok_or("invalid symbol found while decoding base64 sequence"),
                b"hex" => from_hex(&text).ok_or("invalid hexadecimal digit"),
                b"escape" => Ok(text),
                other => return Some(Err(unknown_encoding(other))),
            };
            return Some(
                read.map(Value::Bytes).map_err(|message| SqlError::foreign(INVALID_VALUE, message)),
            );
        }
        _ => return None,
    }))
}

fn unknown_encoding(name: &[u8]) -> SqlError {
    SqlError::foreign(INVALID_VALUE, [b"unrecognized encoding: \"", name, b"\""].concat())
}

pub(super) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Functions that give rows.
pub(super) fn rows(
    catalog: &Catalog,
    name: &[u8],
    values: &[Value],
) -> Option<Result<Found, SqlError>> {
    let one = |rows: Vec<Value>| Found {
        columns: vec![(name.to_vec(), Cow::Borrowed("text"))],
        rows: rows.into_iter().map(|value| vec![value]).collect(),
    };
    Some(match (name, values) {
        (b"pg_ls_dir" | b"pg_ls_logdir", _) => {
            let path = values.first().map(Value::bytes).unwrap_or_else(|| b"log".to_vec());
            let whole = if path.first() == Some(&b'/') {
                path.clone()
            } else {
                [catalog.release.data_folder().as_bytes(), b"/", &path].concat()
            };
            match (catalog.folders)(&whole) {
                Some(names) => Ok(one(names.into_iter().map(Value::Text).collect())),
                None => Err(SqlError::foreign(
                    UNDEFINED_FILE,
                    [b"could not open directory \"", &path[..], b"\": No such file or directory"]
                        .concat(),
                )),
            }
        }
        (b"generate_series", [from, to, ..]) => {
            let (from, to) = (from.integer(), to.integer());
            let to = to.min(from.saturating_add(SERIES));
            Ok(Found {
                columns: vec![(name.to_vec(), Cow::Borrowed("integer"))],
                ..one((from..=to).map(Value::Integer).collect())
            })
        }
        (b"unnest", [array]) => {
            let text = array.bytes();
            let inside = text
                .strip_prefix(b"{")
                .and_then(|text| text.strip_suffix(b"}"))
                .unwrap_or_default();
            Ok(one(inside.split(|byte| *byte == b',').map(Value::text).collect()))
        }
        (b"regexp_split_to_table" | b"string_to_table", [text, between]) => {
            let (text, between) = (text.bytes(), between.bytes());
            let between = String::from_utf8_lossy(&between).replace("\\n", "\n");
            let text = String::from_utf8_lossy(&text);
            if between.is_empty() {
                return Some(Ok(one(vec![Value::text(text.as_bytes())])));
            }
            Ok(one(text.split(&between).take(1_000).map(Value::text).collect()))
        }
        _ => return None,
    })
}
