//! The table of all detectors: who stands in it, over which runs, and how a row reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kizashi_detect::gamma_poisson::SettingsError;

use crate::detectors::{
    Tuning, WarmTuning, bocpd, changefinder, dshield_trend, focus, gpe, level_around, oracle,
    robust_z, warm_changefinder,
};
use crate::matrix::Scores;
use crate::model::Model;
use crate::parallel;
use crate::promise::Promises;
use crate::scoring::{Rule, Run, Summary, summary};
use crate::synthetic::{self, DAYS};
use crate::traffic::Case;

/// One false alarm a day, and one a week.
pub const A_DAY: f64 = 1.0;
/// One false alarm a week.
pub const A_WEEK: f64 = 1.0 / 7.0;
/// Days of a run.
#[allow(clippy::cast_precision_loss, reason = "31")]
pub(crate) const RUN_DAYS: f64 = DAYS as f64;
/// The Python prototypes' figures over the exported seeds 5000 to 5099, made by `scripts/prototype_figures.py`.
const PROTOTYPES: &str = include_str!("../data/prototypes.csv");

/// Who stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    /// ChangeFinder as the talk used it.
    ChangeFinder,
    /// ChangeFinder with the best of 432 settings.
    ChangeFinderBest,
    /// ChangeFinder from a warm start.
    ChangeFinderWarm,
    /// The robust z-score.
    RobustZ,
    /// DShield's trend.
    DShield,
    /// FOCuS.
    Focus,
    /// Bayesian online change point detection.
    Bocpd,
    /// The prototype e-detector.
    Gpe,
    /// The prototype e-detector that has seen the time before.
    GpeCarried,
    /// Who knows the true rates; of made-up traffic only.
    Oracle,
}

impl Detector {
    /// In the order of the table.
    pub const ALL: [Self; 10] = [
        Self::ChangeFinder,
        Self::ChangeFinderBest,
        Self::ChangeFinderWarm,
        Self::RobustZ,
        Self::DShield,
        Self::Focus,
        Self::Bocpd,
        Self::Gpe,
        Self::GpeCarried,
        Self::Oracle,
    ];

    /// As a reader knows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangeFinder => "ChangeFinder, the talk's",
            Self::ChangeFinderBest => "ChangeFinder, tuned",
            Self::ChangeFinderWarm => "ChangeFinder, warm start",
            Self::RobustZ => "robust z of the same hour",
            Self::DShield => "DShield trend",
            Self::Focus => "FOCuS, unknown baseline",
            Self::Bocpd => "Bayesian online change pt",
            Self::Gpe => "e-detector prototype, cold",
            Self::GpeCarried => "e-detector prototype, carried",
            Self::Oracle => "oracle that knows the rates",
        }
    }

    /// Its name among the Python prototypes, where it is one of them.
    const fn prototype(self) -> Option<&'static str> {
        match self {
            Self::ChangeFinder => Some("changefinder"),
            Self::RobustZ => Some("robust_z"),
            Self::Focus => Some("focus"),
            Self::Bocpd => Some("bocpd"),
            Self::Gpe => Some("gpe"),
            _ => None,
        }
    }

    /// Its scores over one run.
    #[must_use]
    pub fn score(self, case: &Case) -> Scores {
        let cold = &case.cold;
        match self {
            Self::ChangeFinder => changefinder(cold, Tuning::TALK),
            Self::ChangeFinderBest => changefinder(cold, Tuning::BEST),
            Self::ChangeFinderWarm => warm_changefinder(cold, WarmTuning::best()),
            Self::RobustZ => robust_z(cold),
            Self::DShield => dshield_trend(cold),
            Self::Focus => focus(cold, &Model::new(cold)),
            Self::Bocpd => bocpd(cold, &Model::new(cold)),
            Self::Gpe => gpe(cold, &Model::new(cold), None),
            Self::GpeCarried => {
                gpe(&case.carried, &Model::new(&case.carried), None).after(case.before)
            }
            Self::Oracle => {
                let level = case.without_campaigns.as_ref().map(level_around);
                let expected = level.or_else(|| case.seed.map(synthetic::expected));
                let expected = expected.unwrap_or_default();
                oracle(cold, &expected)
            }
        }
    }

    /// Whether it can stand beside the others on these runs: an oracle needs rates that somebody knows.
    #[must_use]
    pub fn knows(self, cases: &[Case]) -> bool {
        let known = |case: &Case| case.seed.is_some() || case.without_campaigns.is_some();
        !cases.is_empty() && (self != Self::Oracle || cases.iter().all(known))
    }

    /// Its scores over all runs.
    #[must_use]
    pub fn runs(self, cases: &[Case]) -> Vec<Run> {
        parallel::map(cases.len(), |at| {
            Run::new(self.score(&cases[at]), cases[at].cold.campaigns.clone())
        })
    }
}

