//! The merge of diverged histories: operational transform of Device Sync.
//!
//! Two sides started from the same state and changed it without knowing of each other. [`merge`] rewrites
//! both, so that "mine, then theirs rewritten" and "theirs, then mine rewritten" end in the same state.
//! Instructions are compared pair by pair; the tie between two that exclude each other is broken by the pair
//! (timestamp, file ident) of the changesets they belong to, and by nothing else. The transform never looks
//! at a database: all it knows is what the instructions say.
//!
//! * [`pairs`](self) of instructions have their rules in one file per family, under `pairs/`;
//! * the driving loop is `driver`; it visits only pairs that can touch each other, found by `index`;
//! * long histories of one list go by `clusters`, with the same results;
//! * what a history can go without before anybody has seen it says [`compaction`];
//! * the known defects of the original's rules stand behind the switches of [`Rules`].
//!
//! Every arithmetic step on sizes and indexes wraps instead of panicking: a size near 2³² is nothing a
//! database can apply, so such input ends there, not here.

#![allow(
    clippy::doc_markdown,
    reason = "instructions are words of this house; rules name them all the time"
)]

mod changesets;
mod clusters;
pub mod compaction;
mod driver;
mod equality;
mod error;
mod index;
mod intake;
mod operation;
mod pairs;
mod places;
mod rules;
#[cfg(feature = "simulation")]
pub mod simulation;
mod write_back;

#[cfg(test)]
mod tests;

pub use changesets::{Entry, merge_changesets};
pub use error::TransformError;
pub use rules::Rules;

use std::cell::Cell;

use tidemark_changeset::{CollectionKind, Instruction, Name, PrimaryKey};

/// One changeset of one side, with what breaks ties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// When it was made: milliseconds since 2015-01-01, by the clock of whoever made it.
    pub timestamp: u64,
    /// File ident of its origin. Two sides never share both timestamp and ident (a server sees to that).
    pub ident: u64,
    /// What it does.
    pub instructions: Vec<Instruction>,
    /// Set when the merge changed the instructions; never cleared here.
    pub dirty: bool,
}

impl Branch {
    /// A branch that no merge has touched yet.
    pub fn new(timestamp: u64, ident: u64, instructions: Vec<Instruction>) -> Self {
        Self {
            timestamp,
            ident,
            instructions,
            dirty: false,
        }
    }
}

/// Rewrites `ours` to apply after `theirs`, and `theirs` to apply after `ours`, in place.
///
/// Both lists are in order, and both start from the same state. On an error nothing was changed.
///
/// ```
/// use tidemark_changeset::{Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value};
/// use tidemark_transform::{Branch, Rules, merge};
///
/// let set = |to: i64| Instruction::Update {
///     target: Target { class: "Dog".into(), key: PrimaryKey::Int(1), field: "age".into(), path: vec![] },
///     value: Payload::Value(Value::Int(to)),
///     kind: UpdateKind::Property { is_default: false },
/// };
/// let mut ours = [Branch::new(10, 2, vec![set(3)])];
/// let mut theirs = [Branch::new(20, 3, vec![set(4)])];
/// merge(&mut ours, &mut theirs, Rules::CORRECTED)?;
/// assert!(ours[0].instructions.is_empty()); // The later assignment wins.
/// assert_eq!(theirs[0].instructions, [set(4)]);
/// # Ok::<(), tidemark_transform::TransformError>(())
/// ```
pub fn merge(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    rules: Rules,
) -> Result<(), TransformError> {
    merge_reporting(ours, theirs, rules, MergeOptions::default()).map(|_| ())
}

/// As much of a column as tells a dictionary key from the field of an embedded object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnShape {
    /// Single value or kind of collection.
    pub collection: CollectionKind,
    /// Class of the targets, for links and embedded objects.
    pub target: Option<Name>,
}

/// Looks up a column by the names of class and field.
pub type Columns<'a> = &'a dyn Fn(&Name, &Name) -> Option<ColumnShape>;

/// [`merge`], with knowledge of the schema.
///
/// An instruction does not say whether a key in its path is one of a dictionary or names a field of an
/// embedded object. It matters in one place: making an embedded object replaces the one under a dictionary
/// key, but keeps the one in a field. Where both sides act on such a place, both know its column, so whoever
/// has a schema at hand gives it. Without it the key is taken for a dictionary's: that is right for
/// everything that clients say, since they assign null before they make an object in a field anew.
pub fn merge_with_columns(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    rules: Rules,
    columns: Columns<'_>,
) -> Result<(), TransformError> {
    merge_reporting(ours, theirs, rules, MergeOptions::with_columns(columns)).map(|_| ())
}

