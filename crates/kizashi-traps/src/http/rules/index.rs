//! Which rules may fit a request: one pass over its texts finds the literal pieces of all patterns at once (Aho and Corasick, 1975),
//! so that a request costs the same however many rules there are. Each rule is entered under one condition that must hold, the one
//! whose pieces say most; the few whose piece was seen are then tried in full.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::Rule;
use super::pattern::Pattern;
use super::subject::Subject;

/// Rules by what must be seen of them.
#[derive(Debug, Default)]
pub(super) struct Index {
    pieces: Option<AhoCorasick>,
    /// For each piece the places of the rules that it makes possible.
    rules_of: Vec<Vec<usize>>,
    /// Rules that name no piece, such as those of a method alone.
    always: Vec<usize>,
}

impl Index {
    pub(super) fn of(rules: &[Arc<Rule>]) -> Self {
        let mut index = Self::default();
        let mut pieces: Vec<&[u8]> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            let Some(needed) = rule.needed() else {
                index.always.push(place);
                continue;
            };
            for piece in needed {
                let at = pieces.iter().position(|known| *known == piece).unwrap_or_else(|| {
                    pieces.push(piece);
                    index.rules_of.push(Vec::new());
                    pieces.len() - 1
                });
                index.rules_of[at].push(place);
            }
        }
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        match AhoCorasick::builder().kind(kind).build(&pieces) {
            Ok(automaton) => index.pieces = Some(automaton),
            // Past the automaton's bound, two thousand million states, every rule is tried.
            Err(_) => index.always = (0..rules.len()).collect(),
        }
        index
    }

    /// The places of the rules that may fit, in order.
    pub(super) fn candidates(&self, subject: &Subject<'_>) -> Vec<usize> {
        let mut places = self.always.clone();
        if let Some(automaton) = &self.pieces {
            let mut seen = vec![false; self.rules_of.len()];
            subject.each_text(|text| {
                for found in automaton.find_overlapping_iter(text) {
                    let piece = found.pattern().as_usize();
                    if !std::mem::replace(&mut seen[piece], true) {
                        places.extend(&self.rules_of[piece]);
                    }
                }
            });
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

impl Rule {
    /// Pieces of which one is in every request that this rule fits; of its conditions the one whose shortest piece is longest.
    fn needed(&self) -> Option<Vec<&[u8]>> {
        let pairs = self.parameters.iter().chain(&self.headers);
        let each = pairs.flat_map(|(name, value)| [name, value]).chain(&self.body);
        let shortest = |pieces: &Vec<&[u8]>| pieces.iter().map(|piece| piece.len()).min();
        [&self.paths, &self.anywhere]
            .into_iter()
            .map(|patterns| patterns.iter().map(Pattern::longest_piece).collect())
            .chain(each.map(|pattern| vec![pattern.longest_piece()]))
            .filter(|pieces| shortest(pieces).is_some_and(|length| length > 0))
            .max_by_key(shortest)
    }
}
