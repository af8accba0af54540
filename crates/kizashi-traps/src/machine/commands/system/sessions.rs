//! Terminals, connections out, and what else scripts call.

use std::time::Duration;

use super::{Call, Finish, Moment, Replacement};
use crate::machine::files::Who;

fn text_of(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn tty(call: &mut Call<'_>) -> Finish {
    let typed = call.typed;
    call.line(if typed { "/dev/pts/0" } else { "not a tty" });
    Finish::Status(u8::from(!typed))
}

pub(super) fn stty(call: &mut Call<'_>) -> Finish {
    if !call.typed {
        return call.fail("'standard input': Inappropriate ioctl for device", 1);
    }
    match call.arguments().first().map(|word| &word[..]) {
        None => call.line("speed 38400 baud; line = 0;\n-brkint -imaxbel"),
        Some(b"size") => call.line("24 80"),
        Some(b"-a") => call.line("speed 38400 baud; rows 24; columns 80; line = 0;"),
        Some(_) => {}
    }
    Finish::Status(0)
}

pub(super) fn getent(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    let path = match words.first().map(|word| &word[..]) {
        Some(b"passwd") => "/etc/passwd",
        Some(b"group") => "/etc/group",
        Some(b"shadow") => "/etc/shadow",
        Some(b"hosts") => "/etc/hosts",
        Some(other) => {
            let shown = text_of(other);
            call.err(format!("Unknown database: {shown}\nTry `getent --help' or `getent --usage' for more information.\n").as_bytes());
            return Finish::Status(1);
        }
        None => {
            call.err(b"getent: wrong number of arguments\n");
            return Finish::Status(1);
        }
    };
    let Ok(bytes) = call.kernel.read_path(b"/", path.as_bytes(), call.who) else {
        return Finish::Status(2);
    };
    let key = words.get(1).cloned();
    let mut found = false;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let matches = key.as_ref().is_none_or(|key| {
            line.split(|byte| *byte == b':').take(3).any(|field| field == &key[..])
        });
        if matches {
            found = true;
            call.out(&[line, b"\n"].concat());
        }
    }
    Finish::Status(if found { 0 } else { 2 })
}

/// A host and a port that something should have been sent to.
fn told(call: &mut Call<'_>, scheme: &str, host: &str, port: &str) {
    call.kernel.tell_address(format!("{scheme}://{host}:{port}").as_bytes());
}

pub(super) fn netcat(call: &mut Call<'_>) -> Finish {
    let given = match call.options("lp:vnzw:e:c:uq:i:s:kdX:x:o:46Ct", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'l') {
        // Nobody will come.
        return Finish::Sleep(Duration::from_secs(3_600));
    }
    let (Some(host), Some(port)) =
        (given.rest.first().map(|word| text_of(word)), given.rest.get(1).map(|word| text_of(word)))
    else {
        if call.is_busybox() {
            return call.usage("[-iN] [-wN] [-l] [-p PORT] [-f FILE|IPADDR PORT] [-e PROG]");
        }
        call.err(b"usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]\n");
        return Finish::Status(1);
    };
    told(call, "tcp", &host, &port);
    let number = host.parse::<std::net::Ipv4Addr>().is_ok();
    let text = match (call.is_busybox(), number, given.has(b'v') || given.has(b'z')) {
        (true, true, _) => {
            format!("nc: can't connect to remote host ({host}): Connection timed out\n")
        }
        (true, false, _) => format!("nc: bad address '{host}'\n"),
        (false, false, _) => format!(
            "nc: getaddrinfo for host \"{host}\" port {port}: Temporary failure in name resolution\n"
        ),
        (false, true, true) => {
            format!("nc: connect to {host} port {port} (tcp) failed: Connection timed out\n")
        }
        (false, true, false) => String::new(),
    };
    Finish::Slow(
        vec![Moment { after: Duration::from_secs(6), text: text.into_bytes(), error: true }],
        1,
    )
}

