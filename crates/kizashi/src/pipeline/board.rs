//! Where detection leaves how things stand, for whoever draws it, and where it finds the promise that the owner wished: locks that are held
//! only to swap a pointer or a number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use kizashi_signs::Standing;

/// How things stand at the last closed ten minutes.
#[derive(Debug, Default)]
pub(crate) struct Board {
    standing: RwLock<Arc<Standing>>,
    series: AtomicU64,
    promise: Mutex<Promise>,
}

/// False alarms a week that are accepted.
#[derive(Clone, Copy, Debug, Default)]
struct Promise {
    /// What holds.
    holds: f64,
    /// What shall hold from the next closed ten minutes on.
    wished: Option<f64>,
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

    /// False alarms a week that hold, or will from the next closed ten minutes on.
    pub(crate) fn promise(&self) -> f64 {
        let promise = self.promise.lock().unwrap_or_else(PoisonError::into_inner);
        promise.wished.unwrap_or(promise.holds)
    }

    /// So many shall hold.
    pub(crate) fn wish(&self, false_alarms_per_week: f64) {
        let mut promise = self.promise.lock().unwrap_or_else(PoisonError::into_inner);
        promise.wished = Some(false_alarms_per_week);
    }

    /// What is wished, which the caller makes hold.
    pub(super) fn take_wish(&self) -> Option<f64> {
        self.promise.lock().unwrap_or_else(PoisonError::into_inner).wished.take()
    }

    /// So many hold.
    pub(super) fn holds(&self, false_alarms_per_week: f64) {
        let mut promise = self.promise.lock().unwrap_or_else(PoisonError::into_inner);
        promise.holds = false_alarms_per_week;
    }

    /// Series that detection watches.
    pub(crate) fn series_watched(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }
}
