//! `echo`, `printf` and others that print what they are told, and `test`.

use super::{Call, Command, Finish, server, usual};
use crate::machine::shell::Kind;
use crate::machine::shell::escape::{Dialect as Escapes, unescape};
use crate::machine::shell::run::{WrongTest, evaluate_test};
use crate::machine::terminal::Terminal;
use crate::machine::world::Dialect;

pub(super) const COMMANDS: &[Command] = &[
    usual("echo", echo),
    usual("printf", printf),
    usual("true", |_| Finish::Status(0)),
    usual("false", |_| Finish::Status(1)),
    usual("yes", yes),
    usual("seq", seq),
    usual("test", test),
    usual("[", test),
    usual("[[", test),
    usual("pwd", pwd),
    usual("expr", expr),
    usual("clear", |call| {
        if !call.is_busybox() && call.environment.environment().all(|(name, _)| name != b"TERM") {
            call.err(b"TERM environment variable not set.\n");
            return Finish::Status(1);
        }
        let keeps_scrolled = call.exported(b"TERM").is_some_and(|name| {
            ["xterm", "screen", "tmux", "rxvt"].iter().any(|start| name.starts_with(start))
        });
        call.out(if keeps_scrolled && !call.is_busybox() {
            b"\x1b[H\x1b[2J\x1b[3J"
        } else {
            b"\x1b[H\x1b[J"
        });
        Finish::Status(0)
    }),
    usual("reset", |call| {
        if call.is_busybox() {
            call.out(b"\x1bc\x1b(B\x1b[m\x1b[J\x1b[?25h");
            return Finish::Status(0);
        }
        reset(call)
    }),
    server("tset", reset),
];

/// ncurses' `tset` and `reset`: the terminal itself gets the sequences, wherever output goes.
fn reset(call: &mut Call<'_>) -> Finish {
    let name = String::from_utf8_lossy(call.base_name()).into_owned();
    let Some(terminal) = call.tty else {
        call.err(format!("{name}: terminal attributes: No such device or address\n\n").as_bytes());
        return Finish::Status(1);
    };
    let start: &[u8] = if name == "reset" { b"\x1bc\x1b]104\x07" } else { b"" };
    call.err(&[start, b"\x1b[!p\x1b[?3;4l\x1b[4l\x1b>\x1b[?69l\r"].concat());
    if call.arguments().iter().any(|word| word == b"-s") {
        let kind = call.exported(b"TERM").unwrap_or_else(|| "unknown".to_owned());
        call.line(&format!("TERM={kind};"));
    }
    let mut usual = Terminal::new(terminal.number, &crate::machine::TerminalRequest::default());
    usual.size = terminal.size;
    call.tty = Some(usual);
    Finish::Status(0)
}

fn echo(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    // dash's own knows no `-e` and always reads escapes; but pieces of a loader's binary, of which dash would make nothing, are taken as
    // bash takes them, so that what is dropped is kept whole.
    let pieces = words.iter().any(|word| word.windows(2).any(|pair| pair == b"\\x"));
    let dash = call.shells_own == Some(Kind::Dash) && !pieces;
    let is_option = |word: &&Vec<u8>| {
        word.len() > 1
            && word[0] == b'-'
            && word[1..].iter().all(|byte| if dash { *byte == b'n' } else { b"neE".contains(byte) })
    };
    let options: Vec<&Vec<u8>> =
        words.iter().take_while(is_option).take(if dash { 1 } else { usize::MAX }).collect();
    let newline = !options.iter().any(|word| word.contains(&b'n'));
    let mut letters = options.iter().flat_map(|word| word.iter());
    let escapes = dash || letters.rfind(|byte| b"eE".contains(byte)) == Some(&b'e');
    let text = words[options.len()..].join(&b' ');
    if !escapes {
        call.out(&text);
    } else {
        let octal = call.is_busybox() || dash;
        let (bytes, stopped) =
            unescape(&text, if octal { Escapes::EchoOctal } else { Escapes::Echo });
        call.out(&bytes);
        if stopped {
            return Finish::Status(0);
        }
    }
    if newline {
        call.out(b"\n");
    }
    Finish::Status(0)
}

fn yes(call: &mut Call<'_>) -> Finish {
    let mut line =
        if call.arguments().is_empty() { b"y".to_vec() } else { call.arguments().join(&b' ') };
    line.push(b'\n');
    // Far more than any reader takes: what ends it is the pipe or the terminal.
    while !call.is_full() {
        call.out(&line);
    }
    call.cost(2_000);
    Finish::Replace(super::Replacement { words: call.words.to_vec(), set: Vec::new(), who: None })
}

