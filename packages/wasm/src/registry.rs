//! The databases that this instance has open, by file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use redb::StorageBackend;
use tidemark_storage::{Encryption, FileStorage, Storage, StorageError, check_closed_file};
use tidemark_store::boundary::SharedStore;
use tidemark_store::{CLIENT_FORMAT, CopyForm, Database, DatabaseOptions, StoreError};

use crate::files::{self, HostFile};

/// A database that is open here.
pub struct OpenStore {
    /// The database.
    pub store: SharedStore<FileStorage>,
    /// `None` for one in memory.
    path: Option<String>,
    is_synced: bool,
}

thread_local! {
    /// Open databases with the number of their handles.
    static REGISTRY: RefCell<HashMap<String, (Rc<OpenStore>, usize)>> = RefCell::default();
}

impl OpenStore {
    fn new(
        storage: FileStorage,
        path: Option<String>,
        options: DatabaseOptions,
    ) -> Result<Rc<Self>, StoreError> {
        let store = SharedStore::new(Database::open(storage, options)?);
        let is_synced = options.is_synced;
        Ok(Rc::new(Self {
            store,
            path,
            is_synced,
        }))
    }
}

impl OpenStore {
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
        let path = files::canonical(path)?;
        if files::exists(&path)? {
            return Err(StorageError::Exists(path).into());
        }
        let target = open_file(&path, secret)?;
        let copied = self.store.database().copy_to(&target, form);
        let closed = target.close();
        let result = copied.and(closed.map_err(StoreError::from));
        if result.is_err() {
            // What is there of it is of no use to anybody.
            let _ = files::remove(&path);
        }
        result
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

fn open_file(path: &str, secret: Option<Secret<'_>>) -> Result<FileStorage, StoreError> {
    let encryption = encryption_of(secret)?;
    let is_new = !files::exists(path)?;
    let opened = HostFile::open(path).and_then(|file| {
        // A panic would end all that is open here, so that redb sees no file that could cause one.
        check_closed_file(Arc::new(file.clone())).inspect_err(|_| {
            // The first error says more than that of closing.
            let _ = StorageBackend::close(&file);
        })?;
        FileStorage::with_backend(file, CLIENT_FORMAT, encryption)
    });
    if is_new && opened.is_err() && !matches!(opened, Err(StorageError::InUse)) {
        // What was begun is of no use to anybody; that it cannot be removed changes nothing.
        let _ = files::remove(path);
    }
    Ok(opened?)
}

/// Opens a database or joins it; `None` makes one in memory, which needs no key.
pub fn open(
    path: Option<&str>,
    options: DatabaseOptions,
    secret: Option<Secret<'_>>,
) -> Result<Rc<OpenStore>, StoreError> {
    let Some(path) = path else {
        encryption_of(secret)?;
        return OpenStore::new(FileStorage::in_memory(CLIENT_FORMAT)?, None, options);
    };
    let path = files::canonical(path)?;
    REGISTRY.with_borrow_mut(|registry| {
        if let Some((open, handles)) = registry.get_mut(&path) {
            if open.is_synced != options.is_synced {
                let text = "the file is open with another choice of synchronisation";
                return Err(StoreError::MalformedArgument(text.to_owned()));
            }
            if !open.has_key(secret) {
                return Err(StorageError::WrongKey.into());
            }
            *handles += 1;
            return Ok(Rc::clone(open));
        }
        let storage = open_file(&path, secret)?;
        let open = OpenStore::new(storage, Some(path.clone()), options)?;
        registry.insert(path, (Rc::clone(&open), 1));
        Ok(open)
    })
}

/// Gives a handle back; with the last one the database closes.
pub fn release(open: &OpenStore) {
    let is_last = open.path.as_ref().is_none_or(|path| {
        REGISTRY.with_borrow_mut(|registry| {
            let Some((_, handles)) = registry.get_mut(path) else {
                return false;
            };
            *handles -= 1;
            if *handles > 0 {
                return false;
            }
            registry.remove(path);
            true
        })
    });
    if is_last {
        // Closing can fail on a device that is gone; nobody is left to hear of it.
        let _ = open.store.close();
    }
}

/// Whether a file is open here.
pub fn is_open(path: &str) -> bool {
    files::canonical(path)
        .is_ok_and(|path| REGISTRY.with_borrow(|registry| registry.contains_key(&path)))
}

/// Closes everything: the process is about to end.
pub fn close_all() {
    for (open, _) in REGISTRY.take().into_values() {
        let _ = open.store.close();
    }
}

/// Removes a database file that nobody has open.
pub fn delete(path: &str) -> Result<(), StoreError> {
    let path = files::canonical(path)?;
    if REGISTRY.with_borrow(|registry| registry.contains_key(&path)) {
        return Err(StoreError::Open);
    }
    Ok(files::remove(&path)?)
}
