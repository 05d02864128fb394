//! The changes of one write, collected until the commit.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::{TABLES_MAX, TableId};

/// Changes of one table: `None` deletes.
pub(crate) type Changes = BTreeMap<Box<[u8]>, Option<Arc<[u8]>>>;

/// A part of them in key order.
pub(crate) type ChangesRange<'a> =
    std::collections::btree_map::Range<'a, Box<[u8]>, Option<Arc<[u8]>>>;

/// Changes of all tables, each in the order of its keys.
#[derive(Debug, Default)]
pub struct Batch {
    tables: [Changes; TABLES_MAX],
}

impl Batch {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }

    /// The tables that change.
    pub fn tables(&self) -> impl Iterator<Item = TableId> + '_ {
        (0u8..)
            .zip(&self.tables)
            .filter(|(_, changes)| !changes.is_empty())
            .map(|(number, _)| TableId::new(number))
    }

    /// Changes of a table in the order of its keys; `None` deletes.
    pub fn changes(
        &self,
        table: TableId,
    ) -> impl DoubleEndedIterator<Item = (&[u8], Option<&Arc<[u8]>>)> + '_ {
        self.table(table)
            .iter()
            .map(|(key, value)| (&key[..], value.as_ref()))
    }

    /// The change of a key, if there is one. Keys often come in their order, and one that comes last is not
    /// looked for.
    pub(crate) fn get(&self, table: TableId, key: &[u8]) -> Option<&Option<Arc<[u8]>>> {
        let changes = self.table(table);
        let (last, _) = changes.last_key_value()?;
        if **last < *key {
            return None;
        }
        changes.get(key)
    }

    pub(crate) fn table(&self, table: TableId) -> &Changes {
        &self.tables[table.number()]
    }

    pub(crate) fn set(&mut self, table: TableId, key: &[u8], value: Option<Arc<[u8]>>) {
        self.tables[table.number()].insert(Box::from(key), value);
    }

    pub(crate) fn range(
        &self,
        table: TableId,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> ChangesRange<'_> {
        self.table(table).range::<[u8], _>((from, to))
    }
}
