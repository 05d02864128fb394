//! Single rules, by example: those that random histories meet too seldom, and those that are decisions of
//! ours.

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, PathElement, Payload, PrimaryKey, Target,
    UpdateKind, Value,
};

use crate::{Branch, MergeOptions, Rules, TransformError, merge, merge_reporting};

pub(super) fn at(path: &[PathElement]) -> Target {
    Target {
        class: "T".into(),
        key: PrimaryKey::Int(1),
        field: "m".into(),
        path: path.to_vec(),
    }
}

pub(super) fn index(index: u32) -> PathElement {
    PathElement::Index(index)
}

pub(super) fn key(name: &str) -> PathElement {
    PathElement::Key(name.into())
}

pub(super) fn update(path: &[PathElement], value: Payload) -> Instruction {
    Instruction::Update {
        target: at(path),
        value,
        kind: UpdateKind::Property { is_default: false },
    }
}

pub(super) fn int(value: i64) -> Payload {
    Payload::Value(Value::Int(value))
}

pub(super) fn insert(path: &[PathElement], prior_size: u32) -> Instruction {
    Instruction::ArrayInsert {
        target: at(path),
        value: int(7),
        prior_size,
    }
}

pub(super) fn merged(
    rules: Rules,
    ours: (u64, &[Instruction]),
    theirs: (u64, &[Instruction]),
) -> (Vec<Instruction>, Vec<Instruction>) {
    let mut left = [Branch::new(ours.0, 2, ours.1.to_vec())];
    let mut right = [Branch::new(theirs.0, 3, theirs.1.to_vec())];
    merge(&mut left, &mut right, rules).expect("mergeable");
    let [left] = left;
    let [right] = right;
    assert_eq!(left.dirty, left.instructions != ours.1);
    assert_eq!(right.dirty, right.instructions != theirs.1);
    (left.instructions, right.instructions)
}

#[test]
fn a_clear_never_outlives_the_key_it_clears() {
    let clear = Instruction::Clear {
        target: at(&[key("a")]),
        collection: CollectionKind::List,
    };
    let erase = update(&[key("a")], Payload::Erased);
    let (ours, theirs) = merged(
        Rules::CORRECTED,
        (20, std::slice::from_ref(&clear)),
        (10, std::slice::from_ref(&erase)),
    );
    assert_eq!((ours, theirs), (vec![], vec![erase.clone()]));
    let (ours, theirs) = merged(
        Rules::ORIGINAL,
        (20, std::slice::from_ref(&clear)),
        (10, &[erase]),
    );
    assert_eq!((ours, theirs), (vec![clear], vec![]));
}

#[test]
fn a_marker_that_may_keep_old_content_turns_the_loser_into_a_clear() {
    let (ours, theirs) = merged(
        Rules::CORRECTED,
        (20, &[update(&[], Payload::List)]),
        (10, &[update(&[], int(5))]),
    );
    assert_eq!(ours, [update(&[], Payload::List)]);
    assert_eq!(
        theirs,
        [Instruction::Clear {
            target: at(&[]),
            collection: CollectionKind::List
        }]
    );
}

#[test]
fn a_marker_that_fills_a_new_collection_wins_without_more() {
    for fill in [
        vec![update(&[], Payload::List), insert(&[index(0)], 0)],
        vec![
            update(&[], Payload::Dictionary),
            update(&[key("a")], int(1)),
        ],
        vec![
            update(&[], Payload::List),
            Instruction::Clear {
                target: at(&[]),
                collection: CollectionKind::List,
            },
        ],
    ] {
        let (ours, theirs) = merged(Rules::CORRECTED, (20, &fill), (10, &[update(&[], int(5))]));
        assert_eq!((ours, theirs), (fill, vec![]));
    }
}

#[test]
fn an_object_whose_content_is_unknown_is_reported() {
    let fill = vec![update(&[], Payload::List), insert(&[index(0)], 0)];
    for (loser, uncertain) in [(vec![update(&[], int(5))], 1), (fill.clone(), 0)] {
        let mut ours = [Branch::new(20, 2, fill.clone())];
        let mut theirs = [Branch::new(10, 3, loser)];
        let report = merge_reporting(
            &mut ours,
            &mut theirs,
            Rules::CORRECTED,
            MergeOptions::default(),
        )
        .expect("mergeable");
        assert_eq!(
            report.uncertain,
            [("T".into(), PrimaryKey::Int(1))][..uncertain]
        );
    }
}

/// Merged at once, the number goes since the list starts empty. Merged one after the other, the first Clear
/// has taken away what told so, and the number turns into a Clear. Either way it is reported.
#[test]
fn a_marker_that_wins_is_reported_however_the_histories_are_cut() {
    let clear = vec![Instruction::Clear {
        target: at(&[]),
        collection: CollectionKind::List,
    }];
    let edits = [clear, vec![update(&[], int(5))]];
    let uploads = edits.map(|edit| Branch::new(10, 3, edit));
    let filled = vec![update(&[], Payload::List), insert(&[index(0)], 0)];
    let log = [Branch::new(20, 2, filled)];
    let (mut whole, mut whole_log) = (uploads.clone(), log.clone());
    let report = merge_reporting(
        &mut whole_log,
        &mut whole,
        Rules::CORRECTED,
        MergeOptions::default(),
    );
    assert_eq!(report.expect("mergeable").uncertain.len(), 1);
    let (mut cut, mut cut_log) = (uploads, log);
    let mut reported = 0;
    for upload in cut.chunks_mut(1) {
        let report = merge_reporting(
            &mut cut_log,
            upload,
            Rules::CORRECTED,
            MergeOptions::default(),
        );
        reported += report.expect("mergeable").uncertain.len();
    }
    assert_eq!(reported, 1);
    assert_ne!(whole, cut);
}

