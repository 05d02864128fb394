//! Pairs by example that neither recorded nor random histories tell apart: what is beside each other, what
//! is reported, and what errors say.

use tidemark_changeset::{
    CollectionKind, Decimal, Instruction, PathElement, Payload, PrimaryKey, UpdateKind, Value,
};

use super::rules::{at, index, insert, int, key, merged, update};
use crate::{Branch, MergeOptions, Rules, merge, merge_pairwise, merge_reporting};

pub(super) fn erase(path: &[PathElement], prior_size: u32) -> Instruction {
    Instruction::ArrayErase {
        target: at(path),
        prior_size,
    }
}

pub(super) fn shift(path: &[PathElement], to: u32, prior_size: u32) -> Instruction {
    Instruction::ArrayMove {
        target: at(path),
        to,
        prior_size,
    }
}

pub(super) fn assign(path: &[PathElement], value: Payload, prior_size: u32) -> Instruction {
    Instruction::Update {
        target: at(path),
        value,
        kind: UpdateKind::Element { prior_size },
    }
}

pub(super) fn clear(path: &[PathElement], collection: CollectionKind) -> Instruction {
    Instruction::Clear {
        target: at(path),
        collection,
    }
}

pub(super) fn add(path: &[PathElement], delta: i64) -> Instruction {
    Instruction::AddInteger {
        target: at(path),
        delta,
    }
}

pub(super) fn set_insert(path: &[PathElement], value: Value) -> Instruction {
    Instruction::SetInsert {
        target: at(path),
        value: Payload::Value(value),
    }
}

pub(super) fn set_erase(path: &[PathElement], value: Value) -> Instruction {
    Instruction::SetErase {
        target: at(path),
        value: Payload::Value(value),
    }
}

/// What one instruction of each side becomes; ours is the later one, or theirs.
pub(super) fn met(
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
    let report =
        merge_reporting(&mut ours, &mut theirs, rules, MergeOptions::default()).expect("mergeable");
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
        (
            erase(&[key("a")], 2),
            update(&[key("b")], int(1)),
            "malformed ArrayErase (at T[Int(1)].m[\"a\"])",
        ),
        (
            shift(&[key("a")], 1, 2),
            update(&[key("b")], int(1)),
            "malformed ArrayMove (at T[Int(1)].m[\"a\"])",
        ),
        (
            assign(&[key("a")], int(1), 2),
            update(&[key("b")], int(1)),
            "malformed Update (at T[Int(1)].m[\"a\"])",
        ),
        (
            update(&[key("b"), index(0)], int(1)),
            update(&[key("b")], int(1)),
            "malformed Update (at T[Int(1)].m[\"b\"][0])",
        ),
    ];
    for (ours, theirs, text) in cases {
        let mut ours = [Branch::new(1, 2, vec![ours])];
        let mut theirs = [Branch::new(1, 3, vec![theirs])];
        let error = merge(&mut ours, &mut theirs, Rules::CORRECTED).expect_err("not mergeable");
        assert_eq!(error.to_string(), text);
    }
}

/// What one instruction of each side becomes where both were made at one time by one file, which a server
/// never lets happen.
fn tied(ours: &Instruction, theirs: &Instruction) -> (Vec<Instruction>, Vec<Instruction>) {
    let mut left = [Branch::new(10, 2, vec![ours.clone()])];
    let mut right = [Branch::new(10, 2, vec![theirs.clone()])];
    merge(&mut left, &mut right, Rules::CORRECTED).expect("mergeable");
    let ([left], [right]) = (left, right);
    (left.instructions, right.instructions)
}

/// As the original decides it: of two insertions or moves to one place ours goes behind, of two that exclude
/// each other ours stays; but of two erasures of an object theirs does.
#[test]
fn equal_tie_breaks_are_decided_as_the_original_does() {
    let found = tied(&insert(&[index(1)], 2), &insert(&[index(1)], 2));
    let expected = (insert(&[index(2)], 3), insert(&[index(1)], 3));
    assert_eq!(found, (vec![expected.0], vec![expected.1]));

    let found = tied(&shift(&[index(0)], 2, 4), &shift(&[index(3)], 2, 4));
    let expected = (shift(&[index(0)], 3, 4), shift(&[index(3)], 1, 4));
    assert_eq!(found, (vec![expected.0], vec![expected.1]));

    let inside = |at| [index(0), index(at)];
    let found = tied(&insert(&inside(1), 2), &insert(&inside(1), 2));
    let expected = (insert(&inside(2), 3), insert(&inside(1), 3));
    assert_eq!(found, (vec![expected.0], vec![expected.1]));

    let found = tied(&shift(&[index(0)], 1, 5), &shift(&[index(3)], 2, 5));
    let expected = (shift(&[index(0)], 2, 5), shift(&[index(3)], 1, 5));
    assert_eq!(found, (vec![expected.0], vec![expected.1]));

    let found = tied(&shift(&[index(0)], 2, 4), &shift(&[index(0)], 3, 4));
    assert_eq!(found, (vec![shift(&[index(3)], 2, 4)], vec![]));

    let found = tied(&shift(&[index(0)], 2, 4), &insert(&[index(3)], 4));
    let expected = (shift(&[index(0)], 2, 5), insert(&[index(3)], 4));
    assert_eq!(found, (vec![expected.0], vec![expected.1]));

    let (whole, broken) = (Value::Int(1), Value::Double(1.0));
    let found = tied(&set_insert(&[], whole.clone()), &set_insert(&[], broken));
    let expected = [set_erase(&[], whole.clone()), set_insert(&[], whole)];
    assert_eq!(found, (expected.to_vec(), vec![]));

    assert_eq!(
        tied(&add(&[], 3), &update(&[], int(5))),
        (vec![], vec![update(&[], int(5))])
    );

    let erased = Instruction::EraseObject {
        class: "T".into(),
        key: PrimaryKey::Int(1),
    };
    assert_eq!(tied(&erased, &erased), (vec![], vec![erased.clone()]));
}

