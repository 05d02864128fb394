//! The same work with a storage that fails at every commit in turn: whatever fails, what was there stays,
//! and the work can be done again.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::*;
use tidemark_changeset::Value;
use tidemark_storage::{FileStorage, OrderedStorage, Storage, StorageError};
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::BootstrapPart;
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions, Result};

/// The steps of a short life, each of which may fail.
type Action<S> = fn(&Database<S>) -> Result<()>;

fn commit<S: Storage>(
    database: &Database<S>,
    work: impl FnOnce(&mut tidemark_store::WriteTransaction<S>) -> Result<()>,
) -> Result<()> {
    let mut write = database.begin_write()?;
    work(&mut write)?;
    database.commit(write, 60).map(drop)
}

fn actions<S: Storage>() -> Vec<Action<S>> {
    vec![
        |database| commit(database, |write| update_schema(write, SCHEMA)),
        |database| database.set_file_ident(2, 1),
        |database| {
            commit(database, |write| {
                let object = create(write, 1);
                write.set(&at(object, AGE), false, &payload(Value::Int(5)))
            })
        },
        |database| {
            let body = body(&[(20, 0, &[create_instruction(2)])]);
            let progress = progress(20, 0);
            let part = BootstrapPart {
                query_version: 0,
                is_first: true,
                is_last: true,
                progress,
                body: &body,
            };
            database.store_bootstrap(&part)
        },
        |database| database.apply_bootstrap(1).map(drop),
        |database| {
            commit(database, |write| {
                write.set(&at(0, AGE), false, &payload(Value::Int(6)))
            })
        },
        |database| {
            // Loses against what was written here later, but changes its reciprocal form.
            let theirs = [
                update(1, "age", Value::Int(9)),
                update(2, "age", Value::Int(9)),
            ];
            integrate(database, progress(21, 0), &body(&[(21, 0, &theirs)]))
        },
        |database| {
            integrate(
                database,
                progress(22, 0),
                &body(&[(22, 0, &[update(1, "age", Value::Int(8))])]),
            )
        },
        |database| commit(database, |write| write.erase(PERSON, 1)),
        |database| database.commit_subscription_set(Vec::new(), 7).map(drop),
    ]
}

/// Everything a database says about itself.
fn picture<S: Storage>(database: &Database<S>) -> String {
    let upload = database.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
    let snapshot = database.read().unwrap();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{}",
        snapshot.view().export().unwrap(),
        database.sync_state().unwrap(),
        database.subscription_sets().unwrap(),
        upload,
        database.version()
    )
}

#[test]
fn every_commit_may_fail() {
    let undisturbed = reopen(&Arc::new(OrderedStorage::new()));
    let mut pictures = vec![picture(&undisturbed)];
    for action in actions() {
        action(&undisturbed).unwrap();
        pictures.push(picture(&undisturbed));
    }
    for crash_at in 0..pictures.len() - 1 {
        let countdown = Arc::new(AtomicUsize::new(usize::MAX));
        let observed = Arc::clone(&countdown);
        let storage = Arc::new(OrderedStorage::with_observer(Box::new(
            move |_, _| match observed.fetch_sub(1, Ordering::Relaxed) {
                0 => Err(StorageError::Full("test".to_owned())),
                _ => Ok(()),
            },
        )));
        let mut database = reopen(&storage);
        for (index, action) in actions().into_iter().enumerate() {
            if index == crash_at {
                countdown.store(0, Ordering::Relaxed);
                let failed = action(&database);
                assert!(failed.is_err(), "action {index} commits");
                assert_eq!(
                    picture(&database),
                    pictures[index],
                    "action {index} left something behind"
                );
                // Odd ones go on in the same process, even ones after a restart.
                if index % 2 == 0 {
                    drop(database);
                    database = reopen(&storage);
                    assert_eq!(
                        picture(&database),
                        pictures[index],
                        "action {index} after a restart"
                    );
                }
            }
            action(&database).unwrap();
            assert_eq!(
                picture(&database),
                pictures[index + 1],
                "crash at {crash_at}, action {index}"
            );
        }
    }
}

/// A file that is left without a word holds all commits and nothing of the open write.
#[test]
fn a_file_is_whole_after_an_abrupt_end() {
    let path = std::env::temp_dir().join(format!("tidemark-store-crash-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let open = || {
        let storage = FileStorage::open(&path, CLIENT_FORMAT).unwrap();
        Database::open(storage, DatabaseOptions::default()).unwrap()
    };
    let mut expected = None;
    for action in actions() {
        let database = open();
        if let Some(expected) = &expected {
            assert_eq!(&picture(&database), expected);
        }
        action(&database).unwrap();
        expected = Some(picture(&database));
        let mut unfinished = database.begin_write().unwrap();
        update_schema(&mut unfinished, SCHEMA).unwrap();
        create(&mut unfinished, 1_000);
        drop(database);
        drop(unfinished);
    }
    assert_eq!(Some(picture(&open())), expected);
    std::fs::remove_file(&path).unwrap();
}
