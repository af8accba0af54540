//! Which of many series fell silent: the fall that matters to whoever watches them, for a port that nobody reaches any more looks
//! like a port that nobody attacks.
//!
//! Time goes in ticks, in each of which a series is active or not. A series is watched when it was active in at least
//! [`Settings::least_active`] ticks on each of its last days (3 to 7 of 144 ticks, [`Settings::least_days`] at least). With m the
//! fewest active ticks of these D days, p = m/144 is what its worst day makes one expect, and
//!
//! ```text
//! a = min(D m, κ),  b = a (1 − p)/p + 1/2                          the experience, worth κ active ticks at most
//! P_j = Π over i < j of (b + i)/(a + b + i)                        the chance of j silent ticks, p ~ Beta(a, b)
//! M   = Σ over j ≤ g of 1/P_j                                      after g silent ticks
//! ```
//!
//! **Why it keeps its promise.** 1{silent}/P_j is an e-value of the ticks since a start j ticks ago: its expectation is at most 1
//! when p is drawn from Beta(a, b) or is larger. M sums it over all starts in the silence (those before it are 0), a
//! Shiryaev-Roberts sum with E\[M_t\] ≤ t, so that telling at M ≥ (ticks a false alarm) × (series watched) is wrong no more often
//! than asked. Activity is a yes or no a tick: clumps of sources within a tick change nothing, and one source that goes on
//! knocking keeps a series alive.
//!
//! **What the Beta does not know** are rhythms: a silence at night says nothing when every night has one. So the worst day of a
//! week stands for all (a week has its weekend in it, and a wave of some days does not raise it), κ bounds what is believed of it, and
//! besides a silence is told only when it is half as long again as the longest of the last one to two weeks. Both can only make
//! it tell less. What is left is measured (`kizashi-bench nulls`).

use serde::{Deserialize, Serialize};

/// Ticks in one day.
pub const TICKS_A_DAY: u32 = 144;
/// Days that are looked back.
const DAYS: usize = 7;
/// A silence is told only when it is so many times the longest before.
const LONGER: f64 = 1.5;
/// Ticks that a silence needs at least.
const LEAST_SILENCE: u32 = 3;
/// Ticks after which a silence is the usual state, told or not: 14 days.
pub const LONGEST_SILENCE: u32 = 14 * TICKS_A_DAY;
/// Series at most.
pub const MOST_SERIES: usize = 1 << 20;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Ticks between two false alarms over all series; at least 1.
    pub ticks_a_false_alarm: f64,
    /// Days of history that a series needs: 1 to 7.
    pub least_days: u8,
    /// Active ticks that it needs on each of them: 1 to 144.
    pub least_active: u8,
    /// κ: active ticks that experience is worth at most; 0.001 to 100.
    pub experience: f64,
}

/// A parameter was outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "silence needs at least 1 tick a false alarm, 1 to 7 days, 1 to 144 active ticks and an experience of 0.001 to 100"
)]
pub struct SettingsError;

/// The silence of one series, with the names of the module's formula.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Which series, as the caller numbers them.
    pub series: u32,
    /// g: silent ticks so far.
    pub ticks: u32,
    /// The longest silence of the one to two weeks before, in ticks.
    pub longest_before: u32,
    /// p: active ticks over all, on its worst day.
    pub activity: f64,
    /// a.
    pub alpha: f64,
    /// b.
    pub beta: f64,
    /// log of P_g.
    pub log_chance: f64,
    /// log M.
    pub log_m: f64,
    /// Series among which chance may choose.
    pub watched: u32,
    /// log of the M that is enough: ticks a false alarm, times `watched`.
    pub log_threshold: f64,
}

impl Silence {
    /// By chance at most once in so many ticks over all series, where all silences have `share` of the promise.
    #[must_use]
    pub fn ticks_by_chance(&self, share: f64) -> f64 {
        (self.log_m - f64::from(self.watched.max(1)).ln()).exp() * share
    }
}

