//! The databases that this process has open, by file.
//!
//! All threads of the process load the same addon, so this table is theirs together: a worker that opens a
//! file joins the database the main thread has open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidemark_storage::{Encryption, FileStorage, StorageError};
use tidemark_store::boundary::SharedStore;
use tidemark_store::{CLIENT_FORMAT, CopyForm, Database, DatabaseOptions, StoreError};

use crate::gate::{Gate, Writer};

/// How long closing waits for a write of another thread to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A database that is open in this process.
pub struct OpenStore {
    /// The database.
    pub store: SharedStore<FileStorage>,
    /// Who may write.
    pub gate: Gate,
    /// `None` for one in memory.
    path: Option<PathBuf>,
    is_synced: bool,
}

/// Open databases with the number of their handles.
type Registry = HashMap<PathBuf, (Arc<OpenStore>, usize)>;

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one path that stands for a file, whether or not it exists yet.
fn canonical(path: &str) -> Result<PathBuf, StoreError> {
    let path = Path::new(path);
    if let Ok(canonical) = path.canonicalize() {
        return Ok(canonical);
    }
    let name = path
        .file_name()
        .ok_or_else(|| StorageError::NotFound(path.display().to_string()))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(parent
        .canonicalize()
        .map_err(StorageError::from)?
        .join(name))
}

impl OpenStore {
    fn new(
        storage: FileStorage,
        path: Option<PathBuf>,
        options: DatabaseOptions,
    ) -> Result<Self, StoreError> {
        let store = SharedStore::new(Database::open(storage, options)?);
        Ok(Self {
            store,
            gate: Gate::default(),
            path,
            is_synced: options.is_synced,
        })
    }

    fn has_key(&self, secret: Option<Secret<'_>>) -> bool {
        let storage = self.store.database().storage();
        storage.has_key(secret.map(|secret| secret.key))
    }

    /// Writes a copy to a path where nothing is.
    pub fn copy(
        &self,
        path: &str,
        form: CopyForm,
        secret: Option<Secret<'_>>,
    ) -> Result<(), StoreError> {
        let encryption = encryption_of(secret)?;
        let path = canonical(path)?;
        // Held so that nobody opens it meanwhile.
        let _registry = registry();
        if path.exists() {
            return Err(StorageError::Exists(path.display().to_string()).into());
        }
        let target = FileStorage::open_with(&path, CLIENT_FORMAT, encryption)?;
        let copied = self.store.database().copy_to(&target, form);
        let closed = tidemark_storage::Storage::close(&target);
        let result = copied.and(closed.map_err(StoreError::from));
        if result.is_err() {
            // What is there of it is of no use to anybody.
            let _ = std::fs::remove_file(&path);
        }
        result
    }

    /// Lets a write in progress end, then drops everything and closes the file.
    fn shut(&self) {
        // A write that was left open by this thread ends here; one of another thread is given time.
        let entered = self.gate.enter(Writer::Application, CLOSE_TIMEOUT).is_ok();
        self.gate.close();
        // Closing can fail on a device that is gone; nobody is left to hear of it.
        let _ = self.store.close();
        if entered {
            self.gate.leave();
        }
    }
}

/// The key of an encrypted file, with random bytes that were never used before.
#[derive(Clone, Copy)]
pub struct Secret<'a> {
    /// As the application gave it.
    pub key: &'a [u8],
    /// From the host.
    pub seed: &'a [u8],
}

fn encryption_of(secret: Option<Secret<'_>>) -> Result<Option<Encryption>, StorageError> {
    secret
        .map(|secret| Encryption::new(secret.key, secret.seed))
        .transpose()
}

/// Opens a database or joins it; `None` makes one in memory, which needs no key.
pub fn open(
    path: Option<&str>,
    options: DatabaseOptions,
    secret: Option<Secret<'_>>,
) -> Result<Arc<OpenStore>, StoreError> {
    let encryption = encryption_of(secret)?;
    let Some(path) = path else {
        let storage = FileStorage::in_memory(CLIENT_FORMAT)?;
        return Ok(Arc::new(OpenStore::new(storage, None, options)?));
    };
    let path = canonical(path)?;
    let mut registry = registry();
    if let Some((open, handles)) = registry.get_mut(&path) {
        if open.is_synced != options.is_synced {
            let text = "the file is open with another choice of synchronisation";
            return Err(StoreError::MalformedArgument(text.to_owned()));
        }
        if !open.has_key(secret) {
            return Err(StorageError::WrongKey.into());
        }
        *handles += 1;
        return Ok(Arc::clone(open));
    }
    let storage = FileStorage::open_with(&path, CLIENT_FORMAT, encryption)?;
    // The file exists now, so that its canonical path is certain.
    let open = Arc::new(OpenStore::new(storage, Some(path.clone()), options)?);
    registry.insert(path, (Arc::clone(&open), 1));
    Ok(open)
}

/// Gives a handle back; with the last one the database closes.
pub fn release(open: &OpenStore) {
    let Some(path) = &open.path else {
        open.shut();
        return;
    };
    let mut registry = registry();
    if let Some((_, handles)) = registry.get_mut(path) {
        *handles -= 1;
        if *handles == 0 {
            // Still under the lock: whoever opens the file next finds it closed.
            registry.remove(path);
            open.shut();
        }
    }
}

/// Whether a file is open in this process.
pub fn is_open(path: &str) -> bool {
    canonical(path).is_ok_and(|path| registry().contains_key(&path))
}

/// Closes everything: the process is about to end.
pub fn close_all() {
    let stores: Vec<Arc<OpenStore>> = registry().drain().map(|(_, (open, _))| open).collect();
    for open in stores {
        open.shut();
    }
}

/// Removes a database file that nobody has open.
pub fn delete(path: &str) -> Result<(), StoreError> {
    let path = canonical(path)?;
    // Held so that nobody opens it meanwhile.
    let registry = registry();
    if registry.contains_key(&path) {
        return Err(StoreError::Open);
    }
    if !path.exists() {
        return Ok(());
    }
    // Another process may have it open: only the lock tells. A damaged file may go.
    if let Err(StorageError::InUse) = FileStorage::open(&path, CLIENT_FORMAT) {
        return Err(StorageError::InUse.into());
    }
    Ok(std::fs::remove_file(&path).map_err(StorageError::from)?)
}
