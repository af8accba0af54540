//! A Windows machine behind a login or a database: cmd.exe and what of PowerShell droppers use, over a small disk. Which commands there are is
//! what published xp_cmdshell, WinRM and SMBExec campaigns run first (whoami, systeminfo, net, certutil, bitsadmin, encoded PowerShell), with
//! the texts of Windows Server's English edition. Nothing is fetched or run: an address is told as a note `url`, as on the Linux machine, and
//! whatever is written is kept by hash.
//!
//! Bounds: a line ([`LONGEST`]), commands of one ([`STEPS`]), what they print ([`PRINTED`]), how deep they call each other ([`DEPTH`]), and
//! what a visitor changes ([`Kept`], `disk.rs`).

mod commands;
mod console;
mod disk;
mod facts;
mod line;
mod remcom;
mod store;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use kizashi_event::{Detail, HostileText, Timestamp};

pub(crate) use console::WindowsConsole;
pub(crate) use disk::Change;
pub(crate) use facts::Facts;
pub(crate) use remcom::{
    PIPE as REMCOM_PIPE, RemoteEnd, RemoteRead, RemoteRequest, RemoteShell, serves as remcom_serves,
};
pub(crate) use store::{Kept, WindowsMachines};

use crate::{Identity, Visit};
use line::{Body, Joint, Step, Target};

/// Characters of a line that cmd.exe takes.
const LONGEST: usize = 8_191;
/// Commands of one line, all that it calls included.
const STEPS: u32 = 256;
/// Bytes that a line prints.
const PRINTED: usize = 48 * 1024;
/// How deep `cmd /c`, batch files and groups stand in one another.
const DEPTH: u32 = 8;
/// Details of one line.
const DETAILS: usize = 64;

/// What a line came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WindowsSaid {
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) status: i32,
    pub(crate) details: Vec<Detail>,
}

/// What was found under a line that shall be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// A program of the visitor's: what of it is kept.
    Written(Vec<u8>),
    /// One of Windows' own, which has run to its end.
    Known,
    Missing,
}

/// One account's view of the machine.
pub(crate) struct WindowsMachine {
    identity: Arc<Identity>,
    facts: Facts,
    source: IpAddr,
    /// As `whoami` prints it.
    account: String,
    folder: String,
    variables: Vec<(String, String)>,
}

/// One line on its way, with all it may see and change.
struct Shell<'a> {
    machine: &'a mut WindowsMachine,
    kept: &'a mut Kept,
    now: Timestamp,
    details: Vec<Detail>,
    steps: u32,
    depth: u32,
}

/// What a command printed.
#[derive(Default)]
struct Printed {
    out: String,
    err: String,
    status: i32,
}

impl Printed {
    fn ok(out: impl Into<String>) -> Self {
        Self { out: out.into(), ..Self::default() }
    }

    fn failed(status: i32, err: impl Into<String>) -> Self {
        Self { err: err.into(), status, ..Self::default() }
    }

    /// Windows tools mostly print their errors where they print everything.
    fn refused(status: i32, out: impl Into<String>) -> Self {
        Self { out: out.into(), status, ..Self::default() }
    }
}

impl WindowsMachine {
    /// The machine as this account finds it, in this folder.
    pub(crate) fn new(identity: &Arc<Identity>, visit: Visit, account: &str, folder: &str) -> Self {
        Self {
            identity: Arc::clone(identity),
            facts: Facts::of(identity, visit.destination),
            source: visit.source,
            account: account.to_owned(),
            folder: folder.to_owned(),
            variables: Vec::new(),
        }
    }

    /// The same account's view anew, as another process of his has it.
    pub(crate) fn another(&self) -> Self {
        Self {
            identity: Arc::clone(&self.identity),
            facts: self.facts.clone(),
            source: self.source,
            account: self.account.clone(),
            folder: self.folder.clone(),
            variables: Vec::new(),
        }
    }

    /// Runs a line of cmd.exe to its end.
    pub(crate) fn run(&mut self, text: &str, now: Timestamp) -> WindowsSaid {
        self.with_shell(now, |shell| shell.line_told(text))
    }

    /// Starts a program with this line, as a service or a task does: no interpreter reads it first. It is not told as a command.
    pub(crate) fn start(&mut self, line: &str, now: Timestamp) -> (WindowsSaid, Started) {
        let mut started = Started::Missing;
        let said = self.with_shell(now, |shell| {
            let (what, printed) = commands::start(shell, line);
            started = what;
            printed
        });
        (said, started)
    }

