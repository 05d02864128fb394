//! What each commit changed, as far as it is remembered: the source of notifications.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::FxHashMap;
use tidemark_changeset::Name;

use crate::list_edits::{EDITS_MAX, ListEdit, ListEdits};

/// Commits remembered at most.
const COMMITS_MAX: usize = 1_000;

/// Changed objects remembered at most, over all commits.
const OBJECTS_MAX: usize = 1_000_000;

/// Columns of one object, as a set of column indexes that takes no allocation for the first 64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    first: u64,
    rest: BTreeSet<u16>,
}

impl Columns {
    /// Says whether it was not there.
    pub(crate) fn insert(&mut self, column: u16) -> bool {
        if column < 64 {
            let before = self.first;
            self.first |= 1 << column;
            self.first != before
        } else {
            self.rest.insert(column)
        }
    }

    /// Whether a column is there.
    pub fn contains(&self, column: u16) -> bool {
        if column < 64 {
            self.first & (1 << column) != 0
        } else {
            self.rest.contains(&column)
        }
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..64)
            .filter(|column| self.first & (1 << column) != 0)
            .chain(self.rest.iter().copied())
    }

    fn extend(&mut self, other: &Self) {
        self.first |= other.first;
        self.rest.extend(&other.rest);
    }
}

/// What changed in one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassChanges {
    /// Objects that exist now and did not before.
    pub inserted: BTreeSet<u64>,
    /// Objects that existed before and do not now.
    pub deleted: BTreeSet<u64>,
    /// Objects that existed before and do now, with the columns that were touched.
    pub modified: FxHashMap<u64, Columns>,
    /// How lists among the touched columns were edited, by object and column; those that are missing
    /// changed in a way that is not known.
    pub lists: BTreeMap<(u64, u16), ListEdits>,
}

impl ClassChanges {
    pub(crate) fn insert(&mut self, object: u64) {
        self.inserted.insert(object);
    }

    pub(crate) fn delete(&mut self, object: u64) {
        self.modified.remove(&object);
        self.forget_lists(object);
        if !self.inserted.remove(&object) {
            self.deleted.insert(object);
        }
    }

    pub(crate) fn modify(&mut self, object: u64, column: u16) {
        if !self.inserted.contains(&object) {
            self.modified.entry(object).or_default().insert(column);
        }
    }

    /// Notes an edit of a list; `None` if it cannot be said by indexes.
    pub(crate) fn edit(&mut self, object: u64, column: u16, edit: Option<ListEdit>) {
        if self.inserted.contains(&object) {
            return;
        }
        let known = self.lists.entry((object, column));
        let edits = known.or_insert_with(|| Some(Vec::new()));
        match (edit, edits.as_mut()) {
            (Some(edit), Some(edits)) if edits.len() < EDITS_MAX => edits.push(edit),
            _ => *edits = None,
        }
    }

    /// The edits of an object's lists no longer tell how they became what they are.
    pub(crate) fn forget_lists(&mut self, object: u64) {
        if self.lists.is_empty() {
            return;
        }
        let range = (object, 0)..=(object, u16::MAX);
        let columns: Vec<_> = self.lists.range(range).map(|(place, _)| *place).collect();
        for place in columns {
            self.lists.remove(&place);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        let edits = self.lists.values().flatten();
        self.inserted.len()
            + self.deleted.len()
            + self.modified.len()
            + edits.map(Vec::len).sum::<usize>()
    }

    /// Whether a column of an object changed in a way that its edits do not tell.
    fn is_unknown(&self, (object, column): (u64, u16)) -> bool {
        let columns = self.modified.get(&object);
        columns.is_some_and(|columns| columns.contains(column))
            && !matches!(self.lists.get(&(object, column)), Some(Some(_)))
    }

    /// Adds what a later commit did to lists. Comes before the modified columns of both are united.
    fn then_lists(&mut self, later: &Self) {
        let lost: Vec<_> = self
            .lists
            .keys()
            .filter(|place| later.is_unknown(**place))
            .copied()
            .collect();
        for place in lost {
            self.lists.insert(place, None);
        }
        for (place, edits) in &later.lists {
            if self.is_unknown(*place) || edits.is_none() {
                self.edit(place.0, place.1, None);
            }
            for edit in edits.iter().flatten() {
                self.edit(place.0, place.1, Some(*edit));
            }
        }
    }

    /// Adds what a later commit did.
    fn then(&mut self, later: &Self) {
        self.then_lists(later);
        self.inserted.extend(&later.inserted);
        for (object, columns) in &later.modified {
            if !self.inserted.contains(object) {
                self.modified.entry(*object).or_default().extend(columns);
            }
        }
        for object in &later.deleted {
            self.delete(*object);
        }
    }
}

/// What changed between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The newer version.
    pub to: u64,
    /// Whether nothing is missing; otherwise everything may have changed.
    pub complete: bool,
    /// Whether classes or columns came or went.
    pub schema: bool,
    /// By class.
    pub classes: BTreeMap<Name, ClassChanges>,
}

