//! One channel (RFC 4254, section 5): its windows, what waits to be sent in it, and its end.

use std::time::Duration;

use kizashi_event::Timestamp;

use super::super::transport::Transport;
use super::super::wire::{Write as _, message};
use super::service::Service;
use crate::Output;
use crate::machine::{Progress, Said, Signal, signal};

/// Bytes that a visitor may send before he is given more (channels.h: 64 packets of 32 KiB).
pub(super) const WINDOW: u32 = 64 * PACKET;
/// Bytes of data in one packet.
pub(super) const PACKET: u32 = 32 * 1024;
/// Bytes waiting to be sent from which on a program is not run further.
const FULL: usize = 16 * 1024;
/// Bytes waiting to be sent at most; a visitor who takes no more loses what is past it.
const MOST_WAITING: usize = 96 * 1024;

/// How a program ended (RFC 4254, section 6.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Status(u8),
    Signal(Signal),
}

pub(super) struct Channel {
    /// The number that the visitor knows it by.
    pub(super) theirs: u32,
    /// Bytes that may be sent.
    room: u32,
    /// Bytes that one packet may hold.
    most: u32,
    /// Bytes that the visitor may send.
    window: u32,
    pub(super) service: Service,
    out: Vec<u8>,
    err: Vec<u8>,
    /// The program goes on after this pause.
    pub(super) again: Option<Duration>,
    /// How the service ended; `None` in it where it has nothing to tell.
    ended: Option<Option<Exit>>,
    pub(super) got_eof: bool,
    sent_close: bool,
    got_close: bool,
}

impl Channel {
    pub(super) const fn new(
        theirs: u32,
        room: u32,
        most: u32,
        window: u32,
        service: Service,
    ) -> Self {
        Self {
            theirs,
            room,
            most,
            window,
            service,
            out: Vec::new(),
            err: Vec::new(),
            again: None,
            ended: None,
            got_eof: false,
            sent_close: false,
            got_close: false,
        }
    }

    /// A message about this channel.
    pub(super) fn message(&self, number: u8) -> Vec<u8> {
        let mut payload = vec![number];
        payload.put_u32(self.theirs);
        payload
    }

    /// The visitor sent so many bytes; whether he might.
    pub(super) const fn took(&mut self, count: u32) -> bool {
        match self.window.checked_sub(count) {
            Some(left) => {
                self.window = left;
                true
            }
            None => false,
        }
    }

    /// Gives the visitor his window back once a good part of it is used (channels.c, `channel_check_window`).
    pub(super) fn give_window(&mut self, transport: &mut Transport, out: &mut Output) {
        let is_larval = matches!(self.service, Service::Larval(_));
        if is_larval || self.sent_close || WINDOW - self.window <= 3 * PACKET {
            return;
        }
        self.open_window(transport, out);
    }

    /// Tells the visitor that he may send a window's bytes.
    pub(super) fn open_window(&mut self, transport: &mut Transport, out: &mut Output) {
        let mut payload = self.message(message::CHANNEL_WINDOW_ADJUST);
        payload.put_u32(WINDOW - self.window);
        self.window = WINDOW;
        transport.send(payload, out);
    }

    /// The visitor takes so many bytes more; whether the sum can be.
    pub(super) fn adjust(&mut self, count: u32) -> bool {
        self.room.checked_add(count).inspect(|room| self.room = *room).is_some()
    }

    pub(super) fn print(&mut self, said: Said) {
        for (waiting, text) in [(&mut self.out, said.output), (&mut self.err, said.errors)] {
            let room = MOST_WAITING.saturating_sub(waiting.len());
            waiting.extend_from_slice(&text[..text.len().min(room)]);
        }
    }

    /// Bytes of the visitor's. Control-C wakes a program that sleeps.
    pub(super) fn give(&mut self, data: &[u8], now: Timestamp, out: &mut Output) {
        if self.service.give(data, now, out) {
            self.again = None;
        }
    }

    /// Shows what was typed while the program sleeps, as a terminal does.
    pub(super) fn echo(&mut self, now: Timestamp, out: &mut Output) {
        let output = self.service.take_echo(now, out);
        self.print(Said { output, ..Said::default() });
    }

