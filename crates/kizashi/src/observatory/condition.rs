//! What the process knows of itself: memory, disk, what is kept how long, which traps are on.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use kizashi_event::{Key, Timestamp};
use kizashi_fleet::hub::Conditions;
use kizashi_store::{BinLength, Overview, Reader, Span};
use kizashi_web::{Condition, Forecast, ReadError, Retention, TrapSetting};

use super::StoreObservatory;
use super::marks::Marks;
use super::settings::Told;
use crate::config::Config;
use crate::failure::Failure;
use crate::kept_for;
use crate::listening;

/// Bytes of `/proc/self/status` that are read: it has some 1,500.
const STATUS: usize = 4_096;
/// Days whose traffic the forecast goes by.
const DAYS: i64 = 7;

/// What is fixed from the start. Made before the process is shut into its folder, for `/proc` is outside of it.
pub(crate) struct Own {
    /// As the configuration file says.
    pub(super) retention: kizashi_store::Retention,
    scanners_in_signs: bool,
    status: Option<File>,
    pub(super) marks: Marks,
    /// The name of this machine's own sensor; nothing where there is none.
    pub(super) sensor: Option<String>,
    /// How a fleet's sensors fare, where this is its hub.
    pub(super) fleet: Option<Arc<Conditions>>,
    /// The configuration file that was read.
    pub(super) file: Option<String>,
    /// Whom signs are told to; nobody where nothing is told.
    pub(super) told: Option<Told>,
}

impl Own {
    /// Of a process with this configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            retention: config.retention(),
            scanners_in_signs: config.places.scanners_in_signs,
            status: File::open("/proc/self/status").ok(),
            marks: Marks::default(),
            sensor: None,
            fleet: None,
            file: None,
            told: None,
        }
    }

    /// The same of a process whose own sensor has this name, and that was configured by this file.
    pub(crate) fn named(self, sensor: &str, file: Option<&Path>) -> Self {
        let file = file.map(|path| path.display().to_string());
        Self { sensor: Some(sensor.to_owned()), file, ..self }
    }

    /// The same of a fleet's hub, which has no sensor of its own.
    pub(crate) fn of_fleet(self, fleet: Option<Arc<Conditions>>) -> Self {
        let sensor = self.sensor.filter(|_| fleet.is_none());
        Self { sensor, fleet, ..self }
    }

    /// The same of a process whose signs are told.
    pub(crate) fn telling(self, told: Option<Told>) -> Self {
        Self { told, ..self }
    }

    /// Memory that this process has in use (`VmRSS`, proc(5)).
    fn resident_bytes(&self) -> Option<u64> {
        let mut bytes = [0; STATUS];
        let read = self.status.as_ref()?.read_at(&mut bytes, 0).ok()?;
        let text = String::from_utf8_lossy(bytes.get(..read)?).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1_024)
    }
}

impl StoreObservatory {
    pub(super) fn read_condition(&self) -> Result<Condition, ReadError> {
        let (overview, a_day, free, kept) = self.with_reader(|reader| {
            let overview = reader.overview()?;
            let a_day = bytes_a_day(reader, &overview)?;
            Ok((overview, a_day, reader.free_bytes(), kept_for::Kept::of(reader)?))
        })?;
        let kept = kept.over(self.own.retention);
        let retention = Retention {
            raw_days: kept.raw_days,
            hourly_days: kept.hourly_days,
            daily_days: kept.daily_days,
            most_bytes: kept.most_bytes,
            most_payload_bytes: kept.most_payload_bytes,
            least_free_bytes: kept.least_free_bytes,
        };
        let forecast = a_day.map(|a_day| Forecast::of(overview.bytes, a_day, &retention, free));
        Ok(Condition {
            resident_bytes: self.own.resident_bytes(),
            disk_free_bytes: free,
            forecast,
            retention: Some(retention),
            traps: self.traps(),
            scanners_in_signs: Some(self.own.scanners_in_signs),
            folder: Some(self.folder.display().to_string()),
        })
    }

    /// Every trap that there is, with where it listens.
    fn traps(&self) -> Vec<TrapSetting> {
        let mut traps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for trap in kizashi_traps::registry() {
            traps.entry(trap.name.to_owned()).or_default();
        }
        for listener in self.switches.listeners() {
            traps.entry(listener.service).or_default().push(listener.address);
        }
        let setting = |(name, ports): (String, Vec<String>)| {
            let trap = kizashi_traps::registry().iter().find(|trap| trap.name == name);
            let lines = |on| trap.map(|trap| listening::lines(trap, on)).unwrap_or_default();
            TrapSetting { lines_off: lines(false), lines_on: lines(true), name, ports }
        };
        traps.into_iter().map(setting).collect()
    }
}

/// Bytes that a day adds, by the events of the last days and what an event takes in this store.
fn bytes_a_day(reader: &Reader, overview: &Overview) -> Result<Option<f64>, Failure> {
    let (Some(first), Some(last)) = (overview.first, overview.last) else { return Ok(None) };
    if overview.events_raw == 0 {
        return Ok(None);
    }
    let since = last.plus(-DAYS * Timestamp::DAY).max(first);
    let days = (last.since(since) as f64 / Timestamp::DAY as f64).max(1.0);
    let span = Span { since: Some(since), until: None };
    let points = reader.series(&Key::total(), BinLength::Hour, span)?;
    let events: u64 = points.iter().map(|point| point.events).sum();
    let an_event = overview.bytes as f64 / overview.events_raw as f64;
    Ok(Some(events as f64 / days * an_event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_how_much_memory_it_has_in_use() {
        let own = Own::of(&Config::default());
        let bytes = own.resident_bytes().unwrap();
        assert!((1 << 20..1 << 34).contains(&bytes), "{bytes}");
    }
}
