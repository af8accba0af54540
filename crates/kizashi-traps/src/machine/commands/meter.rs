//! How much one call of a command may still compute. A command is a function that cannot stop in its middle, so what it does is counted in
//! units of some ten nanoseconds; when they are used up it gives up what it made so far, and the shell's line is ended as the kernel ends
//! a process that takes too much. What was used is charged to the line afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Units of one call: about 15 ms in a release build.
const CALL: u32 = 1_500_000;
/// Units that are as long as one step of the interpreter.
const STEP: u32 = 250;

/// The units that are left, shared by everything that works for the call.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Arc<AtomicU32>);

impl Default for Meter {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(CALL)))
    }
}

impl Meter {
    /// A new call begins.
    pub(crate) fn refill(&self) {
        self.0.store(CALL, Ordering::Relaxed);
    }

    /// Uses units; whether there are any left.
    pub(crate) fn take(&self, units: usize) -> bool {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let left = self.0.load(Ordering::Relaxed).saturating_sub(units);
        self.0.store(left, Ordering::Relaxed);
        left > 0
    }

    pub(crate) fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// Uses up all that is left: what was asked for would take for ever.
    pub(crate) fn exhaust(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The interpreter's steps that the call took so far.
    pub(crate) fn steps(&self) -> u32 {
        (CALL - self.left().min(CALL)) / STEP
    }
}
