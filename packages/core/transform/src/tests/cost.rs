//! What a merge costs, counted in visited pairs.

use tidemark_changeset::{
    Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use crate::driver::visits;
use crate::{Branch, Rules, merge};

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
