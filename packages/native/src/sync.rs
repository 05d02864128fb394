//! What a session asks of a database, as `CoreStore` has it.

use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;
use tidemark_store::StoreError;
use tidemark_store::boundary::{self, number_of};
use tidemark_store::sync::{BootstrapPart, SubscriptionState};

use crate::failure::{Code, Result, store_failure};
use crate::gate::Writer;
use crate::registry::OpenStore;
use crate::store::{NativeStore, SESSION_TIMEOUT, unsigned};

#[napi]
impl NativeStore {
    /// All kept subscription sets, oldest first, as JSON.
    #[napi(catch_unwind)]
    pub fn subscription_sets(&self) -> Result<String> {
        let sets = self
            .open()
            .and_then(|open| open.store.database().subscription_sets());
        sets.map(|sets| boundary::subscription_sets_text(&sets))
            .map_err(store_failure)
    }

    /// Commits a new newest set in a transaction of its own.
    #[napi(catch_unwind)]
    pub fn commit_subscription_set(&self, subscriptions: String, timestamp_ms: f64) -> Result<f64> {
        let commit = || {
            let open = self.open()?;
            let subscriptions = boundary::subscriptions_of(&subscriptions)?;
            let timestamp = unsigned(timestamp_ms);
            open.gate.with(Writer::Application, SESSION_TIMEOUT, || {
                open.store
                    .database()
                    .commit_subscription_set(subscriptions, timestamp)
            })
        };
        commit().map(number_of).map_err(store_failure)
    }

    /// Moves a set's state.
    #[napi(catch_unwind)]
    pub fn set_subscription_state(
        &self,
        version: f64,
        state: String,
        error: Option<String>,
    ) -> Result<()> {
        let state = SubscriptionState::of_name(&state).ok_or_else(|| {
            napi::Error::new(Code("malformed-argument"), "There is no such state")
        })?;
        let version = unsigned(version);
        self.as_session(|open| {
            open.store
                .database()
                .set_subscription_state(version, state, error)
        })
    }

    /// Takes over which fields the server's rules look at, as JSON: names by class.
    #[napi(catch_unwind)]
    pub fn set_rule_fields(&self, fields: String) -> Result<()> {
        let fields = boundary::rule_fields_of(&fields).map_err(store_failure)?;
        self.as_session(|open| open.store.database().set_rule_fields(&fields))
    }

    /// JSON of `SyncState`.
    #[napi(catch_unwind)]
    pub fn sync_state(&self) -> Result<String> {
        let state = self
            .open()
            .and_then(|open| open.store.database().sync_state());
        state
            .map(|state| boundary::sync_state_text(&state))
            .map_err(store_failure)
    }

    /// Stores the file ident that the server gave.
    #[napi(catch_unwind)]
    pub fn set_file_ident(&self, ident: BigInt, salt: BigInt) -> Result<()> {
        let (ident, salt) = (ident.get_u64().1, salt.get_u64().1);
        self.as_session(|open| open.store.database().set_file_ident(ident, salt))
    }

    /// No connection takes uploads for now.
    #[napi(catch_unwind)]
    pub fn uploads_paused(&self) -> Result<()> {
        let open = self.open().map_err(store_failure)?;
        open.store.database().uploads_paused();
        Ok(())
    }

    /// Body of the next UPLOAD: `f64 client version, f64 server version, u32 entry count, body`. What leaves
    /// for the first time is written down as sent before, which takes its turn among the writes.
    #[napi(catch_unwind)]
    pub fn next_upload(
        &self,
        scan_version: f64,
        scan_server_version: f64,
        target_version: f64,
        bytes_max: f64,
    ) -> Result<Uint8Array> {
        let target = unsigned(target_version);
        let next = |open: &OpenStore, target: u64| {
            let (scan, scan_server) = (unsigned(scan_version), unsigned(scan_server_version));
            let database = open.store.database();
            database.next_upload(scan, scan_server, target, unsigned(bytes_max))
        };
        let upload = self.open().and_then(|open| {
            let database = open.store.database();
            if !database.hands_out(unsigned(scan_version), target)? {
                return next(open, target);
            }
            let turn = || next(open, target);
            match open.gate.with(Writer::Session, SESSION_TIMEOUT, turn) {
                // Another time; what left once may leave again meanwhile.
                Err(StoreError::WriteInProgress | StoreError::WriteTimeout) => {
                    next(open, target.min(database.handed_out_version()?))
                }
                result => result,
            }
        });
        upload
            .map(|upload| Uint8Array::from(boundary::upload_bytes(&upload)))
            .map_err(store_failure)
    }

    /// Integrates a steady DOWNLOAD; with an empty body goes on with the one at hand.
    #[napi(catch_unwind)]
    pub fn integrate(&self, progress: String, body: &[u8], timestamp_ms: f64) -> Result<String> {
        let progress = boundary::progress_of(&progress).map_err(store_failure)?;
        // Parsed before the right to write is asked for.
        self.open()
            .and_then(|open| open.store.prepare(progress, body))
            .map_err(store_failure)?;
        self.as_session(|open| open.store.integrate(progress, &[], unsigned(timestamp_ms)))
            .map(boundary::integrated_text)
    }

    /// Stores one part of a bootstrap, raw.
    #[napi(catch_unwind)]
    pub fn store_bootstrap(
        &self,
        query_version: f64,
        first: bool,
        last: bool,
        progress: String,
        body: &[u8],
    ) -> Result<()> {
        let part = BootstrapPart {
            query_version: unsigned(query_version),
            is_first: first,
            is_last: last,
            progress: boundary::progress_of(&progress).map_err(store_failure)?,
            body,
        };
        self.as_session(|open| open.store.database().store_bootstrap(&part))
    }

    /// Applies stored bootstrap parts once the last is there, a slice a call.
    #[napi(catch_unwind)]
    pub fn apply_bootstrap(&self, timestamp_ms: f64) -> Result<String> {
        let timestamp = unsigned(timestamp_ms);
        self.as_session(|open| open.store.database().apply_bootstrap(timestamp))
            .map(boundary::bootstrap_text)
    }

    /// Forgets an incomplete bootstrap. Returns whether a complete one waits to be applied.
    #[napi(catch_unwind)]
    pub fn discard_partial_bootstrap(&self) -> Result<bool> {
        self.as_session(|open| open.store.discard_partial_bootstrap())
    }
}
