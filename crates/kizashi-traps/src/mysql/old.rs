//! Logins of clients older than 4.1, which scanners and old worms still carry: a shorter response ("HandshakeResponse320" of MySQL's protocol pages)
//! and the old hash of a password (`sql/password.c` up to MySQL 5.6; `mysql_old_password` of MariaDB 10.11, whose answers are held here byte for byte).
//! No server here has an account with such a hash, so nobody gets in by it; who came and with what is told like any other login.

use super::answer;
use super::handshake::{CONNECT_WITH_DATABASE, PROTOCOL_41, SECURE_CONNECTION};
use super::password::SCRAMBLE;
use super::wire::{Fields, Packets};
use crate::hexadecimal::hexadecimal;
use crate::login::common_passwords;
use crate::sql::MysqlRelease;

/// Bytes of a scramble that the old hash looks at, and of an answer to it.
const SHORT: usize = 8;
/// Both halves of a state are below this (`max_value` of the old generator).
const MOST: u64 = 0x3fff_ffff;

/// What such a client says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OldResponse {
    pub(super) user: Vec<u8>,
    pub(super) answer: Vec<u8>,
    pub(super) database: Vec<u8>,
}

impl OldResponse {
    /// `None` of what is no response of protocol 4.0 or older, with an answer of the old hash or none: bytes of another protocol are no login.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        let capabilities = fields.number(2)?;
        if capabilities & (PROTOCOL_41 | SECURE_CONNECTION) != 0 {
            return None;
        }
        fields.take(3)?;
        let user = fields.until_zero()?.to_vec();
        let mut last = || fields.until_zero().or_else(|| fields.take(fields.0.len()));
        let answer = last().unwrap_or_default().to_vec();
        let database = match capabilities & CONNECT_WITH_DATABASE {
            0 => Vec::new(),
            _ => last().unwrap_or_default().to_vec(),
        };
        let is_answer = answer.is_empty() || answer.len() == SHORT;
        let is_name = !user.iter().any(u8::is_ascii_control);
        (is_answer && is_name).then_some(Self { user, answer, database })
    }

    /// The password where it is a weak one or none; an answer that no list has is for [`Self::noted`].
    pub(super) fn password(&self, scramble: &[u8; SCRAMBLE]) -> Option<&'static str> {
        if self.answer.is_empty() {
            return Some("");
        }
        common_passwords()
            .iter()
            .find(|password| answer_to(scramble, password.as_bytes())[..] == self.answer[..])
            .copied()
    }

    /// Scramble and answer, in the manner of the newer kinds: hashcat and John have no mode for this one.
    pub(super) fn noted(&self, scramble: &[u8; SCRAMBLE]) -> String {
        format!("$mysql323${}*{}", hexadecimal(&scramble[..SHORT]), hexadecimal(&self.answer))
    }

    /// What this product says before it hangs up. Errors have no SQL state in this protocol. MySQL since 5.7 takes the first byte of an old answer for
    /// a length that is too long; 8.4 has no account for who sends none either.
    pub(super) fn refusal(&self, release: MysqlRelease, source: std::net::IpAddr) -> Packets {
        const UPGRADE: &str = "Client does not support authentication protocol requested by server; consider upgrading";
        let user = String::from_utf8_lossy(&self.user);
        let denied = || format!("Access denied for user '{user}'@'{source}' (using password: NO)");
        let (number, message) = match (release, self.answer.is_empty()) {
            (MysqlRelease::MariaDb, false) => (1251, format!("{UPGRADE} MariaDB client")),
            (MysqlRelease::V8_4, true) => (1251, format!("{UPGRADE} MySQL client")),
            (_, true) => (1045, denied()),
            (_, false) => (1043, "Bad handshake".to_owned()),
        };
        let mut packets = Packets::after(1);
        answer::old_error(&mut packets, number, message.as_bytes());
        packets
    }
}

