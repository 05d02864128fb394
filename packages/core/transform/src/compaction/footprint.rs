//! What a write has done, object by object, noted while it is recorded.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use tidemark_changeset::Name;

use super::{Effect, Place};

/// A write that leaves more marks is not followed: it ends all overwriting across it. Fewer in tests.
pub(super) const MARKS_MAX: usize = if cfg!(test) { 10_000 } else { 100_000 };

/// One instruction's trace in an object.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub place: Place,
    pub position: u32,
    pub effect: Effect,
}

/// What a write did to one object.
#[derive(Clone, Debug, Default)]
pub(super) struct Print {
    /// Created, or created again.
    pub is_new: bool,
    /// Erased last.
    pub is_erased: bool,
    pub marks: Vec<Mark>,
}

/// What a write did: `K` names an object.
#[derive(Clone, Debug)]
pub struct Footprint<K> {
    pub(super) objects: FxHashMap<K, Print>,
    /// Instructions so far.
    pub(super) length: u32,
    /// Whether nothing can be said about it.
    pub(super) is_opaque: bool,
    marks: usize,
}

impl<K> Default for Footprint<K> {
    fn default() -> Self {
        Self {
            objects: FxHashMap::default(),
            length: 0,
            is_opaque: false,
            marks: 0,
        }
    }
}

impl<K: Clone + Eq + Hash> Footprint<K> {
    /// An instruction that leaves no trace: one inside an object that the write created.
    pub fn pass(&mut self) {
        self.length += 1;
    }

    /// An instruction that nothing may be folded across: a change of the schema.
    pub fn obscure(&mut self) {
        self.length += 1;
        self.is_opaque = true;
    }

    /// An object was created.
    pub fn created(&mut self, object: &K) {
        self.length += 1;
        let print = self.objects.entry(object.clone()).or_default();
        (print.is_new, print.is_erased) = (true, false);
    }

    /// An object was erased.
    pub fn erased(&mut self, object: &K) {
        self.length += 1;
        self.objects.entry(object.clone()).or_default().is_erased = true;
    }

    /// Something happened in an object: in the column, down the path as far as it has keys.
    pub fn touched(&mut self, object: &K, column: u16, path: &[Name], effect: Effect) {
        let position = self.length;
        self.length += 1;
        if self.is_opaque {
            return;
        }
        let print = self.objects.entry(object.clone()).or_default();
        let is_repeated = effect == Effect::Other
            && print.marks.last().is_some_and(|last| {
                last.effect == Effect::Other
                    && last.place.column == column
                    && *last.place.path == *path
            });
        if is_repeated {
            return;
        }
        let path = path.into();
        print.marks.push(Mark {
            place: Place { column, path },
            position,
            effect,
        });
        self.marks += 1;
        if self.marks > MARKS_MAX {
            self.is_opaque = true;
            self.objects.clear();
        }
    }

    /// What was erased may have been created again, under another name of the kind used here.
    pub fn doubt_erased(&mut self) {
        for print in self.objects.values_mut() {
            print.is_new |= print.is_erased;
        }
    }

    /// Takes over which objects the other one has erased: of those, their names say no more.
    pub fn adopt_erased(&mut self, other: &Self) {
        for (object, print) in other.objects.iter().filter(|(_, print)| print.is_erased) {
            let own = self.objects.entry(object.clone()).or_default();
            (own.is_erased, own.is_new) = (true, print.is_new);
        }
    }
}
