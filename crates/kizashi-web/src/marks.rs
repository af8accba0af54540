//! What the owner says of a sign: seen, silenced for a while and why, a note. It changes nothing in detection.
//!
//! `POST /api/v1/signs/{id}/mark` is one of the API's few requests that change something (the others: `settings.rs`). The guard in `access.rs` lets it through for the
//! owner's role alone and from this dashboard's own page alone; beside that it takes JSON, which no form of another page can send.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use kizashi_event::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Json};
use crate::server::App;

/// Bytes of a mark that is sent.
pub(crate) const MOST_BODY: usize = 8_192;
/// Characters of a note, and of a reason.
const LONGEST_NOTE: usize = 1_000;
/// The longest silence: a year.
const LONGEST_MUTE: i64 = 366 * Timestamp::DAY;
/// The longest id of a sign that is looked up, in bytes.
const LONGEST_ID: usize = 128;

/// What the owner said of a sign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Mark {
    /// Whether it was looked at.
    pub seen: bool,
    /// Until when it is silenced, RFC 3339; nothing where it is not.
    pub muted_until: Option<String>,
    /// Why.
    pub reason: String,
    /// A note.
    pub note: String,
    /// When this was last changed, RFC 3339.
    pub changed: String,
}

/// What is to change; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MarkChange {
    /// Seen, or not seen any more.
    pub seen: Option<bool>,
    /// Silenced until then (RFC 3339); an empty text ends the silence.
    pub muted_until: Option<String>,
    /// Why it is silenced.
    pub reason: Option<String>,
    /// The note.
    pub note: Option<String>,
}

impl Mark {
    /// The mark after a change at `now`.
    #[must_use]
    pub fn changed_by(mut self, change: &MarkChange, now: Timestamp) -> Self {
        if let Some(seen) = change.seen {
            self.seen = seen;
        }
        if let Some(until) = &change.muted_until {
            self.muted_until = (!until.is_empty()).then(|| until.clone());
            self.reason.clear();
        }
        if let Some(reason) = &change.reason {
            self.reason.clone_from(reason);
        }
        if let Some(note) = &change.note {
            self.note.clone_from(note);
        }
        self.changed = now.rfc3339();
        self
    }

    /// Whether it is silenced at a moment.
    #[must_use]
    pub fn is_muted(&self, now: Timestamp) -> bool {
        let until = self.muted_until.as_deref().and_then(|text| Timestamp::parse(text).ok());
        until.is_some_and(|until| now < until)
    }

    /// Whether it says nothing, so that it need not be kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.seen && self.muted_until.is_none() && self.note.is_empty() && self.reason.is_empty()
    }
}

impl MarkChange {
    /// Refuses what is too long, or no time, or in no sensible future of `now`.
    ///
    /// # Errors
    /// With a sentence.
    pub fn check(&self, now: Timestamp) -> Result<(), String> {
        let texts = [("note", &self.note), ("reason", &self.reason)];
        for (name, text) in texts {
            if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_NOTE) {
                return Err(format!("{name} is longer than {LONGEST_NOTE} characters: shorten it"));
            }
        }
        let Some(until) = self.muted_until.as_deref().filter(|until| !until.is_empty()) else {
            return Ok(());
        };
        match Timestamp::parse(until) {
            Ok(until) if until > now && until.since(now) <= LONGEST_MUTE => Ok(()),
            Ok(_) => Err("muted_until is not within a year from now".to_owned()),
            Err(error) => Err(format!("muted_until is {error}")),
        }
    }
}

/// What a request that changes something says, which must be JSON: no form of another page can send that. `allowed` is told where it cannot be read.
pub(crate) fn as_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &Bytes,
    allowed: &str,
) -> Result<T, ApiError> {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.split(';').next().map(str::trim) == Some("application/json"));
    if !is_json {
        let why = "send the change as JSON, with content-type: application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    serde_json::from_slice(body)
        .map_err(|_| ApiError::bad(format!("the change cannot be read: {allowed}")))
}

/// `POST /api/v1/signs/{id}/mark`.
#[utoipa::path(post, path = "/api/v1/signs/{id}/mark", tag = "signs", summary = "Say something of a sign: the owner alone",
    params(("id" = String, Path, description = "The sign's id")),
    request_body(content = MarkChange, example = json!({"seen": true, "muted_until": "2026-12-01T00:00:00Z", "reason": "our own scan"})),
    responses((status = 200, description = "What is known of it now", body = Mark, example = json!({
        "seen": true, "muted_until": "2026-12-01T00:00:00Z", "reason": "our own scan", "note": "", "changed": "2026-11-20T15:20:00.000000Z"})),
        (status = 400, description = "The change cannot be read; the answer says why"),
        (status = 403, description = "Not the owner, or another page"),
        (status = 404, description = "There is no such sign")))]
pub(crate) async fn mark(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Mark>, ApiError> {
    let change: MarkChange =
        as_json(&headers, &body, "allowed are seen, muted_until, reason and note")?;
    let nothing = || ApiError::new(StatusCode::NOT_FOUND, "there is no sign with this id");
    if id.len() > LONGEST_ID {
        return Err(nothing());
    }
    app.ask(move |observatory| observatory.mark(&id, &change)).await?.map(Json).ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    #[test]
    fn what_is_left_out_stays_and_an_empty_time_ends_the_silence() {
        let until = NOW.plus(Timestamp::DAY).rfc3339();
        let muted = MarkChange {
            muted_until: Some(until),
            reason: Some("our own scan".to_owned()),
            ..MarkChange::default()
        };
        let noted =
            MarkChange { note: Some("asked the provider".to_owned()), ..MarkChange::default() };
        let mark = Mark::default().changed_by(&muted, NOW).changed_by(&noted, NOW);
        assert!(mark.is_muted(NOW) && !mark.is_muted(NOW.plus(Timestamp::DAY)));
        assert_eq!(
            (mark.reason.as_str(), mark.note.as_str()),
            ("our own scan", "asked the provider")
        );
        let loud = MarkChange { muted_until: Some(String::new()), ..MarkChange::default() };
        let mark = mark.changed_by(&loud, NOW);
        assert!(!mark.is_muted(NOW) && mark.reason.is_empty() && !mark.is_empty());
        let cleared = MarkChange { note: Some(String::new()), ..MarkChange::default() };
        assert!(mark.changed_by(&cleared, NOW).is_empty());
    }

    #[test]
    fn no_change_is_too_long_or_lasts_for_ever() {
        let until =
            |text: &str| MarkChange { muted_until: Some(text.to_owned()), ..MarkChange::default() };
        assert!(until(&NOW.plus(Timestamp::DAY).rfc3339()).check(NOW).is_ok());
        for wrong in ["tomorrow", "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"] {
            assert!(until(wrong).check(NOW).is_err(), "{wrong}");
        }
        let long = MarkChange { note: Some("長".repeat(1_001)), ..MarkChange::default() };
        assert!(long.check(NOW).is_err());
    }
}
