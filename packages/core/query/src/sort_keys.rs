//! Values that rows are ordered by, as numbers that compare like them: what SORT and DISTINCT take for plain
//! properties of the rows themselves.
//!
//! A value is the beginning of the key that an index would have for it ([`crate::write_index_key`]), which
//! says all of numbers, dates and short texts. Of what it does not, the bytes are kept too.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};
use tidemark_changeset::packed::{read_double, read_int, read_string, read_timestamp};

use crate::catalog::Place;
use crate::direct::PackedRow;
use crate::index_key::{beginning_of_int, beginning_of_text, write_index_key};
use crate::row::{Field, Row, Scalar};
use crate::walk;

/// Where the bytes of a value lie that its beginning does not tell all about.
type Rest = (usize, usize);

const NO_REST: Rest = (0, 0);

/// Bits of beginnings that differ among numbers that doubles and integers below 2⁵³ hold.
const NARROW: u128 = (u64::MAX as u128) << NARROW_SHIFT;
const NARROW_SHIFT: u32 = 48;

/// The values of one column.
#[derive(Debug, Default)]
struct Column {
    beginnings: Vec<u128>,
    /// As many as beginnings once one was needed, otherwise none.
    rests: Vec<Rest>,
}

/// The values of all rows in some columns.
#[derive(Debug)]
pub(crate) struct SortKeys {
    places: Vec<Place>,
    columns: Vec<Column>,
    bytes: Vec<u8>,
}

impl SortKeys {
    pub(crate) fn new(places: Vec<Place>) -> Self {
        let columns = places.iter().map(|_| Column::default()).collect();
        Self {
            places,
            columns,
            bytes: Vec::new(),
        }
    }

    /// Adds a row by its packed values; `false`, and nothing is added, if one of them has to be asked for
    /// otherwise.
    pub(crate) fn push_packed(&mut self, row: &PackedRow<'_>) -> bool {
        for at in 0..self.places.len() {
            let is_added = self
                .places
                .get(at)
                .and_then(|place| row.bytes(*place))
                .is_some_and(|bytes| self.add_packed(at, bytes));
            if !is_added {
                for column in self.columns.iter_mut().take(at) {
                    column.beginnings.pop();
                    if column.rests.len() > column.beginnings.len() {
                        column.rests.pop();
                    }
                }
                return false;
            }
        }
        true
    }

    fn add_packed(&mut self, at: usize, bytes: &[u8]) -> bool {
        if let Some(value) = read_int(bytes) {
            self.add_beginning(at, beginning_of_int(value));
        } else if let Some(text) = read_string(bytes) {
            self.add(at, &Scalar::String(text));
        } else if let Some(value) = read_double(bytes) {
            self.add(at, &Scalar::Double(value));
        } else if let Some(value) = read_timestamp(bytes) {
            self.add(at, &Scalar::Timestamp(value));
        } else {
            return false;
        }
        true
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &dyn Row) {
        for at in 0..self.places.len() {
            let place = self.places.get(at).copied().unwrap_or(Place::Key);
            match walk::read(row, place) {
                Field::Scalar(value) => self.add(at, &value),
                // No plain property holds one.
                _ => self.add(at, &Scalar::Null),
            }
        }
    }

    #[inline]
    fn add_beginning(&mut self, at: usize, beginning: u128) {
        if let Some(column) = self.columns.get_mut(at) {
            column.beginnings.push(beginning);
            if !column.rests.is_empty() {
                column.rests.push(NO_REST);
            }
        }
    }

    fn add(&mut self, at: usize, value: &Scalar<'_>) {
        let (beginning, is_whole) = match value {
            Scalar::Int(value) => (beginning_of_int(*value), true),
            Scalar::String(text) => {
                beginning_of_text(text).unwrap_or_else(|| self.written_beginning(value))
            }
            _ => self.written_beginning(value),
        };
        self.add_beginning(at, beginning);
        if is_whole {
            return;
        }
        let start = self.bytes.len();
        match value {
            Scalar::String(bytes) | Scalar::Binary(bytes) => self.bytes.extend_from_slice(bytes),
            Scalar::Uuid(id) => self.bytes.extend_from_slice(&id.0),
            _ => {}
        }
        if let Some(column) = self.columns.get_mut(at) {
            column.rests.resize(column.beginnings.len(), NO_REST);
            if let Some(rest) = column.rests.last_mut() {
                *rest = (start, self.bytes.len());
            }
        }
    }

    /// The beginning of any value, and whether it says all about it.
    fn written_beginning(&mut self, value: &Scalar<'_>) -> (u128, bool) {
        let start = self.bytes.len();
        write_index_key(&mut self.bytes, value);
        let length = self.bytes.len() - start;
        let mut first = [0; size_of::<u128>()];
        for (to, from) in first.iter_mut().zip(self.bytes.iter().skip(start)) {
            *to = *from;
        }
        self.bytes.truncate(start);
        (u128::from_be_bytes(first), length <= first.len())
    }

    fn beginning(&self, column: usize, row: usize) -> u128 {
        let column = self.columns.get(column);
        column
            .and_then(|column| column.beginnings.get(row))
            .map_or(0, |beginning| *beginning)
    }

