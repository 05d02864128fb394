//! Reading tables that a file keeps by the leaf.

use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use redb::AccessGuard;

use super::device::Device;
use super::{Entries, Pair, ReadTable, guarded, outlived};
use crate::leaf::{Layout, LeafView};
use crate::{Bytes, Entry, Result, StorageError, Visit};

type Guard = AccessGuard<'static, &'static [u8]>;

/// Slots in which a snapshot remembers leaves, once it has been asked for many: what is read at random is
/// found without going down the tree.
const SLOTS: usize = 4_096;

/// Leaves in a slot: neighbours that share it may lie in two.
const LEAVES_PER_SLOT: usize = 2;

/// Leaves that have to be looked for before a snapshot remembers more than the last one.
const MISSES_MAX: usize = 32;

/// What keys may begin with before their numbers, in a [`Run`].
const BEGINNING_BYTES_MAX: usize = 6;

/// Keys of a leaf that differ in the number at their end alone. With it a key is found, or known to be
/// elsewhere, without a look at the page.
struct Run {
    first: u64,
    last: u64,
    /// Whether every number between the two is there.
    is_whole: bool,
    /// Length of what stands before the numbers.
    length: u8,
    beginning: [u8; BEGINNING_BYTES_MAX],
}

/// A key as what stands before the number at its end, and the number.
fn split_number(key: &[u8]) -> Option<(&[u8], u64)> {
    let (beginning, number) = key.split_last_chunk()?;
    Some((beginning, u64::from_be_bytes(*number)))
}

impl Run {
    fn new(leaf: &LeafView<'_>) -> Result<Option<Self>> {
        let first_key = [leaf.shared(), leaf.rest(0)?].concat();
        let last_key = [leaf.shared(), leaf.rest(leaf.len() - 1)?].concat();
        let (Some((beginning, first)), Some((same, last))) =
            (split_number(&first_key), split_number(&last_key))
        else {
            return Ok(None);
        };
        let mut place = [0; BEGINNING_BYTES_MAX];
        let Some(start) = place.get_mut(..beginning.len()) else {
            return Ok(None);
        };
        if beginning != same || !leaf.is_even() || last < first {
            return Ok(None);
        }
        start.copy_from_slice(beginning);
        Ok(Some(Self {
            first,
            last,
            is_whole: last - first == leaf.len() as u64 - 1,
            length: u8::try_from(beginning.len()).unwrap_or_default(),
            beginning: place,
        }))
    }
}

/// Where a key is.
enum Found {
    At(usize),
    /// Nowhere: it would have to be in this leaf.
    Nowhere,
    /// In another leaf, if anywhere.
    Elsewhere,
}

/// A leaf in a page of the file.
pub(crate) struct Leaf {
    /// Known of leaves that are remembered.
    run: Option<Run>,
    layout: Layout,
    value: Guard,
    key: Guard,
}

impl Leaf {
    fn new((key, value): (Guard, Guard)) -> Result<Self> {
        let layout = Layout::read(key.value(), value.value())?;
        Ok(Self {
            run: None,
            layout,
            value,
            key,
        })
    }

    /// The same for who will look for several keys in it.
    fn remembered(mut self) -> Result<Arc<Self>> {
        self.run = Run::new(&self.view())?;
        Ok(Arc::new(self))
    }

    /// The leaf's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.value.value()
    }

    fn view(&self) -> LeafView<'_> {
        LeafView::with_layout(self.key.value(), self.value.value(), self.layout)
    }

    fn find(&self, key: &[u8]) -> Result<Found> {
        if let Some(run) = &self.run {
            let Some((beginning, number)) = split_number(key) else {
                return Ok(Found::Elsewhere);
            };
            let known = run.beginning.get(..usize::from(run.length));
            if known != Some(beginning) || number < run.first || run.last < number {
                return Ok(Found::Elsewhere);
            }
            if run.is_whole {
                let index = usize::try_from(number - run.first).map_err(|_| damaged())?;
                return Ok(Found::At(index));
            }
        }
        Ok(match self.view().search(key)? {
            Ok(index) => Found::At(index),
            Err(index) if 0 < index && index < self.layout.len() => Found::Nowhere,
            Err(_) => Found::Elsewhere,
        })
    }
}

