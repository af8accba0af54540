//! Passwords that come as md5 sums (`pg_md5_encrypt`, twice): they are one-way, so common ones are tried, and what none of them is, is noted as
//! hashcat takes it. SCRAM is `crate::scram`.

use md5::{Digest as _, Md5};

use crate::hexadecimal::hexadecimal;
use crate::login::common_passwords;

/// Passwords that are made of a user's name: what guessers try first.
pub(super) fn own(user: &[u8]) -> [Vec<u8>; 4] {
    [b"".as_slice(), b"123", b"1", b"123456"].map(|end| [user, end].concat())
}

/// What a client answers by md5.
pub(super) fn md5_answer(user: &[u8], password: &[u8], salt: [u8; 4]) -> String {
    let stored = hexadecimal(&Md5::digest([password, user].concat()));
    let answer = hexadecimal(&Md5::digest([stored.as_bytes(), &salt].concat()));
    format!("md5{answer}")
}

/// The common password whose answer this is.
pub(super) fn md5_tried(user: &[u8], salt: [u8; 4], answer: &[u8]) -> Option<Vec<u8>> {
    let common = common_passwords().iter().map(|password| password.as_bytes().to_vec());
    let mut all = own(user).into_iter().chain(common);
    all.find(|password| md5_answer(user, password, salt).as_bytes() == answer)
}

/// Hashcat's mode 11100.
pub(super) fn md5_hashcat(user: &[u8], salt: [u8; 4], answer: &[u8]) -> String {
    let answer = answer.strip_prefix(b"md5").unwrap_or(answer);
    let (user, answer) = (String::from_utf8_lossy(user), String::from_utf8_lossy(answer));
    format!("$postgres${user}*{}*{answer}", hexadecimal(&salt))
}
