//! Which elements of a list the replay itself has inserted, and where they are on both sides.
//!
//! An instruction names list elements by index, and the indexes here and in the fresh state have nothing in
//! common but for elements that the replay inserted. So a list to which only inserts happened is merged;
//! as soon as an instruction touches any other element, the whole list is taken over as it was here.
//!
//! Elements keep their order on both sides: of two tracked ones the one with the smaller local index has the
//! smaller remote index. An element whose insert was dropped (a link to nothing) exists on the local side
//! alone. Lists inside tracked elements are tracked in the same way, below their element; a list that has to
//! be taken over is always the outermost one, whose path has no index.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_changeset::{Name, PathElement, PrimaryKey, Target};

/// A list whose path leads through keys alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListKey {
    pub class: Name,
    pub key: PrimaryKey,
    pub field: Name,
    pub keys: Vec<Name>,
}

impl ListKey {
    fn of(target: &Target, keys: Vec<Name>) -> Self {
        Self {
            class: target.class.clone(),
            key: target.key.clone(),
            field: target.field.clone(),
            keys,
        }
    }

    /// The list itself, as a target.
    pub fn target(&self) -> Target {
        Target {
            class: self.class.clone(),
            key: self.key.clone(),
            field: self.field.clone(),
            path: self.keys.iter().cloned().map(PathElement::Key).collect(),
        }
    }

    fn is_in_object(&self, class: &Name, key: &PrimaryKey) -> bool {
        self.class == *class && self.key == *key
    }
}

/// Keys at the beginning of a path, then the first index and what comes after it.
pub(super) fn split(path: &[PathElement]) -> (Vec<Name>, Option<(u32, &[PathElement])>) {
    let mut keys = Vec::new();
    for (position, element) in path.iter().enumerate() {
        match element {
            PathElement::Key(key) => keys.push(key.clone()),
            PathElement::Index(index) => {
                let rest = path.get(position + 1..).unwrap_or_default();
                return (keys, Some((*index, rest)));
            }
        }
    }
    (keys, None)
}

/// Lists inside an element, by the keys between.
type Inner = BTreeMap<Vec<Name>, Tracker>;

#[derive(Debug)]
struct Element {
    local: u32,
    /// `None` if its insert was dropped.
    remote: Option<u32>,
    inner: Inner,
}

/// The tracked elements of one list, in their order.
#[derive(Debug, Default)]
struct Tracker {
    elements: Vec<Element>,
}

impl Tracker {
    fn position(&self, local: u32) -> Option<usize> {
        self.elements
            .binary_search_by_key(&local, |element| element.local)
            .ok()
    }

    fn find(&mut self, local: u32) -> Option<&mut Element> {
        let position = self.position(local)?;
        self.elements.get_mut(position)
    }

    /// Where an element inserted at a local index goes: the same index, but inside the list and between its
    /// tracked neighbours.
    fn place(&self, local: u32, size: u32) -> u32 {
        let after = self
            .elements
            .partition_point(|element| element.local < local);
        let (before, behind) = self.elements.split_at(after);
        let lowest = before.iter().rev().find_map(|element| element.remote);
        let highest = behind.iter().find_map(|element| element.remote);
        local
            .min(size)
            .min(highest.unwrap_or(size))
            .max(lowest.map_or(0, |remote| remote + 1))
    }

    fn insert(&mut self, local: u32, remote: Option<u32>) {
        let after = self
            .elements
            .partition_point(|element| element.local < local);
        for element in self.elements.iter_mut().skip(after) {
            element.local += 1;
            if remote.is_some() {
                element.remote = element.remote.map(|remote| remote + 1);
            }
        }
        let inner = Inner::new();
        self.elements.insert(
            after,
            Element {
                local,
                remote,
                inner,
            },
        );
    }

    fn erase(&mut self, position: usize) {
        let element = self.elements.remove(position);
        for later in self.elements.iter_mut().skip(position) {
            later.local -= 1;
            if element.remote.is_some() {
                later.remote = later.remote.map(|remote| remote - 1);
            }
        }
    }

    /// Moves an element to the place of another one.
    fn relocate(&mut self, from: usize, to: usize) {
        let Some((local, remote)) = self.elements.get(to).map(|to| (to.local, to.remote)) else {
            return;
        };
        let mut moved = self.elements.remove(from);
        (moved.local, moved.remote) = (local, remote);
        self.elements.insert(to, moved);
        let forward = from < to;
        let between = if forward { from..to } else { to + 1..from + 1 };
        for element in self.elements.get_mut(between).unwrap_or_default() {
            let shift = |index: &mut u32| *index = if forward { *index - 1 } else { *index + 1 };
            shift(&mut element.local);
            element.remote.iter_mut().for_each(shift);
        }
    }

