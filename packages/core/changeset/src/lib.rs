//! Changesets: values, instructions, and the bytes between them.
//!
//! A changeset is what one write transaction did, as a flat list of [`Instruction`]s. This crate
//! owns the vocabulary that every other room of the core speaks, and its three byte forms:
//!
//! * [`codec`]: the changeset encoding of Device Sync, as it travels on the wire and lies in
//!   histories;
//! * [`body`]: the entry list of an UPLOAD or DOWNLOAD message around changesets;
//! * [`packed`]: the self-describing value form that crosses the language boundary and fills
//!   database rows.
//!
//! Nothing here touches a database, a clock or a file. Bytes from outside never panic: they decode
//! or they give a typed error.

pub mod body;
pub mod codec;
pub mod instruction;
#[cfg(feature = "json")]
pub mod json;
pub mod order;
pub mod packed;
pub mod value;

pub use instruction::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, PathElement, TableSpec, Target,
    UpdateKind,
};
pub use value::{Decimal, Link, Name, ObjectId, Payload, PrimaryKey, Text, Timestamp, Uuid, Value};

/// What one write transaction did.
///
/// `strings` is the intern table in index order, as it was decoded; it is kept so that re-encoding
/// leaves indices stable (`encode_canonical` writes every entry of it first, used or not). It may
/// be empty for a changeset that was made here: the encoder interns what it meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changeset {
    /// The intern table in index order.
    pub strings: Vec<Name>,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
}
