//! Kizashi's own detector in the table. It has no threshold to be set but its promise, and what it told is spent, so that its row is
//! not fitted to scores: it runs at promises √2 apart, and the one that comes up to the budget is looked for among them.

use std::collections::BTreeMap;

use kizashi_detect::gamma_poisson::SettingsError;

use crate::detectors::{Learned, learn, told};
use crate::matrix::Scores;
use crate::parallel;
use crate::scoring::{Phase, Rule, Run, Summary, summary};
use crate::table::RUN_DAYS;
use crate::traffic::Case;

/// Promises are 2^(k/2) a week, k from the least to the most: one in a year to 724 a week.
const LEAST: i32 = -12;
const MOST: i32 = 19;

/// What the detector knows when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Nothing.
    Cold,
    /// The prior, the scatter and each port's rate, learned in the time before: what a prior file carries.
    Carried,
}

impl Memory {
    /// In the order of the table.
    pub const ALL: [Self; 2] = [Self::Cold, Self::Carried];

    /// As a reader knows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cold => "Kizashi, cold",
            Self::Carried => "Kizashi, carried",
        }
    }
}

/// The figures at each promise that was tried.
#[derive(Clone, Debug)]
pub struct Promises<'a> {
    memory: Memory,
    cases: &'a [Case],
    learned: Vec<Learned>,
    tried: BTreeMap<i32, Summary>,
}

impl<'a> Promises<'a> {
    /// Learns what is to be carried.
    ///
    /// # Errors
    /// Never with the settings used here.
    pub fn new(memory: Memory, cases: &'a [Case]) -> Result<Self, SettingsError> {
        let learned = parallel::map(cases.len(), |at| match memory {
            Memory::Cold => Ok(Learned::default()),
            Memory::Carried => learn(&cases[at].carried, cases[at].before),
        });
        let learned = learned.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { memory, cases, learned, tried: BTreeMap::new() })
    }

    /// As a reader knows it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.memory.name()
    }

    /// The figures when so many false alarms a week are promised.
    ///
    /// # Errors
    /// When the promise is out of range.
    pub fn at(&self, a_week: f64) -> Result<Summary, SettingsError> {
        let run = |at: usize| {
            let case = &self.cases[at];
            let told = told(&case.cold, &self.learned[at], a_week)?;
            let rows = case.cold.bins();
            let mut values = vec![0.0; rows * case.cold.ports];
            let alarms = told.alarms.iter().map(|(bin, alarm)| (*bin, alarm.series));
            for (bin, series) in alarms.chain(told.shifts) {
                values[series.0 as usize * rows + bin] = 1.0;
            }
            Ok(Run::new(Scores { step: 1, rows, values }, case.cold.campaigns.clone()))
        };
        let runs: Vec<Run> =
            parallel::map(self.cases.len(), run).into_iter().collect::<Result<_, _>>()?;
        Ok(summary(&runs, 0.0, RUN_DAYS, Rule::Fixed(0.5)))
    }

    /// One promise for the whole run: the largest whose false alarms a day are within the budget.
    ///
    /// # Errors
    /// Never with the budgets used here.
    pub fn whole(&mut self, budget: f64) -> Result<Summary, SettingsError> {
        self.largest(budget, |summary| {
            let Summary { early, later, .. } = summary;
            (early.false_alarms * 3.0 + later.false_alarms * (RUN_DAYS - 3.0)) / RUN_DAYS
        })
    }

    /// A promise for the first 72 hours and one for later, each within the budget.
    ///
    /// # Errors
    /// Never with the budgets used here.
    pub fn apart(&mut self, budget: f64) -> Result<Summary, SettingsError> {
        let early = self.largest(budget, |summary| summary.early.false_alarms)?.early;
        let Summary { thresholds, later, .. } =
            self.largest(budget, |summary| summary.later.false_alarms)?;
        Ok(Summary { thresholds, early, later })
    }

    fn largest(
        &mut self,
        budget: f64,
        realised: impl Fn(&Summary) -> f64,
    ) -> Result<Summary, SettingsError> {
        // The budget itself is tried first: the promise is not far from what comes true.
        let first = (2.0 * (7.0 * budget).log2()).round();
        #[allow(clippy::cast_possible_truncation, reason = "a small whole number")]
        let mut k = (first as i32).clamp(LEAST, MOST);
        let mut best: Option<Summary> = None;
        loop {
            let summary = self.try_at(k)?;
            let is_within = realised(&summary) <= budget;
            if is_within {
                best = Some(summary);
            }
            match (is_within, best.is_some()) {
                (true, _) if k < MOST && !self.exceeds(k + 1, budget, &realised) => k += 1,
                (true, _) => break,
                (false, true) => break,
                (false, false) if k > LEAST => k -= 1,
                (false, false) => break,
            }
        }
        let nothing = Phase {
            campaigns: 0,
            recall24: 0.0,
            recall72: 0.0,
            delay: f64::NAN,
            false_alarms: 0.0,
        };
        Ok(best.unwrap_or(Summary { early: nothing, later: nothing, ..self.try_at(LEAST)? }))
    }

    /// Whether it is known that promise `k` realises more than the budget.
    fn exceeds(&self, k: i32, budget: f64, realised: &impl Fn(&Summary) -> f64) -> bool {
        self.tried.get(&k).is_some_and(|summary| realised(summary) > budget)
    }

    fn try_at(&mut self, k: i32) -> Result<Summary, SettingsError> {
        if let Some(summary) = self.tried.get(&k) {
            return Ok(*summary);
        }
        let summary = self.at((f64::from(k) / 2.0).exp2())?;
        self.tried.insert(k, summary);
        Ok(summary)
    }
}
