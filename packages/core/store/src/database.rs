//! A client's database: versions, snapshots, the one write, and what happens at a commit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidemark_storage::{Durability, Read, Storage, Write};
use tidemark_transform::Rules;
use tidemark_transform::compaction::{Committed, Folds};

use crate::catalog::Catalog;
use crate::changes::{ChangeLog, Changes};
use crate::compaction::Compactor;
use crate::head::{FIRST_VERSION, Head};
use crate::history::{self, EntryHead};
use crate::sync::{SLICE_INSTRUCTIONS_MAX, SyncRecord, Unsynced, create_zeroth};
use crate::tables::{META, meta};
use crate::transaction::WriteTransaction;
use crate::view::View;
use crate::{Result, StoreError};

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseOptions {
    /// Whether it is synchronised: local writes are then recorded.
    pub is_synced: bool,
    /// Rules of the merge.
    pub rules: Rules,
    /// A slice of an integration takes no further changeset once it has this many instructions.
    pub slice_instructions_max: usize,
    /// How what was not sent is compacted.
    pub folds: Folds,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            is_synced: true,
            rules: Rules::CORRECTED,
            slice_instructions_max: SLICE_INSTRUCTIONS_MAX,
            folds: Folds::ALL,
        }
    }
}

/// A database over a storage that nothing else uses.
pub struct Database<S: Storage> {
    storage: S,
    options: DatabaseOptions,
    /// Newest committed version.
    version: AtomicU64,
    /// Newest version of which it is known that a crash does not take it back.
    durable_version: AtomicU64,
    state: Mutex<State>,
    /// Used by the holder of the write, but for the word that a session waits. Where both are needed, this
    /// comes before `state`.
    compactor: Mutex<Compactor>,
}

/// What is kept in memory beside the storage; all of it can be made again from there.
struct State {
    /// The newest schema.
    catalog: Arc<Catalog>,
    log: ChangeLog,
    unsynced: Unsynced,
}

impl<S: Storage> Database<S> {
    /// Opens the database in a storage; an empty one becomes an empty database.
    pub fn open(storage: S, options: DatabaseOptions) -> Result<Self> {
        let mut write = storage.begin_write()?;
        let known = Head::read(&write)?;
        let head = known.unwrap_or(Head {
            version: FIRST_VERSION,
            schema_version: 0,
        });
        if known.is_none() {
            head.write(&mut write);
        }
        if options.is_synced && write.get(META, meta::SYNC)?.is_none() {
            SyncRecord::default().write(&mut write);
            create_zeroth(&mut write, head.version);
        }
        let catalog = Arc::new(read_catalog(&write)?);
        write.commit(Durability::Durable)?;
        let state = State {
            catalog,
            log: ChangeLog::new(head.version),
            unsynced: Unsynced::default(),
        };
        let version = AtomicU64::new(head.version);
        Ok(Self {
            storage,
            options,
            version,
            durable_version: AtomicU64::new(head.version),
            state: Mutex::new(state),
            compactor: Mutex::new(Compactor::new(options.folds)),
        })
    }

    /// Newest committed version.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The newest version that a message may name: a crash would make the client use a later one again.
    pub(crate) fn durable_version(&self) -> u64 {
        self.durable_version.load(Ordering::Acquire)
    }

    /// Whether local writes are recorded.
    pub fn is_synced(&self) -> bool {
        self.options.is_synced
    }

    pub(crate) fn rules(&self) -> Rules {
        self.options.rules
    }

    pub(crate) fn slice_instructions_max(&self) -> usize {
        self.options.slice_instructions_max
    }

    pub(crate) fn expect_synced(&self) -> Result<()> {
        if self.options.is_synced {
            Ok(())
        } else {
            Err(StoreError::NotSynced)
        }
    }

    /// Closes the storage. Snapshots and writes have to be gone.
    pub fn close(&self) -> Result<()> {
        Ok(self.storage.close()?)
    }

    /// The storage.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history that downloads have to be merged with. Only the holder of the write may ask.
    pub(crate) fn with_unsynced<T>(&self, work: impl FnOnce(&mut Unsynced) -> T) -> T {
        work(&mut self.state().unsynced)
    }

