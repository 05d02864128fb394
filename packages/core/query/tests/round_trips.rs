//! What a client sends as a subscription means what the application asked for, whatever it asked: every
//! recorded query, printed and read again.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use serde_json::Value as Json;
use support::Dataset;
use tidemark_query::{Argument, Query, QueryError, bind, parse};

fn rows(set: &Dataset, query: &Query) -> Result<Vec<usize>, QueryError> {
    let mut rows = Vec::new();
    for row in &set.classes[query.class()].rows {
        if query.matches(&set.row(*row), set)? {
            rows.push(*row);
        }
    }
    let mut arranger = query.arranger();
    for row in &rows {
        arranger.push(&set.row(*row), set)?;
    }
    Ok(arranger.finish()?.into_iter().map(|at| rows[at]).collect())
}

/// The words of a text in some order: each reading moves the parts of runs of AND and OR about.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split([' ', '(', ')']).collect();
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words
}

fn check(set: &Dataset, case: &Json) -> Result<(), String> {
    let class = case["class"].as_str().unwrap();
    let text = case["query"].as_str().unwrap();
    let arguments: Vec<Argument> = case
        .get("args")
        .and_then(Json::as_array)
        .map(|arguments| arguments.iter().map(support::values::argument).collect())
        .unwrap_or_default();
    let read = |text: &str, arguments: &[Argument]| bind(&parse(text)?, class, set, arguments);
    let Ok(first) = read(text, &arguments) else {
        return Ok(());
    };
    // There are names that can be written in no other way, and decimals that stand for themselves alone;
    // names with spaces are escaped where the original escapes them.
    let is_unwritable = text.contains("$K") || case["args"].to_string().contains("$decimal");
    let is_unescaped = text.contains('\\')
        && ["SORT(", "DISTINCT(", "@links."]
            .iter()
            .any(|word| text.contains(word));
    if is_unwritable || is_unescaped {
        return Ok(());
    }
    let sent = first.subscription_text();
    let second = read(&sent, &[]).map_err(|error| format!("{sent}: {error}"))?;
    let again = second.subscription_text();
    if words(&again) != words(&sent) {
        return Err(format!("{sent}\n    becomes {again}"));
    }
    if case["dataset"] == "big" {
        // Its rows take long, and say nothing that those of the other set do not.
        return Ok(());
    }
    let (wanted, found) = (rows(set, &first), rows(set, &second));
    if wanted != found {
        return Err(format!("{sent}: {wanted:?}, {found:?}"));
    }
    Ok(())
}

#[test]
fn a_subscription_text_is_read_as_it_was_meant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/rql");
    let datasets = std::fs::read(folder.join("datasets.json")).unwrap();
    let sets = support::load(&serde_json::from_slice(&datasets).unwrap());
    let mut failures = Vec::new();
    let mut checked = 0;
    for folder in [folder.clone(), folder.join("extra")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_none_or(|extension| extension != "jsonl")
            {
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let case: Json = serde_json::from_str(line).unwrap();
                checked += 1;
                if let Err(why) = check(&sets[case["dataset"].as_str().unwrap()], &case) {
                    failures.push(format!("{} {}\n    {why}", case["id"], case["query"]));
                }
            }
        }
    }
    assert!(checked > 5000);
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
