//! What a download brings where the owner chose that downloads seem to succeed: a harmless thing of the type that the address names, so that
//! the visitor's next command (`chmod`, `./x`, `sh x`, `tar xf`) follows and is seen. Nothing is fetched: a script that does nothing, an ELF
//! header with bytes that mean nothing behind it, an empty page, an empty archive. It is no capture, for nobody brought it.

use sha2::{Digest as _, Sha256};

use super::super::files::packed;
use super::Call;
use crate::machine::files::{Body, Fault, base_name};
use crate::machine::program;

/// What a server would say that it is.
pub(super) struct Placeholder {
    pub(super) kind: &'static str,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    /// A program for this machine, of this many bytes.
    Program(u32),
}

/// Words in file names of bots, the ELF machine that they mean, and whether it is big-endian; the longer before the shorter.
const MACHINES: [(&str, u16, bool); 22] = [
    ("x86_64", 62, false),
    ("amd64", 62, false),
    ("aarch64", 183, false),
    ("arm64", 183, false),
    ("mipsel", 8, false),
    ("mpsl", 8, false),
    ("mips", 8, true),
    ("arm", 40, false),
    ("i386", 3, false),
    ("i486", 3, false),
    ("i586", 3, false),
    ("i686", 3, false),
    ("x86_32", 3, false),
    ("powerpc", 20, true),
    ("ppc", 20, true),
    ("sparc", 2, true),
    ("spc", 2, true),
    ("m68k", 4, true),
    ("sh4", 42, false),
    ("superh", 42, false),
    ("arc", 93, false),
    ("x86", 62, false),
];

impl Placeholder {
    /// What stands at an address; `shown` where it goes to the output, which is read by a shell more often than not.
    pub(super) fn of(call: &Call<'_>, address: &str, shown: bool) -> Self {
        let path = address.split_once("://").map_or(address, |(_, rest)| rest);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let name = path.split_once('/').map_or("", |(_, path)| path);
        let name = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let text = |kind, text: &str| Self { kind, content: Content::Bytes(text.into()) };
        let bytes = |kind, bytes: Vec<u8>| Self { kind, content: Content::Bytes(bytes) };
        let inner = name.trim_end_matches(".gz").trim_end_matches(".tgz").trim_end_matches(".tar");
        match extension {
            "sh" | "bash" => text("application/x-sh", "#!/bin/sh\nexit 0\n"),
            "py" => text("text/x-python", "#!/usr/bin/env python3\n"),
            "pl" => text("text/x-perl", "#!/usr/bin/perl\n"),
            "php" => text("text/html; charset=UTF-8", ""),
            "c" => text("text/x-csrc", "int main(void) { return 0; }\n"),
            "txt" | "conf" | "log" | "cfg" => text("text/plain", "\n"),
            "json" => text("application/json", "{}\n"),
            "html" | "htm" => text("text/html", PAGE),
            _ if name.is_empty() && !shown => text("text/html", PAGE),
            "tgz" => bytes("application/gzip", packed(&tar(inner, &script()))),
            "gz" if name.ends_with(".tar.gz") => {
                bytes("application/gzip", packed(&tar(inner, &script())))
            }
            "gz" => bytes("application/gzip", packed(&call.foreign(inner))),
            "tar" => bytes("application/x-tar", tar(inner, &script())),
            "zip" => bytes("application/zip", ZIP.to_vec()),
            "bz2" => bytes("application/x-bzip2", BZIP2.to_vec()),
            "xz" => bytes("application/x-xz", XZ.to_vec()),
            "png" | "jpg" | "jpeg" | "gif" => bytes("image/png", PNG.to_vec()),
            _ => match machine_named(&name) {
                Some(found) if !call.is_own(found) => {
                    bytes("application/octet-stream", program::foreign(found.0, found.1, 6_144))
                }
                None if shown => text("text/plain", "#!/bin/sh\nexit 0\n"),
                _ => Self {
                    kind: "application/octet-stream",
                    content: Content::Program(28_000 + drawn(address) % 90_000),
                },
            },
        }
    }

    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Program(size) => *size as usize,
        }
    }

    /// All of it, to be shown.
    pub(super) fn bytes(&self, call: &mut Call<'_>) -> Vec<u8> {
        let bytes = match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Program(size) => program::bytes(call.kernel.world.architecture, *size, *size),
        };
        call.kernel.bring(&bytes);
        bytes
    }

    /// Puts it where the tool saves it.
    pub(super) fn save(&self, call: &mut Call<'_>, path: &[u8]) -> Result<(), Fault> {
        let mode = 0o666 & !call.umask;
        let (node, path) =
            call.kernel.open_for_writing(call.folder, path, false, mode, call.who)?;
        match &self.content {
            Content::Bytes(bytes) => {
                call.kernel.write_as(node, 0, bytes, &path, false, false)?;
            }
            Content::Program(_) if !call.kernel.files.node(node).is_regular() => {}
            Content::Program(size) => {
                call.kernel.files.change(node)?.body = Body::Program { name: "", size: *size };
            }
        }
        Ok(())
    }
}

