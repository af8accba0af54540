//! An explanation on a terminal: a plot in blocks, tables, and what they mean.

use kizashi_detect::gamma_poisson;
use kizashi_signs::{Numbers, SignKind};

use super::chart::Chart;
use super::numbers::{of_log_or_none, plain, span_of_bins};
use super::{Explained, words};
use crate::failure::Failure;
use crate::screen::{Cell, Column, Table, Tone, harmless, painted, thousands};
use crate::terminal::Terminal;

/// Lines of the plot.
const HEIGHT: u64 = 8;
/// Heights from one eighth to a full block.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters of a bar.
const BAR: usize = 24;
/// Columns where the terminal does not say.
const COLUMNS: usize = 100;

/// Prints one.
pub(crate) fn print(explained: &Explained, terminal: &mut Terminal) -> Result<(), Failure> {
    let colours = terminal.colours;
    let strong = |text: &str| painted(&harmless(text), Tone::Strong, colours);
    terminal.line(&strong(&words::heading(explained)))?;
    wrapped(&words::summary(explained), terminal)?;
    let Some(explanation) = &explained.explanation else {
        let sign = explained.sign.as_ref();
        let ports = sign.map(|sign| sign.ports.join(", ")).unwrap_or_default();
        return match sign.map(|sign| sign.kind) {
            Some(SignKind::SensorWide) => wrapped(
                &format!(
                    "Each of these was beyond its own threshold in the same ten minutes: {ports}."
                ),
                terminal,
            ),
            _ => terminal.line("The numbers behind it are not kept any more."),
        };
    };
    terminal.line("")?;
    let chart = Chart::of(explanation, explained.sign.as_ref());
    for line in plot(&chart, terminal) {
        terminal.line(&line)?;
    }
    terminal.line("")?;
    let at = terminal.minute(explanation.at);
    wrapped(&words::moment(explained, &at), terminal)?;
    for (name, value) in words::past(explanation) {
        terminal.line(&format!("{name:40}{value}"))?;
    }
    if let Numbers::Rise(rise) = &explanation.numbers {
        terminal.line("")?;
        terminal.table(&windows(rise), "")?;
        terminal.line("")?;
        terminal.table(&ratios(rise), "")?;
    }
    terminal.line("")?;
    words::verdict(explanation).iter().try_for_each(|line| wrapped(line, terminal))
}

/// A sentence, broken where the terminal ends.
fn wrapped(text: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    let most = terminal.columns.unwrap_or(usize::MAX).max(20);
    let text = harmless(text);
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
            terminal.line(&line)?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    terminal.line(&line)
}

/// The plot, line by line.
fn plot(chart: &Chart, terminal: &Terminal) -> Vec<String> {
    let most = chart.most();
    let label = thousands(most);
    let wide = label.chars().count().max(2);
    let room = terminal.columns.unwrap_or(COLUMNS).saturating_sub(wide + 3).max(8);
    // Each column shows the most of its share, so that no short wave is lost.
    let share = chart.hours.len().div_ceil(room).max(1);
    let columns: Vec<u64> =
        chart.hours.chunks(share).map(|hours| hours.iter().copied().max().unwrap_or(0)).collect();
    let place = |hour: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some columns")]
        let column = (hour / share as f64) as usize;
        column.min(columns.len().saturating_sub(1))
    };
    let (since, raised) = (place(chart.since), place(chart.raised));
    let mut lines = vec![format!(
        "new sources an hour, {} to {} (usual: {})",
        terminal.minute(chart.start),
        terminal.minute(chart.end()),
        plain(chart.usual)
    )];
    for row in (0..HEIGHT).rev() {
        let title = match row {
            _ if row == HEIGHT - 1 => label.clone(),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let mut bars = String::new();
        for (column, count) in columns.iter().enumerate() {
            let block = block(*count, most, row).to_string();
            let is_wave = (since..=raised).contains(&column);
            let tone = if is_wave { Tone::Alarm } else { Tone::Plain };
            bars.push_str(&painted(
                &block,
                if block == " " { Tone::Plain } else { tone },
                terminal.colours,
            ));
        }
        let bars = if terminal.colours { bars } else { bars.trim_end().to_owned() };
        lines.push(format!("{title:>wide$} │{bars}"));
    }
    lines.push(format!("{:wide$} {}", "", marks(since, raised)));
    lines
}

