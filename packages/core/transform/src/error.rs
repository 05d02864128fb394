//! What makes a merge impossible.

use thiserror::Error;

/// Two histories that cannot be merged. Whoever sent the second one sent a bad changeset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransformError {
    /// Both sides made the class or the column, and they disagree about it.
    #[error("schema mismatch: {subject} is {left} on one side and {right} on the other")]
    SchemaMismatch {
        /// The class, or class and field.
        subject: String,
        /// What one side says.
        left: String,
        /// What the other side says.
        right: String,
    },
    /// Two edits of one list disagree about its size: at least one of them was not made from the common
    /// state.
    #[error("list sizes differ: {left} and {right} (at {target})")]
    SizeMismatch {
        /// Size that one side saw.
        left: u32,
        /// Size that the other side saw.
        right: u32,
        /// Where.
        target: String,
    },
    /// An edit addresses an element beyond the size that it says the list has.
    #[error("index {index} is out of range for a list of {size} (at {target})")]
    IndexOutOfRange {
        /// The index.
        index: u32,
        /// The size.
        size: u32,
        /// Where.
        target: String,
    },
    /// One side treats as a list what the other addresses by keys, without having replaced it.
    #[error("a list on one side is addressed by a key on the other (at {target})")]
    NotAList {
        /// Where.
        target: String,
    },
    /// An instruction contradicts itself: a list edit whose path ends with a key, or the like.
    #[error("malformed {operation} (at {target})")]
    Malformed {
        /// Name of the instruction.
        operation: &'static str,
        /// Where.
        target: String,
    },
    /// More pairs of instructions to compare than the budget allows.
    #[error("the histories touch each other at too many places")]
    TooManyPairs,
    /// More instructions than a merge can count.
    #[error("too many instructions in one merge")]
    TooLarge,
}

impl TransformError {
    /// A number that stays the same over releases.
    pub fn code(&self) -> u32 {
        match self {
            Self::SchemaMismatch { .. } => 1,
            Self::SizeMismatch { .. } => 2,
            Self::IndexOutOfRange { .. } => 3,
            Self::NotAList { .. } => 4,
            Self::Malformed { .. } => 5,
            Self::TooLarge => 6,
            Self::TooManyPairs => 7,
        }
    }
}
