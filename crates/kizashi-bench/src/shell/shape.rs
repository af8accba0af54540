//! What is compared of an answer: its status and a text that two true machines would have in common.

use super::answer::Answer;
use super::corpus::Compare;
use super::mask::{is_permissions, mask};

/// Words by which a machine is itself (host name, kernel, processor), and what stands for each
pub type Identity = Vec<(String, &'static str)>;

/// What is compared of an answer
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Exit status
    pub status: i32,
    /// Output and errors, as far as they are compared
    pub text: String,
}

impl Shape {
    /// The shape of what a machine of this identity said
    #[must_use]
    pub fn new(answer: &Answer, compare: Compare, identity: &Identity) -> Self {
        let plain = |kept: &str| {
            let text = Answer::readable(kept).replace("\r\n", "\n");
            let text = text.replace(['\u{2018}', '\u{2019}'], "'");
            identity.iter().fold(text, |text, (word, stands)| text.replace(word.as_str(), stands))
        };
        let (output, errors) = (plain(&answer.stdout), plain(&answer.stderr));
        let text = match compare {
            Compare::Exact => format!("{output}{errors}"),
            Compare::Shape => format!("{}{}", lines(&output), lines(&errors)),
            Compare::Rows => format!("{}\n{}", rows(&output), lines(&errors)),
        };
        Self { status: answer.status, text }
    }

    /// Whether both have the same lines in whatever order; for machines that mix output and errors
    #[must_use]
    pub fn same_lines(&self, other: &Self) -> bool {
        let sorted = |shape: &Self| {
            let mut lines: Vec<String> = shape.text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        self.status == other.status && sorted(self) == sorted(other)
    }
}

/// Every line masked; of what overwrites itself on a terminal (progress), each shape once
fn lines(text: &str) -> String {
    let mut shaped = String::new();
    for line in text.trim_end().lines() {
        let mut parts: Vec<String> = line
            .split('\r')
            .filter(|part| !part.trim().is_empty())
            .map(|part| mask(part.trim_end()))
            .collect();
        parts.dedup();
        shaped.push_str(&parts.join("\r"));
        shaped.push('\n');
    }
    shaped
}

/// The columns that rows have: a header as it is, the least number of columns, and what most rows hold in each
fn rows(text: &str) -> String {
    // Threads of the kernel (`[kswapd0]`) are outside of a namespace's processes.
    let thread = |line: &str| {
        line.split_whitespace()
            .last()
            .is_some_and(|word| word.starts_with('[') && word.ends_with(']'))
    };
    let mut rows: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !thread(line)).collect();
    let mut header = String::new();
    if let Some(first) = rows.first() {
        let total = first.starts_with("total ");
        let titles = first.contains(|c: char| c.is_ascii_uppercase())
            && !first.contains(|c: char| c.is_ascii_digit());
        if rows.len() > 1 && (total || titles) {
            header = mask(first);
            rows.remove(0);
        }
    }
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| mask(row).split_whitespace().map(str::to_owned).collect()).collect();
    let columns = cells.iter().map(Vec::len).min().unwrap_or(0);
    let classes: Vec<_> =
        (0..columns).map(|column| most(cells.iter().map(|row| class(&row[column])))).collect();
    let some = if rows.is_empty() { "none" } else { "some" };
    format!("header {header:?}, {some}, columns {}", classes.join(" "))
}

/// What kind of thing a masked word is
fn class(word: &str) -> &'static str {
    let bare = word.trim_matches(|c: char| "()[],:%+".contains(c));
    match bare {
        "#" => "number",
        "<date>" | "<time>" | "<span>" => "time",
        "<hash>" => "hash",
        _ if bare.starts_with("<address>") => "address",
        _ if is_permissions(word) => "permissions",
        _ if bare.starts_with('/') || bare.starts_with("./") => "path",
        _ if bare.chars().all(|c| !c.is_alphanumeric()) => "sign",
        _ => "word",
    }
}

/// What occurs most often; of equals the first by name
fn most(classes: impl Iterator<Item = &'static str>) -> &'static str {
    let mut counts = std::collections::BTreeMap::new();
    for class in classes {
        *counts.entry(class).or_insert(0_usize) += 1;
    }
    counts
        .iter()
        .max_by_key(|(name, count)| (**count, std::cmp::Reverse(**name)))
        .map_or("none", |(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(compare: Compare, stdout: &str) -> Shape {
        let identity = vec![("srv01".to_owned(), "<host>")];
        Shape::new(&Answer::new(0, stdout.as_bytes(), b""), compare, &identity)
    }

    #[test]
    fn a_wrong_sum_is_no_equal_of_the_right_one_when_compared_exactly() {
        assert_ne!(shape(Compare::Exact, "42\n"), shape(Compare::Exact, "41\n"));
        assert_ne!(shape(Compare::Exact, "42\n"), shape(Compare::Exact, "42"));
        assert_eq!(shape(Compare::Shape, "42\n"), shape(Compare::Shape, "41\n"));
    }

    #[test]
    fn rows_of_other_processes_have_the_same_columns() {
        let one = "USER PID COMMAND\nroot 1 /sbin/init\nroot 88 /usr/sbin/cron -f\n";
        let other = "USER PID COMMAND\nroot 1 /sbin/init splash\nwww-data 88 /usr/sbin/nginx\nroot 9 /bin/sh\n";
        assert_eq!(shape(Compare::Rows, one), shape(Compare::Rows, other));
        assert_ne!(
            shape(Compare::Rows, one),
            shape(Compare::Rows, "USER PID COMMAND\nroot cron\n")
        );
        assert_ne!(shape(Compare::Rows, one), shape(Compare::Rows, "USER PID COMMAND\n"));
    }

    #[test]
    fn progress_counts_once_and_the_own_name_is_no_difference() {
        assert_eq!(
            shape(Compare::Shape, "0 0\r10 5\r20 srv01\n"),
            shape(Compare::Shape, "0 0\r20 <host>\n")
        );
    }

    #[test]
    fn curly_and_straight_quotes_are_a_matter_of_locale() {
        assert_eq!(shape(Compare::Exact, "\u{2018}a\u{2019}"), shape(Compare::Exact, "'a'"));
    }

    #[test]
    fn streams_that_are_mixed_may_still_hold_the_same_lines() {
        let (one, other) = (shape(Compare::Exact, "a\nb\n"), shape(Compare::Exact, "b\na\n"));
        assert!(one.same_lines(&other) && one != other);
    }
}
