//! One connection: CNXN, then streams. While a line runs on the machine nothing else of this connection is looked at.

use std::sync::Arc;
use std::time::Duration;

use kizashi_event::{Detail, HostileText, PayloadOrigin, Timestamp};

use super::key;
use super::shell::{Form, Given, Packets};
use super::stream::{Kind, Stream};
use super::sync::Sync;
use super::wire::{
    AUTHENTICATE, CLOSE, CONNECT, Incoming, Message, OPEN, READY, Reader, WRITE, message,
};
use crate::capture::Capture;
use crate::http::{self, HttpSession};
use crate::machine::{
    AndroidModel, Machine, Opening, Persona, Progress, Said, TerminalRequest, Visitor,
};
use crate::randomness::Randomness;
use crate::{Identity, Output, Session, Visit};

const VERSION: u32 = 0x0100_0000;
/// Bytes of a message that the daemon takes, before Android 7 and from then on.
const MOST_OLD: u32 = 4_096;
const MOST_NEW: u32 = 256 * 1024;
/// Bytes of one message that are sent, whatever is agreed on.
const MOST_SENT: u32 = 32 * 1024;
/// Streams of one connection, and bytes of them all.
const STREAMS: usize = 8;
const STREAM_BYTES: usize = 224 * 1024;
/// Turns that one line may take on the machine.
const TURNS: u32 = 4_000;

pub(super) fn begin(identity: &Arc<Identity>, visit: Visit) -> Box<dyn Session> {
    Box::new(AdbSession::new(identity, visit))
}

/// A visit to the `adb` trap.
pub(super) struct AdbSession {
    identity: Arc<Identity>,
    visit: Visit,
    model: AndroidModel,
    reader: Reader,
    connected: bool,
    /// Messages about keys that came.
    keys: u32,
    /// A key of this connection got in.
    admitted: bool,
    /// Bytes of a message that the visitor takes.
    most: u32,
    randomness: Randomness,
    named: bool,
    streams: Vec<Stream>,
    last: u32,
    machine: Option<Machine>,
    /// The stream whose line runs, and its turns.
    running: Option<(u32, u32)>,
    over: Option<Capture>,
    /// Where a request that is meant for a router goes on.
    web: Option<Box<HttpSession>>,
}

/// How an exploit of routers begins that do TR-064 on this port (CVE-2016-10372). The box would drop it; the web trap hears it out.
const OF_ROUTERS: &[u8] = b"POST /UD/act";

impl AdbSession {
    pub(super) fn new(identity: &Arc<Identity>, visit: Visit) -> Self {
        Self {
            identity: Arc::clone(identity),
            visit,
            model: AndroidModel::of(identity),
            reader: Reader::default(),
            connected: false,
            keys: 0,
            admitted: false,
            most: MOST_OLD,
            randomness: identity.randomness(),
            named: false,
            streams: Vec::new(),
            last: 0,
            machine: None,
            running: None,
            over: None,
            web: None,
        }
    }

    fn machine(&mut self, now: Timestamp) -> Machine {
        let (identity, visit) = (&self.identity, self.visit);
        let machine = self.machine.get_or_insert_with(|| {
            let visitor = Visitor {
                user: b"root".to_vec(),
                source: visit.source,
                destination: visit.destination,
                service: "adbd",
            };
            Machine::new(identity, Persona::Android, visitor, now)
        });
        machine.clone()
    }

    fn go_on(&mut self, now: Timestamp, out: &mut Output) {
        loop {
            if out.is_full() && !out.is_closing() {
                return out.take_turns();
            }
            self.flush(out);
            if let Some(over) = &mut self.over {
                out.close();
                return self.reader.drain_into(over);
            }
            if let Some((own, turns)) = self.running.take() {
                if let Some(pause) = self.resume(own, turns, now, out) {
                    self.flush(out);
                    return out.take_turns_after(pause);
                }
                continue;
            }
            match self.reader.next() {
                Incoming::More => return,
                Incoming::Broken => self.over = Some(Capture::default()),
                Incoming::Message(message) => self.message(&message, now, out),
            }
        }
    }

    /// Sends what may be sent of each stream, and ends those that are done.
    fn flush(&mut self, out: &mut Output) {
        for stream in &mut self.streams {
            if let Some(piece) = stream.piece(usize::try_from(self.most).unwrap_or(0)) {
                out.reply(&message(WRITE, stream.own, stream.theirs, &piece));
            }
            if stream.is_done() {
                out.reply(&message(CLOSE, stream.own, stream.theirs, b""));
            }
        }
        self.streams.retain(|stream| !stream.is_done());
    }

