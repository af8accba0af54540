//! The handshake of TLS 1.0, 1.1 and 1.2 (RFC 2246, RFC 4346, RFC 5246), from the server's first message to both Finished. Each message
//! is a record of its own and extensions come in OpenSSL's order, because a scanner's fingerprint of a server (JARM) is made of these.

use kizashi_event::fingerprint::ClientHello;

use super::alert::Alert;
use super::hash::Expansion;
use super::key_exchange::{Ephemeral, GENERATOR, Group};
use super::negotiation::{
    Agreement, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, MAX_FRAGMENT_LENGTH, POINT_FORMATS,
    PROTOCOLS, RENEGOTIATION_INFO, SERVER_NAME, SESSION_TICKET, downgrade_signal,
};
use super::protection::{Keys, Protection};
use super::record::{CHANGE_CIPHER_SPEC, HANDSHAKE, Outgoing, Put as _, TLS_1_2, message};
use super::resumption::{LIFETIME, NUMBER, Remembered};
use super::store::Server;
use super::suite::{Exchange, Suite};
use crate::randomness::Randomness;

pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(super) const FINISHED: u8 = 20;

/// Bytes of Finished.
const VERIFY_DATA: usize = 12;

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    KeyExchange,
    ChangeCipherSpec,
    Finished,
}

/// A handshake under way.
pub(super) struct Legacy {
    agreement: Agreement,
    stage: Stage,
    transcript: Vec<u8>,
    client_random: Vec<u8>,
    server_random: [u8; 32],
    /// The number of the session.
    session: [u8; NUMBER],
    ephemeral: Option<Ephemeral>,
    /// The version that an encrypted secret must repeat.
    offered: u16,
    master: Vec<u8>,
    /// Protection of what is read, and of what is written, once there are keys.
    protections: Option<(Protection, Protection)>,
}

impl Legacy {
    /// Answers a hello, which `raw` is with its head.
    pub(super) fn begin(
        hello: &ClientHello,
        raw: &[u8],
        mut agreement: Agreement,
        server: &Server<'_>,
        out: &mut Outgoing,
    ) -> Result<Self, Alert> {
        let credential = server.credential;
        let by = (server.profile, server.now);
        let resumed = credential.sessions.resumed(hello, &mut agreement, by)?;
        out.version = agreement.version;
        out.limit(agreement.fragment);
        let mut server_random: [u8; 32] = out.randomness.bytes();
        if let Some(signal) = downgrade_signal(agreement.version, server.profile) {
            server_random[24..].copy_from_slice(&signal);
        }
        let ephemeral = match agreement.group {
            Some(group) => {
                Some(Ephemeral::new(group, &mut out.randomness).ok_or(Alert::InternalError)?)
            }
            None => None,
        };
        let mut begun = Self {
            agreement,
            stage: Stage::KeyExchange,
            transcript: raw.to_vec(),
            client_random: hello.random.clone(),
            server_random,
            session: [0; NUMBER],
            ephemeral,
            offered: hello.version,
            master: Vec::new(),
            protections: None,
        };
        let answer = begun.server_hello(hello, &mut out.randomness);
        out.message(SERVER_HELLO, &answer, &mut begun.transcript);
        if let Some(session) = resumed {
            begun.go_on(session, out)?;
            return Ok(begun);
        }
        let mut chain = Vec::new();
        credential.chain().for_each(|certificate| chain.put_u24_field(certificate));
        let mut body = Vec::new();
        body.put_u24_field(&chain);
        out.message(CERTIFICATE, &body, &mut begun.transcript);
        if let Some(exchange) = begun.key_exchange(server, &mut out.randomness)? {
            out.message(SERVER_KEY_EXCHANGE, &exchange, &mut begun.transcript);
        }
        out.message(SERVER_HELLO_DONE, &[], &mut begun.transcript);
        Ok(begun)
    }

    /// Goes on with a session that there was before: the server is done first.
    fn go_on(&mut self, session: Remembered, out: &mut Outgoing) -> Result<(), Alert> {
        self.master = session.secret;
        self.make_keys(&mut out.randomness)?;
        let finished = self.finish(out)?;
        self.transcript.extend(finished);
        self.stage = Stage::ChangeCipherSpec;
        Ok(())
    }

