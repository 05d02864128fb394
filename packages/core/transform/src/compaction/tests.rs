//! What folds within a changeset and across several, and what does not.

use tidemark_changeset::{
    Instruction, Name, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use super::footprint::MARKS_MAX;
use super::overwrites::CANDIDATES_MAX;
use super::{Committed, Effect, Folds, Footprint, Overwrites, effect, fold};

mod overwrites;

fn at(field: &str, path: Vec<PathElement>) -> Target {
    Target {
        class: "Dog".into(),
        key: PrimaryKey::Int(1),
        field: field.into(),
        path,
    }
}

fn assign(field: &str, value: Value, is_default: bool) -> Instruction {
    Instruction::Update {
        target: at(field, vec![]),
        value: Payload::Value(value),
        kind: UpdateKind::Property { is_default },
    }
}

fn set(field: &str, number: i64) -> Instruction {
    assign(field, Value::Int(number), false)
}

fn default(field: &str, number: i64) -> Instruction {
    assign(field, Value::Int(number), true)
}

fn add(field: &str, delta: i64) -> Instruction {
    Instruction::AddInteger {
        target: at(field, vec![]),
        delta,
    }
}

fn insert(field: &str, index: u32) -> Instruction {
    Instruction::ArrayInsert {
        target: at(field, vec![PathElement::Index(index)]),
        value: Payload::Value(Value::Int(0)),
        prior_size: index,
    }
}

fn create() -> Instruction {
    Instruction::CreateObject {
        class: "Dog".into(),
        key: PrimaryKey::Int(1),
    }
}

fn erase() -> Instruction {
    Instruction::EraseObject {
        class: "Dog".into(),
        key: PrimaryKey::Int(1),
    }
}

fn folded(instructions: &[Instruction]) -> Vec<Instruction> {
    let is_plain = |target: &Target| target.field != "mixed".into() && !target.ends_with_index();
    fold(instructions, &is_plain).unwrap_or_else(|| instructions.to_vec())
}

#[test]
fn a_changeset_keeps_the_last_assignment() {
    let two = [set("a", 1), set("b", 2), set("a", 3), default("a", 4)];
    assert_eq!(folded(&two), [set("b", 2), set("a", 3), default("a", 4)]);
    assert_eq!(folded(&[default("a", 1), set("a", 2)]), [set("a", 2)]);
}

#[test]
fn a_changeset_adds_up() {
    let adds = [add("a", 1), set("b", 1), add("a", 2)];
    assert_eq!(folded(&adds), [add("a", 3), set("b", 1)]);
    assert_eq!(
        folded(&[set("a", 5), add("a", 2), add("a", 1)]),
        [set("a", 8)]
    );
    assert_eq!(
        folded(&[set("a", 5), add("a", 2), set("a", 1)]),
        [set("a", 1)]
    );
    let wrapping = [set("a", i64::MAX), add("a", 1)];
    assert_eq!(folded(&wrapping), [set("a", i64::MIN)]);
}

/// A default loses to an explicit value that the addition would be added to; to null nothing is added, but
/// the addition lives on.
#[test]
fn additions_to_a_default_or_to_null_stay() {
    for first in [default("a", 5), assign("a", Value::Null, false)] {
        let both = [first, add("a", 2)];
        assert_eq!(folded(&both), both);
    }
}

#[test]
fn what_is_erased_in_the_end_leaves_the_erasure() {
    let life = [create(), set("a", 1), insert("l", 0), erase()];
    assert_eq!(folded(&life), [erase()]);
    let twice = [
        set("a", 1),
        erase(),
        create(),
        set("a", 2),
        erase(),
        create(),
        set("a", 3),
    ];
    assert_eq!(folded(&twice), [erase(), create(), set("a", 3)]);
}

#[test]
fn lists_and_mixed_values_are_left_alone() {
    let edits = [
        insert("l", 0),
        insert("l", 1),
        set("mixed", 1),
        set("mixed", 2),
    ];
    assert_eq!(folded(&edits), edits);
}

/// A changeset is judged by how it begins: with a creation, nobody had the object.
#[test]
fn the_first_creation_stays_if_another_follows() {
    let set = |value| set("a", value);
    let once = [create(), set(1), erase(), create(), set(2)];
    assert_eq!(folded(&once), [create(), erase(), create(), set(2)]);
    let twice = [&once[..], &[erase(), create(), set(3)]].concat();
    assert_eq!(folded(&twice), [create(), erase(), create(), set(3)]);
    let gone = [&once[..], &[erase()]].concat();
    assert_eq!(folded(&gone), [erase()]);
    let known = [set(1), erase(), create(), set(2), erase(), create()];
    assert_eq!(folded(&known), [erase(), create()]);
}

#[test]
fn nothing_is_folded_across_a_change_of_the_schema() {
    let column = Instruction::EraseColumn {
        class: "Dog".into(),
        field: "b".into(),
    };
    let edits = [set("a", 1), column, set("a", 2)];
    assert_eq!(folded(&edits), edits);
}

/// Something below the place in between: the first assignment made what it acts in.
#[test]
fn edits_below_keep_what_they_act_in() {
    let below = Instruction::Clear {
        target: at("a", vec![PathElement::Key("k".into())]),
        collection: tidemark_changeset::CollectionKind::Dictionary,
    };
    let edits = [set("a", 1), below, set("a", 2)];
    assert_eq!(folded(&edits), edits);
}

/// Commits of one client, each with effects on columns of object 1; the answer are the positions that are
/// left of each.
fn left_of(commits: &[(u64, &[(u16, Effect)])], folds: Folds) -> Vec<Vec<u32>> {
    let mut overwrites = Overwrites::new(folds);
    for (version, (timestamp, edits)) in (1..).zip(commits) {
        let mut footprint = Footprint::default();
        for (column, effect) in *edits {
            footprint.touched(&1, *column, &[], *effect);
        }
        let committed = Committed {
            version,
            timestamp: *timestamp,
        };
        overwrites.commit(committed, footprint, &|_, column| column == 9);
    }
    (1..)
        .zip(commits)
        .map(|(version, (_, edits))| {
            let length = u32::try_from(edits.len()).expect("few");
            overwrites.take_out(version, (0..length).collect())
        })
        .collect()
}

use Effect::{Add, Assign, Default as AsDefault, Other};

#[test]
fn a_later_commit_overwrites() {
    let left = left_of(
        &[
            (10, &[(0, Assign), (1, Assign)]),
            (20, &[(0, Add)]),
            (30, &[(0, Assign)]),
            (40, &[(0, Assign)]),
        ],
        Folds::ALL,
    );
    assert_eq!(left, [vec![1], vec![], vec![], vec![0]]);
}

#[test]
fn a_commit_of_an_earlier_time_overwrites_nothing() {
    let left = left_of(&[(20, &[(0, Assign)]), (10, &[(0, Assign)])], Folds::ALL);
    assert_eq!(left, [vec![0], vec![0]]);
    // Nor is anything overwritten beyond it: it stands in between.
    let commits: [(u64, &[_]); 3] = [
        (10, &[(0, Assign)]),
        (50, &[(0, Add)]),
        (20, &[(0, Assign)]),
    ];
    assert_eq!(left_of(&commits, Folds::ALL), [vec![0], vec![0], vec![0]]);
}

#[test]
fn defaults_and_additions_overwrite_nothing() {
    for second in [AsDefault, Add, Other] {
        let left = left_of(&[(10, &[(0, Assign)]), (20, &[(0, second)])], Folds::ALL);
        assert_eq!(left, [vec![0], vec![0]], "{second:?}");
    }
}

#[test]
fn something_else_in_between_separates() {
    let commits: [(u64, &[_]); 3] = [
        (10, &[(0, Assign)]),
        (20, &[(0, Other)]),
        (30, &[(0, Assign)]),
    ];
    assert_eq!(left_of(&commits, Folds::ALL), [vec![0], vec![0], vec![0]]);
}

#[test]
fn what_views_depend_on_stays_with_all_that_was_written_beside_it() {
    let commits: [(u64, &[_]); 4] = [
        (10, &[(0, Assign)]),
        (20, &[(0, Assign), (9, Assign)]),
        (30, &[(0, Assign)]),
        (40, &[(0, Assign)]),
    ];
    assert_eq!(
        left_of(&commits, Folds::ALL),
        [vec![0], vec![0, 1], vec![], vec![0]]
    );
}

#[test]
fn sent_and_separated_entries_stay() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    let commit = |overwrites: &mut Overwrites<u8>, version| {
        let mut footprint = Footprint::default();
        footprint.touched(&1, 0, &[], Assign);
        let committed = Committed {
            version,
            timestamp: version,
        };
        overwrites.commit(committed, footprint, &|_, _| false)
    };
    assert!(commit(&mut overwrites, 1).is_empty());
    assert_eq!(commit(&mut overwrites, 2), [1], "all of it is needless");
    overwrites.sent(2);
    assert!(commit(&mut overwrites, 3).is_empty());
    overwrites.separate();
    assert!(commit(&mut overwrites, 4).is_empty());
    assert_eq!(commit(&mut overwrites, 5), [4]);
    assert!(overwrites.is_pending(4) && !overwrites.is_pending(3));
}

