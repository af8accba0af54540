//! Functions that `awk` has: texts, numbers, time.

use super::evaluate::{bounded, truth};
use super::format::sprintf;
use super::run::{Flow, LENGTH, Machine, special};
use super::syntax::{Expression, Slot};
use super::value::Value;
use crate::machine::world::calendar;

impl Machine<'_, '_> {
    pub(super) fn builtin(&mut self, name: &str, arguments: &[Expression]) -> Result<Value, Flow> {
        match name {
            "length" | "substr" | "index" | "split" | "sub" | "gsub" | "match" | "sprintf"
            | "tolower" | "toupper" => self.of_texts(name, arguments),
            "system" => {
                let command = match arguments.first() {
                    Some(command) => self.text(command)?,
                    None => Vec::new(),
                };
                self.commands.push((command, Vec::new()));
                if self.commands.len() > 16 { Err(Flow::Exit) } else { Ok(Value::Number(0.0)) }
            }
            "close" => {
                if let Some(file) = arguments.first() {
                    let name = self.text(file)?;
                    self.files.remove(&name);
                }
                Ok(Value::Number(0.0))
            }
            "fflush" => Ok(Value::Number(0.0)),
            _ => self.of_numbers(name, arguments),
        }
    }

    fn argument(&mut self, arguments: &[Expression], place: usize) -> Result<Option<Value>, Flow> {
        arguments.get(place).map(|argument| self.evaluate(argument)).transpose()
    }

    fn of_numbers(&mut self, name: &str, arguments: &[Expression]) -> Result<Value, Flow> {
        let first = self.argument(arguments, 0)?;
        let value = first.as_ref().map_or(0.0, Value::number);
        #[allow(clippy::cast_precision_loss, reason = "53 bits are what a number has")]
        Ok(Value::Number(match name {
            "sin" => value.sin(),
            "cos" => value.cos(),
            "atan2" => {
                value.atan2(self.argument(arguments, 1)?.map_or(0.0, |second| second.number()))
            }
            "exp" => value.exp(),
            "log" => value.ln(),
            "sqrt" => value.sqrt(),
            "int" => value.trunc(),
            "rand" => {
                self.seed = self
                    .seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (self.seed >> 11) as f64 / (1_u64 << 53) as f64
            }
            "srand" => {
                let before = self.seed;
                self.seed =
                    if first.is_some() { value.to_bits() } else { self.call.kernel.random() };
                (before >> 40) as f64
            }
            "systime" => self.call.kernel.seconds() as f64,
            "strftime" => return self.strftime(first, arguments),
            _ => 0.0,
        }))
    }

