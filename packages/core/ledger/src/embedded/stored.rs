//! Facts as a storage keeps them.

use std::cell::RefCell;
use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, codec};
use tidemark_query::Steps;
use tidemark_storage::Read;

use super::tables::{self, ENTRIES, INDEX, OBJECTS, OWN_UPLOADS, RECIPROCALS, RECORDS};
use crate::entries::Entry;
use crate::error::{LedgerError, Result};
use crate::facts::{Facts, find};
use crate::limits::{DOWNLOAD_STEPS_MAX, DOWNLOAD_STEPS_SHORT};
use crate::object::ObjectKey;
use crate::rows::{OwnUpload, Reciprocal, Record, Touch};
use crate::schema::LedgerSchema;

/// Entries stay at hand until they weigh this much together: then all go. A client that was away uploads many
/// changes of one object, and each is judged by all before it.
const ENTRIES_KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What an entry weighs beside its bytes.
const ENTRY_OVERHEAD_BYTES: usize = 1024;

type ByObject = FxHashMap<ObjectKey, Vec<Instruction>>;

/// Entries of the log that were read already.
#[derive(Default)]
struct KeptEntries {
    entries: FxHashMap<u64, Arc<Entry>>,
    bytes: usize,
}

impl KeptEntries {
    fn weight(entry: &Entry) -> usize {
        entry.size() + ENTRY_OVERHEAD_BYTES
    }

    fn insert(&mut self, entry: &Arc<Entry>) {
        let weight = Self::weight(entry);
        if self.bytes + weight > ENTRIES_KEPT_BYTES_MAX {
            *self = Self::default();
        }
        self.remove(entry.version);
        self.entries.insert(entry.version, Arc::clone(entry));
        self.bytes += weight;
    }

    fn remove(&mut self, version: u64) {
        if let Some(entry) = self.entries.remove(&version) {
            self.bytes -= Self::weight(&entry);
        }
    }
}

/// What was read and decoded already, and what evaluating may still cost.
pub struct Caches {
    /// Steps that are left.
    pub steps: Steps,
    entries: RefCell<KeptEntries>,
    own_uploads: RefCell<FxHashMap<(u64, u64), Option<OwnUpload>>>,
    originals: RefCell<FxHashMap<(u64, u64), Arc<ByObject>>>,
}

impl Default for Caches {
    fn default() -> Self {
        Self::with_steps(Steps::unlimited())
    }
}

impl Caches {
    /// None, and so many steps.
    pub fn with_steps(steps: Steps) -> Self {
        Self {
            steps,
            entries: RefCell::default(),
            own_uploads: RefCell::default(),
            originals: RefCell::default(),
        }
    }

    /// Forgets an entry: it is written anew.
    pub fn forget_entry(&self, version: u64) {
        self.entries.borrow_mut().remove(version);
    }

    /// Forgets own uploads: they are trimmed while a batch runs.
    pub fn forget_own_uploads(&self) {
        self.own_uploads.borrow_mut().clear();
    }
}

/// Facts read from a snapshot, or from an open write.
pub struct StoredFacts<'a, R: Read> {
    /// Where from.
    pub read: &'a R,
    /// The schema.
    pub schema: &'a LedgerSchema,
    /// What was read already.
    pub caches: &'a Caches,
    /// Entries up to this version are gone: what would have to look at them is an error, never an answer.
    pub trimmed: u64,
}

