//! `awk`: patterns and actions, fields, variables, arrays, `printf`, `if`, loops, the string functions (POSIX awk; its functions of one's
//! own, `getline` and pipes are not there).

mod lexer;
mod parser;
mod run;
mod value;

use super::{Call, Finish};

pub(super) fn awk(call: &mut Call<'_>) -> Finish {
    let mut words = call.arguments().iter();
    let (mut set, mut separator, mut script, mut rest) = (Vec::new(), None, None, Vec::new());
    while let Some(word) = words.next() {
        match (&word[..], script.is_some()) {
            (_, true) => rest.push(word.clone()),
            (b"--version" | b"-W", _) => {
                call.line("mawk 1.3.4 20200120");
                return Finish::Status(0);
            }
            (b"--", _) => script = words.next().cloned(),
            (b"-F", _) => separator = words.next().cloned(),
            (b"-v", _) => set.extend(words.next().cloned()),
            (b"-f", _) => {
                let path = words.next().cloned().unwrap_or_default();
                match call.read(&path) {
                    Ok(bytes) => script = Some(bytes),
                    Err(_) => {
                        let shown = String::from_utf8_lossy(&path).into_owned();
                        return call.fail(&format!("couldn't open file {shown}"), 2);
                    }
                }
            }
            ([b'-', b'F', inner @ ..], _) => separator = Some(inner.to_vec()),
            ([b'-', b'v', inner @ ..], _) => set.push(inner.to_vec()),
            _ => script = Some(word.clone()),
        }
    }
    let Some(script) = script else {
        if call.is_busybox() {
            return call.usage("[OPTIONS] [AWK_PROGRAM] [FILE]...");
        }
        call.err(b"Usage: mawk [Options] [Program] [file ...]\n");
        return Finish::Status(2);
    };
    let program = match parser::parse(&script) {
        Ok(program) => program,
        Err(near) => {
            let text = if call.is_busybox() {
                "cmd. line:1: Unexpected token".to_owned()
            } else {
                format!("line 1: syntax error at or near {near}")
            };
            return call.fail(&text, 2);
        }
    };
    run::run(call, &program, &set, separator.as_deref(), &rest)
}
