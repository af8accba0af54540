//! Words of a statement as they are taken apart and put together again: where brackets end, names with dots in them, literals, texts that are
//! added up.

use super::language::{Kind, Token};
use crate::sql::Value;

/// Words that are text, beside literals: `+` puts such together.
const TEXTUAL: [&str; 12] = [
    "system_user",
    "current_user",
    "space",
    "char",
    "nchar",
    "suser_sname",
    "suser_name",
    "db_name",
    "host_name",
    "upper",
    "lower",
    "rtrim",
];

/// The columns of a SELECT in which texts are added, written with CONCAT.
pub(super) fn texts_added(words: &[Token]) -> Vec<Token> {
    let word = |word: &str| Token { kind: Kind::Word(word.to_owned()) };
    let mut depth = 0_usize;
    let mut at_depth = |token: &Token| {
        match token.kind {
            Kind::Sign('(') => depth += 1,
            Kind::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    };
    let ends = ["from", "where", "into", "order", "union", "as"];
    let begins = words.iter().position(|token| token.is("select")).map_or(0, |at| at + 1);
    let (mut made, mut column, mut sums, mut textual) =
        (words[..begins].to_vec(), Vec::new(), 0, false);
    let mut rest = words[begins..].iter();
    loop {
        let token = rest.next();
        let outside = token.is_none_or(|token| at_depth(token) == 0);
        let over = outside
            && token.is_none_or(|token| token.is_sign(',') || ends.iter().any(|end| token.is(end)));
        if over {
            if sums > 0 && textual {
                made.extend([word("concat"), Token { kind: Kind::Sign('(') }]);
                made.append(&mut column);
                made.push(Token { kind: Kind::Sign(')') });
            } else {
                // Numbers are added as they are.
                made.extend(column.drain(..).map(|token: Token| {
                    if token.kind == Kind::Sign('\u{1}') {
                        Token { kind: Kind::Sign('+') }
                    } else {
                        token
                    }
                }));
            }
            for token in &mut made {
                if token.kind == Kind::Sign('\u{1}') {
                    token.kind = Kind::Sign(',');
                }
            }
            (sums, textual) = (0, false);
            let Some(token) = token else { return made };
            made.push(token.clone());
            if !token.is_sign(',') && !token.is("as") {
                made.extend(rest.cloned());
                return made;
            }
            continue;
        }
        let Some(token) = token else { return made };
        textual |=
            matches!(token.kind, Kind::Text(_)) || TEXTUAL.iter().any(|known| token.is(known));
        let is_sum = outside && token.is_sign('+');
        sums += usize::from(is_sum);
        column.push(if is_sum { Token { kind: Kind::Sign('\u{1}') } } else { token.clone() });
    }
}

/// Where an opening bracket is closed.
pub(super) fn closing(words: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate().skip(open) {
        match word.kind {
            Kind::Sign('(') => depth += 1,
            Kind::Sign(')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    words.len().saturating_sub(1).max(open)
}

/// Where the first comma outside brackets is.
pub(super) fn first_comma(words: &[Token]) -> usize {
    let mut depth = 0_usize;
    words
        .iter()
        .position(|word| {
            match word.kind {
                Kind::Sign('(') => depth += 1,
                Kind::Sign(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && word.is_sign(',')
        })
        .unwrap_or(words.len())
}

/// A name of parts, and how many words it takes.
pub(super) fn dotted(words: &[Token], at: usize) -> (Vec<String>, usize) {
    let mut names = vec![words.get(at).map(Token::text).unwrap_or_default()];
    let mut length = 1;
    while words.get(at + length).is_some_and(|word| word.is_sign('.')) && names.len() < 5 {
        length += 1;
        match words.get(at + length).map(|word| &word.kind) {
            Some(Kind::Word(name) | Kind::Name(name)) => {
                names.push(name.clone());
                length += 1;
            }
            Some(Kind::Sign('*')) => {
                names.push("*".to_owned());
                length += 1;
            }
            // `master..sysobjects`.
            Some(Kind::Sign('.')) => names.push(String::new()),
            _ => break,
        }
    }
    (names, length)
}

pub(super) fn plain_name(names: &[String], quoted: bool, opens: bool) -> String {
    let name = |name: &String| {
        if name == "*" || !quoted && names.len() == 1 {
            name.clone()
        } else {
            format!("`{}`", name.replace('`', ""))
        }
    };
    if opens && names.len() == 1 {
        return match names[0].to_lowercase().as_str() {
            "len" => "char_length".to_owned(),
            "datalength" => "length".to_owned(),
            "isnull" => "ifnull".to_owned(),
            "charindex" => "locate".to_owned(),
            other => other.to_owned(),
        };
    }
    let shown = names.len().saturating_sub(2);
    names[shown..].iter().map(name).collect::<Vec<_>>().join(".")
}

/// A text for the engine, to which a backslash means something.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Text(text) => quoted(&String::from_utf8_lossy(text)),
        Value::Bytes(bytes) if bytes.is_empty() => "''".to_owned(),
        Value::Bytes(bytes) => format!(
            "0x{}",
            bytes
                .iter()
                .take(super::query::LONGEST / 2)
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        ),
        other => String::from_utf8_lossy(&other.bytes()).into_owned(),
    }
}
