//! The file's objects become the fresh copy's, and listeners are told of exactly what differs.

use super::common::*;
use super::scene::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, KeyType, PathElement, Payload, TableSpec, UpdateKind,
    Value,
};
use tidemark_storage::OrderedStorage;
use tidemark_store::sync::{BootstrapPart, ResetPolicy};
use tidemark_store::{ClassChanges, Columns};

/// What the reset told of persons.
fn told(scene: &Scene, since: u64) -> ClassChanges {
    let changes = scene.local.changes_since(since);
    assert!(changes.complete);
    let mut classes = changes.classes;
    let persons = classes.remove(&"Person".into()).unwrap_or_default();
    assert!(classes.is_empty(), "{classes:?}");
    persons
}

fn discard(scene: &Scene) -> ClassChanges {
    let since = scene.local.version();
    scene.discard();
    assert_eq!(model(&scene.local), model(&scene.fresh));
    told(scene, since)
}

fn modified(changes: &ClassChanges) -> Vec<(u64, Vec<u16>)> {
    let columns = |columns: &Columns| columns.iter().collect();
    let mut all: Vec<_> = changes
        .modified
        .iter()
        .map(|(object, touched)| (*object, columns(touched)))
        .collect();
    all.sort();
    all
}

fn put(key: i64, field: &str, path: &[PathElement], value: Payload) -> Instruction {
    Instruction::Update {
        target: target(key, field, path),
        value,
        kind: UpdateKind::Property { is_default: false },
    }
}

#[test]
fn only_columns_that_differ_are_touched() {
    let base = [people(&[1, 2, 3]), numbers(2, 0, &[1, 2, 3])].concat();
    let theirs = [
        vec![
            update(2, "age", Value::Int(5)),
            update(3, "age", Value::Null),
        ],
        numbers(2, 3, &[4]),
    ]
    .concat();
    let scene = scene(&base, &theirs);
    let changes = discard(&scene);
    assert_eq!(modified(&changes), [(1, vec![AGE, NUMBERS])]);
    assert!(changes.inserted.is_empty() && changes.deleted.is_empty());
}

/// It is the application's word about this file, whatever the copy says.
#[test]
fn the_version_of_the_schema_stays() {
    let scene = scene(&people(&[1]), &people(&[2]));
    scene.write(|write| write.set_declared_version(5));
    let mut write = scene.fresh.begin_write().unwrap();
    write.set_declared_version(6);
    scene.fresh.commit(write, 60).unwrap();
    scene.discard();
    let snapshot = scene.local.read().unwrap();
    assert_eq!(snapshot.view().declared_version().unwrap(), Some(5));
}

#[test]
fn nothing_is_told_of_equal_objects() {
    let base = [people(&[1, 2]), numbers(2, 0, &[1, 2])].concat();
    let scene = scene(&base, &[]);
    let since = scene.local.version();
    let report = scene.discard();
    assert!(told(&scene, since).modified.is_empty());
    let counts = (
        report.objects_created,
        report.objects_changed,
        report.objects_deleted,
    );
    assert_eq!(counts, (0, 0, 0));
}

#[test]
fn objects_come_and_go_and_keep_their_keys() {
    let base = people(&[1, 2, 3]);
    let theirs = [
        erase_instruction(1),
        create_instruction(9),
        create_instruction(4),
        // Erased and made again: the same object to whoever holds it.
        erase_instruction(3),
        create_instruction(3),
        update(3, "age", Value::Int(1)),
    ];
    let scene = scene(&base, &theirs);
    let changes = discard(&scene);
    assert_eq!(changes.deleted, BTreeSet::from([0]));
    // In the order in which they were made there.
    assert_eq!(changes.inserted, BTreeSet::from([3, 4]));
    assert_eq!(
        (scene.object(9), scene.object(4), scene.object(3)),
        (3, 4, 2)
    );
    assert_eq!(modified(&changes), [(2, vec![AGE])]);
}

#[test]
fn every_kind_of_value_is_taken_over() {
    let key = |name: &str| PathElement::Key(name.into());
    let part = |index| {
        let target = target(1, "parts", &[PathElement::Index(index)]);
        insert_at(target, Payload::Object, index)
    };
    let weight = |value| {
        let path = [PathElement::Index(0), key("weight")];
        put(1, "parts", &path, number(value))
    };
    let tag = |name: &str| Instruction::SetInsert {
        target: target(1, "tags", &[]),
        value: payload(text(name)),
    };
    let any = |path: &[PathElement], value| put(1, "anything", path, value);
    let base = [
        people(&[1, 2]),
        vec![part(0), part(1), weight(1), tag("a"), tag("b")],
        vec![
            any(&[], Payload::Dictionary),
            any(&[key("x")], Payload::List),
        ],
        append(1, "anyList", 0, &[Value::Int(1), text("a"), Value::Null]),
        vec![put(1, "byRole", &[key("a")], payload(link(1)))],
    ]
    .concat();
    let theirs = [
        vec![weight(2), tag("c")],
        vec![
            any(&[key("x")], number(1)),
            any(&[key("y")], Payload::Dictionary),
        ],
        vec![any(&[key("y"), key("z")], payload(link(2)))],
        append(
            1,
            "anyList",
            3,
            &[Value::Double(f64::NAN), Value::Double(-0.0)],
        ),
        vec![put(1, "byRole", &[key("a")], Payload::Erased)],
        vec![put(1, "byRole", &[key("b")], payload(Value::Null))],
        vec![put(1, "part", &[], Payload::Object)],
    ]
    .concat();
    let scene = scene(&base, &theirs);
    let changes = discard(&scene);
    let columns = vec![BY_ROLE, ANYTHING, PART_OF, PARTS, TAGS, ANY_LIST];
    assert_eq!(modified(&changes), [(0, columns)]);
}

