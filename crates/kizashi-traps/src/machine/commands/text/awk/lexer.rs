//! Awk's tokens. A slash begins a regular expression where a value may stand, and divides where one has.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Vec<u8>),
    Regex(Vec<u8>),
    /// A name, of a variable or an array.
    Name(Vec<u8>),
    /// A name directly before `(`: a function.
    Call(Vec<u8>),
    /// A word of the language.
    Word(&'static str),
    Sign(&'static str),
    Newline,
    End,
}

const WORDS: [&str; 17] = [
    "BEGIN", "END", "if", "else", "while", "for", "do", "in", "next", "exit", "print", "printf",
    "delete", "break", "continue", "return", "function",
];
const SIGNS: [&str; 42] = [
    "**=", "&&", "||", "==", "!=", "<=", ">=", "!~", "++", "--", "+=", "-=", "*=", "/=", "%=",
    "^=", "**", ">>", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!",
    "<", ">", "~", "=", "?", ":", "$", "|", "&",
];

pub(super) fn tokens(text: &[u8]) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        match byte {
            b' ' | b'\t' | b'\r' => rest = &rest[1..],
            b'\n' => {
                tokens.push(Token::Newline);
                rest = &rest[1..];
            }
            b'\\' if rest.get(1) == Some(&b'\n') => rest = &rest[2..],
            b'#' => {
                rest = &rest[rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())..];
            }
            b'"' => {
                let (text, after) = quoted(&rest[1..], b'"').ok_or("runaway string constant")?;
                tokens.push(Token::Text(
                    crate::machine::shell::escape::unescape(
                        &text,
                        crate::machine::shell::escape::Dialect::Printf,
                    )
                    .0,
                ));
                rest = after;
            }
            b'/' if !ends_value(tokens.last()) => {
                let (text, after) = quoted(&rest[1..], b'/').ok_or("runaway regular expression")?;
                tokens.push(Token::Regex(text));
                rest = after;
            }
            b'0'..=b'9' => rest = number(rest, &mut tokens),
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => rest = number(rest, &mut tokens),
            _ if byte.is_ascii_alphabetic() || byte == b'_' => rest = name(rest, &mut tokens),
            _ => {
                let sign = SIGNS
                    .iter()
                    .find(|sign| rest.starts_with(sign.as_bytes()))
                    .ok_or_else(|| format!("'{}'", char::from(byte)))?;
                tokens.push(Token::Sign(sign));
                rest = &rest[sign.len()..];
            }
        }
    }
    tokens.push(Token::End);
    Ok(tokens)
}

/// Up to the closing byte, backslashes kept but before that byte.
fn quoted(text: &[u8], close: u8) -> Option<(Vec<u8>, &[u8])> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b'\n' => return None,
            b'\\' => {
                let next = *text.get(at + 1)?;
                if next != close || close == b'"' {
                    found.push(b'\\');
                }
                found.push(next);
                at += 2;
            }
            byte if byte == close => return Some((found, &text[at + 1..])),
            byte => {
                found.push(byte);
                at += 1;
            }
        }
    }
}

fn ends_value(token: Option<&Token>) -> bool {
    matches!(
        token,
        Some(
            Token::Number(_)
                | Token::Text(_)
                | Token::Regex(_)
                | Token::Name(_)
                | Token::Sign(")" | "]" | "$" | "++" | "--")
        )
    )
}

fn number<'a>(text: &'a [u8], tokens: &mut Vec<Token>) -> &'a [u8] {
    let (value, length) = super::value::leading_number(text);
    tokens.push(Token::Number(value));
    &text[length.max(1)..]
}

fn name<'a>(text: &'a [u8], tokens: &mut Vec<Token>) -> &'a [u8] {
    let length = crate::machine::shell::name_length(text);
    let (name, rest) = text.split_at(length);
    let word = WORDS.iter().find(|word| word.as_bytes() == name);
    tokens.push(match word {
        Some(word) => Token::Word(word),
        None if rest.first() == Some(&b'(') || super::value::is_function(name) => {
            Token::Call(name.to_vec())
        }
        None => Token::Name(name.to_vec()),
    });
    rest
}
