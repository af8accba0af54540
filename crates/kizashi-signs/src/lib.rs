//! From series and alarms to a [`Sign`]: what rises, since when, who, how sure, what to do.
//!
//! [`Detection`] is the whole of it on one machine, [`Merge`] what of it many detectors have in common ([`shares`]): closed ten-minute bins of the store go in, in order of time, and signs come out. It has
//! no clock and reads nothing by itself, so that a live run and a replay of the same bins give the same signs. What a bin
//! holds is decided by the store when the bin is closed; what came later than that is counted there and never seen here.

mod advisory;
mod campaigns;
mod counts;
mod detection;
mod dossier;
mod evidence_log;
mod explanation;
mod falls;
mod fleet;
mod key_series;
mod key_watch;
mod knowledge;
mod language;
mod machine;
mod open_sign;
mod port_scores;
pub mod ports;
mod recent;
pub mod shares;
mod sign;
mod silence_text;
mod standing;
mod tail;
mod visits;

pub use advisory::{Advisory, Around, Item, Judged, Section, Step, Value, advisory, advisory_in};
pub use campaigns::{
    Action, Campaign, CampaignError, CampaignKind, Campaigns, Certainty, Mark, MarkKind, MarkSeen,
    Recognised, Recognition, Strength, Words, action,
};
pub use detection::{Closed, Comparison, Detection, DetectionError, Merge, Ongoing, Settings};
pub use evidence_log::{EvidenceDay, EvidenceLog};
pub use explanation::{Explanation, Numbers};
pub use fleet::{Fleet, FleetClosed, FleetPlan, OverAll, Scope, Seen, SeenAt, SeenPlace, united};
pub use knowledge::{Knowledge, KnowledgeError, LONGEST_KNOWLEDGE};
pub use language::Language;
pub use machine::{Machine, RealService, Relevance};
pub use port_scores::{PortScore, scored_series};
pub use sign::{Fact, Returned, Severity, Sign, SignKind, minute, plain};
pub use standing::{PortStanding, Standing};
