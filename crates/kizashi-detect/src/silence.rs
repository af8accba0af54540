//! Which of many series fell silent: the fall that matters to whoever watches them, for a port that nobody reaches any more looks
//! like a port that nobody attacks.
//!
//! Time goes in ticks of ten minutes, in each of which a series is active or not. For each quarter q of the day (6 hours, 36 ticks)
//! p_q is the smallest share of its ticks in which the series was active, over the last 7 days, and
//!
//! ```text
//! λ_q = −log(1 − p_q)                     active ticks that its worst day makes one expect a tick, at most log 72
//! a   = min(active ticks of those days, κ)                          what experience is worth
//! E_g = Σ of λ over the g silent ticks so far
//! P_g = (1 + E_g/a)^−a                    the chance of g silent ticks at a rate G λ, G ~ Gamma(a, a)
//! ```
//!
//! A silence is told when 1/P_g ≥ (ticks a false alarm) × (series watched). A series is watched when its quarters' smallest shares
//! make [`Settings::least_active`] active ticks a day or more, over [`Settings::least_days`] days at least.
//!
//! **Why it keeps its promise.** A silence of one series begins at most once a tick, and when it begins the chance that it lasts until it
//! is told is P_g at most, by the model. So a tick brings at most Σ over the series watched of 1/((ticks a false alarm) × (series
//! watched)) false alarms. Activity is a yes or no a tick: clumps of sources within one change nothing, and one source that goes on
//! knocking keeps a series alive.
//!
//! **What the model does not know.** Rhythms: a silence at night says nothing when every night has one, and a weekend is no workday.
//! So each quarter of the day is judged by itself, by the worst of a week (which a wave of some days does not raise either); κ
//! bounds what is believed of it; and a silence is told only when it is half as long again as the longest of the last one to two weeks.
//! All three can only make it tell less. What is left is measured on nulls with nights of nothing, empty weekends, drifts and
//! outages (`kizashi-bench nulls`).
//!
//! ```
//! use kizashi_detect::silence::{Settings, Silences};
//!
//! let settings = Settings { ticks_a_false_alarm: 1_008.0, ..Settings::default() };
//! let mut silences = Silences::new(settings)?;
//! for _ in 0..7 * 144 {
//!     assert!(silences.tick(&[0, 1]).silent.is_empty());
//! }
//! let told = (1..144).find(|_| !silences.tick(&[1]).silent.is_empty());
//! assert!(told.is_some_and(|ticks| ticks < 36));
//! # Ok::<(), kizashi_detect::silence::SettingsError>(())
//! ```

use serde::{Deserialize, Serialize};

/// Ticks in one day.
pub const TICKS_A_DAY: u32 = 144;
/// Quarters of a day, and ticks in one.
const QUARTERS: usize = 4;
const QUARTER: u32 = TICKS_A_DAY / 4;
/// Days that are looked back.
const DAYS: usize = 7;
/// Ticks that were listened to, without which a quarter of a day says nothing.
const LEAST_HEARD: u8 = 18;
/// An activity that was never missing is still taken for this little less than certain: half a tick of a quarter.
const MOST_ACTIVE: f64 = 1.0 - 0.5 / 36.0;
/// A quarter of a day that is not to be learned from.
const UNKNOWN: u8 = u8::MAX;
/// A silence is told only when it is so many times the longest before.
const LONGER: f64 = 1.5;
/// Ticks that a silence needs at least.
const LEAST_SILENCE: u32 = 3;
/// Ticks after which a silence is the usual state, told or not: 14 days.
pub const LONGEST_SILENCE: u32 = 14 * TICKS_A_DAY;
/// Days after which everything that a silence leaves behind is forgotten.
const FORGETFUL: u32 = 21;
/// Series at most.
pub const MOST_SERIES: usize = 1 << 20;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Ticks between two false alarms over all series: 1 to 10^12.
    pub ticks_a_false_alarm: f64,
    /// Days of history that a series needs: 1 to 7.
    pub least_days: u8,
    /// Active ticks a day that a series needs, each quarter of the day at its worst: 1 to 144.
    pub least_active: u8,
    /// κ: active ticks that experience is worth at most, 0.001 to 100.
    pub experience: f64,
    /// Ticks after a series was told in which it is not told again.
    pub hold: u32,
}

