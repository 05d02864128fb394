//! Random histories of several clients and a server: whatever happens, everybody ends with what its view
//! shows.
//!
//! `TIDEMARK_SEEDS=N` runs N histories per family, `TIDEMARK_SEED=S` one of them with a trace;
//! `TIDEMARK_SLOW` makes many more of them the default, `TIDEMARK_FIGURES` prints what happened in them.

#![allow(
    clippy::print_stderr,
    reason = "a trace of one history is what one asks for"
)]

mod client;
mod defects;
mod dice;
mod ending;
mod fields;
mod ops;
mod originals;
mod peer;
mod recovery;
mod rights;
mod serving;
mod shadow;
mod show;
mod storage;
mod upkeep;
mod world;

use ops::Features;
use peer::Tally;
use tidemark_ledger::switches::Switches;
use upkeep::Upkeep;
use world::{Plan, Weights, World};

const SEEDS: u64 = 40;

fn number(name: &str) -> Option<u64> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may be told how long to run"
    )]
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

const FEATURES: Features = Features {
    erase: true,
    skew: true,
    rich: true,
    keys: 3,
    defect: None,
};

const PLAN: Plan = Plan {
    clients: 2,
    steps: 80,
    features: FEATURES,
    roles: true,
    fields: false,
    subscriptions: true,
    cuts: true,
    kills: true,
    originals: false,
    own_resets: false,
    switches: Switches::ALL,
    weights: USUAL,
    trace: false,
    upkeep: Upkeep::None,
    shadow: false,
};

const USUAL: Weights = [250, 130, 140, 110, 200, 40, 35, 45, 30, 15, 5];

/// Subscriptions change and connections break all the time.
const RESTLESS: Weights = [200, 130, 170, 110, 170, 20, 90, 120, 90, 10, 5];

fn run(seed: u64, plan: Plan) -> Result<Tally, String> {
    let attempt = std::panic::catch_unwind(|| {
        let mut world = World::new(seed, plan);
        world.run().map(|()| world.tally)
    });
    attempt.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default())
    })
}

fn family(name: &str, plan: Plan, share: u64) -> Tally {
    if let Some(seed) = number("TIDEMARK_SEED") {
        let plan = Plan {
            trace: true,
            ..plan
        };
        if let Err(fault) = run(seed, plan) {
            panic!("{name}, seed {seed}: {fault}");
        }
        return Tally::default();
    }
    let usual = if number("TIDEMARK_SLOW").is_some() {
        SEEDS * 25
    } else {
        SEEDS
    };
    let seeds = number("TIDEMARK_SEEDS").unwrap_or(usual) * share / 100;
    let first = number("TIDEMARK_FIRST").unwrap_or(0);
    let mut total = Tally::default();
    let mut faults = Vec::new();
    for seed in first..first + seeds.max(1) {
        match run(seed, plan) {
            Ok(tally) => total = total + tally,
            Err(fault) => faults.push((seed, fault)),
        }
    }
    let summary: Vec<String> = faults
        .iter()
        .take(8)
        .map(|(seed, fault)| format!("seed {seed}: {fault:.300}"))
        .collect();
    assert!(
        faults.is_empty(),
        "{name}: {} of {seeds} fail\n{}",
        faults.len(),
        summary.join("\n")
    );
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
            refreshes: self.refreshes + other.refreshes,
            resets: self.resets + other.resets,
            own_resets: self.own_resets + other.own_resets,
            refusals: self.refusals + other.refusals,
            recovered: self.recovered + other.recovered,
            discarded: self.discarded + other.discarded,
            dropped: self.dropped + other.dropped,
            late: self.late + other.late,
            trimmed: self.trimmed + other.trimmed,
            folded: self.folded + other.folded,
        }
    }
}

#[test]
fn two_clients() {
    let tally = family("two clients", PLAN, 200);
    if number("TIDEMARK_SEED").is_none() {
        assert!(
            tally.uploads > 0
                && tally.conflicts > 0
                && tally.compensations > 0
                && tally.bootstraps > 0
        );
    }
}

#[test]
fn two_clients_over_one_object() {
    family(
        "one object",
        Plan {
            features: Features {
                keys: 1,
                ..FEATURES
            },
            steps: 60,
            ..PLAN
        },
        150,
    );
}

#[test]
fn three_clients_for_long() {
    family(
        "three clients",
        Plan {
            clients: 3,
            steps: 150,
            ..PLAN
        },
        60,
    );
}

#[test]
fn restless_clients() {
    family(
        "restless",
        Plan {
            weights: RESTLESS,
            steps: 120,
            ..PLAN
        },
        100,
    );
}

