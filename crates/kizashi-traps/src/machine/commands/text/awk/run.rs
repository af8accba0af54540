//! Running an awk program under a budget of steps and of bytes.

use std::collections::{BTreeMap, HashMap};

use super::super::super::regex::Regex;
use super::super::{Call, Finish, body, lines};
use super::parser::{Expression, Place, Program, Rule, Statement};
use super::value::{Value, general, text_of};

/// Steps of one program beside those that its input allows.
const STEPS: u32 = 60_000;
/// Bytes of one value, members of all arrays, expressions kept compiled.
const VALUE: usize = 64 * 1024;
const MEMBERS: usize = 4_000;
const COMPILED: usize = 64;

/// Why statements stop.
enum Stop {
    Next,
    Exit(u8),
    Break,
    Continue,
    Spent,
    Fault(String),
}

type Ran<T> = Result<T, Stop>;

struct Machine<'c, 'k> {
    call: &'c mut Call<'k>,
    variables: BTreeMap<Vec<u8>, Value>,
    arrays: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Value>>,
    members: usize,
    record: Vec<u8>,
    fields: Vec<Vec<u8>>,
    /// The record must be joined anew from its fields.
    stale: bool,
    compiled: HashMap<Vec<u8>, Option<Regex>>,
    steps: u32,
    seed: u64,
    /// Rules whose range is open.
    open: Vec<bool>,
}

pub(super) fn run(call: &mut Call<'_>, program: &Program, set: &[Vec<u8>], separator: Option<&[u8]>, files: &[Vec<u8>]) -> Finish {
    let mut machine = Machine {
        call,
        variables: BTreeMap::new(),
        arrays: BTreeMap::new(),
        members: 0,
        record: Vec::new(),
        fields: Vec::new(),
        stale: false,
        compiled: HashMap::new(),
        steps: STEPS,
        seed: 1,
        open: vec![false; program.rules.len()],
    };
    for (name, text) in [(&b"FS"[..], &b" "[..]), (b"OFS", b" "), (b"ORS", b"\n"), (b"RS", b"\n"), (b"SUBSEP", b"\x1c"), (b"OFMT", b"%.6g"), (b"CONVFMT", b"%.6g")] {
        machine.variables.insert(name.to_vec(), Value::Text(text.to_vec()));
    }
    if let Some(separator) = separator {
        let text = if separator == b"t" { b"\t".to_vec() } else { unescaped(separator) };
        machine.variables.insert(b"FS".to_vec(), Value::Text(text));
    }
    for assignment in set {
        machine.assignment(assignment);
    }
    let status = match machine.program(program, files) {
        Ok(status) | Err(Stop::Exit(status)) => status,
        Err(Stop::Fault(text)) => {
            machine.call.complain(&text);
            2
        }
        Err(_) => 2,
    };
    let used = STEPS.saturating_sub(machine.steps);
    machine.call.cost(used as usize / 16);
    Finish::Status(status)
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    crate::machine::shell::escape::unescape(text, crate::machine::shell::escape::Dialect::Printf).0
}

impl Machine<'_, '_> {
    /// `name=value` of the command line; whether it was one.
    fn assignment(&mut self, word: &[u8]) -> bool {
        let length = crate::machine::shell::name_length(word);
        if length == 0 || word.get(length) != Some(&b'=') {
            return false;
        }
        self.variables.insert(word[..length].to_vec(), Value::Input(unescaped(&word[length + 1..])));
        true
    }

    fn program(&mut self, program: &Program, files: &[Vec<u8>]) -> Ran<u8> {
        let mut status = 0;
        let begun = self.statements(&program.begin);
        match begun {
            Err(Stop::Exit(found)) => return Ok(found),
            other => other?,
        }
        if program.rules.is_empty() && !program.has_end {
            return Ok(0);
        }
        match self.input(program, files) {
            Err(Stop::Exit(found)) => status = found,
            other => status = status.max(other?),
        }
        match self.statements(&program.end) {
            Err(Stop::Exit(found)) => Ok(found),
            other => other.map(|()| status),
        }
    }

