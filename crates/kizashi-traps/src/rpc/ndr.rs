//! NDR, the form of a call's arguments (C706, 14): little-endian, each aligned to its size, pointers as numbers whose targets follow. As much of it
//! as the interfaces here need. A visitor's count is believed only as far as there are bytes for it.

use crate::windows::{from_utf16, utf16};

/// Characters of a string taken.
const LONGEST_TEXT: usize = 4_096;
/// Elements of an array taken.
pub(crate) const LONGEST_ARRAY: u32 = 256;

/// Reads arguments; everything is `None` past their end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..)?.get(..count)?;
        self.at += count;
        Some(taken)
    }

    pub(crate) fn short(&mut self) -> Option<u16> {
        self.align(2);
        self.take(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn long(&mut self) -> Option<u32> {
        self.align(4);
        let bytes = self.take(4)?;
        Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A context handle.
    pub(crate) fn handle(&mut self) -> Option<[u8; 20]> {
        self.align(4);
        self.take(20).and_then(|bytes| bytes.try_into().ok())
    }

    /// A conformant and varying string of wide characters, without the NUL at its end.
    pub(crate) fn text(&mut self) -> Option<String> {
        let (_, _, count) = (self.long()?, self.long()?, self.long()?);
        let count = usize::try_from(count).ok().filter(|count| *count <= LONGEST_TEXT)?;
        let text = from_utf16(self.take(count * 2)?);
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// The same of bytes.
    pub(crate) fn narrow_text(&mut self) -> Option<String> {
        let (_, _, count) = (self.long()?, self.long()?, self.long()?);
        let count = usize::try_from(count).ok().filter(|count| *count <= LONGEST_TEXT)?;
        let text = String::from_utf8_lossy(self.take(count)?).into_owned();
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// A unique pointer to a string.
    pub(crate) fn text_pointer(&mut self) -> Option<Option<String>> {
        if self.long()? == 0 { Some(None) } else { self.text().map(Some) }
    }

    /// What `RPC_UNICODE_STRING` has before its characters: whether there are any.
    pub(crate) fn counted_head(&mut self) -> Option<bool> {
        self.align(4);
        self.take(4)?;
        self.long().map(|pointer| pointer != 0)
    }

    /// An array of `RPC_UNICODE_STRING`: the heads, then the characters.
    pub(crate) fn counted_texts(&mut self, count: u32) -> Option<Vec<String>> {
        let heads: Option<Vec<bool>> =
            (0..count.min(LONGEST_ARRAY)).map(|_| self.counted_head()).collect();
        heads?
            .into_iter()
            .map(|some| if some { self.text() } else { Some(String::new()) })
            .collect()
    }

    /// A security identifier with its count in front.
    pub(crate) fn sid(&mut self) -> Option<Sid> {
        self.long()?;
        let head = self.take(8)?;
        let count = usize::from(head[1]);
        let authority =
            u64::from_be_bytes([0, 0, head[2], head[3], head[4], head[5], head[6], head[7]]);
        if count > 15 {
            return None;
        }
        let parts: Option<Vec<u32>> = (0..count).map(|_| self.long()).collect();
        Some(Sid { authority, parts: parts? })
    }
}

/// A security identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sid {
    pub(crate) authority: u64,
    pub(crate) parts: Vec<u32>,
}

impl Sid {
    /// One of Windows' own authority.
    pub(crate) fn of(parts: &[u32]) -> Self {
        Self { authority: 5, parts: parts.to_vec() }
    }
}

impl std::fmt::Display for Sid {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|part| write!(formatter, "-{part}"))
    }
}

/// Writes results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// Pointers given out.
    pointers: u32,
}

impl Writer {
    pub(crate) fn align(&mut self, to: usize) -> &mut Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn byte(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn short(&mut self, value: u16) -> &mut Self {
        self.align(2).raw(&value.to_le_bytes())
    }

    pub(crate) fn long(&mut self, value: u32) -> &mut Self {
        self.align(4).raw(&value.to_le_bytes())
    }

    pub(crate) fn longs(&mut self, values: &[u32]) -> &mut Self {
        for value in values {
            self.long(*value);
        }
        self
    }

    /// Eight bytes in two halves, as `OLD_LARGE_INTEGER`.
    pub(crate) fn halves(&mut self, value: u64) -> &mut Self {
        self.align(4).raw(&value.to_le_bytes())
    }

    /// A length of ours.
    pub(crate) fn count(&mut self, value: usize) -> &mut Self {
        self.long(u32::try_from(value).unwrap_or(0))
    }

    /// A pointer to what follows later.
    pub(crate) fn pointer(&mut self) -> &mut Self {
        self.pointers += 1;
        // As Microsoft's stubs number them.
        self.long(0x0002_0000 + self.pointers * 4 - 4)
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.long(0)
    }

    /// A string with its NUL, as a conformant and varying array.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let wide = utf16(text);
        let count = wide.len() / 2 + 1;
        self.count(count).long(0).count(count).raw(&wide).raw(&[0, 0])
    }

    /// The head of `RPC_UNICODE_STRING`; [`Self::counted`] follows where its characters belong.
    pub(crate) fn counted_head(&mut self, text: &str) -> &mut Self {
        let length = u16::try_from(utf16(text).len()).unwrap_or(0);
        self.align(4).short(length).short(length).pointer()
    }

    pub(crate) fn counted(&mut self, text: &str) -> &mut Self {
        let wide = utf16(text);
        let count = wide.len() / 2;
        self.count(count).long(0).count(count).raw(&wide)
    }

    pub(crate) fn sid(&mut self, sid: &Sid) -> &mut Self {
        let count = u8::try_from(sid.parts.len()).unwrap_or(0);
        self.long(u32::from(count)).raw(&[1, count]).raw(&sid.authority.to_be_bytes()[2..]);
        self.longs(&sid.parts)
    }

    pub(crate) fn done(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}