    fn server_hello(&mut self, hello: &ClientHello, randomness: &mut Randomness) -> Vec<u8> {
        self.session = randomness.bytes();
        let agreement = &self.agreement;
        let mut body = agreement.version.to_be_bytes().to_vec();
        body.extend(self.server_random);
        // Whoever is to get a ticket needs no number; who goes on hears his own.
        body.put_u8_field(match (agreement.resumed, agreement.ticket) {
            (true, _) => &hello.session,
            (_, true) => &[],
            _ => &self.session,
        });
        body.put_u16(agreement.suite.code);
        body.push(0);
        let mut extensions = Vec::new();
        let mut put = |number: u16, content: &[u8]| {
            extensions.put_u16(number);
            extensions.put_u16_field(content);
        };
        if agreement.secure_renegotiation {
            put(RENEGOTIATION_INFO, &[0]);
        }
        if agreement.named {
            put(SERVER_NAME, &[]);
        }
        if let Some(mode) = agreement.fragment {
            put(MAX_FRAGMENT_LENGTH, &[mode]);
        }
        let curve = agreement.group.is_some_and(|group| !matches!(group, Group::Finite(_)));
        if curve && hello.extension(POINT_FORMATS).is_some() {
            put(POINT_FORMATS, &[3, 0, 1, 2]);
        }
        if agreement.ticket {
            put(SESSION_TICKET, &[]);
        }
        if let Some(protocol) = agreement.protocol {
            put(PROTOCOLS, &protocols(protocol));
        }
        if agreement.mac_last {
            put(ENCRYPT_THEN_MAC, &[]);
        }
        if agreement.extended_secret {
            put(EXTENDED_MASTER_SECRET, &[]);
        }
        if !extensions.is_empty() {
            body.put_u16_field(&extensions);
        }
        body
    }

    /// Our ephemeral key, signed (RFC 8422, 5.4; RFC 5246, 7.4.3).
    fn key_exchange(
        &self,
        server: &Server<'_>,
        randomness: &mut Randomness,
    ) -> Result<Option<Vec<u8>>, Alert> {
        let (Some(ephemeral), Some(group), Some(scheme)) =
            (&self.ephemeral, self.agreement.group, self.agreement.scheme)
        else {
            return Ok(None);
        };
        const NAMED_CURVE: u8 = 3;
        let mut body = Vec::new();
        if let Group::Finite(prime) = group {
            body.put_u16_field(&prime.bytes());
            body.put_u16_field(&[GENERATOR]);
            body.put_u16_field(&ephemeral.public());
        } else {
            body.push(NAMED_CURVE);
            body.put_u16(group.code());
            body.put_u8_field(&ephemeral.public());
        }
        let signed = [&self.client_random, &self.server_random[..], &body].concat();
        let key = &server.credential.key;
        let signature = key.sign(scheme, &signed, randomness).ok_or(Alert::InternalError)?;
        if let Some(code) = scheme.code() {
            body.put_u16(code);
        }
        body.put_u16_field(&signature);
        Ok(Some(body))
    }

    const fn expansion(&self) -> Expansion {
        if self.agreement.version < TLS_1_2 {
            Expansion::Both
        } else {
            Expansion::One(self.agreement.suite.hash)
        }
    }

    /// Takes a handshake message; gives whether the handshake is over.
    pub(super) fn take(
        &mut self,
        (kind, body): (u8, &[u8]),
        server: &Server<'_>,
        out: &mut Outgoing,
    ) -> Result<bool, Alert> {
        match (self.stage, kind) {
            (Stage::KeyExchange, CLIENT_KEY_EXCHANGE) => {
                let secret = self.secret(body, server, &mut out.randomness)?;
                self.transcript.extend(message(kind, body));
                self.make_master(&secret);
                self.make_keys(&mut out.randomness)?;
                self.stage = Stage::ChangeCipherSpec;
                Ok(false)
            }
            (Stage::Finished, FINISHED) => {
                if self.verify_data("client finished") != body {
                    return Err(Alert::DecryptError);
                }
                self.transcript.extend(message(kind, body));
                if !self.agreement.resumed {
                    self.remember(server, out)?;
                    self.finish(out)?;
                }
                Ok(true)
            }
            _ => Err(Alert::UnexpectedMessage),
        }
    }

    /// From here on the client's records are protected.
    pub(super) fn change(&mut self) -> Result<Protection, Alert> {
        if self.stage != Stage::ChangeCipherSpec {
            return Err(Alert::UnexpectedMessage);
        }
        self.stage = Stage::Finished;
        let (read, _) = self.protections.as_mut().ok_or(Alert::InternalError)?;
        Ok(std::mem::replace(read, Protection::Plain))
    }

    /// The secret that both share before anything is made of it.
    fn secret(
        &self,
        body: &[u8],
        server: &Server<'_>,
        randomness: &mut Randomness,
    ) -> Result<Vec<u8>, Alert> {
        if let Some(ephemeral @ Ephemeral::Finite(..)) = &self.ephemeral {
            let (length, value) = body.split_at_checked(2).ok_or(Alert::DecodeError)?;
            if usize::from(u16::from_be_bytes([length[0], length[1]])) != value.len() {
                return Err(Alert::DecodeError);
            }
            let shared = ephemeral.agree(value).ok_or(Alert::IllegalParameter)?;
            // Without leading zeros (RFC 5246, 8.1.2).
            return Ok(shared.into_iter().skip_while(|byte| *byte == 0).collect());
        }
        if let Some(ephemeral) = &self.ephemeral {
            let (length, point) = body.split_first().ok_or(Alert::DecodeError)?;
            if usize::from(*length) != point.len() {
                return Err(Alert::DecodeError);
            }
            return ephemeral.agree(point).ok_or(Alert::IllegalParameter);
        }
        let (length, encrypted) = body.split_at_checked(2).ok_or(Alert::DecodeError)?;
        if usize::from(u16::from_be_bytes([length[0], length[1]])) != encrypted.len() {
            return Err(Alert::DecodeError);
        }
        // What was not encrypted to us becomes a secret that nobody knows (RFC 5246, 7.4.7.1): the failure shows later, and the same.
        let unknown: [u8; 48] = randomness.bytes();
        let secret = server.credential.key.decrypt(encrypted).filter(|secret| {
            secret.first_chunk().is_some_and(|version| *version == self.offered.to_be_bytes())
        });
        Ok(secret.unwrap_or(unknown).to_vec())
    }

