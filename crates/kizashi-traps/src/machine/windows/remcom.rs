//! RemCom, the service that impacket's psexec brings and old worms were built on (github.com/kavika13/RemCom, 1.2): it waits at a pipe for a request of
//! 4,628 bytes that names a program, and gives its input, output and errors three pipes of their own, which the client opens over three further
//! connections. The service is never run: where one that names this pipe was started, the pipes are here, and behind them stands the visitor's
//! copy of the Windows machine.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kizashi_event::{Detail, Timestamp};

use super::{WindowsConsole, WindowsMachine, WindowsSaid};

/// The pipe that requests come to, as Windows compares names.
pub(crate) const PIPE: &str = "remcom_communicaton";
/// Bytes of a request, and of what is said at the end.
const REQUEST: usize = 4_628;
/// Where in a request stand the folder, the priority, the client's number and its name.
const FOLDER: usize = 4_096;
const NUMBER: usize = FOLDER + 260 + 4;
const MACHINE: usize = NUMBER + 4;
const MACHINE_END: usize = MACHINE + 260;
/// Bytes that wait for a reader, of each pipe.
const MOST_WAITING: usize = 48 * 1024;

/// Whether a program names the pipe, as text of one byte a character or two.
pub(crate) fn serves(program: &[u8]) -> bool {
    let narrow = b"RemCom_communicaton";
    let wide = crate::windows::utf16("RemCom_communicaton");
    let holds = |text: &[u8]| program.windows(text.len()).any(|found| found == text);
    holds(narrow) || holds(&wide)
}

/// A request on its way.
#[derive(Debug, Default)]
pub(crate) struct RemoteRequest(Vec<u8>);

impl RemoteRequest {
    /// Takes bytes; whether the request is whole.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let room = REQUEST.saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.0.len() == REQUEST
    }

    fn text(&self, from: usize, to: usize) -> String {
        let field = self.0.get(from..to).unwrap_or_default();
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    }

    /// What the pipes of this request's program end with, in small letters.
    fn ending(&self) -> String {
        let number = self.0.get(NUMBER..MACHINE).and_then(|bytes| bytes.try_into().ok());
        let number = number.map_or(0, u32::from_le_bytes);
        format!("{}{number}", self.text(MACHINE, MACHINE_END)).to_lowercase()
    }

    pub(crate) fn memory(&self) -> usize {
        self.0.len()
    }
}

/// A pipe of the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemoteEnd {
    /// The one that the request came by.
    Control,
    Input,
    Output,
    Errors,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RemoteRead {
    Bytes(Vec<u8>),
    /// There may be more later.
    Waits,
    /// The program has ended.
    Broken,
}

#[derive(Default)]
struct State {
    console: Option<WindowsConsole>,
    output: Vec<u8>,
    errors: Vec<u8>,
    /// What the program returned.
    ended: Option<i32>,
    /// Somebody reads the output and has seen all there was.
    seen: bool,
}

/// A program behind such pipes.
pub(crate) struct RemoteShell {
    ending: String,
    state: Mutex<State>,
}

impl RemoteShell {
    /// Starts what the request names; what it said and did.
    pub(crate) fn start(
        request: &RemoteRequest,
        mut machine: WindowsMachine,
        now: Timestamp,
    ) -> (Self, Vec<Detail>) {
        let mut state = State::default();
        let line = request.text(0, FOLDER);
        let folder = request.text(FOLDER, FOLDER + 260);
        if !folder.is_empty() && folder != "\\" {
            machine.run(&format!("cd /d {folder}"), now);
        }
        let word = line.trim().to_ascii_lowercase();
        let details = if matches!(word.as_str(), "cmd" | "cmd.exe" | "%comspec%") {
            let (console, greeting) = WindowsConsole::open(machine, true);
            state.console = Some(console);
            state.output = greeting.into_bytes();
            Vec::new()
        } else {
            let (said, _) = machine.start(&line, now);
            state.ended = Some(said.status);
            state.print(said)
        };
        (Self { ending: request.ending(), state: Mutex::new(state) }, details)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of this program's pipes has this name, in small letters.
    pub(crate) fn end_named(&self, name: &str) -> Option<RemoteEnd> {
        let rest = name.strip_suffix(self.ending.as_str())?;
        match rest {
            "remcom_stdin" => Some(RemoteEnd::Input),
            "remcom_stdout" => Some(RemoteEnd::Output),
            "remcom_stderr" => Some(RemoteEnd::Errors),
            _ => None,
        }
    }

    /// Bytes are typed; what comes of them.
    pub(crate) fn type_in(&self, bytes: &[u8], now: Timestamp) -> Vec<Detail> {
        let mut state = self.lock();
        let Some(console) = &mut state.console else { return Vec::new() };
        let said = console.type_in(bytes, now);
        let over = console.is_over();
        let status = said.status;
        if over {
            (state.console, state.ended) = (None, Some(status));
        }
        state.print(said)
    }

    /// What a reader of this pipe gets next.
    pub(crate) fn read(&self, end: RemoteEnd, most: usize) -> RemoteRead {
        let mut state = self.lock();
        let ended = state.ended;
        let waiting = match end {
            RemoteEnd::Input => return RemoteRead::Broken,
            RemoteEnd::Control => {
                // The client goes away when it hears this: first it shall have read everything.
                let read = state.output.is_empty() && state.errors.is_empty() && state.seen;
                let Some(status) = ended.filter(|_| read) else { return RemoteRead::Waits };
                return RemoteRead::Bytes([[0; 4], status.to_le_bytes()].concat());
            }
            RemoteEnd::Output => &mut state.output,
            RemoteEnd::Errors => &mut state.errors,
        };
        if waiting.is_empty() {
            state.seen |= end == RemoteEnd::Output;
            return if ended.is_some() { RemoteRead::Broken } else { RemoteRead::Waits };
        }
        let rest = waiting.split_off(waiting.len().min(most));
        RemoteRead::Bytes(std::mem::replace(waiting, rest))
    }

    pub(crate) fn memory(&self) -> usize {
        let state = self.lock();
        let console = state.console.as_ref().map_or(0, WindowsConsole::memory);
        state.output.len() + state.errors.len() + console
    }
}

impl State {
    fn print(&mut self, said: WindowsSaid) -> Vec<Detail> {
        self.seen = false;
        for (waiting, text) in [(&mut self.output, said.output), (&mut self.errors, said.errors)] {
            let room = MOST_WAITING.saturating_sub(waiting.len());
            waiting.extend(text.bytes().take(room));
        }
        said.details
    }
}

impl std::fmt::Debug for RemoteShell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RemoteShell({:?})", self.ending)
    }
}

