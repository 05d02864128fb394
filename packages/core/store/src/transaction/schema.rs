//! Instructions that change the schema, and what they do to objects.

use std::sync::Arc;

use tidemark_changeset::{Instruction, Name};
use tidemark_model::Class;
use tidemark_storage::{Read, Storage};

use super::{WriteTransaction, class_of, object_at};
use crate::Result;
use crate::catalog::Catalog;
use crate::link_counts::LinkCounts;
use crate::tables::{ClassId, ROWS};

impl<S: Storage> WriteTransaction<S> {
    pub(super) fn apply_schema(&mut self, instruction: &Instruction) -> Result<()> {
        match instruction {
            Instruction::EraseTable { class } => {
                let id = self.catalog.id(class);
                // Refused before anything is lost.
                Catalog::clone(&self.catalog).apply(instruction)?;
                for (_, object) in self.objects_of(id)? {
                    self.remove(id.unwrap_or_default(), object, false)?;
                }
            }
            Instruction::EraseColumn { class, field } => {
                self.take_column_out(class, field, instruction)?;
            }
            _ => {}
        }
        if Arc::make_mut(&mut self.catalog).apply(instruction)? {
            self.changes.schema = true;
            if let Instruction::AddColumn { class, .. } = instruction {
                self.fill_loaded(class);
            }
        }
        Ok(())
    }

    /// Objects that are at hand already get the default of a new column: later edits of this write go there.
    fn fill_loaded(&mut self, name: &Name) {
        let is_embedded = self.catalog.class(name).is_some_and(Class::is_embedded);
        let id = self.catalog.id(name);
        for ((class, _), loaded) in &mut self.buffer {
            if (is_embedded || Some(*class) == id)
                && let Some(definition) = self.catalog.class_of_id(*class)
            {
                let schema = &self.catalog.schema;
                loaded.document.fill_deep(schema, definition);
            }
        }
    }

    /// Objects of a class, or none.
    fn objects_of(&mut self, class: Option<ClassId>) -> Result<Vec<(ClassId, u64)>> {
        let Some(class) = class else {
            return Ok(Vec::new());
        };
        self.flush()?;
        let rows = self.storage.prefix(ROWS, &class.to_be_bytes())?;
        rows.map(|entry| Ok((class, object_at(&entry?.0)?)))
            .collect()
    }

    /// Takes a field out of every document that holds it. Backlinks name columns by index, so those of the
    /// affected objects are forgotten and made anew.
    fn take_column_out(
        &mut self,
        name: &Name,
        field: &Name,
        instruction: &Instruction,
    ) -> Result<()> {
        let before = Arc::clone(&self.catalog);
        Catalog::clone(&before).apply(instruction)?;
        let Some(erased) = before.class(name) else {
            return Ok(());
        };
        let Some(column) = erased.column_index(field) else {
            return Ok(());
        };
        if let Some(id) = before.id(name) {
            self.flush()?;
            self.drop_index(id, column)?;
            self.forget_known_keys(id);
        }
        let affected: Vec<ClassId> = if erased.is_embedded() {
            let top_level = before.classes().filter(|class| !class.is_embedded());
            top_level
                .filter_map(|class| before.id(&class.name))
                .collect()
        } else {
            before.id(name).into_iter().collect()
        };
        for class in affected {
            let definition = class_of(&before, class)?;
            for (class, object) in self.objects_of(Some(class))? {
                self.load(class, object)?;
                self.forget_links(class, object)?;
                let loaded = self.load(class, object)?;
                loaded
                    .document
                    .erase_column(&before.schema, definition, name, column);
                loaded.links = Some(LinkCounts::unknown());
                loaded.hidden.get_mut().clear();
                if !std::mem::replace(&mut loaded.is_dirty, true) {
                    self.dirty.push((class, object));
                }
                self.relinked.push((class, object));
            }
        }
        Ok(())
    }
}
