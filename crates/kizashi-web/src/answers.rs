//! What the API answers, in the JSON names of Kizashi's contract. Times are RFC 3339 in UTC; a number that is not finite
//! becomes `null`. Texts that attackers chose are raw here: whoever shows them escapes them.

use kizashi_event::stream::CaptureCounts;
use kizashi_event::{Key, KeyKind, Timestamp, escape_for_people};
use kizashi_signs::Advisory;
use kizashi_store::{Evidence, Overview, Ranked};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// How things stand, as the observatory knows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Status {
    /// Kizashi's version.
    pub version: String,
    /// The present moment (of a demo: of the made-up traffic).
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub now: Timestamp,
    /// Seconds since the start of the process.
    pub uptime_seconds: u64,
    /// Whether the traffic is made up.
    pub demo: bool,
    /// The store at a glance.
    pub store: StoreStatus,
    /// Where traps listen.
    pub listeners: Vec<Listener>,
    /// Series that detection watches.
    pub series_watched: u64,
    /// False alarms a week that the owner accepts.
    pub false_alarms_per_week: f64,
    /// How the trap's processes fare; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traps: Option<TrapStatus>,
}

/// How the processes that speak to attackers fare since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrapStatus {
    /// The number of the one that serves, counted from 1.
    pub process: u64,
    /// Replaced as planned or asked.
    pub renewals: u64,
    /// Ended by themselves and replaced.
    pub crashes: u64,
    /// Killed for what they tried.
    pub misbehaved: u64,
    /// Times that the process with store and dashboard had to be started again.
    pub core_restarts: u64,
    /// Protections that this kernel does not enforce, in a sentence.
    pub not_enforced: Option<String>,
    /// Sessions served.
    pub accepted: u64,
    /// Visitors past a cap.
    pub refused: u64,
    /// Those of them that were only counted.
    pub refused_untold: u64,
    /// Events lost because the store could not take them for too long.
    pub lost: u64,
    /// Events told without the content that they carried, because the store could not take that for too long.
    pub left_out: u64,
    /// How the watch over every port fares; nothing where an older version kept this.
    #[serde(default)]
    pub capture: Option<CaptureStatus>,
}

/// How the process that sees attempts to reach any port fares since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaptureStatus {
    /// Why there is none, in a sentence.
    pub off: Option<String>,
    /// Times that it ended by itself or was ended for what it said.
    pub ends: u64,
    /// What it counted.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub counts: CaptureCounts,
}

/// The store at a glance; made from [`Overview`], whose fields it has.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct StoreStatus {
    /// Events counted.
    pub events: u64,
    /// Events whose raw form is kept.
    pub events_raw: u64,
    /// Sessions opened.
    pub sessions: u64,
    /// Distinct sources ever seen.
    pub sources: u64,
    /// The first moment of all events.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub first: Option<Timestamp>,
    /// The last moment of all events.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>)]
    pub last: Option<Timestamp>,
    /// Events that came after their bin was closed.
    pub late: u64,
    /// Events with a time that cannot be.
    pub out_of_time: u64,
    /// Events lost on the way to the store.
    pub dropped: u64,
    /// Size of the database with its log, in bytes.
    pub bytes: u64,
}

impl From<Overview> for StoreStatus {
    fn from(overview: Overview) -> Self {
        Self {
            events: overview.events,
            events_raw: overview.events_raw,
            sessions: overview.sessions,
            sources: overview.sources,
            first: overview.first,
            last: overview.last,
            late: overview.late,
            out_of_time: overview.out_of_time,
            dropped: overview.dropped,
            bytes: overview.bytes,
        }
    }
}

/// One trap's listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Listener {
    /// The service: `ssh`.
    pub service: String,
    /// Where: `0.0.0.0:2222`, or `tcp/22` for people.
    pub address: String,
}

/// One row of a ranking. The optional fields are for ports and left out where nothing is known.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TopRow {
    /// The kind of key.
    #[schema(value_type = String)]
    pub kind: KeyKind,
    /// The key's text: `tcp/445`, `root`. Of most kinds chosen by attackers.
    pub key: String,
    /// What people know it as, escaped where attackers chose it.
    pub label: String,
    /// Events in the span.
    pub events: u64,
    /// Sessions opened in the span.
    pub sessions: u64,
    /// Distinct sources in the span.
    pub sources: u64,
    /// The first event ever.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub first: Timestamp,
    /// The last event ever.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub last: Timestamp,
    /// What visitors of this port usually want, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub habit: Option<String>,
    /// ChangeFinder's change score of the last closed 12-hour bin, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_daily: Option<f64>,
    /// The share of the port's own past 12-hour scores that lie below that one, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<f64>,
    /// ChangeFinder's change score of the last closed hour, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<f64>,
    /// By chance at most once in so many days: how unusual the port is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<f64>,
    /// Events of the last closed 12-hour bins, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spark: Option<Vec<u64>>,
}

impl TopRow {
    /// The row of a ranked key whose label is the key itself, escaped; fill the rest where more is known.
    #[must_use]
    pub fn of_ranked(ranked: &Ranked) -> Self {
        Self {
            kind: ranked.key.kind,
            key: ranked.key.text.to_string(),
            label: escape_for_people(&ranked.key.text),
            events: ranked.events,
            sessions: ranked.sessions,
            sources: ranked.sources,
            first: ranked.first,
            last: ranked.last,
            habit: None,
            half_daily: None,
            rank: None,
            hourly: None,
            days: None,
            spark: None,
        }
    }
}

/// One key's series with its scores.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Series {
    /// The key, in the form that the API takes.
    #[serde(serialize_with = "key_text")]
    #[schema(value_type = String)]
    pub key: Key,
    /// What people know it as, escaped where attackers chose it.
    pub label: String,
    /// Seconds a bin.
    pub bin_seconds: i64,
    /// One point a bin, oldest first, bins without events included.
    pub points: Vec<ScoredPoint>,
    /// The signs raised on this key within the span, oldest first.
    pub signs: Vec<SignMark>,
    /// Whether the last bin is over.
    pub complete: bool,
}

/// One bin of a series with its scores, each where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ScoredPoint {
    /// The start of the bin.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub start: Timestamp,
    /// Events in it.
    pub events: u64,
    /// Distinct sources in it.
    pub sources: u64,
    /// ChangeFinder's outlier score, in nats.
    pub outlier: Option<f64>,
    /// ChangeFinder's change-point score, in nats.
    pub changefinder: Option<f64>,
    /// The share of the series' own past change scores that lie below that one, 0 to 1.
    pub rank: Option<f64>,
    /// By chance at most once in so many days.
    pub days: Option<f64>,
}

/// Where a sign stands on a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SignMark {
    /// The sign's id.
    pub id: String,
    /// When the change began.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// When it was raised.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String)]
    pub detected: Timestamp,
    /// `low`, `medium` or `high`.
    pub severity: String,
}

/// One sign with its advisory and what its visitors did.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SignPage {
    /// The sign in the JSON form of the contract.
    #[schema(value_type = Object)]
    pub sign: Value,
    /// What to tell a person.
    #[schema(value_type = Object)]
    pub advisory: Advisory,
    /// What its visitors did, raw.
    #[schema(value_type = Object)]
    pub evidence: Evidence,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(crate) fn moment<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time.rfc3339())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(crate) fn maybe_moment<S: Serializer>(
    time: &Option<Timestamp>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => moment(time, to),
        None => to.serialize_none(),
    }
}

fn key_text<S: Serializer>(key: &Key, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(key)
}
