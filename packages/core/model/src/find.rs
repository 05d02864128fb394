//! Looking at the place that an instruction acts on, without changing anything.

use tidemark_changeset::{CollectionKind, PathElement, Target};

use crate::document::{Document, Node};
use crate::schema::{Class, Column, Schema};

/// The column that a target's path goes into last: of the innermost embedded object on the way, or of the
/// object itself. `None` where the schema does not know the way.
pub fn column_at<'s>(schema: &'s Schema, target: &Target) -> Option<&'s Column> {
    let class = schema.class(&target.class)?;
    let mut column = class.columns.get(class.column_index(&target.field)?)?;
    let mut path = target.path.as_slice();
    while let Some(embedded) = schema.embedded_target(column) {
        if column.collection != CollectionKind::Single {
            path = path.get(1..).unwrap_or_default();
        }
        let Some((PathElement::Key(field), rest)) = path.split_first() else {
            return Some(column);
        };
        column = embedded.columns.get(embedded.column_index(field)?)?;
        path = rest;
    }
    Some(column)
}

/// What an object holds where a target points. `None` where nothing is: a field that the object is too old to
/// have, an element beyond the end, a key that is absent, a path that leads nowhere.
pub fn node_at<'d>(
    schema: &Schema,
    class: &Class,
    document: &'d Document,
    target: &Target,
) -> Option<&'d Node> {
    walk(schema, class, document, target, &target.path)
}

/// How many elements the list has of which a target names one. `None` where there is no list.
pub fn list_size_at(
    schema: &Schema,
    class: &Class,
    document: &Document,
    target: &Target,
) -> Option<usize> {
    let (_, path) = target.path.split_last()?;
    match walk(schema, class, document, target, path)? {
        Node::List(elements) => Some(elements.len()),
        _ => None,
    }
}

fn walk<'d>(
    schema: &Schema,
    class: &Class,
    document: &'d Document,
    target: &Target,
    path: &[PathElement],
) -> Option<&'d Node> {
    let index = class.column_index(&target.field)?;
    let mut column = class.columns.get(index)?;
    let mut node = document.field(index)?;
    let mut single = column.collection == CollectionKind::Single;
    for element in path {
        node = match (node, element) {
            (Node::Object(object), PathElement::Key(name)) if single => {
                let embedded = schema.embedded_target(column)?;
                let index = embedded.column_index(name)?;
                column = embedded.columns.get(index)?;
                single = column.collection == CollectionKind::Single;
                object.field(index)?
            }
            (Node::List(elements), PathElement::Index(index)) => {
                single = true;
                elements.get(*index as usize)?
            }
            (Node::Dictionary(entries), PathElement::Key(key)) => {
                single = true;
                entries.get(key)?
            }
            _ => return None,
        };
    }
    Some(node)
}
