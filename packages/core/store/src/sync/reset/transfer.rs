//! Making the file's objects equal to the fresh copy's, with as few changes as there are differences: an
//! object that is equal is not touched, of others only the columns that differ. So what the application is
//! told is exact, and objects keep their keys.
//!
//! Rows are compared as bytes, class by class, and only those that differ are decoded. Links are taken over
//! as they are, also those to objects that do not exist: they count as slots of lists, and the next
//! instruction of the server counts them too.

use tidemark_changeset::Name;
use tidemark_changeset::packed;
use tidemark_model::Node;
use tidemark_storage::{Read, Storage};

use super::agreement::{Mapping, additions};
use super::report::ResetReport;
use crate::catalog::Catalog;
use crate::tables::ClassId;
use crate::transaction::{WriteTransaction, decode, split_row};
use crate::view::View;
use crate::{Result, StoreError};

/// Objects held decoded at a time, and keys looked at at a time.
const BATCH_OBJECTS: usize = 1_024;

/// Makes the write's objects equal to those of the view.
pub(super) fn transfer<S: Storage, R: Read>(
    local: &mut WriteTransaction<S>,
    fresh: View<'_, R>,
    report: &mut ResetReport,
) -> Result<()> {
    for instruction in additions(&local.catalog, fresh.catalog)? {
        local.apply(&instruction)?;
    }
    let catalog = std::sync::Arc::clone(&local.catalog);
    let mut transfer = Transfer {
        mapping: Mapping::new(&fresh.catalog.schema, &catalog.schema),
        catalog: &catalog,
        local,
        fresh,
        report,
    };
    let kept = |class: &&tidemark_model::Class| !class.is_embedded() && !class.is_asymmetric();
    let names: Vec<Name> = catalog
        .classes()
        .filter(kept)
        .map(|class| class.name.clone())
        .collect();
    // What is gone goes first: what comes may have to be found under the same links.
    for name in &names {
        transfer.remove_absent(name)?;
    }
    for name in &names {
        transfer.copy(name)?;
    }
    Ok(())
}

struct Transfer<'a, S: Storage, R: Read> {
    local: &'a mut WriteTransaction<S>,
    catalog: &'a Catalog,
    fresh: View<'a, R>,
    mapping: Mapping<'a>,
    report: &'a mut ResetReport,
}

impl<S: Storage, R: Read> Transfer<'_, S, R> {
    /// The class's numbers, here and in the fresh copy.
    fn ids(&self, name: &Name) -> Result<(ClassId, ClassId)> {
        let ids = self.catalog.id(name).zip(self.fresh.catalog.id(name));
        ids.ok_or(StoreError::Damaged("a class is missing"))
    }

    fn remove_absent(&mut self, name: &Name) -> Result<()> {
        let (local, fresh) = self.ids(name)?;
        let mut next = 0;
        loop {
            let mut seen = 0;
            let mut absent = Vec::new();
            let position = self.catalog.position(name).unwrap_or_default();
            let rows = self
                .local
                .view()?
                .objects_between(position, next, u64::MAX)?;
            for row in rows.take(BATCH_OBJECTS) {
                let (object, row) = row?;
                (seen, next) = (seen + 1, object + 1);
                let key = packed::read_key(split_row(&row)?.0)?;
                if self.fresh.find_by_id(fresh, &key)?.is_none() {
                    absent.push(object);
                }
            }
            for object in absent {
                self.local.remove(local, object, false)?;
                self.report.objects_deleted += 1;
            }
            if seen < BATCH_OBJECTS {
                return Ok(());
            }
        }
    }

    fn copy(&mut self, name: &Name) -> Result<()> {
        let (local, fresh) = self.ids(name)?;
        let is_identity = self.mapping.is_identity(name);
        for row in self.fresh.objects_by_id(fresh)? {
            let (_, bytes) = row?;
            let key = packed::read_key(split_row(&bytes)?.0)?;
            let object = self.local.find(local, &key)?;
            if let Some(object) = object
                && is_identity
                && self.is_same_row(local, object, &bytes)?
            {
                continue;
            }
            let document = decode(self.fresh.catalog, fresh, &bytes)?.document;
            let document = self.mapping.document(name, document);
            let object = if let Some(object) = object {
                object
            } else {
                self.report.objects_created += 1;
                self.local.insert(local, &key)?
            };
            self.change(local, object, document.fields)?;
            if self.local.buffer.len() >= BATCH_OBJECTS {
                self.local.spill()?;
            }
        }
        self.local.spill()
    }

    fn is_same_row(&self, class: ClassId, object: u64, fresh: &[u8]) -> Result<bool> {
        let view = View::new(&self.local.storage, self.catalog);
        let row = view.row_by_id(class, object)?;
        Ok(row.is_some_and(|row| *row == *fresh))
    }

    /// Assigns the columns that differ.
    fn change(&mut self, class: ClassId, object: u64, fields: Vec<Node>) -> Result<()> {
        let mut is_changed = false;
        for (column, node) in fields.into_iter().enumerate() {
            let loaded = self.local.load(class, object)?;
            if loaded.document.fields.get(column) == Some(&node) {
                continue;
            }
            is_changed |= !loaded.is_fresh;
            let touch = self.local.touch(class, object, column)?;
            if matches!(node, Node::List(_)) && !touch.is_fresh {
                self.local.note_edit(class, object, touch.column, None)?;
            }
            let loaded = self.local.load(class, object)?;
            if let Some(field) = loaded.document.fields.get_mut(column) {
                *field = node;
            }
            self.local.rewritten(class, object)?;
        }
        self.report.objects_changed += u64::from(is_changed);
        Ok(())
    }
}
