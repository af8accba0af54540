//! `awk`'s words and the tree that they are read into.

use super::super::regex::Regex;

/// One word of a program.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Vec<u8>),
    Regex(Vec<u8>),
    Name(String),
    /// A name with its bracket right behind: a call.
    Called(String),
    Builtin(&'static str),
    Keyword(&'static str),
    Sign(&'static str),
    Newline,
    End,
}

/// Where a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Global(usize),
    Local(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Join,
}

/// From where `getline` reads.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Main,
    File(Box<Expression>),
    Command(Box<Expression>),
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    Number(f64),
    Text(Vec<u8>),
    Regex(Regex),
    Variable(Slot),
    Field(Box<Self>),
    Element(Slot, Vec<Self>),
    Assign(Box<Self>, Option<Operator>, Box<Self>),
    Choose(Box<Self>, Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Numeric(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    Matches {
        text: Box<Self>,
        regex: Box<Self>,
        negated: bool,
    },
    Holds(Vec<Self>, Slot),
    Step {
        target: Box<Self>,
        by: f64,
        before: bool,
    },
    Builtin(&'static str, Vec<Self>),
    Call(usize, Vec<Self>),
    Getline(Option<Box<Self>>, Source),
    /// In brackets: what may be a list before `in`.
    Group(Box<Self>),
}

/// Where `print` writes.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Output,
    File(Expression),
    Append(Expression),
    Command(Expression),
}

#[derive(Clone, Debug)]
pub(super) enum Statement {
    Simple(Expression),
    Print(Vec<Expression>, Target),
    Printf(Vec<Expression>, Target),
    If(Expression, Box<Self>, Option<Box<Self>>),
    While(Expression, Box<Self>),
    Do(Box<Self>, Expression),
    For(Option<Box<Self>>, Option<Expression>, Option<Box<Self>>, Box<Self>),
    Each(Slot, Slot, Box<Self>),
    Block(Vec<Self>),
    Next,
    NextFile,
    Break,
    Continue,
    Exit(Option<Expression>),
    Return(Option<Expression>),
    Delete(Slot, Option<Vec<Expression>>),
}

/// When a rule runs.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Begin,
    End,
    Always,
    When(Expression),
    /// From one line to another; the number is the place of its state.
    Between(Expression, Expression, usize),
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    /// Nothing: print the line.
    pub(super) body: Option<Statement>,
}

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    pub(super) body: Statement,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub(super) rules: Vec<Rule>,
    pub(super) functions: Vec<Function>,
    pub(super) globals: Vec<String>,
    pub(super) ranges: usize,
}

/// What is wrong with a program, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) text: String,
}
