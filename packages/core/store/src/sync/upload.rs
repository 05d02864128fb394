//! What to upload next.
//!
//! Before an entry leaves, the file says durably that it may have left; from then on it never changes, so
//! that whatever is lost on the way is sent again in the very same form.

use tidemark_changeset::body::{UploadEntry, write_upload_entry};
use tidemark_storage::{Durability, Read, Storage, Write};

use crate::catalog::Catalog;
use crate::compaction::Compactor;
use crate::database::Database;
use crate::history::EntryHead;
use crate::sync::SyncRecord;
use crate::{Result, history};

/// The uncompressed changesets of one message never reach this size, unless it is a single one.
const UPLOAD_BYTES_MAX: u64 = 16 << 20;

/// Entries that are looked at in one go.
const HEADS_MAX: usize = 1_024;

/// How much after a full message is marked together with it. A device that writes faster than it uploads
/// would add a sync to disk per message otherwise.
const MARKED_AHEAD_BYTES: u64 = 1 << 20;

/// The next UPLOAD message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// Client version that the message reaches.
    pub progress_client_version: u64,
    /// Last server version seen up to there.
    pub progress_server_version: u64,
    /// Number of entries.
    pub entries: u32,
    /// The entries.
    pub body: Vec<u8>,
}

/// An [`Upload`] that is being put together.
struct Collection {
    upload: Upload,
    target: u64,
    bytes: u64,
    bytes_max: u64,
}

impl Collection {
    /// Takes the next entry. Says whether it was taken: if not, the message is full.
    fn take(&mut self, version: u64, head: EntryHead, changeset: &[u8]) -> bool {
        let grown = self.bytes + changeset.len() as u64;
        let upload = &mut self.upload;
        if self.bytes >= self.bytes_max || (upload.entries > 0 && grown >= UPLOAD_BYTES_MAX) {
            return false;
        }
        self.bytes = grown;
        upload.progress_client_version = version;
        upload.progress_server_version = upload.progress_server_version.max(head.base);
        if !changeset.is_empty() {
            let entry = UploadEntry {
                client_version: version,
                server_version: head.base,
                timestamp: head.timestamp,
                origin_file_ident: 0,
                changeset,
            };
            write_upload_entry(&mut upload.body, &entry);
            upload.entries += 1;
        }
        true
    }

    fn end(mut self) -> Upload {
        self.upload.progress_client_version = self.upload.progress_client_version.max(self.target);
        self.upload
    }
}

