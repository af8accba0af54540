//! A report as Markdown (CommonMark): what attackers chose stands in code spans, in which nothing is markup, or is escaped.

use std::fmt::Write as _;

use super::words::{self, headings, thousands};
use super::{Report, Row};
use crate::Language;

pub(super) fn markdown(report: &Report, language: Language) -> String {
    let heading = headings(language);
    let mut text = format!(
        "# {}\n\n{}\n",
        escaped(&words::title(report, language)),
        words::gist(report, language)
    );
    let _ = write!(text, "\n## {}\n\n", heading.signs);
    if report.signs.is_empty() {
        let _ = writeln!(text, "{}", heading.no_signs);
    }
    for told in &report.signs {
        let story = language.pick(&told.en, &told.ja);
        let first = story.parts.first().map_or("", |part| part.text.as_str());
        let _ = writeln!(text, "- **{}** {}", escaped(&story.title), escaped(first));
    }
    if !report.outside.is_empty() {
        let _ = write!(text, "\n## {}\n\n", heading.outside);
        for (english, japanese) in &report.outside {
            let _ = writeln!(text, "- {}", escaped(language.pick(english, japanese)));
        }
    }
    let _ = write!(text, "\n## {}\n\n", heading.quiet);
    if report.silent.is_empty() {
        let _ = writeln!(text, "{}", heading.nothing_quiet);
    }
    for row in &report.silent {
        let _ = writeln!(
            text,
            "- {}",
            escaped(&words::silent(&row.key, &row.label, row.before, language))
        );
    }
    for ranking in &report.rankings {
        let _ = write!(text, "\n## {}\n\n", words::ranking(ranking.kind, language));
        let columns = words::columns(language);
        let _ = writeln!(text, "| {} |\n|---|---|---:|---:|---:|", columns.join(" | "));
        for row in &ranking.rows {
            line(&mut text, row, language);
        }
    }
    let _ = write!(text, "\n{}\n", heading.made);
    text
}

fn line(text: &mut String, row: &Row, language: Language) {
    let key = if row.key.is_empty() { headings(language).empty.to_owned() } else { code(&row.key) };
    let _ = writeln!(
        text,
        "| {key} | {} | {} | {} | {} |",
        escaped(&row.label),
        thousands(row.events),
        thousands(row.sources),
        words::change(row.events, row.before, language)
    );
}

/// A code span that its content cannot end (CommonMark 6.1), within a cell of a table (a bar ends that even there).
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let text = text.replace('|', "\\|");
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\`*_[]<>|~#&!".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