    fn make_master(&mut self, secret: &[u8]) {
        let expansion = self.expansion();
        self.master = if self.agreement.extended_secret {
            let seed = expansion.transcript(&self.transcript);
            expansion.make(secret, "extended master secret", &[&seed], 48)
        } else {
            let seed = [&self.client_random[..], &self.server_random];
            expansion.make(secret, "master secret", &seed, 48)
        };
    }

    fn make_keys(&mut self, randomness: &mut Randomness) -> Result<(), Alert> {
        let expansion = self.expansion();
        let (suite, version): (&Suite, u16) = (self.agreement.suite, self.agreement.version);
        let (mac, iv) = (Protection::mac_length(suite), Protection::iv_length(suite, version));
        let seed = [&self.server_random[..], &self.client_random];
        let length = 2 * (mac + suite.key + iv);
        let block = expansion.make(&self.master, "key expansion", &seed, length);
        let mut rest = block.as_slice();
        let mut cut = |length: usize| {
            let (taken, left) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = left;
            taken
        };
        let macs = [cut(mac), cut(mac)];
        let keys = [cut(suite.key), cut(suite.key)];
        let ivs = [cut(iv), cut(iv)];
        let mut made = |side: usize| {
            let keys = Keys { mac: macs[side], key: keys[side], iv: ivs[side] };
            Protection::legacy(suite, &keys, self.agreement.mac_last, randomness)
        };
        self.protections = made(0).zip(made(1));
        self.protections.is_some().then_some(()).ok_or(Alert::InternalError)
    }

    fn verify_data(&self, label: &str) -> Vec<u8> {
        let expansion = self.expansion();
        let seed = expansion.transcript(&self.transcript);
        expansion.make(&self.master, label, &[&seed], VERIFY_DATA)
    }

    /// Lets the client go on with this session later, by a ticket or by its number.
    fn remember(&mut self, server: &Server<'_>, out: &mut Outgoing) -> Result<(), Alert> {
        let session = Remembered {
            version: self.agreement.version,
            suite: self.agreement.suite.code,
            extended: self.agreement.extended_secret,
            since: server.now.seconds(),
            secret: self.master.clone(),
        };
        let sessions = &server.credential.sessions;
        if self.agreement.ticket {
            let mut body = LIFETIME.to_be_bytes().to_vec();
            let ticket = sessions.ticket(session, server.profile, &mut out.randomness);
            body.put_u16_field(&ticket.ok_or(Alert::InternalError)?);
            out.message(NEW_SESSION_TICKET, &body, &mut self.transcript);
        } else if !server.profile.gives_tickets {
            sessions.keep(self.session, session);
        }
        Ok(())
    }

    /// Our end of the handshake, from which on our records are protected.
    fn finish(&mut self, out: &mut Outgoing) -> Result<Vec<u8>, Alert> {
        out.send(CHANGE_CIPHER_SPEC, &[1]);
        let (_, write) = self.protections.as_mut().ok_or(Alert::InternalError)?;
        out.protection = std::mem::replace(write, Protection::Plain);
        let finished = message(FINISHED, &self.verify_data("server finished"));
        out.send(HANDSHAKE, &finished);
        Ok(finished)
    }

    pub(super) const fn memory(&self) -> usize {
        self.transcript.capacity()
    }

    pub(super) const fn agreement(&self) -> &Agreement {
        &self.agreement
    }
}

/// The content of the extension that answers with one protocol (RFC 7301, 3.1).
pub(super) fn protocols(protocol: &str) -> Vec<u8> {
    let mut list = Vec::new();
    list.put_u8_field(protocol.as_bytes());
    let mut content = Vec::new();
    content.put_u16_field(&list);
    content
}

/// The version's own names of an exchange, for what is told of a session.
pub(super) fn shown(agreement: &Agreement) -> String {
    let group = match (agreement.suite.exchange, agreement.group) {
        (_, None) if agreement.resumed => "resumed",
        (Exchange::Rsa, _) | (_, None) => "RSA",
        (_, Some(group)) => group.name(),
    };
    let version = super::record::version_name(agreement.version);
    let protocol = agreement.protocol.map_or(String::new(), |protocol| format!(" {protocol}"));
    let again = if agreement.resumed && agreement.group.is_some() { " resumed" } else { "" };
    format!("{version} {} {group}{protocol}{again}", agreement.suite.name)
}
