//! Bytes as text and as sums: `base64`, `od`, `xxd`, `hexdump`, `md5sum` and its kin.

mod digest;
mod dump;

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::{Call, Command, Finish, server, usual};
use crate::hexadecimal::hexadecimal;

pub(super) const COMMANDS: &[Command] = &[
    usual("base64", base64),
    server("base32", base32),
    usual("md5sum", sum),
    usual("sha1sum", sum),
    usual("sha256sum", sum),
    usual("sha512sum", sum),
    server("sha224sum", sum),
    server("sha384sum", sum),
    usual("cksum", cksum),
    server("sum", bsd_sum),
    usual("od", dump::od),
    usual("hexdump", dump::hexdump),
    server("hd", dump::hexdump),
    server("xxd", dump::xxd),
    usual("uuencode", |call| call.usage("[-m] [FILE] STORED_FILENAME")),
];

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[((group >> (18 - 6 * place)) & 63) as usize];
            text.push(if place <= chunk.len() { letter } else { b'=' });
        }
    }
    text
}

/// The bytes, and whether all of the text was base64.
pub(crate) fn decode(text: &[u8], ignore: bool) -> (Vec<u8>, bool) {
    let (mut bytes, mut group, mut count) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for byte in text {
        let Some(value) = LETTERS.iter().position(|letter| letter == byte) else {
            match byte {
                b'\n' | b'\r' => continue,
                b'=' => {
                    let rest = match count {
                        2 => 1,
                        3 => 2,
                        _ => 0,
                    };
                    let shifted = (group << (6 * (4 - count))).to_be_bytes();
                    bytes.extend_from_slice(&shifted[1..=rest]);
                    (group, count) = (0, 0);
                    continue;
                }
                _ if ignore => continue,
                _ => return (bytes, false),
            }
        };
        group = (group << 6) | u32::try_from(value).unwrap_or(0);
        count += 1;
        if count == 4 {
            bytes.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
        }
    }
    if count > 1 {
        let shifted = (group << (6 * (4 - count))).to_be_bytes();
        bytes.extend_from_slice(&shifted[1..count as usize]);
    }
    (bytes, count == 0)
}

fn base64(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "diw:",
        &[("decode", b'd'), ("ignore-garbage", b'i'), ("wrap", b'w')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(given.rest.get(..1).unwrap_or_default());
    let Some((_, bytes)) = files.into_iter().next() else { return Finish::Status(status) };
    if given.has(b'd') {
        let (made, whole) = decode(&bytes, given.has(b'i'));
        call.out(&made);
        return if whole {
            Finish::Status(0)
        } else {
            call.fail(if call.is_busybox() { "truncated input" } else { "invalid input" }, 1)
        };
    }
    let width = given.number(b'w').map_or(76, |width| usize::try_from(width).unwrap_or(76));
    wrap(call, &encode(&bytes), width);
    Finish::Status(0)
}

fn wrap(call: &mut Call<'_>, text: &[u8], width: usize) {
    if width == 0 {
        return call.out(text);
    }
    for line in text.chunks(width) {
        call.out(line);
        call.out(b"\n");
    }
}

fn base32(call: &mut Call<'_>) -> Finish {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (files, status) = call.read_all(call.arguments());
    let Some((_, bytes)) = files.into_iter().next() else { return Finish::Status(status) };
    let mut text = Vec::new();
    for chunk in bytes.chunks(5) {
        let group = chunk.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
            << (8 * (5 - chunk.len()));
        let used = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            text.push(if place < used {
                ALPHABET[((group >> (35 - 5 * place)) & 31) as usize]
            } else {
                b'='
            });
        }
    }
    wrap(call, &text, 76);
    Finish::Status(0)
}

pub(super) fn digest_of(name: &[u8], bytes: &[u8]) -> String {
    match name {
        b"md5sum" => hexadecimal(&digest::md5(bytes)),
        b"sha1sum" => hexadecimal(&digest::sha1(bytes)),
        b"sha224sum" => hexadecimal(&Sha224::digest(bytes)),
        b"sha384sum" => hexadecimal(&Sha384::digest(bytes)),
        b"sha512sum" => hexadecimal(&Sha512::digest(bytes)),
        _ => hexadecimal(&Sha256::digest(bytes)),
    }
}

fn sum(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "bctwsz",
        &[
            ("check", b'c'),
            ("binary", b'b'),
            ("text", b't'),
            ("quiet", b's'),
            ("status", b's'),
            ("tag", b'z'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let name = call.base_name().to_vec();
    let (files, mut status) = call.read_all(&given.rest);
    for (path, bytes) in files {
        call.cost(bytes.len() / 512);
        if given.has(b'c') {
            status |= check(call, &name, &bytes);
            continue;
        }
        let mark: &[u8] = if given.has(b'b') { b" *" } else { b"  " };
        let digest = digest_of(&name, &bytes);
        call.out(&[digest.as_bytes(), mark, &path, b"\n"].concat());
    }
    Finish::Status(status)
}

fn check(call: &mut Call<'_>, name: &[u8], list: &[u8]) -> u8 {
    let mut failed = 0;
    for line in list.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(200) {
        let text = String::from_utf8_lossy(line).into_owned();
        let Some((digest, path)) = text.split_once(' ') else { continue };
        let path = path.trim_start_matches([' ', '*']);
        match call.read(path.as_bytes()) {
            Ok(bytes) if digest_of(name, &bytes) == digest => call.line(&format!("{path}: OK")),
            Ok(_) => {
                failed += 1;
                call.line(&format!("{path}: FAILED"));
            }
            Err(fault) => {
                failed += 1;
                call.complain(&format!("{path}: {fault}"));
                call.line(&format!("{path}: FAILED open or read"));
            }
        }
    }
    if failed > 0 {
        call.complain(&format!(
            "WARNING: {failed} computed checksum{} did NOT match",
            if failed == 1 { "" } else { "s" }
        ));
    }
    u8::from(failed > 0)
}

fn cksum(call: &mut Call<'_>) -> Finish {
    let (files, status) = call.read_all(call.arguments());
    for (path, bytes) in files {
        let name = if path == b"-" { Vec::new() } else { [b" ", &path[..]].concat() };
        call.out(
            &[format!("{} {}", digest::crc(&bytes), bytes.len()).as_bytes(), &name, b"\n"].concat(),
        );
    }
    Finish::Status(status)
}

fn bsd_sum(call: &mut Call<'_>) -> Finish {
    let (files, status) = call.read_all(call.arguments());
    for (path, bytes) in files {
        let sum = bytes.iter().fold(0_u32, |sum, byte| {
            (((sum >> 1) + ((sum & 1) << 15)) + u32::from(*byte)) & 0xffff
        });
        let name = if path == b"-" { Vec::new() } else { [b" ", &path[..]].concat() };
        call.out(
            &[format!("{sum:05} {:5}", bytes.len().div_ceil(1_024)).as_bytes(), &name, b"\n"]
                .concat(),
        );
    }
    Finish::Status(status)
}
