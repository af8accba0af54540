//! Values of Lua's, and what they are as replies (`scripting.c`: conversions between Lua and the protocol).

use super::reply::{Reply, score};

/// A value of Lua's.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lua {
    Nil,
    Bool(bool),
    Number(f64),
    Text(Vec<u8>),
    Table(Vec<Lua>),
    Status(String),
    Error(String),
}

impl Lua {
    /// Whether a condition of this value holds.
    pub(super) const fn holds(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }
}

pub(super) fn as_reply(value: Lua) -> Reply {
    match value {
        Lua::Nil | Lua::Bool(false) => Reply::Nil,
        Lua::Bool(true) => Reply::Integer(1),
        #[expect(clippy::cast_possible_truncation, reason = "as Lua's numbers become integers")]
        Lua::Number(number) => Reply::Integer(number as i64),
        Lua::Text(text) => Reply::Bulk(text),
        // An array ends at its first hole.
        Lua::Table(items) => Reply::Array(
            items.into_iter().take_while(|item| *item != Lua::Nil).map(as_reply).collect(),
        ),
        Lua::Status(text) => Reply::Status(text),
        Lua::Error(text) => Reply::Error(text),
    }
}

pub(super) fn of_reply(reply: Reply) -> Lua {
    match reply {
        Reply::Status(text) => Lua::Status(text),
        Reply::Error(text) => Lua::Error(text),
        #[expect(clippy::cast_precision_loss, reason = "Lua has no other numbers")]
        Reply::Integer(number) => Lua::Number(number as f64),
        Reply::Bulk(bytes) => Lua::Text(bytes),
        Reply::Array(items) | Reply::Set(items) => {
            Lua::Table(items.into_iter().map(of_reply).collect())
        }
        Reply::Map(pairs) | Reply::Scored(pairs) => Lua::Table(
            pairs.into_iter().flat_map(|(key, value)| [of_reply(key), of_reply(value)]).collect(),
        ),
        Reply::Double(number) => Lua::Text(score(number).into_bytes()),
        _ => Lua::Bool(false),
    }
}

pub(super) fn text_of(value: &Lua) -> Option<Vec<u8>> {
    match value {
        Lua::Text(text) => Some(text.clone()),
        Lua::Number(number) => Some(score(*number).into_bytes()),
        Lua::Status(text) => Some(text.clone().into_bytes()),
        _ => None,
    }
}

pub(super) fn number_of(value: &Lua) -> Option<f64> {
    match value {
        Lua::Number(number) => Some(*number),
        Lua::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        _ => None,
    }
}

pub(super) fn compare(sign: &str, left: &Lua, right: &Lua) -> Result<Lua, &'static str> {
    let order = match (left, right) {
        (Lua::Number(left), Lua::Number(right)) => left.partial_cmp(right),
        (Lua::Text(left), Lua::Text(right)) => Some(left.cmp(right)),
        _ => None,
    };
    Ok(Lua::Bool(match (sign, order) {
        ("==", _) => left == right,
        ("~=", _) => left != right,
        ("<", Some(order)) => order.is_lt(),
        (">", Some(order)) => order.is_gt(),
        ("<=", Some(order)) => order.is_le(),
        (">=", Some(order)) => order.is_ge(),
        _ => return Err("attempt to compare nil with number"),
    }))
}
