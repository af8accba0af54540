//! OLE objects (`sp_OACreate` and its kin) and jobs of SQL Server Agent: the two ways to run a command where xp_cmdshell is gone.

use kizashi_event::{Detail, HostileText};

use super::answer::Fault;
use super::batch::Scene;
use super::procedures::{Parameter, argument, blocked};
use crate::sql::Value;

/// Objects of one connection, jobs, steps of a job, and bytes of a text in one of them.
const MOST_OBJECTS: usize = 8;
const MOST_JOBS: usize = 4;
const LONGEST: usize = 4 * 1024;

pub(super) const JOB_PROCEDURES: [&str; 9] = [
    "sp_add_job",
    "sp_add_jobstep",
    "sp_add_jobserver",
    "sp_add_jobschedule",
    "sp_add_schedule",
    "sp_attach_schedule",
    "sp_start_job",
    "sp_delete_job",
    "sp_update_job",
];

/// One object, by the number that the server gave it.
pub(super) struct Object {
    number: i128,
    /// `wscript.shell`.
    kind: String,
    /// The file that is written to, or the address that is asked for.
    target: String,
    content: Vec<u8>,
}

impl Object {
    pub(super) fn memory(&self) -> usize {
        self.kind.len() + self.target.len() + self.content.len()
    }
}

pub(super) struct Job {
    name: String,
    /// Subsystem and command.
    steps: Vec<(String, String)>,
}

