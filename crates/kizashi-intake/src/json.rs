//! JSON lines as honeypots write them. Values borrow from the line; a field of another type than expected is read as what it can
//! mean (`"22"` for 22) or as absent, since a log must not lose a line over a field that is not needed. A line may stand in an
//! array with one object a line (`[{…},`, `{…}]`); what stands around the object is dropped.
//!
//! Python's `json` writes lone surrogates, and programs that build JSON by hand leave control characters and bytes that are not
//! UTF-8 in strings. RFC 8259 allows none of these, so a line that is refused is mended in just these points and tried once more.

use std::borrow::Cow;
use std::fmt;

use kizashi_event::HostileText;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::line::LineError;

/// The object of a line without the punctuation of an array around it; empty when there is no object.
pub(crate) fn trim_record(line: &[u8]) -> &[u8] {
    let mut record = line;
    while let [b'[' | b',' | b' ' | b'\t' | b'\r' | 0, rest @ ..] = record {
        record = rest;
    }
    while let [rest @ .., b']' | b',' | b' ' | b'\t' | b'\r' | 0] = record {
        record = rest;
    }
    record
}

/// Reads the one object of a line. `mended` is a buffer that is used only for lines that break RFC 8259.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    record: &'a [u8],
    mended: &'a mut Vec<u8>,
) -> Result<T, LineError> {
    if record.first() != Some(&b'{') {
        return Err(LineError::because("not a JSON object"));
    }
    let error = match serde_json::from_slice(record) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if mend(record, mended) {
        return serde_json::from_slice(mended).map_err(|error| reason(&error));
    }
    Err(reason(&error))
}

fn reason(error: &serde_json::Error) -> LineError {
    match error.classify() {
        Category::Eof => LineError::because("the line ends in the middle of its JSON"),
        _ => LineError::of(format!("not the JSON that was expected: {error}")),
    }
}

/// Writes `line` to `mended` with raw control characters in strings escaped, and lone surrogates and bytes that are not UTF-8
/// replaced by U+FFFD. Returns whether anything was changed.
fn mend(line: &[u8], mended: &mut Vec<u8>) -> bool {
    let text = String::from_utf8_lossy(line);
    let mut changed = matches!(text, Cow::Owned(_));
    mended.clear();
    let (bytes, mut at, mut in_string) = (text.as_bytes(), 0, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let used = match byte {
            b'"' => {
                in_string = !in_string;
                1
            }
            b'\\' if in_string => escape_length(rest),
            control if in_string && control < 0x20 => {
                mended.extend_from_slice(format!("\\u{control:04x}").as_bytes());
                changed = true;
                at += 1;
                continue;
            }
            _ => 1,
        };
        if byte == b'\\' && is_lone_surrogate(rest) {
            mended.extend_from_slice(b"\\ufffd");
            changed = true;
        } else {
            mended.extend_from_slice(&rest[..used]);
        }
        at += used;
    }
    changed
}

/// The length of the escape at the start of `rest`; a surrogate pair is one escape.
fn escape_length(rest: &[u8]) -> usize {
    let length = match code_unit(rest) {
        Some(0xd800..=0xdbff) if matches!(code_unit(&rest[6..]), Some(0xdc00..=0xdfff)) => 12,
        Some(_) => 6,
        None => 2,
    };
    length.min(rest.len())
}

fn is_lone_surrogate(rest: &[u8]) -> bool {
    matches!(code_unit(rest), Some(0xd800..=0xdfff)) && escape_length(rest) == 6
}

/// The UTF-16 code unit that `\uXXXX` at the start of `rest` stands for.
fn code_unit(rest: &[u8]) -> Option<u16> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A text, or what can be written as one: numbers and truth values are written out, lists joined by spaces; null and objects
/// are absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, also when it is empty.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text when it is not empty.
    pub(crate) fn filled(&self) -> Option<&str> {
        self.get().filter(|text| !text.is_empty())
    }

    /// The text as an attacker's.
    pub(crate) fn hostile(&self) -> Option<HostileText> {
        self.get().map(HostileText::from)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(' ')).map(Self)
    }
}

/// A list of names in one text with commas between, as SSH sends it; read as a [`Text`] is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names<'a>(Option<Cow<'a, str>>);

impl Names<'_> {
    /// The names.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(',')).map(Self)
    }
}

/// Reads a text; between the items of a list it puts its character.
struct TextVisitor(char);

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(if truth { "true" } else { "false" })))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut joined = String::new();
        while let Some(item) = list.next_element::<Shallow<'de>>()? {
            if !joined.is_empty() {
                joined.push(self.0);
            }
            joined.push_str(item.0.as_deref().unwrap_or_default());
        }
        Ok(Some(Cow::Owned(joined)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// An item of a list: as [`Text`]. (Lists of lists are read down to serde_json's own limit of depth.)
struct Shallow<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Shallow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(' ')).map(Self)
    }
}

