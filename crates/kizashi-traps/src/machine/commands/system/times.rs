//! `uptime`, `date`, `sleep`.

use std::time::Duration;

use super::{Call, Finish};
use crate::machine::world::{Calendar, calendar};

pub(super) fn uptime_line(call: &Call<'_>) -> String {
    let (seconds, _) = call.kernel.world.uptime(call.kernel.now());
    let now = calendar(call.kernel.seconds());
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let mut up = String::new();
    if days > 0 {
        up.push_str(&format!("{days} day{}, ", if days == 1 { "" } else { "s" }));
    }
    up.push_str(&if hours > 0 {
        format!("{hours:2}:{minutes:02}")
    } else {
        format!("{minutes} min")
    });
    let [one, five, fifteen] =
        call.kernel.load().map(|load| format!("{}.{:02}", load / 100, load % 100));
    let users = if call.typed { "1 user" } else { "0 user" };
    if call.is_busybox() {
        // Debian's BusyBox counts users; those of devices do not.
        let users = if call.kernel.world.persona.is_device() {
            String::new()
        } else {
            format!("  {users}s,")
        };
        return format!(
            " {:02}:{:02}:{:02} up {up},{users}  load average: {one}, {five}, {fifteen}",
            now.hour, now.minute, now.second
        );
    }
    format!(
        " {:02}:{:02}:{:02} up {up},  {users},  load average: {one}, {five}, {fifteen}",
        now.hour, now.minute, now.second
    )
}

