//! The rules of the replay, one by one. (Lists have a file of their own.)

use super::common::*;
use super::scene::*;
use tidemark_changeset::{
    CollectionKind, Instruction, Link, PathElement, Payload, PrimaryKey, UpdateKind, Value,
};
use tidemark_model::Node;
use tidemark_store::sync::{DropReason, Dropped, ResetPolicy};

fn link_to(key: i64) -> Link {
    Link {
        class: "Person".into(),
        key: PrimaryKey::Int(key),
    }
}

fn missing(key: i64, became_null: bool) -> DropReason {
    let link = link_to(key);
    DropReason::LinkTargetMissing { link, became_null }
}

fn update_at(key: i64, field: &str, path: &[PathElement], value: Payload) -> Instruction {
    Instruction::Update {
        target: target(key, field, path),
        value,
        kind: UpdateKind::Property { is_default: false },
    }
}

fn part(key: i64) -> Instruction {
    update_at(key, "part", &[], Payload::Object)
}

fn path_key(name: &str) -> PathElement {
    PathElement::Key(name.into())
}

// --- objects
// -----------------------------------------------------------------------------------------------------

#[test]
fn create_makes_a_missing_object() {
    let scene = scene(&[], &people(&[1]));
    scene.write(|write| _ = create(write, 2));
    scene.recover_all();
    assert_eq!(scene.uploads(), people(&[2]));
}

#[test]
fn create_of_an_existing_object_says_nothing_and_keeps_its_fields() {
    let theirs = [create_instruction(1), update(1, "age", Value::Int(3))];
    let scene = scene(&[], &theirs);
    scene.write(|write| _ = create(write, 1));
    let report = scene.recover_all();
    assert_eq!(report.instructions_needless, 1);
    assert_eq!(scene.uploads(), []);
    assert_eq!(scene.field(1, AGE), int(3));
}

/// Links that the fresh state has on top are taken away, and that is recorded too.
#[test]
fn erase_nullifies_links() {
    let base = people(&[1, 2]);
    let theirs = [people(&[3]), vec![update(3, "best", link(1))]].concat();
    let scene = scene(&base, &theirs);
    scene.write(|write| write.erase(PERSON, 0).unwrap());
    scene.recover_all();
    assert_eq!(
        scene.uploads(),
        [update(3, "best", Value::Null), erase_instruction(1)]
    );
}

#[test]
fn erase_of_a_missing_object_is_ignored() {
    let scene = scene(&people(&[1]), &[erase_instruction(1)]);
    scene.write(|write| write.erase(PERSON, 0).unwrap());
    let report = scene.recover_all();
    assert_eq!(
        (report.instructions_needless, report.changesets_recovered),
        (1, 0)
    );
}

#[test]
fn what_happened_inside_a_missing_object_is_dropped() {
    let base = [people(&[1]), numbers(1, 0, &[7])].concat();
    let scene = scene(&base, &[erase_instruction(1)]);
    let version = scene.write(|write| {
        write.set(&at(0, AGE), false, &number(5)).unwrap();
        write.add_integer(&at(0, AGE), 1).unwrap();
        write.set_insert(&at(0, TAGS), &text("a")).unwrap();
        write.list_erase(&below(0, NUMBERS, &[visible(0)])).unwrap();
        write.clear(&at(0, TAGS)).unwrap();
    });
    let report = scene.recover();
    assert_eq!(report.dropped_count, 5);
    let wanted = Dropped {
        client_version: version,
        class: "Person".into(),
        key: PrimaryKey::Int(1),
        field: Some("numbers".into()),
        path: vec![PathElement::Index(0)],
        reason: DropReason::ObjectMissing,
    };
    assert_eq!(report.dropped[3], wanted);
    assert!(
        report
            .dropped
            .iter()
            .all(|dropped| dropped.reason == DropReason::ObjectMissing)
    );
}

// --- paths
// -------------------------------------------------------------------------------------------------------

