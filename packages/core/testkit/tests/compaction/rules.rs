//! Single rules against a ledger: what would be refused if more were folded.

use tidemark_changeset::body::{UploadEntry, write_upload_body};
use tidemark_changeset::{Instruction, Payload, PrimaryKey, Target, UpdateKind, Value, codec};
use tidemark_ledger::embedded::{Ledger, Options};
use tidemark_ledger::switches::Switches;
use tidemark_storage::OrderedStorage;
use tidemark_store::boundary::update_schema;
use tidemark_transform::compaction::Folds;

use crate::device::{Device, Extent};
use crate::edits::SCHEMA;

fn create() -> Instruction {
    Instruction::CreateObject {
        class: "Object".into(),
        key: PrimaryKey::Int(1),
    }
}

fn erase() -> Instruction {
    Instruction::EraseObject {
        class: "Object".into(),
        key: PrimaryKey::Int(1),
    }
}

fn set(field: &str, value: &str) -> Instruction {
    Instruction::Update {
        target: Target {
            class: "Object".into(),
            key: PrimaryKey::Int(1),
            field: field.into(),
            path: Vec::new(),
        },
        value: Payload::Value(Value::String(value.into())),
        kind: UpdateKind::Property { is_default: false },
    }
}

/// How many writes a server refuses when a client that sees what matches the query uploads these changesets.
fn compensations(query: &str, changesets: &[&[Instruction]]) -> usize {
    let options = Options {
        epoch_salt: 77,
        development_mode: true,
        switches: Switches::ALL,
    };
    let server = Ledger::open(OrderedStorage::new(), options).expect("it opens");
    let mut device = Device::new(&server, Folds::NONE).expect("an ident is given");
    let mut write = device.database.begin_write().expect("it is free");
    update_schema(&mut write, SCHEMA).expect("the schema fits");
    device.database.commit(write, 1).expect("it commits");
    device.subscribe(Some(query)).expect("it commits");
    device.sync(&server, Extent::WHOLE).expect("a session");
    let encoded: Vec<Vec<u8>> = changesets.iter().map(|one| codec::encode(one)).collect();
    let state = device.database.sync_state().expect("readable");
    let base = state.progress.download_server_version;
    let first = state.client_version + 1;
    let entries: Vec<UploadEntry<'_>> = (first..)
        .zip(&encoded)
        .map(|(client_version, changeset)| UploadEntry {
            client_version,
            server_version: base,
            timestamp: 100,
            origin_file_ident: 0,
            changeset,
        })
        .collect();
    let last = first + entries.len() as u64 - 1;
    let session = device.identify(&server).expect("a session");
    device
        .upload(&server, session, (last, base), &write_upload_body(&entries))
        .expect("it is taken");
    device.compensations
}

/// An object that was made and erased offline was never seen by anybody: with its creation or without,
/// nothing is refused.
#[test]
fn an_erasure_without_its_creation_is_taken() {
    let (create, erase) = ([create()], [erase()]);
    assert_eq!(compensations("TRUEPREDICATE", &[&create, &erase]), 0);
    assert_eq!(compensations("TRUEPREDICATE", &[&erase]), 0);
}

/// An object is created in view and moves on: without the first value it would be created out of view, and
/// everything after it would go with it.
#[test]
fn a_creation_without_its_first_value_is_refused() {
    let query = "view == \"a\" OR view == \"b\"";
    let creation = [create(), set("view", "a")];
    let later = [set("view", "b")];
    assert_eq!(compensations(query, &[&creation, &later]), 0);
    assert_eq!(compensations(query, &[&[create()], &later]), 2);
}

/// An object moves out of view and is edited there: the last edit is refused, what was before it is not.
/// With the first edit folded into the last nothing of the two would be left.
#[test]
fn what_follows_a_move_out_of_view_is_refused() {
    let query = "view == \"a\"";
    let creation = [create(), set("view", "a")];
    let (first, away, last) = ([set("s", "1")], [set("view", "z")], [set("s", "2")]);
    let refused = compensations(query, &[&creation, &first, &away, &last]);
    assert_eq!(refused, 1);
}