/// Below the axis: where the change began and where it was raised.
fn marks(since: usize, raised: usize) -> String {
    let gap = " ".repeat(since);
    if raised <= since {
        return format!(" {gap}▲ began and raised");
    }
    format!(" {gap}▲{}▲ began, raised", " ".repeat(raised - since - 1))
}

/// What stands in one row of a column.
fn block(count: u64, most: u64, row: u64) -> char {
    let eighths =
        u64::try_from((u128::from(count) * 8 * u128::from(HEIGHT)).div_ceil(u128::from(most)))
            .unwrap_or(8 * HEIGHT);
    match eighths.saturating_sub(row * 8) {
        0 if row == 0 => '·',
        0 => ' ',
        some => usize::try_from(some.min(8) - 1).map_or('█', |at| BLOCKS[at]),
    }
}

fn windows(rise: &gamma_poisson::Explanation) -> Table {
    let mut table = Table::new(&[
        Column::text("window"),
        Column::number("sources"),
        Column::number("expected"),
        Column::number("bins with any"),
        Column::number("listened"),
        Column::number("α"),
        Column::number("β"),
        Column::number("evidence"),
        Column::text("(of M, by powers of ten)"),
    ]);
    let top = rise.threshold.log_m.max(rise.log_m.unwrap_or(0.0));
    for (at, window) in rise.windows.iter().enumerate() {
        let tone = if at == rise.strongest { Tone::Strong } else { Tone::Plain };
        let told = if window.fresh { "" } else { " told before" };
        table.row(
            [
                Cell::text(&span_of_bins(f64::from(window.length))),
                Cell::number(window.counts),
                Cell::text(&plain(window.expected)),
                Cell::number(u64::from(window.active)),
                Cell::text(&plain(window.exposed)),
                Cell::text(&plain(window.baseline.alpha)),
                Cell::text(&plain(window.baseline.beta)),
                Cell::text(&of_log_or_none(window.log_evidence)),
                Cell::text(&format!(
                    "{}{told}",
                    bar(window.log_evidence.unwrap_or(0.0), top, rise.threshold.log_m)
                )),
            ]
            .map(|cell| cell.tone(tone)),
        );
    }
    table
}

fn ratios(rise: &gamma_poisson::Explanation) -> Table {
    let mut table = Table::new(&[
        Column::text("ratio"),
        Column::number("evidence"),
        Column::text("(of M, by powers of ten)"),
    ]);
    let top = rise.threshold.log_m.max(rise.log_m.unwrap_or(0.0));
    for (ratio, log) in &rise.ratios {
        table.row([
            Cell::text(&format!("{ratio} times")),
            Cell::text(&of_log_or_none(*log)),
            Cell::text(&bar(log.unwrap_or(0.0), top, rise.threshold.log_m)),
        ]);
    }
    table
}

/// A bar of a logarithm up to `top`, with a mark where it would be enough.
fn bar(log: f64, top: f64, enough: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few characters"
    )]
    let place = |log: f64| ((log / top).clamp(0.0, 1.0) * BAR as f64).round() as usize;
    let (full, mark) = (place(log), place(enough));
    let character = |at: usize| match (at < full, at == mark) {
        (true, false) => '█',
        (true, true) => '▓',
        (false, true) => '┊',
        (false, false) => ' ',
    };
    (0..=BAR).map(character).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_the_evidence_against_what_is_enough() {
        assert_eq!(bar(24.0, 24.0, 12.0), format!("{}▓{}", "█".repeat(12), "█".repeat(11)));
        assert_eq!(bar(6.0, 24.0, 12.0), format!("{}{}┊", "█".repeat(6), " ".repeat(6)));
        assert_eq!(bar(f64::NEG_INFINITY, 24.0, 24.0), format!("{}┊", " ".repeat(24)));
    }

    #[test]
    fn a_column_is_as_high_as_its_count() {
        let column = |count| (0..HEIGHT).map(|row| block(count, 64, row)).collect::<String>();
        assert_eq!(column(64), "████████");
        assert_eq!(column(0), "·       ");
        assert_eq!(column(1), "▁       ");
        assert_eq!(column(12), "█▄      ");
    }

    #[test]
    fn the_marks_stand_under_their_columns() {
        assert_eq!(marks(2, 5), "   ▲  ▲ began, raised");
        assert_eq!(marks(3, 3), "    ▲ began and raised");
    }
}
