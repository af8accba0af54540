//! The parameters of the API's requests. What is wrong is refused with a sentence that says what is allowed; a limit above
//! its cap is brought down to it.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use kizashi_event::{Key, KeyKind, Timestamp};
use kizashi_signs::Language;
use kizashi_store::Span;
use serde::Deserialize;

use crate::error::ApiError;
use kizashi_store::BinLength;

/// Rows of a ranking at most.
pub(crate) const MOST_ROWS: usize = 1_000;
/// Signs in a list at most.
pub(crate) const MOST_SIGNS: usize = 500;
/// Events in a list at most.
pub(crate) const MOST_EVENTS: usize = 200;
/// Sessions in a list at most.
pub(crate) const MOST_SESSIONS: usize = 500;
/// Characters of a text that command lines are searched for.
const LONGEST_SEARCH: usize = 200;
/// Characters of a sensor's name.
const LONGEST_SENSOR: usize = 200;
/// Bins of a series at most: half a year of ten minutes.
pub(crate) const MOST_BINS: i64 = 26_352;

/// What can stand after the question mark. Every request takes some of it and ignores none silently: a name that nothing
/// takes is refused.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) kind: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) bin: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) limit: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) of: Option<String>,
    pub(crate) offset: Option<String>,
    pub(crate) q: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) sensor: Option<String>,
}

/// The parameters, or why they could not be read.
pub(crate) type Read = Result<Query<Parameters>, QueryRejection>;

/// Unpacks what the extractor gave.
pub(crate) fn parameters(read: Read) -> Result<Parameters, ApiError> {
    read.map(|Query(parameters)| parameters).map_err(|_| {
        ApiError::bad("these parameters cannot be read: allowed are kind, key, bin, since, until, limit, command, of, offset, q, before, lang and sensor, each once")
    })
}

impl Parameters {
    pub(crate) fn kind(&self) -> Result<KeyKind, ApiError> {
        let name = self.kind.as_deref().unwrap_or(KeyKind::Port.plural());
        KeyKind::from_name(name).ok_or_else(|| {
            let kinds = KeyKind::ALL.map(KeyKind::plural).join(", ");
            ApiError::bad(format!("there is no such kind: allowed are {kinds}"))
        })
    }

    pub(crate) fn key(&self) -> Result<Key, ApiError> {
        let key =
            self.key.as_deref().ok_or_else(|| ApiError::bad("key is missing: such as tcp/445"))?;
        key.parse().map_err(|error: kizashi_event::ParseKeyError| ApiError::bad(error.to_string()))
    }

    pub(crate) fn bin(&self) -> Result<BinLength, ApiError> {
        let name = self.bin.as_deref().unwrap_or(BinLength::HalfDay.name());
        BinLength::from_name(name).ok_or_else(|| {
            let bins = BinLength::ALL.map(BinLength::name).join(", ");
            ApiError::bad(format!("there is no such bin: allowed are {bins}"))
        })
    }

    pub(crate) fn span(&self) -> Result<Span, ApiError> {
        let moment = |text: &Option<String>| text.as_deref().map(Timestamp::parse).transpose();
        let read = |text| {
            moment(text).map_err(|error| ApiError::bad(format!("since or until is {error}")))
        };
        let span = Span { since: read(&self.since)?, until: read(&self.until)? };
        match (span.since, span.until) {
            (Some(since), Some(until)) if since >= until => {
                Err(ApiError::bad("since is not before until: exchange them"))
            }
            _ => Ok(span),
        }
    }

    /// The span of a series, refused when both its ends are known and it holds more than [`MOST_BINS`].
    pub(crate) fn span_of(&self, bin: BinLength) -> Result<Span, ApiError> {
        let span = self.span()?;
        if let (Some(since), Some(until)) = (span.since, span.until)
            && until.since(since) / (bin.micros()) > MOST_BINS
        {
            return Err(ApiError::bad(format!(
                "the span holds more than {MOST_BINS} bins: ask for less or for longer bins"
            )));
        }
        Ok(span)
    }

    pub(crate) fn language(&self) -> Result<Language, ApiError> {
        let Some(code) = self.lang.as_deref() else { return Ok(Language::English) };
        Language::from_code(code).ok_or_else(|| ApiError::bad("lang is en or ja"))
    }

    pub(crate) fn command(&self) -> Result<Option<String>, ApiError> {
        match &self.command {
            Some(text) if text.chars().count() > LONGEST_SEARCH => {
                Err(ApiError::bad(format!("command is longer than {LONGEST_SEARCH} characters")))
            }
            text => Ok(text.clone().filter(|text| !text.is_empty())),
        }
    }

