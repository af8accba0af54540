//! Tables as Parquet files, which notebooks and databases read: columns of one type each, every cell of which may be empty, packed by
//! zstd. Written through the `parquet` crate without Arrow (Apache's own, format 2.9): a format that others must read is no place
//! for a writer of our own.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

/// How hard zstd tries: its own default, at which a core writes some 100 MB a second.
const EFFORT: i32 = 3;
/// Bytes of the smallest and largest text of a column that are kept as its bounds, so that a long text is not stored three times.
const LONGEST_BOUND: usize = 64;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// Text in UTF-8.
    Text,
    /// A number of 64 bits with a sign.
    Integer,
    /// A floating-point number of 64 bits.
    Real,
    /// True or false.
    Truth,
    /// A moment: microseconds since 1970 in UTC.
    Time,
}

impl CellType {
    /// The type's name in SQL.
    #[must_use]
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Text => "VARCHAR",
            Self::Integer => "BIGINT",
            Self::Real => "DOUBLE",
            Self::Truth => "BOOLEAN",
            Self::Time => "TIMESTAMP WITH TIME ZONE",
        }
    }

    fn column(self, name: &str) -> Result<TypePtr, ParquetError> {
        let (physical, logical) = match self {
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Integer => (Physical::INT64, None),
            Self::Real => (Physical::DOUBLE, None),
            Self::Truth => (Physical::BOOLEAN, None),
            Self::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    }
}

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Of [`CellType::Text`].
    Text(Vec<Option<String>>),
    /// Of [`CellType::Integer`].
    Integer(Vec<Option<i64>>),
    /// Of [`CellType::Real`].
    Real(Vec<Option<f64>>),
    /// Of [`CellType::Truth`].
    Truth(Vec<Option<bool>>),
    /// Of [`CellType::Time`].
    Time(Vec<Option<i64>>),
}

impl Cells {
    /// No cells yet, of one type.
    #[must_use]
    pub const fn none(of: CellType) -> Self {
        match of {
            CellType::Text => Self::Text(Vec::new()),
            CellType::Integer => Self::Integer(Vec::new()),
            CellType::Real => Self::Real(Vec::new()),
            CellType::Truth => Self::Truth(Vec::new()),
            CellType::Time => Self::Time(Vec::new()),
        }
    }

    /// What they are.
    #[must_use]
    pub const fn cell_type(&self) -> CellType {
        match self {
            Self::Text(_) => CellType::Text,
            Self::Integer(_) => CellType::Integer,
            Self::Real(_) => CellType::Real,
            Self::Truth(_) => CellType::Truth,
            Self::Time(_) => CellType::Time,
        }
    }

