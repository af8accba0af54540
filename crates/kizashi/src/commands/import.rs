//! `kizashi import`: other honeypots' logs into the store, then detection over them; with `--follow` on as they grow.

use std::io::{IsTerminal as _, Stderr};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kizashi_event::{Detail, Event, Timestamp};
use kizashi_intake::{FileReport, Format, Options, Report, find_inputs, follow, poll_every};
use kizashi_store::{Inlet, Mode, StoreError};
use kizashi_traps::{RuleProblem, WebRules};

use crate::cli;
use crate::clock;
use crate::config::Config;
use crate::failure::Failure;
use crate::live::stop_signal;
use crate::pipeline::Pipeline;
use crate::screen::{Place, Progress, thousands};
use crate::terminal::Terminal;

/// Events given to the store at once.
const BATCH: usize = 4_096;
/// How often a growing file is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Reads logs into the store.
pub(crate) fn run(call: &cli::Import, terminal: &mut Terminal) -> Result<(), Failure> {
    let options = options(call)?;
    let config = Config::load(None)?;
    let settings = config.store(Mode::Historic)?;
    let mut pipeline = Pipeline::open(&call.data.data, settings, config.detection())?;
    let rules = rules(&config)?;
    if call.follow {
        return follow_all(call, &options, pipeline, &rules, terminal);
    }
    let inputs = find_inputs(&call.paths).map_err(|error| Failure::Asked(error.to_string()))?;
    let before = pipeline.store().reader()?.overview()?.events_raw;
    let mut batches = Batches::new(pipeline.store().inlet(), rules);
    let report = {
        let mut progress: Option<Progress<Stderr>> = None;
        let mut advance = |at: &kizashi_intake::Progress<'_>| {
            let now = Instant::now();
            let bar = progress.get_or_insert_with(|| {
                Progress::new(
                    std::io::stderr(),
                    place(),
                    "reading logs",
                    "bytes",
                    at.bytes_total,
                    now,
                )
            });
            // A bar that cannot be drawn is no reason to stop.
            let _ = bar.at(at.bytes, now);
        };
        let report = kizashi_intake::import(&inputs, &options, &mut advance, &mut |event| {
            batches.take(event)
        });
        batches.send();
        if let Some(bar) = progress {
            let _ = bar.finish(report.total.bytes, Instant::now());
        }
        report
    };
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
    print(&report, &brought, call.json, terminal)?;
    let mut faults = report.errors();
    match (faults.next(), faults.count()) {
        (None, _) => Ok(()),
        (Some(only), 0) => Err(Failure::Asked(only.to_string())),
        (Some(first), more) => Err(Failure::Asked(format!("{first} (and {more} more like it)"))),
    }
}

fn options(call: &cli::Import) -> Result<Options, Failure> {
    let format = match call.format.as_str() {
        "auto" => None,
        name => Some(Format::from_name(name).ok_or_else(|| {
            let known = Format::ALL.map(|format| format.name()).join(", ");
            let name = kizashi_event::escape_for_people(name);
            Failure::Asked(format!("there is no format {name}; choose auto or one of {known}"))
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

/// The rules that say what a request is: the program's, and the owner's before them.
fn rules(config: &Config) -> Result<Arc<WebRules>, Failure> {
    let files = crate::web_rules::read(config.traps.web_rules.as_deref())?;
    if files.is_empty() {
        return Ok(WebRules::builtin());
    }
    let faults = |problems: Vec<RuleProblem>| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::Asked(lines.join("\n"))
    };
    WebRules::with_own(&files).map(Arc::new).map_err(faults)
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
    brought: &Brought,
    json: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if json {
        return report.files.iter().try_for_each(|file| terminal.json(file));
    }
    for file in &report.files {
        print_file(file, terminal)?;
    }
    terminal.line(&format!(
        "{} lines, {} events, {} of them new, {} broken lines",
        thousands(report.total.lines),
        thousands(report.total.events),
        thousands(brought.new),
        thousands(report.total.broken)
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

/// Reads each file to its end, runs detection over that, and goes on with both as the files grow.
fn follow_all(
    call: &cli::Import,
    options: &Options,
    mut pipeline: Pipeline,
    rules: &Arc<WebRules>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let stop = stop_flag()?;
    let caught_up = Arc::new(AtomicUsize::new(0));
    let followers: Vec<_> = call
        .paths
        .iter()
        .map(|path| {
            let batches = Batches::new(pipeline.store().inlet(), Arc::clone(rules));
            follower(path.clone(), options.clone(), batches, &stop, &caught_up)
        })
        .collect::<Result<_, Failure>>()?;
    let ended = || followers.iter().any(std::thread::JoinHandle::is_finished);
    while caught_up.load(Ordering::Acquire) < followers.len() && !ended() {
        std::thread::sleep(Duration::from_millis(50));
    }
    detect(&mut pipeline)?;
    pipeline.set_mode(Mode::Live)?;
    terminal.line("following; Ctrl-C ends it")?;
    terminal.flush()?;
    while !stop.load(Ordering::Relaxed) && !ended() {
        std::thread::sleep(Duration::from_secs(1));
        let now = clock::now();
        for sign in pipeline.advance(now)? {
            terminal.line(&format!("{}  {}", terminal.minute(sign.detected), sign.summary()))?;
            terminal.flush()?;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut result = Ok(());
    for follower in followers {
        let ended = follower
            .join()
            .unwrap_or_else(|_| Err(Failure::Asked("following ended unexpectedly".to_owned())));
        result = result.and(ended);
    }
    pipeline.finish()?;
    result
}

fn follower(
    path: PathBuf,
    options: Options,
    batches: Batches,
    stop: &Arc<AtomicBool>,
    caught_up: &Arc<AtomicUsize>,
) -> Result<std::thread::JoinHandle<Result<(), Failure>>, Failure> {
    let (stop, caught_up) = (Arc::clone(stop), Arc::clone(caught_up));
    let thread = std::thread::Builder::new().name("follow".to_owned()).spawn(move || {
        let batches = std::cell::RefCell::new(batches);
        let mut wait = poll_every(POLL, stop);
        let mut first = true;
        let mut pause = |status: &kizashi_intake::FollowStatus| {
            batches.borrow_mut().send();
            if std::mem::take(&mut first) {
                caught_up.fetch_add(1, Ordering::Release);
            }
            if batches.borrow().stopped { ControlFlow::Break(()) } else { wait(status) }
        };
        let mut sink = |event: Event| batches.borrow_mut().take(event);
        follow(&path, 0, &options, &mut pause, &mut sink)
            .map_err(|error| Failure::Asked(error.to_string()))?;
        if batches.borrow().stopped { Err(StoreError::Stopped.into()) } else { Ok(()) }
    })?;
    Ok(thread)
}

/// A flag that is set when a signal to end comes.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flag = Arc::clone(&stop);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(stop_signal());
        flag.store(true, Ordering::Relaxed);
    })?;
    Ok(stop)
}
