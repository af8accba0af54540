//! What is told of one sign: the sign with its story in both languages. Here, and nowhere else in this room, the words of
//! [`kizashi_signs::advisory_in`] are taken over, so that whatever an advisory becomes changes this file alone.
//!
//! A notice is made by the core, which has the store, and read by the process that tells it, which has nothing else: it is bounded, and
//! whatever attackers chose in it is escaped.

use kizashi_event::Timestamp;
use kizashi_signs::{
    Advisory, Around, Campaigns, Item, Machine, Severity, Sign, SignKind, Value, advisory_in, plain,
};
use kizashi_store::Evidence;
use serde::{Deserialize, Serialize};

use crate::Language;

/// Characters of one part at most.
const LONGEST_PART: usize = 2_000;
/// Characters of a title at most.
const LONGEST_TITLE: usize = 200;
/// Values of one kind quoted at most.
const MOST_QUOTED: usize = 3;
/// Addresses that go with a notice.
const MOST_SOURCES: usize = 10;

/// A sign as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The sign, its numbers included.
    pub sign: Sign,
    /// Its story in English.
    pub en: Story,
    /// Its story in Japanese.
    pub ja: Story,
    /// The most active addresses with their events: at most ten.
    pub sources: Vec<(String, u64)>,
    /// Until when the owner does not want to hear of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// Whether the owner marked it as seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
}

/// A story in one language: a title and parts that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// What happens, in one line.
    pub title: String,
    /// The rest.
    pub parts: Vec<Part>,
}

/// A heading with its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The heading.
    pub heading: String,
    /// Sentences.
    pub text: String,
}

impl Story {
    /// The main texts of an advisory, and what it probably is where that is told.
    fn of(sign: &Sign, advisory: &Advisory, language: Language) -> Self {
        let probably = advisory.section("probably").map(|section| section.text.join(" "));
        let tries = advisory.section("tries").map(|section| tried(&section.items, language));
        let headings = language.pick(
            ["What", "Since when", "Who", "What they try", "What it probably is", "What to do"],
            ["何が起きているか", "いつから", "だれが", "何を試すか", "おそらく何か", "何をするか"],
        );
        let texts = [
            advisory.what.as_str(),
            &advisory.since,
            &advisory.who,
            tries.as_deref().unwrap_or_default(),
            probably.as_deref().unwrap_or_default(),
            &advisory.what_to_do,
        ];
        let parts = headings.into_iter().zip(texts).filter(|(_, text)| !text.is_empty());
        Self {
            title: cut(&title(sign, advisory, language), LONGEST_TITLE),
            parts: parts.map(|(heading, text)| Part::new(heading, text)).collect(),
        }
    }
}

/// The most frequent values of each kind; they are escaped already.
fn tried(items: &[Item], language: Language) -> String {
    let (between, after, end) = language.pick((", ", ": ", ". "), ("、", "：", "。"));
    let value = |value: &Value| match value.count {
        Some(count) => format!("{} ({count})", value.text),
        None => value.text.clone(),
    };
    let item = |item: &Item| {
        let values: Vec<String> = item.values.iter().take(MOST_QUOTED).map(value).collect();
        format!("{}{after}{}", item.label, values.join(between))
    };
    items.iter().map(item).collect::<Vec<String>>().join(end)
}

impl Part {
    pub(crate) fn new(heading: &str, text: &str) -> Self {
        Self { heading: heading.to_owned(), text: cut(text, LONGEST_PART) }
    }
}

/// What signs are told by.
#[derive(Clone, Copy, Debug)]
pub struct Background<'a> {
    /// The campaigns that they may be named as: those that Kizashi brings, and the owner's.
    pub campaigns: &'a Campaigns,
    /// What this machine runs, where its owner let it be looked at and the reader may know.
    pub machine: Option<&'a Machine>,
}

impl Notice {
    /// What is told of a sign, with what its visitors did, by the campaigns that Kizashi ships with.
    #[must_use]
    pub fn of(sign: &Sign, evidence: &Evidence) -> Self {
        Self::told(sign, evidence, &Background { campaigns: &Campaigns::builtin(), machine: None })
    }

