//! Packed values and rows: the self-describing little-endian form that crosses the language
//! boundary and fills database rows. The layout is in `docs/boundary.md`.
//!
//! Writing appends to a byte vector: [`write_value`] and its siblings for what is whole,
//! [`begin`]/[`end`] around the elements of a collection, [`RowWriter`] for rows. Reading borrows:
//! [`Packed`] is one value whose texts, bytes and collections still lie in the input, [`RowView`]
//! finds the value of a column without reading the others. Every length is checked against the
//! bytes that are there, nothing is allocated from a count alone.

mod plain;
mod read;
mod row;
mod write;

#[cfg(test)]
mod tests;

pub use plain::{
    is_null, read_binary, read_bool, read_double, read_float, read_int, read_string, read_timestamp,
};
pub use read::{
    Packed, PackedDictionary, PackedLink, PackedList, Reader, read_all, read_key, read_payload,
    read_value,
};
pub use row::{RowView, RowWriter};
pub use write::{
    Container, ContainerKind, begin, begin_object, end, end_object, write_bytes, write_key,
    write_payload, write_value,
};

pub(crate) mod tag {
    pub const NULL: u8 = 0x00;
    pub const INT: u8 = 0x01;
    pub const BOOL: u8 = 0x02;
    pub const STRING: u8 = 0x03;
    pub const BINARY: u8 = 0x04;
    pub const TIMESTAMP: u8 = 0x05;
    pub const FLOAT: u8 = 0x06;
    pub const DOUBLE: u8 = 0x07;
    pub const DECIMAL: u8 = 0x08;
    pub const LINK: u8 = 0x09;
    pub const OBJECT_ID: u8 = 0x0a;
    pub const UUID: u8 = 0x0b;
    pub const LIST: u8 = 0x0c;
    pub const DICTIONARY: u8 = 0x0d;
    pub const SET: u8 = 0x0e;
    pub const OBJECT: u8 = 0x0f;
    pub const GLOBAL_KEY: u8 = 0x10;
    pub const MARK_OBJECT: u8 = 0x20;
    pub const MARK_LIST: u8 = 0x21;
    pub const MARK_DICTIONARY: u8 = 0x22;
    pub const MARK_ERASED: u8 = 0x23;
    /// Not in the boundary's table: no database makes sets inside values, but a payload can say so.
    pub const MARK_SET: u8 = 0x24;
}

/// Why bytes are not a packed value or row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackedError {
    /// The bytes end inside a value.
    #[error("packed value is truncated")]
    Truncated,
    /// No value has this tag, or not here.
    #[error("packed value has an unexpected tag {0:#04x}")]
    Tag(u8),
    /// Bytes are left over after the last value.
    #[error("packed value has trailing bytes")]
    Trailing,
    /// The offsets of a row do not ascend or leave the row.
    #[error("row offsets are damaged")]
    Offsets,
    /// A number is outside what its type can hold.
    #[error("packed number is out of range")]
    Range,
}

impl PackedError {
    /// A number for each variant that never changes.
    pub fn code(self) -> u32 {
        match self {
            Self::Truncated => 1,
            Self::Tag(_) => 2,
            Self::Trailing => 3,
            Self::Offsets => 4,
            Self::Range => 5,
        }
    }
}
