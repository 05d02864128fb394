//! The local history that downloads are merged with, by object: a download costs what it meets, not what
//! there is.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use tidemark_changeset::{Instruction, Name, PrimaryKey, codec};
use tidemark_storage::Read;

use crate::history::{self, EntryHead};
use crate::{Result, StoreError};

/// Decoded instructions kept in memory, over all entries.
const CACHED_INSTRUCTIONS_MAX: usize = 200_000;

/// One local commit.
#[derive(Debug)]
struct Entry {
    head: EntryHead,
    is_indexed: bool,
    /// The reciprocal form, if it is at hand.
    instructions: Option<Vec<Instruction>>,
}

/// A local commit that a download has to be merged with.
#[derive(Debug)]
pub(crate) struct Ours {
    pub version: u64,
    pub timestamp: u64,
    pub instructions: Vec<Instruction>,
}

/// All local commits that a download may be concurrent with.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    /// `None` until first needed.
    entries: Option<BTreeMap<u64, Entry>>,
    by_object: FxHashMap<(Name, PrimaryKey), Vec<u64>>,
    /// Entries with schema instructions: they are always merged.
    with_schema: BTreeSet<u64>,
    cached: usize,
    /// Entries that are gone but still named by the indexes.
    stale: usize,
}

impl Unsynced {
    /// A local write with a changeset was committed. Its bytes are decoded when they are first needed.
    pub fn committed(&mut self, version: u64, head: EntryHead) {
        if let Some(entries) = &mut self.entries {
            entries.insert(
                version,
                Entry {
                    head,
                    is_indexed: false,
                    instructions: None,
                },
            );
        }
    }

    /// Entries before a version are needed no more.
    pub fn trimmed(&mut self, before: u64) {
        let Some(entries) = &mut self.entries else {
            return;
        };
        let kept = entries.split_off(&before);
        let gone = std::mem::replace(entries, kept);
        for entry in gone.values() {
            self.cached -= entry.instructions.as_ref().map_or(0, Vec::len);
        }
        self.stale += gone.len();
        if entries.is_empty() {
            self.by_object.clear();
            self.with_schema.clear();
            self.stale = 0;
        } else if self.stale > entries.len() {
            // Looking over everything costs as much as what has gone since the last time.
            self.by_object.retain(|_, versions| {
                versions.retain(|version| *version >= before);
                !versions.is_empty()
            });
            self.with_schema.retain(|version| *version >= before);
            self.stale = 0;
        }
    }

    /// An entry was stored anew with fewer instructions.
    pub fn shortened(&mut self, version: u64) {
        if let Some(entry) = self
            .entries
            .as_mut()
            .and_then(|entries| entries.get_mut(&version))
            && let Some(instructions) = entry.instructions.take()
        {
            self.cached -= instructions.len();
        }
    }

    /// Forgets what is in memory: a write that used it was not committed.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn load(&mut self, storage: &impl Read) -> Result<()> {
        if self.entries.is_none() {
            let mut entries = BTreeMap::new();
            for head in history::heads(storage, 0, u64::MAX)? {
                let (version, head) = head?;
                if head.is_local {
                    entries.insert(
                        version,
                        Entry {
                            head,
                            is_indexed: false,
                            instructions: None,
                        },
                    );
                }
            }
            self.entries = Some(entries);
        }
        let entries = self
            .entries
            .as_mut()
            .ok_or(StoreError::Damaged("lost history"))?;
        for (version, entry) in entries.iter_mut().filter(|(_, entry)| !entry.is_indexed) {
            // The form as it was emitted names every object that the reciprocal form names.
            let instructions = decode(&history::original(storage, *version)?)?;
            for instruction in &instructions {
                match instruction.object() {
                    None => {
                        self.with_schema.insert(*version);
                    }
                    Some((class, key)) => {
                        let versions = self
                            .by_object
                            .entry((class.clone(), key.clone()))
                            .or_default();
                        if versions.last() != Some(version) {
                            versions.push(*version);
                        }
                    }
                }
            }
            entry.is_indexed = true;
        }
        Ok(())
    }

    /// Takes out the entries after `base` that the incoming instructions can meet, in order. They come back
    /// with [`Unsynced::put_back`], or everything is [`Unsynced::reset`].
    pub fn take_conflicting<'i>(
        &mut self,
        storage: &impl Read,
        base: u64,
        incoming: impl Iterator<Item = &'i Instruction>,
    ) -> Result<Vec<Ours>> {
        self.load(storage)?;
        let Some(entries) = &mut self.entries else {
            return Ok(Vec::new());
        };
        let after = base.saturating_add(1);
        if entries.range(after..).next().is_none() {
            return Ok(Vec::new());
        }
        let mut versions: BTreeSet<u64> = self.with_schema.range(after..).copied().collect();
        // Each object once: many incoming edits of one object may meet as many entries.
        let mut objects = FxHashSet::default();
        for instruction in incoming {
            match instruction {
                // These meet everything in their class.
                Instruction::EraseTable { .. } | Instruction::EraseColumn { .. } => {
                    versions.extend(entries.range(after..).map(|(version, _)| *version));
                    break;
                }
                _ => {
                    if let Some((class, key)) = instruction.object()
                        && objects.insert((class, key))
                        && let Some(found) = self.by_object.get(&(class.clone(), key.clone()))
                    {
                        #[cfg(test)]
                        visits::count(found.len());
                        versions.extend(found.iter().filter(|version| **version >= after));
                    }
                }
            }
        }
        let mut ours = Vec::with_capacity(versions.len());
        for version in versions {
            let Some(entry) = entries.get_mut(&version) else {
                continue;
            };
            let instructions = match entry.instructions.take() {
                Some(instructions) => {
                    self.cached -= instructions.len();
                    instructions
                }
                None => decode(&history::reciprocal(storage, version)?)?,
            };
            ours.push(Ours {
                version,
                timestamp: entry.head.timestamp,
                instructions,
            });
        }
        Ok(ours)
    }

    /// Gives an entry back in its new form.
    pub fn put_back(&mut self, version: u64, instructions: Vec<Instruction>) {
        let Some(entry) = self
            .entries
            .as_mut()
            .and_then(|entries| entries.get_mut(&version))
        else {
            return;
        };
        if self.cached + instructions.len() <= CACHED_INSTRUCTIONS_MAX {
            self.cached += instructions.len();
            entry.instructions = Some(instructions);
        }
    }
}

