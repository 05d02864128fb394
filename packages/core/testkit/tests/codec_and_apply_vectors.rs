//! Every recorded line of the codec and apply vectors.

use std::path::Path;

use tidemark_testkit::vectors::{self, Outcome, apply, codec};

fn check(
    file: &str,
    replay_line: impl Fn(&str, Option<&Path>) -> Result<Outcome, String>,
    cases: usize,
) {
    let (passed, failures) = vectors::replay_file(&vectors::directory().join(file), replay_line)
        .expect("the file is there");
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(passed, cases, "{file} has another number of cases");
}

#[test]
fn codec_roundtrip() {
    check("codec/roundtrip.jsonl", codec::replay_line, 437);
}

#[test]
fn codec_malformed() {
    check("codec/malformed.jsonl", codec::replay_line, 190);
}

#[test]
fn applying() {
    check("apply/apply.jsonl", apply::replay_line, 420);
    check("apply/own.jsonl", apply::replay_line, 1755);
}

#[test]
fn applying_in_the_store() {
    check("apply/apply.jsonl", apply::replay_line_in_store, 420);
    check("apply/own.jsonl", apply::replay_line_in_store, 1755);
}

/// A replay that cannot fail proves nothing.
#[test]
fn damaged_expectations_are_noticed() {
    let line = r#"{"id":"x","description":"","hex":"3f0001410100","strings":["A"],
        "canonicalHex":"3f0001410100",
        "inlineHex":"3f0001410100","instructions":[{"op":"EraseTable","table":"A"}]}"#;
    assert_eq!(codec::replay_line(line, None), Ok(Outcome::Passed));
    assert!(codec::replay_line(&line.replace("\"table\":\"A\"", "\"table\":\"B\""), None).is_err());
    assert!(
        codec::replay_line(&line.replace("inlineHex\":\"3f", "inlineHex\":\"3e"), None).is_err()
    );

    let line = r#"{"id":"y","description":"","hex":"0100","accepted":false}"#;
    assert_eq!(codec::replay_line(line, None), Ok(Outcome::Passed));
    let accepted = r#"{"id":"y","description":"","hex":"","accepted":false}"#;
    assert!(codec::replay_line(accepted, None).is_err());

    let line = r#"{"id":"z","description":"","input":{"setup":[],"changesets":[{"hex":"3f000141000001",
        "instructions":[{"op":"AddTable","table":"A","spec":{"kind":"embedded"}}]}]},
        "expected":{"state":{"A":{"kind":"embedded","columns":{}}}}}"#;
    assert_eq!(apply::replay_line(line, None), Ok(Outcome::Passed));
    assert!(
        apply::replay_line(
            &line.replace("\"columns\":{}", "\"columns\":{\"f\":{}}"),
            None
        )
        .is_err()
    );
    let other = line.replace("\"columns\":{}", "\"columns\":{\"f\":{}}");
    assert_eq!(apply::replay_line_in_store(line, None), Ok(Outcome::Passed));
    assert!(apply::replay_line_in_store(&other, None).is_err());
}
