//! MariaDB's own words to what it does not do, and MySQL's where they differ. Numbers and texts are those of `errmsg-utf8.txt`.

use super::release::MysqlRelease;

/// Bytes of a query that a syntax error shows.
const NEAR: usize = 80;

/// A number and a message; the message holds the visitor's text and is escaped by whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("MariaDB error {number}")]
pub(crate) struct SqlError {
    pub(crate) number: u16,
    pub(crate) message: Vec<u8>,
}

impl SqlError {
    pub(super) fn new(number: u16, message: impl Into<Vec<u8>>) -> Self {
        Self { number, message: message.into() }
    }

    /// One of a server that is not MariaDB, which knows what the number means.
    pub(crate) fn foreign(number: u16, message: impl Into<Vec<u8>>) -> Self {
        Self::new(number, message)
    }

    /// The same in this product's words.
    pub(super) fn said_by(self, release: MysqlRelease) -> Self {
        if release.is_mariadb() {
            return self;
        }
        match self.number {
            1064 | 1116 => {
                let (of, by) = (b"MariaDB", b"MySQL");
                let at = self.message.windows(of.len()).position(|part| part == of).unwrap_or(0);
                let (head, rest) = self.message.split_at(at);
                let rest = rest.strip_prefix(of).unwrap_or(rest);
                Self::new(self.number, [head, by, rest].concat())
            }
            1969 => {
                let text =
                    "Query execution was interrupted, maximum statement execution time exceeded";
                Self::new(3024, text)
            }
            1062 => {
                let end = b"'group_key'";
                let head = self.message.strip_suffix(end).unwrap_or(&self.message);
                Self::new(1062, [head, b"'<group_key>'"].concat())
            }
            _ => self,
        }
    }

    /// 1064, with the text from where the grammar broke.
    pub(super) fn syntax(query: &[u8], at: usize) -> Self {
        let at = at.min(query.len());
        let near = &query[at..query.len().min(at + NEAR)];
        let line = 1 + query[..at].iter().filter(|byte| **byte == b'\n').count();
        let mut message = b"You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near '".to_vec();
        message.extend_from_slice(near);
        message.extend_from_slice(format!("' at line {line}").as_bytes());
        Self::new(1064, message)
    }

    pub(super) fn unknown_column(name: &[u8], clause: &str) -> Self {
        Self::new(1054, [b"Unknown column '", name, b"' in '", clause.as_bytes(), b"'"].concat())
    }

    pub(super) fn no_table(database: &[u8], name: &[u8]) -> Self {
        Self::new(1146, [b"Table '", database, b".", name, b"' doesn't exist"].concat())
    }

    pub(super) fn no_function(database: &[u8], name: &[u8]) -> Self {
        Self::new(1305, [b"FUNCTION ", database, b".", name, b" does not exist"].concat())
    }

    pub(super) fn parameters(name: &[u8]) -> Self {
        let start = b"Incorrect parameter count in the call to native function '";
        Self::new(1582, [&start[..], name, b"'"].concat())
    }

    pub(super) fn columns(count: usize) -> Self {
        Self::new(1241, format!("Operand should contain {count} column(s)"))
    }

    pub(super) fn union_columns() -> Self {
        Self::new(1222, "The used SELECT statements have a different number of columns")
    }

    pub(super) fn too_many_columns() -> Self {
        Self::new(1117, "Too many columns")
    }

    pub(super) fn rows() -> Self {
        Self::new(1242, "Subquery returns more than 1 row")
    }

    pub(super) fn duplicate(key: &[u8]) -> Self {
        let shown = &key[..key.len().min(64)];
        Self::new(1062, [b"Duplicate entry '", shown, b"' for key 'group_key'"].concat())
    }

    pub(super) fn xpath(text: &[u8]) -> Self {
        let shown = &text[..text.len().min(32)];
        Self::new(1105, [b"XPATH syntax error: '", shown, b"'"].concat())
    }

    pub(super) fn range(kind: &str, expression: &str) -> Self {
        Self::new(1690, format!("{kind} value is out of range in '{expression}'"))
    }

    pub(super) fn group_function() -> Self {
        Self::new(1111, "Invalid use of group function")
    }

    /// What a server with `max_statement_time` says; here it is the bound of steps that was reached.
    pub(super) fn interrupted() -> Self {
        Self::new(1969, "Query execution was interrupted (max_statement_time exceeded)")
    }

    /// The same of the parser's bound of depth.
    pub(super) fn too_deep() -> Self {
        Self::new(
            1436,
            "Thread stack overrun:  257624 bytes used of a 299008 byte stack, and 32000 bytes needed.  Use 'mysqld --thread_stack=#' to specify a bigger stack",
        )
    }
}
