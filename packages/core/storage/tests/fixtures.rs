//! Files of every format of this crate's own are opened, read and written: encrypted ones, key-value stores.
//!
//! `TIDEMARK_MAKE_FIXTURES=1` writes those that are missing of the newest formats. One that is there is never
//! made again: its bytes are what a build of that time has written.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::PathBuf;

use common::*;
use tidemark_storage::devices::{Dice, Fragile, SECTOR_BYTES};
use tidemark_storage::key_value::KEY_VALUE_FORMAT;
use tidemark_storage::{Durability, FileStorage, KeyValueStore, Storage};

fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    folder.join(name)
}

/// Length, then each sector that is not empty behind its number.
fn pack(content: &[u8]) -> Vec<u8> {
    let mut packed = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    for (number, sector) in (0_u32..).zip(content.chunks(SECTOR_BYTES)) {
        if sector.iter().any(|byte| *byte != 0) {
            packed.extend_from_slice(&number.to_le_bytes());
            packed.extend_from_slice(sector);
            packed.resize(packed.len() + SECTOR_BYTES - sector.len(), 0);
        }
    }
    packed
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let (length, sectors) = packed.split_first_chunk::<4>().unwrap();
    let length = u32::from_le_bytes(*length) as usize;
    let mut content = vec![0; length.next_multiple_of(SECTOR_BYTES)];
    for sector in sectors.chunks(4 + SECTOR_BYTES) {
        let (number, bytes) = sector.split_first_chunk::<4>().unwrap();
        let start = u32::from_le_bytes(*number) as usize * SECTOR_BYTES;
        content[start..start + SECTOR_BYTES].copy_from_slice(bytes);
    }
    content.truncate(length);
    content
}

/// The file of a format. `newest` is made if there is none and that is wanted.
#[allow(clippy::disallowed_methods)] // Whether to make any comes from outside.
fn fixture(name: &str, newest: Option<Vec<u8>>) -> Vec<u8> {
    let path = path(name);
    let is_wanted = std::env::var_os("TIDEMARK_MAKE_FIXTURES").is_some();
    if let Some(content) = newest.filter(|_| is_wanted && !path.exists()) {
        std::fs::write(&path, pack(&content)).unwrap();
    }
    let packed = std::fs::read(&path)
        .unwrap_or_else(|_| panic!("there is no {name}: TIDEMARK_MAKE_FIXTURES=1 makes it"));
    unpack(&packed)
}

/// What the encrypted files hold.
fn fill(storage: &FileStorage) -> Model {
    let (mut model, mut dice) = (Model::new(), Dice::new(20));
    for _ in 0..3 {
        commit(storage, &mut model, Durability::Durable, &mut dice).unwrap();
    }
    model
}

#[test]
fn encrypted_files_of_every_format_are_read_and_written() {
    let device = Fragile::default();
    let storage = open(device.clone(), true, 1).unwrap();
    let expected = fill(&storage);
    storage.close().unwrap();
    let made = device.content();
    // The number stands behind the magic of 16 bytes.
    let newest = u32::from_le_bytes(made[16..20].try_into().unwrap());
    for version in 1..=newest {
        let newest = (version == newest).then(|| made.clone());
        let file = Fragile::new(fixture(&format!("sealed-{version}.sectors"), newest));
        let storage = open(file.clone(), true, 2).unwrap();
        assert_eq!(contents(&storage).unwrap(), expected, "format {version}");
        let mut model = expected.clone();
        commit(
            &storage,
            &mut model,
            Durability::Durable,
            &mut Dice::new(21),
        )
        .unwrap();
        storage.close().unwrap();
        let storage = open(Fragile::new(file.content()), true, 3).unwrap();
        assert_eq!(contents(&storage).unwrap(), model, "format {version}");
    }
}

#[test]
fn key_value_stores_of_every_format_are_read_and_written() {
    let store = |device: Fragile| {
        let storage = FileStorage::with_backend(device, KEY_VALUE_FORMAT, None).unwrap();
        KeyValueStore::new(storage)
    };
    let device = Fragile::default();
    let made = store(device.clone());
    let pairs: [(&str, Option<&[u8]>); 3] = [
        ("user/1", Some(b"Ada")),
        ("user/2", Some(b"Bo")),
        ("key", Some(b"")),
    ];
    made.write(pairs).unwrap();
    made.write([("user/2", None)]).unwrap();
    made.close().unwrap();
    for version in 1..=KEY_VALUE_FORMAT.version {
        let newest = (version == KEY_VALUE_FORMAT.version).then(|| device.content());
        let file = Fragile::new(fixture(&format!("key-value-{version}.sectors"), newest));
        let store = store(file);
        let found = store.entries("").unwrap();
        let wanted = [
            ("key".to_owned(), Vec::new()),
            ("user/1".to_owned(), b"Ada".to_vec()),
        ];
        assert_eq!(found, wanted, "format {version}");
        store.write([("user/3", Some(&b"Cy"[..]))]).unwrap();
        assert_eq!(store.get("user/3").unwrap().unwrap(), b"Cy");
    }
}
