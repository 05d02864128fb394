//! What encryption costs: `cargo run --release -p tidemark-storage --example encryption_cost`. Figures of
//! `docs/files.md`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it measures time and says so"
)]

use std::ops::Bound;
use std::path::Path;
use std::time::{Duration, Instant};

use tidemark_storage::{Durability, Encryption, FileStorage, Format, Read, Storage, TableId};

const FORMAT: Format = Format {
    kind: "measure",
    version: 1,
    leaves: &[],
};
const TABLE: TableId = TableId::new(0);
const ENTRIES: u64 = 200_000;
const SINGLE_COMMITS: u64 = 300;
const READS: u64 = 20_000;

/// Spread over the whole table.
fn key(number: u64) -> [u8; 16] {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    u128::from(mixed).rotate_left(64).to_be_bytes()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn measure(path: &Path, is_encrypted: bool) {
    let _ = std::fs::remove_file(path);
    let open = |seed: u8| {
        let encryption = is_encrypted.then(|| Encryption::new(&[5; 64], &[seed; 32]).unwrap());
        FileStorage::open_with(path, FORMAT, encryption).unwrap()
    };
    let storage = open(1);
    let value = [7; 100];
    let bulk = timed(|| {
        let mut write = storage.begin_write().unwrap();
        for number in 0..ENTRIES {
            write.put(TABLE, &key(number), &value);
        }
        write.commit(Durability::Durable).unwrap();
    });
    let single = timed(|| {
        for number in 0..SINGLE_COMMITS {
            let mut write = storage.begin_write().unwrap();
            write.put(TABLE, &key(ENTRIES + number), &value);
            write.commit(Durability::Durable).unwrap();
        }
    });
    drop(storage);
    let mut storage = None;
    let opening = timed(|| storage = Some(open(2)));
    let storage = storage.unwrap();
    let snapshot = storage.snapshot().unwrap();
    let read = |from: u64| {
        for number in from..from + READS {
            let key = key(number * 9 % ENTRIES);
            assert!(snapshot.get(TABLE, &key).unwrap().is_some());
        }
    };
    let cold = timed(|| read(0));
    let warm = timed(|| read(0));
    drop(snapshot);
    drop(storage);
    let storage = open(3);
    let snapshot = storage.snapshot().unwrap();
    let scan = timed(|| {
        let range = snapshot.range(TABLE, Bound::Unbounded, Bound::Unbounded);
        assert!(range.unwrap().count() as u64 > ENTRIES);
    });
    let per = |duration: Duration, count: u64| duration.as_nanos() / u128::from(count);
    println!(
        "{}: bulk insert {} ns an entry, durable commit {} µs, opening {} µs, cold read {} ns, \
         warm read {} ns, cold scan {} ns an entry, {} kB",
        if is_encrypted { "encrypted" } else { "plain" },
        per(bulk, ENTRIES),
        per(single, SINGLE_COMMITS) / 1_000,
        opening.as_micros(),
        per(cold, READS),
        per(warm, READS),
        per(scan, ENTRIES),
        std::fs::metadata(path).unwrap().len() / 1_000,
    );
    drop(snapshot);
    drop(storage);
    std::fs::remove_file(path).unwrap();
}

fn main() {
    let path = std::env::temp_dir().join(format!("tidemark-encryption-{}", std::process::id()));
    for _ in 0..3 {
        measure(&path, false);
        measure(&path, true);
    }
}
