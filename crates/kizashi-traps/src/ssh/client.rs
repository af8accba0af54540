//! A client for tests, over the same packets: it speaks to a session without a socket, checks the server's signature, and keeps what it
//! sent, so that a dialogue under keys can be kept as a golden transcript and played again byte for byte.

use std::sync::Arc;

use kizashi_event::{Port, Timestamp};

use super::TRAP;
use super::cipher::{CipherKind, Protection};
use super::exchange::{self, Agreement, Group, Method};
use super::mac::MacKind;
use super::packet::{Incoming, Outgoing};
use super::wire::{Reader, Write as _, message};
use crate::randomness::Source;
use crate::{Identity, Output, Seen, Session, Visit};

/// What the client offers.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    pub(super) exchange: &'static str,
    pub(super) host_key: &'static str,
    pub(super) cipher: &'static str,
    pub(super) mac: &'static str,
    pub(super) compression: &'static str,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            exchange: "curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com",
            host_key: "ssh-ed25519",
            cipher: "chacha20-poly1305@openssh.com",
            mac: "hmac-sha2-256",
            compression: "none",
        }
    }
}

pub(super) const NAME: &[u8] = b"SSH-2.0-Go";

pub(super) struct Client {
    session: Box<dyn Session>,
    pub(super) out: Output,
    incoming: Incoming,
    outgoing: Outgoing,
    source: Source,
    offer: Offer,
    /// What the server sent and was not read yet.
    received: Vec<u8>,
    /// What was sent, a piece for each call.
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) seen: Vec<Seen>,
    server: Vec<u8>,
    session_id: Vec<u8>,
    compressed: Option<(super::compression::Deflater, super::compression::Inflater)>,
    pub(super) now: Timestamp,
}

impl Client {
    /// Connects and reads the server's line.
    pub(super) fn connect(identity: Identity, offer: Offer) -> Self {
        Self::connect_to(Self::session(identity), offer)
    }

    /// A session with this trap.
    pub(super) fn session(identity: Identity) -> Box<dyn Session> {
        let visit = Visit {
            source: "192.0.2.7".parse().unwrap(),
            destination: "192.0.2.1".parse().ok(),
            port: Port::tcp(22),
            encrypted: false,
        };
        (TRAP.begin)(&Arc::new(identity), visit)
    }

    /// The same to whatever answers.
    pub(super) fn connect_to(session: Box<dyn Session>, offer: Offer) -> Self {
        let mut client = Self {
            session,
            out: Output::new(TRAP.service),
            incoming: Incoming::new(),
            outgoing: Outgoing::new(),
            source: Source::new([0x5e; 32]),
            offer,
            received: Vec::new(),
            sent: Vec::new(),
            seen: Vec::new(),
            server: Vec::new(),
            session_id: Vec::new(),
            compressed: None,
            now: Timestamp::from_seconds(1_795_582_440),
        };
        client.session.open(client.now, &mut client.out);
        client.settle();
        let end = client.received.iter().position(|byte| *byte == b'\n').unwrap();
        client.server = client.received.drain(..=end).collect();
        client.server.truncate(end - 1);
        client
    }

    /// Connects, exchanges keys and asks for logins.
    pub(super) fn ready(identity: Identity, offer: Offer) -> Self {
        let mut client = Self::connect(identity, offer);
        client.begin();
        client
    }

    /// Names itself, exchanges keys and asks for logins.
    pub(super) fn begin(&mut self) {
        let client = self;
        client.give(&[NAME, b"\r\n"].concat());
        client.exchange_keys();
        client.send(&[&[message::SERVICE_REQUEST][..], &text(b"ssh-userauth")].concat());
        if client.offer.exchange.contains("ext-info-c") {
            assert_eq!(client.next()[0], message::EXT_INFO);
        }
        assert_eq!(client.next()[0], message::SERVICE_ACCEPT);
    }

