//! The changes of one write, collected until the commit.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::ops::{Bound, Deref};
use std::sync::Arc;

use crate::{TABLES_MAX, TableId};

/// What becomes of a key: `None` deletes.
type Change = Option<Arc<[u8]>>;

/// Keys of up to this many bytes take no allocation.
const INLINE_BYTES_MAX: usize = 22;

/// A key of a change.
#[derive(Debug)]
pub(crate) struct Key(Form);

#[derive(Debug)]
enum Form {
    Inline(u8, [u8; INLINE_BYTES_MAX]),
    Heap(Box<[u8]>),
}

impl From<&[u8]> for Key {
    fn from(key: &[u8]) -> Self {
        let mut bytes = [0; INLINE_BYTES_MAX];
        match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(key);
                Self(Form::Inline(length, bytes))
            }
            _ => Self(Form::Heap(Box::from(key))),
        }
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Form::Inline(length, bytes) => &bytes[..usize::from(*length)],
            Form::Heap(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self[..].cmp(&other[..])
    }
}

/// Changes of one table.
///
/// Keys mostly come in their order: those are put behind each other. **Invariant**: no key is in both parts,
/// and none of the others is greater than the last one of the run.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    run: Vec<(Key, Change)>,
    others: BTreeMap<Key, Change>,
}

impl Changes {
    pub fn len(&self) -> usize {
        self.run.len() + self.others.len()
    }

    pub fn is_empty(&self) -> bool {
        // The others never come first.
        self.run.is_empty()
    }

    fn get(&self, key: &[u8]) -> Option<&Change> {
        let (last, change) = self.run.last()?;
        match key.cmp(last) {
            Ordering::Greater => None,
            Ordering::Equal => Some(change),
            Ordering::Less => match self.place(key) {
                Ok(place) => self.run.get(place).map(|(_, change)| change),
                Err(_) => self.others.get(key),
            },
        }
    }

    fn place(&self, key: &[u8]) -> Result<usize, usize> {
        self.run.binary_search_by(|(at, _)| at[..].cmp(key))
    }

    fn set(&mut self, key: &[u8], change: Change) {
        if self.run.last().is_none_or(|(last, _)| last[..] < *key) {
            self.run.push((Key::from(key), change));
            return;
        }
        match self.place(key).map(|place| self.run.get_mut(place)) {
            Ok(Some(known)) => known.1 = change,
            _ => drop(self.others.insert(Key::from(key), change)),
        }
    }

    /// All of them in key order.
    pub fn iter(&self) -> ChangesRange<'_> {
        self.range(Bound::Unbounded, Bound::Unbounded)
    }

    /// Those in a range, in key order. The range must not be a backward one.
    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> ChangesRange<'_> {
        let start = match from {
            Bound::Included(from) => self.run.partition_point(|(key, _)| key[..] < *from),
            Bound::Excluded(from) => self.run.partition_point(|(key, _)| key[..] <= *from),
            Bound::Unbounded => 0,
        };
        let end = match to {
            Bound::Included(to) => self.run.partition_point(|(key, _)| key[..] <= *to),
            Bound::Excluded(to) => self.run.partition_point(|(key, _)| key[..] < *to),
            Bound::Unbounded => self.run.len(),
        };
        let mut others = self.others.range::<[u8], _>((from, to));
        ChangesRange {
            run: self.run.get(start..end).unwrap_or_default(),
            first: others.next(),
            last: others.next_back(),
            others,
        }
    }
}

type Item<'a> = (&'a Key, &'a Change);

/// A part of the changes in key order.
pub(crate) struct ChangesRange<'a> {
    run: &'a [(Key, Change)],
    /// The others, with one looked ahead at each end.
    first: Option<Item<'a>>,
    last: Option<Item<'a>>,
    others: btree_map::Range<'a, Key, Change>,
}

impl<'a> ChangesRange<'a> {
    fn next_other(&mut self) -> Option<Item<'a>> {
        let next = self.others.next();
        let first = next.or_else(|| self.last.take());
        std::mem::replace(&mut self.first, first)
    }

    fn next_other_back(&mut self) -> Option<Item<'a>> {
        let Some(taken) = self.last.take() else {
            return self.first.take();
        };
        self.last = self.others.next_back();
        Some(taken)
    }
}

impl<'a> Iterator for ChangesRange<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let Some(((key, change), rest)) = self.run.split_first() else {
            return self.next_other();
        };
        if self.first.is_some_and(|(other, _)| other < key) {
            return self.next_other();
        }
        self.run = rest;
        Some((key, change))
    }
}

