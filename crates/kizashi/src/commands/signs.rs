//! `kizashi signs` and `kizashi sign`: what was raised, and the advisory of one.

use kizashi_signs::{Severity, Sign, SignKind, advisory};
use kizashi_store::{Evidence, Reader};
use serde_json::json;

use crate::cli;
use crate::failure::Failure;
use crate::observatory::{country_shown, sign_of};
use crate::outside;
use crate::screen::{Cell, Column, Table, Tone, thousands};
use crate::terminal::Terminal;

/// Signs looked through when a span is given.
const MOST_SEARCHED: usize = 100_000;

/// Prints the signs, the latest first.
pub(crate) fn list(call: &cli::Listing, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let stored = reader.signs(MOST_SEARCHED)?;
    let signs: Vec<Sign> = stored
        .iter()
        .filter(|stored| call.span.holds(stored.detected))
        .filter_map(|stored| sign_of(stored).map(|(sign, _)| sign))
        .take(call.limit)
        .collect();
    print(&signs, call.json, terminal)
}

/// Prints signs as a table or as JSON.
pub(crate) fn print(signs: &[Sign], json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if json {
        return signs.iter().try_for_each(|sign| terminal.json(sign));
    }
    let mut table = Table::new(&[
        Column::text("raised"),
        Column::text("severity"),
        Column::long_text("what"),
        Column::number("sources"),
        Column::number("expected"),
        Column::number("times"),
        Column::text("by chance"),
        Column::text("state"),
        Column::text("id"),
    ]);
    for sign in signs {
        table.row([
            Cell::text(&terminal.minute(sign.detected)),
            Cell::text(sign.severity.name()).tone(tone(sign.severity)),
            Cell::text(&format!("{} {}", sign.key, sign.label)),
            Cell::number(sign.sources),
            Cell::text(&number(sign.expected_sources)),
            Cell::text(&number(sign.ratio)),
            Cell::text(&match sign.kind {
                SignKind::Rise | SignKind::PortSilent | SignKind::SensorSilent => {
                    format!("once in {} days", number(sign.days))
                }
                SignKind::SensorWide | SignKind::Misbehaviour => String::new(),
            }),
            if sign.open { Cell::text("open") } else { Cell::text("over").tone(Tone::Faint) },
            Cell::text(&sign.id),
        ]);
    }
    terminal.table(&table, "no signs: nothing has changed that chance does not explain")
}

/// Prints one sign with its advisory.
pub(crate) fn one(call: &cli::SignCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let reader = Reader::open(&call.data.data)?;
    let found = reader.sign(&call.id)?.as_ref().and_then(sign_of);
    let Some((sign, evidence)) = found else {
        let id = kizashi_event::escape_for_people(&call.id);
        return Err(Failure::Asked(format!("there is no sign {id}; `kizashi signs` lists them")));
    };
    let text = advisory(&sign, &evidence);
    let warnings = outside::of_sign(&sign, &outside::feeds(&call.data.data));
    if call.json {
        let warnings: Vec<&String> = warnings.iter().map(|(english, _)| english).collect();
        return terminal.json(
            &json!({"sign": sign, "advisory": text, "evidence": evidence, "warnings": warnings}),
        );
    }
    let colours = terminal.colours;
    let heading = |title: &str| crate::screen::painted(title, Tone::Strong, colours);
    terminal.line(&heading(&format!("{}  {}  {}", sign.label, sign.key, sign.severity.name())))?;
    for (title, text) in [
        ("What", &text.what),
        ("Since when", &text.since),
        ("Who", &text.who),
        ("What to do", &text.what_to_do),
    ] {
        terminal.line(&format!("\n{}\n{text}", heading(title)))?;
    }
    if !warnings.is_empty() {
        let lines: Vec<&str> = warnings.iter().map(|(english, _)| english.as_str()).collect();
        terminal.line(&format!("\n{}\n{}", heading("What others warn of"), lines.join("\n")))?;
    }
    print_evidence(&evidence, terminal)
}

fn print_evidence(evidence: &Evidence, terminal: &mut Terminal) -> Result<(), Failure> {
    let lists = [
        ("sources", &evidence.sources),
        ("user names", &evidence.users),
        ("passwords", &evidence.passwords),
        ("commands", &evidence.commands),
        ("paths", &evidence.paths),
        ("software", &evidence.clients),
        ("first bytes", &evidence.payloads),
    ];
    let countries = evidence.countries.iter();
    let countries: Vec<(String, u64)> =
        countries.map(|(code, sources)| (country_shown(code), *sources)).collect();
    print_counted("countries", &countries, "sources", terminal)?;
    print_counted("known scanners", &evidence.scanners, "sources", terminal)?;
    lists
        .into_iter()
        .try_for_each(|(title, counted)| print_counted(title, counted, "events", terminal))
}

fn print_counted(
    title: &'static str,
    counted: &[(String, u64)],
    of: &'static str,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if counted.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[Column::long_text(title), Column::number(of)]);
    for (text, number) in counted {
        table.row([Cell::hostile(text), Cell::text(&thousands(*number))]);
    }
    terminal.line("")?;
    terminal.table(&table, "")
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Low => Tone::Plain,
        Severity::Medium => Tone::Warning,
        Severity::High | Severity::Critical => Tone::Alarm,
    }
}

fn number(number: f64) -> String {
    if number >= 9.95 { format!("{number:.0}") } else { format!("{number:.1}") }
}
