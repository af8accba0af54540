//! A moment, in microseconds since 1970-01-01T00:00:00Z. One machine word, ordered, the same in memory, in the store and
//! on the wire; reading and writing RFC 3339 is left to `jiff`.

use serde::{Deserialize, Serialize};

/// A moment in UTC, in microseconds since the Unix epoch; negative before it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// The text was not a moment that Kizashi can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a time: RFC 3339 such as 2026-11-24T20:54:00Z, or `2026-11-24 20:54:00` (taken as UTC), is needed"
)]
pub struct ParseTimestampError;

impl Timestamp {
    /// Microseconds in one second.
    pub const SECOND: i64 = 1_000_000;
    /// Microseconds in one hour.
    pub const HOUR: i64 = 3_600 * Self::SECOND;
    /// Microseconds in one day.
    pub const DAY: i64 = 24 * Self::HOUR;

    /// From microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since the Unix epoch; saturates at the ends of the range.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(Self::SECOND))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(Self::SECOND)
    }

    /// The start of the period of `length` microseconds (aligned to the epoch) that holds this moment.
    ///
    /// `length` must be positive; zero or less gives the moment itself.
    #[must_use]
    pub const fn floor_to(self, length: i64) -> Self {
        if length <= 0 { self } else { Self(self.0.saturating_sub(self.0.rem_euclid(length))) }
    }

    /// This moment moved by `micros`; saturates at the ends of the range.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this moment; saturates.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 with any offset, and the zoneless forms that logs use (`T` or a space between date and time, with or
    /// without a fraction), which are taken as UTC.
    ///
    /// # Errors
    /// When the text is none of these or names no real moment.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        if let Some(fast) = parse_common(text.as_bytes()) {
            return Ok(Self(fast));
        }
        let text = text.trim();
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment.as_microsecond()));
        }
        text.parse::<jiff::civil::DateTime>()
            .ok()
            .and_then(|civil| jiff::tz::TimeZone::UTC.to_timestamp(civil).ok())
            .map(|moment| Self(moment.as_microsecond()))
            .ok_or(ParseTimestampError)
    }

    /// RFC 3339 in UTC with six digits of fraction, such as `2026-11-24T20:54:00.000000Z`. A moment outside the years
    /// −9999 to 9999 is shown as its count of microseconds.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map_or_else(|_| format!("{} µs", self.0), |moment| format!("{moment:.6}"))
    }
}

/// `YYYY-MM-DD?HH:MM:SS[.f{1,9}][Z]` without a detour, since an import reads hundreds of thousands of these a second.
fn parse_common(text: &[u8]) -> Option<i64> {
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        text.get(range)?.iter().try_fold(0_i64, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if text.len() < 19
        || separators.iter().any(|&(at, byte)| text[at] != byte)
        || !matches!(text[10], b'T' | b' ')
    {
        return None;
    }
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
    let month_length =
        [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *month_length.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if day < 1 || day > length || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text[19..].strip_suffix(b"Z").unwrap_or(&text[19..]);
    let fraction = match rest.split_first() {
        None => 0,
        Some((b'.', fraction))
            if (1..=9).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit) =>
        {
            (0..6).fold(0, |sum, at| {
                sum * 10 + fraction.get(at).map_or(0, |byte| i64::from(byte - b'0'))
            })
        }
        Some(_) => return None,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * Timestamp::SECOND + fraction)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_that_honeypot_logs_use() {
        let expected = Timestamp::from_micros(1_525_628_645_866_769);
        for text in [
            "2018-05-06T17:44:05.866769Z",
            "2018-05-06T17:44:05.866769",
            "2018-05-06 17:44:05.866769",
            "2018-05-06T17:44:05.866769+00:00",
            "2018-05-06T19:44:05.866769+02:00",
        ] {
            assert_eq!(Timestamp::parse(text), Ok(expected), "{text}");
        }
        assert_eq!(
            Timestamp::parse("2013-03-03 21:53:59"),
            Ok(Timestamp::from_seconds(1_362_347_639))
        );
    }

    #[test]
    fn refuses_moments_that_do_not_exist() {
        for text in [
            "",
            "2018-02-30T00:00:00Z",
            "2018-13-01 00:00:00",
            "2018-05-06T24:00:01Z",
            "yesterday",
            "1525628645",
        ] {
            assert_eq!(Timestamp::parse(text), Err(ParseTimestampError), "{text}");
        }
    }

    #[test]
    fn the_short_way_agrees_with_jiff_on_every_day_of_four_centuries() {
        let mut day = jiff::civil::date(1601, 1, 1);
        while day.year() < 2002 {
            let text = format!("{day}T12:34:56.789Z");
            let slow = text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
            assert_eq!(parse_common(text.as_bytes()), Some(slow), "{text}");
            day = day.tomorrow().unwrap();
        }
    }

    #[test]
    fn floors_toward_the_past_also_before_1970() {
        assert_eq!(
            Timestamp::from_seconds(-1).floor_to(Timestamp::HOUR),
            Timestamp::from_seconds(-3_600)
        );
        assert_eq!(
            Timestamp::from_seconds(3_601).floor_to(Timestamp::HOUR),
            Timestamp::from_seconds(3_600)
        );
    }

    #[test]
    fn writes_what_it_reads() {
        let moment = Timestamp::from_micros(1_525_628_645_866_769);
        assert_eq!(moment.rfc3339(), "2018-05-06T17:44:05.866769Z");
        assert_eq!(Timestamp::from_micros(i64::MAX).rfc3339(), "9223372036854775807 µs");
    }
}
