//! Clients that merge and store as the original does, against our server: one family of histories per known
//! defect, each of which ends apart as soon as the server does not refresh such clients.

use tidemark_ledger::switches::Switches;

use crate::defects::Defect;
use crate::ops::Features;
use crate::peer::Tally;
use crate::world::Plan;
use crate::{FEATURES, PLAN, canary, family, number};

/// Few objects, three clients of which two are the original's, and everybody sees everything.
fn plan(defect: Defect) -> Plan {
    Plan {
        originals: true,
        own_resets: own_resets(defect),
        clients: 3,
        steps: 90,
        roles: false,
        subscriptions: false,
        features: Features {
            keys: 1,
            erase: false,
            defect: Some(defect),
            ..FEATURES
        },
        ..PLAN
    }
}

/// A marker may keep content that the merge does not know of, with our rules too.
fn own_resets(defect: Defect) -> bool {
    matches!(
        defect,
        Defect::KeptContent | Defect::ClearOfErasedKey | Defect::MovedCollection
    )
}

fn report(name: &str, tally: &Tally) {
    if number("TIDEMARK_FIGURES").is_some() {
        eprintln!("{name}: {tally:?}");
    }
}

fn converges(name: &str, defect: Defect) {
    let tally = family(name, plan(defect), 60);
    report(name, &tally);
    if number("TIDEMARK_SEED").is_none() {
        assert!(tally.refreshes > 0, "{tally:?}");
        // Only what a client's own storage lost makes it fail again and again.
        assert!(tally.discarded == 0 || own_resets(defect), "{tally:?}");
    }
}

fn needs_refreshes(name: &str, defect: Defect) {
    let switches = Switches {
        defects: false,
        // Our own rules report markers as well.
        uncertain: defect != Defect::KeptContent,
        ..Switches::ALL
    };
    canary(name, switches, plan(defect), 0);
}

macro_rules! families {
    ($($name:ident, $without:ident: $defect:ident;)*) => {
        $(
            #[test]
            fn $name() {
                converges(stringify!($name), Defect::$defect);
            }

            #[test]
            fn $without() {
                needs_refreshes(stringify!($name), Defect::$defect);
            }
        )*
    };
}

families! {
    ot1_moves_of_embedded_objects, ot1_needs_refreshes: NestedMove;
    ot2_clears_of_list_elements, ot2_needs_refreshes: ClearOfElement;
    ot3_erasures_from_sets_of_strings, ot3_needs_refreshes: EraseByPlace;
    ot4_embedded_objects_under_a_key, ot4_needs_refreshes: EmbeddedUnderKey;
    ot5_equal_numbers_in_sets, ot5_needs_refreshes: EqualNumbers;
    ot11_markers_that_keep_content, ot11_needs_refreshes: KeptContent;
    ot12_zeros_of_both_signs, ot12_needs_refreshes: KeptZero;
    ot13_moves_of_collections, ot13_needs_refreshes: MovedCollection;
    clears_under_erased_keys, clears_under_erased_keys_need_refreshes: ClearOfErasedKey;
}

/// With markers not even our own merge can tell: clients of ours are refreshed, too, and need it.
#[test]
fn markers_among_clients_of_ours() {
    let plan = Plan {
        originals: false,
        ..plan(Defect::KeptContent)
    };
    let tally = family("markers, ours", plan, 60);
    report("markers, ours", &tally);
    let switches = Switches {
        uncertain: false,
        ..Switches::ALL
    };
    canary("uncertain", switches, plan, 0);
}

/// All kinds of edits at once, with views that change and roles.
#[test]
fn everything_at_once() {
    for (name, defect) in [
        ("OT1 with views", Defect::NestedMove),
        ("OT11 with views", Defect::KeptContent),
        ("OT13 with views", Defect::MovedCollection),
    ] {
        let features = Features {
            keys: 2,
            defect: Some(defect),
            ..FEATURES
        };
        let plan = Plan {
            features,
            originals: true,
            own_resets: own_resets(defect),
            clients: 3,
            steps: 120,
            ..PLAN
        };
        report(name, &family(name, plan, 50));
    }
}

/// Scalars, lists of integers and dictionaries, edited by several at once, meet no defect: clients of the
/// original's are refreshed no more often than ours.
#[test]
fn ordinary_edits_need_no_refreshes() {
    if number("TIDEMARK_SEED").is_some() {
        return;
    }
    let plan = Plan {
        originals: true,
        clients: 4,
        steps: 150,
        roles: false,
        subscriptions: false,
        features: Features {
            rich: false,
            ..FEATURES
        },
        ..PLAN
    };
    let switches = Switches {
        defects: false,
        ..Switches::ALL
    };
    let with = family("ordinary edits", plan, 50);
    let without = family("ordinary edits", Plan { switches, ..plan }, 50);
    report("ordinary edits", &with);
    assert!(with.conflicts > 100, "{with:?}");
    assert_eq!(with.refreshes, without.refreshes);
}

/// How often edits of all kinds need a refresh: only a figure.
#[test]
fn how_rare_refreshes_are() {
    if number("TIDEMARK_FIGURES").is_none() {
        return;
    }
    let plan = Plan {
        originals: true,
        clients: 4,
        steps: 150,
        roles: false,
        subscriptions: false,
        ..PLAN
    };
    report("edits of all kinds", &family("all kinds", plan, 100));
    let ours = Plan {
        originals: false,
        ..plan
    };
    report("… by our clients", &family("all kinds", ours, 100));
}