/// A password's old hash, in two halves.
fn hash(password: &[u8]) -> [u32; 2] {
    let (mut first, mut second, mut sum) = (1_345_345_333_u32, 0x1234_5671_u32, 7_u32);
    for byte in password.iter().filter(|byte| !b" \t".contains(byte)) {
        let byte = u32::from(*byte);
        let mixed = (first & 63).wrapping_add(sum).wrapping_mul(byte);
        first ^= mixed.wrapping_add(first << 8);
        second = second.wrapping_add((second << 8) ^ first);
        sum = sum.wrapping_add(byte);
    }
    [first, second].map(|half| half & 0x7fff_ffff)
}

/// A whole response of `root`, as such a client sends it who was given this password.
#[cfg(test)]
pub(super) fn response(scramble: &[u8; SCRAMBLE], password: &[u8]) -> Vec<u8> {
    let answer =
        if password.is_empty() { Vec::new() } else { answer_to(scramble, password).to_vec() };
    [b"\x85\0\xff\xff\xffroot\0", &answer[..], b"\0"].concat()
}

/// What a client answers who was given this password: eight letters of the generator that password and scramble begin together.
fn answer_to(scramble: &[u8; SCRAMBLE], password: &[u8]) -> [u8; SHORT] {
    let (own, theirs) = (hash(password), hash(&scramble[..SHORT]));
    let mut seeds = [0, 1].map(|half| u64::from(own[half] ^ theirs[half]) % MOST);
    let mut next = || {
        seeds[0] = (seeds[0] * 3 + seeds[1]) % MOST;
        seeds[1] = (seeds[0] + seeds[1] + 33) % MOST;
        u8::try_from(seeds[0] * 31 / MOST).unwrap_or(0)
    };
    let letters: [u8; SHORT] = std::array::from_fn(|_| next() + 64);
    let mask = next();
    letters.map(|letter| letter ^ mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scramble that begins so.
    fn scramble(begin: &[u8; SHORT]) -> [u8; SCRAMBLE] {
        std::array::from_fn(|at| begin.get(at).copied().unwrap_or(b'x'))
    }

    #[test]
    fn the_old_hash_is_the_one_of_a_real_server() {
        // SELECT OLD_PASSWORD('123456'), OLD_PASSWORD('s3cret pw') on MariaDB 10.11.19.
        assert_eq!(hash(b"123456"), [0x5654_91d7, 0x0401_3245]);
        assert_eq!(hash(b"s3cret pw"), [0x3226_ff09, 0x56a7_b53d]);
        // An answer with which the same server let in.
        assert_eq!(answer_to(&scramble(b"zUx|(O7a"), b"s3cret pw"), *b"AS_DZ\\@L");
        assert_eq!(answer_to(&scramble(b"12345678"), b"123456"), *b"YFSOTVVM");
    }

    #[test]
    fn a_response_is_read_with_and_without_its_database_and_its_last_zero() {
        let read = |text: &[u8]| OldResponse::read(&[b"\x85\0\xff\xff\xff", text].concat());
        let root = |answer: &[u8], database: &[u8]| OldResponse {
            user: b"root".to_vec(),
            answer: answer.to_vec(),
            database: database.to_vec(),
        };
        assert_eq!(read(b"root\0YFSOTVVM\0"), Some(root(b"YFSOTVVM", b"")));
        assert_eq!(read(b"root\0YFSOTVVM"), Some(root(b"YFSOTVVM", b"")));
        assert_eq!(read(b"root\0\0"), Some(root(b"", b"")));
        assert_eq!(read(b"root"), None);
        let with = OldResponse::read(b"\x8d\0\xff\xff\xffroot\0YFSOTVVM\0mysql\0");
        assert_eq!(with, Some(root(b"YFSOTVVM", b"mysql")));
        // A newer client, and one that counts its answer.
        assert_eq!(OldResponse::read(b"\x85\xa2\0\0\0root\0\0"), None);
        assert_eq!(OldResponse::read(b"\x85\x80\0\0\0root\0\0"), None);
        // Something else that has zeros in it.
        assert_eq!(read(b"root\0YFSOT\0"), None);
        assert_eq!(read(b"\x03\x02\0YFSOTVVM\0"), None);
    }
}
