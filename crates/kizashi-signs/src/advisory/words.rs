//! The words of advisories, one file a language (`data/words`). A sentence is a key with names in braces that are filled in; a
//! test holds that no language lacks a key or a name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kizashi_event::{Key, KeyKind, Port, Timestamp};

use crate::Language;
use crate::ports::port_info;
use crate::sign::minute;

const ENGLISH: &str = include_str!("../../data/words/en.toml");
const JAPANESE: &str = include_str!("../../data/words/ja.toml");
const PORTS: &str = include_str!("../../data/words/ports.ja.tsv");
const COUNTRIES: &str = include_str!("../../data/words/countries.ja.tsv");

static SENTENCES: LazyLock<[BTreeMap<String, String>; 2]> =
    LazyLock::new(|| [ENGLISH, JAPANESE].map(|text| toml::from_str(text).unwrap_or_default()));

/// Names of ports and what happens there, in Japanese.
static PORTS_JA: LazyLock<BTreeMap<Port, (&'static str, &'static str)>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut columns = line.split('\t');
        Some((Port::parse(columns.next()?)?, (columns.next()?, columns.next()?)))
    };
    PORTS.lines().filter_map(row).collect()
});

static COUNTRIES_JA: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| COUNTRIES.lines().filter_map(|line| line.split_once('\t')).collect());

/// What speaks one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker(pub(super) Language);

