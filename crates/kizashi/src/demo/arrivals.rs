//! Who arrives in ten minutes: the usual visitors of each port, those of running campaigns, and single visitors who make very
//! many events.

use std::cmp::Reverse;
use std::net::IpAddr;

use kizashi_event::Timestamp;

use super::chance::{micros, real, whole};
use super::rates::{BIN, BINS_A_DAY};
use super::seasons::Force;
use super::visits::Visit;
use super::{Traffic, Visited, visitors};

/// The most events of one visitor.
const MOST_EVENTS: u32 = 1_000_000;
/// The most events of one visitor of a campaign.
const MOST_EVENTS_IN_CAMPAIGN: u32 = 2_000;
/// Single visitors with very many events, a port and week.
const BURSTS_A_PORT_A_WEEK: f64 = 0.03;

/// A visitor who arrives, before it is drawn how much it does.
struct Stay {
    source: IpAddr,
    port: usize,
    botnet: usize,
    mean: f64,
    most: u32,
}

impl Traffic {
    /// Draws who arrives in the next bin.
    pub(super) fn open_bin(&mut self) {
        let start = self.next_bin;
        if start >= self.season_end {
            self.begin_season();
        }
        self.next_bin = start.plus(BIN);
        let is_out = self.is_out(start);
        for port in 0..self.ports.len() {
            let expected = self.ports[port].rate.step(start, &mut self.arrivals);
            let count = if is_out { 0 } else { self.arrivals.poisson(expected) };
            let Visited { traffic, botnet, .. } = &self.ports[port];
            let (mean, botnet) = (traffic.events_a_visit, *botnet);
            for _ in 0..count {
                let source = visitors::anyone(&mut self.content);
                self.arrive(start, &Stay { source, port, botnet, mean, most: MOST_EVENTS });
            }
        }
        if !is_out {
            self.open_campaigns(start);
            self.open_bursts(start);
        }
    }

    fn open_campaigns(&mut self, start: Timestamp) {
        self.running.retain(|&place| self.campaigns[place].end > start);
        for index in 0..self.running.len() {
            let place = self.running[index];
            let count = self.arrivals.poisson(self.campaigns[place].rate(start));
            self.campaigns[place].arrived += count;
            let mean = self.campaigns[place].events_a_visit;
            for _ in 0..count {
                let Force { port, botnet, swarm } = &self.forces[place];
                let source = swarm.member(&mut self.content);
                let stay = &Stay {
                    source,
                    port: *port,
                    botnet: *botnet,
                    mean,
                    most: MOST_EVENTS_IN_CAMPAIGN,
                };
                self.arrive(start, stay);
            }
        }
    }

    /// Single visitors who make very many events: what detection must not take for a campaign.
    fn open_bursts(&mut self, start: Timestamp) {
        let per_bin = real(i64::try_from(self.ports.len()).unwrap_or(0)) * BURSTS_A_PORT_A_WEEK
            / real(7 * BINS_A_DAY);
        for _ in 0..self.arrivals.poisson(per_bin * self.settings.scale) {
            let port = usize::try_from(self.arrivals.below(self.ports.len() as u64)).unwrap_or(0);
            let events = (150.0_f64.ln() + 1.2 * self.arrivals.normal()).exp().min(20_000.0);
            let bins = self.arrivals.uniform(1.0, 18.0);
            let source = visitors::anyone(&mut self.content);
            let events = u32::try_from(whole(events)).unwrap_or(1);
            let begin = self.moment_in(start);
            let until = start.plus(micros(bins * real(BIN)));
            self.admit(begin, Visit::new(source, port, self.ports[port].botnet, events, until));
        }
    }

    /// Draws how many events a visitor makes, and over how long.
    fn arrive(&mut self, bin: Timestamp, stay: &Stay) {
        let extra = whole(self.arrivals.gamma(0.35, stay.mean - 1.0));
        let events = u32::try_from(1 + extra).unwrap_or(u32::MAX).min(stay.most);
        let bins = (0.3 + self.arrivals.normal()).exp().clamp(1.0, real(BINS_A_DAY));
        let begin = self.moment_in(bin);
        let until = bin.plus(micros(bins * real(BIN)));
        self.admit(begin, Visit::new(stay.source, stay.port, stay.botnet, events, until));
    }

    fn moment_in(&mut self, bin: Timestamp) -> Timestamp {
        bin.plus(i64::try_from(self.arrivals.below(BIN.unsigned_abs())).unwrap_or(0))
    }

    fn admit(&mut self, begin: Timestamp, visit: Visit) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.visits.push(None);
            self.visits.len() - 1
        });
        self.visits[place] = Some(visit);
        self.agenda.push(Reverse((begin, place)));
    }
}