fn pwd(call: &mut Call<'_>) -> Finish {
    let folder = call.folder.to_vec();
    call.out(&folder);
    call.out(b"\n");
    Finish::Status(0)
}

fn seq(call: &mut Call<'_>) -> Finish {
    let given =
        match call.leading_options("s:wf:", &[("separator", b's'), ("equal-width", b'w')], 1) {
            Ok(given) => given,
            Err(finish) => return finish,
        };
    let numbers: Vec<String> = call
        .arguments()
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .filter(|word| word.parse::<f64>().is_ok())
        .collect();
    let bad = given.rest.iter().find(|word| {
        std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok()).is_none()
    });
    if let Some(bad) = bad {
        let bad = String::from_utf8_lossy(bad).into_owned();
        call.complain(&format!("invalid floating point argument: '{bad}'"));
        return call.usage("");
    }
    let value = |text: &String| text.parse::<f64>().unwrap_or(0.0);
    let (first, step, last) = match &numbers[..] {
        [] => return call.missing_operand("[-w] [-s SEP] [FIRST [INC]] LAST"),
        [last] => (1.0, 1.0, value(last)),
        [first, last] => (value(first), 1.0, value(last)),
        [first, step, last, ..] => (value(first), value(step), value(last)),
    };
    if step == 0.0 {
        return call.fail("invalid Zero increment value: '0'", 1);
    }
    let places = numbers
        .iter()
        .map(|text| text.split_once('.').map_or(0, |(_, part)| part.len()))
        .max()
        .unwrap_or(0)
        .min(12);
    let width =
        if given.has(b'w') { numbers.iter().map(String::len).max().unwrap_or(0) } else { 0 };
    let separator = given.value(b's').unwrap_or(b"\n").to_vec();
    let mut value = first;
    let mut count = 0_u32;
    while (step > 0.0 && value <= last + 1e-9) || (step < 0.0 && value >= last - 1e-9) {
        if count > 0 {
            call.out(&separator);
        }
        call.out(format!("{value:0width$.places$}").as_bytes());
        count += 1;
        value = first + f64::from(count) * step;
        if call.is_full() {
            break;
        }
    }
    if count > 0 {
        call.out(b"\n");
    }
    call.cost(count as usize / 16);
    Finish::Status(0)
}

fn test(call: &mut Call<'_>) -> Finish {
    let mut words = call.arguments();
    let bracket = call.base_name().first() == Some(&b'[');
    if bracket {
        let close: &[u8] = if call.base_name() == b"[[" { b"]]" } else { b"]" };
        match words.split_last() {
            Some((last, rest)) if last == close => words = rest,
            _ => {
                let text = if call.is_busybox() { "missing ]" } else { "missing `]'" };
                return call.fail(text, 2);
            }
        }
    }
    let outcome = evaluate_test(call.kernel, call.folder, call.who, words);
    let wrong = match outcome {
        Ok(holds) => return Finish::Status(u8::from(!holds)),
        Err(wrong) => wrong,
    };
    let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let text = match (&wrong, call.dialect) {
        (WrongTest::NotANumber(word), Dialect::Gnu) => {
            format!("{}: integer expression expected", shown(word))
        }
        (WrongTest::NotANumber(word), Dialect::BusyBox) => format!("{}: bad number", shown(word)),
        (WrongTest::UnaryExpected(word), Dialect::Gnu) => {
            format!("{}: unary operator expected", shown(word))
        }
        (WrongTest::BinaryExpected(word), Dialect::Gnu) => {
            format!("{}: binary operator expected", shown(word))
        }
        (WrongTest::UnaryExpected(word) | WrongTest::BinaryExpected(word), Dialect::BusyBox) => {
            format!("{}: unknown operand", shown(word))
        }
        (WrongTest::Argument, _) => "argument expected".to_owned(),
        (WrongTest::TooMany, _) => "too many arguments".to_owned(),
    };
    call.fail(&text, 2)
}

