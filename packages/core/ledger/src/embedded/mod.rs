//! The ledger over an embedded storage: sessions in memory, one writer, readers on snapshots.
//!
//! All methods take `&self`. Writing calls ([`Ledger::identify`], [`Ledger::query`], [`Ledger::integrate`])
//! take the one write lock; [`Ledger::next_download`] reads a snapshot and runs beside them. A call that
//! returns has made durable what it says.

mod arrange;
mod batch;
mod before_images;
#[cfg(test)]
#[path = "../../tests/common/mod.rs"]
mod common;
mod concerns;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod damaged;
mod download;
mod identify;
#[cfg(test)]
mod interrupted;
mod job;
mod log_objects;
mod maintain;
mod matching;
#[cfg(test)]
mod repair;
mod sessions;
mod standing;
mod status;
mod stored;
mod subscriptions;
pub mod tables;
#[cfg(test)]
mod tests;
mod upload;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tidemark_storage::{Read, Storage};

use batch::{Batch, Newest, read_newest};
use before_images::{Jobs, lock};
use concerns::Concerns;
use log_objects::LogObjects;
use maintain::Upkeep;
use matching::{Matcher, Numbered};
use sessions::Sessions;
use tables::Epoch;

use crate::error::{LedgerError, Refusal, Result};
use crate::limits::MAX_OFFLINE_MS;
use crate::rows::ClientRow;
use crate::switches::Switches;
use crate::views::Timeline;

pub use download::{BatchState, DownloadLimits, DownloadPart};
pub use identify::{Identification, Identified};
pub use maintain::Progress;
pub use sessions::SessionId;
pub use status::{SchemaChange, SchemaPolicy, Status};
pub use upload::{Upload, UploadAnswer};

/// How a ledger is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Salt of the epoch that this start opens; not 0.
    pub epoch_salt: u64,
    /// Whether clients may extend the schema.
    pub development_mode: bool,
    /// Rules that tests leave out.
    pub switches: Switches,
}

/// Which fields subscriptions may use when Development Mode is off; primary keys always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryableFields {
    /// In every class that has such a field.
    pub global: Vec<String>,
    /// By class.
    pub classes: BTreeMap<String, Vec<String>>,
    /// The indexed queryable field: in every class that has it, every subscription compares it with
    /// constants, and clients do not change it in an object that exists. In Development Mode as well.
    pub indexed: Option<String>,
}

/// A ledger.
pub struct Ledger<S: Storage> {
    storage: S,
    writer: Mutex<Newest>,
    published: RwLock<Newest>,
    sessions: Sessions,
    jobs: Jobs,
    log_objects: LogObjects,
    development_mode: AtomicBool,
    queryable: RwLock<QueryableFields>,
    max_offline_ms: AtomicU64,
    /// Taken only by who holds `writer`.
    upkeep: Mutex<Upkeep>,
    /// Taken only by who holds `writer`, so that a session is never between two commits.
    matcher: Mutex<Matcher>,
    /// Sessions that the matcher still has to forget.
    ended: Mutex<Vec<SessionId>>,
    /// Sessions that are owed something, until they are asked for.
    named: Mutex<Vec<Numbered>>,
    switches: Switches,
}

impl<S: Storage> Ledger<S> {
    /// Opens a ledger, or makes a new one with version 1, and opens an epoch.
    pub fn open(storage: S, options: Options) -> Result<Self> {
        if options.epoch_salt == 0 || options.epoch_salt > i64::MAX.cast_unsigned() {
            return Err(LedgerError::Argument(
                "an epoch's salt is from 1 to 2^63 - 1".to_owned(),
            ));
        }
        let known = read_newest(&storage.snapshot()?)?;
        let upkeep = Upkeep::read(&storage.snapshot()?)?;
        let is_new = known.is_none();
        let mut newest = known.unwrap_or_default();
        if is_new {
            newest.state.next_ident = 2;
        }
        let first = newest.state.version + 1;
        let epoch = Epoch {
            first,
            salt: options.epoch_salt,
        };
        newest.state.epochs.retain(|known| known.first < first);
        newest.state.epochs.push(epoch);
        let jobs = Jobs::default();
        let mut batch = Batch::begin(&storage, &newest, options.switches)?;
        if is_new {
            batch.schema_mut();
            batch.append_empty();
        }
        let newest = batch.commit(&jobs)?;
        Ok(Self {
            storage,
            writer: Mutex::new(newest.clone()),
            published: RwLock::new(newest),
            sessions: Sessions::default(),
            jobs,
            log_objects: LogObjects::default(),
            development_mode: AtomicBool::new(options.development_mode),
            queryable: RwLock::default(),
            max_offline_ms: AtomicU64::new(MAX_OFFLINE_MS),
            upkeep: Mutex::new(upkeep),
            matcher: Mutex::default(),
            ended: Mutex::default(),
            named: Mutex::default(),
            switches: options.switches,
        })
    }

    /// Closes the storage. Later calls fail.
    pub fn close(&self) -> Result<()> {
        let _writer = lock(&self.writer);
        self.sessions.clear();
        Ok(self.storage.close()?)
    }

    /// Changes whether clients may extend the schema, and use any field in subscriptions.
    pub fn set_development_mode(&self, on: bool) {
        self.development_mode.store(on, Ordering::Relaxed);
    }

    /// Says which fields subscriptions may use when Development Mode is off.
    pub fn set_queryable_fields(&self, fields: QueryableFields) {
        *self
            .queryable
            .write()
            .unwrap_or_else(PoisonError::into_inner) = fields;
    }

    /// Newest version.
    pub fn version(&self) -> u64 {
        self.newest().state.version
    }

