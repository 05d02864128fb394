//! Lists: merged as long as only what the replay itself inserted is touched, taken over otherwise.

use super::common::*;
use super::scene::*;
use tidemark_changeset::{
    CollectionKind, Instruction, Link, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};
use tidemark_model::{Document, Node};
use tidemark_store::sync::DropReason;
use tidemark_store::{Location, Step};

fn element(index: u32) -> Location {
    below(0, NUMBERS, &[visible(index)])
}

/// Here and there the numbers 1, 2, 3; there 10 before and 30 behind them.
fn three_numbers() -> Scene {
    let base = [people(&[1]), numbers(1, 0, &[1, 2, 3])].concat();
    let first = insert_at(
        target(1, "numbers", &[PathElement::Index(0)]),
        number(10),
        3,
    );
    scene(&base, &[&[first], &numbers(1, 4, &[30])[..]].concat())
}

fn erase_at(target: Target, prior_size: u32) -> Instruction {
    Instruction::ArrayErase { target, prior_size }
}

fn set_at(key: i64, name: &str, index: u32, value: Value, prior_size: u32) -> Instruction {
    Instruction::Update {
        target: target(key, name, &[PathElement::Index(index)]),
        value: Payload::Value(value),
        kind: UpdateKind::Element { prior_size },
    }
}

fn clear_numbers() -> Instruction {
    Instruction::Clear {
        target: target(1, "numbers", &[]),
        collection: CollectionKind::List,
    }
}

fn missing(key: i64) -> DropReason {
    let link = Link {
        class: "Person".into(),
        key: PrimaryKey::Int(key),
    };
    DropReason::LinkTargetMissing {
        link,
        became_null: false,
    }
}

// --- merging
// ----------------------------------------------------------------------------------------------------

