//! The form in a file: redb, over a device of ours that may seal what is stored.
//!
//! Three things redb does are kept away from callers: a second writer would wait for ever (it is refused
//! here), an empty commit would still reach for the disk ([`crate::Write::commit`] skips it), and after an
//! error of the device nothing works any more (the file is opened anew).

mod device;
mod encryption;
mod leaves;

use std::fs::OpenOptions;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, TableError, TableHandle,
};

use device::Device;
pub use encryption::{Encryption, KEY_BYTES, SEED_BYTES};
pub(crate) use leaves::Leaf;
use leaves::LeafReader;

use crate::keys::is_empty_range;
use crate::{
    Batch, Bytes, Durability, Entry, Format, LeafTable, Range, Read, Result, Sink, Sizes, Storage,
    StorageError, TABLES_MAX, TableId, Visit,
};

/// Pages kept in memory, at most. Below the size of the file random work gets two to three times slower.
const CACHE_BYTES_MAX: usize = 128 << 20;

/// Size of redb's pages.
const PAGE_BYTES: u64 = 4_096;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type ReadTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// What the file holds: kind and version of the format.
const ABOUT: TableDefinition<'static, &'static str, &'static str> =
    TableDefinition::new("tidemark");

/// Names of the tables in the file: the number in two digits.
const NAMES: [&str; TABLES_MAX] = [
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15",
    "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
];

/// Names of the tables that are kept by the leaf.
const LEAF_NAMES: [&str; TABLES_MAX] = [
    "00l", "01l", "02l", "03l", "04l", "05l", "06l", "07l", "08l", "09l", "10l", "11l", "12l",
    "13l", "14l", "15l", "16l", "17l", "18l", "19l", "20l", "21l", "22l", "23l", "24l", "25l",
    "26l", "27l", "28l", "29l", "30l", "31l",
];

fn definition(table: TableId) -> Definition {
    TableDefinition::new(NAMES[table.number()])
}

fn leaf_definition(table: TableId) -> Definition {
    TableDefinition::new(LEAF_NAMES[table.number()])
}

/// Does something with redb, which trusts what it reads: a file whose content contradicts itself can make it
/// panic. That is an error of the file, and what was open of it is given up.
fn guarded<T>(device: &Device, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        device.give_up();
        Err(StorageError::Damaged(
            "its content contradicts itself".to_owned(),
        ))
    })
}

/// Where the database of a storage is.
enum State {
    Open(Database),
    /// The device has failed, and opening it again did too.
    Failed,
    Closed,
}

/// A storage in a redb file.
pub struct FileStorage {
    state: RwLock<State>,
    device: Arc<Device>,
    format: Format,
    /// How often the file had to be opened anew.
    epoch: AtomicU64,
    writing: Arc<AtomicBool>,
}

impl FileStorage {
    /// Opens a file, or creates it.
    ///
    /// Fails with a typed error if it is damaged, of another kind or a newer format, or open elsewhere.
    pub fn open(path: &Path, format: Format) -> Result<Self> {
        Self::open_with(path, format, None)
    }

    /// Opens a file that is encrypted, or creates it so; without a key as [`FileStorage::open`].
    ///
    /// Fails with a typed error if the key is not the file's, or there is a key and the file is not
    /// encrypted. The file is then as it was.
    pub fn open_with(path: &Path, format: Format, encryption: Option<Encryption>) -> Result<Self> {
        let is_new = !path.exists();
        let open = || {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            Self::with_backend(FileBackend::new(file)?, format, encryption)
        };
        let opened = open();
        if is_new && opened.is_err() && !matches!(opened, Err(StorageError::InUse)) {
            // What was begun is of no use to anybody; that it cannot be removed changes nothing.
            let _ = std::fs::remove_file(path);
        }
        opened
    }

    /// A storage with redb's memory backend: the file's behaviour without a file.
    pub fn in_memory(format: Format) -> Result<Self> {
        Self::with_backend(InMemoryBackend::new(), format, None)
    }

