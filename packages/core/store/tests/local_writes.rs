//! What local mutations do and emit, beyond the recorded cases.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, Name, PathElement, Payload, PrimaryKey,
    Target, Text, UpdateKind, Value,
};
use tidemark_model::Node;
use tidemark_store::boundary::{self, schema_text, update_schema};
use tidemark_store::{Location, Step, StoreError};

#[test]
fn schemas_are_emitted_class_by_class() {
    let (_storage, database) = database();
    let upload = database.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
    assert_eq!(upload.entries, 1);
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
    let emitted = tidemark_changeset::codec::decode(entries[0].changeset)
        .unwrap()
        .instructions;
    let names: Vec<String> = emitted
        .iter()
        .map(|instruction| match instruction {
            Instruction::AddTable { class, .. } => format!("+{class}"),
            Instruction::AddColumn { class, field, .. } => format!("{class}.{field}"),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "+Event",
        "+Part",
        "+Person",
        "Event.text",
        "Part.weight",
        "Part.owner",
        "Person.name",
        "Person.age",
        "Person.friends",
        "Person.best",
        "Person.known",
        "Person.byRole",
        "Person.anything",
        "Person.part",
        "Person.parts",
        "Person.tags",
    ];
    assert_eq!(names, expected);
    // The same again changes and emits nothing.
    let (_, emitted) = write(&database, 2, |write| update_schema(write, SCHEMA).unwrap());
    assert_eq!(emitted, []);
    let text = schema_text(database.read().unwrap().catalog());
    assert!(
        text.starts_with("{\"version\":1,\"classes\":[{\"name\":\"Event\",\"kind\":\"asymmetric\"")
    );
}

#[test]
fn another_type_is_refused() {
    let (_storage, database) = database();
    for schema in [
        r#"[{"name":"Person","kind":"top",
            "primaryKey":{"name":"_id","type":"string","nullable":false},"columns":[]}]"#,
        r#"[{"name":"Part","kind":"top",
            "primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[]}]"#,
        r#"[{"name":"Part","kind":"embedded",
            "columns":[{"name":"weight","type":"string","nullable":false}]}]"#,
        r#"[{"name":"Part","kind":"embedded",
            "columns":[{"name":"weight","type":"int","nullable":true}]}]"#,
        r#"[{"name":"Part","kind":"embedded",
            "columns":[{"name":"other","type":"link","target":"Nowhere"}]}]"#,
    ] {
        let mut write = database.begin_write().unwrap();
        let refused = update_schema(&mut write, schema);
        assert!(
            matches!(refused, Err(StoreError::SchemaMismatch(_))),
            "{schema}: {refused:?}"
        );
    }
}

#[test]
fn aborting_leaves_nothing() {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        create(write, 1);
    });
    let before = database.read().unwrap().view().export().unwrap();
    let mut aborted = database.begin_write().unwrap();
    let object = create(&mut aborted, 2);
    aborted
        .set(
            &at(object, NAME),
            false,
            &payload(Value::String("x".into())),
        )
        .unwrap();
    aborted.erase(PERSON, 0).unwrap();
    update_schema(
        &mut aborted,
        r#"[{"name":"New","kind":"embedded","columns":[]}]"#,
    )
    .unwrap();
    assert_eq!(aborted.view().unwrap().count(PERSON).unwrap(), 1);
    drop(aborted);
    assert_eq!(database.read().unwrap().view().export().unwrap(), before);
    assert_eq!(database.version(), 3);
    // A key that an aborted write gave out is given out again: nobody has seen it.
    let (_, emitted) = write(&database, 3, |write| assert_eq!(create(write, 3), object));
    assert_eq!(emitted, [create_instruction(3)]);
}

