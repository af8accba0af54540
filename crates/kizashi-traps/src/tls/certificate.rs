//! The certificates, self-signed, each as the software makes it that is imitated: `make-ssl-cert generate-default-snakeoil` of Debian and
//! Ubuntu when the machine was set up (a random serial of 20 bytes, ten years, the host's name and nothing else), and a device's as its
//! firmware brings it (version 1, the address that the box has out of the box). The same after every restart.

use kizashi_event::Timestamp;

use super::credential::{PublicKey, Scheme, SigningKey};
use super::der::{bits, number, object, octets, printable, sequence, set, utf8, value};
use super::hash::Hash;
use crate::Identity;
use crate::draw::Draw;
use crate::http::base64;
use crate::identity::OperatingSystem;
use crate::randomness::Source;

const DAY: i64 = 86_400;

/// sha256WithRSAEncryption, rsaEncryption (RFC 8017, C); ecdsa-with-SHA256, id-ecPublicKey, prime256v1 (RFC 5480).
const SHA256_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const SHA256_ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// Attributes of a name (X.520), below 2.5.4.
const COMMON_NAME: u8 = 3;
const COUNTRY: u8 = 6;
const LOCALITY: u8 = 7;
const STATE: u8 = 8;
const ORGANIZATION: u8 = 10;
const UNIT: u8 = 11;

/// A server's certificate.
pub(super) fn of_server(identity: &Identity, key: &SigningKey) -> Option<Vec<u8>> {
    let draw = Draw::new(identity.seed(), "tls certificate");
    let name = identity.host_name();
    // The package is set up in the first minutes of the machine's life.
    let seconds = i64::try_from(draw.below(4, 600)).unwrap_or(0);
    let begins = identity.set_up().plus(seconds * Timestamp::SECOND);
    let mut extensions = vec![
        extension(0x13, &sequence(&[])),
        extension(0x11, &sequence(&[&value(0x82, name.as_bytes())])),
    ];
    if has_openssl_3(identity.operating_system()) {
        let identifier = Hash::Sha1.of(&key_bits(&key.public()));
        extensions.push(extension(0x0e, &octets(&identifier)));
    }
    let subject = sequence(&[&attribute(COMMON_NAME, &utf8(&name))]);
    let extensions = extensions.concat();
    let parts = [
        value(0xa0, &number(&[2])),
        number(&serial(draw, 20)),
        algorithm(key),
        subject.clone(),
        validity(begins, begins.plus(3_650 * DAY * Timestamp::SECOND)),
        subject,
        public_key(&key.public()),
        value(0xa3, &value(0x30, &extensions)),
    ];
    signed(&parts.concat(), key)
}

/// The name in the certificate that SQL Server makes for itself at each start.
pub(super) const SQL_SERVER: &str = "SSL_Self_Signed_Fallback";

/// A certificate that a service of the Windows machine made for itself: SQL Server's is good for thirty years. Remote Desktop's is really
/// made anew each half year; here, where no clock is asked, it is one that lasts.
pub(super) fn of_windows(
    identity: &Identity,
    key: &SigningKey,
    what: &str,
    name: &str,
) -> Option<Vec<u8>> {
    let label = format!("tls certificate of {what}");
    let draw = Draw::new(identity.seed(), &label);
    let seconds = i64::try_from(draw.below(4, 86_400)).unwrap_or(0);
    let begins = identity.set_up().plus(seconds * Timestamp::SECOND);
    let days = if name == SQL_SERVER { 10_957 } else { 3_650 };
    let subject = sequence(&[&attribute(COMMON_NAME, &printable(name))]);
    let parts = [
        value(0xa0, &number(&[2])),
        number(&serial(draw, 16)),
        algorithm(key),
        subject.clone(),
        validity(begins, begins.plus(days * DAY * Timestamp::SECOND)),
        subject,
        public_key(&key.public()),
    ];
    signed(&parts.concat(), key)
}

/// The certificate that MySQL makes when it is first started, and that of the authority which it makes for it (`create_x509_certificate` of
/// `sql_authentication.cc`): ten years, serials 2 and 1. Here both have one key.
pub(super) fn of_mysql(
    identity: &Identity,
    key: &SigningKey,
    version: &str,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let draw = Draw::new(identity.seed(), "tls certificate of mysql");
    let begins = identity
        .set_up()
        .plus(i64::try_from(600 + draw.below(4, 7 * 86_400)).unwrap_or(0) * Timestamp::SECOND);
    let name = |what: &str| {
        let name = format!("MySQL_Server_{version}_Auto_Generated_{what}_Certificate");
        sequence(&[&attribute(COMMON_NAME, &utf8(&name))])
    };
    let issuer = name("CA");
    let made = |serial: u8, subject: &[u8], constraints: &[u8]| {
        let basic = sequence(&[
            &object(&[0x55, 0x1d, 0x13]),
            &value(1, &[0xff]),
            &octets(&sequence(&[constraints])),
        ]);
        let parts = [
            value(0xa0, &number(&[2])),
            number(&[serial]),
            algorithm(key),
            issuer.clone(),
            validity(begins, begins.plus(3_650 * DAY * Timestamp::SECOND)),
            subject.to_vec(),
            public_key(&key.public()),
            value(0xa3, &value(0x30, &basic)),
        ];
        signed(&parts.concat(), key)
    };
    Some((made(2, &name("Server"), &[])?, made(1, &issuer, &value(1, &[0xff]))?))
}

