//! Disks that fill up, disks that fail, and files that were damaged: typed errors, nothing older lost, and
//! work goes on once it can.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::sync::Arc;

use common::*;
use redb::StorageBackend;
use tidemark_storage::devices::{Dice, Fragile};
use tidemark_storage::{
    Durability, FileStorage, Format, Read, Storage, StorageError, check_closed_file,
};

/// A file with a few commits.
fn filled(is_encrypted: bool, dice: &mut Dice) -> (Vec<u8>, Model) {
    let (content, mut models) = committed(is_encrypted, dice);
    (content, models.pop().unwrap())
}

/// A file with a few commits, and what it held after each.
fn committed(is_encrypted: bool, dice: &mut Dice) -> (Vec<u8>, Vec<Model>) {
    let mut models = Vec::new();
    let device = Fragile::default();
    let storage = open(device.clone(), is_encrypted, dice.roll()).unwrap();
    let mut model = Model::new();
    for _ in 0..4 {
        commit(&storage, &mut model, Durability::Durable, dice).unwrap();
        models.push(model.clone());
    }
    drop(storage);
    (device.content(), models)
}

fn is_expected(error: &StorageError, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::StorageFull => matches!(error, StorageError::Full(_) | StorageError::Device(_)),
        _ => matches!(error, StorageError::Device(_)),
    }
}

/// The same history with a failure at its n-th call. Whether there was such a call is the answer.
fn fail_at(call: u64, seed: u64, is_encrypted: bool) -> bool {
    let mut dice = Dice::new(seed);
    let (content, mut model) = filled(is_encrypted, &mut dice);
    let kind = [ErrorKind::StorageFull, ErrorKind::Other][dice.below(2)];
    let is_passing = dice.percent(50);
    let context = format!("seed {seed}, call {call}, {kind:?}, passing {is_passing}");
    let device = Fragile::new(content);
    let start = device.calls();
    device.fail(call, kind, is_passing);
    let mut storage = open(device.clone(), is_encrypted, dice.roll());
    if let Err(error) = &storage {
        assert!(is_expected(error, kind), "{context}: {error:?}");
        device.mend();
        storage = open(device.clone(), is_encrypted, dice.roll());
    }
    let storage = storage.unwrap_or_else(|error| panic!("{context}: {error}"));
    let mut refused = 0;
    for _ in 0..6 {
        let before = storage.snapshot().ok();
        if let Err(error) = commit(&storage, &mut model, Durability::Durable, &mut dice) {
            refused += 1;
            assert!(is_expected(&error, kind), "{context}: {error:?}");
            if let Some(before) = before {
                read_stale(&before, &context);
            }
            match contents(&storage) {
                Ok(found) => assert_eq!(found, model, "{context}: a refused commit came true"),
                Err(error) => assert!(
                    !is_passing && is_expected(&error, kind),
                    "{context}: {error:?}"
                ),
            }
            if dice.percent(50) {
                device.mend();
            }
        }
    }
    assert!(
        !is_passing || refused <= 1,
        "{context}: refused {refused} times"
    );
    let was_reached = device.calls() >= start + call;
    device.mend();
    assert_eq!(contents(&storage).unwrap(), model, "{context}: once mended");
    commit(&storage, &mut model, Durability::Durable, &mut dice).unwrap();
    drop(storage);
    let storage = open(Fragile::new(device.content()), is_encrypted, dice.roll()).unwrap();
    assert_eq!(contents(&storage).unwrap(), model, "{context}: reopened");
    was_reached
}

/// A snapshot from before a failure shows what it showed, or says that it cannot.
fn read_stale(snapshot: &impl Read, context: &str) {
    for table in TABLES {
        if let Err(error) = snapshot.get(table, b"key 0007") {
            assert!(
                matches!(error, StorageError::Device(_)),
                "{context}: {error:?}"
            );
        }
    }
}

fn fail_everywhere(is_encrypted: bool) {
    let mut failures = 0;
    for seed in 0..seeds(3, 60) {
        let mut call = 1;
        while fail_at(call, seed, is_encrypted) {
            failures += 1;
            call += 1;
        }
    }
    assert!(failures > 100, "{failures}");
}

#[test]
fn every_call_may_fail() {
    fail_everywhere(false);
}

