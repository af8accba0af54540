//! The transport: packets under keys that are exchanged first and again whenever either side asks (RFC 4253, sections 7 to 11). What is
//! not its own it gives on. A fault ends the connection as OpenSSH ends it: with its words, or without any.

use std::sync::Arc;

use super::HostKeys;
use super::cipher::Protection;
use super::compression::{Deflater, Inflater};
use super::exchange::{self, Agreement, Group, Method};
use super::kexinit::{self, Choice, KexInit, Suite};
use super::packet::{Fault, Incoming, Outgoing};
use super::persona::{Persona, SIGNATURES};
use super::wire::{Reader, Write as _, message};
use crate::Output;
use crate::randomness::Randomness;

/// Bytes sent under one key, after which the server asks for another (packet.c: 2^30 for a cipher of eight-byte blocks).
const REKEY_AFTER: u64 = 1 << 30;
/// Bytes of replies that wait for the end of an exchange.
const MOST_QUEUED: usize = 16 * 1024;

/// Extensions that a client may tell (kex.c).
const MOST_EXTENSIONS: u32 = 1_024;
/// The extension by which a client asks for extensions in the login (OpenSSH's PROTOCOL, section 1.11).
const EXTENSIONS_IN_LOGIN: &[u8] = b"ext-info-in-auth@openssh.com";

/// How a connection ends before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// With these words, as a protocol error.
    Told(String),
    /// Without a word.
    Silent,
}

pub(super) type Taken<T> = Result<T, Failure>;

pub(super) fn told<T>(text: impl Into<String>) -> Taken<T> {
    Err(Failure::Told(text.into()))
}

/// Where an exchange of keys is.
enum Exchange {
    /// None is going on.
    Done,
    /// The server's offer is out, the client's is not here yet.
    Offered,
    /// The client's public value is waited for.
    Chosen { choice: Choice, sizes: Vec<u8>, group: Option<Group> },
    /// The client's word that it uses the new keys is waited for.
    Agreed { incoming: Box<Protection>, suite: Suite },
}

/// What came of a packet.
pub(super) enum Event {
    /// It was the transport's own.
    Own,
    /// The client's lists came, for the first time.
    Offer { lists: Vec<u8>, hassh: String },
    /// A message for the layers above.
    Message(Vec<u8>),
    /// The client says that it leaves.
    Left,
}

pub(super) struct Transport {
    pub(super) persona: Arc<Persona>,
    keys: Arc<HostKeys>,
    pub(super) randomness: Randomness,
    incoming: Incoming,
    outgoing: Outgoing,
    exchange: Exchange,
    client: Vec<u8>,
    /// Payloads of both KEXINITs, for the exchange hash.
    offers: (Vec<u8>, Vec<u8>),
    session: Vec<u8>,
    /// Until the client uses its first keys.
    initial: bool,
    strict: bool,
    wants_extensions: bool,
    /// The client may tell its own extensions now.
    expects_extensions: bool,
    /// Extensions are to be told once more in the login.
    tells_in_login: bool,
    skips_packet: bool,
    /// Payloads that wait for the end of an exchange.
    queued: Vec<Vec<u8>>,
    /// Answers to pings that wait for the next message.
    pongs: Vec<Vec<u8>>,
    sent: u64,
    in_suite: Option<Suite>,
    out_suite: Option<Suite>,
    logged_in: bool,
    inflater: Option<Box<Inflater>>,
    deflater: Option<Deflater>,
}

impl Transport {
    pub(super) fn new(persona: Persona, keys: Arc<HostKeys>, randomness: Randomness) -> Self {
        Self {
            persona: Arc::new(persona),
            keys,
            randomness,
            incoming: Incoming::new(),
            outgoing: Outgoing::new(),
            exchange: Exchange::Done,
            client: Vec::new(),
            offers: (Vec::new(), Vec::new()),
            session: Vec::new(),
            initial: true,
            strict: false,
            wants_extensions: false,
            expects_extensions: false,
            tells_in_login: false,
            skips_packet: false,
            queued: Vec::new(),
            pongs: Vec::new(),
            sent: 0,
            in_suite: None,
            out_suite: None,
            logged_in: false,
            inflater: None,
            deflater: None,
        }
    }