#[test]
fn deleting_takes_links_away_first() {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        for key in 1..=3 {
            create(write, key);
        }
        let object = 0;
        for (column, step) in [(FRIENDS, 0), (FRIENDS, 1), (FRIENDS, 2)] {
            let target = if step == 1 { 3 } else { 2 };
            let place = below(object, column, &[Step::Visible(step)]);
            write.list_insert(&place, &payload(link(target))).unwrap();
        }
        write
            .set(&at(object, BEST), false, &payload(link(2)))
            .unwrap();
        write.set_insert(&at(object, KNOWN), &link(2)).unwrap();
        let role = Step::Key(Name::from("chef"));
        write
            .set(&below(object, BY_ROLE, &[role]), false, &payload(link(2)))
            .unwrap();
        write
            .set(&at(object, ANYTHING), false, &Payload::List)
            .unwrap();
        let element = below(object, ANYTHING, &[Step::Visible(0)]);
        write.list_insert(&element, &payload(link(2))).unwrap();
        write
            .set(&at(object, PART_OF), false, &Payload::Object)
            .unwrap();
        let owner = below(object, PART_OF, &[Step::Key(Name::from("owner"))]);
        write.set(&owner, false, &payload(link(2))).unwrap();
    });
    let (_, emitted) = write(&database, 3, |write| write.erase(PERSON, 1).unwrap());
    let null = |field: &str, path: &[PathElement], kind| Instruction::Update {
        target: target(1, field, path),
        value: Payload::Value(Value::Null),
        kind,
    };
    let property = UpdateKind::Property { is_default: false };
    let key = |name: &str| PathElement::Key(Name::from(name));
    let erase = |index, prior_size| Instruction::ArrayErase {
        target: target(1, "friends", &[PathElement::Index(index)]),
        prior_size,
    };
    let expected = [
        erase(0, 3),
        erase(1, 2),
        null("best", &[], property),
        Instruction::SetErase {
            target: target(1, "known", &[]),
            value: payload(link(2)),
        },
        null("byRole", &[key("chef")], property),
        null(
            "anything",
            &[PathElement::Index(0)],
            UpdateKind::Element { prior_size: 1 },
        ),
        null("part", &[key("owner")], property),
        erase_instruction(2),
    ];
    assert_eq!(emitted, expected);
    assert_eq!(
        field(&database, 1, FRIENDS),
        Some(Node::List(vec![Node::Value(link(3))]))
    );
    assert_eq!(field(&database, 2, NAME), None);
}

/// 1 is a friend of 2, 3 and 4; then a download erases 2, whose slot stays.
fn with_a_hidden_slot(database: &tidemark_store::Database<Memory>) {
    write(database, 2, |write| {
        for key in 1..=4 {
            create(write, key);
        }
        for (index, key) in (0..).zip([2, 3, 4]) {
            let place = below(0, FRIENDS, &[Step::Visible(index)]);
            write.list_insert(&place, &payload(link(key))).unwrap();
        }
    });
    let erased = body(&[(5, 3, &[erase_instruction(2)])]);
    integrate(database, progress(5, 3), &erased).unwrap();
}

fn friend(at: u32) -> Target {
    target(1, "friends", &[PathElement::Index(at)])
}

#[test]
fn a_target_that_goes_changes_what_links_to_it() {
    let (_storage, database) = database();
    with_a_hidden_slot(&database);
    let changed = database.changes_since(3);
    let people = &changed.classes[&Name::from("Person")];
    assert_eq!(people.deleted.iter().collect::<Vec<_>>(), [&1]);
    assert_eq!(
        people.modified.keys().collect::<Vec<_>>(),
        [&0],
        "the list looks shorter"
    );
}

/// Among values of any type a link to what does not exist reads as null, and its slot is seen.
#[test]
fn slots_of_absent_targets_are_seen_among_mixed_values() {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        create(write, 1);
        create(write, 2);
        write.set(&at(0, ANYTHING), false, &Payload::List).unwrap();
        for (index, key) in (0..).zip([2, 1]) {
            let place = below(0, ANYTHING, &[Step::Visible(index)]);
            write.list_insert(&place, &payload(link(key))).unwrap();
        }
    });
    integrate(
        &database,
        progress(5, 3),
        &body(&[(5, 3, &[erase_instruction(2)])]),
    )
    .unwrap();
    let (_, emitted) = write(&database, 4, |write| {
        write
            .list_erase(&below(0, ANYTHING, &[Step::Visible(1)]))
            .unwrap();
    });
    assert_eq!(
        emitted,
        [Instruction::ArrayErase {
            target: target(1, "anything", &[PathElement::Index(1)]),
            prior_size: 2,
        }]
    );
}

