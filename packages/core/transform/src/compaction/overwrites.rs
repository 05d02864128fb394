//! Following the changesets that were not sent yet: which of their instructions are overwritten.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::bits::Bits;
use super::footprint::{Footprint, Mark, Print};
use super::{Effect, Folds, Place};

/// Instructions that are remembered as what a later one may overwrite. Beyond, all are forgotten: what they
/// say is then sent, which is never wrong. Fewer in tests, which reach it.
pub(super) const CANDIDATES_MAX: usize = if cfg!(test) { 20_000 } else { 200_000 };

/// Changesets of which something is known. Beyond, the oldest are forgotten: what is needless in them is
/// sent.
const ENTRIES_MAX: usize = CANDIDATES_MAX;

/// The same for one object, whose candidates are searched in a row.
const OBJECT_CANDIDATES_MAX: usize = 256;

/// An instruction that a later one may make needless.
#[derive(Clone, Debug)]
struct Candidate {
    place: Place,
    version: u64,
    position: u32,
    timestamp: u64,
}

/// What is known of a changeset with candidates or needless instructions. Positions are those it was
/// committed with.
#[derive(Clone, Debug)]
struct Entry {
    length: u32,
    candidates: u32,
    /// Taken out of the stored form.
    gone: Bits,
    /// Needless, but still in the stored form.
    needless: Bits,
}

/// A changeset that was committed.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// Its client version.
    pub version: u64,
    /// Its origin timestamp.
    pub timestamp: u64,
}

/// The needless instructions of changesets that nobody has seen: `K` names an object.
#[derive(Clone, Debug)]
pub struct Overwrites<K> {
    folds: Folds,
    objects: FxHashMap<K, Vec<Candidate>>,
    entries: BTreeMap<u64, Entry>,
    /// How many instructions `objects` holds, those of entries included that are known no more.
    candidates: usize,
}

impl<K: Clone + Eq + Hash> Overwrites<K> {
    /// Follows from here on.
    pub fn new(folds: Folds) -> Self {
        Self {
            folds,
            objects: FxHashMap::default(),
            entries: BTreeMap::new(),
            candidates: 0,
        }
    }

    /// Nothing from before may be overwritten by what comes: others' changes were integrated in between, or
    /// the subscriptions changed. What is needless already stays so.
    pub fn separate(&mut self) {
        self.objects.clear();
        self.candidates = 0;
        self.entries.retain(|_, entry| {
            entry.candidates = 0;
            entry.needless.count() > 0
        });
    }

