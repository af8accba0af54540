//! Shells and what runs in them: cmd.exe's by lines, PowerShell's by pipelines, both on the Windows machine. Each command is run to its end when it is
//! started; what it printed waits until it is asked for. A cmd.exe without a line goes on for as long as input comes.

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::psrp::{self, Fragments, Message as Remoting, Outgoing};
use super::soap::{Fault, Message, Printed};
use crate::capture::Capture;
use crate::http::{base64, decode_base64};
use crate::machine::{WindowsConsole, WindowsMachine};
use crate::{Output, windows::Windows};

/// Shells of one connection (`MaxShellsPerUser`), and commands of one whose output waits.
const MOST_SHELLS: usize = 5;
const MOST_COMMANDS: usize = 4;
/// Bytes that wait in all shells together.
const MOST_WAITING: usize = 128 * 1024;
/// Bytes that one command has waiting; a message of PowerShell's costs more than the line in it.
const LONGEST_OUTPUT: usize = 64 * 1024;

/// What a command is.
enum Running {
    /// Its end is known.
    Over(i32),
    /// A pipeline that has not come whole.
    Begun,
    /// cmd.exe that waits for lines.
    Console(Box<WindowsConsole>),
    /// A pipeline whose script waits for input.
    Pipeline { script: String, numbers: [u8; 32], input: Box<Capture> },
}

struct Command {
    id: String,
    output: Vec<u8>,
    errors: Vec<u8>,
    running: Running,
}

struct Shell {
    id: String,
    /// PowerShell's part; none where it is cmd.exe.
    powershell: Option<PowerShell>,
    commands: Vec<Command>,
}

#[derive(Default)]
struct PowerShell {
    outgoing: Outgoing,
    /// What the runspace itself has to say.
    waiting: Vec<u8>,
}

/// One visitor's shells.
#[derive(Default)]
pub(super) struct Shells {
    shells: Vec<Shell>,
    /// Of a message that is not whole: fragments of several do not mix on one connection.
    fragments: Fragments,
}

/// Where shells stand: the machine, and a new name for what has none.
pub(super) struct Scene<'a> {
    pub(super) machine: &'a mut WindowsMachine,
    pub(super) windows: &'a Windows,
    pub(super) now: Timestamp,
    pub(super) name: String,
}

/// Base64 as it stands in messages.
pub(super) fn encoded(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&base64(bytes)).into_owned()
}

/// Such text with the line's ends that some put in.
fn decoded(text: &str) -> Vec<u8> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    decode_base64(&text).unwrap_or_default()
}

impl Shells {
    /// Opens a shell; its name.
    pub(super) fn create(&mut self, message: &Message, scene: &Scene<'_>) -> Result<String, Fault> {
        if self.shells.len() >= MOST_SHELLS {
            return Err(Fault::TooMany);
        }
        let id = if message.shell.is_empty() { scene.name.clone() } else { message.shell.clone() };
        let mut powershell = message.is_for_powershell().then(PowerShell::default);
        if let Some(powershell) = &mut powershell {
            let messages = self.fragments.push(&decoded(&message.opening));
            powershell.opens(&messages, scene);
        }
        self.shells.retain(|shell| shell.id != id);
        self.shells.push(Shell { id: id.clone(), powershell, commands: Vec::new() });
        Ok(id)
    }

    fn shell(&mut self, message: &Message) -> Result<&mut Shell, Fault> {
        let found = self.shells.iter_mut().find(|shell| shell.id == message.shell);
        found.ok_or(Fault::Selectors)
    }

    /// Starts a command; its name.
    pub(super) fn command(
        &mut self,
        message: &Message,
        scene: &mut Scene<'_>,
        out: &mut Output,
    ) -> Result<String, Fault> {
        let messages = match message.is_for_powershell() {
            true => {
                self.fragments.push(&decoded(message.arguments.first().map_or("", String::as_str)))
            }
            false => Vec::new(),
        };
        let shell = self.shell(message)?;
        let id =
            if message.command.is_empty() { scene.name.clone() } else { message.command.clone() };
        if shell.commands.len() >= MOST_COMMANDS {
            shell.commands.remove(0);
        }
        match &mut shell.powershell {
            None => {
                let command = of_line(&id, &message.whole_line(), scene, out);
                shell.commands.push(command);
            }
            Some(powershell) => {
                shell.commands.push(Command::new(&id, Running::Begun));
                powershell.takes(messages, &mut shell.commands, scene, out);
            }
        }
        self.make_room(&message.shell);
        Ok(id)
    }