impl Default for Settings {
    /// As Kizashi watches ports, one false alarm a week.
    fn default() -> Self {
        Self {
            ticks_a_false_alarm: 7.0 * f64::from(TICKS_A_DAY),
            least_days: 3,
            least_active: 6,
            experience: 6.0,
            hold: 7 * TICKS_A_DAY,
        }
    }
}

/// A parameter was outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "silence needs 1 to 10^12 ticks a false alarm, 1 to 7 days, 1 to 144 active ticks and an experience of 0.001 to 100"
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
    /// E_g: active ticks that the worst days before make one expect in that time.
    pub expected: f64,
    /// a.
    pub experience: f64,
    /// log of P_g.
    pub log_chance: f64,
    /// Series among which chance may choose.
    pub watched: u32,
    /// The −log P_g that is enough: log of (ticks a false alarm, times `watched`).
    pub log_threshold: f64,
}

impl Silence {
    /// By chance at most once in so many ticks over everything watched, where all silences have `share` of the promise.
    #[must_use]
    pub fn ticks_by_chance(&self, share: f64) -> f64 {
        (-self.log_chance - f64::from(self.watched.max(1)).ln()).exp() * share
    }

    /// Whether it is beyond chance, and beyond what was usual.
    fn is_told(&self) -> bool {
        self.ticks >= LEAST_SILENCE
            && -self.log_chance >= self.log_threshold
            && f64::from(self.ticks) >= LONGER * f64::from(self.longest_before)
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

/// Watches series for silence: about 120 bytes each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silences {
    settings: Settings,
    /// Watches that have the promise together.
    watches: u32,
    /// Ticks so far.
    now: u32,
    /// Ticks listened to, by day and quarter, the running day first.
    heard: Counts,
    pulses: Vec<Pulse>,
}

/// By day, the running one first, and by quarter of the day.
type Counts = [[u8; QUARTERS]; DAYS + 1];

/// The state of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pulse {
    known: bool,
    /// The tick of its first activity and of its last.
    first: u32,
    last: u32,
    active: Counts,
    /// λ of each quarter of the day; 0 where nothing is to be expected.
    rates: [f32; QUARTERS],
    /// a; 0 where it is not watched.
    experience: f64,
    /// The longest silence that ended in the running week and in the one before.
    longest: [u32; 2],
    /// Silent ticks that were listened to since the last activity.
    silent: u32,
    /// The silence that goes on and may be told.
    running: Option<Running>,
    told: bool,
    held_until: u32,
}

/// A silence that goes on, with what was to be expected when it began: itself must not lower that.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Running {
    rates: [f32; QUARTERS],
    experience: f64,
    /// E.
    expected: f64,
}

