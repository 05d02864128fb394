//! A client as the original's protocol describes it: original uploads, reciprocal history, bootstraps in
//! parts, and every check of a DOWNLOAD. Kept as plain as possible; what it does not accept is a fault of the
//! server.

use std::collections::BTreeSet;

use tidemark_changeset::body::{BodyLimits, parse_download_body};
use tidemark_changeset::{Instruction, Name, codec};
use tidemark_ledger::embedded::{BatchState, DownloadPart};
use tidemark_model::{ApplyError, memory::Database, original};
use tidemark_transform::{ColumnShape, Entry, Rules, merge_changesets};

/// Which values of `view` a client subscribes to, and whether to the second class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    pub values: BTreeSet<&'static str>,
    pub partners: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetState {
    Pending,
    AwaitingMark,
    Complete,
}

#[derive(Clone, Debug)]
pub struct SubscriptionSet {
    pub version: u64,
    pub subscription: Subscription,
    pub snapshot: u64,
    pub state: SetState,
}

#[derive(Clone, Debug)]
pub struct Change {
    pub client_version: u64,
    pub base: u64,
    pub timestamp: u64,
    pub instructions: Vec<Instruction>,
    /// The form after the merges so far, with its bytes: the original's merge depends on them.
    pub form: Entry,
    pub remote: bool,
}

impl Change {
    fn counts(&self) -> bool {
        !self.remote && !self.instructions.is_empty()
    }
}

#[derive(Clone, Debug)]
struct Incoming {
    version: u64,
    client_version: u64,
    timestamp: u64,
    origin: u64,
    changeset: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Accepted {
    latest: u64,
    server_version: u64,
    client_version: u64,
    upload_version: u64,
}

/// What a client sends.
#[derive(Clone, Debug)]
pub enum Message {
    Ident {
        download: (u64, u64),
        latest: (u64, u64),
        query_version: u64,
        subscription: Subscription,
    },
    Mark,
    Query {
        version: u64,
        subscription: Subscription,
    },
    Upload {
        progress: (u64, u64),
        locked: u64,
        changes: Vec<Change>,
    },
}

#[derive(Clone, Debug)]
pub struct Client {
    pub ident: u64,
    pub rules: Rules,
    /// Whether it is no fault if what it is sent cannot be merged or applied: it then starts over.
    pub may_fail: bool,
    pub database: Database,
    pub version: u64,
    pub history: Vec<Change>,
    /// Download cursor, persisted.
    pub download: (u64, u64),
    /// Upload cursor as acknowledged, persisted.
    pub upload: (u64, u64),
    /// Latest server version and its salt, persisted.
    pub latest: (u64, u64),
    pub sets: Vec<SubscriptionSet>,
    parts: Vec<Incoming>,
    parts_version: Option<u64>,
    pub online: bool,
    scan: (u64, u64),
    delayed: bool,
    sent_query: u64,
    accepted: Accepted,
    /// Announced compensations (version) that wait for their download.
    announced: Vec<u64>,
    pub compensations: u64,
    progress: f64,
}

pub type Fault = String;

impl Client {
    pub fn new(ident: u64, rules: Rules) -> Self {
        let first = SubscriptionSet {
            version: 0,
            subscription: Subscription::default(),
            snapshot: 0,
            state: SetState::Pending,
        };
        Self {
            ident,
            rules,
            may_fail: rules == Rules::ORIGINAL,
            database: Database::new(),
            version: 1,
            history: Vec::new(),
            download: (0, 0),
            upload: (0, 0),
            latest: (0, 0),
            sets: vec![first],
            parts: Vec::new(),
            parts_version: None,
            online: false,
            scan: (0, 0),
            delayed: false,
            sent_query: 0,
            accepted: Accepted::default(),
            announced: Vec::new(),
            compensations: 0,
            progress: 0.0,
        }
    }

    /// Commits a write transaction.
    pub fn write(&mut self, instructions: Vec<Instruction>, timestamp: u64) {
        apply(self.rules, &mut self.database, &instructions)
            .expect("a client writes only what applies");
        self.commit(instructions, timestamp, self.download.0, false);
    }

