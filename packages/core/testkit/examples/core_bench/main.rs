//! Benchmarks of the core without languages around it: `cargo run --release -p tidemark-testkit --example
//! core_bench -- [--quick] [NAME…]`.
//!
//! Each figure is one JSON object a line on standard output, `{"name","unit","value"}`; what is going on
//! goes to standard error. A name chooses figures: itself, or a beginning of it up to a hyphen (`core-T5`,
//! `core-merge`, `list-merge`). The value is the least of several rounds, each with fresh data;
//! `docs/benchmarks.md` says what each figure means.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it measures time and says so"
)]

mod database;
mod device;
mod integrate;
mod lists;
mod offline;

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What to measure, and how.
pub struct Bench {
    quick: bool,
    chosen: Vec<String>,
    /// The names that there are.
    names: Vec<String>,
    /// Only names are asked for.
    is_listing: bool,
}

impl Bench {
    /// Whether a figure is wanted. A name that is asked for here is one that there is.
    pub fn wants(&mut self, name: &str) -> bool {
        self.names.push(name.to_owned());
        let chosen = |wanted: &String| {
            let rest = name.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        !self.is_listing && (self.chosen.is_empty() || self.chosen.iter().any(chosen))
    }

    /// Whether any figure is wanted whose name begins so.
    pub fn asks_for(&self, beginning: &str) -> bool {
        let alike = |wanted: &String| {
            wanted.starts_with(beginning) || beginning.starts_with(wanted.as_str())
        };
        !self.is_listing && (self.chosen.is_empty() || self.chosen.iter().any(alike))
    }

    /// A number of objects or edits: a fiftieth in a quick run, with at least ten.
    pub fn count(&self, full: u32) -> u32 {
        if self.quick {
            (full / 50).max(10)
        } else {
            full
        }
    }

    /// Prints a figure.
    pub fn figure(name: &str, unit: &str, value: f64) {
        let value = format!("{value:.4}").parse().unwrap_or(value);
        let line = serde_json::json!({ "name": name, "unit": unit, "value": value });
        println!("{line}");
    }

    /// Measures what `work` says that it took, several times, and answers the least in milliseconds.
    pub fn least_ms(&self, mut work: impl FnMut() -> Duration) -> f64 {
        let rounds = if self.quick { 1 } else { 5 };
        let least = (0..rounds).map(|_| work()).min().unwrap_or_default();
        least.as_secs_f64() * 1000.0
    }

    /// Measures and prints, if the figure is wanted.
    pub fn measure(&mut self, name: &str, work: impl FnMut() -> Duration) {
        if self.wants(name) {
            eprintln!("{name} …");
            Self::figure(name, "ms", self.least_ms(work));
        }
    }
}

/// What something takes by the clock, and what it gives: where disks are waited for.
pub fn timed_by_clock<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let given = work();
    (start.elapsed(), given)
}

/// What something takes of the processor, and what it gives. Neighbours of the machine do not count, as they
/// would by the clock, which serves where the operating system does not tell.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = processor_time();
    let (took, given) = timed_by_clock(work);
    let spent = before.and_then(|before| processor_time()?.checked_sub(before));
    (spent.unwrap_or(took), given)
}

/// Time that this thread had the processor for, on Linux. It is brought up to date when the thread gives way.
fn processor_time() -> Option<Duration> {
    std::thread::yield_now();
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = status.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds)).filter(|time| !time.is_zero())
}

fn all(bench: &mut Bench) {
    // Lists first: the most memory that the process had is theirs only before the others.
    lists::measure(bench);
    integrate::measure(bench);
    offline::measure(bench);
    database::measure(bench);
}

fn main() -> ExitCode {
    let mut chosen: Vec<String> = std::env::args().skip(1).collect();
    let before = chosen.len();
    chosen.retain(|argument| argument != "--quick");
    let quick = chosen.len() < before;
    let mut bench = Bench {
        quick,
        chosen,
        names: Vec::new(),
        is_listing: true,
    };
    all(&mut bench);
    bench.is_listing = false;
    let names = std::mem::take(&mut bench.names);
    let known = |wanted: &&String| {
        names.iter().any(|name| {
            let rest = name.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    if let Some(unknown) = bench.chosen.iter().find(|wanted| !known(wanted)) {
        eprintln!(
            "no figure is called {unknown}; there are: {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    }
    all(&mut bench);
    ExitCode::SUCCESS
}
