//! `test`, `[` and the tests of `[[` that ask about files, texts and numbers.

use crate::machine::files::{Body, Node, Who, absolute};
use crate::machine::kernel::Kernel;

/// Words of an expression inside one another.
const DEPTH: u32 = 32;

/// What is wrong with an expression.
pub(crate) enum Wrong {
    Argument,
    NotANumber(Vec<u8>),
    TooMany,
    UnaryExpected(Vec<u8>),
    BinaryExpected(Vec<u8>),
}

struct Reader<'a> {
    kernel: &'a mut Kernel,
    folder: &'a [u8],
    who: Who,
    words: &'a [Vec<u8>],
    at: usize,
    depth: u32,
}

/// Whether the expression holds.
pub(crate) fn evaluate(
    kernel: &mut Kernel,
    folder: &[u8],
    who: Who,
    words: &[Vec<u8>],
) -> Result<bool, Wrong> {
    let mut reader = Reader { kernel, folder, who, words, at: 0, depth: 0 };
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        [not, word] if not == b"!" => Ok(word.is_empty()),
        [operator, word] => match operator[..] {
            [b'-', letter] if is_unary(letter) => {
                Ok(unary(reader.kernel, folder, who, letter, word))
            }
            _ => Err(Wrong::UnaryExpected(operator.clone())),
        },
        [left, operator, right] => match reader.binary_at(left, operator, right)? {
            Some(holds) => Ok(holds),
            None if left == b"!" => {
                evaluate(reader.kernel, folder, who, &words[1..]).map(|holds| !holds)
            }
            None if left == b"(" && right == b")" => Ok(!operator.is_empty()),
            None if matches!(&operator[..], b"-a" | b"-o") => reader.either(),
            None => Err(Wrong::BinaryExpected(operator.clone())),
        },
        [not, rest @ ..] if not == b"!" && rest.len() == 3 => {
            evaluate(reader.kernel, folder, who, rest).map(|holds| !holds)
        }
        _ => {
            let holds = reader.either()?;
            if reader.at < words.len() { Err(Wrong::TooMany) } else { Ok(holds) }
        }
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<&[u8]> {
        self.words.get(self.at).map(Vec::as_slice)
    }

    fn either(&mut self) -> Result<bool, Wrong> {
        let mut holds = self.both()?;
        while self.peek() == Some(b"-o") {
            self.at += 1;
            holds |= self.both()?;
        }
        Ok(holds)
    }

    fn both(&mut self) -> Result<bool, Wrong> {
        let mut holds = self.primary()?;
        while self.peek() == Some(b"-a") {
            self.at += 1;
            holds &= self.primary()?;
        }
        Ok(holds)
    }

    fn primary(&mut self) -> Result<bool, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Wrong::TooMany);
        }
        let Some(word) = self.words.get(self.at).cloned() else {
            return Err(Wrong::Argument);
        };
        let next = self.words.get(self.at + 1).cloned();
        let after = self.words.get(self.at + 2).cloned();
        let holds = if let (Some(operator), Some(right)) = (&next, &after) {
            self.binary_at(&word, operator, right)?
        } else {
            None
        };
        if let Some(holds) = holds {
            self.at += 3;
            self.depth -= 1;
            return Ok(holds);
        }
        self.at += 1;
        let holds = match (&word[..], &next) {
            (b"!", Some(_)) => !self.primary()?,
            (b"(", Some(_)) => {
                let holds = self.either()?;
                if self.peek() != Some(b")") {
                    return Err(Wrong::Argument);
                }
                self.at += 1;
                holds
            }
            ([b'-', letter], Some(operand)) if is_unary(*letter) => {
                self.at += 1;
                unary(self.kernel, self.folder, self.who, *letter, operand)
            }
            _ => !word.is_empty(),
        };
        self.depth -= 1;
        Ok(holds)
    }

    fn binary_at(
        &mut self,
        left: &[u8],
        operator: &[u8],
        right: &[u8],
    ) -> Result<Option<bool>, Wrong> {
        if matches!(operator, b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge") {
            let number = |text: &[u8]| {
                std::str::from_utf8(text)
                    .ok()
                    .and_then(|text| text.trim().parse::<i64>().ok())
                    .ok_or_else(|| Wrong::NotANumber(text.to_vec()))
            };
            return Ok(Some(compare(number(left)?, operator, number(right)?)));
        }
        Ok(binary(self.kernel, self.folder, self.who, left, operator, right))
    }
}

fn is_unary(letter: u8) -> bool {
    b"abcdefghknoprstuvwxzGLNOS".contains(&letter)
}

pub(super) fn compare(left: i64, operator: &[u8], right: i64) -> bool {
    match operator {
        b"-eq" => left == right,
        b"-ne" => left != right,
        b"-lt" => left < right,
        b"-le" => left <= right,
        b"-gt" => left > right,
        _ => left >= right,
    }
}

/// A test of two texts or files; `None` for an operator that is none.
pub(super) fn binary(
    kernel: &Kernel,
    folder: &[u8],
    who: Who,
    left: &[u8],
    operator: &[u8],
    right: &[u8],
) -> Option<bool> {
    let node = |path: &[u8]| kernel.files.find(&absolute(folder, path), true, who).ok();
    let time = |path: &[u8]| node(path).map(|id| kernel.files.node(id).modified);
    Some(match operator {
        b"=" | b"==" => left == right,
        b"!=" => left != right,
        b"<" => left < right,
        b">" => left > right,
        b"-nt" => time(left) > time(right),
        b"-ot" => time(left) < time(right),
        b"-ef" => node(left).is_some() && node(left) == node(right),
        _ => return None,
    })
}

/// A test of one text or file.
pub(super) fn unary(kernel: &Kernel, folder: &[u8], who: Who, operator: u8, text: &[u8]) -> bool {
    match operator {
        b'n' => return !text.is_empty(),
        b'z' => return text.is_empty(),
        b't' => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok());
            return number
                .is_some_and(|number| number < 16 && kernel.at_terminal & (1 << number) != 0);
        }
        b'o' => return false,
        _ => {}
    }
    if text.is_empty() {
        return false;
    }
    let follow = !matches!(operator, b'L' | b'h');
    let Ok(id) = kernel.files.find(&absolute(folder, text), follow, who) else { return false };
    let node: &Node = kernel.files.node(id);
    match operator {
        b'e' | b'a' => true,
        b'f' => node.is_regular(),
        b'd' => node.is_folder(),
        b'L' | b'h' => node.is_link(),
        b's' => node.size() > 0 || node.is_folder(),
        b'r' => node.permits(who, 4),
        b'w' => node.permits(who, 2),
        b'x' => node.permits(who, 1),
        b'b' => matches!(node.body, Body::Device(device) if device.kind == b'b'),
        b'c' => matches!(node.body, Body::Device(device) if device.kind == b'c'),
        b'u' => node.mode & 0o4000 != 0,
        b'g' => node.mode & 0o2000 != 0,
        b'k' => node.mode & 0o1000 != 0,
        b'O' => node.uid == who.uid,
        b'G' => node.gid == who.gid,
        _ => false,
    }
}
