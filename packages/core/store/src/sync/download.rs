//! Integrating downloads: merge with the local history, apply, advance.
//!
//! A message is integrated in slices, so that no write lasts long. A slice ends only between server
//! versions, and its commit says how far it came: whatever happens then, the rest is merged from its
//! untouched form later, with the local history as it is by then.

use tidemark_changeset::body::{BodyLimits, parse_download_body};
use tidemark_changeset::{Instruction, Name, codec};
use tidemark_storage::{Durability, Storage};
use tidemark_transform::{Branch, ColumnShape, merge_with_columns};

use crate::compaction::Compactor;
use crate::database::Database;
use crate::history::{self, EntryHead};
use crate::sync::state::{DownloadProgress, SyncRecord, check_progress};
use crate::transaction::WriteTransaction;
use crate::{Result, StoreError};

/// A slice takes no further changeset once it has this many instructions: about ten milliseconds.
pub(crate) const SLICE_INSTRUCTIONS_MAX: usize = 4_000;

/// One changeset of a download, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub server_version: u64,
    pub client_version: u64,
    pub timestamp: u64,
    pub origin_file_ident: u64,
    pub original_size: u64,
    pub instructions: Vec<Instruction>,
    /// The bytes, where the merge asks for them.
    pub changeset: Vec<u8>,
}

/// A steady DOWNLOAD, parsed and checked, and how far it is integrated.
#[derive(Clone, Debug)]
pub struct PreparedDownload {
    progress: DownloadProgress,
    entries: Vec<Incoming>,
    next: usize,
}

/// How a write ends that integrated entries.
pub(crate) struct Ending<'a> {
    /// How far the file is then.
    pub progress: &'a DownloadProgress,
    /// The server version that the objects stand for.
    pub base: u64,
    pub entries: &'a [Incoming],
    /// Durable, unless a crash that takes it back loses nothing.
    pub durability: Durability,
}

/// How far a slice came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integrated {
    /// The version that the slice made.
    pub version: u64,
    /// Whether the message is integrated wholly.
    pub is_done: bool,
}

/// Parses entries and checks them against the header and the cursors before them.
pub(crate) fn parse_entries(
    body: &[u8],
    header: &DownloadProgress,
    stored: &SyncRecord,
    keeps_bytes: bool,
) -> Result<Vec<Incoming>> {
    let entries = parse_download_body(body, BodyLimits::default())
        .map_err(|error| StoreError::BadChangeset(error.to_string()))?;
    let refuse = |what: &str| Err(StoreError::BadProgress(what.to_owned()));
    let mut server_version = stored.progress.download_server_version;
    let mut client_version = stored.progress.download_client_version;
    for entry in &entries {
        if entry.server_version < server_version
            || entry.server_version > header.download_server_version
        {
            return refuse("the server version of an entry is out of order");
        }
        if entry.client_version < client_version
            || entry.client_version > header.download_client_version
        {
            return refuse("the client version of an entry is out of order");
        }
        if entry.origin_file_ident == 0 || entry.origin_file_ident == stored.file_ident {
            return refuse("the origin file ident of an entry is not another file's");
        }
        server_version = entry.server_version;
        client_version = entry.client_version;
    }
    entries
        .iter()
        .map(|entry| {
            Ok(Incoming {
                server_version: entry.server_version,
                client_version: entry.client_version,
                timestamp: entry.timestamp,
                origin_file_ident: entry.origin_file_ident,
                original_size: entry.original_size,
                instructions: codec::decode(entry.changeset)?.instructions,
                changeset: if keeps_bytes {
                    entry.changeset.to_vec()
                } else {
                    Vec::new()
                },
            })
        })
        .collect()
}

/// What failed while downloaded instructions were applied is their fault, unless the storage failed.
pub(crate) fn blame(error: StoreError) -> StoreError {
    match error {
        StoreError::Storage(_) | StoreError::Damaged(_) | StoreError::BadProgress(_) => error,
        other => StoreError::BadChangeset(other.to_string()),
    }
}

impl<S: Storage> Database<S> {
    /// Parses and checks a steady DOWNLOAD. Needs no write.
    pub fn prepare_download(
        &self,
        progress: DownloadProgress,
        body: &[u8],
    ) -> Result<PreparedDownload> {
        self.expect_synced()?;
        let snapshot = self.read()?;
        let stored = SyncRecord::read(&snapshot.storage)?;
        check_progress(&stored.progress, &progress, snapshot.version())?;
        let entries = parse_entries(body, &progress, &stored, self.merges_bytes())?;
        Ok(PreparedDownload {
            progress,
            entries,
            next: 0,
        })
    }

