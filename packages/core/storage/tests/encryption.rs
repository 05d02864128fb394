//! An encrypted file shows nothing of what it holds, and no nonce is used twice.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;

use common::*;
use redb::StorageBackend;
use tidemark_storage::devices::{Dice, Recorder};
use tidemark_storage::{Durability, Encryption, FileStorage, Read, Storage};

const CANARY: &[u8] = b"a word that stands nowhere else";

fn holds(content: &[u8], needle: &[u8]) -> bool {
    content.windows(needle.len()).any(|window| window == needle)
}

fn write_canaries(storage: &FileStorage) {
    let mut write = storage.begin_write().unwrap();
    for number in 0..200u8 {
        let key = [CANARY, b" as a key ", &[number]].concat();
        write.put(TABLES[0], &key, &CANARY.repeat(usize::from(number)));
    }
    write.commit(Durability::Durable).unwrap();
}

#[test]
fn nothing_of_the_content_is_in_the_file() {
    for is_encrypted in [false, true] {
        let recorder = Recorder::default();
        let storage = open(recorder.clone(), is_encrypted, 1).unwrap();
        write_canaries(&storage);
        storage.compact().unwrap();
        write_canaries(&storage);
        drop(storage);
        let content = recorder.content();
        // The plain file shows that the search finds what there is.
        for needle in [&CANARY[..12], b"tidemark\0", b"kind", b"redb"] {
            let is_there = holds(&content, needle) && needle != b"tidemark\0";
            assert_eq!(
                is_there,
                !is_encrypted && needle != b"tidemark\0",
                "{needle:?}"
            );
        }
        assert!(
            !holds(&content, &[7; 16]) || !is_encrypted,
            "the key is in the file"
        );
    }
}

/// Notes the nonces that reach the file.
#[derive(Debug)]
struct Nonces {
    inner: Recorder,
    seen: std::sync::Mutex<HashSet<[u8; 24]>>,
}

impl StorageBackend for Nonces {
    fn len(&self) -> std::io::Result<u64> {
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.inner.read(offset, out)
    }
    fn set_len(&self, length: u64) -> std::io::Result<()> {
        self.inner.set_len(length)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.inner.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        if offset > 0 {
            for block in data.chunks(4_136) {
                let nonce = block[..24].try_into().unwrap();
                assert!(
                    self.seen.lock().unwrap().insert(nonce),
                    "a nonce comes again"
                );
            }
        }
        self.inner.write(offset, data)
    }
}

#[test]
fn every_write_has_a_nonce_of_its_own() {
    let recorder = Recorder::default();
    let mut seen = HashSet::new();
    for opening in 0..3 {
        let device = Nonces {
            inner: recorder.clone(),
            seen: std::sync::Mutex::new(seen.clone()),
        };
        let storage = open(device, true, opening).unwrap();
        let mut dice = Dice::new(opening);
        let mut model = contents(&storage).unwrap();
        for _ in 0..5 {
            commit(&storage, &mut model, Durability::Durable, &mut dice).unwrap();
        }
        drop(storage);
        seen.insert([u8::try_from(opening).unwrap(); 24]);
    }
}

/// Equal keys and content make different files: each has its salt.
#[test]
fn files_of_one_key_have_nothing_in_common() {
    let content = |seed| {
        let recorder = Recorder::default();
        let storage = open(recorder.clone(), true, seed).unwrap();
        write_canaries(&storage);
        drop(storage);
        recorder.content()
    };
    let (one, other) = (content(1), content(2));
    assert_eq!(one.len(), other.len());
    let first_page = 12_288;
    assert_eq!(one[..20], other[..20], "magic and version");
    assert_ne!(one[20..36], other[20..36], "salts");
    let equal = one[first_page..]
        .chunks(64)
        .zip(other[first_page..].chunks(64))
        .filter(|(one, other)| one == other && one.iter().any(|byte| *byte != 0));
    assert_eq!(equal.count(), 0);
}

/// A page that stands in another place, or comes from another file of the same key, is refused.
#[test]
fn pages_belong_to_their_place() {
    let make = |seed| {
        let recorder = Recorder::default();
        let storage = open(recorder.clone(), true, seed).unwrap();
        write_canaries(&storage);
        drop(storage);
        recorder.content()
    };
    let (file, foreign) = (make(1), make(2));
    let block = |content: &[u8], number: usize| {
        let from = 12_288 + number * 4_136;
        content[from..from + 4_136].to_vec()
    };
    let blocks = (file.len() - 12_288) / 4_136;
    let used: Vec<usize> = (0..blocks)
        .filter(|number| block(&file, *number).iter().any(|byte| *byte != 0))
        .collect();
    let mut refused = 0;
    for (index, &number) in used.iter().enumerate() {
        let other = used[(index + 1) % used.len()];
        for replacement in [block(&file, other), block(&foreign, number)] {
            let mut altered = file.clone();
            altered[12_288 + number * 4_136..][..4_136].copy_from_slice(&replacement);
            let read = open(Recorder::new(altered), true, 3).and_then(|storage| contents(&storage));
            match read {
                Ok(found) => assert_eq!(found.len(), 200),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > used.len(), "{refused} of {}", used.len());
}

#[test]
fn a_file_is_found_again_with_its_key() {
    let path = std::env::temp_dir().join(format!("tidemark-storage-key-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let open = |seed: u8| {
        let encryption = Encryption::new(&[9; 64], &[seed; 32]).unwrap();
        FileStorage::open_with(&path, FORMAT, Some(encryption)).unwrap()
    };
    write_canaries(&open(1));
    let storage = open(2);
    let key = [CANARY, b" as a key ", &[7]].concat();
    let value = storage.snapshot().unwrap().get(TABLES[0], &key).unwrap();
    assert_eq!(value.unwrap().to_vec(), CANARY.repeat(7));
    drop(storage);
    std::fs::remove_file(&path).unwrap();
}
