//! Regular expressions: POSIX basic and extended, with the escapes that GNU's and perl's tools add. Matching goes back where it must, under a
//! budget of steps for each search and the meter of the whole call, so that no expression costs more than a bounded time; past it nothing
//! matches.

mod parse;

use std::sync::Arc;

use super::meter::Meter;
use parse::Reader;

/// Steps of one search beside four for each byte; past them nothing matches.
const STEPS: u32 = 8_000;
/// Bytes of an expression.
const LENGTH: usize = 2_048;
/// Pieces inside one another that may match in more than one way.
const LEVELS: u32 = 160;

/// An expression that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bad(pub(crate) &'static str);

#[derive(Clone, Debug)]
enum Piece {
    Byte(u8),
    Any,
    Set { negated: bool, ranges: Vec<(u8, u8)> },
    Start,
    End,
    WordEdge(bool),
    WordStart,
    WordEnd,
    Group(Option<usize>, Vec<Vec<Self>>),
    Back(usize),
    Repeat { least: u32, most: Option<u32>, lazy: bool, piece: Box<Self> },
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Regex {
    choices: Arc<Vec<Vec<Piece>>>,
    groups: usize,
    fold: bool,
    /// Where its steps are counted.
    meter: Meter,
}

impl Regex {
    pub(crate) fn new(text: &[u8], extended: bool, fold: bool) -> Result<Self, Bad> {
        if text.len() > LENGTH {
            return Err(Bad("Regular expression too big"));
        }
        let mut reader = Reader { text, at: 0, extended, groups: 0, depth: 0 };
        let choices = reader.choices()?;
        if reader.at < text.len() {
            return Err(Bad("Unmatched ) or \\)"));
        }
        Ok(Self {
            choices: Arc::new(choices),
            groups: reader.groups,
            fold,
            meter: Meter::default(),
        })
    }

    /// Text that means itself.
    pub(crate) fn of_text(text: &[u8], fold: bool) -> Self {
        Self {
            choices: Arc::new(vec![
                text.iter().take(LENGTH).map(|byte| Piece::Byte(*byte)).collect(),
            ]),
            groups: 0,
            fold,
            meter: Meter::default(),
        }
    }

    /// The same expression, whose steps are taken from this meter.
    pub(crate) fn metered(mut self, meter: &Meter) -> Self {
        self.meter = meter.clone();
        self
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.captures(text, 0).is_some()
    }

    /// The first match at or after `from`: the whole and its groups.
    pub(crate) fn captures(&self, text: &[u8], from: usize) -> Option<Vec<Option<(usize, usize)>>> {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let budget = STEPS.saturating_add(length.saturating_mul(4)).min(self.meter.left());
        if budget == 0 {
            return None;
        }
        let mut matcher = Matcher {
            text,
            fold: self.fold,
            steps: budget,
            groups: vec![None; self.groups + 1],
            depth: 0,
        };
        let first = self.first();
        for start in from..=text.len() {
            if first.is_some_and(|first| text.get(start) != Some(&first)) {
                continue;
            }
            matcher.groups.iter_mut().for_each(|group| *group = None);
            if let Some(end) = matcher.any(&self.choices, start, &mut |_, at| Some(at)) {
                matcher.groups[0] = Some((start, end));
                self.meter.take((budget - matcher.steps) as usize);
                return Some(matcher.groups);
            }
            if matcher.steps == 0 {
                break;
            }
        }
        self.meter.take((budget - matcher.steps) as usize);
        None
    }

    /// The byte that every match begins with, where there is one.
    fn first(&self) -> Option<u8> {
        match (&self.choices[..], self.fold) {
            ([choice], false) => match choice.first() {
                Some(Piece::Byte(byte)) => Some(*byte),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        self.captures(text, from)?.first().copied().flatten()
    }
}

struct Matcher<'a> {
    text: &'a [u8],
    fold: bool,
    steps: u32,
    groups: Vec<Option<(usize, usize)>>,
    depth: u32,
}

type Rest<'r, 'a> = &'r mut dyn FnMut(&mut Matcher<'a>, usize) -> Option<usize>;

impl<'a> Matcher<'a> {
    fn any(&mut self, choices: &[Vec<Piece>], at: usize, rest: Rest<'_, 'a>) -> Option<usize> {
        choices.iter().find_map(|choice| self.sequence(choice, at, rest))
    }