#[test]
fn a_path_through_a_null_embedded_object_is_dropped() {
    let base = [people(&[1]), vec![part(1)]].concat();
    let scene = scene(&base, &[update(1, "part", Value::Null)]);
    scene.write(|write| {
        write
            .set(&below(0, PART_OF, &[key("weight")]), false, &number(5))
            .unwrap();
    });
    assert_eq!(scene.recover_dropping(), [DropReason::PathGone]);
    assert_eq!(scene.field(1, PART_OF), Node::NULL);
}

#[test]
fn a_path_through_a_missing_dictionary_key_is_dropped() {
    let inside = |payload| update_at(1, "anything", &[path_key("k")], payload);
    let base = [
        create_instruction(1),
        update_at(1, "anything", &[], Payload::Dictionary),
        inside(Payload::Dictionary),
    ];
    let scene = scene(&base, &[inside(Payload::Erased)]);
    let deep = below(0, ANYTHING, &[key("k"), key("x")]);
    scene.write(|write| write.set(&deep, false, &number(5)).unwrap());
    assert_eq!(scene.recover_dropping(), [DropReason::PathGone]);
}

#[test]
fn a_path_through_a_mixed_value_of_another_kind_is_dropped() {
    let base = [
        create_instruction(1),
        update_at(1, "anything", &[], Payload::Dictionary),
    ];
    for theirs in [Payload::List, Payload::Value(Value::Int(1))] {
        let scene = scene(&base, &[update_at(1, "anything", &[], theirs)]);
        scene.write(|write| {
            write
                .set(&below(0, ANYTHING, &[key("x")]), false, &number(5))
                .unwrap();
        });
        assert_eq!(scene.recover_dropping(), [DropReason::PathGone]);
    }
}

#[test]
fn a_list_inside_a_mixed_value_of_another_kind_is_dropped() {
    let base = [
        create_instruction(1),
        update_at(1, "anything", &[], Payload::List),
    ];
    let scene = scene(&base, &[update(1, "anything", Value::Int(1))]);
    scene.write(|write| {
        write
            .list_insert(&below(0, ANYTHING, &[visible(0)]), &number(5))
            .unwrap();
        write
            .set(&below(0, ANYTHING, &[visible(0)]), false, &number(6))
            .unwrap();
    });
    assert_eq!(
        scene.recover_dropping(),
        [DropReason::PathGone, DropReason::PathGone]
    );
    assert_eq!(scene.field(1, ANYTHING), int(1));
}

// --- assignments
// ------------------------------------------------------------------------------------------------

#[test]
fn an_assignment_wins_and_is_recorded_even_if_it_is_there() {
    let base = people(&[1]);
    let scene = scene(
        &base,
        &[
            update(1, "age", Value::Int(5)),
            update(1, "name", text("theirs")),
        ],
    );
    scene.write(|write| {
        write.set(&at(0, AGE), false, &number(5)).unwrap();
        write
            .set(&at(0, NAME), false, &payload(text("ours")))
            .unwrap();
    });
    scene.recover_all();
    assert_eq!(
        scene.uploads(),
        [
            update(1, "age", Value::Int(5)),
            update(1, "name", text("ours"))
        ]
    );
}

#[test]
fn a_link_to_a_missing_object_becomes_null_in_a_property() {
    let base = people(&[1, 2, 3]);
    let scene = scene(&base, &[update(1, "best", link(3)), erase_instruction(2)]);
    scene.write(|write| write.set(&at(0, BEST), false, &payload(link(2))).unwrap());
    assert_eq!(scene.recover_dropping(), [missing(2, true)]);
    assert_eq!(scene.uploads(), [update(1, "best", Value::Null)]);
}

#[test]
fn a_link_to_a_missing_object_becomes_null_in_a_dictionary() {
    let scene = scene(&people(&[1, 2]), &[erase_instruction(2)]);
    scene.write(|write| {
        write
            .set(&below(0, BY_ROLE, &[key("boss")]), false, &payload(link(2)))
            .unwrap();
    });
    assert_eq!(scene.recover_dropping(), [missing(2, true)]);
    let wanted = update_at(
        1,
        "byRole",
        &[path_key("boss")],
        Payload::Value(Value::Null),
    );
    assert_eq!(scene.uploads(), [wanted]);
}

