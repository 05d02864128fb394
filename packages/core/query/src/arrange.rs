//! Applying SORT, DISTINCT and LIMIT (rql.md §10.1) to the rows of a result.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::compare::Owned;
use crate::descriptors::{Descriptor, Key};
use crate::error::Result;
use crate::index_key::write_index_key;
use crate::row::{Objects, Row, Scalar};
use crate::steps::{Given, Steps};

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
    /// The keys of all rows one after another: of each, those of all columns of all descriptors.
    keys: Vec<Key>,
    /// Keys of one row.
    width: usize,
    rows: usize,
}

impl<'q> Arranger<'q> {
    pub(crate) fn new(descriptors: &'q [Descriptor]) -> Self {
        Self {
            descriptors,
            keys: Vec::new(),
            width: descriptors.iter().map(width).sum(),
            rows: 0,
        }
    }

    /// Adds the next row of the result, in table order.
    pub fn push(&mut self, row: &dyn Row, objects: &dyn Objects) -> Result<()> {
        let steps = &Steps::unlimited();
        let given = Given { objects, steps };
        for descriptor in self.descriptors {
            match descriptor {
                Descriptor::Sort(columns) => {
                    for (column, _) in columns {
                        self.keys.push(column.key(row, given)?);
                    }
                }
                Descriptor::Distinct(columns) => {
                    for column in columns {
                        self.keys.push(column.key(row, given)?);
                    }
                }
                Descriptor::Limit(_) => {}
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Whether another row could change the result: `false` once a LIMIT that stands first is full.
    pub fn wants_more(&self) -> bool {
        match self.descriptors.first() {
            Some(Descriptor::Limit(count)) => (self.rows as u64) < *count,
            _ => true,
        }
    }

    /// The order of the final result, as indexes of the pushed rows.
    pub fn finish(self) -> Result<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.rows).collect();
        let mut first = 0;
        for (at, descriptor) in self.descriptors.iter().enumerate() {
            let keys = Keys {
                all: &self.keys,
                width: self.width,
                first,
                count: width(descriptor),
            };
            match descriptor {
                Descriptor::Sort(columns) => {
                    let limit = match self.descriptors.get(at + 1) {
                        Some(Descriptor::Limit(count)) => usize::try_from(*count).ok(),
                        _ => None,
                    };
                    let ascending: Vec<bool> =
                        columns.iter().map(|(_, ascending)| *ascending).collect();
                    order = sorted(&order, &ascending, keys, limit);
                }
                Descriptor::Distinct(_) => {
                    let mut seen = BTreeSet::new();
                    order.retain(|row| {
                        let keys = keys.of(*row);
                        !keys.iter().any(|key| matches!(key, Key::Missing))
                            && seen.insert(Tuple(keys))
                    });
                }
                Descriptor::Limit(count) => {
                    order.truncate(usize::try_from(*count).unwrap_or(usize::MAX));
                }
            }
            first += width(descriptor);
        }
        Ok(order)
    }
}

fn width(descriptor: &Descriptor) -> usize {
    match descriptor {
        Descriptor::Sort(columns) => columns.len(),
        Descriptor::Distinct(columns) => columns.len(),
        Descriptor::Limit(_) => 0,
    }
}

/// The keys of one descriptor.
#[derive(Clone, Copy)]
struct Keys<'k> {
    all: &'k [Key],
    width: usize,
    first: usize,
    count: usize,
}

impl<'k> Keys<'k> {
    fn of(&self, row: usize) -> &'k [Key] {
        let start = row * self.width + self.first;
        self.all.get(start..start + self.count).unwrap_or_default()
    }
}