/// How a conversion of `printf` looks.
#[derive(Default)]
struct Conversion {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

fn printf(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    let words = if words.first().is_some_and(|word| word == b"--") { &words[1..] } else { words };
    let Some((format, mut arguments)) = words.split_first() else {
        if call.shells_own == Some(Kind::Bash) {
            call.err(b"printf: usage: printf [-v var] format [arguments]\n");
            return Finish::Status(2);
        }
        return call.missing_operand("FORMAT [ARG]...");
    };
    let mut status = 0;
    loop {
        let before = arguments.len();
        let stopped = match print_once(call, format, &mut arguments) {
            Ok(stopped) => stopped,
            Err(found) => {
                status = found;
                false
            }
        };
        if stopped || arguments.is_empty() || arguments.len() == before || call.is_full() {
            return Finish::Status(status);
        }
    }
}

/// The format once; whether `\c` ended the output.
fn print_once(call: &mut Call<'_>, format: &[u8], arguments: &mut &[Vec<u8>]) -> Result<bool, u8> {
    let mut rest = format;
    let mut status = 0;
    while let Some(place) = rest.iter().position(|byte| *byte == b'%') {
        let (text, stopped) = unescape(&rest[..place], Escapes::Printf);
        call.out(&text);
        if stopped {
            return Ok(true);
        }
        rest = &rest[place + 1..];
        if rest.first() == Some(&b'%') {
            call.out(b"%");
            rest = &rest[1..];
            continue;
        }
        let mut next = || {
            let (first, after) = arguments.split_first()?;
            *arguments = after;
            Some(first.clone())
        };
        let (conversion, length) = conversion(rest, &mut next);
        let Some(kind) = rest.get(length).copied() else {
            call.complain("`%': missing format character");
            return Err(1);
        };
        rest = &rest[length + 1..];
        if call.shells_own == Some(Kind::Bash) && !b"diouxXeEfFgGaAcsbqn".contains(&kind) {
            let shown = char::from(kind);
            call.complain(&format!("`{shown}': invalid format character"));
            return Err(1);
        }
        let argument = next();
        if kind == b'q' {
            let quoted = backslashed(&argument.unwrap_or_default());
            call.out(&quoted);
            continue;
        }
        match convert(call, kind, &conversion, argument) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(found) => status = found,
        }
    }
    let (text, stopped) = unescape(rest, Escapes::Printf);
    call.out(&text);
    if status == 0 { Ok(stopped) } else { Err(status) }
}

/// A text as bash's `%q` quotes it.
fn backslashed(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return b"''".to_vec();
    }
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,^".contains(byte) || *byte >= 0x80;
    text.iter()
        .flat_map(|byte| if plain(byte) { vec![*byte] } else { vec![b'\\', *byte] })
        .collect()
}