/// The heading of a section.
#[must_use]
pub fn heading(title: &str) -> String {
    format!(
        "\n{title}\n{:30} {:^13} {:^41}\n{:30} {:^13} {:^13} {:^11} {:^15}\n",
        "",
        "apart",
        "one threshold for the whole run",
        "",
        "found in 24 h",
        "found in 24 h",
        "delay h",
        "false a day"
    )
}

/// One row: recall early / later with thresholds apart, then with one threshold recall, median delay and false alarms.
#[must_use]
pub fn row(name: &str, apart: Option<Summary>, one: Summary) -> String {
    let recall =
        |summary: Summary| format!("{:.2} / {:.2}", summary.early.recall24, summary.later.recall24);
    format!(
        "{name:30} {:^13} {:^13} {:>4.1} / {:>4.1} {:>6.2} / {:<6.2}\n",
        apart.map(recall).unwrap_or_default(),
        recall(one),
        one.early.delay,
        one.later.delay,
        one.early.false_alarms,
        one.later.false_alarms
    )
}

/// All rows of a detector: one for each budget.
#[derive(Clone, Debug, Default)]
pub struct Rows(BTreeMap<&'static str, String>);

impl Rows {
    /// Adds a detector's rows to the section of each budget.
    pub fn add(&mut self, detector: Detector, runs: &[Run], budgets: &[(&'static str, f64)]) {
        for &(section, budget) in budgets {
            let apart = summary(runs, budget, RUN_DAYS, Rule::Phase);
            let one = summary(runs, budget, RUN_DAYS, Rule::Whole);
            self.push(section, &row(detector.name(), Some(apart), one));
        }
    }

    /// Adds the rows of Kizashi's own detector: at the promise that comes up to the budget, and at the budget as its promise.
    ///
    /// # Errors
    /// Never with the budgets used here.
    pub fn add_kizashi(
        &mut self,
        promises: &mut Promises<'_>,
        budgets: &[(&'static str, f64)],
    ) -> Result<(), SettingsError> {
        for &(section, budget) in budgets {
            let (apart, one) = (promises.apart(budget)?, promises.whole(budget)?);
            self.push(section, &row(promises.name(), Some(apart), one));
            self.push(section, &row("  as it promised", None, promises.at(7.0 * budget)?));
        }
        Ok(())
    }

    fn push(&mut self, section: &'static str, row: &str) {
        self.0.entry(section).or_insert_with(|| heading(section)).push_str(row);
    }

    /// A section.
    #[must_use]
    pub fn section(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// The port beside the Python prototype it comes from, one line a budget and rule; nothing for others.
#[must_use]
pub fn beside_prototype(detector: Detector, runs: &[Run]) -> String {
    let mut lines = String::new();
    let Some(prototype) = detector.prototype() else { return lines };
    for line in PROTOTYPES.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let &[name, budget, rule, early, later, ..] = cells.as_slice() else { continue };
        let numbers = [budget, early, later].map(|cell| cell.parse().unwrap_or(f64::NAN));
        let [budget, early, later]: [f64; 3] = numbers;
        if name != prototype {
            continue;
        }
        let (label, rule) =
            if rule == "phase" { ("apart", Rule::Phase) } else { ("larger", Rule::Larger) };
        // The file rounds one a week to six digits.
        let (budget, often) = if budget < 0.5 { (A_WEEK, "week") } else { (A_DAY, "day") };
        let ours = summary(runs, budget, RUN_DAYS, rule);
        let _ = writeln!(
            lines,
            "{:30} 1 a {often:4} {label:6}  Rust {:.3} / {:.3}   Python {early:.3} / {later:.3}",
            detector.name(),
            ours.early.recall24,
            ours.later.recall24
        );
    }
    lines
}
