//! For the simulator alone, behind the feature `simulation`, which nothing that is shipped turns on: counts
//! of the pairs that met, and one deliberate bug.
//!
//! Both are kept per thread, so that tests beside each other do not meet.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::driver::Context;
use crate::operation::{Kind, Operation, extends, same_container, same_path, slot};

/// How two operations stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Both about one class, column or object, or one of them about all that the other is in.
    Whole,
    /// At one place.
    Same,
    /// At two places of one collection.
    Siblings,
    /// The second inside what the first addresses.
    Inside,
    /// The second inside an element beside the one that the first addresses.
    Beside,
}

/// A pair of kinds: relation, the outer one or the one with the higher opcode, the other.
pub type Pair = (Relation, &'static str, &'static str);

thread_local! {
    static FLIPPED: Cell<bool> = const { Cell::new(false) };
    static PAIRS: RefCell<BTreeMap<Pair, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// While it is on, of two changesets made at one time the one with the *lower* file ident counts as the
/// later.
pub fn flip_equal_times(on: bool) {
    FLIPPED.set(on);
}

/// How often each pair has met on this thread since the last call.
pub fn take_pairs() -> BTreeMap<Pair, u64> {
    PAIRS.take()
}

/// The file ident as ties are broken by it.
pub(crate) fn tie_break(ident: u64) -> u64 {
    if FLIPPED.get() {
        u64::MAX - ident
    } else {
        ident
    }
}

pub(crate) fn count_insertions(pairs: usize) {
    let pair = (
        Relation::Siblings,
        name(Kind::ArrayInsert),
        name(Kind::ArrayInsert),
    );
    if pairs > 0 {
        PAIRS.with_borrow_mut(|counts| *counts.entry(pair).or_default() += pairs as u64);
    }
}

/// Counts a pair, if it is one that a rule could speak of.
pub(crate) fn count(major: &Operation, minor: &Operation, context: &Context<'_>) {
    if let Some(pair) = pair_of(major, minor, context) {
        PAIRS.with_borrow_mut(|counts| *counts.entry(pair).or_default() += 1);
    }
}

fn pair_of(major: &Operation, minor: &Operation, context: &Context<'_>) -> Option<Pair> {
    let by_opcode = if major.kind >= minor.kind {
        (major, minor)
    } else {
        (minor, major)
    };
    let (relation, (first, second)) = if !(major.has_path() && minor.has_path()) {
        (whole(major, minor)?, by_opcode)
    } else if major.field != minor.field {
        return None;
    } else if major.depth == minor.depth {
        let (left, right) = by_opcode;
        let (left_steps, right_steps) = (context.steps(left.side), context.steps(right.side));
        if same_path(left, left_steps, right, right_steps) {
            (Relation::Same, by_opcode)
        } else if same_container(left, left_steps, right, right_steps) {
            (Relation::Siblings, by_opcode)
        } else {
            return None;
        }
    } else {
        let (outer, inner) = if major.depth < minor.depth {
            (major, minor)
        } else {
            (minor, major)
        };
        let (outer_steps, inner_steps) = (context.steps(outer.side), context.steps(inner.side));
        if extends(outer, outer_steps, inner, inner_steps).is_some() {
            (Relation::Inside, (outer, inner))
        } else if slot(outer, outer_steps, inner, inner_steps).is_some() {
            (Relation::Beside, (outer, inner))
        } else {
            return None;
        }
    };
    Some((relation, name(first.kind), name(second.kind)))
}

fn whole(major: &Operation, minor: &Operation) -> Option<Relation> {
    let of_class = |operation: &Operation| {
        matches!(
            operation.kind,
            Kind::AddTable | Kind::EraseTable | Kind::AddColumn | Kind::EraseColumn
        )
    };
    let meets = if of_class(major) || of_class(minor) {
        major.class == minor.class
    } else {
        major.object == minor.object
    };
    meets.then_some(Relation::Whole)
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::AddTable => "AddTable",
        Kind::EraseTable => "EraseTable",
        Kind::CreateObject => "CreateObject",
        Kind::EraseObject => "EraseObject",
        Kind::Update => "Update",
        Kind::AddInteger => "AddInteger",
        Kind::AddColumn => "AddColumn",
        Kind::EraseColumn => "EraseColumn",
        Kind::ArrayInsert => "ArrayInsert",
        Kind::ArrayMove => "ArrayMove",
        Kind::ArrayErase => "ArrayErase",
        Kind::Clear => "Clear",
        Kind::SetInsert => "SetInsert",
        Kind::SetErase => "SetErase",
    }
}
