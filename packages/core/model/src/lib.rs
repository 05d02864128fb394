//! The data model: what classes there are, what an object holds, and what an instruction does to
//! either.
//!
//! The client's store and the server's ledger share this room, so that both sides of a sync apply a
//! changeset in exactly the same way. It follows the original's applier to the letter, also in what
//! it refuses: prior sizes, types, nullability, paths through what is not there.
//!
//! * [`Schema`], [`Class`], [`Column`]: the schema, and schema instructions ([`Schema::apply`]);
//! * [`Document`], [`Node`]: one object as a tree, and its row bytes;
//! * [`apply_to_document`]: one instruction on one object at hand;
//! * [`Objects`] and [`apply_instruction`]: any instruction on whatever keeps the objects;
//! * [`image`]: the instructions that rebuild an object from nothing;
//! * [`node_at`], [`list_size_at`], [`column_at`]: looking at the place an instruction acts on;
//! * [`memory`]: the simplest keeper of objects, for tests and small states;
//! * [`original`]: what the original's storage makes of instructions where it differs.
//!
//! A link is a value, class and key. Whether its target exists is the reader's question; nothing is
//! stored for targets that are absent, and lists keep a slot for each link whether or not it
//! resolves.

mod apply;
mod document;
mod error;
mod find;
mod image;
pub mod memory;
mod objects;
pub mod original;
mod row;
mod schema;

pub use apply::apply_to_document;
pub use document::{Document, Node};
pub use error::{ApplyError, Problem};
pub use find::{column_at, list_size_at, node_at};
pub use image::image;
pub use objects::{Objects, apply_instruction};
pub use row::RowError;
pub use schema::{Class, ClassKind, Column, KeyField, Schema};
pub use tidemark_changeset::order;

/// Longest name of a class, in bytes: the original prefixes it and stores 63.
pub const CLASS_NAME_BYTES_MAX: usize = 57;

/// Longest name of a field, in bytes.
pub const FIELD_NAME_BYTES_MAX: usize = 63;

/// How deep collections and embedded objects may nest below a field.
///
/// The original says 100 for collections, but its applier takes more, and it has no limit for
/// embedded objects. This one is beyond what either makes, and shallow enough for every reader that
/// recurses.
pub const NESTING_MAX: usize = 256;
