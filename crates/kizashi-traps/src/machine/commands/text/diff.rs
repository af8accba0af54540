//! `diff` of diffutils 3.8: files by a longest common subsequence, in the usual form, the unified one (BusyBox's only one), with context, and
//! side by side; folders member by member. Lines may be alike but for case and blanks.

use std::collections::BTreeSet;

use super::filter::two;
use super::{Call, Finish, body, lines};
use crate::machine::commands::options::Given;
use crate::machine::files::Fault;
use crate::machine::world::calendar;

/// Lines compared at most.
const DIFF: usize = 400;
/// Folders within folders that are compared, and members of all of them.
const DEEP: u32 = 12;
const MEMBERS: usize = 1_000;
/// Bytes in which a zero makes a file binary.
const BINARY: usize = 32 * 1024;

const LONG: [(&str, u8); 20] = [
    ("brief", b'q'),
    ("unified", b'u'),
    ("context", b'c'),
    ("side-by-side", b'y'),
    ("width", b'W'),
    ("recursive", b'r'),
    ("new-file", b'N'),
    ("text", b'a'),
    ("report-identical-files", b's'),
    ("ignore-case", b'i'),
    ("ignore-all-space", b'w'),
    ("ignore-space-change", b'b'),
    ("ignore-blank-lines", b'B'),
    ("exclude", b'x'),
    ("show-c-function", b'p'),
    ("expand-tabs", b't'),
    ("minimal", b'd'),
    ("strip-trailing-cr", b'R'),
    ("suppress-common-lines", b'S'),
    ("color", b'K'),
];

