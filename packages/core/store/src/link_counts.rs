//! The links of one object that a write changes, counted, so that an edit costs what it edits and not what
//! the object holds.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use tidemark_changeset::Link;

/// A link in a column.
pub(crate) type LinkAt = (u16, Link);

/// How often an object holds each link, and where that differs from what the backlink table knows.
#[derive(Debug, Default)]
pub(crate) struct LinkCounts {
    counts: FxHashMap<LinkAt, u32>,
    /// Links that came or went since the table was told, with whether it knows them.
    changed: BTreeMap<LinkAt, bool>,
    /// Whether the object was changed otherwise than link by link.
    pub is_stale: bool,
}

/// What the backlink table has to be told.
#[derive(Debug, Default)]
pub(crate) struct LinkChanges {
    pub gone: Vec<LinkAt>,
    pub came: Vec<LinkAt>,
}

impl LinkCounts {
    /// Links that the table knows.
    pub fn known(counts: FxHashMap<LinkAt, u32>) -> Self {
        Self {
            counts,
            ..Self::default()
        }
    }

    /// Of an object that the table knows no link of, and whose own are to be counted.
    pub fn unknown() -> Self {
        Self {
            is_stale: true,
            ..Self::default()
        }
    }

    pub fn count(&self, at: &LinkAt) -> u32 {
        self.counts.get(at).copied().unwrap_or(0)
    }

    pub fn add(&mut self, at: LinkAt) {
        if let Some(count) = self.counts.get_mut(&at) {
            *count += 1;
        } else {
            self.changed.entry(at.clone()).or_insert(false);
            self.counts.insert(at, 1);
        }
    }

    pub fn take(&mut self, at: LinkAt) {
        match self.counts.get_mut(&at) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                self.counts.remove(&at);
                self.changed.entry(at).or_insert(true);
            }
            None => {}
        }
    }

    /// The object's links were counted anew.
    pub fn replace(&mut self, now: FxHashMap<LinkAt, u32>) {
        let before = std::mem::replace(&mut self.counts, now);
        for at in self.counts.keys().filter(|at| !before.contains_key(*at)) {
            self.changed.entry(at.clone()).or_insert(false);
        }
        for at in before.into_keys() {
            if !self.counts.contains_key(&at) {
                self.changed.entry(at).or_insert(true);
            }
        }
        self.is_stale = false;
    }

    /// What the table does not know yet; it is told.
    pub fn take_changes(&mut self) -> LinkChanges {
        let mut changes = LinkChanges::default();
        for (at, was_known) in std::mem::take(&mut self.changed) {
            match (was_known, self.counts.contains_key(&at)) {
                (true, false) => changes.gone.push(at),
                (false, true) => changes.came.push(at),
                _ => {}
            }
        }
        changes
    }

    /// The links that the table knows.
    pub fn into_known(self) -> Vec<LinkAt> {
        let Self {
            counts, changed, ..
        } = self;
        let gone = changed.iter().filter(|(_, was_known)| **was_known);
        let mut known: Vec<_> = gone.map(|(at, _)| at.clone()).collect();
        known.extend(counts.into_keys().filter(|at| !changed.contains_key(at)));
        known.sort_unstable();
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: i64) -> LinkAt {
        let key = tidemark_changeset::PrimaryKey::Int(key);
        let class = "A".into();
        (0, Link { class, key })
    }

    #[test]
    fn the_table_is_told_of_first_and_last_links_only() {
        let mut links = LinkCounts::known(FxHashMap::from_iter([(at(1), 2), (at(2), 1)]));
        links.take(at(1));
        links.add(at(3));
        links.take(at(3));
        links.take(at(2));
        links.add(at(4));
        links.add(at(4));
        let changes = links.take_changes();
        assert_eq!((changes.gone, changes.came), (vec![at(2)], vec![at(4)]));
        links.take(at(1));
        links.add(at(1));
        let changes = links.take_changes();
        assert!(changes.gone.is_empty() && changes.came.is_empty());
        links.take(at(4));
        links.add(at(5));
        assert_eq!(links.into_known(), [at(1), at(4)]);
    }

    #[test]
    fn what_is_counted_anew_is_compared_with_what_the_table_knows() {
        let mut links = LinkCounts::known(FxHashMap::from_iter([(at(1), 1), (at(2), 1)]));
        links.is_stale = true;
        links.take(at(7));
        links.add(at(3));
        links.replace(FxHashMap::from_iter([(at(2), 5), (at(3), 1), (at(4), 1)]));
        let changes = links.take_changes();
        assert_eq!(
            (changes.gone, changes.came),
            (vec![at(1)], vec![at(3), at(4)])
        );
        assert_eq!(links.count(&at(2)), 5);
    }
}
