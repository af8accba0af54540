//! A shell line cut into simple commands, their words and their redirection. No grammar beyond that: no expansion, no nesting, and
//! therefore nothing that a line can make grow past its own length.

/// When a command runs, by the status of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    Always,
    And,
    Or,
}

/// Where the output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: Vec<u8>,
    pub(super) append: bool,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) join: Join,
    pub(super) words: Vec<Vec<u8>>,
    pub(super) target: Option<Target>,
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Word,
    Target {
        append: bool,
    },
    /// The source of `<` or a diagnostic's target: read and left aside.
    Aside,
}

struct Cutter {
    list: Vec<Simple>,
    simple: Simple,
    word: Option<Vec<u8>>,
    next: Next,
}

/// The simple commands of a line; a pipeline's parts count as commands one after the other.
pub(super) fn parse(line: &[u8]) -> Vec<Simple> {
    let empty = |join| Simple { join, words: Vec::new(), target: None };
    let mut cutter =
        Cutter { list: Vec::new(), simple: empty(Join::Always), word: None, next: Next::Word };
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\'' => {
                let end = rest.iter().position(|byte| *byte == b'\'').unwrap_or(rest.len());
                cutter.word().extend_from_slice(&rest[..end]);
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            b'"' => rest = cutter.double_quoted(rest),
            b'\\' => {
                if let Some((&byte, after)) = rest.split_first() {
                    cutter.word().push(byte);
                    rest = after;
                }
            }
            b' ' | b'\t' => cutter.end_word(),
            b';' | b'\n' => cutter.end_command(Join::Always),
            b'&' if rest.first() == Some(&b'&') => {
                rest = &rest[1..];
                cutter.end_command(Join::And);
            }
            b'|' if rest.first() == Some(&b'|') => {
                rest = &rest[1..];
                cutter.end_command(Join::Or);
            }
            b'&' | b'|' => cutter.end_command(Join::Always),
            b'>' => rest = cutter.redirection(rest),
            b'<' => {
                cutter.end_word();
                cutter.next = Next::Aside;
            }
            b'#' if cutter.word.is_none() => break,
            other => cutter.word().push(other),
        }
    }
    cutter.end_command(Join::Always);
    cutter.list
}

impl Cutter {
    fn word(&mut self) -> &mut Vec<u8> {
        self.word.get_or_insert_default()
    }

    fn double_quoted<'a>(&mut self, mut rest: &'a [u8]) -> &'a [u8] {
        self.word();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match (byte, rest.first()) {
                (b'"', _) => break,
                (b'\\', Some(&escaped)) if matches!(escaped, b'"' | b'\\' | b'$' | b'`') => {
                    self.word().push(escaped);
                    rest = &rest[1..];
                }
                _ => self.word().push(byte),
            }
        }
        rest
    }

    fn redirection<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        // `2>` and `2>&1` leave the output where it is.
        let diagnostics = self.word.as_deref() == Some(b"2");
        if matches!(self.word.as_deref(), Some(b"1" | b"2")) {
            self.word = None;
        }
        self.end_word();
        let append = rest.first() == Some(&b'>');
        let rest = if append { &rest[1..] } else { rest };
        let copies = rest.first() == Some(&b'&');
        self.next = if diagnostics || copies { Next::Aside } else { Next::Target { append } };
        if copies { &rest[1..] } else { rest }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match std::mem::replace(&mut self.next, Next::Word) {
            Next::Word => self.simple.words.push(word),
            Next::Target { append } => self.simple.target = Some(Target { path: word, append }),
            Next::Aside => {}
        }
    }

    fn end_command(&mut self, join: Join) {
        self.end_word();
        self.next = Next::Word;
        let simple =
            std::mem::replace(&mut self.simple, Simple { join, words: Vec::new(), target: None });
        if !simple.words.is_empty() || simple.target.is_some() {
            self.list.push(simple);
        }
    }
}

/// `/bin/busybox` is called `busybox`.
pub(super) fn last_of_path(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// What `echo` prints: `-n`, `-e` and their union, with the escapes of BusyBox and bash.
pub(super) fn echo(words: &[Vec<u8>]) -> Vec<u8> {
    let is_option = |word: &&Vec<u8>| {
        word.len() > 1 && word[0] == b'-' && word[1..].iter().all(|byte| b"neE".contains(byte))
    };
    let options: Vec<&Vec<u8>> = words.iter().take_while(is_option).collect();
    let has = |letter: u8| options.iter().any(|word| word.contains(&letter));
    let mut text = words[options.len()..].join(&b' ');
    if has(b'e') {
        let (unescaped, stopped) = unescape(&text);
        if stopped {
            return unescaped;
        }
        text = unescaped;
    }
    if !has(b'n') {
        text.push(b'\n');
    }
    text
}

/// Escapes made bytes; whether `\c` ended the output.
fn unescape(text: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&kind, after)) = rest.split_first() else {
            bytes.push(b'\\');
            break;
        };
        rest = after;
        match kind {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'e' => bytes.push(27),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'\\' => bytes.push(b'\\'),
            b'c' => return (bytes, true),
            b'x' => rest = number(rest, 16, 2, &mut bytes, b"\\x"),
            b'0' => rest = number(rest, 8, 3, &mut bytes, b"\\0"),
            other => bytes.extend([b'\\', other]),
        }
    }
    (bytes, false)
}

/// A byte written in at most `most` digits; without any, `\0` is a zero and `\x` stays as it is.
fn number<'a>(
    text: &'a [u8],
    radix: u32,
    most: usize,
    bytes: &mut Vec<u8>,
    written: &[u8],
) -> &'a [u8] {
    let digits =
        text.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    if digits == 0 && radix == 16 {
        bytes.extend_from_slice(written);
        return text;
    }
    let value = text[..digits]
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(radix))
        .fold(0_u32, |value, digit| value * radix + digit);
    bytes.push((value & 255) as u8);
    &text[digits..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_loaders_line_becomes_its_commands() {
        let list = parse(
            b"/bin/busybox cp /bin/echo d; >d && echo -ne '\\x7f' \"a b\">>d 2>/dev/null || x",
        );
        let words: Vec<usize> = list.iter().map(|simple| simple.words.len()).collect();
        assert_eq!(words, [4, 0, 4, 1]);
        assert_eq!(list[1].target, Some(Target { path: b"d".to_vec(), append: false }));
        assert_eq!(list[2].target, Some(Target { path: b"d".to_vec(), append: true }));
        assert_eq!((list[2].join, list[3].join), (Join::And, Join::Or));
        assert_eq!(list[2].words[3], b"a b");
    }

    #[test]
    fn echo_writes_bytes_as_both_shells_do() {
        let echo =
            |words: &[&[u8]]| echo(&words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
        assert_eq!(echo(&[b"-ne", b"\\x7f\\x45\\x4C\\0106\\n"]), b"\x7fELF\n");
        assert_eq!(echo(&[b"-e", b"a\\cb"]), b"a");
        assert_eq!(echo(&[b"-n", b"-e", b"\\xg\\q"]), b"\\xg\\q");
        assert_eq!(echo(&[b"-x", b"\\n"]), b"-x \\n\n");
    }

    proptest! {
        #[test]
        fn no_line_grows_by_being_cut(line in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"'\"\\;&|<> ".to_vec())], 0..200)) {
            let list = parse(&line);
            let length: usize = list.iter().flat_map(|simple| &simple.words).map(Vec::len).sum();
            prop_assert!(length <= line.len() && list.len() <= line.len());
            for simple in list {
                prop_assert!(echo(&simple.words).len() <= line.len() + simple.words.len() + 1);
            }
        }
    }
}