/// The original's storage may keep the sign of a zero that was there (OT12).
#[test]
fn an_assigned_zero_is_reported_by_the_originals_rules() {
    let zeros = [Value::Float(0.0), Value::Float(-0.0), Value::Double(-0.0)];
    let others = [int(5), Payload::Value(Value::Null), Payload::List];
    for zero in zeros.map(Payload::Value) {
        for other in &others[..2] {
            let (zero, other) = (update(&[], zero.clone()), update(&[], other.clone()));
            for (ours, theirs) in [(&zero, &other), (&other, &zero)] {
                assert_eq!(reported(Rules::ORIGINAL, ours, theirs), 1);
                assert_eq!(reported(Rules::CORRECTED, ours, theirs), 0);
            }
        }
        let (zero, cleared) = (update(&[], zero), clear(&[], CollectionKind::List));
        assert_eq!(reported(Rules::ORIGINAL, &zero, &cleared), 1);
        assert_eq!(reported(Rules::CORRECTED, &zero, &cleared), 0);
    }
    for one in &others[..2] {
        let found = reported(
            Rules::ORIGINAL,
            &update(&[], one.clone()),
            &update(&[], int(6)),
        );
        assert_eq!(found, 0);
    }
}

/// At one place the later one ends up first, whichever it is.
#[test]
fn a_move_and_an_insertion_to_one_place() {
    let (moves, inserts) = (shift(&[index(0)], 2, 4), insert(&[index(3)], 4));
    for (is_later, to, place) in [(true, 2, 3), (false, 3, 2)] {
        let expected = (shift(&[index(0)], to, 5), insert(&[index(place)], 4));
        let found = met(Rules::CORRECTED, &moves, &inserts, is_later);
        assert_eq!(found, (vec![expected.0.clone()], vec![expected.1.clone()]));
        let found = met(Rules::CORRECTED, &inserts, &moves, !is_later);
        assert_eq!(found, (vec![expected.1], vec![expected.0]));
    }
}

/// What follows a marker in its changeset tells whether its collection starts empty, so that the loser needs
/// not turn into a Clear. The first that says anything decides.
#[test]
fn what_follows_a_marker_tells_whether_it_starts_empty() {
    let place = [key("a")];
    let element = |at| [key("a"), index(at)];
    let (fill, use_old) = (insert(&element(0), 0), erase(&element(0), 1));
    let marker = update(&place, Payload::List);
    let mut of_other_field = fill.clone();
    let mut of_other_object = fill.clone();
    let mut of_other_class = fill.clone();
    for (other, change) in [
        (&mut of_other_field, 0),
        (&mut of_other_object, 1),
        (&mut of_other_class, 2),
    ] {
        if let Instruction::ArrayInsert { target, .. } = other {
            match change {
                0 => target.field = "n".into(),
                1 => target.key = PrimaryKey::Int(2),
                _ => target.class = "U".into(),
            }
        }
    }
    let cases = [
        (vec![], false),
        (vec![fill.clone()], true),
        (vec![use_old.clone()], false),
        (vec![use_old.clone(), fill.clone()], false),
        (vec![assign(&element(0), int(1), 1)], false),
        // The same marker again, or an addition, says nothing.
        (vec![marker.clone(), use_old.clone()], false),
        (vec![add(&place, 3), use_old.clone()], false),
        // The collection that it is in is another one, or empty.
        (
            vec![update(&[], Payload::Dictionary), use_old.clone()],
            true,
        ),
        (
            vec![clear(&[], CollectionKind::Dictionary), use_old.clone()],
            true,
        ),
        // What is elsewhere says nothing.
        (vec![update(&[key("b")], int(1)), use_old.clone()], false),
        (vec![insert(&[key("b"), index(0)], 0)], false),
        (vec![of_other_field], false),
        (vec![of_other_object], false),
        (vec![of_other_class], false),
    ];
    for (following, starts_empty) in cases {
        let ours = [vec![marker.clone()], following].concat();
        let theirs = [update(&place, int(5))];
        let (_, found) = merged(Rules::CORRECTED, (20, &ours), (10, &theirs));
        let expected = if starts_empty {
            vec![]
        } else {
            vec![clear(&place, CollectionKind::List)]
        };
        assert_eq!(found, expected, "{ours:?}");
    }
}

