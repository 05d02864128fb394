//! Rows: the packed values of an object's columns behind a table of end offsets.

use super::write::size;
use super::{Packed, PackedError, read_all};

const COUNT_BYTES: usize = 2;
const OFFSET_BYTES: usize = 4;

/// A borrowed row. Column i is found through the offset table, so reading one field does not read
/// the others.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    /// `4 · n` bytes of end offsets.
    offsets: &'a [u8],
    values: &'a [u8],
}

impl<'a> RowView<'a> {
    /// Checks the shape of a row: that the table is whole. Offsets and values are checked when they
    /// are read.
    pub fn new(bytes: &'a [u8]) -> Result<Self, PackedError> {
        let (count, rest) = bytes
            .split_first_chunk::<COUNT_BYTES>()
            .ok_or(PackedError::Truncated)?;
        let table = usize::from(u16::from_le_bytes(*count)) * OFFSET_BYTES;
        let (offsets, values) = rest.split_at_checked(table).ok_or(PackedError::Truncated)?;
        Ok(Self { offsets, values })
    }

    /// Number of columns the row has; the class may have more since, which then hold their
    /// defaults.
    pub fn len(&self) -> usize {
        self.offsets.len() / OFFSET_BYTES
    }

    /// Whether the row has no columns.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    fn end(&self, column: usize) -> Option<usize> {
        let start = column.checked_mul(OFFSET_BYTES)?;
        let bytes = self.offsets.get(start..)?.first_chunk::<OFFSET_BYTES>()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    }

    /// The packed bytes of a column, or `None` where the row has no such column and the default
    /// holds.
    pub fn column_bytes(&self, column: usize) -> Result<Option<&'a [u8]>, PackedError> {
        let Some(end) = self.end(column) else {
            return Ok(None);
        };
        let start = match column.checked_sub(1) {
            Some(previous) => self.end(previous).ok_or(PackedError::Offsets)?,
            None => 0,
        };
        self.values
            .get(start..end)
            .map(Some)
            .ok_or(PackedError::Offsets)
    }

    /// The value of a column, or `None` where the row has no such column and the default holds.
    pub fn column(&self, column: usize) -> Result<Option<Packed<'a>>, PackedError> {
        self.column_bytes(column)?.map(read_all).transpose()
    }
}

/// Writes a row at the end of a byte vector, column by column.
#[derive(Debug)]
pub struct RowWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where the next end offset goes.
    offset: usize,
    values: usize,
}

impl<'a> RowWriter<'a> {
    /// Starts a row of `columns` columns.
    pub fn new(out: &'a mut Vec<u8>, columns: usize) -> Self {
        let count = u16::try_from(columns).expect("a class has fewer than 65 536 columns");
        out.extend_from_slice(&count.to_le_bytes());
        let offset = out.len();
        out.resize(offset + columns * OFFSET_BYTES, 0);
        let values = out.len();
        Self {
            out,
            offset,
            values,
        }
    }

    /// Writes the next column: `write` appends its packed value.
    pub fn column(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        assert!(
            self.offset < self.values,
            "a row takes as many columns as it was started with"
        );
        write(self.out);
        let end = size(self.out.len() - self.values);
        let place = self
            .out
            .get_mut(self.offset..self.offset + OFFSET_BYTES)
            .expect("the table was reserved");
        place.copy_from_slice(&end.to_le_bytes());
        self.offset += OFFSET_BYTES;
    }

    /// Ends the row.
    pub fn finish(self) {
        assert!(
            self.offset == self.values,
            "a row takes as many columns as it was started with"
        );
    }
}
