//! A small durable key-value store, for the server's users.

use std::path::Path;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use tidemark_storage::key_value::KEY_VALUE_FORMAT;
use tidemark_storage::{FileStorage, KeyValueStore};

use crate::failure::{Result, storage_failure};

/// A pair, as `entries` gives it and `write` takes it.
#[napi(object)]
pub struct KeyValuePair {
    /// The key.
    pub key: String,
    /// The value; absent in `write` deletes.
    pub value: Option<Uint8Array>,
}

/// Pairs of text and bytes. Every change is durable when it returns.
#[napi]
pub struct KeyValue {
    store: KeyValueStore<FileStorage>,
}

#[napi]
impl KeyValue {
    /// Opens a file or creates it; without a path the pairs are kept in memory.
    #[napi(factory, catch_unwind)]
    pub fn open(path: Option<String>) -> Result<Self> {
        let storage = match path {
            Some(path) => FileStorage::open(Path::new(&path), KEY_VALUE_FORMAT),
            None => FileStorage::in_memory(KEY_VALUE_FORMAT),
        };
        Ok(Self {
            store: KeyValueStore::new(storage.map_err(storage_failure)?),
        })
    }

    /// The value of a key, or null.
    #[napi(catch_unwind)]
    pub fn get(&self, key: String) -> Result<Option<Uint8Array>> {
        self.store
            .get(&key)
            .map(|value| value.map(Uint8Array::from))
            .map_err(storage_failure)
    }

    /// Gives a key a value.
    #[napi(catch_unwind)]
    pub fn put(&self, key: String, value: &[u8]) -> Result<()> {
        self.store
            .write([(key.as_str(), Some(value))])
            .map_err(storage_failure)
    }

    /// Takes a key's value away.
    #[napi(catch_unwind)]
    pub fn delete(&self, key: String) -> Result<()> {
        self.store
            .write([(key.as_str(), None)])
            .map_err(storage_failure)
    }

    /// The pairs whose key begins with a prefix, by the bytes of the keys.
    #[napi(catch_unwind)]
    pub fn entries(&self, prefix: String) -> Result<Vec<KeyValuePair>> {
        let entries = self.store.entries(&prefix).map_err(storage_failure)?;
        let pair = |(key, value): (String, Vec<u8>)| KeyValuePair {
            key,
            value: Some(value.into()),
        };
        Ok(entries.into_iter().map(pair).collect())
    }

    /// Makes all changes at once.
    #[napi(catch_unwind)]
    pub fn write(&self, changes: Vec<KeyValuePair>) -> Result<()> {
        let changes = changes
            .iter()
            .map(|change| (change.key.as_str(), change.value.as_deref()));
        self.store.write(changes).map_err(storage_failure)
    }

    /// Closes the file.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<()> {
        self.store.close().map_err(storage_failure)
    }
}