fn damaged() -> StorageError {
    StorageError::Damaged("a leaf cannot be read".to_owned())
}

fn value_at(leaf: &Arc<Leaf>, index: usize) -> Result<Bytes> {
    let (start, end) = LeafView::with_layout(&[], leaf.bytes(), leaf.layout).place(index)?;
    Bytes::part(leaf, start, end).ok_or_else(damaged)
}

/// The leaves that a snapshot has read last.
#[derive(Default)]
struct Remembered {
    last: Option<Arc<Leaf>>,
    misses: usize,
    /// By the keys that were looked for, the newest leaf of a slot first; empty at first.
    slots: Vec<[Option<Arc<Leaf>>; LEAVES_PER_SLOT]>,
}

/// Entries that share a slot, if their keys end with numbers in a row: fewer than a leaf of rows of some size
/// holds, so that they lie in two leaves at most.
const NEIGHBOURS_LOG2: u32 = 5;

/// Where the leaf of a key is remembered. Keys that end with numbers in a row take slots in a row.
fn slot_of(key: &[u8]) -> usize {
    let (rest, number) = match key.split_last_chunk() {
        Some((rest, number)) => (rest, u64::from_be_bytes(*number)),
        None => (key, 0),
    };
    let hash = rest.iter().fold(number >> NEIGHBOURS_LOG2, |hash, byte| {
        hash.wrapping_add(u64::from(*byte))
            .wrapping_mul(0x0000_0100_0000_01B3)
    });
    usize::try_from(hash % SLOTS as u64).unwrap_or_default()
}

impl Remembered {
    /// The leaf that is remembered and holds a key, or would have to: with the key's index, if it is there.
    fn find(&self, key: &[u8], slot: usize) -> Result<Option<(&Arc<Leaf>, Option<usize>)>> {
        let by_slot = self.slots.get(slot).into_iter().flatten();
        for leaf in self.last.iter().chain(by_slot.flatten()) {
            match leaf.find(key)? {
                Found::At(index) => return Ok(Some((leaf, Some(index)))),
                Found::Nowhere => return Ok(Some((leaf, None))),
                Found::Elsewhere => {}
            }
        }
        Ok(None)
    }

    fn note(&mut self, leaf: &Arc<Leaf>, slot: usize) {
        self.misses += 1;
        if self.misses == MISSES_MAX {
            self.slots.resize_with(SLOTS, Default::default);
        }
        if let Some(places) = self.slots.get_mut(slot) {
            places.rotate_right(1);
            places[0] = Some(Arc::clone(leaf));
        }
        self.last = Some(Arc::clone(leaf));
    }
}

/// A table of a snapshot that is kept by the leaf.
pub(super) struct LeafReader {
    table: ReadTable,
    remembered: Mutex<Remembered>,
}

impl LeafReader {
    pub fn new(table: ReadTable) -> Self {
        Self {
            table,
            remembered: Mutex::default(),
        }
    }

    /// The last leaf that begins at or before a key.
    fn before(&self, device: &Device, key: &[u8]) -> Result<Option<Leaf>> {
        let mut leaves = self
            .table
            .range::<&[u8]>(..=key)
            .map_err(outlives(device))?;
        let found = leaves.next_back().transpose().map_err(outlives(device))?;
        found.map(Leaf::new).transpose()
    }

