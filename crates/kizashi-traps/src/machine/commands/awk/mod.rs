//! `awk`: mawk 1.3.4 as Debian and Ubuntu have it, and BusyBox's. Bots cut columns with it; scripts count with it.
//!
//! A program is read into a tree ([`syntax`], [`lexer`], [`parser`], [`expression`]) and walked ([`run`], [`evaluate`], [`builtin`]) under a
//! budget of steps. What it gives to other commands (`system`, `print | "sh"`) runs after it; what it reads from one
//! (`command | getline`) the shell gets first, and the program begins again from its beginning, which shows nothing of what it did before.

mod builtin;
mod evaluate;
mod expression;
mod format;
mod lexer;
mod parser;
mod print;
mod run;
mod syntax;
mod value;

use super::regex::Regex;
use super::{Call, Command, Finish, other, server};
use run::Machine;
use syntax::Fault;

pub(super) const COMMANDS: &[Command] = &[other("awk", awk), server("mawk", awk)];

const USAGE: &str = "Usage: mawk [Options] [Program] [file ...]\n\nProgram:\n    The -f option value is the name of a file containing program text.\n    If no -f option is given, a \"--\" ends option processing; the following\n    parameters are the program text.\n\nOptions:\n    -f program-file  Program  text is read from file instead of from the\n                     command-line.  Multiple -f options are accepted.\n    -F value         sets the field separator, FS, to value.\n    -v var=value     assigns value to program variable var.\n    --               unambiguous end of options.\n\n    Implementation-specific options are prefixed with \"-W\".  They can be\n    abbreviated:\n\n    -W version       show version information and exit.\n    -W dump          show assembler-like listing of program and exit.\n    -W help          show this message and exit.\n    -W interactive   set unbuffered output, line-buffered input.\n    -W exec file     use file as program as well as last option.\n    -W random=number set initial random seed.\n    -W sprintf=number adjust size of sprintf buffer.\n    -W posix_space   do not consider \"\\n\" a space.\n    -W usage         show this message and exit.\n";

fn awk(call: &mut Call<'_>) -> Finish {
    let given = match call.leading_options("F:v:f:W:", &[], 2) {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut operands = given.rest.clone();
    let mut text = Vec::new();
    for path in given.values(b'f').map(<[u8]>::to_vec).collect::<Vec<_>>() {
        match call.read(&path) {
            Ok(bytes) => text.extend([bytes, b"\n".to_vec()].concat()),
            Err(fault) => {
                let shown = String::from_utf8_lossy(&path).into_owned();
                return call.fail(&format!("couldn't open file {shown}: {fault}"), 2);
            }
        }
    }
    if given.value(b'f').is_none() {
        if operands.is_empty() {
            return no_program(call);
        }
        text = operands.remove(0);
    }
    call.remembers = text.windows(7).any(|word| word == b"getline");
    let program = match parser::parse(&text) {
        Ok(program) => program,
        Err(fault) => return faulty(call, &fault),
    };
    let mut machine = Machine::new(call, &program, &operands);
    if let Some(separator) = given.value(b'F') {
        let separator = if separator == b"t" { b"\t" } else { separator };
        machine.assign_text(&[b"FS=", separator].concat());
    }
    for assignment in given.values(b'v') {
        machine.assign_text(assignment);
    }
    machine.run()
}

fn no_program(call: &mut Call<'_>) -> Finish {
    if call.is_busybox() {
        return call.usage("[OPTIONS] [AWK_PROGRAM] [FILE]...");
    }
    call.err(USAGE.as_bytes());
    Finish::Status(0)
}

fn faulty(call: &mut Call<'_>, fault: &Fault) -> Finish {
    if call.is_busybox() {
        call.err(b"awk: cmd. line:1: Unexpected token\n");
        return Finish::Status(1);
    }
    call.fail(&format!("line {}: {}", fault.line, fault.text), 2)
}

/// A text cut by a regular expression that stands in the program.
fn evaluate_split(regex: &Regex, text: &[u8]) -> Vec<Vec<u8>> {
    if text.is_empty() { Vec::new() } else { evaluate::split_by(regex, text) }
}