impl Call<'_> {
    /// Whether downloads seem to succeed from this host.
    pub(in crate::machine::commands) fn downloads_from(&self, host: &str) -> bool {
        let near = host == "localhost"
            || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_broadcast()
                    || address == self.kernel.world.hardware.address
            });
        self.kernel.world.downloads == crate::Downloads::Placeholder && !host.is_empty() && !near
    }

    fn is_own(&self, (machine, big): (u16, bool)) -> bool {
        let (_, order, own) = self.kernel.world.architecture.number();
        machine == own && big == (order == 2) || machine == 3 && own == 62
    }

    /// A small program of the architecture that the name has, or the machine's.
    fn foreign(&self, name: &str) -> Vec<u8> {
        match machine_named(name) {
            Some(found) if !self.is_own(found) => program::foreign(found.0, found.1, 6_144),
            _ => program::bytes(self.kernel.world.architecture, 1, 12_288),
        }
    }
}

/// The address that a name has, where names have one.
pub(super) fn resolved(host: &str) -> String {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host.to_owned();
    }
    let number = drawn(host);
    format!("104.21.{}.{}", number >> 8 & 0x5f, number & 0xff)
}

/// The name under which a tool saves what an address names.
pub(super) fn saved_name(address: &str, otherwise: &str) -> Vec<u8> {
    let path = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    let name = base_name(path.as_bytes());
    if path.is_empty() || path.ends_with('/') || name.is_empty() {
        otherwise.as_bytes().to_vec()
    } else {
        name.to_vec()
    }
}

fn machine_named(name: &str) -> Option<(u16, bool)> {
    MACHINES.iter().find(|(word, ..)| name.contains(word)).map(|(_, machine, big)| (*machine, *big))
}

fn drawn(text: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn script() -> Vec<u8> {
    b"#!/bin/sh\nexit 0\n".to_vec()
}

/// An archive (POSIX ustar) of one script under a folder of the archive's name.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let name: String = name
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter))
        .take(40)
        .collect();
    let name = if name.is_empty() { "files".to_owned() } else { name };
    let mut made = Vec::new();
    for (path, kind, mode, content) in [
        (format!("{name}/"), b'5', "0000755", &b""[..]),
        (format!("{name}/install.sh"), b'0', "0000755", content),
    ] {
        let mut head = vec![0_u8; 512];
        let mut put = |at: usize, text: &[u8]| head[at..at + text.len()].copy_from_slice(text);
        put(0, path.as_bytes());
        put(100, mode.as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{:011o}", content.len()).as_bytes());
        put(136, b"14603410000");
        put(148, b"        ");
        put(156, &[kind]);
        put(257, b"ustar\x0000root");
        put(297, b"root");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        made.extend(head);
        made.extend_from_slice(content);
        made.resize(made.len().next_multiple_of(512), 0);
    }
    made.resize(made.len() + 1_024, 0);
    made
}

const PAGE: &str = "<html>\n<head><title>Index</title></head>\n<body></body>\n</html>\n";
/// Empty ones: APPNOTE 4.3.16, bzip2's end of stream, the .xz format's empty stream.
const ZIP: [u8; 22] = *b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const BZIP2: [u8; 14] = *b"BZh9\x17rE8P\x90\0\0\0\0";
const XZ: [u8; 32] = [
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46, 0, 0, 0, 0, 0x1c, 0xdf, 0x44,
    0x21, 0x1f, 0xb6, 0xf3, 0x7d, 1, 0, 0, 0, 0, 4, 0x59, 0x5a,
];
/// One grey point.
const PNG: [u8; 67] = *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_names_of_architectures_are_understood() {
        for (name, expected) in [
            ("mirai.mpsl", Some((8, false))),
            ("mirai.mips", Some((8, true))),
            ("bins.arm7", Some((40, false))),
            ("jaws.x86_64", Some((62, false))),
            ("sora.sh4", Some((42, false))),
            ("kworker", None),
        ] {
            assert_eq!(machine_named(name), expected, "{name}");
        }
    }
}