    /// A storage over any backend of redb's, such as a host's files.
    pub fn with_backend(
        backend: impl StorageBackend,
        format: Format,
        encryption: Option<Encryption>,
    ) -> Result<Self> {
        let device = Device::new(Arc::new(backend), encryption);
        match guarded(&device, || open_database(&device, format)) {
            Ok(database) => Ok(Self {
                state: RwLock::new(State::Open(database)),
                device,
                format,
                epoch: AtomicU64::new(0),
                writing: Arc::new(AtomicBool::new(false)),
            }),
            Err(error) => {
                // The first error says more than that of closing.
                let _ = device.end();
                Err(error)
            }
        }
    }

    /// Whether this is the key that the file was opened with, or there was none.
    pub fn has_key(&self, key: Option<&[u8]>) -> bool {
        self.device.has_key(key)
    }

    fn state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        self.reopen_failed()?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(database) => guarded(&self.device, || work(database)),
            State::Failed => Err(StorageError::Device("it has failed before".to_owned())),
            State::Closed => Err(StorageError::Closed),
        }
    }

    /// After an error of the device: opens the file anew, at the last durable state.
    fn reopen_failed(&self) -> Result<()> {
        if !self.device.has_failed() {
            return Ok(());
        }
        let mut state = self.state();
        if matches!(*state, State::Closed) || !self.device.has_failed() {
            return Ok(());
        }
        // It stays so if one of the next steps fails, and they are tried again by who comes next.
        self.replace(&mut state, State::Failed);
        self.device.restore()?;
        *state = guarded(&self.device, || {
            open_database(&self.device, self.format).map(State::Open)
        })?;
        self.epoch.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn replace(&self, state: &mut State, new: State) {
        let old = std::mem::replace(state, new);
        let dropped = guarded(&self.device, || {
            drop(old);
            Ok(())
        });
        if dropped.is_err() {
            self.device.take_back();
        }
    }
}

/// Opens or makes the database on a device, of the right kind and format.
fn open_database(device: &Arc<Device>, format: Format) -> Result<Database> {
    let database = Database::builder()
        .set_cache_size(CACHE_BYTES_MAX)
        .create_with_backend(device.lend())?;
    device.keep_locks();
    device.be_strict();
    check_format(&database, format)?;
    Ok(database)
}

fn check_format(database: &Database, format: Format) -> Result<()> {
    let read = database.begin_read()?;
    let table = match read.open_table(ABOUT) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) if read.list_tables()?.next().is_none() => {
            return write_format(database, format);
        }
        Err(error) => return Err(error.into()),
    };
    let kind = table
        .get("kind")?
        .map(|kind| kind.value().to_owned())
        .unwrap_or_default();
    if kind != format.kind {
        return Err(StorageError::OtherKind {
            found: kind,
            expected: format.kind.to_owned(),
        });
    }
    let version = table
        .get("version")?
        .and_then(|version| version.value().parse().ok());
    let found = version.ok_or_else(|| StorageError::Damaged("no format version".to_owned()))?;
    if found > format.version {
        return Err(StorageError::NewerFormat {
            found,
            supported: format.version,
        });
    }
    if found < format.version {
        // What is written from now on is of this version: builds that know only an older one refuse it.
        drop(table);
        drop(read);
        return write_format(database, format);
    }
    Ok(())
}

/// Changes what an older version has kept entry by entry into leaves.
fn gather_leaves(write: &redb::WriteTransaction, format: Format) -> Result<()> {
    for kept in format.leaves {
        let plain = definition(kept.table);
        if !write
            .list_tables()?
            .any(|table| table.name() == plain.name())
        {
            continue;
        }
        {
            let old = write.open_table(plain)?;
            let mut new = write.open_table(leaf_definition(kept.table))?;
            crate::leaves::gather(&mut new, kept.group_bytes, old.iter()?)?;
        }
        write.delete_table(plain)?;
    }
    Ok(())
}

fn write_format(database: &Database, format: Format) -> Result<()> {
    let write = database.begin_write()?;
    gather_leaves(&write, format)?;
    {
        let mut table = write.open_table(ABOUT)?;
        table.insert("kind", format.kind)?;
        table.insert("version", format.version.to_string().as_str())?;
    }
    Ok(write.commit()?)
}

impl Drop for FileStorage {
    fn drop(&mut self) {
        // Closing can fail on a device that is gone; nobody is left to hear of it.
        let _ = self.close();
    }
}

