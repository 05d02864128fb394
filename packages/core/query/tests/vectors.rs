//! Replays the query vectors: what the original engine answered, query by query.
//!
//! The expected counts stand in `vectors.snapshot`, one line per file, with every case that does not pass
//! by its id. The test fails when they differ, in either direction, so that progress and regressions are
//! visible diffs.
//! `UPDATE_EXPECT=1 cargo test -p tidemark-query --test vectors` rewrites the file.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::Dataset;
use tidemark_query::{Argument, QueryError};

/// Answers of the original that contradict its own rules, and that no vector marks: each with what it would
/// have to mean.
const ODDITIES: [(&str, &str); 1] = [(
    "x-generated-0528",
    "object 24 reaches two strings, 'Straße' and one through a key whose link is null, and neither is \
     >= 'abc': a value of some other row was read in place of the null one",
)];

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/rql")
}

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [vectors(), vectors().join("extra")] {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The keys of the result in order, as the reporting form of the data set.
fn run(
    set: &Dataset,
    class: &str,
    text: &str,
    arguments: &[Argument],
) -> Result<(Vec<String>, String), QueryError> {
    let ast = tidemark_query::parse(text)?;
    let query = tidemark_query::bind(&ast, class, set, arguments)?;
    let mut rows = Vec::new();
    for index in &set.classes[class].rows {
        if query.matches(&set.row(*index), set)? {
            rows.push(*index);
        }
    }
    if query.has_descriptors() {
        let mut arranger = query.arranger();
        for index in &rows {
            arranger.push(&set.row(*index), set)?;
        }
        rows = arranger.finish()?.into_iter().map(|at| rows[at]).collect();
    }
    Ok((
        rows.into_iter().map(|index| set.report(index)).collect(),
        query.describe(),
    ))
}

/// Descriptions are equal, or equal up to the order of elements in braces.
fn same_description(expected: &str, found: &str, unordered: bool) -> bool {
    if !unordered {
        return expected == found;
    }
    let sorted = |text: &str| {
        let mut parts = Vec::new();
        for (at, part) in text.split('{').enumerate() {
            match part.split_once('}') {
                Some((list, rest)) if at > 0 => {
                    let mut elements: Vec<&str> = list.split(", ").collect();
                    elements.sort_unstable();
                    parts.push(format!("{{{}}}{rest}", elements.join(", ")));
                }
                _ => parts.push(part.to_owned()),
            }
        }
        parts.concat()
    };
    sorted(expected) == sorted(found)
}

fn check(sets: &HashMap<String, Dataset>, case: &Json) -> Result<(), String> {
    let set = &sets[case["dataset"].as_str().unwrap()];
    let class = case["class"].as_str().unwrap();
    let text = case["query"].as_str().unwrap();
    let arguments: Vec<Argument> = case
        .get("args")
        .and_then(Json::as_array)
        .map(|arguments| arguments.iter().map(support::values::argument).collect())
        .unwrap_or_default();
    let expected = &case["expect"];
    let found = run(set, class, text, &arguments);
    if let Some(error) = expected.get("error") {
        let (code, message) = (
            error["code"].as_str().unwrap(),
            error["message"].as_str().unwrap(),
        );
        return match found {
            Ok((keys, description)) => Err(format!(
                "expected {code} {message}, found {} keys, {description}",
                keys.len()
            )),
            Err(_) if code == "std::exception" => Ok(()),
            Err(error) if error.name() != code => {
                Err(format!("expected {code} {message}, found {error:?}"))
            }
            Err(error) if code == "SyntaxError" && message.starts_with("Invalid predicate: '") => {
                // What the original's parser table would rather have seen is not told.
                let (told, _) = message.split_once(", expecting ").unwrap_or((message, ""));
                if error.message() == told || error.message() == message {
                    Ok(())
                } else {
                    Err(format!("expected {message}, found {}", error.message()))
                }
            }
            Err(error) if error.message() == message => Ok(()),
            Err(error) => Err(format!("expected {message}, found {}", error.message())),
        };
    }
    let (keys, description) =
        found.map_err(|error| format!("expected a result, found {error:?}"))?;
    let wanted: Vec<String> = expected["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| format!("{:?}", support::values::scalar(key)))
        .collect();
    if keys != wanted {
        return Err(format!(
            "expected keys {wanted:?}, found {keys:?}; {description}"
        ));
    }
    if let Some(wanted) = expected.get("description").and_then(Json::as_str) {
        let unordered = expected.get("descriptionListUnordered").is_some();
        if !same_description(wanted, &description, unordered) {
            return Err(format!(
                "expected description {wanted}, found {description}"
            ));
        }
        if expected
            .get("descriptionRoundTrips")
            .and_then(Json::as_bool)
            == Some(true)
        {
            let again = run(set, class, &description, &[]).map(|(keys, _)| keys);
            if again != Ok(keys) {
                return Err(format!(
                    "description does not round trip: {description}: {again:?}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn the_engine_answers_as_the_original_does() {
    let datasets: Json =
        serde_json::from_slice(&std::fs::read(vectors().join("datasets.json")).unwrap()).unwrap();
    let sets = support::load(&datasets);
    let mut report = String::new();
    for file in files() {
        let name = file.strip_prefix(vectors()).unwrap().display().to_string();
        let (mut passed, mut failed) = (0, Vec::new());
        let (mut not_copied, mut odd, mut unsupported) = (Vec::new(), Vec::new(), Vec::new());
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let case: Json = serde_json::from_str(line).unwrap();
            let id = case["id"].as_str().unwrap().to_owned();
            match check(&sets, &case) {
                Ok(()) => passed += 1,
                Err(_) if case.get("quirks").is_some() => not_copied.push(id),
                Err(_) if ODDITIES.iter().any(|(odd, _)| *odd == id) => odd.push(id),
                Err(why) if why.contains("is not supported by this engine") => unsupported.push(id),
                Err(why) => failed.push(format!("{id}: {why}")),
            }
        }
        let _ = writeln!(report, "{name}: {passed} passed");
        for (title, ids) in [
            ("quirks not copied", not_copied),
            ("oddities not copied", odd),
            ("not supported", unsupported),
        ] {
            if !ids.is_empty() {
                let _ = writeln!(report, "  {title} {}: {}", ids.len(), ids.join(" "));
            }
        }
        for why in failed {
            let _ = writeln!(report, "  failed {why}");
        }
    }
    expect_test::expect_file!["vectors.snapshot"].assert_eq(&report);
}
