//! Tables that a file keeps by the leaf, beside a plain map: large and small entries, groups, and what files
//! of older versions become.

#![cfg(feature = "redb")]
#![allow(clippy::unwrap_used)] // A test may fail that way.

mod common;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tidemark_storage::devices::Dice;
use tidemark_storage::{
    Durability, FileStorage, Format, LeafTable, OrderedStorage, Read, Storage, TableId,
};

const ROWS: TableId = TableId::new(3);
const FORMAT: Format = Format {
    kind: "test",
    version: 2,
    leaves: &[LeafTable {
        table: ROWS,
        group_bytes: 2,
    }],
};
const OLDER: Format = Format {
    version: 1,
    leaves: &[],
    ..FORMAT
};

/// A leaf with its entry fills two pages of the tree.
const LEAF_BYTES_MAX: usize = 8_000;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A file that goes with the test.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("leaves-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn key(group: usize, number: usize) -> Vec<u8> {
    let mut key = u16::try_from(group).unwrap().to_be_bytes().to_vec();
    key.extend_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    key
}

/// Some changes of one kind, as applications make them.
fn changes(dice: &mut Dice, round: usize) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let group = dice.below(3);
    let size = [0, 9, 90, 700, 9_000, 70_000][dice.below(6)];
    let count = 1 + dice.below(if size > 500 { 20 } else { 600 });
    let start = dice.below(2_000);
    let kind = dice.below(5);
    let one = |index: usize, dice: &mut Dice| match kind {
        // Appended; here and there; deleted in a row; deleted here and there; odd keys.
        0 => (key(group, 10_000 * round + index), true),
        1 => (key(group, dice.below(3_000)), true),
        2 => (key(group, start + index), false),
        3 => (key(group, dice.below(3_000)), false),
        _ => {
            let length = dice.below(300);
            let odd = dice.bytes(length);
            (odd, dice.percent(70))
        }
    };
    (0..count)
        .map(|index| {
            let (key, is_put) = one(index, dice);
            let length = dice.below(size + 1);
            let value = is_put.then(|| dice.bytes(length));
            (key, value)
        })
        .collect()
}

fn all(view: &impl Read) -> Model {
    let entries = view
        .range(ROWS, Bound::Unbounded, Bound::Unbounded)
        .unwrap();
    entries
        .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
        .collect::<Result<_, _>>()
        .unwrap()
}

fn compare(view: &impl Read, model: &Model, dice: &mut Dice, context: &str) {
    assert!(all(view) == *model, "{context}: all");
    let backwards = view
        .range(ROWS, Bound::Unbounded, Bound::Unbounded)
        .unwrap();
    let backwards = backwards.rev().map(|entry| entry.unwrap().0.to_vec());
    assert!(backwards.eq(model.keys().rev().cloned()), "{context}: back");
    for _ in 0..60 {
        let wanted = match (dice.below(3), model.len()) {
            (0, count) if count > 0 => {
                let (key, _) = model.iter().nth(dice.below(count)).unwrap();
                key.clone()
            }
            _ => key(dice.below(4), dice.below(3_000)),
        };
        let found = view.get(ROWS, &wanted).unwrap().map(|value| value.to_vec());
        assert!(
            found.as_ref() == model.get(&wanted),
            "{context}: {wanted:?}"
        );
        let mut seen = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            seen.push((key.to_vec(), value.to_vec()));
            if seen.len() == 30 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        view.scan(ROWS, Bound::Excluded(&wanted), Bound::Unbounded, &mut visit)
            .unwrap();
        let behind = (Bound::Excluded(wanted.clone()), Bound::Unbounded);
        let expected = model.range(behind).take(30);
        assert!(
            seen.iter().map(|(key, value)| (key, value)).eq(expected),
            "{context}: scan behind {wanted:?}"
        );
    }
}

/// What redb holds of a table: the leaves, with what their entries take up.
fn leaves(path: &PathBuf) -> Vec<(Vec<u8>, usize)> {
    let database = Database::open(path).unwrap();
    let read = database.begin_read().unwrap();
    let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("03l");
    let table = read.open_table(definition).unwrap();
    let leaves = table.iter().unwrap().map(|leaf| {
        let (key, value) = leaf.unwrap();
        (key.value().to_vec(), value.value().len())
    });
    leaves.collect()
}

