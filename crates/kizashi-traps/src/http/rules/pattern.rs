//! The pattern language of rules: literal text in which `*` stands for any run of bytes, letters without regard to case. Matched
//! piece by piece from the left without going back, so that no pattern and no request can make it slow.

/// The longest pattern.
pub(super) const LONGEST: usize = 300;

/// A pattern, taken apart at its stars.
#[derive(Clone, Debug)]
pub(in crate::http) struct Pattern {
    /// Lower-case pieces; with one piece the whole text must equal it.
    pieces: Vec<Vec<u8>>,
}

impl Pattern {
    pub(in crate::http) fn new(text: &str) -> Self {
        let pieces =
            text.to_ascii_lowercase().split('*').map(|piece| piece.as_bytes().to_vec()).collect();
        Self { pieces }
    }

    /// The pattern that finds this one anywhere in a text.
    pub(in crate::http) fn within(text: &str) -> Self {
        Self::new(&format!("*{text}*"))
    }

    /// Bytes that are not stars: the more of them, the more the pattern says.
    pub(super) fn weight(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// The longest literal text that is in everything of this form; empty where there are only stars.
    pub(super) fn longest_piece(&self) -> &[u8] {
        self.pieces.iter().max_by_key(|piece| piece.len()).map_or(&[][..], Vec::as_slice)
    }

    /// The path that this form spells out, a star at its beginning aside.
    pub(super) fn as_path(&self) -> Option<String> {
        let path = match self.pieces.as_slice() {
            [path] => path,
            [first, path] if first.is_empty() => path,
            _ => return None,
        };
        let path = String::from_utf8(path.clone()).ok()?;
        (path.starts_with('/') && path.len() > 1).then_some(path)
    }

    /// A text of this form.
    #[cfg(test)]
    pub(in crate::http) fn shortest(&self) -> String {
        String::from_utf8(self.pieces.concat()).unwrap()
    }

    /// Whether a text, already in lower case, is of this form.
    pub(in crate::http) fn fits(&self, text: &[u8]) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|piece| piece.as_slice() == text);
        };
        let Some(rest) = text.strip_prefix(first.as_slice()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_slice()) else { return false };
        for piece in middle {
            let Some(at) = find(rest, piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

/// Where `piece` begins in `text`.
pub(crate) fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    let Some(first) = piece.first() else { return Some(0) };
    let last = text.len().checked_sub(piece.len())?;
    let mut from = 0;
    while from <= last {
        let at = from + text[from..=last].iter().position(|byte| byte == first)?;
        if text[at..].starts_with(piece) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_run_and_the_rest_for_itself() {
        for (pattern, text, fits) in [
            ("/.env", "/.env", true),
            ("/.env", "/.env2", false),
            ("*/wp-login.php", "/blog/wp-login.php", true),
            ("/cgi-bin/*/bin/sh", "/cgi-bin/.%2e/.%2e/bin/sh", true),
            ("/a*a", "/a", false),
            ("*", "", true),
            ("*b*b*", "ab", false),
            ("*aab*", "aaaab", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text.as_bytes()), fits, "{pattern} {text}");
        }
    }
}
