//! Running an awk program under a budget of steps and of bytes.

mod evaluate;

use std::collections::{BTreeMap, HashMap};

use super::super::super::regex::Regex;
use super::super::{Call, Finish, body, lines};
use super::parser::{Expression, Place, Program, Rule, Statement};
use super::value::{Value, general, text_of};

/// Steps of one program beside those that its input allows.
const STEPS: u32 = 30_000;
/// Bytes of input that allow for a step each.
const INPUT: usize = 128 * 1024;
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

pub(super) fn run(
    call: &mut Call<'_>,
    program: &Program,
    set: &[Vec<u8>],
    separator: Option<&[u8]>,
    files: &[Vec<u8>],
) -> Finish {
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
    for (name, text) in [
        (&b"FS"[..], &b" "[..]),
        (b"OFS", b" "),
        (b"ORS", b"\n"),
        (b"RS", b"\n"),
        (b"SUBSEP", b"\x1c"),
        (b"OFMT", b"%.6g"),
        (b"CONVFMT", b"%.6g"),
    ] {
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
        self.variables
            .insert(word[..length].to_vec(), Value::Input(unescaped(&word[length + 1..])));
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
                    let text = if self.call.is_busybox() {
                        format!("{shown}: {fault}")
                    } else {
                        format!("cannot open {shown} ({fault})")
                    };
                    self.call.complain(&text);
                    status = 2;
                    continue;
                }
            };
            self.variables.insert(
                b"FILENAME".to_vec(),
                Value::Text(if path == b"-" { Vec::new() } else { path.clone() }),
            );
            self.steps =
                self.steps.saturating_add(u32::try_from(bytes.len().min(INPUT)).unwrap_or(0));
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
                text.split("\n\n")
                    .map(|record| record.trim_matches('\n').as_bytes().to_vec())
                    .filter(|record| !record.is_empty())
                    .collect()
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
                    let texts = values
                        .iter()
                        .map(|value| Ok(self.evaluate(value)?.text()))
                        .collect::<Ran<Vec<_>>>()?;
                    texts.join(&separator[..])
                };
                let end = self.text_of_variable(b"ORS");
                self.emit(&[text, end].concat(), target.as_ref())
            }
            Statement::Format(values, target) => {
                let texts = values
                    .iter()
                    .map(|value| Ok(self.evaluate(value)?.text()))
                    .collect::<Ran<Vec<_>>>()?;
                let text = self.formatted(&texts);
                self.emit(&text, target.as_ref())
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
                let keys: Vec<Vec<u8>> = self
                    .arrays
                    .get(array)
                    .map(|array| array.keys().cloned().collect())
                    .unwrap_or_default();
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

    fn emit(&mut self, text: &[u8], target: Option<&(bool, Expression)>) -> Ran<()> {
        let Some((append, path)) = target else {
            self.call.out(text);
            return Ok(());
        };
        let path = self.evaluate(path)?.text();
        match &path[..] {
            b"/dev/stderr" => self.call.err(text),
            b"/dev/stdout" | b"-" => self.call.out(text),
            _ => {
                // A file stays open for the whole program: after the first print all are added.
                let key = [b"\0file", &path[..]].concat();
                let again = *append || self.variables.contains_key(&key);
                self.variables.insert(key, Value::Unset);
                let mode = 0o666 & !self.call.umask;
                let written = self
                    .call
                    .kernel
                    .open_for_writing(self.call.folder, &path, again, mode, self.call.who)
                    .and_then(|(node, path)| {
                        let offset = self.call.kernel.files.node(node).size();
                        self.call.kernel.write(node, offset, text, &path)
                    });
                if let Err(fault) = written {
                    return Err(Stop::Fault(format!(
                        "cannot open \"{}\" for output ({fault})",
                        String::from_utf8_lossy(&path)
                    )));
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
            let length = rest
                .iter()
                .skip(1)
                .position(|byte| byte.is_ascii_alphabetic() || *byte == b'%')
                .map_or(rest.len(), |end| end + 2);
            let (mut conversion, after) =
                (rest[..length.min(rest.len())].to_vec(), &rest[length.min(rest.len())..]);
            rest = after;
            let kind = conversion.last().copied().unwrap_or(b'%');
            if kind == b'%' {
                made.push(b'%');
                continue;
            }
            while let Some(star) = conversion.iter().position(|byte| *byte == b'*') {
                let width =
                    arguments.next().map_or(0.0, |text| super::value::leading_number(text).0);
                conversion.splice(star..=star, text_of(width));
            }
            let argument = arguments.next().cloned().unwrap_or_default();
            let argument = match kind {
                b'd' | b'i' | b'o' | b'x' | b'X' | b'u' => {
                    text_of(super::value::leading_number(argument.trim_ascii_start()).0.trunc())
                }
                b'f' | b'F' | b'e' | b'E' | b'g' | b'G' => {
                    format!("{}", super::value::leading_number(argument.trim_ascii_start()).0)
                        .into_bytes()
                }
                b'c' => match super::value::leading_number(&argument) {
                    (number, length) if length > 0 && length == argument.len() => {
                        vec![(number as i64 & 255) as u8]
                    }
                    _ => argument.into_iter().take(1).collect(),
                },
                _ => argument,
            };
            if matches!(kind, b'g' | b'G') && conversion.len() == 2 {
                made.extend(general(super::value::leading_number(&argument).0, 6).into_bytes());
                continue;
            }
            made.extend(super::super::super::output::format_text(
                self.call,
                &conversion,
                &[argument],
            ));
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
                self.members = self
                    .members
                    .saturating_sub(self.arrays.remove(name).map_or(0, |array| array.len()));
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
        let texts =
            index.iter().map(|value| Ok(self.evaluate(value)?.text())).collect::<Ran<Vec<_>>>()?;
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
            b" " => text
                .split(|byte| b" \t\n".contains(byte))
                .filter(|field| !field.is_empty())
                .map(<[u8]>::to_vec)
                .collect(),
            b"" => text.iter().map(|byte| vec![*byte]).collect(),
            [single] if !b"\\^$.[]|()*+?".contains(single) || *single == b'|' => {
                text.split(|byte| byte == single).map(<[u8]>::to_vec).collect()
            }
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

    /// Long values cost more than short ones.
    fn charge(&mut self, bytes: usize) {
        self.steps = self.steps.saturating_sub(u32::try_from(bytes / 64).unwrap_or(u32::MAX));
    }

    fn regex(&mut self, text: &[u8]) -> Option<Regex> {
        self.charge(4_096);
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
        self.fields
            .get(number as usize - 1)
            .map_or(Value::Unset, |field| Value::Input(field.clone()))
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
        if let Value::Text(text) | Value::Input(text) = &value {
            self.charge(text.len());
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
}
