//! The embedded event store: one SQLite file (WAL) with one writer, rollups kept in the same transaction as the events, and
//! readers that never scan. See `ARCHITECTURE.md` for the tables and why they are so.

mod types;

pub use types::{
    ClosedBin, Evidence, Overview, PortBin, Ranked, SeriesPoint, Span, StoredSign,
};
