//! `kizashi import`: other honeypots' logs and captures of packets into the store, then detection over them; with `--follow` on as
//! they grow.

mod captures;
mod following;

use std::io::{IsTerminal as _, Stderr};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use kizashi_event::{Detail, Event, Timestamp};
use kizashi_intake::{FileReport, Format, Input, Options, Report, find_inputs};
use kizashi_store::{Inlet, Mode};
use kizashi_traps::WebRules;

use crate::cli;
use crate::clock;
use crate::config::Config;
use crate::failure::Failure;
use crate::pipeline::Pipeline;
use crate::screen::{Place, Progress, thousands};
use crate::terminal::Terminal;

/// Events given to the store at once.
const BATCH: usize = 4_096;

/// Reads logs into the store.
pub(crate) fn run(call: &cli::Import, terminal: &mut Terminal) -> Result<(), Failure> {
    let options = options(call)?;
    let config = Config::load(None)?;
    let settings = config.store(Mode::Historic)?;
    let detection = (config.detection(), &config.fleet);
    let mut pipeline =
        Pipeline::open_for_fleet(&call.data.data, settings, detection, config.signs.campaigns()?)?;
    let rules = crate::web_rules::load(config.traps.web_rules.as_deref())?;
    if call.follow {
        return following::follow_all(call, &options, pipeline, &rules, terminal);
    }
    let inputs = find_inputs(&call.paths).map_err(|error| Failure::Asked(error.to_string()))?;
    let (captures, logs) = captures::apart(inputs, &call.format);
    let before = pipeline.store().reader()?.overview()?.events_raw;
    let mut batches = Batches::new(pipeline.store().inlet(), rules);
    let report = read_logs(&logs, &options, &mut batches);
    let captured = captures::read(&captures, call, &mut batches);
    batches.send();
    pipeline.store().flush()?;
    let raw = |pipeline: &Pipeline| -> Result<u64, Failure> {
        Ok(pipeline.store().reader()?.overview()?.events_raw)
    };
    // Before retention looks at them: an event that stays as a count alone is new all the same.
    let with_new = raw(&pipeline)?;
    detect(&mut pipeline)?;
    let brought = Brought {
        new: with_new.saturating_sub(before),
        counts_alone: with_new.saturating_sub(raw(&pipeline)?),
    };
    pipeline.finish()?;
    print(&report, captured.as_ref(), &brought, call.json, terminal)?;
    let of_logs = report.errors().map(ToString::to_string);
    let of_captures = captured.iter().flat_map(captures::Captured::errors);
    let mut faults = of_logs.chain(of_captures);
    match (faults.next(), faults.count()) {
        (None, _) => Ok(()),
        (Some(only), 0) => Err(Failure::Asked(only)),
        (Some(first), more) => Err(Failure::Asked(format!("{first} (and {more} more like it)"))),
    }
}

fn read_logs(inputs: &[Input], options: &Options, batches: &mut Batches) -> Report {
    let mut progress = Bar::new("reading logs");
    let mut advance = |at: &kizashi_intake::Progress<'_>| progress.at(at.bytes, at.bytes_total);
    let report =
        kizashi_intake::import(inputs, options, &mut advance, &mut |event| batches.take(event));
    progress.finish(report.total.bytes);
    report
}

/// A bar on standard error that is drawn from the first telling on; one that cannot be drawn is no reason to stop.
struct Bar {
    task: &'static str,
    bar: Option<Progress<Stderr>>,
}

impl Bar {
    const fn new(task: &'static str) -> Self {
        Self { task, bar: None }
    }

    fn at(&mut self, bytes: u64, total: Option<u64>) {
        let now = Instant::now();
        let bar = self.bar.get_or_insert_with(|| {
            Progress::new(std::io::stderr(), place(), self.task, "bytes", total, now)
        });
        let _ = bar.at(bytes, now);
    }

    fn finish(self, bytes: u64) {
        if let Some(bar) = self.bar {
            let _ = bar.finish(bytes, Instant::now());
        }
    }
}

fn options(call: &cli::Import) -> Result<Options, Failure> {
    let format = match call.format.as_str() {
        "auto" | captures::FORMAT => None,
        name => Some(Format::from_name(name).ok_or_else(|| {
            let known = Format::ALL.map(|format| format.name()).join(", ");
            let name = kizashi_event::escape_for_people(name);
            let pcap = captures::FORMAT;
            Failure::Asked(format!(
                "there is no format {name}; choose auto or one of {known}, {pcap}"
            ))
        })?),
    };
    let columns = match &call.columns {
        Some(text) => text.parse().map_err(|error: kizashi_intake::ColumnMappingError| {
            Failure::Asked(error.to_string())
        })?,
        None => kizashi_intake::ColumnMapping::default(),
    };
    Ok(Options { format, sensor: Arc::from(call.sensor.as_str()), columns, ..Options::default() })
}

