//! Replay of golden vectors, for the command line of this repository.

use napi_derive::napi;
use tidemark_testkit::vectors::by_kind;

/// Replays one line of a golden vector of the format given. The answer is JSON: `{"ok":true}`, or
/// `{"ok":false,"message":"…"}`.
#[napi(catch_unwind)]
#[allow(
    clippy::needless_pass_by_value,
    reason = "what crosses the boundary is owned"
)]
pub fn replay_vector(format: String, line: String) -> String {
    by_kind::replay(&format, &line)
}