impl Silences {
    /// A watch that has seen nothing.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let Settings { ticks_a_false_alarm, least_days, least_active, experience, .. } = settings;
        let fits = (1.0..=1e12).contains(&ticks_a_false_alarm)
            && (1..=DAYS).contains(&usize::from(least_days))
            && (1..=144).contains(&least_active)
            && (1e-3..=100.0).contains(&experience);
        if !fits {
            return Err(SettingsError);
        }
        Ok(Self { settings, watches: 1, now: 0, heard: Counts::default(), pulses: Vec::new() })
    }

    /// Says that so many such watches, this one among them, have the promise together, each an equal part of it.
    pub const fn promise_over(&mut self, watches: u32) {
        self.watches = if watches == 0 { 1 } else { watches };
    }

    /// Changes how many ticks lie between two false alarms, from the next tick on; nothing that was learned is lost.
    ///
    /// # Errors
    /// When it is outside its range; nothing changes then.
    pub fn promise(&mut self, ticks_a_false_alarm: f64) -> Result<(), SettingsError> {
        if !(1.0..=1e12).contains(&ticks_a_false_alarm) {
            return Err(SettingsError);
        }
        self.settings.ticks_a_false_alarm = ticks_a_false_alarm;
        Ok(())
    }

    /// Takes a tick in which these series were active and the others were not. A series is a number below [`MOST_SERIES`], best
    /// from 0 on without gaps; larger ones are left out.
    pub fn tick(&mut self, active: &[u32]) -> Ticked {
        let (now, mut ticked) = (self.now, Ticked::default());
        self.begin(now);
        let quarter = quarter_of(now);
        let heard = &mut self.heard[0][quarter];
        *heard = heard.saturating_add(1);
        for &series in active.iter().filter(|series| (**series as usize) < MOST_SERIES) {
            if series as usize >= self.pulses.len() {
                self.pulses.resize(series as usize + 1, Pulse::default());
            }
            if self.pulses[series as usize].hear(now) {
                ticked.back.push(series);
            }
        }
        let watched = self.watched();
        let log_threshold = self.log_threshold(watched);
        for (pulse, series) in self.pulses.iter_mut().zip(0_u32..) {
            if !pulse.known || pulse.told || pulse.last == now || pulse.silent >= LONGEST_SILENCE {
                continue;
            }
            pulse.pass(quarter);
            let Some(silence) = pulse.silence(series, watched, log_threshold) else { continue };
            if silence.is_told() && now >= pulse.held_until {
                pulse.told = true;
                pulse.running = None;
                pulse.held_until = now.saturating_add(self.settings.hold);
                ticked.silent.push(silence);
            }
        }
        self.now = now.saturating_add(1);
        ticked
    }

    /// Lets so many ticks pass in which nobody listened: they say nothing of any series.
    pub fn pass(&mut self, ticks: u32) {
        let (before, after) = (self.now, self.now.saturating_add(ticks));
        // A day begins with its first tick, so that days are counted up to the one that the next tick belongs to.
        let (first, end) = (before.div_ceil(TICKS_A_DAY), after.div_ceil(TICKS_A_DAY));
        for day in first.max(end.saturating_sub(FORGETFUL))..end {
            self.begin(day.saturating_mul(TICKS_A_DAY));
        }
        self.now = after;
    }

    /// Whether no series can be told as silent before one is active again: ticks of nothing may then be leapt over.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_over = |pulse: &Pulse| pulse.told || pulse.silent >= LONGEST_SILENCE;
        self.pulses.iter().filter(|pulse| pulse.known).all(is_over)
    }

    /// Takes so many ticks in which nothing was active, of a watch that [`Self::is_settled`]: what [`Self::tick`] would do one by
    /// one, however many.
    pub fn leap(&mut self, ticks: u32) {
        let one_by_one = ticks.min(FORGETFUL * TICKS_A_DAY);
        self.now = self.now.saturating_add(ticks - one_by_one);
        for _ in 0..one_by_one {
            self.tick(&[]);
        }
    }

    /// The silence of a series now, as long as it is not told; `None` where it is active or not watched.
    #[must_use]
    pub fn silence(&self, series: u32) -> Option<Silence> {
        let watched = self.watched();
        self.pulses.get(series as usize)?.silence(series, watched, self.log_threshold(watched))
    }

    /// Series that are watched.
    #[must_use]
    pub fn watched(&self) -> u32 {
        let watched =
            |pulse: &&Pulse| !pulse.told && (pulse.experience > 0.0 || pulse.running.is_some());
        u32::try_from(self.pulses.iter().filter(watched).count()).unwrap_or(u32::MAX)
    }

    fn log_threshold(&self, watched: u32) -> f64 {
        (self.settings.ticks_a_false_alarm * f64::from(watched.max(1)) * f64::from(self.watches))
            .ln()
    }

    /// Begins the day whose first tick is `now`, when it is one.
    fn begin(&mut self, now: u32) {
        if !now.is_multiple_of(TICKS_A_DAY) {
            return;
        }
        self.heard.rotate_right(1);
        self.heard[0] = [0; QUARTERS];
        let is_week = now.is_multiple_of(DAYS as u32 * TICKS_A_DAY);
        for pulse in self.pulses.iter_mut().filter(|pulse| pulse.known) {
            pulse.begin_day(now, &self.heard, self.settings);
            if is_week {
                pulse.longest = [0, pulse.longest[0]];
            }
        }
    }
}

