//! Takes out of one line of output what differs from one true machine to the next: numbers, dates, spans of time, addresses, hashes.
//!
//! Columns stay: words keep their order, a run of spaces counts as one. Permissions, names and all other words stay as they are.

/// One line with all that varies masked
#[must_use]
pub fn mask(line: &str) -> String {
    let line = &apart(line);
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let mut masked = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let [first, after @ ..] = rest {
        if let Some(taken) = date(rest) {
            masked.push("<date>".to_owned());
            rest = &rest[taken..];
        } else if let Some(taken) = span(rest) {
            let comma = if rest[taken - 1].ends_with(',') { "," } else { "" };
            masked.push(format!("<span>{comma}"));
            rest = &rest[taken..];
        } else {
            masked.push(word(first));
            rest = after;
        }
    }
    let indent = if line.starts_with(' ') { " " } else { "" };
    format!("{indent}{}", masked.join(" "))
}

/// Puts a space where a full column swallowed it: `ni,100.0 id`, `%Cpu(s):100.0 us`
fn apart(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 4);
    let mut before = (' ', ' ');
    for c in line.chars() {
        let full =
            matches!(before, (letter, ',') if letter.is_ascii_alphabetic()) || before == (')', ':');
        if full && c.is_ascii_digit() {
            text.push(' ');
        }
        text.push(c);
        before = (before.1, c);
    }
    text
}

/// How many words a date takes at the beginning of these, as `ls`, `date`, `stat` and logs write it; none where there is none
fn date(words: &[&str]) -> Option<usize> {
    const ZONES: [&str; 3] = ["UTC", "GMT", "CET"];
    let at =
        |index: usize| words.get(index).copied().unwrap_or("").trim_end_matches([',', ']', ';']);
    if is_iso_date(at(0)) {
        let mut taken = 1;
        taken += usize::from(is_time(at(taken)));
        let zone = at(taken);
        let numeric = zone.len() == 5
            && zone.starts_with(['+', '-'])
            && zone[1..].bytes().all(|b| b.is_ascii_digit());
        taken += usize::from(taken == 2 && (numeric || ZONES.contains(&zone)));
        return Some(taken);
    }
    let mut taken = usize::from(is_weekday(at(0)));
    let day_first = is_number(at(taken)) && is_month(at(taken + 1));
    let month_first = is_month(at(taken)) && is_number(at(taken + 1));
    if !(day_first || month_first) {
        return None;
    }
    taken += 2;
    for _ in 0..4 {
        let next = at(taken);
        let half = next == "AM" || next == "PM";
        if !(is_time(next) || is_year(next) || half || ZONES.contains(&next)) {
            break;
        }
        taken += 1;
    }
    (taken > 2).then_some(taken)
}

/// How many words a span of time takes: `40 days, 3:02,`, `18 min`, `505ms ago`
fn span(words: &[&str]) -> Option<usize> {
    const UNITS: [&str; 20] = [
        "month", "months", "year", "years", "day", "days", "hour", "hours", "hr", "hrs", "min",
        "mins", "minute", "minutes", "sec", "secs", "second", "seconds", "week", "weeks",
    ];
    let mut taken = 0;
    while let (Some(number), Some(unit)) = (words.get(taken), words.get(taken + 1)) {
        if !(is_number(number) && UNITS.contains(&unit.trim_end_matches(','))) {
            break;
        }
        taken += 2;
    }
    // `45min 3s`, as systemd writes it.
    while words.get(taken).is_some_and(|word| is_short_span(word)) {
        taken += 1;
    }
    let clock = |word: &&str| is_time(word.trim_end_matches(','));
    if taken > 0 && words.get(taken).is_some_and(clock) && words[taken - 1].ends_with(',') {
        taken += 1;
    }
    if taken == 0
        && words.get(1).is_some_and(|next| next.ends_with("user,") || next.ends_with("users,"))
    {
        return None;
    }
    (taken > 0).then_some(taken)
}

/// `33s`, `2min`, `505ms`
fn is_short_span(word: &str) -> bool {
    let word = word.trim_end_matches([',', ';']);
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < word.len() && ["s", "min", "h", "ms", "us", "d", "w"].contains(&unit)
}

/// One word with all that varies masked
fn word(word: &str) -> String {
    if is_permissions(word) {
        return word.to_owned();
    }
    let frame = |c: char| "\"'()[]{}<>,;!".contains(c);
    let core = word.trim_matches(frame).trim_end_matches(':');
    if core.is_empty() {
        return word.to_owned();
    }
    let start = word.find(core).unwrap_or(0);
    let (before, after) = (&word[..start], &word[start + core.len()..]);
    format!("{before}{}{after}", value(core))
}

/// What stands for a whole word without its brackets and commas
fn value(core: &str) -> String {
    if let Some((name, value_text)) = core.split_once('=') {
        return format!(
            "{}={}",
            digits(name),
            if value_text.is_empty() { String::new() } else { word(value_text) }
        );
    }
    if core.contains('\t') {
        return core
            .split('\t')
            .map(|part| if part.is_empty() { String::new() } else { word(part) })
            .collect::<Vec<_>>()
            .join("\t");
    }
    let (host, suffix) = core.split_once('/').map_or((core, ""), |(host, _)| (host, "/#"));
    if is_address(host) {
        return format!("<address>{suffix}");
    }
    if let Some((host, port)) = core.rsplit_once(':')
        && is_address(host.trim_matches(['[', ']']))
    {
        return format!("<address>:{}", digits(port));
    }
    if is_time(core) || core == "--:--:--" {
        return "<time>".to_owned();
    }
    if ["B", "KiB", "MiB", "GiB", "TiB"].contains(&core) {
        return "<unit>".to_owned();
    }
    if ["kB/s", "KB/s", "MB/s", "GB/s"].contains(&core) {
        return "<rate>".to_owned();
    }
    // `Nov28`, as ps dates what started on another day.
    let day = core.get(..3).is_some_and(is_month)
        && core.get(3..).is_some_and(|rest| rest.is_empty() || is_number(rest));
    if day || is_weekday(core) {
        return "<date>".to_owned();
    }
    if is_hash(core) {
        return "<hash>".to_owned();
    }
    if let Some(number) = measured(core) {
        return number;
    }
    digits(core)
}