    fn strftime(&mut self, format: Option<Value>, arguments: &[Expression]) -> Result<Value, Flow> {
        let format = format.map_or_else(|| b"%c".to_vec(), |format| format.text(b"%.6g"));
        #[allow(clippy::cast_possible_truncation, reason = "a time")]
        let seconds = match self.argument(arguments, 1)? {
            Some(seconds) => seconds.number().clamp(-1e11, 1e11) as i64,
            None => self.call.kernel.seconds(),
        };
        let now = calendar(seconds);
        let mut text = String::new();
        let mut bytes = format.iter();
        while let Some(byte) = bytes.next() {
            if *byte != b'%' {
                text.push(char::from(*byte));
                continue;
            }
            text.push_str(&match bytes.next() {
                Some(b'Y') => now.year.to_string(),
                Some(b'm') => format!("{:02}", now.month),
                Some(b'd') => format!("{:02}", now.day),
                Some(b'H') => format!("{:02}", now.hour),
                Some(b'M') => format!("{:02}", now.minute),
                Some(b'S') => format!("{:02}", now.second),
                Some(b'F') => format!("{}-{:02}-{:02}", now.year, now.month, now.day),
                Some(b'T') => format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second),
                Some(b's') => seconds.to_string(),
                Some(b'a') => now.short_day().to_owned(),
                Some(b'b') => now.short_month().to_owned(),
                Some(b'c') => format!(
                    "{} {} {:2} {:02}:{:02}:{:02} {}",
                    now.short_day(),
                    now.short_month(),
                    now.day,
                    now.hour,
                    now.minute,
                    now.second,
                    now.year
                ),
                Some(b'%') | None => "%".to_owned(),
                Some(other) => format!("%{}", char::from(*other)),
            });
        }
        Ok(Value::Text(text.into_bytes()))
    }

    fn of_texts(&mut self, name: &str, arguments: &[Expression]) -> Result<Value, Flow> {
        match name {
            "sprintf" => Ok(Value::Text(self.formatted(arguments)?)),
            "sub" | "gsub" => self.substitute(name == "gsub", arguments),
            "split" => self.split(arguments),
            "match" => self.match_text(arguments),
            "length" => self.length(arguments),
            _ => {
                let conversion = self.text_of(special::CONVFMT);
                let text = self.argument(arguments, 0)?.unwrap_or_default().text(&conversion);
                match name {
                    "tolower" => Ok(Value::Text(text.to_ascii_lowercase())),
                    "toupper" => Ok(Value::Text(text.to_ascii_uppercase())),
                    "index" => {
                        let wanted =
                            self.argument(arguments, 1)?.unwrap_or_default().text(&conversion);
                        let found = if wanted.is_empty() {
                            Some(0)
                        } else {
                            text.windows(wanted.len()).position(|window| window == wanted)
                        };
                        Ok(place(found))
                    }
                    _ => self.substr(&text, arguments),
                }
            }
        }
    }

    fn length(&mut self, arguments: &[Expression]) -> Result<Value, Flow> {
        #[allow(clippy::cast_precision_loss, reason = "bounded")]
        let number = |length: usize| Value::Number(length as f64);
        let Some(argument) = arguments.first() else {
            return Ok(number(self.whole_record().len()));
        };
        if let Expression::Variable(slot) = argument
            && self.is_array(*slot)
        {
            return Ok(number(self.array(*slot).borrow().len()));
        }
        Ok(number(self.text(argument)?.len()))
    }

    fn is_array(&self, slot: Slot) -> bool {
        let cell = match slot {
            Slot::Global(place) => self.globals.get(place),
            Slot::Local(place) => self.frames.last().and_then(|frame| frame.get(place)),
        };
        matches!(cell, Some(super::run::Cell::Array(_)))
    }

    fn substr(&mut self, text: &[u8], arguments: &[Expression]) -> Result<Value, Flow> {
        let begin = self.argument(arguments, 1)?.map_or(1.0, |value| value.number()).round();
        let length =
            self.argument(arguments, 2)?.map_or(f64::INFINITY, |value| value.number().round());
        let end = bounded(begin + length, text.len() + 1).max(1);
        let begin = bounded(begin, text.len() + 1).max(1);
        Ok(Value::Text(text.get(begin - 1..end.max(begin) - 1).unwrap_or_default().to_vec()))
    }

    fn split(&mut self, arguments: &[Expression]) -> Result<Value, Flow> {
        let [text, Expression::Variable(slot), ..] = arguments else {
            return Ok(Value::Number(0.0));
        };
        let text = self.text(text)?;
        let parts = match arguments.get(2) {
            None => {
                let separator = self.text_of(special::FS);
                self.split_text(&text, &separator)
            }
            Some(Expression::Regex(regex)) => super::evaluate_split(regex, &text),
            Some(other) => {
                let separator = self.text(other)?;
                self.split_text(&text, &separator)
            }
        };
        let array = self.array(*slot);
        array.borrow_mut().clear();
        #[allow(clippy::cast_precision_loss, reason = "bounded")]
        let count = parts.len() as f64;
        for (place, part) in parts.into_iter().enumerate() {
            self.grow()?;
            array.borrow_mut().insert((place + 1).to_string().into_bytes(), Value::Input(part));
        }
        Ok(Value::Number(count))
    }

    fn match_text(&mut self, arguments: &[Expression]) -> Result<Value, Flow> {
        let [text, regex, ..] = arguments else { return Ok(Value::Number(0.0)) };
        let text = self.text(text)?;
        let found = self.regex(regex)?.find(&text, 0);
        let start = place(found.map(|(start, _)| start));
        #[allow(clippy::cast_precision_loss, reason = "bounded")]
        let length = found.map_or(-1.0, |(start, end)| (end - start) as f64);
        self.set(Slot::Global(special::RSTART), start.clone());
        self.set(Slot::Global(special::RLENGTH), Value::Number(length));
        Ok(start)
    }

    fn substitute(&mut self, all: bool, arguments: &[Expression]) -> Result<Value, Flow> {
        let [regex, with, ..] = arguments else { return Ok(Value::Number(0.0)) };
        let regex = self.regex(regex)?;
        let with = self.text(with)?;
        let whole = Expression::Field(Box::new(Expression::Number(0.0)));
        let target = arguments.get(2).unwrap_or(&whole);
        let text = self.text(target)?;
        let (mut changed, mut from, mut count) = (Vec::new(), 0, 0.0);
        let mut last = None;
        while let Some((start, end)) = regex.find(&text, from).filter(|_| all || count == 0.0) {
            changed.extend_from_slice(&text[from..start]);
            if start == end && last == Some(start) {
                // An empty match right behind another one is none.
            } else {
                changed.extend(replacement(&with, &text[start..end]));
                count += 1.0;
            }
            last = Some(end);
            from = end;
            if start == end {
                let Some(byte) = text.get(end) else { break };
                changed.push(*byte);
                from = end + 1;
            }
            if changed.len() > LENGTH {
                break;
            }
        }
        changed.extend_from_slice(text.get(from..).unwrap_or_default());
        changed.truncate(LENGTH);
        if count > 0.0 {
            self.store(target, Value::Text(changed))?;
        }
        Ok(Value::Number(count))
    }

    /// `printf`'s arguments as text.
    pub(super) fn formatted(&mut self, arguments: &[Expression]) -> Result<Vec<u8>, Flow> {
        let Some((format, values)) = arguments.split_first() else { return Ok(Vec::new()) };
        let format = self.text(format)?;
        let mut given = Vec::with_capacity(values.len());
        for value in values {
            given.push(self.evaluate(value)?);
        }
        Ok(sprintf(&format, &given, &self.text_of(special::CONVFMT)))
    }
}

fn place(found: Option<usize>) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "bounded")]
    found.map_or_else(|| truth(false), |place| Value::Number((place + 1) as f64))
}

/// What stands for a match: `&` is the match itself.
fn replacement(with: &[u8], matched: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(with.len());
    let mut bytes = with.iter().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(b'&' | b'\\')) => text.extend(bytes.next()),
            (b'&', _) => text.extend_from_slice(matched),
            _ => text.push(*byte),
        }
    }
    text
}