#[test]
fn a_link_to_an_object_of_the_same_changeset_is_kept() {
    let scene = scene(&people(&[1]), &[]);
    scene.write(|write| {
        create(write, 2);
        write.set(&at(0, BEST), false, &payload(link(2))).unwrap();
    });
    scene.recover_all();
    assert_eq!(scene.field(1, BEST), Node::Value(link(2)));
}

#[test]
fn erasing_a_missing_dictionary_key_is_needless() {
    let score = |value| update_at(1, "scores", &[path_key("a")], value);
    let base = [create_instruction(1), score(number(1))];
    let scene = scene(&base, &[score(Payload::Erased)]);
    scene.write(|write| {
        write
            .set(&below(0, SCORES, &[key("a")]), false, &Payload::Erased)
            .unwrap();
    });
    let report = scene.recover_all();
    assert_eq!((report.instructions_needless, scene.uploads()), (1, vec![]));
}

#[test]
fn dictionary_keys_are_assigned_and_erased() {
    let score = |key: &str, value| update_at(1, "scores", &[path_key(key)], value);
    let base = [
        create_instruction(1),
        score("a", number(1)),
        score("b", number(2)),
    ];
    let scene = scene(&base, &[score("c", number(3))]);
    scene.write(|write| {
        write
            .set(&below(0, SCORES, &[key("a")]), false, &Payload::Erased)
            .unwrap();
        write
            .set(&below(0, SCORES, &[key("d")]), false, &number(4))
            .unwrap();
    });
    scene.recover_all();
    let entries = [("b", 2), ("c", 3), ("d", 4)];
    let entries = entries.map(|(key, value)| (key.into(), int(value)));
    assert_eq!(scene.field(1, SCORES), Node::Dictionary(entries.into()));
}

#[test]
fn a_new_embedded_object_takes_the_place_of_theirs() {
    let weight = |value| update_at(1, "part", &[path_key("weight")], number(value));
    let base = [people(&[1]), vec![part(1), weight(1)]].concat();
    let scene = scene(&base, &[weight(2)]);
    scene.write(|write| write.set(&at(0, PART_OF), false, &Payload::Object).unwrap());
    scene.recover_all();
    assert_eq!(scene.uploads(), [update(1, "part", Value::Null), part(1)]);
}

