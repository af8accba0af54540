//! Sessions that a client goes on with: by a ticket that only this installation can read (RFC 5077; RFC 8446, 4.6.1), as nginx and devices
//! do it, or by a number under which the server remembers (RFC 5246, 7.3), as Apache httpd does where `SSLSessionTickets` is off, in TLS 1.3
//! too. Sizes of tickets and their number as measured on nginx 1.22.1 and httpd 2.4 with OpenSSL 3.0.
//!
//! A ticket's key comes from the installation's seed: unlike nginx's it outlives a restart of the trap, which a visitor should not see.

use std::sync::{Mutex, PoisonError};

use kizashi_event::Timestamp;
use kizashi_event::fingerprint::ClientHello;

use super::alert::Alert;
use super::cipher::{Authenticated, NONCE};
use super::hash::Hash;
use super::negotiation::{Agreement, PRE_SHARED_KEY, PSK_MODES, SESSION_TICKET, mac_last};
use super::profile::Profile;
use super::record::{Put as _, TLS_1_3};
use super::suite::{Bulk, Suite};
use crate::draw::Draw;
use crate::login::Memory;
use crate::randomness::Randomness;

/// Seconds for which a session can be gone on with: nginx's `ssl_session_timeout` and httpd's `SSLSessionCacheTimeout`.
pub(super) const LIFETIME: u32 = 300;
/// Bytes of a ticket before TLS 1.3, and of one since.
const OLD_TICKET: usize = 192;
const TICKET: usize = 224;
/// Bytes of the number of a session.
pub(super) const NUMBER: usize = 32;
/// Sessions in each of two generations that a server remembers: half a megabyte at most.
const REMEMBERED: usize = 1_024;
/// Tickets in a hello that are tried.
const TRIED: usize = 16;
/// Bytes before what a ticket holds: the key's name, and a nonce in the room of a block.
const NAME: usize = 16;
const HEAD: usize = 2 * NAME;
/// Key exchange with what was shared before (RFC 8446, 4.2.9); OpenSSL takes it in no other way.
const WITH_EXCHANGE: u8 = 1;

/// What is remembered of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) version: u16,
    pub(super) suite: u16,
    /// It has the extended master secret (RFC 7627).
    pub(super) extended: bool,
    pub(super) since: i64,
    pub(super) secret: Vec<u8>,
}

impl Remembered {
    fn is_good(&self, now: Timestamp) -> bool {
        (0..i64::from(LIFETIME)).contains(&now.seconds().saturating_sub(self.since))
    }

    fn write(&self) -> Vec<u8> {
        let mut text = self.version.to_be_bytes().to_vec();
        text.put_u16(self.suite);
        text.push(u8::from(self.extended));
        text.extend(self.since.to_be_bytes());
        text.put_u8_field(&self.secret);
        text
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_first_chunk::<14>()?;
        let [v0, v1, s0, s1, extended, since @ .., length] = *head;
        Some(Self {
            version: u16::from_be_bytes([v0, v1]),
            suite: u16::from_be_bytes([s0, s1]),
            extended: extended == 1,
            since: i64::from_be_bytes(since),
            secret: rest.get(..usize::from(length))?.to_vec(),
        })
    }
}

/// Sessions of one server.
pub(crate) struct Sessions {
    name: [u8; NAME],
    key: Authenticated,
    by_number: Mutex<Memory<[u8; NUMBER], Option<Remembered>>>,
}