    /// Integrates the next slice of a prepared download, in a write of its own. Nothing of the slice is
    /// kept if it fails.
    pub fn integrate_slice(
        &self,
        download: &mut PreparedDownload,
        timestamp: u64,
    ) -> Result<Integrated> {
        let end = download.slice_end(self.slice_instructions_max());
        let is_done = end == download.entries.len();
        let slice = download
            .entries
            .get_mut(download.next..end)
            .unwrap_or_default();
        let mut progress = download.progress;
        if let Some(last) = slice.last()
            && !is_done
        {
            progress.download_server_version = last.server_version;
            progress.download_client_version = last.client_version;
            progress.upload_server_version =
                progress.upload_server_version.min(last.server_version);
        }
        let mut write = self.begin_unrecorded()?;
        let result = self.integrate_entries(&mut write, slice).and_then(|()| {
            let base = slice
                .last()
                .map_or(progress.download_server_version, |last| last.server_version);
            let ending = Ending {
                progress: &progress,
                base,
                entries: slice,
                durability: Durability::Durable,
            };
            self.finish_integration(write, &ending, timestamp)
        });
        match result {
            Ok(version) => {
                download.next = end;
                Ok(Integrated { version, is_done })
            }
            Err(error) => {
                // The slice's entries may be half merged; nobody may use them again.
                self.with_unsynced(super::unsynced::Unsynced::reset);
                self.with_compactor(Compactor::reset);
                download.entries.clear();
                Err(error)
            }
        }
    }

    /// Whether the rules are those that look at bytes.
    pub(crate) fn merges_bytes(&self) -> bool {
        self.rules().ot3_erase_by_place
    }

    /// Merges entries with the local history and applies them.
    pub(crate) fn integrate_entries(
        &self,
        write: &mut WriteTransaction<S>,
        entries: &mut [Incoming],
    ) -> Result<()> {
        let ident = SyncRecord::read(&write.storage)?.file_ident;
        for run in entries.chunk_by_mut(|a, b| a.client_version == b.client_version) {
            if self.merges_bytes() {
                self.merge_run_by_bytes(write, run, ident)?;
            } else {
                self.merge_run(write, run, ident)?;
            }
            for entry in run {
                for instruction in &entry.instructions {
                    write.apply(instruction).map_err(blame)?;
                }
            }
        }
        Ok(())
    }

    /// Merges entries of one base with what was done here since.
    fn merge_run(
        &self,
        write: &mut WriteTransaction<S>,
        run: &mut [Incoming],
        ident: u64,
    ) -> Result<()> {
        let Some(base) = run.first().map(|entry| entry.client_version) else {
            return Ok(());
        };
        let incoming = run.iter().flat_map(|entry| &entry.instructions);
        let ours = self
            .with_unsynced(|unsynced| unsynced.take_conflicting(&write.storage, base, incoming))?;
        if ours.is_empty() {
            return Ok(());
        }
        let versions: Vec<u64> = ours.iter().map(|entry| entry.version).collect();
        let mut ours: Vec<Branch> = ours
            .into_iter()
            .map(|entry| Branch::new(entry.timestamp, ident, entry.instructions))
            .collect();
        let mut theirs: Vec<Branch> = run
            .iter_mut()
            .map(|entry| {
                let instructions = std::mem::take(&mut entry.instructions);
                Branch::new(entry.timestamp, entry.origin_file_ident, instructions)
            })
            .collect();
        let schema = &write.catalog.schema;
        let columns = |class: &Name, field: &Name| {
            let class = schema.class(class)?;
            let column = class.columns.get(class.column_index(field)?)?;
            Some(ColumnShape {
                collection: column.collection,
                target: column.target.clone(),
            })
        };
        merge_with_columns(&mut ours, &mut theirs, self.rules(), &columns)
            .map_err(|error| StoreError::BadChangeset(error.to_string()))?;
        for (entry, branch) in run.iter_mut().zip(theirs) {
            entry.instructions = branch.instructions;
        }
        for (version, branch) in versions.into_iter().zip(ours) {
            if branch.dirty {
                let bytes = codec::encode(&branch.instructions);
                history::put_reciprocal(&mut write.storage, version, &bytes);
            }
            self.with_unsynced(|unsynced| unsynced.put_back(version, branch.instructions));
        }
        Ok(())
    }

    /// Ends a write that integrated entries: history entry, progress, commit.
    pub(crate) fn finish_integration(
        &self,
        mut write: WriteTransaction<S>,
        ending: &Ending<'_>,
        timestamp: u64,
    ) -> Result<u64> {
        let entries = ending.entries;
        write.finish_objects().map_err(blame)?;
        let version = write.next_version();
        let head = EntryHead {
            is_local: false,
            base: ending.base,
            timestamp,
            size: 0,
        };
        history::put(&mut write.storage, version, head, &[]);
        let mut record = SyncRecord::read(&write.storage)?;
        self.separate_history(&write, record.sent)?;
        record.bytes_downloaded += entries.iter().map(|entry| entry.original_size).sum::<u64>();
        let first_needed = record.advance(&mut write.storage, version, ending.progress)?;
        record.write(&mut write.storage);
        let version = self.publish(write, ending.durability)?;
        self.with_unsynced(|unsynced| unsynced.trimmed(first_needed));
        Ok(version)
    }
}

impl PreparedDownload {
    /// Where the next slice ends.
    fn slice_end(&self, instructions_max: usize) -> usize {
        let mut instructions = 0;
        let mut previous = None;
        let rest = self.entries.get(self.next..).unwrap_or_default();
        for (offset, entry) in rest.iter().enumerate() {
            if instructions >= instructions_max && previous != Some(entry.server_version) {
                return self.next + offset;
            }
            instructions += entry.instructions.len();
            previous = Some(entry.server_version);
        }
        self.entries.len()
    }
}