#[test]
fn an_entry_that_is_not_what_was_counted_stays_whole() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    for version in 1..=2 {
        let mut footprint = Footprint::default();
        footprint.touched(&1, 0, &[], Assign);
        let timestamp = version;
        let committed = Committed { version, timestamp };
        overwrites.commit(committed, footprint, &|_, _| false);
    }
    assert!(overwrites.is_pending(1));
    assert_eq!(overwrites.take_out(1, vec!['a', 'b']), ['a', 'b']);
    assert!(!overwrites.is_pending(1));
}

/// A client that always has something unsent, and keeps writing elsewhere while older entries leave.
#[test]
fn what_is_remembered_is_bounded_also_while_entries_leave() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    let mut most = 0;
    for version in 1..=CANDIDATES_MAX as u64 + 1_000 {
        let mut footprint = Footprint::default();
        footprint.touched(&version, 0, &[], Assign);
        let timestamp = version;
        let committed = Committed { version, timestamp };
        overwrites.commit(committed, footprint, &|_, _| false);
        overwrites.sent(version - 1);
        if version % 1_000 == 0 {
            most = most.max(overwrites.remembered());
        }
    }
    assert!(most <= CANDIDATES_MAX, "{most} remembered");
    assert!(overwrites.remembered() < 1_000, "all were forgotten once");
}

