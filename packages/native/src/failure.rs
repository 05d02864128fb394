//! Errors on their way to JavaScript: the core's text, and its stable name as `code`.

use tidemark_storage::StorageError;
use tidemark_store::StoreError;

/// The `code` of a thrown error.
#[derive(Clone, Copy, Debug)]
pub struct Code(pub &'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl From<napi::Status> for Code {
    fn from(_: napi::Status) -> Self {
        Self("malformed-argument")
    }
}

/// What a function of the addon returns.
pub type Result<T, E = napi::Error<Code>> = std::result::Result<T, E>;

/// Makes an error of the core one that JavaScript can catch.
pub fn store_failure(error: StoreError) -> napi::Error<Code> {
    napi::Error::new(Code(error.code()), error.to_string())
}

/// Makes an error of the storage one that JavaScript can catch.
pub fn storage_failure(error: StorageError) -> napi::Error<Code> {
    store_failure(error.into())
}

/// Passes on what Node itself refused.
pub fn outside_failure(error: napi::Error) -> napi::Error<Code> {
    napi::Error::new(Code("malformed-argument"), error.reason.clone())
}