impl<'a> DoubleEndedIterator for ChangesRange<'a> {
    fn next_back(&mut self) -> Option<Item<'a>> {
        let Some(((key, change), rest)) = self.run.split_last() else {
            return self.next_other_back();
        };
        let other = self.last.or(self.first);
        if other.is_some_and(|(other, _)| other > key) {
            return self.next_other_back();
        }
        self.run = rest;
        Some((key, change))
    }
}

/// Changes of all tables, each in the order of its keys.
#[derive(Debug, Default)]
pub struct Batch {
    tables: [Changes; TABLES_MAX],
}

impl Batch {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(Changes::is_empty)
    }

    /// The tables that change.
    pub fn tables(&self) -> impl Iterator<Item = TableId> + '_ {
        (0u8..)
            .zip(&self.tables)
            .filter(|(_, changes)| !changes.is_empty())
            .map(|(number, _)| TableId::new(number))
    }

    /// Changes of a table in the order of its keys; `None` deletes.
    pub fn changes(
        &self,
        table: TableId,
    ) -> impl DoubleEndedIterator<Item = (&[u8], Option<&Arc<[u8]>>)> + '_ {
        self.table(table)
            .iter()
            .map(|(key, value)| (&key[..], value.as_ref()))
    }

    /// The change of a key, if there is one.
    pub(crate) fn get(&self, table: TableId, key: &[u8]) -> Option<&Change> {
        self.table(table).get(key)
    }

    pub(crate) fn table(&self, table: TableId) -> &Changes {
        &self.tables[table.number()]
    }

    pub(crate) fn set(&mut self, table: TableId, key: &[u8], value: Change) {
        self.tables[table.number()].set(key, value);
    }

    pub(crate) fn range(
        &self,
        table: TableId,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> ChangesRange<'_> {
        self.table(table).range(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, the same in each run.
    fn dice() -> impl FnMut(usize) -> usize {
        let mut state = 1_u64;
        move |sides| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or(0) % sides
        }
    }

    fn key(number: usize) -> Vec<u8> {
        // Some are longer than what fits in place.
        let mut key = vec![u8::try_from(number / 8).expect("below 256"); 1 + number % 8 * 5];
        key.push(u8::try_from(number % 8).expect("below 8"));
        key
    }

    fn shown<'a>(items: impl Iterator<Item = Item<'a>>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let own = |(key, change): Item<'_>| (key.to_vec(), change.as_deref().map(<[u8]>::to_vec));
        items.map(own).collect()
    }

    #[test]
    fn changes_in_any_order_are_those_of_an_ordered_map() {
        let mut roll = dice();
        for _ in 0..200 {
            let mut changes = Changes::default();
            let mut expected = BTreeMap::new();
            let start = roll(100);
            for step in 0..roll(120) {
                let number = if roll(3) > 0 {
                    start + step / 2
                } else {
                    roll(200)
                };
                let value = (roll(4) > 0).then(|| vec![u8::try_from(step).expect("below 256")]);
                changes.set(&key(number), value.as_deref().map(Arc::from));
                expected.insert(key(number), value);
            }
            assert_eq!(changes.len(), expected.len());
            assert_eq!(changes.is_empty(), expected.is_empty());
            for number in 0..200 {
                let found = changes.get(&key(number));
                let own = found.map(|change| change.as_deref().map(<[u8]>::to_vec));
                assert_eq!(own.as_ref(), expected.get(&key(number)));
            }
            let (a, b) = (key(roll(200)), key(roll(200)));
            let (from, to) = if a < b { (a, b) } else { (b, a) };
            for bounds in [
                (Bound::Unbounded, Bound::Unbounded),
                (Bound::Included(&from[..]), Bound::Included(&to[..])),
                (Bound::Excluded(&from[..]), Bound::Unbounded),
                (Bound::Unbounded, Bound::Excluded(&to[..])),
            ] {
                let range = || changes.range(bounds.0, bounds.1);
                let wanted: Vec<_> = expected
                    .range::<[u8], _>(bounds)
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                assert_eq!(shown(range()), wanted);
                let mut backward = shown(range().rev());
                backward.reverse();
                assert_eq!(backward, wanted);
                let mut both = range();
                let (mut front, mut back) = (Vec::new(), Vec::new());
                loop {
                    let is_front = roll(2) == 0;
                    let item = if is_front {
                        both.next()
                    } else {
                        both.next_back()
                    };
                    let Some(item) = item else { break };
                    let place = if is_front { &mut front } else { &mut back };
                    place.extend(shown(std::iter::once(item)));
                }
                back.reverse();
                front.append(&mut back);
                assert_eq!(front, wanted);
            }
        }
    }
}