pub(super) fn telnet(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call
        .arguments()
        .iter()
        .filter(|word| word.first() != Some(&b'-'))
        .map(|word| text_of(word))
        .collect();
    let Some(host) = words.first() else {
        return if call.is_busybox() {
            call.usage("[-a] [-l USER] HOST [PORT]")
        } else {
            Finish::Status(0)
        };
    };
    told(call, "telnet", host, words.get(1).map_or("23", String::as_str));
    let first = if call.is_busybox() { String::new() } else { format!("Trying {host}...\n") };
    let last = if call.is_busybox() {
        format!("telnet: can't connect to remote host ({host}): Connection timed out\n")
    } else {
        "telnet: Unable to connect to remote host: Connection timed out\n".to_owned()
    };
    Finish::Slow(
        vec![
            Moment { after: Duration::ZERO, text: first.into_bytes(), error: false },
            Moment { after: Duration::from_secs(7), text: last.into_bytes(), error: true },
        ],
        1,
    )
}

/// `scp`, `sftp`, `rsync`, `ftp`: a connection that is not made.
pub(super) fn copy_out(call: &mut Call<'_>) -> Finish {
    let name = text_of(call.base_name());
    let target = call.arguments().iter().map(|word| text_of(word)).find(|word| {
        word.contains(':') || word.contains('@') || name == "ftp" && !word.starts_with('-')
    });
    let Some(target) = target else {
        call.err(format!("usage: {name} [options] source ... target\n").as_bytes());
        return Finish::Status(1);
    };
    call.kernel.tell_address(format!("{name}://{target}").as_bytes());
    let host = target
        .split(':')
        .next()
        .unwrap_or_default()
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_owned();
    let text = match &name[..] {
        "ftp" => format!("ftp: connect: Connection timed out\nftp: {host}\n"),
        "rsync" => format!(
            "ssh: connect to host {host} port 22: Connection timed out\nrsync: connection unexpectedly closed (0 bytes received so far) [sender]\nrsync error: unexplained error (code 255) at io.c(228) [sender=3.2.7]\n"
        ),
        _ => format!(
            "ssh: connect to host {host} port 22: Connection timed out\n{name}: Connection closed\n"
        ),
    };
    Finish::Slow(
        vec![Moment { after: Duration::from_secs(6), text: text.into_bytes(), error: true }],
        255,
    )
}

pub(super) fn git(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text_of(word)).collect();
    match words.first().map(String::as_str) {
        Some("--version") => call.line("git version 2.39.5"),
        Some("clone") => {
            let Some(url) = words.iter().skip(1).find(|word| !word.starts_with('-')) else {
                call.err(b"fatal: You must specify a repository to clone.\n");
                return Finish::Status(129);
            };
            call.kernel.tell_address(url.as_bytes());
            let folder = url
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .trim_end_matches(".git")
                .to_owned();
            let host = url.split("://").nth(1).unwrap_or(url).split('/').next().unwrap_or_default();
            let text =
                format!("fatal: unable to access '{url}/': Could not resolve host: {host}\n");
            return Finish::Slow(
                vec![
                    Moment {
                        after: Duration::ZERO,
                        text: format!("Cloning into '{folder}'...\n").into_bytes(),
                        error: true,
                    },
                    Moment { after: Duration::from_secs(4), text: text.into_bytes(), error: true },
                ],
                128,
            );
        }
        None => {
            call.line("usage: git [-v | --version] [-h | --help] [-C <path>] [-c <name>=<value>]\n           <command> [<args>]");
            return Finish::Status(1);
        }
        Some(_) => {
            call.err(b"fatal: not a git repository (or any of the parent directories): .git\n");
            return Finish::Status(128);
        }
    }
    Finish::Status(0)
}

pub(super) fn watch(call: &mut Call<'_>) -> Finish {
    let words: Vec<Vec<u8>> =
        call.arguments().iter().skip_while(|word| word.first() == Some(&b'-')).cloned().collect();
    if words.is_empty() {
        call.usage("[-n SEC] [-t] PROG ARGS")
    } else {
        Finish::Replace(Replacement { words, set: Vec::new(), who: None })
    }
}

