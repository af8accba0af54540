//! `kizashi signs` and `kizashi sign`: what was raised, and the advisory of one.

use kizashi_signs::{Advisory, Around, Language, Severity, Sign, SignKind, advisory_in};
use kizashi_store::Reader;
use serde_json::json;

use crate::cli::{self, SignFormat};
use crate::config::Config;
use crate::failure::Failure;
use crate::outside;
use crate::screen::{Cell, Column, Table, Tone};
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
        .filter_map(|stored| Sign::of_stored(stored).map(|(sign, _)| sign))
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
            Cell::text(&what(sign)),
            Cell::number(sign.sources),
            Cell::text(&number(sign.expected_sources)),
            Cell::text(&number(sign.ratio)),
            Cell::text(&match sign.kind {
                SignKind::Rise | SignKind::PortSilent | SignKind::SensorSilent => {
                    format!("once in {} days", number(sign.days))
                }
                SignKind::SensorWide | SignKind::Misbehaviour | SignKind::SensorAway => {
                    String::new()
                }
            }),
            if sign.open { Cell::text("open") } else { Cell::text("over").tone(Tone::Faint) },
            Cell::text(&sign.id),
        ]);
    }
    terminal.table(&table, "no signs: nothing has changed that chance does not explain")
}

/// What changed, and where, where that is one part of a fleet.
fn what(sign: &Sign) -> String {
    let change = format!("{} {}", sign.key, sign.name.as_deref().unwrap_or(&sign.label));
    match sign.place() {
        Some(place) => format!("{change}, at {place}"),
        None => change,
    }
}

/// Prints one sign with its advisory.
pub(crate) fn one(call: &cli::SignCall, terminal: &mut Terminal) -> Result<(), Failure> {
    let campaigns = Config::load(call.config.as_deref())?.signs.campaigns()?;
    let reader = Reader::open(&call.data.data)?;
    let found = reader.sign(&call.id)?.as_ref().and_then(Sign::of_stored);
    let Some((sign, evidence)) = found else {
        let id = kizashi_event::escape_for_people(&call.id);
        return Err(Failure::Asked(format!("there is no sign {id}; `kizashi signs` lists them")));
    };
    let machine = crate::machine::kept(&reader)?;
    let language = call.lang.as_deref().and_then(Language::from_code).unwrap_or_else(of_locale);
    let around = Around { language, campaigns: &campaigns, machine: machine.as_ref() };
    let told = advisory_in(&sign, &evidence, &around);
    let japanese = language == Language::Japanese;
    let warnings: Vec<String> = outside::of_sign(&sign, &outside::feeds(&call.data.data))
        .into_iter()
        .map(|(english, in_japanese)| if japanese { in_japanese } else { english })
        .collect();
    match call.format {
        SignFormat::Json => terminal.json(
            &json!({"sign": sign, "advisory": told, "evidence": evidence, "warnings": warnings}),
        ),
        _ if call.json => terminal.json(
            &json!({"sign": sign, "advisory": told, "evidence": evidence, "warnings": warnings}),
        ),
        SignFormat::Md => lines(&told.to_markdown(), terminal),
        SignFormat::Html => lines(&told.to_html(), terminal),
        SignFormat::Text => {
            text(&told, terminal)?;
            others_warn(&warnings, japanese, terminal)
        }
    }
}

/// The language that the caller's locale asks for (POSIX: the first that is set of these).
fn of_locale() -> Language {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find(|name| set(name));
    name.and_then(|name| std::env::var(name).ok())
        .map(|locale| Language::of_locale(&locale))
        .unwrap_or_default()
}

fn lines(text: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    text.lines().try_for_each(|line| terminal.line(line))
}

/// The text with its title and headings strong, where the terminal has colours.
fn text(told: &Advisory, terminal: &mut Terminal) -> Result<(), Failure> {
    let colours = terminal.colours;
    let is_heading = |line: &str| {
        line == told.title
            || line == told.references_heading
            || told.sections.iter().any(|section| section.heading == line)
    };
    told.to_text().lines().try_for_each(|line| {
        if is_heading(line) {
            terminal.line(&crate::screen::painted(line, Tone::Strong, colours))
        } else {
            terminal.line(line)
        }
    })
}

/// What feeds say that fits to the sign.
fn others_warn(
    warnings: &[String],
    japanese: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if warnings.is_empty() {
        return Ok(());
    }
    let title = if japanese { "他からの警告" } else { "What others warn of" };
    let heading = crate::screen::painted(title, Tone::Strong, terminal.colours);
    terminal.line(&format!("\n{heading}\n{}", warnings.join("\n")))
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
