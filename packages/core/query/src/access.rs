//! Ways to the rows that may match, for readers that have indexes: what a predicate restricts by itself.
//!
//! A way leads to every matching row and to others; whoever takes it asks the whole predicate of what it
//! finds. Conditions that no index answers, and parts of them that do not narrow, give no way.

use std::cmp::Ordering;
use std::ops::Bound;

use tidemark_changeset::{CollectionKind, ColumnType, Link, PrimaryKey, Value};

use crate::ast::{Operator, Quantifier};
use crate::bound::{Comparison, Condition, DataType, End, Expression, Index, PathExpression, Step};
use crate::catalog::Place;
use crate::compare::Owned;
use crate::index_key::{KeyRange, Relation, null_range, ranges};

/// Pairs of ranges that an AND compares at most; beyond, it takes the fewer ranges as they are.
const PAIRS_MAX: usize = 1 << 16;

/// What a reader can look up.
pub trait Indexes {
    /// Whether a column of a class has an index.
    fn has_index(&self, class: &str, column: usize) -> bool;

    /// The class of the objects of their own that the links of a column lead to; `None` if it holds no links,
    /// or embedded objects.
    fn link_target(&self, class: &str, column: usize) -> Option<String>;
}

/// A range of primary keys.
pub type KeySpan = (Bound<PrimaryKey>, Bound<PrimaryKey>);

/// A way to rows of a class.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// The objects with these primary keys.
    Keys(Vec<KeySpan>),
    /// The objects whose value in an indexed column lies in one of these ranges
    /// ([`crate::write_index_key`]).
    Index {
        /// The column.
        column: usize,
        /// The ranges.
        ranges: Vec<KeyRange>,
    },
    /// The objects that link to one object.
    LinksTo {
        /// The column that holds the links.
        column: usize,
        /// The target.
        target: Link,
    },
    /// The objects that link to one of the objects that another way leads to.
    LinksToAny {
        /// The column that holds the links.
        column: usize,
        /// Class of the targets.
        class: String,
        /// The way to the targets.
        targets: Box<Access>,
    },
    /// The objects that any of these ways leads to.
    Any(Vec<Access>),
}

impl Access {
    /// Whether rows of other objects are read on the way.
    pub fn reads_targets(&self) -> bool {
        match self {
            Self::LinksToAny { .. } => true,
            Self::Any(ways) => ways.iter().any(Self::reads_targets),
            Self::Keys(_) | Self::Index { .. } | Self::LinksTo { .. } => false,
        }
    }

    /// How little the way narrows, by its form alone: the first of several is taken.
    fn breadth(&self) -> (u8, usize) {
        match self {
            Self::Keys(spans) if spans.iter().all(is_point) => (0, spans.len()),
            Self::LinksTo { .. } => (1, 1),
            Self::Index { ranges, .. } if ranges.iter().all(is_narrow) => (1, ranges.len()),
            Self::LinksToAny { targets, .. } => {
                let (breadth, count) = targets.breadth();
                (breadth.max(1), count + 1)
            }
            Self::Any(ways) => ways
                .iter()
                .map(Self::breadth)
                .fold((0, 0), |(breadth, count), (other, more)| {
                    (breadth.max(other), count + more)
                }),
            Self::Keys(spans) => (2, spans.len()),
            Self::Index { ranges, .. } => (2, ranges.len()),
        }
    }
}

fn is_point((from, to): &KeySpan) -> bool {
    matches!((from, to), (Bound::Included(from), Bound::Included(to)) if from == to)
}

/// Whether a range holds the keys of one value: its ends differ in their last byte alone.
fn is_narrow(range: &KeyRange) -> bool {
    let (Some((_, from)), Some((_, to))) = (range.from.split_last(), range.to.split_last()) else {
        return false;
    };
    range.from.len() > 1 && from == to
}

/// The ways to the rows of a class that a condition may hold for, each of which leads to all of them; first
/// what narrows most by its form.
pub(crate) fn of(condition: &Condition, class: &str, indexes: &dyn Indexes) -> Vec<Access> {
    let planner = Planner { class, indexes };
    match condition {
        Condition::And(parts) => {
            let mut ways = planner.conjunction(parts);
            ways.sort_by_key(Access::breadth);
            ways
        }
        _ => planner.condition(condition).into_iter().collect(),
    }
}

