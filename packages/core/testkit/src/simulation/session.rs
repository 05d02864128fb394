//! The client's side of a session: what `sync/session.ts` of the engine does, step by step.
//!
//! On every opportunity to send it says the first applicable of BIND, IDENT, ERROR, MARK, QUERY, UPLOAD. What
//! is received is handled in order, in slices between which the application may write.

use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_ledger::embedded::{BatchState, DownloadPart};
use tidemark_ledger::error::codes;
use tidemark_ledger::records::Compensation;
use tidemark_store::sync::{
    BootstrapPart, DownloadProgress, PreparedDownload, SubscriptionSet, SubscriptionState,
};
use tidemark_store::{Database, StoreError};

use super::client::{Client, Stop};
use super::digest::Digest;
use super::messages::{Answer, Ident, Request};
use crate::sessions::{active_set, progress_of, subscription_text};

/// Bytes of changesets after which an UPLOAD takes no further one: small, so that many messages are sent.
const UPLOAD_BYTES_MAX: u64 = 200;

/// Code of "bad changeset" as a client reports it.
const BAD_CHANGESET: u16 = 212;

/// What was said and heard in one activation of a session.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "what was said and heard")]
pub struct Session {
    /// Whether there is a connection.
    pub is_online: bool,
    is_bound: bool,
    is_identified: bool,
    own_error: Option<(String, bool)>,
    are_uploads_delayed: Option<bool>,
    wanted_mark: u64,
    sent_mark: u64,
    received_mark: u64,
    last_query_version: u64,
    scan: (u64, u64),
    accepted: Option<DownloadProgress>,
    bootstrap_version: Option<u64>,
    compensations: Vec<Compensation>,
    /// What is being taken in, slice by slice.
    work: Option<Work>,
    /// The server refused the file.
    pub is_refused: bool,
}

#[derive(Debug)]
enum Work {
    Steady(PreparedDownload, Box<DownloadPart>),
    Bootstrap(Box<DownloadPart>),
}

impl Session {
    /// Whether nothing is left to be taken in.
    pub fn is_idle(&self) -> bool {
        self.work.is_none()
    }

    /// Whether the server has answered every MARK.
    pub fn is_answered(&self) -> bool {
        self.received_mark == self.wanted_mark
    }

    /// A connection is there.
    pub fn established(&mut self, is_fast: bool) {
        self.forget_exchange();
        self.is_online = true;
        if !is_fast || self.are_uploads_delayed.is_none() {
            self.are_uploads_delayed = Some(true);
        }
        if self.are_uploads_delayed == Some(true) {
            self.wanted_mark += 1;
        }
    }

    /// The connection is gone.
    pub fn lost(&mut self) {
        self.is_online = false;
        // What was being taken in goes on to its end: it is in the worker's hands already.
        self.forget_exchange();
    }

    fn forget_exchange(&mut self) {
        self.is_bound = false;
        self.is_identified = false;
        self.own_error = None;
        self.sent_mark = self.received_mark;
        self.bootstrap_version = None;
        self.compensations.clear();
        self.accepted = None;
        self.is_refused = false;
    }
}

fn violation<T>(what: impl std::fmt::Display) -> Result<T, Stop> {
    Err(Stop::Fault(format!("protocol violation: {what}")))
}

impl Client {
    /// The connection is gone; the store hears of it if its process is there.
    pub fn lose_connection(&mut self) {
        self.session.lost();
        if let Ok(database) = self.database() {
            database.uploads_paused();
        }
    }

    /// Readies the file when a process begins.
    pub(super) fn start_session(&mut self) -> Result<(), Stop> {
        self.forget_sets();
        if self.run(
            "discard a partial bootstrap",
            Database::discard_partial_bootstrap,
        )? {
            while !self.apply_slice()? {}
        }
        Ok(())
    }

