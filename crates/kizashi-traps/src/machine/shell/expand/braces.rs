//! `{a,b}` and `{1..9}` of bash.

use super::super::ast::{Part, Word};

/// Words that one word may become.
const WORDS: usize = 4_096;
/// Bytes and parts of all of them.
const UNITS: usize = 64 * 1024;

/// One position in a word: an unquoted byte, or a part that braces leave alone.
#[derive(Clone)]
enum Unit {
    Byte(u8),
    Part(Part),
}

/// The words that a word becomes; `None` where it has no braces.
pub(super) fn expand(word: &Word) -> Option<Vec<Word>> {
    let has_brace =
        word.iter().any(|part| matches!(part, Part::Text(text) if text.contains(&b'{')));
    if !has_brace {
        return None;
    }
    let mut units = Vec::new();
    for part in word {
        match part {
            Part::Text(text) => units.extend(text.iter().map(|byte| Unit::Byte(*byte))),
            other => units.push(Unit::Part(other.clone())),
        }
    }
    let words = spread(&units, 0)?;
    Some(words.iter().map(|units| join(units)).collect())
}

fn join(units: &[Unit]) -> Word {
    let mut word: Word = Vec::new();
    for unit in units {
        match (unit, word.last_mut()) {
            (Unit::Byte(byte), Some(Part::Text(text))) => text.push(*byte),
            (Unit::Byte(byte), _) => word.push(Part::Text(vec![*byte])),
            (Unit::Part(part), _) => word.push(part.clone()),
        }
    }
    word
}

fn byte(unit: &Unit) -> Option<u8> {
    match unit {
        Unit::Byte(byte) => Some(*byte),
        Unit::Part(_) => None,
    }
}

/// The first braces that mean something, spread out; `None` where none do.
fn spread(units: &[Unit], depth: u32) -> Option<Vec<Vec<Unit>>> {
    if depth > 12 {
        return None;
    }
    let mut from = 0;
    loop {
        let open = from + units.get(from..)?.iter().position(|unit| byte(unit) == Some(b'{'))?;
        from = open + 1;
        let Some((commas, close)) = matching(units, open) else { continue };
        let inner = &units[open + 1..close];
        let choices: Vec<Vec<Unit>> = if commas.is_empty() {
            match range(inner) {
                Some(list) => list,
                None => continue,
            }
        } else {
            let mut ends = commas;
            ends.push(close);
            let mut start = open + 1;
            ends.into_iter()
                .map(|end| units[std::mem::replace(&mut start, end + 1)..end].to_vec())
                .collect()
        };
        return Some(combine(&units[..open], &choices, &units[close + 1..], depth));
    }
}

fn combine(before: &[Unit], choices: &[Vec<Unit>], after: &[Unit], depth: u32) -> Vec<Vec<Unit>> {
    let tails = spread(after, depth + 1).unwrap_or_else(|| vec![after.to_vec()]);
    let (mut words, mut units) = (Vec::new(), 0);
    for choice in choices {
        for middle in spread(choice, depth + 1).unwrap_or_else(|| vec![choice.clone()]) {
            for tail in &tails {
                units += before.len() + middle.len() + tail.len();
                if words.len() >= WORDS || units > UNITS {
                    return words;
                }
                words.push([before, &middle, tail].concat());
            }
        }
    }
    words
}

/// The commas at its own level and the closing brace of the one at `open`.
fn matching(units: &[Unit], open: usize) -> Option<(Vec<usize>, usize)> {
    let (mut depth, mut commas) = (0_u32, Vec::new());
    for (place, unit) in units.iter().enumerate().skip(open + 1) {
        match byte(unit) {
            Some(b'{') => depth += 1,
            Some(b'}') if depth == 0 => return Some((commas, place)),
            Some(b'}') => depth -= 1,
            Some(b',') if depth == 0 => commas.push(place),
            _ => {}
        }
    }
    None
}

fn range(units: &[Unit]) -> Option<Vec<Vec<Unit>>> {
    let text: Vec<u8> = units.iter().map(byte).collect::<Option<_>>()?;
    let text = String::from_utf8(text).ok()?;
    let mut fields = text.split("..");
    let (first, last) = (fields.next()?, fields.next()?);
    let step: i64 = fields.next().map_or(Some(1), |step| step.parse().ok())?;
    if fields.next().is_some() {
        return None;
    }
    let letter = |text: &str| {
        (text.len() == 1).then(|| text.bytes().next()).flatten().filter(u8::is_ascii_alphabetic)
    };
    let word = |text: String| text.bytes().map(Unit::Byte).collect::<Vec<_>>();
    if let (Some(first), Some(last)) = (letter(first), letter(last)) {
        return Some(
            numbers(i64::from(first), i64::from(last), step)
                .into_iter()
                .map(|byte| word(char::from(u8::try_from(byte).unwrap_or(0)).to_string()))
                .collect(),
        );
    }
    let (from, to): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
    let padded = |text: &str| {
        text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0')
    };
    let width = if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 };
    Some(
        numbers(from, to, step)
            .into_iter()
            .map(|number| word(format!("{number:0width$}")))
            .collect(),
    )
}

fn numbers(from: i64, to: i64, step: i64) -> Vec<i64> {
    let step = step.unsigned_abs().max(1);
    let count = (from.abs_diff(to) / step).min(WORDS as u64 - 1);
    let signed = i64::try_from(step).unwrap_or(1) * if to < from { -1 } else { 1 };
    (0..=count)
        .map(|place| from.saturating_add(i64::try_from(place).unwrap_or(0).saturating_mul(signed)))
        .collect()
}
