//! Errors on their way to JavaScript: the core's text, and its stable name as `code`.

use std::cell::RefCell;

use js_sys::{Error, Reflect};
use tidemark_storage::StorageError;
use tidemark_store::StoreError;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

/// What a function of the module returns.
pub type Result<T> = std::result::Result<T, Failure>;

/// An `Error` of JavaScript with a `code`.
pub struct Failure(JsValue);

impl Failure {
    fn new(code: &str, message: &str) -> Self {
        let error = Error::new(message);
        // Setting a property of an object just made cannot fail.
        let _ = Reflect::set(&error, &"code".into(), &code.into());
        Self(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.code(), &error.to_string())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        StoreError::from(error).into()
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

thread_local! {
    /// Text of the panic that ended this instance.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic cannot be undone here: what it was doing stays half done in memory. It is thrown as an error, and
/// whatever is called afterwards is refused ([`expect_sound`]); the files are as after a crash.
#[wasm_bindgen(start)]
pub fn watch_panics() {
    std::panic::set_hook(Box::new(|information| {
        let text = format!("The core has failed: {information}");
        PANIC.set(Some(text.clone()));
        wasm_bindgen::throw_val(Failure::new("core-failed", &text).into());
    }));
}

/// Refuses to work after a panic.
pub fn expect_sound() -> Result<()> {
    PANIC.with_borrow(|panic| match panic {
        Some(text) => Err(Failure::new("core-failed", text)),
        None => Ok(()),
    })
}
