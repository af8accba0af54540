//! Campaigns of known onset: extra visitors of one botnet on one port, as a step, a ramp or a pulse. They are the truth
//! against which detection can be measured, and in the demo the story that the dashboard tells. Planned a season (31 days)
//! at a time, so that traffic can go on for ever.

use kizashi_event::{Port, Timestamp};

use super::chance::{Chance, real, whole};
use super::rates::{BIN, BINS_A_DAY};

/// Days that are planned at a time.
pub(crate) const SEASON_DAYS: i64 = 31;

/// How a campaign's strength goes over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// At full strength from the first bin on.
    Step,
    /// From a twentieth, doubling in so many bins, to full strength.
    Ramp {
        /// Bins of ten minutes in which the strength doubles.
        doubling_bins: u32,
    },
    /// Full strength for some hours.
    Pulse,
}

impl Shape {
    /// `step`, `ramp` or `pulse`.
    #[allow(dead_code, reason = "the truth, for benchmarks and tests")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Ramp { .. } => "ramp",
            Self::Pulse => "pulse",
        }
    }
}

/// One campaign, as planned and as it went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Campaign {
    /// What its botnet is called.
    pub(crate) name: String,
    /// The port.
    pub(crate) port: Port,
    /// When it starts.
    pub(crate) onset: Timestamp,
    /// When its last visitors arrive; they may stay for a while.
    pub(crate) end: Timestamp,
    /// Extra visitors an hour at full strength.
    pub(crate) delta: f64,
    /// Visitors an hour that come to the port without it.
    pub(crate) base: f64,
    /// How its strength goes.
    pub(crate) shape: Shape,
    /// Events of one of its visitors, in the mean.
    pub(crate) events_a_visit: f64,
    /// Its visitors so far: 0 before it starts.
    pub(crate) arrived: u64,
}

impl Campaign {
    /// Extra visitors expected in the bin that starts at `start`.
    pub(super) fn rate(&self, start: Timestamp) -> f64 {
        if start < self.onset || start >= self.end {
            return 0.0;
        }
        let full = self.delta * real(BIN) / real(Timestamp::HOUR);
        match self.shape {
            Shape::Step | Shape::Pulse => full,
            Shape::Ramp { doubling_bins } => {
                let bins = real(start.since(self.onset) / BIN);
                full * (0.05 * (bins / f64::from(doubling_bins.max(1))).exp2()).min(1.0)
            }
        }
    }

    /// Visitors expected from onset to end.
    pub(super) fn expected(&self) -> f64 {
        let bins = self.end.since(self.onset) / BIN;
        (0..bins).map(|bin| self.rate(self.onset.plus(bin * BIN))).sum()
    }
}

/// What is known of a port when a campaign is planned for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The port.
    pub(super) port: Port,
    /// Visitors in ten minutes without a campaign.
    pub(super) level: f64,
    /// Events of one visitor there.
    pub(super) events_a_visit: f64,
}

/// The span that campaigns are planned for and the factor on their strength.
#[derive(Clone, Copy, Debug)]
pub(super) struct Season {
    /// Its first bin.
    pub(super) start: Timestamp,
    /// Its length in days.
    pub(super) days: i64,
    /// Whether a part of the campaigns falls in its first hours: only when nothing was there before.
    pub(super) first: bool,
    /// Factor on visitors.
    pub(super) scale: f64,
}

/// Plans `wanted` campaigns, no two on one port. The first `named` targets get 35 % of them; `taken` are left alone.
pub(super) fn plan(
    season: Season,
    wanted: usize,
    targets: &[Target],
    named: usize,
    taken: &[Port],
    chance: &mut Chance,
) -> Vec<Campaign> {
    let (often, tail) = targets.split_at(named.min(targets.len()));
    let mut campaigns: Vec<Campaign> = Vec::new();
    for _ in 0..wanted {
        let free = (0..50).find_map(|_| {
            let pool = if chance.happens(0.35) { often } else { tail };
            chance.pick(pool).copied().filter(|target| {
                !taken.contains(&target.port)
                    && campaigns.iter().all(|other| other.port != target.port)
            })
        });
        if let Some(target) = free {
            campaigns.push(by_chance(season, target, chance));
        }
    }
    campaigns
}