#[test]
fn every_call_may_fail_under_an_encrypted_file() {
    fail_everywhere(true);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_of_the_device() {
    for is_encrypted in [false, true] {
        let (content, model) = filled(is_encrypted, &mut Dice::new(3));
        let device = Fragile::new(content);
        device.fail_reads(ErrorKind::Other);
        let refusal = open(device.clone(), is_encrypted, 1).map(drop);
        assert!(
            matches!(refusal, Err(StorageError::Device(_))),
            "{refusal:?}"
        );
        device.mend();
        let storage = open(device.clone(), is_encrypted, 2).unwrap();
        assert_eq!(contents(&storage).unwrap(), model);
    }
}

/// A file that was opened with an error is as it was before.
fn expect_refused(content: &[u8], key: bool, expected: fn(&StorageError) -> bool) {
    let device = Fragile::new(content.to_vec());
    let error = open(device.clone(), key, 5).err().expect("it is refused");
    assert!(expected(&error), "{error:?}");
    assert!(
        device.content() == content,
        "{error:?}: the file was changed"
    );
}

#[test]
fn what_is_no_database_is_refused_and_stays_as_it_is() {
    let text = b"certainly not a database".repeat(400);
    for content in [
        &text[..],
        &text[..10],
        &text[..3],
        &vec![1; 100_000],
        b"tidemark-sealed\n",
    ] {
        for key in [false, true] {
            expect_refused(content, key, |error| {
                matches!(error, StorageError::Damaged(_) | StorageError::KeyNeeded)
            });
        }
    }
    // A file of another program that uses redb too.
    let device = Fragile::default();
    let foreign = redb::Database::builder()
        .create_with_backend(device.clone())
        .unwrap();
    let write = foreign.begin_write().unwrap();
    write
        .open_table(redb::TableDefinition::<u64, u64>::new("theirs"))
        .unwrap()
        .insert(1, 2)
        .unwrap();
    write.commit().unwrap();
    drop(foreign);
    assert!(matches!(
        open(Fragile::new(device.content()), false, 1),
        Err(StorageError::Damaged(_))
    ));
}

#[test]
fn a_key_that_does_not_fit_is_refused_and_the_file_stays_as_it_is() {
    let (plain, _) = filled(false, &mut Dice::new(1));
    let (sealed, _) = filled(true, &mut Dice::new(1));
    expect_refused(&plain, true, |error| {
        matches!(error, StorageError::NotEncrypted)
    });
    expect_refused(&sealed, false, |error| {
        matches!(error, StorageError::KeyNeeded)
    });
    let device = Fragile::new(sealed.clone());
    let other = tidemark_storage::Encryption::new(&[8; 64], &[1; 32]).unwrap();
    assert!(matches!(
        FileStorage::with_backend(device.clone(), FORMAT, Some(other)),
        Err(StorageError::WrongKey)
    ));
    assert!(device.content() == sealed);
    for length in [0, 1, 63, 65, 128] {
        assert!(matches!(
            tidemark_storage::Encryption::new(&vec![1; length], &[1; 32]),
            Err(StorageError::InvalidKey(found)) if found == length
        ));
    }
}

/// Reads everything and writes something, whatever comes of it.
fn use_up(content: Vec<u8>, is_encrypted: bool, seed: u64) -> Result<Model, StorageError> {
    let device = Fragile::new(content);
    let storage = open(device.clone(), is_encrypted, seed)?;
    let found = contents(&storage)?;
    let mut model = found.clone();
    commit(
        &storage,
        &mut model,
        Durability::Durable,
        &mut Dice::new(seed),
    )?;
    storage.close()?;
    // Nothing makes the file grow beyond reason.
    assert!(device.len().unwrap() < 64 << 20);
    Ok(found)
}

/// Changes or cuts off a part of a file.
fn harm(content: &mut Vec<u8>, dice: &mut Dice) {
    let length = content.len();
    match dice.below(4) {
        0 => content.truncate(dice.below(length)),
        1 => {
            for _ in 0..=dice.below(40) {
                let at = dice.below(length);
                content[at] = dice.bytes(1)[0];
            }
        }
        2 => {
            // Where something is: the start of the file.
            for _ in 0..=dice.below(4) {
                let at = dice.below(length.min(60_000));
                content[at] ^= 1 << dice.below(8);
            }
        }
        _ => {
            let (from, count) = (dice.below(length), dice.below(9_000));
            let to = length.min(from + count);
            let bytes = dice.bytes(to - from);
            content[from..to].copy_from_slice(&bytes);
        }
    }
}

fn damage(is_encrypted: bool) -> [usize; 2] {
    let mut outcomes = [0; 2];
    for seed in 0..seeds(200, 20_000) {
        let mut dice = Dice::new(seed);
        let (mut content, models) = committed(is_encrypted, &mut Dice::new(seed % 7));
        harm(&mut content, &mut dice);
        let left = content.len();
        match use_up(content, is_encrypted, seed) {
            Ok(found) => {
                // A damaged head gives way to the one before: an older commit, but a whole one.
                // New: cut off before anything tells it from a file whose creation was interrupted.
                let is_new = is_encrypted && found.is_empty() && left < 4_600;
                assert!(
                    !is_encrypted || is_new || models.contains(&found),
                    "seed {seed}: altered data is shown, {} entries of {:?}",
                    found.len(),
                    models
                        .iter()
                        .map(std::collections::BTreeMap::len)
                        .collect::<Vec<_>>()
                );
                outcomes[0] += 1;
            }
            Err(StorageError::InUse | StorageError::Closed) => panic!("seed {seed}"),
            Err(_) => outcomes[1] += 1,
        }
    }
    outcomes
}

#[test]
fn a_damaged_file_is_an_error_or_opens() {
    let [opened, refused] = damage(false);
    assert!(opened > 0 && refused > 0, "{opened} {refused}");
}

#[test]
fn a_damaged_encrypted_file_never_shows_other_data() {
    let [opened, refused] = damage(true);
    assert!(opened > 0 && refused > 0, "{opened} {refused}");
}

/// What a panic in redb has become, where it can be caught.
fn is_contradiction(error: &StorageError) -> bool {
    matches!(error, StorageError::Damaged(text) if text.contains("contradicts"))
}

/// Where a panic cannot be caught the check has to find what would cause one, without one of its own.
#[test]
fn what_passes_the_check_makes_nothing_panic() {
    let [mut sound, mut found, mut missed, mut needed] = [0; 4];
    for seed in 0..seeds(250, 20_000) {
        let mut dice = Dice::new(seed);
        let (mut content, models) = committed(false, &mut Dice::new(seed % 7));
        assert!(check_closed_file(Arc::new(Fragile::new(content.clone()))).is_ok());
        harm(&mut content, &mut dice);
        let device = Fragile::new(content.clone());
        let checked = check_closed_file(Arc::new(device.clone()));
        assert!(
            device.content() == content,
            "seed {seed}: the file was changed"
        );
        let used = use_up(content, false, seed);
        needed += usize::from(used.as_ref().is_err_and(is_contradiction));
        match checked {
            Ok(()) => {
                sound += 1;
                missed += usize::from(used.as_ref().is_err_and(is_contradiction));
                if let Ok(found) = used {
                    assert!(
                        models.contains(&found),
                        "seed {seed}: altered data is shown"
                    );
                }
            }
            Err(StorageError::Damaged(_)) => found += 1,
            Err(error) => panic!("seed {seed}: {error:?}"),
        }
    }
    assert_eq!(missed, 0);
    assert!(
        sound > 10 && found > 100 && needed > 5,
        "{sound} {found} {needed}"
    );
}

#[test]
fn a_file_that_fails_to_open_is_not_left_behind() {
    let folder = std::env::temp_dir().join(format!("tidemark-storage-left-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("file");
    let key = || Some(encryption(1));
    drop(FileStorage::open_with(&path, FORMAT, key()).unwrap());
    let content = std::fs::read(&path).unwrap();
    let other = Format {
        kind: "other",
        version: 1,
        leaves: &[],
    };
    assert!(matches!(
        FileStorage::open_with(&path, other, key()),
        Err(StorageError::OtherKind { .. })
    ));
    assert!(matches!(
        FileStorage::open(&path, FORMAT),
        Err(StorageError::KeyNeeded)
    ));
    let storage = FileStorage::open_with(&path, FORMAT, key()).unwrap();
    assert!(matches!(
        FileStorage::open_with(&path, FORMAT, key()),
        Err(StorageError::InUse)
    ));
    drop(storage);
    assert_eq!(std::fs::read(&path).unwrap().len(), content.len());
    std::fs::remove_dir_all(&folder).unwrap();
}
