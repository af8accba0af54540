//! `cmp` of diffutils 3.8: where two files begin to differ, or every place where they do.

use super::filter::two;
use super::{Call, Finish};
use crate::machine::commands::options::Given;

pub(super) fn cmp(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("silent", b's'),
        ("quiet", b's'),
        ("verbose", b'l'),
        ("print-bytes", b'b'),
        ("bytes", b'n'),
        ("ignore-initial", b'i'),
    ];
    let mut given = match call.options("slbn:i:", &longs, 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if !call.is_busybox() {
        if given.rest.is_empty() {
            call.complain("missing operand after 'cmp'");
            call.complain("Try 'cmp --help' for more information.");
            return Finish::Status(2);
        }
        if given.rest.len() == 1 {
            given.rest.push(b"-".to_vec());
        }
    }
    let (mut first, mut second) = match two(call, &given.rest, 2) {
        Ok(both) => both,
        Err(finish) => return finish,
    };
    let size = |letter| given.number(letter).and_then(|count| usize::try_from(count).ok());
    if let Some(skipped) = size(b'i') {
        first.drain(..skipped.min(first.len()));
        second.drain(..skipped.min(second.len()));
    }
    if let Some(most) = size(b'n') {
        first.truncate(most);
        second.truncate(most);
    }
    if first == second {
        return Finish::Status(0);
    }
    if given.has(b's') {
        return Finish::Status(1);
    }
    show(call, &given, &first, &second);
    Finish::Status(1)
}

/// Where two files differ, or which of them ends first.
fn show(call: &mut Call<'_>, given: &Given, first: &[u8], second: &[u8]) {
    let names: Vec<String> =
        given.rest.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let differing: Vec<usize> = (0..first.len().min(second.len()))
        .filter(|place| first[*place] != second[*place])
        .collect();
    if given.has(b'l') {
        let digits = first.len().min(second.len()).max(1).to_string().len();
        for place in &differing {
            if call.is_full() {
                break;
            }
            let (left, right) = (first[*place], second[*place]);
            call.line(&format!("{:>digits$} {left:>3o} {right:>3o}", place + 1));
        }
    } else if let Some(place) = differing.first() {
        let line = first[..*place].iter().filter(|byte| **byte == b'\n').count() + 1;
        let mut text = format!("{} {} differ: byte {}, line {line}", names[0], names[1], place + 1);
        if given.has(b'b') {
            let (left, right) = (first[*place], second[*place]);
            text.push_str(&format!(" is {left:3o} {} {right:3o} {}", shown(left), shown(right)));
        }
        return call.line(&text);
    }
    let (name, short) =
        if first.len() < second.len() { (&names[0], first) } else { (&names[1], second) };
    if first.len() != second.len() {
        let text = ending(name, short, given.has(b'l') || call.is_busybox(), call.is_busybox());
        call.complain(&text);
    }
}

/// What is said of the shorter file.
fn ending(name: &str, short: &[u8], plain: bool, busybox: bool) -> String {
    let (size, lines) = (short.len(), short.iter().filter(|byte| **byte == b'\n').count());
    match short.last() {
        None if !busybox => format!("EOF on {name} which is empty"),
        _ if plain => format!("EOF on {name} after byte {size}"),
        // A line that has ended is counted; one that has not is the one that the end is in.
        Some(b'\n') => format!("EOF on {name} after byte {size}, line {lines}"),
        _ => format!("EOF on {name} after byte {size}, in line {}", lines + 1),
    }
}

/// A byte as `cmp -b` shows it.
fn shown(byte: u8) -> String {
    match byte {
        128.. => format!("M-{}", shown(byte - 128)),
        127 => "^?".to_owned(),
        control if control < 32 => format!("^{}", char::from(control + 64)),
        other => char::from(other).to_string(),
    }
}
