//! Uploads, downloads and what they leave behind.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{Instruction, PrimaryKey, Value};
use tidemark_model::Node;
use tidemark_storage::{Read, Storage, TableId};
use tidemark_store::StoreError;
use tidemark_store::sync::DownloadProgress;

const HISTORY: TableId = TableId::new(6);
const RECIPROCALS: TableId = TableId::new(7);

fn entries_in(storage: &Memory, table: TableId) -> usize {
    storage
        .snapshot()
        .unwrap()
        .prefix(table, &[])
        .unwrap()
        .count()
}

fn number(value: i64) -> Node {
    Node::Value(Value::Int(value))
}

#[test]
fn idents_and_state_are_durable() {
    let (storage, database) = database();
    assert_eq!(database.sync_state().unwrap().file_ident, 0);
    database.set_file_ident(12, 34).unwrap();
    let version = database.version();
    drop(database);
    let state = reopen(&storage).sync_state().unwrap();
    assert_eq!((state.file_ident, state.file_ident_salt), (12, 34));
    assert_eq!(
        (state.client_version, state.newest_uploadable_version),
        (version, 2)
    );
    assert!(state.bytes_uploadable > 0);
}

#[test]
fn a_new_file_has_client_version_zero() {
    let storage = std::sync::Arc::new(tidemark_storage::OrderedStorage::new());
    let database = reopen(&storage);
    assert_eq!(
        (
            database.version(),
            database.sync_state().unwrap().client_version
        ),
        (1, 0)
    );
}

#[test]
fn uploads_stop_at_the_limit_and_pass_over_the_empty() {
    let (_storage, database) = database();
    for key in 1..=3 {
        write(&database, 10, |write| {
            create(write, key);
        });
    }
    write(&database, 11, |_| {});
    integrate(
        &database,
        progress(5, 2),
        &body(&[(5, 2, &[create_instruction(9)])]),
    )
    .unwrap();
    let (newest, _) = write(&database, 12, |write| {
        create(write, 4);
    });
    // Soft limit: one changeset reaches it.
    let first = database.next_upload(0, 0, u64::MAX, 1).unwrap();
    assert_eq!(
        (first.entries, first.progress_client_version),
        (1, 3),
        "version 2 was acknowledged"
    );
    let all = database
        .next_upload(first.progress_client_version, 0, newest, u64::MAX)
        .unwrap();
    assert_eq!(
        (
            all.entries,
            all.progress_client_version,
            all.progress_server_version
        ),
        (3, newest, 5)
    );
    let entries = parse_upload_body(&all.body, BodyLimits::default()).unwrap();
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| (entry.client_version, entry.server_version))
        .collect();
    assert_eq!(seen, [(4, 0), (5, 0), (newest, 5)]);
    assert!(entries.iter().all(|entry| entry.origin_file_ident == 0));
    // Not beyond the target, and nothing left afterwards.
    assert_eq!(database.next_upload(3, 0, 4, u64::MAX).unwrap().entries, 1);
    let nothing = database.next_upload(newest, 5, newest, u64::MAX).unwrap();
    assert_eq!(
        (nothing.entries, nothing.progress_client_version),
        (0, newest)
    );
}

