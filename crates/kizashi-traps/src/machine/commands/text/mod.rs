//! Commands that show text, and those that change it on its way.

mod compare;
mod diff;
mod filter;
mod grep;
mod page;
mod sed;
mod sort;
mod usage;

use super::{Call, Command, Finish, device, usual};
pub(crate) use page::Page;

pub(super) const COMMANDS: &[Command] = &[
    usual("cat", cat),
    usual("tac", tac),
    usual("head", head),
    usual("tail", tail),
    usual("wc", wc),
    usual("nl", nl),
    usual("rev", rev),
    usual("tee", tee),
    usual("fold", fold),
    device("strings", strings),
    usual("more", page::page),
    usual("less", page::page),
];

pub(super) const FILTERS: &[Command] = &[
    usual("grep", grep::grep),
    usual("egrep", grep::grep),
    usual("fgrep", grep::grep),
    usual("zgrep", grep::grep),
    usual("sed", sed::sed),
    usual("cut", filter::cut),
    usual("tr", filter::tr),
    usual("uniq", filter::uniq),
    usual("paste", filter::paste),
    usual("column", filter::column),
    usual("sort", sort::sort),
    usual("comm", filter::comm),
    usual("cmp", compare::cmp),
    usual("diff", diff::diff),
];

/// Lines with their ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// A line without its end.
pub(super) fn body(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn cat(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "AbeEnstTuv",
        &[("show-all", b'A'), ("number", b'n'), ("squeeze-blank", b's'), ("show-ends", b'E')],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let plain = !["A", "b", "e", "E", "n", "s", "t", "T", "v"]
        .iter()
        .any(|letter| given.has(letter.as_bytes()[0]));
    if plain && given.rest.iter().all(|path| path == b"-") && call.is_console() {
        return Finish::Stream;
    }
    let (files, status) = call.read_all(&given.rest);
    let mut number = 0;
    for (_, bytes) in files {
        if plain {
            call.out(&bytes);
            continue;
        }
        for line in lines(&bytes) {
            let text = body(line);
            if given.has(b'n') && !given.has(b'b') || given.has(b'b') && !text.is_empty() {
                number += 1;
                call.out(format!("{number:6}\t").as_bytes());
            }
            call.out(&visible(text, &given));
            if given.has(b'A') || given.has(b'e') || given.has(b'E') {
                call.out(b"$");
            }
            call.out(&line[text.len()..]);
        }
    }
    Finish::Status(status)
}

/// Control bytes made visible as `cat -v` does.
fn visible(text: &[u8], given: &super::Given) -> Vec<u8> {
    let controls = given.has(b'A') || given.has(b'v') || given.has(b'e') || given.has(b't');
    let tabs = given.has(b'A') || given.has(b'T') || given.has(b't');
    let mut shown = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'\t' if tabs => shown.extend_from_slice(b"^I"),
            b'\t' => shown.push(b'\t'),
            _ if !controls => shown.push(*byte),
            0..=31 => shown.extend([b'^', byte + 64]),
            127 => shown.extend_from_slice(b"^?"),
            128..=159 => shown.extend([b'M', b'-', b'^', byte - 64]),
            255 => shown.extend_from_slice(b"M-^?"),
            160..=254 => shown.extend([b'M', b'-', byte - 128]),
            _ => shown.push(*byte),
        }
    }
    shown
}

fn tac(call: &mut Call<'_>) -> Finish {
    let missing = call
        .arguments()
        .iter()
        .find(|path| call.kernel.files.find(&call.path(path), true, call.who).is_err())
        .map(|path| String::from_utf8_lossy(path).into_owned());
    if let Some(path) = missing.filter(|_| !call.is_busybox()) {
        return call
            .fail(&format!("failed to open '{path}' for reading: No such file or directory"), 1);
    }
    let (files, status) = call.read_all(call.arguments());
    for (_, bytes) in files {
        let all: Vec<&[u8]> = lines(&bytes).collect();
        for line in all.into_iter().rev() {
            call.out(line);
        }
    }
    Finish::Status(status)
}

