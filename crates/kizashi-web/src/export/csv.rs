//! CSV after RFC 4180. Texts of visitors are escaped as on a terminal, and what a spreadsheet would take for a formula has an apostrophe
//! before it: the file is opened by people who did not write it.

use kizashi_event::{escape_for_people, is_formula};
use serde_json::Value;

use kizashi_store::columnar::Cells;

use super::table::{Table, json_cell};

pub(super) fn write(table: &Table) -> Vec<u8> {
    let mut text = String::new();
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    text.push_str(&names.join(","));
    text.push_str("\r\n");
    for row in 0..table.rows() {
        for (at, (_, cells)) in table.columns.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            match (cells, json_cell(cells, row)) {
                (_, Value::Null) => {}
                (Cells::Text(_), Value::String(cell)) => text.push_str(&quoted(&cell)),
                (_, Value::String(moment)) => text.push_str(&moment),
                (_, number) => text.push_str(&number.to_string()),
            }
        }
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn quoted(cell: &str) -> String {
    let escaped = escape_for_people(cell);
    let harmless = if is_formula(cell) { format!("'{escaped}") } else { escaped };
    if harmless.contains(['"', ',', ' ', '\'', ';']) {
        format!("\"{}\"", harmless.replace('"', "\"\""))
    } else {
        harmless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_breaks_its_row() {
        for hostile in [
            "=cmd|' /C calc'!A0",
            "+1+1",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "  =1",
            "＝HYPERLINK(1)",
        ] {
            let cell = quoted(hostile);
            assert!(cell.trim_start_matches('"').starts_with('\''), "{hostile:?} became {cell}");
        }
        assert_eq!(quoted("a\"b\",c\r\nd"), "\"a\"\"b\"\",c\\r\\nd\"");
        assert_eq!(quoted("\u{1b}[2J"), "\\x1b[2J");
        assert_eq!(quoted("root"), "root");
    }

    #[test]
    fn numbers_and_moments_stay_what_they_are_and_empty_cells_empty() {
        let table = Table {
            columns: vec![
                ("text", Cells::Text(vec![Some("-1".to_owned()), None])),
                ("number", Cells::Integer(vec![Some(-1), None])),
                ("time", Cells::Time(vec![Some(0), None])),
                ("real", Cells::Real(vec![Some(0.5), None])),
                ("truth", Cells::Truth(vec![Some(true), None])),
            ],
        };
        let text = String::from_utf8(write(&table)).unwrap();
        let expected = "text,number,time,real,truth\r\n\"'-1\",-1,1970-01-01T00:00:00.000000Z,0.5,true\r\n,,,,\r\n";
        assert_eq!(text, expected);
    }
}
