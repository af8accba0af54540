//! What is asked for in a session's channel (RFC 4254, section 6; OpenSSH's `session.c`): a terminal, variables, then one shell, command
//! or subsystem; later window sizes and signals.

use kizashi_event::{Detail, HostileText, Timestamp};

use super::super::program::{Command, Program};
use super::super::transfer;
use super::super::transport::{Failure, Taken, Transport, told};
use super::super::wire::{Reader, message};
use super::Connection;
use super::service::{Running, Service};
use crate::Output;
use crate::machine::{Opening, TerminalRequest, signal};
use crate::terminal::Size;

/// Variables that are told of one session.
const MOST_VARIABLES: u8 = 32;
/// Bytes of one that is kept, and of a terminal's name.
const LONGEST_VARIABLE: usize = 1_024;
const LONGEST_KIND: usize = 64;
/// Modes of a terminal that are kept; there are 56 of them (RFC 4254, section 8; RFC 8160).
const MOST_MODES: usize = 64;
/// The signals that `session.c` sends (`name2sig`).
const SIGNALS: [&[u8]; 7] = [b"HUP", b"INT", b"KILL", b"QUIT", b"TERM", b"USR1", b"USR2"];

/// A request.
pub(super) struct Request<'a> {
    pub(super) name: &'a [u8],
    pub(super) rest: &'a [u8],
    pub(super) wants_reply: bool,
}

