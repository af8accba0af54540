//! Reads the table of countries that the program brings. Its form is told in `scripts/make-country-table`, which writes it. It is our
//! own file, and still nothing of it is believed: a table that is cut, goes backward or counts wrong is refused whole.

use std::io::Read as _;

use super::countries::CountryCode;
use super::ranges::{Column, Ranges};

/// The first line.
const MARK: &[u8] = b"kizashi countries 1\n";
/// Bytes of the unpacked table at most: five times what it is.
const LONGEST: u64 = 8 << 20;
/// Bytes of the line that names its origin at most.
const LONGEST_ORIGIN: usize = 256;

/// Why a table is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotUnpacked,
    TooLong,
    NotATable,
    Cut,
    BadCode,
    Unordered,
    MoreBehind,
}

/// Unpacks a table and reads it.
pub(super) fn read(packed: &[u8]) -> Result<Ranges<CountryCode>, Refused> {
    let mut raw = Vec::new();
    let decoder = zstd::Decoder::new(packed).map_err(|_| Refused::NotUnpacked)?;
    decoder.take(LONGEST + 1).read_to_end(&mut raw).map_err(|_| Refused::NotUnpacked)?;
    if raw.len() as u64 > LONGEST {
        return Err(Refused::TooLong);
    }
    parse(&raw)
}

/// Reads an unpacked table.
pub(super) fn parse(raw: &[u8]) -> Result<Ranges<CountryCode>, Refused> {
    let mut rest = raw.strip_prefix(MARK).ok_or(Refused::NotATable)?;
    let end = rest.iter().take(LONGEST_ORIGIN).position(|byte| *byte == b'\n');
    take(&mut rest, end.ok_or(Refused::NotATable)? + 1)?;
    let count = usize::from(take(&mut rest, 1)?[0]);
    let codes = take(&mut rest, 2 * count)?
        .chunks_exact(2)
        .map(|code| std::str::from_utf8(code).ok().and_then(CountryCode::parse))
        .collect::<Option<Vec<CountryCode>>>()
        .ok_or(Refused::BadCode)?;
    let four = column(&mut rest, &codes, |begin| u32::try_from(begin).ok())?;
    let six = column(&mut rest, &codes, Some)?;
    if rest.is_empty() { Ok(Ranges::new(four, six)) } else { Err(Refused::MoreBehind) }
}

fn column<A: Copy + Ord>(
    rest: &mut &[u8],
    codes: &[CountryCode],
    address: impl Fn(u64) -> Option<A>,
) -> Result<Column<A, CountryCode>, Refused> {
    let count =
        take(rest, 4)?.try_into().map(u32::from_le_bytes).map_err(|_| Refused::Cut)? as usize;
    // Every range takes two bytes at least: a count that lies reserves nothing.
    if count > rest.len() / 2 {
        return Err(Refused::Cut);
    }
    let mut begins = Vec::with_capacity(count);
    let mut last = 0_u64;
    for number in 0..count {
        let distance = leb128(rest)?;
        if number > 0 && distance == 0 {
            return Err(Refused::Unordered);
        }
        last = last.checked_add(distance).ok_or(Refused::Unordered)?;
        begins.push(address(last).ok_or(Refused::Unordered)?);
    }
    let mut column = Column::default();
    for (begin, place) in begins.into_iter().zip(take(rest, count)?) {
        let value = match usize::from(*place).checked_sub(1) {
            None => None,
            Some(place) => Some(*codes.get(place).ok_or(Refused::BadCode)?),
        };
        column.begin(begin, value);
    }
    Ok(column)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refused> {
    let (taken, behind) = rest.split_at_checked(length).ok_or(Refused::Cut)?;
    *rest = behind;
    Ok(taken)
}

/// An unsigned number of at most 64 bits, seven a byte, the lowest first.
fn leb128(rest: &mut &[u8]) -> Result<u64, Refused> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        let bits = u64::from(byte & 0x7f);
        if bits.leading_zeros() < shift {
            return Err(Refused::Unordered);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Refused::Unordered)
}
