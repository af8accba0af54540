//! Variables and settings: `export`, `declare`, `unset`, `set`, `shopt`, `shift`, `umask`, `ulimit`, `let`, `getopts`.

use super::super::variables::Content;
use super::super::{Flow, Kind, Shell, Unwind, arrays, escape, is_name};

/// Options of `shopt` that are set in a new bash.
const SET_AT_FIRST: [&[u8]; 12] = [
    b"checkwinsize",
    b"cmdhist",
    b"complete_fullquote",
    b"extquote",
    b"force_fignore",
    b"globasciiranges",
    b"hostcomplete",
    b"interactive_comments",
    b"patsub_replacement",
    b"progcomp",
    b"promptvars",
    b"sourcepath",
];

impl Shell {
    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    pub(super) fn declare(&mut self, name: &[u8], words: &[Vec<u8>]) -> Flow {
        let letters: Vec<u8> = words
            .iter()
            .take_while(|word| word.len() > 1 && matches!(word[0], b'-' | b'+'))
            .flat_map(|word| word[1..].iter().copied())
            .collect();
        let rest: Vec<&Vec<u8>> = words
            .iter()
            .skip_while(|word| word.len() > 1 && matches!(word[0], b'-' | b'+'))
            .collect();
        if rest.is_empty() {
            return self.show_variables(name, &letters);
        }
        if letters.contains(&b'p') && self.is_bash() {
            return self.print_variables(name, &rest);
        }
        let export = name == b"export" || letters.contains(&b'x');
        let protect = name == b"readonly" || letters.contains(&b'r');
        let array = letters.contains(&b'a') || letters.contains(&b'A');
        if name == b"local" && self.calls == 0 {
            let text = match self.kind {
                Kind::Bash => "local: can only be used in a function",
                _ => "not in a function",
            };
            self.complain(text.as_bytes());
            return Ok(1);
        }
        let mut status = 0;
        for word in rest {
            let (key, value) = match word.iter().position(|byte| *byte == b'=') {
                Some(place) => (&word[..place], Some(word[place + 1..].to_vec())),
                None => (&word[..], None),
            };
            if !is_name(key) {
                match self.kind {
                    Kind::Bash => self.complain(
                        &[name, b": `", &word[..], b"': not a valid identifier"].concat(),
                    ),
                    _ => self.complain(&[name, b": ", &word[..], b": bad variable name"].concat()),
                }
                status = 1;
                continue;
            }
            if name == b"local" || (self.calls > 0 && matches!(name, b"declare" | b"typeset")) {
                self.variables.make_local(key);
            }
            let integer = letters.contains(&b'i');
            if array {
                let members: Vec<Vec<u8>> = value
                    .clone()
                    .unwrap_or_default()
                    .split(|byte| *byte == arrays::BETWEEN)
                    .filter(|member| !member.is_empty())
                    .map(<[u8]>::to_vec)
                    .collect();
                if letters.contains(&b'A') {
                    if value.is_some() || !self.variables.is_map(key) {
                        self.assign_map(key, &members, false)?;
                    }
                } else if value.is_some() || self.variables.get(key).is_none() {
                    let members = members.into_iter().enumerate();
                    let content = Content::Many(
                        members.map(|(place, member)| (place as u64, member)).collect(),
                    );
                    self.variables.put(key, content).map_err(|_| Unwind::Killed)?;
                }
            } else if let Some(value) = value {
                let value =
                    if integer { self.arithmetic(&value)?.to_string().into_bytes() } else { value };
                self.assign(key, &value)?;
            } else if self.variables.get(key).is_none() && (name == b"local" || name == b"declare")
            {
                self.assign(key, b"")?;
            }
            if export {
                self.variables.export(key, !letters.contains(&b'n'));
            }
            if protect {
                self.variables.protect(key);
            }
        }
        Ok(status)
    }