impl Connection {
    pub(super) fn requested(
        &mut self,
        place: usize,
        request: &Request<'_>,
        now: Timestamp,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<()> {
        let begins = self.begins(place, request, out)?;
        let Some(channel) = self.channels.get_mut(place).and_then(Option::as_mut) else {
            return Ok(());
        };
        let is_larval = matches!(channel.service, Service::Larval(_));
        let done = match begins {
            Some((service, screen)) => {
                channel.service = match service {
                    Begun::Program(program) => {
                        Service::Program(Box::new(Running::new(program, screen, now, out)))
                    }
                    Begun::Transfer(program) => Service::Transfer(program),
                };
                channel.open_window(transport, out);
                true
            }
            None => set(&mut channel.service, request, &self.user, now, out)?,
        };
        if request.name == b"x11-req" && is_larval {
            // session.c: the server has no xauth, and says so.
            Connection::debug("No xauth program; cannot forward X11.", transport, out);
        }
        if request.name == b"signal" && done {
            channel.again = None;
        }
        if request.wants_reply {
            let number = if done { message::CHANNEL_SUCCESS } else { message::CHANNEL_FAILURE };
            transport.send(channel.message(number), out);
        }
        Ok(())
    }

    /// What a larva becomes, where the request says so.
    fn begins(
        &self,
        place: usize,
        request: &Request<'_>,
        out: &mut Output,
    ) -> Taken<Option<(Begun, Option<Size>)>> {
        let channel = self.channels.get(place).and_then(Option::as_ref);
        let Some(Service::Larval(larva)) = channel.map(|channel| &channel.service) else {
            return Ok(None);
        };
        let mut reader = Reader::new(request.rest);
        let screen = larva
            .terminal
            .as_ref()
            .map(|terminal| Size { columns: terminal.columns, rows: terminal.rows });
        let command = |command: Option<&[u8]>| -> Box<dyn Program> {
            let mut environment = larva.environment.clone();
            if larva.agent {
                environment.push((b"SSH_AUTH_SOCK".to_vec(), self.agent_socket()));
            }
            let command = command.map(<[u8]>::to_vec);
            let terminal = larva.terminal.clone();
            Box::new(Command::of(&self.machine, &Opening { command, terminal, environment }))
        };
        Ok(match request.name {
            b"shell" => Some((Begun::Program(command(None)), screen)),
            b"exec" => {
                let line = reader.string().ok_or(Failure::Silent)?;
                if let Some(copy) = transfer::scp(line, self.machine.files()) {
                    let line = HostileText::from_bytes(line);
                    out.tell(Detail::Command { line, known: Some(true) });
                    return Ok(Some((Begun::Transfer(copy), screen)));
                }
                Some((Begun::Program(command(Some(line))), screen))
            }
            b"subsystem" => {
                let name = reader.string().ok_or(Failure::Silent)?;
                let value = HostileText::from_bytes(name);
                out.tell(Detail::Note { name: "ssh subsystem".into(), value });
                (name == b"sftp")
                    .then(|| (Begun::Transfer(transfer::sftp(self.machine.files())), screen))
            }
            _ => None,
        })
    }
}

impl Connection {
    /// Where `sshd` would listen for what wants the client's agent.
    fn agent_socket(&self) -> Vec<u8> {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
        let letter =
            |place: u32| LETTERS[usize::try_from(self.chance >> (place * 6) & 63).unwrap_or(0)];
        let name: Vec<u8> = (0..10).map(letter).collect();
        [b"/tmp/ssh-", &name[..], b"/agent.", self.machine.service_number().to_string().as_bytes()]
            .concat()
    }
}

/// What begins in a channel.
enum Begun {
    Program(Box<dyn Program>),
    Transfer(Box<dyn Program>),
}

/// Whether what is asked for beside it is done.
fn set(
    service: &mut Service,
    request: &Request<'_>,
    user: &[u8],
    now: Timestamp,
    out: &mut Output,
) -> Taken<bool> {
    let mut reader = Reader::new(request.rest);
    match (request.name, service) {
        (b"pty-req", Service::Larval(larva)) if larva.terminal.is_some() => {
            told("Protocol error: you already have a pty.")
        }
        (b"pty-req", Service::Larval(larva)) => {
            larva.terminal = Some(terminal_asked(reader, out).ok_or(Failure::Silent)?);
            Ok(true)
        }
        (b"env", Service::Larval(larva)) => {
            let fields = reader.string().and_then(|name| Some((name, reader.string()?)));
            let (name, value) = fields.ok_or(Failure::Silent)?;
            if larva.told < MOST_VARIABLES {
                larva.told += 1;
                let text = HostileText::from_bytes(&[name, b"=", value].concat());
                out.tell(Detail::Note { name: "environment".into(), value: text });
            }
            // sshd_config of Debian and Ubuntu: AcceptEnv LANG LC_*.
            let accepted = name == b"LANG" || name.starts_with(b"LC_");
            if accepted
                && larva.environment.len() < usize::from(MOST_VARIABLES)
                && name.len() + value.len() <= LONGEST_VARIABLE
            {
                larva.environment.push((name.to_vec(), value.to_vec()));
            }
            Ok(accepted)
        }
        (b"auth-agent-req@openssh.com", Service::Larval(larva)) => {
            Ok(!std::mem::replace(&mut larva.agent, true))
        }
        (b"window-change", service) => {
            let size = size_of(&mut reader).ok_or(Failure::Silent)?;
            service.resize(size, now, out);
            Ok(true)
        }
        (b"break", service) => {
            reader.u32().ok_or(Failure::Silent)?;
            Ok(service.is_on_terminal())
        }
        (b"signal", service) => {
            let name = reader.string().ok_or(Failure::Silent)?;
            let value = HostileText::from_bytes(name);
            out.tell(Detail::Note { name: "ssh signal".into(), value });
            // session.c: root's session has no monitor that could send it.
            let known = SIGNALS.contains(&name) && user != b"root";
            Ok(signal::named(name).is_some_and(|sent| known && service.signal(sent)))
        }
        _ => Ok(false),
    }
}

fn size_of(reader: &mut Reader<'_>) -> Option<Size> {
    let columns = u16::try_from(reader.u32()?).unwrap_or(u16::MAX);
    let rows = u16::try_from(reader.u32()?).unwrap_or(u16::MAX);
    reader.u64()?;
    Some(Size { columns, rows })
}

fn terminal_asked(mut reader: Reader<'_>, out: &mut Output) -> Option<TerminalRequest> {
    let kind = reader.string()?;
    let size = size_of(&mut reader)?;
    let modes = reader.string()?;
    out.tell(Detail::Note {
        name: "terminal size".into(),
        value: format!("{}x{}", size.columns, size.rows).into(),
    });
    let value = HostileText::from_bytes(kind);
    out.tell(Detail::Note { name: "terminal type".into(), value });
    let mut reader = Reader::new(modes);
    let mut modes = Vec::new();
    while let (Some(mode @ 1..=159), Some(value)) = (reader.byte(), reader.u32()) {
        if modes.len() < MOST_MODES {
            modes.push((mode, value));
        }
    }
    let kind = kind[..kind.len().min(LONGEST_KIND)].to_vec();
    Some(TerminalRequest { kind, columns: size.columns, rows: size.rows, modes })
}
