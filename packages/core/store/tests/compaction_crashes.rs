//! Uploads of a history that is compacted, with a storage that fails at every commit in turn: what was sent
//! comes again in the same form, and nothing is counted twice or lost.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::*;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{Value, codec};
use tidemark_model::memory::Database as Model;
use tidemark_storage::{OrderedStorage, StorageError};
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::Upload;
use tidemark_store::{Database, Result, WriteTransaction};

fn set(write: &mut WriteTransaction<Memory>, column: u16, value: Value) -> Result<()> {
    write.set(&at(0, column), false, &payload(value))
}

/// A server that takes each version of a client once.
#[derive(Default)]
struct Server {
    received: Vec<(u64, Vec<u8>)>,
    state: Model,
}

impl Server {
    /// Takes an upload that follows a position; what it knows must come again, in the same form.
    fn integrate(&mut self, after: u64, upload: &Upload) {
        let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap();
        let range = after + 1..=upload.progress_client_version;
        for (version, _) in self
            .received
            .iter()
            .filter(|entry| range.contains(&entry.0))
        {
            let comes_again = entries.iter().any(|entry| entry.client_version == *version);
            assert!(comes_again, "version {version} was sent and is gone");
        }
        for entry in entries {
            let known = self
                .received
                .iter()
                .find(|(version, _)| *version == entry.client_version);
            if let Some((version, bytes)) = known {
                assert_eq!(
                    bytes, entry.changeset,
                    "version {version} came in another form"
                );
                continue;
            }
            let newest = self.received.last().map_or(0, |(version, _)| *version);
            assert!(entry.client_version > newest, "a version comes late");
            self.received
                .push((entry.client_version, entry.changeset.to_vec()));
            let instructions = codec::decode(entry.changeset).unwrap().instructions;
            self.state.apply(&instructions).unwrap();
        }
    }

    fn acknowledged(&self) -> u64 {
        self.received.last().map_or(0, |(version, _)| *version)
    }
}

/// Goes on, commit after commit and message after message, and fails at one commit of the storage.
struct Life {
    storage: Memory,
    database: Database<Memory>,
    server: Server,
    scan: u64,
}

impl Life {
    fn step(&mut self, step: usize) -> Result<()> {
        let database = &self.database;
        match step % 7 {
            // A message is handed out, and lost or not.
            2 | 5 => {
                let upload = database.next_upload(self.scan, 0, u64::MAX, 60)?;
                if !step.is_multiple_of(3) {
                    self.server.integrate(self.scan, &upload);
                }
                self.scan = upload.progress_client_version;
            }
            // The acknowledgement arrives, and after it a new connection.
            6 => {
                let acknowledged = self.server.acknowledged();
                let reached = progress(10 + step as u64, acknowledged);
                integrate(database, reached, &[])?;
                self.scan = acknowledged;
            }
            _ => {
                let mut write = database.begin_write()?;
                let number = i64::try_from(step).unwrap();
                if step.is_multiple_of(4) {
                    set(&mut write, AGE, Value::Int(number))?;
                }
                write.add_integer(&at(0, AGE), 1_000)?;
                if step.is_multiple_of(2) {
                    set(&mut write, NAME, Value::String("even".into()))?;
                }
                database.commit(write, 10 + step as u64)?;
                let mut write = database.begin_write()?;
                write.add_integer(&at(0, AGE), 1)?;
                database.commit(write, 10 + step as u64)?;
            }
        }
        Ok(())
    }

    /// What a process that starts again knows.
    fn restart(&mut self) {
        self.database = reopen(&self.storage);
        self.scan = self
            .database
            .sync_state()
            .unwrap()
            .progress
            .upload_client_version;
    }
}

#[test]
fn a_crash_anywhere_counts_nothing_twice() {
    const STEPS: usize = 30;
    for crash_at in 0..80 {
        let countdown = Arc::new(AtomicUsize::new(usize::MAX));
        let observed = Arc::clone(&countdown);
        let storage = Arc::new(OrderedStorage::with_observer(Box::new(
            move |_, _| match observed.fetch_sub(1, Ordering::Relaxed) {
                0 => Err(StorageError::Full("test".to_owned())),
                _ => Ok(()),
            },
        )));
        let database = reopen(&storage);
        let mut write = database.begin_write().unwrap();
        update_schema(&mut write, SCHEMA).unwrap();
        create(&mut write, 1);
        set(&mut write, AGE, Value::Int(0)).unwrap();
        database.commit(write, 1).unwrap();
        let mut life = Life {
            storage,
            database,
            server: Server::default(),
            scan: 0,
        };
        countdown.store(crash_at, Ordering::Relaxed);
        for step in 0..STEPS {
            if life.step(step).is_err() {
                // Odd ones go on in the same process.
                if crash_at % 2 == 0 {
                    life.restart();
                }
                life.step(step).unwrap();
            }
        }
        countdown.store(usize::MAX, Ordering::Relaxed);
        life.restart();
        // What was marked as sent before, and then the rest.
        while life.scan < life.database.version() {
            let upload = life.database.next_upload(life.scan, 0, u64::MAX, u64::MAX);
            let upload = upload.unwrap();
            life.server.integrate(life.scan, &upload);
            life.scan = upload.progress_client_version;
        }
        let mut local = life.database.read().unwrap().view().export().unwrap();
        life.server.state.fill();
        local.fill();
        assert_eq!(
            local.objects, life.server.state.objects,
            "crash at {crash_at}"
        );
    }
}
