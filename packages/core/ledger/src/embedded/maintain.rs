//! Upkeep: expiring clients that stayed away, and trimming the log.
//!
//! Two bounds move the start of the log, whichever is further: nobody may refer to what was made longer ago
//! than the maximum offline time, and nobody can refer to what lies below the cursors of all clients. It is
//! done in cycles of short steps, each one durable commit, so that writers never wait for long and a crash
//! loses nothing but the place in the cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use tidemark_storage::{Read, Storage};

use super::Ledger;
use super::batch::Batch;
use super::before_images::lock;
use super::sessions::{Session, Sessions};
use super::tables::{CHECKPOINTS, META, OWN_UPLOADS, RECIPROCALS, RECORDS, State};
use crate::bytes::{Reader, put_number};
use crate::error::Result;
use crate::facts::{Facts, find};
use crate::fold::Later;
use crate::rows::ClientRow;
use crate::switches::Switches;
use crate::view_list::ViewList;

/// A session younger than this share of the maximum offline time holds back what it is still being sent. The
/// row of a connected client is written this often.
const GRACE_SHARE: u64 = 30;

/// A connected client for which nothing comes is told of its new cursor when the old one is older than this
/// share of the maximum offline time …
const TELL_SHARE: u64 = 16;

/// … so that a cursor is never older than the end of the client's last session by more than this share.
const LAG_SHARE: u64 = 8;

/// Checkpoints are this share of the maximum offline time apart, or more.
const CHECKPOINT_SHARE: u64 = 100;

/// Earlier entries on an object that one is compared with.
const COMPARED_MAX: usize = 16;

/// What one step of the upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether the cycle ended: the next step begins another.
    pub is_done: bool,
    /// Client files that expired.
    pub clients_expired: u64,
    /// Entries of the log that went.
    pub entries_trimmed: u64,
    /// Their bytes.
    pub bytes_trimmed: u64,
    /// Instructions that were said again later, and went.
    pub instructions_folded: u64,
    /// Sessions that are owed a message since, to tell them of their cursor.
    pub cursors_owed: u64,
}

/// At some time some version was the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Checkpoint {
    served_ms: u64,
    version: u64,
}

/// What upkeep remembers between steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Upkeep {
    /// Oldest first.
    checkpoints: Vec<Checkpoint>,
    /// Entries up to this version were compared with those before them.
    folded: u64,
    /// The cycle under way.
    cycle: Option<Cycle>,
}

impl Upkeep {
    /// Reads the checkpoints of a storage.
    pub fn read(read: &impl Read) -> Result<Self> {
        let mut upkeep = Self::default();
        if let Some(bytes) = read.get(META, CHECKPOINTS)? {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() {
                upkeep.checkpoints.push(Checkpoint {
                    served_ms: reader.number()?,
                    version: reader.number()?,
                });
            }
        }
        Ok(upkeep)
    }

    fn write_checkpoints(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for checkpoint in &self.checkpoints {
            put_number(&mut out, checkpoint.served_ms);
            put_number(&mut out, checkpoint.version);
        }
        out
    }

    /// A version up to which everything had been made by a time; 0 if none is known.
    pub fn version_at(&self, served_ms: u64) -> u64 {
        let known = |checkpoint: &&Checkpoint| checkpoint.served_ms <= served_ms;
        self.checkpoints
            .iter()
            .rfind(known)
            .map_or(0, |checkpoint| checkpoint.version)
    }

    /// Notes the newest version, unless the last note is young or says the same. Returns whether anything
    /// changed.
    fn note(&mut self, served_ms: u64, version: u64, window_ms: u64) -> bool {
        let due = self.checkpoints.last().is_none_or(|last| {
            version > last.version
                && served_ms >= last.served_ms.saturating_add(window_ms / CHECKPOINT_SHARE)
        });
        if due {
            self.checkpoints.push(Checkpoint { served_ms, version });
        }
        let oldest_ms = served_ms.saturating_sub(window_ms.saturating_mul(2));
        let unused = self
            .checkpoints
            .iter()
            .rposition(|checkpoint| checkpoint.served_ms <= oldest_ms)
            .unwrap_or(0);
        self.checkpoints.drain(..unused);
        due || unused > 0
    }
}

