//! Which columns have indexes is the schema's word, and this file's own.

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, Name, Payload, PrimaryKey, Value,
};
use tidemark_storage::{OrderedStorage, Storage};
use tidemark_store::boundary::{schema_text, update_schema};
use tidemark_store::{Database, DatabaseOptions, StoreError};

use crate::common::{Memory, body, integrate, progress, reopen};
use crate::things::{Dice, THING, at, check_database, mutate, schema};

fn empty() -> (Memory, Database<Memory>) {
    let storage = std::sync::Arc::new(OrderedStorage::new());
    let database = reopen(&storage);
    (storage, database)
}

fn update<S: Storage>(database: &Database<S>, text: &str) {
    let mut write = database.begin_write().unwrap();
    update_schema(&mut write, text).unwrap();
    database.commit(write, 1).unwrap();
}

fn visited<S: Storage>(database: &Database<S>, text: &str) -> (usize, u64) {
    let snapshot = database.read().unwrap();
    let found = snapshot
        .view()
        .query_counted(THING, text, &[], None)
        .unwrap();
    (found.objects.len(), found.rows_visited)
}

fn fill(database: &Database<Memory>, count: i64) {
    let mut write = database.begin_write().unwrap();
    for key in 0..count {
        let (object, _) = write.create(THING, &PrimaryKey::Int(key), false).unwrap();
        write
            .set(&at(object, 0), false, &Payload::Value(Value::Int(key % 10)))
            .unwrap();
    }
    database.commit(write, 2).unwrap();
}

#[test]
fn a_flag_makes_the_index_and_its_absence_drops_it() {
    let (storage, database) = empty();
    update(&database, &schema(false));
    fill(&database, 100);
    assert_eq!(visited(&database, "i == 3"), (10, 100));
    let version = |database: &Database<Memory>| database.read().unwrap().catalog().version();
    let before = version(&database);
    update(&database, &schema(true));
    assert!(version(&database) > before);
    assert_eq!(visited(&database, "i == 3"), (10, 10));
    // The same again is no change.
    let same = version(&database);
    update(&database, &schema(true));
    assert_eq!(version(&database), same);
    // It is kept with the file.
    drop(database);
    let database = reopen(&storage);
    assert_eq!(visited(&database, "i == 3"), (10, 10));
    fill_more(&database);
    assert_eq!(visited(&database, "i == 3"), (11, 11));
    update(&database, &schema(false));
    assert_eq!(visited(&database, "i == 3"), (11, 101));
    // Nothing of the old index is left when there is one again.
    let mut write = database.begin_write().unwrap();
    write.erase_all(THING).unwrap();
    database.commit(write, 3).unwrap();
    update(&database, &schema(true));
    assert_eq!(visited(&database, "i == 3"), (0, 0));
}

fn fill_more(database: &Database<Memory>) {
    let mut write = database.begin_write().unwrap();
    let (object, _) = write.create(THING, &PrimaryKey::Int(1_000), false).unwrap();
    write
        .set(&at(object, 0), false, &Payload::Value(Value::Int(3)))
        .unwrap();
    database.commit(write, 3).unwrap();
}

#[test]
fn the_schema_says_which_columns_have_one() {
    let (_storage, database) = empty();
    update(&database, &schema(true));
    let text = schema_text(database.read().unwrap().catalog());
    assert!(
        text.contains(
            r#"{"name":"i","type":"int","nullable":true,"collection":"single","indexed":true}"#
        ),
        "{text}"
    );
    assert_eq!(text.matches("indexed").count(), 7);
    update(&database, &schema(false));
    let text = schema_text(database.read().unwrap().catalog());
    assert!(!text.contains("indexed"), "{text}");
}

#[test]
fn types_without_order_are_refused() {
    for (column, kind) in [
        (r#""type":"float""#, "float"),
        (r#""type":"double""#, "double"),
        (r#""type":"decimal""#, "decimal"),
        (r#""type":"binary""#, "binary"),
        (r#""type":"link","target":"Thing""#, "link"),
        (r#""type":"int","collection":"list""#, "list"),
        (r#""type":"string","collection":"set""#, "set"),
        (r#""type":"mixed","collection":"dictionary""#, "dictionary"),
    ] {
        let (_storage, database) = empty();
        let mut write = database.begin_write().unwrap();
        let text =
            format!(r#"[{{"name":"Thing","columns":[{{"name":"p",{column},"indexed":true}}]}}]"#);
        match update_schema(&mut write, &text) {
            Err(error @ StoreError::SchemaMismatch(_)) => assert_eq!(
                error.to_string(),
                format!("Property 'Thing.p' of type '{kind}' cannot be indexed.")
            ),
            other => panic!("{kind}: {other:?}"),
        }
    }
}

/// What downloads add has no index until the application asks; what they say of a column that has one changes
/// nothing; erased columns take theirs along, and those behind keep theirs.
#[test]
fn downloads_neither_make_nor_lose_indexes() {
    let (_storage, database) = empty();
    database.set_file_ident(2, 1).unwrap();
    update(&database, &schema(true));
    fill(&database, 50);
    let class = Name::from("Thing");
    let add = |field: &str, column_type| Instruction::AddColumn {
        class: class.clone(),
        field: field.into(),
        spec: ColumnSpec::new(column_type, true, CollectionKind::Single, None),
    };
    let instructions = [add("late", ColumnType::Int), add("i", ColumnType::Int)];
    integrate(&database, progress(5, 0), &body(&[(5, 0, &instructions)])).unwrap();
    assert_eq!(visited(&database, "late == null"), (50, 50));
    assert_eq!(visited(&database, "i == 3"), (5, 5));
    let mut write = database.begin_write().unwrap();
    write.set_indexed(&class, &"late".into(), true).unwrap();
    let erase = Instruction::EraseColumn {
        class: class.clone(),
        field: "b".into(),
    };
    let (object, _) = write.create(THING, &PrimaryKey::Int(9_000), false).unwrap();
    write
        .set(&at(object, 0), false, &Payload::Value(Value::Int(3)))
        .unwrap();
    write.apply(&erase).unwrap();
    write
        .set(
            &at(object, 1),
            false,
            &Payload::Value(Value::String("x".into())),
        )
        .unwrap();
    database.commit(write, 9).unwrap();
    assert_eq!(visited(&database, "late == 7"), (0, 0));
    assert_eq!(visited(&database, "i == 3"), (6, 6));
    assert_eq!(visited(&database, "s == 'x'"), (1, 1));
    assert_eq!(visited(&database, "s == null"), (50, 50));
}

/// Indexes that come and go between other changes of one write.
#[test]
fn indexes_change_within_a_write() {
    for seed in 0..10 {
        let mut dice = Dice(seed);
        let database: Database<Memory> = Database::open(
            std::sync::Arc::new(OrderedStorage::new()),
            DatabaseOptions::default(),
        )
        .unwrap();
        update(&database, &schema(seed % 2 == 0));
        for round in 0..8 {
            let mut write = database.begin_write().unwrap();
            mutate(&mut write, &mut dice);
            update_schema(&mut write, &schema(round % 2 == 0)).unwrap();
            mutate(&mut write, &mut dice);
            update_schema(&mut write, &schema(true)).unwrap();
            mutate(&mut write, &mut dice);
            if dice.below(3) == 0 {
                drop(write);
            } else {
                database.commit(write, 1).unwrap();
            }
            let mut write = database.begin_write().unwrap();
            update_schema(&mut write, &schema(true)).unwrap();
            database.commit(write, 1).unwrap();
            check_database(&database, &mut dice, 20);
        }
    }
}
