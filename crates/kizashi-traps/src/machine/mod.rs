//! The machine behind a login: a shell, files and commands for every service that lets a visitor in (Telnet, SSH, ADB, a web shell). It
//! imitates a Debian or Ubuntu server, a BusyBox router or a camera; nothing a visitor sends is ever run, fetched or sent on.
//!
//! How a trap uses it, without a socket, a clock or a file:
//!
//! 1. [`Machine::new`] once a connection: the visitor's own view of the files, which all processes of that connection share.
//! 2. [`Machine::open`] for a login shell or one command, with or without a terminal; [`Machine::log_in`] and [`Machine::run`] for the
//!    usual ones. Each gives a [`Process`].
//! 3. [`Process::start`], then [`Process::line`] or [`Process::input`] as bytes come, [`Process::interrupt`] for Control-C,
//!    [`Process::end_input`] for an end of file. Each gives bytes and details in [`Said`], and a [`Progress`]: waiting for input, wants
//!    [`Process::resume`] after a pause, or ended with a status. No call takes longer than some milliseconds.
//! 4. [`Machine::files`] for SFTP and SCP.
//! 5. [`Machine::finish`] at the end tells every file that was written, by its hash.
//!
//! Output is a program's: newlines are bare. A terminal's CR LF, its echo and line editing are the trap's (see `telnet/keyboard.rs`).

mod commands;
mod completion;
mod console;
mod earlier;
mod errand;
mod facts;
mod files;
mod keeping;
mod kernel;
mod live;
mod process;
mod program;
mod shell;
pub(crate) mod signal;
mod terminal;
mod transfer;
mod windows;
mod world;

use std::sync::Arc;

use kizashi_event::{Detail, Timestamp};

pub(crate) use errand::{Errand, Ran};
pub(crate) use keeping::KeptFile;
pub use kernel::Visitor;
pub use process::{Opening, Process, Progress, Said};
pub(crate) use signal::Signal;
pub use terminal::TerminalRequest;
pub use transfer::{FileFault, FileStat, Transfer};
pub use world::{Downloads, Persona};

use crate::Identity;
pub(crate) use commands::regex::Regex;
pub(crate) use files::{mode_letters, normal};
use kernel::{Kernel, SharedKernel};
pub(crate) use windows::{
    Change, Facts as WindowsFacts, Kept as WindowsKept, REMCOM_PIPE, RemoteEnd, RemoteRead,
    RemoteRequest, RemoteShell, Started, WindowsConsole, WindowsMachine, WindowsMachines,
    WindowsSaid, remcom_serves,
};
pub(crate) use world::{AndroidModel, World, calendar};

/// See [`crate::fuzz::windows_machine`].
pub(crate) fn fuzz_windows(bytes: &[u8]) {
    windows::fuzz(bytes);
}

/// One visitor's machine.
#[derive(Clone, Debug)]
pub struct Machine {
    kernel: SharedKernel,
    persona: Persona,
    user: Vec<u8>,
}

/// What one line gave, for comparing with a real machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
    /// The exit status.
    pub status: u8,
}

impl Machine {
    /// The machine of this persona, as a visitor finds it after logging in now.
    #[must_use]
    pub fn new(
        identity: &Arc<Identity>,
        persona: Persona,
        visitor: Visitor,
        now: Timestamp,
    ) -> Self {
        let user = visitor.user.clone();
        let mut kernel = Kernel::new(identity.world(persona), visitor, now);
        kernel.admit();
        // The service's child and the login shell.
        let processes = [kernel.new_process(), kernel.new_process()];
        kernel.files.processes.extend(processes);
        Self { kernel: SharedKernel::new(kernel), persona, user }
    }

    /// What a visitor asks for, as he asks for it.
    #[must_use]
    pub fn open(&self, opening: &Opening) -> Process {
        Process::open(self, opening)
    }

    /// A login shell on a usual terminal.
    #[must_use]
    pub fn log_in(&self) -> Process {
        let terminal = Some(TerminalRequest::default());
        self.open(&Opening { terminal, ..Opening::default() })
    }

    /// One command, as `ssh host command` runs it; `terminal` where the visitor asked for one.
    #[must_use]
    pub fn run(&self, command: &[u8], terminal: bool) -> Process {
        let terminal = terminal.then(TerminalRequest::default);
        self.open(&Opening { command: Some(command.to_vec()), terminal, ..Opening::default() })
    }

    /// The number of the service's process that serves the visitor.
    #[must_use]
    pub fn service_number(&self) -> u32 {
        self.kernel.lock().files.processes.first().copied().unwrap_or(0)
    }

