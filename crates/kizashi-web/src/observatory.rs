//! What the dashboard asks for, as a trait, so that this room knows neither SQL nor detection and can be tested over made-up
//! answers. The methods block (they read a database); they are called on threads made for that, a few at a time.

use kizashi_event::{Event, Key, KeyKind, SessionId, Timestamp};
use kizashi_signs::Language;
use kizashi_store::{BinLength, SeriesPoint, Span};
use serde_json::Value;

use crate::{
    Captured, Channels, Condition, DetectorRow, ItemPage, KnownList, Mark, MarkChange, OwnSettings,
    Search, SearchPage, SensorHours, SensorPorts, SensorRow, Series, SessionPage, SessionRow,
    SettingsChange, SignPage, Status, TopRow,
};

/// Why something could not be read. Each text is one sentence for the owner: what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The request cannot be answered as it is (such as a span too long for its bin); answered with 400.
    #[error("{0}")]
    Unanswerable(String),
    /// The store failed; answered with 500 and logged.
    #[error("{0}")]
    Failed(String),
}

/// What is shared with another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedDocument {
    /// The status of the answer.
    pub status: u16,
    /// The kind of content.
    pub content_type: &'static str,
    /// Headers beside it.
    pub headers: Vec<(&'static str, String)>,
    /// The content.
    pub body: String,
}

