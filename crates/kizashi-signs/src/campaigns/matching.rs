//! Which marks a bin's keys bear. A bin may hold tens of thousands of keys that anybody made up, so whole texts are looked up
//! in one table and parts of texts are found in one pass over each (Aho and Corasick, CACM 1975).

use std::collections::{BTreeMap, HashMap};

use aho_corasick::AhoCorasick;
use kizashi_event::{Key, KeyKind, Port};
use kizashi_store::ClosedBin;
use serde::{Deserialize, Serialize};

use super::{Campaign, MarkKind, Strength, format};

/// Sources that one bin tells as bearers of one mark, or as having done anything, at most.
const MOST_SOURCES: usize = 2_048;

/// The number of a mark among those of all campaigns.
pub(crate) type MarkNumber = u16;

/// Whole texts, or parts of texts, with the marks that they are of.
#[derive(Default)]
struct Parts {
    finder: Option<AhoCorasick>,
    marks: Vec<MarkNumber>,
}

impl Parts {
    fn of(parts: &[(MarkNumber, Vec<u8>)], any_case: bool) -> Self {
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(any_case)
            .build(parts.iter().map(|(_, part)| part));
        Self {
            finder: finder.ok().filter(|_| !parts.is_empty()),
            marks: parts.iter().map(|(mark, _)| *mark).collect(),
        }
    }

    fn each(&self, text: &[u8], mut found: impl FnMut(MarkNumber)) {
        let Some(finder) = &self.finder else { return };
        for part in finder.find_overlapping_iter(text) {
            if let Some(mark) = self.marks.get(part.pattern().as_usize()) {
                found(*mark);
            }
        }
    }
}

/// Where a mark belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) campaign: usize,
    pub(super) mark: usize,
    pub(super) strength: Strength,
    pub(super) kind: MarkKind,
}

/// All marks of all campaigns, ready to be looked for.
pub(super) struct Matcher {
    places: Vec<Place>,
    whole: HashMap<(MarkKind, String), Vec<MarkNumber>>,
    commands: Parts,
    paths: Parts,
    clients: Parts,
    heads: Parts,
}

/// The marks that visitors of one bin bore, and who did anything at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MarksSeen {
    /// By mark, the sources, ascending.
    pub(crate) marks: Vec<(MarkNumber, Vec<u32>)>,
    /// Who did more than knock, ascending.
    pub(crate) spoke: Vec<u32>,
}

impl MarksSeen {
    /// Numbers held.
    pub(crate) fn len(&self) -> usize {
        self.spoke.len() + self.marks.iter().map(|(_, sources)| sources.len()).sum::<usize>()
    }
}

impl Matcher {
    pub(super) fn of(all: &[Campaign]) -> Self {
        let mut places = Vec::new();
        let mut whole: HashMap<(MarkKind, String), Vec<MarkNumber>> = HashMap::new();
        let mut parts: BTreeMap<MarkKind, Vec<(MarkNumber, Vec<u8>)>> = BTreeMap::new();
        for (campaign, one) in all.iter().enumerate() {
            for (index, mark) in one.marks.iter().enumerate() {
                let Ok(number) = MarkNumber::try_from(places.len()) else { break };
                let (strength, kind) = (mark.strength, mark.kind);
                places.push(Place { campaign, mark: index, strength, kind });
                for text in &mark.texts {
                    match kind {
                        MarkKind::Command | MarkKind::Path | MarkKind::Client => {
                            parts
                                .entry(kind)
                                .or_default()
                                .push((number, text.clone().into_bytes()));
                        }
                        MarkKind::FirstBytes => {
                            let bytes = format::bytes_of(text).unwrap_or_default();
                            parts.entry(kind).or_default().push((number, bytes));
                        }
                        _ => whole.entry((kind, text.clone())).or_default().push(number),
                    }
                }
            }
        }
        let of = |kind: MarkKind, any_case: bool| {
            parts.get(&kind).map(|parts| Parts::of(parts, any_case)).unwrap_or_default()
        };
        Self {
            places,
            whole,
            commands: of(MarkKind::Command, true),
            paths: of(MarkKind::Path, true),
            clients: of(MarkKind::Client, true),
            heads: of(MarkKind::FirstBytes, false),
        }
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    fn whole(&self, kind: MarkKind, text: &str, mut found: impl FnMut(MarkNumber)) {
        if let Some(marks) = self.whole.get(&(kind, text.to_owned())) {
            marks.iter().for_each(|mark| found(*mark));
        }
    }

    fn each_of_key(&self, key: &Key, head: &[u8], found: &mut impl FnMut(MarkNumber)) {
        let text = &*key.text;
        match key.kind {
            KeyKind::CommandFamily => self.commands.each(text.as_bytes(), found),
            KeyKind::PathFamily => self.paths.each(text.as_bytes(), found),
            KeyKind::Client => self.clients.each(text.as_bytes(), found),
            KeyKind::Payload => {
                self.whole(MarkKind::Sha256, text, &mut *found);
                self.heads.each(head, found);
            }
            KeyKind::Service => self.whole(MarkKind::Service, text, found),
            KeyKind::User => self.whole(MarkKind::User, text, found),
            KeyKind::Password => self.whole(MarkKind::Password, text, found),
            KeyKind::Pair => self.whole(MarkKind::Pair, text, found),
            KeyKind::Signature => self.whole(MarkKind::Signature, text, found),
            KeyKind::Fingerprint => self.whole(MarkKind::Fingerprint, text, found),
            _ => {}
        }
    }

    /// The marks that whoever came to a port bore.
    fn of_port(&self, port: Port) -> Borne {
        let mut marks = Vec::new();
        self.whole(MarkKind::Port, &port.to_string(), |mark| marks.push(mark));
        Borne { marks, speaks: false }
    }

    /// The marks that whoever came with a key bore, of content by its first bytes too.
    fn of_key(&self, key: &Key, head: &[u8]) -> Borne {
        let mut marks = Vec::new();
        self.each_of_key(key, head, &mut |mark| marks.push(mark));
        Borne { marks, speaks: is_speech(key.kind) }
    }
}

/// What all sources of one row bore.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Borne {
    marks: Vec<MarkNumber>,
    speaks: bool,
}

