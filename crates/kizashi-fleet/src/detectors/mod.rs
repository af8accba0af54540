//! Detection divided over machines: detectors hold the parts of it ([`kizashi_signs::shares`]), the hub has the merge, and what the merge asks
//! goes over the servers as requests on each detector's own subject.
//!
//! **Who holds what.** A detector lives as long as its lease does: a key of a key-value bucket, made and renewed under its last revision, which
//! is gone by itself ten seconds after the last renewal. The hub gives all partitions to those who live, in equal shares, again whenever one
//! comes or goes. So there is one lease for each detector and not one for each partition: the hub alone asks, and whoever thinks that he holds
//! what another holds now is asked nothing, and could answer nothing that fits (each order says how much its part was told before).
//!
//! **What is lost with a detector.** Nothing. Who holds a part puts a snapshot of it into a key-value bucket when it is asked to save (once an
//! hour, or after 36 bins), and gives the hub the same bytes. The hub takes their mark, keeps what the part was told since
//! ([`kizashi_signs::shares::Journal`]), and when the holder is gone orders another to go on from the bucket's snapshot of that mark, tells it what
//! came since, and asks on. Where the bucket has no such snapshot (it was wiped or overwritten, another hub's lies there, a save reached it whose
//! answer was lost, the servers are new) the detector says so, changes nothing, and is sent the hub's copy.
//!
//! **Why the hub has a copy.** Its store keeps the parts in one transaction with the merge's own state and the signs: so there is no moment at which
//! they do not fit each other, a copy of the hub's folder is whole, and a restart reads it as one machine's. A hub that starts therefore sends each part
//! once; from the first save on detectors go on from the bucket.
//!
//! **Where nobody lives** the hub holds the parts itself, as it does without detectors: no sign waits for a machine that does not come. What it
//! holds it does not put into the bucket: it is there to give it away itself, and nobody else could be told what came since.
//!
//! **Whoever answers what cannot be** (another form, other lengths, a state that cannot be read) is named in a line of the log and asked nothing
//! more for an hour. What has the right form is believed: a detector has the fleet's key for detectors, and is as trusted as the hub.

mod asking;
mod balance;
mod bucket;
mod desk;
mod line;
mod piece;
mod roster;
mod saved;
mod serving;
mod talk;
mod team;

use std::sync::Arc;

use kizashi_signs::shares::{Detector, Order, Outcome, Part, Tell};
use serde::{Deserialize, Serialize};

pub(crate) use bucket::MOST_BYTES as MOST_PARTS_BYTES;
use saved::Mark;
use talk::{Came, Said};

pub use line::Line;
pub use roster::{Beginnings, Fares, Roster};
pub use serving::{Announced, serve};
pub use team::{Team, TeamError};

/// The bucket of the leases.
const BUCKET: &str = "KIZASHI_DETECTORS";
/// The bucket of the parts' snapshots.
const PARTS: &str = "KIZASHI_PARTS";
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

/// Where a detector publishes to put snapshots into their bucket and to read them: it finds the bucket, reads a key and writes one.
pub(crate) fn parts_subjects() -> [String; 3] {
    let stream = format!("KV_{PARTS}");
    [
        format!("$JS.API.STREAM.INFO.{stream}"),
        format!("$JS.API.STREAM.MSG.GET.{stream}"),
        format!("$KV.{PARTS}.part.>"),
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

/// Any bytes as a body of a detector's, as a body of the hub's, as a message, and as values of the bucket, as a fuzzer wants it: no panic.
pub fn fuzz(bytes: &[u8]) {
    let _ = piece::Piece::read(bytes);
    for message in piece::cut(piece::Kind::Outcomes, (1, 1), bytes).into_iter().flatten() {
        let mut changed = message;
        changed.extend_from_slice(bytes);
        let _ = piece::Piece::read(&changed);
    }
    for count in 1..4 {
        for (_, came) in piece::outcomes_of(bytes, count).into_iter().flatten() {
            let _ = Said::Keep { told: 0 }.fits(&came);
            let _ = Said::Order(Order::Save { told: 0 }).fits(&came);
            let _ = Said::Order(Order::Look { told: 0, looks: Vec::new() }).fits(&came);
        }
    }
    for (_, said) in piece::orders_of(bytes).into_iter().flatten() {
        let _ = said.fits(&Came::Of(Outcome::Done));
    }
    if let Some(mark) = Mark::of(bytes, 0) {
        let first = saved::First::read(bytes, (7, mark));
        let _ = first.and_then(|first| saved::whole(mark, first.bytes));
        let _ = saved::whole(mark, bytes);
    }
    let _ = serde_json::from_slice::<Lease>(bytes);
}

/// Bodies to begin with: orders and outcomes of an empty part.
#[must_use]
pub fn fuzz_seeds() -> Vec<Vec<u8>> {
    let snapshot = Detector::snapshot_of(Part::default()).unwrap_or_default();
    let tells = vec![Tell::Bin(Arc::default())];
    let mark = Mark::of(&snapshot, 0);
    let mut said = vec![
        Said::Order(Order::Take(snapshot.clone().into())),
        Said::Order(Order::Tell { from: 0, tells: tells.into(), answers: 0 }),
        Said::Order(Order::Save { told: 1 }),
        Said::Order(Order::Release),
        Said::Keep { told: 0 },
    ];
    said.extend(mark.map(Said::Resume));
    let came = [
        Came::Of(Outcome::Saved(snapshot.clone())),
        Came::Of(Outcome::Answers(Vec::new())),
        Came::Of(Outcome::Refused),
        Came::Absent(saved::Absent::Other),
        Came::Kept { snapshot: snapshot.clone(), in_bucket: true },
    ];
    let entries = said.iter().filter_map(|said| piece::entry_of(&(7_u16, said)));
    let orders: Vec<u8> = entries.flatten().collect();
    let came = came.iter().filter_map(|came| piece::entry_of(&(7_u16, came)));
    let values = mark.and_then(|mark| saved::values_of(7, mark, &snapshot));
    came.chain([orders]).chain(values.unwrap_or_default()).collect()
}

/// Bytes that do not pack.
#[cfg(test)]
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
