//! The text of a sign, as a good analyst would write it for one server: what changed, since when, how sure that is, who and from
//! where, what they try, what it probably is, whether this machine is exposed, what to do now with exact commands, how to see
//! that it is over, where to read on. It is data first ([`Advisory`]), in either language ([`words`]), and becomes text, Markdown
//! or HTML in [`render`], each with its own escaping.

mod build;
mod exposure;
mod places;
mod render;
#[cfg(test)]
mod tests;
mod todo;
mod words;

use kizashi_event::escape_for_people;
use kizashi_store::Evidence;
use serde::Serialize;

pub use exposure::Judged;

use crate::machine::Machine;
use crate::{Campaigns, Language, Sign};

/// Characters shown of one value at most.
const LONGEST_SHOWN: usize = 120;

/// What an advisory is written with.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// In which language.
    pub language: Language,
    /// What is known of campaigns.
    pub campaigns: &'a Campaigns,
    /// What this machine runs, where somebody looked.
    pub machine: Option<&'a Machine>,
}

/// One value of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The value, harmless to show.
    pub text: String,
    /// How often; `None` where it is not counted.
    pub count: Option<u64>,
}

/// A list under a heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What the values are.
    pub label: String,
    /// The values, the most frequent first.
    pub values: Vec<Value>,
    /// Whether they are visitors' own words.
    pub quoted: bool,
}

/// A part of an advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Which: `what`, `since`, `sure`, `severity`, `who`, `tries`, `probably`, `exposed`, `todo`, `over`.
    pub id: &'static str,
    /// Its heading.
    pub heading: String,
    /// Its paragraphs.
    pub text: Vec<String>,
    /// Its lists.
    pub items: Vec<Item>,
    /// Things to do, or to look at.
    pub steps: Vec<Step>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What.
    pub text: String,
    /// Exact lines for a shell; none where no line does it.
    pub commands: Vec<String>,
}

/// What a person is told about a sign. Every text is safe to show on a terminal: attackers' text in it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Advisory {
    /// The language of all texts.
    pub language: Language,
    /// What it is about, in one line.
    pub title: String,
    /// How serious, and why.
    pub severity: Judged,
    /// What happens.
    pub what: String,
    /// Since when, and how soon it was seen.
    pub since: String,
    /// Who comes.
    pub who: String,
    /// What to do.
    pub what_to_do: String,
    /// All of it, in the order in which a person reads.
    pub sections: Vec<Section>,
    /// The heading of the references.
    pub references_heading: String,
    /// Where to read on, by number from 1.
    pub references: Vec<String>,
}

impl Advisory {
    /// The four main texts with their headings in English, as short messages show them.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, &str); 4] {
        [
            ("What", &self.what),
            ("Since when", &self.since),
            ("Who", &self.who),
            ("What to do", &self.what_to_do),
        ]
    }

    /// The section of this id.
    #[must_use]
    pub fn section(&self, id: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.id == id)
    }
}

/// The advisory of a sign in English, with what is known without looking at the machine.
#[must_use]
pub fn advisory(sign: &Sign, evidence: &Evidence) -> Advisory {
    let campaigns = Campaigns::builtin();
    let around = Around { language: Language::English, campaigns: &campaigns, machine: None };
    advisory_in(sign, evidence, &around)
}

/// The advisory of a sign, with what the visitors did since its start.
#[must_use]
pub fn advisory_in(sign: &Sign, evidence: &Evidence, around: &Around<'_>) -> Advisory {
    build::advisory(sign, evidence, around)
}

/// Cut before it is escaped, so that no escape is cut in two.
fn short(text: &str) -> String {
    let mut head: String = text.chars().take(LONGEST_SHOWN).collect();
    let is_cut = head.len() < text.len();
    head = escape_for_people(&head);
    if is_cut {
        head.push('…');
    }
    head
}