impl Changes {
    pub(crate) fn class(&mut self, name: &Name) -> &mut ClassChanges {
        if !self.classes.contains_key(name) {
            self.classes.insert(name.clone(), ClassChanges::default());
        }
        self.classes
            .get_mut(name)
            .expect("it was inserted when it was missing")
    }

    fn len(&self) -> usize {
        self.classes.values().map(ClassChanges::len).sum()
    }
}

/// The last commits, bounded.
#[derive(Debug, Default)]
pub(crate) struct ChangeLog {
    /// The version before the oldest remembered commit.
    base: u64,
    /// One per version, without gaps.
    commits: VecDeque<Changes>,
    objects: usize,
}

impl ChangeLog {
    pub fn new(base: u64) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    pub fn push(&mut self, changes: Changes) {
        if !changes.complete {
            *self = Self::new(changes.to);
            return;
        }
        self.objects += changes.len();
        self.commits.push_back(changes);
        while self.commits.len() > COMMITS_MAX
            || (self.objects > OBJECTS_MAX && self.commits.len() > 1)
        {
            if let Some(oldest) = self.commits.pop_front() {
                self.objects -= oldest.len();
                self.base = oldest.to;
            }
        }
    }

    /// What changed after a version.
    pub fn since(&self, version: u64) -> Changes {
        let to = self.commits.back().map_or(self.base, |newest| newest.to);
        let mut sum = Changes {
            to,
            complete: version >= self.base,
            ..Changes::default()
        };
        if !sum.complete {
            return sum;
        }
        for commit in self.commits.iter().filter(|commit| commit.to > version) {
            sum.schema |= commit.schema;
            for (name, changes) in &commit.classes {
                sum.class(name).then(changes);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(to: u64, change: impl FnOnce(&mut ClassChanges)) -> Changes {
        let mut changes = Changes {
            to,
            complete: true,
            ..Changes::default()
        };
        change(changes.class(&Name::from("A")));
        changes
    }

    #[test]
    fn later_commits_fold_into_earlier_ones() {
        let mut log = ChangeLog::new(1);
        log.push(commit(2, |class| class.insert(1)));
        log.push(commit(3, |class| {
            class.modify(1, 0);
            class.modify(7, 2);
            class.delete(8);
        }));
        log.push(commit(4, |class| class.delete(1)));
        let all = log.since(1);
        assert!(all.complete);
        let class = &all.classes[&Name::from("A")];
        assert!(class.inserted.is_empty());
        assert_eq!(class.deleted, BTreeSet::from([8]));
        assert_eq!(class.modified[&7].iter().collect::<Vec<_>>(), [2]);
        assert_eq!(class.modified.len(), 1);
        let last = log.since(3);
        assert_eq!(last.classes[&Name::from("A")].deleted, BTreeSet::from([1]));
        assert!(log.since(4).classes.is_empty());
    }

    #[test]
    fn columns_are_a_set_in_ascending_order() {
        let mut columns = Columns::default();
        let added = [70, 3, 64, 63, 3, 70].map(|column| columns.insert(column));
        assert_eq!(added, [true, true, true, true, false, false]);
        let mut more = Columns::default();
        more.insert(0);
        more.insert(65);
        columns.extend(&more);
        assert_eq!(columns.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 65, 70]);
        assert!(columns.contains(63) && columns.contains(64) && !columns.contains(66));
    }

    #[test]
    fn what_is_incomplete_is_all_that_may_have_changed() {
        let mut log = ChangeLog::new(1);
        log.push(commit(2, |class| class.insert(1)));
        log.push(Changes {
            complete: false,
            ..commit(3, |class| class.insert(2))
        });
        log.push(commit(4, |class| class.insert(3)));
        assert!(!log.since(2).complete);
        assert_eq!(log.since(2).to, 4);
        let last = log.since(3);
        assert!(last.complete);
        let inserted = &last.classes[&Name::from("A")].inserted;
        assert_eq!(*inserted, BTreeSet::from([3]));
    }

    #[test]
    fn the_log_is_bounded() {
        let mut log = ChangeLog::new(1);
        for version in 2..=1_500 {
            log.push(commit(version, |class| class.insert(version)));
        }
        assert!(!log.since(1).complete);
        assert!(!log.since(499).complete);
        assert!(log.since(500).complete);
        assert_eq!(log.since(500).to, 1_500);
    }
}
