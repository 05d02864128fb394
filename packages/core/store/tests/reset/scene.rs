//! A file that was behind, and a fresh copy of what the server has by now.

use super::common::*;
use std::sync::Arc;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, Name, PathElement, Payload, PrimaryKey,
    Target, Value, codec,
};
use tidemark_model::{Node, memory};
use tidemark_storage::OrderedStorage;
use tidemark_store::sync::{
    DropReason, ResetAction, ResetDemand, ResetFailure, ResetPolicy, ResetReport,
};
use tidemark_store::{Database, Result, Step, StoreError, WriteTransaction};

/// Where the file and the fresh copy stand in the server's history.
pub const BASE_VERSION: u64 = 10;
pub const FRESH_VERSION: u64 = 20;

/// Columns that these tests add to `Person`.
pub const NUMBERS: u16 = 10;
pub const ANY_LIST: u16 = 11;
pub const SCORES: u16 = 12;

pub struct Scene {
    pub storage: Memory,
    pub local: Database<Memory>,
    pub fresh: Database<Memory>,
}

/// What makes the schema.
pub fn schema() -> Vec<Instruction> {
    let (_, database) = database();
    let (_, mut schema) = (0, emitted(&database).remove(0).1);
    let list =
        |field: &str, column_type| add_column("Person", field, column_type, CollectionKind::List);
    schema.extend([
        list("numbers", ColumnType::Int),
        list("anyList", ColumnType::Mixed),
        add_column(
            "Person",
            "scores",
            ColumnType::Int,
            CollectionKind::Dictionary,
        ),
    ]);
    schema
}

pub fn add_column(
    class: &str,
    field: &str,
    column_type: ColumnType,
    collection: CollectionKind,
) -> Instruction {
    let spec = ColumnSpec::new(column_type, false, collection, None);
    let (class, field) = (class.into(), field.into());
    Instruction::AddColumn { class, field, spec }
}

/// A database of that ident that has downloaded these instructions up to a server version.
pub fn downloaded(
    ident: u64,
    version: u64,
    instructions: &[Instruction],
) -> (Memory, Database<Memory>) {
    downloaded_as(ident, ident + 100, version, instructions)
}

/// The same with a salt that is given.
pub fn downloaded_as(
    ident: u64,
    salt: u64,
    version: u64,
    instructions: &[Instruction],
) -> (Memory, Database<Memory>) {
    let storage = Arc::new(OrderedStorage::new());
    let database = reopen(&storage);
    database.set_file_ident(ident, salt).unwrap();
    let body = body(&[(version, 0, instructions)]);
    integrate(&database, progress(version, 0), &body).unwrap();
    (storage, database)
}

/// Both sides have `base`; the fresh copy then also has what happened meanwhile.
pub fn scene(base: &[Instruction], meanwhile: &[Instruction]) -> Scene {
    let first = [&schema()[..], base].concat();
    let (storage, local) = downloaded(2, BASE_VERSION, &first);
    let (_, fresh) = downloaded(7, FRESH_VERSION, &[&first[..], meanwhile].concat());
    Scene {
        storage,
        local,
        fresh,
    }
}

pub fn demand(policy: ResetPolicy) -> ResetDemand {
    ResetDemand {
        policy,
        action: ResetAction::Reset,
        now_ms: 5,
        error_code: 208,
        error_message: "unknown file ident".to_owned(),
    }
}

/// What a database would upload: client version and instructions.
pub fn emitted(database: &Database<Memory>) -> Vec<(u64, Vec<Instruction>)> {
    let upload = database.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
    entries
        .iter()
        .map(|entry| {
            let changeset = codec::decode(entry.changeset).unwrap();
            (entry.client_version, changeset.instructions)
        })
        .collect()
}

pub fn model(database: &Database<Memory>) -> memory::Database {
    database.read().unwrap().view().export().unwrap()
}

