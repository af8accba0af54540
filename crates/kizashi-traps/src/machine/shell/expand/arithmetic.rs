//! `$((…))`: C's operators on 64-bit numbers (XCU 2.6.4), by precedence climbing, nested a bounded number of times.

use super::super::{Kind, Shell, Unwind, name_length};

/// Brackets and operators inside one another, and variables whose values are expressions.
const DEPTH: u32 = 40;

struct Reader<'a> {
    shell: &'a mut Shell,
    text: &'a [u8],
    at: usize,
    depth: u32,
    /// Whether assignments count: not on the side of `&&`, `||` and `?:` that is not taken.
    live: bool,
}

/// Why there is no number.
enum Wrong {
    Syntax,
    Zero,
    Deep,
    Refused(Unwind),
}

const BINARY: [(&[u8], u8); 20] = [
    (b"||", 1),
    (b"&&", 2),
    (b"|", 3),
    (b"^", 4),
    (b"&", 5),
    (b"==", 6),
    (b"!=", 6),
    (b"<=", 7),
    (b">=", 7),
    (b"<<", 8),
    (b">>", 8),
    (b"<", 7),
    (b">", 7),
    (b"+", 9),
    (b"-", 9),
    (b"**", 11),
    (b"*", 10),
    (b"/", 10),
    (b"%", 10),
    (b",", 0),
];

impl Shell {
    /// The value of an expression; says what is wrong with it.
    pub(crate) fn arithmetic(&mut self, text: &[u8]) -> Result<i64, Unwind> {
        self.arithmetic_at(text, 0).map_err(|wrong| {
            let shown = text.trim_ascii();
            let reason: &str = match (&wrong, self.kind) {
                (Wrong::Refused(unwind), _) => return *unwind,
                (Wrong::Zero, Kind::Bash) => "division by 0 (error token is \"0\")",
                (Wrong::Zero, Kind::Dash) => "arithmetic expression: division by zero: ",
                (Wrong::Zero, Kind::Ash) => "divide by zero",
                (Wrong::Deep, _) => "expression recursion level exceeded",
                (Wrong::Syntax, Kind::Bash) => "syntax error: operand expected (error token is \"",
                (Wrong::Syntax, Kind::Dash) => "arithmetic expression: expecting primary: ",
                (Wrong::Syntax, Kind::Ash) => "arithmetic syntax error",
            };
            let mut whole = Vec::new();
            match self.kind {
                Kind::Bash => {
                    whole.extend_from_slice(shown);
                    whole.extend_from_slice(b": ");
                    whole.extend_from_slice(reason.as_bytes());
                    if matches!(wrong, Wrong::Syntax) {
                        let token = shown
                            .iter()
                            .rposition(|byte| b"+-*/%&|^<>=!~".contains(byte))
                            .unwrap_or(0);
                        whole.extend_from_slice(&shown[token..]);
                        whole.extend_from_slice(b"\")");
                    }
                }
                Kind::Dash => {
                    whole.extend_from_slice(reason.as_bytes());
                    whole.push(b'"');
                    whole.extend_from_slice(shown);
                    whole.push(b'"');
                }
                Kind::Ash => whole.extend_from_slice(reason.as_bytes()),
            }
            self.complain(&whole);
            Unwind::Abort(if self.is_bash() { 1 } else { 2 })
        })
    }