    /// An element of the fresh list went, by something that is no instruction on the list.
    fn lost(&mut self, remote: u32) {
        for element in &mut self.elements {
            element.remote = match element.remote {
                Some(index) if index == remote => None,
                Some(index) if index > remote => Some(index - 1),
                other => other,
            };
        }
    }

    /// A way that begins with an index of this list, in the indexes of the fresh state.
    fn translate(&mut self, index: u32, rest: &[PathElement]) -> Option<Vec<PathElement>> {
        let element = self.find(index)?;
        let mut out = vec![PathElement::Index(element.remote?)];
        let (keys, deeper) = split(rest);
        out.extend(keys.iter().cloned().map(PathElement::Key));
        if let Some((index, rest)) = deeper {
            let inner = element.inner.entry(keys).or_default();
            out.extend(inner.translate(index, rest)?);
        }
        Some(out)
    }
}

/// What a list is to the replay.
#[derive(Debug)]
enum Root {
    Merged(Tracker),
    /// To be taken over as it was here, or taken over already.
    Copied,
}

/// Where an instruction acts in the fresh state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    At(Vec<PathElement>),
    /// In a list that is taken over as it was here.
    Copied,
}

/// What an erased or moved element is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    At(T),
    /// Only the local side knew it.
    Nowhere,
    /// In a list that is taken over as it was here.
    Copied,
}

/// All lists that the replay has met.
#[derive(Debug, Default)]
pub(super) struct Lists {
    roots: BTreeMap<ListKey, Root>,
    /// Lists that are still to be taken over.
    waiting: BTreeSet<ListKey>,
}

impl Lists {
    /// The way to a place in the fresh state. Every index on it must be a tracked one; otherwise the list is
    /// taken over from now on.
    pub fn route(&mut self, target: &Target, path: &[PathElement]) -> Route {
        let (keys, rest) = split(path);
        let Some((index, rest)) = rest else {
            return Route::At(path.to_vec());
        };
        let mut out: Vec<PathElement> = keys.iter().cloned().map(PathElement::Key).collect();
        let root = ListKey::of(target, keys);
        let state = self
            .roots
            .entry(root.clone())
            .or_insert_with(|| Root::Merged(Tracker::default()));
        let Root::Merged(tracker) = state else {
            return Route::Copied;
        };
        if let Some(way) = tracker.translate(index, rest) {
            out.extend(way);
            return Route::At(out);
        }
        self.copy(root);
        Route::Copied
    }

    fn copy(&mut self, root: ListKey) {
        self.roots.insert(root.clone(), Root::Copied);
        self.waiting.insert(root);
    }

    /// The way to the list that an instruction on an element acts in.
    pub fn container(&mut self, target: &Target) -> Route {
        let path = target
            .path
            .split_last()
            .map_or(&[][..], |(_, container)| container);
        let (keys, rest) = split(path);
        if rest.is_none()
            && matches!(
                self.roots.get(&ListKey::of(target, keys)),
                Some(Root::Copied)
            )
        {
            return Route::Copied;
        }
        self.route(target, path)
    }

    /// The tracker of the list that the target's last index is in, once [`Lists::container`] has found it.
    fn tracker(&mut self, target: &Target) -> Option<(&mut Tracker, u32)> {
        let (keys, rest) = split(&target.path);
        let (mut index, mut rest) = rest?;
        let root = self
            .roots
            .entry(ListKey::of(target, keys))
            .or_insert_with(|| Root::Merged(Tracker::default()));
        let Root::Merged(tracker) = root else {
            return None;
        };
        let mut tracker = tracker;
        loop {
            let (keys, deeper) = split(rest);
            let Some(deeper) = deeper else {
                return Some((tracker, index));
            };
            tracker = tracker.find(index)?.inner.entry(keys).or_default();
            (index, rest) = deeper;
        }
    }

    /// Where an element inserted at the target goes in a list of that size.
    pub fn place(&mut self, target: &Target, size: u32) -> u32 {
        let tracker = self.tracker(target);
        tracker.map_or(size, |(tracker, index)| tracker.place(index, size))
    }

    /// An element was inserted at the target; `remote` is where, or `None` if that was dropped.
    pub fn inserted(&mut self, target: &Target, remote: Option<u32>) {
        if let Some((tracker, index)) = self.tracker(target) {
            tracker.insert(index, remote);
        }
    }

