//! Compaction: what of a history that nobody has seen yet can go without anybody ever noticing.
//!
//! Two parts, both pure. [`fold`] shortens one changeset before it is committed; [`Overwrites`] follows the
//! changesets of a client as they are committed and says which instructions of earlier ones a later one has
//! made needless. Why each fold is safe, and what is not folded, is `docs/compaction.md`.

mod bits;
mod fold;
mod footprint;
mod overwrites;

#[cfg(test)]
mod tests;

pub use fold::fold;
pub use footprint::Footprint;
pub use overwrites::{Committed, Overwrites};

use tidemark_changeset::{Instruction, Name, Payload, UpdateKind};

/// Which folds are made, and under which conditions.
///
/// Users have [`Folds::ALL`]. Tests leave single conditions out and must then find a history that ends
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Folds {
    /// Shorten each changeset by itself.
    pub within: bool,
    /// Take out of earlier changesets what a later one overwrites.
    pub across: bool,
    /// Only an assignment that is not earlier by its timestamp overwrites another.
    pub in_order: bool,
    /// A schema default overwrites nothing.
    pub explicit: bool,
    /// Only values of columns with a type are overwritten, never what is in a mixed one.
    pub typed: bool,
    /// What an object's view depends on stays as it was written, and so does what was written with it.
    pub decisive: bool,
}

impl Folds {
    /// Every fold, under every condition.
    pub const ALL: Self = Self {
        within: true,
        across: true,
        in_order: true,
        explicit: true,
        typed: true,
        decisive: true,
    };

    /// No fold at all.
    pub const NONE: Self = Self {
        within: false,
        across: false,
        ..Self::ALL
    };
}

impl Default for Folds {
    fn default() -> Self {
        Self::ALL
    }
}

/// A place in an object: the number of a column, and the keys on the way down from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The column.
    pub column: u16,
    /// Fields of embedded objects, or the key of a dictionary. Never an index of a list: what others do may
    /// shift it.
    pub path: Box<[Name]>,
}

impl Place {
    /// Whether one place is the other, or lies in it.
    fn meets(&self, other: &Self) -> bool {
        let shared = self.path.iter().zip(&other.path);
        self.column == other.column && shared.into_iter().all(|(mine, theirs)| mine == theirs)
    }
}

/// What an instruction does to a place, as far as compaction cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Assigns a plain value.
    Assign,
    /// Assigns a plain value as a schema default.
    Default,
    /// Adds to a number.
    Add,
    /// Anything else.
    Other,
}

/// What an instruction does, by its looks: whether its place is one whose value can be overwritten is for
/// the schema to say.
pub fn effect(instruction: &Instruction) -> Effect {
    match instruction {
        Instruction::Update {
            value: Payload::Value(_),
            kind: UpdateKind::Property { is_default },
            ..
        } => {
            if *is_default {
                Effect::Default
            } else {
                Effect::Assign
            }
        }
        Instruction::AddInteger { .. } => Effect::Add,
        _ => Effect::Other,
    }
}
