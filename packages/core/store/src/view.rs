//! Reading objects, from a snapshot or with the changes of an open write.

use std::ops::{Bound, ControlFlow};

use tidemark_changeset::{Link, PrimaryKey};
use tidemark_storage::{Bytes, Read};

use crate::Result;
use crate::catalog::Catalog;
use crate::head::Counters;
use crate::names::QueryNames;
use crate::tables::{ClassId, INDEX, ROWS, index_key, row_key};
use crate::transaction::{object_at, object_number};

/// Objects as some version, or an open write, holds them.
pub struct View<'a, R: Read> {
    pub(crate) storage: &'a R,
    pub(crate) catalog: &'a Catalog,
    /// What queries may say beside the names of the file.
    pub(crate) names: Option<&'a QueryNames>,
}

impl<R: Read> Clone for View<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Read> Copy for View<'_, R> {}

impl<'a, R: Read> View<'a, R> {
    pub(crate) fn new(storage: &'a R, catalog: &'a Catalog) -> Self {
        Self {
            storage,
            catalog,
            names: None,
        }
    }

    /// The same, for queries that use names of the application.
    #[must_use]
    pub fn with_names(self, names: &'a QueryNames) -> Self {
        Self {
            names: Some(names),
            ..self
        }
    }

    /// The schema.
    pub fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// Number of objects of a class, by its position.
    pub fn count(&self, class: usize) -> Result<u64> {
        Ok(Counters::read(self.storage, self.catalog.id_at(class)?)?.objects)
    }

    /// The object with this primary key.
    pub fn find(&self, class: usize, key: &PrimaryKey) -> Result<Option<u64>> {
        self.find_by_id(self.catalog.id_at(class)?, key)
    }

    pub(crate) fn find_by_id(&self, class: ClassId, key: &PrimaryKey) -> Result<Option<u64>> {
        let entry = self.storage.get(INDEX, &index_key(class, key))?;
        entry.map(|bytes| object_number(&bytes)).transpose()
    }

    /// An object: `u32` length of the packed primary key, the key, the row.
    pub fn row(&self, class: usize, object: u64) -> Result<Option<Bytes>> {
        self.row_by_id(self.catalog.id_at(class)?, object)
    }

    pub(crate) fn row_by_id(&self, class: ClassId, object: u64) -> Result<Option<Bytes>> {
        Ok(self.storage.get(ROWS, &row_key(class, object))?)
    }

    /// The objects of a class in order of creation, with their rows as [`View::row`] gives them.
    pub fn objects(&self, class: usize) -> Result<impl Iterator<Item = Result<(u64, Bytes)>> + 'a> {
        self.objects_by_id(self.catalog.id_at(class)?)
    }

    /// The objects of a class with keys from … to, with their rows.
    pub fn objects_between(
        &self,
        class: usize,
        first: u64,
        last: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Bytes)>> + 'a> {
        self.range(self.catalog.id_at(class)?, first, last)
    }

    pub(crate) fn objects_by_id(
        &self,
        class: ClassId,
    ) -> Result<impl Iterator<Item = Result<(u64, Bytes)>> + 'a> {
        self.range(class, 0, u64::MAX)
    }

    fn range(
        &self,
        class: ClassId,
        first: u64,
        last: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Bytes)>> + 'a> {
        let (from, to) = (row_key(class, first), row_key(class, last));
        let rows = self
            .storage
            .range(ROWS, Bound::Included(&from), Bound::Included(&to))?;
        Ok(rows.map(|entry| {
            let (key, row) = entry?;
            Ok((object_at(&key)?, row))
        }))
    }

    /// Shows the rows of a class with keys from … to, until the visitor wants no more.
    pub(crate) fn scan(
        &self,
        class: ClassId,
        (first, last): (u64, u64),
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let (from, to) = (row_key(class, first), row_key(class, last));
        let mut result = Ok(());
        let (from, to) = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        self.storage.scan(ROWS, from, to, &mut |key, row| {
            match object_at(key).and_then(|object| visit(object, row)) {
                Ok(true) => return ControlFlow::Continue(()),
                Ok(false) => {}
                Err(error) => result = Err(error),
            }
            ControlFlow::Break(())
        })?;
        result
    }

    /// Whether the target of a link exists.
    pub fn exists(&self, link: &Link) -> Result<bool> {
        let Some(class) = self.catalog.id(&link.class) else {
            return Ok(false);
        };
        Ok(self.find_by_id(class, &link.key)?.is_some())
    }
}

impl<R: Read> View<'_, R> {
    /// Everything as the model's database in memory: for comparing states.
    pub fn export(&self) -> Result<tidemark_model::memory::Database> {
        let mut out = tidemark_model::memory::Database::new();
        out.schema = self.catalog.schema.clone();
        for (position, class) in self.catalog.classes().enumerate() {
            let mut objects = std::collections::BTreeMap::new();
            for entry in self.objects(position)? {
                let (_, bytes) = entry?;
                let loaded = crate::transaction::decode(
                    self.catalog,
                    self.catalog.id_at(position)?,
                    &bytes,
                )?;
                objects.insert(loaded.key, loaded.document);
            }
            out.objects.insert(class.name.clone(), objects);
        }
        out.fill();
        Ok(out)
    }
}
