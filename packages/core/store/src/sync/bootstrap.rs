//! Bootstraps: stored part by part, then applied in slices.
//!
//! The file says how far the slices came, so that a crash in the middle goes on where it stopped. Between
//! two slices the objects are neither the old view nor the new one, and a local write based on that could
//! not be merged by any server: whoever wants to write first applies the rest ([`Database::begin_write`]
//! does).

use rustc_hash::FxHashSet;
use tidemark_changeset::codec;
use tidemark_storage::{Durability, Read, Storage, Write};

use crate::compaction::Compactor;
use crate::copying::{awaited_set, note_created};
use crate::database::Database;
use crate::record::{RecordReader, RecordWriter};
use crate::sync::download::{Ending, blame, parse_entries};
use crate::sync::regroup::pieces;
use crate::sync::state::{DownloadProgress, SyncRecord, check_progress};
use crate::sync::subscriptions::{SubscriptionState, change_state, state_of};
use crate::tables::{BOOTSTRAP, META, meta};
use crate::transaction::WriteTransaction;
use crate::{Result, StoreError, history};

/// Pieces that are stored in one write: a piece has half a megabyte at most, unless one changeset has more.
const WRITE_PIECES_MAX: usize = 2;

/// Every so many slices one is durable: only then can space that commits gave up be used again.
const DURABLE_SLICES: u32 = 32;

/// What is known of the stored bootstrap.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BootstrapRecord {
    pub query_version: u64,
    /// Number of pieces stored.
    pub pieces: u32,
    /// Whether the last part is there.
    pub is_complete: bool,
    /// Size of the parts.
    pub bytes: u64,
    /// Number of pieces applied.
    pub applied: u32,
    /// Header of the last part stored.
    pub progress: DownloadProgress,
}

impl BootstrapRecord {
    pub fn read(from: &impl Read) -> Result<Option<Self>> {
        let Some(bytes) = from.get(META, meta::BOOTSTRAP)? else {
            return Ok(None);
        };
        let mut record = RecordReader::new(&bytes);
        Ok(Some(Self {
            query_version: record.u64()?,
            pieces: record.u32()?,
            is_complete: record.u8()? != 0,
            bytes: record.u64()?,
            applied: record.u32()?,
            progress: DownloadProgress::read(&mut record)?,
        }))
    }

    fn write<S: Storage>(&self, to: &mut Write<S>) {
        let mut record = RecordWriter::new();
        record
            .u64(self.query_version)
            .u32(self.pieces)
            .u8(u8::from(self.is_complete))
            .u64(self.bytes);
        record.u32(self.applied);
        self.progress.write(&mut record);
        to.put(META, meta::BOOTSTRAP, &record.finish());
    }

    /// How pieces are committed. Only a complete bootstrap is worth anything after a crash, and one of few
    /// pieces is applied by the time the disk would have them: it is durable with its last slice.
    fn pieces_durability(&self) -> Durability {
        if self.is_complete && self.pieces > DURABLE_SLICES {
            Durability::Durable
        } else {
            Durability::Later
        }
    }

    /// How the slice that was applied last is committed. A crash that takes slices back leaves the pieces,
    /// and no message names the versions of slices before the bootstrap is done
    /// ([`Database::next_upload`]).
    fn slice_durability(&self, is_done: bool) -> Durability {
        if is_done || self.applied.is_multiple_of(DURABLE_SLICES) {
            Durability::Durable
        } else {
            Durability::Later
        }
    }

    /// Whether some of it is applied and some is not.
    fn is_half_applied(&self) -> bool {
        self.is_complete && self.applied > 0
    }
}

/// One part of a bootstrap.
#[derive(Clone, Copy, Debug)]
pub struct BootstrapPart<'a> {
    /// The subscription set that it answers.
    pub query_version: u64,
    /// Whether it is the first part: what is stored of another bootstrap goes.
    pub is_first: bool,
    /// Whether it is the last.
    pub is_last: bool,
    /// Its header.
    pub progress: DownloadProgress,
    /// Its entries.
    pub body: &'a [u8],
}

/// How far a slice came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootstrapApplied {
    /// The newest version.
    pub version: u64,
    /// Whether nothing is left to apply.
    pub is_done: bool,
    /// The subscription set of the bootstrap; `None` if none was waiting.
    pub query_version: Option<u64>,
}

