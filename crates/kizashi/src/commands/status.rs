//! `kizashi status`: how the store stands.

use kizashi_store::Reader;
use kizashi_web::{CaptureStatus, TrapStatus};
use serde_json::json;

use crate::child::core::HEALTH;
use crate::cli;
use crate::failure::Failure;
use crate::screen::{bytes, thousands};
use crate::terminal::Terminal;

/// Prints the store at a glance.
pub(crate) fn run(call: &cli::Listing, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let overview = reader.overview()?;
    let closed = reader.closed_through()?;
    let signs = reader.signs(usize::MAX)?.len();
    let traps =
        reader.blob(HEALTH)?.and_then(|json| serde_json::from_slice::<TrapStatus>(&json).ok());
    if call.json {
        return terminal.json(&json!({
            "events": overview.events,
            "events_raw": overview.events_raw,
            "sessions": overview.sessions,
            "sources": overview.sources,
            "first": overview.first.map(kizashi_event::Timestamp::rfc3339),
            "last": overview.last.map(kizashi_event::Timestamp::rfc3339),
            "late": overview.late,
            "out_of_time": overview.out_of_time,
            "dropped": overview.dropped,
            "bytes": overview.bytes,
            "signs": signs,
            "detected_through": closed.map(kizashi_event::Timestamp::rfc3339),
            "traps": traps,
        }));
    }
    let moment =
        |time: Option<_>| time.map_or_else(|| "–".to_owned(), |time| terminal.minute(time));
    let lines = [
        ("events", thousands(overview.events)),
        ("kept raw", thousands(overview.events_raw)),
        ("sessions", thousands(overview.sessions)),
        ("sources", thousands(overview.sources)),
        ("first", moment(overview.first)),
        ("last", moment(overview.last)),
        ("detected through", moment(closed)),
        ("signs", thousands(signs as u64)),
        ("late", format!("{} (counted, not seen by detection)", thousands(overview.late))),
        (
            "out of time",
            format!(
                "{} (before 1990 or in the future: kept, not counted)",
                thousands(overview.out_of_time)
            ),
        ),
        ("dropped", format!("{} (lost: the store could not keep up)", thousands(overview.dropped))),
        ("on disk", bytes(overview.bytes)),
    ];
    let traps = traps.map(lines_of).unwrap_or_default();
    lines
        .iter()
        .chain(&traps)
        .try_for_each(|(name, value)| terminal.line(&format!("{name:<17} {value}")))
}

fn lines_of(traps: TrapStatus) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        (
            "trap process",
            format!(
                "{} renewed, {} crashed, {} misbehaved; core restarted {} times",
                traps.renewals, traps.crashes, traps.misbehaved, traps.core_restarts
            ),
        ),
        (
            "visitors",
            format!(
                "{} served, {} past a cap (of them {} only counted); {} events lost on the way, {} told without their content",
                thousands(traps.accepted),
                thousands(traps.refused),
                thousands(traps.refused_untold),
                thousands(traps.lost),
                thousands(traps.left_out)
            ),
        ),
    ];
    lines.extend(traps.capture.map(lines_of_capture).unwrap_or_default());
    lines.extend(traps.not_enforced.map(|missing| ("not enforced", missing)));
    lines
}

fn lines_of_capture(capture: CaptureStatus) -> Vec<(&'static str, String)> {
    if let Some(reason) = capture.off {
        return vec![("capture", format!("off: {reason}"))];
    }
    let counts = capture.counts;
    let attempts = format!(
        "{} attempts by TCP ({} unanswered, {} refused, {} half-open, {} completed), {} flows of UDP, {} requests by ICMP",
        thousands(counts.attempts),
        thousands(counts.unanswered),
        thousands(counts.refused),
        thousands(counts.half_open),
        thousands(counts.completed),
        thousands(counts.udp_flows),
        thousands(counts.icmp_requests)
    );
    let apart = format!(
        "{} packets of backscatter, {} first segments and {} datagrams to real services",
        thousands(counts.backscatter),
        thousands(counts.service_segments),
        thousands(counts.service_datagrams)
    );
    let kernel = format!(
        "{} packets, {} of them dropped by the kernel; {} events, {} attempts counted without being told, {} events lost; ended {} times",
        thousands(counts.passed),
        thousands(counts.dropped),
        thousands(counts.events),
        thousands(counts.sampled),
        thousands(counts.lost),
        capture.ends
    );
    vec![("capture", attempts), ("beside that", apart), ("captured", kernel)]
}
