//! `sed`: addresses, `s y d D p P q Q n N g G h H x = a i c r w l b t T : { }`, `-n -e -E -i -s`.

mod output;

use super::super::regex::Regex;
use super::{Call, Finish, body, lines};

/// Commands run for one line, and jumps backward, so that no script runs for ever.
const STEPS: u32 = 20_000;
/// Bytes of input that allow for a step each.
const INPUT: usize = 256 * 1024;
/// Bytes of pattern and hold space.
const SPACE: usize = 64 * 1024;
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
    let mut reader =
        Reader { text: &script, at: 0, extended: given.has(b'E') || given.has(b'r'), last: None };
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
        let regex = Regex::new(&text, self.extended, fold).map_err(|bad| bad.0)?;
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

/// What one line's commands lead to.
enum Next {
    Line,
    Again,
    Quit(Option<u8>),
}

struct State<'a> {
    pattern: Vec<u8>,
    hold: Vec<u8>,
    input: Vec<&'a [u8]>,
    place: usize,
    out: Vec<u8>,
    appended: Vec<u8>,
    quiet: bool,
    steps: u32,
}

fn run(
    call: &mut Call<'_>,
    orders: &mut [Order],
    bytes: &[u8],
    quiet: bool,
) -> (Vec<u8>, Option<u8>) {
    let input: Vec<&[u8]> = lines(bytes).collect();
    call.cost(input.len() / 8);
    let mut state = State {
        pattern: Vec::new(),
        hold: Vec::new(),
        input,
        place: 0,
        out: Vec::new(),
        appended: Vec::new(),
        quiet,
        steps: STEPS + u32::try_from(bytes.len().min(INPUT)).unwrap_or(0),
    };
    while state.place < state.input.len() && state.out.len() < call.limit {
        state.pattern = body(state.input[state.place]).to_vec();
        state.place += 1;
        loop {
            match state.line(call, orders) {
                Next::Again => {}
                Next::Line => break,
                Next::Quit(status) => return (state.out, Some(status.unwrap_or(0))),
            }
        }
        if state.steps == 0 {
            break;
        }
    }
    (state.out, None)
}

