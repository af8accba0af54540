//! What the stand-in shell's other commands answer, and the few files that loaders read: an ELF's head of the machine's own
//! architecture, the mounts, the processor.

use super::persona::TelnetFace;

pub(super) const BUSYBOX: &str = "BusyBox v1.22.1 (2018-05-09 16:43:19 CST) multi-call binary.\n\
    Usage: busybox [function [arguments]...]\n   or: busybox --list\n   or: function [arguments]...\n";

/// Commands that are there.
const APPLETS: &[&[u8]] = &[
    b"ash",
    b"cat",
    b"chmod",
    b"cp",
    b"dd",
    b"echo",
    b"false",
    b"free",
    b"grep",
    b"hostname",
    b"id",
    b"ifconfig",
    b"kill",
    b"killall",
    b"ls",
    b"mkdir",
    b"mount",
    b"mv",
    b"ping",
    b"ps",
    b"pwd",
    b"reboot",
    b"rm",
    b"sh",
    b"sleep",
    b"sync",
    b"tftp",
    b"top",
    b"touch",
    b"true",
    b"umount",
    b"uname",
    b"uptime",
    b"vi",
    b"wget",
    b"whoami",
];

pub(super) fn is_known(name: &[u8]) -> bool {
    APPLETS.contains(&name)
}

/// The output and the status of a command, where it is one that needs no files.
pub(super) fn run(name: &[u8], words: &[Vec<u8>], face: TelnetFace) -> Option<(String, u8)> {
    if !is_known(name) {
        return None;
    }
    let first = words.iter().find(|word| !word.starts_with(b"-"));
    Some(match name {
        b"ps" => (
            "  PID USER       VSZ STAT COMMAND\n    1 root      1576 S    init\n    2 root         0 SW   [kthreadd]\n  \
             417 root      1580 S    telnetd\n  422 root      1588 S    -sh\n  431 root      1580 R    ps\n"
                .to_owned(),
            0,
        ),
        b"mount" => (mounts(face).to_owned(), 0),
        b"whoami" => ("root\n".to_owned(), 0),
        b"id" => ("uid=0(root) gid=0(root)\n".to_owned(), 0),
        b"uname" => (uname(words, face), 0),
        b"false" => (String::new(), 1),
        b"wget" => match first {
            None => (format!("{BUSYBOX}\nUsage: wget [-c|--continue] [-s|--spider] [-q|--quiet] URL...\n"), 1),
            Some(url) => {
                let host = host_of(url);
                (format!("Connecting to {host} ({host})\nwget: can't connect to remote host ({host}): Connection refused\n"), 1)
            }
        },
        b"tftp" => match first {
            None => (format!("{BUSYBOX}\nUsage: tftp [OPTIONS] HOST [PORT]\n"), 1),
            Some(_) => ("tftp: timeout\n".to_owned(), 1),
        },
        _ => (String::new(), 0),
    })
}

fn host_of(url: &[u8]) -> String {
    let url = String::from_utf8_lossy(url);
    let rest = url.split_once("://").map_or(url.as_ref(), |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default().chars().take(64).collect()
}

fn uname(words: &[Vec<u8>], face: TelnetFace) -> String {
    let machine = match face {
        TelnetFace::Router => "mips",
        TelnetFace::Camera => "armv7l",
        TelnetFace::Linux => "x86_64",
    };
    if words.iter().any(|word| word.starts_with(b"-") && word.contains(&b'a')) {
        return format!(
            "Linux (none) 3.10.14 #1 Wed May 9 16:43:19 CST 2018 {machine} GNU/Linux\n"
        );
    }
    if words.iter().any(|word| word.starts_with(b"-m")) {
        format!("{machine}\n")
    } else {
        "Linux\n".to_owned()
    }
}

const fn mounts(face: TelnetFace) -> &'static str {
    if face.is_busybox() {
        "rootfs / rootfs rw 0 0\n/dev/root / squashfs ro,relatime 0 0\nproc /proc proc rw,relatime 0 0\n\
         sysfs /sys sysfs rw,relatime 0 0\ntmpfs /dev tmpfs rw,relatime 0 0\ntmpfs /tmp tmpfs rw,relatime 0 0\n\
         tmpfs /var tmpfs rw,relatime 0 0\n"
    } else {
        "sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n\
         udev /dev devtmpfs rw,nosuid,relatime,size=498248k 0 0\n/dev/vda1 / ext4 rw,relatime 0 0\n\
         tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime 0 0\n"
    }
}

/// A file of the machine's.
pub(super) fn file(path: &[u8], face: TelnetFace) -> Option<Vec<u8>> {
    match path {
        b"/proc/mounts" | b"/etc/mtab" => Some(mounts(face).as_bytes().to_vec()),
        b"/proc/cpuinfo" => Some(processor(face).as_bytes().to_vec()),
        b"/bin/echo" | b"/bin/busybox" | b"/bin/sh" | b"/bin/ls" | b"/bin/cat"
        | b"/proc/self/exe" => Some(elf(face)),
        b"/etc/passwd" => Some(b"root:x:0:0:root:/root:/bin/sh\n".to_vec()),
        _ => None,
    }
}

const fn processor(face: TelnetFace) -> &'static str {
    match face {
        TelnetFace::Router => {
            "system type\t\t: MT7628\nprocessor\t\t: 0\ncpu model\t\t: MIPS 24KEc V5.5\nBogoMIPS\t\t: 385.84\n"
        }
        TelnetFace::Camera => {
            "Processor\t: ARMv7 Processor rev 5 (v7l)\nBogoMIPS\t: 1196.85\nHardware\t: hi3518ev200\n"
        }
        TelnetFace::Linux => {
            "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel Xeon Processor (Skylake)\n"
        }
    }
}

/// An ELF header with its first program header, of the machine's class, byte order and architecture (System V ABI).
fn elf(face: TelnetFace) -> Vec<u8> {
    let (wide, big, machine, flags) = match face {
        TelnetFace::Router => (false, true, 8_u16, 0x5000_1007_u32),
        TelnetFace::Camera => (false, false, 40, 0x0500_0200),
        TelnetFace::Linux => (true, false, 62, 0),
    };
    let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let address = |value: u32| {
        let mut bytes = word(value).to_vec();
        if wide {
            bytes.extend([0; 4]);
        }
        bytes
    };
    let mut head =
        vec![0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, if big { 2 } else { 1 }, 1];
    head.resize(16, 0);
    head.extend(half(2));
    head.extend(half(machine));
    head.extend(word(1));
    head.extend(address(0x0040_3f10));
    head.extend(address(if wide { 64 } else { 52 }));
    head.extend(address(0x0006_1f40));
    head.extend(word(flags));
    let sizes = if wide { [64, 56, 9, 64, 29, 28] } else { [52, 32, 7, 40, 26, 25] };
    sizes.into_iter().for_each(|size| head.extend(half(size)));
    head.resize(1024, 0);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_an_elf_of_its_own_architecture() {
        let fields = |face| {
            let head = elf(face);
            (head[4], head[5], [head[18], head[19]], head.len())
        };
        assert_eq!(fields(TelnetFace::Router), (1, 2, [0, 8], 1024));
        assert_eq!(fields(TelnetFace::Camera), (1, 1, [40, 0], 1024));
        assert_eq!(fields(TelnetFace::Linux), (2, 1, [62, 0], 1024));
    }
}