#[test]
fn restless_clients_over_one_object() {
    let features = Features {
        keys: 1,
        ..FEATURES
    };
    family(
        "restless, one object",
        Plan {
            weights: RESTLESS,
            features,
            ..PLAN
        },
        150,
    );
}

#[test]
fn four_clients_that_see_everything() {
    let plan = Plan {
        clients: 4,
        steps: 120,
        roles: false,
        subscriptions: false,
        ..PLAN
    };
    family("four clients", plan, 60);
}

#[test]
fn clients_that_merge_by_the_original_rules() {
    let plan = Plan {
        originals: true,
        clients: 3,
        steps: 120,
        ..PLAN
    };
    let tally = family("originals", plan, 100);
    if number("TIDEMARK_CANARIES").is_some() {
        eprintln!("originals: {tally:?}");
    }
}

#[test]
fn upkeep_while_clients_work() {
    for (plan, share) in [(PLAN, 60), (BUSY, 30)] {
        let plan = Plan {
            upkeep: Upkeep::Compaction,
            ..plan
        };
        let tally = family("compaction", plan, share);
        assert!(number("TIDEMARK_SEED").is_some() || tally.trimmed > 0);
    }
}

#[test]
fn clients_that_stay_away_too_long() {
    for (plan, share) in [(PLAN, 40), (BUSY, 30)] {
        let plan = Plan {
            upkeep: Upkeep::Expiry,
            ..plan
        };
        let tally = family("expiry", plan, share);
        assert!(number("TIDEMARK_SEED").is_some() || tally.trimmed > 0 && tally.late > 0);
    }
}

/// With upkeep and without, everybody ends with the same, the server too.
#[test]
fn upkeep_changes_nothing_that_a_client_can_tell() {
    let seeds = (number("TIDEMARK_SEEDS").unwrap_or(SEEDS) / 4).max(2);
    let first = number("TIDEMARK_FIRST").unwrap_or(0);
    let mut trimmed = 0;
    for seed in first..first + seeds {
        let mut end = |upkeep| {
            let plan = Plan {
                kills: false,
                upkeep,
                ..if seed % 2 == 0 { PLAN } else { BUSY }
            };
            let mut world = World::new(seed, plan);
            let ended = world.run();
            ended.unwrap_or_else(|fault| panic!("seed {seed}, {upkeep:?}: {fault}"));
            trimmed += world.tally.trimmed;
            world.end()
        };
        assert_eq!(end(Upkeep::Compaction), end(Upkeep::None), "seed {seed}");
        assert_eq!(end(Upkeep::Absence), end(Upkeep::Awaiting), "seed {seed}");
    }
    assert!(trimmed > 0);
}

/// The server ends with what one ends with that keeps every entry, and compensates the same.
#[test]
fn upkeep_leaves_the_server_where_it_would_be_without() {
    let originals = Plan {
        originals: true,
        ..FOLDABLE
    };
    for (plan, share) in [(FOLDABLE, 60), (originals, 30), (BUSY, 30), (PLAN, 30)] {
        let plan = Plan {
            upkeep: Upkeep::Compaction,
            kills: false,
            shadow: true,
            ..plan
        };
        let tally = family("shadow", plan, share);
        let none = number("TIDEMARK_SEED").is_none();
        assert!(!none || tally.trimmed > 0);
        assert!(!none || plan != FOLDABLE || tally.folded > 0);
    }
}

/// The changesets of an UPLOAD share what was found out about an object; each as an UPLOAD of its own
/// leads to the same.
#[test]
fn an_upload_of_many_changesets_ends_where_as_many_uploads_do() {
    let originals = Plan {
        originals: true,
        ..BUSY
    };
    let restless = Plan {
        weights: RESTLESS,
        ..PLAN
    };
    let few = Features {
        keys: 1,
        ..FEATURES
    };
    let few = Plan {
        features: few,
        ..FOLDABLE
    };
    for (plan, share) in [
        (BUSY, 60),
        (originals, 60),
        (restless, 60),
        (few, 60),
        (PLAN, 60),
    ] {
        let plan = Plan {
            kills: false,
            shadow: true,
            ..plan
        };
        family("one by one", plan, share);
    }
}

/// Few objects, everybody sees all of them and is often away: much is said again.
const FOLDABLE: Plan = Plan {
    clients: 3,
    steps: 150,
    roles: false,
    subscriptions: false,
    ..PLAN
};

/// Three clients, often disconnected.
const BUSY: Plan = Plan {
    clients: 3,
    steps: 150,
    weights: RESTLESS,
    ..PLAN
};