/// `#` for a number with its unit, `#%` for a share; none where the word is no number
fn measured(core: &str) -> Option<String> {
    const UNITS: [&str; 26] = [
        "", "K", "M", "G", "T", "P", "B", "k", "b", "Ki", "Mi", "Gi", "kB", "KB", "MB", "GB",
        "KiB", "MiB", "GiB", "MHz", "GHz", "s", "ms", "us", "m", "kbit",
    ];
    let number = core.strip_prefix(['+', '-']).unwrap_or(core);
    let end = number.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(number.len());
    let (figures, unit) = number.split_at(end);
    if !figures.starts_with(|c: char| c.is_ascii_digit()) || figures.ends_with('.') {
        return None;
    }
    if unit == "%" {
        return Some("#%".to_owned());
    }
    UNITS.contains(&unit).then(|| "#".to_owned())
}

/// A word with each run of digits as `#`
fn digits(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !inside {
            masked.push('#');
        }
        inside = c.is_ascii_digit();
    }
    masked
}

fn is_number(word: &str) -> bool {
    let word = word.trim_end_matches([',', '.']);
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) && is_number(word)
}

fn is_iso_date(word: &str) -> bool {
    let day = word.split('T').next().unwrap_or("");
    let parts: Vec<_> = day.split('-').collect();
    parts.len() == 3
        && is_year(parts[0])
        && parts[1..].iter().all(|part| part.len() == 2 && is_number(part))
}

fn is_time(word: &str) -> bool {
    let parts: Vec<_> = word.split(':').collect();
    matches!(parts.len(), 2 | 3)
        && parts.iter().enumerate().all(|(at, part)| {
            let whole = part.split('.').next().unwrap_or("");
            is_number(part) && !part.ends_with('.') && (at == 0 || whole.len() == 2)
        })
}

fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.contains(&word)
}

fn is_weekday(word: &str) -> bool {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word.trim_end_matches(','))
}

fn is_address(word: &str) -> bool {
    let mac = word.len() == 17 && word.split(':').filter(|part| part.len() == 2).count() == 6;
    mac || word.parse::<std::net::IpAddr>().is_ok()
}

/// Checksums, identifiers of machines and UUIDs
fn is_hash(word: &str) -> bool {
    let plain = word.replace('-', "");
    plain.len() >= 16
        && plain.bytes().all(|b| b.is_ascii_hexdigit())
        && plain.bytes().any(|b| b.is_ascii_digit())
        && plain.bytes().any(|b| b.is_ascii_alphabetic())
}

/// `drwxr-xr-x` and its kin
#[must_use]
pub fn is_permissions(word: &str) -> bool {
    let word = word.trim_end_matches(['+', '.', '@']);
    word.len() == 10
        && word.starts_with(['-', 'd', 'l', 'c', 'b', 's', 'p'])
        && word[1..].bytes().all(|b| b"rwxsStT-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn what_varies_is_masked_and_what_does_not_is_kept() {
        for (line, masked) in [
            ("Mem:   24105   1009 5.0Gi", "Mem: # # #"),
            ("drwxr-xr-x 3 root root 4096 Nov 28 11:58 .", "drwxr-xr-x # root root # <date> ."),
            (
                "-rw-r--r-- 1 root root  571 Apr 10  2021 .bashrc",
                "-rw-r--r-- # root root # <date> .bashrc",
            ),
            ("Modify: 2026-11-28 12:04:19.123456789 +0000", "Modify: <date>"),
            ("Sat Nov 28 12:04:19 UTC 2026", "<date>"),
            ("2026-11-28T12:04:19Z up", "<date> up"),
            ("/dev/vda1   12G  8.2M   12G   1% /", "/dev/vda# # # # #% /"),
            ("    inet 198.51.100.23/24 scope global eth0", " inet <address>/# scope global eth#"),
            ("link/ether 8e:dd:f4:66:70:b7 brd", "link/ether <address> brd"),
            ("tcp 0.0.0.0:22 [::]:22", "tcp <address>:# [<address>:#"),
            ("d41d8cd98f00b204e9800998ecf8427e  -", "<hash> -"),
            ("a=1 b=2.5, x86_64", "a=# b=#, x#_#"),
            ("may the month be told", "may the month be told"),
            ("%Cpu(s):100.0 us,  0.0 ni,100.0 id", "%Cpu(s): # us, # ni, # id"),
            ("root 12 Oct28 0:03 --:--:-- 11.3 MB/s", "root # <date> <time> <time> # <rate>"),
            ("", ""),
        ] {
            assert_eq!(mask(line), masked, "{line}");
        }
    }

    #[test]
    fn a_machine_up_for_minutes_and_one_up_for_weeks_look_alike() {
        let young = mask(" 12:00:26 up 18 min,  0 user,  load average: 3.58, 3.12, 1.77");
        let old = mask(" 03:10:06 up 40 days,  3:02,  0 user,  load average: 0.00, 0.01, 0.05");
        assert_eq!(young, old);
        assert_eq!(young, " <time> up <span>, # user, load average: #, #, #");
    }
}
