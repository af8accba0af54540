//! What a command is given and what it says.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::machine::files::{Fault, Who, absolute, base_name};
use crate::machine::kernel::Kernel;
use crate::machine::shell::descriptors::SharedSource;
use crate::machine::shell::{Kind, Variables};
use crate::machine::terminal::Terminal;
use crate::machine::world::Dialect;

use super::Finish;

/// Bytes of all files that one command reads at once.
const READ: usize = 1024 * 1024;

static NO_VARIABLES: LazyLock<Variables> = LazyLock::new(Variables::default);

/// Where a command's input comes from.
pub(crate) enum Input {
    Bytes(Vec<u8>),
    Source(SharedSource),
    /// Keys that have not been typed yet.
    Console,
}

/// A file's name and its bytes.
pub(crate) type NamedBytes = (Vec<u8>, Vec<u8>);

/// One call of a command.
pub(crate) struct Call<'a> {
    pub(crate) kernel: &'a mut Kernel,
    /// The command's name and its arguments.
    pub(crate) words: &'a [Vec<u8>],
    pub(crate) folder: &'a [u8],
    pub(crate) who: Who,
    pub(crate) umask: u16,
    pub(crate) environment: &'a Variables,
    pub(crate) dialect: Dialect,
    /// Whether output goes to a terminal.
    pub(crate) terminal: bool,
    /// Whether the session has a terminal.
    pub(crate) typed: bool,
    /// The session's terminal; what is changed in it stays.
    pub(crate) tty: Option<Terminal>,
    /// The number of the shell that runs it.
    pub(crate) shell: u32,
    /// The shell that runs it itself, where one does.
    pub(crate) shells_own: Option<Kind>,
    /// How that shell begins its errors.
    pub(crate) complaint: &'a [u8],
    /// Bytes of output at most.
    pub(crate) limit: usize,
    input: Input,
    wants_input: bool,
    /// Whether its input is kept, for it may begin again.
    pub(crate) remembers: bool,
    /// What commands printed that it reads from.
    pub(crate) answers: Answers,
    said: Said,
}

/// What commands printed, and which one is asked for next.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) known: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) wanted: Option<Vec<u8>>,
    /// The input as it was, where the program begins again.
    pub(crate) input: Option<Vec<u8>>,
    /// Writes into files that it did before it began again, which are not done twice.
    pub(crate) writes: u32,
}

/// Commands that one program reads from.
const ANSWERS: usize = 12;

