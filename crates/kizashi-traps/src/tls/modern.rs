//! The handshake of TLS 1.3 (RFC 8446), without early data or certificates of clients. Messages come one a record and in
//! OpenSSL's order, with the change of cipher that stands for nothing where the client speaks of a session (appendix D.4).

use kizashi_event::fingerprint::ClientHello;

use super::alert::Alert;
use super::hash::Hash;
use super::key_exchange::{Ephemeral, Group};
use super::legacy::{CERTIFICATE, FINISHED, NEW_SESSION_TICKET, SERVER_HELLO, protocols};
use super::negotiation::{
    Agreement, EARLY_DATA, KEY_SHARE, MAX_FRAGMENT_LENGTH, PRE_SHARED_KEY, PROTOCOLS, SERVER_NAME,
    SUPPORTED_VERSIONS,
};
use super::protection::Protection;
use super::record::{CHANGE_CIPHER_SPEC, HANDSHAKE, Outgoing, Put as _, TLS_1_2, TLS_1_3, message};
use super::resumption::{LIFETIME, Remembered};
use super::store::Server;

const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const KEY_UPDATE: u8 = 24;
const MESSAGE_HASH: u8 = 254;

/// The random bytes by which a client knows that it is to try again (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = *b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";

/// A handshake that has been answered.
pub(super) struct Modern {
    agreement: Agreement,
    transcript: Vec<u8>,
    /// Of the client: its handshake traffic, then its application traffic.
    secrets: (Vec<u8>, Vec<u8>),
    /// Of the server's application traffic.
    written: Vec<u8>,
    /// What both shared before, until it is no longer needed, and then what sessions to come are made of.
    basis: Vec<u8>,
}

/// What to do about a hello.
pub(super) enum Answer {
    /// The client is to try again with a key for another group.
    Retry(Retry),
    Begun(Box<Modern>, Protection),
}

/// What is kept of a first hello.
pub(super) struct Retry {
    transcript: Vec<u8>,
    group: Group,
    suite: u16,
}

impl Modern {
    /// Answers a hello, which `raw` is with its head; `before` where it is the second.
    pub(super) fn answer(
        hello: &ClientHello,
        raw: &[u8],
        mut agreement: Agreement,
        before: Option<Retry>,
        server: &Server<'_>,
        out: &mut Outgoing,
    ) -> Result<Answer, Alert> {
        out.version = TLS_1_2;
        out.limit(agreement.fragment);
        let group = agreement.group.ok_or(Alert::HandshakeFailure)?;
        let shares = hello.key_shares();
        let share = shares.iter().find(|(code, _)| *code == group.code());
        let Some((_, theirs)) = share else {
            if before.is_some() {
                return Err(Alert::IllegalParameter);
            }
            return Ok(Answer::Retry(retry(hello, raw, &agreement, group, out)));
        };
        let fits = before
            .as_ref()
            .is_none_or(|before| before.group == group && before.suite == agreement.suite.code);
        if !fits {
            return Err(Alert::IllegalParameter);
        }
        let ephemeral = Ephemeral::new(group, &mut out.randomness).ok_or(Alert::InternalError)?;
        let shared = ephemeral.agree(theirs).ok_or(Alert::IllegalParameter)?;
        let retried = before.is_some();
        let mut transcript = before.map_or_else(Vec::new, |before| before.transcript);
        let sessions = &server.credential.sessions;
        let (so_far, hash) = ((transcript.as_slice(), raw), agreement.suite.hash);
        let by = (server.profile, server.now);
        let (place, basis) = sessions.shared_before(hello, so_far, hash, by)?.unzip();
        agreement.resumed = place.is_some();
        transcript.extend_from_slice(raw);
        let random = out.randomness.bytes();
        let share = key_share(group, &ephemeral);
        let body = server_hello(hello, &agreement, random, (&share, place));
        out.message(SERVER_HELLO, &body, &mut transcript);
        if !hello.session.is_empty() && !retried {
            out.send(CHANGE_CIPHER_SPEC, &[1]);
        }
        let mut begun = Self {
            agreement,
            transcript,
            secrets: (Vec::new(), Vec::new()),
            written: Vec::new(),
            basis: basis.unwrap_or_default(),
        };
        let read = begun.finish_flight(&shared, server, out)?;
        Ok(Answer::Begun(Box::new(begun), read))
    }