impl<R: Read> StoredFacts<'_, R> {
    fn check_trimmed(&self, after: u64) -> Result<()> {
        if after < self.trimmed {
            return Err(LedgerError::Trimmed);
        }
        Ok(())
    }

    /// Fails when evaluating has cost too much: what was answered since is worth nothing.
    pub fn check_steps(&self) -> Result<()> {
        if self.caches.steps.left() == 0 {
            return Err(LedgerError::TooCostly);
        }
        Ok(())
    }

    /// Whether evaluating for a download has taken so long that it is to be sent as it is.
    pub fn is_long(&self) -> bool {
        self.caches.steps.left() < DOWNLOAD_STEPS_MAX - DOWNLOAD_STEPS_SHORT
    }

    /// An entry that will not be asked for again: it is not kept. `None` if nothing of it is left.
    pub fn entry_once(&self, version: u64) -> Result<Option<Entry>> {
        self.check_trimmed(version.saturating_sub(1))?;
        #[cfg(test)]
        asked::count(|asked| &mut asked.entries_read, 1);
        let bytes = self.read.get(ENTRIES, &tables::number(version))?;
        bytes
            .map(|bytes| Entry::read(version, bytes.into_shared()))
            .transpose()
    }

    /// What touched an object below a version, from the newest on, as far as it is kept.
    pub fn touches_below(
        &self,
        object: &ObjectKey,
        version: u64,
    ) -> Result<impl Iterator<Item = Result<Touch>>> {
        let from = tables::index(object, self.trimmed);
        let to = tables::index(object, version);
        let range = self
            .read
            .range(INDEX, Bound::Excluded(&from), Bound::Excluded(&to))?;
        Ok(range.rev().map(|line| {
            let (key, value) = line?;
            Touch::read(tables::last_number(&key)?, &value)
        }))
    }

    fn originals(&self, ident: u64, version: u64, bytes: &[u8]) -> Result<Arc<ByObject>> {
        if let Some(originals) = self.caches.originals.borrow().get(&(ident, version)) {
            return Ok(Arc::clone(originals));
        }
        let changeset = codec::decode(bytes)
            .map_err(|_| LedgerError::Damaged("an own upload cannot be decoded"))?;
        let mut originals = ByObject::default();
        for instruction in changeset.instructions {
            let object = instruction
                .object()
                .and_then(|(class, key)| self.schema.object(class, key));
            if let Some(object) = object {
                originals.entry(object).or_default().push(instruction);
            }
        }
        let originals = Arc::new(originals);
        self.caches
            .originals
            .borrow_mut()
            .insert((ident, version), Arc::clone(&originals));
        Ok(originals)
    }
}

impl<R: Read> Facts for StoredFacts<'_, R> {
    fn schema(&self) -> &LedgerSchema {
        self.schema
    }

    fn steps(&self) -> &Steps {
        &self.caches.steps
    }

    fn entry(&self, version: u64) -> Result<Arc<Entry>> {
        #[cfg(test)]
        asked::count(|asked| &mut asked.entries, 1);
        if let Some(entry) = self.caches.entries.borrow().entries.get(&version) {
            return Ok(Arc::clone(entry));
        }
        let entry = self.entry_once(version)?;
        let entry = Arc::new(entry.ok_or(LedgerError::Damaged("an entry of the log is missing"))?);
        self.caches.entries.borrow_mut().insert(&entry);
        Ok(entry)
    }

    fn touches(&self, object: &ObjectKey, after: u64, through: u64) -> Result<Vec<Touch>> {
        self.check_trimmed(after)?;
        let (from, to) = (tables::index(object, after), tables::index(object, through));
        let range = self
            .read
            .range(INDEX, Bound::Excluded(&from), Bound::Included(&to))?;
        let touches = range
            .map(|line| {
                let (key, value) = line?;
                Touch::read(tables::last_number(&key)?, &value)
            })
            .collect::<Result<Vec<_>>>()?;
        #[cfg(test)]
        asked::count(|asked| &mut asked.touches, touches.len());
        Ok(touches)
    }

    fn first_change(&self, object: &ObjectKey, after: u64) -> Result<Option<Touch>> {
        self.check_trimmed(after)?;
        let (from, to) = (
            tables::index(object, after),
            tables::index(object, u64::MAX),
        );
        for line in self
            .read
            .range(INDEX, Bound::Excluded(&from), Bound::Included(&to))?
        {
            let (key, value) = line?;
            let touch = Touch::read(tables::last_number(&key)?, &value)?;
            #[cfg(test)]
            asked::count(|asked| &mut asked.touches, 1);
            if !touch.marks.ghost {
                return Ok(Some(touch));
            }
        }
        Ok(None)
    }

    fn row(&self, object: &ObjectKey) -> Result<Option<Arc<[u8]>>> {
        Ok(self
            .read
            .get(OBJECTS, object.as_bytes())?
            .map(tidemark_storage::Bytes::into_shared))
    }

    fn own_upload(&self, ident: u64, version: u64) -> Result<Option<OwnUpload>> {
        if let Some(upload) = self.caches.own_uploads.borrow().get(&(ident, version)) {
            return Ok(upload.clone());
        }
        let bytes = self
            .read
            .get(OWN_UPLOADS, &tables::of_client(ident, version))?;
        let upload = bytes.map(|bytes| OwnUpload::read(&bytes)).transpose()?;
        self.caches
            .own_uploads
            .borrow_mut()
            .insert((ident, version), upload.clone());
        Ok(upload)
    }

    fn own_instructions(
        &self,
        ident: u64,
        version: u64,
        object: &ObjectKey,
    ) -> Result<Vec<Instruction>> {
        #[cfg(test)]
        asked::count(|asked| &mut asked.own_instructions, 1);
        let upload = self.own_upload(ident, version)?;
        let upload = upload.ok_or(LedgerError::Damaged(
            "an own upload that is still needed is gone",
        ))?;
        if let Some(original) = &upload.original {
            let originals = self.originals(ident, version, original)?;
            return Ok(originals.get(object).cloned().unwrap_or_default());
        }
        let entry = self.entry(version)?;
        Ok(entry.instructions_of(find(&entry, object)?.1)?.to_vec())
    }

    fn reciprocal(
        &self,
        ident: u64,
        version: u64,
        object: &ObjectKey,
    ) -> Result<Option<Reciprocal>> {
        #[cfg(test)]
        asked::count(|asked| &mut asked.forms, 1);
        let bytes = self
            .read
            .get(RECIPROCALS, &tables::of_object(ident, version, object))?;
        bytes.map(|bytes| Reciprocal::read(&bytes)).transpose()
    }

    fn records(&self, ident: u64, version: u64) -> Result<Vec<(ObjectKey, Record)>> {
        let prefix = tables::of_client(ident, version);
        self.read
            .prefix(RECORDS, &prefix)?
            .map(|line| {
                let (key, value) = line?;
                let object = ObjectKey::from_bytes(key.get(prefix.len()..).unwrap_or_default())?;
                Ok((object, Record::read(&value)?))
            })
            .collect()
    }
}