    /// What was printed longest ago and not asked for goes, where too much waits.
    fn make_room(&mut self, shell: &str) {
        while self.memory() > MOST_WAITING {
            let mut shells = self.shells.iter_mut();
            // Never the command that was just started.
            let other = shells.find(|found| found.commands.len() > usize::from(found.id == shell));
            let Some(other) = other else { return };
            other.commands.remove(0);
        }
    }

    /// Input for a command, or fragments for a runspace.
    pub(super) fn send(
        &mut self,
        message: &Message,
        scene: &mut Scene<'_>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let bytes: Vec<u8> = message.streams.iter().flat_map(|stream| decoded(stream)).collect();
        let messages = match message.is_for_powershell() {
            true => self.fragments.push(&bytes),
            false => Vec::new(),
        };
        let shell = self.shell(message)?;
        if let Some(powershell) = &mut shell.powershell {
            powershell.takes(messages, &mut shell.commands, scene, out);
            self.make_room(&message.shell);
            return Ok(());
        }
        let command = shell.commands.iter_mut().find(|command| command.id == message.command);
        let command = command.ok_or(Fault::Selectors)?;
        match &mut command.running {
            Running::Console(console) => {
                let said = console.type_in(&bytes, scene.now);
                said.details.into_iter().for_each(|detail| out.tell(detail));
                let over = console.is_over();
                command.print(said.output.as_bytes(), said.errors.as_bytes());
                if over {
                    command.running = Running::Over(said.status);
                }
            }
            _ if !bytes.is_empty() => {
                let payload = Capture::of(&bytes).finish(PayloadOrigin::Upload);
                out.tell(Detail::Payload(Box::new(payload)));
            }
            _ => {}
        }
        Ok(())
    }

    /// What a command or a runspace has printed. Without anything to say it is a fault, in good time.
    pub(super) fn receive(&mut self, message: &Message) -> Result<Printed, Fault> {
        let shell = self.shell(message)?;
        let is_powershell = shell.powershell.is_some();
        if let Some(powershell) = shell.powershell.as_mut().filter(|_| message.command.is_empty()) {
            let waiting = std::mem::take(&mut powershell.waiting);
            if waiting.is_empty() {
                return Err(Fault::TimedOut);
            }
            return Ok(Printed { streams: vec![("stdout", encoded(&waiting))], status: None });
        }
        let place = shell.commands.iter().position(|command| command.id == message.command);
        let command = place.and_then(|place| shell.commands.get_mut(place));
        let command = command.ok_or(Fault::Selectors)?;
        let (output, errors) =
            (std::mem::take(&mut command.output), std::mem::take(&mut command.errors));
        let status = match command.running {
            Running::Over(status) => Some(status),
            _ if output.is_empty() && errors.is_empty() => return Err(Fault::TimedOut),
            _ => None,
        };
        let mut streams = vec![("stdout", encoded(&output))];
        if !is_powershell {
            streams.push(("stderr", encoded(&errors)));
        }
        Ok(Printed { streams, status })
    }

    /// A command is given up, or what it printed is no longer wanted.
    pub(super) fn signal(&mut self, message: &Message) -> Result<(), Fault> {
        let shell = self.shell(message)?;
        shell.commands.retain(|command| command.id != message.command);
        Ok(())
    }

    pub(super) fn delete(&mut self, message: &Message) -> Result<(), Fault> {
        self.shell(message)?;
        self.shells.retain(|shell| shell.id != message.shell);
        Ok(())
    }

    pub(super) fn memory(&self) -> usize {
        self.fragments.memory() + self.shells.iter().map(Shell::memory).sum::<usize>()
    }
}

