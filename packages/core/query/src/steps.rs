//! What an evaluation may cost.
//!
//! Who asks and whoever made the object choose together how long judging it takes: values follow one another
//! in collections and links, and texts are of any length. Whoever evaluates what others wrote says where it
//! ends.

use std::cell::Cell;

use crate::error::{QueryError, Result};
use crate::row::Objects;

/// Bytes of text that are compared in one step.
const BYTES_PER_STEP: usize = 16;

/// How many steps an evaluation has left: one for each condition asked, each value or object looked at, and
/// each few bytes of text compared. A step takes some 10 ns.
#[derive(Debug)]
pub struct Steps {
    left: Cell<u64>,
}

impl Steps {
    /// So many.
    pub fn new(most: u64) -> Self {
        let left = Cell::new(most);
        Self { left }
    }

    /// As many as it takes.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// How many are left.
    pub fn left(&self) -> u64 {
        self.left.get()
    }

    pub(crate) fn take(&self, steps: usize) -> Result<()> {
        let left = self.left.get().checked_sub(steps as u64);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ())
            .ok_or_else(|| QueryError::LimitExceeded("Evaluating the query takes too long".into()))
    }

    /// Takes what comparing so many bytes costs.
    pub(crate) fn take_bytes(&self, bytes: usize) -> Result<()> {
        self.take(bytes / BYTES_PER_STEP)
    }
}

/// What an evaluation is given beside the row.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) steps: &'a Steps,
}