    fn commit(&mut self, instructions: Vec<Instruction>, timestamp: u64, base: u64, remote: bool) {
        self.version += 1;
        let bytes = codec::encode(&instructions);
        let form = Entry::decode(self.version, 0, timestamp, self.ident, &bytes);
        self.history.push(Change {
            client_version: self.version,
            base,
            timestamp,
            instructions,
            form: form.expect("just encoded"),
            remote,
        });
    }

    fn commit_empty(&mut self, remote: bool, base: u64) {
        self.commit(Vec::new(), 0, base, remote);
    }

    /// Commits a new subscription set.
    pub fn subscribe(&mut self, subscription: Subscription) {
        self.commit_empty(false, self.download.0);
        let version = self.newest_set().version + 1;
        let snapshot = self.version;
        self.sets.push(SubscriptionSet {
            version,
            subscription,
            snapshot,
            state: SetState::Pending,
        });
    }

    pub fn newest_set(&self) -> &SubscriptionSet {
        self.sets.last().expect("there is always a set")
    }

    /// The newest set in a state other than pending, or the first.
    fn active(&self) -> usize {
        let active = |set: &SubscriptionSet| set.version == 0 || set.state != SetState::Pending;
        self.sets
            .iter()
            .rposition(active)
            .expect("the oldest kept set is active")
    }

    pub fn connect(&mut self, delayed: bool) -> Vec<Message> {
        self.online = true;
        self.scan = self.upload;
        self.delayed = delayed;
        self.announced.clear();
        self.progress = 0.0;
        let active = self.sets[self.active()].clone();
        self.sent_query = active.version;
        self.accepted = Accepted {
            latest: self.latest.0,
            server_version: self.download.0,
            client_version: self.download.1,
            upload_version: self.upload.0,
        };
        let ident = Message::Ident {
            download: self.download,
            latest: self.latest,
            query_version: active.version,
            subscription: active.subscription,
        };
        vec![ident, Message::Mark]
    }

    /// The connection is lost; `restart` loses what was in memory as well.
    pub fn disconnect(&mut self, restart: bool) {
        self.online = false;
        if restart {
            self.parts.clear();
            self.parts_version = None;
        }
    }

    /// The next message to send, if any.
    pub fn next_message(&mut self, changes_max: usize) -> Option<Message> {
        if !self.online || self.delayed {
            return None;
        }
        if self.upload.0 > self.scan.0 {
            self.scan = self.upload;
        }
        let pending = self
            .sets
            .iter()
            .find(|set| set.version > self.sent_query && set.state == SetState::Pending)
            .cloned();
        if let Some(set) = pending.as_ref().filter(|set| self.scan.0 >= set.snapshot) {
            self.sent_query = set.version;
            return Some(Message::Query {
                version: set.version,
                subscription: set.subscription.clone(),
            });
        }
        let target = pending.map_or(self.version, |set| set.snapshot);
        if self.scan.0 >= target {
            return None;
        }
        let (mut client, mut server) = self.scan;
        let mut changes = Vec::new();
        let mut full = false;
        for change in &self.history {
            if change.client_version <= self.scan.0 || change.client_version > target {
                continue;
            }
            if changes.len() >= changes_max {
                full = true;
                break;
            }
            client = change.client_version;
            server = server.max(change.base);
            if change.counts() {
                changes.push(change.clone());
            }
        }
        if !full {
            client = target;
        }
        self.scan = (client, server);
        Some(Message::Upload {
            progress: self.scan,
            locked: self.download.0,
            changes,
        })
    }

    pub fn receive_mark(&mut self) {
        self.delayed = false;
        let active = self.active();
        let set = &mut self.sets[active];
        if set.state == SetState::AwaitingMark {
            set.state = SetState::Complete;
        }
    }

