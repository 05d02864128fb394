//! What to upload next.

use tidemark_changeset::body::{UploadEntry, write_upload_entry};
use tidemark_storage::Storage;

use crate::database::Database;
use crate::{Result, history};

/// The uncompressed changesets of one message never reach this size, unless it is a single one.
const UPLOAD_BYTES_MAX: u64 = 16 << 20;

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

impl<S: Storage> Database<S> {
    /// The body of the next UPLOAD after a position, up to and including `target`.
    ///
    /// Entries that are empty or came from the server are passed over, but count for the progress.
    /// Collecting stops before the next entry once `bytes_max` is reached.
    pub fn next_upload(
        &self,
        after: u64,
        server_version: u64,
        target: u64,
        bytes_max: u64,
    ) -> Result<Upload> {
        self.expect_synced()?;
        let snapshot = self.read()?;
        let target = target.min(snapshot.version());
        let mut upload = Upload {
            progress_client_version: after,
            progress_server_version: server_version,
            ..Upload::default()
        };
        let mut bytes = 0_u64;
        for entry in history::heads(&snapshot.storage, after.saturating_add(1), target)? {
            let (version, head) = entry?;
            let grown = bytes + u64::from(head.size);
            if bytes >= bytes_max || (upload.entries > 0 && grown >= UPLOAD_BYTES_MAX) {
                return Ok(upload);
            }
            upload.progress_client_version = version;
            upload.progress_server_version = upload.progress_server_version.max(head.base);
            if !head.is_local {
                continue;
            }
            bytes = grown;
            let changeset = history::original(&snapshot.storage, version)?;
            let entry = UploadEntry {
                client_version: version,
                server_version: head.base,
                timestamp: head.timestamp,
                origin_file_ident: 0,
                changeset: &changeset,
            };
            write_upload_entry(&mut upload.body, &entry);
            upload.entries += 1;
        }
        upload.progress_client_version = upload.progress_client_version.max(target);
        Ok(upload)
    }
}