    /// All of that, and in.
    pub(super) fn logged_in(identity: Identity, offer: Offer) -> Self {
        let mut client = Self::ready(identity, offer);
        client.password(b"root", b"letmein9");
        client.is_in();
        client
    }

    /// The server says that the last password was right.
    pub(super) fn is_in(&mut self) {
        let client = self;
        assert_eq!(client.next()[0], message::USERAUTH_SUCCESS);
        if client.offer.compression != "none" {
            client.compressed = Some((Default::default(), super::compression::Inflater::new()));
        }
        assert_eq!(client.next()[0], message::GLOBAL_REQUEST);
    }

    pub(super) fn password(&mut self, user: &[u8], password: &[u8]) {
        let mut payload = vec![message::USERAUTH_REQUEST];
        for part in [user, b"ssh-connection", b"password"] {
            payload.put_string(part);
        }
        payload.put_bool(false);
        payload.put_string(password);
        self.send(&payload);
    }

    /// Opens a session; its number.
    pub(super) fn open_session(&mut self) -> u32 {
        self.open("session", &[])
    }

    /// Asks to be connected onward; the channel's number.
    pub(super) fn forward(&mut self, host: &[u8], port: u32) -> u32 {
        let mut rest = text(host);
        rest.put_u32(port);
        rest.put_string("127.0.0.1");
        rest.put_u32(40_000);
        self.open("direct-tcpip", &rest)
    }

    fn open(&mut self, kind: &str, rest: &[u8]) -> u32 {
        self.all();
        let mut payload = vec![message::CHANNEL_OPEN];
        payload.put_string(kind);
        payload.put_u32(7);
        payload.put_u32(1 << 20);
        payload.put_u32(32 * 1024);
        payload.extend_from_slice(rest);
        self.send(&payload);
        let answer = self.next();
        assert_eq!(answer[0], message::CHANNEL_OPEN_CONFIRMATION);
        let mut reader = Reader::new(&answer[5..]);
        reader.u32().unwrap()
    }

    pub(super) fn request(&mut self, channel: u32, name: &str, rest: &[u8]) {
        let mut payload = vec![message::CHANNEL_REQUEST];
        payload.put_u32(channel);
        payload.put_string(name);
        payload.put_bool(true);
        payload.extend_from_slice(rest);
        self.send(&payload);
    }

    pub(super) fn data(&mut self, channel: u32, data: &[u8]) {
        let mut payload = vec![message::CHANNEL_DATA];
        payload.put_u32(channel);
        payload.put_string(data);
        self.send(&payload);
    }

    /// Gives the session bytes as they are.
    pub(super) fn give(&mut self, bytes: &[u8]) {
        self.sent.push(bytes.to_vec());
        for piece in bytes.chunks(crate::trap::PIECE) {
            self.session.receive(piece, self.now, &mut self.out);
            self.settle();
        }
    }

    pub(super) fn send(&mut self, payload: &[u8]) {
        let payload = match &mut self.compressed {
            Some((deflater, _)) => deflater.deflate(payload),
            None => payload.to_vec(),
        };
        let packet = self.outgoing.seal(&payload, &mut self.source.stream());
        self.give(&packet);
    }

    fn settle(&mut self) {
        for turn in 0.. {
            assert!(turn < 10_000, "a session that takes turns for ever");
            self.received.extend(self.out.take_reply());
            self.seen.extend(self.out.take_seen());
            assert!(self.session.memory() <= TRAP.limits.memory);
            if !self.out.wants_turn() {
                break;
            }
            self.session.receive(&[], self.now, &mut self.out);
        }
    }

    /// The next message of the server, if there is one.
    pub(super) fn try_next(&mut self) -> Option<Vec<u8>> {
        let received = std::mem::take(&mut self.received);
        let mut rest = received.as_slice();
        let payload = self.incoming.next(&mut rest).expect("a packet");
        self.received = rest.to_vec();
        let payload = payload?;
        match &mut self.compressed {
            Some((_, inflater)) => inflater.inflate(&payload),
            None => Some(payload),
        }
    }

