//! Looking at the fresh state, before an instruction is applied to it.

use tidemark_changeset::{CollectionKind, PathElement, Target, Value, order};
use tidemark_model::Node;
use tidemark_storage::{Read, Storage};

use super::Replay;
use crate::tables::ClassId;
use crate::transaction::class_of;
use crate::walk::{Slot, Step, Walk, narrow, walk};
use crate::{Result, StoreError};

/// The place of an instruction in the fresh state.
#[derive(Clone, Copy)]
pub(super) struct At<'t> {
    pub class: ClassId,
    pub object: u64,
    /// As it was here.
    pub target: &'t Target,
}

/// What stands at a place of the fresh state, as far as the rules ask.
#[allow(clippy::struct_excessive_bools)] // They are answers to independent questions.
pub(super) struct Seen {
    pub is_single_link: bool,
    pub is_typed_collection: bool,
    pub is_entry: bool,
    pub exists: bool,
    pub is_null: bool,
    pub is_int: bool,
    pub is_nullable: bool,
    pub collection: Option<CollectionKind>,
    pub is_empty: bool,
    /// Whether the set there contains the instruction's value.
    pub contains: bool,
    /// Size of the list that the path ends in.
    pub list_size: Option<u32>,
    /// Size of the list that stands here.
    pub size: Option<u32>,
}

impl Seen {
    fn of(walk: &Walk<'_>, element: Option<&Value>) -> Result<Self> {
        let node = walk.slot.node();
        let (collection, is_empty) = match node {
            Some(Node::List(elements)) => (Some(CollectionKind::List), elements.is_empty()),
            Some(Node::Set(elements)) => (Some(CollectionKind::Set), elements.is_empty()),
            Some(Node::Dictionary(entries)) => {
                (Some(CollectionKind::Dictionary), entries.is_empty())
            }
            _ => (None, true),
        };
        let contains = match (node, element) {
            (Some(Node::Set(elements)), Some(value)) => elements
                .binary_search_by(|element| order::compare(element, value))
                .is_ok(),
            _ => false,
        };
        let size = |list: &[Node]| narrow(list.len());
        Ok(Self {
            is_single_link: walk.is_single_link(),
            is_typed_collection: walk.is_typed_collection(),
            is_entry: matches!(walk.slot, Slot::Entry(_)),
            exists: node.is_some(),
            is_null: node.is_none_or(Node::is_null),
            is_int: matches!(node, Some(Node::Value(Value::Int(_)))),
            is_nullable: walk.column.nullable,
            collection,
            is_empty,
            contains,
            list_size: match walk.slot {
                Slot::Element { list, .. } => Some(size(list)?),
                _ => None,
            },
            size: match node {
                Some(Node::List(list)) => Some(size(list)?),
                _ => None,
            },
        })
    }
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
        let place = walk(schema, definition, document, column, &steps, &|_| Ok(false));
        found(place)?
            .map(|walk| Seen::of(&walk, element))
            .transpose()
    }
}
