//! Two schemas of one application: whether the file's can become the fresh copy's, and where columns are that
//! stand in another order.

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, Name};
use tidemark_model::{Document, Node, Schema};

use super::ResetFailure;
use crate::catalog::{Catalog, add_column, add_table};

/// The schema instructions that the file lacks, or why its schema cannot become the fresh one: nothing may be
/// missing or different there.
pub(super) fn additions(
    local: &Catalog,
    fresh: &Catalog,
) -> std::result::Result<Vec<Instruction>, ResetFailure> {
    for class in local.classes() {
        let Some(theirs) = fresh.class(&class.name) else {
            return Err(ResetFailure::ClassMissing(class.name.clone()));
        };
        if theirs.kind != class.kind {
            return Err(ResetFailure::ClassDiffers(class.name.clone()));
        }
        for column in &class.columns {
            let name = || (class.name.clone(), column.name.clone());
            let theirs = theirs.column_index(&column.name);
            let theirs = theirs.and_then(|index| fresh.class(&class.name)?.columns.get(index));
            let Some(theirs) = theirs else {
                let (class, column) = name();
                return Err(ResetFailure::ColumnMissing(class, column));
            };
            if theirs != column {
                let (class, column) = name();
                return Err(ResetFailure::ColumnDiffers(class, column));
            }
        }
    }
    let mut additions = Vec::new();
    for class in fresh.classes() {
        if local.class(&class.name).is_none() {
            additions.push(add_table(&class.name, &class.kind));
        }
    }
    for class in fresh.classes() {
        let ours = local.class(&class.name);
        for column in &class.columns {
            if ours.is_none_or(|ours| ours.column_index(&column.name).is_none()) {
                additions.push(add_column(&class.name, column));
            }
        }
    }
    Ok(additions)
}

/// Brings documents from one schema's order of columns to another's.
pub(super) struct Mapping<'a> {
    from: &'a Schema,
    to: &'a Schema,
    /// By class: for each column of `to`, its index in `from`; `None` where both have the same order.
    columns: FxHashMap<Name, Option<Vec<Option<usize>>>>,
}

impl<'a> Mapping<'a> {
    pub fn new(from: &'a Schema, to: &'a Schema) -> Self {
        let mut columns = FxHashMap::default();
        for (name, to) in &to.classes {
            let Some(from) = from.class(name) else {
                continue;
            };
            let indexes: Vec<Option<usize>> = to
                .columns
                .iter()
                .map(|column| from.column_index(&column.name))
                .collect();
            let is_same = from.columns.len() == to.columns.len()
                && (0..)
                    .zip(&indexes)
                    .all(|(index, from)| *from == Some(index));
            columns.insert(name.clone(), (!is_same).then_some(indexes));
        }
        Self { from, to, columns }
    }

    /// Whether rows of a class can be compared as they are: the order of columns is the same in it and in
    /// everything that its objects embed.
    pub fn is_identity(&self, class: &Name) -> bool {
        self.has_same_order(class, &mut Vec::new())
    }

    fn has_same_order(&self, class: &Name, seen: &mut Vec<Name>) -> bool {
        if seen.contains(class) {
            return true;
        }
        seen.push(class.clone());
        let (Some(None), Some(definition)) = (self.columns.get(class), self.to.class(class)) else {
            return false;
        };
        definition.columns.iter().all(|column| {
            let embedded = self.to.embedded_target(column);
            embedded.is_none_or(|embedded| self.has_same_order(&embedded.name, seen))
        })
    }

    /// A document of a class in the other order; columns that `from` does not have hold their defaults.
    pub fn document(&self, class: &Name, document: Document) -> Document {
        let (Some(from), Some(to)) = (self.from.class(class), self.to.class(class)) else {
            return document;
        };
        let mut fields: Vec<Option<Node>> = (0..)
            .zip(document.fields)
            .map(|(index, node)| {
                let embedded = from
                    .columns
                    .get(index)
                    .and_then(|column| self.from.embedded_target(column));
                Some(match embedded {
                    Some(embedded) => self.node(&embedded.name, node),
                    None => node,
                })
            })
            .collect();
        let Some(Some(indexes)) = self.columns.get(class) else {
            return Document {
                fields: fields.into_iter().flatten().collect(),
            };
        };
        let fields = to.columns.iter().zip(indexes).map(|(column, index)| {
            let node = index.and_then(|index| fields.get_mut(index)?.take());
            node.unwrap_or_else(|| Node::default_of(column))
        });
        Document {
            fields: fields.collect(),
        }
    }

    /// What a column of embedded objects holds, in the other order.
    pub fn node(&self, embedded: &Name, node: Node) -> Node {
        match node {
            Node::Object(document) => Node::Object(self.document(embedded, document)),
            Node::List(elements) => {
                let elements = elements.into_iter().map(|node| self.node(embedded, node));
                Node::List(elements.collect())
            }
            Node::Dictionary(entries) => {
                let entries = entries.into_iter();
                Node::Dictionary(
                    entries
                        .map(|(key, node)| (key, self.node(embedded, node)))
                        .collect(),
                )
            }
            other => other,
        }
    }
}