    /// Takes a 231.
    pub fn receive_compensation(&mut self, version: u64, client_version: u64) -> Result<(), Fault> {
        if self.announced.last().is_some_and(|last| *last >= version) {
            return Err(format!(
                "231s out of order: {version} after {:?}",
                self.announced
            ));
        }
        if version <= self.download.0 {
            return Err(format!("231 for {version}, integrated already"));
        }
        if client_version > self.version {
            return Err(format!("231 about unknown version {client_version}"));
        }
        self.announced.push(version);
        self.compensations += 1;
        Ok(())
    }

    /// Takes a DOWNLOAD. `Ok(false)`: it could not be merged or applied, and the client has to start over.
    pub fn receive(&mut self, part: &DownloadPart) -> Result<bool, Fault> {
        let entries = self.check(part)?;
        let steady = part.batch_state == BatchState::Steady;
        if part.batch_state != BatchState::MoreToCome {
            self.accepted = Accepted {
                latest: part.latest_server_version,
                server_version: part.download_server_version,
                client_version: part.download_client_version,
                upload_version: part.upload_client_version,
            };
        }
        if steady {
            self.deliver_compensations(&entries, part.download_server_version)?;
            return self.integrate(&entries, part);
        }
        let known = self
            .sets
            .iter()
            .any(|set| set.version == part.query_version);
        if !known || part.query_version < self.sets[self.active()].version {
            return Err(format!(
                "bootstrap of unknown query version {}",
                part.query_version
            ));
        }
        if self.parts_version != Some(part.query_version) {
            self.parts.clear();
            self.progress = 0.0;
            self.parts_version = Some(part.query_version);
        }
        if part.progress_estimate < self.progress {
            return Err(format!(
                "progress falls: {} after {}",
                part.progress_estimate, self.progress
            ));
        }
        let last = part.batch_state == BatchState::LastInBatch;
        if (part.progress_estimate >= 1.0) != last {
            return Err(format!(
                "progress {} in a part that is last: {last}",
                part.progress_estimate
            ));
        }
        self.progress = part.progress_estimate;
        self.parts.extend(entries);
        if !last {
            return Ok(true);
        }
        self.progress = 0.0;
        let parts = std::mem::take(&mut self.parts);
        self.parts_version = None;
        if parts.is_empty() {
            return Err("empty bootstrap".to_owned());
        }
        let taken = self.integrate(&parts, part)?;
        for set in &mut self.sets {
            if set.version == part.query_version && set.state == SetState::Pending {
                set.state = SetState::AwaitingMark;
            }
        }
        self.sets.retain(|set| set.version >= part.query_version);
        Ok(taken)
    }

    fn check(&self, part: &DownloadPart) -> Result<Vec<Incoming>, Fault> {
        let fail = |what: &str| Err(format!("{what}: {part:?} after {:?}", self.accepted));
        let (server, client) = (part.download_server_version, part.download_client_version);
        let accepted = &self.accepted;
        if part.latest_server_version < accepted.latest
            || server < accepted.server_version
            || client < accepted.client_version
            || part.upload_client_version < accepted.upload_version
        {
            return fail("a cursor falls");
        }
        if part.upload_client_version > self.version {
            return fail("acknowledges the future");
        }
        if server > part.latest_server_version || client > part.upload_client_version {
            return fail("cursors contradict each other");
        }
        if part.upload_server_version > server || part.latest_server_version_salt == 0 {
            return fail("bad upload server version or salt");
        }
        let parsed = parse_download_body(&part.body, BodyLimits::default());
        let parsed = parsed.map_err(|error| format!("bad body: {error}"))?;
        if parsed.len() != part.entries {
            return fail("wrong number of entries");
        }
        let mut last = self.download;
        let mut entries = Vec::new();
        for entry in parsed {
            if entry.server_version < last.0 || entry.server_version > server {
                return fail("entry version");
            }
            if entry.client_version < last.1 || entry.client_version > client {
                return fail("entry client version");
            }
            if entry.origin_file_ident == 0 || entry.origin_file_ident == self.ident {
                return fail("entry origin");
            }
            last = (entry.server_version, entry.client_version);
            codec::decode(entry.changeset).map_err(|error| format!("bad changeset: {error}"))?;
            entries.push(Incoming {
                version: entry.server_version,
                client_version: entry.client_version,
                timestamp: entry.timestamp,
                origin: entry.origin_file_ident,
                changeset: entry.changeset.to_vec(),
            });
        }
        Ok(entries)
    }