#[test]
fn a_table_by_the_leaf_is_what_a_map_is() {
    for seed in 0..common::seeds(12, 400) {
        let file = TestFile::new(&format!("random-{seed}"));
        let mut dice = Dice::new(seed);
        let mut model = Model::new();
        let mut storage = FileStorage::open(&file.0, FORMAT).unwrap();
        let mut kept = None;
        for round in 0..25 {
            let context = format!("seed {seed}, round {round}");
            let mut write = storage.begin_write().unwrap();
            for (key, value) in changes(&mut dice, round) {
                if let Some(value) = value {
                    write.put(ROWS, &key, &value);
                    model.insert(key, value);
                } else {
                    write.delete(ROWS, &key);
                    model.remove(&key);
                }
            }
            compare(
                &write,
                &model,
                &mut dice,
                &format!("{context}, in the write"),
            );
            write.commit(Durability::Later).unwrap();
            let snapshot = storage.snapshot().unwrap();
            compare(&snapshot, &model, &mut dice, &context);
            match kept.take() {
                None => kept = Some((snapshot, model.clone())),
                Some((older, before)) => compare(&older, &before, &mut dice, &context),
            }
            if dice.percent(20) {
                storage.close().unwrap();
                storage = FileStorage::open(&file.0, FORMAT).unwrap();
            }
        }
        storage.close().unwrap();
        for (key, bytes) in leaves(&file.0) {
            assert!(
                bytes <= LEAF_BYTES_MAX || model[&key].len() + 1 == bytes,
                "seed {seed}: a leaf of {bytes} bytes that is not one large entry"
            );
        }
    }
}

#[test]
fn leaves_are_filled_by_appending_and_do_not_stay_small() {
    let file = TestFile::new("filled");
    let storage = FileStorage::open(&file.0, FORMAT).unwrap();
    let put = |numbers: &mut dyn Iterator<Item = usize>, is_put: bool| {
        let mut write = storage.begin_write().unwrap();
        for number in numbers {
            let key = key(1, number);
            if is_put {
                write.put(ROWS, &key, &[7; 96]);
            } else {
                write.delete(ROWS, &key);
            }
        }
        write.commit(Durability::Later).unwrap();
    };
    // At once, and one by one.
    put(&mut (0..8_000), true);
    for number in 8_000..9_600 {
        put(&mut std::iter::once(number), true);
    }
    // Nine out of ten go again, in an order that leaves crumbs everywhere.
    let closed = || {
        storage.close().unwrap();
        let leaves = leaves(&file.0);
        let bytes: usize = leaves.iter().map(|(_, bytes)| bytes).sum();
        (leaves.len(), bytes)
    };
    let (count, bytes) = closed();
    assert!(bytes > count * LEAF_BYTES_MAX * 9 / 10, "{count}, {bytes}");
    let storage = FileStorage::open(&file.0, FORMAT).unwrap();
    for step in 0..9 {
        for start in 0..40 {
            let mut write = storage.begin_write().unwrap();
            for number in (step..9_600).step_by(10).skip(start * 24).take(24) {
                write.delete(ROWS, &key(1, number));
            }
            write.commit(Durability::Later).unwrap();
        }
    }
    assert_eq!(all(&storage.snapshot().unwrap()).len(), 960);
    storage.close().unwrap();
    let left = leaves(&file.0);
    let bytes: usize = left.iter().map(|(_, bytes)| bytes).sum();
    assert!(
        bytes * 5 > left.len() * LEAF_BYTES_MAX,
        "{} leaves of {bytes} bytes",
        left.len()
    );
}

#[test]
fn no_leaf_holds_two_groups() {
    let file = TestFile::new("groups");
    let storage = FileStorage::open(&file.0, FORMAT).unwrap();
    for round in 0..4 {
        let mut write = storage.begin_write().unwrap();
        for group in 0..30 {
            write.put(ROWS, &key(group, round), b"small");
        }
        write.commit(Durability::Later).unwrap();
    }
    storage.close().unwrap();
    let leaves = leaves(&file.0);
    let groups: Vec<_> = leaves.iter().map(|(key, _)| key[..2].to_vec()).collect();
    let expected: Vec<_> = (0..30_u16)
        .map(|group| group.to_be_bytes().to_vec())
        .collect();
    assert_eq!(groups, expected);
}

#[test]
fn an_older_file_is_gathered_when_it_is_opened() {
    let file = TestFile::new("older");
    let mut dice = Dice::new(5);
    let ordered = OrderedStorage::new();
    let storage = FileStorage::open(&file.0, OLDER).unwrap();
    let (mut write, mut expected) = (
        storage.begin_write().unwrap(),
        ordered.begin_write().unwrap(),
    );
    for round in 0..20 {
        for (key, value) in changes(&mut dice, round) {
            let Some(value) = value else { continue };
            write.put(ROWS, &key, &value);
            expected.put(ROWS, &key, &value);
        }
    }
    write.commit(Durability::Durable).unwrap();
    expected.commit(Durability::Durable).unwrap();
    storage.close().unwrap();
    let expected = all(&ordered.snapshot().unwrap());
    let storage = FileStorage::open(&file.0, FORMAT).unwrap();
    assert!(all(&storage.snapshot().unwrap()) == expected);
    storage.close().unwrap();
    assert!(leaves(&file.0).len() < expected.len());
    assert!(FileStorage::open(&file.0, OLDER).is_err());
}
