//! What a sign's visitors are recognised as, and how sure that is.
//!
//! Each mark gives points by its strength, the more the larger the share of visitors who bear it, up to a quarter of them: in a
//! campaign not every machine comes to its last step, and what one visitor of a hundred does says nothing of the hundred. Weak
//! marks (a port, a common name) count two points together at most and medium ones six, so that a name takes at least one
//! thing that is hardly seen elsewhere, or several that fit together. The particular goes before the general, a form before
//! what it is a form of, who it is (a botnet, a worm, a miner) before the hole that he uses; two that are nearly equal are both named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Campaign, CampaignKind, Campaigns, MarkKind, Strength};
use crate::dossier::Dossier;

/// Points from which a campaign is named.
const LIKELY: f64 = 5.0;
/// Points from which it is sure.
const SURE: f64 = 8.0;
/// What all weak marks, and all medium ones, count at most.
const MOST_OF_WEAK: f64 = 2.0;
const MOST_OF_MEDIUM: f64 = 6.0;
/// The share of visitors from which on a mark counts wholly.
const WHOLE_SHARE: f64 = 0.25;
/// Visitors who must bear a mark, where a sign has as many.
const LEAST_BEARERS: usize = 3;
/// The share of the best one's points from which another is named beside it.
const NEARLY: f64 = 0.8;
/// Campaigns named at most; where more are equal the visitors try everything.
const MOST_NAMED: usize = 2;
/// Marks told of one campaign at most.
const MOST_MARKS: usize = 8;

/// How sure a name is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Nothing known fits.
    #[default]
    Unknown,
    /// More fits than chance would.
    Likely,
    /// It bears marks of its own.
    Sure,
}

/// A mark that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where.
    pub kind: MarkKind,
    /// What was looked for: the first text of the mark. Of our own files or the owner's.
    pub text: String,
    /// How much it says.
    pub strength: Strength,
    /// How many of the sign's visitors bore it.
    pub visitors: u64,
}

/// A campaign that was recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recognised {
    /// Its id.
    pub id: String,
    /// Its name in English.
    pub name: String,
    /// What kind of thing it is.
    pub kind: CampaignKind,
    /// How sure.
    pub certainty: Certainty,
    /// The points of its marks.
    pub points: f64,
    /// The marks seen, the strongest first.
    pub marks: Vec<Mark>,
}

/// What a sign's visitors are recognised as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recognition {
    /// How sure the first one is.
    pub certainty: Certainty,
    /// Most likely first; empty: unknown. Two where they fit nearly equally well.
    pub campaigns: Vec<Recognised>,
    /// Visitors looked at: the first 512.
    pub visitors: u64,
    /// Those of them who did more than knock.
    pub spoke: u64,
}

impl Recognition {
    /// The name for a list, in English; `None`: unknown.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let names: Vec<&str> = self.campaigns.iter().map(|one| one.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(" or "))
    }

    /// The ids of what was recognised.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.campaigns.iter().map(|one| one.id.as_str())
    }
}

const fn points_of(strength: Strength) -> f64 {
    match strength {
        Strength::Weak => 1.0,
        Strength::Medium => 2.0,
        Strength::Strong => 5.0,
        Strength::Certain => 9.0,
    }
}

/// Points and marks of one campaign while they are summed.
#[derive(Default)]
struct Sum {
    weak: f64,
    medium: f64,
    more: f64,
    /// The most visitors who bore one of its strong marks.
    bearers: usize,
    marks: Vec<(f64, usize, u64)>,
}

impl Sum {
    fn points(&self) -> f64 {
        let of_others = self.more + self.medium.min(MOST_OF_MEDIUM);
        // What is only weak is nothing: a port that fits is no mark without another.
        if of_others > 0.0 { of_others + self.weak.min(MOST_OF_WEAK) } else { 0.0 }
    }
}