/// The application does not see the slots of absent targets, instructions count them.
#[test]
fn hidden_slots_count_for_instructions_only() {
    let (_storage, database) = database();
    with_a_hidden_slot(&database);
    let place = |visible: u32| below(0, FRIENDS, &[Step::Visible(visible)]);
    let (_, emitted) = write(&database, 4, |write| {
        // Visible: 3, 4. Real: (2), 3, 4.
        write.list_move(&place(1), 0).unwrap();
        write.list_erase(&place(1)).unwrap();
        write.list_insert(&place(1), &payload(link(1))).unwrap();
        write.list_insert(&place(0), &payload(link(1))).unwrap();
    });
    let insert = |at, prior_size| {
        let (target, value) = (friend(at), payload(link(1)));
        Instruction::ArrayInsert {
            target,
            value,
            prior_size,
        }
    };
    let expected = [
        Instruction::ArrayMove {
            target: friend(2),
            to: 1,
            prior_size: 3,
        },
        Instruction::ArrayErase {
            target: friend(2),
            prior_size: 3,
        },
        insert(2, 2),
        insert(1, 3),
    ];
    assert_eq!(emitted, expected);
    // The object comes back, and its slot with it.
    let created = body(&[(6, 3, &[create_instruction(2)])]);
    integrate(&database, progress(6, 3), &created).unwrap();
    let (_, emitted) = write(&database, 5, |write| {
        write.list_erase(&place(0)).unwrap();
    });
    assert_eq!(
        emitted,
        [Instruction::ArrayErase {
            target: friend(0),
            prior_size: 4
        }]
    );
}

#[test]
fn nothing_is_said_where_nothing_happens() {
    let (_storage, database) = database();
    let tag = Value::String(Text::from("x"));
    write(&database, 2, |write| {
        create(write, 1);
        write.set_insert(&at(0, TAGS), &tag).unwrap();
    });
    let (version, emitted) = write(&database, 3, |write| {
        assert_eq!(
            write.create(PERSON, &PrimaryKey::Int(1), true).unwrap(),
            (0, false)
        );
        write.set_insert(&at(0, TAGS), &tag).unwrap();
        write
            .set_erase(&at(0, TAGS), &Value::String(Text::from("y")))
            .unwrap();
        write
            .set(&at(0, BEST), true, &payload(Value::Null))
            .unwrap();
        write
            .set(&at(0, PART_OF), true, &payload(Value::Null))
            .unwrap_or(());
        write.clear(&at(0, FRIENDS)).unwrap();
        let role = Step::Key(Name::from("nobody"));
        write
            .set(&below(0, BY_ROLE, &[role]), false, &Payload::Erased)
            .unwrap();
    });
    assert_eq!(emitted, []);
    assert_eq!(version, 4, "an empty write is a version all the same");
}

#[test]
fn embedded_objects_are_replaced_not_merged() {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        create(write, 1);
        write.set(&at(0, PART_OF), false, &Payload::Object).unwrap();
        write
            .list_insert(&below(0, PARTS, &[Step::Visible(0)]), &Payload::Object)
            .unwrap();
    });
    let (_, emitted) = write(&database, 3, |write| {
        write.set(&at(0, PART_OF), false, &Payload::Object).unwrap();
        write
            .set(
                &below(0, PARTS, &[Step::Visible(0)]),
                false,
                &Payload::Object,
            )
            .unwrap();
    });
    let kind = UpdateKind::Property { is_default: false };
    let place = target(1, "parts", &[PathElement::Index(0)]);
    let expected = [
        update(1, "part", Value::Null),
        Instruction::Update {
            target: target(1, "part", &[]),
            value: Payload::Object,
            kind,
        },
        Instruction::ArrayErase {
            target: place.clone(),
            prior_size: 1,
        },
        Instruction::ArrayInsert {
            target: place,
            value: Payload::Object,
            prior_size: 0,
        },
    ];
    assert_eq!(emitted, expected);
}

#[test]
fn asymmetric_objects_are_only_sent() {
    let (_storage, database) = database();
    let before = database.version();
    let (_, emitted) = write(&database, 2, |write| {
        let (object, _) = write.create(EVENT, &PrimaryKey::Int(5), false).unwrap();
        let place = tidemark_store::Location {
            class: EVENT,
            object,
            column: 0,
            steps: Vec::new(),
        };
        write
            .set(&place, false, &payload(Value::String("hello".into())))
            .unwrap();
    });
    assert_eq!(emitted.len(), 2);
    assert_eq!(database.read().unwrap().view().count(EVENT).unwrap(), 0);
    assert!(database.changes_since(before).classes.is_empty());
}

