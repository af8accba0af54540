//! What a person types into the search box: words, and terms such as `port:445 country:jp user:root since:7d`. A value with spaces
//! stands in quotation marks. Japanese names of fields mean the same.

use kizashi_event::{Key, KeyKind, Port, Timestamp};

/// Characters of a search at most.
const LONGEST: usize = 500;
/// Terms at most.
const MOST_TERMS: usize = 16;

/// What can stand before a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A key of this kind.
    Kind(KeyKind),
    /// The sensor that told of it.
    Sensor,
    /// A payload by the beginning of its hash.
    Hash,
    /// From when on.
    Since,
    /// Before when.
    Until,
}

/// Each field with its names, the first of which completion gives; then the Japanese one.
const FIELDS: [(Field, &[&str], &str); 21] = [
    (Field::Kind(KeyKind::Port), &["port"], "ポート"),
    (Field::Kind(KeyKind::Source), &["source", "ip", "address"], "送信元"),
    (Field::Kind(KeyKind::Country), &["country"], "国"),
    (Field::Kind(KeyKind::User), &["user", "username"], "ユーザー"),
    (Field::Kind(KeyKind::Password), &["password", "pass"], "パスワード"),
    (Field::Kind(KeyKind::Pair), &["pair"], "組"),
    (Field::Kind(KeyKind::Command), &["command", "cmd"], "コマンド"),
    (Field::Kind(KeyKind::Path), &["path", "url"], "パス"),
    (Field::Hash, &["hash", "sha256", "payload"], "ハッシュ"),
    (Field::Since, &["since"], "から"),
    (Field::Until, &["until"], "まで"),
    (Field::Kind(KeyKind::Service), &["service", "trap"], "サービス"),
    (Field::Sensor, &["sensor"], "センサー"),
    (Field::Kind(KeyKind::Network), &["network", "as"], "ネットワーク"),
    (Field::Kind(KeyKind::Client), &["client", "software"], "ソフト"),
    (Field::Kind(KeyKind::Fingerprint), &["fingerprint"], "指紋"),
    (Field::Kind(KeyKind::Signature), &["signature", "cve"], "署名"),
    (Field::Kind(KeyKind::Scanner), &["scanner"], "調査者"),
    (Field::Kind(KeyKind::CommandFamily), &["command-family"], "コマンド型"),
    (Field::Kind(KeyKind::PathFamily), &["path-family"], "パス型"),
    (Field::Kind(KeyKind::PayloadCluster), &["payload-cluster"], "内容型"),
];

/// Why a search cannot be read; each text is one sentence for the one who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// More than 500 characters.
    #[error("the search is longer than {LONGEST} characters: shorten it")]
    TooLong,
    /// More than 16 terms.
    #[error("the search has more than {MOST_TERMS} terms: leave some out")]
    TooManyTerms,
    /// Nothing stands behind the colon.
    #[error("{0}: has nothing behind it: write it as {0}:value")]
    Empty(&'static str),
    /// No time.
    #[error("{0} is no time: write 90m, 24h, 7d, or a date such as 2026-11-20")]
    NoTime(String),
    /// No port.
    #[error("{0} is no port: write 445, tcp/445 or udp/53")]
    NoPort(String),
}

/// A moment as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At this time.
    At(Timestamp),
    /// So many microseconds before the end of what is known.
    Ago(i64),
}

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchTerm {
    /// A port by its number alone.
    PortNumber(u16),
    /// A key by its text.
    Key(KeyKind, String),
    /// What this sensor told.
    Sensor(String),
    /// A payload by the first digits of its hash, in small letters.
    Hash(String),
    /// A word that may stand anywhere.
    Word(String),
}

/// A search that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Its terms.
    pub terms: Vec<SearchTerm>,
    /// From when on.
    pub since: Option<Moment>,
    /// Before when.
    pub until: Option<Moment>,
}

