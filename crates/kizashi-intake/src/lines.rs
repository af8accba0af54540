//! Cuts a stream of bytes into lines of bounded length, however the stream is cut into chunks. A line that stands whole in one
//! chunk is handed on without being copied; of one that is too long no more than the bound is ever held.

use std::io::BufRead;
use std::ops::ControlFlow;

/// A piece of the stream, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Line(&'a [u8]),
    /// A line longer than the bound, by its beginning.
    TooLong(&'a [u8]),
}

/// How much of a line that is too long is kept for showing, in bytes.
const BEGINNING: usize = 256;

/// Cuts chunks into lines.
pub(crate) struct LineCutter {
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    /// Whether that line is past the bound.
    too_long: bool,
    limit: usize,
    /// Bytes of all lines that were handed on, with their line ends.
    consumed: u64,
    /// Bytes of the line begun.
    pending: u64,
}

impl LineCutter {
    /// Lines of at most `limit` bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { begun: Vec::new(), too_long: false, limit, consumed: 0, pending: 0 }
    }

    /// Hands on every line that ends in `chunk` and keeps the rest. Breaking ends it; what was not handed on is lost.
    pub(crate) fn feed(
        &mut self,
        mut chunk: &[u8],
        each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while !chunk.is_empty() {
            let (mut rest, whole) = (chunk, chunk.len());
            // The standard library's search for a byte is far faster than one written by hand; a slice never fails to read.
            let used = rest.skip_until(b'\n').unwrap_or(whole);
            let Some(line) = chunk[..used].strip_suffix(b"\n") else {
                self.keep(chunk);
                break;
            };
            chunk = rest;
            self.pending += u64::try_from(used).unwrap_or(u64::MAX);
            if self.begun.is_empty() && line.len() <= self.limit {
                self.consumed += std::mem::take(&mut self.pending);
                each(Piece::Line(line))?;
            } else {
                self.append(line);
                self.hand_on(each)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The stream has ended: hands on a last line without a line end.
    pub(crate) fn finish(
        &mut self,
        each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.pending == 0 { ControlFlow::Continue(()) } else { self.hand_on(each) }
    }

    /// Forgets the line begun, and all counts.
    pub(crate) fn restart(&mut self) {
        self.begun.clear();
        (self.too_long, self.consumed, self.pending) = (false, 0, 0);
    }

    /// Bytes of the stream that stand in lines handed on.
    pub(crate) const fn consumed(&self) -> u64 {
        self.consumed
    }

    fn keep(&mut self, chunk: &[u8]) {
        self.pending += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.append(chunk);
    }

    fn append(&mut self, bytes: &[u8]) {
        self.too_long |= self.begun.len() + bytes.len() > self.limit;
        let bound = if self.too_long { BEGINNING } else { self.limit };
        let room = bound.saturating_sub(self.begun.len()).min(bytes.len());
        self.begun.extend_from_slice(&bytes[..room]);
        if self.too_long {
            self.begun.truncate(BEGINNING);
        }
    }

    fn hand_on(&mut self, each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        self.consumed += std::mem::take(&mut self.pending);
        let flow = if std::mem::take(&mut self.too_long) {
            each(Piece::TooLong(&self.begun))
        } else {
            each(Piece::Line(&self.begun))
        };
        self.begun.clear();
        flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of a stream that comes in the given chunks; a line that is too long is `None`.
    fn cut(chunks: &[&[u8]], limit: usize) -> (Vec<Option<Vec<u8>>>, u64) {
        let mut cutter = LineCutter::new(limit);
        let mut lines = Vec::new();
        let mut each = |piece: Piece<'_>| {
            lines.push(match piece {
                Piece::Line(line) => Some(line.to_vec()),
                Piece::TooLong(beginning) => {
                    assert!(beginning.len() <= BEGINNING);
                    None
                }
            });
            ControlFlow::Continue(())
        };
        for chunk in chunks {
            assert!(cutter.feed(chunk, &mut each).is_continue());
        }
        assert!(cutter.finish(&mut each).is_continue());
        assert!(cutter.begun.capacity() <= 2 * limit.max(BEGINNING));
        let consumed = cutter.consumed();
        (lines, consumed)
    }

    #[test]
    fn a_line_past_the_bound_is_told_and_the_next_is_whole() {
        let long = [b'x'; 5_000];
        let text = [b"a\n".as_slice(), &long, b"\nb"].concat();
        let (lines, _) = cut(&[&text], 100);
        assert_eq!(lines, [Some(b"a".to_vec()), None, Some(b"b".to_vec())]);
    }

    proptest! {
        #[test]
        fn the_lines_are_the_same_however_the_stream_is_cut(
            text in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400),
            at in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            limit in 1_usize..40,
        ) {
            let mut at: Vec<usize> = at.iter().map(|index| index.index(text.len() + 1)).collect();
            at.extend([0, text.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let mut expected: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            if expected.last().is_some_and(Vec::is_empty) {
                expected.pop();
            }
            let expected: Vec<_> =
                expected.into_iter().map(|line| (line.len() <= limit).then_some(line)).collect();
            let (lines, consumed) = cut(&chunks, limit);
            prop_assert_eq!(lines, expected);
            prop_assert_eq!(consumed, text.len() as u64);
        }
    }
}
