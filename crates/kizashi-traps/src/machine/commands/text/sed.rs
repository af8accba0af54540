//! `sed`: addresses, `s y d D p P q Q n N g G h H x = a i c r w l b t T : { }`, `-n -e -E -i -s`.

mod output;
mod run;

use super::super::meter::Meter;
use super::super::regex::Regex;
use super::{Call, Finish};

/// Commands of a script.
const COMMANDS: usize = 500;

enum Address {
    Line(u64),
    Last,
    Match(Regex),
    Step(u64, u64),
    Plus(u64),
}

struct Order {
    first: Option<Address>,
    second: Option<Address>,
    negated: bool,
    verb: u8,
    /// A label, a text, or a file's name.
    text: Vec<u8>,
    substitution: Option<Substitution>,
    /// Where a block ends.
    target: usize,
    /// The line on which the range that is open began.
    open: Option<u64>,
}

struct Substitution {
    regex: Regex,
    with: Vec<u8>,
    global: bool,
    print: bool,
    number: usize,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    extended: bool,
    last: Option<Vec<u8>>,
    meter: Meter,
}

#[expect(clippy::too_many_lines, reason = "one flat sequence of the tool's own options and texts")]
pub(super) fn sed(call: &mut Call<'_>) -> Finish {
    let longs = [
        ("quiet", b'n'),
        ("silent", b'n'),
        ("expression", b'e'),
        ("regexp-extended", b'E'),
        ("in-place", b'i'),
        ("file", b'f'),
        ("separate", b's'),
    ];
    // `-i` may have a suffix inside, which the reading below takes for letters.
    let suffix = call
        .words
        .iter()
        .find_map(|word| word.strip_prefix(b"-i").filter(|rest| rest.first() == Some(&b'.')))
        .unwrap_or_default()
        .to_vec();
    let words: Vec<Vec<u8>> = call
        .words
        .iter()
        .map(|word| {
            if word.starts_with(b"-i")
                && word.len() > 2
                && !word.starts_with(b"-i-")
                && word[2] == b'.'
            {
                b"-i".to_vec()
            } else {
                word.clone()
            }
        })
        .collect();
    let given = call.options_among(words.get(1..).unwrap_or_default(), "ne:f:rEisuz", &longs, 1);
    let given = match given {
        Ok(given) => given,
        Err(finish) => return finish,
    };
    let mut files = given.rest.clone();
    let mut scripts: Vec<Vec<u8>> = given.values(b'e').map(<[u8]>::to_vec).collect();
    if let Some(path) = given.value(b'f').map(<[u8]>::to_vec) {
        match call.read(&path) {
            Ok(bytes) => scripts.push(bytes),
            Err(_) => {
                return call.fail(
                    &format!(
                        "couldn't open file {}: No such file or directory",
                        String::from_utf8_lossy(&path)
                    ),
                    1,
                );
            }
        }
    }
    if scripts.is_empty() {
        if files.is_empty() {
            if call.is_busybox() {
                return call.usage("[-inrE] [-f FILE]... [-e CMD]... [FILE]...");
            }
            call.err(super::usage::SED.as_bytes());
            return Finish::Status(1);
        }
        scripts.push(files.remove(0));
    }
    let script = scripts.join(&b'\n');
    let mut reader = Reader {
        text: &script,
        at: 0,
        extended: given.has(b'E') || given.has(b'r'),
        last: None,
        meter: call.kernel.meter.clone(),
    };
    let mut orders = match reader.orders() {
        Ok(orders) => orders,
        Err(fault) => {
            let text = if call.is_busybox() {
                fault.to_owned()
            } else if fault == "unknown command" {
                let letter =
                    script.get(reader.at.saturating_sub(1)).copied().map_or(' ', char::from);
                format!(
                    "-e expression #1, char {}: unknown command: `{letter}'",
                    reader.at.min(script.len())
                )
            } else {
                format!("-e expression #1, char {}: {fault}", reader.at.min(script.len()))
            };
            return call.fail(&text, 1);
        }
    };
    if given.has(b'i') {
        output::in_place(call, &mut orders, &files, given.has(b'n'), &suffix)
    } else {
        output::on_output(call, &mut orders, &files, given.has(b'n'))
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, bytes: &[u8]) {
        while self.peek().is_some_and(|byte| bytes.contains(&byte)) {
            self.at += 1;
        }
    }

    fn orders(&mut self) -> Result<Vec<Order>, &'static str> {
        let (mut orders, mut open): (Vec<Order>, Vec<usize>) = (Vec::new(), Vec::new());
        loop {
            self.skip(b" \t\n;");
            if self.peek().is_none() {
                break;
            }
            if self.peek() == Some(b'#') {
                while self.peek().is_some_and(|byte| byte != b'\n') {
                    self.at += 1;
                }
                continue;
            }
            if orders.len() >= COMMANDS {
                return Err("too many commands");
            }
            let order = self.order()?;
            match order.verb {
                b'{' => open.push(orders.len()),
                b'}' => {
                    let start = open.pop().ok_or("unexpected `}'")?;
                    orders[start].target = orders.len();
                }
                _ => {}
            }
            orders.push(order);
        }
        if open.is_empty() { Ok(orders) } else { Err("unmatched `{'") }
    }

    fn order(&mut self) -> Result<Order, &'static str> {
        let first = self.address()?;
        let mut second = None;
        self.skip(b" \t");
        if first.is_some() && self.peek() == Some(b',') {
            self.at += 1;
            self.skip(b" \t");
            second = Some(self.address()?.ok_or("unexpected `,'")?);
        }
        self.skip(b" \t");
        let negated = self.peek() == Some(b'!');
        self.skip(b"! \t");
        let verb = self.peek().ok_or("missing command")?;
        self.at += 1;
        let mut order = Order {
            first,
            second,
            negated,
            verb,
            text: Vec::new(),
            substitution: None,
            target: 0,
            open: None,
        };
        match verb {
            b'{' | b'}' => {}
            b'=' | b'd' | b'D' | b'p' | b'P' | b'n' | b'N' | b'g' | b'G' | b'h' | b'H' | b'x'
            | b'l' | b'F' | b'z' => {}
            b'q' | b'Q' | b':' | b'b' | b't' | b'T' => order.text = self.word(),
            b'r' | b'w' => order.text = self.rest_of_line(),
            b'a' | b'i' | b'c' => order.text = self.added_text(),
            b's' => order.substitution = Some(self.substitution()?),
            b'y' => {
                let delimiter = self.delimiter()?;
                let from = self.until(delimiter).ok_or("unterminated `y' command")?;
                let to = self.until(delimiter).ok_or("unterminated `y' command")?;
                if from.len() != to.len() {
                    return Err("strings for `y' command are different lengths");
                }
                order.text = from.into_iter().chain(to).collect();
            }
            _ => return Err(if self.at > 0 { "unknown command" } else { "missing command" }),
        }
        self.skip(b" \t");
        match self.peek() {
            None | Some(b'\n' | b';' | b'}' | b'#') => Ok(order),
            _ if matches!(verb, b'{' | b'a' | b'i' | b'c' | b'r' | b'w') => Ok(order),
            _ => Err("extra characters after command"),
        }
    }

    fn number(&mut self) -> Option<u64> {
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        std::str::from_utf8(&rest[..length]).ok()?.parse().ok()
    }

    fn address(&mut self) -> Result<Option<Address>, &'static str> {
        Ok(match self.peek() {
            Some(b'0'..=b'9') => {
                let first = self.number().ok_or("invalid usage of line address 0")?;
                if self.peek() == Some(b'~') {
                    self.at += 1;
                    return Ok(Some(Address::Step(first, self.number().unwrap_or(1))));
                }
                Some(Address::Line(first))
            }
            Some(b'$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some(b'+') => {
                self.at += 1;
                Some(Address::Plus(self.number().unwrap_or(0)))
            }
            Some(b'/' | b'\\') => {
                if self.peek() == Some(b'\\') {
                    self.at += 1;
                }
                let delimiter = self.delimiter()?;
                let text = self.until(delimiter).ok_or("unterminated address regex")?;
                let fold = self.peek() == Some(b'I');
                self.at += usize::from(fold);
                Some(Address::Match(self.regex(text, fold)?))
            }
            _ => None,
        })
    }

    fn regex(&mut self, text: Vec<u8>, fold: bool) -> Result<Regex, &'static str> {
        let text = if text.is_empty() {
            self.last.clone().ok_or("no previous regular expression")?
        } else {
            text
        };
        let regex =
            Regex::new(&text, self.extended, fold).map_err(|bad| bad.0)?.metered(&self.meter);
        self.last = Some(text);
        Ok(regex)
    }

    fn delimiter(&mut self) -> Result<u8, &'static str> {
        let delimiter = self.peek().ok_or("unterminated `s' command")?;
        self.at += 1;
        Ok(delimiter)
    }

    /// Up to the delimiter, which is taken; a quoted delimiter means itself.
    fn until(&mut self, delimiter: u8) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut bracket = false;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'\\' => {
                    let next = self.peek()?;
                    self.at += 1;
                    if next != delimiter || delimiter == b'|' && self.extended {
                        text.push(b'\\');
                    }
                    text.push(next);
                }
                b'[' if !bracket => {
                    bracket = true;
                    text.push(byte);
                }
                b']' if bracket && text.last() != Some(&b'[') => {
                    bracket = false;
                    text.push(byte);
                }
                _ if byte == delimiter && (!bracket || !self.text[self.at..].contains(&b']')) => {
                    return Some(text);
                }
                _ => text.push(byte),
            }
        }
    }

    fn substitution(&mut self) -> Result<Substitution, &'static str> {
        let delimiter = self.delimiter()?;
        let text = self.until(delimiter).ok_or("unterminated `s' command")?;
        let mut with = Vec::new();
        loop {
            let byte = self.peek().ok_or("unterminated `s' command")?;
            self.at += 1;
            if byte == delimiter {
                break;
            }
            with.push(byte);
            if byte == b'\\' {
                with.extend(self.peek());
                self.at += 1;
            }
        }
        let (mut global, mut print, mut fold, mut number) = (false, false, false, 1);
        loop {
            match self.peek() {
                Some(b'g') => global = true,
                Some(b'p') => print = true,
                Some(b'i' | b'I') => fold = true,
                Some(b'm' | b'M' | b'e') => {}
                Some(b'0'..=b'9') => {
                    number = usize::try_from(self.number().unwrap_or(1)).unwrap_or(1);
                    continue;
                }
                Some(b' ' | b'\t' | b'\n' | b';' | b'}' | b'#') | None => break,
                Some(b'w') => {
                    let _ = self.rest_of_line();
                    break;
                }
                Some(_) => return Err("unknown option to `s'"),
            }
            self.at += 1;
        }
        Ok(Substitution {
            regex: self.regex(text, fold)?,
            with,
            global,
            print,
            number: number.max(1),
        })
    }

    fn word(&mut self) -> Vec<u8> {
        self.skip(b" \t");
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| b";\n} ".contains(byte)).unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_vec()
    }

    fn rest_of_line(&mut self) -> Vec<u8> {
        self.skip(b" \t");
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_vec()
    }

    /// `a\` with lines behind it, or `a text`.
    fn added_text(&mut self) -> Vec<u8> {
        self.skip(b" \t");
        if self.peek() == Some(b'\\') {
            self.at += 1;
            self.skip(b" \t");
            if self.peek() == Some(b'\n') {
                self.at += 1;
            }
        }
        let mut text = Vec::new();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\n' => break,
                b'\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                _ => text.push(byte),
            }
        }
        text.push(b'\n');
        text
    }
}
