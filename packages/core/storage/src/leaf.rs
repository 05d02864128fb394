//! A leaf: entries of a table that lie one after another, as one value of a file's tree.
//!
//! A tree that keeps each small entry by itself spends more on finding and freeing places than on the bytes.
//! So entries are kept by the leaf, and the tree holds leaves: the key of one is that of its first entry.
//!
//! Two forms, by the first byte:
//! * `00`: `u8` length of the beginning that all keys share, which is read from the leaf's key; `u16` number
//!   of entries; `u16` length of what is left of each key, if it is the same for all, else `ffff`; for each
//!   entry, `u16` end of its value, counted from the first value; if lengths of keys differ, for each entry,
//!   `u16` end of what is left of its key, counted from the first one; what is left of the keys; the values.
//!   Numbers are little-endian. Keys lie together, so that a search touches little of the leaf.
//! * `01`: one entry that is too large for the other form; the value follows.

use std::cmp::Ordering;

use crate::{Result, StorageError};

/// What a leaf takes up at most, unless one entry alone takes more: with its key and what the tree adds, two
/// pages of it.
pub(crate) const LEAF_BYTES_MAX: usize = 8_000;

const MANY: u8 = 0;
const ONE: u8 = 1;

/// Bytes before the ends.
const HEAD_BYTES: usize = 6;

/// Bytes of an end.
const END_BYTES: usize = 2;

/// Instead of a width: keys differ in length.
const VARIED: u16 = u16::MAX;

/// How long a shared beginning may be.
const SHARED_BYTES_MAX: usize = 255;

fn damaged() -> StorageError {
    StorageError::Damaged("a leaf cannot be read".to_owned())
}

/// A number of a leaf.
#[inline]
fn number(bytes: &[u8], at: usize) -> Result<usize> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found
        .map(|found| usize::from(u16::from_le_bytes(*found)))
        .ok_or_else(damaged)
}

/// How a leaf is laid out, without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Length of the beginning that the keys share with the leaf's.
    shared: usize,
    count: usize,
    /// Length of what is left of each key, unless it varies.
    width: Option<usize>,
    /// Where the rests of keys begin.
    keys: usize,
    /// Where the values begin.
    values: usize,
    is_many: bool,
}

impl Layout {
    /// Reads the head of a leaf.
    pub fn read(key: &[u8], bytes: &[u8]) -> Result<Self> {
        let (shared, rest) = match *bytes {
            [MANY, shared, ..] => (usize::from(shared), bytes),
            [ONE, ..] => {
                return Ok(Self {
                    shared: key.len(),
                    count: 1,
                    width: Some(0),
                    keys: 1,
                    values: 1,
                    is_many: false,
                });
            }
            _ => return Err(damaged()),
        };
        let count = number(rest, 2)?;
        let width = number(rest, 4)?;
        if count == 0 || shared > key.len() {
            return Err(damaged());
        }
        let ends = HEAD_BYTES + END_BYTES * count;
        let (width, keys, key_bytes) = if width == usize::from(VARIED) {
            let keys = ends + END_BYTES * count;
            (None, keys, number(bytes, keys - END_BYTES)?)
        } else {
            (Some(width), ends, width * count)
        };
        let values = keys + key_bytes.min(bytes.len());
        if key_bytes > bytes.len() || values > bytes.len() {
            return Err(damaged());
        }
        Ok(Self {
            shared,
            count,
            width,
            keys,
            values,
            is_many: true,
        })
    }
}

impl Layout {
    /// Number of entries, at least one.
    pub fn len(&self) -> usize {
        self.count
    }
}

/// A leaf to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafView<'a> {
    key: &'a [u8],
    bytes: &'a [u8],
    layout: Layout,
}

impl<'a> LeafView<'a> {
    /// A leaf under its key.
    pub fn new(key: &'a [u8], bytes: &'a [u8]) -> Result<Self> {
        let layout = Layout::read(key, bytes)?;
        Ok(Self { key, bytes, layout })
    }

    /// A leaf whose head has been read.
    pub fn with_layout(key: &'a [u8], bytes: &'a [u8], layout: Layout) -> Self {
        Self { key, bytes, layout }
    }

