//! Who is who and who is here: `id`, `w`, `last`, `su`, `sudo`, `passwd`.

use super::super::Account;
use super::{Call, Finish, Question, Replacement};
use crate::machine::files::Who;
use crate::machine::kernel::Kernel;
use crate::machine::world::calendar;

fn own_name(call: &mut Call<'_>) -> Vec<u8> {
    call.kernel.user_name(call.who.uid)
}

pub(super) fn whoami(call: &mut Call<'_>) -> Finish {
    if let Some(extra) = call.arguments().first() {
        let shown = String::from_utf8_lossy(extra).into_owned();
        if call.is_busybox() {
            return call.usage("");
        }
        call.complain(&format!("extra operand ‘{shown}’"));
        return call.usage("");
    }
    let name = own_name(call);
    call.out(&[&name[..], b"\n"].concat());
    Finish::Status(0)
}

/// Groups that an account is in.
fn groups_of(call: &mut Call<'_>, name: &[u8], gid: u32) -> Vec<(u32, Vec<u8>)> {
    let all = call.kernel.groups();
    let mut found: Vec<(u32, Vec<u8>)> = all
        .iter()
        .filter(|(_, number, _)| *number == gid)
        .map(|(name, number, _)| (*number, name.clone()))
        .collect();
    found.extend(
        all.into_iter()
            .filter(|(_, number, members)| {
                *number != gid && members.iter().any(|member| member == name)
            })
            .map(|(name, number, _)| (number, name)),
    );
    found
}

