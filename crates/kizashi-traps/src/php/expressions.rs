//! Expressions: what each comes to, and the places that can be assigned to.

use std::sync::Arc;

use super::evaluate::{Interpreter, Stop};
use super::syntax::{Expression, Operator};
use super::value::{Array, Key, LONGEST, Value};
use super::{Wish, functions};

impl Interpreter<'_> {
    #[expect(clippy::too_many_lines, reason = "one flat match over the kinds of expression")]
    pub(super) fn value(&mut self, expression: &Expression) -> Result<Value, Stop> {
        self.step(1)?;
        Ok(match expression {
            Expression::Value(value) => {
                self.step(value.size() / 64)?;
                value.clone()
            }
            Expression::Template(parts) => {
                let mut text = Vec::new();
                for part in parts {
                    text.extend(self.value(part)?.text());
                    self.fits(text.len())?;
                }
                Value::Text(text)
            }
            Expression::Variable(name) if name == b"GLOBALS" => {
                let all = self.variables().clone();
                self.step(all.len())?;
                let mut array = Array::default();
                all.into_iter().for_each(|(name, value)| array.set(Key::Text(name), value));
                Value::Array(array)
            }
            Expression::Variable(name) => {
                let value = self.slot(name).clone();
                self.step(value.size() / 64)?;
                value
            }
            Expression::Named(inner) => {
                let name = self.value(inner)?.text();
                self.slot(&name).clone()
            }
            Expression::Constant(name) => functions::constant(self, name),
            Expression::Index(of, key) => self.index(of, key.as_deref())?,
            Expression::Property => Value::Null,
            Expression::Array(items) => {
                let mut array = Array::default();
                for (key, value) in items {
                    let key = key.as_ref().map(|key| self.value(key)).transpose()?;
                    let value = self.value(value)?;
                    match key {
                        Some(key) => array.set(Key::of(&key), value),
                        None => array.push(value),
                    }
                }
                Value::Array(array)
            }
            Expression::Chain(first, chain) => self.chain(first, chain)?,
            Expression::Not(inner) => Value::Bool(!self.value(inner)?.truth()),
            Expression::Invert(inner) => match self.value(inner)? {
                Value::Text(text) => Value::Text(text.iter().map(|byte| !byte).collect()),
                other => Value::Integer(!other.integer()),
            },
            Expression::Minus(inner) => match self.value(inner)?.number() {
                Value::Integer(number) => Value::Integer(number.wrapping_neg()),
                other => Value::Real(-other.real()),
            },
            Expression::Cast(kind, inner) => cast(kind, self.value(inner)?),
            Expression::Assign(target, operator, value) => {
                let mut value = self.value(value)?;
                if let Some(operator) = operator {
                    let before = self.value(target)?;
                    value = match operator {
                        Operator::Otherwise if before == Value::Null => value,
                        Operator::Otherwise => before,
                        operator => self.calculate(*operator, before, value)?,
                    };
                }
                self.step(value.size() / 64)?;
                self.assign(target, value.clone())?;
                value
            }
            Expression::Change(target, by, after) => {
                let before = self.value(target)?;
                let changed = Value::Integer(before.integer().wrapping_add(*by));
                self.assign(target, changed.clone())?;
                if *after { before } else { changed }
            }
            Expression::Choose(condition, yes, no) => {
                let condition = self.value(condition)?;
                match (condition.truth(), yes) {
                    (true, Some(yes)) => self.value(yes)?,
                    (true, None) => condition,
                    (false, _) => self.value(no)?,
                }
            }
            Expression::Call(target, arguments) => self.call(target, arguments)?,
            Expression::Method(name, arguments) => {
                let mut values = Vec::new();
                for argument in arguments {
                    values.push(self.value(argument)?);
                }
                functions::method(self, name, &values)?
            }
            Expression::Command(inner) => {
                let command = self.value(inner)?.text();
                Value::Text(self.command(command)?)
            }
            Expression::Isset(list) => {
                for expression in list {
                    if self.value(expression)? == Value::Null {
                        return Ok(Value::Bool(false));
                    }
                }
                Value::Bool(true)
            }
            Expression::Empty(inner) => Value::Bool(!self.value(inner)?.truth()),
            Expression::Print(inner) => {
                let text = self.value(inner)?.text();
                self.print(&text)?;
                Value::Integer(1)
            }
            Expression::Exit(value) => {
                if let Some(value) = value {
                    let value = self.value(value)?;
                    if !matches!(value, Value::Integer(_)) {
                        self.print(&value.text())?;
                    }
                }
                return Err(Stop::Exit);
            }
            Expression::Eval(inner) => {
                let text = self.value(inner)?.text();
                self.evaluate(&text, true)?
            }
            Expression::Include(inner) => {
                let path = self.value(inner)?.text();
                match functions::read(self, &path)? {
                    Some(text) => self.evaluate(&text, false)?,
                    None => Value::Bool(false),
                }
            }
            Expression::Closure(function) => {
                let mut captured = std::collections::HashMap::new();
                if function.short {
                    captured = self.variables().clone();
                    self.step(captured.len())?;
                }
                for name in &function.uses {
                    captured.insert(name.clone(), self.slot(name).clone());
                }
                if self.closures.len() >= 50 {
                    return Err(Stop::Exhausted);
                }
                self.closures.push((Arc::clone(function), captured));
                Value::Closure(self.closures.len() - 1)
            }
        })
    }

    /// An expression whose value nobody wants: what is added to a text is not copied for it.
    pub(super) fn effect(&mut self, expression: &Expression) -> Result<(), Stop> {
        if let Expression::Assign(target, Some(Operator::Concatenate), value) = expression
            && matches!(**target, Expression::Variable(_))
        {
            let more = self.value(value)?.text();
            self.step(1 + more.len() / 64)?;
            let place = self.place(target)?;
            if !matches!(place, Value::Text(_)) {
                *place = Value::Text(place.text());
            }
            let Value::Text(text) = place else { return Ok(()) };
            text.extend(more);
            let length = text.len();
            return self.fits(length);
        }
        self.value(expression).map(|_| ())
    }

    /// Whether a text of this length may be made.
    pub(super) fn fits(&mut self, length: usize) -> Result<(), Stop> {
        if length > LONGEST { Err(Stop::Exhausted) } else { Ok(()) }
    }

    /// A command's output.
    pub(super) fn command(&mut self, command: Vec<u8>) -> Result<Vec<u8>, Stop> {
        if command.is_empty() {
            return Ok(Vec::new());
        }
        match self.ask(&Wish::Command(command))? {
            super::Given::Bytes(output) => Ok(output.unwrap_or_default()),
            _ => Ok(Vec::new()),
        }
    }

    fn index(&mut self, of: &Expression, key: Option<&Expression>) -> Result<Value, Stop> {
        let key = key.map_or(Ok(Value::Null), |key| self.value(key))?;
        // A variable is looked at where it is, so that a large array is not copied for one member.
        let of = match of {
            Expression::Variable(name) if name != b"GLOBALS" => self.slot(name),
            other => &mut self.value(other)?,
        };
        Ok(match of {
            Value::Array(array) => array.get(&Key::of(&key)).cloned().unwrap_or_default(),
            Value::Text(text) => {
                let at = key.integer();
                let at = if at < 0 { at + text.len() as i64 } else { at };
                let byte = usize::try_from(at).ok().and_then(|at| text.get(at));
                byte.map_or(Value::Null, |byte| Value::Text(vec![*byte]))
            }
            _ => Value::Null,
        })
    }

    /// The place that an expression names.
    pub(super) fn place(&mut self, expression: &Expression) -> Result<&mut Value, Stop> {
        self.step(1)?;
        match expression {
            Expression::Variable(name) => Ok(self.slot(name)),
            Expression::Named(inner) => {
                let name = self.value(inner)?.text();
                Ok(self.slot(&name))
            }
            Expression::Index(of, None) => {
                let place = self.array_at(of)?;
                place.push(Value::Null);
                place.items.last_mut().map(|(_, value)| value).ok_or(Stop::Exhausted)
            }
            Expression::Index(of, Some(key)) => {
                let key = self.value(key)?;
                if matches!(&**of, Expression::Variable(name) if name == b"GLOBALS") {
                    return Ok(self.slot(&key.text()));
                }
                let array = self.array_at(of)?;
                let key = Key::of(&key);
                if array.get(&key).is_none() {
                    array.set(key.clone(), Value::Null);
                }
                array.slot(&key).ok_or(Stop::Exhausted)
            }
            // What cannot be assigned to.
            _ => Ok(self.slot(b"")),
        }
    }

    fn array_at(&mut self, of: &Expression) -> Result<&mut Array, Stop> {
        let place = self.place(of)?;
        if !matches!(place, Value::Array(_)) {
            *place = Value::Array(Array::default());
        }
        match place {
            Value::Array(array) => Ok(array),
            _ => Err(Stop::Exhausted),
        }
    }

    pub(super) fn assign(&mut self, target: &Expression, value: Value) -> Result<(), Stop> {
        if let Expression::Array(items) = target {
            let Value::Array(array) = value else { return Ok(()) };
            for (place, (key, target)) in items.iter().enumerate() {
                let key = match key {
                    Some(key) => Key::of(&self.value(key)?),
                    None => Key::Integer(place as i64),
                };
                let member = array.get(&key).cloned().unwrap_or_default();
                self.assign(target, member)?;
            }
            return Ok(());
        }
        // `$text[0] = 'x'`.
        if let Expression::Index(of, Some(key)) = target {
            let at = usize::try_from(self.value(key)?.integer()).ok();
            if let (Value::Text(text), Some(at)) = (self.place(of)?, at)
                && !text.is_empty()
            {
                if let (Some(slot), Some(byte)) = (text.get_mut(at), value.text().first()) {
                    *slot = *byte;
                }
                return Ok(());
            }
        }
        *self.place(target)? = value;
        Ok(())
    }

    fn chain(
        &mut self,
        first: &Expression,
        chain: &[(Operator, Expression)],
    ) -> Result<Value, Stop> {
        let mut left = self.value(first)?;
        for (operator, right) in chain {
            left = match operator {
                Operator::Or => Value::Bool(left.truth() || self.value(right)?.truth()),
                Operator::And => Value::Bool(left.truth() && self.value(right)?.truth()),
                Operator::Otherwise if left == Value::Null => self.value(right)?,
                Operator::Otherwise => left,
                operator => {
                    let right = self.value(right)?;
                    self.calculate(*operator, left, right)?
                }
            };
        }
        Ok(left)
    }

    fn calculate(&mut self, operator: Operator, a: Value, b: Value) -> Result<Value, Stop> {
        use Operator as O;
        self.step(1)?;
        Ok(match operator {
            O::Concatenate => {
                let mut text = match a {
                    Value::Text(text) => text,
                    other => other.text(),
                };
                text.extend(b.text());
                self.step(text.len() / 512)?;
                self.fits(text.len())?;
                Value::Text(text)
            }
            O::Xor => Value::Bool(a.truth() != b.truth()),
            O::Equal => Value::Bool(a.equals(&b)),
            O::Unequal => Value::Bool(!a.equals(&b)),
            O::Same => Value::Bool(a == b),
            O::Different => Value::Bool(a != b),
            O::Less => Value::Bool(a.order(&b).is_lt()),
            O::LessEqual => Value::Bool(a.order(&b).is_le()),
            O::Greater => Value::Bool(a.order(&b).is_gt()),
            O::GreaterEqual => Value::Bool(a.order(&b).is_ge()),
            O::Order => Value::Integer(a.order(&b) as i64),
            O::BitXor | O::BitAnd | O::BitOr => bitwise(operator, &a, &b),
            O::Add if matches!((&a, &b), (Value::Array(_), Value::Array(_))) => {
                let (Value::Array(mut all), Value::Array(more)) = (a, b) else {
                    return Ok(Value::Null);
                };
                for (key, value) in more.items {
                    if all.get(&key).is_none() {
                        all.set(key, value);
                    }
                }
                Value::Array(all)
            }
            _ => number(operator, &a.number(), &b.number()),
        })
    }

    fn call(&mut self, target: &Expression, arguments: &[Expression]) -> Result<Value, Stop> {
        if let Expression::Constant(name) = target {
            return functions::call(self, &name.to_ascii_lowercase(), arguments);
        }
        let callee = self.value(target)?;
        match callee {
            Value::Text(name) => functions::call(self, &name.to_ascii_lowercase(), arguments),
            other => {
                let mut values = Vec::new();
                for argument in arguments {
                    values.push(self.value(argument)?);
                }
                functions::call_value(self, &other, values)
            }
        }
    }
}

