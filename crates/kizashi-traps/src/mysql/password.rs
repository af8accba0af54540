//! `mysql_native_password`: SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))). It is one-way, so weak passwords are tried; what none of them
//! is, is noted as hashcat's mode 11200 wants it.

use std::sync::OnceLock;

use sha1::{Digest as _, Sha1};

use crate::login::common_passwords;

/// Bytes of a scramble and of an answer to it.
pub(super) const SCRAMBLE: usize = 20;

type Sum = [u8; SCRAMBLE];

fn sum(parts: &[&[u8]]) -> Sum {
    let mut hasher = Sha1::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// A password's two hashes.
fn hashes(password: &[u8]) -> (Sum, Sum) {
    let once = sum(&[password]);
    (once, sum(&[&once]))
}

fn solve(scramble: &Sum, (once, twice): &(Sum, Sum)) -> Sum {
    let mask = sum(&[scramble, twice]);
    std::array::from_fn(|at| once[at] ^ mask[at])
}

/// What a client answers who was given this password.
pub(super) fn answer(scramble: &Sum, password: &[u8]) -> Sum {
    solve(scramble, &hashes(password))
}

/// The weak password whose answer this is.
pub(super) fn tried(scramble: &Sum, answer: &[u8]) -> Option<&'static str> {
    static PREPARED: OnceLock<Vec<(&str, (Sum, Sum))>> = OnceLock::new();
    let prepared = PREPARED.get_or_init(|| {
        common_passwords().iter().map(|password| (*password, hashes(password.as_bytes()))).collect()
    });
    let found = prepared.iter().find(|(_, hashes)| solve(scramble, hashes) == answer);
    found.map(|(password, _)| *password)
}

/// As `mysql.user` holds it.
pub(super) fn stored(password: &[u8]) -> String {
    let hash: String = hashes(password).1.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("*{hash}")
}

/// Scramble and answer as hashcat takes them.
pub(super) fn hashcat(scramble: &Sum, answer: &[u8]) -> String {
    let hexadecimal =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("$mysqlna${}*{}", hexadecimal(scramble), hexadecimal(answer))
}
