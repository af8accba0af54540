//! What a script is once it is parsed. Classes are passed over: what visitors upload is seldom built of them, and their objects do nothing.

use std::sync::Arc;

use super::value::Value;

pub(super) type Block = Arc<Vec<Statement>>;

#[derive(Debug)]
pub(super) enum Statement {
    Echo(Vec<Expression>),
    Expression(Expression),
    If(Vec<(Expression, Block)>, Option<Block>),
    /// `while`, and `do … while` where the body goes first.
    While {
        condition: Expression,
        body: Block,
        first: bool,
    },
    For {
        start: Vec<Expression>,
        condition: Vec<Expression>,
        step: Vec<Expression>,
        body: Block,
    },
    Each {
        of: Expression,
        key: Option<Expression>,
        value: Expression,
        body: Block,
    },
    Switch(Expression, Vec<(Option<Expression>, Block)>),
    Function(Arc<Function>),
    Return(Option<Expression>),
    Break,
    Continue,
    Unset(Vec<Expression>),
    Global(Vec<Vec<u8>>),
    Block(Block),
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: Vec<u8>,
    /// Names and what they are where nothing is given.
    pub(super) parameters: Vec<(Vec<u8>, Option<Expression>)>,
    pub(super) uses: Vec<Vec<u8>>,
    /// Sees the variables around it.
    pub(super) short: bool,
    pub(super) body: Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    Xor,
    And,
    Otherwise,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    Unequal,
    Same,
    Different,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Order,
    Left,
    Right,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Debug)]
pub(super) enum Expression {
    Value(Value),
    Template(Vec<Expression>),
    Variable(Vec<u8>),
    /// `$$name`, `${…}`.
    Named(Box<Expression>),
    Constant(Vec<u8>),
    Index(Box<Expression>, Option<Box<Expression>>),
    Property,
    Array(Vec<(Option<Expression>, Expression)>),
    Chain(Box<Expression>, Vec<(Operator, Expression)>),
    Not(Box<Expression>),
    Invert(Box<Expression>),
    Minus(Box<Expression>),
    Cast(&'static str, Box<Expression>),
    Assign(Box<Expression>, Option<Operator>, Box<Expression>),
    /// Added to, and whether the value is the one from before.
    Change(Box<Expression>, i64, bool),
    Choose(Box<Expression>, Option<Box<Expression>>, Box<Expression>),
    Call(Box<Expression>, Vec<Expression>),
    /// A method's or a class's: its arguments count, its result is nothing.
    Method(Vec<u8>, Vec<Expression>),
    Command(Box<Expression>),
    Isset(Vec<Expression>),
    Empty(Box<Expression>),
    Print(Box<Expression>),
    Exit(Option<Box<Expression>>),
    Eval(Box<Expression>),
    Include(Box<Expression>),
    Closure(Arc<Function>),
}