    /// What a server shows between login and prompt; nothing on a device.
    #[must_use]
    pub fn message_of_the_day(&self) -> String {
        let mut kernel = self.kernel.lock();
        let world = Arc::clone(&kernel.world);
        let system = world.system;
        if self.persona.is_device() {
            return String::new();
        }
        let motd = kernel.read_path(b"/", b"/etc/motd", files::Who::ROOT).unwrap_or_default();
        let motd = String::from_utf8_lossy(&motd).into_owned();
        if system.is_debian() {
            return format!(
                "Linux {} {} {} x86_64\n{motd}",
                world.host, system.kernel, system.build
            );
        }
        format!(
            "Welcome to {} (GNU/Linux {} x86_64)\n\n * Documentation:  https://help.ubuntu.com\n * Management:     \
             https://landscape.canonical.com\n * Support:        https://ubuntu.com/pro\n\n{motd}",
            system.pretty, system.kernel
        )
    }

    /// The files, as a file transfer sees them.
    #[must_use]
    pub fn files(&self) -> Transfer {
        Transfer::new(self.kernel.clone(), &self.user)
    }

    /// The connection is over: tells what was written and not told yet.
    #[must_use]
    pub fn finish(&self) -> Vec<Detail> {
        let mut kernel = self.kernel.lock();
        kernel.finish();
        kernel.take_details()
    }

    /// Bytes of the visitor's that are held, beside those of running processes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.kernel.lock().held()
    }

    /// Runs one line to its end, as `bash -c line` would on the machine, sleeping in no time: for comparing with a real machine.
    #[must_use]
    pub fn run_for_comparison(
        identity: &Arc<Identity>,
        persona: Persona,
        line: &[u8],
        input: &[u8],
    ) -> Comparison {
        let mut now = Timestamp::from_seconds(1_795_582_440);
        let visitor = Visitor {
            user: b"root".to_vec(),
            source: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
            destination: None,
            service: "sshd",
        };
        let machine = Self::new(identity, persona, visitor, now);
        let mut process = machine.run(line, false);
        let mut said = Said::default();
        process.give_all(input);
        let mut progress = process.start(now, &mut said);
        for _ in 0..100_000 {
            progress = match progress {
                Progress::Ended(status) => {
                    return Comparison { output: said.output, errors: said.errors, status };
                }
                Progress::Waiting => process.end_input(now, &mut said),
                Progress::Again(pause) => {
                    now = now.plus(i64::try_from(pause.as_micros()).unwrap_or(0));
                    process.resume(now, &mut said)
                }
            };
        }
        Comparison { output: said.output, errors: said.errors, status: 255 }
    }
}

/// See [`crate::fuzz::machine`].
pub(crate) fn fuzz(bytes: &[u8]) {
    /// Turns that one line is given here: its own bound is far higher, and has tests of its own.
    const TURNS: u32 = 40;
    let persona =
        Persona::ALL[usize::from(bytes.first().copied().unwrap_or(0)) % Persona::ALL.len()];
    let identity = Arc::new(Identity::draw([7; 32]));
    let now = Timestamp::from_seconds(1_795_582_440);
    let visitor = Visitor {
        user: b"root".to_vec(),
        source: std::net::Ipv4Addr::new(192, 0, 2, 7).into(),
        destination: None,
        service: "telnetd",
    };
    let machine = Machine::new(&identity, persona, visitor, now);
    let mut said = Said::default();
    let turns = |process: &mut Process, first: Progress, said: &mut Said| {
        let mut progress = first;
        for _ in 0..TURNS {
            match progress {
                Progress::Again(_) => progress = process.resume(now, said),
                _ => return progress,
            }
            *said = Said::default();
        }
        progress
    };
    let mut shell = machine.log_in();
    let first = shell.start(now, &mut said);
    turns(&mut shell, first, &mut said);
    for line in bytes.split(|byte| *byte == b'\n').take(12) {
        let progress = shell.line(line, now, &mut said);
        if let Progress::Again(_) = turns(&mut shell, progress, &mut said) {
            let progress = shell.interrupt(now, &mut said);
            turns(&mut shell, progress, &mut said);
        }
    }
    // The same bytes as an archive that he brought.
    let files = machine.files();
    if files.create(b"/tmp/a", true, 0o644).is_ok() {
        let _ = files.write(b"/tmp/a", 0, bytes);
        let line =
            b"cd /tmp; tar xf a; tar tvf a; tar xzf a; gzip -dc a; xz -dc a; unzip a; file a";
        let mut archive = machine.run(line, false);
        let first = archive.start(now, &mut said);
        turns(&mut archive, first, &mut said);
    }
    let mut script = machine.run(bytes, false);
    let first = script.start(now, &mut said);
    turns(&mut script, first, &mut said);
    assert!(machine.memory() < 320 * 1024, "{}", machine.memory());
    let _ = machine.finish();
}

/// See [`crate::fuzz::file_facts`].
pub(crate) fn fuzz_facts(bytes: &[u8]) {
    let _ = facts::is_program(&facts::describe(bytes));
}

#[cfg(test)]
mod tests;
