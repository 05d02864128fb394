//! Sorted changes into a table that is kept by the leaf.
//!
//! Invariants: leaves hold their entries in the order of the tree, none overlaps another, and none holds
//! entries of two groups (keys of one group begin alike), so that what is appended to a group finds its end.

use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use crate::Result;
use crate::leaf::{Entries, LEAF_BYTES_MAX, LeafView};

type Table<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;
type Found<'t> = <redb::Range<'t, &'static [u8], &'static [u8]> as Iterator>::Item;

/// Merged entries that are held before leaves are made of them.
const HELD_BYTES_MAX: usize = 32 * LEAF_BYTES_MAX;

/// A leaf that is left with less takes up what the next one holds.
const SMALL_BYTES: usize = LEAF_BYTES_MAX / 4;

/// Whether a small leaf may take up another one of this size: there has to be room for what comes.
const TAKEN_BYTES_MAX: usize = LEAF_BYTES_MAX / 2;

fn group_of(key: &[u8], group_bytes: usize) -> &[u8] {
    key.get(..group_bytes).unwrap_or(key)
}

/// A leaf copied out of the tree, so that the tree can be changed.
struct Old {
    key: Vec<u8>,
    bytes: Vec<u8>,
}

/// The way from changes to leaves.
struct Merge<'m, 't> {
    table: &'m mut Table<'t>,
    group_bytes: usize,
    entries: Entries,
    /// Leaves whose entries have been taken over, and that still stand in the tree.
    taken: Vec<Vec<u8>>,
}

/// Applies changes that come in the order of their keys; `None` deletes.
pub(crate) fn apply<'c>(
    table: &mut Table<'_>,
    group_bytes: usize,
    changes: impl Iterator<Item = (&'c [u8], Option<&'c Arc<[u8]>>)>,
) -> Result<()> {
    let mut changes = changes.peekable();
    let mut merge = Merge {
        table,
        group_bytes,
        entries: Entries::default(),
        taken: Vec::new(),
    };
    while let Some((key, _)) = changes.peek() {
        let group = group_of(key, group_bytes);
        let mut old = merge.leaf_for(key)?;
        loop {
            let next = match &old {
                Some(old) => merge.leaf_after(group, &old.key)?,
                None => None,
            };
            let is_appended = merge.merge(group, old, next.as_deref(), &mut changes)?;
            old = match next {
                Some(next) if merge.is_small() => merge.leaf_to_take(next)?,
                _ => None,
            };
            if old.is_none() {
                merge.finish(is_appended)?;
                break;
            }
        }
    }
    Ok(())
}

/// Fills an empty table with entries that come in the order of their keys.
pub(crate) fn gather(
    table: &mut Table<'_>,
    group_bytes: usize,
    entries: redb::Range<'_, &'static [u8], &'static [u8]>,
) -> Result<()> {
    let mut merge = Merge {
        table,
        group_bytes,
        entries: Entries::default(),
        taken: Vec::new(),
    };
    let mut group = Vec::new();
    for entry in entries {
        let (key, value) = entry?;
        if group_of(key.value(), group_bytes) != group {
            merge.finish(true)?;
            group = group_of(key.value(), group_bytes).to_vec();
        }
        merge.push(key.value(), value.value())?;
    }
    merge.finish(true)
}

impl Merge<'_, '_> {
    /// The leaf that a key belongs into: the last one of its group that begins at or before it, else the
    /// first one behind it.
    fn leaf_for(&self, key: &[u8]) -> Result<Option<Old>> {
        match self.of_group(key, self.table.range::<&[u8]>(..=key)?.next_back())? {
            Some(before) => Ok(Some(before)),
            None => self.of_group(key, self.table.range::<&[u8]>(key..)?.next()),
        }
    }

    /// A leaf of the tree, if it is of the key's group.
    fn of_group(&self, key: &[u8], found: Option<Found<'_>>) -> Result<Option<Old>> {
        let Some((found, bytes)) = found.transpose()? else {
            return Ok(None);
        };
        let is_same = group_of(found.value(), self.group_bytes) == group_of(key, self.group_bytes);
        Ok(is_same.then(|| Old {
            key: found.value().to_vec(),
            bytes: bytes.value().to_vec(),
        }))
    }