impl Sessions {
    /// Those of the server with this label; `None` is not to be expected.
    pub(super) fn new(seed: &[u8; 32], label: &str) -> Option<Self> {
        let draw = Draw::new(seed, label);
        let bytes: Vec<u8> = (0..6).flat_map(|place| draw.number(place).to_be_bytes()).collect();
        let (name, key) = bytes.split_first_chunk()?;
        let key = Authenticated::new(Bulk::Gcm, key)?;
        Some(Self { name: *name, key, by_number: Mutex::new(Memory::new(REMEMBERED)) })
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Memory<[u8; NUMBER], Option<Remembered>>> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a session under its number.
    pub(super) fn keep(&self, number: [u8; NUMBER], session: Remembered) {
        *self.table().of(number) = Some(session);
    }

    fn find(&self, number: &[u8], now: Timestamp) -> Option<Remembered> {
        let number: [u8; NUMBER] = number.try_into().ok()?;
        let mut table = self.table();
        // Whoever is not known takes no place.
        let known = table.knows(number).then(|| table.of(number).clone()).flatten();
        known.filter(|session| session.is_good(now))
    }

    /// What the client brings back to go on with this session.
    pub(super) fn ticket(
        &self,
        session: Remembered,
        profile: &Profile,
        randomness: &mut Randomness,
    ) -> Option<Vec<u8>> {
        if !profile.gives_tickets {
            let number = randomness.bytes();
            self.keep(number, session);
            return Some(number.to_vec());
        }
        let length = if session.version >= TLS_1_3 { TICKET } else { OLD_TICKET };
        let mut text = session.write();
        text.resize(length - HEAD - self.key.tag(), 0);
        let nonce: [u8; NAME] = randomness.bytes();
        self.key.seal(*nonce.first_chunk::<NONCE>()?, &self.name, &mut text)?;
        Some([&self.name[..], &nonce, &text].concat())
    }

    fn read(&self, ticket: &[u8], profile: &Profile, now: Timestamp) -> Option<Remembered> {
        if !profile.gives_tickets {
            return self.find(ticket, now);
        }
        let rest = ticket.strip_prefix(&self.name[..])?;
        let (nonce, sealed) = rest.split_at_checked(NAME)?;
        let mut text = sealed.to_vec();
        self.key.open(*nonce.first_chunk::<NONCE>()?, &self.name, &mut text)?;
        Remembered::read(&text).filter(|session| session.is_good(now))
    }

    /// The session that a client of TLS 1.2 or before goes on with; the agreement becomes that session's.
    pub(super) fn resumed(
        &self,
        hello: &ClientHello,
        agreement: &mut Agreement,
        (profile, now): (&Profile, Timestamp),
    ) -> Result<Option<Remembered>, Alert> {
        let found = match hello.extension(SESSION_TICKET) {
            Some(ticket) if profile.gives_tickets => self.read(ticket, profile, now),
            _ if profile.gives_tickets => None,
            _ => self.find(&hello.session, now),
        };
        let Some(session) = found.filter(|session| session.version == agreement.version) else {
            return Ok(None);
        };
        // RFC 7627, 5.3.
        match (session.extended, agreement.extended_secret) {
            (true, false) => return Err(Alert::HandshakeFailure),
            (false, true) => return Ok(None),
            _ => {}
        }
        if !hello.cipher_suites.contains(&session.suite) {
            return Err(Alert::IllegalParameter);
        }
        let Some(suite) = Suite::of_code(session.suite) else { return Ok(None) };
        *agreement = Agreement {
            suite,
            group: None,
            scheme: None,
            named: false,
            ticket: false,
            resumed: true,
            mac_last: mac_last(hello, profile, suite),
            ..agreement.clone()
        };
        Ok(Some(session))
    }

    /// The place among a hello's tickets of one that can be gone on with in TLS 1.3, and its secret; `before` is what was said before a
    /// hello, which `raw` is with its head.
    pub(super) fn shared_before(
        &self,
        hello: &ClientHello,
        (before, raw): (&[u8], &[u8]),
        hash: Hash,
        (profile, now): (&Profile, Timestamp),
    ) -> Result<Option<(u16, Vec<u8>)>, Alert> {
        let Some(content) = hello.extension(PRE_SHARED_KEY) else { return Ok(None) };
        let modes = hello.extension(PSK_MODES).and_then(<[u8]>::split_first);
        if modes.is_none_or(|(_, modes)| !modes.contains(&WITH_EXCHANGE)) {
            return Ok(None);
        }
        let (identities, rest) = field(content, 2).ok_or(Alert::DecodeError)?;
        let (binders, end) = field(rest, 2).ok_or(Alert::DecodeError)?;
        // It is the last, for what is bound is all that stands before.
        let Some(bound) = raw.strip_suffix(rest).filter(|_| end.is_empty()) else {
            return Err(Alert::IllegalParameter);
        };
        let tickets = identities_of(identities);
        let found = tickets.iter().zip(0..).find_map(|(ticket, place)| {
            let session = self.read(ticket, profile, now)?;
            let suite = Suite::of_code(session.suite)?;
            (session.version == TLS_1_3 && suite.hash == hash).then_some((place, session.secret))
        });
        let Some((place, secret)) = found else { return Ok(None) };
        let mut binder = binders;
        for _ in 0..place {
            binder = field(binder, 1).ok_or(Alert::DecodeError)?.1;
        }
        let (binder, _) = field(binder, 1).ok_or(Alert::DecodeError)?;
        let size = u8::try_from(hash.length()).unwrap_or(0);
        let early = hash.extract(&[], &secret);
        let key = hash.expand(&early, "res binder", &hash.of(&[]), size);
        let key = hash.expand(&key, "finished", &[], size);
        let transcript = [before, bound].concat();
        if hash.keyed(&key, &[&hash.of(&transcript)]) != binder {
            return Err(Alert::IllegalParameter);
        }
        Ok(Some((place, secret)))
    }
}

/// A field behind its length of so many bytes, and the rest.
fn field(bytes: &[u8], head: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(head)?;
    let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// The tickets, each of which is followed by its age.
fn identities_of(mut list: &[u8]) -> Vec<&[u8]> {
    let mut tickets = Vec::new();
    while let Some((ticket, rest)) = field(list, 2)
        && let Some((_, rest)) = rest.split_at_checked(4)
        && tickets.len() < TRIED
    {
        tickets.push(ticket);
        list = rest;
    }
    tickets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::WebServer;
    use crate::randomness::Source;
    use crate::tls::Product;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn session(version: u16) -> Remembered {
        let since = NOW.seconds();
        Remembered { version, suite: 0xc030, extended: true, since, secret: vec![7; 48] }
    }

    #[test]
    fn a_ticket_is_read_by_who_gave_it_until_its_time_is_up_and_by_nobody_else() {
        let profile = Product::Server(WebServer::NginxDebian12).profile();
        let (one, other) =
            (Sessions::new(&[1; 32], "x").unwrap(), Sessions::new(&[2; 32], "x").unwrap());
        let mut randomness = Source::new([3; 32]).stream();
        for (version, length) in [(0x0303, OLD_TICKET), (TLS_1_3, TICKET)] {
            let ticket = one.ticket(session(version), &profile, &mut randomness).unwrap();
            assert_eq!(ticket.len(), length);
            assert_eq!(one.read(&ticket, &profile, NOW), Some(session(version)));
            assert_eq!(other.read(&ticket, &profile, NOW), None);
            let later = NOW.plus(i64::from(LIFETIME) * Timestamp::SECOND);
            assert_eq!(one.read(&ticket, &profile, later), None);
            for place in 0..ticket.len() {
                let mut changed = ticket.clone();
                changed[place] ^= 1;
                let kept = (NAME + NONCE..HEAD).contains(&place);
                assert_eq!(one.read(&changed, &profile, NOW).is_some(), kept, "byte {place}");
            }
            assert_eq!(one.read(&ticket[..40], &profile, NOW), None);
        }
    }

    #[test]
    fn sessions_are_remembered_by_number_within_a_bound() {
        let profile = Product::Server(WebServer::ApacheDebian12).profile();
        let sessions = Sessions::new(&[1; 32], "x").unwrap();
        let mut randomness = Source::new([3; 32]).stream();
        let first = sessions.ticket(session(TLS_1_3), &profile, &mut randomness).unwrap();
        assert_eq!(first.len(), NUMBER);
        assert_eq!(sessions.read(&first, &profile, NOW), Some(session(TLS_1_3)));
        assert_eq!(sessions.read(&[9; NUMBER], &profile, NOW), None);
        for _ in 0..3 * REMEMBERED {
            sessions.ticket(session(TLS_1_3), &profile, &mut randomness).unwrap();
        }
        assert_eq!(sessions.read(&first, &profile, NOW), None, "the oldest go");
    }
}
