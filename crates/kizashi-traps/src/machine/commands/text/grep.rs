//! `grep`, `egrep`, `fgrep`.

use super::super::Given;
use super::super::regex::Regex;
use super::{Call, Finish, body, lines};
use crate::machine::files::{Fault, Files};

/// Files that a recursive search reads.
const FILES: usize = 400;
/// Bytes that one search reads.
const READ: usize = 3 * 1024 * 1024;
/// Units of the meter below which the next file waits for the next turn.
const TURN: u32 = 1_000_000;

const LETTERS: &str = "EFGPie:f:vwxclLnHhoqsrRaA:B:C:m:zIbUuTy";

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn grep(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("extended-regexp", b'E'),
        ("fixed-strings", b'F'),
        ("perl-regexp", b'P'),
        ("ignore-case", b'i'),
        ("invert-match", b'v'),
        ("word-regexp", b'w'),
        ("line-regexp", b'x'),
        ("count", b'c'),
        ("files-with-matches", b'l'),
        ("line-number", b'n'),
        ("no-filename", b'h'),
        ("only-matching", b'o'),
        ("quiet", b'q'),
        ("silent", b'q'),
        ("no-messages", b's'),
        ("recursive", b'r'),
        ("text", b'a'),
        ("max-count", b'm'),
        ("regexp", b'e'),
        ("color", b'y'),
        ("colour", b'y'),
        ("include", b'T'),
        ("exclude", b'u'),
        ("exclude-dir", b'u'),
        ("after-context", b'A'),
        ("before-context", b'B'),
        ("context", b'C'),
    ];
    let given = match call.options(LETTERS, &longs, 2) {
        Ok(given) => given,
        Err(finish) if !call.is_busybox() => {
            call.unsay_last_line();
            call.err(b"Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n");
            return finish;
        }
        Err(finish) => return finish,
    };
    let mut files = given.rest.clone();
    let mut texts: Vec<Vec<u8>> = given.values(b'e').map(<[u8]>::to_vec).collect();
    if let Some(path) = given.value(b'f').map(<[u8]>::to_vec) {
        match call.read(&path) {
            Ok(bytes) => texts.extend(lines(&bytes).map(|line| body(line).to_vec())),
            Err(fault) => {
                call.complain_of(&path, fault);
                return Finish::Status(2);
            }
        }
    }
    if texts.is_empty() {
        if files.is_empty() {
            if call.is_busybox() {
                return call.usage(
                    "[-HhnlLoqvsriwFEz] [-m N] [-A/B/C N] PATTERN/-e PATTERN.../-f FILE [FILE]...",
                );
            }
            call.err(b"Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n");
            return Finish::Status(2);
        }
        texts = files.remove(0).split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    }
    let regexes = match expressions(call, &texts, &given) {
        Ok(regexes) => regexes,
        Err(finish) => return finish,
    };
    search(call, given, regexes, files)
}

fn expressions(
    call: &mut Call<'_>,
    texts: &[Vec<u8>],
    given: &Given,
) -> Result<Vec<Regex>, Finish> {
    let name = call.base_name();
    let kind = given.last_of(b"EFGP").unwrap_or(match name {
        b"egrep" => b'E',
        b"fgrep" => b'F',
        _ => b'G',
    });
    let fold = given.has(b'i') || given.has(b'y') && call.is_busybox();
    let mut all = Vec::new();
    for text in texts.iter().take(200) {
        if kind == b'F' && !given.has(b'w') && !given.has(b'x') {
            all.push(Regex::of_text(text, fold).metered(&call.kernel.meter));
            continue;
        }
        let extended = matches!(kind, b'E' | b'P');
        let inner = if kind == b'F' { quoted(text) } else { text.clone() };
        let (open, close): (&[u8], &[u8]) =
            if extended { (b"(?:", b")") } else { (b"\\(", b"\\)") };
        let whole = if given.has(b'x') {
            [b"^", open, &inner, close, b"$"].concat()
        } else if given.has(b'w') {
            [b"\\b", open, &inner, close, b"\\b"].concat()
        } else {
            inner
        };
        match Regex::new(&whole, extended, fold) {
            Ok(regex) => all.push(regex.metered(&call.kernel.meter)),
            Err(bad) if call.is_busybox() => {
                return Err(call.fail(
                    &format!("bad regex '{}': {}", String::from_utf8_lossy(text), bad.0),
                    2,
                ));
            }
            // GNU grep has one sentence for a bracket that is left open.
            Err(bad) if bad.0.starts_with("Unmatched [,") => {
                return Err(call.fail("Invalid regular expression", 2));
            }
            Err(bad) => return Err(call.fail(bad.0, 2)),
        }
    }
    Ok(all)
}

