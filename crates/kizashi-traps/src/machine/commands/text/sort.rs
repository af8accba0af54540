//! `sort`.

use std::cmp::Ordering;

use super::{Call, Finish, body, lines};

/// Units of the meter for a comparison, and those that are left when a turn ends.
const COMPARISON: usize = 8;
const TURN: u32 = 2_000;

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
    let rules = Rules {
        separator,
        keys,
        global,
        unique: given.has(b'u'),
        stable: given.has(b's'),
        reverse: given.has(b'r'),
    };
    let text: Vec<u8> = files
        .into_iter()
        .flat_map(|(_, mut bytes)| {
            if bytes.last().is_some_and(|byte| *byte != b'\n') {
                bytes.push(b'\n');
            }
            bytes
        })
        .collect();
    if given.has(b'c') {
        let name = given
            .rest
            .first()
            .map_or_else(|| "-".to_owned(), |path| String::from_utf8_lossy(path).into_owned());
        return check(call, &rules, &text, &name);
    }
    Merge::new(text, rules, given.value(b'o').map(<[u8]>::to_vec)).go_on(call)
}

/// `-c`: the first line that stands wrong.
fn check(call: &mut Call<'_>, rules: &Rules, text: &[u8], name: &str) -> Finish {
    let all: Vec<&[u8]> = lines(text).map(body).collect();
    let wrong = (1..all.len()).find(|place| {
        call.work(COMPARISON) && rules.last_resort(all[place - 1], all[*place]) == Ordering::Greater
    });
    let Some(place) = wrong else { return Finish::Status(0) };
    let line = String::from_utf8_lossy(all[place]).into_owned();
    call.fail(&format!("{name}:{}: disorder: {line}", place + 1), 1)
}

/// How lines are compared.
struct Rules {
    separator: Option<u8>,
    keys: Vec<Key>,
    global: Vec<u8>,
    unique: bool,
    stable: bool,
    reverse: bool,
}

impl Rules {
    fn compare(&self, left: &[u8], right: &[u8]) -> Ordering {
        for key in &self.keys {
            let letters = if key.letters.is_empty() { &self.global } else { &key.letters };
            let order =
                order(field(left, key, self.separator), field(right, key, self.separator), letters);
            if order != Ordering::Equal {
                return order;
            }
        }
        if self.keys.is_empty() { order(left, right, &self.global) } else { Ordering::Equal }
    }

    fn last_resort(&self, left: &[u8], right: &[u8]) -> Ordering {
        let order = self.compare(left, right);
        if order == Ordering::Equal && !self.unique && !self.stable {
            let order = left.cmp(right);
            return if self.reverse { order.reverse() } else { order };
        }
        order
    }
}

/// A merge sort from short runs to long ones that can stop between any two comparisons, as the library's cannot.
struct Merge {
    text: Vec<u8>,
    /// Where lines begin and end.
    lines: Vec<(u32, u32)>,
    /// What the runs of this width are merged into.
    merged: Vec<(u32, u32)>,
    width: usize,
    /// Where the two runs that are being merged go on.
    left: usize,
    right: usize,
    rules: Rules,
    target: Option<Vec<u8>>,
}

impl Merge {
    fn new(text: Vec<u8>, rules: Rules, target: Option<Vec<u8>>) -> Self {
        let (mut all, mut start) = (Vec::new(), 0);
        for line in lines(&text) {
            let end = start + body(line).len();
            all.push((u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(0)));
            start += line.len();
        }
        let right = all.len().min(1);
        Self { text, lines: all, merged: Vec::new(), width: 1, left: 0, right, rules, target }
    }