    /// Runs a script of PowerShell's to its end.
    pub(crate) fn run_powershell(&mut self, script: &str, now: Timestamp) -> WindowsSaid {
        self.with_shell(now, |shell| commands::powershell::script(shell, script))
    }

    /// Puts content into a file, as SQL Server's OLE objects or a service does; it is told.
    pub(crate) fn write(&mut self, path: &str, content: &[u8], now: Timestamp) -> Vec<Detail> {
        self.with_shell(now, |shell| {
            shell.write(path, content, false);
            Printed::default()
        })
        .details
    }

    pub(crate) const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A number that a service keeps under a name for this visitor, where he changed it.
    pub(crate) fn setting(&self, name: &str, now: Timestamp) -> Option<i64> {
        self.identity.windows_machines().with(self.source, now, |kept| kept.setting(name))
    }

    /// Changes such a number.
    pub(crate) fn set(&mut self, name: &'static str, value: i64, now: Timestamp) {
        self.identity.windows_machines().with(self.source, now, |kept| kept.set(name, value));
    }

    /// A value of the registry, where it is one that scripts ask for.
    pub(crate) fn registry(&self, key: &str, value: &str) -> Option<String> {
        commands::registry_value(&self.facts, key, value)
    }

    /// A file's content.
    pub(crate) fn read(&self, path: &str, now: Timestamp) -> Option<Vec<u8>> {
        let path = disk::absolute(&self.folder, path);
        self.identity.windows_machines().with(self.source, now, |kept| kept.disk.read(&path))
    }

    /// Names in a folder, and whether each is a folder.
    pub(crate) fn list(&self, path: &str, now: Timestamp) -> Option<Vec<(String, bool)>> {
        let path = disk::absolute(&self.folder, path);
        self.identity.windows_machines().with(self.source, now, |kept| {
            let entries = kept.disk.list(&path, &self.facts)?;
            Some(entries.into_iter().map(|entry| (entry.name, entry.folder)).collect())
        })
    }

