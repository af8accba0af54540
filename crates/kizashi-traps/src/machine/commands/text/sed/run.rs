//! Runs a `sed` script over its input: pattern space, hold space, addresses, substitutions.

use super::super::{Call, body, lines};
use super::{Address, Order};

/// Bytes of pattern and hold space.
const SPACE: usize = 64 * 1024;
/// Units of the meter for an order.
const ORDER: usize = 8;

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
}

pub(super) fn run(
    call: &mut Call<'_>,
    orders: &mut [Order],
    bytes: &[u8],
    quiet: bool,
) -> (Vec<u8>, Option<u8>) {
    let input: Vec<&[u8]> = lines(bytes).collect();
    let mut state = State {
        pattern: Vec::new(),
        hold: Vec::new(),
        input,
        place: 0,
        out: Vec::new(),
        appended: Vec::new(),
        quiet,
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
            if self.out.len() > call.limit {
                return Next::Quit(Some(1));
            }
            if !call.work(ORDER + (self.pattern.len() + self.hold.len()) / 16) {
                return Next::Quit(Some(1));
            }
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