/// The links are the same before and after; that their targets come and go is told all the same.
#[test]
fn links_come_alive_and_die_with_their_targets() {
    let base = [
        people(&[1, 2, 3]),
        append(1, "friends", 0, &[link(2), link(3)]),
        vec![erase_instruction(3)],
    ]
    .concat();
    let scene = scene(&base, &[erase_instruction(2), create_instruction(3)]);
    let changes = discard(&scene);
    assert_eq!(modified(&changes), [(0, vec![FRIENDS])]);
    assert_eq!(scene.field(1, FRIENDS), links(&[2, 3]));
    // As the application sees it, the first friend is 3 now.
    let first = below(0, FRIENDS, &[visible(0)]);
    let (_, emitted) = write(&scene.local, 80, |write| write.list_erase(&first).unwrap());
    let erased = Instruction::ArrayErase {
        target: target(1, "friends", &[PathElement::Index(1)]),
        prior_size: 2,
    };
    assert_eq!(emitted, [erased]);
}

/// Hidden slots are slots of the server, too: its next instruction counts them.
#[test]
fn links_to_absent_objects_keep_their_slots() {
    let base = people(&[1, 2]);
    let theirs = [
        append(1, "friends", 0, &[link(2), link(5)]),
        vec![erase_instruction(2)],
    ]
    .concat();
    let scene = scene(&base, &theirs);
    discard(&scene);
    let next = append(1, "friends", 2, &[link(1)]);
    let body = body(&[(FRESH_VERSION + 1, 0, &next)]);
    integrate(&scene.local, progress(FRESH_VERSION + 1, 0), &body).unwrap();
    assert_eq!(scene.field(1, FRIENDS), links(&[2, 5, 1]));
}

#[test]
fn classes_and_columns_of_the_server_are_added() {
    let add = |class: &str, spec| Instruction::AddTable {
        class: class.into(),
        spec,
    };
    let top = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type: KeyType::Int,
        key_nullable: false,
        asymmetric: false,
    };
    let theirs = [
        add("Wheel", TableSpec::Embedded),
        add("Car", top),
        add_column("Wheel", "size", ColumnType::Int, CollectionKind::Single),
        add_column("Car", "doors", ColumnType::Int, CollectionKind::Single),
        add_column("Person", "height", ColumnType::Int, CollectionKind::Single),
        update(1, "height", Value::Int(180)),
    ];
    let scene = scene(&people(&[1]), &theirs);
    let since = scene.local.version();
    scene.discard();
    assert_eq!(model(&scene.local), model(&scene.fresh));
    assert!(scene.local.changes_since(since).schema);
    assert_eq!(model(&reopen(&scene.storage)), model(&scene.fresh));
}

/// The order of columns is each file's own: rows differ though objects are equal.
#[test]
fn columns_in_another_order_are_matched_by_name() {
    let mut schema = schema();
    let base = [
        people(&[1, 2]),
        vec![
            update(1, "age", Value::Int(5)),
            update(1, "name", text("a")),
        ],
    ];
    let base = base.concat();
    let (storage, local) = downloaded(2, BASE_VERSION, &[&schema[..], &base].concat());
    // The three classes come first; all columns are turned round.
    schema[3..].reverse();
    let theirs = [&schema[..], &base, &[update(2, "name", text("b"))]].concat();
    let (_, fresh) = downloaded(7, FRESH_VERSION, &theirs);
    let scene = Scene {
        storage,
        local,
        fresh,
    };
    let since = scene.local.version();
    scene.discard();
    assert_eq!(modified(&told(&scene, since)), [(1, vec![NAME])]);
}

/// Bytes that are equal by accident: the columns they are of are not.
#[test]
fn equal_rows_of_columns_in_another_order_differ() {
    let add = |field: &str| add_column("Person", field, ColumnType::Int, CollectionKind::Single);
    let schema = schema();
    let side = |order: [&str; 2]| {
        let values = [
            create_instruction(1),
            update(1, order[0], Value::Int(5)),
            update(1, order[1], Value::Int(6)),
        ];
        [&schema[..], &order.map(add), &values].concat()
    };
    let (storage, local) = downloaded(2, BASE_VERSION, &side(["x", "y"]));
    let (_, fresh) = downloaded(7, FRESH_VERSION, &side(["y", "x"]));
    let scene = Scene {
        storage,
        local,
        fresh,
    };
    scene.discard();
    assert_eq!((scene.field(1, 13), scene.field(1, 14)), (int(6), int(5)));
}