    pub(super) fn next(&mut self) -> Vec<u8> {
        self.try_next().expect("a message of the server")
    }

    /// All messages that are there.
    pub(super) fn all(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.try_next()).collect()
    }

    /// Bytes that are not whole packets, and whether the server has closed.
    pub(super) fn rest(&self) -> (&[u8], bool) {
        (&self.received, self.out.is_closing())
    }

    pub(super) fn end(&mut self) {
        self.session.end(self.now, &mut self.out);
        self.seen.extend(self.out.take_seen());
    }

    pub(super) fn offer_payload(&self) -> Vec<u8> {
        let offer = self.offer;
        let mut payload = vec![message::KEXINIT];
        payload.extend([9; 16]);
        for list in [
            offer.exchange,
            offer.host_key,
            offer.cipher,
            offer.cipher,
            offer.mac,
            offer.mac,
            offer.compression,
            offer.compression,
            "",
            "",
        ] {
            payload.put_string(list);
        }
        payload.put_bool(false);
        payload.put_u32(0);
        payload
    }

    /// Exchanges keys, for the first time or again.
    pub(super) fn exchange_keys(&mut self) {
        let ours = self.offer_payload();
        self.send(&ours);
        let theirs = self.next();
        assert_eq!(theirs[0], message::KEXINIT);
        let method = self.offer.exchange.split(',').next().unwrap();
        let method = Method::from_name(method.as_bytes()).unwrap();
        let (mut sizes, mut group) = (Vec::new(), None);
        if matches!(method, Method::Chosen(_)) {
            for size in [2_048, 2_048, 8_192] {
                sizes.put_u32(size);
            }
            self.send(&[&[message::GEX_REQUEST][..], &sizes].concat());
            let answer = self.next();
            let mut reader = Reader::new(&answer[1..]);
            let (prime, generator) = (reader.mpint().unwrap(), reader.mpint().unwrap());
            sizes.extend_from_slice(&answer[1..]);
            group = Some(Group { prime: prime.to_vec(), generator: generator[0] });
        }
        let ours_public = agreed(method, group.as_ref(), &dummy(method)).public;
        let number = if group.is_some() { message::GEX_INIT } else { message::KEX_FIRST };
        self.send(&[&[number][..], &ours_public].concat());
        let reply = self.next();
        assert_eq!(reply[0], number + 1);
        let mut reader = Reader::new(&reply[1..]);
        let key = reader.string().unwrap().to_vec();
        let mut theirs_public = Vec::new();
        theirs_public.put_string(reader.string().unwrap());
        let signature = reader.string().unwrap().to_vec();
        let secret = agreed(method, group.as_ref(), &theirs_public).secret;
        let mut named = Vec::new();
        for part in [NAME, &self.server, &ours, &theirs, &key] {
            named.put_string(part);
        }
        let hash = method.hash();
        let digest = hash.of(&[&named, &sizes, &ours_public, &theirs_public, &secret]);
        verify(&key, &signature, &digest);
        if self.session_id.is_empty() {
            self.session_id.clone_from(&digest);
        }
        assert_eq!(self.next(), [message::NEWKEYS]);
        self.send(&[message::NEWKEYS]);
        let session = self.session_id.clone();
        let derive = |letter, length| hash.derive((&secret, &digest, &session), letter, length);
        let strict = self.offer.exchange.contains("kex-strict");
        let cipher = CipherKind::from_name(self.offer.cipher.as_bytes()).unwrap();
        let mac = MacKind::from_name(self.offer.mac.as_bytes()).unwrap();
        let protection = |iv, key, mac_letter| {
            let (key, iv) = (derive(key, cipher.key_length()), derive(iv, cipher.iv_length()));
            let mac_key = derive(mac_letter, mac.0.key_length());
            let mac = (!cipher.is_authenticated()).then_some((mac, mac_key.as_slice()));
            Protection::new(cipher, (&key, &iv), mac).unwrap()
        };
        self.outgoing.protect(protection(b'A', b'C', b'E'), strict);
        self.incoming.protect(protection(b'B', b'D', b'F'), strict);
        if self.compressed.is_some() {
            self.compressed = Some((Default::default(), super::compression::Inflater::new()));
        }
    }
}

pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    written.put_string(bytes);
    written
}

/// Always the same secret, so that it can be used twice: for the public value and for the shared secret.
fn agreed(method: Method, group: Option<&Group>, theirs: &[u8]) -> Agreement {
    let mut randomness = Source::new([0xc1; 32]).stream();
    match group {
        Some(group) => exchange::in_group(group, theirs, &mut randomness).unwrap(),
        None => exchange::agree(method, theirs, &mut randomness).unwrap(),
    }
}

/// A public value that is valid.
fn dummy(method: Method) -> Vec<u8> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let small = |length: usize| {
        let mut bytes = vec![0; length];
        bytes[length - 1] = 9;
        bytes
    };
    let point = match method {
        Method::Sntrup761 => panic!("the client has no half of it"),
        Method::Curve25519 => {
            let mut bytes = vec![0; 32];
            bytes[0] = 9;
            bytes
        }
        Method::Nist256 => {
            let key = p256::SecretKey::from_slice(&small(32)).unwrap();
            key.public_key().to_sec1_point(false).as_bytes().to_vec()
        }
        Method::Nist384 => {
            let key = p384::SecretKey::from_slice(&small(48)).unwrap();
            key.public_key().to_sec1_point(false).as_bytes().to_vec()
        }
        Method::Nist521 => {
            let key = p521::SecretKey::from_slice(&small(66)).unwrap();
            key.public_key().to_sec1_point(false).as_bytes().to_vec()
        }
        Method::Fixed(..) | Method::Chosen(_) => vec![0x7f; 100],
    };
    text(&point)
}

/// Checks the server's signature with the key that it gave.
fn verify(key: &[u8], signature: &[u8], message: &[u8]) {
    let (mut key, mut signature) = (Reader::new(key), Reader::new(signature));
    let (kind, name) = (key.string().unwrap(), signature.string().unwrap());
    let blob = signature.string().unwrap();
    match kind {
        b"ssh-ed25519" => {
            let bytes: [u8; 32] = key.string().unwrap().try_into().unwrap();
            let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).unwrap();
            let signature = ed25519_dalek::Signature::from_slice(blob).unwrap();
            key.verify_strict(message, &signature).unwrap();
        }
        b"ecdsa-sha2-nistp256" => {
            use p256::ecdsa::signature::Verifier as _;
            key.string().unwrap();
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key.string().unwrap()).unwrap();
            let mut numbers = Reader::new(blob);
            let mut number = || {
                let magnitude = numbers.mpint().unwrap();
                let mut bytes = [0; 32];
                bytes[32 - magnitude.len()..].copy_from_slice(magnitude);
                bytes
            };
            let signature = p256::ecdsa::Signature::from_scalars(number(), number()).unwrap();
            key.verify(message, &signature).unwrap();
        }
        b"ssh-rsa" => {
            let number = |bytes: &[u8]| crypto_bigint::BoxedUint::from_be_slice_vartime(bytes);
            let (e, n) = (number(key.mpint().unwrap()), number(key.mpint().unwrap()));
            let key = rsa::PublicKey::new(n, e).unwrap();
            let right = match name {
                b"rsa-sha2-512" => key.pkcs1v15_verify::<sha2::Sha512>(message, blob),
                b"rsa-sha2-256" => key.pkcs1v15_verify::<sha2::Sha256>(message, blob),
                _ => key.pkcs1v15_verify::<sha1::Sha1>(message, blob),
            };
            right.unwrap();
        }
        other => panic!("{}", String::from_utf8_lossy(other)),
    }
}
