//! `kizashi report`: what was quiet, what came and what changed in a day, a week or a month.

use kizashi_notify::Background;
use kizashi_notify::report::Report;
use kizashi_store::Reader;

use crate::cli::{self, ReportForm};
use crate::clock;
use crate::config::Config;
use crate::failure::Failure;
use crate::new_file;
use crate::outside;
use crate::promise;
use crate::terminal::Terminal;

/// Writes the report to standard output or a new file.
pub(crate) fn run(call: &cli::ReportCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut config = Config::load(call.config.as_deref())?;
    config.data.clone_from(&call.data.data);
    let reader = Reader::open(&config.data)?.with_places(config.places()?);
    let now = clock::now();
    // Of an imported log of years ago the last days are wanted, and not the last of our own.
    let last = reader.overview()?.last.map(|last| last.plus(kizashi_event::Timestamp::HOUR));
    let until = call.until.unwrap_or_else(|| last.map_or(now, |last| last.min(now)));
    let sensor = config.sensor.clone().unwrap_or_else(super::up::machine_name);
    let detection = promise::effective(&reader, config.detection())?;
    let (campaigns, machine) = (config.signs.campaigns()?, crate::machine::kept(&reader)?);
    let background = Background { campaigns: &campaigns, machine: machine.as_ref() };
    let period = (sensor.as_str(), call.period, until);
    let mut report = Report::gather(&reader, period, detection, &background)?;
    report.outside = outside::of_report(&config.data, &report);
    let text = match call.format {
        ReportForm::Html => report.html(call.lang),
        ReportForm::Md => report.markdown(call.lang),
        ReportForm::Json => serde_json::to_string(&report).map_err(std::io::Error::from)?,
    };
    match &call.output {
        Some(path) => new_file::write(path, text.as_bytes(), "choose another with --output"),
        None => terminal.line(text.trim_end_matches('\n')),
    }
}
