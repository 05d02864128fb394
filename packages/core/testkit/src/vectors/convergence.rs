//! Replay of `convergence/convergence.jsonl`: clients that work apart and meet through a server.
//!
//! The clients are databases of the `store` crate, which must emit the very bytes that the original emits;
//! the server here is the simplest one that integrates by the same merge, so that nothing but the recorded
//! steps is in between.

mod operations;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;
use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, UploadEntry, parse_upload_body, write_download_entry,
};
use tidemark_changeset::json::to_hex;
use tidemark_changeset::{Name, codec};
use tidemark_model::memory::Database as MemoryDatabase;
use tidemark_storage::OrderedStorage;
use tidemark_store::sync::DownloadProgress;
use tidemark_store::{Database, DatabaseOptions};
use tidemark_transform::compaction::Folds;
use tidemark_transform::{ColumnShape, Entry as MergeEntry, Rules, merge_changesets};

use operations::perform;

use super::{Outcome, apply, array, hex, member, named, parse, text};

/// File ident of the server.
const SERVER: u64 = 1;

/// Replays one line by the original's rules.
pub fn replay_line(line: &str, _file: Option<&Path>) -> Result<Outcome, String> {
    let case = parse(line)?;
    named(&case, replay(&case))
}

fn replay(case: &Json) -> Result<Outcome, String> {
    let (input, expected) = (member(case, "input")?, member(case, "expected")?);
    let mut world = World::new(input, Rules::ORIGINAL)?;
    let failed_step = expected
        .get("error")
        .and_then(|error| error.get("step"))
        .and_then(Json::as_u64);
    for (index, step) in array(input, "steps")?.iter().enumerate() {
        let result = world.step(step);
        if failed_step == Some(index as u64) {
            if result.is_ok() {
                return Err(format!("step {index} succeeded, the original refuses it"));
            }
            break;
        }
        result.map_err(|error| format!("step {index}: {error}"))?;
    }
    world.compare_uploads(expected)?;
    world.compare_history(expected)?;
    match (expected.get("state"), expected.get("states")) {
        (Some(state), _) => {
            for (ident, client) in &world.clients {
                client
                    .compare(state)
                    .map_err(|error| format!("client {ident}: {error}"))?;
            }
        }
        (None, Some(states)) => {
            for (ident, client) in &world.clients {
                if let Some(state) = states.get(ident.to_string()) {
                    client
                        .compare(state)
                        .map_err(|error| format!("client {ident}: {error}"))?;
                }
            }
        }
        (None, None) => {}
    }
    Ok(Outcome::Passed)
}

/// Replays one line by the corrected rules: all clients must end equal, also where the original's do not.
pub fn converges_corrected(line: &str) -> Result<(), String> {
    let case = parse(line)?;
    let run = || {
        let mut world = World::new(member(&case, "input")?, Rules::CORRECTED)?;
        for step in array(member(&case, "input")?, "steps")? {
            world.step(step)?;
        }
        // Recorded runs may end where the original failed.
        world.meet()?;
        let mut states = world.clients.values().map(Client::state);
        let first = states.next().ok_or("no clients")??;
        for state in states {
            let state = state?;
            if state != first {
                return Err(format!(
                    "states differ:\n{}\n{}",
                    apply::state(&first),
                    apply::state(&state)
                ));
            }
        }
        Ok(Outcome::Passed)
    };
    named(&case, run()).map(drop)
}

struct Client {
    database: Database<OrderedStorage>,
    /// Client version up to which was uploaded.
    uploaded: u64,
    /// Server version up to which was downloaded.
    downloaded: u64,
}

/// A changeset in the server's history.
struct Entry {
    version: u64,
    origin: u64,
    client_version: u64,
    timestamp: u64,
    /// Canonical bytes.
    changeset: Vec<u8>,
}

struct World {
    clients: BTreeMap<u64, Client>,
    rules: Rules,
    history: Vec<Entry>,
    /// What the history amounts to.
    state: MemoryDatabase,
    /// Reciprocal forms, by client and server version.
    reciprocals: BTreeMap<(u64, u64), Vec<u8>>,
    /// Newest version of each client that the server has.
    acknowledged: BTreeMap<u64, u64>,
    uploads: Vec<(u64, UploadOwned)>,
}

struct UploadOwned {
    client_version: u64,
    server_version: u64,
    timestamp: u64,
    changeset: Vec<u8>,
}