/// What a tick told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticked {
    /// Series that fell silent.
    pub silent: Vec<Silence>,
    /// Series told as silent that are active again.
    pub back: Vec<u32>,
}

/// Watches series for silence: about 60 bytes each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silences {
    settings: Settings,
    /// Ticks so far.
    now: u32,
    pulses: Vec<Pulse>,
}

/// The state of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pulse {
    known: bool,
    /// The tick of its first activity and of its last.
    first: u32,
    last: u32,
    /// Active ticks on the running day and those before, the latest first.
    days: [u8; DAYS + 1],
    /// The fewest of the complete days; 0 where they are too few.
    least: u8,
    /// How many complete days `least` is of.
    complete: u8,
    /// The longest silence that ended in the running week and in the one before.
    longest: [u32; 2],
    running: Option<Running>,
    told: bool,
}

/// A silence that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Running {
    alpha: f64,
    beta: f64,
    activity: f64,
    /// 1/P.
    inverse_chance: f64,
    m: f64,
}

impl Silences {
    /// A watch that has seen nothing.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let Settings { ticks_a_false_alarm, least_days, least_active, experience } = settings;
        let fits = (1.0..=1e12).contains(&ticks_a_false_alarm)
            && (1..=DAYS).contains(&usize::from(least_days))
            && (1..=144).contains(&least_active)
            && (1e-3..=100.0).contains(&experience);
        if fits { Ok(Self { settings, now: 0, pulses: Vec::new() }) } else { Err(SettingsError) }
    }

    /// Takes a tick in which these series were active and the others were not. A series is a number below [`MOST_SERIES`], best
    /// from 0 on without gaps; larger ones are left out.
    pub fn tick(&mut self, active: &[u32]) -> Ticked {
        let (now, mut ticked) = (self.now, Ticked::default());
        if now.is_multiple_of(TICKS_A_DAY) {
            let is_week = now.is_multiple_of(DAYS as u32 * TICKS_A_DAY);
            self.pulses.iter_mut().for_each(|pulse| pulse.end_day(now, is_week, self.settings));
        }
        for &series in active.iter().filter(|series| (**series as usize) < MOST_SERIES) {
            if series as usize >= self.pulses.len() {
                self.pulses.resize(series as usize + 1, Pulse::default());
            }
            if self.pulses[series as usize].hear(now) {
                ticked.back.push(series);
            }
        }
        let watched = self.watched();
        let log_threshold = (self.settings.ticks_a_false_alarm * f64::from(watched.max(1))).ln();
        for (pulse, series) in self.pulses.iter_mut().zip(0_u32..) {
            if !pulse.known || pulse.last == now {
                continue;
            }
            pulse.pass(now, self.settings);
            let silence = pulse.silence(series, now, watched, log_threshold);
            if let Some(silence) = silence.filter(|silence| !pulse.told && is_told(silence)) {
                pulse.told = true;
                // What was told costs nothing more, however long it lasts.
                pulse.running = None;
                ticked.silent.push(silence);
            }
        }
        self.now = now.saturating_add(1);
        ticked
    }

    /// Whether no series can be told as silent before one is active again: ticks of nothing may then be leapt over by
    /// [`Self::leap`].
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let can_tell = |pulse: &Pulse| {
            let may_begin = pulse.last.saturating_add(1) >= self.now;
            pulse.known && !pulse.told && (pulse.running.is_some() || may_begin)
        };
        !self.pulses.iter().any(can_tell)
    }

    /// Takes so many ticks in which nothing was active, of a watch that [`Self::is_settled`].
    pub fn leap(&mut self, ticks: u32) {
        let before = self.now;
        self.now = self.now.saturating_add(ticks);
        let day = |tick: u32| tick.div_ceil(TICKS_A_DAY);
        let days = day(self.now).saturating_sub(day(before)).min(3 * DAYS as u32);
        for passed in 0..days {
            let end = (day(self.now) - days + passed).saturating_mul(TICKS_A_DAY);
            let is_week = end.is_multiple_of(DAYS as u32 * TICKS_A_DAY);
            self.pulses.iter_mut().for_each(|pulse| pulse.end_day(end, is_week, self.settings));
        }
    }

    /// The silence of a series now, as long as it is not told; `None` where it is active or not watched.
    #[must_use]
    pub fn silence(&self, series: u32) -> Option<Silence> {
        let watched = self.watched();
        let log_threshold = (self.settings.ticks_a_false_alarm * f64::from(watched.max(1))).ln();
        let pulse = self.pulses.get(series as usize)?;
        pulse.silence(series, self.now.checked_sub(1)?, watched, log_threshold)
    }

    /// Series that are watched: active enough on each of their last days.
    #[must_use]
    pub fn watched(&self) -> u32 {
        let watched = self.pulses.iter().filter(|pulse| pulse.least > 0 || pulse.running.is_some());
        u32::try_from(watched.count()).unwrap_or(u32::MAX)
    }
}

