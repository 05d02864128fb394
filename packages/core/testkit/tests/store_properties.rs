//! The store against the model in memory, over random instructions, commits, aborts and reopenings.

mod common;

use std::sync::Arc;

use common::{compare_changes, export, rows};
use tidemark_model::memory::Database as Model;
use tidemark_storage::{FileStorage, OrderedStorage, Storage};
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions};
use tidemark_testkit::dice::Dice;
use tidemark_testkit::generators;

fn open<S: Storage>(storage: &Arc<S>) -> Database<Arc<S>> {
    Database::open(Arc::clone(storage), DatabaseOptions::default()).expect("it opens")
}

/// The file is what the model says, down to the order of its columns.
fn compare<S: Storage>(database: &Database<S>, model: &Model, context: &str) {
    let (mut found, mut wanted) = (export(&database.read().expect("readable")), model.clone());
    found.fill();
    wanted.fill();
    assert_eq!(found, wanted, "{context}");
    common::compare(database, model, context);
}

fn run<S: Storage>(storage: S, seed: u64) {
    let storage = Arc::new(storage);
    let mut dice = Dice::new(seed);
    let mut database = open(&storage);
    let mut model = Model::new();
    let mut write = database.begin_write().expect("it is free");
    for instruction in generators::schema() {
        write.change_schema(&instruction).expect("a legal schema");
        model.apply(&[instruction]).expect("a legal schema");
    }
    database.commit(write, 1).expect("it commits");
    let mut since = (database.version(), rows(&database));
    let old_snapshot = database.read().expect("readable");
    let old_model = model.clone();
    for round in 0..25 {
        let context = format!("seed {seed} round {round}");
        let mut draft = model.clone();
        let mut write = database.begin_write().expect("it is free");
        for _ in 0..dice.below(30) {
            let instruction = generators::fitting_instruction(&mut dice, &draft);
            let wanted = draft.apply(std::slice::from_ref(&instruction));
            let found = write.apply(&instruction);
            assert_eq!(
                found.is_ok(),
                wanted.is_ok(),
                "{context}: {instruction:?} {found:?} {wanted:?}"
            );
            if dice.chance(5) {
                // Looking at the open write flushes it in the middle.
                let mut seen = write
                    .view()
                    .and_then(|view| view.export())
                    .expect("readable");
                let mut wanted = draft.clone();
                wanted.fill();
                seen.fill();
                assert_eq!(seen, wanted, "{context}: inside the write");
            }
        }
        if dice.chance(20) {
            drop(write);
        } else {
            database.commit(write, round).expect("it commits");
            model = draft;
        }
        compare(&database, &model, &context);
        let now = rows(&database);
        let changes = database.changes_since(since.0);
        compare_changes(&changes, &since.1, &now, changes.schema, &context);
        match dice.below(6) {
            0 => since = (database.version(), now),
            1 => {
                drop(database);
                database = open(&storage);
                since = (database.version(), now);
                compare(&database, &model, &format!("{context} reopened"));
            }
            _ => {}
        }
    }
    let old = export(&old_snapshot);
    assert_eq!(
        old.schema, old_model.schema,
        "seed {seed}: a snapshot never changes"
    );
    assert!(
        old.objects.is_empty(),
        "seed {seed}: a snapshot never changes"
    );
}

#[test]
fn the_store_agrees_with_the_model_in_memory() {
    for seed in 0..20 {
        run(OrderedStorage::new(), seed);
    }
}

#[test]
fn the_store_agrees_with_the_model_over_redb() {
    for seed in 100..104 {
        run(
            FileStorage::in_memory(CLIENT_FORMAT).expect("it opens"),
            seed,
        );
    }
}
