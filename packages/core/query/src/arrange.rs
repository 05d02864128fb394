//! Applying SORT, DISTINCT and LIMIT (rql.md §10.1) to the rows of a result.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::catalog::Place;
use crate::compare::Owned;
use crate::descriptors::{Column, Descriptor, Key};
use crate::direct::PackedRow;
use crate::error::Result;
use crate::index_key::write_index_key;
use crate::row::{KeyView, LinkView, Objects, Row, Scalar};
use crate::sort_keys::SortKeys;
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

/// The tuples that were there. Those that a short run of bytes tells apart are known by it; the others, and
/// all once there is a decimal, which may equal what has other bytes, by comparing.
#[derive(Default)]
struct Seen<'k> {
    by_bytes: FxHashMap<u128, &'k [Key]>,
    by_order: BTreeSet<Tuple<'k>>,
    bytes: Vec<u8>,
    has_decimals: bool,
}

impl<'k> Seen<'k> {
    /// Says whether the tuple was not there.
    fn insert(&mut self, keys: &'k [Key]) -> bool {
        if !self.has_decimals
            && let [key] = keys
        {
            if is_decimal(key) {
                self.has_decimals = true;
                let known = std::mem::take(&mut self.by_bytes).into_values();
                self.by_order.extend(known.map(Tuple));
            } else if let (bytes, true) = beginning(key, &mut self.bytes) {
                let known = self.by_bytes.insert(bytes, keys);
                return known.is_none();
            }
        }
        self.by_order.insert(Tuple(keys))
    }
}

/// Applies SORT, DISTINCT and LIMIT to the rows of a result. It keeps the values it orders by, not the
/// rows.
#[derive(Debug)]
pub struct Arranger<'q> {
    descriptors: &'q [Descriptor],
    values: Values,
    rows: usize,
}

/// The values of all rows: of each, those of all columns of all descriptors.
#[derive(Debug)]
enum Values {
    /// Of plain properties.
    Plain(SortKeys),
    /// One after another.
    General { keys: Vec<Key>, width: usize },
}

impl<'q> Arranger<'q> {
    pub(crate) fn new(descriptors: &'q [Descriptor]) -> Self {
        let columns = descriptors.iter().flat_map(columns);
        let places: Option<Vec<Place>> = columns.map(Column::plain).collect();
        let values = match places {
            Some(places) => Values::Plain(SortKeys::new(places)),
            None => Values::General {
                keys: Vec::new(),
                width: descriptors.iter().map(width).sum(),
            },
        };
        Self {
            descriptors,
            values,
            rows: 0,
        }
    }

    /// Adds the next row of the result, in table order, by its packed values. `false` if it is not added:
    /// [`Arranger::push`] takes it then.
    pub fn push_packed(&mut self, row: &PackedRow<'_>) -> bool {
        let Values::Plain(keys) = &mut self.values else {
            return false;
        };
        let is_added = keys.push_packed(row);
        self.rows += usize::from(is_added);
        is_added
    }

    /// Adds the next row of the result, in table order.
    pub fn push(&mut self, row: &dyn Row, objects: &dyn Objects) -> Result<()> {
        let steps = &Steps::unlimited();
        let given = Given { objects, steps };
        match &mut self.values {
            Values::Plain(keys) => keys.push(row),
            Values::General { keys, .. } => {
                for column in self.descriptors.iter().flat_map(columns) {
                    keys.push(column.key(row, given)?);
                }
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
            let count = width(descriptor);
            match descriptor {
                Descriptor::Sort(columns) => {
                    let limit = match self.descriptors.get(at + 1) {
                        Some(Descriptor::Limit(count)) => usize::try_from(*count).ok(),
                        _ => None,
                    };
                    let ascending: Vec<bool> =
                        columns.iter().map(|(_, ascending)| *ascending).collect();
                    order = match &self.values {
                        Values::Plain(keys) => keys.sorted(&order, first, &ascending, limit),
                        Values::General { keys, width } => {
                            let keys = Keys::new(keys, *width, first, count);
                            sorted(&order, &ascending, keys, limit)
                        }
                    };
                }
                Descriptor::Distinct(_) => match &self.values {
                    Values::Plain(keys) => keys.retain_distinct(&mut order, first..first + count),
                    Values::General { keys, width } => {
                        let keys = Keys::new(keys, *width, first, count);
                        let mut seen = Seen::default();
                        order.retain(|row| {
                            let keys = keys.of(*row);
                            let is_missing = keys.iter().any(|key| matches!(key, Key::Missing));
                            !is_missing && seen.insert(keys)
                        });
                    }
                },
                Descriptor::Limit(count) => {
                    order.truncate(usize::try_from(*count).unwrap_or(usize::MAX));
                }
            }
            first += count;
        }
        Ok(order)
    }
}

/// The columns of a descriptor.
fn columns(descriptor: &Descriptor) -> impl Iterator<Item = &Column> {
    let (sorted, distinct): (&[(Column, bool)], &[Column]) = match descriptor {
        Descriptor::Sort(columns) => (columns, &[]),
        Descriptor::Distinct(columns) => (&[], columns),
        Descriptor::Limit(_) => (&[], &[]),
    };
    sorted.iter().map(|(column, _)| column).chain(distinct)
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
    fn new(all: &'k [Key], width: usize, first: usize, count: usize) -> Self {
        Self {
            all,
            width,
            first,
            count,
        }
    }

    fn of(&self, row: usize) -> &'k [Key] {
        let start = row * self.width + self.first;
        self.all.get(start..start + self.count).unwrap_or_default()
    }
}

