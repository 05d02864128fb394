//! How long merges take: `cargo run --release -p tidemark-transform --example speed`.
//!
//! For long histories of one list it also shows what visiting all pairs takes, where that ends in reasonable
//! time, and how the time grows. Names given as arguments choose groups: `lists`, `pairs`, `others`; and
//! `large` for 50,000 edits on each side alone, `large-pairs` for the minutes that all their pairs take.

use std::time::{Duration, Instant};

use tidemark_changeset::{
    Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use tidemark_transform::{Branch, Rules, TransformError, merge, merge_pairwise};

type Merge = fn(&mut [Branch], &mut [Branch], Rules) -> Result<(), TransformError>;

fn target(key: i64, path: &[PathElement]) -> Target {
    Target {
        class: "T".into(),
        key: PrimaryKey::Int(key),
        field: "f".into(),
        path: path.to_vec(),
    }
}

/// What the best of several runs takes of the processor, or by the clock where the operating system does not
/// tell: others use the machine too.
fn time(merge: Merge, ours: &[Branch], theirs: &[Branch]) -> Duration {
    let run = || {
        let (mut ours, mut theirs) = (ours.to_vec(), theirs.to_vec());
        let start = now();
        merge(&mut ours, &mut theirs, Rules::CORRECTED).expect("mergeable");
        now().saturating_sub(start)
    };
    let mut best = run();
    let mut total = best;
    while total < Duration::from_millis(500) {
        let took = run();
        (best, total) = (best.min(took), total + took);
    }
    best
}

/// Processor time of this thread, on Linux; it is brought up to date when the thread gives way.
#[allow(clippy::disallowed_methods, reason = "measuring is what this is for")]
fn now() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    std::thread::yield_now();
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = status.split(' ').next().and_then(|text| text.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn whole(timestamp: u64, ident: u64, instructions: Vec<Instruction>) -> Vec<Branch> {
    vec![Branch::new(timestamp, ident, instructions)]
}

/// Every instruction a changeset of its own, of times that rise by two.
fn each(start: u64, ident: u64, instructions: Vec<Instruction>) -> Vec<Branch> {
    let times = (0..).map(|at| start + 2 * at);
    let each = instructions.into_iter().zip(times);
    each.map(|(instruction, time)| Branch::new(time, ident, vec![instruction]))
        .collect()
}

fn insert(at: u32, prior_size: u32) -> Instruction {
    Instruction::ArrayInsert {
        target: target(1, &[PathElement::Index(at)]),
        value: Payload::Value(Value::Int(1)),
        prior_size,
    }
}

fn erase(at: u32, prior_size: u32) -> Instruction {
    Instruction::ArrayErase {
        target: target(1, &[PathElement::Index(at)]),
        prior_size,
    }
}

/// Numbers by chance, the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = (mixed ^ (mixed >> 31)) % u64::from(end.max(1));
        u32::try_from(number).expect("below a u32")
    }
}

/// As many insertions as erasures, anywhere in a list that had `size` elements.
fn anywhere(seed: u64, count: u32, mut size: u32) -> Vec<Instruction> {
    let mut random = Random(seed);
    let mut step = |_| {
        if size > 0 && random.below(2) == 0 {
            size -= 1;
            erase(random.below(size + 1), size + 1)
        } else {
            size += 1;
            insert(random.below(size), size - 1)
        }
    };
    (0..count).map(&mut step).collect()
}

fn in_front(count: u32) -> Vec<Instruction> {
    (0..count).map(|done| insert(0, 10 + done)).collect()
}

fn behind(count: u32) -> Vec<Instruction> {
    (0..count)
        .map(|done| insert(10 + done, 10 + done))
        .collect()
}

/// Half of the edits empty a list, the others fill it again.
fn retyped(count: u32) -> Vec<Instruction> {
    let half = count / 2;
    let erased = (0..half).map(|done| erase(half - 1 - done, half - done));
    erased
        .chain((0..half).map(|done| insert(done, done)))
        .collect()
}

/// Erasures of all elements, from the front or from the back.
fn emptied(count: u32, front: bool) -> Vec<Instruction> {
    (0..count)
        .map(|done| count - done)
        .map(|size| erase(if front { 0 } else { size - 1 }, size))
        .collect()
}

