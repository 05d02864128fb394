//! A database in a file that crashes, or whose disk fails: what was durable is there, and it goes on.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;

use common::*;
use redb::StorageBackend;
use tidemark_changeset::{PrimaryKey, Value};
use tidemark_storage::devices::{Dice, Fragile, Recorder};
use tidemark_storage::{Encryption, FileStorage, Storage, StorageError};
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::BootstrapPart;
use tidemark_store::{CLIENT_FORMAT, CopyForm, Database, DatabaseOptions, Result, StoreError};

fn open(
    device: impl StorageBackend,
    is_encrypted: bool,
    dice: &mut Dice,
) -> Result<Database<FileStorage>> {
    let seed = dice.bytes(32);
    let encryption = is_encrypted.then(|| Encryption::new(&[3; 64], &seed).unwrap());
    let storage = FileStorage::with_backend(device, CLIENT_FORMAT, encryption)?;
    Database::open(storage, DatabaseOptions::default())
}

/// Everything that a database says about itself; on the way its indexes are compared with its objects.
fn picture<S: Storage>(database: &Database<S>) -> Result<String> {
    let snapshot = database.read()?;
    let view = snapshot.view();
    let model = view.export()?;
    for key in 0..40 {
        let key = PrimaryKey::Int(key);
        let class = snapshot.catalog().position(&"Person".into());
        let found = match class {
            Some(class) => view.find(class, &key)?.is_some(),
            None => false,
        };
        assert_eq!(
            found,
            model.get(&"Person".into(), &key).is_some(),
            "{key:?}"
        );
    }
    Ok(format!(
        "{:?}\n{:?}\n{:?}\n{}",
        model,
        database.sync_state()?,
        database.subscription_sets()?,
        snapshot.version()
    ))
}

/// One thing that an application or a session does. Says whether it takes more than one commit.
fn step<S: Storage>(database: &Database<S>, server: &mut u64, dice: &mut Dice) -> Result<bool> {
    let key = i64::try_from(dice.below(40)).unwrap_or_default();
    match dice.below(10) {
        0 => database.set_file_ident(2 + *server, 1)?,
        1 => drop(database.commit_subscription_set(Vec::new(), 7)?),
        2 | 3 => {
            let next = *server + 10;
            let theirs = [create_instruction(key), update(key, "age", Value::Int(key))];
            integrate(database, progress(next, 0), &body(&[(next, 0, &theirs)]))?;
            *server = next;
        }
        4 => {
            let next = *server + 10;
            let body = body(&[(next, 0, &[create_instruction(key)])]);
            let part = BootstrapPart {
                query_version: 0,
                is_first: true,
                is_last: true,
                progress: progress(next, 0),
                body: &body,
            };
            database.store_bootstrap(&part)?;
            while !database.apply_bootstrap(1)?.is_done {}
            *server = next;
            return Ok(true);
        }
        _ => {
            let mut write = database.begin_write()?;
            for number in 0..=dice.below(30) {
                let key = (key + i64::try_from(number).unwrap_or_default()) % 40;
                let (object, is_new) = write.create(PERSON, &PrimaryKey::Int(key), true)?;
                if !is_new && dice.percent(30) {
                    write.erase(PERSON, object)?;
                } else if !is_new {
                    let text = "x".repeat(dice.below(300));
                    let value = Value::String(text.as_str().into());
                    write.set(&at(object, NAME), false, &payload(value))?;
                }
            }
            database.commit(write, 60)?;
        }
    }
    Ok(false)
}

struct Step {
    picture: String,
    begun: usize,
    durable: usize,
    is_split: bool,
}

