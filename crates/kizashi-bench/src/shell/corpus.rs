//! The lines, by theme, in `data/shell/*.txt`: written for this, after what operators of honeypots report of each family.
//!
//! A line of a file begins with how its answer is compared: `=` to the byte, `~` by its shape (numbers, dates, addresses and hashes
//! masked), `*` by its columns (lists of what a machine has: processes, mounts, files); then a space and the text. `|` and a space
//! continue the text of the line above on a new line. `#` begins a comment. Nothing in them does harm: addresses are those of RFC 5737, names those of RFC 2606.

use thiserror::Error;

/// How an answer is compared
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Byte by byte, after names of the machine itself
    Exact,
    /// Line by line with numbers, dates, addresses and hashes masked
    Shape,
    /// By the columns that its rows have
    Rows,
}

/// One thing that an attacker types
#[derive(Clone, Debug)]
pub struct Line {
    /// The file that it is in
    pub theme: &'static str,
    /// What is typed; may have several lines
    pub text: String,
    /// How its answer is compared
    pub compare: Compare,
}

/// What is wrong with a corpus file
#[derive(Debug, Error)]
#[error(
    "{theme}.txt line {line}: {text:?} begins with none of =, ~, *, | and #, each before a space"
)]
pub struct CorpusError {
    theme: &'static str,
    line: usize,
    text: String,
}

macro_rules! themes {
    ($($theme:literal),* $(,)?) => {
        const THEMES: &[(&str, &str)] = &[$(($theme, include_str!(concat!("../../data/shell/", $theme, ".txt")))),*];
    };
}

themes![
    "loaders",
    "recon",
    "persistence",
    "miners",
    "downloads",
    "decoding",
    "grammar",
    "text",
    "files",
    "system",
    "unseen",
];

/// All lines, theme by theme
///
/// # Errors
/// When a file has a line that is none of those told above.
pub fn corpus() -> Result<Vec<Line>, CorpusError> {
    let mut lines = Vec::new();
    for (theme, text) in THEMES {
        lines.extend(parse(theme, text)?);
    }
    Ok(lines)
}

fn parse(theme: &'static str, file: &str) -> Result<Vec<Line>, CorpusError> {
    let mut lines: Vec<Line> = Vec::new();
    for (at, row) in file.lines().enumerate() {
        let (mark, text) = row.split_once(' ').unwrap_or((row, ""));
        let compare = match mark {
            "" | "#" => continue,
            "=" => Compare::Exact,
            "~" => Compare::Shape,
            "*" => Compare::Rows,
            "|" if !lines.is_empty() => {
                if let Some(above) = lines.last_mut() {
                    above.text.push('\n');
                    above.text.push_str(text);
                }
                continue;
            }
            _ => return Err(CorpusError { theme, line: at + 1, text: row.to_owned() }),
        };
        lines.push(Line { theme, text: text.to_owned(), compare });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_corpus_has_its_size_and_no_line_twice() {
        let lines = corpus().unwrap();
        let distinct: HashSet<_> = lines.iter().map(|line| &line.text).collect();
        let twice: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(at, line)| lines[..*at].iter().any(|before| before.text == line.text))
            .map(|(_, line)| &line.text)
            .collect();
        assert_eq!(distinct.len(), lines.len(), "{twice:?}");
        assert!(lines.len() >= 600, "{} lines", lines.len());
    }

    #[test]
    fn a_here_document_is_one_line_of_the_corpus() {
        let lines = parse("x", "# told\n\n= cat <<E\n| a\n| E\n~ date\n").unwrap();
        assert_eq!(lines[0].text, "cat <<E\na\nE");
        assert_eq!((lines[1].compare, lines.len()), (Compare::Shape, 2));
    }

    #[test]
    fn an_unknown_mark_is_told_with_its_line() {
        let error = parse("x", "= a\n! b\n").unwrap_err();
        assert!(error.to_string().starts_with("x.txt line 2"), "{error}");
    }
}
