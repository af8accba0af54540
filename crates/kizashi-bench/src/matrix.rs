//! A detector's scores: one column a port, one row an evaluation.

use crate::traffic::Traffic;

/// Scores of every port, evaluated every `step` bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Bins between two evaluations; row e is of the time after (e + 1) × `step` bins.
    pub step: usize,
    /// Evaluations.
    pub rows: usize,
    /// All scores, port by port.
    pub values: Vec<f64>,
}

impl Scores {
    /// Scores every port by itself: `score` makes a port's scores, one for each `step` bins.
    pub fn by_port(traffic: &Traffic, step: usize, score: impl Fn(usize) -> Vec<f64>) -> Self {
        let rows = traffic.bins() / step.max(1);
        let mut values = Vec::with_capacity(rows * traffic.ports);
        for port in 0..traffic.ports {
            let mut column = score(port);
            column.resize(rows, 0.0);
            values.append(&mut column);
        }
        Self { step, rows, values }
    }

    /// Bins passed when row `row` was evaluated.
    #[must_use]
    pub const fn time(&self, row: usize) -> usize {
        (row + 1) * self.step
    }

    /// The columns, one a port.
    pub fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.rows.max(1))
    }

    /// The scores without the first `bins` bins, as if the run had begun after them.
    #[must_use]
    pub fn after(&self, bins: usize) -> Self {
        let cut = bins / self.step.max(1);
        let rows = self.rows.saturating_sub(cut);
        let values = self.columns().flat_map(|column| column.iter().skip(cut).copied()).collect();
        Self { step: self.step, rows, values }
    }
}