impl State<'_> {
    fn show(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        // The last line of a file without a newline stays without.
        let ended = self.place < self.input.len()
            || self.input.last().is_some_and(|line| line.ends_with(b"\n"));
        if ended {
            self.out.push(b'\n');
        }
    }

    fn end_of_cycle(&mut self, print: bool) {
        if print && !self.quiet {
            let pattern = self.pattern.clone();
            self.show(&pattern);
        }
        let appended = std::mem::take(&mut self.appended);
        self.out.extend(appended);
    }

    fn line(&mut self, call: &mut Call<'_>, orders: &mut [Order]) -> Next {
        let mut at = 0;
        let mut replaced = false;
        while at < orders.len() {
            if self.steps == 0 || self.out.len() > call.limit {
                return Next::Quit(Some(1));
            }
            let weight = 1 + (self.pattern.len() + self.hold.len()) / 256;
            self.steps = self.steps.saturating_sub(u32::try_from(weight).unwrap_or(u32::MAX));
            let chosen = self.chosen(&mut orders[at]);
            let order = &orders[at];
            at += 1;
            if !chosen {
                if order.verb == b'{' {
                    at = order.target + 1;
                }
                continue;
            }
            match order.verb {
                b's' => replaced |= self.substitute(order),
                b'b' => at = jump(orders, &order.text),
                b't' if std::mem::take(&mut replaced) => at = jump(orders, &order.text),
                b'T' if !std::mem::take(&mut replaced) => at = jump(orders, &order.text),
                b'd' => {
                    self.end_of_cycle(false);
                    return Next::Line;
                }
                b'D' => {
                    let Some(end) = self.pattern.iter().position(|byte| *byte == b'\n') else {
                        self.end_of_cycle(false);
                        return Next::Line;
                    };
                    self.pattern.drain(..=end);
                    return Next::Again;
                }
                b'q' | b'Q' => {
                    self.end_of_cycle(order.verb == b'q');
                    return Next::Quit(
                        std::str::from_utf8(&order.text).ok().and_then(|text| text.parse().ok()),
                    );
                }
                b'n' | b'N' if !self.read_next(order.verb) => return Next::Quit(None),
                _ => self.simple(call, order),
            }
            if order.verb == b'c' {
                self.end_of_cycle(false);
                return Next::Line;
            }
        }
        self.end_of_cycle(true);
        Next::Line
    }

    fn read_next(&mut self, verb: u8) -> bool {
        let Some(line) = self.input.get(self.place).map(|line| body(line).to_vec()) else {
            self.end_of_cycle(true);
            return false;
        };
        if verb == b'n' {
            self.end_of_cycle(true);
            self.pattern = line;
        } else {
            self.pattern.push(b'\n');
            self.pattern.extend(line);
            self.pattern.truncate(SPACE);
        }
        self.place += 1;
        true
    }

    fn simple(&mut self, call: &mut Call<'_>, order: &Order) {
        match order.verb {
            b'p' => {
                let pattern = self.pattern.clone();
                self.show(&pattern);
            }
            b'P' => {
                let first =
                    self.pattern.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
                self.show(&first);
            }
            b'=' => self.out.extend(format!("{}\n", self.place).bytes()),
            b'g' => self.pattern = self.hold.clone(),
            b'G' => {
                self.pattern.push(b'\n');
                self.pattern.extend_from_slice(&self.hold);
                self.pattern.truncate(SPACE);
            }
            b'h' => self.hold = self.pattern.clone(),
            b'H' => {
                self.hold.push(b'\n');
                self.hold.extend_from_slice(&self.pattern);
                self.hold.truncate(SPACE);
            }
            b'x' => std::mem::swap(&mut self.pattern, &mut self.hold),
            b'z' => self.pattern.clear(),
            b'a' => self.appended.extend_from_slice(&order.text),
            b'i' | b'c' => self.out.extend_from_slice(&order.text),
            b'r' => {
                let bytes = call.read(&order.text).unwrap_or_default();
                self.appended.extend(bytes);
            }
            b'y' => {
                let (from, to) = order.text.split_at(order.text.len() / 2);
                for byte in &mut self.pattern {
                    if let Some(place) = from.iter().position(|found| found == byte) {
                        *byte = to[place];
                    }
                }
            }
            _ => {}
        }
    }

    fn chosen(&self, order: &mut Order) -> bool {
        let line = self.place as u64;
        let chosen = match (&order.first, &order.second) {
            (None, _) => true,
            (Some(first), None) => self.matches(first, 0),
            (Some(first), Some(second)) => self.in_range(first, second, &mut order.open, line),
        };
        chosen != order.negated
    }

    fn in_range(
        &self,
        first: &Address,
        second: &Address,
        open: &mut Option<u64>,
        line: u64,
    ) -> bool {
        if let Some(start) = *open {
            if self.matches(second, start) {
                *open = None;
            }
            return true;
        }
        if !self.matches(first, 0) {
            return false;
        }
        let over = matches!(second, Address::Line(last) if *last <= line)
            || matches!(second, Address::Plus(0));
        if !over {
            *open = Some(line);
        }
        true
    }

    fn matches(&self, address: &Address, start: u64) -> bool {
        let line = self.place as u64;
        match address {
            Address::Line(number) => {
                if start > 0 {
                    line >= *number
                } else {
                    line == *number
                }
            }
            Address::Last => self.place == self.input.len(),
            Address::Match(regex) => regex.is_match(&self.pattern),
            Address::Step(first, step) => {
                line >= *first
                    && (*step == 0 && line == *first
                        || *step > 0 && (line - first).is_multiple_of(*step))
            }
            Address::Plus(count) => line >= start + count,
        }
    }

    fn substitute(&mut self, order: &Order) -> bool {
        let Some(substitution) = &order.substitution else { return false };
        let text = std::mem::take(&mut self.pattern);
        let (mut made, mut at, mut count, mut changed) = (Vec::new(), 0, 0, false);
        while at <= text.len() && made.len() < SPACE {
            let Some(groups) = substitution.regex.captures(&text, at) else { break };
            let Some((start, end)) = groups[0] else { break };
            count += 1;
            made.extend_from_slice(&text[at..start]);
            if count >= substitution.number {
                replacement(&substitution.with, &text, &groups, &mut made);
                changed = true;
            } else {
                made.extend_from_slice(&text[start..end]);
            }
            if end == start {
                made.extend(text.get(end));
                at = end + 1;
            } else {
                at = end;
            }
            if changed && !substitution.global {
                break;
            }
        }
        made.extend_from_slice(text.get(at..).unwrap_or_default());
        self.pattern = made;
        if changed && substitution.print {
            let pattern = self.pattern.clone();
            self.show(&pattern);
        }
        changed
    }
}

/// `&`, `\1` and escapes in what is put in.
fn replacement(with: &[u8], text: &[u8], groups: &[Option<(usize, usize)>], made: &mut Vec<u8>) {
    let group = |number: usize| {
        groups.get(number).copied().flatten().map_or(&b""[..], |(start, end)| &text[start..end])
    };
    let mut case = 0;
    let mut put = |bytes: &[u8], case: &mut u8| match case {
        b'U' => made.extend(bytes.to_ascii_uppercase()),
        b'L' => made.extend(bytes.to_ascii_lowercase()),
        b'u' | b'l' if !bytes.is_empty() => {
            made.push(if *case == b'u' {
                bytes[0].to_ascii_uppercase()
            } else {
                bytes[0].to_ascii_lowercase()
            });
            made.extend_from_slice(&bytes[1..]);
            *case = 0;
        }
        _ => made.extend_from_slice(bytes),
    };
    let mut bytes = with.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'&' => put(group(0), &mut case),
            b'\\' => match bytes.next() {
                Some(digit @ b'0'..=b'9') => put(group(usize::from(digit - b'0')), &mut case),
                Some(b'n') => put(b"\n", &mut case),
                Some(b't') => put(b"\t", &mut case),
                Some(letter @ (b'U' | b'L' | b'u' | b'l')) => case = letter,
                Some(b'E') => case = 0,
                Some(other) => put(&[other], &mut case),
                None => {}
            },
            byte => put(&[byte], &mut case),
        }
    }
}

fn jump(orders: &[Order], label: &[u8]) -> usize {
    if label.is_empty() {
        return orders.len();
    }
    orders
        .iter()
        .position(|order| order.verb == b':' && order.text == label)
        .unwrap_or(orders.len())
}