/// One campaign with everything drawn.
fn by_chance(season: Season, target: Target, chance: &mut Chance) -> Campaign {
    /// Hours in which the early campaigns start.
    const EARLY_HOURS: f64 = 72.0;
    let bins = real(season.days * BINS_A_DAY);
    let onset_bin = if season.first && chance.happens(0.4) {
        chance.uniform(6.0, (EARLY_HOURS * 6.0).min(bins))
    } else {
        let from = if season.first { (EARLY_HOURS * 6.0).min(bins / 2.0) } else { 0.0 };
        chance.uniform(from, (bins - 2.0 * real(BINS_A_DAY)).max(from))
    };
    let ratio = chance.log_uniform(1.5, 8.0);
    let floor = chance.log_uniform(0.15, 3.0) / 6.0 * season.scale;
    let delta = (target.level * (ratio - 1.0)).max(floor) * 6.0;
    let draw = chance.unit();
    let shape = if draw < 0.4 {
        Shape::Step
    } else if draw < 0.8 {
        let doubling = whole(chance.log_uniform(18.0, 216.0));
        Shape::Ramp { doubling_bins: u32::try_from(doubling).unwrap_or(18) }
    } else {
        Shape::Pulse
    };
    let length = match shape {
        Shape::Pulse => chance.uniform(36.0, 144.0),
        Shape::Step | Shape::Ramp { .. } => {
            chance.log_uniform(real(BINS_A_DAY), real(10 * BINS_A_DAY))
        }
    };
    let own = 1.0 + (0.6 + 0.6 * chance.normal()).exp();
    let onset = season.start.plus(bins_long(onset_bin));
    Campaign {
        name: String::new(),
        port: target.port,
        onset,
        end: onset.plus(bins_long(length).max(BIN)),
        delta,
        base: target.level * 6.0,
        shape,
        events_a_visit: if chance.happens(0.5) { target.events_a_visit } else { own },
        arrived: 0,
    }
}

fn bins_long(bins: f64) -> i64 {
    i64::try_from(whole(bins)).unwrap_or(0) * BIN
}

/// A campaign of the demo's story.
struct Chapter {
    name: &'static str,
    port: Port,
    onset_hours: i64,
    hours: i64,
    an_hour: f64,
    shape: Shape,
    events_a_visit: f64,
}

/// What the demo tells: waves of the kinds that made history, one still going on when the month ends, and one that starts
/// when the month is over and time runs as it does outside.
const STORY: [Chapter; 8] = [
    chapter(
        "look-alike of Mirai",
        Port::tcp(2323),
        (20, 9 * 24),
        12.0,
        Shape::Ramp { doubling_bins: 12 },
        10.0,
    ),
    chapter(
        "look-alike of Mirai",
        Port::tcp(23),
        (20, 9 * 24),
        36.0,
        Shape::Ramp { doubling_bins: 12 },
        10.0,
    ),
    chapter(
        "look-alike of an SMB worm",
        Port::tcp(445),
        (6 * 24 + 9, 6 * 24),
        90.0,
        Shape::Step,
        3.0,
    ),
    chapter(
        "look-alike of a Redis miner",
        Port::tcp(6379),
        (11 * 24 + 17, 8 * 24),
        6.0,
        Shape::Step,
        9.0,
    ),
    chapter(
        "look-alike of a VNC guesser",
        Port::tcp(5900),
        (17 * 24 + 7, 30),
        18.0,
        Shape::Pulse,
        30.0,
    ),
    chapter(
        "look-alike of a web exploit kit",
        Port::tcp(80),
        (23 * 24 + 14, 6 * 24),
        24.0,
        Shape::Ramp { doubling_bins: 18 },
        6.0,
    ),
    chapter(
        "look-alike of an ADB miner",
        Port::tcp(5555),
        (30 * 24 + 10, 48),
        8.0,
        Shape::Step,
        5.0,
    ),
    chapter(
        "look-alike of an MSSQL guesser",
        Port::tcp(1433),
        (31 * 24, 48),
        60.0,
        Shape::Step,
        12.0,
    ),
];

