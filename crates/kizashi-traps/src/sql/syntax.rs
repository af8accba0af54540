//! What a query is once it is parsed: SELECT and what stands in it. Nothing else is parsed, since an injection lands in a SELECT.

use super::value::Value;

/// One or more SELECTs with UNION between them.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) first: Select,
    /// Each with whether all rows are kept.
    pub(super) unions: Vec<(bool, Select)>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<Limit>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Select {
    pub(super) distinct: bool,
    pub(super) items: Vec<Item>,
    pub(super) from: Vec<Join>,
    pub(super) filter: Option<Expression>,
    pub(super) group: Vec<Expression>,
    pub(super) having: Option<Expression>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<Limit>,
    pub(super) procedure: Vec<Expression>,
    pub(super) into: Option<Destination>,
}

#[derive(Clone, Debug)]
pub(super) enum Destination {
    File(Vec<u8>),
    Variables,
}

#[derive(Clone, Debug)]
pub(super) enum Item {
    /// `*` or `table.*`.
    All(Option<Vec<u8>>),
    Value {
        value: Expression,
        name: Vec<u8>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) by: Expression,
    pub(super) descending: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) offset: usize,
    pub(super) count: usize,
}

/// A table and how it is joined to those before it.
#[derive(Clone, Debug)]
pub(super) struct Join {
    pub(super) table: Source,
    pub(super) outer: bool,
    pub(super) on: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Table {
        database: Option<Vec<u8>>,
        name: Vec<u8>,
        alias: Vec<u8>,
    },
    Derived {
        query: Box<Query>,
        alias: Vec<u8>,
    },
    /// A function that gives rows, and names for its columns.
    Called {
        call: Box<Call>,
        alias: Vec<u8>,
        names: Vec<Vec<u8>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    Xor,
    And,
    Equal,
    NullSafe,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    BitOr,
    BitAnd,
    BitXor,
    Left,
    Right,
    Add,
    Subtract,
    Multiply,
    Divide,
    Whole,
    Modulo,
    /// PostgreSQL's `||`, and its `/`, whole between whole numbers.
    Concat,
    Quotient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Not,
    Minus,
    Invert,
    Binary,
}

/// What IS asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Null,
    True,
    False,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Binary,
    Signed,
    Unsigned,
    Decimal(u8),
    Real,
    Date,
    DateTime,
    Time,
    /// PostgreSQL's, which refuse what is none.
    Checked(&'static str),
    Boolean,
}

/// A SELECT in brackets; the number tells it from the others of a query.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) number: usize,
    pub(super) query: Box<Query>,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Lower case.
    pub(super) name: Vec<u8>,
    pub(super) number: usize,
    pub(super) arguments: Vec<Expression>,
    pub(super) distinct: bool,
    /// `COUNT(*)`.
    pub(super) star: bool,
    pub(super) order: Vec<Order>,
    pub(super) separator: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    Value(Value),
    Column {
        table: Option<Vec<u8>>,
        name: Vec<u8>,
    },
    SystemVariable(Vec<u8>),
    UserVariable(Vec<u8>),
    Assign(Vec<u8>, Box<Expression>),
    Signed(Sign, Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Is {
        value: Box<Expression>,
        test: Test,
        not: bool,
    },
    Like {
        value: Box<Expression>,
        pattern: Box<Expression>,
        escape: u8,
        not: bool,
    },
    Regexp {
        value: Box<Expression>,
        pattern: Box<Expression>,
        not: bool,
    },
    Between {
        value: Box<Expression>,
        low: Box<Expression>,
        high: Box<Expression>,
        not: bool,
    },
    In {
        value: Box<Expression>,
        list: Vec<Expression>,
        not: bool,
    },
    InQuery {
        value: Box<Expression>,
        inner: Inner,
        not: bool,
    },
    Case {
        subject: Option<Box<Expression>>,
        whens: Vec<(Expression, Expression)>,
        other: Option<Box<Expression>>,
    },
    Cast(Box<Expression>, Type),
    Call(Box<Call>),
    Exists(Inner),
    Inner(Inner),
    /// `ARRAY(SELECT …)`.
    Gathered(Inner),
    Row(Vec<Expression>),
}

/// Functions that take many rows.
pub(super) const AGGREGATES: [&[u8]; 14] = [
    b"count",
    b"sum",
    b"min",
    b"max",
    b"avg",
    b"group_concat",
    b"json_arrayagg",
    b"json_objectagg",
    b"std",
    b"stddev",
    b"variance",
    b"bit_or",
    b"bit_and",
    b"bit_xor",
];

impl Expression {
    /// Whether it needs a group of rows, outside any SELECT of its own.
    pub(super) fn aggregates(&self) -> bool {
        let any = |list: &[Self]| list.iter().any(Self::aggregates);
        match self {
            Self::Value(_)
            | Self::Column { .. }
            | Self::SystemVariable(_)
            | Self::UserVariable(_)
            | Self::Exists(_)
            | Self::Inner(_)
            | Self::Gathered(_) => false,
            Self::Assign(_, value) | Self::Signed(_, value) | Self::Cast(value, _) => {
                value.aggregates()
            }
            Self::Is { value, .. } | Self::InQuery { value, .. } => value.aggregates(),
            Self::Binary(_, a, b)
            | Self::Like { value: a, pattern: b, .. }
            | Self::Regexp { value: a, pattern: b, .. } => a.aggregates() || b.aggregates(),
            Self::Between { value, low, high, .. } => {
                value.aggregates() || low.aggregates() || high.aggregates()
            }
            Self::In { value, list, .. } => value.aggregates() || any(list),
            Self::Case { subject, whens, other } => {
                subject.as_ref().is_some_and(|value| value.aggregates())
                    || other.as_ref().is_some_and(|value| value.aggregates())
                    || whens.iter().any(|(when, then)| when.aggregates() || then.aggregates())
            }
            Self::Call(call) => AGGREGATES.contains(&call.name.as_slice()) || any(&call.arguments),
            Self::Row(list) => any(list),
        }
    }
}
