//! The procedures that bots call: options, commands, folders, the registry.

use kizashi_event::{Detail, HostileText};

use super::answer::Fault;
use super::batch::{Scene, parts};
use super::catalog::{self, SETTINGS};
use super::language::{Kind, Token};
use super::words::dotted;
use crate::machine::WindowsSaid;
use crate::sql::{Rows, Value};

/// Letters of a line that xp_cmdshell gives, and lines.
const LINE: usize = 255;
const MOST_LINES: usize = 1_000;

/// One argument of a call.
pub(super) struct Parameter {
    /// `@command` where it is named.
    pub(super) name: Option<String>,
    pub(super) value: Value,
    /// The variable that is given what comes out.
    pub(super) output: Option<String>,
}

impl Parameter {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.value.bytes()).into_owned()
    }
}

/// An argument by its name or its place among those without one.
pub(super) fn argument(parameters: &[Parameter], name: &str, place: usize) -> Option<String> {
    let named = parameters.iter().find(|parameter| parameter.name.as_deref() == Some(name));
    let placed = || parameters.get(place).filter(|parameter| parameter.name.is_none());
    named.or_else(placed).map(Parameter::text)
}

fn rows(names: &[&str], rows: Vec<Vec<Value>>) -> Rows {
    let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    Rows { names, kinds: Vec::new(), rows }
}

fn integer(number: impl Into<i128>) -> Value {
    Value::Integer(number.into())
}