#[test]
fn inserts_alone_are_merged() {
    let scene = three_numbers();
    scene.write(|write| {
        write.list_insert(&element(1), &number(5)).unwrap();
        write.list_insert(&element(4), &number(6)).unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 0);
    assert_eq!(scene.field(1, NUMBERS), ints(&[10, 5, 1, 2, 6, 3, 30]));
}

#[test]
fn inserts_beyond_a_shorter_list_go_to_its_end_in_their_order() {
    let base = [people(&[1]), numbers(1, 0, &[1, 2, 3])].concat();
    let scene = scene(&base, &[clear_numbers()]);
    scene.write(|write| {
        write.list_insert(&element(3), &number(6)).unwrap();
        write.list_insert(&element(2), &number(5)).unwrap();
    });
    scene.recover_all();
    assert_eq!(scene.field(1, NUMBERS), ints(&[5, 6]));
}

#[test]
fn own_elements_may_be_changed_moved_and_erased() {
    let scene = three_numbers();
    scene.write(|write| {
        for (index, value) in [(3, 5), (4, 6), (5, 7), (6, 8)] {
            write.list_insert(&element(index), &number(value)).unwrap();
        }
    });
    scene.write(|write| {
        write.set(&element(3), false, &number(50)).unwrap();
        write.list_move(&element(3), 5).unwrap();
        write.list_erase(&element(6)).unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 0);
    assert_eq!(scene.field(1, NUMBERS), ints(&[10, 1, 2, 6, 7, 50, 3, 30]));
}

#[test]
fn sizes_are_those_of_the_fresh_list() {
    let scene = three_numbers();
    scene.write(|write| write.list_insert(&element(0), &number(5)).unwrap());
    scene.recover_all();
    let target = target(1, "numbers", &[PathElement::Index(0)]);
    assert_eq!(scene.uploads(), [insert_at(target, number(5), 5)]);
}

#[test]
fn a_link_to_a_missing_object_is_dropped_and_later_indexes_still_fit() {
    let base = people(&[1, 2, 3, 4]);
    let scene = scene(&base, &[erase_instruction(2)]);
    scene.write(|write| {
        for (index, key) in [(0, 2), (1, 3), (2, 4)] {
            let at = below(0, FRIENDS, &[visible(index)]);
            write.list_insert(&at, &payload(link(key))).unwrap();
        }
        write.list_erase(&below(0, FRIENDS, &[visible(0)])).unwrap();
        write.list_erase(&below(0, FRIENDS, &[visible(0)])).unwrap();
    });
    let report = scene.recover();
    assert_eq!(report.dropped[0].reason, missing(2));
    assert_eq!((report.dropped_count, report.lists_copied), (1, 0));
    assert_eq!(scene.field(1, FRIENDS), links(&[4]));
}

/// The fresh list begins with a link more to the object that was erased here; it goes, and what was inserted
/// behind it moves up.
#[test]
fn nullified_links_do_not_confuse_the_tracker() {
    let base = [people(&[1, 2, 3, 4]), append(1, "friends", 0, &[link(1)])].concat();
    let first = target(1, "friends", &[PathElement::Index(0)]);
    let scene = scene(&base, &[insert_at(first, payload(link(2)), 1)]);
    let friend = |index| below(0, FRIENDS, &[visible(index)]);
    scene.write(|write| {
        write.list_insert(&friend(1), &payload(link(3))).unwrap();
        write.list_insert(&friend(2), &payload(link(4))).unwrap();
    });
    scene.write(|write| write.erase(PERSON, 1).unwrap());
    scene.write(|write| write.set(&friend(2), false, &payload(link(1))).unwrap());
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 0);
    assert_eq!(scene.field(1, FRIENDS), links(&[3, 1, 1]));
}

#[test]
fn lists_inside_own_elements_are_merged_by_their_own_indexes() {
    let base = [people(&[1]), append(1, "anyList", 0, &[Value::Int(1)])].concat();
    let theirs = append(1, "anyList", 1, &[Value::Int(2)]);
    let scene = scene(&base, &theirs);
    let any = |steps: &[Step]| below(0, ANY_LIST, steps);
    scene.write(|write| {
        write
            .list_insert(&any(&[visible(1)]), &Payload::List)
            .unwrap();
        for index in 0..2 {
            let at = any(&[visible(1), visible(index)]);
            write
                .list_insert(&at, &number(i64::from(index) + 5))
                .unwrap();
        }
        write.list_move(&any(&[visible(1), visible(0)]), 1).unwrap();
        write
            .set(&any(&[visible(1), visible(0)]), false, &number(60))
            .unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 0);
    let inner = ints(&[60, 5]);
    let wanted = Node::List(vec![int(1), inner, int(2)]);
    assert_eq!(scene.field(1, ANY_LIST), wanted);
}

#[test]
fn embedded_objects_that_the_replay_made_are_filled() {
    let part_at = |index| {
        let target = target(1, "parts", &[PathElement::Index(index)]);
        insert_at(target, Payload::Object, index)
    };
    let base = [people(&[1]), vec![part_at(0)]].concat();
    let scene = scene(&base, &[part_at(1)]);
    let weight = |index| below(0, PARTS, &[visible(index), key("weight")]);
    scene.write(|write| {
        write
            .list_insert(&below(0, PARTS, &[visible(0)]), &Payload::Object)
            .unwrap();
        write.set(&weight(0), false, &number(5)).unwrap();
    });
    scene.recover_all();
    let part = |weight| {
        let fields = vec![int(weight), Node::NULL];
        Node::Object(Document { fields })
    };
    assert_eq!(
        scene.field(1, PARTS),
        Node::List(vec![part(5), part(0), part(0)])
    );
}

// --- taking over
// ------------------------------------------------------------------------------------------------

#[test]
fn touching_any_other_element_takes_the_whole_list_over() {
    let touches: [fn(&mut tidemark_store::WriteTransaction<Memory>); 4] = [
        |write| write.set(&element(1), false, &number(20)).unwrap(),
        |write| write.list_erase(&element(1)).unwrap(),
        |write| write.list_move(&element(1), 2).unwrap(),
        |write| {
            write.list_insert(&element(3), &number(4)).unwrap();
            write.list_move(&element(3), 0).unwrap();
        },
    ];
    let wanted: [&[i64]; 4] = [&[1, 20, 3], &[1, 3], &[1, 3, 2], &[4, 1, 2, 3]];
    for (touch, wanted) in touches.into_iter().zip(wanted) {
        let scene = three_numbers();
        scene.write(touch);
        let report = scene.recover_all();
        assert_eq!(report.lists_copied, 1);
        assert_eq!(scene.field(1, NUMBERS), ints(wanted));
    }
}

/// Equal beginnings and ends stay; what is between is assigned.
#[test]
fn taking_over_writes_little() {
    let base = [people(&[1]), numbers(1, 0, &[1, 2, 3, 4, 5])].concat();
    let scene = scene(&base, &[set_at(1, "numbers", 1, Value::Int(20), 5)]);
    scene.write(|write| write.set(&element(2), false, &number(30)).unwrap());
    scene.recover_all();
    let wanted = [
        set_at(1, "numbers", 1, Value::Int(2), 5),
        set_at(1, "numbers", 2, Value::Int(30), 5),
    ];
    assert_eq!(scene.uploads(), wanted);
}

#[test]
fn taking_over_inserts_or_erases_what_is_too_few_or_too_many() {
    let base = [people(&[1]), numbers(1, 0, &[1, 2, 3])].concat();
    let at = |index| target(1, "numbers", &[PathElement::Index(index)]);
    let longer = scene(&base, &[erase_at(at(1), 3)]);
    longer.write(|write| write.set(&element(0), false, &number(1)).unwrap());
    longer.recover_all();
    assert_eq!(longer.uploads(), [insert_at(at(1), number(2), 2)]);
    let shorter = scene(&base, &[insert_at(at(1), number(9), 3)]);
    shorter.write(|write| write.set(&element(0), false, &number(1)).unwrap());
    shorter.recover_all();
    assert_eq!(shorter.uploads(), [erase_at(at(1), 4)]);
}

#[test]
fn equal_elements_are_counted_once() {
    let base = [people(&[1]), numbers(1, 0, &[1, 1, 1])].concat();
    let scene = scene(&base, &[]);
    scene.write(|write| write.list_erase(&element(0)).unwrap());
    scene.recover_all();
    let last = target(1, "numbers", &[PathElement::Index(2)]);
    assert_eq!(scene.uploads(), [erase_at(last, 3)]);
}

#[test]
fn later_operations_on_a_list_that_was_taken_over_are_in_it_already() {
    let scene = three_numbers();
    scene.write(|write| write.list_erase(&element(0)).unwrap());
    scene.write(|write| write.list_insert(&element(0), &number(7)).unwrap());
    scene.write(|write| write.list_erase(&element(1)).unwrap());
    let report = scene.recover_all();
    assert_eq!(
        (report.lists_copied, report.instructions_in_copied_lists),
        (1, 3)
    );
    assert_eq!(scene.field(1, NUMBERS), ints(&[7, 3]));
    // All of it in the changeset that began it.
    assert_eq!(report.changesets_recovered, 1);
}

#[test]
fn clear_ends_taking_over() {
    let scene = three_numbers();
    scene.write(|write| {
        write.list_erase(&element(0)).unwrap();
        write.clear(&at(0, NUMBERS)).unwrap();
        write.list_insert(&element(0), &number(7)).unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 0);
    assert_eq!(scene.field(1, NUMBERS), ints(&[7]));
}

#[test]
fn clear_ends_taking_over_also_where_nothing_is_left_to_clear() {
    let base = [people(&[1]), numbers(1, 0, &[1, 2])].concat();
    let scene = scene(&base, &[clear_numbers()]);
    scene.write(|write| {
        write.list_erase(&element(0)).unwrap();
        write.clear(&at(0, NUMBERS)).unwrap();
        write.list_insert(&element(0), &number(7)).unwrap();
    });
    let report = scene.recover_all();
    assert_eq!((report.lists_copied, report.instructions_needless), (0, 1));
    assert_eq!(scene.uploads(), numbers(1, 0, &[7]));
}

#[test]
fn clear_ends_taking_over_also_in_a_later_changeset() {
    let scene = three_numbers();
    scene.write(|write| write.list_erase(&element(0)).unwrap());
    scene.write(|write| write.clear(&at(0, NUMBERS)).unwrap());
    scene.write(|write| write.list_insert(&element(0), &number(7)).unwrap());
    let report = scene.recover_all();
    assert_eq!(
        (report.lists_copied, report.instructions_in_copied_lists),
        (1, 1)
    );
    assert_eq!(scene.field(1, NUMBERS), ints(&[7]));
}

#[test]
fn a_list_in_a_list_takes_the_outermost_one_over() {
    let nested = |index: u32| {
        let target = target(
            1,
            "anyList",
            &[PathElement::Index(0), PathElement::Index(index)],
        );
        insert_at(target, number(i64::from(index)), index)
    };
    let first = insert_at(
        target(1, "anyList", &[PathElement::Index(0)]),
        Payload::List,
        0,
    );
    let base = [people(&[1]), vec![first, nested(0), nested(1)]].concat();
    let scene = scene(
        &base,
        &[
            nested(2),
            append(1, "anyList", 1, &[Value::Int(9)]).remove(0),
        ],
    );
    let inner = below(0, ANY_LIST, &[visible(0), visible(0)]);
    scene.write(|write| write.list_insert(&inner, &number(7)).unwrap());
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 1);
    let wanted = Node::List(vec![ints(&[7, 0, 1])]);
    assert_eq!(scene.field(1, ANY_LIST), wanted);
    // The list inside is changed in place: 0, 1, 2 become 7, 0, 1.
    assert_eq!(scene.uploads().len(), 4);
}

#[test]
fn embedded_objects_of_a_list_that_is_taken_over_are_changed_in_place() {
    let part_at = |index| {
        let target = target(1, "parts", &[PathElement::Index(index)]);
        insert_at(target, Payload::Object, index)
    };
    let weight = |index, value| Instruction::Update {
        target: target(
            1,
            "parts",
            &[PathElement::Index(index), PathElement::Key("weight".into())],
        ),
        value: number(value),
        kind: UpdateKind::Property { is_default: false },
    };
    let base = [people(&[1]), vec![part_at(0), part_at(1)]].concat();
    let scene = scene(&base, &[weight(0, 5)]);
    let ours = below(0, PARTS, &[visible(1), key("weight")]);
    scene.write(|write| write.set(&ours, false, &number(6)).unwrap());
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 1);
    assert_eq!(scene.uploads(), [weight(0, 0), weight(1, 6)]);
}

/// The list as it is in the end links to an object that only a later changeset creates.
#[test]
fn links_to_objects_of_later_changesets_are_not_lost() {
    let base = [
        people(&[1, 2, 3]),
        append(1, "friends", 0, &[link(2), link(3)]),
    ]
    .concat();
    let scene = scene(&base, &[]);
    let friend = |index| below(0, FRIENDS, &[visible(index)]);
    scene.write(|write| write.list_erase(&friend(0)).unwrap());
    scene.write(|write| {
        create(write, 4);
        write.list_insert(&friend(1), &payload(link(4))).unwrap();
    });
    scene.recover_all();
    assert_eq!(scene.field(1, FRIENDS), links(&[3, 4]));
}

#[test]
fn a_list_that_is_taken_over_leaves_out_links_to_missing_objects() {
    let base = [
        people(&[1, 2, 3]),
        append(1, "friends", 0, &[link(2), link(3)]),
    ]
    .concat();
    let erased = erase_at(target(1, "friends", &[PathElement::Index(0)]), 2);
    let scene = scene(&base, &[erased, erase_instruction(2)]);
    scene.write(|write| {
        let (first, second) = (
            below(0, FRIENDS, &[visible(0)]),
            below(0, FRIENDS, &[visible(1)]),
        );
        write.set(&first, false, &payload(link(2))).unwrap();
        write.set(&second, false, &payload(link(1))).unwrap();
    });
    assert_eq!(scene.recover_dropping(), [missing(2)]);
    assert_eq!(scene.field(1, FRIENDS), links(&[1]));
}

/// Slots of links that are hidden on both sides stay slots: the server counts them.
#[test]
fn hidden_slots_that_both_have_stay() {
    let base = [
        people(&[1, 2, 3]),
        append(1, "friends", 0, &[link(2), link(3)]),
    ]
    .concat();
    let scene = scene(&base, &[erase_instruction(2)]);
    integrate(
        &scene.local,
        progress(11, 0),
        &body(&[(11, 0, &[erase_instruction(2)])]),
    )
    .unwrap();
    let visible_first = below(0, FRIENDS, &[visible(0)]);
    scene.write(|write| write.set(&visible_first, false, &payload(link(1))).unwrap());
    scene.recover_all();
    assert_eq!(scene.field(1, FRIENDS), links(&[2, 1]));
}

#[test]
fn a_list_that_is_gone_here_is_not_taken_over() {
    let base = [
        people(&[1]),
        vec![update_list()],
        vec![insert_at(
            target(1, "anything", &[PathElement::Index(0)]),
            number(1),
            0,
        )],
    ]
    .concat();
    let scene = scene(&base, &[]);
    scene.write(|write| {
        write
            .set(&below(0, ANYTHING, &[visible(0)]), false, &number(2))
            .unwrap();
    });
    scene.write(|write| write.set(&at(0, ANYTHING), false, &number(3)).unwrap());
    assert_eq!(scene.recover_dropping(), [DropReason::ListNotCopied]);
    assert_eq!(scene.field(1, ANYTHING), int(3));
}

fn update_list() -> Instruction {
    Instruction::Update {
        target: target(1, "anything", &[]),
        value: Payload::List,
        kind: UpdateKind::Property { is_default: false },
    }
}

/// A new list at the same place begins anew, also for the tracker.
#[test]
fn a_list_that_is_replaced_is_forgotten() {
    let base = [
        people(&[1]),
        vec![update_list()],
        vec![insert_at(
            target(1, "anything", &[PathElement::Index(0)]),
            number(1),
            0,
        )],
    ]
    .concat();
    let scene = scene(&base, &[]);
    let first = below(0, ANYTHING, &[visible(0)]);
    scene.write(|write| {
        write.list_erase(&first).unwrap();
        write.set(&at(0, ANYTHING), false, &number(3)).unwrap();
        write.set(&at(0, ANYTHING), false, &Payload::List).unwrap();
        write.list_insert(&first, &number(7)).unwrap();
        write.set(&first, false, &number(8)).unwrap();
    });
    let report = scene.recover_all();
    assert_eq!(report.lists_copied, 0);
    assert_eq!(scene.field(1, ANYTHING), ints(&[8]));
}

#[test]
fn the_lists_of_an_object_that_is_made_again_are_new() {
    let base = [people(&[1]), numbers(1, 0, &[1, 2])].concat();
    let scene = scene(&base, &numbers(1, 2, &[3]));
    scene.write(|write| write.list_erase(&element(0)).unwrap());
    scene.write(|write| {
        write.erase(PERSON, 0).unwrap();
        let again = create(write, 1);
        let first = below(again, NUMBERS, &[visible(0)]);
        write.list_insert(&first, &number(7)).unwrap();
    });
    scene.recover_all();
    assert_eq!(scene.field(1, NUMBERS), ints(&[7]));
}
