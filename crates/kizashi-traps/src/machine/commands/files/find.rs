//! `find`: tests, `-o`, `!`, brackets, `-exec`, `-delete`, `-printf` in short.

use super::super::regex::Regex;
use super::{Call, Finish, letters, list};
use crate::machine::files::{NodeId, base_name};
use crate::machine::shell::pattern::Pattern;

/// Nodes looked at, tests, and brackets inside one another.
const NODES: usize = 4_000;
const TESTS: usize = 120;
const DEPTH: u32 = 20;

enum Test {
    Always(bool),
    Name(Pattern, bool),
    Path(Pattern),
    Regex(Regex),
    Kind(Vec<u8>),
    Size(i8, u64, u64),
    Minutes(i8, u64, i64),
    Permissions(u8, u16),
    User(u32),
    Empty,
    Runnable,
    Writable,
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Print(u8),
    Format(Vec<u8>),
    List,
    Delete,
    Quit,
    Prune,
    Run(Vec<Vec<u8>>, bool),
}

struct Reader<'a> {
    words: &'a [Vec<u8>],
    at: usize,
    depth: u32,
    acts: bool,
    most: u64,
    least: u64,
}

pub(super) fn find(call: &mut Call<'_>) -> Finish {
    let words = call.arguments();
    let words = &words
        [words.iter().take_while(|word| matches!(&word[..], b"-L" | b"-H" | b"-P")).count()..];
    let count = words
        .iter()
        .take_while(|word| (word.len() < 2 || word[0] != b'-') && !matches!(&word[..], b"(" | b"!"))
        .count();
    let (paths, tests) = words.split_at(count);
    let mut reader =
        Reader { words: tests, at: 0, depth: 0, acts: false, most: u64::MAX, least: 0 };
    let test = match reader.read(call) {
        Ok(test) => test,
        Err(text) => return call.fail(&text, 1),
    };
    let here = vec![b".".to_vec()];
    let paths = if paths.is_empty() { &here } else { paths };
    let mut walk = Walk {
        status: 0,
        looked: 0,
        calls: Vec::new(),
        batch: Vec::new(),
        most: reader.most,
        least: reader.least,
        prints: !reader.acts,
        quit: false,
    };
    for path in paths {
        match call.find(path, true) {
            Ok(id) => walk.node(call, &test, path, id, 0),
            Err(fault) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                if call.is_busybox() {
                    call.complain(&format!("{shown}: {fault}"));
                } else {
                    call.complain(&format!("‘{shown}’: {fault}"));
                }
                walk.status = 1;
            }
        }
    }
    call.cost(walk.looked / 4);
    walk.calls.extend(
        walk.batch
            .into_iter()
            .filter(|(_, paths)| !paths.is_empty())
            .map(|(command, paths)| together(&command, &paths)),
    );
    if walk.calls.is_empty() { Finish::Status(walk.status) } else { Finish::Each(walk.calls) }
}

fn together(command: &[Vec<u8>], paths: &[Vec<u8>]) -> Vec<Vec<u8>> {
    command
        .iter()
        .flat_map(|word| if word == b"{}" { paths.to_vec() } else { vec![word.clone()] })
        .collect()
}