    /// The same by these campaigns, held against what this machine runs.
    #[must_use]
    pub fn told(sign: &Sign, evidence: &Evidence, background: &Background<'_>) -> Self {
        let Background { campaigns, machine } = *background;
        let story = |language| {
            let around = Around { language, campaigns, machine };
            Story::of(sign, &advisory_in(sign, evidence, &around), language)
        };
        Self {
            en: story(Language::English),
            ja: story(Language::Japanese),
            sources: evidence.sources.iter().take(MOST_SOURCES).cloned().collect(),
            sign: sign.clone(),
            muted_until: None,
            seen: false,
        }
    }

    /// The same of a sign that its owner silenced until then.
    #[must_use]
    pub const fn muted_until(mut self, until: Option<Timestamp>) -> Self {
        self.muted_until = until;
        self
    }

    /// The same of a sign that its owner has seen, or has not.
    #[must_use]
    pub const fn seen(mut self, is_seen: bool) -> Self {
        self.seen = is_seen;
        self
    }

    /// Whether it is silenced at a moment.
    #[must_use]
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until.is_some_and(|until| now < until)
    }

    /// The same with what others warn of beside it: sentences in English and in Japanese.
    #[must_use]
    pub fn with_warnings(mut self, sentences: &[(String, String)]) -> Self {
        for (english, japanese) in sentences {
            self.en.parts.push(Part::new("What others warn of", english));
            self.ja.parts.push(Part::new("外部からの注意喚起", japanese));
        }
        self
    }

    /// The story in a language.
    #[must_use]
    pub const fn story(&self, language: Language) -> &Story {
        match language {
            Language::English => &self.en,
            Language::Japanese => &self.ja,
        }
    }
}

/// The word for a severity.
#[must_use]
pub fn severity_word(severity: Severity, language: Language) -> &'static str {
    let japanese = match severity {
        Severity::Low => "低",
        Severity::Medium => "中",
        Severity::High => "高",
        Severity::Critical => "緊急",
    };
    language.pick(severity.name(), japanese)
}

fn title(sign: &Sign, advisory: &Advisory, language: Language) -> String {
    let (severity, title) = (severity_word(sign.severity, language), &advisory.title);
    let (sources, ratio) = (sign.sources, plain(sign.ratio));
    match (sign.kind == SignKind::Rise, language) {
        (true, Language::English) => {
            format!("[{severity}] {title}: {sources} new sources, {ratio} times the usual")
        }
        (true, Language::Japanese) => {
            format!("【{severity}】{title}: 新しい送信元 {sources} 件、平常の {ratio} 倍")
        }
        (false, Language::English) => format!("[{severity}] {title}"),
        (false, Language::Japanese) => format!("【{severity}】{title}"),
    }
}

/// The first characters, with a mark where there are more.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sign;

    #[test]
    fn both_stories_tell_what_since_when_who_and_what_to_do() {
        for kind in [
            SignKind::Rise,
            SignKind::SensorWide,
            SignKind::PortSilent,
            SignKind::SensorSilent,
            SignKind::Misbehaviour,
            SignKind::SensorAway,
        ] {
            let notice = Notice::of(&Sign { kind, ..sign("tcp/5900") }, &Evidence::default());
            for story in [&notice.en, &notice.ja] {
                assert!(!story.title.is_empty() && story.parts.len() >= 4, "{story:?}");
                assert!(
                    story
                        .parts
                        .iter()
                        .all(|part| !part.text.is_empty() && !part.heading.is_empty())
                );
            }
        }
        let notice = Notice::of(&sign("tcp/5900"), &Evidence::default());
        assert_eq!(
            notice.en.title,
            "[high] VNC screen sharing (tcp/5900): 21 new sources, 8.4 times the usual"
        );
        assert_eq!(
            notice.ja.title,
            "【高】VNC 画面共有（tcp/5900）: 新しい送信元 21 件、平常の 8.4 倍"
        );
    }

    #[test]
    fn what_attackers_chose_is_escaped_and_short_in_both_stories() {
        let hostile = vec![("\u{1b}]0;x\u{7}\u{202e}\r\n<@everyone>".repeat(900), 1)];
        let evidence = Evidence {
            users: hostile.clone(),
            commands: hostile.clone(),
            sources: hostile,
            ..Evidence::default()
        };
        let notice = Notice::of(&sign("tcp/22"), &evidence);
        for story in [&notice.en, &notice.ja] {
            for part in &story.parts {
                assert!(part.text.chars().count() <= LONGEST_PART);
                assert!(!part.text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{part:?}");
            }
        }
    }
}