fn bitwise(operator: Operator, a: &Value, b: &Value) -> Value {
    let act = |a: i64, b: i64| match operator {
        Operator::BitXor => a ^ b,
        Operator::BitAnd => a & b,
        _ => a | b,
    };
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => {
            // Byte by byte, which is how many shells hide their words.
            let pairs = a.iter().zip(b);
            Value::Text(
                pairs.map(|(a, b)| (act(i64::from(*a), i64::from(*b)) & 255) as u8).collect(),
            )
        }
        _ => Value::Integer(act(a.integer(), b.integer())),
    }
}

fn number(operator: Operator, a: &Value, b: &Value) -> Value {
    use Operator as O;
    if let (Value::Integer(a), Value::Integer(b)) = (a, b) {
        let shift = u32::try_from(*b).unwrap_or(64);
        let whole = match operator {
            O::Add => a.checked_add(*b),
            O::Subtract => a.checked_sub(*b),
            O::Multiply => a.checked_mul(*b),
            O::Modulo => return a.checked_rem(*b).map_or(Value::Bool(false), Value::Integer),
            O::Power => u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)),
            O::Left => return Value::Integer(a.checked_shl(shift).unwrap_or(0)),
            O::Right => return Value::Integer(a.checked_shr(shift).unwrap_or(0)),
            _ => a.checked_rem(*b).filter(|rest| *rest == 0).and_then(|_| a.checked_div(*b)),
        };
        if let Some(whole) = whole {
            return Value::Integer(whole);
        }
    }
    let (a, b) = (a.real(), b.real());
    Value::Real(match operator {
        O::Add => a + b,
        O::Subtract => a - b,
        O::Multiply => a * b,
        O::Power => a.powf(b),
        O::Modulo => a % b,
        _ => a / b,
    })
}

fn cast(kind: &str, value: Value) -> Value {
    match kind {
        "int" => Value::Integer(value.integer()),
        "string" => Value::Text(value.text()),
        "bool" => Value::Bool(value.truth()),
        "float" => Value::Real(value.real()),
        _ => match value {
            Value::Array(_) => value,
            Value::Null => Value::Array(Array::default()),
            other => Value::Array(Array::list([other])),
        },
    }
}
