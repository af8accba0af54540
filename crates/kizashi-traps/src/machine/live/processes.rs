//! Processes: those that always run, and those of the visitor's session, as `ps`, `top` and `/proc` show them.

use super::super::files::{Fault, ProcessFile};
use super::super::kernel::Kernel;

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) number: u32,
    pub(crate) parent: u32,
    pub(crate) user: String,
    pub(crate) name: String,
    /// Empty for a thread of the kernel's.
    pub(crate) command: String,
    /// Seconds since the epoch.
    pub(crate) start: i64,
    pub(crate) virtual_kb: u32,
    pub(crate) resident_kb: u32,
    pub(crate) state: String,
    pub(crate) terminal: String,
    /// Seconds computed.
    pub(crate) computed: i64,
}

impl Kernel {
    /// All processes, by number.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let boot = self.world.boot(self.now());
        let (uptime, _) = self.world.uptime(self.now());
        let mut all: Vec<Process> = self
            .world
            .daemons
            .iter()
            .map(|daemon| Process {
                number: daemon.number,
                parent: daemon.parent,
                user: daemon.user.to_owned(),
                name: daemon.name.to_owned(),
                command: daemon.command.to_owned(),
                start: boot + i64::from(daemon.after),
                virtual_kb: daemon.virtual_kb,
                resident_kb: daemon.resident_kb,
                state: daemon.state.to_owned(),
                terminal: daemon.terminal.to_owned(),
                computed: uptime * i64::from(daemon.busy) / 1_000
                    + if daemon.number == 1 { 4 } else { 0 },
            })
            .collect();
        all.extend(self.session_processes());
        all.sort_by_key(|process| process.number);
        all
    }

    /// The service's child, the login shell, and what runs now.
    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    fn session_processes(&self) -> Vec<Process> {
        let user = String::from_utf8_lossy(&self.visitor.user).into_owned();
        let device = self.world.persona.is_device();
        let number_of = |place: usize| self.files.processes.get(place).copied();
        let service = self
            .world
            .daemons
            .iter()
            .find(|daemon| daemon.name == self.visitor.service)
            .map_or(1, |daemon| daemon.number);
        let shell = number_of(1).unwrap_or(700);
        let terminal = &self.own_terminal();
        let terminal = terminal.as_str();
        let make = |number,
                    parent,
                    name: &str,
                    command: String,
                    state: &str,
                    terminal: &str,
                    resident_kb| Process {
            number,
            parent,
            user: user.clone(),
            name: name.to_owned(),
            command,
            start: self.login.seconds(),
            virtual_kb: resident_kb * 2 + 600,
            resident_kb,
            state: state.to_owned(),
            terminal: terminal.to_owned(),
            computed: 0,
        };
        let mut all = Vec::new();
        if device {
            all.push(make(shell, service, "sh", "-sh".to_owned(), "S", terminal, 620));
        } else {
            let (name, command) = if self.visitor.service == "sshd" {
                (
                    "sshd",
                    format!(
                        "sshd: {user}@{}",
                        if self.place.terminal.is_some() { terminal } else { "notty" }
                    ),
                )
            } else {
                ("login", format!("login -h {} -p", self.visitor.source))
            };
            let parent = number_of(0).unwrap_or(699);
            all.push(make(parent, service, name, command, "Ss", "?", 8_204));
            let command = self.place.given.as_ref().map_or_else(
                || "-bash".to_owned(),
                |given| format!("bash -c {}", String::from_utf8_lossy(given)),
            );
            all.push(make(shell, parent, "bash", command, "Ss", terminal, 5_012));
        }
        let line = self.current_line.join(&b' ');
        if let Some(given) = &self.place.given
            && given.trim_ascii() == line
            && let Some(own) = all.last_mut()
        {
            // The shell became the program that it was given.
            own.name = String::from_utf8_lossy(&self.current_name).into_owned();
            own.command = String::from_utf8_lossy(&line).into_owned();
            own.state = if self.place.terminal.is_some() { "Rs+" } else { "Rs" }.to_owned();
            return all;
        }
        if let Some(number) = number_of(2) {
            let name = String::from_utf8_lossy(&self.current_name).into_owned();
            let line: Vec<String> = self
                .current_line
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
            let mut running = make(
                number,
                shell,
                &name,
                line.join(" "),
                if device || self.place.terminal.is_none() { "R" } else { "R+" },
                terminal,
                if device { 588 } else { 4_100 },
            );
            running.start = self.seconds();
            all.push(running);
        }
        all
    }

    pub(super) fn daemon_file(&mut self, number: u32, file: ProcessFile) -> Result<Vec<u8>, Fault> {
        let process = self
            .processes()
            .into_iter()
            .find(|process| process.number == number)
            .ok_or(Fault::NotFound)?;
        self.process_file(&process, file)
    }

    /// A file of the process that asks.
    pub(super) fn own_file(&mut self, file: ProcessFile) -> Result<Vec<u8>, Fault> {
        let processes = self.session_processes();
        let process = processes.last().cloned().ok_or(Fault::NotFound)?;
        if file == ProcessFile::CommandLine && !self.current_line.is_empty() {
            let mut bytes = self.current_line.join(&0);
            bytes.push(0);
            return Ok(bytes);
        }
        self.process_file(&process, file)
    }

    fn process_file(&mut self, process: &Process, file: ProcessFile) -> Result<Vec<u8>, Fault> {
        let text = match file {
            ProcessFile::CommandLine if process.command.is_empty() => String::new(),
            ProcessFile::CommandLine => format!("{}\0", process.command.replace(' ', "\0")),
            ProcessFile::Name => format!("{}\n", process.name),
            ProcessFile::Status => self.status_text(process),
            ProcessFile::Stat => self.stat_text(process),
            ProcessFile::Environment => "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0".to_owned(),
            ProcessFile::Program => {
                let path = self.program_of(&process.name);
                let id = self.files.find(path.as_bytes(), true, super::super::files::Who::ROOT)?;
                return self.read(id);
            }
            ProcessFile::Folder => return Err(Fault::IsAFolder),
            ProcessFile::Descriptor(_) => String::new(),
            ProcessFile::Maps => String::new(),
            ProcessFile::Limits => "Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax open files            1024                 1048576              files     \n".to_owned(),
            ProcessFile::Groups => "0::/user.slice/user-0.slice/session-1.scope\n".to_owned(),
        };
        Ok(text.into_bytes())
    }

    /// The path of a process's program.
    pub(crate) fn program_of(&self, name: &str) -> String {
        if self.world.persona.is_device() {
            return "/bin/busybox".to_owned();
        }
        match name {
            "systemd" => "/usr/bin/systemctl".to_owned(),
            _ => format!("/usr/bin/{name}"),
        }
    }

    fn status_text(&self, process: &Process) -> String {
        let state = match process.state.as_bytes().first() {
            Some(b'R') => "R (running)",
            Some(b'I') => "I (idle)",
            _ => "S (sleeping)",
        };
        format!(
            "Name:\t{}\nUmask:\t0022\nState:\t{state}\nTgid:\t{1}\nNgid:\t0\nPid:\t{1}\nPPid:\t{2}\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0 \nVmPeak:\t{3:>8} kB\nVmSize:\t{3:>8} kB\nVmRSS:\t{4:>8} kB\nThreads:\t1\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0\n",
            process.name, process.number, process.parent, process.virtual_kb, process.resident_kb
        )
    }

    fn stat_text(&self, process: &Process) -> String {
        let state = process.state.chars().next().unwrap_or('S');
        let start = (process.start - self.world.boot(self.now())) * 100;
        format!(
            "{0} ({1}) {state} {2} {0} {0} 0 -1 4194560 1200 0 12 0 {3} {3} 0 0 20 0 1 0 {start} {4} {5} 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
            process.number,
            process.name,
            process.parent,
            process.computed * 50,
            u64::from(process.virtual_kb) * 1024,
            process.resident_kb / 4
        )
    }
}
