//! One write of the ledger: everything in it becomes true with one durable commit.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use tidemark_changeset::codec;
use tidemark_query::Steps;
use tidemark_storage::{Durability, Read, Storage, TableId, Write};

use super::before_images::Jobs;
use super::matching::Made;
use super::stored::{Caches, StoredFacts};
use super::tables::{
    self, CHECKPOINTS, CLIENTS, ENTRIES, INDEX, META, OBJECTS, OWN_UPLOADS, RECIPROCALS, RECORDS,
    SCHEMA, STATE, State, VIEWS,
};
use crate::entries::{Entry, Origin, write_entry};
use crate::error::{LedgerError, Result};
use crate::facts::Facts;
use crate::fold::without;
use crate::object::ObjectKey;
use crate::outcome::{Outcome, RowChange};
use crate::rows::{ClientRow, Marks, OwnUpload, Reciprocal, Touch};
use crate::schema::LedgerSchema;
use crate::select::{SERVER_IDENT, SYNTHETIC_TIMESTAMP};
use crate::switches::Switches;
use crate::view_list::ViewList;

/// State and schema as of the newest commit.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    /// The state.
    pub state: State,
    /// The schema.
    pub schema: Arc<LedgerSchema>,
}

impl Newest {
    /// Up to which version nobody may refer to the log any more.
    pub fn trimmed(&self, switches: Switches) -> u64 {
        if switches.refuse_trimmed {
            self.state.trimmed
        } else {
            0
        }
    }
}

/// An open write with what it has made so far.
pub struct Batch<S: Storage> {
    write: Write<S>,
    /// State and schema as they will be.
    pub newest: Newest,
    caches: Caches,
    /// The first change of each object, and again after each version of the server's own: what a bootstrap of
    /// that version asks for.
    changed_rows: Vec<(u64, RowChange)>,
    changed: FxHashSet<ObjectKey>,
    schema_changed: bool,
    /// What sessions may have to be told of.
    pub made: Vec<Made>,
    /// Rules that tests leave out.
    pub switches: Switches,
    /// Grows with everything that is written.
    pub writes: u64,
}

impl<S: Storage> Batch<S> {
    /// Begins a write on the newest commit.
    pub fn begin(storage: &S, newest: &Newest, switches: Switches) -> Result<Self> {
        Ok(Self {
            write: storage.begin_write()?,
            newest: newest.clone(),
            caches: Caches::default(),
            changed_rows: Vec::new(),
            changed: FxHashSet::default(),
            schema_changed: false,
            made: Vec::new(),
            switches,
            writes: 0,
        })
    }