/// A line of cmd.exe's.
fn of_line(id: &str, line: &str, scene: &mut Scene<'_>, out: &mut Output) -> Command {
    let bare = line.trim_matches('"').to_ascii_lowercase();
    if matches!(bare.as_str(), "cmd" | "cmd.exe") {
        out.tell(Detail::Command { line: HostileText::from(line), known: Some(true) });
        let (console, greeting) = WindowsConsole::open(scene.machine.another(), false);
        let mut command = Command::new(id, Running::Console(Box::new(console)));
        command.print(greeting.as_bytes(), b"");
        return command;
    }
    let said = scene.machine.run(line, scene.now);
    said.details.into_iter().for_each(|detail| out.tell(detail));
    let mut command = Command::new(id, Running::Over(said.status));
    command.print(said.output.as_bytes(), said.errors.as_bytes());
    command
}

impl Command {
    fn new(id: &str, running: Running) -> Self {
        Self { id: id.to_owned(), output: Vec::new(), errors: Vec::new(), running }
    }

    fn print(&mut self, output: &[u8], errors: &[u8]) {
        let add = |to: &mut Vec<u8>, more: &[u8]| {
            let room = LONGEST_OUTPUT.saturating_sub(to.len());
            to.extend_from_slice(&more[..more.len().min(room)]);
        };
        add(&mut self.output, output);
        add(&mut self.errors, errors);
    }

    fn memory(&self) -> usize {
        let held = match &self.running {
            Running::Over(_) | Running::Begun => 0,
            Running::Console(console) => console.memory(),
            Running::Pipeline { script, input, .. } => script.len() + input.content().len(),
        };
        self.output.len() + self.errors.len() + held
    }
}

impl Shell {
    fn memory(&self) -> usize {
        let powershell = self.powershell.as_ref();
        let waiting = powershell.map_or(0, |own| own.waiting.len());
        waiting + self.commands.iter().map(Command::memory).sum::<usize>()
    }
}

impl PowerShell {
    fn opens(&mut self, messages: &[Remoting], scene: &Scene<'_>) {
        let Some(first) = messages.first() else { return };
        let release = scene.machine.facts().powershell();
        let build = scene.windows.release.version().2;
        self.waiting = self.outgoing.opened(&first.numbers, (release, build));
    }

    /// Takes fragments: a pipeline that begins belongs to the newest command.
    fn takes(
        &mut self,
        messages: Vec<Remoting>,
        commands: &mut [Command],
        scene: &mut Scene<'_>,
        out: &mut Output,
    ) {
        for message in messages {
            match message.kind {
                psrp::CREATE_PIPELINE => {
                    let Some(command) = commands.last_mut() else { return };
                    let (script, numbers) = (message.script(), message.numbers);
                    if message.waits_for_input() {
                        let input = Box::<Capture>::default();
                        command.running = Running::Pipeline { script, numbers, input };
                    } else {
                        self.runs(command, &script, &numbers, scene, out);
                    }
                }
                psrp::PIPELINE_INPUT => {
                    for command in commands.iter_mut() {
                        if let Running::Pipeline { input, .. } = &mut command.running {
                            input.feed(&message.input());
                        }
                    }
                }
                psrp::END_OF_INPUT => {
                    for command in commands.iter_mut() {
                        let running = std::mem::replace(&mut command.running, Running::Over(0));
                        let Running::Pipeline { script, numbers, input } = running else {
                            command.running = running;
                            continue;
                        };
                        if input.size() > 0 {
                            let payload = input.finish(PayloadOrigin::Upload);
                            out.tell(Detail::Payload(Box::new(payload)));
                        }
                        self.runs(command, &script, &numbers, scene, out);
                    }
                }
                _ => {}
            }
        }
    }

    fn runs(
        &mut self,
        command: &mut Command,
        script: &str,
        numbers: &[u8; 32],
        scene: &mut Scene<'_>,
        out: &mut Output,
    ) {
        out.tell(Detail::Command { line: HostileText::from(script), known: None });
        let said = scene.machine.run_powershell(script, scene.now);
        said.details.into_iter().for_each(|detail| out.tell(detail));
        let bytes = self.outgoing.ran(numbers, &said.output, &said.errors);
        command.output = bytes;
        command.running = Running::Over(0);
    }
}
