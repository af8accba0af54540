//! One share's series: what is known of each alone, and nothing of any other. What couples series (the promise, the prior, the
//! rhythm of the day) is a [`super::Merge`]'s, which asks; a holding answers, and its answers depend on nothing but what it was
//! asked before. So a holding that is read from a snapshot and asked again what it was asked since is the same bit for bit,
//! wherever it stands.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dispersion::{LEAST_EXPECTED, Residual, Shared};
use super::evidence::{Starts, Weighed, log_bins};
use super::history::HOUR;
use super::series::Series;
use super::{BINS_A_DAY, Evidence, KindId, Prior};

/// Bins for which a series that alarmed is held: 24 hours.
const HOLD: u32 = BINS_A_DAY;
/// Sources that an alarm needs: of two, chance alone makes too many on thousands of quiet series.
pub(super) const FEWEST_SOURCES: u64 = 3;

/// The number of a share: 0 where there is one.
pub type Partition = u16;

/// What a [`super::Merge`] wants of a holding, and what changes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask(pub(super) Asked);

/// What a [`Ask`] was answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer(pub(super) Answered);

/// What a [`super::Merge`] wants to know of a holding: nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look(pub(super) Looked);

/// What a [`Look`] found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found(pub(super) Seen);

impl Ask {
    /// Whether an answer has the form that this asks for.
    #[must_use]
    pub fn fits(&self, answer: &Answer) -> bool {
        match (&self.0, &answer.0) {
            (
                Asked::Begin { .. }
                | Asked::Forget { .. }
                | Asked::Earlier { .. }
                | Asked::Publish { .. },
                Answered::Done,
            ) => true,
            (Asked::Hour(_, of), Answered::Hour(hours)) => of.len() == hours.len(),
            (Asked::Totals { of, .. }, Answered::Totals(totals)) => {
                let is_number =
                    |(total, exposure): &(f64, f64)| total.is_finite() && exposure.is_finite();
                of.len() == totals.len() && totals.iter().all(is_number)
            }
            (Asked::Judge { counts, .. }, Answered::Judged(judged)) => {
                let mut places: Vec<Place> = counts.iter().map(|(at, _)| *at).collect();
                places.sort_unstable();
                places.dedup();
                places.len() == judged.len()
            }
            _ => false,
        }
    }
}

impl Look {
    /// Whether what was found has the form that this asks for.
    #[must_use]
    pub fn fits(&self, found: &Found) -> bool {
        match (&self.0, &found.0) {
            (Looked::Weigh { of, .. }, Seen::Weighed(weighed)) => of.len() == weighed.len(),
            (Looked::Series(_), Seen::Series(_)) => true,
            _ => false,
        }
    }
}

/// Where holdings can be looked into.
pub trait Held {
    /// What these holdings know, in the order of the looks. Nothing changes.
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found>;
}

/// Where the holdings are: in this process, or with others who are asked.
pub trait Holders: Held {
    /// Has each of these holdings answer, and gives the answers in the order of the asks. Asks of one holding are answered in
    /// their order. Whoever carries them to other machines waits, or replaces one that is gone, until all are answered.
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer>;
}

/// Which place of a holding, from 0 on.
pub(super) type Place = u32;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Asked {
    /// A series begins at a place, anew if there was one.
    Begin { at: Place, kind: KindId, prior: Option<Prior>, now: u32 },
    /// The series at a place is watched no longer.
    Forget { at: Place },
    /// Counts of a bin that is past, before the first count.
    Earlier { at: Place, bin: u32, count: u32 },
    /// What an hour that has just ended showed of these.
    Hour(OfHour, Vec<Place>),
    /// What is known of the totals of these, when so many bins were over, of the exposure given.
    Totals { bin: u32, exposure: f64, of: Vec<Place> },
    /// What windows share that begin from now on.
    Publish { shared: VecDeque<Arc<Shared>>, now: u32 },
    /// The counts of a bin, and by what they are judged.
    Judge { bin: u32, by: Judgement, counts: Vec<(Place, u32)> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answered {
    Done,
    Hour(Vec<HourOfSeries>),
    /// Discounted counts and exposure, as the prior is fitted to them.
    Totals(Vec<(f64, f64)>),
    /// In the order of the counts, of each place once.
    Judged(Vec<Option<Judged>>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Looked {
    Weigh { by: Starts, of: Vec<Place> },
    Series(Place),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Seen {
    Weighed(Vec<Option<Weighed>>),
    Series(Option<Box<Series>>),
}

/// An hour that has just ended, as all series share it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OfHour {
    pub(super) hour: u32,
    /// Its exposed bins, and the same as the hour of the day weighs.
    pub(super) exposed: f64,
    pub(super) weighed: f64,
    /// Discounted exposed bins when it began, plain and weighed, and when it ended.
    pub(super) began: f64,
    pub(super) began_weighed: f64,
    pub(super) ended: f64,
    pub(super) shared: Arc<Shared>,
}

/// What an hour showed of one series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct HourOfSeries {
    /// Counts, those that its past made one expect whatever the hour, and how it scattered; `None` where too little was expected.
    pub(super) showed: Option<(u64, f64, Residual)>,
    /// Whether the next hour is to be looked at too.
    pub(super) is_busy: bool,
}

/// By what series are judged in one bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Judgement {
    pub(super) starts: Starts,
    pub(super) now: u32,
    /// By kind: series among which chance may choose over the kind's share, and the log M that it takes.
    pub(super) kinds: Vec<(f64, f64)>,
}

/// One series after a bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Judged {
    pub(super) evidence: Evidence,
    /// That it rose, and its counts in this bin.
    pub(super) rose: Option<(Weighed, u32)>,
}

/// The series of one share: at most 5 KB each. It can be saved whole and goes on bit for bit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Holding {
    series: Vec<Series>,
}

