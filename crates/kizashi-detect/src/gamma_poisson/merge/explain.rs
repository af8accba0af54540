//! The numbers behind the evidence on one series, so that a person can work it out again by hand: what the past was, what each
//! window holds, what each says, and what would have been enough. Worked out when asked, by the same code that judges.

use serde::Serialize;

use super::{Held, Look, Looked, Merge, Seen};
#[cfg(doc)]
use crate::gamma_poisson::Alarm;
use crate::gamma_poisson::evidence::{RATIOS, Starts, WINDOWS, log_bins, log_sum};
use crate::gamma_poisson::exposure::Exposure;
use crate::gamma_poisson::holding::FEWEST_SOURCES;
use crate::gamma_poisson::series::Series;
use crate::gamma_poisson::{
    Baseline, KindId, LONGEST_EXACT_WINDOW, Prior, Ratio, Scatter, SeriesId,
};

/// Steps of bisection: enough for every digit of a double.
const BISECTIONS: usize = 80;

/// The numbers behind the evidence on one series, with the names of the [module's](crate::gamma_poisson) formula.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Bins closed when it was worked out.
    pub bins: u64,
    /// The kind of the series.
    pub kind: KindId,
    /// A: its discounted counts.
    pub total: f64,
    /// E: discounted exposed bins, each as its hour of the day weighs, of all series alike.
    pub exposure: f64,
    /// a0 and b0 of its kind.
    pub prior: Prior,
    /// What an earlier run taught of this series, as far as it is not forgotten: its shape and rate, in bins.
    pub own_prior: (f64, f64),
    /// φ and v.
    pub scatter: Scatter,
    /// Each window that has a past, shortest first.
    pub windows: Vec<WindowEvidence>,
    /// Each ratio ρ with log Σ over W of w_W n_W BF(W, ρ) / (number of ratios): what it adds to M. `None` where it adds nothing.
    pub ratios: Vec<(f64, Option<f64>)>,
    /// log M; `None` where every window is left out.
    pub log_m: Option<f64>,
    /// log M of the windows that begin after the last wave that was told; `None` where all of them are left out.
    pub fresh_log_m: Option<f64>,
    /// The place in `windows` of the one that says most.
    pub strongest: usize,
    /// Its rate over the rate before.
    pub ratio: Ratio,
    /// What is enough for an alarm.
    pub threshold: Threshold,
}

/// What one window says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WindowEvidence {
    /// W, in bins.
    pub length: u32,
    /// n_W: the starts for which it stands, bins in which the sensor listened.
    pub starts: u64,
    /// The first bin, counted from the first ever closed, which is 0.
    pub since_bin: u64,
    /// S.
    pub counts: u64,
    /// B: bins that hold any.
    pub active: u32,
    /// s: bins in which the sensor was listening, each as its hour of the day weighs.
    pub exposed: f64,
    /// A when it began.
    pub total: f64,
    /// E when it began.
    pub exposure: f64,
    /// a0 and b0 when it began.
    pub prior: Prior,
    /// φ and v when it began.
    pub scatter: Scatter,
    /// α, β and φ.
    pub baseline: Baseline,
    /// Counts that the past made one expect: s α / β.
    pub expected: f64,
    /// log of w_W n_W × mean over ρ of BF(W, ρ): what it adds to M. `None` where it is left out, because its counts are no more than
    /// chance brings all the time.
    pub log_evidence: Option<f64>,
    /// Whether it begins after the last wave that was told.
    pub fresh: bool,
}

/// What is enough for an alarm, and why so much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// The promise, over everything.
    pub false_alarms_per_week: f64,
    /// Bins between two false alarms of everything.
    pub bins_a_false_alarm: f64,
    /// The kind's share of them: of watches that have the promise together, this one's.
    pub share: f64,
    /// Series of the kind among which chance may choose.
    pub watched: u32,
    /// Bins between two false alarms of this one series: the three above multiplied, the share as a divisor.
    pub bins: f64,
    /// log of the M that stands for so many bins.
    pub log_m: f64,
    /// Counts that the strongest window needs besides.
    pub fewest_sources: u64,
}

/// The windows of a series and what they add to M by ratio.
struct Windows {
    windows: Vec<WindowEvidence>,
    by_ratio: Vec<Option<f64>>,
    strongest: usize,
}

impl Merge {
    /// One series as it is held.
    fn held(&self, holders: &impl Held, series: SeriesId) -> Option<Box<Series>> {
        let slot = self.slots.of(series)?;
        let found = holders.look(vec![(slot.partition, Look(Looked::Series(slot.place)))]);
        match found.into_iter().next()?.0 {
            Seen::Series(series) => series,
            Seen::Weighed(_) => None,
        }
    }

    /// What this series' own past says of its rate, without its kind's prior: to be given to [`Self::introduce`] of another run.
    #[must_use]
    pub fn learned(&self, holders: &impl Held, series: SeriesId) -> Option<Prior> {
        let series = self.held(holders, series)?;
        let (now, shared) = (self.exposure.now(), self.shared.back()?);
        let (shape, rate) = series.own_prior_after(now);
        let phi = series.scatter(shared).phi;
        let bins = now.saturating_add(self.silent);
        let shape = shape + series.history.total_after(bins) / phi;
        let rate = rate + self.exposure.latest().weighed_baseline / phi;
        Prior { shape: shape.max(1e-9), rate }.checked().ok()
    }

