//! The state of one partition's keys.

use kizashi_detect::gamma_poisson::{Answer as WatchAnswer, Ask as WatchAsk, Holding};
use serde::{Deserialize, Serialize};

use super::{Answer, Answered, Ask, Asked, Found, Lists, Look, Looked, Rows, Seen, Visit, Which};
use crate::visits::Visits;

/// The keys of one partition: who has been counted where in the last 24 hours, and the past of each series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    ports: Side,
    keys: Side,
}

/// Of one of the two watches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Side {
    series: Holding,
    visits: Visits,
}

impl Part {
    const fn side(&self, which: Which) -> &Side {
        match which {
            Which::Ports => &self.ports,
            Which::Keys => &self.keys,
        }
    }

    const fn side_mut(&mut self, which: Which) -> &mut Side {
        match which {
            Which::Ports => &mut self.ports,
            Which::Keys => &mut self.keys,
        }
    }

    /// Answers, with the rows of the running bin at hand.
    pub(crate) fn answer(&mut self, ask: Ask, rows: &impl Rows) -> Answer {
        Answer(match ask.0 {
            Asked::Watch(which, ask) => Answered::Watch(self.side_mut(which).watch(ask)),
            Asked::New { which, bin, visits } => {
                let of_visit = &mut self.side_mut(which).visits;
                of_visit.forget_before(Visits::first_kept(bin));
                let new = |visit: &Visit| of_visit.new_of(visit, rows.sources(which, visit.row));
                Answered::New(visits.iter().map(new).collect())
            }
            Asked::Count { which, bin, visits, rooms } => {
                let side = self.side_mut(which);
                side.visits.forget_before(Visits::first_kept(bin));
                let mut remembered = 0;
                let count = |(at, visit): (usize, &Visit)| {
                    let room = match &rooms {
                        Some(rooms) => rooms.get(at).copied().unwrap_or(0),
                        None => u64::MAX,
                    };
                    let mut left = room;
                    let sources = rows.sources(which, visit.row);
                    if let Some(first) = visit.first {
                        side.visits.count_allowed(bin, visit.series, &[first], &mut left);
                    }
                    let fresh = side.visits.count_allowed(bin, visit.series, sources, &mut left);
                    remembered += room - left;
                    fresh
                };
                let fresh = visits.iter().enumerate().map(count).collect();
                Answered::Count { fresh, remembered }
            }
        })
    }

    /// Looks something up, with the rows of the running bin at hand.
    pub(crate) fn look(&self, look: &Look, rows: &impl Rows) -> Found {
        Found(match &look.0 {
            Looked::Watch(which, look) => Seen::Watch(self.side(*which).series.look(look)),
            Looked::SourcesOf { which, series, since } => {
                Seen::Sources(self.side(*which).visits.sources_since(*series, *since))
            }
            Looked::HalfAtOnePort { sources, since } => {
                Seen::Is(self.ports.visits.one_series_has_half(sources, *since))
            }
            Looked::SourcesIn(which, of) => {
                let mut lists = Lists::default();
                of.iter().for_each(|row| lists.push(rows.sources(*which, *row)));
                Seen::Lists(lists)
            }
        })
    }
}

impl Side {
    fn watch(&mut self, ask: WatchAsk) -> WatchAnswer {
        self.series.answer(ask)
    }
}

impl Visits {
    fn new_of(&self, visit: &Visit, sources: &[u32]) -> u64 {
        let first = visit.first.map_or(0, |first| {
            let is_here = sources.binary_search(&first).is_ok();
            if is_here { 0 } else { self.fresh(visit.series, &[first]) }
        });
        u64::from(first) + u64::from(self.fresh(visit.series, sources))
    }
}
