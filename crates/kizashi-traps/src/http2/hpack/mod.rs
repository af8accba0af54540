//! HPACK (RFC 7541): header blocks to fields and back. A block's work is linear in its bytes: what it says beyond [`Bounds`] is read on, since
//! the table must stay true for the next block, but not kept, so that a block which repeats one long field ten thousand times
//! (a "HPACK bomb", CVE-2016-6581) costs what its own bytes cost.

mod huffman;
mod table;
#[cfg(test)]
mod tests;

use table::Dynamic;

/// Bytes of the visitor's table: the protocol's own default, which neither server changes.
const TABLE: usize = 4096;

/// What a block may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of one name or value.
    pub(super) text: usize,
    /// Bytes of all fields.
    pub(super) all: usize,
    /// Fields, which may be empty.
    pub(super) fields: usize,
}

/// A block's fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// It said more than is kept.
    pub(super) overflowed: bool,
}

/// A block that is none: the connection ends with `COMPRESSION_ERROR` (4.3 of RFC 9113).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Reads blocks.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Dynamic,
}

impl Decoder {
    pub(super) const fn new() -> Self {
        Self { table: Dynamic::new(TABLE) }
    }

    pub(super) const fn memory(&self) -> usize {
        self.table.size()
    }

    pub(super) fn block(&mut self, bytes: &[u8], bounds: Bounds) -> Result<Block, Broken> {
        let mut reader = Reader { bytes, at: 0 };
        let mut block = Block::default();
        let mut left = bounds.all;
        while let Some(first) = reader.peek() {
            if first & 0xe0 == 0x20 {
                let capacity = reader.number(5)?;
                // Only before the first field, and never more than we allow (4.2, 6.3).
                if capacity > TABLE || !block.fields.is_empty() {
                    return Err(Broken);
                }
                self.table.resize(capacity);
                continue;
            }
            let keep = |name: &[u8], value: &[u8], block: &mut Block, left: &mut usize| {
                let size = name.len() + value.len();
                let many = block.fields.len() >= bounds.fields;
                if many || size > *left || name.len().max(value.len()) > bounds.text {
                    block.overflowed = true;
                }
                if !block.overflowed {
                    *left -= size;
                    block.fields.push((name.to_vec(), value.to_vec()));
                }
            };
            if first & 0x80 != 0 {
                let index = reader.number(7)?;
                let (name, value) = self.table.field(index).ok_or(Broken)?;
                keep(name, value, &mut block, &mut left);
                continue;
            }
            let remembered = first & 0x40 != 0;
            let index = reader.number(if remembered { 6 } else { 4 })?;
            let name = match index {
                0 => reader.text()?,
                index => self.table.field(index).ok_or(Broken)?.0.to_vec(),
            };
            let value = reader.text()?;
            keep(&name, &value, &mut block, &mut left);
            if remembered {
                self.table.insert(&name, &value);
            }
        }
        Ok(block)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = self.peek().ok_or(Broken)?;
        self.at += 1;
        Ok(byte)
    }

    /// An integer with a prefix of so many bits (5.1); past 28 bits it is none that means anything here.
    fn number(&mut self, bits: u32) -> Result<usize, Broken> {
        let mask = (1_usize << bits) - 1;
        let mut number = usize::from(self.byte()?) & mask;
        if number < mask {
            return Ok(number);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    fn text(&mut self) -> Result<Vec<u8>, Broken> {
        let coded = self.peek().ok_or(Broken)? & 0x80 != 0;
        let length = self.number(7)?;
        let end = self.at.checked_add(length).ok_or(Broken)?;
        let bytes = self.bytes.get(self.at..end).ok_or(Broken)?;
        self.at = end;
        if coded { huffman::decode(bytes).ok_or(Broken) } else { Ok(bytes.to_vec()) }
    }
}

/// How a server writes its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// nginx: it remembers nothing, says so before its first block, and still writes fields as if they were to be remembered.
    Forgetful,
    /// nghttp2, which Apache httpd uses: all but some fields are remembered.
    Remembering,
}

/// Writes blocks.
#[derive(Debug)]
pub(super) struct Encoder {
    habit: Habit,
    table: Dynamic,
    /// The size of the table is to be told before the next field.
    told: Option<usize>,
}

impl Encoder {
    pub(super) const fn new(habit: Habit) -> Self {
        let (capacity, told) = match habit {
            Habit::Forgetful => (0, None),
            Habit::Remembering => (TABLE, None),
        };
        Self { habit, table: Dynamic::new(capacity), told }
    }

    pub(super) const fn memory(&self) -> usize {
        self.table.size()
    }

    /// The visitor allows a table of so many bytes; we never take more than the default.
    pub(super) fn allow(&mut self, capacity: usize) {
        let capacity = match self.habit {
            // nginx tells the size that it uses once the other side has changed it.
            Habit::Forgetful => 0,
            Habit::Remembering => capacity.min(TABLE),
        };
        self.table.resize(capacity);
        self.told = Some(capacity);
    }

    pub(super) fn block(&mut self, fields: &[(String, String)]) -> Vec<u8> {
        let mut block = Vec::new();
        if let Some(capacity) = self.told.take() {
            number(capacity, 5, 0x20, &mut block);
        }
        for (name, value) in fields {
            self.field(name, value, &mut block);
        }
        block
    }

    fn field(&mut self, name: &str, value: &str, block: &mut Vec<u8>) {
        // As nghttp2 has it: what changes with every answer is not worth a place.
        const FLEETING: [&str; 7] = [
            "age",
            "content-length",
            "etag",
            "if-modified-since",
            "if-none-match",
            "location",
            "set-cookie",
        ];
        let (whole, named) = self.table.find(name.as_bytes(), value.as_bytes());
        if let Some(index) = whole {
            return number(index, 7, 0x80, block);
        }
        let remembered = self.habit == Habit::Forgetful || !FLEETING.contains(&name);
        let (bits, mark) = if remembered { (6, 0x40) } else { (4, 0) };
        match named {
            Some(index) => number(index, bits, mark, block),
            None => {
                block.push(mark);
                text(name.as_bytes(), block);
            }
        }
        text(value.as_bytes(), block);
        if remembered {
            self.table.insert(name.as_bytes(), value.as_bytes());
        }
    }
}

fn number(value: usize, bits: u32, mark: u8, into: &mut Vec<u8>) {
    let mask = (1_usize << bits) - 1;
    if value < mask {
        return into.push(mark | value as u8);
    }
    into.push(mark | mask as u8);
    let mut rest = value - mask;
    while rest >= 0x80 {
        into.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    into.push(rest as u8);
}

/// In Huffman's code where that is shorter.
fn text(value: &[u8], into: &mut Vec<u8>) {
    let coded = huffman::length(value);
    if coded < value.len() {
        number(coded, 7, 0x80, into);
        huffman::encode(value, into);
    } else {
        number(value.len(), 7, 0, into);
        into.extend_from_slice(value);
    }
}
