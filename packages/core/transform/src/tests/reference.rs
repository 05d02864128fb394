//! The merge as a plain double loop: every one of ours against every one of theirs, in order.
//!
//! It knows nothing of indexes or groups, and so tells whether those leave out a pair that matters.

use super::generate::{Families, Random, base, side};
use crate::driver::{Context, Extra, Options};
use crate::intake::Numbers;
use crate::operation::{Operation, Side};
use crate::write_back::{Edits, write_back};
use crate::{Branch, MergeOptions, Rules, TransformError, merge, pairs};

/// An operation, and the instruction if the merge made it.
type Item = (Operation, Option<Extra>);

fn visit(
    major: &mut Operation,
    minors: &mut Vec<Item>,
    from: usize,
    context: &mut Context<'_>,
    made: &mut Vec<Item>,
) -> Result<(), TransformError> {
    let mut at = from;
    while at < minors.len() {
        let minor = &mut minors[at].0;
        if minor.alive {
            pairs::pair(major, minor, context)?;
        }
        if let Some(request) = context.request.take() {
            let mut request = *request;
            if request.operation.side == Side::Theirs {
                minors.insert(at, (request.operation, Some(request)));
                at += 1;
            } else {
                visit(&mut request.operation, minors, at + 1, context, made)?;
                made.push((request.operation, Some(request)));
            }
        }
        if !major.alive {
            break;
        }
        at += 1;
    }
    Ok(())
}

fn edits(items: Vec<Item>, steps: Vec<crate::operation::Step>) -> Edits {
    let mut edits = Edits {
        operations: Vec::new(),
        steps,
        extra: Vec::new(),
    };
    for (operation, extra) in items {
        match extra {
            Some(extra) => edits.extra.push(Extra { operation, ..extra }),
            None => edits.operations.push(operation),
        }
    }
    edits
}

fn double_loop(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    rules: Rules,
) -> Result<(), TransformError> {
    let (our_edits, their_edits) = {
        let mut numbers = Numbers::new(ours, theirs, rules);
        let majors = numbers.take_in(ours, Side::Ours, None)?;
        let minors = numbers.take_in(theirs, Side::Theirs, None)?;
        let options = Options::new(rules, MergeOptions::default());
        let identities = std::mem::take(&mut numbers.identities);
        let steps = (majors.steps, minors.steps);
        let mut context = Context::new(&options, identities, ours, theirs, steps);
        let mut theirs: Vec<Item> = minors
            .operations
            .into_iter()
            .map(|minor| (minor, None))
            .collect();
        let mut done = Vec::new();
        for mut major in majors.operations {
            let mut made = Vec::new();
            visit(&mut major, &mut theirs, 0, &mut context, &mut made)?;
            done.append(&mut made);
            done.push((major, None));
        }
        let (our_steps, their_steps) = context.into_steps();
        (edits(done, our_steps), edits(theirs, their_steps))
    };
    write_back(ours, our_edits, None);
    write_back(theirs, their_edits, None);
    Ok(())
}

#[test]
fn the_index_leaves_out_nothing_that_matters() {
    let mut changed = 0;
    for seed in 0..3000 {
        let mut random = Random(seed);
        let focus = if seed % 3 == 0 {
            random.next() % 5
        } else {
            random.next()
        };
        let families = Families {
            schema: seed % 2 == 0,
            kept_content: true,
            original: false,
            focus,
        };
        let base = base(&mut random, families);
        let ours = side(&mut random, &base, 2..5, families);
        let theirs = side(&mut random, &base, 5..8, families);
        for rules in [Rules::ORIGINAL, Rules::CORRECTED] {
            let mut fast = (ours.clone(), theirs.clone());
            let mut slow = fast.clone();
            let results = (
                merge(&mut fast.0, &mut fast.1, rules),
                double_loop(&mut slow.0, &mut slow.1, rules),
            );
            assert_eq!(results.0, results.1, "seed {seed}");
            assert_eq!(fast, slow, "seed {seed}");
            changed += usize::from(fast.0 != ours && fast.1 != theirs);
        }
    }
    assert!(
        changed > 500,
        "the histories met each other only {changed} times"
    );
}
