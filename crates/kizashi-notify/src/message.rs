//! One message to one channel, and the words of it.
//!
//! A message is known by a key made of what it tells and to whom, so that planning it twice makes it once, and so that a receiver which
//! honours such keys drops what it got already.

use std::fmt::Write as _;

use kizashi_event::Timestamp;
use kizashi_signs::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::notice::{Part, cut};
use crate::sightings::Sightings;
use crate::{Language, Notice};

/// Signs told one by one in a digest.
pub(crate) const MOST_IN_DIGEST: usize = 20;

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// A sign was raised.
    Sign,
    /// A sign that was told has grown.
    Grown,
    /// A sign that was told is still marked seen by nobody.
    Unseen,
    /// Signs that were gathered.
    Digest,
    /// The owner asked for a test.
    Test,
    /// A report of a period.
    Report,
    /// Who came to the traps.
    Sightings,
}

/// What is told to one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The key that makes it itself: 32 hexadecimal digits.
    pub id: String,
    /// The name of the channel.
    pub channel: String,
    /// Why it is sent.
    pub why: Why,
    /// When it was planned.
    pub made: Timestamp,
    /// What it tells of: at most `MOST_IN_DIGEST`.
    pub notices: Vec<Notice>,
    /// Signs beyond those.
    pub left_out: usize,
    /// A text of its own, of a report.
    #[serde(default)]
    pub document: Option<Document>,
    /// Who came to the traps, where that is what it tells.
    #[serde(default)]
    pub sightings: Option<Sightings>,
}

/// A report as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// The whole of it as plain text.
    pub text: String,
    /// The whole of it as a page, for mail.
    pub html: Option<String>,
}

impl Message {
    /// A message of these signs, the key of which says what they were at that `stage`.
    pub(crate) fn new(
        channel: &str,
        why: Why,
        stage: u64,
        notices: &[&Notice],
        made: Timestamp,
    ) -> Self {
        let mut hash = Sha256::new();
        for text in [channel, "\0", &stage.to_string(), "\0"] {
            hash.update(text);
        }
        for notice in notices {
            hash.update(&notice.sign.id);
            hash.update("\0");
        }
        Self {
            id: hex(&hash.finalize()[..16]),
            channel: channel.to_owned(),
            why,
            made,
            notices: notices.iter().take(MOST_IN_DIGEST).map(|notice| (*notice).clone()).collect(),
            left_out: notices.len().saturating_sub(MOST_IN_DIGEST),
            document: None,
            sightings: None,
        }
    }

    /// A message that only shows that the way is open.
    #[must_use]
    pub fn test(channel: &str, made: Timestamp) -> Self {
        Self::new(channel, Why::Test, u64::try_from(made.micros()).unwrap_or(0), &[], made)
    }

    /// A report of the period that `key` names.
    #[must_use]
    pub fn report(channel: &str, key: &str, document: Document, made: Timestamp) -> Self {
        let hash = Sha256::digest(format!("report\0{channel}\0{key}"));
        Self {
            id: hex(&hash[..16]),
            document: Some(document),
            ..Self::new(channel, Why::Report, 0, &[], made)
        }
    }

    /// Who came to the traps in one period.
    #[must_use]
    pub fn sightings(channel: &str, sightings: Sightings, made: Timestamp) -> Self {
        let hash = Sha256::digest(format!("sightings\0{channel}\0{}", sightings.key));
        Self {
            id: hex(&hash[..16]),
            sightings: Some(sightings),
            ..Self::new(channel, Why::Sightings, 0, &[], made)
        }
    }

    /// The gravest of what it tells.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.notices.iter().map(|notice| notice.sign.severity).max().unwrap_or(Severity::Low)
    }

    /// The words of it.
    #[must_use]
    pub fn letter(&self, language: Language, sensor: &str) -> Letter {
        let (title, parts) = match (self.why, self.notices.as_slice(), &self.document) {
            (Why::Report, _, Some(document)) => (
                document.title.clone(),
                vec![Part { heading: String::new(), text: document.text.clone() }],
            ),
            (Why::Test, _, _) | (_, [], _) => test_words(language),
            (why, [notice], _) if self.left_out == 0 => {
                let story = notice.story(language);
                let before = match why {
                    Why::Grown => language.pick("Grown: ", "拡大: "),
                    Why::Unseen => language.pick("Still unseen: ", "未確認のまま: "),
                    _ => "",
                };
                (format!("{before}{}", story.title), single(notice, language))
            }
            (_, notices, _) => self.digest(notices, language),
        };
        Letter {
            title: defanged(&title),
            parts: parts
                .into_iter()
                .map(|part| Part { heading: part.heading, text: defanged(&part.text) })
                .collect(),
            severity: self.severity(),
            sensor: sensor.to_owned(),
            html: self.document.as_ref().and_then(|document| document.html.clone()),
        }
    }

    fn digest(&self, notices: &[Notice], language: Language) -> (String, Vec<Part>) {
        let count = notices.len() + self.left_out;
        let title = match language {
            Language::English => format!("{count} signs"),
            Language::Japanese => format!("兆し {count} 件"),
        };
        let mut parts: Vec<Part> = notices
            .iter()
            .map(|notice| {
                let story = notice.story(language);
                let first = story.parts.first().map_or("", |part| part.text.as_str());
                Part::new(&story.title, &format!("{first}\n{}", see(notice, language)))
            })
            .collect();
        if self.left_out > 0 {
            let more = match language {
                Language::English => format!("{} more: kizashi signs", self.left_out),
                Language::Japanese => format!("ほか {} 件: kizashi signs", self.left_out),
            };
            parts.push(Part::new("", &more));
        }
        (title, parts)
    }
}