pub(super) fn hostnamectl(call: &mut Call<'_>) -> Finish {
    let world = std::sync::Arc::clone(&call.kernel.world);
    let machine = call.kernel.read_path(b"/", b"/etc/machine-id", Who::ROOT).unwrap_or_default();
    call.line(&format!(" Static hostname: {}\n       Icon name: computer-vm\n         Chassis: vm 🖴\n      Machine ID: {}\n  Virtualization: kvm\nOperating System: {}\n          Kernel: Linux {}\n    Architecture: x86-64\n Hardware Vendor: QEMU\n  Hardware Model: Standard PC _i440FX + PIIX, 1996_", world.host, text_of(&machine).trim(), world.system.pretty, world.system.kernel));
    Finish::Status(0)
}

pub(super) fn lsb_release(call: &mut Call<'_>) -> Finish {
    let system = call.kernel.world.system;
    let given = match call.options(
        "aidrcsv",
        &[
            ("all", b'a'),
            ("id", b'i'),
            ("description", b'd'),
            ("release", b'r'),
            ("codename", b'c'),
            ("short", b's'),
        ],
        2,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    call.err(b"No LSB modules are available.\n");
    let id = if system.is_debian() { "Debian" } else { "Ubuntu" };
    for (letter, name, value) in [
        (b'i', "Distributor ID", id),
        (b'd', "Description", system.pretty),
        (b'r', "Release", system.version_id),
        (b'c', "Codename", system.codename),
    ] {
        if given.has(b'a') || given.has(letter) {
            let line = if given.has(b's') { value.to_owned() } else { format!("{name}:\t{value}") };
            call.line(&line);
        }
    }
    Finish::Status(0)
}

pub(super) fn virtualization(call: &mut Call<'_>) -> Finish {
    call.line("kvm");
    Finish::Status(0)
}

pub(super) fn journal(call: &mut Call<'_>) -> Finish {
    let bytes = call.kernel.read_path(b"/", b"/var/log/syslog", Who::ROOT).unwrap_or_default();
    call.out(&bytes);
    Finish::Status(0)
}

pub(super) fn getconf(call: &mut Call<'_>) -> Finish {
    let text = match call.arguments().first().map(|word| &word[..]) {
        Some(b"LONG_BIT") => if call.is_busybox() { "32" } else { "64" }.to_owned(),
        Some(b"_NPROCESSORS_ONLN" | b"_NPROCESSORS_CONF") => {
            call.kernel.world.hardware.processors.to_string()
        }
        Some(b"PAGE_SIZE" | b"PAGESIZE") => "4096".to_owned(),
        Some(b"ARG_MAX") => "2097152".to_owned(),
        Some(b"GNU_LIBC_VERSION") => "glibc 2.36".to_owned(),
        Some(other) => {
            let shown = text_of(other);
            return call.fail(&format!("Unrecognized variable `{shown}'"), 2);
        }
        None => return call.usage(""),
    };
    call.line(&text);
    Finish::Status(0)
}

pub(super) fn ldd(call: &mut Call<'_>) -> Finish {
    let Some(path) = call.arguments().first().cloned() else {
        call.err(b"ldd: missing file arguments\nTry `ldd --help' for more information.\n");
        return Finish::Status(1);
    };
    let shown = text_of(&path);
    match call.read(&path) {
        Err(_) => call.fail(&format!("{shown}: No such file or directory"), 1),
        Ok(bytes) if !bytes.starts_with(b"\x7fELF") => {
            call.line("\tnot a dynamic executable");
            Finish::Status(1)
        }
        Ok(_) => {
            call.line("\tlinux-vdso.so.1 (0x00007ffd3c9e6000)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1b6a3c2000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f1b6a5b9000)");
            Finish::Status(0)
        }
    }
}

/// An editor on a terminal that is none.
pub(super) fn editor(call: &mut Call<'_>) -> Finish {
    if call.is_busybox() {
        return Finish::Status(0);
    }
    if call.base_name() == b"nano" {
        call.err(b"Standard input is not a terminal\n");
        return Finish::Status(1);
    }
    call.err(
        b"Vim: Warning: Output is not to a terminal\nVim: Warning: Input is not from a terminal\n",
    );
    Finish::Status(1)
}

pub(super) fn quiet(_call: &mut Call<'_>) -> Finish {
    Finish::Status(0)
}