/// Whether a silence is beyond chance, and beyond what was usual.
fn is_told(silence: &Silence) -> bool {
    silence.ticks >= LEAST_SILENCE
        && silence.log_m >= silence.log_threshold
        && f64::from(silence.ticks) >= LONGER * f64::from(silence.longest_before)
}

impl Pulse {
    /// Active in tick `now`; whether it had been told as silent.
    fn hear(&mut self, now: u32) -> bool {
        if self.known && self.last == now {
            return false;
        }
        if !self.known {
            *self = Self { known: true, first: now, last: now, ..Self::default() };
        }
        let silent = now.saturating_sub(self.last).saturating_sub(1);
        self.longest[0] = self.longest[0].max(silent);
        self.days[0] = self.days[0].saturating_add(1);
        self.last = now;
        self.running = None;
        std::mem::replace(&mut self.told, false)
    }

    /// Not active in tick `now`.
    fn pass(&mut self, now: u32, settings: Settings) {
        if self.running.is_none() && self.last.saturating_add(1) == now && self.least > 0 {
            let activity = f64::from(self.least) / f64::from(TICKS_A_DAY);
            let counted = f64::from(self.complete) * f64::from(self.least);
            let alpha = counted.min(settings.experience);
            let beta = alpha * (1.0 - activity) / activity + 0.5;
            self.running = Some(Running { alpha, beta, activity, inverse_chance: 1.0, m: 0.0 });
        }
        let silent = now.saturating_sub(self.last);
        if silent > LONGEST_SILENCE {
            self.running = None;
        }
        if let Some(running) = &mut self.running {
            let before = running.beta + f64::from(silent - 1);
            running.inverse_chance *= (running.alpha + before) / before;
            running.m += running.inverse_chance;
        }
    }

    fn silence(&self, series: u32, now: u32, watched: u32, log_threshold: f64) -> Option<Silence> {
        let running = self.running?;
        Some(Silence {
            series,
            ticks: now.saturating_sub(self.last),
            longest_before: self.longest[0].max(self.longest[1]),
            activity: running.activity,
            alpha: running.alpha,
            beta: running.beta,
            log_chance: -running.inverse_chance.ln(),
            log_m: running.m.max(1.0).ln(),
            watched,
            log_threshold,
        })
    }

    /// A day is over with the tick before `now`.
    fn end_day(&mut self, now: u32, is_week: bool, settings: Settings) {
        if !self.known {
            return;
        }
        let since_first = now.saturating_sub(self.first) / TICKS_A_DAY;
        let complete = (since_first as usize).min(DAYS);
        self.days.rotate_right(1);
        self.days[0] = 0;
        let least = self.days[1..=complete].iter().copied().min().unwrap_or(0);
        let is_enough = complete >= usize::from(settings.least_days) && least >= settings.least_active;
        self.least = if is_enough { least } else { 0 };
        self.complete = complete as u8;
        if is_week {
            self.longest = [0, self.longest[0]];
        }
    }
}
