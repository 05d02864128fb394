//! Storage: the one trait between the core and whatever keeps its bytes, and the two forms of it.
//!
//! A storage is a handful of ordered tables of byte keys and byte values, with snapshots and one writer at
//! a time. [`file::FileStorage`] keeps them in a redb file (or in redb's memory backend);
//! [`ordered::OrderedStorage`] in an ordered map with cheap snapshots, for tests and for the browser.
//!
//! Invariants:
//! * a snapshot never changes, whatever is committed after it;
//! * a commit is seen whole or not at all, also after a crash; one made with [`Durability::Durable`]
//!   survives it;
//! * what a [`Write`] holds is seen through the `Write` at once and by nobody else before its commit;
//! * dropping a `Write` aborts it.
//!
//! Writes are collected in memory and handed to the form sorted, in one go, at the commit: a sorted flush
//! costs half of a random one, tables are opened once, and reading one's own writes is the same code for
//! all forms.

mod batch;
#[cfg(feature = "redb")]
mod bulk;
mod bytes;
#[cfg(feature = "redb")]
mod check;
#[cfg(feature = "devices")]
pub mod devices;
mod error;
#[cfg(feature = "redb")]
pub mod file;
pub mod key_value;
pub mod keys;
#[cfg(feature = "redb")]
mod leaf;
mod leaf_table;
#[cfg(feature = "redb")]
mod leaves;
pub mod ordered;
#[cfg(feature = "redb")]
mod redb_head;
mod write;

use std::ops::{Bound, ControlFlow};

pub use batch::Batch;
pub use bytes::Bytes;
#[cfg(feature = "redb")]
pub use check::check_closed_file;
pub use error::StorageError;
#[cfg(feature = "redb")]
pub use file::{Encryption, FileStorage};
pub use key_value::KeyValueStore;
pub use leaf_table::LeafTable;
pub use ordered::OrderedStorage;
pub use write::Write;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, StorageError>;

/// Number of tables that a storage offers: 0 … 31.
pub const TABLES_MAX: usize = 32;

/// One of the tables of a storage; below [`TABLES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(u8);

impl TableId {
    /// The table with that number. Meant for constants: a number beyond [`TABLES_MAX`] does not compile
    /// there.
    pub const fn new(number: u8) -> Self {
        assert!((number as usize) < TABLES_MAX, "a storage has 32 tables");
        Self(number)
    }

    /// The number of the table.
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

/// Whether a commit must survive a crash of the machine when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk.
    Durable,
    /// It becomes durable with the next durable one.
    Later,
}

/// An entry of a table, as a range gives it.
pub type Entry = (Bytes, Bytes);

/// Entries of a table in the order of their keys, from either end.
pub type Range<'a> = Box<dyn DoubleEndedIterator<Item = Result<Entry>> + 'a>;

/// Who is shown entries, key and value, and breaks when it wants no more.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Reading, from a snapshot or from an open write.
pub trait Read {
    /// The value under a key.
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>>;

    /// The entries between two keys.
    fn range(&self, table: TableId, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Range<'_>>;

    /// Shows the entries between two keys until the visitor breaks: faster than a range, whose entries
    /// outlast their step.
    fn scan(
        &self,
        table: TableId,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        visit: Visit<'_>,
    ) -> Result<()> {
        for entry in self.range(table, from, to)? {
            let (key, value) = entry?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Whether a key has a value.
    fn contains(&self, table: TableId, key: &[u8]) -> Result<bool> {
        Ok(self.get(table, key)?.is_some())
    }

    /// All entries whose key begins with these bytes.
    fn prefix(&self, table: TableId, prefix: &[u8]) -> Result<Range<'_>> {
        match keys::after_prefix(prefix) {
            Some(end) => self.range(table, Bound::Included(prefix), Bound::Excluded(&end)),
            None => self.range(table, Bound::Included(prefix), Bound::Unbounded),
        }
    }
}

/// What takes a finished batch. Holds the storage's only right to write; dropping it gives the right back.
pub trait Sink: Send {
    /// Makes all of the batch true at once.
    fn commit(self, batch: &Batch, durability: Durability) -> Result<()>;
}

/// What a file takes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Size of the file.
    pub total_bytes: u64,
    /// Size that it would have without free space.
    pub used_bytes: u64,
}

/// A set of ordered tables with snapshots and one writer.
pub trait Storage: Send + Sync + Sized + 'static {
    /// An unchanging view.
    type Snapshot: Read + Send + Sync + 'static;
    /// The form's own side of a write.
    type Sink: Sink + 'static;

    /// The newest committed state.
    fn snapshot(&self) -> Result<Self::Snapshot>;

    /// Takes the right to write. Never waits: [`StorageError::WriteInProgress`] if it is taken.
    fn sink(&self) -> Result<Self::Sink>;

    /// Closes the storage: every later call fails with [`StorageError::Closed`]. Snapshots have to be gone.
    fn close(&self) -> Result<()>;

    /// Gives unused space back to the file system. `false` if it could not be tried, for there is a snapshot
    /// or a write, and where there is no file.
    fn compact(&self) -> Result<bool> {
        Ok(false)
    }

    /// How large the file is; nothing where there is none.
    ///
    /// Takes the right to write for a moment: [`StorageError::WriteInProgress`] if it is taken.
    fn sizes(&self) -> Result<Sizes> {
        Ok(Sizes::default())
    }

    /// How often the storage had to be opened anew because its device failed. What was committed with
    /// [`Durability::Later`] before is gone then, and older snapshots may fail.
    fn epoch(&self) -> u64 {
        0
    }

    /// Begins a write on the newest state.
    fn begin_write(&self) -> Result<Write<Self>> {
        let sink = self.sink()?;
        let base = self.snapshot()?;
        Ok(Write::new(sink, base))
    }
}

/// A storage that several owners share, such as one that outlives a database over it.
impl<S: Storage> Storage for std::sync::Arc<S> {
    type Snapshot = S::Snapshot;
    type Sink = S::Sink;

    fn snapshot(&self) -> Result<S::Snapshot> {
        (**self).snapshot()
    }

    fn sink(&self) -> Result<S::Sink> {
        (**self).sink()
    }

    fn close(&self) -> Result<()> {
        (**self).close()
    }

    fn compact(&self) -> Result<bool> {
        (**self).compact()
    }

    fn sizes(&self) -> Result<Sizes> {
        (**self).sizes()
    }

    fn epoch(&self) -> u64 {
        (**self).epoch()
    }
}

/// What a storage holds and in which form: written at creation, checked whenever it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Which part of the system owns the data, such as `client`.
    pub kind: &'static str,
    /// Version of the layout of the tables. A storage with a greater one is refused; one with a smaller one
    /// gets this one when it is opened, and whoever owns the data reads both.
    pub version: u32,
    /// Tables with many small entries, which a file keeps by the leaf. A file of an older version is changed
    /// accordingly when it is opened.
    pub leaves: &'static [LeafTable],
}
