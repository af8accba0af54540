//! Terminals, and programs that need one: `tty`, `stty`, `tput`, `mesg`, `screen`, `script`, `vi`, `man`.

use super::super::{Call, Finish, Replacement};

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn tty(call: &mut Call<'_>) -> Finish {
    let silent = call.arguments().first().is_some_and(|word| word == b"-s");
    if !silent {
        call.line(if call.typed { "/dev/pts/0" } else { "not a tty" });
    }
    Finish::Status(u8::from(!call.typed))
}

pub(super) fn stty(call: &mut Call<'_>) -> Finish {
    if !call.typed {
        return call.fail("'standard input': Inappropriate ioctl for device", 1);
    }
    match call.arguments().first().map(|word| &word[..]) {
        Some(b"size") => call.line("24 80"),
        Some(b"-a") => call.line("speed 38400 baud; rows 24; columns 80; line = 0;\nintr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; eol = <undef>;\neol2 = <undef>; swtch = <undef>; start = ^Q; stop = ^S; susp = ^Z; rprnt = ^R;\nwerase = ^W; lnext = ^V; discard = ^O; min = 1; time = 0;\n-parenb -parodd -cmspar cs8 -hupcl -cstopb cread -clocal -crtscts\n-ignbrk -brkint -ignpar -parmrk -inpck -istrip -inlcr -igncr icrnl ixon -ixoff\n-iuclc -ixany -imaxbel iutf8\nopost -olcuc -ocrnl onlcr -onocr -onlret -ofill -ofdel nl0 cr0 tab0 bs0 vt0 ff0\nisig icanon iexten echo echoe echok -echonl -noflsh -xcase -tostop -echoprt\nechoctl echoke -flusho -extproc"),
        None => call.line("speed 38400 baud; line = 0;\n-brkint -imaxbel iutf8"),
        Some(_) => {}
    }
    Finish::Status(0)
}

pub(super) fn tput(call: &mut Call<'_>) -> Finish {
    let exported = call.environment.environment().find(|(name, _)| *name == b"TERM");
    let Some(terminal) = exported.map(|(_, value)| text(value)).filter(|name| !name.is_empty())
    else {
        call.err(b"tput: No value for $TERM and no -T specified\n");
        return Finish::Status(2);
    };
    match call.arguments().first().map(|word| &word[..]) {
        Some(b"cols") => call.line("80"),
        Some(b"lines") => call.line("24"),
        Some(b"colors") => call.line(if terminal.contains("256") { "256" } else { "8" }),
        Some(b"bold") => call.out(b"\x1b[1m"),
        Some(b"sgr0") => call.out(b"\x1b(B\x1b[m"),
        Some(b"clear") => call.out(b"\x1b[H\x1b[2J\x1b[3J"),
        Some(b"setaf" | b"setab") => {
            let number = call.arguments().get(1).map(|word| text(word)).unwrap_or_default();
            call.out(format!("\x1b[3{number}m").as_bytes());
        }
        Some(other) => {
            let shown = text(other);
            call.err(format!("tput: unknown terminfo capability '{shown}'\n").as_bytes());
            return Finish::Status(4);
        }
        None => {
            call.err(b"usage: tput [-V] [-S] [-x] [-T term] capname\n");
            return Finish::Status(2);
        }
    }
    Finish::Status(0)
}

pub(super) fn mesg(call: &mut Call<'_>) -> Finish {
    if !call.typed {
        return Finish::Status(2);
    }
    if call.arguments().is_empty() {
        call.line("is n");
        return Finish::Status(1);
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
