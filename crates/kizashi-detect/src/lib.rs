//! Mathematics of change detection: no I/O, no clock, nothing of Kizashi's other rooms, usable alone.

pub mod changefinder;
