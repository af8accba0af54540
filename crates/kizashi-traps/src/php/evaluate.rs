//! Statements, in counted steps: variables, calls, what is printed, and the journal of what the machine was asked.

use std::collections::HashMap;
use std::sync::Arc;

use super::parser::Parser;
use super::syntax::{Expression, Function, Statement};
use super::value::{Array, Key, Value};
use super::{Given, Host, Journal, Printed, Request, Wish};

/// Steps of one run.
const STEPS: u32 = 250_000;
/// Bytes that a script prints.
pub(super) const OUTPUT: usize = 64 * 1024;
/// Calls, evaluations and inclusions inside one another.
const CALLS: usize = 12;
/// Variables of one function.
const VARIABLES: usize = 500;

/// Why a run stops before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A command must run first.
    Command(Vec<u8>),
    Exit,
    /// A bound was reached: to the visitor, a script that was killed.
    Exhausted,
}

pub(super) enum Flow {
    On,
    Break,
    Continue,
    Return(Value),
}

pub(super) type Variables = HashMap<Vec<u8>, Value>;

/// A file or pipe that is open.
pub(super) struct Handle {
    pub(super) path: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) at: usize,
    pub(super) writes: bool,
}

pub(super) struct Interpreter<'a> {
    pub(super) request: &'a Request,
    journal: &'a mut Journal,
    host: &'a mut dyn Host,
    /// What of the journal was read again.
    next: usize,
    commands: usize,
    left: u32,
    output: Vec<u8>,
    /// Of `ob_start`.
    pub(super) buffers: Vec<Vec<u8>>,
    pub(super) functions: HashMap<Vec<u8>, Arc<Function>>,
    pub(super) closures: Vec<(Arc<Function>, Variables)>,
    pub(super) constants: Variables,
    globals: Variables,
    frames: Vec<(Variables, Vec<Vec<u8>>)>,
    calls: usize,
    pub(super) handles: Vec<Handle>,
    pub(super) said: Printed,
    pub(super) folder: Vec<u8>,
    pub(super) chance: u64,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(
        request: &'a Request,
        journal: &'a mut Journal,
        host: &'a mut dyn Host,
    ) -> Self {
        let end = request.script.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Self {
            request,
            journal,
            host,
            next: 0,
            commands: 0,
            left: STEPS,
            output: Vec::new(),
            buffers: Vec::new(),
            functions: HashMap::new(),
            closures: Vec::new(),
            constants: HashMap::new(),
            globals: super::functions::superglobals(request),
            frames: Vec::new(),
            calls: 0,
            handles: Vec::new(),
            said: Printed::default(),
            folder: request.script[..end].to_vec(),
            chance: request.now.map_or(1, |now| now.micros().cast_unsigned()),
        }
    }

    pub(super) fn run(&mut self, block: &[Statement]) -> Result<(), Stop> {
        self.block(block).map(|_| ())
    }

    pub(super) const fn commands(&self) -> usize {
        self.commands
    }

    pub(super) fn printed(mut self) -> Printed {
        for buffer in std::mem::take(&mut self.buffers) {
            let room = OUTPUT - self.output.len();
            self.output.extend_from_slice(&buffer[..buffer.len().min(room)]);
        }
        self.said.output = self.output;
        self.said
    }

    pub(super) fn step(&mut self, count: usize) -> Result<(), Stop> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.left = self.left.checked_sub(count).ok_or(Stop::Exhausted)?;
        Ok(())
    }

    pub(super) fn print(&mut self, text: &[u8]) -> Result<(), Stop> {
        self.step(text.len() / 64)?;
        let target = self.buffers.last_mut().unwrap_or(&mut self.output);
        let room = OUTPUT.saturating_sub(target.len());
        target.extend_from_slice(&text[..text.len().min(room)]);
        Ok(())
    }

    /// Asks the machine, or the journal where it was asked before.
    pub(super) fn ask(&mut self, wish: &Wish) -> Result<Given, Stop> {
        self.step(50)?;
        self.commands += usize::from(matches!(wish, Wish::Command(_)));
        let given = match (self.journal.get(self.next), wish) {
            (Some(given), _) => given.clone(),
            (None, Wish::Command(command)) => {
                self.commands -= 1;
                return Err(Stop::Command(command.clone()));
            }
            (None, wish) => {
                let given = self.host.grant(wish);
                self.journal.push(given.clone());
                given
            }
        };
        self.next += 1;
        Ok(given)
    }

    pub(super) fn variables(&mut self) -> &mut Variables {
        self.frames.last_mut().map_or(&mut self.globals, |(variables, _)| variables)
    }

    /// The place of a variable, made where there is none.
    pub(super) fn slot(&mut self, name: &[u8]) -> &mut Value {
        let is_global = name.starts_with(b"_")
            && name.len() > 3
            && name[1..].iter().all(u8::is_ascii_uppercase);
        let global = is_global
            || self
                .frames
                .last()
                .is_none_or(|(_, globals)| globals.iter().any(|found| found == name));
        let variables = match self.frames.last_mut() {
            Some((variables, _)) if !global => variables,
            _ => &mut self.globals,
        };
        // Past the bound all share one.
        let name =
            if variables.len() >= VARIABLES && !variables.contains_key(name) { b"" } else { name };
        variables.entry(name.to_vec()).or_default()
    }

    pub(super) fn block(&mut self, block: &[Statement]) -> Result<Flow, Stop> {
        // Functions are known before the first statement.
        for statement in block {
            if let Statement::Function(function) = statement
                && self.functions.len() < 200
            {
                self.functions.insert(function.name.clone(), Arc::clone(function));
            }
        }
        for statement in block {
            match self.statement(statement)? {
                Flow::On => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow, Stop> {
        self.step(1)?;
        match statement {
            Statement::Echo(list) => {
                for expression in list {
                    let text = self.value(expression)?.text();
                    self.print(&text)?;
                }
            }
            Statement::Expression(expression) => self.effect(expression)?,
            Statement::If(branches, otherwise) => {
                for (condition, block) in branches {
                    if self.value(condition)?.truth() {
                        return self.block(block);
                    }
                }
                if let Some(block) = otherwise {
                    return self.block(block);
                }
            }
            Statement::While { .. } | Statement::For { .. } | Statement::Each { .. } => {
                return self.repeat(statement);
            }
            Statement::Switch(of, cases) => return self.switch(of, cases),
            Statement::Function(_) => {}
            Statement::Return(value) => {
                let value = value.as_ref().map_or(Ok(Value::Null), |value| self.value(value))?;
                return Ok(Flow::Return(value));
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Unset(list) => {
                for expression in list {
                    self.unset(expression)?;
                }
            }
            Statement::Global(names) => {
                if let Some((_, globals)) = self.frames.last_mut() {
                    globals.extend(names.iter().take(50).cloned());
                }
            }
            Statement::Block(block) => return self.block(block),
        }
        Ok(Flow::On)
    }

    fn repeat(&mut self, statement: &Statement) -> Result<Flow, Stop> {
        match statement {
            Statement::While { condition, body, first } => {
                let mut looked = *first;
                while std::mem::take(&mut looked) || self.value(condition)?.truth() {
                    self.step(1)?;
                    match self.block(body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::For { start, condition, step, body } => {
                self.all(start)?;
                while condition.is_empty() || self.all(condition)?.truth() {
                    self.step(1)?;
                    match self.block(body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::On | Flow::Continue => {}
                    }
                    self.all(step)?;
                }
            }
            Statement::Each { of, key, value, body } => {
                let Value::Array(array) = self.value(of)? else { return Ok(Flow::On) };
                self.step(array.items.len())?;
                for (found, member) in array.items {
                    self.step(1)?;
                    if let Some(key) = key {
                        self.assign(key, found.value())?;
                    }
                    self.assign(value, member)?;
                    match self.block(body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            _ => {}
        }
        Ok(Flow::On)
    }

    /// Each in turn; the last one's value.
    fn all(&mut self, list: &[Expression]) -> Result<Value, Stop> {
        let mut last = Value::Null;
        for expression in list {
            last = self.value(expression)?;
        }
        Ok(last)
    }

    fn switch(
        &mut self,
        of: &Expression,
        cases: &[(Option<Expression>, super::syntax::Block)],
    ) -> Result<Flow, Stop> {
        let of = self.value(of)?;
        let mut start = None;
        for (place, (label, _)) in cases.iter().enumerate() {
            if let Some(label) = label
                && self.value(label)?.equals(&of)
            {
                start = Some(place);
                break;
            }
        }
        let start = start.or_else(|| cases.iter().position(|(label, _)| label.is_none()));
        for (_, block) in cases.iter().skip(start.unwrap_or(cases.len())) {
            match self.block(block)? {
                Flow::On => {}
                Flow::Break | Flow::Continue => break,
                flow @ Flow::Return(_) => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn unset(&mut self, expression: &Expression) -> Result<(), Stop> {
        match expression {
            Expression::Variable(name) => *self.slot(name) = Value::Null,
            Expression::Index(of, Some(key)) => {
                let key = Key::of(&self.value(key)?);
                if let Value::Array(array) = self.place(of)? {
                    array.remove(&key);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Goes one call deeper and does something there.
    pub(super) fn within<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.calls += 1;
        if self.calls > CALLS {
            return Err(Stop::Exhausted);
        }
        let result = act(self);
        self.calls -= 1;
        result
    }

    /// Runs a text as PHP: `eval`'s from the inside, a file's from the outside.
    pub(super) fn evaluate(&mut self, text: &[u8], inside: bool) -> Result<Value, Stop> {
        self.step(text.len() / 8)?;
        let Ok(block) = Parser::parse(text, inside) else { return Ok(Value::Bool(false)) };
        self.within(|this| match this.block(&block)? {
            Flow::Return(value) => Ok(value),
            _ => Ok(Value::Null),
        })
    }

    /// Calls a function of the script's own.
    pub(super) fn invoke(
        &mut self,
        function: &Function,
        captured: Variables,
        arguments: &[Value],
    ) -> Result<Value, Stop> {
        let mut variables = captured;
        let all = Array::list(arguments.iter().cloned());
        for (place, (name, default)) in function.parameters.iter().enumerate() {
            let value = match (arguments.get(place), default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => self.value(default)?,
                (None, None) => Value::Null,
            };
            variables.insert(name.clone(), value);
        }
        variables.insert(b"\0arguments".to_vec(), Value::Array(all));
        self.within(|this| {
            this.frames.push((variables, Vec::new()));
            let flow = this.block(&function.body);
            this.frames.pop();
            match flow? {
                Flow::Return(value) => Ok(value),
                _ => Ok(Value::Null),
            }
        })
    }
}