impl Holding {
    /// Answers.
    pub fn answer(&mut self, ask: Ask) -> Answer {
        Answer(match ask.0 {
            Asked::Begin { at, kind, prior, now } => {
                if at as usize >= self.series.len() {
                    self.series.resize_with(at as usize + 1, Series::default);
                }
                self.at(at, |series| {
                    *series = Series::default();
                    series.introduce(kind, prior, now);
                })
            }
            Asked::Forget { at } => self.at(at, |series| *series = Series::default()),
            Asked::Earlier { at, bin, count } => self.at(at, |series| series.touch(bin, count)),
            Asked::Hour(hour, of) => {
                Answered::Hour(of.into_iter().map(|at| self.hour(&hour, at)).collect())
            }
            Asked::Totals { bin, exposure, of } => {
                let total = |at: Place| {
                    let Some(series) = self.series.get(at as usize) else { return (0.0, 0.0) };
                    let (shape, rate) = series.own_prior_after(bin);
                    (series.history.total_after(bin) + shape, exposure + rate)
                };
                Answered::Totals(of.into_iter().map(total).collect())
            }
            Asked::Publish { shared, now } => {
                self.series.iter_mut().for_each(|series| series.publish(&shared, now));
                Answered::Done
            }
            Asked::Judge { bin, by, counts } => Answered::Judged(self.judge(bin, &by, &counts)),
        })
    }

    /// Looks something up.
    #[must_use]
    pub fn look(&self, look: &Look) -> Found {
        Found(match &look.0 {
            Looked::Weigh { by, of } => {
                let weigh = |at: &Place| by.weigh(self.series.get(*at as usize)?);
                Seen::Weighed(of.iter().map(weigh).collect())
            }
            Looked::Series(at) => {
                Seen::Series(self.series.get(*at as usize).cloned().map(Box::new))
            }
        })
    }

    fn at(&mut self, at: Place, change: impl FnOnce(&mut Series)) -> Answered {
        if let Some(series) = self.series.get_mut(at as usize) {
            change(series);
        }
        Answered::Done
    }

    fn hour(&mut self, of: &OfHour, at: Place) -> HourOfSeries {
        let Some(series) = self.series.get_mut(at as usize) else {
            return HourOfSeries { showed: None, is_busy: false };
        };
        let (hours, hour_f) = (of.hour + 1, f64::from(HOUR));
        let (counts, total) = series.hour(of.hour, of.exposed, of.weighed);
        let showed = (hour_f * total > LEAST_EXPECTED * of.began).then(|| {
            let (own, phi) =
                (series.own_prior_after(of.hour * HOUR), series.scatter(&of.shared).phi);
            let prior = of.shared.kind(series.kind.0).prior;
            let prior = Prior { shape: prior.shape + own.0, rate: prior.rate + own.1 };
            let residual = Residual::of(counts, phi, prior, total, of.began_weighed);
            series.dispersion.add(hours, residual);
            (counts.count, total / of.began * of.exposed, residual)
        });
        let total = series.history.total_after(hours.saturating_mul(HOUR));
        HourOfSeries { showed, is_busy: hour_f * total > LEAST_EXPECTED * of.ended }
    }

    fn judge(&mut self, bin: u32, by: &Judgement, counts: &[(Place, u32)]) -> Vec<Option<Judged>> {
        let mut touched = Vec::with_capacity(counts.len());
        for &(at, count) in counts {
            if at as usize >= self.series.len() {
                self.series.resize_with(at as usize + 1, Series::default);
            }
            let series = &mut self.series[at as usize];
            if series.history.last_bin() != Some(bin) {
                touched.push(at);
            }
            series.touch(bin, count);
        }
        touched.into_iter().map(|at| by.judge(self.series.get_mut(at as usize)?)).collect()
    }
}

impl Judgement {
    fn judge(&self, series: &mut Series) -> Option<Judged> {
        let now = self.now;
        series.history.forget(now);
        let weighed = self.starts.weigh(series)?;
        let kind = self.kinds.get(usize::from(series.kind.0)).copied();
        let (competitors, threshold) = kind.unwrap_or((f64::MAX, f64::MAX));
        let above =
            log_bins(weighed.fresh_log_m) >= threshold && weighed.window.counts >= FEWEST_SOURCES;
        let rises = above && !series.above && now >= series.held_until;
        if rises {
            series.held_until = now.saturating_add(HOLD);
            series.told = true;
            series.spent_until = now;
        }
        // A wave that was told is spent as far as it stands out: neither its course nor its end is a new rise.
        if log_bins(weighed.log_m) >= threshold {
            series.spent_until = if series.told { now } else { series.spent_until };
        } else if now >= series.held_until {
            series.told = false;
        }
        series.above = above;
        let rose = rises.then(|| (weighed, series.history.since(now.saturating_sub(1)).counts));
        Some(Judged { evidence: weighed.evidence(now, competitors), rose })
    }
}

impl Holders for Vec<Holding> {
    fn ask(&mut self, asks: Vec<(Partition, Ask)>) -> Vec<Answer> {
        let answer = |(partition, ask): (Partition, Ask)| {
            let holding = self.get_mut(usize::from(partition));
            holding.map_or(Answer(Answered::Done), |holding| holding.answer(ask))
        };
        asks.into_iter().map(answer).collect()
    }
}

impl Held for Vec<Holding> {
    fn look(&self, looks: Vec<(Partition, Look)>) -> Vec<Found> {
        let find = |(partition, look): (Partition, Look)| {
            let holding = self.get(usize::from(partition));
            holding.map_or(Found(Seen::Series(None)), |holding| holding.look(&look))
        };
        looks.into_iter().map(find).collect()
    }
}
