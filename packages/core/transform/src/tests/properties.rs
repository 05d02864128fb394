//! What a merge is for, on random histories.

use tidemark_changeset::Name;
use tidemark_model::{Schema, memory::Database};

use super::generate::{Families, MIXED_COLUMN, Random, TOP_LEVEL_COLUMNS, base, shape, side};
use crate::{Branch, MergeOptions, Rules, TransformError, merge_reporting, merge_with_columns};

const PLAIN: Families = Families {
    schema: false,
    kept_content: false,
    original: false,
    focus: 0,
};

fn merged(
    base: &Database,
    ours: &[Branch],
    theirs: &[Branch],
    rules: Rules,
) -> Result<(Vec<Branch>, Vec<Branch>), TransformError> {
    let (mut ours, mut theirs) = (ours.to_vec(), theirs.to_vec());
    let columns = |class: &Name, field: &Name| shape(&base.schema, class, field);
    merge_with_columns(&mut ours, &mut theirs, rules, &columns)?;
    Ok((ours, theirs))
}

fn end_state(base: &Database, first: &[Branch], second: &[Branch]) -> Result<Database, String> {
    let mut state = base.clone();
    for branch in first.iter().chain(second) {
        state
            .apply(&branch.instructions)
            .map_err(|error| error.to_string())?;
    }
    state.fill();
    Ok(state)
}

/// One history per seed; the first one that fails is named by its seed.
fn check(
    seeds: std::ops::Range<u64>,
    families: Families,
    test: impl Fn(&Database, &[Branch], &[Branch]) -> Result<(), String>,
) -> Result<(), String> {
    for seed in seeds {
        let mut random = Random(seed);
        let families = Families {
            focus: random.next(),
            ..families
        };
        let base = base(&mut random, families);
        let ours = side(&mut random, &base, 2..5, families);
        let theirs = side(&mut random, &base, 5..8, families);
        test(&base, &ours, &theirs)
            .map_err(|error| format!("seed {seed}: {error}\nours {ours:#?}\ntheirs {theirs:#?}"))?;
    }
    Ok(())
}

fn converges(
    base: &Database,
    ours: &[Branch],
    theirs: &[Branch],
    rules: Rules,
) -> Result<(), String> {
    let (our_form, their_form) =
        merged(base, ours, theirs, rules).map_err(|error| error.to_string())?;
    let ours_first = end_state(base, ours, &their_form)?;
    let theirs_first = end_state(base, theirs, &our_form)?;
    // Columns stand in the order they came, which each file keeps for itself; then rows cannot be compared.
    let order_differs = ours_first.schema != theirs_first.schema
        && by_name(&ours_first.schema) == by_name(&theirs_first.schema);
    if ours_first == theirs_first || order_differs {
        Ok(())
    } else {
        Err(format!("{ours_first:#?}\n{theirs_first:#?}"))
    }
}

fn by_name(schema: &Schema) -> Schema {
    let mut sorted = schema.clone();
    for class in sorted.classes.values_mut() {
        class.columns.sort_by(|a, b| a.name.cmp(&b.name));
    }
    sorted
}

/// How many histories the tests draw; set the variable for a longer search.
#[allow(
    clippy::disallowed_methods,
    reason = "a switch for whoever runs the tests"
)]
fn histories(count: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("TIDEMARK_HISTORIES")
        .ok()
        .and_then(|text| text.parse().ok());
    0..wanted.unwrap_or(count)
}

#[test]
fn both_orders_end_equal() -> Result<(), String> {
    check(histories(2500), PLAIN, |base, ours, theirs| {
        converges(base, ours, theirs, Rules::CORRECTED)
    })
}

/// Collection markers on values that hold such a collection already, and on little else: where the merge
/// cannot know what the marker keeps, it says so.
#[test]
fn what_may_differ_is_reported() {
    // The first numbers whose columns are the mixed one, by either draw.
    let mixed = (0..).filter(|focus| {
        [0, 1]
            .iter()
            .all(|drawn| Random(focus + drawn).below(TOP_LEVEL_COLUMNS) == MIXED_COLUMN)
    });
    for (seed, focus) in (0..1500).zip(mixed) {
        let families = Families {
            kept_content: true,
            focus,
            ..PLAIN
        };
        let mut random = Random(seed);
        let base = base(&mut random, families);
        let ours = side(&mut random, &base, 2..5, families);
        let theirs = side(&mut random, &base, 5..8, families);
        if let Err(error) = converges(&base, &ours, &theirs, Rules::CORRECTED) {
            let report = merge_reporting(
                &mut ours.clone(),
                &mut theirs.clone(),
                Rules::CORRECTED,
                MergeOptions::default(),
            );
            let reported = report.is_ok_and(|report| !report.uncertain.is_empty());
            assert!(
                reported,
                "seed {seed}: {error}\nours {ours:#?}\ntheirs {theirs:#?}"
            );
        }
    }
}

/// Schema changes beside everything else. Both sides draw from one set of columns, so they never disagree.
#[test]
fn both_orders_end_equal_with_erased_columns() -> Result<(), String> {
    let families = Families {
        schema: true,
        ..PLAIN
    };
    check(histories(1500), families, |base, ours, theirs| {
        converges(base, ours, theirs, Rules::CORRECTED)
    })
}

#[test]
fn it_does_not_matter_which_side_merges() -> Result<(), String> {
    check(histories(1000), PLAIN, |base, ours, theirs| {
        let (a, b) =
            merged(base, ours, theirs, Rules::CORRECTED).map_err(|error| error.to_string())?;
        let (c, d) =
            merged(base, theirs, ours, Rules::CORRECTED).map_err(|error| error.to_string())?;
        if (&a, &b) == (&d, &c) {
            Ok(())
        } else {
            Err(format!("{a:#?}{b:#?}\nswapped {d:#?}{c:#?}"))
        }
    })
}

/// A client merges all it has with what one message brings, a server one upload at a time with its history:
/// however both histories are cut into merges, the forms are the same.
#[test]
fn histories_can_be_cut_anywhere() -> Result<(), String> {
    check(histories(1500), PLAIN, |base, ours, theirs| {
        let whole =
            merged(base, ours, theirs, Rules::CORRECTED).map_err(|error| error.to_string())?;
        let mut cut = (ours.to_vec(), theirs.to_vec());
        let columns = |class: &Name, field: &Name| shape(&base.schema, class, field);
        for at in 0..theirs.len() {
            let run = cut.1.get_mut(at..=at).expect("in range");
            merge_with_columns(&mut cut.0, run, Rules::CORRECTED, &columns)
                .map_err(|error| error.to_string())?;
        }
        if whole == cut {
            Ok(())
        } else {
            Err(format!("{whole:#?}\ncut {cut:#?}"))
        }
    })
}

#[test]
fn the_search_finds_each_defect() {
    let one = |set: fn(&mut Rules)| {
        let mut rules = Rules::CORRECTED;
        set(&mut rules);
        rules
    };
    let defects = [
        ("OT1", one(|rules| rules.ot1_nested_move = true)),
        ("OT2", one(|rules| rules.ot2_clear_of_element = true)),
        ("OT4", one(|rules| rules.ot4_embedded_under_key = true)),
        ("OT5", one(|rules| rules.ot5_equal_numbers = true)),
    ];
    for (name, rules) in defects {
        let found = check(0..4000, PLAIN, |base, ours, theirs| {
            converges(base, ours, theirs, rules)
        });
        assert!(found.is_err(), "{name}");
    }
}
