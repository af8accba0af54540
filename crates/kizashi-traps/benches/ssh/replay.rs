//! A login without a socket, against what the key exchange and the host key's signature alone take. The visitor's bytes are those of a
//! golden transcript: a session that draws from the same seed understands them again, so that only the server's work is measured.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use kizashi_event::{Port, Timestamp};
use kizashi_traps::{Identity, LoginSettings, Output, Session, Visit, WebServer, trap_named};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::cost;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(400);
/// Shells held open at once.
const SHELLS: usize = 2_000;
/// Pieces of the transcript up to the first password.
const TO_LOGIN: usize = 5;

pub(crate) struct Figures {
    /// Of a second of processor time.
    pub(crate) bare: f64,
    pub(crate) logins: f64,
    /// The median of the rounds' own ratios.
    pub(crate) share: f64,
    pub(crate) bytes_held: u64,
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next() } else { None };
        bytes.push(match escaped {
            None => byte,
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            Some(other) => other,
        });
    }
    bytes
}

/// What the visitor sends, a piece for each time that he speaks.
fn pieces(transcript: &str) -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut speaking = false;
    for line in transcript.lines() {
        match line.strip_prefix("C> ") {
            Some(text) if speaking => pieces.last_mut().unwrap().extend(unescape(text)),
            Some(text) => pieces.push(unescape(text)),
            None => {}
        }
        speaking = line.starts_with("C> ");
    }
    pieces
}

fn begin(identity: &Identity) -> (Box<dyn Session>, Output) {
    let trap = trap_named("ssh").unwrap();
    let source = "192.0.2.7".parse().unwrap();
    let visit = Visit { source, destination: None, port: Port::tcp(22), encrypted: false };
    let identity = Arc::new(identity.clone().with_randomness([7; 32]));
    ((trap.begin)(&identity, visit), Output::new(trap.service.clone()))
}

/// A visit up to its last piece; how many details were told.
fn visit(identity: &Identity, pieces: &[Vec<u8>]) -> (Box<dyn Session>, usize) {
    let now = Timestamp::from_seconds(1_795_582_440);
    let (mut session, mut out) = begin(identity);
    session.open(now, &mut out);
    let mut told = 0;
    for piece in pieces {
        session.receive(piece, now, &mut out);
        while out.wants_turn() {
            session.receive(&[], now, &mut out);
        }
        out.take_reply();
        told += out.take_seen().len();
    }
    assert!(!out.is_closing());
    (session, told)
}

/// What cannot be left out: the server's ephemeral key, the shared secret, one signature by a key that is ready.
fn bare(seed: u8, key: &SigningKey) -> u8 {
    let ours = StaticSecret::from([seed; 32]);
    let public = PublicKey::from(&ours);
    let secret = ours.diffie_hellman(&PublicKey::from([9; 32]));
    let signature = key.sign(secret.as_bytes()).to_bytes();
    public.as_bytes()[0] ^ signature[0]
}

fn rate(mut work: impl FnMut(u8)) -> f64 {
    let (began, mut done) = (cost::of_thread(), 0_u32);
    loop {
        for _ in 0..64 {
            work(done.to_be_bytes()[3]);
            done += 1;
        }
        let spent = cost::of_thread() - began;
        if spent >= ROUND {
            return f64::from(done) / spent.as_secs_f64();
        }
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

pub(crate) fn measure() -> Figures {
    let transcript = include_str!("../../src/ssh/transcripts/guesser-runs-a-command.txt");
    let all = pieces(transcript);
    let to_login = &all[..TO_LOGIN];
    let settings =
        LoginSettings { accept: vec!["root:xc3511".parse().unwrap()], ..LoginSettings::default() };
    let identity =
        Identity::draw([7; 32]).with_web_server(WebServer::NginxDebian12).with_logins(settings);
    assert_eq!(visit(&identity, to_login).1, 4, "client, its lists, and a login");
    let key = SigningKey::from_bytes(&[3; 32]);
    let (mut bares, mut logins, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let limit = rate(|seed| {
            black_box(bare(seed, &key));
        });
        let login = rate(|_| {
            black_box(visit(&identity, to_login).1);
        });
        shares.push(login / limit);
        bares.push(limit);
        logins.push(login);
    }
    let before = cost::resident("self");
    let held: Vec<_> = (0..SHELLS).map(|_| visit(&identity, to_login).0).collect();
    let bytes_held = cost::resident("self").saturating_sub(before) / held.len() as u64;
    Figures { bare: median(bares), logins: median(logins), share: median(shares), bytes_held }
}
