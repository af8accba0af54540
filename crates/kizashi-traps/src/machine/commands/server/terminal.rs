//! Terminals, and programs that need one: `tty`, `tput`, `mesg`, `screen`, `script`, `vi`, `man`.

use super::super::{Call, Finish, Replacement};

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn tty(call: &mut Call<'_>) -> Finish {
    let own = call.tty.filter(|_| call.reads_terminal()).map(|tty| tty.path());
    if call.arguments().iter().all(|word| word != b"-s" && word != b"--silent") {
        call.line(own.as_deref().unwrap_or("not a tty"));
    }
    Finish::Status(u8::from(own.is_none()))
}

/// `tput`: of terminfo what scripts ask for. Its size is that of the environment, of the terminal wherever one is, or the description's.
pub(super) fn tput(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options("T:VSx", &[], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let named = given.value(b'T').map(text);
    let Some(terminal) = named.or_else(|| call.exported(b"TERM")).filter(|name| !name.is_empty())
    else {
        call.err(b"tput: No value for $TERM and no -T specified\n");
        return Finish::Status(2);
    };
    if !is_described(&terminal) {
        call.err(format!("tput: unknown terminal \"{terminal}\"\n").as_bytes());
        return Finish::Status(3);
    }
    let Some(name) = given.rest.first() else {
        call.err(b"usage: tput [-V] [-S] [-x] [-T term] capname\n");
        return Finish::Status(2);
    };
    let numbers: Vec<u32> =
        given.rest[1..].iter().map(|word| text(word).parse().unwrap_or(0)).collect();
    let size = |name: &[u8], own: Option<u16>, usual: u16| {
        let told = call.exported(name).and_then(|text| text.parse().ok());
        told.or(own).filter(|number: &u16| *number > 0).unwrap_or(usual).to_string()
    };
    let is_bare = terminal == "dumb" || terminal == "unknown";
    let shown = match &name[..] {
        b"cols" => size(b"COLUMNS", call.tty.map(|tty| tty.size.columns), 80) + "\n",
        b"lines" => size(b"LINES", call.tty.map(|tty| tty.size.rows), 24) + "\n",
        b"colors" if is_bare || terminal.starts_with("vt") => "-1\n".to_owned(),
        b"colors" => if terminal.contains("256") { "256\n" } else { "8\n" }.to_owned(),
        b"longname" => match terminal.as_str() {
            "xterm-256color" => "xterm with 256 colors".to_owned(),
            "xterm" => "xterm terminal emulator (X Window System)".to_owned(),
            "linux" => "Linux console".to_owned(),
            "dumb" => "80-column dumb tty".to_owned(),
            other => other.to_owned(),
        },
        _ => match sequence(name, &numbers, is_bare) {
            Some(shown) if shown.is_empty() => return Finish::Status(1),
            Some(shown) => shown,
            None => {
                let shown = text(name);
                call.err(format!("tput: unknown terminfo capability '{shown}'\n").as_bytes());
                return Finish::Status(4);
            }
        },
    };
    call.out(shown.as_bytes());
    Finish::Status(0)
}

/// Whether terminfo has it, as Debian's `ncurses-base` does.
fn is_described(terminal: &str) -> bool {
    const FAMILIES: [&str; 12] = [
        "xterm", "vt", "linux", "screen", "tmux", "rxvt", "dumb", "ansi", "cygwin", "Eterm",
        "hurd", "sun",
    ];
    FAMILIES.iter().any(|family| terminal.starts_with(family))
}

/// The sequence of a capability; nothing in it where this terminal has none, `None` where there is no such capability.
fn sequence(name: &[u8], numbers: &[u32], is_bare: bool) -> Option<String> {
    let number = |place: usize| numbers.get(place).copied().unwrap_or(0);
    let shown = match name {
        b"bel" => "\x07".to_owned(),
        b"cr" => "\r".to_owned(),
        b"bold" | b"smso" | b"smul" | b"rev" | b"dim" | b"blink" | b"sgr0" | b"rmso" | b"rmul"
        | b"clear" | b"el" | b"ed" | b"home" | b"cup" | b"setaf" | b"setab" | b"civis"
        | b"cnorm" | b"smcup" | b"rmcup" | b"sc" | b"rc" | b"op" | b"reset"
            if is_bare =>
        {
            String::new()
        }
        b"bold" => "\x1b[1m".to_owned(),
        b"dim" => "\x1b[2m".to_owned(),
        b"smul" => "\x1b[4m".to_owned(),
        b"rmul" => "\x1b[24m".to_owned(),
        b"blink" => "\x1b[5m".to_owned(),
        b"rev" | b"smso" => "\x1b[7m".to_owned(),
        b"rmso" => "\x1b[27m".to_owned(),
        b"sgr0" => "\x1b(B\x1b[m".to_owned(),
        b"op" => "\x1b[39;49m".to_owned(),
        b"clear" => "\x1b[H\x1b[2J\x1b[3J".to_owned(),
        b"reset" => "\x1bc\x1b]104\x07\x1b[!p\x1b[?3;4l\x1b[4l\x1b>\x1b[?69l".to_owned(),
        b"el" => "\x1b[K".to_owned(),
        b"ed" => "\x1b[J".to_owned(),
        b"home" => "\x1b[H".to_owned(),
        b"cup" => format!("\x1b[{};{}H", number(0) + 1, number(1) + 1),
        b"civis" => "\x1b[?25l".to_owned(),
        b"cnorm" => "\x1b[?12l\x1b[?25h".to_owned(),
        b"smcup" => "\x1b[?1049h\x1b[22;0;0t".to_owned(),
        b"rmcup" => "\x1b[?1049l\x1b[23;0;0t".to_owned(),
        b"sc" => "\x1b7".to_owned(),
        b"rc" => "\x1b8".to_owned(),
        b"setaf" | b"setab" => {
            let base = if name == b"setaf" { 30 } else { 40 };
            match number(0) {
                low @ 0..8 => format!("\x1b[{}m", base + low),
                bright @ 8..16 => format!("\x1b[{}m", base + 52 + bright),
                other => format!("\x1b[{};5;{other}m", base + 8),
            }
        }
        _ => return None,
    };
    Some(shown)
}

pub(super) fn mesg(call: &mut Call<'_>) -> Finish {
    if !call.typed {
        return Finish::Status(2);
    }
    if call.arguments().is_empty() {
        call.line("is y");
        return Finish::Status(0);
    }
    Finish::Status(0)
}

pub(super) fn write(call: &mut Call<'_>) -> Finish {
    match call.arguments().first().map(|word| text(word)) {
        Some(name) => call.fail(&format!("{name} is not logged in"), 1),
        None => call.fail("bad usage\nTry 'write --help' for more information.", 1),
    }
}

pub(super) fn wall(call: &mut Call<'_>) -> Finish {
    match call.options("ng:t:", &[("nobanner", b'n'), ("timeout", b't'), ("group", b'g')], 1) {
        Ok(_) => Finish::Status(0),
        Err(finish) => finish,
    }
}

pub(super) fn logger(call: &mut Call<'_>) -> Finish {
    match call.options("isp:t:f:n:P:u:e", &[("tag", b't'), ("priority", b'p')], 1) {
        Ok(_) => Finish::Status(0),
        Err(finish) => finish,
    }
}

/// `screen`: a session in the background runs what it is given; bots start their miner in one.
pub(super) fn screen(call: &mut Call<'_>) -> Finish {
    let words = call.arguments().to_vec();
    let option = |wanted: &[u8]| words.iter().any(|word| word == wanted);
    if option(b"-ls") || option(b"-list") {
        let user = text(&call.kernel.user_name(call.who.uid));
        call.out(format!("No Sockets found in /run/screen/S-{user}.\n\r\n").as_bytes());
        return Finish::Status(1);
    }
    if option(b"-v") || option(b"--version") {
        call.line("Screen version 4.09.00 (GNU) 30-Jan-22");
        return Finish::Status(0);
    }
    if option(b"-wipe") {
        return Finish::Status(0);
    }
    let detached = words.iter().any(|word| word.starts_with(b"-d") && word.contains(&b'm'));
    if !detached && !call.typed {
        call.err(b"Must be connected to a terminal.\n");
        return Finish::Status(1);
    }
    Finish::Status(0)
}

/// `nsenter`: into the namespaces of the machine's own first process, which are the visitor's; what is asked for runs.
pub(super) fn nsenter(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "at:muinpUCTS:G:Fwr",
        &[
            ("target", b't'),
            ("mount", b'm'),
            ("uts", b'u'),
            ("ipc", b'i'),
            ("net", b'n'),
            ("pid", b'p'),
            ("all", b'a'),
            ("user", b'U'),
            ("cgroup", b'C'),
            ("wd", b'w'),
            ("root", b'r'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if !call.who.is_root() && given.value(b't').is_some() {
        let number = given.value(b't').map(text).unwrap_or_default();
        return call.fail(&format!("cannot open /proc/{number}/ns/mnt: Permission denied"), 1);
    }
    let words = if given.rest.is_empty() { vec![b"/bin/bash".to_vec()] } else { given.rest };
    Finish::Replace(Replacement { words, set: Vec::new(), who: None })
}

/// `capsh --print`: what root may, and what others may not.
pub(super) fn capsh(call: &mut Call<'_>) -> Finish {
    const ALL: &str = "cap_chown,cap_dac_override,cap_dac_read_search,cap_fowner,cap_fsetid,cap_kill,cap_setgid,cap_setuid,cap_setpcap,cap_linux_immutable,cap_net_bind_service,cap_net_broadcast,cap_net_admin,cap_net_raw,cap_ipc_lock,cap_ipc_owner,cap_sys_module,cap_sys_rawio,cap_sys_chroot,cap_sys_ptrace,cap_sys_pacct,cap_sys_admin,cap_sys_boot,cap_sys_nice,cap_sys_resource,cap_sys_time,cap_sys_tty_config,cap_mknod,cap_lease,cap_audit_write,cap_audit_control,cap_setfcap,cap_mac_override,cap_mac_admin,cap_syslog,cap_wake_alarm,cap_block_suspend,cap_audit_read,cap_perfmon,cap_bpf,cap_checkpoint_restore";
    if call.arguments().iter().all(|word| word != b"--print") {
        return Finish::Status(0);
    }
    let current = if call.who.is_root() { "=ep" } else { "=" };
    let (uid, gid) = (call.who.uid, call.who.gid);
    let user = text(&call.kernel.user_name(uid));
    let group = text(&call.kernel.group_name(gid));
    call.line(&format!("Current: {current}\nBounding set ={ALL}\nAmbient set =\nCurrent IAB: \nSecurebits: 00/0x0/1'b0 (no-new-privs=0)\n secure-noroot: no (unlocked)\n secure-no-suid-fixup: no (unlocked)\n secure-keep-caps: no (unlocked)\n secure-no-ambient-raise: no (unlocked)\nuid={uid}({user}) euid={uid}({user})\ngid={gid}({group})\ngroups={gid}({group})\nGuessed mode: HYBRID (4)"));
    Finish::Status(0)
}

/// `script -c COMMAND`: runs it; the record goes nowhere.
pub(super) fn script(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "ac:qefE:I:O:B:T:m:t",
        &[("command", b'c'), ("quiet", b'q'), ("return", b'e'), ("append", b'a'), ("flush", b'f')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let command = given.value(b'c').map_or_else(|| b"/bin/bash".to_vec(), <[u8]>::to_vec);
    let words = [b"sh".to_vec(), b"-c".to_vec(), command];
    Finish::Replace(Replacement { words: words.to_vec(), set: Vec::new(), who: None })
}

/// Editors without a terminal end at once.
pub(super) fn editor(call: &mut Call<'_>) -> Finish {
    if call.typed {
        return Finish::Status(0);
    }
    call.err(b"Vim: Warning: Output is not to a terminal\nVim: Warning: Input is not from a terminal\nVim: Error reading input, exiting...\nVim: preserving files...\nVim: Finished.\n");
    Finish::Status(1)
}

pub(super) fn man(call: &mut Call<'_>) -> Finish {
    let Some(page) =
        call.arguments().iter().rfind(|word| word.first() != Some(&b'-')).map(|word| text(word))
    else {
        call.err(b"What manual page do you want?\nFor example, try 'man man'.\n");
        return Finish::Status(1);
    };
    if super::super::named(page.as_bytes()).is_none() {
        call.err(format!("No manual entry for {page}\n").as_bytes());
        return Finish::Status(16);
    }
    let upper = page.to_uppercase();
    call.line(&format!(
        "{upper}(1){:>60}{upper}(1)\n\nNAME\n       {page} - manual page",
        "User Commands     "
    ));
    Finish::Status(0)
}