/// Somebody else made one too: both were made where nothing was, so theirs stays and ours is written into it.
#[test]
fn an_embedded_object_that_both_made_is_one() {
    let theirs = [
        part(1),
        update_at(1, "part", &[path_key("weight")], number(2)),
    ];
    let scene = scene(&people(&[1]), &theirs);
    scene.write(|write| {
        write.set(&at(0, PART_OF), false, &Payload::Object).unwrap();
        write
            .set(
                &below(0, PART_OF, &[key("owner")]),
                false,
                &payload(link(1)),
            )
            .unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.instructions_needless, 1);
    let fields = vec![int(2), Node::Value(link(1))];
    let wanted = Node::Object(tidemark_model::Document { fields });
    assert_eq!(scene.field(1, PART_OF), wanted);
}

#[test]
fn a_collection_that_is_there_keeps_its_content() {
    let inside = |key: &str, value| update_at(1, "anything", &[path_key(key)], number(value));
    let theirs = [
        update_at(1, "anything", &[], Payload::Dictionary),
        inside("a", 1),
    ];
    let scene = scene(&people(&[1]), &theirs);
    scene.write(|write| {
        write
            .set(&at(0, ANYTHING), false, &Payload::Dictionary)
            .unwrap();
        write
            .set(&below(0, ANYTHING, &[key("b")]), false, &number(2))
            .unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.instructions_needless, 1);
    assert_eq!(scene.uploads(), [inside("b", 2)]);
}

#[test]
fn a_list_that_is_there_keeps_its_content() {
    let any = || target(1, "anything", &[PathElement::Index(0)]);
    let theirs = [
        update_at(1, "anything", &[], Payload::List),
        insert_at(any(), number(1), 0),
    ];
    let scene = scene(&people(&[1]), &theirs);
    scene.write(|write| {
        write.set(&at(0, ANYTHING), false, &Payload::List).unwrap();
        let first = below(0, ANYTHING, &[visible(0)]);
        write.list_insert(&first, &number(2)).unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.instructions_needless, 1);
    assert_eq!(scene.uploads(), [insert_at(any(), number(2), 1)]);
}

/// A default would have lost against their value in any merge.
#[test]
fn a_default_does_not_overwrite_an_existing_object() {
    let theirs = [create_instruction(1), update(1, "age", Value::Int(3))];
    let scene = scene(&[], &theirs);
    scene.write(|write| {
        let ours = create(write, 1);
        write.set(&at(ours, AGE), true, &number(18)).unwrap();
        let other = create(write, 2);
        write.set(&at(other, AGE), true, &number(18)).unwrap();
    });
    assert_eq!(scene.recover_dropping(), [DropReason::DefaultOvertaken]);
    assert_eq!(
        (scene.field(1, AGE), scene.field(2, AGE)),
        (int(3), int(18))
    );
    let kinds = scene
        .uploads()
        .into_iter()
        .filter_map(|instruction| match instruction {
            Instruction::Update { kind, .. } => Some(kind),
            _ => None,
        });
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [UpdateKind::Property { is_default: true }]
    );
}

// --- numbers
// ----------------------------------------------------------------------------------------------------

#[test]
fn adding_goes_on_top_of_their_value() {
    let base = [create_instruction(1), update(1, "age", Value::Int(1))];
    let scene = scene(&base, &[update(1, "age", Value::Int(10))]);
    scene.write(|write| write.add_integer(&at(0, AGE), 2).unwrap());
    scene.recover_all();
    assert_eq!(scene.field(1, AGE), int(12));
}

#[test]
fn adding_to_null_or_to_something_else_is_dropped() {
    let base = [
        create_instruction(1),
        update(1, "age", Value::Int(1)),
        update(1, "anything", Value::Int(1)),
    ];
    let theirs = [
        update(1, "age", Value::Null),
        update(1, "anything", text("a")),
    ];
    let scene = scene(&base, &theirs);
    scene.write(|write| {
        write.add_integer(&at(0, AGE), 2).unwrap();
        write.add_integer(&at(0, ANYTHING), 2).unwrap();
    });
    assert_eq!(
        scene.recover_dropping(),
        [DropReason::NotAnInteger, DropReason::NotAnInteger]
    );
}

// --- sets and clearing
// ------------------------------------------------------------------------------------------

#[test]
fn set_elements_come_and_go_where_membership_changes() {
    let tag = |value: &str| Instruction::SetInsert {
        target: target(1, "tags", &[]),
        value: payload(text(value)),
    };
    let untag = |value: &str| Instruction::SetErase {
        target: target(1, "tags", &[]),
        value: payload(text(value)),
    };
    let base = [create_instruction(1), tag("a"), tag("b")];
    let scene = scene(&base, &[untag("a"), tag("c")]);
    scene.write(|write| {
        for value in ["c", "d"] {
            write.set_insert(&at(0, TAGS), &text(value)).unwrap();
        }
        for value in ["a", "b"] {
            write.set_erase(&at(0, TAGS), &text(value)).unwrap();
        }
    });
    let report = scene.recover_all();
    assert_eq!(report.instructions_needless, 2);
    assert_eq!(scene.uploads(), [tag("d"), untag("b")]);
}

#[test]
fn a_set_does_not_take_a_link_to_a_missing_object() {
    let scene = scene(&people(&[1, 2]), &[erase_instruction(2)]);
    scene.write(|write| write.set_insert(&at(0, KNOWN), &link(2)).unwrap());
    assert_eq!(scene.recover_dropping(), [missing(2, false)]);
    assert_eq!(scene.uploads(), []);
}

#[test]
fn clear_takes_their_elements_too() {
    let tag = |value: &str| Instruction::SetInsert {
        target: target(1, "tags", &[]),
        value: payload(text(value)),
    };
    let score = |key: &str| update_at(1, "scores", &[path_key(key)], number(1));
    let base = [create_instruction(1), tag("a"), score("a")];
    let scene = scene(&base, &[tag("b"), score("b")]);
    scene.write(|write| {
        write.clear(&at(0, TAGS)).unwrap();
        write.clear(&at(0, SCORES)).unwrap();
    });
    scene.recover_all();
    assert_eq!(scene.field(1, TAGS), Node::Set(vec![]));
    assert_eq!(scene.field(1, SCORES), Node::Dictionary([].into()));
}

#[test]
fn clear_of_an_empty_collection_says_nothing() {
    let base = [people(&[1]), numbers(1, 0, &[1])].concat();
    let empty = Instruction::Clear {
        target: target(1, "numbers", &[]),
        collection: CollectionKind::List,
    };
    let scene = scene(&base, &[empty]);
    scene.write(|write| write.clear(&at(0, NUMBERS)).unwrap());
    let report = scene.recover_all();
    assert_eq!((report.instructions_needless, scene.uploads()), (1, vec![]));
}

#[test]
fn clear_under_a_missing_key_makes_the_collection_first() {
    let inside = |payload| update_at(1, "anything", &[path_key("k")], payload);
    let base = [
        create_instruction(1),
        update_at(1, "anything", &[], Payload::Dictionary),
        inside(Payload::List),
    ];
    let scene = scene(&base, &[inside(Payload::Erased)]);
    scene.write(|write| write.clear(&below(0, ANYTHING, &[key("k")])).unwrap());
    scene.recover_all();
    let clear = Instruction::Clear {
        target: target(1, "anything", &[path_key("k")]),
        collection: CollectionKind::List,
    };
    assert_eq!(scene.uploads(), [inside(Payload::List), clear]);
}

#[test]
fn clear_of_a_mixed_value_makes_it_a_collection() {
    let base = [
        create_instruction(1),
        update_at(1, "anything", &[], Payload::Dictionary),
    ];
    let scene = scene(&base, &[update(1, "anything", Value::Int(1))]);
    scene.write(|write| write.clear(&at(0, ANYTHING)).unwrap());
    scene.recover_all();
    assert_eq!(scene.field(1, ANYTHING), Node::Dictionary([].into()));
}

// --- asymmetric classes
// -----------------------------------------------------------------------------------------

/// Objects of asymmetric classes are nowhere but in the changesets that make them.
#[test]
fn asymmetric_objects_survive() {
    let event = |key| Instruction::CreateObject {
        class: "Event".into(),
        key: PrimaryKey::Int(key),
    };
    let scene = scene(&[], &people(&[1]));
    for key in [1, 2, 1] {
        scene.write(|write| {
            let (object, _) = write.create(EVENT, &PrimaryKey::Int(key), false).unwrap();
            let text_of = tidemark_store::Location {
                class: EVENT,
                ..at(object, 0)
            };
            write
                .set(&text_of, false, &payload(text("happened")))
                .unwrap();
        });
    }
    let report = scene.try_reset(ResetPolicy::Recover).unwrap();
    assert_eq!((report.dropped_count, report.changesets_recovered), (0, 3));
    let uploads = emitted(&scene.local);
    for ((_, instructions), key) in uploads.iter().zip([1, 2, 1]) {
        assert_eq!((instructions.len(), &instructions[0]), (2, &event(key)));
    }
    let snapshot = scene.local.read().unwrap();
    assert_eq!(snapshot.view().count(EVENT).unwrap(), 0);
    assert_eq!(model(&scene.local), model(&scene.fresh));
}