    fn with_shell(
        &mut self,
        now: Timestamp,
        act: impl FnOnce(&mut Shell<'_>) -> Printed,
    ) -> WindowsSaid {
        let identity = Arc::clone(&self.identity);
        identity.windows_machines().with(self.source, now, |kept| {
            let mut shell =
                Shell { machine: self, kept, now, details: Vec::new(), steps: STEPS, depth: 0 };
            let mut printed = act(&mut shell);
            shell.tell_written();
            cut(&mut printed.out);
            cut(&mut printed.err);
            WindowsSaid {
                output: printed.out,
                errors: printed.err,
                status: printed.status,
                details: shell.details,
            }
        })
    }

    pub(crate) fn memory(&self) -> usize {
        let variables = self.variables.iter().map(|(name, value)| name.len() + value.len());
        self.folder.len() + variables.sum::<usize>()
    }
}

fn cut(text: &mut String) {
    let mut end = text.len().min(PRINTED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

impl Shell<'_> {
    fn tell(&mut self, detail: Detail) {
        if self.details.len() < DETAILS {
            self.details.push(detail);
        }
    }

    fn note(&mut self, name: &str, value: &str) {
        self.tell(Detail::Note { name: HostileText::from(name), value: HostileText::from(value) });
    }

    /// Tells each file that was written and not told yet.
    fn tell_written(&mut self) {
        for payload in self.kept.disk.take_untold() {
            self.tell(Detail::Payload(Box::new(payload)));
        }
    }

    /// Where on the drive a path leads from this folder on, by a share of the machine's own too.
    fn path(&self, path: &str) -> String {
        disk::absolute(&self.machine.folder, &self.machine.facts.on_drive(path))
    }

    fn write(&mut self, path: &str, content: &[u8], append: bool) -> bool {
        let path = self.path(path);
        let (folder, _) = disk::split(&path);
        if !self.kept.disk.is_folder(&folder, &self.machine.facts) {
            return false;
        }
        self.kept.disk.write(&path, content, append, self.now.seconds())
    }

    fn line_told(&mut self, text: &str) -> Printed {
        if text.chars().count() > LONGEST {
            self.tell(Detail::Command { line: HostileText::from(text), known: Some(false) });
            return Printed::failed(1, "The command line is too long.\r\n");
        }
        let steps = line::parse(&self.expand(text));
        let known = steps.iter().all(|step| self.knows(step));
        self.tell(Detail::Command { line: HostileText::from(text), known: Some(known) });
        self.steps_of(&steps, "")
    }

    fn knows(&self, step: &Step) -> bool {
        match &step.body {
            Body::Group(steps) => steps.iter().all(|step| self.knows(step)),
            Body::Command(text) => commands::is_known(self, text),
        }
    }

    /// Runs a line that another command gives.
    fn line(&mut self, text: &str, input: &str) -> Printed {
        let expanded = self.expand(text);
        self.steps_of(&line::parse(&expanded), input)
    }

    /// `%NAME%`; a name that is not set stays as it is.
    fn expand(&self, text: &str) -> String {
        let mut parts = text.split('%');
        let mut expanded = parts.next().unwrap_or_default().to_owned();
        let mut rest: Vec<&str> = parts.collect();
        rest.reverse();
        while let Some(name) = rest.pop() {
            match self.variable(name).filter(|_| !rest.is_empty()) {
                Some(value) => {
                    expanded.push_str(&value);
                    expanded.push_str(rest.pop().unwrap_or_default());
                }
                None => {
                    expanded.push('%');
                    expanded.push_str(name);
                }
            }
            if expanded.len() > 2 * LONGEST {
                break;
            }
        }
        expanded
    }

    fn variable(&self, name: &str) -> Option<String> {
        let machine = &self.machine;
        let set = machine.variables.iter().find(|(set, _)| set.eq_ignore_ascii_case(name));
        set.map(|(_, value)| value.clone())
            .or_else(|| machine.facts.variable(name, &machine.account, &machine.folder))
    }

    fn steps_of(&mut self, steps: &[Step], input: &str) -> Printed {
        let mut all = Printed::default();
        if self.depth >= DEPTH {
            return all;
        }
        self.depth += 1;
        let mut carried = input.to_owned();
        for (at, step) in steps.iter().enumerate() {
            let due = match step.joint {
                Joint::Always | Joint::Pipe => true,
                Joint::And => all.status == 0,
                Joint::Or => all.status != 0,
            };
            if !due {
                continue;
            }
            if self.steps == 0 || all.out.len() > PRINTED {
                break;
            }
            self.steps -= 1;
            let given = std::mem::take(&mut carried);
            let mut printed = match &step.body {
                Body::Group(steps) => self.steps_of(steps, &given),
                Body::Command(text) => commands::run(self, text, &given),
            };
            self.redirect(step, &mut printed);
            all.status = printed.status;
            if steps.get(at + 1).is_some_and(|next| next.joint == Joint::Pipe) {
                carried = printed.out;
            } else {
                all.out.push_str(&printed.out);
            }
            all.err.push_str(&printed.err);
        }
        self.depth -= 1;
        all
    }

    fn redirect(&mut self, step: &Step, printed: &mut Printed) {
        let (mut out, mut errors) = (Stream::Output, Stream::Errors);
        for redirect in &step.redirects {
            let to = match &redirect.target {
                Target::File { path, append } => Stream::File(path, *append),
                Target::Other if redirect.errors => out,
                Target::Other => errors,
            };
            if redirect.errors {
                errors = to;
            } else {
                out = to;
            }
        }
        let texts =
            [(out, std::mem::take(&mut printed.out)), (errors, std::mem::take(&mut printed.err))];
        let mut last = "";
        for (stream, text) in texts {
            match stream {
                Stream::Output => printed.out.push_str(&text),
                Stream::Errors => printed.err.push_str(&text),
                Stream::File(path, _) if path.eq_ignore_ascii_case("nul") => {}
                Stream::File(path, append) => {
                    // Errors that go where the output went come after it.
                    if !self.write(path, text.as_bytes(), append || last == path) {
                        printed.err.push_str("The system cannot find the path specified.\r\n");
                        printed.status = 1;
                    }
                    last = path;
                }
            }
        }
    }
}

/// Where what a command prints goes.
#[derive(Clone, Copy)]
enum Stream<'a> {
    Output,
    Errors,
    /// Its path, and whether it is lengthened.
    File(&'a str, bool),
}

/// See [`crate::fuzz::windows_machine`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let identity = Arc::new(Identity::draw([7; 32]));
    let visit = Visit {
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        destination: None,
        port: kizashi_event::Port::tcp(1433),
        encrypted: false,
    };
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut machine = WindowsMachine::new(&identity, visit, "nt authority\\system", "C:\\Windows");
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines().take(16) {
        let said = machine.run(line, now);
        assert!(said.output.len() <= PRINTED && said.details.len() <= DETAILS);
    }
    machine.run_powershell(&text, now);
    remcom::fuzz(bytes, machine, now);
}
