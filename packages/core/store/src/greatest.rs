//! Whether a primary key is taken. Keys are mostly counted up, and one beyond the greatest of its class needs
//! no look-up.

use std::collections::hash_map::Entry;

use tidemark_changeset::PrimaryKey;
use tidemark_changeset::packed::read_key;
use tidemark_storage::{Read, Storage};

use crate::tables::{ClassId, INDEX, ROWS, index_key, row_key};
use crate::transaction::{WriteTransaction, object_number, split_row};
use crate::{Result, StoreError, View};

/// What a write knows of the keys of a class: `None` if it has asked for one only.
pub(crate) type Greatest = Option<Vec<u8>>;

impl<S: Storage> WriteTransaction<S> {
    /// Whether there is an object with this entry in [`INDEX`].
    pub(crate) fn is_taken(&mut self, class: ClassId, entry: &[u8]) -> Result<bool> {
        let greatest = match self.greatest.entry(class) {
            // A write of one object has no use for the greatest key.
            Entry::Vacant(place) => {
                place.insert(None);
                return Ok(self.storage.contains(INDEX, entry)?);
            }
            Entry::Occupied(known) => known.into_mut(),
        };
        let greatest = if let Some(greatest) = greatest {
            greatest
        } else {
            let last = self
                .storage
                .prefix(INDEX, &class.to_be_bytes())?
                .next_back();
            let last = last.transpose()?;
            greatest.insert(last.map(|(key, _)| key.to_vec()).unwrap_or_default())
        };
        Ok(entry <= &greatest[..] && self.storage.contains(INDEX, entry)?)
    }

    /// Leads a primary key to its object.
    pub(crate) fn put_index(&mut self, class: ClassId, entry: &[u8], object: u64) {
        self.storage.put(INDEX, entry, &object.to_le_bytes());
        if let Some(Some(greatest)) = self.greatest.get_mut(&class)
            && entry > &greatest[..]
        {
            greatest.clear();
            greatest.extend_from_slice(entry);
        }
    }
}

impl<R: Read> View<'_, R> {
    /// The greatest integer among the primary keys of a class.
    pub fn greatest_integer_key(&self, class: usize) -> Result<Option<i64>> {
        let id = self.catalog.id_at(class)?;
        // What all integers begin with.
        let mut prefix = index_key(id, &PrimaryKey::Int(0));
        prefix.truncate(prefix.len() - size_of::<i64>());
        let Some(last) = self.storage.prefix(INDEX, &prefix)?.next_back() else {
            return Ok(None);
        };
        let object = object_number(&last?.1)?;
        let row = self.storage.get(ROWS, &row_key(id, object))?;
        let row = row.ok_or(StoreError::Damaged("an object has no row"))?;
        match read_key(split_row(&row)?.0) {
            Ok(PrimaryKey::Int(key)) => Ok(Some(key)),
            _ => Err(StoreError::Damaged("a key cannot be read")),
        }
    }
}