impl Storage for FileStorage {
    type Snapshot = FileSnapshot;
    type Sink = FileSink;

    fn snapshot(&self) -> Result<FileSnapshot> {
        let transaction = self.with(|database| Ok(database.begin_read()?))?;
        Ok(FileSnapshot {
            transaction,
            leaves: self.format.leaves,
            tables: [const { OnceLock::new() }; TABLES_MAX],
            device: Arc::clone(&self.device),
        })
    }

    fn sink(&self) -> Result<FileSink> {
        if self.writing.swap(true, Ordering::Acquire) {
            return Err(StorageError::WriteInProgress);
        }
        let right = Right(Arc::clone(&self.writing));
        let transaction = self.with(|database| Ok(database.begin_write()?))?;
        Ok(FileSink {
            transaction,
            leaves: self.format.leaves,
            device: Arc::clone(&self.device),
            _right: right,
        })
    }

    fn close(&self) -> Result<()> {
        let mut state = self.state();
        if matches!(*state, State::Closed) {
            return Ok(());
        }
        self.replace(&mut state, State::Closed);
        self.device.end()
    }

    fn compact(&self) -> Result<bool> {
        self.reopen_failed()?;
        let mut state = self.state();
        let State::Open(database) = &mut *state else {
            return Err(StorageError::Closed);
        };
        guarded(&self.device, || match database.compact() {
            Ok(_) => Ok(true),
            Err(redb::CompactionError::Storage(error)) => Err(error.into()),
            Err(_) => Ok(false),
        })
    }

    fn sizes(&self) -> Result<Sizes> {
        if self.writing.swap(true, Ordering::Acquire) {
            return Err(StorageError::WriteInProgress);
        }
        let _right = Right(Arc::clone(&self.writing));
        self.with(|database| {
            let write = database.begin_write()?;
            let stats = write.stats()?;
            write.abort()?;
            Ok(Sizes {
                total_bytes: self.device.len()?,
                used_bytes: PAGE_BYTES * (stats.allocated_pages() + 1),
            })
        })
    }

    fn epoch(&self) -> u64 {
        // One that cannot be opened anew shows its error to who reads or writes.
        let _ = self.reopen_failed();
        self.epoch.load(Ordering::Acquire)
    }
}

/// The right to write, given back when dropped.
struct Right(Arc<AtomicBool>);