/// The bytes as a request, and what is typed after it.
pub(super) fn fuzz(bytes: &[u8], machine: WindowsMachine, now: Timestamp) {
    let mut request = RemoteRequest::default();
    request.push(bytes);
    request.push(&[0; REQUEST]);
    let (shell, _) = RemoteShell::start(&request, machine, now);
    shell.type_in(bytes, now);
    for end in [RemoteEnd::Output, RemoteEnd::Errors, RemoteEnd::Control] {
        let _ = shell.read(end, bytes.len().max(1));
    }
    assert!(shell.memory() <= 6 * MOST_WAITING);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Identity, Visit};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

    fn begin(line: &str) -> (RemoteShell, Vec<Detail>) {
        let mut bytes = vec![0; REQUEST];
        bytes[..line.len()].copy_from_slice(line.as_bytes());
        bytes[NUMBER..MACHINE].copy_from_slice(&4_711_u32.to_le_bytes());
        bytes[MACHINE..MACHINE + 4].copy_from_slice(b"AbCd");
        let mut request = RemoteRequest::default();
        assert!(!request.push(&bytes[..100]) && request.push(&bytes[100..]));
        let identity = Arc::new(Identity::draw([7; 32]));
        let source = std::net::Ipv4Addr::LOCALHOST.into();
        let port = kizashi_event::Port::tcp(445);
        let visit = Visit { source, destination: None, port, encrypted: false };
        let machine = WindowsMachine::new(&identity, visit, "nt authority\\system", "C:\\Windows");
        RemoteShell::start(&request, machine, NOW)
    }

    fn read(shell: &RemoteShell, end: RemoteEnd) -> String {
        match shell.read(end, 4_096) {
            RemoteRead::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_shell_is_typed_into_until_it_is_left_and_its_end_is_told_after_all_was_read() {
        let (shell, _) = begin("cmd.exe");
        assert_eq!(shell.end_named("remcom_stdoutabcd4711"), Some(RemoteEnd::Output));
        assert_eq!(shell.end_named("remcom_stdoutabcd4712"), None);
        assert!(read(&shell, RemoteEnd::Output).ends_with("C:\\Windows>"));
        assert_eq!(shell.read(RemoteEnd::Output, 10), RemoteRead::Waits);
        assert!(!shell.type_in(b"whoami\r\n", NOW).is_empty());
        assert!(read(&shell, RemoteEnd::Output).contains("nt authority\\system\r\n"));
        shell.type_in(b"nonsense\r\nexit\r\n", NOW);
        assert!(read(&shell, RemoteEnd::Errors).contains("not recognized"));
        assert_eq!(shell.read(RemoteEnd::Errors, 10), RemoteRead::Broken);
        assert!(read(&shell, RemoteEnd::Output).contains("exit"));
        assert_eq!(shell.read(RemoteEnd::Output, 10), RemoteRead::Broken);
        assert_eq!(shell.read(RemoteEnd::Control, 8), RemoteRead::Bytes(vec![0; 8]));
    }

    #[test]
    fn one_command_ends_at_once_and_waits_for_its_reader() {
        let (shell, _) = begin("hostname");
        assert_eq!(shell.read(RemoteEnd::Control, 8), RemoteRead::Waits);
        assert!(read(&shell, RemoteEnd::Output).starts_with("WIN-"));
        assert_eq!(shell.read(RemoteEnd::Control, 8), RemoteRead::Waits, "he may still read on");
        assert_eq!(shell.read(RemoteEnd::Output, 10), RemoteRead::Broken);
        assert!(matches!(shell.read(RemoteEnd::Control, 8), RemoteRead::Bytes(_)));
    }

    #[test]
    fn a_program_serves_where_it_names_the_pipe() {
        assert!(serves(b"MZ..\\\\.\\pipe\\RemCom_communicaton\0"));
        assert!(serves(&crate::windows::utf16("..RemCom_communicaton")));
        assert!(!serves(b"MZ") && !serves(b""));
    }
}