    /// Takes the target's element out; the answer is where it is in the fresh state.
    pub fn erase(&mut self, target: &Target) -> Found<u32> {
        if let Some((tracker, index)) = self.tracker(target)
            && let Some(position) = tracker.position(index)
        {
            let remote = tracker
                .elements
                .get(position)
                .and_then(|element| element.remote);
            tracker.erase(position);
            return remote.map_or(Found::Nowhere, Found::At);
        }
        self.copy_outermost(target);
        Found::Copied
    }

    /// Moves the target's element; the answer is from where to where in the fresh state.
    pub fn relocate(&mut self, target: &Target, to: u32) -> Found<(u32, u32)> {
        if let Some((tracker, from)) = self.tracker(target)
            && let (Some(from), Some(to)) = (tracker.position(from), tracker.position(to))
        {
            let remote = |position: usize| tracker.elements.get(position)?.remote;
            if let (Some(remote_from), Some(remote_to)) = (remote(from), remote(to)) {
                tracker.relocate(from, to);
                return Found::At((remote_from, remote_to));
            }
        }
        self.copy_outermost(target);
        Found::Copied
    }

    fn copy_outermost(&mut self, target: &Target) {
        let (keys, _) = split(&target.path);
        self.copy(ListKey::of(target, keys));
    }

    /// What stood at the target and below it is something new now: its lists begin again, also ones that
    /// were to be taken over.
    pub fn forget(&mut self, target: &Target) {
        if self.roots.is_empty() {
            return;
        }
        let (keys, rest) = split(&target.path);
        let first = ListKey::of(target, keys);
        let Some((index, rest)) = rest else {
            self.forget_roots(first.clone(), |root| {
                root.is_in_object(&first.class, &first.key)
                    && root.field == first.field
                    && root.keys.starts_with(&first.keys)
            });
            return;
        };
        if let Some(Root::Merged(tracker)) = self.roots.get_mut(&first)
            && let Some(element) = tracker.find(index)
        {
            forget_inside(&mut element.inner, rest);
        }
    }

    /// An object is gone, with its lists.
    pub fn forget_object(&mut self, class: &Name, key: &PrimaryKey) {
        if self.roots.is_empty() {
            return;
        }
        let first = ListKey {
            class: class.clone(),
            key: key.clone(),
            field: "".into(),
            keys: Vec::new(),
        };
        self.forget_roots(first, |root| root.is_in_object(class, key));
    }

    fn forget_roots(&mut self, first: ListKey, belongs: impl Fn(&ListKey) -> bool) {
        let gone: Vec<ListKey> = self
            .roots
            .range(first..)
            .map(|(root, _)| root)
            .take_while(|root| belongs(root))
            .cloned()
            .collect();
        for root in gone {
            self.roots.remove(&root);
            self.waiting.remove(&root);
        }
    }

    /// An element of a list of the fresh state went because the object that it linked to went. The target is
    /// in the indexes of the fresh state.
    pub fn lost(&mut self, target: &Target) {
        let (keys, rest) = split(&target.path);
        let Some((mut index, mut rest)) = rest else {
            return;
        };
        let Some(Root::Merged(tracker)) = self.roots.get_mut(&ListKey::of(target, keys)) else {
            return;
        };
        let mut tracker = tracker;
        loop {
            let (keys, deeper) = split(rest);
            let Some(deeper) = deeper else {
                tracker.lost(index);
                return;
            };
            let element = tracker
                .elements
                .iter_mut()
                .find(|element| element.remote == Some(index));
            let Some(inner) = element.and_then(|element| element.inner.get_mut(&keys)) else {
                return;
            };
            tracker = inner;
            (index, rest) = deeper;
        }
    }

    /// The lists that are to be taken over now. From here on they count as taken over.
    pub fn take_waiting(&mut self) -> BTreeSet<ListKey> {
        std::mem::take(&mut self.waiting)
    }

    /// Whether a list is (still) one that was taken over.
    pub fn is_copied(&self, root: &ListKey) -> bool {
        matches!(self.roots.get(root), Some(Root::Copied))
    }
}

