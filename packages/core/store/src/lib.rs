//! The client's database: objects of every kind behind snapshots and one write at a time, the history of
//! what was written here, and the other half of a synchronisation: uploads, downloads, bootstraps,
//! subscriptions.
//!
//! * [`Database`] over any storage: versions, [`Snapshot`]s, [`WriteTransaction`]s;
//! * [`local`]: what the application does, as the instructions a client emits for it;
//! * [`migration`]: changes of the schema that are more than additions, for files that are not synchronised;
//! * [`sync`]: what a session needs;
//! * [`View`]: reading, queries included;
//! * [`boundary`]: all of it as the bytes and JSON texts that cross to JavaScript.
//!
//! Invariants:
//! * a commit is one durable storage commit: objects, indexes, history entry and cursors move together;
//! * object keys of a class grow in order of creation and are never given twice, but for an object that one
//!   download
//!   erases and creates again: to the reader it is the same;
//! * what a local write records is what it applied.

mod backlinks;
pub mod boundary;
mod candidates;
mod catalog;
mod changes;
mod compaction;
mod copying;
mod database;
mod error;
mod finish;
mod flat;
mod greatest;
mod head;
mod hidden;
mod history;
mod indexes;
pub mod json;
mod link_counts;
mod links;
mod list_edits;
pub mod local;
pub mod migration;
mod names;
mod nullify;
mod query;
mod record;
mod search;
mod seen;
pub mod sync;
mod tables;
mod transaction;
mod view;
mod walk;

pub use catalog::Catalog;
pub use changes::{Changes, ClassChanges, Columns};
pub use copying::CopyForm;
pub use database::{Database, DatabaseOptions, Snapshot};
pub use error::StoreError;
pub use flat::Given;
pub use list_edits::{ListEdit, ListEdits};
pub use local::Location;
pub use names::{ClassNames, QueryNames};
pub use query::Found;
pub use tables::CLIENT_FORMAT;
pub use transaction::WriteTransaction;
pub use view::View;
pub use walk::Step;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;
