//! Histories speak of the whole data model: every type in every kind of property, and every kind of class.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use tidemark_changeset::Name;
use tidemark_testkit::said::{COLLECTIONS, TYPES};
use tidemark_testkit::simulation::layout::ClassUse;
use tidemark_testkit::simulation::{self, Coverage, Faults, generate};

#[test]
fn histories_come_by_every_type_in_every_kind_of_property() {
    let mut columns = BTreeSet::new();
    let mut embedded = BTreeSet::new();
    let mut classes = BTreeSet::new();
    for seed in 0..300 {
        let layout = generate::script(seed, 5).layout;
        for class in &layout.classes {
            classes.insert(format!("{:?}", class.class_use));
            for column in &class.columns {
                let spec = &column.spec;
                columns.insert(format!("{:?} {:?}", spec.collection, spec.column_type));
                let target = layout
                    .classes
                    .iter()
                    .find(|class| spec.target == Some(Name::from(class.name.as_str())));
                if target.is_some_and(|class| class.class_use == ClassUse::Embedded) {
                    embedded.insert(format!("{:?}", spec.collection));
                }
            }
        }
    }
    for collection in COLLECTIONS {
        for column_type in TYPES {
            let wanted = format!("{collection:?} {column_type:?}");
            assert!(columns.contains(&wanted), "no history has {wanted}");
        }
    }
    for collection in ["Single", "List", "Dictionary"] {
        assert!(
            embedded.contains(collection),
            "no history has embedded objects in {collection}"
        );
    }
    // Two kinds without keys, and four types of keys, each with and without null where that may be.
    assert!(classes.contains("Asymmetric") && classes.contains("Embedded"));
    for key in ["Int", "String", "ObjectId", "Uuid"] {
        for nullable in [true, false] {
            let wanted = format!("Top {{ key_type: {key}, nullable: {nullable} }}");
            assert!(classes.contains(&wanted), "no history has {wanted}");
        }
    }
}

/// What histories have to say of the data model is missing where none was played.
#[test]
fn what_no_history_says_is_missing() {
    let empty = Coverage::default().missing();
    for words in [
        "instruction SetInsert Double Set Double?",
        "instruction another double NaN in Set",
        "instruction decimal of 34 digits in Dictionary",
        "instruction AddInteger  Single Mixed?",
    ] {
        assert!(empty.iter().any(|missing| missing == words), "{words}");
    }
    let mut coverage = Coverage::default();
    for seed in [2, 4] {
        coverage.add(&simulation::run(&generate::script(seed, 100), Faults::NONE, false).coverage);
    }
    assert!(!coverage.said.is_empty());
    assert!(coverage.missing().len() < empty.len());
}
