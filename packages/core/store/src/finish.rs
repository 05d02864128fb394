//! How a write ends, or lets go of what it holds: rows are written, and what listeners are told is complete.

use std::sync::Arc;

use tidemark_storage::Storage;

use crate::Result;
use crate::changes::Columns;
use crate::tables::{META, meta};
use crate::transaction::WriteTransaction;

impl<S: Storage> WriteTransaction<S> {
    /// Ends the objects' part of the write: everything is in the storage's write and `changes` is complete.
    pub(crate) fn finish_objects(&mut self) -> Result<()> {
        self.drop_asymmetric()?;
        self.flush()?;
        self.note_modified();
        if self.changes.schema {
            self.head.schema_version += 1;
            Arc::make_mut(&mut self.catalog).version = self.head.schema_version;
            self.storage
                .put(META, meta::SCHEMA, &self.catalog.to_record());
            self.storage
                .put(META, meta::INDEXES, &self.catalog.to_index_record());
        }
        Ok(())
    }

    /// Objects of asymmetric classes go as soon as what was done to them is recorded.
    pub(crate) fn drop_asymmetric(&mut self) -> Result<()> {
        for (class, object) in std::mem::take(&mut self.asymmetric) {
            if self.buffer.contains_key(&(class, object)) {
                self.remove(class, object, false)?;
            }
        }
        Ok(())
    }

    /// Turns the objects held decoded into rows and lets go of them: for writes that touch very many. Not
    /// for one that applied downloaded erasures: those are compared with what comes after them.
    pub(crate) fn spill(&mut self) -> Result<()> {
        debug_assert!(self.erased.is_empty(), "erased objects may still return");
        self.flush()?;
        self.note_touched();
        self.buffer.clear();
        Ok(())
    }

    fn note_modified(&mut self) {
        for ((class, _), erased) in std::mem::take(&mut self.erased) {
            // Erased and created again: one object to the reader, changed where it differs.
            let Some(loaded) = self.buffer.get_mut(&(class, erased.object)) else {
                continue;
            };
            let Some(definition) = self.catalog.class_of_id(class) else {
                continue;
            };
            let mut old = erased.document;
            old.fill_deep(&self.catalog.schema, definition);
            loaded.document.fill_deep(&self.catalog.schema, definition);
            loaded.touched = Columns::default();
            for (column, (before, after)) in
                (0..).zip(old.fields.iter().zip(&loaded.document.fields))
            {
                if before != after {
                    loaded.touched.insert(column);
                }
            }
            let changes = self.changes.class(&definition.name);
            changes.deleted.remove(&erased.object);
            // They were made to the empty lists of the new object.
            changes.forget_lists(erased.object);
        }
        self.note_touched();
    }

    fn note_touched(&mut self) {
        for ((class, object), loaded) in &self.buffer {
            if loaded.is_fresh {
                continue;
            }
            let Some(definition) = self.catalog.class_of_id(*class) else {
                continue;
            };
            for column in loaded.touched.iter() {
                self.changes.class(&definition.name).modify(*object, column);
            }
        }
    }
}
