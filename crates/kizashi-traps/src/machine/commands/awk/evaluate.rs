//! Values of `awk`'s expressions, its variables and its fields.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::regex::Regex;
use super::run::{Array, CALLS, Cell, ELEMENTS, Flow, LENGTH, Machine, Reader, special};
use super::syntax::{Expression, Operator, Slot, Source};
use super::value::Value;

/// Fields of a record.
const FIELDS: usize = 5_000;
/// Units of the meter for an expression.
const EVALUATION: usize = 8;

impl Machine<'_, '_> {
    pub(super) fn evaluate(&mut self, expression: &Expression) -> Result<Value, Flow> {
        if self.steps == 0 || !self.call.work(EVALUATION) {
            return Err(self.stop());
        }
        self.steps -= 1;
        let value = self.value_of(expression)?;
        if let Value::Text(text) | Value::Input(text) = &value {
            self.call.work(text.len() / 16);
        }
        Ok(value)
    }

    /// What never ends is given up.
    pub(super) fn stop(&mut self) -> Flow {
        self.call.kernel.meter.exhaust();
        self.status = 2;
        Flow::Exit
    }

    fn value_of(&mut self, expression: &Expression) -> Result<Value, Flow> {
        Ok(match expression {
            Expression::Number(value) => Value::Number(*value),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Regex(regex) => {
                let record = self.whole_record();
                truth(regex.clone().metered(&self.call.kernel.meter).is_match(&record))
            }
            Expression::Variable(slot) => self.get(*slot),
            Expression::Field(number) => {
                let number = self.evaluate(number)?.number();
                self.field(number)?
            }
            Expression::Element(slot, keys) => {
                let key = self.key(keys)?;
                let array = self.array(*slot);
                if !array.borrow().contains_key(&key) {
                    self.grow()?;
                }
                array.borrow_mut().entry(key).or_default().clone()
            }
            Expression::Assign(target, operator, value) => self.assign(target, *operator, value)?,
            Expression::Choose(condition, yes, no) => {
                let chosen = if self.evaluate(condition)?.is_true() { yes } else { no };
                self.evaluate(chosen)?
            }
            Expression::And(left, right) => {
                truth(self.evaluate(left)?.is_true() && self.evaluate(right)?.is_true())
            }
            Expression::Or(left, right) => {
                truth(self.evaluate(left)?.is_true() || self.evaluate(right)?.is_true())
            }
            Expression::Not(value) => truth(!self.evaluate(value)?.is_true()),
            Expression::Negate(value) => Value::Number(-self.evaluate(value)?.number()),
            Expression::Numeric(value) => Value::Number(self.evaluate(value)?.number()),
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                self.binary(*operator, &left, &right)?
            }
            Expression::Matches { text, regex, negated } => {
                let text = self.text(text)?;
                let regex = self.regex(regex)?;
                truth(regex.is_match(&text) != *negated)
            }
            Expression::Holds(keys, slot) => {
                let key = self.key(keys)?;
                truth(self.array(*slot).borrow().contains_key(&key))
            }
            Expression::Step { target, by, before } => {
                let old = self.evaluate(target)?.number();
                self.store(target, Value::Number(old + by))?;
                Value::Number(if *before { old + by } else { old })
            }
            Expression::Builtin(name, arguments) => self.builtin(name, arguments)?,
            Expression::Call(place, arguments) => self.call_function(*place, arguments)?,
            Expression::Getline(target, source) => self.getline(target.as_deref(), source)?,
            Expression::Group(inner) => self.evaluate(inner)?,
        })
    }

    pub(super) fn text(&mut self, expression: &Expression) -> Result<Vec<u8>, Flow> {
        let value = self.evaluate(expression)?;
        Ok(value.text(&self.text_of(special::CONVFMT)))
    }

    fn binary(&mut self, operator: Operator, left: &Value, right: &Value) -> Result<Value, Flow> {
        let (one, two) = (left.number(), right.number());
        let zero = |text: &str| Flow::Fatal(text.to_owned());
        let number = match operator {
            Operator::Add => one + two,
            Operator::Subtract => one - two,
            Operator::Multiply => one * two,
            // mawk divides by zero as its processor does.
            Operator::Divide if two == 0.0 && self.call.is_busybox() => {
                return Err(zero("cmd. line:1: Division by zero"));
            }
            Operator::Divide => one / two,
            Operator::Remainder => one % two,
            Operator::Power => one.powf(two),
            Operator::Join => {
                let format = self.text_of(special::CONVFMT);
                let mut text = left.text(&format);
                text.extend(right.text(&format));
                text.truncate(LENGTH);
                return Ok(Value::Text(text));
            }
            _ => {
                let order = left.compare(right, &self.text_of(special::CONVFMT));
                return Ok(truth(match operator {
                    Operator::Less => order == Ordering::Less,
                    Operator::LessOrEqual => order != Ordering::Greater,
                    Operator::Equal => order == Ordering::Equal,
                    Operator::NotEqual => order != Ordering::Equal,
                    Operator::Greater => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }));
            }
        };
        Ok(Value::Number(number))
    }

    fn assign(
        &mut self,
        target: &Expression,
        operator: Option<Operator>,
        value: &Expression,
    ) -> Result<Value, Flow> {
        let value = match operator {
            None => self.evaluate(value)?,
            Some(operator) => {
                let right = self.evaluate(value)?;
                let left = self.evaluate(target)?;
                self.binary(operator, &left, &right)?
            }
        };
        self.store(target, value.clone())?;
        Ok(value)
    }

    pub(super) fn store(&mut self, target: &Expression, value: Value) -> Result<(), Flow> {
        match target {
            Expression::Variable(slot) => self.set(*slot, value),
            Expression::Field(number) => {
                let number = self.evaluate(number)?.number();
                self.set_field(number, value)?;
            }
            Expression::Element(slot, keys) => {
                let key = self.key(keys)?;
                let array = self.array(*slot);
                if !array.borrow().contains_key(&key) {
                    self.grow()?;
                }
                array.borrow_mut().insert(key, value);
            }
            Expression::Group(inner) => return self.store(inner, value),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn grow(&mut self) -> Result<(), Flow> {
        self.elements += 1;
        if self.elements > ELEMENTS { Err(Flow::Fatal("out of memory".to_owned())) } else { Ok(()) }
    }

    pub(super) fn key(&mut self, keys: &[Expression]) -> Result<Vec<u8>, Flow> {
        let mut parts = Vec::with_capacity(keys.len());
        for key in keys {
            parts.push(self.text(key)?);
        }
        Ok(parts.join(&self.text_of(special::SUBSEP)[..]))
    }

    fn cell(&mut self, slot: Slot) -> &mut Cell {
        match slot {
            Slot::Local(place) => {
                if let Some(frame) = self.frames.last_mut() {
                    return &mut frame[place];
                }
                &mut self.globals[0]
            }
            Slot::Global(place) => &mut self.globals[place],
        }
    }

    pub(super) fn array(&mut self, slot: Slot) -> Array {
        let cell = self.cell(slot);
        if let Cell::Array(array) = cell {
            return Rc::clone(array);
        }
        let array: Array = Rc::new(RefCell::new(BTreeMap::new()));
        *cell = Cell::Array(Rc::clone(&array));
        array
    }

    fn get(&mut self, slot: Slot) -> Value {
        if slot == Slot::Global(special::NF) {
            self.split_fields();
        }
        match self.cell(slot) {
            Cell::Scalar(value) => value.clone(),
            Cell::Array(_) => Value::Unset,
        }
    }

    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        if slot == Slot::Global(special::NF) {
            self.split_fields();
            let count = bounded(value.number(), FIELDS);
            self.fields.resize(count, Value::Unset);
            self.join_fields();
        }
        if let Cell::Scalar(old) = self.cell(slot) {
            *old = value;
        }
    }

    pub(super) fn text_of(&self, place: usize) -> Vec<u8> {
        match &self.globals[place] {
            Cell::Scalar(value) => value.text(b"%.6g"),
            Cell::Array(_) => Vec::new(),
        }
    }

    pub(super) fn number_of(&self, place: usize) -> f64 {
        match &self.globals[place] {
            Cell::Scalar(value) => value.number(),
            Cell::Array(_) => 0.0,
        }
    }

    pub(super) fn add(&mut self, place: usize, by: f64) {
        let value = self.number_of(place) + by;
        self.globals[place] = Cell::Scalar(Value::Number(value));
    }

    pub(super) fn set_record(&mut self, record: Vec<u8>) {
        self.record = record;
        self.split = false;
    }

    pub(super) fn whole_record(&self) -> Vec<u8> {
        self.record.clone()
    }

    fn split_fields(&mut self) {
        if self.split {
            return;
        }
        self.split = true;
        let separator = self.text_of(special::FS);
        let record = self.whole_record();
        let parts = self.split_text(&record, &separator);
        self.fields = parts.into_iter().take(FIELDS).map(Value::Input).collect();
        self.count_fields();
    }

    fn count_fields(&mut self) {
        #[allow(clippy::cast_precision_loss, reason = "at most thousands")]
        let count = self.fields.len() as f64;
        self.globals[special::NF] = Cell::Scalar(Value::Number(count));
    }

    fn join_fields(&mut self) {
        let format = self.text_of(special::CONVFMT);
        let texts: Vec<Vec<u8>> = self.fields.iter().map(|field| field.text(&format)).collect();
        self.record = texts.join(&self.text_of(special::OFS)[..]);
        self.record.truncate(LENGTH);
    }

    fn field(&mut self, number: f64) -> Result<Value, Flow> {
        if number < 0.0 {
            return Err(Flow::Fatal(format!("negative field index ${number:.0}")));
        }
        let place = bounded(number, usize::MAX);
        if place == 0 {
            return Ok(Value::Input(self.whole_record()));
        }
        self.split_fields();
        Ok(self.fields.get(place - 1).cloned().unwrap_or_default())
    }

    fn set_field(&mut self, number: f64, value: Value) -> Result<(), Flow> {
        let place = bounded(number, usize::MAX);
        if place == 0 {
            let text = value.text(&self.text_of(special::CONVFMT));
            self.set_record(text);
            return Ok(());
        }
        if place > FIELDS {
            return Err(Flow::Fatal("program limit exceeded: maximum number of fields".to_owned()));
        }
        self.split_fields();
        if self.fields.len() < place {
            self.fields.resize(place, Value::Unset);
        }
        self.fields[place - 1] = value;
        self.count_fields();
        self.join_fields();
        Ok(())
    }

    /// A text cut at a separator as `FS` means it.
    pub(super) fn split_text(&mut self, text: &[u8], separator: &[u8]) -> Vec<Vec<u8>> {
        if text.is_empty() {
            return Vec::new();
        }
        match separator {
            b" " => text
                .split(u8::is_ascii_whitespace)
                .filter(|part| !part.is_empty())
                .map(<[u8]>::to_vec)
                .collect(),
            [] => text.iter().map(|byte| vec![*byte]).collect(),
            [byte] if *byte != b'\\' => {
                // With RS empty a newline separates fields as well.
                let lines = self.text_of(special::RS).is_empty();
                text.split(|found| found == byte || lines && *found == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect()
            }
            _ => {
                let regex = self.compiled(separator);
                split_by(&regex, text)
            }
        }
    }

    /// A regular expression that is a text, kept for the next time.
    pub(super) fn compiled(&mut self, text: &[u8]) -> Regex {
        if let Some(regex) = self.regexes.get(text) {
            return regex.clone();
        }
        let regex = Regex::new(text, true, false)
            .unwrap_or_else(|_| Regex::of_text(text, false))
            .metered(&self.call.kernel.meter);
        if self.regexes.len() < 100 {
            self.regexes.insert(text.to_vec(), regex.clone());
        }
        regex
    }

    pub(super) fn regex(&mut self, expression: &Expression) -> Result<Regex, Flow> {
        if let Expression::Regex(regex) = expression {
            return Ok(regex.clone().metered(&self.call.kernel.meter));
        }
        let text = self.text(expression)?;
        Ok(self.compiled(&text))
    }

    pub(super) fn take_record(&mut self, reader: &mut Reader, separator: &[u8]) -> Option<Vec<u8>> {
        if separator.is_empty() {
            while reader.text.get(reader.at) == Some(&b'\n') {
                reader.at += 1;
            }
        }
        let rest = reader.text.get(reader.at..).filter(|rest| !rest.is_empty())?;
        self.call.cost(rest.len().min(2_048) / 512);
        let end = match separator {
            [] => rest.windows(2).position(|pair| pair == b"\n\n").map(|end| (end, end + 2)),
            [byte] => rest.iter().position(|found| found == byte).map(|end| (end, end + 1)),
            _ => self.compiled(separator).find(rest, 0).filter(|(begin, end)| begin < end),
        };
        let (end, next) = end.unwrap_or((rest.len(), rest.len()));
        let mut record = rest[..end].to_vec();
        // A file's last newline ends no record of its own.
        if separator != b"\n" && end == rest.len() && record.last() == Some(&b'\n') {
            record.pop();
        }
        reader.at += next;
        Some(record)
    }

    fn call_function(&mut self, place: usize, arguments: &[Expression]) -> Result<Value, Flow> {
        let program = self.program;
        let Some(function) = program.functions.get(place) else { return Ok(Value::Unset) };
        if self.frames.len() >= CALLS {
            return Err(Flow::Fatal("function call nesting too deep".to_owned()));
        }
        let mut frame = Vec::with_capacity(function.parameters.len());
        for argument in arguments.iter().take(function.parameters.len()) {
            frame.push(match argument {
                Expression::Variable(slot) if matches!(self.cell(*slot), Cell::Array(_)) => {
                    Cell::Array(self.array(*slot))
                }
                other => Cell::Scalar(self.evaluate(other)?),
            });
        }
        frame.resize(function.parameters.len(), Cell::Scalar(Value::Unset));
        self.frames.push(frame);
        let flow = self.statement(&function.body);
        self.frames.pop();
        match flow {
            Flow::Return(value) => Ok(value),
            Flow::Exit | Flow::Fatal(_) | Flow::Next | Flow::NextFile => Err(flow),
            _ => Ok(Value::Unset),
        }
    }

    fn getline(&mut self, target: Option<&Expression>, source: &Source) -> Result<Value, Flow> {
        let record = match source {
            Source::Main => match self.next_record() {
                Ok(record) => record,
                Err(_) => return Ok(Value::Number(-1.0)),
            },
            Source::File(name) => {
                let name = self.text(name)?;
                match self.record_of_file(&name) {
                    Some(record) => record,
                    None => return Ok(Value::Number(-1.0)),
                }
            }
            Source::Command(command) => {
                let command = self.text(command)?;
                match self.call.answer_of(&command) {
                    Some(output) => {
                        let key = [b"|", &command[..]].concat();
                        let mut reader =
                            self.files.remove(&key).unwrap_or(Reader { text: output, at: 0 });
                        let separator = self.text_of(special::RS);
                        let record = self.take_record(&mut reader, &separator);
                        self.files.insert(key, reader);
                        record
                    }
                    // The shell runs it, and the program begins again with what it printed.
                    None => return Err(Flow::Exit),
                }
            }
        };
        let Some(record) = record else { return Ok(Value::Number(0.0)) };
        match target {
            Some(target) => self.store(target, Value::Input(record))?,
            None => self.set_record(record),
        }
        Ok(Value::Number(1.0))
    }

    /// The next record of a file that is read on its own; nothing where it cannot be read.
    fn record_of_file(&mut self, name: &[u8]) -> Option<Option<Vec<u8>>> {
        let mut reader = match self.files.remove(name) {
            Some(reader) => reader,
            None if self.files.len() < 16 => Reader { text: self.call.read(name).ok()?, at: 0 },
            None => return None,
        };
        let separator = self.text_of(special::RS);
        let record = self.take_record(&mut reader, &separator);
        self.files.insert(name.to_vec(), reader);
        Some(record)
    }
}

pub(super) const fn truth(value: bool) -> Value {
    Value::Number(if value { 1.0 } else { 0.0 })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn bounded(value: f64, most: usize) -> usize {
    (value.max(0.0) as usize).min(most)
}

pub(super) fn split_by(regex: &Regex, text: &[u8]) -> Vec<Vec<u8>> {
    let (mut parts, mut begin, mut from) = (Vec::new(), 0, 0);
    while let Some((start, end)) = regex.find(text, from) {
        if start == end {
            from = end + 1;
            if from > text.len() {
                break;
            }
            continue;
        }
        parts.push(text[begin..start].to_vec());
        (begin, from) = (end, end);
    }
    parts.push(text[begin..].to_vec());
    parts
}
