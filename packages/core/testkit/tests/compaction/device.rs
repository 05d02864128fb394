//! A client file and its sessions with a ledger, message by message.

use std::sync::Arc;

use tidemark_ledger::embedded::{Ledger, SessionId, Upload};
use tidemark_model::memory::Database as Model;
use tidemark_storage::OrderedStorage;
use tidemark_store::sync::{Subscription, SubscriptionSet, SubscriptionState};
use tidemark_store::{Database, DatabaseOptions};
use tidemark_testkit::sessions::{active_set, download, identification, subscription_text};
use tidemark_transform::compaction::Folds;

/// What went wrong, in words.
pub type Fault = String;

pub type Server = Ledger<OrderedStorage>;

pub fn fault(error: impl std::fmt::Display) -> Fault {
    error.to_string()
}

const SALT: u64 = 7;

/// A client file.
pub struct Device {
    storage: Arc<OrderedStorage>,
    pub database: Database<Arc<OrderedStorage>>,
    folds: Folds,
    /// To see that compaction does something.
    pub bytes_uploaded: usize,
    pub compensations: usize,
}

/// How far a session goes.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Client version up to which it uploads.
    pub target: u64,
    /// Size of a message, uncompressed.
    pub bytes_max: u64,
    /// Whether the connection ends before anything is heard of what was uploaded.
    pub is_cut: bool,
}

impl Extent {
    pub const WHOLE: Self = Self {
        target: u64::MAX,
        bytes_max: u64::MAX,
        is_cut: false,
    };
}

fn open(storage: &Arc<OrderedStorage>, folds: Folds) -> Database<Arc<OrderedStorage>> {
    let options = DatabaseOptions {
        folds,
        ..DatabaseOptions::default()
    };
    Database::open(Arc::clone(storage), options).expect("it opens")
}

impl Device {
    pub fn new(server: &Server, folds: Folds) -> Result<Self, Fault> {
        let storage = Arc::new(OrderedStorage::new());
        let database = open(&storage, folds);
        let ident = server.allocate_file_ident("user", SALT, 0).map_err(fault)?;
        database.set_file_ident(ident, SALT).map_err(fault)?;
        Ok(Self {
            storage,
            database,
            folds,
            bytes_uploaded: 0,
            compensations: 0,
        })
    }

    /// The process ends and another opens the file.
    pub fn restart(&mut self) {
        self.database = open(&self.storage, self.folds);
    }

    pub fn state(&self) -> Result<Model, Fault> {
        self.database
            .read()
            .and_then(|snapshot| snapshot.view().export())
            .map_err(fault)
    }

    pub fn subscribe(&self, query: Option<&str>) -> Result<(), Fault> {
        let subscriptions = query.map(|query| Subscription {
            id: "000000000000000000000001".to_owned(),
            class_name: "Object".to_owned(),
            query: query.to_owned(),
            ..Subscription::default()
        });
        self.database
            .commit_subscription_set(subscriptions.into_iter().collect(), 1)
            .map(drop)
            .map_err(fault)
    }

    /// A session: downloads, then uploads and queries in turn, then downloads. Says whether it uploaded or
    /// asked anything.
    pub fn sync(&mut self, server: &Server, extent: Extent) -> Result<bool, Fault> {
        let session = self.identify(server)?;
        let result = self.exchange(server, session, extent);
        server.end_session(session);
        self.database.uploads_paused();
        result
    }

    fn sets(&self) -> Result<Vec<SubscriptionSet>, Fault> {
        self.database.subscription_sets().map_err(fault)
    }

    pub fn identify(&mut self, server: &Server) -> Result<SessionId, Fault> {
        let state = self.database.sync_state().map_err(fault)?;
        let said = identification("user", &state, active_set(&self.sets()?));
        let identified = server
            .identify(said, 0)
            .map_err(|stop| format!("ident refused: {stop:?}"))?;
        Ok(identified.session)
    }

    fn exchange(
        &mut self,
        server: &Server,
        session: SessionId,
        extent: Extent,
    ) -> Result<bool, Fault> {
        self.download(server, session)?;
        let state = self.database.sync_state().map_err(fault)?;
        let mut scan = (
            state.progress.upload_client_version,
            state.progress.upload_server_version,
        );
        let mut busy = false;
        let mut asked = 0;
        loop {
            let is_pending = |set: &&SubscriptionSet| {
                let open = matches!(
                    set.state,
                    SubscriptionState::Pending | SubscriptionState::Bootstrapping
                );
                open && set.version > asked
            };
            let pending = self.sets()?.iter().find(is_pending).cloned();
            if let Some(set) = pending
                .as_ref()
                .filter(|set| scan.0 >= set.snapshot_version)
            {
                asked = set.version;
                let refused = server.query(session, set.version, &subscription_text(Some(set)));
                if let Some(text) = refused.map_err(fault)? {
                    return Err(format!("query refused: {text}"));
                }
                busy = true;
                self.download(server, session)?;
                continue;
            }
            let newest = self.database.version().min(extent.target);
            let target = pending.map_or(newest, |set| set.snapshot_version.min(newest));
            let next = self
                .database
                .next_upload(scan.0, scan.1, target, extent.bytes_max)
                .map_err(fault)?;
            let is_end = next.entries == 0 && next.progress_client_version == scan.0;
            scan = (
                next.progress_client_version.max(scan.0),
                next.progress_server_version,
            );
            if next.entries > 0 {
                busy = true;
                self.bytes_uploaded += next.body.len();
                self.upload(server, session, scan, &next.body)?;
            } else if is_end || scan.0 >= newest {
                break;
            }
        }
        if !extent.is_cut {
            self.download(server, session)?;
        }
        Ok(busy)
    }

    pub fn upload(
        &mut self,
        server: &Server,
        session: SessionId,
        scan: (u64, u64),
        body: &[u8],
    ) -> Result<(), Fault> {
        let upload = Upload {
            session,
            progress_client_version: scan.0,
            progress_server_version: scan.1,
            locked_server_version: scan.1,
            body,
        };
        let answers = server.integrate(&[upload], 0).map_err(fault)?;
        for answer in answers {
            if let Some(refusal) = answer.refusal {
                return Err(format!("upload refused: {refusal}"));
            }
            self.compensations += answer.compensations.len();
        }
        Ok(())
    }

    fn download(&self, server: &Server, session: SessionId) -> Result<(), Fault> {
        download(&self.database, server, session, 0).map(drop)
    }
}