/// A piece of the text, with where it begins, in bytes.
struct Piece {
    start: usize,
    field: Option<(Field, &'static str)>,
    value: String,
}

fn field_named(name: &str) -> Option<(Field, &'static str)> {
    let lower = name.to_lowercase();
    let named = |(_, names, japanese): &&(Field, &[&'static str], &str)| {
        names.contains(&lower.as_str()) || *japanese == name
    };
    FIELDS.iter().find(named).map(|(field, names, _)| (*field, names[0]))
}

/// Cuts at spaces outside of quotation marks; a backslash takes the next character as it is within them.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some(&(start, first)) = characters.peek() {
        if first.is_whitespace() {
            characters.next();
            continue;
        }
        let (mut value, mut field, mut quoted) = (String::new(), None, false);
        while let Some(&(_, character)) = characters.peek() {
            if !quoted && character.is_whitespace() {
                break;
            }
            characters.next();
            match character {
                '"' => quoted = !quoted,
                '\\' if quoted => value.extend(characters.next().map(|(_, character)| character)),
                ':' | '：' if !quoted && field.is_none() => match field_named(&value) {
                    Some(named) => {
                        field = Some(named);
                        value.clear();
                    }
                    None => value.push(character),
                },
                other => value.push(other),
            }
        }
        pieces.push(Piece { start, field, value });
    }
    pieces
}

/// Reads a search.
///
/// # Errors
/// With a sentence that says what is wrong.
pub(crate) fn parse(text: &str) -> Result<Search, SearchError> {
    if text.chars().count() > LONGEST {
        return Err(SearchError::TooLong);
    }
    let mut search = Search::default();
    for piece in pieces(text) {
        let Some((field, name)) = piece.field else {
            if !piece.value.is_empty() {
                search.terms.push(word(piece.value));
            }
            continue;
        };
        if piece.value.is_empty()
            && !matches!(field, Field::Kind(KeyKind::User | KeyKind::Password))
        {
            return Err(SearchError::Empty(name));
        }
        match field {
            Field::Since => search.since = Some(moment(&piece.value)?),
            Field::Until => search.until = Some(moment(&piece.value)?),
            Field::Sensor => search.terms.push(SearchTerm::Sensor(piece.value)),
            Field::Hash => search.terms.push(SearchTerm::Hash(piece.value.to_ascii_lowercase())),
            Field::Kind(kind) => search.terms.push(term(kind, piece.value)?),
        }
    }
    if search.terms.len() > MOST_TERMS {
        return Err(SearchError::TooManyTerms);
    }
    Ok(search)
}

/// An address or a port that stands alone is what it looks like.
fn word(text: String) -> SearchTerm {
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return SearchTerm::Key(KeyKind::Source, address.to_string());
    }
    if (text.starts_with("tcp/") || text.starts_with("udp/"))
        && let Some(port) = port(&text)
    {
        return SearchTerm::Key(KeyKind::Port, port.to_string());
    }
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { SearchTerm::Hash(text.to_ascii_lowercase()) } else { SearchTerm::Word(text) }
}

fn term(kind: KeyKind, value: String) -> Result<SearchTerm, SearchError> {
    if kind != KeyKind::Port {
        let value = match kind {
            KeyKind::Country => value.to_uppercase(),
            KeyKind::Source => value.parse().map_or(value, |it: std::net::IpAddr| it.to_string()),
            _ => value,
        };
        return Ok(SearchTerm::Key(kind, value));
    }
    if let Ok(number) = value.parse::<u16>() {
        return Ok(SearchTerm::PortNumber(number));
    }
    match port(&value.to_ascii_lowercase()) {
        Some(port) => Ok(SearchTerm::Key(KeyKind::Port, port.to_string())),
        None => Err(SearchError::NoPort(value.chars().take(40).collect())),
    }
}

/// `tcp/445`.
fn port(text: &str) -> Option<Port> {
    text.parse::<Key>().ok().and_then(|key| key.as_port())
}

fn moment(text: &str) -> Result<Moment, SearchError> {
    let wrong = || SearchError::NoTime(text.chars().take(40).collect());
    if let Ok(time) = Timestamp::parse(text) {
        return Ok(Moment::At(time));
    }
    let is_date =
        text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_date {
        let midnight = Timestamp::parse(&format!("{text}T00:00:00Z"));
        return midnight.map(Moment::At).map_err(|_| wrong());
    }
    let unit = match text.chars().last() {
        Some('m') => 60 * Timestamp::SECOND,
        Some('h') => Timestamp::HOUR,
        Some('d') => Timestamp::DAY,
        Some('w') => 7 * Timestamp::DAY,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let length = number.checked_mul(unit).filter(|length| *length > 0);
    length.map(Moment::Ago).ok_or_else(wrong)
}

/// What the last word of a search could become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished<'a> {
    /// The search before that word.
    pub(crate) before: &'a str,
    /// Its field with the name to write, where it has one.
    pub(crate) field: Option<(Field, &'static str)>,
    /// What was typed of the value, or of the field's name.
    pub(crate) value: String,
}

pub(crate) fn unfinished(text: &str) -> Unfinished<'_> {
    let ended = text.ends_with(char::is_whitespace) || text.is_empty();
    match pieces(text).pop().filter(|_| !ended) {
        Some(piece) => Unfinished {
            before: text.get(..piece.start).unwrap_or(""),
            field: piece.field,
            value: piece.value,
        },
        None => Unfinished { before: text, field: None, value: String::new() },
    }
}