    fn arithmetic_at(&mut self, text: &[u8], depth: u32) -> Result<i64, Wrong> {
        if depth > DEPTH {
            return Err(Wrong::Deep);
        }
        let mut reader = Reader { shell: self, text, at: 0, depth, live: true };
        reader.blanks();
        if reader.at == text.len() {
            return Ok(0);
        }
        let value = reader.expression(0)?;
        reader.blanks();
        if reader.at < text.len() { Err(Wrong::Syntax) } else { Ok(value) }
    }
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, text: &[u8]) -> bool {
        self.blanks();
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn operator(&mut self) -> Option<(&'static [u8], u8)> {
        self.blanks();
        let rest = self.rest();
        let (operator, rank) = BINARY
            .iter()
            .filter(|(operator, _)| rest.starts_with(operator))
            .max_by_key(|(operator, _)| operator.len())?;
        // `a = b` and `a += b` are read where a name is.
        let assigns = rest.get(operator.len()) == Some(&b'=')
            && !matches!(
                *operator,
                b"==" | b"!=" | b"<=" | b">=" | b"<" | b">" | b"||" | b"&&" | b","
            );
        (!assigns).then_some((*operator, *rank))
    }

    fn expression(&mut self, least: u8) -> Result<i64, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Wrong::Deep);
        }
        let mut left = self.unary()?;
        while let Some((operator, rank)) = self.operator() {
            if rank < least {
                break;
            }
            self.at += operator.len();
            let was_live = self.live;
            self.live &= !(operator == b"&&" && left == 0 || operator == b"||" && left != 0);
            let live = self.live;
            let right = self.expression(if operator == b"**" { rank } else { rank + 1 })?;
            self.live = was_live;
            left = apply(operator, left, right, live)?;
        }
        self.blanks();
        if least <= 1 && self.peek() == Some(b'?') {
            self.at += 1;
            left = self.choice(left != 0)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn choice(&mut self, condition: bool) -> Result<i64, Wrong> {
        let was_live = self.live;
        self.live = was_live && condition;
        let first = self.expression(1)?;
        if !self.take(b":") {
            return Err(Wrong::Syntax);
        }
        self.live = was_live && !condition;
        let second = self.expression(1)?;
        self.live = was_live;
        Ok(if condition { first } else { second })
    }

    fn unary(&mut self) -> Result<i64, Wrong> {
        self.blanks();
        let rest = self.rest();
        if rest.starts_with(b"++") || rest.starts_with(b"--") {
            let step = if rest.starts_with(b"++") { 1 } else { -1 };
            self.at += 2;
            self.blanks();
            let name = self.name().ok_or(Wrong::Syntax)?;
            let value = self.value(&name)?.wrapping_add(step);
            return self.store(&name, value);
        }
        let sign = match rest.first() {
            Some(sign @ (b'-' | b'+' | b'!' | b'~')) => *sign,
            _ => return self.primary(),
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Wrong::Deep);
        }
        let value = self.unary()?;
        self.depth -= 1;
        Ok(match sign {
            b'-' => value.wrapping_neg(),
            b'!' => i64::from(value == 0),
            b'~' => !value,
            _ => value,
        })
    }

    fn name(&mut self) -> Option<Vec<u8>> {
        let length = name_length(self.rest());
        let name = self.rest().get(..length).filter(|name| !name.is_empty())?.to_vec();
        self.at += length;
        Some(name)
    }

    fn primary(&mut self) -> Result<i64, Wrong> {
        if self.peek() == Some(b'(') {
            self.at += 1;
            let value = self.expression(0)?;
            return if self.take(b")") { Ok(value) } else { Err(Wrong::Syntax) };
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.number();
        }
        let name = self.name().ok_or(Wrong::Syntax)?;
        self.blanks();
        let rest = self.rest();
        if rest.starts_with(b"++") || rest.starts_with(b"--") {
            let step = if rest.starts_with(b"++") { 1 } else { -1 };
            self.at += 2;
            let value = self.value(&name)?;
            self.store(&name, value.wrapping_add(step))?;
            return Ok(value);
        }
        let operators: [&[u8]; 11] =
            [b"<<=", b">>=", b"+=", b"-=", b"*=", b"/=", b"%=", b"&=", b"|=", b"^=", b"="];
        let found = operators
            .into_iter()
            .find(|operator| rest.starts_with(operator))
            .filter(|operator| *operator != b"=" || rest.get(1) != Some(&b'='));
        let Some(operator) = found else { return self.value(&name) };
        self.at += operator.len();
        let right = self.expression(1)?;
        let value = match operator.split_last() {
            Some((_, [])) | None => right,
            Some((_, operator)) => {
                let left = self.value(&name)?;
                apply(operator, left, right, self.live)?
            }
        };
        self.store(&name, value)
    }

    fn value(&mut self, name: &[u8]) -> Result<i64, Wrong> {
        let text = self.shell.scalar(name).unwrap_or_default();
        if let Ok(number) = std::str::from_utf8(&text).unwrap_or("x").trim().parse() {
            let octal = text.len() > 1 && text[0] == b'0';
            if !octal {
                return Ok(number);
            }
        }
        self.shell.arithmetic_at(&text, self.depth + 1)
    }

    fn store(&mut self, name: &[u8], value: i64) -> Result<i64, Wrong> {
        if self.live {
            self.shell.assign(name, value.to_string().as_bytes()).map_err(Wrong::Refused)?;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<i64, Wrong> {
        let rest = self.rest();
        let length =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
        let text = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length;
        let parse = |digits: &str, radix: u32| {
            i64::from_str_radix(digits, radix).map_err(|_| Wrong::Syntax)
        };
        if let Some((base, digits)) = text.split_once('#') {
            let base: u32 =
                base.parse().ok().filter(|base| (2..=36).contains(base)).ok_or(Wrong::Syntax)?;
            return parse(digits, base);
        }
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return parse(digits, 16);
        }
        match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => parse(digits, 8),
            _ => parse(&text, 10),
        }
    }
}

fn apply(operator: &[u8], left: i64, right: i64, live: bool) -> Result<i64, Wrong> {
    let shift = u32::try_from(right & 63).unwrap_or(0);
    Ok(match operator {
        b"||" => i64::from(left != 0 || right != 0),
        b"&&" => i64::from(left != 0 && right != 0),
        b"|" => left | right,
        b"^" => left ^ right,
        b"&" => left & right,
        b"==" => i64::from(left == right),
        b"!=" => i64::from(left != right),
        b"<=" => i64::from(left <= right),
        b">=" => i64::from(left >= right),
        b"<" => i64::from(left < right),
        b">" => i64::from(left > right),
        b"<<" => left.wrapping_shl(shift),
        b">>" => left.wrapping_shr(shift),
        b"+" => left.wrapping_add(right),
        b"-" => left.wrapping_sub(right),
        b"*" => left.wrapping_mul(right),
        b"**" => left.wrapping_pow(u32::try_from(right).unwrap_or(0)),
        b"/" | b"%" if right == 0 => return if live { Err(Wrong::Zero) } else { Ok(0) },
        b"/" => left.wrapping_div(right),
        b"%" => left.wrapping_rem(right),
        _ => right,
    })
}
