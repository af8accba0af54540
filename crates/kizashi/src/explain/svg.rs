//! An explanation as a drawing: one file, no script, nothing fetched, light or dark as its reader has it. Attackers' words are
//! escaped twice: for people when they became a key, for XML here.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use kizashi_detect::gamma_poisson;
use kizashi_signs::Numbers;

use super::chart::Chart;
use super::numbers::{of_log, plain, span_of_bins};
use super::{Explained, words};
use crate::screen::{harmless, local_minute, thousands};

/// Width of the drawing and where its panels begin and end.
const WIDTH: f64 = 900.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 876.0;
/// Height of the series.
const SERIES: f64 = 180.0;
/// Height of one bar of evidence with its gap.
const ROW: f64 = 22.0;
/// Lines of text.
const LINE: f64 = 18.0;
/// Characters in a line of text.
const CHARACTERS: usize = 118;

const STYLE: &str = "\
svg{--ground:#fff;--ink:#1b1f24;--faint:#667079;--rule:#d7dce1;--bar:#7b8a99;--wave:#c2410c;--usual:#0f766e;\
background:var(--ground);font:13px system-ui,sans-serif}\
@media(prefers-color-scheme:dark){svg{--ground:#14181d;--ink:#e6e9ec;--faint:#98a2ad;--rule:#333b44;--bar:#64748b;--wave:#fb923c;--usual:#2dd4bf}}\
text{fill:var(--ink);stroke:var(--ground);stroke-width:3px;paint-order:stroke;white-space:pre}.faint{fill:var(--faint)}.head{font-size:17px;font-weight:600}.name{font-weight:600}\
.bar{fill:var(--bar)}.wave{fill:var(--wave)}.rule{stroke:var(--rule)}.usual{stroke:var(--usual);stroke-dasharray:5 4}\
.enough{stroke:var(--wave);stroke-dasharray:3 3}.ground{fill:var(--ground)}.end{text-anchor:end}.middle{text-anchor:middle}";

/// What is being drawn, from top to bottom.
struct Page {
    body: String,
    y: f64,
}

/// Draws one.
pub(crate) fn svg(explained: &Explained) -> String {
    let mut page = Page { body: String::new(), y: 32.0 };
    page.line("head", &words::heading(explained));
    page.y += 6.0;
    page.paragraph(&words::summary(explained));
    if let Some(explanation) = &explained.explanation {
        page.series(&Chart::of(explanation, explained.sign.as_ref()));
        if let Numbers::Rise(rise) = &explanation.numbers {
            page.evidence(rise);
        }
        page.y += 8.0;
        let at = format!("{} UTC", local_minute(explanation.at, &TimeZone::UTC));
        page.line("faint", &words::moment(explained, &at));
        for line in words::verdict(explanation) {
            page.paragraph(&line);
        }
        page.y += 6.0;
        let past: Vec<String> = words::past(explanation)
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        page.paragraph(&format!("{}.", past.join("; ")));
    }
    let height = page.y + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" \
         role=\"img\" aria-label=\"{}\"><style>{STYLE}</style><rect class=\"ground\" width=\"{WIDTH}\" height=\"{height:.0}\"/>{}</svg>\n",
        escaped(&words::summary(explained)),
        page.body
    )
}