pub(super) fn uptime(call: &mut Call<'_>) -> Finish {
    let given = match call.options("psV", &[("pretty", b'p'), ("since", b's')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (seconds, _) = call.kernel.world.uptime(call.kernel.now());
    let text = if given.has(b's') {
        let boot = calendar(call.kernel.world.boot(call.kernel.now()));
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            boot.year, boot.month, boot.day, boot.hour, boot.minute, boot.second
        )
    } else if given.has(b'p') {
        let plural = |count: i64, name: &str| {
            (count > 0).then(|| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
        };
        let parts = [
            plural(seconds / 604_800, "week"),
            plural(seconds / 86_400 % 7, "day"),
            plural(seconds / 3_600 % 24, "hour"),
            plural(seconds / 60 % 60, "minute"),
        ];
        format!("up {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    } else {
        uptime_line(call)
    };
    call.line(&text);
    Finish::Status(0)
}

/// A date by strftime's letters.
pub(in super::super) fn formatted(format: &str, seconds: i64, nanoseconds: i64) -> String {
    let now = calendar(seconds);
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let mut kind = letters.next().unwrap_or('%');
        if matches!(kind, '-' | '_' | '0' | '^' | '3' | '6' | '9') {
            kind = letters.next().unwrap_or('%');
        }
        text.push_str(&field(kind, &now, seconds, nanoseconds));
    }
    text
}

fn field(kind: char, now: &Calendar, seconds: i64, nanoseconds: i64) -> String {
    let twelve = if now.hour % 12 == 0 { 12 } else { now.hour % 12 };
    match kind {
        'Y' => now.year.to_string(),
        'y' => format!("{:02}", now.year.rem_euclid(100)),
        'C' => format!("{:02}", now.year / 100),
        'm' => format!("{:02}", now.month),
        'd' => format!("{:02}", now.day),
        'e' => format!("{:2}", now.day),
        'H' | 'k' => format!("{:02}", now.hour),
        'I' | 'l' => format!("{twelve:02}"),
        'M' => format!("{:02}", now.minute),
        'S' => format!("{:02}", now.second),
        'p' => if now.hour < 12 { "AM" } else { "PM" }.to_owned(),
        'a' => now.short_day().to_owned(),
        'A' => now.day_name().to_owned(),
        'b' | 'h' => now.short_month().to_owned(),
        'B' => now.month_name().to_owned(),
        'j' => format!("{:03}", now.year_day),
        'u' => if now.weekday == 0 { 7 } else { now.weekday }.to_string(),
        'w' => now.weekday.to_string(),
        's' => seconds.to_string(),
        'N' => format!("{nanoseconds:09}"),
        'F' => format!("{:04}-{:02}-{:02}", now.year, now.month, now.day),
        'T' => format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second),
        'R' => format!("{:02}:{:02}", now.hour, now.minute),
        'D' => format!("{:02}/{:02}/{:02}", now.month, now.day, now.year.rem_euclid(100)),
        'c' => format!(
            "{} {} {:2} {:02}:{:02}:{:02} {}",
            now.short_day(),
            now.short_month(),
            now.day,
            now.hour,
            now.minute,
            now.second,
            now.year
        ),
        'Z' => "UTC".to_owned(),
        'z' => "+0000".to_owned(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        other => format!("%{other}"),
    }
}

pub(super) fn date(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "ud:Rs:r:I",
        &[
            ("utc", b'u'),
            ("universal", b'u'),
            ("date", b'd'),
            ("rfc-email", b'R'),
            ("set", b's'),
            ("reference", b'r'),
            ("iso-8601", b'I'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut seconds = call.kernel.seconds();
    if let Some(text) = given.text(b'd') {
        match parsed(&text, seconds) {
            Some(found) => seconds = found,
            None => return call.fail(&format!("invalid date ‘{text}’"), 1),
        }
    }
    if let Some(path) = given.value(b'r').map(<[u8]>::to_vec) {
        match call.kernel.files.find(&call.path(&path), true, call.who) {
            Ok(id) => seconds = call.kernel.files.node(id).modified,
            Err(fault) => {
                let shown = String::from_utf8_lossy(&path).into_owned();
                return call.fail(&format!("{shown}: {fault}"), 1);
            }
        }
    }
    if given.has(b's') && !call.who.is_root() {
        return call.fail("cannot set date: Operation not permitted", 1);
    }
    let nanoseconds = call.kernel.now().micros().rem_euclid(1_000_000) * 1_000
        + i64::try_from(call.kernel.random() % 1_000).unwrap_or(0);
    let format = match given.rest.first() {
        Some(word) if word.first() == Some(&b'+') => {
            String::from_utf8_lossy(&word[1..]).into_owned()
        }
        Some(word) if !call.is_busybox() => {
            let shown = String::from_utf8_lossy(word).into_owned();
            return call.fail(&format!("invalid date ‘{shown}’"), 1);
        }
        _ if given.has(b'R') => "%a, %d %b %Y %H:%M:%S %z".to_owned(),
        _ if given.has(b'I') => "%F".to_owned(),
        _ if call.is_busybox()
            || call.kernel.world.system.is_debian()
            || call.kernel.world.system.version_id != "12" =>
        {
            "%a %b %e %H:%M:%S %Z %Y".to_owned()
        }
        _ => "%c".to_owned(),
    };
    let text = formatted(&format, seconds, nanoseconds);
    call.line(&text);
    Finish::Status(0)
}

/// `@seconds`, `now`, `yesterday`, `+1 day`, `2 hours ago`, `YYYY-MM-DD`, with a time.
pub(in super::super) fn parsed(text: &str, now: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok();
    }
    match text {
        "" | "now" | "today" => return Some(now),
        "yesterday" => return Some(now - 86_400),
        "tomorrow" => return Some(now + 86_400),
        _ => {}
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Some(amount) = words.first().and_then(|word| word.parse::<i64>().ok()) {
        let unit = match words.get(1)?.trim_end_matches('s') {
            "second" | "sec" => 1,
            "minute" | "min" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 604_800,
            "month" => 2_592_000,
            "year" => 31_536_000,
            _ => return None,
        };
        let sign = if words.get(2) == Some(&"ago") { -1 } else { 1 };
        return now.checked_add(amount.checked_mul(unit)?.checked_mul(sign)?);
    }
    let numbers: Vec<i64> =
        words.first()?.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day] = numbers[..] else { return None };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let time: Vec<i64> = words
        .get(1)
        .map_or(Some(Vec::new()), |time| time.split(':').map(|part| part.parse().ok()).collect())?;
    let part = |place: usize| time.get(place).copied().unwrap_or(0);
    Some(crate::machine::world::seconds_of(
        year,
        month,
        day,
        part(0).clamp(0, 23),
        part(1).clamp(0, 59),
        part(2).clamp(0, 60),
    ))
}

pub(super) fn sleep(call: &mut Call<'_>) -> Finish {
    if call.arguments().is_empty() {
        return call.missing_operand("[N]...");
    }
    let mut total = 0.0_f64;
    for word in call.arguments() {
        let text = String::from_utf8_lossy(word).into_owned();
        let (digits, unit) = match text.chars().last() {
            Some('s') => (&text[..text.len() - 1], 1.0),
            Some('m') => (&text[..text.len() - 1], 60.0),
            Some('h') => (&text[..text.len() - 1], 3_600.0),
            Some('d') => (&text[..text.len() - 1], 86_400.0),
            _ => (&text[..], 1.0),
        };
        match digits.parse::<f64>() {
            Ok(value) if value >= 0.0 => total += value * unit,
            _ if text == "infinity" || text == "inf" => total = 1e9,
            _ if call.is_busybox() => return call.fail(&format!("invalid number '{text}'"), 1),
            _ => {
                call.complain(&format!("invalid time interval ‘{text}’"));
                return call.usage("");
            }
        }
    }
    Finish::Sleep(Duration::from_secs_f64(total.clamp(0.0, 1e9)))
}
