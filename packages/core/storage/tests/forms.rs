//! One suite over all forms: random transactions against a plain map, and what a storage promises about
//! failure.

#![cfg(feature = "redb")]
#![allow(clippy::unwrap_used)] // A test may fail that way.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tidemark_storage::{
    Durability, FileStorage, Format, KeyValueStore, LeafTable, OrderedStorage, Read, Storage,
    StorageError, TableId,
};

const FORMAT: Format = Format {
    kind: "test",
    version: 1,
    leaves: &[LeafTable {
        table: A,
        group_bytes: 1,
    }],
};
const A: TableId = TableId::new(0);
const B: TableId = TableId::new(31);

type Model = BTreeMap<(usize, Vec<u8>), Vec<u8>>;

/// A repeatable stream of numbers (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn key(&mut self) -> Vec<u8> {
        let length = self.below(4);
        (0..length)
            .map(|_| [0, 1, 2, 7, 128, 254, 255][usize::try_from(self.below(7)).unwrap()])
            .collect()
    }

    fn table(&mut self) -> TableId {
        if self.below(3) == 0 { B } else { A }
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.below(4) {
            0 => Bound::Unbounded,
            1 => Bound::Excluded(self.key()),
            _ => Bound::Included(self.key()),
        }
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

fn inside(key: &[u8], from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    let low = match from {
        Bound::Included(from) => key >= &from[..],
        Bound::Excluded(from) => key > &from[..],
        Bound::Unbounded => true,
    };
    let high = match to {
        Bound::Included(to) => key <= &to[..],
        Bound::Excluded(to) => key < &to[..],
        Bound::Unbounded => true,
    };
    low && high
}

/// Reads through `view` in random ways and compares with the model.
fn compare(view: &impl Read, model: &Model, numbers: &mut Numbers, context: &str) {
    for _ in 0..4 {
        let (table, key) = (numbers.table(), numbers.key());
        let found = view.get(table, &key).unwrap().map(|value| value.to_vec());
        assert_eq!(
            found,
            model.get(&(table.number(), key.clone())).cloned(),
            "{context} get {key:?}"
        );
        let (from, to) = (numbers.bound(), numbers.bound());
        let mut expected: Vec<_> = model
            .iter()
            .filter(|((number, key), _)| *number == table.number() && inside(key, &from, &to))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        let mut range = view.range(table, as_slice(&from), as_slice(&to)).unwrap();
        // From both ends in random turns.
        let mut front = Vec::new();
        let mut back = Vec::new();
        loop {
            let turn = numbers.below(2) == 0;
            let next = if turn {
                range.next()
            } else {
                range.next_back()
            };
            let Some(entry) = next else { break };
            let (key, value) = entry.unwrap();
            if turn { &mut front } else { &mut back }.push((key.to_vec(), value.to_vec()));
        }
        assert!(range.next().is_none() && range.next_back().is_none());
        back.reverse();
        front.extend(back);
        assert_eq!(front, expected, "{context} range {from:?} {to:?}");
        let most = usize::try_from(numbers.below(4)).unwrap() + 1;
        let mut scanned = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            scanned.push((key.to_vec(), value.to_vec()));
            if scanned.len() == most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        view.scan(table, as_slice(&from), as_slice(&to), &mut visit)
            .unwrap();
        expected.truncate(most);
        assert_eq!(scanned, expected, "{context} scan {from:?} {to:?}");
    }
    let prefix = numbers.key();
    let found: Vec<_> = view
        .prefix(A, &prefix)
        .unwrap()
        .map(|entry| entry.unwrap().0.to_vec())
        .collect();
    let expected: Vec<_> = model
        .keys()
        .filter(|(table, key)| *table == 0 && key.starts_with(&prefix))
        .map(|(_, key)| key.clone())
        .collect();
    assert_eq!(found, expected, "{context} prefix {prefix:?}");
}

fn random_transactions<S: Storage>(storage: &S, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut model = Model::new();
    let mut kept = Vec::new();
    for round in 0..60 {
        let context = format!("seed {seed} round {round}");
        let mut write = storage.begin_write().unwrap();
        let mut draft = model.clone();
        for _ in 0..numbers.below(40) {
            let (table, key) = (numbers.table(), numbers.key());
            match numbers.below(8) {
                0 | 1 => {
                    write.delete(table, &key);
                    draft.remove(&(table.number(), key));
                }
                2 if numbers.below(6) == 0 => {
                    let (from, to) = (numbers.bound(), numbers.bound());
                    write
                        .delete_range(table, as_slice(&from), as_slice(&to))
                        .unwrap();
                    draft.retain(|(number, key), _| {
                        *number != table.number() || !inside(key, &from, &to)
                    });
                }
                _ => {
                    let value = numbers.key();
                    write.put(table, &key, &value);
                    draft.insert((table.number(), key), value);
                }
            }
        }
        compare(&write, &draft, &mut numbers, &context);
        compare(&storage.snapshot().unwrap(), &model, &mut numbers, &context);
        match numbers.below(4) {
            0 => write.abort(),
            1 => drop(write),
            _ => {
                let durability = if numbers.below(2) == 0 {
                    Durability::Durable
                } else {
                    Durability::Later
                };
                write.commit(durability).unwrap();
                model = draft;
            }
        }
        compare(&storage.snapshot().unwrap(), &model, &mut numbers, &context);
        if numbers.below(8) == 0 {
            kept.push((storage.snapshot().unwrap(), model.clone()));
        }
        for (snapshot, model) in &kept {
            compare(snapshot, model, &mut numbers, &context);
        }
    }
}

/// A path that no other test uses.
fn fresh_path() -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path =
        std::env::temp_dir().join(format!("tidemark-storage-{}-{number}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn ordered_agrees_with_the_model() {
    for seed in 1..60 {
        random_transactions(&OrderedStorage::new(), seed);
    }
}

#[test]
fn file_agrees_with_the_model() {
    for seed in 1..8 {
        random_transactions(&FileStorage::in_memory(FORMAT).unwrap(), seed);
    }
    let path = Removed(fresh_path());
    random_transactions(&FileStorage::open(&path.0, FORMAT).unwrap(), 99);
}

/// Many keys, so that leaves split and join.
#[test]
fn ordered_keeps_many_entries() {
    let storage = OrderedStorage::new();
    for step in 0..20u32 {
        let mut write = storage.begin_write().unwrap();
        for key in (step * 500..(step + 1) * 500).rev() {
            write.put(
                A,
                &(key % 7 * 10_000 + key).to_be_bytes(),
                &key.to_be_bytes(),
            );
        }
        write.commit(Durability::Later).unwrap();
    }
    let all = storage.snapshot().unwrap();
    assert_eq!(all.prefix(A, &[]).unwrap().count(), 10_000);
    let mut write = storage.begin_write().unwrap();
    for key in 0..10_000u32 {
        if key % 50 != 0 {
            write.delete(A, &(key % 7 * 10_000 + key).to_be_bytes());
        }
    }
    write.commit(Durability::Later).unwrap();
    assert_eq!(
        storage.snapshot().unwrap().prefix(A, &[]).unwrap().count(),
        200
    );
    assert_eq!(all.prefix(A, &[]).unwrap().count(), 10_000);
    let rest = storage.snapshot().unwrap();
    for key in (0..10_000u32).step_by(50) {
        assert_eq!(
            &rest
                .get(A, &(key % 7 * 10_000 + key).to_be_bytes())
                .unwrap()
                .unwrap()[..],
            key.to_be_bytes()
        );
    }
}

fn refuses_a_second_writer<S: Storage>(storage: &S) {
    let write = storage.begin_write().unwrap();
    assert!(matches!(
        storage.begin_write(),
        Err(StorageError::WriteInProgress)
    ));
    drop(write);
    storage
        .begin_write()
        .unwrap()
        .commit(Durability::Durable)
        .unwrap();
    storage.close().unwrap();
    assert!(matches!(storage.snapshot(), Err(StorageError::Closed)));
    assert!(matches!(storage.begin_write(), Err(StorageError::Closed)));
}

#[test]
fn a_second_writer_is_refused() {
    refuses_a_second_writer(&OrderedStorage::new());
    refuses_a_second_writer(&FileStorage::in_memory(FORMAT).unwrap());
}

#[test]
fn a_file_keeps_what_was_committed_and_nothing_else() {
    let path = Removed(fresh_path());
    let storage = FileStorage::open(&path.0, FORMAT).unwrap();
    let mut write = storage.begin_write().unwrap();
    write.put(A, b"kept", b"1");
    write.commit(Durability::Durable).unwrap();
    let mut write = storage.begin_write().unwrap();
    write.put(A, b"lost", b"2");
    drop(storage);
    drop(write);
    let storage = FileStorage::open(&path.0, FORMAT).unwrap();
    assert!(storage.snapshot().unwrap().contains(A, b"kept").unwrap());
    assert!(!storage.snapshot().unwrap().contains(A, b"lost").unwrap());
}

#[test]
fn opening_fails_with_the_reason() {
    let path = Removed(fresh_path());
    let storage = FileStorage::open(
        &path.0,
        Format {
            kind: "test",
            version: 3,
            leaves: &[],
        },
    )
    .unwrap();
    assert!(matches!(
        FileStorage::open(&path.0, FORMAT),
        Err(StorageError::InUse)
    ));
    drop(storage);
    assert!(matches!(
        FileStorage::open(
            &path.0,
            Format {
                kind: "test",
                version: 2,
                leaves: &[],
            }
        ),
        Err(StorageError::NewerFormat {
            found: 3,
            supported: 2
        })
    ));
    assert!(matches!(
        FileStorage::open(
            &path.0,
            Format {
                kind: "other",
                version: 3,
                leaves: &[],
            }
        ),
        Err(StorageError::OtherKind { .. })
    ));
    drop(
        FileStorage::open(
            &path.0,
            Format {
                kind: "test",
                version: 4,
                leaves: &[],
            },
        )
        .unwrap(),
    );

    let other = Removed(fresh_path());
    std::fs::write(&other.0, b"certainly not a database").unwrap();
    assert!(matches!(
        FileStorage::open(&other.0, FORMAT),
        Err(StorageError::Damaged(_))
    ));
    let missing = fresh_path().join("folder").join("file");
    assert!(matches!(
        FileStorage::open(&missing, FORMAT),
        Err(StorageError::NotFound(_))
    ));
    assert!(FileStorage::open(&std::env::temp_dir(), FORMAT).is_err());
}

/// A memory backend whose disk fills up on command.
#[derive(Debug)]
struct Filling {
    inner: redb::backends::InMemoryBackend,
    full: Arc<AtomicBool>,
}

impl redb::StorageBackend for Filling {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        self.inner.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.inner.set_len(len)
    }
    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.inner.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        if self.full.load(Ordering::Relaxed) {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        }
        self.inner.write(offset, data)
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_kept() {
    let full = Arc::new(AtomicBool::new(false));
    let backend = Filling {
        inner: redb::backends::InMemoryBackend::new(),
        full: Arc::clone(&full),
    };
    let storage = FileStorage::with_backend(backend, FORMAT, None).unwrap();
    let mut write = storage.begin_write().unwrap();
    write.put(A, b"before", b"1");
    write.commit(Durability::Durable).unwrap();
    full.store(true, Ordering::Relaxed);
    let mut write = storage.begin_write().unwrap();
    write.put(A, b"after", b"2");
    let refusal = write.commit(Durability::Durable);
    assert!(
        matches!(
            refusal,
            Err(StorageError::Full(_) | StorageError::Device(_))
        ),
        "{refusal:?}"
    );
}

#[test]
fn a_refusing_observer_leaves_the_state() {
    let refuse = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&refuse);
    let storage = OrderedStorage::with_observer(Box::new(move |batch, _| {
        assert!(!batch.is_empty());
        if flag.load(Ordering::Relaxed) {
            Err(StorageError::Full("test".to_owned()))
        } else {
            Ok(())
        }
    }));
    let mut write = storage.begin_write().unwrap();
    write.put(A, b"k", b"1");
    write.commit(Durability::Durable).unwrap();
    refuse.store(true, Ordering::Relaxed);
    let mut write = storage.begin_write().unwrap();
    write.put(A, b"k", b"2");
    assert!(write.commit(Durability::Durable).is_err());
    assert_eq!(
        &storage.snapshot().unwrap().get(A, b"k").unwrap().unwrap()[..],
        b"1"
    );
    assert!(storage.begin_write().is_ok());
}

#[test]
fn key_values() {
    let store = KeyValueStore::new(OrderedStorage::new());
    store
        .write([
            ("user/1", Some(&b"one"[..])),
            ("user/2", Some(b"two")),
            ("zone", Some(b"")),
        ])
        .unwrap();
    assert_eq!(store.get("user/1").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.entries("user/").unwrap().len(), 2);
    store
        .write([("user/1", None), ("user/3", Some(&b"three"[..]))])
        .unwrap();
    let names: Vec<_> = store
        .entries("")
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(names, ["user/2", "user/3", "zone"]);
}

#[test]
fn compaction_gives_space_back_unless_somebody_reads_or_writes() {
    let path = Removed(fresh_path());
    let storage = FileStorage::open(&path.0, FORMAT).unwrap();
    for value in [&vec![1; 4_000][..], &[]] {
        let mut write = storage.begin_write().unwrap();
        for number in 0..2_000u32 {
            if value.is_empty() {
                write.delete(A, &number.to_be_bytes());
            } else {
                write.put(A, &number.to_be_bytes(), value);
            }
        }
        write.commit(Durability::Durable).unwrap();
    }
    let before = storage.sizes().unwrap();
    assert!(before.total_bytes > 8_000_000 && before.used_bytes < before.total_bytes / 4);
    let snapshot = storage.snapshot().unwrap();
    assert!(!storage.compact().unwrap());
    drop(snapshot);
    let write = storage.begin_write().unwrap();
    assert!(!storage.compact().unwrap());
    assert!(matches!(
        storage.sizes(),
        Err(StorageError::WriteInProgress)
    ));
    write.abort();
    assert!(storage.compact().unwrap());
    let after = storage.sizes().unwrap();
    assert!(after.total_bytes < before.total_bytes / 4, "{after:?}");
    assert_eq!(after.total_bytes, std::fs::metadata(&path.0).unwrap().len());
    assert!(!OrderedStorage::new().compact().unwrap());
}
