//! What stands between redb and the file: it recognises what the file is, seals pages if there is a key, and
//! outlives a redb that has met an error of the device.
//!
//! redb does nothing more once the device has failed; the file has to be opened anew. Before that the head of
//! the last durable state is put back: a commit that was refused never comes true afterwards, and nothing
//! refers to pages of which nobody knows whether they reached the disk.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use redb::{BackendError, StorageBackend};

use super::encryption::{self, Encryption, Sealed};
use crate::redb_head::{FLAGS_OFFSET, HEAD_BYTES, MAGIC as REDB_MAGIC, PAGES_FIRST_FLAG};
use crate::{Result, StorageError};

/// A file whose creation was interrupted is not longer.
const UNFINISHED_BYTES_MAX: u64 = 8 << 20;
const CHUNK_BYTES: usize = 64 << 10;

/// The head as the device has it.
#[derive(Default)]
struct Heads {
    /// As of the last sync; empty before the first.
    durable: Vec<u8>,
    /// Written since.
    pending: Option<Vec<u8>>,
}

/// The file of a storage, in the form that redb sees.
pub(super) struct Device {
    raw: Arc<dyn StorageBackend>,
    encryption: Option<Encryption>,
    /// Recognised when redb first asks, which is after it has locked the file.
    form: OnceLock<Form>,
    forming: Mutex<()>,
    heads: Mutex<Heads>,
    heads_synced: AtomicU64,
    has_failed: AtomicBool,
    is_locked: AtomicBool,
    /// Databases of redb that have not closed it.
    users: AtomicUsize,
    is_ending: AtomicBool,
    is_closed: AtomicBool,
}

/// Whether pages are sealed.
enum Form {
    Plain(Arc<dyn StorageBackend>),
    Sealed(Sealed),
}

impl Form {
    fn backend(&self) -> &dyn StorageBackend {
        match self {
            Self::Plain(raw) => &**raw,
            Self::Sealed(sealed) => sealed,
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Device")
    }
}

impl Device {
    pub fn new(raw: Arc<dyn StorageBackend>, encryption: Option<Encryption>) -> Arc<Self> {
        Arc::new(Self {
            raw,
            encryption,
            form: OnceLock::new(),
            forming: Mutex::new(()),
            heads: Mutex::default(),
            heads_synced: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            is_locked: AtomicBool::new(false),
            users: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        })
    }

    /// The device for one more database of redb.
    pub fn lend(self: &Arc<Self>) -> Lent {
        self.users.fetch_add(1, Ordering::AcqRel);
        Lent(Arc::clone(self))
    }

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn form(&self) -> io::Result<&Form> {
        let _turn = self.forming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(form) = self.form.get() {
            return Ok(form);
        }
        let form = self.recognise().map_err(io::Error::other)?;
        Ok(self.form.get_or_init(|| form))
    }

    fn recognise(&self) -> Result<Form> {
        let raw = Arc::clone(&self.raw);
        let mut length = raw.len()?;
        let mut start = vec![0; HEAD_BYTES.min(usize::try_from(length).unwrap_or(HEAD_BYTES))];
        raw.read(0, &mut start)?;
        if length > 0 && is_unfinished(&*raw, &start, HEAD_BYTES as u64)? {
            raw.set_len(0)?;
            length = 0;
        }
        let is_sealed = start.starts_with(&encryption::MAGIC);
        let form = match &self.encryption {
            None if is_sealed => return Err(StorageError::KeyNeeded),
            None => Form::Plain(Arc::clone(&raw)),
            Some(encryption) if is_sealed => {
                Form::Sealed(Sealed::open(Arc::clone(&raw), encryption)?)
            }
            Some(encryption) if length == 0 => {
                Form::Sealed(Sealed::create(Arc::clone(&raw), encryption)?)
            }
            Some(_) if start.starts_with(REDB_MAGIC) => return Err(StorageError::NotEncrypted),
            Some(_) => return Err(StorageError::Damaged("it is no database".to_owned())),
        };
        let backend = form.backend();
        let logical_length = backend.len()?;
        let is_empty = logical_length == 0;
        if !is_empty && logical_length < HEAD_BYTES as u64 {
            return Err(StorageError::Damaged("it is no database".to_owned()));
        }
        let mut head = vec![0; HEAD_BYTES];
        if is_sealed || !is_empty {
            backend.read(0, &mut head)?;
        }
        if is_empty && head.starts_with(REDB_MAGIC) {
            return Err(StorageError::Damaged("the file is cut off".to_owned()));
        }
        if is_empty {
            return Ok(form);
        }
        if is_sealed && is_unfinished(&*raw, &head, encryption::PAGES_OFFSET)? {
            backend.set_len(0)?;
            return Ok(form);
        }
        // Then redb takes all pages that it names for whole, and so they have to be.
        let is_settled = head[FLAGS_OFFSET] & PAGES_FIRST_FLAG != 0;
        if let Form::Sealed(sealed) = &form {
            sealed.be_lenient(!is_settled);
        }
        self.heads().durable = head;
        Ok(form)
    }

