//! Which objects the newest entries of the log touch: for bootstraps that repair what interrupted ones may
//! have left. Read once for all sessions, since after a restart of the server many repair at the same time,
//! each of them since long ago.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use tidemark_storage::Read;

use super::stored::StoredFacts;
use crate::error::{LedgerError, Result};
use crate::limits::LOG_OBJECTS_MAX;
use crate::object::ObjectKey;

/// What is known of the log.
#[derive(Debug, Default)]
pub(super) struct LogObjects {
    known: RwLock<Known>,
}

/// The objects that entries of a range of versions touch.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Entries above this version are known,
    after: u64,
    /// up to this one.
    through: u64,
    /// Each object with the newest of these versions that touches it.
    newest: BTreeMap<ObjectKey, u64>,
}

impl LogObjects {
    /// Reads entries above `after`, up to `through`, that are not known yet, at most so many. Says whether
    /// all are known now.
    ///
    /// Fails with [`LedgerError::Trimmed`] if they touch more objects than are kept in memory: whoever has to
    /// repair so much starts over.
    pub fn learn<R: Read>(
        &self,
        facts: &StoredFacts<'_, R>,
        (after, through): (u64, u64),
        entries_max: u64,
    ) -> Result<bool> {
        if self.read().covers(after, through) {
            return Ok(true);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.forget(facts.trimmed);
        if known.after == known.through {
            (known.after, known.through) = (through, through);
        }
        let mut left = entries_max;
        while known.through < through && left > 0 {
            let version = known.through + 1;
            known.take_in(facts, version)?;
            known.through = version;
            left -= 1;
        }
        while known.after > after && left > 0 {
            let version = known.after;
            known.take_in(facts, version)?;
            known.after = version - 1;
            left -= 1;
        }
        if known.newest.len() > LOG_OBJECTS_MAX {
            *known = Known::default();
            return Err(LedgerError::Trimmed);
        }
        Ok(known.covers(after, through))
    }

    /// What is known; others learn nothing new while it is held.
    pub fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn covers(&self, after: u64, through: u64) -> bool {
        self.after <= after && through <= self.through
    }

    fn take_in<R: Read>(&mut self, facts: &StoredFacts<'_, R>, version: u64) -> Result<()> {
        let Some(entry) = facts.entry_once(version)? else {
            return Ok(());
        };
        for group in entry.groups()? {
            for touched in &group.touched {
                let newest = self.newest.entry(touched.object.clone()).or_insert(version);
                *newest = version.max(*newest);
            }
        }
        Ok(())
    }

    /// Forgets what nobody can ask for any more, once that is half of it.
    fn forget(&mut self, trimmed: u64) {
        let is_worth_it = trimmed.saturating_sub(self.after) > (self.through - self.after) / 2;
        if is_worth_it && trimmed <= self.through {
            self.newest.retain(|_, version| *version > trimmed);
            self.after = trimmed;
        } else if trimmed > self.through {
            *self = Self::default();
        }
    }

    /// Whether an entry above a version touches an object.
    pub fn touches_after(&self, version: u64, object: &ObjectKey) -> bool {
        let newest = self.newest.get(object);
        newest.is_some_and(|newest| *newest > version)
    }

    /// The first object in a range that an entry above a version touches.
    pub fn first_after(
        &self,
        version: u64,
        range: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> Option<&ObjectKey> {
        let mut of_range = self.newest.range::<[u8], _>(range);
        let found = of_range.find(|(_, newest)| **newest > version);
        found.map(|(object, _)| object)
    }
}
