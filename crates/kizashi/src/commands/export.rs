//! `kizashi export`: what is stored in the form that other tools read.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use kizashi_event::{Event, SessionId, Timestamp};
use kizashi_notify::share::{Form, Shared};
use kizashi_store::{Reader, Span};

use crate::cli;
use crate::clock;
use crate::config::Config;
use crate::export::cowrie;
use crate::export::pcap::{self, Gathered, PcapError};
use crate::failure::Failure;
use crate::logins::OwnAddresses;
use crate::new_file;
use crate::shared::{LOGINS, Sharing};
use crate::terminal::Terminal;

/// Around what is noted of a session its other events are looked for.
const AROUND: i64 = Timestamp::HOUR;

/// Writes the export to standard output or a new file.
pub(crate) fn run(call: &cli::Export, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let session = call.session.as_deref().map(session_of).transpose()?;
    match call.format {
        cli::ExportFormat::Cowrie => cowrie_log(call, session, &reader, terminal),
        cli::ExportFormat::Pcap => capture(call, session, &reader, terminal),
        cli::ExportFormat::Parquet => parquet(call, &reader, terminal),
        cli::ExportFormat::EcsEvents => ecs_events(call, session, &reader, terminal),
        other => shared(call, other, &reader, terminal),
    }
}

/// Signs and their sources, in a form that other programs read.
fn shared(
    call: &cli::Export,
    format: cli::ExportFormat,
    reader: &Reader,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let form = match format {
        cli::ExportFormat::Blocklist => Form::Blocklist,
        cli::ExportFormat::Nftables => Form::Nftables,
        cli::ExportFormat::Ipset => Form::Ipset,
        cli::ExportFormat::Fail2ban => Form::Fail2ban,
        cli::ExportFormat::Crowdsec => Form::Crowdsec,
        cli::ExportFormat::Csv => Form::Csv,
        cli::ExportFormat::Stix => Form::Stix,
        cli::ExportFormat::Misp => Form::Misp,
        cli::ExportFormat::Otlp => Form::Otlp,
        cli::ExportFormat::Atom => Form::Atom,
        cli::ExportFormat::JsonFeed => Form::JsonFeed,
        _ => Form::Ecs,
    };
    let mut config = Config::load(call.config.as_deref())?;
    config.data.clone_from(&call.data.data);
    let sensor = config.sensor.clone().unwrap_or_else(super::up::machine_name);
    let known = (config.places()?, config.signs.campaigns()?);
    let sharing = Sharing::new(config.share.clone(), &sensor, known, OwnAddresses::now());
    sharing.remember(&reader.blob(LOGINS)?.unwrap_or_default());
    let now = call.span.span().until.unwrap_or_else(clock::now);
    let mut shared = Shared::clone(&*sharing.gather(reader, now)?);
    shared.notices.retain(|notice| call.span.holds(notice.sign.detected));
    let kept: BTreeSet<&str> =
        shared.notices.iter().map(|notice| notice.sign.id.as_str()).collect();
    shared.sources.retain(|source| source.signs.iter().any(|sign| kept.contains(sign.as_str())));
    let text = shared.write(form);
    match &call.output {
        Some(path) => new_file::write(path, text.as_bytes(), "choose another with --output"),
        None => terminal.line(text.trim_end_matches('\n')),
    }
}

/// Events of the span as history's files (docs/history.md).
fn parquet(call: &cli::Export, reader: &Reader, terminal: &mut Terminal) -> Result<(), Failure> {
    let (Some(folder), None) = (&call.output, &call.session) else {
        return Err(Failure::Asked(
            "Parquet is written for a span into a folder: name it by --output, and leave --session out"
                .to_owned(),
        ));
    };
    let written = kizashi_store::history::write_span(reader, call.span.span(), folder)?;
    terminal.line(&format!(
        "{}: {} events in {} files (day=…/kind=…/hour.parquet)",
        crate::screen::harmless(&folder.display().to_string()),
        written.events,
        written.files.len()
    ))
}

fn ecs_events(
    call: &cli::Export,
    session: Option<SessionId>,
    reader: &Reader,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    match &call.output {
        None => each_event(call, session, reader, |event| terminal.json(&event.to_ecs())),
        Some(path) => {
            let mut out = BufWriter::new(new_file::create(path, "choose another with --output")?);
            each_event(call, session, reader, |event| -> Result<(), Failure> {
                Ok(writeln!(out, "{}", event.to_ecs())?)
            })?;
            Ok(out.flush()?)
        }
    }
}

fn session_of(text: &str) -> Result<SessionId, Failure> {
    SessionId::parse(text).ok_or_else(|| {
        Failure::Asked(
            "a session is named by 16 hexadecimal digits; `kizashi sessions` prints them"
                .to_owned(),
        )
    })
}

/// Calls `each` with the events that are asked for, in order of time.
fn each_event<E: From<kizashi_store::StoreError>>(
    call: &cli::Export,
    session: Option<SessionId>,
    reader: &Reader,
    mut each: impl FnMut(Event) -> Result<(), E>,
) -> Result<(), E> {
    let noted = match session {
        Some(id) => reader.session(id)?,
        None => None,
    };
    let span = noted.map_or_else(
        || call.span.span(),
        |noted| Span {
            since: Some(noted.first.plus(-AROUND)),
            until: Some(noted.last.plus(AROUND)),
        },
    );
    reader.raw_events(span, |event| {
        let is_wanted = session.is_none() || event.session == session;
        if is_wanted { each(event) } else { Ok(()) }
    })
}

fn cowrie_log(
    call: &cli::Export,
    session: Option<SessionId>,
    reader: &Reader,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    match &call.output {
        None => each_event(call, session, reader, |event| {
            cowrie::line(&event).map_or(Ok(()), |line| terminal.json(&line))
        }),
        Some(path) => {
            let file = new_file::create(path, "choose another with --output")?;
            let mut out = BufWriter::new(file);
            each_event(call, session, reader, |event| -> Result<(), Failure> {
                if let Some(line) = cowrie::line(&event) {
                    serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
                    writeln!(out)?;
                }
                Ok(())
            })?;
            Ok(out.flush()?)
        }
    }
}

fn capture(
    call: &cli::Export,
    session: Option<SessionId>,
    reader: &Reader,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let mut gathered = Gathered::default();
    each_event(call, session, reader, |event| gathered.add(event)).map_err(failed)?;
    if gathered.is_empty() {
        return Err(Failure::Asked(match session {
            Some(_) => "of that session no event is kept; `kizashi sessions` lists those that are"
                .to_owned(),
            None => "no event is kept in that span; nothing is written".to_owned(),
        }));
    }
    match &call.output {
        Some(path) => {
            let file = new_file::create(path, "choose another with --output")?;
            let packets = pcap::write(gathered, reader, BufWriter::new(file)).map_err(failed)?;
            terminal.line(&format!(
                "{}: {packets} packets, made anew of what is kept (the file says how); their content is hostile",
                crate::screen::harmless(&path.display().to_string())
            ))
        }
        None if io::stdout().is_terminal() => Err(Failure::Asked(
            "a capture is no text for a terminal: name a file by --output, or send it on (`kizashi export --format pcap | tshark -r -`)"
                .to_owned(),
        )),
        None => {
            let out = BufWriter::new(io::stdout().lock());
            pcap::write(gathered, reader, out).map_err(failed)?;
            Ok(())
        }
    }
}

fn failed(error: PcapError) -> Failure {
    match error {
        PcapError::Store(error) => error.into(),
        PcapError::Output(error) => error.into(),
        PcapError::TooMany => Failure::Asked(error.to_string()),
    }
}
