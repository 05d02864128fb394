//! Every recorded merge: by the original's rules to the byte, by the corrected ones to convergence.

use tidemark_testkit::vectors::{self, Outcome, merge};

fn file() -> std::path::PathBuf {
    vectors::directory().join("merge/merge.jsonl")
}

#[test]
fn the_original_rules_give_what_the_original_gave() {
    let (passed, failures) =
        vectors::replay_file(&file(), merge::replay_line).expect("the file is there");
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(passed, 2633);
}

/// The recorded non-converging cases among them, the corrected rules end equal in both orders.
#[test]
fn the_corrected_rules_converge() {
    let text = std::fs::read_to_string(file()).expect("the file is there");
    let results: Vec<_> = text
        .lines()
        .filter_map(merge::converges_corrected)
        .collect();
    let failures: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} failed, first:\n{}",
        failures.len(),
        failures[0]
    );
    assert_eq!(results.len(), 1799);
}

/// A replay that cannot fail proves nothing.
#[test]
fn damaged_expectations_are_noticed() {
    let text = std::fs::read_to_string(file()).expect("the file is there");
    let line = text
        .lines()
        .find(|line| line.contains("\"dirty\":true"))
        .expect("some merge changes something");
    assert_eq!(merge::replay_line(line, None), Ok(Outcome::Passed));
    let expected = line.find("\"expected\"").expect("it has an expectation");
    for (from, to) in [
        ("\"dirty\":true", "\"dirty\":false"),
        ("\"hex\":\"3f00", "\"hex\":\"3f80800"),
    ] {
        let (input, output) = line.split_at(expected);
        let damaged = format!("{input}{}", output.replacen(from, to, 1));
        assert_ne!(damaged, line);
        assert!(merge::replay_line(&damaged, None).is_err(), "{from}");
    }
}
