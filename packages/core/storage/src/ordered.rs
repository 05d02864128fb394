//! The form in memory: ordered tables with cheap snapshots.
//!
//! A table is a list of leaves of at most [`LEAF_MAX`] entries. Leaves are shared between versions: a
//! commit copies the ones it touches and the list of pointers, so a snapshot costs one reference count and
//! a small commit a few microseconds, however many snapshots live.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::batch::Changes;
use crate::keys::is_empty_range;
use crate::{
    Batch, Bytes, Durability, Entry, Range, Read, Result, Sink, Storage, StorageError, TABLES_MAX,
    TableId,
};

/// Entries a leaf holds at most.
const LEAF_MAX: usize = 256;

type Pair = (Arc<[u8]>, Arc<[u8]>);
type Leaf = Arc<Vec<Pair>>;

/// One table: leaves in key order, none of them empty.
#[derive(Clone, Debug, Default)]
struct Table {
    leaves: Arc<Vec<Leaf>>,
}

/// A place between entries: leaf and offset. The end is (number of leaves, 0).
type Place = (usize, usize);

impl Table {
    /// Index of the only leaf that can hold the key.
    fn leaf_of(&self, key: &[u8]) -> usize {
        let after = self
            .leaves
            .partition_point(|leaf| leaf.first().is_some_and(|(first, _)| &first[..] <= key));
        after.saturating_sub(1)
    }

    fn get(&self, key: &[u8]) -> Option<&Arc<[u8]>> {
        let leaf = self.leaves.get(self.leaf_of(key))?;
        let index = leaf
            .binary_search_by(|(entry, _)| entry[..].cmp(key))
            .ok()?;
        leaf.get(index).map(|(_, value)| value)
    }

    /// The first place whose key is not below (or, `after`, is above) the key.
    fn place(&self, key: &[u8], after: bool) -> Place {
        let index = self.leaf_of(key);
        let Some(leaf) = self.leaves.get(index) else {
            return (0, 0);
        };
        let offset = leaf.partition_point(|(entry, _)| {
            if after {
                &entry[..] <= key
            } else {
                &entry[..] < key
            }
        });
        if offset == leaf.len() {
            (index + 1, 0)
        } else {
            (index, offset)
        }
    }

    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Entries<'_> {
        let end = (self.leaves.len(), 0);
        if is_empty_range(from, to) {
            return Entries {
                leaves: &self.leaves,
                front: end,
                back: end,
            };
        }
        let front = match from {
            Bound::Included(key) => self.place(key, false),
            Bound::Excluded(key) => self.place(key, true),
            Bound::Unbounded => (0, 0),
        };
        let back = match to {
            Bound::Included(key) => self.place(key, true),
            Bound::Excluded(key) => self.place(key, false),
            Bound::Unbounded => end,
        };
        Entries {
            leaves: &self.leaves,
            front,
            back,
        }
    }

    /// The table after these changes.
    fn changed(&self, changes: &Changes) -> Self {
        let mut leaves = Vec::with_capacity(self.leaves.len() + changes.len() / LEAF_MAX + 1);
        let mut changes = changes.iter().peekable();
        let empty = [Leaf::default()];
        let old: &[Leaf] = if self.leaves.is_empty() {
            &empty
        } else {
            &self.leaves
        };
        for (index, leaf) in old.iter().enumerate() {
            let next = old
                .get(index + 1)
                .and_then(|leaf| leaf.first())
                .map(|(key, _)| key);
            let mine = |key: &[u8]| next.is_none_or(|next| key < &next[..]);
            if !changes.peek().is_some_and(|(key, _)| mine(key)) {
                push_leaf(&mut leaves, Leaf::clone(leaf));
                continue;
            }
            let mut merged = Vec::with_capacity(leaf.len() + 1);
            let mut entries = leaf.iter().peekable();
            while let Some((key, value)) = changes.next_if(|(key, _)| mine(key)) {
                while let Some(entry) = entries.next_if(|(entry, _)| entry[..] < key[..]) {
                    merged.push(entry.clone());
                }
                entries.next_if(|(entry, _)| entry[..] == key[..]);
                if let Some(value) = value {
                    merged.push((Arc::from(&key[..]), Arc::clone(value)));
                }
            }
            merged.extend(entries.cloned());
            let pieces = merged.len().div_ceil(LEAF_MAX).max(1);
            let size = merged.len().div_ceil(pieces).max(1);
            for piece in merged.chunks(size) {
                push_leaf(&mut leaves, Arc::new(piece.to_vec()));
            }
        }
        Self {
            leaves: Arc::new(leaves),
        }
    }
}

