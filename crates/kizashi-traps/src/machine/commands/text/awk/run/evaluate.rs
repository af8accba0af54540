//! Expressions and awk's own functions.

use super::super::parser::{Expression, Place};
use super::super::value::Value;
use super::{Machine, Ran, Stop, VALUE};

impl Machine<'_, '_> {
    pub(super) fn evaluate(&mut self, expression: &Expression) -> Ran<Value> {
        self.step()?;
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Regex(text) => {
                let record = self.record();
                truth(self.regex(text).is_some_and(|regex| regex.is_match(&record)))
            }
            Expression::Place(place) => self.load(place)?,
            Expression::Assign(sign, place, right) => {
                let right = self.evaluate(right)?;
                let value = match sign.strip_suffix('=') {
                    Some("") | None => right,
                    Some(operator) => {
                        let left = self.load(place)?.number();
                        Value::Number(self.arithmetic(operator, left, right.number())?)
                    }
                };
                self.store(place, value)?
            }
            Expression::Step(before, step, place) => {
                let old = self.load(place)?.number();
                self.store(place, Value::Number(old + step))?;
                Value::Number(if *before { old + step } else { old })
            }
            Expression::Unary(sign, inner) => {
                let value = self.evaluate(inner)?;
                match *sign {
                    "!" => truth(!value.holds()),
                    "-" => Value::Number(-value.number()),
                    "+" => Value::Number(value.number()),
                    _ => value,
                }
            }
            Expression::Binary(sign, left, right) => self.binary(sign, left, right)?,
            Expression::Match(negated, left, right) => {
                let text = self.evaluate(left)?.text();
                let pattern = self.pattern(right)?;
                truth(self.regex(&pattern).is_some_and(|regex| regex.is_match(&text)) != *negated)
            }
            Expression::In(index, name) => {
                let key = self.key(index)?;
                truth(self.arrays.get(name).is_some_and(|array| array.contains_key(&key)))
            }
            Expression::Choice(condition, first, second) => {
                let chosen = if self.evaluate(condition)?.holds() { first } else { second };
                self.evaluate(chosen)?
            }
            Expression::Call(name, arguments) => self.function(name, arguments)?,
        })
    }

    /// An expression as a pattern: a regular expression's own text, or a value's.
    fn pattern(&mut self, expression: &Expression) -> Ran<Vec<u8>> {
        match expression {
            Expression::Regex(text) => Ok(text.clone()),
            other => Ok(self.evaluate(other)?.text()),
        }
    }

    fn binary(&mut self, sign: &str, left: &Expression, right: &Expression) -> Ran<Value> {
        if sign == "&&" || sign == "||" {
            let first = self.evaluate(left)?.holds();
            let decided = (sign == "||") == first;
            return Ok(truth(if decided { first } else { self.evaluate(right)?.holds() }));
        }
        let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
        if sign == " " {
            let text = [left.text(), right.text()].concat();
            self.charge(text.len());
            return if text.len() > VALUE { Err(Stop::Spent) } else { Ok(Value::Text(text)) };
        }
        if matches!(sign, "<" | "<=" | "==" | "!=" | ">=" | ">") {
            let order = if left.is_number() && right.is_number() {
                left.number().partial_cmp(&right.number()).unwrap_or(std::cmp::Ordering::Less)
            } else {
                left.text().cmp(&right.text())
            };
            return Ok(truth(match sign {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                _ => order.is_gt(),
            }));
        }
        Ok(Value::Number(self.arithmetic(sign, left.number(), right.number())?))
    }

    fn arithmetic(&self, sign: &str, left: f64, right: f64) -> Ran<f64> {
        Ok(match sign {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" | "%" if right == 0.0 => {
                return Err(Stop::Fault(
                    if sign == "/" { "division by zero" } else { "division by zero in %" }
                        .to_owned(),
                ));
            }
            "/" => left / right,
            "%" => left % right,
            _ => left.powf(right),
        })
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one flat sequence of the tool's own options and texts"
    )]
    fn function(&mut self, name: &[u8], arguments: &[Expression]) -> Ran<Value> {
        match name {
            b"sub" | b"gsub" => return self.substitute(name == b"gsub", arguments),
            b"split" => return self.split_into(arguments),
            b"match" => return self.matched(arguments),
            b"length" => {
                if let Some(Expression::Place(Place::Variable(name))) = arguments.first()
                    && let Some(array) = self.arrays.get(name)
                {
                    return Ok(Value::Number(array.len() as f64));
                }
            }
            _ => {}
        }
        let values =
            arguments.iter().map(|argument| self.evaluate(argument)).collect::<Ran<Vec<_>>>()?;
        let text = |place: usize| values.get(place).map(Value::text).unwrap_or_default();
        let number = |place: usize| values.get(place).map_or(0.0, Value::number);
        Ok(match name {
            b"length" => {
                Value::Number(
                    if values.is_empty() { self.record().len() } else { text(0).len() } as f64
                )
            }
            b"substr" => {
                let text = text(0);
                let start = number(1).round();
                let end = if values.len() > 2 { start + number(2).round() } else { f64::INFINITY };
                let from = (start.max(1.0) - 1.0).min(text.len() as f64) as usize;
                let to = ((end - 1.0).max(0.0).min(text.len() as f64) as usize).max(from);
                Value::Text(text[from..to].to_vec())
            }
            b"index" => {
                let (text, part) = (text(0), text(1));
                let place = if part.is_empty() {
                    Some(0)
                } else {
                    text.windows(part.len()).position(|window| window == part)
                };
                Value::Number(place.map_or(0.0, |place| place as f64 + 1.0))
            }
            b"sprintf" => {
                let texts: Vec<Vec<u8>> = values.iter().map(Value::text).collect();
                Value::Text(self.formatted(&texts))
            }
            b"tolower" => Value::Text(text(0).to_ascii_lowercase()),
            b"toupper" => Value::Text(text(0).to_ascii_uppercase()),
            b"int" => Value::Number(number(0).trunc()),
            b"sqrt" => Value::Number(number(0).sqrt()),
            b"exp" => Value::Number(number(0).exp()),
            b"log" => Value::Number(number(0).ln()),
            b"sin" => Value::Number(number(0).sin()),
            b"cos" => Value::Number(number(0).cos()),
            b"atan2" => Value::Number(number(0).atan2(number(1))),
            b"rand" => {
                self.seed = self
                    .seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                Value::Number((self.seed >> 11) as f64 / (1_u64 << 53) as f64)
            }
            b"srand" => {
                let old = self.seed;
                self.seed = if values.is_empty() {
                    self.call.kernel.seconds().unsigned_abs()
                } else {
                    number(0) as u64
                };
                Value::Number(old as f64)
            }
            b"systime" => Value::Number(self.call.kernel.seconds() as f64),
            b"system" => {
                self.call.kernel.note("awk system", &text(0));
                Value::Number(0.0)
            }
            b"close" | b"fflush" => Value::Number(0.0),
            other => {
                return Err(Stop::Fault(format!(
                    "function {} never defined",
                    String::from_utf8_lossy(other)
                )));
            }
        })
    }

    fn substitute(&mut self, all: bool, arguments: &[Expression]) -> Ran<Value> {
        let [pattern, with, rest @ ..] = arguments else { return Ok(Value::Number(0.0)) };
        let pattern = self.pattern(pattern)?;
        let with = self.evaluate(with)?.text();
        let place = match rest.first() {
            Some(Expression::Place(place)) => place.clone(),
            _ => Place::Field(Box::new(Expression::Number(0.0))),
        };
        let text = self.load(&place)?.text();
        let Some(regex) = self.regex(&pattern) else { return Ok(Value::Number(0.0)) };
        let (mut made, mut at, mut count) = (Vec::new(), 0, 0);
        while at <= text.len() && made.len() < VALUE {
            self.step()?;
            let Some((start, end)) = regex.find(&text, at) else { break };
            count += 1;
            made.extend_from_slice(&text[at..start]);
            let mut bytes = with.iter().copied();
            while let Some(byte) = bytes.next() {
                match byte {
                    b'&' => made.extend_from_slice(&text[start..end]),
                    b'\\' => made.extend(bytes.next()),
                    byte => made.push(byte),
                }
            }
            if end == start {
                made.extend(text.get(end));
                at = end + 1;
            } else {
                at = end;
            }
            if !all {
                break;
            }
        }
        made.extend_from_slice(text.get(at..).unwrap_or_default());
        if count > 0 {
            self.store(&place, Value::Text(made))?;
        }
        Ok(Value::Number(f64::from(count)))
    }

    fn split_into(&mut self, arguments: &[Expression]) -> Ran<Value> {
        let [text, Expression::Place(Place::Variable(name)), rest @ ..] = arguments else {
            return Ok(Value::Number(0.0));
        };
        let text = self.evaluate(text)?.text();
        let separator = match rest.first() {
            Some(separator) => Some(self.pattern(separator)?),
            None => None,
        };
        let parts = self.split(&text, separator);
        let name = name.clone();
        self.delete(&name, None)?;
        for (place, part) in parts.iter().enumerate() {
            self.store_member(
                &name,
                (place + 1).to_string().into_bytes(),
                Value::Input(part.clone()),
            )?;
        }
        Ok(Value::Number(parts.len() as f64))
    }

    fn matched(&mut self, arguments: &[Expression]) -> Ran<Value> {
        let [text, pattern, ..] = arguments else { return Ok(Value::Number(0.0)) };
        let text = self.evaluate(text)?.text();
        let pattern = self.pattern(pattern)?;
        let found = self.regex(&pattern).and_then(|regex| regex.find(&text, 0));
        let (start, length) =
            found.map_or((0.0, -1.0), |(start, end)| (start as f64 + 1.0, (end - start) as f64));
        self.variables.insert(b"RSTART".to_vec(), Value::Number(start));
        self.variables.insert(b"RLENGTH".to_vec(), Value::Number(length));
        Ok(Value::Number(start))
    }
}

fn truth(holds: bool) -> Value {
    Value::Number(f64::from(u8::from(holds)))
}
