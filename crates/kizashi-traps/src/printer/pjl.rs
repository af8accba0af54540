//! Lines of PJL and what they ask for.

/// What ends a job and begins PJL ("universal exit language").
pub(super) const EXIT: &[u8] = b"\x1b%-12345X";
/// What each line begins with.
pub(super) const PREFIX: &[u8] = b"@PJL";

/// The words of a line after `@PJL`, in capitals, and what follows the first of them as it was written.
pub(super) fn words(line: &[u8]) -> (Vec<String>, String) {
    let text = String::from_utf8_lossy(line.get(PREFIX.len()..).unwrap_or_default()).into_owned();
    let text = text.trim().to_owned();
    let words = text.split_whitespace().take(8).map(str::to_ascii_uppercase).collect();
    let rest = text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    (words, rest.to_owned())
}

/// The value of an option such as `NAME="0:\x"` or `SIZE = 12`.
pub(super) fn option(text: &str, name: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let at = upper.find(name)?;
    let value = text.get(at + name.len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split_whitespace().next()?,
    };
    Some(value.to_owned())
}