impl Job {
    pub(super) fn memory(&self) -> usize {
        self.name.len()
            + self.steps.iter().map(|(kind, line)| kind.len() + line.len()).sum::<usize>()
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

impl Scene<'_> {
    fn new_object(&mut self, kind: &str, target: &str) -> Value {
        let number = 16_711_422 + 65_536 * self.state.objects.len() as i128;
        if self.state.objects.len() >= MOST_OBJECTS {
            return Value::Null;
        }
        self.state.objects.push(Object {
            number,
            kind: bounded(kind).to_lowercase(),
            target: bounded(target),
            content: Vec::new(),
        });
        Value::Integer(number)
    }

    pub(super) fn automation(&mut self, name: &str, parameters: &[Parameter]) -> Result<(), Fault> {
        if !self.is_on("Ole Automation Procedures") {
            let shown = match name {
                "sp_oacreate" => "sys.sp_OACreate",
                "sp_oamethod" => "sys.sp_OAMethod",
                _ => "sys.sp_OADestroy",
            };
            return Err(blocked(shown, "Ole Automation Procedures", "procedure"));
        }
        let outputs: Vec<String> =
            parameters.iter().filter_map(|parameter| parameter.output.clone()).collect();
        match name {
            "sp_oacreate" => {
                let kind = parameters.first().map(Parameter::text).unwrap_or_default();
                self.class("ole object");
                self.note("mssql object", &kind);
                let object = self.new_object(&kind, "");
                if let Some(output) = outputs.first() {
                    self.assign(output, object);
                }
            }
            "sp_oamethod" | "sp_oasetproperty" | "sp_oagetproperty" => {
                let number =
                    parameters.first().map_or(Value::Null, |parameter| parameter.value.clone());
                let method = parameters.get(1).map(Parameter::text).unwrap_or_default();
                // A property is set with what stands third; a method's third is where its result goes.
                let skip = if name == "sp_oasetproperty" { 2 } else { 3 };
                let arguments: Vec<Value> =
                    parameters.iter().skip(skip).map(|parameter| parameter.value.clone()).collect();
                let result = self.method(&number, &method, &arguments);
                if let Some(output) = outputs.first() {
                    self.assign(output, result);
                }
            }
            "sp_oadestroy" => {
                let number =
                    parameters.first().map_or(Value::Null, |parameter| parameter.value.clone());
                self.state.objects.retain(|object| Value::Integer(object.number) != number);
            }
            _ => {}
        }
        Ok(())
    }

    fn method(&mut self, number: &Value, method: &str, arguments: &[Value]) -> Value {
        let Some(at) =
            self.state.objects.iter().position(|object| Value::Integer(object.number) == *number)
        else {
            return Value::Null;
        };
        let text = |place: usize| {
            arguments
                .get(place)
                .map(|value| String::from_utf8_lossy(&value.bytes()).into_owned())
                .unwrap_or_default()
        };
        let kind = self.state.objects[at].kind.clone();
        let method = method.to_lowercase();
        let method = method.split('(').next().unwrap_or_default().trim();
        match (kind.as_str(), method) {
            (_, "run" | "exec") => {
                self.run(&text(0));
                Value::Integer(0)
            }
            (_, "shellexecute") => {
                self.run(&[text(0), text(1)].join(" "));
                Value::Null
            }
            (_, "createtextfile" | "opentextfile") => self.new_object("textstream", &text(0)),
            ("textstream", "write" | "writeline") => {
                let line = if method == "writeline" { text(0) + "\r\n" } else { text(0) };
                self.keep(at, line.as_bytes());
                self.save(at, None);
                Value::Null
            }
            (_, "deletefile" | "copyfile" | "movefile") => {
                let verb = method.trim_end_matches("file").replace("delete", "del");
                self.run(&format!("{verb} {} {}", quoted(&text(0)), quoted(&text(1))));
                Value::Null
            }
            (_, "write" | "writetext") => {
                let bytes = arguments.first().map(Value::bytes).unwrap_or_default();
                self.keep(at, &bytes);
                Value::Null
            }
            (_, "savetofile") => {
                self.save(at, Some(text(0)));
                Value::Null
            }
            (_, "open") if text(1).contains("://") => {
                self.note("url", &text(1));
                self.state.objects[at].target = bounded(&text(1));
                Value::Null
            }
            (_, "status") => Value::Integer(200),
            _ => Value::Null,
        }
    }

    fn keep(&mut self, at: usize, bytes: &[u8]) {
        let content = &mut self.state.objects[at].content;
        let room = LONGEST.saturating_sub(content.len());
        content.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Writes what an object holds to its file; a long literal of this batch is what the object was given, and whole.
    fn save(&mut self, at: usize, path: Option<String>) {
        let object = &self.state.objects[at];
        let path = path.unwrap_or_else(|| object.target.clone());
        let whole = self
            .literals
            .iter()
            .map(|payload| &payload.content)
            .find(|content| content.starts_with(&object.content) && !object.content.is_empty());
        let content = whole.unwrap_or(&object.content).clone();
        self.class("file written");
        let now = self.now;
        self.machine
            .write(&path, &content, now)
            .into_iter()
            .for_each(|detail| self.out.tell(detail));
    }

    pub(super) fn job(&mut self, name: &str, parameters: &[Parameter]) -> Result<(), Fault> {
        let text = |wanted: &str, place| argument(parameters, wanted, place).unwrap_or_default();
        let job = text("@job_name", 0);
        let known = self.state.jobs.iter().position(|known| known.name.eq_ignore_ascii_case(&job));
        match name {
            "sp_add_job" => {
                self.class("agent job");
                if known.is_some() {
                    return Err(Fault::new(
                        14_261,
                        format!("The specified @name ('{job}') already exists."),
                    ));
                }
                if self.state.jobs.len() < MOST_JOBS {
                    self.state.jobs.push(Job { name: bounded(&job), steps: Vec::new() });
                }
            }
            "sp_add_jobstep" => {
                let (kind, line) = (text("@subsystem", 3), text("@command", 4));
                self.out
                    .tell(Detail::Command { line: HostileText::from(line.as_str()), known: None });
                let at = known.ok_or_else(|| no_job(&job))?;
                let steps = &mut self.state.jobs[at].steps;
                if steps.len() < MOST_JOBS {
                    steps.push((bounded(&kind), bounded(&line)));
                }
            }
            "sp_start_job" => {
                let at = known.ok_or_else(|| no_job(&job))?;
                for (kind, line) in self.state.jobs[at].steps.clone() {
                    match kind.to_lowercase().as_str() {
                        "cmdexec" => {
                            self.run(&line);
                        }
                        "powershell" => {
                            let said = self.machine.run_powershell(&line, self.now);
                            said.details.into_iter().for_each(|detail| self.out.tell(detail));
                        }
                        _ => {}
                    }
                }
                self.answer.info(14_501, format!("Job '{job}' started successfully."));
            }
            "sp_delete_job" => {
                self.state.jobs.retain(|known| !known.name.eq_ignore_ascii_case(&job));
            }
            _ => {}
        }
        Ok(())
    }
}

fn quoted(path: &str) -> String {
    if path.contains(' ') { format!("\"{path}\"") } else { path.to_owned() }
}

fn no_job(name: &str) -> Fault {
    Fault::new(14_262, format!("The specified @job_name ('{name}') does not exist."))
}
