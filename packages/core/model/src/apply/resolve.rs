//! The way from an object to the place an instruction acts on.

use std::collections::BTreeMap;

use tidemark_changeset::{CollectionKind, Name, PathElement, Target};

use super::values::Rules;
use crate::NESTING_MAX;
use crate::document::{Document, Node};
use crate::error::Problem;
use crate::schema::{Class, Schema};

/// Where a path ends.
pub(super) struct Place<'s, 'd> {
    /// What the values there may be.
    pub rules: Rules<'s>,
    /// Levels of collections and embedded objects between the top-level field and here.
    pub depth: usize,
    pub slot: Slot<'s, 'd>,
}

pub(super) enum Slot<'s, 'd> {
    /// A field of the object or of an embedded object.
    Property {
        collection: CollectionKind,
        node: &'d mut Node,
    },
    /// An element of a list; the index may be beyond it.
    Element { list: &'d mut Vec<Node>, index: u32 },
    /// A key of a dictionary; it may be absent.
    Entry {
        dictionary: &'d mut BTreeMap<Name, Node>,
        key: &'s Name,
    },
}

/// A collection that the path enters.
enum Container<'d> {
    List(&'d mut Vec<Node>),
    Dictionary(&'d mut BTreeMap<Name, Node>),
}

impl<'d> Container<'d> {
    fn of(node: &'d mut Node) -> Result<Self, Problem> {
        match node {
            Node::List(list) => Ok(Self::List(list)),
            Node::Dictionary(dictionary) => Ok(Self::Dictionary(dictionary)),
            _ => Err(Problem::ThroughValue),
        }
    }

    /// The element on the way further down, which must exist.
    fn enter(self, element: &PathElement) -> Result<&'d mut Node, Problem> {
        let found = match (self, element) {
            (Self::List(list), PathElement::Index(index)) => list.get_mut(*index as usize),
            (Self::Dictionary(dictionary), PathElement::Key(key)) => dictionary.get_mut(key),
            _ => return Err(Problem::PathElement),
        };
        found.ok_or(Problem::ThroughAbsent)
    }

    /// The slot that the last element of a path names.
    fn slot<'s>(self, element: &'s PathElement) -> Result<Slot<'s, 'd>, Problem> {
        match (self, element) {
            (Self::List(list), PathElement::Index(index)) => Ok(Slot::Element {
                list,
                index: *index,
            }),
            (Self::Dictionary(dictionary), PathElement::Key(key)) => {
                Ok(Slot::Entry { dictionary, key })
            }
            _ => Err(Problem::PathElement),
        }
    }
}

/// Walks the target's field and path.
pub(super) fn resolve<'s, 'd>(
    schema: &'s Schema,
    mut class: &'s Class,
    mut document: &'d mut Document,
    target: &'s Target,
) -> Result<Place<'s, 'd>, Problem> {
    let mut field = &target.field;
    let mut path = target.path.as_slice();
    if path.len() > NESTING_MAX {
        return Err(Problem::TooDeep);
    }
    loop {
        let column_index = class
            .column_index(field)
            .ok_or_else(|| missing_field(class, field))?;
        document.fill(class);
        let column = class
            .columns
            .get(column_index)
            .expect("the index was just found");
        let mut node = document
            .fields
            .get_mut(column_index)
            .expect("the document was filled");
        let rules = Rules::of(schema, column);
        let depth = target.path.len() - path.len();

        let Some((mut element, mut rest)) = path.split_first() else {
            let slot = Slot::Property {
                collection: column.collection,
                node,
            };
            return Ok(Place { rules, depth, slot });
        };
        if column.collection == CollectionKind::Single && !rules.is_mixed() {
            // A single embedded object: the path goes on with one of its fields.
            let embedded = rules.embedded().ok_or(Problem::ThroughValue)?;
            (document, field) = enter_object(node, element)?;
            (class, path) = (embedded, rest);
            continue;
        }
        // A collection, or a mixed value that must hold one; from there down through mixed
        // collections.
        loop {
            let container = Container::of(node)?;
            let Some((next, after)) = rest.split_first() else {
                let depth = target.path.len();
                return Ok(Place {
                    rules,
                    depth,
                    slot: container.slot(element)?,
                });
            };
            node = container.enter(element)?;
            if let Some(embedded) = rules.embedded() {
                (document, field) = enter_object(node, next)?;
                (class, path) = (embedded, after);
                break;
            }
            if !rules.is_mixed() {
                return Err(Problem::ThroughValue);
            }
            (element, rest) = (next, after);
        }
    }
}

fn missing_field(class: &Class, field: &Name) -> Problem {
    if class
        .key_field()
        .is_some_and(|key| key.name == field && !field.is_empty())
    {
        Problem::KeyField
    } else {
        Problem::NoSuchField(field.clone())
    }
}

fn enter_object<'s, 'd>(
    node: &'d mut Node,
    element: &'s PathElement,
) -> Result<(&'d mut Document, &'s Name), Problem> {
    let PathElement::Key(field) = element else {
        return Err(Problem::PathElement);
    };
    match node {
        Node::Object(document) => Ok((document, field)),
        _ => Err(Problem::ThroughNull),
    }
}
