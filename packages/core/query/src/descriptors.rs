//! SORT, DISTINCT and LIMIT (rql.md §10.1).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::ast::{self, PathElement};
use crate::bind::Binder;
use crate::bound::Step;
use crate::catalog::Place;
use crate::compare::{LINK_RANK, Owned, order, rank};
use crate::describe;
use crate::error::{QueryError, Result};
use crate::row::{Field, Objects, Row, Scalar};
use crate::steps::{Given, Steps};
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
        for descriptor in descriptors {
            match descriptor {
                ast::Descriptor::Sort(columns) => {
                    let mut sorted = Vec::with_capacity(columns.len());
                    for (path, ascending) in columns {
                        sorted.push((self.column(path, "sort")?, *ascending));
                    }
                    // Adjacent sorts are one, and the later one comes first.
                    if let Some(Descriptor::Sort(before)) = bound.last_mut() {
                        sorted.append(before);
                        *before = sorted;
                    } else {
                        bound.push(Descriptor::Sort(sorted));
                    }
                }
                ast::Descriptor::Distinct(columns) => {
                    let columns: Result<Vec<Column>> = columns
                        .iter()
                        .map(|path| self.column(path, "distinct"))
                        .collect();
                    bound.push(Descriptor::Distinct(columns?));
                }
                ast::Descriptor::Limit(count) => bound.push(Descriptor::Limit(*count)),
            }
        }
        Ok(bound)
    }

    fn column(&mut self, path: &ast::Path, clause: &str) -> Result<Column> {
        let mut class = self.scope().class.clone();
        let mut column = Column {
            steps: Vec::new(),
            place: Place::Key,
            key: None,
            text: String::new(),
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
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => order(&left.view(), &right.view()),
            (Self::Position(left), Self::Position(right)) => left.cmp(right),
            (Self::Value(value), Self::Position(_)) => rank(&value.view()).cmp(&LINK_RANK),
            (Self::Position(_), Self::Value(value)) => LINK_RANK.cmp(&rank(&value.view())),
            _ => matches!(self, Self::Missing).cmp(&matches!(other, Self::Missing)),
        }
    }
}

/// A tuple of keys in the database order, for DISTINCT.
struct Tuple<'k>(&'k [Key]);

impl Ord for Tuple<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .iter()
            .zip(other.0)
            .map(|(left, right)| left.order(right))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Tuple<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Tuple<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Tuple<'_> {}

/// Applies SORT, DISTINCT and LIMIT to the rows of a result. It keeps the values it orders by, not the
/// rows.
#[derive(Debug)]
pub struct Arranger<'q> {
    descriptors: &'q [Descriptor],
    /// Per row, per descriptor, the keys of its columns.
    rows: Vec<Vec<Vec<Key>>>,
}

impl<'q> Arranger<'q> {
    pub(crate) fn new(descriptors: &'q [Descriptor]) -> Self {
        Self {
            descriptors,
            rows: Vec::new(),
        }
    }

    /// Adds the next row of the result, in table order.
    pub fn push(&mut self, row: &dyn Row, objects: &dyn Objects) -> Result<()> {
        let steps = &Steps::unlimited();
        let given = Given { objects, steps };
        let mut keys = Vec::with_capacity(self.descriptors.len());
        for descriptor in self.descriptors {
            let columns: Result<Vec<Key>> = match descriptor {
                Descriptor::Sort(columns) => columns
                    .iter()
                    .map(|(column, _)| column.key(row, given))
                    .collect(),
                Descriptor::Distinct(columns) => columns
                    .iter()
                    .map(|column| column.key(row, given))
                    .collect(),
                Descriptor::Limit(_) => Ok(Vec::new()),
            };
            keys.push(columns?);
        }
        self.rows.push(keys);
        Ok(())
    }

    /// Whether another row could change the result: `false` once a LIMIT that stands first is full.
    pub fn wants_more(&self) -> bool {
        match self.descriptors.first() {
            Some(Descriptor::Limit(count)) => (self.rows.len() as u64) < *count,
            _ => true,
        }
    }

    /// The order of the final result, as indexes of the pushed rows.
    pub fn finish(self) -> Result<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        for (at, descriptor) in self.descriptors.iter().enumerate() {
            let keys = |row: usize| {
                self.rows
                    .get(row)
                    .and_then(|keys| keys.get(at))
                    .map_or(&[][..], Vec::as_slice)
            };
            match descriptor {
                Descriptor::Sort(columns) => {
                    order.sort_by(|left, right| {
                        columns
                            .iter()
                            .zip(keys(*left).iter().zip(keys(*right)))
                            .map(|((_, ascending), (left, right))| {
                                let ordering = left.order(right);
                                if *ascending {
                                    ordering
                                } else {
                                    ordering.reverse()
                                }
                            })
                            .find(|ordering| ordering.is_ne())
                            .unwrap_or(Ordering::Equal)
                    });
                }
                Descriptor::Distinct(_) => {
                    let mut seen = BTreeSet::new();
                    order.retain(|row| {
                        let keys = keys(*row);
                        !keys.iter().any(|key| matches!(key, Key::Missing))
                            && seen.insert(Tuple(keys))
                    });
                }
                Descriptor::Limit(count) => {
                    order.truncate(usize::try_from(*count).unwrap_or(usize::MAX));
                }
            }
        }
        Ok(order)
    }
}