    /// The ledger's data with this write in it.
    pub fn facts(&self) -> StoredFacts<'_, Write<S>> {
        StoredFacts {
            read: &self.write,
            schema: &self.newest.schema,
            caches: &self.caches,
            trimmed: self.trimmed(),
        }
    }

    /// From here on, evaluating a client's views may cost so much.
    pub fn allow_steps(&mut self, most: u64) {
        self.caches.steps = Steps::new(most);
    }

    /// Up to which version nobody may refer to the log any more.
    pub fn trimmed(&self) -> u64 {
        self.newest.trimmed(self.switches)
    }

    /// The schema, to be changed: each time it is another revision, also within one batch.
    pub fn schema_mut(&mut self) -> &mut LedgerSchema {
        self.schema_changed = true;
        self.newest.state.schema_revision += 1;
        self.writes += 1;
        Arc::make_mut(&mut self.newest.schema)
    }

    fn append(&mut self, entry: &[u8]) -> u64 {
        self.newest.state.version += 1;
        let version = self.newest.state.version;
        self.write.put(ENTRIES, &tables::number(version), entry);
        self.newest.state.entry_bytes += entry.len() as u64;
        self.writes += 1;
        version
    }

    /// Takes a version for something of the server's own that changes no object.
    pub fn append_empty(&mut self) -> u64 {
        let origin = Origin {
            ident: SERVER_IDENT,
            client_version: 0,
            timestamp: SYNTHETIC_TIMESTAMP,
        };
        self.changed.clear();
        self.append(&write_entry(origin, 0, &[], &[], &[]))
    }

    /// Writes what an integrated changeset, or a change by the server, leads to, as the next version.
    pub fn apply(&mut self, origin: Origin, outcome: Outcome) -> u64 {
        let changeset = codec::encode(&outcome.instructions);
        let is_ghost = |(object, marks): &(ObjectKey, Marks)| marks.ghost.then(|| object.clone());
        let ghosts: Vec<ObjectKey> = outcome.touches.iter().filter_map(is_ghost).collect();
        let entry = write_entry(
            origin,
            outcome.schema_instructions,
            &changeset,
            &outcome.classes,
            &ghosts,
        );
        let version = self.append(&entry);
        for (object, marks) in outcome.touches {
            let touch = Touch {
                version,
                origin: origin.ident,
                marks,
            };
            self.write
                .put(INDEX, &tables::index(&object, version), &touch.write());
        }
        for change in outcome.rows {
            let (existed, exists) = (change.before.is_some(), change.after.is_some());
            self.newest.state.count(&change.object, existed, exists);
            match &change.after {
                Some(row) => {
                    self.write
                        .put_shared(OBJECTS, change.object.as_bytes(), Arc::clone(row));
                }
                None if existed => self.write.delete(OBJECTS, change.object.as_bytes()),
                None => {}
            }
            if self.changed.insert(change.object.clone()) {
                self.changed_rows.push((version, change));
            }
        }
        if let Some(own) = outcome.own {
            self.write.put(
                OWN_UPLOADS,
                &tables::of_client(origin.ident, version),
                &own.write(),
            );
        }
        for (object, record) in outcome.records {
            let key = tables::of_object(origin.ident, version, &object);
            self.write.put(RECORDS, &key, &record.write());
        }
        self.made.push(Made::new(
            origin.ident,
            version,
            outcome.schema_instructions,
            outcome.classes,
        ));
        version
    }

    /// Writes the forms that others' entries have after a client's uploads, by version and object.
    pub fn put_forms(&mut self, ident: u64, forms: Vec<(u64, ObjectKey, Reciprocal)>) {
        for (version, object, form) in forms {
            let key = tables::of_object(ident, version, &object);
            self.write.put(RECIPROCALS, &key, &form.write());
            self.writes += 1;
        }
    }

    /// A client's row.
    pub fn client(&self, ident: u64) -> Result<Option<ClientRow>> {
        let bytes = self.write.get(CLIENTS, &tables::number(ident))?;
        bytes.map(|bytes| ClientRow::read(&bytes)).transpose()
    }

    /// Writes a client's row.
    pub fn put_client(&mut self, ident: u64, row: &ClientRow) {
        self.write
            .put(CLIENTS, &tables::number(ident), &row.write());
        self.writes += 1;
    }

    /// Notes in a client's row that it has to start over.
    pub fn reset_client(&mut self, ident: u64, mut row: ClientRow) {
        if !row.reset {
            row.reset = true;
            self.put_client(ident, &row);
        }
    }

    /// … in those of all.
    pub fn reset_clients(&mut self) -> Result<()> {
        let mut from = 0;
        while let Some((ident, row)) = self.client_from(from)? {
            self.reset_client(ident, row);
            from = ident + 1;
        }
        Ok(())
    }

    /// A client's views.
    pub fn views(&self, ident: u64) -> Result<ViewList> {
        match self.write.get(VIEWS, &tables::number(ident))? {
            Some(bytes) => ViewList::read(&bytes),
            None => Ok(ViewList::default()),
        }
    }

    /// How many bytes are kept of a client's views.
    pub fn views_size(&self, ident: u64) -> Result<usize> {
        let bytes = self.write.get(VIEWS, &tables::number(ident))?;
        Ok(bytes.map_or(0, |bytes| bytes.len()))
    }

    /// Writes a client's views.
    pub fn put_views(&mut self, ident: u64, views: &ViewList) {
        self.write
            .put(VIEWS, &tables::number(ident), &views.write());
        self.writes += 1;
    }

    /// Deletes what a client can no longer refer to: own uploads and reciprocal forms up to its progress,
    /// records up to what both of its cursors and every later derivation have passed. Returns that last
    /// version.
    pub fn trim(&mut self, ident: u64, row: &ClientRow) -> Result<u64> {
        let progress = row.progress.1;
        let below = |version: u64| tables::of_client(ident, version.saturating_add(1));
        let first = tables::of_client(ident, 0);
        for table in [OWN_UPLOADS, RECIPROCALS] {
            delete_range(&mut self.write, table, &first, &below(progress))?;
        }
        self.caches.forget_own_uploads();
        let horizon = progress.min(self.oldest_own_base(ident)?);
        let records = horizon.min(row.download.0);
        delete_range(&mut self.write, RECORDS, &first, &below(records))?;
        self.writes += 1;
        Ok(horizon)
    }

    /// The lowest base of the own uploads that are kept of a client: they are in order. `u64::MAX` if there
    /// are none.
    pub fn oldest_own_base(&self, ident: u64) -> Result<u64> {
        let mut own = self.write.prefix(OWN_UPLOADS, &ident.to_be_bytes())?;
        match own.next().transpose()? {
            Some((_, bytes)) => Ok(OwnUpload::read(&bytes)?.base),
            None => Ok(u64::MAX),
        }
    }

    /// Deletes keys of a client at versions up to, and with, `through`, but not more than the budget allows.
    /// Returns whether all are gone.
    pub fn delete_of_client(
        &mut self,
        table: TableId,
        ident: u64,
        through: u64,
        budget: &mut usize,
    ) -> Result<bool> {
        let from = tables::of_client(ident, 0);
        let to = tables::of_client(ident, through.saturating_add(1));
        let range = self
            .write
            .range(table, Bound::Included(&from), Bound::Excluded(&to))?;
        let keys = range.take(*budget + 1).map(|line| Ok(line?.0));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let all = keys.len() <= *budget;
        for key in keys.iter().take(*budget) {
            self.write.delete(table, key);
            self.writes += 1;
        }
        *budget -= keys.len().min(*budget);
        self.caches.forget_own_uploads();
        Ok(all)
    }

    /// Deletes a client's row and views: it is not known any more.
    pub fn delete_client(&mut self, ident: u64) {
        self.write.delete(VIEWS, &tables::number(ident));
        self.write.delete(CLIENTS, &tables::number(ident));
        self.writes += 1;
    }

    /// The first client with an ident from `ident` on.
    pub fn client_from(&self, ident: u64) -> Result<Option<(u64, ClientRow)>> {
        let from = tables::number(ident);
        let mut range = self
            .write
            .range(CLIENTS, Bound::Included(&from), Bound::Unbounded)?;
        let Some((key, bytes)) = range.next().transpose()? else {
            return Ok(None);
        };
        Ok(Some((tables::last_number(&key)?, ClientRow::read(&bytes)?)))
    }

    /// Deletes the oldest entry of the log with its lines in the index. Returns its size, and how many keys
    /// went.
    pub fn trim_entry(&mut self) -> Result<(u64, usize)> {
        let version = self.newest.state.trimmed + 1;
        let key = tables::number(version);
        let mut gone = (0, 1);
        if let Some(bytes) = self.write.get(ENTRIES, &key)? {
            let entry = Entry::read(version, bytes.into_shared())?;
            let indexed = entry.indexed()?;
            for object in &indexed {
                self.write.delete(INDEX, &tables::index(object, version));
            }
            self.write.delete(ENTRIES, &key);
            gone = (entry.size() as u64, 1 + indexed.len());
        }
        let state = &mut self.newest.state;
        state.entry_bytes = state.entry_bytes.saturating_sub(gone.0);
        state.trimmed = version;
        self.writes += 1;
        Ok(gone)
    }

    /// Writes an entry anew without some of its instructions, and takes its lines out of the index where it
    /// says nothing more.
    pub fn fold_entry(&mut self, version: u64, dropped: &BTreeSet<usize>) -> Result<()> {
        let entry = self.facts().entry(version)?;
        let folded = without(&entry, dropped)?;
        let key = tables::number(version);
        for object in &folded.gone {
            self.write.delete(INDEX, &tables::index(object, version));
        }
        match &folded.bytes {
            Some(bytes) => self.write.put(ENTRIES, &key, bytes),
            None => self.write.delete(ENTRIES, &key),
        }
        let left = folded.bytes.map_or(0, |bytes| bytes.len() as u64);
        let bytes = &mut self.newest.state.entry_bytes;
        *bytes = bytes.saturating_sub(entry.size() as u64) + left;
        self.caches.forget_entry(version);
        self.writes += 1;
        Ok(())
    }

    /// Drops epochs of which no client can present a version.
    pub fn drop_epochs(&mut self) {
        let state = &mut self.newest.state;
        let covers = |epoch: &tables::Epoch| epoch.first <= state.trimmed;
        let unused = state.epochs.iter().rposition(covers).unwrap_or(0);
        state.epochs.drain(..unused);
        state.epochs_dropped += unused as u64;
    }

    /// Writes the checkpoints.
    pub fn put_checkpoints(&mut self, checkpoints: &[u8]) {
        self.write.put(META, CHECKPOINTS, checkpoints);
        self.writes += 1;
    }

    /// Makes everything true, durably. `jobs` get the rows as they were, first.
    pub fn commit(mut self, jobs: &Jobs) -> Result<Newest> {
        if self.schema_changed {
            self.write.put(META, SCHEMA, &self.newest.schema.write());
        }
        self.write.put(META, STATE, &self.newest.state.write());
        jobs.remember(&self.changed_rows);
        self.write.commit(Durability::Durable)?;
        Ok(self.newest)
    }
}

/// Deletes the keys from `from` on, up to, and without, `to`.
fn delete_range<S: Storage>(
    write: &mut Write<S>,
    table: TableId,
    from: &[u8],
    to: &[u8],
) -> Result<()> {
    Ok(write.delete_range(table, Bound::Included(from), Bound::Excluded(to))?)
}

/// Reads state and schema of a storage; `None` if it is new.
pub fn read_newest(read: &impl Read) -> Result<Option<Newest>> {
    let Some(state) = read.get(META, STATE)? else {
        return Ok(None);
    };
    let state = State::read(&state)?;
    let schema = read
        .get(META, SCHEMA)?
        .ok_or(LedgerError::Damaged("there is no schema"))?;
    Ok(Some(Newest {
        state,
        schema: Arc::new(LedgerSchema::read(&schema)?),
    }))
}