    /// Gives a new client file its ident.
    pub fn allocate_file_ident(&self, user: &str, salt: u64, now_ms: u64) -> Result<u64> {
        if salt == 0 || salt > i64::MAX.cast_unsigned() {
            return Err(LedgerError::Argument(
                "a file's salt is from 1 to 2^63 - 1".to_owned(),
            ));
        }
        self.write(|batch| {
            let ident = batch.newest.state.next_ident;
            batch.newest.state.next_ident += 1;
            batch.newest.state.clients += 1;
            let user = user.to_owned();
            let row = ClientRow {
                salt,
                user,
                created_ms: now_ms,
                seen_ms: batch.newest.state.served_ms,
                born: batch.newest.state.version,
                ..ClientRow::default()
            };
            batch.put_client(ident, &row);
            Ok(ident)
        })
    }

    /// Makes a client file start over: its next IDENT, and every later one, is refused. A session that it has
    /// goes on until it is ended. `false` if there is no such file.
    pub fn force_reset(&self, ident: u64) -> Result<bool> {
        self.write(|batch| {
            let Some(row) = batch.client(ident)? else {
                return Ok(false);
            };
            batch.reset_client(ident, row);
            Ok(true)
        })
    }

    /// [`Ledger::force_reset`] for every client file there is, by one durable commit.
    pub fn force_reset_all(&self) -> Result<()> {
        self.write(Batch::reset_clients)
    }

    /// Ends a session.
    pub fn end_session(&self, session: SessionId) {
        self.sessions.remove(session);
        lock(&self.ended).push(session);
    }

    /// The sessions that became owed a message by what was committed, and by upkeep, since this was last
    /// asked, each once; among them some that are owed nothing, or have ended. No other session is owed
    /// anything, but for what its own IDENT or QUERY asked for.
    pub fn take_touched(&self) -> Vec<SessionId> {
        let named = std::mem::take(&mut *lock(&self.named));
        let take = |(id, session): Numbered| {
            session.named.store(false, Ordering::Release);
            id
        };
        named.into_iter().map(take).collect()
    }

    fn name(&self, sessions: impl IntoIterator<Item = Numbered>) {
        let mut named = lock(&self.named);
        let mut sessions = sessions.into_iter();
        named.extend(
            sessions
                .by_ref()
                .filter(|(_, session)| !session.named.swap(true, Ordering::AcqRel)),
        );
    }

    /// The matcher, without the sessions that have ended. Only for who holds the writer.
    fn matcher(&self) -> MutexGuard<'_, Matcher> {
        let mut matcher = lock(&self.matcher);
        for ended in std::mem::take(&mut *lock(&self.ended)) {
            matcher.remove(ended);
        }
        matcher
    }

    /// Has later commits matched with a session that saw the newest one's version come, and none after it.
    fn enlist(&self, newest: &Newest, session: Numbered, timeline: &Timeline) {
        if self.switches.skip_unconcerned {
            *lock(&session.1.concerns) = Concerns::all_through(newest.state.version);
        }
        self.matcher().register(&newest.schema, session, timeline);
    }

    /// Number of the newest version of the schema; the first is 0.
    pub fn schema_version(&self) -> u64 {
        self.newest().schema.newest_version()
    }

    /// Why a client may not be opened with a version of the schema, if it may not.
    pub fn check_schema_version(&self, presented: u64) -> Option<Refusal> {
        let newest = self.schema_version();
        (presented > newest).then(|| Refusal::bad_schema_version(presented, newest))
    }

    fn development(&self) -> bool {
        self.development_mode.load(Ordering::Relaxed)
    }

    fn newest(&self) -> Newest {
        self.published
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn publish(&self, newest: &Newest) {
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = newest.clone();
    }

    /// Runs a write and commits it.
    fn write<T, E: From<LedgerError>>(
        &self,
        work: impl FnOnce(&mut Batch<S>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.write_then(work, |result, _| result)
    }

    /// Runs a write, commits it, and does something more before anybody else commits.
    fn write_then<T, U, E: From<LedgerError>>(
        &self,
        work: impl FnOnce(&mut Batch<S>) -> std::result::Result<T, E>,
        then: impl FnOnce(T, &Newest) -> U,
    ) -> std::result::Result<U, E> {
        let mut writer = lock(&self.writer);
        let mut batch = Batch::begin(&self.storage, &writer, self.switches)?;
        let result = work(&mut batch)?;
        if batch.writes > 0 {
            let named = self.commit(&mut writer, batch)?;
            self.name(named);
        }
        Ok(then(result, &writer))
    }

    /// Commits and publishes. Returns the sessions that it concerns.
    fn commit(&self, writer: &mut Newest, mut batch: Batch<S>) -> Result<Vec<Numbered>> {
        let made = std::mem::take(&mut batch.made);
        let mut matcher = self.matcher();
        // Before it is durable: who sees a version in a snapshot has to find it noted.
        let before = self.switches.concern_before;
        let mut named = matcher.judge(&batch.newest.schema, &made, before);
        *writer = batch.commit(&self.jobs)?;
        matcher.patrol(writer.state.version, &mut named);
        self.publish(writer);
        Ok(named)
    }
}

/// State and schema of a snapshot: the published schema, unless a commit came between.
fn newest_of(published: &Newest, read: &impl Read) -> Result<Newest> {
    let state = read
        .get(tables::META, tables::STATE)?
        .ok_or(LedgerError::Damaged("there is no state"))?;
    let state = tables::State::read(&state)?;
    if state.schema_revision == published.state.schema_revision {
        return Ok(Newest {
            state,
            schema: Arc::clone(&published.schema),
        });
    }
    read_newest(read)?.ok_or(LedgerError::Damaged("there is no state"))
}
