//! Made-up traffic: what a month of visitors to a sensor looks like, with campaigns of known onset in it. `kizashi demo`
//! plays it into the real store and detection; benchmarks and tests use it as a source of events whose truth is known.
//!
//! Visitors to each port are a Poisson process with a cycle over day and week and a slow drift; each makes a heavy-tailed
//! number of events; single visitors make bursts, the sensor has outages, campaigns bring extra visitors. Events are made one
//! by one in the order of time, so that memory holds only the visitors present. The same settings give the same events.
//!
//! Nothing here names a real person or machine (see [`visitors`]) and nothing sent works (see [`words`]).

mod arrivals;
mod botnets;
mod campaigns;
mod chance;
mod credentials;
mod ports;
mod rates;
mod seasons;
#[cfg(test)]
mod tests;
mod visitors;
mod visits;
mod words;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use kizashi_event::{Event, Port, Service, SessionId, Timestamp};

use botnets::Botnet;
pub(crate) use campaigns::{Campaign, SEASON_DAYS};
use chance::{Chance, real, scrambled};
use ports::PortTraffic;
use rates::{BIN, BINS_A_DAY, Rate};
use seasons::Force;
use visits::{Frame, Visit};

/// What is to be made up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Decides everything that is left to chance.
    pub(crate) seed: u64,
    /// The first moment; brought down to a full ten minutes.
    pub(crate) start: Timestamp,
    /// After so many days no event comes; `None`: it goes on for ever.
    pub(crate) days: Option<u32>,
    /// Factor on the numbers of visitors; 1 is about 400,000 events in 31 days. Held between 0.001 and 1,000.
    pub(crate) scale: f64,
    /// Ports beside the nine of the talk; at most 10,000.
    pub(crate) tail_ports: usize,
    /// Campaigns by chance, in 31 days.
    pub(crate) campaigns: usize,
    /// Whether the campaigns of the demo's story are played too.
    pub(crate) story: bool,
}

impl Settings {
    /// 31 days with 300 ports more and fourteen campaigns: what detection is measured with.
    #[allow(dead_code, reason = "for benchmarks and tests")]
    pub(crate) const fn month(seed: u64, start: Timestamp) -> Self {
        Self {
            seed,
            start,
            days: Some(31),
            scale: 1.0,
            tail_ports: 300,
            campaigns: 14,
            story: false,
        }
    }

    /// The demo's: a month that ends at `now` and goes on after it, with its story and few other campaigns.
    pub(crate) const fn demo(seed: u64, now: Timestamp) -> Self {
        let start = now.plus(-SEASON_DAYS * Timestamp::DAY);
        Self { seed, start, days: None, scale: 1.0, tail_ports: 120, campaigns: 4, story: true }
    }
}

/// A visited port and how much comes to it.
struct Visited {
    traffic: PortTraffic,
    rate: Rate,
    botnet: usize,
}

/// Made-up events in the order of time; see the module.
pub(crate) struct Traffic {
    settings: Settings,
    sensor: Arc<str>,
    ports: Vec<Visited>,
    botnets: Vec<Botnet>,
    campaigns: Vec<Campaign>,
    forces: Vec<Force>,
    /// Places of the campaigns that are not over.
    running: Vec<usize>,
    season_end: Timestamp,
    outage: Option<(Timestamp, Timestamp)>,
    next_bin: Timestamp,
    end: Option<Timestamp>,
    visits: Vec<Option<Visit>>,
    free: Vec<usize>,
    /// The next moment of each visitor present, and its place.
    agenda: BinaryHeap<Reverse<(Timestamp, usize)>>,
    sessions: u64,
    /// How many come and for how long.
    arrivals: Chance,
    /// Who they are and what they say.
    content: Chance,
}