    /// The set that the server is to sync: the newest that has arrived.
    pub(super) fn active_set(&mut self) -> Result<Option<SubscriptionSet>, Stop> {
        Ok(active_set(self.sets()?).cloned())
    }

    fn pending_set(&mut self) -> Result<Option<SubscriptionSet>, Stop> {
        let after = self.session.last_query_version;
        let waits = |set: &&SubscriptionSet| {
            set.version > after
                && matches!(
                    set.state,
                    SubscriptionState::Pending | SubscriptionState::Bootstrapping
                )
        };
        Ok(self.sets()?.iter().find(waits).cloned())
    }

    /// The next message to send.
    pub fn next_message(&mut self) -> Result<Option<Request>, Stop> {
        if !self.session.is_online || self.session.is_refused {
            return Ok(None);
        }
        if !self.session.is_bound {
            self.session.is_bound = true;
            let needs_file_ident = self.run("read", Database::sync_state)?.file_ident == 0;
            return Ok(Some(Request::Bind { needs_file_ident }));
        }
        if !self.session.is_identified {
            return self.identify();
        }
        if let Some((text, is_sent)) = &mut self.session.own_error {
            let text = (!std::mem::replace(is_sent, true)).then(|| text.clone());
            return Ok(text.map(|text| Request::Error {
                code: BAD_CHANGESET,
                text,
            }));
        }
        if self.session.wanted_mark > self.session.sent_mark {
            self.session.sent_mark = self.session.wanted_mark;
            return Ok(Some(Request::Mark(self.session.sent_mark)));
        }
        if self.session.are_uploads_delayed == Some(true) {
            return Ok(None);
        }
        match self.query()? {
            Some(query) => Ok(Some(query)),
            None => self.upload(),
        }
    }

    fn identify(&mut self) -> Result<Option<Request>, Stop> {
        let state = self.run("read", Database::sync_state)?;
        // A download of an earlier connection that is still being taken in is waited for.
        if state.file_ident == 0 || !self.session.is_idle() {
            return Ok(None);
        }
        let active = self.active_set()?;
        let session = &mut self.session;
        session.is_identified = true;
        session.last_query_version = active.as_ref().map_or(0, |set| set.version);
        session.scan = (
            state.progress.upload_client_version,
            state.progress.upload_server_version,
        );
        session.accepted = Some(state.progress);
        Ok(Some(Request::Ident(Ident {
            file_ident: state.file_ident,
            file_ident_salt: state.file_ident_salt,
            progress: state.progress,
            query_version: session.last_query_version,
            query: subscription_text(active.as_ref()),
        })))
    }

    fn query(&mut self) -> Result<Option<Request>, Stop> {
        let Some(pending) = self.pending_set()? else {
            return Ok(None);
        };
        if self.session.scan.0 < pending.snapshot_version {
            return Ok(None);
        }
        self.session.last_query_version = pending.version;
        self.session.wanted_mark += 1;
        Ok(Some(Request::Query {
            version: pending.version,
            text: subscription_text(Some(&pending)),
        }))
    }

    fn upload(&mut self) -> Result<Option<Request>, Stop> {
        let pending = self.pending_set()?;
        let newest = self.database()?.version();
        let target = pending
            .as_ref()
            .map_or(newest, |set| newest.min(set.snapshot_version));
        let (client, server) = self.session.scan;
        let upload = self.run("hand out an upload", |database| {
            database.next_upload(client, server, target, UPLOAD_BYTES_MAX)
        })?;
        let has_news = upload.entries > 0 || upload.progress_server_version > server;
        self.session.scan.0 = client.max(upload.progress_client_version);
        if !has_news {
            return if pending.is_some() {
                self.query()
            } else {
                Ok(None)
            };
        }
        self.session.scan.1 = upload.progress_server_version;
        self.note_sent(&upload.body)?;
        let locked_server_version = upload.progress_server_version;
        Ok(Some(Request::Upload {
            upload,
            locked_server_version,
        }))
    }

