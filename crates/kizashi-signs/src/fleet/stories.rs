//! What several watches see of one change is told once: as the sign of the watch that saw it first, until that one is over; then as the
//! widest of those that still go on.

use crate::{Closed, Sign, SignKind};

use super::{Fleet, FleetClosed, OverAll, Scope};

impl Fleet {
    /// Adds what a watch told to what is told, without what is told already as another's.
    pub(super) fn fit(
        &mut self,
        scope: &Scope,
        told: Closed,
        over_all: &[Sign],
        closed: &mut FleetClosed,
    ) {
        for sign in told.raised.into_iter().map(|sign| scope.mark(sign)) {
            match self.told_elsewhere(scope, &sign, over_all) {
                Some(first) => {
                    self.within.insert((scope.clone(), sign.id), first.clone());
                    closed.at.push((first, scope.clone()));
                }
                None => closed.told.raised.push(sign),
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
    fn told_elsewhere(&self, scope: &Scope, sign: &Sign, over_all: &[Sign]) -> Option<String> {
        let of_all = over_all.iter().map(|open| (Scope::All, open.clone()));
        let of_all = of_all.filter(|_| *scope != Scope::All);
        let others = self.watches.iter().filter(|(other, _)| self.share_sensors(scope, other));
        let of_others = others.flat_map(|(other, watch)| {
            watch.open_signs().map(|open| (other.clone(), other.mark(open.clone())))
        });
        of_all.chain(of_others).find(|(_, open)| is_part_of(sign, open)).map(|(other, open)| {
            let first = self.within.get(&(other, open.id.clone())).cloned();
            first.unwrap_or(open.id)
        })
    }

    /// Whether two different scopes have a sensor in common.
    fn share_sensors(&self, one: &Scope, other: &Scope) -> bool {
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
            let sign = match (&scope, self.watches.get(&scope)) {
                (Scope::All, _) => over_all.open.iter().find(|open| open.id == heir).cloned(),
                (_, Some(watch)) => {
                    let mut open = watch.open_signs().map(|open| scope.mark(open.clone()));
                    open.find(|open| open.id == heir)
                }
                (_, None) => None,
            };
            closed.told.raised.extend(sign);
        }
    }
}

/// Whether a new sign tells what an open one of the same sensors does: the same kind of change, of a key that both have.
fn is_part_of(sign: &Sign, open: &Sign) -> bool {
    let has = |of: &Sign, key: &String| of.key == *key || of.also.contains(key);
    let rises = sign.kind == SignKind::Rise && sign.also.iter().any(|key| has(open, key));
    sign.kind == open.kind && (has(open, &sign.key) || rises)
}
