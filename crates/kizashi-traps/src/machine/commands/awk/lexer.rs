//! Cuts an `awk` program into words.

use super::syntax::{Fault, Token};

/// Bytes of a program.
const LENGTH: usize = 16 * 1024;

const KEYWORDS: [&str; 17] = [
    "BEGIN", "END", "function", "func", "if", "else", "while", "for", "do", "break", "continue",
    "next", "nextfile", "exit", "return", "delete", "in",
];

const PRINTING: [&str; 3] = ["print", "printf", "getline"];

pub(super) const BUILTINS: [&str; 24] = [
    "length", "substr", "index", "split", "sub", "gsub", "match", "sprintf", "sin", "cos", "atan2",
    "exp", "log", "sqrt", "int", "rand", "srand", "tolower", "toupper", "system", "close",
    "fflush", "systime", "strftime",
];

/// Signs, the longer first.
const SIGNS: [&str; 44] = [
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=", ">=",
    "!=", ">>", "!~", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!",
    "<", ">", "|", "?", ":", "~", "$", "=", "&", "@", "\\",
];

/// The words of a program, each with its line.
pub(super) fn tokens(program: &[u8]) -> Result<Vec<(Token, usize)>, Fault> {
    let mut lexer =
        Lexer { text: &program[..program.len().min(LENGTH)], at: 0, line: 1, found: Vec::new() };
    while lexer.next()? {}
    let line = lexer.line;
    lexer.found.push((Token::End, line));
    Ok(lexer.found)
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    found: Vec<(Token, usize)>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, token: Token) {
        self.found.push((token, self.line));
    }

    fn next(&mut self) -> Result<bool, Fault> {
        let Some(byte) = self.text.get(self.at).copied() else { return Ok(false) };
        match byte {
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'\\' if self.peek(1) == b'\n' => {
                self.at += 2;
                self.line += 1;
            }
            b'\n' => {
                self.push(Token::Newline);
                self.at += 1;
                self.line += 1;
            }
            b'#' => {
                while !matches!(self.peek(0), 0 | b'\n') {
                    self.at += 1;
                }
            }
            b'"' => self.text()?,
            b'/' if self.regex_may_come() => self.regex()?,
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name(),
            _ => self.sign()?,
        }
        Ok(true)
    }

    /// Whether a `/` begins an expression and divides nothing.
    fn regex_may_come(&self) -> bool {
        match self.found.last().map(|(token, _)| token) {
            Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Builtin(_)) => false,
            Some(Token::Sign(sign)) => !matches!(*sign, ")" | "]" | "$" | "++" | "--"),
            _ => true,
        }
    }

    fn text(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.peek(0) {
                0 | b'\n' => {
                    return Err(Fault {
                        line: self.line,
                        text: format!(
                            "runaway string constant \"{} ...",
                            String::from_utf8_lossy(&text)
                        ),
                    });
                }
                b'"' => break,
                b'\\' => self.escape(&mut text),
                byte => text.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        self.push(Token::Text(text));
        Ok(())
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        self.at += 1;
        match self.peek(0) {
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            b'r' => text.push(b'\r'),
            b'a' => text.push(7),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'v' => text.push(11),
            b'\\' => text.push(b'\\'),
            b'"' => text.push(b'"'),
            b'/' => text.push(b'/'),
            b'\n' => self.line += 1,
            b'0'..=b'7' => {
                let mut value = 0_u32;
                let mut taken = 0;
                while taken < 3 && matches!(self.peek(taken), b'0'..=b'7') {
                    value = value * 8 + u32::from(self.peek(taken) - b'0');
                    taken += 1;
                }
                text.push((value & 0xff) as u8);
                self.at += taken - 1;
            }
            other => text.extend([b'\\', other]),
        }
    }

    fn regex(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let mut text = Vec::new();
        let mut bracket = false;
        loop {
            match self.peek(0) {
                0 | b'\n' => {
                    return Err(Fault {
                        line: self.line,
                        text: format!(
                            "runaway regular expression /{} ...",
                            String::from_utf8_lossy(&text)
                        ),
                    });
                }
                b'\\' if self.peek(1) == b'/' => {
                    text.push(b'/');
                    self.at += 1;
                }
                b'\\' => {
                    text.extend([b'\\', self.peek(1)]);
                    self.at += 1;
                }
                b'/' if !bracket => break,
                byte => {
                    bracket = byte == b'[' || bracket && byte != b']';
                    text.push(byte);
                }
            }
            self.at += 1;
        }
        self.at += 1;
        self.push(Token::Regex(text));
        Ok(())
    }

    fn number(&mut self) {
        let rest = &self.text[self.at..];
        let (value, length) = super::value::leading_number(rest);
        self.at += length.max(1);
        self.push(Token::Number(value));
    }

    fn name(&mut self) {
        let begin = self.at;
        while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
            self.at += 1;
        }
        let name = String::from_utf8_lossy(&self.text[begin..self.at]).into_owned();
        let known = |list: &[&'static str]| list.iter().find(|known| **known == name).copied();
        let token = if let Some(keyword) = known(&KEYWORDS).or_else(|| known(&PRINTING)) {
            Token::Keyword(keyword)
        } else if let Some(builtin) = known(&BUILTINS) {
            Token::Builtin(builtin)
        } else if self.peek(0) == b'(' {
            Token::Called(name)
        } else {
            Token::Name(name)
        };
        self.push(token);
    }

    fn sign(&mut self) -> Result<(), Fault> {
        let rest = &self.text[self.at..];
        match SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            Some(sign) => {
                self.at += sign.len();
                self.push(Token::Sign(sign));
                Ok(())
            }
            None => Err(Fault {
                line: self.line,
                text: format!("unexpected character '{}'", char::from(rest[0])),
            }),
        }
    }
}