/// The names of fields that begin like this, in the order of use.
pub(crate) fn fields_beginning(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    FIELDS
        .iter()
        .filter(|(_, names, japanese)| {
            japanese.starts_with(text) || names.iter().any(|name| name.starts_with(&lower))
        })
        .map(|(_, names, _)| names[0])
        .collect()
}

/// A value as a search has it: in quotation marks where it needs them.
pub(crate) fn written(field: &str, value: &str) -> String {
    let plain =
        !value.is_empty() && value.chars().all(|c| !c.is_whitespace() && !matches!(c, '"' | '\\'));
    if plain {
        return format!("{field}:{value}");
    }
    format!("{field}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(kind: KeyKind, text: &str) -> SearchTerm {
        SearchTerm::Key(kind, text.to_owned())
    }

    #[test]
    fn terms_are_read_as_they_are_typed() {
        let search = parse("port:445 country:jp  user:root since:7d").unwrap();
        assert_eq!(
            search.terms,
            [SearchTerm::PortNumber(445), key(KeyKind::Country, "JP"), key(KeyKind::User, "root")]
        );
        assert_eq!(search.since, Some(Moment::Ago(7 * Timestamp::DAY)));
        let quoted = parse(r#"command:"cat /proc/cpuinfo | grep \"x\"" busybox"#).unwrap();
        assert_eq!(
            quoted.terms,
            [
                key(KeyKind::Command, "cat /proc/cpuinfo | grep \"x\""),
                SearchTerm::Word("busybox".to_owned())
            ]
        );
        let japanese = parse("ポート：22 国:jp から:2026-11-20").unwrap();
        assert_eq!(japanese.terms[0], SearchTerm::PortNumber(22));
        assert_eq!(
            japanese.since,
            Some(Moment::At(Timestamp::parse("2026-11-20T00:00:00Z").unwrap()))
        );
    }

    #[test]
    fn what_stands_alone_is_what_it_looks_like() {
        let one = |text: &str| parse(text).unwrap().terms.remove(0);
        assert_eq!(one("203.0.113.7"), key(KeyKind::Source, "203.0.113.7"));
        assert_eq!(one("udp/53"), key(KeyKind::Port, "udp/53"));
        assert_eq!(one(&"AB".repeat(32)), SearchTerm::Hash("ab".repeat(32)));
        assert_eq!(one("http://x"), SearchTerm::Word("http://x".to_owned()));
        assert_eq!(one("user:"), key(KeyKind::User, ""), "an empty name is one that is tried");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_sentence() {
        for (text, sentence) in [
            ("port:", "port: has nothing behind it"),
            ("port:http", "http is no port"),
            ("since:yesterday", "yesterday is no time"),
            ("since:-3d", "-3d is no time"),
            ("since:99999999999999999d", "is no time"),
            ("since:日", "日 is no time"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
        assert_eq!(parse(&"x ".repeat(17)), Err(SearchError::TooManyTerms));
        assert_eq!(parse(&"x".repeat(501)), Err(SearchError::TooLong));
    }

    #[test]
    fn the_last_word_is_what_is_completed() {
        let of = |text| {
            let it = unfinished(text);
            (it.before.to_owned(), it.field.map(|(_, name)| name), it.value)
        };
        assert_eq!(of("port:22 us"), ("port:22 ".to_owned(), None, "us".to_owned()));
        assert_eq!(
            of("port:22 ip:203."),
            ("port:22 ".to_owned(), Some("source"), "203.".to_owned())
        );
        assert_eq!(of("port:22 "), ("port:22 ".to_owned(), None, String::new()));
        assert_eq!(fields_beginning("us"), ["user"]);
        assert_eq!(fields_beginning("国"), ["country"]);
        assert_eq!(fields_beginning("").len(), FIELDS.len());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in "\\PC{1,40}") {
            let text = written("user", &value);
            let search = parse(&text).unwrap();
            prop_assert_eq!(search.terms, vec![key(KeyKind::User, &value)]);
        }

        #[test]
        fn nothing_that_is_typed_breaks_anything(text in ".{0,300}") {
            let _ = parse(&text);
            let it = unfinished(&text);
            prop_assert!(text.starts_with(it.before));
        }
    }
}
