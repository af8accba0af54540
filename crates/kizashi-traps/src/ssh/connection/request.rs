//! What is asked for in a session's channel (RFC 4254, section 6; OpenSSH's `session.c`): a terminal, variables, then one shell, command
//! or subsystem; later window sizes and signals.

use kizashi_event::{Detail, HostileText, Timestamp};

use super::super::program::{Command, Program};
use super::super::transfer;
use super::super::transport::{Failure, Taken, Transport, told};
use super::super::wire::{Reader, message};
use super::Connection;
use super::service::{Running, Screen, Service};
use crate::Output;
use crate::terminal::Size;

/// Variables that are told of one session.
const MOST_VARIABLES: u8 = 32;
/// The mode of a terminal that shows what is typed (RFC 4254, section 8).
const ECHO: u8 = 53;

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
        if request.name == b"signal" && request.rest.ends_with(b"\0\0\0\x03INT") {
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
    ) -> Taken<Option<(Begun, Option<Screen>)>> {
        let channel = self.channels.get(place).and_then(Option::as_ref);
        let Some(Service::Larval { screen, .. }) = channel.map(|channel| &channel.service) else {
            return Ok(None);
        };
        let mut reader = Reader::new(request.rest);
        let screen = *screen;
        let command = |command| -> Box<dyn Program> {
            Box::new(Command::of(&self.machine, command, screen.is_some()))
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
        (b"pty-req", Service::Larval { screen: Some(_), .. }) => {
            told("Protocol error: you already have a pty.")
        }
        (b"pty-req", Service::Larval { screen: screen @ None, .. }) => {
            *screen = Some(terminal_asked(reader, out).ok_or(Failure::Silent)?);
            Ok(true)
        }
        (b"env", Service::Larval { variables, .. }) => {
            let fields = reader.string().and_then(|name| Some((name, reader.string()?)));
            let (name, value) = fields.ok_or(Failure::Silent)?;
            if *variables < MOST_VARIABLES {
                *variables += 1;
                let text = HostileText::from_bytes(&[name, b"=", value].concat());
                out.tell(Detail::Note { name: "environment".into(), value: text });
            }
            // sshd_config of Debian and Ubuntu: AcceptEnv LANG LC_*.
            Ok(name == b"LANG" || name.starts_with(b"LC_"))
        }
        (b"auth-agent-req@openssh.com", Service::Larval { .. }) => Ok(true),
        (b"window-change", service) => {
            let size = size_of(&mut reader).ok_or(Failure::Silent)?;
            service.resize(size, now, out);
            Ok(true)
        }
        (b"signal", service) => {
            let name = reader.string().ok_or(Failure::Silent)?;
            if name == b"INT" {
                service.interrupt();
            }
            let value = HostileText::from_bytes(name);
            out.tell(Detail::Note { name: "ssh signal".into(), value });
            // session.c: root's session has no monitor that could send it.
            Ok(matches!(service, Service::Program(_)) && user != b"root")
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

fn terminal_asked(mut reader: Reader<'_>, out: &mut Output) -> Option<Screen> {
    let kind = reader.string()?;
    let size = size_of(&mut reader)?;
    let modes = reader.string()?;
    out.tell(Detail::Note {
        name: "terminal size".into(),
        value: format!("{}x{}", size.columns, size.rows).into(),
    });
    let value = HostileText::from_bytes(kind);
    out.tell(Detail::Note { name: "terminal type".into(), value });
    let mut modes = Reader::new(modes);
    let mut echoes = true;
    while let (Some(mode @ 1..=159), Some(value)) = (modes.byte(), modes.u32()) {
        if mode == ECHO {
            echoes = value != 0;
        }
    }
    Some(Screen { size, echoes })
}
