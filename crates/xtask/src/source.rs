//! Changes to a source text, each by a mark that must be there: where somebody has moved it, the change is refused and nothing is
//! written.

/// A mark that is not there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not where it was: cargo xtask has to learn the new place")]
pub(crate) struct Lost(pub(crate) &'static str);

/// The text with a word more in a list of words that begins and ends so; the list stays in order.
pub(crate) fn with_word(
    text: &str,
    begins: &'static str,
    ends: char,
    word: &str,
) -> Result<String, Lost> {
    let start = text.find(begins).ok_or(Lost(begins))? + begins.len();
    let end = start + text[start..].find(ends).ok_or(Lost(begins))?;
    let mut words: Vec<&str> = text[start..end].split(',').map(str::trim).collect();
    words.retain(|one| !one.is_empty() && *one != word);
    words.push(word);
    words.sort_unstable();
    Ok(format!("{}{}{}", &text[..start], words.join(", "), &text[end..]))
}

/// The text with a line more, before the first of the lines that begin so and come later in the alphabet, or after the last.
pub(crate) fn with_line(text: &str, begins: &'static str, line: &str) -> Result<String, Lost> {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|one| one.starts_with(begins)).ok_or(Lost(begins))?;
    let later = lines.iter().position(|one| one.starts_with(begins) && *one > line);
    let at = later.unwrap_or(last + 1);
    let mut lines: Vec<&str> = lines;
    lines.insert(at, line);
    Ok(lines.join("\n") + "\n")
}

/// The text with something before the first place where a mark stands.
pub(crate) fn before(text: &str, mark: &'static str, what: &str) -> Result<String, Lost> {
    let at = text.find(mark).ok_or(Lost(mark))?;
    Ok(format!("{}{what}{}", &text[..at], &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_in_order_and_takes_a_word_once() {
        let text = "use {a,\n    c};";
        assert_eq!(with_word(text, "use {", '}', "b").as_deref(), Ok("use {a, b, c};"));
        assert_eq!(with_word(text, "use {", '}', "c").as_deref(), Ok("use {a, c};"));
    }

    #[test]
    fn a_line_comes_in_order_or_last() {
        let text = "x\nmod a;\nmod c;\ny\n";
        assert_eq!(
            with_line(text, "mod ", "mod b;").as_deref(),
            Ok("x\nmod a;\nmod b;\nmod c;\ny\n")
        );
        assert_eq!(
            with_line(text, "mod ", "mod d;").as_deref(),
            Ok("x\nmod a;\nmod c;\nmod d;\ny\n")
        );
    }

    #[test]
    fn a_mark_that_is_gone_is_told() {
        assert_eq!(before("a", "b", "c"), Err(Lost("b")));
        assert_eq!(with_line("a", "mod ", "mod b;"), Err(Lost("mod ")));
    }
}