fn quoted(text: &[u8]) -> Vec<u8> {
    text.iter()
        .flat_map(|byte| if b".[]*^$\\".contains(byte) { vec![b'\\', *byte] } else { vec![*byte] })
        .collect()
}

fn search(
    call: &mut Call<'_>,
    given: Given,
    regexes: Vec<Regex>,
    mut files: Vec<Vec<u8>>,
) -> Finish {
    let recursive = given.has(b'r') || given.has(b'R');
    let mut several = files.len() > 1;
    if recursive {
        if files.is_empty() {
            files.push(b".".to_vec());
        }
        let found: Vec<Vec<u8>> = files
            .iter()
            .flat_map(|path| walk(&call.kernel.files, call, path))
            .take(FILES)
            .collect();
        files = found;
        several = true;
    }
    let named = given.has(b'H') || several && !given.has(b'h');
    let mut inputs = if files.is_empty() { vec![b"-".to_vec()] } else { files };
    inputs.reverse();
    let search =
        Search { given, regexes, inputs, named, recursive, any: false, status: 0, left: READ };
    search.go_on(call)
}

/// A search over files that goes on in turns.
struct Search {
    given: Given,
    regexes: Vec<Regex>,
    /// The files that are left, the next one last.
    inputs: Vec<Vec<u8>>,
    named: bool,
    recursive: bool,
    any: bool,
    status: u8,
    left: usize,
}

impl Search {
    fn go_on(mut self, call: &mut Call<'_>) -> Finish {
        while let Some(path) = self.inputs.pop() {
            match call.read(&path) {
                Ok(bytes) => {
                    self.left = self.left.saturating_sub(bytes.len());
                    let shown: &[u8] = if path == b"-" { b"(standard input)" } else { &path };
                    self.any |=
                        search_one(call, &self.given, &self.regexes, shown, &bytes, self.named);
                    if self.any && self.given.has(b'q') {
                        return Finish::Status(0);
                    }
                }
                Err(Fault::IsAFolder) if self.recursive => {}
                Err(fault) => {
                    if !self.given.has(b's') {
                        let shown = String::from_utf8_lossy(&path).into_owned();
                        call.complain(&format!("{shown}: {fault}"));
                    }
                    self.status = 2;
                }
            }
            if call.is_full() || self.left == 0 {
                break;
            }
            if call.kernel.meter.left() < TURN && !call.kernel.meter.is_empty() {
                return Finish::Further(Box::new(move |call| self.go_on(call)));
            }
        }
        Finish::Status(if self.status > 0 { self.status } else { u8::from(!self.any) })
    }
}

/// The files under a path.
fn walk(files: &Files, call: &Call<'_>, path: &[u8]) -> Vec<Vec<u8>> {
    let (mut todo, mut found) = (vec![path.to_vec()], Vec::new());
    while let Some(path) = todo.pop() {
        let Ok(id) = files.find(&call.path(&path), true, call.who) else {
            found.push(path);
            continue;
        };
        if files.node(id).is_folder() {
            let mut inner: Vec<Vec<u8>> = files
                .list(id)
                .into_iter()
                .map(|(name, _)| {
                    [&path[..], if path.last() == Some(&b'/') { b"" } else { b"/" }, &name].concat()
                })
                .collect();
            inner.reverse();
            todo.extend(inner.into_iter().take(FILES * 4));
        } else if files.node(id).is_regular() {
            found.push(path);
        }
        if found.len() >= FILES || todo.len() > FILES * 8 {
            break;
        }
    }
    found
}

