//! Commands that run other commands.

use super::{Call, Finish, Replacement};

/// Calls that one `xargs` makes, and words of one.
const CALLS: usize = 300;
const WORDS: usize = 2_000;

/// Whether a word names a program, by its path or by `PATH`.
fn is_there(call: &Call<'_>, word: &[u8]) -> bool {
    let found = |path: &[u8]| call.kernel.files.find(path, true, call.who).is_ok();
    if word.contains(&b'/') {
        return found(&call.path(word));
    }
    let path = call.variable(b"PATH").unwrap_or(b"/usr/bin:/usr/sbin:/bin:/sbin");
    path.split(|byte| *byte == b':').any(|folder| found(&[folder, b"/", word].concat()))
}

fn replaced(words: Vec<Vec<u8>>) -> Finish {
    Finish::Replace(Replacement { words, set: Vec::new(), who: None })
}

pub(super) fn env(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "iu:0C:S:v",
        &[("ignore-environment", b'i'), ("unset", b'u'), ("null", b'0')],
        125,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let set: Vec<(Vec<u8>, Vec<u8>)> = given
        .rest
        .iter()
        .map_while(|word| {
            word.iter()
                .position(|byte| *byte == b'=')
                .map(|place| (word[..place].to_vec(), word[place + 1..].to_vec()))
        })
        .collect();
    let words: Vec<Vec<u8>> = given.rest.iter().skip(set.len()).cloned().collect();
    if !words.is_empty() {
        if !call.is_busybox() && !is_there(call, &words[0]) {
            let shown = String::from_utf8_lossy(&words[0]).into_owned();
            return call.fail(&format!("‘{shown}’: No such file or directory"), 127);
        }
        let mut set = set;
        if given.has(b'i') {
            // What is not to be inherited is empty, which scripts can hardly tell from unset.
            let names: Vec<Vec<u8>> =
                call.environment.environment().map(|(name, _)| name.to_vec()).collect();
            let empty = names
                .into_iter()
                .filter(|name| name != b"PATH" && set.iter().all(|(given, _)| given != name))
                .map(|name| (name, Vec::new()));
            set = empty.chain(set.clone()).collect();
        }
        return Finish::Replace(Replacement { words, set, who: None });
    }
    let unset: Vec<Vec<u8>> = given.values(b'u').map(<[u8]>::to_vec).collect();
    let mut rows: Vec<Vec<u8>> = Vec::new();
    if !given.has(b'i') {
        rows = call
            .environment
            .environment()
            .filter(|(name, _)| !unset.iter().any(|gone| gone == name))
            .map(|(name, value)| [name, b"=", value].concat())
            .collect();
    }
    rows.extend(set.iter().map(|(name, value)| [&name[..], b"=", value].concat()));
    for row in rows {
        call.out(&[&row[..], b"\n"].concat());
    }
    Finish::Status(0)
}

pub(super) fn printenv(call: &mut Call<'_>) -> Finish {
    if call.arguments().is_empty() {
        return env(call);
    }
    let mut status = 0;
    for name in call.arguments() {
        match call.variable(name).map(<[u8]>::to_vec) {
            Some(value) => call.out(&[&value[..], b"\n"].concat()),
            None => status = 1,
        }
    }
    Finish::Status(status)
}

pub(super) fn nohup(call: &mut Call<'_>) -> Finish {
    let words = call.arguments().to_vec();
    if words.is_empty() {
        return call.missing_operand("PROG ARGS");
    }
    if call.terminal {
        call.err(b"nohup: ignoring input and appending output to 'nohup.out'\n");
    }
    replaced(words)
}

pub(super) fn plain(call: &mut Call<'_>) -> Finish {
    let words: Vec<Vec<u8>> =
        call.arguments().iter().skip_while(|word| word.first() == Some(&b'-')).cloned().collect();
    if words.is_empty() { Finish::Status(1) } else { replaced(words) }
}

