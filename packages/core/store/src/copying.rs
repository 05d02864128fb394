//! Copies of a database in another storage.

use std::ops::Bound;

use rustc_hash::FxHashSet;
use tidemark_changeset::{Instruction, Name, PrimaryKey, packed};
use tidemark_storage::{Durability, Read, Storage, TABLES_MAX, TableId};

use crate::database::Database;
use crate::record::{RecordReader, RecordWriter};
use crate::sync::{SyncRecord, read_sets, settle_sets};
use crate::tables::{BOOTSTRAP, HISTORY, META, RECIPROCALS, SUBSCRIPTIONS, meta};
use crate::transaction::{WriteTransaction, split_row};
use crate::{Result, StoreError};

/// What is held in memory at a time.
const COPIED_BYTES_MAX: usize = 4 << 20;

/// What a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyForm {
    /// A local database: nothing is left of synchronisation.
    Local,
    /// A synchronised one for another device: it asks the server for an ident of its own, and is sent all
    /// that its subscriptions see. Until then it shows what it was made with.
    Synced,
}

impl<S: Storage> Database<S> {
    /// Copies the newest version into an empty storage, durable when this returns.
    ///
    /// A synchronised copy may hold nothing that the server has not integrated: with another ident it would
    /// be uploaded twice.
    pub fn copy_to<T: Storage>(&self, target: &T, form: CopyForm) -> Result<()> {
        if form == CopyForm::Synced {
            self.expect_synced()?;
        }
        if self.is_synced() {
            self.end_bootstrap()?;
        }
        let snapshot = self.read()?;
        let from = &snapshot.storage;
        let record = SyncRecord::read(from)?;
        if form == CopyForm::Synced
            && record.newest_uploadable > record.progress.upload_client_version
        {
            return Err(StoreError::Unsynced);
        }
        let mut write = target.begin_write()?;
        let mut bytes = 0;
        for number in (0u8..).take(TABLES_MAX) {
            let table = TableId::new(number);
            if !is_copied(table, form) {
                continue;
            }
            for entry in from.range(table, Bound::Unbounded, Bound::Unbounded)? {
                let (key, value) = entry?;
                bytes += key.len() + value.len();
                write.put_shared(table, &key, value.into_shared());
                if bytes >= COPIED_BYTES_MAX {
                    // Only the last commit makes anything durable.
                    write.commit(Durability::Later)?;
                    write = target.begin_write()?;
                    bytes = 0;
                }
            }
        }
        for record in [meta::BOOTSTRAP, meta::RESET, meta::RESET_REPORTS] {
            write.delete(META, record);
        }
        match form {
            CopyForm::Local => {
                write.delete(META, meta::SYNC);
                write.delete(META, meta::COPIED);
                write.delete(META, meta::RULE_FIELDS);
            }
            CopyForm::Synced => {
                SyncRecord::default().write(&mut write);
                settle_sets(&mut write, false)?;
                let sets = read_sets(&write)?;
                let newest = sets.last().map_or(0, |set| set.version);
                let mut awaited = RecordWriter::new();
                awaited.u64(newest);
                write.put(META, meta::COPIED, &awaited.finish());
            }
        }
        Ok(write.commit(Durability::Durable)?)
    }
}

fn is_copied(table: TableId, form: CopyForm) -> bool {
    match table {
        // What was uploaded belongs to the ident that it was uploaded with.
        HISTORY | RECIPROCALS | BOOTSTRAP => false,
        SUBSCRIPTIONS => form == CopyForm::Synced,
        _ => true,
    }
}

/// The subscription set whose bootstrap a copy waits for; `None` if it is none, or has heard from the server.
pub(crate) fn awaited_set(from: &impl Read) -> Result<Option<u64>> {
    let record = from.get(META, meta::COPIED)?;
    record
        .map(|bytes| RecordReader::new(&bytes).u64())
        .transpose()
}

impl<S: Storage> WriteTransaction<S> {
    /// What a copy was made with and the server does not have any more goes: all objects but those of its
    /// first bootstrap, and those that were created here since.
    pub(crate) fn end_copy(&mut self, kept: &FxHashSet<(Name, PrimaryKey)>) -> Result<()> {
        let view = self.view()?;
        let mut gone = Vec::new();
        for (position, class) in view.catalog.classes().enumerate() {
            if class.is_embedded() || class.is_asymmetric() {
                continue;
            }
            for row in view.objects_by_id(view.catalog.id_at(position)?)? {
                let key = packed::read_key(split_row(&row?.1)?.0)?;
                let object = (class.name.clone(), key);
                if !kept.contains(&object) {
                    gone.push(object);
                }
            }
        }
        for (class, key) in gone {
            self.apply(&Instruction::EraseObject { class, key })?;
        }
        self.storage.delete(META, meta::COPIED);
        Ok(())
    }
}

/// Adds the objects that instructions create.
pub(crate) fn note_created(instructions: &[Instruction], to: &mut FxHashSet<(Name, PrimaryKey)>) {
    for instruction in instructions {
        if let Instruction::CreateObject { class, key } = instruction {
            to.insert((class.clone(), key.clone()));
        }
    }
}
