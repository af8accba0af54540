//! Packets: capture files read, frames taken apart, attempts per port and source told as events, systems and scanners known by their
//! first segment.
//!
//! Bytes flow one way: a capture gives frames ([`CaptureReader`]), a frame is taken apart without a copy ([`dissect`]), an
//! [`Observer`] makes events of what it saw, and [`import`] and [`follow`] lead files through that. [`live`] feeds the same observer
//! from a ring of the kernel.
//!
//! Never here: a clock, a byte sent to any network, a write to any file, threads. Every byte of a packet is a stranger's: no length is believed,
//! nothing panics, memory is bounded whatever comes.

mod capture;
mod dissect;
mod follow;
mod frames;
mod fuzzing;
mod import;
pub mod live;
pub mod names;
mod observe;
mod passive;

pub use capture::{Broken, CaptureReader, CaptureWriter, Next, is_capture};
pub use dissect::{
    Body, Checksum, Datagram, Dissected, Fault, Faults, Flags, Fragment, Frame, IcmpMessage,
    IpHeader, LinkType, Packet, Segment, TcpHeader, TcpOptions, dissect,
};
pub use follow::{Pause, follow, is_followable};
pub use frames::{End, FirstSegment, Flow, bare_datagram, bare_message, first_segment};
pub use import::{
    CaptureReport, WireError, begins_capture, import, import_reader, looks_like_capture,
};
pub use observe::{
    Answers, Attacked, Backscatter, Counts, Observer, Options, ParsePrefixError, Ports, Prefix,
    ServiceCounts, Sink, TcpCounts,
};
pub use passive::{
    Clock, CookieTrail, Scanner, Syn, distance, initial_time_to_live, largest_packet, scanner_of,
    signature, system_of, tcp_print, tells_uptime,
};

/// See `fuzz/src/lib.rs`.
pub mod fuzz {
    pub use crate::fuzzing::{capture, frame};
    pub use crate::names::fuzz as names;
}
