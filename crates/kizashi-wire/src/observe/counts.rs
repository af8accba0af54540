//! What was seen, in numbers: every frame is in exactly one of them or in what became of it, so that nothing is dropped untold.

use serde::Serialize;

use super::victims::Backscatter;
use crate::dissect::Faults;

/// Counts of an observation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Frames read.
    pub frames: u64,
    /// Bytes of them that were captured.
    pub bytes: u64,
    /// Frames of which not all bytes were captured.
    pub cut: u64,
    /// Frames of a link type that cannot be read.
    pub unknown_link: u64,
    /// Frames that carry no IP.
    pub not_ip: u64,
    /// Frames too broken to be anything.
    pub broken: u64,
    /// Packets between others, to many, or among ourselves.
    pub elsewhere: u64,
    /// Packets to us.
    pub inbound: u64,
    /// Packets from us.
    pub outbound: u64,
    /// Later pieces of packets to us.
    pub fragments: u64,
    /// Packets to us of transports other than TCP, UDP and ICMP.
    pub other_transports: u64,
    /// What is wrong with packets, by kind.
    pub faults: Faults,
    /// Attempts to open a TCP connection, by outcome.
    pub tcp: TcpCounts,
    /// Flows of datagrams that visitors began.
    pub udp_flows: u64,
    /// Datagrams to us.
    pub udp_datagrams: u64,
    /// Requests by ICMP, each flow of them once.
    pub icmp_requests: u64,
    /// Packets that answer what we never sent: somebody elsewhere is attacked in our name.
    pub backscatter: Backscatter,
    /// Connections and flows that we began ourselves.
    pub ours: u64,
    /// Segments of connections whose beginning was not seen.
    pub strays: u64,
    /// Conversations of which content was kept.
    pub conversations: u64,
    /// Bytes of it.
    pub kept_bytes: u64,
    /// Flows and conversations that went before their time because there was no room.
    pub displaced: u64,
    /// Scans.
    pub scans: u64,
    /// Events made.
    pub events: u64,
}

/// Attempts to open a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TcpCounts {
    /// Segments to us that begin a connection, repeats too.
    pub syn_segments: u64,
    /// Those that repeat one.
    pub repeats: u64,
    /// Segments to us that begin nothing that any system sends: without flags, FIN alone, all at once.
    pub odd_probes: u64,
    /// Nothing came back.
    pub unanswered: u64,
    /// Refused.
    pub refused: u64,
    /// Answered and left.
    pub half_open: u64,
    /// Opened.
    pub completed: u64,
}
