//! The form in a file: redb.
//!
//! Two things redb does are kept away from callers: a second writer would wait for ever (it is refused
//! here), and an empty commit would still reach for the disk ([`crate::Write::commit`] skips it).

use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, TableDefinition, TableError,
};

use crate::keys::is_empty_range;
use crate::{
    Batch, Bytes, Durability, Format, Range, Read, Result, Sink, Storage, StorageError, TABLES_MAX,
    TableId, Visit,
};

/// Pages kept in memory, at most. Below the size of the file random work gets two to three times slower.
const CACHE_BYTES_MAX: usize = 128 << 20;

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

fn definition(table: TableId) -> Definition {
    TableDefinition::new(NAMES[table.number()])
}

/// A storage in a redb file.
pub struct FileStorage {
    /// `None` once closed.
    database: RwLock<Option<Database>>,
    writing: Arc<AtomicBool>,
}

impl FileStorage {
    /// Opens a file, or creates it.
    ///
    /// Fails with a typed error if it is damaged, of another kind or a newer format, or open elsewhere.
    pub fn open(path: &Path, format: Format) -> Result<Self> {
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES_MAX)
            .create(path)?;
        Self::checked(database, format)
    }

    /// A storage with redb's memory backend: the file's behaviour without a file.
    pub fn in_memory(format: Format) -> Result<Self> {
        Self::with_backend(InMemoryBackend::new(), format)
    }

    /// A storage over any backend of redb's; tests make disks fail with it.
    pub fn with_backend(backend: impl redb::StorageBackend, format: Format) -> Result<Self> {
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES_MAX)
            .create_with_backend(backend)?;
        Self::checked(database, format)
    }

    fn checked(database: Database, format: Format) -> Result<Self> {
        let known = match database.begin_read()?.open_table(ABOUT) {
            Ok(table) => {
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
                let found =
                    version.ok_or_else(|| StorageError::Damaged("no format version".to_owned()))?;
                if found > format.version {
                    return Err(StorageError::NewerFormat {
                        found,
                        supported: format.version,
                    });
                }
                Some(found)
            }
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        // What is written from now on is of this version: builds that know only an older one refuse it.
        if known != Some(format.version) {
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(ABOUT)?;
                table.insert("kind", format.kind)?;
                table.insert("version", format.version.to_string().as_str())?;
            }
            write.commit()?;
        }
        Ok(Self {
            database: RwLock::new(Some(database)),
            writing: Arc::new(AtomicBool::new(false)),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or(StorageError::Closed)?)
    }

    /// Gives unused space back to the file system. Only possible while there is neither a snapshot nor a
    /// write.
    pub fn compact(&self) -> Result<bool> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let database = database.as_mut().ok_or(StorageError::Closed)?;
        match database.compact() {
            Ok(shrunk) => Ok(shrunk),
            Err(redb::CompactionError::Storage(error)) => Err(error.into()),
            Err(_) => Err(StorageError::WriteInProgress),
        }
    }
}

impl Storage for FileStorage {
    type Snapshot = FileSnapshot;
    type Sink = FileSink;

    fn snapshot(&self) -> Result<FileSnapshot> {
        let transaction = self.with(|database| Ok(database.begin_read()?))?;
        Ok(FileSnapshot {
            transaction,
            tables: [const { OnceLock::new() }; TABLES_MAX],
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
            _right: right,
        })
    }

    fn close(&self) -> Result<()> {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// The right to write, given back when dropped.
struct Right(Arc<AtomicBool>);

impl Drop for Right {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// An unchanging view of a [`FileStorage`]. Tables are opened when first read, once.
pub struct FileSnapshot {
    transaction: ReadTransaction,
    tables: [OnceLock<Option<ReadTable>>; TABLES_MAX],
}

impl FileSnapshot {
    fn table(&self, table: TableId) -> Result<Option<&ReadTable>> {
        let slot = &self.tables[table.number()];
        if let Some(open) = slot.get() {
            return Ok(open.as_ref());
        }
        let open = match self.transaction.open_table(definition(table)) {
            Ok(open) => Some(open),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(slot.get_or_init(|| open).as_ref())
    }
}

impl Read for FileSnapshot {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        match self.table(table)? {
            Some(open) => Ok(open.get(key)?.map(Bytes::page)),
            None => Ok(None),
        }
    }

    fn range(&self, table: TableId, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Range<'_>> {
        let Some(open) = self.table(table)?.filter(|_| !is_empty_range(from, to)) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let entries = open.range::<&[u8]>((from, to))?;
        Ok(Box::new(entries.map(|entry| {
            let (key, value) = entry?;
            Ok((Bytes::page(key), Bytes::page(value)))
        })))
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
        for entry in open.range::<&[u8]>((from, to))? {
            let (key, value) = entry?;
            if visit(key.value(), value.value()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The right to write a [`FileStorage`]. The transaction is dropped (aborted) before the right is given
/// back.
pub struct FileSink {
    transaction: redb::WriteTransaction,
    _right: Right,
}

impl Sink for FileSink {
    fn commit(self, batch: &Batch, durability: Durability) -> Result<()> {
        let mut transaction = self.transaction;
        transaction.set_durability(match durability {
            Durability::Durable => redb::Durability::Immediate,
            Durability::Later => redb::Durability::None,
        })?;
        for table in batch.tables() {
            let mut open = transaction.open_table(definition(table))?;
            crate::bulk::apply(&mut open, batch.changes(table))?;
        }
        Ok(transaction.commit()?)
    }
}
