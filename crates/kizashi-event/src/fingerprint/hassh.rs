//! HASSH (Salesforce 2018, BSD-3-Clause; github.com/salesforce/hassh): MD5 over the lists of key exchanges, ciphers, MACs and
//! compressions that an SSH client offers in its KEXINIT (RFC 4253, section 7.1), client to server. Read here from the beginning of a
//! client's stream, as a capture puts it together; the trap, which reads packets anyway, calls [`hassh`] with its own lists.

use md5::{Digest as _, Md5};

use super::hexadecimal;

/// The longest line before or of the identification (RFC 4253, section 4.2), and how many lines are looked at.
const LONGEST_LINE: usize = 255;
const MOST_LINES: usize = 16;
/// The longest packet that every implementation takes (RFC 4253, section 6.1).
const LONGEST_PACKET: usize = 35_000;
const KEXINIT: u8 = 20;

/// What an SSH client says before anything is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshHello<'a> {
    /// The identification line: `SSH-2.0-OpenSSH_9.2p1`.
    pub identification: &'a [u8],
    /// Its KEXINIT's lists, where it came whole: the ten in their order.
    pub lists: Option<[&'a [u8]; 10]>,
}

/// HASSH of the lists of a client.
#[must_use]
pub fn hassh(lists: &[&[u8]; 10]) -> String {
    let [exchanges, _, ciphers, _, macs, _, compressions, ..] = *lists;
    hexadecimal(&Md5::digest([exchanges, ciphers, macs, compressions].join(&b';')))
}

/// Reads the beginning of a client's stream; `None` where it is no SSH.
#[must_use]
pub fn read_ssh_hello(mut stream: &[u8]) -> Option<SshHello<'_>> {
    for _ in 0..MOST_LINES {
        let head = stream.get(..stream.len().min(LONGEST_LINE))?;
        let end = head.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = (stream.get(..end)?, stream.get(end + 1..)?);
        stream = rest;
        if line.starts_with(b"SSH-") {
            let identification = line.strip_suffix(b"\r").unwrap_or(line);
            return Some(SshHello { identification, lists: read_lists(stream) });
        }
    }
    None
}

/// The lists of a KEXINIT that is the next packet.
fn read_lists(stream: &[u8]) -> Option<[&[u8]; 10]> {
    let (head, rest) = stream.split_first_chunk::<5>()?;
    let length = usize::try_from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])).ok()?;
    let payload_length = length.checked_sub(1 + usize::from(head[4]))?;
    let payload = rest.get(..payload_length).filter(|_| length <= LONGEST_PACKET)?;
    let (kind, body) = payload.split_first()?;
    // Behind the kind stand 16 random bytes.
    let mut body = body.get(16..).filter(|_| *kind == KEXINIT)?;
    let mut lists = [&b""[..]; 10];
    for list in &mut lists {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        (*list, body) = rest.split_at_checked(length)?;
    }
    Some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(lists: &[&str; 10]) -> Vec<u8> {
        let mut payload = vec![KEXINIT];
        payload.extend([7; 16]);
        for list in lists {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.as_bytes());
        }
        payload.extend([0; 5]);
        let length = u32::try_from(1 + payload.len() + 4).unwrap();
        [&length.to_be_bytes()[..], &[4], &payload, &[0; 4]].concat()
    }

    const LISTS: [&str; 10] = [
        "curve25519-sha256,ext-info-c",
        "ssh-ed25519",
        "aes128-ctr",
        "aes256-ctr",
        "hmac-sha2-256",
        "hmac-sha1",
        "none",
        "zlib",
        "",
        "",
    ];

    #[test]
    fn lists_are_read_behind_the_identification_and_hashed_as_the_inventor_says() {
        let stream = [b"SSH-2.0-Go\r\n".to_vec(), packet(&LISTS)].concat();
        let hello = read_ssh_hello(&stream).unwrap();
        assert_eq!(hello.identification, b"SSH-2.0-Go");
        let lists = hello.lists.unwrap();
        assert_eq!(lists.map(|list| std::str::from_utf8(list).unwrap()), LISTS);
        let text = "curve25519-sha256,ext-info-c;aes128-ctr;hmac-sha2-256;none";
        assert_eq!(hassh(&lists), hexadecimal(&Md5::digest(text)));
    }

    #[test]
    fn a_stream_cut_at_any_byte_gives_what_is_whole() {
        let stream = [b"SSH-2.0-Go\r\n".to_vec(), packet(&LISTS)].concat();
        let lists_end = stream.len() - 4 - 5;
        for end in 0..stream.len() {
            let hello = read_ssh_hello(&stream[..end]);
            assert_eq!(hello.is_some(), end >= 12, "{end}");
            let has_lists = hello.is_some_and(|hello| hello.lists.is_some());
            assert_eq!(has_lists, end >= lists_end + 5, "{end}");
        }
    }

    #[test]
    fn lying_lengths_and_other_protocols_are_none() {
        assert_eq!(read_ssh_hello(b"GET / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(read_ssh_hello(&[b'x'; 4_096]), None);
        for length in [0_u32, 1, 3, u32::MAX] {
            let stream = [&b"SSH-2.0-x\n"[..], &length.to_be_bytes(), &[4, 20, 0, 0]].concat();
            assert_eq!(read_ssh_hello(&stream).unwrap().lists, None);
        }
    }
}
