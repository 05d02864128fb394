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
        && table.range::<&[u8]>(first..=last)?.take(limit + 1).count() <= limit;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use redb::backends::InMemoryBackend;
    use redb::{Database, TableDefinition};

    use super::*;

    const TABLE: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("t");

    /// The table after each of some writes, beside an ordered map.
    fn check(writes: &[BTreeMap<u32, Option<Arc<[u8]>>>]) {
        let database = Database::builder()
            .create_with_backend(InMemoryBackend::new())
            .expect("memory");
        let mut model = BTreeMap::new();
        for write in writes {
            let transaction = database.begin_write().expect("a write");
            let keys: Vec<_> = write.keys().map(|key| key.to_be_bytes()).collect();
            let mut table = transaction.open_table(TABLE).expect("a table");
            let values = write.values().map(Option::as_ref);
            apply(&mut table, keys.iter().map(|key| &key[..]).zip(values)).expect("changes");
            for (key, value) in write {
                match value {
                    Some(value) => drop(model.insert(*key, Arc::clone(value))),
                    None => drop(model.remove(key)),
                }
            }
            let found: Vec<_> = table
                .iter()
                .expect("a table")
                .map(|entry| entry.expect("an entry"))
                .map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))
                .collect();
            let expected = model.iter();
            let expected: Vec<_> = expected
                .map(|(key, value): (&u32, &Arc<[u8]>)| {
                    (key.to_be_bytes().to_vec(), value.to_vec())
                })
                .collect();
            assert_eq!(found, expected);
            drop(table);
            transaction.commit().expect("a commit");
        }
    }

    fn put(keys: impl Iterator<Item = u32>) -> BTreeMap<u32, Option<Arc<[u8]>>> {
        keys.map(|key| (key, Some(Arc::from(&key.to_le_bytes()[..]))))
            .collect()
    }

    fn gone(keys: impl Iterator<Item = u32>) -> BTreeMap<u32, Option<Arc<[u8]>>> {
        keys.map(|key| (key, None)).collect()
    }

    #[test]
    fn what_was_to_go_is_gone_and_nothing_else() {
        let all = || put(0..6_000);
        // All at once; every other; every twentieth, which is sparse; what is not there; a few.
        check(&[all(), gone(0..6_000)]);
        check(&[all(), gone((0..6_000).step_by(2)), all()]);
        check(&[all(), gone((7..6_000).step_by(20))]);
        check(&[gone(0..100), put(50..60), gone(0..100)]);
        check(&[all(), gone(10..13)]);
        // Runs between insertions, with keys around them that stay.
        let mut mixed = gone((0..6_000).filter(|key| key % 100 < 60));
        mixed.extend(put((0..12_000).filter(|key| key % 100 == 60)));
        check(&[all(), mixed, gone((0..12_000).step_by(3))]);
    }
}
