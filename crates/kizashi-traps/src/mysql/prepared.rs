//! Prepared statements: a text with question marks, and the values that a client gives in binary for them.

use super::tokens::tokens;
use super::wire::Fields;

/// Statements that a connection may hold, and bytes of their texts.
const STATEMENTS: usize = 64;
const BYTES: usize = 64 * 1024;
const PARAMETERS: usize = 256;

#[derive(Default)]
pub(super) struct Prepared {
    last: u32,
    kept: Vec<Statement>,
}

struct Statement {
    number: u32,
    text: Vec<u8>,
    /// Where its question marks stand.
    marks: Vec<usize>,
    /// The types that were given last.
    types: Vec<u8>,
}

impl Prepared {
    /// Keeps a text; its number and how many parameters it has.
    pub(super) fn keep(&mut self, text: &[u8]) -> Option<(u32, usize)> {
        let marks: Vec<usize> = tokens(text)
            .iter()
            .filter(|token| token.is_sign(b'?'))
            .map(|token| token.start)
            .collect();
        if self.kept.len() == STATEMENTS
            || self.memory() + text.len() > BYTES
            || marks.len() > PARAMETERS
        {
            return None;
        }
        self.last = self.last.wrapping_add(1);
        let (number, parameters) = (self.last, marks.len());
        self.kept.push(Statement { number, text: text.to_vec(), marks, types: Vec::new() });
        Some((number, parameters))
    }

    pub(super) fn close(&mut self, number: u64) {
        self.kept.retain(|statement| u64::from(statement.number) != number);
    }

    pub(super) fn memory(&self) -> usize {
        self.kept.iter().map(|statement| statement.text.len()).sum()
    }

    /// The text with values in place of its marks; NULL where none is given.
    ///
    /// `attributed`: how many values there are, and their names, is told before them, as MySQL 8's clients do.
    pub(super) fn filled(
        &mut self,
        number: u32,
        fields: &mut Fields<'_>,
        attributed: bool,
    ) -> Option<Vec<u8>> {
        let statement = self.kept.iter_mut().find(|statement| statement.number == number)?;
        let values = statement.values(fields, attributed);
        let mut filled = Vec::new();
        let mut from = 0;
        for (at, mark) in statement.marks.iter().enumerate() {
            filled.extend_from_slice(&statement.text[from..*mark]);
            filled.extend_from_slice(values.get(at).map_or(b"NULL", Vec::as_slice));
            from = mark + 1;
        }
        filled.extend_from_slice(&statement.text[from..]);
        Some(filled)
    }
}

impl Statement {
    /// Literals of the values given; fewer where the packet ends too early.
    fn values(&mut self, fields: &mut Fields<'_>, attributed: bool) -> Vec<Vec<u8>> {
        let own = self.marks.len();
        let count = if attributed && own > 0 { fields.count() } else { Some(own) };
        let mut values = Vec::new();
        let Some(count) = count.filter(|count| (own..=PARAMETERS).contains(count)) else {
            return values;
        };
        let Some(missing) = fields.take(count.div_ceil(8)) else { return values };
        if fields.number(1) == Some(1) {
            let Some(types) = types(fields, count, attributed) else { return values };
            self.types = types;
        }
        for (at, kind) in self.types.iter().enumerate() {
            let value = if missing.get(at / 8).is_none_or(|byte| byte >> (at % 8) & 1 == 1) {
                Some(b"NULL".to_vec())
            } else {
                literal(*kind, fields)
            };
            let Some(value) = value else { break };
            values.push(value);
        }
        values
    }
}

/// The kinds of so many values, each with a name where those are told.
fn types(fields: &mut Fields<'_>, count: usize, named: bool) -> Option<Vec<u8>> {
    let mut types = Vec::with_capacity(count);
    for _ in 0..count {
        types.push(*fields.take(2)?.first()?);
        if named {
            fields.text()?;
        }
    }
    Some(types)
}

/// A query's text without the attributes that MySQL 8's clients put before it.
pub(super) fn without_attributes(content: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields(content);
    let (count, _sets) = (fields.count()?, fields.count()?);
    if count > PARAMETERS {
        return None;
    }
    if count > 0 {
        let missing = fields.take(count.div_ceil(8))?;
        fields.take(1)?;
        for (at, kind) in types(&mut fields, count, true)?.into_iter().enumerate() {
            if missing.get(at / 8)? >> (at % 8) & 1 == 0 {
                literal(kind, &mut fields)?;
            }
        }
    }
    Some(fields.0)
}

fn literal(kind: u8, fields: &mut Fields<'_>) -> Option<Vec<u8>> {
    let signed = |bytes: usize, fields: &mut Fields<'_>| {
        let bits = 64 - bytes * 8;
        let number = fields.number(bytes)?.cast_signed();
        Some((number << bits >> bits).to_string().into_bytes())
    };
    match kind {
        1 => signed(1, fields),
        2 | 13 => signed(2, fields),
        3 | 9 => signed(4, fields),
        8 => signed(8, fields),
        4 => Some(f32::from_le_bytes(fields.take(4)?.try_into().ok()?).to_string().into_bytes()),
        5 => Some(f64::from_le_bytes(fields.take(8)?.try_into().ok()?).to_string().into_bytes()),
        6 => Some(b"NULL".to_vec()),
        7 | 10 | 12 => {
            let length = fields.number(1)?;
            let date = fields.take(usize::try_from(length).ok()?)?;
            let part = |at: usize| date.get(at).copied().unwrap_or(0);
            let year = u16::from(part(0)) | u16::from(part(1)) << 8;
            let text = format!(
                "'{year:04}-{:02}-{:02} {:02}:{:02}:{:02}'",
                part(2),
                part(3),
                part(4),
                part(5),
                part(6)
            );
            Some(text.into_bytes())
        }
        _ => {
            let escaped = fields.text()?.iter().flat_map(|byte| match byte {
                0 => vec![b'\\', b'0'],
                b'\'' | b'\\' => vec![b'\\', *byte],
                other => vec![*other],
            });
            let mut out = vec![b'\''];
            out.extend(escaped);
            out.push(b'\'');
            Some(out)
        }
    }
}
