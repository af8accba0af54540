//! The detectors of the table, one file each. All see the same counts; each gives a score a port and evaluation, larger for more
//! reason to believe in a rise.

mod bocpd;
mod changefinder;
mod dshield;
mod focus;
mod gpe;
mod oracle;
mod robust_z;
mod watch;

pub use bocpd::bocpd;
pub use changefinder::{Tuning, WarmTuning, changefinder, grid, warm_changefinder, warm_grid};
pub use dshield::dshield_trend;
pub use focus::focus;
pub use gpe::gpe;
pub use oracle::{level_around, oracle};
pub use robust_z::robust_z;
pub use watch::{Learned, Told, learn, told};