/// What this thread has asked of stored facts: the cost of integrating that no clock is needed for.
#[cfg(test)]
pub(super) mod asked {
    use std::cell::Cell;

    #[derive(Clone, Copy, Debug, Default)]
    pub struct Asked {
        /// Lines of the index read.
        pub touches: usize,
        pub entries: usize,
        /// Entries read from the storage.
        pub entries_read: usize,
        pub own_instructions: usize,
        /// Forms of others' entries.
        pub forms: usize,
        /// Rules of sessions evaluated to tell whom a commit concerns.
        pub rules: usize,
        /// Steps that telling whom a commit concerns took.
        pub steps: usize,
    }

    thread_local! {
        static ASKED: Cell<Asked> = const {
            Cell::new(Asked {
                touches: 0,
                entries: 0,
                entries_read: 0,
                own_instructions: 0,
                forms: 0,
                rules: 0,
                steps: 0,
            })
        };
    }

    pub fn count(what: impl Fn(&mut Asked) -> &mut usize, times: usize) {
        let mut asked = ASKED.get();
        *what(&mut asked) += times;
        ASKED.set(asked);
    }

    /// What some work asks.
    pub fn during(work: impl FnOnce()) -> Asked {
        ASKED.set(Asked::default());
        work();
        ASKED.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::{Origin, write_entry};

    fn entry(version: u64, changeset_bytes: usize) -> Arc<Entry> {
        let origin = Origin {
            ident: 2,
            client_version: version,
            timestamp: version,
        };
        let bytes = write_entry(origin, 0, &vec![0; changeset_bytes], &[], &[]);
        Arc::new(Entry::read(version, Arc::from(bytes)).expect("just written"))
    }

    #[test]
    fn many_small_entries_stay_at_hand_and_large_ones_do_not_pile_up() {
        const MIB: usize = 1024 * 1024;
        let mut kept = KeptEntries::default();
        for version in 0..10_000 {
            kept.insert(&entry(version, 10));
        }
        assert_eq!(kept.entries.len(), 10_000);
        kept.remove(3);
        kept.insert(&entry(4, 20));
        assert_eq!(kept.entries.len(), 9_999);
        for version in 0..40 {
            kept.insert(&entry(version, MIB));
            assert!(kept.bytes <= ENTRIES_KEPT_BYTES_MAX);
        }
        let bytes: usize = kept.entries.values().map(|entry| entry.size()).sum();
        assert!((MIB..ENTRIES_KEPT_BYTES_MAX).contains(&bytes), "{bytes}");
    }
}