pub(super) fn diff(call: &mut Call<'_>) -> Finish {
    if call.is_busybox() {
        return busybox_diff(call);
    }
    if call.arguments().iter().any(|word| word == b"--version" || word == b"-v") {
        call.line("diff (GNU diffutils) 3.8\nCopyright (C) 2021 Free Software Foundation, Inc.\nLicense GPLv3+: GNU GPL version 3 or later <https://gnu.org/licenses/gpl.html>.\nThis is free software: you are free to change and redistribute it.\nThere is NO WARRANTY, to the extent permitted by law.\n\nWritten by Paul Eggert, Mike Haertel, David Hayes,\nRichard Stallman, and Len Tower.");
        return Finish::Status(0);
    }
    let given = match call.options("qruNaibwBsU:C:cyW:x:ptd", &LONG, 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let [first, second] = &given.rest[..] else {
        let last = given.rest.last().map_or(call.name(), Vec::as_slice);
        let last = String::from_utf8_lossy(last).into_owned();
        match given.rest.get(2) {
            Some(extra) => {
                let extra = String::from_utf8_lossy(extra).into_owned();
                call.complain(&format!("extra operand '{extra}'"));
            }
            None => call.complain(&format!("missing operand after '{last}'")),
        }
        call.complain("Try 'diff --help' for more information.");
        return Finish::Status(2);
    };
    let are_folders = [first, second].map(|path| is_folder(call, path));
    let (mut first, mut second) = (first.clone(), second.clone());
    match are_folders {
        [true, true] => {
            let mut left = MEMBERS;
            return Finish::Status(folders(call, &given, (&first, &second), 0, &mut left));
        }
        // A file is compared with that of its name in the folder.
        [true, false] => first = [&first[..], b"/", name_of(&second)].concat(),
        [false, true] => second = [&second[..], b"/", name_of(&first)].concat(),
        [false, false] => {}
    }
    Finish::Status(files(call, &given, (&first, &second), None))
}

fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn is_folder(call: &Call<'_>, path: &[u8]) -> bool {
    let whole = call.path(path);
    let found = call.kernel.files.find(&whole, true, call.who);
    found.is_ok_and(|id| call.kernel.files.node(id).is_folder())
}

fn members(call: &Call<'_>, folder: &[u8]) -> BTreeSet<Vec<u8>> {
    let whole = call.path(folder);
    let found = call.kernel.files.find(&whole, true, call.who);
    found.map_or_else(
        |_| BTreeSet::new(),
        |id| call.kernel.files.list(id).into_iter().map(|(name, _)| name).collect(),
    )
}

/// Two folders, member by member.
fn folders(
    call: &mut Call<'_>,
    given: &Given,
    (first, second): (&[u8], &[u8]),
    depth: u32,
    left: &mut usize,
) -> u8 {
    let (ours, theirs) = (members(call, first), members(call, second));
    let mut status = 0;
    let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    for name in ours.union(&theirs) {
        if given.values(b'x').any(|pattern| pattern == &name[..]) {
            continue;
        }
        let Some(rest) = left.checked_sub(1) else { break };
        *left = rest;
        call.work(64);
        let paths = [first, second].map(|folder| [folder, b"/", &name[..]].concat());
        let there = [ours.contains(name), theirs.contains(name)];
        let found = match (there, given.has(b'N')) {
            ([true, true], _) | (_, true) => {
                let are_folders = [is_folder(call, &paths[0]), is_folder(call, &paths[1])];
                match are_folders {
                    [true, true] if given.has(b'r') && depth < DEEP => {
                        folders(call, given, (&paths[0], &paths[1]), depth + 1, left)
                    }
                    [true, true] => {
                        let [a, b] = [shown(&paths[0]), shown(&paths[1])];
                        call.line(&format!("Common subdirectories: {a} and {b}"));
                        0
                    }
                    [false, false] => {
                        let head = command_line(call, given, &paths);
                        files(call, given, (&paths[0], &paths[1]), Some(head))
                    }
                    [one, _] => {
                        let kind = |is_folder| if is_folder { "directory" } else { "regular file" };
                        let [a, b] = [shown(&paths[0]), shown(&paths[1])];
                        call.line(&format!(
                            "File {a} is a {} while file {b} is a {}",
                            kind(one),
                            kind(!one)
                        ));
                        1
                    }
                }
            }
            ([one, _], false) => {
                let folder = shown(if one { first } else { second });
                call.line(&format!("Only in {folder}: {}", shown(name)));
                1
            }
        };
        status = status.max(found);
    }
    status
}

/// How each pair of a folder's is announced: by the command with its options.
fn command_line(call: &Call<'_>, given: &Given, paths: &[Vec<u8>; 2]) -> Vec<u8> {
    let options = call.arguments().iter().filter(|word| !given.rest.contains(word));
    let words: Vec<&[u8]> = std::iter::once(call.name())
        .chain(options.map(Vec::as_slice))
        .chain(paths.iter().map(Vec::as_slice))
        .collect();
    [&words.join(&b' ')[..], b"\n"].concat()
}

/// A line as it is compared.
fn compared(line: &[u8], given: &Given) -> Vec<u8> {
    let mut text = body(line).to_vec();
    if given.has(b'R') && text.last() == Some(&b'\r') {
        text.pop();
    }
    if given.has(b'w') {
        text.retain(|byte| !byte.is_ascii_whitespace());
    } else if given.has(b'b') {
        let words: Vec<&[u8]> = text
            .trim_ascii_end()
            .split(u8::is_ascii_whitespace)
            .enumerate()
            .filter(|(place, word)| *place == 0 || !word.is_empty())
            .map(|(_, word)| word)
            .collect();
        text = words.join(&b' ');
    }
    if given.has(b'i') {
        text.make_ascii_lowercase();
    }
    // Without an end it is another line, but where blanks do not count.
    if !line.ends_with(b"\n") && !given.has(b'w') && !given.has(b'b') {
        text.push(b'\n');
    }
    text
}

fn borrowed(keys: &[Vec<u8>]) -> Vec<&[u8]> {
    keys.iter().map(Vec::as_slice).collect()
}

/// A file's bytes; with `-N` one that is not there is empty.
fn content(call: &mut Call<'_>, given: &Given, path: &[u8]) -> Option<Vec<u8>> {
    match call.read(path) {
        Ok(bytes) => Some(bytes),
        Err(Fault::NotFound) if given.has(b'N') => Some(Vec::new()),
        Err(fault) => {
            call.complain_of(path, fault);
            None
        }
    }
}

/// Two files; 0 where they are alike, 1 where not, 2 where one cannot be read.
fn files(
    call: &mut Call<'_>,
    given: &Given,
    (first, second): (&[u8], &[u8]),
    head: Option<Vec<u8>>,
) -> u8 {
    let Some(first_text) = content(call, given, first) else { return 2 };
    let Some(second_text) = content(call, given, second) else { return 2 };
    let names = [first, second].map(|name| String::from_utf8_lossy(name).into_owned());
    let alike = |call: &mut Call<'_>| {
        if given.has(b's') {
            call.line(&format!("Files {} and {} are identical", names[0], names[1]));
        }
        0
    };
    if first_text == second_text && !given.has(b'y') {
        return alike(call);
    }
    let is_binary = |text: &[u8]| text[..text.len().min(BINARY)].contains(&0);
    if !given.has(b'a') && !given.has(b'q') && (is_binary(&first_text) || is_binary(&second_text)) {
        call.line(&format!("Binary files {} and {} differ", names[0], names[1]));
        return 1;
    }
    let (left, right): (Vec<&[u8]>, Vec<&[u8]>) =
        (lines(&first_text).collect(), lines(&second_text).collect());
    if left.len() > DIFF || right.len() > DIFF {
        call.line(&format!("Files {} and {} differ", names[0], names[1]));
        return 1;
    }
    call.work(left.len() * right.len() / 2);
    let keys = |lines: &[&[u8]]| lines.iter().map(|line| compared(line, given)).collect::<Vec<_>>();
    let (left_keys, right_keys) = (keys(&left), keys(&right));
    let mut runs = changes(&borrowed(&left_keys), &borrowed(&right_keys));
    if given.has(b'B') {
        let blank = |lines: &[&[u8]]| lines.iter().all(|line| body(line).is_empty());
        runs.retain(|(a, b, c, d)| !blank(&left[*a..*b]) || !blank(&right[*c..*d]));
    }
    if runs.is_empty() && !given.has(b'y') {
        return alike(call);
    }
    if given.has(b'q') {
        call.line(&format!("Files {} and {} differ", names[0], names[1]));
        return 1;
    }
    call.out(&head.unwrap_or_default());
    let around = |letter| given.number(letter).and_then(|count| usize::try_from(count).ok());
    let paths = [first.to_vec(), second.to_vec()];
    if given.has(b'y') {
        side_by_side(call, given, (&left, &right), &runs);
    } else if given.has(b'u') || given.has(b'U') {
        heads(call, &paths, ["---", "+++"]);
        unified(call, (&left, &right), &runs, around(b'U').unwrap_or(3).min(DIFF));
    } else if given.has(b'c') || given.has(b'C') || given.has(b'p') {
        heads(call, &paths, ["***", "---"]);
        context(call, (&left, &right), &runs, around(b'C').unwrap_or(3).min(DIFF));
    } else {
        usual(call, given, (&left, &right), &runs);
    }
    u8::from(!runs.is_empty())
}

