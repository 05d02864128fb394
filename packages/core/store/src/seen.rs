//! What stands at a place of an object, before an instruction is applied there.

use tidemark_changeset::{CollectionKind, Value, order};
use tidemark_model::Node;

use crate::Result;
use crate::walk::{Slot, Walk, narrow};

/// What stands at a place, as far as local mutations and the rules of a replay ask.
#[allow(clippy::struct_excessive_bools)] // They are answers to independent questions.
pub(crate) struct Seen {
    pub is_single_link: bool,
    pub is_typed_collection: bool,
    pub is_entry: bool,
    pub exists: bool,
    pub is_null: bool,
    pub is_int: bool,
    pub is_nullable: bool,
    /// Which collection stands here.
    pub collection: Option<CollectionKind>,
    pub is_empty: bool,
    /// Whether the set here contains the element in question.
    pub contains: bool,
    /// Real size of the list that the path ends in.
    pub list_size: Option<u32>,
    /// Real size of the list that stands here.
    pub size: Option<u32>,
}

impl Seen {
    /// `element` is the set element in question, if any.
    pub fn of(walk: &Walk<'_>, element: Option<&Value>) -> Result<Self> {
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
