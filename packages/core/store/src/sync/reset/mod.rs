//! Client reset: the file takes over the state of a freshly downloaded copy, and what was not uploaded yet is
//! replayed on top of it or discarded.
//!
//! The session's part: it downloads a fresh copy into a database of its own (a new file ident, the same
//! subscriptions, nothing ever written or uploaded), then calls [`Database::begin_reset`] and
//! [`Database::reset_from`], binds with the new ident, and calls [`Database::finish_reset`] once uploads and
//! downloads are complete.
//!
//! * [`guard`]: the record that keeps a reset that does not help from being tried for ever;
//! * [`replay`], [`tracker`], [`copy`]: what was not uploaded, on top of the fresh state;
//! * [`transfer`], [`agreement`]: the file's objects and schema become the fresh state's;
//! * [`report`]: what was done, what was dropped, why it could not be done.
//!
//! Everything from the replay to the cursors is one durable commit. The fresh copy is never changed.

mod agreement;
mod copy;
mod guard;
mod replay;
mod report;
mod tracker;
mod transfer;

use rustc_hash::FxHashSet;
use tidemark_changeset::{Instruction, codec};
use tidemark_storage::{Durability, Storage};

pub use guard::{PendingReset, ResetAction, ResetDemand, ResetPolicy};
pub use report::{DropReason, Dropped, ResetFailure, ResetMode, ResetReport};

use crate::compaction::Compactor;
use crate::database::Database;
use crate::history::{self, EntryHead};
use crate::sync::bootstrap::{self, BootstrapRecord};
use crate::sync::state::{DownloadProgress, SyncRecord};
use crate::sync::subscriptions::settle_sets;
use crate::tables::{META, meta};
use crate::transaction::WriteTransaction;
use crate::view::View;
use crate::{Result, StoreError};
use guard::keep_report;
use replay::Replay;
use transfer::transfer;

/// A changeset that the file uploads after the reset: under the version it had, unless that is lifted.
struct Recovered {
    version: u64,
    timestamp: u64,
    changeset: Vec<u8>,
}

impl<S: Storage> Database<S> {
    /// Does the reset that [`Database::begin_reset`] decided, in one durable commit: afterwards the file
    /// holds the fresh copy's objects, ident and cursors, and as unsynced changesets what was recovered.
    ///
    /// `timestamp` is that of the commit, in milliseconds since 2015-01-01; recovered changesets keep theirs,
    /// and their versions too, unless the fresh copy has reached them: then all are lifted above it.
    /// Fails with [`StoreError::ResetFailed`] where the two cannot be brought together. After any error the
    /// file is as it was, and the fresh copy is never changed.
    ///
    /// Changesets that were uploaded but not acknowledged are replayed too: nothing in the fresh copy says
    /// whether the server has them.
    pub fn reset_from<F: Storage>(
        &self,
        fresh: &Database<F>,
        timestamp: u64,
    ) -> Result<ResetReport> {
        let mut pending = self.pending_reset()?.ok_or(ResetFailure::NotBegun)?;
        let mut local = self.begin_unrecorded()?;
        let record = SyncRecord::read(&local.storage)?;
        let mut report = ResetReport::new(pending.mode);
        let mut fresh_write = fresh.begin(true)?;
        let adopted = adopted_record(&record, &fresh_write)?;
        let unsynced = unsynced(&local, record.progress.upload_client_version)?;
        report.changesets = unsynced.len() as u64;
        let recovered = match pending.mode {
            ResetMode::Recover => recover(&local, &mut fresh_write, &unsynced, &mut report)?,
            ResetMode::Discard => {
                discard(&local, &unsynced, &mut report)?;
                Vec::new()
            }
        };
        transfer(&mut local, fresh_write.view()?, &mut report)?;
        drop(fresh_write);
        local.finish_objects()?;
        let recovered = move_versions(&mut local, recovered, fresh.version());
        report.file_ident = adopted.file_ident;
        report.changesets_recovered = recovered.len() as u64;
        adjust_history(&mut local, adopted, &recovered, timestamp)?;
        bootstrap::clear(&mut local.storage)?;
        // It has what the server has now.
        local.storage.delete(META, meta::COPIED);
        let keeps_pending = pending.mode == ResetMode::Recover;
        report.subscription_sets_dropped = settle_sets(&mut local.storage, keeps_pending)?;
        report.version = local.next_version();
        keep_report(&mut local.storage, &report)?;
        pending.is_applied = true;
        pending.write(&mut local.storage);
        let version = self.publish(local, Durability::Durable)?;
        self.with_unsynced(super::Unsynced::reset);
        // What it knows is about entries that are gone.
        self.with_compactor(Compactor::reset);
        debug_assert_eq!(report.version, version);
        Ok(report)
    }
}

