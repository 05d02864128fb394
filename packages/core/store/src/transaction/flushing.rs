//! What a write holds decoded, encoded into the storage's write: all of it, or only what is asked for.

use tidemark_storage::{Storage, Write};

use super::{WriteTransaction, encode};
use crate::Result;
use crate::indexes::update_entries;
use crate::tables::{ClassId, ROWS, row_key};
use crate::view::View;

impl<S: Storage> WriteTransaction<S> {
    /// Brings the storage's write up to date: rows, backlinks, index entries, counters.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.flush_links()?;
        let mut bytes = std::mem::take(&mut self.row);
        for (class, object) in std::mem::take(&mut self.dirty) {
            self.flush_row(class, object, &mut bytes);
        }
        self.row = bytes;
        self.flush_counters();
        Ok(())
    }

    /// Brings one row up to date, with its index entries. It may stay among the dirty ones.
    fn flush_row(&mut self, class: ClassId, object: u64, bytes: &mut Vec<u8>) {
        let Some(loaded) = self.buffer.get_mut(&(class, object)) else {
            return;
        };
        if std::mem::replace(&mut loaded.is_dirty, false) {
            bytes.clear();
            encode(loaded, bytes);
            self.storage.put(ROWS, &row_key(class, object), bytes);
            if let Some(known) = &mut loaded.index_keys {
                let (catalog, document) = (&self.catalog, &loaded.document);
                update_entries(&mut self.storage, catalog, (class, object), document, known);
            }
            self.took_steps(bytes.len());
        }
    }

    fn flush_counters(&mut self) {
        for (class, known) in &mut self.counters {
            if known.now != known.stored {
                known.now.write(&mut self.storage, *class);
                known.stored = known.now;
            }
        }
    }

    /// Reads where objects are, but perhaps not their newest rows.
    pub(crate) fn view_of_keys(&mut self) -> View<'_, Write<S>> {
        self.flush_counters();
        View::new(&self.storage, &self.catalog)
    }

    /// Reads with the newest rows of some objects, but perhaps not of others.
    pub(crate) fn view_of_rows(
        &mut self,
        class: ClassId,
        objects: impl Iterator<Item = u64>,
    ) -> View<'_, Write<S>> {
        let mut bytes = std::mem::take(&mut self.row);
        for object in objects {
            self.flush_row(class, object, &mut bytes);
        }
        self.row = bytes;
        self.view_of_keys()
    }
}
