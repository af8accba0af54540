//! Lines of a listing as vsftpd writes them: numbers for owners, times in UTC, years for what is older than half a year.

use kizashi_event::Timestamp;

use crate::machine::FileStat;

const HALF_A_YEAR: i64 = 182 * 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Kind and permissions as letters.
fn letters(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        _ => '-',
    };
    let bits = (0..9).rev().map(|bit| if mode >> bit & 1 == 1 { b"xwr"[bit % 3] } else { b'-' });
    std::iter::once(kind).chain(bits.map(char::from)).collect()
}

/// `Nov 29 09:43`, or `Apr 18  2025`.
fn date(modified: i64, now: Timestamp) -> String {
    let text = Timestamp::from_seconds(modified).rfc3339();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("01");
    let month = part(5, 7).parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1)));
    let month = month.unwrap_or(&"Jan");
    let day = part(8, 10);
    if now.seconds().saturating_sub(modified) > HALF_A_YEAR || modified > now.seconds() {
        return format!("{month} {day}  {}", part(0, 4));
    }
    format!("{month} {day} {}", part(11, 16))
}

pub(super) fn line(name: &[u8], stat: &FileStat, now: Timestamp) -> Vec<u8> {
    let (owner, group) = stat.owner;
    let head = format!(
        "{} {:>4} {owner:<8} {group:<8} {:>8} {} ",
        letters(stat.mode),
        stat.links,
        stat.size,
        date(stat.modified, now)
    );
    [head.as_bytes(), name, b"\r\n"].concat()
}

/// `20261129094330`, for MDTM.
pub(super) fn stamp(modified: i64) -> String {
    let text = Timestamp::from_seconds(modified).rfc3339();
    text.chars().filter(char::is_ascii_digit).take(14).collect()
}