    fn input(&mut self, program: &Program, files: &[Vec<u8>]) -> Ran<u8> {
        let paths: Vec<&Vec<u8>> = files.iter().filter(|word| !self.assignment(word)).collect();
        let dash = b"-".to_vec();
        let paths = if paths.is_empty() { vec![&dash] } else { paths };
        let (mut status, mut number) = (0, 0.0);
        for path in paths {
            let bytes = match self.call.read(path) {
                Ok(bytes) => bytes,
                Err(fault) => {
                    let shown = String::from_utf8_lossy(path).into_owned();
                    let text = if self.call.is_busybox() { format!("{shown}: {fault}") } else { format!("cannot open {shown} ({fault})") };
                    self.call.complain(&text);
                    status = 2;
                    continue;
                }
            };
            self.variables.insert(b"FILENAME".to_vec(), Value::Text(if path == b"-" { Vec::new() } else { path.clone() }));
            self.steps = self.steps.saturating_add(u32::try_from(bytes.len()).unwrap_or(0));
            let mut own = 0.0;
            for record in self.records(&bytes) {
                number += 1.0;
                own += 1.0;
                self.variables.insert(b"NR".to_vec(), Value::Number(number));
                self.variables.insert(b"FNR".to_vec(), Value::Number(own));
                self.set_record(record);
                match self.rules(program) {
                    Ok(()) | Err(Stop::Next) => {}
                    Err(stop) => return Err(stop),
                }
            }
        }
        Ok(status)
    }