/// Embedded objects lie inside their owner's row: their columns' order matters as well.
#[test]
fn columns_of_embedded_objects_in_another_order_are_matched_by_name() {
    let mut schema = schema();
    let place = |name: &str, schema: &[Instruction]| {
        let is_it = |instruction: &Instruction| match instruction {
            Instruction::AddColumn { class, field, .. } => {
                *class == "Part".into() && *field == name.into()
            }
            _ => false,
        };
        schema.iter().position(is_it).unwrap()
    };
    let path = [PathElement::Key("weight".into())];
    let base = [
        create_instruction(1),
        put(1, "part", &[], Payload::Object),
        put(1, "part", &path, number(5)),
    ];
    let (storage, local) = downloaded(2, BASE_VERSION, &[&schema[..], &base].concat());
    let (weight, owner) = (place("weight", &schema), place("owner", &schema));
    schema.swap(weight, owner);
    let (_, fresh) = downloaded(7, FRESH_VERSION, &[&schema[..], &base].concat());
    let scene = Scene {
        storage,
        local,
        fresh,
    };
    let since = scene.local.version();
    let before = model(&scene.local);
    // A list of embedded objects that is taken over goes the other way: from here to the fresh state.
    scene.write(|write| {
        for index in 0..2 {
            write
                .list_insert(&below(0, PARTS, &[visible(index)]), &Payload::Object)
                .unwrap();
        }
        write
            .set(
                &below(0, PARTS, &[visible(1), key("weight")]),
                false,
                &number(7),
            )
            .unwrap();
    });
    scene.discard();
    assert_eq!(model(&scene.local), before);
    assert_eq!(modified(&told(&scene, since)), [(0, vec![PARTS])]);
}

#[test]
fn a_bootstrap_that_is_half_applied_is_forgotten() {
    let scene = scene(&people(&[1]), &people(&[2]));
    let many: Vec<i64> = (1_000_000..1_030_000).collect();
    let body = body(&[
        (BASE_VERSION + 1, 0, &people(&many[..15_000])),
        (BASE_VERSION + 1, 0, &people(&many[15_000..])),
    ]);
    let part = BootstrapPart {
        query_version: 0,
        is_first: true,
        is_last: true,
        progress: progress(BASE_VERSION + 1, 0),
        body: &body,
    };
    scene.local.store_bootstrap(&part).unwrap();
    assert!(!scene.local.apply_bootstrap(1).unwrap().is_done);
    scene.try_reset(ResetPolicy::Recover).unwrap();
    assert_eq!(model(&scene.local), model(&scene.fresh));
    assert!(scene.local.apply_bootstrap(1).unwrap().is_done);
    assert_eq!(scene.local.sync_state().unwrap().pending_bootstrap_bytes, 0);
}

/// More objects than are held decoded at a time, and links across all of them.
#[test]
fn many_objects_are_told_of_one_by_one() {
    let keys: Vec<i64> = (0..5_000).collect();
    let linked = keys
        .iter()
        .map(|key| update(*key, "best", link((*key + 1) % 5_000)));
    let base = [people(&keys), linked.collect()].concat();
    let mut theirs: Vec<Instruction> = Vec::new();
    theirs.extend([0, 1_998, 3_999].map(erase_instruction));
    theirs.extend(people(&(10_000..12_500).collect::<Vec<i64>>()));
    theirs.extend((0..1_500).map(|key| update(key * 3 + 1, "age", Value::Int(key))));
    let scene = scene(&base, &theirs);
    let since = scene.local.version();
    let report = scene.discard();
    assert_eq!(model(&scene.local), model(&scene.fresh));
    let counts = (
        report.objects_created,
        report.objects_changed,
        report.objects_deleted,
    );
    assert_eq!(counts, (2_500, 1_500, 3));
    let told = told(&scene, since);
    assert_eq!((told.inserted.len(), told.deleted.len()), (2_500, 3));
    // And the three whose links died, of which none is among those whose age changed.
    assert_eq!(told.modified.len(), 1_503);
}

/// A file that nothing was ever written to takes the copy over whole.
#[test]
fn an_empty_file_becomes_the_copy() {
    let (_, fresh) = downloaded(7, FRESH_VERSION, &[schema(), people(&[1, 2])].concat());
    let storage = Arc::new(OrderedStorage::new());
    let scene = Scene {
        local: reopen(&storage),
        storage,
        fresh,
    };
    scene.recover_all();
    assert_eq!(model(&scene.local), model(&scene.fresh));
}
