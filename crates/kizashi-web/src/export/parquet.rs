//! Parquet, as much of it as a flat table takes: one row group, one plain page a column, nothing compressed. The `parquet` crate
//! would bring some thirty crates for these two hundred lines. After the format's description (apache/parquet-format 2.9: README,
//! Encodings, parquet.thrift); its metadata are in Thrift's compact protocol.

use super::table::{Cells, Table};

const MAGIC: &[u8; 4] = b"PAR1";
/// Values of enumerations in parquet.thrift.
mod named {
    pub(super) const BOOLEAN: i32 = 0;
    pub(super) const INT64: i32 = 2;
    pub(super) const DOUBLE: i32 = 5;
    pub(super) const BYTE_ARRAY: i32 = 6;
    pub(super) const OPTIONAL: i32 = 1;
    pub(super) const UTF8: i32 = 0;
    pub(super) const TIMESTAMP_MICROS: i32 = 10;
    pub(super) const PLAIN: i32 = 0;
    pub(super) const RLE: i32 = 3;
    pub(super) const UNCOMPRESSED: i32 = 0;
    pub(super) const DATA_PAGE: i32 = 0;
}
/// Types of the compact protocol.
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A structure in the compact protocol, in the making.
#[derive(Default)]
struct Compact {
    bytes: Vec<u8>,
    last: u8,
}

impl Compact {
    fn field(&mut self, id: u8, kind: u8) {
        // The fields written here are never more than fifteen apart.
        self.bytes.push(((id - self.last) << 4) | kind);
        self.last = id;
    }

    fn i32(mut self, id: u8, value: i32) -> Self {
        self.field(id, I32);
        varint(&mut self.bytes, zigzag(i64::from(value)));
        self
    }

    fn i64(mut self, id: u8, value: usize) -> Self {
        self.field(id, I64);
        varint(&mut self.bytes, zigzag(i64::try_from(value).unwrap_or(i64::MAX)));
        self
    }

    fn text(mut self, id: u8, text: &str) -> Self {
        self.field(id, BINARY);
        binary(&mut self.bytes, text.as_bytes());
        self
    }

    fn structure(mut self, id: u8, inner: Self) -> Self {
        self.field(id, STRUCT);
        self.bytes.extend(inner.end());
        self
    }

