//! Every recorded merge: by the original's rules to the byte, by the corrected ones to convergence.

use tidemark_testkit::vectors::{self, Outcome, merge};
use tidemark_transform::Rules;

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

/// What the original does not bring together the corrected rules do, so the lines above prove something.
#[test]
fn the_original_rules_leave_recorded_cases_apart() {
    let text = std::fs::read_to_string(file()).expect("the file is there");
    let (mut apart, mut recorded) = (0, 0);
    for line in text.lines() {
        if line.contains("\"converges\":false") {
            recorded += 1;
            apart += usize::from(merge::converges_by(line, Rules::ORIGINAL) == Some(false));
        }
    }
    // The others differ in what the original's storage does, not in the merge (OT12).
    assert_eq!((apart, recorded), (68, 71));
}

/// Every recorded case as a client of the original's against our server: where they end apart, the server
/// knows, and sends the object anew.
#[test]
fn a_client_of_the_original_that_ends_elsewhere_is_noticed() {
    let text = std::fs::read_to_string(file()).expect("the file is there");
    let (mut apart, mut noticed, mut all) = (0, 0, 0);
    for line in text.lines() {
        let Some(met) = merge::old_and_new(line) else {
            continue;
        };
        let met = met.unwrap_or_else(|error| panic!("{error}"));
        assert!(met.noticed || !met.apart, "{line:.300}");
        all += 1;
        apart += usize::from(met.apart);
        noticed += usize::from(met.noticed);
    }
    assert_eq!((all, apart, noticed), (1799, 42, 156));
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
