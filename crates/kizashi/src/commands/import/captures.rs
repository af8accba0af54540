//! Captures among the inputs of `kizashi import`: told from logs by their first bytes, read through one observer, reported.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use kizashi_event::{Detail, Event, Scan};
use kizashi_intake::Input;
use kizashi_wire::{Attacked, CaptureReport, Counts, Observer, Prefix};
use serde::Serialize;

use super::{Bar, Batches};
use crate::cli;
use crate::failure::Failure;
use crate::screen::thousands;
use crate::terminal::Terminal;

/// The name of captures, as `--format` takes it: pcap and pcapng alike.
pub(super) const FORMAT: &str = "pcap";

/// Captures and logs apart. By force all are captures or none; otherwise the first bytes tell.
pub(super) fn apart(inputs: Vec<Input>, format: &str) -> (Vec<Input>, Vec<Input>) {
    inputs.into_iter().partition(|input| match format {
        FORMAT => true,
        "auto" => match input {
            Input::File { path, .. } => kizashi_wire::looks_like_capture(path),
            Input::Standard => stdin_is_capture(),
        },
        _ => false,
    })
}

/// Looks at the first bytes of standard input without taking them.
fn stdin_is_capture() -> bool {
    let mut stdin = io::stdin().lock();
    !stdin.is_terminal() && stdin.fill_buf().is_ok_and(kizashi_wire::begins_capture)
}

/// Whether a file that is to be followed is a capture.
pub(super) fn follows(path: &Path, format: &str) -> bool {
    format == FORMAT || format == "auto" && kizashi_wire::is_followable(path).unwrap_or(false)
}

/// How captures are observed.
pub(super) fn options(call: &cli::Import) -> kizashi_wire::Options {
    kizashi_wire::Options { sensor: Arc::from(call.sensor.as_str()), local: call.local.clone() }
}

/// Scans, victims and ports that the report names.
const MOST_NAMED: usize = 5;

/// What came of the captures.
pub(super) struct Captured {
    files: Vec<(bool, CaptureReport)>,
    scans: Vec<(IpAddr, Scan)>,
    counts: Counts,
    local: Vec<Prefix>,
    was_told: bool,
}

/// Reads all captures; `None` where there are none.
pub(super) fn read(
    inputs: &[Input],
    call: &cli::Import,
    batches: &mut Batches,
) -> Option<Captured> {
    if inputs.is_empty() {
        return None;
    }
    let mut observer = Observer::new(&options(call));
    let mut progress = Bar::new("reading captures");
    let sizes = inputs.iter().map(|input| match input {
        Input::File { size, .. } => *size,
        Input::Standard => None,
    });
    let total: Option<u64> = sizes.sum();
    let mut scans: Vec<(IpAddr, Scan)> = Vec::new();
    let mut sink = |event: Event| {
        if let Detail::Scan(scan) = &event.detail {
            note_scan(&mut scans, event.source, scan);
        }
        batches.take(event)
    };
    let (mut files, mut before) = (Vec::new(), 0);
    for input in inputs {
        let mut last = 0;
        let mut advance = |bytes: u64| {
            last = bytes;
            progress.at(before + bytes, total);
        };
        let (is_named, report) = match input {
            Input::Standard => {
                let stdin = io::stdin().lock();
                let report =
                    kizashi_wire::import_reader("-", stdin, &mut observer, &mut advance, &mut sink);
                (true, report)
            }
            Input::File { path, named, .. } => {
                (*named, kizashi_wire::import(path, &mut observer, &mut advance, &mut sink))
            }
        };
        before += last;
        files.push((is_named, report));
        if observer.stopped() {
            break;
        }
    }
    observer.finish(&mut sink);
    progress.finish(before);
    let (counts, local) = (observer.counts().clone(), observer.local().to_vec());
    Some(Captured { files, scans, counts, local, was_told: !call.local.is_empty() })
}

/// Keeps the scans with the most attempts.
fn note_scan(scans: &mut Vec<(IpAddr, Scan)>, source: IpAddr, scan: &Scan) {
    let place = scans.partition_point(|(_, other)| other.attempts >= scan.attempts);
    if place < MOST_NAMED {
        scans.insert(place, (source, scan.clone()));
        scans.truncate(MOST_NAMED);
    }
}

fn scan_line((source, scan): &(IpAddr, Scan)) -> String {
    let Scan { ports, destinations, attempts, duration_ms, order, .. } = scan;
    let pattern = scan.pattern.map_or("", |pattern| pattern.name());
    let spread = scan.spread.map_or(String::new(), |(low, high)| format!(" from {low} to {high}"));
    format!(
        "  {source}: {} ports{spread} on {} of our addresses, {} attempts in {} s, {pattern} ({})",
        thousands(u64::from(*ports)),
        thousands(u64::from(*destinations)),
        thousands(*attempts),
        thousands(duration_ms.div_ceil(1_000)),
        order.name()
    )
}

