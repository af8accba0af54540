//! Expressions and SELECT: written anew in the words of the engine that the crate has (`crate::sql`, MariaDB's), which then answers. What differs is
//! names in brackets and with many parts, TOP, the server's own functions, and texts in which a backslash means itself.

use std::sync::Arc;

use super::answer::Fault;
use super::batch::Scene;
use super::catalog::{self, Release, Shown};
use super::language::{Kind, Token};
use super::words::{closing, dotted, first_comma, literal, plain_name, quoted, texts_added};
use crate::sql::{self, MysqlRelease, Relation, Rows, Server, SqlError, Value};

/// Bytes of a statement as it is written anew: what is longer is refused by the engine's own bound.
pub(super) const LONGEST: usize = 32 * 1024;

/// Names under which the engine is given the views.
const SYSTEM: &str = "sys_views";
const STANDARD: &str = "standard_views";
const TEMPORARY: &str = "temporary";

/// Tables of SQL Server 2000's master that have no schema in front.
fn is_system_name(name: &str) -> bool {
    ["sysdatabases", "sysobjects", "syscolumns", "syslogins", "sysprocesses", "sysservers"]
        .contains(&name)
}

impl Scene<'_> {
    /// Rows of a SELECT.
    pub(super) fn select(&mut self, words: &[Token]) -> Result<Rows, Fault> {
        if let Some(rows) = self.file_rows(words) {
            return rows;
        }
        let text = self.rewritten(&texts_added(words));
        let outcome = sql::query_within(&self.server(), text.as_bytes(), self.engine);
        self.engine = outcome.left;
        let mut rows = outcome.rows.map_err(|error| fault(&error))?;
        // A column that is neither of a table nor named has no name.
        for name in &mut rows.names {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$#".contains(byte);
            if !name.iter().all(is_name) || name.first().is_some_and(u8::is_ascii_digit) {
                name.clear();
            }
        }
        Ok(rows)
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, words: &[Token]) -> Result<Value, Fault> {
        if let Some(value) = self.plain(words) {
            return Ok(value);
        }
        let select = Token { kind: Kind::Word("select".to_owned()) };
        let words: Vec<Token> = std::iter::once(select).chain(words.iter().cloned()).collect();
        let rows = self.select(&words)?;
        Ok(rows
            .rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next())
            .unwrap_or(Value::Null))
    }

    /// Literals and variables, alone or added up, where one of them is text.
    fn plain(&self, words: &[Token]) -> Option<Value> {
        let mut values = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if at % 2 == 1 {
                if !word.is_sign('+') {
                    return None;
                }
                continue;
            }
            values.push(match &word.kind {
                Kind::Text(text) => Value::text(text.as_str()),
                Kind::Bytes(bytes) => Value::Bytes(bytes.clone()),
                Kind::Variable(name) if !name.starts_with("@@") => self.variable(name),
                Kind::Number(number) => Value::Integer(number.parse().ok()?),
                Kind::Word(word) if word.eq_ignore_ascii_case("null") => Value::Null,
                _ => return None,
            });
        }
        if values.len() == 1 {
            return values.pop();
        }
        let has_text = values.iter().any(|value| matches!(value, Value::Text(_)));
        if !has_text || words.len().is_multiple_of(2) {
            return None;
        }
        if values.iter().any(|value| matches!(value, Value::Null)) {
            return Some(Value::Null);
        }
        let mut text: Vec<u8> = values.iter().flat_map(Value::bytes).collect();
        text.truncate(LONGEST);
        Some(Value::Text(text))
    }

    /// `OPENROWSET(BULK 'file', SINGLE_CLOB)`: the file.
    fn file_rows(&mut self, words: &[Token]) -> Option<Result<Rows, Fault>> {
        let at = words.iter().position(|word| word.is("openrowset"))?;
        let bulk = words.get(at + 2).filter(|word| word.is("bulk")).and(words.get(at + 3));
        let Some(path) = bulk.map(Token::text) else {
            let address = words
                .get(at + 2..)
                .unwrap_or_default()
                .iter()
                .map(Token::text)
                .collect::<Vec<_>>()
                .join(" ");
            self.class("rowset from elsewhere");
            self.note("mssql rowset", &address);
            return Some(Err(Fault::new(
                7_302,
                "Cannot create an instance of OLE DB provider \"SQLNCLI11\" for linked server \"(null)\".",
            )));
        };
        self.class("file read");
        let now = self.now;
        Some(match self.machine.read(&path, now) {
            Some(content) => Ok(Rows {
                names: vec![b"BulkColumn".to_vec()],
                kinds: Vec::new(),
                rows: vec![vec![Value::Text(content)]],
            }),
            None => Err(no_file(&path)),
        })
    }

    fn server(&self) -> Server {
        let state = &self.state;
        let account = self.identity.application();
        let account = account.account();
        let tables: Arc<[Relation]> = if state.database == *account.database {
            Arc::clone(account.relations)
        } else {
            Vec::new().into()
        };
        let settings = |setting: &catalog::Setting| self.setting(setting);
        let shown = Shown {
            identity: self.identity,
            facts: self.machine.facts(),
            settings: &settings,
            tables: &tables,
            database: &state.database,
        };
        let others = vec![
            (SYSTEM.to_owned(), catalog::views(&shown)),
            (STANDARD.to_owned(), catalog::standard_views(&shown)),
            (TEMPORARY.to_owned(), state.tables.clone().into()),
            (account.database.to_lowercase(), Arc::clone(account.relations)),
        ];
        Server {
            version: "10.4.0-MariaDB".to_owned(),
            comment: "",
            release: MysqlRelease::MariaDb,
            host: self.machine.facts().host().to_owned(),
            user: state.user.clone(),
            database: state.database.to_lowercase(),
            relations: tables,
            client: String::new(),
            others,
            connection: 51,
            now: self.now,
            chance: (self.now.micros().cast_unsigned() & 0xffff_ffff) as u32,
            files: Box::new(|_| None),
            foreign: None,
        }
    }

    /// A statement in the engine's words.
    #[expect(clippy::too_many_lines, reason = "one case after the other")]
    fn rewritten(&self, words: &[Token]) -> String {
        let mut text = String::new();
        let mut limit = None;
        let mut at = 0;
        let mut table_next = false;
        while let Some(word) = words.get(at) {
            if text.len() > LONGEST {
                break;
            }
            let next = |ahead: usize| words.get(at + ahead);
            let opens = next(1).is_some_and(|next| next.is_sign('('));
            let mut taken = 1;
            let piece = match &word.kind {
                Kind::Text(content) => quoted(content),
                Kind::Bytes(bytes) => {
                    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    if digits.is_empty() { "''".to_owned() } else { format!("0x{digits}") }
                }
                Kind::Number(number) => number.clone(),
                Kind::Variable(name) => {
                    literal(&self.system_variable(name).unwrap_or_else(|| self.variable(name)))
                }
                Kind::Sign('[' | ']') => String::new(),
                Kind::Sign(sign) => {
                    // Two signs of one operator stay together.
                    let pair = next(1).is_some_and(|next| {
                        matches!(
                            (sign, &next.kind),
                            ('<' | '>' | '!', Kind::Sign('=')) | ('<', Kind::Sign('>'))
                        )
                    });
                    if pair {
                        taken = 2;
                        format!("{sign}{}", next(1).map(Token::text).unwrap_or_default())
                    } else {
                        sign.to_string()
                    }
                }
                Kind::Word(name) if name.eq_ignore_ascii_case("top") && limit.is_none() => {
                    let skip = usize::from(opens);
                    limit = next(1 + skip).and_then(|count| count.text().parse::<u32>().ok());
                    taken = 2 + 2 * skip;
                    String::new()
                }
                Kind::Word(name) if opens && name.eq_ignore_ascii_case("with") => {
                    taken = closing(words, at + 1) - at + 1;
                    String::new()
                }
                Kind::Word(_) | Kind::Name(_) => {
                    let (names, length) = dotted(words, at);
                    let last_opens = words.get(at + length).is_some_and(|next| next.is_sign('('));
                    if let Some((value, length)) =
                        self.function(&names, words, at + length, last_opens)
                    {
                        taken = length - at;
                        value
                    } else if table_next && !last_opens {
                        taken = length;
                        self.table(&names)
                    } else {
                        taken = length;
                        plain_name(&names, matches!(word.kind, Kind::Name(_)), last_opens)
                    }
                }
            };
            let is_word = |wanted: &[&str]| wanted.iter().any(|wanted| word.is(wanted));
            table_next = is_word(&["from", "join"]) || table_next && word.is_sign(',');
            text.push_str(&piece);
            text.push(' ');
            at += taken;
        }
        if let Some(limit) = limit {
            text.push_str(&format!("LIMIT {limit}"));
        }
        text
    }

    /// A table's name as the engine has it.
    fn table(&self, names: &[String]) -> String {
        let last = names.last().map_or("", String::as_str);
        let lower = last.to_lowercase();
        let before: Vec<String> =
            names[..names.len() - 1].iter().map(|name| name.to_lowercase()).collect();
        let has = |schema: &str| before.iter().any(|name| name == schema);
        if last.starts_with(['#', '@']) {
            return format!("`{TEMPORARY}`.`{lower}`");
        }
        if has("information_schema") {
            return format!("`{STANDARD}`.`{lower}`");
        }
        if has("sys") || is_system_name(&lower) {
            return format!("`{SYSTEM}`.`{lower}`");
        }
        if self.state.tables.iter().any(|table| table.name == lower) {
            return format!("`{TEMPORARY}`.`{lower}`");
        }
        match before.first().filter(|first| before.len() > 1 || first.as_str() != "dbo") {
            Some(database) if !database.is_empty() => format!("`{database}`.`{last}`"),
            _ => format!("`{last}`"),
        }
    }

    /// What a function of the server's own gives, as a literal, and where it ends.
    #[expect(clippy::too_many_lines, reason = "one case after the other")]
    fn function(
        &self,
        names: &[String],
        words: &[Token],
        at: usize,
        opens: bool,
    ) -> Option<(String, usize)> {
        let [name] = names else { return None };
        let name = name.to_lowercase();
        if !opens {
            let user = ["current_user", "session_user", "user"].contains(&name.as_str());
            let value = if user {
                "dbo"
            } else {
                (name == "system_user").then_some(self.state.user.as_str())?
            };
            return Some((quoted(value), at));
        }
        let end = closing(words, at) + 1;
        let inside = words.get(at + 1..end - 1).unwrap_or_default();
        let argument = inside.first().map(Token::text).unwrap_or_default();
        let facts = self.machine.facts();
        let text = match name.as_str() {
            "serverproperty" => self.property(&argument),
            "db_name" => match argument.parse::<usize>() {
                Ok(number) => catalog::databases(self.identity)
                    .get(number.wrapping_sub(1))
                    .map_or(Value::Null, |name| Value::text(name.as_str())),
                Err(_) => Value::text(self.state.database.as_str()),
            },
            "suser_name" | "suser_sname" | "original_login" => {
                Value::text(self.state.user.as_str())
            }
            "user_name" => Value::text("dbo"),
            "host_name" => Value::text(self.state.host.as_str()),
            "app_name" | "program_name" => Value::text(self.state.application.as_str()),
            "is_srvrolemember" | "is_member" | "is_rolemember" | "has_dbaccess"
            | "has_perms_by_name" => Value::Integer(1),
            "object_id" => {
                let known = self
                    .state
                    .tables
                    .iter()
                    .any(|table| argument.to_lowercase().ends_with(&table.name))
                    || argument.to_lowercase().contains("xp_")
                    || argument.to_lowercase().contains("sp_");
                if known { Value::Integer(245_575_913) } else { Value::Null }
            }
            "schema_name" => Value::text("dbo"),
            "connectionproperty" if argument.eq_ignore_ascii_case("local_net_address") => {
                Value::text(facts.address_text())
            }
            "connectionproperty" => Value::text("TCP"),
            "getdate" | "sysdatetime" | "getutcdate" | "sysutcdatetime" => {
                return Some(("now()".to_owned(), end));
            }
            // CONVERT(type, value) and CAST(value AS type): the value, as text where the type is one.
            "convert" | "try_convert" => {
                let comma = inside.iter().position(|word| word.is_sign(','))?;
                let kind = inside.first()?.text().to_lowercase();
                let rest = &inside[comma + 1..];
                let value = self.rewritten(&rest[..first_comma(rest)]);
                return Some((
                    if kind.contains("int") {
                        format!("({value})")
                    } else {
                        format!("CONCAT({value})")
                    },
                    end,
                ));
            }
            "cast" | "try_cast" => {
                let place = inside.iter().rposition(|word| word.is("as"))?;
                let kind = inside.get(place + 1)?.text().to_lowercase();
                let value = self.rewritten(&inside[..place]);
                return Some((
                    if kind.contains("int") {
                        format!("({value})")
                    } else {
                        format!("CONCAT({value})")
                    },
                    end,
                ));
            }
            _ => return None,
        };
        Some((literal(&text), end))
    }

    fn property(&self, name: &str) -> Value {
        let release = Release::of(self.identity);
        let host = self.machine.facts().host().to_owned();
        Value::text(match name.to_lowercase().as_str() {
            "productversion" => release.number.to_owned(),
            "productlevel" => release.level.to_owned(),
            "edition" => "Standard Edition (64-bit)".to_owned(),
            "productmajorversion" => release.version.0.to_string(),
            "machinename" | "servername" | "computernamephysicalnetbios" => host,
            "collation" => "SQL_Latin1_General_CP1_CI_AS".to_owned(),
            "instancedefaultdatapath" | "instancedefaultlogpath" => {
                catalog::data_folder(self.machine.facts()) + "\\"
            }
            "isintegratedsecurityonly" | "isclustered" | "ishadrenabled" => {
                return Value::Integer(0);
            }
            "engineedition" => return Value::Integer(2),
            _ => return Value::Null,
        })
    }

    fn system_variable(&self, name: &str) -> Option<Value> {
        let facts = self.machine.facts();
        Some(match name {
            "@@version" => Value::text(Release::of(self.identity).banner()),
            "@@servername" => Value::text(facts.host()),
            "@@servicename" => Value::text("MSSQLSERVER"),
            "@@spid" => Value::Integer(i128::from(super::session::PROCESS)),
            "@@language" => Value::text("us_english"),
            "@@microsoftversion" => {
                let (major, _, build) = Release::of(self.identity).version;
                Value::Integer((i128::from(major) << 24) + i128::from(build))
            }
            "@@max_connections" => Value::Integer(32_767),
            "@@rowcount" | "@@error" | "@@trancount" | "@@fetch_status" | "@@nestlevel"
            | "@@identity" => Value::Integer(0),
            _ => return None,
        })
    }
}

pub(super) fn no_file(path: &str) -> Fault {
    Fault::new(
        4_860,
        format!(
            "Cannot bulk load. The file \"{path}\" does not exist or you don't have file access rights."
        ),
    )
}

/// What SQL Server says where MariaDB says something.
fn fault(error: &SqlError) -> Fault {
    let message = String::from_utf8_lossy(&error.message).into_owned();
    let mut parts = message.split('\'');
    let named = parts.nth(1).unwrap_or_default().to_owned();
    let last = named.rsplit('.').next().unwrap_or_default();
    match error.number {
        1146 | 1109 | 1142 => Fault::new(208, format!("Invalid object name '{last}'.")),
        1054 => Fault::new(207, format!("Invalid column name '{last}'.")),
        1305 | 1630 => {
            Fault::new(195, format!("'{last}' is not a recognized built-in function name."))
        }
        1222 => Fault::new(
            205,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
        ),
        _ => {
            let near: String =
                named.split_whitespace().next().unwrap_or_default().chars().take(30).collect();
            Fault { class: 15, ..Fault::new(102, format!("Incorrect syntax near '{near}'.")) }
        }
    }
}
