//! What the three shells say when something is wrong, each in its own words.

use super::{Kind, Origin, Shell, SyntaxFault};
use crate::machine::files::Fault;

impl Shell {
    /// Says what is wrong, on descriptor 2, as this shell begins its errors.
    pub(crate) fn complain(&self, text: &[u8]) {
        let mut line = self.complaint();
        line.extend_from_slice(text);
        line.push(b'\n');
        let _ = self.write(2, &line);
    }

    /// How this shell begins its errors now.
    pub(crate) fn complaint(&self) -> Vec<u8> {
        let mut line = self.label.clone();
        let names_line = match (self.kind, self.origin) {
            (Kind::Bash, Origin::Argument) => self.with(|kernel| kernel.world.system.names_line),
            (Kind::Bash, Origin::Script) | (Kind::Ash, Origin::Script) => true,
            _ => false,
        };
        if names_line {
            line.extend_from_slice(format!(": line {}", self.line).as_bytes());
        } else if self.kind == Kind::Dash {
            line.extend_from_slice(format!(": {}", self.line).as_bytes());
        }
        line.extend_from_slice(b": ");
        line
    }

    /// The same with a subject in front.
    pub(crate) fn complain_of(&self, subject: &[u8], text: &str) {
        let mut whole = subject.to_vec();
        whole.extend_from_slice(b": ");
        whole.extend_from_slice(text.as_bytes());
        self.complain(&whole);
    }

    pub(crate) fn not_found(&self, name: &[u8]) -> u8 {
        let text = if !self.is_bash() {
            "not found"
        } else if name.contains(&b'/') {
            "No such file or directory"
        } else {
            "command not found"
        };
        self.complain_of(name, text);
        127
    }

    /// A command that is there and cannot be run.
    pub(crate) fn not_run(&self, name: &[u8], fault: Fault) -> u8 {
        if fault == Fault::NotFound {
            return self.not_found(name);
        }
        let text = match (self.kind, fault) {
            (Kind::Bash, fault) => fault.to_string(),
            (_, Fault::IsAFolder) => "Permission denied".to_owned(),
            (_, fault) => fault.to_string(),
        };
        self.complain_of(name, &text);
        126
    }

    pub(crate) fn redirection_failed(&self, path: &[u8], writing: bool, fault: Fault) {
        let (opening, text) = match (self.kind, writing, fault) {
            (Kind::Bash, ..) => ("", fault.to_string()),
            (Kind::Dash, true, Fault::NotFound) => {
                ("cannot create ", "Directory nonexistent".to_owned())
            }
            (Kind::Dash, true, _) => ("cannot create ", fault.to_string()),
            (Kind::Dash, false, Fault::NotFound) => ("cannot open ", "No such file".to_owned()),
            (Kind::Dash, false, _) => ("cannot open ", fault.to_string()),
            (Kind::Ash, true, Fault::NotFound) => {
                ("can't create ", "nonexistent directory".to_owned())
            }
            (Kind::Ash, true, _) => ("can't create ", fault.to_string()),
            (Kind::Ash, false, Fault::NotFound) => ("can't open ", "no such file".to_owned()),
            (Kind::Ash, false, _) => ("can't open ", fault.to_string()),
        };
        let mut subject = opening.as_bytes().to_vec();
        subject.extend_from_slice(path);
        self.complain_of(&subject, &text);
    }

