//! Keeping house in small rounds. Whatever is let go, settled or ranked shares the writer's thread with the events that come: a round
//! takes at most so many rows and so much time, ends in a commit, and the events that wait are written before the next begins.
//!
//! Where it stopped stands in the database, for what is done is gone from where it was looked for; so a restart, or a kill between two
//! rounds, goes on from there. What is remembered between rounds (`Maintenance`) only spares looking again.

use std::time::{Duration, Instant};

use kizashi_event::Timestamp;

use super::Store;
use super::keys::{AgedKeys, IdleSources};
use super::leaders::Ranking;
use super::ledger::Ledger;
use super::retention::{Cleared, Counts, GivenBack};
use crate::StoreError;

/// How long a round may take: events wait as long at most, and once more as long as one step of it.
const LONGEST_ROUND: Duration = Duration::from_millis(40);
/// Rows that a round lets go, moves or looks at, at most: what it holds in memory is bounded on a fast machine too.
const MOST_ROWS: u32 = 16_384;
/// Rows of one step: between two the clock is looked at.
pub(super) const STEP: u32 = 512;

/// How much one round may still do.
pub(super) struct Round {
    until: Instant,
    rows: u32,
}

impl Round {
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + LONGEST_ROUND, rows: MOST_ROWS }
    }

    /// A part of it: it ends with so many rows, or with the round's time.
    pub(super) fn part(&self, rows: u32) -> Self {
        Self { until: self.until, rows: rows.min(self.rows) }
    }

    /// Notes that a step took so many rows.
    pub(super) const fn took(&mut self, rows: usize) {
        #[allow(clippy::cast_possible_truncation, reason = "a step is bounded")]
        let rows = if rows > MOST_ROWS as usize { MOST_ROWS } else { rows as u32 };
        self.rows = self.rows.saturating_sub(rows);
    }

    /// Whether there is neither time nor room for another step.
    pub(super) fn is_over(&self) -> bool {
        self.rows == 0 || Instant::now() >= self.until
    }
}

/// What is done next. Each is over before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    SettleDays,
    OldEvents,
    IdleSources,
    ShortOfRoom,
    Payloads,
    Counts,
    AgedKeys,
    GiveBack,
    Leaders,
    Done,
}

impl Stage {
    const fn next(self, only_for_room: bool) -> Self {
        match self {
            Self::ShortOfRoom if only_for_room => Self::GiveBack,
            Self::GiveBack if only_for_room => Self::Done,
            Self::SettleDays => Self::OldEvents,
            Self::OldEvents => Self::IdleSources,
            Self::IdleSources => Self::ShortOfRoom,
            Self::ShortOfRoom => Self::Payloads,
            Self::Payloads => Self::Counts,
            Self::Counts => Self::AgedKeys,
            Self::AgedKeys => Self::GiveBack,
            Self::GiveBack => Self::Leaders,
            Self::Leaders | Self::Done => Self::Done,
        }
    }
}

/// One going over of the store: what is over is settled, what is old or too much is let go. It is done in rounds
/// ([`Store::go_on_maintaining`]).
#[derive(Debug)]
pub struct Maintenance {
    now: Timestamp,
    stage: Stage,
    only_for_room: bool,
    cleared: Cleared,
    rounds: u64,
    idle_sources: IdleSources,
    counts: Counts,
    aged_keys: AgedKeys,
    given_back: GivenBack,
    ranking: Ranking,
}

impl Maintenance {
    /// What is to be done at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            stage: Stage::SettleDays,
            only_for_room: false,
            cleared: Cleared::default(),
            rounds: 0,
            idle_sources: IdleSources::default(),
            counts: Counts::default(),
            aged_keys: AgedKeys::default(),
            given_back: GivenBack::default(),
            ranking: Ranking::default(),
        }
    }

    /// What is to be done where room is short ([`Store::is_short_of_room`]), and nothing else: cheap enough for every few seconds.
    #[must_use]
    pub fn for_room(now: Timestamp) -> Self {
        Self {
            stage: Stage::ShortOfRoom,
            only_for_room: true,
            given_back: GivenBack::none_unhurried(),
            ..Self::new(now)
        }
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// What went so far.
    #[must_use]
    pub const fn cleared(&self) -> Cleared {
        self.cleared
    }

    /// Rounds so far.
    #[must_use]
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }
}

impl Store {
    /// Lets old events go and turns days that are over into sketches, in as many rounds as it takes; events are written between them.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn maintain(&self, now: Timestamp) -> Result<Cleared, StoreError> {
        let mut maintenance = Maintenance::new(now);
        while !maintenance.is_done() {
            maintenance = self.round(maintenance)?;
        }
        Ok(maintenance.cleared())
    }

    /// Goes on with it for about so long, in rounds between which events are written: at least one.
    ///
    /// # Errors
    /// When the database cannot be written. What was done is done; begin anew later.
    pub fn go_on_maintaining(
        &self,
        mut maintenance: Maintenance,
        spell: Duration,
    ) -> Result<Maintenance, StoreError> {
        let until = Instant::now() + spell;
        loop {
            maintenance = self.round(maintenance)?;
            if maintenance.is_done() || Instant::now() >= until {
                return Ok(maintenance);
            }
        }
    }

    /// Whether raw events should go at once: more room is taken than may be, or there are more sources than are kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_short_of_room(&self) -> Result<bool, StoreError> {
        self.ask(|ledger| ledger.is_short())
    }

    fn round(&self, mut maintenance: Maintenance) -> Result<Maintenance, StoreError> {
        self.ask(move |ledger| {
            ledger.round_of(&mut maintenance, Round::new())?;
            Ok(maintenance)
        })
    }
}

impl Ledger {
    /// One round: of as many stages as there is time for.
    fn round_of(
        &mut self,
        maintenance: &mut Maintenance,
        mut round: Round,
    ) -> Result<(), StoreError> {
        maintenance.rounds += 1;
        while maintenance.stage != Stage::Done {
            if self.go_on(maintenance, &mut round)? {
                maintenance.stage = maintenance.stage.next(maintenance.only_for_room);
            }
            if round.is_over() {
                break;
            }
        }
        Ok(())
    }

    /// Goes on with the stage that is next; whether it is over.
    fn go_on(
        &mut self,
        maintenance: &mut Maintenance,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let Maintenance { now, cleared, .. } = maintenance;
        let now = *now;
        match maintenance.stage {
            Stage::SettleDays => self.settle_days(now, round),
            Stage::OldEvents => self.clear_old_events(now, cleared, round),
            Stage::IdleSources => {
                self.clear_idle_sources(&mut maintenance.idle_sources, cleared, round)
            }
            Stage::ShortOfRoom => self.make_room(cleared, round),
            Stage::Payloads => self.clear_payloads(cleared, round),
            Stage::Counts => self.clear_counts(now, &mut maintenance.counts, round),
            Stage::AgedKeys => {
                self.clear_aged_keys(now, &mut maintenance.aged_keys, cleared, round)
            }
            Stage::GiveBack => self.give_back(&mut maintenance.given_back, round),
            Stage::Leaders => self.keep_leaders(now, &mut maintenance.ranking, round),
            Stage::Done => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests;
