//! Fingerprints of a visitor's software, computed from what it sent: pure functions, so that a trap, an import and a test agree.

mod ja4h;

pub use ja4h::ja4h;