    /// Everything from the first keys to Finished; gives the protection of what the client sends next.
    fn finish_flight(
        &mut self,
        shared: &[u8],
        server: &Server<'_>,
        out: &mut Outgoing,
    ) -> Result<Protection, Alert> {
        let (suite, hash) = (self.agreement.suite, self.agreement.suite.hash);
        let nothing = hash.of(&[]);
        let size = u8::try_from(hash.length()).unwrap_or(0);
        self.basis.resize(hash.length(), 0);
        let early = hash.extract(&[], &self.basis);
        let handshake = hash.extract(&hash.expand(&early, "derived", &nothing, size), shared);
        let so_far = hash.of(&self.transcript);
        let client = hash.expand(&handshake, "c hs traffic", &so_far, size);
        let ours = hash.expand(&handshake, "s hs traffic", &so_far, size);
        let keyed = |secret: &[u8]| Protection::modern(suite, secret).ok_or(Alert::InternalError);
        out.protection = keyed(&ours)?;
        self.flight(server, out)?;
        let finished = verify_data(hash, &ours, &self.transcript);
        out.message(FINISHED, &finished, &mut self.transcript);

        let derived = hash.expand(&handshake, "derived", &nothing, size);
        let master = hash.extract(&derived, &vec![0; hash.length()]);
        let whole = hash.of(&self.transcript);
        self.written = hash.expand(&master, "s ap traffic", &whole, size);
        let read = hash.expand(&master, "c ap traffic", &whole, size);
        out.protection = keyed(&self.written)?;
        self.basis = master;
        let protection = keyed(&client)?;
        self.secrets = (client, read);
        Ok(protection)
    }

