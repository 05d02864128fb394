//! Roles that change what a user may create and delete, and which fields it may read and write.

use tidemark_ledger::switches::Switches;

use crate::ops::Features;
use crate::upkeep::Upkeep;
use crate::world::Plan;
use crate::{FEATURES, PLAN, canary, family, number};

/// Roles that say which objects may be created and deleted, and which fields read and written.
const FIELDS: Plan = Plan {
    fields: true,
    weights: [250, 130, 140, 110, 200, 40, 35, 55, 30, 25, 5],
    ..PLAN
};

/// Roles come and are taken back while bootstraps do not arrive.
const UNDECIDED: Plan = Plan {
    weights: [200, 130, 170, 110, 170, 20, 120, 140, 40, 60, 5],
    features: Features {
        keys: 1,
        ..FEATURES
    },
    steps: 120,
    ..FIELDS
};

#[test]
fn roles_that_open_some_fields() {
    let restless = Plan {
        weights: [200, 130, 170, 110, 170, 20, 90, 120, 60, 40, 5],
        steps: 120,
        ..FIELDS
    };
    let three = Plan {
        clients: 3,
        steps: 140,
        ..FIELDS
    };
    let few = Plan {
        features: Features {
            keys: 1,
            ..FEATURES
        },
        ..restless
    };
    let originals = Plan {
        originals: true,
        ..three
    };
    let upkeep = Plan {
        upkeep: Upkeep::Compaction,
        ..three
    };
    for (plan, share) in [
        (FIELDS, 200),
        (restless, 100),
        (three, 60),
        (few, 150),
        (UNDECIDED, 150),
    ] {
        let tally = family("fields", plan, share);
        assert!(number("TIDEMARK_SEED").is_some() || tally.compensations > 0);
    }
    family("fields, originals", originals, 60);
    family("fields, upkeep", upkeep, 60);
}

#[test]
fn without_judging_fields_something_fails() {
    let switches = Switches {
        judge_fields: false,
        ..Switches::ALL
    };
    canary("judge_fields", switches, FIELDS, 0);
}

#[test]
fn without_covering_fields_something_fails() {
    let switches = Switches {
        cover_fields: false,
        ..Switches::ALL
    };
    canary("cover_fields", switches, FIELDS, 0);
}

#[test]
fn without_holding_fields_back_at_once_something_fails() {
    let switches = Switches {
        hold_back_at_once: false,
        ..Switches::ALL
    };
    canary("hold_back_at_once", switches, FIELDS, 0);
}

#[test]
fn without_judging_what_a_client_saw_something_fails() {
    let switches = Switches {
        judge_sight: false,
        ..Switches::ALL
    };
    canary("judge_sight", switches, UNDECIDED, 640);
}

#[test]
fn without_giving_objects_with_other_fields_afresh_something_fails() {
    let switches = Switches {
        fields_move: false,
        ..Switches::ALL
    };
    canary("fields_move", switches, FIELDS, 0);
}

#[test]
fn without_remembering_that_fields_were_held_back_something_fails() {
    let switches = Switches {
        guard_fields: false,
        ..Switches::ALL
    };
    canary("guard_fields", switches, UNDECIDED, 640);
}
