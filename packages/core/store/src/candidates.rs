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

/// How far the ways to candidates are followed at first, and how many times as far then.
const FIRST_BOUND: usize = 64;
const BOUND_FACTOR: usize = 8;

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
    /// The objects that the narrowest of several ways leads to, in order of creation; `None` if all lead to
    /// more than so many. `read` counts the rows that had to be read.
    pub(crate) fn narrowest(
        &self,
        class: ClassId,
        ways: &[Access],
        most: usize,
        read: &mut u64,
    ) -> Result<Option<Vec<u64>>> {
        // Each way is followed only a little further than the narrowest one could be long.
        let mut bound = match ways {
            [_] => most,
            _ => FIRST_BOUND.min(most),
        };
        loop {
            let mut best: Option<Vec<u64>> = None;
            for way in ways {
                let bound = best.as_ref().map_or(bound, Vec::len);
                if best.is_some() && bound <= FIRST_BOUND && way.reads_targets() {
                    continue;
                }
                if let Some(found) = self.candidates(class, way, bound, read)? {
                    best = Some(found);
                }
            }
            if best.is_some() || bound == most || ways.is_empty() {
                return Ok(best);
            }
            bound = bound.saturating_mul(BOUND_FACTOR).min(most);
        }
    }

    /// The objects that a way leads to, in order of creation; `None` if they are more than so many.
    fn candidates(
        &self,
        class: ClassId,
        access: &Access,
        most: usize,
        read: &mut u64,
    ) -> Result<Option<Vec<u64>>> {
        let mut objects = Vec::new();
        if !self.collect(class, access, (&mut objects, most), read)? {
            return Ok(None);
        }
        objects.sort_unstable();
        objects.dedup();
        Ok(Some(objects))
    }

    /// Adds the objects that a way leads to. `false` once they are more than so many.
    fn collect(
        &self,
        class: ClassId,
        access: &Access,
        (out, most): (&mut Vec<u64>, usize),
        read: &mut u64,
    ) -> Result<bool> {
        match access {
            Access::Keys(spans) => {
                for span in spans {
                    self.objects_with_keys(class, span, (out, most))?;
                    if out.len() > most {
                        return Ok(false);
                    }
                }
            }
            Access::Index { column, ranges } => {
                let index = self.catalog.index_of(class, *column);
                let index = index.ok_or(StoreError::Damaged("an index is missing"))?;
                for range in ranges {
                    let ends = (range.from.as_slice(), range.to.as_slice());
                    objects_between(self.storage, index, ends, &mut |object| {
                        out.push(object);
                        out.len() <= most
                    })?;
                    if out.len() > most {
                        return Ok(false);
                    }
                }
            }
            Access::LinksTo { column, target } => {
                if let Some(of) = self.catalog.id(&target.class) {
                    self.origins_in((of, &target.key), (class, *column), (out, most))?;
                }
            }
            Access::LinksToAny {
                column,
                class: of,
                targets,
            } => {
                let Some(of) = self.catalog.id(&Name::from(of.as_str())) else {
                    return Ok(true);
                };
                let Some(keys) = self.keys_of_targets(of, targets, most, read)? else {
                    return Ok(false);
                };
                for key in &keys {
                    self.origins_in((of, key), (class, *column), (out, most))?;
                    if out.len() > most {
                        return Ok(false);
                    }
                }
            }
            Access::Any(ways) => {
                for way in ways {
                    if !self.collect(class, way, (out, most), read)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(out.len() <= most)
    }

    /// Adds objects whose primary key lies in a range, up to one too many.
    fn objects_with_keys(
        &self,
        class: ClassId,
        (from, to): &KeySpan,
        (out, most): (&mut Vec<u64>, usize),
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
            if out.len() > most {
                break;
            }
        }
        Ok(())
    }

    /// Adds objects of a class that link from a column to a target, up to one too many.
    fn origins_in(
        &self,
        target: (ClassId, &PrimaryKey),
        (class, column): (ClassId, usize),
        (out, most): (&mut Vec<u64>, usize),
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
            if out.len() > most {
                break;
            }
        }
        Ok(())
    }

    /// Primary keys of the objects that a way leads to; `None` if they are more than so many.
    fn keys_of_targets(
        &self,
        class: ClassId,
        access: &Access,
        most: usize,
        read: &mut u64,
    ) -> Result<Option<Vec<PrimaryKey>>> {
        if let Access::Keys(spans) = access
            && let Some(keys) = spans.iter().map(point).collect::<Option<Vec<_>>>()
        {
            return Ok(Some(keys));
        }
        let Some(objects) = self.candidates(class, access, most, read)? else {
            return Ok(None);
        };
        let mut keys = Vec::new();
        for object in objects {
            let Some(row) = self.row_by_id(class, object)? else {
                continue;
            };
            *read += 1;
            let key = packed::read_key(split_row(&row)?.0);
            keys.push(key.map_err(|_| StoreError::Damaged("a key cannot be read"))?);
        }
        Ok(Some(keys))
    }
}

fn point((from, to): &KeySpan) -> Option<PrimaryKey> {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) if from == to => Some(from.clone()),
        _ => None,
    }
}