impl Scene {
    /// A local write that was not uploaded.
    pub fn write(&self, work: impl FnOnce(&mut WriteTransaction<Memory>)) -> u64 {
        write(&self.local, 60, work).0
    }

    pub fn try_reset(&self, policy: ResetPolicy) -> Result<ResetReport> {
        self.local.begin_reset(&demand(policy))?;
        self.local.reset_from(&self.fresh, 70)
    }

    /// Recovers. The changesets that are uploaded then make the fresh state what the file holds.
    pub fn recover(&self) -> ResetReport {
        let report = self.try_reset(ResetPolicy::Recover).unwrap();
        let mut wanted = model(&self.fresh);
        for (_, instructions) in emitted(&self.local) {
            wanted.apply(&instructions).unwrap();
        }
        wanted.fill();
        assert_eq!(model(&self.local), wanted);
        report
    }

    /// Recovers; nothing is dropped.
    pub fn recover_all(&self) -> ResetReport {
        let report = self.recover();
        assert_eq!(report.dropped, []);
        report
    }

    /// Recovers; the answer is why something was dropped, in order.
    pub fn recover_dropping(&self) -> Vec<DropReason> {
        let report = self.recover();
        assert_eq!(report.dropped_count, report.dropped.len() as u64);
        report
            .dropped
            .into_iter()
            .map(|dropped| dropped.reason)
            .collect()
    }

    pub fn discard(&self) -> ResetReport {
        self.try_reset(ResetPolicy::Discard).unwrap()
    }

    /// The failure of a reset that cannot be done.
    pub fn failure(&self, policy: ResetPolicy) -> ResetFailure {
        match self.try_reset(policy) {
            Err(StoreError::ResetFailed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// All instructions that the file would upload.
    pub fn uploads(&self) -> Vec<Instruction> {
        emitted(&self.local)
            .into_iter()
            .flat_map(|(_, instructions)| instructions)
            .collect()
    }

    pub fn field(&self, key: i64, column: u16) -> Node {
        field(&self.local, key, column).unwrap()
    }

    pub fn object(&self, key: i64) -> u64 {
        object(&self.local, key)
    }
}

pub fn object(database: &Database<Memory>, key: i64) -> u64 {
    let snapshot = database.read().unwrap();
    let found = snapshot.view().find(PERSON, &PrimaryKey::Int(key)).unwrap();
    found.unwrap()
}

pub fn int(value: i64) -> Node {
    Node::Value(Value::Int(value))
}

pub fn ints(values: &[i64]) -> Node {
    Node::List(values.iter().copied().map(int).collect())
}

pub fn links(keys: &[i64]) -> Node {
    let node = |key: &i64| Node::Value(link(*key));
    Node::List(keys.iter().map(node).collect())
}

pub fn insert_at(target: Target, value: Payload, prior_size: u32) -> Instruction {
    Instruction::ArrayInsert {
        target,
        value,
        prior_size,
    }
}

/// Inserts values at the end of a list that holds `size`.
pub fn append(key: i64, name: &str, size: u32, values: &[Value]) -> Vec<Instruction> {
    (size..)
        .zip(values)
        .map(|(index, value)| {
            let target = target(key, name, &[PathElement::Index(index)]);
            insert_at(target, Payload::Value(value.clone()), index)
        })
        .collect()
}

pub fn numbers(key: i64, size: u32, values: &[i64]) -> Vec<Instruction> {
    let values: Vec<Value> = values.iter().copied().map(Value::Int).collect();
    append(key, "numbers", size, &values)
}

/// `Person`s with these keys.
pub fn people(keys: &[i64]) -> Vec<Instruction> {
    keys.iter().copied().map(create_instruction).collect()
}

pub fn visible(index: u32) -> Step {
    Step::Visible(index)
}

pub fn key(name: &str) -> Step {
    Step::Key(Name::from(name))
}

/// An integer to be written.
pub fn number(value: i64) -> Payload {
    Payload::Value(Value::Int(value))
}

pub fn text(value: &str) -> Value {
    Value::String(value.into())
}