/// Appends a leaf; joins it with the one before if both are small, so that deletions do not leave crumbs.
fn push_leaf(leaves: &mut Vec<Leaf>, leaf: Leaf) {
    if leaf.is_empty() {
        return;
    }
    match leaves.last_mut() {
        Some(last) if last.len() + leaf.len() <= LEAF_MAX / 2 => {
            Arc::make_mut(last).extend(leaf.iter().cloned());
        }
        _ => leaves.push(leaf),
    }
}

/// Entries of a table between two places.
struct Entries<'a> {
    leaves: &'a [Leaf],
    front: Place,
    back: Place,
}

fn entry(pair: &Pair) -> Entry {
    (
        Bytes::from(Arc::clone(&pair.0)),
        Bytes::from(Arc::clone(&pair.1)),
    )
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let leaf = self.leaves.get(self.front.0)?;
        let pair = leaf.get(self.front.1)?;
        self.front.1 += 1;
        if self.front.1 == leaf.len() {
            self.front = (self.front.0 + 1, 0);
        }
        Some(Ok(entry(pair)))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        if self.back.1 == 0 {
            let leaf = self.back.0.checked_sub(1)?;
            self.back = (leaf, self.leaves.get(leaf)?.len());
        }
        self.back.1 -= 1;
        let pair = self.leaves.get(self.back.0)?.get(self.back.1)?;
        Some(Ok(entry(pair)))
    }
}

type Tables = [Table; TABLES_MAX];

/// Hears of every commit before it becomes visible; what it returns as an error refuses the commit.
pub type CommitObserver = Box<dyn Fn(&Batch, Durability) -> Result<()> + Send + Sync>;

struct Shared {
    /// `None` once closed.
    tables: Mutex<Option<Arc<Tables>>>,
    writing: AtomicBool,
    observer: Option<CommitObserver>,
}

impl Shared {
    fn tables(&self) -> Result<Arc<Tables>> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.as_ref().map(Arc::clone).ok_or(StorageError::Closed)
    }
}

/// A storage in memory.
pub struct OrderedStorage {
    shared: Arc<Shared>,
}

impl OrderedStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::build(None)
    }

    /// An empty storage that tells each commit to an observer, which may keep it elsewhere (or, in tests,
    /// fail).
    pub fn with_observer(observer: CommitObserver) -> Self {
        Self::build(Some(observer))
    }

    /// A storage that begins as a snapshot was: cheap, for they share what neither changes.
    pub fn from_snapshot(snapshot: &OrderedSnapshot) -> Self {
        let storage = Self::new();
        *storage
            .shared
            .tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot.tables));
        storage
    }

    fn build(observer: Option<CommitObserver>) -> Self {
        let tables = Mutex::new(Some(Arc::default()));
        Self {
            shared: Arc::new(Shared {
                tables,
                writing: AtomicBool::new(false),
                observer,
            }),
        }
    }
}

impl Default for OrderedStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl Storage for OrderedStorage {
    type Snapshot = OrderedSnapshot;
    type Sink = OrderedSink;

    fn snapshot(&self) -> Result<OrderedSnapshot> {
        Ok(OrderedSnapshot {
            tables: self.shared.tables()?,
        })
    }

    fn sink(&self) -> Result<OrderedSink> {
        self.shared.tables()?;
        if self.shared.writing.swap(true, Ordering::Acquire) {
            return Err(StorageError::WriteInProgress);
        }
        Ok(OrderedSink {
            shared: Arc::clone(&self.shared),
        })
    }

    fn close(&self) -> Result<()> {
        *self
            .shared
            .tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// An unchanging view of an [`OrderedStorage`].
#[derive(Clone)]
pub struct OrderedSnapshot {
    tables: Arc<Tables>,
}

impl Read for OrderedSnapshot {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.tables[table.number()]
            .get(key)
            .map(|value| Bytes::from(Arc::clone(value))))
    }

    fn range(&self, table: TableId, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Range<'_>> {
        Ok(Box::new(self.tables[table.number()].range(from, to)))
    }
}

/// The right to write an [`OrderedStorage`].
pub struct OrderedSink {
    shared: Arc<Shared>,
}

impl Drop for OrderedSink {
    fn drop(&mut self) {
        self.shared.writing.store(false, Ordering::Release);
    }
}

impl Sink for OrderedSink {
    fn commit(self, batch: &Batch, durability: Durability) -> Result<()> {
        let mut tables = self.shared.tables()?;
        if let Some(observer) = &self.shared.observer {
            observer(batch, durability)?;
        }
        let changed = Arc::make_mut(&mut tables);
        for table in batch.tables() {
            changed[table.number()] = changed[table.number()].changed(batch.table(table));
        }
        let mut current = self
            .shared
            .tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if current.is_none() {
            return Err(StorageError::Closed);
        }
        *current = Some(tables);
        Ok(())
    }
}