impl Campaigns {
    /// What the visitors of a dossier are recognised as.
    pub(crate) fn recognise(&self, dossier: &Dossier) -> Recognition {
        let mut sums: BTreeMap<usize, Sum> = BTreeMap::new();
        for (mark, bearers) in dossier.marks() {
            let Some(place) = self.matcher.places().get(usize::from(mark)) else { continue };
            let of = match place.kind {
                MarkKind::Port | MarkKind::Service | MarkKind::Fingerprint => dossier.visitors(),
                _ => dossier.spoke(),
            };
            #[allow(clippy::cast_precision_loss, reason = "at most some hundred visitors")]
            let share = bearers as f64 / of.max(1) as f64;
            let points = points_of(place.strength) * (share / WHOLE_SHARE).min(1.0);
            let sum = sums.entry(place.campaign).or_default();
            if place.strength >= Strength::Strong {
                sum.bearers = sum.bearers.max(bearers);
            }
            if bearers < LEAST_BEARERS.min(dossier.visitors()) {
                continue;
            }
            match place.strength {
                Strength::Weak => sum.weak += points,
                Strength::Medium => sum.medium += points,
                Strength::Strong | Strength::Certain => sum.more += points,
            }
            sum.marks.push((points, place.mark, bearers as u64));
        }
        let everything = self.tries_everything(&sums);
        let mut fitting: Vec<(f64, &Campaign, Sum)> = sums
            .into_iter()
            .filter_map(|(at, sum)| Some((sum.points(), self.all.get(at)?, sum)))
            .filter(|(points, one, _)| *points >= LIKELY && (one.general || !everything))
            .collect();
        fitting.sort_by(|(a, one, _), (b, other, _)| {
            b.total_cmp(a).then_with(|| one.id.cmp(&other.id))
        });
        let campaigns = self.chosen(fitting);
        Recognition {
            certainty: campaigns.first().map_or(Certainty::Unknown, |first| first.certainty),
            campaigns,
            visitors: dossier.visitors() as u64,
            spoke: dossier.spoke() as u64,
        }
    }

    /// Whether the visitors bear marks of three campaigns or more, none of which stands out: then each does something of its own, or
    /// all try everything, and none of these names is the name of all.
    fn tries_everything(&self, sums: &BTreeMap<usize, Sum>) -> bool {
        let is_particular = |at: &usize| self.all.get(*at).is_some_and(|one| !one.general);
        let mut bearers: Vec<usize> =
            sums.iter().filter(|(at, _)| is_particular(at)).map(|(_, sum)| sum.bearers).collect();
        bearers.sort_unstable_by(|a, b| b.cmp(a));
        matches!(bearers.as_slice(), [first, _, third, ..] if *third > 0 && 2 * third >= *first)
    }

    fn chosen(&self, fitting: Vec<(f64, &Campaign, Sum)>) -> Vec<Recognised> {
        let forms: Vec<&str> =
            fitting.iter().filter_map(|(_, one, _)| one.form_of.as_deref()).collect();
        // Who it is goes before how he came in.
        let knows_who = fitting.iter().any(|(points, one, _)| *points >= SURE && is_somebody(one));
        let is_parent = |one: &Campaign| forms.contains(&one.id.as_str());
        let (general, particular): (Vec<_>, Vec<_>) = fitting
            .into_iter()
            .filter(|(_, one, _)| !is_parent(one))
            .filter(|(_, one, _)| !knows_who || one.kind != CampaignKind::Exploit)
            .partition(|(_, one, _)| one.general);
        let best = |of: &[(f64, &Campaign, Sum)]| of.first().map_or(0.0, |(points, ..)| *points);
        let is_near = |points: f64, best: f64| points >= NEARLY * best;
        let top = best(&particular);
        let equals = particular.iter().filter(|(points, ..)| is_near(*points, top)).count();
        // Who tries many holes at once is searching, where there is a word for that.
        let use_general = particular.is_empty() || (equals > MOST_NAMED && !general.is_empty());
        let from = if use_general { general } else { particular };
        let top = best(&from);
        from.into_iter()
            .filter(|(points, ..)| is_near(*points, top))
            .take(MOST_NAMED)
            .map(|(points, one, sum)| recognised(one, points, sum))
            .collect()
    }
}

/// Whether it tells who comes, and not only by which hole.
const fn is_somebody(campaign: &Campaign) -> bool {
    !campaign.general
        && matches!(campaign.kind, CampaignKind::Botnet | CampaignKind::Worm | CampaignKind::Miner)
}

fn recognised(campaign: &Campaign, points: f64, mut sum: Sum) -> Recognised {
    sum.marks.sort_by(|(a, one, _), (b, other, _)| b.total_cmp(a).then_with(|| one.cmp(other)));
    let mark = |(_, at, visitors): (f64, usize, u64)| {
        let mark = campaign.marks.get(at)?;
        let text = mark.texts.first().cloned().unwrap_or_default();
        Some(Mark { kind: mark.kind, text, strength: mark.strength, visitors })
    };
    Recognised {
        id: campaign.id.clone(),
        name: campaign.name.en.clone(),
        kind: campaign.kind,
        certainty: if points >= SURE { Certainty::Sure } else { Certainty::Likely },
        points: (points * 10.0).round() / 10.0,
        marks: sum.marks.into_iter().filter_map(mark).take(MOST_MARKS).collect(),
    }
}