fn search_one(
    call: &mut Call<'_>,
    given: &Given,
    regexes: &[Regex],
    path: &[u8],
    bytes: &[u8],
    named: bool,
) -> bool {
    let binary =
        bytes.iter().take(32_768).any(|byte| *byte == 0) && !given.has(b'a') && !call.is_busybox();
    let limit = given.number(b'm').unwrap_or(u64::MAX);
    let all: Vec<&[u8]> = lines(bytes).collect();
    call.work(bytes.len() / 16);
    let number = |letter: u8| given.number(letter).or_else(|| given.number(b'C')).unwrap_or(0);
    let (before, after) = (
        usize::try_from(number(b'B')).unwrap_or(0).min(1_000),
        usize::try_from(number(b'A')).unwrap_or(0).min(1_000),
    );
    let (mut count, mut next, mut until) = (0_u64, 0, 0);
    for (place, line) in all.iter().enumerate() {
        let text = body(line);
        let matches = regexes.iter().any(|regex| regex.is_match(text)) != given.has(b'v');
        let quiet = given.has(b'q') || given.has(b'c') || given.has(b'l') || given.has(b'L');
        if matches && count < limit {
            count += 1;
            if quiet {
                if !given.has(b'c') {
                    break;
                }
                continue;
            }
            if binary {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.line(&format!("grep: {shown}: binary file matches"));
                return true;
            }
            let start = place.saturating_sub(before).max(next);
            if (before > 0 || after > 0) && next > 0 && start > next {
                call.line("--");
            }
            for (number, earlier) in all.iter().enumerate().take(place).skip(start) {
                show(call, given, path, named, (number, b'-'), body(earlier));
            }
            if given.has(b'o') && !given.has(b'v') {
                only_matches(call, given, regexes, (path, named, place), text);
            } else {
                show(call, given, path, named, (place, b':'), text);
            }
            next = place + 1;
            until = place + 1 + after;
        } else if place < until && !quiet {
            show(call, given, path, named, (place, b'-'), text);
            next = place + 1;
        }
    }
    if given.has(b'c') {
        let head = if named { [path, b":"].concat() } else { Vec::new() };
        call.out(&[&head[..], count.to_string().as_bytes(), b"\n"].concat());
    } else if given.has(b'l') && count > 0 || given.has(b'L') && count == 0 {
        call.out(&[path, b"\n"].concat());
    }
    count > 0
}

fn show(
    call: &mut Call<'_>,
    given: &Given,
    path: &[u8],
    named: bool,
    (place, mark): (usize, u8),
    text: &[u8],
) {
    let mut line = Vec::with_capacity(text.len() + 16);
    if named {
        line.extend_from_slice(path);
        line.push(mark);
    }
    if given.has(b'n') {
        line.extend((place + 1).to_string().bytes());
        line.push(mark);
    }
    line.extend_from_slice(text);
    line.push(b'\n');
    call.out(&line);
}

fn only_matches(
    call: &mut Call<'_>,
    given: &Given,
    regexes: &[Regex],
    (path, named, place): (&[u8], bool, usize),
    text: &[u8],
) {
    let mut at = 0;
    while at <= text.len() {
        let Some((start, end)) = regexes
            .iter()
            .filter_map(|regex| regex.find(text, at))
            .min_by_key(|(start, end)| (*start, usize::MAX - end))
        else {
            return;
        };
        if end > start {
            show(call, given, path, named, (place, b':'), &text[start..end]);
        }
        at = if end > start { end } else { end + 1 };
    }
}