    fn message(&mut self, given: &Message, now: Timestamp, out: &mut Output) {
        match given.command {
            CONNECT => self.greet(given, out),
            AUTHENTICATE => self.key(given, out),
            _ if !self.connected => {}
            OPEN if given.first != 0 => self.open_stream(given.first, &given.data, now, out),
            READY => {
                let found = self.streams.iter_mut().find(|stream| stream.own == given.second);
                if let Some(stream) = found {
                    stream.unconfirmed = false;
                }
            }
            WRITE => self.written(given, now, out),
            CLOSE => {
                if let Some(place) =
                    self.streams.iter().position(|stream| stream.own == given.second)
                {
                    let stream = self.streams.remove(place);
                    out.reply(&message(CLOSE, stream.own, stream.theirs, b""));
                }
            }
            _ => {}
        }
    }

    fn greet(&mut self, given: &Message, out: &mut Output) {
        let banner = given.data.split(|byte| *byte == 0).next().unwrap_or_default();
        if !self.named && !banner.is_empty() {
            self.named = true;
            let version = Some(HostileText::from_bytes(banner));
            out.tell(Detail::Client { version, fingerprint: None, algorithms: None });
        }
        // Of what the visitor says no more than both take; who says nothing sensible is taken for the first client.
        let own = if self.model.is_new() { MOST_NEW } else { MOST_OLD };
        self.most = given.second.clamp(MOST_OLD, own);
        self.connected = false;
        self.streams.clear();
        if self.model.asks_for_key() && !self.admitted {
            return self.ask_for_key(out);
        }
        self.let_in(out);
    }

    fn let_in(&mut self, out: &mut Output) {
        self.connected = true;
        out.reply(&message(CONNECT, VERSION, self.most, self.model.banner().as_bytes()));
        self.most = self.most.min(MOST_SENT);
    }

    fn ask_for_key(&mut self, out: &mut Output) {
        let token: [u8; key::TOKEN_LENGTH] = self.randomness.bytes();
        out.reply(&message(AUTHENTICATE, key::TOKEN, 0, &token));
    }

    /// A signature, which nobody knows, or a key.
    fn key(&mut self, given: &Message, out: &mut Output) {
        if !self.model.asks_for_key() || self.connected || !self.named || self.keys >= key::MOST {
            return;
        }
        self.keys += 1;
        match given.first {
            key::SIGNATURE => self.ask_for_key(out),
            key::PUBLIC_KEY => {
                let (login, accepted) = key::offered(&given.data, &self.identity, self.visit);
                out.tell(login);
                if accepted {
                    self.admitted = true;
                    self.let_in(out);
                }
            }
            _ => {}
        }
    }

    fn open_stream(&mut self, theirs: u32, name: &[u8], now: Timestamp, out: &mut Output) {
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let held: usize = self.streams.iter().map(Stream::memory).sum();
        let room = self.streams.len() < STREAMS && held < STREAM_BYTES;
        let (service, rest) = name
            .iter()
            .position(|byte| *byte == b':')
            .map_or((&name[..], &b""[..]), |at| (&name[..at], &name[at + 1..]));
        let word = service.split(|byte| *byte == b',').next().unwrap_or_default();
        let kind = match word {
            b"shell" | b"exec" => {
                let form = Form::of(service, !rest.is_empty(), self.model.is_new());
                Some(self.shell(rest, form, now))
            }
            b"sync" if service == b"sync" => {
                let sync = Sync::new(self.model.can("stat_v2"));
                Some((Kind::Files(sync), &b""[..]))
            }
            b"root" => Some((Kind::Text, &b"adbd is already running as root\n"[..])),
            b"remount" => Some((Kind::Text, &b"remount succeeded\n"[..])),
            b"tcpip" => Some((Kind::Text, &b"restarting in TCP mode port: 5555\n"[..])),
            _ => None,
        };
        if !matches!(word, b"shell" | b"exec" | b"sync") {
            out.tell(Detail::Note {
                name: "adb service".into(),
                value: HostileText::from_bytes(&name),
            });
        }
        if service == b"tcp" {
            // `tcp:port` or `tcp:port:host`: onward, which is never done.
            let mut parts = rest.split(|byte| *byte == b':');
            let port = parts
                .next()
                .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
                .unwrap_or(0);
            let host = parts.next().map_or_else(|| "127.0.0.1".into(), HostileText::from_bytes);
            out.tell(Detail::Forward { host, port, data: None });
        }
        let Some((kind, text)) = kind.filter(|_| room) else {
            return out.reply(&message(CLOSE, 0, theirs, b""));
        };
        self.last += 1;
        let mut stream = Stream::new(self.last, theirs, kind);
        out.reply(&message(READY, stream.own, theirs, b""));
        match stream.kind {
            Kind::Text => {
                stream.say(text);
                stream.over = true;
            }
            Kind::Shell { .. } => self.running = Some((stream.own, 0)),
            Kind::Files(_) => {}
        }
        self.streams.push(stream);
    }

