//! Which alarms are one story: a campaign that goes from port to port is one sign that grows, and one that comes back is known
//! again. What is put together is never more than what shares visitors or its own marks: two campaigns that are known by
//! different names stay two signs even where they share machines.

use kizashi_event::{Key, KeyKind};
use serde::{Deserialize, Serialize};

use super::{Closed, Merge};
use crate::open_sign::OpenSign;
use crate::shares::Readable;
use crate::{Returned, Sign, SignKind};

/// Signs that are over and remembered; the oldest go.
const MOST_PAST: usize = 512;
/// Other keys of one of them.
const MOST_KEYS: usize = 17;

/// A sign that is over: what it takes to know it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    campaigns: Vec<String>,
    keys: Vec<String>,
    told: Returned,
}

impl Merge {
    /// The place of the open sign that a new rise belongs to, where there is one.
    pub(super) fn sign_that_has(&self, shares: &impl Readable, new: &OpenSign) -> Option<usize> {
        let series = new.one_series()?;
        let sources = self.sources_of(shares, series, self.index_of(new.sign.since));
        self.open.iter().position(|open| {
            open.sign.kind == SignKind::Rise
                && match self.same_campaign(&open.sign, &new.sign) {
                    Some(is_same) => is_same,
                    None => self.coincides(shares, open, &sources),
                }
        })
    }

    /// Whether both are known, by names of their own, as the same; `None` where one is not.
    fn same_campaign(&self, one: &Sign, other: &Sign) -> Option<bool> {
        let (one, other) = (self.own_names(one), self.own_names(other));
        if one.is_empty() || other.is_empty() {
            return None;
        }
        Some(one.iter().any(|id| other.contains(id)))
    }

    /// The campaigns that a sign is recognised as, but for habits of many.
    fn own_names<'a>(&self, sign: &'a Sign) -> Vec<&'a str> {
        let is_own = |id: &&str| self.campaigns.get(id).is_some_and(|one| !one.general);
        sign.recognised.ids().filter(is_own).collect()
    }

    /// A new rise is a sign of its own.
    pub(super) fn open_sign(&mut self, mut new: OpenSign, closed: &mut Closed) {
        new.sign.returned = self.seen_before(&new.sign);
        closed.raised.push(new.sign.clone());
        self.open.push(new);
    }

    /// A new rise belongs to an open sign, with its visitors.
    pub(super) fn join_sign(
        &mut self,
        shares: &impl Readable,
        at: usize,
        new: &OpenSign,
        closed: &mut Closed,
    ) {
        let kind = new.sign.key.parse::<Key>().map(|key| key.kind);
        let tells = kind.is_ok_and(|kind| kind == KeyKind::Port || tells_who(kind));
        let series = if tells { new.series.as_slice() } else { &[] };
        self.join(at, new.sign.key.clone(), series, closed);
        let Some(mut open) = self.open.get(at).cloned() else { return };
        self.begin_dossier(shares, &mut open);
        if let Some(place) = self.open.get_mut(at) {
            *place = open;
            closed.now_is(&place.sign);
        }
    }

    /// The latest sign that is over and was the same: known by the same name, or by the same key that is no place to come to.
    pub(super) fn seen_before(&self, sign: &Sign) -> Option<Returned> {
        let (names, keys) = (self.own_names(sign), telling_keys(sign));
        let is_same = |past: &&Past| {
            past.campaigns.iter().any(|id| names.contains(&id.as_str()))
                || past.keys.iter().any(|key| keys.contains(key))
        };
        self.past.iter().rev().find(is_same).map(|past| past.told.clone())
    }

    /// Remembers a sign that is over.
    pub(super) fn remember(&mut self, sign: &Sign) {
        if sign.kind != SignKind::Rise {
            return;
        }
        let campaigns: Vec<String> = self.own_names(sign).into_iter().map(str::to_owned).collect();
        let keys = telling_keys(sign);
        if campaigns.is_empty() && keys.is_empty() {
            return;
        }
        if self.past.len() >= MOST_PAST {
            self.past.remove(0);
        }
        let told = Returned { id: sign.id.clone(), since: sign.since, sources: sign.sources };
        self.past.push(Past { campaigns, keys, told });
    }
}

/// Whether keys of this kind tell who it is: what visitors bring of their own, not what many have in common.
pub(super) const fn tells_who(kind: KeyKind) -> bool {
    matches!(
        kind,
        KeyKind::Payload
            | KeyKind::PayloadCluster
            | KeyKind::CommandFamily
            | KeyKind::PathFamily
            | KeyKind::Signature
    )
}

/// Keys of a sign that tell who it is.
fn telling_keys(sign: &Sign) -> Vec<String> {
    let tells = |key: &&String| key.parse::<Key>().is_ok_and(|key| tells_who(key.kind));
    let all = std::iter::once(&sign.key).chain(&sign.also);
    all.filter(tells).take(MOST_KEYS).cloned().collect()
}
