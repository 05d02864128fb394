//! Subscription sets and their states.

use tidemark_storage::{Read, Storage, Write};

use crate::compaction::Compactor;
use crate::database::Database;
use crate::record::{RecordReader, RecordWriter};
use crate::sync::SyncRecord;
use crate::tables::SUBSCRIPTIONS;
use crate::{Result, StoreError};

/// Where a set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SubscriptionState {
    /// Not answered by the server yet.
    Pending = 1,
    /// The first part of its bootstrap has come.
    Bootstrapping = 2,
    /// Its bootstrap is applied.
    Complete = 3,
    /// The server refused it.
    Error = 4,
    /// Its bootstrap is applied; what was uploaded before may still come back.
    AwaitingMark = 6,
}

impl SubscriptionState {
    /// The name at the boundary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Bootstrapping => "bootstrapping",
            Self::Complete => "complete",
            Self::Error => "error",
            Self::AwaitingMark => "awaiting-mark",
        }
    }

    /// The state of a name at the boundary.
    pub fn of_name(name: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Bootstrapping,
            Self::Complete,
            Self::Error,
            Self::AwaitingMark,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }

    fn of_number(number: u8) -> Option<Self> {
        [
            Self::Pending,
            Self::Bootstrapping,
            Self::Complete,
            Self::Error,
            Self::AwaitingMark,
        ]
        .into_iter()
        .find(|state| *state as u8 == number)
    }

    /// Whether the set's data is there, which makes all older sets needless.
    fn supersedes(self) -> bool {
        matches!(self, Self::Complete | Self::AwaitingMark)
    }
}

/// A subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// 24 hex digits.
    pub id: String,
    /// Name, if it has one.
    pub name: Option<String>,
    /// Class it is about.
    pub class_name: String,
    /// Its query.
    pub query: String,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// Milliseconds since 1970.
    pub updated_at_ms: u64,
}

/// A subscription set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSet {
    /// Its version: 0 for the empty set that a file begins with.
    pub version: u64,
    /// Where it stands.
    pub state: SubscriptionState,
    /// The server's words, if it refused.
    pub error: Option<String>,
    /// Client version of the commit that made it.
    pub snapshot_version: u64,
    /// Its subscriptions.
    pub subscriptions: Vec<Subscription>,
}

impl SubscriptionSet {
    fn of_record(version: u64, bytes: &[u8]) -> Result<Self> {
        let mut record = RecordReader::new(bytes);
        let state = SubscriptionState::of_number(record.u8()?)
            .ok_or(StoreError::Damaged("a subscription set has no state"))?;
        let error = read_optional(&mut record)?;
        let snapshot_version = record.u64()?;
        let mut subscriptions = Vec::new();
        while !record.is_empty() {
            subscriptions.push(Subscription {
                id: record.text()?,
                name: read_optional(&mut record)?,
                class_name: record.text()?,
                query: record.text()?,
                created_at_ms: record.u64()?,
                updated_at_ms: record.u64()?,
            });
        }
        Ok(Self {
            version,
            state,
            error,
            snapshot_version,
            subscriptions,
        })
    }

    fn write<S: Storage>(&self, to: &mut Write<S>) {
        let mut record = RecordWriter::new();
        record.u8(self.state as u8);
        write_optional(&mut record, self.error.as_deref());
        record.u64(self.snapshot_version);
        for subscription in &self.subscriptions {
            record.bytes(subscription.id.as_bytes());
            write_optional(&mut record, subscription.name.as_deref());
            record
                .bytes(subscription.class_name.as_bytes())
                .bytes(subscription.query.as_bytes());
            record
                .u64(subscription.created_at_ms)
                .u64(subscription.updated_at_ms);
        }
        to.put(SUBSCRIPTIONS, &self.version.to_be_bytes(), &record.finish());
    }
}

fn read_optional(record: &mut RecordReader<'_>) -> Result<Option<String>> {
    Ok(if record.u8()? == 0 {
        None
    } else {
        Some(record.text()?)
    })
}

fn write_optional(record: &mut RecordWriter, text: Option<&str>) {
    match text {
        Some(text) => record.u8(1).bytes(text.as_bytes()),
        None => record.u8(0),
    };
}

