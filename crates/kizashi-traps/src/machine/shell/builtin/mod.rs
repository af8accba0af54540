//! Commands that are the shell's own because they change it.

mod control;
mod describe;
mod environment;
mod folders;
mod reading;

use super::{Boxed, Flow, Kind, Shell, Unwind};

/// In every shell.
const COMMON: &[&[u8]] = &[
    b":",
    b".",
    b"alias",
    b"bg",
    b"break",
    b"cd",
    b"command",
    b"continue",
    b"eval",
    b"exec",
    b"exit",
    b"export",
    b"fg",
    b"getopts",
    b"hash",
    b"jobs",
    b"local",
    b"read",
    b"readonly",
    b"return",
    b"set",
    b"shift",
    b"times",
    b"trap",
    b"type",
    b"ulimit",
    b"umask",
    b"unalias",
    b"unset",
    b"wait",
];

const BASH: &[&[u8]] = &[
    b"bind",
    b"builtin",
    b"caller",
    b"compgen",
    b"complete",
    b"compopt",
    b"declare",
    b"dirs",
    b"disown",
    b"enable",
    b"fc",
    b"help",
    b"history",
    b"let",
    b"logout",
    b"mapfile",
    b"popd",
    b"pushd",
    b"readarray",
    b"shopt",
    b"source",
    b"suspend",
    b"typeset",
];

const ASH: &[&[u8]] = &[b"help", b"history", b"let", b"source", b"chdir"];

/// What bash runs itself, for completing a command's name.
pub(crate) fn names() -> impl Iterator<Item = &'static [u8]> {
    COMMON.iter().chain(BASH).copied()
}

/// Whether the name is a command that changes this kind of shell.
pub(crate) fn is_special(name: &[u8], kind: Kind) -> bool {
    COMMON.contains(&name)
        || match kind {
            Kind::Bash => BASH.contains(&name),
            Kind::Ash => ASH.contains(&name),
            Kind::Dash => name == b"chdir",
        }
}

/// Every command of bash's own, as `enable` lists them.
const ENABLED: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// What `exec` runs, without its options: `-a name`, `-c`, `-l`.
fn executed(words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut rest = words;
    loop {
        rest = match rest {
            [option, _, behind @ ..] if option == b"-a" => behind,
            [option, behind @ ..] if matches!(&option[..], b"-c" | b"-l" | b"-cl" | b"--") => {
                behind
            }
            _ => return rest.to_vec(),
        };
    }
}

impl Shell {
    /// Runs a command of the shell's own.
    pub(super) fn builtin<'a>(
        &'a mut self,
        name: &'a [u8],
        words: &'a [Vec<u8>],
    ) -> Boxed<'a, Flow> {
        Box::pin(async move {
            match name {
                b"eval" => {
                    let text = words.join(&b' ');
                    if self.may_nest() { self.deeper(&text).await } else { Ok(254) }
                }
                b"." | b"source" => self.read_script(name, words).await,
                b"command" => self.command_builtin(words).await,
                b"builtin" => match words.split_first() {
                    Some((name, rest)) if self.is_builtin(name) => {
                        self.builtin(&name.clone(), rest).await
                    }
                    Some((name, _)) => {
                        self.complain(
                            &[b"builtin: ", &name[..], b": not a shell builtin"].concat(),
                        );
                        Ok(1)
                    }
                    None => Ok(0),
                },
                b"exec" => {
                    let flow = self.call(executed(words), Vec::new()).await;
                    match flow {
                        Ok(127) if self.origin == super::Origin::Interactive => Ok(127),
                        Ok(status) => Err(Unwind::Exit(status)),
                        Err(unwind) => Err(unwind),
                    }
                }
                b"read" => self.read(words).await,
                b"mapfile" | b"readarray" => self.map_file(words).await,
                name if is_special(name, self.kind) => self.change(name, words),
                name => self.own_command(name, words).await,
            }
        })
    }

    /// A text run one level deeper.
    async fn deeper(&mut self, text: &[u8]) -> Flow {
        self.depth += 1;
        let line = self.line;
        let flow = self.source(text).await;
        self.line = line;
        self.depth -= 1;
        flow
    }

    /// Commands that change the shell and wait for nothing.
    fn change(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        match name {
            b":" | b"bind" | b"compgen" | b"complete" | b"compopt" | b"suspend" | b"fc"
            | b"disown" => Ok(0),
            b"caller" => Ok(u8::from(self.calls == 0)),
            b"break" | b"continue" => self.leave_loop(name, words),
            b"return" | b"exit" | b"logout" => self.leave_shell(name, words),
            b"cd" | b"chdir" => self.change_folder(words),
            b"pushd" | b"popd" | b"dirs" => self.folder_stack(name, words),
            b"export" | b"readonly" | b"declare" | b"typeset" | b"local" => {
                self.declare(name, words)
            }
            b"unset" => self.unset(words),
            b"set" => self.set(words),
            b"shopt" => Ok(self.shopt(words)),
            b"shift" => self.shift(words),
            b"alias" | b"unalias" => self.alias(name, words),
            b"trap" => self.trap(words),
            b"type" => self.type_of(words),
            b"hash" => self.hash(words),
            b"umask" => self.set_umask(words),
            b"ulimit" => self.limits(words),
            b"let" => self.let_values(words),
            b"wait" | b"bg" | b"fg" | b"jobs" => self.job_control(name, words),
            b"times" => {
                self.say(b"0m0.012s 0m0.008s\n0m0.004s 0m0.010s\n")?;
                Ok(0)
            }
            b"enable" => {
                if words.is_empty() {
                    let text: String =
                        ENABLED.iter().map(|name| format!("enable {name}\n")).collect();
                    self.say(text.as_bytes())?;
                }
                let unknown =
                    words.iter().find(|word| word.first() != Some(&b'-') && !self.is_builtin(word));
                if let Some(name) = unknown {
                    self.complain(&[b"enable: ", &name[..], b": not a shell builtin"].concat());
                    return Ok(1);
                }
                Ok(0)
            }
            b"history" => self.show_history(words),
            b"getopts" => self.getopts(words),
            b"help" => self.help(words),
            _ => Ok(0),
        }
    }
}