pub(super) fn timeout(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "s:k:vt:",
        &[("signal", b's'), ("kill-after", b'k'), ("preserve-status", b'v'), ("foreground", b'v')],
        125,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let skip = usize::from(!given.has(b't'));
    if given.rest.len() <= skip && !call.is_busybox() {
        call.err(b"Try 'timeout --help' for more information.\n");
        return Finish::Status(125);
    }
    if given.rest.len() <= skip {
        return call.missing_operand("[-s SIG] SECS PROG ARGS");
    }
    let words = given.rest[skip..].to_vec();
    if !call.is_busybox() && !is_there(call, &words[0]) {
        let shown = String::from_utf8_lossy(&words[0]).into_owned();
        return call
            .fail(&format!("failed to run command ‘{shown}’: No such file or directory"), 127);
    }
    let seconds =
        |word: &[u8]| String::from_utf8_lossy(word).trim_end_matches('s').parse::<f64>().ok();
    // A sleep is the only thing here that lasts.
    if let (Some(limit), [name, time, ..]) =
        (given.rest.first().and_then(|word| seconds(word)), &words[..])
        && skip == 1
        && name == b"sleep"
        && seconds(time).is_some_and(|time| time > limit)
    {
        return Finish::Slow(
            vec![super::Moment {
                after: std::time::Duration::from_secs_f64(limit.clamp(0.0, 30.0)),
                text: Vec::new(),
                error: true,
            }],
            124,
        );
    }
    replaced(words)
}

pub(super) fn nice(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options("n:i:o:e:0123456789", &[("adjustment", b'n')], 125) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    if given.rest.is_empty() {
        call.line("0");
        return Finish::Status(0);
    }
    replaced(given.rest)
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn xargs(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options(
        "0rtpxn:I:i:L:P:d:s:E:e",
        &[
            ("null", b'0'),
            ("no-run-if-empty", b'r'),
            ("max-args", b'n'),
            ("replace", b'I'),
            ("max-procs", b'P'),
            ("delimiter", b'd'),
        ],
        1,
    ) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let input = call.input();
    let replace = given.value(b'I').map(<[u8]>::to_vec);
    let command = if given.rest.is_empty() { vec![b"echo".to_vec()] } else { given.rest.clone() };
    let delimiter = given
        .value(b'd')
        .map(|text| crate::machine::shell::escape::ansi_c(text).first().copied().unwrap_or(b'\n'));
    let items: Vec<Vec<u8>> = if given.has(b'0') {
        input.split(|byte| *byte == 0).filter(|item| !item.is_empty()).map(<[u8]>::to_vec).collect()
    } else if let Some(delimiter) = delimiter {
        input
            .strip_suffix(&[delimiter])
            .unwrap_or(&input)
            .split(|byte| *byte == delimiter)
            .map(<[u8]>::to_vec)
            .collect()
    } else if replace.is_some() || given.has(b'L') {
        input
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|item| !item.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    } else {
        words(&input)
    };
    if items.is_empty() && (given.has(b'r') || replace.is_some() || call.is_busybox()) {
        return Finish::Status(0);
    }
    let calls: Vec<Vec<Vec<u8>>> = match &replace {
        Some(mark) => items
            .iter()
            .map(|item| command.iter().map(|word| substitute(word, mark, item)).collect())
            .collect(),
        None => {
            let most = given
                .number(b'n')
                .or_else(|| given.number(b'L'))
                .and_then(|most| usize::try_from(most).ok())
                .unwrap_or(WORDS)
                .clamp(1, WORDS);
            if items.is_empty() {
                vec![command]
            } else {
                items.chunks(most).map(|chunk| [&command[..], chunk].concat()).collect()
            }
        }
    };
    Finish::Each(calls.into_iter().take(CALLS).collect())
}

/// Words with their quotes, as `xargs` reads them.
fn words(input: &[u8]) -> Vec<Vec<u8>> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut bytes = input.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), byte) => word.get_or_insert_default().push(byte),
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b'\\') => word.get_or_insert_default().extend(bytes.next()),
            (None, byte) if byte.is_ascii_whitespace() => all.extend(word.take()),
            (None, byte) => word.get_or_insert_default().push(byte),
        }
    }
    all.extend(word);
    all
}

fn substitute(word: &[u8], mark: &[u8], item: &[u8]) -> Vec<u8> {
    if mark.is_empty() {
        return word.to_vec();
    }
    let mut made = Vec::new();
    let mut at = 0;
    while at < word.len() {
        if word[at..].starts_with(mark) {
            made.extend_from_slice(item);
            at += mark.len();
        } else {
            made.push(word[at]);
            at += 1;
        }
    }
    made
}
