//! The scoring of a detector, as `scoring.py` does it: thresholds at a budget of false alarms, then recall and delay.
//!
//! An alarm is a score that comes to the threshold from below, and is held 24 hours a port. It is false when no campaign of its
//! port began before it or ended less than 24 hours ago. A campaign is found by an alarm of its port within 72 hours of its onset
//! and 12 hours of its end. Early is the first 72 hours of a run.

use crate::matrix::Scores;
use crate::traffic::{BINS_A_DAY, Campaign};

/// The last bin of the early phase.
pub const EARLY: usize = 432;
/// Bins for which an alarm is held.
const HOLD: usize = BINS_A_DAY;
/// Largest scores of each run among which a threshold is looked for.
const CANDIDATES: usize = 20_000;

/// One run: what a detector scored, and the truth.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scores.
    pub scores: Scores,
    /// The campaigns.
    pub campaigns: Vec<Campaign>,
}

/// Scores at or above which an alarm is told, in the first 72 hours and later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// In the first 72 hours.
    pub early: f64,
    /// After them.
    pub later: f64,
}

/// How a threshold is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Early and later apart, each at the budget.
    Phase,
    /// One threshold: the larger of both.
    Larger,
    /// One threshold whose false alarms over the whole run are at the budget: as a live system has.
    Whole,
    /// The theory's own.
    Fixed(f64),
}

/// The figures of one detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Where the thresholds lie.
    pub thresholds: Thresholds,
    /// Early campaigns.
    pub early: Phase,
    /// Later campaigns.
    pub later: Phase,
}

/// What holds of one phase of the runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// Campaigns.
    pub campaigns: usize,
    /// Share found within 24 hours of onset.
    pub recall24: f64,
    /// Share found within 72 hours of onset.
    pub recall72: f64,
    /// Median delay of those found, in hours; NaN when none was.
    pub delay: f64,
    /// False alarms a day.
    pub false_alarms: f64,
}

/// A detector's figures over `runs` of `days` days, at `budget` false alarms a day.
#[must_use]
pub fn summary(runs: &[Run], budget: f64, days: f64, rule: Rule) -> Summary {
    let both = |threshold| Thresholds { early: threshold, later: threshold };
    let thresholds = match rule {
        Rule::Fixed(threshold) => both(threshold),
        Rule::Whole => both(find(runs, Part::Whole, budget * days)),
        Rule::Phase | Rule::Larger => {
            let early = find(runs, Part::Early, budget * 3.0);
            let later = find(runs, Part::Later, budget * (days - 3.0));
            if rule == Rule::Larger { both(early.max(later)) } else { Thresholds { early, later } }
        }
    };
    let [early_false, later_false] = false_alarms(runs, thresholds);
    let [early_delays, later_delays] = delays(runs, thresholds);
    #[allow(clippy::cast_precision_loss, reason = "hundreds")]
    let count = runs.len() as f64;
    Summary {
        thresholds,
        early: Phase::new(early_delays, early_false / (count * 3.0)),
        later: Phase::new(later_delays, later_false / (count * (days - 3.0))),
    }
}

impl Phase {
    /// Of delays in hours, infinite for a campaign that was not found.
    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    fn new(mut delays: Vec<f64>, false_alarms: f64) -> Self {
        let campaigns = delays.len();
        let share = |within: f64| {
            delays.iter().filter(|delay| **delay <= within).count() as f64 / campaigns.max(1) as f64
        };
        let (recall24, recall72) = (share(24.0), share(f64::MAX));
        delays.retain(|delay| delay.is_finite());
        delays.sort_unstable_by(f64::total_cmp);
        let delay = match (delays.len(), delays.len() / 2) {
            (0, _) => f64::NAN,
            (n, half) if n % 2 == 0 => f64::midpoint(delays[half - 1], delays[half]),
            (_, half) => delays[half],
        };
        Self { campaigns, recall24, recall72, delay, false_alarms }
    }
}

/// The alarms of one port, as bins passed.
fn alarms(scores: &Scores, column: &[f64], thresholds: Thresholds, mut tell: impl FnMut(usize)) {
    let (mut last, mut above) = (None, false);
    for (row, score) in column.iter().enumerate() {
        let time = scores.time(row);
        let threshold = if time <= EARLY { thresholds.early } else { thresholds.later };
        if *score >= threshold {
            if !above && last.is_none_or(|last| time - last >= HOLD) {
                tell(time);
                last = Some(time);
            }
            above = true;
        } else {
            above = false;
        }
    }
}

/// False alarms in all, early and later.
#[must_use]
pub fn false_alarms(runs: &[Run], thresholds: Thresholds) -> [f64; 2] {
    let of_run = |run: &Run| {
        let mut counts = [0.0; 2];
        for (port, column) in run.scores.columns().enumerate() {
            let covers = |campaign: &Campaign, time: usize| {
                campaign.port == port && campaign.onset < time && time <= campaign.end + BINS_A_DAY
            };
            alarms(&run.scores, column, thresholds, |time| {
                if !run.campaigns.iter().any(|campaign| covers(campaign, time)) {
                    counts[usize::from(time > EARLY)] += 1.0;
                }
            });
        }
        counts
    };
    let counts = crate::parallel::map(runs.len(), |run| of_run(&runs[run]));
    counts.iter().fold([0.0; 2], |sum, run| [sum[0] + run[0], sum[1] + run[1]])
}

