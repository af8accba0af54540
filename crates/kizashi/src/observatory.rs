//! What the dashboard asks for, answered from the store and from what detection has put on its board.

mod condition;
mod items;
mod lists;
mod marks;
mod search;
mod sensors;
mod settings;
mod traps;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use kizashi_event::{Event, Key, KeyKind, SessionId, Timestamp, escape_for_people};
use kizashi_signs::ports::port_info;
use kizashi_signs::{Around, Campaigns, Language, Machine, Sign, advisory_in};
use kizashi_store::{
    BinLength, Inlet, Places, Ranked, Reader, SeriesPoint, Span, StoreError, StoredSign,
    country_name,
};
use kizashi_web::{
    Captured as CapturedContent, Channels, Condition, DetectorRow, ItemPage, KnownList, Mark,
    MarkChange, Observatory, OwnSettings, ReadError, ScoredPoint, Search, SearchPage, SensorHours,
    SensorPorts, SensorRow, Series, SessionPage, SessionRow, SettingsChange, SharedDocument,
    SignMark, SignPage, Status, TopRow,
};
use serde_json::Value;

use crate::failure::Failure;
use crate::pipeline::Board;
use crate::playback::Playback;
use crate::scored;
use crate::shared::Sharing;
use crate::stream::{Captured, Counted};
use crate::supervisor::messages::Health;

pub(crate) use condition::Own;
pub(crate) use marks::marks_in;
pub(crate) use settings::Told;
pub(crate) use traps::Switches;

/// Signs looked through for those of one key.
const SIGNS_SEARCHED: usize = 2_000;

/// The store, the board and what is fixed from the start.
pub(crate) struct StoreObservatory {
    pub(crate) folder: PathBuf,
    pub(crate) board: Arc<Board>,
    pub(crate) inlet: Inlet,
    pub(crate) settings: kizashi_signs::Settings,
    pub(crate) places: Arc<Places>,
    /// What signs are recognised as.
    pub(crate) campaigns: Arc<Campaigns>,
    /// What this machine runs, where its owner let it be looked at.
    pub(crate) machine: Option<Machine>,
    /// Which traps stand where.
    pub(crate) switches: Arc<Switches>,
    pub(crate) demo: bool,
    pub(crate) started: Instant,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Open connections that nobody is reading with.
    pub(crate) idle: Mutex<Vec<Reader>>,
    /// How the trap's processes fare; a demo has none.
    pub(crate) health: Option<Arc<TrapHealth>>,
    /// What the process knows of itself, and what its owner said of signs.
    pub(crate) own: Own,
    /// What other programs are given; a demo gives nothing.
    pub(crate) sharing: Option<Arc<Sharing>>,
}

/// How the trap's processes fare: what the supervisor tells and what they count themselves.
#[derive(Default)]
pub(crate) struct TrapHealth {
    told: Mutex<Health>,
    counted: Arc<Counted>,
    captured: Arc<Captured>,
}

impl TrapHealth {
    /// Takes what the supervisor tells.
    pub(crate) fn show(&self, health: Health) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Where counts of the traps go.
    pub(crate) fn counted(&self) -> Arc<Counted> {
        Arc::clone(&self.counted)
    }

    /// Where counts of the capture go.
    pub(crate) fn captured(&self) -> Arc<Captured> {
        Arc::clone(&self.captured)
    }

    /// All together, for people.
    pub(crate) fn now(&self) -> kizashi_web::TrapStatus {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counts = self.counted.total();
        kizashi_web::TrapStatus {
            process: told.process,
            renewals: told.renewals,
            crashes: told.crashes,
            misbehaved: told.misbehaved,
            core_restarts: told.core_restarts,
            not_enforced: told.not_enforced,
            accepted: counts.accepted,
            refused: counts.refused,
            refused_untold: counts.refused_untold,
            lost: counts.lost,
            left_out: counts.left_out,
            capture: Some(kizashi_web::CaptureStatus {
                off: told.capture_off,
                ends: told.capture_ends,
                counts: self.captured.total(),
            }),
        }
    }
}

impl StoreObservatory {
    /// Reads with a connection of its own, which is kept for the next who asks.
    fn with_reader<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, Failure>,
    ) -> Result<T, ReadError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let opened = Reader::open(&self.folder);
                let reader = opened.map_err(|error| unreadable(&Failure::from(error)))?;
                reader.with_places(Arc::clone(&self.places))
            }
        };
        let answer = read(&reader).map_err(|failure| unreadable(&failure));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        answer
    }
}