    /// A line that cannot be read; the status that it leaves.
    pub(crate) fn syntax_error(&mut self, fault: &SyntaxFault, line: u32, text: &[u8]) -> u8 {
        let before = std::mem::replace(&mut self.line, line);
        let label = self.label.clone();
        // bash names the option in errors of what it was given by `-c`.
        if self.is_bash()
            && self.origin == Origin::Argument
            && !matches!(fault, SyntaxFault::BadSubstitution(_))
        {
            self.label.extend_from_slice(b": -c");
        }
        match (self.kind, fault) {
            (_, SyntaxFault::BadSubstitution(what)) => match self.kind {
                Kind::Bash => self.complain_of(what, "bad substitution"),
                Kind::Dash => self.complain(b"Syntax error: Bad substitution"),
                Kind::Ash => self.complain(b"syntax error: bad substitution"),
            },
            (Kind::Bash, SyntaxFault::Unexpected(token)) => {
                let mut whole = b"syntax error near unexpected token `".to_vec();
                whole.extend_from_slice(token);
                whole.push(b'\'');
                self.complain(&whole);
                self.show_line(line, text);
            }
            (Kind::Bash, SyntaxFault::Incomplete(Some(quote))) => {
                let whole =
                    format!("unexpected EOF while looking for matching `{}'", char::from(*quote));
                self.complain(whole.as_bytes());
                if !self.with(|kernel| {
                    kernel.world.system.version_id == "24.04" || kernel.world.system.is_debian()
                }) {
                    self.line += 1;
                    self.complain(b"syntax error: unexpected end of file");
                }
            }
            (Kind::Bash, _) => {
                self.line += 1;
                self.complain(b"syntax error: unexpected end of file");
            }
            (kind, fault) => {
                let whole = other_syntax_error(kind, fault);
                self.complain(&whole);
            }
        }
        self.line = before;
        self.label = label;
        if self.kind == Kind::Bash
            && self.origin == Origin::Argument
            && matches!(fault, SyntaxFault::BadSubstitution(_))
        {
            1
        } else {
            2
        }
    }

    /// bash shows the line of a syntax error in scripts and arguments.
    fn show_line(&mut self, line: u32, text: &[u8]) {
        if self.origin == Origin::Interactive {
            return;
        }
        let place = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
        let shown = text.split(|byte| *byte == b'\n').nth(place).unwrap_or_default();
        let mut whole = b"`".to_vec();
        whole.extend_from_slice(shown);
        whole.push(b'\'');
        self.complain(&whole);
    }
}

fn other_syntax_error(kind: Kind, fault: &SyntaxFault) -> Vec<u8> {
    let reserved: &[&[u8]] = &[b"fi", b"done", b"then", b"do", b"else", b"elif", b"esac", b"}"];
    let mut whole = Vec::new();
    match (kind, fault) {
        (Kind::Dash, SyntaxFault::Unexpected(token)) if token == b"newline" => {
            whole.extend_from_slice(b"Syntax error: newline unexpected");
        }
        (Kind::Dash, SyntaxFault::Unexpected(token)) => {
            whole.extend_from_slice(b"Syntax error: ");
            let word = !reserved.contains(&&token[..])
                && token.first().is_some_and(u8::is_ascii_alphanumeric);
            if word {
                whole.extend_from_slice(b"word unexpected");
            } else {
                whole.push(b'"');
                whole.extend_from_slice(token);
                whole.extend_from_slice(b"\" unexpected");
            }
        }
        (Kind::Dash, SyntaxFault::Incomplete(Some(b'}'))) => {
            whole.extend_from_slice(b"Syntax error: Missing '}'");
        }
        (Kind::Dash, SyntaxFault::Incomplete(Some(b')'))) => {
            whole.extend_from_slice(b"Syntax error: end of file unexpected (expecting \")\")");
        }
        (Kind::Dash, SyntaxFault::Incomplete(Some(b'`'))) => {
            whole.extend_from_slice(b"Syntax error: EOF in backquote substitution");
        }
        (Kind::Dash, SyntaxFault::Incomplete(Some(_))) => {
            whole.extend_from_slice(b"Syntax error: Unterminated quoted string");
        }
        (Kind::Dash, _) => whole.extend_from_slice(b"Syntax error: end of file unexpected"),
        (_, SyntaxFault::Unexpected(token)) => {
            whole.extend_from_slice(b"syntax error: unexpected ");
            if token == b"newline" {
                whole.extend_from_slice(b"newline");
            } else {
                whole.push(b'"');
                whole.extend_from_slice(token);
                whole.push(b'"');
            }
        }
        (_, SyntaxFault::Incomplete(Some(_))) => {
            whole.extend_from_slice(b"syntax error: unterminated quoted string");
        }
        _ => whole.extend_from_slice(b"syntax error: unexpected end of file"),
    }
    whole
}
