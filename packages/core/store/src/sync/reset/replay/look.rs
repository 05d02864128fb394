//! Looking at the fresh state, before an instruction is applied to it.

use tidemark_changeset::{PathElement, Target, Value};
use tidemark_storage::{Read, Storage};

use super::Replay;
use crate::hidden::AllVisible;
use crate::seen::Seen;
use crate::tables::ClassId;
use crate::transaction::class_of;
use crate::walk::{Step, walk};
use crate::{Result, StoreError};

/// The place of an instruction in the fresh state.
#[derive(Clone, Copy)]
pub(super) struct At<'t> {
    pub class: ClassId,
    pub object: u64,
    /// As it was here.
    pub target: &'t Target,
}

pub(super) fn steps(path: &[PathElement]) -> Vec<Step> {
    let step = |element: &PathElement| match element {
        // Nothing is hidden from the replay, so visible indexes are real ones.
        PathElement::Index(index) => Step::Visible(*index),
        PathElement::Key(key) => Step::Key(key.clone()),
    };
    path.iter().map(step).collect()
}

/// `None` if there is no such place.
pub(super) fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::InvalidMutation(_) | StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl<F: Storage, R: Read> Replay<'_, F, R> {
    /// What stands at a path of the object in the fresh state; `None` if the path leads nowhere.
    pub(super) fn look(
        &mut self,
        at: At<'_>,
        path: &[PathElement],
        element: Option<&Value>,
    ) -> Result<Option<Seen>> {
        self.fresh.load(at.class, at.object)?;
        let definition = class_of(&self.fresh.catalog, at.class)?;
        let Some(column) = definition.column_index(&at.target.field) else {
            return Ok(None);
        };
        let loaded = self.fresh.buffer.get(&(at.class, at.object));
        let document = loaded.map(|loaded| &loaded.document);
        let document = document.ok_or(StoreError::Damaged("a lost object"))?;
        let schema = &self.fresh.catalog.schema;
        let steps = steps(path);
        let place = walk(schema, definition, document, column, &steps, &AllVisible);
        found(place)?
            .map(|walk| Seen::of(&walk, element))
            .transpose()
    }
}