    /// The file is open: from now on a page that cannot be opened is an error.
    pub fn be_strict(&self) {
        if let Some(Form::Sealed(sealed)) = self.form.get() {
            sealed.be_lenient(false);
        }
    }

    /// What redb has open of it is of no use any more.
    pub fn give_up(&self) {
        self.has_failed.store(true, Ordering::Release);
    }

    /// No database of redb uses it any more, though one has not said so.
    pub fn take_back(&self) {
        self.users.store(0, Ordering::Release);
    }

    /// Whether redb has been told of an error, after which it does nothing more.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Whether this is the key that it was made with, or there was none.
    pub fn has_key(&self, key: Option<&[u8]>) -> bool {
        match (&self.encryption, key) {
            (Some(encryption), Some(key)) => encryption.is_of(key),
            (None, None) => true,
            _ => false,
        }
    }

    /// Size of the file.
    pub fn len(&self) -> Result<u64> {
        Ok(self.raw.len()?)
    }

    /// Grows whenever a head that was written becomes durable.
    pub fn heads_synced(&self) -> u64 {
        self.heads_synced.load(Ordering::Acquire)
    }

    /// Whether the storage over it was closed.
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// Makes the device ready for another database of redb after an error.
    pub fn restore(&self) -> Result<()> {
        let Some(form) = self.form.get() else {
            self.has_failed.store(false, Ordering::Release);
            return Ok(());
        };
        let backend = form.backend();
        let mut heads = self.heads();
        if heads.durable.is_empty() {
            backend.set_len(0)?;
        } else if heads.pending.is_some() {
            backend.write(0, &heads.durable)?;
            backend.sync_data()?;
        }
        heads.pending = None;
        if let Form::Sealed(sealed) = form {
            sealed.be_lenient(true);
        }
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    /// Closes the file as soon as redb does not use it.
    pub fn end(&self) -> Result<()> {
        self.is_ending.store(true, Ordering::Release);
        Ok(self.close_unused()?)
    }

    fn close_unused(&self) -> io::Result<()> {
        let is_unused = self.users.load(Ordering::Acquire) == 0 && self.is_ending();
        if is_unused && !self.is_closed.swap(true, Ordering::AcqRel) {
            return self.raw.close();
        }
        Ok(())
    }

    /// Does something with the file, and takes note if it fails.
    fn with<T>(&self, work: impl FnOnce(&dyn StorageBackend) -> io::Result<T>) -> io::Result<T> {
        let result = self.form().and_then(|form| work(form.backend()));
        if result.is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
        result
    }
}

/// Whether nothing was ever stored: redb writes its magic number when all else of an empty database is
/// durable.
///
/// `head` is what stands in the place of redb's head; pages follow from an offset on.
fn is_unfinished(raw: &dyn StorageBackend, head: &[u8], pages_from: u64) -> Result<bool> {
    let length = raw.len()?;
    let has_magic = head.iter().take(REDB_MAGIC.len()).any(|byte| *byte != 0);
    if has_magic || length > UNFINISHED_BYTES_MAX {
        return Ok(false);
    }
    let mut chunk = vec![0; CHUNK_BYTES];
    for offset in (pages_from..length).step_by(CHUNK_BYTES) {
        let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
        let chunk = &mut chunk[..left.min(CHUNK_BYTES)];
        raw.read(offset, chunk)?;
        if chunk.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A device in the hands of one database of redb.
#[derive(Debug)]
pub(super) struct Lent(Arc<Device>);

impl StorageBackend for Lent {
    fn len(&self) -> io::Result<u64> {
        self.0.with(StorageBackend::len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.with(|backend| backend.read(offset, out))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.with(|backend| backend.set_len(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.with(StorageBackend::sync_data)?;
        let mut heads = self.0.heads();
        if let Some(head) = heads.pending.take() {
            heads.durable = head;
            self.0.heads_synced.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset == 0 {
            self.0.heads().pending = Some(data.to_vec());
        }
        self.0.with(|backend| backend.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
        self.0.close_unused()
    }

    fn try_lock_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> std::result::Result<bool, BackendError> {
        // A database that follows a failed one finds the locks of that one.
        if self.0.is_locked.load(Ordering::Acquire) {
            return Ok(true);
        }
        self.0.raw.try_lock_range(start, end)
    }

    fn unlock_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> std::result::Result<(), BackendError> {
        self.0.raw.unlock_range(start, end)
    }

    fn query_lock_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> std::result::Result<bool, BackendError> {
        self.0.raw.query_lock_range(start, end)
    }
}

impl Device {
    /// The locks that redb took stay until the file is closed.
    pub fn keep_locks(&self) {
        self.is_locked.store(true, Ordering::Release);
    }
}
