//! Many rows a statement. Half of what a row of numbers costs SQLite is the statement around it: starting it, opening the table,
//! closing it again.

use rusqlite::{Connection, params_from_iter};

/// Rows of one statement: more gain nothing, and the text of a statement is kept prepared.
pub(super) const AT_ONCE: usize = 32;

/// Writes rows of `WIDTH` numbers: `insert` is all that stands before `VALUES`, `after` all that stands behind.
pub(super) fn write_rows<const WIDTH: usize>(
    connection: &Connection,
    (insert, after): (&str, &str),
    rows: impl Iterator<Item = [i64; WIDTH]>,
) -> rusqlite::Result<()> {
    let statement = |rows: usize| format!("{insert} {} {after}", values(WIDTH, rows));
    let mut many = connection.prepare_cached(&statement(AT_ONCE))?;
    let mut waiting: Vec<[i64; WIDTH]> = Vec::with_capacity(AT_ONCE);
    for row in rows {
        waiting.push(row);
        if waiting.len() == AT_ONCE {
            many.execute(params_from_iter(waiting.as_flattened()))?;
            waiting.clear();
        }
    }
    if !waiting.is_empty() {
        let mut one = connection.prepare_cached(&statement(1))?;
        for row in &waiting {
            one.execute(params_from_iter(row))?;
        }
    }
    Ok(())
}

/// The text that stands for so many rows of so many values.
pub(super) fn values(width: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(", "));
    format!("VALUES {}", vec![row.as_str(); rows].join(", "))
}
