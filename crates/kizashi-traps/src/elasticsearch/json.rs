//! JSON whose fields keep their order, as Elasticsearch answers are recognised by it, and the two forms in which it is written: in one
//! line, and as `?pretty` shows it (Jackson's printer with Elasticsearch's settings). Reading is `serde_json`'s, which refuses nesting
//! beyond 128; length is bounded by what is kept of a body.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// An object of these fields, in this order.
macro_rules! object {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::elasticsearch::json::Json::Object(vec![$(($key.to_string(), $crate::elasticsearch::json::Json::from($value))),*])
    };
}
pub(super) use object;

/// Bytes of a text that is written, about: nesting can make `?pretty` a hundred times as long as what was sent.
pub(super) const LONGEST: usize = 224 * 1024;

impl Json {
    /// Reads the first value of a text; what follows it is not looked at, as Elasticsearch does not.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Self>();
        match values.next() {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("nothing".to_owned()),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.fields().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value under a path with dots, or under the dotted name itself; of a list the first that has it.
    pub(super) fn path(&self, path: &str) -> Option<&Self> {
        if let Self::List(items) = self {
            return items.iter().find_map(|item| item.path(path));
        }
        if let Some(value) = self.get(path) {
            return Some(value);
        }
        let (head, rest) = path.split_once('.')?;
        self.get(head)?.path(rest)
    }

    pub(super) fn fields(&self) -> &[(String, Self)] {
        if let Self::Object(fields) = self { fields } else { &[] }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            other => std::slice::from_ref(other),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    pub(super) fn count(&self) -> Option<usize> {
        self.number()
            .filter(|number| *number >= 0.0 && *number <= 1e9)
            .map(|number| number as usize)
    }

    /// The value as a term: a text as it is, the rest as it is written.
    pub(super) fn term(&self) -> String {
        self.text().map_or_else(|| self.line(), str::to_owned)
    }

    /// Sets a field, at its place if it is there.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        if let Self::Object(fields) = self {
            match fields.iter_mut().find(|(name, _)| name == key) {
                Some(field) => field.1 = value,
                None => fields.push((key.to_owned(), value)),
            }
        }
    }

    /// Adds fields and merges objects, as `_update` does with a part of a document.
    pub(super) fn merge(&mut self, part: Self) {
        let Self::Object(fields) = part else { return };
        for (key, value) in fields {
            let inner = match self {
                Self::Object(own) => own.iter_mut().find(|(name, _)| *name == key),
                _ => None,
            };
            match inner {
                Some((_, own @ Self::Object(_))) if matches!(value, Self::Object(_)) => {
                    own.merge(value);
                }
                _ => self.set(&key, value),
            }
        }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None, 0);
        text
    }

    /// As `?pretty` shows it; before version 5 lists stand in their line.
    pub(super) fn pretty(&self, lists_in_line: bool) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(lists_in_line), 0);
        text.push('\n');
        text
    }

    fn write(&self, text: &mut String, pretty: Option<bool>, depth: usize) {
        if text.len() > LONGEST {
            return;
        }
        let line = |text: &mut String, depth: usize| {
            if pretty.is_some() {
                text.push('\n');
                text.extend(std::iter::repeat_n("  ", depth));
            }
        };
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => text.push_str(&number.to_string()),
            Self::Text(value) => write_text(value, text),
            Self::List(items) if items.is_empty() => {
                text.push_str(if pretty.is_some() { "[ ]" } else { "[]" });
            }
            Self::List(items) => {
                let in_line = pretty == Some(true);
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    if in_line {
                        text.push(' ');
                    } else {
                        line(text, depth + 1);
                    }
                    item.write(text, pretty, depth + usize::from(!in_line));
                }
                if in_line {
                    text.push(' ');
                } else {
                    line(text, depth);
                }
                text.push(']');
            }
            Self::Object(fields) if fields.is_empty() => {
                text.push_str(if pretty.is_some() { "{ }" } else { "{}" });
            }
            Self::Object(fields) => {
                text.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    line(text, depth + 1);
                    write_text(key, text);
                    text.push_str(if pretty.is_some() { " : " } else { ":" });
                    value.write(text, pretty, depth + 1);
                }
                line(text, depth);
                text.push('}');
            }
        }
    }
}

/// Jackson escapes what JSON must and nothing else.
fn write_text(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            control if control < ' ' => text.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}

macro_rules! numbers {
    ($($kind:ty),*) => { $(impl From<$kind> for Json {
        fn from(value: $kind) -> Self { Self::Number(serde_json::Number::from(value)) }
    })* };
}
numbers!(i32, u32, i64, u64, usize);

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        serde_json::Number::from_f64(value).map_or(Self::Null, Self::Number)
    }
}
impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl<T: Into<Self>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_are_written_as_elasticsearch_writes_them() {
        let value = Json::read(br#"{"b":[1,{}],"a":{"c":"\u0001\"x"},"e":[]}"#).unwrap();
        assert_eq!(value.line(), r#"{"b":[1,{}],"a":{"c":"\u0001\"x"},"e":[]}"#);
        let pretty = "{\n  \"b\" : [\n    1,\n    { }\n  ],\n  \"a\" : {\n    \"c\" : \"\\u0001\\\"x\"\n  },\n  \"e\" : [ ]\n}\n";
        assert_eq!(value.pretty(false), pretty);
        assert!(value.pretty(true).starts_with("{\n  \"b\" : [ 1, { } ],\n"));
    }

    #[test]
    fn nesting_is_bounded_and_what_is_no_json_is_refused() {
        assert!(Json::read("[".repeat(60_000).as_bytes()).is_err());
        assert!(Json::read(b"").is_err() && Json::read(b"{x}").is_err());
        assert!(Json::read(b"\xff").is_err());
    }
}
