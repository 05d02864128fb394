//! What concerns the file of a database, as `CoreStore` has it.

use tidemark_storage::Storage;
use tidemark_store::{StoreError, boundary};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Result;
use crate::store::{WasmStore, secret_of};

#[wasm_bindgen]
impl WasmStore {
    /// JSON: `{ totalBytes, usedBytes }`.
    pub fn sizes(&self) -> Result<String> {
        let storage = self.open()?.store.database().storage();
        Ok(boundary::sizes_text(storage.sizes()?))
    }

    /// Gives unused space back to the file system, unless somebody reads or writes: whether it was done.
    pub fn compact(&self) -> Result<bool> {
        Ok(self.open()?.store.compact()?)
    }

    /// Writes a copy of the newest version to a path where nothing is.
    #[wasm_bindgen(js_name = writeCopy)]
    #[allow(clippy::needless_pass_by_value)] // What comes from JavaScript is owned.
    pub fn write_copy(
        &self,
        path: &str,
        form: &str,
        key: Option<Vec<u8>>,
        seed: Option<Vec<u8>>,
    ) -> Result<()> {
        let open = self.open()?;
        if open.store.is_writing() {
            return Err(StoreError::WriteInProgress.into());
        }
        let form = boundary::copy_form_of(form)?;
        Ok(open.copy(path, form, secret_of(key.as_deref(), seed.as_deref()))?)
    }
}