    /// Number of entries, at least one.
    pub fn len(&self) -> usize {
        self.layout.count
    }

    /// Whether all keys are equally long.
    pub fn is_even(&self) -> bool {
        self.layout.width.is_some()
    }

    /// What all keys begin with.
    pub fn shared(&self) -> &'a [u8] {
        self.key.get(..self.layout.shared).unwrap_or_default()
    }

    /// The end of an entry's part, by the ends that begin somewhere; the start is the end of the one before.
    #[inline]
    fn part(&self, ends: usize, index: usize) -> Result<(usize, usize)> {
        let end = number(self.bytes, ends + END_BYTES * index)?;
        let start = match index.checked_sub(1) {
            Some(before) => number(self.bytes, ends + END_BYTES * before)?,
            None => 0,
        };
        Ok((start, end))
    }

    /// What is left of an entry's key behind what all share.
    #[inline]
    pub fn rest(&self, index: usize) -> Result<&'a [u8]> {
        let Layout { width, keys, .. } = self.layout;
        let (start, end) = match width {
            Some(width) => (width * index, width * (index + 1)),
            None => self.part(HEAD_BYTES + END_BYTES * self.layout.count, index)?,
        };
        self.bytes.get(keys + start..keys + end).ok_or_else(damaged)
    }

    /// Where an entry's value lies in the leaf.
    #[inline]
    pub fn place(&self, index: usize) -> Result<(usize, usize)> {
        if !self.layout.is_many {
            return Ok((1, self.bytes.len()));
        }
        let (start, end) = self.part(HEAD_BYTES, index)?;
        let values = self.layout.values;
        Ok((values + start, values + end))
    }

    /// What is left of an entry's key, and its value.
    #[inline]
    pub fn entry(&self, index: usize) -> Result<(&'a [u8], &'a [u8])> {
        let (start, end) = self.place(index)?;
        let value = self.bytes.get(start..end).ok_or_else(damaged)?;
        Ok((self.rest(index)?, value))
    }

    /// The index of a key, or the one that it would have.
    pub fn search(&self, key: &[u8]) -> Result<std::result::Result<usize, usize>> {
        let shared = self.shared();
        let Some(rest) = key.strip_prefix(shared) else {
            return Ok(Err(if key < shared { 0 } else { self.len() }));
        };
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.rest(middle)?.cmp(rest) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(Ok(middle)),
                Ordering::Greater => high = middle,
            }
        }
        Ok(Err(low))
    }
}

/// Length of what two keys begin with alike.
fn shared_length(one: &[u8], other: &[u8]) -> usize {
    one.iter()
        .zip(other)
        .take(SHARED_BYTES_MAX)
        .take_while(|(one, other)| one == other)
        .count()
}

/// Takes a leaf: its key and its bytes.
pub(crate) type Give<'g> = &'g mut dyn FnMut(&[u8], &[u8]) -> Result<()>;

/// Where an entry ends in the bytes of [`Entries`].
#[derive(Clone, Copy, Debug)]
struct Ends {
    key: usize,
    value: usize,
}

/// Some entries in a row that make a leaf.
#[derive(Clone, Copy, Debug)]
struct Cut {
    count: usize,
    /// Length of the beginning that their keys share.
    shared: usize,
    /// Whether their keys differ in length.
    is_varied: bool,
}

impl Cut {
    /// What it takes up, if keys and values have so many bytes.
    fn leaf_bytes(self, bytes: usize) -> usize {
        let ends = if self.is_varied { 2 } else { 1 };
        HEAD_BYTES + self.count * END_BYTES * ends + bytes - self.count * self.shared
    }
}

/// Entries in the order of their keys that are to become leaves.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    bytes: Vec<u8>,
    ends: Vec<Ends>,
}

impl Entries {
    /// Appends an entry whose key comes in two parts.
    pub fn push(&mut self, shared: &[u8], rest: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(shared);
        self.bytes.extend_from_slice(rest);
        let key = self.bytes.len();
        self.bytes.extend_from_slice(value);
        let value = self.bytes.len();
        self.ends.push(Ends { key, value });
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of keys and values.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    fn start(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            Some(before) => self.ends[before].value,
            None => 0,
        }
    }

