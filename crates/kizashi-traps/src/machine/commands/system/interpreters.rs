//! `python3` and `perl` in their simplest forms: what a script prints literally is printed, the rest is told and not interpreted.

use super::{Call, Finish};

pub(super) fn python(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    let version = call.kernel.world.system.python;
    match words.first().map(|word| &word[..]) {
        Some(b"-V" | b"--version") => {
            call.line(&format!("Python {version}"));
            Finish::Status(0)
        }
        Some(b"-c") => {
            script(call, words.get(1).cloned().unwrap_or_default(), b"print(", Language::Python)
        }
        Some(b"-m") => {
            let name = words
                .get(1)
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .unwrap_or_default();
            call.err(format!("/usr/bin/python3: No module named {name}\n").as_bytes());
            Finish::Status(1)
        }
        Some(path) if path.first() != Some(&b'-') => match call.read(path) {
            Ok(text) => script(call, text, b"print(", Language::Python),
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.err(
                    format!(
                        "{}: can't open file '{}': [Errno 2] {fault}\n",
                        String::from_utf8_lossy(call.name()),
                        if shown.starts_with('/') {
                            shown.clone()
                        } else {
                            String::from_utf8_lossy(&call.path(path)).into_owned()
                        }
                    )
                    .as_bytes(),
                );
                Finish::Status(2)
            }
        },
        _ => {
            let text = call.input();
            if call.is_console() {
                Finish::Status(0)
            } else {
                script(call, text, b"print(", Language::Python)
            }
        }
    }
}

pub(super) fn perl(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    match words.first().map(|word| &word[..]) {
        Some(b"-v" | b"--version") => {
            let version = call.kernel.world.system.perl;
            call.line(&format!("\nThis is perl 5, version {}, subversion {} ({version}) built for x86_64-linux-gnu-thread-multi\n(with 56 registered patches, see perl -V for more detail)\n\nCopyright 1987-2022, Larry Wall\n\nPerl may be copied only under the terms of either the Artistic License or the\nGNU General Public License, which may be found in the Perl 5 source kit.\n\nComplete documentation for Perl, including FAQ lists, should be found on\nthis system using \"man perl\" or \"perldoc perl\".  If you have access to the\nInternet, point your browser at https://www.perl.org/, the Perl Home Page.\n", version.split('.').nth(1).unwrap_or("36"), version.split('.').nth(2).unwrap_or("0")));
            Finish::Status(0)
        }
        Some(b"-e" | b"-E" | b"-le" | b"-we") => {
            script(call, words.get(1).cloned().unwrap_or_default(), b"print", Language::Perl)
        }
        Some(path) if path.first() != Some(&b'-') => match call.read(path) {
            Ok(text) => script(call, text, b"print", Language::Perl),
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                call.err(format!("Can't open perl script \"{shown}\": {fault}\n").as_bytes());
                Finish::Status(2)
            }
        },
        _ => Finish::Status(0),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Perl,
}

/// A script of another language: what it prints literally is printed, the rest is told and not interpreted.
fn script(call: &mut Call<'_>, text: Vec<u8>, print: &[u8], language: Language) -> Finish {
    call.kernel.note(if language == Language::Python { "python" } else { "perl" }, &text);
    for statement in text.split(|byte| matches!(byte, b';' | b'\n')).take(200) {
        let statement = statement.trim_ascii();
        let Some(inner) = statement.strip_prefix(print) else { continue };
        let inner = inner.strip_suffix(b")").unwrap_or(inner).trim_ascii();
        let inner = inner.strip_prefix(b"(").unwrap_or(inner);
        let printed = match (inner.first(), inner.last()) {
            (Some(open @ (b'"' | b'\'')), Some(close)) if open == close && inner.len() > 1 => {
                let body = &inner[1..inner.len() - 1];
                if *open == b'"' || language == Language::Python {
                    crate::machine::shell::escape::ansi_c(body)
                } else {
                    body.to_vec()
                }
            }
            _ => match sum(inner) {
                Some(value) => value.to_string().into_bytes(),
                None => continue,
            },
        };
        call.out(&printed);
        if language == Language::Python {
            call.out(b"\n");
        }
    }
    Finish::Status(0)
}

/// `7*6`, `1+2`: one operation on whole numbers.
fn sum(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.replace(' ', "");
    let at = text.char_indices().skip(1).find(|(_, letter)| "+-*/%".contains(*letter))?.0;
    let (left, right) = (
        text[..at].parse::<i64>().ok()?,
        text[at + 1..].trim_start_matches('*').parse::<i64>().ok()?,
    );
    match &text[at..=at] {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" if text[at + 1..].starts_with('*') => left.checked_pow(u32::try_from(right).ok()?),
        "*" => left.checked_mul(right),
        "/" => left.checked_div(right),
        _ => left.checked_rem(right),
    }
}