fn conversion(text: &[u8], next: &mut dyn FnMut() -> Option<Vec<u8>>) -> (Conversion, usize) {
    let mut conversion = Conversion::default();
    let mut at = 0;
    while let Some(flag) = text.get(at) {
        match flag {
            b'-' => conversion.left = true,
            b'0' => conversion.zero = true,
            b'+' => conversion.plus = true,
            b' ' => conversion.space = true,
            b'#' => conversion.alternate = true,
            _ => break,
        }
        at += 1;
    }
    let mut number = |at: &mut usize| {
        if text.get(*at) == Some(&b'*') {
            *at += 1;
            return next()
                .and_then(|word| String::from_utf8_lossy(&word).parse().ok())
                .unwrap_or(0);
        }
        let digits = text[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = String::from_utf8_lossy(&text[*at..*at + digits]).parse().unwrap_or(0);
        *at += digits;
        value
    };
    conversion.width = number(&mut at).min(4_096);
    if text.get(at) == Some(&b'.') {
        at += 1;
        conversion.precision = Some(number(&mut at).min(4_096));
    }
    while text.get(at).is_some_and(|byte| b"hlLjzt".contains(byte)) {
        at += 1;
    }
    (conversion, at)
}

/// One argument; `true` when `%b` met `\c`.
#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
fn convert(
    call: &mut Call<'_>,
    kind: u8,
    conversion: &Conversion,
    argument: Option<Vec<u8>>,
) -> Result<bool, u8> {
    let word = argument.unwrap_or_default();
    match kind {
        b's' | b'q' => {
            let mut text =
                if kind == b'q' { crate::machine::shell::escape::quote(&word) } else { word };
            if let Some(precision) = conversion.precision {
                text.truncate(precision);
            }
            pad(call, &text, conversion);
        }
        b'b' => {
            let (text, stopped) = unescape(&word, Escapes::EchoOctal);
            pad(call, &text, conversion);
            return Ok(stopped);
        }
        b'c' => pad(call, word.get(..1).unwrap_or_default(), conversion),
        b'd' | b'i' | b'u' | b'x' | b'X' | b'o' => {
            let (value, status) = integer(call, &word);
            let digits = match kind {
                b'x' => format!("{value:x}"),
                b'X' => format!("{value:X}"),
                b'o' => format!("{value:o}"),
                b'u' => format!("{}", value as u64),
                _ => format!("{}", value.unsigned_abs()),
            };
            let digits = format!("{digits:0>width$}", width = conversion.precision.unwrap_or(1));
            let sign = match kind {
                b'd' | b'i' if value < 0 => "-",
                b'd' | b'i' if conversion.plus => "+",
                b'd' | b'i' if conversion.space => " ",
                b'x' if conversion.alternate && value != 0 => "0x",
                b'X' if conversion.alternate && value != 0 => "0X",
                b'o' if conversion.alternate => "0",
                _ => "",
            };
            number(call, sign, &digits, conversion);
            if status != 0 {
                return Err(status);
            }
        }
        b'f' | b'F' | b'e' | b'g' | b'E' | b'G' => {
            let value: f64 = String::from_utf8_lossy(&word).trim().parse().unwrap_or(0.0);
            let precision = conversion.precision.unwrap_or(6).min(64);
            let digits = match kind {
                b'e' | b'E' => scientific(value.abs(), precision),
                b'g' | b'G' => format!("{}", value.abs()),
                _ => format!("{:.precision$}", value.abs()),
            };
            number(
                call,
                if value < 0.0 {
                    "-"
                } else if conversion.plus {
                    "+"
                } else {
                    ""
                },
                &digits,
                conversion,
            );
        }
        other => {
            call.complain(&format!("`{}': invalid format character", char::from(other)));
            return Err(1);
        }
    }
    Ok(false)
}

fn scientific(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) =
                exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

fn integer(call: &mut Call<'_>, word: &[u8]) -> (i64, u8) {
    let text = String::from_utf8_lossy(word).trim().to_owned();
    if let Some(quoted) = text.strip_prefix(['"', '\'']) {
        return (quoted.chars().next().map_or(0, |letter| i64::from(u32::from(letter))), 0);
    }
    let (sign, digits) =
        text.strip_prefix('-').map_or((1, text.trim_start_matches('+')), |digits| (-1, digits));
    let parsed = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"))
    {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(&digits[1..], 8)
    } else {
        digits.parse()
    };
    match parsed {
        Ok(value) => (value.wrapping_mul(sign), 0),
        Err(_) if text.is_empty() => (0, 0),
        Err(_) => {
            let leading: String = digits.chars().take_while(char::is_ascii_digit).collect();
            call.complain(&format!("{text}: invalid number"));
            (leading.parse().unwrap_or(0) * sign, 1)
        }
    }
}

fn number(call: &mut Call<'_>, sign: &str, digits: &str, conversion: &Conversion) {
    if conversion.zero && !conversion.left && conversion.precision.is_none() {
        let width = conversion.width.saturating_sub(sign.len());
        call.out(format!("{sign}{digits:0>width$}").as_bytes());
    } else {
        pad(call, format!("{sign}{digits}").as_bytes(), conversion);
    }
}

fn pad(call: &mut Call<'_>, text: &[u8], conversion: &Conversion) {
    let blanks = vec![b' '; conversion.width.saturating_sub(text.len())];
    if conversion.left {
        call.out(text);
        call.out(&blanks);
    } else {
        call.out(&blanks);
        call.out(text);
    }
}

fn expr(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    if words.is_empty() {
        let finish = call.missing_operand("EXPRESSION");
        return if call.is_busybox() { finish } else { Finish::Status(2) };
    }
    let mut at = 0;
    match expr_level(words, &mut at, 0, 0) {
        Ok(value) if at == words.len() => {
            let empty = value.is_empty() || value == b"0";
            call.out(&value);
            call.out(b"\n");
            Finish::Status(u8::from(empty))
        }
        Ok(_) => {
            let word = String::from_utf8_lossy(&words[at]).into_owned();
            let text = if call.is_busybox() {
                "syntax error".to_owned()
            } else {
                format!("syntax error: unexpected argument '{word}'")
            };
            call.fail(&text, 2)
        }
        Err(text) => call.fail(text, 2),
    }
}

const EXPR: [&[&[u8]]; 5] = [
    &[b"|"],
    &[b"&"],
    &[b"=", b"==", b"!=", b"<", b"<=", b">", b">="],
    &[b"+", b"-"],
    &[b"*", b"/", b"%"],
];

fn expr_level(
    words: &[Vec<u8>],
    at: &mut usize,
    level: usize,
    depth: u32,
) -> Result<Vec<u8>, &'static str> {
    if depth > 60 {
        return Err("syntax error");
    }
    if level == EXPR.len() {
        return expr_match(words, at, depth);
    }
    let mut left = expr_level(words, at, level + 1, depth + 1)?;
    while let Some(operator) = words.get(*at).filter(|word| EXPR[level].contains(&&word[..])) {
        *at += 1;
        let right = expr_level(words, at, level + 1, depth + 1)?;
        left = expr_apply(&left, operator, &right)?;
    }
    Ok(left)
}

