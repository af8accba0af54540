//! Packets: capture files read, frames taken apart, attempts per port and source told as events, systems and scanners known by their
//! first segment.
//!
//! Bytes flow one way: a capture gives frames ([`CaptureReader`]), a frame is taken apart without a copy ([`dissect`]), an
//! [`Observer`] makes events of what it saw, and [`import`] and [`follow`] lead files through that. A ring of the kernel would feed
//! the same observer.
//!
//! Never here: a clock, a network, a write to any file, threads. Every byte of a packet is a stranger's: no length is believed,
//! nothing panics, memory is bounded whatever comes.

mod capture;
mod dissect;
mod follow;
mod fuzzing;
mod import;
pub mod names;
mod observe;
mod passive;

pub use capture::{Broken, CaptureReader, Next, is_capture};
pub use dissect::{
    Body, Checksum, Datagram, Dissected, Fault, Faults, Flags, Fragment, Frame, IcmpMessage,
    IpHeader, LinkType, Packet, Segment, TcpHeader, TcpOptions, dissect,
};
pub use follow::{Pause, follow, is_followable};
pub use import::{
    CaptureReport, WireError, begins_capture, import, import_reader, looks_like_capture,
};
pub use observe::{
    Backscatter, Counts, Observer, Options, ParsePrefixError, Prefix, Sink, TcpCounts,
};
pub use passive::{
    CookieTrail, Scanner, Syn, distance, initial_time_to_live, ja4t, scanner_of, signature,
    system_of,
};

/// See `fuzz/src/lib.rs`.
pub mod fuzz {
    pub use crate::fuzzing::{capture, frame};
    pub use crate::names::fuzz as names;
}