fn busybox_diff(call: &mut Call<'_>) -> Finish {
    let given = match call.options(
        "qruNaibwBsU:",
        &[("brief", b'q'), ("unified", b'u'), ("recursive", b'r')],
        2,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let (first, second) = match two(call, &given.rest, 2) {
        Ok(both) => both,
        Err(finish) => return finish,
    };
    if first == second {
        return Finish::Status(0);
    }
    let names: Vec<String> =
        given.rest.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let (left, right): (Vec<&[u8]>, Vec<&[u8]>) =
        (lines(&first).collect(), lines(&second).collect());
    if given.has(b'q') || left.len() > DIFF || right.len() > DIFF {
        call.line(&format!("Files {} and {} differ", names[0], names[1]));
        return Finish::Status(1);
    }
    call.work(left.len() * right.len() / 2);
    let runs = changes(&left, &right);
    let around = given.number(b'U').and_then(|count| usize::try_from(count).ok()).unwrap_or(3);
    heads(call, &given.rest, ["---", "+++"]);
    unified(call, (&left, &right), &runs, around.min(DIFF));
    Finish::Status(1)
}

/// The usual form, in which `ed` reads as well as people.
fn usual(call: &mut Call<'_>, given: &Given, (left, right): (&[&[u8]], &[&[u8]]), runs: &[Run]) {
    let colours = given.value(b'K').is_some_and(|when| when == b"always")
        || given.has(b'K') && call.terminal && given.value(b'K') != Some(b"never");
    let paint = |text: Vec<u8>, colour: &str| {
        if colours {
            [b"\x1b[", colour.as_bytes(), b"m", &text, b"\x1b[0m\n"].concat()
        } else {
            [&text[..], b"\n"].concat()
        }
    };
    for (a, b, c, d) in runs.iter().copied() {
        let range = |start: usize, end: usize| {
            if end - start == 1 { format!("{end}") } else { format!("{},{end}", start + 1) }
        };
        let head = match (a == b, c == d) {
            (true, _) => format!("{a}a{}", range(c, d)),
            (_, true) => format!("{}d{c}", range(a, b)),
            _ => format!("{}c{}", range(a, b), range(c, d)),
        };
        call.out(&paint(head.into_bytes(), "36"));
        let show = |call: &mut Call<'_>, mark: &[u8], lines: &[&[u8]], colour: &str| {
            for line in lines {
                call.out(&paint([mark, body(line)].concat(), colour));
                if !line.ends_with(b"\n") {
                    call.out(b"\\ No newline at end of file\n");
                }
            }
        };
        show(call, b"< ", &left[a..b], "31");
        if a < b && c < d {
            call.line("---");
        }
        show(call, b"> ", &right[c..d], "32");
    }
}