    /// What leaves twice has to be the same both times.
    fn note_sent(&mut self, body: &[u8]) -> Result<(), Stop> {
        let entries = parse_upload_body(body, BodyLimits::default());
        let entries = entries.map_err(|error| Stop::Fault(format!("an upload: {error}")))?;
        for entry in entries {
            let mut digest = Digest::default();
            digest.number(entry.timestamp);
            digest.bytes(entry.changeset);
            let earlier = self.file.sent.insert(entry.client_version, digest.value());
            if earlier.is_some_and(|earlier| earlier != digest.value()) {
                let version = entry.client_version;
                return violation(format!("version {version} was uploaded in two forms"));
            }
        }
        Ok(())
    }

    /// Goes on with what is being taken in. Says whether there was anything.
    pub fn work(&mut self) -> Result<bool, Stop> {
        match self.session.work.take() {
            None => Ok(false),
            Some(Work::Steady(mut prepared, part)) => {
                let result = self.attempt("download slice", |database| {
                    database.integrate_slice(&mut prepared, 0)
                })?;
                match result {
                    Ok(slice) if slice.is_done => self.after_download(&part),
                    Ok(_) => self.session.work = Some(Work::Steady(prepared, part)),
                    Err(error) => self.refuse(&error),
                }
                Ok(true)
            }
            Some(Work::Bootstrap(part)) => {
                if self.apply_slice()? {
                    self.after_download(&part);
                } else {
                    self.session.work = Some(Work::Bootstrap(part));
                }
                Ok(true)
            }
        }
    }

    /// Takes a message. Only when nothing is being taken in.
    pub fn receive(&mut self, answer: Answer) -> Result<(), Stop> {
        if self.session.own_error.is_some() || self.session.is_refused {
            return Ok(());
        }
        match answer {
            Answer::Ident { file_ident, salt } => {
                if self.session.is_identified {
                    return violation("ident for a session that has one");
                }
                self.run("set file ident", |database| {
                    database.set_file_ident(file_ident, salt)
                })?;
                self.file.ident = file_ident;
                Ok(())
            }
            Answer::Download(part) => self.download(part),
            Answer::Mark(request) => self.mark(request),
            Answer::Compensation(told) => self.compensation(told),
            Answer::QueryError { version, text } => violation(format!("query {version}: {text}")),
            Answer::Error(refusal) => {
                self.session.is_refused = true;
                if refusal.code == codes::CLIENT_FILE_EXPIRED {
                    self.has_to_reset = true;
                    return Ok(());
                }
                violation(format!("{} is refused: {refusal}", self.name()))
            }
        }
    }

    fn download(&mut self, part: Box<DownloadPart>) -> Result<(), Stop> {
        let Some(accepted) = self.session.accepted else {
            return violation("download before ident");
        };
        let progress = progress_of(&part);
        if let Some(fault) = download_fault(&accepted, &progress, self.database()?.version()) {
            return violation(format!("{fault}: {progress:?} after {accepted:?}"));
        }
        if part.batch_state != BatchState::Steady {
            return self.bootstrap(part);
        }
        let prepared = self.attempt("read", |database| {
            database.prepare_download(progress, &part.body)
        })?;
        match prepared {
            Ok(prepared) => self.session.work = Some(Work::Steady(prepared, part)),
            Err(error) => self.refuse(&error),
        }
        self.work().map(drop)
    }