/// Where everything shown is read from. Methods may block for seconds; they must not panic on any argument.
pub trait Observatory: Send + Sync + 'static {
    /// How things stand.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn status(&self) -> Result<Status, ReadError>;

    /// The `limit` keys of a kind with the most events in a span, most first. `limit` is 1 to 1,000.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn top(&self, kind: KeyKind, span: Span, limit: usize) -> Result<Vec<TopRow>, ReadError>;

    /// A key's counts and scores, dense: one point a bin, oldest first. A span with an open end reaches to the first or the
    /// last event. A key that was never seen has a series without points. Scores may start at the span's beginning: the page
    /// asks for more than it shows, so that they have settled.
    ///
    /// # Errors
    /// When the store cannot be read, or the span holds too many bins.
    fn series(&self, key: &Key, bin: BinLength, span: Span) -> Result<Series, ReadError>;

    /// A key's counts alone, dense, as [`Self::series`] without scores, which take a look at the whole past.
    ///
    /// # Errors
    /// When the store cannot be read, or the span holds too many bins.
    fn counts(&self, key: &Key, bin: BinLength, span: Span) -> Result<Vec<SeriesPoint>, ReadError> {
        let series = self.series(key, bin, span)?;
        let point = |point: crate::ScoredPoint| SeriesPoint {
            start: point.start,
            events: point.events,
            sessions: 0,
            sources: point.sources,
        };
        Ok(series.points.into_iter().map(point).collect())
    }

    /// The latest `limit` signs, newest first, each in the JSON form of the contract. `limit` is 1 to 500.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn signs(&self, limit: usize) -> Result<Vec<Value>, ReadError>;

    /// One sign with what is known of it, told in a language; `None` when there is no such sign.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sign(&self, id: &str, language: Language) -> Result<Option<SignPage>, ReadError>;

    /// The latest `limit` events, newest first. `limit` is 1 to 200.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn recent(&self, limit: usize) -> Result<Vec<Event>, ReadError>;

    /// The latest `limit` sessions worth seeing again that began in a span, newest first; with `command` those in which a line
    /// holds this text. `limit` is 1 to 500. Who keeps no sessions has none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sessions(
        &self,
        _command: Option<&str>,
        _span: Span,
        _limit: usize,
    ) -> Result<Vec<SessionRow>, ReadError> {
        Ok(Vec::new())
    }

    /// What is shared under a path below `/share/`, with the pairs of its query; `None` where nothing is. Who shares nothing has none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn shared(
        &self,
        _path: &str,
        _query: &[(String, String)],
    ) -> Result<Option<SharedDocument>, ReadError> {
        Ok(None)
    }

    /// One of them with its recording; `None` when there is no such session.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn session(&self, _id: SessionId) -> Result<Option<SessionPage>, ReadError> {
        Ok(None)
    }

    /// What the process knows of itself and its settings.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn condition(&self) -> Result<Condition, ReadError> {
        Ok(Condition::default())
    }

    /// A page of a ranking; of fingerprints those of one kind (`of`), which have no pages. `offset` and `limit` together are at
    /// most 6,000.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn ranking(
        &self,
        kind: KeyKind,
        _of: Option<&str>,
        span: Span,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<TopRow>, ReadError> {
        Ok(self.top(kind, span, offset.saturating_add(limit))?.into_iter().skip(offset).collect())
    }

    /// All that is known of one key.
    ///
    /// # Errors
    /// When the store cannot be read, or this observatory knows nothing of single keys.
    fn item(&self, _key: &Key) -> Result<ItemPage, ReadError> {
        Err(not_here())
    }

    /// Captured content, the latest kept first. `limit` is 1 to 500.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn captured(&self, _limit: usize) -> Result<Vec<Captured>, ReadError> {
        Ok(Vec::new())
    }

    /// Captured content, whole: for the owner alone, as digits. `None` where there is none, or it is not kept any more.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn content(&self, _sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(None)
    }

    /// The same as a zip of one file that opens with the field's password.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sample(&self, _sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(None)
    }

    /// Sensors side by side, the latest heard first; at a fleet's hub the silent ones before all others. A thousand at most.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sensors(&self) -> Result<Vec<SensorRow>, ReadError> {
        Ok(Vec::new())
    }

    /// The detectors of a hub that gives them parts of detection, in the order of names.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn detectors(&self) -> Result<Vec<DetectorRow>, ReadError> {
        Ok(Vec::new())
    }

    /// Events of one sensor in each of so many hours, 1 to 2,160, up to the one that holds `until`, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sensor_hours(
        &self,
        _sensor: &str,
        _until: Timestamp,
        hours: u16,
    ) -> Result<SensorHours, ReadError> {
        Ok(SensorHours { start: Timestamp::from_seconds(0), hours: vec![0; usize::from(hours)] })
    }

    /// The ports of one sensor with the most events, by its latest single events. `limit` is 1 to 500.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sensor_ports(
        &self,
        _sensor: &str,
        _span: Span,
        _limit: usize,
    ) -> Result<SensorPorts, ReadError> {
        Ok(SensorPorts::default())
    }

    /// The keys of a kind that one sensor's latest single events carry, most events first; of fingerprints those of one kind (`of`).
    /// `limit` is 1 to 500.
    ///
    /// # Errors
    /// When the store cannot be read, or this kind is not told of a sensor.
    fn sensor_ranking(
        &self,
        _sensor: &str,
        _kind: KeyKind,
        _of: Option<&str>,
        _span: Span,
        _limit: usize,
    ) -> Result<SensorPorts, ReadError> {
        Ok(SensorPorts::default())
    }

    /// How much of public lists of names and passwords was tried.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lists(&self) -> Result<Vec<KnownList>, ReadError> {
        Ok(Vec::new())
    }

    /// What fits a search, events before `before` where that is given. `limit` is 1 to 200.
    ///
    /// # Errors
    /// When the store cannot be read, or this observatory cannot search.
    fn search(
        &self,
        _search: &Search,
        _before: Option<Timestamp>,
        _limit: usize,
    ) -> Result<SearchPage, ReadError> {
        Err(not_here())
    }

    /// Keys of a kind that begin with or hold a text, most events first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn keys_like(
        &self,
        _kind: KeyKind,
        _text: &str,
        _limit: usize,
    ) -> Result<Vec<TopRow>, ReadError> {
        Ok(Vec::new())
    }

    /// What can be set on the page.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn settings(&self) -> Result<OwnSettings, ReadError> {
        Ok(OwnSettings::default())
    }

    /// Sets something, and says what holds then.
    ///
    /// # Errors
    /// When the change cannot be, or the store cannot be written.
    fn set(&self, _change: &SettingsChange) -> Result<OwnSettings, ReadError> {
        Err(not_here())
    }

    /// Whom signs are told to; nobody where nothing is told.
    ///
    /// # Errors
    /// When that cannot be read.
    fn channels(&self) -> Result<Channels, ReadError> {
        Ok(Channels::default())
    }

    /// Asks for a test of all channels, and says what is known of it.
    ///
    /// # Errors
    /// When nobody is told, or the test cannot be asked for.
    fn test_channels(&self) -> Result<Channels, ReadError> {
        Err(not_here())
    }

    /// Changes what the owner says of a sign; `None` when there is no such sign.
    ///
    /// # Errors
    /// When the change cannot be, or the store cannot be written.
    fn mark(&self, _id: &str, _change: &MarkChange) -> Result<Option<Mark>, ReadError> {
        Err(not_here())
    }
}

fn not_here() -> ReadError {
    ReadError::Unanswerable("this dashboard cannot do that".to_owned())
}
