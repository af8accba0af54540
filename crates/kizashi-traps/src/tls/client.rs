//! A small client of TLS 1.2 for golden transcripts, whose every byte comes from a seed: `ECDHE-ECDSA-AES128-GCM-SHA256` over X25519, and
//! nothing else. It uses the server's own arithmetic; that this is right is shown by `rustls` and OpenSSL, not here.

use std::sync::Arc;

use kizashi_event::Timestamp;

use super::hash::{Expansion, Hash};
use super::key_exchange::{Ephemeral, Group};
use super::protection::{Keys, Protection};
use super::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Outgoing, Put as _, TLS_1_2, message,
};
use super::suite::Suite;
use crate::randomness::Source;
use crate::{Identity, Output, Session, Trap, Visit};

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

/// A client in the middle of a session, and all that it sent, in pieces.
pub(crate) struct Client {
    session: Box<dyn Session>,
    answers: Output,
    out: Outgoing,
    suite: &'static Suite,
    pub(crate) sent: Vec<Vec<u8>>,
}

/// A hello without the record around it.
pub(crate) fn hello(suites: &[u16], extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = TLS_1_2.to_be_bytes().to_vec();
    body.extend([b'R'; 32]);
    body.put_u8_field(&[]);
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    body.put_u16_field(&suites);
    body.put_u8_field(&[0]);
    let mut fields = Vec::new();
    for (number, content) in extensions {
        fields.put_u16(*number);
        fields.put_u16_field(content);
    }
    body.put_u16_field(&fields);
    message(1, &body)
}

/// A record of a handshake without keys.
pub(crate) fn record(content: &[u8]) -> Vec<u8> {
    let mut record = vec![HANDSHAKE, 3, 1];
    record.put_u16_field(content);
    record
}

/// What the client of a script offers beside its suites.
pub(crate) const OFFER: [(u16, &[u8]); 5] = [
    (0, b"\0\x0c\0\0\x09shop.test"),
    (10, b"\0\x02\0\x1d"),
    (11, b"\x01\0"),
    (13, b"\0\x02\x04\x03"),
    (16, b"\0\x09\x08http/1.1"),
];

impl Client {
    /// Connects, and finishes a handshake.
    pub(crate) fn connect(trap: &Trap, identity: Identity) -> Self {
        Self::connect_after(trap, identity, &[])
    }

    /// The same after these bytes, which ask for it.
    pub(crate) fn connect_after(trap: &Trap, identity: Identity, plain: &[u8]) -> Self {
        let source = "192.0.2.7".parse().unwrap();
        let port = trap.ports.unprivileged[0];
        let visit = Visit { source, destination: "192.0.2.1".parse().ok(), port, encrypted: false };
        let mut session = (trap.begin)(&Arc::new(identity), visit);
        let mut answers = Output::new(trap.service.clone());
        session.open(NOW, &mut answers);
        let out = Outgoing::new(Source::new([3; 32]).stream());
        let suite = Suite::of_code(0xc02b).unwrap();
        let mut client = Self { session, answers, out, suite, sent: Vec::new() };
        if !plain.is_empty() {
            client.give(plain.to_vec());
        }
        client.shake_hands();
        client
    }

    fn give(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.session.receive(&bytes, NOW, &mut self.answers);
        self.sent.push(bytes);
        let mut answer = self.answers.take_reply();
        while self.answers.wants_turn() {
            self.session.receive(&[], NOW, &mut self.answers);
            answer.extend(self.answers.take_reply());
        }
        answer
    }

    fn shake_hands(&mut self) {
        let hello = hello(&[self.suite.code], &OFFER);
        let flight = self.give(record(&hello));
        let messages = handshake_messages(&flight);
        let mut transcript = [hello, messages.concat()].concat();
        let server_random = messages[0][6..38].to_vec();
        // Type, length, kind of curve, group, length, key.
        let theirs = messages[2][8..40].to_vec();
        let ours = Ephemeral::new(Group::X25519, &mut self.out.randomness).unwrap();
        let mut exchange = Vec::new();
        exchange.put_u8_field(&ours.public());
        self.out.message(16, &exchange, &mut transcript);

        let expansion = Expansion::One(Hash::Sha256);
        let secret = ours.agree(&theirs).unwrap();
        let randoms = [&[b'R'; 32][..], &server_random];
        let master = expansion.make(&secret, "master secret", &randoms, 48);
        let randoms = [&server_random, &[b'R'; 32][..]];
        let block = expansion.make(&master, "key expansion", &randoms, 40);
        let keys = Keys { mac: &[], key: &block[..16], iv: &block[32..36] };
        let write = Protection::legacy(self.suite, &keys, false, &mut self.out.randomness);
        self.out.send(CHANGE_CIPHER_SPEC, &[1]);
        self.out.protection = write.unwrap();
        let seed = expansion.transcript(&transcript);
        let finished = expansion.make(&master, "client finished", &[&seed], 12);
        self.out.send(HANDSHAKE, &message(20, &finished));
        let sent = std::mem::take(&mut self.out.bytes);
        let answer = self.give(sent);
        assert!(answer.starts_with(&[CHANGE_CIPHER_SPEC]), "{answer:?}");
    }

    /// Says something inside.
    pub(crate) fn say(&mut self, content: &[u8]) {
        self.out.send(APPLICATION_DATA, content);
        let sent = std::mem::take(&mut self.out.bytes);
        self.give(sent);
    }

    /// Says that it is done.
    pub(crate) fn leave(&mut self) {
        self.out.send(ALERT, &[1, 0]);
        let sent = std::mem::take(&mut self.out.bytes);
        self.give(sent);
    }
}

/// The handshake messages of a flight without keys, each of which is a record.
fn handshake_messages(mut flight: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let [HANDSHAKE, 3, 3, high, low, rest @ ..] = flight {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        messages.push(rest[..length].to_vec());
        flight = &rest[length..];
    }
    messages
}
