//! `select`: a menu on the error output, an answer from the input (`execute_cmd.c`).

use super::super::ast::{List, Word};
use super::super::{Flow, Handle, Shell, Unwind};
use super::compound::Next;

/// Columns that the menu is laid out for where `COLUMNS` does not say.
const COLUMNS: usize = 80;

impl Shell {
    pub(super) async fn select(
        &mut self,
        name: &[u8],
        words: Option<&[Word]>,
        body: &List,
    ) -> Flow {
        let items = match words {
            Some(words) => self.fields(words).await?,
            None => self.positional.clone(),
        };
        if items.is_empty() {
            return Ok(0);
        }
        let mut shows = true;
        loop {
            if shows {
                let columns = self.scalar(b"COLUMNS");
                let columns =
                    columns.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
                self.write(2, &menu(&items, columns.unwrap_or(COLUMNS)))?;
            }
            let prompt = self.scalar(b"PS3").unwrap_or_else(|| b"#? ".to_vec());
            self.write(2, &prompt)?;
            let Some(line) = self.answer().await? else {
                self.say(b"\n")?;
                return Ok(1);
            };
            self.assign(b"REPLY", &line)?;
            let text = line.trim_ascii();
            shows = text.is_empty();
            if shows {
                continue;
            }
            let chosen = std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse::<usize>().ok())
                .and_then(|number| items.get(number.checked_sub(1)?).cloned());
            self.assign(name, &chosen.unwrap_or_default())?;
            if let Next::Out(status) = self.round(body).await? {
                return Ok(status);
            }
        }
    }

    /// A line without its end; nothing at the end of the input.
    async fn answer(&mut self) -> Result<Option<Vec<u8>>, Unwind> {
        if !matches!(self.descriptors.get(0), Some(Handle::Source(_) | Handle::Console { .. })) {
            return Ok(None);
        }
        let line = self.read_line(0, b'\n').await?;
        Ok(line.map(|line| line.strip_suffix(b"\n").unwrap_or(&line).to_vec()))
    }
}

/// The items by columns, as many as fit; what would be one row is one column.
fn menu(items: &[Vec<u8>], screen: usize) -> Vec<u8> {
    let digits = |number: usize| number.to_string().len();
    let longest = items.iter().map(Vec::len).max().unwrap_or(0);
    let width = longest + digits(items.len()) + 4;
    let columns = (screen / width).max(1);
    let rows = items.len().div_ceil(columns);
    let rows = if rows == 1 { items.len() } else { rows };
    let mut made = Vec::new();
    for row in 0..rows {
        let mut at = 0;
        let inside = items.iter().enumerate().skip(row).step_by(rows);
        for (place, (number, item)) in inside.enumerate() {
            let indices = if place == 0 { digits(rows) } else { digits(items.len()) };
            let text = [format!("{:>indices$}) ", number + 1).as_bytes(), item].concat();
            let end = at + text.len();
            made.extend(text);
            if number + rows >= items.len() {
                break;
            }
            indent(end, at + width, &mut made);
            at += width;
        }
        made.push(b'\n');
    }
    made
}

/// Tabs where they reach, then blanks.
fn indent(mut from: usize, to: usize, made: &mut Vec<u8>) {
    while from < to {
        if to / 8 > from / 8 {
            made.push(b'\t');
            from += 8 - from % 8;
        } else {
            made.push(b' ');
            from += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_items_stand_under_one_another() {
        let items = [b"a".to_vec(), b"bc".to_vec()];
        assert_eq!(menu(&items, 80), b"1) a\n2) bc\n");
    }
}
