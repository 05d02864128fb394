//! A client file with its process: the real store over a [`Disk`], and what the application does with it.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_changeset::{Name, PrimaryKey, Text};
use tidemark_storage::Storage;
use tidemark_store::sync::{Subscription, SubscriptionSet, SubscriptionState};
use tidemark_store::{Database, DatabaseOptions, StoreError, WriteTransaction};

use super::disk::{CrashPoint, Disk, Side};
use super::edits::{Marks, Writer};
use super::layout::{Layout, is_eternal_key};
use super::script::Edit;
use super::sent::Sent;
use super::session::Session;

/// Processes of one file that may die one right after the other.
const DEATHS_MAX: usize = 4;

/// Why a process stopped working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It died at a commit.
    Crash(CrashPoint),
    /// Something went wrong that nothing of what happened excuses.
    Fault(String),
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Self::Fault(text)
    }
}

/// A committed transaction, for the checks at the end.
#[derive(Clone, Debug)]
pub struct Committed {
    pub version: u64,
    pub timestamp: u64,
    pub counts: Vec<(Name, PrimaryKey, i64)>,
    pub erased: Vec<(Name, PrimaryKey)>,
    pub tokens: Vec<(Name, PrimaryKey, Text)>,
    pub sent: Vec<Sent>,
}

impl Committed {
    /// Whether it holds something that neither a later commit nor compaction takes back.
    pub fn is_lasting(&self) -> bool {
        let counted = self.counts.iter().map(|(_, key, _)| key);
        let put = self.tokens.iter().map(|(_, key, _)| key);
        counted.chain(put).any(is_eternal_key)
    }
}

/// What is known of a file under one ident, for the checks at the end.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Ident once the file has one.
    pub ident: u64,
    /// Everything that was committed durably.
    pub committed: Vec<Committed>,
    /// What was acknowledged when the file was given up.
    pub acknowledged: u64,
    /// 231s received: rejected client version, class, packed key.
    pub rejected: Vec<(u64, String, String)>,
    /// What was said in uploads: client version, and the bytes as a number.
    pub sent: BTreeMap<u64, u64>,
    /// Of a file that a client reset made: up to which version it may have recovered changesets, and the
    /// times that these have.
    pub recovered: Option<(u64, BTreeSet<u64>)>,
    /// Tokens that a client reset has to bring back.
    pub promised: Vec<(Name, PrimaryKey, Text)>,
}

/// A client file, its process and its user's application.
pub struct Client {
    pub disk: Disk,
    pub user: String,
    pub session: Session,
    pub file: File,
    database: Option<Database<Disk>>,
    options: DatabaseOptions,
    sets: Option<Vec<SubscriptionSet>>,
    /// Classes and the queries that the application wants.
    pub wanted: BTreeMap<String, String>,
    /// How far the client's clock is off.
    pub clock_offset: i64,
    /// What was acknowledged when the last client reset began.
    pub(super) acknowledged_before_reset: u64,
    /// Tokens that the file held then: what others had overruled is not recovered.
    pub(super) tokens_before_reset: BTreeSet<Text>,
    /// The server demands that the client starts over.
    pub has_to_reset: bool,
}

impl Client {
    /// A new file, which [`Client::begin`] makes.
    pub fn new(user: String, slice: u32, forgets: bool) -> Result<Self, Stop> {
        let disk = Disk::new(forgets).map_err(|error| Stop::Fault(error.to_string()))?;
        let options = DatabaseOptions {
            slice_instructions_max: (slice as usize).max(1),
            ..DatabaseOptions::default()
        };
        Ok(Self {
            disk,
            user,
            session: Session::default(),
            database: None,
            options,
            sets: None,
            file: File::default(),
            wanted: BTreeMap::new(),
            clock_offset: 0,
            acknowledged_before_reset: 0,
            tokens_before_reset: BTreeSet::new(),
            has_to_reset: false,
        })
    }

