//! Public keys as `authorized_keys` holds them (sshd(8), AUTHORIZED_KEYS FILE FORMAT), and their fingerprints. Bots that got in by a password
//! write their own key there and come back with it.

use sha2::{Digest as _, Sha256};

/// Bytes of a file that are read for keys.
const MOST_READ: usize = 64 * 1024;
/// Keys of one file.
const MOST_KEYS: usize = 32;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A key's fingerprint as `ssh-keygen -l` shows it.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let mut text = String::from("SHA256:");
    for chunk in digest.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = (group >> (18 - 6 * place)) & 63;
            text.push(char::from(DIGITS[digit as usize]));
        }
    }
    text
}

/// Whose `authorized_keys` a path is.
pub(super) fn owner(path: &str) -> Option<&str> {
    let home = path.strip_suffix("/.ssh/authorized_keys")?;
    match home {
        "/root" => Some("root"),
        _ => home.strip_prefix("/home/").filter(|user| !user.is_empty() && !user.contains('/')),
    }
}

/// The keys in such a file, as the protocol writes them.
pub(super) fn keys_in(content: &[u8]) -> Vec<Vec<u8>> {
    let content = &content[..content.len().min(MOST_READ)];
    let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    lines.filter_map(key_of).take(MOST_KEYS).collect()
}

/// Part of [`crate::fuzz::ssh_wire`].
pub(crate) fn fuzz(bytes: &[u8]) {
    for key in keys_in(bytes) {
        assert!(fingerprint(&key).len() == 50);
    }
}

/// The key of a line: the word after that of its kind, before which options may stand.
fn key_of(line: &[u8]) -> Option<Vec<u8>> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_kind = |word: &&[u8]| {
        [&b"ssh-"[..], b"ecdsa-sha2-", b"sk-"].iter().any(|start| word.starts_with(start))
    };
    let kind = words.find(is_kind)?;
    let key = decode(words.next()?)?;
    // The kind stands in the key once more.
    let named = key.get(4..4 + kind.len())?;
    (named == kind).then_some(key)
}

/// Base64 (RFC 4648, section 4).
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=')?;
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in &text[..=end] {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        held = (held << 6) | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 255).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_ssh_keygen() {
        // printf %s abc | openssl dgst -sha256 -binary | base64
        assert_eq!(fingerprint(b"abc"), "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
    }

    #[test]
    fn keys_are_read_from_a_file_with_options_comments_and_rubbish() {
        let text = b"# mine\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJ x\nno-pty ssh-rsa AAAAB3NzaC1yc2E= y\nssh-rsa AAAAC3Nz z\nrubbish\n";
        let keys = keys_in(text);
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], b"\0\0\0\x0bssh-ed25519\0\0\0 \x09\x09");
        assert_eq!(keys[1], b"\0\0\0\x07ssh-rsa");
    }

    #[test]
    fn a_file_belongs_to_whose_home_it_is_in() {
        assert_eq!(owner("/root/.ssh/authorized_keys"), Some("root"));
        assert_eq!(owner("/home/pi/.ssh/authorized_keys"), Some("pi"));
        assert_eq!(owner("/home/a/b/.ssh/authorized_keys"), None);
        assert_eq!(owner("/tmp/authorized_keys"), None);
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_harm(content in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(keys_in(&content).len() <= MOST_KEYS);
        }
    }
}
