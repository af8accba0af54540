//! The few things that probes have a server compute to see whether it is vulnerable: a hash of a word, a product of two numbers, a line
//! to print, a command to run; and what a database says to a stray quote. Nothing is interpreted: each is found by its form.

use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::pattern::find;

/// The longest command or path that is taken out of a request.
pub(super) const LONGEST: usize = 4_096;

/// What a piece of PHP does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Php {
    Prints(Vec<u8>),
    Runs(Vec<u8>),
    Nothing,
}

/// What a piece of PHP does, as far as it is of the kind that probes send.
pub(super) fn php(code: &[u8]) -> Php {
    let code = &code[..code.len().min(LONGEST)];
    for function in ["system", "passthru", "shell_exec", "exec", "popen", "proc_open"] {
        if let Some(argument) = argument(code, function) {
            return Php::Runs(unwrap_base64(argument));
        }
    }
    if let Some(command) = between(code, b"`", b"`").filter(|command| !command.is_empty()) {
        return Php::Runs(command.to_vec());
    }
    if let Some(word) = argument(code, "md5") {
        return Php::Prints(hex(&Md5::digest(word)));
    }
    if let Some(word) = argument(code, "sha1") {
        return Php::Prints(hex(&Sha1::digest(word)));
    }
    for function in ["print", "die", "exit", "printf", "var_dump"] {
        if let Some(word) = argument(code, function).filter(|word| !word.is_empty()) {
            return Php::Prints(calculate(word).unwrap_or_else(|| word.to_vec()));
        }
    }
    match between(code, b"echo", b";").or_else(|| between(code, b"echo", b"?>")) {
        Some(said) => {
            let said = said.trim_ascii();
            Php::Prints(calculate(said).unwrap_or_else(|| unquote(said).to_vec()))
        }
        None => Php::Nothing,
    }
}

/// The result of the first product, sum or difference of two whole numbers.
pub(crate) fn calculate(text: &[u8]) -> Option<Vec<u8>> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let mut at = 0;
    while at < text.len() {
        let left = text[at..].iter().take_while(|byte| is_digit(byte)).count();
        if left == 0 {
            at += 1;
            continue;
        }
        let rest = text[at + left..].trim_ascii_start();
        if let Some((sign @ (b'*' | b'+' | b'-'), rest)) = rest.split_first() {
            // `7*'7'` is 49 to Twig, as to PHP.
            let rest = rest.trim_ascii_start();
            let rest = rest.strip_prefix(b"'").unwrap_or(rest);
            let right = rest.iter().take_while(|byte| is_digit(byte)).count();
            let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<i128>().ok();
            if right > 0 && left <= 18 && right <= 18 {
                let (a, b) = (number(&text[at..at + left])?, number(&rest[..right])?);
                let result = match sign {
                    b'*' => a * b,
                    b'+' => a + b,
                    _ => a - b,
                };
                return Some(result.to_string().into_bytes());
            }
        }
        at += left;
    }
    None
}

/// The words of this product, MariaDB or MySQL, to a value with a stray quote in it.
pub(super) fn sql_error(value: &[u8], product: &str) -> Vec<u8> {
    let at = value.iter().position(|byte| matches!(byte, b'\'' | b'"')).unwrap_or(0);
    let near = String::from_utf8_lossy(&value[at..value.len().min(at + 80)]).into_owned();
    let near: String = near
        .chars()
        .map(|c| match c {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect();
    format!(
        "You have an error in your SQL syntax; check the manual that corresponds to your {product} server version for the right syntax to use near '{near}' at line 1"
    )
    .into_bytes()
}

/// The path that an inclusion means: without a wrapper before it, and as seen from the root.
pub(crate) fn included(value: &[u8]) -> (Vec<u8>, bool) {
    let value = super::subject::decode(&value[..value.len().min(LONGEST)], false);
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let encoded = find(&value.to_ascii_lowercase(), b"convert.base64-encode").is_some();
    let value = after_last(value, b"resource=");
    let value = value.strip_prefix(b"file://").unwrap_or(value);
    let plain: Vec<u8> = value.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect();
    // What climbs out of any folder: `../`, `....//`, `..;/`, `.%2e/`.
    let mut path = plain.as_slice();
    for climb in [&b"../"[..], b"..;/", b".%2e/", b"%2e%2e/", b".%252e/", b"..%2f", b"%%32%65/"] {
        path = after_last(path, climb);
    }
    let path = path.iter().skip_while(|byte| **byte == b'/').copied();
    (std::iter::once(b'/').chain(path).collect(), encoded)
}

/// RFC 4648, padded.
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { letter } else { b'=' });
        }
    }
    text
}