/// Gathers events into batches for the store.
struct Batches {
    inlet: Inlet,
    rules: Arc<WebRules>,
    batch: Vec<Event>,
    stopped: bool,
}

impl Batches {
    const fn new(inlet: Inlet, rules: Arc<WebRules>) -> Self {
        Self { inlet, rules, batch: Vec::new(), stopped: false }
    }

    fn take(&mut self, mut event: Event) -> ControlFlow<()> {
        // Elasticsearch's requests have classes of their own.
        if let Detail::Request { request, body } = &mut event.detail
            && event.service.name() != "elasticsearch"
        {
            let content = body.as_ref().map_or(&[][..], |body| &body.content);
            self.rules.recognise(request, content);
        }
        self.batch.push(event);
        if self.batch.len() >= BATCH {
            self.send();
        }
        if self.stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn send(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() && self.inlet.write(batch).is_err() {
            self.stopped = true;
        }
    }
}

fn detect(pipeline: &mut Pipeline) -> Result<(), Failure> {
    let began = Instant::now();
    let mut bar: Option<Progress<Stderr>> = None;
    let mut bins = 0;
    pipeline.finish_import(clock::now(), &mut |_: Timestamp| {
        bins += 1;
        let bar = bar.get_or_insert_with(|| {
            Progress::new(std::io::stderr(), place(), "looking for signs", "bins", None, began)
        });
        let _ = bar.at(bins, Instant::now());
    })?;
    if let Some(bar) = bar {
        let _ = bar.finish(bins, Instant::now());
    }
    Ok(())
}

fn place() -> Place {
    let stderr = std::io::stderr();
    if !stderr.is_terminal() {
        return Place::Elsewhere;
    }
    let columns = terminal_size::terminal_size_of(&stderr)
        .map_or(80, |(terminal_size::Width(columns), _)| usize::from(columns));
    let no_color = std::env::var("NO_COLOR").ok();
    Place::Terminal { columns, colours: crate::screen::wants_colours(true, no_color.as_deref()) }
}

/// What an import did to the store.
struct Brought {
    /// Events that were not there before.
    new: u64,
    /// Raw events let go because they were old or room was short; their counts stay.
    counts_alone: u64,
}

fn print(
    report: &Report,
    captured: Option<&captures::Captured>,
    brought: &Brought,
    json: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if json {
        report.files.iter().try_for_each(|file| terminal.json(file))?;
        return captured.map_or(Ok(()), |captured| captured.print_json(terminal));
    }
    for file in &report.files {
        print_file(file, terminal)?;
    }
    if let Some(captured) = captured {
        captured.print(terminal)?;
    }
    let (packets, events) =
        captured.map_or((0, 0), |captured| (captured.packets(), captured.events()));
    let read = match (report.files.is_empty(), captured.is_some()) {
        (_, false) => format!("{} lines", thousands(report.total.lines)),
        (true, true) => format!("{} packets", thousands(packets)),
        (false, true) => {
            format!("{} lines and {} packets", thousands(report.total.lines), thousands(packets))
        }
    };
    let broken = match report.files.is_empty() {
        true => String::new(),
        false => format!(", {} broken lines", thousands(report.total.broken)),
    };
    terminal.line(&format!(
        "{read}, {} events, {} of them new{broken}",
        thousands(report.total.events + events),
        thousands(brought.new),
    ))?;
    if brought.counts_alone > 0 {
        terminal.line(&format!(
            "{} events are past the time or room that raw events have (raw_days, most_megabytes) and stay as counts",
            thousands(brought.counts_alone)
        ))?;
    }
    Ok(())
}

fn print_file(file: &FileReport, terminal: &mut Terminal) -> Result<(), Failure> {
    let format = file.format.map_or("-", |format| format.name());
    terminal.line(&format!("{}  {format}  {} events", file.file, thousands(file.counts.events)))?;
    for broken in &file.broken_lines {
        terminal.line(&format!("  {broken}"))?;
    }
    let more = file.counts.broken.saturating_sub(file.broken_lines.len() as u64);
    if more > 0 {
        terminal.line(&format!("  and {} more broken lines", thousands(more)))?;
    }
    if let (Some(fault), false) = (&file.fault, file.named) {
        terminal.line(&format!("  left out: {fault}"))?;
    }
    Ok(())
}
