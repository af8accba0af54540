//! `sort`.

use std::cmp::Ordering;

use super::{Call, Finish, body, lines};

/// One `-k`: fields from and to, and letters of its own.
struct Key {
    first: usize,
    last: usize,
    letters: Vec<u8>,
}

fn key(text: &str) -> Key {
    let mut parts = text.split(',');
    let number = |part: &str| {
        part.split('.')
            .next()
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse::<usize>()
    };
    let letters = |part: &str| part.bytes().filter(u8::is_ascii_alphabetic).collect::<Vec<u8>>();
    let first = parts.next().unwrap_or_default();
    let last = parts.next();
    let mut all = letters(first);
    all.extend(last.map(letters).unwrap_or_default());
    Key {
        first: number(first).unwrap_or(1).max(1),
        last: last.and_then(|last| number(last).ok()).unwrap_or(usize::MAX),
        letters: all,
    }
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn sort(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("reverse", b'r'),
        ("numeric-sort", b'n'),
        ("unique", b'u'),
        ("key", b'k'),
        ("field-separator", b't'),
        ("human-numeric-sort", b'h'),
        ("output", b'o'),
        ("version-sort", b'V'),
        ("random-sort", b'R'),
    ];
    let given = match call.options("rnufbdghik:t:o:sVRMcz", &longs, 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(&given.rest);
    let status = if status > 0 { 2 } else { 0 };
    if status > 0 {
        return Finish::Status(status);
    }
    let separator = given.value(b't').and_then(|text| text.first().copied());
    let keys: Vec<Key> =
        given.values(b'k').map(|text| key(&String::from_utf8_lossy(text))).collect();
    let global: Vec<u8> =
        b"nrfbhgVdM".iter().copied().filter(|letter| given.has(*letter)).collect();
    let mut all: Vec<&[u8]> = files.iter().flat_map(|(_, bytes)| lines(bytes)).map(body).collect();
    call.cost(all.len() / 16);
    let compare = |left: &&[u8], right: &&[u8]| {
        for key in &keys {
            let letters = if key.letters.is_empty() { &global } else { &key.letters };
            let order = order(&field(left, key, separator), &field(right, key, separator), letters);
            if order != Ordering::Equal {
                return order;
            }
        }
        if keys.is_empty() { order(left, right, &global) } else { Ordering::Equal }
    };
    let last_resort = |left: &&[u8], right: &&[u8]| {
        let order = compare(left, right);
        if order == Ordering::Equal && !given.has(b'u') && !given.has(b's') {
            let order = left.cmp(right);
            return if given.has(b'r') { order.reverse() } else { order };
        }
        order
    };
    if given.has(b'c') {
        let wrong = (1..all.len())
            .find(|place| last_resort(&all[place - 1], &all[*place]) == Ordering::Greater);
        let Some(place) = wrong else { return Finish::Status(0) };
        let name = given
            .rest
            .first()
            .map_or_else(|| "-".to_owned(), |path| String::from_utf8_lossy(path).into_owned());
        let line = String::from_utf8_lossy(all[place]).into_owned();
        return call.fail(&format!("{name}:{}: disorder: {line}", place + 1), 1);
    }
    all.sort_by(last_resort);
    if given.has(b'u') {
        all.dedup_by(|left, right| compare(left, right) == Ordering::Equal);
    }
    let mut made = Vec::new();
    for line in all {
        made.extend_from_slice(line);
        made.push(b'\n');
    }
    if let Some(path) = given.value(b'o').map(<[u8]>::to_vec) {
        let written = call
            .kernel
            .open_for_writing(call.folder, &path, false, 0o666 & !call.umask, call.who)
            .and_then(|(node, path)| call.kernel.write(node, 0, &made, &path));
        if let Err(fault) = written {
            call.complain_of(&path, fault);
            return Finish::Status(2);
        }
    } else {
        call.out(&made);
    }
    Finish::Status(0)
}

fn field(line: &[u8], key: &Key, separator: Option<u8>) -> Vec<u8> {
    let fields: Vec<&[u8]> = match separator {
        Some(separator) => line.split(|byte| *byte == separator).collect(),
        None => line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect(),
    };
    let first = (key.first - 1).min(fields.len());
    let last = key.last.min(fields.len()).max(first);
    fields[first..last].join(&separator.unwrap_or(b' '))
}

fn number(text: &[u8]) -> f64 {
    let text = text.trim_ascii_start();
    let length = text
        .iter()
        .enumerate()
        .take_while(|(place, byte)| {
            byte.is_ascii_digit() || **byte == b'.' || (*place == 0 && **byte == b'-')
        })
        .count();
    std::str::from_utf8(&text[..length]).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn human(text: &[u8]) -> (i32, f64) {
    let unit = text.iter().find(|byte| byte.is_ascii_alphabetic()).map_or(0, |letter| {
        b"KMGTPE"
            .iter()
            .position(|unit| unit == &letter.to_ascii_uppercase())
            .map_or(0, |place| place + 1)
    });
    let value = number(text);
    let unit = i32::try_from(unit).unwrap_or(0);
    (if value < 0.0 { -unit } else { unit }, value)
}

fn order(left: &[u8], right: &[u8], letters: &[u8]) -> Ordering {
    let has = |letter: u8| letters.contains(&letter);
    let order = if has(b'n') || has(b'g') {
        number(left).total_cmp(&number(right))
    } else if has(b'h') {
        let (left, right) = (human(left), human(right));
        left.0.cmp(&right.0).then(left.1.total_cmp(&right.1))
    } else if has(b'V') {
        versions(left, right)
    } else if has(b'f') {
        left.to_ascii_uppercase().cmp(&right.to_ascii_uppercase())
    } else {
        left.cmp(right)
    };
    if has(b'r') { order.reverse() } else { order }
}

/// Digits as numbers, the rest as text.
fn versions(left: &[u8], right: &[u8]) -> Ordering {
    let (mut a, mut b) = (left, right);
    loop {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (digits(a), digits(b));
                let order = number(&a[..x]).total_cmp(&number(&b[..y]));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[x..], &b[y..]);
            }
            (Some(x), Some(y)) => {
                if x != y {
                    return x.cmp(y);
                }
                (a, b) = (&a[1..], &b[1..]);
            }
        }
    }
}
