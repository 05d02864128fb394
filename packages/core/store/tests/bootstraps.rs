//! Bootstraps and subscription sets.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{Instruction, PrimaryKey, Value};
use tidemark_model::Node;
use tidemark_store::StoreError;
use tidemark_store::sync::{BootstrapPart, Subscription, SubscriptionState};

fn part(query_version: u64, is_first: bool, is_last: bool, body: &[u8]) -> BootstrapPart<'_> {
    BootstrapPart {
        query_version,
        is_first,
        is_last,
        progress: progress(20, 0),
        body,
    }
}

fn states(database: &tidemark_store::Database<Memory>) -> Vec<(u64, SubscriptionState)> {
    let sets = database.subscription_sets().unwrap();
    sets.iter().map(|set| (set.version, set.state)).collect()
}

fn subscribe(database: &tidemark_store::Database<Memory>) -> u64 {
    let subscription = Subscription {
        id: "0123456789abcdef01234567".to_owned(),
        name: Some("all".to_owned()),
        class_name: "Person".to_owned(),
        query: "TRUEPREDICATE".to_owned(),
        created_at_ms: 1,
        updated_at_ms: 2,
    };
    database
        .commit_subscription_set(vec![subscription], 5)
        .unwrap()
}

/// A bootstrap of many people, in bodies of several slices.
fn bodies(count: i64) -> Vec<Vec<u8>> {
    let people = |from: i64| -> Vec<Instruction> {
        (from..from + 100)
            .flat_map(|key| {
                [
                    erase_instruction(key),
                    create_instruction(key),
                    update(key, "age", Value::Int(key)),
                ]
            })
            .collect()
    };
    let chunks: Vec<_> = (0..count / 100).map(|chunk| people(chunk * 100)).collect();
    let body_of = |chunks: &[Vec<Instruction>]| {
        let entries: Vec<(u64, u64, &[Instruction])> =
            chunks.iter().map(|chunk| (20, 0, &chunk[..])).collect();
        body(&entries)
    };
    chunks
        .chunks(chunks.len().div_ceil(2))
        .map(body_of)
        .collect()
}

#[test]
fn sets_have_versions_and_states() {
    let (storage, database) = database();
    assert_eq!(states(&database), [(0, SubscriptionState::Pending)]);
    let before = database.version();
    assert_eq!(subscribe(&database), 1);
    assert_eq!(subscribe(&database), 2);
    let sets = database.subscription_sets().unwrap();
    assert_eq!(sets[1].snapshot_version, before + 1);
    assert_eq!(sets[2].snapshot_version, before + 2);
    assert_eq!(sets[1].subscriptions[0].name.as_deref(), Some("all"));
    database
        .set_subscription_state(1, SubscriptionState::Error, Some("no".to_owned()))
        .unwrap();
    drop(database);
    let database = reopen(&storage);
    assert_eq!(
        database.subscription_sets().unwrap()[1].error.as_deref(),
        Some("no")
    );
    database
        .set_subscription_state(2, SubscriptionState::Complete, None)
        .unwrap();
    assert_eq!(states(&database), [(2, SubscriptionState::Complete)]);
    assert!(matches!(
        database.set_subscription_state(1, SubscriptionState::Complete, None),
        Err(StoreError::NotFound(_))
    ));
    assert_eq!(subscribe(&database), 3);
}

