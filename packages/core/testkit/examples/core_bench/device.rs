//! A device's store, and what a server sends it.

use std::sync::Arc;
use std::time::Duration;

use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, parse_upload_body, write_download_entry,
};
use tidemark_changeset::{
    Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value, codec,
};
use tidemark_storage::{OrderedStorage, Storage};
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::DownloadProgress;
use tidemark_store::{Database, DatabaseOptions, Location, Step, WriteTransaction};

use crate::timed;

/// What a device is, and what the others are.
const OUR_IDENT: u64 = 1;
const THEIR_IDENT: u64 = 2;

/// Times of changesets: ours are between those of an older and a newer side.
pub const OLDER: u64 = 100_000;
pub const OURS: u64 = 200_000;
pub const NEWER: u64 = 300_000;

/// A database that is synchronised, with a schema that the server has.
pub struct Device<S: Storage> {
    pub database: Database<S>,
    server_version: u64,
    /// The client version that the server has.
    base: u64,
}

/// A device that keeps everything in memory.
pub type InMemory = Device<Arc<OrderedStorage>>;

pub fn in_memory(schema: &str) -> InMemory {
    Device::new(Arc::new(OrderedStorage::new()), schema)
}

impl<S: Storage> Device<S> {
    pub fn new(storage: S, schema: &str) -> Self {
        let database = Database::open(storage, DatabaseOptions::default()).expect("an empty file");
        database
            .set_file_ident(OUR_IDENT, 1)
            .expect("a file without ident");
        let mut write = database.begin_write().expect("a write");
        update_schema(&mut write, schema).expect("a good schema");
        let base = database.commit(write, 1).expect("a commit");
        Self {
            database,
            server_version: 1,
            base,
        }
    }

    /// A transaction of the application's.
    pub fn write(&self, work: impl FnOnce(&mut WriteTransaction<S>)) {
        let mut write = self.database.begin_write().expect("a write");
        work(&mut write);
        self.database.commit(write, OURS).expect("a commit");
    }

    /// Changesets of another device as a DOWNLOAD's entries, made on what the server has of this one.
    pub fn download(&self, timestamp: u64, changesets: &[Vec<Instruction>]) -> Download {
        let bytes: Vec<_> = changesets.iter().map(|made| codec::encode(made)).collect();
        self.download_of_bytes(timestamp, bytes.iter().map(Vec::as_slice))
    }

    fn download_of_bytes<'a>(
        &self,
        timestamp: u64,
        changesets: impl Iterator<Item = &'a [u8]>,
    ) -> Download {
        let mut download = Download {
            body: Vec::new(),
            server_version: self.server_version,
            changeset_bytes: 0,
        };
        for changeset in changesets {
            download.server_version += 1;
            download.changeset_bytes += changeset.len();
            let entry = DownloadEntry {
                server_version: download.server_version,
                client_version: self.base,
                timestamp,
                origin_file_ident: THEIR_IDENT,
                original_size: changeset.len() as u64,
                changeset,
            };
            write_download_entry(&mut download.body, &entry);
        }
        download
    }

    /// Everything that another device has written since its schema, as it uploads it.
    pub fn download_from(&self, other: &Self) -> Download {
        let newest = other.database.version();
        let upload = other.database.next_upload(other.base, 0, newest, u64::MAX);
        let upload = upload.expect("an upload");
        let entries = parse_upload_body(&upload.body, BodyLimits::default()).expect("our own");
        self.download_of_bytes(NEWER, entries.iter().map(|entry| entry.changeset))
    }

    /// How far a download brings this device.
    pub fn progress(&self, download: &Download) -> DownloadProgress {
        DownloadProgress {
            download_server_version: download.server_version,
            download_client_version: self.base,
            latest_server_version: download.server_version,
            latest_server_version_salt: 1,
            upload_client_version: self.base,
            upload_server_version: 0,
            progress_estimate: 1.0,
        }
    }

    /// Parses, merges, applies and commits a download. The answer is what that takes.
    pub fn integrate(&mut self, download: &Download) -> Duration {
        let progress = self.progress(download);
        let (took, ()) = timed(|| {
            let prepared = self.database.prepare_download(progress, &download.body);
            let mut prepared = prepared.expect("a good download");
            loop {
                let slice = self.database.integrate_slice(&mut prepared, NEWER);
                if slice.expect("a good changeset").is_done {
                    break;
                }
            }
        });
        self.server_version = download.server_version;
        took
    }

    /// Says that the server has all that was written so far.
    pub fn acknowledge(&mut self) {
        self.base = self.database.version();
        let nothing = self.download(NEWER, &[]);
        self.integrate(&nothing);
    }
}

/// Entries of a DOWNLOAD.
pub struct Download {
    pub body: Vec<u8>,
    server_version: u64,
    /// Size of the changesets alone.
    pub changeset_bytes: usize,
}

/// The instruction that creates an object.
pub fn create(class: &str, key: PrimaryKey) -> Instruction {
    Instruction::CreateObject {
        class: class.into(),
        key,
    }
}

/// Where an instruction acts.
pub fn target(class: &str, key: i64, field: &str, path: &[PathElement]) -> Target {
    Target {
        class: class.into(),
        key: PrimaryKey::Int(key),
        field: field.into(),
        path: path.to_vec(),
    }
}

/// The instruction that assigns a property.
pub fn update(class: &str, key: i64, field: &str, value: Value) -> Instruction {
    Instruction::Update {
        target: target(class, key, field, &[]),
        value: Payload::Value(value),
        kind: UpdateKind::Property { is_default: false },
    }
}

/// A property of an object of the only class.
pub fn property(object: u64, column: u16) -> Location {
    Location {
        class: 0,
        object,
        column,
        steps: Vec::new(),
    }
}

/// An element of a list of such an object.
pub fn element(object: u64, column: u16, index: u32) -> Location {
    Location {
        steps: vec![Step::Visible(index)],
        ..property(object, column)
    }
}
