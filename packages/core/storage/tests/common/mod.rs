//! Random histories over a storage, and the plain maps that they have to end with.

#![allow(dead_code, clippy::unwrap_used)] // Shared by several tests, each of which uses a part of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::StorageBackend;
use tidemark_storage::devices::Dice;
use tidemark_storage::{
    Durability, Encryption, FileStorage, Format, LeafTable, Read, Result, Storage, TableId, Write,
};

/// Version 1 kept every entry by itself.
pub const FORMAT: Format = Format {
    kind: "test",
    version: 2,
    leaves: &[
        LeafTable {
            table: TABLES[0],
            group_bytes: 5,
        },
        LeafTable {
            table: TABLES[1],
            group_bytes: 0,
        },
    ],
};
pub const TABLES: [TableId; 3] = [TableId::new(0), TableId::new(1), TableId::new(31)];

/// What a storage holds, as a plain map.
pub type Model = BTreeMap<(usize, Vec<u8>), Vec<u8>>;

/// The key of all encrypted files here, with randomness of a seed.
pub fn encryption(seed: u64) -> Encryption {
    Encryption::new(&[7; 64], &Dice::new(seed ^ 0xE4C0).bytes(32)).unwrap()
}

pub fn open(device: impl StorageBackend, is_encrypted: bool, seed: u64) -> Result<FileStorage> {
    FileStorage::with_backend(device, FORMAT, is_encrypted.then(|| encryption(seed)))
}

/// Changes a few entries, small and large ones.
pub fn change<S: Storage>(write: &mut Write<S>, model: &mut Model, dice: &mut Dice) {
    let is_large = dice.percent(10);
    for _ in 0..=dice.below(if is_large { 300 } else { 12 }) {
        let table = dice.below(TABLES.len());
        let key = format!("key {:04}", dice.below(400)).into_bytes();
        if dice.percent(30) {
            write.delete(TABLES[table], &key);
            model.remove(&(table, key));
        } else {
            let size = if dice.percent(3) { 20_000 } else { 200 };
            let size = dice.below(size);
            let value = dice.bytes(size);
            write.put(TABLES[table], &key, &value);
            model.insert((table, key), value);
        }
    }
}

/// All that a storage holds.
pub fn contents(storage: &FileStorage) -> Result<Model> {
    let snapshot = storage.snapshot()?;
    let mut model = Model::new();
    for (index, table) in TABLES.into_iter().enumerate() {
        for entry in snapshot.range(table, Bound::Unbounded, Bound::Unbounded)? {
            let (key, value) = entry?;
            model.insert((index, key.to_vec()), value.to_vec());
        }
    }
    Ok(model)
}

/// One commit of random changes.
pub fn commit(
    storage: &FileStorage,
    model: &mut Model,
    durability: Durability,
    dice: &mut Dice,
) -> Result<()> {
    let mut changed = model.clone();
    let mut write = storage.begin_write()?;
    change(&mut write, &mut changed, dice);
    write.commit(durability)?;
    *model = changed;
    Ok(())
}

/// How many seeds a test runs.
#[allow(clippy::disallowed_methods)] // How much to test comes from outside.
pub fn seeds(few: u64, many: u64) -> u64 {
    let chosen = std::env::var("TIDEMARK_SEEDS").ok();
    let standard = if std::env::var_os("TIDEMARK_SLOW").is_some() {
        many
    } else {
        few
    };
    chosen
        .and_then(|text| text.parse().ok())
        .unwrap_or(standard)
}