/// A count with its sign and unit: `-5`, `+3`, `2k`.
fn count(text: &str) -> Option<(char, u64)> {
    let (sign, digits) = match text.chars().next()? {
        sign @ ('+' | '-') => (sign, &text[1..]),
        _ => (' ', text),
    };
    let (digits, unit) = match digits.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_024),
        None => (
            digits.strip_suffix('M').unwrap_or(digits),
            if digits.ends_with('M') { 1_048_576 } else { 1 },
        ),
    };
    Some((sign, digits.parse::<u64>().ok()?.saturating_mul(unit)))
}

/// `-5` as `-n 5`, the old form.
fn modern(words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let old = |word: &Vec<u8>| {
        word.len() > 1 && word[0] == b'-' && word[1..].iter().all(u8::is_ascii_digit)
    };
    words
        .iter()
        .enumerate()
        .flat_map(|(place, word)| {
            let valued = place > 0 && matches!(&words[place - 1][..], b"-n" | b"-c");
            if old(word) && !valued {
                vec![b"-n".to_vec(), word[1..].to_vec()]
            } else {
                vec![word.clone()]
            }
        })
        .collect()
}

fn head(call: &mut Call<'_>) -> Finish {
    piece(call, |bytes, by_bytes, sign, count| {
        let ends = ends(bytes, by_bytes);
        let keep =
            if sign == '-' { ends.len().saturating_sub(count) } else { count.min(ends.len()) };
        (0, keep.checked_sub(1).map_or(0, |last| ends[last]))
    })
}

fn tail(call: &mut Call<'_>) -> Finish {
    piece(call, |bytes, by_bytes, sign, count| {
        let ends = ends(bytes, by_bytes);
        let skip = if sign == '+' {
            count.saturating_sub(1).min(ends.len())
        } else {
            ends.len().saturating_sub(count)
        };
        (skip.checked_sub(1).map_or(0, |last| ends[last]), bytes.len())
    })
}

/// Where each line or byte ends.
fn ends(bytes: &[u8], by_bytes: bool) -> Vec<usize> {
    if by_bytes {
        return (1..=bytes.len()).collect();
    }
    let mut at = 0;
    lines(bytes)
        .map(|line| {
            at += line.len();
            at
        })
        .collect()
}

type Chooser = fn(&[u8], bool, char, usize) -> (usize, usize);

