//! `perl` and `openssl`, and what `python3` shares with them, as far as one-liners of loaders go: a shell on a terminal of its own, a command, a sum, a text. Anything
//! else ends without a word, as a program without output does.

use super::super::{Call, Finish};

pub(super) fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

pub(super) fn shell(command: &str) -> Vec<Vec<u8>> {
    vec![b"sh".to_vec(), b"-c".to_vec(), command.as_bytes().to_vec()]
}

/// The statements of a program: cut at line ends and semicolons outside quotes and brackets.
pub(super) fn statements(program: &str) -> Vec<String> {
    let (mut found, mut statement, mut quote, mut depth) = (Vec::new(), String::new(), None, 0_i32);
    for c in program.chars().take(8_192) {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            _ => {}
        }
        if quote.is_none() && depth <= 0 && (c == ';' || c == '\n') {
            found.push(std::mem::take(&mut statement));
        } else {
            statement.push(c);
        }
    }
    found.push(statement);
    found
        .into_iter()
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// What stands between the first pair of quotes, one after the other.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(['"', '\'']) {
        let quote = &rest[begin..=begin];
        let inside = &rest[begin + 1..];
        let Some(end) = inside.find(quote) else { break };
        found.push(inside[..end].to_owned());
        rest = &inside[end + 1..];
    }
    found
}

/// A sum of whole numbers with brackets; nothing where it is something else.
pub(super) fn sum(text: &str) -> Option<i64> {
    let mut reader = Sum {
        bytes: text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect(),
        at: 0,
        depth: 0,
    };
    let value = reader.level(0)?;
    (reader.at == reader.bytes.len()).then_some(value)
}

struct Sum {
    bytes: Vec<u8>,
    at: usize,
    depth: u32,
}

impl Sum {
    fn level(&mut self, level: u8) -> Option<i64> {
        self.depth += 1;
        if self.depth > 60 {
            return None;
        }
        let value = self.at_level(level);
        self.depth -= 1;
        value
    }

    fn at_level(&mut self, level: u8) -> Option<i64> {
        if level == 2 {
            return self.power();
        }
        let mut left = self.level(level + 1)?;
        loop {
            let operator = self.bytes.get(self.at).copied().unwrap_or(0);
            let fits = if level == 0 {
                matches!(operator, b'+' | b'-')
            } else {
                matches!(operator, b'*' | b'/' | b'%')
            };
            if !fits {
                return Some(left);
            }
            self.at += 1;
            if operator == b'/' && self.bytes.get(self.at) == Some(&b'/') {
                self.at += 1;
            }
            let right = self.level(level + 1)?;
            left = match operator {
                b'+' => left.checked_add(right)?,
                b'-' => left.checked_sub(right)?,
                b'*' => left.checked_mul(right)?,
                b'/' => left.checked_div(right)?,
                _ => left.checked_rem(right)?,
            };
        }
    }

    fn power(&mut self) -> Option<i64> {
        let base = match self.bytes.get(self.at)? {
            b'(' => {
                self.at += 1;
                let value = self.level(0)?;
                (self.bytes.get(self.at) == Some(&b')')).then_some(())?;
                self.at += 1;
                value
            }
            b'-' => {
                self.at += 1;
                return self.level(2).map(|value| -value);
            }
            _ => {
                let begin = self.at;
                while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
                    self.at += 1;
                }
                std::str::from_utf8(&self.bytes[begin..self.at]).ok()?.parse().ok()?
            }
        };
        if self.bytes.get(self.at..self.at + 2) == Some(b"**") {
            self.at += 2;
            let exponent = u32::try_from(self.level(2)?).ok()?;
            return base.checked_pow(exponent);
        }
        Some(base)
    }
}

pub(super) fn perl(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    if words.iter().any(|word| word == "-v") {
        let version = call.kernel.world.system.perl;
        let numbers: Vec<&str> = version.trim_start_matches('v').split('.').collect();
        let (major, minor) =
            (numbers.get(1).copied().unwrap_or("36"), numbers.get(2).copied().unwrap_or("0"));
        call.line(&format!("\nThis is perl 5, version {major}, subversion {minor} ({version}) built for x86_64-linux-gnu-thread-multi\n(with 46 registered patches, see perl -V for more detail)\n\nCopyright 1987-2022, Larry Wall\n\nPerl may be copied only under the terms of either the Artistic License or the\nGNU General Public License, which may be found in the Perl 5 source kit.\n\nComplete documentation for Perl, including FAQ lists, should be found on\nthis system using \"man perl\" or \"perldoc perl\".  If you have access to the\nInternet, point your browser at https://www.perl.org/, the Perl Home Page.\n"));
        return Finish::Status(0);
    }
    if let Some(place) = words.iter().position(|word| {
        word == "-e"
            || word == "-E"
            || word.ends_with('e') && word.starts_with('-') && !word.starts_with("-M")
    }) {
        return run_perl(call, &words.get(place + 1).cloned().unwrap_or_default());
    }
    match words.iter().find(|word| !word.starts_with('-')).cloned() {
        Some(path) => match call.read(path.as_bytes()) {
            Ok(program) => run_perl(call, &text(&program)),
            Err(fault) => {
                call.err(format!("Can't open perl script \"{path}\": {fault}\n").as_bytes());
                Finish::Status(2)
            }
        },
        None => {
            let program = text(&call.input());
            run_perl(call, &program)
        }
    }
}