/// A number, also one written as text. Exact for whole numbers to 2^53, which ports, sizes and durations are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Number(Option<f64>);

impl Number {
    /// The number.
    pub(crate) const fn get(self) -> Option<f64> {
        self.0
    }

    /// The number rounded; `None` when it is negative or past 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
    pub(crate) fn whole(self) -> Option<u64> {
        let rounded = self.0?.round();
        (0.0..=9_007_199_254_740_992.0).contains(&rounded).then_some(rounded as u64)
    }

    /// The number as a port.
    pub(crate) fn port(self) -> Option<u16> {
        self.whole().and_then(|number| u16::try_from(number).ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

#[allow(clippy::cast_precision_loss, reason = "numbers past 2^53 mean nothing in a honeypot's log")]
impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Option<f64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.trim().parse().ok().filter(|number: &f64| number.is_finite()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Whether a line has fields other than those named: a quick look that keeps nothing.
pub(crate) fn has_other_fields(record: &[u8], common: &'static [&'static str]) -> bool {
    struct Names(&'static [&'static str]);

    impl<'de> Visitor<'de> for Names {
        type Value = bool;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut found = false;
            while let Some(name) = map.next_key::<Text<'de>>()? {
                found |= !name.get().is_some_and(|name| self.0.contains(&name));
                map.next_value::<IgnoredAny>()?;
            }
            Ok(found)
        }
    }

    // A line that had to be mended fails here and is looked at the slow way.
    let mut deserializer = serde_json::Deserializer::from_slice(record);
    deserializer.deserialize_map(Names(common)).unwrap_or(true)
}

/// The fields of a line other than those named, for a note: the slow way, for lines that have no better place.
pub(crate) fn other_fields(record: &[u8], is_common: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut mended = Vec::new();
    let mut fields: Map<String, Value> = read(record, &mut mended).unwrap_or_default();
    fields.retain(|name, _| !is_common(name));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Line<'a> {
        #[serde(borrow)]
        text: Text<'a>,
        port: Number,
    }

    fn text_of(line: &[u8]) -> Option<String> {
        let mut mended = Vec::new();
        let line: Line<'_> = read(line, &mut mended).unwrap();
        line.text.get().map(str::to_owned)
    }

    #[test]
    fn a_field_of_another_type_never_costs_the_line() {
        for (json, expected) in [
            (r#"{"text":"a"}"#, Some("a")),
            (r#"{"text":22}"#, Some("22")),
            (r#"{"text":null}"#, None),
            (r#"{"text":["a","b",1]}"#, Some("a b 1")),
            (r#"{"text":{"a":{"b":[1]}}}"#, None),
            ("{}", None),
        ] {
            assert_eq!(text_of(json.as_bytes()).as_deref(), expected, "{json}");
        }
        let mut mended = Vec::new();
        for (json, expected) in [
            (r#"{"port":22}"#, Some(22)),
            (r#"{"port":"22"}"#, Some(22)),
            (r#"{"port":-1}"#, None),
            (r#"{"port":65536}"#, None),
            (r#"{"port":[1]}"#, None),
        ] {
            let line: Line<'_> = read(json.as_bytes(), &mut mended).unwrap();
            assert_eq!(line.port.port(), expected, "{json}");
        }
    }

    #[test]
    fn what_python_and_hand_made_json_break_is_mended() {
        assert_eq!(text_of(br#"{"text":"a\udcffb"}"#).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(text_of(br#"{"text":"\ud83d\ude00\ud83d"}"#).as_deref(), Some("😀\u{fffd}"));
        assert_eq!(text_of(b"{\"text\":\"a\xffb\"}").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(text_of(b"{\"text\":\"a\x1b\tb\\\\\"}").as_deref(), Some("a\u{1b}\tb\\"));
    }

    #[test]
    fn the_punctuation_of_an_array_is_dropped_and_the_object_kept() {
        for line in [
            "[{\"a\":[1]},",
            "{\"a\":[1]}]",
            ",{\"a\":[1]}\r",
            "\0\0{\"a\":[1]}",
            " {\"a\":[1]} , ",
        ] {
            assert_eq!(trim_record(line.as_bytes()), b"{\"a\":[1]}", "{line:?}");
        }
        for line in ["[", "]", ",", "", " \r", "[]"] {
            assert_eq!(trim_record(line.as_bytes()), b"", "{line:?}");
        }
    }
}