    /// Which fingerprints.
    pub(crate) fn of(&self) -> Result<Option<String>, ApiError> {
        let is_name = |text: &String| {
            text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        match &self.of {
            Some(text) if !is_name(text) => {
                Err(ApiError::bad("of is no kind of fingerprint: such as os or ja4"))
            }
            text => Ok(text.clone()),
        }
    }

    /// Places left out.
    pub(crate) fn offset(&self, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.offset.as_deref() else { return Ok(0) };
        let offset = text.parse::<usize>().ok().filter(|offset| *offset <= most);
        offset.ok_or_else(|| ApiError::bad(format!("offset is not a number from 0 to {most}")))
    }

    /// What is searched for.
    pub(crate) fn q(&self) -> &str {
        self.q.as_deref().unwrap_or("")
    }

    /// Which sensor.
    pub(crate) fn sensor(&self) -> Result<String, ApiError> {
        let allowed = |name: &&String| !name.is_empty() && name.chars().count() <= LONGEST_SENSOR;
        let wrong = || {
            ApiError::bad(format!("sensor is missing or longer than {LONGEST_SENSOR} characters"))
        };
        self.sensor.as_ref().filter(allowed).cloned().ok_or_else(wrong)
    }

    /// The same where one may be left out.
    pub(crate) fn maybe_sensor(&self) -> Result<Option<String>, ApiError> {
        self.sensor.as_ref().map(|_| self.sensor()).transpose()
    }

    /// Where a search goes on.
    pub(crate) fn before(&self) -> Result<Option<Timestamp>, ApiError> {
        let read = self.before.as_deref().map(Timestamp::parse).transpose();
        read.map_err(|error| ApiError::bad(format!("before is {error}")))
    }

    pub(crate) fn limit(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.limit.as_deref() else { return Ok(default) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number too large for a usize is above every cap.
        let limit = text.parse().unwrap_or(usize::MAX);
        if !digits || limit == 0 {
            return Err(ApiError::bad(format!("limit is not a number from 1 to {most}")));
        }
        Ok(limit.min(most))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(change: impl FnOnce(&mut Parameters)) -> Parameters {
        let mut parameters = Parameters::default();
        change(&mut parameters);
        parameters
    }

    #[test]
    fn a_limit_is_capped_and_nonsense_refused() {
        let limit =
            |text: &str| with(|p| p.limit = Some(text.to_owned())).limit(20, MOST_ROWS).ok();
        assert_eq!(limit("7"), Some(7));
        assert_eq!(limit("1001"), Some(MOST_ROWS));
        assert_eq!(limit("99999999999999999999999999"), Some(MOST_ROWS));
        for wrong in ["0", "-1", "", "+3", "many", "1e3"] {
            assert_eq!(limit(wrong), None, "{wrong}");
        }
        assert_eq!(Parameters::default().limit(20, MOST_ROWS), Ok(20));
    }

    #[test]
    fn a_span_must_run_forward_and_fit_its_bin() {
        let span = |since: &str, until: &str, bin| {
            with(|p| (p.since, p.until) = (Some(since.to_owned()), Some(until.to_owned())))
                .span_of(bin)
        };
        assert!(
            span("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", BinLength::TenMinutes).is_ok()
        );
        assert!(
            span("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", BinLength::TenMinutes).is_err()
        );
        assert!(
            span("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z", BinLength::TenMinutes).is_err()
        );
        assert!(span("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z", BinLength::Day).is_ok());
        assert!(span("yesterday", "2026-01-01T00:00:00Z", BinLength::Day).is_err());
    }

    proptest! {
        #[test]
        fn no_parameter_however_hostile_panics(text in ".{0,200}") {
            let hostile = Some(text);
            let parameters = Parameters {
                kind: hostile.clone(),
                key: hostile.clone(),
                bin: hostile.clone(),
                since: hostile.clone(),
                until: hostile.clone(),
                limit: hostile.clone(),
                command: hostile.clone(),
                of: hostile.clone(),
                offset: hostile.clone(),
                q: hostile.clone(),
                before: hostile.clone(),
                lang: hostile.clone(),
                sensor: hostile,
            };
            let _ = parameters.sensor();
            let _ = parameters.language();
            let _ = (parameters.of(), parameters.offset(9), parameters.before());
            let _ = (parameters.kind(), parameters.key(), parameters.bin(), parameters.command());
            let _ = parameters.span_of(BinLength::TenMinutes);
            if let Ok(limit) = parameters.limit(20, MOST_EVENTS) {
                prop_assert!((1..=MOST_EVENTS).contains(&limit));
            }
        }
    }
}
