//! What outlives a process: a storage with a fuse that takes the process down at a commit.
//!
//! Everything committed is visible at once; only what was committed durably is still there after a crash.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidemark_storage::ordered::OrderedSnapshot;
use tidemark_storage::{Batch, Durability, OrderedStorage, Result, Sink, Storage, StorageError};

/// On which side of a commit a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Nothing of the commit is kept.
    Before,
    /// The commit is kept, but nobody hears of it.
    After,
}

/// Where a process died: what it was about to commit, and the side.
pub type CrashPoint = (&'static str, Side);

/// When a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuse {
    /// Commits that pass before the fatal one.
    pub commits: u32,
    /// On which side of it.
    pub side: Side,
    /// Whether the next process dies at its first commit too.
    pub again: bool,
}

struct State {
    storage: Arc<OrderedStorage>,
    durable: OrderedSnapshot,
    /// What the process is doing, as crash points are named.
    doing: &'static str,
    /// Commits until the process dies, and how.
    fuse: Option<Fuse>,
    /// What the next process begins with.
    next_fuse: Option<Fuse>,
    /// Set from a crash until the process is started anew.
    crashed: Option<CrashPoint>,
    /// Whether a crash loses the last durable commit too: a deliberate fault.
    forgets: bool,
    before_last: OrderedSnapshot,
}

/// A disk. Clones are the same disk.
#[derive(Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
}

impl Disk {
    /// An empty disk. One that `forgets` loses the last durable commit in a crash.
    pub fn new(forgets: bool) -> Result<Self> {
        let storage = Arc::new(OrderedStorage::new());
        let empty = storage.snapshot()?;
        let state = State {
            storage,
            durable: empty.clone(),
            doing: "open",
            fuse: None,
            next_fuse: None,
            crashed: None,
            forgets,
            before_last: empty,
        };
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what the next commits are for.
    pub fn doing(&self, what: &'static str) {
        self.state().doing = what;
    }

    /// The process dies at a commit.
    pub fn arm(&self, fuse: Fuse) {
        self.state().fuse = Some(fuse);
    }

    /// No commit fails any more. Says which one would have.
    pub fn disarm(&self) -> Option<Fuse> {
        let mut state = self.state();
        state.next_fuse = None;
        state.fuse.take()
    }

    /// Where the process died, until [`Disk::restart`].
    pub fn crashed(&self) -> Option<CrashPoint> {
        self.state().crashed
    }

    /// A new process finds what was durable.
    pub fn restart(&self) {
        let mut state = self.state();
        if state.forgets && state.crashed.is_some() {
            state.durable = state.before_last.clone();
        }
        state.crashed = None;
        if state.next_fuse.is_some() {
            state.fuse = state.next_fuse.take();
        }
        state.storage = Arc::new(OrderedStorage::from_snapshot(&state.durable));
        state.doing = "open";
    }
}

fn power_loss() -> StorageError {
    StorageError::Device("the machine lost its power".to_owned())
}

/// The right to write a [`Disk`].
pub struct DiskSink {
    sink: <OrderedStorage as Storage>::Sink,
    disk: Disk,
}

impl Sink for DiskSink {
    fn commit(self, batch: &Batch, durability: Durability) -> Result<()> {
        let mut state = self.disk.state();
        if state.crashed.is_some() {
            return Err(power_loss());
        }
        let blown = match &mut state.fuse {
            Some(fuse) if fuse.commits == 0 => Some(*fuse),
            Some(fuse) => {
                fuse.commits -= 1;
                None
            }
            None => None,
        };
        if let Some(fuse) = blown {
            state.fuse = None;
            state.next_fuse = fuse.again.then_some(Fuse {
                again: false,
                ..fuse
            });
            state.crashed = Some((state.doing, fuse.side));
        }
        let blown = blown.map(|fuse| fuse.side);
        if blown == Some(Side::Before) {
            return Err(power_loss());
        }
        self.sink.commit(batch, durability)?;
        if durability == Durability::Durable {
            let newest = state.storage.snapshot()?;
            state.before_last = std::mem::replace(&mut state.durable, newest);
        }
        match blown {
            Some(_) => Err(power_loss()),
            None => Ok(()),
        }
    }
}

impl Storage for Disk {
    type Snapshot = OrderedSnapshot;
    type Sink = DiskSink;

    fn snapshot(&self) -> Result<OrderedSnapshot> {
        let storage = Arc::clone(&self.state().storage);
        storage.snapshot()
    }

    fn sink(&self) -> Result<DiskSink> {
        let storage = Arc::clone(&self.state().storage);
        Ok(DiskSink {
            sink: storage.sink()?,
            disk: self.clone(),
        })
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tidemark_storage::{Read, TableId};

    use super::*;

    const TABLE: TableId = TableId::new(0);

    fn fuse(commits: u32, side: Side) -> Fuse {
        Fuse {
            commits,
            side,
            again: false,
        }
    }

    fn put(disk: &Disk, key: &[u8], durability: Durability) -> Result<()> {
        let mut write = disk.begin_write()?;
        write.put(TABLE, key, b"x");
        write.commit(durability)
    }

    fn has(disk: &Disk, key: &[u8]) -> bool {
        disk.snapshot().unwrap().contains(TABLE, key).unwrap()
    }

    #[test]
    fn a_crash_keeps_what_was_durable() {
        let disk = Disk::new(false).unwrap();
        put(&disk, b"durable", Durability::Durable).unwrap();
        put(&disk, b"later", Durability::Later).unwrap();
        assert!(has(&disk, b"later"));
        disk.doing("work");
        disk.arm(fuse(0, Side::Before));
        assert!(put(&disk, b"lost", Durability::Durable).is_err());
        assert_eq!(disk.crashed(), Some(("work", Side::Before)));
        assert!(put(&disk, b"dead", Durability::Durable).is_err());
        disk.restart();
        let held = [&b"durable"[..], b"later", b"lost", b"dead"].map(|key| has(&disk, key));
        assert_eq!(held, [true, false, false, false]);
    }

    #[test]
    fn a_crash_after_a_commit_keeps_it() {
        let disk = Disk::new(false).unwrap();
        disk.arm(fuse(1, Side::After));
        put(&disk, b"first", Durability::Later).unwrap();
        assert!(put(&disk, b"second", Durability::Durable).is_err());
        disk.restart();
        assert!(has(&disk, b"first") && has(&disk, b"second"));
        put(&disk, b"third", Durability::Durable).unwrap();
    }
}
