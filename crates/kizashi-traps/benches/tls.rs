//! Handshakes a second of processor time, of the `https` trap against `rustls` itself: the same client (`rustls`), the same certificate and
//! key, in turn, in one thread and without a socket. What is counted is the time of the calls into the server, and of these the median,
//! which another process on the machine hardly moves. And what an idle session holds.
//!
//! `cargo bench -p kizashi-traps --bench tls`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking and prints its figures"
)]

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kizashi_event::{Port, Timestamp};
use kizashi_traps::{Identity, Output, Session, TlsKeys, Visit, WebServer, trap_named};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection,
    SignatureScheme, SupportedProtocolVersion,
};

const KEYS: &str = include_str!("../src/tls/test-keys.txt");
const ROUNDS: usize = 600;
/// Sessions that are held open at once.
const HELD: usize = 10_000;

/// Believes everything: a client's own work is not measured.
#[derive(Debug)]
struct Believes;

impl ServerCertVerifier for Believes {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

type Version = &'static SupportedProtocolVersion;

/// Both sides choose the same suite and group: AES-256-GCM and X25519.
fn offered() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![provider::kx_group::X25519],
        cipher_suites: vec![
            provider::cipher_suite::TLS13_AES_256_GCM_SHA384,
            provider::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        ..provider::default_provider()
    }
}

fn client_config(version: Version) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(offered()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believes))
        .with_no_client_auth();
    // A whole handshake each time.
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// A server that is given bytes and gives bytes.
trait Serves {
    fn give(&mut self, bytes: &[u8]) -> Vec<u8>;
}

struct Trap(Box<dyn Session>, Output);

const NOW: Timestamp = Timestamp::from_seconds(1_795_582_440);

impl Trap {
    fn new(identity: &Arc<Identity>) -> Self {
        let trap = trap_named("https").unwrap();
        let source = "192.0.2.7".parse().unwrap();
        let visit = Visit { source, destination: None, port: Port::tcp(443), encrypted: false };
        let (mut session, mut out) =
            ((trap.begin)(identity, visit), Output::new(trap.service.clone()));
        session.open(NOW, &mut out);
        Self(session, out)
    }
}

impl Serves for Trap {
    fn give(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.receive(bytes, NOW, &mut self.1);
        let _ = self.1.take_seen();
        self.1.take_reply()
    }
}

impl Serves for ServerConnection {
    fn give(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        while !bytes.is_empty() {
            self.read_tls(&mut bytes).unwrap();
            self.process_new_packets().unwrap();
        }
        while self.wants_write() {
            self.write_tls(&mut answer).unwrap();
        }
        answer
    }
}

/// Shakes hands; how long the server took.
fn shake_hands(
    config: &Arc<ClientConfig>,
    server: &mut dyn Serves,
) -> (Duration, ClientConnection) {
    let mut client =
        ClientConnection::new(Arc::clone(config), "shop.example".try_into().unwrap()).unwrap();
    let mut spent = Duration::ZERO;
    while client.wants_write() {
        let mut sent = Vec::new();
        client.write_tls(&mut sent).unwrap();
        let began = Instant::now();
        let answer = server.give(&sent);
        spent += began.elapsed();
        let mut rest = answer.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
            let _ = client.reader().read(&mut []);
        }
    }
    assert!(!client.is_handshaking());
    (spent, client)
}

/// The trap's key as `rustls` takes one: `RSAPrivateKey` (RFC 8017, A.1.2), the greater prime first.
fn private_key() -> PrivateKeyDer<'static> {
    use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
    let line = KEYS.lines().next().unwrap();
    let mut primes: Vec<rsa::BoxedUint> = line
        .split(' ')
        .map(|prime| rsa::BoxedUint::from_str_radix_vartime(prime, 16).unwrap())
        .collect();
    primes.sort_by(|one, other| other.cmp(one));
    let [p, q] = [&primes[0], &primes[1]].map(rsa::BoxedUint::to_be_bytes);
    let key = rsa::PrivateKey::from_primes(primes, rsa::BoxedUint::from(65_537_u64)).unwrap();
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        value(2, &[&[0], &bytes[zeros..]].concat())
    };
    let parts = [
        value(2, &[0]),
        number(&key.n_bytes()),
        number(&key.e_bytes()),
        number(&key.d().to_be_bytes()),
        number(&p),
        number(&q),
        number(&key.dp().unwrap().to_be_bytes()),
        number(&key.dq().unwrap().to_be_bytes()),
        number(&key.qinv().unwrap().retrieve().to_be_bytes()),
    ];
    PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(value(0x30, &parts.concat())))
}

/// DER, with lengths of two bytes where one does not do; a leading nought that is not needed is left.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let content = match content {
        [0, rest @ ..] if tag == 2 && rest.first().is_some_and(|first| first & 0x80 == 0) => rest,
        content => content,
    };
    let length = content.len();
    let head = match length {
        0..=127 => vec![tag, length as u8],
        128..=255 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [&head, content].concat()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn measure(name: &str, version: Version, identity: &Arc<Identity>) {
    let config = client_config(version);
    let (_, client) = shake_hands(&config, &mut Trap::new(identity));
    let certificate = client.peer_certificates().unwrap()[0].clone().into_owned();
    let mut server = ServerConfig::builder_with_provider(Arc::new(offered()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], private_key())
        .unwrap();
    server.send_tls13_tickets = 2;
    let server = Arc::new(server);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(shake_hands(&config, &mut Trap::new(identity)).0);
        let mut other = ServerConnection::new(Arc::clone(&server)).unwrap();
        theirs.push(shake_hands(&config, &mut other).0);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{name}: {:.0} handshakes a second of processor time, rustls {:.0}: {:.2} of it",
        1.0 / ours,
        1.0 / theirs,
        theirs / ours
    );
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

/// What sessions hold once the handshake is done, and once a page was fetched.
fn hold(name: &str, version: Version, identity: &Arc<Identity>) {
    let config = client_config(version);
    let before = resident();
    let mut held = Vec::with_capacity(HELD);
    for _ in 0..HELD {
        let mut trap = Trap::new(identity);
        shake_hands(&config, &mut trap);
        held.push(trap);
    }
    let each = resident().saturating_sub(before) / HELD;
    // What is freed would be used again by the next measurement, and not be seen.
    std::mem::forget(held);
    println!("{name}: {HELD} idle sessions hold {each} bytes each");
}

fn main() {
    let identity = Identity::draw([1; 32])
        .with_web_server(WebServer::NginxDebian12)
        .with_tls_keys(TlsKeys::from_text(KEYS).unwrap());
    let identity = Arc::new(identity);
    hold("TLS 1.2", &rustls::version::TLS12, &identity);
    hold("TLS 1.3", &rustls::version::TLS13, &identity);
    measure("TLS 1.2", &rustls::version::TLS12, &identity);
    measure("TLS 1.3", &rustls::version::TLS13, &identity);
}