/// Whether the next entry with a content is one that was never handed out.
fn takes_write(from: &impl Read, record: &SyncRecord, after: u64, target: u64) -> Result<bool> {
    if !record.has_unsent(target) {
        return Ok(false);
    }
    for entry in history::heads(from, after.saturating_add(1), record.sent.min(target))? {
        let (version, head) = entry?;
        if !changeset(from, version, head)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn changeset(from: &impl Read, version: u64, head: EntryHead) -> Result<Vec<u8>> {
    if head.is_local {
        history::original(from, version)
    } else {
        Ok(Vec::new())
    }
}

impl<S: Storage> Database<S> {
    /// The body of the next UPLOAD after a position, up to and including `target`.
    ///
    /// Entries that are empty, came from the server or hold nothing that was not overwritten are passed
    /// over, but count for the progress. Collecting stops before the next entry once `bytes_max` is reached.
    ///
    /// A version that a crash could take back, between the slices of a bootstrap, is not named yet.
    ///
    /// Entries that were never handed out before are written to the file as such first, in a write of its
    /// own: see [`Database::hands_out`].
    pub fn next_upload(
        &self,
        after: u64,
        server_version: u64,
        target: u64,
        bytes_max: u64,
    ) -> Result<Upload> {
        self.expect_synced()?;
        let collection = |newest| Collection {
            upload: Upload {
                progress_client_version: after,
                progress_server_version: server_version,
                ..Upload::default()
            },
            target: target.min(newest).min(self.durable_version()),
            bytes: 0,
            bytes_max,
        };
        let snapshot = self.read()?;
        let record = SyncRecord::read(&snapshot.storage)?;
        if takes_write(&snapshot.storage, &record, after, target)? {
            drop(snapshot);
            return self.hand_out(after, &collection);
        }
        let mut collection = collection(snapshot.version());
        if record.has_unsent(target) {
            collection.target = collection.target.min(record.sent);
        }
        let heads = history::heads(
            &snapshot.storage,
            after.saturating_add(1),
            collection.target,
        )?;
        for entry in heads {
            let (version, head) = entry?;
            let changeset = changeset(&snapshot.storage, version, head)?;
            if !collection.take(version, head, &changeset) {
                return Ok(collection.upload);
            }
        }
        let upload = collection.end();
        self.drained_by(&upload, snapshot.version());
        Ok(upload)
    }

    /// Whether an upload after a position and up to `target` takes the write: whether what comes next was
    /// never handed out.
    pub fn hands_out(&self, after: u64, target: u64) -> Result<bool> {
        self.expect_synced()?;
        let snapshot = self.read()?;
        let record = SyncRecord::read(&snapshot.storage)?;
        takes_write(&snapshot.storage, &record, after, target)
    }

    /// Newest version that was handed out: up to here nothing changes any more.
    pub fn handed_out_version(&self) -> Result<u64> {
        self.expect_synced()?;
        Ok(SyncRecord::read(&self.read()?.storage)?.sent)
    }

    fn drained_by(&self, upload: &Upload, newest: u64) {
        if upload.progress_client_version >= newest {
            self.with_compactor(Compactor::drained);
        }
    }

    /// Collects entries of which some leave for the first time.
    fn hand_out(&self, after: u64, begin: &dyn Fn(u64) -> Collection) -> Result<Upload> {
        let write = self.begin_unrecorded()?;
        let (mut storage, newest, catalog) = (write.storage, write.head.version, write.catalog);
        let mut record = SyncRecord::read(&storage)?;
        let collection = begin(newest);
        let result = self
            .collect_cleaned(&mut storage, &catalog, record.sent, after, collection)
            .and_then(|(upload, reached)| {
                record.sent = record.sent.max(reached.min(newest));
                record.write(&mut storage);
                storage.commit(Durability::Durable)?;
                Ok(upload)
            });
        match &result {
            Ok(upload) => {
                self.handed_out(record.sent);
                self.drained_by(upload, newest);
            }
            Err(_) => self.with_compactor(Compactor::reset),
        }
        result
    }

    /// Entries that were not sent lose what is needless in them before they are taken. The answer says up to
    /// where that was done: further than the message reaches, if that is full.
    fn collect_cleaned(
        &self,
        storage: &mut Write<S>,
        catalog: &Catalog,
        sent: u64,
        after: u64,
        mut collection: Collection,
    ) -> Result<(Upload, u64)> {
        let mut next = after.saturating_add(1);
        let mut ahead = None;
        loop {
            let heads = history::heads(storage, next, collection.target)?;
            let heads = heads.take(HEADS_MAX).collect::<Result<Vec<_>>>()?;
            if heads.is_empty() {
                let reached = next - 1;
                let upload = if ahead.is_some() {
                    collection.upload
                } else {
                    collection.end()
                };
                return Ok((upload, reached));
            }
            for (version, head) in heads {
                if ahead.is_some_and(|bytes| bytes >= MARKED_AHEAD_BYTES) {
                    return Ok((collection.upload, next - 1));
                }
                if head.is_local && version > sent {
                    self.clean(storage, catalog, sent, version)?;
                }
                let is_taken = ahead.is_none() && {
                    let changeset = changeset(storage, version, head)?;
                    collection.take(version, head, &changeset)
                };
                if !is_taken {
                    ahead = Some(ahead.unwrap_or(0) + u64::from(head.size));
                }
                next = version + 1;
            }
        }
    }
}