pub(super) fn clear<S: Storage>(write: &mut Write<S>) -> Result<()> {
    write.delete(META, meta::BOOTSTRAP);
    write
        .delete_range(
            BOOTSTRAP,
            std::ops::Bound::Unbounded,
            std::ops::Bound::Unbounded,
        )
        .map_err(StoreError::from)
}

impl<S: Storage> Database<S> {
    /// Stores a part, unapplied. The subscription set's state follows.
    pub fn store_bootstrap(&self, part: &BootstrapPart<'_>) -> Result<()> {
        self.expect_synced()?;
        let snapshot = self.read()?;
        let sync = SyncRecord::read(&snapshot.storage)?;
        check_progress(&sync.progress, &part.progress, snapshot.version())?;
        // Read now so that a bad part is refused while its session can still say so.
        let decoded = parse_entries(part.body, &part.progress, &sync, false)?;
        drop(snapshot);
        // Rules that look at bytes need those that came.
        let pieces = pieces(
            part.body,
            &decoded,
            self.slice_instructions_max(),
            !self.merges_bytes(),
        )?;
        drop(decoded);
        // Several short writes, between which the application has its turn. What is stored of a bootstrap
        // before its end is thrown away after a crash anyway.
        let (mut now, mut later) = pieces.split_at(pieces.len().min(WRITE_PIECES_MAX));
        let mut is_first = part.is_first;
        loop {
            let part = BootstrapPart {
                is_first,
                is_last: part.is_last && later.is_empty(),
                ..*part
            };
            self.store_pieces(&part, now)?;
            if later.is_empty() {
                return Ok(());
            }
            is_first = false;
            (now, later) = later.split_at(later.len().min(WRITE_PIECES_MAX));
        }
    }

    /// Stores pieces of a part in one write.
    fn store_pieces(&self, part: &BootstrapPart<'_>, pieces: &[Vec<u8>]) -> Result<()> {
        self.change_with(|write| {
            let mut record = match BootstrapRecord::read(write)? {
                Some(record) if record.is_complete => {
                    return Err(StoreError::BadProgress(
                        "a complete bootstrap waits to be applied".to_owned(),
                    ));
                }
                Some(record) if !part.is_first && record.query_version == part.query_version => {
                    record
                }
                _ => {
                    clear(write)?;
                    BootstrapRecord {
                        query_version: part.query_version,
                        ..BootstrapRecord::default()
                    }
                }
            };
            match state_of(write, part.query_version)? {
                None => {
                    let version = part.query_version;
                    return Err(StoreError::BadProgress(format!(
                        "no subscription set {version}"
                    )));
                }
                Some(SubscriptionState::Pending) => {
                    let state = SubscriptionState::Bootstrapping;
                    change_state(write, part.query_version, state, None)?;
                }
                Some(_) => {}
            }
            let mut bytes = 0;
            for piece in pieces {
                bytes += piece.len() as u64;
                write.put(BOOTSTRAP, &record.pieces.to_be_bytes(), piece);
                record.pieces += 1;
            }
            record.is_complete = part.is_last;
            record.bytes += bytes;
            record.progress = part.progress;
            record.write(write);
            Ok(record.pieces_durability())
        })
    }

