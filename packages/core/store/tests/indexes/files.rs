//! Files of the version before indexes.

use std::path::PathBuf;

use tidemark_changeset::{Payload, PrimaryKey, Value};
use tidemark_storage::{Durability, FileStorage, Format, Storage, StorageError, TableId};
use tidemark_store::boundary::update_schema;
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions};

use crate::things::{THING, at, schema};

const BEFORE_INDEXES: Format = Format {
    version: 1,
    leaves: &[],
    ..CLIENT_FORMAT
};

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn open(path: &Scratch, format: Format) -> Database<FileStorage> {
    let storage = FileStorage::open(&path.0, format).unwrap();
    Database::open(storage, DatabaseOptions::default()).unwrap()
}

/// A file without indexes is one of version 1 but for its number: no record and no table is missed.
#[test]
fn a_file_of_version_1_is_opened_and_then_refused_by_what_knows_no_indexes() {
    let name = format!("tidemark-store-indexes-{}", std::process::id());
    let path = Scratch(std::env::temp_dir().join(name));
    let _ = std::fs::remove_file(&path.0);
    let old = open(&path, BEFORE_INDEXES);
    let mut write = old.begin_write().unwrap();
    update_schema(&mut write, &schema(false)).unwrap();
    for key in 0..30 {
        let (object, _) = write.create(THING, &PrimaryKey::Int(key), false).unwrap();
        let value = Payload::Value(Value::Int(key % 3));
        write.set(&at(object, 0), false, &value).unwrap();
    }
    old.commit(write, 1).unwrap();
    drop(old);
    // What version 1 did not write: the record of the indexes, among the single ones.
    let storage = FileStorage::open(&path.0, BEFORE_INDEXES).unwrap();
    let mut write = storage.begin_write().unwrap();
    write.delete(TableId::new(0), b"indexes");
    write.commit(Durability::Durable).unwrap();
    drop(storage);

    let new = open(&path, CLIENT_FORMAT);
    let visited = |database: &Database<FileStorage>| {
        let snapshot = database.read().unwrap();
        let found = snapshot
            .view()
            .query_counted(THING, "i == 1", &[], None)
            .unwrap();
        (found.objects.len(), found.rows_visited)
    };
    assert_eq!(visited(&new), (10, 30));
    let mut write = new.begin_write().unwrap();
    update_schema(&mut write, &schema(true)).unwrap();
    new.commit(write, 2).unwrap();
    assert_eq!(visited(&new), (10, 10));
    drop(new);

    let refused = FileStorage::open(&path.0, BEFORE_INDEXES).map(drop);
    assert!(
        matches!(
            refused,
            Err(StorageError::NewerFormat {
                found,
                supported: 1
            }) if found == CLIENT_FORMAT.version
        ),
        "{refused:?}"
    );
    assert_eq!(visited(&open(&path, CLIENT_FORMAT)), (10, 10));
}
