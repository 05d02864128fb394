//! A storage that outlives the ledger over it, as a file outlives a process, and that can die in a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidemark_ledger::embedded::{Ledger, Options};
use tidemark_ledger::switches::Switches;
use tidemark_storage::{Batch, Durability, OrderedStorage, Result, Sink, Storage, StorageError};

#[derive(Clone)]
pub struct Disk {
    storage: Arc<OrderedStorage>,
    dies: Arc<AtomicBool>,
}

impl Disk {
    pub fn new() -> Self {
        Self {
            storage: Arc::new(OrderedStorage::new()),
            dies: Arc::default(),
        }
    }

    /// The next commit fails, and nothing of it is kept.
    pub fn die_in_next_commit(&self) {
        self.dies.store(true, Ordering::Relaxed);
    }

    /// A new process begins.
    pub fn revive(&self) {
        self.dies.store(false, Ordering::Relaxed);
    }
}

pub struct DiskSink {
    sink: <OrderedStorage as Storage>::Sink,
    dies: Arc<AtomicBool>,
}

impl Sink for DiskSink {
    fn commit(self, batch: &Batch, durability: Durability) -> Result<()> {
        if self.dies.load(Ordering::Relaxed) {
            return Err(StorageError::Device(
                "the machine lost its power".to_owned(),
            ));
        }
        self.sink.commit(batch, durability)
    }
}

impl Storage for Disk {
    type Snapshot = <OrderedStorage as Storage>::Snapshot;
    type Sink = DiskSink;

    fn snapshot(&self) -> Result<Self::Snapshot> {
        self.storage.snapshot()
    }

    fn sink(&self) -> Result<Self::Sink> {
        Ok(DiskSink {
            sink: self.storage.sink()?,
            dies: Arc::clone(&self.dies),
        })
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// Opens the ledger on a disk, as a new process.
pub fn open(disk: &Disk, starts: u64, switches: Switches) -> Ledger<Disk> {
    let options = Options {
        epoch_salt: 1000 + starts,
        development_mode: true,
        switches,
    };
    Ledger::open(disk.clone(), options).expect("the ledger opens")
}