/// Rows in the order of their keys, equal ones as they stood; no more than the limit.
///
/// What decides most comparisons is made ready beside the row: the beginning of the key that an index would
/// have for the first column's value.
fn sorted(rows: &[usize], ascending: &[bool], keys: Keys<'_>, limit: Option<usize>) -> Vec<usize> {
    let is_ascending = ascending.first().is_none_or(|ascending| *ascending);
    let decides = !rows.iter().any(|row| is_decimal(keys.of(*row).first()));
    let mut bytes = Vec::new();
    let mut places: Vec<(u128, usize, usize)> = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let beginning = match keys.of(*row).first().filter(|_| decides) {
            Some(key) => beginning(key, &mut bytes),
            None => 0,
        };
        let beginning = if is_ascending { beginning } else { !beginning };
        places.push((beginning, place, *row));
    }
    let compare = |left: &(u128, usize, usize), right: &(u128, usize, usize)| {
        left.0
            .cmp(&right.0)
            .then_with(|| directed(ascending, keys.of(left.2), keys.of(right.2)))
            .then(left.1.cmp(&right.1))
    };
    if let Some(limit) = limit.filter(|limit| *limit < places.len()) {
        if limit > 0 {
            places.select_nth_unstable_by(limit - 1, compare);
        }
        places.truncate(limit);
    }
    places.sort_unstable_by(compare);
    places.into_iter().map(|(_, _, row)| row).collect()
}

/// How two rows stand to each other by all their keys.
fn directed(ascending: &[bool], left: &[Key], right: &[Key]) -> Ordering {
    ascending
        .iter()
        .zip(left.iter().zip(right))
        .map(|(ascending, (left, right))| {
            let ordering = left.order(right);
            if *ascending {
                ordering
            } else {
                ordering.reverse()
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn is_decimal(key: Option<&Key>) -> bool {
    matches!(
        key,
        Some(Key::Value(Owned::Value(
            tidemark_changeset::Value::Decimal(_)
        )))
    )
}

/// The first bytes of the key in an index, as a number. A place in the table sorts as what it stands for, a
/// link; and what is missing comes last.
fn beginning(key: &Key, bytes: &mut Vec<u8>) -> u128 {
    bytes.clear();
    match key {
        Key::Missing => return u128::MAX,
        Key::Value(value) => write_index_key(bytes, &value.view()),
        Key::Position(_) => {
            let any = Scalar::Link(crate::row::LinkView {
                class: b"",
                key: crate::row::KeyView::Null,
            });
            write_index_key(bytes, &any);
        }
    }
    bytes.resize(16, 0);
    let first = bytes.first_chunk::<16>().copied().unwrap_or_default();
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidemark_changeset::{Decimal, Value};

    use super::*;

    fn key() -> impl Strategy<Value = Key> {
        let decimal = |coefficient| {
            Value::Decimal(Decimal {
                coefficient,
                exponent: -1,
                negative: false,
            })
        };
        let value = prop_oneof![
            4 => (-3..4_i64).prop_map(Value::Int),
            4 => (-6..7_i32).prop_map(|value| Value::Double(f64::from(value) / 2.0)),
            1 => Just(Value::Double(f64::NAN)),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::Bool),
            4 => "(a|b|long shared beginning ){0,2}".prop_map(|text| Value::String(text.as_str().into())),
            1 => (0..30_u128).prop_map(decimal),
        ];
        prop_oneof![
            12 => value.prop_map(|value| Key::Value(Owned::Value(value))),
            1 => (0..3_u64).prop_map(Key::Position),
            1 => Just(Key::Missing),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Rows stand as a stable sort by all keys has them, also where decimals forbid the short way.
        #[test]
        fn rows_stand_as_their_keys_do(
            all in prop::collection::vec(key(), 0..60),
            ascending in prop::collection::vec(any::<bool>(), 2),
            limit in prop::option::of(0..40_usize),
            decimals in any::<bool>(),
        ) {
            let fits = |key: &Key| decimals || !is_decimal(Some(key));
            let mut all: Vec<Key> = all.into_iter().filter(fits).collect();
            all.truncate(all.len() / 2 * 2);
            let keys = Keys { all: &all, width: 2, first: 0, count: 2 };
            let rows: Vec<usize> = (0..all.len() / 2).rev().collect();
            let mut wanted = rows.clone();
            wanted.sort_by(|left, right| directed(&ascending, keys.of(*left), keys.of(*right)));
            wanted.truncate(limit.unwrap_or(usize::MAX));
            prop_assert_eq!(sorted(&rows, &ascending, keys, limit), wanted);
        }
    }
}
