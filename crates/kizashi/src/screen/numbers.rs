//! Numbers, sizes, spans and times as people read them. Times are UTC inside and in every machine's format; on screen they
//! are local, in the zone that is passed in.

use jiff::tz::TimeZone;
use kizashi_event::Timestamp;

/// `114,195`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A size in bytes: `812 B`, `12.3 MB` (a megabyte is 10⁶ bytes).
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (1_000_000_000_000_000, "PB"),
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    for (unit, name) in UNITS {
        // A size that would round up to a thousand of the smaller unit is one of this unit.
        if size >= unit - unit / 20_000 {
            let tenths = (u128::from(size) * 10 + u128::from(unit) / 2) / u128::from(unit);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{size} B")
}

/// A span of so many microseconds in its two largest units: `45 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`. Rounded down to
/// the second; below one `0 s`. Before zero with `−` in front.
pub(crate) fn duration(micros: i64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let sign = if micros <= -Timestamp::SECOND { "−" } else { "" };
    let seconds = micros.unsigned_abs() / Timestamp::SECOND.unsigned_abs();
    let largest = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[largest];
    let first = format!("{sign}{} {name}", thousands(seconds / unit));
    match UNITS.get(largest + 1) {
        Some((smaller, smaller_name)) if seconds % unit >= *smaller => {
            format!("{first} {} {smaller_name}", seconds % unit / smaller)
        }
        _ => first,
    }
}

/// A moment in a zone, to the minute: `2026-11-24 21:54`.
pub(crate) fn local_minute(moment: Timestamp, zone: &TimeZone) -> String {
    local(moment, zone, "%Y-%m-%d %H:%M")
}

/// The time of day in a zone: `21:54:07`.
pub(crate) fn local_second(moment: Timestamp, zone: &TimeZone) -> String {
    local(moment, zone, "%H:%M:%S")
}

/// A moment that no calendar holds is shown as its count of microseconds.
fn local(moment: Timestamp, zone: &TimeZone, format: &str) -> String {
    jiff::Timestamp::from_microsecond(moment.micros()).map_or_else(
        |_| moment.rfc3339(),
        |stamp| zone.to_datetime(stamp).strftime(format).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (114_195, "114,195"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn sizes_have_one_digit_behind_the_point_and_never_a_thousand_before_it() {
        for (size, text) in [
            (0, "0 B"),
            (812, "812 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345_678, "12.3 MB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (999_999_999, "1.0 GB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn spans_show_their_two_largest_units() {
        let minute = 60 * Timestamp::SECOND;
        for (micros, text) in [
            (0, "0 s"),
            (999_999, "0 s"),
            (45 * Timestamp::SECOND, "45 s"),
            (12 * minute + 5 * Timestamp::SECOND, "12 min 5 s"),
            (200 * minute, "3 h 20 min"),
            (200 * minute + Timestamp::SECOND, "3 h 20 min"),
            (Timestamp::HOUR, "1 h"),
            (2 * Timestamp::DAY + 4 * Timestamp::HOUR, "2 d 4 h"),
            (Timestamp::DAY + minute, "1 d"),
            (-90 * Timestamp::SECOND, "−1 min 30 s"),
            (i64::MIN, "−106,751,991 d 4 h"),
        ] {
            assert_eq!(duration(micros), text);
        }
    }

    #[test]
    fn times_are_shown_where_the_reader_is() {
        let moment = Timestamp::parse("2026-11-24T20:54:07.5Z").unwrap();
        let tokyo = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(local_minute(moment, &TimeZone::UTC), "2026-11-24 20:54");
        assert_eq!(
            local_minute(Timestamp::from_micros(i64::MAX), &tokyo),
            "9223372036854775807 µs"
        );
    }
}