    /// `declare -p name…`.
    fn print_variables(&mut self, name: &[u8], rest: &[&Vec<u8>]) -> Flow {
        let mut status = 0;
        for key in rest {
            let Some(variable) = self.variables.get(key) else {
                self.complain(&[name, b": ", &key[..], b": not found"].concat());
                status = 1;
                continue;
            };
            let quoted = |value: &[u8]| {
                let inner: Vec<u8> = value
                    .iter()
                    .flat_map(|byte| {
                        if b"\"\\$`".contains(byte) { vec![b'\\', *byte] } else { vec![*byte] }
                    })
                    .collect();
                [b"\"", &inner[..], b"\""].concat()
            };
            let list = |members: Vec<(Vec<u8>, &Vec<u8>)>, end: &[u8]| {
                let member = |(key, value): &(Vec<u8>, &Vec<u8>)| {
                    [b"[", &key[..], b"]=", &quoted(value)].concat()
                };
                let all: Vec<Vec<u8>> = members.iter().map(member).collect();
                [b"(", &all.join(&b' ')[..], end].concat()
            };
            let (mut marks, shown) = match &variable.content {
                Content::One(value) => (String::new(), quoted(value)),
                Content::Many(values) => {
                    let members = values
                        .iter()
                        .map(|(place, value)| (place.to_string().into_bytes(), value))
                        .collect();
                    ("a".to_owned(), list(members, b")"))
                }
                Content::Map(values) => {
                    let members: Vec<_> = arrays::ordered(values)
                        .into_iter()
                        .map(|(key, value)| (key.clone(), value))
                        .collect();
                    ("A".to_owned(), list(members, if values.is_empty() { b")" } else { b" )" }))
                }
            };
            if variable.read_only {
                marks.push('r');
            }
            if variable.exported {
                marks.push('x');
            }
            if marks.is_empty() {
                marks.push('-');
            }
            let line =
                [b"declare -", marks.as_bytes(), b" ", &key[..], b"=", &shown, b"\n"].concat();
            self.say(&line)?;
        }
        Ok(status)
    }

    fn show_variables(&mut self, name: &[u8], letters: &[u8]) -> Flow {
        let exported_only = name == b"export" || letters.contains(&b'x');
        let read_only = name == b"readonly" || letters.contains(&b'r');
        let mut text = Vec::new();
        for (key, variable) in self.variables.iter() {
            if exported_only && !variable.exported || read_only && !variable.read_only {
                continue;
            }
            let Content::One(value) = &variable.content else { continue };
            let quoted = [b"\"", &value[..], b"\""].concat();
            let line = match (self.kind, name) {
                (Kind::Bash, b"declare" | b"typeset") if letters.is_empty() => {
                    [&key[..], b"=", &escape::quote(value)].concat()
                }
                (Kind::Bash, _) => [
                    if variable.exported { &b"declare -x "[..] } else { b"declare -- " },
                    key,
                    b"=",
                    &quoted,
                ]
                .concat(),
                _ => [name, b" ", key, b"=", &[b"'", &value[..], b"'"].concat()].concat(),
            };
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        self.say(&text)?;
        Ok(0)
    }

    pub(super) fn unset(&mut self, words: &[Vec<u8>]) -> Flow {
        let functions = words.first().is_some_and(|word| word == b"-f");
        let mut status = 0;
        for name in words.iter().filter(|word| !matches!(&word[..], b"-f" | b"-v" | b"-n")) {
            if functions || self.variables.get(name).is_none() && self.functions.contains_key(name)
            {
                std::sync::Arc::make_mut(&mut self.functions).remove(name);
                continue;
            }
            if let (Some(open), Some(b']')) =
                (name.iter().position(|byte| *byte == b'['), name.last())
            {
                let inner = &name[open + 1..name.len() - 1];
                if self.variables.is_map(&name[..open]) {
                    self.variables.unset_named(&name[..open], inner);
                    continue;
                }
                let index = self.arithmetic(inner)?;
                self.variables.unset_member(&name[..open], u64::try_from(index).unwrap_or(0));
                continue;
            }
            if self.variables.unset(name) {
                match self.kind {
                    Kind::Bash => self.complain(
                        &[b"unset: ", &name[..], b": cannot unset: readonly variable"].concat(),
                    ),
                    _ => self.complain(&[b"unset: ", &name[..], b": is read only"].concat()),
                }
                status = 1;
            }
        }
        Ok(status)
    }

    pub(super) fn set(&mut self, words: &[Vec<u8>]) -> Flow {
        if words.is_empty() {
            let mut text = Vec::new();
            for (name, variable) in self.variables.iter() {
                if let Content::One(value) = &variable.content {
                    text.extend_from_slice(
                        &[&name[..], b"=", &escape::quote(value), b"\n"].concat(),
                    );
                }
            }
            self.say(&text)?;
            return Ok(0);
        }
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.first() {
                _ if word == b"--" => {
                    self.positional = rest.cloned().collect();
                    return Ok(0);
                }
                Some(sign @ (b'-' | b'+')) if word.len() > 1 => {
                    if word[1..] == *b"o" {
                        if let Some(name) = rest.next() {
                            self.set_option(name, *sign == b'-');
                        }
                    } else {
                        self.set_letters(&word[1..], *sign == b'-');
                    }
                }
                _ => {
                    self.positional = std::iter::once(word).chain(rest).cloned().collect();
                    return Ok(0);
                }
            }
        }
        Ok(0)
    }