    /// Extensions, certificate, and the proof that it is ours.
    fn flight(&mut self, server: &Server<'_>, out: &mut Outgoing) -> Result<(), Alert> {
        let mut extensions = Vec::new();
        if self.agreement.named {
            extensions.put_u16(SERVER_NAME);
            extensions.put_u16_field(&[]);
        }
        if let Some(mode) = self.agreement.fragment {
            extensions.put_u16(MAX_FRAGMENT_LENGTH);
            extensions.put_u16_field(&[mode]);
        }
        if let Some(protocol) = self.agreement.protocol {
            extensions.put_u16(PROTOCOLS);
            extensions.put_u16_field(&protocols(protocol));
        }
        let mut body = Vec::new();
        body.put_u16_field(&extensions);
        out.message(ENCRYPTED_EXTENSIONS, &body, &mut self.transcript);
        if self.agreement.resumed {
            return Ok(());
        }

        let credential = server.credential;
        let mut entries = Vec::new();
        for certificate in credential.chain() {
            entries.put_u24_field(certificate);
            entries.put_u16_field(&[]);
        }
        let mut body = vec![0];
        body.put_u24_field(&entries);
        out.message(CERTIFICATE, &body, &mut self.transcript);

        let scheme = self.agreement.scheme.ok_or(Alert::HandshakeFailure)?;
        let code = scheme.code().ok_or(Alert::HandshakeFailure)?;
        let digest = self.agreement.suite.hash.of(&self.transcript);
        let signed = [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0", &digest].concat();
        let signature = credential.key.sign(scheme, &signed, &mut out.randomness);
        let mut body = code.to_be_bytes().to_vec();
        body.put_u16_field(&signature.ok_or(Alert::InternalError)?);
        out.message(CERTIFICATE_VERIFY, &body, &mut self.transcript);
        Ok(())
    }

    /// Takes the client's Finished; gives the protection of what it sends from then on.
    pub(super) fn take(
        &mut self,
        (kind, body): (u8, &[u8]),
        server: &Server<'_>,
        out: &mut Outgoing,
    ) -> Result<Protection, Alert> {
        if kind != FINISHED {
            return Err(Alert::UnexpectedMessage);
        }
        let hash = self.agreement.suite.hash;
        if verify_data(hash, &self.secrets.0, &self.transcript) != body {
            return Err(Alert::DecryptError);
        }
        self.transcript.extend(message(kind, body));
        let size = u8::try_from(hash.length()).unwrap_or(0);
        let basis = hash.expand(&self.basis, "res master", &hash.of(&self.transcript), size);
        (self.transcript, self.basis) = (Vec::new(), Vec::new());
        // Two at first, one for each that was used.
        for number in 0..if self.agreement.resumed { 1 } else { 2_u64 } {
            let nonce = number.to_be_bytes();
            let session = Remembered {
                version: TLS_1_3,
                suite: self.agreement.suite.code,
                extended: false,
                since: server.now.seconds(),
                secret: hash.expand(&basis, "resumption", &nonce, size),
            };
            let ticket = ticket(nonce, session, server, out).ok_or(Alert::InternalError)?;
            out.send(HANDSHAKE, &message(NEW_SESSION_TICKET, &ticket));
        }
        Protection::modern(self.agreement.suite, &self.secrets.1).ok_or(Alert::InternalError)
    }

    /// The client has new keys, and wants ours to be new if it asks (RFC 8446, 4.6.3).
    pub(super) fn update(&mut self, body: &[u8], out: &mut Outgoing) -> Result<Protection, Alert> {
        let [asked @ 0..=1] = body else { return Err(Alert::IllegalParameter) };
        let suite = self.agreement.suite;
        let size = u8::try_from(suite.hash.length()).unwrap_or(0);
        let next = |secret: &[u8]| suite.hash.expand(secret, "traffic upd", &[], size);
        if *asked == 1 {
            out.send(HANDSHAKE, &message(KEY_UPDATE, &[0]));
            self.written = next(&self.written);
            out.protection =
                Protection::modern(suite, &self.written).ok_or(Alert::InternalError)?;
        }
        self.secrets.1 = next(&self.secrets.1);
        Protection::modern(suite, &self.secrets.1).ok_or(Alert::InternalError)
    }

    pub(super) const fn memory(&self) -> usize {
        self.transcript.capacity() + self.basis.capacity()
    }

    pub(super) const fn agreement(&self) -> &Agreement {
        &self.agreement
    }
}

/// Whether a client means to send data before it has our answer.
pub(super) fn sends_early(hello: &ClientHello) -> bool {
    hello.extension(EARLY_DATA).is_some()
}

fn verify_data(hash: Hash, secret: &[u8], transcript: &[u8]) -> Vec<u8> {
    let size = u8::try_from(hash.length()).unwrap_or(0);
    let key = hash.expand(secret, "finished", &[], size);
    hash.keyed(&key, &[&hash.of(transcript)])
}

fn key_share(group: Group, ephemeral: &Ephemeral) -> Vec<u8> {
    let mut share = group.code().to_be_bytes().to_vec();
    share.put_u16_field(&ephemeral.public());
    share
}

fn server_hello(
    hello: &ClientHello,
    agreement: &Agreement,
    random: [u8; 32],
    (share, place): (&[u8], Option<u16>),
) -> Vec<u8> {
    let mut body = TLS_1_2.to_be_bytes().to_vec();
    body.extend(random);
    body.put_u8_field(&hello.session);
    body.put_u16(agreement.suite.code);
    body.push(0);
    let mut extensions = Vec::new();
    extensions.put_u16(SUPPORTED_VERSIONS);
    extensions.put_u16_field(&TLS_1_3.to_be_bytes());
    extensions.put_u16(KEY_SHARE);
    extensions.put_u16_field(share);
    if let Some(place) = place {
        extensions.put_u16(PRE_SHARED_KEY);
        extensions.put_u16_field(&place.to_be_bytes());
    }
    body.put_u16_field(&extensions);
    body
}

fn retry(
    hello: &ClientHello,
    raw: &[u8],
    agreement: &Agreement,
    group: Group,
    out: &mut Outgoing,
) -> Retry {
    // The first hello becomes its hash (RFC 8446, 4.4.1).
    let mut transcript = message(MESSAGE_HASH, &agreement.suite.hash.of(raw));
    let body = server_hello(hello, agreement, RETRY, (&group.code().to_be_bytes(), None));
    out.message(SERVER_HELLO, &body, &mut transcript);
    if !hello.session.is_empty() {
        out.send(CHANGE_CIPHER_SPEC, &[1]);
    }
    Retry { transcript, group, suite: agreement.suite.code }
}

fn ticket(
    nonce: [u8; 8],
    session: Remembered,
    server: &Server<'_>,
    out: &mut Outgoing,
) -> Option<Vec<u8>> {
    let mut body = LIFETIME.to_be_bytes().to_vec();
    // What is added to its age is not looked at: that guards early data alone, of which there is none.
    body.extend(out.randomness.bytes::<4>());
    body.put_u8_field(&nonce);
    let sessions = &server.credential.sessions;
    body.put_u16_field(&sessions.ticket(session, server.profile, &mut out.randomness)?);
    body.put_u16_field(&[]);
    Some(body)
}
