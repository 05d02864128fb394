//! What a merge costs, counted in visited pairs.

use tidemark_changeset::{
    Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use super::generate::Random;
use crate::driver::visits;
use crate::{Branch, Budget, MergeOptions, Rules, TransformError, merge, merge_reporting};

fn target(key: i64, path: &[PathElement]) -> Target {
    Target {
        class: "T".into(),
        key: PrimaryKey::Int(key),
        field: "f".into(),
        path: path.to_vec(),
    }
}

/// As many objects as `keys` has, each created and updated once.
fn objects(keys: std::ops::Range<i64>) -> Vec<Instruction> {
    keys.flat_map(|key| {
        let create = Instruction::CreateObject {
            class: "T".into(),
            key: PrimaryKey::Int(key),
        };
        let update = Instruction::Update {
            target: target(key, &[]),
            value: Payload::Value(Value::Int(key)),
            kind: UpdateKind::Property { is_default: false },
        };
        [create, update]
    })
    .collect()
}

fn pairs_visited(ours: &[Instruction], theirs: &[Instruction]) -> u64 {
    let mut ours = [Branch::new(10, 2, ours.to_vec())];
    let mut theirs = [Branch::new(10, 3, theirs.to_vec())];
    visits::during(|| merge(&mut ours, &mut theirs, Rules::CORRECTED).expect("mergeable"))
}

/// Of a million pairs, those on different objects are never visited.
#[test]
fn the_cost_follows_conflicts() {
    assert_eq!(pairs_visited(&objects(0..500), &objects(500..1_000)), 0);
    let on_the_same = pairs_visited(&objects(0..500), &objects(0..500));
    assert!((500..=2_000).contains(&on_the_same), "{on_the_same}");
}

#[test]
fn a_merge_ends_with_its_budget_and_changes_nothing_then() {
    let visited = pairs_visited(&objects(0..50), &objects(0..50));
    let mut ours = [Branch::new(10, 2, objects(0..50))];
    let mut theirs = [Branch::new(10, 3, objects(0..50))];
    let before = (ours.clone(), theirs.clone());
    let mut merge_within = |pairs| {
        let budget = Budget::new(pairs);
        let options = MergeOptions {
            budget: Some(&budget),
            ..MergeOptions::default()
        };
        let merged = merge_reporting(&mut ours, &mut theirs, Rules::CORRECTED, options);
        merged
            .map(|_| ())
            .inspect_err(|_| assert_eq!((&ours, &theirs), (&before.0, &before.1)))
    };
    let refused = merge_within(visited - 1);
    assert_eq!(refused, Err(TransformError::TooManyPairs));
    assert_eq!(merge_within(visited), Ok(()));
}

fn edit(index: u32, prior_size: u32, inserts: bool) -> Instruction {
    let target = target(1, &[PathElement::Index(index)]);
    if inserts {
        Instruction::ArrayInsert {
            target,
            value: Payload::Value(Value::Int(1)),
            prior_size,
        }
    } else {
        Instruction::ArrayErase { target, prior_size }
    }
}

/// Insertions and erasures anywhere in a list that had `size` elements.
fn anywhere(seed: u64, count: u32, mut size: u32) -> Vec<Instruction> {
    let mut random = Random(seed);
    let mut step = |_| {
        let inserts = size == 0 || random.one_in(2);
        let places = size + u32::from(inserts);
        let index = u32::try_from(random.below(places as usize)).expect("below a u32");
        let prior_size = size;
        size = if inserts { size + 1 } else { size - 1 };
        edit(index, prior_size, inserts)
    };
    (0..count).map(&mut step).collect()
}

/// Embedded objects: every third edit is one inside an element.
fn embedded(seed: u64, count: u32, mut size: u32) -> Vec<Instruction> {
    let mut random = Random(seed);
    let edits = anywhere(seed, count - count / 3, size).into_iter();
    let mut made = Vec::new();
    for (at, edit) in edits.enumerate() {
        match edit {
            Instruction::ArrayInsert { prior_size, .. } => size = prior_size + 1,
            Instruction::ArrayErase { prior_size, .. } => size = prior_size - 1,
            _ => {}
        }
        made.push(edit);
        if at % 2 == 1 && size > 0 {
            let index = u32::try_from(random.below(size as usize)).expect("below a u32");
            let path = [PathElement::Index(index), PathElement::Key("x".into())];
            made.push(Instruction::Update {
                target: target(1, &path),
                value: Payload::Value(Value::Int(1)),
                kind: UpdateKind::Property { is_default: false },
            });
        }
    }
    made
}

/// Edits of a list inside of something, every third one an assignment of an element.
fn assigned(seed: u64, count: u32, size: u32) -> Vec<Instruction> {
    let container = [PathElement::Key("c".into()), PathElement::Index(2)];
    let mut made = embedded(seed, count, size);
    let mut size = size;
    for instruction in &mut made {
        let (target, changed) = match instruction {
            Instruction::ArrayInsert {
                target, prior_size, ..
            } => (target, *prior_size + 1),
            Instruction::ArrayErase { target, prior_size } => (target, *prior_size - 1),
            Instruction::Update { target, kind, .. } => {
                target.path.pop();
                *kind = UpdateKind::Element { prior_size: size };
                (target, size)
            }
            _ => continue,
        };
        size = changed;
        target.path.splice(0..0, container.clone());
    }
    made
}

/// Everything erased from the back, and as much inserted again.
fn retyped(count: u32) -> Vec<Instruction> {
    let half = count / 2;
    let erased = (0..half).map(|done| edit(half - 1 - done, half - done, false));
    erased
        .chain((0..half).map(|done| edit(done, done, true)))
        .collect()
}

fn typed(count: u32) -> Vec<Instruction> {
    (0..count).map(|done| edit(done, done, true)).collect()
}

/// Each instruction a changeset of its own, of times that rise by two.
fn each(start: u64, ident: u64, instructions: Vec<Instruction>) -> Vec<Branch> {
    let times = (0..).map(|at| start + 2 * at);
    let each = instructions.into_iter().zip(times);
    each.map(|(instruction, time)| Branch::new(time, ident, vec![instruction]))
        .collect()
}

/// Pairs visited, and steps taken to find them, for histories of rising length.
fn work(sides: impl Fn(u32) -> [Vec<Branch>; 2]) -> Vec<(u32, u64, u64)> {
    [1_000, 2_000, 4_000, 8_000]
        .map(|count| {
            let [mut ours, mut theirs] = sides(count);
            let (pairs, steps) = visits::pairs_and_steps(|| {
                merge(&mut ours, &mut theirs, Rules::CORRECTED).expect("mergeable");
            });
            (count, pairs, steps)
        })
        .to_vec()
}

fn whole(ours: Vec<Instruction>, theirs: Vec<Instruction>) -> [Vec<Branch>; 2] {
    [
        vec![Branch::new(10, 2, ours)],
        vec![Branch::new(10, 3, theirs)],
    ]
}

/// Edits anywhere in a list meet few others: what all cost together grows as n log n, of n² pairs.
#[test]
fn the_cost_of_a_list_follows_what_meets() {
    let workloads: [&dyn Fn(u32) -> [Vec<Branch>; 2]; 6] = [
        &|count| whole(anywhere(1, count, count), anywhere(2, count, count)),
        &|count| {
            [
                each(10, 2, anywhere(1, count, 4 * count)),
                each(11, 3, anywhere(2, count, 4 * count)),
            ]
        },
        &|count| whole(embedded(1, count, count), embedded(2, count, count)),
        &|count| whole(assigned(1, count, count), assigned(2, count, count)),
        &|count| whole(retyped(count), anywhere(2, count, count / 2)),
        &|count| whole(anywhere(1, count, count / 2), retyped(count)),
    ];
    for workload in workloads {
        let measured = work(workload);
        for (count, pairs, steps) in &measured {
            let logarithm = u64::from(count.ilog2());
            let bound = 8 * u64::from(*count) * logarithm;
            assert!(pairs + steps <= bound, "{measured:?}");
        }
        // Twice as many cost little more than twice as much; of pairs there are four times as many.
        for [(_, pairs, steps), (_, more_pairs, more_steps)] in measured.array_windows() {
            let (cost, more) = (pairs + steps, more_pairs + more_steps);
            assert!(more * 10 <= cost * 25, "{measured:?}");
        }
    }
}

/// Two people who type at one place, each key a changeset: nothing meets but at the ends of runs, where one
/// step passes a whole block.
#[test]
fn typing_at_one_place_is_passed_in_blocks() {
    for measured in [
        work(|count| whole(typed(count), typed(count))),
        work(|count| [each(20, 2, typed(count)), each(11, 3, typed(count))]),
    ] {
        for (count, pairs, steps) in &measured {
            let all = u64::from(*count).pow(2);
            assert!(pairs * 50 <= all && steps * 10 <= all, "{measured:?}");
        }
    }
}