    /// Makes the file: the schema if the application has one, then the first subscription set. Done again
    /// after a crash, it does what is left.
    pub fn begin(
        &mut self,
        layout: Option<&Layout>,
        wanted: &BTreeMap<String, String>,
    ) -> Result<(), Stop> {
        if self.database.is_none() {
            self.open()?;
        }
        if let Some(layout) = layout.filter(|_| self.file.committed.is_empty()) {
            self.write_schema(layout, 1)?;
        }
        if !wanted.is_empty() && self.wanted.is_empty() {
            self.subscribe(wanted.clone(), 1)?;
        }
        Ok(())
    }

    /// What an error of the store means.
    pub fn stop(&self, error: &StoreError) -> Stop {
        match self.disk.crashed() {
            Some(point) => Stop::Crash(point),
            None => Stop::Fault(format!("the store of {} fails: {error}", self.user)),
        }
    }

    /// Runs something on the store, under the name that a crash in it has.
    pub fn run<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Database<Disk>) -> tidemark_store::Result<T>,
    ) -> Result<T, Stop> {
        self.attempt(doing, work)?
            .map_err(|error| self.stop(&error))
    }

    /// Like [`Client::run`], for what may be refused: the inner error is no crash.
    pub fn attempt<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Database<Disk>) -> tidemark_store::Result<T>,
    ) -> Result<Result<T, StoreError>, Stop> {
        self.disk.doing(doing);
        let database = self.database.as_ref();
        let database = database.ok_or_else(|| Stop::Fault("the file is not open".to_owned()))?;
        match work(database) {
            Err(error) if self.disk.crashed().is_some() => Err(self.stop(&error)),
            result => Ok(result),
        }
    }

    /// The open database.
    pub fn database(&self) -> Result<&Database<Disk>, Stop> {
        self.database
            .as_ref()
            .ok_or_else(|| Stop::Fault("the file is not open".to_owned()))
    }

    fn open(&mut self) -> Result<(), Stop> {
        self.disk.doing("open file");
        let opened = Database::open(self.disk.clone(), self.options);
        self.database = Some(opened.map_err(|error| self.stop(&error))?);
        self.sets = None;
        Ok(())
    }

    /// A new process opens the file, and its session readies it.
    pub fn restart(&mut self) -> Result<(), Stop> {
        self.database = None;
        self.session = Session::default();
        self.disk.restart();
        self.open()?;
        if self.file.ident == 0 {
            self.file.ident = self.run("read", Database::sync_state)?.file_ident;
        }
        let version = self.database()?.version();
        let newest = self
            .file
            .committed
            .last()
            .map_or(0, |commit| commit.version);
        if version < newest {
            let text = format!(
                "{}: version {newest} was durable, {version} is left",
                self.user
            );
            return Err(Stop::Fault(text));
        }
        self.start_session()
    }

    /// The sets, as last read.
    pub fn sets(&mut self) -> Result<&[SubscriptionSet], Stop> {
        if self.sets.is_none() {
            self.sets = Some(self.run("read", Database::subscription_sets)?);
        }
        Ok(self.sets.as_deref().unwrap_or_default())
    }

    pub(super) fn forget_sets(&mut self) {
        self.sets = None;
    }

    /// Changes the state of a set.
    pub fn set_state(&mut self, version: u64, state: SubscriptionState) -> Result<(), Stop> {
        self.sets = None;
        self.run("subscription state", |database| {
            database.set_subscription_state(version, state, None)
        })
    }

    /// Commits a transaction of the application.
    pub fn write(
        &mut self,
        layout: &Layout,
        edits: &[Edit],
        timestamp: u64,
        next_token: &mut u64,
    ) -> Result<(), Stop> {
        self.transaction(timestamp, |write| {
            let mut writer = Writer {
                write,
                layout,
                next_token,
                marks: Marks::default(),
                sent: BTreeMap::new(),
            };
            for edit in edits {
                writer.edit(edit)?;
            }
            writer.marks.sent = writer.take_sent()?;
            Ok(writer.marks)
        })
    }

    /// Commits the schema that the application has.
    pub fn write_schema(&mut self, layout: &Layout, timestamp: u64) -> Result<(), Stop> {
        self.transaction(timestamp, |write| {
            for instruction in layout.instructions() {
                write.change_schema(&instruction)?;
            }
            Ok(Marks::default())
        })
    }

    fn transaction(
        &mut self,
        timestamp: u64,
        work: impl FnOnce(&mut WriteTransaction<Disk>) -> tidemark_store::Result<Marks>,
    ) -> Result<(), Stop> {
        let mut write = self.run("rest of a bootstrap before a write", Database::begin_write)?;
        let marks = work(&mut write).map_err(|error| self.stop(&error))?;
        let version = write.next_version();
        self.disk.doing("local commit");
        let result = self.database()?.commit(write, timestamp);
        let outcome = result.map_err(|error| self.stop(&error));
        if let Err(Stop::Fault(text)) = &outcome {
            return Err(Stop::Fault(text.clone()));
        }
        if self.is_durable() {
            self.sets = None;
            self.file.committed.push(Committed {
                version,
                timestamp,
                counts: marks.counts,
                erased: marks.erased,
                tokens: marks.tokens,
                sent: marks.sent,
            });
        }
        outcome.map(drop)
    }

    /// Whether what was just committed will be found by the next process.
    fn is_durable(&self) -> bool {
        self.disk
            .crashed()
            .is_none_or(|(_, side)| side == Side::After)
    }

    /// Commits a new subscription set.
    pub fn subscribe(
        &mut self,
        wanted: BTreeMap<String, String>,
        timestamp: u64,
    ) -> Result<(), Stop> {
        let subscriptions = wanted.iter().map(|(class, query)| Subscription {
            class_name: class.clone(),
            query: query.clone(),
            ..Subscription::default()
        });
        let subscriptions = subscriptions.collect();
        self.sets = None;
        // So that a process that dies at the commit itself dies at that of the set.
        self.run("rest of a bootstrap before a write", |database| {
            database.begin_write().map(drop)
        })?;
        let result = self.run("subscription commit", |database| {
            database.commit_subscription_set(subscriptions, timestamp)
        });
        let kept = match &result {
            Ok(_) => true,
            Err(Stop::Crash((doing, side))) => {
                *doing == "subscription commit" && *side == Side::After
            }
            Err(Stop::Fault(_)) => false,
        };
        if kept {
            self.wanted = wanted;
        }
        result.map(drop)
    }

    /// Takes the result of work that may have ended in a crash: the process is started anew. The answer is
    /// where processes died.
    pub fn survive(&mut self, result: Result<(), Stop>) -> Result<Vec<CrashPoint>, String> {
        let mut points = Vec::new();
        let mut result = result;
        // A fuse blows at most twice.
        while points.len() < DEATHS_MAX {
            match result {
                Ok(()) => return Ok(points),
                Err(Stop::Fault(text)) => return Err(text),
                Err(Stop::Crash(point)) => points.push(point),
            }
            result = self.restart();
        }
        Err(format!("{} dies again and again", self.user))
    }

    /// Everything the file holds, by names, with real list slots.
    pub fn export(&self) -> Result<tidemark_model::memory::Database, Stop> {
        let snapshot = self.database()?.read().map_err(|error| self.stop(&error))?;
        snapshot.view().export().map_err(|error| self.stop(&error))
    }

    /// The process ends for good.
    pub fn close(&mut self) -> Result<(), Stop> {
        self.database = None;
        self.disk
            .close()
            .map_err(|error| Stop::Fault(error.to_string()))
    }

    /// Up to which version the server has acknowledged what the file wrote.
    pub fn acknowledged(&mut self) -> Result<u64, Stop> {
        let state = self.run("read", Database::sync_state)?;
        Ok(state.progress.upload_client_version)
    }

    /// A name for messages.
    pub fn name(&self) -> String {
        format!("{} (file {})", self.user, self.file.ident)
    }
}