/// What a CGI program prints before its page is for the server, not the visitor.
pub(super) fn without_cgi_fields(output: &[u8]) -> &[u8] {
    if let Some(rest) = output.strip_prefix(b"\n") {
        return rest;
    }
    let fields = output.get(..13).is_some_and(|head| head.eq_ignore_ascii_case(b"content-type:"));
    match find(output, b"\n\n") {
        Some(at) if fields => &output[at + 2..],
        _ => output,
    }
}

fn after_last<'a>(text: &'a [u8], mark: &[u8]) -> &'a [u8] {
    let mut rest = text;
    while let Some(at) = find(rest, mark) {
        rest = &rest[at + mark.len()..];
    }
    rest
}

pub(in crate::http) fn between<'a>(text: &'a [u8], after: &[u8], until: &[u8]) -> Option<&'a [u8]> {
    let rest = &text[find(text, after)? + after.len()..];
    if until.is_empty() {
        return Some(rest);
    }
    Some(&rest[..find(rest, until)?])
}

/// The first argument of a call, without its quotes.
fn argument<'a>(code: &'a [u8], function: &str) -> Option<&'a [u8]> {
    let mut rest = code;
    loop {
        let at = find(rest, function.as_bytes())?;
        let before = at.checked_sub(1).map(|at| rest[at]);
        rest = &rest[at + function.len()..];
        let is_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let Some(inside) = rest.trim_ascii_start().strip_prefix(b"(").filter(|_| !is_word) else {
            continue;
        };
        let inside = inside.trim_ascii_start();
        return match inside.first() {
            Some(quote @ (b'\'' | b'"')) => between(&inside[1..], b"", &[*quote]),
            _ if inside.starts_with(b"base64_decode") => Some(inside),
            _ => between(inside, b"", b")"),
        };
    }
}

fn unwrap_base64(argument: &[u8]) -> Vec<u8> {
    let encoded = argument
        .starts_with(b"base64_decode")
        .then(|| between(argument, b"(", b")"))
        .flatten()
        .map(unquote);
    encoded.and_then(crate::http::basic::decode_base64).unwrap_or_else(|| argument.to_vec())
}

fn unquote(text: &[u8]) -> &[u8] {
    match text {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => text,
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_written_in_php_get_what_php_would_print() {
        let prints = |text: &str| Php::Prints(text.as_bytes().to_vec());
        for (code, does) in [
            ("<?php echo md5('phpunit');", prints("85af727fd022d3a13e7972fd6a418582")),
            ("<?=system('id');?>", Php::Runs(b"id".to_vec())),
            ("shell_exec(base64_decode('aWQ='));", Php::Runs(b"id".to_vec())),
            ("<?php echo 111*3;?>", prints("333")),
            ("die(\"ok\");", prints("ok")),
            ("$x = 1;", Php::Nothing),
        ] {
            assert_eq!(php(code.as_bytes()), does, "{code}");
        }
    }

    #[test]
    fn an_inclusion_means_a_path_from_the_root() {
        for (value, path) in [
            ("../../../../etc/passwd", "/etc/passwd"),
            ("....//....//etc/passwd\0.png", "/etc/passwd"),
            ("/etc/passwd", "/etc/passwd"),
            ("php://filter/convert.base64-encode/resource=../etc/hosts", "/etc/hosts"),
            ("file:///etc/hostname", "/etc/hostname"),
        ] {
            assert_eq!(included(value.as_bytes()).0, path.as_bytes(), "{value}");
        }
    }

    #[test]
    fn numbers_quotes_and_base64() {
        assert_eq!(calculate(b"${{7*7}}").unwrap(), b"49");
        assert_eq!(calculate(b"a-b 12"), None);
        assert!(
            String::from_utf8(sql_error(b"1'", "MariaDB")).unwrap().contains("near ''' at line 1")
        );
        assert_eq!(base64(b"root:"), b"cm9vdDo=");
    }
}