#[test]
fn a_download_is_merged_with_what_was_not_sent() {
    let (storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    write(&database, 100, |write| {
        create(write, 1);
        write
            .set(&at(0, AGE), false, &payload(Value::Int(1)))
            .unwrap();
    });
    integrate(&database, progress(3, 3), &body(&[])).unwrap();
    // Ours is later (200 against 50) and wins; the counter adds.
    write(&database, 200, |write| {
        write
            .set(&at(0, AGE), false, &payload(Value::Int(10)))
            .unwrap();
    });
    let theirs = [
        update(1, "age", Value::Int(99)),
        update(1, "name", Value::String("they".into())),
    ];
    integrate(&database, progress(4, 3), &body(&[(4, 3, &theirs)])).unwrap();
    assert_eq!(field(&database, 1, AGE), Some(number(10)));
    assert_eq!(
        field(&database, 1, NAME),
        Some(Node::Value(Value::String("they".into())))
    );
    // Ours is earlier (20 against 50) and loses, which has to be remembered: it must not win against a
    // third (10).
    let name = |text: &str| update(1, "name", Value::String(text.into()));
    let set_name = |write: &mut tidemark_store::WriteTransaction<Memory>| {
        write
            .set(&at(0, NAME), false, &payload(Value::String("we".into())))
            .unwrap();
    };
    write(&database, 20, set_name);
    integrate(
        &database,
        progress(5, 3),
        &body(&[(5, 3, &[name("they again")])]),
    )
    .unwrap();
    assert_eq!(entries_in(&storage, RECIPROCALS), 1);
    drop(database);
    let database = reopen(&storage);
    integrate(
        &database,
        progress(6, 3),
        &body_at(10, &[(6, 3, &[name("a third")])]),
    )
    .unwrap();
    assert_eq!(
        field(&database, 1, NAME),
        Some(Node::Value(Value::String("a third".into())))
    );
    // What is sent is what was done, not what became of it.
    let upload = database.next_upload(3, 0, u64::MAX, u64::MAX).unwrap();
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
    let sent: Vec<_> = entries
        .iter()
        .map(|entry| {
            tidemark_changeset::codec::decode(entry.changeset)
                .unwrap()
                .instructions
        })
        .collect();
    assert_eq!(
        sent,
        [vec![update(1, "age", Value::Int(10))], vec![name("we")]]
    );
}

#[test]
fn acknowledged_history_goes() {
    let (storage, database) = database();
    for key in 1..=5 {
        write(&database, 10, |write| {
            create(write, key);
        });
    }
    let newest = database.version();
    assert_eq!(entries_in(&storage, HISTORY), 6);
    // The server has integrated up to 4; what is newer stays.
    integrate(
        &database,
        progress(9, 4),
        &body(&[(9, 4, &[create_instruction(77)])]),
    )
    .unwrap();
    assert_eq!(
        entries_in(&storage, HISTORY),
        4,
        "5, 6, 7 and the integration"
    );
    let state = database.sync_state().unwrap();
    assert!(state.bytes_uploaded > 0 && state.bytes_uploaded < state.bytes_uploadable);
    assert!(state.bytes_downloaded > 0);
    assert_eq!(state.bytes_downloadable, 10_000);
    integrate(&database, progress(10, newest), &body(&[])).unwrap();
    assert_eq!(entries_in(&storage, HISTORY), 1);
    let state = database.sync_state().unwrap();
    assert_eq!(state.bytes_uploaded, state.bytes_uploadable);
    assert_eq!(state.progress.upload_client_version, newest);
}

#[test]
fn headers_and_entries_are_checked() {
    let (_storage, database) = database();
    database.set_file_ident(99, 1).unwrap();
    let good = body(&[(5, 0, &[])]);
    // The entries name 99 as their origin: this file.
    assert!(matches!(
        integrate(&database, progress(5, 0), &good),
        Err(StoreError::BadProgress(_))
    ));
    database.set_file_ident(2, 1).unwrap();
    let newest = database.version();
    let header = |change: fn(&mut DownloadProgress)| {
        let mut header = progress(5, 0);
        change(&mut header);
        header
    };
    let bad_headers = [
        header(|header| header.latest_server_version = 4),
        header(|header| header.download_client_version = 1),
        header(|header| header.upload_server_version = 6),
        DownloadProgress {
            upload_client_version: newest + 1,
            ..progress(5, 0)
        },
    ];
    for header in bad_headers {
        assert!(
            matches!(
                integrate(&database, header, &good),
                Err(StoreError::BadProgress(_))
            ),
            "{header:?}"
        );
    }
    for entries in [
        body(&[(6, 0, &[])]),
        body(&[(4, 0, &[]), (3, 0, &[])]),
        body(&[(5, 1, &[])]),
    ] {
        assert!(matches!(
            integrate(&database, progress(5, 0), &entries),
            Err(StoreError::BadProgress(_))
        ));
    }
    assert!(matches!(
        integrate(&database, progress(5, 0), b"5 0 x"),
        Err(StoreError::BadChangeset(_))
    ));
    integrate(&database, progress(5, 0), &good).unwrap();
    // Nothing goes back.
    assert!(matches!(
        integrate(&database, progress(4, 0), &[]),
        Err(StoreError::BadProgress(_))
    ));
    assert_eq!(
        database
            .sync_state()
            .unwrap()
            .progress
            .download_server_version,
        5
    );
}

#[test]
fn a_bad_changeset_leaves_nothing() {
    let (_storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    write(&database, 60, |write| {
        create(write, 1);
        write
            .set(&at(0, AGE), false, &payload(Value::Int(1)))
            .unwrap();
    });
    let before = (
        database.version(),
        database.read().unwrap().view().export().unwrap(),
    );
    let no_such = update(8, "age", Value::Int(1));
    for bad in [
        &[create_instruction(7), no_such.clone()][..],
        // Merged first, so that what is in memory of the history must not be kept either.
        &[update(1, "age", Value::Int(5)), no_such.clone()],
    ] {
        let refused = integrate(
            &database,
            progress(5, 0),
            &body(&[(4, 0, &[]), (5, 0, bad)]),
        );
        assert!(
            matches!(refused, Err(StoreError::BadChangeset(_))),
            "{refused:?}"
        );
        assert_eq!(database.read().unwrap().view().export().unwrap(), before.1);
        assert_eq!(database.version(), before.0);
    }
    let good = [
        update(1, "age", Value::Int(5)),
        update(1, "name", Value::String("x".into())),
    ];
    integrate(&database, progress(5, 0), &body(&[(5, 0, &good)])).unwrap();
    assert_eq!(field(&database, 1, AGE), Some(number(1)), "ours is later");
}

/// A long download is integrated in several commits, between which the application writes; the cursors are
/// true at each of them.
#[test]
fn long_downloads_are_cut_between_versions() {
    let (storage, database) = database();
    database.set_file_ident(2, 1).unwrap();
    let chunk =
        |from: i64| -> Vec<Instruction> { (from..from + 1_500).map(create_instruction).collect() };
    let chunks: Vec<_> = (0..8).map(|part| chunk(part * 1_500)).collect();
    // Two entries for each server version.
    let entries: Vec<(u64, u64, &[Instruction])> = chunks
        .iter()
        .zip(0u64..)
        .map(|(chunk, part)| (5 + part / 2, 0, &chunk[..]))
        .collect();
    let mut download = database
        .prepare_download(progress(8, 0), &body(&entries))
        .unwrap();
    let first = database.integrate_slice(&mut download, 0).unwrap();
    assert!(!first.is_done);
    let cursor = database
        .sync_state()
        .unwrap()
        .progress
        .download_server_version;
    assert_eq!(
        cursor, 6,
        "3 000 instructions a version, and never half a version"
    );
    let people = || database.read().unwrap().view().count(PERSON).unwrap();
    assert_eq!(people(), 6_000);
    let (version, _) = write(&database, 10, |write| {
        let object = write
            .view()
            .unwrap()
            .find(PERSON, &PrimaryKey::Int(0))
            .unwrap()
            .unwrap();
        write.erase(PERSON, object).unwrap();
    });
    let upload = database
        .next_upload(version - 1, 0, version, u64::MAX)
        .unwrap();
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
    assert_eq!(
        entries[0].server_version, cursor,
        "based on what was integrated by then"
    );
    while !database.integrate_slice(&mut download, 0).unwrap().is_done {}
    assert_eq!(people(), 11_999);
    drop(storage);
}

#[test]
fn downloaded_schemas_extend_ours() {
    let (_storage, database) = database();
    let class: tidemark_changeset::Name = "Place".into();
    let spec = tidemark_changeset::TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type: tidemark_changeset::KeyType::String,
        key_nullable: false,
        asymmetric: false,
    };
    let column = tidemark_changeset::ColumnSpec::new(
        tidemark_changeset::ColumnType::Int,
        false,
        tidemark_changeset::CollectionKind::Single,
        None,
    );
    let key = PrimaryKey::String("home".into());
    let schema = [
        Instruction::AddTable {
            class: class.clone(),
            spec,
        },
        Instruction::AddColumn {
            class: class.clone(),
            field: "size".into(),
            spec: column.clone(),
        },
        Instruction::AddColumn {
            class: "Person".into(),
            field: "height".into(),
            spec: column,
        },
        Instruction::CreateObject {
            class,
            key: key.clone(),
        },
    ];
    write(&database, 10, |write| {
        create(write, 1);
    });
    let before = database.version();
    integrate(&database, progress(5, 0), &body(&[(5, 0, &schema)])).unwrap();
    assert!(database.changes_since(before).schema);
    let snapshot = database.read().unwrap();
    assert_eq!(snapshot.catalog().position(&"Place".into()), Some(3));
    assert_eq!(snapshot.view().find(3, &key).unwrap(), Some(0));
    assert_eq!(
        field(&database, 1, 10),
        Some(number(0)),
        "older rows hold the default"
    );
    assert_eq!(
        snapshot
            .view()
            .query(PERSON, "height == 0", &[], None)
            .unwrap(),
        [0]
    );
}

#[test]
fn an_object_erased_and_created_by_one_download_is_the_same() {
    let (_storage, database) = database();
    write(&database, 10, |write| {
        for key in 1..=2 {
            create(write, key);
            let place = at(u64::try_from(key - 1).unwrap(), AGE);
            write.set(&place, false, &payload(Value::Int(key))).unwrap();
        }
    });
    integrate(&database, progress(4, 3), &body(&[])).unwrap();
    let before = database.version();
    let fresh = [
        erase_instruction(1),
        erase_instruction(2),
        create_instruction(1),
        update(1, "age", Value::Int(5)),
        create_instruction(2),
        update(2, "age", Value::Int(2)),
    ];
    integrate(&database, progress(5, 3), &body(&[(5, 3, &fresh)])).unwrap();
    let changes = database.changes_since(before);
    let people = &changes.classes[&"Person".into()];
    assert!(people.inserted.is_empty() && people.deleted.is_empty());
    assert_eq!(people.modified.len(), 1);
    assert_eq!(people.modified[&0].iter().collect::<Vec<_>>(), [AGE]);
    let view_of = |key| {
        database
            .read()
            .unwrap()
            .view()
            .find(PERSON, &PrimaryKey::Int(key))
            .unwrap()
    };
    assert_eq!((view_of(1), view_of(2)), (Some(0), Some(1)));
}

#[test]
fn an_unsynchronised_database_records_nothing() {
    let storage = std::sync::Arc::new(tidemark_storage::OrderedStorage::new());
    let options = tidemark_store::DatabaseOptions {
        is_synced: false,
        ..Default::default()
    };
    let database =
        tidemark_store::Database::open(std::sync::Arc::clone(&storage), options).unwrap();
    let mut write = database.begin_write().unwrap();
    tidemark_store::boundary::update_schema(&mut write, SCHEMA).unwrap();
    create(&mut write, 1);
    database.commit(write, 5).unwrap();
    assert_eq!(entries_in(&storage, HISTORY), 0);
    assert!(matches!(database.sync_state(), Err(StoreError::NotSynced)));
    assert!(matches!(
        database.next_upload(0, 0, 9, 9),
        Err(StoreError::NotSynced)
    ));
}