    /// Matches pieces one after the other, then the rest; goes down a level only where a piece can match in more than one way.
    fn sequence(&mut self, pieces: &[Piece], at: usize, rest: Rest<'_, 'a>) -> Option<usize> {
        if self.steps == 0 || self.depth > LEVELS {
            self.steps = 0;
            return None;
        }
        self.depth += 1;
        let found = self.pieces(pieces, at, rest);
        self.depth -= 1;
        found
    }

    fn pieces(&mut self, mut pieces: &[Piece], mut at: usize, rest: Rest<'_, 'a>) -> Option<usize> {
        loop {
            self.steps = self.steps.saturating_sub(1);
            let Some((piece, after)) = pieces.split_first() else { return rest(self, at) };
            match piece {
                Piece::Group(number, choices) => {
                    return self.group(*number, choices, after, at, rest);
                }
                Piece::Repeat { least, most, lazy, piece } => {
                    return self.repeat(piece, (*least, *most), *lazy, after, at, rest);
                }
                Piece::Back(number) => {
                    let (start, end) = self.groups.get(*number).copied().flatten()?;
                    let part = &self.text[start..end];
                    at = if self.text[at..].starts_with(part) {
                        at + part.len()
                    } else {
                        return None;
                    };
                }
                single => at = self.single(single, at)?,
            }
            pieces = after;
        }
    }

    fn group(
        &mut self,
        number: Option<usize>,
        choices: &[Vec<Piece>],
        after: &[Piece],
        at: usize,
        rest: Rest<'_, 'a>,
    ) -> Option<usize> {
        let before = number.and_then(|number| self.groups[number]);
        let found = self.any(choices, at, &mut |matcher, end| {
            let inner = number.map(|number| matcher.groups[number].replace((at, end)));
            let found = matcher.sequence(after, end, rest);
            if found.is_none()
                && let (Some(number), Some(inner)) = (number, inner)
            {
                matcher.groups[number] = inner;
            }
            found
        });
        if found.is_none()
            && let Some(number) = number
        {
            self.groups[number] = before;
        }
        found
    }