struct Planner<'a> {
    class: &'a str,
    indexes: &'a dyn Indexes,
}

impl Planner<'_> {
    fn condition(&self, condition: &Condition) -> Option<Access> {
        match condition {
            Condition::False => Some(Access::Any(Vec::new())),
            Condition::And(parts) => {
                let ways = self.conjunction(parts).into_iter();
                ways.min_by_key(Access::breadth)
            }
            Condition::Or(parts) | Condition::Nested(parts) => {
                let ways: Option<Vec<Access>> =
                    parts.iter().map(|part| self.condition(part)).collect();
                ways.map(Access::Any)
            }
            Condition::Compare(comparison) => self.comparison(comparison),
            Condition::OneOf { path, elements } => any_equal(&self.subject(path)?, elements),
            Condition::Between { path, low, high } => {
                let subject = self.subject(path)?;
                let mut way = look_up(&subject, Relation::GreaterEqual, low)?;
                let below = look_up(&subject, Relation::LessEqual, high)?;
                narrow(&mut way, &below);
                Some(way)
            }
            Condition::True
            | Condition::Not(_)
            | Condition::Text { .. }
            | Condition::GeoWithin { .. } => None,
        }
    }

    /// The ways that the parts of an AND give; those of one place are one.
    fn conjunction(&self, parts: &[Condition]) -> Vec<Access> {
        let mut merged: Vec<Access> = Vec::new();
        for way in parts.iter().filter_map(|part| self.condition(part)) {
            if !merged.iter_mut().any(|other| narrow(other, &way)) {
                merged.push(way);
            }
        }
        merged
    }

    fn comparison(&self, comparison: &Comparison) -> Option<Access> {
        let Comparison {
            operator,
            case_sensitive: true,
            types: false,
            ..
        } = *comparison
        else {
            return None;
        };
        match (&comparison.left, &comparison.right) {
            (Expression::Path(path), Expression::Constant { value }) => {
                look_up(&self.subject(path)?, relation(operator)?, value)
            }
            (Expression::Constant { value }, Expression::Path(path)) => {
                look_up(&self.subject(path)?, reversed(operator)?, value)
            }
            (
                Expression::Path(path),
                Expression::List {
                    quantifier,
                    elements,
                    ..
                },
            ) if relation(operator)? == Relation::Equal => {
                let is_any = match quantifier {
                    Some(quantifier) => *quantifier == Quantifier::Any,
                    // Two lists are compared element by element.
                    None => !path.is_list(),
                };
                let subject = self.subject(path).filter(|_| is_any)?;
                any_equal(&subject, elements)
            }
            _ => None,
        }
    }

    /// What a comparison asks about, if it can be looked up.
    fn subject(&self, path: &PathExpression) -> Option<Subject> {
        if path.post.is_some() || !matches!(path.quantifier, None | Some(Quantifier::Any)) {
            return None;
        }
        let mut links = Vec::new();
        let mut class = self.class.to_owned();
        for step in &path.steps {
            let Step::Link { column, index, .. } = step else {
                return None;
            };
            if !matches!(index, None | Some(Index::Key(_))) {
                return None;
            }
            let target = self.indexes.link_target(&class, *column)?;
            links.push((*column, std::mem::replace(&mut class, target)));
        }
        let end = match &path.end {
            End::Objects if !links.is_empty() => SubjectEnd::Object,
            End::Field {
                place,
                collection: CollectionKind::Single,
                column_type,
                indexes,
            } if indexes.is_empty() => match place {
                Place::Key => SubjectEnd::Key(path.data_type),
                Place::Column(column) if self.indexes.has_index(&class, *column) => {
                    SubjectEnd::Column(*column, *column_type)
                }
                Place::Column(_) => return None,
            },
            _ => return None,
        };
        Some(Subject { links, class, end })
    }
}

/// What a comparison asks about.
struct Subject {
    /// The columns of links on the way, each with the class that has it.
    links: Vec<(usize, String)>,
    /// The class at the end of the links.
    class: String,
    end: SubjectEnd,
}

enum SubjectEnd {
    Object,
    Key(DataType),
    Column(usize, ColumnType),
}