/// Columns of a SORT whose values are made ready for comparing.
const READY_MAX: usize = 2;

/// A row that is being sorted.
#[derive(Clone, Copy)]
struct Sorted {
    /// The beginnings of the keys that an index would have for the values of the first columns.
    beginnings: [u128; READY_MAX],
    /// Where the row stood.
    place: usize,
    row: usize,
}

/// Rows in the order of their keys, equal ones as they stood; no more than the limit.
fn sorted(rows: &[usize], ascending: &[bool], keys: Keys<'_>, limit: Option<usize>) -> Vec<usize> {
    let place = |(place, row): (usize, &usize)| Sorted {
        beginnings: [0; READY_MAX],
        place,
        row: *row,
    };
    let mut places: Vec<Sorted> = rows.iter().enumerate().map(place).collect();
    let mut decides = [false; READY_MAX];
    for (column, decides) in decides.iter_mut().enumerate().take(ascending.len()) {
        let is_ascending = ascending.get(column).is_none_or(|ascending| *ascending);
        *decides = make_ready(&mut places, column, keys, is_ascending);
    }
    let compare = |left: &Sorted, right: &Sorted| {
        let (left_keys, right_keys) = (keys.of(left.row), keys.of(right.row));
        for (column, is_ascending) in ascending.iter().enumerate() {
            if let (Some(left), Some(right)) =
                (left.beginnings.get(column), right.beginnings.get(column))
                && left != right
            {
                return left.cmp(right);
            }
            if decides.get(column) != Some(&true) {
                let range = column..=column;
                let ordering = directed(
                    &[*is_ascending],
                    left_keys.get(range.clone()).unwrap_or_default(),
                    right_keys.get(range).unwrap_or_default(),
                );
                if ordering.is_ne() {
                    return ordering;
                }
            }
        }
        left.place.cmp(&right.place)
    };
    if let Some(limit) = limit.filter(|limit| *limit < places.len()) {
        if limit > 0 {
            places.select_nth_unstable_by(limit - 1, compare);
        }
        places.truncate(limit);
    }
    places.sort_unstable_by(compare);
    places.into_iter().map(|sorted| sorted.row).collect()
}

/// Writes the beginnings for a column; says whether equal ones stand for equal values. Decimals have keys
/// apart from the numbers that they stand among, so that a column with some gets none.
fn make_ready(rows: &mut [Sorted], column: usize, keys: Keys<'_>, is_ascending: bool) -> bool {
    let mut bytes = Vec::new();
    let mut decides = true;
    for sorted in rows.iter_mut() {
        let key = keys.of(sorted.row).get(column);
        let Some(key) = key.filter(|key| !is_decimal(key)) else {
            for sorted in rows {
                if let Some(beginning) = sorted.beginnings.get_mut(column) {
                    *beginning = 0;
                }
            }
            return false;
        };
        let (beginning, is_whole) = beginning(key, &mut bytes);
        decides &= is_whole;
        if let Some(place) = sorted.beginnings.get_mut(column) {
            *place = if is_ascending { beginning } else { !beginning };
        }
    }
    decides
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

fn is_decimal(key: &Key) -> bool {
    matches!(
        key,
        Key::Value(Owned::Value(tidemark_changeset::Value::Decimal(_)))
    )
}

/// The first bytes of the key in an index, as a number, and whether that says all about the value. A place in
/// the table sorts as what it stands for, a link; and what is missing comes last.
fn beginning(key: &Key, bytes: &mut Vec<u8>) -> (u128, bool) {
    bytes.clear();
    let is_whole = match key {
        Key::Missing => return (u128::MAX, true),
        Key::Value(value) => {
            let value = value.view();
            write_index_key(bytes, &value);
            bytes.len() <= BEGINNING_BYTES && !matches!(value, Scalar::Link(_))
        }
        Key::Position(_) => {
            let any = Scalar::Link(LinkView {
                class: b"",
                key: KeyView::Null,
            });
            write_index_key(bytes, &any);
            false
        }
    };
    bytes.resize(BEGINNING_BYTES, 0);
    let first = bytes.first_chunk::<BEGINNING_BYTES>();
    (
        first.map_or(0, |first| u128::from_be_bytes(*first)),
        is_whole,
    )
}

const BEGINNING_BYTES: usize = size_of::<u128>();

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
            let fits = |key: &Key| decimals || !is_decimal(key);
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
