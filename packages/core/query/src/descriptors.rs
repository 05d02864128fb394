//! SORT, DISTINCT and LIMIT (rql.md §10.1): what they order by.

use std::cmp::Ordering;

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::ast::{self, PathElement};
use crate::bind::Binder;
use crate::bound::Step;
use crate::catalog::{Place, Property};
use crate::compare::{LINK_RANK, Owned, order, rank};
use crate::describe;
use crate::error::{QueryError, Result};
use crate::row::{Field, Row, Scalar};
use crate::steps::Given;
use crate::walk;

/// One descriptor, bound.
#[derive(Clone, Debug)]
pub(crate) enum Descriptor {
    Sort(Vec<(Column, bool)>),
    Distinct(Vec<Column>),
    Limit(u64),
}

/// A property to order by, reached by to-one links.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    steps: Vec<Step>,
    place: Place,
    /// Entry of a dictionary.
    key: Option<Vec<u8>>,
    pub(crate) text: String,
    /// Whether it is a property of the row itself with values of one type that are compared as their keys in
    /// an index are.
    is_plain: bool,
    /// Why the column cannot order; the original says so only when there is a result to order.
    problem: Option<&'static str>,
}

/// A value to order by.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Value(Owned),
    /// A link by the place of its target in the table.
    Position(u64),
    /// A link on the way is null.
    Missing,
}

impl Binder<'_> {
    pub(crate) fn descriptors(
        &mut self,
        descriptors: &[ast::Descriptor],
    ) -> Result<Vec<Descriptor>> {
        let mut bound: Vec<Descriptor> = Vec::new();
        // Adjacent sorts are one, and the later one comes first: the columns from the last one on.
        let mut run = Vec::new();
        for descriptor in descriptors {
            let other = match descriptor {
                ast::Descriptor::Sort(columns) => {
                    for (path, ascending) in columns.iter().rev() {
                        run.push((self.column(path, "sort")?, *ascending));
                    }
                    continue;
                }
                ast::Descriptor::Distinct(columns) => {
                    let columns = columns.iter().map(|path| self.column(path, "distinct"));
                    Descriptor::Distinct(columns.collect::<Result<_>>()?)
                }
                ast::Descriptor::Limit(count) => Descriptor::Limit(*count),
            };
            bound.extend(sort_of(&mut run));
            bound.push(other);
        }
        bound.extend(sort_of(&mut run));
        Ok(bound)
    }

    fn column(&mut self, path: &ast::Path, clause: &str) -> Result<Column> {
        let mut class = self.scope().class.clone();
        let mut column = Column {
            steps: Vec::new(),
            place: Place::Key,
            key: None,
            text: String::new(),
            is_plain: false,
            problem: None,
        };
        let mut texts: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(element) = path.elements.get(at) {
            at += 1;
            let name = match element {
                PathElement::Name(name) => self.stored_name(&class, name.clone()),
                PathElement::KeyPath(_) => {
                    return Err(QueryError::InvalidSortDescriptor("Missing property".into()));
                }
                _ => {
                    return Err(QueryError::Unsupported(format!(
                        "Indexes are not supported in a '{clause}' clause"
                    )));
                }
            };
            let Some(property) = self.catalog.property(&class, &name) else {
                return Err(QueryError::InvalidQuery(format!(
                    "No property '{name}' found on object type '{class}' specified in '{clause}' clause"
                )));
            };
            if at == 1 {
                self.record_field(&name);
            }
            texts.push(name);
            column.place = property.place;
            column.is_plain = path.elements.len() == 1 && is_plain(&property);
            if property.collection == CollectionKind::Dictionary {
                // Every further name takes the place of the key before it.
                while let Some(key) = path.elements.get(at).and_then(dictionary_key) {
                    column.key = Some(key);
                    at += 1;
                }
                match &column.key {
                    Some(key) => texts.push(describe::key_index_text(key)),
                    None => column.problem = Some("Cannot sort on a collection property"),
                }
                continue;
            }
            let last = at == path.elements.len();
            match (&property.target, property.place) {
                (Some(target), Place::Column(index))
                    if property.column_type == ColumnType::Link && !last =>
                {
                    if property.collection != CollectionKind::Single {
                        column.problem = Some("All but last property must be a link");
                    }
                    class.clone_from(target);
                    column.steps.push(Step::Link {
                        column: index,
                        collection: property.collection,
                        index: None,
                    });
                }
                _ if property.collection != CollectionKind::Single => {
                    column.problem = Some("Cannot sort on a collection property");
                }
                _ => {}
            }
        }
        column.text = join_texts(&texts);
        Ok(column)
    }
}

/// The sort of a run of columns, which are taken out, the last one first.
fn sort_of(run: &mut Vec<(Column, bool)>) -> Option<Descriptor> {
    if run.is_empty() {
        return None;
    }
    run.reverse();
    Some(Descriptor::Sort(std::mem::take(run)))
}

fn is_plain(property: &Property) -> bool {
    property.collection == CollectionKind::Single
        && matches!(
            property.column_type,
            ColumnType::Int
                | ColumnType::Bool
                | ColumnType::String
                | ColumnType::Binary
                | ColumnType::Timestamp
                | ColumnType::Float
                | ColumnType::Double
                | ColumnType::ObjectId
                | ColumnType::Uuid
        )
}

fn dictionary_key(element: &PathElement) -> Option<Vec<u8>> {
    match element {
        PathElement::Name(name) => Some(name.as_bytes().to_vec()),
        PathElement::Key(key) => Some(key.clone()),
        _ => None,
    }
}

fn join_texts(texts: &[String]) -> String {
    let mut joined = String::new();
    for text in texts {
        if !joined.is_empty() && !text.starts_with('[') {
            joined.push('.');
        }
        joined.push_str(text);
    }
    joined
}

impl Column {
    /// Where the row holds the value, if it is a plain one.
    pub(crate) fn plain(&self) -> Option<Place> {
        self.is_plain.then_some(self.place)
    }

    pub(crate) fn key(&self, row: &dyn Row, given: Given<'_>) -> Result<Key> {
        if let Some(problem) = self.problem {
            return Err(QueryError::InvalidSortDescriptor(problem.into()));
        }
        let mut key = Key::Missing;
        walk::walk(&self.steps, row, given, true, &mut |target| {
            if let Some(target) = target {
                key = self.value(target, given)?;
            }
            Ok(())
        })?;
        Ok(key)
    }

    fn value(&self, row: &dyn Row, given: Given<'_>) -> Result<Key> {
        let field = walk::read(row, self.place);
        let field = match (&self.key, field) {
            (Some(key), Field::Dictionary(items)) => {
                return match items.get(key) {
                    Some(field) => Ok(Key::Value(Owned::from(walk::leaf_scalar(&field, given)?))),
                    None => Ok(Key::Value(Owned::NULL)),
                };
            }
            (_, field) => field,
        };
        let scalar = walk::leaf_scalar(&field, given)?;
        if let Scalar::Link(link) = scalar
            && let Some(position) = given.objects.position(link)
        {
            return Ok(Key::Position(position));
        }
        Ok(Key::Value(Owned::from(scalar)))
    }
}

impl Key {
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => order(&left.view(), &right.view()),
            (Self::Position(left), Self::Position(right)) => left.cmp(right),
            (Self::Value(value), Self::Position(_)) => rank(&value.view()).cmp(&LINK_RANK),
            (Self::Position(_), Self::Value(value)) => LINK_RANK.cmp(&rank(&value.view())),
            _ => matches!(self, Self::Missing).cmp(&matches!(other, Self::Missing)),
        }
    }
}