fn crash(seed: u64, is_encrypted: bool) -> u64 {
    let mut dice = Dice::new(seed);
    let recorder = Recorder::default();
    let mut steps = Vec::new();
    let mut server = 0;
    let database = open(recorder.clone(), is_encrypted, &mut dice).unwrap();
    let born = recorder.position();
    write(&database, 1, |write| update_schema(write, SCHEMA).unwrap());
    for _ in 0..10 {
        let begun = recorder.position();
        let is_split = step(&database, &mut server, &mut dice).unwrap();
        let durable = recorder.position();
        let picture = picture(&database).unwrap();
        steps.push(Step {
            picture,
            begun,
            durable,
            is_split,
        });
    }
    drop(database);
    let first = steps[0].begun;
    for _ in 0..8 {
        let position = born + dice.below(recorder.position() + 1 - born);
        let image = recorder.crashed(position, &mut dice);
        let database = open(Recorder::new(image), is_encrypted, &mut dice)
            .unwrap_or_else(|error| panic!("seed {seed}, position {position}: {error}"));
        let found = picture(&database).unwrap();
        if position > first {
            let durable = steps.iter().rposition(|step| step.durable <= position);
            let from = durable.unwrap_or_default();
            let mut allowed = steps[from..]
                .iter()
                .take_while(|step| step.begun <= position);
            // Between the commits of one step there are other states.
            let is_within = steps[from..]
                .iter()
                .any(|step| step.is_split && step.begun <= position && position < step.durable);
            let before_first = durable.is_none();
            assert!(
                is_within || before_first || allowed.any(|step| step.picture == found),
                "seed {seed}, position {position}: another state"
            );
        }
        if position > first {
            let mut later = server + 1_000;
            for _ in 0..3 {
                step(&database, &mut later, &mut dice).unwrap();
            }
        }
        database.close().unwrap();
    }
    8
}

#[allow(clippy::disallowed_methods)] // How much to test comes from outside.
fn seeds(few: u64, many: u64) -> u64 {
    if std::env::var_os("TIDEMARK_SLOW").is_some() {
        many
    } else {
        few
    }
}

#[test]
fn a_crash_leaves_the_last_durable_state() {
    let images: u64 = (0..seeds(25, 2_000)).map(|seed| crash(seed, false)).sum();
    assert!(images >= 200);
}

#[test]
fn a_crash_of_an_encrypted_file_leaves_the_last_durable_state() {
    let images: u64 = (0..seeds(25, 2_000)).map(|seed| crash(seed, true)).sum();
    assert!(images >= 200);
}

/// A life in which the device fails at one call. Whether there was such a call is the answer.
fn fail_at(call: u64, seed: u64, is_encrypted: bool) -> bool {
    let mut dice = Dice::new(seed);
    let device = Fragile::default();
    let mut server = 0;
    let database = open(device.clone(), is_encrypted, &mut dice).unwrap();
    write(&database, 1, |write| update_schema(write, SCHEMA).unwrap());
    for _ in 0..4 {
        step(&database, &mut server, &mut dice).unwrap();
    }
    let start = device.calls();
    device.fail(call, ErrorKind::StorageFull, true);
    for _ in 0..6 {
        let before = (picture(&database).unwrap(), server);
        // The same dice again: what failed is done once more.
        let mut again = dice.clone();
        if let Err(error) = step(&database, &mut server, &mut dice) {
            let is_expected = matches!(
                error,
                StoreError::Storage(StorageError::Full(_) | StorageError::Device(_))
            );
            assert!(is_expected, "seed {seed}, call {call}: {error:?}");
            let found = picture(&database).unwrap();
            // A bootstrap is stored in one commit and applied in others.
            let is_bootstrap = found.contains("pending_bootstrap_bytes") && found != before.0;
            assert!(
                found == before.0 || is_bootstrap,
                "seed {seed}, call {call}: something was kept"
            );
            server = before.1;
            step(&database, &mut server, &mut again).unwrap();
        }
        assert_eq!(database.version(), database.read().unwrap().version());
    }
    let is_reached = device.calls() >= start + call;
    let expected = picture(&database).unwrap();
    drop(database);
    let database = open(Fragile::new(device.content()), is_encrypted, &mut dice).unwrap();
    assert_eq!(
        picture(&database).unwrap(),
        expected,
        "seed {seed}, call {call}"
    );
    is_reached
}

