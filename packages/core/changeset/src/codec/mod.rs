//! The changeset encoding of Device Sync: a flat run of instructions, with strings interned on
//! first use.
//!
//! [`decode`] is strict: it refuses whatever the original's parser refuses, and besides the few
//! numbers out of range that the original cuts silently (opcodes and type tags beyond 8 bits,
//! negative sizes, nanoseconds beyond a second, decimals beyond decimal128). There are three ways of
//! writing: [`Encoder`] writes as a client emits, each intern definition just before the
//! instruction that needs it; [`encode_canonical`] writes all definitions first, which keeps the
//! intern table of a decoded changeset stable; [`PieceEncoder`] does so too and leaves the order of
//! the instructions open until the end.

mod decode;
mod encode;
mod varint;

#[cfg(test)]
mod tests;

pub use decode::decode;
pub use encode::{Encoder, PieceEncoder, encode, encode_canonical};

/// Pseudo-opcode that defines an interned string.
const OPCODE_INTERN: u8 = 0x3f;

/// Longest string, interned or inline, in bytes: what the original's database can store.
pub const STRING_BYTES_MAX: usize = 16_777_199;

/// Largest coefficient of a decimal: 113 bits.
pub const DECIMAL_COEFFICIENT_MAX: u128 = (1 << 113) - 1;

/// Smallest exponent of a decimal.
pub const DECIMAL_EXPONENT_MIN: i32 = -6176;

/// Largest exponent of a decimal: 14 bits less the bias; the range includes infinity and NaN.
pub const DECIMAL_EXPONENT_MAX: i32 = (1 << 14) - 1 + DECIMAL_EXPONENT_MIN;

/// Nanoseconds stay below this in size.
pub const NANOSECONDS_END: i64 = 1_000_000_000;

/// Why bytes are not a changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad changeset: {kind} before byte {offset}")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// How far reading had come.
    pub offset: usize,
}

/// What is wrong with bytes that are not a changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end inside an instruction.
    #[error("truncated")]
    Truncated,
    /// A number does not fit where it stands.
    #[error("integer out of range")]
    IntegerOutOfRange,
    /// No instruction has this opcode.
    #[error("unknown opcode")]
    UnknownOpcode,
    /// A definition whose index is not the number of strings so far.
    #[error("intern index out of order")]
    InternIndex,
    /// A definition of a text that is already interned.
    #[error("intern text repeated")]
    InternRepeated,
    /// A reference to a string that is not defined yet.
    #[error("undefined interned string")]
    InternUndefined,
    /// A string beyond [`STRING_BYTES_MAX`].
    #[error("string too long")]
    StringTooLong,
    /// A payload tag that no value has.
    #[error("unknown payload type")]
    PayloadType,
    /// A tag that no primary key has.
    #[error("unknown primary key type")]
    KeyType,
    /// A class kind that does not exist.
    #[error("unknown class kind")]
    TableKind,
    /// A collection kind that does not exist.
    #[error("unknown collection kind")]
    CollectionKind,
    /// An array instruction whose path does not end with an index.
    #[error("array instruction without an index")]
    MissingIndex,
    /// A timestamp with too many nanoseconds or with parts of different sign.
    #[error("timestamp out of range")]
    Timestamp,
    /// A decimal that decimal128 cannot hold.
    #[error("decimal out of range")]
    Decimal,
}

impl DecodeErrorKind {
    /// A number for each kind that never changes.
    pub fn code(self) -> u32 {
        match self {
            Self::Truncated => 1,
            Self::IntegerOutOfRange => 2,
            Self::UnknownOpcode => 3,
            Self::InternIndex => 4,
            Self::InternRepeated => 5,
            Self::InternUndefined => 6,
            Self::StringTooLong => 7,
            Self::PayloadType => 8,
            Self::KeyType => 9,
            Self::TableKind => 10,
            Self::CollectionKind => 11,
            Self::MissingIndex => 12,
            Self::Timestamp => 13,
            Self::Decimal => 14,
        }
    }
}