impl Speaker {
    /// The sentence of a key, its names in braces as they stand; the key itself where there is none, which a test rules out.
    pub(super) fn plain(self, key: &str) -> String {
        let at = match self.0 {
            Language::English => 0,
            Language::Japanese => 1,
        };
        SENTENCES[at].get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// The sentence of a key with its names filled in. What is filled in is not looked at again: a brace in it stays one.
    pub(super) fn say(self, key: &str, names: &[(&str, &str)]) -> String {
        fill(&self.plain(key), names)
    }

    /// What people know a port as.
    pub(super) fn port(self, port: Port) -> String {
        let japanese = PORTS_JA.get(&port).filter(|_| self.0 == Language::Japanese);
        japanese.map_or_else(|| port_info(port).title.into_owned(), |(name, _)| (*name).to_owned())
    }

    /// What usually comes to a port; nothing where nobody described it.
    pub(super) fn habit(self, port: Port) -> Option<String> {
        if self.0 == Language::Japanese {
            return PORTS_JA.get(&port).map(|(_, habit)| (*habit).to_owned());
        }
        let described = crate::ports::described().any(|other| other == port);
        described.then(|| port_info(port).habit.to_owned())
    }

    /// What people know the key of a sign as; `label` is what the sign has.
    pub(super) fn label(self, key: Option<&Key>, label: &str) -> String {
        if self.0 == Language::English {
            return label.to_owned();
        }
        let Some(key) = key else { return label.to_owned() };
        match key.kind {
            KeyKind::Port => key.as_port().map_or_else(|| label.to_owned(), |port| self.port(port)),
            KeyKind::Country => self.country(&key.text),
            kind => {
                let name = format!("kind_{}", kind.name());
                Some(self.plain(&name))
                    .filter(|said| *said != name)
                    .unwrap_or_else(|| label.to_owned())
            }
        }
    }

    /// A country by its two letters; these where nobody has a name for them.
    pub(super) fn country(self, code: &str) -> String {
        let known = match self.0 {
            Language::English => kizashi_store::country_name(code),
            Language::Japanese => COUNTRIES_JA.get(code).copied(),
        };
        known.map_or_else(|| super::short(code), str::to_owned)
    }

    /// A moment to the minute.
    pub(super) fn moment(self, time: Timestamp) -> String {
        let text = minute(time);
        let parts = (text.get(..4), text.get(5..7), text.get(8..10), text.get(11..16));
        match (self.0, parts) {
            (Language::Japanese, (Some(year), Some(month), Some(day), Some(clock))) => {
                let number = |digits: &str| digits.trim_start_matches('0').to_owned();
                format!("{year}年{}月{}日 {clock}（UTC）", number(month), number(day))
            }
            _ => text,
        }
    }

    /// A list within a sentence.
    pub(super) fn list(self, parts: &[String]) -> String {
        parts.join(match self.0 {
            Language::English => ", ",
            Language::Japanese => "、",
        })
    }

    /// Sentences one after the other.
    pub(super) fn sentences(self, parts: &[String]) -> String {
        parts.join(match self.0 {
            Language::English => " ",
            Language::Japanese => "",
        })
    }
}

/// Puts values in the place of names in braces, each once, in one pass.
pub(super) fn fill(template: &str, names: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let value = rest.find('}').and_then(|end| {
            let name = rest.get(1..end)?;
            names.iter().find(|(known, _)| *known == name).map(|(_, value)| (end, *value))
        });
        match value {
            Some((end, value)) => {
                filled.push_str(value);
                rest = &rest[end + 1..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sentence: &str) -> Vec<&str> {
        let mut names: Vec<&str> = sentence
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(n, _)| n)
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn no_language_lacks_a_sentence_or_a_name_in_one() {
        let [english, japanese] = &*SENTENCES;
        assert!(english.len() > 90, "{}", english.len());
        assert_eq!(english.keys().collect::<Vec<_>>(), japanese.keys().collect::<Vec<_>>());
        for (key, sentence) in english {
            assert_eq!(names(sentence), names(&japanese[key]), "{key}");
            assert!(!sentence.is_empty() && !japanese[key].is_empty(), "{key}");
        }
    }

    #[test]
    fn every_sentence_is_said_somewhere() {
        let sources = [
            include_str!("build.rs"),
            include_str!("render.rs"),
            include_str!("words.rs"),
            include_str!("mod.rs"),
            include_str!("exposure.rs"),
            include_str!("places.rs"),
            include_str!("todo.rs"),
        ];
        let made_up = [
            "heading_",
            "severity_",
            "kind_",
            "mark_",
            "strength_",
            "item_",
            "certainty_",
            "relevance_",
        ];
        for key in SENTENCES[0].keys() {
            let is_said = sources.iter().any(|text| text.contains(&format!("\"{key}\"")));
            assert!(is_said || made_up.iter().any(|begin| key.starts_with(begin)), "{key}");
        }
    }

    #[test]
    fn japanese_sentences_are_japanese() {
        for (key, sentence) in &SENTENCES[1] {
            let is_japanese = |c: char| {
                ('\u{3040}'..='\u{30ff}').contains(&c) || ('\u{4e00}'..='\u{9fff}').contains(&c)
            };
            assert!(
                sentence.chars().any(is_japanese)
                    || key == "title_rise"
                    || key == "title_recognised",
                "{key}: {sentence}"
            );
            assert!(!sentence.contains("。 ") && !sentence.ends_with('.'), "{key}: {sentence}");
        }
    }

    #[test]
    fn every_described_port_has_a_name_and_a_habit_in_japanese() {
        for port in crate::ports::described() {
            assert!(PORTS_JA.contains_key(&port), "{port}");
        }
        assert!(COUNTRIES_JA.len() > 240);
        assert_eq!(Speaker(Language::Japanese).country("JP"), "日本");
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        assert_eq!(fill("{a} {b} {c", &[("a", "{b}"), ("b", "2")]), "{b} 2 {c");
        assert_eq!(fill("{{a}}", &[("a", "1")]), "{1}");
    }

    #[test]
    fn a_moment_is_written_as_the_language_writes_it() {
        let time = Timestamp::parse("2026-03-01T09:05:00Z").unwrap();
        assert_eq!(Speaker(Language::English).moment(time), "2026-03-01 09:05 UTC");
        assert_eq!(Speaker(Language::Japanese).moment(time), "2026年3月1日 09:05（UTC）");
    }
}
