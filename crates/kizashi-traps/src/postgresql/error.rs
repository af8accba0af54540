//! Errors in the server's words, with its codes (appendix A of the manual) and the places of its source that 15.18 names.

use crate::sql::{DIVISION_BY_ZERO, INVALID_TEXT, SqlError};

use super::wire::message;

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PgError {
    pub(super) code: &'static str,
    pub(super) message: Vec<u8>,
    pub(super) detail: Vec<u8>,
    pub(super) hint: &'static str,
    /// Where in the query, counted from 1.
    pub(super) position: Option<usize>,
    /// File, line and routine.
    pub(super) place: Option<Box<[&'static str; 3]>>,
}

/// Numbers under which errors of the catalogue and its functions pass through the engine.
pub(super) const UNDEFINED_TABLE: u16 = 60_101;
pub(super) const UNDEFINED_FUNCTION: u16 = 60_102;
pub(super) const UNDEFINED_FILE: u16 = 60_103;
pub(super) const UNDEFINED_OBJECT: u16 = 60_104;
pub(super) const NO_PRIVILEGE: u16 = 60_105;
pub(super) const INVALID_VALUE: u16 = 60_106;

const NO_MATCH: &str = "No function matches the given name and argument types. You might need to add explicit type casts.";

impl PgError {
    pub(super) fn new(code: &'static str, message: impl Into<Vec<u8>>) -> Self {
        Self { code, message: message.into(), ..Self::default() }
    }

    pub(super) fn at(
        mut self,
        file: &'static str,
        line: &'static str,
        routine: &'static str,
    ) -> Self {
        self.place = Some(Box::new([file, line, routine]));
        self
    }

    /// `message` with a name in double quotes in it, where `{}` stands.
    pub(super) fn about(code: &'static str, text: &str, name: &[u8]) -> Self {
        let (before, after) = text.split_once("{}").unwrap_or((text, ""));
        Self::new(code, [before.as_bytes(), name, after.as_bytes()].concat())
    }

    pub(super) fn no_table(name: &[u8]) -> Self {
        Self::about("42P01", "relation \"{}\" does not exist", name).at(
            "parse_relation.c",
            "1392",
            "parserOpenTable",
        )
    }

    /// At the word that begins here.
    pub(super) fn syntax(text: &[u8], at: usize) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
        let length = rest.iter().position(|byte| !word(byte)).unwrap_or(rest.len());
        let near = &rest[..length.max(1).min(rest.len())];
        let mut error = if near.is_empty() {
            Self::new("42601", "syntax error at end of input")
        } else {
            Self::about("42601", "syntax error at or near \"{}\"", near)
        };
        error.position = Some(at + 1);
        error.at("scan.l", "1188", "scanner_yyerror")
    }

    /// What the engine found, of this query.
    pub(super) fn of(error: &SqlError, query: &[u8]) -> Self {
        let message = error.message.as_slice();
        let plain = |code| Self::new(code, message);
        match error.number {
            1064 => Self::syntax(query, place_of(message, query)),
            1054 => {
                let name = quoted(message);
                let text = if name.contains(&b'.') {
                    "column {} does not exist"
                } else {
                    "column \"{}\" does not exist"
                };
                Self::about("42703", text, name).at(
                    "parse_relation.c",
                    "3665",
                    "errorMissingColumn",
                )
            }
            1305 => {
                let name = message.strip_prefix(b"FUNCTION ").unwrap_or(message);
                let name = name.strip_suffix(b" does not exist").unwrap_or(name);
                let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
                let error = Self::about("42883", "function {}(unknown) does not exist", name);
                Self { hint: NO_MATCH, ..error.at("parse_func.c", "629", "ParseFuncOrColumn") }
            }
            1222 => Self::new("42601", "each UNION query must have the same number of columns").at(
                "analyze.c",
                "2001",
                "transformSetOperationTree",
            ),
            1241 => Self::new("42601", "subquery must return only one column"),
            1242 => {
                Self::new("21000", "more than one row returned by a subquery used as an expression")
                    .at("nodeSubplan.c", "362", "ExecScanSubPlan")
            }
            1111 => Self::new("42803", "aggregate functions are not allowed in WHERE").at(
                "parse_agg.c",
                "567",
                "check_agglevels_and_constraints",
            ),
            1139 => Self::new("2201B", "invalid regular expression: parentheses () not balanced"),
            1690 => Self::new("22003", "integer out of range").at("int.c", "761", "int4pl"),
            1582 => Self::about("42883", "function {}(unknown) does not exist", quoted(message)),
            1969 => Self::new("57014", "canceling statement due to statement timeout").at(
                "postgres.c",
                "3342",
                "ProcessInterrupts",
            ),
            1436 => Self::new("54001", "stack depth limit exceeded"),
            INVALID_TEXT => plain("22P02").at("numutils.c", "232", "pg_strtoint32"),
            DIVISION_BY_ZERO => plain("22012").at("int.c", "869", "int4div"),
            UNDEFINED_TABLE => Self::no_table(message),
            UNDEFINED_FUNCTION => Self { hint: NO_MATCH, ..plain("42883") },
            UNDEFINED_FILE => plain("58P01").at("genfile.c", "121", "read_binary_file"),
            UNDEFINED_OBJECT => plain("42704"),
            NO_PRIVILEGE => plain("42501"),
            INVALID_VALUE => plain("22023"),
            _ => Self::new("42601", "syntax error at end of input"),
        }
    }

    /// As it is sent.
    pub(super) fn bytes(&self, severity: &str) -> Vec<u8> {
        let mut content = Vec::new();
        let mut put = |letter: u8, text: &[u8]| {
            if !text.is_empty() {
                content.push(letter);
                content.extend(text.iter().copied().filter(|byte| *byte != 0));
                content.push(0);
            }
        };
        put(b'S', severity.as_bytes());
        put(b'V', severity.as_bytes());
        put(b'C', self.code.as_bytes());
        put(b'M', &self.message);
        put(b'D', &self.detail);
        put(b'H', self.hint.as_bytes());
        if let Some(position) = self.position {
            put(b'P', position.to_string().as_bytes());
        }
        let [file, line, routine] = self.place.as_deref().copied().unwrap_or_default();
        put(b'F', file.as_bytes());
        put(b'L', line.as_bytes());
        put(b'R', routine.as_bytes());
        content.push(0);
        message(b'E', &content)
    }
}

/// What stands between the first single quotes.
fn quoted(message: &[u8]) -> &[u8] {
    message.split(|byte| *byte == b'\'').nth(1).unwrap_or_default()
}

/// Where in the query the engine's syntax error is: it shows what follows.
fn place_of(message: &[u8], query: &[u8]) -> usize {
    const NEAR: &[u8] = b"to use near '";
    let start = message.windows(NEAR.len()).position(|window| window == NEAR);
    let shown = start.map_or(&b""[..], |at| &message[at + NEAR.len()..]);
    let end = shown.windows(9).rposition(|window| window == b"' at line").unwrap_or(0);
    let shown = &shown[..end];
    if shown.is_empty() {
        return query.len();
    }
    query.windows(shown.len()).rposition(|window| window == shown).unwrap_or(0)
}