/// What the file knows about its synchronisation once it has the fresh copy's ident: its cursors in the
/// server's history, and nothing of its own uploaded yet.
///
/// The download cursor is how far the fresh copy has come, which may be less than the newest version that it
/// was told of.
fn adopted_record<F: Storage>(
    local: &SyncRecord,
    fresh: &WriteTransaction<F>,
) -> Result<SyncRecord> {
    let record = SyncRecord::read(&fresh.storage)?;
    // A server that was restored gives idents away again, each with another salt.
    let identity = |of: &SyncRecord| (of.file_ident, of.file_ident_salt);
    if record.file_ident == 0 || identity(&record) == identity(local) {
        return Err(ResetFailure::NoFreshIdent.into());
    }
    if record.newest_uploadable != 0 {
        return Err(ResetFailure::FreshCopyWritten.into());
    }
    if BootstrapRecord::read(&fresh.storage)?.is_some() {
        return Err(ResetFailure::FreshCopyIncomplete.into());
    }
    Ok(SyncRecord {
        file_ident: record.file_ident,
        file_ident_salt: record.file_ident_salt,
        progress: DownloadProgress {
            download_server_version: record.progress.download_server_version,
            latest_server_version: record.progress.latest_server_version,
            latest_server_version_salt: record.progress.latest_server_version_salt,
            ..DownloadProgress::default()
        },
        ..SyncRecord::default()
    })
}

/// The local changesets that the server has not acknowledged.
fn unsynced<S: Storage>(
    local: &WriteTransaction<S>,
    acknowledged: u64,
) -> Result<Vec<(u64, EntryHead)>> {
    let heads = history::heads(&local.storage, acknowledged.saturating_add(1), u64::MAX)?;
    heads
        .filter(|head| head.as_ref().is_ok_and(|(_, head)| head.is_local) || head.is_err())
        .collect()
}

fn recover<S: Storage, F: Storage>(
    local: &WriteTransaction<S>,
    fresh: &mut WriteTransaction<F>,
    unsynced: &[(u64, EntryHead)],
    report: &mut ResetReport,
) -> Result<Vec<Recovered>> {
    let before = View::new(&local.storage, &local.catalog);
    let mut replay = Replay::new(fresh, before, report);
    let mut recovered = Vec::new();
    for (position, (version, head)) in unsynced.iter().enumerate() {
        let instructions = decode(&history::reciprocal(&local.storage, *version)?)?;
        let is_last = position + 1 == unsynced.len();
        let changeset = replay.changeset(*version, &instructions, is_last)?;
        if history::has_reciprocal(&local.storage, *version)? {
            replay.overruled(
                &decode(&history::original(&local.storage, *version)?)?,
                &instructions,
            );
        }
        if !changeset.is_empty() {
            recovered.push(Recovered {
                version: *version,
                timestamp: head.timestamp,
                changeset,
            });
        }
    }
    Ok(recovered)
}

/// Reports what the changesets say: an object that one creates as a whole, and else each field.
fn discard<S: Storage>(
    local: &WriteTransaction<S>,
    unsynced: &[(u64, EntryHead)],
    report: &mut ResetReport,
) -> Result<()> {
    for (version, _) in unsynced {
        let mut known = FxHashSet::default();
        let instructions = decode(&history::original(&local.storage, *version)?)?;
        report.instructions += instructions.len() as u64;
        for instruction in &instructions {
            let Some((class, key)) = instruction.object() else {
                continue;
            };
            let field = instruction.target().map(|target| &target.field);
            let is_told = known.contains(&(class, key, None)) || !known.insert((class, key, field));
            if is_told {
                continue;
            }
            report.note(Dropped {
                client_version: *version,
                class: class.clone(),
                key: key.clone(),
                field: field.cloned(),
                path: Vec::new(),
                reason: DropReason::Discarded,
            });
        }
    }
    Ok(())
}

/// Lifts the recovered versions, and the file's own, above every version of the fresh copy.
///
/// The server counts the versions of an ident: one that it has heard of already, if only as the progress of
/// an upload without entries, it would skip as repeated. The copy's session knows of none beyond the copy's
/// newest.
fn move_versions<S: Storage>(
    local: &mut WriteTransaction<S>,
    mut recovered: Vec<Recovered>,
    taken: u64,
) -> Vec<Recovered> {
    let lowest = recovered
        .first()
        .map_or(local.next_version(), |entry| entry.version);
    let lift = (taken + 1).saturating_sub(lowest);
    local.head.version += lift;
    for entry in &mut recovered {
        entry.version += lift;
    }
    recovered
}

fn decode(changeset: &[u8]) -> Result<Vec<Instruction>> {
    let damaged = |_| StoreError::Damaged("a changeset of the history cannot be read");
    Ok(codec::decode(changeset).map_err(damaged)?.instructions)
}

/// The history becomes what was recovered, based on the fresh state, and the reset itself.
fn adjust_history<S: Storage>(
    local: &mut WriteTransaction<S>,
    mut record: SyncRecord,
    recovered: &[Recovered],
    timestamp: u64,
) -> Result<()> {
    let base = record.progress.download_server_version;
    history::trim(&mut local.storage, u64::MAX)?;
    for entry in recovered {
        let size = u32::try_from(entry.changeset.len()).map_err(|_| {
            StoreError::InvalidMutation("The recovered changeset is too large".to_owned())
        })?;
        let head = EntryHead {
            is_local: true,
            base,
            timestamp: entry.timestamp,
            size,
        };
        history::put(&mut local.storage, entry.version, head, &entry.changeset);
        record.newest_uploadable = entry.version;
        record.bytes_uploadable += u64::from(size);
    }
    let head = EntryHead {
        is_local: false,
        base,
        timestamp,
        size: 0,
    };
    let version = local.next_version();
    history::put(&mut local.storage, version, head, &[]);
    record.write(&mut local.storage);
    Ok(())
}