impl Borne {
    pub(crate) const fn is_nothing(&self) -> bool {
        self.marks.is_empty() && !self.speaks
    }
}

/// Gathers what a bin's visitors bore, row by row.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    marks: BTreeMap<MarkNumber, Vec<u32>>,
    spoke: Vec<u32>,
}

impl Gathered {
    /// Notes a row; whether there was room for any of it.
    pub(crate) fn add(&mut self, borne: &Borne, sources: &[u32]) -> bool {
        let mut had_room = false;
        let mut extend = |list: &mut Vec<u32>, most: usize| {
            let room = most.saturating_sub(list.len());
            had_room |= room > 0;
            list.extend(sources.iter().take(room));
        };
        for mark in &borne.marks {
            extend(self.marks.entry(*mark).or_default(), 2 * MOST_SOURCES);
        }
        if borne.speaks {
            extend(&mut self.spoke, 16 * MOST_SOURCES);
        }
        had_room
    }

    pub(crate) fn seen(self) -> MarksSeen {
        let sorted = |mut sources: Vec<u32>, most: usize| {
            sources.sort_unstable();
            sources.dedup();
            sources.truncate(most);
            sources
        };
        let marks = self.marks.into_iter();
        let marks = marks.map(|(mark, of)| (mark, sorted(of, MOST_SOURCES))).collect();
        MarksSeen { marks, spoke: sorted(self.spoke, 4 * MOST_SOURCES) }
    }
}

/// Whether who comes with a key of this kind did more than knock.
const fn is_speech(kind: KeyKind) -> bool {
    matches!(
        kind,
        KeyKind::Payload
            | KeyKind::CommandFamily
            | KeyKind::PathFamily
            | KeyKind::Signature
            | KeyKind::Pair
            | KeyKind::Password
            | KeyKind::User
            | KeyKind::Client
    )
}

impl super::Campaigns {
    /// What a bin's visitors bore.
    pub(crate) fn marks_in(&self, bin: &ClosedBin) -> MarksSeen {
        let mut gathered = Gathered::default();
        for row in &bin.ports {
            gathered.add(&self.matcher.of_port(row.port), &row.sources);
        }
        for row in &bin.keys {
            gathered.add(&self.matcher.of_key(&row.key, &row.head), &row.sources);
        }
        gathered.seen()
    }

    /// What all sources of a port bore.
    pub(crate) fn borne_at(&self, port: Port) -> Borne {
        self.matcher.of_port(port)
    }

    /// What all sources of a key bore.
    pub(crate) fn borne_with(&self, key: &Key, head: &[u8]) -> Borne {
        self.matcher.of_key(key, head)
    }
}