/// An edit of the list that the place is an element of may shift the place, so that nothing after it can be
/// told; one of another list says nothing. A dictionary's marker goes by the same rules.
#[test]
fn what_follows_a_marker_of_an_element_may_shift_it() {
    let place = [key("a"), index(1)];
    let use_old = update(&[key("a"), index(1), key("k")], Payload::Erased);
    for (following, starts_empty) in [
        (vec![use_old.clone()], false),
        (
            vec![insert(&[key("a"), index(0)], 2), use_old.clone()],
            true,
        ),
        (vec![erase(&[key("a"), index(0)], 2), use_old.clone()], true),
        (
            vec![shift(&[key("a"), index(0)], 1, 2), use_old.clone()],
            true,
        ),
        (
            vec![insert(&[key("b"), index(0)], 2), use_old.clone()],
            false,
        ),
        (
            vec![assign(&[key("a"), index(0)], int(1), 2), use_old],
            false,
        ),
        (vec![update(&[key("a"), index(1), key("k")], int(1))], true),
    ] {
        let ours = [vec![assign(&place, Payload::Dictionary, 2)], following].concat();
        let mut left = [Branch::new(20, 2, ours.clone())];
        let mut right = [Branch::new(10, 3, vec![assign(&place, int(5), 2)])];
        merge(&mut left, &mut right, Rules::CORRECTED).expect("mergeable");
        let is_clear = |instruction: &Instruction| {
            let Instruction::Clear { collection, .. } = instruction else {
                return false;
            };
            *collection == CollectionKind::Dictionary
        };
        let [right] = right;
        assert_eq!(right.instructions.is_empty(), starts_empty, "{ours:?}");
        assert!(right.instructions.iter().all(is_clear), "{ours:?}");
    }
}

/// Without a schema too it is no dictionary's value that ends with a field's name or an index.
#[test]
fn markers_of_embedded_objects_elsewhere_end_as_the_later_one() {
    let element = assign(&[index(0)], Payload::Object, 1);
    let inside = assign(&[key("a"), index(0)], Payload::Object, 1);
    for marker in [update(&[], Payload::Object), element, inside] {
        for ours_is_later in [false, true] {
            let (ours, theirs) = met(Rules::CORRECTED, &marker, &marker, ours_is_later);
            assert_eq!(
                (ours.len(), theirs.len()),
                if ours_is_later { (1, 0) } else { (0, 1) }
            );
        }
    }
}

/// The original takes numbers in a set for equal only if they are of one type (OT5); what is not a number
/// equals nothing, itself included.
#[test]
fn the_original_compares_numbers_within_their_type() {
    let decimal = |coefficient| {
        Value::Decimal(Decimal {
            coefficient,
            exponent: 0,
            negative: false,
        })
    };
    let cases = [
        (Value::Int(1), Value::Int(1), true, true),
        (Value::Int(1), Value::Int(2), false, false),
        (Value::Float(1.5), Value::Float(1.5), true, true),
        (Value::Float(1.5), Value::Float(2.5), false, false),
        (Value::Float(0.0), Value::Float(-0.0), true, true),
        (Value::Double(1.5), Value::Double(1.5), true, true),
        (Value::Double(1.5), Value::Double(2.5), false, false),
        (
            Value::Double(f64::NAN),
            Value::Double(f64::NAN),
            false,
            true,
        ),
        (decimal(1), decimal(1), true, true),
        (decimal(1), decimal(2), false, false),
        (Value::Int(1), Value::Double(1.0), false, true),
        (Value::Float(1.0), Value::Double(1.0), false, true),
        (Value::Int(1), decimal(1), false, true),
    ];
    for (one, other, by_original, by_ours) in cases {
        let (one, other) = (set_erase(&[], one), set_insert(&[], other));
        for (rules, are_equal) in [(Rules::ORIGINAL, by_original), (Rules::CORRECTED, by_ours)] {
            let (ours, theirs) = met(rules, &one, &other, true);
            assert_eq!(
                (ours.len(), theirs.is_empty()),
                (1, are_equal),
                "{one:?} {other:?}"
            );
        }
    }
}

#[test]
fn all_pairs_give_what_the_index_gives() {
    let mut fast = [
        [Branch::new(10, 2, vec![insert(&[index(1)], 2)])],
        [Branch::new(20, 3, vec![insert(&[index(0)], 2)])],
    ];
    let mut all = fast.clone();
    let ([ours, theirs], [all_ours, all_theirs]) = (&mut fast, &mut all);
    merge(ours, theirs, Rules::CORRECTED).expect("mergeable");
    merge_pairwise(all_ours, all_theirs, Rules::CORRECTED).expect("mergeable");
    assert_eq!(all[0][0].instructions, [insert(&[index(2)], 3)]);
    assert_eq!(fast, all);
}