    fn key(&self, index: usize) -> &[u8] {
        &self.bytes[self.start(index)..self.ends[index].key]
    }

    fn value(&self, index: usize) -> &[u8] {
        &self.bytes[self.ends[index].key..self.ends[index].value]
    }

    /// What all of them would take up as one leaf.
    fn leaf_bytes(&self) -> usize {
        let Some(last) = self.ends.len().checked_sub(1) else {
            return 0;
        };
        let first_key = self.key(0);
        let cut = Cut {
            count: last + 1,
            shared: shared_length(first_key, self.key(last)),
            is_varied: (0..=last).any(|index| self.key(index).len() != first_key.len()),
        };
        cut.leaf_bytes(self.bytes.len())
    }

    /// The leaf of about `wanted` bytes that begins with an entry.
    fn cut(&self, first: usize, wanted: usize) -> Cut {
        let start = self.start(first);
        let first_key = self.key(first);
        let mut cut = Cut {
            count: 1,
            shared: first_key.len().min(SHARED_BYTES_MAX),
            is_varied: false,
        };
        while first + cut.count < self.ends.len() {
            let index = first + cut.count;
            let key = self.key(index);
            let longer = Cut {
                count: cut.count + 1,
                shared: shared_length(first_key, key).min(cut.shared),
                is_varied: cut.is_varied || key.len() != first_key.len(),
            };
            let bytes = longer.leaf_bytes(self.ends[index].value - start);
            if bytes > LEAF_BYTES_MAX {
                break;
            }
            cut = longer;
            if bytes >= wanted {
                break;
            }
        }
        cut
    }

    /// Gives leaves of all entries but for at most the last `kept`, each with its key, and forgets those
    /// entries.
    ///
    /// Leaves that are appended to are filled; others are cut alike, so that each has room for what comes.
    pub fn take_leaves(&mut self, is_appended: bool, kept: usize, give: Give<'_>) -> Result<()> {
        let wanted = if is_appended {
            LEAF_BYTES_MAX
        } else {
            let bytes = self.leaf_bytes();
            bytes.div_ceil(bytes.div_ceil(LEAF_BYTES_MAX).max(1))
        };
        let mut out = Vec::with_capacity(LEAF_BYTES_MAX);
        let mut first = 0;
        while self.ends.len() - first > kept {
            let cut = self.cut(first, wanted);
            self.write(first, cut, &mut out)?;
            give(self.key(first), &out)?;
            first += cut.count;
        }
        let gone = self.start(first);
        self.bytes.drain(..gone);
        self.ends.drain(..first);
        for ends in &mut self.ends {
            ends.key -= gone;
            ends.value -= gone;
        }
        Ok(())
    }

    fn write(&self, first: usize, cut: Cut, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        let Cut {
            count,
            shared,
            is_varied,
        } = cut;
        let entries = first..first + count;
        let bytes = self.ends[entries.end - 1].value - self.start(first);
        if cut.leaf_bytes(bytes) > LEAF_BYTES_MAX {
            out.push(ONE);
            out.extend_from_slice(self.value(first));
            return Ok(());
        }
        let narrow = |number: usize| {
            let number = u16::try_from(number).map_err(|_| damaged())?;
            Ok::<_, StorageError>(number.to_le_bytes())
        };
        let width = if is_varied {
            VARIED.to_le_bytes()
        } else {
            narrow(self.key(first).len() - shared)?
        };
        out.extend_from_slice(&[MANY, u8::try_from(shared).map_err(|_| damaged())?]);
        out.extend_from_slice(&narrow(count)?);
        out.extend_from_slice(&width);
        let mut end = 0;
        for index in entries.clone() {
            end += self.value(index).len();
            out.extend_from_slice(&narrow(end)?);
        }
        end = 0;
        for index in entries.clone().filter(|_| is_varied) {
            end += self.key(index).len() - shared;
            out.extend_from_slice(&narrow(end)?);
        }
        for index in entries.clone() {
            out.extend_from_slice(&self.key(index)[shared..]);
        }
        for index in entries {
            out.extend_from_slice(self.value(index));
        }
        Ok(())
    }
}