    /// How many instructions are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.objects.values().map(Vec::len).sum()
    }

    /// Versions up to this one may have been sent: they are never touched again.
    pub fn sent(&mut self, version: u64) {
        self.entries = self.entries.split_off(&version.saturating_add(1));
        if self.entries.is_empty() {
            self.objects.clear();
            self.candidates = 0;
        }
    }

    /// Takes note of the next changeset. `is_decisive` says whether the client's view of an object depends
    /// on a column.
    ///
    /// Answers the versions that have become so needless that writing them anew is worth it: three quarters
    /// of what is stored, so that all the writing costs a fraction of what was ever committed.
    pub fn commit(
        &mut self,
        committed: Committed,
        footprint: Footprint<K>,
        is_decisive: &dyn Fn(&K, u16) -> bool,
    ) -> Vec<u64> {
        if footprint.is_opaque || !self.folds.across {
            self.separate();
            return Vec::new();
        }
        let mut due = Vec::new();
        for (object, print) in footprint.objects {
            let decides = |mark: &Mark| is_decisive(&object, mark.place.column);
            let stays = self.folds.decisive && print.marks.iter().any(decides);
            if print.is_new || stays {
                self.forget(&object);
            } else {
                self.follow(&object, print, committed, footprint.length, &mut due);
            }
        }
        if self.candidates > CANDIDATES_MAX {
            self.separate();
        }
        while self.entries.len() > ENTRIES_MAX {
            self.entries.pop_first();
        }
        due
    }

    /// Whether an entry has needless instructions that are still stored.
    pub fn is_pending(&self, version: u64) -> bool {
        self.entries
            .get(&version)
            .is_some_and(|entry| entry.needless.count() > 0)
    }

    /// Takes the needless instructions out of an entry's stored instructions. They must be stored at once.
    pub fn take_out<T>(&mut self, version: u64, instructions: Vec<T>) -> Vec<T> {
        let Some(entry) = self.entries.get_mut(&version) else {
            return instructions;
        };
        // Where what is stored is not what was counted, positions mean nothing, and nothing must be lost.
        if instructions.len() != (entry.length - entry.gone.count()) as usize {
            self.leave(version);
            return instructions;
        }
        let stored = (0..entry.length).filter(|position| !entry.gone.contains(*position));
        let kept = stored
            .zip(instructions)
            .filter(|(position, _)| !entry.needless.contains(*position));
        let kept = kept.map(|(_, instruction)| instruction).collect();
        let needless = std::mem::take(&mut entry.needless);
        entry.gone.absorb(&needless);
        self.drop_if_done(version);
        kept
    }

    /// An entry has to stay as it is.
    pub fn leave(&mut self, version: u64) {
        self.entries.remove(&version);
    }

    /// How many changesets are remembered.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    fn forget(&mut self, object: &K) {
        for candidate in self.objects.remove(object).unwrap_or_default() {
            self.release(candidate.version);
        }
    }

    /// A write to an object that existed, on which nothing decisive hangs.
    fn follow(
        &mut self,
        object: &K,
        print: Print,
        committed: Committed,
        length: u32,
        due: &mut Vec<u64>,
    ) {
        let mut known = self.objects.remove(object).unwrap_or_default();
        if print.is_erased {
            // Erasing beats every edit regardless of time, so the order of timestamps does not matter.
            for candidate in known.drain(..) {
                self.needless(&candidate, due);
            }
            return;
        }
        for mark in print.marks {
            self.mark(&mut known, mark, committed, length, due);
        }
        if !known.is_empty() {
            self.objects.insert(object.clone(), known);
        }
    }

    fn mark(
        &mut self,
        known: &mut Vec<Candidate>,
        mark: Mark,
        committed: Committed,
        length: u32,
        due: &mut Vec<u64>,
    ) {
        let overwrites = match mark.effect {
            Effect::Assign => true,
            Effect::Default => !self.folds.explicit,
            Effect::Add | Effect::Other => false,
        };
        if overwrites || mark.effect == Effect::Other {
            // From the newest back, as long as one follows the other without a timestamp of somebody else's
            // that could beat the later one and not the earlier.
            let mut is_next = overwrites;
            let meets = |candidate: &Candidate| candidate.place.meets(&mark.place);
            while let Some(at) = known.iter().rposition(meets) {
                let candidate = known.remove(at);
                is_next &= candidate.place == mark.place;
                is_next &= candidate.timestamp <= committed.timestamp || !self.folds.in_order;
                if is_next {
                    self.needless(&candidate, due);
                } else {
                    self.release(candidate.version);
                }
            }
        }
        if mark.effect == Effect::Other {
            return;
        }
        if known.len() >= OBJECT_CANDIDATES_MAX {
            let oldest = known.remove(0);
            self.release(oldest.version);
        }
        let entry = self
            .entries
            .entry(committed.version)
            .or_insert_with(|| Entry {
                length,
                candidates: 0,
                gone: Bits::default(),
                needless: Bits::default(),
            });
        entry.candidates += 1;
        self.candidates += 1;
        known.push(Candidate {
            place: mark.place,
            version: committed.version,
            position: mark.position,
            timestamp: committed.timestamp,
        });
    }

    /// A candidate is one no more.
    fn release(&mut self, version: u64) {
        self.candidates -= 1;
        if let Some(entry) = self.entries.get_mut(&version) {
            entry.candidates -= 1;
            self.drop_if_done(version);
        }
    }

    /// A candidate is overwritten.
    fn needless(&mut self, candidate: &Candidate, due: &mut Vec<u64>) {
        self.candidates -= 1;
        // One that may have been sent is known no more.
        let Some(entry) = self.entries.get_mut(&candidate.version) else {
            return;
        };
        entry.candidates -= 1;
        let stored = entry.length - entry.gone.count();
        let is_due = |entry: &Entry| 4 * u64::from(entry.needless.count()) >= 3 * u64::from(stored);
        let was_due = is_due(entry);
        entry.needless.insert(candidate.position);
        if !was_due && is_due(entry) {
            due.push(candidate.version);
        }
    }

    fn drop_if_done(&mut self, version: u64) {
        let is_done = |entry: &Entry| entry.candidates == 0 && entry.needless.count() == 0;
        if self.entries.get(&version).is_some_and(is_done) {
            self.entries.remove(&version);
        }
    }
}