fn piece(call: &mut Call<'_>, choose: Chooser) -> Finish {
    let words = modern(call.words);
    let given = call.options_among(
        words.get(1..).unwrap_or_default(),
        "n:c:qvfFs:z",
        &[
            ("lines", b'n'),
            ("bytes", b'c'),
            ("quiet", b'q'),
            ("silent", b'q'),
            ("verbose", b'v'),
            ("follow", b'f'),
        ],
        1,
    );
    let given = match given {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let by_bytes = given.has(b'c');
    let text = given.text(if by_bytes { b'c' } else { b'n' }).unwrap_or_else(|| "10".to_owned());
    let Some((sign, amount)) = count(&text) else {
        return call.fail(
            &format!("invalid number of {}: '{text}'", if by_bytes { "bytes" } else { "lines" }),
            1,
        );
    };
    let (files, status) = call.read_all(&given.rest);
    let headers = (given.rest.len() > 1 || given.has(b'v')) && !given.has(b'q');
    for (place, (name, bytes)) in files.iter().enumerate() {
        if headers {
            let name: &[u8] = if name == b"-" { b"standard input" } else { name };
            call.out(&[if place > 0 { &b"\n==> "[..] } else { b"==> " }, name, b" <==\n"].concat());
        }
        let (start, end) =
            choose(bytes, by_bytes, sign, usize::try_from(amount).unwrap_or(usize::MAX));
        call.out(&bytes[start..end]);
    }
    Finish::Status(status)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn wc(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "lwcmL",
        &[
            ("lines", b'l'),
            ("words", b'w'),
            ("bytes", b'c'),
            ("chars", b'm'),
            ("max-line-length", b'L'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let letters: Vec<u8> =
        match b"lwmcL".iter().copied().filter(|letter| given.has(*letter)).collect::<Vec<u8>>() {
            found if found.is_empty() => b"lwc".to_vec(),
            found => found,
        };
    let (files, status) = call.read_all(&given.rest);
    let mut rows: Vec<(Vec<u64>, Vec<u8>)> = Vec::new();
    for (name, bytes) in files {
        let value = |letter: &u8| match letter {
            b'l' => bytes.iter().filter(|byte| **byte == b'\n').count(),
            b'w' => bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count(),
            b'm' => String::from_utf8_lossy(&bytes).chars().count(),
            b'L' => lines(&bytes).map(|line| body(line).len()).max().unwrap_or(0),
            _ => bytes.len(),
        };
        rows.push((
            letters.iter().map(|letter| value(letter) as u64).collect(),
            if given.rest.is_empty() { Vec::new() } else { name },
        ));
    }
    if rows.len() > 1 {
        let total = (0..letters.len())
            .map(|place| rows.iter().map(|(values, _)| values[place]).sum())
            .collect();
        rows.push((total, b"total".to_vec()));
    }
    let widest =
        rows.iter().flat_map(|(values, _)| values).max().map_or(1, |value| value.to_string().len());
    let width = match (given.rest.is_empty(), letters.len()) {
        (_, 1) if rows.len() < 2 => 1,
        (true, _) => 7,
        _ => widest,
    };
    for (values, name) in rows {
        let numbers: Vec<String> = values
            .iter()
            .map(|value| {
                if call.is_busybox() && letters.len() > 1 {
                    format!("{value:9}")
                } else {
                    format!("{value:width$}")
                }
            })
            .collect();
        let mut line = numbers.join(" ").into_bytes();
        if !name.is_empty() {
            line.push(b' ');
            line.extend(name);
        }
        line.push(b'\n');
        call.out(&line);
    }
    Finish::Status(status)
}

fn nl(call: &mut Call<'_>) -> Finish {
    let given = match call.options("b:w:s:n:v:", &[], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let all = given.value(b'b') == Some(b"a");
    let (files, status) = call.read_all(&given.rest);
    let mut number = 0;
    for (_, bytes) in files {
        for line in lines(&bytes) {
            if body(line).is_empty() && !all {
                call.out(b"       \n");
                continue;
            }
            number += 1;
            call.out(format!("{number:6}\t").as_bytes());
            call.out(line);
        }
    }
    Finish::Status(status)
}

fn rev(call: &mut Call<'_>) -> Finish {
    let (files, status) = call.read_all(call.arguments());
    for (_, bytes) in files {
        for line in lines(&bytes) {
            let mut text = body(line).to_vec();
            text.reverse();
            call.out(&text);
            call.out(&line[text.len()..]);
        }
    }
    Finish::Status(status)
}

fn tee(call: &mut Call<'_>) -> Finish {
    let given = match call.options("aip", &[("append", b'a')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let bytes = call.input();
    if call.is_console() {
        return Finish::Status(0);
    }
    let mut status = 0;
    for path in &given.rest {
        let opened = call.kernel.open_for_writing(
            call.folder,
            path,
            given.has(b'a'),
            0o666 & !call.umask,
            call.who,
        );
        let written = opened.and_then(|(node, path)| {
            let offset = call.kernel.files.node(node).size();
            call.kernel.write(node, offset, &bytes, &path)
        });
        if let Err(fault) = written {
            call.complain_of(path, fault);
            status = 1;
        }
    }
    call.out(&bytes);
    Finish::Status(status)
}

fn fold(call: &mut Call<'_>) -> Finish {
    let given = match call.options("w:sb", &[("width", b'w'), ("spaces", b's')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let width =
        given.number(b'w').and_then(|width| usize::try_from(width).ok()).unwrap_or(80).max(1);
    let (files, status) = call.read_all(&given.rest);
    for (_, bytes) in files {
        for line in lines(&bytes) {
            let pieces: Vec<&[u8]> = body(line).chunks(width).collect();
            call.out(&pieces.join(&b'\n'));
            call.out(&line[body(line).len()..]);
        }
    }
    Finish::Status(status)
}

fn strings(call: &mut Call<'_>) -> Finish {
    let given = match call.options("an:t:", &[("bytes", b'n')], 1) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let least = given.number(b'n').unwrap_or(4);
    let (files, status) = call.read_all(&given.rest);
    for (_, bytes) in files {
        for run in bytes.split(|byte| !matches!(byte, b'\t' | 32..=126)) {
            if run.len() as u64 >= least {
                call.out(run);
                call.out(b"\n");
            }
        }
    }
    Finish::Status(status)
}