impl Reader<'_> {
    fn read(&mut self, call: &mut Call<'_>) -> Result<Test, String> {
        let test = self.either(call)?;
        if self.at < self.words.len() {
            return Err("paths must precede expression".to_owned());
        }
        Ok(test)
    }

    fn either(&mut self, call: &mut Call<'_>) -> Result<Test, String> {
        self.depth += 1;
        if self.depth > DEPTH || self.words.len() > TESTS {
            return Err("expression too long".to_owned());
        }
        let mut all = vec![self.both(call)?];
        while self.words.get(self.at).is_some_and(|word| matches!(&word[..], b"-o" | b"-or")) {
            self.at += 1;
            all.push(self.both(call)?);
        }
        self.depth -= 1;
        Ok(Test::Or(all))
    }

    fn both(&mut self, call: &mut Call<'_>) -> Result<Test, String> {
        let mut all = Vec::new();
        while let Some(word) = self.words.get(self.at) {
            match &word[..] {
                b"-o" | b"-or" | b")" => break,
                b"-a" | b"-and" => self.at += 1,
                _ => all.push(self.one(call)?),
            }
        }
        Ok(Test::And(all))
    }

    fn next(&mut self, name: &[u8]) -> Result<Vec<u8>, String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word.ok_or_else(|| format!("missing argument to `{}'", String::from_utf8_lossy(name)))
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    fn one(&mut self, call: &mut Call<'_>) -> Result<Test, String> {
        let word = self.next(b"find")?;
        Ok(match &word[..] {
            b"(" | b"\\(" => {
                let test = self.either(call)?;
                self.next(b"(")?;
                test
            }
            b"!" | b"-not" => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err("expression too long".to_owned());
                }
                let test = Test::Not(Box::new(self.one(call)?));
                self.depth -= 1;
                test
            }
            b"-name" | b"-iname" => {
                let fold = word == b"-iname";
                let text = self.next(&word)?;
                Test::Name(Pattern::of(&if fold { text.to_ascii_lowercase() } else { text }), fold)
            }
            b"-path" | b"-wholename" | b"-ipath" => Test::Path(Pattern::of(&self.next(&word)?)),
            b"-regex" | b"-iregex" => {
                let text = self.next(&word)?;
                Test::Regex(
                    Regex::new(&[b"^", &text[..], b"$"].concat(), false, word == b"-iregex")
                        .map_err(|bad| bad.0.to_owned())?
                        .metered(&call.kernel.meter),
                )
            }
            b"-type" => Test::Kind(self.next(&word)?),
            b"-size" => self.size()?,
            b"-mtime" | b"-ctime" | b"-atime" | b"-mmin" | b"-cmin" | b"-amin" => {
                let unit = if word.ends_with(b"min") { 60 } else { 86_400 };
                let (sign, count) = signed(&self.next(&word)?);
                Test::Minutes(sign, count, unit)
            }
            b"-perm" => {
                let text = String::from_utf8_lossy(&self.next(&word)?).into_owned();
                let mark = text
                    .bytes()
                    .next()
                    .filter(|byte| matches!(byte, b'-' | b'/' | b'+'))
                    .unwrap_or(b'=');
                let digits = text.trim_start_matches(['-', '/', '+']);
                Test::Permissions(
                    mark,
                    u16::from_str_radix(digits, 8).map_err(|_| format!("invalid mode ‘{text}’"))?,
                )
            }
            b"-user" => {
                let name = self.next(&word)?;
                Test::User(call.kernel.account(&name).map_or(u32::MAX, |account| account.uid))
            }
            b"-maxdepth" => {
                self.most = signed(&self.next(&word)?).1;
                Test::Always(true)
            }
            b"-mindepth" => {
                self.least = signed(&self.next(&word)?).1;
                Test::Always(true)
            }
            b"-empty" => Test::Empty,
            b"-executable" => Test::Runnable,
            b"-writable" => Test::Writable,
            b"-true" | b"-xdev" | b"-mount" | b"-depth" | b"-readable" | b"-follow"
            | b"-noleaf" => Test::Always(true),
            b"-false" => Test::Always(false),
            b"-newer" | b"-group" | b"-links" | b"-inum" | b"-fstype" | b"-newermt" => {
                self.next(&word)?;
                Test::Always(false)
            }
            _ => self.action(&word)?,
        })
    }

    fn action(&mut self, word: &[u8]) -> Result<Test, String> {
        self.acts |= word != b"-prune";
        Ok(match word {
            b"-print" => Test::Print(b'\n'),
            b"-print0" => Test::Print(0),
            b"-printf" => Test::Format(self.next(word)?),
            b"-ls" => Test::List,
            b"-delete" => Test::Delete,
            b"-quit" => Test::Quit,
            b"-prune" => Test::Prune,
            b"-exec" | b"-execdir" | b"-ok" => {
                let rest = &self.words[self.at.min(self.words.len())..];
                let end = rest
                    .iter()
                    .position(|word| matches!(&word[..], b";" | b"+"))
                    .ok_or_else(|| "missing argument to `-exec'".to_owned())?;
                self.at += end + 1;
                Test::Run(rest[..end].to_vec(), rest[end] == b"+")
            }
            other => return Err(format!("unknown predicate `{}'", String::from_utf8_lossy(other))),
        })
    }

    fn size(&mut self) -> Result<Test, String> {
        let text = self.next(b"-size")?;
        let (unit, digits) = match text.last() {
            Some(b'c') => (1, &text[..text.len() - 1]),
            Some(b'w') => (2, &text[..text.len() - 1]),
            Some(b'k') => (1_024, &text[..text.len() - 1]),
            Some(b'M') => (1_048_576, &text[..text.len() - 1]),
            Some(b'G') => (1_073_741_824, &text[..text.len() - 1]),
            Some(b'b') => (512, &text[..text.len() - 1]),
            _ => (512, &text[..]),
        };
        let (sign, count) = signed(digits);
        Ok(Test::Size(sign, count, unit))
    }
}