fn decode(bytes: &[u8]) -> Result<Vec<Instruction>> {
    let damaged = |_| StoreError::Damaged("a changeset of the history cannot be read");
    Ok(codec::decode(bytes).map_err(damaged)?.instructions)
}

/// How many entries of objects this thread has gone through: the cost of finding what a download meets.
#[cfg(test)]
mod visits {
    use std::cell::Cell;

    thread_local! {
        static VISITED: Cell<usize> = const { Cell::new(0) };
    }

    pub fn count(entries: usize) {
        VISITED.set(VISITED.get() + entries);
    }

    pub fn take() -> usize {
        VISITED.take()
    }
}

#[cfg(test)]
mod tests {
    use tidemark_changeset::{Target, UpdateKind, Value};
    use tidemark_storage::{Durability, OrderedStorage, Storage};

    use super::*;

    fn edit(key: i64) -> Instruction {
        Instruction::Update {
            target: Target {
                class: "Dog".into(),
                key: PrimaryKey::Int(key),
                field: "age".into(),
                path: Vec::new(),
            },
            value: Value::Int(1).into(),
            kind: UpdateKind::Property { is_default: false },
        }
    }

    /// A history of `entries` commits, each of which edits its own object and one that all edit.
    fn history_of(entries: u64) -> OrderedStorage {
        let storage = OrderedStorage::new();
        let mut write = storage.begin_write().expect("nobody writes");
        for version in 1..=entries {
            let own = i64::try_from(version).expect("small");
            let changeset = codec::encode(&[edit(0), edit(own)]);
            let head = EntryHead {
                is_local: true,
                base: 0,
                timestamp: version,
                size: 0,
            };
            history::put(&mut write, version, head, &changeset);
        }
        write.commit(Durability::Durable).expect("in memory");
        storage
    }

    #[test]
    fn many_incoming_edits_of_an_object_go_through_its_history_once() {
        const ENTRIES: usize = 300;
        let storage = history_of(ENTRIES as u64);
        let snapshot = storage.snapshot().expect("in memory");
        let mut unsynced = Unsynced::default();
        let incoming: Vec<Instruction> = (0..500).map(|_| edit(0)).collect();
        visits::take();
        let ours = unsynced.take_conflicting(&snapshot, 0, incoming.iter());
        assert_eq!(ours.expect("readable").len(), ENTRIES);
        assert_eq!(visits::take(), ENTRIES);
    }

    #[test]
    fn only_entries_on_the_same_objects_are_met() {
        let storage = history_of(300);
        let snapshot = storage.snapshot().expect("in memory");
        let mut unsynced = Unsynced::default();
        let incoming = [edit(7), edit(9), edit(1_000)];
        visits::take();
        let ours = unsynced.take_conflicting(&snapshot, 7, incoming.iter());
        let versions: Vec<u64> = ours
            .expect("readable")
            .iter()
            .map(|own| own.version)
            .collect();
        assert_eq!(versions, [9]);
        assert_eq!(visits::take(), 2);
    }
}
