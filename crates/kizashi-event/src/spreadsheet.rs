//! Cells that a spreadsheet would run. A table is opened by people who did not write it, and some of its cells are attackers' (CWE-1236;
//! OWASP, "CSV Injection"); every writer of CSV in the house asks here, so that there is one list.

/// What a formula begins with in spreadsheets, also in the wide forms that Japanese ones take for the same, and what
/// ends a cell where it stands (OWASP's list, `|` and `%` of older Excel's DDE).
const BEGINNINGS: [char; 13] =
    ['=', '+', '-', '@', '|', '%', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether a spreadsheet may run this cell: such a cell is written with an apostrophe before it.
#[must_use]
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(BEGINNINGS) || cell.trim_start().starts_with(BEGINNINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_before_a_formula_it_is_one_and_a_word_is_none() {
        for cell in [
            "=1",
            "+1",
            "-1",
            "@SUM(1)",
            "|x",
            "%x",
            "\t=1",
            "\r=1",
            "\n1",
            "  =1",
            "\u{3000}＝1",
            "－1",
        ] {
            assert!(is_formula(cell), "{cell:?}");
        }
        for cell in ["", " ", "root", "a=1", "1+1", "'=1", "兆し"] {
            assert!(!is_formula(cell), "{cell:?}");
        }
    }
}