#[test]
fn impossible_mutations_are_refused() {
    let (_storage, database) = database();
    let mut write = database.begin_write().unwrap();
    create(&mut write, 1);
    assert!(matches!(
        write.create(PERSON, &PrimaryKey::Int(1), false),
        Err(StoreError::ObjectExists(_))
    ));
    assert!(write.create(PERSON, &PrimaryKey::Null, false).is_err());
    assert!(write.create(PART, &PrimaryKey::Int(1), false).is_err());
    assert!(write.create(77, &PrimaryKey::Int(1), false).is_err());
    assert!(
        write
            .set(&at(0, NAME), false, &payload(Value::Int(1)))
            .is_err()
    );
    assert!(
        write
            .set(&at(0, NAME), false, &payload(Value::Null))
            .is_err()
    );
    assert!(write.set(&at(0, 99), false, &payload(Value::Null)).is_err());
    assert!(
        write
            .set(&at(9, NAME), false, &payload(Value::String("x".into())))
            .is_err()
    );
    assert!(
        write.set(&at(0, BEST), false, &payload(link(2))).is_err(),
        "no such object"
    );
    assert!(
        write
            .list_insert(&below(0, FRIENDS, &[Step::Visible(1)]), &payload(link(1)))
            .is_err()
    );
    assert!(
        write
            .list_erase(&below(0, FRIENDS, &[Step::Visible(0)]))
            .is_err()
    );
    assert!(write.list_move(&at(0, FRIENDS), 0).is_err());
    assert!(write.add_integer(&at(0, NAME), 1).is_err());
    assert!(write.clear(&at(0, NAME)).is_err());
    for batch in [&[9_u8][..], &[1, 0], &[255], &[3, 2, 0]] {
        assert!(
            matches!(
                boundary::mutate(&mut write, batch),
                Err(StoreError::MalformedArgument(_))
            ),
            "{batch:?}"
        );
    }
    // The refused ones left nothing behind.
    assert_eq!(database.commit(write, 2).unwrap(), 3);
    assert_eq!(
        field(&database, 1, NAME),
        Some(Node::Value(Value::String("".into())))
    );
}

#[test]
fn columns_and_classes_can_go() {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        for key in 1..=2 {
            create(write, key);
        }
        write.set(&at(0, BEST), false, &payload(link(2))).unwrap();
        write
            .set(&at(0, AGE), false, &payload(Value::Int(7)))
            .unwrap();
        write
            .list_insert(&below(0, FRIENDS, &[Step::Visible(0)]), &payload(link(2)))
            .unwrap();
    });
    let erase = |field: &str| Instruction::EraseColumn {
        class: "Person".into(),
        field: field.into(),
    };
    let (_, emitted) = write(&database, 3, |write| {
        write.change_schema(&erase("name")).unwrap();
    });
    assert_eq!(emitted, [erase("name")]);
    assert_eq!(
        field(&database, 1, AGE - 1),
        Some(Node::Value(Value::Int(7)))
    );
    // Backlinks follow their columns.
    let (_, emitted) = write(&database, 4, |write| write.erase(PERSON, 1).unwrap());
    assert_eq!(emitted.len(), 3);
    assert!(database.changes_since(3).schema);
    let erase_class = Instruction::EraseTable {
        class: "Event".into(),
    };
    let (_, emitted) = write(&database, 5, |write| {
        write.change_schema(&erase_class).unwrap();
    });
    assert_eq!(emitted, [erase_class]);
    assert_eq!(database.read().unwrap().catalog().classes().count(), 2);
    let mut refused = database.begin_write().unwrap();
    assert!(
        refused
            .change_schema(&Instruction::EraseTable {
                class: "Part".into()
            })
            .is_err()
    );
}

#[test]
fn a_column_may_be_used_in_the_write_that_adds_it() {
    let (_storage, database) = database();
    write(&database, 10, |write| {
        let object = create(write, 1);
        write
            .set(&at(object, PART_OF), false, &Payload::Object)
            .unwrap();
    });
    let (_, emitted) = write(&database, 11, |write| {
        write
            .set(&at(0, AGE), false, &payload(Value::Int(1)))
            .unwrap();
        let column = |class: &str| Instruction::AddColumn {
            class: class.into(),
            field: "marks".into(),
            spec: ColumnSpec::new(ColumnType::Int, false, CollectionKind::List, None),
        };
        write.change_schema(&column("Person")).unwrap();
        write.change_schema(&column("Part")).unwrap();
        let marks = Step::Key("marks".into());
        let first = |place: Location| Location {
            steps: [place.steps, vec![Step::Visible(0)]].concat(),
            ..place
        };
        for place in [at(0, TAGS + 1), below(0, PART_OF, &[marks])] {
            write
                .list_insert(&first(place), &payload(Value::Int(5)))
                .unwrap();
        }
    });
    assert_eq!(emitted.len(), 5);
}