    pub fn get(&self, device: &Device, key: &[u8]) -> Result<Option<Bytes>> {
        let slot = slot_of(key);
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((leaf, index)) = remembered.find(key, slot)? {
            return index.map(|index| value_at(leaf, index)).transpose();
        }
        let Some(leaf) = guarded(device, || self.before(device, key))? else {
            return Ok(None);
        };
        let leaf = leaf.remembered()?;
        remembered.note(&leaf, slot);
        match leaf.view().search(key)? {
            Ok(index) => value_at(&leaf, index).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The leaves that may hold entries between two keys.
    fn leaves(&self, device: &Device, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Entries> {
        guarded(device, || {
            let (Bound::Included(key) | Bound::Excluded(key)) = from else {
                let all = self.table.range::<&[u8]>((from, to));
                return all.map_err(outlives(device));
            };
            let first = self.before(device, key)?;
            let start = match &first {
                Some(leaf) => leaf.key.value(),
                None => key,
            };
            self.table
                .range::<&[u8]>((Bound::Included(start), to))
                .map_err(outlives(device))
        })
    }

    pub fn range<'a>(
        &'a self,
        device: &'a Device,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<LeafRange<'a>> {
        Ok(LeafRange {
            leaves: self.leaves(device, from, to)?,
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
            front: None,
            back: None,
            device,
        })
    }

    pub fn scan(
        &self,
        device: &Device,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        visit: Visit<'_>,
    ) -> Result<()> {
        let mut leaves = self.leaves(device, from, to)?;
        let mut key = Vec::new();
        while let Some(leaf) = next_leaf(device, || leaves.next())? {
            let view = leaf.view();
            let (start, end) = within(&view, from, to)?;
            key.clear();
            key.extend_from_slice(view.shared());
            for index in start..end {
                let (rest, value) = view.entry(index)?;
                key.truncate(view.shared().len());
                key.extend_from_slice(rest);
                if visit(&key, value).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn outlives<E: Into<StorageError>>(device: &Device) -> impl FnOnce(E) -> StorageError + '_ {
    move |error| outlived(device, error)
}

fn next_leaf(device: &Device, next: impl FnOnce() -> Option<Pair>) -> Result<Option<Leaf>> {
    guarded(device, || {
        let found = next().transpose().map_err(outlives(device))?;
        found.map(Leaf::new).transpose()
    })
}

/// The indexes of a leaf's entries that lie between two keys.
fn within(leaf: &LeafView<'_>, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<(usize, usize)> {
    // The index of a key, or behind it.
    let place = |key: &[u8], after: bool| {
        Ok::<_, StorageError>(match leaf.search(key)? {
            Ok(index) => index + usize::from(after),
            Err(index) => index,
        })
    };
    let start = match from {
        Bound::Included(key) => place(key, false)?,
        Bound::Excluded(key) => place(key, true)?,
        Bound::Unbounded => 0,
    };
    let end = match to {
        Bound::Included(key) => place(key, true)?,
        Bound::Excluded(key) => place(key, false)?,
        Bound::Unbounded => leaf.len(),
    };
    Ok((start, end))
}

/// Entries of a leaf that a range has not given yet.
struct Part {
    leaf: Arc<Leaf>,
    start: usize,
    end: usize,
}

impl Part {
    fn entry(&self, index: usize) -> Result<Entry> {
        let view = self.leaf.view();
        let rest = view.rest(index)?;
        Ok((
            Bytes::joined(view.shared(), rest),
            value_at(&self.leaf, index)?,
        ))
    }

    fn next(&mut self) -> Option<Result<Entry>> {
        (self.start < self.end).then(|| {
            self.start += 1;
            self.entry(self.start - 1)
        })
    }

    fn next_back(&mut self) -> Option<Result<Entry>> {
        (self.start < self.end).then(|| {
            self.end -= 1;
            self.entry(self.end)
        })
    }
}

/// Entries between two keys.
pub(super) struct LeafRange<'a> {
    leaves: Entries,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    front: Option<Part>,
    back: Option<Part>,
    device: &'a Device,
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

impl LeafRange<'_> {
    fn take(&mut self, take: impl FnOnce(&mut Entries) -> Option<Pair>) -> Result<Option<Part>> {
        let Some(leaf) = next_leaf(self.device, || take(&mut self.leaves))? else {
            return Ok(None);
        };
        let (start, end) = within(&leaf.view(), as_slice(&self.from), as_slice(&self.to))?;
        let leaf = Arc::new(leaf);
        Ok(Some(Part { leaf, start, end }))
    }
}

impl Iterator for LeafRange<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.front.as_mut().and_then(Part::next) {
                return Some(entry);
            }
            match self.take(Iterator::next) {
                Ok(Some(part)) => self.front = Some(part),
                Ok(None) => return self.back.as_mut().and_then(Part::next),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl DoubleEndedIterator for LeafRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.back.as_mut().and_then(Part::next_back) {
                return Some(entry);
            }
            match self.take(DoubleEndedIterator::next_back) {
                Ok(Some(part)) => self.back = Some(part),
                Ok(None) => return self.front.as_mut().and_then(Part::next_back),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