impl Traffic {
    /// Draws ports, botnets and the campaigns of the first season; values of `settings` out of range are brought into it.
    pub(crate) fn new(mut settings: Settings) -> Self {
        settings.start = settings.start.floor_to(BIN);
        settings.scale =
            if settings.scale.is_nan() { 1.0 } else { settings.scale.clamp(0.001, 1_000.0) };
        settings.tail_ports = settings.tail_ports.min(ports::MAX_TAIL);
        let seed = settings.seed;
        let mut levels = Chance::new(seed, 1);
        let mut content = Chance::new(seed, 2);
        let mut botnets = Botnets::default();
        let ports = visited_ports(&settings, &mut levels)
            .into_iter()
            .map(|traffic| Visited {
                rate: Rate::new(
                    traffic.month_events / traffic.events_a_visit / real(SEASON_DAYS * BINS_A_DAY),
                    &mut levels,
                ),
                botnet: botnets.noise(&traffic.service, &mut content),
                traffic,
            })
            .collect();
        let mut traffic = Self {
            sensor: Arc::from("demo"),
            ports,
            botnets: botnets.all,
            campaigns: Vec::new(),
            forces: Vec::new(),
            running: Vec::new(),
            season_end: settings.start,
            outage: None,
            next_bin: settings.start,
            end: settings.days.map(|days| settings.start.plus(i64::from(days) * Timestamp::DAY)),
            visits: Vec::new(),
            free: Vec::new(),
            agenda: BinaryHeap::new(),
            sessions: 0,
            arrivals: Chance::new(seed, 3),
            content,
            settings,
        };
        traffic.begin_season();
        traffic
    }

    /// The campaigns planned so far, whose `arrived` counts the visitors up to the event given last. Each 31 days add theirs.
    #[allow(dead_code, reason = "the truth, for benchmarks and tests")]
    pub(crate) fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// The ports visited, and the events expected in 31 days without bursts and campaigns.
    #[allow(dead_code, reason = "the truth, for benchmarks and tests")]
    pub(crate) fn ports(&self) -> impl Iterator<Item = (Port, f64)> + '_ {
        self.ports.iter().map(|visited| (visited.traffic.port, visited.traffic.month_events))
    }

    fn is_out(&self, moment: Timestamp) -> bool {
        self.outage.is_some_and(|(from, to)| (from..to).contains(&moment))
    }

    /// Lets the visitor at `place` do what it does now; `None` while the sensor sees nothing.
    fn tell(&mut self, now: Timestamp, place: usize) -> Option<Event> {
        let is_out = self.is_out(now);
        let visit = self.visits.get_mut(place)?.as_mut()?;
        let botnet = &self.botnets[visit.botnet];
        if visit.is_between_sessions() {
            self.sessions += 1;
            let session =
                SessionId(scrambled(scrambled(self.settings.seed).wrapping_add(self.sessions)));
            visit.open(session, now, botnet, &mut self.content);
        }
        let PortTraffic { port, ref service, .. } = self.ports[visit.port].traffic;
        let frame = Frame { sensor: Arc::clone(&self.sensor), port, service: service.clone() };
        let event = visit.tell(now, frame, botnet, &mut self.content);
        let next = visit.next_moment(now, &mut self.content);
        if let Some(next) = next {
            if let Some(mut first) = self.agenda.peek_mut() {
                *first = Reverse((next, place));
            }
        } else {
            self.agenda.pop();
            self.visits[place] = None;
            self.free.push(place);
        }
        (!is_out).then_some(event)
    }
}

impl Iterator for Traffic {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            let first = self.agenda.peek().map(|Reverse(entry)| *entry);
            match first {
                Some((now, place)) if now < self.next_bin => {
                    if self.end.is_some_and(|end| now >= end) {
                        return None;
                    }
                    if let Some(event) = self.tell(now, place) {
                        return Some(event);
                    }
                }
                _ if self.end.is_some_and(|end| self.next_bin >= end) => return None,
                _ => self.open_bin(),
            }
        }
    }
}

/// The botnets made so far, one of noise a service.
#[derive(Default)]
struct Botnets {
    all: Vec<Botnet>,
    noise: Vec<Service>,
}

impl Botnets {
    /// The place of the noise of this service.
    fn noise(&mut self, service: &Service, chance: &mut Chance) -> usize {
        if let Some(place) = self.noise.iter().position(|known| known == service) {
            return place;
        }
        self.noise.push(service.clone());
        self.all.push(Botnet::noise(service, chance));
        self.all.len() - 1
    }
}

/// The nine ports, the tail, and whatever the story needs beside them.
fn visited_ports(settings: &Settings, chance: &mut Chance) -> Vec<PortTraffic> {
    let mut all = ports::visited(settings.tail_ports, settings.scale, chance);
    if settings.story {
        for port in campaigns::story_ports() {
            if all.iter().all(|visited| visited.port != port) {
                all.push(ports::of_the_tail(port, settings.scale, chance));
            }
        }
    }
    all
}