    fn list(mut self, id: u8, kind: u8, items: &[Vec<u8>]) -> Self {
        self.field(id, LIST);
        if items.len() < 15 {
            self.bytes.push(((items.len() as u8) << 4) | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(&mut self.bytes, items.len() as u64);
        }
        self.bytes.extend(items.concat());
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn binary(bytes: &mut Vec<u8>, content: &[u8]) {
    varint(bytes, content.len() as u64);
    bytes.extend(content);
}

/// A column's place in the file.
struct Chunk {
    offset: usize,
    size: usize,
}

pub(super) fn write(table: &Table) -> Vec<u8> {
    let rows = table.rows();
    let mut file = MAGIC.to_vec();
    let mut chunks = Vec::new();
    if rows > 0 {
        for (_, cells) in &table.columns {
            let offset = file.len();
            let page = page_of(cells);
            let header = Compact::default()
                .i32(1, named::DATA_PAGE)
                .i32(2, i32::try_from(page.len()).unwrap_or(i32::MAX))
                .i32(3, i32::try_from(page.len()).unwrap_or(i32::MAX))
                .structure(
                    5,
                    Compact::default()
                        .i32(1, i32::try_from(rows).unwrap_or(i32::MAX))
                        .i32(2, named::PLAIN)
                        .i32(3, named::RLE)
                        .i32(4, named::RLE),
                );
            file.extend(header.end());
            file.extend(page);
            chunks.push(Chunk { offset, size: file.len() - offset });
        }
    }
    let footer = footer(table, rows, &chunks);
    let length = u32::try_from(footer.len()).unwrap_or(u32::MAX);
    file.extend(footer);
    file.extend(length.to_le_bytes());
    file.extend(MAGIC);
    file
}

fn footer(table: &Table, rows: usize, chunks: &[Chunk]) -> Vec<u8> {
    let root = Compact::default().text(4, "kizashi").i32(5, table.columns.len() as i32).end();
    let schema: Vec<Vec<u8>> = std::iter::once(root)
        .chain(table.columns.iter().map(|(name, cells)| {
            let element =
                Compact::default().i32(1, physical(cells)).i32(3, named::OPTIONAL).text(4, name);
            match cells {
                Cells::Text(_) => element.i32(6, named::UTF8),
                Cells::Time(_) => element.i32(6, named::TIMESTAMP_MICROS),
                _ => element,
            }
            .end()
        }))
        .collect();
    let groups = if chunks.is_empty() { Vec::new() } else { vec![group(table, rows, chunks)] };
    Compact::default()
        .i32(1, 1)
        .list(2, STRUCT, &schema)
        .i64(3, rows)
        .list(4, STRUCT, &groups)
        .text(6, "kizashi")
        .end()
}

fn group(table: &Table, rows: usize, chunks: &[Chunk]) -> Vec<u8> {
    let columns: Vec<Vec<u8>> = table
        .columns
        .iter()
        .zip(chunks)
        .map(|((name, cells), chunk)| {
            let encoding = |value: i32| {
                let mut bytes = Vec::new();
                varint(&mut bytes, zigzag(i64::from(value)));
                bytes
            };
            let mut path = Vec::new();
            binary(&mut path, name.as_bytes());
            let about = Compact::default()
                .i32(1, physical(cells))
                .list(2, I32, &[encoding(named::PLAIN), encoding(named::RLE)])
                .list(3, BINARY, &[path])
                .i32(4, named::UNCOMPRESSED)
                .i64(5, rows)
                .i64(6, chunk.size)
                .i64(7, chunk.size)
                .i64(9, chunk.offset);
            Compact::default().i64(2, chunk.offset).structure(3, about).end()
        })
        .collect();
    let whole = chunks.iter().map(|chunk| chunk.size).sum();
    Compact::default().list(1, STRUCT, &columns).i64(2, whole).i64(3, rows).end()
}

const fn physical(cells: &Cells) -> i32 {
    match cells {
        Cells::Text(_) => named::BYTE_ARRAY,
        Cells::Integer(_) | Cells::Time(_) => named::INT64,
        Cells::Real(_) => named::DOUBLE,
        Cells::Truth(_) => named::BOOLEAN,
    }
}

/// Which cells are there, then those that are.
fn page_of(cells: &Cells) -> Vec<u8> {
    let mut values = Vec::new();
    let there = match cells {
        Cells::Text(cells) => each(cells, |text: &String| {
            values.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            values.extend(text.as_bytes());
        }),
        Cells::Integer(cells) | Cells::Time(cells) => {
            each(cells, |number: &i64| values.extend(number.to_le_bytes()))
        }
        Cells::Real(cells) => each(cells, |number: &f64| values.extend(number.to_le_bytes())),
        Cells::Truth(cells) => {
            let mut bits = Vec::new();
            let there = each(cells, |truth: &bool| bits.push(*truth));
            let byte = |bits: &[bool]| {
                bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | (u8::from(*bit) << at))
            };
            values.extend(bits.chunks(8).map(byte));
            there
        }
    };
    let levels = runs(&there);
    let mut page = u32::try_from(levels.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    page.extend(levels);
    page.extend(values);
    page
}

fn each<T>(cells: &[Option<T>], mut put: impl FnMut(&T)) -> Vec<bool> {
    cells.iter().map(|cell| cell.as_ref().map(&mut put).is_some()).collect()
}

/// Definition levels as runs: how often, then which.
fn runs(there: &[bool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in there.chunk_by(|a, b| a == b) {
        varint(&mut bytes, (run.len() as u64) << 1);
        bytes.push(u8::from(run.first() == Some(&true)));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn table() -> Table {
        let rows = 70;
        let some = |at: usize| at % 7 != 3;
        let text = |at: usize| some(at).then(|| format!("根 {at} \u{202e}<b>\"\n"));
        Table {
            columns: vec![
                ("text", Cells::Text((0..rows).map(text).collect())),
                (
                    "count",
                    Cells::Integer((0..rows).map(|at| some(at).then(|| at as i64 - 9)).collect()),
                ),
                (
                    "real",
                    Cells::Real((0..rows).map(|at| some(at).then(|| at as f64 / 3.0)).collect()),
                ),
                (
                    "truth",
                    Cells::Truth((0..rows).map(|at| some(at).then_some(at % 2 == 0)).collect()),
                ),
                (
                    "time",
                    Cells::Time(
                        (0..rows).map(|at| some(at).then(|| at as i64 * 1_000_001)).collect(),
                    ),
                ),
            ],
        }
    }

    /// These very bytes were read by pyarrow 25 and duckdb 1.5, cell by cell; a change of them wants to be read again
    /// (`KIZASHI_PARQUET=FILE` writes them).
    #[test]
    fn a_table_becomes_the_file_that_other_readers_were_shown() {
        let file = write(&table());
        if let Some(path) = std::env::var_os("KIZASHI_PARQUET") {
            std::fs::write(path, &file).unwrap();
        }
        let hash = Sha256::digest(&file);
        let shown: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((file.len(), shown.as_str()), (3_185, "c2688284ea0d9d5a"));
    }

    #[test]
    fn a_file_begins_and_ends_as_one_and_says_where_its_footer_is() {
        for table in [table(), Table { columns: vec![("empty", Cells::Text(Vec::new()))] }] {
            let file = write(&table);
            assert!(file.starts_with(MAGIC) && file.ends_with(MAGIC));
            let at = file.len() - 8;
            let length = u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            assert!(length < at, "the footer lies within");
            assert_eq!(file[at - 1], 0, "the footer ends as a structure does");
        }
    }
}