fn quarter_of(tick: u32) -> usize {
    (tick % TICKS_A_DAY / QUARTER) as usize
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
        if self.told {
            self.forget_since(self.last, now);
        } else {
            self.longest[0] = self.longest[0].max(self.silent);
        }
        let active = &mut self.active[0][quarter_of(now)];
        *active = active.saturating_add(1);
        self.last = now;
        self.silent = 0;
        self.running = None;
        std::mem::replace(&mut self.told, false)
    }

    /// What was no usual state teaches nothing.
    fn forget_since(&mut self, last: u32, now: u32) {
        let today = now / TICKS_A_DAY;
        for quarter in last / QUARTER..=now / QUARTER {
            let back = (today - quarter / QUARTERS as u32) as usize;
            if let Some(day) = self.active.get_mut(back) {
                day[quarter as usize % QUARTERS] = UNKNOWN;
            }
        }
    }

    /// Not active in a tick of this quarter of the day.
    fn pass(&mut self, quarter: usize) {
        if self.silent == 0 && self.experience > 0.0 {
            let Self { rates, experience, .. } = *self;
            self.running = Some(Running { rates, experience, expected: 0.0 });
        }
        self.silent += 1;
        if let Some(running) = &mut self.running {
            running.expected += f64::from(running.rates[quarter]);
        }
        if self.silent >= LONGEST_SILENCE {
            self.running = None;
        }
    }

    fn silence(&self, series: u32, watched: u32, log_threshold: f64) -> Option<Silence> {
        let Running { expected, experience, .. } = self.running?;
        Some(Silence {
            series,
            ticks: self.silent,
            longest_before: self.longest[0].max(self.longest[1]),
            expected,
            experience,
            log_chance: -experience * (expected / experience).ln_1p(),
            watched,
            log_threshold,
        })
    }

    /// A day begins with tick `now`: what is to be expected is worked out anew.
    fn begin_day(&mut self, now: u32, heard: &Counts, settings: Settings) {
        self.active.rotate_right(1);
        self.active[0] = [0; QUARTERS];
        let complete = (now.saturating_sub(self.first) / TICKS_A_DAY) as usize;
        let (mut least, mut counted) = (0.0, 0.0);
        for quarter in 0..QUARTERS {
            let of_day = |(active, heard): (&[u8; QUARTERS], &[u8; QUARTERS])| {
                let (active, heard) = (active[quarter], heard[quarter]);
                let is_known = active != UNKNOWN && heard >= LEAST_HEARD;
                is_known.then(|| (f64::from(active), f64::from(heard)))
            };
            let days = self.active.iter().zip(heard).skip(1).take(complete);
            let known: Vec<(f64, f64)> = days.filter_map(of_day).collect();
            let shares = known.iter().map(|(active, heard)| active / heard);
            let share = shares.fold(MOST_ACTIVE, f64::min);
            let is_enough = known.len() >= usize::from(settings.least_days);
            let share = if is_enough { share } else { 0.0 };
            #[allow(clippy::cast_possible_truncation, reason = "seven digits are enough of a rate")]
            let rate = -(-share).ln_1p() as f32;
            self.rates[quarter] = rate;
            least += share * f64::from(QUARTER);
            counted += known.iter().map(|(active, _)| active).sum::<f64>();
        }
        let is_watched = least >= f64::from(settings.least_active);
        self.experience = if is_watched { counted.min(settings.experience) } else { 0.0 };
    }
}
