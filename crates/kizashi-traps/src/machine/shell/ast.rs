//! What a line of shell says, as a tree (POSIX.1-2017, XCU chapter 2, and bash's additions that attackers use).

use std::sync::Arc;

/// Commands joined by `;`, `&` and newlines.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Item>,
}

/// One of a list's and-or chains.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Join, Pipeline)>,
    pub(crate) background: bool,
}

/// When the next pipeline of a chain runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) negated: bool,
    pub(crate) timed: bool,
    /// In POSIX's form: `time -p`.
    pub(crate) portable: bool,
    pub(crate) stages: Vec<Command>,
}

/// One command.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Simple(Simple),
    Compound(Box<Compound>, Vec<Redirection>),
    Function(Vec<u8>, Arc<Self>),
}

/// Assignments, words and redirections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simple {
    pub(crate) line: u32,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) words: Vec<Word>,
    pub(crate) redirections: Vec<Redirection>,
}

/// `name=value`, `name+=value`, `name[index]=value`, `name=(values)`.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: Vec<u8>,
    pub(crate) index: Option<Word>,
    pub(crate) append: bool,
    pub(crate) value: Value,
}

/// What is assigned.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    One(Word),
    Many(Vec<Word>),
}

/// Commands with a grammar of their own.
#[derive(Clone, Debug)]
pub(crate) enum Compound {
    Group(List),
    Subshell(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    Loop {
        until: bool,
        condition: List,
        body: List,
    },
    For {
        name: Vec<u8>,
        words: Option<Vec<Word>>,
        body: List,
    },
    /// `coproc`, with the name of its descriptors.
    Coprocess {
        name: Vec<u8>,
        command: Arc<Command>,
    },
    Select {
        name: Vec<u8>,
        words: Option<Vec<Word>>,
        body: List,
    },
    Count {
        header: [Word; 3],
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<Arm>,
    },
    Arithmetic(Word),
    Test(Test),
}

/// One branch of `case`.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) patterns: Vec<Word>,
    pub(crate) body: List,
    pub(crate) falls_through: bool,
    /// `;;&`: the patterns after it are tried as well.
    pub(crate) tries_on: bool,
}

/// The expression of `[[ ]]`.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Or(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Unary(u8, Word),
    Binary(Word, Vec<u8>, Word),
}

/// `>file`, `2>&1`, `<<EOF` and their kin.
#[derive(Clone, Debug)]
pub(crate) struct Redirection {
    pub(crate) descriptor: u8,
    pub(crate) action: Action,
}

/// What a redirection does with its descriptor.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Read(Word),
    Write {
        target: Word,
        append: bool,
        both: bool,
    },
    ReadWrite(Word),
    Copy(Word),
    /// A here-document or here-string: the text, and whether a newline is added.
    Text {
        word: Word,
        newline: bool,
    },
}

/// A word before expansion.
pub(crate) type Word = Vec<Part>;

/// A piece of a word.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Unquoted text, in which patterns are read.
    Text(Vec<u8>),
    /// Quoted text.
    Quoted(Vec<u8>),
    /// Between double quotes.
    Double(Word),
    Parameter(Box<Parameter>),
    Command(Arc<List>),
    Arithmetic(Word),
    /// `~` or `~name` at the beginning of a word.
    Tilde(Vec<u8>),
    /// `<(list)` and `>(list)`.
    Process(Arc<List>),
}

/// `$name` and `${name…}`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Vec<u8>,
    pub(crate) index: Option<Word>,
    pub(crate) indirect: bool,
    pub(crate) operation: Operation,
}

/// What is made of a parameter's value.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Plain,
    Length,
    Keys,
    /// `-`, `=`, `?`, `+`; with `:` an empty value counts as unset.
    Fallback {
        kind: u8,
        colon: bool,
        word: Word,
    },
    Remove {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    Replace {
        all: bool,
        anchor: u8,
        pattern: Word,
        with: Word,
    },
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    Case {
        upper: bool,
        all: bool,
    },
    /// `${name@Q}` and its kin.
    Transform(u8),
}

/// The text of a word without any expansion, where it has none.
pub(crate) fn literal(word: &Word) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for part in word {
        match part {
            Part::Text(bytes) | Part::Quoted(bytes) => text.extend_from_slice(bytes),
            Part::Double(parts) => text.extend(literal(parts)?),
            _ => return None,
        }
    }
    Some(text)
}