/// Hours from each campaign's onset to the first alarm that finds it, infinite where none does; early and later campaigns.
fn delays(runs: &[Run], thresholds: Thresholds) -> [Vec<f64>; 2] {
    let mut delays = [Vec::new(), Vec::new()];
    for run in runs {
        let columns: Vec<&[f64]> = run.scores.columns().collect();
        for campaign in &run.campaigns {
            let until = (campaign.onset + EARLY).min(campaign.end + 72);
            let mut found = f64::INFINITY;
            alarms(&run.scores, columns[campaign.port], thresholds, |time| {
                if campaign.onset < time && time <= until {
                    #[allow(clippy::cast_precision_loss, reason = "at most three days")]
                    let delay = (time - campaign.onset) as f64 / 6.0;
                    found = found.min(delay);
                }
            });
            delays[usize::from(!campaign.early)].push(found);
        }
    }
    delays
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Early,
    Later,
    Whole,
}

/// The smallest score that as a threshold gives at most `allowed` false alarms a run in this part of it.
#[allow(clippy::cast_precision_loss, reason = "hundreds of runs")]
fn find(runs: &[Run], part: Part, allowed: f64) -> f64 {
    let candidates = candidates(runs, part);
    let Some(&last) = candidates.last() else { return f64::INFINITY };
    let allowed = allowed * runs.len() as f64;
    let keeps = |threshold: f64| {
        let thresholds = match part {
            Part::Early => Thresholds { early: threshold, later: f64::INFINITY },
            Part::Later => Thresholds { early: f64::INFINITY, later: threshold },
            Part::Whole => Thresholds { early: threshold, later: threshold },
        };
        let [early, later] = false_alarms(runs, thresholds);
        early + later <= allowed
    };
    if !keeps(last) {
        return last + 1e-9 + last.abs() * 1e-9;
    }
    let (mut low, mut high) = (0, candidates.len() - 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if keeps(candidates[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    candidates[low]
}

/// The largest finite scores of each run's part, in order, each once.
fn candidates(runs: &[Run], part: Part) -> Vec<f64> {
    let of_run = |run: &Run| {
        let wanted = |row: usize| match part {
            Part::Early => run.scores.time(row) <= EARLY,
            Part::Later => run.scores.time(row) > EARLY,
            Part::Whole => true,
        };
        let mut scores: Vec<f64> = run
            .scores
            .columns()
            .flat_map(|column| column.iter().enumerate())
            .filter(|(row, score)| wanted(*row) && score.is_finite())
            .map(|(_, score)| *score)
            .collect();
        if scores.len() > CANDIDATES {
            let cut = scores.len() - CANDIDATES;
            scores.select_nth_unstable_by(cut, f64::total_cmp);
            scores.drain(..cut);
        }
        scores
    };
    let mut all = crate::parallel::map(runs.len(), |run| of_run(&runs[run])).concat();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One port that is quiet but for scores at these rows.
    fn run(scores: &[(usize, f64)], campaigns: &[(usize, usize)]) -> Run {
        let mut values = vec![0.0; 2_000];
        for (row, score) in scores {
            values[*row] = *score;
        }
        let campaign = |&(onset, end): &(usize, usize)| {
            let early = onset < EARLY;
            Campaign { port: 0, onset, end, early, sources: 9 }
        };
        let campaigns = campaigns.iter().map(campaign).collect();
        Run { scores: Scores { step: 1, rows: 2_000, values }, campaigns }
    }

    #[test]
    fn an_alarm_is_held_a_day_and_is_told_only_when_the_score_rises() {
        let held = run(&[(10, 9.0), (11, 9.0), (100, 9.0), (160, 9.0)], &[]);
        let thresholds = Thresholds { early: 5.0, later: 5.0 };
        assert_eq!(false_alarms(std::slice::from_ref(&held), thresholds), [2.0, 0.0]);
        let mut told = Vec::new();
        alarms(&held.scores, &held.scores.values, thresholds, |time| told.push(time));
        assert_eq!(told, [11, 161]);
    }

    #[test]
    fn a_campaign_makes_its_alarms_true_and_is_found_with_its_delay() {
        let run = run(&[(99, 7.0), (119, 8.0), (999, 9.0)], &[(107, 300), (700, 1_900)]);
        let found = summary(&[run], 0.4, 31.0, Rule::Fixed(7.5));
        assert_eq!((found.early.recall24, found.early.delay), (1.0, 13.0 / 6.0));
        assert_eq!((found.later.recall24, found.later.recall72), (0.0, 1.0));
        assert!((found.later.delay - 50.0).abs() < 1e-12);
        assert!(found.early.false_alarms.abs() + found.later.false_alarms.abs() < 1e-12);
    }

    #[test]
    fn thresholds_lie_at_the_budget_of_each_phase_or_of_the_whole_run() {
        let scores = [(50, 10.0), (250, 20.0), (600, 1.0), (900, 2.0), (1_200, 3.0)];
        let runs = [run(&scores, &[])];
        let phase = summary(&runs, 1.0 / 3.0, 31.0, Rule::Phase);
        // Three alarms in 28 days are within the later budget: any threshold keeps it, so it is the smallest score there is.
        assert_eq!(phase.thresholds, Thresholds { early: 20.0, later: 0.0 });
        let larger = summary(&runs, 1.0 / 3.0, 31.0, Rule::Larger);
        assert_eq!(larger.thresholds, Thresholds { early: 20.0, later: 20.0 });
        let whole = summary(&runs, 3.0 / 31.0, 31.0, Rule::Whole);
        assert_eq!(whole.thresholds, Thresholds { early: 3.0, later: 3.0 });
    }
}
