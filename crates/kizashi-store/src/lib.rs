//! The embedded event store: one SQLite file (WAL) with one writer, rollups kept in the same transaction as the events, and
//! readers that answer from rollups or an index. The tables are told in `schema.rs`.
//!
//! [`Store`] writes, on a thread of its own; [`Reader`] reads, also while another process writes. Committed is what is at
//! most a second old; whatever kills the process, the file needs no repair.

mod codes;
pub mod columnar;
mod error;
pub mod history;
mod mask;
pub mod places;
mod private_files;
mod reader;
mod schema;
#[cfg(test)]
mod scratch;
mod settings;
mod sketch;
mod types;
mod writer;

pub use error::StoreError;
pub use places::{CountryCode, Places, PlacesError, country_name};
pub use reader::{
    BinLength, Filter, FoundEvents, MOST_POINTS, Reader, SensorPorts, StoredSensor, Term,
};
pub use settings::{BySensor, Mode, Retention, Settings};
pub use types::{
    ClosedBin, Evidence, KeyBin, Overview, PortBin, Ranked, SeriesPoint, Span, StoredPayload,
    StoredSession, StoredSign,
};
pub use writer::{Cleared, Inlet, Maintenance, Store};
