//! Where detection leaves how things stand, for whoever draws it: one lock, held only to swap a pointer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use kizashi_signs::Standing;

/// How things stand at the last closed ten minutes.
#[derive(Debug, Default)]
pub(crate) struct Board {
    standing: RwLock<Arc<Standing>>,
    series: AtomicU64,
}

impl Board {
    /// Puts up a new state.
    pub(crate) fn show(&self, standing: Standing, series: usize) {
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(standing);
        self.series.store(series as u64, Ordering::Relaxed);
    }

    /// The state that is up.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Series that detection watches.
    pub(crate) fn series_watched(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }
}