    /// Where a piece without parts ends, if it matches here.
    fn single(&self, piece: &Piece, at: usize) -> Option<usize> {
        let word = |place: Option<usize>| {
            place
                .and_then(|place| self.text.get(place))
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let (before, here) = (word(at.checked_sub(1)), word(Some(at)));
        let holds = match piece {
            Piece::Start => at == 0,
            Piece::End => at == self.text.len(),
            Piece::WordEdge(edge) => (before != here) == *edge,
            Piece::WordStart => !before && here,
            Piece::WordEnd => before && !here,
            _ => {
                let byte = *self.text.get(at)?;
                return self.takes(piece, byte).then_some(at + 1);
            }
        };
        holds.then_some(at)
    }

    fn takes(&self, piece: &Piece, byte: u8) -> bool {
        match piece {
            Piece::Byte(own) if self.fold => own.eq_ignore_ascii_case(&byte),
            Piece::Byte(own) => *own == byte,
            Piece::Any => true,
            Piece::Set { negated, ranges } => {
                let has =
                    |byte: u8| ranges.iter().any(|(first, last)| (*first..=*last).contains(&byte));
                let found = has(byte)
                    || self.fold
                        && (has(byte.to_ascii_lowercase()) || has(byte.to_ascii_uppercase()));
                found != *negated
            }
            _ => false,
        }
    }

    fn repeat(
        &mut self,
        piece: &Piece,
        range: (u32, Option<u32>),
        lazy: bool,
        after: &[Piece],
        at: usize,
        rest: Rest<'_, 'a>,
    ) -> Option<usize> {
        if let Piece::Group(..) | Piece::Repeat { .. } | Piece::Back(_) = piece {
            return self.repeat_part(piece, range, after, at, rest);
        }
        let (least, most) = range;
        // A piece of one byte repeats without going down.
        let mut ends = vec![at];
        let limit = most.map_or(usize::MAX, |most| most as usize);
        let mut here = at;
        while !lazy && ends.len() <= limit {
            match self.single(piece, here) {
                Some(next) if next > here => {
                    here = next;
                    ends.push(here);
                }
                _ => break,
            }
        }
        self.steps = self.steps.saturating_sub(u32::try_from(ends.len() / 8).unwrap_or(u32::MAX));
        if lazy {
            let mut count = 0;
            loop {
                if count >= least
                    && let Some(end) = self.sequence(after, here, rest)
                {
                    return Some(end);
                }
                if most.is_some_and(|most| count >= most) || self.steps == 0 {
                    return None;
                }
                here = self.single(piece, here).filter(|next| *next > here)?;
                count += 1;
            }
        }
        while ends.len() > least as usize {
            let end = ends.pop()?;
            if let Some(found) = self.sequence(after, end, rest) {
                return Some(found);
            }
            if self.steps == 0 {
                return None;
            }
        }
        None
    }

    fn repeat_part(
        &mut self,
        piece: &Piece,
        (least, most): (u32, Option<u32>),
        after: &[Piece],
        at: usize,
        rest: Rest<'_, 'a>,
    ) -> Option<usize> {
        let mut found = None;
        if most != Some(0) {
            let inner = std::slice::from_ref(piece);
            found = self.sequence(inner, at, &mut |matcher, end| {
                if end == at && least == 0 {
                    return None;
                }
                matcher.repeat_part(
                    piece,
                    (least.saturating_sub(1), most.map(|most| most - 1)),
                    after,
                    end,
                    rest,
                )
            });
        }
        if found.is_none() && least == 0 {
            found = self.sequence(after, at, rest);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(expression: &str, text: &str, extended: bool) -> Option<String> {
        let regex = Regex::new(expression.as_bytes(), extended, false).unwrap();
        regex.find(text.as_bytes(), 0).map(|(start, end)| text[start..end].to_owned())
    }

    #[test]
    fn expressions_match_as_greps_do() {
        for (expression, text, extended, expected) in [
            ("a*b", "xaab", false, Some("aab")),
            ("^[Mm]iner", "Miner x", false, Some("Miner")),
            ("[0-9]\\{2,3\\}", "a1234", false, Some("123")),
            ("\\(ab\\)\\1", "xabab", false, Some("abab")),
            ("a\\|b", "zb", false, Some("b")),
            ("(foo|ba+r)$", "xbaaar", true, Some("baaar")),
            ("([0-9]{1,3}\\.){3}[0-9]{1,3}", "ip 192.0.2.7 x", true, Some("192.0.2.7")),
            ("a+?", "aaa", true, Some("a")),
            ("\\bcat\\b", "a cat b", true, Some("cat")),
            ("[[:space:]]+x", "a \t x", true, Some(" \t x")),
            ("*a", "*a", false, Some("*a")),
            ("a{2}", "aaa", true, Some("aa")),
            ("^$", "", true, Some("")),
            ("x", "abc", true, None),
        ] {
            assert_eq!(find(expression, text, extended).as_deref(), expected, "{expression}");
        }
        assert_eq!(
            Regex::new(b"[a", true, false).unwrap_err(),
            Bad("Unmatched [, [^, [:, [., or [=")
        );
        assert_eq!(Regex::new(b"(a", true, false).unwrap_err(), Bad("Unmatched ( or \\("));
    }

    #[test]
    fn an_expression_made_to_take_for_ever_ends() {
        let text = vec![b'a'; 5_000];
        for expression in [&b"(a*)*b"[..], b"(a|aa)+$x", b"(((a*)*)*)*c", b"a*a*a*a*a*a*a*b"] {
            assert!(!Regex::new(expression, true, false).unwrap().is_match(&text));
        }
    }

    proptest! {
        #[test]
        fn no_expression_panics(expression in prop::collection::vec(prop_oneof![prop::sample::select(b"ab*+?(){}[]|\\^$.1,".to_vec()), any::<u8>()], 0..40), text in prop::collection::vec(prop::sample::select(b"ab1\n".to_vec()), 0..60), extended in any::<bool>()) {
            let found = Regex::new(&expression, extended, true).ok().and_then(|regex| regex.find(&text, 0));
            if let Some((start, end)) = found {
                prop_assert!(start <= end && end <= text.len());
            }
        }
    }
}