fn unreadable(failure: &Failure) -> ReadError {
    match failure {
        Failure::Store(StoreError::TooFine | StoreError::TooManyPoints(_)) | Failure::Asked(_) => {
            ReadError::Unanswerable(failure.to_string())
        }
        _ => ReadError::Failed(failure.to_string()),
    }
}

impl StoreObservatory {
    /// Rows of a ranking with what is known beside their counts.
    fn rows(&self, ranking: &[Ranked]) -> Vec<TopRow> {
        let standing = self.board.standing();
        let row = |ranked: &Ranked| {
            let mut row = TopRow::of_ranked(ranked);
            if ranked.key.kind != KeyKind::Port {
                row.label = label_in(&ranked.key, &self.places);
            }
            let Some(port) = ranked.key.as_port() else { return row };
            let info = port_info(port);
            row.label = info.title.to_string();
            row.habit = (!info.habit.is_empty()).then(|| info.habit.to_string());
            if let Some(now) = standing.ports.get(&port) {
                row.half_daily = now.half_daily;
                row.rank = now.rank;
                row.hourly = now.hourly;
                row.days = now.days;
                row.spark = Some(now.spark.clone());
            }
            row
        };
        ranking.iter().map(row).collect()
    }

    /// A sign in the JSON form of the contract, with what the owner said of it.
    fn sign_json(&self, stored: &StoredSign) -> Option<Value> {
        let mut sign: Value = serde_json::from_str(&stored.json).ok()?;
        if let Some(mark) = self.mark_of(&stored.id) {
            let is_muted = mark.is_muted((self.clock)());
            sign["mark"] = serde_json::to_value(mark).ok()?;
            sign["mark"]["muted"] = is_muted.into();
        }
        if let Some(name) = name_in_japanese(&self.campaigns, &sign) {
            sign["name_ja"] = name.into();
        }
        Some(sign)
    }
}

