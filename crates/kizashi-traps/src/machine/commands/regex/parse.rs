//! Reads regular expressions: what each character means in a basic and in an extended one.

use super::{Bad, Piece};
use crate::machine::shell::pattern;

/// Brackets inside one another.
const DEPTH: u32 = 30;
/// Repetitions that `{n,m}` may ask for.
const REPEAT: u32 = 1_000;

pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pub(super) extended: bool,
    pub(super) groups: usize,
    pub(super) depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    pub(super) fn choices(&mut self) -> Result<Vec<Vec<Piece>>, Bad> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Bad("Regular expression too big"));
        }
        let mut choices = vec![self.sequence()?];
        loop {
            let bar: &[u8] = if self.extended { b"|" } else { b"\\|" };
            if !self.starts_with(bar) {
                break;
            }
            self.at += bar.len();
            choices.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(choices)
    }

    fn closes(&self) -> bool {
        let (close, bar): (&[u8], &[u8]) =
            if self.extended { (b")", b"|") } else { (b"\\)", b"\\|") };
        self.starts_with(bar)
            || self.starts_with(close) && self.depth > 1
            || self.starts_with(close) && !self.extended
    }

    fn sequence(&mut self) -> Result<Vec<Piece>, Bad> {
        let mut pieces: Vec<Piece> = Vec::new();
        let begin = self.at;
        while self.peek().is_some() && !self.closes() {
            let first = self.at == begin;
            if let Some((least, most)) = self.repetition(first)? {
                let lazy = self.extended && self.peek() == Some(b'?') && {
                    self.at += 1;
                    true
                };
                // A repetition of a repetition is one of them, so that no row of stars nests.
                pieces = match pieces.pop() {
                    Some(Piece::Repeat { piece, .. }) => {
                        pieces.push(Piece::Repeat { least, most: None, lazy, piece });
                        pieces
                    }
                    Some(piece) => {
                        pieces.push(Piece::Repeat { least, most, lazy, piece: Box::new(piece) });
                        pieces
                    }
                    None => pieces,
                };
                continue;
            }
            let piece = self.piece(first)?;
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// `*`, `+`, `?`, `{n,m}` where they stand behind something.
    fn repetition(&mut self, first: bool) -> Result<Option<(u32, Option<u32>)>, Bad> {
        let (length, range) = match (self.peek(), self.extended) {
            (Some(b'*'), _) if !first || self.extended => (1, (0, None)),
            (Some(b'+'), true) => (1, (1, None)),
            (Some(b'?'), true) => (1, (0, Some(1))),
            (Some(b'\\'), false) if self.starts_with(b"\\+") => (2, (1, None)),
            (Some(b'\\'), false) if self.starts_with(b"\\?") => (2, (0, Some(1))),
            (Some(b'{'), true)
                if self
                    .text
                    .get(self.at + 1)
                    .is_some_and(|byte| byte.is_ascii_digit() || *byte == b',') =>
            {
                return self.interval(1, b"}").map(Some);
            }
            (Some(b'\\'), false) if self.starts_with(b"\\{") => {
                return self.interval(2, b"\\}").map(Some);
            }
            _ => return Ok(None),
        };
        self.at += length;
        Ok(Some(range))
    }

    fn interval(&mut self, open: usize, close: &[u8]) -> Result<(u32, Option<u32>), Bad> {
        let rest = self.text.get(self.at + open..).unwrap_or_default();
        let end = rest
            .windows(close.len())
            .position(|window| window == close)
            .ok_or(Bad("Unmatched { or \\{"))?;
        let inner =
            std::str::from_utf8(&rest[..end]).map_err(|_| Bad("Invalid content of \\{\\}"))?;
        let number = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|number| *number <= REPEAT)
                .ok_or(Bad("Invalid content of \\{\\}"))
        };
        let range = match inner.split_once(',') {
            None => (number(inner)?, Some(number(inner)?)),
            Some(("", most)) => (0, Some(number(most)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        self.at += open + end + close.len();
        Ok(range)
    }

    fn piece(&mut self, first: bool) -> Result<Piece, Bad> {
        let Some(byte) = self.peek() else { return Err(Bad("Invalid regular expression")) };
        self.at += 1;
        Ok(match byte {
            b'.' => Piece::Any,
            b'[' => self.set()?,
            b'^' if self.extended || first => Piece::Start,
            b'$' if self.extended || self.peek().is_none() || self.closes() => Piece::End,
            b'(' if self.extended => self.group(b")")?,
            b'\\' => return self.escape(),
            byte => Piece::Byte(byte),
        })
    }

    fn set(&mut self) -> Result<Piece, Bad> {
        let rest = self.text.get(self.at - 1..).unwrap_or_default();
        let (negated, ranges, length) =
            pattern::set(rest, b"^").ok_or(Bad("Unmatched [, [^, [:, [., or [="))?;
        self.at += length - 1;
        Ok(Piece::Set { negated, ranges })
    }

    fn group(&mut self, close: &[u8]) -> Result<Piece, Bad> {
        let number = if self.extended && self.starts_with(b"?:") {
            self.at += 2;
            None
        } else {
            self.groups += 1;
            Some(self.groups)
        };
        let choices = self.choices()?;
        if !self.starts_with(close) {
            return Err(Bad("Unmatched ( or \\("));
        }
        self.at += close.len();
        Ok(Piece::Group(number, choices))
    }

    fn escape(&mut self) -> Result<Piece, Bad> {
        let Some(byte) = self.peek() else { return Err(Bad("Trailing backslash")) };
        self.at += 1;
        let class = |name: &[u8], negated: bool, more: &[u8]| {
            let mut ranges = pattern::class(name).unwrap_or_default();
            ranges.extend(more.iter().map(|byte| (*byte, *byte)));
            Piece::Set { negated, ranges }
        };
        Ok(match byte {
            b'(' if !self.extended => self.group(b"\\)")?,
            b'1'..=b'9' => Piece::Back(usize::from(byte - b'0')),
            b'w' => class(b"alnum", false, b"_"),
            b'W' => class(b"alnum", true, b"_"),
            b's' => class(b"space", false, b""),
            b'S' => class(b"space", true, b""),
            b'd' => class(b"digit", false, b""),
            b'D' => class(b"digit", true, b""),
            b'b' => Piece::WordEdge(true),
            b'B' => Piece::WordEdge(false),
            b'<' => Piece::WordStart,
            b'>' => Piece::WordEnd,
            b'n' => Piece::Byte(b'\n'),
            b't' => Piece::Byte(b'\t'),
            byte => Piece::Byte(byte),
        })
    }
}