fn expr_number(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn expr_apply(left: &[u8], operator: &[u8], right: &[u8]) -> Result<Vec<u8>, &'static str> {
    let truth = |holds: bool| if holds { b"1".to_vec() } else { b"0".to_vec() };
    let empty = |word: &[u8]| word.is_empty() || word == b"0";
    let order = match (expr_number(left), expr_number(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    };
    match operator {
        b"|" => return Ok(if empty(left) { right.to_vec() } else { left.to_vec() }),
        b"&" => return Ok(if empty(left) || empty(right) { b"0".to_vec() } else { left.to_vec() }),
        b"=" | b"==" => return Ok(truth(order.is_eq())),
        b"!=" => return Ok(truth(order.is_ne())),
        b"<" => return Ok(truth(order.is_lt())),
        b"<=" => return Ok(truth(order.is_le())),
        b">" => return Ok(truth(order.is_gt())),
        b">=" => return Ok(truth(order.is_ge())),
        _ => {}
    }
    let (Some(left), Some(right)) = (expr_number(left), expr_number(right)) else {
        return Err("non-integer argument");
    };
    let value = match operator {
        b"+" => left.wrapping_add(right),
        b"-" => left.wrapping_sub(right),
        b"*" => left.wrapping_mul(right),
        _ if right == 0 => return Err("division by zero"),
        b"/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    };
    Ok(value.to_string().into_bytes())
}

fn expr_match(words: &[Vec<u8>], at: &mut usize, depth: u32) -> Result<Vec<u8>, &'static str> {
    let mut left = expr_primary(words, at, depth)?;
    while words.get(*at).is_some_and(|word| word == b":") {
        *at += 1;
        let right = expr_primary(words, at, depth)?;
        left = expr_search(&left, &right)?;
    }
    Ok(left)
}

fn expr_search(text: &[u8], expression: &[u8]) -> Result<Vec<u8>, &'static str> {
    let regex = super::regex::Regex::new(&[b"^", expression].concat(), false, false)
        .map_err(|_| "invalid regular expression")?;
    Ok(match regex.captures(text, 0) {
        Some(groups) if groups.len() > 1 => {
            groups[1].map_or_else(Vec::new, |(start, end)| text[start..end].to_vec())
        }
        Some(groups) => groups[0].map_or(0, |(start, end)| end - start).to_string().into_bytes(),
        None if expression.windows(2).any(|pair| pair == b"\\(") => Vec::new(),
        None => b"0".to_vec(),
    })
}

fn expr_primary(words: &[Vec<u8>], at: &mut usize, depth: u32) -> Result<Vec<u8>, &'static str> {
    let mut next = || {
        *at += 1;
        words.get(*at - 1).cloned().ok_or("syntax error: missing argument after")
    };
    let word = next()?;
    match &word[..] {
        b"length" => Ok(next()?.len().to_string().into_bytes()),
        b"match" => {
            let text = next()?;
            expr_search(&text, &next()?)
        }
        b"substr" => {
            let text = next()?;
            let start = usize::try_from(expr_number(&next()?).unwrap_or(0)).unwrap_or(0);
            let count = usize::try_from(expr_number(&next()?).unwrap_or(0)).unwrap_or(0);
            Ok(if start == 0 {
                Vec::new()
            } else {
                text.into_iter().skip(start - 1).take(count).collect()
            })
        }
        b"index" => {
            let text = next()?;
            let set = next()?;
            Ok(text
                .iter()
                .position(|byte| set.contains(byte))
                .map_or(0, |place| place + 1)
                .to_string()
                .into_bytes())
        }
        b"(" => {
            let value = expr_level(words, at, 0, depth + 1)?;
            if words.get(*at).is_none_or(|word| word != b")") {
                return Err("syntax error: expecting ')' after");
            }
            *at += 1;
            Ok(value)
        }
        _ => Ok(word),
    }
}
