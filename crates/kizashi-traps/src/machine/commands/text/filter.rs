//! `cut`, `tr`, `uniq`, `paste`, `column`, `comm`, `cmp`, `diff`.

use super::{Call, Finish, body, lines};
use crate::machine::shell::escape::{Dialect, unescape};
use crate::machine::shell::pattern;

/// `1,3-5,7-` as ranges from 1.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    text.split([',', ' '])
        .map(|part| {
            let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
            match part.split_once('-') {
                None => number(part).map(|number| (number, number)),
                Some(("", last)) => number(last).map(|last| (1, last)),
                Some((first, "")) => number(first).map(|first| (first, usize::MAX)),
                Some((first, last)) => Some((number(first)?, number(last)?)),
            }
        })
        .collect()
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn cut(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("delimiter", b'd'),
        ("fields", b'f'),
        ("characters", b'c'),
        ("bytes", b'b'),
        ("only-delimited", b's'),
        ("output-delimiter", b'o'),
        ("complement", b'C'),
    ];
    let given = match call.options("d:f:c:b:so:nC", &longs, 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(kind) = given.last_of(b"fcb") else {
        if call.is_busybox() {
            return call.fail("expected a list of bytes, characters, or fields", 1);
        }
        call.complain("you must specify a list of bytes, characters, or fields");
        return call.usage("");
    };
    let list = given.text(kind).unwrap_or_default();
    let Some(list) = ranges(&list) else {
        call.complain(&format!(
            "invalid {} value '{list}'",
            if kind == b'f' { "field" } else { "byte/character position" }
        ));
        return call.usage("");
    };
    let delimiter = given.value(b'd').unwrap_or(b"\t");
    if delimiter.len() > 1 {
        call.complain("the delimiter must be a single character");
        return call.usage("");
    }
    let delimiter = delimiter.first().copied().unwrap_or(0);
    let between = given.value(b'o').map_or_else(|| vec![delimiter], <[u8]>::to_vec);
    let chosen = |place: usize| {
        list.iter().any(|(first, last)| (*first..=*last).contains(&place)) != given.has(b'C')
    };
    let (files, status) = call.read_all(&given.rest);
    for (_, bytes) in files {
        for line in lines(&bytes) {
            let text = body(line);
            let kept = if kind != b'f' {
                text.iter()
                    .enumerate()
                    .filter(|(place, _)| chosen(place + 1))
                    .map(|(_, byte)| *byte)
                    .collect()
            } else if !text.contains(&delimiter) {
                if given.has(b's') {
                    continue;
                }
                text.to_vec()
            } else {
                let fields: Vec<&[u8]> = text
                    .split(|byte| *byte == delimiter)
                    .enumerate()
                    .filter(|(place, _)| chosen(place + 1))
                    .map(|(_, field)| field)
                    .collect();
                fields.join(&between[..])
            };
            call.out(&kept);
            call.out(b"\n");
        }
    }
    Finish::Status(status)
}

