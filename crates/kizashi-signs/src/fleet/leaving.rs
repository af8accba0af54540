//! Sensors that are no longer there. One that was revoked, or whose machine is gone, is not heard any more, and nobody says so to detection: what it
//! sees is closed bins. So who was not heard for thirty days in which others were has left. Its watch goes, and with it what that costs, its part of the
//! promise, and its place among the watches, which the next sensor that is heard without one gets. One that comes back is a new sensor: it begins
//! with what its group's have learned. Where nobody was heard (the hub was away for a month) time did not pass: nobody leaves for that. All of it
//! follows from closed bins, so that a run over what is stored lets go of the same watches at the same moments.

use std::collections::BTreeMap;

use kizashi_detect::gamma_poisson::Breadth;
use kizashi_event::Timestamp;
use kizashi_store::ClosedBin;

use super::{Fleet, Scope};
use crate::DetectionError;

/// Microseconds after which a sensor that was not heard has left: as long as a hub shows it as silent.
const LEFT_AFTER: i64 = 30 * Timestamp::DAY;
/// Microseconds without anybody after which no time passes.
const MOST_QUIET: i64 = Timestamp::DAY;

impl Fleet {
    /// Takes note of who was heard in the bin from `start` on, lets go of who has left, and gives watches to those who have none where there is a
    /// place.
    pub(super) fn attend(
        &mut self,
        start: Timestamp,
        bins: &BTreeMap<&String, &ClosedBin>,
    ) -> Result<(), DetectionError> {
        let last = self.sensors.values().map(|sensor| sensor.heard).max();
        let Some(last) = last.filter(|_| !bins.is_empty()) else { return Ok(()) };
        let nobody = (start.since(last) - MOST_QUIET).max(0);
        for (name, sensor) in &mut self.sensors {
            let is_heard = bins.contains_key(name);
            sensor.heard = if is_heard { start } else { sensor.heard.plus(nobody) };
        }
        self.let_go(start);
        for name in bins.keys() {
            let Some(sensor) = self.sensors.get(*name) else { continue };
            let (scope, group) = (Scope::Sensor((*name).clone()), sensor.group.clone());
            let has_place = self.watched(Breadth::Sensor) < self.plan.watches;
            if has_place && !self.watches.contains_key(&scope) {
                let knowledge = self.knowledge_for(group.as_deref());
                self.watch(scope, &knowledge)?;
                self.divide_promise();
            }
        }
        Ok(())
    }

    fn let_go(&mut self, now: Timestamp) {
        let before = self.sensors.len();
        self.sensors.retain(|_, sensor| now.since(sensor.heard) < LEFT_AFTER);
        if self.sensors.len() == before {
            return;
        }
        let sensors = &self.sensors;
        self.watches.retain(|scope, _| match scope {
            Scope::All => true,
            Scope::Sensor(name) => sensors.contains_key(name),
            Scope::Group(group) => {
                sensors.values().any(|sensor| sensor.group.as_ref() == Some(group))
            }
        });
        let watches = &self.watches;
        self.within.retain(|(scope, _), _| watches.contains_key(scope));
        self.divide_promise();
    }
}
