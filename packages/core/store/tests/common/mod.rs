//! A small schema and short words for what the tests do.

#![allow(dead_code, clippy::unwrap_used)] // Shared by several tests, each of which uses a part of it.

use std::sync::Arc;

use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, parse_upload_body, write_download_entry,
};
use tidemark_changeset::{
    Instruction, Link, Name, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value, codec,
};
use tidemark_storage::{OrderedStorage, Storage};
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::DownloadProgress;
use tidemark_store::{Database, DatabaseOptions, Location, Step, WriteTransaction};

/// Position of each class: by name.
pub const EVENT: usize = 0;
pub const PART: usize = 1;
pub const PERSON: usize = 2;

/// Columns of `Person`.
pub const NAME: u16 = 0;
pub const AGE: u16 = 1;
pub const FRIENDS: u16 = 2;
pub const BEST: u16 = 3;
pub const KNOWN: u16 = 4;
pub const BY_ROLE: u16 = 5;
pub const ANYTHING: u16 = 6;
pub const PART_OF: u16 = 7;
pub const PARTS: u16 = 8;
pub const TAGS: u16 = 9;

pub const SCHEMA: &str = r#"[
  {"name":"Person","kind":"top","primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
    {"name":"name","type":"string","nullable":false},
    {"name":"age","type":"int","nullable":true},
    {"name":"friends","type":"link","collection":"list","target":"Person"},
    {"name":"best","type":"link","nullable":true,"target":"Person"},
    {"name":"known","type":"link","collection":"set","target":"Person"},
    {"name":"byRole","type":"link","nullable":true,"collection":"dictionary","target":"Person"},
    {"name":"anything","type":"mixed","nullable":true},
    {"name":"part","type":"link","nullable":true,"target":"Part"},
    {"name":"parts","type":"link","collection":"list","target":"Part"},
    {"name":"tags","type":"string","collection":"set"}]},
  {"name":"Part","kind":"embedded","columns":[
    {"name":"weight","type":"int","nullable":false},
    {"name":"owner","type":"link","nullable":true,"target":"Person"}]},
  {"name":"Event","kind":"asymmetric","primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
    {"name":"text","type":"string","nullable":false}]}]"#;

pub type Memory = Arc<OrderedStorage>;

/// A database with the schema; the storage survives it.
pub fn database() -> (Memory, Database<Memory>) {
    let storage = Arc::new(OrderedStorage::new());
    let database = reopen(&storage);
    let mut write = database.begin_write().unwrap();
    update_schema(&mut write, SCHEMA).unwrap();
    database.commit(write, 1).unwrap();
    (storage, database)
}

pub fn reopen<S: Storage>(storage: &Arc<S>) -> Database<Arc<S>> {
    Database::open(Arc::clone(storage), DatabaseOptions::default()).unwrap()
}

/// A write of its own; the answer is its version and what it emitted.
pub fn write<S: Storage>(
    database: &Database<S>,
    timestamp: u64,
    work: impl FnOnce(&mut WriteTransaction<S>),
) -> (u64, Vec<Instruction>) {
    let mut write = database.begin_write().unwrap();
    work(&mut write);
    let version = database.commit(write, timestamp).unwrap();
    let upload = database
        .next_upload(version - 1, 0, version, u64::MAX)
        .unwrap();
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
    let emitted = entries
        .first()
        .map(|entry| codec::decode(entry.changeset).unwrap().instructions);
    (version, emitted.unwrap_or_default())
}

pub fn create<S: Storage>(write: &mut WriteTransaction<S>, key: i64) -> u64 {
    write
        .create(PERSON, &PrimaryKey::Int(key), false)
        .unwrap()
        .0
}

pub fn at(object: u64, column: u16) -> Location {
    Location {
        class: PERSON,
        object,
        column,
        steps: Vec::new(),
    }
}

pub fn below(object: u64, column: u16, steps: &[Step]) -> Location {
    Location {
        class: PERSON,
        object,
        column,
        steps: steps.to_vec(),
    }
}

pub fn link(key: i64) -> Value {
    let key = PrimaryKey::Int(key);
    Value::Link(Box::new(Link {
        class: "Person".into(),
        key,
    }))
}

pub fn payload(value: impl Into<Value>) -> Payload {
    Payload::Value(value.into())
}

pub fn target(key: i64, field: &str, path: &[PathElement]) -> Target {
    let (class, field) = (Name::from("Person"), Name::from(field));
    Target {
        class,
        key: PrimaryKey::Int(key),
        field,
        path: path.to_vec(),
    }
}

pub fn update(key: i64, field: &str, value: Value) -> Instruction {
    let kind = UpdateKind::Property { is_default: false };
    Instruction::Update {
        target: target(key, field, &[]),
        value: Payload::Value(value),
        kind,
    }
}

pub fn create_instruction(key: i64) -> Instruction {
    Instruction::CreateObject {
        class: "Person".into(),
        key: PrimaryKey::Int(key),
    }
}

pub fn erase_instruction(key: i64) -> Instruction {
    Instruction::EraseObject {
        class: "Person".into(),
        key: PrimaryKey::Int(key),
    }
}

/// Changesets of a download: server version, client version, instructions; all made at 50.
pub fn body(entries: &[(u64, u64, &[Instruction])]) -> Vec<u8> {
    body_at(50, entries)
}

pub fn body_at(timestamp: u64, entries: &[(u64, u64, &[Instruction])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (server_version, client_version, instructions) in entries {
        let changeset = codec::encode(instructions);
        write_download_entry(
            &mut body,
            &DownloadEntry {
                server_version: *server_version,
                client_version: *client_version,
                timestamp,
                origin_file_ident: 99,
                original_size: changeset.len() as u64,
                changeset: &changeset,
            },
        );
    }
    body
}

/// A header that reaches a server and a client version.
pub fn progress(server_version: u64, client_version: u64) -> DownloadProgress {
    DownloadProgress {
        download_server_version: server_version,
        download_client_version: client_version,
        latest_server_version: server_version,
        latest_server_version_salt: 7,
        upload_client_version: client_version,
        upload_server_version: 0,
        progress_estimate: 1.0,
    }
}

/// Integrates a download wholly.
pub fn integrate<S: Storage>(
    database: &Database<S>,
    progress: DownloadProgress,
    body: &[u8],
) -> tidemark_store::Result<()> {
    let mut download = database.prepare_download(progress, body)?;
    while !database.integrate_slice(&mut download, 0)?.is_done {}
    Ok(())
}

/// Field of an object of `Person` in the newest version.
pub fn field<S: Storage>(
    database: &Database<S>,
    key: i64,
    column: u16,
) -> Option<tidemark_model::Node> {
    let model = database.read().unwrap().view().export().unwrap();
    let document = model.get(&"Person".into(), &PrimaryKey::Int(key))?;
    document.field(usize::from(column)).cloned()
}
