//! What was seen. An [`Event`] is one thing that one visitor did at one moment: a packet, a login try, a command, a
//! request. Every room of Kizashi speaks in these types and no other; they carry no behaviour beyond naming, bounding and
//! showing, and they know neither sockets, files nor clocks.
//!
//! Text that an attacker chose is held as [`HostileText`], which is bounded when it is made and has no `Display`: it can
//! only be shown escaped. The JSON form ([`Event::to_ecs`]) follows the Elastic Common Schema 8 names where one exists.

mod address;
mod attempt;
pub mod belief;
pub mod bytes;
mod detail;
mod ecs;
mod event;
mod family;
pub mod fingerprint;
mod key;
pub mod likeness;
pub mod recognise;
mod recording;
mod service;
mod spreadsheet;
pub mod stream;
mod text;
mod time;

pub use address::{Port, Transport, canonical_ip, network_of, network_text, one_source, site_of};
pub use attempt::{Attempt, Backscatter, BackscatterKind, Outcome, Scan, ScanOrder, ScanPattern};
pub use detail::{
    AMPLIFICATION, Detail, MOST_COUNTED, Payload, PayloadHash, PayloadOrigin, Request,
};
pub use event::{Event, EventId, SessionId, Weight};
pub use family::{LONGEST_FAMILY, family_of};
pub use fingerprint::{SshOffer, http_print};
pub use key::{Key, KeyKind, ParseKeyError};
pub use likeness::Likeness;
pub use recording::{Frame, FrameKind, RecordingPart, frames};
pub use service::Service;
pub use spreadsheet::is_formula;
pub use text::{HostileText, escape_for_people};
pub use time::{ParseTimestampError, Timestamp};
