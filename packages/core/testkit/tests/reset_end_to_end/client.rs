//! A server, and clients that hold sessions with it: what TypeScript does between the two.

use std::ops::Bound;
use std::sync::Arc;

use tidemark_ledger::embedded::{Ledger, Options, SessionId, Upload};
use tidemark_ledger::error::{Action, Refusal, Stop};
use tidemark_ledger::switches::Switches;
use tidemark_model::memory::Database as Model;
use tidemark_storage::{Durability, OrderedStorage, Read, Storage, TABLES_MAX, TableId};
use tidemark_store::sync::{
    ResetAction, ResetDemand, ResetPolicy, ResetReport, Subscription, SubscriptionSet,
};
use tidemark_store::{Database, DatabaseOptions, WriteTransaction};
use tidemark_testkit::sessions::{active_set, download, identification, subscription_text};

pub type Memory = Arc<OrderedStorage>;
pub type Store = Database<Memory>;
pub type Server = Ledger<Memory>;
pub type Write = WriteTransaction<Memory>;

const USER: &str = "user";
const FILE_SALT: u64 = 5;

pub fn serve(storage: &Memory, epoch_salt: u64) -> Server {
    let options = Options {
        epoch_salt,
        development_mode: true,
        switches: Switches::ALL,
    };
    Ledger::open(Arc::clone(storage), options).expect("it opens")
}

/// A backup: everything that a storage holds, in another one.
pub fn copy_of(storage: &Memory) -> Memory {
    let copy = Arc::new(OrderedStorage::new());
    let snapshot = storage.snapshot().expect("readable");
    let mut write = copy.begin_write().expect("it is free");
    for number in 0..u8::try_from(TABLES_MAX).expect("few tables") {
        let table = TableId::new(number);
        let all = snapshot.range(table, Bound::Unbounded, Bound::Unbounded);
        for entry in all.expect("readable") {
            let (key, value) = entry.expect("readable");
            write.put(table, &key, &value);
        }
    }
    write.commit(Durability::Durable).expect("it commits");
    copy
}

/// A client: its file, and what a session does with it.
pub struct Client {
    pub database: Store,
}

/// The newest set whose data is there.
fn active(sets: &[SubscriptionSet]) -> &SubscriptionSet {
    let found = active_set(sets).or(sets.first());
    found.expect("a file begins with a set")
}

impl Client {
    pub fn new() -> Self {
        let storage = Arc::new(OrderedStorage::new());
        let database = Database::open(storage, DatabaseOptions::default());
        Self {
            database: database.expect("it opens"),
        }
    }

    /// A client that sees everything of these classes, once it is connected.
    pub fn subscribed(server: &Server, classes: &[&str]) -> Self {
        let client = Self::new();
        client.sync(server);
        client.subscribe(classes);
        client.sync(server);
        client
    }

    pub fn subscribe(&self, classes: &[&str]) {
        let all = classes.iter().map(|class| Subscription {
            class_name: (*class).to_owned(),
            query: "TRUEPREDICATE".to_owned(),
            ..Subscription::default()
        });
        let set = self.database.commit_subscription_set(all.collect(), 1);
        set.expect("it is stored");
    }

    pub fn write(&self, timestamp: u64, work: impl FnOnce(&mut Write)) {
        let mut write = self.database.begin_write().expect("it is free");
        work(&mut write);
        self.database.commit(write, timestamp).expect("it commits");
    }

    pub fn model(&self) -> Model {
        let snapshot = self.database.read().expect("readable");
        snapshot.view().export().expect("readable")
    }

    /// BIND and IDENT.
    pub fn connect(&self, server: &Server) -> Result<SessionId, Refusal> {
        let mut state = self.database.sync_state().expect("readable");
        if state.file_ident == 0 {
            let ident = server.allocate_file_ident(USER, FILE_SALT, 0);
            let ident = ident.expect("an ident is given");
            self.database
                .set_file_ident(ident, FILE_SALT)
                .expect("it is stored");
            state = self.database.sync_state().expect("readable");
        }
        let sets = self.database.subscription_sets().expect("readable");
        let said = identification(USER, &state, Some(active(&sets)));
        match server.identify(said, 0) {
            Ok(identified) => Ok(identified.session),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Failed(error)) => panic!("{error}"),
        }
    }

    /// A session until nothing is left to do.
    pub fn sync(&self, server: &Server) {
        let session = self.connect(server).expect("it is let in");
        self.exchange(server, session, true);
        server.end_session(session);
    }

    fn exchange(&self, server: &Server, session: SessionId, uploads: bool) {
        let state = self.database.sync_state().expect("readable");
        let progress = state.progress;
        let mut sent = (
            progress.upload_client_version,
            progress.upload_server_version,
        );
        let mut queried = active(&self.database.subscription_sets().expect("readable")).version;
        loop {
            let was_any = download(&self.database, server, session, 1);
            let mut is_idle = !was_any.expect("it can be taken in");
            let sets = self.database.subscription_sets().expect("readable");
            for set in &sets {
                if set.version <= queried {
                    continue;
                }
                let refused = server.query(session, set.version, &subscription_text(Some(set)));
                assert_eq!(refused.expect("it works"), None);
                (queried, is_idle) = (set.version, false);
            }
            if uploads && self.upload(server, session, &mut sent) {
                is_idle = false;
            }
            if is_idle {
                return;
            }
        }
    }

    fn upload(&self, server: &Server, session: SessionId, sent: &mut (u64, u64)) -> bool {
        let newest = self.database.version();
        let upload = self.database.next_upload(sent.0, sent.1, newest, 1 << 17);
        let upload = upload.expect("readable");
        if upload.progress_client_version == sent.0 {
            return false;
        }
        let state = self.database.sync_state().expect("readable");
        let message = Upload {
            session,
            progress_client_version: upload.progress_client_version,
            progress_server_version: upload.progress_server_version,
            locked_server_version: state.progress.download_server_version,
            body: &upload.body,
        };
        let answers = server.integrate(&[message], 0).expect("it works");
        assert_eq!(answers[0].refusal, None);
        *sent = (
            upload.progress_client_version,
            upload.progress_server_version,
        );
        true
    }

    /// A fresh copy with the same subscriptions, as the session downloads it.
    pub fn fresh_copy(&self, server: &Server, is_careless: bool) -> Self {
        let fresh = Self::new();
        let session = fresh.connect(server).expect("a new ident is let in");
        fresh.exchange(server, session, false);
        let sets = self.database.subscription_sets().expect("readable");
        let subscriptions = active(&sets).subscriptions.clone();
        fresh
            .database
            .commit_subscription_set(subscriptions, 1)
            .expect("it is stored");
        fresh.exchange(server, session, is_careless);
        server.end_session(session);
        fresh
    }

    /// What the session does once the server has demanded a reset.
    pub fn reset(&self, server: &Server, refusal: &Refusal, fresh: &Self) -> ResetReport {
        assert_eq!(refusal.action, Action::ClientReset);
        let demand = ResetDemand {
            policy: ResetPolicy::RecoverOrDiscard,
            action: ResetAction::Reset,
            now_ms: 1,
            error_code: refusal.code.into(),
            error_message: refusal.message.clone(),
        };
        self.database.begin_reset(&demand).expect("it may be tried");
        let report = self.database.reset_from(&fresh.database, 1_000);
        let report = report.expect("it can be done");
        self.sync(server);
        self.database.finish_reset().expect("it is stored");
        report
    }
}