    /// How many they are, the empty ones too.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Integer(cells) | Self::Time(cells) => cells.len(),
            Self::Real(cells) => cells.len(),
            Self::Truth(cells) => cells.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn write(&self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        /// Which cells are there.
        fn levels<T>(cells: &[Option<T>]) -> Vec<i16> {
            cells.iter().map(|cell| i16::from(cell.is_some())).collect()
        }
        fn there<T: Copy>(cells: &[Option<T>]) -> Vec<T> {
            cells.iter().copied().flatten().collect()
        }
        match self {
            Self::Text(cells) => {
                let texts: Vec<ByteArray> =
                    cells.iter().flatten().map(|text| ByteArray::from(text.as_str())).collect();
                let column = column.typed::<ByteArrayType>();
                column.write_batch(&texts, Some(&levels(cells)), None)
            }
            Self::Integer(cells) | Self::Time(cells) => {
                let column = column.typed::<Int64Type>();
                column.write_batch(&there(cells), Some(&levels(cells)), None)
            }
            Self::Real(cells) => {
                let column = column.typed::<DoubleType>();
                column.write_batch(&there(cells), Some(&levels(cells)), None)
            }
            Self::Truth(cells) => {
                let column = column.typed::<BoolType>();
                column.write_batch(&there(cells), Some(&levels(cells)), None)
            }
        }
        .map(drop)
    }
}

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("a table could not be written: {0}; make room on the disk, or choose another folder")]
pub struct ColumnarError(#[from] ParquetError);

/// A Parquet file in the making.
pub struct ColumnarWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> std::fmt::Debug for ColumnarWriter<W> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ColumnarWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Send> ColumnarWriter<W> {
    /// Begins a file with these columns, in this order.
    ///
    /// # Errors
    /// When `out` takes nothing.
    pub fn new<'a>(
        out: W,
        columns: impl IntoIterator<Item = (&'a str, CellType)>,
    ) -> Result<Self, ColumnarError> {
        let fields: Result<Vec<TypePtr>, ParquetError> =
            columns.into_iter().map(|(name, of)| of.column(name)).collect();
        let schema = Type::group_type_builder("kizashi").with_fields(fields?).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(EFFORT)?))
            .set_created_by(concat!("kizashi version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_statistics_truncate_length(Some(LONGEST_BOUND))
            .set_column_index_truncate_length(Some(LONGEST_BOUND))
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { file })
    }

    /// Adds rows: the cells of every column, as many of each, in the columns' order.
    ///
    /// # Errors
    /// When `out` takes nothing more, or the columns are not of one length.
    pub fn add<'a>(
        &mut self,
        columns: impl IntoIterator<Item = &'a Cells>,
    ) -> Result<(), ColumnarError> {
        let mut group = self.file.next_row_group()?;
        for cells in columns {
            let mut column = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("more columns than were named".to_owned()))?;
            cells.write(&mut column)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file and gives back where it went.
    ///
    /// # Errors
    /// When `out` takes nothing more.
    pub fn finish(self) -> Result<W, ColumnarError> {
        Ok(self.file.into_inner()?)
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    /// The file's rows as the crate's own reader sees them; DuckDB and ClickHouse read such files in `tests/store/history.rs`.
    fn read(file: Vec<u8>) -> Vec<Vec<Field>> {
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().get_column_iter().map(|(_, cell)| cell.clone()).collect())
            .collect()
    }

    #[test]
    fn every_type_of_cell_comes_back_as_it_was_and_an_empty_one_empty() {
        let columns = [
            ("text", Cells::Text(vec![Some("根\u{202e}\0\"\n".to_owned()), None])),
            ("integer", Cells::Integer(vec![None, Some(-9)])),
            ("real", Cells::Real(vec![Some(1.0 / 3.0), None])),
            ("truth", Cells::Truth(vec![None, Some(true)])),
            ("time", Cells::Time(vec![Some(1_000_001), None])),
        ];
        let named = columns.iter().map(|(name, cells)| (*name, cells.cell_type()));
        let mut writer = ColumnarWriter::new(Vec::new(), named).unwrap();
        writer.add(columns.iter().map(|(_, cells)| cells)).unwrap();
        let rows = read(writer.finish().unwrap());
        let first = vec![
            Field::Str("根\u{202e}\0\"\n".to_owned()),
            Field::Null,
            Field::Double(1.0 / 3.0),
            Field::Null,
            Field::TimestampMicros(1_000_001),
        ];
        let second =
            vec![Field::Null, Field::Long(-9), Field::Null, Field::Bool(true), Field::Null];
        assert_eq!(rows, [first, second]);
    }

    #[test]
    fn columns_of_unequal_length_and_too_many_are_refused() {
        let named = [("a", CellType::Integer), ("b", CellType::Integer)];
        let (one, two) = (Cells::Integer(vec![Some(1)]), Cells::Integer(vec![Some(1), Some(2)]));
        let mut writer = ColumnarWriter::new(Vec::new(), named).unwrap();
        assert!(writer.add([&one, &two]).is_err());
        let mut writer = ColumnarWriter::new(Vec::new(), named).unwrap();
        assert!(writer.add([&one, &one, &one]).is_err());
    }

    #[test]
    fn a_table_without_rows_is_a_file_all_the_same() {
        let writer = ColumnarWriter::new(Vec::new(), [("a", CellType::Text)]).unwrap();
        assert!(read(writer.finish().unwrap()).is_empty());
    }
}
