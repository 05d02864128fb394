//! Sessions in memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;

use super::before_images::lock;
use super::concerns::Concerns;
use super::job::Job;
use crate::error::{LedgerError, Refusal, Result};
use crate::permission::WriteRules;
use crate::views::{Role, Timeline, View};

/// A session of one bound client file, from its IDENT to its end.
pub type SessionId = u32;

/// What a session's uploads need.
#[derive(Debug)]
pub(super) struct UploadSide {
    /// The client's views.
    pub timeline: Arc<Timeline>,
    /// The view of the newest QUERY, under the role.
    pub newest: Arc<View>,
    /// What the user may write.
    pub writes: WriteRules,
    /// Upload progress stated in this session.
    pub progress: (u64, u64),
    /// Locked version stated in this session.
    pub locked: u64,
    /// Set once an upload was refused: whatever follows is refused as well.
    pub refused: Option<Refusal>,
}

/// What a session's downloads need.
#[derive(Debug)]
pub(super) struct DownloadSide {
    /// The client's views.
    pub timeline: Arc<Timeline>,
    /// Everything up to this version was given.
    pub to: u64,
    /// Everything up to this version was given and mentioned in a message.
    pub mentioned: u64,
    /// The newest version that the client was told of, in this session or before: a client that died while it
    /// took a message in knows of more than it has.
    pub latest: u64,
    /// Client version contained in that.
    pub client_version: u64,
    /// Query version of the view the steady messages belong to.
    pub query_version: u64,
    /// Bootstraps to be given, in order.
    pub jobs: VecDeque<Job>,
    /// Where the present catching up began.
    pub caught_up_from: u64,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    /// The client's file ident.
    pub ident: u64,
    /// When it began, in milliseconds that the ledger has served.
    pub since_ms: u64,
    /// The version of the schema that the client file is of.
    pub schema_version: u64,
    /// What the user may do, as of the IDENT.
    pub role: Role,
    /// Server version up to which anything was given: bases and cursors of uploads lie below.
    pub sent: AtomicU64,
    /// Whether a message is owed even if it is empty.
    pub owed: AtomicBool,
    /// Cleared when a newer session of the same file begins.
    pub live: AtomicBool,
    /// Versions that may hold something for it.
    pub concerns: Mutex<Concerns>,
    /// Whether it was named as having something to fetch, and nobody has asked since.
    pub named: AtomicBool,
    /// The number of the commit that last concerned it; `u64::MAX` for none.
    pub named_in: AtomicU64,
    pub upload: Mutex<UploadSide>,
    pub download: Mutex<DownloadSide>,
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    newest: SessionId,
    sessions: FxHashMap<SessionId, Arc<Session>>,
    by_ident: FxHashMap<u64, SessionId>,
}

impl Sessions {
    /// Adds a session; an older one of the same client file is no longer live.
    pub fn add(&self, session: Arc<Session>) -> SessionId {
        let mut table = lock(&self.table);
        table.newest = table.newest.wrapping_add(1).max(1);
        let id = table.newest;
        let older = table.by_ident.insert(session.ident, id);
        if let Some(older) = older.and_then(|older| table.sessions.get(&older)) {
            older.live.store(false, Ordering::Release);
        }
        table.sessions.insert(id, session);
        id
    }

    /// Ends the older session of a client file that identifies again.
    pub fn supersede(&self, ident: u64) {
        let table = lock(&self.table);
        let older = table
            .by_ident
            .get(&ident)
            .and_then(|older| table.sessions.get(older));
        if let Some(older) = older {
            older.live.store(false, Ordering::Release);
        }
    }

    /// A live session.
    pub fn get(&self, id: SessionId) -> Result<Arc<Session>> {
        let session = lock(&self.table)
            .sessions
            .get(&id)
            .cloned()
            .ok_or(LedgerError::NoSession)?;
        if session.live.load(Ordering::Acquire) {
            Ok(session)
        } else {
            Err(LedgerError::NoSession)
        }
    }

    /// The live session of a client file, if it has one.
    pub fn live(&self, ident: u64) -> Option<Arc<Session>> {
        let table = lock(&self.table);
        let session = table.sessions.get(table.by_ident.get(&ident)?)?;
        let live = session.live.load(Ordering::Acquire);
        live.then(|| Arc::clone(session))
    }

    /// Forgets a session.
    pub fn remove(&self, id: SessionId) {
        let mut table = lock(&self.table);
        if let Some(session) = table.sessions.remove(&id) {
            session.live.store(false, Ordering::Release);
            if table.by_ident.get(&session.ident) == Some(&id) {
                table.by_ident.remove(&session.ident);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        let mut table = lock(&self.table);
        for session in table.sessions.values() {
            session.live.store(false, Ordering::Release);
        }
        table.sessions.clear();
        table.by_ident.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        lock(&self.table).sessions.len()
    }
}