/// Both files beside one another; the gutter says what differs.
fn side_by_side(
    call: &mut Call<'_>,
    given: &Given,
    (left, right): (&[&[u8]], &[&[u8]]),
    runs: &[Run],
) {
    let width = given.number(b'W').and_then(|width| usize::try_from(width).ok()).unwrap_or(130);
    let width = width.clamp(8, 512);
    // side.c: the second column begins at a tab stop, the gutter is three wide.
    let middle = width / 2 + 5 + (width & 1);
    let offset = middle - middle % 8;
    let half = offset.saturating_sub(3).min(width.saturating_sub(offset)).max(1);
    let row = |call: &mut Call<'_>, left: Option<&[u8]>, mark: u8, right: Option<&[u8]>| {
        if mark == b' ' && given.has(b'S') {
            return;
        }
        let text = left.map_or(&b""[..], body);
        let text = &text[..text.len().min(half)];
        let mut line = text.to_vec();
        let mut column = text.len();
        let to = |line: &mut Vec<u8>, column: &mut usize, target: usize| {
            while *column / 8 * 8 + 8 <= target {
                line.push(b'\t');
                *column = *column / 8 * 8 + 8;
            }
            line.extend(std::iter::repeat_n(b' ', target - *column));
            *column = target;
        };
        if mark != b' ' {
            to(&mut line, &mut column, (half + offset - 1) / 2);
            line.push(mark);
            column += 1;
        }
        if let Some(right) = right.map(body).filter(|text| !text.is_empty()) {
            to(&mut line, &mut column, offset);
            line.extend_from_slice(&right[..right.len().min(half)]);
        }
        line.push(b'\n');
        call.out(&line);
    };
    let mut at = (0, 0);
    let ends = (left.len(), left.len(), right.len(), right.len());
    for (a, b, c, d) in runs.iter().copied().chain([ends]) {
        while at.0 < a && at.1 < c {
            row(call, Some(left[at.0]), b' ', Some(right[at.1]));
            at = (at.0 + 1, at.1 + 1);
        }
        let (mut from, mut to) = (a, c);
        while from < b && to < d {
            let ends = (left[from].ends_with(b"\n"), right[to].ends_with(b"\n"));
            let mark = match ends {
                (true, false) if body(left[from]) == body(right[to]) => b'/',
                (false, true) if body(left[from]) == body(right[to]) => b'\\',
                _ => b'|',
            };
            row(call, Some(left[from]), mark, Some(right[to]));
            (from, to) = (from + 1, to + 1);
        }
        left[from..b].iter().for_each(|line| row(call, Some(line), b'<', None));
        right[to..d].iter().for_each(|line| row(call, None, b'>', Some(line)));
        at = (b, d);
    }
}

/// Runs that lie near one another, together.
fn groups(runs: &[Run], around: usize) -> Vec<&[Run]> {
    let mut groups = Vec::new();
    let mut rest = runs;
    while !rest.is_empty() {
        let near = |pair: &[Run]| pair[1].0 - pair[0].1 <= 2 * around;
        let count = 1 + rest.windows(2).take_while(|pair| near(pair)).count();
        let (group, after) = rest.split_at(count);
        groups.push(group);
        rest = after;
    }
    groups
}

