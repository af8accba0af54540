//! What a name means: `type`, `command`, `hash`, `alias`, `help`.

use super::super::{Flow, Kind, Shell, escape};

const KEYWORDS: &[&[u8]] = &[
    b"if",
    b"then",
    b"else",
    b"elif",
    b"fi",
    b"case",
    b"esac",
    b"for",
    b"select",
    b"while",
    b"until",
    b"do",
    b"done",
    b"in",
    b"function",
    b"time",
    b"{",
    b"}",
    b"!",
    b"[[",
    b"]]",
];

impl Shell {
    pub(super) async fn command_builtin(&mut self, words: &[Vec<u8>]) -> Flow {
        let mut rest = words;
        let (mut short, mut long) = (false, false);
        while let Some((word, after)) = rest.split_first() {
            match &word[..] {
                b"-v" => short = true,
                b"-V" => long = true,
                b"-p" | b"--" => {}
                _ => break,
            }
            rest = after;
        }
        if !(short || long) {
            let functions = std::mem::take(&mut self.functions);
            let flow = self.call(rest.to_vec(), Vec::new()).await;
            if self.functions.is_empty() {
                self.functions = functions;
            }
            return flow;
        }
        let mut status = 0;
        for name in rest {
            if long {
                status |= self.type_of(std::slice::from_ref(name))?;
            } else {
                match self.short_meaning(name) {
                    Some(text) => self.say(&[&text[..], b"\n"].concat())?,
                    None => status = if self.kind == Kind::Bash { 1 } else { 127 },
                }
            }
        }
        Ok(status)
    }

    fn short_meaning(&self, name: &[u8]) -> Option<Vec<u8>> {
        if let Some(text) = self.aliases.get(name) {
            return Some([b"alias ", name, b"=", &quoted(text)].concat());
        }
        if KEYWORDS.contains(&name) || self.functions.contains_key(name) || self.is_builtin(name) {
            return Some(name.to_vec());
        }
        self.found_path(name)
    }

    fn found_path(&self, name: &[u8]) -> Option<Vec<u8>> {
        let path = self.path_of(name)?;
        let there = self.with(|kernel| {
            kernel
                .files
                .find(&path, true, self.who)
                .is_ok_and(|id| super::super::run::is_runnable(&kernel.files, id, self.who))
        });
        there.then(|| if name.contains(&b'/') { name.to_vec() } else { path })
    }

    pub(super) fn type_of(&mut self, words: &[Vec<u8>]) -> Flow {
        let mut status = 0;
        let kind_only = words.first().is_some_and(|word| word == b"-t");
        let path_only = words.first().is_some_and(|word| word == b"-p" || word == b"-P");
        for name in words.iter().filter(|word| word.first() != Some(&b'-')) {
            let (kind, text) = self.meaning(name);
            match (kind, kind_only, path_only) {
                ("", ..) => {
                    status = if self.kind == Kind::Dash { 127 } else { 1 };
                    if !kind_only && !path_only {
                        match self.kind {
                            Kind::Bash => {
                                self.complain(&[b"type: ", &name[..], b": not found"].concat());
                            }
                            _ => self.say(&[&name[..], b": not found\n"].concat())?,
                        }
                    }
                }
                (_, true, _) => self.say(format!("{kind}\n").as_bytes())?,
                ("file", _, true) => {
                    self.say(&[&self.found_path(name).unwrap_or_default()[..], b"\n"].concat())?;
                }
                (_, _, true) => {}
                _ => self.say(&[&text[..], b"\n"].concat())?,
            }
        }
        Ok(status)
    }