fn failure(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Client {
    fn new(ident: u64, rules: Rules) -> Result<Self, String> {
        let options = DatabaseOptions {
            rules,
            // The bytes are compared with those of the original, which compacts nothing.
            folds: Folds::NONE,
            ..DatabaseOptions::default()
        };
        let database = Database::open(OrderedStorage::new(), options).map_err(failure)?;
        database.set_file_ident(ident, 1).map_err(failure)?;
        Ok(Self {
            database,
            uploaded: 0,
            downloaded: 0,
        })
    }

    fn state(&self) -> Result<MemoryDatabase, String> {
        self.database
            .read()
            .and_then(|snapshot| snapshot.view().export())
            .map_err(failure)
    }

    fn compare(&self, expected: &Json) -> Result<(), String> {
        apply::compare_states(&self.state()?, expected)
    }

    fn write(&self, step: &Json, lenient: bool) -> Result<(), String> {
        let mut write = self.database.begin_write().map_err(failure)?;
        for op in array(step, "ops")? {
            match perform(&mut write, op) {
                Err(_) if lenient => {}
                result => result.map_err(|error| format!("{op}: {error}"))?,
            }
        }
        let time = number(step, "time")?;
        self.database.commit(write, time).map_err(failure)?;
        Ok(())
    }
}

impl World {
    fn new(input: &Json, rules: Rules) -> Result<Self, String> {
        let mut clients = BTreeMap::new();
        for ident in array(input, "peers")? {
            let ident = ident.as_u64().ok_or("a peer is no number")?;
            clients.insert(ident, Client::new(ident, rules)?);
        }
        let (history, reciprocals) = (Vec::new(), BTreeMap::new());
        let (acknowledged, uploads) = (BTreeMap::new(), Vec::new());
        Ok(Self {
            clients,
            rules,
            history,
            state: MemoryDatabase::new(),
            reciprocals,
            acknowledged,
            uploads,
        })
    }

    fn step(&mut self, step: &Json) -> Result<(), String> {
        let count = step.get("count").and_then(Json::as_u64).unwrap_or(u64::MAX);
        let peer = step.get("peer").and_then(Json::as_u64).unwrap_or_default();
        match step.get("sync").and_then(Json::as_str) {
            Some("all") => self.meet(),
            Some("upload") => self.upload(peer, count),
            Some(_) => self.download(peer, count),
            // Where the merge is another, an index of the recorded run may lead nowhere.
            None => {
                let lenient = self.rules != Rules::ORIGINAL;
                self.client(peer)?.write(step, lenient)
            }
        }
    }

    /// Everybody uploads, then everybody downloads.
    fn meet(&mut self) -> Result<(), String> {
        let idents: Vec<u64> = self.clients.keys().copied().collect();
        idents
            .iter()
            .try_for_each(|ident| self.upload(*ident, u64::MAX))?;
        idents
            .iter()
            .try_for_each(|ident| self.download(*ident, u64::MAX))
    }

    fn client(&mut self, ident: u64) -> Result<&mut Client, String> {
        self.clients
            .get_mut(&ident)
            .ok_or_else(|| format!("no client {ident}"))
    }

    fn upload(&mut self, ident: u64, count: u64) -> Result<(), String> {
        let client = self.client(ident)?;
        let newest = client.database.version();
        let upload = client
            .database
            .next_upload(client.uploaded, 0, newest, u64::MAX)
            .map_err(failure)?;
        let entries = parse_upload_body(&upload.body, BodyLimits::default()).map_err(failure)?;
        for entry in entries
            .iter()
            .take(usize::try_from(count).unwrap_or(usize::MAX))
        {
            self.client(ident)?.uploaded = entry.client_version;
            self.uploads.push((
                ident,
                UploadOwned {
                    client_version: entry.client_version,
                    server_version: entry.server_version,
                    timestamp: entry.timestamp,
                    changeset: entry.changeset.to_vec(),
                },
            ));
            self.integrate(ident, entry)?;
        }
        Ok(())
    }

    /// What the server does with an upload.
    fn integrate(&mut self, ident: u64, upload: &UploadEntry<'_>) -> Result<(), String> {
        let received = MergeEntry::decode(
            upload.client_version,
            upload.server_version,
            upload.timestamp,
            ident,
            upload.changeset,
        );
        let mut theirs = [received.map_err(failure)?];
        let mut ours = Vec::new();
        for entry in &self.history {
            let is_concurrent = entry.version > upload.server_version && entry.origin != ident;
            if is_concurrent && !entry.changeset.is_empty() {
                let form = self
                    .reciprocals
                    .get(&(ident, entry.version))
                    .unwrap_or(&entry.changeset);
                let (version, timestamp) = (entry.version, entry.timestamp);
                let decoded = MergeEntry::decode(version, 0, timestamp, entry.origin, form);
                ours.push(decoded.map_err(failure)?);
            }
        }
        let schema = &self.state.schema;
        let columns = |class: &Name, field: &Name| {
            let class = schema.class(class)?;
            let column = class.columns.get(class.column_index(field)?)?;
            Some(ColumnShape {
                collection: column.collection,
                target: column.target.clone(),
            })
        };
        merge_changesets(SERVER, &mut ours, &mut theirs, self.rules, Some(&columns))
            .map_err(failure)?;
        let [theirs] = theirs;
        self.state
            .apply(&theirs.changeset.instructions)
            .map_err(failure)?;
        for entry in ours.iter().filter(|entry| entry.dirty) {
            let form = codec::encode_canonical(&entry.changeset);
            self.reciprocals.insert((ident, entry.version), form);
        }
        self.history.push(Entry {
            version: self.history.last().map_or(1, |entry| entry.version) + 1,
            origin: ident,
            client_version: upload.client_version,
            timestamp: upload.timestamp,
            changeset: codec::encode_canonical(&theirs.changeset),
        });
        self.acknowledged.insert(ident, upload.client_version);
        Ok(())
    }

    fn download(&mut self, ident: u64, count: u64) -> Result<(), String> {
        let acknowledged = self.acknowledged.get(&ident).copied().unwrap_or_default();
        let downloaded = self.client(ident)?.downloaded;
        let (mut body, mut base, mut left) = (Vec::new(), 0, count);
        let mut progress = DownloadProgress {
            download_server_version: downloaded,
            progress_estimate: 1.0,
            upload_client_version: acknowledged,
            ..DownloadProgress::default()
        };
        for entry in &self.history {
            if entry.origin == ident {
                base = entry.client_version;
            } else if entry.version > downloaded && !entry.changeset.is_empty() && left > 0 {
                left -= 1;
                let changeset = &entry.changeset;
                write_download_entry(
                    &mut body,
                    &DownloadEntry {
                        server_version: entry.version,
                        client_version: base,
                        timestamp: entry.timestamp,
                        origin_file_ident: entry.origin,
                        original_size: changeset.len() as u64,
                        changeset,
                    },
                );
                progress.download_server_version = entry.version;
                progress.download_client_version = base;
            }
        }
        if body.is_empty() {
            return Ok(());
        }
        progress.latest_server_version = self.history.last().map_or(0, |entry| entry.version);
        let client = self.client(ident)?;
        let mut download = client
            .database
            .prepare_download(progress, &body)
            .map_err(failure)?;
        while !client
            .database
            .integrate_slice(&mut download, 0)
            .map_err(failure)?
            .is_done
        {}
        client.downloaded = progress.download_server_version;
        Ok(())
    }

    fn compare_uploads(&self, expected: &Json) -> Result<(), String> {
        let expected = array(expected, "uploads")?;
        for (index, ((peer, upload), row)) in self.uploads.iter().zip(expected).enumerate() {
            let found = (
                *peer,
                upload.client_version,
                upload.server_version,
                upload.timestamp,
            );
            let wanted = (
                member(row, "peer")?.as_u64().unwrap_or_default(),
                number(row, "clientVersion")?,
                number(row, "lastIntegratedServerVersion")?,
                number(row, "timestamp")?,
            );
            if found != wanted {
                return Err(format!("upload {index} is {found:?} instead of {wanted:?}"));
            }
            let wanted = hex(row, "hex")?;
            if upload.changeset != wanted {
                let decode =
                    |bytes: &[u8]| codec::decode(bytes).map(|changeset| changeset.instructions);
                return Err(format!(
                    "upload {index} is {} instead of {}:\n{:#?}\n{:#?}",
                    to_hex(&upload.changeset),
                    to_hex(&wanted),
                    decode(&upload.changeset),
                    decode(&wanted)
                ));
            }
        }
        if self.uploads.len() == expected.len() {
            Ok(())
        } else {
            Err(format!(
                "{} uploads instead of {}",
                self.uploads.len(),
                expected.len()
            ))
        }
    }

    fn compare_history(&self, expected: &Json) -> Result<(), String> {
        let expected = array(expected, "serverHistory")?;
        if self.history.len() != expected.len() {
            return Err(format!(
                "{} server versions instead of {}",
                self.history.len(),
                expected.len()
            ));
        }
        for (entry, row) in self.history.iter().zip(expected) {
            let wanted = (number(row, "serverVersion")?, hex(row, "hex")?);
            if (entry.version, &entry.changeset) != (wanted.0, &wanted.1) {
                let found = to_hex(&entry.changeset);
                return Err(format!("server version {} is {found}", entry.version));
            }
        }
        Ok(())
    }
}

fn number(json: &Json, name: &str) -> Result<u64, String> {
    text(json, name)?
        .parse()
        .map_err(|_| format!("{name} is not a number"))
}
