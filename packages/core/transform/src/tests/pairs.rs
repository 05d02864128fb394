//! Pairs by example that neither recorded nor random histories tell apart: what is beside each other, what
//! is reported, and what errors say.

use tidemark_changeset::{CollectionKind, Instruction, PathElement, Payload, UpdateKind, Value};

use super::rules::{at, index, insert, int, key, merged, update};
use crate::{Branch, Rules, merge, merge_reporting};

fn erase(path: &[PathElement], prior_size: u32) -> Instruction {
    Instruction::ArrayErase {
        target: at(path),
        prior_size,
    }
}

fn shift(path: &[PathElement], to: u32, prior_size: u32) -> Instruction {
    Instruction::ArrayMove {
        target: at(path),
        to,
        prior_size,
    }
}

fn assign(path: &[PathElement], value: Payload, prior_size: u32) -> Instruction {
    Instruction::Update {
        target: at(path),
        value,
        kind: UpdateKind::Element { prior_size },
    }
}

fn clear(path: &[PathElement], collection: CollectionKind) -> Instruction {
    Instruction::Clear {
        target: at(path),
        collection,
    }
}

fn add(path: &[PathElement], delta: i64) -> Instruction {
    Instruction::AddInteger {
        target: at(path),
        delta,
    }
}

fn set_insert(path: &[PathElement], value: Value) -> Instruction {
    Instruction::SetInsert {
        target: at(path),
        value: Payload::Value(value),
    }
}

fn set_erase(path: &[PathElement], value: Value) -> Instruction {
    Instruction::SetErase {
        target: at(path),
        value: Payload::Value(value),
    }
}

/// What one instruction of each side becomes; ours is the later one, or theirs.
fn met(
    rules: Rules,
    ours: &Instruction,
    theirs: &Instruction,
    ours_is_later: bool,
) -> (Vec<Instruction>, Vec<Instruction>) {
    let times = if ours_is_later { (20, 10) } else { (10, 20) };
    let (ours, theirs) = (std::slice::from_ref(ours), std::slice::from_ref(theirs));
    merged(rules, (times.0, ours), (times.1, theirs))
}

/// Asserts that two instructions leave each other alone, whoever makes which and whichever is later.
fn assert_apart(one: &Instruction, other: &Instruction) {
    for rules in [Rules::CORRECTED, Rules::ORIGINAL] {
        for (ours, theirs) in [(one, other), (other, one)] {
            for ours_is_later in [false, true] {
                let found = met(rules, ours, theirs, ours_is_later);
                assert_eq!(found, (vec![ours.clone()], vec![theirs.clone()]));
            }
        }
    }
}

fn edits_of_list(list: u32, size: u32) -> [Instruction; 6] {
    let element = |at| [index(list), index(at)];
    [
        insert(&element(0), size),
        erase(&element(0), size),
        erase(&element(1), size),
        shift(&element(0), 2, size),
        assign(&element(1), int(4), size),
        clear(&element(1), CollectionKind::List),
    ]
}

/// Lists of different sizes too, which would be an error within one list.
#[test]
fn edits_of_two_lists_in_one_field_leave_each_other_alone() {
    for one in edits_of_list(0, 3) {
        for other in edits_of_list(1, 5) {
            assert_apart(&one, &other);
        }
    }
}

#[test]
fn edits_of_two_places_in_one_field_leave_each_other_alone() {
    let edits = |name: &str| {
        let path = [key(name)];
        [
            set_insert(&path, Value::Int(1)),
            set_erase(&path, Value::Int(1)),
            clear(&path, CollectionKind::Set),
            add(&path, 3),
            update(&path, int(5)),
            update(&path, Payload::List),
        ]
    };
    for one in edits("a") {
        for other in edits("b") {
            assert_apart(&one, &other);
        }
    }
}

#[test]
fn an_addition_goes_where_a_collection_is_cleared() {
    for path in [vec![], vec![key("a")]] {
        let (add, clear) = (add(&path, 3), clear(&path, CollectionKind::List));
        for ours_is_later in [false, true] {
            let found = met(Rules::CORRECTED, &add, &clear, ours_is_later);
            assert_eq!(found, (vec![], vec![clear.clone()]));
            let found = met(Rules::CORRECTED, &clear, &add, ours_is_later);
            assert_eq!(found, (vec![clear.clone()], vec![]));
        }
    }
}

/// How many objects a merge of two instructions reports.
fn reported(rules: Rules, ours: &Instruction, theirs: &Instruction) -> usize {
    let mut ours = [Branch::new(10, 2, vec![ours.clone()])];
    let mut theirs = [Branch::new(20, 3, vec![theirs.clone()])];
    let report = merge_reporting(&mut ours, &mut theirs, rules, None).expect("mergeable");
    report.uncertain.len()
}

/// The original cannot read a collection any more that moves within a list of mixed values (OT13).
#[test]
fn a_collection_is_reported_where_the_other_side_moves_its_element() {
    let moves = shift(&[index(1)], 3, 4);
    let edits = |at| {
        [
            (clear(&[index(at)], CollectionKind::List), true),
            (assign(&[index(at)], Payload::List, 4), true),
            (assign(&[index(at)], Payload::Dictionary, 4), true),
            (assign(&[index(at)], int(7), 4), false),
        ]
    };
    for (edit, makes_collection) in edits(1) {
        let original = reported(Rules::ORIGINAL, &moves, &edit);
        assert_eq!(original, usize::from(makes_collection));
        assert_eq!(reported(Rules::CORRECTED, &moves, &edit), 0);
    }
    for (edit, _) in [edits(0), edits(2)].concat() {
        assert_eq!(reported(Rules::ORIGINAL, &moves, &edit), 0);
    }
    let others = [insert(&[index(1)], 4), erase(&[index(1)], 4)];
    for other in others {
        let edit = clear(&[index(1)], CollectionKind::List);
        assert_eq!(reported(Rules::ORIGINAL, &other, &edit), 0);
    }
}

#[test]
fn errors_say_where() {
    let cases = [
        (
            insert(&[key("a"), index(0)], 2),
            insert(&[key("a"), index(0)], 3),
            "list sizes differ: 2 and 3 (at T[Int(1)].m[\"a\"][0])",
        ),
        (
            erase(&[index(3)], 3),
            insert(&[index(0)], 3),
            "index 3 is out of range for a list of 3 (at T[Int(1)].m[3])",
        ),
        (
            insert(&[key("a")], 2),
            update(&[key("b")], int(1)),
            "malformed ArrayInsert (at T[Int(1)].m[\"a\"])",
        ),
    ];
    for (ours, theirs, text) in cases {
        let mut ours = [Branch::new(1, 2, vec![ours])];
        let mut theirs = [Branch::new(1, 3, vec![theirs])];
        let error = merge(&mut ours, &mut theirs, Rules::CORRECTED).expect_err("not mergeable");
        assert_eq!(error.to_string(), text);
    }
}