fn moves(seed: u64, count: u32) -> Vec<Instruction> {
    let mut random = Random(seed);
    let mut step = |_| {
        let from = random.below(1_000);
        Instruction::ArrayMove {
            target: target(1, &[PathElement::Index(from)]),
            to: (from + 1 + random.below(999)) % 1_000,
            prior_size: 1_000,
        }
    };
    (0..count).map(&mut step).collect()
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

/// Both sides of a merge, of a length.
type Workload = fn(u32) -> (Vec<Branch>, Vec<Branch>);

const LISTS: [(&str, Workload); 10] = [
    ("random, list of as many", |count| {
        (
            whole(10, 2, anywhere(1, count, count)),
            whole(10, 3, anywhere(2, count, count)),
        )
    }),
    ("random, empty list", |count| {
        (
            whole(10, 2, anywhere(1, count, 0)),
            whole(10, 3, anywhere(2, count, 0)),
        )
    }),
    ("random, each a changeset", |count| {
        (
            each(10, 2, anywhere(1, count, count)),
            each(11, 3, anywhere(2, count, count)),
        )
    }),
    ("in front", |count| {
        (whole(10, 2, in_front(count)), whole(10, 3, in_front(count)))
    }),
    ("behind", |count| {
        (whole(20, 2, behind(count)), whole(10, 3, behind(count)))
    }),
    ("behind, each a changeset", |count| {
        (each(10, 2, behind(count)), each(11, 3, behind(count)))
    }),
    ("in front, each a changeset", |count| {
        (each(10, 2, in_front(count)), each(11, 3, in_front(count)))
    }),
    ("emptied and retyped, random", |count| {
        (
            whole(10, 2, retyped(count)),
            whole(10, 3, anywhere(2, count, count / 2)),
        )
    }),
    ("random, emptied and retyped", |count| {
        (
            whole(10, 2, anywhere(2, count, count / 2)),
            whole(10, 3, retyped(count)),
        )
    }),
    ("emptied from both ends", |count| {
        (
            whole(10, 2, emptied(count, true)),
            whole(10, 3, emptied(count, false)),
        )
    }),
];

const PAIRS: [(&str, Workload); 2] = [
    ("moves", |count| {
        (whole(10, 2, moves(1, count)), whole(10, 3, moves(2, count)))
    }),
    ("insertions, edits inside elements", |count| {
        (whole(10, 2, in_front(count)), whole(10, 3, elements(count)))
    }),
];

/// The slope of the logarithm of the time by that of the size: 1 for linear, 2 for quadratic.
fn exponent(points: &[(u32, Duration)]) -> f64 {
    let count = f64::from(u32::try_from(points.len()).expect("few"));
    let logs: Vec<_> = points
        .iter()
        .map(|(size, took)| (f64::from(*size).ln(), took.as_secs_f64().ln()))
        .collect();
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

#[allow(clippy::print_stdout, reason = "the numbers are the result")]
fn grow(name: &str, workload: Workload, sizes: &[u32], pairwise_up_to: u32) {
    let mut points = Vec::new();
    for size in sizes {
        let (ours, theirs) = workload(*size);
        let took = time(merge, &ours, &theirs);
        points.push((*size, took));
        let label = format!("{name} {size} x {size}");
        if *size <= pairwise_up_to {
            let all = time(merge_pairwise, &ours, &theirs);
            println!("{label:50} {took:12.2?}   all pairs {all:12.2?}");
        } else {
            println!("{label:50} {took:12.2?}");
        }
    }
    if points.len() > 1 {
        println!("{name:50} grows with exponent {:.2}", exponent(&points));
    }
}

/// What the operating system has given to this process at most, where it says so.
#[allow(clippy::print_stdout, reason = "the numbers are the result")]
fn print_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        println!("peak memory {}", line.trim_start_matches("VmHWM:").trim());
    }
}

#[allow(clippy::print_stdout, reason = "the numbers are the result")]
fn others() {
    let report = |name: &str, ours: Vec<Instruction>, theirs: Vec<Instruction>| {
        let took = time(merge, &whole(10, 2, ours), &whole(10, 3, theirs));
        println!("{name:50} {took:12.2?}");
    };
    report(
        "set insertions 5000 x 5000, disjoint",
        set_insertions(0..5000),
        set_insertions(5000..10_000),
    );
    report(
        "32 000 x 32 000 on disjoint objects",
        objects(0..16_000),
        objects(16_000..32_000),
    );
    report(
        "32 000 x 32 000 on the same objects",
        objects(0..16_000),
        objects(0..16_000),
    );
    report(
        "1 x 200 000 on other objects",
        objects(0..1),
        objects(1..100_000),
    );
}

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|other| other == name);
    let sizes = [1_250, 2_500, 5_000, 10_000, 25_000, 50_000];
    if wanted("lists") {
        for (name, workload) in LISTS {
            grow(name, workload, &sizes, 5_000);
        }
    }
    for (name, pairwise_up_to) in [("large", 0), ("large-pairs", 50_000)] {
        if chosen.iter().any(|other| other == name) {
            grow(LISTS[0].0, LISTS[0].1, &[50_000], pairwise_up_to);
        }
    }
    if wanted("pairs") {
        for (name, workload) in PAIRS {
            grow(name, workload, &sizes[..3], 0);
        }
    }
    if wanted("others") {
        others();
    }
    print_memory();
}