pub(super) fn id(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "ugGnrz",
        &[("user", b'u'), ("group", b'g'), ("groups", b'G'), ("name", b'n')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (name, uid, gid) = match given.rest.first() {
        None => (own_name(call), call.who.uid, call.who.gid),
        Some(name) => match call.kernel.account(name) {
            Some(account) => (account.name, account.uid, account.gid),
            None => {
                let shown = String::from_utf8_lossy(name).into_owned();
                let text = if call.is_busybox() {
                    format!("unknown user {shown}")
                } else {
                    format!("‘{shown}’: no such user")
                };
                return call.fail(&text, 1);
            }
        },
    };
    let groups = groups_of(call, &name, gid);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let group = groups.first().map_or_else(|| gid.to_string(), |(_, name)| text(name));
    let line = match (given.last_of(b"ugG"), given.has(b'n')) {
        (Some(b'u'), true) => text(&name),
        (Some(b'u'), false) => uid.to_string(),
        (Some(b'g'), true) => group,
        (Some(b'g'), false) => gid.to_string(),
        (Some(_), named) => groups
            .iter()
            .map(|(number, name)| if named { text(name) } else { number.to_string() })
            .collect::<Vec<_>>()
            .join(" "),
        (None, _) => {
            let list: Vec<String> =
                groups.iter().map(|(number, name)| format!("{number}({})", text(name))).collect();
            let tail = if call.is_busybox() && groups.len() < 2 {
                String::new()
            } else {
                format!(" groups={}", list.join(","))
            };
            format!("uid={uid}({}) gid={gid}({group}){tail}", text(&name))
        }
    };
    call.line(&line);
    Finish::Status(0)
}

pub(super) fn groups(call: &mut Call<'_>) -> Finish {
    let name = own_name(call);
    let mut status = 0;
    for wanted in call.arguments() {
        let shown = String::from_utf8_lossy(wanted).into_owned();
        match call.kernel.account(wanted) {
            Some(account) => {
                let list = groups_of(call, &account.name, account.gid);
                let names: Vec<Vec<u8>> = list.into_iter().map(|(_, name)| name).collect();
                call.out(&[wanted, &b" : "[..], &names.join(&b' '), b"\n"].concat());
            }
            None => {
                call.complain(&format!("‘{shown}’: no such user"));
                status = 1;
            }
        }
    }
    if call.arguments().is_empty() {
        let list = groups_of(call, &name, call.who.gid);
        let names: Vec<Vec<u8>> = list.into_iter().map(|(_, name)| name).collect();
        call.out(&[&names.join(&b' ')[..], b"\n"].concat());
    }
    Finish::Status(status)
}

pub(super) fn w(call: &mut Call<'_>) -> Finish {
    let bare = call.arguments().iter().any(|word| word == b"-h");
    if !bare {
        let first = super::times::uptime_line(call);
        call.line(&first);
        call.line("USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT");
    }
    // Who runs one command by SSH has no terminal and stands in no list.
    if !call.typed {
        return Finish::Status(0);
    }
    let login = calendar(call.kernel.login.seconds());
    let user = String::from_utf8_lossy(&call.kernel.visitor.user).into_owned();
    let source = call.kernel.visitor.source.to_string();
    let what = String::from_utf8_lossy(&call.words.join(&b' ')).into_owned();
    let own = call.kernel.place.terminal;
    for number in call.kernel.terminals() {
        let what = if Some(number) == own { what.as_str() } else { "-bash" };
        let terminal = format!("pts/{number}");
        call.line(&format!(
            "{:<8} {terminal:<8} {:<16} {:02}:{:02}    1.00s  0.02s  0.00s {what}",
            user.chars().take(8).collect::<String>(),
            source.chars().take(16).collect::<String>(),
            login.hour,
            login.minute
        ));
    }
    Finish::Status(0)
}

pub(super) fn who(call: &mut Call<'_>) -> Finish {
    if !call.typed && !call.is_busybox() {
        return Finish::Status(0);
    }
    let user = String::from_utf8_lossy(&call.kernel.visitor.user).into_owned();
    let open = call.kernel.terminals();
    if call.base_name() == b"users" {
        call.line(&vec![user; open.len().max(1)].join(" "));
        return Finish::Status(0);
    }
    let login = calendar(call.kernel.login.seconds());
    let source = call.kernel.visitor.source.to_string();
    if call.is_busybox() {
        call.line("USER\t\tTTY\t\tIDLE\tTIME\t\t HOST");
    }
    for number in open {
        let terminal = format!("pts/{number}");
        let line = if call.is_busybox() {
            format!(
                "{user}\t\t{terminal}\t\t00:00\t{} {} {:02}:{:02}:{:02} {source}",
                login.short_month(),
                login.day,
                login.hour,
                login.minute,
                login.second
            )
        } else {
            format!(
                "{user:<8} {terminal:<12} {:04}-{:02}-{:02} {:02}:{:02} ({source})",
                login.year, login.month, login.day, login.hour, login.minute
            )
        };
        call.line(&line);
    }
    Finish::Status(0)
}

pub(super) fn last(call: &mut Call<'_>) -> Finish {
    let login = calendar(call.kernel.login.seconds());
    let user = String::from_utf8_lossy(&call.kernel.visitor.user).into_owned();
    let source = call.kernel.visitor.source.to_string();
    let boot = calendar(call.kernel.world.boot(call.kernel.now()));
    let set_up = calendar(call.kernel.world.set_up);
    let terminal = call.kernel.own_terminal();
    let row = format!(
        "{user:<8} {terminal:<12} {source:<16} {} {} {:2} {:02}:{:02}   still logged in",
        login.short_day(),
        login.short_month(),
        login.day,
        login.hour,
        login.minute
    );
    if call.typed {
        call.line(&row);
    }
    call.line(&format!(
        "reboot   system boot  {:<16} {} {} {:2} {:02}:{:02}   still running",
        call.kernel.world.system.kernel.chars().take(16).collect::<String>(),
        boot.short_day(),
        boot.short_month(),
        boot.day,
        boot.hour,
        boot.minute
    ));
    call.line("");
    call.line(&format!(
        "wtmp begins {} {} {:2} {:02}:{:02}:{:02} {}",
        set_up.short_day(),
        set_up.short_month(),
        set_up.day,
        set_up.hour,
        set_up.minute,
        set_up.second,
        set_up.year
    ));
    Finish::Status(0)
}

pub(super) fn su(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("lc:s:pm", &[("login", b'l'), ("command", b'c'), ("shell", b's')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    let mut rest = given.rest.iter();
    let mut name = rest.next();
    let login = given.has(b'l') || name.is_some_and(|name| name == b"-");
    if name.is_some_and(|name| name == b"-") {
        name = rest.next();
    }
    let name = name.cloned().unwrap_or_else(|| b"root".to_vec());
    let Some(account) = call.kernel.account(&name) else {
        let shown = String::from_utf8_lossy(&name).into_owned();
        let text = if call.is_busybox() {
            format!("unknown user {shown}")
        } else {
            format!(
                "user {shown} does not exist or the user entry does not contain all the required fields"
            )
        };
        return call.fail(&text, 1);
    };
    let command = given.value(b'c').map(<[u8]>::to_vec);
    if call.who.is_root() {
        return Finish::Become { who: account, command, login };
    }
    if !call.typed {
        return call.fail("must be run from a terminal", 1);
    }
    Finish::Ask(Box::new(Question {
        prompts: vec![b"Password: ".to_vec()],
        then: Box::new(|kernel, answers| {
            kernel.note("su password", answers.first().map_or(b"", Vec::as_slice));
            (b"su: Authentication failure\n".to_vec(), 1)
        }),
    }))
}

pub(super) fn sudo(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "EHnSkiKlsVbvu:g:p:h:C:",
        &[
            ("user", b'u'),
            ("non-interactive", b'n'),
            ("stdin", b'S'),
            ("login", b'i'),
            ("preserve-env", b'E'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let user = own_name(call);
    let user = String::from_utf8_lossy(&user).into_owned();
    let host = call.kernel.world.host.clone();
    let allowed = call.who.is_root()
        || call.kernel.groups().iter().any(|(name, _, members)| {
            name == b"sudo" && members.iter().any(|member| member == user.as_bytes())
        });
    if given.has(b'l') && given.rest.is_empty() && allowed {
        call.line(&format!("Matching Defaults entries for {user} on {host}:\n    env_reset, mail_badpass,\n    secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin\\:/sbin\\:/bin, use_pty\n\nUser {user} may run the following commands on {host}:\n    (ALL : ALL) ALL"));
        return Finish::Status(0);
    }
    if !allowed {
        call.err(format!("{user} is not in the sudoers file.\n").as_bytes());
        return Finish::Status(1);
    }
    let target = given.text(b'u').unwrap_or_else(|| "root".to_owned());
    let Some(account) = call.kernel.account(target.as_bytes()) else {
        return call.fail(&format!("unknown user {target}"), 1);
    };
    // A leading `NAME=value` is for the command's environment.
    let set: Vec<(Vec<u8>, Vec<u8>)> = given
        .rest
        .iter()
        .map_while(|word| {
            word.iter()
                .position(|byte| *byte == b'=')
                .map(|place| (word[..place].to_vec(), word[place + 1..].to_vec()))
        })
        .collect();
    let words: Vec<Vec<u8>> = given.rest.iter().skip(set.len()).cloned().collect();
    if words.is_empty() {
        if given.has(b'i') || given.has(b's') {
            return Finish::Become { who: account, command: None, login: given.has(b'i') };
        }
        call.err(b"usage: sudo -h | -K | -k | -V\nusage: sudo -v [-ABkNnS] [-g group] [-h host] [-p prompt] [-u user]\nusage: sudo -l [-ABkNnS] [-g group] [-h host] [-p prompt] [-U user] [-u user] [command [arg ...]]\nusage: sudo [-ABbEHkNnPS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] [VAR=value] [-i | -s] [command [arg ...]]\nusage: sudo -e [-ABkNnS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] file ...\n");
        return Finish::Status(1);
    }
    Finish::Replace(Replacement {
        words,
        set,
        who: Some(Who { uid: account.uid, gid: account.gid }),
    })
}

pub(super) fn passwd(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "dleuSqax:n:w:i:",
        &[("delete", b'd'), ("lock", b'l'), ("unlock", b'u'), ("status", b'S')],
        6,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let own = own_name(call);
    let name = given.rest.first().cloned().unwrap_or_else(|| own.clone());
    let shown = String::from_utf8_lossy(&name).into_owned();
    if call.kernel.account(&name).is_none() {
        let text = if call.is_busybox() {
            format!("unknown user {shown}")
        } else {
            format!("user '{shown}' does not exist")
        };
        return call.fail(&text, 1);
    }
    if name != own && !call.who.is_root() {
        call.err(
            format!("passwd: You may not view or modify password information for {shown}.\n")
                .as_bytes(),
        );
        return Finish::Status(1);
    }
    if given.has(b'S') {
        let day = calendar(call.kernel.world.set_up);
        call.line(&format!(
            "{shown} P {:04}-{:02}-{:02} 0 99999 7 -1",
            day.year, day.month, day.day
        ));
        return Finish::Status(0);
    }
    if given.has(b'd') || given.has(b'l') || given.has(b'u') {
        call.line("passwd: password changed.");
        return Finish::Status(0);
    }
    let busybox = call.is_busybox();
    let mut prompts = Vec::new();
    if !call.who.is_root() {
        call.err(format!("Changing password for {shown}.\n").as_bytes());
        prompts.push(b"Current password: ".to_vec());
    } else if busybox {
        call.err(format!("Changing password for {shown}\n").as_bytes());
    }
    prompts.push(b"New password: ".to_vec());
    prompts.push(b"Retype new password: ".to_vec());
    Finish::Ask(Box::new(Question {
        prompts,
        then: Box::new(move |kernel, answers| changed(kernel, &name, answers, busybox)),
    }))
}

/// A new password was typed twice.
fn changed(kernel: &mut Kernel, name: &[u8], answers: &[Vec<u8>], busybox: bool) -> (Vec<u8>, u8) {
    let (first, second) = match answers {
        [.., first, second] => (first, second),
        _ => return (Vec::new(), 1),
    };
    kernel.note("new password", &[name, b":", first].concat());
    let shown = String::from_utf8_lossy(name).into_owned();
    match (busybox, first == second, first.is_empty()) {
        (true, true, _) => (format!("passwd: password for {shown} changed by root\n").into_bytes(), 0),
        (true, false, _) => (format!("Passwords don't match\npasswd: password for {shown} is unchanged\n").into_bytes(), 1),
        (false, _, true) => (b"No password has been supplied.\npasswd: Authentication token manipulation error\npasswd: password unchanged\n".to_vec(), 10),
        (false, true, _) => (b"passwd: password updated successfully\n".to_vec(), 0),
        (false, false, _) => (b"Sorry, passwords do not match.\npasswd: Authentication token manipulation error\npasswd: password unchanged\n".to_vec(), 10),
    }
}

pub(super) fn chpasswd(call: &mut Call<'_>) -> Finish {
    if !call.who.is_root() {
        return call.fail("cannot lock /etc/passwd; try again later.", 1);
    }
    let input = call.input();
    let mut status = 0;
    for (place, line) in
        input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate().take(50)
    {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            let text = if call.is_busybox() {
                "missing new password".to_owned()
            } else {
                format!("line {}: missing new password", place + 1)
            };
            call.complain(&text);
            status = 1;
            continue;
        };
        let name = &line[..colon];
        let known: Option<Account> = call.kernel.account(name);
        let shown = String::from_utf8_lossy(name).into_owned();
        match (known, call.is_busybox()) {
            (None, true) => return call.fail(&format!("unknown user {shown}"), 1),
            (None, false) => {
                call.err(format!("chpasswd: (user {shown}) pam_chauthtok() failed, error:\nAuthentication token manipulation error\nchpasswd: (line {}, user {shown}) password not changed\n", place + 1).as_bytes());
                status = 1;
            }
            (Some(_), busybox) => {
                call.kernel.note("new password", line);
                if busybox {
                    call.out(format!("Password for '{shown}' changed\n").as_bytes());
                }
            }
        }
    }
    Finish::Status(status)
}
