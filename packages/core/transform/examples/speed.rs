//! How long merges take: `cargo run --release -p tidemark-transform --example speed`.

use std::time::{Duration, Instant};

use tidemark_changeset::{
    Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use tidemark_transform::{Branch, Rules, merge};

const RUNS: usize = 5;

fn target(key: i64, path: &[PathElement]) -> Target {
    Target {
        class: "T".into(),
        key: PrimaryKey::Int(key),
        field: "f".into(),
        path: path.to_vec(),
    }
}

/// The best of several runs: others use the machine too.
#[allow(clippy::disallowed_methods, reason = "measuring is what this is for")]
fn time(ours: &[Instruction], theirs: &[Instruction]) -> Duration {
    let run = || {
        let mut ours = [Branch::new(10, 2, ours.to_vec())];
        let mut theirs = [Branch::new(10, 3, theirs.to_vec())];
        let start = Instant::now();
        merge(&mut ours, &mut theirs, Rules::CORRECTED).expect("mergeable");
        start.elapsed()
    };
    (0..RUNS).map(|_| run()).min().expect("at least one run")
}

/// `count` insertions into one list that had ten elements.
fn insertions(count: u32) -> Vec<Instruction> {
    (0..count)
        .map(|done| Instruction::ArrayInsert {
            target: target(1, &[PathElement::Index(done * 7 % 10)]),
            value: Payload::Value(Value::Int(1)),
            prior_size: 10 + done,
        })
        .collect()
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

fn elements(count: u32) -> Vec<Instruction> {
    (0..count)
        .map(|done| Instruction::Update {
            target: target(
                1,
                &[PathElement::Index(done % 10), PathElement::Key("x".into())],
            ),
            value: Payload::Value(Value::Int(1)),
            kind: UpdateKind::Property { is_default: false },
        })
        .collect()
}

fn set_insertions(values: std::ops::Range<i64>) -> Vec<Instruction> {
    values
        .map(|value| Instruction::SetInsert {
            target: target(1, &[]),
            value: Payload::Value(Value::Int(value)),
        })
        .collect()
}

#[allow(clippy::print_stdout, reason = "the numbers are the result")]
fn main() {
    let report = |name: &str, took: Duration| println!("{name:50} {took:?}");
    report(
        "list insertions 1000 x 1000",
        time(&insertions(1000), &insertions(1000)),
    );
    report(
        "list insertions 5000 x 5000",
        time(&insertions(5000), &insertions(5000)),
    );
    report(
        "list insertions 5000 x edits inside elements 5000",
        time(&insertions(5000), &elements(5000)),
    );
    report(
        "set insertions 5000 x 5000, disjoint",
        time(&set_insertions(0..5000), &set_insertions(5000..10_000)),
    );
    report(
        "32 000 x 32 000 on disjoint objects",
        time(&objects(0..16_000), &objects(16_000..32_000)),
    );
    report(
        "32 000 x 32 000 on the same objects",
        time(&objects(0..16_000), &objects(0..16_000)),
    );
    report(
        "1 x 200 000 on other objects",
        time(&objects(0..1), &objects(1..100_000)),
    );
}