pub(crate) fn read_sets(from: &impl Read) -> Result<Vec<SubscriptionSet>> {
    let entries = from.prefix(SUBSCRIPTIONS, &[])?;
    entries
        .map(|entry| {
            let (key, value) = entry?;
            let version = key.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
            let version = version.ok_or(StoreError::Damaged("a subscription key is too short"))?;
            SubscriptionSet::of_record(version, &value)
        })
        .collect()
}

/// The empty set that every synchronised file begins with.
pub(crate) fn create_zeroth<S: Storage>(to: &mut Write<S>, snapshot_version: u64) {
    let (state, subscriptions) = (SubscriptionState::Pending, Vec::new());
    SubscriptionSet {
        version: 0,
        state,
        error: None,
        snapshot_version,
        subscriptions,
    }
    .write(to);
}

/// Changes a set's state inside a write; a set whose data is there removes the older ones.
pub(crate) fn change_state<S: Storage>(
    write: &mut Write<S>,
    version: u64,
    state: SubscriptionState,
    error: Option<String>,
) -> Result<()> {
    let bytes = write
        .get(SUBSCRIPTIONS, &version.to_be_bytes())?
        .ok_or_else(|| {
            StoreError::NotFound(format!("There is no subscription set of version {version}"))
        })?;
    let mut set = SubscriptionSet::of_record(version, &bytes)?;
    set.state = state;
    set.error = error;
    set.write(write);
    if state.supersedes() {
        for older in read_sets(write)?.iter().filter(|set| set.version < version) {
            write.delete(SUBSCRIPTIONS, &older.version.to_be_bytes());
        }
    }
    Ok(())
}

/// After a client reset, and in a copy, the active set's data is there. Newer sets wait for the server
/// again, or go; the answer is those that went.
pub(crate) fn settle_sets<S: Storage>(write: &mut Write<S>, keeps_newer: bool) -> Result<Vec<u64>> {
    let sets = read_sets(write)?;
    let active = sets.iter().rfind(|set| set.state.supersedes());
    let Some(active) = active.or(sets.first()).map(|set| set.version) else {
        return Ok(Vec::new());
    };
    let mut gone = Vec::new();
    for mut set in sets.into_iter().filter(|set| set.version > active) {
        if !keeps_newer {
            write.delete(SUBSCRIPTIONS, &set.version.to_be_bytes());
            gone.push(set.version);
        } else if set.state == SubscriptionState::Bootstrapping {
            set.state = SubscriptionState::Pending;
            set.write(write);
        }
    }
    change_state(write, active, SubscriptionState::Complete, None)?;
    Ok(gone)
}

/// The state of a set, if it is still kept.
pub(crate) fn state_of(from: &impl Read, version: u64) -> Result<Option<SubscriptionState>> {
    let bytes = from.get(SUBSCRIPTIONS, &version.to_be_bytes())?;
    bytes
        .map(|bytes| Ok(SubscriptionSet::of_record(version, &bytes)?.state))
        .transpose()
}

impl<S: Storage> Database<S> {
    /// All kept sets, oldest first.
    pub fn subscription_sets(&self) -> Result<Vec<SubscriptionSet>> {
        self.expect_synced()?;
        read_sets(&self.read()?.storage)
    }

    /// Commits a new newest set in a write of its own and returns its version.
    pub fn commit_subscription_set(
        &self,
        subscriptions: Vec<Subscription>,
        timestamp: u64,
    ) -> Result<u64> {
        self.expect_synced()?;
        let mut write = self.begin_write()?;
        let sync = SyncRecord::read(&write.storage)?;
        self.separate_history(&write, sync.sent)?;
        let newest = read_sets(&write.storage)?.last().map(|set| set.version);
        let version = newest.map_or(0, |newest| newest + 1);
        let (state, snapshot_version) = (SubscriptionState::Pending, write.next_version());
        SubscriptionSet {
            version,
            state,
            error: None,
            snapshot_version,
            subscriptions,
        }
        .write(&mut write.storage);
        self.with_compactor(Compactor::subscriptions_changed);
        self.commit(write, timestamp)?;
        Ok(version)
    }

    /// Moves a set to a state.
    pub fn set_subscription_state(
        &self,
        version: u64,
        state: SubscriptionState,
        error: Option<String>,
    ) -> Result<()> {
        self.expect_synced()?;
        self.change_quietly(|write| {
            self.with_compactor(Compactor::subscriptions_changed);
            change_state(write, version, state, error)
        })
    }
}
