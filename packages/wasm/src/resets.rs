//! Client resets, as `CoreStore` has them.

use std::rc::Rc;

use tidemark_store::boundary;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::Result;
use crate::store::{WasmStore, or_null, unsigned};

#[wasm_bindgen]
impl WasmStore {
    /// Takes a snapshot that another handle has open once more; this one gives it back too.
    #[wasm_bindgen(js_name = shareRead)]
    pub fn share_read(&mut self, snapshot: u32) -> Result<()> {
        self.open()?.store.share_read(snapshot)?;
        *self.reads.entry(snapshot).or_default() += 1;
        Ok(())
    }

    /// The client reset that was begun and is not acknowledged yet, as JSON; `null` if there is none.
    #[wasm_bindgen(js_name = pendingReset, unchecked_return_type = "string | null")]
    pub fn pending_reset(&self) -> Result<JsValue> {
        let pending = self.open()?.store.database().pending_reset()?;
        Ok(or_null(pending.as_ref().map(boundary::pending_reset_text)))
    }

    /// How a demanded client reset would be done.
    #[wasm_bindgen(js_name = checkReset, unchecked_return_type = "\"recover\" | \"discard\"")]
    pub fn check_reset(&self, policy: &str, allows_recovery: bool) -> Result<String> {
        let (policy, action) = boundary::check_of(policy, allows_recovery)?;
        let mode = self.open()?.store.database().check_reset(policy, action)?;
        Ok(boundary::reset_mode_name(mode).to_owned())
    }

    /// Decides how a demanded client reset is done, and makes that durable.
    #[wasm_bindgen(js_name = beginReset, unchecked_return_type = "\"recover\" | \"discard\"")]
    pub fn begin_reset(&self, demand: &str) -> Result<String> {
        let demand = boundary::demand_of(demand)?;
        let mode = self.as_session()?.store.database().begin_reset(&demand)?;
        Ok(boundary::reset_mode_name(mode).to_owned())
    }

    /// Makes the file equal to a fresh copy, as it was begun. Returns the snapshot of the version before,
    /// which is this handle's to give back.
    #[wasm_bindgen(js_name = resetFrom)]
    pub fn reset_from(&mut self, fresh: &WasmStore, timestamp_ms: f64) -> Result<u32> {
        let fresh = Rc::clone(fresh.open()?);
        let open = self.as_session()?;
        let before = open.store.begin_read()?;
        let database = open.store.database();
        if let Err(error) = database.reset_from(fresh.store.database(), unsigned(timestamp_ms)) {
            open.store.end_read(before)?;
            return Err(error.into());
        }
        *self.reads.entry(before).or_default() += 1;
        Ok(before)
    }

    /// The server has taken the file in its new shape.
    #[wasm_bindgen(js_name = finishReset)]
    pub fn finish_reset(&self) -> Result<()> {
        Ok(self.as_session()?.store.database().finish_reset()?)
    }

    /// What client resets did that nobody has taken note of yet, as a JSON array; `null` if there is nothing.
    #[wasm_bindgen(js_name = resetReports, unchecked_return_type = "string | null")]
    pub fn reset_reports(&self) -> Result<JsValue> {
        Ok(or_null(self.open()?.store.database().reset_reports()?))
    }

    /// They were taken note of.
    #[wasm_bindgen(js_name = forgetResetReports)]
    pub fn forget_reset_reports(&self) -> Result<()> {
        Ok(self.as_session()?.store.database().forget_reset_reports()?)
    }
}