    /// An announced compensation has to come as an entry of its own version in a steady message.
    fn deliver_compensations(&mut self, entries: &[Incoming], through: u64) -> Result<(), Fault> {
        for version in std::mem::take(&mut self.announced) {
            if version > through {
                self.announced.push(version);
            } else if !entries.iter().any(|entry| entry.version == version) {
                return Err(format!(
                    "compensation {version} was passed without an entry"
                ));
            }
        }
        Ok(())
    }

    fn integrate(&mut self, entries: &[Incoming], part: &DownloadPart) -> Result<bool, Fault> {
        let last = entries.last().map(|entry| entry.version);
        let before = self
            .may_fail
            .then(|| (self.database.clone(), self.history.clone()));
        if let Err(error) = self.merge(entries) {
            return if let Some(before) = before {
                (self.database, self.history) = before;
                Ok(false)
            } else {
                Err(format!("client {} cannot {error}", self.ident))
            };
        }
        self.download = (part.download_server_version, part.download_client_version);
        self.latest = (part.latest_server_version, part.latest_server_version_salt);
        if part.upload_client_version >= self.upload.0 {
            self.upload = (
                part.upload_client_version,
                part.upload_server_version.max(self.upload.1),
            );
        }
        self.commit_empty(last.is_some(), last.unwrap_or(self.download.0));
        let contained = self.download.1;
        self.history
            .retain(|change| change.client_version > contained);
        Ok(true)
    }

    /// Merges what came with what is pending, and applies it.
    fn merge(&mut self, entries: &[Incoming]) -> Result<(), Fault> {
        let floor = self.download.1;
        let (mut pending, mut ours) = (Vec::new(), Vec::new());
        for (at, change) in self.history.iter().enumerate() {
            if change.counts() {
                pending.push(at);
                ours.push(change.form.clone());
            }
        }
        let incoming = |entry: &Incoming| {
            let base = entry.client_version.max(floor);
            Entry::decode(
                entry.version,
                base,
                entry.timestamp,
                entry.origin,
                &entry.changeset,
            )
            .expect("it was decoded before")
        };
        let mut theirs: Vec<Entry> = entries.iter().map(incoming).collect();
        let schema = self.database.schema.clone();
        let columns = |class: &Name, field: &Name| {
            let class = schema.class(class)?;
            let column = class.columns.get(class.column_index(field)?)?;
            Some(ColumnShape {
                collection: column.collection,
                target: column.target.clone(),
            })
        };
        merge_changesets(
            self.ident,
            &mut ours,
            &mut theirs,
            self.rules,
            Some(&columns),
        )
        .map_err(|error| format!("merge: {error}"))?;
        for (at, form) in pending.into_iter().zip(ours) {
            self.history[at].form = stored(form);
        }
        for (entry, merged) in entries.iter().zip(&theirs) {
            let instructions = &merged.changeset.instructions;
            apply(self.rules, &mut self.database, instructions)
                .map_err(|error| format!("apply {}: {error}", entry.version))?;
        }
        Ok(())
    }

    /// Whether everything it wrote was acknowledged.
    pub fn is_uploaded(&self) -> bool {
        self.history
            .iter()
            .all(|change| !change.counts() || change.client_version <= self.upload.0)
    }
}

/// A form that a merge changed is kept as bytes, all its strings first.
fn stored(form: Entry) -> Entry {
    if !form.dirty {
        return form;
    }
    let bytes = codec::encode_canonical(&form.changeset);
    Entry::decode(form.version, 0, form.timestamp, form.ident, &bytes).expect("just encoded")
}

/// Applies as the client's storage does.
pub fn apply(
    rules: Rules,
    database: &mut Database,
    instructions: &[Instruction],
) -> Result<(), ApplyError> {
    if rules == Rules::ORIGINAL {
        original::apply(database, instructions)
    } else {
        database.apply(instructions)
    }
}