    /// The client's line is here: keys are exchanged for the first time.
    pub(super) fn begin(&mut self, client: Vec<u8>, out: &mut Output) {
        self.client = client;
        self.offer(out);
    }

    /// The identifier of the session, the first exchange's hash.
    pub(super) fn session(&self) -> &[u8] {
        &self.session
    }

    /// The keys by which this server is known.
    pub(super) fn keys(&self) -> &HostKeys {
        &self.keys
    }

    const fn is_initial(&self) -> bool {
        self.initial
    }

    pub(super) fn client_is_openssh(&self) -> bool {
        self.client
            .splitn(3, |byte| *byte == b'-')
            .nth(2)
            .is_some_and(|software| software.starts_with(b"OpenSSH"))
    }

    fn offer(&mut self, out: &mut Output) {
        let offer = kexinit::offer(&self.persona, self.keys.has_rsa(), &mut self.randomness);
        self.write(&offer, out);
        self.offers.1 = offer;
        self.exchange = Exchange::Offered;
    }

    /// Sends a message, or keeps it until the exchange that is going on is done.
    pub(super) fn send(&mut self, payload: Vec<u8>, out: &mut Output) {
        if !matches!(self.exchange, Exchange::Done | Exchange::Agreed { .. }) {
            let held: usize = self.queued.iter().map(Vec::len).sum();
            if held + payload.len() <= MOST_QUEUED {
                self.queued.push(payload);
            } else {
                // Nobody who means to go on asks so much and answers so little.
                out.close();
            }
            return;
        }
        self.write(&payload, out);
        if self.sent > REKEY_AFTER && matches!(self.exchange, Exchange::Done) {
            self.offer(out);
        }
    }

    fn take_ping(&mut self, number: u8, rest: &[u8], out: &mut Output) -> Taken<Event> {
        let data = Reader::new(rest).string().ok_or(Failure::Silent)?;
        let mut answer = vec![message::PONG];
        answer.put_string(data);
        match (number, self.logged_in) {
            (message::PING, true) => self.send(answer, out),
            (message::PING, false) => self.pong(answer),
            _ => {}
        }
        Ok(Event::Own)
    }

    /// An answer to a ping before the login is written when the server next says something: packet.c makes it, and sshd does not flush.
    fn pong(&mut self, answer: Vec<u8>) {
        let held: usize = self.pongs.iter().map(Vec::len).sum();
        if held + answer.len() <= MOST_QUEUED {
            self.pongs.push(answer);
        }
    }

    /// Whether replies wait for the end of an exchange.
    pub(super) const fn is_exchanging(&self) -> bool {
        !matches!(self.exchange, Exchange::Done)
    }

    fn write(&mut self, payload: &[u8], out: &mut Output) {
        if matches!(self.exchange, Exchange::Done) && !self.initial {
            for pong in std::mem::take(&mut self.pongs) {
                self.put(&pong, out);
            }
        }
        self.put(payload, out);
    }

    fn put(&mut self, payload: &[u8], out: &mut Output) {
        let packet = match &mut self.deflater {
            Some(deflater) => self.outgoing.seal(&deflater.deflate(payload), &mut self.randomness),
            None => self.outgoing.seal(payload, &mut self.randomness),
        };
        self.sent += packet.len() as u64;
        out.reply(&packet);
    }

    /// Ends the connection with OpenSSH's words (`sshpkt_disconnect`).
    pub(super) fn disconnect(&mut self, text: &str, out: &mut Output) {
        let mut payload = vec![message::DISCONNECT];
        payload.put_u32(2);
        payload.put_string(text);
        payload.put_string("");
        self.write(&payload, out);
        out.close();
    }

    /// Whatever came that nobody knows is answered by its number.
    pub(super) fn unimplemented(&mut self, out: &mut Output) {
        let mut payload = vec![message::UNIMPLEMENTED];
        payload.put_u32(self.incoming.last_number());
        self.send(payload, out);
    }