    /// The numbers behind the evidence on a series now. `fresh_from` is that of an alarm just told ([`Alarm::fresh_from`]),
    /// whose wave is spent by now; `None` leaves out what was told so far. `None` where the series is not known or has no past.
    #[must_use]
    pub fn explain(
        &self,
        holders: &impl Held,
        series: SeriesId,
        fresh_from: Option<u64>,
    ) -> Option<Explanation> {
        let series = &*self.held(holders, series)?;
        let exposure = self.exposure_now();
        let now = exposure.now();
        let fresh_from = fresh_from.unwrap_or_else(|| u64::from(series.spent_until));
        let Windows { windows, by_ratio, strongest } =
            self.windows_of(series, &exposure, fresh_from)?;
        let logs = |fresh: bool| {
            let some = windows.iter().filter(|window| window.fresh || !fresh);
            log_sum_of(some.filter_map(|window| window.log_evidence))
        };
        let best = windows.get(strongest)?;
        let shared = self.shared.back()?;
        Some(Explanation {
            bins: u64::from(now),
            kind: series.kind,
            total: series.history.total_after(now),
            exposure: exposure.latest().weighed_baseline,
            prior: shared.kind(series.kind.0).prior,
            own_prior: series.own_prior_after(now),
            scatter: series.scatter(shared),
            ratio: best.baseline.ratio(best.counts, best.exposed),
            ratios: RATIOS.into_iter().zip(by_ratio).collect(),
            log_m: logs(false),
            fresh_log_m: logs(true),
            strongest,
            threshold: self.threshold(series.kind),
            windows,
        })
    }

    /// Counts of a series in each of the last [`LONGEST_EXACT_WINDOW`] bins that held any, oldest first.
    #[must_use]
    pub fn recent(&self, holders: &impl Held, series: SeriesId) -> Vec<(u64, u32)> {
        let series = self.held(holders, series);
        let first = self.bins().saturating_sub(u64::from(LONGEST_EXACT_WINDOW));
        let counts = series.iter().flat_map(|series| series.history.counts());
        counts.filter(|(bin, _)| *bin >= first).collect()
    }

    /// Counts that the past makes one expect of a series in a bin of a usual hour, its kind's prior included.
    #[must_use]
    pub fn rate(&self, holders: &impl Held, series: SeriesId) -> Option<f64> {
        let series = self.held(holders, series)?;
        let exposure = self.exposure_now();
        let prior = self.shared.back()?.kind(series.kind.0).prior;
        let (shape, rate) = series.own_prior_after(exposure.now());
        let total = prior.shape + shape + series.history.total_after(exposure.now());
        Some(total / (prior.rate + rate + exposure.latest().weighed_baseline))
    }

    fn windows_of(&self, series: &Series, exposure: &Exposure, fresh_from: u64) -> Option<Windows> {
        let now = exposure.now();
        let starts = Starts::of(exposure, &self.shared);
        let chosen = starts.weigh(series)?.window.length;
        let mut windows = Vec::with_capacity(WINDOWS.len());
        let mut by_ratio: Vec<Vec<f64>> = vec![Vec::new(); RATIOS.len()];
        for terms in starts.terms(series) {
            let window = terms.window;
            let start = now - window.length;
            let shared = self.shared.iter().rev().find(|shared| shared.at <= start)?;
            let logs = terms.by_ratio();
            by_ratio
                .iter_mut()
                .zip(logs.into_iter().flatten())
                .for_each(|(all, log)| all.push(log));
            windows.push(WindowEvidence {
                length: window.length,
                starts: terms.starts,
                since_bin: u64::from(start),
                counts: window.counts,
                active: window.active,
                exposed: window.weighed,
                total: terms.total,
                exposure: exposure.mark(window.length)?.weighed_baseline,
                prior: shared.kind(series.kind.0).prior,
                scatter: series.scatter(shared),
                baseline: window.baseline,
                expected: window.expected(),
                log_evidence: logs.map(|logs| log_sum(&logs)),
                fresh: u64::from(start) >= fresh_from,
            });
        }
        let strongest = windows.iter().position(|window| window.length == chosen)?;
        let by_ratio = by_ratio.into_iter().map(|all| log_sum_of(all.into_iter())).collect();
        Some(Windows { windows, by_ratio, strongest })
    }

    fn threshold(&self, kind: KindId) -> Threshold {
        let kind = self.kinds.get(usize::from(kind.0));
        let competitors = kind.map_or(1.0, |kind| kind.competitors(self.watches));
        let bins_a_false_alarm = self.settings.bins_a_false_alarm();
        let bins = bins_a_false_alarm * competitors;
        Threshold {
            false_alarms_per_week: self.settings.false_alarms_per_week,
            bins_a_false_alarm,
            share: kind.map_or(1.0, |kind| kind.share) / f64::from(self.watches),
            watched: kind.map_or(0, |kind| kind.watched),
            bins,
            log_m: log_m_of(bins.ln()),
            fewest_sources: FEWEST_SOURCES,
        }
    }
}

/// The logarithm of a sum of exponentials; `None` of nothing.
fn log_sum_of(logs: impl Iterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = logs.collect();
    Some(log_sum(&logs)).filter(|sum| sum.is_finite())
}

/// The log M that stands for so many bins: what [`log_bins`] undoes.
fn log_m_of(bins: f64) -> f64 {
    let (mut low, mut high) = (bins - 50.0, bins + 50.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if log_bins(middle) < bins { low = middle } else { high = middle }
    }
    high
}