impl Drop for Right {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A table as a file keeps it.
enum Table {
    /// Entry by entry.
    Plain(ReadTable),
    Leaves(LeafReader),
}

/// How a table is kept by the leaf, if it is.
fn leaf_table(leaves: &'static [LeafTable], table: TableId) -> Option<&'static LeafTable> {
    leaves.iter().find(|kept| kept.table == table)
}

/// An unchanging view of a [`FileStorage`]. Tables are opened when first read, once.
pub struct FileSnapshot {
    transaction: ReadTransaction,
    leaves: &'static [LeafTable],
    tables: [OnceLock<Option<Table>>; TABLES_MAX],
    device: Arc<Device>,
}

/// What was read before an error of the device ends with it, but for what redb has in memory.
fn outlived(device: &Device, error: impl Into<StorageError>) -> StorageError {
    match error.into() {
        StorageError::Closed if !device.is_ending() => {
            StorageError::Device("the device has failed since".to_owned())
        }
        error => error,
    }
}

impl FileSnapshot {
    fn table(&self, table: TableId) -> Result<Option<&Table>> {
        let slot = &self.tables[table.number()];
        if let Some(open) = slot.get() {
            return Ok(open.as_ref());
        }
        let is_by_leaf = leaf_table(self.leaves, table).is_some();
        let definition = if is_by_leaf {
            leaf_definition(table)
        } else {
            definition(table)
        };
        let open = guarded(&self.device, || {
            match self.transaction.open_table(definition) {
                Ok(open) if is_by_leaf => Ok(Some(Table::Leaves(LeafReader::new(open)))),
                Ok(open) => Ok(Some(Table::Plain(open))),
                Err(TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(outlived(&self.device, error)),
            }
        })?;
        Ok(slot.get_or_init(|| open).as_ref())
    }
}

impl Read for FileSnapshot {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        match self.table(table)? {
            Some(Table::Leaves(leaves)) => leaves.get(&self.device, key),
            Some(Table::Plain(open)) => guarded(&self.device, || match open.get(key) {
                Ok(value) => Ok(value.map(Bytes::page)),
                Err(error) => Err(outlived(&self.device, error)),
            }),
            None => Ok(None),
        }
    }

    fn range(&self, table: TableId, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Range<'_>> {
        let Some(open) = self.table(table)?.filter(|_| !is_empty_range(from, to)) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let open = match open {
            Table::Plain(open) => open,
            Table::Leaves(leaves) => return Ok(Box::new(leaves.range(&self.device, from, to)?)),
        };
        let entries = guarded(&self.device, || {
            open.range::<&[u8]>((from, to))
                .map_err(|error| outlived(&self.device, error))
        })?;
        Ok(Box::new(FileRange {
            entries,
            device: &self.device,
        }))
    }

    fn scan(
        &self,
        table: TableId,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        visit: Visit<'_>,
    ) -> Result<()> {
        let Some(open) = self.table(table)?.filter(|_| !is_empty_range(from, to)) else {
            return Ok(());
        };
        let device = &self.device;
        let open = match open {
            Table::Plain(open) => open,
            Table::Leaves(leaves) => return leaves.scan(device, from, to, visit),
        };
        let mut entries = guarded(device, || {
            open.range::<&[u8]>((from, to))
                .map_err(|error| outlived(device, error))
        })?;
        // The visitor's own panics are none of the device's.
        while let Some((key, value)) = guarded(device, || {
            entries
                .next()
                .transpose()
                .map_err(|error| outlived(device, error))
        })? {
            if visit(key.value(), value.value()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Entries of a table.
struct FileRange<'a> {
    entries: Entries,
    device: &'a Device,
}

type Entries = redb::Range<'static, &'static [u8], &'static [u8]>;
type Pair = <Entries as Iterator>::Item;

impl FileRange<'_> {
    fn take(&mut self, take: impl FnOnce(&mut Entries) -> Option<Pair>) -> Option<Result<Entry>> {
        let (entries, device) = (&mut self.entries, self.device);
        guarded(device, || match take(entries) {
            Some(Ok((key, value))) => Ok(Some((Bytes::page(key), Bytes::page(value)))),
            Some(Err(error)) => Err(outlived(device, error)),
            None => Ok(None),
        })
        .transpose()
    }
}

impl Iterator for FileRange<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take(Iterator::next)
    }
}

impl DoubleEndedIterator for FileRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.take(DoubleEndedIterator::next_back)
    }
}

/// The right to write a [`FileStorage`]. The transaction is dropped (aborted) before the right is given
/// back.
pub struct FileSink {
    transaction: redb::WriteTransaction,
    leaves: &'static [LeafTable],
    device: Arc<Device>,
    _right: Right,
}

impl Sink for FileSink {
    fn commit(self, batch: &Batch, durability: Durability) -> Result<()> {
        let (device, transaction) = (&self.device, self.transaction);
        let heads_synced = device.heads_synced();
        match guarded(device, || {
            flush(transaction, self.leaves, batch, durability)
        }) {
            // What redb does after the sync may fail, but the commit is durable.
            Err(_) if device.heads_synced() > heads_synced => Ok(()),
            result => result,
        }
    }
}

fn flush(
    mut transaction: redb::WriteTransaction,
    leaves: &'static [LeafTable],
    batch: &Batch,
    durability: Durability,
) -> Result<()> {
    transaction.set_durability(match durability {
        Durability::Durable => redb::Durability::Immediate,
        Durability::Later => redb::Durability::None,
    })?;
    for table in batch.tables() {
        let changes = batch.changes(table);
        if let Some(kept) = leaf_table(leaves, table) {
            let mut open = transaction.open_table(leaf_definition(table))?;
            crate::leaves::apply(&mut open, kept.group_bytes, changes)?;
        } else {
            let mut open = transaction.open_table(definition(table))?;
            crate::bulk::apply(&mut open, changes)?;
        }
    }
    Ok(transaction.commit()?)
}
