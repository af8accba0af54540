//! What a captured content is, from its bytes alone: the words of `file`, and of an ELF its architecture, linkage and the marks of a
//! packer (ELF-64 Object File Format; UPX's `UPX!`). Every offset is checked: the bytes are an attacker's.

/// What content is, as `file` would say it, in short.
pub(crate) fn describe(content: &[u8]) -> String {
    if let Some(elf) = elf(content) {
        return elf;
    }
    let starts = |mark: &[u8]| content.starts_with(mark);
    // A header that is cut off tells its class and order at most.
    if let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, ..] = content {
        return format!(
            "ELF {}-bit {}",
            if *class == 2 { 64 } else { 32 },
            if *order == 1 { "LSB" } else { "MSB" }
        );
    }
    let kind = match content {
        [] => "empty",
        _ if starts(b"\x1f\x8b") => "gzip compressed data",
        _ if starts(b"PK\x03\x04") => "Zip archive data",
        _ if starts(b"BZh") => "bzip2 compressed data",
        _ if starts(b"\xfd7zXZ\0") => "XZ compressed data",
        _ if starts(b"MZ") => "DOS/MZ executable",
        _ if starts(b"\x89PNG") => "PNG image data",
        _ if starts(b"%PDF") => "PDF document",
        _ if starts(b"-----BEGIN OPENSSH PRIVATE KEY") => "OpenSSH private key",
        _ if content.get(257..262) == Some(b"ustar") => "POSIX tar archive (GNU)",
        _ if is_key(content) => "OpenSSH RSA public key",
        _ => return text(content),
    };
    kind.to_owned()
}

/// Whether a description is that of something made to run.
pub(crate) fn is_program(kind: &str) -> bool {
    kind.starts_with("ELF") || kind.contains("executable") || kind.contains("script")
}

fn is_key(content: &[u8]) -> bool {
    content.starts_with(b"ssh-rsa AAAA")
}

fn text(content: &[u8]) -> String {
    let ascii = content.iter().all(|byte| matches!(byte, 7..=13 | 27 | 32..=126));
    let utf8 = std::str::from_utf8(content).is_ok() && !content.contains(&0);
    let charset = if ascii {
        "ASCII text"
    } else if utf8 {
        "UTF-8 Unicode text"
    } else {
        return "data".to_owned();
    };
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(interpreter) = line.strip_prefix(b"#!") else { return charset.to_owned() };
    let name = String::from_utf8_lossy(interpreter.trim_ascii()).into_owned();
    let what = match name.split([' ', '/']).next_back().unwrap_or_default() {
        "sh" | "dash" | "ash" => "POSIX shell script".to_owned(),
        "bash" => "Bourne-Again shell script".to_owned(),
        "perl" => "Perl script text executable".to_owned(),
        "python" | "python3" | "python2" => "Python script".to_owned(),
        _ => format!("a {} script", name.chars().take(60).collect::<String>()),
    };
    format!("{what}, {charset} executable")
}

/// Reads numbers of an ELF in its own byte order; `None` past the end.
struct Reader<'a> {
    content: &'a [u8],
    big: bool,
}

impl Reader<'_> {
    fn number(&self, at: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.content.get(at..at.checked_add(size)?)?;
        let fold = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    }
}

fn machine_name(machine: u64) -> &'static str {
    match machine {
        2 => "SPARC",
        3 => "Intel 80386",
        4 => "Motorola m68k",
        8 => "MIPS",
        20 => "PowerPC",
        40 => "ARM",
        42 => "Renesas SH",
        62 => "x86-64",
        93 => "ARC Cores",
        183 => "ARM aarch64",
        243 => "UCB RISC-V",
        _ => "unknown architecture",
    }
}

fn elf(content: &[u8]) -> Option<String> {
    if !content.starts_with(b"\x7fELF") {
        return None;
    }
    let (class, order) = (*content.get(4)?, *content.get(5)?);
    let reader = Reader { content, big: order == 2 };
    let wide = class == 2;
    let kind = match reader.number(16, 2)? {
        1 => "relocatable",
        2 => "executable",
        3 => "shared object",
        4 => "core file",
        _ => "unknown type",
    };
    let machine = machine_name(reader.number(18, 2)?);
    let bits = if wide { "64" } else { "32" };
    let ends = if reader.big { "MSB" } else { "LSB" };
    let mut words = format!("ELF {bits}-bit {ends} {kind}, {machine}");
    if let Some(linkage) = linkage(&reader, wide) {
        words.push_str(", ");
        words.push_str(linkage);
    }
    if content.windows(4).any(|window| window == b"UPX!") {
        words.push_str(", UPX packed");
    }
    Some(words)
}

/// Whether a program header names an interpreter; `None` where they are not there to be read.
fn linkage(reader: &Reader<'_>, wide: bool) -> Option<&'static str> {
    let start = if wide { reader.number(32, 8)? } else { reader.number(28, 4)? };
    let size = reader.number(if wide { 54 } else { 42 }, 2)?;
    let count = reader.number(if wide { 56 } else { 44 }, 2)?;
    let mut dynamic = false;
    for place in 0..count.min(32) {
        let kind = reader.number(start.checked_add(place.checked_mul(size)?)?, 4)?;
        dynamic |= kind == 3 || kind == 2;
    }
    Some(if dynamic { "dynamically linked" } else { "statically linked" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn programs_and_texts_are_told_apart() {
        let own = super::super::program::bytes(super::super::program::Architecture::Mips, 1, 3_000);
        assert_eq!(describe(&own[..300]), "ELF 32-bit MSB executable, MIPS, dynamically linked");
        let mut packed = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
        packed.resize(16, 0);
        packed.extend([2, 0, 40, 0]);
        packed.resize(120, 0);
        packed.extend_from_slice(b"UPX!");
        assert_eq!(
            describe(&packed),
            "ELF 32-bit LSB executable, ARM, statically linked, UPX packed"
        );
        assert_eq!(describe(b"#!/bin/sh\necho\n"), "POSIX shell script, ASCII text executable");
        assert_eq!(describe(b"ssh-rsa AAAAB3 x\n"), "OpenSSH RSA public key");
        assert_eq!(describe(b"\x00\x01"), "data");
    }

    proptest! {
        #[test]
        fn any_elf_is_described_without_harm(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut content = b"\x7fELF".to_vec();
            content.extend(tail);
            prop_assert!(describe(&content).len() < 200);
        }
    }
}