impl Page {
    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(text)
        );
    }

    fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }

    fn rule(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// A line of text, cut where it would leave the drawing.
    fn line(&mut self, class: &str, text: &str) {
        let mut shown: String = text.chars().take(CHARACTERS).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let y = self.y;
        self.text(class, 24.0, y, &shown);
        self.y += LINE;
    }

    fn paragraph(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > CHARACTERS {
                let full = std::mem::take(&mut line);
                self.line("", &full);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line("", &line);
    }

    /// The series as bars, the usual rate as a line, the time from the begin to the sign in another colour.
    #[allow(clippy::cast_precision_loss, reason = "some hundred columns and counts to be drawn")]
    fn series(&mut self, chart: &Chart) {
        self.y += 10.0;
        self.line("name", "New sources an hour (UTC)");
        let (top, bottom) = (self.y, self.y + SERIES);
        let wide = (RIGHT - LEFT) / chart.hours.len().max(1) as f64;
        let most = (chart.most() as f64).max(chart.usual) * 1.05;
        let height = |count: f64| SERIES * count / most;
        self.rule("rule", (LEFT, bottom), (RIGHT, bottom));
        self.text("faint end", LEFT - 8.0, bottom + 4.0, "0");
        let peak = bottom - height(chart.most() as f64);
        self.rule("rule", (LEFT, peak), (RIGHT, peak));
        self.text("faint end", LEFT - 8.0, peak + 4.0, &thousands(chart.most()));
        for (hour, count) in chart.hours.iter().enumerate().filter(|(_, count)| **count > 0) {
            let is_wave = (hour + 1) as f64 > chart.since && (hour as f64) < chart.raised;
            let tall = height(*count as f64);
            let class = if is_wave { "wave" } else { "bar" };
            self.rect(
                class,
                LEFT + hour as f64 * wide + 0.5,
                bottom - tall,
                (wide - 1.0).max(0.5),
                tall,
            );
        }
        let usual = bottom - height(chart.usual);
        self.rule("usual", (LEFT, usual), (RIGHT, usual));
        for (at, name) in [(chart.since, "began"), (chart.raised, "raised")] {
            let x = LEFT + at * wide;
            self.rule("enough", (x, top), (x, bottom + 6.0));
            self.text(
                if name == "began" { "end" } else { "" },
                if name == "began" { x - 4.0 } else { x + 4.0 },
                top + 10.0,
                name,
            );
        }
        for day in (0..=chart.hours.len()).step_by(24) {
            let hours = i64::try_from(day).unwrap_or(0);
            let time = chart.start.plus(hours * kizashi_event::Timestamp::HOUR);
            let x = LEFT + day as f64 * wide;
            let class = match day {
                0 => "faint",
                _ if day + 12 > chart.hours.len() => "faint end",
                _ => "faint middle",
            };
            self.text(class, x, bottom + 18.0, &local_minute(time, &TimeZone::UTC));
        }
        self.y = bottom + 40.0;
        self.line(
            "faint",
            &format!("Dashed across: what is usual, {} an hour.", plain(chart.usual)),
        );
    }

    /// Two panels of bars: by window and by ratio, on one scale with what is enough.
    fn evidence(&mut self, rise: &gamma_poisson::Explanation) {
        self.y += 12.0;
        let top = rise.threshold.log_m.max(rise.log_m.unwrap_or(0.0)) * 1.02;
        let (first, enough) = (self.y, rise.threshold.log_m / top);
        let middle = f64::midpoint(LEFT, RIGHT);
        let by_window: Vec<(String, f64, bool)> = rise
            .windows
            .iter()
            .enumerate()
            .map(|(at, window)| {
                let name = format!(
                    "{}: {} of {}",
                    span_of_bins(f64::from(window.length)),
                    window.counts,
                    plain(window.expected)
                );
                (name, window.log_evidence.unwrap_or(0.0), at == rise.strongest)
            })
            .collect();
        let most = rise.ratios.iter().filter_map(|(_, log)| *log).fold(0.0, f64::max);
        let by_ratio: Vec<(String, f64, bool)> = rise
            .ratios
            .iter()
            .map(|(ratio, log)| (format!("{ratio} times"), log.unwrap_or(0.0), *log >= Some(most)))
            .collect();
        let title = "Evidence by window (sources of expected)";
        let lower = self.bars(title, (24.0, 150.0, middle - 24.0), &by_window, top, enough);
        self.y = first;
        let right = (middle + 8.0, 80.0, RIGHT);
        self.bars("Evidence by ratio", right, &by_ratio, top, enough);
        self.y = lower + 20.0;
        self.line(
            "faint",
            "Bars are powers of ten of what each adds to M; dashed: what M needs for a sign.",
        );
    }

    /// One panel from `left` on with `names` wide names; where it ends.
    fn bars(
        &mut self,
        title: &str,
        (left, names, right): (f64, f64, f64),
        rows: &[(String, f64, bool)],
        top: f64,
        enough: f64,
    ) -> f64 {
        let y = self.y;
        self.text("name", left, y, title);
        let (start, first) = (left + names, y + 12.0);
        let room = right - start - 64.0;
        for (at, (name, log, is_most)) in rows.iter().enumerate() {
            #[allow(clippy::cast_precision_loss, reason = "nine rows")]
            let y = first + at as f64 * ROW;
            let wide = room * (log / top).clamp(0.0, 1.0);
            self.text("faint", left, y + 14.0, name);
            self.rect(
                if *is_most { "wave" } else { "bar" },
                start,
                y + 3.0,
                wide.max(1.0),
                ROW - 7.0,
            );
            self.text("", start + wide + 6.0, y + 14.0, &of_log(*log));
        }
        #[allow(clippy::cast_precision_loss, reason = "nine rows")]
        let bottom = first + rows.len() as f64 * ROW;
        let x = start + room * enough;
        self.rule("enough", (x, first), (x, bottom));
        bottom
    }
}

/// Text for XML, harmless for people too.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No XML may hold them.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_attacker_wrote_becomes_markup_or_control() {
        let shown =
            escaped("user:</text><script>alert(\"1\")</script>&'\u{1b}[2J\u{202e}\u{0}\u{ffff}");
        assert!(
            !shown.contains(['<', '>', '"', '\'', '\u{1b}', '\u{202e}', '\u{0}', '\u{ffff}']),
            "{shown}"
        );
        assert!(shown.starts_with("user:&lt;/text&gt;&lt;script&gt;"), "{shown}");
    }
}