    pub(crate) fn set_letters(&mut self, letters: &[u8], on: bool) {
        for letter in letters {
            match letter {
                b'e' => self.options.exit_on_error = on,
                b'x' => self.options.trace = on,
                b'u' => self.options.no_unset = on,
                b'f' => self.options.no_glob = on,
                b'n' => self.options.no_exec = on,
                b'C' => self.options.no_clobber = on,
                _ => {}
            }
        }
    }

    fn set_option(&mut self, name: &[u8], on: bool) {
        match name {
            b"errexit" => self.options.exit_on_error = on,
            b"xtrace" => self.options.trace = on,
            b"nounset" => self.options.no_unset = on,
            b"noglob" => self.options.no_glob = on,
            b"noclobber" => self.options.no_clobber = on,
            b"pipefail" => self.options.pipe_fail = on,
            _ => {}
        }
    }

    pub(super) fn shopt(&mut self, words: &[Vec<u8>]) -> u8 {
        let on = words.iter().any(|word| word == b"-s");
        if on || words.iter().any(|word| word == b"-u") {
            if words.iter().any(|word| word == b"nullglob") {
                self.options.null_glob = on;
            }
            return 0;
        }
        let mut status = 0;
        for name in words.iter().filter(|word| word.first() != Some(&b'-')) {
            let on = match &name[..] {
                b"nullglob" => self.options.null_glob,
                b"expand_aliases" => self.origin == super::super::Origin::Interactive,
                b"login_shell" => self.login,
                name => SET_AT_FIRST.contains(&name),
            };
            let name = String::from_utf8_lossy(name);
            let shown = format!("{name:<15}\t{}\n", if on { "on" } else { "off" });
            if self.say(shown.as_bytes()).is_err() || !on {
                status = 1;
            }
        }
        status
    }

    pub(super) fn shift(&mut self, words: &[Vec<u8>]) -> Flow {
        let count = words
            .first()
            .and_then(|word| std::str::from_utf8(word).ok())
            .and_then(|text| text.parse().ok())
            .unwrap_or(1_usize);
        if count > self.positional.len() {
            if self.kind != Kind::Bash {
                self.complain(b"shift: can't shift that many");
                return Err(Unwind::Abort(2));
            }
            return Ok(1);
        }
        self.positional.drain(..count);
        Ok(0)
    }

    pub(super) fn set_umask(&mut self, words: &[Vec<u8>]) -> Flow {
        match words.iter().find(|word| word.first() != Some(&b'-')) {
            None => {
                let text = if words.is_empty() {
                    format!("{:04o}\n", self.umask)
                } else {
                    "u=rwx,g=rx,o=rx\n".to_owned()
                };
                self.say(text.as_bytes())?;
            }
            Some(word) => match u16::from_str_radix(std::str::from_utf8(word).unwrap_or("x"), 8) {
                Ok(mask) if mask <= 0o777 => self.umask = mask,
                _ => {
                    self.complain(
                        &[b"umask: ", &word[..], b": octal number out of range"].concat(),
                    );
                    return Ok(1);
                }
            },
        }
        Ok(0)
    }

    pub(super) fn limits(&mut self, words: &[Vec<u8>]) -> Flow {
        const ROWS: [(&str, &str, &str); 16] = [
            ("real-time non-blocking time  (microseconds, -R) ", "unlimited", "-R"),
            ("core file size              (blocks, -c) ", "0", "-c"),
            ("data seg size               (kbytes, -d) ", "unlimited", "-d"),
            ("scheduling priority                 (-e) ", "0", "-e"),
            ("file size                   (blocks, -f) ", "unlimited", "-f"),
            ("pending signals                     (-i) ", "7664", "-i"),
            ("max locked memory           (kbytes, -l) ", "251572", "-l"),
            ("max memory size             (kbytes, -m) ", "unlimited", "-m"),
            ("open files                          (-n) ", "1024", "-n"),
            ("pipe size                (512 bytes, -p) ", "8", "-p"),
            ("POSIX message queues         (bytes, -q) ", "819200", "-q"),
            ("real-time priority                  (-r) ", "0", "-r"),
            ("stack size                  (kbytes, -s) ", "8192", "-s"),
            ("cpu time                   (seconds, -t) ", "unlimited", "-t"),
            ("max user processes                  (-u) ", "7664", "-u"),
            ("virtual memory              (kbytes, -v) ", "unlimited", "-v"),
        ];
        if let [option, value, ..] = words {
            return self.set_limit(option, value, &ROWS);
        }
        let set_before = words
            .first()
            .and_then(|word| word.last())
            .or(Some(&b'f'))
            .and_then(|letter| self.limits_set.iter().rfind(|(known, _)| known == letter));
        if let Some((_, value)) = set_before {
            self.say(&[value, &b"\n"[..]].concat())?;
            return Ok(0);
        }
        let letter = words.first().map_or("-f", |word| std::str::from_utf8(word).unwrap_or("-f"));
        if letter == "-a" {
            let text: String =
                ROWS.iter().map(|(name, value, _)| format!("{name}{value}\n")).collect();
            self.say(text.as_bytes())?;
        } else if let Some((_, value, _)) =
            ROWS.iter().find(|(_, _, found)| letter.ends_with(found.trim_start_matches('-')))
        {
            self.say(format!("{value}\n").as_bytes())?;
        } else if self.is_bash() {
            self.complain(format!("ulimit: {letter}: invalid option").as_bytes());
            self.write(2, b"ulimit: usage: ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]\n")?;
            return Ok(2);
        }
        Ok(0)
    }