impl Scene<'_> {
    /// A call: the procedure's bare name and its arguments.
    pub(super) fn called(&mut self, words: &[Token]) -> Result<(String, Vec<Parameter>), Fault> {
        let (names, length) = dotted(words, 0);
        let name = names.last().map(|name| name.to_lowercase()).unwrap_or_default();
        let mut parameters = Vec::new();
        for part in parts(words.get(length..).unwrap_or_default()).into_iter().take(32) {
            let named = match part {
                [Token { kind: Kind::Variable(name) }, equals, ..] if equals.is_sign('=') => {
                    Some(name.clone())
                }
                _ => None,
            };
            let value = if named.is_some() { &part[2..] } else { part };
            let is_output = value.last().is_some_and(|last| last.is("output") || last.is("out"));
            let value = if is_output { &value[..value.len() - 1] } else { value };
            let output = match value {
                [Token { kind: Kind::Variable(name) }] if is_output => Some(name.clone()),
                _ => None,
            };
            // A bare word is a text of itself, as in `xp_cmdshell dir`.
            let value = match value {
                [Token { kind: Kind::Word(word) | Kind::Name(word) }]
                    if !word.eq_ignore_ascii_case("null") =>
                {
                    Value::text(word.as_str())
                }
                other => self.value(other)?,
            };
            parameters.push(Parameter { name: named, value, output });
        }
        Ok((name, parameters))
    }

    pub(super) fn procedure(&mut self, words: &[Token]) -> Result<(), Fault> {
        let (name, parameters) = self.called(words)?;
        self.call(&name, &parameters)
    }

    /// Calls a procedure by its name and sends what it gives.
    pub(super) fn call(&mut self, name: &str, parameters: &[Parameter]) -> Result<(), Fault> {
        if name == "sp_executesql" {
            let text = argument(parameters, "@stmt", 0)
                .or_else(|| argument(parameters, "@statement", 0))
                .unwrap_or_default();
            for parameter in parameters.iter().skip(2) {
                if let Some(name) = &parameter.name {
                    self.assign(name, parameter.value.clone());
                }
            }
            self.batch(&text);
            return Ok(());
        }
        match self.procedure_rows(name, parameters)? {
            Some(found) => self.answer.rows(&found),
            None => self.answer.done(None),
        }
        Ok(())
    }

    /// Rows that a procedure gives, where it gives any.
    #[expect(clippy::too_many_lines, reason = "one case after the other")]
    pub(super) fn procedure_rows(
        &mut self,
        name: &str,
        parameters: &[Parameter],
    ) -> Result<Option<Rows>, Fault> {
        let first = argument(parameters, "", 0)
            .or_else(|| parameters.first().map(Parameter::text))
            .unwrap_or_default();
        Ok(match name {
            "xp_cmdshell" => self.command_shell(&first)?,
            "sp_configure" => self.configure(parameters)?,
            "xp_dirtree" | "xp_subdirs" => Some(self.folders(&first, name, parameters)),
            "xp_fileexist" => {
                self.remote(&first);
                let now = self.now;
                let folder = self.machine.list(&first, now).is_some();
                let file = !folder && self.machine.read(&first, now).is_some();
                Some(rows(
                    &["File Exists", "File is a Directory", "Parent Directory Exists"],
                    vec![vec![integer(file), integer(folder), integer(1)]],
                ))
            }
            "xp_fixeddrives" => {
                Some(rows(&["drive", "MB free"], vec![vec![Value::text("C"), integer(40_855)]]))
            }
            "xp_regread" | "xp_instance_regread" => self.registry(parameters)?,
            "xp_regwrite"
            | "xp_instance_regwrite"
            | "xp_regdeletekey"
            | "xp_regdeletevalue"
            | "xp_regaddmultistring" => {
                self.class("registry changed");
                let path: Vec<String> = parameters.iter().map(Parameter::text).collect();
                self.note("mssql registry", &path.join(" "));
                None
            }
            "xp_msver" => {
                let release = catalog::Release::of(self.identity);
                let row = |index: i128, name: &str, text: &str| {
                    vec![integer(index), Value::text(name), Value::Null, Value::text(text)]
                };
                Some(rows(
                    &["Index", "Name", "Internal_Value", "Character_Value"],
                    vec![
                        row(1, "ProductName", "Microsoft SQL Server"),
                        row(2, "ProductVersion", release.number),
                        row(4, "Platform", "NT x64"),
                    ],
                ))
            }
            "sp_helpdb" | "sp_databases" => {
                let all = catalog::databases(self.identity);
                Some(rows(
                    &["name", "db_size", "owner"],
                    all.iter()
                        .map(|name| {
                            vec![
                                Value::text(name.as_str()),
                                Value::text("      16.00 MB"),
                                Value::text("sa"),
                            ]
                        })
                        .collect(),
                ))
            }
            "sp_who" | "sp_who2" => Some(rows(
                &["spid", "status", "loginame", "hostname", "dbname"],
                vec![vec![
                    integer(51),
                    Value::text("runnable"),
                    Value::text(self.state.user.as_str()),
                    Value::text(self.state.host.as_str()),
                    Value::text(self.state.database.as_str()),
                ]],
            )),
            "sp_addextendedproc" => {
                self.class("extended procedure");
                self.note(
                    "mssql library",
                    &parameters.iter().map(Parameter::text).collect::<Vec<_>>().join(" "),
                );
                None
            }
            "sp_addlogin"
            | "sp_password"
            | "sp_addsrvrolemember"
            | "sp_grantlogin"
            | "sp_adduser" => {
                self.class("login made");
                None
            }
            "sp_dropextendedproc"
            | "sp_procoption"
            | "sp_reset_connection"
            | "sp_droplogin"
            | "sp_dboption"
            | "sp_serveroption"
            | "sp_addlinkedserver"
            | "xp_servicecontrol"
            | "sp_set_session_context"
            | "sp_unprepare"
            | "sp_cursorclose"
            | "sp_add_trusted_assembly" => None,
            _ if name.starts_with("sp_oa") => {
                return self.automation(name, parameters).map(|()| None);
            }
            _ if super::objects::JOB_PROCEDURES.contains(&name) => {
                return self.job(name, parameters).map(|()| None);
            }
            _ if self.state.external.iter().any(|known| known == name) => {
                let said = self.run(&first);
                Some(lines(&said))
            }
            _ => {
                return Err(Fault {
                    state: 62,
                    ..Fault::new(2_812, format!("Could not find stored procedure '{name}'."))
                });
            }
        })
    }

    fn command_shell(&mut self, line: &str) -> Result<Option<Rows>, Fault> {
        if !self.is_on("xp_cmdshell") {
            self.out.tell(Detail::Command { line: HostileText::from(line), known: None });
            return Err(blocked("sys.xp_cmdshell", "xp_cmdshell", "procedure"));
        }
        self.class("xp_cmdshell");
        let said = self.run(line);
        Ok(Some(lines(&said)))
    }

    fn configure(&mut self, parameters: &[Parameter]) -> Result<Option<Rows>, Fault> {
        let advanced = self.is_on("show advanced options");
        let names = ["name", "minimum", "maximum", "config_value", "run_value"];
        let row = |scene: &Self, setting: &catalog::Setting| {
            let value = scene.setting(setting);
            vec![
                Value::text(setting.name),
                integer(setting.least),
                integer(setting.most),
                integer(value),
                integer(value),
            ]
        };
        let Some(name) = argument(parameters, "@configname", 0) else {
            let shown = SETTINGS.iter().filter(|setting| advanced || !setting.advanced);
            return Ok(Some(rows(&names, shown.map(|setting| row(self, setting)).collect())));
        };
        let Some(setting) = catalog::setting(&name).filter(|setting| advanced || !setting.advanced)
        else {
            return Err(Fault::new(15_123, format!("The configuration option '{name}' does not exist, or it may be an advanced option.")).in_procedure("sp_configure"));
        };
        let Some(value) = argument(parameters, "@configvalue", 1) else {
            return Ok(Some(rows(&names, vec![row(self, setting)])));
        };
        let Some(value) = value
            .trim()
            .parse::<i64>()
            .ok()
            .filter(|value| (setting.least..=setting.most).contains(value))
        else {
            return Err(Fault::new(
                15_129,
                format!(
                    "'{value}' is not a valid value for configuration option '{}'.",
                    setting.name
                ),
            )
            .in_procedure("sp_configure"));
        };
        let before = self.setting(setting);
        self.machine.set(setting.name, value, self.now);
        self.class("option changed");
        self.answer.info(15_457, format!("Configuration option '{}' changed from {before} to {value}. Run the RECONFIGURE statement to install.", setting.name));
        Ok(None)
    }

    /// A path on another host is where the server's own password goes to: told, and never followed.
    fn remote(&mut self, path: &str) {
        let Some(rest) = path.strip_prefix("\\\\").or_else(|| path.strip_prefix("//")) else {
            return;
        };
        let host = rest.split(['\\', '/']).next().unwrap_or_default();
        if !host.is_empty() && host != "." && host != "?" {
            self.class("path on another host");
            self.out.tell(Detail::Forward { host: HostileText::from(host), port: 445, data: None });
        }
    }

    fn folders(&mut self, path: &str, name: &str, parameters: &[Parameter]) -> Rows {
        self.remote(path);
        let files = argument(parameters, "", 2).is_some_and(|flag| flag != "0");
        let listed = self.machine.list(path, self.now).unwrap_or_default();
        let listed = listed.into_iter().filter(|(_, folder)| *folder || files);
        let row = |(name, folder): (String, bool)| {
            let mut row = vec![Value::text(name), integer(1)];
            if files {
                row.push(integer(!folder));
            }
            row
        };
        if name == "xp_subdirs" {
            return rows(
                &["subdirectory"],
                listed.map(|(name, _)| vec![Value::text(name)]).collect(),
            );
        }
        let names: &[&str] =
            if files { &["subdirectory", "depth", "file"] } else { &["subdirectory", "depth"] };
        rows(names, listed.map(row).collect())
    }

    fn registry(&mut self, parameters: &[Parameter]) -> Result<Option<Rows>, Fault> {
        let text = |name: &str, place| argument(parameters, name, place).unwrap_or_default();
        let (key, value) = (text("@key", 1), text("@value_name", 2));
        self.note("mssql registry", &format!("{} {key} {value}", text("@rootkey", 0)));
        let Some(found) = self.machine.registry(&key, &value) else {
            return Err(Fault {
                class: 16,
                ..Fault::new(
                    22_001,
                    "RegOpenKeyEx() returned error 2, 'The system cannot find the file specified.'",
                )
            });
        };
        if let Some(output) = parameters.iter().find_map(|parameter| parameter.output.clone()) {
            self.assign(&output, Value::text(found));
            return Ok(None);
        }
        Ok(Some(rows(&["Value", "Data"], vec![vec![Value::text(value), Value::text(found)]])))
    }
}

/// What a program printed, as xp_cmdshell gives it: a line a row, the empty ones and the last as NULL.
pub(super) fn lines(said: &WindowsSaid) -> Rows {
    let text = [said.output.as_str(), said.errors.as_str()].concat();
    let line = |line: &str| {
        if line.is_empty() {
            vec![Value::Null]
        } else {
            vec![Value::text(line.chars().take(LINE).collect::<String>())]
        }
    };
    let mut found: Vec<Vec<Value>> = text.lines().take(MOST_LINES).map(line).collect();
    found.push(vec![Value::Null]);
    rows(&["output"], found)
}

/// An option is off.
pub(super) fn blocked(procedure: &str, component: &str, kind: &str) -> Fault {
    Fault::new(15_281, format!("SQL Server blocked access to {kind} '{procedure}' of component '{component}' because this component is turned off as part of the security configuration for this server. A system administrator can enable the use of '{component}' by using sp_configure. For more information about enabling '{component}', search for '{component}' in SQL Server Books Online.")).in_procedure(procedure.trim_start_matches("sys."))
}