/// The bytes that a set of `tr` names.
fn set(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix(b"[:")
            && let Some(end) = inner.windows(2).position(|pair| pair == b":]")
        {
            bytes.extend(
                pattern::class(&inner[..end]).unwrap_or_default().into_iter().map(|(byte, _)| byte),
            );
            rest = &inner[end + 2..];
            continue;
        }
        let (first, after) = one(rest);
        rest = after;
        if rest.len() > 1 && rest[0] == b'-' {
            let (last, after) = one(&rest[1..]);
            bytes.extend(first..=last.max(first));
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    bytes
}

/// One byte, escaped or not, and what follows.
fn one(text: &[u8]) -> (u8, &[u8]) {
    if text[0] != b'\\' || text.len() < 2 {
        return (text[0], &text[1..]);
    }
    let length = if (b'0'..=b'7').contains(&text[1]) {
        1 + text[1..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(*byte)).count()
    } else {
        2
    };
    let bytes = unescape(&text[..length], Dialect::Printf).0;
    (bytes.last().copied().unwrap_or(b'\\'), &text[length..])
}

pub(super) fn tr(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "cCdst",
        &[
            ("delete", b'd'),
            ("squeeze-repeats", b's'),
            ("complement", b'c'),
            ("truncate-set1", b't'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let Some(first) = given.rest.first() else {
        return call.missing_operand("[-cds] STRING1 [STRING2]");
    };
    let (delete, squeeze) = (given.has(b'd'), given.has(b's'));
    if given.rest.len() < 2 && !delete && !squeeze {
        let shown = String::from_utf8_lossy(first).into_owned();
        if call.is_busybox() {
            return call.usage("[-cds] STRING1 [STRING2]");
        }
        call.complain(&format!("missing operand after '{shown}'"));
        call.err(b"Two strings must be given when translating.\n");
        return call.usage("");
    }
    let mut from = set(first);
    if given.has(b'c') || given.has(b'C') {
        from = (0..=255).filter(|byte| !from.contains(byte)).collect();
    }
    let second = given.rest.get(1).map(|text| set(text));
    let mut map: Vec<u8> = (0..=255).collect();
    if let (Some(to), false) = (&second, delete) {
        for (place, byte) in from.iter().enumerate() {
            map[usize::from(*byte)] = to.get(place).or(to.last()).copied().unwrap_or(*byte);
        }
    }
    let squeezed = match (&second, squeeze) {
        (_, false) => Vec::new(),
        (Some(to), true) => to.clone(),
        (None, true) => from.clone(),
    };
    let input = call.input();
    let mut made = Vec::with_capacity(input.len());
    for byte in input {
        if delete && from.contains(&byte) {
            continue;
        }
        let byte = map[usize::from(byte)];
        if squeezed.contains(&byte) && made.last() == Some(&byte) {
            continue;
        }
        made.push(byte);
    }
    call.cost(made.len() / 256);
    call.out(&made);
    Finish::Status(0)
}

pub(super) fn uniq(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "cdiuf:s:w:",
        &[("count", b'c'), ("repeated", b'd'), ("unique", b'u'), ("ignore-case", b'i')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(given.rest.get(..1).unwrap_or_default());
    let bytes = files.into_iter().next().map(|(_, bytes)| bytes).unwrap_or_default();
    let key = |line: &[u8]| {
        if given.has(b'i') { body(line).to_ascii_lowercase() } else { body(line).to_vec() }
    };
    let mut groups: Vec<(usize, &[u8])> = Vec::new();
    for line in lines(&bytes) {
        match groups.last_mut() {
            Some((count, first)) if key(first) == key(line) => *count += 1,
            _ => groups.push((1, line)),
        }
    }
    for (count, line) in groups {
        if given.has(b'd') && count < 2 || given.has(b'u') && count > 1 {
            continue;
        }
        if given.has(b'c') {
            call.out(format!("{count:7} ").as_bytes());
        }
        call.out(body(line));
        call.out(b"\n");
    }
    Finish::Status(status)
}

pub(super) fn paste(call: &mut Call<'_>) -> Finish {
    let given = match call.options("d:s", &[("delimiters", b'd'), ("serial", b's')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let delimiters = unescape(given.value(b'd').unwrap_or(b"\t"), Dialect::Printf).0;
    let delimiter = |place: usize| delimiters.get(place % delimiters.len().max(1)).copied();
    let (files, status) = call.read_all(&given.rest);
    let columns: Vec<Vec<&[u8]>> =
        files.iter().map(|(_, bytes)| lines(bytes).map(body).collect()).collect();
    let rows: Vec<Vec<&[u8]>> = if given.has(b's') {
        columns
    } else {
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        (0..height)
            .map(|row| {
                columns.iter().map(|column| column.get(row).copied().unwrap_or_default()).collect()
            })
            .collect()
    };
    for row in rows {
        for (place, field) in row.iter().enumerate() {
            if place > 0 {
                call.out(delimiter(place - 1).as_slice());
            }
            call.out(field);
        }
        call.out(b"\n");
    }
    Finish::Status(status)
}

pub(super) fn column(call: &mut Call<'_>) -> Finish {
    let given = match call.options("ts:c:o:", &[("table", b't'), ("separator", b's')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (files, status) = call.read_all(&given.rest);
    let separators = given.value(b's').unwrap_or(b" \t").to_vec();
    let rows: Vec<Vec<Vec<u8>>> = files
        .iter()
        .flat_map(|(_, bytes)| lines(bytes))
        .map(|line| {
            body(line)
                .split(|byte| separators.contains(byte))
                .filter(|field| !field.is_empty())
                .map(<[u8]>::to_vec)
                .collect()
        })
        .collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, field) in widths.iter_mut().zip(row) {
            *width = (*width).max(field.len());
        }
    }
    for row in &rows {
        let mut line = Vec::new();
        for (place, field) in row.iter().enumerate() {
            line.extend_from_slice(field);
            if place + 1 < row.len() {
                line.resize(line.len() + widths[place] + 2 - field.len(), b' ');
            }
        }
        line.push(b'\n');
        call.out(&line);
    }
    Finish::Status(status)
}

/// Two files' bytes, or what is wrong.
pub(super) fn two(
    call: &mut Call<'_>,
    rest: &[Vec<u8>],
    status: u8,
) -> Result<(Vec<u8>, Vec<u8>), Finish> {
    let [first, second, ..] = rest else { return Err(call.missing_operand("FILE1 FILE2")) };
    let mut both = Vec::new();
    for path in [first, second] {
        match call.read(path) {
            Ok(bytes) => both.push(bytes),
            Err(fault) => {
                call.complain_of(path, fault);
                return Err(Finish::Status(status));
            }
        }
    }
    let second = both.pop().unwrap_or_default();
    Ok((both.pop().unwrap_or_default(), second))
}

pub(super) fn comm(call: &mut Call<'_>) -> Finish {
    let given = match call.options("123", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (first, second) = match two(call, &given.rest, 1) {
        Ok(both) => both,
        Err(finish) => return finish,
    };
    let (left, right): (Vec<&[u8]>, Vec<&[u8]>) =
        (lines(&first).map(body).collect(), lines(&second).map(body).collect());
    let (mut a, mut b) = (0, 0);
    while a < left.len() || b < right.len() {
        let order = match (left.get(a), right.get(b)) {
            (Some(left), Some(right)) => left.cmp(right),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        let (column, text) = match order {
            std::cmp::Ordering::Less => (b'1', left[a]),
            std::cmp::Ordering::Greater => (b'2', right[b]),
            std::cmp::Ordering::Equal => (b'3', left[a]),
        };
        a += usize::from(order.is_le());
        b += usize::from(order.is_ge());
        if !given.has(column) {
            let tabs = (b'1'..column).filter(|before| !given.has(*before)).count();
            call.out(&[&vec![b'\t'; tabs][..], text, b"\n"].concat());
        }
    }
    Finish::Status(0)
}
