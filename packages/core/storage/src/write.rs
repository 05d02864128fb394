//! An open write: a snapshot with the write's own changes over it.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::batch::ChangesRange;
use crate::keys::is_empty_range;
use crate::{Batch, Bytes, Durability, Entry, Range, Read, Result, Sink, Storage, TableId, Visit};

/// The one open write of a storage. Dropping it aborts.
pub struct Write<S: Storage> {
    sink: S::Sink,
    base: S::Snapshot,
    batch: Batch,
}

impl<S: Storage> Write<S> {
    pub(crate) fn new(sink: S::Sink, base: S::Snapshot) -> Self {
        Self {
            sink,
            base,
            batch: Batch::default(),
        }
    }

    /// Gives a key a value.
    pub fn put(&mut self, table: TableId, key: &[u8], value: &[u8]) {
        self.batch.set(table, key, Some(Arc::from(value)));
    }

    /// Gives a key a value that is already shared.
    pub fn put_shared(&mut self, table: TableId, key: &[u8], value: Arc<[u8]>) {
        self.batch.set(table, key, Some(value));
    }

    /// Takes a key's value away; nothing happens if it has none.
    pub fn delete(&mut self, table: TableId, key: &[u8]) {
        self.batch.set(table, key, None);
    }

    /// Deletes all keys in a range.
    pub fn delete_range(
        &mut self,
        table: TableId,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<()> {
        let keys = self
            .range(table, from, to)?
            .map(|entry| Ok(Box::from(&entry?.0[..])));
        for key in keys.collect::<Result<Vec<Box<[u8]>>>>()? {
            self.batch.set(table, &key, None);
        }
        Ok(())
    }

    /// The state before this write.
    pub fn base(&self) -> &S::Snapshot {
        &self.base
    }

    /// Makes the changes true. A write without changes costs nothing.
    pub fn commit(self, durability: Durability) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        drop(self.base);
        self.sink.commit(&self.batch, durability)
    }

    /// Forgets the changes.
    pub fn abort(self) {}
}

impl<S: Storage> Read for Write<S> {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        match self.batch.get(table, key) {
            Some(change) => Ok(change.clone().map(Bytes::from)),
            None => self.base.get(table, key),
        }
    }

    fn range(&self, table: TableId, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Range<'_>> {
        if is_empty_range(from, to) {
            return Ok(Box::new(std::iter::empty()));
        }
        let base = self.base.range(table, from, to)?;
        if self.batch.table(table).is_empty() {
            return Ok(base);
        }
        let changes = self.batch.range(table, from, to);
        Ok(Box::new(Overlaid {
            base: base.peekable_both(),
            changes: changes.peekable_both(),
        }))
    }

    fn scan(
        &self,
        table: TableId,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        visit: Visit<'_>,
    ) -> Result<()> {
        if is_empty_range(from, to) {
            return Ok(());
        }
        let mut changes = self.batch.range(table, from, to).peekable();
        let mut is_over = false;
        self.base.scan(table, from, to, &mut |key, value| {
            while let Some((changed, new)) = changes.next_if(|(changed, _)| ***changed < *key) {
                if new
                    .as_ref()
                    .is_some_and(|new| visit(changed, new).is_break())
                {
                    is_over = true;
                    return ControlFlow::Break(());
                }
            }
            let shown = match changes.next_if(|(changed, _)| ***changed == *key) {
                Some((_, Some(new))) => visit(key, new),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, value),
            };
            is_over = shown.is_break();
            shown
        })?;
        if !is_over {
            let mut left = changes.filter_map(|(changed, new)| Some((changed, new.as_ref()?)));
            // What the visitor wants ends the search, not only its own part.
            let _ = left.try_for_each(|(changed, new)| visit(changed, new));
        }
        Ok(())
    }
}

/// An iterator with one item looked ahead at each end, so that two of them can be merged from both ends.
struct PeekableBoth<I: DoubleEndedIterator> {
    front: Option<I::Item>,
    back: Option<I::Item>,
    inner: I,
}

trait PeekBothExt: DoubleEndedIterator + Sized {
    fn peekable_both(self) -> PeekableBoth<Self> {
        PeekableBoth {
            front: None,
            back: None,
            inner: self,
        }
    }
}

impl<I: DoubleEndedIterator> PeekBothExt for I {}

impl<I: DoubleEndedIterator> PeekableBoth<I> {
    fn peek(&mut self) -> Option<&I::Item> {
        if self.front.is_none() {
            self.front = self.inner.next().or_else(|| self.back.take());
        }
        self.front.as_ref()
    }

    fn next(&mut self) -> Option<I::Item> {
        self.front
            .take()
            .or_else(|| self.inner.next())
            .or_else(|| self.back.take())
    }

    fn peek_back(&mut self) -> Option<&I::Item> {
        if self.back.is_none() {
            self.back = self.inner.next_back().or_else(|| self.front.take());
        }
        self.back.as_ref()
    }

    fn next_back(&mut self) -> Option<I::Item> {
        self.back
            .take()
            .or_else(|| self.inner.next_back())
            .or_else(|| self.front.take())
    }
}

/// The base's entries with the changes laid over them.
struct Overlaid<'a> {
    base: PeekableBoth<Range<'a>>,
    changes: PeekableBoth<ChangesRange<'a>>,
}

fn changed(key: &[u8], value: &Arc<[u8]>) -> Entry {
    (
        Bytes::from(Arc::<[u8]>::from(key)),
        Bytes::from(Arc::clone(value)),
    )
}

impl Iterator for Overlaid<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.base.peek(), self.changes.peek()) {
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (None, None) => return None,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok((base, _))), Some((key, _))) => base[..].cmp(key),
            };
            if order == Ordering::Less {
                return self.base.next();
            }
            if order == Ordering::Equal {
                self.base.next();
            }
            if let Some((key, Some(value))) = self.changes.next() {
                return Some(Ok(changed(key, value)));
            }
        }
    }
}

impl DoubleEndedIterator for Overlaid<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.base.peek_back(), self.changes.peek_back()) {
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Greater,
                (None, None) => return None,
                (None, Some(_)) => Ordering::Less,
                (Some(Ok((base, _))), Some((key, _))) => base[..].cmp(key),
            };
            if order == Ordering::Greater {
                return self.base.next_back();
            }
            if order == Ordering::Equal {
                self.base.next_back();
            }
            if let Some((key, Some(value))) = self.changes.next_back() {
                return Some(Ok(changed(key, value)));
            }
        }
    }
}
