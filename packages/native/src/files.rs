//! What concerns the file of a database, as `CoreStore` has it.

use std::time::Duration;

use napi_derive::napi;
use tidemark_storage::Storage;
use tidemark_store::boundary;

use crate::failure::{Result, store_failure};
use crate::gate::Writer;
use crate::store::{NativeStore, secret_of};

/// How long it is waited for the session's write to end.
const TIMEOUT: Duration = Duration::from_secs(60);

#[napi]
impl NativeStore {
    /// JSON: `{ totalBytes, usedBytes }`.
    #[napi(catch_unwind)]
    pub fn sizes(&self) -> Result<String> {
        let sizes = || {
            let open = self.open()?;
            open.gate.with(Writer::Application, TIMEOUT, || {
                Ok(open.store.database().storage().sizes()?)
            })
        };
        sizes().map(boundary::sizes_text).map_err(store_failure)
    }

    /// Gives unused space back to the file system, unless somebody reads or writes: whether it was done.
    #[napi(catch_unwind)]
    pub fn compact(&self) -> Result<bool> {
        let compact = || {
            let open = self.open()?;
            open.gate
                .with(Writer::Application, TIMEOUT, || open.store.compact())
        };
        compact().map_err(store_failure)
    }

    /// Writes a copy of the newest version to a path where nothing is.
    #[napi(catch_unwind)]
    pub fn write_copy(
        &self,
        path: String,
        form: String,
        key: Option<&[u8]>,
        seed: Option<&[u8]>,
    ) -> Result<()> {
        let copy = || {
            let open = self.open()?;
            let form = boundary::copy_form_of(&form)?;
            open.gate.with(Writer::Application, TIMEOUT, || {
                open.copy(&path, form, secret_of(key, seed))
            })
        };
        copy().map_err(store_failure)
    }
}