fn single(notice: &Notice, language: Language) -> Vec<Part> {
    let mut parts = notice.story(language).parts.clone();
    parts.push(Part::new("", &see(notice, language)));
    parts
}

fn see(notice: &Notice, language: Language) -> String {
    let id = &notice.sign.id;
    match language {
        Language::English => {
            format!("kizashi sign {id}; once you have seen it: kizashi notify seen {id}")
        }
        Language::Japanese => {
            format!("詳細: kizashi sign {id}　確認したら: kizashi notify seen {id}")
        }
    }
}

fn test_words(language: Language) -> (String, Vec<Part>) {
    let (title, text) = language.pick(
        ("Kizashi: a test", "This is a test that the owner asked for. Signs will come this way."),
        ("Kizashi: テスト", "所有者が求めたテストです。兆しはこの経路で届きます。"),
    );
    (title.to_owned(), vec![Part::new("", text)])
}

/// A message in words, before a channel puts it into its own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What happens, in one line.
    pub title: String,
    /// The rest.
    pub parts: Vec<Part>,
    /// How grave it is.
    pub severity: Severity,
    /// Which sensor tells it.
    pub sensor: String,
    /// The same as a page, of a report.
    pub html: Option<String>,
}

impl Letter {
    /// The title with the sensor's name.
    pub(crate) fn subject(&self, longest: usize) -> String {
        cut(&format!("{}: {}", self.sensor, self.title), longest)
    }

    /// Everything but the title as plain text of at most so many characters.
    pub(crate) fn body(&self, longest: usize) -> String {
        let mut text = String::new();
        for part in &self.parts {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            if !part.heading.is_empty() {
                let _ = writeln!(text, "{}", part.heading);
            }
            text.push_str(&part.text);
        }
        cut(&text, longest)
    }

    /// Title and body, where a channel has no place for a title.
    pub(crate) fn whole(&self, longest: usize) -> String {
        cut(&format!("{}\n\n{}", self.subject(200), self.body(longest)), longest)
    }
}

/// Addresses that nothing makes a link of: what attackers asked for must not be one click away.
fn defanged(text: &str) -> String {
    text.replace("://", "[:]//")
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use kizashi_store::Evidence;

    use super::*;
    use crate::testing::sign;

    #[test]
    fn a_message_is_known_by_channel_signs_and_stage_and_by_nothing_else() {
        let notice = Notice::of(&sign("tcp/22"), &Evidence::default());
        let made = |channel, stage, at| {
            Message::new(channel, Why::Sign, stage, &[&notice], Timestamp::from_seconds(at)).id
        };
        assert_eq!(made("a", 1, 5), made("a", 1, 9));
        assert_ne!(made("a", 1, 5), made("b", 1, 5));
        assert_ne!(made("a", 1, 5), made("a", 2, 5));
        assert_eq!(made("a", 1, 5).len(), 32);
    }

    #[test]
    fn no_letter_holds_an_address_that_a_reader_could_follow() {
        let evidence = Evidence {
            commands: vec![("wget http://192.0.2.1/x".to_owned(), 1)],
            ..Evidence::default()
        };
        let notice = Notice::of(&sign("tcp/22"), &evidence);
        for language in [Language::English, Language::Japanese] {
            let message = Message::new("a", Why::Sign, 1, &[&notice], Timestamp::default());
            let text = message.letter(language, "sensor").whole(9_000);
            assert!(text.contains("http[:]//192.0.2.1/x") && !text.contains("://"), "{text}");
        }
    }

    #[test]
    fn a_digest_names_every_sign_and_says_how_many_more_there_are() {
        let notices: Vec<Notice> = (1..=30)
            .map(|port| Notice::of(&sign(&format!("tcp/{port}")), &Evidence::default()))
            .collect();
        let all: Vec<&Notice> = notices.iter().collect();
        let message = Message::new("a", Why::Digest, 1, &all, Timestamp::default());
        let letter = message.letter(Language::English, "s");
        assert_eq!(
            (message.left_out, letter.parts.len(), letter.title.as_str()),
            (10, 21, "30 signs")
        );
        assert!(letter.body(100).chars().count() == 100);
    }
}
