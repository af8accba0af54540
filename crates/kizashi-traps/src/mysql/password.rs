//! Answers to a scramble. `mysql_native_password`: SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))). `caching_sha2_password`:
//! SHA256(password) XOR SHA256(SHA256(SHA256(password)), scramble). Both are one-way, so weak passwords are tried; what none of them is, is
//! noted: the first as hashcat's mode 11200 wants it, the second, for which hashcat has no mode, in the same manner.

use std::sync::OnceLock;

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::hexadecimal::hexadecimal;
use crate::login::common_passwords;

/// Bytes of a scramble and of an answer to it.
pub(super) const SCRAMBLE: usize = 20;
/// Bytes of an answer of the newer kind.
const ANSWER_2: usize = 32;

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

fn sum_2(parts: &[&[u8]]) -> [u8; ANSWER_2] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// What a client of `caching_sha2_password` answers first who was given this password.
pub(super) fn answer_2(scramble: &Sum, password: &[u8]) -> [u8; ANSWER_2] {
    let once = sum_2(&[password]);
    let mask = sum_2(&[&sum_2(&[&once]), scramble]);
    std::array::from_fn(|at| once[at] ^ mask[at])
}

/// The weak password whose answer of that kind this is.
pub(super) fn tried_2(scramble: &Sum, answer: &[u8]) -> Option<&'static str> {
    common_passwords()
        .iter()
        .find(|password| answer_2(scramble, password.as_bytes())[..] == *answer)
        .copied()
}

/// A password and its end, as they leave a client that encrypts them: under the scramble, over and over.
pub(super) fn masked(scramble: &Sum, text: &[u8]) -> Vec<u8> {
    text.iter().zip(scramble.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}

/// As `mysql.user` holds it.
pub(super) fn stored(password: &[u8]) -> String {
    format!("*{}", hexadecimal(&hashes(password).1).to_uppercase())
}

/// Scramble and answer as hashcat takes them, or as it would.
pub(super) fn hashcat(scramble: &Sum, answer: &[u8]) -> String {
    let name = if answer.len() == ANSWER_2 { "mysqlsha2" } else { "mysqlna" };
    format!("${name}${}*{}", hexadecimal(scramble), hexadecimal(answer))
}
