//! The connection (RFC 4254): channels and what is asked for in and beside them, answered as OpenSSH's `serverloop.c`, `channels.c` and
//! `session.c` answer. Nothing is ever connected, opened or run: a session gets the machine behind the login, a forward gets a
//! plausible other side.

mod beyond;
mod channel;
mod forward;
mod mail;
mod request;
mod service;

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, Timestamp};

use super::transport::{Failure, Taken, Transport, told};
use super::wire::{Reader, Write as _, message};
use crate::machine::{Machine, Persona, Visitor, signal};
use crate::{Identity, Output, Visit};
use channel::{Channel, Exit, PACKET, WINDOW};
use forward::Forward;
use service::{Larva, Service};

/// Channels at once. OpenSSH allows ten sessions and forwards without bound.
const MOST_CHANNELS: usize = 24;
/// Bytes of a visitor's that all channels together hold, before more of them are taken.
const MOST_HELD: usize = 200 * 1024;
/// sshd_config, `MaxSessions`.
const MOST_SESSIONS: usize = 10;
/// SSH servers that are reached at once: each is a session with keys of its own.
const MOST_BEYOND: usize = 4;
/// Ports that may be asked to be listened on.
const MOST_LISTENERS: usize = 16;
/// Bytes of such a host's name.
const LONGEST_HOST: usize = 256;
/// Where ports that the kernel chooses begin (`ip_local_port_range`).
const FIRST_PORT: u32 = 32_768;

/// Reasons for a channel that is not opened (RFC 4254, section 5.1).
const PROHIBITED: u32 = 1;
const CONNECT_FAILED: u32 = 2;

/// A visitor who is in.
pub(super) struct Connection {
    identity: Arc<Identity>,
    machine: Machine,
    visit: Visit,
    /// Whether a forward may reach another SSH server.
    reaches: bool,
    user: Vec<u8>,
    channels: Vec<Option<Channel>>,
    no_more_sessions: bool,
    /// The pause that is being slept, and since when.
    asked: Duration,
    asked_at: Timestamp,
    /// Chooses ports.
    chance: u64,
    /// Hosts and ports that the visitor believes to be listened on.
    listeners: Vec<(Vec<u8>, u32)>,
}

impl Connection {
    pub(super) fn new(
        identity: Arc<Identity>,
        (visit, beyond): (Visit, bool),
        user: Vec<u8>,
        chance: u64,
        now: Timestamp,
    ) -> Self {
        let visitor = Visitor {
            user: user.clone(),
            source: visit.source,
            destination: visit.destination,
            service: "sshd",
        };
        let machine = Machine::new(&identity, Persona::Server, visitor, now);
        Self {
            identity,
            machine,
            visit,
            reaches: !beyond,
            user,
            channels: Vec::new(),
            no_more_sessions: false,
            asked: Duration::ZERO,
            asked_at: now,
            chance,
            listeners: Vec::new(),
        }
    }

    /// What the server says as soon as somebody is in: its keys (OpenSSH's PROTOCOL, section 2.5).
    pub(super) fn greet(transport: &mut Transport, out: &mut Output) {
        let mut payload = vec![message::GLOBAL_REQUEST];
        payload.put_string("hostkeys-00@openssh.com");
        payload.put_bool(false);
        transport.keys().all_public().iter().for_each(|key| payload.put_string(key));
        transport.send(payload, out);
    }

