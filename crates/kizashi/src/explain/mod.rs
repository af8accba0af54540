//! Why a sign was raised: the numbers behind it, gathered while a replay runs, and shown as text, as a drawing or as JSON. All three
//! show the same [`Explained`].

mod chart;
mod numbers;
mod svg;
mod text;
mod words;

use std::collections::BTreeMap;

use kizashi_event::{Key, KeyKind, Timestamp};
use kizashi_signs::{Closed, Explanation, Scope, Sign};
use serde::Serialize;

pub(crate) use svg::svg;
pub(crate) use text::print;

use crate::pipeline::Watches;

/// Bins after a sign was raised whose counts are shown too: a day.
const AFTER: u64 = 144;
/// Signs explained at most, the latest: a replay of years may have more.
const MOST_EXPLAINED: usize = 1_000;

/// Which signs are to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    /// The sign of this id.
    Sign(String),
    /// Every sign of this key; where there is none, how the key stands.
    Key(Key),
}

impl Wanted {
    /// What a person named: nothing, a key or an id.
    pub(crate) fn of(named: &str) -> Self {
        match Key::from_shown(named) {
            _ if named.is_empty() => Self::All,
            Ok(key) => Self::Key(key),
            Err(_) => Self::Sign(named.to_owned()),
        }
    }

    /// Whether this sign is meant.
    pub(crate) fn is(&self, sign: &Sign) -> bool {
        match self {
            Self::All => true,
            Self::Sign(id) => sign.id == *id,
            Self::Key(key) => sign.key == key.to_string(),
        }
    }
}

/// One key with what was told of it and why.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Explained {
    /// The sign as it stood at the end; `None` where the key had none.
    pub(crate) sign: Option<Sign>,
    /// The numbers when it was raised, or at the end; `None` of a shift of the whole sensor, which is made of many keys.
    pub(crate) explanation: Option<Explanation>,
}

impl Explained {
    /// A name for a file of its own: made of an id, which is plain.
    pub(crate) fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let key = || self.explanation.as_ref().map_or("", |explanation| &explanation.key);
        let name = self.sign.as_ref().map_or_else(key, |sign| &sign.id);
        format!("{}.svg", name.chars().take(80).map(plain).collect::<String>())
    }
}

/// Gathers the numbers of signs as they are raised.
pub(crate) struct Explainer {
    wanted: Wanted,
    /// By the id of the sign, in order of time.
    raised: BTreeMap<String, Gathered>,
}

struct Gathered {
    explanation: Explanation,
    /// The key to ask for counts, and whose, until a day has been added.
    waits: Option<(Option<Scope>, Key)>,
}

impl Explainer {
    pub(crate) const fn new(wanted: Wanted) -> Self {
        Self { wanted, raised: BTreeMap::new() }
    }

    /// Takes what closing a bin told, right after it was closed.
    pub(crate) fn note(&mut self, closed: &Closed, watches: &Watches) {
        let Some(through) = watches.through() else { return };
        for gathered in self.raised.values_mut() {
            if through.since(gathered.explanation.at) >= day(AFTER) {
                gathered.add_counts(watches);
            }
        }
        for sign in closed.raised.iter().filter(|sign| self.wanted.is(sign)) {
            let Some(explanation) = watches.explain(sign) else { continue };
            let waits = Key::from_shown(&sign.key).ok().map(|key| (sign.scope.clone(), key));
            self.raised.insert(sign.id.clone(), Gathered { explanation, waits });
            if self.raised.len() > MOST_EXPLAINED {
                self.raised.pop_first();
            }
        }
    }

    /// The signs with their numbers; of a key without a sign its numbers at the end.
    pub(crate) fn finish(mut self, watches: &Watches, signs: &[Sign]) -> Vec<Explained> {
        self.raised.values_mut().for_each(|gathered| gathered.add_counts(watches));
        let one = |sign: &Sign| Explained {
            sign: Some(sign.clone()),
            explanation: self.raised.get(&sign.id).map(|gathered| gathered.explanation.clone()),
        };
        let mut explained: Vec<Explained> = signs.iter().map(one).collect();
        if let (Wanted::Key(key), true, Some(detection)) =
            (&self.wanted, explained.is_empty(), watches.here())
        {
            let silence = detection.explain_silence(key).filter(|_| key.kind == KeyKind::Port);
            let now = [detection.explain_key(key), silence];
            explained.extend(
                now.into_iter()
                    .flatten()
                    .map(|explanation| Explained { sign: None, explanation: Some(explanation) }),
            );
        }
        explained
    }
}

impl Gathered {
    /// Adds the counts that came since, once.
    fn add_counts(&mut self, watches: &Watches) {
        let Some((scope, key)) = self.waits.take() else { return };
        let known = self.explanation.counts.last().map_or(0, |(bin, _)| bin + 1);
        let last = self.explanation.bins().saturating_add(AFTER);
        let recent = watches.recent(scope.as_ref(), &key);
        let since = recent.into_iter().filter(|(bin, _)| (known..last).contains(bin));
        self.explanation.counts.extend(since);
    }
}

/// So many bins, in microseconds.
const fn day(bins: u64) -> i64 {
    (bins as i64) * 600 * Timestamp::SECOND
}