#[test]
fn a_bootstrap_is_applied_once_it_is_whole() {
    let (_storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    subscribe(&database);
    let bodies = bodies(20_000);
    let people = || database.read().unwrap().view().count(PERSON).unwrap();
    database
        .store_bootstrap(&part(1, true, false, &bodies[0]))
        .unwrap();
    assert_eq!(states(&database)[1], (1, SubscriptionState::Bootstrapping));
    assert_eq!(
        database.sync_state().unwrap().pending_bootstrap_bytes,
        bodies[0].len() as u64
    );
    assert!(
        database.apply_bootstrap(0).unwrap().is_done,
        "nothing to apply yet"
    );
    assert_eq!(people(), 0);
    assert_eq!(
        database
            .sync_state()
            .unwrap()
            .progress
            .download_server_version,
        0
    );
    database
        .store_bootstrap(&part(1, false, true, &bodies[1]))
        .unwrap();
    let mut slices = 1;
    while !database.apply_bootstrap(0).unwrap().is_done {
        slices += 1;
        assert_eq!(
            database
                .sync_state()
                .unwrap()
                .progress
                .download_server_version,
            0
        );
        assert_eq!(states(&database).len(), 2);
    }
    assert!(slices > 2, "{slices}");
    assert_eq!(people(), 20_000);
    assert_eq!(states(&database), [(1, SubscriptionState::AwaitingMark)]);
    let state = database.sync_state().unwrap();
    assert_eq!(
        (
            state.progress.download_server_version,
            state.pending_bootstrap_bytes
        ),
        (20, 0)
    );
    assert_eq!(database.apply_bootstrap(0).unwrap().query_version, None);
}

#[test]
fn an_incomplete_bootstrap_can_be_forgotten() {
    let (storage, database) = database();
    subscribe(&database);
    let bodies = bodies(400);
    database
        .store_bootstrap(&part(1, true, false, &bodies[0]))
        .unwrap();
    drop(database);
    let database = reopen(&storage);
    assert!(!database.discard_partial_bootstrap().unwrap());
    assert_eq!(states(&database)[1], (1, SubscriptionState::Pending));
    assert_eq!(database.sync_state().unwrap().pending_bootstrap_bytes, 0);
    // A bootstrap of another version takes the place of what is there; so does a new first part.
    subscribe(&database);
    database
        .store_bootstrap(&part(1, true, false, &bodies[0]))
        .unwrap();
    database
        .store_bootstrap(&part(2, true, false, &bodies[0]))
        .unwrap();
    database
        .store_bootstrap(&part(2, true, true, &bodies[1]))
        .unwrap();
    assert!(
        database.discard_partial_bootstrap().unwrap(),
        "a complete one stays"
    );
    while !database.apply_bootstrap(0).unwrap().is_done {}
    assert_eq!(database.read().unwrap().view().count(PERSON).unwrap(), 200);
    assert_eq!(states(&database), [(2, SubscriptionState::AwaitingMark)]);
    assert!(
        database
            .store_bootstrap(&part(7, true, true, &bodies[1]))
            .is_err(),
        "no such set"
    );
}

/// A crash between two slices, and a local write that does not wait for the session.
#[test]
fn a_half_applied_bootstrap_goes_on() {
    let (storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    for body in bodies(20_000).iter().zip([(true, false), (false, true)]) {
        database
            .store_bootstrap(&part(0, body.1.0, body.1.1, body.0))
            .unwrap();
    }
    assert!(!database.apply_bootstrap(0).unwrap().is_done);
    drop(database);
    let database = reopen(&storage);
    let people = |database: &tidemark_store::Database<Memory>| {
        database.read().unwrap().view().count(PERSON).unwrap()
    };
    let some = people(&database);
    assert!(some > 0 && some < 20_000, "{some}");
    assert!(!database.apply_bootstrap(0).unwrap().is_done);
    assert!(people(&database) > some);
    // The write comes first, but on the whole of it: its base is the new view.
    let (version, _) = write(&database, 9, |write| {
        let object = write
            .view()
            .unwrap()
            .find(PERSON, &PrimaryKey::Int(19_999))
            .unwrap()
            .unwrap();
        write
            .set(&at(object, AGE), false, &payload(Value::Int(1)))
            .unwrap();
    });
    assert_eq!(people(&database), 20_000);
    assert_eq!(
        field(&database, 19_999, AGE),
        Some(Node::Value(Value::Int(1)))
    );
    let upload = database
        .next_upload(version - 1, 0, version, u64::MAX)
        .unwrap();
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
    assert_eq!(entries[0].server_version, 20);
    assert!(database.apply_bootstrap(0).unwrap().is_done);
    assert_eq!(states(&database), [(0, SubscriptionState::AwaitingMark)]);
}

/// A crash takes back what slices before the last one committed, and with it their versions.
#[test]
fn no_message_names_a_version_between_slices() {
    let (_storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    let bodies = bodies(20_000);
    database
        .store_bootstrap(&part(0, true, false, &bodies[0]))
        .unwrap();
    database
        .store_bootstrap(&part(0, false, true, &bodies[1]))
        .unwrap();
    let before = database.version();
    let named = || {
        let upload = database.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
        upload.progress_client_version
    };
    let mut slices = 0;
    while !database.apply_bootstrap(0).unwrap().is_done {
        slices += 1;
        assert!(database.version() > before);
        assert_eq!(named(), before);
    }
    assert!(slices > 1, "{slices}");
    assert_eq!(named(), database.version());
}

/// What was written before the bootstrap and not sent yet is merged on top of it.
#[test]
fn pending_writes_survive_where_they_can() {
    let (_storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    write(&database, 10, |write| {
        for key in [1, 150] {
            create(write, key);
        }
    });
    integrate(&database, progress(10, 3), &[]).unwrap();
    write(&database, 90, |write| {
        write
            .set(&at(1, NAME), false, &payload(Value::String("mine".into())))
            .unwrap();
        create(write, 7_000);
    });
    // 150 is erased and created again by the bootstrap: the server's values win, as in the original.
    let fresh = [
        erase_instruction(150),
        create_instruction(150),
        update(150, "age", Value::Int(3)),
    ];
    let progress = progress(20, 3);
    let body = body(&[(20, 3, &fresh)]);
    let only = BootstrapPart {
        query_version: 0,
        is_first: true,
        is_last: true,
        progress,
        body: &body,
    };
    database.store_bootstrap(&only).unwrap();
    assert!(database.apply_bootstrap(0).unwrap().is_done);
    assert_eq!(field(&database, 150, AGE), Some(Node::Value(Value::Int(3))));
    assert_eq!(
        field(&database, 150, NAME),
        Some(Node::Value(Value::String("".into())))
    );
    assert!(field(&database, 7_000, NAME).is_some());
}

/// One entry without bytes: the schema bootstrap of a server that has none.
#[test]
fn an_empty_bootstrap_completes() {
    let (_storage, database) = database();
    let body = body(&[(20, 0, &[])]);
    database
        .store_bootstrap(&part(0, true, true, &body))
        .unwrap();
    assert!(database.apply_bootstrap(0).unwrap().is_done);
    assert_eq!(states(&database), [(0, SubscriptionState::AwaitingMark)]);
    // The server may send another for the same set when rights change; a complete set stays complete.
    database
        .set_subscription_state(0, SubscriptionState::Complete, None)
        .unwrap();
    database
        .store_bootstrap(&part(0, true, true, &body))
        .unwrap();
    assert_eq!(states(&database), [(0, SubscriptionState::Complete)]);
    assert!(database.apply_bootstrap(0).unwrap().is_done);
    assert_eq!(states(&database), [(0, SubscriptionState::Complete)]);
}
