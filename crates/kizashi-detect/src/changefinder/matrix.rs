//! Small square matrices for the form with several series: row by row, at most 16 × 16.

use serde::{Deserialize, Serialize};

/// A pivot of a correlation matrix below which a component says nothing that those before it did not.
const LEAST_PIVOT: f64 = 1e-12;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Matrix {
    size: usize,
    cells: Vec<f64>,
}

impl Matrix {
    pub(super) fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    pub(super) fn identity(size: usize) -> Self {
        let mut identity = Self::zero(size);
        identity.cells.iter_mut().step_by(size + 1).for_each(|cell| *cell = 1.0);
        identity
    }

    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    pub(super) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] = value;
    }

    pub(super) fn transposed(&self) -> Self {
        let mut transposed = Self::zero(self.size);
        for row in 0..self.size {
            for column in 0..self.size {
                transposed.set(column, row, self.at(row, column));
            }
        }
        transposed
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut product = Self::zero(self.size);
        for row in 0..self.size {
            for column in 0..self.size {
                let cell = (0..self.size).map(|i| self.at(row, i) * other.at(i, column)).sum();
                product.set(row, column, cell);
            }
        }
        product
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let cells = self.cells.iter().zip(&other.cells).map(|(left, right)| left - right).collect();
        Self { size: self.size, cells }
    }

    /// Fades to 1 − r of itself and takes r times left × rightᵀ in.
    pub(super) fn learn(&mut self, r: f64, left: &[f64], right: &[f64]) {
        for (row, left) in self.cells.chunks_exact_mut(self.size).zip(left) {
            for (cell, right) in row.iter_mut().zip(right) {
                *cell = (1.0 - r) * *cell + r * left * right;
            }
        }
    }

    /// Row i over `scale` i, column j over `scale` j.
    pub(super) fn scaled(&self, scale: &[f64]) -> Self {
        let mut scaled = self.clone();
        for row in 0..self.size {
            for column in 0..self.size {
                scaled.set(row, column, self.at(row, column) / scale[row] / scale[column]);
            }
        }
        scaled
    }

    pub(super) fn is_finite(&self) -> bool {
        self.cells.iter().all(|cell| cell.is_finite())
    }

    /// L D Lᵀ of a symmetric matrix.
    pub(super) fn factored(&self) -> Factored {
        let size = self.size;
        let mut lower = Self::identity(size);
        let mut pivots = vec![0.0; size];
        let mut is_definite = true;
        for j in 0..size {
            let explained: f64 = (0..j).map(|k| lower.at(j, k).powi(2) * pivots[k]).sum();
            let pivot = self.at(j, j) - explained;
            let says_something = pivot > LEAST_PIVOT;
            is_definite &= says_something;
            pivots[j] = if says_something { pivot } else { LEAST_PIVOT };
            for i in j + 1..size {
                let explained: f64 =
                    (0..j).map(|k| lower.at(i, k) * lower.at(j, k) * pivots[k]).sum();
                let cell = (self.at(i, j) - explained) / pivots[j];
                // Where a component follows from those before it, nothing is left to be explained by it.
                lower.set(i, j, if says_something { cell } else { 0.0 });
            }
        }
        Factored { lower, pivots, is_definite }
    }
}

/// A symmetric matrix as L D Lᵀ.
pub(super) struct Factored {
    lower: Matrix,
    pivots: Vec<f64>,
    /// Whether each component says something of its own.
    pub(super) is_definite: bool,
}

impl Factored {
    pub(super) fn log_determinant(&self) -> f64 {
        self.pivots.iter().map(|pivot| pivot.ln()).sum()
    }

    /// vᵀ A⁻¹ v.
    pub(super) fn quadratic(&self, vector: &[f64]) -> f64 {
        let forward = self.forward(vector);
        forward.iter().zip(&self.pivots).map(|(value, pivot)| value * value / pivot).sum()
    }

    /// X with X A = B.
    pub(super) fn divide(&self, b: &Matrix) -> Matrix {
        let size = self.pivots.len();
        let mut result = Matrix::zero(size);
        for row in 0..size {
            let cells: Vec<f64> = (0..size).map(|column| b.at(row, column)).collect();
            let mut solved = self.forward(&cells);
            for (value, pivot) in solved.iter_mut().zip(&self.pivots) {
                *value /= pivot;
            }
            for i in (0..size).rev() {
                let rest: f64 = (i + 1..size).map(|k| self.lower.at(k, i) * solved[k]).sum();
                solved[i] -= rest;
            }
            for (column, value) in solved.into_iter().enumerate() {
                result.set(row, column, value);
            }
        }
        result
    }

    fn forward(&self, vector: &[f64]) -> Vec<f64> {
        let mut solved = vector.to_vec();
        for i in 0..solved.len() {
            let before: f64 = (0..i).map(|k| self.lower.at(i, k) * solved[k]).sum();
            solved[i] -= before;
        }
        solved
    }
}
