//! What open signs' visitors are recognised as: their dossiers grow with each closed bin, and their names with those.

use std::sync::Arc;

use kizashi_event::Key;

use super::{Closed, Merge};
use crate::Campaigns;
use crate::campaigns::MarksSeen;
use crate::key_series::KEYS_FROM;
use crate::open_sign::OpenSign;
use crate::shares::{Look, Looked, Readable, Seen, Which, partition_of};

impl Merge {
    /// The same with these campaigns to be recognised, from the next bin on.
    #[must_use]
    pub fn with_campaigns(mut self, campaigns: Arc<Campaigns>) -> Self {
        self.known_campaigns = campaigns.digest();
        self.campaigns = campaigns;
        self
    }

    /// Sources counted of a series, of either watch, from a bin on, ascending.
    pub(super) fn sources_of(&self, shares: &impl Readable, series: u32, since: i64) -> Vec<u32> {
        if series >= KEYS_FROM {
            return self.keys.keys.sources_since(shares, series, since);
        }
        let Some(port) = self.series.port(series) else { return Vec::new() };
        let since = since.max(self.visits.first_kept());
        let look = Look(Looked::SourcesOf { which: Which::Ports, series, since });
        let holder = partition_of(&Key::port(port), self.partitions);
        match shares.look(vec![(holder, look)]).pop().map(|found| found.0) {
            Some(Seen::Sources(sources)) => sources,
            _ => Vec::new(),
        }
    }

    /// Notes in every open sign what its visitors did in this bin.
    pub(super) fn grow_dossiers(
        &mut self,
        shares: &impl Readable,
        index: i64,
        seen: &MarksSeen,
        closed: &mut Closed,
    ) {
        let campaigns = Arc::clone(&self.campaigns);
        for at in 0..self.open.len() {
            let fresh = self.open.get(at).map(|open| self.visitors_of(shares, open, index));
            let Some(fresh) = fresh else { continue };
            let Some(open) = self.open.get_mut(at) else { continue };
            if open.sign.kind != crate::SignKind::Rise {
                continue;
            }
            let before = open.dossier.clone();
            open.dossier.add_visitors(&fresh);
            open.dossier.add(seen);
            if open.dossier != before && open.recognise(&campaigns) {
                let sign = open.sign.clone();
                let returned = self.seen_before(&sign);
                let Some(open) = self.open.get_mut(at) else { continue };
                open.sign.returned = returned.or(open.sign.returned.take());
                closed.now_is(&open.sign);
            }
        }
    }

    /// Begins the dossier of a sign that is new, with all that its visitors did since it began.
    pub(super) fn begin_dossier(&self, shares: &impl Readable, open: &mut OpenSign) {
        if open.sign.kind != crate::SignKind::Rise {
            return;
        }
        let since = self.index_of(open.sign.since);
        let visitors = self.visitors_of(shares, open, since);
        open.dossier.add_visitors(&visitors);
        for seen in self.marks.since(since) {
            open.dossier.add(seen);
        }
        open.recognise(&self.campaigns);
    }

    fn visitors_of(&self, shares: &impl Readable, open: &OpenSign, since: i64) -> Vec<u32> {
        let each = open.all_series().flat_map(|series| self.sources_of(shares, series, since));
        each.collect()
    }
}

impl OpenSign {
    /// Names the sign by what its visitors did; whether that is another name or surer than before.
    fn recognise(&mut self, campaigns: &Campaigns) -> bool {
        let recognition = campaigns.recognise(&self.dossier);
        let is_news = !recognition.ids().eq(self.sign.recognised.ids())
            || recognition.certainty != self.sign.recognised.certainty;
        self.sign.name = recognition.name();
        self.sign.recognised = recognition;
        is_news
    }
}