/// A cycle under way: first all clients, then the log.
#[derive(Clone, Copy, Debug)]
struct Cycle {
    /// Newest version when it began: what comes later is not its business.
    limit: u64,
    /// The next client to look at; `None` when all were.
    next_ident: Option<u64>,
    /// The lowest version that a client may refer to.
    lowest: u64,
    /// The lowest version that is kept beyond the maximum offline time for those who are just being served.
    held: u64,
    /// Cursors below are old.
    old_cursor: u64,
    /// What every live session was given.
    given: u64,
}

/// One step.
struct Step<'a, S: Storage> {
    batch: Batch<S>,
    sessions: &'a Sessions,
    switches: Switches,
    window_ms: u64,
    budget: usize,
    /// Client files whose sessions are to be told of their cursor.
    told: Vec<u64>,
    progress: Progress,
}

impl<S: Storage> Ledger<S> {
    /// Sets how long a client may be away before it has to start over. What is trimmed does not come back.
    pub fn set_max_offline_ms(&self, window_ms: u64) {
        self.max_offline_ms
            .store(window_ms.max(1), Ordering::Relaxed);
    }

    /// Counts the time that passed since it was last counted.
    pub(super) fn count_time(&self, batch: &mut Batch<S>, now_ms: u64) {
        let window_ms = self.max_offline_ms.load(Ordering::Relaxed);
        batch.newest.state.count_time(now_ms, window_ms);
    }

    /// One step of the upkeep. `budget` bounds the rows looked at and deleted in it (an entry of the log goes
    /// whole); a few hundred keep it shorter than a commit takes. To be called until a cycle is done, and
    /// again after a while that is short against a tenth of the maximum offline time.
    pub fn maintain(&self, now_ms: u64, budget: usize) -> Result<Progress> {
        let mut writer = lock(&self.writer);
        let mut upkeep = lock(&self.upkeep);
        let mut next = upkeep.clone();
        let mut step = Step {
            batch: Batch::begin(&self.storage, &writer, self.switches)?,
            sessions: &self.sessions,
            switches: self.switches,
            window_ms: self.max_offline_ms.load(Ordering::Relaxed),
            budget: budget.max(1),
            told: Vec::new(),
            progress: Progress::default(),
        };
        let mut cycle = match next.cycle.take() {
            Some(cycle) => cycle,
            None => step.begin_cycle(&mut next, now_ms),
        };
        step.clients(&mut cycle)?;
        if cycle.next_ident.is_none() && step.entries(&cycle, &next)? {
            step.progress.is_done = step.fold(&cycle, &mut next)?;
        }
        let progress = step.progress;
        next.cycle = (!progress.is_done).then_some(cycle);
        let told = std::mem::take(&mut step.told);
        if step.batch.writes > 0 {
            let named = self.commit(&mut writer, step.batch)?;
            self.name(named);
        }
        let matcher = self.matcher();
        self.name(told.into_iter().filter_map(|ident| matcher.of_ident(ident)));
        drop(matcher);
        *upkeep = next;
        Ok(progress)
    }
}