#[test]
fn a_full_disk_loses_nothing_and_work_goes_on() {
    for seed in 0..seeds(2, 60) {
        let mut call = 1;
        while fail_at(call, seed, seed % 2 == 1) {
            call += 1;
        }
        assert!(call > 10, "{call}");
    }
}

fn memory() -> FileStorage {
    FileStorage::in_memory(CLIENT_FORMAT).unwrap()
}

fn of(is_synced: bool, storage: FileStorage) -> Database<FileStorage> {
    let options = DatabaseOptions {
        is_synced,
        ..DatabaseOptions::default()
    };
    Database::open(storage, options).unwrap()
}

#[test]
fn copies() {
    let source = of(true, memory());
    write(&source, 1, |write| {
        update_schema(write, SCHEMA).unwrap();
        create(write, 1);
    });
    let target = memory();
    assert!(matches!(
        source.copy_to(&target, CopyForm::Synced),
        Err(StoreError::Unsynced)
    ));
    assert!(matches!(
        of(false, memory()).copy_to(&target, CopyForm::Synced),
        Err(StoreError::NotSynced)
    ));
    source.copy_to(&target, CopyForm::Local).unwrap();
    let objects = |database: &Database<FileStorage>| {
        format!("{:?}", database.read().unwrap().view().export().unwrap())
    };
    let local = of(false, target);
    assert_eq!(objects(&local), objects(&source));
    assert!(local.sync_state().is_err());

    source.set_file_ident(5, 6).unwrap();
    let everything = source.version();
    let theirs = [create_instruction(2)];
    integrate(
        &source,
        progress(9, everything),
        &body(&[(9, everything, &theirs)]),
    )
    .unwrap();
    let target = memory();
    source.copy_to(&target, CopyForm::Synced).unwrap();
    let copy = of(true, target);
    assert_eq!(objects(&copy), objects(&source));
    let state = copy.sync_state().unwrap();
    assert_eq!((state.file_ident, state.file_ident_salt), (0, 0));
    assert_eq!(state.progress.download_server_version, 0);
    assert_eq!(state.progress.upload_client_version, 0);
    assert_eq!(state.newest_uploadable_version, 0);
    hears_from_the_server(&copy);
}

/// A copy takes over what its first bootstrap says, and keeps what was written here since.
fn hears_from_the_server(copy: &Database<FileStorage>) {
    copy.set_file_ident(7, 8).unwrap();
    let (version, emitted) = write(copy, 2, |write| {
        create(write, 3);
    });
    assert!(version > 1 && emitted.len() == 1);
    // The server has deleted the first object since, and made another one.
    let theirs = [create_instruction(2), create_instruction(4)];
    let part = BootstrapPart {
        query_version: 0,
        is_first: true,
        is_last: true,
        progress: progress(20, 0),
        body: &body(&[(20, 0, &theirs)]),
    };
    copy.store_bootstrap(&part).unwrap();
    while !copy.apply_bootstrap(3).unwrap().is_done {}
    let keys = |database: &Database<FileStorage>| -> Vec<i64> {
        let model = database.read().unwrap().view().export().unwrap();
        (0..10)
            .filter(|key| {
                model
                    .get(&"Person".into(), &PrimaryKey::Int(*key))
                    .is_some()
            })
            .collect()
    };
    assert_eq!(keys(copy), [2, 3, 4]);
    // That was once: the next bootstrap takes nothing away.
    let part = BootstrapPart {
        progress: progress(30, 0),
        body: &body(&[(30, 0, &[create_instruction(5)])]),
        ..part
    };
    copy.store_bootstrap(&part).unwrap();
    while !copy.apply_bootstrap(3).unwrap().is_done {}
    assert_eq!(keys(copy), [2, 3, 4, 5]);
}
