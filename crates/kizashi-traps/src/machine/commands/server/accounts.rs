//! Accounts: `useradd`, `userdel`, `usermod`, `groupadd`, `chage`, `getent`. Bots add one of their own with root's number, then use it;
//! so these write `/etc/passwd`, `/etc/shadow` and `/etc/group`. Texts are those of shadow 4.13.

use super::super::{Call, Finish};
use crate::machine::files::Who;

const USERADD: &str = "Usage: useradd [options] LOGIN\n       useradd -D\n       useradd -D [options]\n\nOptions:\n      --badname                 do not check for bad names\n  -b, --base-dir BASE_DIR       base directory for the home directory of the\n                                new account\n      --btrfs-subvolume-home    use BTRFS subvolume for home directory\n  -c, --comment COMMENT         GECOS field of the new account\n  -d, --home-dir HOME_DIR       home directory of the new account\n  -D, --defaults                print or change default useradd configuration\n  -e, --expiredate EXPIRE_DATE  expiration date of the new account\n  -f, --inactive INACTIVE       password inactivity period of the new account\n  -F, --add-subids-for-system   add entries to sub[ud]id even when adding a system user\n  -g, --gid GROUP               name or ID of the primary group of the new\n                                account\n  -G, --groups GROUPS           list of supplementary groups of the new\n                                account\n  -h, --help                    display this help message and exit\n  -k, --skel SKEL_DIR           use this alternative skeleton directory\n  -K, --key KEY=VALUE           override /etc/login.defs defaults\n  -l, --no-log-init             do not add the user to the lastlog and\n                                faillog databases\n  -m, --create-home             create the user's home directory\n  -M, --no-create-home          do not create the user's home directory\n  -N, --no-user-group           do not create a group with the same name as\n                                the user\n  -o, --non-unique              allow to create users with duplicate\n                                (non-unique) UID\n  -p, --password PASSWORD       encrypted password of the new account\n  -r, --system                  create a system account\n  -R, --root CHROOT_DIR         directory to chroot into\n  -P, --prefix PREFIX_DIR       prefix directory where are located the /etc/* files\n  -s, --shell SHELL             login shell of the new account\n  -u, --uid UID                 user ID of the new account\n  -U, --user-group              create a group with the same name as the user\n  -Z, --selinux-user SEUSER     use a specific SEUSER for the SELinux user mapping\n\n";

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn file(call: &mut Call<'_>, path: &str) -> Vec<u8> {
    call.kernel.read_path(b"/", path.as_bytes(), Who::ROOT).unwrap_or_default()
}

/// Puts a line at the end of a file that only root writes.
fn append(call: &mut Call<'_>, path: &str, line: &str) {
    let mut whole = file(call, path);
    whole.extend_from_slice(line.as_bytes());
    super::put(call, path.as_bytes(), &whole);
}

/// A file without the line that begins with a name.
fn without(call: &mut Call<'_>, path: &str, name: &str) {
    let begin = format!("{name}:");
    let whole = file(call, path);
    let kept: Vec<u8> = whole
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(begin.as_bytes()))
        .flatten()
        .copied()
        .collect();
    super::put(call, path.as_bytes(), &kept);
}

