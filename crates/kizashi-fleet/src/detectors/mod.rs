//! Detection divided over machines: detectors hold the parts of it ([`kizashi_signs::shares`]), the hub has the merge, and what the merge asks
//! goes over the servers as requests on each detector's own subject.
//!
//! **Who holds what.** A detector lives as long as its lease does: a key of a key-value bucket, made and renewed under its last revision, which
//! is gone by itself ten seconds after the last renewal. The hub gives all partitions to those who live, in equal shares, again whenever one
//! comes or goes. So there is one lease for each detector and not one for each partition: the hub alone asks, and whoever thinks that he holds
//! what another holds now is asked nothing, and could answer nothing that fits (each order says how much its part was told before).
//!
//! **What is lost with a detector.** Nothing: the hub has a snapshot of each part and what the part was told since ([`kizashi_signs::shares::Journal`]), gives both to another, and asks on. The snapshots are kept in the hub's store, in one transaction with the
//! merge's own state and the signs: so there is no moment at which they do not fit each other, and a copy of the hub's folder is whole.
//!
//! **Where nobody lives** the hub holds the parts itself, as it does without detectors: no sign waits for a machine that does not come.
//!
//! **Whoever answers what cannot be** (another form, other lengths, a state that cannot be read) is named in a line of the log and asked nothing
//! more for an hour. What has the right form is believed: a detector has the fleet's key for detectors, and is as trusted as the hub.

mod balance;
mod line;
mod piece;
mod serving;
mod team;

use std::sync::Arc;

use kizashi_signs::shares::{Detector, Order, Outcome, Part, Tell};
use serde::{Deserialize, Serialize};

pub use line::Line;
pub use serving::{Announced, serve};
pub use team::{Team, TeamError};

/// The bucket of the leases.
const BUCKET: &str = "KIZASHI_DETECTORS";
/// What the subjects begin with on which detectors are asked.
const SUBJECTS: &str = "kizashi.detectors.";
/// The subjects of all detectors.
pub(crate) const ASKED: &str = "kizashi.detectors.*";
/// How long a lease is good for after it was renewed.
const LEASE: std::time::Duration = std::time::Duration::from_secs(10);
/// How often it is renewed.
const RENEWED: std::time::Duration = std::time::Duration::from_secs(2);

/// Where a detector publishes to keep its lease: it finds the bucket, reads a key and writes one.
pub(crate) fn lease_subjects() -> [String; 4] {
    let stream = format!("KV_{BUCKET}");
    [
        format!("$JS.API.STREAM.INFO.{stream}"),
        format!("$JS.API.STREAM.MSG.GET.{stream}"),
        format!("$JS.API.DIRECT.GET.{stream}.>"),
        format!("$KV.{BUCKET}.*"),
    ]
}

/// What a lease says of its detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    /// Its Kizashi's version.
    version: String,
    /// The layout of what it speaks.
    layout: u32,
    /// Drawn at its start, so that it knows its own lease again.
    token: u64,
}

/// Whether hub and detector can speak with each other: they are the same release.
fn speaks(lease: &Lease) -> bool {
    lease.layout == kizashi_signs::shares::LAYOUT && lease.version == env!("CARGO_PKG_VERSION")
}

/// Any bytes as a body of a detector's, as a body of the hub's, and as a message, as a fuzzer wants it: no panic.
pub fn fuzz(bytes: &[u8]) {
    let _ = piece::Piece::read(bytes);
    for message in piece::cut(piece::Kind::Outcomes, (1, 1), bytes).into_iter().flatten() {
        let mut changed = message;
        changed.extend_from_slice(bytes);
        let _ = piece::Piece::read(&changed);
    }
    for count in 1..4 {
        for (_, outcome) in piece::outcomes_of(bytes, count).into_iter().flatten() {
            let _ = Order::Save { told: 0 }.fits(&outcome);
            let _ = Order::Look { told: 0, looks: Vec::new() }.fits(&outcome);
        }
    }
    for (_, order) in piece::orders_of(bytes).into_iter().flatten() {
        let _ = order.fits(&Outcome::Done);
    }
    let _ = serde_json::from_slice::<Lease>(bytes);
}

/// Bodies to begin with: orders and outcomes of an empty part.
#[must_use]
pub fn fuzz_seeds() -> Vec<Vec<u8>> {
    let snapshot = Detector::snapshot_of(Part::default()).unwrap_or_default();
    let tells = vec![Tell::Bin(Arc::default())];
    let orders = [
        (7, Order::Take(snapshot.clone().into())),
        (7, Order::Tell { from: 0, tells: tells.into(), answers: 0 }),
        (7, Order::Save { told: 1 }),
        (7, Order::Release),
    ];
    let outcomes = [
        (7_u16, Outcome::Saved(snapshot)),
        (7, Outcome::Answers(Vec::new())),
        (7, Outcome::Refused),
    ];
    let orders: Vec<u8> = orders.iter().filter_map(piece::entry_of).flatten().collect();
    let saved = outcomes.iter().filter_map(piece::entry_of);
    saved.chain([orders]).collect()
}