fn attacked_line(one: &Attacked) -> String {
    let port = one.port.map_or_else(|| "no port".to_owned(), |port| port.to_string());
    let who = match one.source {
        Some(source) => format!("{source} {port}"),
        None => format!("{port}, {} addresses", thousands(one.sources)),
    };
    let answers = &one.answers;
    format!(
        "  {who}: {} SYN-ACK, {} RST, {} ICMP",
        thousands(answers.syn_ack),
        thousands(answers.rst),
        thousands(answers.icmp)
    )
}

/// The last object of `--json`: what all captures together held.
#[derive(Serialize)]
struct Summary<'a> {
    captures: &'a Counts,
    local: Vec<String>,
}

impl Captured {
    pub(super) const fn packets(&self) -> u64 {
        self.counts.frames
    }

    pub(super) const fn events(&self) -> u64 {
        self.counts.events
    }

    /// Faults of files that the caller named, and of all where nothing at all could be read.
    pub(super) fn errors(&self) -> impl Iterator<Item = String> {
        let nothing_read = self.counts.frames == 0;
        let faulty = self.files.iter().filter(move |(named, _)| *named || nothing_read);
        faulty.filter_map(|(_, file)| file.fault.as_ref()).map(ToString::to_string)
    }

    pub(super) fn print_json(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        self.files.iter().try_for_each(|(_, file)| terminal.json(file))?;
        let local = self.local.iter().map(ToString::to_string).collect();
        terminal.json(&Summary { captures: &self.counts, local })
    }

    pub(super) fn print(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        for (is_named, file) in &self.files {
            terminal.line(&format!(
                "{}  {FORMAT}  {} packets",
                file.file,
                thousands(file.frames)
            ))?;
            if file.left_over > 0 {
                let bytes = thousands(file.left_over);
                terminal
                    .line(&format!("  it was cut: the last {bytes} bytes are no whole packet"))?;
            }
            if file.lost > 0 {
                terminal.line(&format!(
                    "  {} records without a readable packet",
                    thousands(file.lost)
                ))?;
            }
            if let (Some(fault), false) = (&file.fault, is_named) {
                terminal.line(&format!("  left out: {fault}"))?;
            }
        }
        self.lines().iter().try_for_each(|line| terminal.line(line))
    }

    fn lines(&self) -> Vec<String> {
        let (counts, tcp) = (&self.counts, &self.counts.tcp);
        let local: Vec<_> = self.local.iter().map(ToString::to_string).collect();
        let mut lines = vec![match (local.is_empty(), self.was_told) {
            (true, _) => "nobody tried to reach anybody: tell our addresses by --local".to_owned(),
            (_, true) => format!("our side: {}", local.join(", ")),
            (_, false) => format!("our side: {} (found; --local tells it)", local.join(", ")),
        }];
        lines.push(format!(
            "TCP attempts: {} unanswered, {} refused, {} half-open, {} completed; {} repeats",
            thousands(tcp.unanswered),
            thousands(tcp.refused),
            thousands(tcp.half_open),
            thousands(tcp.completed),
            thousands(tcp.repeats)
        ));
        lines.push(format!(
            "UDP flows: {}; ICMP requests: {}; scans: {}; conversations kept: {}",
            thousands(counts.udp_flows),
            thousands(counts.icmp_requests),
            thousands(counts.scans),
            thousands(counts.conversations)
        ));
        lines.extend(self.scans.iter().map(scan_line));
        let backscatter = &counts.backscatter;
        if backscatter.total() > 0 {
            lines.push(format!(
                "{} answers to what we never sent (backscatter of attacks elsewhere), by who was attacked and by port:",
                thousands(backscatter.total())
            ));
            let (victims, ports) = (backscatter.victims(), backscatter.ports());
            let named = victims.iter().take(MOST_NAMED).chain(ports.iter().take(MOST_NAMED));
            lines.extend(named.map(attacked_line));
        }
        let rest = [
            (counts.elsewhere, "packets between others or to many: --local names what is ours"),
            (counts.ours, "connections and flows that we began"),
            (counts.strays, "segments of connections that began before"),
            (counts.unknown_link, "packets of a link type that cannot be read"),
            (counts.not_ip, "packets without IP"),
            (counts.broken, "packets too broken to be read"),
            (counts.displaced, "flows given up early for want of room"),
        ];
        let told = rest.iter().filter(|(count, _)| *count > 0);
        lines.extend(told.map(|(count, what)| format!("{} {what}", thousands(*count))));
        let faults = counts.faults.met();
        lines.extend(
            faults.map(|(fault, count)| format!("{} times {}", thousands(count), fault.name())),
        );
        lines
    }
}
