//! A reading of PHP for what visitors of the web trap bring: web shells, probes, droppers. A script is interpreted in counted steps and
//! touches nothing but the machine behind the logins, through [`Host`]; nothing of it is run, fetched or sent on.
//!
//! A command takes time, and an interpreter in the middle of a script cannot wait. So it stops at the command, and begins again from the
//! start when the command has answered: what it asked the machine is kept in a journal, in order, and is not asked again.
//!
//! Bounds: words and depth of a script ([`parser`]), steps and commands of a run, bytes of a text and members of an array ([`value`]).

mod evaluate;
mod expressions;
mod functions;
mod lexer;
mod parser;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use kizashi_event::Timestamp;

use evaluate::{Interpreter, Stop};
use parser::Parser;
pub(crate) use value::Value;

/// A script that this reading does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unread;

/// Commands of one run.
const COMMANDS: usize = 12;

/// A file of a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    pub(crate) field: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
}

/// What a script sees of the request that it answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) query: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) form: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) cookies: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) body: Vec<u8>,
    /// The script's own path on the machine.
    pub(crate) script: Vec<u8>,
    pub(crate) host: String,
    pub(crate) server: String,
    pub(crate) source: String,
    pub(crate) php: &'static str,
    pub(crate) now: Option<Timestamp>,
}

/// What a script wants of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Command(Vec<u8>),
    Read(Vec<u8>),
    Write { path: Vec<u8>, content: Vec<u8>, append: bool },
    List(Vec<u8>),
    Stat(Vec<u8>),
    Remove(Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
    MakeFolder(Vec<u8>),
    Mode(Vec<u8>, u16),
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileFacts {
    pub(crate) is_folder: bool,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) modified: i64,
}

/// What the machine gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Bytes(Option<Vec<u8>>),
    Names(Option<Vec<Vec<u8>>>),
    Facts(Option<FileFacts>),
    Done(bool),
}

/// The machine, as a script sees it.
pub(crate) trait Host {
    /// Grants a wish at once; never asked for a command.
    fn grant(&mut self, wish: &Wish) -> Given;
}

/// All that was asked and given, in order.
pub(crate) type Journal = Vec<Given>;

/// What a script printed and said to the web server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) output: Vec<u8>,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) status: Option<u16>,
    /// The exit status of a command that came to its end.
    pub(crate) exit: Option<u8>,
}

/// How far a run came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    Ended(Printed),
    /// This command's output is wanted next, at the end of the journal.
    Wants(Vec<u8>),
}

/// Runs a script as far as the journal leads. A text given to `eval` is `inside` PHP, a file is not.
///
/// # Errors
/// Where the script is not understood.
pub(crate) fn run(
    script: &[u8],
    inside: bool,
    request: &Request,
    journal: &mut Journal,
    host: &mut dyn Host,
) -> Result<Ran, Unread> {
    let block = Parser::parse(script, inside)?;
    let mut interpreter = Interpreter::new(request, journal, host);
    match interpreter.run(&block) {
        Err(Stop::Command(command)) if interpreter.commands() < COMMANDS => Ok(Ran::Wants(command)),
        _ => Ok(Ran::Ended(interpreter.printed())),
    }
}

/// Whether a script can be read.
pub(crate) fn is_readable(script: &[u8], inside: bool) -> bool {
    Parser::parse(script, inside).is_ok()
}

/// Whether a text holds PHP.
pub(crate) fn is_script(text: &[u8]) -> bool {
    text.windows(2).any(|pair| pair == b"<?")
}

/// A machine without a file.
struct Nothing;

impl Host for Nothing {
    fn grant(&mut self, wish: &Wish) -> Given {
        match wish {
            Wish::List(_) => Given::Names(None),
            Wish::Stat(_) => Given::Facts(None),
            Wish::Command(_) | Wish::Read(_) => Given::Bytes(None),
            _ => Given::Done(false),
        }
    }
}

/// See [`crate::fuzz::php`].
pub(crate) fn fuzz(bytes: &[u8]) {
    let request = Request { php: "8.2.29", body: bytes.to_vec(), ..Request::default() };
    for inside in [false, true] {
        let mut journal = Journal::new();
        for _ in 0..4 {
            match run(bytes, inside, &request, &mut journal, &mut Nothing) {
                Ok(Ran::Wants(_)) => journal.push(Given::Bytes(Some(b"out\n".to_vec()))),
                Ok(Ran::Ended(printed)) => {
                    assert!(printed.output.len() <= evaluate::OUTPUT);
                    break;
                }
                Err(Unread) => break,
            }
        }
    }
}
