//! Replay of golden vectors, for the command line of this repository.

use tidemark_testkit::vectors::by_kind;
use wasm_bindgen::prelude::wasm_bindgen;

/// Replays one line of a golden vector of the format given. The answer is JSON: `{"ok":true}`, or
/// `{"ok":false,"message":"…"}`.
#[wasm_bindgen(js_name = replayVector)]
pub fn replay_vector(format: &str, line: &str) -> String {
    by_kind::replay(format, line)
}