/// The way to the rows of which the subject stands so to a constant.
fn look_up(subject: &Subject, relation: Relation, constant: &Owned) -> Option<Access> {
    // Links that lead nowhere read as null.
    if !subject.links.is_empty() && constant.is_null() {
        return None;
    }
    let way = match &subject.end {
        SubjectEnd::Object => {
            let (Relation::Equal, Owned::Value(Value::Link(link))) = (relation, constant) else {
                return None;
            };
            let ((column, owner), before) = subject.links.split_last()?;
            let way = Access::LinksTo {
                column: *column,
                target: Link::clone(link),
            };
            return Some(back(way, owner, before));
        }
        SubjectEnd::Key(data_type) => Access::Keys(vec![key_span(relation, constant, *data_type)?]),
        SubjectEnd::Column(column, column_type) => Access::Index {
            column: *column,
            ranges: column_ranges(relation, constant, *column_type)?,
        },
    };
    Some(back(way, &subject.class, &subject.links))
}

/// The way to the rows of which the subject equals one of several constants.
fn any_equal(subject: &Subject, elements: &[Owned]) -> Option<Access> {
    let ways: Option<Vec<Access>> = elements
        .iter()
        .map(|element| look_up(subject, Relation::Equal, element))
        .collect();
    Some(joined(ways?))
}

/// The way to the rows that lead by these links to where a way to objects of `class` leads.
fn back(way: Access, class: &str, links: &[(usize, String)]) -> Access {
    let from = (way, class);
    let (way, _) = links
        .iter()
        .rev()
        .fold(from, |(targets, class), (column, owner)| {
            let way = Access::LinksToAny {
                column: *column,
                class: class.to_owned(),
                targets: Box::new(targets),
            };
            (way, owner.as_str())
        });
    way
}

fn relation(operator: Operator) -> Option<Relation> {
    Some(match operator {
        Operator::Equal | Operator::In => Relation::Equal,
        Operator::Less => Relation::Less,
        Operator::LessEqual => Relation::LessEqual,
        Operator::Greater => Relation::Greater,
        Operator::GreaterEqual => Relation::GreaterEqual,
        Operator::BeginsWith => Relation::BeginsWith,
        _ => return None,
    })
}

/// The relation of the right side to the left one.
fn reversed(operator: Operator) -> Option<Relation> {
    Some(match relation(operator)? {
        Relation::Equal => Relation::Equal,
        Relation::Less => Relation::Greater,
        Relation::LessEqual => Relation::GreaterEqual,
        Relation::Greater => Relation::Less,
        Relation::GreaterEqual => Relation::LessEqual,
        Relation::BeginsWith => return None,
    })
}

fn column_ranges(
    relation: Relation,
    constant: &Owned,
    column_type: ColumnType,
) -> Option<Vec<KeyRange>> {
    if matches!(constant, Owned::Types(_)) {
        return None;
    }
    let is_mixed = column_type == ColumnType::Mixed;
    let mut found = ranges(relation, &constant.view(), is_mixed)?;
    if column_type == ColumnType::String && matches!(relation, Relation::Less | Relation::LessEqual)
    {
        // For string properties null is a string before all others.
        found.insert(0, null_range());
    }
    Some(found)
}

fn key_span(relation: Relation, constant: &Owned, data_type: DataType) -> Option<KeySpan> {
    let Owned::Value(constant) = constant else {
        return None;
    };
    let key = match (constant, data_type) {
        (Value::Null, _) if relation == Relation::Equal => PrimaryKey::Null,
        (Value::Int(value), DataType::INT) => PrimaryKey::Int(*value),
        (Value::String(text), DataType::STRING) => PrimaryKey::String(text.clone()),
        (Value::ObjectId(id), DataType::Column(ColumnType::ObjectId)) => PrimaryKey::ObjectId(*id),
        (Value::Uuid(id), DataType::Column(ColumnType::Uuid)) => PrimaryKey::Uuid(*id),
        _ => return None,
    };
    // For string properties null is a string before all others; no other null is less than a constant.
    let least = || match &key {
        PrimaryKey::String(_) => Bound::Included(PrimaryKey::Null),
        _ => Bound::Excluded(PrimaryKey::Null),
    };
    Some(match relation {
        Relation::Equal => (Bound::Included(key.clone()), Bound::Included(key)),
        Relation::Less => (least(), Bound::Excluded(key)),
        Relation::LessEqual => (least(), Bound::Included(key)),
        Relation::Greater => (Bound::Excluded(key), Bound::Unbounded),
        Relation::GreaterEqual => (Bound::Included(key), Bound::Unbounded),
        Relation::BeginsWith => {
            let PrimaryKey::String(prefix) = &key else {
                return None;
            };
            let after = prefix
                .as_bytes()
                .iter()
                .rposition(|byte| *byte != 0xff)
                .and_then(|last| prefix.as_bytes().get(..=last))
                .map(|kept| {
                    let mut end = kept.to_vec();
                    if let Some(byte) = end.last_mut() {
                        *byte += 1;
                    }
                    PrimaryKey::String(end.as_slice().into())
                });
            let to = after.map_or(Bound::Unbounded, Bound::Excluded);
            (Bound::Included(key), to)
        }
    })
}

