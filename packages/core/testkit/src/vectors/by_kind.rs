//! Replay by the name of a format: what bindings offer to command lines.

use std::path::Path;

use serde_json::json;

use super::{Outcome, apply, codec, convergence, merge};

type Replay = fn(&str, Option<&Path>) -> Result<Outcome, String>;

/// The formats there are, by name.
const FORMATS: [(&str, Replay); 4] = [
    ("codec", codec::replay_line),
    ("merge", merge::replay_line),
    ("apply", apply::replay_line),
    ("convergence", convergence::replay_line),
];

/// Replays one line of a format. The answer is JSON: `{"ok":true}`, or `{"ok":false,"message":"…"}`.
pub fn replay(format: &str, line: &str) -> String {
    let result = match FORMATS.iter().find(|(name, _)| *name == format) {
        Some((_, replay_line)) => replay_line(line, None).map(|_| ()),
        None => Err(format!("format {format} is not known here")),
    };
    match result {
        Ok(()) => json!({ "ok": true }),
        Err(message) => json!({ "ok": false, "message": message }),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_json() {
        let line = r#"{"id":"y","description":"","hex":"0100","accepted":false}"#;
        assert_eq!(replay("codec", line), r#"{"ok":true}"#);
        let accepted = line.replace("0100", "");
        assert!(replay("codec", &accepted).starts_with(r#"{"message":"y (): "#));
        assert!(replay("poem", line).contains("poem is not known"));
    }
}
