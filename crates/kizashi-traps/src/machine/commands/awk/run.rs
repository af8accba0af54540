//! Runs an `awk` program: records, fields, variables and statements.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::super::regex::Regex;
use super::super::{Call, Finish};
use super::syntax::{Expression, Pattern, Program, Slot, Statement, Target};
use super::value::Value;

/// Steps of one program.
const STEPS: u32 = 150_000;
/// Functions inside one another.
pub(super) const CALLS: usize = 40;
/// Elements of all arrays, and fields of a record.
pub(super) const ELEMENTS: usize = 20_000;
/// Bytes of one text.
pub(super) const LENGTH: usize = 256 * 1024;

pub(super) type Array = Rc<RefCell<BTreeMap<Vec<u8>, Value>>>;

/// What a variable holds.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Scalar(Value),
    Array(Array),
}

/// What a statement leads to.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    Normal,
    Break,
    Continue,
    Next,
    NextFile,
    Return(Value),
    Exit,
    /// An error that ends the program.
    Fatal(String),
}

/// Places of the variables that mean something, see [`super::parser::SPECIAL`].
pub(super) mod special {
    pub(in super::super) const NF: usize = 0;
    pub(in super::super) const NR: usize = 1;
    pub(in super::super) const FNR: usize = 2;
    pub(in super::super) const FS: usize = 3;
    pub(in super::super) const OFS: usize = 4;
    pub(in super::super) const ORS: usize = 5;
    pub(in super::super) const RS: usize = 6;
    pub(in super::super) const FILENAME: usize = 7;
    pub(in super::super) const SUBSEP: usize = 8;
    pub(in super::super) const RSTART: usize = 9;
    pub(in super::super) const RLENGTH: usize = 10;
    pub(in super::super) const CONVFMT: usize = 11;
    pub(in super::super) const OFMT: usize = 12;
    pub(in super::super) const ENVIRON: usize = 13;
    pub(in super::super) const ARGC: usize = 14;
    pub(in super::super) const ARGV: usize = 15;
}

/// A text that is read record by record.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) text: Vec<u8>,
    pub(super) at: usize,
}

pub(super) struct Machine<'a, 'b> {
    pub(super) call: &'a mut Call<'b>,
    pub(super) program: &'a Program,
    pub(super) globals: Vec<Cell>,
    pub(super) frames: Vec<Vec<Cell>>,
    pub(super) record: Vec<u8>,
    pub(super) fields: Vec<Value>,
    /// Fields are those of the record as it is.
    pub(super) split: bool,
    pub(super) regexes: HashMap<Vec<u8>, Regex>,
    pub(super) files: HashMap<Vec<u8>, Reader>,
    pub(super) written: Vec<Vec<u8>>,
    /// How many times it wrote into them.
    pub(super) writes: u32,
    /// Text for commands, and commands to run, in their order.
    pub(super) commands: Vec<(Vec<u8>, Vec<u8>)>,
    inside: Vec<bool>,
    /// Files and assignments that are left of the command line.
    operands: Vec<Vec<u8>>,
    pub(super) main: Option<Reader>,
    pub(super) steps: u32,
    pub(super) elements: usize,
    pub(super) seed: u64,
    pub(super) status: u8,
}

impl<'a, 'b> Machine<'a, 'b> {
    pub(super) fn new(call: &'a mut Call<'b>, program: &'a Program, operands: &[Vec<u8>]) -> Self {
        let globals = vec![Cell::Scalar(Value::Unset); program.globals.len()];
        let seed = call.kernel.random();
        let mut machine = Self {
            call,
            program,
            globals,
            frames: Vec::new(),
            record: Vec::new(),
            fields: Vec::new(),
            split: true,
            regexes: HashMap::new(),
            files: HashMap::new(),
            written: Vec::new(),
            writes: 0,
            commands: Vec::new(),
            inside: vec![false; program.ranges],
            operands: operands.iter().rev().cloned().collect(),
            main: None,
            steps: STEPS,
            elements: 0,
            seed,
            status: 0,
        };
        for (place, text) in [
            (special::FS, " "),
            (special::OFS, " "),
            (special::ORS, "\n"),
            (special::RS, "\n"),
            (special::SUBSEP, "\x1c"),
            (special::CONVFMT, "%.6g"),
            (special::OFMT, "%.6g"),
        ] {
            machine.globals[place] = Cell::Scalar(Value::Text(text.as_bytes().to_vec()));
        }
        for place in [special::NF, special::NR, special::FNR] {
            machine.globals[place] = Cell::Scalar(Value::Number(0.0));
        }
        machine.arguments(operands);
        machine
    }

