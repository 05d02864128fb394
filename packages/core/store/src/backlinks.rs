//! Reading links against their direction: who links to some objects, and where in a list.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;
use tidemark_changeset::packed::{Packed, RowView, read_key};
use tidemark_storage::Read;

use crate::head::Counters;
use crate::links::Origin;
use crate::tables::{BACKLINKS, ClassId, backlink_prefix};
use crate::transaction::{class_of, split_row};
use crate::view::View;
use crate::{Result, StoreError};

impl<R: Read> View<'_, R> {
    /// The objects whose column of a class (by their positions) links to one of `targets`, in order of
    /// creation. Links inside an embedded object belong to the column that holds it.
    pub fn origins(
        &self,
        class: usize,
        targets: impl Iterator<Item = u64>,
        (origin, column): (usize, u16),
    ) -> Result<BTreeSet<u64>> {
        let (class, origin) = (self.catalog.id_at(class)?, self.catalog.id_at(origin)?);
        let mut found = BTreeSet::new();
        for target in targets {
            let Some(bytes) = self.row_by_id(class, target)? else {
                continue;
            };
            let prefix = backlink_prefix(class, &read_key(split_row(&bytes)?.0)?);
            let key_length = prefix.len();
            let prefix = prefix.u16(origin).u16(column);
            for entry in self.storage.prefix(BACKLINKS, &prefix)? {
                let (key, _) = entry?;
                let rest = key.get(key_length..).unwrap_or_default();
                found.insert(Origin::of_key(rest)?.object);
            }
        }
        Ok(found)
    }

    /// Indexes, in the list or set of a column, of links to `targets`. Links to absent objects do not count.
    pub fn link_positions(
        &self,
        (class, object, column): (usize, u64, u16),
        target: usize,
        targets: impl Iterator<Item = u64>,
    ) -> Result<Vec<u64>> {
        let target = self.catalog.id_at(target)?;
        let name = &class_of(self.catalog, target)?.name;
        let mut keys = FxHashSet::default();
        for target_object in targets {
            if let Some(bytes) = self.row_by_id(target, target_object)? {
                keys.insert(split_row(&bytes)?.0.to_vec());
            }
        }
        let mut found = Vec::new();
        let Some(bytes) = self.row(class, object)? else {
            return Ok(found);
        };
        let damaged = |_| StoreError::Damaged("a row cannot be read");
        let row = RowView::new(split_row(&bytes)?.1).map_err(damaged)?;
        let value = row.column(usize::from(column)).map_err(damaged)?;
        let Some(Packed::List(list) | Packed::Set(list)) = value else {
            return Ok(found);
        };
        let may_hide = Counters::read(self.storage, target)?.absent > 0;
        let mut position = 0;
        for element in list.iter() {
            if let Packed::Link(link) = element.map_err(damaged)? {
                let is_target = link.class == name.as_bytes();
                if may_hide && is_target && self.is_hidden(target, link.key_bytes())? {
                    continue;
                }
                if is_target && keys.contains(link.key_bytes()) {
                    found.push(position);
                }
            }
            position += 1;
        }
        Ok(found)
    }

    fn is_hidden(&self, class: ClassId, key: &[u8]) -> Result<bool> {
        Ok(self.find_by_id(class, &read_key(key)?)?.is_none())
    }
}
