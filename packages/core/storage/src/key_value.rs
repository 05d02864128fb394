//! A small durable key-value store over any storage: what the server keeps its users in.

use std::sync::{Mutex, PoisonError};

use crate::{Durability, Format, Read, Result, Storage, TableId};

/// The table that holds the pairs.
const PAIRS: TableId = TableId::new(0);

/// The format of a key-value file.
pub const KEY_VALUE_FORMAT: Format = Format {
    kind: "key-value",
    version: 1,
    leaves: &[],
};

/// Pairs of text and bytes. Every change is durable when it returns.
pub struct KeyValueStore<S: Storage> {
    storage: S,
    /// One writer at a time; others wait.
    gate: Mutex<()>,
}

impl<S: Storage> KeyValueStore<S> {
    /// A store over a storage that nothing else uses.
    pub fn new(storage: S) -> Self {
        Self {
            storage,
            gate: Mutex::new(()),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self
            .storage
            .snapshot()?
            .get(PAIRS, key.as_bytes())?
            .map(|value| value.to_vec()))
    }

    /// The pairs whose key begins with a prefix, by the bytes of the keys.
    pub fn entries(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let snapshot = self.storage.snapshot()?;
        let entries = snapshot.prefix(PAIRS, prefix.as_bytes())?.map(|entry| {
            let (key, value) = entry?;
            Ok((String::from_utf8_lossy(&key).into_owned(), value.to_vec()))
        });
        entries.collect()
    }

    /// Makes all changes at once; `None` deletes.
    pub fn write<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) -> Result<()> {
        let _turn = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = self.storage.begin_write()?;
        for (key, value) in changes {
            match value {
                Some(value) => write.put(PAIRS, key.as_bytes(), value),
                None => write.delete(PAIRS, key.as_bytes()),
            }
        }
        write.commit(Durability::Durable)
    }

    /// Closes the storage.
    pub fn close(&self) -> Result<()> {
        self.storage.close()
    }
}