    /// A limit that only root may raise.
    fn set_limit(&mut self, option: &[u8], value: &[u8], rows: &[(&str, &str, &str)]) -> Flow {
        let Some(letter) = option.last().copied() else { return Ok(1) };
        let row = rows.iter().find(|(_, _, known)| known.as_bytes().get(1) == Some(&letter));
        let Some((name, usual, _)) = row else { return Ok(0) };
        let number = |text: &[u8]| match text {
            b"unlimited" => Some(u64::MAX),
            _ => std::str::from_utf8(text).ok()?.parse().ok(),
        };
        let before = self.limits_set.iter().rfind(|(known, _)| *known == letter);
        let before = before.map_or(usual.as_bytes(), |(_, value)| value);
        let Some(wanted) = number(value) else {
            let shown = String::from_utf8_lossy(value).into_owned();
            self.complain(format!("ulimit: {shown}: invalid number").as_bytes());
            return Ok(1);
        };
        if !self.who.is_root() && number(before).is_some_and(|before| wanted > before) {
            let name = name.split("  ").next().unwrap_or(name).trim();
            self.complain(
                format!("ulimit: {name}: cannot modify limit: Operation not permitted").as_bytes(),
            );
            return Ok(1);
        }
        self.limits_set.retain(|(known, _)| *known != letter);
        self.limits_set.push((letter, value[..value.len().min(20)].to_vec()));
        Ok(0)
    }

    pub(super) fn let_values(&mut self, words: &[Vec<u8>]) -> Flow {
        if words.is_empty() && self.is_bash() {
            self.complain(b"let: expression expected");
            return Ok(1);
        }
        let mut value = 0;
        for word in words {
            value = self.arithmetic(word)?;
        }
        Ok(u8::from(value == 0))
    }

    /// `getopts letters name`, one option a call (XCU, getopts).
    pub(super) fn getopts(&mut self, words: &[Vec<u8>]) -> Flow {
        let [letters, name, given @ ..] = words else { return Ok(2) };
        let arguments = if given.is_empty() { self.positional.clone() } else { given.to_vec() };
        let number = |shell: &Self, name: &[u8]| {
            shell.scalar(name).and_then(|text| {
                std::str::from_utf8(&text).ok().and_then(|text| text.parse::<usize>().ok())
            })
        };
        let place = number(self, b"OPTIND").unwrap_or(1).max(1);
        let inner = number(self, b"_OPTAT").unwrap_or(1).max(1);
        let word = arguments
            .get(place - 1)
            .filter(|word| word.len() > 1 && word[0] == b'-' && *word != b"--");
        let Some(letter) = word.and_then(|word| word.get(inner)).copied() else {
            self.assign(name, b"?")?;
            self.assign(b"OPTIND", place.to_string().as_bytes())?;
            return Ok(1);
        };
        let last = word.is_some_and(|word| inner + 1 >= word.len());
        let known = letters.iter().position(|found| *found == letter && letter != b':');
        let takes = known.is_some_and(|known| letters.get(known + 1) == Some(&b':'));
        let (mut next, mut next_inner) = if last { (place + 1, 1) } else { (place, inner + 1) };
        let mut found = letter;
        if known.is_none() {
            if letters.first() != Some(&b':') {
                self.write(
                    2,
                    &[&self.label[..], b": illegal option -- ", &[letter], b"\n"].concat(),
                )?;
            }
            found = b'?';
        } else if takes {
            let value = if last {
                arguments.get(place).cloned()
            } else {
                word.map(|word| word[inner + 1..].to_vec())
            };
            self.assign(b"OPTARG", &value.unwrap_or_default())?;
            (next, next_inner) = (if last { place + 2 } else { place + 1 }, 1);
        }
        self.assign(name, &[found])?;
        self.assign(b"OPTIND", next.to_string().as_bytes())?;
        self.assign(b"_OPTAT", next_inner.to_string().as_bytes())?;
        Ok(0)
    }
}