impl Observatory for StoreObservatory {
    fn status(&self) -> Result<Status, ReadError> {
        let overview = self.with_reader(|reader| Ok(reader.overview()?))?;
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: (self.clock)(),
            uptime_seconds: self.started.elapsed().as_secs(),
            demo: self.demo,
            store: kizashi_store::Overview {
                dropped: overview.dropped.max(self.inlet.dropped()),
                ..overview
            }
            .into(),
            listeners: self.switches.listeners(),
            series_watched: self.board.series_watched(),
            false_alarms_per_week: self.board.promise(),
            traps: self.health.as_ref().map(|health| health.now()),
        })
    }

    fn top(&self, kind: KeyKind, span: Span, limit: usize) -> Result<Vec<TopRow>, ReadError> {
        let ranking = self.with_reader(|reader| Ok(reader.top(kind, span, limit)?))?;
        Ok(self.rows(&ranking))
    }

    fn series(&self, key: &Key, bin: BinLength, span: Span) -> Result<Series, ReadError> {
        let (series, signs) = self.with_reader(|reader| {
            let settings = self.settings.changefinder;
            let series = scored::read(reader, key, bin, span, settings)?;
            Ok((series, reader.signs(SIGNS_SEARCHED)?))
        })?;
        let first = series.points.first().map(|scored| scored.point.start);
        let mut marks: Vec<SignMark> = signs
            .iter()
            .filter_map(|stored| Some(Sign::of_stored(stored)?.0))
            .filter(|sign| sign.key == key.to_string())
            .filter(|sign| first.is_some_and(|first| sign.detected >= first))
            .filter(|sign| span.until.is_none_or(|until| sign.since < until))
            .map(|sign| SignMark {
                severity: sign.severity.name().to_owned(),
                id: sign.id,
                since: sign.since,
                detected: sign.detected,
            })
            .collect();
        marks.reverse();
        Ok(Series {
            key: key.clone(),
            label: label_in(key, &self.places),
            bin_seconds: bin.seconds(),
            points: series
                .points
                .into_iter()
                .map(|scored| ScoredPoint {
                    start: scored.point.start,
                    events: scored.point.events,
                    sources: scored.point.sources,
                    outlier: scored.outlier,
                    changefinder: scored.change,
                    rank: scored.rank,
                    days: scored.days,
                })
                .collect(),
            signs: marks,
            complete: series.complete,
        })
    }

    fn counts(&self, key: &Key, bin: BinLength, span: Span) -> Result<Vec<SeriesPoint>, ReadError> {
        self.with_reader(|reader| Ok(reader.series(key, bin, span)?))
    }

    fn signs(&self, limit: usize) -> Result<Vec<Value>, ReadError> {
        let signs = self.with_reader(|reader| Ok(reader.signs(limit)?))?;
        Ok(signs.iter().filter_map(|stored| self.sign_json(stored)).collect())
    }

    fn sign(&self, id: &str, language: Language) -> Result<Option<SignPage>, ReadError> {
        let stored = self.with_reader(|reader| Ok(reader.sign(id)?))?;
        let (campaigns, machine) = (&*self.campaigns, self.machine.as_ref());
        let around = Around { language, campaigns, machine };
        let page = |stored: &StoredSign| {
            Some(SignPage { sign: self.sign_json(stored)?, ..sign_page(stored, &around)? })
        };
        Ok(stored.as_ref().and_then(page))
    }

    fn sessions(
        &self,
        command: Option<&str>,
        span: Span,
        limit: usize,
    ) -> Result<Vec<SessionRow>, ReadError> {
        let sessions = self.with_reader(|reader| Ok(reader.sessions(command, span, limit)?))?;
        Ok(sessions.iter().map(SessionRow::from).collect())
    }

    fn shared(
        &self,
        path: &str,
        query: &[(String, String)],
    ) -> Result<Option<SharedDocument>, ReadError> {
        let Some(sharing) = &self.sharing else { return Ok(None) };
        self.with_reader(|reader| sharing.document((path, query), reader, (self.clock)()))
    }

    fn session(&self, id: SessionId) -> Result<Option<SessionPage>, ReadError> {
        self.with_reader(|reader| {
            if reader.session(id)?.is_none() {
                return Ok(None);
            }
            Ok(Some(crate::playback::page::of(&Playback::load(reader, &id.to_string())?)))
        })
    }

    fn recent(&self, limit: usize) -> Result<Vec<Event>, ReadError> {
        self.with_reader(|reader| Ok(reader.recent(limit)?))
    }

    fn condition(&self) -> Result<Condition, ReadError> {
        self.read_condition()
    }

    fn ranking(
        &self,
        kind: KeyKind,
        of: Option<&str>,
        span: Span,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<TopRow>, ReadError> {
        let Some(of) = of else {
            let ranking =
                self.with_reader(|reader| Ok(reader.top_after(kind, span, offset, limit)?))?;
            return Ok(self.rows(&ranking));
        };
        let ranking =
            self.with_reader(|reader| Ok(reader.top_fingerprints(of, span, offset + limit)?))?;
        let row = |ranked: &Ranked| {
            let row = TopRow::of_ranked(ranked);
            TopRow { key: format!("{of}:{}", row.key), ..row }
        };
        Ok(ranking.iter().skip(offset).map(row).collect())
    }

    fn item(&self, key: &Key) -> Result<ItemPage, ReadError> {
        self.read_item(key)
    }

    fn captured(&self, limit: usize) -> Result<Vec<CapturedContent>, ReadError> {
        let payloads = self.with_reader(|reader| Ok(reader.payloads(limit)?))?;
        // Parts of recordings are kept as payloads are, and no event is counted under them.
        Ok(payloads.iter().filter(|it| it.events > 0).map(items::captured).collect())
    }

    fn content(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        self.read_content(sha256)
    }

    fn sample(&self, sha256: &str) -> Result<Option<Vec<u8>>, ReadError> {
        self.pack_sample(sha256)
    }

    fn sensors(&self) -> Result<Vec<SensorRow>, ReadError> {
        self.read_sensors()
    }

    fn detectors(&self) -> Result<Vec<DetectorRow>, ReadError> {
        self.read_detectors()
    }

    fn sensor_hours(
        &self,
        sensor: &str,
        until: Timestamp,
        hours: u16,
    ) -> Result<SensorHours, ReadError> {
        self.read_sensor_hours(sensor, until, hours)
    }

    fn sensor_ports(
        &self,
        sensor: &str,
        span: Span,
        limit: usize,
    ) -> Result<SensorPorts, ReadError> {
        self.read_sensor_ports(sensor, span, limit)
    }

    fn sensor_ranking(
        &self,
        sensor: &str,
        kind: KeyKind,
        of: Option<&str>,
        span: Span,
        limit: usize,
    ) -> Result<SensorPorts, ReadError> {
        self.read_sensor_ranking(sensor, (kind, of), span, limit)
    }

    fn lists(&self) -> Result<Vec<KnownList>, ReadError> {
        self.read_lists()
    }

    fn search(
        &self,
        search: &Search,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<SearchPage, ReadError> {
        self.read_search(search, before, limit)
    }

    fn keys_like(&self, kind: KeyKind, text: &str, limit: usize) -> Result<Vec<TopRow>, ReadError> {
        let found = self.with_reader(|reader| search::like(reader, kind, text, limit))?;
        Ok(self.rows(&found))
    }

    fn settings(&self) -> Result<OwnSettings, ReadError> {
        self.read_settings()
    }

    fn set(&self, change: &SettingsChange) -> Result<OwnSettings, ReadError> {
        self.change_settings(change)
    }

    fn channels(&self) -> Result<Channels, ReadError> {
        Ok(self.read_channels())
    }

    fn test_channels(&self) -> Result<Channels, ReadError> {
        self.ask_for_test()
    }

    fn mark(&self, id: &str, change: &MarkChange) -> Result<Option<Mark>, ReadError> {
        self.change_mark(id, change)
    }
}

/// What a sign is recognised as, as people call it in Japanese; by its own name where the campaign is not known any more.
fn name_in_japanese(campaigns: &Campaigns, sign: &Value) -> Option<String> {
    let recognised = sign["recognised"]["campaigns"].as_array()?;
    let names: Vec<&str> = recognised
        .iter()
        .filter_map(|one| {
            let known = campaigns.all().iter().find(|known| one["id"] == known.id.as_str());
            let name = known.map(|known| known.name.get(Language::Japanese));
            name.or_else(|| one["name"].as_str())
        })
        .collect();
    (!names.is_empty()).then(|| names.join(" または "))
}

fn sign_page(stored: &StoredSign, around: &Around<'_>) -> Option<SignPage> {
    let (sign, evidence) = Sign::of_stored(stored)?;
    Some(SignPage {
        sign: serde_json::from_str(&stored.json).ok()?,
        advisory: advisory_in(&sign, &evidence, around),
        evidence,
    })
}

/// What people know a key as where these tables are in use: of a network also who runs it, of a visitor whose scanner he is.
pub(crate) fn label_in(key: &Key, places: &Places) -> String {
    let name = match key.kind {
        KeyKind::Network => places.network_name(&key.text),
        KeyKind::Source => key.text.parse().ok().and_then(|address| places.scanner(address)),
        _ => None,
    };
    name.map_or_else(|| label_of(key), escape_for_people)
}

/// The name of a country, or its letters where no list of countries has it.
pub(crate) fn country_shown(code: &str) -> String {
    country_name(code).map_or_else(|| escape_for_people(code), str::to_owned)
}

/// What people know a key as; attackers' text in it is escaped.
pub(crate) fn label_of(key: &Key) -> String {
    match key.as_port() {
        Some(port) => port_info(port).title.to_string(),
        None if key.kind == KeyKind::Total => "everything".to_owned(),
        None if key.kind == KeyKind::Country => country_shown(&key.text),
        None => escape_for_people(&key.text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recognised_sign_has_the_name_that_people_in_japan_call_it_by() {
        let campaigns = Campaigns::builtin();
        let named = |of: &[(&str, &str)]| {
            let all: Vec<Value> =
                of.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
            name_in_japanese(&campaigns, &json!({ "recognised": { "campaigns": all } }))
        };
        let known = campaigns
            .all()
            .iter()
            .find(|one| one.name.get(Language::Japanese) != one.name.get(Language::English))
            .unwrap();
        let japanese = known.name.get(Language::Japanese);
        let english = known.name.get(Language::English);
        assert_eq!(named(&[(&known.id, english)]).as_deref(), Some(japanese));
        // A campaign of the owner's that is no more keeps the name that the sign was told by.
        let both = named(&[(&known.id, english), ("gone", "Our own")]).unwrap();
        assert_eq!(both, format!("{japanese} または Our own"));
        assert_eq!(named(&[]), None);
        assert_eq!(name_in_japanese(&campaigns, &json!({ "name": null })), None);
    }
}
