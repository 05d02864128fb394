//! Client resets, as `CoreStore` has them.

use std::sync::Arc;

use napi_derive::napi;
use tidemark_store::boundary;

use crate::failure::{Result, store_failure};
use crate::store::{NativeStore, unsigned};

#[napi]
impl NativeStore {
    /// Takes a snapshot that another handle of this process has open once more; this one gives it back too.
    #[napi(catch_unwind)]
    pub fn share_read(&mut self, snapshot: u32) -> Result<()> {
        let open = self.open().map_err(store_failure)?;
        open.store.share_read(snapshot).map_err(store_failure)?;
        *self.reads.entry(snapshot).or_default() += 1;
        Ok(())
    }

    /// The client reset that was begun and is not acknowledged yet, as JSON; `null` if there is none.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn pending_reset(&self) -> Result<Option<String>> {
        let pending = self
            .open()
            .and_then(|open| open.store.database().pending_reset());
        pending
            .map(|pending| pending.as_ref().map(boundary::pending_reset_text))
            .map_err(store_failure)
    }

    /// How a demanded client reset would be done.
    #[napi(catch_unwind, ts_return_type = "\"recover\" | \"discard\"")]
    pub fn check_reset(&self, policy: String, allows_recovery: bool) -> Result<String> {
        let mode = || {
            let (policy, action) = boundary::check_of(&policy, allows_recovery)?;
            self.open()?.store.database().check_reset(policy, action)
        };
        mode()
            .map(|mode| boundary::reset_mode_name(mode).to_owned())
            .map_err(store_failure)
    }

    /// Decides how a demanded client reset is done, and makes that durable.
    #[napi(catch_unwind, ts_return_type = "\"recover\" | \"discard\"")]
    pub fn begin_reset(&self, demand: String) -> Result<String> {
        let demand = boundary::demand_of(&demand).map_err(store_failure)?;
        self.as_session(|open| open.store.database().begin_reset(&demand))
            .map(|mode| boundary::reset_mode_name(mode).to_owned())
    }

    /// Makes the file equal to a fresh copy, as it was begun. Returns the snapshot of the version before,
    /// which is this handle's to give back.
    #[napi(catch_unwind)]
    pub fn reset_from(&mut self, fresh: &NativeStore, timestamp_ms: f64) -> Result<u32> {
        let fresh = Arc::clone(fresh.open().map_err(store_failure)?);
        let before = self.as_session(|open| {
            // No write comes between the two.
            let before = open.store.begin_read()?;
            let database = open.store.database();
            match database.reset_from(fresh.store.database(), unsigned(timestamp_ms)) {
                Ok(_) => Ok(before),
                Err(error) => {
                    open.store.end_read(before)?;
                    Err(error)
                }
            }
        })?;
        *self.reads.entry(before).or_default() += 1;
        Ok(before)
    }

    /// The server has taken the file in its new shape.
    #[napi(catch_unwind)]
    pub fn finish_reset(&self) -> Result<()> {
        self.as_session(|open| open.store.database().finish_reset())
    }

    /// What client resets did that nobody has taken note of yet, as a JSON array; `null` if there is nothing.
    #[napi(catch_unwind, ts_return_type = "string | null")]
    pub fn reset_reports(&self) -> Result<Option<String>> {
        self.open()
            .and_then(|open| open.store.database().reset_reports())
            .map_err(store_failure)
    }

    /// They were taken note of.
    #[napi(catch_unwind)]
    pub fn forget_reset_reports(&self) -> Result<()> {
        self.as_session(|open| open.store.database().forget_reset_reports())
    }
}