/// What a command said: output and errors in their order.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) bytes: Vec<u8>,
    /// Where pieces end, and whether they are errors.
    pub(crate) marks: Vec<(usize, bool)>,
    /// Steps of the interpreter that it cost beside its call.
    pub(crate) cost: u32,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        kernel: &'a mut Kernel,
        words: &'a [Vec<u8>],
        folder: &'a [u8],
        who: Who,
        input: Input,
    ) -> Self {
        let dialect = kernel.world.system.dialect;
        Self {
            kernel,
            words,
            folder,
            who,
            umask: 0o022,
            environment: &NO_VARIABLES,
            dialect,
            terminal: false,
            typed: false,
            tty: None,
            shell: 0,
            shells_own: None,
            complaint: b"",
            limit: 64 * 1024,
            input,
            wants_input: false,
            remembers: false,
            answers: Answers::default(),
            said: Said::default(),
        }
    }

    /// What was said, and whether the command wants all input first and must be called again.
    pub(crate) fn into_said(mut self) -> (Said, bool, Answers) {
        self.said.cost += u32::try_from(self.said.bytes.len() / 512).unwrap_or(0);
        (self.said, self.wants_input, self.answers)
    }

    pub(crate) fn is_busybox(&self) -> bool {
        self.dialect == Dialect::BusyBox
    }

    /// The name that the command was called by.
    pub(crate) fn name(&self) -> &'a [u8] {
        self.words.first().map_or(b"", Vec::as_slice)
    }

    pub(crate) fn base_name(&self) -> &'a [u8] {
        base_name(self.name())
    }

    pub(crate) fn arguments(&self) -> &'a [Vec<u8>] {
        self.words.get(1..).unwrap_or_default()
    }

    fn add(&mut self, bytes: &[u8], error: bool) {
        let room = self.limit.saturating_sub(self.said.bytes.len());
        self.said.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let end = self.said.bytes.len();
        match self.said.marks.last_mut() {
            Some((last, kind)) if *kind == error => *last = end,
            _ => self.said.marks.push((end, error)),
        }
    }

    pub(crate) fn out(&mut self, bytes: &[u8]) {
        self.add(bytes, false);
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.add(text.as_bytes(), false);
        self.add(b"\n", false);
    }

    pub(crate) fn err(&mut self, bytes: &[u8]) {
        self.add(bytes, true);
    }

    /// Takes back all that was said, to say it later.
    pub(crate) fn unsay(&mut self) -> Vec<u8> {
        self.said.marks.clear();
        std::mem::take(&mut self.said.bytes)
    }

    /// Takes back the last line said, for tools that say something else behind a wrong option.
    pub(crate) fn unsay_last_line(&mut self) {
        let bytes = &self.said.bytes;
        let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let end = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        self.said.bytes.truncate(end);
        self.said.marks.retain(|(mark, _)| *mark <= end);
        if self.said.marks.last().is_none_or(|(mark, _)| *mark < end) && end > 0 {
            self.said.marks.push((end, true));
        }
    }

    /// Whether nothing more will be shown.
    pub(crate) fn is_full(&self) -> bool {
        self.said.bytes.len() >= self.limit
    }

    /// Uses units of the call's meter; whether there are any left.
    pub(crate) fn work(&self, units: usize) -> bool {
        self.kernel.meter.take(units)
    }

    /// Work that took long: so many steps.
    pub(crate) fn cost(&mut self, steps: usize) {
        self.said.cost = self.said.cost.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    /// `name: text`.
    pub(crate) fn complain(&mut self, text: &str) {
        let name = if self.is_busybox() { self.base_name() } else { self.name() };
        self.err(&[self.complaint, name, b": ", text.as_bytes(), b"\n"].concat());
    }

    /// `name: text`, and a status.
    pub(crate) fn fail(&mut self, text: &str, status: u8) -> Finish {
        self.complain(text);
        Finish::Status(status)
    }

    /// `name: path: fault` of GNU, `name: path: fault` of BusyBox with its own beginning.
    pub(crate) fn complain_of(&mut self, path: &[u8], fault: Fault) {
        let path = String::from_utf8_lossy(path).into_owned();
        self.complain(&format!("{path}: {fault}"));
    }

    /// What comes in, whole.
    pub(crate) fn input(&mut self) -> Vec<u8> {
        let bytes = match &mut self.input {
            Input::Bytes(bytes) => std::mem::take(bytes),
            Input::Source(source) => source.rest(),
            Input::Console => {
                self.wants_input = true;
                Vec::new()
            }
        };
        if self.remembers && !bytes.is_empty() {
            self.answers.input = Some(bytes.clone());
        }
        bytes
    }

    /// What a command prints; nothing where it has to be run first, and this call ends.
    pub(crate) fn answer_of(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        if self.answers.known.len() >= ANSWERS {
            return Some(Vec::new());
        }
        let known = self.answers.known.get(command).cloned();
        if known.is_none() {
            self.answers.wanted = Some(command.to_vec());
        }
        known
    }

    /// Whether standard input is the terminal.
    pub(crate) fn reads_terminal(&self) -> bool {
        self.tty.is_some() && self.is_console()
    }

    /// Columns of the screen that output goes to: those of the environment, of the terminal, or the usual ones; nothing where it goes to
    /// no terminal.
    pub(crate) fn screen_columns(&self) -> Option<usize> {
        if !self.terminal {
            return None;
        }
        let named = self.exported(b"COLUMNS").and_then(|text| text.parse().ok());
        let sized = self.tty.map(|tty| usize::from(tty.size.columns));
        Some(named.or(sized).filter(|columns| *columns > 0).unwrap_or(80))
    }

    /// Lines of the screen that output goes to.
    pub(crate) fn screen_rows(&self) -> Option<usize> {
        if !self.terminal {
            return None;
        }
        let named = self.exported(b"LINES").and_then(|text| text.parse().ok());
        let sized = self.tty.map(|tty| usize::from(tty.size.rows));
        Some(named.or(sized).filter(|rows| *rows > 0).unwrap_or(24))
    }

    /// A variable that programs are given.
    pub(crate) fn exported(&self, name: &[u8]) -> Option<String> {
        let found = self.environment.environment().find(|(found, _)| *found == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// Whether input is typed and not here yet.
    pub(crate) fn is_console(&self) -> bool {
        matches!(self.input, Input::Console)
    }

    pub(crate) fn path(&self, path: &[u8]) -> Vec<u8> {
        absolute(self.folder, path)
    }

    /// A file's bytes, or the input for `-`.
    pub(crate) fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, Fault> {
        if path == b"-" || path == b"/dev/stdin" {
            return Ok(self.input());
        }
        let bytes = self.kernel.read_path(self.folder, path, self.who)?;
        self.cost(bytes.len() / 1_024);
        Ok(bytes)
    }

    /// The bytes of each file, or the input where there is none; what cannot be read is told.
    pub(crate) fn read_all(&mut self, paths: &[Vec<u8>]) -> (Vec<NamedBytes>, u8) {
        if paths.is_empty() {
            let bytes = self.input();
            return (vec![(b"-".to_vec(), bytes)], 0);
        }
        let (mut all, mut status, mut left) = (Vec::new(), 0, READ);
        for path in paths.iter().take(1_000) {
            if left == 0 {
                break;
            }
            match self.read(path) {
                Ok(bytes) => {
                    left = left.saturating_sub(bytes.len());
                    all.push((path.clone(), bytes));
                }
                Err(fault) => {
                    self.unreadable(path, fault);
                    status = 1;
                }
            }
        }
        (all, status)
    }

    /// Says that a file cannot be read, as BusyBox's tools and GNU's do.
    pub(crate) fn unreadable(&mut self, path: &[u8], fault: Fault) {
        let shown = String::from_utf8_lossy(path).into_owned();
        let quoting = matches!(self.base_name(), b"head" | b"tail");
        match (self.is_busybox(), fault) {
            (true, Fault::IsAFolder) => self.complain(&format!("read error: {fault}")),
            (true, _)
                if matches!(
                    self.base_name(),
                    b"cat" | b"od" | b"md5sum" | b"sha1sum" | b"sha256sum"
                ) =>
            {
                self.complain(&format!("can't open '{shown}': {fault}"));
            }
            (false, Fault::IsAFolder) if quoting => {
                self.complain(&format!("error reading '{shown}': {fault}"));
            }
            (false, _) if quoting => {
                self.complain(&format!("cannot open '{shown}' for reading: {fault}"));
            }
            (false, _) if self.base_name() == b"sort" => {
                self.complain(&format!("cannot read: {shown}: {fault}"));
            }
            _ => self.complain(&format!("{shown}: {fault}")),
        }
    }

    /// An option that is not there.
    pub(crate) fn invalid_option(&mut self, letter: u8, status: u8) -> Finish {
        let name = String::from_utf8_lossy(self.name()).into_owned();
        self.complain(&format!("invalid option -- '{}'", char::from(letter)));
        if self.is_busybox() {
            return self.usage("");
        }
        self.err(format!("Try '{name} --help' for more information.\n").as_bytes());
        Finish::Status(status)
    }

    /// BusyBox's banner and a usage line; of GNU the line that points to the help.
    pub(crate) fn usage(&mut self, usage: &str) -> Finish {
        if !self.is_busybox() {
            let name = String::from_utf8_lossy(self.name()).into_owned();
            self.err(format!("Try '{name} --help' for more information.\n").as_bytes());
            return Finish::Status(1);
        }
        let name = String::from_utf8_lossy(self.base_name()).into_owned();
        let banner = self.kernel.world.system.busybox;
        self.err(
            format!(
                "{banner}\n\nUsage: {name}{}{usage}\n{}",
                if usage.is_empty() { "" } else { " " },
                // Older BusyBoxes leave a line behind their usage.
                if self.kernel.world.persona.is_device() { "\n" } else { "" }
            )
            .as_bytes(),
        );
        Finish::Status(1)
    }

    /// `missing operand`, as GNU says it; BusyBox shows its usage.
    pub(crate) fn missing_operand(&mut self, usage: &str) -> Finish {
        if self.is_busybox() {
            return self.usage(usage);
        }
        self.complain("missing operand");
        self.usage("")
    }

    pub(crate) fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        self.environment.value(name)
    }
}
