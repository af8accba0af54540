//! Reports that are made by themselves: the core looks each minute whether one is due and not made yet, makes it into a file of the data folder,
//! and puts it where the process that tells signs finds it.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::ZonedDateTime;
use kizashi_event::Timestamp;
use kizashi_notify::report::{Due, Report, ReportSettings};
use kizashi_notify::{Background, Outbox, ReportToSend};
use kizashi_signs::{Campaigns, Machine};
use kizashi_store::Reader;

use crate::failure::Failure;
use crate::supervisor::messages::CoreSetup;
use crate::{new_file, outside, promise};

/// The folder of reports within the data folder.
const FOLDER: &str = "kizashi-reports";
/// Microseconds between two looks.
const LOOKS_EVERY: i64 = 60 * Timestamp::SECOND;
/// Reports that are kept; the oldest go.
const MOST_KEPT: usize = 120;

/// Makes reports.
pub(crate) struct Reporting {
    settings: ReportSettings,
    data: PathBuf,
    sensor: String,
    detection: kizashi_signs::Settings,
    reader: Reader,
    campaigns: Arc<Campaigns>,
    machine: Option<Machine>,
    looked: Timestamp,
}

impl Reporting {
    pub(crate) fn new(setup: &CoreSetup, reader: Reader, campaigns: Arc<Campaigns>) -> Self {
        Self {
            settings: setup.config.report.clone(),
            data: setup.config.data.clone(),
            sensor: setup.sensor.clone(),
            detection: setup.config.detection(),
            reader,
            campaigns,
            machine: setup.machine.clone(),
            looked: Timestamp::from_seconds(0),
        }
    }

    /// Makes what is due. That it fails is said and stops nothing.
    pub(crate) fn look(&mut self, now: Timestamp) {
        if now.since(self.looked) < LOOKS_EVERY {
            return;
        }
        self.looked = now;
        let Some(due) = self.settings.due(&ZonedDateTime::now()) else { return };
        match self.make(&due) {
            Ok(true) => tracing::info!("the report {} was made", due.key),
            Ok(false) => {}
            Err(failure) => tracing::error!("the report {} could not be made: {failure}", due.key),
        }
    }

    fn make(&self, due: &Due) -> Result<bool, Failure> {
        let folder = self.data.join(FOLDER);
        let path = folder.join(format!("{}.html", due.key));
        // A period before the first event has nothing to tell.
        let began = self.reader.overview()?.first;
        if path.exists() || began.is_none_or(|first| first >= due.until) {
            return Ok(false);
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let detection = promise::effective(&self.reader, self.detection)?;
        let background = Background { campaigns: &self.campaigns, machine: self.machine.as_ref() };
        let period = (self.sensor.as_str(), due.period, due.until);
        let mut report = Report::gather(&self.reader, period, detection, &background)?;
        report.outside = outside::of_report(&self.data, &report);
        if !self.settings.channels.is_empty() {
            // Before the file says that it was made: sent twice it would be one message.
            Outbox::of(&self.data).add_report(&ReportToSend {
                key: due.key.clone(),
                channels: self.settings.channels.clone(),
                en: report.document(kizashi_notify::Language::English),
                ja: report.document(kizashi_notify::Language::Japanese),
            })?;
        }
        let html = report.html(self.settings.language);
        new_file::write(&path, html.as_bytes(), "give the data folder to Kizashi")?;
        forget_the_oldest(&folder)?;
        Ok(true)
    }
}

fn forget_the_oldest(folder: &Path) -> Result<(), Failure> {
    let mut files: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    for (_, path) in files.iter().rev().skip(MOST_KEPT) {
        fs::remove_file(path)?;
    }
    Ok(())
}
