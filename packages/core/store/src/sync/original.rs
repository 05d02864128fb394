//! The merge with the original's defects, for replaying recorded cases.
//!
//! One of them (OT3) compares values by where they lie in the bytes of the two changesets, so this way of
//! merging works with bytes. It looks at the whole history each time; no client uses it.

use tidemark_changeset::codec;
use tidemark_storage::Storage;
use tidemark_transform::{Entry, merge_changesets};

use crate::database::Database;
use crate::history;
use crate::sync::download::Incoming;
use crate::transaction::WriteTransaction;
use crate::{Result, StoreError};

impl<S: Storage> Database<S> {
    /// Merges entries of one base with what was done here since.
    pub(crate) fn merge_run_by_bytes(
        &self,
        write: &mut WriteTransaction<S>,
        run: &mut [Incoming],
        ident: u64,
    ) -> Result<()> {
        let base = run.first().map_or(0, |entry| entry.client_version);
        let mut ours = Vec::new();
        for head in history::heads(&write.storage, base.saturating_add(1), u64::MAX)? {
            let (version, head) = head?;
            if head.is_local {
                let bytes = history::reciprocal(&write.storage, version)?;
                ours.push(Entry::decode(version, 0, head.timestamp, ident, &bytes)?);
            }
        }
        let theirs = run.iter().map(|entry| {
            let (version, base) = (entry.server_version, entry.client_version);
            Entry::decode(
                version,
                base,
                entry.timestamp,
                entry.origin_file_ident,
                &entry.changeset,
            )
        });
        let mut theirs = theirs.collect::<std::result::Result<Vec<_>, _>>()?;
        merge_changesets(ident, &mut ours, &mut theirs, self.rules(), None)
            .map_err(|error| StoreError::BadChangeset(error.to_string()))?;
        for (entry, merged) in run.iter_mut().zip(theirs) {
            entry.instructions = merged.changeset.instructions;
        }
        for entry in ours.iter().filter(|entry| entry.dirty) {
            let bytes = codec::encode_canonical(&entry.changeset);
            history::put_reciprocal(&mut write.storage, entry.version, &bytes);
        }
        Ok(())
    }
}
