//! Mathematics of change detection: no I/O, no clock, nothing of Kizashi's other rooms, usable alone.
//!
//! [`changefinder`] scores one series as the paper of 2006 does; [`gamma_poisson`] watches thousands of sparse count series at
//! once and keeps a promise on false alarms; [`silence`] tells which of many fell silent, under the same promise.

pub mod changefinder;
pub mod gamma_poisson;
pub mod silence;
