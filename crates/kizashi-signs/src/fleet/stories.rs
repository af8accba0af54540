//! What several watches see of one change is told once: as the sign of the watch that saw it first, until that one is over; then as the
//! widest of those that still go on.

use std::collections::BTreeSet;

use crate::{Closed, Ongoing, Sign, SignKind};

use super::{Fleet, FleetClosed, OverAll, Scope};

impl Fleet {
    /// Adds what a watch told to what is told, without what is told already as another's.
    pub(super) fn fit(
        &mut self,
        scope: &Scope,
        told: Closed,
        over_all: &[Ongoing],
        closed: &mut FleetClosed,
    ) {
        let visitors = |id: &str| match scope {
            Scope::All => over_all.iter().find(|open| open.sign.id == id).cloned(),
            _ => self.watches.get(scope)?.ongoing().into_iter().find(|open| open.sign.id == id),
        };
        let raised: Vec<Ongoing> = told
            .raised
            .into_iter()
            .map(|sign| {
                let visitors = visitors(&sign.id).map(|open| open.visitors).unwrap_or_default();
                Ongoing { sign: scope.mark(sign), visitors }
            })
            .collect();
        for new in raised {
            match self.told_elsewhere(scope, &new, over_all) {
                Some(first) => {
                    self.within.insert((scope.clone(), new.sign.id), first.clone());
                    closed.at.push((first, scope.clone()));
                }
                None => closed.told.raised.push(new.sign),
            }
        }
        for sign in told.changed.into_iter().map(|sign| scope.mark(sign)) {
            let name = (scope.clone(), sign.id.clone());
            if !self.within.contains_key(&name) {
                closed.told.changed.push(sign);
            } else if !sign.open {
                self.within.remove(&name);
            }
        }
    }

    /// The id under which a new sign of `scope` is told already: that of an open sign of another watch of the same sensors that it is part of.
    fn told_elsewhere(&self, scope: &Scope, new: &Ongoing, over_all: &[Ongoing]) -> Option<String> {
        let of_all = over_all.iter().map(|open| (Scope::All, open.clone()));
        let of_all = of_all.filter(|_| *scope != Scope::All);
        let others = self.watches.iter().filter(|(other, _)| self.share_sensors(scope, other));
        let of_others = others.flat_map(|(other, watch)| {
            let marked = |open: Ongoing| Ongoing { sign: other.mark(open.sign), ..open };
            watch.ongoing().into_iter().map(move |open| (other.clone(), marked(open)))
        });
        let mut open = of_all.chain(of_others);
        open.find(|(_, open)| self.is_part_of(new, open)).map(|(other, open)| {
            let first = self.within.get(&(other, open.sign.id.clone())).cloned();
            first.unwrap_or(open.sign.id)
        })
    }

    /// Whether two different scopes have a sensor in common.
    pub(super) fn share_sensors(&self, one: &Scope, other: &Scope) -> bool {
        let is_in = |sensor: &String, group: &String| {
            self.sensors.get(sensor).is_some_and(|sensor| sensor.group.as_ref() == Some(group))
        };
        match (one, other) {
            (Scope::All, Scope::All) => false,
            (Scope::All, _) | (_, Scope::All) => true,
            (Scope::Group(group), Scope::Sensor(sensor))
            | (Scope::Sensor(sensor), Scope::Group(group)) => is_in(sensor, group),
            _ => false,
        }
    }

    /// Where a sign is over that others were told as, the widest of these that goes on is told from now on.
    pub(super) fn hand_on(&mut self, over_all: &OverAll, closed: &mut FleetClosed) {
        let over = closed.told.changed.iter().filter(|sign| !sign.open);
        let over: Vec<String> = over.map(|sign| sign.id.clone()).collect();
        for id in over {
            let heirs = self.within.iter().filter(|(_, first)| **first == id);
            let heirs: Vec<(Scope, String)> = heirs.map(|(name, _)| name.clone()).collect();
            let Some((scope, heir)) = heirs.first().cloned() else { continue };
            self.within.remove(&(scope.clone(), heir.clone()));
            for other in heirs.into_iter().skip(1) {
                self.within.insert(other, heir.clone());
            }
            closed.told.raised.extend(self.open_sign(&scope, &heir, &over_all.open));
        }
    }

    /// A sign of a scope's watch that goes on, as it is told.
    pub(super) fn open_sign(&self, scope: &Scope, id: &str, over_all: &[Ongoing]) -> Option<Sign> {
        if *scope == Scope::All {
            return over_all.iter().find(|open| open.sign.id == id).map(|open| open.sign.clone());
        }
        let mut open = self.watches.get(scope)?.open_signs().map(|open| scope.mark(open.clone()));
        open.find(|open| open.id == id)
    }

    /// Whether a new sign tells what an open one of the same sensors does: the same kind of change, of a key that both have, or that came with
    /// the visitors of that one, by the rules by which one watch joins a rise to a sign (`detection/grouping.rs`): a watch over many may have told of a user
    /// name or a network what one sensor's, which sees ports alone, tells of a port.
    fn is_part_of(&self, new: &Ongoing, open: &Ongoing) -> bool {
        let (sign, open, visitors) = (&new.sign, &open.sign, &open.visitors);
        let has = |of: &Sign, key: &String| of.key == *key || of.also.contains(key);
        let rises = sign.kind == SignKind::Rise;
        if sign.kind != open.kind {
            return false;
        }
        if has(open, &sign.key) || (rises && sign.also.iter().any(|key| has(open, key))) {
            return true;
        }
        rises
            && match self.same_campaign(sign, open) {
                Some(is_same) => is_same,
                None => has_half(visitors, &new.visitors),
            }
    }

    /// Whether both are known, by names of their own, as the same; `None` where one is not.
    fn same_campaign(&self, one: &Sign, other: &Sign) -> Option<bool> {
        let campaigns = &self.plan.campaigns;
        let is_own = |id: &&str| campaigns.get(id).is_some_and(|one| !one.general);
        let names = |of: &Sign| -> Vec<String> {
            of.recognised.ids().filter(is_own).map(str::to_owned).collect()
        };
        let (one, other) = (names(one), names(other));
        if one.is_empty() || other.is_empty() {
            return None;
        }
        Some(one.iter().any(|id| other.contains(id)))
    }
}

/// Whether at least half of some new visitors are among others.
fn has_half(visitors: &BTreeSet<u32>, new: &BTreeSet<u32>) -> bool {
    !new.is_empty() && 2 * new.intersection(visitors).count() >= new.len()
}