/// How many pairs of instructions merges may still compare. Almost all merges compare about as many as they
/// have instructions; long histories of moves or clears of one list compare each with each, and whoever
/// merges what strangers send wants an end to that.
#[derive(Debug)]
pub struct Budget(Cell<u64>);

impl Budget {
    /// A budget of so many pairs, for all merges that it is given to.
    pub fn new(pairs: u64) -> Self {
        Self(Cell::new(pairs))
    }

    /// Takes pairs out of it.
    fn spend(&self, pairs: u64) -> Result<(), TransformError> {
        let left = self.0.get().checked_sub(pairs);
        self.0.set(left.ok_or(TransformError::TooManyPairs)?);
        Ok(())
    }
}

/// What a merge is given besides the branches.
#[derive(Clone, Copy, Default)]
pub struct MergeOptions<'a> {
    /// The schema, if it is known: see [`merge_with_columns`].
    pub columns: Option<Columns<'a>>,
    /// Bounds the cost; by default nothing does.
    pub budget: Option<&'a Budget>,
}

impl<'a> MergeOptions<'a> {
    /// With the schema.
    pub fn with_columns(columns: Columns<'a>) -> Self {
        Self {
            columns: Some(columns),
            budget: None,
        }
    }
}

/// What a merge cannot see to by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects in which the two orders of application can end differently, for reasons that the merge does
    /// not know. Whoever cannot tell sends the object anew. By all rules: a collection marker won over
    /// another assignment, and it may keep old content or not. By the original's moreover: both sides erased
    /// strings, binaries or links from one set, and their places in the changesets are not known (OT3); a
    /// zero met another assignment, and storage may keep the sign of the zero before (OT12); one side made a
    /// collection of an element that the other moved (OT13).
    pub uncertain: Vec<(Name, PrimaryKey)>,
}

/// [`merge_reporting`] by the corrected rules, for a peer that merges by the original's. The answer is
/// whether the two may end apart: whoever hears `true` sends the peer the objects anew.
///
/// The peer does what the original's rules say with the same branches, in whatever portions. So the two end
/// equal if these rules give the same instructions on both sides, and nothing is reported as uncertain.
pub fn merge_beside_original(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    options: MergeOptions<'_>,
) -> Result<bool, TransformError> {
    merge_beside(ours, theirs, Rules::ORIGINAL, options)
}

fn merge_beside(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    rules: Rules,
    options: MergeOptions<'_>,
) -> Result<bool, TransformError> {
    let (mut peer_ours, mut peer_theirs) = (ours.to_vec(), theirs.to_vec());
    let peer = merge_reporting(&mut peer_ours, &mut peer_theirs, rules, options);
    if matches!(peer, Err(TransformError::TooManyPairs)) {
        return Err(TransformError::TooManyPairs);
    }
    let report = merge_reporting(ours, theirs, Rules::CORRECTED, options)?;
    let same = |left: &[Branch], right: &[Branch]| {
        let mut pairs = left.iter().zip(right);
        pairs.all(|(left, right)| left.instructions == right.instructions)
    };
    let certain = report.uncertain.is_empty()
        && peer.is_ok_and(|report| report.uncertain.is_empty())
        && same(&peer_ours, ours)
        && same(&peer_theirs, theirs);
    Ok(!certain)
}

/// [`merge`], with the schema if it is known, and a report.
pub fn merge_reporting(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    rules: Rules,
    options: MergeOptions<'_>,
) -> Result<Report, TransformError> {
    let options = driver::Options::new(rules, options);
    let outcome = driver::merge(ours, theirs, &options, None)?;
    Ok(Report {
        uncertain: outcome.uncertain,
    })
}

/// [`merge`] by visiting all pairs, long histories of one list too: what results are compared with.
#[doc(hidden)]
pub fn merge_pairwise(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    rules: Rules,
) -> Result<(), TransformError> {
    let mut options = driver::Options::new(rules, MergeOptions::default());
    options.pairs_per_operation = u64::MAX;
    driver::merge(ours, theirs, &options, None).map(|_| ())
}