    /// The key of the next leaf of the group.
    fn leaf_after(&self, group: &[u8], key: &[u8]) -> Result<Option<Vec<u8>>> {
        let behind = (Bound::Excluded(key), Bound::Unbounded);
        let Some(found) = self.table.range::<&[u8]>(behind)?.next() else {
            return Ok(None);
        };
        let (found, _) = found?;
        let is_same = group_of(found.value(), self.group_bytes) == group;
        Ok(is_same.then(|| found.value().to_vec()))
    }

    /// The leaf under a key, if what is held may take it up.
    fn leaf_to_take(&self, key: Vec<u8>) -> Result<Option<Old>> {
        let Some(bytes) = self.table.get(&key[..])? else {
            return Ok(None);
        };
        let bytes = bytes.value();
        Ok((bytes.len() <= TAKEN_BYTES_MAX).then(|| Old {
            key,
            bytes: bytes.to_vec(),
        }))
    }

    /// Whether little is left of what was taken over.
    fn is_small(&self) -> bool {
        !self.entries.is_empty() && self.entries.byte_count() < SMALL_BYTES
    }

    /// Takes over the entries of a leaf, with the changes before the next one laid over them. Answers
    /// whether all that is new came behind all that was there.
    fn merge<'c>(
        &mut self,
        group: &[u8],
        old: Option<Old>,
        next: Option<&[u8]>,
        changes: &mut Peekable<impl Iterator<Item = (&'c [u8], Option<&'c Arc<[u8]>>)>>,
    ) -> Result<bool> {
        let group_bytes = self.group_bytes;
        let is_mine =
            |key: &[u8]| next.is_none_or(|next| key < next) && group_of(key, group_bytes) == group;
        let mut is_appended = true;
        if let Some(old) = old {
            self.taken.push(old.key.clone());
            let leaf = LeafView::new(&old.key, &old.bytes)?;
            let shared = leaf.shared();
            for index in 0..leaf.len() {
                let (rest, value) = leaf.entry(index)?;
                let order = |key: &[u8]| compare_parts(key, shared, rest);
                while let Some((key, change)) =
                    changes.next_if(|(key, _)| is_mine(key) && order(key).is_lt())
                {
                    if let Some(change) = change {
                        is_appended = false;
                        self.push(key, change)?;
                    }
                }
                match changes.next_if(|(key, _)| is_mine(key) && order(key).is_eq()) {
                    Some((_, None)) => {}
                    Some((_, Some(change))) => self.entries.push(shared, rest, change),
                    None => self.entries.push(shared, rest, value),
                }
            }
        }
        while let Some((key, change)) = changes.next_if(|(key, _)| is_mine(key)) {
            if let Some(change) = change {
                self.push(key, change)?;
            }
        }
        Ok(is_appended && next.is_none())
    }

    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.entries.push(&[], key, value);
        if self.entries.byte_count() > HELD_BYTES_MAX {
            self.write(true, 1)?;
        }
        Ok(())
    }

    fn write(&mut self, is_appended: bool, kept: usize) -> Result<()> {
        let (table, taken) = (&mut *self.table, &mut self.taken);
        self.entries
            .take_leaves(is_appended, kept, &mut |key, bytes| {
                taken.retain(|gone| gone[..] != *key);
                drop(table.insert(key, bytes)?);
                Ok(())
            })
    }

    /// Writes what is held as leaves, and removes those that they replace.
    fn finish(&mut self, is_appended: bool) -> Result<()> {
        self.write(is_appended, 0)?;
        for key in self.taken.drain(..) {
            drop(self.table.remove(&key[..])?);
        }
        Ok(())
    }
}

/// Orders a key against one that comes in two parts.
fn compare_parts(key: &[u8], shared: &[u8], rest: &[u8]) -> std::cmp::Ordering {
    match key.strip_prefix(shared) {
        Some(key_rest) => key_rest.cmp(rest),
        // What it begins with decides, but for a key that ends there, which is smaller.
        None => key.cmp(shared),
    }
}
