//! Instructions on elements of lists, and lists that are taken over as they were in the file.

use tidemark_changeset::{Instruction, Link, PathElement, Payload, Target};
use tidemark_model::Node;
use tidemark_storage::{Read, Storage};

use super::Replay;
use super::look::{At, found, steps};
use crate::hidden::AllVisible;
use crate::sync::reset::agreement::Mapping;
use crate::sync::reset::copy::Painter;
use crate::sync::reset::report::DropReason;
use crate::sync::reset::tracker::{Found, ListKey, Route};
use crate::transaction::{class_of, decode};
use crate::view::View;
use crate::walk::walk;
use crate::{Result, StoreError};

impl<F: Storage, R: Read> Replay<'_, F, R> {
    /// The list that an instruction on an element acts in, in the fresh state: path and size. `None` if
    /// there is nothing more to do.
    fn list(&mut self, at: At<'_>) -> Result<Option<(Vec<PathElement>, u32)>> {
        let Route::At(path) = self.lists.container(at.target) else {
            self.report.instructions_in_copied_lists += 1;
            return Ok(None);
        };
        let size = self.look(at, &path, None)?.and_then(|seen| seen.size);
        if size.is_none() {
            self.drop_it(at.target, DropReason::PathGone);
        }
        Ok(size.map(|size| (path, size)))
    }

    pub(super) fn array_insert(&mut self, at: At<'_>, value: &Payload) -> Result<()> {
        let Some((mut path, prior_size)) = self.list(at)? else {
            return Ok(());
        };
        if let Some(link) = self.is_missing(value)? {
            self.lists.inserted(at.target, None);
            let became_null = false;
            self.drop_it(
                at.target,
                DropReason::LinkTargetMissing { link, became_null },
            );
            return Ok(());
        }
        let index = self.lists.place(at.target, prior_size);
        path.push(PathElement::Index(index));
        let target = Target {
            path,
            ..at.target.clone()
        };
        let insert = Instruction::ArrayInsert {
            target,
            value: value.clone(),
            prior_size,
        };
        let is_in = self.emit(at, &insert)?;
        self.lists.inserted(at.target, is_in.then_some(index));
        Ok(())
    }

    pub(super) fn array_erase(&mut self, at: At<'_>) -> Result<()> {
        let Some((mut path, prior_size)) = self.list(at)? else {
            return Ok(());
        };
        match self.lists.erase(at.target) {
            Found::Copied => self.report.instructions_in_copied_lists += 1,
            Found::Nowhere => self.needless(),
            Found::At(index) => {
                path.push(PathElement::Index(index));
                let target = Target {
                    path,
                    ..at.target.clone()
                };
                self.emit(at, &Instruction::ArrayErase { target, prior_size })?;
            }
        }
        Ok(())
    }

    pub(super) fn array_move(&mut self, at: At<'_>, to: u32) -> Result<()> {
        let Some((mut path, prior_size)) = self.list(at)? else {
            return Ok(());
        };
        match self.lists.relocate(at.target, to) {
            Found::Copied | Found::Nowhere => self.report.instructions_in_copied_lists += 1,
            Found::At((from, to)) => {
                path.push(PathElement::Index(from));
                let target = Target {
                    path,
                    ..at.target.clone()
                };
                self.emit(
                    at,
                    &Instruction::ArrayMove {
                        target,
                        to,
                        prior_size,
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Makes a list of the fresh state equal to what it was in the file. Says whether it could.
    pub(super) fn copy_list(&mut self, list: &ListKey, is_last: bool) -> Result<bool> {
        let target = list.target();
        let Some(wanted) = self.local_list(&target)? else {
            self.drop_it(&target, DropReason::ListNotCopied);
            return Ok(false);
        };
        let class = self.fresh.catalog.id(&list.class);
        let object = match class {
            Some(class) => self.fresh.find(class, &list.key)?,
            None => None,
        };
        let (Some(class), Some(object)) = (class, object) else {
            self.drop_it(&target, DropReason::ListNotCopied);
            return Ok(false);
        };
        let at = At {
            class,
            object,
            target: &target,
        };
        let Some((instructions, missing)) = self.difference(at, &wanted)? else {
            self.drop_it(&target, DropReason::ListNotCopied);
            return Ok(false);
        };
        for instruction in &instructions {
            self.emit(at, instruction)?;
        }
        for link in missing {
            if !is_last && self.local.exists(&link)? {
                self.incomplete.insert(list.clone());
            } else {
                let became_null = false;
                self.drop_it(&target, DropReason::LinkTargetMissing { link, became_null });
            }
        }
        Ok(true)
    }

    /// A list as it was in the file, with columns in the order of the fresh state.
    fn local_list(&self, target: &Target) -> Result<Option<Vec<Node>>> {
        let Some(class) = self.local.catalog.id(&target.class) else {
            return Ok(None);
        };
        let Some(object) = self.local.find_by_id(class, &target.key)? else {
            return Ok(None);
        };
        let row = self.local.row_by_id(class, object)?;
        let row = row.ok_or(StoreError::Damaged("a row is missing"))?;
        let loaded = decode(self.local.catalog, class, &row)?;
        let schema = &self.local.catalog.schema;
        let definition = class_of(self.local.catalog, class)?;
        let Some(column) = definition.column_index(&target.field) else {
            return Ok(None);
        };
        let steps = steps(&target.path);
        let place = walk(
            schema,
            definition,
            &loaded.document,
            column,
            &steps,
            &AllVisible,
        );
        let Some(walk) = found(place)? else {
            return Ok(None);
        };
        let Some(Node::List(elements)) = walk.slot.node() else {
            return Ok(None);
        };
        let Some(embedded) = schema.embedded_target(walk.column) else {
            return Ok(Some(elements.clone()));
        };
        let mapping = Mapping::new(schema, &self.fresh.catalog.schema);
        match mapping.node(&embedded.name, Node::List(elements.clone())) {
            Node::List(elements) => Ok(Some(elements)),
            _ => Ok(None),
        }
    }

    /// The instructions that make the list at a place equal to another, and the links that were left out.
    #[allow(clippy::type_complexity)] // Two lists, of which one may not be there.
    fn difference(
        &mut self,
        at: At<'_>,
        wanted: &[Node],
    ) -> Result<Option<(Vec<Instruction>, Vec<Link>)>> {
        self.fresh.load(at.class, at.object)?;
        let catalog = &self.fresh.catalog;
        let definition = class_of(catalog, at.class)?;
        let Some(column) = definition.column_index(&at.target.field) else {
            return Ok(None);
        };
        let loaded = self.fresh.buffer.get(&(at.class, at.object));
        let loaded = loaded.ok_or(StoreError::Damaged("a lost object"))?;
        let steps = steps(&at.target.path);
        let (schema, document) = (&catalog.schema, &loaded.document);
        let place = walk(schema, definition, document, column, &steps, &AllVisible);
        let Some(walk) = found(place)? else {
            return Ok(None);
        };
        let Some(Node::List(there)) = walk.slot.node() else {
            return Ok(None);
        };
        let view = View::new(&self.fresh.storage, catalog);
        let exists = |link: &Link| view.exists(link);
        let mut painter = Painter::new(schema, &exists, at.target.clone());
        painter.list(walk.column, wanted, there)?;
        Ok(Some((painter.out, painter.missing)))
    }
}
