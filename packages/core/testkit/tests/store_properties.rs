//! The store against the model in memory, over random instructions, commits, aborts and reopenings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidemark_changeset::{Link, Value};
use tidemark_model::Node;
use tidemark_model::memory::Database as Model;
use tidemark_query::{LinkView, Objects};
use tidemark_storage::{FileStorage, OrderedStorage, Storage};
use tidemark_store::{CLIENT_FORMAT, Changes, Database, DatabaseOptions, Snapshot};
use tidemark_testkit::dice::Dice;
use tidemark_testkit::generators;

type Rows = BTreeMap<(String, u64), Vec<u8>>;

fn open<S: Storage>(storage: &Arc<S>) -> Database<Arc<S>> {
    Database::open(Arc::clone(storage), DatabaseOptions::default()).expect("it opens")
}

fn export<S: Storage>(snapshot: &Snapshot<S>) -> Model {
    snapshot.view().export().expect("it can be read")
}

fn rows<S: Storage>(snapshot: &Snapshot<S>) -> Rows {
    let mut rows = Rows::new();
    for (position, class) in snapshot.catalog().classes().enumerate() {
        for entry in snapshot
            .view()
            .objects(position)
            .expect("the class is there")
        {
            let (object, row) = entry.expect("it can be read");
            rows.insert((class.name.to_string(), object), row.to_vec());
        }
    }
    rows
}

/// How often each target is linked to, links inside embedded objects apart.
fn link_counts(model: &Model) -> BTreeMap<Link, u64> {
    fn count(node: &Node, counts: &mut BTreeMap<Link, u64>) {
        match node {
            Node::Value(Value::Link(link)) => *counts.entry((**link).clone()).or_default() += 1,
            Node::Value(_) | Node::Object(_) => {}
            Node::Set(elements) => {
                for element in elements {
                    count(&Node::Value(element.clone()), counts);
                }
            }
            Node::List(elements) => elements.iter().for_each(|element| count(element, counts)),
            Node::Dictionary(entries) => entries.values().for_each(|entry| count(entry, counts)),
        }
    }
    let mut counts = BTreeMap::new();
    let documents = model.objects.values().flat_map(BTreeMap::values);
    documents
        .flat_map(|document| &document.fields)
        .for_each(|field| count(field, &mut counts));
    counts
}

/// Objects, keys, counts and backlinks must be what the model says.
fn compare<S: Storage>(database: &Database<S>, model: &Model, context: &str) {
    let snapshot = database.read().expect("it can be read");
    let view = snapshot.view();
    let mut wanted = model.clone();
    wanted.fill();
    let mut found = export(&snapshot);
    found.fill();
    assert_eq!(found, wanted, "{context}");
    for (position, class) in snapshot.catalog().classes().enumerate() {
        let objects = model.objects.get(&class.name);
        let count = objects.map_or(0, |objects| objects.len() as u64);
        assert_eq!(
            view.count(position).expect("counted"),
            count,
            "{context}: {}",
            class.name
        );
        for key in objects.into_iter().flat_map(BTreeMap::keys) {
            assert!(
                view.find(position, key).expect("found").is_some(),
                "{context}: {key:?}"
            );
        }
    }
    for (link, count) in link_counts(model) {
        let found = view.backlink_count(LinkView::from(&link)).expect("counted");
        assert_eq!(found, count, "{context}: links to {link:?}");
    }
}

/// What the log says must cover what has changed, and exactly which objects came and went.
fn compare_changes(changes: &Changes, before: &Rows, after: &Rows, context: &str) {
    assert!(changes.complete, "{context}");
    let mut inserted = BTreeSet::new();
    let mut deleted = BTreeSet::new();
    let mut modified = BTreeSet::new();
    for (name, class) in &changes.classes {
        let named = |object: &u64| (name.to_string(), *object);
        inserted.extend(class.inserted.iter().map(named));
        deleted.extend(class.deleted.iter().map(named));
        modified.extend(class.modified.keys().map(named));
    }
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (
        before.keys().cloned().collect(),
        after.keys().cloned().collect(),
    );
    assert_eq!(
        inserted,
        new.difference(&old).cloned().collect(),
        "{context}: inserted"
    );
    assert_eq!(
        deleted,
        old.difference(&new).cloned().collect(),
        "{context}: deleted"
    );
    for object in old.intersection(&new) {
        // Rows gain defaults of new columns without being changed.
        let differs = before[object] != after[object] && !changes.schema;
        assert!(
            !differs || modified.contains(object),
            "{context}: {object:?} changed unseen"
        );
    }
    assert!(modified.is_subset(&new), "{context}: modified");
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
    let mut since = (
        database.version(),
        rows(&database.read().expect("readable")),
    );
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
        let now = rows(&database.read().expect("readable"));
        compare_changes(&database.changes_since(since.0), &since.1, &now, &context);
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