    /// In one word, and in this shell's sentence.
    fn meaning(&self, name: &[u8]) -> (&'static str, Vec<u8>) {
        let sentence = |text: &str| [name, text.as_bytes()].concat();
        if let Some(text) = self.aliases.get(name) {
            let between: &[u8] =
                if self.is_bash() { b" is aliased to `" } else { b" is an alias for " };
            let end: &[u8] = if self.is_bash() { b"'" } else { b"" };
            return ("alias", [name, between, text, end].concat());
        }
        if KEYWORDS.contains(&name) {
            return ("keyword", sentence(" is a shell keyword"));
        }
        if self.functions.contains_key(name) {
            return (
                "function",
                sentence(if self.is_bash() { " is a function" } else { " is a shell function" }),
            );
        }
        if self.is_builtin(name) {
            let special = matches!(
                name,
                b":" | b"."
                    | b"break"
                    | b"continue"
                    | b"eval"
                    | b"exec"
                    | b"exit"
                    | b"export"
                    | b"readonly"
                    | b"return"
                    | b"set"
                    | b"shift"
                    | b"times"
                    | b"trap"
                    | b"unset"
            );
            return (
                "builtin",
                sentence(if special && !self.is_bash() {
                    " is a special shell builtin"
                } else {
                    " is a shell builtin"
                }),
            );
        }
        match self.found_path(name) {
            Some(path) => ("file", [name, b" is ", &path].concat()),
            None => ("", Vec::new()),
        }
    }

    pub(super) fn hash(&mut self, words: &[Vec<u8>]) -> Flow {
        let mut status = 0;
        for name in words.iter().filter(|word| word.first() != Some(&b'-')) {
            if self.found_path(name).is_none() && !self.is_builtin(name) {
                self.complain(&[b"hash: ", &name[..], b": not found"].concat());
                status = 1;
            }
        }
        if words.is_empty() && self.is_bash() {
            self.say(b"hash: hash table empty\n")?;
        }
        Ok(status)
    }

    pub(super) fn alias(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        let remove = name == b"unalias";
        if words.is_empty() && !remove {
            let before: &[u8] = if self.is_bash() { b"alias " } else { b"" };
            let text: Vec<u8> = self
                .aliases
                .iter()
                .flat_map(|(name, text)| [before, name, b"=", &quoted(text), b"\n"].concat())
                .collect();
            self.say(&text)?;
            return Ok(0);
        }
        let mut status = 0;
        for word in words {
            let aliases = std::sync::Arc::make_mut(&mut self.aliases);
            if remove && word == b"-a" {
                aliases.clear();
            } else if remove {
                if aliases.remove(word).is_none() {
                    self.complain(&[b"unalias: ", &word[..], b": not found"].concat());
                    status = 1;
                }
            } else if let Some(place) = word.iter().position(|byte| *byte == b'=') {
                if aliases.len() < 64 && word.len() < 1_024 {
                    aliases.insert(word[..place].to_vec(), word[place + 1..].to_vec());
                }
            } else if let Some(text) = self.aliases.get(word) {
                let line = [b"alias ", &word[..], b"=", &quoted(text), b"\n"].concat();
                self.say(&line)?;
            } else {
                self.complain(&[name, b": ", word, b": not found"].concat());
                status = 1;
            }
        }
        Ok(status)
    }

    pub(super) fn help(&mut self, words: &[Vec<u8>]) -> Flow {
        if let Some(topic) = words.first().filter(|topic| {
            self.is_bash() && !self.is_builtin(topic) && !KEYWORDS.contains(&&topic[..])
        }) {
            let topic = String::from_utf8_lossy(topic).into_owned();
            self.complain(format!("help: no help topics match `{topic}'.  Try `help help' or `man -k {topic}' or `info {topic}'.").as_bytes());
            return Ok(1);
        }
        match self.kind {
            Kind::Bash => {
                let version = self.with(|kernel| kernel.world.system.bash);
                self.say(format!("GNU bash, version {version} (x86_64-pc-linux-gnu)\nThese shell commands are defined internally.  Type `help' to see this list.\nType `help name' to find out more about the function `name'.\nUse `info bash' to find out more about the shell in general.\nUse `man -k' or `info' to find out more about commands not in this list.\n").as_bytes())?;
            }
            _ => self.say(b"Built-in commands:\n------------------\n\t. : [ [[ alias bg break cd chdir command continue echo eval exec\n\texit export false fg getopts hash help jobs kill let local printf\n\tpwd read readonly return set shift source test times trap true\n\ttype ulimit umask unalias unset wait\n")?,
        }
        Ok(0)
    }
}

/// As `alias` shows a text: always in quotes.
fn quoted(text: &[u8]) -> Vec<u8> {
    let quoted = escape::quote(text);
    if quoted.first() == Some(&b'\'') { quoted } else { [b"'", &quoted[..], b"'"].concat() }
}