fn signed(text: &[u8]) -> (i8, u64) {
    let (sign, digits) = match text.first() {
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        _ => (0, text),
    };
    (sign, String::from_utf8_lossy(digits).parse().unwrap_or(0))
}

fn compare(sign: i8, value: u64, wanted: u64) -> bool {
    match sign {
        1 => value > wanted,
        -1 => value < wanted,
        _ => value == wanted,
    }
}

/// A command's words.
type Words = Vec<Vec<u8>>;

struct Walk {
    status: u8,
    looked: usize,
    calls: Vec<Vec<Vec<u8>>>,
    batch: Vec<(Words, Vec<Vec<u8>>)>,
    most: u64,
    least: u64,
    prints: bool,
    quit: bool,
}

impl Walk {
    fn node(&mut self, call: &mut Call<'_>, test: &Test, path: &[u8], id: NodeId, depth: u64) {
        self.looked += 1;
        if self.looked > NODES || self.quit || call.is_full() || depth > 30 {
            return;
        }
        let mut prune = false;
        let folder = call.kernel.files.node(id).is_folder();
        if depth >= self.least && self.holds(call, test, path, id, &mut prune) && self.prints {
            call.out(&[path, b"\n"].concat());
        }
        if !folder || prune || depth >= self.most {
            return;
        }
        if !call.kernel.files.node(id).permits(call.who, 4) {
            let shown = String::from_utf8_lossy(path).into_owned();
            call.complain(&format!("‘{shown}’: Permission denied"));
            self.status = 1;
            return;
        }
        for (name, inner) in call.kernel.files.list(id) {
            let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
            self.node(call, test, &[path, slash, &name].concat(), inner, depth + 1);
        }
    }

