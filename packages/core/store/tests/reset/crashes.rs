//! Resets that are interrupted: the file is the old one or the new one.

use super::common::*;
use super::scene::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidemark_changeset::Value;
use tidemark_storage::{FileStorage, OrderedStorage, Storage, StorageError};
use tidemark_store::sync::ResetPolicy;
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions, Result};

type Action<S> = fn(&Database<S>, &Database<Memory>) -> Result<()>;

/// A file with unsynced changes, reset step by step. Every action is one commit.
fn actions<S: Storage>() -> Vec<Action<S>> {
    vec![
        |local, _| local.set_file_ident(2, 1),
        |local, _| {
            let first = [schema(), people(&[1, 2]), numbers(1, 0, &[1, 2])].concat();
            integrate(
                local,
                progress(BASE_VERSION, 0),
                &body(&[(BASE_VERSION, 0, &first)]),
            )
        },
        |local, _| {
            let mut write = local.begin_write()?;
            create(&mut write, 5);
            write.set(&at(0, AGE), false, &number(3))?;
            write.list_insert(&below(0, NUMBERS, &[visible(1)]), &number(9))?;
            local.commit(write, 60).map(drop)
        },
        |local, _| local.begin_reset(&demand(ResetPolicy::Recover)).map(drop),
        |local, fresh| local.reset_from(fresh, 70).map(drop),
        |local, _| {
            let theirs = [update(1, "name", Value::String("theirs".into()))];
            let version = FRESH_VERSION + 1;
            integrate(local, progress(version, 0), &body(&[(version, 0, &theirs)]))
        },
        |local, _| local.finish_reset(),
        |local, _| local.forget_reset_reports(),
    ]
}

fn fresh_copy(storage: &Memory) -> Database<Memory> {
    let database = reopen(storage);
    let first = [schema(), people(&[1, 3]), numbers(1, 0, &[4, 5, 6])].concat();
    database.set_file_ident(7, 3).unwrap();
    let body = body(&[(FRESH_VERSION, 0, &first)]);
    integrate(&database, progress(FRESH_VERSION, 0), &body).unwrap();
    database
}

/// Everything a file says about itself.
fn picture<S: Storage>(database: &Database<S>) -> String {
    let upload = database.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{}",
        database.read().unwrap().view().export().unwrap(),
        database.sync_state().unwrap(),
        database.subscription_sets().unwrap(),
        database.pending_reset().unwrap(),
        database.reset_reports().unwrap(),
        upload,
        database.version()
    )
}

#[test]
fn every_commit_may_fail() {
    let fresh = fresh_copy(&Arc::new(OrderedStorage::new()));
    let undisturbed = reopen(&Arc::new(OrderedStorage::new()));
    let mut pictures = vec![picture(&undisturbed)];
    for action in actions() {
        action(&undisturbed, &fresh).unwrap();
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
                assert!(action(&database, &fresh).is_err(), "action {index} commits");
                assert_eq!(picture(&database), pictures[index], "action {index}");
                // Odd ones go on in the same process, even ones after a restart.
                if index % 2 == 0 {
                    drop(database);
                    database = reopen(&storage);
                    assert_eq!(
                        picture(&database),
                        pictures[index],
                        "action {index}, restarted"
                    );
                }
            }
            action(&database, &fresh).unwrap();
            let context = format!("crash at {crash_at}, action {index}");
            assert_eq!(picture(&database), pictures[index + 1], "{context}");
        }
    }
}

/// The copy serves a second attempt: nothing is ever committed to it.
#[test]
fn the_fresh_copy_is_not_written_to() {
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let storage = Arc::new(OrderedStorage::with_observer(Box::new(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })));
    let fresh = fresh_copy(&storage);
    let before = (commits.load(Ordering::Relaxed), picture(&fresh));
    let local = reopen(&Arc::new(OrderedStorage::new()));
    for action in actions() {
        action(&local, &fresh).unwrap();
    }
    assert_eq!((commits.load(Ordering::Relaxed), picture(&fresh)), before);
}

/// A file that is left without a word holds all commits and nothing of the open write.
#[test]
fn a_file_is_whole_after_an_abrupt_end() {
    let name = format!("tidemark-store-reset-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let open = || {
        let storage = FileStorage::open(&path, CLIENT_FORMAT).unwrap();
        Database::open(storage, DatabaseOptions::default()).unwrap()
    };
    let fresh = fresh_copy(&Arc::new(OrderedStorage::new()));
    let mut expected = None;
    for action in actions() {
        let database = open();
        if let Some(expected) = &expected {
            assert_eq!(&picture(&database), expected);
        }
        action(&database, &fresh).unwrap();
        expected = Some(picture(&database));
    }
    assert_eq!(Some(picture(&open())), expected);
    std::fs::remove_file(&path).unwrap();
}
