//! `diff`: by a longest common subsequence, in the usual form and the unified one, which is BusyBox's only one.

use super::filter::two;
use super::{Call, Finish, body, lines};
use crate::machine::world::calendar;

/// Lines compared at most.
const DIFF: usize = 400;

pub(super) fn diff(call: &mut Call<'_>) -> Finish {
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
    if given.has(b'u') || given.has(b'U') || call.is_busybox() {
        let around = given.number(b'U').and_then(|count| usize::try_from(count).ok()).unwrap_or(3);
        heads(call, &given.rest);
        unified(call, (&left, &right), &runs, around.min(DIFF));
        return Finish::Status(1);
    }
    for (a, b, c, d) in runs {
        let range = |start: usize, end: usize| {
            if end - start == 1 { format!("{end}") } else { format!("{},{end}", start + 1) }
        };
        let head = match (a == b, c == d) {
            (true, _) => format!("{a}a{}", range(c, d)),
            (_, true) => format!("{}d{c}", range(a, b)),
            _ => format!("{}c{}", range(a, b), range(c, d)),
        };
        call.line(&head);
        for line in &left[a..b] {
            call.out(&[b"< ", body(line), b"\n"].concat());
        }
        if a < b && c < d {
            call.line("---");
        }
        for line in &right[c..d] {
            call.out(&[b"> ", body(line), b"\n"].concat());
        }
    }
    Finish::Status(1)
}

/// The two lines above a unified difference; GNU's have the files' times.
fn heads(call: &mut Call<'_>, paths: &[Vec<u8>]) {
    for (mark, path) in ["---", "+++"].into_iter().zip(paths) {
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
    let mut rest = runs;
    while let Some(first) = rest.first() {
        let near = |pair: &[Run]| pair[1].0 - pair[0].1 <= 2 * around;
        let count = 1 + rest.windows(2).take_while(|pair| near(pair)).count();
        let (group, after) = rest.split_at(count);
        rest = after;
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
