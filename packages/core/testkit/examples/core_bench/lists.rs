//! The merge of long histories of one list alone: insertions and erasures anywhere in it, as many of each.
//!
//! The list had as many elements as each side has edits. Instructions in, instructions out; no bytes, no
//! store.

use tidemark_changeset::{Instruction, PathElement, Payload, Value};
use tidemark_testkit::dice::Dice;
use tidemark_transform::{Branch, Rules, merge, merge_pairwise};

use crate::device::target;
use crate::{Bench, timed};

const SIZES: [u32; 6] = [1_250, 2_500, 5_000, 10_000, 25_000, 50_000];

pub fn measure(bench: &mut Bench) {
    let wants_exponent = bench.wants("list-merge-exponent");
    let wants_memory = bench.wants("list-merge-memory");
    let mut points = Vec::new();
    for full in SIZES {
        let is_figure = [5_000, 50_000].contains(&full);
        let name = format!("list-merge-{full}");
        let wanted = is_figure && bench.wants(&name);
        if !(wanted || wants_exponent || (wants_memory && full == 50_000)) {
            continue;
        }
        eprintln!("{name} …");
        let sides = sides(bench.count(full));
        let took_ms = bench.least_ms(|| {
            let [mut ours, mut theirs] = sides.clone();
            let (took, merged) = timed(|| merge(&mut ours, &mut theirs, Rules::CORRECTED));
            merged.expect("histories of one list");
            took
        });
        points.push((f64::from(bench.count(full)), took_ms));
        if wanted {
            Bench::figure(&name, "ms", took_ms);
        }
    }
    if wants_exponent {
        Bench::figure("list-merge-exponent", "exponent", exponent(&points));
    }
    if wants_memory && let Some(kilobytes) = memory_peak_kb() {
        Bench::figure("list-merge-memory", "MB", kilobytes / 1000.0);
    }
    pairwise(bench);
}

/// All pairs, for comparison.
fn pairwise(bench: &mut Bench) {
    if bench.wants("list-merge-5000-pairwise") {
        let sides = sides(bench.count(5_000));
        let took_ms = bench.least_ms(|| {
            let [mut ours, mut theirs] = sides.clone();
            let (took, merged) = timed(|| merge_pairwise(&mut ours, &mut theirs, Rules::CORRECTED));
            merged.expect("histories of one list");
            took
        });
        Bench::figure("list-merge-5000-pairwise", "ms", took_ms);
    }
}

fn sides(count: u32) -> [Vec<Branch>; 2] {
    [(1, 10), (2, 20)]
        .map(|(ident, timestamp)| vec![Branch::new(timestamp, ident, edits(ident, count, count))])
}

fn edits(seed: u64, count: u32, mut size: u32) -> Vec<Instruction> {
    let mut dice = Dice::new(seed);
    let mut step = |_| {
        let inserts = size == 0 || dice.below(2) == 0;
        let places = size as usize + usize::from(inserts);
        let index = u32::try_from(dice.below(places)).expect("below a size");
        let target = target("Item", 0, "list", &[PathElement::Index(index)]);
        let prior_size = size;
        if inserts {
            size += 1;
            let value = Payload::Value(Value::Int(1));
            Instruction::ArrayInsert {
                target,
                value,
                prior_size,
            }
        } else {
            size -= 1;
            Instruction::ArrayErase { target, prior_size }
        }
    };
    (0..count).map(&mut step).collect()
}

/// The slope of the logarithm of the time by that of the size: 1 for linear, 2 for quadratic.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = f64::from(u32::try_from(logs.len()).unwrap_or(1));
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    covariance / logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

/// The most memory that this process had, where the operating system says so.
fn memory_peak_kb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
