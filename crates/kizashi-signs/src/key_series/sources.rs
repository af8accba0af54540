//! Sources of keys, which lie with the parts that hold these.

use std::collections::HashMap;

use kizashi_detect::gamma_poisson::{Deal, Partition};

use super::{KeySeries, kind_index};
use crate::shares::{KeyRow, Look, Looked, Readable, Seen, Which, partition_of};

impl KeySeries {
    /// The sources counted of a series from bin `since` on, as far as they are remembered. Who held a series that is watched no
    /// longer is not known any more, so that all are asked.
    pub(crate) fn sources_since(
        &self,
        shares: &impl Readable,
        series: u32,
        since: i64,
    ) -> Vec<u32> {
        let since = since.max(self.visits.first_kept());
        let holder = self.key(series).map(|key| partition_of(key, self.partitions));
        let asked = holder.map_or(0..self.partitions.max(1), |holder| holder..holder + 1);
        let look = Look(Looked::SourcesOf { which: Which::Keys, series, since });
        let found = shares.look(asked.map(|partition| (partition, look.clone())).collect());
        let of = |found| if let Seen::Sources(sources) = found { sources } else { Vec::new() };
        found.into_iter().flat_map(|found| of(found.0)).collect()
    }

    /// The sources of all rows whose keys are not watched, by row.
    pub(super) fn sources_of_unwatched(
        &self,
        shares: &impl Readable,
        keys: &[KeyRow<'_>],
    ) -> HashMap<u32, Vec<u32>> {
        let mut deal = Deal::default();
        let is_unwatched = |row: &&KeyRow<'_>| {
            kind_index(row.key.kind).is_some() && !self.place_of.contains_key(&*row.key)
        };
        for row in keys.iter().filter(is_unwatched) {
            deal.give(partition_of(&row.key, self.partitions), row.row);
        }
        let (hands, _) = deal.hands();
        let look = |(partition, rows): &(Partition, Vec<u32>)| {
            (*partition, Look(Looked::SourcesIn(Which::Keys, rows.clone())))
        };
        let found = shares.look(hands.iter().map(look).collect());
        let mut sources = HashMap::new();
        for ((_, rows), found) in hands.iter().zip(found) {
            if let Seen::Lists(lists) = found.0 {
                sources.extend(rows.iter().copied().zip(lists.each().map(<[u32]>::to_vec)));
            }
        }
        sources
    }

    pub(super) fn sources_in(&self, shares: &impl Readable, row: &KeyRow<'_>) -> Vec<u32> {
        let holder = partition_of(&row.key, self.partitions);
        let look = Look(Looked::SourcesIn(Which::Keys, vec![row.row]));
        let found = shares.look(vec![(holder, look)]).pop().map(|found| found.0);
        match found {
            Some(Seen::Lists(lists)) => lists.each().next().unwrap_or(&[]).to_vec(),
            _ => Vec::new(),
        }
    }
}
