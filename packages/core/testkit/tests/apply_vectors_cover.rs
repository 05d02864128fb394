//! The apply vectors, recorded and our own, speak of the whole data model: each instruction of each
//! type in each kind of property, required and optional, in objects and in embedded ones.

#![allow(clippy::unwrap_used)]

use serde_json::Value as Json;
use tidemark_changeset::json::instruction_from_json;
use tidemark_model::Schema;
use tidemark_testkit::said::{self, Said};
use tidemark_testkit::vectors::{directory, parse};

fn lines() -> Vec<Json> {
    let folder = directory().join("apply");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files = files.filter(|file| {
        file.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    let texts = files.map(|file| std::fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| {
            text.lines()
                .map(|line| parse(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What is done where it succeeds, and what is refused.
fn done() -> (Said, Said) {
    let (mut applied, mut refused) = (Said::new(), Said::new());
    for case in lines() {
        let (input, expected) = (&case["input"], &case["expected"]);
        let failed = expected.get("failedChangeset").and_then(Json::as_u64);
        let mut schema = Schema::default();
        let changesets = input["changesets"].as_array().unwrap().iter().zip(0..);
        let setup = input["setup"]
            .as_array()
            .unwrap()
            .iter()
            .map(|changeset| (changeset, false));
        for (changeset, fails) in
            setup.chain(changesets.map(|(changeset, index)| (changeset, failed == Some(index))))
        {
            let instructions = changeset["instructions"].as_array().unwrap();
            for instruction in instructions {
                let instruction = instruction_from_json(instruction).unwrap();
                // Of a changeset of several instructions it is not known which one is refused.
                let told = match (fails, instructions.len()) {
                    (false, _) => Some(&mut applied),
                    (true, 1) => Some(&mut refused),
                    (true, _) => None,
                };
                if let Some(told) = told {
                    told.extend(said::words(&schema, &instruction));
                }
                // A schema that cannot be changed stays as it is.
                let _ = schema.apply(&instruction);
            }
        }
    }
    (applied, refused)
}

fn missing(wanted: &Said, done: &Said) -> String {
    wanted
        .difference(done)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn everything_of_the_data_model_is_in_an_apply_vector() {
    let (applied, refused) = done();
    assert_eq!(
        missing(&said::everything(), &applied),
        "",
        "applied by no vector"
    );
    assert_eq!(
        missing(&said::everything_refused(), &refused),
        "",
        "refused in no vector"
    );
}
