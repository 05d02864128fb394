//! Which tables a file keeps by the leaf.

use crate::TableId;

/// A table whose entries a file keeps by the leaf: many of them as one value of its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafTable {
    /// Which.
    pub table: TableId,
    /// Length of the beginning of a key that makes its group, such as the number of a class: no leaf holds
    /// entries of two groups.
    pub group_bytes: usize,
}
