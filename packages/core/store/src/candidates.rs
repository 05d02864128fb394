//! The objects that a query may match, found by primary keys, indexes and backlinks.

use std::ops::Bound;

use tidemark_changeset::{ColumnType, Name, PrimaryKey, packed};
use tidemark_query::{Access, Indexes, KeySpan};
use tidemark_storage::Read;
use tidemark_storage::keys::after_prefix;

use crate::catalog::Catalog;
use crate::indexes::objects_between;
use crate::links::Origin;
use crate::tables::{BACKLINKS, ClassId, INDEX, backlink_prefix, index_key};
use crate::transaction::{object_number, split_row};
use crate::{Result, StoreError, View};

/// What the planning of queries asks about the schema.
pub(crate) struct Lookups<'a>(pub &'a Catalog);

impl Indexes for Lookups<'_> {
    fn has_index(&self, class: &str, column: usize) -> bool {
        self.0.is_indexed(&Name::from(class), column)
    }

    fn link_target(&self, class: &str, column: usize) -> Option<String> {
        let class = self.0.class(&Name::from(class))?;
        let column = class.columns.get(column)?;
        let is_link = column.column_type == ColumnType::Link && !class.is_embedded();
        let target = column.target.as_ref().filter(|_| is_link)?;
        let is_embedded = self.0.class(target)?.is_embedded();
        (!is_embedded).then(|| target.to_string())
    }
}

impl<R: Read> View<'_, R> {
    /// The objects that a way leads to, in order of creation. `read` counts the rows that had to be read.
    pub(crate) fn candidates(
        &self,
        class: ClassId,
        access: &Access,
        read: &mut u64,
    ) -> Result<Vec<u64>> {
        let mut objects = Vec::new();
        self.collect(class, access, &mut objects, read)?;
        objects.sort_unstable();
        objects.dedup();
        Ok(objects)
    }

    fn collect(
        &self,
        class: ClassId,
        access: &Access,
        out: &mut Vec<u64>,
        read: &mut u64,
    ) -> Result<()> {
        match access {
            Access::Keys(spans) => spans
                .iter()
                .try_for_each(|span| self.objects_with_keys(class, span, out)),
            Access::Index { column, ranges } => {
                let index = self.catalog.index_of(class, *column);
                let index = index.ok_or(StoreError::Damaged("an index is missing"))?;
                ranges.iter().try_for_each(|range| {
                    let ends = (range.from.as_slice(), range.to.as_slice());
                    objects_between(self.storage, index, ends, &mut |object| out.push(object))
                })
            }
            Access::LinksTo { column, target } => match self.catalog.id(&target.class) {
                Some(of) => self.origins_in((of, &target.key), (class, *column), out),
                None => Ok(()),
            },
            Access::LinksToAny {
                column,
                class: of,
                targets,
            } => {
                let Some(of) = self.catalog.id(&Name::from(of.as_str())) else {
                    return Ok(());
                };
                let keys = self.keys_of_targets(of, targets, read)?;
                keys.iter()
                    .try_for_each(|key| self.origins_in((of, key), (class, *column), out))
            }
            Access::Any(ways) => ways
                .iter()
                .try_for_each(|way| self.collect(class, way, out, read)),
        }
    }

    /// Objects whose primary key lies in a range.
    fn objects_with_keys(
        &self,
        class: ClassId,
        (from, to): &KeySpan,
        out: &mut Vec<u64>,
    ) -> Result<()> {
        if let (Bound::Included(from), Bound::Included(to)) = (from, to)
            && from == to
        {
            out.extend(self.find_by_id(class, from)?);
            return Ok(());
        }
        let prefix = class.to_be_bytes();
        let end = after_prefix(&prefix);
        let key = |key: &PrimaryKey| index_key(class, key);
        let from = match from {
            Bound::Included(from) => Bound::Included(key(from)),
            Bound::Excluded(from) => Bound::Excluded(key(from)),
            Bound::Unbounded => Bound::Included(prefix.to_vec()),
        };
        let to = match to {
            Bound::Included(to) => Bound::Included(key(to)),
            Bound::Excluded(to) => Bound::Excluded(key(to)),
            Bound::Unbounded => end.map_or(Bound::Unbounded, Bound::Excluded),
        };
        let (from, to) = (from.as_ref(), to.as_ref());
        let entries = self.storage.range(
            INDEX,
            from.map(|key: &Vec<u8>| key.as_slice()),
            to.map(|key: &Vec<u8>| key.as_slice()),
        )?;
        for entry in entries {
            out.push(object_number(&entry?.1)?);
        }
        Ok(())
    }

    /// Objects of a class that link from a column to a target.
    fn origins_in(
        &self,
        target: (ClassId, &PrimaryKey),
        (class, column): (ClassId, usize),
        out: &mut Vec<u64>,
    ) -> Result<()> {
        let Ok(column) = u16::try_from(column) else {
            return Ok(());
        };
        let prefix = backlink_prefix(target.0, target.1);
        let start = prefix.len();
        let prefix = prefix.u16(class).u16(column);
        for entry in self.storage.prefix(BACKLINKS, &prefix)? {
            let key = entry?.0;
            let origin = Origin::of_key(key.get(start..).unwrap_or_default())?;
            out.push(origin.object);
        }
        Ok(())
    }

    /// Primary keys of the objects that a way leads to.
    fn keys_of_targets(
        &self,
        class: ClassId,
        access: &Access,
        read: &mut u64,
    ) -> Result<Vec<PrimaryKey>> {
        if let Access::Keys(spans) = access
            && let Some(keys) = spans.iter().map(point).collect::<Option<Vec<_>>>()
        {
            return Ok(keys);
        }
        let mut keys = Vec::new();
        for object in self.candidates(class, access, read)? {
            let Some(row) = self.row_by_id(class, object)? else {
                continue;
            };
            *read += 1;
            let key = packed::read_key(split_row(&row)?.0);
            keys.push(key.map_err(|_| StoreError::Damaged("a key cannot be read"))?);
        }
        Ok(keys)
    }
}

fn point((from, to): &KeySpan) -> Option<PrimaryKey> {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) if from == to => Some(from.clone()),
        _ => None,
    }
}