#[test]
fn equal_numbers_written_differently_end_as_the_later_one() {
    let insert = |value| Instruction::SetInsert {
        target: at(&[]),
        value: Payload::Value(value),
    };
    let erase = |value| Instruction::SetErase {
        target: at(&[]),
        value: Payload::Value(value),
    };
    let (ours, theirs) = merged(
        Rules::CORRECTED,
        (10, &[insert(Value::Int(1))]),
        (20, &[insert(Value::Double(1.0))]),
    );
    assert_eq!(
        (ours, theirs),
        (
            vec![],
            vec![erase(Value::Double(1.0)), insert(Value::Double(1.0))]
        )
    );
}

/// The extra erasure of the column meets what follows the addition that made it necessary.
#[test]
fn an_erased_class_takes_new_columns_towards_it_along() {
    let add = Instruction::AddColumn {
        class: "U".into(),
        field: "m".into(),
        spec: ColumnSpec::new(
            ColumnType::Link,
            true,
            CollectionKind::Single,
            Some("T".into()),
        ),
    };
    let erase = Instruction::EraseTable { class: "T".into() };
    let erase_column = Instruction::EraseColumn {
        class: "U".into(),
        field: "m".into(),
    };
    let mut of_column = at(&[]);
    of_column.class = "U".into();
    let edit = Instruction::Update {
        target: of_column,
        value: Payload::Value(Value::Null),
        kind: UpdateKind::Property { is_default: false },
    };
    for rules in [Rules::ORIGINAL, Rules::CORRECTED] {
        let (ours, theirs) = merged(
            rules,
            (10, std::slice::from_ref(&erase)),
            (20, &[add.clone(), edit.clone()]),
        );
        assert_eq!(
            (ours, theirs),
            (vec![erase_column.clone(), erase.clone()], vec![])
        );
        let (ours, theirs) = merged(
            rules,
            (10, std::slice::from_ref(&add)),
            (20, std::slice::from_ref(&erase)),
        );
        assert_eq!(
            (ours, theirs),
            (vec![], vec![erase_column.clone(), erase.clone()])
        );
    }
}

#[test]
fn what_cannot_be_merged_is_an_error_and_changes_nothing() {
    let cases: [(Instruction, Instruction, u32); 5] = [
        (
            Instruction::AddColumn {
                class: "T".into(),
                field: "m".into(),
                spec: ColumnSpec::new(ColumnType::Int, true, CollectionKind::Single, None),
            },
            Instruction::AddColumn {
                class: "T".into(),
                field: "m".into(),
                spec: ColumnSpec::new(ColumnType::Int, false, CollectionKind::Single, None),
            },
            1,
        ),
        (insert(&[index(0)], 2), insert(&[index(0)], 3), 2),
        (
            Instruction::ArrayErase {
                target: at(&[index(3)]),
                prior_size: 3,
            },
            insert(&[index(0)], 3),
            3,
        ),
        (insert(&[index(0)], 2), update(&[key("a")], int(1)), 4),
        (insert(&[key("a")], 2), update(&[key("a")], int(1)), 5),
    ];
    for (left, right, code) in cases {
        let mut ours = [Branch::new(1, 2, vec![left])];
        let mut theirs = [Branch::new(1, 3, vec![right])];
        let before = (ours.clone(), theirs.clone());
        for rules in [Rules::ORIGINAL, Rules::CORRECTED] {
            let error = merge(&mut ours, &mut theirs, rules).expect_err("not mergeable");
            assert_eq!(error.code(), code, "{error}");
            assert_eq!((&ours, &theirs), (&before.0, &before.1));
            let swapped =
                merge(&mut theirs, &mut ours, rules).map_err(|error| TransformError::code(&error));
            assert_eq!(swapped, Err(code));
        }
    }
}

/// Sizes at the end of what 32 bits hold wrap around; no database could have applied them.
#[test]
fn sizes_beyond_all_bounds_do_no_harm() {
    for path in [index(0), index(u32::MAX), index(u32::MAX - 1)] {
        let path = std::slice::from_ref(&path);
        let edits = [
            insert(path, u32::MAX),
            Instruction::ArrayErase {
                target: at(path),
                prior_size: u32::MAX,
            },
            Instruction::ArrayMove {
                target: at(path),
                to: u32::MAX,
                prior_size: u32::MAX,
            },
            Instruction::Update {
                target: at(path),
                value: int(1),
                kind: UpdateKind::Element {
                    prior_size: u32::MAX,
                },
            },
        ];
        for left in &edits {
            for right in &edits {
                let mut ours = [Branch::new(1, 2, vec![left.clone()])];
                let mut theirs = [Branch::new(1, 3, vec![right.clone()])];
                let _ = merge(&mut ours, &mut theirs, Rules::CORRECTED);
            }
        }
    }
}
