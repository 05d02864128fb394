//! The databases that this instance has open, by file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tidemark_storage::FileStorage;
use tidemark_store::boundary::SharedStore;
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions, StoreError};

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

/// Opens a database or joins it; `None` makes one in memory.
pub fn open(path: Option<&str>, options: DatabaseOptions) -> Result<Rc<OpenStore>, StoreError> {
    let Some(path) = path else {
        return OpenStore::new(FileStorage::in_memory(CLIENT_FORMAT)?, None, options);
    };
    let path = files::canonical(path)?;
    REGISTRY.with_borrow_mut(|registry| {
        if let Some((open, handles)) = registry.get_mut(&path) {
            if open.is_synced != options.is_synced {
                let text = "the file is open with another choice of synchronisation";
                return Err(StoreError::MalformedArgument(text.to_owned()));
            }
            *handles += 1;
            return Ok(Rc::clone(open));
        }
        let storage = FileStorage::with_backend(HostFile::open(&path)?, CLIENT_FORMAT)?;
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