    /// Takes a message.
    pub(super) fn take(
        &mut self,
        payload: &[u8],
        now: Timestamp,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<()> {
        let (number, rest) = payload.split_first().map_or((0, payload), |(n, rest)| (*n, rest));
        let reader = Reader::new(rest);
        match number {
            message::GLOBAL_REQUEST => self.global(reader, transport, out),
            message::REQUEST_SUCCESS | message::REQUEST_FAILURE => Ok(()),
            message::CHANNEL_OPEN => self.open(reader, now, transport, out),
            message::CHANNEL_OPEN_CONFIRMATION..=message::CHANNEL_FAILURE => {
                self.about_channel(number, reader, now, transport, out)
            }
            _ => {
                transport.unimplemented(out);
                Ok(())
            }
        }
    }

    fn global(
        &mut self,
        mut reader: Reader<'_>,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<()> {
        let name = reader.string().ok_or(Failure::Silent)?;
        let wants_reply = reader.bool().ok_or(Failure::Silent)?;
        let mut answer = Vec::new();
        let done = match name {
            b"tcpip-forward" => {
                let host = reader.string().ok_or(Failure::Silent)?;
                let port = reader.u32().ok_or(Failure::Silent)?;
                self.listen(host, port, &mut answer, out)
            }
            b"cancel-tcpip-forward" => {
                let host = reader.string().ok_or(Failure::Silent)?;
                let port = reader.u32().ok_or(Failure::Silent)?;
                let listener = |own: &(Vec<u8>, u32)| own.0 == host && own.1 == port;
                let place = self.listeners.iter().position(listener);
                place.map(|place| self.listeners.remove(place)).is_some()
            }
            b"no-more-sessions@openssh.com" => {
                self.no_more_sessions = true;
                true
            }
            b"hostkeys-prove-00@openssh.com" => prove(reader, transport, &mut answer)?,
            _ => false,
        };
        if wants_reply {
            let number = if done { message::REQUEST_SUCCESS } else { message::REQUEST_FAILURE };
            let mut payload = vec![number];
            if done {
                payload.extend(answer);
            }
            transport.send(payload, out);
        }
        Ok(())
    }

    /// Says that it listens; a port below 1024 is root's.
    fn listen(&mut self, host: &[u8], port: u32, answer: &mut Vec<u8>, out: &mut Output) -> bool {
        let value = [host, b":", port.to_string().as_bytes()].concat();
        let value = HostileText::from_bytes(&value);
        out.tell(Detail::Note { name: "ssh tcpip-forward".into(), value });
        let is_roots = (1..1024).contains(&port) && self.user != b"root";
        let is_long = host.len() > LONGEST_HOST || self.listeners.len() >= MOST_LISTENERS;
        let is_taken = self.listeners.iter().any(|own| own.0 == host && own.1 == port);
        // A port past the last one is cut to sixteen bits by the kernel's interface, and opened.
        if is_roots || is_long || is_taken {
            return false;
        }
        let mut given = port;
        if port == 0 {
            given = FIRST_PORT + u32::from(self.chance.to_be_bytes()[0]) * 37;
            self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            answer.put_u32(given);
        }
        self.listeners.push((host.to_vec(), given));
        true
    }

    fn open(
        &mut self,
        mut reader: Reader<'_>,
        now: Timestamp,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<()> {
        let kind = reader.string().ok_or(Failure::Silent)?;
        let fields = (|| Some((reader.u32()?, reader.u32()?, reader.u32()?)))();
        let (theirs, room, most) = fields.ok_or(Failure::Silent)?;
        let wanted = self.service_for(kind, reader, now, transport, out)?;
        let place = self.channels.iter().position(Option::is_none);
        let place = place.or((self.channels.len() < MOST_CHANNELS).then_some(self.channels.len()));
        let (service, place) = match (wanted, place) {
            (Ok(service), Some(place)) => (service, place),
            (wanted, _) => {
                let mut payload = vec![message::CHANNEL_OPEN_FAILURE];
                payload.put_u32(theirs);
                payload.put_u32(wanted.err().unwrap_or(CONNECT_FAILED));
                payload.put_string("open failed");
                payload.put_string("");
                transport.send(payload, out);
                return Ok(());
            }
        };
        let window = if matches!(service, Service::Larval(_)) { 0 } else { WINDOW };
        let channel = Channel::new(theirs, room, most, window, service);
        let mut payload = channel.message(message::CHANNEL_OPEN_CONFIRMATION);
        payload.put_u32(u32::try_from(place).unwrap_or(0));
        payload.put_u32(window);
        payload.put_u32(PACKET);
        transport.send(payload, out);
        match self.channels.get_mut(place) {
            Some(slot) => *slot = Some(channel),
            None => self.channels.push(Some(channel)),
        }
        self.run(place, now, transport, out);
        Ok(())
    }

    /// What a channel of this kind gets, or the reason for which it is not opened.
    fn service_for(
        &self,
        kind: &[u8],
        mut reader: Reader<'_>,
        now: Timestamp,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<Result<Service, u32>> {
        Ok(match kind {
            b"session" if self.no_more_sessions => {
                return told(
                    "Possible attack: attempt to open a session after additional sessions disabled",
                );
            }
            b"session" => {
                let sessions = self.channels.iter().flatten();
                let sessions =
                    sessions.filter(|channel| !matches!(channel.service, Service::Forward(_)));
                let one_more = sessions.count() < MOST_SESSIONS;
                let service = Service::Larval(Larva::default());
                one_more.then_some(service).ok_or(CONNECT_FAILED)
            }
            b"direct-tcpip" => {
                let host = reader.string().ok_or(Failure::Silent)?;
                let port = reader.u32().ok_or(Failure::Silent)?;
                reader.string().and_then(|_| reader.u32()).ok_or(Failure::Silent)?;
                let reached = self.channels.iter().flatten();
                let reached = reached.filter(|channel| channel.service.is_beyond()).count();
                let reaches = self.reaches && reached < MOST_BEYOND;
                let (identity, visit) = (&self.identity, self.visit);
                let forward =
                    |port| Box::new(Forward::new(identity, visit, (host, port), reaches, now));
                let port = u16::try_from(port).map_err(|_| PROHIBITED);
                port.map(|port| Service::Forward(forward(port)))
            }
            b"tun@openssh.com" => {
                Self::debug("Server has rejected tunnel device forwarding", transport, out);
                Err(CONNECT_FAILED)
            }
            _ => Err(CONNECT_FAILED),
        })
    }

    /// Tells the client what `ssh -v` shows.
    fn debug(text: &str, transport: &mut Transport, out: &mut Output) {
        let mut payload = vec![message::DEBUG];
        payload.put_bool(false);
        payload.put_string(text);
        payload.put_string("");
        transport.send(payload, out);
    }

    fn about_channel(
        &mut self,
        number: u8,
        mut reader: Reader<'_>,
        now: Timestamp,
        transport: &mut Transport,
        out: &mut Output,
    ) -> Taken<()> {
        let id = reader.u32().ok_or(Failure::Silent)?;
        let held = self.memory();
        let place = usize::try_from(id).ok();
        let slot = place.and_then(|place| self.channels.get_mut(place)).and_then(Option::as_mut);
        let (Some(place), Some(channel)) = (place, slot) else {
            if number == message::CHANNEL_REQUEST {
                reader.string().and_then(|_| reader.bool()).ok_or(Failure::Silent)?;
            }
            return unknown(number, id);
        };
        match number {
            message::CHANNEL_WINDOW_ADJUST => {
                let count = reader.u32().ok_or(Failure::Silent)?;
                if !channel.adjust(count) {
                    return Err(Failure::Silent);
                }
            }
            message::CHANNEL_DATA => {
                let data = reader.string().filter(|_| reader.is_empty()).ok_or(Failure::Silent)?;
                // What exceeds the window is ignored, as OpenSSH does.
                let count = u32::try_from(data.len()).unwrap_or(u32::MAX);
                if channel.took(count) && !channel.got_eof {
                    if held > MOST_HELD {
                        // As the kernel kills where there is no memory.
                        channel.end(Some(Exit::Signal(signal::KILL)), now, out);
                    } else {
                        channel.give(data, now, out);
                    }
                }
            }
            message::CHANNEL_EOF => {
                channel.got_eof = true;
                channel.service.end_of_input();
            }
            message::CHANNEL_CLOSE => {
                channel.close(now, transport, out);
                if channel.is_over()
                    && let Some(slot) = self.channels.get_mut(place)
                {
                    *slot = None;
                }
                return Ok(());
            }
            message::CHANNEL_REQUEST => {
                let name = reader.string().ok_or(Failure::Silent)?;
                let wants_reply = reader.bool().ok_or(Failure::Silent)?;
                let request = request::Request { name, rest: reader.rest(), wants_reply };
                self.requested(place, &request, now, transport, out)?;
            }
            // Data for an input that is none, and answers to what was never asked.
            _ => return Ok(()),
        }
        self.run(place, now, transport, out);
        Ok(())
    }

    /// Lets a channel go on as far as it can.
    fn run(&mut self, place: usize, now: Timestamp, transport: &mut Transport, out: &mut Output) {
        let Some(channel) = self.channels.get_mut(place).and_then(Option::as_mut) else { return };
        if channel.again.is_none_or(|pause| pause.is_zero()) {
            channel.run(now, out);
        } else {
            channel.echo(now, out);
        }
        channel.flush(transport, out);
        channel.give_window(transport, out);
        if channel.is_over()
            && let Some(slot) = self.channels.get_mut(place)
        {
            *slot = None;
        }
    }

    /// Goes on with every channel; `over` where the pause last asked for is; what is wanted next is said by [`Self::pause`].
    pub(super) fn go_on(
        &mut self,
        over: bool,
        now: Timestamp,
        transport: &mut Transport,
        out: &mut Output,
    ) {
        if over {
            self.sleep(self.asked);
        } else {
            self.wake(now);
        }
        for place in 0..self.channels.len() {
            if !out.is_full() {
                self.run(place, now, transport, out);
            }
        }
    }

    /// Something came before the pause was over: programs have slept for as long as it took.
    pub(super) fn wake(&mut self, now: Timestamp) {
        let slept = now.micros().saturating_sub(self.asked_at.micros());
        self.asked_at = now;
        self.sleep(Duration::from_micros(u64::try_from(slept).unwrap_or(0)));
    }

    fn sleep(&mut self, slept: Duration) {
        self.asked = self.asked.saturating_sub(slept);
        for channel in self.channels.iter_mut().flatten() {
            channel.again = channel.again.map(|pause| pause.saturating_sub(slept));
        }
    }

    /// Sends what waits in every channel.
    pub(super) fn flush(&mut self, transport: &mut Transport, out: &mut Output) {
        self.channels.iter_mut().flatten().for_each(|channel| channel.flush(transport, out));
    }

    /// How long to wait before going on, where a program pauses or replies wait to leave.
    pub(super) fn pause(&mut self, now: Timestamp, out: &Output) -> Option<Duration> {
        self.asked_at = now;
        let channels = self.channels.iter().flatten();
        if out.is_full() && channels.clone().any(Channel::waits_to_send) {
            return Some(Duration::ZERO);
        }
        // A program that only waits for the visitor to take its output goes on when he does.
        let waiting = channels.filter(|channel| !channel.waits_to_send());
        let pause = waiting.filter_map(|channel| channel.again).min();
        self.asked = pause.unwrap_or_default();
        pause
    }

    /// The visitor is gone.
    pub(super) fn end(&mut self, now: Timestamp, out: &mut Output) {
        for channel in self.channels.iter_mut().flatten() {
            channel.end(None, now, out);
        }
        self.machine.finish().into_iter().for_each(|detail| out.tell(detail));
    }

    pub(super) fn memory(&self) -> usize {
        let listeners: usize = self.listeners.iter().map(|(host, _)| host.len()).sum();
        listeners
            + self.machine.memory()
            + self.channels.iter().flatten().map(Channel::memory).sum::<usize>()
    }
}

/// A channel that there is not (channels.c, `channel_from_packet_id`; serverloop.c).
fn unknown(number: u8, id: u32) -> Taken<()> {
    let what = match number {
        message::CHANNEL_OPEN_CONFIRMATION => "open confirmation",
        message::CHANNEL_OPEN_FAILURE => "open failure",
        message::CHANNEL_WINDOW_ADJUST | message::CHANNEL_SUCCESS | message::CHANNEL_FAILURE => {
            return Ok(());
        }
        message::CHANNEL_DATA => "data",
        message::CHANNEL_EXTENDED_DATA => "extended data",
        message::CHANNEL_EOF => "ieof",
        message::CHANNEL_CLOSE => "oclose",
        _ => return told(format!("server_input_channel_req: unknown channel {id}")),
    };
    told(format!("{what} packet referred to nonexistent channel {id}"))
}

/// Signs that the server holds the keys named (OpenSSH's PROTOCOL, section 2.5).
fn prove(mut reader: Reader<'_>, transport: &Transport, answer: &mut Vec<u8>) -> Taken<bool> {
    use super::hostkey::HostKeyAlgorithm::{Ecdsa, Ed25519, Rsa512};
    while !reader.is_empty() {
        let key = reader.string().ok_or(Failure::Silent)?;
        let keys = transport.keys();
        let owns = |kind: &_| keys.public(*kind).is_some_and(|own| own == key);
        let Some(kind) = [Rsa512, Ecdsa, Ed25519].into_iter().find(owns) else {
            return Ok(false);
        };
        let mut proof = Vec::new();
        proof.put_string("hostkeys-prove-00@openssh.com");
        proof.put_string(transport.session());
        proof.put_string(key);
        let Some(signature) = keys.sign(kind, &proof) else { return Ok(false) };
        answer.put_string(signature);
    }
    Ok(true)
}