    /// The next message in these bytes, if one becomes whole.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Taken<Option<Vec<u8>>> {
        let payload = match self.incoming.next(bytes) {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(None),
            Err(Fault::Padding(padding)) => {
                return told(format!("Corrupted padlen {padding} on input."));
            }
            // packet.c has words for these, which never leave before the process ends.
            Err(Fault::Corrupt | Fault::TooLong | Fault::Truncated) => return Err(Failure::Silent),
        };
        match &mut self.inflater {
            Some(inflater) => inflater.inflate(&payload).map(Some).ok_or(Failure::Silent),
            None => Ok(Some(payload)),
        }
    }

    /// Takes a message.
    pub(super) fn take(&mut self, payload: Vec<u8>, out: &mut Output) -> Taken<Event> {
        let number = payload.first().copied().ok_or(Failure::Silent)?;
        // ssh2.h: numbers from 192 on are OpenSSH's own, and came on the wire with pings only.
        if number == 0 || (number >= 192 && !self.persona.pings) {
            return told(format!("Invalid ssh2 packet type: {number}"));
        }
        if std::mem::take(&mut self.skips_packet) {
            return Ok(Event::Own);
        }
        let strict_now = self.strict && self.is_initial();
        match number {
            message::DISCONNECT => {
                let mut reader = Reader::new(&payload[1..]);
                let whole = reader.u32().and(reader.string()).is_some();
                if whole { Ok(Event::Left) } else { Err(Failure::Silent) }
            }
            message::IGNORE | message::DEBUG | message::UNIMPLEMENTED if strict_now => {
                self.violation(number)
            }
            message::IGNORE => Ok(Event::Own),
            message::DEBUG => {
                let mut reader = Reader::new(&payload[1..]);
                let whole = reader.bool().and(reader.string()).and(reader.string());
                whole.map(|_| Event::Own).ok_or(Failure::Silent)
            }
            message::UNIMPLEMENTED => {
                let whole = Reader::new(&payload[1..]).u32();
                whole.map(|_| Event::Own).ok_or(Failure::Silent)
            }
            // Answered before there are keys too, but sent after them.
            message::PING | message::PONG if self.persona.pings && !strict_now => {
                self.take_ping(number, &payload[1..], out)
            }
            // RFC 8308: the client's extensions, right after its first keys; releases before 9.6 do not know the message.
            message::EXT_INFO if std::mem::take(&mut self.expects_extensions) => {
                self.take_extensions(&payload[1..])
            }
            message::KEXINIT => self.kexinit(&payload, out),
            message::NEWKEYS => self.newkeys(&payload, out),
            30..=49 => self.exchange(&payload, out),
            _ if self.is_initial() || self.is_held_up() => {
                if number >= 50 {
                    return Err(Failure::Silent);
                }
                if strict_now {
                    return self.violation(number);
                }
                self.write_unimplemented(out);
                Ok(Event::Own)
            }
            _ => {
                self.expects_extensions = false;
                Ok(Event::Message(payload))
            }
        }
    }

    /// What the client is able to do: told once, before it asks for anything.
    fn take_extensions(&mut self, told: &[u8]) -> Taken<Event> {
        let mut reader = Reader::new(told);
        let count = reader.u32().filter(|count| *count < MOST_EXTENSIONS);
        for _ in 0..count.ok_or(Failure::Silent)? {
            let name = reader.string().ok_or(Failure::Silent)?;
            let value = reader.string().ok_or(Failure::Silent)?;
            if name == EXTENSIONS_IN_LOGIN && value == b"0" {
                self.tells_in_login = true;
            }
        }
        Ok(Event::Own)
    }

    /// Somebody has said who he is: what he may sign with is told again, once, to a client that asked for it.
    pub(super) fn tell_extensions_in_login(&mut self, out: &mut Output) {
        if !std::mem::take(&mut self.tells_in_login) {
            return;
        }
        let mut payload = vec![message::EXT_INFO];
        payload.put_u32(1);
        payload.put_string("server-sig-algs");
        payload.put_string(SIGNATURES);
        self.send(payload, out);
    }

    /// After the client's KEXINIT nothing but the exchange may come.
    const fn is_held_up(&self) -> bool {
        matches!(self.exchange, Exchange::Chosen { .. } | Exchange::Agreed { .. })
    }

    fn write_unimplemented(&mut self, out: &mut Output) {
        let mut payload = vec![message::UNIMPLEMENTED];
        payload.put_u32(self.incoming.last_number());
        self.write(&payload, out);
    }

    fn violation<T>(&self, number: u8) -> Taken<T> {
        told(format!(
            "strict KEX violation: unexpected packet type {number} (seqnr {})",
            self.incoming.last_number()
        ))
    }

    fn kexinit(&mut self, payload: &[u8], out: &mut Output) -> Taken<Event> {
        let first = self.is_initial();
        match self.exchange {
            Exchange::Done => self.offer(out),
            Exchange::Offered => {}
            Exchange::Chosen { .. } | Exchange::Agreed { .. } => {
                return self.out_of_place(message::KEXINIT, out);
            }
        }
        let offer = KexInit::read(payload).ok_or(Failure::Silent)?;
        if first {
            self.wants_extensions = offer.wants_extensions();
            self.strict = self.persona.is_strict() && offer.is_strict();
            if self.strict && self.incoming.last_number() != 0 {
                return told("strict KEX violation: KEXINIT was not the first packet");
            }
        }
        let chosen = offer.choose(&self.persona, self.keys.has_rsa());
        let event = match first {
            true => Event::Offer { lists: offer.shown(), hassh: offer.hassh() },
            false => Event::Own,
        };
        if let Some(choice) = chosen {
            self.skips_packet = choice.skips_guess;
            self.exchange = Exchange::Chosen { choice, sizes: Vec::new(), group: None };
            self.offers.0 = payload.to_vec();
        } else {
            // What the client offers is told all the same; then the connection ends without a word.
            out.close();
        }
        Ok(event)
    }

    fn exchange(&mut self, payload: &[u8], out: &mut Output) -> Taken<Event> {
        let (number, rest) = payload.split_first().map_or((0, payload), |(n, rest)| (*n, rest));
        let exchange = std::mem::replace(&mut self.exchange, Exchange::Done);
        let Exchange::Chosen { choice, sizes, group } = exchange else {
            self.exchange = exchange;
            if self.strict && self.is_initial() {
                return self.violation(number);
            }
            self.write_unimplemented(out);
            return Ok(Event::Own);
        };
        match (choice.method, number, group) {
            (Method::Chosen(_), message::GEX_REQUEST, None) => {
                self.choose_group(choice, rest, out)?;
                return Ok(Event::Own);
            }
            (Method::Chosen(_), message::GEX_INIT, Some(group)) => {
                let agreement = exchange::in_group(&group, rest, &mut self.randomness);
                let agreement = agreement.ok_or(Failure::Silent)?;
                self.agree(choice, message::GEX_REPLY, (&sizes, agreement), out)?;
            }
            (Method::Chosen(_), _, group) => {
                self.exchange = Exchange::Chosen { choice, sizes, group };
                return self.out_of_place(number, out);
            }
            (method, message::KEX_FIRST, _) => {
                let agreement = exchange::agree(method, rest, &mut self.randomness);
                let agreement = agreement.ok_or(Failure::Silent)?;
                self.agree(choice, message::KEX_REPLY, (&[], agreement), out)?;
            }
            (_, _, group) => {
                self.exchange = Exchange::Chosen { choice, sizes, group };
                return self.out_of_place(number, out);
            }
        }
        Ok(Event::Own)
    }

    fn out_of_place(&mut self, number: u8, out: &mut Output) -> Taken<Event> {
        if self.strict && self.is_initial() {
            return self.violation(number);
        }
        self.write_unimplemented(out);
        Ok(Event::Own)
    }

    fn choose_group(&mut self, choice: Choice, request: &[u8], out: &mut Output) -> Taken<()> {
        let mut reader = Reader::new(request);
        let sizes = (|| Some((reader.u32()?, reader.u32()?, reader.u32()?)))();
        let sizes = sizes.filter(|_| reader.is_empty()).ok_or(Failure::Silent)?;
        let group = exchange::group_for(sizes, &mut self.randomness).ok_or(Failure::Silent)?;
        let mut hashed = request.to_vec();
        hashed.put_mpint(&group.prime);
        hashed.put_mpint(&[group.generator]);
        let mut answer = vec![message::KEX_REPLY];
        answer.extend_from_slice(&hashed[request.len()..]);
        self.write(&answer, out);
        self.exchange = Exchange::Chosen { choice, sizes: hashed, group: Some(group) };
        Ok(())
    }

    /// Both sides have the secret: the server signs, answers, and uses the new keys from here on.
    fn agree(
        &mut self,
        choice: Choice,
        number: u8,
        (sizes, agreement): (&[u8], Agreement),
        out: &mut Output,
    ) -> Taken<()> {
        let hash = choice.method.hash();
        let key = self.keys.public(choice.host_key).ok_or(Failure::Silent)?;
        let mut named = Vec::new();
        named.put_string(&self.client);
        named.put_string(self.persona.identification);
        named.put_string(std::mem::take(&mut self.offers.0));
        named.put_string(std::mem::take(&mut self.offers.1));
        named.put_string(&key);
        let Agreement { public, hashed, secret } = agreement;
        let digest = hash.of(&[&named, sizes, &hashed, &secret]);
        let initial = self.is_initial();
        if self.session.is_empty() {
            self.session.clone_from(&digest);
        }
        let mut reply = vec![number];
        reply.put_string(&key);
        reply.extend(public);
        reply.put_string(self.keys.sign(choice.host_key, &digest).ok_or(Failure::Silent)?);
        self.write(&reply, out);
        self.write(&[message::NEWKEYS], out);
        let keys = |iv: u8, key: u8, mac: u8, suite: Suite| {
            let derive = |letter: u8, length: usize| {
                hash.derive((&secret, &digest, &self.session), letter, length)
            };
            let mac_key = suite.mac.map(|(kind, _)| derive(mac, kind.key_length()));
            let mac = suite.mac.zip(mac_key.as_deref());
            let key = derive(key, suite.cipher.key_length());
            let iv = derive(iv, suite.cipher.iv_length());
            Protection::new(suite.cipher, (&key, &iv), mac).ok_or(Failure::Silent)
        };
        let incoming = keys(b'A', b'C', b'E', choice.incoming)?;
        let outgoing = keys(b'B', b'D', b'F', choice.outgoing)?;
        self.outgoing.protect(outgoing, self.strict);
        self.out_suite = Some(choice.outgoing);
        self.sent = 0;
        self.compress_outgoing();
        self.exchange = Exchange::Agreed { incoming: Box::new(incoming), suite: choice.incoming };
        if initial && self.wants_extensions {
            self.tell_extensions(out);
        }
        for payload in std::mem::take(&mut self.queued) {
            self.write(&payload, out);
        }
        Ok(())
    }

    fn tell_extensions(&mut self, out: &mut Output) {
        let persona = Arc::clone(&self.persona);
        let mut payload = vec![message::EXT_INFO];
        payload.put_u32(u32::try_from(persona.extensions.len()).unwrap_or(0));
        for (name, value) in persona.extensions {
            payload.put_string(name);
            payload.put_string(value);
        }
        self.write(&payload, out);
    }

    fn newkeys(&mut self, payload: &[u8], out: &mut Output) -> Taken<Event> {
        let exchange = std::mem::replace(&mut self.exchange, Exchange::Done);
        let Exchange::Agreed { incoming, suite } = exchange else {
            self.exchange = exchange;
            return self.out_of_place(message::NEWKEYS, out);
        };
        if payload.len() != 1 {
            return Err(Failure::Silent);
        }
        self.incoming.protect(*incoming, self.strict);
        self.expects_extensions = self.initial && self.persona.takes_extensions;
        self.initial = false;
        self.in_suite = Some(suite);
        self.inflate_incoming();
        Ok(Event::Own)
    }

    /// The visitor is in: what was agreed to be compressed from here on is.
    pub(super) fn log_in(&mut self) {
        self.logged_in = true;
        self.compress_outgoing();
        self.inflate_incoming();
    }

    fn compress_outgoing(&mut self) {
        let compressed = self.logged_in && self.out_suite.is_some_and(|suite| suite.compressed);
        self.deflater = compressed.then(Deflater::default);
    }

    fn inflate_incoming(&mut self) {
        let compressed = self.logged_in && self.in_suite.is_some_and(|suite| suite.compressed);
        self.inflater = compressed.then(|| Box::new(Inflater::new()));
    }

    pub(super) fn memory(&self) -> usize {
        let offers = self.offers.0.len() + self.client.len();
        let queued: usize = self.queued.iter().chain(&self.pongs).map(Vec::len).sum();
        self.incoming.memory() + offers + queued
    }
}