    fn line(&self, (start, end): (u32, u32)) -> &[u8] {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Goes on until the lines are in order, or the turn is over.
    fn go_on(mut self, call: &mut Call<'_>) -> Finish {
        let weight = COMPARISON * (1 + self.rules.keys.len());
        while self.width < self.lines.len() {
            if call.kernel.meter.left() < TURN {
                return Finish::Further(Box::new(move |call| self.go_on(call)));
            }
            self.step(call, weight);
        }
        self.finish(call)
    }

    /// Moves one line from a run of this width to the run that both become.
    fn step(&mut self, call: &Call<'_>, weight: usize) {
        let pair = self.merged.len() / (2 * self.width) * (2 * self.width);
        let middle = (pair + self.width).min(self.lines.len());
        let end = (pair + 2 * self.width).min(self.lines.len());
        let (left, right) = (self.lines.get(self.left), self.lines.get(self.right));
        let from_left = match (left, right) {
            (Some(left), Some(right)) if self.left < middle && self.right < end => {
                let (left, right) = (self.line(*left), self.line(*right));
                call.work(weight + left.len().min(right.len()) / 16);
                self.rules.last_resort(left, right) != Ordering::Greater
            }
            _ => self.left < middle,
        };
        let place = if from_left { &mut self.left } else { &mut self.right };
        self.merged.extend(self.lines.get(*place));
        *place += 1;
        if self.merged.len() == end {
            self.left = end;
            self.right = (end + self.width).min(self.lines.len());
        }
        if self.merged.len() == self.lines.len() {
            self.lines = std::mem::take(&mut self.merged);
            self.width *= 2;
            self.left = 0;
            self.right = self.width.min(self.lines.len());
        }
    }

    fn finish(mut self, call: &mut Call<'_>) -> Finish {
        let mut all = std::mem::take(&mut self.lines);
        if self.rules.unique {
            all.dedup_by(|left, right| {
                self.rules.compare(self.line(*left), self.line(*right)) == Ordering::Equal
            });
        }
        let mut made = Vec::with_capacity(self.text.len());
        for line in all {
            made.extend_from_slice(self.line(line));
            made.push(b'\n');
        }
        let Some(path) = self.target else {
            call.out(&made);
            return Finish::Status(0);
        };
        let written = call
            .kernel
            .open_for_writing(call.folder, &path, false, 0o666 & !call.umask, call.who)
            .and_then(|(node, path)| call.kernel.write(node, 0, &made, &path));
        if let Err(fault) = written {
            call.complain_of(&path, fault);
            return Finish::Status(2);
        }
        Finish::Status(0)
    }
}

/// The part of a line that a key means.
fn field<'a>(line: &'a [u8], key: &Key, separator: Option<u8>) -> &'a [u8] {
    let splits = |byte: u8| match separator {
        Some(separator) => byte == separator,
        None => byte.is_ascii_whitespace(),
    };
    let (mut at, mut number, mut start, mut end) = (0, 0, None, 0);
    while at <= line.len() {
        if separator.is_none() {
            while line.get(at).is_some_and(|byte| splits(*byte)) {
                at += 1;
            }
            if at == line.len() {
                break;
            }
        }
        let length = line[at..].iter().take_while(|byte| !splits(**byte)).count();
        number += 1;
        if number == key.first {
            start = Some(at);
        }
        if number <= key.last {
            end = at + length;
        }
        if number >= key.last {
            break;
        }
        at += length + 1;
    }
    start.map_or(&b""[..], |start| &line[start..end.max(start)])
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(text: &[u8], arguments: &[&str]) -> Vec<u8> {
        let line = format!("sort {}", arguments.join(" "));
        let identity = std::sync::Arc::new(crate::Identity::draw([7; 32]));
        let persona = crate::Persona::Server;
        crate::Machine::run_for_comparison(&identity, persona, line.as_bytes(), text).output
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_come_into_the_order_that_the_library_gives_them(lines in prop::collection::vec("[a-c]{0,3}", 0..70)) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let mut expected = lines;
            expected.sort();
            prop_assert_eq!(sorted(text.as_bytes(), &[]), expected.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes());
            expected.dedup();
            expected.reverse();
            prop_assert_eq!(sorted(text.as_bytes(), &["-ru"]), expected.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes());
        }
    }

    #[test]
    fn keys_are_the_fields_that_they_name() {
        let key = |text| key(text);
        assert_eq!(field(b"a  b c", &key("2,2"), None), b"b");
        assert_eq!(field(b"a  b c", &key("2"), None), b"b c");
        assert_eq!(field(b"a::c", &key("2,2"), Some(b':')), b"");
        assert_eq!(field(b"a::c", &key("3,3"), Some(b':')), b"c");
        assert_eq!(field(b"a", &key("3"), None), b"");
    }
}
