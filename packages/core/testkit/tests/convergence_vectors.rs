//! Every recorded meeting of clients: what they emit, to the byte, and where they end.

use tidemark_testkit::vectors::{self, convergence};

fn lines() -> Vec<String> {
    let path = vectors::directory().join("convergence/convergence.jsonl");
    let text = std::fs::read_to_string(path).expect("the file is there");
    text.lines().map(str::to_owned).collect()
}

fn expect_all(results: &[Result<(), String>]) {
    let failures: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{failures:#?}",
        failures.len(),
        results.len()
    );
}

#[test]
fn clients_emit_and_end_as_the_original() {
    let lines = lines();
    assert_eq!(lines.len(), 287);
    let replay = |line: &String| convergence::replay_line(line, None).map(drop);
    expect_all(&lines.iter().map(replay).collect::<Vec<_>>());
}

/// Also the cases that the original does not bring together.
#[test]
fn the_corrected_rules_bring_all_clients_together() {
    let lines = lines();
    expect_all(
        &lines
            .iter()
            .map(|line| convergence::converges_corrected(line))
            .collect::<Vec<_>>(),
    );
}

/// A replay that cannot fail proves nothing.
#[test]
fn damaged_expectations_are_noticed() {
    let lines = lines();
    let line = lines
        .iter()
        .find(|line| line.contains("\"converged\":true"))
        .expect("most converge");
    assert!(convergence::replay_line(line, None).is_ok());
    let (input, expected) = line.split_at(line.find("\"expected\"").expect("it expects something"));
    for (from, to) in [
        ("\"hex\":\"3f00", "\"hex\":\"3f80800"),
        ("\"int\":\"1\"", "\"int\":\"9\""),
    ] {
        let damaged = format!("{input}{}", expected.replacen(from, to, 1));
        assert_ne!(damaged, *line);
        assert!(convergence::replay_line(&damaged, None).is_err(), "{from}");
    }
}