/// Content as text between two lines (RFC 7468).
pub(super) fn pem(label: &str, content: &[u8]) -> String {
    let text = String::from_utf8(base64(content)).unwrap_or_default();
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + &format!("-----END {label}-----\n")
}

/// A device's certificate.
pub(super) fn of_device(identity: &Identity, key: &SigningKey) -> Option<Vec<u8>> {
    let draw = Draw::new(identity.seed(), "tls device certificate");
    let makers = [("Guangdong", "Shenzhen"), ("Zhejiang", "Hangzhou"), ("Taiwan", "Hsinchu")];
    let units = ["IPCamera", "Embedded", "NVR", "Router"];
    let (state, city) = draw.one_of(4, &makers).unwrap_or(makers[0]);
    let unit = draw.one_of(5, &units).unwrap_or(units[0]);
    let address = draw.one_of(6, &["192.168.1.1", "192.168.0.1", "192.168.1.108"]);
    let address = address.unwrap_or("192.168.1.1");
    let subject = sequence(&[
        &attribute(COUNTRY, &printable("CN")),
        &attribute(STATE, &printable(state)),
        &attribute(LOCALITY, &printable(city)),
        &attribute(ORGANIZATION, &printable(unit)),
        &attribute(UNIT, &printable("Software")),
        &attribute(COMMON_NAME, &printable(address)),
    ]);
    // The day on which the firmware was built, between 2012 and 2017, and twenty years from there.
    let days = i64::try_from(draw.below(7, 1_800)).unwrap_or(0);
    let seconds = i64::try_from(draw.below(8, 86_400)).unwrap_or(0);
    let begins = Timestamp::from_seconds(1_325_376_000 + days * DAY + seconds);
    let parts = [
        number(&serial(draw, 8)),
        algorithm(key),
        subject.clone(),
        validity(begins, begins.plus(7_300 * DAY * Timestamp::SECOND)),
        subject,
        public_key(&key.public()),
    ];
    signed(&parts.concat(), key)
}

const fn has_openssl_3(system: OperatingSystem) -> bool {
    !matches!(system, OperatingSystem::Debian11 | OperatingSystem::Ubuntu20)
}

/// A serial of so many bytes, the first bit of which is not set.
fn serial(draw: Draw<'_>, length: usize) -> Vec<u8> {
    let drawn = (0..3).flat_map(|place| draw.number(place).to_be_bytes());
    let mut serial: Vec<u8> = drawn.take(length).collect();
    if let Some(first) = serial.first_mut() {
        *first &= 0x7f;
    }
    serial
}

fn attribute(number: u8, text: &[u8]) -> Vec<u8> {
    set(&sequence(&[&object(&[0x55, 4, number]), text]))
}

fn extension(number: u8, content: &[u8]) -> Vec<u8> {
    sequence(&[&object(&[0x55, 0x1d, number]), &octets(content)])
}

fn algorithm(key: &SigningKey) -> Vec<u8> {
    if key.is_rsa() {
        sequence(&[&object(SHA256_RSA), &value(5, &[])])
    } else {
        sequence(&[&object(SHA256_ECDSA)])
    }
}

/// What a public key is as bits, which its identifier is the hash of.
pub(super) fn key_bits(key: &PublicKey) -> Vec<u8> {
    match key {
        PublicKey::Rsa(modulus, exponent) => sequence(&[&number(modulus), &number(exponent)]),
        PublicKey::P256(point) => point.clone(),
    }
}

pub(super) fn public_key(key: &PublicKey) -> Vec<u8> {
    let kind = match key {
        PublicKey::Rsa(..) => sequence(&[&object(RSA), &value(5, &[])]),
        PublicKey::P256(_) => sequence(&[&object(EC), &object(P256)]),
    };
    sequence(&[&kind, &bits(&key_bits(key))])
}

/// Two moments (RFC 5280, 4.1.2.5): with two digits of the year before 2050, and all four after.
fn validity(from: Timestamp, to: Timestamp) -> Vec<u8> {
    let time = |moment: Timestamp| {
        let text = moment.rfc3339();
        let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
        let late = digits.as_str() >= "2050";
        let shown = if late { &digits[..] } else { digits.get(2..).unwrap_or_default() };
        value(if late { 24 } else { 23 }, format!("{shown}Z").as_bytes())
    };
    sequence(&[&time(from), &time(to)])
}

fn signed(content: &[u8], key: &SigningKey) -> Option<Vec<u8>> {
    let content = value(0x30, content);
    let scheme = if key.is_rsa() { Scheme::Pkcs1(Hash::Sha256) } else { Scheme::Ecdsa };
    // Neither of the two draws anything: the certificate is the same after every restart.
    let signature = key.sign(scheme, &content, &mut Source::new([0; 32]).stream())?;
    Some(sequence(&[&content, &algorithm(key), &bits(&signature)]))
}
