//! A fleet with the watch over all beside it, as a hub's pipeline has them.

use std::collections::BTreeMap;

use kizashi_event::Timestamp;
use kizashi_signs::{
    Campaigns, Detection, DetectionError, Fleet, FleetClosed, FleetPlan, Knowledge, OverAll,
    Settings, united,
};
use kizashi_store::{ClosedBin, KeyBin};

/// Watches for all sensors that these tests have, in the groups that are given.
pub(crate) fn plan<'a>(groups: impl IntoIterator<Item = (String, &'a str)>) -> FleetPlan {
    FleetPlan {
        settings: Settings::default(),
        groups: groups.into_iter().map(|(name, group)| (name, group.to_owned())).collect(),
        watches: 64,
        knowledge: Knowledge::shipped(),
        campaigns: Campaigns::builtin(),
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Whole {
    pub(crate) all: Detection,
    pub(crate) fleet: Fleet,
}

impl Whole {
    pub(crate) fn new(plan: FleetPlan) -> Self {
        let all = Detection::with_knowledge(Fleet::over_all(plan.settings), &plan.knowledge);
        Self { all: all.unwrap(), fleet: Fleet::new(plan) }
    }

    /// Goes on from snapshots, as a hub that is started anew.
    pub(crate) fn restart(&mut self, plan: FleetPlan) -> Result<(), DetectionError> {
        let settings = Fleet::over_all(plan.settings);
        self.all = Detection::restore(settings, Campaigns::builtin(), &self.all.snapshot()?)?;
        self.fleet = Fleet::restore(plan, &self.fleet.snapshot()?)?;
        Ok(())
    }

    pub(crate) fn close(
        &mut self,
        start: Timestamp,
        bins: &BTreeMap<String, ClosedBin>,
    ) -> FleetClosed {
        self.close_with(start, bins, Vec::new())
    }

    /// The same where the watch over all is given keys too, as a hub's is.
    pub(crate) fn close_with(
        &mut self,
        start: Timestamp,
        bins: &BTreeMap<String, ClosedBin>,
        keys: Vec<KeyBin>,
    ) -> FleetClosed {
        let heard: Vec<(&String, &ClosedBin)> =
            bins.iter().filter(|(_, bin)| bin.start == start && !bin.ports.is_empty()).collect();
        let before = self.fleet.sensors().count();
        let is_new = |name: &str| !self.fleet.sensors().any(|(known, _)| known == name);
        let new = heard.iter().filter(|(name, _)| is_new(name)).count();
        if before > 0 && new > 0 {
            self.all.widen(before as f64 / (before + new) as f64);
        }
        let bins_of_all: Vec<&ClosedBin> = heard.iter().map(|(_, bin)| *bin).collect();
        let told = if heard.is_empty() {
            self.all.advance(start.plus(super::BIN))
        } else {
            let mut bin = united(start, &bins_of_all);
            bin.keys.extend(keys);
            self.all.close(&bin)
        };
        let open = self.all.ongoing();
        self.fleet.close(start, bins, OverAll { told, open }).unwrap()
    }
}
