//! Finding the place that a mutation names: from what the application sees to real slots.
//!
//! Lists of links keep a slot for each, also where the target does not exist; the application does not see
//! those slots. Instructions count all of them, the application's indexes only the visible ones.

use tidemark_changeset::{CollectionKind, ColumnType, Link, Name, PathElement, Value};
use tidemark_model::{Class, Column, Document, Node, Schema};

use crate::hidden::{Visibility, real_index};
use crate::{Result, StoreError};

/// One step of a mutation's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A list element, as the application counts.
    Visible(u32),
    /// A dictionary key or a field of an embedded object.
    Key(Name),
}

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot<'d> {
    /// A field of the object or of an embedded one.
    Property(Option<&'d Node>),
    /// A place in a list, perhaps just behind its end.
    Element {
        /// All slots of the list.
        list: &'d [Node],
        /// Real index.
        index: usize,
    },
    /// A dictionary key, with its value if it has one.
    Entry(Option<&'d Node>),
}

impl<'d> Slot<'d> {
    /// What is there now.
    pub fn node(self) -> Option<&'d Node> {
        match self {
            Self::Property(node) | Self::Entry(node) => node,
            Self::Element { list, index } => list.get(index),
        }
    }
}

/// A place inside a document.
#[derive(Debug)]
pub(crate) struct Walk<'d> {
    /// The way below the field, in real slots.
    pub path: Vec<PathElement>,
    /// The typed column that governs the place: the field's, or an embedded object's.
    pub column: &'d Column,
    /// How many path elements lie below that column: 0 is the property itself, 1 an element of its
    /// collection.
    pub depth: usize,
    pub slot: Slot<'d>,
}

impl Walk<'_> {
    /// Whether the place is a collection that a column's type makes (and not one inside a mixed value).
    pub fn is_typed_collection(&self) -> bool {
        self.depth == 0 && self.column.collection != CollectionKind::Single
    }

    /// Whether the place is a property that holds one link or one embedded object, or null.
    pub fn is_single_link(&self) -> bool {
        self.depth == 0
            && self.column.column_type == ColumnType::Link
            && self.column.collection == CollectionKind::Single
    }
}

/// Follows a path.
pub(crate) fn walk<'d>(
    schema: &'d Schema,
    class: &'d Class,
    document: &'d Document,
    column: usize,
    steps: &[Step],
    visibility: &dyn Visibility,
) -> Result<Walk<'d>> {
    let column = class.columns.get(column).ok_or_else(|| {
        StoreError::NotFound(format!("Class '{}' has no column {column}", class.name))
    })?;
    let index = class.column_index(&column.name).unwrap_or_default();
    let mut walk = Walk {
        path: Vec::new(),
        column,
        depth: 0,
        slot: Slot::Property(document.field(index)),
    };
    for step in steps {
        advance(schema, &mut walk, step, visibility)?;
    }
    Ok(walk)
}

fn advance<'d>(
    schema: &'d Schema,
    walk: &mut Walk<'d>,
    step: &Step,
    visibility: &dyn Visibility,
) -> Result<()> {
    match (walk.slot.node(), step) {
        (Some(Node::List(list)), Step::Visible(visible)) => {
            let mut index = *visible as usize;
            visibility.with_hidden(walk.column, &walk.path, list, &mut |hidden| {
                index = real_index(hidden, list.len(), *visible);
            })?;
            walk.path.push(PathElement::Index(narrow(index)?));
            walk.slot = Slot::Element { list, index };
            walk.depth += 1;
        }
        (Some(Node::Dictionary(entries)), Step::Key(key)) => {
            walk.path.push(PathElement::Key(key.clone()));
            walk.slot = Slot::Entry(entries.get(key));
            walk.depth += 1;
        }
        (Some(Node::Object(object)), Step::Key(field)) => {
            let class = schema
                .embedded_target(walk.column)
                .ok_or(StoreError::Damaged("an embedded object without a class"))?;
            let index = class.column_index(field).ok_or_else(|| {
                StoreError::NotFound(format!("Class '{}' has no property '{field}'", class.name))
            })?;
            walk.column = class
                .columns
                .get(index)
                .ok_or(StoreError::Damaged("a lost column"))?;
            walk.path.push(PathElement::Key(field.clone()));
            walk.slot = Slot::Property(object.field(index));
            walk.depth = 0;
        }
        _ => {
            return Err(StoreError::InvalidMutation(
                "The path leads through a value that does not hold what it names".to_owned(),
            ));
        }
    }
    Ok(())
}

pub(crate) fn narrow(index: usize) -> Result<u32> {
    u32::try_from(index)
        .map_err(|_| StoreError::InvalidMutation("The index is too large".to_owned()))
}

/// Shows every link to an object of its own inside a node.
pub(crate) fn each_link(node: &Node, visit: &mut dyn FnMut(&Link)) {
    match node {
        Node::Value(Value::Link(link)) => visit(link),
        Node::Value(_) => {}
        Node::Set(elements) => {
            for element in elements {
                if let Value::Link(link) = element {
                    visit(link);
                }
            }
        }
        Node::List(elements) => elements
            .iter()
            .for_each(|element| each_link(element, visit)),
        Node::Dictionary(entries) => entries.values().for_each(|entry| each_link(entry, visit)),
        Node::Object(object) => object
            .fields
            .iter()
            .for_each(|field| each_link(field, visit)),
    }
}
