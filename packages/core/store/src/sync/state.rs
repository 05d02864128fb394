//! Ident, cursors and counters.

use tidemark_storage::{Read, Storage, Write};

use crate::database::Database;
use crate::head::FIRST_VERSION;
use crate::record::{RecordReader, RecordWriter};
use crate::sync::BootstrapRecord;
use crate::tables::{META, meta};
use crate::{Result, StoreError, history};

/// The progress fields of a DOWNLOAD.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DownloadProgress {
    /// Position in the server's history that the message reaches.
    pub download_server_version: u64,
    /// Highest client version integrated by the server at that position.
    pub download_client_version: u64,
    /// Head of the server's history when the message was made.
    pub latest_server_version: u64,
    /// Salt of that version.
    pub latest_server_version_salt: u64,
    /// Highest client version integrated at all: the acknowledgement of uploads.
    pub upload_client_version: u64,
    /// The server version that the client declared for it.
    pub upload_server_version: u64,
    /// The server's estimate, 0 to 1.
    pub progress_estimate: f64,
}

/// The stored side of synchronisation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SyncRecord {
    pub file_ident: u64,
    pub file_ident_salt: u64,
    pub progress: DownloadProgress,
    /// Newest client version that holds something to upload.
    pub newest_uploadable: u64,
    pub bytes_uploaded: u64,
    pub bytes_uploadable: u64,
    pub bytes_downloaded: u64,
    pub bytes_downloadable: u64,
    /// Newest client version that may have been sent: entries up to it never change again.
    pub sent: u64,
}

/// The estimate is kept as a whole number of ten-thousandths, as the original does.
const ESTIMATE_SCALE: f64 = 10_000.0;

impl SyncRecord {
    pub fn read(from: &impl Read) -> Result<Self> {
        let Some(bytes) = from.get(META, meta::SYNC)? else {
            return Ok(Self::default());
        };
        let mut record = RecordReader::new(&bytes);
        let mut read = Self {
            file_ident: record.u64()?,
            file_ident_salt: record.u64()?,
            progress: read_progress(&mut record)?,
            newest_uploadable: record.u64()?,
            bytes_uploaded: record.u64()?,
            bytes_uploadable: record.u64()?,
            bytes_downloaded: record.u64()?,
            bytes_downloadable: record.u64()?,
            sent: 0,
        };
        // Where nothing is said, everything may have been sent.
        read.sent = if record.is_empty() {
            read.newest_uploadable
        } else {
            record.u64()?
        };
        Ok(read)
    }

    pub fn write<S: Storage>(&self, to: &mut Write<S>) {
        let mut record = RecordWriter::new();
        record.u64(self.file_ident).u64(self.file_ident_salt);
        write_progress(&mut record, &self.progress);
        record
            .u64(self.newest_uploadable)
            .u64(self.bytes_uploaded)
            .u64(self.bytes_uploadable)
            .u64(self.bytes_downloaded)
            .u64(self.bytes_downloadable)
            .u64(self.sent);
        to.put(META, meta::SYNC, &record.finish());
    }

    /// Whether up to a version there is something that was never handed out to be sent.
    pub fn has_unsent(&self, target: u64) -> bool {
        self.sent < self.newest_uploadable.min(target)
    }

    /// Takes over the progress of a download, in the write that integrates it; history that it makes
    /// needless goes. Returns the first version whose history is still needed.
    ///
    /// `version` is the version that the write will have.
    pub fn advance<S: Storage>(
        &mut self,
        write: &mut Write<S>,
        version: u64,
        progress: &DownloadProgress,
    ) -> Result<u64> {
        check_progress(&self.progress, progress, version)?;
        let old = self.progress;
        self.progress = *progress;
        if progress.upload_server_version == 0 {
            self.progress.upload_server_version = old.upload_server_version;
        }
        let (acknowledged, before) = (progress.upload_client_version, old.upload_client_version);
        if acknowledged > before {
            for head in history::heads(write, before + 1, acknowledged)? {
                let (_, head) = head?;
                self.bytes_uploaded += if head.is_local {
                    u64::from(head.size)
                } else {
                    0
                };
            }
        }
        // Whole numbers of ten-thousandths: nothing is lost that anybody shows.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let scaled = (progress.progress_estimate.clamp(0.0, 1.0) * ESTIMATE_SCALE) as u64;
        self.bytes_downloadable = scaled;
        self.trim(write, version)
    }

    /// Everything that no later download can be based on goes: entries up to the download's client version,
    /// and after it those without a changeset up to the first with one.
    fn trim<S: Storage>(&self, write: &mut Write<S>, version: u64) -> Result<u64> {
        let based_on = self.progress.download_client_version;
        let mut first_needed = version;
        for head in history::heads(write, based_on + 1, version)? {
            let (version, head) = head?;
            if head.is_local {
                first_needed = version;
                break;
            }
        }
        history::trim(write, first_needed)?;
        Ok(first_needed)
    }
}