/// Several look-ups of one place as one.
fn joined(ways: Vec<Access>) -> Access {
    let mut ways = ways.into_iter();
    let Some(mut first) = ways.next() else {
        return Access::Any(Vec::new());
    };
    let mut others = Vec::new();
    for way in ways {
        match (&mut first, way) {
            (Access::Keys(spans), Access::Keys(more)) => spans.extend(more),
            (Access::Index { ranges, .. }, Access::Index { ranges: more, .. }) => {
                ranges.extend(more);
            }
            (_, way) => others.push(way),
        }
    }
    if others.is_empty() {
        return first;
    }
    others.insert(0, first);
    Access::Any(others)
}

/// Narrows a way by another one of the same place; `false` if they are of different places.
fn narrow(way: &mut Access, other: &Access) -> bool {
    match (way, other) {
        (Access::Keys(spans), Access::Keys(others)) => {
            if let Some(common) = intersection(spans, others, |one, other| {
                let from = later(&one.0, &other.0);
                let to = earlier(&one.1, &other.1);
                (!is_empty(&from, &to)).then_some((from, to))
            }) {
                *spans = common;
            }
            true
        }
        (
            Access::Index { column, ranges },
            Access::Index {
                column: other,
                ranges: others,
            },
        ) if column == other => {
            if let Some(common) = intersection(ranges, others, |one, other| {
                let from = one.from.as_slice().max(&other.from);
                let to = one.to.as_slice().min(&other.to);
                (from < to).then(|| KeyRange {
                    from: from.to_vec(),
                    to: to.to_vec(),
                })
            }) {
                *ranges = common;
            }
            true
        }
        _ => false,
    }
}

/// What lies in both; `None` if that is no fewer than the first, or too much to find out.
fn intersection<T: Clone>(
    ours: &[T],
    others: &[T],
    common: impl Fn(&T, &T) -> Option<T>,
) -> Option<Vec<T>> {
    if ours.len().saturating_mul(others.len()) > PAIRS_MAX {
        return (others.len() < ours.len()).then(|| others.to_vec());
    }
    let pairs = ours
        .iter()
        .flat_map(|one| others.iter().map(move |other| (one, other)));
    Some(
        pairs
            .filter_map(|(one, other)| common(one, other))
            .collect(),
    )
}

fn later(one: &Bound<PrimaryKey>, other: &Bound<PrimaryKey>) -> Bound<PrimaryKey> {
    tighter(one, other, Ordering::Greater)
}

fn earlier(one: &Bound<PrimaryKey>, other: &Bound<PrimaryKey>) -> Bound<PrimaryKey> {
    tighter(one, other, Ordering::Less)
}

/// The bound whose key stands so to the other's; of two on one key the one that leaves it out.
fn tighter(
    one: &Bound<PrimaryKey>,
    other: &Bound<PrimaryKey>,
    wanted: Ordering,
) -> Bound<PrimaryKey> {
    match (one, other) {
        (Bound::Unbounded, bound) | (bound, Bound::Unbounded) => bound.clone(),
        (
            Bound::Included(left) | Bound::Excluded(left),
            Bound::Included(right) | Bound::Excluded(right),
        ) => {
            let order = left.cmp(right);
            let excludes = matches!(one, Bound::Excluded(_));
            if order == wanted || (order == Ordering::Equal && excludes) {
                one.clone()
            } else {
                other.clone()
            }
        }
    }
}

fn is_empty(from: &Bound<PrimaryKey>, to: &Bound<PrimaryKey>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (
            Bound::Included(from) | Bound::Excluded(from),
            Bound::Included(to) | Bound::Excluded(to),
        ) => from >= to,
        _ => false,
    }
}
