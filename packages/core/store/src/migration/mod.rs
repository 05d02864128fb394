//! Changes of the schema that are more than additions, inside an open write: what a local file needs when the
//! application's classes have changed.
//!
//! Rows are rewritten a slice at a time, with their backlinks and index entries; the write keeps the rows as
//! bytes until it ends. Nobody is told object by object: to listeners everything may have changed. Nothing is
//! recorded, so that a synchronised file refuses all of it.

mod embedding;
mod keys;
mod promoting;
mod reshape;

use std::ops::Bound;
use std::sync::Arc;

use tidemark_changeset::{Instruction, Name};
use tidemark_model::Class;
use tidemark_storage::keys::after_prefix;
use tidemark_storage::{Bytes, Read, Storage};

pub use reshape::{NewColumn, Source};

use crate::catalog::Catalog;
use crate::record::{RecordReader, RecordWriter};
use crate::tables::{ABSENT, BACKLINKS, COUNTERS, ClassId, INDEX, META, ROWS, meta, row_key};
use crate::transaction::{WriteTransaction, object_at};
use crate::view::View;
use crate::{Result, StoreError};

/// A slice ends behind the row that makes it this large.
const SLICE_BYTES_MAX: usize = 1 << 20;

/// A slice has no more rows than this: a decoded row takes up far more than its bytes.
const SLICE_ROWS_MAX: usize = 1_000;

/// Objects of a class with their rows.
type Slice = Vec<(u64, Bytes)>;

fn declared_version(from: &impl Read) -> Result<Option<u64>> {
    let record = from.get(META, meta::DECLARED_VERSION)?;
    record
        .map(|bytes| RecordReader::new(&bytes).u64())
        .transpose()
}

impl<R: Read> View<'_, R> {
    /// The version that the application has given its schema, if it ever did.
    pub fn declared_version(&self) -> Result<Option<u64>> {
        declared_version(self.storage)
    }
}

impl<S: Storage> WriteTransaction<S> {
    /// Remembers the version that the application gives its schema.
    pub fn set_declared_version(&mut self, version: u64) {
        let record = RecordWriter::new().u64(version).finish();
        self.storage.put(META, meta::DECLARED_VERSION, &record);
    }

    /// What comes before each operation: no object is held decoded, and none of what was noted is kept.
    fn begin_migration(&mut self) -> Result<()> {
        if self.recorder.is_some() {
            return Err(StoreError::SchemaMismatch(
                "The schema of a synchronised file can only be added to".to_owned(),
            ));
        }
        self.drop_asymmetric()?;
        self.let_go()?;
        self.changes.schema = true;
        self.changes.complete = false;
        Ok(())
    }

    fn let_go(&mut self) -> Result<()> {
        self.spill()?;
        self.last_find = None;
        self.changes.classes.clear();
        Ok(())
    }

    /// Shows all rows of a class, as they stand when their slice begins.
    fn each_slice(
        &mut self,
        class: ClassId,
        mut work: impl FnMut(&mut Self, Slice) -> Result<()>,
    ) -> Result<()> {
        let mut first = Some(0);
        while let Some(from) = first {
            let slice = self.slice(class, from)?;
            first = slice.last().and_then(|(object, _)| object.checked_add(1));
            work(self, slice)?;
            self.let_go()?;
        }
        Ok(())
    }

    fn slice(&self, class: ClassId, first: u64) -> Result<Slice> {
        let (from, to) = (row_key(class, first), row_key(class, u64::MAX));
        let mut slice = Slice::new();
        let mut size = 0;
        let (from, to) = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        for entry in self.storage.range(ROWS, from, to)? {
            let (key, row) = entry?;
            size += row.len();
            slice.push((object_at(&key)?, row));
            if size >= SLICE_BYTES_MAX || slice.len() >= SLICE_ROWS_MAX {
                break;
            }
        }
        Ok(slice)
    }

    /// Removes a class, its objects and all links to them.
    ///
    /// # Errors
    ///
    /// If there is no such class, or a property of another one is for its objects.
    pub fn remove_class(&mut self, name: &Name) -> Result<()> {
        self.begin_migration()?;
        let (class, position) = self.class_named(name)?;
        let erase = Instruction::EraseTable {
            class: name.clone(),
        };
        // Refused before anything is lost.
        let checked = Catalog::clone(&self.catalog).apply(&erase);
        checked.map_err(|error| StoreError::SchemaMismatch(error.to_string()))?;
        let is_embedded = self.catalog.class(name).is_some_and(Class::is_embedded);
        if !is_embedded {
            self.each_slice(class, |write, slice| {
                slice
                    .into_iter()
                    .try_for_each(|(object, _)| write.erase(position, object))
            })?;
        }
        let columns = self.catalog.class(name).map_or(0, |it| it.columns.len());
        for column in 0..columns {
            self.drop_index(class, column)?;
        }
        // Links to objects that never came are all that may be left.
        let prefix = class.to_be_bytes();
        let end = after_prefix(&prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        for table in [ROWS, INDEX, BACKLINKS, ABSENT, COUNTERS] {
            self.storage
                .delete_range(table, Bound::Included(&prefix), to)?;
        }
        self.forget_counters(class);
        Arc::make_mut(&mut self.catalog).apply(&erase)?;
        Ok(())
    }

    /// Id and position of a class.
    fn class_named(&self, name: &Name) -> Result<(ClassId, usize)> {
        let found = self.catalog.id(name).zip(self.catalog.position(name));
        found.ok_or_else(|| StoreError::NotFound(format!("There is no class '{name}'")))
    }
}
