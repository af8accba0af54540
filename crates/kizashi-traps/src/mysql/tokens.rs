//! A statement's words, in MariaDB's spelling.

pub(super) use crate::sql::tokens::{Kind, Token, closing, pieces, span};
use crate::sql::{Dialect, tokens as shared};

pub(super) fn tokens(text: &[u8]) -> Vec<Token> {
    shared::tokens(Dialect::MariaDb, text)
}

/// The statements of a text, where several may come at once.
pub(super) fn statements(text: &[u8]) -> Vec<&[u8]> {
    shared::statements(Dialect::MariaDb, text)
}
