//! Who agrees with Debian, theme by theme, and each line that does not.

use std::fmt::Write as _;

use super::corpus::Line;
use super::shape::Shape;

/// How one machine compares with Debian on one line
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The same exit status
    pub status: bool,
    /// The same status and the same shape
    pub both: bool,
}

/// One machine's verdicts, in the order of the lines
pub struct Column {
    /// Its name
    pub name: &'static str,
    /// One for each line
    pub verdicts: Vec<Verdict>,
}

impl Column {
    /// The verdicts on what a machine said; `mixed` where its output and errors come through one channel, so that their order is lost
    #[must_use]
    pub fn new(name: &'static str, debian: &[Shape], said: &[Shape], mixed: bool) -> Self {
        let verdict = |(debian, said): (&Shape, &Shape)| Verdict {
            status: debian.status == said.status,
            both: debian == said || mixed && debian.same_lines(said),
        };
        Self { name, verdicts: debian.iter().zip(said).map(verdict).collect() }
    }

    /// The share of lines that agree wholly
    #[must_use]
    pub fn share(&self) -> f64 {
        share(self.verdicts.iter().filter(|verdict| verdict.both).count(), self.verdicts.len())
    }
}

#[allow(clippy::cast_precision_loss, reason = "hundreds of lines")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The table: a row a theme and one for all, a column a machine
#[must_use]
pub fn table(lines: &[Line], columns: &[Column]) -> String {
    let mut text = format!("{:<14}{:>7}", "theme", "lines");
    for column in columns {
        let _ = write!(text, "  {:>24}", column.name);
    }
    text.push('\n');
    let mut themes: Vec<&str> = lines.iter().map(|line| line.theme).collect();
    themes.dedup();
    for theme in themes.iter().copied().chain(["all"]) {
        let chosen: Vec<usize> =
            (0..lines.len()).filter(|at| theme == "all" || lines[*at].theme == theme).collect();
        let _ = write!(text, "{theme:<14}{:>7}", chosen.len());
        for column in columns {
            let count = |of: fn(&Verdict) -> bool| {
                chosen.iter().filter(|at| of(&column.verdicts[**at])).count()
            };
            let status = share(count(|verdict| verdict.status), chosen.len());
            let both = share(count(|verdict| verdict.both), chosen.len());
            let _ = write!(text, "  {:>24}", format!("{both:.1} % ({status:.1} %)"));
        }
        text.push('\n');
    }
    text
}

/// One line on which a machine differs: what Debian says and what it says
#[must_use]
pub fn difference(line: &Line, debian: &Shape, said: &Shape) -> String {
    let shown = |shape: &Shape| {
        let text: String = shape.text.chars().take(1_500).collect();
        let indented: String =
            text.lines().map(|row| format!("      {}\n", row.escape_debug())).collect();
        format!("status {}\n{indented}", shape.status)
    };
    format!("{}: {}\n    Debian {}    trap   {}", line.theme, line.text, shown(debian), shown(said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::corpus::Compare;

    fn shape(status: i32, text: &str) -> Shape {
        Shape { status, text: text.to_owned() }
    }

    #[test]
    fn a_share_counts_lines_that_agree_in_status_and_shape() {
        let debian = [shape(0, "a\nb\n"), shape(1, "c\n"), shape(0, "d\n"), shape(0, "e\n")];
        let said = [shape(0, "b\na\n"), shape(0, "c\n"), shape(0, "d\n"), shape(0, "x\n")];
        assert!((Column::new("strict", &debian, &said, false).share() - 25.0).abs() < 1e-9);
        let mixed = Column::new("mixed", &debian, &said, true);
        assert!((mixed.share() - 50.0).abs() < 1e-9);
        let line = |theme| Line { theme, text: String::new(), compare: Compare::Exact };
        let table = table(&[line("one"), line("one"), line("two"), line("two")], &[mixed]);
        let rows: Vec<Vec<&str>> =
            table.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["one", "2", "50.0", "%", "(50.0", "%)"]);
        assert_eq!(rows[3], ["all", "4", "50.0", "%", "(75.0", "%)"]);
    }
}
