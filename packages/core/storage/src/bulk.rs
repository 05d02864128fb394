//! Sorted changes into a table of redb: runs of deletions are made in one pass over the leaves.

use std::sync::Arc;

use redb::ReadableTable;

use crate::Result;

type Table<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// Fewer deletions in a row are made one by one.
const RUN_MIN: usize = 8;

/// Deletions that are held back until their run is made.
const RUN_MAX: usize = 4096;

/// A run is made in one pass if the range holds at most this many entries for each one that goes: passing by
/// one costs far less than deleting one by itself.
const PASSED_MAX: usize = 8;

/// Applies changes that come in the order of their keys; `None` deletes.
pub(crate) fn apply<'c>(
    table: &mut Table<'_>,
    changes: impl Iterator<Item = (&'c [u8], Option<&'c Arc<[u8]>>)>,
) -> Result<()> {
    let mut run = Vec::new();
    for (key, value) in changes {
        match value {
            Some(value) => {
                delete(table, &mut run)?;
                drop(table.insert(key, &value[..])?);
            }
            None => run.push(key),
        }
        if run.len() >= RUN_MAX {
            delete(table, &mut run)?;
        }
    }
    delete(table, &mut run)
}

/// Deletes the keys of a run, which is empty then.
fn delete(table: &mut Table<'_>, run: &mut Vec<&[u8]>) -> Result<()> {
    let (Some(&first), Some(&last)) = (run.first(), run.last()) else {
        return Ok(());
    };
    let limit = run.len() * PASSED_MAX;
    let is_dense = run.len() >= RUN_MIN
        && table
            .range::<&[u8]>(first..=last)?
            .take(limit + 1)
            .count()
            <= limit;
    if is_dense {
        let mut left = run.iter().peekable();
        table.retain_in::<&[u8], _>(first..=last, |key, _| {
            while left.next_if(|wanted| **wanted < key).is_some() {}
            left.next_if(|wanted| **wanted == key).is_none()
        })?;
    } else {
        for key in run.iter() {
            drop(table.remove(*key)?);
        }
    }
    run.clear();
    Ok(())
}
