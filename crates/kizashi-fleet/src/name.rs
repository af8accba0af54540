//! What sensors are called, and the subjects that follow from it. A name is one token of a NATS subject and a file's name, so it may hold
//! little; the server holds each sensor to the subjects of its own name.

use std::fmt;

/// Characters of a name at most.
pub const LONGEST_NAME: usize = 32;
/// The stream that holds what sensors sent until the hub has it.
pub(crate) const STREAM: &str = "KIZASHI";
/// The hub's durable consumer of it.
pub(crate) const CONSUMER: &str = "hub";
/// The bucket of the object store that holds captured content, by hash.
pub(crate) const BUCKET: &str = "KIZASHI_CONTENTS";
/// What the hub is called among the users; no sensor may be.
pub const HUB: &str = "hub";
/// What detectors are called among the users, all of them; no sensor may be.
pub const DETECTOR: &str = "detector";

const EVENTS: &str = "kizashi.events.";
const CONTENTS: &str = "kizashi.contents.";

/// A sensor's name: 1 to 32 of `a` to `z`, `0` to `9` and `-`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorName(String);

/// A text that cannot be a sensor's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a sensor's name is 1 to 32 of a to z, 0 to 9 and -, begins with a letter or digit, and is not `hub` or `detector`"
)]
pub struct NameError;

impl SensorName {
    /// Reads a name.
    ///
    /// # Errors
    /// When the text cannot be one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-')
            && ![HUB, DETECTOR].contains(&text);
        if fits { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where this sensor's batches go.
    #[must_use]
    pub fn events_subject(&self) -> String {
        format!("{EVENTS}{self}")
    }

    /// Where content that it captured goes.
    #[must_use]
    pub fn contents_subject(&self) -> String {
        format!("{CONTENTS}{self}")
    }

    /// What the subjects on which it is answered begin with.
    #[must_use]
    pub fn inbox(&self) -> String {
        inbox_of(&self.0)
    }

    /// The sensor whose subject this is. The server let nobody else publish there.
    #[must_use]
    pub fn of_subject(subject: &str) -> Option<Self> {
        let name = subject.strip_prefix(EVENTS).or_else(|| subject.strip_prefix(CONTENTS))?;
        Self::parse(name).ok()
    }
}

impl AsRef<str> for SensorName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SensorName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What the subjects on which a user is answered begin with; each may read his own alone.
pub(crate) fn inbox_of(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// The subjects of all sensors.
pub(crate) fn all_subjects() -> Vec<String> {
    vec![format!("{EVENTS}*"), format!("{CONTENTS}*")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_token_of_a_subject_and_nothing_that_a_server_or_a_file_system_reads_otherwise()
    {
        for name in ["a", "tokyo-1", "0", &"x".repeat(32)] {
            let sensor = SensorName::parse(name).unwrap();
            assert_eq!(SensorName::of_subject(&sensor.events_subject()), Some(sensor.clone()));
            assert_eq!(SensorName::of_subject(&sensor.contents_subject()), Some(sensor));
        }
        let wrong = [
            "",
            "-a",
            "a.b",
            "a*",
            ">",
            "A",
            "a b",
            "../a",
            "hub",
            "detector",
            "é",
            &"x".repeat(33),
        ];
        for name in wrong {
            assert_eq!(SensorName::parse(name), Err(NameError), "{name}");
        }
        assert_eq!(SensorName::of_subject("kizashi.events."), None);
        assert_eq!(SensorName::of_subject("other.a"), None);
    }
}