    fn rest(&self, column: usize, row: usize) -> &[u8] {
        let column = self.columns.get(column);
        let (start, end) = column
            .and_then(|column| column.rests.get(row))
            .map_or(NO_REST, |rest| *rest);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Whether equal beginnings stand for equal values.
    fn decides(&self, column: usize) -> bool {
        let column = self.columns.get(column);
        column.is_none_or(|column| column.rests.is_empty())
    }

    fn compare(&self, column: usize, left: usize, right: usize) -> Ordering {
        let beginnings = self
            .beginning(column, left)
            .cmp(&self.beginning(column, right));
        beginnings.then_with(|| self.rest(column, left).cmp(self.rest(column, right)))
    }

    /// Whether all values of a column are told apart by 64 of their bits.
    fn is_narrow(&self, column: usize) -> bool {
        let beginnings = self.columns.get(column).map(|column| &column.beginnings);
        let Some((first, others)) = beginnings.and_then(|all| all.split_first()) else {
            return false;
        };
        let differs = |all: u128, beginning: &u128| all | (beginning ^ first);
        self.decides(column) && others.iter().fold(0, differs) & !NARROW == 0
    }

    fn narrow(&self, column: usize, row: usize, is_ascending: bool) -> u64 {
        #[allow(clippy::cast_possible_truncation)]
        let value = (self.beginning(column, row) >> NARROW_SHIFT) as u64;
        if is_ascending { value } else { !value }
    }

    /// Rows in an order by some of the columns, each ascending or not, equal ones as they stood; no more than
    /// the limit.
    pub(crate) fn sorted(
        &self,
        rows: &[usize],
        first: usize,
        ascending: &[bool],
        limit: Option<usize>,
    ) -> Vec<usize> {
        let is_narrow = (0..ascending.len()).all(|column| self.is_narrow(first + column));
        let beginning = |column: usize, row: usize, is_ascending: bool| {
            let beginning = self.beginning(first + column, row);
            if is_ascending { beginning } else { !beginning }
        };
        match *ascending {
            [one] if is_narrow => {
                // The place is in the same number, which makes the fastest sort.
                let head = |(place, row): (u128, &usize)| {
                    u128::from(self.narrow(first, *row, one)) << 64 | place
                };
                let mut places: Vec<u128> = (0..).zip(rows).map(head).collect();
                order_places(&mut places, limit, Ord::cmp);
                let row =
                    |place: u128| rows.get(usize::try_from(place & u128::from(u64::MAX)).ok()?);
                places.into_iter().filter_map(row).copied().collect()
            }
            [one, two] if is_narrow => self.sorted_by(rows, first, (ascending, limit), |row| {
                let high = u128::from(self.narrow(first, row, one)) << 64;
                ([high | u128::from(self.narrow(first + 1, row, two))], 2)
            }),
            [one, two, ..] if self.decides(first) => {
                self.sorted_by(rows, first, (ascending, limit), |row| {
                    ([beginning(0, row, one), beginning(1, row, two)], 2)
                })
            }
            [one, ..] => self.sorted_by(rows, first, (ascending, limit), |row| {
                ([beginning(0, row, one)], 1)
            }),
            [] => rows.to_vec(),
        }
    }

    /// `head`: what rows are compared by at first, and how many columns that stands for.
    fn sorted_by<const N: usize>(
        &self,
        rows: &[usize],
        first: usize,
        (ascending, limit): (&[bool], Option<usize>),
        head: impl Fn(usize) -> ([u128; N], usize),
    ) -> Vec<usize> {
        let columns = rows.first().map_or(0, |row| head(*row).1);
        let place = |(place, row): (usize, &usize)| (head(*row).0, place, *row);
        let mut places: Vec<([u128; N], usize, usize)> =
            rows.iter().enumerate().map(place).collect();
        // The last of these columns may still be undecided.
        let decided = if self.decides((first + columns).saturating_sub(1)) {
            columns
        } else {
            columns.saturating_sub(1)
        };
        let rest = ascending.get(decided..).unwrap_or_default();
        order_places(&mut places, limit, |left, right| {
            let mut ordering = left.0.cmp(&right.0);
            for (column, is_ascending) in (first + decided..).zip(rest) {
                if ordering.is_ne() {
                    return ordering;
                }
                ordering = self.compare(column, left.2, right.2);
                if !is_ascending {
                    ordering = ordering.reverse();
                }
            }
            ordering.then(left.1.cmp(&right.1))
        });
        places.into_iter().map(|(_, _, row)| row).collect()
    }

    /// Leaves of rows that are equal in some of the columns the first one.
    pub(crate) fn retain_distinct(&self, rows: &mut Vec<usize>, columns: std::ops::Range<usize>) {
        let mut latest: FxHashMap<u64, usize> = FxHashMap::default();
        // Of each row that stays, the one before it with the same hash.
        let mut before: FxHashMap<usize, usize> = FxHashMap::default();
        rows.retain(|&row| {
            let mut hasher = FxHasher::default();
            for column in columns.clone() {
                self.beginning(column, row).hash(&mut hasher);
                self.rest(column, row).hash(&mut hasher);
            }
            let hash = hasher.finish();
            let mut other = latest.get(&hash).copied();
            while let Some(known) = other {
                let mut all = columns.clone();
                if all.all(|column| self.compare(column, known, row).is_eq()) {
                    return false;
                }
                other = before.get(&known).copied();
            }
            if let Some(known) = latest.insert(hash, row) {
                before.insert(row, known);
            }
            true
        });
    }
}

fn order_places<T>(
    places: &mut Vec<T>,
    limit: Option<usize>,
    compare: impl Fn(&T, &T) -> Ordering,
) {
    if let Some(limit) = limit.filter(|limit| *limit < places.len()) {
        if limit > 0 {
            places.select_nth_unstable_by(limit - 1, &compare);
        }
        places.truncate(limit);
    }
    places.sort_unstable_by(compare);
}
