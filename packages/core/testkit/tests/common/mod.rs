//! Whether everything in a client file agrees: objects, index, counters, backlinks, what listeners are told.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_changeset::{Link, Value};
use tidemark_model::Node;
use tidemark_model::memory::Database as Model;
use tidemark_query::{LinkView, Objects};
use tidemark_storage::Storage;
use tidemark_store::{Changes, Database, Snapshot};
use tidemark_testkit::models::canonical;

/// Rows by class and object.
pub type Rows = BTreeMap<(String, u64), Vec<u8>>;

pub fn export<S: Storage>(snapshot: &Snapshot<S>) -> Model {
    snapshot.view().export().expect("it can be read")
}

pub fn rows<S: Storage>(database: &Database<S>) -> Rows {
    let snapshot = database.read().expect("it can be read");
    let mut rows = Rows::new();
    for (position, class) in snapshot.catalog().classes().enumerate() {
        let objects = snapshot.view().objects(position);
        for entry in objects.expect("the class is there") {
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

/// Objects, index, counters and backlinks are what the model says.
pub fn compare<S: Storage>(database: &Database<S>, model: &Model, context: &str) {
    let snapshot = database.read().expect("it can be read");
    let view = snapshot.view();
    let (mut found, mut wanted) = (export(&snapshot), model.clone());
    canonical(&mut found);
    canonical(&mut wanted);
    assert_eq!(found.schema, wanted.schema, "{context}: schema");
    for (class, objects) in &wanted.objects {
        for (key, wanted) in objects {
            let found = found.get(class, key);
            assert_eq!(found, Some(wanted), "{context}: {class} {key:?}");
        }
    }
    assert_eq!(found, wanted, "{context}");
    for (position, class) in snapshot.catalog().classes().enumerate() {
        let objects = wanted.objects.get(&class.name);
        let count = objects.map_or(0, |objects| objects.len() as u64);
        let found = view.count(position).expect("counted");
        assert_eq!(found, count, "{context}: {}", class.name);
        for key in objects.into_iter().flat_map(BTreeMap::keys) {
            let object = view.find(position, key).expect("found");
            assert!(object.is_some(), "{context}: {key:?}");
        }
    }
    for (link, count) in link_counts(&wanted) {
        let found = view.backlink_count(LinkView::from(&link)).expect("counted");
        assert_eq!(found, count, "{context}: links to {link:?}");
    }
}

/// What listeners are told covers what has changed, and exactly which objects came and went. Where rows
/// gained the defaults of new columns, they may differ without being told of.
pub fn compare_changes(
    changes: &Changes,
    before: &Rows,
    after: &Rows,
    gained_columns: bool,
    context: &str,
) {
    assert!(changes.complete, "{context}");
    let mut told = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for (name, class) in &changes.classes {
        let named = |object: &u64| (name.to_string(), *object);
        told[0].extend(class.inserted.iter().map(named));
        told[1].extend(class.deleted.iter().map(named));
        told[2].extend(class.modified.keys().map(named));
    }
    let keys = |rows: &Rows| rows.keys().cloned().collect::<BTreeSet<_>>();
    let (old, new) = (keys(before), keys(after));
    assert_eq!(told[0], &new - &old, "{context}: inserted");
    assert_eq!(told[1], &old - &new, "{context}: deleted");
    for object in old.intersection(&new) {
        let differs = before[object] != after[object] && !gained_columns;
        assert!(
            !differs || told[2].contains(object),
            "{context}: {object:?} changed unseen"
        );
    }
    assert!(told[2].is_subset(&new), "{context}: modified");
}