    fn holds(
        &mut self,
        call: &mut Call<'_>,
        test: &Test,
        path: &[u8],
        id: NodeId,
        prune: &mut bool,
    ) -> bool {
        let node = call.kernel.files.node(id);
        match test {
            Test::Always(holds) => *holds,
            Test::Name(pattern, fold) => {
                let name = base_name(path);
                pattern.matches(&if *fold { name.to_ascii_lowercase() } else { name.to_vec() })
            }
            Test::Path(pattern) => pattern.matches(path),
            Test::Regex(regex) => regex.is_match(path),
            Test::Kind(kinds) => kinds.split(|byte| *byte == b',').any(|kind| match kind {
                b"f" => node.is_regular(),
                kind => kind.first() == Some(&node.letter()),
            }),
            Test::Size(sign, count, unit) => compare(*sign, node.size().div_ceil(*unit), *count),
            Test::Minutes(sign, count, unit) => compare(
                *sign,
                ((call.kernel.seconds() - node.modified).max(0) / unit).unsigned_abs(),
                *count,
            ),
            Test::Permissions(mark, bits) => match mark {
                b'-' => node.mode & bits == *bits,
                b'/' | b'+' => *bits == 0 || node.mode & bits != 0,
                _ => node.mode == *bits,
            },
            Test::User(uid) => node.uid == *uid,
            Test::Empty => {
                if node.is_folder() {
                    call.kernel.files.list(id).is_empty()
                } else {
                    node.is_regular() && node.size() == 0
                }
            }
            Test::Runnable => node.permits(call.who, 1),
            Test::Writable => node.permits(call.who, 2),
            Test::Not(inner) => !self.holds(call, inner, path, id, prune),
            Test::And(all) => all.iter().all(|inner| self.holds(call, inner, path, id, prune)),
            Test::Or(any) => any.iter().any(|inner| self.holds(call, inner, path, id, prune)),
            Test::Prune => {
                *prune = true;
                true
            }
            Test::Quit => {
                self.quit = true;
                true
            }
            action => self.act(call, action, path, id),
        }
    }

    fn act(&mut self, call: &mut Call<'_>, action: &Test, path: &[u8], id: NodeId) -> bool {
        match action {
            Test::Print(end) => call.out(&[path, &[*end]].concat()),
            Test::Format(format) => {
                let text = formatted(call, format, path, id);
                call.out(&text);
            }
            Test::List => {
                let node = call.kernel.files.node(id).clone();
                let head = format!(
                    "{:9} {:6} {} {:3} root     root     {:8} ",
                    list::inode(id),
                    node.size().div_ceil(1_024),
                    letters(node.letter(), node.mode),
                    list::links(&call.kernel.files, id),
                    node.size()
                );
                call.out(&[head.as_bytes(), path, b"\n"].concat());
            }
            Test::Delete => {
                let now = call.kernel.seconds();
                let removed = call
                    .kernel
                    .files
                    .place(&call.path(path), false, call.who)
                    .and_then(|place| call.kernel.files.remove(&place, call.who, now));
                return removed.is_ok();
            }
            Test::Run(command, batch) => {
                if *batch {
                    match self.batch.iter_mut().find(|(found, _)| found == command) {
                        Some((_, paths)) => paths.push(path.to_vec()),
                        None => self.batch.push((command.clone(), vec![path.to_vec()])),
                    }
                } else if self.calls.len() < 500 {
                    let replaced =
                        |word: &Vec<u8>| if word == b"{}" { path.to_vec() } else { word.clone() };
                    self.calls.push(command.iter().map(replaced).collect());
                }
            }
            _ => {}
        }
        true
    }
}

fn formatted(call: &mut Call<'_>, format: &[u8], path: &[u8], id: NodeId) -> Vec<u8> {
    let node = call.kernel.files.node(id).clone();
    let format = crate::machine::shell::escape::unescape(
        format,
        crate::machine::shell::escape::Dialect::Printf,
    )
    .0;
    let mut text = Vec::new();
    let mut bytes = format.into_iter();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'p') => text.extend_from_slice(path),
            Some(b'f') => text.extend_from_slice(base_name(path)),
            Some(b's') => text.extend(node.size().to_string().bytes()),
            Some(b'm') => text.extend(format!("{:o}", node.mode).bytes()),
            Some(b'M') => text.extend(letters(node.letter(), node.mode).bytes()),
            Some(b'u') => text.extend(call.kernel.user_name(node.uid)),
            Some(b'g') => text.extend(call.kernel.group_name(node.gid)),
            Some(b'y') => text.push(if node.letter() == b'-' { b'f' } else { node.letter() }),
            Some(b'T') => {
                bytes.next();
                text.extend(node.modified.to_string().bytes());
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}