    fn records(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match &self.text_of_variable(b"RS")[..] {
            b"\n" => lines(bytes).map(|line| body(line).to_vec()).collect(),
            b"" => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                text.split("\n\n").map(|record| record.trim_matches('\n').as_bytes().to_vec()).filter(|record| !record.is_empty()).collect()
            }
            separator => {
                let first = separator[0];
                let trimmed = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                trimmed.split(|byte| *byte == first).map(<[u8]>::to_vec).collect()
            }
        }
    }

    fn rules(&mut self, program: &Program) -> Ran<()> {
        for (place, rule) in program.rules.iter().enumerate() {
            if self.chosen(place, rule)? {
                match &rule.action {
                    Some(statements) => self.statements(statements)?,
                    None => {
                        let record = self.record();
                        self.print(&record);
                    }
                }
            }
        }
        Ok(())
    }

    fn chosen(&mut self, place: usize, rule: &Rule) -> Ran<bool> {
        let Some(first) = &rule.first else { return Ok(true) };
        let Some(last) = &rule.last else { return Ok(self.evaluate(first)?.holds()) };
        if !self.open[place] && !self.evaluate(first)?.holds() {
            return Ok(false);
        }
        self.open[place] = !self.evaluate(last)?.holds();
        Ok(true)
    }

    fn step(&mut self) -> Ran<()> {
        if self.steps == 0 || self.call.is_full() {
            return Err(Stop::Spent);
        }
        self.steps -= 1;
        Ok(())
    }

    fn print(&mut self, text: &[u8]) {
        let end = self.text_of_variable(b"ORS");
        self.call.out(text);
        self.call.out(&end);
    }

    fn statements(&mut self, statements: &[Statement]) -> Ran<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Ran<()> {
        self.step()?;
        match statement {
            Statement::Value(value) => self.evaluate(value).map(drop),
            Statement::Print(values, target) => {
                let separator = self.text_of_variable(b"OFS");
                let text = if values.is_empty() {
                    self.record()
                } else {
                    let texts = values.iter().map(|value| Ok(self.evaluate(value)?.text())).collect::<Ran<Vec<_>>>()?;
                    texts.join(&separator[..])
                };
                let end = self.text_of_variable(b"ORS");
                self.emit([text, end].concat(), target.as_ref())
            }
            Statement::Format(values, target) => {
                let texts = values.iter().map(|value| Ok(self.evaluate(value)?.text())).collect::<Ran<Vec<_>>>()?;
                let text = self.formatted(&texts);
                self.emit(text, target.as_ref())
            }
            Statement::If(condition, then, otherwise) => {
                let chosen = if self.evaluate(condition)?.holds() { then } else { otherwise };
                self.statements(chosen)
            }
            Statement::Block(statements) => self.statements(statements),
            Statement::Delete(name, index) => self.delete(name, index.as_deref()),
            Statement::Next => Err(Stop::Next),
            Statement::Exit(value) => Err(Stop::Exit(match value {
                Some(value) => (self.evaluate(value)?.number() as i64 & 255) as u8,
                None => 0,
            })),
            Statement::Break => Err(Stop::Break),
            Statement::Continue => Err(Stop::Continue),
            looped => self.looped(looped),
        }
    }

    fn looped(&mut self, statement: &Statement) -> Ran<()> {
        match statement {
            Statement::While(condition, body) => {
                while self.evaluate(condition)?.holds() {
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::Do(body, condition) => loop {
                if !self.round(body)? || !self.evaluate(condition)?.holds() {
                    break;
                }
            },
            Statement::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.statement(first)?;
                }
                loop {
                    let holds = match condition {
                        Some(condition) => self.evaluate(condition)?.holds(),
                        None => true,
                    };
                    if !holds || !self.round(body)? {
                        break;
                    }
                    if let Some(step) = step {
                        self.statement(step)?;
                    }
                }
            }
            Statement::Each(name, array, body) => {
                let keys: Vec<Vec<u8>> = self.arrays.get(array).map(|array| array.keys().cloned().collect()).unwrap_or_default();
                for key in keys {
                    self.variables.insert(name.clone(), Value::Input(key));
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A loop's body once; whether the loop goes on.
    fn round(&mut self, body: &[Statement]) -> Ran<bool> {
        self.step()?;
        match self.statements(body) {
            Ok(()) | Err(Stop::Continue) => Ok(true),
            Err(Stop::Break) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    fn emit(&mut self, text: Vec<u8>, target: Option<&(bool, Expression)>) -> Ran<()> {
        let Some((append, path)) = target else {
            self.call.out(&text);
            return Ok(());
        };
        let path = self.evaluate(path)?.text();
        match &path[..] {
            b"/dev/stderr" => self.call.err(&text),
            b"/dev/stdout" | b"-" => self.call.out(&text),
            _ => {
                // A file stays open for the whole program: after the first print all are added.
                let key = [b"\0file", &path[..]].concat();
                let again = *append || self.variables.contains_key(&key);
                self.variables.insert(key, Value::Unset);
                let mode = 0o666 & !self.call.umask;
                let written = self.call.kernel.open_for_writing(self.call.folder, &path, again, mode, self.call.who).and_then(|(node, path)| {
                    let offset = self.call.kernel.files.node(node).size();
                    self.call.kernel.write(node, offset, &text, &path)
                });
                if let Err(fault) = written {
                    return Err(Stop::Fault(format!("cannot open \"{}\" for output ({fault})", String::from_utf8_lossy(&path))));
                }
            }
        }
        Ok(())
    }

    fn formatted(&mut self, texts: &[Vec<u8>]) -> Vec<u8> {
        let Some((format, arguments)) = texts.split_first() else { return Vec::new() };
        // Numbers go as numbers: `%d` of 3.7 is 3.
        let mut made = Vec::new();
        let mut arguments = arguments.iter();
        let mut rest = &format[..];
        while let Some(place) = rest.iter().position(|byte| *byte == b'%') {
            made.extend_from_slice(&rest[..place]);
            rest = &rest[place..];
            let length = rest.iter().skip(1).position(|byte| byte.is_ascii_alphabetic() || *byte == b'%').map_or(rest.len(), |end| end + 2);
            let (mut conversion, after) = (rest[..length.min(rest.len())].to_vec(), &rest[length.min(rest.len())..]);
            rest = after;
            let kind = conversion.last().copied().unwrap_or(b'%');
            if kind == b'%' {
                made.push(b'%');
                continue;
            }
            while let Some(star) = conversion.iter().position(|byte| *byte == b'*') {
                let width = arguments.next().map_or(0.0, |text| super::value::leading_number(text).0);
                conversion.splice(star..=star, text_of(width));
            }
            let argument = arguments.next().cloned().unwrap_or_default();
            let argument = match kind {
                b'd' | b'i' | b'o' | b'x' | b'X' | b'u' => text_of(super::value::leading_number(argument.trim_ascii_start()).0.trunc()),
                b'f' | b'F' | b'e' | b'E' | b'g' | b'G' => format!("{}", super::value::leading_number(argument.trim_ascii_start()).0).into_bytes(),
                b'c' => match super::value::leading_number(&argument) {
                    (number, length) if length > 0 && length == argument.len() => vec![(number as i64 & 255) as u8],
                    _ => argument.into_iter().take(1).collect(),
                },
                _ => argument,
            };
            if matches!(kind, b'g' | b'G') && conversion.len() == 2 {
                made.extend(general(super::value::leading_number(&argument).0, 6).into_bytes());
                continue;
            }
            made.extend(super::super::super::output::format_text(self.call, &conversion, &[argument]));
            if made.len() > VALUE {
                break;
            }
        }
        made.extend_from_slice(rest);
        made
    }

    fn delete(&mut self, name: &[u8], index: Option<&[Expression]>) -> Ran<()> {
        match index {
            None => {
                self.members = self.members.saturating_sub(self.arrays.remove(name).map_or(0, |array| array.len()));
            }
            Some(index) => {
                let key = self.key(index)?;
                if self.arrays.get_mut(name).is_some_and(|array| array.remove(&key).is_some()) {
                    self.members -= 1;
                }
            }
        }
        Ok(())
    }

    fn key(&mut self, index: &[Expression]) -> Ran<Vec<u8>> {
        let texts = index.iter().map(|value| Ok(self.evaluate(value)?.text())).collect::<Ran<Vec<_>>>()?;
        let separator = self.text_of_variable(b"SUBSEP");
        Ok(texts.join(&separator[..]))
    }

    fn text_of_variable(&self, name: &[u8]) -> Vec<u8> {
        self.variables.get(name).map(Value::text).unwrap_or_default()
    }

    fn set_record(&mut self, record: Vec<u8>) {
        self.fields = self.split(&record, None);
        self.record = record;
        self.stale = false;
        self.variables.insert(b"NF".to_vec(), Value::Number(self.fields.len() as f64));
    }

    fn record(&mut self) -> Vec<u8> {
        if std::mem::take(&mut self.stale) {
            let separator = self.text_of_variable(b"OFS");
            self.record = self.fields.join(&separator[..]);
        }
        self.record.clone()
    }

    fn split(&mut self, text: &[u8], separator: Option<Vec<u8>>) -> Vec<Vec<u8>> {
        let separator = separator.unwrap_or_else(|| self.text_of_variable(b"FS"));
        if text.is_empty() {
            return Vec::new();
        }
        match &separator[..] {
            b" " => text.split(|byte| b" \t\n".contains(byte)).filter(|field| !field.is_empty()).map(<[u8]>::to_vec).collect(),
            b"" => text.iter().map(|byte| vec![*byte]).collect(),
            [single] if !b"\\^$.[]|()*+?".contains(single) || *single == b'|' => text.split(|byte| byte == single).map(<[u8]>::to_vec).collect(),
            pattern => {
                let pattern = pattern.to_vec();
                let Some(regex) = self.regex(&pattern) else { return vec![text.to_vec()] };
                let (mut fields, mut at) = (Vec::new(), 0);
                let mut from = 0;
                while let Some((start, end)) = regex.find(text, from) {
                    if end == start {
                        from = end + 1;
                        if from > text.len() {
                            break;
                        }
                        continue;
                    }
                    fields.push(text[at..start].to_vec());
                    (at, from) = (end, end);
                }
                fields.push(text[at..].to_vec());
                fields
            }
        }
    }

    fn regex(&mut self, text: &[u8]) -> Option<Regex> {
        if let Some(found) = self.compiled.get(text) {
            return found.clone();
        }
        if self.compiled.len() >= COMPILED {
            self.compiled.clear();
        }
        let compiled = Regex::new(text, true, false).ok();
        self.compiled.insert(text.to_vec(), compiled.clone());
        compiled
    }

    fn field(&mut self, number: f64) -> Value {
        if number < 1.0 {
            return Value::Input(self.record());
        }
        self.fields.get(number as usize - 1).map_or(Value::Unset, |field| Value::Input(field.clone()))
    }

    fn load(&mut self, place: &Place) -> Ran<Value> {
        match place {
            Place::Variable(name) => Ok(self.variables.get(name).cloned().unwrap_or(Value::Unset)),
            Place::Field(number) => {
                let number = self.evaluate(number)?.number();
                Ok(self.field(number))
            }
            Place::Member(name, index) => {
                let key = self.key(index)?;
                if let Some(found) = self.arrays.get(name).and_then(|array| array.get(&key)) {
                    return Ok(found.clone());
                }
                self.store_member(name, key, Value::Unset)?;
                Ok(Value::Unset)
            }
        }
    }

    fn store_member(&mut self, name: &[u8], key: Vec<u8>, value: Value) -> Ran<()> {
        if self.members >= MEMBERS || key.len() > VALUE {
            return Err(Stop::Spent);
        }
        if self.arrays.entry(name.to_vec()).or_default().insert(key, value).is_none() {
            self.members += 1;
        }
        Ok(())
    }

    fn store(&mut self, place: &Place, value: Value) -> Ran<Value> {
        if matches!(&value, Value::Text(text) | Value::Input(text) if text.len() > VALUE) {
            return Err(Stop::Spent);
        }
        match place {
            Place::Variable(name) => {
                self.variables.insert(name.clone(), value.clone());
                if name == b"NF" {
                    let count = (value.number().max(0.0) as usize).min(1_000);
                    self.fields.resize(count, Vec::new());
                    self.stale = true;
                }
            }
            Place::Field(number) => {
                let number = self.evaluate(number)?.number();
                if number < 1.0 {
                    self.set_record(value.text());
                } else {
                    let place = (number as usize).min(1_000);
                    if self.fields.len() < place {
                        self.fields.resize(place, Vec::new());
                        self.variables.insert(b"NF".to_vec(), Value::Number(place as f64));
                    }
                    self.fields[place - 1] = value.text();
                    self.stale = true;
                }
            }
            Place::Member(name, index) => {
                let key = self.key(index)?;
                self.store_member(name, key, value.clone())?;
            }
        }
        Ok(value)
    }

    fn evaluate(&mut self, expression: &Expression) -> Ran<Value> {
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
            return if text.len() > VALUE { Err(Stop::Spent) } else { Ok(Value::Text(text)) };
        }
        if matches!(sign, "<" | "<=" | "==" | "!=" | ">=" | ">") {
            let order = if left.is_number() && right.is_number() { left.number().partial_cmp(&right.number()).unwrap_or(std::cmp::Ordering::Less) } else { left.text().cmp(&right.text()) };
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
            "/" | "%" if right == 0.0 => return Err(Stop::Fault(if sign == "/" { "division by zero" } else { "division by zero in %" }.to_owned())),
            "/" => left / right,
            "%" => left % right,
            _ => left.powf(right),
        })
    }

    fn function(&mut self, name: &[u8], arguments: &[Expression]) -> Ran<Value> {
        match name {
            b"sub" | b"gsub" => return self.substitute(name == b"gsub", arguments),
            b"split" => return self.split_into(arguments),
            b"match" => return self.matched(arguments),
            b"length" => {
                if let Some(Expression::Place(Place::Variable(name))) = arguments.first() {
                    if let Some(array) = self.arrays.get(name) {
                        return Ok(Value::Number(array.len() as f64));
                    }
                }
            }
            _ => {}
        }
        let values = arguments.iter().map(|argument| self.evaluate(argument)).collect::<Ran<Vec<_>>>()?;
        let text = |place: usize| values.get(place).map(Value::text).unwrap_or_default();
        let number = |place: usize| values.get(place).map_or(0.0, Value::number);
        Ok(match name {
            b"length" => Value::Number(if values.is_empty() { self.record().len() } else { text(0).len() } as f64),
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
                let place = if part.is_empty() { Some(0) } else { text.windows(part.len()).position(|window| window == part) };
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
                self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                Value::Number((self.seed >> 11) as f64 / (1_u64 << 53) as f64)
            }
            b"srand" => {
                let old = self.seed;
                self.seed = if values.is_empty() { self.call.kernel.seconds().unsigned_abs() } else { number(0) as u64 };
                Value::Number(old as f64)
            }
            b"systime" => Value::Number(self.call.kernel.seconds() as f64),
            b"system" => {
                self.call.kernel.note("awk system", &text(0));
                Value::Number(0.0)
            }
            b"close" | b"fflush" => Value::Number(0.0),
            other => return Err(Stop::Fault(format!("function {} never defined", String::from_utf8_lossy(other)))),
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
        let [text, Expression::Place(Place::Variable(name)), rest @ ..] = arguments else { return Ok(Value::Number(0.0)) };
        let text = self.evaluate(text)?.text();
        let separator = match rest.first() {
            Some(separator) => Some(self.pattern(separator)?),
            None => None,
        };
        let parts = self.split(&text, separator);
        let name = name.clone();
        self.delete(&name, None)?;
        for (place, part) in parts.iter().enumerate() {
            self.store_member(&name, (place + 1).to_string().into_bytes(), Value::Input(part.clone()))?;
        }
        Ok(Value::Number(parts.len() as f64))
    }

    fn matched(&mut self, arguments: &[Expression]) -> Ran<Value> {
        let [text, pattern, ..] = arguments else { return Ok(Value::Number(0.0)) };
        let text = self.evaluate(text)?.text();
        let pattern = self.pattern(pattern)?;
        let found = self.regex(&pattern).and_then(|regex| regex.find(&text, 0));
        let (start, length) = found.map_or((0.0, -1.0), |(start, end)| (start as f64 + 1.0, (end - start) as f64));
        self.variables.insert(b"RSTART".to_vec(), Value::Number(start));
        self.variables.insert(b"RLENGTH".to_vec(), Value::Number(length));
        Ok(Value::Number(start))
    }
}

fn truth(holds: bool) -> Value {
    Value::Number(f64::from(u8::from(holds)))
}