    fn shell(&mut self, line: &[u8], form: Form, now: Timestamp) -> (Kind, &'static [u8]) {
        let machine = self.machine(now);
        let typed = line.is_empty() && form.terminal;
        let process = if line.is_empty() {
            let terminal = Some(TerminalRequest::default());
            machine.open(&Opening { terminal, ..Opening::default() })
        } else {
            machine.run(line, false)
        };
        let line = typed.then(Vec::new);
        let packets = Packets::default();
        (Kind::Shell { process, line, begun: false, form, packets }, b"")
    }

    fn written(&mut self, given: &Message, now: Timestamp, out: &mut Output) {
        let place = self.streams.iter().position(|stream| stream.own == given.second);
        let Some(place) = place else { return out.reply(&message(CLOSE, 0, given.first, b"")) };
        let own = given.second;
        out.reply(&message(READY, own, self.streams[place].theirs, b""));
        if matches!(self.streams[place].kind, Kind::Files(_)) {
            let machine = self.machine(now);
            return self.files(own, &given.data, &machine);
        }
        let stream = &mut self.streams[place];
        let Kind::Shell { form, packets, .. } = &mut stream.kind else { return };
        let pieces = match form.packets {
            true => packets.take(&given.data),
            false => Some(vec![Given::Input(given.data.clone())]),
        };
        let Some(pieces) = pieces else {
            stream.over = true;
            return;
        };
        for piece in pieces {
            let mut said = Said::default();
            let Some(progress) =
                self.streams.get_mut(place).and_then(|stream| stream.give(&piece, now, &mut said))
            else {
                return;
            };
            self.progressed(own, 1, progress, said, out);
        }
    }

    fn files(&mut self, own: u32, bytes: &[u8], machine: &Machine) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.own == own) else { return };
        if let Kind::Files(sync) = &mut stream.kind {
            let said = sync.take(bytes, machine);
            stream.say(&said.bytes);
            stream.over |= said.over;
        }
    }

    /// Lets a line go on; the pause after which to go on, if it is not done.
    fn resume(
        &mut self,
        own: u32,
        turns: u32,
        now: Timestamp,
        out: &mut Output,
    ) -> Option<Duration> {
        let stream = self.streams.iter_mut().find(|stream| stream.own == own)?;
        let Kind::Shell { process, begun, .. } = &mut stream.kind else { return None };
        let mut said = Said::default();
        let progress =
            if *begun { process.resume(now, &mut said) } else { process.start(now, &mut said) };
        *begun = true;
        self.progressed(own, turns + 1, progress, said, out)
    }

    /// Says what a process said; the pause after which it goes on.
    fn progressed(
        &mut self,
        own: u32,
        turns: u32,
        progress: Progress,
        said: Said,
        out: &mut Output,
    ) -> Option<Duration> {
        said.details.into_iter().for_each(|detail| out.tell(detail));
        let stream = self.streams.iter_mut().find(|stream| stream.own == own)?;
        let Kind::Shell { form, .. } = &stream.kind else { return None };
        let form = *form;
        stream.say(&form.write(&said.output, &said.errors));
        match progress {
            Progress::Again(pause) if turns < TURNS => {
                self.running = Some((own, turns));
                Some(pause)
            }
            Progress::Waiting => None,
            Progress::Ended(status) => {
                stream.say(&form.exit(status));
                stream.over = true;
                None
            }
            Progress::Again(_) => {
                stream.over = true;
                None
            }
        }
    }
}

impl Session for AdbSession {
    fn receive(&mut self, bytes: &[u8], now: Timestamp, out: &mut Output) {
        if let Some(web) = &mut self.web {
            return web.receive(bytes, now, out);
        }
        self.reader.push(bytes);
        if !self.connected && self.over.is_none() && self.reader.begins_with(OF_ROUTERS) {
            let mut first = Capture::default();
            self.reader.drain_into(&mut first);
            let mut web = Box::new(HttpSession::new(&self.identity, self.visit));
            out.recognise(http::SERVICE);
            web.open(now, out);
            web.receive(first.content(), now, out);
            self.web = Some(web);
            return;
        }
        self.go_on(now, out);
    }

    fn idle(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(web) = &mut self.web {
            web.idle(now, out);
        }
    }

    fn end(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(web) = &mut self.web {
            return web.end(now, out);
        }
        self.streams.clear();
        if let Some(machine) = &self.machine {
            machine.finish().into_iter().for_each(|detail| out.tell(detail));
        }
        let mut rest = self.over.take().unwrap_or_default();
        self.reader.drain_into(&mut rest);
        if rest.size() > 0 {
            out.tell(Detail::Payload(Box::new(rest.finish(PayloadOrigin::Sent))));
        }
    }

    fn memory(&self) -> usize {
        if let Some(web) = &self.web {
            return web.memory();
        }
        let streams: usize = self.streams.iter().map(Stream::memory).sum();
        let over = self.over.as_ref().map_or(0, |over| over.content().len());
        self.reader.memory() + streams + over + self.machine.as_ref().map_or(0, Machine::memory)
    }
}