#[test]
fn scalars_and_lists_only() {
    family(
        "scalars and lists",
        Plan {
            features: Features {
                rich: false,
                ..FEATURES
            },
            ..PLAN
        },
        150,
    );
}

#[test]
fn without_keeping_the_log_for_clients_something_fails() {
    let switches = Switches {
        keep_for_clients: false,
        ..Switches::ALL
    };
    let plan = Plan {
        upkeep: Upkeep::Compaction,
        ..SMALL
    };
    canary("keep_for_clients", switches, plan, 0);
}

#[test]
fn without_keeping_the_log_for_derivations_something_fails() {
    let switches = Switches {
        keep_for_derivations: false,
        ..Switches::ALL
    };
    let plan = Plan {
        upkeep: Upkeep::Compaction,
        ..BUSY
    };
    canary("keep_for_derivations", switches, plan, 0);
}

#[test]
fn without_refusing_who_refers_to_the_trimmed_something_fails() {
    let switches = Switches {
        refuse_trimmed: false,
        ..Switches::ALL
    };
    let plan = Plan {
        upkeep: Upkeep::Expiry,
        ..BUSY
    };
    canary("refuse_trimmed", switches, plan, 160);
}

#[test]
fn without_comparing_what_is_folded_something_fails() {
    let switches = Switches {
        fold_by_rank: false,
        ..Switches::ALL
    };
    let plan = Plan {
        upkeep: Upkeep::Compaction,
        kills: false,
        shadow: true,
        ..FOLDABLE
    };
    canary("fold_by_rank", switches, plan, 0);
}

/// With one rule left out some history has to fail: otherwise these tests would prove nothing about it.
/// `first` is near a seed that is known to fail, so that the search is short.
fn canary(name: &str, switches: Switches, plan: Plan, first: u64) {
    const SEEDS: u64 = 2000;
    let plan = Plan { switches, ..plan };
    let failing = (first..first + SEEDS).find(|seed| run(*seed, plan).is_err());
    if number("TIDEMARK_CANARIES").is_some() {
        eprintln!("{name}: {failing:?}");
    }
    assert!(
        failing.is_some(),
        "without the rule \"{name}\" {SEEDS} histories pass"
    );
}

const SMALL: Plan = Plan {
    features: Features {
        keys: 1,
        rich: false,
        ..FEATURES
    },
    steps: 60,
    kills: false,
    ..PLAN
};

#[test]
fn without_erasing_what_a_client_wrote_out_of_its_view_something_fails() {
    canary(
        "own_leaves",
        Switches {
            own_leaves: false,
            ..Switches::ALL
        },
        SMALL,
        280,
    );
}

#[test]
fn without_compensating_collisions_something_fails() {
    canary(
        "collide",
        Switches {
            collide: false,
            ..Switches::ALL
        },
        SMALL,
        0,
    );
}

#[test]
fn without_the_epochs_of_an_object_something_fails() {
    let features = Features {
        erase: false,
        ..SMALL.features
    };
    let plan = Plan {
        roles: false,
        features,
        ..SMALL
    };
    canary(
        "epoch",
        Switches {
            epoch: false,
            ..Switches::ALL
        },
        plan,
        540,
    );
}

#[test]
fn without_the_highest_timestamp_something_fails() {
    let plan = Plan {
        clients: 3,
        steps: 100,
        roles: false,
        ..SMALL
    };
    let switches = Switches {
        highest_timestamp: false,
        ..Switches::ALL
    };
    canary("highest_timestamp", switches, plan, 310);
}

#[test]
fn without_keeping_records_something_fails() {
    let plan = Plan {
        steps: 80,
        features: Features {
            keys: 2,
            ..SMALL.features
        },
        ..SMALL
    };
    canary(
        "keep_records",
        Switches {
            keep_records: false,
            ..Switches::ALL
        },
        plan,
        50,
    );
}

#[test]
fn without_the_dead_staying_dead_something_fails() {
    let plan = Plan {
        weights: RESTLESS,
        steps: 150,
        ..SMALL
    };
    canary(
        "dead_stay_dead",
        Switches {
            dead_stay_dead: false,
            ..Switches::ALL
        },
        plan,
        90,
    );
}

#[test]
fn without_dead_bootstraps_wiping_nothing_something_fails() {
    let plan = Plan {
        weights: RESTLESS,
        steps: 150,
        ..SMALL
    };
    canary(
        "dead_wipe_nothing",
        Switches {
            dead_wipe_nothing: false,
            ..Switches::ALL
        },
        plan,
        1450,
    );
}