fn run_perl(call: &mut Call<'_>, program: &str) -> Finish {
    let mut commands = Vec::new();
    for statement in statements(program) {
        if let Some(list) = statement.strip_prefix("print") {
            let shown: String =
                perl_list(list.trim()).iter().map(|item| perl_value(item)).collect();
            call.out(shown.as_bytes());
        } else if statement.starts_with("system")
            || statement.starts_with("exec")
            || statement.starts_with('`')
        {
            commands.push(shell(&quoted(&statement).join(" ")));
        }
    }
    if commands.is_empty() {
        Finish::Status(0)
    } else {
        Finish::Each(commands.into_iter().take(8).collect())
    }
}

/// Items between commas outside quotes.
fn perl_list(list: &str) -> Vec<String> {
    let list = list.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')).unwrap_or(list);
    let (mut items, mut item, mut quote) = (Vec::new(), String::new(), None);
    let mut depth = 0_i32;
    for c in list.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        match c {
            '(' if quote.is_none() => depth += 1,
            ')' if quote.is_none() => depth -= 1,
            _ => {}
        }
        if c == ',' && quote.is_none() && depth <= 0 {
            items.push(std::mem::take(&mut item));
        } else {
            item.push(c);
        }
    }
    items.push(item);
    items
}

fn perl_value(item: &str) -> String {
    let item = item.trim();
    if let Some(value) = sum(item) {
        return value.to_string();
    }
    let strings = quoted(item);
    let Some(first) = strings.first() else { return String::new() };
    let plain = if item.starts_with('"') {
        first.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    } else {
        first.clone()
    };
    if let ("pack", [template, digits]) = (&item[..item.len().min(4)], &strings[..])
        && template.starts_with("H*")
    {
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        return text(&digits.as_bytes().chunks(2).filter_map(pair).collect::<Vec<u8>>());
    }
    if item.starts_with("decode_base64") {
        return text(&super::from_base64(first.as_bytes()));
    }
    match item.rsplit_once(" x ").and_then(|(_, count)| count.trim().parse::<usize>().ok()) {
        Some(count) => plain.repeat(count.min(8_192)),
        None => plain,
    }
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn openssl(call: &mut Call<'_>) -> Finish {
    let words: Vec<String> = call.arguments().iter().map(|word| text(word)).collect();
    let has = |option: &str| words.iter().any(|word| word == option);
    match words.first().map(String::as_str) {
        Some("version") => {
            let version = call
                .kernel
                .world
                .system
                .openssh
                .split_once(", ")
                .map_or("OpenSSL 3.0.15 3 Sep 2024", |(_, version)| version);
            call.line(&format!("{version} (Library: {version})"));
            Finish::Status(0)
        }
        Some("rand") => {
            let count =
                words.last().and_then(|word| word.parse::<usize>().ok()).unwrap_or(16).min(4_096);
            let bytes = call.kernel.random_bytes(count);
            if has("-hex") {
                let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                call.line(&shown);
            } else if has("-base64") {
                call.line(&super::base64(&bytes));
            } else {
                call.out(&bytes);
            }
            Finish::Status(0)
        }
        Some("base64" | "enc") => {
            let tool: &[u8] = b"base64";
            let mut call_words = vec![tool.to_vec()];
            if has("-d") {
                call_words.push(b"-d".to_vec());
            } else {
                call_words.extend([
                    b"-w".to_vec(),
                    if has("-A") { b"0".to_vec() } else { b"64".to_vec() },
                ]);
            }
            if let Some(place) = words.iter().position(|word| word == "-in") {
                call_words.extend(words.get(place + 1).map(|path| path.clone().into_bytes()));
            }
            Finish::Replace(super::super::Replacement {
                words: call_words,
                set: Vec::new(),
                who: None,
            })
        }
        Some("dgst" | "md5" | "sha1" | "sha256" | "sha512") => {
            let name = words
                .iter()
                .map(|word| word.trim_start_matches('-'))
                .find(|word| matches!(*word, "md5" | "sha1" | "sha256" | "sha512"))
                .unwrap_or("sha256")
                .to_owned();
            let input = call.input();
            let Some(digest) = super::digest(&name, &input) else { return Finish::Status(1) };
            let label = if name == "md5" {
                "MD5".to_owned()
            } else {
                name.replacen("sha", "SHA2-", 1).replace("SHA2-1", "SHA1")
            };
            call.line(&format!("{label}(stdin)= {digest}"));
            Finish::Status(0)
        }
        Some(other) => {
            call.err(format!("Invalid command '{other}'; type \"help\" for a list.\n").as_bytes());
            Finish::Status(1)
        }
        None => Finish::Status(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_right_and_texts_are_none() {
        assert_eq!(
            [
                sum("6*7"),
                sum("(1+2)*-3"),
                sum("2**10-1"),
                sum("7//2"),
                sum("1/0"),
                sum("a"),
                sum("1+")
            ],
            [Some(42), Some(-9), Some(1_023), Some(3), None, None, None]
        );
        assert_eq!(sum(&"(".repeat(1_000)), None);
    }

    #[test]
    fn statements_are_cut_outside_of_quotes() {
        assert_eq!(
            statements("import pty; pty.spawn(\"a;b\")\nprint('x')"),
            ["import pty", "pty.spawn(\"a;b\")", "print('x')"]
        );
        assert_eq!(quoted("pty.spawn([\"/bin/echo\",'a b'])"), ["/bin/echo", "a b"]);
    }
}