#[test]
fn of_one_object_the_newest_places_are_remembered() {
    const OBJECT_CANDIDATES: u16 = 256;
    let mut overwrites = Overwrites::new(Folds::ALL);
    let mut commit = |version, columns: std::ops::RangeInclusive<u16>| {
        let mut footprint = Footprint::default();
        for column in columns {
            footprint.touched(&1, column, &[], Assign);
        }
        let timestamp = version;
        let committed = Committed { version, timestamp };
        overwrites.commit(committed, footprint, &|_, _| false);
        assert!(overwrites.remembered() <= usize::from(OBJECT_CANDIDATES));
        [1, 2].map(|version| overwrites.is_pending(version))
    };
    assert_eq!(commit(1, 0..=0), [false, false]);
    // The first one of these takes the place of the one above.
    assert_eq!(commit(2, 1..=OBJECT_CANDIDATES), [false, false]);
    assert_eq!(commit(3, 0..=0), [false, false]);
    assert_eq!(commit(4, 2..=2), [false, true]);
}

/// So much would have to be kept of it that it is not worth it: nothing before it is overwritten after it.
#[test]
fn a_write_with_too_many_marks_separates() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    let mut commit = |version, object, places: usize| {
        let mut footprint = Footprint::default();
        for place in 0..places {
            let key: Name = place.to_string().as_str().into();
            footprint.touched(&object, 0, &[key], Assign);
        }
        let timestamp = version;
        let committed = Committed { version, timestamp };
        overwrites.commit(committed, footprint, &|_, _| false);
        overwrites.remembered()
    };
    assert_eq!(commit(1, 1, 1), 1);
    assert_eq!(commit(2, 2, MARKS_MAX), 1 + 256);
    assert_eq!(commit(3, 2, MARKS_MAX + 1), 0);
    assert_eq!(commit(4, 1, 1), 1);
    assert!(!overwrites.is_pending(1));
}

/// Of each changeset one instruction in three is overwritten: too few for writing it anew.
#[test]
fn how_many_changesets_are_followed_is_bounded() {
    const COMMITS: u64 = CANDIDATES_MAX as u64 + 1_000;
    let mut overwrites = Overwrites::new(Folds::ALL);
    for version in 1..=COMMITS {
        let mut footprint = Footprint::default();
        footprint.touched(&version, 0, &[], Assign);
        footprint.touched(&version, 1, &[], Assign);
        footprint.touched(&(version - 1), 0, &[], Assign);
        let timestamp = version;
        let committed = Committed { version, timestamp };
        overwrites.commit(committed, footprint, &|_, _| false);
    }
    assert!(overwrites.entries() <= CANDIDATES_MAX);
    // The oldest are those that are forgotten.
    assert!(overwrites.is_pending(COMMITS - 1) && !overwrites.is_pending(1));
}

#[test]
fn an_erasure_overwrites_whatever_the_time() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    let mut first = Footprint::default();
    first.touched(&1, 0, &[], Assign);
    first.touched(&1, 1, &[], Add);
    first.touched(&1, 2, &[], Other);
    let committed = |version, timestamp| Committed { version, timestamp };
    overwrites.commit(committed(1, 90), first, &|_, _| false);
    let mut second = Footprint::default();
    second.erased(&1);
    overwrites.commit(committed(2, 10), second, &|_, _| false);
    assert_eq!(overwrites.take_out(1, vec![0, 1, 2]), [2]);
}