    /// Applies the next slice of a complete bootstrap, in a write of its own.
    pub fn apply_bootstrap(&self, timestamp: u64) -> Result<BootstrapApplied> {
        self.expect_synced()?;
        let mut write = self.begin_unrecorded()?;
        let waiting = BootstrapRecord::read(&write.storage)?.filter(|record| record.is_complete);
        let Some(mut record) = waiting else {
            return Ok(BootstrapApplied {
                version: self.version(),
                is_done: true,
                query_version: None,
            });
        };
        let sync = SyncRecord::read(&write.storage)?;
        self.separate_history(&write, sync.sent)?;
        let piece = write
            .storage
            .get(BOOTSTRAP, &record.applied.to_be_bytes())?;
        let mut entries = match piece {
            Some(piece) => parse_entries(&piece, &record.progress, &sync, self.merges_bytes())?,
            None => Vec::new(),
        };
        record.applied += 1;
        let is_done = record.applied >= record.pieces;
        let result = self
            .integrate_entries(&mut write, &mut entries)
            .and_then(|()| {
                let mut progress = sync.progress;
                if is_done {
                    progress = record.progress;
                    Self::end_copy(&mut write, &record, &sync)?;
                    clear(&mut write.storage)?;
                    self.with_compactor(Compactor::subscriptions_changed);
                    complete_set(&mut write.storage, record.query_version)?;
                } else {
                    record.write(&mut write.storage);
                }
                let ending = Ending {
                    progress: &progress,
                    base: progress.download_server_version,
                    entries: &entries,
                    durability: record.slice_durability(is_done),
                };
                self.finish_integration(write, &ending, timestamp)
            });
        match result {
            Ok(version) => Ok(BootstrapApplied {
                version,
                is_done,
                query_version: Some(record.query_version),
            }),
            Err(error) => {
                self.with_unsynced(super::unsynced::Unsynced::reset);
                self.with_compactor(Compactor::reset);
                Err(error)
            }
        }
    }

    /// With its first bootstrap a copy has what the server has, and nothing else.
    fn end_copy(
        write: &mut WriteTransaction<S>,
        record: &BootstrapRecord,
        sync: &SyncRecord,
    ) -> Result<()> {
        let awaited = awaited_set(&write.storage)?;
        if awaited.is_none_or(|version| record.query_version < version) {
            return Ok(());
        }
        let mut kept = FxHashSet::default();
        for number in 0..record.pieces {
            if let Some(piece) = write.storage.get(BOOTSTRAP, &number.to_be_bytes())? {
                for entry in parse_entries(&piece, &record.progress, sync, false)? {
                    note_created(&entry.instructions, &mut kept);
                }
            }
        }
        let ours = history::heads(&write.storage, 0, u64::MAX)?;
        let ours: Vec<u64> = ours
            .filter_map(|head| match head {
                Ok((version, head)) => head.is_local.then_some(Ok(version)),
                Err(error) => Some(Err(error)),
            })
            .collect::<Result<_>>()?;
        for version in ours {
            let changeset = history::original(&write.storage, version)?;
            let damaged = |_| StoreError::Damaged("a changeset of the history cannot be read");
            note_created(
                &codec::decode(&changeset).map_err(damaged)?.instructions,
                &mut kept,
            );
        }
        write.end_copy(&kept)
    }

    /// Applies the rest of a bootstrap that is half applied, before a local write begins.
    pub(crate) fn end_bootstrap(&self) -> Result<()> {
        let record = BootstrapRecord::read(&self.read()?.storage)?;
        if !record.is_some_and(|record| record.is_half_applied()) {
            return Ok(());
        }
        loop {
            match self.apply_bootstrap(0).map_err(blame) {
                Ok(applied) if applied.is_done => return Ok(()),
                Ok(_) => {}
                // The session will meet it too and start over; the application's write need not suffer.
                Err(StoreError::BadChangeset(_) | StoreError::BadProgress(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Forgets an incomplete bootstrap. Says whether a complete one waits to be applied.
    pub fn discard_partial_bootstrap(&self) -> Result<bool> {
        self.expect_synced()?;
        match BootstrapRecord::read(&self.read()?.storage)? {
            None => Ok(false),
            Some(record) if record.is_complete => Ok(true),
            Some(record) => {
                self.change_quietly(|write| {
                    clear(write)?;
                    let version = record.query_version;
                    if state_of(write, version)? == Some(SubscriptionState::Bootstrapping) {
                        change_state(write, version, SubscriptionState::Pending, None)?;
                    }
                    Ok(())
                })?;
                Ok(false)
            }
        }
    }
}

/// The set's data is there: it awaits its mark, and older sets go.
fn complete_set<S: Storage>(write: &mut Write<S>, version: u64) -> Result<()> {
    match state_of(write, version)? {
        // The server may send a new bootstrap for a set that is complete; it stays so.
        Some(SubscriptionState::Complete) => {
            change_state(write, version, SubscriptionState::Complete, None)
        }
        Some(_) => change_state(write, version, SubscriptionState::AwaitingMark, None),
        None => Ok(()),
    }
}