    /// What is known of the history that was not sent.
    pub(crate) fn with_compactor<T>(&self, work: impl FnOnce(&mut Compactor) -> T) -> T {
        work(
            &mut self
                .compactor
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// A snapshot of the newest committed version.
    pub fn read(&self) -> Result<Snapshot<S>> {
        let storage = self.storage.snapshot()?;
        let head = Head::expect(&storage)?;
        let newest = Arc::clone(&self.state().catalog);
        let catalog = if newest.version() == head.schema_version {
            newest
        } else {
            Arc::new(read_catalog(&storage)?)
        };
        Ok(Snapshot {
            storage,
            catalog,
            version: head.version,
        })
    }

    /// Begins the one write, for local mutations. Never waits: a second one is refused.
    pub fn begin_write(&self) -> Result<WriteTransaction<S>> {
        if self.options.is_synced {
            self.end_bootstrap()?;
        }
        let mut write = self.begin(self.options.is_synced)?;
        if self.options.is_synced {
            write.take_notes(self.options.folds);
        }
        Ok(write)
    }

    /// Begins the one write, for changes that are not recorded.
    pub(crate) fn begin_unrecorded(&self) -> Result<WriteTransaction<S>> {
        self.begin(false)
    }

    /// Begins the one write, whatever state a bootstrap is in.
    pub(crate) fn begin(&self, records: bool) -> Result<WriteTransaction<S>> {
        let write = self.storage.begin_write()?;
        let head = Head::expect(&write)?;
        let catalog = Arc::clone(&self.state().catalog);
        Ok(WriteTransaction::new(write, catalog, head, records))
    }

    /// Commits a local write, durable when it returns, and returns the new version.
    ///
    /// `timestamp` is the origin timestamp: milliseconds since 2015-01-01.
    pub fn commit(&self, mut write: WriteTransaction<S>, timestamp: u64) -> Result<u64> {
        write.finish_objects()?;
        if !self.options.is_synced {
            return self.publish(write, Durability::Durable);
        }
        let version = write.next_version();
        let committed = Committed { version, timestamp };
        let result = self
            .record(&mut write, committed)
            .and_then(|head| Ok((self.publish(write, Durability::Durable)?, head)));
        match result {
            Ok((version, head)) if head.is_local => {
                self.with_unsynced(|unsynced| unsynced.committed(version, head));
            }
            Ok(_) => {}
            Err(_) => self.with_compactor(Compactor::reset),
        }
        result.map(|(version, _)| version)
    }

    /// Writes the history entry of a local write, and into older ones what it makes of them.
    fn record(&self, write: &mut WriteTransaction<S>, committed: Committed) -> Result<EntryHead> {
        let (changeset, footprint) = write.finish_changeset()?;
        let mut record = SyncRecord::read(&write.storage)?;
        let head = EntryHead {
            is_local: !changeset.is_empty(),
            base: record.progress.download_server_version,
            timestamp: committed.timestamp,
            size: u32::try_from(changeset.len()).map_err(|_| {
                StoreError::InvalidMutation("The write transaction is too large".to_owned())
            })?,
        };
        history::put(&mut write.storage, committed.version, head, &changeset);
        if head.is_local {
            let is_first = record.sent >= record.newest_uploadable;
            record.newest_uploadable = committed.version;
            record.bytes_uploadable += u64::from(head.size);
            if write.changes.schema {
                self.with_compactor(Compactor::schema_changed);
            }
            if is_first && self.take_awaited(head.size) {
                record.sent = committed.version;
                self.handed_out(committed.version);
            } else {
                self.follow(write, committed, footprint, record.sent)?;
            }
            record.write(&mut write.storage);
        }
        Ok(head)
    }

    /// Writes the head, commits the storage and makes the version known. The objects' part is finished.
    pub(crate) fn publish(
        &self,
        mut write: WriteTransaction<S>,
        durability: Durability,
    ) -> Result<u64> {
        let version = write.next_version();
        write.head.version = version;
        write.head.write(&mut write.storage);
        let WriteTransaction {
            storage,
            catalog,
            mut changes,
            ..
        } = write;
        storage.commit(durability)?;
        changes.to = version;
        changes.classes.retain(|_, changes| !changes.is_empty());
        let mut state = self.state();
        state.catalog = catalog;
        state.log.push(changes);
        if durability == Durability::Durable {
            self.durable_version.store(version, Ordering::Release);
        }
        self.version.store(version, Ordering::Release);
        Ok(version)
    }

    /// Changes records beside the objects, durably, without a new version.
    pub(crate) fn change_quietly(
        &self,
        change: impl FnOnce(&mut Write<S>) -> Result<()>,
    ) -> Result<()> {
        self.change_with(|write| change(write).map(|()| Durability::Durable))
    }

    /// Changes records beside the objects, without a new version, as durably as the change says.
    pub(crate) fn change_with(
        &self,
        change: impl FnOnce(&mut Write<S>) -> Result<Durability>,
    ) -> Result<()> {
        let mut write = self.storage.begin_write()?;
        let durability = change(&mut write)?;
        Ok(write.commit(durability)?)
    }

    /// What changed after a version, up to the newest.
    pub fn changes_since(&self, version: u64) -> Changes {
        self.state().log.since(version)
    }
}

fn read_catalog(from: &impl Read) -> Result<Catalog> {
    match from.get(META, meta::SCHEMA)? {
        Some(bytes) => Catalog::from_records(&bytes, from.get(META, meta::INDEXES)?.as_deref()),
        None => Ok(Catalog::default()),
    }
}

/// One version of the database.
pub struct Snapshot<S: Storage> {
    pub(crate) storage: S::Snapshot,
    catalog: Arc<Catalog>,
    version: u64,
}

impl<S: Storage> Snapshot<S> {
    /// Which version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its schema.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Its objects.
    pub fn view(&self) -> View<'_, S::Snapshot> {
        View::new(&self.storage, &self.catalog)
    }
}