    fn arguments(&mut self, operands: &[Vec<u8>]) {
        #[allow(clippy::cast_precision_loss, reason = "a command line's words")]
        let count = (operands.len() + 1) as f64;
        self.globals[special::ARGC] = Cell::Scalar(Value::Number(count));
        let words = std::iter::once(b"awk".to_vec()).chain(operands.iter().cloned());
        let arguments: BTreeMap<_, _> = words
            .enumerate()
            .map(|(place, word)| (place.to_string().into_bytes(), Value::Input(word)))
            .collect();
        self.globals[special::ARGV] = Cell::Array(Rc::new(RefCell::new(arguments)));
        let environment: BTreeMap<_, _> = self
            .call
            .environment
            .environment()
            .map(|(name, value)| (name.to_vec(), Value::Input(value.to_vec())))
            .collect();
        self.globals[special::ENVIRON] = Cell::Array(Rc::new(RefCell::new(environment)));
    }

    /// `NAME=value` of the command line; whether the variable is one.
    pub(super) fn assign_text(&mut self, word: &[u8]) -> bool {
        let Some(place) = word.iter().position(|byte| *byte == b'=') else { return false };
        let name = &word[..place];
        let is_name = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if is_name
            && let Some(global) =
                self.program.globals.iter().position(|global| global.as_bytes() == name)
        {
            self.set(Slot::Global(global), Value::Input(unescaped(&word[place + 1..])));
        }
        is_name
    }

    /// The whole program; what comes after it.
    pub(super) fn run(mut self) -> Finish {
        let program = self.program;
        let mut flow = self.rules(|pattern| matches!(pattern, Pattern::Begin));
        let needs_input = program.rules.iter().any(|rule| !matches!(rule.pattern, Pattern::Begin));
        if matches!(flow, Flow::Normal | Flow::Next) && needs_input {
            flow = self.records();
        }
        if !matches!(flow, Flow::Fatal(_)) && needs_input {
            let ended = self.rules(|pattern| matches!(pattern, Pattern::End));
            if !matches!(ended, Flow::Normal) {
                flow = ended;
            }
        }
        if let Flow::Fatal(text) = flow {
            self.call.complain(&text);
            self.status = 2;
        }
        self.finish()
    }

    fn finish(self) -> Finish {
        if self.commands.is_empty() {
            return Finish::Status(self.status);
        }
        let script = |(command, text): (Vec<u8>, Vec<u8>)| {
            let script = if text.is_empty() {
                command
            } else {
                [&command[..], b" <<'AWK'\n", &text, b"AWK\n"].concat()
            };
            vec![b"sh".to_vec(), b"-c".to_vec(), script]
        };
        Finish::Each(self.commands.into_iter().map(script).collect())
    }

    fn rules(&mut self, wanted: fn(&Pattern) -> bool) -> Flow {
        let program = self.program;
        for rule in program.rules.iter().filter(|rule| wanted(&rule.pattern)) {
            let flow = match &rule.body {
                Some(body) => self.statement(body),
                None => Flow::Normal,
            };
            if !matches!(flow, Flow::Normal) {
                return flow;
            }
        }
        Flow::Normal
    }

    fn records(&mut self) -> Flow {
        loop {
            match self.next_record() {
                Ok(Some(record)) => self.set_record(record),
                Ok(None) => return Flow::Normal,
                Err(text) => return Flow::Fatal(text),
            }
            match self.record_rules() {
                Flow::Normal | Flow::Next => {}
                Flow::NextFile => self.main = None,
                other => return other,
            }
        }
    }

    fn record_rules(&mut self) -> Flow {
        let program = self.program;
        for rule in &program.rules {
            let fits = match &rule.pattern {
                Pattern::Begin | Pattern::End => false,
                Pattern::Always => true,
                Pattern::When(condition) => match self.evaluate(condition) {
                    Ok(value) => value.is_true(),
                    Err(flow) => return flow,
                },
                Pattern::Between(first, last, place) => match self.between(first, last, *place) {
                    Ok(fits) => fits,
                    Err(flow) => return flow,
                },
            };
            if !fits {
                continue;
            }
            let flow = match &rule.body {
                Some(body) => self.statement(body),
                None => self.print(&[], &Target::Output),
            };
            if !matches!(flow, Flow::Normal) {
                return flow;
            }
        }
        Flow::Normal
    }

    fn between(
        &mut self,
        first: &Expression,
        last: &Expression,
        place: usize,
    ) -> Result<bool, Flow> {
        if !self.inside[place] && !self.evaluate(first)?.is_true() {
            return Ok(false);
        }
        let ends = self.evaluate(last)?.is_true();
        self.inside[place] = !ends;
        Ok(true)
    }

