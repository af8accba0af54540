//! How detectors are judged: traffic with campaigns of known onset, the detectors that Kizashi's own is compared with, and one
//! scoring for all of them.
//!
//! [`synthetic`] makes traffic, [`exported`] reads that of the Python generator, [`background`] lays campaigns over real traffic;
//! [`detectors`] score it and [`scoring`] finds thresholds, recall, delay and false alarms. The program `kizashi-bench` prints the
//! table of all. [`nulls`] is the other half: what is told where nothing happens. [`shell`] and [`services`] judge the traps. Nothing here is part of Kizashi as it is installed.

pub mod background;
pub mod campaign;
pub mod chance;
pub mod detectors;
pub mod exported;
pub mod matrix;
pub mod model;
pub mod nulls;
pub mod parallel;
pub mod promise;
pub mod scoring;
pub mod services;
pub mod shell;
pub mod synthetic;
pub mod table;
pub mod traffic;
