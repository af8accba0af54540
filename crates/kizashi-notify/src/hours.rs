//! Hours of the day by the local clock: quiet ones (`23:00-07:00`, over midnight too) and the one of a digest.

use jiff::civil::Time;

/// A span of the day; the end is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    from: Time,
    until: Time,
}

impl Hours {
    /// Reads `23:00-07:00`; nothing of an empty text.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || format!("quiet hours are such as \"23:00-07:00\", and {text:?} are none");
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let (from, until) = (time(from).map_err(|_| wrong())?, time(until).map_err(|_| wrong())?);
        if from == until { Err(wrong()) } else { Ok(Some(Self { from, until })) }
    }

    /// Whether a time is inside.
    pub(crate) fn hold(self, now: Time) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&now)
        } else {
            now >= self.from || now < self.until
        }
    }
}

/// Reads `08:00`.
pub(crate) fn time(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text.trim())
        .map_err(|_| format!("a time is such as \"08:00\", and {text:?} is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_reach_over_midnight() {
        let night = Hours::parse("23:00-07:00").unwrap().unwrap();
        let noon = Hours::parse("12:00-13:30").unwrap().unwrap();
        let at = |text| time(text).unwrap();
        for (text, in_night, in_noon) in [
            ("23:00", true, false),
            ("06:59", true, false),
            ("07:00", false, false),
            ("12:00", false, true),
            ("13:30", false, false),
        ] {
            assert_eq!((night.hold(at(text)), noon.hold(at(text))), (in_night, in_noon), "{text}");
        }
        assert_eq!(Hours::parse(""), Ok(None));
        for wrong in ["23", "23:00", "25:00-07:00", "07:00-07:00", "a-b"] {
            assert!(Hours::parse(wrong).is_err(), "{wrong}");
        }
    }
}
