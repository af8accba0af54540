//! Cuts one record of RFC 4180 into fields, also with `;` or a tab between them. Lenient where files are: a quote inside a field
//! that does not begin with one is a character like others, and text after a closing quote is kept.

/// The fields of one record, without their quotes, in buffers that are used again.
#[derive(Default)]
pub(crate) struct Fields {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// How a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    /// Complete, but text follows a closing quote, which RFC 4180 does not allow.
    Ragged,
    /// A quoted field is still open: the record goes on in the next line.
    Open,
}

impl Fields {
    /// Cuts `record` at `delimiter`.
    pub(crate) fn cut(&mut self, record: &[u8], delimiter: u8) -> Ending {
        self.text.clear();
        self.ends.clear();
        let mut rest = record;
        let mut ending = Ending::Complete;
        loop {
            if let Some(quoted) = rest.strip_prefix(b"\"") {
                let Some(after) = self.take_quoted(quoted) else { return Ending::Open };
                rest = after;
                if rest.first().is_some_and(|byte| *byte != delimiter) {
                    ending = Ending::Ragged;
                }
            }
            let end = rest.iter().position(|byte| *byte == delimiter);
            self.text.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            self.ends.push(self.text.len());
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return ending,
            }
        }
    }

    /// Takes the text to the closing quote and returns what follows it; `None` when none closes.
    fn take_quoted<'line>(&mut self, mut rest: &'line [u8]) -> Option<&'line [u8]> {
        loop {
            let quote = rest.iter().position(|byte| *byte == b'"')?;
            self.text.extend_from_slice(&rest[..quote]);
            rest = &rest[quote + 1..];
            if rest.first() != Some(&b'"') {
                return Some(rest);
            }
            self.text.push(b'"');
            rest = &rest[1..];
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at `place`, from 0.
    pub(crate) fn get(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)?;
        let start =
            place.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..end)
    }

    /// All fields as text.
    pub(crate) fn texts(&self) -> Vec<String> {
        (0..self.len())
            .filter_map(|place| self.get(place))
            .map(|field| String::from_utf8_lossy(field).into_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(record: &str, delimiter: u8) -> Vec<String> {
        let mut fields = Fields::default();
        assert_ne!(fields.cut(record.as_bytes(), delimiter), Ending::Open, "{record}");
        fields.texts()
    }

    #[test]
    fn quotes_delimiters_and_empty_fields_are_read_as_rfc_4180_says() {
        assert_eq!(cut("a,,c", b','), ["a", "", "c"]);
        assert_eq!(cut(r#""a,b","c ""d"" e","""#, b','), ["a,b", "c \"d\" e", ""]);
        assert_eq!(cut("a;b\tc", b';'), ["a", "b\tc"]);
        assert_eq!(cut(r#"a"b,"c"d"#, b','), ["a\"b", "cd"]);
        assert_eq!(cut("", b','), [""]);
        assert_eq!(Fields::default().cut(b"a,\"b", b','), Ending::Open);
        assert_eq!(Fields::default().cut(b"a,\"b\"c", b','), Ending::Ragged);
        assert_eq!(Fields::default().cut(b"\"a\",\"b\"", b','), Ending::Complete);
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read_back(fields in prop::collection::vec("[ -~\n]{0,12}", 1..8)) {
            let quoted: Vec<_> = fields.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
            prop_assert_eq!(cut(&quoted.join(","), b','), fields);
        }

        #[test]
        fn any_bytes_are_cut_without_a_panic(record in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut fields = Fields::default();
            fields.cut(&record, b',');
            for place in 0..=fields.len() {
                prop_assert_eq!(fields.get(place).is_some(), place < fields.len());
            }
        }
    }
}
