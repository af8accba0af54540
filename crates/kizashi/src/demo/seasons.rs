//! What is planned 31 days at a time: campaigns with their botnets and machines, and the hours in which the sensor is blind.

use kizashi_event::{Port, Timestamp};

use super::Traffic;
use super::botnets::Botnet;
use super::campaigns::{self, Campaign, SEASON_DAYS, Season, Target};
use super::chance::{Chance, micros, real, whole};
use super::rates::BIN;
use super::visitors::Swarm;

/// The first ports of the list, which campaigns choose more often.
const NAMED_PORTS: usize = 9;

/// What a campaign needs while it runs.
pub(super) struct Force {
    /// The place of the port in the list of ports.
    pub(super) port: usize,
    /// The place of the botnet in the list of botnets.
    pub(super) botnet: usize,
    /// Its machines.
    pub(super) swarm: Swarm,
}

impl Traffic {
    /// Plans the campaigns and the outage of the next 31 days, or of what is left of the time.
    pub(super) fn begin_season(&mut self) {
        let start = self.season_end;
        let first = start == self.settings.start;
        let left = self.end.map_or(SEASON_DAYS, |end| end.since(start) / Timestamp::DAY);
        let days = left.clamp(1, SEASON_DAYS);
        self.season_end = start.plus(days * Timestamp::DAY);
        let mut plans = Chance::new(
            self.settings.seed,
            1_000 + start.since(self.settings.start).unsigned_abs(),
        );
        let mut planned = Vec::new();
        let mut taken: Vec<Port> =
            self.running.iter().map(|&place| self.campaigns[place].port).collect();
        if first && self.settings.story {
            planned = campaigns::story(start, self.settings.scale, |port| self.level_of(port));
        }
        taken.extend(planned.iter().map(|campaign| campaign.port));
        let wanted = if first {
            self.settings.campaigns
        } else {
            self.settings.campaigns * usize::try_from(days).unwrap_or(0) / 31
        };
        let season = Season { start, days, first, scale: self.settings.scale };
        planned.extend(campaigns::plan(
            season,
            wanted,
            &self.targets(),
            NAMED_PORTS,
            &taken,
            &mut plans,
        ));
        for campaign in planned {
            self.muster(campaign, &mut plans);
        }
        self.outage = drawn_outage(season, &mut plans);
    }

    fn level_of(&self, port: Port) -> f64 {
        self.ports
            .iter()
            .find(|visited| visited.traffic.port == port)
            .map_or(0.0, |visited| visited.rate.level())
    }

    fn targets(&self) -> Vec<Target> {
        self.ports
            .iter()
            .map(|visited| Target {
                port: visited.traffic.port,
                level: visited.rate.level(),
                events_a_visit: visited.traffic.events_a_visit,
            })
            .collect()
    }

    /// Gives a campaign its botnet and its machines; campaigns of one name share both.
    fn muster(&mut self, mut campaign: Campaign, plans: &mut Chance) {
        let Some(port) =
            self.ports.iter().position(|visited| visited.traffic.port == campaign.port)
        else {
            return;
        };
        let service = &self.ports[port].traffic.service;
        let is_story = !campaign.name.is_empty();
        if !is_story {
            campaign.name = format!("look-alike {} on {}", self.campaigns.len() + 1, campaign.port);
        }
        let kin = self.campaigns.iter().position(|other| other.name == campaign.name);
        let force = if let Some(kin) = kin {
            Force { port, botnet: self.forces[kin].botnet, swarm: self.forces[kin].swarm.clone() }
        } else {
            self.botnets.push(Botnet::campaign(service, &campaign.name, is_story, plans));
            let size = whole(campaign.expected() * 3.0).max(60);
            Force { port, botnet: self.botnets.len() - 1, swarm: Swarm::new(plans.bits(), size) }
        };
        self.running.push(self.campaigns.len());
        self.campaigns.push(campaign);
        self.forces.push(force);
    }
}

/// In three seasons of ten the sensor is blind for one to six hours.
fn drawn_outage(season: Season, chance: &mut Chance) -> Option<(Timestamp, Timestamp)> {
    if season.days < 2 || !chance.happens(0.3) {
        return None;
    }
    let from = chance.uniform(real(Timestamp::DAY), real(season.days * Timestamp::DAY));
    let length = i64::try_from(6 + chance.below(30)).unwrap_or(6) * BIN;
    let start = season.start.plus(micros(from)).floor_to(BIN);
    Some((start, start.plus(length)))
}