/// Writing an entry anew is asked for when three quarters of what is stored are needless, and again after
/// that.
#[test]
fn entries_are_written_anew_when_it_is_worth_it() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    let mut stored: Vec<u16> = (0..8).collect();
    let mut footprint = Footprint::default();
    for column in 0..8 {
        footprint.touched(&1, column, &[], Assign);
    }
    let committed = |version| Committed {
        version,
        timestamp: 1,
    };
    overwrites.commit(committed(1), footprint, &|_, _| false);
    let mut written = Vec::new();
    for column in 0..8_u16 {
        let mut footprint = Footprint::default();
        footprint.touched(&1, column, &[], Assign);
        let due = overwrites.commit(committed(2 + u64::from(column)), footprint, &|_, _| false);
        if due.contains(&1) {
            stored = overwrites.take_out(1, stored);
            written.push((column, stored.clone()));
        }
    }
    assert_eq!(written, [(5, vec![6, 7]), (7, vec![])]);
}

/// However long the history is: less is written anew than was committed.
#[test]
fn writing_anew_costs_less_than_committing_did() {
    const UPDATES: u64 = 100;
    const COMMITS: u64 = 2_000;
    let mut overwrites = Overwrites::new(Folds::ALL);
    let mut stored = std::collections::BTreeMap::new();
    let (mut random, mut written) = (7_u64, 0);
    for version in 1..=COMMITS {
        let mut footprint = Footprint::default();
        for _ in 0..UPDATES {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            footprint.touched(&((random >> 33) % 5_000), 0, &[], Assign);
        }
        stored.insert(version, vec![(); usize::try_from(UPDATES).expect("small")]);
        let timestamp = version;
        let committed = Committed { version, timestamp };
        for due in overwrites.commit(committed, footprint, &|_, _| false) {
            let kept = overwrites.take_out(due, stored.remove(&due).expect("stored"));
            written += kept.len();
            stored.insert(due, kept);
        }
    }
    let left: usize = stored.values().map(Vec::len).sum();
    let committed = usize::try_from(UPDATES * COMMITS).expect("small");
    assert!(written < committed / 2, "{written} written anew");
    assert!(left < 4 * 5_000, "{left} left");
}

#[test]
fn nothing_to_shorten_is_nothing_new() {
    let is_plain = |_: &Target| true;
    for edits in [
        vec![],
        vec![set("a", 1)],
        vec![default("a", 1), add("a", 2), set("b", 1)],
        vec![create(), insert("l", 0)],
    ] {
        assert_eq!(fold(&edits, &is_plain), None);
    }
}

/// An edit of a list, or of anything that is no plain value, keeps what is at its place, above it and below
/// it; elements of a list count as one place, since edits shift them.
#[test]
fn an_edit_keeps_what_it_meets() {
    let key = |name: &str| PathElement::Key(name.into());
    let index = PathElement::Index;
    let put = |path: &[PathElement], number| Instruction::Update {
        target: at("a", path.to_vec()),
        value: Payload::Value(Value::Int(number)),
        kind: UpdateKind::Property { is_default: false },
    };
    let clear = |field: &str, path: &[PathElement]| Instruction::Clear {
        target: at(field, path.to_vec()),
        collection: tidemark_changeset::CollectionKind::List,
    };
    let place = [key("k"), index(1), key("x")];
    let cases = [
        (clear("a", &place), true),
        (clear("a", &place[..1]), true),
        (clear("a", &[key("k"), index(1), key("x"), key("y")]), true),
        (clear("a", &[key("k"), index(7)]), true),
        (clear("a", &[key("k"), key("1")]), false),
        (clear("a", &[key("l"), index(1), key("x")]), false),
        (clear("a", &[key("k"), index(1), key("y")]), false),
        (clear("b", &place), false),
    ];
    for (between, meets) in cases {
        let edits = [put(&place, 1), between.clone(), put(&place, 2)];
        let shorter = [between, put(&place, 2)];
        let expected = if meets { &edits[..] } else { &shorter[..] };
        assert_eq!(folded(&edits), expected);
    }
}

#[test]
fn an_assignment_is_known_by_its_value() {
    let marker = Instruction::Update {
        target: at("a", vec![]),
        value: Payload::List,
        kind: UpdateKind::Property { is_default: false },
    };
    let element = Instruction::Update {
        target: at("a", vec![PathElement::Index(0)]),
        value: Payload::Value(Value::Int(1)),
        kind: UpdateKind::Element { prior_size: 1 },
    };
    let found = [
        set("a", 1),
        default("a", 1),
        add("a", 1),
        marker,
        element,
        erase(),
    ];
    assert_eq!(
        found.each_ref().map(effect),
        [Assign, AsDefault, Add, Other, Other, Other]
    );
}