fn locked(call: &mut Call<'_>) -> Finish {
    call.fail("Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.", 1)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn useradd(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("base-dir", b'b'),
        ("comment", b'c'),
        ("home-dir", b'd'),
        ("home", b'd'),
        ("defaults", b'D'),
        ("gid", b'g'),
        ("groups", b'G'),
        ("create-home", b'm'),
        ("no-create-home", b'M'),
        ("non-unique", b'o'),
        ("password", b'p'),
        ("system", b'r'),
        ("shell", b's'),
        ("uid", b'u'),
        ("user-group", b'U'),
        ("no-user-group", b'N'),
        ("expiredate", b'e'),
        ("inactive", b'f'),
    ];
    let given = match call.options("b:c:d:De:f:g:G:k:K:lmMNop:rs:u:UZ:", &longs, 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(name) =
        given.rest.first().map(|word| text(word)).filter(|name| !name.contains([':', '\n', '/']))
    else {
        call.err(USERADD.as_bytes());
        return Finish::Status(2);
    };
    if !call.who.is_root() {
        return locked(call);
    }
    if call.kernel.account(name.as_bytes()).is_some() {
        return call.fail(&format!("user '{name}' already exists"), 9);
    }
    let passwd = file(call, "/etc/passwd");
    let number = |line: &[u8]| {
        line.split(|byte| *byte == b':')
            .nth(2)
            .and_then(|field| std::str::from_utf8(field).ok()?.parse::<u32>().ok())
    };
    let taken: Vec<u32> = passwd.split(|byte| *byte == b'\n').filter_map(number).collect();
    let (low, high) = if given.has(b'r') { (100, 999) } else { (1_000, 60_000) };
    let free = (low..=high).find(|uid| !taken.contains(uid)).unwrap_or(high);
    let uid = given.number(b'u').and_then(|uid| u32::try_from(uid).ok()).unwrap_or(free);
    if taken.contains(&uid) && !given.has(b'o') {
        return call.fail(&format!("UID {uid} is not unique"), 4);
    }
    if !(low..=high).contains(&uid) {
        call.err(format!("useradd warning: {name}'s uid {uid} outside of the UID_MIN {low} and UID_MAX {high} range.\n").as_bytes());
    }
    let gid = match given.text(b'g') {
        Some(group) => match group_number(call, &group) {
            Some(gid) => gid,
            None => return call.fail(&format!("group '{group}' does not exist"), 6),
        },
        None => uid,
    };
    let home = given.text(b'd').unwrap_or_else(|| format!("/home/{name}"));
    let shell = given.text(b's').unwrap_or_else(|| "/bin/sh".to_owned());
    let comment = given.text(b'c').unwrap_or_default();
    append(call, "/etc/passwd", &format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}\n"));
    let password = given.text(b'p').unwrap_or_else(|| "!".to_owned());
    call.kernel.note("new account", format!("{name}:{password}").as_bytes());
    append(call, "/etc/shadow", &format!("{name}:{password}:20055:0:99999:7:::\n"));
    if given.value(b'g').is_none() {
        append(call, "/etc/group", &format!("{name}:x:{gid}:\n"));
    }
    join(call, &name, &given.text(b'G').unwrap_or_default());
    if given.has(b'm') {
        super::make_folder(call, home.as_bytes(), 0o755, uid, gid);
    }
    Finish::Status(0)
}

fn group_number(call: &mut Call<'_>, group: &str) -> Option<u32> {
    let groups = call.kernel.groups();
    let by_number: Option<u32> = group.parse().ok();
    groups
        .into_iter()
        .find(|(name, gid, _)| name == group.as_bytes() || by_number == Some(*gid))
        .map(|(_, gid, _)| gid)
}

/// Puts an account into groups by name; whether all of them are there.
fn join(call: &mut Call<'_>, name: &str, groups: &str) -> bool {
    let mut all = true;
    for group in groups.split(',').filter(|group| !group.is_empty()).take(20) {
        let begin = format!("{group}:");
        let whole = text(&file(call, "/etc/group"));
        all &= whole.lines().any(|line| line.starts_with(&begin));
        let changed: String = whole
            .lines()
            .map(|line| match (line.starts_with(&begin), line.ends_with(':')) {
                (true, true) => format!("{line}{name}\n"),
                (true, false) => format!("{line},{name}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        super::put(call, b"/etc/group", changed.as_bytes());
    }
    all
}

pub(super) fn userdel(call: &mut Call<'_>) -> Finish {
    let given = match call.options("frRZ", &[("force", b'f'), ("remove", b'r')], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(name) = given.rest.first().map(|word| text(word)) else {
        call.err(b"Usage: userdel [options] LOGIN\n\nOptions:\n  -f, --force                   force some actions that would fail otherwise\n                                e.g. removal of user still logged in\n                                or files, even if not owned by the user\n  -h, --help                    display this help message and exit\n  -r, --remove                  remove home directory and mail spool\n  -R, --root CHROOT_DIR         directory to chroot into\n  -P, --prefix PREFIX_DIR       prefix directory where are located the /etc/* files\n  -Z, --selinux-user            remove any SELinux user mapping for the user\n\n");
        return Finish::Status(2);
    };
    let Some(account) = call.kernel.account(name.as_bytes()) else {
        return call.fail(&format!("user '{name}' does not exist"), 6);
    };
    if !call.who.is_root() {
        return locked(call);
    }
    for path in ["/etc/passwd", "/etc/shadow", "/etc/group"] {
        without(call, path, &name);
    }
    if !given.has(b'r') {
        return Finish::Status(0);
    }
    call.complain(&format!("{name} mail spool (/var/mail/{name}) not found"));
    let home = text(&account.home);
    if home.starts_with("/home/") {
        return Finish::Each(vec![vec![b"rm".to_vec(), b"-rf".to_vec(), home.into_bytes()]]);
    }
    call.complain(&format!("{home} not owned by {name}, not removing"));
    Finish::Status(12)
}

pub(super) fn usermod(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("append", b'a'),
        ("groups", b'G'),
        ("shell", b's'),
        ("home", b'd'),
        ("password", b'p'),
        ("lock", b'L'),
        ("unlock", b'U'),
        ("uid", b'u'),
        ("gid", b'g'),
        ("login", b'l'),
        ("comment", b'c'),
        ("expiredate", b'e'),
    ];
    let given = match call.options("aG:s:d:p:LUu:g:l:c:e:f:moZ:", &longs, 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(name) = given.rest.first().map(|word| text(word)) else {
        call.err(b"Usage: usermod [options] LOGIN\n\n");
        return Finish::Status(2);
    };
    if call.kernel.account(name.as_bytes()).is_none() {
        return call.fail(&format!("user '{name}' does not exist"), 6);
    }
    if !call.who.is_root() {
        return locked(call);
    }
    let fields = [
        (2, given.text(b'u')),
        (3, given.text(b'g')),
        (4, given.text(b'c')),
        (5, given.text(b'd')),
        (6, given.text(b's')),
    ];
    let begin = format!("{name}:");
    let change = |line: &str| {
        if !line.starts_with(&begin) {
            return format!("{line}\n");
        }
        let mut parts: Vec<String> = line.split(':').map(str::to_owned).collect();
        for (place, value) in &fields {
            if let (Some(part), Some(value)) = (parts.get_mut(*place), value) {
                part.clone_from(value);
            }
        }
        format!("{}\n", parts.join(":"))
    };
    let changed: String = text(&file(call, "/etc/passwd")).lines().map(change).collect();
    super::put(call, b"/etc/passwd", changed.as_bytes());
    if let Some(password) = given.text(b'p') {
        call.kernel.note("new password", format!("{name}:{password}").as_bytes());
    }
    if let Some(groups) = given.text(b'G')
        && !join(call, &name, &groups)
    {
        return call.fail(&format!("group '{groups}' does not exist"), 6);
    }
    Finish::Status(0)
}

pub(super) fn groupadd(call: &mut Call<'_>) -> Finish {
    let given =
        match call.options("fg:rop:", &[("force", b'f'), ("gid", b'g'), ("system", b'r')], 2) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    let Some(name) = given.rest.first().map(|word| text(word)) else {
        call.err(b"Usage: groupadd [options] GROUP\n\n");
        return Finish::Status(2);
    };
    let groups = call.kernel.groups();
    if groups.iter().any(|(known, ..)| known == name.as_bytes()) {
        return if given.has(b'f') {
            Finish::Status(0)
        } else {
            call.fail(&format!("group '{name}' already exists"), 9)
        };
    }
    if !call.who.is_root() {
        return locked(call);
    }
    let free = (1_000..60_000)
        .find(|gid| groups.iter().all(|(_, taken, _)| taken != gid))
        .unwrap_or(60_000);
    let gid = given.number(b'g').unwrap_or_else(|| u64::from(free));
    append(call, "/etc/group", &format!("{name}:x:{gid}:\n"));
    Finish::Status(0)
}

pub(super) fn adduser(call: &mut Call<'_>) -> Finish {
    const USAGE: &str = "adduser [--uid id] [--firstuid id] [--lastuid id]\n        [--gid id] [--firstgid id] [--lastgid id] [--ingroup group]\n        [--add-extra-groups] [--shell shell]\n        [--comment comment] [--home dir] [--no-create-home]\n        [--allow-all-names] [--allow-bad-names]\n        [--disabled-password] [--disabled-login]\n        [--conf file] [--quiet] [--verbose] [--debug]\n        user\n    Add a normal user\n\nadduser --system\n        [--uid id] [--group] [--ingroup group] [--gid id]\n        [--shell shell] [--comment comment] [--home dir] [--no-create-home]\n        [--conf file] [--quiet] [--verbose] [--debug]\n        user\n   Add a system user\n\nadduser --group\n        [--gid ID] [--firstgid id] [--lastgid id]\n        [--conf file] [--quiet] [--verbose] [--debug]\n        group\naddgroup\n        [--gid ID] [--firstgid id] [--lastgid id]\n        [--conf file] [--quiet] [--verbose] [--debug]\n        group\n   Add a user group\n\naddgroup --system\n        [--gid id]\n        [--conf file] [--quiet] [--verbose] [--debug]\n        group\n   Add a system group\n\nadduser USER GROUP\n   Add an existing user to an existing group\n";
    const KNOWN: [&str; 16] = [
        "uid",
        "gid",
        "shell",
        "comment",
        "gecos",
        "home",
        "ingroup",
        "system",
        "group",
        "quiet",
        "verbose",
        "debug",
        "disabled-password",
        "disabled-login",
        "no-create-home",
        "conf",
    ];
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    let unknown = words
        .iter()
        .filter_map(|word| word.strip_prefix("--"))
        .find(|word| !KNOWN.contains(&word.split('=').next().unwrap_or_default()));
    if let Some(unknown) = unknown {
        call.err(format!("Unknown option: {unknown}\n").as_bytes());
        call.out(USAGE.as_bytes());
        return Finish::Status(1);
    }
    let names: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    match names[..] {
        [] => call.fail("Only one or two names allowed.", 1),
        [name] => {
            if call.kernel.account(name.as_bytes()).is_some() {
                call.err(format!("adduser: The user `{name}' already exists.\n").as_bytes());
                return Finish::Status(1);
            }
            let words: Vec<Vec<u8>> = ["useradd", "-m", "-s", "/bin/bash", name]
                .iter()
                .map(|word| word.as_bytes().to_vec())
                .collect();
            call.out(format!("Adding user `{name}' ...\n").as_bytes());
            Finish::Each(vec![words])
        }
        [name, group, ..] => {
            if !join(call, name, group) {
                call.err(format!("adduser: The group `{group}' does not exist.\n").as_bytes());
                return Finish::Status(1);
            }
            call.line(&format!("Adding user `{name}' to group `{group}' ...\nDone."));
            Finish::Status(0)
        }
    }
}

pub(super) fn chage(call: &mut Call<'_>) -> Finish {
    let given = match call.options("ld:E:I:m:M:W:i", &[("list", b'l')], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(name) = given.rest.first().map(|word| text(word)) else {
        call.err(b"Usage: chage [options] LOGIN\n\n");
        return Finish::Status(2);
    };
    if call.kernel.account(name.as_bytes()).is_none() {
        return call.fail(&format!("user '{name}' does not exist in /etc/passwd"), 1);
    }
    if given.has(b'l') {
        let day = crate::machine::world::calendar(call.kernel.world.set_up);
        call.line(&format!("Last password change\t\t\t\t\t: {} {:02}, {}\nPassword expires\t\t\t\t\t: never\nPassword inactive\t\t\t\t\t: never\nAccount expires\t\t\t\t\t\t: never\nMinimum number of days between password change\t\t: 0\nMaximum number of days between password change\t\t: 99999\nNumber of days of warning before password expires\t: 7", day.short_month(), day.day, day.year));
    }
    Finish::Status(0)
}

pub(super) fn getent(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    let Some(base) = words.first() else {
        call.err(b"Usage: getent [OPTION...] database [key ...]\n");
        return Finish::Status(1);
    };
    let path = match base.as_str() {
        "passwd" | "group" | "shadow" | "services" | "protocols" => format!("/etc/{base}"),
        "hosts" | "ahosts" | "ahostsv4" => "/etc/hosts".to_owned(),
        _ => {
            call.err(format!("Unknown database: {base}\nTry `getent --help' or `getent --usage' for more information.\n").as_bytes());
            return Finish::Status(1);
        }
    };
    let whole = text(&file(call, &path));
    let mut status = 0;
    let wanted: Vec<Option<&String>> =
        if words.len() == 1 { vec![None] } else { words[1..].iter().map(Some).collect() };
    for key in wanted {
        let mut found = false;
        for line in whole.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let shown =
                if base.contains("hosts") { host_line(line, key) } else { entry_line(line, key) };
            if let Some(shown) = shown {
                call.line(&shown);
                found = true;
                if key.is_some() {
                    break;
                }
            }
        }
        status = if found { status } else { 2 };
    }
    Finish::Status(status)
}

/// `127.0.0.1       localhost`, where a line of `/etc/hosts` has the name.
fn host_line(line: &str, key: Option<&String>) -> Option<String> {
    let mut names = line.split_whitespace();
    let address = names.next()?;
    let names: Vec<&str> = names.collect();
    let fits = key.is_none_or(|key| address == key || names.contains(&key.as_str()));
    (fits && (key.is_none() || !address.contains(':')))
        .then(|| format!("{address:<15} {}", names.join(" ")))
}

fn entry_line(line: &str, key: Option<&String>) -> Option<String> {
    let Some(key) = key else { return Some(line.to_owned()) };
    let fields: Vec<&str> = line.split(':').collect();
    (fields.first() == Some(&key.as_str()) || fields.get(2) == Some(&key.as_str()))
        .then(|| line.to_owned())
}

pub(super) fn lastlog(call: &mut Call<'_>) -> Finish {
    call.line("Username         Port     From                                       Latest");
    Finish::Status(0)
}

pub(super) fn lastb(call: &mut Call<'_>) -> Finish {
    let day = crate::machine::world::calendar(call.kernel.world.set_up);
    call.line(&format!(
        "\nbtmp begins {} {} {:2} {:02}:{:02}:{:02} {}",
        day.short_day(),
        day.short_month(),
        day.day,
        day.hour,
        day.minute,
        day.second,
        day.year
    ));
    Finish::Status(0)
}

pub(super) fn logname(call: &mut Call<'_>) -> Finish {
    if !call.typed {
        return call.fail("no login name", 1);
    }
    let name = call.kernel.visitor.user.clone();
    call.out(&[&name[..], b"\n"].concat());
    Finish::Status(0)
}

pub(super) fn visudo(call: &mut Call<'_>) -> Finish {
    let given = match call.options("cf:hqsVx:OP", &[("check", b'c'), ("file", b'f')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let path = given.value(b'f').unwrap_or(b"/etc/sudoers").to_vec();
    if let Err(fault) = call.read(&path) {
        let shown = text(&path);
        return call.fail(&format!("unable to open {shown}: {fault}"), 1);
    }
    if given.has(b'c') {
        call.line(&format!("{}: parsed OK", text(&path)));
    }
    Finish::Status(0)
}
