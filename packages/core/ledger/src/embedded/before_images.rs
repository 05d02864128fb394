//! Objects as they were at a bootstrap's version, for bootstraps under way.
//!
//! A slow receiver must not pin a snapshot of the storage, and its bootstrap must nevertheless show one
//! version D. So each part is read from a short snapshot, and whatever changes after D before it was sent is
//! kept here as it was.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::limits::BEFORE_IMAGE_BYTES_MAX;
use crate::object::ObjectKey;
use crate::outcome::RowChange;

/// Locks; a panic elsewhere does not make what is behind the lock wrong.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The objects that changed after one bootstrap's version, as they were.
#[derive(Debug, Default)]
pub struct BeforeImages {
    inner: Mutex<Inner>,
}

/// An object as it was at the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// As it is now.
    Unchanged,
    /// It did not exist.
    Absent,
    /// This row.
    Row(Arc<[u8]>),
}

#[derive(Debug, Default)]
struct Inner {
    version: u64,
    rows: BTreeMap<ObjectKey, Option<Arc<[u8]>>>,
    /// The object that the bootstrap's scan met last: it, and all before it, were taken as they were.
    met: Option<ObjectKey>,
    bytes: usize,
    overflown: bool,
}

impl BeforeImages {
    /// Images as of a version.
    pub fn new(version: u64) -> Arc<Self> {
        let images = Self::default();
        lock(&images.inner).version = version;
        Arc::new(images)
    }

    fn remember(&self, changes: &[(u64, RowChange)]) {
        let mut inner = lock(&self.inner);
        for (version, change) in changes {
            let passed = inner.met.as_ref().is_some_and(|met| change.object <= *met);
            if *version <= inner.version || passed || inner.rows.contains_key(&change.object) {
                continue;
            }
            inner.bytes +=
                change.object.as_bytes().len() + change.before.as_ref().map_or(0, |row| row.len());
            if inner.bytes > BEFORE_IMAGE_BYTES_MAX {
                inner.overflown = true;
                inner.rows.clear();
                return;
            }
            inner
                .rows
                .insert(change.object.clone(), change.before.clone());
        }
    }

    /// Whether too much changed: the bootstrap has to start again.
    pub fn overflown(&self) -> bool {
        lock(&self.inner).overflown
    }

    /// What is known of an object that the scan meets, which comes in the order of objects. What changes of
    /// it from now on is not remembered: it would be given a second time as if the scan had missed it.
    pub fn meet(&self, object: &ObjectKey) -> Image {
        let mut inner = lock(&self.inner);
        inner.met = Some(object.clone());
        match inner.rows.get(object) {
            None => Image::Unchanged,
            Some(None) => Image::Absent,
            Some(Some(row)) => Image::Row(Arc::clone(row)),
        }
    }

    /// The first changed object in a range that existed at the version.
    pub fn first_existing(&self, range: (Bound<&[u8]>, Bound<&[u8]>)) -> Option<ObjectKey> {
        let inner = lock(&self.inner);
        let mut of_range = inner.rows.range::<[u8], _>(range);
        let found = of_range.find(|(_, row)| row.is_some());
        found.map(|(object, _)| object.clone())
    }
}

/// The bootstraps under way.
#[derive(Debug, Default)]
pub struct Jobs {
    images: Mutex<Vec<Weak<BeforeImages>>>,
}

impl Jobs {
    /// Adds one.
    pub fn add(&self, images: &Arc<BeforeImages>) {
        let mut all = lock(&self.images);
        all.retain(|images| images.strong_count() > 0);
        all.push(Arc::downgrade(images));
    }

    /// Shows all of them rows that are about to change.
    pub fn remember(&self, changes: &[(u64, RowChange)]) {
        if changes.is_empty() {
            return;
        }
        let all: Vec<_> = lock(&self.images)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for images in all {
            images.remember(changes);
        }
    }
}
