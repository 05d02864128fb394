//! Random histories of several clients and a server: whatever happens, everybody ends with what its view shows.
//!
//! `TIDEMARK_SEEDS=N` runs N histories per family, `TIDEMARK_SEED=S` one of them with a trace.

mod client;
mod dice;
mod ops;
mod storage;
mod world;

use ops::Features;
use tidemark_ledger::switches::Switches;
use world::{Plan, Tally, World};

const SEEDS: u64 = 60;

fn number(name: &str) -> Option<u64> {
    #[allow(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

const FEATURES: Features = Features { erase: true, skew: true, rich: true, keys: 3 };

const PLAN: Plan = Plan {
    clients: 2,
    steps: 80,
    features: FEATURES,
    roles: true,
    subscriptions: true,
    cuts: true,
    kills: true,
    originals: false,
    switches: Switches::ALL,
    trace: false,
};

fn run(seed: u64, plan: Plan) -> Result<Tally, String> {
    let attempt = std::panic::catch_unwind(|| {
        let mut world = World::new(seed, plan);
        world.run().map(|()| world.tally)
    });
    attempt.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    })
}

fn family(name: &str, plan: Plan, share: u64) -> Tally {
    if let Some(seed) = number("TIDEMARK_SEED") {
        let plan = Plan { trace: true, ..plan };
        if let Err(fault) = run(seed, plan) {
            panic!("{name}, seed {seed}: {fault}");
        }
        return Tally::default();
    }
    let seeds = number("TIDEMARK_SEEDS").unwrap_or(SEEDS) * share / 100;
    let first = number("TIDEMARK_FIRST").unwrap_or(0);
    let mut total = Tally::default();
    let mut faults = Vec::new();
    for seed in first..first + seeds.max(1) {
        match run(seed, plan) {
            Ok(tally) => total = total + tally,
            Err(fault) => faults.push((seed, fault)),
        }
    }
    let summary: Vec<String> =
        faults.iter().take(8).map(|(seed, fault)| format!("seed {seed}: {:.300}", fault)).collect();
    assert!(faults.is_empty(), "{name}: {} of {seeds} fail\n{}", faults.len(), summary.join("\n"));
    total
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            uploads: self.uploads + other.uploads,
            conflicts: self.conflicts + other.conflicts,
            compensations: self.compensations + other.compensations,
            bootstraps: self.bootstraps + other.bootstraps,
            kills: self.kills + other.kills,
            resets: self.resets + other.resets,
        }
    }
}

#[test]
fn two_clients() {
    let tally = family("two clients", PLAN, 200);
    if number("TIDEMARK_SEED").is_none() {
        assert!(tally.uploads > 0 && tally.conflicts > 0 && tally.compensations > 0 && tally.bootstraps > 0);
    }
}

#[test]
fn two_clients_over_one_object() {
    family("one object", Plan { features: Features { keys: 1, ..FEATURES }, steps: 60, ..PLAN }, 150);
}

#[test]
fn three_clients_for_long() {
    family("three clients", Plan { clients: 3, steps: 150, ..PLAN }, 60);
}

#[test]
fn four_clients_that_see_everything() {
    let plan = Plan { clients: 4, steps: 120, roles: false, subscriptions: false, ..PLAN };
    family("four clients", plan, 60);
}

#[test]
fn scalars_and_lists_only() {
    family("scalars and lists", Plan { features: Features { rich: false, ..FEATURES }, ..PLAN }, 150);
}