fn read_progress(record: &mut RecordReader<'_>) -> Result<DownloadProgress> {
    Ok(DownloadProgress {
        download_server_version: record.u64()?,
        download_client_version: record.u64()?,
        latest_server_version: record.u64()?,
        latest_server_version_salt: record.u64()?,
        upload_client_version: record.u64()?,
        upload_server_version: record.u64()?,
        progress_estimate: f64::from_bits(record.u64()?),
    })
}

fn write_progress(record: &mut RecordWriter, progress: &DownloadProgress) {
    record
        .u64(progress.download_server_version)
        .u64(progress.download_client_version)
        .u64(progress.latest_server_version)
        .u64(progress.latest_server_version_salt)
        .u64(progress.upload_client_version)
        .u64(progress.upload_server_version)
        .u64(progress.progress_estimate.to_bits());
}

impl DownloadProgress {
    pub(crate) fn read(record: &mut RecordReader<'_>) -> Result<Self> {
        read_progress(record)
    }

    pub(crate) fn write(&self, record: &mut RecordWriter) {
        write_progress(record, self);
    }
}

/// The checks of the protocol on the header of a DOWNLOAD, against what is stored.
pub(crate) fn check_progress(
    stored: &DownloadProgress,
    new: &DownloadProgress,
    newest_client_version: u64,
) -> Result<()> {
    let refuse = |what: &str| Err(StoreError::BadProgress(what.to_owned()));
    if new.latest_server_version < stored.latest_server_version
        || new.download_server_version < stored.download_server_version
        || new.download_client_version < stored.download_client_version
        || new.upload_client_version < stored.upload_client_version
        || (new.upload_server_version > 0
            && new.upload_server_version < stored.upload_server_version)
    {
        return refuse("a version decreases");
    }
    if new.upload_client_version > newest_client_version {
        return refuse("the upload client version is beyond the newest one");
    }
    if new.download_server_version > new.latest_server_version {
        return refuse("the download server version is beyond the latest one");
    }
    if new.download_client_version > new.upload_client_version {
        return refuse("the download client version is beyond the upload client version");
    }
    if new.upload_server_version > new.download_server_version {
        return refuse("the upload server version is beyond the download server version");
    }
    Ok(())
}

/// What the file knows about its synchronisation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncState {
    /// Ident that the server gave; 0 before.
    pub file_ident: u64,
    /// Salt of the ident.
    pub file_ident_salt: u64,
    /// Cursors.
    pub progress: DownloadProgress,
    /// Newest client version; 0 of a file that nothing was written to.
    pub client_version: u64,
    /// Newest client version that holds something to upload.
    pub newest_uploadable_version: u64,
    /// Size of the acknowledged changesets.
    pub bytes_uploaded: u64,
    /// Size of all local changesets as they were committed: compaction changes nothing about progress.
    pub bytes_uploadable: u64,
    /// Size of the integrated changesets.
    pub bytes_downloaded: u64,
    /// The server's estimate in ten-thousandths.
    pub bytes_downloadable: u64,
    /// Size of the stored parts of a bootstrap.
    pub pending_bootstrap_bytes: u64,
}

impl<S: Storage> Database<S> {
    /// What the file knows about its synchronisation.
    pub fn sync_state(&self) -> Result<SyncState> {
        self.expect_synced()?;
        let snapshot = self.read()?;
        let record = SyncRecord::read(&snapshot.storage)?;
        let bootstrap = BootstrapRecord::read(&snapshot.storage)?;
        let version = snapshot.version();
        Ok(SyncState {
            file_ident: record.file_ident,
            file_ident_salt: record.file_ident_salt,
            progress: record.progress,
            client_version: if version == FIRST_VERSION { 0 } else { version },
            newest_uploadable_version: record.newest_uploadable,
            bytes_uploaded: record.bytes_uploaded,
            bytes_uploadable: record.bytes_uploadable,
            bytes_downloaded: record.bytes_downloaded,
            bytes_downloadable: record.bytes_downloadable,
            pending_bootstrap_bytes: bootstrap.map_or(0, |bootstrap| bootstrap.bytes),
        })
    }

    /// Stores the ident that the server gave; both client-version cursors begin anew.
    pub fn set_file_ident(&self, ident: u64, salt: u64) -> Result<()> {
        self.expect_synced()?;
        self.change_quietly(|write| {
            let mut record = SyncRecord::read(write)?;
            record.file_ident = ident;
            record.file_ident_salt = salt;
            record.progress.download_client_version = 0;
            record.progress.upload_client_version = 0;
            record.write(write);
            Ok(())
        })
    }
}
