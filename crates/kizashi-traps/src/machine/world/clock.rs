//! The civil calendar (proleptic Gregorian, UTC), for dates that commands show.

/// A moment in the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: usize,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// 0 is Sunday.
    pub(crate) weekday: usize,
    /// 1 to 366.
    pub(crate) year_day: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The calendar's moment of these seconds since the epoch (Howard Hinnant's `civil_from_days`).
pub(crate) fn calendar(seconds: i64) -> Calendar {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_place = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_place + 2) / 5 + 1;
    let month = if month_place < 10 { month_place + 3 } else { month_place - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let year_day = days - days_before_year(year) + 1;
    Calendar {
        year,
        month: usize::try_from(month).unwrap_or(1),
        day,
        hour: rest / 3_600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
        year_day,
    }
}

fn days_before_year(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

/// Seconds since the epoch of a moment.
pub(crate) fn seconds_of(
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_place = (month + 9) % 12;
    let day_of_year = (153 * month_place + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    ((era * 146_097 + day_of_era - 719_468) * 24 + hour) * 3_600 + minute * 60 + second
}

impl Calendar {
    pub(crate) fn month_name(&self) -> &'static str {
        MONTHS.get(self.month.wrapping_sub(1)).copied().unwrap_or("January")
    }

    pub(crate) fn short_month(&self) -> &'static str {
        &self.month_name()[..3]
    }

    pub(crate) fn day_name(&self) -> &'static str {
        DAYS.get(self.weekday).copied().unwrap_or("Sunday")
    }

    pub(crate) fn short_day(&self) -> &'static str {
        &self.day_name()[..3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_are_right() {
        let leap = calendar(1_709_210_096);
        assert_eq!(
            (leap.year, leap.month, leap.day, leap.hour, leap.minute, leap.second),
            (2024, 2, 29, 12, 34, 56)
        );
        assert_eq!((leap.short_day(), leap.short_month(), leap.year_day), ("Thu", "Feb", 60));
        assert_eq!(calendar(0).short_day(), "Thu");
        for seconds in [0, 951_782_400, 1_709_210_096, 4_102_444_799] {
            let found = calendar(seconds);
            let month = i64::try_from(found.month).unwrap();
            assert_eq!(
                seconds_of(found.year, month, found.day, found.hour, found.minute, found.second),
                seconds
            );
        }
    }
}