    /// The next record of the command line's files or the input.
    pub(super) fn next_record(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let separator = self.text_of(special::RS);
            if let Some(mut reader) = self.main.take() {
                let record = self.take_record(&mut reader, &separator);
                if let Some(record) = record {
                    self.main = Some(reader);
                    self.add(special::NR, 1.0);
                    self.add(special::FNR, 1.0);
                    return Ok(Some(record));
                }
                if self.operands.is_empty() {
                    self.main = Some(Reader::default());
                    return Ok(None);
                }
            }
            let text = loop {
                match self.operands.pop() {
                    Some(word) if word.is_empty() => {}
                    Some(word) if self.assign_text(&word) => {}
                    Some(word) => break self.file(&word)?,
                    // Nothing was read yet: the input is.
                    None if self.number_of(special::NR) == 0.0 && !self.had_file() => {
                        break self.call.input();
                    }
                    None => return Ok(None),
                }
            };
            self.set(Slot::Global(special::FNR), Value::Number(0.0));
            self.main = Some(Reader { text, at: 0 });
        }
    }

    fn had_file(&self) -> bool {
        matches!(&self.globals[special::FILENAME], Cell::Scalar(Value::Text(_)))
    }

    fn file(&mut self, word: &[u8]) -> Result<Vec<u8>, String> {
        self.set(Slot::Global(special::FILENAME), Value::Text(word.to_vec()));
        let shown = String::from_utf8_lossy(word).into_owned();
        let busybox = self.call.is_busybox();
        self.call.read(word).map_err(|fault| {
            if busybox {
                format!("{shown}: {fault}")
            } else {
                format!("cannot open {shown} ({fault})")
            }
        })
    }

    pub(super) fn statement(&mut self, statement: &Statement) -> Flow {
        if self.steps == 0 {
            return self.stop();
        }
        if self.call.is_full() {
            self.status = 2;
            return Flow::Exit;
        }
        self.steps -= 1;
        match self.try_statement(statement) {
            Ok(flow) | Err(flow) => flow,
        }
    }

    fn try_statement(&mut self, statement: &Statement) -> Result<Flow, Flow> {
        Ok(match statement {
            Statement::Simple(expression) => {
                self.evaluate(expression)?;
                Flow::Normal
            }
            Statement::Print(values, target) => self.print(values, target),
            Statement::Printf(values, target) => self.printf(values, target)?,
            Statement::If(condition, body, other) => {
                if self.evaluate(condition)?.is_true() {
                    self.statement(body)
                } else {
                    other.as_ref().map_or(Flow::Normal, |other| self.statement(other))
                }
            }
            Statement::While(..) | Statement::Do(..) | Statement::For(..) | Statement::Each(..) => {
                self.repeat(statement)?
            }
            Statement::Block(statements) => {
                for inner in statements {
                    let flow = self.statement(inner);
                    if !matches!(flow, Flow::Normal) {
                        return Ok(flow);
                    }
                }
                Flow::Normal
            }
            Statement::Next => Flow::Next,
            Statement::NextFile => Flow::NextFile,
            Statement::Break => Flow::Break,
            Statement::Continue => Flow::Continue,
            Statement::Exit(value) => {
                if let Some(value) = value {
                    #[allow(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "an exit status is the low byte"
                    )]
                    let status = (self.evaluate(value)?.number() as i64 & 0xff) as u8;
                    self.status = status;
                }
                Flow::Exit
            }
            Statement::Return(value) => Flow::Return(match value {
                Some(value) => self.evaluate(value)?,
                None => Value::Unset,
            }),
            Statement::Delete(slot, keys) => {
                let array = self.array(*slot);
                match keys {
                    Some(keys) => {
                        let key = self.key(keys)?;
                        array.borrow_mut().remove(&key);
                    }
                    None => array.borrow_mut().clear(),
                }
                Flow::Normal
            }
        })
    }

    fn repeat(&mut self, statement: &Statement) -> Result<Flow, Flow> {
        match statement {
            Statement::While(condition, body) => self.turns(Some(condition), None, body),
            Statement::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.statement(first);
                }
                self.turns(condition.as_ref(), step.as_deref(), body)
            }
            Statement::Do(body, condition) => match self.statement(body) {
                Flow::Normal | Flow::Continue => self.turns(Some(condition), None, body),
                Flow::Break => Ok(Flow::Normal),
                other => Ok(other),
            },
            Statement::Each(key, array, body) => {
                let keys: Vec<Vec<u8>> = self.array(*array).borrow().keys().cloned().collect();
                for name in keys {
                    self.set(*key, Value::Input(name));
                    match self.statement(body) {
                        Flow::Normal | Flow::Continue => {}
                        Flow::Break => break,
                        other => return Ok(other),
                    }
                }
                Ok(Flow::Normal)
            }
            _ => Ok(Flow::Normal),
        }
    }

    fn turns(
        &mut self,
        condition: Option<&Expression>,
        step: Option<&Statement>,
        body: &Statement,
    ) -> Result<Flow, Flow> {
        loop {
            if let Some(condition) = condition
                && !self.evaluate(condition)?.is_true()
            {
                return Ok(Flow::Normal);
            }
            match self.statement(body) {
                Flow::Normal | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Normal),
                other => return Ok(other),
            }
            if let Some(step) = step {
                self.statement(step);
            }
        }
    }
}

/// A value of the command line: its backslashes mean what they mean in a text.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => plain.push(b'\n'),
            Some(b't') => plain.push(b'\t'),
            Some(b'\\') | None => plain.push(b'\\'),
            Some(other) => plain.extend([b'\\', *other]),
        }
    }
    plain
}
