//! Replay of golden vectors: recorded input and output of the original, as lines of JSON.
//!
//! The files are in `packages/conformance/vectors`, their format in the README there. Every replay
//! takes one line and says whether this implementation does the same, so that bindings and the
//! command line can offer it too.

pub mod apply;
pub mod by_kind;
pub mod codec;
pub mod convergence;
pub mod merge;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tidemark_changeset::Instruction;
use tidemark_changeset::json::{from_hex, instruction_from_json};

/// How a replay went, where nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The same as the original.
    Passed,
    /// Deliberately stricter than the original, as the format allows.
    Stricter,
}

/// Where the vectors of this repository are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors")
}

/// Replays all lines of a file: how many passed, and what went wrong with the others.
pub fn replay_file(
    path: &Path,
    replay_line: impl Fn(&str, Option<&Path>) -> Result<Outcome, String>,
) -> Result<(usize, Vec<String>), String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut passed = 0;
    let mut failures = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match replay_line(line, Some(path)) {
            Ok(_) => passed += 1,
            Err(failure) => failures.push(failure),
        }
    }
    Ok((passed, failures))
}

/// A line of JSON; values may nest deeper than `serde_json` reads by itself.
pub fn parse(line: &str) -> Result<Json, String> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    deserializer.disable_recursion_limit();
    let mut values = deserializer.into_iter::<Json>();
    let json = values
        .next()
        .ok_or("no JSON")?
        .map_err(|error| format!("not JSON: {error}"))?;
    if values.next().is_some() {
        Err("more than one JSON value on a line".to_owned())
    } else {
        Ok(json)
    }
}

pub(crate) fn member<'a>(json: &'a Json, name: &str) -> Result<&'a Json, String> {
    json.get(name).ok_or_else(|| format!("no member {name}"))
}

pub(crate) fn text<'a>(json: &'a Json, name: &str) -> Result<&'a str, String> {
    member(json, name)?
        .as_str()
        .ok_or_else(|| format!("{name} is not a string"))
}

pub(crate) fn array<'a>(json: &'a Json, name: &str) -> Result<&'a [Json], String> {
    member(json, name)?
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{name} is not an array"))
}

pub(crate) fn hex(json: &Json, name: &str) -> Result<Vec<u8>, String> {
    from_hex(text(json, name)?).ok_or_else(|| format!("{name} is not hex"))
}

pub(crate) fn instructions(json: &Json) -> Result<Vec<Instruction>, String> {
    array(json, "instructions")?
        .iter()
        .map(|instruction| instruction_from_json(instruction).map_err(|error| error.to_string()))
        .collect()
}

/// Puts the id of the case in front of what went wrong with it.
pub(crate) fn named<T>(case: &Json, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|failure| {
        let id = case
            .get("id")
            .and_then(Json::as_str)
            .unwrap_or("a case without id");
        let description = case
            .get("description")
            .and_then(Json::as_str)
            .unwrap_or_default();
        format!("{id} ({description}): {failure}")
    })
}