impl<S: Storage> Step<'_, S> {
    fn served_ms(&self) -> u64 {
        self.batch.newest.state.served_ms
    }

    fn grace_ms(&self) -> u64 {
        (self.window_ms / GRACE_SHARE).max(1)
    }

    fn begin_cycle(&mut self, upkeep: &mut Upkeep, now_ms: u64) -> Cycle {
        self.batch.newest.state.count_time(now_ms, self.window_ms);
        let State {
            served_ms, version, ..
        } = self.batch.newest.state;
        if upkeep.note(served_ms, version, self.window_ms) {
            let checkpoints = upkeep.write_checkpoints();
            self.batch.put_checkpoints(&checkpoints);
        }
        self.batch.writes += 1;
        let old_ms = served_ms.checked_sub(self.window_ms / TELL_SHARE);
        Cycle {
            old_cursor: old_ms.map_or(0, |ms| upkeep.version_at(ms)),
            limit: version,
            next_ident: Some(0),
            lowest: version,
            held: u64::MAX,
            given: version,
        }
    }

    /// Looks at clients, as far as the budget goes.
    fn clients(&mut self, cycle: &mut Cycle) -> Result<()> {
        while let Some(from) = cycle.next_ident {
            if self.budget == 0 {
                return Ok(());
            }
            let Some((ident, row)) = self.batch.client_from(from)? else {
                cycle.next_ident = None;
                return Ok(());
            };
            cycle.next_ident = Some(ident);
            let session = self.sessions.live(ident);
            let away_ms = self.served_ms().saturating_sub(row.seen_ms);
            // The row may be older than the end of the last session by the grace.
            let after_ms = self.window_ms + self.grace_ms();
            let finished = if row.expired || (session.is_none() && away_ms >= after_ms) {
                self.expire(ident, row)?
            } else if row.reset && session.is_none() {
                // It will not be let in again: nothing is kept for it.
                true
            } else {
                self.client(cycle, ident, row, session.as_deref())?
            };
            if !finished {
                return Ok(());
            }
            self.budget = self.budget.saturating_sub(1);
            cycle.next_ident = Some(ident + 1);
        }
        Ok(())
    }

    /// Forgets a client. It is told to start over from the first step on.
    fn expire(&mut self, ident: u64, mut row: ClientRow) -> Result<bool> {
        if !row.expired {
            row.expired = true;
            self.batch.put_client(ident, &row);
            self.batch.newest.state.expired += 1;
            self.progress.clients_expired += 1;
        }
        for table in [OWN_UPLOADS, RECIPROCALS, RECORDS] {
            let through = u64::MAX - 1;
            if !self
                .batch
                .delete_of_client(table, ident, through, &mut self.budget)?
            {
                return Ok(false);
            }
        }
        self.batch.delete_client(ident);
        Ok(true)
    }

    /// Takes away what a client can no longer refer to, and finds the lowest version that it can.
    fn client(
        &mut self,
        cycle: &mut Cycle,
        ident: u64,
        mut row: ClientRow,
        session: Option<&Session>,
    ) -> Result<bool> {
        let served_ms = self.served_ms();
        let grace_ms = self.grace_ms();
        if session.is_some() && served_ms.saturating_sub(row.seen_ms) >= grace_ms {
            row.seen_ms = served_ms;
            self.batch.put_client(ident, &row);
        }
        if let Some(session) = session {
            let sent = session.sent.load(Ordering::Acquire);
            cycle.given = cycle.given.min(sent);
            if sent < cycle.old_cursor {
                session.owed.store(true, Ordering::Release);
                self.told.push(ident);
                self.progress.cursors_owed += 1;
            }
        }
        let trimmed = self.batch.newest.state.trimmed;
        let base = row.progress.1.max(row.born).max(trimmed);
        for (table, through) in [(OWN_UPLOADS, base), (RECIPROCALS, base), (RECORDS, trimmed)] {
            if !self
                .batch
                .delete_of_client(table, ident, through, &mut self.budget)?
            {
                return Ok(false);
            }
        }
        let own = self.batch.oldest_own_base(ident)?;
        let horizon = base.min(own).max(trimmed);
        let mut views = self.batch.views(ident)?;
        if views.prune(horizon) {
            self.batch.put_views(ident, &views);
        }
        let never_came = views == ViewList::default() && row.download.0 == 0;
        let lingering = views.floor(horizon);
        let mut floor = u64::MAX;
        if session.is_some() || !never_came {
            floor = base.min(row.download.0.max(row.born));
        }
        if self.switches.keep_for_derivations {
            floor = floor.min(own).min(lingering);
        }
        cycle.lowest = cycle.lowest.min(floor);
        let is_young = session.is_some_and(|session| served_ms < session.since_ms + grace_ms);
        let unrepaired = views.leftovers(row.newest_entry, cycle.limit);
        let unrepaired = unrepaired.iter().map(|leftover| leftover.at).min();
        let held = unrepaired.into_iter().chain(is_young.then_some(floor));
        cycle.held = held.fold(cycle.held, u64::min);
        Ok(true)
    }

    /// Takes entries away from the start of the log, as far as the budget goes. Returns whether all are gone.
    fn entries(&mut self, cycle: &Cycle, upkeep: &Upkeep) -> Result<bool> {
        let made_before = |ago_ms: u64| {
            let at_ms = self.served_ms().checked_sub(ago_ms);
            at_ms.map_or(0, |at_ms| upkeep.version_at(at_ms))
        };
        let window_ms = self.window_ms;
        let usual = made_before(window_ms.saturating_add(window_ms / LAG_SHARE));
        let latest = made_before(window_ms.saturating_mul(2));
        let old = usual.min(cycle.held).max(latest);
        let lowest = if self.switches.keep_for_clients {
            cycle.lowest
        } else {
            cycle.limit
        };
        let target = lowest.max(old).min(cycle.limit);
        while self.batch.newest.state.trimmed < target && self.budget > 0 {
            let (bytes, keys) = self.batch.trim_entry()?;
            self.progress.entries_trimmed += 1;
            self.progress.bytes_trimmed += bytes;
            self.budget = self.budget.saturating_sub(keys);
        }
        let all = self.batch.newest.state.trimmed >= target;
        if all {
            self.batch.drop_epochs();
        }
        Ok(all)
    }

    /// Leaves out of the log what later entries say again, as far as the budget goes. Returns whether
    /// everything was compared.
    fn fold(&mut self, cycle: &Cycle, upkeep: &mut Upkeep) -> Result<bool> {
        let limit = cycle.limit.min(cycle.given);
        upkeep.folded = upkeep.folded.max(self.batch.newest.state.trimmed);
        while upkeep.folded < limit && self.budget > 0 {
            self.budget -= 1;
            upkeep.folded += 1;
            for (version, dropped) in self.overwritten(upkeep.folded)? {
                self.progress.instructions_folded += dropped.len() as u64;
                self.batch.fold_entry(version, &dropped)?;
            }
        }
        Ok(upkeep.folded >= limit)
    }

    /// Which instructions of which earlier entries an entry says again. Only the next few entries before it
    /// are compared: others were compared when those came.
    fn overwritten(&mut self, version: u64) -> Result<BTreeMap<u64, BTreeSet<usize>>> {
        let mut dropped: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        let facts = self.batch.facts();
        let Some(entry) = facts.entry_once(version)? else {
            return Ok(dropped);
        };
        for touched in entry.groups()?.iter().flat_map(|group| &group.touched) {
            let careless = !self.switches.fold_by_rank;
            let Some(mut later) = Later::new(facts.schema, &entry, touched, careless)? else {
                continue;
            };
            for touch in facts
                .touches_below(&touched.object, version)?
                .take(COMPARED_MAX)
            {
                let touch = touch?;
                self.budget = self.budget.saturating_sub(1);
                if touch.marks.ghost {
                    continue;
                }
                let earlier = facts.entry(touch.version)?;
                let (_, touched) = find(&earlier, &touched.object)?;
                let (places, goes_on) = later.overwritten(&earlier, touched)?;
                if !places.is_empty() && self.passed(touch.origin, touch.version)? {
                    dropped.entry(touch.version).or_default().extend(places);
                }
                if !goes_on {
                    break;
                }
            }
        }
        Ok(dropped)
    }

    /// Whether a client will never again be served from, nor refer to, what lies below its own entry. The
    /// client versions in its downloads come from its entries.
    fn passed(&self, origin: u64, version: u64) -> Result<bool> {
        let row = self.batch.client(origin)?;
        Ok(!self.switches.fold_when_passed
            || row.is_none_or(|row| row.download.0.min(row.progress.1) >= version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_come_back_and_stay_few() {
        let mut upkeep = Upkeep::default();
        for served_ms in 0..100_000 {
            upkeep.note(served_ms, served_ms * 3 + 1, 10_000);
        }
        assert!(
            upkeep.checkpoints.len() < 210,
            "{}",
            upkeep.checkpoints.len()
        );
        assert_eq!(upkeep.version_at(99_999), 99_900 * 3 + 1);
        assert_eq!(upkeep.version_at(89_999), 89_900 * 3 + 1);
        assert_eq!(upkeep.version_at(70_000), 0);
        let storage = tidemark_storage::OrderedStorage::new();
        let mut write = storage.begin_write().expect("nobody writes");
        write.put(META, CHECKPOINTS, &upkeep.write_checkpoints());
        let read = Upkeep::read(&write).expect("just written");
        assert_eq!(read.checkpoints, upkeep.checkpoints);
    }
}