    fn bootstrap(&mut self, part: Box<DownloadPart>) -> Result<(), Stop> {
        let query_version = part.query_version;
        let is_first = self.session.bootstrap_version != Some(query_version);
        let is_last = part.batch_state == BatchState::LastInBatch;
        if is_first {
            self.session.bootstrap_version = Some(query_version);
            let set = self.sets()?.iter().find(|set| set.version == query_version);
            if set.is_some_and(|set| set.state == SubscriptionState::Pending) {
                self.set_state(query_version, SubscriptionState::Bootstrapping)?;
            }
        }
        let progress = progress_of(&part);
        let stored = self.attempt("bootstrap part", |database| {
            let body = &part.body;
            database.store_bootstrap(&BootstrapPart {
                query_version,
                is_first,
                is_last,
                progress,
                body,
            })
        })?;
        self.forget_sets();
        if let Err(error) = stored {
            self.refuse(&error);
            return Ok(());
        }
        if is_last {
            self.session.bootstrap_version = None;
            self.session.work = Some(Work::Bootstrap(part));
            return self.work().map(drop);
        }
        self.report_compensations(part.download_server_version);
        Ok(())
    }

    /// Applies a slice of a stored bootstrap. Says whether it was the last.
    fn apply_slice(&mut self) -> Result<bool, Stop> {
        let applied = self.run("bootstrap slice", |database| database.apply_bootstrap(0))?;
        self.forget_sets();
        if !applied.is_done {
            return Ok(false);
        }
        let Some(query_version) = applied.query_version else {
            return Ok(true);
        };
        let set = self.sets()?.iter().find(|set| set.version == query_version);
        let waits = set.is_some_and(|set| {
            matches!(
                set.state,
                SubscriptionState::Pending | SubscriptionState::Bootstrapping
            )
        });
        if waits {
            self.set_state(query_version, SubscriptionState::AwaitingMark)?;
        }
        Ok(true)
    }

    fn after_download(&mut self, part: &DownloadPart) {
        // After a reconnect the progress of an earlier connection says nothing about this one.
        if self.session.accepted.is_some() {
            self.session.accepted = Some(progress_of(part));
        }
        self.report_compensations(part.download_server_version);
    }

    fn compensation(&mut self, told: Compensation) -> Result<(), Stop> {
        let state = self.run("read", Database::sync_state)?;
        if told.server_version <= state.progress.download_server_version {
            return violation(format!(
                "231 for {}, which was downloaded",
                told.server_version
            ));
        }
        if told.rejected_client_version > self.database()?.version() {
            return violation(format!(
                "231 about the future: {}",
                told.rejected_client_version
            ));
        }
        for update in &told.rejected_updates {
            let rejected = (
                told.rejected_client_version,
                update.table.clone(),
                update.primary_key.clone(),
            );
            if !self.file.rejected.contains(&rejected) {
                self.file.rejected.push(rejected);
            }
        }
        self.session.compensations.push(told);
        Ok(())
    }

    fn report_compensations(&mut self, through: u64) {
        self.session
            .compensations
            .retain(|told| told.server_version > through);
    }

    fn mark(&mut self, request: u64) -> Result<(), Stop> {
        let session = &mut self.session;
        if request <= session.received_mark || request > session.sent_mark {
            return violation(format!(
                "mark {request} after {}, of {}",
                session.received_mark, session.sent_mark
            ));
        }
        session.received_mark = request;
        session.are_uploads_delayed = Some(false);
        match self.active_set()? {
            Some(set) if set.state == SubscriptionState::AwaitingMark => {
                self.set_state(set.version, SubscriptionState::Complete)
            }
            _ => Ok(()),
        }
    }

    /// A download that cannot be taken in: the server is told.
    fn refuse(&mut self, error: &StoreError) {
        self.session.own_error = Some((error.to_string(), false));
    }
}

/// The checks of the protocol on the header of a download.
fn download_fault(
    accepted: &DownloadProgress,
    new: &DownloadProgress,
    newest: u64,
) -> Option<&'static str> {
    let falls = new.latest_server_version < accepted.latest_server_version
        || new.download_server_version < accepted.download_server_version
        || new.download_client_version < accepted.download_client_version
        || new.upload_client_version < accepted.upload_client_version;
    if falls {
        return Some("a version falls");
    }
    if new.upload_client_version > newest {
        return Some("the future is acknowledged");
    }
    if new.latest_server_version_salt == 0 {
        return Some("a version without a salt");
    }
    None
}