const fn chapter(
    name: &'static str,
    port: Port,
    (onset_hours, hours): (i64, i64),
    an_hour: f64,
    shape: Shape,
    events_a_visit: f64,
) -> Chapter {
    Chapter { name, port, onset_hours, hours, an_hour, shape, events_a_visit }
}

/// The ports of the story, which must be among those visited.
pub(super) fn story_ports() -> impl Iterator<Item = Port> {
    STORY.iter().map(|chapter| chapter.port)
}

/// The story, from the first bin on. `level` gives the visitors in ten minutes of a port.
pub(super) fn story(start: Timestamp, scale: f64, level: impl Fn(Port) -> f64) -> Vec<Campaign> {
    STORY
        .iter()
        .map(|chapter| {
            let onset = start.plus(chapter.onset_hours * Timestamp::HOUR);
            Campaign {
                name: chapter.name.to_owned(),
                port: chapter.port,
                onset,
                end: onset.plus(chapter.hours * Timestamp::HOUR),
                delta: chapter.an_hour * scale,
                base: level(chapter.port) * 6.0,
                shape: chapter.shape,
                events_a_visit: chapter.events_a_visit,
                arrived: 0,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Vec<Target> {
        (1..=60)
            .map(|number| Target { port: Port::tcp(number), level: 0.05, events_a_visit: 3.0 })
            .collect()
    }

    fn season(first: bool) -> Season {
        Season { start: Timestamp::from_seconds(1_504_137_600), days: 31, first, scale: 1.0 }
    }

    #[test]
    fn no_port_has_two_campaigns_in_a_season_and_all_start_inside_it() {
        let taken = [Port::tcp(1), Port::tcp(30)];
        for seed in 0..40 {
            let season = season(seed % 2 == 0);
            let planned = plan(season, 14, &targets(), 9, &taken, &mut Chance::new(seed, 1));
            let mut ports: Vec<Port> = planned.iter().map(|campaign| campaign.port).collect();
            ports.sort_unstable();
            ports.dedup();
            assert_eq!(ports.len(), planned.len());
            assert!(ports.iter().all(|port| !taken.contains(port)));
            assert!(planned.len() >= 12);
            for campaign in &planned {
                let day = campaign.onset.since(season.start) / Timestamp::DAY;
                assert!((0..29).contains(&day) && campaign.end > campaign.onset, "{campaign:?}");
                assert!(campaign.delta >= 0.15 && campaign.delta >= campaign.base * 0.49);
            }
        }
    }

    #[test]
    fn about_two_in_five_campaigns_of_the_first_month_start_in_its_first_three_days() {
        let (mut early, mut all) = (0, 0);
        for seed in 0..300 {
            for campaign in plan(season(true), 14, &targets(), 9, &[], &mut Chance::new(seed, 1)) {
                all += 1;
                early += i32::from(campaign.onset.since(season(true).start) < 3 * Timestamp::DAY);
            }
        }
        let share = f64::from(early) / f64::from(all);
        assert!((0.37..0.43).contains(&share), "{share}");
    }

    #[test]
    fn a_ramp_begins_at_a_twentieth_and_ends_at_full_strength() {
        let start = season(true).start;
        let story = story(start, 1.0, |_| 0.1);
        let ramp = story.iter().find(|campaign| campaign.port == Port::tcp(2323)).unwrap();
        assert!((ramp.rate(ramp.onset) * 6.0 - 12.0 * 0.05).abs() < 1e-9);
        assert!((ramp.rate(ramp.end.plus(-1)) * 6.0 - 12.0).abs() < 1e-9);
        assert!(ramp.rate(ramp.onset.plus(-1)) + ramp.rate(ramp.end) < 1e-9);
        assert!(ramp.expected() > 12.0 * 7.0 * 24.0 && ramp.expected() < 12.0 * 9.0 * 24.0);
    }
}