/// Forgets the lists at a way inside an element.
fn forget_inside(inner: &mut Inner, path: &[PathElement]) {
    let (keys, rest) = split(path);
    match rest {
        None => inner.retain(|at, _| !at.starts_with(&keys)),
        Some((index, rest)) => {
            if let Some(element) = inner.get_mut(&keys).and_then(|tracker| tracker.find(index)) {
                forget_inside(&mut element.inner, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(index: u32) -> Target {
        deep(&[PathElement::Index(index)])
    }

    fn deep(path: &[PathElement]) -> Target {
        Target {
            class: "A".into(),
            key: PrimaryKey::Int(1),
            field: "list".into(),
            path: path.to_vec(),
        }
    }

    fn insert(lists: &mut Lists, index: u32, size: u32) -> u32 {
        let remote = lists.place(&at(index), size);
        lists.inserted(&at(index), Some(remote));
        remote
    }

    #[test]
    fn inserts_go_to_their_index_or_the_end() {
        let mut lists = Lists::default();
        assert_eq!(insert(&mut lists, 7, 2), 2);
        assert_eq!(insert(&mut lists, 0, 3), 0);
        assert_eq!(lists.route(&at(8), &at(8).path), Route::At(at(3).path));
        assert_eq!(lists.route(&at(0), &at(0).path), Route::At(at(0).path));
    }

    /// A plain minimum would put the element that is before the other one here behind it there.
    #[test]
    fn tracked_elements_keep_their_order() {
        let mut lists = Lists::default();
        assert_eq!(insert(&mut lists, 5, 2), 2);
        assert_eq!(insert(&mut lists, 3, 3), 2);
        assert_eq!(lists.route(&at(6), &at(6).path), Route::At(at(3).path));
    }

    #[test]
    fn other_elements_make_the_list_a_copied_one() {
        let mut lists = Lists::default();
        insert(&mut lists, 1, 1);
        assert_eq!(lists.route(&at(0), &at(0).path), Route::Copied);
        assert_eq!(lists.container(&at(1)), Route::Copied);
        assert_eq!(lists.take_waiting().len(), 1);
        assert_eq!(lists.erase(&at(1)), Found::Copied);
        lists.forget(&deep(&[]));
        assert_eq!(lists.container(&at(0)), Route::At(Vec::new()));
    }

    #[test]
    fn moves_and_erasures_shift_both_sides() {
        let mut lists = Lists::default();
        // Three elements at 0, 1, 2 here; one of the fresh state's own comes first there.
        for index in 0..3 {
            lists.inserted(&at(index), Some(index + 1));
        }
        assert_eq!(lists.relocate(&at(0), 2), Found::At((1, 3)));
        assert_eq!(lists.relocate(&at(1), 0), Found::At((2, 1)));
        assert_eq!(lists.erase(&at(1)), Found::At(2));
        assert_eq!(lists.route(&at(1), &at(1).path), Route::At(at(2).path));
        assert_eq!(lists.relocate(&at(0), 2), Found::Copied);
    }

    #[test]
    fn dropped_inserts_count_on_the_local_side_alone() {
        let mut lists = Lists::default();
        insert(&mut lists, 0, 0);
        lists.inserted(&at(0), None);
        assert_eq!(lists.route(&at(1), &at(1).path), Route::At(at(0).path));
        assert_eq!(lists.erase(&at(0)), Found::Nowhere);
        assert_eq!(lists.route(&at(0), &at(0).path), Route::At(at(0).path));
    }

    /// Here it comes behind the other one; a plain minimum would put it before that there.
    #[test]
    fn an_element_behind_one_that_is_further_back_there_goes_behind_it() {
        let mut lists = Lists::default();
        lists.inserted(&at(0), None);
        assert_eq!(insert(&mut lists, 1, 2), 1);
        assert_eq!(lists.erase(&at(0)), Found::Nowhere);
        assert_eq!(insert(&mut lists, 1, 3), 2);
        assert_eq!(lists.route(&at(0), &at(0).path), Route::At(at(1).path));
    }

    #[test]
    fn lists_inside_tracked_elements_have_trackers_of_their_own() {
        let mut lists = Lists::default();
        insert(&mut lists, 0, 0);
        let inside = |outer, inner| {
            deep(&[
                PathElement::Index(outer),
                PathElement::Key("parts".into()),
                PathElement::Index(inner),
            ])
        };
        let first = inside(0, 0);
        assert_eq!(lists.container(&first), Route::At(first.path[..2].to_vec()));
        lists.inserted(&first, None);
        lists.inserted(&inside(0, 1), Some(0));
        insert(&mut lists, 0, 1);
        let second = inside(1, 1);
        assert_eq!(
            lists.route(&second, &second.path),
            Route::At(inside(1, 0).path)
        );
        // An element that is not there makes the outermost list a copied one.
        let unknown = inside(1, 0);
        assert_eq!(lists.route(&unknown, &unknown.path), Route::Copied);
        assert_eq!(lists.container(&at(0)), Route::Copied);
    }

    #[test]
    fn an_element_that_goes_by_itself_is_known_to_be_gone() {
        let mut lists = Lists::default();
        for index in 0..3 {
            insert(&mut lists, index, index);
        }
        lists.lost(&at(1));
        assert_eq!(lists.erase(&at(1)), Found::Nowhere);
        assert_eq!(lists.route(&at(1), &at(1).path), Route::At(at(1).path));
    }
}