    /// Runs the service, unless too much of what it said waits already.
    pub(super) fn run(&mut self, now: Timestamp, out: &mut Output) {
        if self.ended.is_some() {
            return;
        }
        if self.out.len() + self.err.len() >= FULL {
            self.again = Some(Duration::ZERO);
            return;
        }
        let mut said = Said::default();
        let progress = self.service.run(now, &mut said, out);
        std::mem::take(&mut said.details).into_iter().for_each(|detail| out.tell(detail));
        self.print(said);
        self.again = None;
        match progress {
            Progress::Waiting => {}
            Progress::Again(pause) => self.again = Some(pause),
            Progress::Ended(status) => {
                let told = !matches!(self.service, Service::Forward(_));
                let exit = self.service.killed_by().map_or(Exit::Status(status), Exit::Signal);
                self.end(told.then_some(exit), now, out);
            }
        }
    }

    /// The service is over.
    pub(super) fn end(&mut self, exit: Option<Exit>, now: Timestamp, out: &mut Output) {
        if self.ended.is_none() {
            self.service.leave(now, out);
            self.ended = Some(exit);
            self.again = None;
        }
    }

    /// Sends what waits, as far as the windows and the replies that wait already allow.
    pub(super) fn flush(&mut self, transport: &mut Transport, out: &mut Output) {
        while self.waits_to_send() && !out.is_full() {
            let count = (self.room.min(self.most) as usize).min(PACKET as usize);
            if count == 0 || transport.is_exchanging() {
                return;
            }
            let is_error = self.out.is_empty();
            let waiting = if is_error { &mut self.err } else { &mut self.out };
            let data: Vec<u8> = waiting.drain(..count.min(waiting.len())).collect();
            self.room -= u32::try_from(data.len()).unwrap_or(0);
            let mut payload = self.message(if is_error {
                message::CHANNEL_EXTENDED_DATA
            } else {
                message::CHANNEL_DATA
            });
            if is_error {
                payload.put_u32(1);
            }
            payload.put_string(&data);
            transport.send(payload, out);
        }
        if self.out.is_empty() && self.err.is_empty() && self.ended.is_some() && !self.sent_close {
            self.say_goodbye(transport, out);
        }
    }

    /// Status, end of data, close: in the order in which OpenSSH's server says them.
    fn say_goodbye(&mut self, transport: &mut Transport, out: &mut Output) {
        if let Some(Some(exit)) = self.ended {
            self.tell_exit(exit, transport, out);
            if !self.got_eof && transport.client_is_openssh() {
                let mut payload = self.message(message::CHANNEL_REQUEST);
                payload.put_string("eow@openssh.com");
                payload.put_bool(false);
                transport.send(payload, out);
            }
        }
        transport.send(self.message(message::CHANNEL_EOF), out);
        transport.send(self.message(message::CHANNEL_CLOSE), out);
        self.sent_close = true;
    }

    /// As `session.c` tells it: of a signal its name, no core, no words.
    fn tell_exit(&self, exit: Exit, transport: &mut Transport, out: &mut Output) {
        let mut payload = self.message(message::CHANNEL_REQUEST);
        match exit {
            Exit::Status(status) => {
                payload.put_string("exit-status");
                payload.put_bool(false);
                payload.put_u32(u32::from(status));
            }
            Exit::Signal(signal) => {
                payload.put_string("exit-signal");
                payload.put_bool(false);
                payload.put_string(exit_name(signal));
                payload.put_bool(false);
                payload.put_string("");
                payload.put_string("");
            }
        }
        transport.send(payload, out);
    }

    /// The visitor closes it.
    pub(super) fn close(&mut self, now: Timestamp, transport: &mut Transport, out: &mut Output) {
        self.got_close = true;
        let runs = self.ended.is_none()
            && matches!(self.service, Service::Program(_) | Service::Transfer(_));
        self.end(None, now, out);
        if !self.sent_close {
            if runs {
                self.tell_exit(Exit::Status(0), transport, out);
            }
            transport.send(self.message(message::CHANNEL_CLOSE), out);
            self.sent_close = true;
        }
        (self.out, self.err) = (Vec::new(), Vec::new());
    }

    /// Both sides have closed it: its number is free.
    pub(super) const fn is_over(&self) -> bool {
        self.sent_close && self.got_close
    }

    pub(super) const fn waits_to_send(&self) -> bool {
        !self.sent_close && (!self.out.is_empty() || !self.err.is_empty())
    }

    /// Bytes of the visitor's that are held.
    pub(super) fn memory(&self) -> usize {
        self.service.memory()
    }
}

/// The names that OpenSSH's `sig2name` has.
fn exit_name(sent: Signal) -> String {
    const NAMES: [&str; 13] = [
        "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1",
        "USR2",
    ];
    signal::name(sent)
        .filter(|name| NAMES.contains(&name.as_str()))
        .unwrap_or_else(|| "SIG@openssh.com".to_owned())
}