/// Both sides one after the other, with the lines around what differs (`-c`).
fn context(call: &mut Call<'_>, (left, right): (&[&[u8]], &[&[u8]]), runs: &[Run], around: usize) {
    for group in groups(runs, around) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let range = |start: usize, end: usize| match end - start {
            0 => format!("{start}"),
            1 => format!("{end}"),
            _ => format!("{},{end}", start + 1),
        };
        call.line("***************");
        let side =
            |call: &mut Call<'_>, lines: &[&[u8]], ends: [(&str, &str); 1], is_left: bool| {
                let own = |run: &Run| if is_left { (run.0, run.1) } else { (run.2, run.3) };
                let start = own(first).0.saturating_sub(around);
                let end = (own(last).1 + around).min(lines.len());
                let [(open, close)] = ends;
                call.line(&format!("{open} {} {close}", range(start, end)));
                if group.iter().all(|run| own(run).0 == own(run).1) {
                    return;
                }
                let mut at = start;
                let show = |call: &mut Call<'_>, mark: &[u8], lines: &[&[u8]]| {
                    for line in lines {
                        call.out(&[mark, body(line), b"\n"].concat());
                        if !line.ends_with(b"\n") {
                            call.out(b"\\ No newline at end of file\n");
                        }
                    }
                };
                for run in group {
                    let (from, to) = own(run);
                    show(call, b"  ", &lines[at..from]);
                    let changed = run.0 < run.1 && run.2 < run.3;
                    let mark: &[u8] = if changed {
                        b"! "
                    } else if is_left {
                        b"- "
                    } else {
                        b"+ "
                    };
                    show(call, mark, &lines[from..to]);
                    at = to;
                }
                show(call, b"  ", &lines[at..end]);
            };
        side(call, left, [("***", "****")], true);
        side(call, right, [("---", "----")], false);
    }
}

/// The two lines above a difference with lines around it; GNU's have the files' times.
fn heads(call: &mut Call<'_>, paths: &[Vec<u8>], marks: [&str; 2]) {
    for (mark, path) in marks.into_iter().zip(paths) {
        let whole = call.path(path);
        let found = call.kernel.files.find(&whole, true, call.who);
        let modified = found.map_or(0, |id| call.kernel.files.node(id).modified);
        let time = calendar(modified);
        let shown = String::from_utf8_lossy(path).into_owned();
        if call.is_busybox() {
            call.line(&format!("{mark} {shown}"));
            continue;
        }
        let nanoseconds = call.kernel.random() % 1_000_000_000;
        call.line(&format!(
            "{mark} {shown}\t{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{nanoseconds:09} +0000",
            time.year, time.month, time.day, time.hour, time.minute, time.second
        ));
    }
}

/// Changes with the lines around them, those that lie near one another together.
fn unified(call: &mut Call<'_>, (left, right): (&[&[u8]], &[&[u8]]), runs: &[Run], around: usize) {
    for group in groups(runs, around) {
        let Some(first) = group.first() else { continue };
        let last = group.last().unwrap_or(first);
        let (start, end) = (first.0.saturating_sub(around), (last.1 + around).min(left.len()));
        let other = first.2 - (first.0 - start);
        let length = last.3 - other + (end - last.1);
        let range = |start: usize, count: usize| match count {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            _ => format!("{},{count}", start + 1),
        };
        call.line(&format!("@@ -{} +{} @@", range(start, end - start), range(other, length)));
        let mut at = start;
        let show = |call: &mut Call<'_>, mark: &[u8], lines: &[&[u8]]| {
            for line in lines {
                call.out(&[mark, body(line), b"\n"].concat());
                if !line.ends_with(b"\n") {
                    call.out(b"\\ No newline at end of file\n");
                }
            }
        };
        for (a, b, c, d) in group {
            show(call, b" ", &left[at..*a]);
            show(call, b"-", &left[*a..*b]);
            show(call, b"+", &right[*c..*d]);
            at = *b;
        }
        show(call, b" ", &left[at..end]);
    }
}

/// Lines that differ: from and to in both files.
type Run = (usize, usize, usize, usize);

/// Runs of lines that differ: from and to in both files (longest common subsequence).
fn changes(left: &[&[u8]], right: &[&[u8]]) -> Vec<Run> {
    let width = right.len() + 1;
    let mut table = vec![0_u16; (left.len() + 1) * width];
    for a in (0..left.len()).rev() {
        for b in (0..right.len()).rev() {
            table[a * width + b] = if left[a] == right[b] {
                table[(a + 1) * width + b + 1] + 1
            } else {
                table[(a + 1) * width + b].max(table[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut runs) = (0, 0, Vec::new());
    while a < left.len() || b < right.len() {
        let (start_a, start_b) = (a, b);
        while a < left.len() || b < right.len() {
            if a < left.len() && b < right.len() && left[a] == right[b] {
                break;
            }
            if b == right.len()
                || a < left.len() && table[(a + 1) * width + b] >= table[a * width + b + 1]
            {
                a += 1;
            } else {
                b += 1;
            }
        }
        if a > start_a || b > start_b {
            runs.push((start_a, a, start_b, b));
        }
        while a < left.len() && b < right.len() && left[a] == right[b] {
            a += 1;
            b += 1;
        }
    }
    runs
}
